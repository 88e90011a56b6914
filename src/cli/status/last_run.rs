//! No agent answers: why, and what the journal's files say of the last run.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use serde::Serialize;

use super::super::{EXIT_UNAVAILABLE, fail, say};
use crate::journal::{Look, Overview, Place};
use crate::model::{Lang, Timestamp, Trouble};
use crate::status::{SCHEMA, Saying};

/// What `--json` prints in place of the document.
#[derive(Serialize)]
struct Absent {
    schema: &'static str,
    error: Saying,
    /// As `cloudward journal status --json` has it; null: it cannot be looked at.
    journal: Option<Overview>,
}

/// Tells it, and gives the exit code.
pub(super) fn tell(trouble: &Trouble, is_json: bool, state_dir: Option<&Path>) -> ExitCode {
    let now = Timestamp::of(SystemTime::now());
    let journal = state_dir.and_then(|dir| {
        let place = Place::in_dir(dir)?;
        Look::open(dir, &place).and_then(|look| look.overview(now, 0)).ok() // the trouble above is what is asked about
    });
    let journal = journal.map(|overview| Overview { hours_left: None, ..overview });
    if is_json {
        let absent = Absent { schema: SCHEMA, error: Saying::of(trouble), journal };
        say(serde_json::to_string(&absent).unwrap_or_default()); // texts and numbers always are JSON
        return EXIT_UNAVAILABLE.into();
    }
    let code = fail(trouble, EXIT_UNAVAILABLE);
    if let Some(overview) = journal {
        lines(&overview, Lang::current()).into_iter().for_each(say);
    }
    code
}

fn lines(overview: &Overview, lang: Lang) -> Vec<String> {
    let pick = |en: String, zh: String| if lang == Lang::En { en } else { zh };
    let mut lines = Vec::new();
    if let Some(pid) = overview.agent_pid {
        lines.push(pick(
            format!("process {pid} works on this journal all the same: an agent that cannot make its socket says so in its log"),
            format!("但进程 {pid} 正在使用该日志库：程序无法创建套接字时会在日志中说明"),
        ));
    }
    let newest = overview.streams.iter().filter_map(|stream| stream.newest.map(|row| row.at_ms)).max();
    let newest = newest.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map(|at| format!("{at:.0}"));
    let is_closed = overview.high_water.is_some_and(|high| high.is_closed);
    let end = match is_closed {
        true => pick("it was closed properly".into(), "已正常关闭".into()),
        false => pick("it was not closed properly".into(), "没有正常关闭".into()),
    };
    let newest = match newest {
        Some(at) => pick(format!("the newest record is of {at}"), format!("最新的记录为 {at}")),
        None => pick("nothing is left in it".into(), "其中没有记录".into()),
    };
    let path = &overview.path;
    lines.push(pick(format!("journal {path}: {newest}; {end}"), format!("日志库 {path}：{newest}；{end}")));
    let waiting: Vec<_> = overview.sinks.iter().filter(|sink| sink.records > 0 && sink.stream == "data").collect();
    for sink in waiting {
        let (name, records, samples) = (&sink.sink, sink.records, sink.samples);
        lines.push(pick(
            format!("sink {name}: {records} records with {samples} samples wait for the next start"),
            format!("去向 {name}：{records} 条记录（{samples} 个样本）待下次启动后送出"),
        ));
    }
    lines
}
