//! What left, as the egress log tells it: one line per message, and sums per day and sink. Pure; times are arguments.
//!
//! The rule: a line says what left, whither, how much of which class, and the SHA-256 by which anybody who holds the
//! payload can find it. The payload itself never stands there.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Mask, Token};
use crate::model::{Class, DataRecord, EventRecord, Grade, Level, MessageId, Stream, Timestamp};

/// A payload and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The bytes for the broker.
    pub payload: Vec<u8>,
    /// What they hold.
    pub contents: Contents,
}

impl From<Vec<u8>> for Message {
    /// A payload without samples: births, states.
    fn from(payload: Vec<u8>) -> Message {
        Message { payload, contents: Contents::default() }
    }
}

/// What a message holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its identity, if it is a record of the journal.
    pub id: Option<MessageId>,
    /// Samples by grade.
    pub samples: BTreeMap<Grade, u64>,
}

impl Contents {
    /// Of the message that `mask` makes of a record.
    pub fn of_data(record: &DataRecord, mask: &Mask) -> Contents {
        let id = MessageId { boot: record.boot, stream: Stream::Data, seq: record.seq };
        let mut samples = BTreeMap::new();
        for place in 0..record.group.tags.len() {
            let Some(grade) = mask.grade(place) else { continue };
            let count = record.scans.iter().filter(|scan| matches!(scan.readings.get(place), Some(Some(_)))).count();
            if count > 0 {
                *samples.entry(grade).or_default() += count as u64;
            }
        }
        Contents { id: Some(id), samples }
    }

    /// Of an event's message.
    pub fn of_event(record: &EventRecord) -> Contents {
        let id = MessageId { boot: record.boot, stream: Stream::Events, seq: record.seq };
        Contents { id: Some(id), samples: BTreeMap::new() }
    }
}

/// What a message was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Samples.
    Data,
    /// An event, later an indicator.
    Event,
    /// What a device has.
    Birth,
    /// That the agent is there, or goes.
    State,
    /// What the broker shall say if the agent is gone; handed over at each login.
    Will,
}

impl Kind {
    /// Of a message that the courier sent as `token`.
    pub fn of(token: Token, topic: &str) -> Kind {
        match token {
            Token::Record(Stream::Data, _) => Kind::Data,
            Token::Record(Stream::Events, _) => Kind::Event,
            Token::Other if topic.ends_with("/birth") => Kind::Birth,
            Token::Other => Kind::State,
        }
    }
}

/// One message that was handed to a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Through which sink.
    pub sink: Arc<str>,
    /// Under which topic.
    pub topic: String,
    /// What for.
    pub kind: Kind,
    /// What it held.
    pub contents: Contents,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Of the payload.
    pub sha256: [u8; 32],
}

impl Entry {
    /// The entry of a message that left at `at`.
    pub fn of(at: Timestamp, sink: Arc<str>, topic: &str, kind: Kind, payload: &[u8], contents: Contents) -> Entry {
        let bytes = payload.len() as u64;
        Entry { at, sink, topic: topic.to_owned(), kind, contents, bytes, sha256: sha256(payload) }
    }

    /// Its line, without the line feed.
    pub fn line(&self, zone: &TimeZone) -> Line {
        let graded: Vec<Graded> = Graded::all(&self.contents.samples);
        Line {
            time: clock(self.at, zone),
            sink: self.sink.to_string(),
            topic: self.topic.clone(),
            kind: self.kind,
            id: self.contents.id.map(|id| id.to_string()),
            samples: graded.iter().map(|graded| graded.samples).sum(),
            graded,
            bytes: self.bytes,
            sha256: hex(&self.sha256),
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// With the offset of the workshop's zone: `2026-01-31T08:00:00.000+08:00`.
    pub time: String,
    /// The sink's name.
    pub sink: String,
    /// The topic.
    pub topic: String,
    /// What for.
    pub kind: Kind,
    /// `<boot>-<stream>-<seq>`, the `id` in the payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Samples in it.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub samples: u64,
    /// The same by class and level.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub graded: Vec<Graded>,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Of the payload, in hexadecimal digits.
    pub sha256: String,
}

/// What the log says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// As in [`Line`].
    pub time: String,
    /// What happened to the log.
    pub note: Note,
}

/// What happened to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Note {
    /// The agent started, and the log goes on.
    Started {
        /// The agent's start.
        boot: String,
    },
    /// The agent stopped, and everything that left stands here.
    Stopped,
    /// The log was switched off: what leaves from here on does not stand here.
    SwitchedOff,
    /// The agent ended without closing the log: of what left after `after`, at most `seconds` are missing.
    NotClosed {
        /// When the log was written last; empty: nobody knows.
        after: String,
        /// So many seconds at most.
        seconds: u64,
    },
    /// Messages left that do not stand here.
    NotLogged {
        /// How many.
        messages: u64,
    },
    /// A file of the log was deleted, since it was older or the log larger than the configuration allows.
    Deleted {
        /// Its name.
        file: String,
    },
}

/// A line as it is read back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Read {
    /// A message.
    Message(Line),
    /// What the log says of itself.
    Remark(Remark),
}

impl Read {
    /// A line of the log; `None`: it is none.
    pub fn parse(line: &str) -> Option<Read> {
        serde_json::from_str(line).ok()
    }
}

/// Samples of one class and level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// Word of the class.
    pub class: String,
    /// Word of the level.
    pub level: String,
    /// How many.
    pub samples: u64,
}

impl Graded {
    fn all(samples: &BTreeMap<Grade, u64>) -> Vec<Graded> {
        let graded = |(grade, samples): (&Grade, &u64)| Graded {
            class: grade.class.as_str().into(),
            level: grade.level.as_str().into(),
            samples: *samples,
        };
        samples.iter().map(graded).collect()
    }

    /// The grade, if the words are known.
    pub fn grade(&self) -> Option<Grade> {
        Some(Grade { class: Class::parse(&self.class)?, level: Level::parse(&self.level)? })
    }
}

/// What left through one sink on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// `2026-01-31`, in the workshop's zone.
    pub day: String,
    /// The sink's name.
    pub sink: String,
    /// The first message that is counted here.
    pub from: String,
    /// The last one.
    pub until: String,
    /// Messages of all kinds.
    pub messages: u64,
    /// Those with samples.
    pub data: u64,
    /// Those with an event.
    pub events: u64,
    /// Births, states and wills.
    pub others: u64,
    /// Bytes of payloads.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
    /// The same by class and level.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub graded: Vec<Graded>,
    /// Messages that left and do not stand in the log; counted under an empty sink name.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub not_logged: u64,
}

impl Total {
    /// Counts one message.
    pub fn add(&mut self, line: &Line) {
        if self.from.is_empty() {
            self.from.clone_from(&line.time);
        }
        self.until.clone_from(&line.time);
        self.messages += 1;
        let kind = match line.kind {
            Kind::Data => &mut self.data,
            Kind::Event => &mut self.events,
            Kind::Birth | Kind::State | Kind::Will => &mut self.others,
        };
        *kind += 1;
        self.bytes += line.bytes;
        self.samples += line.samples;
        for graded in &line.graded {
            match self.graded.iter_mut().find(|known| (&known.class, &known.level) == (&graded.class, &graded.level)) {
                Some(known) => known.samples += graded.samples,
                None => self.graded.push(graded.clone()),
            }
        }
    }

    /// Takes another sum of the same day and sink in.
    pub fn merge(&mut self, other: &Total) {
        if self.from.is_empty() {
            self.from.clone_from(&other.from);
        }
        self.until.clone_from(&other.until);
        self.messages += other.messages;
        self.data += other.data;
        self.events += other.events;
        self.others += other.others;
        self.bytes += other.bytes;
        self.samples += other.samples;
        self.not_logged += other.not_logged;
        for graded in &other.graded {
            match self.graded.iter_mut().find(|known| (&known.class, &known.level) == (&graded.class, &graded.level)) {
                Some(known) => known.samples += graded.samples,
                None => self.graded.push(graded.clone()),
            }
        }
    }
}

/// The sums of the days that are not closed yet: the running one, and those that the disk did not take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals(pub Vec<Total>);

impl Totals {
    /// Counts one message on its day.
    pub fn add(&mut self, line: &Line) {
        self.of(day(&line.time), &line.sink).add(line);
    }

    /// Counts messages that left and do not stand in the log.
    pub fn not_logged(&mut self, day: &str, messages: u64) {
        self.of(day, "").not_logged += messages;
    }

    /// Takes out what belongs to other days than this one: they are over.
    pub fn over(&self, today: &str) -> Vec<Total> {
        self.0.iter().filter(|total| total.day != today).cloned().collect()
    }

    fn of(&mut self, day: &str, sink: &str) -> &mut Total {
        let found = self.0.iter().position(|total| total.day == day && total.sink == sink);
        let at = found.unwrap_or_else(|| {
            self.0.push(Total { day: day.to_owned(), sink: sink.to_owned(), ..Total::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}

/// The day of a time of the log.
pub fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

/// A moment on the workshop's clock, with its offset.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// The SHA-256 of a payload.
pub fn sha256(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Group, Reading, Scan, Value, Why};
    use crate::sink::Scope;
    use crate::sink::payload::{self, tests::tag};
    use std::time::Duration;

    fn shanghai() -> TimeZone {
        crate::model::zone("Asia/Shanghai").expect("the zone is bundled")
    }

    fn record() -> DataRecord {
        let recipe = Grade { class: Class::ProcessParameter, level: Level::Important };
        let tags = vec![tag("temp"), crate::model::TagInfo { grade: recipe, ..tag("recipe") }, tag("stays")];
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), tags));
        let readings = |recipe| vec![Some(Reading::Good(Value::I64(1))), recipe, Some(Reading::Good(Value::I64(3)))];
        let scan = |at, recipe| Scan { at: Timestamp(at), mono_ms: 0, readings: readings(recipe), stamps: None };
        let scans = vec![scan(1, None), scan(2, Some(Reading::Bad(Why::Timeout))), scan(3, None)];
        DataRecord { seq: 7, boot: BootId(0xabc), group, clock: crate::model::ClockMark::Trusted, scans }
    }

    fn entry(at: i64, contents: Contents) -> Entry {
        Entry::of(Timestamp(at), "cloud".into(), "p/e/w/m/data", Kind::Data, b"abc", contents)
    }

    #[test]
    fn a_message_is_counted_by_what_it_holds_and_not_by_what_the_scope_would_open() {
        let record = record();
        let sink = crate::sink::testbed::sink(1, crate::config::Security::Plaintext);
        let mut sink = crate::config::Sink { send: vec!["m.temp".into(), "m.recipe".into()], ..sink };
        let mask = Scope::of(&sink, &[]).mask("m", &record.group.tags);
        let once = Contents::of_data(&record, &mask);
        assert_eq!(once.samples, BTreeMap::from([(Grade::default(), 3)]), "the recipe is named once only");
        sink.send_important = vec!["m.recipe".into()];
        let mask = Scope::of(&sink, &[]).mask("m", &record.group.tags);
        let twice = Contents::of_data(&record, &mask);
        let recipe = Grade { class: Class::ProcessParameter, level: Level::Important };
        assert_eq!(twice.samples, BTreeMap::from([(Grade::default(), 3), (recipe, 1)]));
        assert_eq!(twice.id.map(|id| id.to_string()).as_deref(), Some("000000000abc-data-7"));
        let message = payload::data(&record, &mask, 0).expect("something is in scope");
        let message: serde_json::Value = serde_json::from_slice(&message).expect("payloads are JSON");
        let cells = |key: &str| {
            let samples = message["samples"].as_array().expect("a list");
            samples.iter().filter_map(|sample| sample[key].as_object()).map(serde_json::Map::len).sum::<usize>()
        };
        assert_eq!((cells("values") + cells("bad")) as u64, twice.samples.values().sum::<u64>());
    }

    #[test]
    fn a_line_says_what_left_and_holds_no_payload() {
        let recipe = Grade { class: Class::ProcessParameter, level: Level::Important };
        let id = MessageId { boot: BootId(1), stream: Stream::Data, seq: 7 };
        let contents = Contents { id: Some(id), samples: BTreeMap::from([(Grade::default(), 2), (recipe, 1)]) };
        let line = entry(1_767_225_600_123, contents).line(&shanghai());
        let text = serde_json::to_string(&line).expect("a line is JSON");
        assert_eq!(
            text,
            "{\"time\":\"2026-01-01T08:00:00.123+08:00\",\"sink\":\"cloud\",\"topic\":\"p/e/w/m/data\",\"kind\":\"data\",\
             \"id\":\"000000000001-data-7\",\"samples\":3,\"graded\":[{\"class\":\"production/state\",\"level\":\"general\",\
             \"samples\":2},{\"class\":\"production/parameter\",\"level\":\"important\",\"samples\":1}],\"bytes\":3,\
             \"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}"
        );
        assert_eq!(Read::parse(&text), Some(Read::Message(line)));
    }

    #[test]
    fn remarks_are_read_back_and_are_no_messages() {
        let notes = [
            Note::Started { boot: "1".into() },
            Note::Stopped,
            Note::SwitchedOff,
            Note::NotClosed { after: String::new(), seconds: 60 },
            Note::NotLogged { messages: 3 },
            Note::Deleted { file: "f".into() },
        ];
        for note in notes {
            let remark = Remark { time: clock(Timestamp(0), &TimeZone::UTC), note };
            let text = serde_json::to_string(&remark).expect("a remark is JSON");
            assert_eq!(Read::parse(&text), Some(Read::Remark(remark)), "{text}");
        }
        assert_eq!(Read::parse("{\"time\":\"x\"}"), None);
    }

    #[test]
    fn a_day_is_that_of_the_workshop_and_its_sums_are_the_sums_of_its_lines() {
        let mut totals = Totals::default();
        let grade = |n| Contents { id: None, samples: BTreeMap::from([(Grade::default(), n)]) };
        // 23:59:59.999 and 00:00 in Shanghai.
        let lines = [(1_767_196_799_999, 2), (1_767_196_800_000, 3), (1_767_196_801_000, 4)];
        let lines = lines.map(|(at, samples)| entry(at, grade(samples)).line(&shanghai()));
        lines.iter().for_each(|line| totals.add(line));
        let seen: Vec<_> = totals.0.iter().map(|t| (t.day.as_str(), t.messages, t.samples, t.bytes)).collect();
        assert_eq!(seen, [("2025-12-31", 1, 2, 3), ("2026-01-01", 2, 7, 6)]);
        assert_eq!(totals.0[1].graded, [Graded { samples: 7, ..lines[0].graded[0].clone() }]);
        assert_eq!((totals.0[1].from.as_str(), totals.0[1].until.as_str()), (&*lines[1].time, &*lines[2].time));
        assert_eq!(totals.over("2026-01-01"), [totals.0[0].clone()]);
        let mut sum = Total { day: "2026-01-01".into(), sink: "cloud".into(), ..Total::default() };
        lines[1..].iter().for_each(|line| {
            let mut one = Total { day: sum.day.clone(), sink: sum.sink.clone(), ..Total::default() };
            one.add(line);
            sum.merge(&one);
        });
        assert_eq!(sum, totals.0[1]);
    }

    #[test]
    #[ignore = "a measurement"]
    fn nanoseconds_per_message() {
        for size in [200, 1_000, 10_000, 100_000] {
            let payload = vec![b'x'; size];
            let began = std::time::Instant::now();
            let rounds = 20_000_000 / size;
            for _ in 0..rounds {
                std::hint::black_box(sha256(std::hint::black_box(&payload)));
            }
            let hashed = began.elapsed().as_nanos() as usize / rounds;
            let (began, zone) = (std::time::Instant::now(), shanghai());
            for at in 0..20_000 {
                std::hint::black_box(serde_json::to_string(&entry(at, Contents::default()).line(&zone)).expect("JSON"));
            }
            println!("{size} bytes: {hashed} ns hashed, {} ns written", began.elapsed().as_nanos() / 20_000);
        }
    }
}
