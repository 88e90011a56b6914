//! Priority: whose samples are given up first when the journal has no room for all. Pure.

/// Of a device, and of each record of it in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Given up first.
    Low,
    /// As every device is unless the configuration says otherwise.
    #[default]
    Normal,
    /// Given up last of all data.
    High,
}

impl Priority {
    /// All of them, in the order in which they are given up.
    pub const ALL: [Priority; 3] = [Priority::Low, Priority::Normal, Priority::High];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| priority.as_str() == word)
    }
}
