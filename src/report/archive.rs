//! The evidence file (一企一档, equipment part): its documents, its list of hashes, and what an assessor checks. Pure; packing and signing
//! stand above.
//!
//! The rule: `hashes.txt` names every file but itself and `chain.json`; `chain.json` holds the SHA-256 of `hashes.txt`, that of the archive
//! before, and a signature over `hashes.txt`. Whoever holds `sha256sum` and `openssl` can check all of it. No level is ever claimed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::{Given, Report};
use super::number::Num;
use super::sheet::csv_line;
use super::site::machine_of_ledger;
use crate::config::{Config, Device, Role, Scene};
use crate::indicator::FROZEN_AFTER_MS;
use crate::indicator::ledger::is_listed;
use crate::model::{Class, Level};
use crate::sink::egress::{Total, hex, sha256};

/// The list of hashes.
pub const HASHES: &str = "hashes.txt";

/// The chain and the signature.
pub const CHAIN: &str = "chain.json";

/// The document.
pub const ARCHIVE: &str = "archive.json";

/// What the signature covers before the list, so that it is good for nothing else.
pub const SIGNED_FOR: &str = "cloudward archive 1\n";

/// `archive.json`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Archive {
    /// `cloudward.archive/1`.
    pub schema: &'static str,
    /// Whose.
    pub enterprise: Particulars,
    /// Workshop.
    pub workshop: String,
    /// For people.
    pub name: String,
    /// The month: `2026-03`.
    pub month: String,
    /// Whether the month was over, and three days more for late data.
    pub is_final: bool,
    /// Late scans that came when the month was frozen: they are in no figure of it.
    pub late_after_freeze: u32,
    /// Late scans of which nothing could be computed again: they are in no figure either.
    pub late_uncounted: u32,
    /// When it was made.
    pub made_at: String,
    /// The equipment ledger.
    pub equipment: Vec<EquipmentPart>,
    /// 数据台账: every tag that is read.
    pub data_ledger: Vec<DataPart>,
    /// Which item of a scheme is served by which figure in which file.
    pub evidence: Vec<Evidence>,
    /// Links that no equipment data can serve.
    pub not_covered: Vec<&'static str>,
    /// What left.
    pub egress: EgressPart,
    /// SHA-256 of `hashes.txt` of the archive before; empty: there was none.
    pub prev: String,
}

/// Of the enterprise: its code in topics, and what its configuration names.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Particulars {
    /// Code in topics.
    pub code: String,
    /// 企业名称.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 统一社会信用代码.
    pub uscc: Option<String>,
    /// 行业.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// 所在区.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// 服务商.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// 联系人.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// A machine of the ledger.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EquipmentPart {
    /// 设备编号.
    pub id: String,
    /// 设备名称.
    pub name: Option<String>,
    /// 制造商.
    pub maker: Option<String>,
    /// 型号.
    pub model: Option<String>,
    /// 出厂编号.
    pub serial: Option<String>,
    /// 出厂日期.
    pub made: Option<String>,
    /// 所属工序.
    pub process: Option<String>,
    /// 是否关键工序.
    pub key_process: bool,
    /// 是否数控.
    pub nc: bool,
    /// 是否数字化.
    pub digital: bool,
    /// 是否联网.
    pub networked: bool,
    /// 是否上云 (L5); null: no upload was ever counted.
    pub clouded: Option<bool>,
    /// 联网方式.
    pub interface: Option<String>,
    /// The meter, if another device meters it.
    pub meter: Option<String>,
    /// 标识编码.
    pub identifier: Option<String>,
    /// Dates with good data within the period that is looked at.
    pub good_days: usize,
    /// The first of them.
    pub first_good_day: Option<String>,
    /// The last of them.
    pub last_good_day: Option<String>,
    /// 采集点数.
    pub tags: usize,
    /// The picture in this archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
}

/// A line of the 数据台账.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DataPart {
    /// `device.tag`.
    pub tag: String,
    /// What for.
    pub r#use: String,
    /// The domain of the guide of 2020.
    pub domain: &'static str,
    /// 一般, 重要, 核心.
    pub level: &'static str,
    /// 数据源.
    pub source: String,
    /// Unit of the value.
    pub unit: Option<String>,
    /// Milliseconds between two samples.
    pub every_ms: u64,
    /// Sinks whose configuration lets it out.
    pub leaves_to: Vec<String>,
}

/// Where an item of a scheme finds its figure. It claims no level.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Evidence {
    /// The item.
    pub item: &'static str,
    /// The value, if it is one number.
    pub value: Option<Num>,
    /// The value before, of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Num>,
    /// The file.
    pub file: String,
    /// JSON Pointer into it.
    pub pointer: &'static str,
}

/// What left in the month.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct EgressPart {
    /// By sink.
    pub targets: Vec<Target>,
    /// Messages that left without a line in the egress log.
    pub not_logged: u64,
}

/// A destination.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Target {
    /// The sink's name.
    pub sink: String,
    /// Messages.
    pub messages: u64,
    /// Bytes of payloads.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
    /// Classes and levels, with samples.
    pub classes: BTreeMap<String, u64>,
}

/// `chain.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    /// `cloudward.archive_chain/1`.
    pub schema: String,
    /// SHA-256 of `hashes.txt` of the archive before; empty: there was none.
    pub prev: String,
    /// SHA-256 of `hashes.txt` of this one.
    pub this: String,
    /// Ed25519 over `cloudward archive 1\n` and the bytes of `hashes.txt`: `ed25519:` and 128 hexadecimal digits.
    pub signature: String,
    /// The public key, 64 hexadecimal digits.
    pub public_key: String,
}

/// Beside the report: what an archive is made of.
pub struct Beside<'a> {
    /// Daily totals of the egress log; other months do no harm.
    pub egress: &'a [Total],
    /// See [`Archive::prev`].
    pub prev: &'a str,
    /// When it is made, RFC 3339.
    pub made_at: String,
    /// Names of the pictures in the archive, by device.
    pub photos: &'a BTreeMap<String, String>,
    /// Names of the sinks that let a tag out, by `device.tag`.
    pub leaves_to: &'a dyn Fn(&Device, &str) -> Vec<String>,
}

impl Archive {
    /// Of a report of a month.
    pub fn of(given: &Given<'_>, report: &Report, beside: &Beside<'_>) -> Archive {
        let month = given.asked.typed();
        let last = given.asked.last_day(&report.zone);
        let devices = || given.config.devices.iter();
        let ledger = devices().filter(|device| is_listed(&device.equipment, last));
        Archive {
            schema: "cloudward.archive/1",
            enterprise: particulars(given.config),
            workshop: report.site.workshop.clone(),
            name: report.site.name.clone(),
            is_final: given.now.0 >= given.asked.end.0 + FROZEN_AFTER_MS,
            late_after_freeze: report.site.late_after_freeze,
            late_uncounted: report.site.late_uncounted,
            made_at: beside.made_at.clone(),
            equipment: ledger.map(|device| equipment(given, device, last, beside)).collect(),
            data_ledger: devices().flat_map(|device| data(device, beside)).collect(),
            evidence: evidence(report, &format!("monthly/{month}.json")),
            not_covered: vec![
                "产品设计",
                "工艺设计",
                "营销管理",
                "售后服务",
                "计划排程",
                "采购管理",
                "仓储物流",
                "财务管理",
                "人力资源",
            ],
            egress: egress(beside.egress, &month),
            prev: beside.prev.to_owned(),
            month,
        }
    }

    /// `equipment.csv`: the columns of a 设备清单.
    pub fn equipment_csv(&self) -> String {
        let head = [
            "序号",
            "设备编号",
            "设备名称",
            "型号",
            "制造商",
            "出厂日期",
            "所属工序",
            "是否关键工序",
            "是否数字化",
            "是否联网",
            "联网方式",
            "采集点数",
            "最近数据时间",
            "标识编码",
        ];
        let mut out = format!("\u{feff}{}", csv_line(head));
        let yes = |is: bool| if is { "是" } else { "否" }.to_owned();
        let or = |text: &Option<String>| text.clone().unwrap_or_default();
        for (at, it) in self.equipment.iter().enumerate() {
            out += &csv_line([
                (at + 1).to_string(),
                it.id.clone(),
                or(&it.name),
                or(&it.model),
                or(&it.maker),
                or(&it.made),
                or(&it.process),
                yes(it.key_process),
                yes(it.digital),
                yes(it.networked),
                or(&it.interface),
                it.tags.to_string(),
                or(&it.last_good_day),
                or(&it.identifier),
            ]);
        }
        out
    }

    /// `data_ledger.csv`: 数据台账.
    pub fn data_csv(&self) -> String {
        let head = ["序号", "数据项", "用途", "类型", "级别", "数据源", "单位", "采集周期（毫秒）", "外送去向"];
        let mut out = format!("\u{feff}{}", csv_line(head));
        for (at, it) in self.data_ledger.iter().enumerate() {
            out += &csv_line([
                (at + 1).to_string(),
                it.tag.clone(),
                it.r#use.clone(),
                it.domain.to_owned(),
                it.level.to_owned(),
                it.source.clone(),
                it.unit.clone().unwrap_or_default(),
                it.every_ms.to_string(),
                if it.leaves_to.is_empty() { "不外送".to_owned() } else { it.leaves_to.join(" ") },
            ]);
        }
        out
    }
}

fn particulars(config: &Config) -> Particulars {
    let of = config.enterprise.clone();
    Particulars {
        code: config.workshop.enterprise.clone(),
        name: of.name,
        uscc: of.uscc,
        industry: of.industry,
        district: of.district,
        provider: of.provider,
        contact: of.contact,
    }
}

impl Particulars {
    /// What the page of an archive says of it, if anything is named.
    pub fn rows(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("企业名称", &self.name),
            ("统一社会信用代码", &self.uscc),
            ("所属行业", &self.industry),
            ("所在区域", &self.district),
            ("服务商", &self.provider),
            ("联系人", &self.contact),
        ];
        all.into_iter().filter_map(|(label, text)| Some((label, text.as_deref()?))).collect()
    }
}

fn equipment(given: &Given<'_>, device: &Device, last: Date, beside: &Beside<'_>) -> EquipmentPart {
    let of = &device.equipment;
    let listed = machine_of_ledger(given, device, last);
    let none = BTreeSet::new();
    let days = given.good_days.get(&*device.id).unwrap_or(&none);
    let days: Vec<&Date> = days.iter().filter(|day| **day <= last).collect();
    let link = device.link.as_ref().and_then(|name| given.config.links.iter().find(|link| link.name == *name));
    let interface = match link {
        None => None,
        Some(link) if link.transport.is_opcua() => Some("OPC UA".to_owned()),
        Some(_) if matches!(device.station, crate::config::Station::Meter(_)) => Some("DL/T 645".to_owned()),
        Some(_) => Some("Modbus".to_owned()),
    };
    EquipmentPart {
        id: device.id.to_string(),
        name: device.name.clone(),
        maker: of.maker.clone(),
        model: of.model.clone(),
        serial: of.serial.clone(),
        made: of.made.clone(),
        process: of.process.clone(),
        key_process: of.is_key_process,
        nc: of.is_nc,
        digital: of.is_digital,
        networked: listed.is_networked,
        clouded: given.cloud_days.map(|_| listed.is_clouded),
        interface,
        meter: of.yardstick.metered_by.clone(),
        identifier: of.identifier.clone(),
        good_days: days.len(),
        first_good_day: days.first().map(ToString::to_string),
        last_good_day: days.last().map(ToString::to_string),
        tags: device.tags.len(),
        photo: beside.photos.get(&*device.id).cloned(),
    }
}

fn data<'a>(device: &'a Device, beside: &'a Beside<'_>) -> impl Iterator<Item = DataPart> + 'a {
    device.tags.iter().map(move |tag| {
        let purpose = match tag.role.as_deref() {
            None if tag.scene == Some(Scene::Safety) => "安全监测",
            None => "工艺与状态监测",
            Some(Role::Word(_) | Role::Is(_) | Role::Band(_)) => "设备状态",
            Some(Role::Power(_)) => "电功率监测",
            Some(Role::Count(..)) => "产量与质量统计",
            Some(Role::Energy(..)) => "能耗统计",
            Some(Role::Alarm | Role::AlarmAck | Role::AlarmCode) => "故障与报警分析",
            Some(Role::StopReason) => "停机原因",
            Some(Role::Product | Role::CycleTime(_) | Role::Cavities) => "生产过程统计",
        };
        DataPart {
            tag: format!("{}.{}", device.id, tag.name),
            r#use: tag.label.as_ref().map_or(purpose.to_owned(), |label| format!("{purpose}（{label}）")),
            domain: class_zh(tag.grade.class),
            level: level_zh(tag.grade.level),
            source: device.id.to_string(),
            unit: tag.unit.as_ref().map(ToString::to_string),
            every_ms: u64::try_from(tag.every.as_millis()).unwrap_or(u64::MAX),
            leaves_to: (beside.leaves_to)(device, &tag.name),
        }
    })
}

fn class_zh(class: Class) -> &'static str {
    class.zh()
}

fn level_zh(level: Level) -> &'static str {
    level.zh()
}

fn evidence(report: &Report, file: &str) -> Vec<Evidence> {
    let site = &report.site;
    let of = |item, value, pointer| Evidence { item, value, before: None, file: file.to_owned(), pointer };
    let rate = |name: &str| site.rates.get(name).and_then(|rate| rate.value);
    let before = site.baseline.as_ref();
    vec![
        of("miit-sme-2024/基础/设备数字化率", rate("digital_rate"), "/rates/digital_rate"),
        of("miit-sme-2024/基础/设备联网率", rate("networked_rate"), "/rates/networked_rate"),
        of("miit-sme-2024/基础/数据自动采集", None, "/auto_collection"),
        of("gbt-23020/数字化设备联网率", rate("networked_of_digital"), "/rates/networked_of_digital"),
        of("gbt-23020/关键工序数控化率", rate("nc_rate"), "/rates/nc_rate"),
        of("设备上云率（自定义口径）", rate("clouded_rate"), "/rates/clouded_rate"),
        of("miit-sme-2024/经营/设备管理/OEE统计", site.oee.value, "/oee"),
        of("miit-sme-2024/经营/能耗管理/设备能耗", site.energy.electricity_kwh, "/energy"),
        Evidence {
            before: before.and_then(|it| it.pass_rate_month),
            ..of("miit-sme-2024/成效/月均产品合格率", site.quality.pass_rate_month, "/quality/pass_rate_month")
        },
        Evidence {
            before: before.and_then(|it| it.tce_per_revenue),
            ..of("miit-sme-2024/成效/单位营收综合能耗", site.energy.tce_per_revenue, "/energy/tce_per_revenue")
        },
    ]
}

fn egress(totals: &[Total], month: &str) -> EgressPart {
    let mut part = EgressPart::default();
    let mut by_sink: BTreeMap<&str, Target> = BTreeMap::new();
    for total in totals.iter().filter(|total| total.day.starts_with(month)) {
        part.not_logged += total.not_logged;
        if total.messages == 0 {
            continue;
        }
        let new = || Target { sink: total.sink.clone(), messages: 0, bytes: 0, samples: 0, classes: BTreeMap::new() };
        let target = by_sink.entry(&total.sink).or_insert_with(new);
        target.messages += total.messages;
        target.bytes += total.bytes;
        target.samples += total.samples;
        for graded in &total.graded {
            *target.classes.entry(format!("{} {}", graded.class, graded.level)).or_default() += graded.samples;
        }
    }
    part.targets = by_sink.into_values().collect();
    part
}

/// `hashes.txt` of these files: as `sha256sum` writes it, in the order of names.
pub fn hashes(files: &BTreeMap<String, Vec<u8>>) -> String {
    let listed = files.iter().filter(|(name, _)| !matches!(name.as_str(), HASHES | CHAIN));
    listed.map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(bytes)))).collect()
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// One of the files that make an archive is not there, or cannot be read.
    NotOurs(&'static str),
    /// A file has other bytes than were listed.
    Changed(String),
    /// A listed file is not there.
    Missing(String),
    /// A file is there that is not listed.
    Stranger(String),
    /// The chain does not fit the list, or the document.
    Chain,
}

/// Checks everything but the signature; what is found wrong, all of it.
pub fn check(files: &BTreeMap<String, Vec<u8>>) -> Result<Chain, Vec<Fault>> {
    let text = |name: &'static str| {
        let bytes = files.get(name).ok_or(Fault::NotOurs(name))?;
        std::str::from_utf8(bytes).map_err(|_| Fault::NotOurs(name))
    };
    let chain = text(CHAIN).and_then(|it| serde_json::from_str::<Chain>(it).map_err(|_| Fault::NotOurs(CHAIN)));
    let (chain, list) = match (chain, text(HASHES)) {
        (Ok(chain), Ok(list)) => (chain, list),
        (chain, list) => return Err([chain.err(), list.err()].into_iter().flatten().collect()),
    };
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for line in list.lines() {
        let Some((hash, name)) = line.split_once("  ") else {
            faults.push(Fault::NotOurs(HASHES));
            continue;
        };
        listed.insert(name);
        match files.get(name) {
            None => faults.push(Fault::Missing(name.to_owned())),
            Some(bytes) if hex(&sha256(bytes)) != hash => faults.push(Fault::Changed(name.to_owned())),
            Some(_) => {}
        }
    }
    let is_stranger = |name: &&String| !matches!(name.as_str(), HASHES | CHAIN) && !listed.contains(name.as_str());
    faults.extend(files.keys().filter(is_stranger).cloned().map(Fault::Stranger));
    let prev = files.get(ARCHIVE).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    let prev = prev.and_then(|document| document["prev"].as_str().map(str::to_owned));
    if chain.this != hex(&sha256(list.as_bytes())) || prev.as_deref() != Some(chain.prev.as_str()) {
        faults.push(Fault::Chain);
    }
    if faults.is_empty() { Ok(chain) } else { Err(faults) }
}
