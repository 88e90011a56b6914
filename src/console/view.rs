//! View: what is shown at one moment, and its words in both languages. Pure.
//!
//! Rule: columns are aligned by display width (a Chinese character is two columns wide), never by bytes or characters.

use std::time::Duration;

use indicatif::HumanCount;
use unicode_width::UnicodeWidthStr;

use crate::model::Lang;

/// One moment of a demo.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The machines, always in the same order.
    pub machines: Vec<MachineLine>,
    /// Records in the journal that the broker has not acknowledged.
    pub waiting_records: u64,
    /// Samples in them.
    pub waiting_samples: u64,
    /// How many waiting samples fill the bar: what the planned outage will pile up.
    pub waiting_full: u64,
    /// Messages that the broker has acknowledged.
    pub acked: u64,
    /// Whether the sink is connected.
    pub connected: bool,
    /// Whether the demo has taken the broker away.
    pub outage: bool,
    /// Time since the start.
    pub elapsed: Duration,
    /// How long the demo takes.
    pub total: Duration,
}

/// One machine at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineLine {
    /// The device id.
    pub id: String,
    /// What it does.
    pub state: MachineState,
    /// Cycles or strokes; `None` where the machine counts none.
    pub cycles: Option<u64>,
    /// A telling figure and its unit.
    pub figure: Option<(f64, &'static str)>,
    /// Samples that arrive per second.
    pub samples_per_s: f64,
}

/// What a machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineState {
    /// Producing.
    Run,
    /// Waiting for somebody.
    Idle,
    /// Stopped by an alarm.
    Fault,
    /// Nobody knows.
    Unknown,
}

impl MachineState {
    /// The word, as short as a lamp.
    pub fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (MachineState::Run, Lang::En) => "run",
            (MachineState::Idle, Lang::En) => "idle",
            (MachineState::Fault, Lang::En) => "fault",
            (MachineState::Unknown, Lang::En) => "unknown",
            (MachineState::Run, Lang::Zh) => "运行",
            (MachineState::Idle, Lang::Zh) => "待机",
            (MachineState::Fault, Lang::Zh) => "故障",
            (MachineState::Unknown, Lang::Zh) => "未知",
        }
    }
}

impl MachineLine {
    /// Everything but the state, in columns.
    pub fn text(&self, lang: Lang) -> String {
        let cycles = match (self.cycles, lang) {
            (None, _) => String::new(),
            (Some(n), Lang::En) => format!("{} cycles", HumanCount(n)),
            (Some(n), Lang::Zh) => format!("{} 次", HumanCount(n)),
        };
        let figure = self.figure.map(|(value, unit)| format!("{value:.1} {unit}")).unwrap_or_default();
        let rate = match lang {
            Lang::En => format!("{:.1} samples/s", self.samples_per_s),
            Lang::Zh => format!("{:.1} 点/秒", self.samples_per_s),
        };
        format!(
            "{} {} {} {}",
            right_pad(&self.id, 10),
            left_pad(&cycles, 14),
            left_pad(&figure, 11),
            left_pad(&rate, 16)
        )
    }
}

impl View {
    /// Seconds that are left, rounded up.
    pub fn seconds_left(&self) -> u64 {
        self.total.saturating_sub(self.elapsed).as_millis().div_ceil(1000) as u64
    }

    /// What waits in the journal.
    pub fn journal_text(&self, lang: Lang) -> String {
        let (samples, records) = (HumanCount(self.waiting_samples), HumanCount(self.waiting_records));
        match lang {
            Lang::En => format!("{samples} samples waiting in {records} records"),
            Lang::Zh => format!("待发 {samples} 个样本（{records} 条记录）"),
        }
    }

    /// Whether the broker is there.
    pub fn broker_word(&self, lang: Lang) -> &'static str {
        match (self.outage, self.connected, lang) {
            (true, _, Lang::En) => "taken away",
            (false, true, Lang::En) => "connected",
            (false, false, Lang::En) => "not connected",
            (true, _, Lang::Zh) => "已断网（演示）",
            (false, true, Lang::Zh) => "已连接",
            (false, false, Lang::Zh) => "未连接",
        }
    }

    /// What the broker has acknowledged.
    pub fn acked_text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => format!("{} messages acknowledged", HumanCount(self.acked)),
            Lang::Zh => format!("已确认 {} 条消息", HumanCount(self.acked)),
        }
    }

    /// How much is left.
    pub fn left_text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => format!("{} s left", self.seconds_left()),
            Lang::Zh => format!("剩余 {} 秒", self.seconds_left()),
        }
    }

    /// The whole moment in one line, for files and pipes.
    pub fn line(&self, lang: Lang) -> String {
        let mut parts = vec![format!("[{:6.1} s]", self.elapsed.as_secs_f64())];
        for machine in &self.machines {
            let mut part = format!("{} {}", machine.id, machine.state.word(lang));
            if let Some(cycles) = machine.cycles {
                part.push_str(&format!(" {}", HumanCount(cycles)));
            }
            if let Some((value, unit)) = machine.figure {
                part.push_str(&format!(" {value:.1} {unit}"));
            }
            parts.push(part);
        }
        let broker = match lang {
            Lang::En => format!("broker {}, {}", self.broker_word(lang), self.acked_text(lang)),
            Lang::Zh => format!("MQTT 服务器{}，{}", self.broker_word(lang), self.acked_text(lang)),
        };
        parts.extend([self.journal_text(lang), broker]);
        parts.join(" | ")
    }
}

/// Filled up with blanks on the right to this many columns.
pub fn right_pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// Filled up with blanks on the left.
pub fn left_pad(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(text.width())))
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    pub fn view() -> View {
        let line = |id: &str, state, cycles, figure, samples_per_s| MachineLine {
            id: id.into(),
            state,
            cycles,
            figure,
            samples_per_s,
        };
        View {
            machines: vec![
                line("imm-01", MachineState::Run, Some(1_284), Some((209.94, "°C")), 36.0),
                line("meter-01", MachineState::Fault, None, Some((2.6, "kW")), 11.0),
            ],
            waiting_records: 12,
            waiting_samples: 1_560,
            waiting_full: 4_000,
            acked: 87,
            connected: false,
            outage: true,
            elapsed: Duration::from_millis(12_300),
            total: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::view;
    use super::*;

    #[test]
    fn columns_stand_under_each_other_in_both_languages() {
        for lang in [Lang::En, Lang::Zh] {
            let lines: Vec<String> = view().machines.iter().map(|machine| machine.text(lang)).collect();
            assert_eq!(lines[0].width(), lines[1].width(), "{lines:#?}");
            let unit_ends_at = |line: &str, unit: &str| line[..line.find(unit).expect("shown") + unit.len()].width();
            assert_eq!(unit_ends_at(&lines[0], "°C"), unit_ends_at(&lines[1], "kW"), "{lines:#?}");
        }
        assert_eq!(view().machines[0].text(Lang::Zh), "imm-01           1,284 次    209.9 °C       36.0 点/秒");
    }

    #[test]
    fn one_line_says_it_all() {
        assert_eq!(
            view().line(Lang::En),
            "[  12.3 s] | imm-01 run 1,284 209.9 °C | meter-01 fault 2.6 kW | 1,560 samples waiting in 12 records | \
             broker taken away, 87 messages acknowledged"
        );
        assert_eq!(
            view().line(Lang::Zh),
            "[  12.3 s] | imm-01 运行 1,284 209.9 °C | meter-01 故障 2.6 kW | 待发 1,560 个样本（12 条记录） | \
             MQTT 服务器已断网（演示），已确认 87 条消息"
        );
    }

    #[test]
    fn seconds_left_are_rounded_up_and_never_negative() {
        for (elapsed_ms, left) in [(0, 30), (1, 30), (29_001, 1), (30_000, 0), (31_000, 0)] {
            let view = View { elapsed: Duration::from_millis(elapsed_ms), ..view() };
            assert_eq!(view.seconds_left(), left, "after {elapsed_ms} ms");
        }
    }

    #[test]
    fn the_broker_is_away_connected_or_not_connected() {
        for (outage, connected, word) in [
            (true, true, "taken away"),
            (true, false, "taken away"),
            (false, true, "connected"),
            (false, false, "not connected"),
        ] {
            assert_eq!(View { outage, connected, ..view() }.broker_word(Lang::En), word);
        }
    }
}
