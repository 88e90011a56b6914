//! `cloudward report`: the figures of a period, per machine and for the workshop. Reads the journal beside a running agent and writes
//! nothing but the file that is asked for.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::ConfigArgs;
use super::figures::{Ended, Room, revenue, write_file};
use crate::model::words::report as words;
use crate::model::{Lang, Timestamp, Trouble};
use crate::report::{Report, csv, csv_quarters, html, xlsx};

#[derive(clap::Args)]
#[command(after_help = LESSON)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// 2026-03-02/night, 2026-03-02, 2026-03, today, yesterday, shift, or 2026-03-02/production-day.
    #[arg(long, value_name = "PERIOD", default_value = "today")]
    period: String,
    /// Only this device.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// json and csv for programs and spreadsheets, html for people and paper, xlsx for Excel and WPS; csv-quarters: the electricity of each
    /// quarter of an hour.
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    format: Format,
    /// Write to this file (default: standard output).
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Compare with the baseline of this name.
    #[arg(long, value_name = "NAME", default_value = "before")]
    baseline: String,
    /// Revenue of the period in 10 000 yuan, for the energy per revenue.
    #[arg(long, value_name = "AMOUNT")]
    revenue: Option<String>,
}

const LESSON: &str = "\
Percentages are computed from sums, and never averaged; unknown time counts as not producing; a value that cannot be known is null.
docs/REPORTS.md says what stands where, docs/INDICATORS.md what each figure means and what it does not prove.
Exit codes: 0 written, 64 a wrong period or device, 65 a baseline that was changed, 69 no figures in the period, 73 no journal, 78 mistakes in
the file.";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Html,
    Json,
    Csv,
    /// The electricity of each quarter of an hour; in xlsx it is a sheet of its own.
    CsvQuarters,
    Xlsx,
}

pub(super) fn report(args: &ReportArgs) -> ExitCode {
    Ended::code(run(args))
}

fn run(args: &ReportArgs) -> Result<(), Ended> {
    let room = Room::open(&args.config.config, Timestamp::of(std::time::SystemTime::now()))?;
    let asked = room.asked(&args.period)?;
    if let Some(device) = &args.device {
        room.known(device)?;
    }
    let revenue = revenue(args.revenue.as_deref())?;
    if args.format == Format::Xlsx && args.output.is_none() {
        return Err(Ended::usage(Trouble::new(words::NEEDS_FILE).with("format", "xlsx")));
    }
    let baseline = room.baseline(&args.baseline)?;
    if baseline.is_none() && args.baseline != "before" {
        return Err(Ended::usage(Trouble::new(words::NO_BASELINE).with("name", args.baseline.escape_debug())));
    }
    room.report(&asked, (baseline.as_ref(), revenue), |given, report| {
        let report = match &args.device {
            None => report,
            Some(device) => match report.only(device) {
                Some(report) => report,
                None => return Err(room.nothing(&asked, Some(device))?),
            },
        };
        let content = match args.format {
            Format::CsvQuarters => csv_quarters(given, args.device.as_deref(), Lang::current()).into_bytes(),
            _ => content(&report, args)?,
        };
        match &args.output {
            Some(path) => write_file(path, &content),
            None => {
                // As it is: a CSV's lines end as Excel wants them. What could steer a terminal was taken out of the texts.
                std::io::stdout().write_all(&content).ok(); // a closed pipe: nobody reads it
                Ok(())
            }
        }
    })
}

fn content(report: &Report, args: &ReportArgs) -> Result<Vec<u8>, Ended> {
    let lang = Lang::current();
    let pretty = |value: serde_json::Result<String>| value.map(|text| text + "\n").unwrap_or_default().into_bytes();
    Ok(match (args.format, report.devices.first().filter(|_| args.device.is_some())) {
        (Format::Json, Some(device)) => pretty(serde_json::to_string_pretty(device)),
        (Format::Json, None) => pretty(serde_json::to_string_pretty(&report.site)),
        (Format::Html, _) => html(report, lang).into_bytes(),
        (Format::Csv | Format::CsvQuarters, _) => csv(report, lang).into_bytes(),
        (Format::Xlsx, _) => {
            let path = args.output.as_deref().unwrap_or(std::path::Path::new("-"));
            xlsx(report, lang).map_err(|error| Ended::unwritable(path, error))?
        }
    })
}
