//! Learns what a device does not hand out. One illegal address makes many devices refuse a whole block; the block is then
//! halved, by tags, until the guilty ones are found. They are left out (`Bad(illegal_address)`) and asked again slowly.
//! Pure: results and time come in, requests go out. One [`Learner`] per group of a device.
//!
//! How a poller reads one group with it:
//!
//! ```
//! # use std::time::Instant;
//! # use cloudward::model::Why;
//! # use cloudward::source::modbus::learn::Learner;
//! # use cloudward::source::modbus::plan::Block;
//! # fn read(block: Block) -> Result<Vec<u16>, Why> { Ok(vec![0; block.count.into()]) }
//! # let (values, limits) = (Vec::new(), cloudward::config::ReadLimits { max_registers: 125, max_bits: 2000, max_gap: 16, one_by_one: false });
//! let mut learner = Learner::new(&values, limits, None, Instant::now()); // `None`: nothing learned in earlier runs
//!
//! // each scan:
//! let mut answers = Vec::new();
//! learner.begin(Instant::now(), Learner::MAX_EXTRA); // fewer, or 0, where the bus has no time left
//! while let Some(block) = learner.next_request() {
//!     let answer = read(block); // an exception's or a fault's `Why` where it fails
//!     learner.on_result(answer.as_ref().map(|_| ()).map_err(|why| *why), Instant::now());
//!     answers.push(answer);
//!     // after a lost connection: open another one and go on, or break
//! }
//! for news in learner.end(Instant::now()) {
//!     // warn!("{}", news.trouble("press", 1, &tags)), and keep serde_json::to_string(&learner.learned())
//! }
//! for (index, value) in values.iter().enumerate() {
//!     // Ok(spot): decode(tag, value, answers[spot.block], spot.offset); Err(why): Reading::Bad(why)
//!     let spot = learner.spot(index);
//! }
//! ```
//!
//! What it costs. At most [`Learner::MAX_EXTRA`] requests more per scan. In all, where `g` of a group's `n` tags are
//! guilty, at most `m` tags begin at one address (usually one does) and the plan ends with `s` more splits than it began
//! with: at most `2 * (g + s) * (ceil(log2(n)) + ceil(log2(m)))`. A block that has no answer in three scans, while others
//! of the group have, is set aside whole; its halves are asked a minute apart, since each costs a timeout. Nothing is
//! learned from a device that is merely busy.

mod learned;
mod news;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use learned::{Learned, Quarantined};
pub use news::News;

use self::learned::{Piece, Place, key, pieces, reason};
use self::trial::Trial;
use super::plan::{Block, Spot};
use crate::config::ReadLimits;
use crate::config::modbus::{Address, Register, Table};
use crate::model::Why;

/// The learner of one group.
#[derive(Debug)]
pub struct Learner {
    places: Vec<Place>,
    limits: ReadLimits,
    key: u64,
    // What was learned.
    splits: BTreeSet<Address>,
    max_registers: Option<u16>,
    unserved: Vec<(Table, Retry)>,
    captives: Vec<Captive>,
    // What is being found out.
    trials: Vec<Trial>,
    /// Requests of the plan that had no answer lately, and in how many scans while others had.
    silent: Vec<(Vec<usize>, u32)>,
    /// The longest request for registers that was answered.
    longest: u16,
    /// The plan; `None` after something was learned.
    plan: Option<Vec<Arc<Piece>>>,
    /// Why a value is not in that plan; `None` if it is.
    held: Vec<Option<Why>>,
    // This scan.
    queue: VecDeque<Arc<Piece>>,
    asked: Option<(Job, Arc<Piece>)>,
    requests: usize,
    extra_left: usize,
    began: Instant,
    is_heard: bool,
    lost: Option<Why>,
    /// What a gateway said that did not reach the device.
    absent: Option<Why>,
    /// By tag; `None` as long as it was not asked for.
    spots: Vec<Option<Result<Spot, Why>>>,
    /// Requests of the plan without an answer of the device, and whether nobody else answered in its place.
    fell_silent: Vec<(Vec<usize>, bool)>,
    freed: Vec<usize>,
    news: Vec<News>,
}

/// Why a request is made.
#[derive(Debug, Clone, Copy)]
enum Job {
    Planned,
    /// A part of the trial with this index.
    Part(usize),
    /// The captive with this index, once more.
    Captive(usize),
    /// One value of a table that was not served.
    Table(Table),
}

/// Values that are left out of the plan: one that was refused, or a run of them that had no answer.
#[derive(Debug)]
struct Captive {
    members: Vec<usize>,
    why: Why,
    retry: Retry,
}

/// When something is asked again.
#[derive(Debug, Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
}

/// A wrong address is mended by a person, who wants to see it within a minute or so.
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// Most are never mended; a thousand of them then cost one request in 3.6 s.
const LAST_RETRY: Duration = Duration::from_secs(3_600);

/// A lost answer happens; three scans in a row in which only this block had none are no accident.
const SILENT_SCANS: u32 = 3;

impl Retry {
    fn first(now: Instant) -> Retry {
        Retry { at: now + FIRST_RETRY, pause: FIRST_RETRY }
    }

    fn failed(&mut self, now: Instant) {
        self.pause = (self.pause * 2).min(LAST_RETRY);
        self.at = now + self.pause;
    }
}

impl Learner {
    /// Requests beyond the plan in one scan. Four of 20 ms each delay the next group of a bus by less than 0.1 s.
    pub const MAX_EXTRA: usize = 4;

    /// The learner of these `values`, one per tag, with what was `learned` of them before, if that still holds.
    pub fn new(values: &[Register], limits: ReadLimits, learned: Option<&Learned>, now: Instant) -> Learner {
        let places = Place::sorted(values);
        let mut learner = Learner {
            key: key(&places, limits),
            spots: vec![None; places.len()],
            places,
            limits,
            splits: BTreeSet::new(),
            max_registers: None,
            unserved: Vec::new(),
            captives: Vec::new(),
            trials: Vec::new(),
            silent: Vec::new(),
            longest: 0,
            plan: None,
            held: Vec::new(),
            queue: VecDeque::new(),
            asked: None,
            requests: 0,
            extra_left: 0,
            began: now,
            is_heard: false,
            lost: None,
            absent: None,
            fell_silent: Vec::new(),
            freed: Vec::new(),
            news: Vec::new(),
        };
        if let Some(learned) = learned.filter(|learned| learned.key == learner.key) {
            learner.recall(learned, now);
        }
        learner
    }

    /// Begins a scan in which at most `extra` requests beyond the plan may be made.
    pub fn begin(&mut self, now: Instant, extra: usize) {
        let plan = self.plan.take().unwrap_or_else(|| {
            self.held = self.captivities();
            self.planned().into_iter().map(Arc::new).collect()
        });
        self.silent.retain(|(members, _)| plan.iter().any(|piece| piece.members == *members));
        // What had no answer last time goes last: it costs itself only.
        let strikes =
            |piece: &Arc<Piece>| self.silent.iter().find(|(members, _)| *members == piece.members).map(|s| s.1 + 1);
        let mut order = plan.clone();
        order.sort_by_key(|piece| strikes(piece).unwrap_or(0));
        self.queue = order.into();
        self.plan = Some(plan);
        self.asked = None;
        self.requests = 0;
        self.extra_left = extra.min(Learner::MAX_EXTRA);
        self.began = now;
        self.is_heard = false;
        self.lost = None;
        self.absent = None;
        self.fell_silent.clear();
        self.spots.fill(None);
        for member in 0..self.places.len() {
            self.spots[self.places[member].tag] = self.held[member].map(Err);
        }
    }

    /// The device has answered in other groups since this one has none: it is there, so that a request without an
    /// answer is the fault of its values.
    pub fn knows_it_is_there(&mut self) {
        self.is_heard = true;
    }

    /// One value to ask for, to see whether the device is there: the first of a request, another one with each `turn`,
    /// because a device may have no answer to one of them. Those that had one lately come first.
    pub fn sample(&self, turn: usize) -> Option<Block> {
        let all = || {
            let free = vec![true; self.places.len()];
            pieces(&self.places, self.limits, &self.splits, &free).into_iter().map(Arc::new).collect()
        };
        let mut plan = self.plan.clone().filter(|plan| !plan.is_empty()).unwrap_or_else(all);
        plan.sort_by_key(|piece| self.silent.iter().any(|(members, _)| *members == piece.members));
        let piece = &plan[turn.checked_rem(plan.len())?];
        let Place { address, width, .. } = self.places[piece.members[0]];
        Some(Block { table: address.table, start: address.offset, count: width })
    }

    /// What to ask now; `None` when the scan is complete. The result of each is told to [`on_result`](Self::on_result)
    /// before the next is taken.
    pub fn next_request(&mut self) -> Option<Block> {
        let next = match self.queue.pop_front() {
            Some(piece) => (Job::Planned, piece),
            None if self.extra_left == 0 || self.lost.is_some() => return None,
            None => {
                self.extra_left -= 1;
                let (job, members) = self.next_extra()?;
                (job, Arc::new(Piece::covering(&self.places, members)))
            }
        };
        let block = next.1.block;
        self.asked = Some(next);
        Some(block)
    }

    /// How the last request ended.
    pub fn on_result(&mut self, result: Result<(), Why>, now: Instant) {
        let Some((job, piece)) = self.asked.take() else { return };
        let request = self.requests;
        self.requests += 1;
        match result {
            Ok(()) => {
                self.is_heard = true;
                if !piece.block.table.is_bits() {
                    self.longest = self.longest.max(piece.block.count);
                }
                for member in &piece.members {
                    let Place { address, tag, .. } = self.places[*member];
                    self.spots[tag] = Some(Ok(Spot { block: request, offset: address.offset - piece.block.start }));
                }
            }
            Err(why) => {
                if is_exception(why) {
                    self.is_heard = true;
                    self.absent = self.absent.or(is_of_gateway(why).then_some(why));
                } else {
                    self.lost = Some(why);
                }
                if matches!(job, Job::Planned) {
                    let why = if why == Why::IllegalValue { Why::IllegalAddress } else { why };
                    self.set(&piece.members, why);
                }
            }
        }
        let table = piece.block.table;
        match (job, result) {
            (Job::Table(table), result) => self.on_table(table, result, now),
            (_, Err(Why::IllegalFunction)) => self.on_unserved(table, now),
            (Job::Planned, result) => self.on_planned(&piece.members, result, now),
            (Job::Part(trial), result) => self.on_part(trial, piece.members.clone(), result, now),
            (Job::Captive(captive), result) => self.on_captive(captive, result, now),
        }
    }

    /// Ends the scan, complete or not. Where there is news, [`learned`](Self::learned) is worth keeping.
    pub fn end(&mut self, now: Instant) -> Vec<News> {
        for (members, is_silence) in std::mem::take(&mut self.fell_silent) {
            let strike = u32::from(self.is_heard && is_silence);
            let known = self.silent.iter().position(|(silent, _)| *silent == members);
            let known = known.unwrap_or_else(|| {
                self.silent.push((members.clone(), 0));
                self.silent.len() - 1
            });
            self.silent[known].1 += strike;
            if self.silent[known].1 >= SILENT_SCANS {
                self.silent.swap_remove(known);
                self.news.push(News::SetAside { tags: self.tags(&members) });
                self.capture(members, Why::Timeout, now);
            }
        }
        if !self.freed.is_empty() {
            let freed = std::mem::take(&mut self.freed);
            self.news.push(News::Freed { tags: self.tags(&freed) });
        }
        std::mem::take(&mut self.news)
    }

    /// Where the value of the tag with this index is among the answers of this scan, in the order of the requests; or why
    /// there is none. Holds until the next scan begins.
    pub fn spot(&self, tag: usize) -> Result<Spot, Why> {
        self.spots[tag].unwrap_or(Err(self.lost.or(self.absent).unwrap_or(Why::NotAsked)))
    }

    /// The tags that are left out of the plan, for people.
    pub fn quarantined(&self) -> impl Iterator<Item = (usize, Why)> {
        self.places.iter().zip(self.captivities()).filter_map(|(place, why)| Some((place.tag, why?)))
    }

    /// What is worth keeping over a restart. Trials are not: they begin again. Nor are runs of silent values.
    pub fn learned(&self) -> Learned {
        let alone = self.captives.iter().filter(|captive| captive.members.len() == 1);
        let quarantined = alone.map(|captive| {
            let place = self.places[captive.members[0]];
            let address = place.address.to_string();
            Quarantined { address, width: place.width, why: captive.why.as_str().into() }
        });
        Learned {
            key: self.key,
            quarantined: quarantined.collect(),
            splits: self.splits.iter().map(Address::to_string).collect(),
            max_registers: self.max_registers,
            unserved: self.unserved.iter().map(|(table, _)| table.as_str().into()).collect(),
        }
    }

    /// Takes over what was kept. Words that nobody knows any more are passed over: what they said is learned again.
    fn recall(&mut self, learned: &Learned, now: Instant) {
        let mut taken = BTreeSet::new(); // two tags of one address are two entries, each of which fits both
        for entry in &learned.quarantined {
            let (Some(address), Some(why)) = (Address::parse(&entry.address), reason(&entry.why)) else { continue };
            let same = |place: &Place| place.address == address && place.width == entry.width;
            let members: Vec<usize> = (0..self.places.len()).filter(|member| same(&self.places[*member])).collect();
            for member in members.into_iter().filter(|member| taken.insert(*member)) {
                self.capture(vec![member], why, now);
            }
        }
        self.splits = learned.splits.iter().filter_map(|text| Address::parse(text)).collect();
        self.max_registers = learned.max_registers.filter(|max| *max > 0);
        let has_tags = |table: &Table| self.places.iter().any(|place| place.address.table == *table);
        let is_told = |table: &Table| learned.unserved.iter().any(|word| word == table.as_str());
        let tables = Table::ALL.into_iter().filter(|table| has_tags(table) && is_told(table));
        self.unserved = tables.map(|table| (table, Retry::first(now))).collect();
    }

    /// The plan that follows from what is known now.
    fn planned(&self) -> Vec<Piece> {
        let mut free: Vec<bool> = self.held.iter().map(Option::is_none).collect();
        let good = self.trials.iter().flat_map(|trial| &trial.good);
        for member in good.clone().flatten() {
            free[*member] = false;
        }
        let max_registers =
            self.max_registers.map_or(self.limits.max_registers, |max| max.min(self.limits.max_registers));
        let mut plan = pieces(&self.places, ReadLimits { max_registers, ..self.limits }, &self.splits, &free);
        plan.extend(good.map(|members| Piece::covering(&self.places, members.clone())));
        plan.sort_by_key(|piece| piece.members[0]);
        plan
    }

    /// Why each value is not in the plan; `None` if it is.
    fn captivities(&self) -> Vec<Option<Why>> {
        let mut held = vec![None; self.places.len()];
        for member in self.trials.iter().flat_map(|trial| &trial.pending).flatten() {
            held[*member] = Some(Why::IllegalAddress);
        }
        for captive in &self.captives {
            captive.members.iter().for_each(|member| held[*member] = Some(captive.why));
        }
        for (place, held) in self.places.iter().zip(&mut held) {
            if self.unserved.iter().any(|(table, _)| *table == place.address.table) {
                *held = Some(Why::IllegalFunction);
            }
        }
        held
    }

    /// The most useful request beyond the plan: first what was just refused, then what waits longest.
    fn next_extra(&self) -> Option<(Job, Vec<usize>)> {
        for (index, trial) in self.trials.iter().enumerate() {
            if let Some(part) = trial.pending.first() {
                return Some((Job::Part(index), part.clone()));
            }
        }
        let due = |captive: &Captive| captive.retry.at <= self.began;
        let captives = self.captives.iter().enumerate().filter(|(_, captive)| due(captive));
        if let Some((index, captive)) = captives.min_by_key(|(_, captive)| captive.retry.at) {
            return Some((Job::Captive(index), captive.members.clone()));
        }
        let (table, _) = self.unserved.iter().find(|(_, retry)| retry.at <= self.began)?;
        let member = (0..self.places.len()).find(|member| self.places[*member].address.table == *table)?;
        Some((Job::Table(*table), vec![member]))
    }

    fn on_planned(&mut self, members: &[usize], result: Result<(), Why>, now: Instant) {
        match result {
            Err(Why::Timeout) => self.fell_silent.push((members.to_vec(), true)),
            Err(why) if is_of_gateway(why) => self.fell_silent.push((members.to_vec(), false)),
            Err(why) if !is_exception(why) => {}
            result => {
                self.silent.retain(|(silent, _)| *silent != members);
                if let Err(why @ (Why::IllegalAddress | Why::IllegalValue)) = result {
                    self.trials.iter_mut().for_each(|trial| trial.good.retain(|good| *good != members));
                    self.trials.push(Trial::of(why));
                    self.on_refused(self.trials.len() - 1, members.to_vec(), now);
                }
            }
        }
    }

    fn on_captive(&mut self, index: usize, result: Result<(), Why>, now: Instant) {
        let captive = &mut self.captives[index];
        match result {
            Ok(()) => {
                self.plan = None;
                let captive = self.captives.swap_remove(index);
                if captive.why == Why::Timeout {
                    self.fence(&captive.members);
                }
                self.freed.extend(captive.members);
                // Whatever was mended, a program or a PLC in stop: the other refused ones may be too.
                let is_refusal = captive.why == Why::IllegalAddress;
                for other in self.captives.iter_mut().filter(|other| is_refusal && other.why == captive.why) {
                    other.retry.at = other.retry.at.min(now);
                }
            }
            Err(why @ (Why::IllegalAddress | Why::IllegalValue | Why::Timeout)) => {
                let is_silent = why == Why::Timeout;
                if captive.members.len() > 1 {
                    let captive = self.captives.swap_remove(index);
                    let (left, right) = captive.members.split_at(captive.members.len() / 2);
                    // Silence costs a whole timeout each time, so its halves wait their turn.
                    let at = if is_silent { now + FIRST_RETRY } else { now };
                    for members in [left.to_vec(), right.to_vec()] {
                        let retry = Retry { at, pause: FIRST_RETRY };
                        self.captives.push(Captive { members, why: captive.why, retry });
                    }
                } else {
                    if !is_silent {
                        captive.why = Why::IllegalAddress;
                    }
                    captive.retry.failed(now);
                }
            }
            Err(_) => captive.retry.at = now + captive.retry.pause,
        }
    }

    /// A request of their own for values that were once silent, so that they cannot silence their neighbours.
    fn fence(&mut self, members: &[usize]) {
        let (first, last) = (members[0], members[members.len() - 1]);
        self.splits.extend(self.places.get(first).map(|place| place.address));
        self.splits.extend(self.places.get(last + 1).map(|place| place.address));
    }

    /// Exception 1: a table that the device does not serve at all.
    fn on_unserved(&mut self, table: Table, now: Instant) {
        let places = &self.places;
        let is_of_table = |members: &Vec<usize>| members.iter().any(|member| places[*member].address.table == table);
        let all: Vec<usize> = (0..places.len()).filter(|member| places[*member].address.table == table).collect();
        self.trials.retain(|trial| !trial.failed.iter().any(|(members, _)| is_of_table(members)));
        self.captives.retain(|captive| !is_of_table(&captive.members));
        self.queue.retain(|piece| piece.block.table != table);
        self.unserved.push((table, Retry::first(now)));
        self.plan = None;
        self.set(&all, Why::IllegalFunction);
        self.news.push(News::Unserved { table, tags: self.tags(&all) });
    }

    fn on_table(&mut self, table: Table, result: Result<(), Why>, now: Instant) {
        let Some(index) = self.unserved.iter().position(|(unserved, _)| *unserved == table) else { return };
        match result {
            Err(Why::IllegalFunction) => self.unserved[index].1.failed(now),
            Err(why) if !is_exception(why) => self.unserved[index].1.at = now + self.unserved[index].1.pause,
            _ => {
                self.unserved.swap_remove(index);
                self.plan = None;
                self.freed.extend((0..self.places.len()).filter(|m| self.places[*m].address.table == table));
            }
        }
    }

    fn capture(&mut self, members: Vec<usize>, why: Why, now: Instant) {
        self.plan = None;
        self.captives.push(Captive { members, why, retry: Retry::first(now) });
    }

    fn set(&mut self, members: &[usize], why: Why) {
        for member in members {
            self.spots[self.places[*member].tag] = Some(Err(why));
        }
    }

    fn tags(&self, members: &[usize]) -> Vec<usize> {
        members.iter().map(|member| self.places[*member].tag).collect()
    }
}

/// Whether it was the gateway that spoke, for a device that it did not reach.
fn is_of_gateway(why: Why) -> bool {
    matches!(why, Why::GatewayPath | Why::GatewayTarget)
}

/// Whether the device, or a gateway before it, said something.
fn is_exception(why: Why) -> bool {
    !matches!(why, Why::Timeout | Why::Unreachable | Why::Refused | Why::Closed | Why::Malformed)
}
