//! Listener: a subscriber at the broker of a sink, for a person who wants to see what arrives there. The agent itself never
//! listens.
//!
//! The rules: a session of its own (clean) under a name of its own, so that nobody is thrown out; QoS 1; and when the connection
//! is lost the listener ends, since what came in between cannot be known.

use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS, SubscribeReasonCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::cause;
use super::mqtt::{CONNECT_TIMEOUT, network_options, options, stall};
use crate::config::Sink;
use crate::model::Trouble;
use crate::model::words::verify as words;

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The broker had kept it from before.
    pub is_retained: bool,
}

/// A subscription that stands.
pub struct Listener {
    letters: mpsc::Receiver<Result<Letter, Trouble>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Subscribes to `filter` at the broker of `sink`, as `sink.client_id`; returns once the broker has granted it.
    pub async fn connect(sink: &Sink, filter: &str) -> Result<Listener, Trouble> {
        let sink = Sink { max_message: LARGEST, ..sink.clone() };
        let (client, mut eventloop) = AsyncClient::new(options(&sink, WINDOW, None)?, WINDOW);
        eventloop.set_network_options(network_options());
        match eventloop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {}
            Ok(_) => {
                let trouble = cause::at(&sink, crate::model::words::sink::NOT_MQTT);
                return Err(trouble.with("error", "a packet other than CONNACK"));
            }
            Err(error) => return Err(cause::connecting(&sink, error, CONNECT_TIMEOUT)),
        }
        let refused = || cause::at(&sink, words::LISTEN_REFUSED).with("topic", filter);
        client.try_subscribe(filter, QoS::AtLeastOnce).map_err(|_| refused())?;
        // Some brokers hand on what they kept before they say that the subscription stands.
        let mut early = Vec::new();
        let granted = tokio::time::timeout(CONNECT_TIMEOUT, granted(&mut eventloop, &sink, &mut early)).await;
        if !granted.unwrap_or(Ok(false))? {
            return Err(refused());
        }
        let (sender, letters) = mpsc::channel(QUEUE);
        // With the client dropped the event loop would end.
        let task = tokio::spawn(async move {
            for letter in early {
                if sender.send(Ok(letter)).await.is_err() {
                    return;
                }
            }
            listen(eventloop, sender, sink).await;
            drop(client);
        });
        Ok(Listener { letters, task })
    }

    /// The next message; why there will be none any more, once the connection is lost. Safe in `select!`.
    pub async fn next(&mut self) -> Option<Result<Letter, Trouble>> {
        self.letters.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the broker grants the subscription.
async fn granted(eventloop: &mut EventLoop, sink: &Sink, early: &mut Vec<Letter>) -> Result<bool, Trouble> {
    loop {
        match eventloop.poll().await {
            Ok(Event::Incoming(Packet::SubAck(ack))) => {
                return Ok(!ack.return_codes.is_empty() && !ack.return_codes.contains(&SubscribeReasonCode::Failure));
            }
            Ok(Event::Incoming(Packet::Publish(publish))) if early.len() < QUEUE => early.push(letter(publish)),
            Ok(_) => {}
            // Amazon's broker, for one, hangs up on a client that may not subscribe.
            Err(error) => return Err(cause::lost(sink, error, stall(sink))),
        }
    }
}

async fn listen(mut eventloop: EventLoop, letters: mpsc::Sender<Result<Letter, Trouble>>, sink: Sink) {
    loop {
        let letter = match eventloop.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => Ok(letter(publish)),
            Ok(_) => continue,
            Err(error) => Err(cause::lost(&sink, error, stall(&sink))),
        };
        let is_last = letter.is_err();
        if letters.send(letter).await.is_err() || is_last {
            return;
        }
    }
}

fn letter(publish: Publish) -> Letter {
    Letter { topic: publish.topic, payload: publish.payload.to_vec(), is_retained: publish.retain }
}

/// What a sink may send at most.
const LARGEST: usize = 16_000_000;

/// Requests of ours on the way: one subscription.
const WINDOW: usize = 10;

/// Messages that arrived and were not yet looked at; beyond it the broker waits.
const QUEUE: usize = 1_024;
