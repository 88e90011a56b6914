//! Server: the door of the OPC UA machine. Security is on; whoever wants it off says so.
//!
//! It owns the port, the clock of the machine and the counter [`nodes::SCAN`]. Rule: the machine changes every [`CHANGE`], and
//! with each change that is told to a subscription the counter rises by one, and for nothing else; so the values handed out are
//! 1, 2, 3, ... without a gap, and whoever received them all has lost nothing. Nobody can write.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use opcua::crypto::{SecurityPolicy, X509Data};
use opcua::server::address_space::AddressSpace;
use opcua::server::node_manager::ServerContext;
use opcua::server::node_manager::memory::{InMemoryNodeManager, InMemoryNodeManagerBuilder};
use opcua::server::{ANONYMOUS_USER_TOKEN_ID, ServerBuilder, ServerHandle, ServerUserToken};
use opcua::types::{DataValue, DateTime, MessageSecurityMode, NodeId};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::floor::Floor;
use super::folder::{APPLICATION_URI, Folder};
use super::nodes::{Machine, NODES};
use crate::model::Trouble;
use crate::model::words::simulator as words;
use crate::simulator::machine::Glance;
use crate::simulator::server::{HandedOut, cannot_listen};
use crate::simulator::workshop::OPCUA_MACHINE;

/// The user that may log in with the password.
pub const USER: &str = "operator";

/// Between two changes of the machine. The moments stand on a grid of this width, so that a client that samples as often hears
/// each of them.
pub const CHANGE: Duration = Duration::from_millis(500);

/// Who is let in, and how.
#[derive(Clone)]
pub struct Setup {
    /// Certificates.
    pub folder: Folder,
    /// Of the user [`USER`].
    pub password: String,
    /// Nobody in particular may log in too.
    pub lets_anybody_in: bool,
    /// An endpoint without security is offered besides; only for nobody in particular, since a password would be readable.
    pub has_plain_endpoint: bool,
    /// Certificates of clients are trusted when they come for the first time.
    pub trusts_all: bool,
}

/// A running server. Dropping it closes the port and all its connections.
pub struct Server {
    url: String,
    machine: Machine,
    started: Instant,
    changes: Arc<AtomicU32>,
    handle: ServerHandle,
    serving: JoinHandle<()>,
    changing: JoinHandle<()>,
}

impl Server {
    /// Serves a machine. Port 0 takes any free one; [`Server::url`] tells which.
    pub async fn start(bind: SocketAddr, seed: u64, setup: &Setup) -> Result<Server, Trouble> {
        let listener = TcpListener::bind(bind).await.map_err(|error| cannot_listen(bind, &error))?;
        let addr = listener.local_addr().map_err(|error| cannot_listen(bind, &error))?;
        let failed = |error: String| Trouble::new(words::SIM_OPCUA_FAILED).with("error", error);

        let host = host(addr);
        let (url, machine, started) = (format!("opc.tcp://{host}:{}", addr.port()), Machine::new(seed), Instant::now());
        let sight = machine.sight(Duration::ZERO, 0);
        let floor = move |context: ServerContext, space: &mut AddressSpace| Floor::build(&context, space, &sight);
        let builder = builder(setup).host(host).port(addr.port()).discovery_urls(vec![url.clone()]);
        let (server, handle) =
            builder.with_node_manager(InMemoryNodeManagerBuilder::new(floor)).build().map_err(failed)?;
        let space = handle.node_managers().get_of_type::<InMemoryNodeManager<Floor>>();
        let space = space.expect("it was given to the builder");

        let serving = tokio::spawn(async move {
            if let Err(error) = server.run_with(listener).await {
                tracing::warn!(%error, "the simulated OPC UA server stopped");
            }
        });
        let changes = Arc::new(AtomicU32::new(0));
        let changing = tokio::spawn(change(Work {
            machine: machine.clone(),
            space,
            handle: handle.clone(),
            changes: changes.clone(),
            started,
        }));
        Ok(Server { url, machine, started, changes, handle, serving, changing })
    }

    /// Where it listens: `opc.tcp://127.0.0.1:4840`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The machine stands still from now on: nothing changes any more, and what was told can be waited for.
    pub async fn stand_still(&mut self) {
        self.changing.abort();
        (&mut self.changing).await.ok(); // an aborted task says that it was cancelled
    }

    /// What has been handed out until now: for good after [`Server::stand_still`].
    pub fn handed_out(&self) -> HandedOut {
        HandedOut { machine: OPCUA_MACHINE, scans: self.changes.load(Ordering::Relaxed).into() }
    }

    /// What somebody walking past the machine would notice now.
    pub fn glance(&self) -> Glance {
        self.machine.glance(self.started.elapsed())
    }

    /// Ends all sessions and closes the port.
    pub async fn stop(mut self) {
        const FAREWELL: Duration = Duration::from_secs(1);
        self.handle.cancel();
        tokio::time::timeout(FAREWELL, &mut self.serving).await.ok(); // who does not take the farewell is left
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.cancel();
        self.serving.abort();
        self.changing.abort();
    }
}

fn builder(setup: &Setup) -> ServerBuilder {
    const PLAIN: (SecurityPolicy, MessageSecurityMode) = (SecurityPolicy::None, MessageSecurityMode::None);
    let anybody = setup.lets_anybody_in.then_some(ANONYMOUS_USER_TOKEN_ID);
    let users: Vec<&str> = [USER].into_iter().chain(anybody).collect();
    let mut builder = ServerBuilder::new()
        .application_name("cloudward simulator")
        .application_uri(APPLICATION_URI)
        .product_uri(APPLICATION_URI)
        .pki_dir(setup.folder.dir())
        .trust_client_certs(setup.trusts_all)
        .add_user_token(USER, ServerUserToken::user_pass(USER, &setup.password));
    for policy in POLICIES {
        for mode in [MessageSecurityMode::Sign, MessageSecurityMode::SignAndEncrypt] {
            builder = builder.add_endpoint(format!("{policy} {mode}"), ("/", policy, mode, &users[..]));
        }
    }
    if setup.has_plain_endpoint {
        builder = builder.add_endpoint("None", ("/", PLAIN.0, PLAIN.1, &[ANONYMOUS_USER_TOKEN_ID][..]));
    }
    let limits = &mut builder.limits_mut().subscriptions;
    limits.max_monitored_item_queue_size = LONGEST_QUEUE;
    limits.max_queued_notifications = LONGEST_QUEUE;
    builder
}

const POLICIES: [SecurityPolicy; 3] =
    [SecurityPolicy::Aes256Sha256RsaPss, SecurityPolicy::Basic256Sha256, SecurityPolicy::Aes128Sha256RsaOaep];

/// Values that wait for a client that is away for a while: 1,000 changes are eight minutes.
const LONGEST_QUEUE: usize = 1_000;

/// What clients are told to connect to: they follow it, so it must not be `0.0.0.0`.
fn host(addr: SocketAddr) -> String {
    match addr.ip() {
        ip if ip.is_unspecified() => {
            X509Data::computer_hostnames().into_iter().next().unwrap_or_else(|| "127.0.0.1".into())
        }
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    }
}

/// What changes the machine.
struct Work {
    machine: Machine,
    space: Arc<InMemoryNodeManager<Floor>>,
    handle: ServerHandle,
    changes: Arc<AtomicU32>,
    started: Instant,
}

/// Ends only by being aborted.
async fn change(work: Work) {
    const TICK: Duration = Duration::from_nanos(100); // of a DateTime (Part 6, 5.2.2.5)
    let began = DateTime::now().ticks();
    let ids: Vec<NodeId> = NODES.iter().map(|node| work.space.inner().id(node.path)).collect();
    let mut tick = tokio::time::interval_at((work.started + CHANGE).into(), CHANGE);
    // A machine that was held up goes on from where it is.
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let on_grid = tick.tick().await.into_std().saturating_duration_since(work.started);
        let ticks = i64::try_from(on_grid.as_nanos() / TICK.as_nanos()).expect("nobody simulates for millennia");
        let subscriptions = work.handle.subscriptions();
        let is_told = work.space.inner().is_watched(subscriptions);
        let changes = work.changes.fetch_add(is_told.into(), Ordering::Relaxed) + u32::from(is_told);
        let (sight, at) = (work.machine.sight(on_grid, changes), DateTime::from(began + ticks));
        let values = NODES.iter().map(|node| DataValue::new_at((node.value)(&sight), at));
        let values = ids.iter().zip(values).map(|(id, value)| (id, None, value));
        work.space.set_values(subscriptions, values).expect("all nodes were put there at the start");
    }
}
