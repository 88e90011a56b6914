//! What a running agent has found out about the devices of a link, for `check`.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::modbus::Register;
use crate::config::{Config, Device, Link, Tag};
use crate::model::Lang;
use crate::source::memory::Memory;
use crate::source::modbus::learn::{Learned, Learner};

/// One line per fact; none where nothing was learned, or where it no longer fits the configuration.
pub(super) fn lines(config: &Config, link: &Link, state_dir: &Path, lang: Lang) -> Vec<String> {
    let path = Memory::path(state_dir, &link.name);
    let Ok(memory) = Memory::load(&path) else { return Vec::new() }; // the agent tells of it, and learns anew
    let mut lines = Vec::new();
    for device in config.devices_of(&link.name) {
        for (period, tags) in device.by_period() {
            if let Some(learned) = memory.of(&device.id, period) {
                lines.extend(of_group(device, period, &tags, learned, lang));
            }
        }
    }
    if !lines.is_empty() {
        let path = path.display();
        lines.push(match lang {
            Lang::En => format!("  (kept in {path}; delete it to have everything tried again)"),
            Lang::Zh => format!("  （保存在 {path}；删除后会全部重新尝试）"),
        });
    }
    lines
}

fn of_group(device: &Device, period: Duration, tags: &[&Tag], learned: &Learned, lang: Lang) -> Vec<String> {
    let registers: Vec<Register> = tags.iter().filter_map(|tag| tag.register().copied()).collect();
    let learner = Learner::new(&registers, device.manners.limits, Some(learned), Instant::now());
    if learner.learned().is_empty() {
        return Vec::new(); // learned of other addresses or limits
    }
    let id = &device.id;
    let mut lines = Vec::new();
    for (tag, why) in learner.quarantined() {
        let tag = &tags[tag].name;
        lines.push(match lang {
            Lang::En => format!("  learned: {id}.{tag} is left out ({why}), and asked again now and then"),
            Lang::Zh => format!("  已学到：{id}.{tag} 暂不采集（{why}），会不时重试"),
        });
    }
    if let Some(max) = learned.max_registers {
        lines.push(match lang {
            Lang::En => format!("  learned: {id} takes at most {max} registers per request"),
            Lang::Zh => format!("  已学到：{id} 每次请求最多 {max} 个寄存器"),
        });
    }
    if !learned.splits.is_empty() {
        let (splits, every) = (learned.splits.join(", "), crate::model::time::show_span(period));
        lines.push(match lang {
            Lang::En => format!("  learned: {id} (every {every}) wants a new request at {splits}"),
            Lang::Zh => format!("  已学到：{id}（周期 {every}）须在 {splits} 处另起请求"),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workshop(address: u16) -> Config {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"d\"\nlink = \"l\"\ntags = [{{ name = \"odd\", address = \"holding:{address}\", type = \"u16\" }}]\n"
        );
        Config::parse(&text).expect("the test writes a valid file")
    }

    #[test]
    fn what_was_learned_is_shown_by_the_names_of_tags_while_it_fits_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let config = workshop(37);
        let registers = [*config.devices[0].tags[0].register().unwrap()];
        let fresh = Learner::new(&registers, config.devices[0].manners.limits, None, Instant::now()).learned();
        let text = format!(
            r#"{{"key":{},"quarantined":[{{"address":"holding:37","width":1,"why":"illegal_address"}}],"max_registers":20}}"#,
            fresh.key
        );
        let mut memory = Memory::default();
        memory.keep("d", Duration::from_secs(1), serde_json::from_str(&text).unwrap());
        memory.save(&Memory::path(dir.path(), "l")).unwrap();
        let lines = |config: &Config| lines(config, &config.links[0], dir.path(), Lang::En).join("\n");
        let shown = lines(&config);
        assert!(shown.contains("d.odd is left out (illegal_address)"), "{shown}");
        assert!(shown.contains("at most 20 registers") && shown.contains("delete it"), "{shown}");
        assert_eq!(lines(&workshop(38)), "", "it was learned of another address");
    }
}
