//! The document of a small workshop, from what its parts might have said.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::watch;

use super::super::super::fresh::{DeviceGlance, TagGlance};
use super::super::super::recorder::{Health, Orders};
use super::super::super::tail::Tail;
use super::super::Origin;
use super::*;
use crate::config::{Config, Persist};
use crate::journal::{BytesView, Held, QuarantineView};
use crate::model::{BootId, Losses, TrustedBy, Why};
use crate::status::{ONE_SCREEN, open_metrics, page, wire};

const WORKSHOP: &str = r#"
[workshop]
enterprise = "e"
id = "w"
timezone = "UTC"
[[link]]
name = "plc"
modbus_tcp = "127.0.0.1:502"
[[device]]
id = "off"
link = "plc"
unit = 1
tags = [{ name = "a", address = "coil:0", type = "bool" }]
[[device]]
id = "on"
link = "plc"
unit = 2
tags = [{ name = "a", address = "coil:0", type = "bool" }]
[[sink]]
name = "cloud"
mqtt = "mqtts://b"
send = ["on"]
"#;

/// Since the start; whoever is patient for five minutes has been.
const UPTIME: Duration = Duration::from_secs(900);

/// Parts at work: the link is up, and one of both devices is on.
fn parts() -> (Roster, Household) {
    let config = Arc::new(Config::parse(WORKSHOP).unwrap());
    let mut seen = LinkStatus { state: Some(LinkState::Up), ..LinkStatus::default() };
    seen.online_until_ms.insert("on".into(), u64::MAX);
    let roster = Roster {
        links: vec![(config.links[0].clone(), watch::channel(seen).1)],
        sinks: vec![(
            config.sinks[0].clone(),
            watch::channel(Progress::default()).1,
            watch::channel(SinkStatus::default()).1,
        )],
        config,
        origin: Origin::default(),
        in_force: Instant::now(),
        max_size: 1_000_000,
    };
    let household = Household {
        state_dir: PathBuf::from("state"),
        boot: BootId(1),
        started: Instant::now(),
        orders: Orders::new(mpsc::channel().0, std::thread::current()),
        tail: watch::channel(Arc::new(Tail::default())).1,
        health: Arc::new(Health::default()),
        given_up: Arc::default(),
    };
    (roster, household)
}

fn glance() -> Glance {
    Glance {
        at: Timestamp(1_793_491_200_000),
        trusted_by: Some(TrustedBy::Ntp),
        persist: Persist::Always,
        is_held: false,
        refused: None,
        held: crate::journal::Status { data: Held::default(), events: Held::default(), bytes_on_disk: 4_096 },
        in_memory: (0, 0),
        losses: Arc::new([Losses::default(), Losses::default()]),
        tally: Tally::default(),
        devices: HashMap::new(),
        odd_tags: Vec::new(),
        machines: Vec::new(),
    }
}

fn looked(quarantine: &[u64]) -> Looked {
    let sink = || "cloud".to_owned();
    let of_sink = |records: &u64| QuarantineView { sink: sink(), records: *records, samples: 0, bytes: 0 };
    let overview = Overview {
        path: "journal".into(),
        agent_pid: None,
        streams: Vec::new(),
        bytes: BytesView { file: 0, wal: 0, used: 0, free: 0, data: 0, events: 0, quarantine: 0, other: 0 },
        max_size: 0,
        hours_left: None,
        sinks: Vec::new(),
        losses: Vec::new(),
        quarantine: quarantine.iter().map(of_sink).collect(),
        set_aside: Vec::new(),
        high_water: None,
    };
    Looked { overview: Some(overview), tallies: Some((Tally::default(), Tally::default())) }
}

fn told(glance: Option<Glance>, looked: Option<&Looked>) -> Status {
    let (roster, household) = parts();
    let now = household.started + UPTIME;
    status(&Said { roster: &roster, household: &household, glance, looked }, now)
}

#[test]
fn what_cannot_be_known_is_null_and_no_metric() {
    let known = told(Some(glance()), Some(&looked(&[])));
    let unknown = told(None, None);
    let journal = &unknown.journal;
    let counts = [journal.records, journal.samples, journal.memory_records, journal.memory_samples, journal.bytes];
    assert_eq!(counts, [None; 5]);
    assert_eq!((journal.losses_total, journal.quarantine_records, &journal.set_aside), (None, None, &None));
    assert_eq!((journal.is_held, journal.is_writable, unknown.bad_tags_total), (None, None, None));
    assert_eq!((&unknown.samples.since_start, unknown.sinks[0].in_quarantine), (&None, None));
    assert!(unknown.devices.iter().all(|device| device.bad_tags.is_none()));
    let codes: Vec<&str> = unknown.needs.iter().map(|need| need.code.as_str()).collect();
    assert_eq!(codes, ["CW846"], "of the rest nobody knows anything");
    let [known, unknown] = [known, unknown].map(|status| open_metrics(&Arc::new(status)));
    for name in [
        "samples_expected_total 0",
        "samples_good_total 0",
        "samples_uncertain_total 0",
        "samples_late_total 0",
        "samples_bad_total 0",
        "samples_lost_total 0",
        "journal_size_bytes 4096",
        "journal_records 0",
        "journal_memory_samples 0",
        "journal_writable 1",
        "journal_losses 0",
        "journal_files_set_aside 0",
        "device_bad_tags{device=\"on\"} 0",
        "sink_quarantine_records{sink=\"cloud\"} 0",
    ] {
        assert!(known.contains(&format!("cloudward_{name}")), "{name} is not in\n{known}");
        let name = name.split(['{', ' ']).next().unwrap_or_default();
        assert!(!unknown.contains(&format!("cloudward_{name}")), "{name} is in\n{unknown}");
    }
    assert!(unknown.contains("cloudward_recorder_answers 0") && unknown.contains("cloudward_samples_dropped_total 0"));
}

#[test]
fn where_the_file_cannot_be_looked_at_what_was_seen_last_stands() {
    let last = looked(&[3, 2]);
    let now = Looked::default().or_as_last_seen(Some(&last));
    assert!(now.tallies.is_none(), "the hour may be another one");
    for glance in [Some(glance()), None] {
        let status = told(glance, Some(&now));
        assert_eq!((status.journal.quarantine_records, status.sinks[0].in_quarantine), (Some(5), Some(3)));
        assert!(status.needs.iter().any(|need| need.code == "CW844"), "{:?}", status.needs);
    }
    let newer = looked(&[]).or_as_last_seen(Some(&last));
    assert_eq!(told(Some(glance()), Some(&newer)).journal.quarantine_records, Some(0));
    assert_eq!(Looked::default().or_as_last_seen(None).overview, None);
}

#[test]
fn a_machine_that_is_off_hides_no_bad_tag_of_another() {
    let odd = |device: &str, count: usize, why, for_ms| {
        let tag =
            move |n: usize| TagGlance { device: device.into(), tag: format!("t{n}").into(), why, is_bad: true, for_ms };
        (0..count).map(tag).collect::<Vec<_>>()
    };
    let mut glance = glance();
    glance.odd_tags = [odd("off", 120, Why::Timeout, 800_000), odd("on", 130, Why::IllegalAddress, 400_000)].concat();
    glance.devices = HashMap::from([
        ("off".into(), DeviceGlance { good_ago_ms: None, odd_tags: 120 }),
        ("on".into(), DeviceGlance { good_ago_ms: Some(100), odd_tags: 130 }),
    ]);
    let status = told(Some(glance), None);
    let need = status.needs.iter().find(|need| need.code == "CW838").expect("it is told");
    assert!(need.en.contains("device on") && need.en.contains("130"), "{}", need.en);
    assert_eq!(status.bad_tags_total, Some(250));
    let answer = wire::answer(&status);
    assert!(answer.bad_tags.len() == 100 && answer.bad_tags.iter().all(|tag| tag.device == "on"));
    assert_eq!(answer.omitted, 150);
    let text: String =
        page(&answer, crate::model::Lang::En, ONE_SCREEN).into_iter().map(|line| line.text + "\n").collect();
    assert!(text.contains("on.t0") && text.contains("... and 122 more"), "{text}");
}

#[test]
fn samples_that_were_given_up_stay_counted_when_their_sink_is_gone() {
    let (mut roster, household) = parts();
    roster.sinks.clear();
    household.given_up.store(7, Ordering::Relaxed);
    household.health.dropped.store(5, Ordering::Relaxed);
    let said = Said { roster: &roster, household: &household, glance: None, looked: None };
    assert_eq!(status(&said, household.started).journal.dropped_samples, 12);
}
