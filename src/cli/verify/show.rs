//! The findings as a person reads them: stream by stream, then the verdict, then what this cannot prove.

use std::time::Duration;

use super::super::say;
use super::pick;
use crate::model::time::show_span;
use crate::verify::{Checker, Conflict, Report, Span, StreamReport, Verdict};

/// Single findings that are printed of each kind; the JSON has more.
const LISTED: usize = 20;

pub(super) fn so_far(checker: &Checker, elapsed: Duration, of: Option<Duration>) -> String {
    let report = checker.report();
    let gaps: u64 = report.streams.iter().map(|stream| stream.gap_count).sum();
    let seconds = Duration::from_secs(elapsed.as_secs());
    let time = of.map_or(show_span(seconds), |of| format!("{} / {}", show_span(seconds), show_span(of)));
    let messages = checker.messages();
    pick(format!("{time}: {messages} messages, {gaps} gaps"), format!("{time}：{messages} 条消息，{gaps} 处缺口"))
}

/// `zone`: that of the workshop, if it is known.
pub(super) fn show(report: &Report, zone: Option<&str>) {
    for stream in &report.streams {
        one(stream, zone);
        say("");
    }
    say(verdict(report.verdict));
    for line in limits(report) {
        say(format_args!("  - {line}"));
    }
}

fn one(stream: &StreamReport, zone: Option<&str>) {
    let StreamReport { messages, samples, first, last, .. } = stream;
    let name = if stream.workshop.is_empty() {
        stream.stream.to_owned()
    } else {
        format!("{}, {}", stream.workshop, stream.stream)
    };
    say(name);
    let (from, to) = (moment(stream.from_ms, zone), moment(stream.to_ms, zone));
    match stream.stream {
        "data" => line(
            format!("{messages} messages with {samples} samples, positions {first} to {last}, {from} to {to}"),
            format!("{messages} 条消息，{samples} 个样本，序号 {first} 至 {last}，{from} 至 {to}"),
        ),
        _ => line(
            format!("{messages} events, positions {first} to {last}, {from} to {to}"),
            format!("{messages} 条事件，序号 {first} 至 {last}，{from} 至 {to}"),
        ),
    }
    gaps(stream);
    duplicates(stream);
    order(stream);
    conflicts(stream);
    restarts(stream);
}

fn gaps(stream: &StreamReport) {
    let (count, missing) = (stream.gap_count, stream.missing_positions);
    match count {
        0 => line("no gap".into(), "无缺口".into()),
        _ => line(
            format!("GAPS: {count}; at most {missing} messages are missing"),
            format!("有缺口：{count} 处，最多缺 {missing} 条消息"),
        ),
    }
    spans(&stream.gaps, count);
    if !stream.open.is_empty() {
        let count = stream.open.len();
        line(format!("still open: {count}; history is on its way"), format!("尚未补齐：{count} 处，历史数据还在补传"));
        spans(&stream.open, count as u64);
    }
}

fn spans(spans: &[Span], count: u64) {
    for Span { first, last } in spans.iter().take(LISTED) {
        line(format!("  positions {first} to {last}"), format!("  序号 {first} 至 {last}"));
    }
    more(spans.len().min(LISTED), count);
}

fn duplicates(stream: &StreamReport) {
    let (count, corrected) = (stream.duplicates, stream.corrected);
    match (count, corrected) {
        (0, _) => line("no duplicate".into(), "无重复".into()),
        (_, 0) => line(format!("{count} duplicates, with the same content"), format!("重复 {count} 条，内容一致")),
        _ => line(
            format!(
                "{count} duplicates, with the same content; in {corrected} of them the times were put right meanwhile"
            ),
            format!("重复 {count} 条，内容一致；其中 {corrected} 条的时间已按校准后的时钟更正"),
        ),
    }
}

fn order(stream: &StreamReport) {
    let count = stream.disorder_count;
    match count {
        0 => return line("order kept".into(), "顺序正确".into()),
        _ => line(
            format!("OUT OF ORDER: {count} messages came for the first time after a later one"),
            format!("顺序错乱：{count} 条消息在其后的消息之后才首次到达"),
        ),
    }
    for disorder in stream.disorder.iter().take(LISTED) {
        line(
            format!("  {} after {}", disorder.id, disorder.after),
            format!("  {} 在 {} 之后", disorder.id, disorder.after),
        );
    }
    more(stream.disorder.len().min(LISTED), count);
}

fn conflicts(stream: &StreamReport) {
    let count = stream.conflict_count;
    if count == 0 {
        return;
    }
    line(format!("CONTRADICTIONS: {count}"), format!("自相矛盾：{count} 处"));
    for conflict in stream.conflicts.iter().take(LISTED) {
        match conflict {
            Conflict::DifferentContent { id } => {
                line(format!("  {id} came twice with different content"), format!("  {id} 到达两次，内容不同"));
            }
            Conflict::TwoIdentities { first, id } => line(
                format!(
                    "  {id} stands at the position of {first}: the journal was begun anew, or two gateways run with copies of it"
                ),
                format!("  {id} 与 {first} 序号相同：日志库被重建，或两台网关使用了它的副本"),
            ),
            Conflict::PassedOver { id } => line(
                format!("  {id} came although a later message had said that nothing was there"),
                format!("  {id} 到达了，但之后的消息曾声明此处没有数据"),
            ),
            Conflict::NoOrder { id } => line(
                format!("  {id} names itself or a later one as sent before it"),
                format!("  {id} 把自己或更晚的消息当作前一条"),
            ),
        }
    }
    more(stream.conflicts.len().min(LISTED), count);
}

fn restarts(stream: &StreamReport) {
    let restarts = stream.boots.len().saturating_sub(1);
    if restarts > 0 {
        let places: Vec<String> = stream.boots.iter().skip(1).take(LISTED).map(|boot| boot.from.to_string()).collect();
        line(
            format!("{restarts} restarts of the agent, at positions {}", places.join(", ")),
            format!("采集程序重启 {restarts} 次，位于序号 {}", places.join("、")),
        );
    }
    let crashes = stream.starts.get("crash").copied().unwrap_or(0);
    if crashes > 0 {
        line(
            format!("the agent says: {crashes} of its runs ended by a crash or a power cut"),
            format!("采集程序自报：有 {crashes} 次运行因崩溃或断电而终止"),
        );
    }
    if stream.missing_told > 0 {
        let missing = stream.missing_told;
        line(
            format!("the agent says: {missing} records that it had written were missing at a start"),
            format!("采集程序自报：启动时发现已写入的 {missing} 条记录缺失"),
        );
    }
    if stream.dropped_told > 0 {
        let dropped = stream.dropped_told;
        line(
            format!("the agent says: {dropped} samples were given up by its limits"),
            format!("采集程序自报：因容量或时限放弃了 {dropped} 个样本"),
        );
    }
}

fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Proven => pick(
            "PROVEN: nothing is missing between the first and the last message, and the order was kept.".into(),
            "结论：已证明。首末两条消息之间没有缺失，顺序正确。".into(),
        ),
        Verdict::Broken => {
            pick("NOT WHOLE: see above what is missing or wrong.".into(), "结论：不完整。缺失或错误之处见上。".into())
        }
        Verdict::Open => pick(
            "OPEN: the gap of an outage is still being filled; look again later.".into(),
            "结论：尚无定论。断网期间的缺口还在补传，请稍后再查。".into(),
        ),
        Verdict::Nothing => pick(
            "NOTHING came: there is nothing to prove. Look whether the topic is right and the agent sends.".into(),
            "结论：没有收到消息，无从证明。请检查主题是否正确、采集程序是否在发送。".into(),
        ),
    }
}

/// What the numbers do not say.
fn limits(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let any = |has: fn(&StreamReport) -> bool| report.streams.iter().any(has);
    if !report.streams.is_empty() {
        lines.push(pick(
            "not proven: what was sent before the first message and after the last one; only the next message tells whether the last was".into(),
            "未证明：第一条之前和最后一条之后发送的内容；最后一条是否真是最后一条，要由下一条消息来说明".into(),
        ));
    }
    if any(|stream| stream.boots.len() > 1 && stream.starts.keys().all(|previous| previous == "crash")) {
        lines.push(pick(
            "not proven: at a crash or a power cut, samples of the last commit interval may have had no position yet, and leave no trace in the numbers".into(),
            "未证明：崩溃或断电时，最后一个提交间隔内的样本可能还没有序号，缺失后从序号上看不出来".into(),
        ));
    }
    let uncompared: u64 = report.streams.iter().map(|stream| stream.uncompared).sum();
    if uncompared > 0 {
        lines.push(pick(
            format!("not compared: {uncompared} duplicates came too long after the first to be compared with it"),
            format!("未比对：{uncompared} 条重复消息与首次到达相隔太久，未能比对内容"),
        ));
    }
    if report.streams.iter().any(|stream| stream.begin <= 1 && stream.first >= 1) {
        lines.push(pick(
            "position 1 is covered: from the very first message of this sink on".into(),
            "已覆盖序号 1：即从该去向的第一条消息起".into(),
        ));
    }
    let beside = report.beside;
    for (count, en, zh) in [
        (beside.births_and_states, "births and states, which are no part of it", "条设备说明和在线状态，不参与证明"),
        (
            beside.retained,
            "messages that the broker had kept, which are no part of it",
            "条服务器保留的旧消息，不参与证明",
        ),
        (beside.other, "messages of other kinds, which are no part of it", "条其他消息，不参与证明"),
        (beside.unreadable_lines, "lines that hold no readable message", "行无法读出消息"),
    ] {
        if count > 0 {
            lines.push(pick(format!("left aside: {count} {en}"), format!("未计入：{count} {zh}")));
        }
    }
    lines
}

fn more(shown: usize, count: u64) {
    if count > shown as u64 {
        let rest = count - shown as u64;
        line(format!("  ... and {rest} more"), format!("  ……另有 {rest} 处"));
    }
}

fn line(en: String, zh: String) {
    say(format_args!("  {}", pick(en, zh)));
}

/// To the second, in the workshop's time zone or that of this machine.
fn moment(at: Option<i64>, zone: Option<&str>) -> String {
    let zone = zone.and_then(crate::model::zone).unwrap_or_else(jiff::tz::TimeZone::system);
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map(|at| at.to_zoned(zone));
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
