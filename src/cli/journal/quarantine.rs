//! `cloudward journal quarantine`: records that a broker can never take, by sink.

use super::forget::{confirm, running};
use super::rows::{Row, event_line, of_record};
use super::{Ended, look, pick, refuse_strangers, when, workshop};
use crate::cli::{ConfigArgs, say};
use crate::journal::{Poisoned, QuarantineRow, drop_quarantined};
use crate::model::words::{journal as journal_words, transfer as words};
use crate::model::{Seq, Stream, Trouble};
use crate::sink::Scope;

#[derive(clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct QuarantineArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(clap::Subcommand)]
enum What {
    /// List them: sink, stream, position, samples, cause.
    List(ConfigArgs),
    /// Show the content of one as JSON lines.
    Show(OneArgs),
    /// Drop those of a sink, or one of them, for good; the agent must be stopped.
    Drop(DropArgs),
}

#[derive(clap::Args)]
struct OneArgs {
    /// Name of the sink.
    #[arg(value_name = "SINK")]
    sink: String,
    /// `data-17` or `events-3`, as the list shows it.
    #[arg(value_name = "POSITION", value_parser = position)]
    position: (Stream, Seq),
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(clap::Args)]
struct DropArgs {
    /// Name of the sink.
    #[arg(value_name = "SINK")]
    sink: String,
    /// `data-17` or `events-3`; without it, all of this sink.
    #[arg(value_name = "POSITION", value_parser = position)]
    position: Option<(Stream, Seq)>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

fn position(text: &str) -> Result<(Stream, Seq), &'static str> {
    let found = text.split_once('-').and_then(|(stream, seq)| {
        let stream = Stream::ALL.into_iter().find(|known| known.as_str() == stream)?;
        Some((stream, seq.parse().ok()?))
    });
    found.ok_or("write e.g. data-17")
}

pub(super) fn quarantine(args: &QuarantineArgs) -> Result<(), Ended> {
    match &args.what {
        None => list(&args.config),
        Some(What::List(config)) => list(config),
        Some(What::Show(args)) => show(args),
        Some(What::Drop(args)) => drop_some(args),
    }
}

fn list(config: &ConfigArgs) -> Result<(), Ended> {
    let (config, state_dir) = workshop(&config.config)?;
    let (look, _) = look(&state_dir)?;
    let quarantined = look.quarantined().map_err(Ended::cannot)?;
    if quarantined.is_empty() {
        say(pick("Nothing is in quarantine.", "隔离区为空。"));
    }
    for QuarantineRow { sink, stream, seq, at, samples, cause } in quarantined {
        let at = when::shown(at.0, &config.workshop.timezone);
        say(pick(
            format!("{sink}  {stream}-{seq}  {samples} samples  {cause}  {at}"),
            format!("{sink}  {stream}-{seq}  {samples} 个样本  {cause}  {at}"),
        ));
    }
    Ok(())
}

fn show(args: &OneArgs) -> Result<(), Ended> {
    let (_, state_dir) = workshop(&args.config.config)?;
    let (look, _) = look(&state_dir)?;
    let (stream, seq) = args.position;
    match look.quarantined_record(&args.sink, stream, seq).map_err(Ended::cannot)? {
        Some(Poisoned::Event(record)) => say(event_line(&record)),
        Some(Poisoned::Data(record)) => {
            let all = Scope::new(&["*".to_owned()]).mask(&record.group.device, &record.group.tags);
            let print = |row: Row| {
                say(row.line());
                Ok(())
            };
            of_record(&record, &all, |_| true, print).ok(); // `print` does not fail
        }
        None => {
            let trouble = Trouble::new(words::NOT_IN_QUARANTINE).with("sink", &args.sink);
            return Err(Ended::usage(trouble.with("found", format_args!("{stream}-{seq}"))));
        }
    }
    Ok(())
}

fn drop_some(args: &DropArgs) -> Result<(), Ended> {
    let (_, state_dir) = workshop(&args.config.config)?;
    let (look, place) = look(&state_dir)?;
    let sink = &args.sink;
    let is_meant = |record: &&QuarantineRow| {
        record.sink == *sink && args.position.is_none_or(|at| at == (record.stream, record.seq))
    };
    let quarantined = look.quarantined().map_err(Ended::cannot)?;
    let (records, samples) =
        quarantined.iter().filter(is_meant).fold((0, 0), |(n, sum), record| (n + 1, sum + record.samples));
    drop(look);
    if records == 0 {
        say(pick("Nothing is in quarantine there.", "隔离区中没有这样的记录。"));
        return Ok(());
    }
    refuse_strangers(&state_dir)?;
    confirm(
        args.yes,
        &pick(
            format!("Drop {records} records with {samples} samples of sink {sink} for good? [yes/NO]: "),
            format!("确定永久删除去向 {sink} 的 {records} 条记录（{samples} 个样本）？请输入 yes（默认 no）："),
        ),
    )?;
    match drop_quarantined(&state_dir, &place, sink, args.position) {
        Ok(dropped) => say(pick(format!("Dropped: {dropped} records."), format!("已删除 {dropped} 条记录。"))),
        Err(trouble) if trouble.code == journal_words::IN_USE => return Err(running(&state_dir)),
        Err(trouble) => return Err(Ended::cannot(trouble)),
    }
    Ok(())
}
