//! One group of one device: asks for its values on an open connection and makes readings of the answers. Whatever fails
//! on the way becomes `Bad` readings with their cause. Whoever shares the line, each is asked in its own protocol.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::connection::{Connection, ReadFault};
use super::modbus::learn::Learned;

use crate::config::{Device, Station, Tag};
use crate::model::{Group, Reading, Why};
use crate::source::{dlt645, modbus};

/// One group with all that is needed to read it.
pub(super) struct Polled {
    pub(super) group: Arc<Group>,
    pub(super) station: Station,
    /// Between an answer and the next question.
    pause: Duration,
    tags: Vec<Tag>,
    reader: Reader,
    /// Probes so far.
    pub(super) probes: usize,
    /// Since when it has no answer at all.
    pub(super) silent_since: Option<Instant>,
}

/// What is being read, for the readers: whose values, and what they are called.
#[derive(Clone, Copy)]
pub(in crate::source) struct Subject<'a> {
    pub(in crate::source) group: &'a Group,
    pub(in crate::source) station: Station,
    pub(in crate::source) tags: &'a [Tag],
    /// Whether the unit has answered in another group since this one has no answers.
    pub(in crate::source) is_there: bool,
    /// Whether the agent or the link is stopping.
    pub(in crate::source) stop: &'a watch::Receiver<bool>,
}

/// A stop leaves the request that is under way so long, and then asks no more.
const LAST_REQUEST: Duration = Duration::from_secs(1);

impl Subject<'_> {
    /// Ends when there is a stop, and the last request has had its time.
    pub(in crate::source) async fn stopped(&self) {
        self.stop.clone().wait_for(|stop| *stop).await.ok(); // a dropped sender means the same
        tokio::time::sleep(LAST_REQUEST).await;
    }

    /// Whether nothing more is to be asked.
    pub(in crate::source) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

/// In which protocol.
enum Reader {
    Modbus(Box<modbus::Reader>),
    Dlt645(dlt645::Reader),
}

/// What one scan brought.
pub(in crate::source) struct Scanned {
    pub(in crate::source) readings: Vec<Reading>,
    /// Why the connection was lost, if it was.
    pub(in crate::source) lost: Option<Why>,
    /// Why the unit did not answer, on a line that is fine.
    pub(in crate::source) silent: Option<Why>,
    /// Whether the device said anything, be it an exception.
    pub(in crate::source) is_answered: bool,
    /// Whether something was learned that is worth keeping.
    pub(in crate::source) has_learned: bool,
    /// For the breaker of the unit: why nothing at all came from it. `None`: nothing was asked.
    pub(in crate::source) outcome: Option<Result<(), Why>>,
}

impl Polled {
    /// The groups of one device: its tags by period. `learned` is what was kept of each, if anything.
    pub(super) fn of_device(device: &Device, learned: impl Fn(&str, Duration) -> Option<Learned>) -> Vec<Polled> {
        let polled = |(period, tags): (Duration, Vec<&Tag>)| {
            let group = Group::new(device.id.clone(), period, tags.iter().map(|tag| tag.info()).collect());
            let limits = device.manners.limits;
            let reader = match device.station {
                Station::Unit(unit) => {
                    let known = learned(&device.id, period);
                    Reader::Modbus(Box::new(modbus::Reader::new(unit, &tags, limits, known.as_ref())))
                }
                Station::Meter(address) => Reader::Dlt645(dlt645::Reader::new(address, &tags, limits.one_by_one)),
                Station::Server => return None, // not asked in frames
            };
            Some(Polled {
                group: Arc::new(group),
                station: device.station,
                pause: device.manners.pause,
                tags: tags.into_iter().cloned().collect(),
                reader,
                probes: 0,
                silent_since: None,
            })
        };
        device.by_period().into_iter().filter_map(polled).collect()
    }

    /// What is worth keeping over a restart.
    pub(super) fn learned(&self) -> Learned {
        match &self.reader {
            Reader::Modbus(reader) => reader.learned(),
            Reader::Dlt645(_) => Learned::default(),
        }
    }

    /// The same for every tag.
    pub(super) fn all_bad(&self, why: Why) -> Vec<Reading> {
        vec![Reading::Bad(why); self.tags.len()]
    }

    /// Asks for one value, to see whether the unit is there. What it says does not matter. Another value each time: one
    /// that the unit never answers must not pass for its absence.
    pub(super) async fn probe(&mut self, connection: &mut Connection, timeout: Duration) -> Result<(), ReadFault> {
        connection.keep_pause(self.pause);
        let turn = self.probes;
        self.probes = turn.wrapping_add(1);
        match &self.reader {
            Reader::Modbus(reader) => reader.probe(connection, timeout, turn).await,
            Reader::Dlt645(reader) => reader.probe(connection, timeout, turn).await,
        }
    }

    /// One scan, until the connection or the unit gives out.
    pub(super) async fn scan(
        &mut self,
        connection: &mut Connection,
        is_there: bool,
        stop: &watch::Receiver<bool>,
    ) -> Scanned {
        connection.keep_pause(self.pause);
        let subject = Subject { group: &self.group, station: self.station, tags: &self.tags, is_there, stop };
        match &mut self.reader {
            Reader::Modbus(reader) => reader.scan(subject, connection).await,
            Reader::Dlt645(reader) => reader.scan(subject, connection).await,
        }
    }
}
