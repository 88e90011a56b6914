//! The sweep: goes over time piece by piece, in order. A piece has one state, one duty, one cell; samples are counted at its borders.

use super::inbox::{Entry, What};
use super::{Engine, Heard, News, Said};
use crate::config::{Counted, Medium};
use crate::indicator::calendar::Slot;
use crate::indicator::cell::{Cell, Duty, Made, Sums};
use crate::indicator::counter::{CounterRule, Mark, Step, Turn};
use crate::indicator::cycles::Ended;
use crate::indicator::energy::WINDOW_MS;
use crate::indicator::exact::Amount;
use crate::indicator::flags::Flags;
use crate::indicator::machine::{Outcome, Piece};
use crate::indicator::plan::{Meaning, Plan};
use crate::indicator::resolve::resolve;
use crate::model::{State, Timestamp};

/// Products of one hour that are told apart. A tag that holds a serial number or the time is no product; what is made beyond counts as of an
/// unknown one (R13).
const MOST_PRODUCTS: usize = 100;

/// Something that a counter counted.
struct Delta {
    amount: Amount,
    from: i64,
    to: i64,
    is_gap: bool,
    /// A reading was disbelieved within it: no quarter of an hour is full with it.
    is_broken: bool,
}

impl Delta {
    /// Whole counts; `None`: part of one, or nobody knows when.
    fn whole(&self) -> Option<u64> {
        let is_whole = self.amount.0 % Amount::ONE == 0 && !self.is_gap && !self.is_broken;
        u64::try_from(self.amount.0 / Amount::ONE).ok().filter(|_| is_whole)
    }
}

impl Engine {
    /// Decides everything up to `frontier`.
    pub(super) fn sweep(&mut self, frontier: i64, news: &mut Vec<News>) {
        let plan = self.plan.clone();
        let mut at = self.core.swept;
        if frontier < at {
            return;
        }
        let mut slot = plan.calendar.slot(Timestamp(at));
        let settle_ms = plan.settle_ms();
        loop {
            self.count_up_to(at, &plan, news);
            self.settle_up_to(at, settle_ms, &plan, news);
            if at >= frontier {
                break;
            }
            if at >= slot.end.0 {
                slot = plan.calendar.slot(Timestamp(at));
            }
            self.open_cell(&slot, &plan);
            let duty = slot.duties.iter().find(|(from, to, _)| from.0 <= at && at < to.0);
            let (duty_end, duty) = duty.map_or((slot.end.0, Duty::Free), |(_, to, duty)| (to.0, *duty));
            let core = &self.core;
            let stops = [Some(frontier), Some(duty_end), core.inbox.next(), core.shelf.next_due(settle_ms)];
            let changes =
                core.inputs.iter().map(|heard| heard.signal.next_change(at)).chain([core.online.next_change(at)]);
            let next = stops.into_iter().chain(changes).flatten().filter(|next| *next > at).min();
            let end = next.unwrap_or(frontier);
            self.live_through(Piece { start: at, end, state: State::Unknown, duty, cell: slot.start.0 }, &plan, news);
            at = end;
        }
        let core = &mut self.core;
        core.swept = at;
        core.inputs.iter_mut().for_each(|heard| heard.signal.forget_before(at));
        core.online.forget_before(at);
        let energy = plan.inputs.iter().zip(&core.inputs).filter_map(|(of, heard)| match of.meaning {
            Meaning::Energy { .. } => Some(heard.counter.base_at()?.max(at - of.stale_ms)),
            Meaning::Power { is_energy: true, .. } => Some(heard.integral.last_at()?.max(at - of.stale_ms)),
            _ => None,
        });
        core.lived.forget_before(energy.min().unwrap_or(at));
    }

    fn open_cell(&mut self, slot: &Slot, plan: &Plan) {
        let core = &mut self.core;
        if core.shelf.last().is_some_and(|cell| cell.start == slot.start) {
            return;
        }
        let mut cell = Cell::new(&plan.device, slot.start, slot.end, slot.date, slot.shift.clone());
        cell.sums.flags = plan.flags;
        cell.sums.rework = plan.counts(Counted::Rework).then(Amount::default);
        cell.sums.batches = plan.counts(Counted::Batch).then(Amount::default);
        (cell.sums.alarm_times.is_told, cell.sums.alarm_times.has_ack) = says_alarms(plan);
        cell.sums.energy.is_metered = plan.inputs.iter().any(|input| {
            matches!(
                input.meaning,
                Meaning::Energy { medium: Medium::Electricity, .. } | Meaning::Power { is_energy: true, .. }
            )
        });
        if core.begun.is_some_and(|begun| slot.start.0 < begun && begun < slot.end.0) {
            cell.sums.flags.raise(Flags::PARTIAL);
        }
        core.shelf.push(cell);
    }

    /// A piece of time: `piece.state` is found here.
    fn live_through(&mut self, mut piece: Piece, plan: &Plan, news: &mut Vec<News>) {
        let core = &mut self.core;
        let at = piece.start;
        let said = plan.inputs.iter().zip(&core.inputs).map(|(of, heard)| (&of.meaning, heard.signal.at(at)));
        let (state, flags) = resolve(said);
        piece.state = state;
        let ms = u64::try_from(piece.end - at).unwrap_or(0);
        let cycles = core.cycles.go_on(state == State::Run);
        if let (Some(Ended { at, ms, count }), Some(coarse_ms)) = (cycles, plan.coarse_ms)
            && let Some(cell) = core.shelf.of_sample(at)
        {
            cell.sums.cycles.put(ms, count, coarse_ms);
        }
        if let Some(cell) = core.shelf.last() {
            let sums = &mut cell.sums;
            sums.time.put(state, piece.duty, ms);
            sums.flags.raise(flags);
            if state == State::Run && matches!(piece.duty, Duty::Break | Duty::PlannedStop) {
                sums.flags.raise(Flags::BREAK_WORKED);
            }
            if core.online.at(at).is_some() {
                sums.online[piece.duty as usize] += ms;
            }
            follow_alarms(plan, &mut core.inputs, at, ms, sums);
            if let Some((_, every_ms)) = &plan.scans {
                let ticks = |at: i64| (at - 1).div_euclid(*every_ms);
                sums.scans_expected += u64::try_from(ticks(piece.end) - ticks(at)).unwrap_or(0);
            }
        }
        core.lived.put(at, state);
        let Outcome { ended, is_judged } =
            core.machine.advance(piece, &core.causes, &super::limits(plan), &mut core.shelf);
        news.extend(ended.map(News::Interval));
        if is_judged {
            news.extend(core.shelf.release().into_iter().map(|cell| News::Cell(Box::new(cell))));
        }
    }

    fn settle_up_to(&mut self, at: i64, settle_ms: i64, plan: &Plan, news: &mut Vec<News>) {
        while let Some(cell) = self.core.shelf.due(at, settle_ms) {
            let (start, end) = (cell.start.0, cell.end);
            let is_border = cell.shift.is_some() && plan.calendar.slot(end).shift != cell.shift;
            if is_border && self.has_silent_counter(end.0, at, plan) {
                let cell = self.core.shelf.cell(start);
                cell.into_iter().for_each(|cell| cell.sums.flags.raise(Flags::GAP_BORDER));
            }
            let core = &mut self.core;
            let is_held = core.machine.settle(start, &mut core.shelf);
            news.extend(core.shelf.settle(is_held).map(|cell| News::Cell(Box::new(cell))));
        }
    }

    /// Whether a counter of pieces has been silent since before the end of a shift (A6).
    fn has_silent_counter(&self, end: i64, at: i64, plan: &Plan) -> bool {
        plan.inputs.iter().zip(&self.core.inputs).any(|(of, heard)| {
            let is_silent = |base: i64| base < end && at - base > of.stale_ms;
            matches!(of.meaning, Meaning::Count { .. }) && heard.counter.base_at().is_some_and(is_silent)
        })
    }

    fn count_up_to(&mut self, at: i64, plan: &Plan, news: &mut Vec<News>) {
        while let Some(Entry { at, input, what, .. }) = self.core.inbox.take(at) {
            if self.core.shelf.last().is_none() {
                self.open_cell(&plan.calendar.slot(Timestamp(at)), plan);
            }
            let core = &mut self.core;
            match what {
                What::Code(code) => core.causes.code = code,
                What::Reason(reason) => core.causes.reason = reason,
                What::Product(product) => core.product = Some((at, product)),
                What::Cavities(cavities) => core.cavities = Some(cavities),
                What::Cut => core.cycles.cut(),
                What::Flag(flags) => core.shelf.last().into_iter().for_each(|cell| cell.sums.flags.raise(flags)),
                What::Scan => core.shelf.last().into_iter().for_each(|cell| cell.sums.scans_good += 1),
                What::Power(watts) => self.integrate(input, at, watts, plan),
                What::Count(mark) => self.count(input, mark, plan, news),
            }
        }
    }

    fn count(&mut self, input: usize, mark: Mark, plan: &Plan, news: &mut Vec<News>) {
        let Some(of) = plan.inputs.get(input) else { return };
        let (Meaning::Count { rule, .. } | Meaning::Energy { rule, .. }) = &of.meaning else { return };
        let Some(delta) = self.delta(input, mark, rule, of.stale_ms, news) else { return };
        match &of.meaning {
            Meaning::Count { counted, is_cycles, .. } => {
                if plan.coarse_ms.is_some() && plan.ends_cycle(*counted) {
                    self.core.cycles.count(delta.to, delta.whole());
                }
                self.pieces(*counted, *is_cycles, &delta, plan);
            }
            Meaning::Energy { medium: Medium::Electricity, .. } => self.electricity(&delta, plan),
            Meaning::Energy { medium, .. } => {
                let cell = self.core.shelf.last();
                cell.into_iter().for_each(|cell| *cell.sums.media.entry(*medium).or_default() += delta.amount);
            }
            _ => {}
        }
    }

    /// What a counter has counted up to a reading; what happened to it is noted.
    fn delta(
        &mut self,
        input: usize,
        mark: Mark,
        rule: &CounterRule,
        stale_ms: i64,
        news: &mut Vec<News>,
    ) -> Option<Delta> {
        let heard = self.core.inputs.get_mut(input)?;
        let step = heard.counter.take(mark, rule);
        let is_batch = self.plan.inputs[input].meaning.counts(Counted::Batch);
        let mut told = |what| {
            let of = &self.plan.inputs[input];
            news.push(News::Counter { device: of.device.clone(), tag: of.tag.clone(), what, at: Timestamp(mark.at) });
        };
        let cell = self.core.shelf.last()?;
        let sums = &mut cell.sums;
        let gap = |from: i64, ms: i64| ms.max(mark.at - from) > stale_ms;
        match step {
            Step::First => None,
            Step::Implausible => {
                sums.counters.implausible += 1;
                sums.flags.raise(Flags::IMPLAUSIBLE);
                told("implausible");
                None
            }
            Step::Rebased { amount, from, ms } => {
                told("rebased");
                Some(Delta { amount, from, to: mark.at, is_gap: gap(from, ms), is_broken: true })
            }
            Step::Counted { amount, from, ms, turn } => {
                match turn {
                    Turn::On => {}
                    Turn::Wrapped => {
                        sums.counters.wraps += 1;
                        told("wrap");
                    }
                    Turn::Reset => {
                        sums.counters.resets += 1;
                        sums.flags.raise(Flags::RESET);
                        told("reset");
                    }
                    Turn::JobReset if is_batch => {} // the bit falls
                    Turn::JobReset => {
                        sums.counters.job_resets += 1;
                        told("job_reset");
                    }
                }
                let is_broken = turn == Turn::Reset;
                Some(Delta { amount, from, to: mark.at, is_gap: gap(from, ms), is_broken })
            }
        }
    }

    fn pieces(&mut self, counted: Counted, is_cycles: bool, delta: &Delta, plan: &Plan) {
        let core = &mut self.core;
        let cavities = core.cavities.unwrap_or(Amount::whole(i64::from(plan.cavities)));
        let amount = if is_cycles { delta.amount.times(cavities.0, Amount::ONE) } else { delta.amount };
        let (mut product, mut pri) = match &core.product {
            _ if !plan.says_product() => (None, plan.pri),
            Some((at, product)) if delta.to - at <= product_stale(plan) => {
                (Some(product.clone()), plan.products.get(product).copied())
            }
            _ => (Some(String::new()), None),
        };
        let Some(cell) = core.shelf.last() else { return };
        let sums = &mut cell.sums;
        let is_one_of = |made: &Made| made.product == product;
        if sums.made.len() >= MOST_PRODUCTS && !sums.made.iter().any(is_one_of) {
            (product, pri) = (Some(String::new()), None);
        }
        if delta.is_gap {
            if amount.0 > 0 {
                sums.flags.raise(Flags::GAP_PARTS);
            }
            if plan.calendar.slot(Timestamp(delta.from)).shift != cell.shift {
                sums.flags.raise(Flags::GAP_BORDER);
            }
        }
        let apart = match counted {
            Counted::Rework => Some(&mut sums.rework),
            Counted::Batch => Some(&mut sums.batches),
            _ => None,
        };
        if let Some(apart) = apart {
            *apart = Some(apart.unwrap_or_default() + amount);
            return;
        }
        if amount.0 == 0 {
            return;
        }
        let [total, good, bad] = [Counted::Total, Counted::Good, Counted::Bad].map(|what| plan.counts(what));
        let made = sums.made_of(product.as_deref(), pri);
        let gap = if delta.is_gap { amount } else { Amount::default() };
        // Two of the three give the third (A15).
        match counted {
            Counted::Total => {
                (made.pieces, made.gap) = (made.pieces + amount, made.gap + gap);
                match (good, bad) {
                    (true, false) => made.bad += amount,
                    (false, true) => made.good += amount,
                    _ => {}
                }
            }
            Counted::Good => {
                made.good += amount;
                match (total, bad) {
                    (true, false) => made.bad -= amount,
                    (false, true) => (made.pieces, made.gap) = (made.pieces + amount, made.gap + gap),
                    _ => {}
                }
            }
            Counted::Bad => {
                made.bad += amount;
                match (total, good) {
                    (true, false) => made.good -= amount,
                    (false, true) => (made.pieces, made.gap) = (made.pieces + amount, made.gap + gap),
                    _ => {}
                }
            }
            Counted::Rework | Counted::Batch => {}
        }
    }

    fn electricity(&mut self, delta: &Delta, plan: &Plan) {
        let Delta { amount, from, to, is_gap, is_broken } = *delta;
        let core = &mut self.core;
        let parts = if is_gap {
            let mut parts = [Amount::default(); 7];
            parts[State::Unknown as usize] = amount;
            parts
        } else {
            core.lived.split(amount, from, to)
        };
        let anchor = plan.calendar.slot_of_sample(Timestamp(to)).hour.0;
        let quarter = |at: i64| usize::try_from((at - 1 - anchor).rem_euclid(4 * WINDOW_MS) / WINDOW_MS).unwrap_or(0);
        let tariff = plan.calendar.tariff(Timestamp(to));
        let is_split = is_gap && plan.calendar.tariff(Timestamp(from + 1)) != tariff;
        if let Some(cell) = core.shelf.last() {
            let energy = &mut cell.sums.energy;
            energy.total += amount;
            energy.by_state.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            let tariff = if is_split { "" } else { tariff };
            *energy.by_tariff.entry(tariff.to_owned()).or_default() += amount;
            cell.quarters[quarter(to)].wh += amount;
        }
        for (end, wh) in core.window.put(amount, from, to, is_gap || is_broken, anchor) {
            if let Some(cell) = core.shelf.of_sample(end) {
                cell.quarters[quarter(end)].full = Some(wh);
                cell.sums.energy.max_quarter = cell.sums.energy.max_quarter.max(Some(wh));
            }
        }
    }

    fn integrate(&mut self, input: usize, at: i64, watts: Amount, plan: &Plan) {
        let Some(of) = plan.inputs.get(input) else { return };
        let Some(heard) = self.core.inputs.get_mut(input) else { return };
        let Some((amount, from)) = heard.integral.take(at, watts, of.stale_ms) else { return };
        self.electricity(&Delta { amount, from, to: at, is_gap: false, is_broken: false }, plan);
    }
}

/// Each tag that tells of alarms is an alarm of its own; one acknowledgement is for all of them.
fn follow_alarms(plan: &Plan, inputs: &mut [Heard], at: i64, ms: u64, sums: &mut Sums) {
    let (is_told, has_ack) = says_alarms(plan);
    if !is_told {
        return;
    }
    let ack = plan.inputs.iter().position(|of| of.meaning == Meaning::AlarmAck);
    let ack = ack.and_then(|place| inputs.get(place)?.signal.at(at));
    let mut is_alarm = false;
    for (_, heard) in plan.inputs.iter().zip(inputs).filter(|(of, _)| of.meaning == Meaning::Alarm) {
        let alarm = heard.signal.at(at);
        is_alarm |= alarm == Some(Said::Yes);
        sums.alarms += u32::from(heard.alarm.go_on(at, (alarm, ack), has_ack, &mut sums.alarm_times));
    }
    sums.alarm_ms += if is_alarm { ms } else { 0 };
}

/// Whether tags tell of alarms, and of their acknowledgements.
fn says_alarms(plan: &Plan) -> (bool, bool) {
    (plan.hears(&Meaning::Alarm), plan.hears(&Meaning::AlarmAck))
}

/// How long a product that was said is believed.
fn product_stale(plan: &Plan) -> i64 {
    let products = plan.inputs.iter().filter(|input| input.meaning == Meaning::Product);
    products.map(|input| input.stale_ms).max().unwrap_or(0)
}
