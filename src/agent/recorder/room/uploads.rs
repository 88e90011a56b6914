//! The recorder counts uploads: which records were made for which sink, and, from the couriers, what became of them. It hands the counts to
//! the journal, which stores them with its upkeep.
//!
//! The rule: what couriers have counted is taken before their progress is, so that nothing is stored as acknowledged that the
//! stored cursor has not passed; and nobody is woken for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::watch;

use super::super::super::receipts::{Taken, Tallies};
use super::Room;
use crate::model::{BootId, DataRecord, Route, Upload};

/// Counts of times whose hour is not known yet, by minute, device and sink: three hours of fifty devices. Beyond it nothing more is counted
/// until the clock is trusted.
const MOST_WAITING: usize = 10_000;

/// What a sink is to get, and what its courier has counted.
#[derive(Debug, Clone)]
pub struct Audience {
    /// Devices of which at least one tag may leave.
    pub devices: HashSet<Arc<str>>,
    /// Filled by the courier, emptied here.
    pub tallies: watch::Sender<Tallies>,
}

/// What is counted.
#[derive(Default)]
pub(super) struct Uploads {
    boot: Option<BootId>,
    audiences: HashMap<String, Audience>,
    /// Records since the last upkeep.
    made: BTreeMap<(Taken, Arc<str>), u64>,
    /// Whose hour is not known yet.
    waiting: BTreeMap<(Taken, Arc<str>, String), Upload>,
}

impl Room {
    /// Other sinks, or other scopes.
    pub(super) fn address(&mut self, boot: BootId, audiences: HashMap<String, Audience>) {
        self.enter_uploads();
        (self.uploads.boot, self.uploads.audiences) = (Some(boot), audiences);
    }

    /// Records were made.
    pub(super) fn count_made(&mut self, records: &[Arc<DataRecord>]) {
        let Uploads { boot: Some(boot), audiences, made, .. } = &mut self.uploads else { return };
        for record in records {
            let device = &record.group.device;
            let is_for_somebody = audiences.values().any(|audience| audience.devices.contains(device));
            if let Some(taken) = Taken::of(record, *boot).filter(|_| is_for_somebody) {
                *made.entry((taken, device.clone())).or_default() += 1;
            }
        }
    }

    /// Hands everything that was counted to the journal.
    pub(super) fn enter_uploads(&mut self) {
        let offset_ms = self.clock.offset_ms();
        let Uploads { audiences, made, waiting, .. } = &mut self.uploads;
        let mut counted = std::mem::take(waiting);
        for (sink, audience) in audiences.iter() {
            let mut taken_over = Tallies::default();
            audience.tallies.send_if_modified(|tallies| {
                taken_over = std::mem::take(tallies);
                false // nobody waits for it
            });
            for ((taken, device), upload) in taken_over.rows() {
                counted.entry((taken, device, sink.clone())).or_default().add(&upload);
            }
            for ((taken, device), count) in made.iter().filter(|((_, device), _)| audience.devices.contains(device)) {
                let made = Upload { made: *count, ..Upload::default() };
                counted.entry((*taken, device.clone(), sink.clone())).or_default().add(&made);
            }
        }
        made.clear();
        for ((taken, device, sink), upload) in counted {
            match taken.hour(offset_ms) {
                Some(hour) => self.journal.count_upload(Route { hour, device: device.to_string(), sink }, &upload),
                None if self.uploads.waiting.len() < MOST_WAITING => {
                    self.uploads.waiting.insert((taken, device, sink), upload);
                }
                None => {}
            }
        }
    }
}
