//! Words for mistakes in what a configuration says of delivery, of egress, and of what is kept: CW850 to CW899.

use crate::model::trouble::{Code, Text, Words};

/// A history of what is never written.
pub const HISTORY_WITHOUT_ALWAYS: Code = Code("CW850");
/// `budget` holds no limit.
pub const BUDGET_EMPTY: Code = Code("CW855");
/// An entry of `hours` is no part of a day.
pub const BAD_HOURS: Code = Code("CW856");
/// `class` is no word of the guide.
pub const BAD_CLASS: Code = Code("CW865");
/// `level` is no level.
pub const BAD_LEVEL: Code = Code("CW866");
/// An entry of `send_important` is a pattern, or a device.
pub const NOT_IN_FULL: Code = Code("CW867");
/// An entry of `send_important` names no tag.
pub const NO_SUCH_TAG: Code = Code("CW868");
/// `send` does not open what `send_important` names.
pub const NAMED_ONCE: Code = Code("CW869");
/// A tag in `send_important` needs no second naming.
pub const NOT_GUARDED: Code = Code("CW870");
/// `wait` of a clock that is trusted at once.
pub const WAITS_FOR_NOTHING: Code = Code("CW875");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: HISTORY_WITHOUT_ALWAYS,
        what: Text {
            en: "{key} says how long delivered samples stay, but with persist = \"undelivered\" they are not written at all",
            zh: "{key} 规定已送达样本的保留时长，但 persist = \"undelivered\" 时这些样本根本不会写入",
        },
        cause: Text {
            en: "A local history needs every sample on the disk; the default writes only what no broker has acknowledged.",
            zh: "本地历史需要把全部样本写入磁盘，而默认只写入尚未送达的样本。",
        },
        remedy: Text {
            en: "add persist = \"always\" under [journal], or leave {key} out",
            zh: "请在 [journal] 中加上 persist = \"always\"，或去掉 {key}",
        },
    },
    Words {
        code: BUDGET_EMPTY,
        what: Text { en: "`{key}` sets no limit", zh: "`{key}` 没有设置任何限额" },
        cause: Text {
            en: "A budget without a limit is none; probably something was to be written there.",
            zh: "空的 budget 不起作用，可能漏写了内容。",
        },
        remedy: Text {
            en: "write e.g. budget = { kbit_per_s = 64, mb_per_month = 200 }, or take it away",
            zh: "例如写 budget = { kbit_per_s = 64, mb_per_month = 200 }，或删去此项",
        },
    },
    Words {
        code: BAD_HOURS,
        what: Text {
            en: "`{key}` holds \"{found}\", which is no part of a day",
            zh: "`{key}` 里的 \"{found}\" 不是一段时间",
        },
        cause: Text {
            en: "Hours are two times of the workshop's clock with a hyphen between; the second may be earlier than the first, then the part goes over midnight.",
            zh: "时段写成两个时刻，中间用连字符，按车间时区；后一个可以小于前一个，表示跨过零点。",
        },
        remedy: Text { en: "write e.g. hours = [\"22:00-06:00\"]", zh: "例如写 hours = [\"22:00-06:00\"]" },
    },
    Words {
        code: BAD_CLASS,
        what: Text {
            en: "`{key}` is \"{found}\", which is no class of data",
            zh: "`{key}` 的值 \"{found}\" 不是数据类别",
        },
        cause: Text {
            en: "The classes are the domains of the guide for classifying and grading industrial data; that of production has four kinds.",
            zh: "类别按《工业数据分类分级指南（试行）》的数据域填写，其中生产域再分四种。",
        },
        remedy: Text { en: "write one of: {known}", zh: "请写其中之一：{known}" },
    },
    Words {
        code: BAD_LEVEL,
        what: Text {
            en: "`{key}` is \"{found}\", which is no level of data",
            zh: "`{key}` 的值 \"{found}\" 不是数据级别",
        },
        cause: Text {
            en: "Data are general, important or core (GB/T 43697); which of yours are important, the competent authority's catalogue says.",
            zh: "数据分为一般、重要、核心三级（GB/T 43697）；哪些属于重要数据，以主管部门的目录为准。",
        },
        remedy: Text { en: "write one of: {known}", zh: "请写其中之一：{known}" },
    },
    Words {
        code: NOT_IN_FULL,
        what: Text {
            en: "`{key}` names \"{found}\", which is not one tag in full",
            zh: "`{key}` 中的 \"{found}\" 没有完整写出一个点",
        },
        cause: Text {
            en: "What is important leaves only if a person has named this very tag; a pattern or a device would open tags that are added later.",
            zh: "重要数据必须由人逐点写明才可外送；通配符或整台设备会把以后新增的点也一并放行。",
        },
        remedy: Text {
            en: "write each tag as DEVICE.TAG, without *, e.g. send_important = [\"imm-01.recipe\"]",
            zh: "请逐个写成“设备.点”，不要用 *，例如 send_important = [\"imm-01.recipe\"]",
        },
    },
    Words {
        code: NO_SUCH_TAG,
        what: Text {
            en: "`{key}` names \"{found}\", but there is no such tag", zh: "`{key}` 中的 \"{found}\" 不存在"
        },
        cause: Text {
            en: "The device or the tag is misspelt, or was renamed or taken out.",
            zh: "设备或点的名称写错，或已改名、删除。",
        },
        remedy: Text {
            en: "write the names as they stand under [[device]], or take the entry away",
            zh: "请按 [[device]] 中的名称书写，或删去这一项",
        },
    },
    Words {
        code: NAMED_ONCE,
        what: Text {
            en: "`{key}` names \"{found}\", but `send` of this sink does not",
            zh: "`{key}` 中有 \"{found}\"，但本去向的 send 中没有",
        },
        cause: Text {
            en: "What is important leaves only if it is named twice; named here alone it would stay, and the file would look as if it left.",
            zh: "重要数据须在 send 和 send_important 中各写一次才会外送；只写在这里不会外送，却容易让人误以为已放行。",
        },
        remedy: Text {
            en: "add \"{found}\" to `send` if it shall leave, or take it away here",
            zh: "若确需外送，请在 send 中加上 \"{found}\"；否则请从这里删去",
        },
    },
    Words {
        code: NOT_GUARDED,
        what: Text {
            en: "`{key}` names \"{found}\", whose level is general",
            zh: "`{key}` 中的 \"{found}\" 是一般数据",
        },
        cause: Text {
            en: "General data need no second naming; left here, the entry would open the tag unseen on the day when its level is raised.",
            zh: "一般数据不需要写两次；若留在这里，日后该点升为重要数据时会不知不觉被放行。",
        },
        remedy: Text {
            en: "take the entry away, or give the tag its level, e.g. level = \"important\"",
            zh: "请删去这一项；若确为重要数据，请给该点写上 level = \"important\"",
        },
    },
    Words {
        code: WAITS_FOR_NOTHING,
        what: Text {
            en: "`{key}` has no effect: with trust = \"always\" nothing is waited for",
            zh: "`{key}` 不起作用：trust = \"always\" 时不等待任何校时",
        },
        cause: Text {
            en: "With \"always\" the clock is trusted from the start; only \"ntp\" and \"plausible\" wait.",
            zh: "写 \"always\" 时，系统时钟从启动起就被信任；只有 \"ntp\" 和 \"plausible\" 才需要等待。",
        },
        remedy: Text {
            en: "delete `{key}`, or write trust = \"ntp\" or \"plausible\"",
            zh: "请删去 `{key}`，或将 trust 写成 \"ntp\" 或 \"plausible\"",
        },
    },
];
