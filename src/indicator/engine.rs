//! Engine: one device. Batches go in; states at once, and log intervals and cells when they are settled, come out.
//!
//! All that decides happens in [`sweep`], strictly in the order of time: samples wait in an inbox until every input has been heard
//! of up to there, or has been silent too long. That is why neither the chunking of batches nor the moment of a
//! restart can change a figure.

mod essence;
mod inbox;
mod news;
mod sweep;

pub use essence::Reached;
pub use news::{News, Now};

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::inbox::{Inbox, What};
use super::alarms;
use super::cell::Cell;
use super::clock::Placer;
use super::counter::{Counter, Mark};
use super::cycles;
use super::energy::{Integral, Lived, Window};
use super::exact::Amount;
use super::flags::Flags;
use super::interval::Interval;
use super::machine::{Causes, Limits, Machine};
use super::plan::{Meaning, Plan};
use super::resolve::resolve;
use super::shelf::Shelf;
use super::signal::{Said, Signal};
use crate::model::{Batch, BootId, Group, Reading, State, Timestamp, Value, Why};

/// After so long, nothing older comes any more: scans pass from a link to the recorder within seconds, since a full channel
/// delays the poll.
pub const LATENESS_MS: i64 = 60_000;

/// A hole as long as this is no gap: the device begins anew behind it. It also bounds the cells that one step can make.
const LONGEST_HOLE_MS: i64 = 370 * 86_400_000;

/// A clock that steps back further than this was wrong before: the device begins anew at the earlier time. Without this, a machine
/// whose clock once stood in the future would be deaf until then.
const LONGEST_OVERLAP_MS: i64 = 26 * 3_600_000;

/// One device.
#[derive(Debug, Clone)]
pub struct Engine {
    plan: Arc<Plan>,
    /// Which tag of a group is which input.
    routes: HashMap<u64, Arc<Route>>,
    core: Core,
}

#[derive(Debug, Default)]
struct Route {
    group: Option<Arc<Group>>,
    /// What is kept of the group.
    essence: Option<Arc<Group>>,
    /// Place in the batch, place among the inputs.
    inputs: Vec<(usize, usize)>,
    is_online: bool,
    is_scan: bool,
}

impl Route {
    /// Nothing of such a group is listened to.
    fn is_deaf(&self) -> bool {
        self.inputs.is_empty() && !self.is_online && !self.is_scan
    }
}

/// All that changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Core {
    placer: Placer,
    /// First heard of; `None`: not yet.
    begun: Option<i64>,
    /// Everything before is decided.
    swept: i64,
    online: Signal,
    inputs: Vec<Heard>,
    inbox: Inbox,
    /// Up to here a clock that was set back goes over the same time again: that is cut (R7), and no late data.
    overlap_to: i64,
    /// The last scan that was counted.
    scanned: Option<i64>,
    product: Option<(i64, String)>,
    cavities: Option<Amount>,
    causes: Causes,
    machine: Machine,
    lived: Lived,
    window: Window,
    shelf: Shelf,
    #[serde(default)]
    cycles: cycles::Watch,
    now: Option<Now>,
}

/// What was heard of one input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Heard {
    /// `device.tag`: what a snapshot is matched by.
    key: String,
    /// Of those that the state depends on.
    signal: Signal,
    /// Of the others: up to here.
    to: i64,
    /// Of the others: the last good reading. What a clock that was set back goes over again is cut (R7).
    #[serde(default)]
    last: i64,
    counter: Counter,
    integral: Integral,
    /// Of those that tell of alarms.
    #[serde(default, skip_serializing_if = "alarms::Watch::is_nothing")]
    alarm: alarms::Watch,
}

impl Engine {
    /// An engine that has heard nothing yet.
    pub fn new(plan: Arc<Plan>) -> Engine {
        let inputs = plan.inputs.iter().map(|input| Heard { key: key(&input.device, &input.tag), ..Heard::default() });
        let core = Core { inputs: inputs.collect(), ..Core::default() };
        Engine { plan, routes: HashMap::new(), core }
    }

    /// One that goes on where a snapshot was taken; `None` where the snapshot cannot be read. Inputs that the configuration
    /// has changed since begin anew.
    pub fn restore(plan: Arc<Plan>, snapshot: &[u8]) -> Option<Engine> {
        let mut core: Core = serde_json::from_slice(snapshot).ok()?;
        let mut engine = Engine::new(plan);
        for fresh in &mut engine.core.inputs {
            match core.inputs.iter().position(|known| known.key == fresh.key) {
                Some(at) => *fresh = std::mem::take(&mut core.inputs[at]),
                None => (fresh.signal, fresh.to, fresh.last) = (Signal::begin(core.swept), core.swept, core.swept),
            }
        }
        let is_same = engine.core.inputs.len() == core.inputs.len();
        if !is_same {
            core.inbox = Inbox::default(); // what waits there is of the last minute, and places of inputs have moved
        }
        core.inputs = std::mem::take(&mut engine.core.inputs);
        engine.core = core;
        Some(engine)
    }

    /// All that it knows.
    pub fn snapshot(&self) -> Vec<u8> {
        serde_json::to_vec(&self.core).expect("a core has text keys and finite numbers only")
    }

    /// The agent was started: from now on monotonic times are of this start.
    pub fn boot(&mut self, boot: BootId) {
        self.core.placer.boot(boot.0);
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Takes a batch; its times are to be trusted or corrected. `now`: everything that is older than a minute was handed over. Of one
    /// that comes too late nothing is taken, and [`News::Late`] says so.
    pub fn step(&mut self, batch: &Batch, now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        let route = self.route(&batch.group);
        if route.is_deaf() {
            return news;
        }
        let (is_first, behind_ms) = self.core.placer.looks_at(batch.mono_ms);
        let (at, step) = self.core.placer.place(batch.at, batch.mono_ms);
        if is_first {
            self.core.overlap(); // a clock that was set back while the agent was off goes over the same time again, too
        }
        // What was taken long before what was heard last is late, wherever the clock stood then.
        let is_overlap = behind_ms <= LATENESS_MS && (step.is_some() || at <= self.core.overlap_to);
        if !is_overlap && self.is_refused(&route, batch, at) {
            news.push(News::Late { at: Timestamp(at) });
            return news;
        }
        let has_good = batch.readings.iter().flatten().any(|reading| value(reading).is_some());
        if let Some(by_ms) = step {
            news.push(News::ClockStep { at: Timestamp(at), by_ms });
        }
        self.begin_if_due(at, has_good, &mut news);
        if self.core.begun.is_none() {
            return news;
        }
        if step.is_some() {
            self.core.overlap();
            // Between the last that was heard before, and the first that is heard after it.
            self.core.inbox.put(at.max(self.core.overlap_to + 1), What::Cut, 0);
            let at = at.max(self.core.swept + 1);
            self.core.inbox.put(at, What::Flag(Flags::CLOCK_STEP), 0);
        }
        let mono = (self.core.placer.of_boot(), i64::try_from(batch.mono_ms).unwrap_or(i64::MAX));
        if has_good && route.is_online {
            self.core.online.sample(at, Said::Yes, self.plan.online_stale_ms);
        }
        let is_first = self.core.begun == Some(at); // what is expected begins behind it
        if has_good && route.is_scan && !is_first && !self.core.is_late(at) && self.core.scanned < Some(at) {
            self.core.scanned = Some(at); // a scan that comes in two pieces is one
            self.core.inbox.put(at, What::Scan, 0);
        }
        for (place, input) in &route.inputs {
            let reading = batch.readings.get(*place).and_then(Option::as_ref);
            self.hear(*input, at, mono, reading);
        }
        self.go_on(now, &mut news);
        self.look(at, &mut news);
        news
    }

    /// Time passes without a batch.
    pub fn tick(&mut self, now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        if self.core.begun.is_some() {
            self.go_on(now, &mut news);
            self.look(now.0, &mut news);
        }
        news
    }

    /// What the machine does.
    pub fn now(&self) -> Option<&Now> {
        self.core.now.as_ref()
    }

    /// The interval of the log in progress, as far as it is final.
    pub fn open_interval(&self) -> Option<Interval> {
        self.core.machine.open(&limits(&self.plan))
    }

    /// The cells that are not settled yet, for figures of a period that is not over.
    pub fn open_cells(&self) -> impl Iterator<Item = &Cell> {
        self.core.shelf.open()
    }

    /// Up to where all is decided.
    pub fn decided_to(&self) -> Option<Timestamp> {
        self.core.begun.map(|_| Timestamp(self.core.swept))
    }

    fn route(&mut self, group: &Arc<Group>) -> Arc<Route> {
        if let Some(route) = self.routes.get(&group.id)
            && route.group.as_ref().is_some_and(|known| Arc::ptr_eq(known, group) || **known == **group)
        {
            return route.clone();
        }
        let places = group.tags.iter().enumerate().filter_map(|(place, tag)| {
            let is_it = |input: &super::plan::Input| input.device == group.device && input.tag == tag.name;
            self.plan.inputs.iter().position(is_it).map(|input| (place, input))
        });
        let inputs: Vec<(usize, usize)> = places.collect();
        let route = Arc::new(Route {
            essence: Some(essence::of_group(group, &inputs)),
            inputs,
            is_online: self.plan.online_by.contains(&group.device),
            is_scan: self.plan.scans.as_ref().is_some_and(|(device, every_ms)| {
                *device == group.device && i64::try_from(group.period.as_millis()).is_ok_and(|ms| ms == *every_ms)
            }),
            group: Some(group.clone()),
        });
        self.routes.insert(group.id, route.clone());
        route
    }

    /// The first good reading begins the device; a hole of a year, or a clock that was far ahead, begins it anew.
    fn begin_if_due(&mut self, at: i64, has_good: bool, news: &mut Vec<News>) {
        let core = &self.core;
        let is_far =
            core.begun.is_some() && (at - core.swept > LONGEST_HOLE_MS || core.swept - at > LONGEST_OVERLAP_MS);
        if !has_good || core.begun.is_some() && !is_far {
            return;
        }
        if is_far {
            self.close(news);
            self.core.overlap_to = at;
        }
        let core = &mut self.core;
        (core.begun, core.swept, core.scanned) = (Some(at), at, None);
        core.online = Signal::begin(at);
        for input in &mut core.inputs {
            (input.signal, input.to, input.last) = (Signal::begin(at), at, at);
        }
    }

    /// Tells what is open, and forgets it.
    fn close(&mut self, news: &mut Vec<News>) {
        let (plan, core) = (self.plan.clone(), &mut self.core);
        let ended = core.machine.finish(&limits(&plan), &mut core.shelf);
        news.extend(ended.map(News::Interval));
        while let Some(cell) = core.shelf.settle(false) {
            news.push(News::Cell(Box::new(cell)));
        }
        news.extend(core.shelf.release().into_iter().map(|cell| News::Cell(Box::new(cell))));
        (core.machine, core.lived, core.window, core.inbox) = Default::default();
        core.cycles = Default::default();
        core.inputs.iter_mut().for_each(|heard| heard.alarm = Default::default());
    }

    /// A reading of an input. What lies in the time that a clock goes over again is left out, by each input for itself.
    fn hear(&mut self, input: usize, at: i64, mono: (u64, i64), reading: Option<&Reading>) {
        let (plan, core) = (&self.plan, &mut self.core);
        let (Some(of), Some(heard)) = (plan.inputs.get(input), core.inputs.get_mut(input)) else { return };
        let found = reading.and_then(value);
        let is_late = at < core.swept; // as in Core::is_late
        let is_plain = !of.meaning.is_signal();
        if is_plain {
            heard.to = heard.to.max(at);
        }
        if let (Meaning::Word(_), Some(Reading::Uncertain(_, Why::Unmapped))) = (&of.meaning, reading) {
            heard.signal.sample(at, Said::Unmapped, of.stale_ms); // heard well, but nobody knows what it means
            return;
        }
        let Some(found) = found else { return };
        let is_late = is_late || is_plain && at < heard.last;
        heard.last = heard.last.max(at);
        let what = match &of.meaning {
            Meaning::Is(_) | Meaning::Alarm | Meaning::AlarmAck => {
                let said = if is_true(found) { Said::Yes } else { Said::No };
                heard.signal.sample(at, said, of.stale_ms);
                return;
            }
            Meaning::Word(map) => {
                let said = map.by_word.get(word(found).as_str()).map_or(Said::Unmapped, |state| Said::Is(*state));
                heard.signal.sample(at, said, of.stale_ms);
                return;
            }
            Meaning::Band(band, dwell_ms) => {
                let Some(number) = found.as_f64().filter(|number| number.is_finite()) else { return };
                heard.signal.banded(at, number, (band, *dwell_ms), of.stale_ms);
                return;
            }
            Meaning::Power { rule, num, den, is_energy } => {
                let Some(watts) = Amount::of_value(found).map(|amount| amount.times(*num, *den)) else { return };
                if *is_energy && !is_late {
                    core.inbox.put(at, What::Power(watts), input);
                }
                let Some(rule) = rule else { return };
                heard.signal.power(at, watts.0 as f64 / 1e9, rule, of.stale_ms);
                return;
            }
            Meaning::Count { .. } => Amount::of_value(found).map(|reading| What::Count(Mark { at, mono, reading })),
            Meaning::Energy { num, den, .. } => {
                let amount = Amount::of_value(found).map(|amount| amount.times(*num, *den));
                amount.map(|reading| What::Count(Mark { at, mono, reading }))
            }
            Meaning::AlarmCode => Some(What::Code(cause(found))),
            Meaning::StopReason => Some(What::Reason(cause(found))),
            Meaning::Product => Some(What::Product(cut(word(found)))),
            Meaning::Cavities => Amount::of_value(found).filter(|n| n.0 >= 0).map(What::Cavities),
        };
        if let Some(what) = what.filter(|_| !is_late) {
            core.inbox.put(at, what, input);
        }
    }

    /// Decides what can be decided.
    fn go_on(&mut self, now: Timestamp, news: &mut Vec<News>) {
        let silent_to = now.0.saturating_sub(LATENESS_MS);
        let core = &mut self.core;
        let mut frontier = i64::MAX;
        if !self.plan.online_by.is_empty() {
            core.online.silent_to(silent_to, self.plan.online_stale_ms);
            frontier = core.online.final_to();
        }
        for (input, heard) in self.plan.inputs.iter().zip(&mut core.inputs) {
            if input.meaning.is_signal() {
                heard.signal.silent_to(silent_to, input.stale_ms);
                frontier = frontier.min(heard.signal.final_to());
            } else {
                heard.to = heard.to.max(silent_to);
                frontier = frontier.min(heard.to);
            }
        }
        if frontier != i64::MAX {
            self.sweep(frontier, news);
        }
    }

    /// The live view.
    fn look(&mut self, at: i64, news: &mut Vec<News>) {
        let core = &self.core;
        let inputs = || self.plan.inputs.iter().zip(&core.inputs);
        let (state, _) = resolve(inputs().map(|(of, heard)| (&of.meaning, heard.signal.live(at, of.stale_ms))));
        if core.now.as_ref().is_some_and(|now| now.state == state) {
            return;
        }
        let heard =
            || inputs().filter(|(of, _)| of.meaning.is_of_state()).filter_map(|(_, heard)| heard.signal.heard()).min();
        let since = if state == State::Unknown { heard().unwrap_or(at).min(at) } else { at };
        let cause = core.causes.of(state).to_owned();
        let now = Now { device: self.plan.device.to_string(), state, cause, since: Timestamp(since) };
        self.core.now = Some(now.clone());
        news.push(News::State(now));
    }
}

impl Core {
    /// Whether what is counted then is decided already. Of the very moment, it is not: a scan may come in pieces, and the cell that
    /// ends with this moment is open until it has settled.
    fn is_late(&self, at: i64) -> bool {
        at < self.swept
    }

    /// The clock is read anew: up to where something was heard, it goes over the same time again.
    fn overlap(&mut self) {
        let heard = self.inputs.iter().map(|heard| heard.signal.heard().unwrap_or(heard.to));
        self.overlap_to = heard.chain([self.swept]).max().unwrap_or(self.swept);
        self.inbox.pass();
    }
}

fn limits(plan: &Plan) -> Limits<'_> {
    Limits {
        device: &plan.device,
        microstop_ms: plan.microstop_ms,
        min_failure_ms: plan.min_failure_ms,
        is_inferred: plan.flags.has(Flags::INFERRED),
    }
}

/// The value of a good reading. An uncertain one is no evidence.
fn value(reading: &Reading) -> Option<&Value> {
    match reading {
        Reading::Good(value) => Some(value),
        Reading::Uncertain(..) | Reading::Bad(_) => None,
    }
}

fn is_true(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number != 0.0)
}

/// A number or name as it is written: `7`, `7` for 7.0, `全自动`.
fn word(value: &Value) -> String {
    match value {
        Value::Bool(flag) => i32::from(*flag).to_string(),
        Value::Text(text) | Value::Json(text) => text.trim().to_owned(),
        number => number.to_string(),
    }
}

/// The same of a cause; none for zero.
fn cause(value: &Value) -> String {
    let text = cut(word(value));
    if text == "0" { String::new() } else { text }
}

fn cut(mut text: String) -> String {
    /// Bytes of a cause or a product: a text tag may carry a whole message.
    const LONGEST: usize = 128;
    let cut = (0..=LONGEST.min(text.len())).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or(0);
    text.truncate(cut);
    text
}

fn key(device: &str, tag: &str) -> String {
    format!("{device}.{tag}")
}
