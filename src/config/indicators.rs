//! `[indicators]`: what of the figures is published beside shifts, days and months.

use super::read::Section;

/// `[indicators]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indicators {
    /// Electricity of each quarter of an hour, as an event: 96 a day and meter, so that nobody pays for them unasked.
    pub quarters: bool,
}

pub(super) fn indicators(top: &Section<'_>) -> Indicators {
    let mut indicators = Indicators::default();
    if let Some(section) = top.section("indicators") {
        indicators.quarters = section.flag("quarters").unwrap_or(indicators.quarters);
        section.finish();
    }
    indicators
}
