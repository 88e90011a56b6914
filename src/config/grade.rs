//! `class` and `level` of devices and tags, and `send_important` of a sink: the second naming, without which nothing of level
//! important or core leaves.

use std::sync::Arc;

use super::Device;
use super::glob::glob;
use super::read::Section;
use super::sink::{EVENTS, INDICATORS};
use crate::model::words::delivery_config as words;
use crate::model::{Class, Code, Grade, Level, Trouble};

/// The grade that a section names; what it does not name is inherited.
pub(super) fn grade(section: &Section<'_>, inherited: Grade) -> Grade {
    let mut grade = inherited;
    if let Some(word) = section.text("class", "class = \"production/state\"") {
        match Class::parse(word.trim()) {
            Some(class) => grade.class = class,
            None => {
                let known = Class::ALL.map(|class| format!("{class} ({})", class.zh())).join(", ");
                section.wrong("class", words::BAD_CLASS, |t| t.with("found", &word).with("known", known));
            }
        }
    }
    if let Some(word) = section.text("level", "level = \"general\"") {
        match Level::parse(word.trim()) {
            Some(level) => grade.level = level,
            None => {
                let known = Level::ALL.map(|level| format!("{level} ({})", level.zh())).join(", ");
                section.wrong("level", words::BAD_LEVEL, |t| t.with("found", &word).with("known", known));
                grade.level = Level::Core; // never less than what was meant; the file is refused anyway
            }
        }
    }
    grade
}

/// The entries of `send_important`: each names one tag in full, which `send` opens too and whose level makes it necessary.
pub(super) fn send_important(
    section: &Section<'_>,
    send: &[String],
    devices: &[Arc<Device>],
    devices_are_sound: bool,
) -> Vec<String> {
    let entries = section.texts("send_important", "send_important = [\"imm-01.recipe\"]").unwrap_or_default();
    for (entry, at) in &entries {
        // Where a tag has a mistake of its own, "no such tag" would be a false trail.
        if let Some(code) =
            refused(entry, send, devices).filter(|code| *code == words::NOT_IN_FULL || devices_are_sound)
        {
            let trouble = Trouble::new(code).with("key", section.path_of("send_important"));
            section.doc.mistake(*at, trouble.with("found", entry));
        }
    }
    entries.into_iter().map(|(entry, _)| entry).collect()
}

/// What is wrong with one entry.
fn refused(entry: &str, send: &[String], devices: &[Arc<Device>]) -> Option<Code> {
    let Some((id, name)) = entry.split_once('.').filter(|_| !entry.contains('*')) else {
        return Some(words::NOT_IN_FULL);
    };
    let device = devices.iter().find(|device| *device.id == *id);
    let Some(tag) = device.and_then(|device| device.tags.iter().find(|tag| *tag.name == *name)) else {
        return Some(words::NO_SUCH_TAG);
    };
    if !send.iter().any(|entry| opens(entry, id, name)) {
        return Some(words::NAMED_ONCE);
    }
    (!tag.grade.level.is_guarded()).then_some(words::NOT_GUARDED)
}

/// Whether an entry of `send` opens this tag.
fn opens(entry: &str, device: &str, tag: &str) -> bool {
    if entry == EVENTS || entry == INDICATORS {
        return false;
    }
    let (devices, tags) = entry.split_once('.').unwrap_or((entry, "*"));
    glob(devices, device) && glob(tags, tag)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::model::{Class, Grade, Level};

    #[test]
    fn tags_inherit_the_grade_of_their_device_and_a_table_may_say_otherwise() {
        let text = r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[[link]]
name = "l"
modbus_tcp = "127.0.0.1"
[[device]]
id = "m"
link = "l"
class = "工艺参数"
level = "important"
tags_file = "m.csv"
tags = [
    { name = "inherits", address = "40001", type = "u16" },
    { name = "own", address = "40002", type = "u16", class = "production/log" },
]
[[device]]
id = "n"
link = "l"
tags = [{ name = "plain", address = "40001", type = "u16" }]
"#;
        let table = "名称,地址,类型,类别,级别\ncore,40003,u16,管理,核心数据\nneither,40004,u16,,\n";
        let config = Config::parse_with(text, &|_| Ok(table.as_bytes().to_vec())).expect("the file is valid");
        let tags = config.devices.iter().flat_map(|device| &device.tags);
        let grades: Vec<_> = tags.map(|tag| (&*tag.name, tag.grade)).collect();
        let grade = |class, level| Grade { class, level };
        let parameter = grade(Class::ProcessParameter, Level::Important);
        assert_eq!(
            grades,
            [
                ("core", grade(Class::Management, Level::Core)),
                ("neither", parameter),
                ("inherits", parameter),
                ("own", grade(Class::SystemLog, Level::Important)),
                ("plain", grade(Class::OperatingState, Level::General)),
            ]
        );
    }
}
