//! Modbus registers and bits of one group: which blocks are asked for, what becomes of refusals, what the answers mean.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;
use tracing::{debug, warn};

use super::decode::{Answer, decode};
use super::learn::{Learned, Learner};
use super::plan::{Block, Spot};
use crate::config::modbus::Register;
use crate::config::{ReadLimits, Tag};
use crate::model::words::source as words;
use crate::model::{Reading, Trouble, Why};
use crate::source::breaker::{Handling, again_at, handling};
use crate::source::connection::{Connection, ReadFault};
use crate::source::scan::{Scanned, Subject};

/// The registers of one group of one unit.
pub(in crate::source) struct Reader {
    unit: u8,
    registers: Vec<Register>,
    learner: Learner,
    /// Whether what it refuses was logged already.
    has_complained: bool,
}

impl Reader {
    /// `tags` are those of a unit, each with its register; `known` is what was kept of them.
    pub(in crate::source) fn new(unit: u8, tags: &[&Tag], limits: ReadLimits, known: Option<&Learned>) -> Reader {
        let register = |tag: &&Tag| *tag.register().expect("the tags of a unit are registers: config/device.rs");
        let registers: Vec<Register> = tags.iter().map(register).collect();
        let learner = Learner::new(&registers, limits, known, Instant::now());
        Reader { unit, registers, learner, has_complained: false }
    }

    /// What is worth keeping over a restart.
    pub(in crate::source) fn learned(&self) -> Learned {
        self.learner.learned()
    }

    /// Asks for one value, to see whether the unit is there. What it says does not matter.
    /// Another value with each `turn`.
    pub(in crate::source) async fn probe(
        &self,
        connection: &mut Connection,
        timeout: Duration,
        turn: usize,
    ) -> Result<(), ReadFault> {
        let Some(block) = self.learner.sample(turn) else { return Ok(()) };
        connection.read_within(self.unit, block, timeout).await.map(|_| ())
    }

    /// One scan: what the learner wants to know, until the connection or the unit gives out.
    pub(in crate::source) async fn scan(&mut self, of: Subject<'_>, connection: &mut Connection) -> Scanned {
        let mut answers: Vec<Option<Answer>> = Vec::new();
        let (mut lost, mut silent, mut refused, mut absent) = (None, None, None, None);
        let (mut is_answered, mut is_present) = (false, false);
        self.learner.begin(Instant::now(), Learner::MAX_EXTRA);
        if of.is_there {
            self.learner.knows_it_is_there();
        }
        while !of.is_stopping()
            && let Some(block) = self.learner.next_request()
        {
            let result = tokio::select! {
                biased;
                result = self.ask(of, connection, block) => result,
                () = of.stopped() => break,
            };
            let why = match result {
                Ok(_) => None,
                Err(ReadFault::Exception(why) | ReadFault::Silent(why) | ReadFault::Lost(why)) => Some(why),
            };
            self.learner.on_result(why.map_or(Ok(()), Err), Instant::now());
            match result {
                Ok(_) => (is_answered, is_present) = (true, true),
                Err(ReadFault::Exception(why)) => {
                    is_answered = true;
                    let handling = handling(why);
                    // What the learner settles is told by it.
                    let is_learned = matches!(handling, Handling::LearnAddresses | Handling::LearnTable);
                    refused = refused.or((!is_learned).then_some((block, why)));
                    match handling {
                        Handling::BackOff | Handling::BackOffBriefly => absent = Some(why),
                        _ => is_present = true,
                    }
                }
                Err(ReadFault::Silent(why)) => silent = Some(why),
                Err(ReadFault::Lost(why)) => lost = Some(why),
            }
            answers.push(result.ok());
            if lost.or(silent).is_some() || (absent.is_some() && !is_present) {
                break; // a gateway that waits in vain for each block would wait once for each
            }
        }
        let has_learned = self.tell_news(of);
        self.complain(of, refused, lost.or(silent).is_none());
        let nothing = lost.or(silent).or(absent).filter(|_| !is_present);
        let outcome = (!answers.is_empty()).then_some(nothing.map_or(Ok(()), Err));
        Scanned { readings: self.readings(of, &answers), lost, silent, is_answered, has_learned, outcome }
    }

    /// One question, repeated a little later to a device that is busy.
    async fn ask(&self, of: Subject<'_>, connection: &mut Connection, block: Block) -> Result<Answer, ReadFault> {
        let deadline = Instant::now() + connection.timeout();
        let mut again = 0;
        loop {
            let result = connection.read(self.unit, block).await;
            if let Err(fault) = &result {
                debug!(device = %of.group.device, unit = self.unit, ?block, ?fault, "request failed");
            }
            let Err(ReadFault::Exception(why)) = result else { return result };
            let Some(at) = again_at(why, again, Instant::now(), deadline) else { return result };
            sleep_until(at.into()).await;
            again += 1;
        }
    }

    fn tell_news(&mut self, of: Subject<'_>) -> bool {
        let news = self.learner.end(Instant::now());
        if news.is_empty() {
            return false;
        }
        let names: Vec<&str> = of.tags.iter().map(|tag| tag.name.as_ref()).collect();
        for news in &news {
            let trouble = news.trouble(&of.group.device, of.station, &names);
            warn!(code = %trouble.code, device = %of.group.device, "{trouble}");
        }
        true
    }

    /// Told when it begins, and again after a scan that was good.
    fn complain(&mut self, of: Subject<'_>, refused: Option<(Block, Why)>, is_complete: bool) {
        match refused {
            Some((block, why)) if !std::mem::replace(&mut self.has_complained, true) => {
                let trouble = Trouble::new(words::DEVICE_REFUSES)
                    .with("device", &of.group.device)
                    .with("unit", of.station)
                    .with("found", why)
                    .with("table", block.table.as_str())
                    .with("first", block.start)
                    .with("last", u32::from(block.start) + u32::from(block.count) - 1);
                warn!(code = %trouble.code, device = %of.group.device, "{trouble}");
            }
            None if is_complete => self.has_complained = false,
            _ => {}
        }
    }

    fn readings(&self, of: Subject<'_>, answers: &[Option<Answer>]) -> Vec<Reading> {
        let reading = |(place, tag): (usize, &Tag)| match self.learner.spot(place) {
            Ok(Spot { block, offset }) => match answers.get(block).and_then(Option::as_ref) {
                Some(answer) => decode(tag, &self.registers[place], answer, offset),
                None => Reading::Bad(Why::Malformed),
            },
            Err(why) => Reading::Bad(why),
        };
        of.tags.iter().enumerate().map(reading).collect()
    }
}
