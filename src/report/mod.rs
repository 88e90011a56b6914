//! Reports: what the cells of a period say, as a document that a stranger can recompute. Pure: cells, state log, configuration and
//! tallies come in, documents go out; whoever reads the journal and writes files stands above.
//!
//! The rule: every figure carries what it is made of, its coverage and its flags; machines that are left out are named; no percentage
//! is ever averaged.

mod build; // from cells to documents
pub mod document;
mod number;
mod period;

pub mod archive;
pub mod baseline;
pub mod catalogue;
pub mod explain;
mod html;
mod plot;
mod quarters;
mod shared;
mod sheet;
mod site;
mod strip;
mod upload;

pub use build::{Given, Report, build};
pub use html::{html, html_of};
pub use number::Num;
pub use period::{Asked, NotAPeriod};
pub use quarters::csv_quarters;
pub use sheet::{csv, csv_line, xlsx};

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod tests;
