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
    for at in 0..guesses.len().saturating_sub(2) {
        let Some(scale) = volts(&guesses[at..at + 3]) else { continue };
        let is_float = matches!(guesses[at].data_type, DataType::F32 | DataType::F64);
        // Three temperatures may look so too: without a frequency, only floats in plain volts are believed.
        if guesses[at].looks == Looks::Unknown && (is_meter || is_float && scale == 1.0) {
            guesses[at..at + 3].iter_mut().for_each(|guess| guess.looks = Looks::Volts(scale));
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

/// The factor to volts of three values that may be phase voltages.
fn volts(trio: &[Guess]) -> Option<f64> {
    if !is_trio(trio, 1.06) {
        return None;
    }
    let first = trio[0].number?;
    [1.0, 0.1, 0.01].into_iter().find(|scale| {
        let x = first * scale;
        (95.0..=135.0).contains(&x) || (195.0..=265.0).contains(&x) || (340.0..=460.0).contains(&x)
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
