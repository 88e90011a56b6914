//! What is read: groups that are read cyclically, and nodes whose silence is looked into.

use opcua::types::{DataValue, StatusCode};

use super::client::Client;
use super::convert;
use super::fault::{Fault, Reach, is_too_much};
use super::freshness::Finding;
use super::session::Session;
use super::subscription::Subscription;
use crate::model::words::opcua as words;
use crate::model::{Reading, Stamp, Trouble, Why};

impl Client {
    /// Every group that is due, as far as it is read.
    pub(super) async fn read_due(&mut self, session: &mut Session) -> Result<(), Fault> {
        // By one moment: reads that take longer than their period must not keep everything else waiting.
        let now_ms = self.now_ms();
        let outcome = self.read_groups(session, now_ms).await;
        let missed = self.schedule.take_missed();
        let is_read = |group: usize| self.book.members[group].iter().any(|handle| self.items.is_read(*handle));
        let missed: u64 = missed.iter().filter(|(group, _)| is_read(*group)).map(|(_, missed)| missed).sum();
        if missed > 0 {
            self.status.send_modify(|status| status.overruns += missed);
        }
        outcome
    }

    async fn read_groups(&mut self, session: &mut Session, now_ms: u64) -> Result<(), Fault> {
        while let Some(group) = self.schedule.take_next(now_ms, |_| false) {
            let handles: Vec<usize> =
                self.book.members[group].iter().copied().filter(|handle| self.items.is_read(*handle)).collect();
            if handles.is_empty() {
                continue;
            }
            let values = match self.read(session, &handles).await {
                Ok(values) => values,
                Err(fault) => {
                    self.read_is_bad(group, fault.why).await;
                    if fault.reach == Reach::Request {
                        continue;
                    }
                    return Err(fault);
                }
            };
            let width = self.book.members[group].len();
            let (mut readings, mut stamps) = (vec![None; width], vec![Stamp::default(); width]);
            for (handle, value) in handles.iter().zip(&values) {
                let entry = &self.book.entries[*handle];
                readings[entry.place] = Some(convert::reading(entry.tag(), entry.node(), value));
                stamps[entry.place] = convert::stamp(value);
            }
            self.hand_on(group, Some(self.schedule.taken_due(group)), readings, Some(stamps)).await;
        }
        Ok(())
    }

    /// Reads nodes that have been silent for longer than they used to be: some at a time.
    pub(super) async fn look_at_silent(&mut self, session: &mut Session) -> Result<(), Fault> {
        let handles = self.items.silent(self.now_ms(), session.limits.read);
        if handles.is_empty() {
            return Ok(());
        }
        let values = match self.read(session, &handles).await {
            Ok(values) => values,
            Err(fault) if fault.reach == Reach::Request => return Ok(()), // the next look is behind its pause
            Err(fault) => return Err(fault),
        };
        let mut mute = None;
        for (handle, value) in handles.iter().zip(&values) {
            let finding = self.on_looked_at(*handle, value);
            let is_deaf = match finding {
                // One node without a first value is that node's trouble; when none of them has said a word, it is the subscription's.
                Finding::Mute => !self.has_spoken(*handle),
                Finding::Dead => self.on_probation,
                Finding::Still | Finding::Wait => false,
            };
            if is_deaf {
                mute = Some(*handle);
            }
        }
        let Some(mute) = mute else { return Ok(()) };
        self.ended = self.subscription_of(mute).map(|subscription| subscription.id);
        let trouble = Trouble::new(words::SUBSCRIPTION_MUTE);
        Err(Fault { reach: Reach::Subscription, ..Fault::new(Why::NoData, trouble) })
    }

    fn subscription_of(&self, handle: usize) -> Option<&Subscription> {
        let period = self.book.groups[self.book.entries[handle].group].period;
        self.subscriptions.iter().find(|known| known.period == period)
    }

    /// Whether the subscription of this item has sent a value since it was made.
    fn has_spoken(&self, handle: usize) -> bool {
        self.subscription_of(handle).is_some_and(Subscription::has_spoken)
    }

    fn on_looked_at(&mut self, handle: usize, value: &DataValue) -> Finding {
        let entry = &self.book.entries[handle];
        let reading = convert::reading(entry.tag(), entry.node(), value);
        let (now_ms, bounds) = (self.now_ms(), self.book.bounds(handle));
        let tolerance = if self.items.with_deadband(handle) { self.book.tolerance(handle) } else { Some(0.0) };
        let finding = self.items.on_read(handle, &reading, tolerance, now_ms, bounds);
        let is_gone = reading == Reading::Bad(Why::NodeUnknown);
        let is_mute = finding == Finding::Mute && self.has_spoken(handle);
        if finding == Finding::Dead || is_mute || is_gone {
            self.dead.push(handle);
        }
        // A change that the server is about to tell itself is not told twice.
        if finding != Finding::Wait || is_gone {
            let (group, place, width) = (entry.group, entry.place, self.book.members[entry.group].len());
            self.gatherer.put(group, width, place, reading, convert::stamp(value));
        }
        finding
    }

    /// Reads these nodes, as many at a time as the server takes.
    async fn read(&mut self, session: &mut Session, handles: &[usize]) -> Result<Vec<DataValue>, Fault> {
        let unknown = || DataValue { status: Some(StatusCode::BadNodeIdUnknown), ..DataValue::default() };
        let mut values = Vec::with_capacity(handles.len());
        while values.len() < handles.len() {
            let rest = &handles[values.len()..];
            let part = &rest[..rest.len().min(session.limits.read)];
            let nodes: Vec<_> =
                part.iter().map(|handle| self.book.entries[*handle].to_read(&session.namespaces)).collect();
            let known = nodes.iter().flatten().cloned().collect::<Vec<_>>();
            let read = if known.is_empty() { Ok(Vec::new()) } else { session.read(known).await };
            match read {
                Ok(read) => {
                    let mut read = read.into_iter();
                    values.extend(nodes.iter().map(|node| match node {
                        Some(_) => read.next().unwrap_or_else(unknown),
                        None => unknown(),
                    }));
                }
                Err(fault) if is_too_much(fault.status) && session.limits.read > 1 => {
                    session.limits.read = part.len().div_ceil(2).min(session.limits.read - 1);
                    self.tell_fewer(&fault, session.limits.read);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(values)
    }
}
