//! What a reader of a figure must know beside the number. Flags of sums are the flags of their parts together.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Flags(pub u32);

/// The bit, and the word of it in payloads.
const NAMED: [(Flags, &str); 23] = [
    (Flags::RESET, "reset"),
    (Flags::IMPLAUSIBLE, "implausible"),
    (Flags::GAP_PARTS, "gap_parts"),
    (Flags::GAP_BORDER, "gap_border"),
    (Flags::BREAK_WORKED, "break_worked"),
    (Flags::UNMAPPED_STATE, "unmapped_state"),
    (Flags::COUNT_MISMATCH, "count_mismatch"),
    (Flags::PRI_SUSPECT, "pri_suspect"),
    (Flags::UNKNOWN_PRODUCT, "unknown_product"),
    (Flags::NO_COUNT, "no_count"),
    (Flags::NO_QUALITY, "no_quality"),
    (Flags::NO_STATE, "no_state"),
    (Flags::NO_FAULT_SOURCE, "no_fault_source"),
    (Flags::INFERRED, "inferred_from_power"),
    (Flags::INTEGRATED, "integrated"),
    (Flags::SHARED_METER, "shared_meter"),
    (Flags::CLOCK_STEP, "clock_step"),
    (Flags::LATE, "late"),
    (Flags::PARTIAL, "partial"),
    (Flags::RECLASSIFIED, "reclassified"),
    (Flags::LOW_COVERAGE, "low_coverage"),
    (Flags::BY_TEMPERATURE, "by_temperature"),
    (Flags::COARSE_CYCLE, "coarse_cycle"),
];

impl Flags {
    /// A counter began anew; what it had counted between its last sample and that is lost (R4, A16).
    pub const RESET: Flags = Flags(1);
    /// A counter jumped further than the machine can go; the jump was not added (R5).
    pub const IMPLAUSIBLE: Flags = Flags(1 << 1);
    /// Pieces were made while there was no link (R3).
    pub const GAP_PARTS: Flags = Flags(1 << 2);
    /// Such a gap lies over the border of the period (A6).
    pub const GAP_BORDER: Flags = Flags(1 << 3);
    /// The machine ran in a break or planned stop; that time counts as worked (A3).
    pub const BREAK_WORKED: Flags = Flags(1 << 4);
    /// The machine said a number that has no meaning in the configuration (A17).
    pub const UNMAPPED_STATE: Flags = Flags(1 << 5);
    /// More good pieces than pieces (A15).
    pub const COUNT_MISMATCH: Flags = Flags(1 << 6);
    /// Faster than the standard cycle by more than 5 %: the standard is too slack.
    pub const PRI_SUSPECT: Flags = Flags(1 << 7);
    /// Pieces of a product without a standard cycle (R13, A21).
    pub const UNKNOWN_PRODUCT: Flags = Flags(1 << 8);
    /// Pieces are not counted.
    pub const NO_COUNT: Flags = Flags(1 << 9);
    /// Neither good nor bad pieces are counted (R12).
    pub const NO_QUALITY: Flags = Flags(1 << 10);
    /// No tag tells the state.
    pub const NO_STATE: Flags = Flags(1 << 11);
    /// No tag tells of faults: how many there were cannot be known (A19).
    pub const NO_FAULT_SOURCE: Flags = Flags(1 << 12);
    /// The state is taken from the power (A18).
    pub const INFERRED: Flags = Flags(1 << 13);
    /// The energy is integrated from the power, there is no counter (A23).
    pub const INTEGRATED: Flags = Flags(1 << 14);
    /// One meter for several machines: no energy of its own (R15).
    pub const SHARED_METER: Flags = Flags(1 << 15);
    /// The wall clock stepped by more than two seconds (R7).
    pub const CLOCK_STEP: Flags = Flags(1 << 16);
    /// Samples came late: the figures were told before and have changed, or nothing could be computed again (R11).
    pub const LATE: Flags = Flags(1 << 17);
    /// The first data of the device lie within the period (A25).
    pub const PARTIAL: Flags = Flags(1 << 18);
    /// A stop was called planned afterwards (R18).
    pub const RECLASSIFIED: Flags = Flags(1 << 19);
    /// Less than 90 % of the planned busy time is known (A2).
    pub const LOW_COVERAGE: Flags = Flags(1 << 20);
    /// The state is taken from a temperature and its band (R19).
    pub const BY_TEMPERATURE: Flags = Flags(1 << 21);
    /// The percentile lies among cycles shorter than five scans, which cannot be measured by looking so seldom (O13).
    pub const COARSE_CYCLE: Flags = Flags(1 << 22);

    /// None.
    pub const NONE: Flags = Flags(0);

    /// Whether all of `other` are here.
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Adds to this set.
    pub fn raise(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    /// The same without `other`.
    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// The words, for payloads.
    pub fn words(self) -> Vec<&'static str> {
        NAMED.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, word)| *word).collect()
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(", "))
    }
}
