//! Whether the power that a meter shows fits its voltage and current (R16): P = √3 · U · I · cosφ. A ratio of the transformers that is applied
//! twice, or not at all, shows here, and nowhere else before the bill.
//!
//! The rule: where two readings of the same values are possible (between phases or not, one phase or three), the one that fits better is
//! taken: a warning is never made of a guess.

use super::{Device, Role, Station, Tag, Yardstick, power_factor_off};

/// The tags of one meter that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Electric<'a> {
    /// Active power of all phases.
    power: &'a Tag,
    /// One, or one of each phase.
    volts: Vec<&'a Tag>,
    /// Likewise.
    amperes: Vec<&'a Tag>,
    /// `None`: it is not read.
    power_factor: Option<&'a Tag>,
}

/// What the comparison says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Judged {
    /// A value is missing.
    Incomplete,
    /// Too little flows now to compare anything.
    Idle,
    /// They fit.
    Fits(Compared),
    /// They do not, by this factor.
    Off(f64, Compared),
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The power as it goes into the figures.
    pub kw: f64,
    /// Mean of what was read.
    pub volts: f64,
    /// Mean of what was read.
    pub amperes: f64,
    /// What they make.
    pub expected_kw: f64,
}

/// Secondary currents are of 1 A or 5 A; a fifth more is what a transformer bears for long. A meter that shows more shows primary values.
const MOST_SECONDARY_A: f64 = 6.0;

/// Secondary voltages are of 100 V between phases; beyond this a meter shows primary values.
const MOST_SECONDARY_V: f64 = 150.0;

/// Below it noise is compared with noise: 2 % of 5 A.
const LEAST_A: f64 = 0.1;

/// Of motors and drives that say nothing of it; what is read then fits from a third of it to a quarter above one.
const USUAL_POWER_FACTOR: f64 = 0.85;

const LEAST_POWER_FACTOR: f64 = 0.25;

impl<'a> Electric<'a> {
    /// Of a device that is asked for all of it; `None`: it is not.
    pub fn of(device: &'a Device) -> Option<Electric<'a>> {
        if !matches!(device.station, Station::Unit(_) | Station::Meter(_)) {
            return None;
        }
        let of_unit = |unit: &str| -> Vec<&'a Tag> {
            device.tags.iter().filter(|tag| tag.unit.as_deref() == Some(unit)).collect()
        };
        let has_role = |tag: &&Tag| matches!(tag.role.as_deref(), Some(Role::Power(_)));
        let is_total = |tag: &&Tag| kilowatts(tag).is_some() && matches!(&*tag.name, "p" | "p_kw" | "p_w" | "power");
        let power = device.tags.iter().find(has_role).or_else(|| device.tags.iter().find(is_total))?;
        let (volts, amperes) = (of_unit("V"), of_unit("A"));
        // Beside the phases stand voltages between them: one kind is enough.
        let (between, of_phases): (Vec<&Tag>, Vec<&Tag>) = volts.into_iter().partition(|tag| is_between(&tag.name));
        let volts = if of_phases.is_empty() { between } else { of_phases };
        // A current of the neutral is none of the phases.
        let amperes: Vec<&Tag> = amperes.into_iter().filter(|tag| !tag.name.ends_with("_n")).collect();
        let names = ["pf", "cosphi", "cos_phi", "power_factor"];
        let power_factor = device.tags.iter().find(|tag| names.contains(&tag.name.to_lowercase().as_str()));
        // More of them are of more than one circuit: nobody knows of which the power is.
        let is_clear = |tags: &[&Tag]| matches!(tags.len(), 1 | 3);
        (is_clear(&volts) && is_clear(&amperes)).then_some(Electric { power, volts, amperes, power_factor })
    }

    /// All tags that are needed.
    pub fn tags(&self) -> impl Iterator<Item = &'a Tag> {
        let all = [self.power].into_iter().chain(self.volts.iter().copied()).chain(self.amperes.iter().copied());
        all.chain(self.power_factor).collect::<Vec<_>>().into_iter()
    }

    /// Compares what was read just now.
    pub fn judge(&self, of: &Yardstick, read: impl Fn(&Tag) -> Option<f64>) -> Judged {
        let mean = |tags: &[&Tag]| {
            let read: Option<Vec<f64>> = tags.iter().map(|tag| read(tag)).collect();
            read.filter(|all| all.iter().all(|x| x.is_finite())).map(|all| all.iter().sum::<f64>() / all.len() as f64)
        };
        let power = read(self.power).zip(kilowatts(self.power)).map(|(power, factor)| (power * factor).abs());
        let (Some(power), Some(volts), Some(amperes)) = (power, mean(&self.volts), mean(&self.amperes)) else {
            return Judged::Incomplete;
        };
        if amperes < LEAST_A || volts <= 0.0 {
            return Judged::Idle;
        }
        // The ratios of the file are for secondary values: where primary ones are shown, they are applied twice.
        let twice_a = of.ct_ratio.filter(|_| amperes > MOST_SECONDARY_A).unwrap_or(1.0);
        let twice_v = of.pt_ratio.filter(|_| volts > MOST_SECONDARY_V).unwrap_or(1.0);
        let kw = power * twice_a * twice_v;
        let known = self.power_factor.and_then(&read).map(f64::abs).filter(|factor| (0.05..=1.0).contains(factor));
        // Between phases; of a phase, of three; of one phase alone.
        let root = 3.0_f64.sqrt();
        let is_line = self.volts.iter().all(|tag| is_between(&tag.name));
        let mut readings = vec![if is_line { 1.0 } else { root }];
        if self.volts.len() == 1 && !is_line {
            readings.extend([1.0, 1.0 / root]);
        }
        let judge = |reading: f64| {
            let between = volts * reading;
            let factor = known.unwrap_or(USUAL_POWER_FACTOR);
            let apparent = root * between * amperes / 1_000.0;
            let off = match known {
                Some(factor) => power_factor_off(kw, between, amperes, factor),
                None => power_factor_off(kw, between, amperes, factor)
                    .filter(|_| !(LEAST_POWER_FACTOR * apparent..=1.25 * apparent).contains(&kw)),
            };
            (off, Compared { kw, volts, amperes, expected_kw: apparent * factor })
        };
        let distance = |(off, _): &(Option<f64>, Compared)| off.map_or(0.0, |factor| factor.max(1e-9).ln().abs());
        let best = readings.into_iter().map(judge).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        match best {
            Some((Some(factor), compared)) => Judged::Off(factor, compared),
            Some((None, compared)) => Judged::Fits(compared),
            None => Judged::Incomplete,
        }
    }
}

/// `u_ab`, `u12`, `u_l1_l2`, `u_ll`: between two phases.
fn is_between(name: &str) -> bool {
    let name = name.to_lowercase();
    ["ab", "bc", "ca", "uv", "vw", "wu", "12", "23", "31", "l1_l2", "l2_l3", "l3_l1", "ll", "line"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// What a reading is multiplied with to be kW.
fn kilowatts(tag: &Tag) -> Option<f64> {
    if let Some(Role::Power(unit)) = tag.role.as_deref() {
        return Some(unit.num as f64 / unit.den as f64 / 1_000.0);
    }
    match tag.unit.as_deref()? {
        "W" => Some(0.001),
        "kW" => Some(1.0),
        "MW" => Some(1_000.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const HEAD: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n";

    /// The keys of the device, what its tags read, and what is said.
    #[track_caller]
    fn check(keys: &str, read: &[(&str, f64)], expected: Option<f64>) {
        let config = Config::parse(&format!("{HEAD}{keys}")).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let device = &config.devices[0];
        let electric = Electric::of(device).expect("it can be compared");
        let value = |tag: &Tag| read.iter().find(|(name, _)| **name == *tag.name).map(|(_, value)| *value);
        let judged = electric.judge(&device.equipment.yardstick, value);
        let found = match judged {
            Judged::Off(factor, _) => Some(factor),
            Judged::Fits(_) => None,
            other => panic!("{other:?}"),
        };
        let is_same = match (found, expected) {
            (Some(found), Some(expected)) => (found / expected - 1.0).abs() < 0.05,
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(is_same, "{judged:?}, expected {expected:?}");
    }

    const METER: &str = "profile = \"sdm630\"\nroles = { p_kw = \"power.active\" }\n";

    fn phases(volts: f64, amperes: f64, kw: f64, factor: f64) -> Vec<(&'static str, f64)> {
        vec![
            ("u_a", volts),
            ("u_b", volts),
            ("u_c", volts),
            ("i_a", amperes),
            ("i_b", amperes),
            ("i_c", amperes),
            ("p_kw", kw),
            ("pf", factor),
        ]
    }

    #[test]
    fn a_meter_whose_values_fit_is_left_in_peace() {
        check(METER, &phases(230.0, 50.0, 29.3, 0.85), None);
        check(METER, &phases(230.0, 50.0, -29.3, -0.85), None); // fed back, or its current transformers are turned round
    }

    #[test]
    fn a_ratio_that_is_missing_or_applied_twice_shows_by_its_factor() {
        check(METER, &phases(230.0, 50.0, 29.3 / 40.0, 0.85), Some(1.0 / 40.0));
        check(METER, &phases(230.0, 50.0, 29.3 * 40.0, 0.85), Some(40.0));
        let with_ratio = format!("{METER}ct_ratio = 40\n");
        check(&with_ratio, &phases(230.0, 50.0, 29.3, 0.85), Some(40.0)); // primary values, and the ratio in the file once more
        check(&with_ratio, &phases(230.0, 1.25, 29.3 / 40.0, 0.85), None); // secondary ones, for which it is meant
    }

    #[test]
    fn voltages_between_phases_and_one_phase_alone_are_understood() {
        let tags = |names: [&str; 3]| {
            let [u, i, p] = names;
            format!(
                "tags = [{{ name = \"{u}\", address = \"40001\", type = \"u16\", unit = \"V\" }}, {{ name = \"{i}\", address = \"40002\", type = \"u16\", unit = \"A\" }}, {{ name = \"{p}\", address = \"40003\", type = \"u16\", unit = \"W\", role = \"power.active\" }}]\n"
            )
        };
        check(&tags(["u_ab", "i", "p"]), &[("u_ab", 400.0), ("i", 10.0), ("p", 5_900.0)], None);
        check(&tags(["u", "i", "p"]), &[("u", 230.0), ("i", 10.0), ("p", 1_950.0)], None);
        check(&tags(["u", "i", "p"]), &[("u", 230.0), ("i", 10.0), ("p", 195_000.0)], Some(33.2));
    }

    #[test]
    fn without_a_power_factor_only_what_no_motor_can_do_is_told() {
        let without = format!("{METER}except = [\"pf\"]\n");
        check(&without, &phases(230.0, 50.0, 29.3, 0.85), None);
        check(&without, &phases(230.0, 50.0, 12.0, 0.85), None);
        check(&without, &phases(230.0, 50.0, 29.3 / 40.0, 0.85), Some(1.0 / 40.0));
    }

    #[test]
    fn what_stands_still_or_cannot_be_read_is_not_judged() {
        let config = Config::parse(&format!("{HEAD}{METER}")).unwrap();
        let device = &config.devices[0];
        let electric = Electric::of(device).unwrap();
        let judge = |read: Vec<(&str, f64)>| {
            let value = |tag: &Tag| read.iter().find(|(name, _)| **name == *tag.name).map(|(_, value)| *value);
            electric.judge(&device.equipment.yardstick, value)
        };
        assert_eq!(judge(phases(230.0, 0.02, 0.3, 0.1)), Judged::Idle);
        assert_eq!(judge(phases(230.0, 50.0, 29.3, 0.85)[..4].to_vec()), Judged::Incomplete);
        assert_eq!(judge(phases(f64::NAN, 50.0, 29.3, 0.85)), Judged::Incomplete);
    }

    #[test]
    fn currents_of_more_than_one_circuit_are_not_compared_with_one_power() {
        let tag = |name: &str, unit: &str| {
            format!("{{ name = \"{name}\", address = \"40001\", type = \"u16\", unit = \"{unit}\" }}")
        };
        let tags = [tag("u", "V"), tag("heater_1", "A"), tag("heater_2", "A"), tag("p_kw", "kW")].join(", ");
        let config = Config::parse(&format!("{HEAD}tags = [{tags}]\n")).unwrap();
        assert_eq!(Electric::of(&config.devices[0]), None);
    }
}
