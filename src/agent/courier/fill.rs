//! What goes next: greetings, then events, then samples; of those current ones before history. Each through the scope, within the budget, with what
//! the receiver needs to see that nothing is missing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use tracing::error;

use super::super::flight::{Flight, Greeting, Sent};
use super::super::lanes::{DataLanes, Which};
use super::super::suspect::Named;
use super::Courier;
use crate::config::{Backlog, wire_bytes};
use crate::journal::{Found, Poisoned};
use crate::model::words::sink as words;
use crate::model::{DataRecord, Event, MessageId, Seq, Stream, Timestamp, Trouble};
use crate::sink::{Contents, Mask, Message, Refused, Token, Uplink, payload};

/// A live part that is so many times as far behind as makes a backlog is given up for a new one: its line is too narrow.
const TOO_FAR_BEHIND: usize = 8;

/// Records looked at in one go, be it that none of them may leave: then progress is published, and acknowledgements, deadlines and orders
/// are looked at.
const AT_ONCE: usize = 256;

impl Courier {
    /// Publishes as long as the window has room, the budget allows it and there is something to send. Returns when to go on, if nothing
    /// else would say so: the budget was in the way, or it was enough for one go.
    pub(super) async fn fill(&mut self, flight: &mut Flight, uplink: &mut Uplink) -> Result<Option<Instant>, Trouble> {
        let mut looked_at = 0;
        self.read_again = self.read_again.filter(|at| *at > Instant::now());
        while uplink.has_room() && !(self.suspect.is_careful() && flight.in_flight() > 0) {
            if looked_at == AT_ONCE {
                return Ok(Some(Instant::now()));
            }
            looked_at += 1;
            let is_state = flight.greetings.front().is_some_and(|greeting| greeting.birth.is_none());
            if !is_state && let Err(wake) = self.gate(false) {
                return Ok(Some(wake));
            }
            let mut sent = self.send_greeting(flight, uplink);
            if sent.is_none() {
                sent = self.send_event(flight, uplink).await?;
            }
            if sent.is_none() {
                self.arrange(&mut flight.data);
                if flight.data.has_live() {
                    sent = self.send_data(flight, Which::Live, uplink).await?;
                }
            }
            if sent.is_none() {
                if flight.data.has_live()
                    && let Err(wake) = self.gate(true)
                {
                    return Ok(Some(wake));
                }
                sent = self.send_data(flight, Which::Main, uplink).await?;
            }
            match sent {
                Some(Sent::Yes) => {}
                Some(Sent::NotNow) => return Ok(None), // the connection is gone, and the next note says why
                None if flight.data.settle() => {}     // the main lane has more behind what was done before
                None => return Ok(self.read_again),
            }
        }
        Ok(self.read_again)
    }

    /// Which of the data goes first.
    fn arrange(&self, data: &mut DataLanes) {
        data.settle();
        if self.sink.backlog != Backlog::LiveFirst {
            return;
        }
        let tail = self.desk.tail.borrow().clone();
        let (front, window) = (data.front(), self.sink.window);
        if data.was_ahead() && !tail.is_behind(front, window) {
            data.go_live(front + 1);
        }
        let window = if data.has_live() { TOO_FAR_BEHIND * window } else { window };
        if data.can_go_live() && tail.is_behind(front, window) {
            data.go_live(tail.newest_round().max(front + 1));
        }
    }

    /// Retained: that we are here, and what each device's tags are.
    pub(super) fn greetings(&self) -> VecDeque<Greeting> {
        let (boot, now) = (self.desk.boot, Timestamp::of(SystemTime::now()));
        let state = Greeting { birth: None, topic: self.topics.state(), payload: payload::online(boot, now) };
        let devices = self.config.devices.iter().enumerate().filter(|(n, _)| !self.refused_births.contains(n));
        let births = devices.filter_map(|(n, device)| {
            let payload = payload::birth(device, &self.scope, boot, now)?;
            Some(Greeting { birth: Some(n), topic: self.topics.birth(&device.id), payload })
        });
        [state].into_iter().chain(births).collect()
    }

    fn send_greeting(&mut self, flight: &mut Flight, uplink: &mut Uplink) -> Option<Sent> {
        let Greeting { birth, topic, payload } = flight.greetings.pop_front()?;
        if let Some(n) = birth.filter(|n| self.suspect.is_condemned(Named::Birth(*n))) {
            self.refuse_birth(n, &topic, payload.len());
            return Some(Sent::Yes);
        }
        match self.hand_over(uplink, Token::Other, &topic, payload, true) {
            Ok(()) => {
                flight.greeting.push_back(birth);
                flight.greeted.get_or_insert_with(Instant::now);
            }
            Err(refused) => {
                let Some(trouble) = refused.trouble(&topic) else { return Some(Sent::NotNow) };
                error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
            }
        }
        Some(Sent::Yes)
    }

    /// A birth at which the broker hangs up is not sent any more: it says nothing that the configuration does not say too.
    fn refuse_birth(&mut self, n: usize, topic: &str, size: usize) {
        self.refused_births.insert(n);
        self.backoff.reset();
        let trouble = Trouble::new(words::BIRTH_REFUSED).with("topic", topic).with("size", size);
        let trouble = trouble.with("broker", self.broker());
        error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
        self.on_condemned(Named::Birth(n));
    }

    async fn send_event(&mut self, flight: &mut Flight, uplink: &mut Uplink) -> Result<Option<Sent>, Trouble> {
        let lane = &mut flight.events;
        if !lane.window.has_room() {
            return Ok(None);
        }
        let Some(record) = self.next(lane, Seq::MAX).await? else { return Ok(None) };
        if !self.scope.allows(&record.event) {
            lane.window.skipped(record.seq);
            return Ok(Some(Sent::Yes));
        }
        if let Event::State(report) = &record.event
            && flight.stated < record.seq
        {
            // First the value that the broker keeps: if the connection ends between the two, both come again.
            flight.stated = record.seq;
            let (topic, payload) = (self.topics.device_state(&report.device), payload::device_state(report, record.at));
            flight.greetings.retain(|greeting| greeting.topic != topic);
            flight.greetings.push_back(Greeting { birth: None, topic, payload });
            flight.events.queue.push_front(Found::Record(record));
            return Ok(Some(Sent::Yes));
        }
        let message = payload::event(&record, lane.window.last_sent());
        let message = Message { payload: message, contents: Contents::of_event(&record) };
        let (topic, seq) = (self.topics.events(), record.seq);
        if self.suspect.is_condemned(Named::Record(Stream::Events, seq)) {
            self.quarantine(Poisoned::Event(record), &topic, message.payload.len()).await?;
            lane.window.gave_up(seq);
            return Ok(Some(Sent::Yes));
        }
        match self.hand_over(uplink, Token::Record(Stream::Events, seq), &topic, message, false) {
            Ok(()) => lane.window.sent(seq, Instant::now()),
            Err(refused) if self.is_given_up(refused, &topic, 0) => lane.window.gave_up(seq),
            Err(_) => return Ok(Some(Sent::NotNow)),
        }
        Ok(Some(Sent::Yes))
    }

    async fn send_data(
        &mut self,
        flight: &mut Flight,
        which: Which,
        uplink: &mut Uplink,
    ) -> Result<Option<Sent>, Trouble> {
        let last = flight.data.last_of(which);
        let lane = flight.data.lane(which);
        if !lane.window.has_room() {
            return Ok(None);
        }
        let Some(record) = self.next(lane, last).await? else { return Ok(None) };
        let (seq, samples) = (record.seq, record.samples());
        let mask = self.mask(&record);
        let sequel = flight.data.sequel(which);
        let Some(message) = payload::data(&record, &mask, sequel) else {
            flight.data.lane(which).window.skipped(seq);
            flight.receipts.passed(&record, self.desk.boot);
            return Ok(Some(Sent::Yes));
        };
        let message = Message { payload: message, contents: Contents::of_data(&record, &mask) };
        let topic = self.topics.data(&record.group.device);
        if self.suspect.is_condemned(Named::Record(Stream::Data, seq)) {
            self.quarantine(Poisoned::Data(record.clone()), &topic, message.payload.len()).await?;
            flight.data.lane(which).window.gave_up(seq);
            flight.receipts.given_up(&record, self.desk.boot);
            return Ok(Some(Sent::Yes));
        }
        match self.hand_over(uplink, Token::Record(Stream::Data, seq), &topic, message, false) {
            Ok(()) => {
                flight.data.sent(which, seq, &sequel, Instant::now());
                flight.receipts.sent(&record, self.desk.boot);
            }
            Err(refused) if self.is_given_up(refused, &topic, samples) => {
                flight.data.lane(which).window.gave_up(seq);
                flight.receipts.given_up(&record, self.desk.boot);
            }
            Err(_) => return Ok(Some(Sent::NotNow)),
        }
        Ok(Some(Sent::Yes))
    }

    /// The one way out: hands a message to the broker, and books what it takes of the budget.
    fn hand_over(
        &mut self,
        uplink: &mut Uplink,
        token: Token,
        topic: &str,
        message: impl Into<Message>,
        retain: bool,
    ) -> Result<(), Refused> {
        let message = message.into();
        let bytes = wire_bytes(topic.len(), message.payload.len(), &self.sink.security);
        uplink.publish(token, topic, message, retain)?;
        self.budget.spend(bytes, Instant::now(), super::wall());
        Ok(())
    }

    /// Whether a message that was not taken never will be: then it is given up, by name.
    pub(super) fn is_given_up(&self, refused: Refused, topic: &str, samples: usize) -> bool {
        let Some(trouble) = refused.trouble(topic) else { return false };
        error!(code = %trouble.code, sink = %self.sink.name, samples, "{trouble}");
        self.desk.status.send_modify(|status| status.given_up += samples as u64);
        self.desk.given_up.fetch_add(samples as u64, Ordering::Relaxed);
        true
    }

    /// Puts a record away at which the broker hangs up again and again. It is on the disk before the cursor passes it.
    async fn quarantine(&mut self, record: Poisoned, topic: &str, size: usize) -> Result<(), Trouble> {
        let ((stream, seq), boot, samples) = (record.place(), record.boot(), record.samples());
        self.desk.recorder.quarantine(&self.sink.name, record, self.suspicion).await?;
        self.desk.status.send_modify(|status| status.quarantined += 1);
        self.backoff.reset();
        let trouble = Trouble::new(words::QUARANTINED).with("record", MessageId { boot, stream, seq });
        let trouble = trouble.with("topic", topic).with("size", size).with("samples", samples);
        let trouble = trouble.with("broker", self.broker());
        error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
        self.on_condemned(Named::Record(stream, seq));
        Ok(())
    }

    fn on_condemned(&mut self, named: Named) {
        if let Some(count) = self.suspect.quarantined(named, Instant::now()) {
            let trouble = Trouble::new(words::REFUSES_ALL).with("broker", self.broker()).with("count", count);
            error!(code = %trouble.code, sink = %self.sink.name, "{trouble}");
        }
    }

    fn mask(&mut self, record: &DataRecord) -> Arc<Mask> {
        let group = &record.group;
        let mask = || Arc::new(self.scope.mask(&group.device, &group.tags));
        self.masks.entry(group.id).or_insert_with(mask).clone()
    }
}
