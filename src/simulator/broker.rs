//! Broker: a real MQTT broker in this process, behind a [`Gate`], with an ear at its router that hears everything.
//!
//! It owns the router, the inner port and the ear. Rule: the ear is subscribed before the port opens, and the router
//! hands a message to it in the same turn in which it acknowledges it, so that nothing is acknowledged unheard. If the
//! taker is slow the router keeps the messages, up to 40 MB.
//!
//! rumqttd has no way to stop its router thread: it sleeps until the process ends. The port and all connections do close.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;

use rumqttd::local::{LinkBuilder, LinkRx, LinkTx};
use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Notification, Router, RouterConfig, ServerSettings};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::gate::Gate;
use crate::model::Trouble;
use crate::model::words::simulator as words;

/// A running broker. Dropping it closes its ports.
pub struct Broker {
    /// The way in: shut it to take the broker away.
    pub gate: Gate,
    listening: JoinHandle<()>,
    hearing: JoinHandle<()>,
}

/// One message that the broker took. There is no retain flag: the router clears it before it forwards a message to
/// those who were subscribed already (MQTT 3.1.1, 3.3.1.3), and the ear always was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Topic; text by the protocol, made so here if it is not.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Broker {
    /// A broker at `public` on the loopback interface (port 0: any free one; [`Gate::addr`] tells which), and
    /// everything that is published to it. Must be called within a runtime.
    pub fn start(public: SocketAddr) -> Result<(Broker, mpsc::Receiver<Delivery>), Trouble> {
        let failed = |error: String| Trouble::new(words::SIM_BROKER_FAILED).with("error", error);
        let router_tx = Router::new(0, router_config()).spawn();

        let (mut link_tx, link_rx, _) =
            LinkBuilder::new("cloudward-ear", router_tx.clone()).build().map_err(|error| failed(error.to_string()))?;
        // The router takes events one after another: this one comes before any connection's.
        link_tx.subscribe("#").map_err(|error| failed(error.to_string()))?;

        let mut last = String::new();
        for _ in 0..PORT_ATTEMPTS {
            // rumqttd binds by itself and does not tell a port that it found, so one is looked up first. Somebody may
            // snatch it in between; then the next is tried.
            let inner = free_port().map_err(|error| failed(error.to_string()))?;
            let mut server = rumqttd::Server::new(server_settings(inner), router_tx.clone(), V4);
            let mut serving: Serving =
                Box::pin(async move { server.start(LinkType::Remote).await.map_err(|e| e.to_string()) });
            // Binding to a plain address never waits: after one poll it listens, or has failed.
            match poll_once(&mut serving) {
                Poll::Ready(end) => last = end.err().unwrap_or_default(),
                Poll::Pending => {
                    let gate = Gate::start(public, inner)?;
                    let (heard_tx, heard) = mpsc::channel(EAR_CAPACITY);
                    let hearing = tokio::spawn(hear(link_tx, link_rx, heard_tx));
                    let listening = tokio::spawn(async move {
                        if let Err(error) = serving.await {
                            tracing::warn!(%error, "the embedded broker stopped");
                        }
                    });
                    return Ok((Broker { gate, listening, hearing }, heard));
                }
            }
        }
        Err(failed(last))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.listening.abort();
        self.hearing.abort();
    }
}

type Serving = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// One poll with a waker that nobody will use: whoever polls next registers its own.
fn poll_once(serving: &mut Serving) -> Poll<Result<(), String>> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    serving.as_mut().poll(&mut context)
}

/// Takes from the router and hands on, until the router or the taker is gone.
async fn hear(_subscribed: LinkTx, mut link: LinkRx, heard: mpsc::Sender<Delivery>) {
    loop {
        match link.next().await {
            Ok(Some(Notification::Forward(forward))) => {
                let topic = String::from_utf8_lossy(&forward.publish.topic).into_owned();
                let delivery = Delivery { topic, payload: forward.publish.payload.to_vec() };
                if heard.send(delivery).await.is_err() {
                    return;
                }
            }
            // The router gave us a full buffer and waits for a word before it goes on.
            Ok(Some(Notification::Unschedule)) => {
                if link.wake().await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn free_port() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn router_config() -> RouterConfig {
    RouterConfig {
        max_connections: MAX_CONNECTIONS,
        max_outgoing_packet_count: 200,
        max_segment_size: LOG_SEGMENT_BYTES,
        max_segment_count: LOG_SEGMENTS,
        ..RouterConfig::default()
    }
}

fn server_settings(listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "cloudward".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5_000,
            max_payload_size: MAX_PAYLOAD,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: false,
        },
    }
}

/// A demo has one publisher and perhaps a curious subscriber or two.
const MAX_CONNECTIONS: usize = 64;
/// The router keeps what it forwarded until the log is full: a bound on its memory (40 MB), and on how far the ear may
/// fall behind before messages are lost to it.
const LOG_SEGMENT_BYTES: usize = 4 << 20;
/// See [`LOG_SEGMENT_BYTES`].
const LOG_SEGMENTS: usize = 10;
/// The largest `max_message` that the configuration allows, and room for the topic.
const MAX_PAYLOAD: usize = (16 << 20) + 4096;
/// Messages between the ear and its taker; beyond it the router keeps them.
const EAR_CAPACITY: usize = 1024;
/// A port snatched three times in a row is not chance.
const PORT_ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    fn start() -> (Broker, mpsc::Receiver<Delivery>) {
        Broker::start("127.0.0.1:0".parse().unwrap()).expect("a free port")
    }

    /// The next message; a minute of silence is an end too, so that a break shows as a failure and not as a standstill.
    async fn next(heard: &mut mpsc::Receiver<Delivery>) -> Option<Delivery> {
        tokio::time::timeout(Duration::from_secs(60), heard.recv()).await.expect("a message, or the end")
    }

    /// A publisher that counts acknowledgements itself: MQTT 3.1.1 by hand.
    struct Publisher(TcpStream);

    impl Publisher {
        async fn connect(broker: &Broker) -> Publisher {
            let mut stream = TcpStream::connect(broker.gate.addr()).await.expect("the gate is open");
            stream.write_all(b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01p").await.unwrap();
            let mut connack = [0; 4];
            stream.read_exact(&mut connack).await.expect("the broker answers");
            assert_eq!(connack, [0x20, 2, 0, 0]);
            Publisher(stream)
        }

        /// QoS 1 to topic `t`.
        async fn publish(&mut self, number: u16) -> std::io::Result<()> {
            let [high, low] = number.to_be_bytes();
            self.0.write_all(&[0x32, 7, 0, 1, b't', high, low, high, low]).await
        }

        async fn puback(&mut self) -> std::io::Result<u16> {
            let mut puback = [0; 4];
            self.0.read_exact(&mut puback).await?;
            assert_eq!(puback[..2], [0x40, 2]);
            Ok(u16::from_be_bytes([puback[2], puback[3]]))
        }
    }

    #[tokio::test]
    async fn what_mosquitto_publishes_arrives_at_the_ear() {
        let (broker, mut heard) = start();
        let port = broker.gate.addr().port().to_string();
        let publish = move || {
            let arguments = ["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", "cloudward/车间/imm-01/data", "-l"];
            let mut child = Command::new("mosquitto_pub").args(arguments).stdin(Stdio::piped()).spawn()?;
            let lines: String = (0..500).map(|n| format!("{{\"n\":{n}}}\n")).collect();
            child.stdin.take().expect("piped").write_all(lines.as_bytes())?;
            child.wait()
        };
        let status = tokio::task::spawn_blocking(publish).await.unwrap();
        let status = status.expect("this test needs mosquitto_pub (Debian: apt install mosquitto-clients)");
        assert!(status.success(), "{status}");
        for n in 0..500 {
            let Some(delivery) = next(&mut heard).await else { panic!("the ear is gone after {n}") };
            assert_eq!(delivery.topic, "cloudward/车间/imm-01/data");
            assert_eq!(delivery.payload, format!("{{\"n\":{n}}}").as_bytes());
        }
    }

    #[tokio::test]
    async fn whatever_was_acknowledged_is_heard_in_order_even_by_a_slow_taker() {
        const MESSAGES: u16 = 5_000;
        let (broker, mut heard) = start();
        let mut publisher = Publisher::connect(&broker).await;
        // Nobody takes from the ear meanwhile: its channel and the router's buffer are full long before the end.
        for number in 1..=MESSAGES {
            publisher.publish(number).await.unwrap();
            assert_eq!(publisher.puback().await.unwrap(), number);
        }
        for number in 1..=MESSAGES {
            let delivery = next(&mut heard).await.expect("the ear listens");
            assert_eq!(delivery.payload, number.to_be_bytes());
        }
    }

    #[tokio::test]
    async fn the_broker_can_be_taken_away_and_brought_back() {
        let (mut broker, mut heard) = start();
        let mut publisher = Publisher::connect(&broker).await;
        publisher.publish(1).await.unwrap();
        publisher.puback().await.unwrap();
        broker.gate.close().await.unwrap();
        publisher.publish(2).await.ok(); // may still fit into the socket
        publisher.puback().await.expect_err("the connection is cut");
        TcpStream::connect(broker.gate.addr()).await.expect_err("nobody listens");

        broker.gate.open().unwrap();
        let mut publisher = Publisher::connect(&broker).await;
        publisher.publish(3).await.unwrap();
        publisher.puback().await.unwrap();
        // The broker's own delay in noticing the old connection's end must not cost the new one.
        for _ in 0..20 {
            drop(publisher);
            broker.gate.close().await.unwrap();
            broker.gate.open().unwrap();
            publisher = Publisher::connect(&broker).await;
            publisher.publish(4).await.unwrap();
            publisher.puback().await.unwrap();
        }
        for number in [1_u16, 3, 4] {
            assert_eq!(next(&mut heard).await.expect("the ear listens").payload, number.to_be_bytes());
        }
    }

    #[tokio::test]
    async fn a_dropped_broker_closes_its_port() {
        let (broker, mut heard) = start();
        let addr = broker.gate.addr();
        drop(broker);
        assert_eq!(next(&mut heard).await, None);
        TcpStream::connect(addr).await.expect_err("nobody listens");
    }
}
