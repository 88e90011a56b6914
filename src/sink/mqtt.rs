//! Uplink: one MQTT 3.1.1 connection to one broker. It owns the library's client and event loop for exactly as long as
//! the connection lives, and the map from packet ids to what the courier sent.
//!
//! The rules: nothing is queued before the broker accepted us (CONNACK), since the library would drop it unsaid when
//! the session is new; any error ends the uplink, and the next one starts with nothing of it; only a PUBACK for the
//! very packet makes an [`Note::Acked`].

use std::time::Duration;

use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Outgoing, Packet, QoS, TlsConfiguration,
    Transport,
};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::egress::{Kind, Message};
use super::{Contents, Witness, cause, tls};
use crate::config::{Security, Sink};
use crate::model::words::sink as words;
use crate::model::{Seq, Stream, Trouble};
use crate::secret;

/// What a message stands for: chosen by the courier, handed back when the broker has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// A record of the journal.
    Record(Stream, Seq),
    /// A birth or the state: nobody waits for it.
    Other,
}

/// What an uplink tells the courier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The broker has this message.
    Acked(Token),
    /// The connection is gone; what was not acknowledged is to be sent again on the next one.
    Lost(Trouble),
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As many messages as the window allows are in flight. Take notes first.
    Full,
    /// Larger than `max_message`: it will never be taken.
    TooLarge {
        /// Bytes of the payload.
        size: usize,
        /// Bytes that the sink allows.
        limit: usize,
    },
    /// MQTT does not allow this topic: it will never be taken.
    TopicInvalid,
    /// The connection is gone; [`Uplink::note`] says why.
    Lost,
}

impl Refused {
    /// For a message that will never be taken: what to tell people, once it is given up.
    pub fn trouble(self, topic: &str) -> Option<Trouble> {
        match self {
            Refused::TooLarge { size, limit } => {
                let trouble = Trouble::new(words::MESSAGE_TOO_LARGE).with("size", size);
                Some(trouble.with("topic", topic).with("limit", limit))
            }
            Refused::TopicInvalid => Some(Trouble::new(words::TOPIC_INVALID).with("topic", topic)),
            Refused::Full | Refused::Lost => None,
        }
    }
}

/// One connection that the broker accepted. Dropping it closes the connection without a farewell: the broker then sends
/// the last will.
pub struct Uplink {
    client: AsyncClient,
    /// Tokens in the order of their messages, for the task, which learns the packet ids.
    tokens: mpsc::Sender<Token>,
    notes: mpsc::Receiver<Note>,
    task: JoinHandle<()>,
    /// Messages taken whose `Acked` the courier has not yet had.
    in_flight: usize,
    window: usize,
    max_message: usize,
    lost: Option<Trouble>,
    sink: Sink,
    witness: Option<Witness>,
}

impl Uplink {
    /// A connection to the broker of `sink`, once the broker has accepted it; or the cause. `will` is the topic and the
    /// payload that the broker publishes, retained, when this connection breaks. Safe to drop at any moment.
    pub async fn connect(sink: &Sink, will: (String, Vec<u8>)) -> Result<Uplink, Trouble> {
        Uplink::open(sink, Some(will)).await
    }

    /// The same without a will: for who delivers in another's name, and says nothing about whether that one is there.
    pub async fn connect_without_will(sink: &Sink) -> Result<Uplink, Trouble> {
        Uplink::open(sink, None).await
    }

    async fn open(sink: &Sink, will: Option<(String, Vec<u8>)>) -> Result<Uplink, Trouble> {
        let window = sink.window.clamp(1, MAX_WINDOW);
        // One place more than the window, for the farewell.
        let (client, mut eventloop) = AsyncClient::new(options(sink, window, will)?, window + 1);
        eventloop.set_network_options(network_options());
        match eventloop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {}
            Ok(_) => return Err(cause::at(sink, words::NOT_MQTT).with("error", "a packet other than CONNACK")),
            Err(error) => return Err(cause::connecting(sink, error, CONNECT_TIMEOUT)),
        }
        // From here on the same figure limits single writes, and one large message may fill a slow line for long.
        eventloop.network_options.set_connection_timeout(stall(sink).as_secs());

        let (tokens, tokens_of_task) = mpsc::channel(window);
        // At most a window of acks that the courier has not taken, and the last note.
        let (notes_of_task, notes) = mpsc::channel(window + 1);
        let task = tokio::spawn(carry(eventloop, tokens_of_task, notes_of_task, sink.clone()));
        let (in_flight, lost, max_message) = (0, None, sink.max_message);
        Ok(Uplink {
            client,
            tokens,
            notes,
            task,
            in_flight,
            window,
            max_message,
            lost,
            sink: sink.clone(),
            witness: None,
        })
    }

    /// The same, seen by a witness from here on; the will is with the broker already.
    pub fn seen_by(mut self, witness: Witness, (topic, payload): &(String, Vec<u8>)) -> Uplink {
        let will = witness.look(Kind::Will, topic, payload, Contents::default());
        will.into_iter().for_each(|entry| witness.tell(entry));
        self.witness = Some(witness);
        self
    }

    /// Whether one message more would be taken, as far as the window goes.
    pub fn has_room(&self) -> bool {
        self.in_flight < self.window
    }

    /// Hands one message to the broker with QoS 1. Never waits.
    pub fn publish(
        &mut self,
        token: Token,
        topic: &str,
        message: impl Into<Message>,
        retain: bool,
    ) -> Result<(), Refused> {
        let Message { payload, contents } = message.into();
        if self.lost.is_some() {
            return Err(Refused::Lost);
        }
        if !is_topic(topic) {
            return Err(Refused::TopicInvalid);
        }
        if payload.len() > self.max_message {
            return Err(Refused::TooLarge { size: payload.len(), limit: self.max_message });
        }
        if !self.has_room() {
            return Err(Refused::Full);
        }
        let look = |witness: &Witness| witness.look(Kind::of(token, topic), topic, &payload, contents);
        let seen = self.witness.as_ref().and_then(look);
        // Token and message go into their queues in one breath: the task pairs them by their order alone.
        let queued = self.tokens.try_send(token).is_ok()
            && self.client.try_publish(topic, QoS::AtLeastOnce, retain, payload).is_ok();
        if !queued {
            // The task has ended. Should a queue be full against all reckoning, the pairs would be off by one from here
            // on: the connection must not live.
            self.task.abort();
            return Err(Refused::Lost);
        }
        if let (Some(witness), Some(entry)) = (&self.witness, seen) {
            witness.tell(entry);
        }
        self.in_flight += 1;
        Ok(())
    }

    /// The next note, when there is one. Safe in `select!`. After `Lost` it says `Lost` again.
    pub async fn note(&mut self) -> Note {
        if let Some(trouble) = &self.lost {
            return Note::Lost(trouble.clone());
        }
        let note = self.notes.recv().await;
        self.book(note)
    }

    /// The next note, if it is there already: acknowledgements come in bunches, and one waking serves them all.
    pub fn ready_note(&mut self) -> Option<Note> {
        if self.lost.is_some() {
            return None;
        }
        match self.notes.try_recv() {
            Ok(note) => Some(self.book(Some(note))),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => Some(self.book(None)),
        }
    }

    /// Says farewell (DISCONNECT, so that the broker sends no last will) behind all messages taken, and closes.
    pub async fn close(mut self) {
        if self.client.try_disconnect().is_ok() {
            tokio::time::timeout(CLOSE_TIMEOUT, &mut self.task).await.ok(); // a dead line needs no farewell
        }
    }

    fn book(&mut self, note: Option<Note>) -> Note {
        let note = note.unwrap_or_else(|| Note::Lost(cause::at(&self.sink, words::UPLINK_FAILED)));
        match &note {
            Note::Acked(_) => self.in_flight -= 1,
            Note::Lost(trouble) => self.lost = Some(trouble.clone()),
        }
        note
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Drives the connection until it ends. A task of its own, because the library's `poll` must not be cancelled half-way.
async fn carry(mut eventloop: EventLoop, tokens: mpsc::Receiver<Token>, notes: mpsc::Sender<Note>, sink: Sink) {
    let mut ledger = Ledger { tokens, flying: Vec::new() };
    let told = |note| notes.try_send(note).is_ok();
    loop {
        let event = match eventloop.poll().await {
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
            Ok(event) => event,
            Err(error) => {
                // What came in the same bunch as the end was acknowledged all the same.
                while let Some(event) = eventloop.state.events.pop_front() {
                    if let Ok(Some(token)) = ledger.enter(&event) {
                        told(Note::Acked(token));
                    }
                }
                told(Note::Lost(cause::lost(&sink, error, stall(&sink))));
                return;
            }
        };
        let delivered = match ledger.enter(&event) {
            Ok(None) => true,
            Ok(Some(token)) => told(Note::Acked(token)),
            Err(Muddle) => false,
        };
        if !delivered {
            told(Note::Lost(cause::at(&sink, words::UPLINK_FAILED)));
            return;
        }
    }
}

/// Which token flies under which packet id.
struct Ledger {
    tokens: mpsc::Receiver<Token>,
    flying: Vec<Option<Token>>,
}

/// The library did what its source says it never does: a packet id twice in flight, or a message that nobody gave it.
struct Muddle;

impl Ledger {
    /// Enters one event of the library; the token that was acknowledged by it, if any.
    ///
    /// The library gives packet ids in the order in which it takes messages, and says `Publish(id)` for each. When an
    /// id comes round while its first use still waits it says `AwaitAck(id)`, takes no message until that one is
    /// acknowledged, and then says `Publish(id)`: the order holds.
    fn enter(&mut self, event: &Event) -> Result<Option<Token>, Muddle> {
        match event {
            Event::Outgoing(Outgoing::Publish(id)) => {
                let id = usize::from(*id);
                if self.flying.len() <= id {
                    self.flying.resize(id + 1, None);
                }
                let token = self.tokens.try_recv().map_err(|_| Muddle)?;
                match self.flying[id].replace(token) {
                    None => Ok(None),
                    Some(_) => Err(Muddle),
                }
            }
            // An id that does not fly is the library's to complain about, which it does with its next word.
            Event::Incoming(Packet::PubAck(ack)) => {
                Ok(self.flying.get_mut(usize::from(ack.pkid)).and_then(Option::take))
            }
            _ => Ok(None),
        }
    }
}

pub(super) fn options(sink: &Sink, window: usize, will: Option<(String, Vec<u8>)>) -> Result<MqttOptions, Trouble> {
    // An IPv6 address stands in brackets in a URL, but neither in a certificate nor for the resolver.
    let host = sink.host.trim_start_matches('[').trim_end_matches(']');
    let mut options = MqttOptions::new(&sink.client_id, host, sink.port);
    options
        .set_clean_session(true)
        .set_keep_alive(Duration::from_secs(sink.keep_alive.as_secs().clamp(1, u64::from(u16::MAX))))
        .set_max_packet_size(sink.max_message + HEADER_ROOM, sink.max_message + HEADER_ROOM)
        // Packet ids come round after so many; with more of them than may be in flight, a message that is acknowledged
        // late does not block the next one with its id.
        .set_inflight(u16::try_from(2 * window + 16).unwrap_or(u16::MAX));
    if let Some((topic, payload)) = will {
        options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true));
    }
    if let Some(user) = &sink.user {
        let password = sink.password.as_ref().map(secret::resolve).transpose()?;
        options.set_credentials(user, password.as_ref().map_or("", |password| password.expose_secret()));
    }
    if let Security::Tls { ca_file, client } = &sink.security {
        let broker = format!("{}:{}", sink.host, sink.port);
        let config = tls::client_config(&broker, ca_file.as_deref(), client.as_ref())?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
    }
    Ok(options)
}

pub(super) fn network_options() -> NetworkOptions {
    let mut options = NetworkOptions::new();
    options.set_tcp_nodelay(true);
    options.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
    options
}

/// How long the line may refuse bytes: as long as an acknowledgement may take.
pub(super) fn stall(sink: &Sink) -> Duration {
    sink.ack_timeout.max(Duration::from_secs(1))
}

/// MQTT 3.1.1, 4.7.3 and 3.3.2.1: no wildcard, no NUL, not empty, at most 65535 bytes.
fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= usize::from(u16::MAX) && !topic.contains(['+', '#', '\0'])
}

/// For name, TCP, TLS and CONNACK together. A cellular line with a TLS handshake over three round trips needs a few
/// seconds; three times that is a line that is down.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// For DISCONNECT and what is queued before it. A service manager grants a stop more than this for all sinks together.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a PUBLISH has besides its payload: at most 5 bytes of fixed header, 2 + 65535 of topic, 2 of packet id.
const HEADER_ROOM: usize = 5 + 2 + 65_535 + 2;

/// Twice this and some fit into a packet id.
const MAX_WINDOW: usize = 32_000;
