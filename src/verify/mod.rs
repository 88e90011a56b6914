//! The verify room: what a receiver can prove from the messages it got. Pure: messages in, a report out; who fetches them from a
//! broker or a file is above.
//!
//! The rule: only what a sender said counts. A position is missing when no message covers it; that nothing is missing is said
//! only where every position between the first and the last message is covered. Memory is bounded, however long it listens.
//! `examples/verify.py` is its twin for the receiving side: the same rules, the same verdicts.

mod message; // what one message says of itself

mod capture; // a line of a file as a message

mod ranges; // the positions that are covered

mod chain; // one stream of one workshop, message by message

mod report; // all streams, and the verdict

pub use capture::{Line, line};
pub use chain::{Chain, Conflict, Disorder};
pub use message::{Beside, Heard, Kind, Told, read};
pub use ranges::{Ranges, Span};
pub use report::{Checker, Report, StreamReport, Verdict};
