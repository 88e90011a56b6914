//! What one message says of itself: identity, what was sent before it, how many samples, and a digest of its content.
//! docs/MESSAGES.md is the other side of this file.
//!
//! The rule: anything that is not one of our data or event messages is [`Kind::Beside`], never an error.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value as Json};

use crate::model::{BootId, Seq, Stream};

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// `prefix/enterprise/workshop`; empty where the topic is not known.
    pub workshop: String,
    /// Of which stream.
    pub stream: Stream,
    /// The start of the agent in which it was written.
    pub boot: BootId,
    /// Its position.
    pub seq: Seq,
    /// The position that was sent before it; `None`: it begins a live part, before which a gap is still to be filled.
    pub prev: Option<Seq>,
    /// It fills the gap of an outage behind current data.
    pub is_history: bool,
    /// Nothing is missing between these two positions.
    pub filled: Option<(Seq, Seq)>,
    /// Readings in it; none in an event.
    pub samples: u64,
    /// The earliest and the latest time in it, milliseconds since 1970.
    pub times: Option<(i64, i64)>,
    /// What it says, apart from how it was delivered.
    pub content: u64,
    /// The same apart from times.
    pub timeless: u64,
    /// Whether its times came from a clock that was not trusted yet, and as they are: they may come again corrected.
    pub clock: Option<String>,
    /// What an event tells of the agent itself.
    pub told: Option<Told>,
}

/// Events that bear on the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The agent started. `missing`: records that it knows to have been written and did not find.
    Started {
        /// How the run before ended: `clean`, `crash` or `none`.
        previous: String,
        /// Records.
        missing: u64,
    },
    /// The agent gave samples up, and says so.
    Dropped {
        /// How many.
        samples: u64,
    },
}

/// Why a message is no part of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// A birth, the state of the agent or of a machine.
    BirthOrState,
    /// Kept by the broker from before: data and events never are.
    Retained,
    /// Of another program, or not readable.
    Other,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Part of a stream.
    Message(Box<Heard>),
    /// No part of one.
    Beside(Beside),
}

/// Reads a message. `topic` is `None` where only payloads were kept.
pub fn read(topic: Option<&str>, payload: &[u8], is_retained: bool) -> Kind {
    let ends_with = |word: &str| topic.is_some_and(|topic| topic.rsplit('/').next() == Some(word));
    if ends_with("birth") || ends_with("state") {
        return Kind::Beside(Beside::BirthOrState);
    }
    match heard(topic, payload) {
        Some(_) if is_retained => Kind::Beside(Beside::Retained),
        Some(heard) => Kind::Message(Box::new(heard)),
        None if topic.is_none() && is_birth_or_state(payload) => Kind::Beside(Beside::BirthOrState),
        None => Kind::Beside(Beside::Other),
    }
}

fn heard(topic: Option<&str>, payload: &[u8]) -> Option<Heard> {
    let Ok(Json::Object(mut message)) = serde_json::from_slice(payload) else { return None };
    let (boot, stream, seq) = id(message.get("id")?.as_str()?)?;
    let workshop = topic.map_or(Some(String::new()), |topic| workshop_of(topic, stream))?;
    let prev = match message.remove("prev") {
        None if message.get("live") == Some(&Json::Bool(true)) => None,
        prev => Some(prev?.as_u64()?),
    };
    let filled = match message.remove("filled") {
        None => None,
        Some(pair) => Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?)),
    };
    message.remove("live");
    let is_history = message.remove("history") == Some(Json::Bool(true));
    let (samples, times) = match stream {
        Stream::Data => counted(message.get("samples")?.as_array()?),
        Stream::Events => (0, message.get("ts").and_then(Json::as_i64).map(|ts| (ts, ts))),
    };
    let told = told(&message);
    let content = digest(&message);
    let clock = message.remove("clock").and_then(|clock| clock.as_str().map(str::to_owned));
    let timeless = digest(&without_times(message));
    Some(Heard {
        workshop,
        stream,
        boot,
        seq,
        prev,
        is_history,
        filled,
        samples,
        times,
        content,
        timeless,
        clock,
        told,
    })
}

/// `<12 hexadecimal digits>-<stream>-<position>`
fn id(text: &str) -> Option<(BootId, Stream, Seq)> {
    let mut parts = text.split('-');
    let (boot, stream, seq) = (parts.next()?, parts.next()?, parts.next()?);
    let is_boot = boot.len() == 12 && boot.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_boot || parts.next().is_some() || !seq.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let stream = Stream::ALL.into_iter().find(|known| known.as_str() == stream)?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
    Some((BootId(u64::from_str_radix(boot, 16).ok()?), stream, seq))
}

/// `prefix/enterprise/workshop/device/data`, `prefix/enterprise/workshop/events`.
fn workshop_of(topic: &str, stream: Stream) -> Option<String> {
    let (rest, last) = topic.rsplit_once('/')?;
    if last != stream.as_str() {
        return None;
    }
    let workshop = if stream == Stream::Data { rest.rsplit_once('/')?.0 } else { rest };
    Some(workshop.to_owned())
}

/// Readings, and the earliest and latest time.
fn counted(samples: &[Json]) -> (u64, Option<(i64, i64)>) {
    let size = |sample: &Json, key: &str| sample.get(key).and_then(Json::as_object).map_or(0, Map::len) as u64;
    // An uncertain value stands in `values` as well.
    let readings = samples.iter().map(|sample| size(sample, "values") + size(sample, "bad")).sum();
    let times = || samples.iter().filter_map(|sample| sample.get("ts")?.as_i64());
    (readings, times().min().zip(times().max()))
}

fn told(message: &Map<String, Json>) -> Option<Told> {
    let number = |key: &str| message.get(key).and_then(Json::as_u64).unwrap_or(0);
    match message.get("event")?.as_str()? {
        "started" => {
            let previous = message.get("previous")?.as_str()?.to_owned();
            Some(Told::Started { previous, missing: number("missing") })
        }
        "dropped" => Some(Told::Dropped { samples: number("samples") }),
        _ => None,
    }
}

/// Without what a corrected clock changes.
fn without_times(mut message: Map<String, Json>) -> Map<String, Json> {
    message.remove("ts");
    for sample in message.get_mut("samples").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(sample) = sample.as_object_mut() {
            sample.remove("ts");
            sample.remove("mono");
        }
    }
    message
}

/// 64 bits of what was said. Against accidents, not against forgers: those a broker's login keeps out.
fn digest(message: &Map<String, Json>) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}

fn is_birth_or_state(payload: &[u8]) -> bool {
    let Ok(Json::Object(message)) = serde_json::from_slice(payload) else { return false };
    let of_a_machine = ["device", "state", "since"].iter().all(|key| message.contains_key(*key));
    of_a_machine || message.contains_key("boot") && (message.contains_key("tags") || message.contains_key("online"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = r#"{"device":"m","id":"0123456789ab-data-7","prev":6,"samples":[{"ts":5,"values":{"a":1,"b":2.5},"uncertain":{"a":"unmapped"},"bad":{"c":"timeout"}},{"ts":9,"values":{"a":2}}]}"#;

    fn of(topic: &str, payload: &str) -> Option<Heard> {
        match read(Some(topic), payload.as_bytes(), false) {
            Kind::Message(heard) => Some(*heard),
            Kind::Beside(_) => None,
        }
    }

    #[test]
    fn a_data_message_tells_its_place_and_what_is_in_it() {
        let heard = of("a/e/w/m/data", DATA).unwrap();
        assert_eq!((heard.workshop.as_str(), heard.seq, heard.prev, heard.samples), ("a/e/w", 7, Some(6), 4));
        assert_eq!((heard.boot, heard.times), (BootId(0x0123_4567_89ab), Some((5, 9))));
    }

    #[test]
    fn how_a_message_was_delivered_is_no_part_of_what_it_says() {
        let base = of("a/e/w/m/data", DATA).unwrap();
        for other in [
            DATA.replace("\"prev\":6", "\"live\":true"),
            DATA.replace("\"prev\":6", "\"prev\":5,\"history\":true"),
            DATA.replace("\"prev\":6", "\"prev\":5,\"filled\":[1,6]"),
        ] {
            assert_eq!(of("a/e/w/m/data", &other).unwrap().content, base.content, "{other}");
        }
        let changed = of("a/e/w/m/data", &DATA.replace("2.5", "2.6")).unwrap();
        assert_ne!((changed.content, changed.timeless), (base.content, base.timeless));
        let corrected =
            DATA.replace("\"ts\":5", "\"ts\":6").replace("\"prev\":6", "\"prev\":6,\"clock\":\"corrected\"");
        let corrected = of("a/e/w/m/data", &corrected).unwrap();
        assert_ne!(corrected.content, base.content);
        assert_eq!((corrected.timeless, corrected.clock.as_deref()), (base.timeless, Some("corrected")));
    }

    #[test]
    fn what_is_not_ours_is_beside() {
        let beside = |topic: Option<&str>, payload: &str, retained| match read(topic, payload.as_bytes(), retained) {
            Kind::Beside(beside) => beside,
            Kind::Message(heard) => panic!("{heard:?}"),
        };
        assert_eq!(beside(Some("a/e/w/m/birth"), DATA, true), Beside::BirthOrState);
        assert_eq!(beside(Some("a/e/w/state"), "{}", true), Beside::BirthOrState);
        assert_eq!(beside(None, r#"{"online":true,"boot":"x"}"#, false), Beside::BirthOrState);
        assert_eq!(beside(Some("a/e/w/m/data"), DATA, true), Beside::Retained);
        for (topic, payload) in [
            ("x", "hello"),
            ("a/e/w/events", DATA),
            ("data", DATA),
            ("a/e/w/m/data", "{"),
            ("a/e/w/m/data", "[1]"),
            ("a/e/w/m/data", &DATA.replace("data-7", "data-0")),
            ("a/e/w/m/data", &DATA.replace("data-7", "data-+7")),
            ("a/e/w/m/data", &DATA.replace("data-7", "data-7-8")),
            ("a/e/w/m/data", &DATA.replace("0123456789ab", "0123456789AB")),
            ("a/e/w/m/data", &DATA.replace("\"prev\":6,", "")),
            ("a/e/w/m/data", &DATA.replace("\"prev\":6", "\"prev\":-1")),
            ("a/e/w/m/data", &DATA.replace("samples", "sample")),
        ] {
            assert_eq!(beside(Some(topic), payload, false), Beside::Other, "{topic} {payload}");
        }
    }

    #[test]
    fn events_that_bear_on_the_proof_are_told() {
        let event = |rest: &str| {
            let payload = format!(r#"{{"id":"0123456789ab-events-7","prev":6,"ts":5,{rest}}}"#);
            of("a/e/w/events", &payload).unwrap().told
        };
        let started = Told::Started { previous: "crash".into(), missing: 3 };
        assert_eq!(event(r#""event":"started","previous":"crash","missing":3"#), Some(started));
        assert_eq!(event(r#""event":"dropped","samples":12,"cause":"max_age""#), Some(Told::Dropped { samples: 12 }));
        assert_eq!(event(r#""event":"link","link":"l","state":"up""#), None);
    }
}
