//! What goes over the local socket: one line that asks, one line of JSON that answers, and the end. Limits of both.

/// The question.
pub const QUESTION: &str = "status";

/// Name of the socket in its directory.
pub const SOCKET: &str = "status.sock";

/// The question with its line end, and some room for those of later versions.
pub const MOST_QUESTION: usize = 64;

/// An answer at most: 500 links, 1,000 devices and as many machines at some 300 bytes each are below 1 MB.
pub const MOST_ANSWER: usize = 4_000_000;

/// Entries of each list; beyond it they are counted only.
pub const MOST_LINKS: usize = 500;
/// Devices and machines likewise: a workshop that has more is watched by its metrics.
pub const MOST_DEVICES: usize = 1_000;
/// Sinks likewise.
pub const MOST_SINKS: usize = 50;
/// Tags likewise: a person reads the first ten.
pub const MOST_TAGS: usize = 100;
/// Losses likewise: `cloudward journal status` has the others.
pub const MOST_LOSSES: usize = 20;
/// Files that were put aside: the journal keeps fewer.
pub const MOST_ASIDE: usize = 20;
