//! A courier alone, against brokers that misbehave.

    use super::*;
    use crate::journal::{Journal, NewData, Settings};
    use crate::model::{Group, Scan};

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

    /// What a courier talks to.
    struct Others {
        journal: Journal,
        status: watch::Receiver<SinkStatus>,
        _tail: watch::Sender<Arc<Tail>>,
        _order: watch::Sender<Order>,
    }

    /// A courier on a journal with this many records.
    fn courier(dir: &std::path::Path, records: usize) -> (Courier, Others) {
        let settings = Settings { dir: dir.to_owned(), max_size: 1 << 30, max_age: Duration::from_secs(86_400) };
        let mut journal = Journal::open(settings, BootId(1), Timestamp(0)).unwrap();
        let group = Arc::new(Group::new("m".into(), Duration::from_secs(1), Vec::new()));
        let scans = vec![Scan { at: Timestamp(0), mono_ms: 0, readings: Vec::new(), stamps: None }];
        let numbered = journal.number(vec![NewData { group, scans }; records], Vec::new());
        journal.commit(&numbered.data, &numbered.events).unwrap();
        // The memory holds nothing of it, as after a long outage.
        let tail = Tail::new(&journal);
        let (status, seen) = watch::channel(SinkStatus::default());
        let (announce, tail) = watch::channel(Arc::new(tail));
        let (orders, order) = watch::channel(Order::Work);
        let desk = Desk {
            progress: watch::channel(Progress::default()).0,
            status,
            order,
            tail,
            place: journal.reader(),
            boot: BootId(1),
        };
        let config = Arc::new(Config::parse(WORKSHOP).unwrap());
        let sink = config.sinks[0].clone();
        (Courier::new(config, sink, desk), Others { journal, status: seen, _tail: announce, _order: orders })
    }

    /// A broker that accepts a connection and then acknowledges nothing; or hangs up at once, as brokers do that log
    /// another client in under the same id.
    async fn broker(hangs_up: bool) -> u16 {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    assert!(stream.read(&mut bytes).await.unwrap() > 0, "a CONNECT");
                    stream.write_all(&CONNACK).await.unwrap();
                    while !hangs_up && stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        port
    }

    /// Runs a courier against this broker until its trouble is this one.
    async fn check(hangs_up: bool, expected: Code) {
        let dir = tempfile::tempdir().unwrap();
        let (mut courier, mut others) = courier(dir.path(), 0);
        let mut sink = (*courier.sink).clone();
        (sink.host, sink.port) = ("127.0.0.1".into(), broker(hangs_up).await);
        (sink.security, sink.ack_timeout) = (crate::config::Security::Plaintext, Duration::from_secs(1));
        courier.sink = Arc::new(sink);
        let task = tokio::spawn(courier.run());
        let is_expected = |status: &SinkStatus| status.trouble.as_ref().is_some_and(|trouble| trouble.code == expected);
        let told = tokio::time::timeout(Duration::from_secs(20), others.status.wait_for(is_expected)).await.is_ok();
        task.abort();
        assert!(told, "{expected} is told in time, not {:?}", others.status.borrow().trouble);
    }

    #[tokio::test]
    async fn a_broker_that_does_not_acknowledge_the_birth_is_not_waited_for_for_ever() {
        check(false, words::ACK_TIMEOUT).await;
    }

    #[tokio::test]
    async fn a_twin_that_throws_us_out_again_and_again_is_named() {
        check(true, words::TAKEN_OVER).await;
    }

    #[tokio::test]
    async fn a_damaged_record_is_counted_and_leaves_a_gap_that_the_receiver_sees() {
        let dir = tempfile::tempdir().unwrap();
        let (mut courier, others) = courier(dir.path(), 3);
        let damage = rusqlite::Connection::open(others.journal.reader().file()).unwrap();
        damage.execute("UPDATE data SET body = x'00' WHERE seq = 2", []).unwrap();
        let mut lane = Lane::new(crate::model::Cursor::default(), 10);
        let mut seqs = Vec::new();
        while let Some(record) = courier.next_data(&mut lane).await.unwrap() {
            seqs.push((record.seq, lane.window.last_sent()));
            lane.window.sent(record.seq, Instant::now());
        }
        assert_eq!(seqs, [(1, 0), (3, 2)]);
        assert_eq!(others.status.borrow().damaged, 1);
    }
