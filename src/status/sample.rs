//! A workshop as tests show it.

use std::collections::BTreeMap;

use super::document::*;

/// Everything is in order.
pub(crate) fn well() -> Status {
    let device = |id: &str, name: &str, every_s| DevicePart {
        id: id.into(),
        name: Some(name.into()),
        link: "press-plc".into(),
        is_online: true,
        good_ago_s: Some(0.4),
        every_s,
        tags: 7,
        bad_tags: Some(0),
    };
    let tally = TallyPart { expected: 3_600, good: 3_598, late: 2, ..TallyPart::default() };
    Status {
        schema: SCHEMA.into(),
        at_ms: Some(1_793_491_200_000),
        agent: AgentPart {
            version: "0.1.0".into(),
            features: vec!["opcua".into()],
            pid: 4711,
            boot: "0123456789ab".into(),
            uptime_s: 93_784,
            config_file: Some("/etc/cloudward/workshop.toml".into()),
            config_sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
            config_for_s: 3_600,
            state_dir: "/var/lib/cloudward".into(),
        },
        workshop: WorkshopPart {
            enterprise: "huada".into(),
            id: "ws1".into(),
            name: "注塑一车间".into(),
            timezone: "Asia/Shanghai".into(),
        },
        is_well: true,
        needs: Vec::new(),
        clock: Some(ClockPart { is_trusted: true, by: Some("ntp".into()) }),
        links: vec![LinkPart {
            name: "press-plc".into(),
            endpoint: "192.168.1.10:502".into(),
            state: "up".into(),
            for_s: Some(93_780),
            why: None,
            trouble: None,
            devices: 2,
            devices_online: 2,
            scans: 93_784,
            bad_scans: 3,
            missed_scans: 0,
            silent_units: Vec::new(),
            healing: BTreeMap::new(),
        }],
        devices: vec![device("press-01", "1号注塑机", 1.0), device("press-02", "2号注塑机", 1.0)],
        bad_tags: Vec::new(),
        bad_tags_total: Some(0),
        journal: JournalPart {
            persist: "undelivered".into(),
            is_held: Some(true),
            is_writable: Some(true),
            records: Some(12),
            samples: Some(480),
            memory_records: Some(0),
            memory_samples: Some(0),
            bytes: Some(1_200_000),
            max_bytes: 2_000_000_000,
            oldest_at_ms: Some(1_793_491_100_000),
            losses_total: Some(0),
            set_aside: Some(Vec::new()),
            quarantine_records: Some(0),
            ..JournalPart::default()
        },
        sinks: vec![SinkPart {
            name: "cloud".into(),
            broker: "broker.example.com:8883".into(),
            is_connected: true,
            for_s: Some(93_000),
            trouble: None,
            paused: None,
            data_cursor: 900,
            data_last: 901,
            events_cursor: 12,
            events_last: 12,
            waiting_records: 1,
            lag_s: Some(0.2),
            acked_messages: 912,
            connects: 2,
            given_up_samples: 0,
            damaged_records: 0,
            quarantined_records: 0,
            in_quarantine: Some(0),
            month_bytes: 12_000_000,
            month: Some("2026-11".into()),
            month_limit: None,
        }],
        samples: SamplesPart { since_start: Some(tally.clone()), hour: Some(tally.clone()), day: Some(tally) },
        machines: vec![MachinePart {
            device: "press-01".into(),
            state: "run".into(),
            for_s: Some(740),
            cause: String::new(),
            shift: Some("day".into()),
            shift_date: Some("2026-11-01".into()),
            coverage: Some(0.998),
            availability: Some(0.912),
            oee: Some(0.874),
            pieces: Some(1_240.0),
            energy_kwh: Some(86.4),
        }],
        omitted: 0,
    }
}

/// The machine is off, the broker is away, a tag is wrong, the disk is full.
pub(crate) fn in_trouble() -> Status {
    let mut status = well();
    let saying = |code: &str, en: &str, zh: &str| Saying {
        code: code.into(),
        en: en.into(),
        zh: zh.into(),
        remedy_en: "do something".into(),
        remedy_zh: "请处理".into(),
    };
    let link = LinkPart {
        name: "meters".into(),
        endpoint: "/dev/ttyS1".into(),
        state: "down".into(),
        for_s: Some(7_322),
        why: Some("timeout".into()),
        trouble: Some(saying("CW204", "link meters: nobody answers", "链路 meters：无应答")),
        devices: 1,
        devices_online: 0,
        missed_scans: 12,
        ..status.links[0].clone()
    };
    let meter = DevicePart {
        id: "meter-01".into(),
        name: None,
        link: "meters".into(),
        is_online: false,
        good_ago_s: Some(7_330.0),
        every_s: 10.0,
        tags: 3,
        bad_tags: Some(3),
    };
    status.links.push(link);
    status.devices.push(meter);
    status.devices[1].bad_tags = Some(1);
    status.bad_tags = vec![BadTag {
        device: "press-02".into(),
        tag: "mould-temp".into(),
        quality: "bad".into(),
        why: "illegal_address".into(),
        for_s: 5_000.0,
    }];
    status.bad_tags_total = Some(4);
    let sink = &mut status.sinks[0];
    sink.is_connected = false;
    sink.for_s = Some(1_900);
    sink.trouble =
        Some(saying("CW401", "broker.example.com:8883 refuses connections", "broker.example.com:8883 拒绝连接"));
    (sink.waiting_records, sink.lag_s, sink.data_last) = (1_900, Some(1_900.0), 2_800);
    let journal = &mut status.journal;
    (journal.is_held, journal.records, journal.samples) = (Some(false), Some(1_912), Some(76_000));
    (journal.bytes, journal.hours_left, journal.quarantine_records) = (Some(18_400_000), Some(5.4), Some(2));
    if let Some(tally) = &mut status.samples.since_start {
        tally.bad.insert("timeout".into(), 712);
        tally.expected += 712;
    }
    status.machines[0].state = "fault".into();
    status.machines[0].cause = "E-STOP".into();
    status.needs = super::needs(&status);
    status.is_well = false;
    status
}

/// Nothing is known that the recorder or the journal's file would have to tell.
pub(crate) fn recorder_silent() -> Status {
    let mut status = well();
    (status.at_ms, status.clock, status.bad_tags_total) = (None, None, None);
    for device in &mut status.devices {
        (device.good_ago_s, device.bad_tags) = (None, None);
    }
    let JournalPart { persist, max_bytes, .. } = status.journal;
    status.journal = JournalPart { persist, max_bytes, ..JournalPart::default() };
    (status.sinks[0].lag_s, status.sinks[0].in_quarantine) = (None, None);
    status.samples = SamplesPart::default();
    status.machines.clear();
    status.needs = super::needs(&status);
    status.is_well = false;
    status
}
