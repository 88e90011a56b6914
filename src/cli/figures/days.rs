//! Which days of a machine count for L3 and L5: those on which a shift begins in which it was heard, and in which something of it was
//! acknowledged by a sink. A day is the local date on which the shift begins (A10).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::Room;
use crate::indicator::{Calendar, Cell, Turn};
use crate::journal::Reader;
use crate::model::Timestamp;
use crate::report::Asked;

/// Dates by device.
pub(super) type Days = BTreeMap<String, BTreeSet<Date>>;

/// Days before the end of a period in which 30 scheduled ones are found, weekends and a week of holidays among them.
const DAYS_BACK: i64 = 60;

const DAY_MS: i64 = 86_400_000;

/// The shifts of each machine over the span; there are many hours to be found in them.
struct Shifts<'a> {
    room: &'a Room,
    span: (Timestamp, Timestamp),
    known: BTreeMap<String, Vec<Turn>>,
}

impl Shifts<'_> {
    /// The date of the shift in which the hour begins.
    fn date(&mut self, device: &str, hour: Timestamp) -> Option<Date> {
        if !self.known.contains_key(device) {
            let config = &self.room.config;
            let calendar = Calendar::new(&config.schedule, &config.workshop.timezone, device);
            self.known.insert(device.to_owned(), calendar.turns(self.span.0, self.span.1));
        }
        let turns = self.known.get(device)?;
        let at = turns.partition_point(|turn| turn.start <= hour).checked_sub(1)?;
        turns.get(at).filter(|turn| hour < turn.end).map(|turn| turn.shift.date)
    }
}

impl Room {
    fn shifts(&self, asked: &Asked) -> Shifts<'_> {
        let span = (Timestamp(asked.end.0 - DAYS_BACK * DAY_MS), asked.end);
        Shifts { room: self, span, known: BTreeMap::new() }
    }

    /// Dates of shifts in which something good was heard, by the sample ledger and by the cells.
    pub(super) fn good_days(&self, asked: &Asked, cells: &BTreeMap<String, Vec<Cell>>) -> Days {
        let mut days = Days::new();
        for (device, cells) in cells {
            let good =
                cells.iter().filter(|cell| cell.sums.scans_good > 0 || cell.sums.online[1..].iter().any(|ms| *ms > 0));
            days.entry(device.clone()).or_default().extend(good.filter_map(|cell| Some(cell.shift.as_ref()?.date)));
        }
        let Ok(reader) = Reader::open(&self.place) else { return days };
        let mut shifts = self.shifts(asked);
        let mut from = shifts.span.0.0;
        while from < asked.end.0 {
            let to = (from + DAY_MS).min(asked.end.0);
            for entry in reader.ledger(Timestamp(from), Timestamp(to)).unwrap_or_default() {
                let device = &*entry.account.device;
                if entry.tally.good > 0
                    && let Some(date) = shifts.date(device, entry.hour)
                {
                    days.entry(device.to_owned()).or_default().insert(date);
                }
            }
            from = to;
        }
        days
    }

    /// Dates of shifts of which a sink has acknowledged something; `None`: uploads were never counted.
    pub(super) fn cloud_days(&self, asked: &Asked) -> Option<Days> {
        let mut shifts = self.shifts(asked);
        // A journal that cannot be read has said so already, when the cells were.
        let hours = self.look.acked_hours(shifts.span.0, shifts.span.1).ok().flatten()?;
        let mut days = Days::new();
        for (device, hour) in hours {
            if let Some(date) = shifts.date(&device, hour) {
                days.entry(device).or_default().insert(date);
            }
        }
        Some(days)
    }
}
