//! What the tests of this room share: a machine from a configuration, its batches, and what came out of its engine.

use std::sync::Arc;
use std::time::Duration;

use super::{Cell, Engine, Figure, Interval, News, Period, Plan, formula};
use crate::config::Config;
use crate::model::{Batch, BootId, Group, Reading, Timestamp, Value, Why};

/// 2026-03-02T20:00:00+08:00.
pub(crate) const EIGHT_PM: i64 = 1_772_452_800_000;

pub(crate) const MINUTE: i64 = 60_000;

/// Head of a configuration with a device `m` whose further keys and tags are `device`, and whatever `more` says.
pub(crate) fn config(device: &str, more: &str) -> Config {
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
         [[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n{more}\n[[device]]\nid = \"m\"\nlink = \"l\"\n{device}\n"
    );
    Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// An engine, and what came out of it.
pub(crate) struct Bench {
    pub(crate) config: Config,
    pub(crate) engine: Engine,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) others: Vec<News>,
}

impl Bench {
    pub(crate) fn new(config: Config) -> Bench {
        let plan = Plan::of(&config, &config.devices[config.devices.len() - 1]).expect("it has tags");
        let mut engine = Engine::new(Arc::new(plan));
        engine.boot(BootId(1));
        Bench { config, engine, intervals: Vec::new(), cells: Vec::new(), others: Vec::new() }
    }

    /// The groups of the device, by their periods.
    pub(crate) fn groups(&self) -> Vec<Arc<Group>> {
        let device = &self.config.devices[self.config.devices.len() - 1];
        let group = |(every, tags): (Duration, Vec<&crate::config::Tag>)| {
            Arc::new(Group::new(device.id.clone(), every, tags.into_iter().map(crate::config::Tag::info).collect()))
        };
        device.by_period().into_iter().map(group).collect()
    }

    pub(crate) fn step(&mut self, batch: &Batch) {
        let news = self.engine.step(batch, batch.at);
        self.keep(news);
    }

    pub(crate) fn tick(&mut self, at: i64) {
        let news = self.engine.tick(Timestamp(at));
        self.keep(news);
    }

    fn keep(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Interval(interval) => self.intervals.push(interval),
                News::Cell(cell) => {
                    self.cells.retain(|known| known.start != cell.start);
                    self.cells.push(*cell);
                }
                News::State(_) => {}
                other => self.others.push(other),
            }
        }
    }

    /// A figure of a period as it is published, and its flags.
    #[track_caller]
    pub(crate) fn figure(&self, name: &str, period: &Period) -> Figure {
        formula::one(name, &period.gather(&self.cells)).unwrap_or_else(|| panic!("no figure {name}"))
    }

    /// Its value as it is printed.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, period: &Period) -> String {
        self.figure(name, period).value.map_or("null".to_owned(), |value| value.to_string())
    }
}

/// A batch: readings by the names of the group's tags; `None` is a bad one.
pub(crate) fn batch(group: &Arc<Group>, at: i64, readings: &[(&str, Option<Value>)]) -> Batch {
    let reading = |name: &str| {
        let found = readings.iter().find(|(known, _)| *known == name)?;
        Some(found.1.clone().map_or(Reading::Bad(Why::Timeout), Reading::Good))
    };
    let readings = group.tags.iter().map(|tag| reading(&tag.name)).collect();
    let mono_ms = u64::try_from(at - EIGHT_PM + 86_400_000).expect("tests are after 2026-03-01");
    Batch { group: group.clone(), at: Timestamp(at), mono_ms, due_ms: None, readings, stamps: None }
}
