//! Words for troubles of `cloudward journal`: looking into it, changing it by hand, and carrying its content in a file.

use crate::model::trouble::{Code, Text, Words};

/// A file was delivered in part.
pub const IMPORT_STOPPED: Code = Code("CW805");
/// Messages of a file that a sink cannot take.
pub const MESSAGES_REFUSED: Code = Code("CW806");
/// This file was delivered before.
pub const ALREADY_DELIVERED: Code = Code("CW807");
/// Not a fingerprint.
pub const BAD_FINGERPRINT: Code = Code("CW808");
/// No such record in quarantine.
pub const NOT_IN_QUARANTINE: Code = Code("CW809");
/// There is no journal yet.
pub const NO_JOURNAL: Code = Code("CW810");
/// A sink that the journal does not know.
pub const NO_CURSOR: Code = Code("CW811");
/// A sink that is still configured.
pub const SINK_CONFIGURED: Code = Code("CW812");
/// The agent works on the journal.
pub const AGENT_RUNS: Code = Code("CW813");
/// Nobody can be asked.
pub const UNASKED: Code = Code("CW814");
/// Somebody was asked and said no.
pub const DECLINED: Code = Code("CW815");
/// Not a file of ours.
pub const NOT_A_PARCEL: Code = Code("CW816");
/// Of a version that this program does not know.
pub const PARCEL_NEWER: Code = Code("CW817");
/// No identity was given for an encrypted file.
pub const PARCEL_ENCRYPTED: Code = Code("CW818");
/// No identity opens an encrypted file.
pub const NO_KEY_FITS: Code = Code("CW819");
/// A file ends before its end.
pub const PARCEL_CUT_OFF: Code = Code("CW820");
/// A file is not what was signed.
pub const PARCEL_DAMAGED: Code = Code("CW821");
/// The signature is not that of the key it names.
pub const PARCEL_FORGED: Code = Code("CW822");
/// Signed by a key that is not trusted here.
pub const UNKNOWN_SIGNER: Code = Code("CW823");
/// A file cannot be read or written.
pub const FILE_TROUBLE: Code = Code("CW824");
/// Not a recipient of age.
pub const BAD_RECIPIENT: Code = Code("CW825");
/// Not a moment.
pub const BAD_MOMENT: Code = Code("CW826");
/// A file that no scope was applied to.
pub const EVERYTHING: Code = Code("CW827");
/// The gateway's own key cannot be used.
pub const KEY_UNUSABLE: Code = Code("CW828");
/// Not a file with identities.
pub const BAD_IDENTITY: Code = Code("CW829");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: IMPORT_STOPPED,
        what: Text {
            en: "{done} of {total} messages of {path} were delivered, then the broker was lost",
            zh: "{path} 的 {total} 条消息已送出 {done} 条，随后与消息服务器的连接中断",
        },
        cause: Text {
            en: "The broker or the line to it went away, or it does not acknowledge.",
            zh: "消息服务器或线路中断，或服务器没有确认。",
        },
        remedy: Text {
            en: "run the same command again: it goes on where it stopped, and what comes twice carries the same identity",
            zh: "请再次运行同一命令：会从中断处继续，重复送出的消息带有相同的标识",
        },
    },
    Words {
        code: MESSAGES_REFUSED,
        what: Text {
            en: "{count} messages of {path} were not delivered: they are larger than max_message of the sink allows, or have no valid topic",
            zh: "{path} 中有 {count} 条消息未送出：超过该去向 max_message 的限制，或主题无效",
        },
        cause: Text {
            en: "The gateway that wrote the file allows larger messages than this one.",
            zh: "写出该文件的网关允许的消息比本机更大。",
        },
        remedy: Text {
            en: "set max_message of this sink as high as at the gateway and import with --again",
            zh: "请把该去向的 max_message 调到与那台网关一致，再用 --again 导入",
        },
    },
    Words {
        code: ALREADY_DELIVERED,
        what: Text {
            en: "{path} was delivered completely before, to sink {sink}",
            zh: "{path} 此前已完整送往去向 {sink}",
        },
        cause: Text { en: "The same memory stick was plugged in twice.", zh: "同一个 U 盘插了两次。" },
        remedy: Text {
            en: "nothing is to be done; --again sends it once more", zh: "无需处理；确需重发请加 --again"
        },
    },
    Words {
        code: BAD_FINGERPRINT,
        what: Text {
            en: "{found} is neither a fingerprint nor a public key", zh: "{found} 既不是指纹也不是公钥"
        },
        cause: Text {
            en: "A digit is missing, or something else was copied.", zh: "缺少字符，或复制了别的内容。"
        },
        remedy: Text {
            en: "write what `cloudward journal key` shows at the gateway: 32 or 64 hexadecimal digits",
            zh: "请填写该网关上 `cloudward journal key` 显示的内容：32 或 64 位十六进制数字",
        },
    },
    Words {
        code: NOT_IN_QUARANTINE,
        what: Text {
            en: "no readable record {found} of sink {sink} is in quarantine",
            zh: "隔离区中没有去向 {sink} 的可读记录 {found}",
        },
        cause: Text {
            en: "The position is wrong, or newer records pushed it out.",
            zh: "序号写错，或已被更新的记录挤出。",
        },
        remedy: Text {
            en: "look with `cloudward journal quarantine list`",
            zh: "请用 `cloudward journal quarantine list` 查看",
        },
    },
    Words {
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
    },
    Words {
        code: NO_CURSOR,
        what: Text {
            en: "the journal knows no sink {sink}; known: {known}",
            zh: "日志库中没有去向 {sink}；已有：{known}",
        },
        cause: Text {
            en: "The name is misspelt, or the sink was forgotten before.",
            zh: "名称写错，或该去向此前已被清除。",
        },
        remedy: Text { en: "look with `cloudward journal status`", zh: "请用 `cloudward journal status` 查看" },
    },
    Words {
        code: SINK_CONFIGURED,
        what: Text { en: "sink {sink} still stands in {path}", zh: "去向 {sink} 仍在 {path} 中" },
        cause: Text {
            en: "A sink that is configured gets a new place at the next start, and everything that is stored once more.",
            zh: "仍在配置中的去向，下次启动时会从头开始，把已存的数据全部重发一遍。",
        },
        remedy: Text {
            en: "take its [[sink]] out of the file first", zh: "请先从该文件中删去对应的 [[sink]]"
        },
    },
    Words {
        code: AGENT_RUNS,
        what: Text {
            en: "the agent works on the journal in {path}, so nothing is changed there",
            zh: "采集程序正在使用 {path} 中的日志库，因此不作改动",
        },
        cause: Text {
            en: "Only one program at a time may change a journal.",
            zh: "同一时间只能有一个程序改动日志库。",
        },
        remedy: Text {
            en: "to give up a sink, take it out of the configuration and reload (`systemctl reload cloudward`): the agent then forgets it by itself; for anything else stop the agent first",
            zh: "要清除去向，请从配置中删去它并重新加载（`systemctl reload cloudward`），程序会自行清除；其他改动请先停止采集程序",
        },
    },
    Words {
        code: UNASKED,
        what: Text {
            en: "this needs a yes, and there is nobody to ask", zh: "此操作需要确认，但没有终端可供询问"
        },
        cause: Text {
            en: "The command runs without a terminal, in a script for instance.",
            zh: "命令不在终端中运行，例如在脚本里。",
        },
        remedy: Text { en: "add --yes if it is meant", zh: "确认无误请加 --yes" },
    },
    Words {
        code: DECLINED,
        what: Text { en: "nothing was changed", zh: "未作任何改动" },
        cause: Text { en: "The question was not answered with yes.", zh: "回答不是 yes。" },
        remedy: Text {
            en: "run the command again and answer yes if it is meant", zh: "确需执行请重新运行并输入 yes"
        },
    },
    Words {
        code: NOT_A_PARCEL,
        what: Text { en: "{path} is no courier file", zh: "{path} 不是信使文件" },
        cause: Text {
            en: "Another file was named, or the first bytes were overwritten.",
            zh: "指定了别的文件，或文件开头被覆盖。",
        },
        remedy: Text {
            en: "name a file that `cloudward journal export` wrote",
            zh: "请指定由 `cloudward journal export` 写出的文件",
        },
    },
    Words {
        code: PARCEL_NEWER,
        what: Text {
            en: "{path} has version {found}, this program knows version 1",
            zh: "{path} 的版本是 {found}，本程序只认识版本 1",
        },
        cause: Text { en: "A newer cloudward wrote it.", zh: "该文件由更新版本的 cloudward 写出。" },
        remedy: Text {
            en: "install the same version here as at the gateway", zh: "请在本机安装与网关相同的版本"
        },
    },
    Words {
        code: PARCEL_ENCRYPTED,
        what: Text { en: "{path} is encrypted", zh: "{path} 已加密" },
        cause: Text { en: "It was exported with --recipient.", zh: "导出时使用了 --recipient。" },
        remedy: Text {
            en: "name the identity of one of its recipients with --identity",
            zh: "请用 --identity 指定某个接收者的身份文件",
        },
    },
    Words {
        code: NO_KEY_FITS,
        what: Text { en: "none of the identities opens {path}", zh: "所给身份均无法打开 {path}" },
        cause: Text { en: "It was encrypted for somebody else.", zh: "该文件是为其他接收者加密的。" },
        remedy: Text {
            en: "use the identity whose age1... was given to --recipient at the export, or export again",
            zh: "请使用导出时 --recipient 所填 age1... 对应的身份，或重新导出",
        },
    },
    Words {
        code: PARCEL_CUT_OFF,
        what: Text { en: "{path} ends before its end", zh: "{path} 不完整，提前结束" },
        cause: Text {
            en: "The copy was broken off, or the memory stick was pulled out too early.",
            zh: "拷贝中断，或 U 盘拔得过早。",
        },
        remedy: Text {
            en: "copy it again from where it was written; nothing of it was used",
            zh: "请从写出的位置重新拷贝；该文件未被使用",
        },
    },
    Words {
        code: PARCEL_DAMAGED,
        what: Text {
            en: "{path} is damaged: its content is not what was signed",
            zh: "{path} 已损坏：内容与签名时不符",
        },
        cause: Text {
            en: "A failing memory stick changed it, or somebody did.",
            zh: "U 盘故障改变了内容，或被人改动过。",
        },
        remedy: Text {
            en: "copy it again; if that does not help, export again onto another stick",
            zh: "请重新拷贝；仍不行则换一个 U 盘重新导出",
        },
    },
    Words {
        code: PARCEL_FORGED,
        what: Text { en: "the signature of {path} is false", zh: "{path} 的签名不正确" },
        cause: Text {
            en: "Somebody changed the file, or made one in a gateway's name.",
            zh: "文件被人改动，或有人冒用网关名义制作。",
        },
        remedy: Text {
            en: "do not use it; export again at the gateway, and ask who had the file in hands",
            zh: "请勿使用；在网关上重新导出，并查明文件经过谁的手",
        },
    },
    Words {
        code: UNKNOWN_SIGNER,
        what: Text {
            en: "{path} is signed by a gateway that is not trusted here: it says it is {workshop}, and its key is {fingerprint}",
            zh: "{path} 的签名网关尚未被本机信任：它自称 {workshop}，密钥指纹 {fingerprint}",
        },
        cause: Text {
            en: "It is the first file of this gateway, or it is from another one.",
            zh: "这是该网关的第一个文件，或来自别的网关。",
        },
        remedy: Text {
            en: "compare the fingerprint with what `cloudward journal key` shows at the gateway; if they are the same, add --trust {fingerprint}",
            zh: "请与该网关上 `cloudward journal key` 显示的指纹核对；一致则加 --trust {fingerprint}",
        },
    },
    Words {
        code: FILE_TROUBLE,
        what: Text { en: "{path} cannot be used: {error}", zh: "{path} 无法使用：{error}" },
        cause: Text {
            en: "The file is missing, belongs to another user, or the medium is full or failing.",
            zh: "文件不存在、属于其他用户，或存储介质已满或故障。",
        },
        remedy: Text {
            en: "look at the path, the rights and the free space", zh: "请检查路径、权限和剩余空间"
        },
    },
    Words {
        code: BAD_RECIPIENT,
        what: Text { en: "{found} is no recipient", zh: "{found} 不是有效的接收者" },
        cause: Text {
            en: "A letter is wrong, or it is of another kind than X25519.",
            zh: "有字符写错，或不是 X25519 类型。",
        },
        remedy: Text {
            en: "write the age1... that `cloudward journal identity` or age-keygen printed",
            zh: "请写 `cloudward journal identity` 或 age-keygen 给出的 age1...",
        },
    },
    Words {
        code: BAD_MOMENT,
        what: Text { en: "{found} is no moment", zh: "{found} 不是有效的时间" },
        cause: Text {
            en: "It is neither a date nor a time before now.", zh: "既不是日期，也不是距今多久。"
        },
        remedy: Text {
            en: "write e.g. 2026-01-31, \"2026-01-31 08:00\" (time of the workshop), or 2h for two hours ago",
            zh: "请写如 2026-01-31、\"2026-01-31 08:00\"（车间当地时间），或 2h 表示两小时前",
        },
    },
    Words {
        code: EVERYTHING,
        what: Text {
            en: "{path} holds everything that the journal had, not only what a sink may send",
            zh: "{path} 包含日志库中的全部数据，而不只是某个去向允许外送的内容",
        },
        cause: Text { en: "It was exported without --sink.", zh: "导出时没有使用 --sink。" },
        remedy: Text {
            en: "export with --sink, or add --all if all of it may go to this broker",
            zh: "请用 --sink 重新导出；确认全部数据都可送往该服务器时请加 --all",
        },
    },
    Words {
        code: KEY_UNUSABLE,
        what: Text { en: "the key {path} cannot be used: {error}", zh: "密钥 {path} 无法使用：{error}" },
        cause: Text {
            en: "It belongs to another user, or the file is damaged.", zh: "该文件属于其他用户，或已损坏。"
        },
        remedy: Text {
            en: "run the command as the user of the agent; a damaged key must be removed, and the new one trusted again wherever files are imported",
            zh: "请以采集程序的用户运行；密钥损坏时须删除，并在所有导入的地方重新信任新密钥",
        },
    },
    Words {
        code: BAD_IDENTITY,
        what: Text {
            en: "{path} holds no identity, or a line that is none",
            zh: "{path} 中没有身份，或有一行不是身份",
        },
        cause: Text { en: "Another file was named.", zh: "指定了别的文件。" },
        remedy: Text {
            en: "name a file that `cloudward journal identity` or age-keygen wrote",
            zh: "请指定由 `cloudward journal identity` 或 age-keygen 写出的文件",
        },
    },
];
