//! Words for `cloudward import`: CW641 to CW669.

use crate::model::trouble::{Code, Text, Words};

/// Nobody knows what file this is.
pub const SOURCE_UNKNOWN: Code = Code("CW641");
/// The file is none of the product that was named.
pub const NOT_THIS_SOURCE: Code = Code("CW642");
/// The output is there already.
pub const OUTPUT_EXISTS: Code = Code("CW643");
/// The output has a name that says nothing.
pub const OUTPUT_ENDING: Code = Code("CW644");
/// The output cannot be written.
pub const OUTPUT_UNWRITABLE: Code = Code("CW645");
/// Several devices do not fit into one table.
pub const SEVERAL_DEVICES: Code = Code("CW646");
/// Nothing could be carried over.
pub const NOTHING_LEFT: Code = Code("CW647");
/// All is done.
pub const DONE: Code = Code("CW648");
/// A row is no tag.
pub const NO_TAG: Code = Code("CW649");
/// An address is not understood.
pub const ADDRESS_LEFT_OUT: Code = Code("CW650");
/// A type has no counterpart there.
pub const TYPE_LEFT_OUT: Code = Code("CW651");
/// Arrays.
pub const ARRAY_LEFT_OUT: Code = Code("CW652");
/// Tags could be written to.
pub const WRITE_ACCESS: Code = Code("CW653");
/// A tag can only be written to.
pub const WRITE_ONLY: Code = Code("CW654");
/// A scaling that is not linear, or does not suit the type.
pub const SCALING_LEFT_OUT: Code = Code("CW655");
/// Clamping.
pub const CLAMP_LEFT_OUT: Code = Code("CW656");
/// Rounding.
pub const ROUNDING_LEFT_OUT: Code = Code("CW657");
/// Names that topics cannot bear.
pub const RENAMED: Code = Code("CW658");
/// The rules of the configuration refuse a tag.
pub const REFUSED: Code = Code("CW659");
/// A setting without a counterpart.
pub const SETTING_LEFT_OUT: Code = Code("CW660");
/// A period out of range.
pub const PERIOD_CHANGED: Code = Code("CW661");
/// The byte order is not in the file.
pub const ORDER_ASSUMED: Code = Code("CW662");
/// Neither address nor unit id of the device are in the file.
pub const PLACE_UNKNOWN: Code = Code("CW663");
/// The address of the device is not in the file.
pub const LINK_UNKNOWN: Code = Code("CW664");
/// The order of bytes of a text is not in the file.
pub const TEXT_ORDER_ASSUMED: Code = Code("CW665");
/// Texts with one byte per register.
pub const ONE_BYTE_TEXT: Code = Code("CW666");
/// The rules of the configuration refuse a setting of a link.
pub const LINK_SETTING_REFUSED: Code = Code("CW667");
/// A name on the command line that cannot be one.
pub const NAME_REFUSED: Code = Code("CW668");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SOURCE_UNKNOWN,
        what: Text { en: "{path} is none of the files that can be imported", zh: "{path} 不是可导入的文件" },
        cause: Text {
            en: "The content has neither the columns of a Kepware or Neuron export nor an [[inputs.modbus]] section of Telegraf.",
            zh: "内容既没有 Kepware 或 Neuron 导出表的列，也没有 Telegraf 的 [[inputs.modbus]] 段。",
        },
        remedy: Text {
            en: "name the product with --from kepware, neuron or telegraf, to be told what is missing",
            zh: "请用 --from kepware、neuron 或 telegraf 指明来源，以便看到缺少什么",
        },
    },
    Words {
        code: NOT_THIS_SOURCE,
        what: Text { en: "this is no file of {source}: {found}", zh: "这不是 {source} 的文件：{found}" },
        cause: Text {
            en: "The file is damaged, was saved in another form, or comes from another product.",
            zh: "文件损坏、另存成了别的格式，或来自其他产品。",
        },
        remedy: Text {
            en: "export it anew: Kepware: File, Export CSV on the device; Neuron: export on the group list (xlsx); Telegraf: its configuration file",
            zh: "请重新导出：Kepware 在设备上用“导出 CSV”；Neuron 在组列表中导出（xlsx）；Telegraf 用其配置文件",
        },
    },
    Words {
        code: OUTPUT_EXISTS,
        what: Text { en: "{path} exists already and is not overwritten", zh: "{path} 已存在，未覆盖" },
        cause: Text {
            en: "Somebody may have worked on this file since the last import.",
            zh: "上次导入之后，可能有人修改过该文件。",
        },
        remedy: Text {
            en: "choose another name, or give --force to replace it",
            zh: "请换一个文件名；确要替换请加 --force",
        },
    },
    Words {
        code: OUTPUT_ENDING,
        what: Text { en: "{path} says neither TOML nor CSV", zh: "从 {path} 看不出要 TOML 还是 CSV" },
        cause: Text {
            en: "The ending of the name decides what is written.", zh: "输出格式由文件扩展名决定。"
        },
        remedy: Text {
            en: "write --output NAME.toml (a workshop) or NAME.csv (a tag table)",
            zh: "请写 --output NAME.toml（车间配置）或 NAME.csv（点表）",
        },
    },
    Words {
        code: OUTPUT_UNWRITABLE,
        what: Text { en: "{path} cannot be written: {error}", zh: "无法写入 {path}：{error}" },
        cause: Text {
            en: "The folder does not exist, is not yours, or the disk is full.",
            zh: "目录不存在、没有权限，或磁盘已满。",
        },
        remedy: Text { en: "choose another place for --output", zh: "请为 --output 换一个位置" },
    },
    Words {
        code: SEVERAL_DEVICES,
        what: Text {
            en: "a tag table holds the tags of one device, the file has {count}: {names}",
            zh: "一个点表只能放一台设备的点，而文件里有 {count} 台：{names}",
        },
        cause: Text {
            en: "The tags of the file belong to several unit ids or several controllers.",
            zh: "文件中的点分属多个站号或多个控制器。",
        },
        remedy: Text { en: "write a TOML file: --output NAME.toml", zh: "请输出 TOML：--output NAME.toml" },
    },
    Words {
        code: NOTHING_LEFT,
        what: Text { en: "no tag of {path} could be carried over", zh: "{path} 中没有一个点可以导入" },
        cause: Text {
            en: "The file has no tags, or its addresses are not those of a Modbus driver.",
            zh: "文件里没有点，或者其地址不是 Modbus 驱动的地址。",
        },
        remedy: Text {
            en: "see the lines above; only tags of Modbus devices can be imported",
            zh: "请看上面各行；只能导入 Modbus 设备的点",
        },
    },
    Words {
        code: DONE,
        what: Text {
            en: "carried over: {tags} tags of {devices} devices; to fill in or compare: {checks}; not carried over: {count}",
            zh: "已导入：{devices} 台设备的 {tags} 个点；待填写或核对：{checks} 项；未能导入：{count} 项",
        },
        cause: Text {
            en: "Each item that could not be carried over has a line of its own above.",
            zh: "未能导入的每一项都在上面单列一行。",
        },
        remedy: Text {
            en: "fill in what is marked, then compare the first readings with the old system",
            zh: "请补充有标记的各行，再把首批读数与原系统对比",
        },
    },
    Words {
        code: NO_TAG,
        what: Text {
            en: "line {line} is left out: it names no tag: {found}",
            zh: "第 {line} 行未导入：没有点名：{found}",
        },
        cause: Text { en: "The row is a comment, or its name is missing.", zh: "该行是注释，或缺少名称。" },
        remedy: Text { en: "give it a name if it is a tag", zh: "如果是点，请补上名称" },
    },
    Words {
        code: ADDRESS_LEFT_OUT,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: its address is not understood: {found}",
            zh: "第 {line} 行：点 `{tag}` 未导入：无法理解地址 {found}",
        },
        cause: Text {
            en: "The address has too few digits, or fewer than its neighbours (a spreadsheet program eats zeros), is hexadecimal, names no Modbus table, has an order that does not suit its type, or belongs to another driver.",
            zh: "地址位数不足，或比其他地址少（表格软件会去掉前面的零）、是十六进制、不属于 Modbus 的四个区、字节序与类型不符，或属于其他驱动。",
        },
        remedy: Text {
            en: "write the tag by hand, with an address such as \"400001\" or \"coil:0\"",
            zh: "请手工添加该点，地址如 \"400001\" 或 \"coil:0\"",
        },
    },
    Words {
        code: TYPE_LEFT_OUT,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: there is no counterpart for type {found} at {address}",
            zh: "第 {line} 行：点 `{tag}` 未导入：地址 {address} 上的类型 {found} 没有对应类型",
        },
        cause: Text {
            en: "The type is none of ours (a date, bytes), or the address does not say which bit or byte of the register is meant.",
            zh: "该类型这里没有（如日期、字节串），或者地址没有写明是寄存器的哪一位、哪个字节。",
        },
        remedy: Text {
            en: "write the tag by hand: docs/MODBUS.md lists the types; a bit is \"40010.3\", a byte \"40010.lo\"",
            zh: "请手工添加该点：类型见 docs/MODBUS.zh-CN.md；位写作 \"40010.3\"，字节写作 \"40010.lo\"",
        },
    },
    Words {
        code: ARRAY_LEFT_OUT,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: it is an array: {found}",
            zh: "第 {line} 行：点 `{tag}` 未导入：它是数组：{found}",
        },
        cause: Text { en: "A tag here has one value.", zh: "这里一个点只有一个值。" },
        remedy: Text { en: "write one tag for each element that is needed", zh: "需要的元素请各写一个点" },
    },
    Words {
        code: WRITE_ACCESS,
        what: Text {
            en: "write access is not carried over ({count}): {names}",
            zh: "写权限未导入（{count}）：{names}",
        },
        cause: Text {
            en: "Tags are read only, unless somebody decides otherwise for each of them.",
            zh: "点默认只读；是否允许写入，须逐点决定。",
        },
        remedy: Text {
            en: "nothing to do if they are only read; whatever wrote to them must keep its own way to the machine",
            zh: "只采集则无需处理；原来写入这些点的程序须保留自己的通道",
        },
    },
    Words {
        code: WRITE_ONLY,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: it is only written to",
            zh: "第 {line} 行：点 `{tag}` 未导入：它是只写的",
        },
        cause: Text { en: "What cannot be read is no tag here.", zh: "不能读的点在这里没有意义。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: SCALING_LEFT_OUT,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: its scaling has no counterpart: {found}",
            zh: "第 {line} 行：点 `{tag}` 未导入：其换算方式没有对应：{found}",
        },
        cause: Text {
            en: "There is a factor and an offset for numbers, but no square root; the ranges may be empty or no numbers; a text or bit has no factor.",
            zh: "数值只有系数和偏移，没有开方；量程可能为空或不是数字；文本和位不能换算。",
        },
        remedy: Text {
            en: "write the tag by hand with `scale` and `offset`, or unscaled under another name",
            zh: "请手工添加该点并写 scale、offset，或换个名称上送未换算的值",
        },
    },
    Words {
        code: CLAMP_LEFT_OUT,
        what: Text {
            en: "line {line}: the clamping of tag `{tag}` is not carried over",
            zh: "第 {line} 行：点 `{tag}` 的限幅未导入",
        },
        cause: Text {
            en: "Values beyond the scaled range are sent as they are: a value that was cut off looks like a good one.",
            zh: "超出量程的值原样上送：被截断的值看起来像正常值。",
        },
        remedy: Text { en: "judge the range where the values are used", zh: "请在使用数据的地方判断量程" },
    },
    Words {
        code: ROUNDING_LEFT_OUT,
        what: Text {
            en: "line {line}: the rounding of tag `{tag}` is not carried over: {found}",
            zh: "第 {line} 行：点 `{tag}` 的取整或小数位数未导入：{found}",
        },
        cause: Text {
            en: "A scaled value is a float that is never rounded or truncated.",
            zh: "换算后的值是浮点数，不取整也不截断。",
        },
        remedy: Text { en: "round where the values are shown", zh: "请在显示时取整" },
    },
    Words {
        code: RENAMED,
        what: Text {
            en: "new names, since a topic cannot bear the old ones ({count}): {names}",
            zh: "以下名称不能用于主题，已更改（{count}）：{names}",
        },
        cause: Text {
            en: "A name travels in topics and payloads: letters, digits, - and _, once per device. The old name stands as the label.",
            zh: "名称会出现在主题和报文里，只能用字母、数字、- 和 _，且同一设备内不重复。原名保留为 label。",
        },
        remedy: Text {
            en: "choose better names in the file, and use them where the values are received",
            zh: "请在文件里改成合适的名称，并在接收端使用同样的名称",
        },
    },
    Words {
        code: REFUSED,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: {why}", zh: "第 {line} 行：点 `{tag}` 未导入：{why}"
        },
        cause: Text {
            en: "The old product allowed it, the rules of this configuration do not.",
            zh: "原产品允许，而本配置的规则不允许。",
        },
        remedy: Text { en: "write the tag by hand", zh: "请手工添加该点" },
    },
    Words {
        code: SETTING_LEFT_OUT,
        what: Text {
            en: "line {line}: `{key}` is not carried over: {found}",
            zh: "第 {line} 行：`{key}` 未导入：{found}",
        },
        cause: Text {
            en: "There is no setting here that does the same, or its value is not understood.",
            zh: "这里没有作用相同的配置项，或其值无法理解。",
        },
        remedy: Text {
            en: "see whether config/workshop.toml has what you need, or do it where the values are received",
            zh: "请看 config/workshop.toml 中有无所需配置，或在接收端处理",
        },
    },
    Words {
        code: PERIOD_CHANGED,
        what: Text {
            en: "line {line}: the period of `{tag}` is {found}, {taken} is written",
            zh: "第 {line} 行：`{tag}` 的周期为 {found}，已改写为 {taken}",
        },
        cause: Text {
            en: "Periods here are between 10 ms and one day.", zh: "这里的周期在 10 毫秒到一天之间。"
        },
        remedy: Text { en: "write the period that you want as `every`", zh: "请用 every 写上想要的周期" },
    },
    Words {
        code: ORDER_ASSUMED,
        what: Text {
            en: "the file does not say the byte order of 32- and 64-bit values; the old product's default is written: {order}",
            zh: "文件里没有 32 位和 64 位数值的字节序；已按原产品的默认值写为 {order}",
        },
        cause: Text {
            en: "The byte order is a setting of the device in the old product, and exports of tags do not have it.",
            zh: "字节序是原产品中设备的设置，点表导出不含此项。",
        },
        remedy: Text {
            en: "look it up in the old product (Kepware: Data Encoding, First Word Low; Neuron: Endianness), and compare the first readings",
            zh: "请在原产品中查看（Kepware：Data Encoding 的 First Word Low；Neuron：字节序），并核对首批读数",
        },
    },
    Words {
        code: PLACE_UNKNOWN,
        what: Text {
            en: "the file does not say where the device is: address and unit id are placeholders",
            zh: "文件里没有设备的地址和站号：写的是占位值",
        },
        cause: Text {
            en: "Exports of tags hold neither channels nor devices. Neither do they say whether addresses count from 0: from 1 is taken, the default.",
            zh: "点表导出不含通道和设备，也不含地址起算方式：这里按默认的从 1 起算。",
        },
        remedy: Text {
            en: "fill in `modbus_tcp` (or what it is) and `unit`, which are marked in the file",
            zh: "请填写文件中有标记的 modbus_tcp（或其他连接方式）和 unit",
        },
    },
    Words {
        code: LINK_UNKNOWN,
        what: Text {
            en: "the file does not say where the devices are: the address of the link is a placeholder",
            zh: "文件里没有设备的地址：链路地址写的是占位值",
        },
        cause: Text {
            en: "Exports of tags hold no settings of the device. Neither do they say whether addresses count from 0: from 1 is taken, the default.",
            zh: "点表导出不含设备参数，也不含地址起算方式：这里按默认的从 1 起算。",
        },
        remedy: Text {
            en: "fill in `modbus_tcp` (or what it is), which is marked in the file",
            zh: "请填写文件中有标记的 modbus_tcp（或其他连接方式）",
        },
    },
    Words {
        code: TEXT_ORDER_ASSUMED,
        what: Text {
            en: "line {line}: the address of text `{tag}` does not say which byte of a register comes first; {order} is written",
            zh: "第 {line} 行：文本 `{tag}` 的地址没有写明寄存器内哪个字节在前；已写为 {order}",
        },
        cause: Text {
            en: "Without H or L behind the length the old product decides by its version and settings.",
            zh: "长度后面不写 H 或 L 时，由原产品的版本和设置决定。",
        },
        remedy: Text {
            en: "compare the first reading; if its letters are swapped in pairs, write order = \"BA\"",
            zh: "请核对首次读数；若字母两两颠倒，请写 order = \"BA\"",
        },
    },
    Words {
        code: ONE_BYTE_TEXT,
        what: Text {
            en: "line {line}: tag `{tag}` is left out: a text with one byte per register: {found}",
            zh: "第 {line} 行：点 `{tag}` 未导入：每个寄存器只存一个字节的文本：{found}",
        },
        cause: Text {
            en: "Texts here have two bytes per register.", zh: "这里的文本每个寄存器存两个字节。"
        },
        remedy: Text {
            en: "read the bytes as tags of type u8 if they are needed: \"40010.lo\"",
            zh: "如有需要，请用 u8 类型逐字节读取：\"40010.lo\"",
        },
    },
    Words {
        code: LINK_SETTING_REFUSED,
        what: Text {
            en: "link `{link}`: `{key}` is not carried over: {found}: {why}",
            zh: "链路 `{link}`：`{key}` 未导入：{found}：{why}",
        },
        cause: Text {
            en: "The old product allowed it, the rules of this configuration do not; a variable of the environment is not filled in either.",
            zh: "原产品允许，而本配置的规则不允许；环境变量也不会代入。",
        },
        remedy: Text {
            en: "write the setting by hand; a missing address is marked in the file",
            zh: "请手工填写该项；缺少的地址在文件中有标记",
        },
    },
    Words {
        code: NAME_REFUSED,
        what: Text { en: "{found} cannot be a name", zh: "{found} 不能用作名称" },
        cause: Text {
            en: "Names travel in topics: 1 to 64 letters, digits, - and _.",
            zh: "名称会出现在主题里：1 到 64 个字母、数字、- 和 _。",
        },
        remedy: Text {
            en: "write e.g. --device press-01 --link press-plc",
            zh: "请写例如 --device press-01 --link press-plc",
        },
    },
];
