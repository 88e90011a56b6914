//! The manifest against what it claims to be: the scope, the encoders and the bounds.

use super::*;
use crate::model::{Reading, Why};

const WORKSHOP: &str = r#"
[workshop]
enterprise = "huada"
id = "ws1"
name = "一车间"
timezone = "Asia/Shanghai"
[[link]]
name = "plc"
modbus_tcp = "127.0.0.1"
[[device]]
id = "imm-01"
name = "1号注塑机"
link = "plc"
tags = [
    { name = "temp", address = "40001", type = "i16", scale = 0.1, unit = "°C", deadband = 0.5 },
    { name = "cycles", address = "40002", type = "u32", every = "500ms" },
    { name = "recipe", address = "40004", type = "u16", class = "工艺参数", level = "重要" },
    { name = "key", address = "40005", type = "u16", level = "core" },
]
[[device]]
id = "imm-02"
link = "plc"
tags = [{ name = "temp", address = "40011", type = "i16" }]
[[sink]]
name = "cloud"
mqtt = "mqtts://broker.example.com"
user = "gw"
send = ["imm-01", "events"]
send_important = ["imm-01.recipe"]
[[sink]]
name = "office"
mqtt = "mqtt://10.0.0.1"
allow_plaintext = true
send = ["indicators"]
"#;

fn config() -> Config {
    Config::parse(WORKSHOP).expect("the test writes valid files")
}

fn named(tags: &[LeavingTag]) -> Vec<&str> {
    tags.iter().map(|tag| tag.tag.as_str()).collect()
}

#[test]
fn exactly_what_the_scope_opens_leaves_and_the_rest_is_counted() {
    let manifest = Manifest::of(&config(), None, true);
    let [cloud, office] = &manifest.sinks[..] else { panic!("{manifest:?}") };
    assert_eq!(named(&cloud.tags), ["imm-01.temp", "imm-01.cycles", "imm-01.recipe"]);
    assert_eq!((cloud.tags[2].class, cloud.tags[2].level), ("production/parameter", "important"));
    assert_eq!((cloud.stays.count, cloud.stays.named_once.as_slice()), (2, &["imm-01.key".to_owned()][..]));
    let staying: Vec<&str> = cloud.stays.tags.iter().flatten().map(|tag| tag.tag.as_str()).collect();
    assert_eq!(staying, ["imm-01.key", "imm-02.temp"]);
    assert!(cloud.events && !cloud.indicators && cloud.broker.tls);
    assert_eq!((named(&office.tags), office.events, office.indicators), (vec![], false, true));
    assert!(!office.broker.tls);
    let topics: Vec<&str> = office.messages.iter().map(|form| form.topic.as_str()).collect();
    let kept = ["cloudward/huada/ws1/events", "cloudward/huada/ws1/events", "cloudward/huada/ws1/+/state"];
    let own = ["cloudward/huada/ws1/state"; 2];
    assert_eq!(topics, [&kept[..], &own].concat(), "indicators open no birth and no data");
    for form in &office.messages[..3] {
        let example: serde_json::Value = serde_json::from_str(form.example.get()).expect("payloads are JSON");
        for field in form.fields {
            let found =
                field.split('.').fold(&example, |of, part| if of.is_array() { &of[0][part] } else { &of[part] });
            assert!(!found.is_null(), "{field} is not in {example}");
        }
    }
    assert_eq!(office.load, Load::default());
    assert_eq!(Manifest::of(&config(), Some("office"), false).sinks.len(), 1);
}

#[test]
fn no_name_of_what_stays_stands_in_any_example() {
    let manifest = Manifest::of(&config(), Some("cloud"), false);
    let json = serde_json::to_string(&manifest.sinks[0].messages).expect("a manifest is JSON");
    for stays in ["key", "imm-02"] {
        assert!(!json.contains(&format!("\"{stays}\"")), "{stays} in {json}");
    }
    let data = manifest.sinks[0].messages.iter().find(|form| form.kind == "data").expect("a form of data");
    let example: serde_json::Value = serde_json::from_str(data.example.get()).expect("payloads are JSON");
    assert_eq!(example["samples"][0]["values"], serde_json::json!({"temp": 231.5, "recipe": 1234}));
    for field in data.fields {
        let of_sample = field.strip_prefix("samples.");
        let optional = ["uncertain", "bad"].contains(&of_sample.unwrap_or_default());
        let found = of_sample.map_or(&example[*field], |key| &example["samples"][0][key]);
        assert!(optional || !found.is_null(), "{field} is not in {example}");
    }
}

#[test]
fn the_json_keeps_its_form() {
    let json = serde_json::to_string_pretty(&Manifest::of(&config(), None, true)).expect("a manifest is JSON");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sink/golden/manifest.json");
    if std::env::var_os("CLOUDWARD_BLESS").is_some() {
        std::fs::write(golden, json.clone() + "\n").expect("the golden file can be written");
    }
    assert_eq!(json, std::fs::read_to_string(golden).unwrap_or_default().trim_end());
}

#[test]
fn the_longest_message_is_within_what_is_said_at_most() {
    let config = config();
    let scope = Scope::of(&config.sinks[0], &config.devices);
    let load = load(&config, &scope);
    // 500 ms is the turn, too: one scan a message.
    assert_eq!(load.messages_per_hour_at_most, 7_200.0 + 3_600.0);
    let device = &config.devices[0];
    let mut longest = 0.0;
    for (period, tags) in device.by_period() {
        let infos: Vec<TagInfo> = tags.iter().map(|tag| tag.info()).collect();
        let mask = scope.mask(&device.id, &infos);
        let readings =
            vec![Some(Reading::Uncertain(Value::F64(-1.234_567_890_123_456_7e-100), Why::LastKnown)); infos.len()];
        let scans = vec![Scan { at: Timestamp(i64::MIN), mono_ms: 0, readings, stamps: None }];
        let group = Arc::new(Group::new(device.id.clone(), period, infos));
        let record = DataRecord {
            seq: u64::MAX,
            boot: BootId(u64::MAX),
            group,
            clock: crate::model::ClockMark::Untrusted,
            scans,
        };
        let bytes = payload::data(&record, &mask, u64::MAX).expect("something leaves").len() as f64;
        longest += bytes * 3_600.0 / period.as_secs_f64();
    }
    assert!(longest <= load.bytes_per_hour_at_most, "{longest} of {}", load.bytes_per_hour_at_most);
    assert!(load.bytes_per_hour_about < longest);
}
