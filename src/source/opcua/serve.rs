//! A session that stands: publish requests are kept on their way, what comes is gathered into scans, and what does not come is
//! looked into. Ends when the session is lost or the agent stops.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opcua::types::{
    DataChangeNotification, NotificationMessage, PublishRequest, PublishResponse, StatusChangeNotification, StatusCode,
    SubscriptionAcknowledgement,
};
use tokio::sync::watch;
use tracing::{debug, warn};

use super::client::{Client, End, MOST_PUBLISHING, Taken, told_to_stop};
use super::convert;
use super::fault::{Fault, Reach, Stage, why_bad};
use super::gather::Layer;
use super::ladder::Step;
use super::recover::delete;
use super::session::{Partner, Session};
use super::taken::{Ages, Handover, ages};
use crate::model::words::opcua as words;
use crate::model::{Reading, Trouble, Why};

/// Between a publish request that was refused and the next one.
const PUBLISH_PAUSE: Duration = Duration::from_secs(1);

/// A stop may take so long to hear the server out: the agent gives all links together 2.5 s.
const LAST_WORDS: Duration = Duration::from_millis(1_200);

/// For the way of a message.
const MOMENT: Duration = Duration::from_millis(200);

/// A session without subscriptions is asked for its state so often, to know that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

impl Client {
    /// Until the session is lost.
    pub(super) async fn serve(
        &mut self,
        partner: &Partner,
        mut session: Session,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        self.publishing = Default::default();
        self.acknowledged.clear();
        self.most_publishing = MOST_PUBLISHING;
        self.publish_after = None;
        let prepared = tokio::select! {
            biased;
            () = told_to_stop(stop) => None,
            prepared = self.prepare(&mut session) => Some(prepared),
        };
        match prepared {
            None => return self.stopped(session).await,
            Some(Ok(())) => self.on_connected(&session).await,
            Some(Err(fault)) => {
                if fault.reach != Reach::Channel {
                    // Whatever half of it stands at the server is not to be built upon.
                    self.start_over(&session).await;
                    session.channel.close().await;
                }
                return End::Lost(fault);
            }
        }
        let mut heartbeat = Instant::now() + HEARTBEAT;
        loop {
            if !self.is_heard {
                return self.stopped(session).await;
            }
            self.ticket = Some((session.ticket.clone(), session.namespaces.clone()));
            self.keep_publishing(&session);
            let wake = self.wake_at(heartbeat);
            let published = tokio::select! {
                biased;
                () = told_to_stop(stop) => return self.stopped(session).await,
                status = session.channel.closed() => {
                    return End::Lost(Fault::of_status(Stage::Request, closed(status), ""));
                }
                Some(published) = self.publishing.join_next() => Some(published.unwrap_or_else(|error| {
                    Err(Fault::of_status(Stage::Request, StatusCode::BadConnectionClosed, &error.to_string()))
                })),
                () = tokio::time::sleep_until(wake.into()) => None,
            };
            // A slow server does not hold up a stop: what is given up in the middle of it ends with the session.
            let outcome = tokio::select! {
                biased;
                () = told_to_stop(stop) => return self.stopped(session).await,
                outcome = self.turn(partner, &mut session, &mut heartbeat, published) => outcome,
            };
            if let Err(fault) = outcome {
                return End::Lost(fault);
            }
        }
    }

    /// What came, or what is due; and the way back where it failed. `Err`: only a new channel helps.
    async fn turn(
        &mut self,
        partner: &Partner,
        session: &mut Session,
        heartbeat: &mut Instant,
        published: Option<Result<PublishResponse, Fault>>,
    ) -> Result<(), Fault> {
        let outcome = match published {
            Some(published) => self.on_published(session, published).await,
            None => self.on_time(session, heartbeat).await,
        };
        self.flush().await;
        match outcome {
            Ok(()) => Ok(()),
            Err(fault) => self.mend(partner, session, fault).await,
        }
    }

    /// What the server has gathered since its last publishing is waited for, as far as a stop allows; then the session is closed.
    async fn stopped(&mut self, session: Session) -> End {
        let interval = self.subscriptions.iter().map(|subscription| subscription.interval()).max().unwrap_or_default();
        let until = Instant::now() + if interval.is_zero() { interval } else { (interval + MOMENT).min(LAST_WORDS) };
        let mut is_there = true;
        while self.is_heard {
            self.keep_publishing(&session);
            let outcome = tokio::select! {
                biased;
                _ = session.channel.closed() => {
                    is_there = false;
                    break;
                }
                () = tokio::time::sleep_until(until.into()) => break,
                Some(Ok(published)) = self.publishing.join_next() => self.on_published(&session, published).await,
                else => break,
            };
            if outcome.is_err() {
                is_there = false;
                break;
            }
        }
        self.flush().await;
        if is_there {
            self.tell_last().await;
        }
        session.close().await;
        End::Stopped
    }

    /// One request per subscription, and one in reserve.
    fn keep_publishing(&mut self, session: &Session) {
        if self.publish_after.is_some_and(|after| Instant::now() < after) {
            return;
        }
        let wanted =
            if self.subscriptions.is_empty() { 0 } else { (self.subscriptions.len() + 1).min(self.most_publishing) };
        // The server may hold each of them through all the keep-alives.
        let longest = self.subscriptions.iter().map(|subscription| subscription.keep_alive()).max().unwrap_or_default();
        let patience = (longest * 4).max(Duration::from_secs(60)) + self.link.timeout;
        while self.publishing.len() < wanted {
            let acknowledged = std::mem::take(&mut self.acknowledged);
            let request = PublishRequest {
                subscription_acknowledgements: (!acknowledged.is_empty()).then_some(acknowledged),
                ..PublishRequest::default()
            };
            let (channel, token) = (session.channel.clone(), session.ticket.token.clone());
            self.publishing.spawn(async move { channel.ask_within(Stage::Request, &token, request, patience).await });
        }
    }

    /// The next group to read, subscription to miss, node to ask for or to look into.
    fn wake_at(&self, heartbeat: Instant) -> Instant {
        let has_read = |group: usize| self.book.members[group].iter().any(|handle| self.items.is_read(*handle));
        let read = self.schedule.next_due(has_read).map(|ms| self.at(ms));
        let silent = self.subscriptions.iter().map(|subscription| subscription.deadline()).min();
        let item = self.items.due_ms().map(|ms| self.at(ms)).map(|at| at.max(self.looked + LOOK_PAUSE));
        let dead = (!self.dead.is_empty()).then(|| self.looked + LOOK_PAUSE);
        let publish = self.publish_after.filter(|_| self.publishing.is_empty());
        [read, silent, item, dead, publish, Some(heartbeat)].into_iter().flatten().min().unwrap_or(heartbeat)
    }

    async fn on_time(&mut self, session: &mut Session, heartbeat: &mut Instant) -> Result<(), Fault> {
        let now = Instant::now();
        if let Some(silent) = self.subscriptions.iter().find(|subscription| subscription.deadline() <= now) {
            debug!(link = %self.link.name, subscription = silent.id, "silent");
            self.ended = Some(silent.id);
            let trouble = Trouble::new(words::SUBSCRIPTION_SILENT);
            return Err(Fault { reach: Reach::Subscription, ..Fault::new(Why::Timeout, trouble) });
        }
        self.read_due(session).await?;
        self.publish_after = self.publish_after.filter(|after| *after > now);
        let is_due = !self.dead.is_empty() || self.items.due_ms().is_some_and(|due| self.at(due) <= now);
        if is_due && now >= self.looked + LOOK_PAUSE {
            self.looked = now;
            self.subscribe(session).await?;
            self.look_at_silent(session).await?;
        }
        if now >= *heartbeat {
            *heartbeat = now + HEARTBEAT;
            // Subscriptions of long periods are silent for longer than a session may be.
            if self.subscriptions.iter().all(|subscription| subscription.keep_alive() > HEARTBEAT) {
                session.is_alive().await?;
            }
        }
        Ok(())
    }

    /// An answer to a publish request. Others may have come in the same moment and stand in line behind it, in any order.
    async fn on_published(&mut self, session: &Session, first: Result<PublishResponse, Fault>) -> Result<(), Fault> {
        let mut answers = vec![first];
        while let Some(published) = self.publishing.try_join_next() {
            answers.extend(published.ok());
        }
        let mut failed: Option<Fault> = None;
        let mut messages = Vec::new();
        for answer in answers {
            match answer {
                Ok(response) => messages.push(response),
                // The server wants fewer at a time; what is on its way is enough.
                Err(fault) if fault.status == StatusCode::BadTooManyPublishRequests => {
                    self.most_publishing = self.publishing.len().clamp(1, self.most_publishing);
                    self.publish_after = Some(Instant::now() + PUBLISH_PAUSE);
                }
                Err(fault) => {
                    self.publish_after = Some(Instant::now() + PUBLISH_PAUSE);
                    if failed.as_ref().is_none_or(|known| known.reach < fault.reach) {
                        failed = Some(fault);
                    }
                }
            }
        }
        messages.sort_by_key(|response| (response.subscription_id, response.notification_message.sequence_number));
        for response in messages {
            self.on_message(session, response).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn on_message(&mut self, session: &Session, response: PublishResponse) -> Result<(), Fault> {
        let PublishResponse {
            response_header, subscription_id, notification_message: message, more_notifications, ..
        } = response;
        let Some(at) = self.subscriptions.iter().position(|known| known.id == subscription_id) else {
            // Left over from before, or from an answer that was lost: it would use up publish requests for ever.
            debug!(link = %self.link.name, subscription_id, "a subscription of nobody");
            return delete(session, vec![subscription_id]).await;
        };
        self.subscriptions[at].on_heard(Instant::now());
        self.signs.on_heard(self.subscriptions[at].period);
        let number = message.sequence_number;
        let is_keep_alive = message.notification_data.as_ref().is_none_or(Vec::is_empty);
        let Some(missing) = self.subscriptions[at].missing(number) else { return Ok(()) };
        if !missing.is_empty() {
            self.republish(session, at, &missing).await?;
            // What is lost is lost: it is not missed again with the next keep-alive.
            missing.last().into_iter().for_each(|last| self.subscriptions[at].on_taken(*last));
        }
        if is_keep_alive {
            self.refresh(at);
            return Ok(());
        }
        self.acknowledged.push(SubscriptionAcknowledgement { subscription_id, sequence_number: number });
        self.subscriptions[at].on_taken(number);
        self.subscriptions[at].on_value();
        self.server_now = convert::timestamp(&response_header.timestamp);
        self.take(message).await.inspect_err(|_| self.ended = Some(subscription_id))?;
        self.ladder.on_data();
        if !more_notifications {
            self.flush().await;
        }
        Ok(())
    }

    /// The values of a message go into the scans that are being gathered.
    pub(super) async fn take(&mut self, message: NotificationMessage) -> Result<(), Fault> {
        for data in message.notification_data.into_iter().flatten() {
            if let Some(ended) = data.inner_as::<StatusChangeNotification>() {
                let trouble = Trouble::new(words::SUBSCRIPTION_ENDED).with("status", ended.status);
                return Err(Fault { reach: Reach::Subscription, ..Fault::new(Why::Closed, trouble) });
            }
            let Some(changes) = data.into_inner_as::<DataChangeNotification>() else { continue };
            for change in changes.monitored_items.into_iter().flatten() {
                if self.take_value(change.client_handle as usize, &change.value) {
                    self.flush().await;
                }
            }
        }
        Ok(())
    }

    /// `true`: a server without measure; what is gathered is to be handed on now.
    fn take_value(&mut self, handle: usize, value: &opcua::types::DataValue) -> bool {
        let Some(entry) = self.book.entries.get(handle) else { return false };
        let reading = convert::reading(entry.tag(), entry.node(), value);
        let status = value.status.unwrap_or(StatusCode::Good);
        if status.overflow() {
            self.overflown.push(handle);
        }
        let (group, place, width) = (entry.group, entry.place, self.book.members[entry.group].len());
        let (now_ms, bounds) = (self.now_ms(), self.book.bounds(handle));
        // A node that is gone: the server's item is dead even if the node comes back.
        if status.is_bad() && why_bad(status) == Why::NodeUnknown {
            self.dead.push(handle);
        }
        self.items.on_value(handle, &reading, now_ms, bounds);
        self.on_probation = false;
        self.gatherer.put(group, width, place, reading, convert::stamp(value))
    }

    /// Scans that are complete go to the recorder.
    pub(super) async fn flush(&mut self) {
        self.flush_sent(None).await;
    }

    /// The same of a message that is sent again: it was first sent so long ago.
    pub(super) async fn flush_sent(&mut self, again: Option<u64>) {
        self.tell_lost().await;
        let (layers, now_ms) = (self.gatherer.take(), self.now_ms());
        let back = self.back.filter(|back| now_ms < back.until_ms);
        let heard_ms = back.map_or(self.flushed_ms, |back| back.heard_ms);
        if again.is_none() && !layers.is_empty() {
            self.flushed_ms = now_ms;
        }
        // What comes while the line stands was taken now: a network that lingers must not make it older than what came before.
        let server_now = self.server_now.filter(|_| back.is_some_and(|back| back.is_sure));
        let Ages { layers: ages, is_sure } =
            ages(&layers, Handover { server_now, since_ms: now_ms.saturating_sub(heard_ms), again });
        if let Some(back) = &mut self.back {
            back.is_sure &= is_sure;
        }
        for ((group, Layer { readings, stamps, behind }), ages) in layers.into_iter().zip(ages) {
            self.hand_on_taken(group, None, readings, Some(stamps), Taken { ages, behind }).await;
        }
        self.tell_heard().await;
        self.tell_overflow();
    }

    /// Counted always, told when it begins.
    fn tell_overflow(&mut self) {
        const QUIET: Duration = Duration::from_secs(600);
        if self.overflown.is_empty() {
            return;
        }
        let handles = std::mem::take(&mut self.overflown);
        self.count("queue_overflow", handles.len() as u64);
        let now = Instant::now();
        let is_news = self.overflow_told.is_none_or(|told| now - told >= QUIET);
        self.overflow_told = Some(now);
        if is_news {
            let total = self.status.borrow().counts.get("queue_overflow").copied().unwrap_or_default();
            let nodes = self.names(&handles);
            let trouble = self.named(Trouble::new(words::QUEUE_OVERFLOW).with("count", total).with("nodes", nodes));
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
    }

    /// The server says that nothing changed: what was good is good still.
    fn refresh(&mut self, at: usize) {
        let Self { subscriptions, book, items, status, .. } = self;
        let subscription = &subscriptions[at];
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let until = now_ms + 2 * u64::try_from(subscription.keep_alive().as_millis()).unwrap_or(u64::MAX / 4);
        let of_period = |group: &usize| book.groups[*group].period == subscription.period;
        let is_good = |group: &usize| book.members[*group].iter().any(|handle| items.is_good(*handle));
        let good: Vec<Arc<str>> = (0..book.groups.len())
            .filter(of_period)
            .filter(is_good)
            .map(|group| book.groups[group].device.clone())
            .collect();
        status.send_modify(|status| good.into_iter().for_each(|device| status.hold(device, until)));
    }

    /// The way back after a failure: as far as it must be, and further each time. `Err`: only a new channel helps.
    async fn mend(&mut self, partner: &Partner, session: &mut Session, fault: Fault) -> Result<(), Fault> {
        if fault.reach == Reach::Request {
            debug!(link = %self.link.name, status = %fault.status, trouble = ?fault.trouble, "refused");
            return Ok(());
        }
        let step = self.ladder.climb(fault.reach);
        if step == Step::NewChannel {
            if fault.reach != Reach::Channel {
                // What smaller steps could not mend is not taken over.
                self.start_over(session).await;
            }
            return Err(fault);
        }
        self.tell_step(step, &fault.trouble);
        self.publish_after = None;
        if step == Step::Recreate {
            // The server answers publish requests in their order: those on their way are for the subscriptions that stay.
            if self.ended.is_none() || self.subscriptions.len() <= 1 {
                self.publishing = Default::default();
                self.acknowledged.clear();
            }
            return self.make_anew(session).await;
        }
        self.publishing = Default::default();
        self.acknowledged.clear();
        let renewed = partner.renew(session, fault.reach == Reach::Session).await;
        if fault.reach == Reach::Session {
            renewed?;
            return self.prepare(session).await;
        }
        // The session was closed with all that was in it.
        (self.ended, self.ticket) = (None, None);
        self.forget_all();
        renewed?;
        self.subscribe(session).await
    }

    /// Names of tags for people: some of them.
    pub(super) fn names(&self, handles: &[usize]) -> String {
        const NAMED: usize = 5;
        let name = |handle: &usize| {
            let entry = &self.book.entries[*handle];
            format!("{}.{}", self.book.groups[entry.group].device, entry.tag().name)
        };
        let mut names: Vec<String> = handles.iter().take(NAMED).map(name).collect();
        if handles.len() > NAMED {
            names.push("...".into());
        }
        names.join(", ")
    }

    /// A bad reading without a word of the server.
    pub(super) fn put_bad(&mut self, handle: usize, status: StatusCode) {
        let entry = &self.book.entries[handle];
        let width = self.book.members[entry.group].len();
        let stamp = crate::model::Stamp { status: status.bits(), ..Default::default() };
        self.gatherer.put(entry.group, width, entry.place, Reading::Bad(why_bad(status)), stamp);
    }
}

/// Nodes are looked for at most so often: with thousands of them each look costs.
pub(super) const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// A socket that was closed without an error was closed all the same.
fn closed(status: StatusCode) -> StatusCode {
    if status.is_good() { StatusCode::BadConnectionClosed } else { status }
}
