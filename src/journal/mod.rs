//! The journal.

pub mod columns;
pub mod fault;
pub mod on_change;
pub mod record;
mod schema;
