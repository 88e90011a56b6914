//! Words for `cloudward unit` and for how the agent is installed: CW980 to CW999.

use crate::model::trouble::{Code, Text, Words};

/// A name that the resolver does not know.
pub const NAME_NOT_FOUND: Code = Code("CW980");
/// Addresses that were looked up may change.
pub const NAMES_MAY_MOVE: Code = Code("CW981");
/// Names that were not looked up.
pub const NAMES_LEFT_OUT: Code = Code("CW982");
/// Units dial in from addresses that nobody knows here.
pub const PEERS_UNKNOWN: Code = Code("CW983");
/// No address and no network.
pub const BAD_NETWORK: Code = Code("CW984");
/// No name for an instance.
pub const BAD_INSTANCE: Code = Code("CW985");
/// A file that the service does not see.
pub const FILE_HIDDEN: Code = Code("CW986");
/// A credential of which only the stand-in is there.
pub const CREDENTIAL_EMPTY: Code = Code("CW987");
/// Metrics are served to machines that the list shuts out.
pub const METRICS_SHUT_IN: Code = Code("CW988");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NAME_NOT_FOUND,
        what: Text { en: "{name} cannot be looked up: {error}", zh: "无法查询 {name} 的地址：{error}" },
        cause: Text {
            en: "The list of addresses is made of what the resolver says now, and it says nothing: no network yet, or a name with a mistake.",
            zh: "地址白名单取自此刻的域名解析结果，而现在解析不出来：网络还没通，或域名写错。",
        },
        remedy: Text {
            en: "try again with a network, or give the addresses yourself: --leave-names-out --allow 203.0.113.0/24",
            zh: "请在联网后重试，或自行指定地址：--leave-names-out --allow 203.0.113.0/24",
        },
    },
    Words {
        code: NAMES_MAY_MOVE,
        what: Text {
            en: "the addresses of {names} were looked up just now; should they change, systemd cuts the agent off",
            zh: "{names} 的地址是此刻查询所得；以后如有变化，systemd 会阻断连接",
        },
        cause: Text {
            en: "systemd's list knows addresses, not names. Brokers of a cloud move from time to time.",
            zh: "systemd 的白名单只认地址，不认域名；云上的消息服务器会不定期更换地址。",
        },
        remedy: Text {
            en: "ask the operator for the whole network and give it with --allow, or print the file anew whenever they change; samples wait in the journal meanwhile",
            zh: "请向对方索取完整网段并用 --allow 加入，或在地址变化后重新生成；期间样本保存在日志库中",
        },
    },
    Words {
        code: NAMES_LEFT_OUT,
        what: Text {
            en: "not looked up: {names}; such names are reached only within the networks of --allow",
            zh: "未查询地址：{names}；只有落在 --allow 网段内才能连通",
        },
        cause: Text { en: "--leave-names-out was given.", zh: "命令中写了 --leave-names-out。" },
        remedy: Text {
            en: "check that --allow names every network in which they may be",
            zh: "请确认 --allow 已包含它们可能所在的全部网段",
        },
    },
    Words {
        code: PEERS_UNKNOWN,
        what: Text {
            en: "units dial in on {links}, so the file has no list of addresses",
            zh: "{links} 等待设备主动连入，因此没有生成地址白名单",
        },
        cause: Text {
            en: "Units on a mobile network come from addresses that change; a list would shut them out.",
            zh: "移动网络中的 DTU 地址会变，白名单会把它们挡在外面。",
        },
        remedy: Text {
            en: "give the networks that they come from, e.g. --allow 10.20.0.0/16; without, guard the port with the router's firewall",
            zh: "请用 --allow 指明其所在网段，如 --allow 10.20.0.0/16；否则请在路由器防火墙上限制该端口",
        },
    },
    Words {
        code: BAD_NETWORK,
        what: Text {
            en: "--allow {found} is no address and no network", zh: "--allow {found} 不是地址，也不是网段"
        },
        cause: Text {
            en: "A typing error, or a name: systemd takes addresses only.",
            zh: "拼写有误，或写了域名：systemd 只认地址。",
        },
        remedy: Text {
            en: "write an address, or a network with the length of its prefix: 203.0.113.7, 203.0.113.0/24",
            zh: "请写地址，或带前缀长度的网段：203.0.113.7、203.0.113.0/24",
        },
    },
    Words {
        code: BAD_INSTANCE,
        what: Text {
            en: "--instance {found} cannot be the name of an instance",
            zh: "--instance {found} 不能用作实例名",
        },
        cause: Text {
            en: "It becomes part of a unit's and of a file's name.",
            zh: "实例名会成为单元名和文件名的一部分。",
        },
        remedy: Text {
            en: "use letters, digits, -, _ and . (64 at most): cloudward@press reads /etc/cloudward/press.toml",
            zh: "请用字母、数字、-、_、.（最多 64 个）：cloudward@press 使用 /etc/cloudward/press.toml",
        },
    },
    Words {
        code: FILE_HIDDEN,
        what: Text { en: "the service does not see {path}", zh: "服务看不到 {path}" },
        cause: Text {
            en: "Homes and temporary files are hidden from it (ProtectHome, PrivateTmp), so that a mistake of ours could not read them.",
            zh: "服务看不到用户主目录和临时目录（ProtectHome、PrivateTmp），以防程序缺陷读到其中内容。",
        },
        remedy: Text {
            en: "move it to /etc/cloudward, secrets into /etc/cloudward/credentials with password_credential = \"NAME\"",
            zh: "请移到 /etc/cloudward；密码、私钥放入 /etc/cloudward/credentials 并用 password_credential = \"名称\" 引用",
        },
    },
    Words {
        code: CREDENTIAL_EMPTY,
        what: Text {
            en: "the credential {name} is empty: its file is missing, or has nothing in it",
            zh: "凭据 {name} 为空：对应的文件不存在，或里面没有内容",
        },
        cause: Text {
            en: "The unit names a file for it (LoadCredential) that was not there when the service started, so that the empty stand-in came (SetCredential). Collection goes on.",
            zh: "服务启动时，单元中 LoadCredential 所指的文件不存在，因此使用了 SetCredential 的空值。采集不受影响。",
        },
        remedy: Text {
            en: "write the secret into its file, as a rule /etc/cloudward/credentials/{name} (`systemctl cat` shows where), and restart the service",
            zh: "请把密码或私钥写入对应文件，通常是 /etc/cloudward/credentials/{name}（用 systemctl cat 查看），然后重启服务",
        },
    },
    Words {
        code: METRICS_SHUT_IN,
        what: Text {
            en: "metrics are served on {address}, but the list of addresses lets this machine alone fetch them",
            zh: "指标在 {address} 上提供，但地址白名单只允许本机读取",
        },
        cause: Text {
            en: "The configuration does not say from where they are fetched, and the list holds for both directions.",
            zh: "配置中没有写明由哪台机器来读取，而白名单对进出两个方向都有效。",
        },
        remedy: Text {
            en: "give the address of the Prometheus server with --allow",
            zh: "请用 --allow 加入 Prometheus 服务器的地址",
        },
    },
];
