//! `[calendar]`, `[[shift]]`, `[[planned_stop]]`, `[[product]]`, `[[tariff]]` and `[energy_factors]`: what machines do not know
//! themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::equipment::parse_date;
use super::glob::glob;
use super::read::Section;
use super::{Device, Medium};
use crate::model::Trouble;
use crate::model::words::config as words;
use crate::model::words::indicator_config as own;

/// When the workshop works, what it makes, what energy costs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The production day begins here.
    pub day_start: Time,
    /// Days without shifts.
    pub holidays: Vec<Date>,
    /// Days with all shifts, whatever weekday they are.
    pub extra_days: Vec<Date>,
    /// Shifts.
    pub shifts: Vec<Shift>,
    /// Stops on certain days.
    pub planned_stops: Vec<PlannedStop>,
    /// Products.
    pub products: Vec<Product>,
    /// 尖峰平谷.
    pub tariffs: Vec<Tariff>,
    /// kgce per kWh, m³ or t.
    pub factors: BTreeMap<Medium, f64>,
}

/// `[[shift]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Name.
    pub name: String,
    /// It begins.
    pub start: Time,
    /// It ends; not after `start`: on the next day.
    pub end: Time,
    /// Weekdays on which it begins.
    pub days: Vec<Weekday>,
    /// Breaks within it.
    pub breaks: Vec<Span>,
    /// Stops of every day within it: cleaning, the meeting.
    pub planned_stops: Vec<Span>,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// From a time of day to another; not after the first: over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub from: Time,
    /// To.
    pub to: Time,
}

/// `[[planned_stop]]`
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStop {
    /// From, local time.
    pub from: DateTime,
    /// To, local time.
    pub to: DateTime,
    /// Why.
    pub reason: String,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// `[[product]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// What the machine calls it.
    pub code: String,
    /// For people.
    pub name: Option<String>,
    /// Standard time of a cycle.
    pub pri: Duration,
    /// Pieces of a cycle by design; `None`: as the device.
    pub cavities: Option<u32>,
    /// Devices, or patterns of them; empty: all.
    pub devices: Vec<String>,
}

/// `[[tariff]]`
#[derive(Debug, Clone, PartialEq)]
pub struct Tariff {
    /// 尖, 峰, 平, 谷, or a word of the writer's.
    pub name: String,
    /// Times of day.
    pub times: Vec<Span>,
    /// Months; empty: all.
    pub months: Vec<i8>,
    /// Yuan per kWh.
    pub price: Option<f64>,
}

impl Default for Schedule {
    fn default() -> Schedule {
        let factors = BTreeMap::from([(Medium::Electricity, Schedule::KGCE_PER_KWH)]);
        let (holidays, extra_days, shifts, planned_stops, products, tariffs) = Default::default();
        let day_start = Time::constant(8, 0, 0, 0);
        Schedule { day_start, holidays, extra_days, shifts, planned_stops, products, tariffs, factors }
    }
}

impl Schedule {
    /// Electricity as coal, equivalent value (当量值), by the National Bureau of Statistics.
    pub const KGCE_PER_KWH: f64 = 0.1229;
}

/// Whether a device is meant by a list of patterns; an empty one means all.
pub fn is_meant(patterns: &[String], device: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, device))
}

impl Span {
    /// Minutes; a span to its own beginning is a whole day.
    fn minutes(self) -> i64 {
        match minute(self.to) - minute(self.from) {
            length if length > 0 => length,
            length => length + DAY,
        }
    }
}

/// kgce of a unit: a tonne of coal is a thousand.
const LARGEST_FACTOR: f64 = 1e4;

const DAY: i64 = 1_440;

fn minute(time: Time) -> i64 {
    i64::from(time.hour()) * 60 + i64::from(time.minute())
}

/// All of it, with its mistakes.
pub(super) fn schedule(top: &Section<'_>, devices: &[Arc<Device>]) -> Schedule {
    let mut schedule = Schedule::default();
    if let Some(calendar) = top.section("calendar") {
        schedule.day_start = time(&calendar, "day_start").unwrap_or(schedule.day_start);
        schedule.holidays = dates(&calendar, "holidays");
        schedule.extra_days = dates(&calendar, "extra_days");
        calendar.finish();
    }
    shifts(top, devices, &mut schedule);
    for section in top.sections("planned_stop", "from") {
        schedule.planned_stops.extend(planned_stop(&section, devices));
        section.finish();
    }
    products(top, devices, &mut schedule);
    tariffs(top, &mut schedule);
    if let Some(factors) = top.section("energy_factors") {
        for medium in Medium::ALL {
            let factor = factors.number(medium.as_str(), "electricity = 0.1229");
            if factor.is_some_and(|factor| !(0.0..=LARGEST_FACTOR).contains(&factor)) {
                let found = factors.shown(medium.as_str());
                factors.wrong(medium.as_str(), words::OUT_OF_RANGE, |t| {
                    t.with("found", found).with("min", 0).with("max", LARGEST_FACTOR)
                });
            }
            schedule.factors.extend(factor.map(|factor| (medium, factor)));
        }
        factors.finish();
    }
    schedule
}

fn shifts(top: &Section<'_>, devices: &[Arc<Device>], schedule: &mut Schedule) {
    let mut seen: Vec<(usize, Shift)> = Vec::new();
    for section in top.sections("shift", "name") {
        if let Some(shift) = shift(&section, devices) {
            let before = seen.iter().find(|(_, other)| overlap(&shift, other, devices));
            if let Some((line, other)) = before {
                section.wrong("start", own::SHIFTS_OVERLAP, |t| t.with("other", &other.name).with("first", line));
            }
            seen.push((section.doc.line(section.at), shift));
        }
        section.finish();
    }
    schedule.shifts = seen.into_iter().map(|(_, shift)| shift).collect();
}

fn shift(section: &Section<'_>, devices: &[Arc<Device>]) -> Option<Shift> {
    let name = section.needed_text("name", "name = \"早班\"");
    let needed = |key: &'static str| {
        if !section.has(key) {
            section.wrong(key, words::MISSING_KEY, |t| t.with("example", format_args!("{key} = \"08:00\"")));
        }
        time(section, key)
    };
    let (start, end) = (needed("start"), needed("end"));
    let days = days(section);
    let (breaks, planned_stops) = (spans(section, "breaks"), spans(section, "planned_stops"));
    let devices = patterns(section, devices);
    let (start, end) = (start?, end?);
    let whole = Span { from: start, to: end };
    let offset = |time: Time| (minute(time) - minute(start)).rem_euclid(DAY);
    for (key, list) in [("breaks", &breaks), ("planned_stops", &planned_stops)] {
        let mut taken: Vec<(i64, i64)> = Vec::new();
        for span in list {
            let (from, to) = (offset(span.from), offset(span.from) + span.minutes());
            let found = format!("{}-{}", clock(minute(span.from)), clock(minute(span.to)));
            if to > whole.minutes() {
                section.wrong(key, own::OUTSIDE_SHIFT, |t| t.with("found", found));
            } else if taken.iter().any(|(a, b)| from < *b && *a < to) {
                section.wrong(key, own::SPANS_OVERLAP, |t| t.with("found", found));
            } else {
                taken.push((from, to));
            }
        }
    }
    Some(Shift { name: name?, start, end, days, breaks, planned_stops, devices })
}

/// Whether a device would be in both at a time. A shift over midnight reaches into the next day.
fn overlap(a: &Shift, b: &Shift, devices: &[Arc<Device>]) -> bool {
    let share = a.devices.is_empty() && b.devices.is_empty()
        || devices.iter().any(|device| is_meant(&a.devices, &device.id) && is_meant(&b.devices, &device.id));
    let minutes = |shift: &Shift, day: &Weekday| {
        let from = i64::from(day.to_monday_zero_offset()) * DAY + minute(shift.start);
        (from, from + Span { from: shift.start, to: shift.end }.minutes())
    };
    let meet = |x: &Weekday, y: &Weekday| {
        let ((a1, a2), (b1, b2)) = (minutes(a, x), minutes(b, y));
        [-7 * DAY, 0, 7 * DAY].iter().any(|week| a1 < b2 + week && b1 + week < a2)
    };
    share && a.days.iter().any(|x| b.days.iter().any(|y| meet(x, y)))
}

fn planned_stop(section: &Section<'_>, devices: &[Arc<Device>]) -> Option<PlannedStop> {
    let moment = |key: &'static str| {
        let example = format!("{key} = \"2026-03-03 03:30\"");
        let text = section.needed_text(key, &example)?;
        let parsed = DateTime::strptime("%Y-%m-%d %H:%M", text.trim()).ok();
        if parsed.is_none() {
            section.wrong(key, own::BAD_DATE, |t| t.with("found", &text).with("example", "2026-03-03 03:30"));
        }
        parsed
    };
    let (from, to) = (moment("from"), moment("to"));
    let reason = section.text("reason", "reason = \"年度检修\"").unwrap_or_default();
    let devices = patterns(section, devices);
    let (from, to) = (from?, to?);
    if from >= to {
        section.wrong("to", own::DATES_CROSSED, |t| t.with("found", to).with("from", from));
    }
    Some(PlannedStop { from, to, reason, devices })
}

fn products(top: &Section<'_>, devices: &[Arc<Device>], schedule: &mut Schedule) {
    let mut seen: Vec<(usize, Product)> = Vec::new();
    for section in top.sections("product", "code") {
        let code = section.text_or_number("code", "code = \"M-1001\"");
        let name = section.text("name", "name = \"面壳\"");
        if !section.has("pri") {
            section.wrong("pri", own::PRODUCT_WITHOUT_PRI, |t| t);
        }
        let pri = section.time("pri", Duration::from_millis(1)..=Duration::from_secs(7 * 86_400));
        let cavities = section.integer("cavities", 1..=1_024).and_then(|n| u32::try_from(n).ok());
        let meant = patterns(&section, devices);
        section.finish();
        let (Some(code), Some(pri)) = (code, pri) else { continue };
        let product = Product { code: code.trim().to_owned(), name, pri, cavities, devices: meant };
        let shares = |other: &Product| {
            let both =
                |device: &Arc<Device>| is_meant(&product.devices, &device.id) && is_meant(&other.devices, &device.id);
            product.devices == other.devices || devices.iter().any(both)
        };
        if let Some((line, _)) = seen.iter().find(|(_, other)| other.code == product.code && shares(other)) {
            section.wrong("code", words::DUPLICATE, |t| t.with("found", &product.code).with("first", line));
        }
        seen.push((section.doc.line(section.at), product));
    }
    schedule.products = seen.into_iter().map(|(_, product)| product).collect();
}

fn tariffs(top: &Section<'_>, schedule: &mut Schedule) {
    let sections = top.sections("tariff", "name");
    for section in &sections {
        let name = section.needed_text("name", "name = \"峰\"");
        let times = spans(section, "times");
        if !section.has("times") {
            section.wrong("times", words::MISSING_KEY, |t| t.with("example", "times = [\"08:00-11:00\"]"));
        }
        let months = section.integers("months", 1..=12).into_iter().filter_map(|n| i8::try_from(n).ok()).collect();
        let price = section.number("price", "price = 0.82");
        section.finish();
        schedule.tariffs.extend(name.map(|name| Tariff { name, times, months, price }));
    }
    if schedule.tariffs.len() != sections.len() {
        return; // what is missing has its mistake already
    }
    for month in 1..=12 {
        let mut by_minute: Vec<Option<usize>> = vec![None; DAY as usize];
        for (at, tariff) in schedule.tariffs.iter().enumerate() {
            if !tariff.months.is_empty() && !tariff.months.contains(&month) {
                continue;
            }
            for span in &tariff.times {
                for minute in minute(span.from)..minute(span.from) + span.minutes() {
                    let taken = by_minute[(minute % DAY) as usize].replace(at);
                    if let (Some(other), Some(section)) = (taken, sections.get(at)) {
                        let clock = clock(minute % DAY);
                        let other = &schedule.tariffs[other].name;
                        return section.wrong("times", own::TARIFFS_OVERLAP, |t| {
                            t.with("other", other).with("at", clock).with("month", month)
                        });
                    }
                }
            }
        }
        let hole = by_minute.iter().position(Option::is_none).filter(|_| !sections.is_empty());
        if let (Some(hole), Some(section)) = (hole, sections.last()) {
            let clock = clock(hole as i64);
            return section.wrong("times", own::TARIFF_HOLE, |t| t.with("at", clock).with("month", month));
        }
    }
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `08:00`; `24:00` is midnight.
fn parse_time_of_day(text: &str) -> Option<Time> {
    let text = text.trim();
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| (1..=2).contains(&text.len()));
    match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

fn time(section: &Section<'_>, key: &'static str) -> Option<Time> {
    let text = section.text(key, &format!("{key} = \"08:00\""))?;
    let time = parse_time_of_day(&text);
    if time.is_none() {
        section.wrong(key, own::BAD_TIME_OF_DAY, |t| t.with("found", &text).with("example", "08:00"));
    }
    time
}

/// A list of `12:00-12:30`.
fn spans(section: &Section<'_>, key: &'static str) -> Vec<Span> {
    let texts = section.texts(key, &format!("{key} = [\"12:00-12:30\"]")).unwrap_or_default();
    let parse = |text: &str| {
        let (from, to) = text.split_once(['-', '~', '–'])?;
        Some(Span { from: parse_time_of_day(from)?, to: parse_time_of_day(to)? })
    };
    let span = |(text, at): (String, usize)| {
        let span = parse(&text);
        if span.is_none() {
            let trouble = Trouble::new(own::BAD_TIME_OF_DAY).with("key", section.path_of(key)).with("found", &text);
            section.doc.mistake(at, trouble.with("example", "12:00-12:30"));
        }
        span
    };
    texts.into_iter().filter_map(span).collect()
}

/// A list of dates, and of ranges with both ends: `2026-10-01/2026-10-07`.
fn dates(section: &Section<'_>, key: &'static str) -> Vec<Date> {
    /// A range of a year is a typing error in its year.
    const LONGEST: usize = 366;
    let mut dates = Vec::new();
    for (text, at) in section.texts(key, &format!("{key} = [\"2026-10-01/2026-10-07\"]")).unwrap_or_default() {
        let (from, to) = text.split_once('/').unwrap_or((&text, &text));
        let days = |from: Date, to: Date| {
            let days = std::iter::successors(Some(from), |day| day.tomorrow().ok()).take_while(|day| *day <= to);
            days.take(LONGEST + 1).collect::<Vec<_>>()
        };
        let days = parse_date(from.trim()).zip(parse_date(to.trim())).map(|(from, to)| days(from, to));
        match days.filter(|days| (1..=LONGEST).contains(&days.len())) {
            Some(days) => dates.extend(days),
            None => {
                let trouble = Trouble::new(own::BAD_DATE).with("key", section.path_of(key)).with("found", &text);
                section.doc.mistake(at, trouble.with("example", "2026-10-01 / 2026-10-01/2026-10-07"));
            }
        }
    }
    dates
}

/// `mon`, `mon-fri`, `周一`; all where nothing is said.
fn days(section: &Section<'_>) -> Vec<Weekday> {
    const NAMES: [(&str, &str); 7] = [
        ("mon", "周一"),
        ("tue", "周二"),
        ("wed", "周三"),
        ("thu", "周四"),
        ("fri", "周五"),
        ("sat", "周六"),
        ("sun", "周日"),
    ];
    let number =
        |text: &str| NAMES.iter().position(|(en, zh)| text.trim().eq_ignore_ascii_case(en) || text.trim() == *zh);
    let weekday = |number: usize| Weekday::from_monday_zero_offset(i8::try_from(number % 7).unwrap_or(0)).ok();
    let Some(texts) = section.texts("days", "days = [\"mon-fri\"]") else {
        return (0..7).filter_map(weekday).collect();
    };
    let mut days = Vec::new();
    for (text, at) in texts {
        let (from, to) = text.split_once(['-', '~']).unwrap_or((&text, &text));
        match (number(from), number(to)) {
            (Some(from), Some(to)) => {
                let to = if to < from { to + 7 } else { to };
                days.extend((from..=to).filter_map(weekday));
            }
            _ => {
                let known = NAMES.map(|(en, zh)| format!("{en} / {zh}")).join(", ");
                let trouble = Trouble::new(own::BAD_DAY).with("key", section.path_of("days")).with("found", &text);
                section.doc.mistake(at, trouble.with("known", known));
            }
        }
    }
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    days
}

/// `devices = ["imm-*"]`: each is to mean something.
fn patterns(section: &Section<'_>, devices: &[Arc<Device>]) -> Vec<String> {
    let texts = section.texts("devices", "devices = [\"imm-*\"]").unwrap_or_default();
    for (pattern, at) in &texts {
        if !devices.iter().any(|device| glob(pattern, &device.id)) {
            let known = devices.iter().map(|device| device.id.to_string()).collect::<Vec<_>>().join(", ");
            let trouble = Trouble::new(own::NO_SUCH_DEVICE).with("key", section.path_of("devices"));
            section.doc.mistake(*at, trouble.with("found", pattern).with("known", super::read::shortened(known)));
        }
    }
    texts.into_iter().map(|(pattern, _)| pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::Code;

    fn parsed(text: &str) -> Result<Schedule, Vec<Code>> {
        let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
                    [[device]]\nid = \"a\"\n[[device]]\nid = \"b\"\n";
        let codes = |mistakes: Vec<crate::config::Mistake>| mistakes.iter().map(|it| it.trouble.code).collect();
        Config::parse(&format!("{head}{text}")).map(|config| config.schedule).map_err(codes)
    }

    #[track_caller]
    fn check(text: &str, expected: &[Code]) {
        assert_eq!(parsed(text).err().unwrap_or_default(), expected, "{text}");
    }

    fn shift(name: &str, times: (&str, &str), more: &str) -> String {
        format!("[[shift]]\nname = \"{name}\"\nstart = \"{}\"\nend = \"{}\"\n{more}\n", times.0, times.1)
    }

    #[test]
    fn shifts_of_a_device_overlap_over_midnight_and_over_the_week_but_not_with_those_of_others() {
        let two = |a: (&str, &str), days_a: &str, b: (&str, &str), days_b: &str| {
            let days = |days| format!("days = [\"{days}\"]");
            shift("x", a, &days(days_a)) + &shift("y", b, &days(days_b))
        };
        let overlap = &[own::SHIFTS_OVERLAP];
        check(&two(("08:00", "20:00"), "mon-sun", ("20:00", "08:00"), "mon-sun"), &[]);
        check(&two(("08:00", "20:00"), "mon-sun", ("20:00", "08:01"), "mon-sun"), overlap);
        check(&two(("20:00", "08:00"), "sun", ("07:00", "15:00"), "周一"), overlap);
        check(&two(("20:00", "08:00"), "sat", ("07:00", "15:00"), "mon"), &[]);
        check(&two(("00:00", "24:00"), "mon", ("23:00", "23:30"), "mon"), overlap);
        let of = |device: &str| shift(device, ("08:00", "20:00"), &format!("devices = [\"{device}\"]"));
        check(&(of("a") + &of("b")), &[]);
        check(&(of("a") + &of("*")), overlap);
    }

    #[test]
    fn days_may_be_a_range_over_the_weekend_and_a_break_may_lie_behind_midnight() {
        let text = shift("x", ("20:00", "08:00"), "days = [\"sat-mon\"]\nbreaks = [\"23:45-00:15\", \"02:00-02:30\"]");
        let schedule = parsed(&text).expect("it is right");
        assert_eq!(schedule.shifts[0].days, [Weekday::Monday, Weekday::Saturday, Weekday::Sunday]);
        check(&shift("x", ("20:00", "08:00"), "breaks = [\"07:45-08:15\"]"), &[own::OUTSIDE_SHIFT]);
        check(&shift("x", ("20:00", "08:00"), "breaks = [\"12:00-12:30\"]"), &[own::OUTSIDE_SHIFT]);
        check(&shift("x", ("20:00", "08:00"), "breaks = [\"23:45-00:15\", \"00:00-00:30\"]"), &[own::SPANS_OVERLAP]);
    }

    #[test]
    fn tariffs_cover_every_minute_of_every_month_once() {
        let tariff = |name: &str, times: &str, months: &str| {
            format!("[[tariff]]\nname = \"{name}\"\ntimes = [{times}]\nmonths = [{months}]\n")
        };
        let day = tariff("peak", "\"08:00-22:00\"", "");
        check(&(day.clone() + &tariff("valley", "\"22:00-08:00\"", "")), &[]);
        check(&(day.clone() + &tariff("valley", "\"22:00-07:30\"", "")), &[own::TARIFF_HOLE]);
        check(&(day.clone() + &tariff("valley", "\"22:00-08:00\"", "1, 2")), &[own::TARIFF_HOLE]);
        check(&(day + &tariff("valley", "\"21:59-08:00\"", "")), &[own::TARIFFS_OVERLAP]);
    }

    #[test]
    fn holidays_are_days_and_ranges_with_both_ends() {
        let schedule =
            parsed("[calendar]\nholidays = [\"2026-10-01/2026-10-07\", \"2027-01-01\"]\n").expect("they are right");
        assert_eq!(schedule.holidays.len(), 8);
        check("[calendar]\nholidays = [\"2026-10-01/2027-10-07\"]\n", &[own::BAD_DATE]);
    }
}
