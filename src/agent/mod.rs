//! Builds the rooms from a configuration, starts them, watches, reloads and stops them. Here alone the rooms meet: links
//! hand batches to the [`recorder`], couriers take records from its [`tail`].

mod clock;
mod courier;
mod dial_in;
pub mod egress;
mod flight;
mod fresh; // which values are fresh, and which are not
mod hold;
mod lanes;
mod ntp;
mod pending;
mod receipts;
#[cfg(test)]
mod receiver;
mod recorder;
mod space;
mod supervise;
mod suspect;
mod systemd;
mod tail;
mod timekeeper;
mod unwritten;
mod window; // where people look in

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

pub use courier::SinkStatus;
pub use recorder::Health;
pub use systemd::Systemd;
pub use window::{Origin, socket_path};

use crate::config::{self, Config, Device, Link, Persist, Sink, Tag, Transport, Workshop};
use crate::indicator::{Meaning, Plan};
use crate::journal::{Journal, Limits, Settings};
use crate::ledger::Expected;
use crate::model::ledger::Account;
use crate::model::words::agent as words;
use crate::model::{BootId, Group, Lang, LinkState, Priority, Timestamp, Trouble};
use crate::sink::Scope;
use crate::sink::scope::Verdict;
use crate::sink::witness::{self, Post};
#[cfg(feature = "opcua")]
use crate::source::opcua::Client;
use crate::source::{LinkStatus, Poller, poller};
use courier::{Courier, Desk, Order};
use dial_in::DialIn;
use receipts::Tallies;
use recorder::{Audience, Command, Machine, Progress, Recorder};
use supervise::supervised;
use window::{Household, Roster, Window};

/// How long a stop may take before what is left is dropped by name.
pub const GRACE: Duration = Duration::from_secs(5);

/// Bytes of a record's message at most: common brokers take 128 kB. Sinks with smaller messages lower it.
const MESSAGE_BYTES: usize = 128_000;

/// A running agent.
pub struct Agent {
    config: Arc<Config>,
    state_dir: PathBuf,
    boot: BootId,
    started: Instant,
    recorder: Recorder,
    witnesses: Post,
    links: HashMap<Arc<str>, RunningLink>,
    sinks: HashMap<Arc<str>, RunningSink>,
    /// Samples given up by sinks since the start, also by those that are no more.
    given_up: Arc<AtomicU64>,
    dial_in: DialIn,
    origin: Origin,
    in_force: Instant,
    window: Option<Window>,
}

/// What a link's task was made from, to see whether a reload changes it.
struct RunningLink {
    made_from: (Arc<Link>, Vec<Arc<Device>>),
    stop: watch::Sender<bool>,
    status: watch::Receiver<LinkStatus>,
    task: JoinHandle<()>,
}

struct RunningSink {
    made_from: (Arc<Sink>, Workshop, Vec<Arc<Device>>),
    order: watch::Sender<Order>,
    progress: watch::Receiver<Progress>,
    status: watch::Receiver<SinkStatus>,
    tallies: watch::Sender<Tallies>,
    task: JoinHandle<()>,
}

impl Agent {
    /// Opens the journal in `state_dir` and starts everything. Must be called within a runtime.
    pub async fn start(config: Config, state_dir: PathBuf) -> Result<Agent, Trouble> {
        let config = Arc::new(config);
        let boot = BootId(getrandom::u64().map_err(|error| Trouble::new(words::NO_RANDOM).with("error", error))?);
        let settings = Settings { dir: state_dir.clone(), limits: limits(&config, &state_dir) };
        let journal = Journal::open(settings, boot, Timestamp::of(SystemTime::now()))?;
        let started = Instant::now();
        let recorder = {
            let config::Journal { commit_interval, persist, .. } = config.journal;
            Recorder::start(journal, commit_interval, persist, message_bytes(&config), config.clock, started)
        };
        let witnesses = keep_egress_log(&recorder, &config, &state_dir, boot);
        let mut agent = Agent {
            config: config.clone(),
            state_dir,
            boot,
            started,
            recorder,
            witnesses,
            links: HashMap::new(),
            sinks: HashMap::new(),
            given_up: Arc::default(),
            dial_in: DialIn::default(),
            origin: Origin::default(),
            in_force: started,
            window: None,
        };
        agent.put_in_force(config).await;
        Ok(agent)
    }

    /// Puts a new configuration in force: stops and starts only what it changes.
    pub async fn reload(&mut self, config: Config, state_dir: &Path) {
        if state_dir != self.state_dir {
            let trouble = Trouble::new(words::JOURNAL_MOVED).with("old", self.state_dir.display());
            let trouble = trouble.with("new", state_dir.display());
            warn!(code = %trouble.code, "{trouble}");
        }
        self.recorder.tell(Command::Limits {
            limits: limits(&config, &self.state_dir),
            commit_interval: config.journal.commit_interval,
            persist: config.journal.persist,
            message_bytes: message_bytes(&config),
        });
        self.recorder.tell(Command::Egress(config.egress.clone(), zone(&config)));
        self.recorder.tell(Command::Clock(config.clock));
        self.put_in_force(Arc::new(config)).await;
    }

    /// Lets people look in at this socket, and where the configuration says. `origin`: where that came from.
    pub fn open_window(&mut self, socket: PathBuf, origin: Origin) {
        self.origin = origin;
        let household = Household {
            state_dir: self.state_dir.canonicalize().unwrap_or_else(|_| self.state_dir.clone()),
            boot: self.boot,
            started: self.started,
            orders: self.recorder.orders(),
            tail: self.recorder.tail(),
            health: self.recorder.health(),
            given_up: self.given_up.clone(),
        };
        self.window = Some(Window::open(self.roster(), household, socket));
    }

    /// Where the configuration came from that is put in force with the next [`Agent::reload`].
    pub fn came_from(&mut self, origin: Origin) {
        self.origin = origin;
    }

    fn roster(&self) -> Roster {
        let (config, origin) = (self.config.clone(), self.origin.clone());
        let link = |link: &Arc<Link>| Some((link.clone(), self.links.get(&link.name)?.status.clone()));
        let sink = |sink: &Arc<Sink>| {
            let running = self.sinks.get(&sink.name)?;
            Some((sink.clone(), running.progress.clone(), running.status.clone()))
        };
        Roster {
            links: config.links.iter().filter_map(link).collect(),
            sinks: config.sinks.iter().filter_map(sink).collect(),
            max_size: max_size(&config, &self.state_dir),
            in_force: self.in_force,
            config,
            origin,
        }
    }

    async fn put_in_force(&mut self, config: Arc<Config>) {
        self.config = config.clone();
        let has_new_seats = self.dial_in.follow(&config);
        self.stop_changed_links(&config, has_new_seats).await;
        let stopped = self.stop_changed_sinks(&config).await;
        for sink in &config.sinks {
            if !self.sinks.contains_key(&sink.name) {
                let progress = match stopped.get(&sink.name) {
                    Some(progress) => progress.clone(),
                    None => self.recorder.progress_of(&sink.name).await,
                };
                let running = self.start_sink(&config, sink.clone(), progress);
                self.sinks.insert(sink.name.clone(), running);
            }
        }
        let progress = self.sinks.iter().map(|(name, sink)| (name.to_string(), sink.progress.clone()));
        self.recorder.tell(Command::Sinks(progress.collect()));
        let audience = |(name, sink): (&Arc<str>, &RunningSink)| (name.to_string(), sink.audience());
        self.recorder.tell(Command::Audiences(self.boot, self.sinks.iter().map(audience).collect()));
        self.recorder.tell(Command::Expect(self.started, expected(&config)));
        self.recorder.tell(Command::Figures(self.boot, machines(&config)));
        self.recorder.in_force().await;
        for link in &config.links {
            if !self.links.contains_key(&link.name) {
                let running = self.start_link(&config, link.clone());
                self.links.insert(link.name.clone(), running);
            }
        }
        self.in_force = Instant::now();
        let roster = self.roster();
        if let Some(window) = &mut self.window {
            window.show(roster);
        }
    }

    async fn stop_changed_links(&mut self, config: &Config, has_new_seats: bool) {
        let is_same = |running: &RunningLink| {
            let (link, devices) = &running.made_from;
            let has_lost_its_seat = has_new_seats && matches!(link.transport, Transport::RtuListen { .. });
            config.links.contains(link) && config.devices_of(&link.name).eq(devices) && !has_lost_its_seat
        };
        let mut stopping: Vec<RunningLink> = Vec::new();
        for name in self.links.keys().cloned().collect::<Vec<_>>() {
            if self.links.get(&name).is_some_and(|running| !is_same(running)) {
                stopping.extend(self.links.remove(&name));
            }
        }
        stop_links(stopping, GRACE).await;
    }

    /// How far each of the stopped ones had come.
    async fn stop_changed_sinks(&mut self, config: &Config) -> HashMap<Arc<str>, Progress> {
        let mut stopped = HashMap::new();
        let is_same = |running: &RunningSink| {
            let (sink, workshop, devices) = &running.made_from;
            config.sinks.contains(sink) && config.workshop == *workshop && config.devices == *devices
        };
        for name in self.sinks.keys().cloned().collect::<Vec<_>>() {
            if self.sinks.get(&name).is_some_and(|running| !is_same(running))
                && let Some(running) = self.sinks.remove(&name)
            {
                // Safe at any point: what was not acknowledged is sent again from the cursor.
                running.task.abort();
                running.task.await.ok(); // cancelled, as just asked
                stopped.insert(name, running.progress.borrow().clone());
            }
        }
        stopped
    }

    fn start_link(&self, config: &Arc<Config>, link: Arc<Link>) -> RunningLink {
        let (stop, stopped) = watch::channel(false);
        let (status, seen) = watch::channel(LinkStatus::default());
        let made_from = (link.clone(), config.devices_of(&link.name).cloned().collect());
        let (config, outlet, started) = (config.clone(), self.recorder.outlet(), self.started);
        let (seat, state_dir) = (self.dial_in.seat(&link.name), self.state_dir.clone());
        let name = format!("link {}", link.name);
        let task = supervised(name, move || {
            let (outlet, status, seat, state_dir) = (outlet.clone(), status.clone(), seat.clone(), state_dir.clone());
            let surroundings = poller::Place { outlet, started, status, seat, state_dir };
            let (config, link, stopped) = (config.clone(), link.clone(), stopped.clone());
            async move { hear(&config, link, surroundings, stopped).await }
        });
        RunningLink { made_from, stop, status: seen, task }
    }

    fn start_sink(&self, config: &Arc<Config>, sink: Arc<Sink>, progress: Progress) -> RunningSink {
        let (order, ordered) = watch::channel(Order::Work);
        let (progress, seen_progress) = watch::channel(progress);
        let (status, seen) = watch::channel(SinkStatus::default());
        let tallies = watch::Sender::new(Tallies::default());
        let desk = Desk {
            progress,
            status,
            order: ordered,
            tail: self.recorder.tail(),
            recorder: self.recorder.orders(),
            boot: self.boot,
            started: self.started,
            tallies: tallies.clone(),
            given_up: self.given_up.clone(),
            witness: self.witnesses.witness(&sink.name),
        };
        let made_from = (sink.clone(), config.workshop.clone(), config.devices.clone());
        let config = config.clone();
        let name = format!("sink {}", sink.name);
        let task = supervised(name, move || Courier::new(config.clone(), sink.clone(), desk.clone()).run());
        RunningSink { made_from, order, progress: seen_progress, status: seen, tallies, task }
    }

    /// Links first, so that nothing new comes; then everything heard is committed; then the sinks deliver what they can
    /// within the grace; then the journal is closed. (Acknowledgements flow backwards, so closing by dropped senders
    /// alone would deadlock.)
    pub async fn stop(self) {
        let deadline = Instant::now() + GRACE;
        let left = || deadline.saturating_duration_since(Instant::now());
        if let Some(window) = self.window {
            window.close();
        }
        stop_links(self.links.into_values().collect(), GRACE / 2).await; // the rest is the sinks'
        let flushed = tokio::time::timeout(left(), self.recorder.flush()).await;
        for sink in self.sinks.values() {
            sink.order.send_replace(Order::Drain);
        }
        for (name, mut sink) in self.sinks {
            if tokio::time::timeout(left(), &mut sink.task).await.is_err() {
                sink.task.abort();
                let trouble = Trouble::new(words::SINK_NOT_DRAINED).with("sink", &name);
                warn!(code = %trouble.code, "{trouble}");
            }
        }
        let is_closed = flushed.is_ok() && self.recorder.stop(GRACE).await;
        if !is_closed {
            let trouble = Trouble::new(words::JOURNAL_NOT_CLOSED).with("path", self.state_dir.display());
            warn!(code = %trouble.code, "{trouble}");
        }
        info!(
            "{}",
            match Lang::current() {
                Lang::En => "stopped",
                Lang::Zh => "已停止",
            }
        );
    }

    /// Waits until the recorder has ended by itself, which it never should: nothing can be stored any more.
    pub async fn recorder_gone(&mut self) {
        self.recorder.gone().await;
    }

    /// How things are, for the status line and for the demo.
    pub fn overview(&self) -> Overview {
        let tail = self.recorder.tail();
        let last = { (tail.borrow().last_data, tail.borrow().last_events) };
        let waiting = self.sinks.values().map(|sink| sink.progress.borrow().waiting(last));
        let health = self.recorder.health();
        let now_ms = self.started.elapsed().as_millis() as u64;
        Overview {
            links: self.links.len(),
            links_up: self.links.values().filter(|link| link.status.borrow().state == Some(LinkState::Up)).count(),
            devices: self.config.devices.iter().filter(|device| device.link.is_some()).count(),
            devices_online: self.links.values().map(|link| link.status.borrow().devices_online(now_ms)).sum(),
            sinks: self.sinks.len(),
            sinks_connected: self.sinks.values().filter(|sink| sink.status.borrow().is_connected).count(),
            // Positions are passed over by a crash, so there are at most as many as there are records.
            waiting_records: waiting.max().unwrap_or(0).min(health.records.load(Ordering::Relaxed)),
            acked: self.sinks.values().map(|sink| sink.status.borrow().acked).sum(),
            committed_samples: health.committed.load(Ordering::Relaxed),
            dropped_samples: health.dropped.load(Ordering::Relaxed) + self.given_up.load(Ordering::Relaxed),
            quarantined: self.sinks.values().map(|sink| sink.status.borrow().quarantined).sum(),
            missed_scans: self.links.values().map(|link| link.status.borrow().overruns).sum(),
            journal_bytes: health.bytes.load(Ordering::Relaxed),
            turns: health.turns.load(Ordering::Relaxed),
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl RunningSink {
    /// Of which devices it may get something.
    fn audience(&self) -> Audience {
        let (sink, _, devices) = &self.made_from;
        let scope = Scope::of(sink, devices);
        let leaves = |device: &Device, tag: &Tag| scope.verdict(&device.id, &tag.name, tag.grade) == Verdict::Leaves;
        let heard = devices.iter().filter(|device| device.tags.iter().any(|tag| leaves(device, tag)));
        Audience { devices: heard.map(|device| device.id.clone()).collect(), tallies: self.tallies.clone() }
    }
}

/// How things are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Links of the configuration.
    pub links: usize,
    /// Links that answer.
    pub links_up: usize,
    /// Devices on a link.
    pub devices: usize,
    /// Devices with a good value in the last three periods.
    pub devices_online: usize,
    /// Sinks of the configuration.
    pub sinks: usize,
    /// Sinks whose broker has accepted us.
    pub sinks_connected: usize,
    /// Records that the slowest sink has not delivered.
    pub waiting_records: u64,
    /// Messages acknowledged since the start.
    pub acked: u64,
    /// Samples since the start that are on the disk, or delivered everywhere without having been there.
    pub committed_samples: u64,
    /// Samples given up since the start.
    pub dropped_samples: u64,
    /// Records put into quarantine since the start.
    pub quarantined: u64,
    /// The journal on disk.
    pub journal_bytes: u64,
    /// Scans that were due and did not happen, because the one before took too long.
    pub missed_scans: u64,
    /// Turns of the recorder: it lives as long as they grow.
    pub turns: u64,
}

/// Gives the recorder's thread the egress log to write, and the sinks an end to tell it.
fn keep_egress_log(recorder: &Recorder, config: &Config, state_dir: &Path, boot: BootId) -> Post {
    let (post, inbox) = witness::channel(recorder.thread());
    let now = Timestamp::of(SystemTime::now());
    let book = egress::Book::open(state_dir, config.egress.clone(), zone(config), boot, inbox, now);
    recorder.tell(Command::EgressLog(Box::new(book)));
    post
}

/// The workshop's time zone.
fn zone(config: &Config) -> TimeZone {
    crate::model::zone(&config.workshop.timezone).unwrap_or(TimeZone::UTC)
}

/// The task of one link, by its protocol.
async fn hear(config: &Config, link: Arc<Link>, place: poller::Place, stop: watch::Receiver<bool>) {
    #[cfg(feature = "opcua")]
    if let Transport::OpcUa(server) = &link.transport {
        let server = server.as_ref().clone();
        return Client::new(config, link, server, place).run(stop).await;
    }
    Poller::new(config, link, place).run(stop).await;
}

/// What the ledger is to expect: the tags of each device on a link, by period.
fn expected(config: &Config) -> Vec<Expected> {
    let of_device = |device: &Arc<Device>| {
        let of_period = |(period, tags): (Duration, Vec<&Tag>)| {
            let group = Group::new(device.id.clone(), period, tags.iter().map(|tag| tag.info()).collect());
            let account = Account { device: group.device.clone(), period_ms: group.period_ms() };
            Expected { account, id: group.id, tags: group.tags.len() }
        };
        device.by_period().into_iter().map(of_period).collect::<Vec<_>>()
    };
    config.devices.iter().filter(|device| device.link.is_some()).flat_map(of_device).collect()
}

/// The machines of which figures are made.
fn machines(config: &Config) -> Vec<Machine> {
    let is_guarded = |device: &str, tag: &str| {
        let of = config.devices.iter().find(|known| *known.id == *device);
        of.and_then(|device| device.tags.iter().find(|known| *known.name == *tag))
            .is_some_and(|it| it.grade.level.is_guarded())
    };
    let keeps_values = |device: &str| {
        let of = config.devices.iter().find(|known| *known.id == *device);
        let link = of.and_then(|device| config.links.iter().find(|link| Some(&link.name) == device.link.as_ref()));
        link.is_some_and(|link| link.transport.is_opcua())
    };
    let machine = |plan: Plan| {
        let tells_cause = |meaning: &Meaning| matches!(meaning, Meaning::AlarmCode | Meaning::StopReason);
        let hides_causes =
            plan.inputs.iter().any(|input| tells_cause(&input.meaning) && is_guarded(&input.device, &input.tag));
        let of = config.devices.iter().find(|device| device.id == plan.device);
        let causes = of.map(|device| device.equipment.causes.clone()).unwrap_or_default();
        let may_come_late = plan.inputs.iter().any(|input| keeps_values(&input.device));
        Machine { plan: Arc::new(plan), hides_causes, causes, may_come_late }
    };
    Plan::all(config).into_iter().map(machine).collect()
}

/// Tells all of them at once, then waits for each; what has not ended in time is dropped.
async fn stop_links(links: Vec<RunningLink>, grace: Duration) {
    let deadline = Instant::now() + grace;
    for link in &links {
        link.stop.send_replace(true);
    }
    for mut link in links {
        let left = deadline.saturating_duration_since(Instant::now());
        if tokio::time::timeout(left, &mut link.task).await.is_err() {
            link.task.abort();
            let trouble = Trouble::new(words::LINK_NOT_STOPPED).with("link", &link.made_from.0.name);
            warn!(code = %trouble.code, "{trouble}");
        }
    }
}

/// The journal's limits, as configured, or as the file system suggests.
fn limits(config: &Config, state_dir: &Path) -> Limits {
    let of_device = |device: &Arc<Device>| (device.id.clone(), device.priority);
    let unusual = config.devices.iter().map(of_device).filter(|(_, priority)| *priority != Priority::default());
    Limits {
        max_size: max_size(config, state_dir),
        max_age: config.journal.max_age,
        reserve: reserve(config, state_dir),
        history: (config.journal.persist == Persist::Always).then_some(config.journal.history),
        priorities: unusual.collect(),
    }
}

/// Free space that is left to others: as configured, else the smaller of 200 MB and a twentieth of the file system.
pub fn reserve(config: &Config, state_dir: &Path) -> u64 {
    const MOST: u64 = 200_000_000;
    let suggested = || space::file_system_bytes(state_dir).map_or(MOST, |all| MOST.min(all / 20));
    config.journal.reserve.unwrap_or_else(suggested)
}

/// The journal's size limit: as configured, else the smaller of 2 GB and a quarter of the file system.
pub fn max_size(config: &Config, state_dir: &Path) -> u64 {
    const MOST: u64 = 2_000_000_000;
    config.journal.max_size.unwrap_or_else(|| space::file_system_bytes(state_dir).map_or(MOST, |all| MOST.min(all / 4)))
}

/// What every sink takes.
fn message_bytes(config: &Config) -> usize {
    config.sinks.iter().map(|sink| sink.max_message).fold(MESSAGE_BYTES, usize::min)
}
