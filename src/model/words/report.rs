//! Words of reports, baselines and archives: CW940 to CW969.

use crate::model::trouble::{Code, Text, Words};

/// Neither a shift, a day nor a month.
pub const BAD_PERIOD: Code = Code("CW940");
/// A shift that the configuration does not have.
pub const NO_SUCH_SHIFT: Code = Code("CW941");
/// A shift that is not worked then.
pub const NOT_WORKED: Code = Code("CW942");
/// Nothing was computed in the period.
pub const NO_FIGURES: Code = Code("CW943");
/// No such device in the workshop, or nothing of it.
pub const NO_DEVICE: Code = Code("CW944");
/// No such indicator.
pub const NO_INDICATOR: Code = Code("CW945");
/// An indicator without device or period.
pub const NEEDS_BOTH: Code = Code("CW946");
/// A file that could not be written.
pub const UNWRITABLE: Code = Code("CW947");
/// A format that is not for a terminal.
pub const NEEDS_FILE: Code = Code("CW948");
/// Rows that cannot be read.
pub const DAMAGED: Code = Code("CW949");
/// No baseline of this name.
pub const NO_BASELINE: Code = Code("CW950");
/// A baseline is frozen already.
pub const BASELINE_EXISTS: Code = Code("CW951");
/// A baseline whose signature does not fit.
pub const BASELINE_FORGED: Code = Code("CW952");
/// A revenue that is none.
pub const BAD_REVENUE: Code = Code("CW953");
/// An archive of something else.
pub const NOT_A_MONTH: Code = Code("CW954");
/// No archive.
pub const ARCHIVE_UNREADABLE: Code = Code("CW955");
/// A file of the archive was changed.
pub const ARCHIVE_CHANGED: Code = Code("CW956");
/// A file of the archive is gone.
pub const ARCHIVE_MISSING: Code = Code("CW957");
/// A file that was put into the archive.
pub const ARCHIVE_STRANGER: Code = Code("CW958");
/// The chain does not fit.
pub const ARCHIVE_CHAIN: Code = Code("CW959");
/// The signature does not fit.
pub const ARCHIVE_FORGED: Code = Code("CW960");
/// Signed by another gateway.
pub const ARCHIVE_UNTRUSTED: Code = Code("CW961");
/// No moment.
pub const BAD_MOMENT: Code = Code("CW962");
/// No stop in the span.
pub const NO_STOP: Code = Code("CW963");
/// Only a part of a stop is named.
pub const PART_OF_STOP: Code = Code("CW964");
/// Not idle, too old, or planned already.
pub const NOT_IDLE: Code = Code("CW965");
/// A reason or a name is missing.
pub const BAD_REASON: Code = Code("CW966");
/// Nobody said whom to trust.
pub const NOT_PROVEN_HERE: Code = Code("CW967");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: BAD_PERIOD,
        what: Text { en: "`{found}` is no period", zh: "“{found}”不是周期" },
        cause: Text {
            en: "A shift is written 2026-03-02/night by the date on which it starts, a day 2026-03-02, a month 2026-03; today, yesterday and shift (the one at work, or the last) are known too.",
            zh: "班次写作 2026-03-02/night（以开始的日期为准），日期写作 2026-03-02，月份写作 2026-03；也可写 today、yesterday、shift（当前或最近一个班次）。",
        },
        remedy: Text { en: "write e.g. --period {example}", zh: "请写成例如 --period {example}" },
    },
    Words {
        code: NO_SUCH_SHIFT,
        what: Text { en: "the workshop has no shift `{found}`", zh: "车间没有名为“{found}”的班次" },
        cause: Text {
            en: "The part behind the stroke is the name of a [[shift]] in the configuration.",
            zh: "斜线后面是配置中 [[shift]] 的名称。",
        },
        remedy: Text { en: "one of: {known}", zh: "现有班次：{known}" },
    },
    Words {
        code: NOT_WORKED,
        what: Text { en: "no shift is worked in {found}", zh: "{found} 没有排班" },
        cause: Text {
            en: "The day is a holiday or a weekday without this shift, or the configuration has no [[shift]] at all.",
            zh: "该日是假日、该班次当天不上班，或配置中没有 [[shift]]。",
        },
        remedy: Text {
            en: "look at [calendar] and [[shift]] in the configuration",
            zh: "请查看配置中的 [calendar] 和 [[shift]]",
        },
    },
    Words {
        code: NO_FIGURES,
        what: Text { en: "there are no figures for {found}", zh: "{found} 没有指标数据" },
        cause: Text {
            en: "The agent did not run then, no device has tags with a role, or the period lies in the future or further back than figures are kept.",
            zh: "该时段程序没有运行、没有设备的点配置了 role，或该时段尚未到来、早于指标的保存期限。",
        },
        remedy: Text { en: "figures are there from {first} to {last}", zh: "现有指标数据：{first} 至 {last}" },
    },
    Words {
        code: NO_DEVICE,
        what: Text { en: "the workshop has no device `{device}`", zh: "车间没有设备“{device}”" },
        cause: Text {
            en: "The id is written otherwise in the configuration.", zh: "设备 id 与配置中的写法不同。"
        },
        remedy: Text { en: "one of: {known}", zh: "现有设备：{known}" },
    },
    Words {
        code: NO_INDICATOR,
        what: Text { en: "there is no indicator `{found}`", zh: "没有指标“{found}”" },
        cause: Text {
            en: "Indicators go by their id (O6) or the name that they have in JSON (availability_known); codes of messages are written CW204.",
            zh: "指标用编号（O6）或 JSON 中的名称（availability_known）表示；消息代码写作 CW204。",
        },
        remedy: Text { en: "one of: {known}", zh: "现有指标：{known}" },
    },
    Words {
        code: NEEDS_BOTH,
        what: Text {
            en: "to explain {found}, a device and a period are needed",
            zh: "解释 {found} 需要指定设备和周期",
        },
        cause: Text {
            en: "A figure belongs to a machine and a period.", zh: "指标属于某台设备的某个周期。"
        },
        remedy: Text { en: "add --device and --period", zh: "请加上 --device 和 --period" },
    },
    Words {
        code: UNWRITABLE,
        what: Text { en: "{path} could not be written: {error}", zh: "无法写入 {path}：{error}" },
        cause: Text {
            en: "The folder is missing, full or protected; or the file is there already.",
            zh: "目录不存在、已满或只读，或文件已存在。",
        },
        remedy: Text { en: "name another file with -o", zh: "请用 -o 指定其他文件" },
    },
    Words {
        code: NEEDS_FILE,
        what: Text { en: "{format} goes to a file", zh: "{format} 须写入文件" },
        cause: Text { en: "A workbook is not text.", zh: "工作簿不是文本。" },
        remedy: Text { en: "add -o FILE", zh: "请加上 -o 文件名" },
    },
    Words {
        code: DAMAGED,
        what: Text {
            en: "{rows} rows of figures cannot be read, and are left out",
            zh: "有 {rows} 行指标数据无法读取，未计入",
        },
        cause: Text {
            en: "They were damaged on the medium, or written by a newer version.",
            zh: "存储介质损坏，或由更新的版本写入。",
        },
        remedy: Text {
            en: "see cloudward journal status; the report is not complete",
            zh: "请运行 cloudward journal status；本报表不完整",
        },
    },
    Words {
        code: NO_BASELINE,
        what: Text { en: "there is no baseline `{name}`", zh: "没有名为“{name}”的基线" },
        cause: Text {
            en: "It was never frozen in this state directory, or has another name.",
            zh: "该状态目录中从未冻结过，或名称不同。",
        },
        remedy: Text {
            en: "freeze one: cloudward baseline freeze --period 2025-11 --name {name}",
            zh: "请先冻结：cloudward baseline freeze --period 2025-11 --name {name}",
        },
    },
    Words {
        code: BASELINE_EXISTS,
        what: Text {
            en: "the baseline `{name}` was frozen {at} and stays as it is",
            zh: "基线“{name}”已于 {at} 冻结，不会改变",
        },
        cause: Text {
            en: "A baseline that could be changed would prove nothing.",
            zh: "可以修改的基线不能证明任何事情。",
        },
        remedy: Text { en: "choose another --name", zh: "请另取 --name" },
    },
    Words {
        code: BASELINE_FORGED,
        what: Text {
            en: "the baseline `{name}` is not what was signed, and is left out",
            zh: "基线“{name}”与其签名不符，未采用",
        },
        cause: Text { en: "The journal was changed by hand.", zh: "日志库被人为改动。" },
        remedy: Text {
            en: "restore the journal, or freeze a baseline under another name",
            zh: "请恢复日志库，或以其他名称重新冻结基线",
        },
    },
    Words {
        code: BAD_REVENUE,
        what: Text { en: "`{found}` is no revenue", zh: "“{found}”不是营业收入" },
        cause: Text { en: "It is a number of 10 000 yuan above zero.", zh: "应为大于零的数，单位万元。" },
        remedy: Text { en: "write e.g. --revenue 1250.5", zh: "请写成例如 --revenue 1250.5" },
    },
    Words {
        code: NOT_A_MONTH,
        what: Text { en: "`{found}` is no month", zh: "“{found}”不是月份" },
        cause: Text { en: "An archive holds one month.", zh: "档案以一个月为单位。" },
        remedy: Text { en: "write e.g. --month {example}", zh: "请写成例如 --month {example}" },
    },
    Words {
        code: ARCHIVE_UNREADABLE,
        what: Text { en: "{path} is no archive: {error}", zh: "{path} 不是档案文件：{error}" },
        cause: Text {
            en: "The file was cut off or damaged on its way, or is another zip.",
            zh: "文件在传输中被截断或损坏，或是其他压缩文件。",
        },
        remedy: Text { en: "copy it again from where it was made", zh: "请从生成处重新复制" },
    },
    Words {
        code: ARCHIVE_CHANGED,
        what: Text { en: "{path}: {file} is not what was listed", zh: "{path}：{file} 与清单不符" },
        cause: Text {
            en: "The file was changed after the archive was made.", zh: "档案生成之后文件被改动过。"
        },
        remedy: Text { en: "do not use it; ask for the archive again", zh: "请勿采信，重新索取档案" },
    },
    Words {
        code: ARCHIVE_MISSING,
        what: Text { en: "{path}: {file} is missing", zh: "{path}：缺少 {file}" },
        cause: Text { en: "It was taken out after the archive was made.", zh: "档案生成之后文件被删去。" },
        remedy: Text { en: "do not use it; ask for the archive again", zh: "请勿采信，重新索取档案" },
    },
    Words {
        code: ARCHIVE_STRANGER,
        what: Text { en: "{path}: {file} was put in afterwards", zh: "{path}：{file} 是事后加入的" },
        cause: Text { en: "The list of hashes does not name it.", zh: "哈希清单中没有该文件。" },
        remedy: Text { en: "do not use it; ask for the archive again", zh: "请勿采信，重新索取档案" },
    },
    Words {
        code: ARCHIVE_CHAIN,
        what: Text { en: "{path}: the chain does not fit", zh: "{path}：链不相符" },
        cause: Text {
            en: "The list of hashes or archive.json was changed, or the archive named with --previous is not the one before.",
            zh: "哈希清单或 archive.json 被改动，或 --previous 指定的不是上一份档案。",
        },
        remedy: Text {
            en: "do not use it; ask for both archives again", zh: "请勿采信，重新索取两份档案"
        },
    },
    Words {
        code: ARCHIVE_FORGED,
        what: Text {
            en: "{path}: the signature is not that of the key it names", zh: "{path}：签名与所列公钥不符"
        },
        cause: Text {
            en: "The list of hashes was changed, or another key signed it.",
            zh: "哈希清单被改动，或由其他密钥签名。",
        },
        remedy: Text { en: "do not use it; ask for the archive again", zh: "请勿采信，重新索取档案" },
    },
    Words {
        code: ARCHIVE_UNTRUSTED,
        what: Text {
            en: "{path} is signed by {fingerprint}, which is not the trusted one",
            zh: "{path} 的签名者 {fingerprint} 不是所信任的网关",
        },
        cause: Text {
            en: "Another gateway made it, or the fingerprint was typed wrong.",
            zh: "由其他网关生成，或指纹输入有误。",
        },
        remedy: Text {
            en: "compare with cloudward journal key at the gateway",
            zh: "请与网关上 cloudward journal key 显示的指纹核对",
        },
    },
    Words {
        code: BAD_MOMENT,
        what: Text { en: "`{found}` is no time", zh: "“{found}”不是时间" },
        cause: Text {
            en: "Times are of the workshop's zone: 2026-03-03T05:30.",
            zh: "时间按车间时区书写：2026-03-03T05:30。",
        },
        remedy: Text { en: "write e.g. 2026-03-03T05:30", zh: "请写成例如 2026-03-03T05:30" },
    },
    Words {
        code: NO_STOP,
        what: Text {
            en: "{device} has no idle stop from {from} to {to}",
            zh: "{device} 在 {from} 至 {to} 没有待机停机",
        },
        cause: Text {
            en: "The state log has other states there, or the stop is not over.",
            zh: "该时段的状态记录是其他状态，或停机尚未结束。",
        },
        remedy: Text {
            en: "see the log: cloudward explain O3 --device {device} --period {day}",
            zh: "请查看记录：cloudward explain O3 --device {device} --period {day}",
        },
    },
    Words {
        code: PART_OF_STOP,
        what: Text {
            en: "the stop of {device} lasted from {from} to {to}, and is reclassified as a whole or not at all",
            zh: "{device} 的停机从 {from} 到 {to}，只能整段改判",
        },
        cause: Text {
            en: "A part of a stop cannot be told from the rest by anybody.",
            zh: "停机的一部分无法与其余部分区分。",
        },
        remedy: Text { en: "name a span that holds all of it", zh: "请指定包含整段停机的起止时间" },
    },
    Words {
        code: NOT_IDLE,
        what: Text {
            en: "the stop of {device} from {from} cannot be reclassified: {why}",
            zh: "{device} 在 {from} 开始的停机不能改判：{why}",
        },
        cause: Text {
            en: "Only idle time becomes planned, once, and within 24 hours of its beginning (R18).",
            zh: "只有待机可以改判为计划停机，只能改一次，且须在开始后 24 小时内（R18）。",
        },
        remedy: Text {
            en: "leave it as it is, or give its reason with the stop.reason tag next time",
            zh: "保持原状；下次请通过 stop.reason 点及时填报原因",
        },
    },
    Words {
        code: BAD_REASON,
        what: Text { en: "--{key} is empty", zh: "--{key} 为空" },
        cause: Text {
            en: "An audit entry without a reason and a name is worth nothing.",
            zh: "没有原因和姓名的审计记录没有价值。",
        },
        remedy: Text { en: "say why, and who says so", zh: "请写明原因和改判人" },
    },
    Words {
        code: NOT_PROVEN_HERE,
        what: Text {
            en: "the archive is whole, but who signed it was not compared", zh: "档案完整，但未核对签名者"
        },
        cause: Text {
            en: "Whoever changes an archive can sign it with a key of his own.",
            zh: "改动档案的人可以用自己的密钥重新签名。",
        },
        remedy: Text {
            en: "add --trust with the fingerprint that cloudward journal key shows at the gateway",
            zh: "请加上 --trust 和网关上 cloudward journal key 显示的指纹",
        },
    },
];
