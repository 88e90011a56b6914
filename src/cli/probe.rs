//! `cloudward probe`: says what it will do and what it may cost, lets [`crate::probe`] walk, and writes what it found.

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::endpoint::{self, Settings};
use super::read::{period, unreachable};
use super::run::runtime;
use super::{EXIT_CANNOT_START, EXIT_UNAVAILABLE, EXIT_USAGE, fail, progress, say};
use crate::config::modbus::Table;
use crate::model::time::show_span;
use crate::model::words::tools as words;
use crate::model::{Lang, Trouble};
use crate::probe::report;
use crate::probe::walk::{Options, Progress, Step, Way, walk};

#[derive(clap::Args)]
pub(super) struct ProbeArgs {
    /// 192.168.1.10, 192.168.1.10:502, rtu-over-tcp:HOST:PORT, /dev/ttyUSB0, ascii:/dev/ttyUSB0.
    endpoint: String,
    /// Unit ids to look for, such as 1-10,17; without it all, the likeliest first.
    #[arg(long, value_name = "LIST")]
    units: Option<String>,
    /// Tables to look into.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "holding,input,coil,discrete")]
    tables: Vec<String>,
    /// Speeds of a serial line to try; without it the usual ones, the likeliest first.
    #[arg(long = "baud", value_name = "LIST", value_delimiter = ',')]
    bauds: Vec<u32>,
    /// Parities of a serial line to try: none, even, odd.
    #[arg(long = "parity", value_name = "LIST", value_delimiter = ',')]
    parities: Vec<String>,
    /// Stop bits of a serial line (default 1).
    #[arg(long, value_name = "N")]
    stop_bits: Option<u8>,
    /// How long to wait for an answer.
    #[arg(long, value_name = "TIME", default_value = "300ms")]
    timeout: String,
    /// End after this time.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = period)]
    max_time: Duration,
    /// End after so many requests.
    #[arg(long, value_name = "N", default_value_t = 6_000)]
    max_requests: u32,
    /// Between an answer and the next request, so that a running machine is not disturbed.
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = period)]
    pause: Duration,
    /// Write the configuration to this file; without it to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Speed and parity of serial lines, the likeliest first.
const USUAL: [(u32, &str); 12] = [
    (9_600, "none"),
    (9_600, "even"),
    (19_200, "even"),
    (19_200, "none"),
    (115_200, "none"),
    (38_400, "none"),
    (4_800, "none"),
    (2_400, "even"),
    (57_600, "none"),
    (38_400, "even"),
    (4_800, "even"),
    (9_600, "odd"),
];

pub(super) fn probe(args: &ProbeArgs) -> ExitCode {
    let options = match options(args) {
        Ok(options) => options,
        Err(trouble) => return fail(&trouble, EXIT_USAGE),
    };
    announce(args, &options);
    let mut meter = Meter::new(&options);
    let found = runtime().block_on(async {
        let is_stopped = Cell::new(false);
        let stop = async {
            tokio::signal::ctrl_c().await.ok(); // without signals it ends by its limits
            is_stopped.set(true);
            std::future::pending::<std::convert::Infallible>().await
        };
        let stopped = || is_stopped.get();
        let mut show = |progress| meter.show(progress);
        tokio::select! {
            found = walk(&options, &stopped, &mut show) => found,
            never = stop => match never {}, // the walk sees the flag, ends, and hands out what it has
        }
    });
    meter.line.clear();
    let findings = match found {
        Ok(findings) => findings,
        Err(fault) => return fail(&unreachable(&options.ways[0].link, &fault), EXIT_UNAVAILABLE),
    };
    if findings.units.is_empty() {
        let trouble = Trouble::new(words::NOBODY_FOUND).with("endpoint", &args.endpoint);
        return fail(&trouble.with("requests", findings.requests), EXIT_UNAVAILABLE);
    }
    let text = report::toml(&findings, &args.endpoint, Lang::current());
    match &args.output {
        None => say(text.trim_end()),
        Some(path) => {
            if let Err(error) = std::fs::write(path, text) {
                let trouble = Trouble::new(words::CANNOT_WRITE_FILE).with("path", path.display());
                return fail(&trouble.with("error", error), EXIT_CANNOT_START);
            }
        }
    }
    ExitCode::SUCCESS
}

fn options(args: &ProbeArgs) -> Result<Options, Trouble> {
    let units = args.units.as_deref().map_or(Some(Vec::new()), |list| endpoint::numbers(list, 0, 255));
    let units = units.ok_or_else(|| {
        let found = args.units.as_deref().unwrap_or_default();
        Trouble::new(words::BAD_NUMBERS).with("found", found).with("low", 0).with("high", 255)
    })?;
    let table = |word: &String| {
        let found = Table::ALL.into_iter().find(|table| table.as_str() == word.trim());
        let known = Table::ALL.map(Table::as_str).join(", ");
        let trouble = Trouble::new(crate::model::words::config::NOT_ONE_OF).with("key", "--tables");
        found.ok_or_else(|| trouble.with("found", word).with("known", known))
    };
    let tables = args.tables.iter().map(table).collect::<Result<Vec<_>, _>>()?;
    let lines = if endpoint::is_serial(&args.endpoint) { lines(args) } else { vec![(None, None)] };
    let way = |(baud, parity): (Option<u32>, Option<String>)| {
        let stop_bits = args.stop_bits;
        let settings = Settings { baud, parity: parity.as_deref(), stop_bits, timeout: &args.timeout };
        endpoint::refuse_windows_port(&args.endpoint)?;
        let text = endpoint::link_keys(&args.endpoint, &settings);
        let link = endpoint::link(&text)?;
        // The short timeout is for looking around; a configuration has its own default.
        let text = text.lines().filter(|line| !line.starts_with("timeout")).collect::<Vec<_>>().join("\n");
        Ok(Way { link, text })
    };
    let ways = lines.into_iter().map(way).collect::<Result<Vec<_>, Trouble>>()?;
    let (max_time, max_requests, pause) = (args.max_time, args.max_requests, args.pause);
    Ok(Options { ways, units, tables, max_time, max_requests, pause })
}

/// Speeds and parities: those that were given, or the usual ones.
fn lines(args: &ProbeArgs) -> Vec<(Option<u32>, Option<String>)> {
    let some = |baud: u32, parity: &str| (Some(baud), Some(parity.to_owned()));
    let usual = || USUAL.iter().map(|(baud, parity)| some(*baud, parity));
    match (&args.bauds[..], &args.parities[..]) {
        ([], []) => usual().collect(),
        ([], parities) => {
            usual().filter(|(_, parity)| parity.as_ref().is_some_and(|parity| parities.contains(parity))).collect()
        }
        (bauds, []) => {
            bauds.iter().flat_map(|baud| ["none", "even", "odd"].map(|parity| some(*baud, parity))).collect()
        }
        (bauds, parities) => bauds.iter().flat_map(|baud| parities.iter().map(|parity| some(*baud, parity))).collect(),
    }
}

fn announce(args: &ProbeArgs, options: &Options) {
    let (endpoint, requests, pause) = (&args.endpoint, options.max_requests, options.pause);
    let (time, ways) = (show_span(options.max_time), options.ways.len());
    let serial = endpoint::is_serial(endpoint);
    let mut lines = match Lang::current() {
        Lang::En => vec![format!(
            "Looks around at {endpoint}, reading only: at most {time} and {requests} requests, {pause:?} apart. Ctrl-C gives what was found so far."
        )],
        Lang::Zh => vec![format!(
            "探测 {endpoint}，只读不写：最长 {time}，最多 {requests} 次请求，间隔 {pause:?}。按 Ctrl-C 可提前结束并给出已找到的内容。"
        )],
    };
    if serial {
        lines.push(match Lang::current() {
            Lang::En => format!(
                "{ways} combinations of speed and parity. Another master on this line must be off: RS-485 allows one."
            ),
            Lang::Zh => format!("共试 {ways} 种波特率和校验组合。该总线上的其他主站必须先停：RS-485 只允许一个主站。"),
        });
    }
    for line in lines {
        writeln!(std::io::stderr(), "{line}").ok(); // a closed pipe: nobody reads it
    }
}

/// Says how far the walk has come.
struct Meter<'a> {
    options: &'a Options,
    line: progress::Progress,
}

impl<'a> Meter<'a> {
    fn new(options: &'a Options) -> Meter<'a> {
        Meter { options, line: progress::Progress::new() }
    }

    fn show(&mut self, progress: Progress) {
        let options = self.options;
        self.line.show(|| line(options, progress));
    }
}

fn line(options: &Options, progress: Progress) -> String {
    let time = progress.elapsed.as_secs_f64() / options.max_time.as_secs_f64().max(0.001);
    let spent = time.max(f64::from(progress.requests) / f64::from(options.max_requests.max(1))).min(1.0);
    let bar = progress::bar(spent);
    let is_zh = Lang::current() == Lang::Zh;
    let step = match progress.step {
        Step::Unit(way, unit) => {
            let link = &options.ways[way].link.transport;
            if is_zh { format!("{link}：找站号 {unit}") } else { format!("{link}: looking for unit {unit}") }
        }
        Step::Table(unit, table, done) => {
            let (table, done) = (table.as_str(), done * 100.0);
            if is_zh {
                format!("站号 {unit}，{table}：{done:.0}%")
            } else {
                format!("unit {unit}, {table}: {done:.0} %")
            }
        }
        Step::Sweep(unit, table, done) => {
            let (table, done) = (table.as_str(), done * 100.0);
            if is_zh {
                format!("站号 {unit}，{table}，其余地址：{done:.0}%")
            } else {
                format!("unit {unit}, {table}, other addresses: {done:.0} %")
            }
        }
        Step::Look(number, all) if is_zh => format!("第 {number}/{all} 遍读取"),
        Step::Look(number, all) => format!("look {number} of {all}"),
    };
    let (requests, seconds) = (progress.requests, progress.elapsed.as_secs());
    if is_zh {
        format!("{bar} {seconds} 秒，{requests} 次请求，{step}")
    } else {
        format!("{bar} {seconds} s, {requests} requests, {step}")
    }
}
