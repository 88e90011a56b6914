//! What is brought over a loss. On a session that came back, and on subscriptions that were transferred into a new one, the messages
//! that were sent meanwhile are asked for again; only what the server does not have any more is made anew.

use std::time::Instant;

use opcua::types::{DeleteSubscriptionsRequest, RepublishRequest, StatusCode, TransferSubscriptionsRequest};
use tracing::{debug, warn};

use super::client::{Back, Client};
use super::convert;
use super::fault::{Fault, Reach, Stage};
use super::ladder::Step;
use super::monitor::is_local;
use super::session::Session;
use super::subscription::Subscription;
use crate::model::Trouble;
use crate::model::words::opcua as words;

/// Messages that are asked for after a loss, of one subscription: a server keeps fewer.
const MOST_REPUBLISHED: usize = 10_000;

impl Client {
    /// Brings a session that has just been made, or that came back, to where values flow.
    pub(super) async fn prepare(&mut self, session: &mut Session) -> Result<(), Fault> {
        let known = self.ticket.as_ref().map(|(_, namespaces)| namespaces);
        // Under other numbers of namespaces the items of before may be other nodes.
        let is_same_numbering = known.is_some_and(|known| *known == session.namespaces);
        const KEPT_COMES_WITHIN_MS: u64 = 30_000;
        let until_ms = self.now_ms() + KEPT_COMES_WITHIN_MS;
        self.back = Some(Back { heard_ms: self.flushed_ms, until_ms, is_sure: true });
        // From here on it is this session that may be taken up again, should the line be cut in the middle.
        self.ticket = Some((session.ticket.clone(), session.namespaces.clone()));
        if session.is_resumed && is_same_numbering {
            self.catch_up(session).await?;
        } else if is_same_numbering && !self.subscriptions.is_empty() {
            self.transfer(session).await?;
        } else {
            self.make_room(session).await;
        }
        // While nobody was there to hear them they were not silent.
        self.subscriptions.iter_mut().for_each(|subscription| subscription.on_heard(Instant::now()));
        self.items.begin_anew(self.now_ms());
        self.on_probation = !self.subscriptions.is_empty();
        if self.told.is_some() {
            // Everything was told to be bad, and a value that did not change meanwhile is told by nobody.
            (0..self.book.entries.len()).for_each(|handle| self.items.doubt(handle));
        }
        self.subscribe(session).await
    }

    /// Makes a subscription anew that has ended, or all of them.
    pub(super) async fn make_anew(&mut self, session: &mut Session) -> Result<(), Fault> {
        match self.ended.take().and_then(|id| self.subscriptions.iter().position(|known| known.id == id)) {
            Some(at) => {
                let subscription = self.subscriptions.remove(at);
                delete(session, vec![subscription.id]).await?;
                self.forget(&subscription);
            }
            None => {
                let ids: Vec<u32> = self.subscriptions.iter().map(|subscription| subscription.id).collect();
                self.forget_all();
                delete(session, ids).await?;
            }
        }
        self.subscribe(session).await
    }

    /// Nothing of before is at the server any more, or shall be.
    async fn make_room(&mut self, session: &Session) {
        let ids: Vec<u32> = self.subscriptions.iter().map(|subscription| subscription.id).collect();
        self.forget_all();
        if !ids.is_empty() && session.is_resumed {
            delete(session, ids).await.ok(); // they end by themselves, only later
        }
    }

    /// The messages behind the last one that came.
    async fn catch_up(&mut self, session: &Session) -> Result<(), Fault> {
        for at in (0..self.subscriptions.len()).rev() {
            let Some(mut number) = self.subscriptions[at].next_number() else { continue };
            let mut count = 0;
            while count < MOST_REPUBLISHED {
                let age_ms = match self.ask_again(session, at, number).await {
                    Ok(age_ms) => age_ms,
                    Err(fault) if fault.status == StatusCode::BadMessageNotAvailable => break,
                    Err(fault) if fault.reach == Reach::Subscription => {
                        let subscription = self.subscriptions.remove(at);
                        self.forget(&subscription);
                        break;
                    }
                    Err(fault) if is_local(&fault) => break, // a server that does not republish
                    Err(fault) => return Err(fault),
                };
                count += 1;
                self.flush_sent(Some(age_ms)).await; // message by message: together they may be more than the memory holds
                number = self.subscriptions[at].next_number().unwrap_or(1);
            }
            if count > 0 {
                self.count(Step::Republish.as_str(), count as u64);
            }
            self.flush().await;
        }
        Ok(())
    }

    /// Takes the subscriptions of a session that is no more over into this one.
    async fn transfer(&mut self, session: &Session) -> Result<(), Fault> {
        let ids: Vec<u32> = self.subscriptions.iter().map(|subscription| subscription.id).collect();
        let request = TransferSubscriptionsRequest {
            subscription_ids: Some(ids),
            send_initial_values: true,
            ..TransferSubscriptionsRequest::default()
        };
        let results = match session.ask(request).await {
            Ok(answer) => answer.results.unwrap_or_default(),
            Err(fault) if is_local(&fault) => {
                debug!(link = %self.link.name, status = %fault.status, "no transfer");
                Vec::new()
            }
            Err(fault) => return Err(fault),
        };
        let mut kept = Vec::new();
        for (n, subscription) in std::mem::take(&mut self.subscriptions).into_iter().enumerate() {
            if results.get(n).is_some_and(|result| result.status_code.is_good()) {
                kept.push(subscription);
            } else {
                self.forget(&subscription);
            }
        }
        self.subscriptions = kept;
        if self.subscriptions.is_empty() {
            return Ok(());
        }
        self.tell_step(Step::Transfer, &Trouble::new(words::SERVER_HUNG_UP).with("status", "-"));
        self.catch_up(session).await
    }

    /// Messages that are missing between two others. What is lost for good is told, and every value is read.
    pub(super) async fn republish(&mut self, session: &Session, at: usize, numbers: &[u32]) -> Result<(), Fault> {
        let (mut found, mut lost) = (0, 0_u64);
        for number in numbers {
            match self.ask_again(session, at, *number).await {
                Ok(_) => found += 1,
                Err(fault) if fault.reach <= Reach::Request => lost += 1,
                Err(fault) => return Err(fault),
            }
        }
        if found > 0 {
            self.count(Step::Republish.as_str(), found);
        }
        if lost > 0 {
            self.count("message_lost", lost);
            let trouble = self.named(Trouble::new(words::MESSAGES_LOST).with("count", lost));
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
            let of_it: Vec<usize> = self.book.subscribed(self.subscriptions[at].period).collect();
            of_it.into_iter().for_each(|handle| self.items.doubt(handle));
        }
        Ok(())
    }

    /// How long ago it was sent for the first time.
    async fn ask_again(&mut self, session: &Session, at: usize, number: u32) -> Result<u64, Fault> {
        let request = RepublishRequest {
            subscription_id: self.subscriptions[at].id,
            retransmit_sequence_number: number,
            ..RepublishRequest::default()
        };
        let answer = session.ask(request).await?;
        let (message, now) = (answer.notification_message, answer.response_header.timestamp);
        let age_ms = convert::age_ms(&message.publish_time, &now);
        self.server_now = convert::timestamp(&now);
        if message.sequence_number != number || message.notification_data.as_ref().is_none_or(Vec::is_empty) {
            // There are servers that answer so instead of saying that they have no such message.
            return Err(Fault::of_status(Stage::Request, StatusCode::BadMessageNotAvailable, ""));
        }
        self.subscriptions[at].on_taken(number);
        self.acknowledged.push(opcua::types::SubscriptionAcknowledgement {
            subscription_id: self.subscriptions[at].id,
            sequence_number: number,
        });
        self.take(message).await.map(|()| age_ms)
    }

    /// Its items are asked for anew.
    fn forget(&mut self, subscription: &Subscription) {
        let now_ms = self.now_ms();
        self.signs.on_lost(subscription.period);
        let of_it: Vec<usize> = self.book.subscribed(subscription.period).collect();
        for handle in of_it {
            self.items.forget(handle, now_ms);
        }
    }

    /// Nothing of this session is to be built upon.
    pub(super) async fn start_over(&mut self, session: &Session) {
        self.forget_all();
        self.ticket = None;
        session.end().await;
    }

    pub(super) fn forget_all(&mut self) {
        for subscription in std::mem::take(&mut self.subscriptions) {
            self.forget(&subscription);
        }
    }
}

pub(super) async fn delete(session: &Session, ids: Vec<u32>) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let request = DeleteSubscriptionsRequest { subscription_ids: Some(ids), ..DeleteSubscriptionsRequest::default() };
    match session.ask(request).await {
        Err(fault) if !is_local(&fault) => Err(fault),
        _ => Ok(()), // one that is gone need not be deleted
    }
}
