//! Words for machines and links: CW201 to CW299.

use crate::model::trouble::{Code, Text, Words};

/// A link answers.
pub const LINK_UP: Code = Code("CW201");
/// No connection.
pub const LINK_UNREACHABLE: Code = Code("CW202");
/// Nobody listens.
pub const LINK_REFUSED: Code = Code("CW203");
/// Connected, but no answer.
pub const LINK_SILENT: Code = Code("CW204");
/// The peer hangs up.
pub const LINK_CLOSED: Code = Code("CW205");
/// Answers that are no Modbus.
pub const LINK_MALFORMED: Code = Code("CW206");
/// Scans did not happen in time.
pub const SCANS_MISSED: Code = Code("CW207");
/// The serial port cannot be used.
pub const SERIAL_UNUSABLE: Code = Code("CW208");
/// Nobody on a serial line answers.
pub const LINE_SILENT: Code = Code("CW209");
/// Only damaged frames on a serial line.
pub const LINE_NOISE: Code = Code("CW210");
/// A device answers with an exception.
pub const DEVICE_REFUSES: Code = Code("CW211");
/// Tags are left out of the plan.
pub const TAGS_QUARANTINED: Code = Code("CW212");
/// Tags that were left out are read again.
pub const TAGS_FREED: Code = Code("CW213");
/// A block is read in parts.
pub const BLOCK_SPLIT: Code = Code("CW214");
/// The device takes only shorter requests.
pub const REQUESTS_SHORTENED: Code = Code("CW215");
/// A block has no answer while others have.
pub const BLOCK_SILENT: Code = Code("CW216");
/// The device does not serve a table.
pub const TABLE_UNSERVED: Code = Code("CW217");
/// A unit has no answer; it is asked seldom from now on.
pub const UNIT_SILENT: Code = Code("CW218");
/// A unit answers again.
pub const UNIT_ANSWERS: Code = Code("CW219");
/// A port for units that dial in cannot be opened.
pub const CANNOT_LISTEN: Code = Code("CW221");
/// No unit has dialled in.
pub const NOBODY_DIALLED: Code = Code("CW222");
/// What was learned of devices cannot be read.
pub const MEMORY_UNREADABLE: Code = Code("CW223");
/// What was learned of devices cannot be kept.
pub const MEMORY_NOT_KEPT: Code = Code("CW224");
/// A meter refuses an identifier.
pub const METER_REFUSES: Code = Code("CW230");
/// A meter answers with another length than was expected.
pub const METER_LENGTH: Code = Code("CW231");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: LINK_UP,
        what: Text { en: "link `{link}` is connected to {endpoint}", zh: "链路 `{link}` 已连接到 {endpoint}" },
        cause: Text { en: "The connection stands; values follow.", zh: "连接已建立，随后会有数据。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: LINK_UNREACHABLE,
        what: Text { en: "link `{link}`: {endpoint} cannot be reached", zh: "链路 `{link}`：连不上 {endpoint}" },
        cause: Text {
            en: "The machine is switched off, the cable is out, the address is wrong, or a firewall drops the connection.",
            zh: "设备没上电、网线没插好、地址写错，或被防火墙拦截。",
        },
        remedy: Text {
            en: "check power, cable and address (`ping` the host from this gateway); the agent keeps trying",
            zh: "请检查电源、网线和地址（可在本网关上 ping 该主机）；程序会自动重试",
        },
    },
    Words {
        code: LINK_REFUSED,
        what: Text {
            en: "link `{link}`: {endpoint} answers, but accepts no Modbus connection",
            zh: "链路 `{link}`：{endpoint} 有应答，但拒绝 Modbus 连接",
        },
        cause: Text {
            en: "Modbus TCP is not switched on in the device, the port differs from 502, or all its connections are taken by other masters.",
            zh: "设备没有启用 Modbus TCP，端口不是 502，或连接数已被别的主站占满。",
        },
        remedy: Text {
            en: "switch the Modbus server on, check the port, close other masters; the agent keeps trying",
            zh: "请启用设备的 Modbus 服务、核对端口、断开多余的主站；程序会自动重试",
        },
    },
    Words {
        code: LINK_SILENT,
        what: Text {
            en: "link `{link}`: {endpoint} takes connections, but does not answer within the timeout",
            zh: "链路 `{link}`：{endpoint} 能连上，但在时限内没有应答",
        },
        cause: Text {
            en: "The unit id is wrong, the device behind a gateway is off, or the device is slower than `timeout`.",
            zh: "站号不对，网关后面的设备没上电，或设备应答比 timeout 还慢。",
        },
        remedy: Text {
            en: "check `unit` of its devices; try a longer `timeout`",
            zh: "请核对各设备的 unit；可把 timeout 调大再试",
        },
    },
    Words {
        code: LINK_CLOSED,
        what: Text {
            en: "link `{link}`: {endpoint} closes the connection",
            zh: "链路 `{link}`：{endpoint} 主动断开了连接",
        },
        cause: Text {
            en: "The device allows few connections and another master holds them, closes lines that are idle, or restarts.",
            zh: "设备允许的连接数少，被别的主站占用；或设备会断开空闲连接；或正在重启。",
        },
        remedy: Text {
            en: "close other masters or raise the device's number of connections; the agent keeps trying",
            zh: "请断开其他主站，或调大设备的连接数；程序会自动重试",
        },
    },
    Words {
        code: LINK_MALFORMED,
        what: Text {
            en: "link `{link}`: what {endpoint} answers is not Modbus TCP",
            zh: "链路 `{link}`：{endpoint} 的应答不是 Modbus TCP",
        },
        cause: Text {
            en: "Another service listens on this port, or a serial gateway passes RTU frames through without converting them.",
            zh: "该端口上是别的服务，或串口服务器没有做协议转换，直接透传了 RTU 报文。",
        },
        remedy: Text {
            en: "check the port, and switch the serial gateway to Modbus TCP mode",
            zh: "请核对端口，并把串口服务器设为 Modbus TCP 模式",
        },
    },
    Words {
        code: SCANS_MISSED,
        what: Text {
            en: "link `{link}` cannot keep its periods: {count} scans were missed just now ({devices}), {total} since the start",
            zh: "链路 `{link}` 跟不上采集周期：刚才漏采 {count} 次（{devices}），启动以来共 {total} 次",
        },
        cause: Text {
            en: "The devices answer more slowly than the periods ask, or a silent device holds the line until its timeout.",
            zh: "设备应答慢于采集周期的要求，或某台无应答的设备占住链路直到超时。",
        },
        remedy: Text {
            en: "lengthen `every`, shorten `timeout`, or take the silent device off this link; missed scans are counted in the status line",
            zh: "请加长 every、缩短 timeout，或把无应答的设备移出该链路；漏采次数见状态行",
        },
    },
    Words {
        code: SERIAL_UNUSABLE,
        what: Text {
            en: "link `{link}`: the serial port {endpoint} cannot be used: {error}",
            zh: "链路 `{link}`：串口 {endpoint} 无法使用：{error}",
        },
        cause: Text {
            en: "The port does not exist, another program holds it, the user of the agent is not in the group dialout, or the driver does not know this speed or RS-485 mode.",
            zh: "串口不存在、被其他程序占用、运行本程序的用户不在 dialout 组，或驱动不支持该波特率或 RS-485 模式。",
        },
        remedy: Text {
            en: "check `ls -l /dev/tty*` and the group, close the other program, take `rs485 = true` away if the adapter switches direction by itself; as a service it needs what `cloudward unit` prints; the agent keeps trying",
            zh: "请用 ls -l /dev/tty* 检查串口和权限、关闭占用程序；若转换器自动换向，请删去 rs485 = true；以服务运行时须用 cloudward unit 的输出放行串口；程序会不断重试",
        },
    },
    Words {
        code: LINE_SILENT,
        what: Text {
            en: "link `{link}`: nobody answers on {endpoint}", zh: "链路 `{link}`：{endpoint} 上无设备应答"
        },
        cause: Text {
            en: "The devices are off, A and B are exchanged, the unit ids or the speed are wrong.",
            zh: "设备没上电、A/B 线接反、站号不对，或波特率不对。",
        },
        remedy: Text {
            en: "check power, wiring, `unit` of the devices and `baud`",
            zh: "请检查电源、接线、各设备的 unit 和 baud",
        },
    },
    Words {
        code: LINE_NOISE,
        what: Text {
            en: "link `{link}`: what comes on {endpoint} has no correct checksum",
            zh: "链路 `{link}`：{endpoint} 上收到的报文校验都不对",
        },
        cause: Text {
            en: "Speed, parity or stop bits differ from those of the devices, another master speaks on the same line, or the line lacks termination.",
            zh: "波特率、校验位或停止位与设备不一致，同一总线上有别的主站，或总线缺终端电阻。",
        },
        remedy: Text {
            en: "compare `baud`, `parity` and `stop_bits` with the devices' settings; RS-485 allows one master",
            zh: "请与设备设置核对 baud、parity、stop_bits；RS-485 总线只允许一个主站",
        },
    },
    Words {
        code: DEVICE_REFUSES,
        what: Text {
            en: "device `{device}` (unit {unit}) refuses {table} {first} to {last}: {found}",
            zh: "设备 `{device}`（站号 {unit}）拒绝读取 {table} {first} 至 {last}：{found}",
        },
        cause: Text {
            en: "The device has no such address or does not serve this table; many devices refuse a whole block because of one address.",
            zh: "设备没有这个地址，或不支持这个区；很多设备会因为一个地址而拒绝整段。",
        },
        remedy: Text {
            en: "compare the addresses with the device's manual; set max_gap = 0 on its link if holes are not readable",
            zh: "请对照设备手册核对地址；若空洞不可读，请在 link 上设 max_gap = 0",
        },
    },
    Words {
        code: TAGS_QUARANTINED,
        what: Text {
            en: "device `{device}` (unit {unit}) has no such address for {count} tags, which are no longer read: {tags}",
            zh: "设备 `{device}`（站号 {unit}）没有 {count} 个变量的地址，暂停读取：{tags}",
        },
        cause: Text {
            en: "The address or the type is wrong, or this model or firmware lacks these values; the others of the block are read.",
            zh: "地址或类型写错，或该型号、固件没有这些数据；同一段的其他变量照常读取。",
        },
        remedy: Text {
            en: "compare these addresses with the device's manual; they are tried again after a minute, later once an hour",
            zh: "请对照设备手册核对这些地址；一分钟后会再试，之后逐渐延长到每小时一次",
        },
    },
    Words {
        code: TAGS_FREED,
        what: Text {
            en: "device `{device}` (unit {unit}) hands out {count} tags again: {tags}",
            zh: "设备 `{device}`（站号 {unit}）的 {count} 个变量恢复读取：{tags}",
        },
        cause: Text {
            en: "The device was restarted, its program was changed, or it was stopped for a while.",
            zh: "设备重启过、程序改过，或曾短时停机。",
        },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: BLOCK_SPLIT,
        what: Text {
            en: "device `{device}` (unit {unit}) refuses a block whose values it gives one by one; it is read in {count} parts more, from {at}",
            zh: "设备 `{device}`（站号 {unit}）拒绝整段读取，但分开可读；该段多分成 {count} 次读取，从 {at} 起",
        },
        cause: Text {
            en: "There is a hole that cannot be read between the values, or the block is longer than the device allows.",
            zh: "变量之间有不可读的空洞，或整段超过设备允许的长度。",
        },
        remedy: Text {
            en: "nothing to do; max_gap = 0 or a smaller max_registers on its link saves the search",
            zh: "无需处理；在 link 上设 max_gap = 0 或更小的 max_registers，可省去这次试探",
        },
    },
    Words {
        code: REQUESTS_SHORTENED,
        what: Text {
            en: "device `{device}` (unit {unit}) refuses long requests; from now on it is asked for at most {max} registers at once",
            zh: "设备 `{device}`（站号 {unit}）拒绝过长的请求；以后每次最多读 {max} 个寄存器",
        },
        cause: Text {
            en: "The device allows fewer registers per request than the standard does.",
            zh: "设备单次允许读取的寄存器数少于标准规定。",
        },
        remedy: Text {
            en: "nothing to do; max_registers = {max} on its link saves the search",
            zh: "无需处理；在 link 上设 max_registers = {max}，可省去这次试探",
        },
    },
    Words {
        code: BLOCK_SILENT,
        what: Text {
            en: "device `{device}` (unit {unit}) answers, but not for {count} tags, which are set aside: {tags}",
            zh: "设备 `{device}`（站号 {unit}）有应答，但对 {count} 个变量没有应答，暂停读取：{tags}",
        },
        cause: Text {
            en: "Some devices say nothing where they should refuse a wrong address, or need longer for some values.",
            zh: "有些设备遇到错误地址时不回异常而是不应答，或读某些数据需要更长时间。",
        },
        remedy: Text {
            en: "compare these addresses with the device's manual; try a longer `timeout`; they are asked again in halves, a minute apart",
            zh: "请对照设备手册核对这些地址；可把 timeout 调大再试；程序会每隔一分钟对半分段重试",
        },
    },
    Words {
        code: TABLE_UNSERVED,
        what: Text {
            en: "device `{device}` (unit {unit}) does not serve the table {table} at all; its {count} tags are no longer read",
            zh: "设备 `{device}`（站号 {unit}）完全不支持 {table} 区；该区 {count} 个变量暂停读取",
        },
        cause: Text {
            en: "Many devices serve only one of input and holding registers, or no bits at all.",
            zh: "很多设备只支持输入寄存器和保持寄存器中的一种，或不支持位读取。",
        },
        remedy: Text {
            en: "try the same addresses in another table (3xxxx instead of 4xxxx); the table is tried again after a minute, later once an hour",
            zh: "请换一个区再试（如用 3xxxx 代替 4xxxx）；一分钟后会再试，之后逐渐延长到每小时一次",
        },
    },
    Words {
        code: UNIT_SILENT,
        what: Text {
            en: "link `{link}`: unit {unit} does not answer ({found}); it is asked seldom from now on, so that its neighbours keep their periods",
            zh: "链路 `{link}`：站号 {unit} 没有应答（{found}）；以后只偶尔询问，以免拖慢其他站",
        },
        cause: Text {
            en: "The device is off, its unit id is wrong, or the wire to it is broken.",
            zh: "设备没上电、站号不对，或通往它的线路断开。",
        },
        remedy: Text {
            en: "check power, `unit` (of a meter: `meter`) and the wiring; it is found again within minutes",
            zh: "请检查电源、unit（电表为 meter）和接线；恢复后几分钟内会自动重新采集",
        },
    },
    Words {
        code: UNIT_ANSWERS,
        what: Text {
            en: "link `{link}`: unit {unit} answers again", zh: "链路 `{link}`：站号 {unit} 恢复应答"
        },
        cause: Text { en: "The device is back.", zh: "设备已恢复。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: CANNOT_LISTEN,
        what: Text {
            en: "the port {address} for units that dial in cannot be opened: {error}",
            zh: "无法打开供 DTU 连入的端口 {address}：{error}",
        },
        cause: Text {
            en: "Another program uses the port, the address is none of this gateway, or ports below 1024 are reserved.",
            zh: "端口被其他程序占用、地址不属于本网关，或 1024 以下的端口需要特权。",
        },
        remedy: Text {
            en: "`ss -ltnp` shows who listens; choose another port if need be; the agent keeps trying",
            zh: "可用 `ss -ltnp` 查看占用者，必要时换一个端口；程序会自动重试",
        },
    },
    Words {
        code: NOBODY_DIALLED,
        what: Text {
            en: "link `{link}`: the unit has not dialled in at {endpoint}",
            zh: "链路 `{link}`：DTU 尚未连入 {endpoint}",
        },
        cause: Text {
            en: "The unit has no signal or no credit, its server address or port is wrong, a firewall keeps it out, or its registration packet differs.",
            zh: "DTU 没有信号或欠费、里面填的服务器地址或端口不对、被防火墙拦截，或注册包不一致。",
        },
        remedy: Text {
            en: "compare server address, port and registration packet in the unit; open the port in the firewall; --log debug shows who knocks",
            zh: "请核对 DTU 里的服务器地址、端口和注册包，并在防火墙放行该端口；用 --log debug 可看到谁在连接",
        },
    },
    Words {
        code: MEMORY_UNREADABLE,
        what: Text {
            en: "what was learned of the devices earlier cannot be read from {path}: {error}",
            zh: "无法从 {path} 读取以往学到的设备特性：{error}",
        },
        cause: Text {
            en: "The file was cut short by a power cut, changed by hand, or belongs to another user.",
            zh: "文件可能因断电不完整、被人改动，或属于其他用户。",
        },
        remedy: Text {
            en: "nothing to do: refused addresses are found out again; if it comes back, delete the file",
            zh: "无需处理：被拒绝的地址会重新试出；如反复出现，请删除该文件",
        },
    },
    Words {
        code: MEMORY_NOT_KEPT,
        what: Text {
            en: "what was learned of the devices cannot be kept in {path}: {error}",
            zh: "学到的设备特性无法保存到 {path}：{error}",
        },
        cause: Text {
            en: "The disk is full, or the directory cannot be written.", zh: "磁盘已满，或目录不可写。"
        },
        remedy: Text {
            en: "make room or give the agent the right to write there; until then refused addresses are found out again after each start",
            zh: "请腾出空间或给程序写权限；在此之前，每次启动都要重新试出被拒绝的地址",
        },
    },
    Words {
        code: METER_REFUSES,
        what: Text {
            en: "device `{device}` (meter {meter}) refuses {id} ({tags}): {found}",
            zh: "设备 `{device}`（表地址 {meter}）拒绝读取 {id}（{tags}）：{found}",
        },
        cause: Text {
            en: "The meter has no such value (single-phase meters have one phase only), or wants a password for it.",
            zh: "电表没有该数据项（单相表只有一相），或读取需要密码。",
        },
        remedy: Text {
            en: "take the tag away if the meter's display does not show it either; it is asked for again every ten minutes",
            zh: "若表上也查不到该数据，请删去此点；程序每十分钟再试一次",
        },
    },
    Words {
        code: METER_LENGTH,
        what: Text {
            en: "device `{device}` (meter {meter}) answers {id} ({tags}) with {found}, which is not the length of its format",
            zh: "设备 `{device}`（表地址 {meter}）对 {id}（{tags}）的应答为 {found}，与数据格式的长度不符",
        },
        cause: Text {
            en: "The meter departs from the standard; a value cut out of another format would be wrong.",
            zh: "该表与标准不一致；按原格式截取会得到错误的数值。",
        },
        remedy: Text {
            en: "give the tag the format of the meter's manual, e.g. type = \"bcd3.2\"",
            zh: "请按说明书给该点写明格式，例如 type = \"bcd3.2\"",
        },
    },
];
