//! Live: draws the view. On a terminal it keeps one line per machine and repaints it; into a file or a pipe it writes a
//! plain line every two seconds. Each [`View`] is given to it: it never asks anybody for anything.
//!
//! It owns standard output while it lives. Rule: a reader that went away (`| head`) is no reason to stop or to complain.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::view::{MachineState, View, right_pad};
use crate::model::Lang;

/// A live view.
pub struct Live {
    lang: Lang,
    drawing: Drawing,
}

enum Drawing {
    Terminal(Bars),
    Plain { out: Box<dyn Write + Send>, next: Duration },
}

impl Live {
    /// A view of so many machines on standard output: lines that repaint themselves if it is a terminal, else plain ones.
    pub fn start(lang: Lang, machines: usize) -> Live {
        if std::io::stdout().is_terminal() {
            Live { lang, drawing: Drawing::Terminal(Bars::new(lang, machines, ProgressDrawTarget::stdout())) }
        } else {
            Live::plain(lang, Box::new(std::io::stdout()))
        }
    }

    /// Plain lines into anything.
    pub fn plain(lang: Lang, out: Box<dyn Write + Send>) -> Live {
        Live { lang, drawing: Drawing::Plain { out, next: Duration::ZERO } }
    }

    /// Shows this moment. Call it a few times per second; plain lines are written when one is due.
    pub fn show(&mut self, view: &View) {
        match &mut self.drawing {
            Drawing::Terminal(bars) => bars.show(self.lang, view),
            Drawing::Plain { out, next } => {
                if view.elapsed >= *next {
                    write_line(out, &view.line(self.lang));
                    *next = view.elapsed + PLAIN_EVERY;
                }
            }
        }
    }

    /// One line that stays: above the repainted ones, or between the plain ones.
    pub fn say(&mut self, text: &str) {
        match &mut self.drawing {
            Drawing::Terminal(bars) => {
                bars.all.println(text).ok(); // nobody watches any more
            }
            Drawing::Plain { out, .. } => write_line(out, text),
        }
    }

    /// Ends the view. On a terminal the last picture stays where it is.
    pub fn finish(self) {
        if let Drawing::Terminal(bars) = self.drawing {
            for bar in bars.machines.iter().chain([&bars.journal, &bars.broker, &bars.progress]) {
                bar.abandon();
            }
        }
    }
}

/// Two seconds: enough lines in a log to follow the outage, few enough to read.
const PLAIN_EVERY: Duration = Duration::from_secs(2);

fn write_line(out: &mut dyn Write, text: &str) {
    writeln!(out, "{text}").and_then(|()| out.flush()).ok(); // the reader may have gone away; the demo goes on
}

/// The lines on a terminal.
struct Bars {
    all: MultiProgress,
    machines: Vec<ProgressBar>,
    journal: ProgressBar,
    broker: ProgressBar,
    progress: ProgressBar,
    title_columns: usize,
}

impl Bars {
    fn new(lang: Lang, machines: usize, target: ProgressDrawTarget) -> Bars {
        let all = MultiProgress::with_draw_target(target);
        let line = || all.add(ProgressBar::new(1).with_style(style(PLAIN_LINE)));
        let machines = (0..machines).map(|_| line()).collect();
        let (journal, broker, progress) = (line(), line(), line());
        journal.set_style(style("{prefix:.bold} {bar:24.yellow} {wide_msg}"));
        progress.set_style(style("{prefix:.bold} {bar:24.cyan} {wide_msg} {spinner}"));
        let title_columns = 8;
        let (journal_title, broker_title, progress_title) = match lang {
            Lang::En => ("journal", "broker", "demo"),
            Lang::Zh => ("本地缓存", "服务器", "演示"),
        };
        for (bar, title) in [(&journal, journal_title), (&broker, broker_title), (&progress, progress_title)] {
            bar.set_prefix(right_pad(title, title_columns));
        }
        Bars { all, machines, journal, broker, progress, title_columns }
    }

    fn show(&self, lang: Lang, view: &View) {
        for (bar, machine) in self.machines.iter().zip(&view.machines) {
            bar.set_style(style(match machine.state {
                MachineState::Run => "{prefix:.green.bold} {wide_msg}",
                MachineState::Idle => "{prefix:.yellow.bold} {wide_msg}",
                MachineState::Fault => "{prefix:.red.bold} {wide_msg}",
                MachineState::Unknown => "{prefix:.dim} {wide_msg}",
            }));
            bar.set_prefix(right_pad(machine.state.word(lang), self.title_columns));
            bar.set_message(machine.text(lang));
        }
        self.journal.set_length(view.waiting_full.max(1));
        self.journal.set_position(view.waiting_samples.min(view.waiting_full.max(1)));
        self.journal.set_message(view.journal_text(lang));
        self.broker.set_style(style(match (view.outage, view.connected) {
            (false, true) => "{prefix:.bold} {msg:.green}",
            _ => "{prefix:.bold} {msg:.red}",
        }));
        self.broker.set_message(format!("{}   {}", right_pad(view.broker_word(lang), 14), view.acked_text(lang)));
        self.progress.set_length(millis(view.total).max(1));
        self.progress.set_position(millis(view.elapsed.min(view.total)));
        self.progress.set_message(view.left_text(lang));
        self.progress.tick();
    }
}

const PLAIN_LINE: &str = "{prefix:.bold} {wide_msg}";

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates stand in this file, and a test draws all of them")
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::super::view::samples::view;
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while writing").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct NobodyReads;

    impl Write for NobodyReads {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn plain_lines_come_every_two_seconds_and_what_is_said_at_once() {
        let paper = Paper::default();
        let mut live = Live::plain(Lang::En, Box::new(paper.clone()));
        for step in 0..=20 {
            live.show(&View { elapsed: Duration::from_millis(step * 250), ..view() });
        }
        live.say("the broker is back");
        live.finish();
        let text = String::from_utf8(paper.0.lock().expect("written").clone()).expect("UTF-8");
        let starts: Vec<&str> = text.lines().map(|line| line.split(" |").next().unwrap_or_default()).collect();
        assert_eq!(starts, ["[   0.0 s]", "[   2.0 s]", "[   4.0 s]", "the broker is back"]);
    }

    #[test]
    fn a_reader_that_went_away_is_ignored() {
        let mut live = Live::plain(Lang::Zh, Box::new(NobodyReads));
        live.show(&view());
        live.say("x");
        live.finish();
    }

    #[test]
    fn every_state_is_drawn_and_the_journal_fills_its_bar() {
        for lang in [Lang::En, Lang::Zh] {
            let bars = Bars::new(lang, 2, ProgressDrawTarget::hidden());
            for state in [MachineState::Run, MachineState::Idle, MachineState::Fault, MachineState::Unknown] {
                let mut view = view();
                view.machines[0].state = state;
                for outage in [true, false] {
                    bars.show(lang, &View { outage, connected: !outage, ..view.clone() });
                }
                assert_eq!(bars.machines[0].prefix().trim(), state.word(lang));
            }
            assert_eq!((bars.journal.position(), bars.journal.length()), (1_560, Some(4_000)));
            bars.show(lang, &View { waiting_samples: 9_999, waiting_full: 0, ..view() });
            assert_eq!((bars.journal.position(), bars.journal.length()), (1, Some(1)));
            assert_eq!(bars.progress.message(), view().left_text(lang));
        }
    }
}
