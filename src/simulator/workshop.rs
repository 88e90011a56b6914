//! Workshop: the demo's configuration, as the text that a person would have written. The demo reads it through the same
//! door as any other file, so it proves the parser too.
//!
//! Rule: the tags here and the tables in [`super::injection`], [`super::meter`] and [`super::press`] say the same; a test
//! looks every address up. `scan` shares its period with most tags, and no deadband ever holds it back.

use std::path::Path;

use super::server::Endpoint;
use crate::config::quoted;

/// The configuration that reads these endpoints and publishes to a broker on this port of the loopback interface.
/// Machines without an endpoint stay out of it.
pub fn toml(endpoints: &[Endpoint], broker_port: u16, state_dir: &Path) -> String {
    let mut text = format!(
        r#"# The workshop of `cloudward demo`. 演示车间
[workshop]
enterprise = "demo"
id = "ws1"
name = "演示车间"
timezone = "Asia/Shanghai"

[journal]
dir = {}

"#,
        quoted(&state_dir.display().to_string())
    );
    text.push_str(&machines(endpoints));
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
        toml(&endpoints(), 1883, Path::new("/tmp/a \"b\"\\c")).parse().expect("it is TOML")
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
}
