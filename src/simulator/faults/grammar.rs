//! The grammar of a fault: `KIND[:ARGUMENT][@WHERE][%EVERY]`, and the words for each kind. A mistake gets a sentence that
//! says what to write instead.

use std::time::Duration;

use super::{Fault, Kind, Place};
use crate::config::modbus::Table;
use crate::model::Trouble;
use crate::model::trouble::Text;
use crate::model::words::simulator as words;

/// What people are told of one kind.
#[derive(Debug, Clone, Copy)]
pub struct KindWords {
    /// With its argument: `slow:MS`.
    pub form: &'static str,
    /// What it does.
    pub what: Text,
}

/// All kinds, from the connection to the single byte.
pub const KINDS: [KindWords; 17] = [
    kind(
        "refused[:MS]",
        "nobody listens: connects are refused; with MS only so long",
        "无人监听，连接被拒绝；写了 MS 则只持续这么久",
    ),
    kind("one-connection", "a second connection is hung up while one stands", "已有一个连接时，再来的连接立即被挂断"),
    kind("hung", "takes the request and never answers", "收下请求，从不应答"),
    kind("dead-unit:N", "unit N never answers; the same as hung@N", "站号 N 从不应答，等同 hung@N"),
    kind("half-closed", "closes its sending side instead of an answer", "不应答，而是关闭自己的发送方向"),
    kind("slow:MS", "answers so much later", "应答推迟这么久"),
    kind(
        "late",
        "keeps the answer until the unit is asked again, and sends it before the new one",
        "扣住应答，等该站下次被询问时，抢在新应答之前发出",
    ),
    kind(
        "exception:CODE",
        "answers exception 1 to 255 (those of the standard: 1-6, 8, 10, 11)",
        "应答异常码 1 到 255（标准所列：1-6、8、10、11）",
    ),
    kind(
        "max:N[:CODE]",
        "refuses more than N registers or bits, with exception 3 or CODE",
        "一次超过 N 个寄存器或位即拒绝，异常码 3 或 CODE",
    ),
    kind(
        "pause-needed:MS",
        "does not hear a request so soon after the connect or its last answer",
        "连接后或上次应答后不到这么久的请求，听不见",
    ),
    kind("wrong-transaction", "answers with the next transaction number", "应答的事务号加一"),
    kind("wrong-unit", "answers with the next unit id", "应答的站号加一"),
    kind("short-frame", "one byte of the answer is missing", "应答少一个字节"),
    kind("garbage", "noise in place of the answer", "以乱码代替应答"),
    kind("drop", "cuts the connection in mid-frame", "应答发到一半就断开连接"),
    kind("split", "one byte at a time", "一次只发一个字节"),
    kind("merged", "the answer twice in one segment", "同一个应答合在一个报文段里发两次"),
];

/// The rest of the grammar.
pub const WHERE_AND_HOW_OFTEN: Text = Text {
    en: "@WHERE: @2 (unit 2), @holding:10-20 (requests that touch these addresses), or both. %EVERY: %10 (each tenth request).\n\
         Of several faults that fit a request the first one acts. Examples: garbage%10  exception:2@holding:10-20  slow:300@2%5",
    zh: "@范围：@2（站号 2）、@holding:10-20（涉及这些地址的请求），可同时写。%间隔：%10（每十次请求一次）。\n\
         一个请求符合多条故障时，以写在前面的为准。例：garbage%10  exception:2@holding:10-20  slow:300@2%5",
};

const fn kind(form: &'static str, en: &'static str, zh: &'static str) -> KindWords {
    KindWords { form, what: Text { en, zh } }
}

impl Fault {
    /// Understands `KIND[:ARGUMENT][@WHERE][%EVERY]`.
    pub fn parse(text: &str) -> Result<Fault, Trouble> {
        let trouble = |code| Trouble::new(code).with("found", text);
        let (front, every) = match text.split_once('%') {
            None => (text, Some(1)),
            Some((front, every)) => (front, number(every, 1, 1_000_000)),
        };
        let every = every.ok_or_else(|| trouble(words::SIM_BAD_FAULT_EVERY))?;
        let mut parts = front.split('@');
        let (name, argument) = split(parts.next().unwrap_or_default());
        let form = KINDS.iter().map(|kind| kind.form).find(|form| word_of(form) == name);
        let Some(form) = form else {
            let known = KINDS.map(|kind| kind.form).join(", ");
            return Err(trouble(words::SIM_NO_SUCH_FAULT).with("known", known));
        };
        let misfit = || trouble(words::SIM_BAD_FAULT_ARGUMENT).with("form", form);
        let mut places = Vec::new();
        let kind = match (name, argument) {
            ("refused", argument) => match argument {
                None => Kind::Refused(None),
                Some(ms) => Kind::Refused(Some(millis(ms).ok_or_else(misfit)?)),
            },
            ("dead-unit", Some(unit)) => {
                places.push(Place::Unit(number(unit, 0, 255).and_then(|n| u8::try_from(n).ok()).ok_or_else(misfit)?));
                Kind::Hung
            }
            ("slow", Some(ms)) => Kind::Slow(millis(ms).ok_or_else(misfit)?),
            ("pause-needed", Some(ms)) => Kind::PauseNeeded(millis(ms).ok_or_else(misfit)?),
            ("exception", Some(code)) => Kind::Exception(code_of(code).ok_or_else(misfit)?),
            ("max", Some(argument)) => {
                let (most, code) = split(argument);
                let most = number(most, 0, 2_000).and_then(|n| u16::try_from(n).ok()).ok_or_else(misfit)?;
                Kind::Max(most, code.map_or(Some(3), code_of).ok_or_else(misfit)?)
            }
            ("one-connection", None) => Kind::OneConnection,
            ("hung", None) => Kind::Hung,
            ("half-closed", None) => Kind::HalfClosed,
            ("late", None) => Kind::Late,
            ("wrong-transaction", None) => Kind::WrongTransaction,
            ("wrong-unit", None) => Kind::WrongUnit,
            ("short-frame", None) => Kind::ShortFrame,
            ("garbage", None) => Kind::Garbage,
            ("drop", None) => Kind::Drop,
            ("split", None) => Kind::Split,
            ("merged", None) => Kind::Merged,
            _ => return Err(misfit()),
        };
        for part in parts {
            places.push(Place::parse(part).ok_or_else(|| trouble(words::SIM_BAD_FAULT_PLACE))?);
        }
        let fault = Fault { text: text.to_owned(), kind, places, every };
        if fault.is_of_connections() && (every > 1 || !fault.places.is_empty()) {
            return Err(trouble(words::SIM_FAULT_OF_CONNECTIONS).with("form", form));
        }
        Ok(fault)
    }
}

impl Place {
    /// `2`, `holding:10-20`, `coil:3`, `holding`.
    fn parse(text: &str) -> Option<Place> {
        if let Some(unit) = number(text, 0, 255) {
            return Some(Place::Unit(u8::try_from(unit).ok()?));
        }
        let (word, range) = split(text);
        let table = Table::ALL.into_iter().find(|table| table.as_str() == word)?;
        let address = |text| number(text, 0, 65_535).and_then(|n| u16::try_from(n).ok());
        let (first, last) = match range {
            None => (0, u16::MAX),
            Some(range) => match range.split_once('-') {
                Some((first, last)) => (address(first)?, address(last)?),
                None => (address(range)?, address(range)?),
            },
        };
        (first <= last).then_some(Place::Range { table, first, last })
    }
}

/// `slow:MS` to `slow`, `refused[:MS]` to `refused`.
fn word_of(form: &str) -> &str {
    form.split([':', '[']).next().unwrap_or_default()
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(front, rest)| (front, Some(rest)))
}

fn number(text: &str, least: u64, most: u64) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|n| is_plain && (least..=most).contains(n))
}

fn code_of(text: &str) -> Option<u8> {
    number(text, 1, 255).and_then(|n| u8::try_from(n).ok())
}

/// Up to an hour: who waits longer wants `hung`.
fn millis(text: &str) -> Option<Duration> {
    number(text, 0, 3_600_000).map(Duration::from_millis)
}
