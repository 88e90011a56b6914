//! Nodes: what the machine shows, as a table. Pure.
//!
//! Names follow OPC 40083 (EUROMAP 83) and OPC 40077 (EUROMAP 77) where they have them; the node ids are these names with the
//! path before them, in a namespace of its own: it is a simulation of a machine, not of the standard's information model.

use std::time::Duration;

use opcua::types::{DataTypeId, LocalizedText, UAString, VariableTypeId, Variant};

use crate::simulator::injection::{Injection, Moment};
use crate::simulator::machine::{Glance, Phase};
use crate::simulator::meter::Meter;

/// The namespace of all nodes of the machine.
pub const NAMESPACE: &str = "urn:cloudward:sim:imm";

/// The node id of the counter that rises by one with each change; see [`super::server`].
pub const SCAN: &str = "Scan";

/// The object that has all others below it.
pub const ROOT: &str = "IMM";

/// One value.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The text of its node id; each dot leads one object down.
    pub path: &'static str,
    /// What it is, for whoever browses.
    pub shape: Shape,
    /// What it holds.
    pub value: fn(&Sight) -> Variant,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A single value.
    Plain(DataTypeId),
    /// Several of them.
    Array(DataTypeId),
    /// A Double with EURange and EngineeringUnits (Part 8, 5.3.2).
    Analog {
        /// Common code of UN/ECE Recommendation 20, such as `CEL`.
        code: &'static str,
        /// What people write: `°C`.
        sign: &'static str,
        /// From where to where.
        range: (f64, f64),
    },
    /// A number with names: EnumStrings from 0 on (Part 8, 5.3.3.3).
    Choice(&'static [&'static str]),
}

impl Shape {
    /// The type of its value.
    pub fn data_type(self) -> DataTypeId {
        match self {
            Shape::Plain(kind) | Shape::Array(kind) => kind,
            Shape::Analog { .. } => DataTypeId::Double,
            Shape::Choice(_) => DataTypeId::UInt32,
        }
    }

    /// What its definition is.
    pub fn definition(self) -> VariableTypeId {
        match self {
            Shape::Plain(_) | Shape::Array(_) => VariableTypeId::BaseDataVariableType,
            Shape::Analog { .. } => VariableTypeId::AnalogItemType,
            Shape::Choice(_) => VariableTypeId::MultiStateDiscreteType,
        }
    }
}

/// The machine and the meter in its cabinet.
#[derive(Debug, Clone)]
pub struct Machine {
    injection: Injection,
    meter: Meter,
}

impl Machine {
    /// A machine; the seed settles its noise and which parts are bad.
    pub fn new(seed: u64) -> Machine {
        let injection = Injection::new(seed);
        Machine { meter: Meter::new(seed ^ 1, injection.clone()), injection }
    }

    /// All that it shows after `elapsed`, when it has told `changes` changes.
    pub fn sight(&self, elapsed: Duration, changes: u32) -> Sight {
        Sight {
            moment: self.injection.moment(elapsed),
            curve: self.injection.curve(elapsed),
            energy_kwh: self.meter.energy_kwh(elapsed),
            changes,
        }
    }

    /// What somebody walking past would notice.
    pub fn glance(&self, elapsed: Duration) -> Glance {
        self.injection.glance(elapsed)
    }
}

/// All that the machine shows at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    moment: Moment,
    curve: [f64; Injection::CURVE],
    energy_kwh: f64,
    changes: u32,
}

/// Everything there is.
pub const NODES: [Node; 29] = [
    plain(SCAN, DataTypeId::UInt32, |s| s.changes.into()),
    plain("MachineInformation.Manufacturer", DataTypeId::LocalizedText, |_| LocalizedText::from("cloudward").into()),
    plain("MachineInformation.Model", DataTypeId::LocalizedText, |_| LocalizedText::new("zh", "模拟注塑机 160").into()),
    plain("MachineInformation.SerialNumber", DataTypeId::String, |_| UAString::from("SIM-160-0002").into()),
    node("MachineStatus.MachineMode", Shape::Choice(&MODES), |s| {
        Variant::from(if s.moment.is_automatic() { 1_u32 } else { 3 })
    }),
    node("MachineStatus.ProductionStatus", Shape::Choice(&PRODUCTION), |s| {
        Variant::from(match s.moment.phase {
            Phase::Run => 4_u32,
            Phase::Idle => 3,
            Phase::Fault => 1,
        })
    }),
    plain("MachineStatus.ActiveAlarms", DataTypeId::UInt32, |s| u32::from(s.moment.alarm != 0).into()),
    plain("MachineStatus.AlarmId", DataTypeId::UInt16, |s| s.moment.alarm.into()),
    plain("Jobs.ActiveJob.JobName", DataTypeId::String, |_| UAString::from("瓶盖28mm-白-2601").into()),
    plain("Jobs.ActiveJob.ExpectedCycleTime", DataTypeId::Duration, |s| ms(s.moment.expected_cycle_ms)),
    plain("Jobs.ActiveJobValues.JobCycleCounter", DataTypeId::UInt64, |s| s.moment.cycles.into()),
    plain("Jobs.ActiveJobValues.JobGoodPartsCounter", DataTypeId::UInt64, |s| s.moment.good.into()),
    plain("Jobs.ActiveJobValues.JobBadPartsCounter", DataTypeId::UInt64, |s| s.moment.bad.into()),
    plain("Jobs.ActiveJobValues.LastCycleTime", DataTypeId::Duration, |s| ms(s.moment.last_cycle_ms)),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_1.ActualTemperature", |s| s.moment.barrel_temps[0].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_2.ActualTemperature", |s| s.moment.barrel_temps[1].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_3.ActualTemperature", |s| s.moment.barrel_temps[2].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_4.ActualTemperature", |s| s.moment.barrel_temps[3].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_1.NominalTemperature", |s| s.moment.set_points[0].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_2.NominalTemperature", |s| s.moment.set_points[1].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_3.NominalTemperature", |s| s.moment.set_points[2].into()),
    temp("InjectionUnits.InjectionUnit_1.TemperatureZone_4.NominalTemperature", |s| s.moment.set_points[3].into()),
    array("InjectionUnits.InjectionUnit_1.BarrelTemperatures", |s| s.moment.barrel_temps.to_vec().into()),
    node("InjectionUnits.InjectionUnit_1.InjectionPressure", BAR, |s| s.moment.pressure_bar.into()),
    node("InjectionUnits.InjectionUnit_1.MaxInjectionPressure", BAR, |s| s.moment.peak_bar.into()),
    array("InjectionUnits.InjectionUnit_1.InjectionPressureCurve", |s| s.curve.to_vec().into()),
    node("ClampingUnits.ClampingUnit_1.ClampForce", analog("B47", "kN", (0.0, 2_000.0)), |s| {
        s.moment.clamp_force_kn.into()
    }),
    plain("ClampingUnits.ClampingUnit_1.IsMouldClosed", DataTypeId::Boolean, |s| s.moment.is_mould_closed.into()),
    node("PowerUnits.PowerUnit_1.EnergyConsumption", analog("KWH", "kWh", (0.0, 1e9)), |s| s.energy_kwh.into()),
];

/// MachineModeEnumeration of OPC 40083.
const MODES: [&str; 6] = ["OTHER", "AUTOMATIC", "SEMI_AUTOMATIC", "MANUAL", "SETUP", "SLEEP"];
/// ProductionStatusEnumeration of OPC 40083.
const PRODUCTION: [&str; 6] = ["OTHER", "NO_PRODUCTION", "START_UP", "READY_FOR_PRODUCTION", "PRODUCTION", "DRY_RUN"];
const BAR: Shape = analog("BAR", "bar", (0.0, 2_500.0));

const fn node(path: &'static str, shape: Shape, value: fn(&Sight) -> Variant) -> Node {
    Node { path, shape, value }
}

const fn plain(path: &'static str, kind: DataTypeId, value: fn(&Sight) -> Variant) -> Node {
    node(path, Shape::Plain(kind), value)
}

const fn array(path: &'static str, value: fn(&Sight) -> Variant) -> Node {
    node(path, Shape::Array(DataTypeId::Double), value)
}

const fn analog(code: &'static str, sign: &'static str, range: (f64, f64)) -> Shape {
    Shape::Analog { code, sign, range }
}

const fn temp(path: &'static str, value: fn(&Sight) -> Variant) -> Node {
    node(path, analog("CEL", "°C", (0.0, 400.0)), value)
}

/// A Duration counts milliseconds (Part 3, 8.13).
fn ms(ms: u64) -> Variant {
    Variant::from(ms as f64)
}

/// The UnitId of EngineeringUnits: the bytes of the common code as a number (Part 8, 5.6.3).
pub fn unit_id(code: &str) -> i32 {
    code.bytes().fold(0, |id, byte| id << 8 | i32::from(byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use opcua::types::VariantScalarTypeId;

    use super::*;
    use crate::simulator::machine::reading::two_minutes;

    fn value(path: &str, sight: &Sight) -> Variant {
        let node = NODES.iter().find(|node| node.path == path).expect("it is in the table");
        (node.value)(sight)
    }

    #[test]
    fn each_value_is_of_its_nodes_type_and_within_its_range() {
        let machine = Machine::new(7);
        for elapsed in two_minutes() {
            let sight = machine.sight(elapsed, 0);
            for Node { path, shape, value } in &NODES {
                let found = value(&sight);
                let scalar = found.scalar_type_id().unwrap_or(VariantScalarTypeId::Boolean);
                let expected = match shape.data_type() {
                    DataTypeId::Duration => DataTypeId::Double, // a Double under another name
                    kind => kind,
                };
                assert_eq!(scalar as u32, expected as u32, "{path}: {found:?}");
                assert_eq!(matches!(found, Variant::Array(_)), matches!(shape, Shape::Array(_)), "{path}");
                match (shape, found) {
                    (Shape::Analog { range: (low, high), .. }, Variant::Double(x)) => {
                        assert!((*low..=*high).contains(&x), "{path}: {x}");
                    }
                    (Shape::Choice(names), Variant::UInt32(n)) => assert!((n as usize) < names.len(), "{path}: {n}"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn no_path_stands_twice_or_is_an_object_and_a_value_at_once() {
        let paths: BTreeSet<&str> = NODES.iter().map(|node| node.path).collect();
        assert_eq!(paths.len(), NODES.len());
        for path in &paths {
            let below = format!("{path}.");
            assert!(!paths.iter().any(|other| other.starts_with(&below)), "{path}");
        }
    }

    #[test]
    fn it_is_the_machine_that_answers_over_modbus() {
        use crate::config::modbus::Table;
        use crate::simulator::machine::reading::u16_at;
        let (machine, twin) = (Machine::new(7), Injection::new(7));
        for elapsed in two_minutes() {
            let (sight, image) = (machine.sight(elapsed, 0), twin.at(elapsed));
            let Variant::Double(pressure) = value("InjectionUnits.InjectionUnit_1.InjectionPressure", &sight) else {
                panic!("pressure is a Double");
            };
            assert_eq!((pressure * 10.0).round() as u16, u16_at(&image, Table::Holding, 18));
            let is_running = value("MachineStatus.ProductionStatus", &sight) == Variant::from(4_u32);
            assert_eq!(is_running, u16_at(&image, Table::Holding, 0) & 1 == 1);
            let alarms = value("MachineStatus.ActiveAlarms", &sight);
            assert_eq!(alarms == Variant::from(1_u32), u16_at(&image, Table::Holding, 2) != 0);
        }
    }

    #[test]
    fn units_have_the_numbers_of_the_standard() {
        assert_eq!(["CEL", "BAR", "B47"].map(unit_id), [4_408_652, 4_342_098, 4_338_743]);
    }
}
