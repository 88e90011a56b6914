//! `[[sink]]`: where data may go, how it is protected on the way, and what may leave.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::budget;
use super::check::{Unique, host_and_port, name};
use super::glob::glob;
use super::opcua::Node;
use super::read::Section;
use super::{Device, SecretSource, Security, Sink, Tag, Workshop, grade};
use crate::model::ValueKind;
use crate::model::words::config as words;

/// The entry of `send` that opens the events stream.
pub const EVENTS: &str = "events";

/// The entry of `send` that opens indicators, and nothing that was measured.
pub const INDICATORS: &str = "indicators";

/// Bytes of a data message that are not its samples, at most.
pub const ENVELOPE_BYTES: usize = 512;

/// A scan takes at most so many bytes beside its readings:
/// `{"ts":-9223372036854775808,"mono":18446744073709551615,"values":{},"uncertain":{},"bad":{}},`.
pub const SCAN_BYTES: usize = 96;

/// A value in JSON takes at most so many bytes beside its name: `"":-1.2345678901234567e-100,`.
pub const LONGEST_VALUE: usize = 32;

/// A time in JSON takes at most so many bytes beside its tag's name: `"":-9223372036854775808,`.
pub const LONGEST_TIME: usize = 24;

/// A status code in JSON takes at most so many bytes beside its tag's name: `"":4294967295,`.
pub const LONGEST_STATUS: usize = 14;

/// What a text takes in JSON beside its bytes and its tag's name: `"":"",`. What is JSON itself takes no more.
pub const TEXT_FRAME: usize = 6;

/// One byte of a device becomes at most so many in JSON: a control character is written `\u0001`. A character of two
/// bytes in GBK takes three at most, and is not escaped.
const TEXT_GROWTH: usize = 6;

pub(super) fn sinks(top: &Section<'_>, workshop: &Workshop, devices: &[Arc<Device>]) -> Vec<Sink> {
    let devices_are_sound = !top.doc.has_mistakes();
    let mut sinks = Vec::new();
    let mut names = Unique::default();
    let mut clients = Unique::default();
    for section in top.sections("sink", "name") {
        let sink = sink(&section, workshop, devices, devices_are_sound);
        names.check(&section, "name", &sink.name);
        if !sink.host.is_empty() {
            clients.check(&section, "client_id", &format!("{} @ {}:{}", sink.client_id, sink.host, sink.port));
        }
        section.finish();
        sinks.push(sink);
    }
    sinks
}

fn sink(section: &Section<'_>, workshop: &Workshop, devices: &[Arc<Device>], devices_are_sound: bool) -> Sink {
    let name: Arc<str> = name(section, "name", "cloud").unwrap_or_default().into();
    let (host, port, security) = broker(section);
    let user = section.text("user", "user = \"gateway-017\"");
    if section.has("password") {
        section.wrong("password", words::SECRET_IN_CLEAR, |t| t); // the value itself is not repeated
    }
    let password = secret(section, "password", ["password_file", "password_credential", "password_env"]);
    if password.is_some() && !section.has("user") {
        section.wrong("user", words::PASSWORD_WITHOUT_USER, |t| t);
    }
    let default_id = || format!("cloudward-{}-{}-{}", workshop.enterprise, workshop.id, name);
    let seconds =
        |range: std::ops::RangeInclusive<u64>| Duration::from_secs(*range.start())..=Duration::from_secs(*range.end());
    let max_message = section.size("max_message", "4kB", "16MB", "256kB").map_or(256_000, |bytes| bytes as usize);
    let send = send(section, devices, devices_are_sound);
    let send_important = grade::send_important(section, &send, devices, devices_are_sound);
    fits_message(section, devices, max_message);
    Sink {
        host,
        port,
        security,
        user,
        password,
        client_id: section
            .text("client_id", "client_id = \"gateway-017\"")
            .filter(|id| !id.is_empty())
            .unwrap_or_else(default_id),
        prefix: prefix(section),
        keep_alive: section.time("keep_alive", seconds(5..=3_600)).unwrap_or(Duration::from_secs(30)),
        ack_timeout: section.time("ack_timeout", seconds(1..=3_600)).unwrap_or(Duration::from_secs(30)),
        window: section.integer("window", 1..=1_000).map_or(64, |n| n as usize),
        max_message,
        retry_max: section.time("retry_max", seconds(1..=3_600)).unwrap_or(Duration::from_secs(15)),
        backlog: budget::backlog(section),
        budget: budget::budget(section),
        send,
        send_important,
        name,
    }
}

/// `mqtts://host:port` or, where it was allowed, `mqtt://host:port`.
fn broker(section: &Section<'_>) -> (String, u16, Security) {
    let plaintext_allowed = section.flag("allow_plaintext").unwrap_or(false);
    let ca_file = section.file("ca_file");
    let client = client_certificate(section);
    let tls = Security::Tls { ca_file, client };
    let none = (String::new(), 0, tls.clone());
    let Some(url) = section.needed_text("mqtt", "mqtt = \"mqtts://broker.example.com:8883\"") else { return none };
    let parsed = match url.split_once("://") {
        Some(("mqtts", rest)) => host_and_port(rest, 8_883).map(|end| (end, true)),
        Some(("mqtt", rest)) => host_and_port(rest, 1_883).map(|end| (end, false)),
        _ => None,
    };
    let Some(((host, port), is_tls)) = parsed else {
        section.wrong("mqtt", words::BAD_BROKER, |t| t.with("found", hide_user(&url)));
        return none;
    };
    if is_tls {
        return (host, port, tls);
    }
    if !plaintext_allowed {
        section.wrong("mqtt", words::PLAINTEXT_NOT_ALLOWED, |t| t.with("host", &host));
    }
    for key in ["ca_file", "client_cert_file", "client_key_file", "client_key_credential"] {
        if section.has(key) {
            section.wrong(key, words::TLS_KEY_ON_PLAINTEXT, |t| t.with("host", &host));
        }
    }
    (host, port, Security::Plaintext)
}

/// A URL with `user:password@` must not be echoed.
pub(super) fn hide_user(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}***{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

fn client_certificate(section: &Section<'_>) -> Option<(PathBuf, SecretSource)> {
    let certificate = section.file("client_cert_file");
    let key = secret(section, "client_key", ["client_key_file", "client_key_credential", "client_key_env"]);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(_), None) => {
            section.wrong("client_cert_file", words::CERTIFICATE_WITHOUT_KEY, |t| t);
            None
        }
        (None, Some(_)) if !section.has("client_cert_file") => {
            section.wrong("client_key_file", words::KEY_WITHOUT_CERTIFICATE, |t| t);
            None
        }
        _ => None,
    }
}

/// A secret from one of three sources: file, credential, environment variable.
pub(super) fn secret(
    section: &Section<'_>,
    what: &str,
    [file, credential, env]: [&'static str; 3],
) -> Option<SecretSource> {
    let mut sources = Vec::new();
    sources.extend(section.file(file).map(SecretSource::File));
    sources.extend(section.text(credential, &format!("{credential} = \"mqtt\"")).map(SecretSource::Credential));
    sources.extend(section.text(env, &format!("{env} = \"MQTT_PASSWORD\"")).map(SecretSource::Env));
    if sources.len() > 1 {
        let known = [file, credential, env].join(", ");
        section.wrong(what, words::SECRET_TWICE, |t| t.with("known", known));
    }
    sources.into_iter().next()
}

fn prefix(section: &Section<'_>) -> String {
    let Some(prefix) = section.text("prefix", "prefix = \"cloudward\"") else { return "cloudward".to_owned() };
    let has_empty_level = prefix.split('/').any(str::is_empty);
    if has_empty_level || prefix.contains(['+', '#', '\0', '$']) || prefix.len() > 128 {
        section.wrong("prefix", words::BAD_PREFIX, |t| t.with("found", &prefix));
    }
    prefix
}

fn send(section: &Section<'_>, devices: &[Arc<Device>], devices_are_sound: bool) -> Vec<String> {
    let example = "send = [\"imm-01\", \"events\"]";
    let Some(entries) = section.needed_texts("send", example) else { return Vec::new() };
    if entries.is_empty() {
        section.wrong("send", words::SEND_NOTHING, |t| t);
    }
    for (entry, at) in &entries {
        // Where a tag has a mistake of its own, "matches nothing" would be a false trail.
        let is_word = entry == EVENTS || entry == INDICATORS;
        if !devices_are_sound || is_word || devices.iter().any(|device| names_something(entry, device)) {
            continue;
        }
        let trouble = crate::model::Trouble::new(words::SEND_MATCHES_NOTHING).with("key", section.path_of("send"));
        section.doc.mistake(*at, trouble.with("found", entry));
    }
    entries.into_iter().map(|(entry, _)| entry).collect()
}

/// Whether an entry of `send` names at least one tag of this device, or the device itself.
pub(super) fn names_something(entry: &str, device: &Device) -> bool {
    match entry.split_once('.') {
        None => glob(entry, &device.id),
        Some((id, tag)) => glob(id, &device.id) && device.tags.iter().any(|t| glob(tag, &t.name)),
    }
}

/// One scan of a device must fit one message even if every value is as long as can be. What a scan takes beside its readings
/// fits into the envelope's bytes.
fn fits_message(section: &Section<'_>, devices: &[Arc<Device>], max_message: usize) {
    for device in devices {
        let longest: usize = device.tags.iter().map(longest_reading).sum();
        if longest + ENVELOPE_BYTES > max_message {
            let needed = format!("{}kB", (longest + ENVELOPE_BYTES).div_ceil(1_000));
            section.wrong("max_message", words::MESSAGE_TOO_SMALL, |t| {
                t.with("device", &device.id).with("tags", device.tags.len()).with("needed", needed)
            });
        }
    }
}

/// What a reading of this tag takes in JSON at most, with the tag's name.
pub fn longest_reading(tag: &Tag) -> usize {
    if !tag.has_stamps() {
        return longest_value(tag);
    }
    // Any value may be doubtful: the reason, both times and the status code, each beside the name again.
    longest_value(tag) + 4 * tag.name.len() + LONGEST_VALUE + 2 * LONGEST_TIME + LONGEST_STATUS
}

fn longest_value(tag: &Tag) -> usize {
    let number = tag.name.len() + LONGEST_VALUE;
    if tag.kind() == ValueKind::Json {
        return tag.name.len() + TEXT_FRAME + Node::MAX_JSON; // it stands there as it is
    }
    match (tag.text_length(), &tag.values) {
        (Some(length), _) => number.max(tag.name.len() + TEXT_FRAME + TEXT_GROWTH * length),
        (_, Some(names)) => {
            let longest = names.iter().map(escaped_len).max().unwrap_or_default();
            let doubtful = 2 * number; // a number without a name, and the reason for doubt
            doubtful.max(tag.name.len() + TEXT_FRAME + longest)
        }
        (_, None) => number,
    }
}

/// Bytes of a text between its quotes in JSON, at most.
pub fn escaped_len(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 { TEXT_GROWTH } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) }).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Origin;
    use crate::config::opcua::{NodeAddress, Trigger};
    use crate::model::{
        BootId, ClockMark, DataRecord, Deadband, Group, Reading, ReportRule, Scan, Stamp, Timestamp, Value, Why,
    };
    use crate::sink::{Scope, payload};

    fn tag(name: &str, kind: ValueKind) -> Tag {
        let node = Node {
            address: NodeAddress::parse("ns=2;s=x").unwrap(),
            kind,
            index: None,
            is_subscribed: true,
            sampling: Duration::from_secs(1),
            queue: 1,
            trigger: Trigger::StatusValue,
            server_deadband: None,
        };
        Tag {
            name: name.into(),
            label: None,
            unit: None,
            origin: Origin::OpcUa(Arc::new(node)),
            scaling: None,
            values: None,
            every: Duration::from_secs(1),
            write: None,
            role: None,
            scene: None,
            report: ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) },
            grade: crate::model::Grade::default(),
        }
    }

    #[test]
    fn a_scan_of_opc_ua_fits_the_message_that_was_foreseen_however_long_its_values_and_stamps() {
        let longest = [
            (ValueKind::Float, Value::F64(-1.234_567_890_123_456_7e-100)),
            (ValueKind::Text, Value::Text("\u{1}".repeat(Node::MAX_TEXT).into())),
            (ValueKind::Json, Value::Json(format!("\"{}\"", "x".repeat(Node::MAX_JSON - 2)).into())),
        ];
        for (kind, value) in longest {
            let tags: Vec<Tag> = (0..50).map(|n| tag(&format!("t{n}"), kind)).collect();
            let stamp = |n| Stamp { source: time(n), server: time(n + 1), status: u32::MAX };
            let scan = Scan {
                at: Timestamp(i64::MIN),
                mono_ms: u64::MAX,
                readings: vec![Some(Reading::Uncertain(value, Why::UncertainStatus)); tags.len()],
                stamps: Some((0..50).map(stamp).collect()),
            };
            let infos = tags.iter().map(Tag::info).collect();
            let group = Arc::new(Group::new("d".repeat(64).into(), Duration::from_secs(1), infos));
            let mask = Scope::new(&["*".into()]).mask(&group.device, &group.tags);
            let clock = ClockMark::Untrusted; // the longest
            let record = DataRecord { seq: u64::MAX, boot: BootId(u64::MAX), group, clock, scans: vec![scan] };
            let taken = payload::data(&record, &mask, u64::MAX).unwrap().len();
            let foreseen = ENVELOPE_BYTES + tags.iter().map(longest_reading).sum::<usize>();
            assert!((taken..2 * taken).contains(&foreseen), "{foreseen} bytes foreseen, {taken} taken: {kind:?}");
        }
    }

    #[test]
    fn a_scan_takes_no_more_beside_its_readings_than_was_foreseen() {
        let tags: Vec<_> = ["a", "b", "c"].map(|name| tag(name, ValueKind::Bool).info()).into();
        let group = Arc::new(Group::new("d".into(), Duration::from_secs(1), tags));
        let mask = Scope::new(&["*".into()]).mask(&group.device, &group.tags);
        let (yes, why) = (Value::Bool(true), Why::Timeout);
        let readings = [Reading::Good(yes.clone()), Reading::Uncertain(yes, why), Reading::Bad(why)].map(Some).into();
        let scan = Scan { at: Timestamp(i64::MIN), mono_ms: u64::MAX, readings, stamps: None };
        let length = |scans: usize| {
            let (group, scans) = (group.clone(), vec![scan.clone(); scans]);
            let record = DataRecord { seq: 1, boot: BootId(1), group, clock: ClockMark::Untrusted, scans };
            payload::data(&record, &mask, 1).unwrap().len()
        };
        let of_readings = r#""a":true,"b":true"b":"timeout""c":"timeout""#.len();
        let taken = length(2) - length(1) - of_readings;
        assert!((SCAN_BYTES - 16..=SCAN_BYTES).contains(&taken), "{taken} bytes");
    }

    fn time(n: i64) -> Option<Timestamp> {
        Some(Timestamp(i64::MIN + n))
    }
}
