//! What the budget of a sink means against the load that is configured. Pure; the load is an estimate, at most.

use super::SinkLoad;
use crate::config::{Sink, ping_bytes, wire_bytes};

/// Days of a month, on average.
const MONTH_DAYS: f64 = 365.25 / 12.0;

const DAY_S: f64 = 86_400.0;

/// Load and budget of a sink, side by side.
pub(in crate::cli) struct BudgetOutlook {
    /// Messages a second, over the day.
    pub(in crate::cli) messages_per_s: f64,
    /// Over the day, with what TCP and TLS add.
    pub(in crate::cli) kbit_per_s: f64,
    /// The same a month, with what keeps the connection up.
    pub(in crate::cli) bytes_per_month: f64,
    /// Of it: what keeps the connection up.
    pub(in crate::cli) standing_per_month: f64,
    /// Hours of a day in which it may send.
    pub(in crate::cli) open_hours: f64,
    /// How many times the budget carries the load, and the limit that decides; `None`: there is no load.
    pub(in crate::cli) carries: Option<(f64, &'static str)>,
    /// The same of its rates alone; `None`: there are none. A month's bytes are the same be they sent at once or later.
    pub(in crate::cli) rates_carry: Option<f64>,
}

/// `None` without a budget.
pub(in crate::cli) fn budget_outlook(sink: &Sink, load: &SinkLoad) -> Option<BudgetOutlook> {
    if sink.budget.is_none() {
        return None;
    }
    let messages = load.messages_per_day;
    let bytes = if messages > 0.0 {
        // Topic and payload are in the load already.
        let average = (load.bytes_per_day / messages).ceil() as usize;
        messages * wire_bytes(0, average, &sink.security) as f64
    } else {
        0.0
    };
    let pings = DAY_S / sink.keep_alive.as_secs_f64() * ping_bytes(&sink.security) as f64;
    let open = f64::from(sink.budget.open_minutes()) / 1_440.0;
    let month = sink.budget.bytes_per_month.map(|limit| (limit as f64 / MONTH_DAYS - pings).max(0.0) / bytes);
    let bits = sink.budget.bits_per_s.map(|bits| bits as f64 / 8.0 * DAY_S * open / bytes);
    let rate = sink.budget.messages_per_1000_s.map(|n| n as f64 / 1_000.0 * DAY_S * open / messages);
    let rates_carry = bits.into_iter().chain(rate).min_by(f64::total_cmp).filter(|_| messages > 0.0);
    let limits = [(month, "mb_per_month"), (bits, "kbit_per_s"), (rate, "messages_per_s")];
    let limits = limits.into_iter().filter_map(|(times, key)| Some((times?, key)));
    let carries = limits.min_by(|a, b| a.0.total_cmp(&b.0)).or(Some((f64::INFINITY, "hours")));
    Some(BudgetOutlook {
        messages_per_s: messages / DAY_S,
        kbit_per_s: bytes * 8.0 / 1_000.0 / DAY_S,
        bytes_per_month: (bytes + pings) * MONTH_DAYS,
        standing_per_month: pings * MONTH_DAYS,
        open_hours: 24.0 * open,
        carries: carries.filter(|_| messages > 0.0),
        rates_carry,
    })
}

impl BudgetOutlook {
    /// Hours a day that it carries the load.
    pub(in crate::cli) fn lasts_hours(&self) -> f64 {
        24.0 * self.carries.map_or(1.0, |(times, _)| times.min(1.0))
    }

    /// Hours that it takes to make up for an outage of one hour; `None`: it never does, or nothing limits it.
    pub(in crate::cli) fn catches_up_in(&self) -> Option<f64> {
        self.rates_carry.filter(|times| *times > 1.0).map(|times| 1.0 / (times - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn outlook(budget: &str) -> Option<BudgetOutlook> {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[device]]\nid = \"m\"\n[[sink]]\nname = \"s\"\n\
             mqtt = \"mqtts://b\"\nsend = [\"m\"]\nkeep_alive = \"1m\"\n{budget}"
        );
        let config = Config::parse(&text).expect("the test writes valid files");
        // One message a second, of 300 bytes with its topic.
        let load = SinkLoad { tags: 1, messages_per_day: DAY_S, bytes_per_day: 300.0 * DAY_S };
        budget_outlook(&config.sinks[0], &load)
    }

    #[test]
    fn the_tightest_limit_decides_how_much_of_the_load_is_carried() {
        assert!(outlook("").is_none());
        let of = |budget: &str| outlook(&format!("budget = {{ {budget} }}")).unwrap();
        let on_the_wire = wire_bytes(0, 300, &crate::config::Security::Tls { ca_file: None, client: None }) as f64;
        let bits = of("kbit_per_s = 8");
        assert_eq!(bits.carries, Some((1_000.0 / on_the_wire, "kbit_per_s")));
        assert_eq!((bits.messages_per_s, bits.kbit_per_s), (1.0, on_the_wire * 8.0 / 1_000.0));
        let month = of("kbit_per_s = 8, mb_per_month = 100");
        let (times, key) = month.carries.unwrap();
        assert_eq!(key, "mb_per_month");
        let needed = month.bytes_per_month - month.standing_per_month;
        assert!((times - (100e6 - month.standing_per_month) / needed).abs() < 1e-9);
        assert!((month.standing_per_month - 1_440.0 * 204.0 * MONTH_DAYS).abs() < 1.0);
        assert!((month.lasts_hours() - 24.0 * times).abs() < 1e-9);
        let hours = month.catches_up_in().unwrap();
        assert!((hours - 1.0 / (1_000.0 / on_the_wire - 1.0)).abs() < 1e-9, "by its rate: {hours}");
    }

    #[test]
    fn hours_take_their_share_and_what_is_left_makes_up_for_an_outage() {
        let outlook = outlook("budget = { messages_per_s = 6, hours = [\"22:00-06:00\"] }").unwrap();
        assert_eq!(outlook.open_hours, 8.0);
        let (times, key) = outlook.carries.unwrap();
        assert!((times - 2.0).abs() < 1e-9 && key == "messages_per_s");
        assert!((outlook.catches_up_in().unwrap() - 1.0).abs() < 1e-9);
        assert_eq!(outlook.lasts_hours(), 24.0);
    }
}
