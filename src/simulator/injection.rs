//! Injection: an injection-moulding machine with a fast thin-wall mould, as a PLC gateway would show it. The addresses
//! are illustrative (a real machine's point list wins); the values follow OPC 40083's names where it has them.
//!
//! | Address | Content | | Address | Content |
//! |---|---|---|---|---|
//! | holding 0 | state word: bits below | | holding 14-17 | their set points, u16 x 0.1 °C |
//! | holding 1 | mode: 1 manual, 3 automatic | | holding 18 | injection pressure, u16 x 0.1 bar |
//! | holding 2 | alarm code, 0: none | | holding 19 | its peak in the last cycle, x 0.1 bar |
//! | holding 4-5 | cycle counter, u32 ABCD | | holding 20 | clamp force, u16 kN |
//! | holding 6-7 | good parts, u32 | | holding 22-23 | last cycle, u32 ms |
//! | holding 8-9 | bad parts, u32 | | holding 24-25 | expected cycle, u32 ms |
//! | holding 10-13 | barrel temperatures 1 to 4, i16 x 0.1 °C | | holding 30-31 | scan, u32 |
//! | coil 0 | motor on | | discrete 0, 1 | door closed, mould closed |
//!
//! State word: bit 0 run, 1 idle, 2 fault, 3 mould closed, 4 motor on, 5 automatic.

use std::time::Duration;

use super::machine::{Beat, Glance, Image, Phase, Rhythm, good_and_bad, noise, scramble, tenths};
use crate::config::modbus::{Address, Order, Table};

/// The machine.
#[derive(Debug, Clone)]
pub struct Injection {
    seed: u64,
}

impl Injection {
    /// Where its `scan` stands.
    pub const SCAN: (Address, Order) =
        (Address { table: Table::Holding, offset: 30 }, Order { low_word_first: false, low_byte_first: false });

    /// Points of the pressure curve: ten a second.
    pub const CURVE: usize = 25;

    /// A machine; the seed settles its noise and which parts are bad.
    pub fn new(seed: u64) -> Injection {
        Injection { seed }
    }

    /// What it does at this moment.
    pub fn beat(&self, elapsed: Duration) -> Beat {
        RHYTHM.at(elapsed)
    }

    /// How much the drive works: 0 to 1.6, on average 1 over a cycle of production; 0 outside of it.
    pub fn effort(&self, elapsed: Duration) -> f64 {
        let beat = self.beat(elapsed);
        match beat.phase {
            Phase::Run if Cycle::of(&beat).place < PACKED => 1.6,
            Phase::Run => (1.0 - 1.6 * PACKED) / (1.0 - PACKED),
            Phase::Idle | Phase::Fault => 0.0,
        }
    }

    /// What it shows at this moment, in the units of people.
    pub fn moment(&self, elapsed: Duration) -> Moment {
        let seconds = elapsed.as_secs_f64();
        let beat = self.beat(elapsed);
        let cycle = Cycle::of(&beat);
        let running = beat.phase == Phase::Run;
        let (good, bad) = good_and_bad(self.seed, cycle.number, PARTS_PER_LOT);
        let is_mould_closed = running && (0.04..0.85).contains(&cycle.place);
        let jitter_ms = scramble(self.seed ^ cycle.number) % 61;
        Moment {
            phase: beat.phase,
            is_mould_closed,
            alarm: if beat.phase == Phase::Fault { ALARM_MOULD_PROTECTION } else { 0 },
            cycles: cycle.number,
            good,
            bad,
            barrel_temps: [0, 1, 2, 3].map(|zone| self.barrel_temp(zone, seconds, elapsed)),
            set_points: SET_POINTS,
            pressure_bar: if running { self.pressure(&cycle) } else { 0.0 },
            peak_bar: self.peak(cycle.number.saturating_sub(1)),
            clamp_force_kn: if is_mould_closed { 1_600.0 + 6.0 * noise(self.seed, 21, seconds) } else { 0.0 },
            last_cycle_ms: if cycle.number == 0 { 0 } else { EXPECTED_MS - 30 + jitter_ms },
            expected_cycle_ms: EXPECTED_MS,
        }
    }

    /// The injection pressure over the last cycle that ended, at even distances from its start to its end, in bar; zeros
    /// before the first one.
    pub fn curve(&self, elapsed: Duration) -> [f64; Self::CURVE] {
        let ended = Cycle::of(&self.beat(elapsed)).number.checked_sub(1);
        std::array::from_fn(|at| {
            let place = at as f64 / Self::CURVE as f64;
            ended.map_or(0.0, |number| self.pressure(&Cycle { number, place }))
        })
    }

    /// All registers and bits.
    pub fn at(&self, elapsed: Duration) -> Image {
        let now = self.moment(elapsed);
        let (running, idle, fault) = (now.phase == Phase::Run, now.phase == Phase::Idle, now.phase == Phase::Fault);

        let mut image = Image::with_spans(&[(Table::Holding, 0, 40), (Table::Coil, 0, 16), (Table::Discrete, 0, 16)]);
        let mut word = |offset: u16, value: u16| image.put(Address { table: Table::Holding, offset }, &[value]);
        let state = [running, idle, fault, now.is_mould_closed, now.is_motor_on(), now.is_automatic()];
        word(0, state.iter().rev().fold(0, |word, &bit| word << 1 | u16::from(bit)));
        word(1, if now.is_automatic() { 3 } else { 1 });
        word(2, now.alarm);
        for (zone, (temp, set_point)) in now.barrel_temps.into_iter().zip(now.set_points).enumerate() {
            word(10 + zone as u16, tenths(temp));
            word(14 + zone as u16, tenths(set_point));
        }
        word(18, tenths(now.pressure_bar));
        word(19, tenths(now.peak_bar));
        word(20, now.clamp_force_kn as u16);
        let mut long = |offset: u16, value: u64| {
            // A 32-bit counter wraps, as a real one does; at this pace after three centuries.
            image.put_u32(Address { table: Table::Holding, offset }, value as u32, Order::default());
        };
        long(4, now.cycles);
        long(6, now.good);
        long(8, now.bad);
        long(22, now.last_cycle_ms);
        long(24, now.expected_cycle_ms);
        image.put_bit(Address { table: Table::Coil, offset: 0 }, now.is_motor_on());
        image.put_bit(Address { table: Table::Discrete, offset: 0 }, !fault);
        image.put_bit(Address { table: Table::Discrete, offset: 1 }, now.is_mould_closed);
        image
    }

    /// The same for people: the second barrel zone is the one that moulders watch.
    pub fn glance(&self, elapsed: Duration) -> Glance {
        let beat = self.beat(elapsed);
        let temp = self.barrel_temp(1, elapsed.as_secs_f64(), elapsed);
        Glance { phase: beat.phase, cycles: Some(Cycle::of(&beat).number), figure: (temp, "°C") }
    }

    /// The set point, a slow drift around it, noise, and a dip while no plastic is sheared.
    fn barrel_temp(&self, zone: usize, seconds: f64, elapsed: Duration) -> f64 {
        let channel = zone as u64;
        let drift = 0.8 * noise(self.seed, 10 + channel, seconds / 20.0);
        let flutter = 0.15 * noise(self.seed, 30 + channel, seconds * 2.0);
        SET_POINTS[zone] + drift + flutter - self.dip(elapsed)
    }

    /// How far the barrel has cooled: towards 2 °C outside production, back towards 0 in it, with first-order lag.
    fn dip(&self, elapsed: Duration) -> f64 {
        let round_s: f64 = RHYTHM.0.iter().map(|(_, seconds)| seconds).sum();
        let mut rest = elapsed.as_secs_f64() % round_s;
        let mut dip = 0.0;
        for &(phase, seconds) in RHYTHM.0 {
            let spent = rest.clamp(0.0, seconds);
            let target = if phase == Phase::Run { 0.0 } else { 2.0 };
            dip = target + (dip - target) * (-spent / 3.0_f64).exp();
            rest -= spent;
        }
        dip
    }

    /// Filling, packing, cooling: the curve that a pressure transducer at the nozzle shows.
    fn pressure(&self, cycle: &Cycle) -> f64 {
        let peak = self.peak(cycle.number);
        match cycle.place {
            place if place < FILLED => peak * place / FILLED,
            place if place < PACKED => peak * 0.55,
            _ => 12.0,
        }
    }

    /// Peak pressure of one cycle, in bar.
    fn peak(&self, cycle: u64) -> f64 {
        1_150.0 + (scramble(self.seed ^ 0x5e ^ cycle << 8) % 400) as f64 / 10.0
    }
}

/// What the machine shows, whatever the protocol that carries it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// What it does.
    pub phase: Phase,
    /// Whether the mould is closed.
    pub is_mould_closed: bool,
    /// The alarm that stands; 0: none.
    pub alarm: u16,
    /// Finished cycles.
    pub cycles: u64,
    /// Good parts among them.
    pub good: u64,
    /// Bad ones.
    pub bad: u64,
    /// Of the barrel's zones, from the hopper to the nozzle, in °C.
    pub barrel_temps: [f64; 4],
    /// Their set points.
    pub set_points: [f64; 4],
    /// At the nozzle, in bar.
    pub pressure_bar: f64,
    /// Its peak in the last cycle.
    pub peak_bar: f64,
    /// In kN.
    pub clamp_force_kn: f64,
    /// How long the last cycle took; 0 before the first one has ended.
    pub last_cycle_ms: u64,
    /// How long a cycle should take.
    pub expected_cycle_ms: u64,
}

impl Moment {
    /// Whether the drive has power.
    pub fn is_motor_on(&self) -> bool {
        self.phase != Phase::Fault
    }

    /// Whether it runs without somebody at the buttons.
    pub fn is_automatic(&self) -> bool {
        self.phase != Phase::Idle
    }
}

/// Where production stands.
struct Cycle {
    /// Finished cycles.
    number: u64,
    /// How far the running one has come, 0 to 1.
    place: f64,
}

impl Cycle {
    fn of(beat: &Beat) -> Cycle {
        let cycles = beat.run_s() / CYCLE_S;
        Cycle { number: cycles as u64, place: cycles.fract() }
    }
}

/// Within 30 s: a pause, a short fault, and a while until somebody starts the machine again. It ends with production, so
/// that the barrel is warm again where the next round begins.
const RHYTHM: Rhythm = Rhythm(&[
    (Phase::Run, 6.0),
    (Phase::Idle, 2.0),
    (Phase::Run, 8.0),
    (Phase::Fault, 2.5),
    (Phase::Idle, 1.5),
    (Phase::Run, 10.0),
]);
/// Thin-wall packaging; other moulds take ten times as long, and a demo would see two cycles.
const CYCLE_S: f64 = 2.5;
const EXPECTED_MS: u64 = (CYCLE_S * 1_000.0) as u64;
/// The share of a cycle after which the cavity is full, and after which packing ends.
const FILLED: f64 = 0.15;
const PACKED: f64 = 0.4;
const PARTS_PER_LOT: u64 = 12;
const SET_POINTS: [f64; 4] = [195.0, 210.0, 220.0, 225.0];
const ALARM_MOULD_PROTECTION: u16 = 312;

#[cfg(test)]
mod tests {
    use super::super::machine::reading::{two_minutes, u16_at, u32_at};
    use super::*;

    #[test]
    fn temperatures_stay_near_their_set_points_and_do_move() {
        let machine = Injection::new(7);
        for zone in 0..4 {
            let temps: Vec<f64> = two_minutes()
                .map(|t| f64::from(u16_at(&machine.at(t), Table::Holding, 10 + zone) as i16) / 10.0)
                .collect();
            let set = SET_POINTS[usize::from(zone)];
            assert!(temps.iter().all(|t| (set - 3.5..set + 1.5).contains(t)), "zone {zone}");
            let (least, most) = temps.iter().fold((f64::MAX, f64::MIN), |(l, m), &t| (l.min(t), m.max(t)));
            assert!(most - least > 0.5, "zone {zone} stands still at {least}");
            assert!(temps.windows(2).all(|w| (w[0] - w[1]).abs() < 0.5), "zone {zone} jumps");
        }
    }

    #[test]
    fn a_standstill_cools_the_barrel_and_production_warms_it_again() {
        let machine = Injection::new(7);
        let dips = [15.9, 19.9, 29.9].map(|seconds| machine.dip(Duration::from_secs_f64(seconds)));
        assert!(dips[0] < 0.1 && dips[1] > 1.3 && dips[2] < 0.1, "{dips:?}");
    }

    #[test]
    fn counters_never_fall_and_parts_add_up_to_cycles() {
        let machine = Injection::new(7);
        let mut last = [0; 3];
        for elapsed in two_minutes() {
            let image = machine.at(elapsed);
            let now = [4, 6, 8].map(|offset| u32_at(&image, Table::Holding, offset, Order::default()));
            assert!(now.iter().zip(last).all(|(now, last)| *now >= last), "{now:?} after {last:?}");
            assert_eq!(now[0], now[1] + now[2]);
            last = now;
        }
        assert!(last[0] > 30 && last[2] >= 2, "{last:?}");
    }

    #[test]
    fn a_fault_shows_in_state_word_alarm_code_and_motor() {
        let machine = Injection::new(7);
        for elapsed in two_minutes() {
            let image = machine.at(elapsed);
            let (state, alarm) = (u16_at(&image, Table::Holding, 0), u16_at(&image, Table::Holding, 2));
            let motor_on = image.bits(Address { table: Table::Coil, offset: 0 }, 1).expect("in the map")[0];
            let fault = machine.beat(elapsed).phase == Phase::Fault;
            assert_eq!(state & 0b111, [1, 2, 4][machine.beat(elapsed).phase as usize]);
            assert_eq!((alarm != 0, motor_on, state & 1 << 4 != 0), (fault, !fault, !fault));
        }
    }

    #[test]
    fn pressure_and_clamp_force_follow_the_cycle_and_rest_outside_production() {
        let machine = Injection::new(7);
        let mut peak = 0;
        for elapsed in two_minutes() {
            let image = machine.at(elapsed);
            let (pressure, force) = (u16_at(&image, Table::Holding, 18), u16_at(&image, Table::Holding, 20));
            assert!(pressure <= 12_000 && (force == 0 || (1_590..1_610).contains(&force)));
            if machine.beat(elapsed).phase != Phase::Run {
                assert_eq!((pressure, force), (0, 0));
            }
            peak = peak.max(pressure);
        }
        assert!(peak > 10_000, "the injection peak was never seen: {peak}");
    }

    #[test]
    fn the_curve_is_that_of_the_last_cycle_and_peaks_where_the_machine_says() {
        let machine = Injection::new(7);
        assert_eq!(machine.curve(Duration::from_secs(1)), [0.0; Injection::CURVE], "no cycle has ended");
        for elapsed in two_minutes().filter(|elapsed| elapsed.as_secs_f64() > 3.0) {
            let (curve, peak) = (machine.curve(elapsed), machine.moment(elapsed).peak_bar);
            let top = curve.into_iter().fold(0.0, f64::max);
            assert!(top <= peak && top > 0.75 * peak, "{top} of {peak} at {elapsed:?}");
            assert_eq!((curve[0], curve[Injection::CURVE - 1]), (0.0, 12.0));
        }
    }

    #[test]
    fn the_effort_is_one_on_average_over_production() {
        let machine = Injection::new(7);
        let efforts: Vec<f64> = (0..5_000).map(|ms| machine.effort(Duration::from_millis(ms))).collect();
        let mean = efforts.iter().sum::<f64>() / efforts.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }
}
