//! The search for what makes a device refuse a block: parts of it are asked until each is settled, then judged. Pure.

use std::time::Instant;

use super::learned::{Piece, Place};
use super::{Learner, News};
use crate::config::modbus::Address;
use crate::model::Why;

/// A block that was refused and is being halved.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) why: Why,
    /// Parts still to be asked.
    pub(super) pending: Vec<Vec<usize>>,
    /// Parts that answered; read with every scan until the trial is over.
    pub(super) good: Vec<Vec<usize>>,
    /// Parts that were refused, and the places at which they were halved.
    pub(super) failed: Vec<(Vec<usize>, usize)>,
    /// Values that were refused even alone.
    guilty: Vec<usize>,
    /// Values of parts without an answer.
    mute: Vec<usize>,
}

impl Trial {
    pub(super) fn of(why: Why) -> Trial {
        let (pending, good, failed, guilty, mute) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Trial { why, pending, good, failed, guilty, mute }
    }
}

impl Learner {
    /// How a part of the trial with this index ended.
    pub(super) fn on_part(&mut self, index: usize, members: Vec<usize>, result: Result<(), Why>, now: Instant) {
        let trial = &mut self.trials[index];
        match result {
            Ok(()) => {
                trial.pending.retain(|part| *part != members);
                trial.good.push(members);
                self.plan = None;
                self.judge(index);
            }
            Err(Why::IllegalAddress | Why::IllegalValue) => {
                trial.pending.retain(|part| *part != members);
                self.on_refused(index, members, now);
            }
            Err(Why::Timeout) => {
                trial.pending.retain(|part| *part != members);
                trial.mute.extend(&members);
                self.news.push(News::SetAside { tags: self.tags(&members) });
                self.capture(members, Why::Timeout, now);
                self.judge(index);
            }
            Err(_) => self.extra_left = 0, // busy, or gone: the rest waits for the next scan
        }
    }

    /// A part of a trial was refused: one value is guilty, several are halved.
    pub(super) fn on_refused(&mut self, index: usize, members: Vec<usize>, now: Instant) {
        let trial = &mut self.trials[index];
        self.plan = None;
        if members.len() > 1 {
            let middle = middle(&self.places, &members);
            let (left, right) = members.split_at(middle);
            trial.pending.extend([left.to_vec(), right.to_vec()]);
            trial.failed.push((members.clone(), members[middle]));
            return;
        }
        trial.guilty.extend(&members);
        self.capture(members, Why::IllegalAddress, now);
        self.judge(index);
    }

    /// When all parts of a trial are settled: a refusal without a guilty value had another cause, and needs a split.
    fn judge(&mut self, index: usize) {
        if !self.trials[index].pending.is_empty() {
            return;
        }
        let trial = self.trials.swap_remove(index);
        self.plan = None;
        if !trial.guilty.is_empty() {
            self.news.push(News::Quarantined { tags: self.tags(&trial.guilty) });
        }
        let is_culprit = |member: &usize| trial.guilty.contains(member) || trial.mute.contains(member);
        let refused = trial.failed.into_iter().filter(|(members, _)| !members.iter().any(is_culprit));
        let refused: Vec<(Piece, Address)> = refused
            .map(|(members, middle)| (Piece::covering(&self.places, members), self.places[middle].address))
            .collect();
        if trial.why == Why::IllegalValue && refused.iter().any(|(piece, _)| self.is_too_long(piece)) {
            self.lower_limit();
        }
        // The smallest refused parts explain those around them, so only they are split: fewer requests for ever after.
        let is_within = |part: &Piece, whole: &Piece| {
            part.members.len() < whole.members.len() && whole.members.contains(&part.members[0])
        };
        let innermost = refused.iter().filter(|(piece, _)| !refused.iter().any(|(part, _)| is_within(part, piece)));
        let splits = innermost.filter(|(piece, _)| {
            let is_explained = self.max_registers.is_some_and(|max| piece.block.count > max);
            piece.block.table.is_bits() || !is_explained
        });
        let splits: Vec<Address> = splits.map(|(_, middle)| *middle).collect();
        if let Some(first) = splits.iter().min().copied() {
            self.news.push(News::Split { at: first, count: splits.len() });
            self.splits.extend(splits);
        }
    }

    /// Whether the length of a refused request must be why: each of its registers was read, it has no hole, and nothing as
    /// long was ever answered.
    fn is_too_long(&self, piece: &Piece) -> bool {
        !piece.block.table.is_bits() && piece.block.count > self.longest && piece.is_without_holes(&self.places)
    }

    /// From now on no request is longer than the longest that was answered. What else was refused for its length goes back
    /// into the plan, which makes it shorter.
    fn lower_limit(&mut self) {
        self.max_registers = Some(self.longest);
        self.trials.retain(|trial| trial.why != Why::IllegalValue || !trial.guilty.is_empty());
        self.news.push(News::Shortened { max_registers: self.longest });
    }
}

/// Where to halve: between two addresses, because a request cannot begin twice at the same one. Values that all begin at
/// one address are halved by width.
fn middle(places: &[Place], members: &[usize]) -> usize {
    let is_start = |at: &usize| places[members[*at]].address != places[members[at - 1]].address;
    let starts: Vec<usize> = (1..members.len()).filter(is_start).collect();
    if starts.is_empty() { members.len() / 2 } else { starts[starts.len() / 2] }
}
