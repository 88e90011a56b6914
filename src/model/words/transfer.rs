//! Words for troubles of `cloudward journal`: looking into it, and carrying its content in a file.

use crate::model::trouble::{Code, Text, Words};

/// There is no journal yet.
pub const NO_JOURNAL: Code = Code("CW810");

pub(super) const WORDS: &[Words] = &[Words {
    code: NO_JOURNAL,
    what: Text { en: "there is no journal in {path} yet", zh: "{path} 中还没有日志库" },
    cause: Text {
        en: "The agent has never run with this configuration, or its state is kept elsewhere.",
        zh: "采集程序从未以此配置运行过，或其状态目录在别处。",
    },
    remedy: Text {
        en: "name the configuration of the running agent with --config; under systemd the state is in /var/lib/cloudward",
        zh: "请用 --config 指定正在运行的程序所用的配置；由 systemd 启动时，状态目录是 /var/lib/cloudward",
    },
}];
