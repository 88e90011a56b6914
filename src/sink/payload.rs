//! Payloads: the bytes of each message, as JSON. Pure; every time in them is an argument. Data messages are written by
//! hand, since they are the hot path; the rest goes through serde.
//!
//! `id` is `<boot>-<stream>-<seq>`: receivers drop duplicates by it. `prev` is the position of the record of this stream
//! that was sent to this sink before (0: none), so a receiver that has not seen `prev` knows of a gap, although `send`
//! may leave records out in between.
//!
//! The rule that a receiver proves completeness by: a message with `prev` says that nothing between `prev` and its own position was meant
//! for this receiver. `filled: [a, b]` says that nothing between a and b was, with b a position that came before in a live part. Both say it anew each
//! time they come: a duplicate may come with another `prev` than before (as history what was sent as live), and closes what that one covers. A stretch of
//! positions that no such statement covers is open as long as it lies right before a message with `live`, and missing otherwise; a `prev` or an
//! `a` that never comes itself was given up. With `backlog = "live_first"`:
//!
//! - Current data begins with a message that has `"live":true` instead of `prev`: nothing is said of what lies before it. Those behind it have `prev` among
//!   themselves.
//! - What lies before it follows in order with `"history":true`, and has `prev` among itself.
//! - When all of it is acknowledged, the next data message, be it live or history, has `filled: [a, b]`: a is the last of history, b the first of the live
//!   part. (History goes on behind a live part of an earlier connection: `prev` is then the last message of that part.)

pub mod stamps; // source time, server time and status code

use std::fmt::Write as _;

use serde::Serialize;

use super::{Mask, Scope};
use crate::config::Device;
use crate::model::{
    BootId, ClockMark, DataRecord, Event, EventRecord, MessageId, Reading, Scan, Seam, Seq, StateReport, Stream,
    TagInfo, Timestamp, Value, Why,
};

/// What a data message says of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sequel {
    /// The position that was sent before; `None`: current data begins here, and what lies before it is on its way.
    pub prev: Option<Seq>,
    /// It follows behind data that is newer.
    pub is_history: bool,
    /// Where history has met current data.
    pub filled: Option<Seam>,
}

impl From<Seq> for Sequel {
    fn from(prev: Seq) -> Sequel {
        Sequel { prev: Some(prev), ..Sequel::default() }
    }
}

impl Sequel {
    fn put(&self, out: &mut String) {
        match self.prev {
            Some(prev) => write!(out, ",\"prev\":{prev}"),
            None => out.write_str(",\"live\":true"),
        }
        .expect("writing to a String cannot fail");
        if self.is_history {
            out.push_str(",\"history\":true");
        }
        if let Some(Seam { before, after }) = self.filled {
            write!(out, ",\"filled\":[{before},{after}]").expect("writing to a String cannot fail");
        }
    }
}

/// The samples of `record` that `mask` lets through, or `None` when that is none.
///
/// `{"device":"imm-01","id":"0123456789ab-data-7","prev":6,"samples":[{"ts":1700000000000,"values":{"temp":231.5},
/// "uncertain":{"temp":"device_busy"},"bad":{"level":"timeout"}}]}`; `ts` in milliseconds UTC. `values`, `uncertain`
/// and `bad` are left out when empty. Where the clock was not trusted, `"clock":"untrusted"` stands before the samples and
/// `mono` behind each `ts`; `"clock":"corrected"` where it was not when the times were taken. An uncertain value stands in `values`, its reason in `uncertain`. Behind them stand the
/// stamps, where the protocol has any: see [`stamps`].
pub fn data(record: &DataRecord, mask: &Mask, sequel: impl Into<Sequel>) -> Option<Vec<u8>> {
    if mask.is_empty() {
        return None;
    }
    let tags = &record.group.tags;
    let mut out = String::with_capacity(64 + record.scans.len() * (24 + tags.len() * 16));
    out.push_str("{\"device\":");
    text(&mut out, &record.group.device);
    let id = MessageId { boot: record.boot, stream: Stream::Data, seq: record.seq };
    write!(out, ",\"id\":\"{id}\"").expect("writing to a String cannot fail");
    sequel.into().put(&mut out);
    if let Some(word) = record.clock.word() {
        write!(out, ",\"clock\":\"{word}\"").expect("writing to a String cannot fail");
    }
    out.push_str(",\"samples\":[");
    let head = out.len();
    let has_mono = record.clock == ClockMark::Untrusted;
    for scan in &record.scans {
        let before = out.len();
        if before > head {
            out.push(',');
        }
        if !sample(&mut out, scan, tags, mask, has_mono) {
            out.truncate(before);
        }
    }
    if out.len() == head {
        return None;
    }
    out.push_str("]}");
    Some(out.into_bytes())
}

/// One record of the events stream: `{"id":"...","prev":3,"ts":...,"event":"link",...}`; `clock` and `mono` behind `ts` as in
/// [`data`].
pub fn event(record: &EventRecord, prev: Seq) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        id: String,
        prev: Seq,
        ts: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        clock: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mono: Option<u64>,
        #[serde(flatten)]
        event: &'a Event,
    }
    let id = MessageId { boot: record.boot, stream: Stream::Events, seq: record.seq };
    let clock = record.clock.word();
    let mono = record.mono_ms.filter(|_| record.clock == ClockMark::Untrusted);
    json(&Message { id: id.to_string(), prev, ts: record.at.0, clock, mono, event: &record.event })
}

/// What `device` has, for receivers that see it for the first time; `None` when none of its tags is in scope.
/// `{"device":"imm-01","name":"...","boot":"...","ts":...,"tags":[{"name":"temp","unit":"°C","type":"float"}]}`;
/// `name` and `unit` are left out where there is none.
pub fn birth(device: &Device, scope: &Scope, boot: BootId, at: Timestamp) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Message<'a> {
        device: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        boot: String,
        ts: i64,
        tags: Vec<Tag<'a>>,
    }
    #[derive(Serialize)]
    struct Tag<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<&'a str>,
        r#type: &'static str,
    }
    let infos: Vec<TagInfo> = device.tags.iter().map(|tag| tag.info()).collect();
    let mask = scope.mask(&device.id, &infos);
    if mask.is_empty() {
        return None;
    }
    let in_scope = infos.iter().enumerate().filter(|(place, _)| mask.allows(*place));
    let tags = in_scope
        .map(|(_, tag)| Tag { name: &tag.name, unit: tag.unit.as_deref(), r#type: tag.kind.as_str() })
        .collect();
    let name = device.name.as_deref();
    Some(json(&Message { device: &device.id, name, boot: boot.to_string(), ts: at.0, tags }))
}

/// What a machine does, for whoever asks later: `{"ts":...,"device":"imm-01","state":"run","since":...}`.
pub fn device_state(report: &StateReport, at: Timestamp) -> Vec<u8> {
    #[derive(Serialize)]
    struct Message<'a> {
        ts: i64,
        #[serde(flatten)]
        report: &'a StateReport,
    }
    json(&Message { ts: at.0, report })
}

/// The agent is there: `{"online":true,"boot":"...","ts":...}`.
pub fn online(boot: BootId, at: Timestamp) -> Vec<u8> {
    format!("{{\"online\":true,\"boot\":\"{boot}\",\"ts\":{}}}", at.0).into_bytes()
}

/// The agent is gone: the last will, and the farewell. Without a time, since the broker sends the will at a moment that
/// nobody knew when it was written.
pub fn offline(boot: BootId) -> Vec<u8> {
    format!("{{\"online\":false,\"boot\":\"{boot}\"}}").into_bytes()
}

/// One scan; `false` when nothing of it is in scope (`out` is then longer than before, the caller cuts it).
fn sample(out: &mut String, scan: &Scan, tags: &[TagInfo], mask: &Mask, has_mono: bool) -> bool {
    write!(out, "{{\"ts\":{}", scan.at.0).expect("writing to a String cannot fail");
    if has_mono {
        write!(out, ",\"mono\":{}", scan.mono_ms).expect("writing to a String cannot fail");
    }
    let readings = || {
        let reported = scan.readings.iter().zip(tags).enumerate();
        reported
            .filter(|(place, _)| mask.allows(*place))
            .filter_map(|(_, (reading, tag))| Some((reading.as_ref()?, tag)))
    };
    let mut any = false;
    any |= object(out, "values", readings(), |reading| match reading {
        Reading::Good(value) | Reading::Uncertain(value, _) => is_finite(value).then_some(Cell::Value(value)),
        Reading::Bad(_) => None,
    });
    any |= object(out, "uncertain", readings(), |reading| match reading {
        Reading::Uncertain(value, why) => is_finite(value).then_some(Cell::Why(*why)),
        _ => None,
    });
    any |= object(out, "bad", readings(), |reading| match reading {
        Reading::Bad(why) => Some(Cell::Why(*why)),
        // The decoders let no such float through. JSON has no word for it, so it must not pass here either.
        Reading::Good(value) | Reading::Uncertain(value, _) => {
            (!is_finite(value)).then_some(Cell::Why(Why::NotANumber))
        }
    });
    if let Some(stamps) = scan.stamps.as_deref().filter(|_| any) {
        let places = scan.readings.iter().zip(tags).zip(stamps).enumerate();
        let reported = places.filter(|(place, ((reading, _), _))| mask.allows(*place) && reading.is_some());
        stamps::put(out, reported.map(|(_, ((_, tag), stamp))| (tag, stamp)));
    }
    out.push('}');
    any
}

/// What stands behind a tag's name.
enum Cell<'a> {
    Value(&'a Value),
    Why(Why),
}

/// `,"<name>":{"<tag>":<cell>,...}` of the readings for which `pick` has a cell; nothing at all when there is none.
fn object<'a>(
    out: &mut String,
    name: &str,
    readings: impl Iterator<Item = (&'a Reading, &'a TagInfo)>,
    pick: impl Fn(&'a Reading) -> Option<Cell<'a>>,
) -> bool {
    let mut open = false;
    for (reading, tag) in readings {
        let Some(cell) = pick(reading) else { continue };
        if open {
            out.push(',');
        } else {
            write!(out, ",\"{name}\":{{").expect("writing to a String cannot fail");
            open = true;
        }
        text(out, &tag.name);
        out.push(':');
        match cell {
            Cell::Value(value) => put(out, value),
            Cell::Why(why) => text(out, why.as_str()),
        }
    }
    if open {
        out.push('}');
    }
    open
}

/// A value as JSON writes it; one that is JSON already as it is. Floats as the shortest text that reads back as the same float: `231.5`, and `0.1` for the
/// single-precision `0.1` too.
fn put(out: &mut String, value: &Value) {
    match value {
        Value::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Value::I64(v) => write!(out, "{v}").expect("writing to a String cannot fail"),
        Value::U64(v) => write!(out, "{v}").expect("writing to a String cannot fail"),
        Value::F32(v) => out.push_str(&serde_json::to_string(v).expect("a float is always JSON")),
        Value::F64(v) => out.push_str(&serde_json::to_string(v).expect("a float is always JSON")),
        Value::Text(v) => text(out, v),
        Value::Json(v) => out.push_str(v),
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::F32(v) => v.is_finite(),
        Value::F64(v) => v.is_finite(),
        _ => true,
    }
}

/// A JSON string. Names rarely hold anything that needs escaping; where they do, serde_json knows how.
fn text(out: &mut String, s: &str) {
    if s.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::to_string(s).expect("a string is always JSON"));
    } else {
        out.push('"');
        out.push_str(s);
        out.push('"');
    }
}

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("the messages are maps with string keys, which JSON always has")
}

#[cfg(test)]
pub(in crate::sink) mod tests;
