//! Calendar: from shifts by the clock on the wall to moments.

/// Shifts, breaks, production days, tariffs of one device.
#[derive(Debug)]
pub struct Calendar {}
