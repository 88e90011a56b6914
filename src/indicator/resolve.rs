//! From what the tags of a machine say to its one state (2.4, A7, A17). Nothing is guessed: a tag that says nothing, or a number
//! without a meaning, makes the state unknown.

use super::flags::Flags;
use super::plan::Meaning;
use super::signal::Said;
use crate::model::State;

/// The state, and what is to be known beside it.
pub(super) fn resolve<'a>(said: impl Iterator<Item = (&'a Meaning, Option<Said>)>) -> (State, Flags) {
    let mut is = [false; 7];
    let (mut has_run_source, mut is_alarm, mut flags) = (false, false, Flags::NONE);
    let mut says_nothing = false;
    let mut is_off_by_power = false;
    for (meaning, said) in said {
        match meaning {
            Meaning::Is(State::Run) | Meaning::Word(_) | Meaning::Band(..) => has_run_source = true,
            Meaning::Power { rule: Some(rule), .. } => has_run_source |= rule.run_kw.is_some(),
            Meaning::Is(_) | Meaning::Alarm => {}
            _ => continue,
        }
        match (meaning, said) {
            (_, None) => says_nothing = true,
            (_, Some(Said::Unmapped)) => {
                says_nothing = true;
                flags.raise(Flags::UNMAPPED_STATE);
            }
            (Meaning::Alarm, Some(said)) => is_alarm |= said == Said::Yes,
            (Meaning::Is(state), Some(said)) => is[*state as usize] |= said == Said::Yes,
            (meaning, Some(Said::Is(state))) => {
                is[state as usize] = true;
                is_off_by_power |= matches!(meaning, Meaning::Power { .. }) && state == State::Off;
            }
            _ => {}
        }
    }
    let is_run = is[State::Run as usize];
    let state = if !has_run_source {
        State::Unknown
    } else if says_nothing || is[State::Unknown as usize] {
        // A controller without power says nothing, but the meter in front of it does.
        if is_off_by_power { State::Off } else { State::Unknown }
    } else if is[State::Fault as usize] || is_alarm && !is_run {
        State::Fault
    } else {
        let order = [State::Maint, State::Setup, State::Run, State::Off];
        order.into_iter().find(|state| is[*state as usize]).unwrap_or(State::Idle)
    };
    (state, flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{PowerRule, StateMap};
    use std::time::Duration;

    fn power(run_kw: Option<f64>) -> Meaning {
        let rule = PowerRule { run_kw, off_kw: Some(0.5), hysteresis_kw: 0.0, dwell: Duration::ZERO };
        Meaning::Power { rule: Some(rule), num: 1, den: 1, is_energy: false }
    }

    #[track_caller]
    fn check(said: &[(Meaning, Option<Said>)], expected: State) {
        let (state, _) = resolve(said.iter().map(|(meaning, said)| (meaning, *said)));
        assert_eq!(state, expected, "{said:?}");
    }

    #[test]
    fn the_fault_bit_wins_an_alarm_only_of_a_machine_that_does_not_run() {
        use Said::{No, Yes};
        let bit = Meaning::Is;
        check(&[(bit(State::Run), Some(Yes)), (bit(State::Fault), Some(Yes))], State::Fault);
        check(&[(bit(State::Run), Some(Yes)), (Meaning::Alarm, Some(Yes))], State::Run);
        check(&[(bit(State::Run), Some(No)), (Meaning::Alarm, Some(Yes))], State::Fault);
        check(&[(bit(State::Run), Some(Yes)), (bit(State::Setup), Some(Yes))], State::Setup);
        check(
            &[(bit(State::Setup), Some(Yes)), (bit(State::Maint), Some(Yes)), (bit(State::Run), Some(No))],
            State::Maint,
        );
        check(&[(bit(State::Run), Some(Yes)), (bit(State::Off), Some(Yes))], State::Run);
        check(&[(bit(State::Run), Some(No)), (bit(State::Off), Some(Yes))], State::Off);
        check(&[(bit(State::Run), Some(No))], State::Idle);
    }

    #[test]
    fn what_is_not_known_is_unknown_unless_the_meter_says_that_there_is_no_power() {
        let word = || Meaning::Word(StateMap::default());
        check(&[], State::Unknown);
        check(&[(Meaning::Is(State::Fault), Some(Said::Yes))], State::Unknown);
        check(&[(Meaning::Is(State::Run), Some(Said::Yes)), (Meaning::Is(State::Fault), None)], State::Unknown);
        check(&[(word(), Some(Said::Unmapped))], State::Unknown);
        check(&[(word(), Some(Said::Is(State::Unknown)))], State::Unknown);
        check(&[(word(), Some(Said::Is(State::Setup)))], State::Setup);
        check(&[(word(), None), (power(None), Some(Said::Is(State::Off)))], State::Off);
        check(&[(word(), None), (power(None), Some(Said::Is(State::Idle)))], State::Unknown);
        check(&[(power(Some(9.0)), Some(Said::Is(State::Run)))], State::Run);
        check(&[(power(None), Some(Said::Is(State::Off)))], State::Unknown);
        let (_, flags) = resolve([(&word(), Some(Said::Unmapped))].into_iter());
        assert!(flags.has(Flags::UNMAPPED_STATE));
    }
}
