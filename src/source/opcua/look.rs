//! What is read: groups that are read cyclically, and nodes whose silence is looked into.

use opcua::types::{DataValue, StatusCode};

use super::client::Client;
use super::convert;
use super::fault::{Fault, Reach, is_too_much};
use super::freshness::Finding;
use super::session::Session;
use crate::model::words::opcua as words;
use crate::model::{Reading, Stamp, Trouble, Why};

impl Client {
    /// Every group that is due, as far as it is read.
    pub(super) async fn read_due(&mut self, session: &mut Session) -> Result<(), Fault> {
        while let Some(group) = self.schedule.take_next(self.now_ms(), |_| false) {
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
            self.hand_on(group, readings, Some(stamps)).await;
            let missed: u64 = self.schedule.take_missed().iter().map(|(_, missed)| missed).sum();
            self.status.send_modify(|status| status.overruns += missed);
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
            if finding == Finding::Mute || finding == Finding::Dead && self.on_probation {
                mute = Some(*handle);
            }
        }
        let Some(mute) = mute else { return Ok(()) };
        let period = self.book.groups[self.book.entries[mute].group].period;
        self.ended = self.subscriptions.iter().find(|known| known.period == period).map(|known| known.id);
        let trouble = Trouble::new(words::SUBSCRIPTION_MUTE);
        Err(Fault { reach: Reach::Subscription, ..Fault::new(Why::NoData, trouble) })
    }

    fn on_looked_at(&mut self, handle: usize, value: &DataValue) -> Finding {
        let entry = &self.book.entries[handle];
        let reading = convert::reading(entry.tag(), entry.node(), value);
        let (now_ms, bounds) = (self.now_ms(), self.book.bounds(handle));
        let tolerance = if self.items.with_deadband(handle) { self.book.tolerance(handle) } else { Some(0.0) };
        let finding = self.items.on_read(handle, &reading, tolerance, now_ms, bounds);
        let is_gone = reading == Reading::Bad(Why::NodeUnknown);
        if finding == Finding::Dead || is_gone {
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
