//! The metrics: the document as OpenMetrics text. docs/STATUS.md lists every name; a test compares both. Owns `prometheus-client`.
//!
//! The rule: names stay as they are, and none is per tag: their number is that of links, devices and sinks. They say how gateway,
//! lines and delivery are. What machines produce is not among them: that leaves through a sink, its scope and its log, or not at all.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::document::{DevicePart, LinkPart, SinkPart, Status};

/// What `/metrics` says of its body.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text.
pub fn open_metrics(status: &Arc<Status>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Told(status.clone())));
    let mut text = String::new();
    encode(&mut text, &registry).ok(); // writing to a String cannot fail
    text
}

#[derive(Debug)]
struct Told(Arc<Status>);

impl Collector for Told {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        METRICS.iter().try_for_each(|metric| metric.encode(&self.0, &mut encoder))
    }
}

struct Metric {
    /// Without unit and `_total`.
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    is_counter: bool,
    read: Read,
}

/// Where its values come from. What cannot be known has no value.
enum Read {
    One(fn(&Status) -> Option<f64>),
    Version(fn(&Status) -> String),
    Links(fn(&LinkPart) -> Option<f64>),
    Devices(fn(&DevicePart) -> Option<f64>),
    Sinks(fn(&SinkPart) -> Option<f64>),
}

impl Metric {
    fn encode(&self, status: &Status, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut series: Vec<([(&str, &str); 1], f64)> = Vec::new();
        let mut alone = None;
        let version;
        match self.read {
            Read::One(read) => alone = read(status),
            Read::Version(read) => {
                version = read(status);
                series.push(([("version", &version)], 1.0));
            }
            Read::Links(read) => {
                series.extend(status.links.iter().filter_map(|it| Some(([("link", it.name.as_str())], read(it)?))));
            }
            Read::Devices(read) => {
                series.extend(status.devices.iter().filter_map(|it| Some(([("device", it.id.as_str())], read(it)?))));
            }
            Read::Sinks(read) => {
                series.extend(status.sinks.iter().filter_map(|it| Some(([("sink", it.name.as_str())], read(it)?))));
            }
        }
        if alone.is_none() && series.is_empty() {
            return Ok(());
        }
        let kind =
            if self.is_counter { ConstCounter::new(0.0).metric_type() } else { ConstGauge::new(0.0).metric_type() };
        let mut metric = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), kind)?;
        if let Some(value) = alone {
            return match self.is_counter {
                true => ConstCounter::new(value).encode(metric),
                false => ConstGauge::new(value).encode(metric),
            };
        }
        for (label, value) in &series {
            let one = metric.encode_family(label)?;
            match self.is_counter {
                true => ConstCounter::new(*value).encode(one)?,
                false => ConstGauge::new(*value).encode(one)?,
            }
        }
        Ok(())
    }
}

const fn gauge(name: &'static str, unit: Option<Unit>, help: &'static str, read: Read) -> Metric {
    Metric { name, help, unit, is_counter: false, read }
}

const fn counter(name: &'static str, help: &'static str, read: Read) -> Metric {
    Metric { name, help, unit: None, is_counter: true, read }
}

fn yes(is: bool) -> Option<f64> {
    Some(f64::from(u8::from(is)))
}

fn n(count: u64) -> Option<f64> {
    Some(count as f64)
}

fn sum(causes: &std::collections::BTreeMap<String, u64>) -> Option<f64> {
    n(causes.values().sum())
}

static METRICS: [Metric; 38] = [
    gauge("cloudward_build_info", None, "Version of the agent", Read::Version(|it| it.agent.version.clone())),
    gauge("cloudward_uptime", Some(Unit::Seconds), "Since the agent was started", Read::One(|it| n(it.agent.uptime_s))),
    gauge(
        "cloudward_needs",
        None,
        "Things that need a person, as cloudward status names them",
        Read::One(|it| n(it.needs.len() as u64)),
    ),
    gauge(
        "cloudward_clock_trusted",
        None,
        "Whether the clock of the gateway is trusted",
        Read::One(|it| yes(it.clock.as_ref()?.is_trusted)),
    ),
    gauge(
        "cloudward_recorder_answers",
        None,
        "Whether the recorder, which writes the journal, answers",
        Read::One(|it| yes(it.clock.is_some())),
    ),
    gauge("cloudward_link_up", None, "Whether the link answers", Read::Links(|it| yes(it.state == "up"))),
    counter("cloudward_link_scans", "Scans handed on", Read::Links(|it| n(it.scans))),
    counter("cloudward_link_bad_scans", "Scans with at least one bad reading", Read::Links(|it| n(it.bad_scans))),
    counter(
        "cloudward_link_missed_scans",
        "Scans that were due and did not happen",
        Read::Links(|it| n(it.missed_scans)),
    ),
    counter("cloudward_link_healing", "Steps taken to get data again", Read::Links(|it| sum(&it.healing))),
    gauge(
        "cloudward_device_online",
        None,
        "Whether there was a good value within three periods",
        Read::Devices(|it| yes(it.is_online)),
    ),
    gauge(
        "cloudward_device_good_age",
        Some(Unit::Seconds),
        "Since the last good value",
        Read::Devices(|it| it.good_ago_s),
    ),
    gauge("cloudward_device_bad_tags", None, "Tags without a good value", Read::Devices(|it| n(it.bad_tags?))),
    counter(
        "cloudward_samples_expected",
        "Samples that should have been taken",
        Read::One(|it| n(it.samples.since_start.as_ref()?.expected)),
    ),
    counter("cloudward_samples_good", "Samples in time", Read::One(|it| n(it.samples.since_start.as_ref()?.good))),
    counter(
        "cloudward_samples_uncertain",
        "Samples in time with a reason for doubt",
        Read::One(|it| n(it.samples.since_start.as_ref()?.uncertain)),
    ),
    counter(
        "cloudward_samples_late",
        "Samples that came too late",
        Read::One(|it| n(it.samples.since_start.as_ref()?.late)),
    ),
    counter(
        "cloudward_samples_bad",
        "Samples asked for and without a value",
        Read::One(|it| sum(&it.samples.since_start.as_ref()?.bad)),
    ),
    counter(
        "cloudward_samples_lost",
        "Samples that are not there at all",
        Read::One(|it| sum(&it.samples.since_start.as_ref()?.lost)),
    ),
    counter(
        "cloudward_samples_dropped",
        "Samples given up by the journal or because a broker can never take them",
        Read::One(|it| n(it.journal.dropped_samples)),
    ),
    gauge("cloudward_journal_size", Some(Unit::Bytes), "The journal on the disk", Read::One(|it| n(it.journal.bytes?))),
    gauge("cloudward_journal_limit", Some(Unit::Bytes), "What it may take", Read::One(|it| n(it.journal.max_bytes))),
    gauge("cloudward_journal_records", None, "Records on the disk", Read::One(|it| n(it.journal.records?))),
    gauge(
        "cloudward_journal_memory_samples",
        None,
        "Samples in memory that are neither written nor delivered everywhere",
        Read::One(|it| n(it.journal.memory_samples?)),
    ),
    gauge(
        "cloudward_journal_time_left",
        Some(Unit::Seconds),
        "Until it is full, at the rate of the last hour; absent if it does not grow",
        Read::One(|it| it.journal.hours_left.map(|hours| hours * 3_600.0)),
    ),
    gauge(
        "cloudward_journal_writable",
        None,
        "Whether the disk takes what is written",
        Read::One(|it| yes(it.journal.is_writable?)),
    ),
    gauge(
        "cloudward_journal_losses",
        None,
        "Gaps on record: runs of positions that were given up",
        Read::One(|it| n(it.journal.losses_total?)),
    ),
    gauge(
        "cloudward_journal_files_set_aside",
        None,
        "Damaged or newer files beside the journal",
        Read::One(|it| n(it.journal.set_aside.as_ref()?.len() as u64)),
    ),
    gauge(
        "cloudward_sink_connected",
        None,
        "Whether the broker has accepted the agent",
        Read::Sinks(|it| yes(it.is_connected)),
    ),
    gauge(
        "cloudward_sink_paused",
        None,
        "Whether its budget lets nothing through",
        Read::Sinks(|it| yes(it.paused.is_some())),
    ),
    gauge(
        "cloudward_sink_waiting_records",
        None,
        "Records that it has not got",
        Read::Sinks(|it| n(it.waiting_records)),
    ),
    gauge("cloudward_sink_lag", Some(Unit::Seconds), "Age of the oldest of them", Read::Sinks(|it| it.lag_s)),
    counter("cloudward_sink_acked_messages", "Messages acknowledged", Read::Sinks(|it| n(it.acked_messages))),
    counter("cloudward_sink_connections", "Connections to the broker", Read::Sinks(|it| n(it.connects))),
    counter(
        "cloudward_sink_given_up_samples",
        "Samples that its broker can never take",
        Read::Sinks(|it| n(it.given_up_samples)),
    ),
    counter(
        "cloudward_sink_damaged_records",
        "Records that could not be sent because they are damaged",
        Read::Sinks(|it| n(it.damaged_records)),
    ),
    gauge(
        "cloudward_sink_quarantine_records",
        None,
        "Records in its quarantine",
        Read::Sinks(|it| n(it.in_quarantine?)),
    ),
    gauge(
        "cloudward_sink_month",
        Some(Unit::Bytes),
        "What it used up of its line this month",
        Read::Sinks(|it| n(it.month_bytes)),
    ),
];

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_line_is_of_a_metric_and_what_cannot_be_known_is_absent() {
        let mut status = sample::in_trouble();
        status.clock = None;
        let text = open_metrics(&Arc::new(status));
        assert!(text.ends_with("# EOF\n"));
        for line in [
            "cloudward_build_info{version=\"0.1.0\"} 1.0",
            "cloudward_uptime_seconds 93784.0",
            "cloudward_link_up{link=\"press-plc\"} 1.0",
            "cloudward_link_up{link=\"meters\"} 0.0",
            "cloudward_link_missed_scans_total{link=\"meters\"} 12.0",
            "cloudward_samples_bad_total 712.0",
            "cloudward_journal_time_left_seconds 19440.0",
            "cloudward_sink_connected{sink=\"cloud\"} 0.0",
            "cloudward_recorder_answers 0.0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("cloudward_clock_trusted"), "nobody knows");
        assert!(!text.contains("E-STOP") && !text.contains("mould-temp"), "neither causes nor tags");
    }

    /// Words of the form `cloudward_...` in a text.
    fn names(text: &str) -> std::collections::BTreeSet<&str> {
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        text.split(|c| !is_part(c)).filter(|word| word.starts_with("cloudward_")).collect()
    }

    #[test]
    fn the_documents_list_every_name_and_dashboard_and_alerts_use_no_other() {
        let text = open_metrics(&Arc::new(sample::in_trouble()));
        let told: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let known = names(&told);
        assert_eq!(known.len(), METRICS.len(), "the sample has them all");
        for document in [include_str!("../../docs/STATUS.md"), include_str!("../../docs/STATUS.zh-CN.md")] {
            assert_eq!(names(document), known);
        }
        let dashboard = include_str!("../../deploy/grafana/dashboard.json");
        let alerts = include_str!("../../deploy/prometheus/alerts.yml");
        for (name, used) in [("dashboard", names(dashboard)), ("alerts", names(alerts))] {
            assert!(used.len() > 8 && used.is_subset(&known), "{name}: {:?}", used.difference(&known));
        }
        assert!(serde_json::from_str::<serde_json::Value>(dashboard).is_ok());
    }

    #[test]
    fn names_from_the_configuration_cannot_break_a_line() {
        let mut status = sample::well();
        status.links[0].name = "a\"} 1\n\\evil".into();
        let text = open_metrics(&Arc::new(status));
        assert!(text.contains(r#"{link="a\"} 1\n\\evil"} 1.0"#), "{text}");
    }
}
