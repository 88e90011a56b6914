//! What nodes of companion specifications are for: the role that a tag of theirs would have. Pure.
//!
//! A node is recognised by its browse name and by where it hangs: below an object of a known type, or of a known browse name,
//! each in the namespace of its specification. A maker's own subtype keeps the browse name. What merely looks alike, in a
//! namespace of its own, is not recognised: a wrong role would falsify indicators without anybody noticing.

use crate::source::opcua::found::{Found, Named};

/// OPC 40083 (general types), OPC 40077 (machine to MES) and what they were called before, EUROMAP 83 and 77.
const PLASTICS: &[&str] = &[
    "http://opcfoundation.org/UA/PlasticsRubber/GeneralTypes/",
    "http://opcfoundation.org/UA/PlasticsRubber/IMM2MES/",
    "http://www.euromap.org/euromap83/",
    "http://www.euromap.org/euromap83",
    "http://www.euromap.org/euromap77/",
    "http://www.euromap.org/euromap77",
];

/// OPC 40001-1.
const MACHINERY: &[&str] = &["http://opcfoundation.org/UA/Machinery/"];

/// OPC 10000-100, from which OPC 40001-1 takes its counters.
const DEVICES: &[&str] = &["http://opcfoundation.org/UA/DI/"];

/// OPC UA itself, from which state machines take their variables.
const STANDARD: &[&str] = &["http://opcfoundation.org/UA/"];

/// What a node is for, and which clause says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// `state.run`
    pub role: &'static str,
    /// `OPC 40001-1 12.2`
    pub clause: &'static str,
}

/// A node, and the role that it has.
struct Row {
    /// Browse name, and the namespaces that it may be of.
    name: &'static str,
    spaces: &'static [&'static str],
    below: &'static Place,
    role: &'static str,
    clause: &'static str,
}

/// The object above a node.
struct Place {
    spaces: &'static [&'static str],
    /// Names of its type.
    types: &'static [&'static str],
    /// Its own name; with `_` at the end, the beginning of it.
    names: &'static [&'static str],
}

const STATUS: Place = Place { spaces: PLASTICS, types: &["MachineStatusType"], names: &["MachineStatus"] };

const VALUES: Place = Place {
    spaces: PLASTICS,
    types: &["ActiveJobValuesType", "ActiveCyclicJobValuesType"],
    names: &["ActiveJobValues"],
};

/// By its name alone: the job in preparation is of the same type, and is not the one that is produced.
const JOB: Place = Place { spaces: PLASTICS, types: &[], names: &["ActiveJob"] };

const ENERGY: Place = Place { spaces: PLASTICS, types: &["EnergyType"], names: &["TotalEnergy"] };

const ZONE: Place = Place {
    spaces: PLASTICS,
    types: &["TemperatureZoneType", "BarrelTemperatureZoneType", "MouldTemperatureZoneType"],
    names: &["TemperatureZone_", "BarrelTemperatureZone_", "MouldTemperatureZone_"],
};

const ITEM_STATE: Place =
    Place { spaces: MACHINERY, types: &["MachineryItemState_StateMachineType"], names: &["MachineryItemState"] };

const OPERATION_MODE: Place =
    Place { spaces: MACHINERY, types: &["MachineryOperationModeStateMachineType"], names: &["MachineryOperationMode"] };

/// Its browse name is of OPC 10000-100, which knows such counters of other things too: only the type counts.
const COUNTERS: Place = Place { spaces: MACHINERY, types: &["MachineryOperationCounterType"], names: &[] };

const fn plastics(name: &'static str, below: &'static Place, role: &'static str, clause: &'static str) -> Row {
    Row { name, spaces: PLASTICS, below, role, clause }
}

const ROWS: [Row; 27] = [
    plastics("MachineMode", &STATUS, "state.mode", "OPC 40083 12.4"),
    // Set by the operator: it tells setting up, not running.
    plastics("JobStatus", &VALUES, "state.setup", "OPC 40083 18.4.1"),
    plastics("JobCycleCounter", &VALUES, "count.cycle", "OPC 40083 18.4.7"),
    plastics("MachineCycleCounter", &VALUES, "count.cycle.total", "OPC 40083 18.4.7"),
    plastics("JobPartsCounter", &VALUES, "count.parts", "OPC 40083 18.4.7"),
    plastics("JobGoodPartsCounter", &VALUES, "count.good", "OPC 40083 18.4.7"),
    plastics("JobBadPartsCounter", &VALUES, "count.bad", "OPC 40083 18.4.7"),
    plastics("JobTestSamplesCounter", &VALUES, "count.sample", "OPC 40083 18.4.7"),
    plastics("LastCycleTime", &VALUES, "cycle.last", "OPC 40083 18.4.7"),
    plastics("AverageCycleTime", &VALUES, "cycle.average", "OPC 40083 18.4.7"),
    plastics("CurrentLotName", &VALUES, "job.lot", "OPC 40083 18.4"),
    plastics("JobName", &JOB, "job.name", "OPC 40083 18.2.2"),
    plastics("ProductName", &JOB, "job.product", "OPC 40083 18.2"),
    plastics("NominalParts", &JOB, "job.nominal", "OPC 40083 18.2.11.1"),
    plastics("ExpectedCycleTime", &JOB, "cycle.expected", "OPC 40083 18.2.11.3"),
    plastics("MouldId", &JOB, "mould.id", "OPC 40083 18.2.11, OPC 40077 17.2"),
    plastics("NumCavities", &JOB, "mould.cavities", "OPC 40083 18.2.11, OPC 40077 17.2"),
    plastics("ActualPower", &ENERGY, "power.active", "OPC 40083 31.1"),
    plastics("PowerConsumption", &ENERGY, "energy.active", "OPC 40083 31.2"),
    plastics("ActualSpecificEnergy", &ENERGY, "energy.specific", "OPC 40083 31.3"),
    plastics("ActualTemperature", &ZONE, "temperature.actual", "OPC 40083 17.2"),
    plastics("NominalTemperature", &ZONE, "temperature.nominal", "OPC 40083 17.2"),
    // Executing is running, if the mode is Processing (Annex C).
    Row { name: "CurrentState", spaces: STANDARD, below: &ITEM_STATE, role: "state.run", clause: "OPC 40001-1 12.2" },
    Row {
        name: "CurrentState",
        spaces: STANDARD,
        below: &OPERATION_MODE,
        role: "state.mode",
        clause: "OPC 40001-1 13.2",
    },
    Row { name: "PowerOnDuration", spaces: DEVICES, below: &COUNTERS, role: "time.on", clause: "OPC 40001-1 14.2" },
    Row { name: "OperationDuration", spaces: DEVICES, below: &COUNTERS, role: "time.run", clause: "OPC 40001-1 14.2" },
    Row {
        name: "OperationCycleCounter",
        spaces: DEVICES,
        below: &COUNTERS,
        role: "count.start",
        clause: "OPC 40001-1 14.2",
    },
];

/// The role of a node, if it is one of a known specification.
pub fn role(found: &Found, at: usize) -> Option<Role> {
    let node = found.nodes.get(at)?;
    let above = found.nodes.get(node.parent?)?;
    let is_it = |row: &&Row| is_of(&node.name, row.spaces, &[row.name]);
    let is_there = |row: &&Row| {
        let Place { spaces, types, names } = row.below;
        above.of_type.as_ref().is_some_and(|of_type| is_of(of_type, spaces, types)) || is_of(&above.name, spaces, names)
    };
    ROWS.iter().filter(is_it).find(is_there).map(|row| Role { role: row.role, clause: row.clause })
}

fn is_of(named: &Named, spaces: &[&str], names: &[&str]) -> bool {
    let is_name = |name: &&str| match name.strip_suffix('_') {
        Some(_) => named.name.strip_prefix(*name).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())),
        None => named.name == **name,
    };
    spaces.contains(&&*named.space) && names.iter().any(is_name)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{MACHINERY, OWN, PLASTICS, object, server, variable};
    use super::*;
    use crate::model::ValueKind;

    const STANDARD: &str = "http://opcfoundation.org/UA/";
    const DEVICES: &str = "http://opcfoundation.org/UA/DI/";

    /// A variable below an object; the object with the type's name `of_type`.
    #[track_caller]
    fn check(above: (&str, &str, &str), node: (&str, &str), expected: Option<&str>) {
        let mut found = server();
        let parent = object(&mut found, 0, above.0, above.1, above.2);
        let at = variable(&mut found, parent, node.0, node.1, ValueKind::Int, "1");
        assert_eq!(role(&found, at).map(|role| role.role), expected, "{above:?} {node:?}");
    }

    #[test]
    fn an_injection_moulding_machine_is_recognised_by_types_and_by_names() {
        for (above, name, expected) in [
            (("MachineStatus", "MachineStatusType"), "MachineMode", "state.mode"),
            (("ActiveJobValues", "ActiveCyclicJobValuesType"), "JobStatus", "state.setup"),
            (("ActiveJobValues", ""), "JobGoodPartsCounter", "count.good"),
            (("Values of a maker", "ActiveCyclicJobValuesType"), "JobBadPartsCounter", "count.bad"),
            (("ActiveJobValues", "MakersOwnType"), "JobCycleCounter", "count.cycle"),
            (("ActiveJob", "CyclicJobInformationType"), "ExpectedCycleTime", "cycle.expected"),
            (("BarrelTemperatureZone_12", ""), "ActualTemperature", "temperature.actual"),
            (("Drive", "EnergyType"), "PowerConsumption", "energy.active"),
        ] {
            check((PLASTICS, above.0, above.1), (PLASTICS, name), Some(expected));
        }
        let old = "http://www.euromap.org/euromap83/";
        check((old, "ActiveJobValues", ""), (old, "JobCycleCounter"), Some("count.cycle"));
    }

    #[test]
    fn the_building_blocks_of_machinery_are_recognised() {
        let state = (MACHINERY, "MachineryItemState", "MachineryItemState_StateMachineType");
        check(state, (STANDARD, "CurrentState"), Some("state.run"));
        let mode = (MACHINERY, "MachineryOperationMode", "");
        check(mode, (STANDARD, "CurrentState"), Some("state.mode"));
        let counters = (MACHINERY, "OperationCounters", "MachineryOperationCounterType");
        check(counters, (DEVICES, "PowerOnDuration"), Some("time.on"));
    }

    #[test]
    fn what_only_looks_alike_has_no_role() {
        check((PLASTICS, "JobInPreparation", "CyclicJobInformationType"), (PLASTICS, "ExpectedCycleTime"), None);
        check((OWN, "ActiveJobValues", "ActiveCyclicJobValuesType"), (PLASTICS, "JobCycleCounter"), None);
        check((PLASTICS, "ActiveJobValues", ""), (OWN, "JobCycleCounter"), None);
        check((PLASTICS, "BarrelTemperatureZone_Oil", ""), (PLASTICS, "ActualTemperature"), None);
        check((OWN, "Machine", ""), (STANDARD, "CurrentState"), None);
        check((MACHINERY, "Identification", ""), (DEVICES, "PowerOnDuration"), None);
        let mut found = server();
        let alone = variable(&mut found, 0, PLASTICS, "JobCycleCounter", ValueKind::Int, "1");
        assert_eq!(role(&found, alone), None);
        assert_eq!(role(&found, 0), None, "the start hangs nowhere");
    }

    #[test]
    fn every_row_has_its_clause_and_stands_once() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(row.clause.starts_with("OPC 40"), "{}", row.name);
            let twin = |other: &&Row| other.name == row.name && std::ptr::eq(other.below, row.below);
            assert_eq!(ROWS.iter().take(at).filter(twin).count(), 0, "{}", row.name);
        }
    }
}
