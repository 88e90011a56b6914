//! Words for what people do by hand, read and probe: CW601 to CW627.

use crate::model::trouble::{Code, Text, Words};

/// The file has no link of this name.
pub const NO_SUCH_LINK: Code = Code("CW601");
/// Units that dial in are not to be called.
pub const DIALS_IN: Code = Code("CW602");
/// No connection.
pub const NOT_REACHED: Code = Code("CW603");
/// Refused.
pub const NOT_ACCEPTED: Code = Code("CW604");
/// Serial port.
pub const PORT_UNUSABLE: Code = Code("CW605");
/// Timeout.
pub const NO_ANSWER: Code = Code("CW606");
/// Closed.
pub const HUNG_UP: Code = Code("CW607");
/// Malformed.
pub const NOT_MODBUS: Code = Code("CW608");
/// Exception.
pub const REFUSES: Code = Code("CW609");
/// Exception.
pub const DEVICE_TROUBLE: Code = Code("CW610");
/// Reading is bad.
pub const NO_VALUE: Code = Code("CW611");
/// A list on the command line.
pub const BAD_NUMBERS: Code = Code("CW612");
/// Nothing answered.
pub const NOBODY_FOUND: Code = Code("CW613");
/// Output.
pub const CANNOT_WRITE_FILE: Code = Code("CW614");

/// A port of another system.
pub const PORT_OF_WINDOWS: Code = Code("CW615");
/// A meter refuses.
pub const METER_REFUSES: Code = Code("CW617");
/// A meter is silent.
pub const METER_SILENT: Code = Code("CW618");
/// What a meter sent is no value.
pub const NO_METER_VALUE: Code = Code("CW619");
/// Meters speak on serial lines.
pub const NO_METERS_THERE: Code = Code("CW620");
/// No built-in profile has this in its name.
pub const NO_PROFILE_LIKE: Code = Code("CW621");
/// Neither a host nor, without a file, a link.
pub const NAME_UNKNOWN: Code = Code("CW616");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NO_SUCH_LINK,
        what: Text {
            en: "the configuration has no link `{found}`, only: {known}",
            zh: "配置中没有链路 `{found}`，只有：{known}",
        },
        cause: Text {
            en: "The name is misspelt, or it is another file.", zh: "名称写错，或不是这个文件。"
        },
        remedy: Text {
            en: "write the name of a link, or leave --config away and give an address such as 192.168.1.10",
            zh: "请写链路名称；若要直接连地址（如 192.168.1.10），请去掉 --config",
        },
    },
    Words {
        code: DIALS_IN,
        what: Text {
            en: "link `{found}` waits for a unit that dials in, so it cannot be read by hand",
            zh: "链路 `{found}` 等待 DTU 连入，无法手动读取",
        },
        cause: Text {
            en: "Such a unit opens its connection to the running agent only.",
            zh: "这类 DTU 只会连到正在运行的采集程序。",
        },
        remedy: Text {
            en: "look at the readings of the agent, or connect the device in another way",
            zh: "请看采集程序的读数，或换一种方式连接设备",
        },
    },
    Words {
        code: NOT_REACHED,
        what: Text { en: "{endpoint} cannot be reached: {error}", zh: "连不上 {endpoint}：{error}" },
        cause: Text {
            en: "The device is off, the cable is out, the address is wrong, or a firewall is in between.",
            zh: "设备没上电、网线没插好、地址写错，或被防火墙拦截。",
        },
        remedy: Text {
            en: "check power, cable and address (`ping` the host from here)",
            zh: "请检查电源、网线和地址（可在本机上 ping 该主机）",
        },
    },
    Words {
        code: NOT_ACCEPTED,
        what: Text {
            en: "{endpoint} is there, but accepts no Modbus connection",
            zh: "{endpoint} 存在，但拒绝 Modbus 连接",
        },
        cause: Text {
            en: "Modbus TCP is not switched on in the device, the port differs from 502, or all its connections are taken by other masters.",
            zh: "设备没有启用 Modbus TCP，端口不是 502，或连接数已被别的主站占满。",
        },
        remedy: Text {
            en: "switch the Modbus server on, check the port (HOST:PORT), close other masters",
            zh: "请启用设备的 Modbus 服务、核对端口（地址:端口）、断开多余的主站",
        },
    },
    Words {
        code: PORT_UNUSABLE,
        what: Text {
            en: "the serial port {endpoint} cannot be used: {error}",
            zh: "串口 {endpoint} 无法使用：{error}",
        },
        cause: Text {
            en: "The port does not exist, another program (perhaps the running agent) holds it, you are not in the group dialout, or the driver does not know this speed.",
            zh: "串口不存在、被其他程序（也许是正在运行的采集程序）占用、当前用户不在 dialout 组，或驱动不支持该波特率。",
        },
        remedy: Text {
            en: "check `ls -l /dev/tty*` and the group, and stop the other program",
            zh: "请用 ls -l /dev/tty* 检查串口和权限，并停止占用程序",
        },
    },
    Words {
        code: NO_ANSWER,
        what: Text {
            en: "unit {unit} at {endpoint} does not answer (timeout)",
            zh: "{endpoint} 上的站号 {unit} 没有应答（timeout）",
        },
        cause: Text {
            en: "The unit id is wrong, the device is off, or on a serial line A and B are exchanged or the speed is wrong. Some devices are silent instead of refusing an address.",
            zh: "站号不对、设备没上电；串口上也可能是 A/B 线接反或波特率不对。有的设备对不存在的地址不作应答。",
        },
        remedy: Text {
            en: "check --unit, power and wiring, on a serial line --baud and --parity; `cloudward probe` finds out",
            zh: "请核对 --unit、电源和接线，串口还要核对 --baud 和 --parity；可用 cloudward probe 探测",
        },
    },
    Words {
        code: HUNG_UP,
        what: Text {
            en: "{endpoint} closes the connection (closed)", zh: "{endpoint} 主动断开了连接（closed）"
        },
        cause: Text {
            en: "The device allows few connections and another master holds them, it dislikes this request, or one side speaks Modbus TCP and the other RTU over TCP.",
            zh: "设备允许的连接数少，被别的主站占用；设备不接受该请求；或者一方用 Modbus TCP，另一方用 RTU over TCP。",
        },
        remedy: Text {
            en: "close other masters, then try again; over a network also try with and without rtu-over-tcp:",
            zh: "请断开其他主站后再试；走网络时，rtu-over-tcp: 加与不加都试一下",
        },
    },
    Words {
        code: NOT_MODBUS,
        what: Text {
            en: "what {endpoint} answers is not to be understood (malformed)",
            zh: "{endpoint} 的应答无法识别（malformed）",
        },
        cause: Text {
            en: "Another service listens on this port, a serial server passes RTU frames through, or speed and parity of the line are wrong.",
            zh: "该端口上是别的服务，串口服务器直接透传 RTU 报文，或波特率、校验位不对。",
        },
        remedy: Text {
            en: "try rtu-over-tcp:HOST:PORT; on a serial line compare --baud, --parity and --stop-bits with the device",
            zh: "请试 rtu-over-tcp:主机:端口；串口请与设备核对 --baud、--parity、--stop-bits",
        },
    },
    Words {
        code: REFUSES,
        what: Text { en: "unit {unit} refuses {range}: {found}", zh: "站号 {unit} 拒绝读取 {range}：{found}" },
        cause: Text {
            en: "The device has no such address or does not serve this table; many manuals count from 1 what travels from 0, or name input registers 4xxxx.",
            zh: "设备没有这个地址，或不支持这个区；很多手册从 1 开始计数，而报文从 0 开始。",
        },
        remedy: Text {
            en: "try the address before and after, and the other table (holding, input); `cloudward probe` finds what is readable",
            zh: "请试前后一个地址，以及另一个区（holding、input）；可用 cloudward probe 查找可读范围",
        },
    },
    Words {
        code: DEVICE_TROUBLE,
        what: Text { en: "unit {unit} cannot answer now: {found}", zh: "站号 {unit} 现在无法应答：{found}" },
        cause: Text {
            en: "The device is busy or has failed, or a gateway does not get through to the device behind it.",
            zh: "设备忙或有故障，或网关连不上后面的设备。",
        },
        remedy: Text {
            en: "wait a moment and try again; behind a gateway check --unit and the wiring of the device",
            zh: "请稍后再试；若经过网关，请核对 --unit 和设备接线",
        },
    },
    Words {
        code: NO_VALUE,
        what: Text {
            en: "the registers at {address} are no {type}: {found}",
            zh: "{address} 处的寄存器不是有效的 {type}：{found}",
        },
        cause: Text {
            en: "The type, the byte order or the encoding is another one, or the device marks a missing value in this way.",
            zh: "类型、字节序或编码不对，或设备用这种方式表示没有数据。",
        },
        remedy: Text { en: "try another --order or type", zh: "请换一个 --order 或类型再试" },
    },
    Words {
        code: BAD_NUMBERS,
        what: Text {
            en: "`{found}` is no list of numbers from {low} to {high}",
            zh: "`{found}` 不是 {low} 至 {high} 之间的数字列表",
        },
        cause: Text {
            en: "A comma, a dash or a number is written in another way.",
            zh: "逗号、连字符或数字的写法不对。",
        },
        remedy: Text { en: "write e.g. 1-10,17", zh: "请写成如 1-10,17" },
    },
    Words {
        code: NOBODY_FOUND,
        what: Text {
            en: "nobody answers at {endpoint} ({requests} requests)",
            zh: "{endpoint} 上没有站号应答（共 {requests} 次请求）",
        },
        cause: Text {
            en: "The devices are off, A and B are exchanged, they have other unit ids, speeds or parities than were tried, their gateway speaks RTU over TCP, or they are electricity meters of DL/T 645.",
            zh: "设备没上电、A/B 线接反，站号、波特率或校验位不在探测范围内，网关使用 RTU over TCP，或设备是 DL/T 645 电能表。",
        },
        remedy: Text {
            en: "check power and wiring; try --units 1-247, --baud, or rtu-over-tcp:HOST:PORT; a meter of DL/T 645 answers to cloudward read PORT 00-01-00-00 --meter NUMBER",
            zh: "请检查电源和接线；可试 --units 1-247、--baud，或 rtu-over-tcp:主机:端口；DL/T 645 电能表请用 cloudward read 串口 00-01-00-00 --meter 表号",
        },
    },
    Words {
        code: CANNOT_WRITE_FILE,
        what: Text { en: "cannot write {path}: {error}", zh: "无法写入 {path}：{error}" },
        cause: Text {
            en: "The folder does not exist or is not writable, or the disk is full.",
            zh: "目录不存在或不可写，或磁盘已满。",
        },
        remedy: Text { en: "choose another --output", zh: "请换一个 --output" },
    },
    Words {
        code: PORT_OF_WINDOWS,
        what: Text { en: "{found} is a serial port as Windows names it", zh: "{found} 是 Windows 下的串口名" },
        cause: Text { en: "Linux names its ports otherwise.", zh: "Linux 下串口的名称不同。" },
        remedy: Text {
            en: "write e.g. /dev/ttyUSB0 (an adapter) or /dev/ttyS0 (built in); `ls /dev/ttyUSB* /dev/ttyS*` shows them",
            zh: "请写 /dev/ttyUSB0（USB 转换器）或 /dev/ttyS0（板载串口）；可用 ls /dev/ttyUSB* /dev/ttyS* 查看",
        },
    },
    Words {
        code: NAME_UNKNOWN,
        what: Text {
            en: "no host of this name is known: {endpoint} ({error})",
            zh: "找不到这个主机名：{endpoint}（{error}）",
        },
        cause: Text {
            en: "The name is misspelt or no DNS server knows it, or the name of a link is meant.",
            zh: "主机名写错、DNS 解析不到，或本来想写的是链路名称。",
        },
        remedy: Text {
            en: "write the IP address, e.g. 192.168.1.10; for a link of the configuration add --config FILE",
            zh: "请直接写 IP 地址，如 192.168.1.10；若是配置中的链路，请加 --config 文件",
        },
    },
    Words {
        code: METER_REFUSES,
        what: Text { en: "meter {meter} refuses {id}: {found}", zh: "电表 {meter} 拒绝读取 {id}：{found}" },
        cause: Text {
            en: "The meter does not have this value, or wants a password for it.",
            zh: "电表没有这个数据项，或读取它需要密码。",
        },
        remedy: Text {
            en: "the meter is reached; try 02-01-01-00 (voltage) or 00-01-00-00 (energy), and look into its manual",
            zh: "电表已连通；可先试 02-01-01-00（电压）、00-01-00-00（电能），再查说明书",
        },
    },
    Words {
        code: METER_SILENT,
        what: Text {
            en: "meter {meter} at {endpoint} does not answer (timeout)",
            zh: "{endpoint} 上的电表 {meter} 没有应答（timeout）",
        },
        cause: Text {
            en: "Number, speed or parity are wrong, A and B are exchanged, or another master is on the line.",
            zh: "表号、波特率或校验位不对，A、B 接反，或总线上另有主站。",
        },
        remedy: Text {
            en: "try --baud 2400 --parity even, then 9600, 1200 and 4800; alone on the line --meter AAAAAAAAAAAA reaches any meter; exchange A and B once",
            zh: "请试 --baud 2400 --parity even，再试 9600、1200、4800；线上只有一块表时可写 --meter AAAAAAAAAAAA；再对调一次 A、B",
        },
    },
    Words {
        code: NO_METER_VALUE,
        what: Text {
            en: "what the meter sends for {id} is no {type}: {found}",
            zh: "电表为 {id} 发来的内容不是有效的 {type}：{found}",
        },
        cause: Text {
            en: "The meter departs from the standard, or fills with FF what it does not have.",
            zh: "电表与标准不一致，或把没有的数据填成 FF。",
        },
        remedy: Text {
            en: "give the format of its manual as TYPE, e.g. bcd4.2",
            zh: "请把说明书上的格式写在 TYPE 处，例如 bcd4.2",
        },
    },
    Words {
        code: NO_METERS_THERE,
        what: Text {
            en: "DL/T 645 meters do not speak Modbus TCP, as {endpoint} is addressed",
            zh: "DL/T 645 电表不走 Modbus TCP，而 {endpoint} 按 Modbus TCP 访问",
        },
        cause: Text {
            en: "They are on RS-485; a serial server in transparent mode passes their frames on.",
            zh: "电表接在 RS-485 上，经透传模式的串口服务器可以访问。",
        },
        remedy: Text {
            en: "write the serial port, e.g. /dev/ttyUSB0, or rtu-over-tcp:HOST:PORT",
            zh: "请写串口，如 /dev/ttyUSB0，或 rtu-over-tcp:主机:端口",
        },
    },
    Words {
        code: NO_PROFILE_LIKE,
        what: Text {
            en: "no profile that comes with cloudward has \"{found}\" in its name or maker",
            zh: "内置的设备模板中，没有名称或厂家含 \"{found}\" 的",
        },
        cause: Text {
            en: "The device has no profile yet, or is known by another name.",
            zh: "该设备还没有模板，或用的是别的名称。",
        },
        remedy: Text {
            en: "`cloudward profiles` lists all; without one, `cloudward probe` writes a configuration to start from",
            zh: "可用 `cloudward profiles` 列出全部；没有模板时，用 `cloudward probe` 生成初始配置",
        },
    },
];
