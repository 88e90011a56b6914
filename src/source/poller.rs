//! One task per link: waits until a group is due, reads its blocks, hands on one batch. A scan that was due is never
//! simply missing: where nobody can be asked its readings are `Bad` with the cause.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::time::sleep_until;
use tracing::{info, warn};

use super::breaker::{Bus, Probe, UnitNews};
use super::connection::ReadFault;
use super::line::{Line, random};
use super::listener::Seat;
use super::memory::Memory;
use super::scan::{Polled, Scanned};
use crate::config::{Config, Link, Station};
use crate::model::words::source as words;
use crate::model::{Batch, Group, Lang, LinkState, Reading, Timestamp, Trouble, Why};
use crate::source::schedule::Schedule;
use crate::source::{Heard, Outlet};

/// What others may know of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkStatus {
    /// `None` until the first attempt has ended.
    pub state: Option<LinkState>,
    /// Why it is down.
    pub why: Option<Why>,
    /// The same for people.
    pub trouble: Option<Trouble>,
    /// Since when it has been up or down.
    pub since: Option<Instant>,
    /// Scans handed on.
    pub scans: u64,
    /// Scans with at least one bad reading.
    pub bad_scans: u64,
    /// Scans that were due and did not happen because others took too long.
    pub overruns: u64,
    /// Units that do not answer while others may.
    pub silent_units: Vec<Station>,
    /// By device: until when it is online, in milliseconds of the agent's clock.
    pub online_until_ms: BTreeMap<Arc<str>, u64>,
    /// What happened since the start, and how often: steps to get data again, values lost in queues.
    pub counts: BTreeMap<&'static str, u64>,
}

impl LinkStatus {
    /// Devices with a fresh good value. A socket that opened is no proof of anything.
    pub fn devices_online(&self, now_ms: u64) -> usize {
        self.online_until_ms.values().filter(|until| now_ms < **until).count()
    }

    /// A good value counts for three periods.
    pub(in crate::source) fn refresh(&mut self, group: &Group, now_ms: u64) {
        const PERIODS: u64 = 3;
        let until = now_ms.saturating_add(PERIODS.saturating_mul(group.period.as_millis() as u64));
        self.hold(group.device.clone(), until);
    }

    /// A device has a good value until then.
    pub(in crate::source) fn hold(&mut self, device: Arc<str>, until_ms: u64) {
        let known = self.online_until_ms.entry(device).or_default();
        *known = until_ms.max(*known);
    }
}

/// The task of one link.
pub struct Poller {
    link: Arc<Link>,
    polled: Vec<Polled>,
    bus: Bus,
    line: Line,
    schedule: Schedule,
    outlet: Outlet,
    started: Instant,
    status: watch::Sender<LinkStatus>,
    /// When missed scans were told last.
    overran: Option<Instant>,
    /// Whether somebody still takes what is read.
    is_heard: bool,
    /// When each unit last answered.
    heard_at: BTreeMap<Station, Instant>,
    /// Where the line was quiet for a while, its peer may have hung up.
    was_quiet: bool,
    /// Where what was learned is kept.
    memory: PathBuf,
}

/// The surroundings of a poller.
pub struct Place {
    /// Where readings go.
    pub outlet: Outlet,
    /// The zero of the monotonic clock.
    pub started: Instant,
    /// What others may know; it outlives the poller.
    pub status: watch::Sender<LinkStatus>,
    /// Where the unit dials in, if it does.
    pub seat: Option<Seat>,
    /// Directory in which what was learned is kept.
    pub state_dir: PathBuf,
}

impl Poller {
    /// The poller of `link` with all devices behind it. It dials at once.
    pub fn new(config: &Config, link: Arc<Link>, place: Place) -> Poller {
        let Place { outlet, started, status, seat, state_dir } = place;
        let memory = Memory::path(&state_dir, &link.name);
        let known = Memory::load(&memory).unwrap_or_else(|error| {
            let trouble = Trouble::new(words::MEMORY_UNREADABLE).with("path", memory.display()).with("error", error);
            warn!(code = %trouble.code, link = %link.name, "{trouble}");
            Memory::default()
        });
        let of_device = |device| Polled::of_device(device, |id, period| known.of(id, period).cloned());
        let polled: Vec<Polled> = config.devices_of(&link.name).flat_map(|device| of_device(device)).collect();
        let mut stations: Vec<Station> = polled.iter().map(|polled| polled.station).collect();
        stations.sort_unstable();
        stations.dedup();
        // A unit that is alone is the link: the line's own pauses are enough.
        let watched = if stations.len() > 1 { stations.clone() } else { Vec::new() };
        Poller {
            bus: Bus::new(watched, Instant::now()),
            line: Line::new(link.clone(), seat, outlet.clone(), status.clone(), stations.len()),
            schedule: Schedule::new([], 0),
            overran: None,
            is_heard: true,
            heard_at: BTreeMap::new(),
            was_quiet: true,
            link,
            polled,
            outlet,
            started,
            status,
            memory,
        }
    }

    /// Polls until told to stop. What a device has handed out by then is handed on first, and not thrown away; what it was
    /// not asked for any more reads `not_asked`.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            dialled = self.line.dialled() => self.line.on_dialled(dialled).await,
        }
        self.schedule = Schedule::new(self.polled.iter().map(|polled| polled.group.period), self.now_ms());
        loop {
            let wake = self.wake_at();
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                dialled = self.line.dialled() => self.line.on_dialled(dialled).await,
                () = sleep_until(wake.into()) => {}
            }
            self.line.redial(Instant::now());
            self.cycle(&stop).await;
            if !self.is_heard {
                return; // the recorder is gone, and the agent ends with it: a machine is not read for nobody
            }
        }
    }

    /// The next group, the next attempt to connect, or the next question to a unit that is silent.
    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let due = self.schedule.next_due(|_| true).map(|ms| self.at(ms));
        let is_up = self.line.retry_at().is_none();
        // What is past already waits for the next gap, which begins after a scan.
        let probe = self.bus.next_probe_at(now).filter(|at| is_up && *at > now);
        due.into_iter().chain(self.line.retry_at()).chain(probe).min().unwrap_or(now + IDLE)
    }

    /// Everything that is due now, and in the gap behind it a question to somebody silent.
    async fn cycle(&mut self, stop: &watch::Receiver<bool>) {
        self.was_quiet = true;
        let mut has_lost = false;
        let mut scans = 0;
        // A line that cannot keep its periods has always something due; who wants to be hung up on still is.
        while !self.link.close_after_cycle || scans < self.polled.len() {
            if *stop.borrow() {
                return;
            }
            let is_silent = |index: usize| self.polled[index].silent_since.is_some();
            let next = self.schedule.take_next(self.now_ms(), is_silent);
            scans += usize::from(next.is_some());
            if let Some(index) = next {
                let readings = self.read(index, &mut has_lost, stop).await;
                self.hand_on(index, readings).await;
                self.count_overruns();
            }
            let has_probed = self.probe().await;
            if next.is_none() && !has_probed {
                break;
            }
        }
        if self.link.close_after_cycle {
            self.line.rest();
        }
    }

    /// The readings of one group. `has_lost`: somebody cost the connection in this cycle.
    async fn read(&mut self, index: usize, has_lost: &mut bool, stop: &watch::Receiver<bool>) -> Vec<Reading> {
        let station = self.polled[index].station;
        if let Err(why) = self.bus.may_ask(station) {
            return self.polled[index].all_bad(why);
        }
        // One request without an answer cost the connection; the neighbours behind the same gateway are asked all the same,
        // and so are the other groups of this unit, which may well answer.
        if self.line.is_resting() || (*has_lost && self.line.retry_at().is_some() && self.line.is_trusted()) {
            self.line.settle().await;
            self.was_quiet = false;
        }
        let asked = Instant::now();
        let Scanned { readings, lost, silent, is_answered, has_learned, outcome } = match self.scan(index, stop).await {
            Ok(scanned) => scanned,
            Err(why) => return self.polled[index].all_bad(why),
        };
        self.was_quiet = false;
        if is_answered {
            self.line.answered().await;
        }
        let is_there = self.is_there(index);
        let now = Instant::now();
        match outcome {
            None => {}
            Some(Ok(())) => {
                self.heard_at.insert(station, now);
                self.polled[index].silent_since = None;
            }
            Some(Err(_)) => {
                self.polled[index].silent_since.get_or_insert(now);
            }
        }
        // A unit that answers in other groups is not silent; this group is, and the learner finds out about it.
        if let Some(outcome) = outcome.filter(|outcome| outcome.is_ok() || !is_there) {
            let news = self.bus.on_result(station, outcome, asked, now, random());
            self.tell(news);
        }
        if let Some(why) = silent {
            self.line.silent(why).await;
        }
        if let Some(why) = lost {
            *has_lost = true;
            self.line.lost(why).await;
        }
        if has_learned {
            self.remember().await;
        }
        readings
    }

    /// One scan. Many devices hang up on a line that was quiet for a minute, which shows with the next question only: it
    /// is then asked again, once, on a new connection. `Err`: there is no connection.
    async fn scan(&mut self, index: usize, stop: &watch::Receiver<bool>) -> Result<Scanned, Why> {
        let is_there = self.is_there(index);
        let scanned = self.polled[index].scan(self.line.connection()?, is_there, stop).await;
        if !self.was_quiet || scanned.is_answered || scanned.lost != Some(Why::Closed) {
            return Ok(scanned);
        }
        self.line.reopen().await?;
        Ok(self.polled[index].scan(self.line.connection()?, is_there, stop).await)
    }

    /// Whether the unit of a group has answered in another one since this group has no answers.
    fn is_there(&self, index: usize) -> bool {
        let Polled { station, silent_since, .. } = &self.polled[index];
        silent_since.zip(self.heard_at.get(station).copied()).is_some_and(|(silent, heard)| silent < heard)
    }

    /// Asks somebody who is silent, if the gap before the next scan allows it. Returns whether it did.
    async fn probe(&mut self) -> bool {
        if self.line.connection().is_err() && !self.line.is_resting() {
            return false;
        }
        let now = Instant::now();
        let may_ask = |index: usize| self.bus.may_ask(self.polled[index].station).is_ok();
        let next_due = self.schedule.next_due(may_ask).map(|ms| self.at(ms));
        let Some(Probe { station, deadline }) = self.bus.next_probe(now, next_due, self.link.timeout) else {
            return false;
        };
        // Who wants to be hung up on may have nobody left whose turn would dial.
        if self.line.is_resting() {
            self.line.settle().await;
        }
        let of_station = self.polled.iter_mut().filter(|polled| polled.station == station);
        let Some(polled) = of_station.min_by_key(|polled| polled.probes) else { return false };
        let Ok(connection) = self.line.connection() else { return false };
        let result = polled.probe(connection, deadline).await;
        self.was_quiet = false;
        let outcome = match result {
            Ok(()) => Ok(()),
            Err(ReadFault::Exception(why) | ReadFault::Silent(why) | ReadFault::Lost(why)) => Err(why),
        };
        let news = self.bus.on_result(station, outcome, now, Instant::now(), random());
        self.tell(news);
        match result {
            Ok(()) | Err(ReadFault::Exception(_)) => {
                self.heard_at.extend(outcome.is_ok().then(|| (station, Instant::now())));
                self.line.answered().await;
            }
            Err(ReadFault::Silent(why)) => self.line.silent(why).await,
            Err(ReadFault::Lost(why)) => {
                self.line.lost(why).await;
                if self.line.is_trusted() {
                    self.line.settle().await;
                }
            }
        }
        true
    }

    /// A unit fell silent or came back.
    fn tell(&mut self, news: Option<UnitNews>) {
        let Some(news) = news else { return };
        let trouble = news.trouble(&self.link.name);
        match news {
            UnitNews::Silent(..) => warn!(code = %trouble.code, link = %self.link.name, "{trouble}"),
            UnitNews::Answers(_) => info!(link = %self.link.name, "{}", trouble.what(Lang::current())),
        }
        let silent_units = self.bus.silent();
        self.status.send_modify(|status| status.silent_units = silent_units);
    }

    /// Keeps what was learned. A disk that is full costs the knowledge, not the readings.
    async fn remember(&self) {
        let mut memory = Memory::default();
        for polled in &self.polled {
            memory.keep(&polled.group.device, polled.group.period, polled.learned());
        }
        let path = self.memory.clone();
        let saved = tokio::task::spawn_blocking(move || memory.save(&path)).await;
        if let Err(error) = saved.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            let path = self.memory.display();
            let trouble = Trouble::new(words::MEMORY_NOT_KEPT).with("path", path).with("error", error);
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
    }

    /// Scans that were due and did not happen are counted always, and told when they begin.
    fn count_overruns(&mut self) {
        let mut missed = self.schedule.take_missed();
        if missed.is_empty() {
            return;
        }
        let count: u64 = missed.iter().map(|(_, count)| count).sum();
        self.status.send_modify(|status| status.overruns += count);
        if self.overran.replace(Instant::now()).is_none_or(|last| last.elapsed() >= OVERRUN_PAUSE) {
            missed.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let names = missed.iter().map(|(index, _)| self.polled[*index].group.device.as_ref());
            let total = self.status.borrow().overruns;
            let trouble = Trouble::new(words::SCANS_MISSED)
                .with("link", &self.link.name)
                .with("count", count)
                .with("devices", names.take(MISSED_NAMED).collect::<Vec<_>>().join(", "))
                .with("total", total);
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
    }

    async fn hand_on(&mut self, index: usize, readings: Vec<Reading>) {
        let is_bad = readings.iter().any(|reading| matches!(reading, Reading::Bad(_)));
        let is_fresh = readings.iter().any(|reading| matches!(reading, Reading::Good(_)));
        let at = Timestamp::of(SystemTime::now());
        let (group, mono_ms) = (&self.polled[index].group, self.now_ms());
        let readings = readings.into_iter().map(Some).collect();
        let due_ms = Some(self.schedule.taken_due(index));
        let batch = Batch { group: group.clone(), at, mono_ms, due_ms, readings, stamps: None };
        self.status.send_modify(|status| {
            if is_fresh {
                status.refresh(group, mono_ms);
            }
            status.scans += 1;
            status.bad_scans += u64::from(is_bad);
        });
        self.is_heard &= self.outlet.put(Heard::Batch(batch)).await;
    }

    /// Milliseconds since the start of the agent.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }
}

/// Missed scans are told anew when there were none for so long: one slow answer now and then is no new trouble.
const OVERRUN_PAUSE: Duration = Duration::from_secs(600);

/// Devices named when scans are missed: those that missed most.
const MISSED_NAMED: usize = 5;

/// A link without tags has nothing to do; it only waits to be stopped.
const IDLE: Duration = Duration::from_secs(3_600);

async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok(); // a dropped sender means the same
}
