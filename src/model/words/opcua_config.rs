//! Words for mistakes in what a configuration says of OPC UA, and in what is asked of such a link: CW701 to CW749.

use crate::model::trouble::{Code, Text, Words};

/// OPC UA is left out of this build.
pub const NOT_BUILT: Code = Code("CW701");
/// Not the URL of a server.
pub const BAD_URL: Code = Code("CW702");
/// A policy that rests on SHA-1.
pub const OLD_POLICY: Code = Code("CW703");
/// A policy where nothing is protected.
pub const POLICY_WITHOUT_SECURITY: Code = Code("CW704");
/// A key of other protocols.
pub const KEY_OF_OTHERS: Code = Code("CW705");
/// A key of OPC UA where there is none.
pub const KEY_ELSEWHERE: Code = Code("CW706");
/// Both a user name and a certificate of the user.
pub const USER_AND_CERTIFICATE: Code = Code("CW707");
/// A password that everybody on the way could read.
pub const PASSWORD_READABLE: Code = Code("CW708");
/// A user without a password.
pub const USER_WITHOUT_PASSWORD: Code = Code("CW709");
/// A password without a user.
pub const PASSWORD_WITHOUT_USER: Code = Code("CW710");
/// A certificate of the user without its key.
pub const CERTIFICATE_WITHOUT_KEY: Code = Code("CW711");
/// A key without the certificate of the user.
pub const KEY_WITHOUT_CERTIFICATE: Code = Code("CW712");
/// Not a node.
pub const BAD_NODE: Code = Code("CW713");
/// Not a number of a namespace.
pub const BAD_NAMESPACE: Code = Code("CW714");
/// Not a URI of a namespace.
pub const BAD_NAMESPACE_URI: Code = Code("CW715");
/// Not a numeric identifier.
pub const BAD_NODE_NUMBER: Code = Code("CW716");
/// Not a textual identifier.
pub const BAD_NODE_TEXT: Code = Code("CW717");
/// Not a GUID.
pub const BAD_NODE_GUID: Code = Code("CW718");
/// Not an opaque identifier.
pub const BAD_NODE_OPAQUE: Code = Code("CW719");
/// The null node.
pub const NULL_NODE: Code = Code("CW720");
/// A Modbus address on an OPC UA device.
pub const ADDRESS_OF_MODBUS: Code = Code("CW721");
/// A node on a device that has no OPC UA server.
pub const ADDRESS_OF_OPCUA: Code = Code("CW722");
/// Not an index range.
pub const BAD_INDEX: Code = Code("CW723");
/// A deadband of a range that nobody knows.
pub const NO_RANGE: Code = Code("CW724");
/// A tag of an OPC UA server to be written.
pub const ONLY_READ: Code = Code("CW725");
/// A key of subscribed tags on one that is not.
pub const NOT_SUBSCRIBED: Code = Code("CW726");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NOT_BUILT,
        what: Text {
            en: "`{key}`: this build of cloudward has no OPC UA", zh: "`{key}`：此程序编译时未包含 OPC UA"
        },
        cause: Text {
            en: "OPC UA can be left out to make the program smaller, and it was.",
            zh: "为减小体积，编译时可以去掉 OPC UA 功能，这个程序就是如此。",
        },
        remedy: Text {
            en: "install a build that has it (cargo feature `opcua`, which is on by default), or take the link and its devices away",
            zh: "请换用包含 OPC UA 的版本（编译特性 opcua，默认开启），或删去该链路及其设备",
        },
    },
    Words {
        code: BAD_URL,
        what: Text {
            en: "`{key}` is \"{found}\", which is no URL of an OPC UA server",
            zh: "`{key}` 的值 \"{found}\" 不是 OPC UA 服务器地址",
        },
        cause: Text {
            en: "The URL begins with opc.tcp://, then come host, port and sometimes a path; user and password have keys of their own. OPC UA over HTTPS and OPC Classic (DA) are not spoken.",
            zh: "地址以 opc.tcp:// 开头，后接主机、端口，有的还有路径；用户名和密码另有配置项。不支持 opc.https，也不支持经典 OPC（DA）。",
        },
        remedy: Text { en: "write e.g. opcua = \"{example}\"", zh: "例如写 opcua = \"{example}\"" },
    },
    Words {
        code: OLD_POLICY,
        what: Text {
            en: "`{key}` is {found}, which is broken: it rests on SHA-1",
            zh: "`{key}` 的值 {found} 已不安全：它依赖 SHA-1",
        },
        cause: Text {
            en: "The OPC Foundation withdrew Basic128Rsa15 and Basic256 in 2017: who records the connection may read and forge it.",
            zh: "OPC 基金会已于 2017 年废止 Basic128Rsa15 和 Basic256：用它们加密的连接可能被破解或伪造。",
        },
        remedy: Text {
            en: "write one of: {known}, and switch it on in the server; a server that has none of them needs an update",
            zh: "可写：{known}，并在服务器中启用；若服务器一个都没有，请升级其固件或软件",
        },
    },
    Words {
        code: POLICY_WITHOUT_SECURITY,
        what: Text {
            en: "`{key}` has no effect with security = \"none\"",
            zh: "security 为 \"none\" 时 `{key}` 不起作用",
        },
        cause: Text {
            en: "A policy says how messages are signed and encrypted, and here they are neither.",
            zh: "安全策略规定如何签名和加密，而这里既不签名也不加密。",
        },
        remedy: Text {
            en: "take it away, or write security = \"sign_and_encrypt\"",
            zh: "请删去，或改写 security = \"sign_and_encrypt\"",
        },
    },
    Words {
        code: KEY_OF_OTHERS,
        what: Text { en: "`{key}` has no effect with OPC UA", zh: "`{key}` 对 OPC UA 不起作用" },
        cause: Text {
            en: "It concerns Modbus or DL/T 645; an OPC UA server knows the type and order of its values and is asked by the names of nodes.",
            zh: "该项只用于 Modbus 或 DL/T 645；OPC UA 服务器自己知道数据的类型和字节序，按节点访问。",
        },
        remedy: Text { en: "take it away", zh: "请删去" },
    },
    Words {
        code: KEY_ELSEWHERE,
        what: Text {
            en: "`{key}` only concerns OPC UA, which is not spoken here",
            zh: "`{key}` 只用于 OPC UA，而这里不是",
        },
        cause: Text {
            en: "It belongs to links with `opcua`, to devices behind them, and to their tags.",
            zh: "该项只用于写了 opcua 的链路、其后的设备及其点。",
        },
        remedy: Text {
            en: "take it away, or give the [[link]] e.g. opcua = \"opc.tcp://192.168.1.20:4840\"",
            zh: "请删去；若对方是 OPC UA 服务器，请在 [[link]] 中写 opcua = \"opc.tcp://192.168.1.20:4840\"",
        },
    },
    Words {
        code: USER_AND_CERTIFICATE,
        what: Text { en: "`{key}` and `user` cannot both be given", zh: "`{key}` 与 `user` 不能同时写" },
        cause: Text {
            en: "A session has one user: a name with a password, or a certificate, or nobody in particular.",
            zh: "一个会话只有一种身份：用户名加密码、用户证书，或匿名。",
        },
        remedy: Text {
            en: "keep `user` with its password, or `user_cert_file` with its key",
            zh: "请只保留 user 及其密码，或 user_cert_file 及其私钥",
        },
    },
    Words {
        code: PASSWORD_READABLE,
        what: Text {
            en: "`{key}`: with security = \"none\" the password could be read by everyone on the way to {host}",
            zh: "`{key}`：security 为 \"none\" 时，到 {host} 途中的任何人都能读到密码",
        },
        cause: Text {
            en: "Nothing is encrypted without security, and who has the password has the server.",
            zh: "不启用安全就没有加密；谁拿到密码，谁就能登录服务器。",
        },
        remedy: Text {
            en: "write security = \"sign_and_encrypt\" and switch it on in the server; or take user and password away and allow anonymous reading there",
            zh: "请写 security = \"sign_and_encrypt\" 并在服务器中启用；或删去用户名和密码，在服务器中允许匿名读取",
        },
    },
    Words {
        code: USER_WITHOUT_PASSWORD,
        what: Text { en: "`{key}` is given without a password", zh: "写了 `{key}`，但没有密码" },
        cause: Text {
            en: "A server believes a name only with its password.", zh: "服务器要凭密码才认用户名。"
        },
        remedy: Text {
            en: "add password_file = \"PATH\", password_credential = \"NAME\" or password_env = \"NAME\"; or take `{key}` away to ask as nobody in particular",
            zh: "请加上 password_file = \"路径\"、password_credential = \"名称\" 或 password_env = \"变量名\"；若要匿名访问，请删去 `{key}`",
        },
    },
    Words {
        code: PASSWORD_WITHOUT_USER,
        what: Text { en: "`{key}` is missing, but a password is given", zh: "写了密码却没有 `{key}`" },
        cause: Text { en: "A password belongs to a name.", zh: "密码要与用户名一起使用。" },
        remedy: Text {
            en: "add user = \"...\", or take the password away", zh: "请加上 user = \"...\"，或删去密码"
        },
    },
    Words {
        code: CERTIFICATE_WITHOUT_KEY,
        what: Text { en: "`{key}` is given without its private key", zh: "写了 `{key}`，但没有对应的私钥" },
        cause: Text {
            en: "The user proves with the key that the certificate is theirs.",
            zh: "用户要用私钥证明证书属于自己。",
        },
        remedy: Text {
            en: "add user_key_file = \"PATH\", user_key_credential = \"NAME\" or user_key_env = \"NAME\"",
            zh: "请加上 user_key_file = \"路径\"、user_key_credential = \"名称\" 或 user_key_env = \"变量名\"",
        },
    },
    Words {
        code: KEY_WITHOUT_CERTIFICATE,
        what: Text { en: "`{key}` is missing, but its private key is given", zh: "写了私钥，但缺少 `{key}`" },
        cause: Text {
            en: "The key of a user is used together with the user's certificate. The certificate of cloudward itself needs no key here.",
            zh: "用户私钥要与用户证书一起使用。cloudward 自身的证书不在这里配置。",
        },
        remedy: Text {
            en: "add user_cert_file = \"PATH\", or take the key away",
            zh: "请加上 user_cert_file = \"路径\"，或删去私钥",
        },
    },
    Words {
        code: BAD_NODE,
        what: Text {
            en: "`{key}` is \"{found}\", which is no node id: i=, s=, g= or b= is missing",
            zh: "`{key}` 的值 \"{found}\" 不是节点标识：缺少 i=、s=、g= 或 b=",
        },
        cause: Text {
            en: "A node id is a namespace (ns= or nsu=, then a semicolon) and an identifier: i= number, s= text, g= GUID, b= Base64, all in small letters.",
            zh: "节点标识由命名空间（ns= 或 nsu=，后接分号）和标识符组成：i= 数字，s= 文本，g= GUID，b= Base64；均为小写。",
        },
        remedy: Text {
            en: "copy it from the server or an OPC UA client, e.g. \"ns=2;s=Channel1.Device1.Tag1\", \"nsu=http://maker.com/machine/;i=1001\"",
            zh: "请从服务器或 OPC UA 客户端工具中复制，例如 \"ns=2;s=Channel1.Device1.Tag1\"、\"nsu=http://maker.com/machine/;i=1001\"",
        },
    },
    Words {
        code: BAD_NAMESPACE,
        what: Text {
            en: "`{key}` is \"{found}\": what follows ns= is no number from 0 to 65535",
            zh: "`{key}` 的值 \"{found}\" 中，ns= 后面不是 0 到 65535 的数字",
        },
        cause: Text {
            en: "ns= takes the place of a namespace in the server's table, nsu= takes its URI; a semicolon follows.",
            zh: "ns= 后写命名空间在服务器表中的序号，nsu= 后写命名空间 URI；之后都要有分号。",
        },
        remedy: Text {
            en: "write e.g. \"ns=2;s=Tag1\" or \"nsu=http://maker.com/machine/;s=Tag1\"",
            zh: "例如写 \"ns=2;s=Tag1\" 或 \"nsu=http://maker.com/machine/;s=Tag1\"",
        },
    },
    Words {
        code: BAD_NAMESPACE_URI,
        what: Text {
            en: "`{key}` is \"{found}\": nsu= is not followed by a URI, a semicolon and an identifier",
            zh: "`{key}` 的值 \"{found}\" 中，nsu= 后面应依次为 URI、分号、标识符",
        },
        cause: Text {
            en: "The first semicolon ends the URI; one that belongs to it is written %3B. Blanks do not belong in a URI.",
            zh: "遇到第一个分号 URI 即结束；URI 本身含有的分号要写成 %3B。URI 中不能有空格。",
        },
        remedy: Text {
            en: "write e.g. \"nsu=http://maker.com/machine/;s=Tag1\"",
            zh: "例如写 \"nsu=http://maker.com/machine/;s=Tag1\"",
        },
    },
    Words {
        code: BAD_NODE_NUMBER,
        what: Text {
            en: "`{key}` is \"{found}\": what follows i= is no number from 0 to 4294967295",
            zh: "`{key}` 的值 \"{found}\" 中，i= 后面不是 0 到 4294967295 的数字",
        },
        cause: Text {
            en: "i= is for numbers, in decimal digits; names follow s=.",
            zh: "i= 后面只能是十进制数字；名称要用 s=。",
        },
        remedy: Text {
            en: "write e.g. \"ns=2;i=1001\" or \"ns=2;s=Tag1\"",
            zh: "例如写 \"ns=2;i=1001\" 或 \"ns=2;s=Tag1\"",
        },
    },
    Words {
        code: BAD_NODE_TEXT,
        what: Text {
            en: "`{key}` is \"{found}\": what follows s= is empty, longer than 4096 characters, or has control characters in it",
            zh: "`{key}` 的值 \"{found}\" 中，s= 后面为空、超过 4096 个字符或含有控制字符",
        },
        cause: Text {
            en: "Everything behind s= is the name, with blanks, quotes and semicolons; case counts.",
            zh: "s= 之后的全部内容都是名称，包括空格、引号和分号，并区分大小写。",
        },
        remedy: Text {
            en: "write e.g. \"ns=2;s=Channel1.Device1.Tag1\"; a name with double quotes stands in single ones: 'ns=3;s=\"DB\".\"x\"'",
            zh: "例如写 \"ns=2;s=Channel1.Device1.Tag1\"；名称里有双引号时外面用单引号：'ns=3;s=\"DB\".\"x\"'",
        },
    },
    Words {
        code: BAD_NODE_GUID,
        what: Text {
            en: "`{key}` is \"{found}\": what follows g= is no GUID",
            zh: "`{key}` 的值 \"{found}\" 中，g= 后面不是 GUID",
        },
        cause: Text {
            en: "A GUID has 8, 4, 4, 4 and 12 hexadecimal digits with hyphens between, without braces.",
            zh: "GUID 为 8-4-4-4-12 位十六进制数字，中间用连字符，不带花括号。",
        },
        remedy: Text {
            en: "write e.g. \"ns=2;g=09087e75-8e5e-499b-954f-f2a9603db28a\"",
            zh: "例如写 \"ns=2;g=09087e75-8e5e-499b-954f-f2a9603db28a\"",
        },
    },
    Words {
        code: BAD_NODE_OPAQUE,
        what: Text {
            en: "`{key}` is \"{found}\": what follows b= is no Base64 of 1 to 4096 bytes",
            zh: "`{key}` 的值 \"{found}\" 中，b= 后面不是 1 到 4096 字节的 Base64",
        },
        cause: Text {
            en: "Opaque identifiers are bytes, written in Base64: letters, digits, + and /.",
            zh: "不透明标识符是一串字节，用 Base64 书写：字母、数字、+ 和 /。",
        },
        remedy: Text {
            en: "copy it from the server, e.g. \"ns=1;b=M/RbKBsRVkePCePcx24oRA==\"",
            zh: "请从服务器中复制，例如 \"ns=1;b=M/RbKBsRVkePCePcx24oRA==\"",
        },
    },
    Words {
        code: NULL_NODE,
        what: Text {
            en: "`{key}` is \"{found}\", the null node, which no server has",
            zh: "`{key}` 的值 \"{found}\" 是空节点，任何服务器都没有",
        },
        cause: Text {
            en: "Identifier 0 of namespace 0 means: no node.", zh: "命名空间 0 的标识符 0 表示“没有节点”。"
        },
        remedy: Text {
            en: "write the node that is meant, e.g. \"ns=2;s=Tag1\"",
            zh: "请写要读的节点，例如 \"ns=2;s=Tag1\"",
        },
    },
    Words {
        code: ADDRESS_OF_MODBUS,
        what: Text {
            en: "`{key}` is {found}, an address of Modbus or of a PLC's program, but an OPC UA server is asked",
            zh: "`{key}` 的值 {found} 是 Modbus 地址或 PLC 程序里的地址，但这里访问的是 OPC UA 服务器",
        },
        cause: Text {
            en: "A server knows its values by the names of nodes, whatever their registers are.",
            zh: "服务器按节点提供数据，与寄存器地址无关。",
        },
        remedy: Text {
            en: "write the node id, e.g. \"ns=2;s=Channel1.Device1.Tag1\"; or give the device a Modbus link",
            zh: "请写节点标识，例如 \"ns=2;s=Channel1.Device1.Tag1\"；或给设备换一条 Modbus 链路",
        },
    },
    Words {
        code: ADDRESS_OF_OPCUA,
        what: Text {
            en: "`{key}` is {found}, a node of an OPC UA server, but the link of this device is none",
            zh: "`{key}` 的值 {found} 是 OPC UA 节点，但本设备的链路不是 OPC UA",
        },
        cause: Text {
            en: "Which protocol is spoken depends on the link of a device.",
            zh: "设备用什么协议，取决于它的链路。",
        },
        remedy: Text {
            en: "name a [[link]] with opcua = \"opc.tcp://...\" as the `link` of the [[device]], or write an address of its protocol",
            zh: "请让 [[device]] 的 link 指向写了 opcua = \"opc.tcp://...\" 的 [[link]]，或按其协议改写地址",
        },
    },
    Words {
        code: BAD_INDEX,
        what: Text {
            en: "`{key}` is \"{found}\", which is no index range",
            zh: "`{key}` 的值 \"{found}\" 不是下标范围",
        },
        cause: Text {
            en: "Elements of an array are counted from 0; a range is first:last with the smaller number first, dimensions are separated by commas.",
            zh: "数组元素从 0 起算；范围写作 起:止，小的在前，多维用逗号分隔。",
        },
        remedy: Text {
            en: "write e.g. index = \"3\" (one element), \"0:9\" (ten of them), \"0:9,2\" (of a table)",
            zh: "例如写 index = \"3\"（一个元素）、\"0:9\"（十个元素）、\"0:9,2\"（二维数组）",
        },
    },
    Words {
        code: NO_RANGE,
        what: Text {
            en: "`{key}` is {found}: here nobody knows the range of the value",
            zh: "`{key}` 的值为 {found}：此处无从知道量程",
        },
        cause: Text {
            en: "Only an OPC UA server knows the range (EURange) of a value, and only where it sends a float or int by itself, with subscribe = true.",
            zh: "只有 OPC UA 服务器知道量程（EURange），且仅对订阅方式（subscribe = true）的 float、int 点有效。",
        },
        remedy: Text {
            en: "write e.g. deadband = 0.5 (in the tag's unit) or deadband = \"2%\" (of the last reported value); of a range: above 0 and up to 100%",
            zh: "例如写 deadband = 0.5（以点的单位计）或 deadband = \"2%\"（上次上报值的百分比）；量程百分比应大于 0 且不超过 100%",
        },
    },
    Words {
        code: ONLY_READ,
        what: Text { en: "`{key}`: OPC UA servers are only read so far", zh: "`{key}`：OPC UA 目前只读不写" },
        cause: Text {
            en: "Writing is asked, recorded and read back here, and for OPC UA that is not built yet.",
            zh: "写入要经过确认、记录和回读，OPC UA 的写入尚未实现。",
        },
        remedy: Text { en: "take it away", zh: "请删去" },
    },
    Words {
        code: NOT_SUBSCRIBED,
        what: Text {
            en: "`{key}` has no effect with subscribe = false", zh: "subscribe = false 时 `{key}` 不起作用"
        },
        cause: Text {
            en: "sampling, queue and trigger say how a server watches a value; this one is read once every period instead.",
            zh: "sampling、queue、trigger 规定服务器如何监视数据；而这里是每个周期读一次。",
        },
        remedy: Text { en: "take it away, or write subscribe = true", zh: "请删去，或改写 subscribe = true" },
    },
];
