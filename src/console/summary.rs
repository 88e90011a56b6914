//! Summary: the account at the end of a demo. Pure.
//!
//! Rule: it says "nothing was lost" only if something was handed out, and it names the outage only if something waited
//! through it: a demo that proved nothing must not sound like one that did.

use std::time::Duration;

use indicatif::HumanCount;
use unicode_width::UnicodeWidthStr;

use super::view::{left_pad, right_pad};
use crate::model::Lang;

/// The account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Scans that the machines handed out.
    pub handed_out: u64,
    /// Scans that arrived, each counted once.
    pub arrived: u64,
    /// Changes that a machine told by itself, and those that arrived; `None`: no machine does that.
    pub changes: Option<(u64, u64)>,
    /// Machines that handed out nothing.
    pub unread: u64,
    /// Single values in all of them.
    pub values: u64,
    /// Messages that arrived more than once.
    pub duplicates: u64,
    /// Scans and changes that never arrived.
    pub lost: u64,
    /// How long the broker was away.
    pub outage: Duration,
    /// The most samples that ever waited in the journal.
    pub deepest_samples: u64,
}

/// What the account comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A machine was never read.
    NothingRead,
    /// Something never arrived.
    Lost,
    /// All arrived, but nothing ever had to wait.
    KeptUntested,
    /// All arrived, through an outage.
    Kept,
}

impl Summary {
    /// What the account comes to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Summary { lost: 1.., .. } => Verdict::Lost,
            Summary { handed_out: 0, .. } | Summary { unread: 1.., .. } => Verdict::NothingRead,
            Summary { deepest_samples: 0, .. } => Verdict::KeptUntested,
            Summary { outage, .. } if outage.is_zero() => Verdict::KeptUntested,
            _ => Verdict::Kept,
        }
    }

    /// The account in full: one line per figure, a blank one, and the verdict; each line ends with a newline.
    pub fn text(&self, lang: Lang) -> String {
        let seconds = format!("{:.1}", self.outage.as_secs_f64());
        let count = |number: u64| HumanCount(number).to_string();
        let (made, came) = self.changes.unwrap_or_default();
        let mut rows = match lang {
            Lang::En => vec![
                ("scans the machines handed out", count(self.handed_out), ""),
                ("scans that arrived", count(self.arrived), ""),
                ("changes the OPC UA machine told", count(made), ""),
                ("changes that arrived", count(came), ""),
                ("values in them", count(self.values), ""),
                ("messages that came twice (same id)", count(self.duplicates), ""),
                ("scans and changes lost", count(self.lost), ""),
                ("the broker was away for", seconds.clone(), " s"),
                ("samples in the journal at most", count(self.deepest_samples), ""),
            ],
            Lang::Zh => vec![
                ("应采样次数", count(self.handed_out), " 次"),
                ("已送达次数", count(self.arrived), " 次"),
                ("OPC UA 设备上报变化", count(made), " 次"),
                ("已送达变化", count(came), " 次"),
                ("其中的测点值", count(self.values), " 个"),
                ("重复消息（编号相同，已去重）", count(self.duplicates), " 条"),
                ("丢失次数", count(self.lost), " 次"),
                ("断网时长", seconds.clone(), " 秒"),
                ("本地缓存最多积压", count(self.deepest_samples), " 个样本"),
            ],
        };
        if self.changes.is_none() {
            rows.drain(2..4);
        }
        let names = rows.iter().map(|(name, ..)| name.width()).max().unwrap_or(0);
        let figures = rows.iter().map(|(_, figure, _)| figure.width()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, figure, unit) in &rows {
            text.push_str(&format!("  {}  {}{unit}\n", right_pad(name, names), left_pad(figure, figures)));
        }
        text.push_str(&format!("\n{}\n", self.sentence(lang, &seconds)));
        text
    }

    fn sentence(&self, lang: Lang, seconds: &str) -> String {
        let lost = HumanCount(self.lost);
        match (self.verdict(), lang) {
            (Verdict::Kept, Lang::En) => format!("The broker was away for {seconds} s, and nothing was lost."),
            (Verdict::Kept, Lang::Zh) => format!("断网 {seconds} 秒，数据一条不丢。"),
            (Verdict::KeptUntested, Lang::En) => "Nothing was lost; but nothing ever had to wait either.".into(),
            (Verdict::KeptUntested, Lang::Zh) => "数据没有丢失；但本次没有数据经过断网缓存。".into(),
            (Verdict::NothingRead, Lang::En) => "A machine was never read: the account proves nothing.".into(),
            (Verdict::NothingRead, Lang::Zh) => "有设备没有采到任何数据，本次结果不能说明问题。".into(),
            (Verdict::Lost, Lang::En) => format!("{lost} scans or changes were lost: this is a bug; please report it."),
            (Verdict::Lost, Lang::Zh) => format!("丢失 {lost} 次数据：这是程序缺陷，请反馈给我们。"),
        }
    }
}

/// Prints the account; a reader that went away is ignored.
pub fn print(summary: &Summary, lang: Lang, out: &mut dyn std::io::Write) {
    write!(out, "\n{}", summary.text(lang)).and_then(|()| out.flush()).ok(); // nobody reads any more
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Summary = Summary {
        handed_out: 1_203,
        arrived: 1_203,
        changes: Some((118, 118)),
        unread: 0,
        values: 21_604,
        duplicates: 2,
        lost: 0,
        outage: Duration::from_millis(10_040),
        deepest_samples: 4_120,
    };

    #[test]
    fn a_demo_that_proved_nothing_does_not_sound_like_one_that_did() {
        for (summary, verdict) in [
            (GOOD, Verdict::Kept),
            (Summary { lost: 1, ..GOOD }, Verdict::Lost),
            (Summary { lost: 1, handed_out: 0, ..GOOD }, Verdict::Lost),
            (Summary { handed_out: 0, ..GOOD }, Verdict::NothingRead),
            (Summary { unread: 1, ..GOOD }, Verdict::NothingRead),
            (Summary { deepest_samples: 0, ..GOOD }, Verdict::KeptUntested),
            (Summary { outage: Duration::ZERO, ..GOOD }, Verdict::KeptUntested),
        ] {
            assert_eq!(summary.verdict(), verdict, "{summary:?}");
        }
    }

    #[test]
    fn the_account_is_aligned_and_ends_with_its_verdict() {
        assert_eq!(
            GOOD.text(Lang::En),
            "  scans the machines handed out        1,203
  scans that arrived                   1,203
  changes the OPC UA machine told        118
  changes that arrived                   118
  values in them                      21,604
  messages that came twice (same id)       2
  scans and changes lost                   0
  the broker was away for               10.0 s
  samples in the journal at most       4,120

The broker was away for 10.0 s, and nothing was lost.
"
        );
        let without = Summary { changes: None, ..GOOD }.text(Lang::En);
        assert!(!without.contains("OPC UA") && without.contains("scans that arrived"), "{without}");
        let chinese = GOOD.text(Lang::Zh);
        let columns: Vec<usize> =
            chinese.lines().take(9).map(|line| line[..line.rfind(' ').expect("a unit")].width()).collect();
        assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{chinese}");
        assert!(chinese.ends_with("断网 10.0 秒，数据一条不丢。\n"), "{chinese}");
    }
}
