//! What a person types for an OPC UA server, a link of the configuration or a URL, as somebody to visit.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;

use super::load::load_or_explain;
use super::run::state_dir;
use super::trust::refuse_strangers;
use super::{EXIT_USAGE, endpoint, fail};
use crate::config::opcua::SecurityMode;
use crate::config::{Link, Transport};
use crate::model::words::{browse as words, tools};
use crate::model::{Lang, Trouble};
use crate::source::opcua::visit::Errand;

/// How a server is reached that no file knows. Whoever wants security pins a certificate, and that belongs to a link.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Security {
    None,
}

/// A server to visit.
pub(super) struct Server {
    pub(super) link: Arc<Link>,
    /// The lines of its `[[link]]` besides the name, where no file has it.
    pub(super) new_link: Option<String>,
    workshop: (String, String),
    state_dir: PathBuf,
}

/// Whether a URL of a server is meant rather than the name of a link.
pub(super) fn is_url(typed: &str) -> bool {
    typed.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

const SCHEME: &str = "opc.tcp://";

/// What a link is called that stands in no file.
const NEW: &str = "opcua";

impl Server {
    /// The server behind a URL, or behind a link of this file.
    pub(super) fn find(typed: &str, file: &Path, security: Option<Security>) -> Result<Server, ExitCode> {
        let usage = |trouble: Trouble| fail(&trouble, EXIT_USAGE);
        if is_url(typed) {
            if security.is_none() {
                return Err(usage(Trouble::new(words::URL_WITHOUT_SECURITY).with("url", typed)));
            }
            let keys = format!("opcua = {}\nsecurity = \"none\"", endpoint::quoted(typed));
            let mut link = endpoint::link(&keys).map_err(usage)?;
            link.name = NEW.into();
            // Without security nothing is kept: there is no directory to be named.
            let (workshop, state_dir) = ((String::new(), String::new()), PathBuf::new());
            return Ok(Server { link: Arc::new(link), new_link: Some(keys), workshop, state_dir });
        }
        if security.is_some() {
            return Err(usage(Trouble::new(words::SECURITY_OF_LINK).with("link", typed)));
        }
        let config = load_or_explain(file)?;
        let Some(link) = config.links.iter().find(|link| *link.name == *typed) else {
            let known = config.links.iter().map(|link| link.name.as_ref()).collect::<Vec<_>>().join(", ");
            return Err(usage(Trouble::new(tools::NO_SUCH_LINK).with("found", typed).with("known", known)));
        };
        if !link.transport.is_opcua() {
            let trouble = Trouble::new(words::NOT_OPCUA).with("link", typed);
            return Err(usage(trouble.with("endpoint", &link.transport)));
        }
        let (link, state_dir) = (link.clone(), state_dir(&config, file));
        if matches!(&link.transport, Transport::OpcUa(server) if server.mode != SecurityMode::None) {
            refuse_strangers(&state_dir).map_err(|(trouble, code)| fail(&trouble, code))?;
        }
        let workshop = (config.workshop.enterprise, config.workshop.id);
        Ok(Server { link, new_link: None, workshop, state_dir })
    }

    /// A visit of so long at most.
    pub(super) fn errand(&self, time: Duration, stop: &Arc<AtomicBool>) -> Errand<'_> {
        Errand {
            link: &self.link,
            workshop: (&self.workshop.0, &self.workshop.1),
            state_dir: &self.state_dir,
            lang: Lang::current(),
            time,
            stop: stop.clone(),
        }
    }
}

/// Does something that ends by itself when it is told to: with Ctrl-C it hands out what it has.
pub(super) async fn until_interrupted<T>(stop: &AtomicBool, doing: impl Future<Output = T>) -> T {
    let interrupted = async {
        tokio::signal::ctrl_c().await.ok(); // without signals it ends by its limits
        stop.store(true, Ordering::Relaxed);
        std::future::pending::<std::convert::Infallible>().await
    };
    tokio::select! {
        done = doing => done,
        never = interrupted => match never {},
    }
}
