//! Meter: the three-phase power meter in the cabinet of an injection-moulding machine. The map is that of an Eastron
//! SDM630 (input registers, IEEE 754 single precision, high word first, even addresses); `scan` stands where that meter
//! has nothing.
//!
//! | Address | Content | | Address | Content |
//! |---|---|---|---|---|
//! | input 0x00, 02, 04 | voltage to neutral, V | | input 0x3E | power factor |
//! | input 0x06, 08, 0A | current, A | | input 0x46 | frequency, Hz |
//! | input 0x0C, 0E, 10 | power, W | | input 0x48 | imported energy, kWh |
//! | input 0x34 | total power, W | | input 0x156 | total energy, kWh |
//! | input 0x5A | scan, u32 | | | |

use std::time::Duration;

use super::injection::Injection;
use super::machine::{Glance, Image, Phase, noise};
use crate::config::modbus::{Address, Order, Table};

/// The meter, and the machine that it measures.
#[derive(Debug, Clone)]
pub struct Meter {
    seed: u64,
    machine: Injection,
}

impl Meter {
    /// Where its `scan` stands.
    pub const SCAN: (Address, Order) =
        (Address { table: Table::Input, offset: 0x5A }, Order { low_word_first: false, low_byte_first: false });

    /// The meter of this machine.
    pub fn new(seed: u64, machine: Injection) -> Meter {
        Meter { seed, machine }
    }

    /// Active power in W: heaters and controls always, the drive while producing.
    pub fn power_w(&self, elapsed: Duration) -> f64 {
        let base = BASE_W[self.machine.beat(elapsed).phase as usize];
        base + DRIVE_W * self.machine.effort(elapsed) + 80.0 * noise(self.seed, 1, elapsed.as_secs_f64() * 3.0)
    }

    /// Imported energy in kWh: the power of the phases times their seconds. The noise has mean 0 and is left out, and
    /// the strokes within a cycle even out, so that the counter cannot fall.
    pub fn energy_kwh(&self, elapsed: Duration) -> f64 {
        let spent_s = self.machine.beat(elapsed).spent_s;
        let drive_ws = DRIVE_W * spent_s[Phase::Run as usize];
        let base_ws: f64 = BASE_W.iter().zip(spent_s).map(|(watts, seconds)| watts * seconds).sum();
        START_KWH + (base_ws + drive_ws) / 3.6e6
    }

    /// All registers.
    pub fn at(&self, elapsed: Duration) -> Image {
        let seconds = elapsed.as_secs_f64();
        let total_w = self.power_w(elapsed);
        let running = self.machine.beat(elapsed).phase == Phase::Run;
        let power_factor = if running { 0.86 } else { 0.97 } + 0.01 * noise(self.seed, 2, seconds);
        let mut image = Image::with_spans(&[(Table::Input, 0, 0x5C), (Table::Input, 0x156, 2)]);
        let mut put = |offset: u16, value: f64| {
            let bits = (value as f32).to_bits();
            image.put_u32(Address { table: Table::Input, offset }, bits, Order::default());
        };
        for (phase, share) in [0.34, 0.335, 0.325].into_iter().enumerate() {
            let at = 2 * phase as u16;
            let volts = 231.0 - 1.2 * total_w / 24_000.0 + 0.9 * noise(self.seed, 3 + phase as u64, seconds / 4.0);
            let watts = total_w * share;
            put(at, volts);
            put(0x06 + at, watts / (volts * power_factor));
            put(0x0C + at, watts);
        }
        put(0x34, total_w);
        put(0x3E, power_factor);
        put(0x46, 50.0 + 0.03 * noise(self.seed, 6, seconds / 5.0));
        put(0x48, self.energy_kwh(elapsed));
        put(0x156, self.energy_kwh(elapsed));
        image
    }

    /// The same for people.
    pub fn glance(&self, elapsed: Duration) -> Glance {
        let phase = self.machine.beat(elapsed).phase;
        Glance { phase, cycles: None, figure: (self.power_w(elapsed) / 1000.0, "kW") }
    }
}

/// Heaters and controls in run, idle and fault; in fault the drive's cabinet is switched off too.
const BASE_W: [f64; 3] = [6_500.0, 5_200.0, 2_600.0];
/// The drive, on average over a cycle.
const DRIVE_W: f64 = 17_500.0;
/// Small enough that single precision still shows steps of a tenth of a watt hour.
const START_KWH: f64 = 1_842.35;

#[cfg(test)]
mod tests {
    use super::super::machine::reading::{f32_at, two_minutes};
    use super::*;

    fn meter() -> Meter {
        Meter::new(6, Injection::new(7))
    }

    #[test]
    fn the_phases_add_up_and_currents_fit_the_power() {
        for elapsed in two_minutes() {
            let image = meter().at(elapsed);
            let read = |offset| f32_at(&image, Table::Input, offset);
            let total = read(0x34);
            assert!((read(0x0C) + read(0x0E) + read(0x10) - total).abs() < 1.0);
            assert!((2_000.0..36_000.0).contains(&total), "{total} W");
            for phase in [0, 2, 4] {
                assert!((225.0..235.0).contains(&read(phase)), "{} V", read(phase));
                let apparent = read(phase) * read(0x06 + phase) * read(0x3E);
                assert!((apparent - read(0x0C + phase)).abs() < 1.0);
            }
            assert!((49.9..50.1).contains(&read(0x46)));
        }
    }

    #[test]
    fn power_follows_what_the_machine_does() {
        let (mut sums, mut counts) = ([0.0; 3], [0.0; 3]);
        for elapsed in two_minutes() {
            let phase = meter().glance(elapsed).phase as usize;
            sums[phase] += meter().power_w(elapsed);
            counts[phase] += 1.0;
        }
        let [run, idle, fault] = [0, 1, 2].map(|phase| sums[phase] / counts[phase]);
        assert!(run > 3.0 * idle && idle > 1.5 * fault, "run {run}, idle {idle}, fault {fault}");
    }

    #[test]
    fn energy_never_falls_and_is_the_integral_of_power() {
        let (mut last, mut integral_ws) = (0.0_f32, 0.0);
        for elapsed in two_minutes() {
            let energy = f32_at(&meter().at(elapsed), Table::Input, 0x48);
            assert!(energy >= last, "{energy} after {last}");
            last = energy;
            integral_ws += meter().power_w(elapsed) * 0.05;
        }
        let counted = f64::from(last) - START_KWH;
        let integral = integral_ws / 3.6e6;
        assert!((counted / integral - 1.0).abs() < 0.02, "counted {counted} kWh, integral {integral} kWh");
    }
}
