//! One group of one device: asks for its blocks on an open connection and makes readings of the answers. Whatever fails
//! on the way becomes `Bad` readings with their cause.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;
use tracing::{debug, warn};

use super::breaker::{Handling, again_at, handling};
use super::connection::{Connection, ReadFault};
use super::decode::{Answer, decode};
use super::learn::{Learned, Learner};
use super::plan::{Block, Spot};
use crate::config::modbus::Register;
use crate::config::{Device, Manners, Station, Tag};
use crate::model::words::source as words;
use crate::model::{Group, Reading, Trouble, Why};

/// One group with all that is needed to read it.
pub(super) struct Polled {
    pub(super) group: Arc<Group>,
    pub(super) station: Station,
    manners: Manners,
    tags: Vec<Tag>,
    registers: Vec<Register>,
    learner: Learner,
    /// Whether what it refuses was logged already.
    has_complained: bool,
}

/// What one scan brought.
pub(super) struct Scanned {
    pub(super) readings: Vec<Reading>,
    /// Why the connection was lost, if it was.
    pub(super) lost: Option<Why>,
    /// Why the unit did not answer, on a line that is fine.
    pub(super) silent: Option<Why>,
    /// Whether the device said anything, be it an exception.
    pub(super) is_answered: bool,
    /// Whether something was learned that is worth keeping.
    pub(super) has_learned: bool,
    /// For the breaker of the unit: why nothing at all came from it.
    pub(super) outcome: Result<(), Why>,
}

impl Polled {
    /// The groups of one device: its tags by period. `learned` is what was kept of each, if anything.
    pub(super) fn of_device(device: &Device, learned: impl Fn(&str, Duration) -> Option<Learned>) -> Vec<Polled> {
        let polled = |(period, tags): (Duration, Vec<&Tag>)| {
            let group = Group::new(device.id.clone(), period, tags.iter().map(|tag| tag.info()).collect());
            let registers: Vec<Register> = tags.iter().map(|tag| *tag.register()).collect();
            let known = learned(&device.id, period);
            Polled {
                group: Arc::new(group),
                station: device.station,
                manners: device.manners,
                tags: tags.into_iter().cloned().collect(),
                learner: Learner::new(&registers, device.manners.limits, known.as_ref(), Instant::now()),
                registers,
                has_complained: false,
            }
        };
        device.by_period().into_iter().map(polled).collect()
    }

    /// What is worth keeping over a restart.
    pub(super) fn learned(&self) -> Learned {
        self.learner.learned()
    }

    /// The same for every tag.
    pub(super) fn all_bad(&self, why: Why) -> Vec<Reading> {
        vec![Reading::Bad(why); self.tags.len()]
    }

    /// Asks for one value, to see whether the unit is there. What it says does not matter.
    pub(super) async fn probe(&self, connection: &mut Connection, timeout: Duration) -> Result<(), ReadFault> {
        let Station::Unit(unit) = self.station;
        let Some(Register { address, data_type, .. }) = self.registers.first() else { return Ok(()) };
        let block = Block { table: address.table, start: address.offset, count: data_type.width() };
        connection.keep_pause(self.manners.pause);
        connection.read_within(unit, block, timeout).await.map(|_| ())
    }

    /// One scan: what the learner wants to know, until the connection or the unit gives out.
    pub(super) async fn scan(&mut self, connection: &mut Connection) -> Scanned {
        let mut answers: Vec<Option<Answer>> = Vec::new();
        let (mut lost, mut silent, mut refused, mut absent) = (None, None, None, None);
        let (mut is_answered, mut is_present) = (false, false);
        connection.keep_pause(self.manners.pause);
        self.learner.begin(Instant::now(), Learner::MAX_EXTRA);
        while let Some(block) = self.learner.next_request() {
            let result = self.ask(connection, block).await;
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
        let has_learned = self.tell_news();
        self.complain(refused, lost.or(silent).is_none());
        let nothing = lost.or(silent).or(absent).filter(|_| !is_present);
        let outcome = nothing.map_or(Ok(()), Err);
        Scanned { readings: self.readings(&answers), lost, silent, is_answered, has_learned, outcome }
    }

    /// One question, repeated a little later to a device that is busy.
    async fn ask(&self, connection: &mut Connection, block: Block) -> Result<Answer, ReadFault> {
        let Station::Unit(unit) = self.station;
        let deadline = Instant::now() + connection.timeout();
        let mut again = 0;
        loop {
            let result = connection.read(unit, block).await;
            if let Err(fault) = &result {
                debug!(device = %self.group.device, unit, ?block, ?fault, "request failed");
            }
            let Err(ReadFault::Exception(why)) = result else { return result };
            let Some(at) = again_at(why, again, Instant::now(), deadline) else { return result };
            sleep_until(at.into()).await;
            again += 1;
        }
    }

    fn tell_news(&mut self) -> bool {
        let news = self.learner.end(Instant::now());
        if news.is_empty() {
            return false;
        }
        let names: Vec<&str> = self.tags.iter().map(|tag| tag.name.as_ref()).collect();
        for news in &news {
            let trouble = news.trouble(&self.group.device, self.station, &names);
            warn!(code = %trouble.code, device = %self.group.device, "{trouble}");
        }
        true
    }

    /// Told when it begins, and again after a scan that was good.
    fn complain(&mut self, refused: Option<(Block, Why)>, is_complete: bool) {
        match refused {
            Some((block, why)) if !std::mem::replace(&mut self.has_complained, true) => {
                let trouble = Trouble::new(words::DEVICE_REFUSES)
                    .with("device", &self.group.device)
                    .with("unit", self.station)
                    .with("found", why)
                    .with("table", block.table.as_str())
                    .with("first", block.start)
                    .with("last", u32::from(block.start) + u32::from(block.count) - 1);
                warn!(code = %trouble.code, device = %self.group.device, "{trouble}");
            }
            None if is_complete => self.has_complained = false,
            _ => {}
        }
    }

    fn readings(&self, answers: &[Option<Answer>]) -> Vec<Reading> {
        let reading = |(place, tag): (usize, &Tag)| match self.learner.spot(place) {
            Ok(Spot { block, offset }) => match answers.get(block).and_then(Option::as_ref) {
                Some(answer) => decode(tag, &self.registers[place], answer, offset),
                None => Reading::Bad(Why::Malformed),
            },
            Err(why) => Reading::Bad(why),
        };
        self.tags.iter().enumerate().map(reading).collect()
    }
}
