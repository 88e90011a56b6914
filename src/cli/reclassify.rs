//! `cloudward reclassify`: an idle stop was planned, says a person afterwards (R18, A27). The audit trail keeps who, when and why.

use std::process::ExitCode;

use clap::ValueEnum;
use jiff::civil::DateTime;

use super::baseline::told;
use super::figures::{Ended, Room};
use super::write::audit::Who;
use super::{ConfigArgs, say};
use crate::indicator::{Calendar, Cell, Interval, Refusal, reclassify as change};
use crate::journal::{AuditRow, FigureRow, IntervalRow};
use crate::journal::{Change, submit};
use crate::model::words::report as words;
use crate::model::{Lang, State, Timestamp, Trouble};
use crate::report::Asked;

#[derive(clap::Args)]
#[command(after_help = LESSON)]
pub(super) struct ReclassifyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The device.
    #[arg(long, value_name = "ID")]
    device: String,
    /// From then on, by the clock of the workshop: 2026-03-03T05:30.
    #[arg(long = "from", value_name = "TIME")]
    begin: String,
    /// Up to then.
    #[arg(long = "to", value_name = "TIME")]
    end: String,
    /// What the stop was.
    #[arg(long = "as", value_name = "WHAT")]
    class: Class,
    /// Why, as it is to stand in reports.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
}

const LESSON: &str = "\
Only idle stops become planned, as a whole, once, and within 24 hours of their beginning. The planned busy time changes, and nothing else;
the revision of the figures rises.
Exit codes: 0 done or handed to the running agent, 64 nothing to reclassify or not allowed, 73 no journal, 78 mistakes in the file.";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Class {
    #[value(name = "planned_stop")]
    PlannedStop,
}

pub(super) fn reclassify(args: &ReclassifyArgs) -> ExitCode {
    Ended::code(run(args))
}

fn run(args: &ReclassifyArgs) -> Result<(), Ended> {
    let Class::PlannedStop = args.class;
    for (key, text) in [("reason", &args.reason), ("by", &args.by)] {
        if text.trim().is_empty() {
            return Err(Ended::usage(Trouble::new(words::BAD_REASON).with("key", key)));
        }
    }
    let room = Room::open(&args.config.config, Timestamp::of(std::time::SystemTime::now()))?;
    room.known(&args.device)?;
    let (from, to) = (moment(&room, &args.begin)?, moment(&room, &args.end)?);
    let shown = |at: Timestamp| {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(room.zone.clone());
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let log = room.intervals((from, to), Some(&args.device))?.remove(&args.device).unwrap_or_default();
    let stops: Vec<&Interval> = log.iter().filter(|it| matches!(it.state, State::Idle | State::Maint)).collect();
    if stops.is_empty() || from >= to {
        let trouble = Trouble::new(words::NO_STOP).with("device", &args.device).with("from", shown(from));
        let day = shown(from).get(..10).unwrap_or_default().to_owned();
        return Err(Ended::usage(trouble.with("to", shown(to)).with("day", day)));
    }
    if let Some(part) = stops.iter().find(|it| it.start < from || it.end > to) {
        let trouble = Trouble::new(words::PART_OF_STOP).with("device", &args.device);
        return Err(Ended::usage(trouble.with("from", shown(part.start)).with("to", shown(part.end))));
    }
    let calendar = Calendar::new(&room.config.schedule, &room.config.workshop.timezone, &args.device);
    let span = Asked { period: crate::indicator::Period::Day(calendar.date_of(from)), start: from, end: to };
    let before = room.settled(&span, Some(&args.device))?.remove(&args.device).unwrap_or_default();
    let mut cells = before.clone();
    let mut intervals = Vec::new();
    for stop in stops {
        let changed = change(stop, &cells, &calendar, (&args.reason, &args.by), room.now)
            .map_err(|why| refused(&args.device, &shown(stop.start), why))?;
        for cell in changed.cells {
            cells.retain(|known| known.start != cell.start);
            cells.push(cell);
        }
        intervals.push(changed.interval);
    }
    let wish = Change {
        cells: cells.iter().filter_map(|cell| row(cell, &before)).collect(),
        intervals: intervals.iter().map(log_row).collect(),
        baselines: Vec::new(),
        audit: vec![AuditRow {
            id: 0,
            at: room.now,
            what: "reclassify".into(),
            body: serde_json::json!({
                "device": args.device, "from": shown(from), "to": shown(to), "as": "planned_stop",
                "reason": args.reason, "by": args.by, "who": Who::current(), "stops": intervals.len(),
            })
            .to_string(),
        }],
    };
    let done = submit(&room.state_dir, &room.place, &wish, room.now).map_err(Ended::cannot)?;
    let (device, count) = (&args.device, intervals.len());
    say(match Lang::current() {
        Lang::En => format!("{device}: {count} stops called planned, by {}: {}", args.by, args.reason),
        Lang::Zh => format!("{device}：{count} 段停机改判为计划停机，改判人 {}，原因：{}", args.by, args.reason),
    });
    told(&done);
    Ok(())
}

/// A changed cell, one revision above the stored one however many stops lie in it.
fn row(cell: &Cell, before: &[Cell]) -> Option<FigureRow> {
    let old = before.iter().find(|old| old.start == cell.start)?;
    if old == cell {
        return None;
    }
    let cell = Cell { revision: old.revision + 1, ..cell.clone() };
    let body = serde_json::to_string(&cell).ok()?;
    Some(FigureRow { device: cell.device, start: cell.start, end: cell.end, revision: cell.revision, body })
}

fn log_row(interval: &Interval) -> IntervalRow {
    IntervalRow {
        device: interval.device.clone(),
        start: interval.start,
        end: interval.end,
        state: interval.state.as_str().into(),
        cause: interval.cause.clone(),
        event_id: interval.event_id,
        body: serde_json::to_string(interval).unwrap_or_default(),
    }
}

fn moment(room: &Room, text: &str) -> Result<Timestamp, Ended> {
    let at = text.trim().replacen(' ', "T", 1).parse::<DateTime>().ok();
    let at = at.and_then(|at| at.to_zoned(room.zone.clone()).ok());
    let at = at.map(|at| Timestamp(at.timestamp().as_millisecond()));
    at.ok_or_else(|| Ended::usage(Trouble::new(words::BAD_MOMENT).with("found", text.escape_debug())))
}

fn refused(device: &str, from: &str, why: Refusal) -> Ended {
    let zh = Lang::current() == Lang::Zh;
    let why = match why {
        Refusal::NotIdle(state) if zh => format!("该段为{}，不是待机", state.zh()),
        Refusal::NotIdle(state) => format!("it was {state}, not idle"),
        Refusal::TooLate if zh => "开始时间已超过 24 小时".into(),
        Refusal::TooLate => "it began more than 24 hours ago".into(),
        Refusal::Already if zh => "已经改判过".into(),
        Refusal::Already => "it is planned already".into(),
        Refusal::OtherCells if zh => "指标单元中没有这段待机时间（尚未结算，或班次配置已改变）".into(),
        Refusal::OtherCells => "the cells do not hold it (not settled yet, or the shifts were changed since)".into(),
    };
    Ended::usage(Trouble::new(words::NOT_IDLE).with("device", device).with("from", from).with("why", why))
}
