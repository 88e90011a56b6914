//! One task per link: waits until a group is due, reads its blocks, hands on one batch. Whatever fails on the way
//! becomes `Bad` readings with their cause; a scan that was due is never simply missing.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tracing::{debug, info, warn};

use super::breaker::{Handling, handling};
use super::connection::{Connection, OpenFault, ReadFault};
use super::decode::{Answer, decode};
use super::learn::Learner;
use super::listener::Seat;
use super::plan::Spot;
use crate::config::{Config, Link, Tag, Transport};
use crate::model::words::source as words;
use crate::model::{Backoff, Batch, Code, Event, Group, LinkState, Reading, Timestamp, Trouble, Why};
use crate::source::schedule::Schedule;
use crate::source::{Heard, Outlet};

/// What others may know of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// `None` until the first attempt has ended.
    pub state: Option<LinkState>,
    /// Why it is down.
    pub why: Option<Why>,
    /// Scans handed on.
    pub scans: u64,
    /// Scans with at least one bad reading.
    pub bad_scans: u64,
    /// Scans that were due and did not happen because the one before took too long.
    pub overruns: u64,
}

/// The task of one link.
pub struct Poller {
    link: Arc<Link>,
    polled: Vec<Polled>,
    outlet: Outlet,
    started: Instant,
    status: watch::Sender<LinkStatus>,
    backoff: Backoff,
    /// Connections lost in a row without one good answer in between.
    fruitless: usize,
    /// Groups of tags whose illegal address was logged already.
    complained: Vec<bool>,
    /// When scans were missed last.
    overran: Option<Instant>,
    /// Whether somebody still takes what is read.
    is_heard: bool,
    /// What the system said when the link could not be opened.
    open_error: String,
    /// Where its unit dials in, if it does.
    seat: Option<Seat>,
}

/// One group with all that is needed to read it.
struct Polled {
    group: Arc<Group>,
    unit: u8,
    tags: Vec<Tag>,
    learner: Learner,
}

/// What one scan brought.
struct Scanned {
    readings: Vec<Reading>,
    /// Why the connection was lost, if it was.
    lost: Option<Why>,
    /// Why the unit did not answer, on a line that is fine.
    silent: Option<Why>,
    /// Whether the device said anything, be it an exception.
    is_answered: bool,
}

/// The state of the line.
enum Line {
    Down { retry_at: Instant, why: Why },
    Dialing { dial: JoinHandle<Result<Connection, OpenFault>>, why: Why },
    Up(Connection),
}

impl Poller {
    /// The poller of `link` with all devices behind it. `started` is the zero of the monotonic clock; what others may
    /// know goes to `status`, which outlives the poller.
    pub fn new(
        config: &Config,
        link: Arc<Link>,
        outlet: Outlet,
        started: Instant,
        status: watch::Sender<LinkStatus>,
        seat: Option<Seat>,
    ) -> Poller {
        let polled: Vec<Polled> = config.devices_of(&link.name).flat_map(|device| groups(device, &link)).collect();
        Poller {
            backoff: Backoff::new(link.retry, link.retry_max),
            complained: vec![false; polled.len()],
            overran: None,
            is_heard: true,
            open_error: String::new(),
            seat,
            link,
            polled,
            outlet,
            started,
            status,
            fruitless: 0,
        }
    }

    /// Polls until told to stop. A scan that has begun is finished and handed on first: what a device handed out is not
    /// thrown away.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut line = self.dial(Why::Unreachable);
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            dialled = dialled(&mut line) => line = self.on_dialled(dialled).await,
        }
        let mut schedule = Schedule::new(self.polled.iter().map(|polled| polled.group.period), self.now_ms());
        loop {
            let due = schedule.next_due().map(|ms| self.started + Duration::from_millis(ms));
            let retry = match &line {
                Line::Down { retry_at, .. } => Some(*retry_at),
                _ => None,
            };
            let wake = due.into_iter().chain(retry).min().unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                dialled = dialled(&mut line) => line = self.on_dialled(dialled).await,
                () = sleep_until(wake.into()) => {}
            }
            if let Line::Down { retry_at, why } = &line
                && Instant::now() >= *retry_at
            {
                line = self.dial(*why);
            }
            line = self.cycle(line, &mut schedule, &stop).await;
            if !self.is_heard {
                return; // the recorder is gone, and the agent ends with it: a machine is not read for nobody
            }
        }
    }

    /// Everything that is due now.
    async fn cycle(&mut self, mut line: Line, schedule: &mut Schedule, stop: &watch::Receiver<bool>) -> Line {
        let mut silent_unit = None;
        let mut was_quiet = true; // since the cycle before
        for index in schedule.take_due(self.now_ms()) {
            if *stop.borrow() {
                return line;
            }
            let unit = self.polled[index].unit;
            if let Line::Down { why, .. } = &line
                && silent_unit.is_some_and(|silent| silent != unit)
                && self.fruitless <= self.units()
            {
                // One silent unit cost the connection; its neighbours behind the same gateway are asked all the same.
                let dial = self.dial(*why);
                line = self.settle(dial).await;
                was_quiet = false;
            }
            let readings = match line {
                Line::Up(mut connection) => {
                    let Scanned { readings, lost, silent, .. } = self.ask(index, &mut connection, was_quiet).await;
                    was_quiet = false;
                    if let Some(why) = silent {
                        self.on_silent(why).await;
                    }
                    match lost {
                        None => line = Line::Up(connection),
                        Some(why) => {
                            silent_unit = Some(unit);
                            line = self.on_lost(why).await;
                        }
                    }
                    readings
                }
                Line::Down { why, .. } | Line::Dialing { why, .. } => {
                    vec![Reading::Bad(why); self.polled[index].tags.len()]
                }
            };
            self.hand_on(index, readings).await;
        }
        self.count_overruns(schedule.overruns());
        line
    }

    /// Scans that were due and did not happen are counted always, and told when they begin.
    fn count_overruns(&mut self, overruns: u64) {
        let new = overruns - self.status.borrow().overruns.min(overruns);
        if new == 0 {
            return;
        }
        self.status.send_modify(|status| status.overruns = overruns);
        if self.overran.replace(Instant::now()).is_none_or(|last| last.elapsed() >= OVERRUN_PAUSE) {
            let trouble = Trouble::new(words::SCANS_MISSED).with("link", &self.link.name);
            let trouble = trouble.with("count", new).with("total", overruns);
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
    }

    /// One scan. Many devices hang up on a line that was quiet for a minute, which shows with the next question only: it
    /// is then asked again, once, on a new connection.
    async fn ask(&mut self, index: usize, connection: &mut Connection, was_quiet: bool) -> Scanned {
        let scanned = self.scan(index, connection).await;
        if !was_quiet || scanned.is_answered || scanned.lost != Some(Why::Closed) {
            return scanned;
        }
        match Connection::open(&self.link, self.seat.as_ref()).await {
            Ok(fresh) => {
                *connection = fresh;
                self.scan(index, connection).await
            }
            Err(OpenFault { why, .. }) => {
                let readings = vec![Reading::Bad(why); self.polled[index].tags.len()];
                Scanned { readings, lost: Some(why), silent: None, is_answered: false }
            }
        }
    }

    /// One scan of one group: what its learner wants to know, until the connection or the unit gives out.
    async fn scan(&mut self, index: usize, connection: &mut Connection) -> Scanned {
        let Polled { group, unit, tags, learner } = &mut self.polled[index];
        let mut answers: Vec<Option<Answer>> = Vec::new();
        let (mut lost, mut silent, mut refused) = (None, None, None);
        let mut is_answered = false;
        learner.begin(Instant::now(), Learner::MAX_EXTRA);
        while let Some(block) = learner.next_request() {
            let result = connection.read(*unit, block).await;
            let why = match result {
                Ok(_) => None,
                Err(ReadFault::Exception(why) | ReadFault::Silent(why) | ReadFault::Lost(why)) => Some(why),
            };
            learner.on_result(why.map_or(Ok(()), Err), Instant::now());
            if let Some(why) = why {
                debug!(link = %self.link.name, unit, ?block, %why, "request failed");
            }
            match result {
                Ok(_) => is_answered = true,
                Err(ReadFault::Exception(why)) => {
                    is_answered = true;
                    // What the learner settles is told by it.
                    let is_learned = matches!(handling(why), Handling::LearnAddresses | Handling::LearnTable);
                    refused = refused.or((!is_learned).then_some((block, why)));
                }
                Err(ReadFault::Silent(why)) => silent = Some(why),
                Err(ReadFault::Lost(why)) => lost = Some(why),
            }
            answers.push(result.ok());
            if lost.or(silent).is_some() {
                break;
            }
        }
        for news in learner.end(Instant::now()) {
            let trouble = news.trouble(&group.device, *unit, tags);
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
        let reading = |(place, tag): (usize, &Tag)| match learner.spot(place) {
            Ok(Spot { block, offset }) => match answers.get(block).and_then(Option::as_ref) {
                Some(answer) => decode(tag, answer, offset),
                None => Reading::Bad(Why::Malformed),
            },
            Err(why) => Reading::Bad(why),
        };
        let readings = tags.iter().enumerate().map(reading).collect();
        if let Some((block, why)) = refused
            && !std::mem::replace(&mut self.complained[index], true)
        {
            let trouble = Trouble::new(words::DEVICE_REFUSES)
                .with("device", &group.device)
                .with("unit", *unit)
                .with("found", why)
                .with("table", block.table.as_str())
                .with("first", block.start)
                .with("last", u32::from(block.start) + u32::from(block.count) - 1);
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        } else if refused.is_none() && lost.is_none() && silent.is_none() {
            self.complained[index] = false;
        }
        if is_answered {
            self.fruitless = 0;
            self.backoff.reset();
            self.transition(LinkState::Up, None).await;
        }
        Scanned { readings, lost, silent, is_answered }
    }

    async fn hand_on(&mut self, index: usize, readings: Vec<Reading>) {
        let is_bad = readings.iter().any(|reading| matches!(reading, Reading::Bad(_)));
        let batch = Batch { group: self.polled[index].group.clone(), at: now(), mono_ms: self.now_ms(), readings };
        self.is_heard &= self.outlet.put(Heard::Batch(batch)).await;
        self.status.send_modify(|status| {
            status.scans += 1;
            status.bad_scans += u64::from(is_bad);
        });
    }

    fn dial(&self, why: Why) -> Line {
        let (link, seat) = (self.link.clone(), self.seat.clone());
        Line::Dialing { dial: tokio::spawn(async move { Connection::open(&link, seat.as_ref()).await }), why }
    }

    /// Waits for a dial to end.
    async fn settle(&mut self, mut line: Line) -> Line {
        let result = dialled(&mut line).await;
        self.on_dialled(result).await
    }

    async fn on_dialled(&mut self, result: Result<Connection, OpenFault>) -> Line {
        match result {
            Ok(connection) => Line::Up(connection),
            Err(OpenFault { why, error }) => {
                debug!(link = %self.link.name, %why, error, "not connected");
                self.open_error = error;
                self.on_lost(why).await
            }
        }
    }

    /// A unit on a serial line did not answer. The line itself is in doubt when none of them does.
    async fn on_silent(&mut self, why: Why) {
        self.fruitless += 1;
        if self.fruitless > self.units() {
            self.transition(LinkState::Down, Some(why)).await;
        }
    }

    /// The connection is gone. The first times in a row it is dialled again at once, since the cause may be a single
    /// unit; after as many as there are units the link itself is in doubt, and the pauses grow.
    async fn on_lost(&mut self, why: Why) -> Line {
        self.fruitless += 1;
        let is_link_fault = matches!(why, Why::Refused | Why::Unreachable);
        let pause = if self.seat.is_some() {
            self.link.retry // waiting for somebody to dial in costs nothing, and who does is not to wait
        } else if is_link_fault || self.fruitless > self.units() {
            self.backoff.next(random())
        } else {
            Duration::ZERO
        };
        if !pause.is_zero() {
            self.transition(LinkState::Down, Some(why)).await;
        }
        Line::Down { retry_at: Instant::now() + pause, why }
    }

    /// Different units behind this link.
    fn units(&self) -> usize {
        let mut units: Vec<u8> = self.polled.iter().map(|polled| polled.unit).collect();
        units.sort_unstable();
        units.dedup();
        units.len()
    }

    /// Logs and reports a change of state; silent where nothing changed.
    async fn transition(&mut self, state: LinkState, why: Option<Why>) {
        let before = self.status.borrow().state;
        if before == Some(state) {
            return;
        }
        self.status.send_modify(|status| {
            status.state = Some(state);
            status.why = why;
        });
        let is_serial = matches!(self.link.transport, Transport::Serial(_));
        let is_dialled = self.seat.is_some() && state == LinkState::Down;
        let code = if is_dialled { words::NOBODY_DIALLED } else { code(is_serial, state, why) };
        let trouble = Trouble::new(code).with("link", &self.link.name);
        let trouble = trouble.with("endpoint", &self.link.transport).with("error", &self.open_error);
        match state {
            LinkState::Up => info!(link = %self.link.name, "{}", trouble.what(crate::model::Lang::current())),
            LinkState::Down => warn!(code = %trouble.code, link = %self.link.name, "{trouble}"),
        }
        let why = why.map(|why| why.as_str().to_owned());
        self.outlet.put(Heard::Event(now(), Event::Link { link: self.link.name.to_string(), state, why })).await;
    }

    /// Milliseconds since the start of the agent.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Missed scans are told anew when there were none for so long: one slow answer now and then is no new trouble.
const OVERRUN_PAUSE: Duration = Duration::from_secs(600);

/// A link without tags has nothing to do; it only waits to be stopped.
const IDLE: Duration = Duration::from_secs(3_600);

/// The groups of one device: its tags by period.
fn groups(device: &crate::config::Device, link: &Link) -> Vec<Polled> {
    let polled = |(period, tags): (Duration, Vec<&Tag>)| {
        let group = Group::new(device.id.clone(), period, tags.iter().map(|tag| tag.info()).collect());
        let tags: Vec<Tag> = tags.into_iter().cloned().collect();
        let learner = Learner::new(&tags, link.limits, None, Instant::now());
        Polled { group: Arc::new(group), unit: device.unit, learner, tags }
    };
    device.by_period().into_iter().map(polled).collect()
}

/// The words for a change of state.
fn code(is_serial: bool, state: LinkState, why: Option<Why>) -> Code {
    match (state, why) {
        (LinkState::Up, _) => words::LINK_UP,
        (LinkState::Down, Some(Why::Timeout)) if is_serial => words::LINE_SILENT,
        (LinkState::Down, Some(Why::Malformed)) if is_serial => words::LINE_NOISE,
        (LinkState::Down, _) if is_serial => words::SERIAL_UNUSABLE,
        (LinkState::Down, Some(Why::Refused)) => words::LINK_REFUSED,
        (LinkState::Down, Some(Why::Timeout)) => words::LINK_SILENT,
        (LinkState::Down, Some(Why::Closed)) => words::LINK_CLOSED,
        (LinkState::Down, Some(Why::Malformed)) => words::LINK_MALFORMED,
        (LinkState::Down, _) => words::LINK_UNREACHABLE,
    }
}

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok(); // a dropped sender means the same
}

/// The end of a dial; never, if none is under way. Cancel-safe: the dial goes on in its own task.
async fn dialled(line: &mut Line) -> Result<Connection, OpenFault> {
    match line {
        Line::Dialing { dial, .. } => {
            dial.await.unwrap_or_else(|error| Err(OpenFault { why: Why::Unreachable, error: error.to_string() }))
        }
        _ => std::future::pending().await,
    }
}

fn now() -> Timestamp {
    Timestamp::of(SystemTime::now())
}

/// From 0 to 1; without the system's random numbers the jitter is missing, nothing else.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}
