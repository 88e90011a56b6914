//! Who on a link is silent, and when it may be asked again. A silent unit costs a whole timeout; a bus has one talker, so
//! its neighbours pay. Pure: time and jitter are arguments. One [`Bus`] per link, with one [`Breaker`] per unit.
//!
//! How a poller uses it:
//!
//! ```
//! # use std::time::{Duration, Instant};
//! # use cloudward::model::Why;
//! # use cloudward::config::Station;
//! # use cloudward::source::breaker::Bus;
//! # let (timeout, random) = (Duration::from_secs(1), 0.5);
//! # let ask = |_unit: Station, _deadline: Duration| Err::<(), Why>(Why::Timeout);
//! let mut bus = Bus::new([1, 2, 3].map(Station::Unit), Instant::now());
//!
//! // A group of unit 1 is due: `Err(why)` makes all its readings `Bad(why)` without a request.
//! let unit = Station::Unit(1);
//! if bus.may_ask(unit).is_ok() {
//!     let asked = Instant::now();
//!     let result = ask(unit, timeout);
//!     let news = bus.on_result(unit, result, asked, Instant::now(), random);
//!     // news: warn!("{}", news.trouble("rs485"))
//! }
//!
//! // Nothing is due: the time until then is free for one short request to somebody silent. `next_due` is that of the
//! // groups for which `may_ask` says yes. Any request will do; a block of the unit's next group serves best.
//! let next_due = Some(Instant::now() + Duration::from_millis(900));
//! if let Some(probe) = bus.next_probe(Instant::now(), next_due, timeout) {
//!     let asked = Instant::now();
//!     let result = ask(probe.station, probe.deadline);
//!     bus.on_result(probe.station, result, asked, Instant::now(), random);
//! }
//! // The poller wakes for the next group, or at `bus.next_probe_at(now)` if that is earlier; where that has passed and
//! // `next_probe` said no, the gap was too short, and the next idle time is tried.
//! ```
//!
//! # What is possible
//!
//! A probe waits until the gap before the next group is free ([`probe_window`]); then it delays nobody. Where the gap is
//! shorter than the timeout the probe is cut to the gap, down to half of the timeout; below that a living but slow unit
//! would be taken for dead. Where no gap is long enough, or a unit needs more than a cut probe gives it, only a whole
//! probe helps, and that delays the others: it is made at most once in 100 timeouts, in one of the widest gaps, so it holds
//! the bus for 1 % of the time at most.
//! Probes of silent units burn at most 5 % of bus time: after one that burnt `c` the next waits `19 * c`. With `k` dead
//! units and a timeout `t` each is thus asked every `20 * k * t` (26 units, 1 s: 9 minutes), or every minute where that is
//! longer. The first question to each unit is outside these 5 %: a start would else take as long.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::config::Station;
use crate::model::words::source as words;
use crate::model::{Backoff, Trouble, Why};

/// What a failed request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// The learner finds out which values are guilty; the unit is alive.
    LearnAddresses,
    /// The learner leaves the whole table out; the unit is alive.
    LearnTable,
    /// `Bad` now, the next question at the usual time.
    KeepAsking,
    /// The same question again after a short pause, see [`again_at`].
    AskAgain,
    /// As a silent unit, but with short pauses: it is the gateway that has to come to itself.
    BackOffBriefly,
    /// The unit is silent, or speaks nonsense: its breaker counts it.
    BackOff,
    /// The connection is at fault, not the unit: the link is opened again.
    Reopen,
}

/// What to do, by the meaning that the Modbus Application Protocol V1.1b3, clause 7, gives to each exception:
///
/// | Code | The standard says | So |
/// |---|---|---|
/// | 1 | the function is not allowed for this server, or it is in the wrong state for it | the table is left out, asked again slowly |
/// | 2, 3 | the combination of start and length is invalid; a value of the request is not allowed | halve the block; the guilty values are left out |
/// | 4 | an unrecoverable error while performing the action | say so and keep asking: only the device knows when it is over |
/// | 5, 6 | accepted, but it takes long; busy with a long program command, ask later | the same again after a short pause, at most twice |
/// | 8 | memory parity error: repeat, but the device may need service | say so and keep asking |
/// | 0x0A | the gateway has no path: misconfigured or overloaded | short pauses: overload passes, and a configuration is not mended by asking |
/// | 0x0B | no response from the device behind the gateway: usually not present | the gateway waited its own timeout: as silence |
pub fn handling(why: Why) -> Handling {
    match why {
        Why::IllegalFunction => Handling::LearnTable,
        Why::IllegalAddress | Why::IllegalValue => Handling::LearnAddresses,
        Why::Acknowledge | Why::DeviceBusy => Handling::AskAgain,
        Why::GatewayPath => Handling::BackOffBriefly,
        Why::GatewayTarget | Why::Timeout | Why::Malformed => Handling::BackOff,
        Why::Unreachable | Why::Refused | Why::Closed => Handling::Reopen,
        _ => Handling::KeepAsking, // device failure, parity, and whatever concerns one value only
    }
}

/// A device that is busy is left alone for so long; most need one or two cycles of their program.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// Asked once and twice again; a device that is busy for longer is better asked at its period.
const MAX_AGAIN: u32 = 2;

/// When to ask the same again after exception 5 or 6: `again` counts the repetitions so far, `deadline` is that of the
/// whole request. `None`: no more, the reading is bad.
pub fn again_at(why: Why, again: u32, now: Instant, deadline: Instant) -> Option<Instant> {
    let at = now + BUSY_PAUSE * (again + 1);
    (handling(why) == Handling::AskAgain && again < MAX_AGAIN && at < deadline).then_some(at)
}

/// How long a probe may last so that the group at `next_due` is not delayed: the whole timeout, or what is left of the gap
/// if that is at least half of it. `None`: not now. Without a next group nobody is delayed.
pub fn probe_window(now: Instant, next_due: Option<Instant>, timeout: Duration) -> Option<Duration> {
    let Some(next_due) = next_due else { return Some(timeout) };
    let gap = next_due.saturating_duration_since(now).saturating_sub(PROBE_MARGIN);
    (gap >= timeout / 2 && !gap.is_zero()).then(|| gap.min(timeout))
}

/// What comes after a failed probe: a new connection, or the silent interval of a serial line.
const PROBE_MARGIN: Duration = Duration::from_millis(10);

/// Burnt time is followed by 19 times as much without probes: 5 %.
const REST_PER_COST: u32 = 19;

/// A whole probe that delays others is made once in so many timeouts: they lose 1 % at most.
const TIMEOUTS_PER_FORCED: u32 = 100;

/// And then in a gap that is about as wide as they get on this bus, where it delays the fewest.
const WIDE: f64 = 0.9;

/// A unit that answered before may lose one answer; two in a row are no accident.
const SILENCES: u32 = 2;

/// A unit that came back is trusted after so many answers; until then one silence is enough, and the pauses grow on.
/// Otherwise a unit that answers now and then would cost two timeouts each time.
const ANSWERS: u32 = 10;

/// One silence may be an accident at a start, or a machine that is off; with two the others are not kept waiting any more.
const TRUSTED_SILENCES: u32 = 2;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
const LAST_BRIEF_PAUSE: Duration = Duration::from_secs(10);

/// One unit.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    backoff: Backoff,
    brief: Backoff,
    /// Good answers since it was last open, up to [`ANSWERS`].
    answers: u32,
    /// Whether its silence was told.
    is_told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It answers; so many silences since the last answer.
    Closed(u32),
    /// It was never asked.
    New,
    /// Silent, for this reason; a probe may be made from then on (half-open).
    Open(Instant, Why),
}

/// Whether a unit may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// As the schedule says.
    Ask,
    /// One request, as a probe, since the given moment; the earliest goes first.
    Probe(Instant),
    /// Not yet.
    Wait(Instant),
}

impl Breaker {
    fn new() -> Breaker {
        Breaker {
            state: State::New,
            backoff: Backoff::new(FIRST_PAUSE, LAST_PAUSE),
            brief: Backoff::new(FIRST_PAUSE, LAST_BRIEF_PAUSE),
            answers: 0,
            is_told: false,
        }
    }

    /// Whether it may be asked now. A new unit is probed before it is polled.
    pub fn may_ask(&self, now: Instant) -> Leave {
        match self.state {
            State::Closed(_) => Leave::Ask,
            State::New => Leave::Probe(now),
            State::Open(at, _) if at <= now => Leave::Probe(at),
            State::Open(at, _) => Leave::Wait(at),
        }
    }

    /// It answered, if only with an exception. Says whether that is news.
    pub fn answered(&mut self) -> bool {
        self.state = State::Closed(0);
        self.answers = (self.answers + 1).min(ANSWERS);
        if self.answers == ANSWERS {
            self.backoff.reset();
            self.brief.reset();
        }
        std::mem::take(&mut self.is_told)
    }

    /// It did not answer. `random` from 0 to 1 is the jitter. Says whether that is news.
    pub fn silent(&mut self, why: Why, now: Instant, random: f64) -> bool {
        if let State::Closed(silences) = self.state
            && self.answers == ANSWERS
            && silences + 1 < SILENCES
        {
            self.state = State::Closed(silences + 1);
            return false;
        }
        let is_brief = handling(why) == Handling::BackOffBriefly;
        let pause = if is_brief { self.brief.next(random) } else { self.backoff.next(random) };
        self.state = State::Open(now + pause, why);
        self.answers = 0;
        !std::mem::replace(&mut self.is_told, true)
    }
}

/// All units of one link, and the time that their silence may cost.
#[derive(Debug, Clone)]
pub struct Bus {
    breakers: BTreeMap<Station, Breaker>,
    /// Units whose first question had no answer.
    first_silences: u32,
    /// No probe before: the last ones burnt enough.
    rested_at: Instant,
    /// When a probe last had its whole timeout.
    last_whole: Instant,
    /// The widest gap since then.
    widest: Duration,
}

/// One short request to a unit that is silent or new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Whom to ask.
    pub station: Station,
    /// The timeout of this request.
    pub deadline: Duration,
}

/// A unit fell silent or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitNews {
    /// It does not answer, for this reason.
    Silent(Station, Why),
    /// It answers again.
    Answers(Station),
}

impl Bus {
    /// Nobody was asked yet.
    pub fn new(stations: impl IntoIterator<Item = Station>, now: Instant) -> Bus {
        let breakers = stations.into_iter().map(|station| (station, Breaker::new())).collect();
        Bus { breakers, first_silences: 0, rested_at: now, last_whole: now, widest: Duration::ZERO }
    }

    /// Whether a group of `station` may be read at its time; otherwise the reason for its bad readings. One that was never
    /// asked may be, until two such had no answer: then the others are asked in the gaps, and nobody waits for them.
    pub fn may_ask(&self, station: Station) -> Result<(), Why> {
        match self.breakers.get(&station).map(|breaker| breaker.state) {
            None | Some(State::Closed(_)) => Ok(()),
            Some(State::New) if self.first_silences < TRUSTED_SILENCES => Ok(()),
            Some(State::New) => Err(Why::NotAsked),
            Some(State::Open(_, why)) => Err(why),
        }
    }

    /// Who does not answer.
    pub fn silent(&self) -> Vec<Station> {
        let is_open = |breaker: &Breaker| matches!(breaker.state, State::Open(..));
        self.breakers.iter().filter(|(_, breaker)| is_open(breaker)).map(|(station, _)| *station).collect()
    }

    /// Whom to probe in the idle time before `next_due`, the next group of a unit that may be asked: new units first, then
    /// the one that waits longest. `None`: nobody now.
    pub fn next_probe(&mut self, now: Instant, next_due: Option<Instant>, timeout: Duration) -> Option<Probe> {
        let gap = next_due.map_or(Duration::MAX, |due| due.saturating_duration_since(now));
        if next_due.is_some() {
            self.widest = self.widest.max(gap);
        }
        let waiting = self.breakers.iter().filter_map(|(station, breaker)| match breaker.may_ask(now) {
            Leave::Probe(since) => Some((breaker.state != State::New, since, *station)),
            _ => None,
        });
        let (is_known, _, station) = waiting.min()?;
        if is_known && now < self.rested_at {
            return None;
        }
        let is_forced = now >= self.last_whole + timeout * TIMEOUTS_PER_FORCED && gap >= self.widest.mul_f64(WIDE);
        let deadline = if is_forced { timeout } else { probe_window(now, next_due, timeout)? };
        if deadline == timeout {
            (self.last_whole, self.widest) = (now, Duration::ZERO);
        }
        Some(Probe { station, deadline })
    }

    /// When [`next_probe`](Self::next_probe) may have somebody; `None` when all units answer.
    pub fn next_probe_at(&self, now: Instant) -> Option<Instant> {
        let at = |breaker: &Breaker| match breaker.state {
            State::Closed(_) => None,
            State::New => Some(now),
            State::Open(at, _) => Some(at.max(self.rested_at)),
        };
        self.breakers.values().filter_map(at).min()
    }

    /// How a request to `station`, made at `asked`, ended now. An exception of the device is an answer. A lost connection says
    /// nothing of a unit that answers, but a probe that ends so has found nobody. What was burnt is charged to the 5 %,
    /// but for first questions and for the first silence of a unit that is known to live.
    pub fn on_result(
        &mut self,
        station: Station,
        result: Result<(), Why>,
        asked: Instant,
        now: Instant,
        random: f64,
    ) -> Option<UnitNews> {
        let breaker = self.breakers.get_mut(&station)?;
        let is_answering = matches!(breaker.state, State::Closed(_));
        let why = match result.map_err(|why| (why, handling(why))) {
            Err((why, Handling::BackOff | Handling::BackOffBriefly)) => why,
            Err((_, Handling::Reopen)) if is_answering => return None,
            Err((why, Handling::Reopen)) => why,
            _ => return breaker.answered().then_some(UnitNews::Answers(station)),
        };
        let is_charged = breaker.state != State::New;
        self.first_silences += u32::from(!is_charged);
        let is_news = breaker.silent(why, now, random);
        if is_charged && matches!(breaker.state, State::Open(..)) {
            let cost = now.saturating_duration_since(asked);
            self.rested_at = self.rested_at.max(now) + cost * REST_PER_COST;
        }
        is_news.then_some(UnitNews::Silent(station, why))
    }
}

impl UnitNews {
    /// The words for it.
    pub fn trouble(self, link: &str) -> Trouble {
        match self {
            UnitNews::Silent(station, why) => {
                Trouble::new(words::UNIT_SILENT).with("link", link).with("unit", station).with("found", why)
            }
            UnitNews::Answers(station) => Trouble::new(words::UNIT_ANSWERS).with("link", link).with("unit", station),
        }
    }
}

#[cfg(test)]
mod tests;
