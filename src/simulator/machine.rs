//! Machine: what every simulated machine has in common. A machine is a function from the time since its start to the
//! contents of its registers; it holds no state, so that two readers, or two runs with one seed, see the same workshop.
//!
//! The one thing that depends on being read is the `scan` register, which the [`super::server`] fills in.

use std::time::Duration;

use super::injection::Injection;
use super::meter::Meter;
use super::press::Press;
use crate::config::modbus::{Address, Order, Table};

/// One simulated machine. A closed enum: to know what can be simulated, read it.
#[derive(Debug, Clone)]
pub enum Machine {
    /// An injection-moulding machine.
    Injection(Injection),
    /// The three-phase power meter of an injection-moulding machine.
    Meter(Meter),
    /// A stamping press.
    Press(Press),
}

impl Machine {
    /// The small workshop of the demo: `imm-01`, its meter `meter-01`, and `press-01`.
    pub fn workshop(seed: u64) -> [Machine; 3] {
        let injection = Injection::new(seed);
        let meter = Meter::new(seed ^ 1, injection.clone());
        [Machine::Injection(injection), Machine::Meter(meter), Machine::Press(Press::new(seed ^ 2))]
    }

    /// The device id in the demo's configuration.
    pub fn id(&self) -> &'static str {
        match self {
            Machine::Injection(_) => "imm-01",
            Machine::Meter(_) => "meter-01",
            Machine::Press(_) => "press-01",
        }
    }

    /// Where the 32-bit `scan` register stands, and how its words are arranged.
    pub fn scan_place(&self) -> (Address, Order) {
        match self {
            Machine::Injection(_) => Injection::SCAN,
            Machine::Meter(_) => Meter::SCAN,
            Machine::Press(_) => Press::SCAN,
        }
    }

    /// All registers and bits at this moment. The `scan` register is 0 here.
    pub fn at(&self, elapsed: Duration) -> Image {
        match self {
            Machine::Injection(machine) => machine.at(elapsed),
            Machine::Meter(machine) => machine.at(elapsed),
            Machine::Press(machine) => machine.at(elapsed),
        }
    }

    /// The same moment for people.
    pub fn glance(&self, elapsed: Duration) -> Glance {
        match self {
            Machine::Injection(machine) => machine.glance(elapsed),
            Machine::Meter(machine) => machine.glance(elapsed),
            Machine::Press(machine) => machine.glance(elapsed),
        }
    }
}

/// What somebody walking past would notice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glance {
    /// What it does.
    pub phase: Phase,
    /// Cycles or strokes since the start; `None` for a meter.
    pub cycles: Option<u64>,
    /// One telling figure, and its unit.
    pub figure: (f64, &'static str),
}

/// What a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Producing.
    Run,
    /// Ready, waiting for somebody.
    Idle,
    /// Stopped by an alarm.
    Fault,
}

/// Phases that follow each other for ever. A real machine's day is squeezed into half a minute, so that a demo sees all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm(pub &'static [(Phase, f64)]);

/// Where a moment lies in a [`Rhythm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// The phase.
    pub phase: Phase,
    /// Seconds since this phase began.
    pub into_phase_s: f64,
    /// Seconds in [`Phase::Run`], [`Phase::Idle`] and [`Phase::Fault`] since the start of all.
    pub spent_s: [f64; 3],
}

impl Beat {
    /// Seconds of production since the start.
    pub fn run_s(&self) -> f64 {
        self.spent_s[Phase::Run as usize]
    }
}

impl Rhythm {
    /// Where `elapsed` lies.
    pub fn at(self, elapsed: Duration) -> Beat {
        let mut share = [0.0; 3];
        for &(phase, seconds) in self.0 {
            share[phase as usize] += seconds;
        }
        let total: f64 = share.iter().sum();
        let rounds = (elapsed.as_secs_f64() / total).floor();
        let mut rest = elapsed.as_secs_f64() - rounds * total;
        let mut spent_s = share.map(|seconds| seconds * rounds);
        for &(phase, seconds) in self.0 {
            if rest < seconds {
                spent_s[phase as usize] += rest;
                return Beat { phase, into_phase_s: rest, spent_s };
            }
            spent_s[phase as usize] += seconds;
            rest -= seconds;
        }
        // Only rounding of the floor above leads here: the moment is the very end of the last phase.
        let (phase, seconds) = self.0.last().copied().unwrap_or((Phase::Idle, 0.0));
        Beat { phase, into_phase_s: seconds, spent_s }
    }
}

/// Good and bad parts after `made` parts: in each lot of `lot` parts one, chosen by the seed, is bad.
pub fn good_and_bad(seed: u64, made: u64, lot: u64) -> (u64, u64) {
    let (full, rest) = (made / lot, made % lot);
    let victim = scramble(seed ^ full) % lot;
    let bad = full + u64::from(rest > victim);
    (made - bad, bad)
}

/// Smooth noise between -1 and 1: one value per `channel`, wandering with time.
pub fn noise(seed: u64, channel: u64, seconds: f64) -> f64 {
    let knot = |n: f64| {
        let bits = scramble(seed ^ scramble(channel ^ scramble(n as u64)));
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let (left, along) = (seconds.floor(), seconds.fract());
    let eased = along * along * (3.0 - 2.0 * along);
    knot(left) * (1.0 - eased) + knot(left + 1.0) * eased
}

/// The finaliser of SplitMix64: 64 well mixed bits for 64 bits.
pub fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A value in tenths, as controllers hold it: two's complement where it is negative.
pub fn tenths(value: f64) -> u16 {
    (value * 10.0).round() as i16 as u16
}

/// The contents of a device's tables at one moment. What lies outside its spans does not exist: exception 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image {
    registers: Vec<(Address, Vec<u16>)>,
    bits: Vec<(Address, Vec<bool>)>,
}

impl Image {
    /// An image with these spans of zeros: a table, its first address, and how many.
    pub fn with_spans(spans: &[(Table, u16, usize)]) -> Image {
        let mut image = Image::default();
        for &(table, offset, len) in spans {
            let start = Address { table, offset };
            match table.is_bits() {
                true => image.bits.push((start, vec![false; len])),
                false => image.registers.push((start, vec![0; len])),
            }
        }
        image
    }

    /// Writes words from `at` on. Writing outside the spans is a mistake in the machine and is ignored in release builds.
    pub fn put(&mut self, at: Address, words: &[u16]) {
        let found = place(&self.registers, at, words.len());
        debug_assert!(found.is_some(), "{at} is outside the map");
        if let Some((span, from)) = found {
            self.registers[span].1[from..from + words.len()].copy_from_slice(words);
        }
    }

    /// Writes one bit, likewise.
    pub fn put_bit(&mut self, at: Address, bit: bool) {
        let found = place(&self.bits, at, 1);
        debug_assert!(found.is_some(), "{at} is outside the map");
        if let Some((span, from)) = found {
            self.bits[span].1[from] = bit;
        }
    }

    /// Writes a 32-bit number in this word order.
    pub fn put_u32(&mut self, at: Address, number: u32, order: Order) {
        self.put(at, &words_of(number, order));
    }

    /// `count` registers from `at` on, if all of them exist.
    pub fn registers(&self, at: Address, count: u16) -> Option<&[u16]> {
        let (span, from) = place(&self.registers, at, usize::from(count))?;
        Some(&self.registers[span].1[from..from + usize::from(count)])
    }

    /// `count` bits from `at` on, if all of them exist.
    pub fn bits(&self, at: Address, count: u16) -> Option<&[bool]> {
        let (span, from) = place(&self.bits, at, usize::from(count))?;
        Some(&self.bits[span].1[from..from + usize::from(count)])
    }
}

/// The two registers of a 32-bit number, high byte first within each.
pub fn words_of(number: u32, order: Order) -> [u16; 2] {
    let words = [(number >> 16) as u16, number as u16];
    if order.low_word_first { [words[1], words[0]] } else { words }
}

fn place<T>(spans: &[(Address, Vec<T>)], at: Address, count: usize) -> Option<(usize, usize)> {
    spans.iter().enumerate().find_map(|(index, (start, items))| {
        let from = usize::from(at.offset.checked_sub(start.offset)?);
        (start.table == at.table && from + count <= items.len()).then_some((index, from))
    })
}

/// Reads an image back in tests.
#[cfg(test)]
pub(super) mod reading {
    use super::*;

    pub fn u16_at(image: &Image, table: Table, offset: u16) -> u16 {
        image.registers(Address { table, offset }, 1).expect("in the map")[0]
    }

    pub fn u32_at(image: &Image, table: Table, offset: u16, order: Order) -> u32 {
        let words = image.registers(Address { table, offset }, 2).expect("in the map");
        let (high, low) = if order.low_word_first { (words[1], words[0]) } else { (words[0], words[1]) };
        u32::from(high) << 16 | u32::from(low)
    }

    pub fn f32_at(image: &Image, table: Table, offset: u16) -> f32 {
        f32::from_bits(u32_at(image, table, offset, Order::default()))
    }

    /// Two minutes in steps of 50 ms.
    pub fn two_minutes() -> impl Iterator<Item = Duration> {
        (0..2_400).map(|step| Duration::from_millis(step * 50))
    }
}

#[cfg(test)]
mod tests {
    use super::reading::two_minutes;
    use super::*;

    const SEED: u64 = 7;

    #[test]
    fn within_half_a_minute_the_injection_machine_runs_most_and_shows_every_phase() {
        let machine = &Machine::workshop(SEED)[0];
        let mut seen = [0_u32; 3];
        for step in 0..600 {
            seen[machine.glance(Duration::from_millis(step * 50)).phase as usize] += 1;
        }
        let [run, idle, fault] = seen;
        assert!(run > 400 && idle >= 20 && fault >= 20, "run {run}, idle {idle}, fault {fault} of 600");
    }

    #[test]
    fn cycles_never_fall() {
        for machine in Machine::workshop(SEED) {
            let mut last = None;
            for elapsed in two_minutes() {
                let cycles = machine.glance(elapsed).cycles;
                assert!(cycles >= last, "{} at {elapsed:?}: {cycles:?} after {last:?}", machine.id());
                last = cycles;
            }
        }
    }

    #[test]
    fn one_seed_gives_one_workshop() {
        let moment = Duration::from_millis(17_350);
        let [one, same, other] = [SEED, SEED, SEED + 1].map(|seed| Machine::workshop(seed).map(|m| m.at(moment)));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn every_machine_has_its_scan_register_in_its_map() {
        for machine in Machine::workshop(SEED) {
            let (address, order) = machine.scan_place();
            let mut image = machine.at(Duration::ZERO);
            assert_eq!(image.registers(address, 2), Some(&[0, 0][..]), "{}", machine.id());
            image.put_u32(address, 0x0001_0002, order);
            assert_eq!(reading::u32_at(&image, address.table, address.offset, order), 0x0001_0002);
        }
    }

    #[test]
    fn noise_is_smooth_bounded_and_differs_by_seed_and_channel() {
        let at = |seed, channel| move |step: u32| noise(seed, channel, f64::from(step) / 50.0);
        let track: Vec<f64> = (0..1_000).map(at(1, 1)).collect();
        assert!(track.iter().all(|value| value.abs() <= 1.0));
        assert!(track.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.1));
        assert!(track.iter().any(|value| *value > 0.5) && track.iter().any(|value| *value < -0.5));
        assert_ne!(track, (0..1_000).map(at(2, 1)).collect::<Vec<_>>());
        assert_ne!(track, (0..1_000).map(at(1, 2)).collect::<Vec<_>>());
    }

    #[test]
    fn a_rhythm_counts_the_seconds_of_every_phase() {
        let rhythm = Rhythm(&[(Phase::Run, 4.0), (Phase::Fault, 1.0), (Phase::Run, 2.0), (Phase::Idle, 3.0)]);
        for (seconds, phase, into, spent) in [
            (0.0, Phase::Run, 0.0, [0.0, 0.0, 0.0]),
            (4.5, Phase::Fault, 0.5, [4.0, 0.0, 0.5]),
            (5.5, Phase::Run, 0.5, [4.5, 0.0, 1.0]),
            (9.0, Phase::Idle, 2.0, [6.0, 2.0, 1.0]),
            (21.0, Phase::Run, 1.0, [13.0, 6.0, 2.0]),
        ] {
            let beat = rhythm.at(Duration::from_secs_f64(seconds));
            assert_eq!(beat, Beat { phase, into_phase_s: into, spent_s: spent }, "at {seconds} s");
        }
    }

    #[test]
    fn good_and_bad_add_up_and_never_fall() {
        let (mut good, mut bad) = (0, 0);
        for made in 0..500 {
            let (now_good, now_bad) = good_and_bad(SEED, made, 12);
            assert_eq!(now_good + now_bad, made);
            assert!(now_good >= good && now_bad >= bad, "after {made}");
            (good, bad) = (now_good, now_bad);
        }
        assert!((41..=42).contains(&bad), "one of each twelve, and perhaps the one of the last lot: {bad}");
    }

    #[test]
    fn what_reaches_past_the_map_does_not_exist() {
        let image = Image::with_spans(&[(Table::Holding, 100, 20), (Table::Coil, 0, 8)]);
        let holding = |offset| Address { table: Table::Holding, offset };
        assert!(image.registers(holding(100), 20).is_some());
        for (offset, count) in [(99, 2), (100, 21), (120, 1), (0, 1), (65_535, 2)] {
            assert_eq!(image.registers(holding(offset), count), None, "{count} from {offset}");
        }
        assert_eq!(image.registers(Address { table: Table::Input, offset: 100 }, 1), None);
        assert!(image.bits(Address { table: Table::Coil, offset: 0 }, 8).is_some());
        assert!(image.bits(Address { table: Table::Coil, offset: 1 }, 8).is_none());
    }
}
