//! The book of a link: every tag behind it, in groups, each with the handle by which the server speaks of it. Made once from the
//! configuration; what changes while the link runs stands in [`super::items`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opcua::types::{
    DataChangeFilter, DataChangeTrigger, DeadbandType, ExtensionObject, MonitoredItemCreateRequest, MonitoringMode,
    MonitoringParameters, NumericRange, ReadValueId,
};

use super::freshness::Bounds;
use super::node_id::node_id;
use super::session::value_of;
use crate::config::opcua::{Node, ServerDeadband, Trigger};
use crate::config::{Config, Device, Tag};
use crate::model::{Deadband, Group};

/// One tag.
pub(super) struct Entry {
    pub(super) group: usize,
    /// Among the tags of its group.
    pub(super) place: usize,
    device: Arc<Device>,
    /// Among the tags of its device.
    at: usize,
}

/// All groups and tags of a link. A tag's index is its handle.
pub(super) struct Book {
    pub(super) groups: Vec<Arc<Group>>,
    /// Whether the tags of a group are subscribed to or read, and where they stand in `entries`.
    pub(super) members: Vec<Vec<usize>>,
    pub(super) entries: Vec<Entry>,
}

impl Book {
    /// The book of the devices behind `link`. A device's tags of one period are one group, be they subscribed to or read.
    pub(super) fn of(config: &Config, link: &str) -> Book {
        let mut book = Book { groups: Vec::new(), members: Vec::new(), entries: Vec::new() };
        for device in config.devices_of(link) {
            let mut by_period: BTreeMap<Duration, Vec<usize>> = BTreeMap::new();
            for (at, tag) in device.tags.iter().enumerate().filter(|(_, tag)| tag.node().is_some()) {
                by_period.entry(tag.every).or_default().push(at);
            }
            for (period, tags) in by_period {
                let infos = tags.iter().map(|at| device.tags[*at].info()).collect();
                let group = book.groups.len();
                book.groups.push(Arc::new(Group::new(device.id.clone(), period, infos)));
                let first = book.entries.len();
                let entry = |(place, at)| Entry { group, place, device: device.clone(), at };
                book.entries.extend(tags.into_iter().enumerate().map(entry));
                book.members.push((first..book.entries.len()).collect());
            }
        }
        book
    }

    /// Periods of subscribed tags, each once.
    pub(super) fn periods(&self) -> Vec<Duration> {
        let subscribed = self.entries.iter().filter(|entry| entry.node().is_subscribed);
        let mut periods: Vec<Duration> = subscribed.map(|entry| self.groups[entry.group].period).collect();
        periods.sort_unstable();
        periods.dedup();
        periods
    }

    /// Handles of the tags that are subscribed to with this period.
    pub(super) fn subscribed(&self, period: Duration) -> impl Iterator<Item = usize> {
        let of_period = move |entry: &Entry| entry.node().is_subscribed && self.groups[entry.group].period == period;
        self.entries.iter().enumerate().filter(move |(_, entry)| of_period(entry)).map(|(handle, _)| handle)
    }

    pub(super) fn bounds(&self, handle: usize) -> Bounds {
        let entry = &self.entries[handle];
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Bounds {
            period_ms: ms(self.groups[entry.group].period.max(entry.node().sampling)),
            max_silence_ms: ms(entry.tag().report.max_silence),
        }
    }

    /// How far a value may move without the server telling it; `None`: only the server knows.
    pub(super) fn tolerance(&self, handle: usize) -> Option<f64> {
        let (node, tag) = (self.entries[handle].node(), self.entries[handle].tag());
        match (node.server_deadband, tag.report.deadband) {
            _ if node.trigger == Trigger::Status => None,
            (None, _) => Some(0.0),
            // The server's is counted before scaling.
            (Some(ServerDeadband::Absolute(_)), Deadband::Absolute(band)) => Some(band),
            (Some(_), _) => None,
        }
    }
}

impl Entry {
    /// The tag, as the configuration has it.
    pub(super) fn tag(&self) -> &Tag {
        &self.device.tags[self.at]
    }

    /// Where it is at the server.
    pub(super) fn node(&self) -> &Node {
        self.tag().node().expect("the book takes no other tags")
    }

    /// What a read asks for.
    pub(super) fn to_read(&self, namespaces: &[String]) -> Option<ReadValueId> {
        let index_range = match &self.node().index {
            None => NumericRange::None,
            Some(range) => range.parse().ok()?,
        };
        Some(ReadValueId { index_range, ..value_of(node_id(&self.node().address, namespaces)?) })
    }

    /// What a subscription asks for. `with_deadband`: unless the server refused it.
    pub(super) fn to_monitor(
        &self,
        handle: usize,
        namespaces: &[String],
        with_deadband: bool,
    ) -> Option<MonitoredItemCreateRequest> {
        let node = self.node();
        let deadband = node.server_deadband.filter(|_| with_deadband);
        let trigger = match node.trigger {
            Trigger::Status => DataChangeTrigger::Status,
            Trigger::StatusValue => DataChangeTrigger::StatusValue,
            Trigger::StatusValueTimestamp => DataChangeTrigger::StatusValueTimestamp,
        };
        let filter = match (deadband, trigger) {
            // What servers do without a filter; some refuse even that one when it is spelled out.
            (None, DataChangeTrigger::StatusValue) => ExtensionObject::null(),
            (deadband, trigger) => {
                let (kind, value) = match deadband {
                    None => (DeadbandType::None, 0.0),
                    Some(ServerDeadband::Absolute(band)) => (DeadbandType::Absolute, band),
                    Some(ServerDeadband::PercentOfRange(percent)) => (DeadbandType::Percent, percent),
                };
                let filter = DataChangeFilter { trigger, deadband_type: kind as u32, deadband_value: value };
                ExtensionObject::from_message(filter)
            }
        };
        Some(MonitoredItemCreateRequest {
            item_to_monitor: self.to_read(namespaces)?,
            monitoring_mode: MonitoringMode::Reporting,
            requested_parameters: MonitoringParameters {
                client_handle: u32::try_from(handle).expect("a link has fewer tags than that"),
                sampling_interval: node.sampling.as_secs_f64() * 1_000.0,
                filter,
                queue_size: node.queue,
                discard_oldest: true,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadband_is_given_to_the_server_in_its_own_numbers_and_judged_in_ours() {
        let text = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\n\
                    opcua = \"opc.tcp://h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\ntags = [{ name = \"t\", \
                    address = \"ns=1;s=T\", scale = 0.1, deadband = 0.5 }]\n";
        let book = Book::of(&Config::parse(text).expect("it is valid"), "l");
        let asked = book.entries[0].to_monitor(0, &[], true).expect("the namespace has a number");
        let filter = asked.requested_parameters.filter.inner_as::<DataChangeFilter>().expect("a deadband");
        assert_eq!((filter.deadband_value, book.tolerance(0)), (5.0, Some(0.5)));
    }
}
