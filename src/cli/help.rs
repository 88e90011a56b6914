//! The help in Chinese. clap's own help is English; here its sentences are replaced, by command and argument.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::model::Lang;

/// What each command is for.
const COMMANDS: &[(&str, &str)] = &[
    ("run", "采集、存储、上送，直到被停止：即采集程序本身"),
    ("status", "询问正在运行的程序：链路、设备、去向、日志库、当前班次的指标；需要人处理时退出码为 1"),
    ("check", "校验配置并说明其含义：请求数、消息量、可撑多久断网、闪存写入量"),
    ("egress", "列出外送清单：哪些数据、送往何处、以什么形式、最多多少；以及外送记录：实际送出了什么"),
    ("write", "向设备写一个值；默认关闭，须由配置允许，写前询问，留有记录，写后回读"),
    ("ledger", "样本台账：应采的每个样本各是什么结果（正常、迟到、异常、缺失）及其原因"),
    ("report", "班次、日、月的指标：OEE、停机、能耗、数据覆盖率，按设备和按车间"),
    ("baseline", "冻结并签名改造前的指标，供日后对比"),
    ("baseline freeze", "冻结并签名某个周期的指标，须在车间改造之前进行"),
    ("archive", "生成某月的一企一档（设备部分）：台账、指标、哈希、签名；或核验他处生成的档案"),
    ("archive verify", "核验档案与网关的签名是否一致：每个文件、链、签名"),
    ("reclassify", "事后（一天之内）把待机改判为计划停机；审计记录中留有改判人和原因"),
    ("explain", "解释消息末尾的代码（如 CW204）：含义、常见原因、处理办法；或解释指标（如 O6）及其全部来源"),
    ("import", "把 Kepware、Neuron、Telegraf 的点转换成车间配置或点表；有内容未能导入时退出码为 2"),
    ("read", "立即读取设备的一个值：用于试地址、类型和字节序"),
    ("profiles", "内置的设备模板（寄存器表）：全部、名称含某个词的，或其中一个的全部点"),
    ("probe", "没有手册时探测设备：站号、区、可读范围、类型；只读不写"),
    ("browse", "查看 OPC UA 服务器有哪些节点、类型、值和单位，或写成可用的设备配置；只读不写"),
    ("trust", "凭指纹确认 OPC UA 服务器的证书，每台一次；确认之前该链路不采集"),
    ("cert", "本网关自己的 OPC UA 证书（show、export），以及已确认的服务器证书（trusted、forget）"),
    ("cert show", "显示本网关的证书：名称、ApplicationUri、有效期、指纹；没有则生成"),
    ("cert export", "导出本网关的证书，交给服务器信任，并说明在服务器上怎么做"),
    ("cert trusted", "列出已确认的服务器证书：链路、指纹、已接受的问题、剩余天数"),
    ("cert forget", "撤销对某条链路的服务器证书的信任；此后该链路不采集，直到重新确认"),
    ("journal", "日志库：查看状态，导出到文件并在别处导入，清除不再使用的去向"),
    ("journal status", "显示日志库中有什么、空间用在哪里、各去向送到哪里、还能存多久"),
    ("journal export", "把日志库内容写入文件：供别处导入的签名文件，或给人看的 JSON 行、CSV"),
    ("journal import", "检查导出的文件并送往某个去向的消息服务器；不写 --sink 则只显示内容"),
    ("journal forget-sink", "清除不再使用的去向在日志库中的位置；须先停止采集程序"),
    ("journal quarantine", "列出或删除消息服务器永远无法接收的记录"),
    ("journal quarantine list", "列出：去向、数据流、序号、样本数、原因"),
    ("journal quarantine show", "以 JSON 行显示一条隔离记录的内容"),
    ("journal quarantine drop", "永久删除某个去向的全部或一条隔离记录；须先停止采集程序"),
    ("journal key", "显示本网关给导出文件签名的公钥及指纹；没有则生成"),
    ("journal identity", "生成用于加密文件的身份：私密部分写入文件，age1... 供网关上的 --recipient 使用"),
    ("verify", "证明到达消息服务器的数据（或录制文件）是否完整：有无缺口、重复，顺序是否正确"),
    ("unit", "按配置生成 systemd 的限制文件：可连地址、串口、凭据"),
    ("demo", "在本机上看整条链路运转：模拟设备、采集程序、内置消息服务器"),
    ("sim", "单独以 Modbus TCP 或 OPC UA 提供模拟设备，用于试配置或对接其他软件"),
];

/// What each argument means: the same in every command, unless the name of one stands before it.
const ARGUMENTS: &[(&str, &str)] = &[
    ("config", "车间配置文件；各配置项见 config/workshop.toml"),
    ("log", "日志级别：error、warn、info、debug，或 cloudward::source=debug 这样的过滤条件"),
    ("lang", "消息语言：en 或 zh（默认取自 LC_ALL、LC_MESSAGES、LANG）"),
    ("unit config", "车间配置文件；默认 /etc/cloudward/workshop.toml，有 --instance 时为 /etc/cloudward/名称.toml"),
    ("instance", "一台网关多个车间时的实例名，对应 cloudward@名称.service"),
    ("allow", "另外允许连通的地址或网段，如 203.0.113.0/24；可写多次"),
    ("leave_names_out", "不查询域名；用域名书写的对端只在 --allow 的网段内可达"),
    ("word", "模板名（如 sdm630）可看其全部点；也可写名称或厂家的一部分，如 安科瑞"),
    ("target", "要写的点：设备 id、点号、点名，如 press-01.setpoint"),
    ("value", "要写的值，按人看到的（换算后）填写；取了名称的点填名称"),
    ("yes", "不询问，直接写"),
    ("code", "消息末尾的代码（CW204，或只写 204），或指标（O6、availability）；不写则列出全部代码"),
    ("period", "2026-03-02/night、2026-03-02、2026-03、today、yesterday、shift，或 2026-03-02/production-day"),
    ("explain device", "解释指标时：设备"),
    ("explain period", "解释指标时：周期，写法同 cloudward report"),
    ("live", "同时把各电表读一次，核对功率与电压、电流是否相符，可查出互感器变比错误；只读不写"),
    ("report device", "只看该设备"),
    ("report format", "json、csv 供程序和表格软件，html 供阅读和打印，xlsx 供 Excel、WPS；csv-quarters 为 15 分钟电量"),
    ("baseline", "与该名称的基线对比"),
    ("revenue", "该周期的营业收入（万元），用于单位营收能耗"),
    ("freeze period", "2025-11，或 cloudward report 可用的其他周期"),
    ("freeze name", "基线名称；报表默认与名为 before 的基线对比"),
    ("archive month", "月份：2026-03"),
    ("archive output", "写入该文件"),
    ("archive", "档案文件"),
    ("verify trust", "只认此网关的签名：该网关上 cloudward journal key 所显示的指纹或公钥"),
    ("previous", "上一份档案，用于证明中间没有漏掉档案"),
    ("reclassify device", "设备"),
    ("begin", "从此时起（车间当地时间）：2026-03-03T05:30"),
    ("end", "到此时为止"),
    ("class", "改判为什么"),
    ("reason", "原因，将写入报表"),
    ("by", "改判人"),
    ("ledger by", "每行为一小时（hour）、一天（day）或一台设备（device）；默认按设备，指定了设备时按小时"),
    ("day", "某一天：2026-11-26、today（今天）或 yesterday（昨天）；默认今天"),
    ("ledger from", "从该日期或整点起：2026-11-26 或 2026-11-26T14:00"),
    ("ledger to", "到该日期或整点为止（不含）；默认到现在"),
    ("month", "某一个月：2026-11"),
    ("ledger device", "只看该设备"),
    ("status json", "输出 JSON（格式见 docs/schema/status.json）"),
    ("watch", "持续查看：在终端中为实时界面，否则反复输出"),
    ("socket", "向该套接字询问；默认为该配置的程序所用的套接字"),
    ("json", "输出 JSON"),
    ("csv", "输出 CSV，每种原因一列"),
    ("seconds", "运行多少秒后给出小结；Ctrl-C 可提前结束"),
    ("outage", "中途让消息服务器离线一段时间，并证明没有丢数据"),
    (
        "link",
        "配置中的链路名称（配合 --config），或地址：192.168.1.10、192.168.1.10:502、rtu-over-tcp:主机:端口、/dev/ttyUSB0、ascii:/dev/ttyUSB0、opc.tcp://主机:端口",
    ),
    ("endpoint", "192.168.1.10、192.168.1.10:502、rtu-over-tcp:主机:端口、/dev/ttyUSB0、ascii:/dev/ttyUSB0"),
    (
        "address",
        "40001、holding:16、40010.3；加上 --addresses 可写 PLC 地址，如 D100；OPC UA 服务器写节点，如 ns=2;s=文本",
    ),
    (
        "data_type",
        "bool、u16、i16、u32、f32 等；默认 u16，线圈和位为 bool。OPC UA 节点：float、int、bool、text、json；不写则按实际类型",
    ),
    ("browse link", "配置中的 OPC UA 链路名称；或 opc.tcp://主机:端口，并加 --security none"),
    ("pattern", "只看名称或路径中含有它的内容；带 * 时须整体相符，如 *temperature*、Machine/*"),
    ("security", "直接写地址时只能是 none；要加密请在配置中建链路并确认其证书"),
    ("browse from", "从该节点开始，而不是 Objects：nsu=URI;s=文本、ns=2;s=文本、i=85"),
    ("depth", "最多向下几层"),
    ("max_nodes", "最多多少个节点"),
    ("server", "也包括服务器自身的状态和诊断"),
    ("kind", "只看该类型的值：float、int、bool、text、json"),
    ("flat", "每个值一行，写出路径"),
    ("from_config", "从该文件中取名为 LINK 的链路"),
    ("unit", "站号；默认取该链路上第一台设备的站号，否则为 1"),
    ("meter", "读 DL/T 645 电表：表盘上的表号；ADDRESS 写数据标识，如 02-01-01-00"),
    ("order", "多寄存器数值的字节序：ABCD、CDAB、BADC、DCBA"),
    ("scale", "读数乘以该系数"),
    ("length", "文本的字节数"),
    ("encoding", "文本编码：ascii、utf8、gbk"),
    ("addresses", "按 PLC 的地址书写：inovance-h5u、inovance-am、xinje-xd、xinje-xc"),
    ("count", "连续读取多少个值"),
    ("every", "每隔多久重复一次，直到 Ctrl-C，如 1s"),
    ("times", "最多重复多少次"),
    ("bauds", "波特率，以逗号分隔；默认从最常见的试起"),
    ("baud", "串口波特率（默认 9600）"),
    ("parities", "校验位：none、even、odd，以逗号分隔"),
    ("parity", "串口校验位：none、even、odd（默认 none）"),
    ("stop_bits", "串口停止位：1 或 2（默认 1）"),
    ("timeout", "等待一次应答的时限，如 500ms"),
    ("units", "要找的站号，如 1-10,17；默认全部，最常见的在先"),
    ("tables", "要查的区：holding、input、coil、discrete"),
    ("max_time", "最长用时，如 5m"),
    ("max_requests", "最多请求次数"),
    ("pause", "两次请求之间的停顿，以免打扰正在运行的设备，如 20ms"),
    ("output", "写入该文件；默认写到标准输出"),
    (
        "port",
        "端口：所有模拟设备共用一个 Modbus TCP 端口，以站号 1、2、3 区分（默认 5020）；加 --opcua 时默认 4840；0 表示任选空闲端口",
    ),
    ("listen", "监听地址；默认只允许本机连接"),
    ("file", "原文件：Kepware 点表导出（CSV）、Neuron 点表导出（xlsx）、Telegraf 配置"),
    ("from", "文件来自哪个产品；不写则按内容判断"),
    ("import output", "写到哪里：NAME.toml（车间配置）或 NAME.csv（点表）；不写则把 TOML 输出到标准输出"),
    ("import device", "设备的 id；有多台设备时后面加站号"),
    ("import link", "链路名称"),
    ("browse output", "写成设备配置 NAME.toml，或供 tags_file 使用的点表 NAME.csv"),
    ("browse device", "写出的设备的 id；默认取链路名称"),
    ("force", "输出文件已存在时覆盖"),
    (
        "fault",
        "模拟故障：KIND[:参数][@范围][%间隔]，可写多次，如 garbage%10、exception:2@holding:10-20；种类见 --list-faults",
    ),
    ("trust link", "配置中的 OPC UA 链路名称"),
    ("trust yes", "指纹一致时不再询问；须与 --fingerprint 一起使用"),
    ("fingerprint", "从服务器上读出的 SHA-256 指纹，可带冒号，不分大小写；证书与它不符则不信任"),
    ("export output", "写入该文件：.der、.crt、.cer 为 DER，.pem 为 PEM；不写则把 PEM 输出到标准输出"),
    ("export force", "文件已存在时覆盖"),
    ("forget link", "链路名称，见 cloudward cert trusted"),
    ("forget yes", "不询问，直接撤销"),
    ("list_faults", "列出并说明所有故障种类"),
    ("opcua", "改为以 OPC UA 提供一台模拟注塑机，带加密和密码"),
    ("pki", "证书目录：服务器证书、受信任的客户端、被拒绝的客户端；不写则用临时目录，结束时删除"),
    ("password_file", "从该文件读取用户 operator 的密码；不写则生成新密码并显示"),
    ("anonymous", "同时允许不用密码登录"),
    ("trust_all", "首次见到即信任任何客户端证书：仅供测试，切勿用于真实设备"),
    ("no_security", "同时提供不加密的端点；只有不用密码的用户可以从那里登录"),
    ("mqtt", "监听该消息服务器：mqtts://broker.example.com:8883、mqtt://127.0.0.1:1883"),
    ("verify sink", "监听配置中该去向的消息服务器，使用其账号和主题"),
    ("capture", "改为读取录制文件：mosquitto_sub 以 -F '%j' 或 -F '%t %p' 写出；- 表示标准输入"),
    ("topic", "只监听该主题之下的消息；须包含整个车间，否则会出现并不存在的缺口"),
    ("user", "消息服务器的用户名"),
    ("verify password_file", "该用户的密码所在的文件"),
    ("password_env", "该用户的密码所在的环境变量"),
    ("ca_file", "消息服务器的 CA 证书，PEM（默认使用系统证书）"),
    ("listen_for", "监听多久，如 10m（默认直到 Ctrl-C）"),
    ("messages", "收到多少条消息后停止"),
    ("json", "以 JSON 输出结果"),
    ("to_file", "写入该文件；- 表示标准输出（仅限 jsonl 和 csv）"),
    ("format", "courier：签名文件，供 cloudward journal import 使用；jsonl：每行一个样本；csv：供 Excel、WPS 打开"),
    ("export sink", "只含该去向尚未送出的、且其 send 允许外送的内容（默认：全部内容，不受去向限制）"),
    ("since", "只含此时及之后采集的：2026-01-31、\"2026-01-31 08:00\"（车间当地时间），或 2h 表示两小时前"),
    ("until", "只含此时之前采集的"),
    ("recipient", "为持有该身份的人加密：age1...，由 cloudward journal identity 或 age-keygen 给出；可写多次"),
    ("courier", "cloudward journal export 写出的文件"),
    ("import sink", "送往该去向的消息服务器（默认只检查并显示内容）"),
    ("jsonl", "改为把样本以 JSON 行输出"),
    ("trust", "信任此指纹或公钥的网关，即该网关上 cloudward journal key 所显示的"),
    ("identity", "打开加密文件所用的身份文件"),
    ("all", "未按去向范围导出的文件也照样送出"),
    ("again", "即使此前已送出，也全部重发一遍"),
    ("forget-sink sink", "去向名称，见 cloudward journal status"),
    ("forget-sink yes", "不询问，直接清除"),
    ("show sink", "去向名称"),
    ("drop sink", "去向名称"),
    ("position", "data-17 或 events-3，见列表；不写则为该去向的全部"),
    ("drop yes", "不询问，直接删除"),
    ("identity output", "存放私密身份的文件（权限 0600）；不会覆盖已有文件"),
    ("state_dir", "日志库目录；不写则用临时目录，结束时删除"),
    ("sink", "只看该去向"),
    ("json", "以 JSON 输出，供程序读取；格式保持稳定"),
    ("all", "同时列出全部不外送的点"),
    ("egress log", "列出外送记录：每条消息的时间、去向、主题、类别和级别、字节数、SHA-256"),
    ("day", "只看该日，如 2026-01-31；默认看外送记录，加 --totals 则看合计"),
    ("totals", "列出每日合计（长期保存），按去向、类别和级别"),
    ("hash", "查该文件的内容是否外送过、何时外送；- 表示标准输入"),
    ("egress config", "车间配置文件；外送记录在它的状态目录中"),
];

/// How it is done: the same as the commands say in English below their arguments.
const LESSONS: &[(&str, &str)] = &[
    (
        "report",
        "百分比均由合计值计算，从不取平均；无数据的时间按未生产计；无法得知的数值为 null。
报表内容见 docs/REPORTS.zh-CN.md，各指标的含义及其不能证明的内容见 docs/INDICATORS.zh-CN.md。
退出码：0 已写出，64 周期或设备写错，65 基线被改动，69 该周期没有指标，73 没有日志库，78 配置有误。",
    ),
    (
        "archive",
        "档案为 zip 文件，内有 archive.json、equipment.csv、data_ledger.csv、monthly/*.json、index.html、hashes.txt、chain.json。不用本程序也能核验：
sha256sum -c hashes.txt，签名用 openssl 核验，方法见 docs/REPORTS.zh-CN.md。
退出码：0 已写出或核验通过，64 月份写错，65 档案损坏或被改动，69 没有指标，73 没有日志库，77 由其他网关签名，78 配置有误。",
    ),
    (
        "status",
        "内容：链路、设备、没有值的点、去向及待送数据、日志库及剩余时间、时钟、样本的结果、当前班次的指标。各行含义见 docs/STATUS.zh-CN.md。
退出码：0 一切正常，1 有事项需要人处理（均已列出），64 本版本不含实时界面，69 没有程序应答，78 配置有误。",
    ),
    (
        "reclassify",
        "只有待机停机可以改判为计划停机，须整段改判，只能改一次，且在开始后 24 小时之内。只影响负荷时间，指标的修订号随之增加。
退出码：0 已完成或已交给正在运行的程序，64 没有可改判的停机或不允许，73 没有日志库，78 配置有误。",
    ),
    (
        "trust",
        "步骤：
  1. 在服务器自己的界面上（TIA 博途、KEPServerEX 的 OPC UA Configuration 等）查看证书指纹。
  2. 运行 cloudward trust 链路名，与屏幕上的指纹逐位核对；一致才输入 yes。
  3. 服务器也要信任本网关：cloudward cert export -o gateway.der，导入服务器，或等首次连接后在服务器里把它从“已拒绝”移到“受信任”。
正在运行的程序会在下次重试时自动生效，无需重启。服务器更换证书后须重新确认。
批量部署：cloudward trust 链路名 --fingerprint AB:CD:...（指纹须从服务器上取得，而不是从网络上取得）。
退出码：0 已确认，1 回答了否，64 参数有误或没有终端，69 连不上服务器，73 状态目录属于别的用户，76 证书不符或已损坏，78 配置有误。",
    ),
    (
        "ledger",
        "各列含义：
  应采    配置中的每个点每个周期应有一个样本，不论程序当时是否在运行
  正常    设备按时给出了值；OPC UA 的值不变时，只要订阅有效，每个周期都算正常
  存疑    同上，但设备或服务器对该值有保留（状态为 uncertain）
  迟到    有值，但所在周期已过，或比平时的节奏晚了半个周期以上
  异常    问了但没有值：timeout、unreachable、illegal_address 等（与消息中的原因词相同）
  缺失    overrun：同一链路上其他读取占时过长，该周期没有读
          starting：启动或重载后链路尚在建立
          agent_down：程序没有运行，或最后未存盘的计数随之丢失
          dropped、memory、corrupt：已采到，但因日志库容量限制、磁盘写满或数据损坏而丢失
每一行都有：应采 = 正常 + 存疑 + 迟到 + 异常 + 缺失。按变化上报而未上送的样本已采到，计为正常。
当前小时的计数最多滞后 40 秒。定义与公式见 docs/LEDGER.zh-CN.md。
退出码：0 已显示，64 时间写错，65 合计不平，69 该时段没有记录，73 没有日志库，78 配置有误。",
    ),
    (
        "journal",
        "没有网络的现场：用 cloudward journal export --sink 去向 -o 文件 写到 U 盘，再在能连上消息服务器的机器上执行
cloudward journal import 文件 --sink 去向；重复的消息由接收方丢弃。完整步骤见 docs/JOURNAL.zh-CN.md。
退出码：0 完成；1 回答了否；2 有消息未能送出；64 参数有误；65 文件已损坏或不是信使文件；69 连不上消息服务器；
73 日志库或文件无法使用，或采集程序正在运行；76 签名不正确或签名者未被信任；77 未加 --all 不允许；78 配置有误。",
    ),
    (
        "verify",
        "每条消息都写明它的前一条是哪一条，由此可知缺了什么、什么重复了、顺序对不对，见 docs/VERIFY.zh-CN.md。请监听整个车间，不要只监听一台设备：
序号是所有设备共用的。
退出码：0 已证明；1 有缺口、顺序错乱或自相矛盾；2 没有收到消息，或断网期间的缺口还在补传；64 参数有误；65 录制文件无法读取；
69 连不上消息服务器，或时间未到连接就中断。",
    ),
    (
        "cert",
        "两边各认一次，才会有数据：本网关确认服务器的证书（cloudward trust 链路名），服务器信任本网关的证书（cloudward cert export）。",
    ),
];

/// The command with its help in `lang`.
pub(super) fn localized(command: Command, lang: Lang) -> Command {
    if lang == Lang::En {
        return command;
    }
    let command = arguments(command.about("通过 Modbus 读取设备，每个样本存入本地日志库，再送到 MQTT 服务器"))
        .subcommand_help_heading("命令")
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("显示版本")
                .help_heading("选项"),
        );
    COMMANDS.iter().fold(command, |command, (name, about)| below(command, name, about))
}

/// `name`: the way down, word by word.
fn below(command: Command, name: &str, about: &'static str) -> Command {
    match name.split_once(' ') {
        None => localized_below(command, name, |sub| arguments(sub.about(about))),
        Some((outer, inner)) => localized_below(command, outer, |outer| below(outer, inner, about)),
    }
}

fn localized_below(command: Command, name: &str, translate: impl FnOnce(Command) -> Command) -> Command {
    if command.find_subcommand(name).is_none() {
        return command; // a command of a feature that is switched off
    }
    command.mut_subcommand(name, translate)
}

/// `cloudward help probe` is `cloudward probe --help`: clap's own command `help` speaks English only.
pub(super) fn asked_as_flag(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_lang = |argument: &OsString| argument.to_str().is_some_and(|text| text.starts_with("--lang"));
    let mut at = 1;
    while arguments.get(at).is_some_and(is_lang) {
        at += if arguments[at] == "--lang" { 2 } else { 1 };
    }
    if arguments.get(at).is_some_and(|word| word == "help") {
        arguments.remove(at);
        arguments.push("--help".into());
    }
    arguments
}

/// What clap adds by itself, in Chinese: headings, defaults, the flag that shows the help.
const TEMPLATE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

fn arguments(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("显示帮助");
    let command = taught(sentences(command)).subcommand_help_heading("命令");
    let command = command.help_template(TEMPLATE).disable_help_flag(true).arg(help);
    let mut nth = 0; // under a heading of their own, clap sorts arguments by their names
    command.mut_args(|argument| {
        nth += 1;
        let order = if matches!(argument.get_id().as_str(), "lang" | "help") { 1_000 + nth } else { nth };
        let heading = if argument.is_positional() { "参数" } else { "选项" };
        let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let joined = |texts: Vec<String>| texts.join("、");
        let takes_value = argument.get_action().takes_values();
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let possible = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        for (label, values) in [("默认", joined(defaults)), ("可选", joined(possible))] {
            if takes_value && !values.is_empty() {
                text += &format!(" [{label}：{values}]");
            }
        }
        argument
            .help(text)
            .help_heading(heading)
            .display_order(order)
            .hide_default_value(takes_value)
            .hide_possible_values(takes_value)
    })
}

/// What stands below the arguments.
fn taught(command: Command) -> Command {
    // `archive verify` has the name of another command, and teaches nothing.
    let has_one = command.get_after_help().is_some();
    match LESSONS.iter().find(|(name, _)| has_one && *name == command.get_name()) {
        Some((_, lesson)) => command.after_help(*lesson),
        None => command,
    }
}

/// The sentences of the table above.
fn sentences(command: Command) -> Command {
    let name = command.get_name().to_owned();
    ARGUMENTS.iter().fold(command, |command, (key, help)| {
        let (owner, id) = key.split_once(' ').unwrap_or((&name, key));
        let has_own = !key.contains(' ') && ARGUMENTS.iter().any(|(other, _)| *other == format!("{name} {id}"));
        if owner != name || has_own || !command.get_arguments().any(|argument| argument.get_id() == id) {
            return command;
        }
        command.mut_arg(id, |argument| argument.help(*help))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_help_in_chinese_is_left_in_english() {
        let mut command = localized(<super::super::Cli as clap::CommandFactory>::command(), Lang::Zh);
        let mut pages = vec![command.render_long_help().to_string(), command.render_help().to_string()];
        fn add(command: &mut Command, pages: &mut Vec<String>) {
            for sub in command.get_subcommands_mut() {
                pages.push(sub.render_help().to_string());
                add(sub, pages);
            }
        }
        add(&mut command, &mut pages);
        for page in pages {
            for english in ["Usage:", "Arguments:", "Options:", "Commands:", "Print ", "default", "possible values"] {
                assert!(!page.contains(english), "{english} in\n{page}");
            }
        }
    }

    #[test]
    fn every_command_and_argument_has_help_in_chinese() {
        let command = localized(<super::super::Cli as clap::CommandFactory>::command(), Lang::Zh);
        let is_chinese = |text: String| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        fn all(command: &Command) -> Vec<&Command> {
            command.get_subcommands().flat_map(|sub| std::iter::once(sub).chain(all(sub))).collect()
        }
        for sub in all(&command) {
            assert!(sub.get_about().is_some_and(|about| is_chinese(about.to_string())), "{}", sub.get_name());
            for argument in sub.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(is_chinese(help), "{} --{}", sub.get_name(), argument.get_id());
            }
            let lesson = sub.get_after_help().map(ToString::to_string);
            assert!(lesson.is_none_or(is_chinese), "what {} teaches", sub.get_name());
        }
    }
}
