//! Whatever a broker does, nothing is lost and no cursor passes what was not acknowledged; a record that it never takes blocks nothing; budgets and
//! `live_first` on a real connection.

use super::script::{Act, Came, Script};
use super::*;
use crate::agent::receiver::Receiver;
use crate::config::Backlog;
use crate::journal::{Poisoned, Reader};
use crate::model::Usage;

const RECORDS: u64 = 12;
const NONE: [Seq; 0] = [];

/// The broker misbehaves at the messages for which `decide` gives something, on its first connections; then all arrive.
async fn misbehave(name: &str, decide: impl Fn(&Came) -> Option<Act> + Send + Sync + 'static) {
    let hit = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = hit.clone();
    let script = Script::start(move |came| match decide(came) {
        Some(act) => {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            act
        }
        None => Act::Ack,
    })
    .await;
    let (courier, mut others) = courier(script.port, RECORDS, |sink| {
        (sink.ack_timeout, sink.retry_max) = (Duration::from_secs(1), Duration::from_secs(1));
    })
    .await;
    let mut watched = others.progress.clone();
    let task = tokio::spawn(courier.run());
    let watching = async {
        loop {
            let position = watched.borrow_and_update().data.position;
            let acked = script.acked();
            let passed = (1..=position.min(RECORDS)).find(|seq| !acked.contains(seq));
            assert_eq!(passed, None, "{name}: the cursor jumped to {position}");
            watched.changed().await.unwrap();
        }
    };
    tokio::select! {
        () = watching => {}
        () = others.delivered(RECORDS) => {}
    }
    task.abort();
    assert!(hit.load(std::sync::atomic::Ordering::SeqCst) > 0, "{name}: it never misbehaved");
    let receiver = received(&script);
    assert!(receiver.got.iter().copied().eq(1..=RECORDS), "{name}: {:?}", receiver.got);
    assert_eq!(receiver.missing(RECORDS), NONE, "{name}");
}

/// What a receiver made of the data messages that came.
fn received(script: &Script) -> Receiver {
    let mut receiver = Receiver::default();
    for came in script.came().iter().filter(|came| came.seq().is_some()) {
        receiver.read(&came.payload);
    }
    receiver
}

/// The act, at the record of this position and on the first connection alone.
fn once(seq: u64, act: Act) -> impl Fn(&Came) -> Option<Act> + Send + Sync {
    move |came| (came.connection == 0 && came.seq() == Some(seq)).then(|| act.clone())
}

#[tokio::test]
async fn whatever_a_broker_answers_nothing_is_lost_and_the_cursor_never_jumps() {
    let puback = |id: u16| [&[0x40, 2][..], &id.to_be_bytes()].concat();
    tokio::join!(
        misbehave("hangs up", once(5, Act::HangUp)),
        misbehave("says nothing", once(5, Act::Nothing)),
        misbehave("an unknown id", once(5, Act::SayAndAck(puback(60_000)))),
        misbehave("id 0", once(5, Act::Say(puback(0)))),
        misbehave("half a packet", once(5, Act::Say(vec![0x40, 2, 0]))),
        misbehave("a packet without its id", once(5, Act::Say(vec![0x40, 0]))),
        misbehave("a reason, as in MQTT 5", once(5, Act::Say(vec![0x40, 3, 0, 5, 0x87]))),
        misbehave("garbage", once(5, Act::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()))),
        misbehave("a length without end", once(5, Act::Say(vec![0x40, 0xff, 0xff, 0xff, 0xff, 0xff]))),
        misbehave("acknowledges when the line is gone", once(5, Act::AckTooLate)),
        misbehave("is slow", |came| came.seq().map(|_| Act::AckLater(Duration::from_millis(150)))),
        misbehave("hangs up at every third message of some connections", |came| {
            let seq = came.seq().filter(|seq| seq % 3 == 0)?;
            (came.connection as u64 * 3 < seq).then_some(Act::HangUp)
        }),
    );
}

#[tokio::test]
async fn a_record_at_which_the_broker_hangs_up_goes_to_the_quarantine_and_the_others_go_on() {
    let script = Script::start(|came| if came.seq() == Some(7) { Act::HangUp } else { Act::Ack }).await;
    let (courier, mut others) = courier(script.port, RECORDS, |sink| sink.retry_max = Duration::from_secs(1)).await;
    let task = tokio::spawn(courier.run());
    others.delivered(RECORDS).await;
    task.abort();
    assert_eq!(others.status.borrow().quarantined, 1);
    let receiver = received(&script);
    assert_eq!(receiver.missing(RECORDS), [7], "the receiver sees the gap");
    let mut reader = Reader::open(&others.place).unwrap();
    let found = reader.quarantined().unwrap();
    let [entry] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&*entry.sink, entry.seq, entry.samples, &*entry.cause), ("s", 7, 1, "CW451"));
    let Some(Poisoned::Data(record)) = &entry.record else { panic!("{entry:?}") };
    assert_eq!(record.scans[0].readings, [Some(Reading::Good(Value::U64(7)))]);
}

#[tokio::test]
async fn current_data_goes_out_first_and_the_backlog_behind_it_within_the_budget() {
    let script = Script::start(|_| Act::Ack).await;
    let (courier, mut others) = courier(script.port, 200, |sink| {
        (sink.backlog, sink.window) = (Backlog::LiveFirst, 16);
        sink.budget.messages_per_1000_s = Some(100_000);
    })
    .await;
    others.hear(201).await;
    others.recorder.flush().await;
    let task = tokio::spawn(courier.run());
    for n in 202..=240 {
        others.hear(n).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    others.delivered(200).await;
    others.hear(241).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    others.hear(242).await;
    let last = others.recorder.tail().borrow().last_data;
    others.delivered(last).await;
    task.abort();
    let came: Vec<Came> = script.came().into_iter().filter(|came| came.seq().is_some()).collect();
    let mut receiver = Receiver::default();
    let read: Vec<_> = came.iter().map(|came| receiver.read(&came.payload)).collect();
    let live = read.iter().position(|(_, sequel)| sequel.prev.is_none()).expect("a live part began");
    assert!(read[live].0 > 200 && live == 0, "the first live message was the {live}th: {:?}", read[live]);
    let history: Vec<Seq> = read.iter().filter(|(_, sequel)| sequel.is_history).map(|(seq, _)| *seq).collect();
    assert!(history.is_sorted() && history.len() > 100, "{history:?}");
    assert!(read.iter().any(|(_, sequel)| sequel.filled.is_some()));
    assert_eq!(receiver.missing(last), NONE, "{read:?}");
    assert_eq!(receiver.duplicates, 0);
    // The bucket holds a hundred, and a machine that is busy may deliver late, but never early.
    let span = came[came.len() - 1].at - came[0].at;
    assert!(came.len() as u128 <= 100 + span.as_millis() / 10 + 1, "{} messages in {span:?}", came.len());
}

#[tokio::test]
async fn what_was_sent_ahead_is_kept_over_a_restart_of_the_task_and_so_is_what_was_used_up() {
    let script = Script::start(|_| Act::Ack).await;
    let settle = |sink: &mut Sink| {
        (sink.backlog, sink.window) = (Backlog::LiveFirst, 16);
        sink.budget.messages_per_1000_s = Some(20_000);
    };
    let (courier, mut others) = courier(script.port, 300, settle).await;
    let (config, desk) = (courier.config.clone(), courier.desk.clone());
    let sink = courier.sink.clone();
    let task = tokio::spawn(courier.run());
    tokio::time::sleep(Duration::from_millis(300)).await;
    for n in 301..=305 {
        others.hear(n).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    task.abort();
    let before = others.progress.borrow().clone();
    assert!(before.data.position < 300 && before.ahead.highest() > 300, "{before:?}");
    assert!(before.usage.bytes > 0 && before.usage.messages > 5);
    let fast = Sink { budget: Default::default(), ..(*sink).clone() };
    let task = tokio::spawn(Courier::new(config, Arc::new(fast), desk).run());
    others.hear(306).await;
    others.delivered(300).await;
    others.hear(307).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    others.hear(308).await;
    let last = others.recorder.tail().borrow().last_data;
    others.delivered(last).await;
    task.abort();
    assert!(others.progress.borrow().usage.messages >= before.usage.messages + 200);
    let mut receiver = Receiver::default();
    let mut again = Vec::new();
    for came in script.came().into_iter().filter(|came| came.seq().is_some()) {
        let (seq, _) = receiver.read(&came.payload);
        again.extend(
            (came.connection > 0 && before.ahead.runs().iter().any(|run| (run.first..=run.last).contains(&seq)))
                .then_some(seq),
        );
    }
    assert_eq!(again, NONE, "what was ahead was sent again");
    assert_eq!(receiver.missing(last), NONE);
}

#[tokio::test]
async fn a_month_that_is_used_up_lets_only_the_state_through_and_says_so() {
    let script = Script::start(|_| Act::Ack).await;
    let (mut courier, mut others) = courier(script.port, 5, |sink| sink.budget.bytes_per_month = Some(1_000_000)).await;
    courier.budget.carry(1_000_000, wall());
    let task = tokio::spawn(courier.run());
    let is_paused = |status: &SinkStatus| status.paused.as_ref().is_some_and(|t| t.code == words::MONTH_USED_UP);
    let told = tokio::time::timeout(Duration::from_secs(20), others.status.wait_for(is_paused)).await;
    assert!(told.is_ok_and(|told| told.is_ok()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let topics: Vec<String> = script.came().into_iter().map(|came| came.topic).collect();
    assert_eq!(topics, ["cloudward/e/w/state"]);
    others.order.send_replace(Order::Drain);
    let ended = tokio::time::timeout(Duration::from_secs(5), task).await;
    assert!(ended.is_ok(), "a stop does not wait for the next month");
    assert_ne!(others.progress.borrow().usage, Usage::default());
    assert_eq!(others.progress.borrow().data.position, 0);
}
