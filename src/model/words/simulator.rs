//! Words for the simulator and the demo: CW551 to CW569.

use crate::model::trouble::{Code, Text, Words};

/// Somebody else listens on the port.
pub const SIM_PORT_IN_USE: Code = Code("CW551");
/// The operating system refuses the address for another reason.
pub const SIM_CANNOT_LISTEN: Code = Code("CW552");
/// The embedded broker did not start.
pub const SIM_BROKER_FAILED: Code = Code("CW553");
/// No temporary directory.
pub const NO_TEMPORARY: Code = Code("CW554");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SIM_PORT_IN_USE,
        what: Text {
            en: "cannot simulate on {address}: another program listens there",
            zh: "无法在 {address} 上启动模拟：端口已被其他程序占用",
        },
        cause: Text {
            en: "Another simulator or broker is running, or a real device's gateway uses the port.",
            zh: "另一个模拟程序或 MQTT 服务器正在运行，或者该端口已被网关软件使用。",
        },
        remedy: Text {
            en: "choose another port, or port 0 for any free one; `ss -ltnp` shows who listens",
            zh: "请换一个端口，或用端口 0 自动选择空闲端口；可用 `ss -ltnp` 查看占用者",
        },
    },
    Words {
        code: SIM_CANNOT_LISTEN,
        what: Text { en: "cannot listen on {address}: {error}", zh: "无法监听 {address}：{error}" },
        cause: Text {
            en: "The address does not belong to this machine, or ports below 1024 are reserved for the administrator.",
            zh: "该地址不是本机地址，或者 1024 以下的端口需要管理员权限。",
        },
        remedy: Text {
            en: "use an address of this machine (127.0.0.1) and a port above 1023",
            zh: "请使用本机地址（如 127.0.0.1）和 1024 及以上的端口",
        },
    },
    Words {
        code: SIM_BROKER_FAILED,
        what: Text {
            en: "the embedded broker did not start: {error}", zh: "内置 MQTT 服务器启动失败：{error}"
        },
        cause: Text {
            en: "No free port on the loopback interface, or too few threads or files are allowed.",
            zh: "本机回环接口没有空闲端口，或者允许的线程数、打开文件数不足。",
        },
        remedy: Text {
            en: "check `ulimit -n` and `ulimit -u`, then start again",
            zh: "请检查 `ulimit -n` 和 `ulimit -u`，然后重新启动",
        },
    },
    Words {
        code: NO_TEMPORARY,
        what: Text { en: "no temporary directory can be made: {error}", zh: "无法创建临时目录：{error}" },
        cause: Text { en: "/tmp is full or not writable.", zh: "/tmp 已满或不可写。" },
        remedy: Text {
            en: "make room, set TMPDIR, or give --state-dir DIR",
            zh: "请清理空间、设置 TMPDIR，或用 --state-dir 指定目录",
        },
    },
];
