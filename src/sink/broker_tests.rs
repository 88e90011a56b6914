//! The uplink against a real mosquitto, and against scripted brokers for what mosquitto never does.

use std::collections::HashSet;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, Publish, QoS};

use super::testbed::{Authority, Identity, Mosquitto, Peer, free_port, password_file, puback, scripted, sink};
use super::{Note, Refused, Token, Uplink};
use crate::config::{SecretSource, Security, Sink};
use crate::model::words::sink as words;
use crate::model::{Code, Lang, Stream, Trouble};

fn will() -> (String, Vec<u8>) {
    ("t/state".into(), b"{\"online\":false}".to_vec())
}

fn record(seq: u64) -> Token {
    Token::Record(Stream::Data, seq)
}

async fn connect(sink: &Sink) -> Result<Uplink, Trouble> {
    within(Uplink::connect(sink, will())).await
}

/// A limit for what must come; no test waits so long when all is well.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it takes longer than half a minute")
}

#[track_caller]
fn check_code(got: Result<(), Trouble>, expected: Code) {
    let trouble = got.expect_err("the connection was accepted");
    for lang in [Lang::En, Lang::Zh] {
        let text = format!("{} {}", trouble.what(lang), trouble.remedy(lang));
        assert!(!text.contains(['{', '}']), "an argument is missing: {text}");
    }
    assert_eq!(trouble.code, expected, "{trouble}");
}

async fn expect_refusal(sink: &Sink, expected: Code) {
    check_code(connect(sink).await.map(|_| ()), expected);
}

/// Notes until the connection is lost: what was acknowledged, and why it ended.
async fn until_lost(uplink: &mut Uplink) -> (Vec<Token>, Trouble) {
    let mut acked = Vec::new();
    loop {
        match within(uplink.note()).await {
            Note::Acked(token) => acked.push(token),
            Note::Lost(trouble) => return (acked, trouble),
        }
    }
}

/// A second client that hears what the broker hands on.
struct Listener {
    _client: AsyncClient,
    eventloop: rumqttc::EventLoop,
}

impl Listener {
    async fn start(port: u16, filter: &str) -> Listener {
        Listener::start_as("listener", port, filter).await
    }

    async fn start_as(client_id: &str, port: u16, filter: &str) -> Listener {
        let (client, mut eventloop) = AsyncClient::new(MqttOptions::new(client_id, "127.0.0.1", port), 10);
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        while !matches!(within(eventloop.poll()).await.unwrap(), Event::Incoming(Packet::SubAck(_))) {}
        Listener { _client: client, eventloop }
    }

    async fn next(&mut self) -> Publish {
        loop {
            if let Event::Incoming(Packet::Publish(publish)) = within(self.eventloop.poll()).await.unwrap() {
                return publish;
            }
        }
    }
}

fn tls(broker: &Mosquitto) -> Security {
    Security::Tls { ca_file: Some(broker.path("ca.pem")), client: None }
}

/// A broker with this certificate; `ca.pem` in its directory is the CA that the gateway is told.
fn tls_broker(identity: &Identity, told: &Authority, more: &str) -> Mosquitto {
    let config = format!("allow_anonymous true\ncafile DIR/ca.pem\ncertfile DIR/cert\nkeyfile DIR/key\n{more}");
    Mosquitto::start(&config, &[("ca.pem", &told.pem()), ("cert", &identity.cert), ("key", &identity.key)])
}

// --- messages -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn what_is_published_arrives_in_order_and_every_token_is_acked_once() {
    let broker = Mosquitto::plain();
    let mut listener = Listener::start(broker.port, "t/#").await;
    let mut uplink = connect(&sink(broker.port, Security::Plaintext)).await.unwrap();
    let mut acked = Vec::new();
    for seq in 1..=1000 {
        while !uplink.has_room() {
            match within(uplink.note()).await {
                Note::Acked(token) => acked.push(token),
                Note::Lost(trouble) => panic!("{trouble}"),
            }
        }
        uplink.publish(record(seq), "t/data", seq.to_string().into_bytes(), false).unwrap();
        while let Some(Note::Acked(token)) = uplink.ready_note() {
            acked.push(token);
        }
    }
    while acked.len() < 1000 {
        match within(uplink.note()).await {
            Note::Acked(token) => acked.push(token),
            Note::Lost(trouble) => panic!("{trouble}"),
        }
    }
    assert_eq!(acked, (1..=1000).map(record).collect::<Vec<_>>(), "mosquitto acknowledges in order");
    for seq in 1..=1000 {
        let publish = listener.next().await;
        assert_eq!((publish.topic.as_str(), &publish.payload[..]), ("t/data", seq.to_string().as_bytes()));
    }
}

#[tokio::test]
async fn a_farewell_sends_no_will_and_a_dropped_connection_does() {
    let broker = Mosquitto::plain();
    let mut listener = Listener::start(broker.port, "t/#").await;
    let sink = sink(broker.port, Security::Plaintext);

    let mut uplink = connect(&sink).await.unwrap();
    uplink.publish(Token::Other, "t/state", b"farewell".to_vec(), true).unwrap();
    within(uplink.close()).await;
    assert_eq!(listener.next().await.payload, &b"farewell"[..], "close sends what was taken before");
    let late = Listener::start_as("late", broker.port, "t/state").await.next().await;
    assert_eq!((&late.payload[..], late.retain), (&b"farewell"[..], true), "retained for those who come later");

    let uplink = connect(&sink).await.unwrap();
    drop(uplink);
    assert_eq!(listener.next().await.payload, &b"{\"online\":false}"[..], "nothing between farewell and will");

    let late = Listener::start_as("later", broker.port, "t/state").await.next().await;
    assert_eq!((&late.payload[..], late.retain), (&b"{\"online\":false}"[..], true), "the will is retained");
}

#[tokio::test]
async fn what_is_too_large_or_has_no_topic_is_refused_before_it_is_sent_and_costs_nothing() {
    let broker = Mosquitto::plain();
    let sink = sink(broker.port, Security::Plaintext);
    let mut uplink = connect(&sink).await.unwrap();
    let limit = sink.max_message;
    uplink.publish(record(1), "t/data", vec![b'x'; limit], false).unwrap();
    let refused = uplink.publish(record(2), "t/data", vec![b'x'; limit + 1], false).unwrap_err();
    assert_eq!(refused, Refused::TooLarge { size: limit + 1, limit });
    assert_eq!(refused.trouble("t/data").unwrap().code, words::MESSAGE_TOO_LARGE);
    for topic in ["", "t/+", "t/#", "t/\0", &"t".repeat(65_536)] {
        assert_eq!(uplink.publish(record(3), topic, vec![], false), Err(Refused::TopicInvalid));
    }
    uplink.publish(record(4), &"t".repeat(65_535), vec![b'x'; limit], false).unwrap();
    for seq in [1, 4] {
        assert_eq!(within(uplink.note()).await, Note::Acked(record(seq)));
    }
}

#[tokio::test]
async fn a_full_window_refuses_and_opens_with_the_acks() {
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        let ids: Vec<_> = (0..3).map(|_| peer.publish().unwrap()).collect();
        peer.send(&puback(ids[0]));
        peer.publish()
    });
    let mut uplink = connect(&Sink { window: 3, ..sink(port, Security::Plaintext) }).await.unwrap();
    for seq in 1..=3 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
    }
    assert!(!uplink.has_room());
    assert_eq!(uplink.publish(record(4), "t", vec![], false), Err(Refused::Full));
    assert_eq!(within(uplink.note()).await, Note::Acked(record(1)));
    uplink.publish(record(4), "t", vec![], false).unwrap();
    assert_eq!(until_lost(&mut uplink).await.0, []);
    assert!(broker.join().unwrap().is_some());
}

// --- acknowledgements -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn acks_out_of_order_name_the_right_messages() {
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        let ids: Vec<_> = (0..4).map(|_| peer.publish().unwrap()).collect();
        for place in [2, 0, 3] {
            peer.send(&puback(ids[place]));
        }
        peer
    });
    let mut uplink = connect(&sink(port, Security::Plaintext)).await.unwrap();
    for seq in [10, 20, 30, 40] {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
    }
    for seq in [30, 10, 40] {
        assert_eq!(within(uplink.note()).await, Note::Acked(record(seq)));
    }
    assert_eq!(uplink.ready_note(), None);
    drop(broker.join().unwrap());
    let (acked, trouble) = until_lost(&mut uplink).await;
    assert_eq!((acked, trouble.code), (vec![], words::LOST_CLOSED));
}

#[tokio::test]
async fn packet_ids_that_come_round_are_never_taken_for_the_message_before() {
    // Acknowledges everything but the very first message, until its packet id comes round; then that one as well.
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        let first = peer.publish().unwrap();
        for _ in 0..19 {
            let id = peer.publish().unwrap();
            assert_ne!(id, first);
            peer.send(&puback(id));
        }
        peer.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert_eq!(peer.publish(), None, "its id is taken: the library holds it back");
        peer.stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        peer.send(&puback(first));
        for _ in 0..3 {
            let id = peer.publish().unwrap();
            peer.send(&puback(id));
        }
        peer
    });
    let mut uplink = connect(&Sink { window: 2, ..sink(port, Security::Plaintext) }).await.unwrap();
    uplink.publish(record(1), "t", vec![], false).unwrap();
    for seq in 2..=20 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
        assert_eq!(within(uplink.note()).await, Note::Acked(record(seq)));
    }
    uplink.publish(record(21), "t", vec![], false).unwrap();
    assert_eq!(within(uplink.note()).await, Note::Acked(record(1)));
    for seq in 22..=23 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
        assert_eq!(within(uplink.note()).await, Note::Acked(record(seq - 1)));
    }
    assert_eq!(within(uplink.note()).await, Note::Acked(record(23)));
    drop(broker.join().unwrap());
}

#[tokio::test]
async fn acks_that_come_with_the_end_still_count_and_forged_ones_do_not() {
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        let ids: Vec<_> = (0..4).map(|_| peer.publish().unwrap()).collect();
        let forged = 60;
        let bunch: Vec<u8> = [ids[0], ids[1], ids[1], forged].into_iter().flat_map(puback).collect();
        peer.send(&bunch);
        peer
    });
    let mut uplink = connect(&sink(port, Security::Plaintext)).await.unwrap();
    for seq in 1..=4 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
    }
    let (acked, trouble) = until_lost(&mut uplink).await;
    assert_eq!(acked, [record(1), record(2)]);
    assert_eq!(trouble.code, words::LOST_PROTOCOL);
    assert_eq!(within(uplink.note()).await, Note::Lost(trouble), "lost stays lost");
    assert_eq!(uplink.publish(record(5), "t", vec![], false), Err(Refused::Lost));
    drop(broker.join().unwrap());
}

#[tokio::test]
async fn a_broker_killed_with_messages_in_flight_acks_none_of_them() {
    let mut broker = Mosquitto::plain();
    let sink = sink(broker.port, Security::Plaintext);
    let mut uplink = connect(&sink).await.unwrap();
    uplink.publish(record(1), "t", vec![], false).unwrap();
    assert_eq!(within(uplink.note()).await, Note::Acked(record(1)));
    broker.freeze();
    for seq in 2..=50 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
    }
    // All of them are on the wire, and the broker has read none.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(uplink.ready_note(), None);
    broker.kill();
    let (acked, trouble) = until_lost(&mut uplink).await;
    assert_eq!((acked, trouble.code), (vec![], words::LOST_CLOSED));
    expect_refusal(&sink, words::CONNECTION_REFUSED).await;
}

#[tokio::test]
async fn a_broker_that_dies_within_a_packet_has_closed_the_connection() {
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        let id = peer.publish().unwrap();
        peer.send(&puback(id)[..3]);
    });
    let mut uplink = connect(&sink(port, Security::Plaintext)).await.unwrap();
    uplink.publish(record(1), "t", vec![], false).unwrap();
    let (acked, trouble) = until_lost(&mut uplink).await;
    assert_eq!((acked, trouble.code), (vec![], words::LOST_CLOSED));
    broker.join().unwrap();
}

#[tokio::test]
async fn a_new_connection_knows_nothing_of_the_one_before() {
    let (port, broker) = scripted(|mut peer| {
        peer.accept();
        (0..3).map(|_| peer.publish().unwrap()).collect::<Vec<_>>()
    });
    let mut uplink = connect(&sink(port, Security::Plaintext)).await.unwrap();
    for seq in 1..=3 {
        uplink.publish(record(seq), "t", vec![], false).unwrap();
    }
    assert_eq!(until_lost(&mut uplink).await.0, []);
    let ids = broker.join().unwrap();
    let broker = Mosquitto::plain();
    let mut listener = Listener::start(broker.port, "#").await;
    let mut uplink = connect(&sink(broker.port, Security::Plaintext)).await.unwrap();
    uplink.publish(record(9), "t", b"9".to_vec(), false).unwrap();
    assert_eq!(within(uplink.note()).await, Note::Acked(record(9)));
    assert_eq!(listener.next().await.payload, &b"9"[..], "nothing of the old connection comes along");
    assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_silent_line_is_lost_after_two_keep_alives() {
    let broker = Mosquitto::plain();
    let sink = Sink { keep_alive: Duration::from_secs(1), ..sink(broker.port, Security::Plaintext) };
    let mut uplink = connect(&sink).await.unwrap();
    broker.freeze();
    let (acked, trouble) = until_lost(&mut uplink).await;
    assert_eq!((acked, trouble.code), (vec![], words::LOST_KEEP_ALIVE));
}

#[tokio::test]
async fn a_second_client_with_our_id_closes_our_connection() {
    let broker = Mosquitto::plain();
    let sink = sink(broker.port, Security::Plaintext);
    let mut uplink = connect(&sink).await.unwrap();
    let _second = connect(&sink).await.unwrap();
    assert_eq!(until_lost(&mut uplink).await.1.code, words::LOST_CLOSED);
}

// --- TLS ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn tls_with_the_right_ca_and_name_carries_messages() {
    let ca = Authority::new("ca");
    let broker = tls_broker(&ca.issue(&["127.0.0.1", "localhost"]), &ca, "");
    for host in ["127.0.0.1", "localhost"] {
        let sink = Sink { host: host.into(), ..sink(broker.port, tls(&broker)) };
        let mut uplink = connect(&sink).await.unwrap();
        uplink.publish(record(1), "t", vec![b'x'; 4096], false).unwrap();
        assert_eq!(within(uplink.note()).await, Note::Acked(record(1)));
        within(uplink.close()).await;
    }
}

#[tokio::test]
async fn a_broker_certificate_that_cannot_be_trusted_is_refused_with_its_reason() {
    let (ca, other, namesake) = (Authority::new("ca"), Authority::new("other"), Authority::new("ca"));
    let names = &["127.0.0.1"];
    for (identity, told, expected) in [
        (ca.issue(names), &other, words::TLS_UNKNOWN_CA),
        (ca.issue(names), &namesake, words::TLS_UNKNOWN_CA),
        (ca.issue_for_years(names, 2001, 2002), &ca, words::TLS_EXPIRED),
        (ca.issue_for_years(names, 3000, 3001), &ca, words::TLS_NOT_YET_VALID),
        (ca.issue(&["broker.example.com"]), &ca, words::TLS_WRONG_NAME),
        (ca.issue(&[]), &ca, words::TLS_WRONG_NAME),
        (ca.itself(), &ca, words::TLS_CERT_UNUSABLE),
    ] {
        let broker = tls_broker(&identity, told, "");
        expect_refusal(&sink(broker.port, tls(&broker)), expected).await;
    }
}

#[tokio::test]
async fn the_names_of_a_wrong_certificate_are_told() {
    let ca = Authority::new("ca");
    let broker = tls_broker(&ca.issue(&["broker.example.com", "10.0.0.1"]), &ca, "");
    let trouble = connect(&sink(broker.port, tls(&broker))).await.map(|_| ()).unwrap_err();
    assert!(trouble.what(Lang::En).contains("another name: broker.example.com, 10.0.0.1"), "{trouble}");
}

#[tokio::test]
async fn the_system_roots_do_not_trust_a_workshop_ca() {
    let ca = Authority::new("ca");
    let broker = tls_broker(&ca.issue(&["127.0.0.1"]), &ca, "");
    let sink = sink(broker.port, Security::Tls { ca_file: None, client: None });
    let code = connect(&sink).await.map(|_| ()).unwrap_err().code;
    // A machine without ca-certificates says that instead; neither lets the broker in.
    assert!([words::TLS_UNKNOWN_CA, words::NO_SYSTEM_ROOTS].contains(&code), "{code}");
}

#[tokio::test]
async fn a_broker_that_asks_for_a_client_certificate_gets_ours_and_may_refuse_it() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let broker = tls_broker(&ca.issue(&["127.0.0.1"]), &ca, "require_certificate true");
    let with = |identity: Option<Identity>| {
        let client = identity.map(|identity| {
            std::fs::write(broker.path("own.crt"), identity.cert).unwrap();
            std::fs::write(broker.path("own.key"), identity.key).unwrap();
            (broker.path("own.crt"), SecretSource::File(broker.path("own.key")))
        });
        sink(broker.port, Security::Tls { ca_file: Some(broker.path("ca.pem")), client })
    };
    let mut uplink = connect(&with(Some(ca.issue(&["gateway"])))).await.unwrap();
    uplink.publish(record(1), "t", vec![], false).unwrap();
    assert_eq!(within(uplink.note()).await, Note::Acked(record(1)));

    expect_refusal(&with(Some(other.issue(&["gateway"]))), words::TLS_CLIENT_CERT_REFUSED).await;
    let expired = ca.issue_for_years(&["gateway"], 2001, 2002);
    expect_refusal(&with(Some(expired)), words::TLS_CLIENT_CERT_REFUSED).await;
    expect_refusal(&with(None), words::TLS_CLIENT_CERT_REFUSED).await;
}

#[tokio::test]
async fn tls_and_plain_text_on_the_other_ones_port_are_told_apart() {
    let ca = Authority::new("ca");
    let tls_only = tls_broker(&ca.issue(&["127.0.0.1"]), &ca, "");
    let plain = Mosquitto::plain();
    expect_refusal(&sink(plain.port, tls(&tls_only)), words::TLS_NOT_SPOKEN).await;
    expect_refusal(&sink(tls_only.port, Security::Plaintext), words::CLOSED_BEFORE_CONNACK).await;
    let (port, banner) = scripted(|mut peer: Peer| {
        peer.send(b"SSH-2.0-OpenSSH_9.2p1\r\n");
        peer
    });
    expect_refusal(&sink(port, tls(&tls_only)), words::TLS_NOT_SPOKEN).await;
    drop(banner.join().unwrap());
}

// --- login ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn user_and_password_are_sent_and_wrong_ones_refused() {
    let passwords = password_file("gateway", "hunter2");
    let config = "allow_anonymous false\npassword_file DIR/passwords";
    let broker = Mosquitto::start(config, &[("passwords", &passwords), ("right", "hunter2\n"), ("wrong", "hunter3\n")]);
    let with = |user: Option<&str>, password: Option<&str>| Sink {
        user: user.map(Into::into),
        password: password.map(|name| SecretSource::File(broker.path(name))),
        ..sink(broker.port, Security::Plaintext)
    };
    assert!(connect(&with(Some("gateway"), Some("right"))).await.is_ok());
    // mosquitto says "not authorized" for all of these.
    for (user, password) in
        [(Some("gateway"), Some("wrong")), (Some("gateway"), None), (Some("nobody"), Some("right")), (None, None)]
    {
        expect_refusal(&with(user, password), words::NOT_AUTHORIZED).await;
    }
    expect_refusal(&with(Some("gateway"), Some("missing")), words::SECRET_FILE_MISSING).await;
}

#[tokio::test]
async fn each_answer_to_our_login_has_its_own_trouble() {
    for (code, expected) in [
        (1, words::PROTOCOL_VERSION_REFUSED),
        (2, words::CLIENT_ID_REFUSED),
        (3, words::BROKER_UNAVAILABLE),
        (4, words::BAD_USER_OR_PASSWORD),
        (5, words::NOT_AUTHORIZED),
        (99, words::NOT_MQTT),
    ] {
        let (port, broker) = scripted(move |mut peer| {
            peer.packet().expect("a CONNECT");
            peer.send(&[0x20, 2, 0, code]);
            peer
        });
        expect_refusal(&sink(port, Security::Plaintext), expected).await;
        drop(broker.join().unwrap());
    }
}

#[tokio::test]
async fn a_peer_that_is_no_broker_is_told_from_one_that_hangs_up() {
    let (port, closing) = scripted(|mut peer| drop(peer.packet()));
    expect_refusal(&sink(port, Security::Plaintext), words::CLOSED_BEFORE_CONNACK).await;
    closing.join().unwrap();
    let (port, http) = scripted(|mut peer| {
        peer.packet();
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    expect_refusal(&sink(port, Security::Plaintext), words::NOT_MQTT).await;
    http.join().unwrap();
    let (port, odd) = scripted(|mut peer| {
        peer.packet();
        peer.send(&[0xd0, 0]); // PINGRESP
        peer
    });
    expect_refusal(&sink(port, Security::Plaintext), words::NOT_MQTT).await;
    drop(odd.join().unwrap());
}

// --- network --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_from_a_port_where_nobody_listens() {
    let nowhere = Sink { host: "broker.invalid".into(), ..sink(1883, Security::Plaintext) };
    expect_refusal(&nowhere, words::HOST_NOT_FOUND).await;
    expect_refusal(&sink(free_port(), Security::Plaintext), words::CONNECTION_REFUSED).await;
}

#[tokio::test]
async fn nothing_secret_is_in_what_an_uplink_says() {
    let passwords = password_file("gateway", "other");
    let broker = Mosquitto::start(
        "allow_anonymous false\npassword_file DIR/passwords",
        &[("passwords", &passwords), ("pw", "hunter2\n")],
    );
    let sink = Sink {
        user: Some("gateway".into()),
        password: Some(SecretSource::File(broker.path("pw"))),
        ..sink(broker.port, Security::Plaintext)
    };
    let trouble = connect(&sink).await.map(|_| ()).unwrap_err();
    assert!(!format!("{trouble:?} {trouble} {sink:?}").contains("hunter2"));
}
