//! Words of the sample ledger: CW790 to CW799.

use crate::model::trouble::{Code, Text, Words};

/// Samples were due while the agent was not there.
pub const AGENT_WAS_DOWN: Code = Code("CW790");
/// Neither a day nor a moment.
pub const NOT_A_TIME: Code = Code("CW791");
/// A span that ends before it begins.
pub const ENDS_BEFORE: Code = Code("CW792");
/// Nothing was counted in the span.
pub const NOTHING_COUNTED: Code = Code("CW793");
/// The ledger knows no such device.
pub const NO_SUCH_DEVICE: Code = Code("CW794");
/// Lines do not add up.
pub const DOES_NOT_CLOSE: Code = Code("CW795");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: AGENT_WAS_DOWN,
        what: Text {
            en: "{samples} samples were due while the agent was not running, from {from} to {to}",
            zh: "程序未运行期间（{from} 至 {to}）应采 {samples} 个样本",
        },
        cause: Text {
            en: "The agent was stopped, had crashed, or the gateway had no power. After a crash this includes up to 40 s before \
                 it, of which the counts were not stored yet.",
            zh: "程序被停止、异常退出，或网关断电。异常退出时，也包括退出前最多 40 秒内计数尚未存盘的样本。",
        },
        remedy: Text {
            en: "they stand in the ledger as agent_down; if nobody stopped it, see the log before {to}",
            zh: "它们在台账中计为 agent_down；若不是人为停止，请查看 {to} 之前的日志",
        },
    },
    Words {
        code: NOT_A_TIME,
        what: Text { en: "`{found}` is no {wanted}", zh: "“{found}”不是{wanted}" },
        cause: Text {
            en: "A day is written 2026-11-26, a month 2026-11, an hour 2026-11-26T14:00, all in the workshop's time zone.",
            zh: "日期写作 2026-11-26，月份写作 2026-11，小时写作 2026-11-26T14:00，均按车间所在时区。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "请写成例如 {example}" },
    },
    Words {
        code: ENDS_BEFORE,
        what: Text {
            en: "the span ends at {to}, before it begins at {from}",
            zh: "结束时间 {to} 不晚于开始时间 {from}",
        },
        cause: Text {
            en: "Both ends were given, in the wrong order; the end itself is not part of the span.",
            zh: "起止时间写反了；结束时刻本身不包含在内。",
        },
        remedy: Text { en: "exchange --from and --to", zh: "请对调 --from 和 --to" },
    },
    Words {
        code: NOTHING_COUNTED,
        what: Text { en: "nothing was counted from {from} to {to}", zh: "{from} 至 {to} 没有台账记录" },
        cause: Text {
            en: "The agent did not run with these devices at that time, or the time lies further back than the ledger is kept; or it has just \
                 been started for the first time: counts are stored up to 40 s behind.",
            zh: "该时段程序没有采集这些设备，或早于台账的保存期限；也可能是程序刚刚首次启动：计数存盘最多滞后 40 秒。",
        },
        remedy: Text { en: "the ledger has {first} to {last}", zh: "台账现有 {first} 至 {last}" },
    },
    Words {
        code: NO_SUCH_DEVICE,
        what: Text {
            en: "the ledger has no device `{device}` from {from} to {to}",
            zh: "{from} 至 {to} 的台账中没有设备“{device}”",
        },
        cause: Text {
            en: "The id is written otherwise in the configuration, or the device had no tags to read at that time.",
            zh: "设备 id 与配置中的写法不同，或该时段没有配置要采集的点。",
        },
        remedy: Text { en: "one of: {devices}", zh: "现有设备：{devices}" },
    },
    Words {
        code: DOES_NOT_CLOSE,
        what: Text {
            en: "{lines} lines of the ledger do not add up, the first of them `{device}` at {hour}",
            zh: "台账有 {lines} 行合计不平，首行为 {hour} 的设备“{device}”",
        },
        cause: Text {
            en: "The journal's file was damaged or edited: the agent writes only lines that add up.",
            zh: "日志库文件损坏或被改动：程序只写入合计相符的记录。",
        },
        remedy: Text {
            en: "do not use the figures of `{device}` at {hour} as evidence; keep a copy of the journal and report it",
            zh: "{hour} 设备“{device}”的数字不可作为凭据；请保留一份日志库文件并反馈",
        },
    },
];
