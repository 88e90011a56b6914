//! Words for mistakes in a configuration that concern journal, delivery, egress, clock and ledger: CW850 to CW899.

use crate::model::trouble::{Code, Text, Words};

/// `wait` of a clock that is trusted at once.
pub const WAITS_FOR_NOTHING: Code = Code("CW875");

pub(super) const WORDS: &[Words] = &[Words {
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
}];
