//! Words for troubles of `cloudward verify`: proving that what arrived is whole.

use crate::model::trouble::{Code, Text, Words};

/// The broker does not grant the subscription.
pub const LISTEN_REFUSED: Code = Code("CW800");
/// A capture cannot be read.
pub const CAPTURE_UNREADABLE: Code = Code("CW801");
/// The connection was lost before the time was up.
pub const STOPPED_EARLY: Code = Code("CW802");
/// No sink of that name in the configuration.
pub const NO_SUCH_SINK: Code = Code("CW803");
/// Something that cannot stand before a topic.
pub const BAD_TOPIC: Code = Code("CW804");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: LISTEN_REFUSED,
        what: Text {
            en: "broker {broker} does not let this user subscribe to {topic}",
            zh: "消息服务器 {broker} 不允许该用户订阅 {topic}",
        },
        cause: Text {
            en: "The login may publish only, as it should be for a gateway.",
            zh: "该账号只有发布权限，网关的账号通常就是这样设置的。",
        },
        remedy: Text {
            en: "use a login that may read (--mqtt with --user and --password-file), or let the receiving side keep a capture and check that with --capture",
            zh: "请换用有订阅权限的账号（--mqtt 加 --user、--password-file），或让接收方录制消息，再用 --capture 检查",
        },
    },
    Words {
        code: CAPTURE_UNREADABLE,
        what: Text {
            en: "the capture {path} cannot be read: {error}", zh: "无法读取录制文件 {path}：{error}"
        },
        cause: Text {
            en: "The file is missing, belongs to another user, or is no text.",
            zh: "文件不存在、属于其他用户，或不是文本文件。",
        },
        remedy: Text {
            en: "name a file that mosquitto_sub wrote with -F '%j' or -F '%t %p', or - for standard input",
            zh: "请指定由 mosquitto_sub 以 -F '%j' 或 -F '%t %p' 写出的文件，或用 - 表示标准输入",
        },
    },
    Words {
        code: STOPPED_EARLY,
        what: Text {
            en: "the connection was lost after {span}, so listening ended there; the findings below hold for what came until then",
            zh: "监听 {span} 后连接中断，监听到此为止；以下结论只针对此前收到的消息",
        },
        cause: Text {
            en: "The broker or the network went away, or another client logged in under the same name.",
            zh: "消息服务器或网络中断，或有另一个客户端以相同的名称登录。",
        },
        remedy: Text {
            en: "start again; for long times let mosquitto_sub keep a capture with a session of its own (-c -i NAME -q 1), which survives short interruptions",
            zh: "请重新运行；需要长时间检查时，可让 mosquitto_sub 以持久会话（-c -i 名称 -q 1）录制，短暂中断不会漏收",
        },
    },
    Words {
        code: NO_SUCH_SINK,
        what: Text {
            en: "there is no sink {found} in the configuration; known: {known}",
            zh: "配置中没有名为 {found} 的去向；已有：{known}",
        },
        cause: Text {
            en: "The name is misspelt, or another file is meant.", zh: "名称写错，或指的是另一个配置文件。"
        },
        remedy: Text { en: "write one of the known names", zh: "请写已有的名称之一" },
    },
    Words {
        code: BAD_TOPIC,
        what: Text { en: "{found} cannot stand before a topic", zh: "{found} 不能作为主题的开头" },
        cause: Text {
            en: "It is empty, or holds a wildcard other than a whole level +.",
            zh: "内容为空，或含有 + 整级以外的通配符。",
        },
        remedy: Text {
            en: "write the beginning of the topics, e.g. cloudward/huada/workshop-1; everything below it is heard",
            zh: "请写主题的开头，如 cloudward/huada/workshop-1；其下的全部消息都会被监听",
        },
    },
];
