//! What happened, apart from samples. The JSON shape is the payload's shape.

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A link came up or went down.
    Link {
        /// The link's name.
        link: String,
        /// What it is now.
        state: LinkState,
        /// Why it went down: a word of [`super::Why`].
        #[serde(skip_serializing_if = "Option::is_none", default)]
        why: Option<String>,
    },
    /// Samples were given up, with the cause.
    Dropped {
        /// How many samples.
        samples: u64,
        /// The cause: `max_size`, `max_age`, `memory`.
        cause: String,
    },
}

/// Whether a link answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Connected, and something answered.
    Up,
    /// Not connected.
    Down,
}
