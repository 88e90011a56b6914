//! Words for looking around in OPC UA servers by hand: CW628 to CW639.

use crate::model::trouble::{Code, Text, Words};

/// Ctrl-C.
pub const STOPPED: Code = Code("CW628");
/// A table has no place for names of numbers.
pub const NAMES_NOT_IN_TABLE: Code = Code("CW629");
/// A URL alone names no certificate.
pub const URL_WITHOUT_SECURITY: Code = Code("CW630");
/// A link says itself how it is protected.
pub const SECURITY_OF_LINK: Code = Code("CW631");
/// Another protocol.
pub const NOT_OPCUA: Code = Code("CW632");
/// Not the name of a node.
pub const NO_NODE: Code = Code("CW633");
/// Nothing is left.
pub const NOTHING_FITS: Code = Code("CW634");
/// As many nodes as were asked for.
pub const CUT_BY_NODES: Code = Code("CW635");
/// The time was over.
pub const CUT_BY_TIME: Code = Code("CW636");
/// Not gone into.
pub const CUT_BY_DEPTH: Code = Code("CW637");
/// Done.
pub const SNIPPET_WRITTEN: Code = Code("CW638");
/// No value.
pub const NODE_WITHOUT_VALUE: Code = Code("CW639");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: STOPPED,
        what: Text {
            en: "stopped: these are the {count} nodes that were found so far",
            zh: "已停止：以下是目前找到的 {count} 个节点",
        },
        cause: Text { en: "Somebody pressed Ctrl-C.", zh: "有人按了 Ctrl-C。" },
        remedy: Text { en: "run it again to see everything", zh: "需要全部内容时请重新运行" },
    },
    Words {
        code: NAMES_NOT_IN_TABLE,
        what: Text {
            en: "{count} tags have names for their numbers, which a table has no place for",
            zh: "{count} 个点的数值有名称，而点表写不下",
        },
        cause: Text {
            en: "The values of an enumeration stand in `values` of a tag, and a tags_file has no such column.",
            zh: "枚举值写在点的 values 中，点表没有这一列。",
        },
        remedy: Text {
            en: "write --output NAME.toml to have them, or take their tags from there",
            zh: "需要名称时请写 --output NAME.toml，或从中取这些点",
        },
    },
    Words {
        code: URL_WITHOUT_SECURITY,
        what: Text {
            en: "{url} is in no file, so nobody has confirmed its certificate",
            zh: "{url} 不在配置文件中，没有人确认过它的证书",
        },
        cause: Text {
            en: "With security a server is only talked to after a person has compared its certificate, which is kept for a link.",
            zh: "启用安全时，须先由人核对服务器证书，而证书按链路保存。",
        },
        remedy: Text {
            en: "add --security none to look around without any, or write a link into the file and run `cloudward trust`",
            zh: "可加 --security none 不加密地浏览；或在配置中建立链路，再运行 cloudward trust",
        },
    },
    Words {
        code: SECURITY_OF_LINK,
        what: Text {
            en: "--security is for a URL, and `{link}` is the name of a link",
            zh: "--security 只用于直接写地址，而 `{link}` 是链路名称",
        },
        cause: Text {
            en: "How a link is protected stands in the configuration.", zh: "链路的安全方式由配置决定。"
        },
        remedy: Text { en: "leave --security away", zh: "请去掉 --security" },
    },
    Words {
        code: NOT_OPCUA,
        what: Text {
            en: "link `{link}` ({endpoint}) does not speak OPC UA",
            zh: "链路 `{link}`（{endpoint}）不是 OPC UA",
        },
        cause: Text {
            en: "Only OPC UA servers say themselves what they have.",
            zh: "只有 OPC UA 服务器能自述其内容。",
        },
        remedy: Text {
            en: "name an OPC UA link; for a Modbus device without a manual there is `cloudward probe`",
            zh: "请写 OPC UA 链路；没有手册的 Modbus 设备请用 cloudward probe",
        },
    },
    Words {
        code: NO_NODE,
        what: Text { en: "`{found}` is no node of an OPC UA server", zh: "`{found}` 不是 OPC UA 节点的写法" },
        cause: Text {
            en: "A node has a namespace and an identifier: i= is a number, s= a text, g= a GUID, b= Base64.",
            zh: "节点由命名空间和标识组成：i= 数字，s= 文本，g= GUID，b= Base64。",
        },
        remedy: Text {
            en: "write e.g. nsu=http://maker/;s=Machine.Speed, ns=2;s=Machine.Speed or i=85, in quotes since ; ends a command",
            zh: "请写如 nsu=http://maker/;s=Machine.Speed、ns=2;s=Machine.Speed 或 i=85，并加引号（; 会截断命令）",
        },
    },
    Words {
        code: NOTHING_FITS,
        what: Text {
            en: "none of the {count} values at {endpoint} fits",
            zh: "{endpoint} 的 {count} 个值中没有符合条件的",
        },
        cause: Text {
            en: "The pattern is written otherwise than the names, or the values are of another type or lie deeper.",
            zh: "条件与名称不符、类型不同，或所在层次更深。",
        },
        remedy: Text {
            en: "try a shorter pattern, without * for a part of the name, leave --type away, or raise --depth",
            zh: "请用更短的条件（不带 * 表示名称的一部分），去掉 --type，或增大 --depth",
        },
    },
    Words {
        code: CUT_BY_NODES,
        what: Text {
            en: "ended after {count} nodes: there are more",
            zh: "已达 {count} 个节点，提前结束：还有更多内容",
        },
        cause: Text {
            en: "The server has more nodes than --max-nodes.", zh: "服务器的节点数超过 --max-nodes。"
        },
        remedy: Text {
            en: "raise --max-nodes, or begin further down with --from NODEID",
            zh: "请增大 --max-nodes，或用 --from 从更下层开始",
        },
    },
    Words {
        code: CUT_BY_TIME,
        what: Text {
            en: "ended after {time}: there is more", zh: "已用时 {time}，提前结束：还有更多内容"
        },
        cause: Text { en: "The server is slow or large.", zh: "服务器响应慢或内容多。" },
        remedy: Text {
            en: "raise --max-time, or begin further down with --from NODEID",
            zh: "请增大 --max-time，或用 --from 从更下层开始",
        },
    },
    Words {
        code: CUT_BY_DEPTH,
        what: Text {
            en: "not shown, since they lie deeper than {depth} steps: {count} nodes",
            zh: "有 {count} 个节点在第 {depth} 层以下，未显示",
        },
        cause: Text {
            en: "Machines are seldom built deeper; some servers go round in circles.",
            zh: "设备的层次很少这么深；有的服务器层层嵌套。",
        },
        remedy: Text {
            en: "raise --depth, or begin further down with --from NODEID",
            zh: "请增大 --depth，或用 --from 从更下层开始",
        },
    },
    Words {
        code: SNIPPET_WRITTEN,
        what: Text {
            en: "{path}: {tags} tags written, {count} values left out",
            zh: "{path}：写入 {tags} 个点，略去 {count} 个值",
        },
        cause: Text {
            en: "Values that cannot be read, or whose type or name a tag cannot have, are left out.",
            zh: "不可读的、类型或名称无法成为点的值被略去。",
        },
        remedy: Text {
            en: "take out what is not needed, then run `cloudward check`",
            zh: "请删去不需要的点，再运行 cloudward check",
        },
    },
    Words {
        code: NODE_WITHOUT_VALUE,
        what: Text { en: "{node} has no value: {found} ({status})", zh: "{node} 没有值：{found}（{status}）" },
        cause: Text {
            en: "The node does not exist, this user may not read it, the server has no value of it, or the type is another one.",
            zh: "节点不存在、该用户无权读取、服务器暂无其值，或类型不符。",
        },
        remedy: Text {
            en: "compare it with `cloudward browse`; leave the type away to see what it is",
            zh: "请用 cloudward browse 核对；不写类型可查看实际类型",
        },
    },
];
