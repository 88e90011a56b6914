//! Periods as a person types them: `2026-03-02/night`, `2026-03-02`, `2026-03`, `today`, `yesterday`, `shift`.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::indicator::{Calendar, Period};
use crate::model::Timestamp;

/// A period that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What it is.
    pub period: Period,
    /// Its first moment; that of shifts of several machines is the earliest.
    pub start: Timestamp,
    /// The first moment behind it.
    pub end: Timestamp,
}

/// Why it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAPeriod {
    /// It is written otherwise.
    Unreadable,
    /// No shift of that name; these are there.
    NoSuchShift(String),
    /// The shift is not worked on that day, or no shift was ever worked yet.
    NotWorked,
}

const DAY_MS: i64 = 86_400_000;

/// The word behind the date for all shifts that start in a production day.
const PRODUCTION_DAY: &str = "production-day";

impl Asked {
    /// What the text means in this workshop.
    pub fn parse(text: &str, config: &Config, now: Timestamp) -> Result<Asked, NotAPeriod> {
        let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, "");
        let today = calendar.date_of(now);
        let text = text.trim();
        let period = match text.split_once('/') {
            _ if text == "shift" => return latest_shift(config, now),
            None if text == "today" => Period::Day(today),
            None if text == "yesterday" => Period::Day(today.yesterday().map_err(|_| NotAPeriod::Unreadable)?),
            None if text.len() == 7 => Period::Month(date(&format!("{text}-01"))?),
            None => Period::Day(date(text)?),
            Some((day, PRODUCTION_DAY)) => Period::ProductionDay(date(day)?),
            Some((day, name)) => {
                if !config.schedule.shifts.iter().any(|shift| shift.name == name) {
                    let names = config.schedule.shifts.iter().map(|shift| shift.name.as_str()).collect::<Vec<_>>();
                    return Err(NotAPeriod::NoSuchShift(if names.is_empty() { "-".into() } else { names.join(", ") }));
                }
                Period::Shift { name: name.to_owned(), date: date(day)? }
            }
        };
        Asked::of(period, config).ok_or(NotAPeriod::NotWorked)
    }

    /// From when to when a period is; `None`: no shift of it is worked.
    pub fn of(period: Period, config: &Config) -> Option<Asked> {
        let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, "");
        let midnight = |day: Date| calendar.midnight(day);
        let (start, end) = match &period {
            Period::Day(day) => (midnight(*day), midnight(day.tomorrow().ok()?)),
            Period::Month(first) => (midnight(*first), midnight(first.last_of_month().tomorrow().ok()?)),
            Period::Shift { date, .. } | Period::ProductionDay(date) => {
                let turns = config.devices.iter().flat_map(|device| {
                    let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, &device.id);
                    let near = midnight(*date);
                    calendar.turns(Timestamp(near.0 - DAY_MS), Timestamp(near.0 + 3 * DAY_MS))
                });
                let is_it = |shift: &crate::indicator::ShiftRef| match &period {
                    Period::Shift { name, date } => shift.name == *name && shift.date == *date,
                    Period::ProductionDay(day) => shift.production_day == *day,
                    _ => false,
                };
                let turns: Vec<_> = turns.filter(|turn| is_it(&turn.shift)).collect();
                (turns.iter().map(|turn| turn.start).min()?, turns.iter().map(|turn| turn.end).max()?)
            }
        };
        Some(Asked { period, start, end })
    }

    /// From when to when cells are to be read: a month holds shifts that reach over its ends.
    pub fn reach(&self) -> (Timestamp, Timestamp) {
        (Timestamp(self.start.0 - DAY_MS), Timestamp(self.end.0 + DAY_MS))
    }

    /// Its last local date.
    pub fn last_day(&self, zone: &TimeZone) -> Date {
        let last = jiff::Timestamp::from_millisecond(self.end.0 - 1).unwrap_or_default();
        zone.to_datetime(last).date()
    }

    /// `shift`, `production_day`, `day`, `month`.
    pub fn kind(&self) -> &'static str {
        match self.period {
            Period::Shift { .. } => "shift",
            Period::ProductionDay(_) => "production_day",
            Period::Day(_) => "day",
            Period::Month(_) => "month",
        }
    }

    /// The date that names it.
    pub fn date(&self) -> Date {
        match &self.period {
            Period::Shift { date, .. } => *date,
            Period::ProductionDay(date) | Period::Day(date) | Period::Month(date) => *date,
        }
    }

    /// As it is typed.
    pub fn typed(&self) -> String {
        match &self.period {
            Period::Shift { name, date } => format!("{date}/{name}"),
            Period::ProductionDay(date) => format!("{date}/{PRODUCTION_DAY}"),
            Period::Day(date) => date.to_string(),
            Period::Month(first) => first.strftime("%Y-%m").to_string(),
        }
    }
}

/// The shift that is being worked, or was worked last within a week.
fn latest_shift(config: &Config, now: Timestamp) -> Result<Asked, NotAPeriod> {
    let turns = config.devices.iter().flat_map(|device| {
        let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, &device.id);
        calendar.turns(Timestamp(now.0 - 7 * DAY_MS), now)
    });
    let latest = turns.max_by_key(|turn| turn.start).ok_or(NotAPeriod::NotWorked)?;
    let period = Period::Shift { name: latest.shift.name, date: latest.shift.date };
    Asked::of(period, config).ok_or(NotAPeriod::NotWorked)
}

/// `2026-03-02`, and nothing looser.
fn date(text: &str) -> Result<Date, NotAPeriod> {
    text.parse().ok().filter(|_| text.len() == 10).ok_or(NotAPeriod::Unreadable)
}
