//! One link of the agent alone: what its poller hands on, without recorder and journal. For faults on the wire.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use cloudward::config::Config;
use cloudward::model::{Batch, Reading};
use cloudward::source::listener::Seat;
use cloudward::source::poller::Place;
use cloudward::source::{Heard, Outlet};
use cloudward::source::{LinkStatus, Poller};

/// What a link hears.
pub struct Link {
    pub heard: mpsc::Receiver<Heard>,
    pub status: watch::Receiver<LinkStatus>,
    pub stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    /// Where what it learns is kept, if the test does not care.
    _state_dir: Option<tempfile::TempDir>,
}

/// A workshop around links and devices.
pub fn workshop(links_and_devices: &str) -> Config {
    let text = format!("[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n{links_and_devices}");
    Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"))
}

impl Link {
    /// The first link of a workshop.
    pub fn of(config: &Config) -> Link {
        Link::with_seat(config, None)
    }

    /// The same with a seat for units that dial in.
    pub fn with_seat(config: &Config, seat: Option<Seat>) -> Link {
        let state_dir = super::temp_dir();
        let link = Link::with(config, seat, state_dir.path().to_owned());
        Link { _state_dir: Some(state_dir), ..link }
    }

    /// The same with a place for what is learned.
    pub fn with(config: &Config, seat: Option<Seat>, state_dir: PathBuf) -> Link {
        let (sender, heard) = mpsc::channel(10_000);
        let outlet = Outlet::new(sender, Arc::default(), std::thread::current(), usize::MAX);
        let (status, seen) = watch::channel(LinkStatus::default());
        let (stop, stopped) = watch::channel(false);
        let place = Place { outlet, started: Instant::now(), status, seat, state_dir };
        let poller = Poller::new(config, config.links[0].clone(), place);
        Link { heard, status: seen, stop, task: tokio::spawn(poller.run(stopped)), _state_dir: None }
    }

    /// The next batches of a device.
    pub async fn batches(&mut self, device: &str, count: usize) -> Vec<Batch> {
        let mut batches = Vec::new();
        while batches.len() < count {
            match tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await {
                Ok(Some(Heard::Batch(batch))) if &*batch.group.device == device => batches.push(batch),
                Ok(Some(_)) => {}
                _ => panic!("only {} of {count} batches of {device} came", batches.len()),
            }
        }
        batches
    }

    /// Waits for readings that must come; a link that never brings them fails the test instead of hanging it.
    pub async fn until(&mut self, device: &str, expected: Vec<Reading>) {
        const PATIENCE: usize = 600; // batches of 50 ms
        let mut last = Vec::new();
        for _ in 0..PATIENCE {
            last = read(&self.batches(device, 1).await[0]);
            if last == expected {
                return;
            }
        }
        panic!("{expected:?} never came, only {last:?}");
    }

    /// Stops it, and waits until it has ended.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

/// The readings of each.
pub fn readings(batches: &[Batch]) -> Vec<Vec<Reading>> {
    batches.iter().map(read).collect()
}

/// The readings of a scan, which leaves no tag out.
pub fn read(batch: &Batch) -> Vec<Reading> {
    assert!(batch.readings.iter().all(Option::is_some), "a poll says something of each tag");
    batch.readings.iter().flatten().cloned().collect()
}
