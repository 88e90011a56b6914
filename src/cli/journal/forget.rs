//! `cloudward journal forget-sink`.

use std::io::IsTerminal;
use std::time::SystemTime;

use super::{Ended, look, pick, refuse_strangers, workshop};
use crate::cli::{ConfigArgs, EXIT_DECLINED, ask, say};
use crate::journal::{Overview, forget_sink};
use crate::model::words::{journal as journal_words, transfer as words};
use crate::model::{Timestamp, Trouble};

#[derive(clap::Args)]
pub(super) struct ForgetArgs {
    /// Name of the sink, as `cloudward journal status` shows it.
    #[arg(value_name = "SINK")]
    sink: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn forget(args: &ForgetArgs) -> Result<(), Ended> {
    let path = &args.config.config;
    let (config, state_dir) = workshop(path)?;
    let (look, place) = look(&state_dir)?;
    let sink = &args.sink;
    let known = look.sinks().map_err(Ended::cannot)?;
    if !known.contains(sink) {
        let trouble = Trouble::new(words::NO_CURSOR).with("sink", sink).with("known", known.join(", "));
        return Err(Ended::usage(trouble));
    }
    if config.sinks.iter().any(|configured| *configured.name == **sink) {
        let trouble = Trouble::new(words::SINK_CONFIGURED).with("sink", sink).with("path", path.display());
        return Err(Ended::cannot(trouble));
    }
    let overview = look.overview(Timestamp::of(SystemTime::now()), u64::MAX).map_err(Ended::cannot)?;
    if overview.agent_pid.is_some() {
        return Err(running(&state_dir));
    }
    refuse_strangers(&state_dir)?;
    say(what_it_means(&overview, sink));
    confirm(
        args.yes,
        &pick(format!("Forget sink {sink}? [yes/NO]: "), format!("确定清除去向 {sink}？请输入 yes（默认 no）：")),
    )?;
    drop(look);
    match forget_sink(&state_dir, &place, sink) {
        Ok(_) => say(pick(
            format!("Forgotten: sink {sink}. What it held back is deleted at the next start of the agent."),
            format!("已清除去向 {sink}。因它而保留的数据将在采集程序下次启动时删除。"),
        )),
        Err(trouble) if trouble.code == journal_words::IN_USE => return Err(running(&state_dir)),
        Err(trouble) => return Err(Ended::cannot(trouble)),
    }
    Ok(())
}

/// How much it has not got, and how much nobody else waits for.
fn what_it_means(overview: &Overview, sink: &str) -> String {
    let of = |name: &str| overview.sinks.iter().find(|view| view.sink == name && view.stream == "data");
    let (records, samples) = of(sink).map_or((0, 0), |view| (view.records, view.samples));
    let others = overview.sinks.iter().filter(|view| view.stream == "data" && view.sink != sink);
    let waiting = others.clone().map(|view| view.records).max();
    let undelivered = pick(
        format!("Sink {sink} has not got {records} records with {samples} samples that are in the journal."),
        format!("去向 {sink} 还有 {records} 条记录（{samples} 个样本）没有送出。"),
    );
    let freed = match waiting {
        // Without any sink everything is kept until a limit is reached.
        None => pick(
            "No other sink has a place there: nothing is deleted, and what is stored stays until a limit is reached.",
            "没有其他去向：不会删除数据，已存数据保留到达到上限为止。",
        ),
        Some(waiting) => {
            let freed = records.saturating_sub(waiting);
            let data = overview.bytes.data;
            let all = overview.streams[0].records.max(1);
            let bytes = crate::model::time::show_bytes(data as f64 * freed as f64 / all as f64);
            pick(
                format!(
                    "No other sink waits for {freed} of these records: they will be deleted, which frees about {bytes}."
                ),
                format!("其中 {freed} 条没有其他去向需要，将被删除，约释放 {bytes}。"),
            )
        }
    };
    format!("{undelivered}\n{freed}")
}

pub(super) fn running(state_dir: &std::path::Path) -> Ended {
    Ended::cannot(Trouble::new(words::AGENT_RUNS).with("path", state_dir.display()))
}

/// A yes, from the command line or from the person at the terminal.
pub(super) fn confirm(is_yes: bool, question: &str) -> Result<(), Ended> {
    if is_yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Ended::usage(Trouble::new(words::UNASKED)));
    }
    if matches!(ask(question).as_str(), "y" | "yes" | "是") {
        Ok(())
    } else {
        Err(Ended::Trouble(Trouble::new(words::DECLINED), EXIT_DECLINED))
    }
}
