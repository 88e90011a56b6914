//! What people change of the figures while the agent runs: a stop that was planned, a baseline. The commands hand it over, the agent takes it in,
//! and it stays.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use cloudward::journal::{Look, Place};
use common::agent::{Agent, Ended, run_to_end};
use common::night::{EIGHT_PM, fill, workshop};
use common::{now_ms, temp_dir, wait_for};
use serde_json::{Value as Json, json};

const MINUTE: i64 = 60_000;

/// A workshop whose machine worked the night that ended some hours ago.
struct Site {
    dir: tempfile::TempDir,
    file: PathBuf,
    /// Milliseconds by which the night of the golden vectors was moved.
    moved: i64,
}

impl Site {
    fn new() -> Site {
        let dir = temp_dir();
        let file = workshop(dir.path(), &["m"]);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("[journal]", "[clock]\ntrust = \"always\"\n[journal]")).unwrap();
        const DAY: i64 = 86_400_000;
        let moved = (now_ms() - EIGHT_PM - 12 * 3_600_000).div_euclid(DAY) * DAY;
        fill(&file, &["m"], moved);
        Site { dir, file, moved }
    }

    fn start(&self) -> Agent {
        let mut agent = Agent::start(&self.file, self.dir.path());
        agent.wait_log(0, &["link `l`"]);
        agent
    }

    fn run(&self, args: &[&str]) -> Ended {
        run_to_end(&[args, &["--config", self.file.to_str().unwrap()]].concat())
    }

    /// A moment of that night, in minutes from its beginning, by the workshop's clock.
    fn shown(&self, minute: i64) -> String {
        let zone = cloudward::model::zone("Asia/Shanghai").unwrap();
        let at = jiff::Timestamp::from_millisecond(EIGHT_PM + self.moved + minute * MINUTE).unwrap();
        at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    fn period(&self) -> String {
        format!("{}/night", &self.shown(0)[..10])
    }

    fn report(&self, more: &[&str]) -> Ended {
        self.run(&[&["report", "--format", "json", "--period", &self.period()], more].concat())
    }

    /// Calls the half hour without material planned.
    fn reclassify(&self) -> Ended {
        let (from, to) = (self.shown(570), self.shown(600));
        let what = ["--as", "planned_stop", "--reason", "换模", "--by", "王工"];
        self.run(&[&["reclassify", "--device", "m", "--from", &from, "--to", &to], &what[..]].concat())
    }

    fn look(&self) -> Look {
        let dir = self.dir.path().join("state");
        Look::open(&dir, &Place::in_dir(&dir).unwrap()).unwrap()
    }

    /// What the audit trail says was done.
    fn audit(&self) -> Vec<String> {
        self.look().audit().unwrap().into_iter().map(|row| row.what).collect()
    }

    fn waiting(&self) -> usize {
        fs::read_dir(self.dir.path().join("state/wishes")).map_or(0, Iterator::count)
    }
}

#[track_caller]
fn json_of(ended: &Ended) -> Json {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

#[track_caller]
fn stop(mut agent: Agent) {
    agent.sigterm();
    assert!(agent.wait().success(), "{}", agent.log());
}

#[test]
fn a_running_agent_takes_in_that_a_stop_was_planned_and_it_stays_so() {
    let site = Site::new();
    let pbt = || json_of(&site.report(&["--device", "m"]))["time_min"]["pbt"].clone();
    assert_eq!(pbt(), json!(660));
    let agent = site.start();
    let done = site.reclassify();
    assert!(done.code == Some(0) && done.stdout.contains("running agent takes it in"), "{done:?}");
    wait_for("the planned stop in the report", || (pbt() == json!(630)).then_some(()));
    assert_eq!((site.audit(), site.waiting()), (vec!["reclassify".to_owned()], 0));
    let again = site.reclassify();
    assert!(again.code == Some(64) && again.stderr.contains("CW965"), "{again:?}");
    stop(agent);
    stop(site.start());
    let report = json_of(&site.report(&["--device", "m"]));
    assert_eq!((&report["time_min"]["pbt"], &report["revision"]), (&json!(630), &json!(1)));
    assert_eq!(report["oee"]["flags"], json!(["gap_parts", "reclassified"]));
    let row = &site.look().audit().unwrap()[0];
    let body: Json = serde_json::from_str(&row.body).unwrap();
    assert_eq!((&body["by"], &body["reason"], &body["device"]), (&json!("王工"), &json!("换模"), &json!("m")));
}

#[test]
fn a_baseline_is_handed_to_a_running_agent_once_and_one_that_was_changed_is_told() {
    let site = Site::new();
    let month = site.shown(0)[..7].to_owned();
    let night = site.period();
    let freeze = || site.run(&["baseline", "freeze", "--period", &night]);
    let early = site.run(&["baseline", "freeze", "--period", &month]);
    assert!(early.code == Some(73) && early.stderr.contains("CW979"), "late data may still change it: {early:?}");
    let agent = site.start();
    // Twice before the agent looks: the second one is refused by it, and the trail says so.
    let (first, second) = (freeze(), freeze());
    assert!(first.code == Some(0) && first.stdout.contains("running agent takes it in"), "{first:?}");
    let was_handed = second.code == Some(0);
    assert!(was_handed || second.stderr.contains("CW951"), "{second:?}");
    wait_for("the baseline", || (!site.audit().is_empty() && site.waiting() == 0).then_some(()));
    let expected: &[&str] = if was_handed { &["baseline", "refused"] } else { &["baseline"] };
    assert_eq!(site.audit(), expected);
    let third = freeze();
    assert!(third.code == Some(73) && third.stderr.contains("CW951"), "{third:?}");
    let report = json_of(&site.report(&[]));
    assert_eq!(report["baseline"]["pass_rate_month"], json!(0.974359), "{report:#}");
    stop(agent);

    let change = |from: &str, to: &str| tamper(&site.dir.path().join("state/journal.sqlite"), from, to);
    change("0.974359", "0.874359");
    for args in [&["report", "--period", &night][..], &["baseline", "freeze", "--period", &night]] {
        let told = site.run(args);
        assert!(told.code == Some(65) && told.stderr.contains("CW952"), "{args:?}: {told:?}");
    }
    change("0.874359", "0.974359");
    assert_eq!(site.report(&[]).code, Some(0), "it is what was signed again");
}

/// Changes the baseline in a journal that nobody holds.
fn tamper(journal: &Path, from: &str, to: &str) {
    let file = rusqlite::Connection::open(journal).unwrap();
    let changed = file.execute("UPDATE baselines SET body = replace(body, ?1, ?2)", [from, to]).unwrap();
    assert_eq!(changed, 1);
}
