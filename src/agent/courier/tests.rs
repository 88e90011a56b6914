//! A courier on a real journal, against brokers that do as a script says: what mosquitto never does.

mod brokers;
mod script;

use std::sync::atomic::Ordering;

use super::*;
use crate::agent::flight::Lane;
use crate::agent::recorder::{Command, Recorder};
use crate::config::{Persist, Security};
use crate::journal::{Journal, Limits, NewData, Reader, Round, Settings};
use crate::model::{
    Batch, Cursor, DataRecord, Deadband, Group, Reading, ReportRule, Scan, Seq, TagInfo, Timestamp, Value, ValueKind,
};
use crate::sink::Refused;
use crate::source::Heard;

const WORKSHOP: &str = r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[[device]]
id = "m"
[[sink]]
name = "s"
mqtt = "mqtts://b"
send = ["m"]
"#;

/// By a sink that was there before.
const GIVEN_UP_BEFORE: u64 = 5;

/// What a courier talks to.
struct Others {
    recorder: Recorder,
    place: crate::journal::Place,
    status: watch::Receiver<SinkStatus>,
    progress: watch::Receiver<Progress>,
    order: watch::Sender<Order>,
    _dir: tempfile::TempDir,
}

fn group() -> Arc<Group> {
    let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
    let tag = TagInfo { name: "n".into(), unit: None, kind: ValueKind::Int, report, grade: Default::default() };
    Arc::new(Group::new("m".into(), Duration::from_secs(1), vec![tag]))
}

/// A courier on a journal with this many records, of which the memory holds nothing, as after a long outage. The reading of each is
/// its position.
async fn courier(port: u16, records: u64, settle: impl FnOnce(&mut Sink)) -> (Courier, Others) {
    let dir = tempfile::tempdir().unwrap();
    // The readings are of 1970, and are to stay.
    let limits = Limits { max_age: Duration::from_secs(200 * 365 * 86_400), ..Limits::default() };
    let settings = Settings { dir: dir.path().to_owned(), limits };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    let group = group();
    let data = |n: u64| {
        let readings = vec![Some(Reading::Good(Value::U64(n)))];
        let scans = vec![Scan { at: Timestamp(n as i64), mono_ms: 0, readings, stamps: None }];
        NewData::new(group.clone(), scans)
    };
    let numbered = journal.number((1..=records).map(data).collect(), Vec::new());
    journal.commit(&numbered.data, &numbered.events).unwrap();
    let place = journal.reader();
    let recorder = Recorder::start(
        journal,
        Duration::from_millis(100),
        Persist::Undelivered,
        128_000,
        crate::config::Clock::DEFAULT,
        Instant::now(),
    );
    let config = Arc::new(Config::parse(WORKSHOP).unwrap());
    let mut sink = (*config.sinks[0]).clone();
    (sink.host, sink.port, sink.security) = ("127.0.0.1".into(), port, Security::Plaintext);
    settle(&mut sink);
    let (status, seen) = watch::channel(SinkStatus::default());
    let (progress, seen_progress) = watch::channel(recorder.progress_of("s").await);
    let (orders, order) = watch::channel(Order::Work);
    recorder.tell(Command::Sinks([("s".to_owned(), seen_progress.clone())].into()));
    let witness = crate::sink::witness::channel(std::thread::current()).0.witness(&"s".into());
    let tallies = watch::Sender::new(Tallies::default());
    let devices = std::collections::HashSet::from(["m".into()]);
    let audience = super::super::recorder::Audience { devices, tallies: tallies.clone() };
    recorder.tell(Command::Audiences(BootId(1), [("s".to_owned(), audience)].into()));
    let (tail, orders_of) = (recorder.tail(), recorder.orders());
    let (boot, started) = (BootId(1), Instant::now());
    let given_up = Arc::new(AtomicU64::new(GIVEN_UP_BEFORE));
    let desk = Desk { progress, status, order, tail, recorder: orders_of, boot, started, tallies, given_up, witness };
    let others = Others { recorder, place, status: seen, progress: seen_progress, order: orders, _dir: dir };
    (Courier::new(config, Arc::new(sink), desk), others)
}

impl Others {
    /// A scan of the machine.
    async fn hear(&self, n: u64) {
        let readings = vec![Some(Reading::Good(Value::U64(n)))];
        let batch =
            Batch { group: group(), at: Timestamp(n as i64), mono_ms: n, due_ms: Some(n), readings, stamps: None };
        assert!(self.recorder.outlet().put(Heard::Batch(batch)).await);
    }

    /// Waits until everything up to this position is done.
    async fn delivered(&mut self, position: Seq) {
        let done = self.progress.wait_for(|progress| progress.data.position >= position);
        let done = tokio::time::timeout(Duration::from_secs(60), done).await.is_ok();
        assert!(done, "it never arrives: {:?}, {:?}", self.status.borrow(), self.progress.borrow());
    }
}

/// Runs a courier against this broker until its trouble is this one.
async fn check(script: script::Script, expected: Code) {
    let (courier, mut others) = courier(script.port, 0, |sink| sink.ack_timeout = Duration::from_secs(1)).await;
    let task = tokio::spawn(courier.run());
    let is_expected = |status: &SinkStatus| status.trouble.as_ref().is_some_and(|trouble| trouble.code == expected);
    let told = tokio::time::timeout(Duration::from_secs(20), others.status.wait_for(is_expected)).await.is_ok();
    task.abort();
    assert!(told, "{expected} is told in time, not {:?}", others.status.borrow().trouble);
}

#[tokio::test]
async fn a_broker_that_does_not_acknowledge_the_birth_is_not_waited_for_for_ever() {
    check(script::Script::start(|_| script::Act::Nothing).await, words::ACK_TIMEOUT).await;
}

#[tokio::test]
async fn a_twin_that_throws_us_out_again_and_again_is_named() {
    check(script::Script::start(|_| script::Act::HangUp).await, words::TAKEN_OVER).await;
}

#[tokio::test]
async fn a_damaged_record_is_counted_and_leaves_a_gap_that_the_receiver_sees() {
    let (mut courier, others) = courier(1, 3, |_| ()).await;
    crate::journal::tests::damage(&others.place, 2);
    let mut lane: Lane<DataRecord> = Lane::new(Cursor::default(), 10);
    let mut seqs = Vec::new();
    while let Some(record) = courier.next(&mut lane, Seq::MAX).await.unwrap() {
        seqs.push((record.seq, lane.window.last_sent()));
        lane.window.sent(record.seq, Instant::now());
    }
    assert_eq!(seqs, [(1, 0), (3, 2)]);
    assert_eq!(others.status.borrow().damaged, 1);
}

#[tokio::test]
async fn a_long_stretch_that_may_not_leave_is_passed_in_steps_between_which_progress_is_told() {
    let script = script::Script::start(|_| script::Act::Ack).await;
    let (mut courier, mut others) = courier(script.port, 1_000, |sink| sink.window = 1_000).await;
    courier.scope = Scope::of(&Sink { send: Vec::new(), ..(*courier.sink).clone() }, &[]);
    let mut uplink = courier.connect().await.unwrap().unwrap();
    let mut flight = Flight::new(&courier.desk.progress.borrow().clone(), 1_000, std::collections::VecDeque::new());
    let wake = courier.fill(&mut flight, &mut uplink).await.unwrap();
    let position = flight.progress(courier.budget.usage()).data.position;
    assert!(wake.is_some() && (200..300).contains(&position), "{wake:?}, {position}");
    uplink.close().await;
    let task = tokio::spawn(courier.run());
    others.delivered(1_000).await;
    task.abort();
}

#[test]
fn what_was_given_up_since_the_tail_was_announced_is_a_gap_that_the_receiver_sees() {
    use super::fetch::{Fetched, Step};
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { dir: dir.path().to_owned(), limits: Limits::default() };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
    journal.cursor("s", Stream::Data);
    let commit = |journal: &mut Journal, records: u64| {
        let scan =
            Scan { at: Timestamp(0), mono_ms: 0, readings: vec![Some(Reading::Good(Value::U64(1)))], stamps: None };
        let new = (0..records).map(|_| NewData::new(group(), vec![scan.clone()])).collect();
        let numbered = journal.number(new, Vec::new());
        journal.commit(&numbered.data, &numbered.events).unwrap();
    };
    commit(&mut journal, 4);
    let after = |seconds| Round { mono: Duration::from_secs(seconds), ..Round::from(Timestamp(0)) };
    journal.maintain(after(0)).unwrap();
    commit(&mut journal, 2);
    let tail = Tail::new(&journal);
    journal.set_limits(Limits { max_age: Duration::from_secs(10), ..Limits::default() });
    assert_eq!(journal.maintain(after(20)).unwrap()[0].records, 4);
    let mut reader = Reader::open(&tail.place).unwrap();
    let mut lane: Lane<DataRecord> = Lane::new(Cursor::default(), 10);
    let mut seqs = Vec::new();
    loop {
        match lane.step(&tail, Seq::MAX) {
            Step::Record(record) => {
                seqs.push((record.seq, lane.window.last_sent()));
                lane.window.sent(record.seq, Instant::now());
            }
            Step::Read { after, through } => {
                let found = DataRecord::read(&mut reader, after, through).unwrap();
                lane.arrived(found, through, &tail);
            }
            Step::Damaged(seq) => panic!("{seq} is damaged"),
            Step::Nothing => break,
        }
    }
    assert_eq!(seqs, [(5, 4), (6, 5)]);
}

#[tokio::test]
async fn a_file_that_was_just_renewed_is_read_again_soon_and_ends_no_connection() {
    let (mut courier, others) = courier(1, 3, |_| ()).await;
    let file = others.place.file().to_owned();
    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).unwrap();
    std::fs::write(&file, "").unwrap();
    let mut lane: Lane<DataRecord> = Lane::new(Cursor::default(), 10);
    assert_eq!(courier.next(&mut lane, Seq::MAX).await.unwrap(), None);
    assert!(courier.read_again.is_some());
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(courier.next(&mut lane, Seq::MAX).await.unwrap(), None, "not at once");
    courier.read_again = None;
    assert_eq!(courier.next(&mut lane, Seq::MAX).await.unwrap().map(|record| record.seq), Some(1));
}

#[tokio::test]
async fn samples_that_a_sink_gives_up_are_added_to_those_of_sinks_that_are_no_more() {
    let (courier, others) = courier(1, 0, |_| ()).await;
    assert!(courier.is_given_up(Refused::TooLarge { size: 9, limit: 8 }, "topic", 3));
    assert!(!courier.is_given_up(Refused::Full, "topic", 3), "later");
    assert_eq!(others.status.borrow().given_up, 3);
    assert_eq!(courier.desk.given_up.load(Ordering::Relaxed), GIVEN_UP_BEFORE + 3);
}
