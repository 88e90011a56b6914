//! The span of a ledger that a person asks for: a day, a month, from one time to another, by the clock on the workshop's wall.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::LedgerArgs;
use crate::model::ledger::{HOUR_MS, hour_of};
use crate::model::words::ledger as words;
use crate::model::{Lang, Timestamp, Trouble};

/// From one hour up to another, that one not included.
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) zone: TimeZone,
}

impl Span {
    /// As the arguments say; without any, today.
    pub(super) fn asked(args: &LedgerArgs, zone: &TimeZone, now: jiff::Timestamp) -> Result<Span, Trouble> {
        let today = now.to_zoned(zone.clone()).date();
        let end_of_now = Timestamp(hour_of(Timestamp(now.as_millisecond())).0 + HOUR_MS);
        let at = |date: DateTime| moment(date, zone);
        let of_days = |first: Date, last: Date| (at(first.into()), at(last.into()));
        let (from, to) = match (&args.day, &args.month, &args.from) {
            (Some(word), ..) => {
                let day = day(word, today)?;
                of_days(day, day.saturating_add(1.day()))
            }
            (_, Some(word), _) => {
                let first: Date = format!("{word}-01")
                    .parse()
                    .map_err(|_| wrong(word, Wanted::Month, &today.strftime("%Y-%m").to_string()))?;
                of_days(first, first.saturating_add(1.month()))
            }
            (.., Some(word)) => {
                let to = args.to.as_ref().map(|to| Ok(at(hour(to, today)?))).transpose()?;
                (at(hour(word, today)?), to.unwrap_or(end_of_now))
            }
            _ => of_days(today, today.saturating_add(1.day())),
        };
        let span = Span { from, to, zone: zone.clone() };
        if span.from >= span.to {
            let (from, to) = (span.hour(span.from), span.hour(span.to));
            return Err(Trouble::new(words::ENDS_BEFORE).with("from", from).with("to", to));
        }
        Ok(span)
    }

    /// To the minute.
    pub(super) fn hour(&self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(|| "-".into(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
    }

    pub(super) fn day(&self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(|| "-".into(), |at| at.strftime("%Y-%m-%d").to_string())
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.zone.clone()))
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    Day,
    Month,
    Hour,
}

fn day(word: &str, today: Date) -> Result<Date, Trouble> {
    match word {
        "today" => Ok(today),
        "yesterday" => Ok(today.saturating_sub(1.day())),
        word => word.parse().map_err(|_| wrong(word, Wanted::Day, &today.to_string())),
    }
}

/// A day is its first hour.
fn hour(word: &str, today: Date) -> Result<DateTime, Trouble> {
    if word.len() <= "2026-11-26".len() {
        return day(word, today).map(DateTime::from);
    }
    let at = word.replacen(' ', "T", 1).parse::<DateTime>().ok().filter(|at| at.minute() == 0 && at.second() == 0);
    at.ok_or_else(|| wrong(word, Wanted::Hour, &format!("{today}T14:00")))
}

fn wrong(found: &str, wanted: Wanted, example: &str) -> Trouble {
    let wanted = match (wanted, Lang::current()) {
        (Wanted::Day, Lang::En) => "day",
        (Wanted::Day, Lang::Zh) => "日期",
        (Wanted::Month, Lang::En) => "month",
        (Wanted::Month, Lang::Zh) => "月份",
        (Wanted::Hour, Lang::En) => "day or full hour",
        (Wanted::Hour, Lang::Zh) => "日期或整点",
    };
    Trouble::new(words::NOT_A_TIME).with("found", found).with("wanted", wanted).with("example", example)
}

fn moment(at: DateTime, zone: &TimeZone) -> Timestamp {
    let ms = zone.to_ambiguous_timestamp(at).compatible().map_or(i64::MAX, jiff::Timestamp::as_millisecond);
    Timestamp(ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: LedgerArgs,
    }

    #[track_caller]
    fn check(typed: &[&str], expected: &str) {
        let args = Typed::parse_from(std::iter::once("ledger").chain(typed.iter().copied())).args;
        let zone = crate::model::zone("Asia/Shanghai").unwrap();
        // 2026-11-26 14:20 in Shanghai.
        let now = jiff::Timestamp::from_second(1_795_674_000).unwrap();
        let told = match Span::asked(&args, &zone, now) {
            Ok(span) => format!("{} .. {}", span.hour(span.from), span.hour(span.to)),
            Err(trouble) => trouble.code.to_string(),
        };
        assert_eq!(told, expected, "{typed:?}");
    }

    #[test]
    fn spans_are_those_of_the_clock_on_the_wall() {
        check(&[], "2026-11-26 00:00 .. 2026-11-27 00:00");
        check(&["--day", "yesterday"], "2026-11-25 00:00 .. 2026-11-26 00:00");
        check(&["--day", "2026-02-28"], "2026-02-28 00:00 .. 2026-03-01 00:00");
        check(&["--month", "2026-12"], "2026-12-01 00:00 .. 2027-01-01 00:00");
        check(&["--from", "2026-11-26T08:00", "--to", "2026-11-26T16:00"], "2026-11-26 08:00 .. 2026-11-26 16:00");
        check(&["--from", "2026-11-25"], "2026-11-25 00:00 .. 2026-11-26 15:00");
    }

    #[test]
    fn times_that_are_none_say_so() {
        for (typed, code) in [
            (&["--day", "26.11.2026"][..], "CW791"),
            (&["--month", "November"], "CW791"),
            (&["--from", "2026-11-26T08:30"], "CW791"),
            (&["--from", "2026-11-26", "--to", "2026-11-25"], "CW792"),
            (&["--from", "2027-01-01"], "CW792"),
        ] {
            check(typed, code);
        }
    }
}
