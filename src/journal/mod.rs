//! The journal remembers: every sample and event goes through it to the disk, and each sink's place in it is kept until
//! the sink has what it wants. One SQLite file with two queues, `data` and `events`; one row per group and commit.
//!
//! It owns the journal's directory and everything in it. [`Journal`] is the only one that writes and belongs to the
//! recorder's thread; each [`Reader`] has a connection of its own.
//!
//! The rule: what [`Journal::commit`] wrote survives a power cut; positions are never reused; nothing that some sink still
//! wants is deleted except by a limit, and then it is counted, and told to whoever misses it ([`crate::model::Losses`]).

mod limits; // what it may hold

mod on_change; // before it: what is worth recording

mod open; // finding and opening the file ...

mod store; // ... giving positions, committing

mod upkeep; // cursors stored, and from time to time ...

mod retention; // ... limits kept

mod ages;

mod renewal; // a damaged file is set aside, and a new one begun ...

mod aside;

mod salvage; // ... into which what is readable is brought over

mod source;
mod walk;

mod news; // what is to be told

mod high_water; // how far positions were given, beside the file

mod clock; // what the file says of the wall clock

mod reader;

mod place;

mod quarantine; // what a broker can never take

mod ahead;
mod look; // for a person at the gateway: read-only

mod forget; // and what such a person may change, while no agent runs

pub mod parcel; // finished messages in one signed file

mod cursors;

mod dictionary;
mod ledger; // what became of each expected sample

mod uploads; // what became of each record on its way to a sink

mod figures; // cells, state log, snapshots, baselines, audit trail ...

mod wishes; // ... and what a person changes of them

mod record; // the body of a row: checksum and zstd around ...

mod columns; // ... columns, written with ...

mod bytes; // ... these tools

mod squeeze; // the same in memory

mod migrate;
mod schema;

mod fault;

#[cfg(test)]
pub(crate) mod tests;

pub use figures::{AuditRow, BaselineRow, FigureRow, IntervalRow, SnapshotRow};
pub use forget::{drop_quarantined, forget_sink};
pub use limits::{Limits, Round};
pub use look::{
    AsideView, BytesView, HighWaterView, Look, LossView, Overview, QuarantineRow, QuarantineView, RowView, SinkView,
    StreamView,
};
pub use on_change::OnChange;
pub use place::{Place, View};
pub use quarantine::{Evicted, Poisoned, Quarantined};
pub use reader::{Found, Reader};
pub use salvage::Stretch;
pub use squeeze::{Bundle, Squeezer};
pub use store::{Committed, Held, Journal, NewData, NewEvent, Opening, Settings, Status};
pub use upkeep::Dropped;
pub use wishes::{Change, Granted, Submitted, put_audit, put_baseline, submit};
