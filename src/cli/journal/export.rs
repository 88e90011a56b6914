//! `cloudward journal export`: what the journal holds, in a file. As messages that are signed, for import elsewhere; or as rows.
//!
//! The rule: with `--sink` nothing leaves that the scope of this sink does not name. Every export is noted in
//! `STATE_DIR/exports.jsonl`: who, when, what, and the SHA-256 of the file.

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::ValueEnum;

use self::walk::{Seen, Walk};
use super::rows::{csv_head, event_line, of_record};
use super::seal::Sealed;
use super::{Ended, key, look, pick, refuse_strangers, when, workshop};
use crate::cli::progress::Progress;
use crate::cli::verify::sink_of;
use crate::cli::write::audit::{Audit, Who};
use crate::cli::{ConfigArgs, say};
use crate::config::Config;
use crate::journal::Look;
use crate::journal::parcel::{Manifest, Message, ParcelWriter, Recipient, StreamContent};
use crate::model::words::transfer as words;
use crate::model::{BootId, Cursor, DataRecord, Seq, Stream, Timestamp, Trouble};
use crate::sink::{Mask, Scope, Topics, payload};

#[derive(clap::Args)]
pub(super) struct ExportArgs {
    /// Write to this file; - for standard output (JSON lines and CSV only).
    #[arg(long = "output", short = 'o', value_name = "FILE")]
    to_file: PathBuf,
    /// courier: signed messages for `cloudward journal import`; jsonl: a sample a line; csv: for Excel and WPS.
    #[arg(long, value_name = "FORMAT", default_value = "courier")]
    format: Format,
    /// What this sink still has not got, and of it only what its `send` names (default: everything, whatever any sink may have).
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Only what was taken from then on: 2026-01-31, "2026-01-31 08:00" (time of the workshop), or 2h for two hours ago.
    #[arg(long = "from", value_name = "TIME")]
    since: Option<String>,
    /// Only what was taken before then.
    #[arg(long = "to", value_name = "TIME")]
    until: Option<String>,
    /// Encrypt for who has this identity: age1..., as `cloudward journal identity` or age-keygen prints it; may be repeated.
    #[arg(long, value_name = "AGE1")]
    recipient: Vec<String>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Courier,
    Jsonl,
    Csv,
}

impl Format {
    fn as_str(self) -> &'static str {
        match self {
            Format::Courier => "courier",
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
        }
    }
}

pub(super) fn export(args: &ExportArgs) -> Result<(), Ended> {
    let (config, state_dir) = workshop(&args.config.config)?;
    let recipients = recipients(&args.recipient).map_err(Ended::usage)?;
    let moment = |text: &Option<String>| {
        text.as_deref().map(|text| when::moment(text, &config.workshop.timezone)).transpose().map_err(Ended::usage)
    };
    let (since, until) = (moment(&args.since)?, moment(&args.until)?);
    let is_wanted = |at: Timestamp| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until);
    let send = match &args.sink {
        Some(name) => sink_of(&config, name).map_err(Ended::usage)?.send,
        None => vec!["*".to_owned(), "events".to_owned()],
    };
    let is_stdout = args.to_file.as_os_str() == "-";
    if is_stdout && (args.format == Format::Courier || !recipients.is_empty()) {
        return Err(Ended::usage(
            Trouble::new(words::FILE_TROUBLE)
                .with("path", "-")
                .with("error", pick("what is signed or encrypted goes to a file", "签名或加密的内容只能写入文件")),
        ));
    }
    let (look, place) = look(&state_dir)?;
    let start = start(&look, args.sink.as_deref()).map_err(Ended::cannot)?;
    let walk = Walk::new(&place, &look, Scope::new(&send)).map_err(Ended::cannot)?;
    drop(look); // a long view would keep the WAL from being emptied
    let job = Job { args, config: &config, state_dir: &state_dir, send, start, is_wanted: &is_wanted };
    if is_stdout {
        let mut out = io::stdout().lock();
        job.rows(walk, &mut out)?;
        return Ok(());
    }
    refuse_strangers(&state_dir)?;
    let mut file = Sealed::create(&args.to_file, args.force, &recipients)?;
    let (counts, manifest, sha256) = match args.format {
        Format::Courier => {
            let (file, counts, manifest) = job.parcel(walk, file)?;
            (counts, Some(manifest), file.finish()?)
        }
        Format::Jsonl | Format::Csv => {
            let counts = job.rows(walk, &mut file)?;
            (counts, None, file.finish()?)
        }
    };
    job.note(&counts, &recipients, &sha256)?;
    job.tell(&counts, manifest.as_ref(), &recipients);
    Ok(())
}

/// Behind the cursors of the sink; else before the oldest record. What was there before that, nobody here knows: it is named as sent.
fn start(look: &Look, sink: Option<&str>) -> Result<[Cursor; 2], Trouble> {
    let cursors = sink.map(|name| look.cursors(name)).transpose()?;
    let before = look.oldest()?.map(|seq| seq.saturating_sub(1));
    Ok(Stream::ALL.map(|stream| match &cursors {
        Some(cursors) => cursors[stream as usize].unwrap_or(Cursor { position: before[stream as usize], last_sent: 0 }),
        None => Cursor { position: before[stream as usize], last_sent: before[stream as usize] },
    }))
}

fn recipients(texts: &[String]) -> Result<Vec<Recipient>, Trouble> {
    let wrong = |text: &str| Trouble::new(words::BAD_RECIPIENT).with("found", text.escape_debug());
    texts.iter().map(|text| Recipient::parse(text).ok_or_else(|| wrong(text))).collect()
}

/// One export.
struct Job<'a> {
    args: &'a ExportArgs,
    config: &'a Config,
    state_dir: &'a Path,
    send: Vec<String>,
    start: [Cursor; 2],
    is_wanted: &'a dyn Fn(Timestamp) -> bool,
}

/// What went out.
#[derive(Default)]
struct Counts {
    streams: BTreeMap<Stream, StreamContent>,
    devices: BTreeSet<String>,
    boots: BTreeSet<String>,
    damaged: u64,
}

impl Counts {
    fn enter(
        &mut self,
        stream: Stream,
        boot: BootId,
        seq: Seq,
        prev: Seq,
        samples: u64,
        times: (Timestamp, Timestamp),
    ) {
        let (from_ms, to_ms) = (times.0.0, times.1.0);
        let content = self.streams.entry(stream).or_insert_with(|| StreamContent {
            stream: stream.to_string(),
            messages: 0,
            samples: 0,
            after: prev,
            first: seq,
            last: seq,
            from_ms,
            to_ms,
        });
        content.messages += 1;
        content.samples += samples;
        content.last = seq;
        (content.from_ms, content.to_ms) = (content.from_ms.min(from_ms), content.to_ms.max(to_ms));
        self.boots.insert(boot.to_string());
    }

    fn messages(&self) -> u64 {
        self.streams.values().map(|content| content.messages).sum()
    }

    fn samples(&self) -> u64 {
        self.streams.values().map(|content| content.samples).sum()
    }
}

impl Job<'_> {
    /// Births, then events, then samples: as a sink would have sent them.
    fn parcel(&self, mut walk: Walk, file: Sealed) -> Result<(Sealed, Counts, Manifest), Ended> {
        let signer = key::signer(self.state_dir)?;
        let workshop = &self.config.workshop;
        let topics = Topics::new("", workshop);
        // Below the prefix of whoever delivers it.
        let below = |topic: String| topic.trim_start_matches('/').to_owned();
        let write = |error: io::Error| Ended::file(&self.args.to_file, error);
        let mut out = ParcelWriter::new(file).map_err(write)?;
        let mut counts = Counts::default();
        let now = Timestamp::of(SystemTime::now());
        let mut progress = Progress::new();

        walk.events(self.start[1], |Seen { record, prev }| {
            if (self.is_wanted)(record.at) {
                counts.enter(Stream::Events, record.boot, record.seq, prev, 0, (record.at, record.at));
                let payload = payload::event(record, prev);
                out.add(&Message { topic: below(topics.events()), is_retained: false, payload })?;
            }
            Ok(true)
        })
        .map_err(|fault| fault.ended(&self.args.to_file))?;

        let mut births = BTreeSet::new();
        walk.data(self.start[0], |Seen { record, prev }, mask| {
            let (Some(first), Some(last)) = (record.scans.first(), record.scans.last()) else { return Ok(false) };
            if !(self.is_wanted)(first.at) {
                return Ok(true);
            }
            let Some(payload) = payload::data(record, mask, prev) else { return Ok(false) };
            let device = record.group.device.to_string();
            if births.insert(device.clone())
                && let Some(birth) = self.birth(&device, record.boot, now)
            {
                out.add(&Message { topic: below(topics.birth(&device)), is_retained: true, payload: birth })?;
            }
            counts.enter(Stream::Data, record.boot, record.seq, prev, samples(record, mask), (first.at, last.at));
            out.add(&Message { topic: below(topics.data(&device)), is_retained: false, payload })?;
            counts.devices.insert(device);
            progress.show(|| pick(format!("{} messages", counts.messages()), format!("{} 条消息", counts.messages())));
            Ok(true)
        })
        .map_err(|fault| fault.ended(&self.args.to_file))?;
        progress.clear();
        counts.damaged = walk.damaged;

        let manifest = Manifest {
            format: 1,
            made_ms: now.0,
            made_by: format!("cloudward {}", env!("CARGO_PKG_VERSION")),
            enterprise: workshop.enterprise.clone(),
            workshop: workshop.id.clone(),
            name: workshop.name.clone(),
            sink: self.args.sink.clone(),
            send: self.send.clone(),
            devices: counts.devices.iter().cloned().collect(),
            streams: counts.streams.values().cloned().collect(),
            boots: counts.boots.iter().cloned().collect(),
            damaged: counts.damaged,
            parts: Vec::new(),
            key: String::new(),
        };
        let (file, manifest) = out.finish(manifest, &signer).map_err(write)?;
        Ok((file, counts, manifest))
    }

    /// What receivers must know of a device before they see its samples; none where it is no longer configured.
    fn birth(&self, device: &str, boot: BootId, now: Timestamp) -> Option<Vec<u8>> {
        let device = self.config.devices.iter().find(|known| *known.id == *device)?;
        payload::birth(device, &Scope::new(&self.send), boot, now)
    }

    fn rows(&self, mut walk: Walk, out: &mut impl Write) -> Result<Counts, Ended> {
        let (mut counts, zone) = (Counts::default(), &self.config.workshop.timezone);
        let is_csv = self.args.format == Format::Csv;
        let write = |error: io::Error| Ended::file(&self.args.to_file, error);
        if is_csv {
            csv_head(out).map_err(write)?;
        } else {
            walk.events(self.start[1], |Seen { record, prev }| {
                if (self.is_wanted)(record.at) {
                    counts.enter(Stream::Events, record.boot, record.seq, prev, 0, (record.at, record.at));
                    writeln!(out, "{}", event_line(record))?;
                }
                Ok(true)
            })
            .map_err(|fault| fault.ended(&self.args.to_file))?;
        }
        walk.data(self.start[0], |Seen { record, prev }, mask| {
            let mut rows = 0;
            of_record(record, mask, self.is_wanted, |row| {
                rows += 1;
                if is_csv { write!(out, "{}\r\n", row.csv(zone)) } else { writeln!(out, "{}", row.line()) }
            })?;
            if let (Some(first), Some(last), true) = (record.scans.first(), record.scans.last(), rows > 0) {
                counts.enter(Stream::Data, record.boot, record.seq, prev, rows, (first.at, last.at));
                counts.devices.insert(record.group.device.to_string());
            }
            Ok(rows > 0)
        })
        .map_err(|fault| fault.ended(&self.args.to_file))?;
        counts.damaged = walk.damaged;
        out.flush().map_err(write)?;
        Ok(counts)
    }

    /// That something left, by whose hand.
    fn note(&self, counts: &Counts, recipients: &[Recipient], sha256: &str) -> Result<(), Ended> {
        let mut log = Audit::open_as(self.state_dir, "exports.jsonl").map_err(Ended::cannot)?;
        let recipients: Vec<String> = recipients.iter().map(Recipient::to_string).collect();
        log.append(&serde_json::json!({
            "ts": jiff::Timestamp::now().to_string(),
            "event": "export",
            "who": Who::current(),
            "file": self.args.to_file.display().to_string(),
            "format": self.args.format.as_str(),
            "sha256": sha256,
            "sink": self.args.sink,
            "send": self.send,
            "recipients": recipients,
            "devices": counts.devices,
            "streams": counts.streams.values().collect::<Vec<_>>(),
            "damaged": counts.damaged,
        }))
        .map_err(Ended::cannot)
    }

    fn tell(&self, counts: &Counts, manifest: Option<&Manifest>, recipients: &[Recipient]) {
        let (path, messages, samples) = (self.args.to_file.display(), counts.messages(), counts.samples());
        let zone = &self.config.workshop.timezone;
        say(pick(
            format!("Written to {path}: {messages} records with {samples} samples."),
            format!("已写入 {path}：{messages} 条记录，{samples} 个样本。"),
        ));
        for content in counts.streams.values() {
            let [from, to] = [content.from_ms, content.to_ms].map(|at| when::shown(at, zone));
            let StreamContent { stream, first, last, .. } = content;
            say(pick(
                format!("  {stream}: positions {first} to {last}, {from} to {to}"),
                format!("  {stream}：序号 {first} 至 {last}，{from} 至 {to}"),
            ));
        }
        let devices = counts.devices.iter().map(String::as_str).collect::<Vec<_>>();
        say(pick(format!("  devices: {}", devices.join(", ")), format!("  设备：{}", devices.join("、"))));
        say(match &self.args.sink {
            Some(sink) => pick(
                format!("  only what sink {sink} may send: {}", self.send.join(", ")),
                format!("  仅含去向 {sink} 允许外送的内容：{}", self.send.join("，")),
            ),
            None => pick(
                "  EVERYTHING that the journal holds, whatever any sink may send",
                "  包含日志库中的全部数据，不受任何去向的外送范围限制",
            ),
        });
        if counts.damaged > 0 {
            let damaged = counts.damaged;
            say(pick(
                format!("  {damaged} damaged records could not be read; receivers see the gaps"),
                format!("  {damaged} 条记录已损坏，无法读出；接收方会看到缺口"),
            ));
        }
        say(pick(
            "  What the agent holds in memory, the last seconds at most, is not in it.",
            "  采集程序内存中的内容（最多最后几秒）不在其中。",
        ));
        match recipients {
            [] => say(pick(
                "  NOT encrypted: whoever finds the file can read it.",
                "  未加密：任何得到该文件的人都能读取。",
            )),
            some => say(pick(
                format!("  encrypted for {} recipients", some.len()),
                format!("  已加密，接收者 {} 个", some.len()),
            )),
        }
        if let Some(manifest) = manifest {
            let fingerprint = crate::journal::parcel::fingerprint(&manifest.key);
            say(pick(format!("  signed; fingerprint {fingerprint}"), format!("  已签名，指纹 {fingerprint}")));
        }
    }
}

fn samples(record: &DataRecord, mask: &Mask) -> u64 {
    let of_scan = |scan: &crate::model::Scan| {
        scan.readings.iter().enumerate().filter(|(place, reading)| reading.is_some() && mask.allows(*place)).count()
    };
    record.scans.iter().map(of_scan).sum::<usize>() as u64
}
