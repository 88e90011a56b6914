//! `[egress]`: the log of what left. What may leave at all stands in each sink's `send`.

use std::time::Duration;

use super::read::Section;

/// `[egress]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// Whether each message that leaves is written down.
    pub log: bool,
    /// How long its days are kept.
    pub keep: Duration,
    /// Bytes that it takes on disk at most.
    pub max_size: u64,
}

const DAY: u64 = 86_400;

/// Networks of industry keep their logs for six months (网络安全法, article 21 (3)).
const KEEP: Duration = Duration::from_secs(180 * DAY);

/// About 4 million messages at 50 bytes each (docs/EGRESS.md): six weeks at one message a second.
const MAX_SIZE: u64 = 200_000_000;

pub(super) fn egress(top: &Section<'_>) -> Egress {
    let mut egress = Egress { log: true, keep: KEEP, max_size: MAX_SIZE };
    let Some(section) = top.section("egress") else { return egress };
    egress.log = section.flag("log").unwrap_or(egress.log);
    let spans = Duration::from_secs(DAY)..=Duration::from_secs(3_650 * DAY);
    egress.keep = section.time("keep", spans).unwrap_or(egress.keep);
    egress.max_size = section.size("max_size", "1MB", "100GB", "200MB").unwrap_or(egress.max_size);
    section.finish();
    egress
}
