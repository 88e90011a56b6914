//! The words that every room speaks. No I/O, no clock, no channels: a value here is a fact that somebody else found
//! out. Everything above may import this; it imports nothing of ours.

pub mod ahead;
pub mod backoff;
pub mod batch;
pub mod clock;
pub mod encoding;
pub mod event;
pub mod grade;
pub mod ledger;
pub mod losses;
pub mod priority;
pub mod stamp;
pub mod state;
pub mod tag;
pub mod time;
pub mod trouble;
pub mod upload;
pub mod usage;
pub mod value;
pub mod words;
mod zone;

pub use ahead::{Ahead, Run, Seam};
pub use backoff::Backoff;
pub use batch::{Batch, BootId, Cursor, DataRecord, EventRecord, MessageId, Scan, Seq, Sign, Stream};
pub use clock::{ClockMark, ClockState, TrustedBy};
pub use event::{Event, FigureReport, IndicatorReport, LinkState, PeriodReport, Previous, StateReport, StopReport};
pub use grade::{Class, Grade, Level};
pub use losses::{Loss, LossCause, Losses};
pub use priority::Priority;
pub use stamp::Stamp;
pub use state::State;
pub use tag::{Deadband, Group, ReportRule, TagInfo, ValueKind};
pub use time::Timestamp;
pub use trouble::{Code, Lang, Trouble, Words};
pub use upload::{Delays, Route, Upload};
pub use usage::{Month, Usage};
pub use value::{Reading, Value, Why};
pub use zone::zone;
