//! The page of a workshop above its machines: figures of all together, the equipment ledger and its rates, uploads, before and after, a line for each
//! machine.

use super::super::document::{MachinePart, SiteReport};
use super::super::number::Num;
use super::super::{plot, shared};
use super::{Page, minute, number};
use crate::model::{Lang, State};

impl Page {
    pub(super) fn site(&mut self, site: &SiteReport) {
        let oee = self.percent(site.oee.value);
        let tiles = [
            ("OEE", oee),
            (self.pick("pass rate", "合格率"), self.percent(site.quality.pass_rate_month)),
            (self.pick("electricity, kWh", "用电量 kWh"), number(site.energy.electricity_kwh)),
            (self.pick("coal equivalent, tce", "综合能耗 tce"), number(site.energy.tce)),
            (self.pick("data coverage of PBT", "数据覆盖率（负荷时间）"), self.percent(site.coverage)),
        ];
        self.tiles(&tiles.map(|(label, value)| (label.to_owned(), value)));
        let text = match self.lang {
            Lang::En => format!(
                "OEE = Σ(PRI·GQ) / ΣPBT = {} h / {} h. Pass rate = {} / {} {}.",
                number(site.oee.good_prod_h),
                site.oee.pbt_h,
                site.quality.gq,
                site.quality.pq,
                site.quality.unit
            ),
            Lang::Zh => format!(
                "OEE = Σ(PRI·GQ) / ΣPBT = {} h / {} h；合格率 = {} / {} {}。",
                number(site.oee.good_prod_h),
                site.oee.pbt_h,
                site.quality.gq,
                site.quality.pq,
                site.quality.unit.replace("pcs", "件")
            ),
        };
        self.element("p", "note", &text);
        for (what, zh, excluded) in [
            ("Left out of OEE", "未计入 OEE 的设备", &site.oee.excluded),
            (
                "Left out of the pass rate (no count of good or bad pieces, or in another unit)",
                "未计入合格率的设备（不统计合格或不良，或计量单位不同）",
                &site.quality.excluded,
            ),
        ] {
            if !excluded.is_empty() {
                let reasons = excluded.iter().map(|it| self.reason(it)).collect::<Vec<_>>().join(self.pick("; ", "；"));
                let text = format!("{}{}{reasons}", self.pick(what, zh), self.pick(": ", "："));
                self.element("p", "", &text);
            }
        }
        self.ledger(site);
        self.uploads(site);
        self.before_and_after(site);
        self.machines(site);
        self.shared(site);
    }

    fn shared(&mut self, site: &SiteReport) {
        let html = shared::table(&site.shared_meters, self.lang);
        self.raw(&html);
    }

    fn reason(&self, text: &str) -> String {
        let words = [
            ("no planned time", "没有计划时间"),
            ("no state", "没有状态来源"),
            ("no count", "没有产量计数"),
            ("no good count", "没有合格计数"),
            ("no standard cycle", "没有标准节拍"),
            ("not connected", "未联网"),
            ("no data", "无数据"),
        ];
        match (self.lang, text.rsplit_once(": ")) {
            (Lang::Zh, Some((name, why))) => {
                let why = words.iter().find(|(en, _)| *en == why).map_or(why, |(_, zh)| zh);
                format!("{name}（{why}）")
            }
            _ => text.to_owned(),
        }
    }

    fn ledger(&mut self, site: &SiteReport) {
        let text = self.pick("Equipment ledger and rates", "设备台账与比率").to_owned();
        self.element("h3", "", &text);
        let head = [("rate", "指标"), ("machines", "台数"), ("of", "总数"), ("rate", "比率"), ("band", "档位")];
        self.table_head(&head.map(|(en, zh)| self.pick(en, zh).to_owned()), 1);
        for (name, en, zh) in [
            ("digital_rate", "L2 digital equipment (of all production equipment)", "L2 设备数字化率（占全部生产设备）"),
            (
                "networked_rate",
                "L3 networked equipment (of all production equipment)",
                "L3 设备联网率（占全部生产设备，工信厅企业〔2024〕56号）",
            ),
            (
                "networked_of_digital",
                "L3b networked of digital equipment (GB/T 23020)",
                "L3b 数字化设备联网率（GB/T 23020）",
            ),
            ("nc_rate", "L4 key processes under numerical control", "L4 关键工序数控化率"),
            (
                "clouded_rate",
                "L5 machines in the cloud: a sink acknowledged their data on 20 of 30 days (own definition)",
                "L5 设备上云率（30 个排班日中至少 20 天有数据被平台确认，自定义口径）",
            ),
        ] {
            let Some(rate) = site.rates.get(name) else { continue };
            let band = rate.band.map_or(String::new(), String::from);
            let cells = [
                self.pick(en, zh).to_owned(),
                rate.num.to_string(),
                rate.den.to_string(),
                self.percent(rate.value),
                band,
            ];
            self.table_row(&cells, 1, false);
        }
        self.raw("</tbody></table>\n");
        let auto: Vec<&str> = site.auto_collection.iter().filter(|(_, is)| **is).map(|(name, _)| *name).collect();
        let auto = if auto.is_empty() { "–".to_owned() } else { auto.join("、") };
        let text = match self.lang {
            Lang::En => format!(
                "Links of automatic collection with live tags (C6): {auto}. Bands are those of one item, and no level of the whole."
            ),
            Lang::Zh => format!("有自动采集数据的环节（C6）：{auto}。档位仅为单项指标的档位，不代表评定等级。"),
        };
        self.element("p", "note", &text);
    }

    fn uploads(&mut self, site: &SiteReport) {
        if site.upload.sinks.is_empty() {
            return;
        }
        let text = self.pick("Uploads", "数据上传").to_owned();
        self.element("h3", "", &text);
        let head = [
            ("sink", "去向"),
            ("records due", "应传记录"),
            ("acknowledged", "已确认"),
            ("given up", "放弃"),
            ("C4 completeness", "C4 上传完整率"),
            ("C5 p50, s", "C5 时延 p50（秒）"),
            ("C5 p95, s", "C5 时延 p95（秒）"),
        ];
        self.table_head(&head.map(|(en, zh)| self.pick(en, zh).to_owned()), 1);
        for sink in &site.upload.sinks {
            let cells = [
                sink.sink.clone(),
                sink.records_due.to_string(),
                sink.records_acked.to_string(),
                sink.records_given_up.to_string(),
                self.percent(sink.completeness),
                number(sink.delay_p50_s),
                number(sink.delay_p95_s),
            ];
            self.table_row(&cells, 1, false);
        }
        self.raw("</tbody></table>\n");
        let text = self.pick(
            "A record counts once for each sink that is to get it. The delay is from its oldest sample to the broker's acknowledgement, rounded up by at most a quarter.",
            "每条记录按应接收的去向各计一次。时延为记录中最早样本至服务器确认的时间，按分组上限取值，最多偏高四分之一。",
        );
        let text = text.to_owned();
        self.element("p", "note", &text);
    }

    fn before_and_after(&mut self, site: &SiteReport) {
        let Some(before) = &site.baseline else { return };
        let text = match self.lang {
            Lang::En => format!("Before and after (baseline {}, frozen {})", before.period, minute(&before.frozen_at)),
            Lang::Zh => format!("改造前后对比（基线 {}，冻结于 {}）", before.period, minute(&before.frozen_at)),
        };
        self.element("h3", "", &text);
        let head = [("figure", "指标"), ("before", "改造前"), ("now", "改造后"), ("difference", "变化")];
        self.table_head(&head.map(|(en, zh)| self.pick(en, zh).to_owned()), 1);
        let points = |it: Option<Num>| it.map_or("–".to_owned(), |it| format!("{:+.4} pp", it.get()));
        let plain = |it: Option<Num>| it.map_or("–".to_owned(), |it| format!("{:+}", it.get()));
        let rows = [
            [
                self.pick("X1 pass rate", "X1 月均合格率").to_owned(),
                self.percent(before.pass_rate_month),
                self.percent(site.quality.pass_rate_month),
                points(before.x1_pass_rate_pp),
            ],
            ["OEE".to_owned(), self.percent(before.oee), self.percent(site.oee.value), points(before.oee_pp)],
            [
                self.pick("kWh per good piece", "单位合格产品电耗 kWh").to_owned(),
                number(before.kwh_per_unit),
                number(site.energy.kwh_per_unit),
                plain(before.kwh_per_unit_change),
            ],
            [
                self.pick("X2 tce per 10 000 yuan of revenue", "X2 万元营收综合能耗 tce").to_owned(),
                number(before.tce_per_revenue),
                number(site.energy.tce_per_revenue),
                plain(before.x2_tce_per_revenue),
            ],
        ];
        rows.iter().for_each(|row| self.table_row(row, 1, false));
        self.raw("</tbody></table>\n");
        let text = self.pick(
            "Revenue is typed in by the enterprise, and not collected. A difference does not prove what caused it.",
            "营业收入由企业录入，不是自动采集。变化本身不能证明原因。",
        );
        let text = match self.lang {
            Lang::En => format!("{text} The figures before were signed by {}.", before.signed_by),
            Lang::Zh => format!("{text}改造前数据的签名指纹：{}。", before.signed_by),
        };
        self.element("p", "note", &text);
    }

    fn machines(&mut self, site: &SiteReport) {
        let text = self.pick("Machine by machine", "各设备").to_owned();
        self.element("h3", "", &text);
        let head = [
            ("machine", "设备"),
            ("A", "时间开动率"),
            ("E", "性能开动率"),
            ("Q", "合格品率"),
            ("OEE", "OEE"),
            ("pieces", "产量"),
            ("good", "合格"),
            ("kWh", "电耗 kWh"),
            ("coverage", "覆盖率"),
            ("flags", "标记"),
        ];
        self.table_head(&head.map(|(en, zh)| self.pick(en, zh).to_owned()), 1);
        for machine in &site.machines {
            let name =
                machine.name.as_deref().map_or(machine.device.clone(), |name| format!("{} {name}", machine.device));
            let flags = if machine.has_data {
                self.flags(&machine.flags)
            } else {
                self.pick("no data", "无数据").to_owned()
            };
            let cells = [
                name,
                self.percent(machine.availability),
                self.percent(machine.effectiveness),
                self.percent(machine.quality),
                self.percent(machine.oee),
                number(machine.pq),
                number(machine.gq),
                number(machine.kwh),
                self.percent(machine.coverage_pbt),
                flags,
            ];
            self.table_row(&cells, 1, true);
        }
        self.raw("</tbody></table>\n");
        let oee = |it: &MachinePart| {
            let oee = it.oee?;
            Some((it.device.clone(), oee.get(), oee.percent(2), plot::colour(State::Run)))
        };
        let rows: Vec<_> = site.machines.iter().filter_map(oee).collect();
        self.figure("OEE", &plot::bars(&rows, 1.0));
    }
}
