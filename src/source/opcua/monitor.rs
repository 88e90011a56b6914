//! How subscriptions are made, and items in them: one subscription for each period, as many items at a time as the server takes,
//! each with a result of its own. A node that is refused harms no other; it is asked for again in the background.

use std::time::{Duration, Instant};

use opcua::types::{
    CreateMonitoredItemsRequest, CreateSubscriptionRequest, DeleteMonitoredItemsRequest, MonitoredItemCreateResult,
    StatusCode, TimestampsToReturn,
};
use tracing::{info, warn};

use super::client::Client;
use super::fault::{Fault, Reach, is_about_filter, is_too_much, is_unsupported, status_name};
use super::session::Session;
use super::subscription::{Subscription, Wanted};
use crate::model::words::opcua as words;
use crate::model::{Lang, Trouble};

/// Values in one message at most: a larger one would hold up the others behind it.
const MOST_NOTIFICATIONS: u32 = 2_000;

impl Client {
    /// Makes the subscriptions that are missing, and asks for every item that is not watched.
    pub(super) async fn subscribe(&mut self, session: &mut Session) -> Result<(), Fault> {
        for period in self.book.periods() {
            let is_read = self.book.subscribed(period).all(|handle| self.items.is_read(handle));
            if is_read || self.subscriptions.iter().any(|known| known.period == period) {
                continue;
            }
            match self.create(session, period).await {
                Ok(subscription) => self.subscriptions.push(subscription),
                Err(fault) if is_unsupported(fault.status) => self.reads_only(&fault),
                Err(fault) if fault.status == StatusCode::BadTooManySubscriptions => self.read_period(period, &fault),
                Err(fault) => return Err(fault),
            }
        }
        self.ask_for_missing(session).await
    }

    async fn create(&self, session: &Session, period: Duration) -> Result<Subscription, Fault> {
        let wanted = Wanted::of(period);
        let request = CreateSubscriptionRequest {
            requested_publishing_interval: wanted.interval_ms,
            requested_lifetime_count: wanted.lifetime_count,
            requested_max_keep_alive_count: wanted.keep_alive_count,
            max_notifications_per_publish: MOST_NOTIFICATIONS,
            publishing_enabled: true,
            ..CreateSubscriptionRequest::default()
        };
        let granted = session.ask(request).await?;
        let (interval, count) = (granted.revised_publishing_interval, granted.revised_max_keep_alive_count);
        Ok(Subscription::new(granted.subscription_id, period, interval, count, Instant::now()))
    }

    /// Everything is read from now on.
    fn reads_only(&mut self, fault: &Fault) {
        (0..self.book.entries.len()).for_each(|handle| self.items.becomes_read(handle));
        self.tell_of_reading(fault);
    }

    fn read_period(&mut self, period: Duration, fault: &Fault) {
        let of_period: Vec<usize> = self.book.subscribed(period).collect();
        of_period.into_iter().for_each(|handle| self.items.becomes_read(handle));
        self.tell_of_reading(fault);
    }

    fn tell_of_reading(&self, fault: &Fault) {
        let code = if is_unsupported(fault.status) { words::NO_SUBSCRIPTIONS } else { words::SERVER_FULL };
        let trouble = self.named(Trouble::new(code).with("status", status_name(fault.status)));
        warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
    }

    /// Asks for the items that are not watched and whose pause is over; those that are dead first.
    pub(super) async fn ask_for_missing(&mut self, session: &mut Session) -> Result<(), Fault> {
        self.bury(session).await?;
        for subscription in self.subscriptions.clone() {
            let wanted = self.items.wanted(self.book.subscribed(subscription.period), self.now_ms());
            // A filter that is refused is left out, so that one round more is needed; not for ever.
            let again = self.ask_for(session, &subscription, wanted).await?;
            self.ask_for(session, &subscription, again).await?;
        }
        Ok(())
    }

    /// Items that are dead at the server are deleted there, and wait to be asked for again.
    async fn bury(&mut self, session: &Session) -> Result<(), Fault> {
        let (dead, now_ms) = (std::mem::take(&mut self.dead), self.now_ms());
        if dead.is_empty() {
            return Ok(());
        }
        self.count("item_recreated", dead.len() as u64);
        for subscription in &self.subscriptions {
            let of_it = dead.iter().filter(|handle| {
                let entry = &self.book.entries[**handle];
                self.book.groups[entry.group].period == subscription.period
            });
            let ids: Vec<u32> = of_it.filter_map(|handle| self.items.forget(*handle, now_ms)).collect();
            for part in ids.chunks(session.limits.monitor) {
                let request = DeleteMonitoredItemsRequest {
                    subscription_id: subscription.id,
                    monitored_item_ids: Some(part.to_vec()),
                    ..DeleteMonitoredItemsRequest::default()
                };
                let deleted = session.ask(request).await;
                deleted.map(drop).or_else(|fault| if is_local(&fault) { Ok(()) } else { Err(fault) })?;
            }
        }
        Ok(())
    }

    /// Asks for these items, in as many requests as it takes. Returns those whose deadband was refused.
    async fn ask_for(
        &mut self,
        session: &mut Session,
        subscription: &Subscription,
        handles: Vec<usize>,
    ) -> Result<Vec<usize>, Fault> {
        let (mut rest, mut again, mut refused, mut back) = (&handles[..], Vec::new(), Vec::new(), Vec::new());
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(session.limits.monitor)];
            let mut asked = Vec::with_capacity(part.len());
            let mut requests = Vec::with_capacity(part.len());
            for handle in part {
                let with_deadband = self.items.with_deadband(*handle);
                match self.book.entries[*handle].to_monitor(*handle, &session.namespaces, with_deadband) {
                    Some(request) => {
                        asked.push(*handle);
                        requests.push(request);
                    }
                    // The server has no such namespace.
                    None => self.refuse(*handle, StatusCode::BadNodeIdUnknown, &mut refused),
                }
            }
            let request = CreateMonitoredItemsRequest {
                subscription_id: subscription.id,
                timestamps_to_return: TimestampsToReturn::Both,
                items_to_create: Some(requests),
                ..CreateMonitoredItemsRequest::default()
            };
            let results = if asked.is_empty() {
                Vec::new()
            } else {
                match session.ask(request).await {
                    Ok(answer) => answer.results.unwrap_or_default(),
                    Err(fault) if is_too_much(fault.status) && session.limits.monitor > 1 => {
                        session.limits.monitor = part.len().div_ceil(2).min(session.limits.monitor - 1);
                        self.tell_fewer(&fault, session.limits.monitor);
                        continue;
                    }
                    // Refused as a whole: the others are asked for all the same.
                    Err(fault) if fault.reach == Reach::Request => {
                        asked.iter().for_each(|handle| self.refuse(*handle, fault.status, &mut refused));
                        Vec::new()
                    }
                    Err(fault) => return Err(fault),
                }
            };
            for (handle, result) in asked.iter().zip(&results) {
                self.on_asked(*handle, result, &mut again, &mut refused, &mut back);
            }
            rest = &rest[part.len()..];
        }
        self.tell_nodes(&refused, &back);
        Ok(again)
    }

    fn on_asked(
        &mut self,
        handle: usize,
        result: &MonitoredItemCreateResult,
        again: &mut Vec<usize>,
        refused: &mut Vec<(usize, StatusCode)>,
        back: &mut Vec<usize>,
    ) {
        let status = result.status_code;
        if status.is_good() || status.is_uncertain() {
            let (now_ms, bounds) = (self.now_ms(), self.book.bounds(handle));
            if self.items.on_watched(handle, result.monitored_item_id, now_ms, bounds) {
                back.push(handle);
            }
        } else if is_about_filter(status) && self.items.with_deadband(handle) {
            self.items.without_deadband(handle);
            again.push(handle);
        } else if status == StatusCode::BadTooManyMonitoredItems {
            // What has no room among the watched is read.
            self.items.becomes_read(handle);
            refused.push((handle, status));
        } else {
            self.refuse(handle, status, refused);
        }
    }

    /// It has no value, which is told to the receivers once and again when its silence has lasted.
    fn refuse(&mut self, handle: usize, status: StatusCode, refused: &mut Vec<(usize, StatusCode)>) {
        if self.items.on_refused(handle, status, self.now_ms()) {
            refused.push((handle, status));
            self.put_bad(handle, status);
        }
    }

    pub(super) fn tell_fewer(&self, fault: &Fault, count: usize) {
        let trouble = Trouble::new(words::FEWER_AT_A_TIME).with("status", status_name(fault.status));
        let trouble = self.named(trouble.with("count", count));
        warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
    }

    fn tell_nodes(&self, refused: &[(usize, StatusCode)], back: &[usize]) {
        const NAMED: usize = 5;
        if !refused.is_empty() {
            let name = |(handle, status): &(usize, StatusCode)| {
                let address = &self.book.entries[*handle].node().address;
                format!("{} ({address}: {})", self.names(&[*handle]), status_name(*status))
            };
            let mut names: Vec<String> = refused.iter().take(NAMED).map(name).collect();
            if refused.len() > NAMED {
                names.push("...".into());
            }
            let trouble = Trouble::new(words::NODES_REFUSED).with("count", refused.len());
            let trouble = self.named(trouble.with("nodes", names.join(", ")));
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
        if !back.is_empty() {
            let trouble = Trouble::new(words::NODES_BACK).with("count", back.len());
            let trouble = self.named(trouble.with("nodes", self.names(back)));
            info!(link = %self.link.name, "{}", trouble.what(Lang::current()));
        }
    }
}

/// Whether a failure is about this request alone.
pub(super) fn is_local(fault: &Fault) -> bool {
    fault.reach <= Reach::Subscription
}
