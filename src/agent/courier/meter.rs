//! Whether the budget lets something through now, and who is told when it does not for long.

use std::time::Instant;

use tracing::{info, warn};

use super::{Courier, wall};
use crate::config::ping_bytes;
use crate::model::time::show_bytes;
use crate::model::words::sink as words;
use crate::model::{Lang, Trouble};
use crate::sink::{Gate, Shut};

impl Courier {
    /// Whether a message may go; otherwise when to ask again. `can_wait`: it is history.
    pub(super) fn gate(&mut self, can_wait: bool) -> Result<(), Instant> {
        if self.sink.budget.is_none() {
            return Ok(()); // nobody looks at a clock
        }
        let now = Instant::now();
        let gate = self.budget.gate(can_wait, now, wall());
        self.on_gate(match gate {
            Gate::Shut(shut) => Some(shut),
            Gate::Open | Gate::Wait(_) => None,
        });
        match gate {
            Gate::Open => Ok(()),
            Gate::Wait(pause) => Err(now + pause),
            Gate::Shut(_) => Err(now + Shut::LOOK_AGAIN),
        }
    }

    /// Whether nothing may go for long.
    pub(super) fn is_shut(&mut self) -> bool {
        !self.sink.budget.is_none() && self.budget.shut(wall()).is_some()
    }

    /// The library pings by itself, once in each keep-alive time; on a metered line that is paid too.
    pub(super) fn count_pings(&mut self, counted: &mut Instant) {
        while counted.elapsed() >= self.sink.keep_alive {
            *counted += self.sink.keep_alive;
            self.budget.carry(ping_bytes(&self.sink.security), wall());
        }
    }

    /// Tells what is new, once.
    fn on_gate(&mut self, shut: Option<Shut>) {
        let before = std::mem::replace(&mut self.shut, shut);
        if before == shut {
            return;
        }
        let told = shut.map(|shut| self.why(shut));
        match &told {
            Some(trouble) => warn!(code = %trouble.code, sink = %self.sink.name, "{trouble}"),
            None => {
                let trouble = Trouble::new(words::BUDGET_OPEN).with("sink", &self.sink.name);
                info!(sink = %self.sink.name, "{}", trouble.what(Lang::current()));
            }
        }
        self.desk.status.send_modify(|status| status.paused = told);
    }

    fn why(&self, shut: Shut) -> Trouble {
        match shut {
            Shut::Hours { opens } => {
                let opens = format!("{:02}:{:02}", opens / 60, opens % 60);
                Trouble::new(words::NOT_THE_HOUR).with("sink", &self.sink.name).with("opens", opens)
            }
            Shut::Month { month } => {
                let limit = show_bytes(self.sink.budget.bytes_per_month.unwrap_or_default() as f64);
                let trouble = Trouble::new(words::MONTH_USED_UP).with("sink", &self.sink.name);
                trouble.with("limit", limit).with("month", month)
            }
        }
    }
}
