//! The clock, look by look.

use super::*;

/// 2026-11-01T00:00:00Z
const NOW: i64 = 1_793_491_200_000;
const HOUR: i64 = 3_600_000;
const NTP: Clock = Clock::DEFAULT;
const PLAUSIBLE: Clock = Clock { trust: TrustRule::Plausible, ..Clock::DEFAULT };
const ALWAYS: Clock = Clock { trust: TrustRule::Always, ..Clock::DEFAULT };

/// One look: wall, mono, answer; and what is to be said: trusted by, step, whether trust has come.
type Look = (i64, u64, Option<Ntp>, Option<(Option<TrustedBy>, Option<i64>, bool)>);

/// The watch after these looks.
#[track_caller]
fn check(rule: Clock, known: Option<i64>, looks: &[Look]) -> ClockWatch {
    let mut watch = ClockWatch::new(rule, known.map(Timestamp));
    for (number, (wall, mono, ntp, expected)) in looks.iter().enumerate() {
        let news = watch.step(Timestamp(*wall), *mono, *ntp);
        let told = news.map(|news| (news.by, news.step_ms, news.has_come));
        assert_eq!(told, *expected, "look {number}");
        let is_trusted = news.map(|news| news.state == ClockState::Trusted);
        assert_eq!(is_trusted.unwrap_or(watch.trusted_by().is_some()), watch.trusted_by().is_some());
    }
    watch
}

const UNTRUSTED: Option<(Option<TrustedBy>, Option<i64>, bool)> = Some((None, None, false));

#[test]
fn a_gateway_in_1970_is_untrusted_until_ntp_has_set_it_and_the_offset_is_that_of_then() {
    let watch = check(
        NTP,
        None,
        &[
            (5_000, 0, Some(Ntp::Waiting), UNTRUSTED),
            (6_000, 1_000, None, None),
            (NOW + 2_000, 2_000, None, Some((None, Some(NOW - 5_000), false))),
            (NOW + 3_000, 3_000, Some(Ntp::Synchronized), Some((Some(TrustedBy::Ntp), None, true))),
            (NOW + 4_000, 4_000, None, None),
        ],
    );
    assert_eq!(watch.offset_ms(), Some(NOW));
    assert_eq!(watch.steady(86_400_000), Some(Timestamp(NOW + 86_400_000)), "whatever it is set to in between");
}

#[test]
fn a_clock_that_is_synchronized_at_the_start_is_nothing_to_talk_about() {
    let watch = check(NTP, None, &[(NOW, 0, Some(Ntp::Synchronized), None), (NOW + 1_000, 1_000, None, None)]);
    assert_eq!((watch.offset_ms(), watch.trusted_by()), (Some(NOW), Some(TrustedBy::Ntp)));
}

#[test]
fn where_nobody_synchronizes_it_a_plausible_clock_will_do_at_once() {
    check(NTP, None, &[(NOW, 0, Some(Ntp::Absent), None)]);
    check(PLAUSIBLE, None, &[(NOW, 0, None, None)]);
    check(NTP, Some(NOW), &[(NOW - BEHIND_MS, 0, Some(Ntp::Absent), None)]);
    check(NTP, Some(NOW), &[(NOW - BEHIND_MS - 1, 0, Some(Ntp::Absent), UNTRUSTED)]);
    check(PLAUSIBLE, None, &[(RELEASED.0 - 1, 0, None, UNTRUSTED)]);
    check(PLAUSIBLE, Some(NOW), &[(NOW + HORIZON_MS, 0, None, None)]);
    check(PLAUSIBLE, Some(NOW), &[(NOW + HORIZON_MS + 1, 0, None, UNTRUSTED)]);
    check(NTP, None, &[(NOW, 0, None, UNTRUSTED)]);
}

#[test]
fn who_waits_for_ntp_in_vain_believes_a_plausible_clock_in_the_end_and_1970_never() {
    let wait = NTP.wait.as_millis() as u64;
    let at = |wall: i64, mono: u64| wall + mono as i64;
    let came = Some((Some(TrustedBy::Plausible), None, true));
    check(
        NTP,
        Some(NOW),
        &[
            (NOW, 0, Some(Ntp::Waiting), UNTRUSTED),
            (at(NOW, wait - 1), wait - 1, Some(Ntp::Waiting), None),
            (at(NOW, wait), wait, None, came),
        ],
    );
    check(NTP, None, &[(0, 0, Some(Ntp::Waiting), UNTRUSTED), (at(0, 100 * wait), 100 * wait, None, None)]);
    // Behind the last record for that long: then it is the records that had a wrong date.
    let behind = NOW - 9 * HORIZON_MS / 10;
    check(
        NTP,
        Some(NOW + 10 * HOUR),
        &[(NOW, 0, Some(Ntp::Absent), UNTRUSTED), (at(NOW, wait), wait, Some(Ntp::Absent), came)],
    );
    check(NTP, Some(NOW), &[(behind, 0, None, UNTRUSTED), (at(behind, wait), wait, None, None)]);
}

#[test]
fn always_means_always() {
    for wall in [0, 946_684_800_000, 2_147_483_648_000, 32_503_680_000_000] {
        let watch = check(ALWAYS, Some(NOW), &[(wall, 0, None, None), (wall + 1_000, 1_000, None, None)]);
        assert_eq!(watch.trusted_by(), Some(TrustedBy::Always));
    }
    check(
        ALWAYS,
        None,
        &[(NOW, 0, None, None), (0, 1_000, None, Some((Some(TrustedBy::Always), Some(-NOW - 1_000), false)))],
    );
}

#[test]
fn steps_of_a_trusted_clock_are_told_and_take_nothing_back() {
    let by = Some(TrustedBy::Ntp);
    let watch = check(
        NTP,
        None,
        &[
            (NOW, 0, Some(Ntp::Synchronized), None),
            (NOW + 1_000 + STEP_MS, 1_000, None, None),
            (NOW + 2_000 + 2 * STEP_MS + 1, 2_000, None, Some((by, Some(STEP_MS + 1), false))),
            (NOW + 3_000 + HOUR, 3_000, None, Some((by, Some(HOUR - 2 * STEP_MS - 1), false))),
            (NOW + 4_000, 4_000, None, Some((by, Some(-HOUR), false))),
        ],
    );
    assert_eq!(watch.offset_ms(), Some(NOW), "as it was when trust came");
}

#[test]
fn a_clock_that_is_slewed_is_not_set() {
    let looks: Vec<Look> = (0..10_000)
        .map(|n: i64| (NOW + n * 1_000 + n / 2, n as u64 * 1_000, (n == 0).then_some(Ntp::Synchronized), None))
        .collect();
    check(NTP, None, &looks); // half a millisecond a second: 5 s in the end
}

#[test]
fn a_clock_that_is_set_to_1970_while_it_runs_is_no_longer_trusted_and_the_offset_stays() {
    for (rule, answer) in [(NTP, Ntp::Synchronized), (NTP, Ntp::Absent), (PLAUSIBLE, Ntp::Waiting)] {
        let by = if answer == Ntp::Synchronized { TrustedBy::Ntp } else { TrustedBy::Plausible };
        let watch = check(
            rule,
            None,
            &[
                (NOW, 0, Some(answer), None),
                (1_000, 1_000, None, Some((None, Some(-NOW), false))),
                (2_000, 2_000, Some(Ntp::Synchronized), None),
                (NOW + 3_700, 3_000, Some(answer), Some((Some(by), Some(NOW + 700), true))),
            ],
        );
        assert_eq!(watch.offset_ms(), Some(NOW));
    }
}

#[test]
fn a_plausible_clock_that_is_synchronized_later_says_so() {
    let ntp = Some((Some(TrustedBy::Ntp), Some(24 * HOUR), false));
    check(
        NTP,
        None,
        &[(NOW, 0, Some(Ntp::Absent), None), (NOW + 1_000 + 24 * HOUR, 1_000, Some(Ntp::Synchronized), ntp)],
    );
}

#[test]
fn years_that_frighten_computers_are_years() {
    // 2038-01-19 and the end of the unsigned epoch, 2106-02-07.
    for wall in [2_147_483_647_000, 4_294_967_295_000] {
        let watch = check(NTP, None, &[(wall, 0, Some(Ntp::Synchronized), None), (wall + 2_000, 2_000, None, None)]);
        assert_eq!(watch.offset_ms(), Some(wall));
    }
    check(PLAUSIBLE, Some(2_147_483_640_000), &[(2_147_483_647_000, 0, None, None)]);
    check(NTP, None, &[(946_684_800_000, 0, Some(Ntp::Synchronized), UNTRUSTED)]);
    check(
        NTP,
        None,
        &[(i64::MAX, u64::MAX, None, UNTRUSTED), (i64::MIN, 0, None, Some((None, Some(i64::MIN), false)))],
    );
}

#[test]
fn what_happened_between_two_looks_gets_a_monotonic_time_between_them() {
    let mut watch = ClockWatch::new(NTP, None);
    watch.step(Timestamp(10_000), 5_000, Some(Ntp::Waiting));
    watch.step(Timestamp(NOW), 7_000, None);
    for (at, mono) in
        [(11_500, 6_500), (NOW - 300, 6_700), (NOW, 7_000), (10_000, 5_000), (123, 7_000), (NOW + HOUR, 7_000)]
    {
        assert_eq!(watch.mono_of(Timestamp(at)), mono, "{at}");
    }
    assert_eq!(ClockWatch::new(NTP, None).mono_of(Timestamp(NOW)), 0);
}

#[test]
fn the_system_is_asked_less_and_less_and_not_at_all_when_its_answer_changes_nothing() {
    let waiting = check(NTP, None, &[(0, 0, Some(Ntp::Waiting), UNTRUSTED)]);
    assert_eq!((waiting.ask_at(0), waiting.ask_at(600_000)), (Some(10_000), Some(660_000)));
    let plausible = check(NTP, None, &[(NOW, 0, Some(Ntp::Absent), None)]);
    assert_eq!(plausible.ask_at(0), Some(1_800_000));
    let synchronized = check(NTP, None, &[(NOW, 0, Some(Ntp::Synchronized), None)]);
    assert_eq!(synchronized.ask_at(0), None);
    assert_eq!(check(ALWAYS, None, &[(0, 0, None, None)]).ask_at(0), None);
}

/// What becomes of these times: at, mono; and what they should be.
#[track_caller]
fn check_times(watch: &ClockWatch, cases: &[(i64, u64, i64, ClockMark)]) {
    for (at, mono, expected, mark) in cases {
        assert_eq!(watch.time_of(Timestamp(*at), *mono), (Timestamp(*expected), *mark), "{at} at {mono}");
    }
}

#[test]
fn times_before_trust_are_marked_and_corrected_with_the_look_that_brings_it_and_right_ones_stay() {
    use ClockMark::{Corrected, Trusted, Untrusted};
    let mut watch = ClockWatch::new(NTP, None);
    watch.step(Timestamp(5_000), 0, Some(Ntp::Waiting));
    watch.step(Timestamp(6_000), 1_000, None);
    check_times(&watch, &[(5_500, 500, 5_500, Untrusted), (NOW, 999, NOW, Untrusted)]);
    watch.step(Timestamp(NOW + 2_000), 2_000, Some(Ntp::Synchronized));
    check_times(&watch, &[(6_500, 1_500, NOW + 1_500, Corrected), (NOW + 1_800, 1_800, NOW + 1_800, Trusted)]);
    watch.step(Timestamp(NOW + 3_000), 3_000, None);
    // Heard late: it had not come with the look before.
    check_times(&watch, &[(6_900, 1_900, NOW + 1_900, Corrected), (NOW + 2_001, 2_001, NOW + 2_001, Trusted)]);
}

#[test]
fn times_on_both_sides_of_a_step_of_a_trusted_clock_stay_and_those_of_1970_do_not() {
    use ClockMark::{Corrected, Trusted};
    let mut watch = ClockWatch::new(NTP, None);
    watch.step(Timestamp(NOW), 0, Some(Ntp::Synchronized));
    watch.step(Timestamp(NOW + HOUR + 1_000), 1_000, None);
    check_times(&watch, &[(NOW + 400, 400, NOW + 400, Trusted), (NOW + HOUR + 700, 700, NOW + HOUR + 700, Trusted)]);
    watch.step(Timestamp(60_000), 2_000, None);
    check_times(
        &watch,
        &[(NOW + HOUR + 1_500, 1_500, NOW + HOUR + 1_500, Trusted), (59_900, 1_900, NOW + HOUR + 1_900, Corrected)],
    );
    watch.step(Timestamp(61_000), 3_000, None);
    check_times(&watch, &[(60_500, 2_500, NOW + HOUR + 2_500, Corrected)]);
}
