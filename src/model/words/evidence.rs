//! Words of evidence: why there are no figures, and what makes those that there are doubtful: CW972 to CW979.

use crate::model::trouble::{Code, Text, Words};

/// There are no figures at all, and there will be.
pub const NO_FIGURES_YET: Code = Code("CW972");
/// There are no figures at all, and there never will be.
pub const NEVER_FIGURES: Code = Code("CW973");
/// The power does not fit voltage and current (R16).
pub const POWER_IS_OFF: Code = Code("CW974");
/// A meter that is counted as a production machine.
pub const METER_IS_PRODUCTION: Code = Code("CW975");
/// No unified social credit code.
pub const BAD_USCC: Code = Code("CW976");
/// A file that the archive is to hold and that is not there, or is no picture.
pub const BAD_PHOTO: Code = Code("CW977");
/// More reports than may wait.
pub const REPORTS_UNTOLD: Code = Code("CW978");
/// A baseline of a period whose figures may still change.
pub const PERIOD_NOT_OVER: Code = Code("CW979");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NO_FIGURES_YET,
        what: Text {
            en: "there are no figures for {found}, and none of any other time yet (device {device})",
            zh: "{found} 没有指标数据，其他时段也还没有（设备 {device}）",
        },
        cause: Text {
            en: "The agent has not run in this state directory yet, no machine has answered, or the clock is not trusted yet: figures begin with the first good sample under a trusted clock.",
            zh: "程序尚未用该状态目录运行过、没有设备应答过，或时钟尚未可信：指标自时钟可信后的第一个好值开始。",
        },
        remedy: Text {
            en: "see with cloudward ledger whether samples come, and with cloudward journal status whether the clock is trusted",
            zh: "用 cloudward ledger 查看是否有样本，用 cloudward journal status 查看时钟是否可信",
        },
    },
    Words {
        code: NEVER_FIGURES,
        what: Text {
            en: "there are no figures for {found}: the machine is not connected (device {device})",
            zh: "{found} 没有指标数据：设备未联网（设备 {device}）",
        },
        cause: Text {
            en: "A machine without a link, and without a meter of its own, stands in the ledger and delivers nothing.",
            zh: "没有链路、也没有独立电表的设备只列入台账，不产生数据。",
        },
        remedy: Text {
            en: "connect it: give its [[device]] a link, or a meter with metered_by",
            zh: "请联网：为其 [[device]] 配置 link，或用 metered_by 指定电表",
        },
    },
    Words {
        code: POWER_IS_OFF,
        what: Text {
            en: "{device}: the power is {factor} times what voltage and current make of it ({kw} kW; {volts} V x {amperes} A make {expected} kW)",
            zh: "{device}：功率为按电压、电流计算值的 {factor} 倍（读数 {kw} kW；{volts} V × {amperes} A 应为 {expected} kW）",
        },
        cause: Text {
            en: "The ratio of the current or voltage transformers is applied twice or not at all, a scale is wrong, or the byte order of one of the values.",
            zh: "电流或电压互感器变比重复计入或未计入，某个点的 scale 写错，或字节序不对。",
        },
        remedy: Text {
            en: "compare with the display of the meter, then correct ct_ratio, pt_ratio or the scale of the tag that is wrong",
            zh: "请与电表显示核对，然后改正 ct_ratio、pt_ratio 或出错点的 scale",
        },
    },
    Words {
        code: METER_IS_PRODUCTION,
        what: Text {
            en: "device `{device}` only meters energy, and counts as a production machine",
            zh: "设备“{device}”只计量能耗，却按生产设备计入",
        },
        cause: Text {
            en: "Whether a device is production equipment cannot be seen from its tags, so it counts unless the file says otherwise; each meter that counts makes the rates of the equipment ledger wrong.",
            zh: "仅凭点表无法判断是否为生产设备，未写明时一律计入；误计的电表会使设备数字化率、联网率失真。",
        },
        remedy: Text {
            en: "write production = false in its [[device]], or production = true if it is a machine",
            zh: "在其 [[device]] 中写 production = false；若确为生产设备，则写 production = true",
        },
    },
    Words {
        code: BAD_USCC,
        what: Text {
            en: "{key} is `{found}`, which is no unified social credit code",
            zh: "{key} 为“{found}”，不是有效的统一社会信用代码",
        },
        cause: Text {
            en: "The code has 18 digits and capital letters without I, O, Z, S and V, and the last of them is a check digit over the others (GB 32100-2015).",
            zh: "代码为 18 位数字或大写字母（不含 I、O、Z、S、V），末位是前 17 位的校验码（GB 32100-2015）。",
        },
        remedy: Text {
            en: "copy it from the business licence, e.g. {example}",
            zh: "请按营业执照填写，例如 {example}",
        },
    },
    Words {
        code: BAD_PHOTO,
        what: Text {
            en: "the photo {path} of device `{device}` cannot go into the archive: {error}",
            zh: "设备“{device}”的照片 {path} 无法放入档案：{error}",
        },
        cause: Text {
            en: "The archive holds each photo that the file names: a JPEG, PNG or WebP of at most 5 MB, beside the configuration or at a full path.",
            zh: "配置中写明的照片都会放入档案：JPEG、PNG 或 WebP，不超过 5 MB，路径相对于配置文件或为绝对路径。",
        },
        remedy: Text {
            en: "put the file there or make it smaller; take the key `photo` away if there is none",
            zh: "请放好文件或压缩图片；没有照片则删去 photo",
        },
    },
    Words {
        code: REPORTS_UNTOLD,
        what: Text {
            en: "{reports} reports of shifts, days and months that are over were not published",
            zh: "有 {reports} 份已结束的班次、日、月报表未发布",
        },
        cause: Text {
            en: "After a very long time without the agent more reports are due than may wait in memory (20,000).",
            zh: "采集程序停机很久之后，应发布的报表超过了内存允许的数量（20,000 份）。",
        },
        remedy: Text {
            en: "nothing is missing in the journal: `cloudward report --period` makes each of them; send what is needed by hand",
            zh: "日志库中的数据完整：可用 cloudward report --period 逐一生成，按需手工提交",
        },
    },
    Words {
        code: PERIOD_NOT_OVER,
        what: Text { en: "{found} cannot be frozen before {from}", zh: "{found} 须到 {from} 之后才能冻结" },
        cause: Text {
            en: "Its figures may still change: the period is not over, or it is a month that late data may change until 72 hours after its end.",
            zh: "其指标仍可能变化：时段尚未结束，或月末 72 小时内仍可计入迟到数据。",
        },
        remedy: Text {
            en: "freeze an earlier period, or wait until then", zh: "请冻结更早的时段，或等到届时再冻结"
        },
    },
];
