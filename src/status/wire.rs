//! What goes over the local socket: one line that asks, one line of JSON that answers, and the end. Limits of both.
//!
//! The rule: what was cut here is missing nowhere else. Verdict and metrics are made from the whole document.

use super::document::Status;

/// The question.
pub const QUESTION: &str = "status";

/// Name of the socket in its directory.
pub const SOCKET: &str = "status.sock";

/// The question with its line end, and some room for those of later versions.
pub const MOST_QUESTION: usize = 64;

/// An answer at most: 500 links, 1,000 devices and as many machines at some 300 bytes each are below 1 MB.
pub const MOST_ANSWER: usize = 4_000_000;

/// Entries of each list; beyond it they are counted only.
const MOST_LINKS: usize = 500;
/// Devices and machines likewise: a workshop that has more is watched by its metrics, which have them all.
pub const MOST_DEVICES: usize = 1_000;
/// Sinks likewise.
const MOST_SINKS: usize = 50;
/// Tags likewise: a person reads the first ten. Each device says how many it has.
const MOST_TAGS: usize = 100;
/// Losses likewise: `cloudward journal status` has the others, and their number stands beside them.
const MOST_LOSSES: usize = 20;
/// Files that were put aside: the journal keeps fewer.
const MOST_ASIDE: usize = 20;

/// The document as it is answered: its long lists cut, and what was left out counted.
pub fn answer(status: &Status) -> Status {
    let mut answer = status.clone();
    answer.omitted += cut(&mut answer.links, MOST_LINKS)
        + cut(&mut answer.devices, MOST_DEVICES)
        + cut(&mut answer.bad_tags, MOST_TAGS)
        + cut(&mut answer.machines, MOST_DEVICES)
        + cut(&mut answer.sinks, MOST_SINKS);
    answer.journal.losses.truncate(MOST_LOSSES);
    if let Some(files) = &mut answer.journal.set_aside {
        files.truncate(MOST_ASIDE);
    }
    answer
}

fn cut<T>(list: &mut Vec<T>, most: usize) -> u64 {
    let beyond = list.len().saturating_sub(most);
    list.truncate(most);
    beyond as u64
}

#[cfg(test)]
mod tests {
    use super::super::{BadTag, DevicePart, sample};
    use super::*;

    #[test]
    fn what_is_cut_off_an_answer_is_counted_and_the_document_stays_whole() {
        let mut status = sample::in_trouble();
        let (device, tag) = (status.devices[2].clone(), status.bad_tags[0].clone());
        status.devices = (0..1_002).map(|n| DevicePart { id: format!("m{n}"), ..device.clone() }).collect();
        status.bad_tags = (0..105).map(|n| BadTag { tag: format!("t{n}"), ..tag.clone() }).collect();
        let answer = answer(&status);
        assert_eq!((answer.devices.len(), answer.bad_tags.len(), answer.omitted), (1_000, 100, 7));
        assert_eq!((status.devices.len(), status.omitted), (1_002, 0), "of which metrics are made");
    }
}
