//! Words for mistakes in what a configuration says of indicators: CW900 to CW939.

use crate::model::trouble::{Code, Text, Words};

/// No such role.
pub const NO_SUCH_ROLE: Code = Code("CW900");
/// A role that a tag of this kind cannot have.
pub const ROLE_OF_KIND: Code = Code("CW901");
/// A role without a unit that it can be counted in.
pub const ROLE_UNIT: Code = Code("CW902");
/// Two tags of a device for the same thing.
pub const ROLE_TWICE: Code = Code("CW903");
/// A key of another role.
pub const ROLE_KEY: Code = Code("CW904");
/// A state word without meanings.
pub const STATES_MISSING: Code = Code("CW905");
/// Not one of the seven states.
pub const NOT_A_STATE: Code = Code("CW906");
/// A key of `states` that the tag can never say.
pub const NOT_A_WORD: Code = Code("CW907");
/// A state that is looked at too seldom.
pub const SLOW_STATE: Code = Code("CW908");
/// A job counter with an end.
pub const JOB_WRAPS: Code = Code("CW909");
/// A role for a tag that is not there.
pub const NO_SUCH_TAG: Code = Code("CW910");
/// Thresholds of a power that nobody measures.
pub const NO_POWER: Code = Code("CW911");
/// A dwell time without a threshold.
pub const NO_THRESHOLD: Code = Code("CW912");
/// Two sources of run.
pub const TWO_RUNS: Code = Code("CW913");
/// Thresholds in the wrong order.
pub const THRESHOLDS_CROSSED: Code = Code("CW914");
/// A band that is none.
pub const BAD_BAND: Code = Code("CW915");
/// Counters of one device in two units.
pub const COUNTED_IN_TWO: Code = Code("CW916");
/// Two standards for one thing.
pub const RATED_TWICE: Code = Code("CW917");
/// A rate of what nobody counts.
pub const RATED_UNCOUNTED: Code = Code("CW918");
/// An acknowledgement of what nobody tells.
pub const ACK_WITHOUT_ALARM: Code = Code("CW919");
/// Not a date.
pub const BAD_DATE: Code = Code("CW920");
/// It ends before it begins.
pub const DATES_CROSSED: Code = Code("CW921");
/// Not a handle.
pub const BAD_IDENTIFIER: Code = Code("CW922");
/// One machine that stands in the ledger twice.
pub const MACHINE_TWICE: Code = Code("CW923");
/// A meter that is not there.
pub const NO_SUCH_METER: Code = Code("CW924");
/// A meter without a role.
pub const METERS_NOTHING: Code = Code("CW925");
/// A ratio of transformers that makes the power impossible.
pub const CT_RATIO: Code = Code("CW926");
/// A text that is none.
pub const BAD_CAUSE: Code = Code("CW927");
/// More texts than a person reads.
pub const TOO_MANY_CAUSES: Code = Code("CW928");
/// Not a table of codes and texts.
pub const NOT_CAUSES: Code = Code("CW929");
/// Not a time of day.
pub const BAD_TIME_OF_DAY: Code = Code("CW930");
/// Not a weekday.
pub const BAD_DAY: Code = Code("CW931");
/// Two shifts at a time.
pub const SHIFTS_OVERLAP: Code = Code("CW932");
/// A break outside its shift.
pub const OUTSIDE_SHIFT: Code = Code("CW933");
/// Two breaks at a time.
pub const SPANS_OVERLAP: Code = Code("CW934");
/// A pattern that no device fits.
pub const NO_SUCH_DEVICE: Code = Code("CW935");
/// A product without a standard cycle.
pub const PRODUCT_WITHOUT_PRI: Code = Code("CW936");
/// Two tariffs at a time.
pub const TARIFFS_OVERLAP: Code = Code("CW937");
/// A minute without a tariff.
pub const TARIFF_HOLE: Code = Code("CW938");
/// Not a list of months.
pub const NOT_NUMBERS: Code = Code("CW939");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NO_SUCH_ROLE,
        what: Text {
            en: "`{key}` is \"{found}\", which is no role", zh: "`{key}` 的值 \"{found}\" 不是可用的角色"
        },
        cause: Text {
            en: "The role says what a tag means to states, counts and energy; there is a fixed list of them.",
            zh: "角色说明这个点对状态、产量、能耗的含义，只能从固定的列表中选。",
        },
        remedy: Text { en: "write one of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: ROLE_OF_KIND,
        what: Text {
            en: "`{key}`: {role} cannot be a tag of the kind {found}",
            zh: "`{key}`：{found} 类型的点不能用作 {role}",
        },
        cause: Text {
            en: "A counter or a meter needs a number; a state bit needs a bool or a whole number; names given by `values` turn a number into text.",
            zh: "计数器和电表要求数值，状态位要求布尔或整数；写了 values 的点上报的是文本。",
        },
        remedy: Text {
            en: "give the role to a tag of one of these kinds: {known}",
            zh: "请把该角色写在以下类型的点上：{known}",
        },
    },
    Words {
        code: ROLE_UNIT,
        what: Text {
            en: "`{key}`: {role} needs a known unit, found {found}",
            zh: "`{key}`：{role} 需要写明可识别的单位，现为 {found}",
        },
        cause: Text {
            en: "Without its unit a meter's figure would be wrong by a factor of a thousand before anybody sees it.",
            zh: "不写单位，能耗数字可能差一千倍而无人察觉。",
        },
        remedy: Text { en: "write unit as one of: {known}", zh: "unit 可写：{known}" },
    },
    Words {
        code: ROLE_TWICE,
        what: Text {
            en: "`{key}`: tags \"{first}\" and \"{second}\" both have the role {role}",
            zh: "`{key}`：点 \"{first}\" 和 \"{second}\" 都写了角色 {role}",
        },
        cause: Text {
            en: "One machine has one state, one total and one meter; two tags for it would contradict each other.",
            zh: "一台设备只有一个状态、一个总数、一块表，两个点会互相矛盾。",
        },
        remedy: Text {
            en: "take the role from one of them; two meters of a machine are two devices",
            zh: "请去掉其中一个；一台设备有两块表时，请写成两个设备",
        },
    },
    Words {
        code: ROLE_KEY,
        what: Text {
            en: "`{key}` has no effect here: it belongs to the role {role}",
            zh: "`{key}` 在这里不起作用：它属于角色 {role}",
        },
        cause: Text {
            en: "The key is of counters, meters or state words, and this tag is none, or has no role.",
            zh: "该配置项用于计数器、仪表或状态字，而此点不是，或没有写角色。",
        },
        remedy: Text { en: "take it away, or give the tag that role", zh: "请删去，或给此点写上该角色" },
    },
    Words {
        code: STATES_MISSING,
        what: Text {
            en: "`{key}` is missing: nobody knows what the numbers of this state word mean",
            zh: "缺少 `{key}`：状态字的各个数值含义不明",
        },
        cause: Text {
            en: "Machines number their states differently, so each number must be mapped.",
            zh: "各厂家的状态编号不同，必须逐个写明。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: NOT_A_STATE,
        what: Text {
            en: "`{key}` is \"{found}\", which is none of the seven states",
            zh: "`{key}` 的值 \"{found}\" 不是七种状态之一",
        },
        cause: Text {
            en: "A typing error, or a state of the machine that is to be mapped to one of ours.",
            zh: "拼写有误，或应把设备自己的状态归入七种状态之一。",
        },
        remedy: Text { en: "write one of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: NOT_A_WORD,
        what: Text { en: "`{key}`: this tag never says \"{found}\"", zh: "`{key}`：此点不会出现 \"{found}\"" },
        cause: Text {
            en: "The keys are numbers as the tag reports them; where the tag has `values`, they are the names from there.",
            zh: "键是该点上报的数值；写了 values 的点，键是 values 中的名称。",
        },
        remedy: Text { en: "write one of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: SLOW_STATE,
        what: Text {
            en: "`{key}`: {role} is read every {found}, must be read at least every {max}",
            zh: "`{key}`：{role} 每 {found} 才采集一次，至少应每 {max} 一次",
        },
        cause: Text {
            en: "Stops of a minute are counted; a state that is looked at so seldom would be a guess.",
            zh: "要统计以分钟计的停机，采集过慢得到的状态只是猜测。",
        },
        remedy: Text { en: "write e.g. every = \"1s\"", zh: "例如写 every = \"1s\"" },
    },
    Words {
        code: JOB_WRAPS,
        what: Text { en: "`{key}` has no effect on a job counter", zh: "`{key}` 对工单计数器不起作用" },
        cause: Text {
            en: "A counter that is set to zero with each job never reaches its end.",
            zh: "随工单清零的计数器不会计满回零。",
        },
        remedy: Text {
            en: "take it away, or write kind = \"cumulative\"", zh: "请删去，或写 kind = \"cumulative\""
        },
    },
    Words {
        code: NO_SUCH_TAG,
        what: Text {
            en: "`{key}`: this device has no tag \"{found}\"",
            zh: "`{key}`：该设备没有名为 \"{found}\" 的点",
        },
        cause: Text {
            en: "A typing error, or `only` and `except` leave the tag out.",
            zh: "拼写有误，或该点被 only、except 排除。",
        },
        remedy: Text { en: "see the names with `cloudward check`", zh: "用 cloudward check 查看各点名称" },
    },
    Words {
        code: NO_POWER,
        what: Text {
            en: "`{key}` has no effect: no tag of this device has the role power.active",
            zh: "`{key}` 不起作用：该设备没有角色为 power.active 的点",
        },
        cause: Text {
            en: "States by electric power need the power of this device, or of the meter that `metered_by` names.",
            zh: "按功率判断状态，需要本设备或 metered_by 所指电表的功率。",
        },
        remedy: Text {
            en: "give a tag the role power.active, or write metered_by = \"meter-01\"",
            zh: "请给功率点写 role = \"power.active\"，或写 metered_by = \"meter-01\"",
        },
    },
    Words {
        code: NO_THRESHOLD,
        what: Text {
            en: "`{key}` has no effect without run_kw or off_kw",
            zh: "没有 run_kw 或 off_kw，`{key}` 不起作用",
        },
        cause: Text {
            en: "Hysteresis and dwell time belong to thresholds.", zh: "回差和保持时间是门限的附属参数。"
        },
        remedy: Text { en: "write e.g. run_kw = 8.0 and off_kw = 0.3", zh: "例如写 run_kw = 8.0 和 off_kw = 0.3" },
    },
    Words {
        code: TWO_RUNS,
        what: Text {
            en: "`{key}`: the state comes from a tag of its own already",
            zh: "`{key}`：已有专门的点给出运行状态",
        },
        cause: Text {
            en: "The machine's own word is better evidence than its power, and the two would contradict each other.",
            zh: "设备自己的状态比功率可靠，两者并用会互相矛盾。",
        },
        remedy: Text { en: "take `run_kw` away; off_kw may stay", zh: "请删去 run_kw，off_kw 可保留" },
    },
    Words {
        code: THRESHOLDS_CROSSED,
        what: Text {
            en: "`{key}`: run_kw less hysteresis_kw must be above off_kw, and none below zero",
            zh: "`{key}`：run_kw 减去 hysteresis_kw 应大于 off_kw，且都不能为负",
        },
        cause: Text {
            en: "Otherwise the same power would mean run and off.", zh: "否则同一功率既是运行又是关机。"
        },
        remedy: Text {
            en: "write e.g. run_kw = 8.0, hysteresis_kw = 1.0, off_kw = 0.3",
            zh: "例如写 run_kw = 8.0、hysteresis_kw = 1.0、off_kw = 0.3",
        },
    },
    Words {
        code: BAD_BAND,
        what: Text {
            en: "`{key}` is {found}, must be two temperatures, the lower one first",
            zh: "`{key}` 的值是 {found}，应为两个温度，低的在前",
        },
        cause: Text {
            en: "The machine counts as running while its temperature lies within the band; without one nobody knows when that is.",
            zh: "温度在此范围内即视为运行，不写范围就无法判断。",
        },
        remedy: Text {
            en: "write e.g. band = [780, 820], in the unit of the tag",
            zh: "例如写 band = [780, 820]，单位与该点相同",
        },
    },
    Words {
        code: COUNTED_IN_TWO,
        what: Text {
            en: "`{key}`: \"{first}\" counts in {unit} and \"{second}\" in {found}",
            zh: "`{key}`：\"{first}\" 以 {unit} 计，\"{second}\" 却以 {found} 计",
        },
        cause: Text {
            en: "Good, bad and total of a machine are compared with each other, so they must be of one unit.",
            zh: "同一设备的总数、合格、不良要互相比较，单位必须一致。",
        },
        remedy: Text {
            en: "write the same unit for all counters of the device, with scale where one of them differs",
            zh: "请给该设备的各计数写相同的 unit，有差别的用 scale 换算",
        },
    },
    Words {
        code: RATED_TWICE,
        what: Text {
            en: "`{key}` and pri both say how fast this machine is to be",
            zh: "`{key}` 与 pri 都规定了设备应有的速度",
        },
        cause: Text {
            en: "A rate of 90 an hour and a standard time of 40s are the same thing; two of them would contradict each other.",
            zh: "每小时 90 与标准节拍 40s 是同一个意思，两者并写会互相矛盾。",
        },
        remedy: Text {
            en: "keep pri for pieces, rated_per_hour for kilograms, metres and the like",
            zh: "按件计的保留 pri，按公斤、米等计的保留 rated_per_hour",
        },
    },
    Words {
        code: RATED_UNCOUNTED,
        what: Text {
            en: "`{key}` has no effect: no tag of this device counts what it makes",
            zh: "`{key}` 不起作用：该设备没有统计产量的点",
        },
        cause: Text {
            en: "A rate is compared with what a counter says; its unit is that of the counter.",
            zh: "额定产量要与计数比较，单位也取自计数。",
        },
        remedy: Text {
            en: "give the throughput counter role = \"count.total\" and its unit, e.g. \"kg\"",
            zh: "请给产量累计点写 role = \"count.total\" 和单位，例如 \"kg\"",
        },
    },
    Words {
        code: ACK_WITHOUT_ALARM,
        what: Text {
            en: "`{key}`: \"{found}\" acknowledges alarms, but no tag of this device has the role alarm.word",
            zh: "`{key}`：\"{found}\" 是报警确认，但该设备没有角色为 alarm.word 的点",
        },
        cause: Text {
            en: "The time to acknowledge runs from the beginning of an alarm.",
            zh: "确认时间从报警开始算起。",
        },
        remedy: Text {
            en: "give the tag that tells of alarms the role alarm.word, or take alarm.ack away",
            zh: "请给报警点写 role = \"alarm.word\"，或删去 alarm.ack",
        },
    },
    Words {
        code: BAD_DATE,
        what: Text {
            en: "`{key}` is \"{found}\", which is no such date", zh: "`{key}` 的值 \"{found}\" 不是有效日期"
        },
        cause: Text {
            en: "Dates are written year-month-day with all digits, so that nobody takes a month for a day.",
            zh: "日期写作 年-月-日，位数写全，以免混淆。",
        },
        remedy: Text { en: "write e.g. \"{example}\"", zh: "例如写 \"{example}\"" },
    },
    Words {
        code: DATES_CROSSED,
        what: Text { en: "`{key}` is {found}, which is before {from}", zh: "`{key}` 的值 {found} 早于 {from}" },
        cause: Text { en: "It would end before it begins.", zh: "结束不能早于开始。" },
        remedy: Text { en: "exchange them, or mend the year", zh: "请对调，或改正年份" },
    },
    Words {
        code: BAD_IDENTIFIER,
        what: Text {
            en: "`{key}` is \"{found}\", which is no handle of the identifier system (at most {max} characters)",
            zh: "`{key}` 的值 \"{found}\" 不是标识编码（最长 {max} 个字符）",
        },
        cause: Text {
            en: "A handle is a prefix of three numbers or more with dots, a slash, and a suffix without blanks.",
            zh: "标识编码由前缀（至少三段数字，以点分隔）、斜杠和不含空格的后缀组成。",
        },
        remedy: Text {
            en: "write e.g. identifier = \"88.608.5288/EQ.IMM-07\"",
            zh: "例如写 identifier = \"88.608.5288/EQ.IMM-07\"",
        },
    },
    Words {
        code: MACHINE_TWICE,
        what: Text {
            en: "`{key}` {found} stands at line {first} too: this machine would be counted twice",
            zh: "`{key}` {found} 与第 {first} 行相同：这台设备会被重复统计",
        },
        cause: Text {
            en: "Rates are counts of machines, so each may stand in the ledger once.",
            zh: "各项比率按台数计算，每台设备只能列一次。",
        },
        remedy: Text {
            en: "take one of the two devices away, or mend the number from the plate",
            zh: "请删去其中一个设备，或按铭牌改正编号",
        },
    },
    Words {
        code: NO_SUCH_METER,
        what: Text {
            en: "`{key}` is \"{found}\", which is no other device",
            zh: "`{key}` 的值 \"{found}\" 不是另一个设备的 id",
        },
        cause: Text {
            en: "The meter of a machine is a device of its own, with an id.", zh: "电表应写成单独的设备。"
        },
        remedy: Text { en: "write one of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: METERS_NOTHING,
        what: Text {
            en: "`{key}`: no tag of \"{found}\" has the role energy.active or power.active",
            zh: "`{key}`：\"{found}\" 没有角色为 energy.active 或 power.active 的点",
        },
        cause: Text {
            en: "The device is there, but it is not said which of its tags is the energy.",
            zh: "设备存在，但没有说明哪个点是电能。",
        },
        remedy: Text {
            en: "add e.g. roles = { e_total_kwh = \"energy.active\" } to it",
            zh: "例如给它加上 roles = { e_total_kwh = \"energy.active\" }",
        },
    },
    Words {
        code: CT_RATIO,
        what: Text {
            en: "`{key}` is {found}: at full scale this is {full} kW, and the plates say {rated} kW",
            zh: "`{key}` 的值 {found}：满量程为 {full} kW，而额定功率为 {rated} kW",
        },
        cause: Text {
            en: "The ratio is wrong, or stands in the meter already, or the rated power is that of another machine.",
            zh: "变比写错，或电表内已设变比，或额定功率不是这台设备的。",
        },
        remedy: Text {
            en: "write what stands on the transformer, 200/5 as 40; leave it out where the meter shows primary values",
            zh: "按互感器铭牌填写，200/5 写 40；电表已显示一次值时不要写",
        },
    },
    Words {
        code: BAD_CAUSE,
        what: Text {
            en: "`{key}` is {found}, must be a text of one line, 1 to {max} characters",
            zh: "`{key}` 的值是 {found}，应为一行文字，1 到 {max} 个字符",
        },
        cause: Text {
            en: "The text stands beside the code in reports and plots.",
            zh: "这段文字在报表和图中与代码并列。",
        },
        remedy: Text { en: "write e.g. 17 = \"no material\"", zh: "例如写 17 = \"缺料\"" },
    },
    Words {
        code: TOO_MANY_CAUSES,
        what: Text {
            en: "`{key}` holds {found} texts, must be at most {max}",
            zh: "`{key}` 有 {found} 条，最多 {max} 条",
        },
        cause: Text {
            en: "Probably the whole list of the controller was copied, of which few codes ever occur.",
            zh: "可能是整本代码表都抄了进来，实际会出现的只有一小部分。",
        },
        remedy: Text {
            en: "keep those that occur; a code without a text is shown as it is",
            zh: "只保留会出现的代码；没有文字的代码原样显示",
        },
    },
    Words {
        code: NOT_CAUSES,
        what: Text {
            en: "`{key}` is {found}, must give each code a text",
            zh: "`{key}` 的值是 {found}，应给每个代码写一段文字",
        },
        cause: Text {
            en: "The codes stand in front of the equals signs, the texts behind them in quotes.",
            zh: "等号前面写代码，后面写带引号的文字。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
    Words {
        code: BAD_TIME_OF_DAY,
        what: Text {
            en: "`{key}` is \"{found}\", which is no time of day", zh: "`{key}` 的值 \"{found}\" 不是钟点"
        },
        cause: Text {
            en: "Times of day are hours and minutes with a colon, from 00:00 to 24:00.",
            zh: "钟点写作 时:分，从 00:00 到 24:00。",
        },
        remedy: Text { en: "write e.g. \"{example}\"", zh: "例如写 \"{example}\"" },
    },
    Words {
        code: BAD_DAY,
        what: Text {
            en: "`{key}` holds \"{found}\", which is no weekday", zh: "`{key}` 中的 \"{found}\" 不是星期"
        },
        cause: Text {
            en: "Weekdays are short words, or ranges such as mon-fri.",
            zh: "星期用简写，也可写范围，如 周一-周五。",
        },
        remedy: Text { en: "write of: {known}", zh: "可写：{known}" },
    },
    Words {
        code: SHIFTS_OVERLAP,
        what: Text {
            en: "`{key}`: this shift overlaps with \"{other}\" of line {first}",
            zh: "`{key}`：该班次与第 {first} 行的 \"{other}\" 重叠",
        },
        cause: Text {
            en: "A machine is in one shift at a time; planned time would be counted twice.",
            zh: "一台设备同一时刻只属于一个班次，否则计划时间会重复计算。",
        },
        remedy: Text {
            en: "mend the times or days, or say with `devices` which machines each is for",
            zh: "请改正时间或星期，或用 devices 分别写明适用的设备",
        },
    },
    Words {
        code: OUTSIDE_SHIFT,
        what: Text {
            en: "`{key}`: {found} does not lie within the shift", zh: "`{key}`：{found} 不在该班次之内"
        },
        cause: Text {
            en: "A break is taken from the planned time of its shift.",
            zh: "休息时间从所在班次的计划时间中扣除。",
        },
        remedy: Text {
            en: "mend the times; a stop over two shifts is written in both",
            zh: "请改正时间；跨两个班次的停机在两个班次中分别写",
        },
    },
    Words {
        code: SPANS_OVERLAP,
        what: Text {
            en: "`{key}`: {found} overlaps with another one of this list",
            zh: "`{key}`：{found} 与同一列表中的另一项重叠",
        },
        cause: Text {
            en: "One of the two was probably copied and not changed.", zh: "可能是复制后忘了修改。"
        },
        remedy: Text { en: "write them as one, or mend the times", zh: "请合并，或改正时间" },
    },
    Words {
        code: NO_SUCH_DEVICE,
        what: Text {
            en: "`{key}`: no device is called \"{found}\"", zh: "`{key}`：没有名为 \"{found}\" 的设备"
        },
        cause: Text {
            en: "A typing error, or the device is not in the file any more.",
            zh: "拼写有误，或该设备已不在文件中。",
        },
        remedy: Text { en: "write ids or patterns of: {known}", zh: "请写设备 id 或通配符：{known}" },
    },
    Words {
        code: PRODUCT_WITHOUT_PRI,
        what: Text {
            en: "`{key}` is missing: without a standard cycle there is no OEE of this product",
            zh: "缺少 `{key}`：没有标准节拍就算不出该产品的 OEE",
        },
        cause: Text {
            en: "Effectiveness compares what was made with what the standard cycle allows.",
            zh: "性能开动率是实际产量与标准节拍之比。",
        },
        remedy: Text {
            en: "write the time of one cycle, e.g. pri = \"38s\"",
            zh: "请写一个循环的标准时间，例如 pri = \"38s\"",
        },
    },
    Words {
        code: TARIFFS_OVERLAP,
        what: Text {
            en: "`{key}`: at {at} in month {month} the tariff \"{other}\" holds too",
            zh: "`{key}`：{month} 月 {at} 同时属于 \"{other}\"",
        },
        cause: Text { en: "Each minute has one price.", zh: "每一分钟只有一个电价。" },
        remedy: Text {
            en: "mend the times or the months of one of them", zh: "请改正其中一个的时间或月份"
        },
    },
    Words {
        code: TARIFF_HOLE,
        what: Text {
            en: "`{key}`: at {at} in month {month} no tariff holds",
            zh: "`{key}`：{month} 月 {at} 没有对应的电价时段",
        },
        cause: Text {
            en: "The tariffs together must cover the day, else the split of the energy does not add up.",
            zh: "各时段合起来应覆盖全天，否则分时电量对不上总量。",
        },
        remedy: Text {
            en: "add the missing time, e.g. to the flat tariff", zh: "请补上缺少的时间，例如归入平段"
        },
    },
    Words {
        code: NOT_NUMBERS,
        what: Text {
            en: "`{key}` is {found}, must be a list of months, 1 to 12",
            zh: "`{key}` 的值是 {found}，应为月份列表（1 到 12）",
        },
        cause: Text {
            en: "A list stands in square brackets, its numbers without quotes.",
            zh: "列表用方括号，数字不加引号。",
        },
        remedy: Text { en: "write e.g. {example}", zh: "例如写：{example}" },
    },
];
