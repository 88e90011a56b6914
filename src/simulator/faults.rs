//! Faults: what a device that misbehaves does with a request. Pure: it is given frames and spans of time, and says which
//! bytes leave, when, and whether the connection ends. [`super::spoiler`] does it.
//!
//! It owns the faults of `cloudward sim --fault` and how often each has acted. Rule: of several faults that fit a request
//! the first one named acts, alone; whatever acts is counted, so that a test can prove that it was exercised.

mod grammar;

use std::collections::BTreeMap;
use std::time::Duration;

pub use grammar::{KINDS, KindWords, WHERE_AND_HOW_OFTEN};

use crate::config::modbus::Table;

/// One fault as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// As it was written.
    pub text: String,
    kind: Kind,
    /// All of them must fit; none: every request does.
    places: Vec<Place>,
    /// It acts on every so many-th request that fits.
    every: u64,
}

/// What happens. A closed enum: to know what can go wrong, read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nobody listens, for so long; `None`: ever.
    Refused(Option<Duration>),
    /// A second connection is hung up at once.
    OneConnection,
    Hung,
    HalfClosed,
    Slow(Duration),
    Exception(u8),
    WrongTransaction,
    WrongUnit,
    ShortFrame,
    Garbage,
    Drop,
    Late,
    Split,
    Merged,
    /// More registers or bits than this are refused with this exception.
    Max(u16, u8),
    /// A request so soon after the connect or the last answer is not heard.
    PauseNeeded(Duration),
}

/// Where a fault acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Unit(u8),
    /// Any request that touches these addresses.
    Range {
        table: Table,
        first: u16,
        last: u16,
    },
}

/// How often a fault has acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Requests or connections on which it acted.
    pub acted: u64,
    /// Those that it fits, whether it acted on them or not.
    pub fitted: u64,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    /// Which of the faults acts, if any.
    pub fault: Option<usize>,
    /// Whether the machine is asked at all.
    pub is_asked: bool,
}

/// What happens on the wire, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// These bytes leave.
    Send(Vec<u8>),
    /// Nothing happens for so long.
    Wait(Duration),
    /// The sending side is closed; requests are still taken.
    CloseSending,
    /// The connection ends.
    Cut,
}

/// All faults of one port.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<(Fault, Tally)>,
    /// Answers that are kept until the unit is asked again.
    held: BTreeMap<u8, Vec<u8>>,
}

impl Faults {
    /// These faults; the first one that fits a request acts.
    pub fn new(faults: Vec<Fault>) -> Faults {
        Faults { faults: faults.into_iter().map(|fault| (fault, Tally::default())).collect(), held: BTreeMap::new() }
    }

    /// Each fault and how often it acted.
    pub fn tallies(&self) -> impl Iterator<Item = (&Fault, Tally)> {
        self.faults.iter().map(|(fault, tally)| (fault, *tally))
    }

    /// One of them.
    pub fn get(&self, fault: usize) -> Option<(&Fault, Tally)> {
        self.faults.get(fault).map(|(fault, tally)| (fault, *tally))
    }

    /// How long nobody listens at first: not at all, so long, or (`Some(None)`) for ever. And which fault that is.
    pub fn on_start(&mut self) -> Option<(usize, Option<Duration>)> {
        let refused = |(at, (fault, _)): (usize, &(Fault, Tally))| match fault.kind {
            Kind::Refused(span) => Some((at, span)),
            _ => None,
        };
        let (at, span) = self.faults.iter().enumerate().find_map(refused)?;
        self.faults[at].1 = Tally { acted: 1, fitted: 1 };
        Some((at, span))
    }

    /// A connection, while `open` others stand. `Some`: it is hung up, by this fault.
    pub fn on_connect(&mut self, open: usize) -> Option<usize> {
        let at = self.faults.iter().position(|(fault, _)| fault.kind == Kind::OneConnection)?;
        let (fault, tally) = &mut self.faults[at];
        if open == 0 {
            return None;
        }
        tally.fitted += 1;
        (tally.fitted % fault.every == 0).then(|| {
            tally.acted += 1;
            at
        })
    }

    /// A whole request with its header, `quiet` after the connect or the last answer.
    pub fn on_request(&mut self, request: &[u8], quiet: Duration) -> Deed {
        for (at, (fault, tally)) in self.faults.iter_mut().enumerate() {
            if !fault.fits(request, quiet) {
                continue;
            }
            tally.fitted += 1;
            if tally.fitted % fault.every == 0 {
                tally.acted += 1;
                return Deed { fault: Some(at), is_asked: fault.kind.asks() };
            }
        }
        Deed { fault: None, is_asked: true }
    }

    /// What happens with the machine's answer, or with the request alone where it was not asked.
    pub fn steps(&mut self, deed: Deed, request: &[u8], answer: Option<Vec<u8>>) -> Vec<Step> {
        let unit = request.get(UNIT).copied().unwrap_or_default();
        let kind = deed.fault.and_then(|at| self.faults.get(at)).map(|(fault, _)| fault.kind);
        let mut steps: Vec<Step> = Vec::new();
        if let Some(held) = self.held.remove(&unit) {
            steps.push(Step::Send(held));
        }
        let answer = answer.unwrap_or_default();
        match kind {
            None => steps.push(Step::Send(answer)),
            Some(Kind::Late) => {
                self.held.insert(unit, answer);
            }
            Some(kind) => steps.extend(kind.steps(request, answer)),
        }
        steps
    }
}

impl Fault {
    /// Whether it is about whole connections, and so neither about places nor about single requests.
    fn is_of_connections(&self) -> bool {
        matches!(self.kind, Kind::Refused(_) | Kind::OneConnection)
    }

    fn fits(&self, request: &[u8], quiet: Duration) -> bool {
        let Some(asked) = Asked::of(request) else { return false };
        let is_here = self.places.iter().all(|place| match *place {
            Place::Unit(unit) => asked.unit == unit,
            Place::Range { table, first, last } => {
                let end = u32::from(asked.start) + u32::from(asked.count); // one behind
                asked.table == Some(table) && asked.start <= last && end > u32::from(first)
            }
        });
        is_here
            && match self.kind {
                Kind::Refused(_) | Kind::OneConnection => false,
                Kind::Max(most, _) => asked.count > most,
                Kind::PauseNeeded(pause) => quiet < pause,
                _ => true,
            }
    }
}

impl Kind {
    /// Whether the machine hears the request. Where it does not, its `scan` counter does not step.
    fn asks(self) -> bool {
        !matches!(self, Kind::Hung | Kind::HalfClosed | Kind::Exception(_) | Kind::Max(..) | Kind::PauseNeeded(_))
    }

    fn steps(self, request: &[u8], mut answer: Vec<u8>) -> Vec<Step> {
        let exception = |code: u8| {
            let mut frame = request.get(..4).unwrap_or_default().to_vec();
            frame.extend([0, 3]);
            frame.extend(request.get(UNIT..=FUNCTION).unwrap_or_default());
            frame.iter_mut().skip(FUNCTION).for_each(|function| *function |= 0x80);
            frame.push(code);
            vec![Step::Send(frame)]
        };
        match self {
            Kind::Refused(_) | Kind::OneConnection | Kind::Hung | Kind::PauseNeeded(_) | Kind::Late => Vec::new(),
            Kind::HalfClosed => vec![Step::CloseSending],
            Kind::Slow(pause) => vec![Step::Wait(pause), Step::Send(answer)],
            Kind::Exception(code) | Kind::Max(_, code) => exception(code),
            Kind::WrongTransaction => {
                answer.iter_mut().skip(1).take(1).for_each(|byte| *byte = byte.wrapping_add(1));
                vec![Step::Send(answer)]
            }
            Kind::WrongUnit => {
                answer.iter_mut().skip(UNIT).take(1).for_each(|byte| *byte = byte.wrapping_add(1));
                vec![Step::Send(answer)]
            }
            Kind::ShortFrame => {
                // The header is honest about the length; the count of bytes within is not.
                answer.truncate(answer.len().saturating_sub(1));
                let length = u16::try_from(answer.len().saturating_sub(UNIT)).unwrap_or_default();
                answer.iter_mut().skip(4).zip(length.to_be_bytes()).for_each(|(byte, new)| *byte = new);
                vec![Step::Send(answer)]
            }
            Kind::Garbage => vec![Step::Send(NOISE.iter().copied().cycle().take(answer.len()).collect())],
            Kind::Drop => {
                answer.truncate(answer.len() / 2);
                vec![Step::Send(answer), Step::Cut]
            }
            Kind::Split => answer.into_iter().flat_map(|byte| [Step::Send(vec![byte]), Step::Wait(BYTE)]).collect(),
            Kind::Merged => vec![Step::Send([answer.as_slice(), answer.as_slice()].concat())],
        }
    }
}

/// Places within a frame of Modbus TCP (Modbus Messaging on TCP/IP V1.0b, 3.1.3).
const UNIT: usize = 6;
const FUNCTION: usize = 7;

/// Between two bytes that arrive singly: longer than a segment takes on any loopback, short enough for 250 of them.
const BYTE: Duration = Duration::from_millis(1);

/// What a line without termination sounds like. The third byte is no protocol number of Modbus.
const NOISE: [u8; 11] = [0xff, 0x7f, 0xfd, 0x00, 0x3a, 0x81, 0xff, 0xe0, 0x18, 0xfb, 0x55];

/// What a request asks for.
struct Asked {
    unit: u8,
    /// `None`: another function than reading and writing tables.
    table: Option<Table>,
    start: u16,
    count: u16,
}

impl Asked {
    /// `None` where it is too short to be a request.
    fn of(request: &[u8]) -> Option<Asked> {
        let word = |at: usize| Some(u16::from_be_bytes([*request.get(at)?, *request.get(at + 1)?]));
        let (unit, function) = (*request.get(UNIT)?, *request.get(FUNCTION)?);
        let (table, is_single) = match function {
            1..=4 => (Table::ALL.into_iter().find(|table| table.function_code() == function), false),
            5 => (Some(Table::Coil), true),
            6 => (Some(Table::Holding), true),
            15 => (Some(Table::Coil), false),
            16 => (Some(Table::Holding), false),
            _ => (None, true),
        };
        let start = word(FUNCTION + 1).unwrap_or_default();
        let count = if is_single { 1 } else { word(FUNCTION + 3).unwrap_or_default() };
        Some(Asked { unit, table, start, count })
    }
}

#[cfg(test)]
mod tests;
