//! For tests: what a receiver can prove from data messages alone, by the rule that stands in `sink/payload.rs`.

use std::collections::BTreeSet;

use crate::model::{Seam, Seq};
use crate::sink::Sequel;

/// One receiver of the data stream.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Positions that came.
    pub got: BTreeSet<Seq>,
    /// Messages that came again.
    pub duplicates: u64,
    /// Positions of which it is known that they came, or were not meant for this receiver.
    covered: BTreeSet<Seq>,
}

impl Receiver {
    pub fn take(&mut self, seq: Seq, sequel: &Sequel) {
        self.duplicates += u64::from(!self.got.insert(seq));
        self.covered.extend(sequel.prev.map_or(seq, |prev| prev + 1)..=seq);
        if let Some(Seam { before, after }) = sequel.filled {
            self.covered.extend(before + 1..after);
        }
    }

    /// The same from the message. Returns the position and what it says of those before it.
    pub fn read(&mut self, payload: &[u8]) -> (Seq, Sequel) {
        let message: serde_json::Value = serde_json::from_slice(payload).unwrap();
        let seq = message["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
        let prev = message["prev"].as_u64();
        assert_eq!(prev.is_none(), message["live"] == true, "{message}");
        let pair = message.get("filled").map(|pair| (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap()));
        let filled = pair.map(|(before, after)| Seam { before, after });
        let sequel = Sequel { prev, is_history: message["history"] == true, filled };
        self.take(seq, &sequel);
        (seq, sequel)
    }

    /// Positions up to this one of which nothing is known.
    pub fn missing(&self, through: Seq) -> Vec<Seq> {
        (1..=through).filter(|seq| !self.covered.contains(seq)).collect()
    }
}
