//! What an OPC UA link has to carry, at most: every value is taken to change whenever its server looks at it. What does not
//! change is not sent, so the truth is mostly far below.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value_bytes;
use crate::config::opcua::{Node, NodeIdentifier};
use crate::config::{Config, Link, Tag};

/// All tags of one period on one link.
pub(in crate::cli) struct PeriodLoad {
    /// Publishing interval, and period of what is read.
    pub(in crate::cli) period: Duration,
    /// Items of the one subscription.
    pub(in crate::cli) items: usize,
    /// The shortest and the longest sampling of them.
    pub(in crate::cli) sampling: Option<(Duration, Duration)>,
    /// Tags that are read every period instead.
    pub(in crate::cli) cyclic: usize,
    pub(in crate::cli) values_per_s: f64,
    pub(in crate::cli) bytes_per_s: f64,
}

/// A request and its answer without what they ask for: headers of TCP/IP, of the channel and of the service, signatures and
/// padding, in binary (Part 6, 6.7), and the acknowledgement of the segments.
const EXCHANGE: usize = 400;

/// A value beside its own bytes: handle, encoding, type, two timestamps (Part 6, 5.2.2.17).
const VALUE: usize = 22;

/// The kind of the address and the number of its namespace: a URI was looked up before.
const NAMESPACE: usize = 3;

/// The load by periods, the shortest one first.
pub(in crate::cli) fn server_load(config: &Config, link: &Link) -> Vec<PeriodLoad> {
    let mut by_period: BTreeMap<Duration, Vec<&Tag>> = BTreeMap::new();
    for tag in config.devices_of(&link.name).flat_map(|device| &device.tags) {
        by_period.entry(tag.every).or_default().push(tag);
    }
    by_period.into_iter().map(|(period, tags)| of_period(period, &tags)).collect()
}

fn of_period(period: Duration, tags: &[&Tag]) -> PeriodLoad {
    let nodes = || tags.iter().filter_map(|tag| tag.node());
    let samplings = || nodes().filter(|node| node.is_subscribed).map(|node| node.sampling);
    let items = samplings().count();
    let cyclic = nodes().count() - items;
    let values: u32 = tags.iter().map(|tag| tag.values_per_period()).sum();
    let bytes: usize =
        tags.iter().map(|tag| (VALUE + value_bytes(tag)) * tag.values_per_period() as usize).sum::<usize>()
            + nodes().filter(|node| !node.is_subscribed).map(asked_bytes).sum::<usize>()
            + EXCHANGE * (usize::from(items > 0) + usize::from(cyclic > 0));
    let per_s = 1.0 / period.as_secs_f64();
    PeriodLoad {
        period,
        items,
        sampling: samplings().min().zip(samplings().max()),
        cyclic,
        values_per_s: f64::from(values) * per_s,
        bytes_per_s: bytes as f64 * per_s,
    }
}

/// What it takes to ask for a node: its address, the attribute, the index range, the encoding.
fn asked_bytes(node: &Node) -> usize {
    let id = match &node.address.id {
        NodeIdentifier::Numeric(_) => 4,
        NodeIdentifier::Text(text) => 4 + text.len(),
        NodeIdentifier::Guid(_) => 16,
        NodeIdentifier::Opaque(bytes) => 4 + bytes.len(),
    };
    NAMESPACE + id + 14 + node.index.as_ref().map_or(0, String::len)
}

#[cfg(feature = "opcua")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::outlook::{is_on_change, journal_load, sink_load};

    fn workshop(tags: &str) -> Config {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
             [[link]]\nname = \"s\"\nopcua = \"opc.tcp://h\"\n\
             [[device]]\nid = \"a\"\nlink = \"s\"\ntags = [{tags}]\n\
             [[device]]\nid = \"b\"\nlink = \"s\"\ntags = [{{ name = \"x\", address = \"ns=2;i=9\" }}]\n\
             [[sink]]\nname = \"c\"\nmqtt = \"mqtts://h\"\nsend = [\"*\"]\n"
        );
        Config::parse(&text).expect("the test writes valid files")
    }

    #[test]
    fn the_tags_of_a_period_share_a_subscription_whatever_their_device() {
        let config = workshop(
            "{ name = \"a\", address = \"ns=2;i=1\", sampling = \"250ms\" },
             { name = \"b\", address = \"ns=2;i=2\", sampling = \"250ms\", queue = 1 },
             { name = \"c\", address = \"ns=2;i=3\", every = \"500ms\", subscribe = false },",
        );
        let load = server_load(&config, &config.links[0]);
        let [fast, slow] = &load[..] else { panic!("two periods") };
        assert_eq!((fast.period, fast.items, fast.cyclic, fast.sampling), (Duration::from_millis(500), 0, 1, None));
        assert_eq!(fast.values_per_s, 2.0);
        assert_eq!(fast.bytes_per_s, 2.0 * (400.0 + 22.0 + 8.0 + 3.0 + 4.0 + 14.0));
        assert_eq!((slow.items, slow.cyclic), (3, 0));
        assert_eq!(slow.sampling, Some((Duration::from_millis(250), Duration::from_secs(1))));
        assert_eq!(slow.values_per_s, 4.0 + 1.0 + 1.0, "a queue of one keeps only the last value");
        assert_eq!(slow.bytes_per_s, 400.0 + 6.0 * 30.0);
    }

    #[test]
    fn what_comes_several_times_in_a_period_counts_so_often_in_journal_and_sink() {
        let of = |keys: &str| {
            let config = workshop(&format!("{{ name = \"a\", address = \"ns=2;i=1\", {keys} }}"));
            let journal = journal_load(&config, 1_000_000_000);
            let sink = sink_load(&config, &config.sinks[0]);
            assert!(is_on_change(&config), "what does not change is not sent");
            (journal.samples_per_s, journal.stored_bytes_per_s, sink.bytes_per_day, sink.messages_per_day)
        };
        let (once, often, cyclic) = (of(""), of("sampling = \"100ms\""), of("subscribe = false"));
        assert_eq!((once.0, often.0, cyclic.0), (2.0, 11.0, 2.0));
        assert_eq!(
            (often.1 - once.1).round(),
            (9.0_f64 * (0.9 + 3.0)).round(),
            "nine further samples a second, with their stamps"
        );
        assert_eq!(often.2 - once.2, 86_400.0 * 9.0 * (32.0 + 1.0 + 4.0 + 8.0));
        assert_eq!((once.3, often.3), (2.0 * 86_400.0, 2.0 * 86_400.0), "they travel together");
    }
}
