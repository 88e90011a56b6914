//! Words for the agent and its surroundings: CW501 to CW599.

use crate::model::trouble::{Code, Text, Words};

/// A task panicked.
pub const CRASHED: Code = Code("CW501");
/// The recorder's thread has ended.
pub const RECORDER_GONE: Code = Code("CW502");
/// Samples were given up because the disk refuses them.
pub const MEMORY_FULL: Code = Code("CW503");
/// Samples were given up by the journal's limits.
pub const JOURNAL_DROPPED: Code = Code("CW504");
/// The journal's directory changed in a reload.
pub const JOURNAL_MOVED: Code = Code("CW505");
/// A sink did not finish within the grace.
pub const SINK_NOT_DRAINED: Code = Code("CW506");
/// A link did not stop in time.
pub const LINK_NOT_STOPPED: Code = Code("CW507");
/// A new configuration counts.
pub const RELOADED: Code = Code("CW508");
/// A new configuration has mistakes.
pub const RELOAD_REFUSED: Code = Code("CW509");
/// No random numbers.
pub const NO_RANDOM: Code = Code("CW510");
/// Signals cannot be received.
pub const NO_SIGNALS: Code = Code("CW511");
/// The log level is not understood.
pub const BAD_LOG_LEVEL: Code = Code("CW512");
/// A code that does not exist.
pub const NO_SUCH_CODE: Code = Code("CW513");
/// Samples were given up at the stop because the disk refuses them.
pub const LOST_AT_STOP: Code = Code("CW514");
/// The journal did not close in time.
pub const JOURNAL_NOT_CLOSED: Code = Code("CW515");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: CRASHED,
        what: Text {
            en: "{task} crashed (crash {count} since the start) and is started again",
            zh: "{task} 崩溃（启动以来第 {count} 次），正在重新启动",
        },
        cause: Text {
            en: "This is a bug of cloudward, not of your machines.",
            zh: "这是本程序的缺陷，与您的设备无关。",
        },
        remedy: Text { en: "please report the log lines before this one", zh: "请把此前的日志发给我们" },
    },
    Words {
        code: RECORDER_GONE,
        what: Text { en: "the recorder has ended unexpectedly", zh: "记录线程意外终止" },
        cause: Text {
            en: "This is a bug of cloudward. Nothing can be stored without it, so the agent ends and is started again by the service manager.",
            zh: "这是本程序的缺陷。没有它就无法存储，因此程序退出，由服务管理器重新拉起。",
        },
        remedy: Text { en: "please report the log lines before this one", zh: "请把此前的日志发给我们" },
    },
    Words {
        code: MEMORY_FULL,
        what: Text {
            en: "{samples} samples were given up (since the start: {total}): the disk takes nothing and the memory for waiting samples is full",
            zh: "丢弃样本 {samples} 个（启动以来共 {total} 个）：磁盘拒绝写入，内存中的等待区已满",
        },
        cause: Text {
            en: "The disk is full, read-only or broken, for longer than the memory could bridge.",
            zh: "磁盘已满、只读或损坏，持续时间超出内存可缓冲的范围。",
        },
        remedy: Text {
            en: "make room or mend the disk; collection goes on by itself",
            zh: "请清理或修复磁盘；采集会自行恢复存储",
        },
    },
    Words {
        code: JOURNAL_DROPPED,
        what: Text {
            en: "{samples} samples in {records} records were given up undelivered: {cause}",
            zh: "未送达的样本 {samples} 个（{records} 条记录）因限值被丢弃：{cause}",
        },
        cause: Text {
            en: "A sink has been unreachable for longer than max_size or max_age allow, or there is no sink at all.",
            zh: "去向长时间不可达，超出 max_size 或 max_age 的限值；或根本没有配置去向。",
        },
        remedy: Text {
            en: "bring the broker back, or raise the journal's limits",
            zh: "请恢复消息服务器，或调大 journal 的限值",
        },
    },
    Words {
        code: JOURNAL_MOVED,
        what: Text {
            en: "the journal stays in {old}; the new directory {new} counts after a restart",
            zh: "日志库仍在 {old}；新目录 {new} 重启后生效",
        },
        cause: Text {
            en: "A running journal cannot be moved without a pause in collection.",
            zh: "运行中的日志库不能在不停采的情况下搬动。",
        },
        remedy: Text {
            en: "restart the agent when convenient; what is still undelivered stays in the old directory",
            zh: "请择机重启；尚未送达的数据仍在旧目录",
        },
    },
    Words {
        code: SINK_NOT_DRAINED,
        what: Text {
            en: "sink `{sink}` did not take everything before the stop",
            zh: "去向 `{sink}` 在停止前未收完全部数据",
        },
        cause: Text {
            en: "The broker is away or slow. Nothing is lost: the rest is in the journal.",
            zh: "服务器不可达或较慢。数据没有丢失，其余仍在日志库中。",
        },
        remedy: Text {
            en: "nothing to do; the rest is delivered after the next start",
            zh: "无需处理；下次启动后继续送出",
        },
    },
    Words {
        code: LINK_NOT_STOPPED,
        what: Text {
            en: "link `{link}` did not stop in time and is dropped",
            zh: "链路 `{link}` 未能及时停止，已强制结束",
        },
        cause: Text { en: "A request was still waiting for its timeout.", zh: "还有请求在等待超时。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: RELOADED,
        what: Text { en: "{path} is in force", zh: "{path} 已生效" },
        cause: Text { en: "SIGHUP or systemctl reload asked for it.", zh: "收到 SIGHUP 或 systemctl reload。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: RELOAD_REFUSED,
        what: Text {
            en: "{path} has mistakes; the configuration from before stays in force",
            zh: "{path} 有错误，仍沿用之前的配置",
        },
        cause: Text {
            en: "The mistakes are listed above, each with its line.", zh: "错误已在上面逐行列出。"
        },
        remedy: Text {
            en: "mend the lines above, try `cloudward check`, then reload again",
            zh: "请改正上面各行，用 cloudward check 检查后再重新加载",
        },
    },
    Words {
        code: NO_RANDOM,
        what: Text { en: "the system gives no random numbers: {error}", zh: "系统无法提供随机数：{error}" },
        cause: Text {
            en: "The kernel is older than Linux 3.17, or a sandbox forbids getrandom.",
            zh: "内核早于 Linux 3.17，或沙箱禁止了 getrandom。",
        },
        remedy: Text {
            en: "run on a newer kernel, or allow the system call getrandom",
            zh: "请换用较新内核，或放行 getrandom 系统调用",
        },
    },
    Words {
        code: NO_SIGNALS,
        what: Text { en: "signals cannot be received: {error}", zh: "无法接收信号：{error}" },
        cause: Text {
            en: "A sandbox forbids it, or the process has too many open files.",
            zh: "被沙箱禁止，或进程打开的文件过多。",
        },
        remedy: Text {
            en: "check the limits of the service (LimitNOFILE) and its sandbox",
            zh: "请检查服务的限制（LimitNOFILE）和沙箱设置",
        },
    },
    Words {
        code: BAD_LOG_LEVEL,
        what: Text { en: "--log {found} is no log level", zh: "--log {found} 不是日志级别" },
        cause: Text { en: "A typing error.", zh: "拼写有误。" },
        remedy: Text { en: "write error, warn, info or debug", zh: "请写 error、warn、info 或 debug" },
    },
    Words {
        code: NO_SUCH_CODE,
        what: Text { en: "{code} is no code of ours", zh: "没有 {code} 这个代码" },
        cause: Text { en: "Codes are CW and three digits.", zh: "代码为 CW 加三位数字。" },
        remedy: Text {
            en: "run `cloudward explain` without a code to list all",
            zh: "执行不带参数的 cloudward explain 可列出全部",
        },
    },
    Words {
        code: LOST_AT_STOP,
        what: Text {
            en: "{samples} samples were given up at the stop (since the start: {total}): the disk took nothing to the end",
            zh: "停止时丢弃样本 {samples} 个（启动以来共 {total} 个）：磁盘直到最后仍拒绝写入",
        },
        cause: Text {
            en: "The disk is full, read-only or broken; samples that waited in memory end with the agent.",
            zh: "磁盘已满、只读或损坏；内存中等待写入的样本随程序退出而丢失。",
        },
        remedy: Text {
            en: "make room or mend the disk before the next start", zh: "请先清理或修复磁盘，再启动程序"
        },
    },
    Words {
        code: JOURNAL_NOT_CLOSED,
        what: Text {
            en: "the journal in {path} did not close in time; what came after its last commit is in doubt",
            zh: "{path} 中的日志库未能及时关闭，最后一次提交之后的数据存疑",
        },
        cause: Text {
            en: "The disk hangs: a dying card, a network drive that is away, or very heavy load.",
            zh: "磁盘无响应：存储卡濒临损坏、网络盘断开，或负载过高。",
        },
        remedy: Text {
            en: "look at the kernel's log (dmesg) and at the disk before the next start",
            zh: "下次启动前请查看内核日志（dmesg）并检查磁盘",
        },
    },
];
