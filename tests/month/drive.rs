//! What was heard goes through an engine, and cells come out: scan by scan as a quiet agent hands them over, or torn, delayed
//! and with restarts in between.

use std::sync::Arc;

use cloudward::indicator::{Cell, Engine, News, Plan};
use cloudward::model::{Batch, Timestamp};

use crate::plant::{DAY, Dice, Heard};

/// What came out.
#[derive(Default)]
pub struct Outcome {
    pub cells: Vec<Cell>,
    pub clock_steps: usize,
    pub late: usize,
    pub restarts: usize,
}

struct Driver {
    plan: Arc<Plan>,
    engine: Engine,
    outcome: Outcome,
    /// The largest time of its start so far.
    now: i64,
}

impl Driver {
    fn new(plan: Arc<Plan>, first: &Heard) -> Driver {
        let mut engine = Engine::new(plan.clone());
        engine.boot(first.boot);
        Driver { plan, engine, outcome: Outcome::default(), now: first.batch.at.0 }
    }

    fn keep(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Cell(cell) => self.outcome.cells.push(*cell),
                News::ClockStep { .. } => self.outcome.clock_steps += 1,
                News::Late { .. } => self.outcome.late += 1,
                _ => {}
            }
        }
    }

    fn step(&mut self, batch: &Batch) {
        let news = self.engine.step(batch, Timestamp(self.now));
        self.keep(news);
    }

    fn tick(&mut self) {
        let news = self.engine.tick(Timestamp(self.now));
        self.keep(news);
    }

    /// The agent is stopped and started, or killed right after a commit.
    fn restart(&mut self) {
        let snapshot = self.engine.snapshot();
        self.engine = Engine::restore(self.plan.clone(), &snapshot).expect("its own snapshot can be read");
        self.outcome.restarts += 1;
    }

    fn finish(mut self) -> Outcome {
        self.now += 2 * DAY;
        self.tick();
        self.outcome.cells.sort_by_key(|cell| cell.start);
        self.outcome
    }
}

/// Scan by scan, with the restarts that there were.
pub fn plainly(plan: &Arc<Plan>, heard: &[Heard]) -> Outcome {
    let mut driver = Driver::new(plan.clone(), &heard[0]);
    let mut boot = heard[0].boot;
    for one in heard {
        if one.boot != boot {
            boot = one.boot;
            driver.restart();
            driver.engine.boot(boot);
        }
        driver.now = one.batch.at.0;
        driver.step(&one.batch);
    }
    driver.finish()
}

/// The same in other pieces: scans torn in two, one group behind the other, ticks and snapshots in between.
pub fn torn(plan: &Arc<Plan>, heard: &[Heard], dice: &mut Dice) -> Outcome {
    let mut driver = Driver::new(plan.clone(), &heard[0]);
    let mut boot = heard[0].boot;
    let mut delayed: Vec<Batch> = Vec::new();
    let (mut last, mut ahead) = (heard[0].batch.at.0, ahead(&heard[0].batch));
    for one in heard {
        let batch = &one.batch;
        let is_new_boot = one.boot != boot;
        // Nothing is on the way while the agent is started, and here nothing while its clock is set.
        if is_new_boot || (self::ahead(batch) - ahead).abs() > 1 {
            driver.now = last;
            delayed.drain(..).for_each(|batch| driver.step(&batch));
        }
        if is_new_boot {
            boot = one.boot;
            driver.restart();
            driver.engine.boot(boot);
        } else if dice.falls(2) {
            driver.restart();
        }
        (last, ahead) = (batch.at.0, self::ahead(batch));
        driver.now = last;
        if dice.falls(20) {
            driver.tick();
        }
        let is_own = batch.group.device == driver.plan.device;
        if !is_own && dice.falls(300) || delayed.iter().any(|it| it.group.id == batch.group.id) {
            delayed.push(batch.clone());
        } else {
            tear(batch, dice).iter().for_each(|part| driver.step(part));
        }
        let due = |it: &Batch| it.at.0 + 20_000 < last || dice.falls(200);
        if delayed.first().is_some_and(due) {
            delayed.drain(..).for_each(|batch| driver.step(&batch));
        }
    }
    delayed.drain(..).for_each(|batch| driver.step(&batch));
    driver.finish()
}

fn ahead(batch: &Batch) -> i64 {
    batch.at.0 - i64::try_from(batch.mono_ms).unwrap()
}

/// A scan in one piece or two.
fn tear(batch: &Batch, dice: &mut Dice) -> Vec<Batch> {
    if !dice.falls(200) {
        return vec![batch.clone()];
    }
    let (mut first, mut second) = (batch.clone(), batch.clone());
    for (tag, (a, b)) in batch.group.tags.iter().zip(first.readings.iter_mut().zip(&mut second.readings)) {
        // What says how to count comes first.
        let is_first = matches!(&*tag.name, "product" | "cav") || dice.falls(500);
        *(if is_first { b } else { a }) = None;
    }
    vec![first, second]
}
