//! What `cloudward check` says of a sink's budget: load and limit side by side, and a warning where they do not fit.

use super::Report;
use crate::cli::outlook::{BudgetOutlook, SinkLoad, budget_outlook};
use crate::config::{Backlog, Sink};
use crate::model::time::show_bytes;

impl Report<'_> {
    pub(super) fn budget(&self, sink: &Sink, load: &SinkLoad) {
        if sink.backlog == Backlog::LiveFirst {
            self.say(
                "  after an outage: current data at once, history behind it".into(),
                "  断网恢复后：先发实时数据，随后补传历史".into(),
            );
        }
        let Some(outlook) = budget_outlook(sink, load) else { return };
        let BudgetOutlook {
            messages_per_s, kbit_per_s, bytes_per_month, standing_per_month, open_hours, carries, ..
        } = outlook;
        let (month, standing) = (show_bytes(bytes_per_month), show_bytes(standing_per_month));
        self.say(
            format!("  budget: the load needs {messages_per_s:.1} messages/s and {kbit_per_s:.1} kbit/s on average, {month} a month with TCP and TLS ({standing} of it to keep the connection up)"),
            format!("  限额：平均需要每秒 {messages_per_s:.1} 条消息、{kbit_per_s:.1} kbit/s，含 TCP 与 TLS 每月约 {month}（其中保持连接 {standing}）"),
        );
        if open_hours < 24.0 {
            self.say(
                format!("  it sends {open_hours:.1} hours a day; the rest waits in the journal"),
                format!("  每天发送 {open_hours:.1} 小时，其余时间数据留在日志库"),
            );
        }
        let Some((times, key)) = carries.filter(|(times, _)| times.is_finite()) else { return };
        if times <= 1.0 {
            let lasts = outlook.lasts_hours();
            return self.say(
                format!("  WARNING: {key} carries only {lasts:.1} hours of a day: raise it, or send less (longer periods, a deadband, fewer entries in send); what does not fit waits in the journal until that is full"),
                format!("  警告：按 {key} 每天只够发送 {lasts:.1} 小时的数据；请调大，或减少发送量（加长采集周期、设置死区、精简 send），超出部分留在日志库，存满后丢弃最旧的"),
            );
        }
        let catching_up = outlook.catches_up_in();
        let en = catching_up.map(|hours| format!(": an outage of one hour is made up for in {}", spoken(hours)));
        let zh = catching_up.map(|hours| format!("，断网一小时约需 {}补完", spoken_zh(hours)));
        self.say(
            format!("  {key} carries this load {times:.1} times{}", en.unwrap_or_default()),
            format!("  {key} 是此负载的 {times:.1} 倍{}", zh.unwrap_or_default()),
        );
    }
}

fn spoken(hours: f64) -> String {
    if hours < 1.0 { format!("{:.0} min", (hours * 60.0).ceil()) } else { format!("{hours:.1} hours") }
}

fn spoken_zh(hours: f64) -> String {
    if hours < 1.0 { format!("{:.0} 分钟", (hours * 60.0).ceil()) } else { format!("{hours:.1} 小时") }
}
