//! How a running agent is, for people and for those who watch over it: one document, and what is made of it: the page of `cloudward
//! status`, its live view, the metrics, the health.
//!
//! The rule: everything here is made from the document alone and touches nothing else; who gathers it, and who carries it, stands above.
//! What the metrics tell is about the gateway, never about production: that leaves through a sink or not at all.

mod document;
pub mod http; // what is asked, and the bytes of an answer
mod metrics;
mod page; // one screen of text ...
mod show; // ... in words of people
mod verdict; // what needs a person
#[cfg(feature = "tui")]
pub mod view; // the live view
pub mod wire; // what goes over the local socket

pub use document::{
    AgentPart, AsidePart, BadTag, ClockPart, DevicePart, JournalPart, LinkPart, LossPart, MachinePart, SCHEMA,
    SamplesPart, Saying, SinkPart, Status, TallyPart, WorkshopPart,
};
pub use metrics::{CONTENT_TYPE, open_metrics};
pub use page::{Line, ONE_SCREEN, Tone, page};
pub use verdict::{RECORDER_ANSWERS_WITHIN, health, needs};

#[cfg(test)]
pub(crate) mod sample;
