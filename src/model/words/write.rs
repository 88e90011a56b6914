//! Words for `cloudward write`: CW671 to CW699.

use crate::model::trouble::{Code, Text, Words};

/// Writing is switched off.
pub const WRITES_OFF: Code = Code("CW671");
/// No such tag.
pub const WRITE_NO_SUCH_TAG: Code = Code("CW672");
/// The tag is not in the allow-list.
pub const WRITE_NOT_ALLOWED: Code = Code("CW673");
/// The device is not connected.
pub const WRITE_NO_LINK: Code = Code("CW674");
/// The device dials in.
pub const WRITE_BY_DIAL_IN: Code = Code("CW675");
/// Unit 0 on a serial line.
pub const WRITE_BROADCAST: Code = Code("CW676");
/// The text is no value.
pub const WRITE_NO_VALUE: Code = Code("CW677");
/// The value falls between two.
pub const WRITE_BETWEEN: Code = Code("CW678");
/// The value is out of range.
pub const WRITE_OUT_OF_RANGE: Code = Code("CW679");
/// No name of the tag.
pub const WRITE_UNKNOWN_NAME: Code = Code("CW680");
/// The text does not fit.
pub const WRITE_TEXT_MISFIT: Code = Code("CW681");
/// Nobody can be asked.
pub const WRITE_UNASKED: Code = Code("CW682");
/// The record cannot be written.
pub const AUDIT_UNWRITABLE: Code = Code("CW683");
/// No connection.
pub const WRITE_CANNOT_OPEN: Code = Code("CW684");
/// The old value cannot be read.
pub const WRITE_NO_OLD_VALUE: Code = Code("CW685");
/// The person said no.
pub const WRITE_DECLINED: Code = Code("CW686");
/// The device refuses.
pub const WRITE_REFUSED: Code = Code("CW687");
/// No answer.
pub const WRITE_UNKNOWN: Code = Code("CW688");
/// The read-back differs.
pub const WRITE_DIFFERS: Code = Code("CW689");
/// Only the result is not recorded.
pub const WRITE_UNRECORDED: Code = Code("CW690");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: WRITES_OFF,
        what: Text { en: "writing to machines is switched off", zh: "写入功能未启用" },
        cause: Text {
            en: "cloudward only reads unless the configuration says otherwise.",
            zh: "除非配置中明确允许，cloudward 只读不写。",
        },
        remedy: Text {
            en: "if a person is to write set points, add `writes = true` under [workshop] and `write = true` to those tags",
            zh: "确需人工写设定值时，请在 [workshop] 下加 `writes = true`，并给相应的点加 `write = true`",
        },
    },
    Words {
        code: WRITE_NO_SUCH_TAG,
        what: Text { en: "there is no tag {target}", zh: "没有 {target} 这个点" },
        cause: Text {
            en: "A tag is named by the id of its device, a dot, and its name.",
            zh: "点写作：设备 id、英文点号、点名。",
        },
        remedy: Text { en: "these may be written: {known}", zh: "可写的点：{known}" },
    },
    Words {
        code: WRITE_NOT_ALLOWED,
        what: Text { en: "{target} may not be written", zh: "{target} 不允许写" },
        cause: Text {
            en: "Each tag that may be written says so itself in the configuration.",
            zh: "每个可写的点都要在配置中单独写明。",
        },
        remedy: Text {
            en: "add `write = true` to it, and to a number write_min and write_max; these may be written: {known}",
            zh: "请给它加上 `write = true`，数值点再写上 write_min、write_max；目前可写的点：{known}",
        },
    },
    Words {
        code: WRITE_NO_LINK,
        what: Text { en: "{target} belongs to a machine without a link", zh: "{target} 所属的设备没有联网" },
        cause: Text { en: "The machine is in the ledger only.", zh: "这台设备只列在台账里。" },
        remedy: Text { en: "give its device a `link`", zh: "请给该设备写上 link" },
    },
    Words {
        code: WRITE_BY_DIAL_IN,
        what: Text {
            en: "{target} cannot be written: link `{link}` waits for a unit that dials in",
            zh: "无法写 {target}：链路 `{link}` 要等 DTU 连入",
        },
        cause: Text {
            en: "The unit has one connection, and the agent holds it.",
            zh: "DTU 只有一个连接，由采集程序占用。",
        },
        remedy: Text {
            en: "write it at the machine itself, or through another path such as Modbus TCP",
            zh: "请在设备上直接设定，或改走 Modbus TCP 等其他途径",
        },
    },
    Words {
        code: WRITE_BROADCAST,
        what: Text {
            en: "{target} is at unit 0, which means every device on the line",
            zh: "{target} 的站号是 0，即总线上的所有设备",
        },
        cause: Text {
            en: "A broadcast has no answer, and would change machines that nobody named.",
            zh: "广播没有应答，还会改动没有指名的设备。",
        },
        remedy: Text { en: "give the device its own unit id", zh: "请写设备自己的站号" },
    },
    Words {
        code: WRITE_NO_VALUE,
        what: Text { en: "`{found}` is no value of {tag}", zh: "`{found}` 不是 {tag} 的值" },
        cause: Text {
            en: "Numbers are written with a point, without separators and without units.",
            zh: "数值用英文小数点，不带千分位和单位。",
        },
        remedy: Text { en: "write e.g. {expected}", zh: "请写如 {expected}" },
    },
    Words {
        code: WRITE_BETWEEN,
        what: Text { en: "{tag} cannot be exactly {found}", zh: "{tag} 无法正好是 {found}" },
        cause: Text {
            en: "The machine holds whole steps, or fewer digits than were typed.",
            zh: "设备只能存整步的值，或位数没有这么多。",
        },
        remedy: Text { en: "write one of the nearest: {nearest}", zh: "请写最接近的值：{nearest}" },
    },
    Words {
        code: WRITE_OUT_OF_RANGE,
        what: Text {
            en: "{found} is out of range for {tag}: {min} to {max}",
            zh: "{found} 超出 {tag} 的范围：{min} 到 {max}",
        },
        cause: Text {
            en: "The range is what the type can hold, narrowed by write_min and write_max.",
            zh: "范围由类型决定，并受 write_min、write_max 限制。",
        },
        remedy: Text { en: "write a value from {min} to {max}", zh: "请写 {min} 到 {max} 之间的值" },
    },
    Words {
        code: WRITE_UNKNOWN_NAME,
        what: Text {
            en: "`{found}` is no name of {tag}, or of several numbers",
            zh: "`{found}` 不是 {tag} 的名称，或同时对应几个数",
        },
        cause: Text { en: "A tag with names is written by name.", zh: "取了名称的点按名称写。" },
        remedy: Text { en: "write one of: {known}", zh: "请写以下之一：{known}" },
    },
    Words {
        code: WRITE_TEXT_MISFIT,
        what: Text {
            en: "`{found}` does not fit into {tag}, which is {type}",
            zh: "`{found}` 放不进 {tag}，它是 {type}",
        },
        cause: Text {
            en: "It has too many bytes, or a character that the encoding lacks. A Chinese character takes two bytes in GBK, three in UTF-8.",
            zh: "字节太多，或含有该编码没有的字符。一个汉字在 GBK 中占两字节，在 UTF-8 中占三字节。",
        },
        remedy: Text { en: "shorten it, or leave the character out", zh: "请缩短，或去掉该字符" },
    },
    Words {
        code: WRITE_UNASKED,
        what: Text {
            en: "{target} was not written: nobody can be asked here", zh: "未写 {target}：此处无人可确认"
        },
        cause: Text { en: "Standard input is no terminal.", zh: "标准输入不是终端。" },
        remedy: Text {
            en: "add --yes if a script is to write without a question",
            zh: "如确需由脚本不经询问直接写，请加 --yes",
        },
    },
    Words {
        code: AUDIT_UNWRITABLE,
        what: Text {
            en: "nothing was written to the machine: the record {path} cannot be kept: {error}",
            zh: "没有写入设备：记录文件 {path} 无法写入：{error}",
        },
        cause: Text {
            en: "The disk is full, or this user may not write there.",
            zh: "磁盘已满，或当前用户没有写权限。",
        },
        remedy: Text {
            en: "make room, or run it as a user who may write there (sudo)",
            zh: "请清理磁盘，或换有写权限的用户运行（sudo）",
        },
    },
    Words {
        code: WRITE_CANNOT_OPEN,
        what: Text {
            en: "nothing was written: {endpoint} cannot be opened: {error}",
            zh: "没有写入：无法打开 {endpoint}：{error}",
        },
        cause: Text {
            en: "The device is off or unreachable, takes a single connection, or the agent holds the serial port.",
            zh: "设备没开机或不通、只接受一个连接，或串口正由采集程序占用。",
        },
        remedy: Text {
            en: "stop the agent for the moment (systemctl stop cloudward) if it holds the port or the only connection; else check the device",
            zh: "如串口或唯一的连接被采集程序占用，请先停止它（systemctl stop cloudward）；否则请检查设备",
        },
    },
    Words {
        code: WRITE_NO_OLD_VALUE,
        what: Text {
            en: "nothing was written: the present value of {target} cannot be read: {found}",
            zh: "没有写入：读不到 {target} 的当前值：{found}",
        },
        cause: Text {
            en: "What cannot be read cannot be compared afterwards either.",
            zh: "读不到的值，写后也无法核对。",
        },
        remedy: Text {
            en: "check address, unit id and device; some registers can only be written, and are left to the machine's own panel",
            zh: "请检查地址、站号和设备；有些寄存器只能写不能读，请在设备面板上操作",
        },
    },
    Words {
        code: WRITE_DECLINED,
        what: Text { en: "nothing was written to {target}", zh: "没有写入 {target}" },
        cause: Text { en: "The question was not answered with y.", zh: "没有回答 y。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: WRITE_REFUSED,
        what: Text {
            en: "the device refuses to write {target}: {found}; it reads {back}",
            zh: "设备拒绝写 {target}：{found}；当前读数 {back}",
        },
        cause: Text {
            en: "The register is read-only, the machine is in the wrong mode or locked, or the value is outside of what it accepts.",
            zh: "寄存器只读、设备模式不对或已锁定，或数值超出设备允许的范围。",
        },
        remedy: Text {
            en: "look into the manual under this register; many machines accept set points in one mode only",
            zh: "请查手册中该寄存器的说明；许多设备只在特定模式下接受设定",
        },
    },
    Words {
        code: WRITE_UNKNOWN,
        what: Text {
            en: "it is unknown whether {target} was written: no answer ({found}); it reads {back}",
            zh: "不确定 {target} 是否已写入：没有应答（{found}）；当前读数 {back}",
        },
        cause: Text {
            en: "The request or its answer got lost on the way. It is not repeated, since it may have taken effect.",
            zh: "请求或应答在途中丢失。由于可能已经生效，不会自动重写。",
        },
        remedy: Text { en: "look at the machine, then decide", zh: "请到设备上确认后再决定" },
    },
    Words {
        code: WRITE_DIFFERS,
        what: Text {
            en: "{target} was accepted as {new}, but reads {back}",
            zh: "{target} 已被接受为 {new}，但回读为 {back}",
        },
        cause: Text {
            en: "The machine limits or rounds the value, puts it in force later, another master writes too, or an adapter echoed the request.",
            zh: "设备对值做了限幅或取整、稍后才生效、另有主站在写，或转换器回显了请求。",
        },
        remedy: Text {
            en: "read it again in a moment, and compare with the machine's panel",
            zh: "请稍后再读一次，并与设备面板核对",
        },
    },
    Words {
        code: WRITE_UNRECORDED,
        what: Text {
            en: "{target} was written, but the result could not be added to {path}: {error}",
            zh: "{target} 已写入，但结果未能记入 {path}：{error}",
        },
        cause: Text {
            en: "The disk became full in between. The intent is recorded.",
            zh: "磁盘恰在此时写满。写入意图已有记录。",
        },
        remedy: Text { en: "make room, and note the result by hand", zh: "请清理磁盘，并手工记下结果" },
    },
];
