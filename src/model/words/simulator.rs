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
/// `--fault` names none that there is.
pub const SIM_NO_SUCH_FAULT: Code = Code("CW555");
/// Its argument is missing, too much or out of range.
pub const SIM_BAD_FAULT_ARGUMENT: Code = Code("CW556");
/// What follows `@` is no place.
pub const SIM_BAD_FAULT_PLACE: Code = Code("CW557");
/// What follows `%` is no number.
pub const SIM_BAD_FAULT_EVERY: Code = Code("CW558");
/// A fault of whole connections with a place or a rhythm.
pub const SIM_FAULT_OF_CONNECTIONS: Code = Code("CW559");
/// The OPC UA server did not start.
pub const SIM_OPCUA_FAILED: Code = Code("CW560");
/// Its folder of certificates cannot be used.
pub const SIM_FOLDER_UNUSABLE: Code = Code("CW561");

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
    Words {
        code: SIM_NO_SUCH_FAULT,
        what: Text { en: "there is no fault `{found}`", zh: "没有 `{found}` 这种故障" },
        cause: Text { en: "The name is misspelt.", zh: "名称拼写有误。" },
        remedy: Text {
            en: "write one of: {known}; `cloudward sim --list-faults` explains them",
            zh: "可用的有：{known}；`cloudward sim --list-faults` 有说明",
        },
    },
    Words {
        code: SIM_BAD_FAULT_ARGUMENT,
        what: Text { en: "the fault `{found}` is written {form}", zh: "故障 `{found}` 的写法是 {form}" },
        cause: Text {
            en: "What stands behind the colon is missing, too much, or too large. What stands in brackets may be left out.",
            zh: "冒号后的参数缺失、多余或超出范围。方括号内的部分可省略。",
        },
        remedy: Text {
            en: "write it like {form}: MS in milliseconds (at most 3600000), CODE 1 to 255, N a number",
            zh: "请按 {form} 书写：MS 为毫秒（最多 3600000），CODE 为 1 到 255，N 为数字",
        },
    },
    Words {
        code: SIM_BAD_FAULT_PLACE,
        what: Text {
            en: "the fault `{found}` has an unknown place behind @",
            zh: "故障 `{found}` 的 @ 后面不是有效范围",
        },
        cause: Text {
            en: "A place is a unit id, or a table with addresses counted from 0, the smaller one first.",
            zh: "范围是站号，或某个区加上从 0 起算的地址，小的在前。",
        },
        remedy: Text {
            en: "write e.g. @2, @holding:10-20, @coil:3 or @2@input:0-9; tables are coil, discrete, holding, input",
            zh: "请写如 @2、@holding:10-20、@coil:3 或 @2@input:0-9；区有 coil、discrete、holding、input",
        },
    },
    Words {
        code: SIM_BAD_FAULT_EVERY,
        what: Text {
            en: "the fault `{found}` has no number behind %", zh: "故障 `{found}` 的 % 后面不是有效数字"
        },
        cause: Text {
            en: "%10 means each tenth request that the fault fits; it stands at the end.",
            zh: "%10 表示符合条件的请求每十次发生一次；写在最后。",
        },
        remedy: Text {
            en: "write a number of 1 to 1000000, e.g. garbage%10",
            zh: "请写 1 到 1000000 的数字，如 garbage%10",
        },
    },
    Words {
        code: SIM_FAULT_OF_CONNECTIONS,
        what: Text { en: "the fault `{found}` takes neither @ nor %", zh: "故障 `{found}` 不能带 @ 或 %" },
        cause: Text {
            en: "It is about whole connections, before any unit or address is named.",
            zh: "它针对整个连接，那时还没有站号和地址。",
        },
        remedy: Text { en: "write it as {form} alone", zh: "请只写 {form}" },
    },
    Words {
        code: SIM_OPCUA_FAILED,
        what: Text {
            en: "the simulated OPC UA server did not start: {error}",
            zh: "模拟 OPC UA 服务器启动失败：{error}",
        },
        cause: Text {
            en: "Its certificate cannot be read, or two of its settings exclude each other.",
            zh: "服务器证书无法读取，或者设置相互矛盾。",
        },
        remedy: Text {
            en: "give another --pki DIR, so that a new certificate is made there",
            zh: "请用 --pki 指定另一个目录，程序会在那里生成新证书",
        },
    },
    Words {
        code: SIM_FOLDER_UNUSABLE,
        what: Text {
            en: "certificates cannot be kept at {path}: {error}", zh: "无法在 {path} 存放证书：{error}"
        },
        cause: Text {
            en: "The directory is not writable or full, or a file in it is no certificate.",
            zh: "目录不可写或已满，或者其中的文件不是证书。",
        },
        remedy: Text {
            en: "make it writable, or give another --pki DIR",
            zh: "请检查目录权限和空间，或用 --pki 指定另一个目录",
        },
    },
];
