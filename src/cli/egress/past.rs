//! What left, as the egress log on the disk tells it.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use super::super::{EXIT_DATA, EXIT_DECLINED, EXIT_UNAVAILABLE, EXIT_USAGE, fail, say};
use super::grade;
use crate::agent::egress as book;
use crate::agent::egress::files::{self, DayFile, FOLDER};
use crate::model::time::show_bytes;
use crate::model::words::egress as words;
use crate::model::{Lang, Trouble};
use crate::sink::egress::{Graded, Kind, Line, Note, Read, Remark, Total, day, hex, sha256};

/// Which part of the past is asked for.
pub(super) struct Past<'a> {
    pub(super) state_dir: &'a Path,
    pub(super) sink: Option<&'a str>,
    pub(super) day: Option<&'a str>,
    pub(super) json: bool,
}

impl Past<'_> {
    /// The log, line by line.
    pub(super) fn log(&self) -> ExitCode {
        let files = match self.files() {
            Ok(files) => files,
            Err(code) => return code,
        };
        let mut any = false;
        // What waited at midnight while the disk refused stands in the file of the day after, so the line decides.
        let is_near = |file: &&DayFile| self.day.is_none_or(|day| *file.day >= *day);
        let told = self.each(files.iter().filter(is_near), |text, line| {
            let (time, is_of_sink) = match line {
                Read::Message(line) => (&line.time, self.sink.is_none_or(|sink| line.sink == sink)),
                Read::Remark(remark) => (&remark.time, true),
            };
            if is_of_sink && self.day.is_none_or(|wanted| day(time) == wanted) {
                any = true;
                if self.json { say(text) } else { say(show(line)) }
            }
        });
        if let Err(trouble) = told {
            return fail(&trouble, EXIT_UNAVAILABLE);
        }
        if !any && let (Some(day), Some(first), Some(last)) = (self.day, files.first(), files.last()) {
            let trouble = Trouble::new(words::NOTHING_LOGGED).with("day", day);
            return fail(&trouble.with("first", &first.day).with("last", &last.day), EXIT_DECLINED);
        }
        self.still_running();
        ExitCode::SUCCESS
    }

    /// Sums per day and sink.
    pub(super) fn totals(&self) -> ExitCode {
        if let Err(code) = self.files() {
            return code;
        }
        let totals = match book::totals(self.state_dir) {
            Ok(totals) => totals,
            Err(trouble) => return fail(&trouble, EXIT_UNAVAILABLE),
        };
        let is_asked = |total: &&Total| {
            self.day.is_none_or(|day| total.day == day) && self.sink.is_none_or(|sink| total.sink == sink)
        };
        for total in totals.iter().filter(is_asked) {
            if self.json {
                say(serde_json::to_string(total).expect("sums are JSON"));
            } else {
                show_total(total);
            }
        }
        self.still_running();
        ExitCode::SUCCESS
    }

    /// Whether the content of a file left.
    pub(super) fn hash(&self, file: &str) -> ExitCode {
        let payload = match read(file) {
            Ok(payload) => payload,
            Err(error) => {
                let trouble = Trouble::new(words::FILE_UNREADABLE).with("path", file).with("error", error);
                return fail(&trouble, EXIT_UNAVAILABLE);
            }
        };
        let files = match self.files() {
            Ok(files) => files,
            Err(code) => return code,
        };
        let sha256 = hex(&sha256(&payload));
        let mut found = false;
        let told = self.each(files.iter(), |_, line| {
            let Read::Message(message) = line else { return };
            if message.sha256 == sha256 && self.sink.is_none_or(|sink| message.sink == sink) {
                found = true;
                say(show(line));
            }
        });
        match (told, found) {
            (Err(trouble), _) => fail(&trouble, EXIT_UNAVAILABLE),
            (Ok(()), true) => ExitCode::SUCCESS,
            (Ok(()), false) => {
                let day = |file: Option<&DayFile>| file.map_or("-".to_owned(), |file| file.day.clone());
                let trouble = Trouble::new(words::HASH_NOT_FOUND).with("path", file).with("sha256", sha256);
                fail(&trouble.with("first", day(files.first())).with("last", day(files.last())), EXIT_DECLINED)
            }
        }
    }

    fn files(&self) -> Result<Vec<DayFile>, ExitCode> {
        if let Some(day) = self.day.filter(|day| !files::is_day(day)) {
            return Err(fail(&Trouble::new(words::BAD_DAY).with("found", day), EXIT_USAGE));
        }
        let folder = self.state_dir.join(FOLDER);
        match files::all(&folder) {
            Ok(files) if files.is_empty() => {
                Err(fail(&Trouble::new(words::NO_LOG).with("path", folder.display()), EXIT_DATA))
            }
            Ok(files) => Ok(files),
            Err(trouble) => Err(fail(&trouble, EXIT_UNAVAILABLE)),
        }
    }

    /// Each line of these files, with its text. A torn end is told and passed over.
    fn each<'f>(
        &self,
        files: impl Iterator<Item = &'f DayFile>,
        mut take: impl FnMut(&str, &Read),
    ) -> Result<(), Trouble> {
        for file in files {
            let is_whole = files::read_lines(&file.path, 0, |text| {
                if let Some(line) = Read::parse(text) {
                    take(text, &line);
                }
            })?;
            if !is_whole {
                fail(&Trouble::new(words::LOG_TORN).with("path", file.path.display()), 0);
            }
        }
        Ok(())
    }

    fn still_running(&self) {
        if !self.json {
            say(match Lang::current() {
                Lang::En => "(while the agent runs, what left in the last minute may not stand here yet)",
                Lang::Zh => "（程序运行期间，最近一分钟的内容可能尚未列出）",
            });
        }
    }
}

fn read(file: &str) -> std::io::Result<Vec<u8>> {
    /// The largest message that a sink can be allowed, and some.
    const MOST: u64 = 20_000_000;
    let mut payload = Vec::new();
    match file {
        "-" => std::io::stdin().lock().take(MOST).read_to_end(&mut payload)?,
        file => std::fs::File::open(file)?.take(MOST).read_to_end(&mut payload)?,
    };
    Ok(payload)
}

fn show(line: &Read) -> String {
    let lang = Lang::current();
    match line {
        Read::Remark(Remark { time, note }) => format!("{time}  -- {}", show_note(note, lang)),
        Read::Message(line) => {
            let Line { time, sink, topic, bytes, sha256, .. } = line;
            let held = match line.graded.is_empty() {
                true => show_kind(line.kind, lang).to_owned(),
                false => show_graded(&line.graded, lang),
            };
            let id = line.id.as_deref().unwrap_or("-");
            match lang {
                Lang::En => format!("{time}  {sink}  {topic}  {held}  {bytes} bytes  {id}  {sha256}"),
                Lang::Zh => format!("{time}  {sink}  {topic}  {held}  {bytes} 字节  {id}  {sha256}"),
            }
        }
    }
}

fn show_kind(kind: Kind, lang: Lang) -> &'static str {
    match (kind, lang) {
        (Kind::Data, Lang::En) => "samples",
        (Kind::Data, Lang::Zh) => "样本",
        (Kind::Event, Lang::En) => "event",
        (Kind::Event, Lang::Zh) => "事件",
        (Kind::Birth, Lang::En) => "tags of a device",
        (Kind::Birth, Lang::Zh) => "设备的点清单",
        (Kind::State, Lang::En) => "state",
        (Kind::State, Lang::Zh) => "在线状态",
        (Kind::Will, Lang::En) => "last will",
        (Kind::Will, Lang::Zh) => "遗嘱",
    }
}

fn show_graded(graded: &[Graded], lang: Lang) -> String {
    let show = |one: &Graded| {
        let (class, level) = grade(&one.class, &one.level, lang);
        let samples = one.samples;
        match lang {
            Lang::En => format!("{samples} {} {class} {level}", if samples == 1 { "sample" } else { "samples" }),
            Lang::Zh => format!("{samples} 个样本 {class} {level}"),
        }
    };
    let separator = if lang == Lang::Zh { "，" } else { ", " };
    graded.iter().map(show).collect::<Vec<_>>().join(separator)
}

fn show_note(note: &Note, lang: Lang) -> String {
    match (note, lang) {
        (Note::Started { boot }, Lang::En) => format!("the agent started ({boot})"),
        (Note::Started { boot }, Lang::Zh) => format!("程序启动（{boot}）"),
        (Note::Stopped, Lang::En) => "the agent stopped; everything that left stands here".into(),
        (Note::Stopped, Lang::Zh) => "程序停止；已外送的全部记录在此".into(),
        (Note::SwitchedOff, Lang::En) => "the log was switched off: what leaves from here on is not logged".into(),
        (Note::SwitchedOff, Lang::Zh) => "外送记录被关闭：此后外送的内容不再记录".into(),
        (Note::NotClosed { after, seconds }, Lang::En) => {
            format!("the log was not closed: of what left after {}, up to {seconds} s are missing", known(after))
        }
        (Note::NotClosed { after, seconds }, Lang::Zh) => {
            format!("外送记录未正常关闭：{} 之后最多缺 {seconds} 秒", known(after))
        }
        (Note::NotLogged { messages }, Lang::En) => format!("{messages} messages left that do not stand here"),
        (Note::NotLogged { messages }, Lang::Zh) => format!("有 {messages} 条消息已外送但未记录"),
        (Note::Deleted { file }, Lang::En) => format!("{file} was deleted: too old, or the log too large"),
        (Note::Deleted { file }, Lang::Zh) => format!("{file} 已删除：超过保存期限或容量上限"),
    }
}

fn known(time: &str) -> &str {
    if time.is_empty() { "?" } else { time }
}

fn show_total(total: &Total) {
    let lang = Lang::current();
    let Total { day, sink, messages, data, events, others, .. } = total;
    if total.not_logged > 0 {
        let missing = total.not_logged;
        say(match lang {
            Lang::En => format!("{day}  {missing} messages left without a line in the log"),
            Lang::Zh => format!("{day}  有 {missing} 条消息已外送但未记录"),
        });
    }
    if *messages == 0 {
        return;
    }
    let (bytes, held) = (show_bytes(total.bytes as f64), show_graded(&total.graded, lang));
    let held = if held.is_empty() { "-".to_owned() } else { held };
    say(match lang {
        Lang::En => format!(
            "{day}  {sink}  {messages} messages ({data} with samples, {events} events, {others} others)  {bytes}  {held}"
        ),
        Lang::Zh => {
            format!("{day}  {sink}  消息 {messages} 条（样本 {data}，事件 {events}，其他 {others}）  {bytes}  {held}")
        }
    });
}
