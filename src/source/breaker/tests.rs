//! A bus in virtual time, and the breaker alone.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn trusted(start: Instant) -> Breaker {
    let mut breaker = Breaker::new();
    (0..ANSWERS).for_each(|_| assert!(!breaker.answered()));
    assert_eq!(breaker.may_ask(start), Leave::Ask);
    breaker
}

#[test]
fn one_lost_answer_opens_nothing_and_two_in_a_row_do() {
    let start = Instant::now();
    let mut breaker = trusted(start);
    for _ in 0..5 {
        assert!(!breaker.silent(Why::Timeout, start, 1.0));
        assert_eq!(breaker.may_ask(start), Leave::Ask);
        breaker.answered();
    }
    assert!(!breaker.silent(Why::Timeout, start, 1.0));
    assert!(breaker.silent(Why::Timeout, start, 1.0), "that is news");
    assert_eq!(breaker.may_ask(start), Leave::Wait(start + SECOND));
    assert_eq!(breaker.may_ask(start + SECOND), Leave::Probe(start + SECOND));
    assert!(breaker.answered(), "that is news too");
    assert_eq!(breaker.may_ask(start), Leave::Ask);
}

/// The pauses after silences in a row.
#[track_caller]
fn check_pauses(why: Why, random: f64, expected: &[u64]) {
    let start = Instant::now();
    let mut breaker = Breaker::new();
    for pause in expected {
        breaker.silent(why, start, random);
        assert_eq!(breaker.may_ask(start), Leave::Wait(start + ms(*pause)));
    }
}

#[test]
fn pauses_double_to_a_minute_and_for_a_gateway_without_a_path_to_ten_seconds() {
    check_pauses(Why::Timeout, 1.0, &[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    check_pauses(Why::GatewayTarget, 0.0, &[500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    check_pauses(Why::GatewayPath, 1.0, &[1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
}

#[test]
fn a_unit_that_answers_now_and_then_does_not_start_over_with_short_pauses() {
    let start = Instant::now();
    let mut breaker = trusted(start);
    breaker.silent(Why::Timeout, start, 1.0);
    for pause in [1, 2, 4, 8] {
        breaker.silent(Why::Timeout, start, 1.0);
        assert_eq!(breaker.may_ask(start), Leave::Wait(start + SECOND * pause));
        breaker.answered();
    }
}

#[test]
fn each_exception_is_handled_by_its_meaning() {
    for (why, expected) in [
        (Why::IllegalFunction, Handling::LearnTable),
        (Why::IllegalAddress, Handling::LearnAddresses),
        (Why::IllegalValue, Handling::LearnAddresses),
        (Why::DeviceFailure, Handling::KeepAsking),
        (Why::Acknowledge, Handling::AskAgain),
        (Why::DeviceBusy, Handling::AskAgain),
        (Why::MemoryParity, Handling::KeepAsking),
        (Why::GatewayPath, Handling::BackOffBriefly),
        (Why::GatewayTarget, Handling::BackOff),
        (Why::UnknownException, Handling::KeepAsking),
        (Why::Timeout, Handling::BackOff),
        (Why::Malformed, Handling::BackOff),
        (Why::Closed, Handling::Reopen),
    ] {
        assert_eq!(handling(why), expected, "{why}");
    }
}

#[test]
fn a_busy_device_is_asked_again_twice_and_within_the_deadline() {
    let now = Instant::now();
    assert_eq!(again_at(Why::DeviceBusy, 0, now, now + SECOND), Some(now + ms(100)));
    assert_eq!(again_at(Why::Acknowledge, 1, now, now + SECOND), Some(now + ms(200)));
    assert_eq!(again_at(Why::DeviceBusy, 2, now, now + SECOND), None);
    assert_eq!(again_at(Why::DeviceBusy, 0, now, now + ms(100)), None);
    assert_eq!(again_at(Why::DeviceFailure, 0, now, now + SECOND), None);
}

#[test]
fn a_probe_fits_the_gap_or_is_not_made() {
    let now = Instant::now();
    for (gap, expected) in [
        (None, Some(SECOND)),
        (Some(2_000), Some(SECOND)),
        (Some(1_010), Some(SECOND)),
        (Some(980), Some(ms(970))),
        (Some(510), Some(ms(500))),
        (Some(509), None),
        (Some(0), None),
    ] {
        assert_eq!(probe_window(now, gap.map(|gap| now + ms(gap)), SECOND), expected, "{gap:?}");
    }
    assert_eq!(probe_window(now + SECOND, Some(now), SECOND), None, "overdue");
}

#[test]
fn a_lost_connection_is_no_silence_of_a_unit_that_answers() {
    let now = Instant::now();
    let mut bus = Bus::new([1, 2].map(Station::Unit), now);
    bus.on_result(Station::Unit(1), Ok(()), now, now, 1.0);
    assert_eq!(bus.on_result(Station::Unit(1), Err(Why::Closed), now, now, 1.0), None);
    assert_eq!(bus.may_ask(Station::Unit(1)), Ok(()));
    assert_eq!(
        bus.on_result(Station::Unit(2), Err(Why::Closed), now, now, 1.0),
        Some(UnitNews::Silent(Station::Unit(2), Why::Closed))
    );
    assert_eq!(bus.may_ask(Station::Unit(2)), Err(Why::Closed));
    assert_eq!(
        bus.on_result(Station::Unit(2), Err(Why::IllegalAddress), now, now, 1.0),
        Some(UnitNews::Answers(Station::Unit(2)))
    );
}

/// One bus in virtual time. Units answer after `answer` or never.
struct Simulation {
    bus: Bus,
    start: Instant,
    now: Instant,
    timeout: Duration,
    /// By unit: since when it lives, and after how long it answers.
    alive: BTreeMap<u8, (Duration, Duration)>,
    probes: BTreeMap<u8, u32>,
    /// When silent units were probed, and what that burnt.
    burnt: Vec<(Instant, Duration)>,
    /// By unit: when it was first read.
    first_read: BTreeMap<u8, Duration>,
    jitter: u32,
}

impl Simulation {
    fn new(units: std::ops::RangeInclusive<u8>, timeout: Duration, alive: &[(u8, Duration, Duration)]) -> Simulation {
        let start = Instant::now();
        Simulation {
            bus: Bus::new(units.map(Station::Unit), start),
            start,
            now: start,
            timeout,
            alive: alive.iter().map(|(unit, since, answer)| (*unit, (*since, *answer))).collect(),
            probes: BTreeMap::new(),
            burnt: Vec::new(),
            first_read: BTreeMap::new(),
            jitter: 1,
        }
    }

    fn ask(&mut self, unit: u8, deadline: Duration) -> bool {
        self.jitter = self.jitter.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (asked, random) = (self.now, f64::from(self.jitter) / f64::from(u32::MAX));
        let answer = self.alive.get(&unit).filter(|(since, _)| self.start + *since <= asked).map(|(_, answer)| *answer);
        let result = match answer.filter(|answer| *answer <= deadline) {
            Some(answer) => {
                self.now += answer;
                Ok(())
            }
            None => {
                self.now += deadline;
                Err(Why::Timeout)
            }
        };
        let (bus, now) = (&mut self.bus, self.now);
        bus.on_result(Station::Unit(unit), result, asked, now, random);
        result.is_ok()
    }

    /// Each unit of `periods` is due at multiples of its period. Returns, by unit, the share of its scans that began within a
    /// tenth of the period, of those due after its first.
    fn run(&mut self, span: Duration, periods: &BTreeMap<u8, Duration>) -> BTreeMap<u8, f64> {
        let mut due: BTreeMap<u8, Instant> = periods.keys().map(|unit| (*unit, self.start)).collect();
        let mut on_time: BTreeMap<u8, (u32, u32)> = BTreeMap::new();
        while self.now < self.start + span {
            for (unit, due) in &mut due {
                if *due > self.now {
                    continue;
                }
                let (late, period) = (self.now - *due, periods[unit]);
                let missed = u32::try_from(late.as_millis() / period.as_millis()).expect("few");
                *due += period * (missed + 1);
                if self.bus.may_ask(Station::Unit(*unit)).is_err() {
                    continue;
                }
                let count = on_time.entry(*unit).or_default();
                if self.first_read.contains_key(unit) {
                    count.1 += missed + 1;
                    count.0 += u32::from(late <= period / 10);
                }
                let at = self.now - self.start;
                if self.ask(*unit, self.timeout) {
                    self.first_read.entry(*unit).or_insert(at);
                }
            }
            let next = due
                .iter()
                .filter(|(unit, _)| self.bus.may_ask(Station::Unit(**unit)).is_ok())
                .map(|(_, due)| *due)
                .min();
            if next.is_some_and(|next| next <= self.now) {
                continue;
            }
            if let Some(probe) = self.bus.next_probe(self.now, next, self.timeout) {
                let asked = self.now;
                let Station::Unit(unit) = probe.station else { panic!("only units are asked here") };
                let is_first = *self.probes.entry(unit).and_modify(|n| *n += 1).or_insert(1) == 1;
                self.ask(unit, probe.deadline);
                if !is_first && self.bus.may_ask(probe.station).is_err() {
                    self.burnt.push((asked, self.now - asked));
                }
                continue;
            }
            let wake = self.bus.next_probe_at(self.now).filter(|at| *at > self.now);
            let wake = wake.into_iter().chain(next).chain(due.values().copied().filter(|due| *due > self.now)).min();
            self.now = wake.expect("somebody is always due");
        }
        on_time.into_iter().map(|(unit, (good, all))| (unit, f64::from(good) / f64::from(all.max(1)))).collect()
    }

    /// The largest share of `window` that was burnt for silent units.
    fn burnt_share(&self, window: Duration) -> f64 {
        let share = |(from, _): &(Instant, Duration)| {
            let inside = self.burnt.iter().filter(|(at, _)| at >= from && *at < *from + window);
            inside.map(|(_, cost)| cost.as_secs_f64()).sum::<f64>() / window.as_secs_f64()
        };
        self.burnt.iter().map(share).fold(0.0, f64::max)
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn a_good_unit_among_26_dead_ones_keeps_its_period() {
    for good in [1, 14, 27] {
        let mut simulation = Simulation::new(1..=27, SECOND, &[(good, Duration::ZERO, ms(20))]);
        let periods = (1..=27).map(|unit| (unit, SECOND)).collect();
        let on_time = simulation.run(HOUR, &periods);
        assert!(on_time[&good] >= 0.99, "unit {good}: {}", on_time[&good]);
        assert!(simulation.first_read[&good] <= SECOND * 28, "the units before it are asked once");
        let share = simulation.burnt_share(HOUR / 6);
        assert!(share > 0.04, "the test saw probes: {share}");
        assert!(share <= 0.05 + 1.0 / 600.0, "5 % and the one that began the window: {share}");
        let rarest = (1..=27).filter(|unit| *unit != good).map(|unit| simulation.probes[&unit]).min();
        assert!(rarest >= Some(6), "{rarest:?} probes in an hour");
    }
}

#[test]
fn ten_good_units_of_different_periods_keep_them_beside_16_dead_ones() {
    let good: Vec<_> = (1..=10).map(|unit| (unit * 2, Duration::ZERO, ms(8))).collect();
    let mut simulation = Simulation::new(1..=26, SECOND, &good);
    let periods = (1..=26).map(|unit| (unit, if unit % 4 == 0 { SECOND } else { SECOND * 2 })).collect();
    for (unit, share) in
        simulation.run(HOUR, &periods).into_iter().filter(|(unit, _)| good.iter().any(|g| g.0 == *unit))
    {
        assert!(share >= 0.99, "unit {unit}: {share}");
    }
}

#[test]
fn a_unit_that_comes_back_is_found_within_one_round() {
    let back = HOUR / 4;
    let mut simulation = Simulation::new(1..=27, SECOND, &[(1, Duration::ZERO, ms(20)), (9, back, ms(20))]);
    let on_time = simulation.run(HOUR, &(1..=27).map(|unit| (unit, SECOND)).collect());
    let found = simulation.first_read[&9];
    assert!(found > back && found <= back + SECOND * 20 * 26, "{found:?}");
    assert!(on_time[&9] >= 0.99, "and it is read at its period from then on: {}", on_time[&9]);
}

#[test]
fn where_no_gap_is_long_enough_a_slow_unit_is_found_all_the_same_and_the_good_one_hardly_pays() {
    let slow = ms(700);
    let mut simulation = Simulation::new(1..=2, SECOND, &[(1, Duration::ZERO, ms(20)), (2, HOUR / 4, slow)]);
    let periods = BTreeMap::from([(1, ms(200)), (2, SECOND * 1_000)]);
    let on_time = simulation.run(HOUR, &periods);
    assert!(on_time[&1] >= 0.99, "{}", on_time[&1]);
    assert!(simulation.first_read.contains_key(&2), "it was found");
    assert!(simulation.first_read[&2] >= HOUR / 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))] // each case is an hour of the bus
    #[test]
    fn probes_of_silent_units_never_burn_more_than_5_percent(
        units in 2_u8..40,
        timeout_ms in 50_u64..3_000,
        period_ms in 100_u64..3_000,
    ) {
        let mut simulation = Simulation::new(1..=units, ms(timeout_ms), &[(1, Duration::ZERO, ms(10))]);
        let on_time = simulation.run(HOUR, &(1..=units).map(|unit| (unit, ms(period_ms))).collect());
        let window = ms(timeout_ms) * 100;
        prop_assert!(simulation.burnt_share(window) <= 0.05 + 0.01 + 1e-9);
        prop_assert!(on_time[&1] >= 0.98, "{}", on_time[&1]);
    }
}
