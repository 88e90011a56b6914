//! What a number looks like: volts, hertz, a power factor. Pure. A guess for people, who compare it with the display.

use super::guess::Guess;
use crate::config::modbus::DataType;

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Looks {
    /// No idea.
    Unknown,
    /// A voltage, the factor to volts.
    Volts(f64),
    /// A frequency of the net, the factor to hertz.
    Hertz(f64),
    /// A current of one of three phases, beside voltages.
    Amperes,
    /// A power factor, the factor to 1.
    PowerFactor(f64),
    /// A total: it rose between two looks.
    Counter,
    /// A clock in decimal digits.
    Clock,
    /// A text.
    Text,
}

impl Looks {
    /// Factor and unit, where they are clear.
    pub fn scale(self) -> Option<(f64, &'static str)> {
        match self {
            Looks::Volts(scale) => Some((scale, "V")),
            Looks::Hertz(scale) => Some((scale, "Hz")),
            Looks::Amperes => Some((1.0, "A")),
            Looks::PowerFactor(scale) => Some((scale, "")),
            _ => None,
        }
    }
}

/// Gives each guess a look. What stands alone is believed less than what stands with its kin.
pub(super) fn name(guesses: &mut [Guess]) {
    for guess in guesses.iter_mut() {
        guess.looks = match guess.data_type {
            DataType::Text(_) => Looks::Text,
            DataType::Bcd16 => Looks::Clock,
            _ => hertz(guess),
        };
    }
    let is_meter = guesses.iter().any(|guess| matches!(guess.looks, Looks::Hertz(_)));
    // 110 V only where nothing looks like 230 V or 400 V: it may as well be a current.
    for ranges in [&[(195.0, 265.0), (340.0, 460.0)][..], &[(95.0, 135.0)]] {
        if guesses.iter().any(|guess| matches!(guess.looks, Looks::Volts(_))) {
            break;
        }
        for at in 0..guesses.len().saturating_sub(2) {
            let Some(scale) = volts(&guesses[at..at + 3], ranges) else { continue };
            let is_float = matches!(guesses[at].data_type, DataType::F32 | DataType::F64);
            // Three temperatures may look so too: without a frequency, only floats in plain volts are believed.
            if guesses[at].looks == Looks::Unknown && (is_meter || is_float && scale == 1.0) {
                guesses[at..at + 3].iter_mut().for_each(|guess| guess.looks = Looks::Volts(scale));
            }
        }
    }
    let Some(volts) = guesses.iter().rposition(|guess| matches!(guess.looks, Looks::Volts(_))) else { return };
    for guess in guesses.iter_mut().filter(|guess| guess.looks == Looks::Unknown) {
        guess.looks = power_factor(guess);
    }
    if let Some(after) = guesses.get_mut(volts + 1..volts + 4).filter(|after| is_trio(after, 2.0)) {
        let are_amperes = after.iter().all(|guess| guess.data_type == DataType::F32 && guess.looks == Looks::Unknown);
        if are_amperes && after.iter().all(|guess| guess.number.is_some_and(|x| (0.0..10_000.0).contains(&x))) {
            after.iter_mut().for_each(|guess| guess.looks = Looks::Amperes);
        }
    }
}

fn hertz(guess: &Guess) -> Looks {
    let Some(x) = guess.number else { return Looks::Unknown };
    let is_float = matches!(guess.data_type, DataType::F32 | DataType::F64);
    let near = |x: f64| (49.5..=50.5).contains(&x) || (59.5..=60.5).contains(&x);
    match () {
        () if is_float && near(x) => Looks::Hertz(1.0),
        () if near(x / 100.0) => Looks::Hertz(0.01),
        () if !is_float && near(x / 10.0) && x != 500.0 && x != 600.0 => Looks::Hertz(0.1),
        () if is_total(guess) => Looks::Counter,
        () => Looks::Unknown,
    }
}

fn is_total(guess: &Guess) -> bool {
    guess.is_total && !matches!(guess.data_type, DataType::I16)
}

fn power_factor(guess: &Guess) -> Looks {
    let Some(x) = guess.number.map(f64::abs) else { return Looks::Unknown };
    match guess.data_type {
        DataType::F32 | DataType::F64 if (0.5..=1.0).contains(&x) => Looks::PowerFactor(1.0),
        _ => Looks::Unknown,
    }
}

/// The factor to volts of three values that may be phase voltages, in one of these ranges.
fn volts(trio: &[Guess], ranges: &[(f64, f64)]) -> Option<f64> {
    if !is_trio(trio, 1.06) {
        return None;
    }
    let first = trio[0].number?;
    [1.0, 0.1, 0.01].into_iter().find(|scale| {
        let x = first * scale;
        ranges.iter().any(|(low, high)| (*low..=*high).contains(&x))
    })
}

/// Three of one type side by side, none more than `ratio` times another.
fn is_trio(trio: &[Guess], ratio: f64) -> bool {
    let [a, b, c] = trio else { return false };
    let is_side_by_side =
        a.data_type == b.data_type && b.data_type == c.data_type && b.offset - a.offset == c.offset - b.offset;
    let numbers: Vec<f64> = trio.iter().filter_map(|guess| guess.number).collect();
    let (low, high) =
        (numbers.iter().copied().fold(f64::MAX, f64::min), numbers.iter().copied().fold(f64::MIN, f64::max));
    is_side_by_side && numbers.len() == 3 && low > 0.0 && high <= low * ratio
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::Order;

    #[test]
    fn currents_beside_voltages_are_no_voltages() {
        let numbers = [2_311, 2_298, 2_305, 1_203, 1_187, 1_211, 4_998];
        let guess = |(offset, number): (u16, i32)| Guess {
            offset,
            data_type: DataType::U16,
            order: Order::default(),
            shown: number.to_string(),
            number: Some(number.into()),
            has_moved: true,
            is_total: false,
            looks: Looks::Unknown,
            alternatives: Vec::new(),
            rivals: Vec::new(),
        };
        let mut guesses: Vec<Guess> = (0..).zip(numbers).map(guess).collect();
        name(&mut guesses);
        let looks: Vec<Looks> = guesses.iter().map(|guess| guess.looks).collect();
        assert_eq!(looks[..3], [Looks::Volts(0.1); 3]);
        assert_eq!(looks[3..6], [Looks::Unknown; 3]);
        assert_eq!(looks[6], Looks::Hertz(0.01));
        let mut alone = guesses[3..].to_vec();
        alone.iter_mut().for_each(|guess| guess.looks = Looks::Unknown);
        name(&mut alone);
        assert_eq!(alone[0].looks, Looks::Volts(0.1), "a net of 120 V");
    }
}
