//! Words for mistakes in the configuration: CW101 to CW199.

use crate::model::trouble::{Code, Text, Words};

/// The text is no TOML.
pub const SYNTAX: Code = Code("CW101");
/// A key that does not exist.
pub const UNKNOWN_KEY: Code = Code("CW102");
/// A key that must be there.
pub const MISSING_KEY: Code = Code("CW103");
/// Text expected.
pub const NOT_TEXT: Code = Code("CW104");
/// A whole number expected.
pub const NOT_INTEGER: Code = Code("CW105");
/// A number expected.
pub const NOT_NUMBER: Code = Code("CW106");
/// true or false expected.
pub const NOT_BOOL: Code = Code("CW107");
/// A list of texts expected.
pub const NOT_LIST: Code = Code("CW108");
/// A table expected.
pub const NOT_TABLE: Code = Code("CW109");
/// A list of tables expected.
pub const NOT_TABLES: Code = Code("CW110");
/// A time expected.
pub const NOT_TIME: Code = Code("CW111");
/// A size expected.
pub const NOT_SIZE: Code = Code("CW112");
/// Outside the range.
pub const OUT_OF_RANGE: Code = Code("CW113");
/// Not one of the known words.
pub const NOT_ONE_OF: Code = Code("CW114");
/// A name that topics cannot carry.
pub const BAD_NAME: Code = Code("CW115");
/// A name that `send` uses otherwise.
pub const RESERVED_NAME: Code = Code("CW116");
/// The same name twice.
pub const DUPLICATE: Code = Code("CW117");
/// A device on an unknown link.
pub const NO_SUCH_LINK: Code = Code("CW118");
/// Tags without a link.
pub const TAGS_WITHOUT_LINK: Code = Code("CW119");
/// Not an address.
pub const BAD_ADDRESS: Code = Code("CW120");
/// A number in a table of bits.
pub const BITS_ARE_BOOL: Code = Code("CW121");
/// A bool in a table of registers.
pub const REGISTER_IS_NOT_BOOL: Code = Code("CW122");
/// A value that ends behind the last address.
pub const ADDRESS_BEYOND_END: Code = Code("CW123");
/// Scaling of a bit.
pub const SCALE_ON_BOOL: Code = Code("CW124");
/// Scale zero.
pub const SCALE_ZERO: Code = Code("CW125");
/// Not a deadband.
pub const BAD_DEADBAND: Code = Code("CW126");
/// A maximum silence without a deadband.
pub const SILENCE_WITHOUT_DEADBAND: Code = Code("CW127");
/// Not a host and port.
pub const BAD_ENDPOINT: Code = Code("CW128");
/// The first pause exceeds the longest.
pub const RETRY_ABOVE_MAX: Code = Code("CW129");
/// Not the address of a broker.
pub const BAD_BROKER: Code = Code("CW130");
/// Plain text without permission.
pub const PLAINTEXT_NOT_ALLOWED: Code = Code("CW131");
/// A TLS key on a plain connection.
pub const TLS_KEY_ON_PLAINTEXT: Code = Code("CW132");
/// A secret in the file.
pub const SECRET_IN_CLEAR: Code = Code("CW133");
/// A secret from several sources.
pub const SECRET_TWICE: Code = Code("CW134");
/// A certificate without its key.
pub const CERTIFICATE_WITHOUT_KEY: Code = Code("CW135");
/// A key without its certificate.
pub const KEY_WITHOUT_CERTIFICATE: Code = Code("CW136");
/// A password without a user.
pub const PASSWORD_WITHOUT_USER: Code = Code("CW137");
/// A prefix that topics cannot carry.
pub const BAD_PREFIX: Code = Code("CW138");
/// An empty `send`.
pub const SEND_NOTHING: Code = Code("CW139");
/// An entry of `send` that matches nothing.
pub const SEND_MATCHES_NOTHING: Code = Code("CW140");
/// One scan does not fit one message.
pub const MESSAGE_TOO_SMALL: Code = Code("CW141");
/// Not a time zone.
pub const BAD_TIMEZONE: Code = Code("CW142");
/// Too many tags on one device.
pub const TOO_MANY_TAGS: Code = Code("CW143");
/// One value needs more registers than a request may have.
pub const VALUE_ABOVE_LIMIT: Code = Code("CW144");
/// A type that takes more or less than the part of a register that its address names.
pub const PART_OF_REGISTER: Code = Code("CW145");
/// A byte of a register, but which one?
pub const HALF_NOT_NAMED: Code = Code("CW146");
/// A key of texts on another type.
pub const KEY_OF_TEXT: Code = Code("CW147");
/// Names for the values of what is no whole number.
pub const VALUES_OF_NO_INTEGER: Code = Code("CW148");
/// Not a table of numbers and names.
pub const NOT_NAMED_NUMBERS: Code = Code("CW149");
/// A number that the type cannot be.
pub const BAD_VALUE: Code = Code("CW150");
/// The configuration cannot be read.
pub const FILE_UNREADABLE: Code = Code("CW151");
/// The configuration is not UTF-8.
pub const FILE_NOT_UTF8: Code = Code("CW152");
/// The configuration is implausibly large.
pub const FILE_TOO_LARGE: Code = Code("CW153");
/// The configuration has mistakes.
pub const MISTAKES: Code = Code("CW154");
/// A link that nothing carries.
pub const NO_TRANSPORT: Code = Code("CW155");
/// A link that several things carry.
pub const SEVERAL_TRANSPORTS: Code = Code("CW156");
/// A setting of serial lines on a socket.
pub const SERIAL_KEY_ON_SOCKET: Code = Code("CW157");
/// RTU frames on 7 data bits.
pub const RTU_NEEDS_8_BITS: Code = Code("CW158");
/// A character that TOML does not know, from another keyboard.
pub const ODD_CHARACTER: Code = Code("CW159");
/// A profile that is not built in.
pub const NO_SUCH_PROFILE: Code = Code("CW160");
/// A profile that brings nothing.
pub const PROFILE_WITHOUT_TAGS: Code = Code("CW161");
/// A pick that matches no tag.
pub const PICK_MATCHES_NOTHING: Code = Code("CW162");
/// A pick without a profile or table.
pub const PICK_FROM_NOTHING: Code = Code("CW163");
/// A name that another file uses already.
pub const DUPLICATE_OF_OTHER: Code = Code("CW164");
/// An address that the PLC does not have.
pub const NOT_IN_AREAS: Code = Code("CW165");
/// A table whose format cannot be read.
pub const TABLE_UNREADABLE: Code = Code("CW166");
/// A table without a tag.
pub const TABLE_EMPTY: Code = Code("CW167");
/// A column that does not exist.
pub const UNKNOWN_COLUMN: Code = Code("CW168");
/// A column that must be there.
pub const MISSING_COLUMN: Code = Code("CW169");
/// A column twice.
pub const COLUMN_TWICE: Code = Code("CW170");
/// A cell without a column.
pub const CELL_WITHOUT_COLUMN: Code = Code("CW171");
/// A table of an unknown kind.
pub const TABLE_KIND: Code = Code("CW172");
/// A quote that never closes.
pub const QUOTE_OPEN: Code = Code("CW173");
/// A table larger than any of tags.
pub const TABLE_TOO_LARGE: Code = Code("CW174");
/// A table in no known encoding.
pub const TABLE_NOT_TEXT: Code = Code("CW175");
/// `close_after_cycle` where there is no connection of ours.
pub const NOTHING_TO_CLOSE: Code = Code("CW176");
/// Not the address of a meter.
pub const BAD_METER: Code = Code("CW177");
/// A meter on a link that cannot carry it.
pub const NO_METERS_ON_LINK: Code = Code("CW178");
/// Not a data identifier of DL/T 645.
pub const BAD_DATA_ID: Code = Code("CW179");
/// Both a meter and a Modbus unit.
pub const METER_AND_UNIT: Code = Code("CW180");
/// Not an address to listen on.
pub const BAD_LISTEN: Code = Code("CW181");
/// Not a pattern of bytes.
pub const BAD_PATTERN: Code = Code("CW182");
/// A pattern of units that dial in, on another link.
pub const DTU_KEY_ELSEWHERE: Code = Code("CW183");
/// A tag to be written in a table that can only be read.
pub const WRITE_OF_INPUT: Code = Code("CW184");
/// A tag to be written that is only a part of its registers.
pub const WRITE_OF_PART: Code = Code("CW185");
/// Limits for writing where nothing is written or nothing is a number.
pub const WRITE_LIMIT_ELSEWHERE: Code = Code("CW186");
/// The lower limit is above the upper one.
pub const WRITE_LIMITS_CROSSED: Code = Code("CW187");
/// More than one request can write.
pub const WRITE_TOO_LONG: Code = Code("CW188");
/// A tag of a DL/T 645 meter to be written.
pub const WRITE_OF_METER: Code = Code("CW189");
/// A key of Modbus devices at a meter.
pub const KEY_OF_MODBUS: Code = Code("CW190");
/// An identifier that needs a type.
pub const UNKNOWN_DATA_ID: Code = Code("CW191");
/// Not a format of a meter's value.
pub const BAD_METER_TYPE: Code = Code("CW192");
/// A bit or a time where there is none.
pub const NO_SUCH_PART: Code = Code("CW193");
/// A register map for devices of another protocol.
pub const PROFILE_OF_OTHERS: Code = Code("CW194");
/// `D100` on a device that does not say whose addresses it has.
pub const ADDRESS_OF_A_PLC: Code = Code("CW195");
/// A fullwidth letter, digit or sign inside quotes.
pub const FULLWIDTH: Code = Code("CW196");
/// An identifier of DL/T 645 on a device that is no meter.
pub const ADDRESS_OF_A_METER: Code = Code("CW197");
/// Two links for one endpoint.
pub const ENDPOINT_TWICE: Code = Code("CW198");
/// A key stands twice.
pub const KEY_TWICE: Code = Code("CW199");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SYNTAX,
        what: Text { en: "the file is not valid TOML here: {found}", zh: "此处不是合法的 TOML：{found}" },
        cause: Text {
            en: "A bracket, a quote or an equals sign is missing or too many, a key stands twice, or punctuation was typed with a Chinese input method. One missing bracket can lead to many further lines.",
            zh: "多半是括号、引号或等号缺失或多余，同一个键写了两次，或标点是用中文输入法打的。少一个括号，后面可能连带报出很多行。",
        },
        remedy: Text {
            en: "mend this line or the end of the one before; look for Chinese punctuation (fullwidth comma, equals sign, quotes, space)",
            zh: "请检查这一行和上一行末尾；特别留意中文标点（，＝“”【】）和全角空格，应改为英文半角",
        },
    },
    Words {
        code: UNKNOWN_KEY,
        what: Text { en: "`{key}` is not a key that exists", zh: "没有 `{key}` 这个配置项" },
        cause: Text {
            en: "A typing error, or a key of another section. Unknown keys are mistakes, so that a misspelt limit is never silently ignored.",
            zh: "拼写有误，或写到了别的段里。未知配置项一律报错，以免写错的限值被悄悄忽略。",
        },
        remedy: Text { en: "write one of: {known}", zh: "可用的有：{known}" },
    },
    Words {
        code: MISSING_KEY,
        what: Text { en: "`{key}` is missing", zh: "缺少 `{key}`" },
        cause: Text {
            en: "There is no sensible default for this key.", zh: "此项没有合理的默认值，必须写明。"
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_TEXT,
        what: Text {
            en: "`{key}` is {found}, must be text in quotes", zh: "`{key}` 的值是 {found}，应为带引号的文本"
        },
        cause: Text {
            en: "Text stands in quotes in TOML and must not be empty here.",
            zh: "TOML 中文本要加引号，此处也不能为空。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_INTEGER,
        what: Text {
            en: "`{key}` is {found}, must be a whole number without quotes",
            zh: "`{key}` 的值是 {found}，应为不带引号的整数",
        },
        cause: Text {
            en: "The value has quotes, a decimal point or another type.",
            zh: "值带了引号、小数点，或类型不对。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_NUMBER,
        what: Text {
            en: "`{key}` is {found}, must be a finite number without quotes",
            zh: "`{key}` 的值是 {found}，应为不带引号的数值（不能是 inf 或 nan）",
        },
        cause: Text {
            en: "The value has quotes, is inf or nan, or another type.",
            zh: "值带了引号，或是 inf、nan，或类型不对。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_BOOL,
        what: Text {
            en: "`{key}` is {found}, must be true or false",
            zh: "`{key}` 的值是 {found}，应为 true 或 false",
        },
        cause: Text {
            en: "TOML knows true and false, in lower case and without quotes.",
            zh: "TOML 只认小写、不带引号的 true 和 false。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_LIST,
        what: Text {
            en: "`{key}` holds {found}, must be a list of texts", zh: "`{key}` 中有 {found}，应为文本列表"
        },
        cause: Text {
            en: "A list stands in square brackets, its texts in quotes.",
            zh: "列表用方括号，其中每项文本加引号。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_TABLE,
        what: Text { en: "`{key}` is {found}, must be a section", zh: "`{key}` 的值是 {found}，应为一个段" },
        cause: Text {
            en: "This name belongs to a section with keys of its own.",
            zh: "这个名字是一个段，下面有自己的配置项。",
        },
        remedy: Text { en: "begin the section with {example}", zh: "段以 {example} 开头" },
    },
    Words {
        code: NOT_TABLES,
        what: Text {
            en: "`{key}` is {found}, must be a section that may be repeated",
            zh: "`{key}` 的值是 {found}，应为可重复的段",
        },
        cause: Text {
            en: "Links, devices and sinks stand in double brackets, since there may be several of them.",
            zh: "链路、设备、去向都可以有多个，所以用双层方括号。",
        },
        remedy: Text { en: "write it as {example}", zh: "请写成 {example}" },
    },
    Words {
        code: NOT_TIME,
        what: Text {
            en: "`{key}` is {found}, must be a time with its unit in quotes",
            zh: "`{key}` 的值是 {found}，应为带单位的时间，加引号",
        },
        cause: Text {
            en: "Times have a unit: ms, s, m, h or d, without a blank before it. A bare number could mean seconds or milliseconds.",
            zh: "时间必须带单位 ms、s、m、h 或 d，数字与单位之间不加空格；只写数字分不清是秒还是毫秒。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_SIZE,
        what: Text {
            en: "`{key}` is {found}, must be a size with its unit in quotes",
            zh: "`{key}` 的值是 {found}，应为带单位的容量，加引号",
        },
        cause: Text { en: "Sizes have a unit: kB, MB, GB.", zh: "容量必须带单位 kB、MB 或 GB。" },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: OUT_OF_RANGE,
        what: Text {
            en: "`{key}` is {found}, must be between {min} and {max}",
            zh: "`{key}` 的值是 {found}，应在 {min} 到 {max} 之间",
        },
        cause: Text {
            en: "The limit comes from the protocol, or from what the gateway can do reliably.",
            zh: "限值来自协议规定，或网关能可靠做到的范围。",
        },
        remedy: Text { en: "write a value from {min} to {max}", zh: "请写 {min} 到 {max} 之间的值" },
    },
    Words {
        code: NOT_ONE_OF,
        what: Text {
            en: "`{key}` is {found}, which is not known here", zh: "`{key}` 的值是 {found}，不是可用的取值"
        },
        cause: Text {
            en: "A typing error, or a word of another product.", zh: "拼写有误，或用了别的产品的叫法。"
        },
        remedy: Text { en: "write one of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: BAD_NAME,
        what: Text {
            en: "`{key}` is \"{found}\", but names consist of 1 to {max} letters a-z A-Z, digits, - and _",
            zh: "`{key}` 的值是 \"{found}\"；名称只能由 1 至 {max} 个英文字母、数字、- 和 _ 组成",
        },
        cause: Text {
            en: "Names become part of MQTT topics and of JSON keys. Chinese belongs into `name` of the device or `label` of the tag.",
            zh: "名称会成为 MQTT 主题和 JSON 键的一部分。中文请写在设备的 name 或点的 label 里。",
        },
        remedy: Text { en: "write e.g. \"{example}\"", zh: "例如写：\"{example}\"" },
    },
    Words {
        code: RESERVED_NAME,
        what: Text {
            en: "`{key}` is \"{found}\", a word that `send` uses for something else",
            zh: "`{key}` 的值是 \"{found}\"，这个词在 send 中另有含义",
        },
        cause: Text {
            en: "`send` tells devices from event streams by their names.",
            zh: "send 靠名称区分设备和事件流。",
        },
        remedy: Text { en: "choose another name", zh: "请换一个名称" },
    },
    Words {
        code: DUPLICATE,
        what: Text {
            en: "`{key}` is \"{found}\", which line {first} uses already",
            zh: "`{key}` 的值 \"{found}\" 已在第 {first} 行用过",
        },
        cause: Text {
            en: "Names tell things apart; for a broker, two clients of one id throw each other out.",
            zh: "名称用来区分对象；同一服务器上两个相同的客户端标识会互相踢下线。",
        },
        remedy: Text { en: "choose another value", zh: "请换一个值" },
    },
    Words {
        code: NO_SUCH_LINK,
        what: Text {
            en: "`{key}` names the link \"{found}\", which does not exist",
            zh: "`{key}` 指向的链路 \"{found}\" 不存在",
        },
        cause: Text {
            en: "The link was renamed, or has a mistake of its own.", zh: "链路改过名，或它自身有错。"
        },
        remedy: Text {
            en: "write one of: {known}; or add a [[link]] of this name",
            zh: "可写：{known}；或添加同名的 [[link]]",
        },
    },
    Words {
        code: TAGS_WITHOUT_LINK,
        what: Text {
            en: "`{key}` are given, but the device has no link to read them from",
            zh: "写了 `{key}`，但设备没有 link，无从读取",
        },
        cause: Text {
            en: "A device without a link is a machine that is not connected yet.",
            zh: "没有 link 的设备表示尚未联网的机器。",
        },
        remedy: Text {
            en: "add link = \"...\" to the device, or take its tags away",
            zh: "请给设备加上 link = \"...\"，或删去它的 tags",
        },
    },
    Words {
        code: BAD_ADDRESS,
        what: Text {
            en: "`{key}` is {found}, which is no Modbus address",
            zh: "`{key}` 的值是 {found}，不是 Modbus 地址",
        },
        cause: Text {
            en: "A bare number below 10000 could be counted from 0 or from 1, in any of four tables.",
            zh: "10000 以下的纯数字无法判断是从 0 还是从 1 起算，也无法判断是哪个区。",
        },
        remedy: Text {
            en: "write \"40001\" or \"400001\" (from 1), or \"holding:0\", \"input:0\", \"coil:0\", \"discrete:0\" (from 0); a bit of a register is \"40001.0\" to \"40001.15\", a byte \"40001.hi\" or \"40001.lo\"",
            zh: "从 1 起算写 \"40001\" 或 \"400001\"；从 0 起算写 \"holding:0\"、\"input:0\"、\"coil:0\"、\"discrete:0\"；寄存器中的位写 \"40001.0\" 至 \"40001.15\"，字节写 \"40001.hi\"、\"40001.lo\"",
        },
    },
    Words {
        code: BITS_ARE_BOOL,
        what: Text {
            en: "`{key}` is {found}, but {address} is a single bit",
            zh: "`{key}` 的值是 {found}，而 {address} 只有一位",
        },
        cause: Text {
            en: "Coils and discrete inputs hold one bit each.", zh: "线圈和离散输入每个地址只有一位。"
        },
        remedy: Text {
            en: "write type = \"bool\", or an address of a register",
            zh: "请写 type = \"bool\"，或改用寄存器地址",
        },
    },
    Words {
        code: REGISTER_IS_NOT_BOOL,
        what: Text {
            en: "`{key}` is bool, but {address} is a register of 16 bits",
            zh: "`{key}` 是 bool，而 {address} 是 16 位寄存器",
        },
        cause: Text {
            en: "A bool is one bit: a coil, a discrete input, or one bit of a register.",
            zh: "bool 是一位：线圈、离散输入，或寄存器中的某一位。",
        },
        remedy: Text {
            en: "write the bit behind a dot, e.g. address = \"{address}.0\" (0 is the least significant), or type = \"u16\"",
            zh: "请在点号后写明第几位，例如 address = \"{address}.0\"（0 为最低位），或写 type = \"u16\"",
        },
    },
    Words {
        code: ADDRESS_BEYOND_END,
        what: Text {
            en: "`{key}` is {found}, and {type} does not fit before the last address 65535",
            zh: "`{key}` 的值是 {found}，从这里放不下 {type}（末地址为 65535）",
        },
        cause: Text {
            en: "A 32-bit value takes two registers, a 64-bit value four, a text one for two bytes.",
            zh: "32 位值占两个寄存器，64 位占四个，文本每两个字节占一个。",
        },
        remedy: Text { en: "write a smaller address or a shorter type", zh: "请改小地址或改用较短的类型" },
    },
    Words {
        code: SCALE_ON_BOOL,
        what: Text { en: "`{key}`: a {found} cannot be scaled", zh: "`{key}`：{found} 不能换算" },
        cause: Text { en: "Scale and offset are for numbers.", zh: "scale 和 offset 只用于数值。" },
        remedy: Text { en: "take scale and offset away", zh: "请删去 scale 和 offset" },
    },
    Words {
        code: SCALE_ZERO,
        what: Text {
            en: "`{key}` is 0: every value would become the same",
            zh: "`{key}` 为 0，所有值都会变成同一个数",
        },
        cause: Text { en: "The scale multiplies the raw value.", zh: "scale 是原始值的乘数。" },
        remedy: Text { en: "write e.g. scale = 0.1, or take it away", zh: "例如写 scale = 0.1，或删去" },
    },
    Words {
        code: BAD_DEADBAND,
        what: Text {
            en: "`{key}` is {found}, must be a number of at least 0 or a percentage in quotes",
            zh: "`{key}` 的值是 {found}，应为不小于 0 的数，或带引号的百分比",
        },
        cause: Text {
            en: "A deadband is absolute in the tag's unit, or a share of the last reported value.",
            zh: "死区可以是以点的单位表示的绝对值，也可以是上次上报值的百分比。",
        },
        remedy: Text {
            en: "write e.g. deadband = 0.5 or deadband = \"2%\"",
            zh: "例如写 deadband = 0.5 或 deadband = \"2%\"",
        },
    },
    Words {
        code: SILENCE_WITHOUT_DEADBAND,
        what: Text { en: "`{key}` has no effect without a deadband", zh: "没有 deadband 时 `{key}` 不起作用" },
        cause: Text {
            en: "Without a deadband every reading is reported.", zh: "不写死区时，每次读数都会上报。"
        },
        remedy: Text {
            en: "add e.g. deadband = 0 (report on any change), or take max_silence away",
            zh: "可加 deadband = 0（有变化即报），或删去 max_silence",
        },
    },
    Words {
        code: BAD_ENDPOINT,
        what: Text {
            en: "`{key}` is \"{found}\", which is no host or host:port",
            zh: "`{key}` 的值 \"{found}\" 不是 主机 或 主机:端口",
        },
        cause: Text {
            en: "A scheme, a path or a blank does not belong here.", zh: "这里不能有协议头、路径或空格。"
        },
        remedy: Text { en: "write e.g. \"192.168.1.10:502\"", zh: "例如写 \"192.168.1.10:502\"" },
    },
    Words {
        code: RETRY_ABOVE_MAX,
        what: Text { en: "`{key}` is longer than retry_max", zh: "`{key}` 大于 retry_max" },
        cause: Text {
            en: "Pauses grow from retry to retry_max.", zh: "重连间隔从 retry 逐次加长到 retry_max。"
        },
        remedy: Text { en: "write a retry that is at most retry_max", zh: "retry 不要超过 retry_max" },
    },
    Words {
        code: BAD_BROKER,
        what: Text {
            en: "`{key}` is \"{found}\", which is no address of a broker",
            zh: "`{key}` 的值 \"{found}\" 不是 MQTT 服务器地址",
        },
        cause: Text {
            en: "The address needs mqtts:// or mqtt:// in front and has no path; user and password have keys of their own.",
            zh: "地址以 mqtts:// 或 mqtt:// 开头，不带路径；用户名和密码另有配置项。",
        },
        remedy: Text {
            en: "write e.g. \"mqtts://broker.example.com:8883\"",
            zh: "例如写 \"mqtts://broker.example.com:8883\"",
        },
    },
    Words {
        code: PLAINTEXT_NOT_ALLOWED,
        what: Text {
            en: "`{key}` sends in clear text to {host}, which was not allowed",
            zh: "`{key}` 会把数据以明文发往 {host}，而配置没有允许明文传输",
        },
        cause: Text {
            en: "mqtt:// is not encrypted: everyone on the way can read data and password.",
            zh: "mqtt:// 不加密，途中任何人都能看到数据和密码。",
        },
        remedy: Text {
            en: "write mqtts:// instead; for a test on your own desk add allow_plaintext = true",
            zh: "请改用 mqtts://；仅在本机或实验环境测试时可加 allow_plaintext = true",
        },
    },
    Words {
        code: TLS_KEY_ON_PLAINTEXT,
        what: Text {
            en: "`{key}` has no effect, since mqtt:// to {host} is not encrypted",
            zh: "mqtt:// 到 {host} 不加密，`{key}` 不起作用",
        },
        cause: Text {
            en: "Certificates belong to mqtts:// only; a file that seems to protect and does not is dangerous.",
            zh: "证书只用于 mqtts://；看起来有保护、实际上没有，最为危险。",
        },
        remedy: Text {
            en: "write mqtts:// or take the certificate keys away",
            zh: "请改用 mqtts://，或删去证书相关项",
        },
    },
    Words {
        code: SECRET_IN_CLEAR,
        what: Text { en: "`{key}` must not stand in this file", zh: "`{key}` 不能写在本文件里" },
        cause: Text {
            en: "Configuration files are copied, mailed and shown; secrets must not travel with them.",
            zh: "配置文件会被拷贝、发送、展示，密钥不能跟着走。",
        },
        remedy: Text {
            en: "put it into a file of its own and write password_file = \"PATH\", or use password_credential or password_env; then change the password, since it was readable",
            zh: "请存入单独的文件并写 password_file = \"路径\"，或用 password_credential、password_env；该密码已暴露，建议更换",
        },
    },
    Words {
        code: SECRET_TWICE,
        what: Text { en: "`{key}` has several sources", zh: "`{key}` 的来源写了不止一个" },
        cause: Text { en: "Which one counts would be a guess.", zh: "无法判断以哪个为准。" },
        remedy: Text { en: "keep one of: {known}", zh: "只保留其中一个：{known}" },
    },
    Words {
        code: CERTIFICATE_WITHOUT_KEY,
        what: Text { en: "`{key}` is given without its private key", zh: "写了 `{key}`，但没有对应的私钥" },
        cause: Text {
            en: "A client certificate is used together with its key.", zh: "客户端证书要与私钥一起使用。"
        },
        remedy: Text {
            en: "add client_key_file = \"PATH\" or client_key_credential = \"NAME\"",
            zh: "请加上 client_key_file = \"路径\" 或 client_key_credential = \"名称\"",
        },
    },
    Words {
        code: KEY_WITHOUT_CERTIFICATE,
        what: Text { en: "`{key}` is given without the certificate", zh: "写了 `{key}`，但没有对应的证书" },
        cause: Text {
            en: "A private key is used together with its client certificate.",
            zh: "私钥要与客户端证书一起使用。",
        },
        remedy: Text { en: "add client_cert_file = \"PATH\"", zh: "请加上 client_cert_file = \"路径\"" },
    },
    Words {
        code: PASSWORD_WITHOUT_USER,
        what: Text { en: "`{key}` is missing, but a password is given", zh: "写了密码却没有 `{key}`" },
        cause: Text {
            en: "MQTT 3.1.1 allows no password without a user name (3.1.2.9).",
            zh: "MQTT 3.1.1 规定有密码必须有用户名（3.1.2.9）。",
        },
        remedy: Text { en: "add user = \"...\"", zh: "请加上 user = \"...\"" },
    },
    Words {
        code: BAD_PREFIX,
        what: Text {
            en: "`{key}` is \"{found}\", which cannot begin a topic",
            zh: "`{key}` 的值 \"{found}\" 不能作为主题开头",
        },
        cause: Text {
            en: "Topics have no empty levels and none of + # $ and are at most 128 bytes long here.",
            zh: "主题不能有空层级，不能含 + # $，此处最长 128 字节。",
        },
        remedy: Text { en: "write e.g. prefix = \"cloudward\"", zh: "例如写 prefix = \"cloudward\"" },
    },
    Words {
        code: SEND_NOTHING,
        what: Text {
            en: "`{key}` is empty: this sink would never send anything",
            zh: "`{key}` 为空，这个去向永远不会发送任何内容",
        },
        cause: Text { en: "Nothing leaves that is not named.", zh: "没有写到的内容一律不外送。" },
        remedy: Text {
            en: "name devices or tags, e.g. send = [\"imm-01\", \"events\"]; or take the sink away",
            zh: "请写明设备或点，例如 send = [\"imm-01\", \"events\"]；或删去该去向",
        },
    },
    Words {
        code: SEND_MATCHES_NOTHING,
        what: Text {
            en: "`{key}` names \"{found}\", which matches no device and no tag",
            zh: "`{key}` 中的 \"{found}\" 没有匹配到任何设备或点",
        },
        cause: Text {
            en: "The device or tag was renamed, has a mistake of its own (see the lines above), or there is a typing error.",
            zh: "设备或点改过名、自身有错（见上面各行），或拼写有误。",
        },
        remedy: Text {
            en: "write \"DEVICE\", \"DEVICE.TAG\", a pattern with *, \"events\" or \"indicators\"",
            zh: "可写 \"设备\"、\"设备.点\"、带 * 的通配符、\"events\" 或 \"indicators\"",
        },
    },
    Words {
        code: MESSAGE_TOO_SMALL,
        what: Text {
            en: "`{key}` is too small: one scan of device {device} with {tags} tags may need {needed}",
            zh: "`{key}` 太小：设备 {device} 有 {tags} 个点，一次扫描可能需要 {needed}",
        },
        cause: Text { en: "A scan is never split over messages.", zh: "一次扫描不会拆成多条消息。" },
        remedy: Text {
            en: "write max_message = \"{needed}\" or more if the broker takes it, or split the device",
            zh: "若服务器允许，请写 max_message = \"{needed}\" 以上；或把设备拆开",
        },
    },
    Words {
        code: BAD_TIMEZONE,
        what: Text {
            en: "`{key}` is \"{found}\", which is not a time zone of this system",
            zh: "`{key}` 的值 \"{found}\" 不是本机认识的时区",
        },
        cause: Text {
            en: "A typing error, or the package tzdata is not installed.",
            zh: "拼写有误，或本机没有安装 tzdata。",
        },
        remedy: Text { en: "write e.g. timezone = \"Asia/Shanghai\"", zh: "例如写 timezone = \"Asia/Shanghai\"" },
    },
    Words {
        code: TOO_MANY_TAGS,
        what: Text {
            en: "`{key}` holds {found} tags, at most {max} are allowed",
            zh: "`{key}` 有 {found} 个点，最多 {max} 个",
        },
        cause: Text {
            en: "The scan of a device travels in one message.", zh: "一台设备的一次扫描放在一条消息里。"
        },
        remedy: Text { en: "split the device into several", zh: "请拆成几台设备" },
    },
    Words {
        code: VALUE_ABOVE_LIMIT,
        what: Text {
            en: "`{key}` is {found}, which takes {width} registers, but its link allows {max} in one request",
            zh: "`{key}` 的值是 {found}，需 {width} 个寄存器，而其链路单次最多读 {max} 个",
        },
        cause: Text {
            en: "A value is never split over two requests: its halves would be of different moments.",
            zh: "一个值不会分两次读取，否则前后两半不是同一时刻的。",
        },
        remedy: Text {
            en: "raise max_registers of the link to at least {width}, or read a shorter type",
            zh: "请把链路的 max_registers 调到 {width} 以上，或改用较短的类型",
        },
    },
    Words {
        code: PART_OF_REGISTER,
        what: Text {
            en: "`{key}` is {found}, but {address} is only a part of a register",
            zh: "`{key}` 的值是 {found}，而 {address} 只是寄存器的一部分",
        },
        cause: Text {
            en: "A number behind the dot names one bit, hi and lo name one byte; other types take whole registers.",
            zh: "点号后的数字表示某一位，hi、lo 表示高、低字节；其他类型占整个寄存器。",
        },
        remedy: Text {
            en: "write type = {expected}, or the whole register: address = \"{whole}\"",
            zh: "请写 type = {expected}，或写整个寄存器：address = \"{whole}\"",
        },
    },
    Words {
        code: HALF_NOT_NAMED,
        what: Text {
            en: "`{key}` is {found}, but {address} is a register of two bytes",
            zh: "`{key}` 的值是 {found}，而 {address} 是两个字节的寄存器",
        },
        cause: Text {
            en: "A register has a high and a low byte; which one is meant would be a guess.",
            zh: "寄存器有高、低两个字节，指哪一个只能猜。",
        },
        remedy: Text {
            en: "write address = \"{address}.hi\" or \"{address}.lo\"; for a small number in a whole register write type = \"u16\"",
            zh: "请写 address = \"{address}.hi\" 或 \"{address}.lo\"；若小数值占整个寄存器，请写 type = \"u16\"",
        },
    },
    Words {
        code: KEY_OF_TEXT,
        what: Text {
            en: "`{key}` has no effect on a tag of type {found}", zh: "`{key}` 对类型 {found} 的点不起作用"
        },
        cause: Text {
            en: "length and encoding describe texts; numbers have the length of their type.",
            zh: "length 和 encoding 用来描述文本；数值的长度由类型决定。",
        },
        remedy: Text {
            en: "write type = \"text\", or take length and encoding away",
            zh: "请写 type = \"text\"，或删去 length 和 encoding",
        },
    },
    Words {
        code: VALUES_OF_NO_INTEGER,
        what: Text {
            en: "`{key}` names whole numbers, but this tag is {found}",
            zh: "`{key}` 是给整数取名的，而此点是 {found}",
        },
        cause: Text {
            en: "Names belong to numbers as the device sends them: whole, and without scale and offset.",
            zh: "名称对应设备送来的原始整数，不能是浮点数或文本，也不能再换算。",
        },
        remedy: Text {
            en: "take values away, or read a whole number without scale and offset",
            zh: "请删去 values，或改读整数并删去 scale 和 offset",
        },
    },
    Words {
        code: NOT_NAMED_NUMBERS,
        what: Text {
            en: "`{key}` is {found}, must give 1 to 256 numbers a name each",
            zh: "`{key}` 的值是 {found}，应给 1 至 256 个数各取一个名称",
        },
        cause: Text {
            en: "The numbers stand in front of the equals signs, the names behind them in quotes.",
            zh: "等号前面写数字，后面写带引号的名称。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: BAD_VALUE,
        what: Text {
            en: "`{key}`: {found} is no whole number that {type} can be",
            zh: "`{key}`：{found} 不是 {type} 能取到的整数",
        },
        cause: Text {
            en: "A name for a number that never comes would hide a mistake in the type or in the table.",
            zh: "给永远不会出现的数取名，往往说明类型或对照表写错了。",
        },
        remedy: Text { en: "write a whole number from {min} to {max}", zh: "请写 {min} 到 {max} 之间的整数" },
    },
    Words {
        code: FILE_UNREADABLE,
        what: Text { en: "the file {path} cannot be read: {found}", zh: "无法读取文件 {path}：{found}" },
        cause: Text {
            en: "The path is wrong, or the user of the agent may not read it.",
            zh: "路径不对，或运行本程序的用户没有读取权限。",
        },
        remedy: Text {
            en: "check the path and `ls -l {path}`", zh: "请检查路径，并用 ls -l {path} 查看权限"
        },
    },
    Words {
        code: FILE_NOT_UTF8,
        what: Text {
            en: "the file {path} is not UTF-8 text (line {line})",
            zh: "文件 {path} 不是 UTF-8 文本（第 {line} 行）",
        },
        cause: Text { en: "An editor saved it in GBK or UTF-16.", zh: "编辑器把它存成了 GBK 或 UTF-16。" },
        remedy: Text {
            en: "save it as UTF-8, or run: iconv -f GBK -t UTF-8 {path} -o new.toml (-f UTF-16 where it is that)",
            zh: "请另存为 UTF-8，或执行：iconv -f GBK -t UTF-8 {path} -o new.toml（若为 UTF-16 则用 -f UTF-16）",
        },
    },
    Words {
        code: FILE_TOO_LARGE,
        what: Text { en: "the file {path} is larger than {max}", zh: "文件 {path} 超过 {max}" },
        cause: Text { en: "This is probably another file.", zh: "多半指错了文件。" },
        remedy: Text { en: "check the path", zh: "请检查路径" },
    },
    Words {
        code: MISTAKES,
        what: Text { en: "mistakes in {path}: {count}", zh: "{path} 有 {count} 处错误" },
        cause: Text { en: "Each of them is listed with its line.", zh: "每一处都已列出行号。" },
        remedy: Text {
            en: "mend the lines above and try `cloudward check` again",
            zh: "请改正上面各行，再执行 cloudward check",
        },
    },
    Words {
        code: NO_TRANSPORT,
        what: Text {
            en: "`{key}` is missing, or what else carries this link",
            zh: "缺少 `{key}`，或该链路的其他连接方式",
        },
        cause: Text {
            en: "A link is one physical connection: an endpoint on the network or a serial port.",
            zh: "一条链路就是一条物理连接：网络上的端点，或一个串口。",
        },
        remedy: Text { en: "write one of: {known}", zh: "请写其中一个：{known}" },
    },
    Words {
        code: SEVERAL_TRANSPORTS,
        what: Text {
            en: "`{key}`: a link has only one of {found}", zh: "`{key}`：一条链路只能写 {found} 中的一个"
        },
        cause: Text { en: "A link is one physical connection.", zh: "一条链路就是一条物理连接。" },
        remedy: Text {
            en: "keep one of them, and make another [[link]] for the other",
            zh: "请保留一个，另一个写到新的 [[link]] 中",
        },
    },
    Words {
        code: SERIAL_KEY_ON_SOCKET,
        what: Text {
            en: "`{key}` has no effect, since {transport} is no serial port",
            zh: "{transport} 不是串口，`{key}` 不起作用",
        },
        cause: Text {
            en: "Speed and parity of a serial server or DTU are set in that device.",
            zh: "串口服务器或 DTU 的波特率、校验要在该设备里设置。",
        },
        remedy: Text { en: "take it away", zh: "请删去" },
    },
    Words {
        code: RTU_NEEDS_8_BITS,
        what: Text {
            en: "`{key}` is 7, but RTU frames need 8", zh: "`{key}` 为 7，而 RTU 报文需要 8 位数据位"
        },
        cause: Text {
            en: "RTU frames are binary; only ASCII frames fit 7 bits.",
            zh: "RTU 报文是二进制的，只有 ASCII 报文才能用 7 位。",
        },
        remedy: Text {
            en: "write data_bits = 8, or modbus_ascii instead of modbus_rtu",
            zh: "请写 data_bits = 8，或改用 modbus_ascii",
        },
    },
    Words {
        code: ODD_CHARACTER,
        what: Text {
            en: "the file is not valid TOML here: it has `{found}` ({code}) outside of quotes",
            zh: "此处不是合法的 TOML：引号之外出现了 `{found}`（{code}）",
        },
        cause: Text {
            en: "A Chinese keyboard or a web page has put a full-width character where TOML wants its plain twin.",
            zh: "中文输入法或网页复制带来了全角字符，而 TOML 只认半角。",
        },
        remedy: Text {
            en: "write the plain character: , = ' [ ] or a blank, and straight double quotes",
            zh: "请改为半角的逗号、等号、引号、方括号或空格",
        },
    },
    Words {
        code: NO_SUCH_PROFILE,
        what: Text {
            en: "`{key}` is \"{found}\", which is no profile that comes with cloudward",
            zh: "`{key}` 的值 \"{found}\" 不是内置的设备模板",
        },
        cause: Text {
            en: "A typing error, or a file of your own is meant.", zh: "拼写有误，或本意是指自己的文件。"
        },
        remedy: Text {
            en: "write one of those that `cloudward profiles` lists, such as {known}; or the path of your own, e.g. profile = \"profiles/press.toml\"",
            zh: "用 `cloudward profiles` 列出全部，例如 {known}；或写自己文件的路径，例如 profile = \"profiles/press.toml\"",
        },
    },
    Words {
        code: PROFILE_WITHOUT_TAGS,
        what: Text {
            en: "`{key}` is missing, and the profile names no addresses either: it brings nothing",
            zh: "缺少 `{key}`，也没有写 addresses，这个模板没有任何内容",
        },
        cause: Text {
            en: "A profile is a list of tags, or the address table of a PLC, or both.",
            zh: "设备模板可以是点表，可以是 PLC 的地址规则，也可以两者都有。",
        },
        remedy: Text {
            en: "add tags = [ ... ] in the shape of a device's tags, or e.g. addresses = \"inovance-h5u\"",
            zh: "请加上 tags = [ ... ]（写法同设备的 tags），或例如 addresses = \"inovance-h5u\"",
        },
    },
    Words {
        code: PICK_MATCHES_NOTHING,
        what: Text {
            en: "`{key}` names \"{found}\", which is no tag of the profile or table",
            zh: "`{key}` 中的 \"{found}\" 对不上模板或点表里的任何点",
        },
        cause: Text {
            en: "The tag has another name there, or there is a typing error.",
            zh: "那里的点名不同，或拼写有误。",
        },
        remedy: Text {
            en: "write names from it, or a pattern with *: {known}",
            zh: "请写其中的点名，或带 * 的通配：{known}",
        },
    },
    Words {
        code: PICK_FROM_NOTHING,
        what: Text {
            en: "`{key}` has no effect: the device has neither profile nor tags_file",
            zh: "`{key}` 不起作用：该设备既没有 profile 也没有 tags_file",
        },
        cause: Text {
            en: "only and except pick from the tags of a profile or table.",
            zh: "only 和 except 只用来挑选模板或点表里的点。",
        },
        remedy: Text {
            en: "take `{key}` away, or add profile = \"...\"",
            zh: "请删去 `{key}`，或加上 profile = \"...\"",
        },
    },
    Words {
        code: DUPLICATE_OF_OTHER,
        what: Text {
            en: "`{key}` is \"{found}\", which line {first} of {file} uses already",
            zh: "`{key}` 的值 \"{found}\" 已在 {file} 第 {first} 行用过",
        },
        cause: Text {
            en: "A name stands once in the profile, the table and the tags of a device.",
            zh: "在一台设备的模板、点表和 tags 里，点名不能重复。",
        },
        remedy: Text {
            en: "choose another name, or leave the other one out with except = [\"{found}\"]",
            zh: "请另取名称，或用 except = [\"{found}\"] 去掉另一个",
        },
    },
    Words {
        code: NOT_IN_AREAS,
        what: Text {
            en: "`{key}` is {found}, which is no address of {areas}",
            zh: "`{key}` 的值 {found} 不是 {areas} 的地址",
        },
        cause: Text {
            en: "The maker maps only these areas to Modbus; inputs and outputs are counted in octal.",
            zh: "厂家只把这些区映射到 Modbus；X、Y 按八进制编号。",
        },
        remedy: Text {
            en: "write one of: {known}; or a Modbus address such as \"holding:0\"",
            zh: "可写：{known}；或 Modbus 地址，例如 \"holding:0\"",
        },
    },
    Words {
        code: TABLE_UNREADABLE,
        what: Text {
            en: "{file} cannot be read as a table: {found}", zh: "无法把 {file} 当作表格读取：{found}"
        },
        cause: Text {
            en: "The file is damaged, of another kind, or protected by a password.",
            zh: "文件已损坏、不是这种格式，或设有密码。",
        },
        remedy: Text {
            en: "open it and save it anew as .csv (UTF-8 or GBK) or .xlsx",
            zh: "请打开后另存为 .csv（UTF-8 或 GBK）或 .xlsx",
        },
    },
    Words {
        code: TABLE_EMPTY,
        what: Text { en: "the table has no row with a tag", zh: "表中没有任何点" },
        cause: Text {
            en: "The first row names the columns; tags begin below it.",
            zh: "第一行是列名，点从下一行开始。",
        },
        remedy: Text { en: "fill in a row, or take tags_file away", zh: "请填写点，或删去 tags_file" },
    },
    Words {
        code: UNKNOWN_COLUMN,
        what: Text { en: "the column \"{found}\" is not known", zh: "不认识列 \"{found}\"" },
        cause: Text {
            en: "A typing error, or a column for people only.", zh: "拼写有误，或该列只供人看。"
        },
        remedy: Text {
            en: "name it as one of: {known}; or take it out of the table",
            zh: "列名可用：{known}；或从表中删去该列",
        },
    },
    Words {
        code: MISSING_COLUMN,
        what: Text { en: "the table has no column `{key}`", zh: "表中缺少列 `{key}`" },
        cause: Text {
            en: "A tag needs at least a name, an address and a type.",
            zh: "一个点至少要有名称、地址和类型。",
        },
        remedy: Text {
            en: "add a column with one of these names to the first row: {known}",
            zh: "请在第一行加上该列，列名可用：{known}",
        },
    },
    Words {
        code: COLUMN_TWICE,
        what: Text {
            en: "the column \"{found}\" means `{key}`, which another column means already",
            zh: "列 \"{found}\" 表示 `{key}`，而前面已有这样的列",
        },
        cause: Text {
            en: "Two names of one thing, e.g. one English and one Chinese.",
            zh: "同一内容用了两个列名，例如中英文各一个。",
        },
        remedy: Text { en: "take one of the two columns out", zh: "请删去其中一列" },
    },
    Words {
        code: CELL_WITHOUT_COLUMN,
        what: Text {
            en: "\"{found}\" stands to the right of the last column", zh: "\"{found}\" 在最后一列的右边"
        },
        cause: Text {
            en: "A text that holds the separator is not in quotes, or a column has no name.",
            zh: "文字里含有分隔符却没有加引号，或某列没有列名。",
        },
        remedy: Text {
            en: "put such a text in double quotes, or name the column in the first row",
            zh: "请给含分隔符的文字加双引号，或在第一行写上列名",
        },
    },
    Words {
        code: TABLE_KIND,
        what: Text {
            en: "{file} ends in neither .csv nor .xlsx", zh: "{file} 的扩展名既不是 .csv 也不是 .xlsx"
        },
        cause: Text {
            en: "The kind of a table is told by its ending; .xls and .et are not read.",
            zh: "按扩展名判断表格种类；不支持 .xls、.et。",
        },
        remedy: Text {
            en: "save it as .csv or .xlsx, or name another file",
            zh: "请另存为 .csv 或 .xlsx，或改写文件名",
        },
    },
    Words {
        code: QUOTE_OPEN,
        what: Text {
            en: "{file}: the double quote in line {line} is never closed",
            zh: "{file}：第 {line} 行的双引号没有配对",
        },
        cause: Text {
            en: "A cell that begins with a double quote must end with one.",
            zh: "以双引号开头的单元格必须以双引号结尾。",
        },
        remedy: Text {
            en: "close it, or write two double quotes where one is meant",
            zh: "请补上双引号；单元格里的双引号要写两个",
        },
    },
    Words {
        code: TABLE_TOO_LARGE,
        what: Text {
            en: "{file} is larger than a table of tags may be: {rows} rows, {columns} columns, 100 MB unpacked",
            zh: "{file} 超过点表上限：{rows} 行、{columns} 列、解压后 100 MB",
        },
        cause: Text {
            en: "This is probably another file, or something stands far below or to the right of the table.",
            zh: "多半指错了文件，或表格下方、右侧很远处还有内容。",
        },
        remedy: Text {
            en: "clear what stands outside of the table, or name another file",
            zh: "请清除表格以外的内容，或改写文件名",
        },
    },
    Words {
        code: TABLE_NOT_TEXT,
        what: Text { en: "{file} is text in neither UTF-8 nor GBK", zh: "{file} 既不是 UTF-8 也不是 GBK 文本" },
        cause: Text {
            en: "The file is damaged, or an xlsx with another ending.",
            zh: "文件已损坏，或是改了扩展名的 xlsx。",
        },
        remedy: Text {
            en: "open it with a spreadsheet program and save it as CSV UTF-8",
            zh: "请用表格软件打开，另存为 CSV UTF-8",
        },
    },
    Words {
        code: NOTHING_TO_CLOSE,
        what: Text {
            en: "`{key}` only concerns links that dial a host and port",
            zh: "`{key}` 只对主动连接主机和端口的链路有效",
        },
        cause: Text {
            en: "A serial port is not hung up, and a unit that dials in decides itself how long it stays.",
            zh: "串口无所谓挂断；主动拨入的设备何时断开由它自己决定。",
        },
        remedy: Text { en: "take it away", zh: "请删去" },
    },
    Words {
        code: BAD_METER,
        what: Text {
            en: "`{key}` is \"{found}\", which is no address of a meter",
            zh: "`{key}` 的值 \"{found}\" 不是电表地址",
        },
        cause: Text {
            en: "A DL/T 645 meter is addressed by up to twelve decimal digits; 999999999999 is for broadcasts, which no meter answers.",
            zh: "DL/T 645 电表地址最多 12 位十进制数字；999999999999 是广播地址，电表不应答。",
        },
        remedy: Text {
            en: "write the number printed on the meter, e.g. \"000000000001\"; where it is alone on the line, \"AAAAAAAAAAAA\" means any",
            zh: "请写表盘上的表号，如 \"000000000001\"；线上只有一块表时可写 \"AAAAAAAAAAAA\"，表示任意地址",
        },
    },
    Words {
        code: NO_METERS_ON_LINK,
        what: Text {
            en: "`{key}`: link `{link}` cannot carry the frames of a DL/T 645 meter",
            zh: "`{key}`：链路 `{link}` 无法传送 DL/T 645 电表的报文",
        },
        cause: Text {
            en: "These meters speak on a serial line; a Modbus TCP gateway or ASCII line does not pass their frames on.",
            zh: "此类电表走串行线路；Modbus TCP 网关或 ASCII 线路不会转发其报文。",
        },
        remedy: Text {
            en: "use a link with modbus_rtu, modbus_rtu_tcp or modbus_rtu_listen, and set the serial server to transparent mode",
            zh: "请改用 modbus_rtu、modbus_rtu_tcp 或 modbus_rtu_listen 链路，串口服务器设为透传模式",
        },
    },
    Words {
        code: BAD_DATA_ID,
        what: Text {
            en: "`{key}` is {found}, which is no data identifier of DL/T 645",
            zh: "`{key}` 的值 {found} 不是 DL/T 645 数据标识",
        },
        cause: Text {
            en: "An identifier of the edition of 2007 has four bytes, DI3 first; those of 1997 have two and are not read.",
            zh: "2007 版数据标识为四个字节，DI3 在前；1997 版为两个字节，不支持。",
        },
        remedy: Text {
            en: "write e.g. \"00-01-00-00\" (forward active energy) or \"02-01-01-00\" (voltage of phase A)",
            zh: "例如写 \"00-01-00-00\"（正向有功总电能）或 \"02-01-01-00\"（A 相电压）",
        },
    },
    Words {
        code: METER_AND_UNIT,
        what: Text { en: "`{key}` and `meter` cannot both be given", zh: "`{key}` 与 `meter` 不能同时写" },
        cause: Text {
            en: "A device is asked either in Modbus, by its unit id, or in DL/T 645, by its meter address.",
            zh: "一台设备要么用 Modbus 站号访问，要么用 DL/T 645 表地址访问。",
        },
        remedy: Text { en: "take one of them away", zh: "请删去其中一个" },
    },
    Words {
        code: BAD_LISTEN,
        what: Text {
            en: "`{key}` is \"{found}\", which is no address to listen on",
            zh: "`{key}` 的值 \"{found}\" 不是可监听的地址",
        },
        cause: Text {
            en: "Listening takes an address of this gateway and a port, both as numbers.",
            zh: "监听需要写本网关的 IP 地址和端口，不能写域名。",
        },
        remedy: Text {
            en: "write e.g. \"0.0.0.0:5021\" (all addresses) or \"10.8.0.1:5021\" (one of them)",
            zh: "例如写 \"0.0.0.0:5021\"（全部地址）或 \"10.8.0.1:5021\"（其中一个）",
        },
    },
    Words {
        code: BAD_PATTERN,
        what: Text {
            en: "`{key}` is \"{found}\", must be 1 to {max} bytes as text or as hex: with pairs of digits",
            zh: "`{key}` 的值是 \"{found}\"，应为 1 至 {max} 字节的文本，或 hex: 加成对的十六进制数字",
        },
        cause: Text {
            en: "The pattern is what the unit is set to send, byte for byte.",
            zh: "这里要与 DTU 里设置的注册包或心跳包逐字节一致。",
        },
        remedy: Text {
            en: "write e.g. \"DTU-0017\" or \"hex:7E 01 17\"",
            zh: "例如写 \"DTU-0017\" 或 \"hex:7E 01 17\"",
        },
    },
    Words {
        code: DTU_KEY_ELSEWHERE,
        what: Text { en: "`{key}` has no effect on {transport}", zh: "`{key}` 对 {transport} 不起作用" },
        cause: Text {
            en: "Registration and heartbeat belong to units that dial in.",
            zh: "注册包和心跳包只用于主动连入的 DTU。",
        },
        remedy: Text {
            en: "take it away, or write modbus_rtu_listen = \"0.0.0.0:5021\"",
            zh: "请删去，或改用 modbus_rtu_listen = \"0.0.0.0:5021\"",
        },
    },
    Words {
        code: WRITE_OF_INPUT,
        what: Text { en: "`{key}`: {found} can only be read", zh: "`{key}`：{found} 只能读，不能写" },
        cause: Text {
            en: "Modbus writes coils and holding registers; discrete inputs and input registers are what the machine measures.",
            zh: "Modbus 只能写线圈和保持寄存器；离散输入和输入寄存器是设备测得的量。",
        },
        remedy: Text {
            en: "take `write` away, or find the set point among coils (0xxxx) and holding registers (4xxxx)",
            zh: "请删去 write，或在线圈（0xxxx）、保持寄存器（4xxxx）里找对应的设定值",
        },
    },
    Words {
        code: WRITE_OF_PART,
        what: Text {
            en: "`{key}`: {found} at {address} is a part of a register, which cannot be written alone",
            zh: "`{key}`：{address} 的 {found} 只是寄存器的一部分，不能单独写",
        },
        cause: Text {
            en: "Modbus writes whole registers. Reading the rest, changing a part and writing it back would undo what the machine changed in between. A text of odd length ends in half a register.",
            zh: "Modbus 只能写整个寄存器。先读、改一部分再写回，会冲掉设备在这期间的改动。奇数长度的文本末尾也是半个寄存器。",
        },
        remedy: Text {
            en: "take `write` away; write a coil or a whole register if the machine offers one, or an even length",
            zh: "请删去 write；若设备有对应的线圈或整寄存器，请改用它；文本请用偶数长度",
        },
    },
    Words {
        code: WRITE_LIMIT_ELSEWHERE,
        what: Text { en: "`{key}` has no effect here", zh: "`{key}` 在这里不起作用" },
        cause: Text {
            en: "Limits belong to numbers without names that may be written.",
            zh: "上下限只用于可写的、没有取名的数值。",
        },
        remedy: Text {
            en: "take it away, or add write = true to the number",
            zh: "请删去，或给该数值加上 write = true",
        },
    },
    Words {
        code: WRITE_LIMITS_CROSSED,
        what: Text {
            en: "`{key}` is {min}, above write_max, which is {max}",
            zh: "`{key}` 为 {min}，大于 write_max 的 {max}",
        },
        cause: Text { en: "The two limits are exchanged.", zh: "上下限写反了。" },
        remedy: Text { en: "exchange them", zh: "请对调" },
    },
    Words {
        code: WRITE_TOO_LONG,
        what: Text {
            en: "`{key}`: {found} is longer than one request can write, {max} bytes",
            zh: "`{key}`：{found} 超过一次请求能写的 {max} 字节",
        },
        cause: Text {
            en: "One request writes at most 123 registers, and two would not be indivisible.",
            zh: "一次请求最多写 123 个寄存器，分两次写就不再是一个整体。",
        },
        remedy: Text { en: "make the text shorter, or take `write` away", zh: "请缩短文本，或删去 write" },
    },
    Words {
        code: WRITE_OF_METER,
        what: Text { en: "`{key}`: a DL/T 645 meter is only read", zh: "`{key}`：DL/T 645 电表只读不写" },
        cause: Text {
            en: "Writing to such a meter takes its password and may void its seal.",
            zh: "写这类电表需要密码，还可能破坏其检定封印。",
        },
        remedy: Text { en: "take `write` away", zh: "请删去 write" },
    },
    Words {
        code: KEY_OF_MODBUS,
        what: Text { en: "`{key}` has no effect on a DL/T 645 meter", zh: "`{key}` 对 DL/T 645 电表不起作用" },
        cause: Text {
            en: "It concerns registers; a meter answers identifiers, whose order and length its protocol settles.",
            zh: "该项只与寄存器有关；电表按数据标识应答，字节序和长度由规约规定。",
        },
        remedy: Text { en: "take it away", zh: "请删去" },
    },
    Words {
        code: UNKNOWN_DATA_ID,
        what: Text {
            en: "`{key}` is missing, and {id} is no identifier whose format is known here",
            zh: "缺少 `{key}`，且 {id} 的数据格式未内置",
        },
        cause: Text {
            en: "Energies, demands, voltages, currents, powers, date and time need no type; what makers add does.",
            zh: "电能、需量、电压、电流、功率、日期时间等无需写类型；厂家扩展的标识需要写。",
        },
        remedy: Text {
            en: "write the format of the meter's manual, one of: {known} (bytes, then decimals; s: with a sign)",
            zh: "请按说明书写明格式：{known}（字节数.小数位数；s 表示带符号）",
        },
    },
    Words {
        code: BAD_METER_TYPE,
        what: Text {
            en: "`{key}` is {found}, which is no format of a meter's value",
            zh: "`{key}` 的值 {found} 不是电表数据格式",
        },
        cause: Text {
            en: "Meters send decimal digits, words of bits, text and times, not the types of registers.",
            zh: "电表发送的是 BCD 数字、状态字、文本和时间，没有寄存器那样的类型。",
        },
        remedy: Text {
            en: "write one of: {known} (bytes, then decimals; s: with a sign), or leave it out where the identifier is well known",
            zh: "可写：{known}（字节数.小数位数；s 表示带符号）；常用标识可不写",
        },
    },
    Words {
        code: NO_SUCH_PART,
        what: Text {
            en: "`{key}` is {found}, but the answer to {id} has no such part",
            zh: "`{key}` 的值为 {found}，但 {id} 的应答中没有这一部分",
        },
        cause: Text {
            en: "Only status words have bits, and only maximum demands have a time.",
            zh: "只有状态字可以取位，只有最大需量带发生时间。",
        },
        remedy: Text {
            en: "write the identifier alone, or e.g. \"04-00-05-03.4\" (bit 4), \"01-01-00-00.time\"",
            zh: "只写数据标识，或如 \"04-00-05-03.4\"（第 4 位）、\"01-01-00-00.time\"（发生时间）",
        },
    },
    Words {
        code: PROFILE_OF_OTHERS,
        what: Text {
            en: "`{key}` is made for devices of protocol {protocol}, which this one is not",
            zh: "`{key}` 是给 {protocol} 设备用的模板，与本设备不符",
        },
        cause: Text {
            en: "A device with `meter` is asked in DL/T 645, one on a link with `opcua` in OPC UA, any other in Modbus.",
            zh: "写了 meter 的设备按 DL/T 645 访问，opcua 链路上的设备按 OPC UA 访问，其余按 Modbus 访问。",
        },
        remedy: Text {
            en: "choose another profile, or another link; on a serial line say whether the device has a `meter` address or a `unit`",
            zh: "请换一个模板或链路；串行总线上请改写设备的 meter（表地址）或 unit（站号）",
        },
    },
    Words {
        code: ADDRESS_OF_A_PLC,
        what: Text {
            en: "`{key}` is {found}, written as in a PLC's program, but nothing says which PLC it is",
            zh: "`{key}` 的值 {found} 是 PLC 程序里的写法，但没有说明是哪种 PLC",
        },
        cause: Text {
            en: "Each maker puts D100 and M10 at Modbus addresses of his own.",
            zh: "D100、M10 对应的 Modbus 地址，各家 PLC 各不相同。",
        },
        remedy: Text {
            en: "name the PLC with addresses (one of: {known}), or write the Modbus address from its manual, e.g. \"holding:100\"",
            zh: "请用 addresses 指明 PLC（可写：{known}），或查手册写 Modbus 地址，例如 \"holding:100\"",
        },
    },
    Words {
        code: FULLWIDTH,
        what: Text {
            en: "`{key}` is \"{found}\", in which fullwidth characters stand",
            zh: "`{key}` 的值 \"{found}\" 里有全角字符",
        },
        cause: Text {
            en: "Digits, letters or signs were typed with a Chinese input method; they look alike, but are others.",
            zh: "数字、字母或标点是在中文输入法下打的，看着像，其实不是同一个字符。",
        },
        remedy: Text { en: "write \"{plain}\"", zh: "请改为半角：\"{plain}\"" },
    },
    Words {
        code: ADDRESS_OF_A_METER,
        what: Text {
            en: "`{key}` is {found}, a data identifier of a DL/T 645 meter, but a Modbus device is asked",
            zh: "`{key}` 的值 {found} 是 DL/T 645 数据标识，但这是 Modbus 设备",
        },
        cause: Text {
            en: "Without `meter` a device is asked in Modbus.", zh: "没写 meter 的设备一律按 Modbus 读取。"
        },
        remedy: Text {
            en: "give the [[device]] `meter = \"000000000001\"` (the number on its front) in place of `unit` (`cloudward read`: --meter), or write a Modbus address",
            zh: "电表请在 [[device]] 里写 meter = \"000000000001\"（表盘上的表号）代替 unit（cloudward read 用 --meter）；否则请写 Modbus 地址",
        },
    },
    Words {
        code: ENDPOINT_TWICE,
        what: Text {
            en: "`{key}` is \"{found}\", to which the link in line {first} goes already",
            zh: "`{key}` 的值 \"{found}\" 已在第 {first} 行的链路中用过",
        },
        cause: Text {
            en: "Many devices take only one connection, and a serial line has one master.",
            zh: "很多设备只接受一个连接，一条串行总线也只能有一个主站。",
        },
        remedy: Text {
            en: "keep one [[link]], and let all devices behind it name it, each with its own `unit`; DTUs on one port need different `registration`s",
            zh: "请只保留一个 [[link]]，其后的设备都指向它，用不同的 unit 区分；同一端口上的多台 DTU 要写不同的 registration",
        },
    },
    Words {
        code: KEY_TWICE,
        what: Text {
            en: "the same key stands twice in this section", zh: "同一段里有一个配置项写了两次"
        },
        cause: Text {
            en: "A line was copied, or the next section lacks its [[device]], [[link]] or [[sink]].",
            zh: "复制时多了一行，或下一段忘了写 [[device]]、[[link]]、[[sink]]。",
        },
        remedy: Text {
            en: "delete one of the two; the next device, link or sink begins with a line [[device]], [[link]] or [[sink]] of its own",
            zh: "请删去其中一个；下一台设备、下一条链路、下一个去向要各自以 [[device]]、[[link]]、[[sink]] 开头",
        },
    },
];
