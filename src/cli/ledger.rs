//! `cloudward ledger`: of all samples that should have been taken, what became of each. Reads the journal beside a running agent and
//! writes nothing.

mod span; // from when to when
mod table; // how it is shown

use std::collections::BTreeMap;
use std::process::ExitCode;

use super::load::load_or_explain;
use super::run::state_dir_by_hand;
use super::{ConfigArgs, EXIT_CANNOT_START, EXIT_DATA, EXIT_UNAVAILABLE, EXIT_USAGE, fail, say};
use crate::journal::{Place, Reader};
use crate::model::ledger::{Entry, HOUR_MS, Tally};
use crate::model::words::ledger as words;
use crate::model::{Timestamp, Trouble};
use span::Span;
use table::{Page, Row};

#[derive(clap::Args)]
#[command(after_help = LESSON)]
pub(super) struct LedgerArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// One day: 2026-11-26, today or yesterday; default: today.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to", "month"])]
    day: Option<String>,
    /// From this day or hour on: 2026-11-26 or 2026-11-26T14:00.
    #[arg(long, value_name = "TIME", conflicts_with = "month")]
    from: Option<String>,
    /// Up to this day or hour, which is not included; default: up to now.
    #[arg(long, value_name = "TIME", requires = "from", conflicts_with = "month")]
    to: Option<String>,
    /// One month: 2026-11.
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    /// Only this device.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// A line for each hour, day or device; default: device, or hour where one device is named.
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
    /// As JSON.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As CSV, with a column for each cause.
    #[arg(long)]
    csv: bool,
}

const LESSON: &str = "\
Columns:
  expected   one sample for each tag and period while the agent had it in its configuration, be it running or not
  good       the device gave a value in time; an OPC UA value that stands is good in each period while the subscription lives
  uncertain  likewise, with a reason for doubt (status of the device or server)
  late       a value, but after its period was over, or out of its rhythm by more than half a period
  bad        asked for and no value: timeout, unreachable, illegal_address, ... (the words of the messages)
  lost       overrun: its period passed without a scan, since others on the line took too long
             starting: the link was still being made after a start or a reload
             agent_down: the agent was not running, or what it had counted last was lost with it
             dropped, memory, corrupt: taken, and given up by a limit of the journal, by a full disk, or damaged
expected = good + uncertain + late + bad + lost, in every line. What report on change holds back was taken and counts as good.
The current hour is there as far as it was stored, up to 40 s ago. docs/LEDGER.md has the definitions.
Exit codes: 0 printed, 64 a wrong time, 65 lines that do not add up, 69 nothing was counted, 73 no journal, 78 mistakes in the file.";

/// What a line is for.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum By {
    Hour,
    Day,
    #[default]
    Device,
}

pub(super) fn ledger(args: &LedgerArgs) -> ExitCode {
    let config = match load_or_explain(&args.config.config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let zone = crate::model::zone(&config.workshop.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let span = match Span::asked(args, &zone, jiff::Timestamp::now()) {
        Ok(span) => span,
        Err(trouble) => return fail(&trouble, EXIT_USAGE),
    };
    let place = Place::within(&state_dir_by_hand(&config, &args.config.config));
    let reader = match Reader::open(&place) {
        Ok(reader) => reader,
        Err(trouble) => return fail(&trouble, EXIT_CANNOT_START),
    };
    let by = args.by.unwrap_or(if args.device.is_some() { By::Hour } else { By::Device });
    let mut sums = Sums { by, device: args.device.as_deref(), ..Sums::default() };
    if let Err(trouble) = sums.read(&reader, &span) {
        return fail(&trouble, EXIT_CANNOT_START);
    }
    if sums.rows.is_empty() {
        return fail(&sums.nothing(&reader, &span), EXIT_UNAVAILABLE);
    }
    let page = sums.page(&span);
    match (args.json, args.csv) {
        (true, _) => say(page.json()),
        (_, true) => say(page.csv()),
        _ => say(page.table()),
    }
    match sums.broken {
        Some(trouble) => fail(&trouble.with("lines", sums.broken_lines), EXIT_DATA),
        None => ExitCode::SUCCESS,
    }
}

/// What was read, added up.
#[derive(Default)]
struct Sums<'a> {
    by: By,
    device: Option<&'a str>,
    /// By the label that sorts them.
    rows: BTreeMap<String, Row>,
    /// All devices in the span, for a person who asked for one that is not there.
    devices: std::collections::BTreeSet<String>,
    /// The first line that does not add up.
    broken: Option<Trouble>,
    broken_lines: u64,
}

impl Sums<'_> {
    /// A day at a time, so that a whole year keeps nothing from being written.
    fn read(&mut self, reader: &Reader, span: &Span) -> Result<(), Trouble> {
        let (mut from, to) = (span.from.0, span.to.0);
        if let Some((first, last)) = reader.ledger_span()? {
            from = from.max(first.0); // a span of decades is as short as the ledger
            let to = to.min(last.0.saturating_add(1));
            while from < to {
                let next = from.saturating_add(24 * HOUR_MS).min(to);
                reader.ledger(Timestamp(from), Timestamp(next))?.iter().for_each(|entry| self.take(entry, span));
                from = next;
            }
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry, span: &Span) {
        let device = &entry.account.device;
        self.devices.insert(device.to_string());
        if self.device.is_some_and(|wanted| *wanted != **device) || entry.tally.is_empty() {
            return;
        }
        if !entry.tally.closes() {
            self.broken_lines += 1;
            let first =
                || Trouble::new(words::DOES_NOT_CLOSE).with("device", device).with("hour", span.hour(entry.hour));
            self.broken.get_or_insert_with(first);
        }
        let label = match self.by {
            By::Hour => span.hour(entry.hour),
            By::Day => span.day(entry.hour),
            By::Device => device.to_string(),
        };
        let row = self.rows.entry(label.clone()).or_insert_with(|| Row { label, tally: Tally::default() });
        row.tally.add(&entry.tally);
    }

    /// Why there is nothing to show.
    fn nothing(&self, reader: &Reader, span: &Span) -> Trouble {
        let between = |trouble: Trouble| trouble.with("from", span.hour(span.from)).with("to", span.hour(span.to));
        if let Some(device) = self.device.filter(|_| !self.devices.is_empty()) {
            let devices = self.devices.iter().cloned().collect::<Vec<_>>().join(", ");
            return between(Trouble::new(words::NO_SUCH_DEVICE).with("device", device).with("devices", devices));
        }
        let known = reader.ledger_span().ok().flatten();
        let (first, last) = known.map_or(("-".into(), "-".into()), |(a, b)| (span.hour(a), span.hour(b)));
        between(Trouble::new(words::NOTHING_COUNTED).with("first", first).with("last", last))
    }

    fn page(&self, span: &Span) -> Page {
        let rows: Vec<Row> = self.rows.values().cloned().collect();
        let by = match self.by {
            By::Hour => "hour",
            By::Day => "day",
            By::Device => "device",
        };
        Page {
            by,
            device: self.device.map(str::to_owned),
            from: span.hour(span.from),
            to: span.hour(span.to),
            zone: span.zone.iana_name().unwrap_or("UTC").to_owned(),
            rows,
        }
    }
}
