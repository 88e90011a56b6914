//! The tape of one machine: what its engine was told in the last hours of this start of the agent, in reels of an hour, each with the
//! snapshot that the engine was at before it. A scan that comes late is put where it belongs, and a copy of the engine hears all of it again.
//! Pure; packing needs no more than memory.
//!
//! The rule: the order of the tape is that of the monotonic clock, which is the order in which things happened; what lies before the tape is
//! never guessed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::indicator::{Engine, Reached};
use crate::journal::{Bundle, Squeezer};
use crate::model::{Batch, Group, Scan};

/// A reel, by the monotonic clock. Shorter ones cost more snapshots, longer ones more work for each late scan.
pub(super) const REEL_MS: u64 = 3_600_000;

/// Reels of a machine: a day, and the hour in progress. Nothing comes later than a server's queue lasts, which is minutes or hours.
const MOST_REELS: usize = 25;

/// Scans that wait to be packed together, about 40 bytes a reading: more of them are squeezed better, and 50 machines of ten tags take
/// 2 MB in them.
const BUNDLE_SCANS: usize = 128;

/// What a reading takes that is not packed.
const READING_BYTES: usize = 40;

/// One machine's.
#[derive(Default)]
pub(super) struct Tape {
    reels: VecDeque<Reel>,
    next_id: u64,
    bytes: usize,
}

struct Reel {
    id: u64,
    /// The first scan in it.
    begun_ms: u64,
    /// How far the engine had come before it ...
    reached: Reached,
    /// ... and what it knew.
    snapshot: Vec<u8>,
    strands: Vec<Strand>,
}

/// The scans of one group, as they came: those that came late are behind the others, and are put in order when they are heard again.
struct Strand {
    group: Arc<Group>,
    packed: Vec<Bundle>,
    packed_bytes: usize,
    open: Vec<Scan>,
}

impl Tape {
    /// Before the engine hears a scan of this moment: a new reel begins where the last one is full.
    pub(super) fn wind(&mut self, engine: &Engine, mono_ms: u64) {
        let is_full = self.reels.back().is_none_or(|reel| mono_ms >= reel.begun_ms.saturating_add(REEL_MS));
        if is_full {
            let (id, reached, snapshot) = (self.next_id, engine.reached(), engine.snapshot());
            self.next_id += 1;
            self.bytes += snapshot.len();
            self.reels.push_back(Reel { id, begun_ms: mono_ms, reached, snapshot, strands: Vec::new() });
            while self.reels.len() > MOST_REELS {
                self.drop_oldest();
            }
        }
    }

    /// What the engine has just heard.
    pub(super) fn put(&mut self, heard: Batch, squeezer: &mut Squeezer) {
        let Some(reel) = self.reels.back_mut() else { return };
        self.bytes = self.bytes.saturating_sub(reel.bytes());
        reel.put(heard, squeezer);
        self.bytes += reel.bytes();
    }

    /// Puts a late scan where it belongs. The reel from which everything is to be heard again; `None`: the tape does not reach back so far.
    pub(super) fn insert(&mut self, late: Batch, squeezer: &mut Squeezer) -> Option<u64> {
        let from = self.from(&late)?;
        let begins_before = |reel: &&mut Reel| reel.begun_ms <= late.mono_ms || reel.id == from;
        let reel = self.reels.iter_mut().rev().find(begins_before)?;
        self.bytes = self.bytes.saturating_sub(reel.bytes());
        reel.put(late, squeezer);
        self.bytes += reel.bytes();
        Some(from)
    }

    /// Whether the tape reaches back so far.
    pub(super) fn reaches(&self, late: &Batch) -> bool {
        self.from(late).is_some()
    }

    /// The last reel before which the engine had heard nothing newer, and decided nothing behind.
    fn from(&self, late: &Batch) -> Option<u64> {
        let is_before = |reel: &&Reel| {
            let is_open = reel.reached.decided_to.is_none_or(|decided| decided <= late.at);
            is_open && (reel.reached.heard_ms < late.mono_ms || reel.reached.heard_ms == 0)
        };
        self.reels.iter().rev().find(is_before).map(|reel| reel.id)
    }

    /// What the engine knew before this reel; `None`: the reel is gone.
    pub(super) fn snapshot(&self, reel: u64) -> Option<&[u8]> {
        self.reels.iter().find(|known| known.id == reel).map(|reel| &reel.snapshot[..])
    }

    /// The engine that hears everything again has come to this reel.
    pub(super) fn amend(&mut self, reel: u64, engine: &Engine) {
        if let Some(reel) = self.reels.iter_mut().find(|known| known.id == reel) {
            self.bytes = self.bytes.saturating_sub(reel.snapshot.len());
            (reel.reached, reel.snapshot) = (engine.reached(), engine.snapshot());
            self.bytes += reel.snapshot.len();
        }
    }

    /// The reel behind this one.
    pub(super) fn behind(&self, reel: u64) -> Option<u64> {
        self.reels.iter().map(|known| known.id).find(|id| *id > reel)
    }

    /// Everything of a reel in its order; `None`: the memory is damaged, or the reel is gone.
    pub(super) fn batches(&self, reel: u64, squeezer: &mut Squeezer) -> Option<Vec<Batch>> {
        let reel = self.reels.iter().find(|known| known.id == reel)?;
        let mut batches = Vec::new();
        for strand in &reel.strands {
            let scans = strand.scans(squeezer)?;
            batches.extend(scans.into_iter().map(|scan| batch_of(&strand.group, scan)));
        }
        batches.sort_by_key(|batch| batch.mono_ms); // of one moment, what came first stays first
        Some(batches)
    }

    /// Bytes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first moment of the oldest reel that can go; `None`: there is none but the one in progress.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        self.reels.front().filter(|_| self.reels.len() > 1).map(|reel| reel.begun_ms)
    }

    /// Lets the oldest reel go.
    pub(super) fn drop_oldest(&mut self) {
        let gone = self.reels.pop_front().map_or(0, |reel| reel.bytes());
        self.bytes = self.bytes.saturating_sub(gone);
    }
}

impl Reel {
    fn put(&mut self, batch: Batch, squeezer: &mut Squeezer) {
        let Batch { group, at, mono_ms, readings, .. } = batch;
        let strand = self.strand(&group);
        strand.open.push(Scan { at, mono_ms, readings, stamps: None });
        if strand.open.len() >= BUNDLE_SCANS {
            strand.pack(squeezer);
        }
    }

    fn strand(&mut self, group: &Arc<Group>) -> &mut Strand {
        let is_it = |strand: &Strand| Arc::ptr_eq(&strand.group, group) || *strand.group == **group;
        let at = self.strands.iter().position(is_it).unwrap_or_else(|| {
            self.strands.push(Strand { group: group.clone(), packed: Vec::new(), packed_bytes: 0, open: Vec::new() });
            self.strands.len() - 1
        });
        &mut self.strands[at]
    }

    fn bytes(&self) -> usize {
        let of_strand =
            |strand: &Strand| strand.packed_bytes + strand.open.len() * (strand.group.tags.len() + 2) * READING_BYTES;
        self.snapshot.len() + self.strands.iter().map(of_strand).sum::<usize>()
    }
}

impl Strand {
    fn pack(&mut self, squeezer: &mut Squeezer) {
        let packed = squeezer.pack(&self.open, self.group.tags.len());
        self.packed_bytes += packed.iter().map(Bundle::bytes).sum::<usize>();
        self.packed.extend(packed);
        self.open.clear();
    }

    fn scans(&self, squeezer: &mut Squeezer) -> Option<Vec<Scan>> {
        let mut scans = Vec::new();
        for bundle in &self.packed {
            scans.extend(squeezer.unpack(bundle)?);
        }
        scans.extend(self.open.iter().cloned());
        Some(scans)
    }
}

fn batch_of(group: &Arc<Group>, scan: Scan) -> Batch {
    let Scan { at, mono_ms, readings, .. } = scan;
    Batch { group: group.clone(), at, mono_ms, due_ms: None, readings, stamps: None }
}

#[cfg(test)]
mod tests;
