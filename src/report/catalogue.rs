//! What each indicator follows, what it serves, and what it does not prove: what stands in docs/INDICATORS.md, and what `explain` says.

use crate::model::Lang;
use crate::model::trouble::Text;

/// One indicator.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// `O6`.
    pub id: &'static str,
    /// Where the formula is from.
    pub source: Text,
    /// What the figure does not prove.
    pub not_proven: Text,
}

const fn entry(id: &'static str, source: [&'static str; 2], not_proven: [&'static str; 2]) -> Entry {
    Entry {
        id,
        source: Text { en: source[0], zh: source[1] },
        not_proven: Text { en: not_proven[0], zh: not_proven[1] },
    }
}

const ISO: [&str; 2] =
    ["ISO 22400-2:2014, as published in the ISO 22400 ontology", "ISO 22400-2:2014（依据其公开的本体描述）"];
const OURS: [&str; 2] = ["definition of cloudward; no standard fixes it", "cloudward 自定义口径，没有统一标准"];
const TRADE: [&str; 2] = ["common practice of the trade", "行业通行做法"];

/// Those that the formulas of machines carry.
pub const ENTRIES: [Entry; 27] = [
    entry("O1", OURS, ["that the machine produced: it was only not off", "不证明设备在生产，只证明没有关机"]),
    entry(
        "O2",
        OURS,
        ["a time utilisation (稼动率): the word means O1, O2 or O3", "不等于“稼动率”：该词可能指 O1、O2 或 O3"],
    ),
    entry("O3", ISO, ["that the planned time was planned well", "不证明计划时间安排得合理"]),
    entry(
        "O4",
        ISO,
        ["that the standard cycle is right: a slack one raises it", "不证明标准节拍正确：节拍定得松，数值就高"],
    ),
    entry("O5", ISO, ["that rejects were counted where they arose", "不证明不良品在产生的工序就被计数"]),
    entry(
        "O6",
        ISO,
        ["a comparison between machines with other standard cycles", "不同标准节拍的设备之间不可直接比较"],
    ),
    entry("O7", ISO, ["the same as O6: set-up counts as useful time in it", "与 O6 不同：换型时间在其中计为有效时间"]),
    entry("O8", ISO, ["short stops below the limit of a fault", "不反映未达故障时限的短暂停机"]),
    entry("O9", ISO, ["how long a single change-over took", "不反映单次换型的时长"]),
    entry("O10", ISO, ["anything yet: it needs orders, which nobody tells the agent", "尚不能给出：需要工单数据"]),
    entry(
        "O11",
        [
            "ISO 22400-2:2014 with FE below the line; the standard's other custom is FE + 1, so the parts are published",
            "ISO 22400-2:2014，分母用 FE；也有用 FE+1 的做法，因此同时给出分子、分母",
        ],
        [
            "the quality of maintenance by itself: few failures make it jump",
            "不能单独证明维修质量：故障次数少时数值波动很大",
        ],
    ),
    entry(
        "O12",
        TRADE,
        [
            "the root cause: it is the machine's code or the operator's word",
            "不是根本原因：只是设备代码或操作工所填原因",
        ],
    ),
    entry(
        "O13",
        TRADE,
        [
            "the cycle of a single piece: actual_cycle is a mean, and the percentiles are right to 0.5 % and to one scan",
            "不是单件节拍：实际节拍是平均值；百分位数精确到 0.5 % 和一个采样周期",
        ],
    ),
    entry("O14", TRADE, ["that pieces went into stock", "不证明产品已入库"]),
    entry("O15", ISO, ["first-pass yield without serial numbers", "没有序列号时不能代替直通率"]),
    entry(
        "C1",
        OURS,
        ["that the values were right: only that the machine was heard", "不证明数值正确，只证明能听到设备"],
    ),
    entry(
        "C2",
        OURS,
        [
            "that every tag was good: a scan with one good reading counts",
            "不证明每个点都正常：一次扫描只要有一个好值即计入",
        ],
    ),
    entry("C3", OURS, ["that the states were mapped rightly", "不证明状态映射正确"]),
    entry(
        "C4",
        OURS,
        [
            "that the receiver kept it: the broker acknowledged it",
            "不证明接收方已保存数据，只证明服务器（Broker）已确认收到",
        ],
    ),
    entry(
        "C5",
        OURS,
        [
            "the delay within the machine or behind the broker; it is the upper bound of its bucket, at most a quarter too high",
            "不含设备内部及服务器之后的时延；取所在分组的上限，最多偏高四分之一",
        ],
    ),
    entry("E1", TRADE, ["a billing value: the meter may be of a lower class", "不是计费电量：电表精度等级可能较低"]),
    entry(
        "E2",
        TRADE,
        ["the energy of the product as a whole: auxiliaries are elsewhere", "不是产品全部能耗：辅助设备另计"],
    ),
    entry("E3", OURS, ["that all of it could be saved", "不证明这部分电量都能节省"]),
    entry(
        "E4",
        TRADE,
        ["the demand that is billed: the supplier's windows may differ", "不是计费需量：供电方的计算窗口可能不同"],
    ),
    entry(
        "E6",
        [
            "coal equivalent of electricity 0.1229 kgce/kWh (equivalent value), National Bureau of Statistics",
            "电力折标系数 0.1229 kgce/kWh（当量值），国家统计局",
        ],
        ["the form 205-1: media that are not metered are missing", "不能代替 205-1 表：未计量的能源品种不在其中"],
    ),
    entry(
        "A1",
        OURS,
        [
            "that the cause was removed: an acknowledgement is a press of a button; of several alarms in one word one is counted",
            "不证明故障原因已排除：确认只是按了按钮；同一个字里同时有多个报警时只计一次",
        ],
    ),
    entry(
        "R15",
        OURS,
        [
            "what the machine has used: it is a split of a shared meter by run time, and no measurement",
            "不是该设备的实际用电：只是把共用电表的电量按运行时间分摊，没有实测",
        ],
    ),
];

/// Of an indicator.
pub fn entry_of(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.id == id)
}

/// A flag for people.
pub fn flag_zh(flag: &'static str) -> &'static str {
    match flag {
        "reset" => "计数器清零",
        "implausible" => "计数跳变未计入",
        "gap_parts" => "含断线期间产量",
        "gap_border" => "断线跨越周期边界",
        "break_worked" => "休息时间仍在生产",
        "unmapped_state" => "有未映射的状态值",
        "count_mismatch" => "合格数大于产量",
        "pri_suspect" => "标准节拍偏松",
        "unknown_product" => "产品没有标准节拍",
        "no_count" => "不统计产量",
        "no_quality" => "不统计合格或不良",
        "no_state" => "没有状态来源",
        "no_fault_source" => "没有故障来源",
        "inferred_from_power" => "状态由功率推断",
        "integrated" => "电量由功率积分",
        "shared_meter" => "多台设备共用电表",
        "clock_step" => "时钟跳变",
        "late" => "有迟到数据未计入",
        "partial" => "周期内才有首次数据",
        "reclassified" => "有停机事后改判",
        "low_coverage" => "覆盖率偏低",
        "by_temperature" => "状态由温度推断",
        "coarse_cycle" => "节拍短于五个采样周期",
        "allocated" => "分摊值，非实测",
        other => other,
    }
}

impl Entry {
    /// Both sentences in one language.
    pub fn pick(&self, lang: Lang) -> [&'static str; 2] {
        [self.source.pick(lang), self.not_proven.pick(lang)]
    }
}
