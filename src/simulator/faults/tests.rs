//! Each fault on frames written out by hand.

use super::*;
use crate::model::words::simulator as words;

const REQUEST: [u8; 12] = [1, 2, 0, 0, 0, 6, 1, 3, 0, 10, 0, 2];
const ANSWER: [u8; 13] = [1, 2, 0, 0, 0, 7, 1, 3, 4, 0, 5, 0, 6];

fn fault(text: &str) -> Fault {
    Fault::parse(text).unwrap_or_else(|trouble| panic!("{text}: {trouble}"))
}

/// What happens with the request.
fn steps(text: &str) -> Vec<Step> {
    let mut faults = Faults::new(vec![fault(text)]);
    let deed = faults.on_request(&REQUEST, Duration::ZERO);
    assert_eq!(deed.fault, Some(0), "{text} fits");
    faults.steps(deed, &REQUEST, deed.is_asked.then(|| ANSWER.to_vec()))
}

#[track_caller]
fn check(text: &str, expected: &[Step]) {
    assert_eq!(steps(text), expected, "{text}");
}

fn send(bytes: &[u8]) -> Step {
    Step::Send(bytes.to_vec())
}

#[test]
fn each_kind_does_what_it_is_called() {
    let millis = Duration::from_millis;
    check("hung", &[]);
    check("dead-unit:1", &[]);
    check("pause-needed:5", &[]);
    check("half-closed", &[Step::CloseSending]);
    check("slow:30", &[Step::Wait(millis(30)), send(&ANSWER)]);
    check("exception:2", &[send(&[1, 2, 0, 0, 0, 3, 1, 0x83, 2])]);
    check("exception:11@holding:10-20", &[send(&[1, 2, 0, 0, 0, 3, 1, 0x83, 11])]);
    check("max:1", &[send(&[1, 2, 0, 0, 0, 3, 1, 0x83, 3])]);
    check("max:1:2", &[send(&[1, 2, 0, 0, 0, 3, 1, 0x83, 2])]);
    check("wrong-transaction", &[send(&[1, 3, 0, 0, 0, 7, 1, 3, 4, 0, 5, 0, 6])]);
    check("wrong-unit", &[send(&[1, 2, 0, 0, 0, 7, 2, 3, 4, 0, 5, 0, 6])]);
    check("short-frame", &[send(&[1, 2, 0, 0, 0, 6, 1, 3, 4, 0, 5, 0])]);
    check("drop", &[send(&[1, 2, 0, 0, 0, 7]), Step::Cut]);
    check("merged", &[send(&[&ANSWER[..], &ANSWER[..]].concat())]);
    let split = steps("split");
    assert_eq!(split.len(), 2 * ANSWER.len());
    assert_eq!(split[0], send(&[1]));
    let [Step::Send(noise)] = &steps("garbage")[..] else { panic!("noise is sent") };
    assert!(noise.len() == ANSWER.len() && noise[2] != 0);
}

#[test]
fn a_late_answer_comes_before_that_of_the_next_question_to_the_same_unit() {
    let mut faults = Faults::new(vec![fault("late%2")]);
    let mut ask = |unit: u8, mark: u8| {
        let mut request = REQUEST;
        request[6] = unit;
        let deed = faults.on_request(&request, Duration::ZERO);
        faults.steps(deed, &request, Some(vec![mark]))
    };
    assert_eq!(ask(1, 1), [send(&[1])]);
    assert_eq!(ask(1, 2), []);
    assert_eq!(ask(2, 3), [send(&[3])], "another unit is no matter of it");
    assert_eq!(ask(1, 4), [send(&[2])], "this one is kept again");
    assert_eq!(ask(1, 5), [send(&[4]), send(&[5])]);
}

#[test]
fn a_fault_acts_where_and_as_often_as_it_says_and_is_counted() {
    let mut faults = Faults::new(["hung@2", "garbage@holding:12-20", "exception:6%3"].map(fault).to_vec());
    let mut ask = |unit: u8, start: u8, count: u8| {
        let mut request = REQUEST;
        (request[6], request[9], request[11]) = (unit, start, count);
        faults.on_request(&request, Duration::ZERO).fault
    };
    assert_eq!(ask(2, 0, 1), Some(0));
    assert_eq!(ask(1, 10, 2), None, "first that fits the third");
    assert_eq!(ask(1, 10, 3), Some(1), "the last address is in the range");
    assert_eq!(ask(1, 20, 1), Some(1));
    assert_eq!([ask(1, 21, 1), ask(1, 21, 1)], [None, Some(2)]);
    let tallies: Vec<_> = faults.tallies().map(|(_, tally)| (tally.acted, tally.fitted)).collect();
    assert_eq!(tallies, [(1, 1), (2, 2), (1, 3)]);
}

#[test]
fn conditions_are_part_of_whether_a_fault_fits() {
    let mut faults = Faults::new(["max:2", "pause-needed:20"].map(fault).to_vec());
    assert_eq!(faults.on_request(&REQUEST, Duration::from_millis(20)).fault, None);
    assert_eq!(faults.on_request(&REQUEST, Duration::from_millis(19)).fault, Some(1));
    let mut faults = Faults::new(vec![fault("one-connection")]);
    assert_eq!([faults.on_connect(0), faults.on_connect(1)], [None, Some(0)]);
    assert_eq!(faults.on_request(&REQUEST, Duration::ZERO).fault, None);
    let mut faults = Faults::new(vec![fault("refused:50")]);
    assert_eq!(faults.on_start(), Some((0, Some(Duration::from_millis(50)))));
}

#[test]
fn every_kind_that_people_are_told_of_is_understood() {
    for KindWords { form, .. } in KINDS {
        let whole = form.replace(['[', ']'], "").replace("MS", "5").replace("CODE", "2").replace('N', "7");
        let bare = form.split('[').next().unwrap_or_default().replace("MS", "5").replace("CODE", "2").replace('N', "7");
        fault(&whole);
        fault(&bare);
    }
}

#[test]
fn mistakes_are_told_apart() {
    for (text, code) in [
        ("", words::SIM_NO_SUCH_FAULT),
        ("hangs", words::SIM_NO_SUCH_FAULT),
        ("slow", words::SIM_BAD_FAULT_ARGUMENT),
        ("slow:-1", words::SIM_BAD_FAULT_ARGUMENT),
        ("slow:1s", words::SIM_BAD_FAULT_ARGUMENT),
        ("hung:5", words::SIM_BAD_FAULT_ARGUMENT),
        ("exception:0", words::SIM_BAD_FAULT_ARGUMENT),
        ("exception:256", words::SIM_BAD_FAULT_ARGUMENT),
        ("max:1:x", words::SIM_BAD_FAULT_ARGUMENT),
        ("dead-unit:256", words::SIM_BAD_FAULT_ARGUMENT),
        ("hung@", words::SIM_BAD_FAULT_PLACE),
        ("hung@256", words::SIM_BAD_FAULT_PLACE),
        ("hung@holding:20-10", words::SIM_BAD_FAULT_PLACE),
        ("hung@register:1-2", words::SIM_BAD_FAULT_PLACE),
        ("hung%0", words::SIM_BAD_FAULT_EVERY),
        ("hung%x", words::SIM_BAD_FAULT_EVERY),
        ("refused%2", words::SIM_FAULT_OF_CONNECTIONS),
        ("one-connection@2", words::SIM_FAULT_OF_CONNECTIONS),
    ] {
        assert_eq!(Fault::parse(text).map_err(|trouble| trouble.code), Err(code), "{text}");
    }
}

#[test]
fn a_request_that_is_none_meets_no_fault_and_no_panic() {
    let mut faults = Faults::new(KINDS.iter().filter_map(|kind| Fault::parse(kind.form).ok()).collect());
    assert!(faults.tallies().count() >= 10);
    for length in 0..REQUEST.len() {
        let deed = faults.on_request(&REQUEST[..length], Duration::ZERO);
        faults.steps(deed, &REQUEST[..length], Some(ANSWER[..length].to_vec()));
    }
}
