//! A line that says how far something has come: it redraws itself on a terminal; elsewhere it comes now and then.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::plain;

/// The line, on standard error.
pub(super) struct Progress {
    is_terminal: bool,
    drawn: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { is_terminal: std::io::stderr().is_terminal(), drawn: None }
    }

    /// Draws the line, unless it was drawn just now.
    pub(super) fn show(&mut self, line: impl FnOnce() -> String) {
        let often = if self.is_terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < often) {
            return;
        }
        // Off a terminal the first line comes when it has taken a while.
        if self.drawn.replace(Instant::now()).is_none() && !self.is_terminal {
            return;
        }
        let line = plain(line());
        let (before, after) = if self.is_terminal { ("\r\x1b[2K", "") } else { ("", "\n") };
        write!(std::io::stderr(), "{before}{line}{after}").ok(); // a closed pipe: nobody reads it
    }

    pub(super) fn clear(&self) {
        if self.is_terminal {
            write!(std::io::stderr(), "\r\x1b[2K").ok(); // as above
        }
    }
}

/// `[######--------------]` for a share from 0 to 1.
pub(super) fn bar(share: f64) -> String {
    const WIDTH: usize = 20;
    let full = (share.clamp(0.0, 1.0) * WIDTH as f64) as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_has_always_the_same_width() {
        for (share, expected) in [(0.0, 0), (0.5, 10), (1.0, 20), (7.0, 20), (f64::NAN, 0)] {
            let bar = bar(share);
            assert_eq!((bar.len(), bar.matches('#').count()), (22, expected), "{bar}");
        }
    }
}
