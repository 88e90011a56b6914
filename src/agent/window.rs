//! The window: whoever may look is told how the agent is, over a local socket, and over HTTP where the configuration wants it.
//!
//! The rule: it looks at what others have told anyway (watches, the recorder's answer, the journal's file read as a stranger reads it),
//! holds nobody up, and does nothing while nobody asks. What it cannot have (a directory, a port) costs the looking, never the work.

mod clerk; // asks around, and makes the document ...
mod host; // lets guests in
mod http; // ... that metrics are made of
mod snapshot; // ... from what was said ...
mod socket; // ... that the local socket answers

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::courier::SinkStatus;
use super::recorder::{Health, Orders, Progress};
use super::supervise::supervised;
use super::tail::Tail;
use crate::config::{Config, Link, Sink};
use crate::model::BootId;
use crate::source::LinkStatus;
pub use clerk::Clerk;
use host::host;

/// A question is short; who has not asked it by then never will.
const QUESTION_WITHIN: Duration = Duration::from_secs(5);

/// And who has not taken the answer by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A directory or port that could not be had is tried again so often.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Where a configuration came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: Option<PathBuf>,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: Option<String>,
}

/// Everything that is at work, with what it tells of itself.
pub(super) struct Roster {
    pub config: Arc<Config>,
    pub origin: Origin,
    pub in_force: Instant,
    pub max_size: u64,
    pub links: Vec<(Arc<Link>, watch::Receiver<LinkStatus>)>,
    pub sinks: Vec<(Arc<Sink>, watch::Receiver<Progress>, watch::Receiver<SinkStatus>)>,
}

/// The parts of the agent that are always there.
#[derive(Clone)]
pub(super) struct Household {
    pub state_dir: PathBuf,
    pub boot: BootId,
    pub started: Instant,
    pub orders: Orders,
    pub tail: watch::Receiver<Arc<Tail>>,
    pub health: Arc<Health>,
    /// Samples given up by sinks since the start, also by those that are no more.
    pub given_up: Arc<AtomicU64>,
}

/// Both doors.
pub(super) struct Window {
    roster: watch::Sender<Arc<Roster>>,
    clerk: Clerk,
    socket: PathBuf,
    at_socket: JoinHandle<()>,
    metrics: Option<(SocketAddr, JoinHandle<()>)>,
}

impl Window {
    /// Opens the socket, and the port if the configuration names one.
    pub(super) fn open(roster: Roster, household: Household, socket: PathBuf) -> Window {
        let (roster, seen) = watch::channel(Arc::new(roster));
        let clerk = Clerk::new(seen, household);
        let at_socket = {
            let (clerk, socket) = (clerk.clone(), socket.clone());
            supervised("status socket".into(), move || socket::serve(clerk.clone(), socket.clone()))
        };
        let mut window = Window { roster, clerk, socket, at_socket, metrics: None };
        window.follow_metrics();
        window
    }

    /// Another configuration is in force.
    pub(super) fn show(&mut self, roster: Roster) {
        self.roster.send_replace(Arc::new(roster));
        self.follow_metrics();
    }

    fn follow_metrics(&mut self) {
        let wanted = self.roster.borrow().config.metrics.listen;
        if self.metrics.as_ref().map(|(address, _)| *address) == wanted {
            return;
        }
        if let Some((_, task)) = self.metrics.take() {
            task.abort();
        }
        self.metrics = wanted.map(|address| {
            let clerk = self.clerk.clone();
            (address, supervised("metrics".into(), move || http::serve(clerk.clone(), address)))
        });
    }

    /// Nobody is answered any more, and nothing is left behind.
    pub(super) fn close(self) {
        self.at_socket.abort();
        if let Some((_, task)) = self.metrics {
            task.abort();
        }
        std::fs::remove_file(&self.socket).ok(); // there is none where it could not be had
    }
}

/// Where the socket is: in systemd's runtime directory, which those may enter who may ask; else beside the journal.
pub fn socket_path(runtime: Option<&Path>, state_dir: &Path) -> PathBuf {
    runtime.unwrap_or(state_dir).join(crate::status::wire::SOCKET)
}
