//! Calendar: which month it is at the workshop, and whether the sink's hours have come. Pure; the moment is an argument.

use jiff::tz::TimeZone;

use crate::config::Hours;
use crate::model::{Month, Timestamp};

/// The workshop's days.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    hours: Vec<Hours>,
    /// What was found for a minute since 1970: it holds for all of that minute.
    found: Option<(i64, Found)>,
}

/// What a moment is at the workshop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    month: Month,
    minute: u16,
}

impl Calendar {
    /// The calendar of this time zone; `hours`: when sending is allowed, empty: always.
    pub fn new(zone: TimeZone, hours: Vec<Hours>) -> Calendar {
        Calendar { zone, hours, found: None }
    }

    /// The month of this moment.
    pub fn month(&mut self, at: Timestamp) -> Month {
        self.find(at).month
    }

    /// `None`: it is time to send. Otherwise the minute of the day at which it will be.
    pub fn opens(&mut self, at: Timestamp) -> Option<u16> {
        if self.hours.is_empty() {
            return None; // nobody has to look at the clock
        }
        let minute = self.find(at).minute;
        if self.hours.iter().any(|hours| hours.contain(minute)) {
            return None;
        }
        self.hours.iter().map(|hours| hours.from).min_by_key(|from| (from + 1_440 - minute) % 1_440)
    }

    fn find(&mut self, at: Timestamp) -> Found {
        let since = at.0.div_euclid(60_000);
        if let Some((of, found)) = self.found
            && of == since
        {
            return found;
        }
        // A clock that is beyond all calendars is in January of the year 0.
        let found = jiff::Timestamp::from_millisecond(at.0).map_or(
            Found { month: Month { year: 0, month: 1 }, minute: 0 },
            |at| {
                let at = at.to_zoned(self.zone.clone());
                let minute = at.hour() as u16 * 60 + at.minute() as u16;
                Found { month: Month { year: at.year(), month: at.month() }, minute }
            },
        );
        self.found = Some((since, found));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[track_caller]
    fn check(zone: &str, hours: &[(u16, u16)], moment: &str, month: &str, opens: Option<u16>) {
        let hours = hours.iter().map(|(from, to)| Hours { from: *from, to: *to }).collect();
        let mut calendar = Calendar::new(crate::model::zone(zone).unwrap(), hours);
        assert_eq!(calendar.month(at(moment)).to_string(), month, "{moment}");
        assert_eq!(calendar.opens(at(moment)), opens, "{moment}");
    }

    #[test]
    fn months_and_hours_are_those_of_the_workshop_and_not_of_greenwich() {
        const NIGHT: &[(u16, u16)] = &[(1_320, 360)];
        check("Asia/Shanghai", NIGHT, "2026-10-31T15:59:00Z", "2026-10", None);
        check("Asia/Shanghai", NIGHT, "2026-10-31T16:00:00Z", "2026-11", None);
        check("Asia/Shanghai", NIGHT, "2026-10-31T22:00:00Z", "2026-11", Some(1_320));
        check("Asia/Shanghai", NIGHT, "2026-10-31T13:59:59Z", "2026-10", Some(1_320));
        check("Asia/Shanghai", NIGHT, "2026-10-31T14:00:00Z", "2026-10", None);
        check("UTC", NIGHT, "2026-10-31T14:00:00Z", "2026-10", Some(1_320));
        check("UTC", &[], "1969-12-31T23:59:00Z", "1969-12", None);
    }

    #[test]
    fn the_next_of_several_hours_is_named() {
        const TWICE: &[(u16, u16)] = &[(360, 420), (1_200, 1_260)];
        check("UTC", TWICE, "2026-10-31T05:00:00Z", "2026-10", Some(360));
        check("UTC", TWICE, "2026-10-31T07:00:00Z", "2026-10", Some(1_200));
        check("UTC", TWICE, "2026-10-31T22:00:00Z", "2026-10", Some(360));
    }

    #[test]
    fn the_hour_that_summer_time_takes_away_opens_nothing_and_closes_nothing_for_ever() {
        // On 2026-03-29 Berlin goes from 02:00 to 03:00.
        const GONE: &[(u16, u16)] = &[(120, 180)];
        check("Europe/Berlin", GONE, "2026-03-29T00:59:00Z", "2026-03", Some(120));
        check("Europe/Berlin", GONE, "2026-03-29T01:00:00Z", "2026-03", Some(120));
        check("Europe/Berlin", GONE, "2026-03-30T00:00:00Z", "2026-03", None);
    }

    #[test]
    fn what_was_found_for_a_minute_does_not_outlive_it() {
        let mut calendar = Calendar::new(TimeZone::UTC, vec![Hours { from: 60, to: 61 }]);
        for (moment, is_open) in
            [("2026-01-01T00:59:59Z", false), ("2026-01-01T01:00:00Z", true), ("2026-01-01T01:01:00Z", false)]
        {
            assert_eq!(calendar.opens(at(moment)).is_none(), is_open, "{moment}");
        }
        assert_eq!(calendar.month(Timestamp(i64::MAX)), Month { year: 0, month: 1 });
    }
}
