//! Workshop: the demo's configuration, as the text that a person would have written. The demo reads it through the same
//! door as any other file, so it proves the parser too.
//!
//! Rule: the tags here and the tables in [`super::injection`], [`super::meter`] and [`super::press`] say the same; a test
//! looks every address up. `scan` shares its period with most tags, and no deadband ever holds it back.

use std::path::{Path, PathBuf};

use super::server::Endpoint;
use crate::config::quoted;

/// Where the OPC UA machine answers, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpcUaPlace {
    /// `opc.tcp://127.0.0.1:4840`.
    pub url: String,
    /// Who may log in.
    pub user: &'static str,
    /// Where the password is.
    pub password_file: PathBuf,
}

/// Of the demo.
pub const ENTERPRISE: &str = "demo";

/// The demo's workshop.
pub const WORKSHOP: &str = "ws1";

/// The device id of the OPC UA machine.
pub const OPCUA_MACHINE: &str = "imm-02";

/// The link to it.
pub const OPCUA_LINK: &str = "imm-02-link";

/// The configuration that reads these endpoints and publishes to a broker on this port of the loopback interface.
/// Machines without an endpoint stay out of it.
pub fn toml(endpoints: &[Endpoint], opcua: Option<&OpcUaPlace>, broker_port: u16, state_dir: &Path) -> String {
    let mut text = format!(
        r#"# The workshop of `cloudward demo`. 演示车间
[workshop]
enterprise = "{ENTERPRISE}"
id = "{WORKSHOP}"
name = "演示车间"
timezone = "Asia/Shanghai"

[journal]
dir = {}

"#,
        quoted(&state_dir.display().to_string())
    );
    text.push_str(&machines(endpoints));
    text.extend(opcua.map(opcua_machine));
    text.push_str(&format!(
        r#"[[sink]]
name = "demo"
mqtt = "mqtt://127.0.0.1:{broker_port}"
allow_plaintext = true    # loopback only  仅限本机回环
send = ["*", "events"]
"#
    ));
    text
}

/// Links and devices alone: what `cloudward sim` shows to whoever wants to read its machines. Machines that share an
/// endpoint share a link.
pub fn machines(endpoints: &[Endpoint]) -> String {
    let mut text = String::new();
    for endpoint in endpoints {
        let Some((name, every, tags)) = sheet(endpoint.machine) else { continue };
        let (id, addr, unit) = (endpoint.machine, endpoint.addr, endpoint.unit);
        let first = endpoints.iter().find(|other| other.addr == addr).map_or(id, |other| other.machine);
        if first == id {
            text.push_str(&format!("[[link]]\nname = \"{id}-link\"\nmodbus_tcp = \"{addr}\"\n\n"));
        }
        text.push_str(&format!(
            r#"[[device]]
id = "{id}"
name = "{name}"
link = "{first}-link"
unit = {unit}
every = "{every}"
tags = [
{tags}]

"#
        ));
    }
    text
}

/// The link and the device of the OPC UA machine.
pub fn opcua_machine(place: &OpcUaPlace) -> String {
    let (url, user) = (quoted(&place.url), quoted(place.user));
    let password_file = quoted(&place.password_file.display().to_string());
    format!(
        r#"[[link]]
name = "{OPCUA_LINK}"
opcua = {url}
user = {user}
password_file = {password_file}

[[device]]
id = "{OPCUA_MACHINE}"
name = "2号注塑机"
link = "{OPCUA_LINK}"
every = "500ms"
sampling = "100ms"    # the machine changes twice a second  设备每秒变化两次
tags = [
{OPCUA}]

"#
    )
}

/// Name, period and tags of one of our machines.
fn sheet(machine: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match machine {
        "imm-01" => Some(("1号注塑机", "500ms", INJECTION)),
        "meter-01" => Some(("1号注塑机电表", "1s", METER)),
        "press-01" => Some(("1号冲床", "1s", PRESS)),
        _ => None,
    }
}

const INJECTION: &str = r#"    { name = "scan", address = "holding:30", type = "u32", label = "读取序号" },
    { name = "state_word", address = "holding:0", type = "u16", label = "状态字" },
    { name = "mode", address = "holding:1", type = "u16", label = "操作模式" },
    { name = "alarm_code", address = "holding:2", type = "u16", label = "报警代码" },
    { name = "cycle_counter", address = "holding:4", type = "u32", label = "模次" },
    { name = "parts_good", address = "holding:6", type = "u32", unit = "pcs", label = "良品数" },
    { name = "parts_bad", address = "holding:8", type = "u32", unit = "pcs", label = "不良品数" },
    { name = "barrel_temp_1", address = "40011", type = "i16", scale = 0.1, unit = "°C", label = "料筒一段温度" },
    { name = "barrel_temp_2", address = "40012", type = "i16", scale = 0.1, unit = "°C", label = "料筒二段温度" },
    { name = "barrel_temp_3", address = "40013", type = "i16", scale = 0.1, unit = "°C", label = "料筒三段温度" },
    { name = "barrel_temp_4", address = "40014", type = "i16", scale = 0.1, unit = "°C", label = "料筒四段温度" },
    { name = "barrel_sp_2", address = "40016", type = "u16", scale = 0.1, unit = "°C", label = "料筒二段设定", deadband = 0 },
    { name = "inj_pressure", address = "holding:18", type = "u16", scale = 0.1, unit = "bar", label = "注射压力" },
    { name = "inj_pressure_max", address = "holding:19", type = "u16", scale = 0.1, unit = "bar", label = "峰值注射压力" },
    { name = "clamp_force", address = "holding:20", type = "u16", unit = "kN", label = "锁模力" },
    { name = "last_cycle", address = "holding:22", type = "u32", unit = "ms", label = "上模周期" },
    { name = "motor_on", address = "coil:0", type = "bool", label = "电机运行" },
    { name = "door_closed", address = "discrete:0", type = "bool", label = "安全门关闭" },
"#;

const METER: &str = r#"    { name = "scan", address = "input:0x5A", type = "u32", label = "读取序号" },
    { name = "u_a", address = "input:0x00", type = "f32", unit = "V", label = "A相电压", deadband = "0.2%" },
    { name = "u_b", address = "input:0x02", type = "f32", unit = "V", label = "B相电压", deadband = "0.2%" },
    { name = "u_c", address = "input:0x04", type = "f32", unit = "V", label = "C相电压", deadband = "0.2%" },
    { name = "i_a", address = "input:0x06", type = "f32", unit = "A", label = "A相电流" },
    { name = "i_b", address = "input:0x08", type = "f32", unit = "A", label = "B相电流" },
    { name = "i_c", address = "input:0x0A", type = "f32", unit = "A", label = "C相电流" },
    { name = "p_kw", address = "input:0x34", type = "f32", scale = 0.001, unit = "kW", label = "总有功功率" },
    { name = "pf", address = "input:0x3E", type = "f32", label = "功率因数" },
    { name = "freq", address = "input:0x46", type = "f32", unit = "Hz", label = "频率" },
    { name = "e_kwh", address = "input:0x48", type = "f32", unit = "kWh", label = "正向有功电能" },
"#;

const PRESS: &str = r#"    { name = "scan", address = "holding:114", type = "u32", order = "CDAB", label = "读取序号" },
    { name = "stroke_total", address = "holding:100", type = "u32", order = "CDAB", unit = "pcs", label = "总冲次" },
    { name = "good", address = "holding:102", type = "u32", order = "CDAB", unit = "pcs", label = "良品数" },
    { name = "bad", address = "holding:104", type = "u32", order = "CDAB", unit = "pcs", label = "不良品数" },
    { name = "die_id", address = "holding:106", type = "u16", label = "模具编号" },
    { name = "spm", address = "holding:107", type = "u16", unit = "1/min", label = "每分钟冲次" },
    { name = "tonnage", address = "holding:108", type = "i16", scale = 0.1, unit = "kN", label = "冲压力" },
    { name = "fault_code", address = "holding:110", type = "u16", label = "故障代码" },
    { name = "lube_pressure", address = "holding:111", type = "u16", scale = 0.1, unit = "bar", label = "润滑压力" },
    { name = "die_temp", address = "holding:112", type = "i16", scale = 0.1, unit = "°C", label = "模具温度", deadband = 0.2 },
    { name = "run", address = "coil:10", type = "bool", label = "运行", every = "500ms" },
    { name = "light_curtain", address = "coil:12", type = "bool", label = "光幕正常", every = "500ms", deadband = 0 },
"#;

/// `scan` may wait at the server for a minute: nothing of it is lost while the agent is held up.
const OPCUA: &str = r#"    { name = "scan", address = "nsu=urn:cloudward:sim:imm;s=Scan", type = "int", label = "变化序号", queue = 100 },
    { name = "mode", address = "nsu=urn:cloudward:sim:imm;s=MachineStatus.MachineMode", type = "int", label = "操作模式" },
    { name = "production", address = "nsu=urn:cloudward:sim:imm;s=MachineStatus.ProductionStatus", type = "int", label = "生产状态" },
    { name = "active_alarms", address = "nsu=urn:cloudward:sim:imm;s=MachineStatus.ActiveAlarms", type = "int", label = "当前报警数" },
    { name = "job", address = "nsu=urn:cloudward:sim:imm;s=Jobs.ActiveJob.JobName", type = "text", label = "生产任务" },
    { name = "cycle_counter", address = "nsu=urn:cloudward:sim:imm;s=Jobs.ActiveJobValues.JobCycleCounter", type = "int", label = "模次" },
    { name = "parts_good", address = "nsu=urn:cloudward:sim:imm;s=Jobs.ActiveJobValues.JobGoodPartsCounter", type = "int", unit = "pcs", label = "良品数" },
    { name = "parts_bad", address = "nsu=urn:cloudward:sim:imm;s=Jobs.ActiveJobValues.JobBadPartsCounter", type = "int", unit = "pcs", label = "不良品数" },
    { name = "last_cycle", address = "nsu=urn:cloudward:sim:imm;s=Jobs.ActiveJobValues.LastCycleTime", type = "float", unit = "ms", label = "上模周期" },
    { name = "barrel_temp_1", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.TemperatureZone_1.ActualTemperature", type = "float", unit = "°C", label = "料筒一段温度" },
    { name = "barrel_temp_2", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.TemperatureZone_2.ActualTemperature", type = "float", unit = "°C", label = "料筒二段温度" },
    { name = "barrel_temp_3", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.TemperatureZone_3.ActualTemperature", type = "float", unit = "°C", label = "料筒三段温度" },
    { name = "barrel_temp_4", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.TemperatureZone_4.ActualTemperature", type = "float", unit = "°C", label = "料筒四段温度" },
    { name = "barrel_temps", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.BarrelTemperatures", type = "json", label = "料筒各段温度" },
    { name = "inj_pressure", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.InjectionPressure", type = "float", unit = "bar", label = "注射压力" },
    { name = "inj_pressure_max", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.MaxInjectionPressure", type = "float", unit = "bar", label = "峰值注射压力" },
    { name = "inj_curve", address = "nsu=urn:cloudward:sim:imm;s=InjectionUnits.InjectionUnit_1.InjectionPressureCurve", type = "json", label = "注射压力曲线" },
    { name = "clamp_force", address = "nsu=urn:cloudward:sim:imm;s=ClampingUnits.ClampingUnit_1.ClampForce", type = "float", unit = "kN", label = "锁模力" },
    { name = "mould_closed", address = "nsu=urn:cloudward:sim:imm;s=ClampingUnits.ClampingUnit_1.IsMouldClosed", type = "bool", label = "合模" },
    { name = "e_kwh", address = "nsu=urn:cloudward:sim:imm;s=PowerUnits.PowerUnit_1.EnergyConsumption", type = "float", unit = "kWh", label = "耗电量" },
"#;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::machine::Machine;
    use super::*;
    use crate::config::modbus::{Address, DataType, Order};

    fn endpoints() -> Vec<Endpoint> {
        (1..)
            .zip(Machine::workshop(7))
            .map(|(unit, machine)| Endpoint { machine: machine.id(), addr: ([127, 0, 0, 1], 1502).into(), unit })
            .collect()
    }

    fn parsed() -> toml::Table {
        toml(&endpoints(), None, 1883, Path::new("/tmp/a \"b\"\\c")).parse().expect("it is TOML")
    }

    #[test]
    fn every_tag_stands_in_its_machines_map_and_scan_stands_where_the_machine_has_it() {
        let machines = Machine::workshop(7);
        let devices = parsed()["device"].as_array().expect("a list").clone();
        assert_eq!(devices.len(), machines.len());
        for (device, machine) in devices.iter().zip(machines) {
            assert_eq!(device["id"].as_str(), Some(machine.id()));
            let image = machine.at(Duration::from_secs(1));
            for tag in device["tags"].as_array().expect("a list") {
                let name = tag["name"].as_str().expect("text");
                let address = Address::parse(tag["address"].as_str().expect("text")).expect("an address");
                let data_type = DataType::ALL.into_iter().find(|t| Some(t.as_str()) == tag["type"].as_str());
                let width = data_type.expect("a type").width();
                match address.table.is_bits() {
                    true => assert!(image.bits(address, width).is_some(), "{}.{name}", machine.id()),
                    false => assert!(image.registers(address, width).is_some(), "{}.{name}", machine.id()),
                }
                if name == "scan" {
                    let order = tag.get("order").and_then(|o| o.as_str()).map_or(Some(Order::default()), Order::parse);
                    assert_eq!((address, order), (machine.scan_place().0, Some(machine.scan_place().1)));
                    assert!(
                        tag.get("deadband").is_none() && tag.get("every").is_none(),
                        "every reading, with the rest"
                    );
                }
            }
        }
    }

    #[test]
    fn the_profiles_that_say_so_fit_the_machines_served_here() {
        for (profile, machine) in ["injection", "sdm630", "press-h5u"].iter().zip(Machine::workshop(7)) {
            let text = format!(
                "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\n\
                 modbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\nprofile = \"{profile}\"\n"
            );
            let config = crate::config::Config::parse(&text).expect("the test writes a valid file");
            let image = machine.at(Duration::from_secs(1));
            for tag in &config.devices[0].tags {
                let register = tag.register().expect("these are Modbus devices");
                let (address, width) = (register.address, register.data_type.width());
                match address.table.is_bits() {
                    true => assert!(image.bits(address, width).is_some(), "{profile}.{}", tag.name),
                    false => assert!(image.registers(address, width).is_some(), "{profile}.{}", tag.name),
                }
            }
        }
    }

    #[test]
    fn ports_units_and_the_state_directory_are_filled_in() {
        let table = parsed();
        assert_eq!(table["journal"]["dir"].as_str(), Some("/tmp/a \"b\"\\c"));
        assert_eq!(table["link"][0]["modbus_tcp"].as_str(), Some("127.0.0.1:1502"));
        assert_eq!(table["device"][2]["unit"].as_integer(), Some(3));
        assert_eq!(table["sink"][0]["mqtt"].as_str(), Some("mqtt://127.0.0.1:1883"));
    }

    #[cfg(feature = "opcua")]
    #[test]
    fn every_tag_of_the_opc_ua_machine_is_a_node_that_holds_what_the_tag_expects() {
        use opcua::types::DataTypeId;

        use crate::config::opcua::{Namespace, NodeIdentifier, SecurityMode, User};
        use crate::config::{Config, SecretSource, Transport};
        use crate::model::ValueKind;
        use crate::simulator::opcua::nodes::{NAMESPACE, NODES, Shape};

        let password_file = PathBuf::from("/tmp/a \"b\"\\c/password");
        let place = OpcUaPlace {
            url: "opc.tcp://127.0.0.1:4840".into(),
            user: "operator",
            password_file: password_file.clone(),
        };
        let text = toml(&endpoints(), Some(&place), 1883, Path::new("/tmp"));
        let config = Config::parse(&text).expect("the demo's configuration is valid");
        let link = config.links.iter().find(|link| &*link.name == OPCUA_LINK).expect("the link");
        let Transport::OpcUa(server) = &link.transport else { panic!("{:?}", link.transport) };
        assert_eq!(server.mode, SecurityMode::SignAndEncrypt);
        let password = SecretSource::File(password_file);
        assert_eq!(server.user, User::Password { name: "operator".into(), password });

        let device = config.devices.iter().find(|device| &*device.id == OPCUA_MACHINE).expect("the device");
        assert!(device.tags.len() > 15 && &*device.tags[0].name == "scan");
        for tag in &device.tags {
            let node = tag.node().expect("it is a node");
            assert_eq!(node.address.namespace, Namespace::Uri(NAMESPACE.into()));
            let NodeIdentifier::Text(path) = &node.address.id else { panic!("{}", node.address) };
            let found = NODES.iter().find(|node| node.path == path).unwrap_or_else(|| panic!("{path} is no node"));
            let expected = match (found.shape, found.shape.data_type()) {
                (Shape::Array(_), _) => ValueKind::Json,
                (_, DataTypeId::String) => ValueKind::Text,
                (_, DataTypeId::Boolean) => ValueKind::Bool,
                (_, DataTypeId::Double | DataTypeId::Duration) => ValueKind::Float,
                _ => ValueKind::Int,
            };
            assert_eq!(node.kind, expected, "{path}");
            assert!(node.is_subscribed && node.queue >= 5, "{path}");
        }
    }
}
