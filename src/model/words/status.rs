//! Words for how a running agent is: `cloudward status`, metrics, health: CW830 to CW849.

use crate::model::trouble::{Code, Text, Words};

/// The socket of `cloudward status` cannot be had.
pub const SOCKET_UNUSABLE: Code = Code("CW830");
/// The metrics cannot be served.
pub const METRICS_UNUSABLE: Code = Code("CW831");
/// No agent answers: there is no socket.
pub const NO_SOCKET: Code = Code("CW832");
/// No agent answers: nobody listens at the socket.
pub const NOBODY_LISTENS: Code = Code("CW833");
/// The socket is not open to this user.
pub const SOCKET_FORBIDDEN: Code = Code("CW834");
/// The agent does not answer.
pub const NO_ANSWER: Code = Code("CW835");
/// A link is down.
pub const LINK_AWAY: Code = Code("CW836");
/// A device has no good value.
pub const DEVICE_SILENT: Code = Code("CW837");
/// Tags of a device have no good value.
pub const TAGS_BAD: Code = Code("CW838");
/// A broker cannot be reached.
pub const SINK_AWAY: Code = Code("CW839");
/// A sink is far behind.
pub const SINK_BEHIND: Code = Code("CW840");
/// The journal is full soon.
pub const JOURNAL_FILLS: Code = Code("CW841");
/// The disk takes nothing.
pub const DISK_REFUSES: Code = Code("CW842");
/// Samples were given up.
pub const GIVEN_UP: Code = Code("CW843");
/// Records are in quarantine.
pub const QUARANTINED: Code = Code("CW844");
/// The clock is not trusted.
pub const CLOCK_UNTRUSTED: Code = Code("CW845");
/// The recorder does not answer.
pub const RECORDER_SILENT: Code = Code("CW846");
/// Built without the live view.
pub const NO_LIVE_VIEW: Code = Code("CW847");
/// Not an address to listen at.
pub const LISTEN_BAD: Code = Code("CW848");
/// Metrics would be open to others.
pub const LISTEN_REMOTE: Code = Code("CW849");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SOCKET_UNUSABLE,
        what: Text {
            en: "`cloudward status` cannot be answered: the socket {path} cannot be made: {error}",
            zh: "无法响应 `cloudward status`：不能创建套接字 {path}：{error}",
        },
        cause: Text {
            en: "The directory is missing, not writable, or its path is longer than a socket allows (107 bytes). Collection and delivery are not touched.",
            zh: "目录不存在、不可写，或路径超过套接字允许的长度（107 字节）。采集和上送不受影响。",
        },
        remedy: Text {
            en: "give the agent a directory that it may write: RuntimeDirectory=cloudward in its unit, or a shorter dir under [journal]; it is tried again each minute",
            zh: "请给程序一个可写的目录：在服务单元中写 RuntimeDirectory=cloudward，或把 [journal] 的 dir 改短；程序每分钟重试一次",
        },
    },
    Words {
        code: METRICS_UNUSABLE,
        what: Text {
            en: "the metrics cannot be served at {address}: {error}",
            zh: "无法在 {address} 提供指标：{error}",
        },
        cause: Text {
            en: "Another program, or the agent of another workshop, listens there; or this machine has no such address. Collection and delivery are not touched.",
            zh: "该端口已被其他程序（或另一个车间的采集程序）占用，或本机没有这个地址。采集和上送不受影响。",
        },
        remedy: Text {
            en: "write another port in listen under [metrics] and reload; it is tried again each minute",
            zh: "请在 [metrics] 的 listen 中换一个端口并重新加载；程序每分钟重试一次",
        },
    },
    Words {
        code: NO_SOCKET,
        what: Text {
            en: "the agent of {config} is not running: there is no socket at {path}",
            zh: "{config} 的采集程序没有在运行：{path} 处没有套接字",
        },
        cause: Text {
            en: "It was never started, has ended, or runs with another configuration or state directory.",
            zh: "从未启动、已经停止，或正以其他配置、其他状态目录运行。",
        },
        remedy: Text {
            en: "start it (`systemctl start cloudward`, or `cloudward run`) and read why it ended (`journalctl -u cloudward`); for another workshop name its file with --config, or its socket with --socket",
            zh: "请启动（`systemctl start cloudward` 或 `cloudward run`），并查看它为何停止（`journalctl -u cloudward`）；查看其他车间请用 --config 指明配置文件，或用 --socket 指明套接字",
        },
    },
    Words {
        code: NOBODY_LISTENS,
        what: Text {
            en: "the agent of {config} is not running: nobody listens at {path} any more",
            zh: "{config} 的采集程序没有在运行：{path} 处已无人监听",
        },
        cause: Text {
            en: "It was killed or has crashed: whoever ends properly takes the socket away.",
            zh: "程序被强行结束或已崩溃：正常退出时会删除该套接字。",
        },
        remedy: Text {
            en: "read its last lines (`journalctl -u cloudward`), then start it; what it had written is kept and delivered",
            zh: "请查看最后的日志（`journalctl -u cloudward`）后再启动；已写入的数据仍在，会继续送出",
        },
    },
    Words {
        code: SOCKET_FORBIDDEN,
        what: Text {
            en: "{user} may not ask the agent: {path}: {error}",
            zh: "用户 {user} 无权询问采集程序：{path}：{error}",
        },
        cause: Text {
            en: "The socket is open to the agent's own user, to its group and to root.",
            zh: "该套接字只对程序自己的用户、用户组和 root 开放。",
        },
        remedy: Text {
            en: "run it with sudo, or make the person a member of the socket's group (`ls -l {path}` shows it) and log in again",
            zh: "请用 sudo 执行，或把此人加入该套接字的用户组（`ls -l {path}` 可查看）后重新登录",
        },
    },
    Words {
        code: NO_ANSWER,
        what: Text {
            en: "the agent listens at {path} but gives no answer: {error}",
            zh: "采集程序在 {path} 监听，但没有回答：{error}",
        },
        cause: Text {
            en: "It is stopping or reloading, the machine is overloaded, or the program there is another version.",
            zh: "程序正在停止或重新加载，机器负载过高，或两边版本不同。",
        },
        remedy: Text {
            en: "try again in some seconds; if it stays so, look at `systemctl status cloudward` and restart it",
            zh: "请稍候数秒再试；若一直如此，请查看 `systemctl status cloudward` 并重启程序",
        },
    },
    Words {
        code: LINK_AWAY,
        what: Text {
            en: "link {link} ({endpoint}) has been down for {span}: {why}",
            zh: "链路 {link}（{endpoint}）已中断 {span}：{why}",
        },
        cause: Text {
            en: "The machine or gateway is off, a cable or switch is at fault, or address or serial settings are not right (any more).",
            zh: "设备或网关断电，网线或交换机故障，或地址、串口参数不对（或已改变）。",
        },
        remedy: Text {
            en: "look at the machine and its cable; then `cloudward read` or the lines of the log that name this link",
            zh: "请先检查设备和网线，再用 `cloudward read` 试读，或查看日志中关于该链路的提示",
        },
    },
    Words {
        code: DEVICE_SILENT,
        what: Text {
            en: "device {device} on link {link} has had no good value for {span}",
            zh: "设备 {device}（链路 {link}）已有 {span}没有正常数据",
        },
        cause: Text {
            en: "The link is up, so others answer or the connection stands: this unit is off, has another unit id, or refuses what it is asked for.",
            zh: "链路是通的，说明连接正常或其他站号有应答：该设备断电、站号不对，或拒绝了读取请求。",
        },
        remedy: Text {
            en: "look whether it is on; `cloudward read` asks it for one value and says what it answers",
            zh: "请确认设备已开机；用 `cloudward read` 读取一个值，可看到它的回答",
        },
    },
    Words {
        code: TAGS_BAD,
        what: Text {
            en: "device {device} has had tags without a good value for {span}: {count}, first {tag} ({why})",
            zh: "设备 {device} 有 {count} 个点已 {span}没有正常值，如 {tag}（{why}）",
        },
        cause: Text {
            en: "An address or type that this machine does not have, a sensor that is broken, or a program of the PLC that was changed.",
            zh: "地址或类型与设备不符、传感器损坏，或 PLC 程序已修改。",
        },
        remedy: Text {
            en: "compare address and type with the manual or with `cloudward probe`; take out what the machine does not have",
            zh: "请对照手册或用 `cloudward probe` 核对地址和类型；设备没有的点请删去",
        },
    },
    Words {
        code: SINK_AWAY,
        what: Text {
            en: "sink {sink} has not reached its broker {broker} for {span}: {why}",
            zh: "去向 {sink} 已有 {span}连不上消息服务器 {broker}：{why}",
        },
        cause: Text {
            en: "The line, the broker, its certificate or the password: the reason stands behind it. Nothing is lost as long as the journal has room.",
            zh: "线路、消息服务器、证书或密码的问题，具体原因见上。日志库还有空间时不会丢数据。",
        },
        remedy: Text {
            en: "follow the remedy of that reason (`cloudward explain {code}`)",
            zh: "请按该原因的处理办法操作（`cloudward explain {code}`）",
        },
    },
    Words {
        code: SINK_BEHIND,
        what: Text {
            en: "sink {sink} is connected, but {records} records wait, the oldest for {span}",
            zh: "去向 {sink} 已连接，但有 {records} 条记录待送，最早的已等 {span}",
        },
        cause: Text {
            en: "It catches up after an outage, the line is too slow for what the workshop produces, or its budget is too small.",
            zh: "断网后正在补送，或线路速度跟不上数据量，或流量预算太小。",
        },
        remedy: Text {
            en: "look again in a while: if the number falls, nothing needs to be done; else send less (deadband, every) or raise its budget",
            zh: "请过一会再看：数字在下降则无需处理；否则请减少数据量（deadband、every），或放宽预算",
        },
    },
    Words {
        code: JOURNAL_FILLS,
        what: Text {
            en: "the journal is full in about {span}; then the oldest samples are given up",
            zh: "日志库约 {span}后写满；届时最旧的样本将被丢弃",
        },
        cause: Text {
            en: "A sink has not delivered for long, and samples pile up.",
            zh: "某个去向长时间没有送达，数据不断积压。",
        },
        remedy: Text {
            en: "bring its broker back, raise max_size under [journal], or carry the samples away with `cloudward journal export`",
            zh: "请恢复消息服务器，或调大 [journal] 的 max_size，或用 `cloudward journal export` 把数据导出带走",
        },
    },
    Words {
        code: DISK_REFUSES,
        what: Text { en: "the disk takes nothing: {why}", zh: "磁盘拒绝写入：{why}" },
        cause: Text {
            en: "It is full, read-only or broken. Samples wait in memory, and the oldest are given up when that is full.",
            zh: "磁盘已满、只读或损坏。样本暂存在内存中，内存用完后丢弃最旧的样本。",
        },
        remedy: Text {
            en: "make room or replace the disk or card; collection goes on by itself",
            zh: "请清理空间，或更换磁盘、存储卡；采集会自行恢复存储",
        },
    },
    Words {
        code: GIVEN_UP,
        what: Text {
            en: "{samples} samples were given up within the last day",
            zh: "最近一天内已丢弃样本 {samples} 个",
        },
        cause: Text {
            en: "The journal reached its limit, the disk refused for long, or a broker can never take some of them.",
            zh: "日志库达到上限、磁盘长时间拒绝写入，或消息服务器永远无法接收其中一部分。",
        },
        remedy: Text {
            en: "`cloudward journal status` lists what is lost and why; `cloudward ledger` says of which devices",
            zh: "`cloudward journal status` 列出丢失内容和原因；`cloudward ledger` 按设备说明",
        },
    },
    Words {
        code: QUARANTINED,
        what: Text {
            en: "{records} records are in quarantine: their broker hangs up at each of them",
            zh: "隔离区中有 {records} 条记录：消息服务器每次收到它们就断开连接",
        },
        cause: Text {
            en: "A message is larger than the broker allows, or the broker forbids its topic.",
            zh: "消息超过服务器允许的大小，或服务器禁止该主题。",
        },
        remedy: Text {
            en: "`cloudward journal quarantine list` shows them; raise the limit of the broker or lower max_message, then drop or export them",
            zh: "请用 `cloudward journal quarantine list` 查看；调大服务器的限制或调小 max_message，再删除或导出这些记录",
        },
    },
    Words {
        code: CLOCK_UNTRUSTED,
        what: Text {
            en: "the clock of this machine is not trusted; samples are marked until it is",
            zh: "本机时钟不可信；在此之前的样本都带标记",
        },
        cause: Text {
            en: "No NTP server has answered since the start, or the battery of the clock is empty.",
            zh: "启动后一直没有完成校时，或时钟电池耗尽。",
        },
        remedy: Text {
            en: "look with `timedatectl`; make an NTP server reachable or set the clock by hand",
            zh: "请用 `timedatectl` 查看；打通到 NTP 服务器的网络，或手动校时",
        },
    },
    Words {
        code: RECORDER_SILENT,
        what: Text {
            en: "the part of the agent that writes the journal has not answered within {span}",
            zh: "负责写日志库的部分在 {span}内没有回应",
        },
        cause: Text {
            en: "The disk hangs: a dying card, a network drive that is away, or very heavy load.",
            zh: "磁盘无响应：存储卡濒临损坏、网络盘断开，或负载过高。",
        },
        remedy: Text {
            en: "look at the kernel's log (dmesg) and at the disk; a watchdog restarts the agent if it stays so",
            zh: "请查看内核日志（dmesg）并检查磁盘；若持续无响应，看门狗会重启程序",
        },
    },
    Words {
        code: NO_LIVE_VIEW,
        what: Text { en: "this build has no live view", zh: "本版本不含实时界面" },
        cause: Text {
            en: "It was built for small gateways, without the feature `tui`.",
            zh: "这是为小型网关构建的版本，未包含 tui 功能。",
        },
        remedy: Text {
            en: "run `watch -n 2 cloudward status` instead, or `cloudward status --watch` of a full build on the same gateway",
            zh: "请改用 `watch -n 2 cloudward status`，或在同一网关上运行完整版的 `cloudward status --watch`",
        },
    },
    Words {
        code: LISTEN_BAD,
        what: Text {
            en: "`{key}` is {found}, which is no address with a port",
            zh: "`{key}` 的值为 {found}，不是带端口的地址",
        },
        cause: Text {
            en: "An address of this machine and a port are wanted; names are not looked up here.",
            zh: "这里要写本机的 IP 地址和端口，不解析主机名。",
        },
        remedy: Text {
            en: "write e.g. listen = \"127.0.0.1:9464\"",
            zh: "请写成 listen = \"127.0.0.1:9464\" 这样的形式",
        },
    },
    Words {
        code: LISTEN_REMOTE,
        what: Text {
            en: "`{key}` is {found}, which others can reach", zh: "`{key}` 的值为 {found}，其他机器可以访问"
        },
        cause: Text {
            en: "The metrics have no password and no encryption; whoever reaches the port reads names of links, sinks and devices.",
            zh: "指标没有密码也不加密；能访问该端口的人都能看到链路、去向、设备的名称。",
        },
        remedy: Text {
            en: "write 127.0.0.1 and let a collector on this machine fetch them, or add allow_remote = true in a network where that may be",
            zh: "请改为 127.0.0.1，由本机上的采集器读取；若所在网络允许，可加 allow_remote = true",
        },
    },
];
