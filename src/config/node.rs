//! Nodes of an OPC UA server in the configuration: how the values of a device are watched, `address` and `type` of its tags.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::modbus::Address;
use super::names::Numbers;
use super::opcua::{BadNode, Node, NodeAddress, ServerDeadband, Trigger, is_index_range};
use super::read::{Section, halfwidth};
use super::server::one_of;
use super::{Areas, Station};
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;
use crate::model::{Deadband, ValueKind};

/// How the tags of a device are watched, unless they say otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// `None`: once every period.
    sampling: Option<Duration>,
    is_cyclic: bool,
}

/// Keys that no other device has.
const OF_DEVICES: [&str; 2] = ["sampling", "subscribe"];
/// Keys that no other tag has.
const OF_TAGS: [&str; 5] = ["sampling", "subscribe", "queue", "trigger", "index"];
/// Keys of other devices that would have no effect.
const OF_OTHER_DEVICES: [&str; 9] =
    ["unit", "meter", "order", "addresses", "max_registers", "max_bits", "max_gap", "one_by_one", "pause"];
/// Keys of other tags that would have no effect.
const OF_OTHER_TAGS: [&str; 3] = ["order", "length", "encoding"];

/// Zero: as fast as the server can.
const SAMPLINGS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

/// A device behind an OPC UA link.
pub(super) fn station(device: &Section<'_>) -> Station {
    device.refuse(&OF_OTHER_DEVICES, opcua_words::KEY_OF_OTHERS, |t| t);
    Station::Server
}

pub(super) fn habits(device: &Section<'_>) -> Habits {
    let is_cyclic = device.flag("subscribe") == Some(false);
    let sampling = device.time("sampling", SAMPLINGS);
    if is_cyclic && device.has("sampling") {
        device.wrong("sampling", opcua_words::NOT_SUBSCRIBED, |t| t);
    }
    Habits { sampling, is_cyclic }
}

/// On a device of another protocol.
pub(super) fn refuse_on_device(device: &Section<'_>) {
    device.refuse(&OF_DEVICES, opcua_words::KEY_ELSEWHERE, |t| t);
}

/// On a tag of another protocol.
pub(super) fn refuse_on_tag(tag: &Section<'_>) {
    tag.refuse(&OF_TAGS, opcua_words::KEY_ELSEWHERE, |t| t);
}

/// Whether the tags of a device, whose link is unknown, are nodes: their addresses need no second mistake then.
pub(super) fn looks_like_nodes(device: &Section<'_>) -> bool {
    let first = device.first_of("tags");
    first.and_then(|tag| tag.peek_text("address")).is_some_and(|text| NodeAddress::parse(text).is_some())
}

/// What else is known of a tag.
pub(super) struct Around {
    pub(super) every: Duration,
    pub(super) deadband: Deadband,
    /// `None`: the value is not scaled.
    pub(super) scale: Option<f64>,
}

/// A value of a server; `None` where its address or type is unknown, and a mistake is filed.
pub(super) fn tag(section: &Section<'_>, habits: Habits, around: &Around) -> Option<(Arc<Node>, Numbers)> {
    section.refuse(&OF_OTHER_TAGS, opcua_words::KEY_OF_OTHERS, |t| t);
    let address = address(section);
    let kind = if section.has("type") { kind(section) } else { Some(ValueKind::Float) };
    let is_subscribed = section.flag("subscribe").unwrap_or(!habits.is_cyclic);
    let own_sampling = section.time("sampling", SAMPLINGS);
    let own_queue = section.integer("queue", 1..=i64::from(Node::MAX_QUEUE)).and_then(|n| u32::try_from(n).ok());
    let own_trigger = one_of(section, "trigger", &Trigger::ALL.map(Trigger::as_str), Trigger::parse);
    if !is_subscribed {
        for key in ["sampling", "queue", "trigger"].into_iter().filter(|key| section.has(key)) {
            section.wrong(key, opcua_words::NOT_SUBSCRIBED, |t| t);
        }
    }
    let index = index(section);
    let (address, kind) = (address?, kind?);
    let is_number = matches!(kind, ValueKind::Int | ValueKind::Float);
    if around.scale.is_some() && !is_number {
        section.wrong("scale", words::SCALE_ON_BOOL, |t| t.with("found", kind.as_str()));
    }
    let is_measured = is_number && is_subscribed && !section.has("values");
    let server_deadband = match (of_range(section), around.deadband) {
        (Some(percent), _) => {
            if !is_measured {
                section.wrong("deadband", opcua_words::NO_RANGE, |t| t.with("found", section.shown("deadband")));
            }
            Some(ServerDeadband::PercentOfRange(percent))
        }
        // The server counts before scaling.
        (None, Deadband::Absolute(d)) if is_measured && d > 0.0 => {
            Some(ServerDeadband::Absolute(d / around.scale.unwrap_or(1.0).abs()))
        }
        _ => None,
    };
    let sampling = own_sampling.or(habits.sampling).unwrap_or(around.every);
    let node = Node {
        address,
        kind,
        index,
        is_subscribed,
        sampling,
        queue: own_queue.unwrap_or_else(|| Node::usual_queue(around.every, sampling)),
        trigger: own_trigger.unwrap_or(Trigger::StatusValue),
        server_deadband: server_deadband.filter(|_| is_subscribed),
    };
    let numbers = Numbers { word: kind.as_str().to_owned(), range: (kind == ValueKind::Int).then_some(WHOLE) };
    Some((Arc::new(node), numbers))
}

/// From the smallest Int64 to the largest UInt64.
const WHOLE: RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

/// `"2% of range"`: the share of the value's range that only its server knows; `None` for any other deadband.
pub(super) fn of_range(section: &Section<'_>) -> Option<f64> {
    let text = section.peek_text("deadband")?.trim().strip_suffix("of range")?;
    let percent = text.trim_end().strip_suffix('%')?.trim_end().parse::<f64>().ok()?;
    (percent > 0.0 && percent <= 100.0).then_some(percent)
}

fn address(section: &Section<'_>) -> Option<NodeAddress> {
    let text = section.text_or_number("address", "address = \"ns=2;s=Channel1.Device1.Tag1\"")?;
    let fault = match NodeAddress::read(&text) {
        Ok(address) => return Some(address),
        Err(fault) => fault,
    };
    let plain = halfwidth(&text);
    if NodeAddress::parse(&plain).is_some() {
        section.wrong("address", words::FULLWIDTH, |t| t.with("found", &text).with("plain", plain));
        return None;
    }
    let is_of_modbus = Address::parse_with_part(&text).is_some() || Areas::is_known_to_any(&text);
    let code = match fault {
        BadNode::Identifier if is_of_modbus => opcua_words::ADDRESS_OF_MODBUS,
        BadNode::Identifier => opcua_words::BAD_NODE,
        BadNode::NamespaceIndex => opcua_words::BAD_NAMESPACE,
        BadNode::NamespaceUri => opcua_words::BAD_NAMESPACE_URI,
        BadNode::Number => opcua_words::BAD_NODE_NUMBER,
        BadNode::Text => opcua_words::BAD_NODE_TEXT,
        BadNode::Guid => opcua_words::BAD_NODE_GUID,
        BadNode::Opaque => opcua_words::BAD_NODE_OPAQUE,
        BadNode::Null => opcua_words::NULL_NODE,
    };
    section.wrong("address", code, |t| t.with("found", super::read::shortened(text.clone())));
    None
}

/// `float`, `int` and so on; a word of PLCs and of other programs is told what it is here.
fn kind(section: &Section<'_>) -> Option<ValueKind> {
    const KNOWN: &str = "float, int, bool, text, json";
    let word = section.text("type", "type = \"float\"")?;
    let kind = ValueKind::parse(&word);
    if kind.is_none() {
        let known = match word.to_ascii_lowercase().as_str() {
            "f16" | "f32" | "f64" | "real" | "lreal" | "float32" | "float64" | "double" | "single" | "number" => {
                "float"
            }
            "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64" | "byte" | "sbyte" | "word" | "dword"
            | "sint" | "usint" | "uint" | "dint" | "udint" | "lint" | "ulint" | "integer" | "int16" | "int32"
            | "int64" | "uint16" | "uint32" | "uint64" => "int",
            "boolean" | "bit" => "bool",
            "string" | "localizedtext" | "datetime" => "text",
            "array" | "struct" | "structure" | "object" => "json",
            lower => ValueKind::parse(lower).map_or(KNOWN, ValueKind::as_str),
        };
        section.wrong("type", words::NOT_ONE_OF, |t| t.with("found", &word).with("known", known));
    }
    kind
}

/// `"0:9"`, or a number for one element.
fn index(section: &Section<'_>) -> Option<String> {
    if !section.has("index") {
        return None;
    }
    let text = section.text_or_number("index", "index = \"0:9\"")?;
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    if !is_index_range(&compact) {
        section.wrong("index", opcua_words::BAD_INDEX, |t| t.with("found", &text));
        return None;
    }
    Some(compact)
}

#[cfg(feature = "opcua")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Tag};

    fn tags(device: &str, tags: &str) -> Vec<Tag> {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
             [[link]]\nname = \"s\"\nopcua = \"opc.tcp://h\"\n\
             [[device]]\nid = \"m\"\nlink = \"s\"\n{device}\ntags = [{tags}]\n"
        );
        let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(config.devices[0].station, Station::Server);
        config.devices[0].tags.clone()
    }

    fn one(device: &str, keys: &str) -> Tag {
        tags(device, &format!("{{ name = \"t\", address = \"ns=2;i=1\", {keys} }}")).remove(0)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_not_said_is_as_most_machines_want_it() {
        let tag = one("", "");
        let node = tag.node().expect("it is one");
        let expected = Node {
            address: NodeAddress::parse("ns=2;i=1").expect("it is one"),
            kind: ValueKind::Float,
            index: None,
            is_subscribed: true,
            sampling: SECOND,
            queue: 1,
            trigger: Trigger::StatusValue,
            server_deadband: None,
        };
        assert_eq!((node, tag.kind(), tag.every), (&expected, ValueKind::Float, SECOND));
        assert_eq!((tag.report.deadband, tag.report.max_silence), (Deadband::None, 60 * SECOND));
    }

    #[test]
    fn a_tag_inherits_from_its_device_and_says_what_differs() {
        let of = |device, keys| {
            let tag = one(device, keys);
            let node = tag.node().expect("it is one").clone();
            (node.is_subscribed, node.sampling.as_millis(), node.queue)
        };
        assert_eq!(of("sampling = \"300ms\"", ""), (true, 300, 4));
        assert_eq!(of("every = \"10s\"", ""), (true, 10_000, 1));
        assert_eq!(of("sampling = \"300ms\"", "every = \"3s\", queue = 2"), (true, 300, 2));
        assert_eq!(of("sampling = \"300ms\"", "sampling = \"1s\""), (true, 1_000, 1));
        assert_eq!(of("subscribe = false", ""), (false, 1_000, 1));
        assert_eq!(of("subscribe = false", "subscribe = true, sampling = \"100ms\""), (true, 100, 10));
        assert_eq!(of("", "sampling = \"0s\""), (true, 0, 1_000), "as fast as the server can");
    }

    #[test]
    fn the_server_counts_a_deadband_before_scaling_and_only_of_numbers() {
        let of = |keys| {
            let tag = one("", keys);
            (tag.report.deadband, tag.node().and_then(|node| node.server_deadband))
        };
        use ServerDeadband::{Absolute, PercentOfRange};
        assert_eq!(of("deadband = 0.5"), (Deadband::Absolute(0.5), Some(Absolute(0.5))));
        assert_eq!(of("deadband = 0.5, scale = -0.1"), (Deadband::Absolute(0.5), Some(Absolute(5.0))));
        assert_eq!(of("deadband = 0.5, offset = 3"), (Deadband::Absolute(0.5), Some(Absolute(0.5))));
        assert_eq!(of("deadband = 0"), (Deadband::Absolute(0.0), None), "any change, as without");
        assert_eq!(of("deadband = \"2%\""), (Deadband::Percent(2.0), None), "of the last reported value: ours");
        assert_eq!(of("deadband = \"2 % of range\""), (Deadband::None, Some(PercentOfRange(2.0))));
        assert_eq!(of("deadband = 1, type = \"text\""), (Deadband::Absolute(1.0), None));
        let named = "deadband = 1, type = \"int\", values = { 0 = \"stop\", -1 = \"odd\" }";
        assert_eq!(of(named), (Deadband::Absolute(1.0), None));
        assert_eq!(of("deadband = 1, subscribe = false"), (Deadband::Absolute(1.0), None));
    }

    #[test]
    fn types_are_those_of_reported_values() {
        for (keys, kind, reported) in [
            ("type = \"int\"", ValueKind::Int, ValueKind::Int),
            ("type = \"int\", scale = 0.1", ValueKind::Int, ValueKind::Float),
            ("type = \"int\", values = { 18446744073709551615 = \"max\" }", ValueKind::Int, ValueKind::Text),
            ("type = \"bool\"", ValueKind::Bool, ValueKind::Bool),
            ("type = \"json\", index = \"0:1, 2\"", ValueKind::Json, ValueKind::Json),
        ] {
            let tag = one("", keys);
            assert_eq!((tag.node().map(|node| node.kind), tag.kind()), (Some(kind), reported), "{keys}");
        }
        let index = |keys| one("", keys).node().and_then(|node| node.index.clone());
        assert_eq!(index("index = \"0:1, 2\"").as_deref(), Some("0:1,2"));
        assert_eq!(index("index = 3").as_deref(), Some("3"));
    }
}
