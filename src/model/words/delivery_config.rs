//! Words for mistakes in what a configuration says of keeping and delivering samples: CW850 to CW899.

use crate::model::trouble::{Code, Text, Words};

/// A history of what is never written.
pub const HISTORY_WITHOUT_ALWAYS: Code = Code("CW850");

pub(super) const WORDS: &[Words] = &[Words {
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
}];
