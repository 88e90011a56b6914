//! Words for mistakes in what a configuration says of delivery, of egress, and of what is kept: CW850 to CW899.

use crate::model::trouble::{Code, Text, Words};

/// A history of what is never written.
pub const HISTORY_WITHOUT_ALWAYS: Code = Code("CW850");
/// `budget` holds no limit.
pub const BUDGET_EMPTY: Code = Code("CW855");
/// An entry of `hours` is no part of a day.
pub const BAD_HOURS: Code = Code("CW856");

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
];
