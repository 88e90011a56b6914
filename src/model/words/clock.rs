//! Words for the gateway's clock: CW780 to CW789.

use crate::model::trouble::{Code, Text, Words};

/// The clock is not trusted (yet).
pub const NOT_TRUSTED: Code = Code("CW780");
/// The clock is trusted now.
pub const TRUSTED: Code = Code("CW781");
/// The clock was set.
pub const WAS_SET: Code = Code("CW782");
/// The clock was set to a time that cannot be.
pub const NO_LONGER_TRUSTED: Code = Code("CW783");
/// The journal did not take the offset.
pub const OFFSET_NOT_KEPT: Code = Code("CW784");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NOT_TRUSTED,
        what: Text {
            en: "the clock of this machine says {clock} and is not trusted; samples are marked until it is",
            zh: "本机时钟显示 {clock}，暂不可信；在此之前的样本都会带上标记",
        },
        cause: Text {
            en: "The machine has just started and no NTP server has answered yet, or its battery-backed clock lost the time.",
            zh: "机器刚启动，尚未完成 NTP 校时；或带电池的硬件时钟已掉电走失。",
        },
        remedy: Text {
            en: "nothing, if it passes within minutes: the times are corrected by themselves. Otherwise look with `timedatectl`, make an NTP server reachable, or set the clock by hand; on a site without NTP write trust = \"plausible\" under [clock]",
            zh: "几分钟内自行恢复则无需处理，时间会自动更正。否则请用 `timedatectl` 检查，打通到 NTP 服务器的网络，或手动校时；现场没有 NTP 时，可在 [clock] 中写 trust = \"plausible\"",
        },
    },
    Words {
        code: TRUSTED,
        what: Text {
            en: "the clock of this machine is trusted now ({by}): {clock}; samples taken before get their true times",
            zh: "本机时钟现已可信（{by}）：{clock}；此前样本的时间会被更正",
        },
        cause: Text {
            en: "It was synchronized by NTP, was set to a time that can be, or was waited for long enough.",
            zh: "已完成 NTP 校时，或被设为合理的时间，或已等满规定的时长。",
        },
        remedy: Text { en: "nothing needs to be done", zh: "无需处理" },
    },
    Words {
        code: WAS_SET,
        what: Text {
            en: "the clock of this machine was set by {step}; it says {clock} now",
            zh: "本机时钟被调整了 {step}，现为 {clock}",
        },
        cause: Text {
            en: "NTP or a person set it, or the machine slept. Samples taken before keep their times; nothing was lost or delayed.",
            zh: "由 NTP 或人工调整，或机器休眠过。此前的样本保持原来的时间；采集没有丢失，也没有延误。",
        },
        remedy: Text {
            en: "nothing, if it was meant; if it comes back, look for two programs that set the clock (`timedatectl`, `chronyc sources`)",
            zh: "若是有意调整则无需处理；若反复出现，请检查是否有两个程序在校时（`timedatectl`、`chronyc sources`）",
        },
    },
    Words {
        code: NO_LONGER_TRUSTED,
        what: Text {
            en: "the clock of this machine was set by {step} to {clock}, which cannot be; times are counted on from before",
            zh: "本机时钟被调整了 {step}，变为 {clock}，这不可能是正确时间；此后按之前的时间继续推算",
        },
        cause: Text {
            en: "A person or a program set it to a time before this version was made, often from a battery clock that is empty.",
            zh: "有人或程序把时钟设成了早于本版本发布的时间，常见原因是硬件时钟电池耗尽。",
        },
        remedy: Text {
            en: "set the clock (`timedatectl set-time`), replace the battery, or make an NTP server reachable",
            zh: "请重新校时（`timedatectl set-time`）、更换电池，或打通到 NTP 服务器的网络",
        },
    },
    Words {
        code: OFFSET_NOT_KEPT,
        what: Text {
            en: "where the clock stood could not be written into the journal: {error}; it is tried again",
            zh: "时钟的校准值写入日志库失败：{error}；将会重试",
        },
        cause: Text {
            en: "The disk refuses. Until it is written, a restart leaves the samples taken before the clock was trusted uncorrected.",
            zh: "磁盘拒绝写入。写入成功之前若重启，时钟可信之前的样本将无法更正。",
        },
        remedy: Text {
            en: "see the trouble of the journal beside this line", zh: "请参看旁边关于日志库的提示"
        },
    },
];
