//! Words of figures: what came too late for them, CW970 to CW971.

use crate::model::trouble::{Code, Text, Words};

/// Late scans that are in no figure.
pub const LATE_UNCOUNTED: Code = Code("CW970");
/// Late scans of a month that is frozen.
pub const LATE_AFTER_FREEZE: Code = Code("CW971");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: LATE_UNCOUNTED,
        what: Text {
            en: "{scans} late scans of {device}, the first of the hour {hour}, are in no figure",
            zh: "{device} 有 {scans} 次采集迟到（最早属于 {hour} 这一小时），未计入指标",
        },
        cause: Text {
            en: "What the machine said around them is not kept any more: only what was heard in about the last day, since the last start of the \
                 agent, and since the meaning of its tags last changed.",
            zh: "这些采集前后的数据已不再保留：只保留大约最近一天、本次启动以来、且点的含义未改变期间的数据。",
        },
        remedy: Text {
            en: "nothing is lost of the samples themselves; the hours carry the flag late and late_uncounted. If it happens often, look why the \
                 data are late: the clock, the server's queue, a slow disk",
            zh: "采集数据本身没有丢失；相应小时带有 late 标记和 late_uncounted 次数。若经常出现，请检查迟到原因：时钟、服务器队列、磁盘过慢",
        },
    },
    Words {
        code: LATE_AFTER_FREEZE,
        what: Text {
            en: "{scans} late scans of {device}, the first of the hour {hour}, belong to a month that is frozen",
            zh: "{device} 有 {scans} 次采集迟到（最早属于 {hour} 这一小时），所属月份已冻结",
        },
        cause: Text {
            en: "Figures of a month do not change any more from 72 hours after its end on, so that a report that was handed in stays true.",
            zh: "月末 72 小时后当月指标不再改变，以保证已提交的报表始终有效。",
        },
        remedy: Text {
            en: "nothing to be done: the report of the month gives their number as late_after_freeze; if it is large, say so to whoever has the report",
            zh: "无需处理：月报以 late_after_freeze 给出次数；若次数较多，请告知报表使用方",
        },
    },
];
