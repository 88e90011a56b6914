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
    /// Single values in them.
    pub values: u64,
    /// Messages that arrived more than once.
    pub duplicates: u64,
    /// Scans that never arrived.
    pub lost: u64,
    /// How long the broker was away.
    pub outage: Duration,
    /// The most samples that ever waited in the journal.
    pub deepest_samples: u64,
}

/// What the account comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No machine was read.
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
            Summary { handed_out: 0, .. } => Verdict::NothingRead,
            Summary { deepest_samples: 0, .. } => Verdict::KeptUntested,
            Summary { outage, .. } if outage.is_zero() => Verdict::KeptUntested,
            _ => Verdict::Kept,
        }
    }

    /// The account in full: one line per figure, a blank one, and the verdict; each line ends with a newline.
    pub fn text(&self, lang: Lang) -> String {
        let seconds = format!("{:.1}", self.outage.as_secs_f64());
        let rows = match lang {
            Lang::En => [
                ("scans the machines handed out", HumanCount(self.handed_out).to_string(), ""),
                ("scans that arrived", HumanCount(self.arrived).to_string(), ""),
                ("values in them", HumanCount(self.values).to_string(), ""),
                ("messages that came twice (same id)", HumanCount(self.duplicates).to_string(), ""),
                ("scans lost", HumanCount(self.lost).to_string(), ""),
                ("the broker was away for", seconds.clone(), " s"),
                ("samples in the journal at most", HumanCount(self.deepest_samples).to_string(), ""),
            ],
            Lang::Zh => [
                ("应采样次数", HumanCount(self.handed_out).to_string(), " 次"),
                ("已送达次数", HumanCount(self.arrived).to_string(), " 次"),
                ("其中的测点值", HumanCount(self.values).to_string(), " 个"),
                ("重复消息（编号相同，已去重）", HumanCount(self.duplicates).to_string(), " 条"),
                ("丢失次数", HumanCount(self.lost).to_string(), " 次"),
                ("断网时长", seconds.clone(), " 秒"),
                ("本地缓存最多积压", HumanCount(self.deepest_samples).to_string(), " 个样本"),
            ],
        };
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
            (Verdict::NothingRead, Lang::En) => "Nothing was read: the account proves nothing.".into(),
            (Verdict::NothingRead, Lang::Zh) => "没有采到任何数据，本次结果不能说明问题。".into(),
            (Verdict::Lost, Lang::En) => format!("{lost} scans were lost: this is a bug; please report it."),
            (Verdict::Lost, Lang::Zh) => format!("丢失 {lost} 次采样：这是程序缺陷，请反馈给我们。"),
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
  values in them                      21,604
  messages that came twice (same id)       2
  scans lost                               0
  the broker was away for               10.0 s
  samples in the journal at most       4,120

The broker was away for 10.0 s, and nothing was lost.
"
        );
        let chinese = GOOD.text(Lang::Zh);
        let columns: Vec<usize> =
            chinese.lines().take(7).map(|line| line[..line.rfind(' ').expect("a unit")].width()).collect();
        assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{chinese}");
        assert!(chinese.ends_with("断网 10.0 秒，数据一条不丢。\n"), "{chinese}");
    }
}
