//! Words for what leaves and the log of it: CW760 to CW779.

use crate::model::trouble::{Code, Text, Words};

/// The egress log cannot be written.
pub const LOG_UNWRITABLE: Code = Code("CW760");
/// Messages left that do not stand in the log.
pub const NOT_LOGGED: Code = Code("CW761");
/// The egress log cannot be read.
pub const LOG_UNREADABLE: Code = Code("CW762");
/// A file of the log ends in the middle, or is damaged.
pub const LOG_TORN: Code = Code("CW763");
/// No log on disk at all.
pub const NO_LOG: Code = Code("CW764");
/// The configuration has no such sink.
pub const NO_SUCH_SINK: Code = Code("CW765");
/// `--day` is no date.
pub const BAD_DAY: Code = Code("CW766");
/// Nothing was logged on that day.
pub const NOTHING_LOGGED: Code = Code("CW767");
/// The file of `--hash` cannot be read.
pub const FILE_UNREADABLE: Code = Code("CW768");
/// No message with that content stands in the log.
pub const HASH_NOT_FOUND: Code = Code("CW769");
/// The agent ended without closing the log.
pub const LOG_NOT_CLOSED: Code = Code("CW770");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: LOG_UNWRITABLE,
        what: Text {
            en: "the egress log {path} cannot be written: {error}", zh: "外送记录 {path} 无法写入：{error}"
        },
        cause: Text {
            en: "The disk is full or failing, or the directory belongs to another user.",
            zh: "磁盘已满或有故障，或该目录属于其他用户。",
        },
        remedy: Text {
            en: "free some space or give the agent's user the right to write there; samples still leave, and what cannot be written down is counted",
            zh: "请清理磁盘，或把该目录的写权限授予运行本程序的用户；数据照常外送，没能记下的消息会计数",
        },
    },
    Words {
        code: NOT_LOGGED,
        what: Text {
            en: "{count} messages left without a line in the egress log {path}",
            zh: "有 {count} 条消息已外送，但未记入外送记录 {path}",
        },
        cause: Text {
            en: "The disk did not take the log for long, or messages left faster than they could be written down.",
            zh: "磁盘长时间无法写入，或外送速度超过了记录速度。",
        },
        remedy: Text {
            en: "look for trouble with the disk; the log itself says how many are missing, and when",
            zh: "请检查磁盘；外送记录中已写明缺了多少条以及时间",
        },
    },
    Words {
        code: LOG_UNREADABLE,
        what: Text { en: "{path} cannot be read: {error}", zh: "无法读取 {path}：{error}" },
        cause: Text {
            en: "The file belongs to the agent's user, or the disk fails.",
            zh: "文件属于运行程序的用户，或磁盘有故障。",
        },
        remedy: Text {
            en: "run the command as the agent's user or as root (`sudo -u cloudward ...`)",
            zh: "请以运行程序的用户或 root 身份执行（`sudo -u cloudward ...`）",
        },
    },
    Words {
        code: LOG_TORN,
        what: Text {
            en: "{path} ends in the middle of a block; what stands before it is shown",
            zh: "{path} 末尾不完整；此前的内容已列出",
        },
        cause: Text {
            en: "A power cut while it was written, or a damaged disk.", zh: "写入时断电，或磁盘损坏。"
        },
        remedy: Text {
            en: "nothing is to be done: the agent goes on in a new file; at most a minute of the log is missing",
            zh: "无需处理：程序已改用新文件继续记录，最多缺一分钟",
        },
    },
    Words {
        code: NO_LOG,
        what: Text { en: "there is no egress log in {path}", zh: "{path} 中没有外送记录" },
        cause: Text {
            en: "The agent has not run with this configuration yet, or it runs with log = false under [egress].",
            zh: "程序尚未用该配置运行过，或 [egress] 中写了 log = false。",
        },
        remedy: Text {
            en: "look whether the state directory is the agent's own (dir under [journal], $STATE_DIRECTORY), or start the agent",
            zh: "请确认状态目录正是程序所用的目录（[journal] 中的 dir、$STATE_DIRECTORY），或先启动程序",
        },
    },
    Words {
        code: NO_SUCH_SINK,
        what: Text {
            en: "the configuration has no sink `{found}`, only: {known}",
            zh: "配置中没有去向 `{found}`，只有：{known}",
        },
        cause: Text {
            en: "The name is misspelt, or it is another file.", zh: "名称写错，或不是这个文件。"
        },
        remedy: Text {
            en: "write the name of a sink, or leave --sink away", zh: "请写去向的名称，或去掉 --sink"
        },
    },
    Words {
        code: BAD_DAY,
        what: Text { en: "\"{found}\" is no date", zh: "\"{found}\" 不是日期" },
        cause: Text { en: "Days are written with year, month and day.", zh: "日期须写明年、月、日。" },
        remedy: Text { en: "write e.g. --day 2026-01-31", zh: "例如写 --day 2026-01-31" },
    },
    Words {
        code: NOTHING_LOGGED,
        what: Text {
            en: "the egress log has nothing of {day}; it reaches from {first} to {last}",
            zh: "外送记录中没有 {day} 的内容；现有 {first} 至 {last}",
        },
        cause: Text {
            en: "The agent did not run on that day, or the day is older than what is kept.",
            zh: "当天程序没有运行，或已超过保存期限。",
        },
        remedy: Text {
            en: "choose another day; the totals (`cloudward egress --totals`) are kept for ever",
            zh: "请换一天；每日合计（`cloudward egress --totals`）长期保存",
        },
    },
    Words {
        code: FILE_UNREADABLE,
        what: Text { en: "{path} cannot be read: {error}", zh: "无法读取 {path}：{error}" },
        cause: Text {
            en: "The name is misspelt, or the file belongs to another user.",
            zh: "文件名写错，或属于其他用户。",
        },
        remedy: Text {
            en: "give the file that holds the payload, byte for byte, or - for standard input",
            zh: "请给出原样保存报文内容的文件，或用 - 表示标准输入",
        },
    },
    Words {
        code: HASH_NOT_FOUND,
        what: Text {
            en: "no message with the content of {path} (SHA-256 {sha256}) stands in the egress log, which reaches from {first} to {last}",
            zh: "外送记录（{first} 至 {last}）中没有内容与 {path} 相同的消息（SHA-256 {sha256}）",
        },
        cause: Text {
            en: "It did not leave from here in that time, or the file is not the payload byte for byte (a line feed at its end is enough).",
            zh: "该内容在此期间没有从这里外送，或文件与报文不是逐字节相同（末尾多一个换行也不行）。",
        },
        remedy: Text {
            en: "save the payload without any change, e.g. `mosquitto_sub -C 1 -N -t TOPIC > FILE`",
            zh: "请原样保存报文，例如 `mosquitto_sub -C 1 -N -t 主题 > 文件`",
        },
    },
    Words {
        code: LOG_NOT_CLOSED,
        what: Text {
            en: "the egress log {path} was not closed at the last stop: up to a minute of it after {after} is missing",
            zh: "上次停止时外送记录 {path} 未正常关闭：{after} 之后最多缺一分钟",
        },
        cause: Text { en: "A power cut, a crash or a kill.", zh: "断电、崩溃或被强制结束。" },
        remedy: Text {
            en: "nothing is to be done; the log itself says so at this place",
            zh: "无需处理；外送记录在此处已注明",
        },
    },
];
