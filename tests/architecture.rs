//! The house keeps its rules: imports point down only, rooms on one floor never import each other, pure files stay pure,
//! and each outside crate is named by the one room that owns it. docs/ARCHITECTURE.md says why.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor. A room may import rooms of lower floors only.
const FLOORS: [&[&str]; 7] = [
    &["model"],
    &["config"],
    &["secret", "secret.rs"],
    &["source", "indicator", "journal", "sink", "console", "simulator", "import", "ledger", "verify", "status"],
    &["agent", "probe", "report"],
    &["cli"],
    &["main.rs", "lib.rs"],
];

/// What decides takes time as an argument and touches nothing.
const PURE: &[&str] = &[
    "model/",
    "agent/clock.rs",
    "config/",
    "import/",
    "ledger/",
    "indicator/",
    "verify/",
    "report/",
    "status/",
    "probe/guess.rs",
    "probe/guess/cut.rs",
    "probe/guess/number.rs",
    "probe/guess/series.rs",
    "probe/guess/text.rs",
    "probe/looks.rs",
    "probe/nodes/",
    "probe/profiles.rs",
    "probe/ranges.rs",
    "probe/report.rs",
    "probe/seeds.rs",
    "agent/fresh.rs",
    "agent/hold.rs",
    "agent/lanes.rs",
    "agent/pending.rs",
    "agent/receipts.rs",
    "agent/recorder/figures.rs",
    "agent/recorder/quarters.rs",
    "agent/recorder/tape.rs",
    "agent/suspect.rs",
    "agent/unwritten.rs",
    "source/schedule.rs",
    "source/opcua/found.rs",
    "source/opcua/node_id.rs",
    "source/opcua/certificate.rs",
    "source/opcua/convert.rs",
    "source/opcua/endpoint.rs",
    "source/opcua/fault.rs",
    "source/opcua/freshness.rs",
    "source/opcua/gather.rs",
    "source/opcua/items.rs",
    "source/opcua/ladder.rs",
    "source/opcua/structure.rs",
    "source/opcua/subscription.rs",
    "source/opcua/taken.rs",
    "source/dlt645/decode.rs",
    "source/dlt645/frame.rs",
    "source/dlt645/plan.rs",
    "source/modbus/plan.rs",
    "source/modbus/decode.rs",
    "source/modbus/encode.rs",
    "source/modbus/frame.rs",
    "source/modbus/write.rs",
    "source/modbus/learn.rs",
    "source/modbus/learn/learned.rs",
    "source/modbus/learn/news.rs",
    "source/modbus/learn/trial.rs",
    "source/breaker.rs",
    "journal/ages.rs",
    "journal/columns.rs",
    "journal/columns/stamps.rs",
    "journal/limits.rs",
    "journal/news.rs",
    "journal/on_change.rs",
    "journal/walk.rs",
    "sink/bucket.rs",
    "sink/budget.rs",
    "sink/calendar.rs",
    "sink/egress.rs",
    "sink/manifest.rs",
    "journal/parcel/bech32.rs",
    "sink/payload.rs",
    "sink/payload/stamps.rs",
    "sink/scope.rs",
    "sink/topic.rs",
    "sink/window.rs",
];

/// What a pure file must not name: clocks, disk, network, channels, threads.
const DOORS: [&str; 9] = [
    "SystemTime::now",
    "Instant::now",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread",
    "tokio::",
    "mpsc",
    "std::env",
];

/// Who may name which crate.
const OWNERS: &[(&str, &[&str])] = &[
    ("tokio_modbus", &["simulator/"]),
    ("serial2_tokio", &["source/connection.rs"]),
    ("rusqlite", &["journal/", "agent/recorder/room/simulation.rs", "agent/recorder/room/tests.rs"]),
    ("zstd", &["journal/", "agent/egress", "config/library.rs", "model/zone.rs"]),
    ("sha2", &["sink/egress.rs", "source/opcua/certificate.rs"]),
    ("crc32c", &["journal/"]),
    ("ring", &["journal/parcel/"]),
    ("rumqttc", &["sink/"]),
    ("rustls", &["sink/"]),
    ("secrecy", &["secret.rs", "sink/", "source/opcua/login.rs", "cli/sim/opcua.rs"]),
    ("rumqttd", &["simulator/"]),
    ("encoding_rs", &["model/encoding.rs"]),
    ("indicatif", &["console/"]),
    ("sd_notify", &["agent/systemd.rs"]),
    ("rustix", &["agent/space.rs", "source/hold.rs", "agent/egress/tests.rs"]),
    ("toml", &["config/", "import/telegraf"]),
    ("calamine", &["config/spreadsheet.rs"]),
    ("zip", &["config/spreadsheet.rs", "cli/archive/pack.rs"]),
    ("base64", &["config/opcua/address.rs", "journal/parcel/age.rs"]),
    ("opcua", &["source/opcua/", "simulator/opcua"]),
    ("x25519_dalek", &["journal/parcel/age.rs"]),
    ("async_trait", &["simulator/opcua"]),
    ("plotters", &["report/plot.rs"]),
    ("rust_xlsxwriter", &["report/sheet.rs"]),
    ("schemars", &["report/", "status/document.rs"]),
    ("prometheus_client", &["status/metrics.rs"]),
    ("httparse", &["status/http.rs"]),
    ("ratatui", &["status/view.rs", "cli/status/watch.rs"]),
];

struct Source {
    /// Below src: `source/modbus/plan.rs`.
    path: String,
    /// Without comments and without its tests.
    code: String,
}

impl Source {
    fn room(&self) -> &str {
        self.path.split('/').next().expect("a path has a first part")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        // From its own tests on; a room of tests that stands among its other rooms hides nothing.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let path = file.strip_prefix(&root).expect("it was found below src").display().to_string();
        Source { path, code }
    };
    files.into_iter().map(read).collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("{room} has no floor in this test"))
}

/// The rooms that a file names as `crate::room` or `cloudward::room`.
fn imports(code: &str) -> Vec<&str> {
    let named = |marker| code.split(marker).skip(1).map(|rest: &str| word(rest));
    named("crate::").chain(named("cloudward::")).filter(|name| !name.is_empty()).collect()
}

fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// Whether `name` stands in `code` as a path of its own: `toml::` but not `cargo_toml::`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn imports_point_down_and_never_sideways() {
    let mut seen = 0;
    for source in sources() {
        let from = source.room();
        for to in imports(&source.code).into_iter().filter(|to| *to != from) {
            seen += 1;
            assert!(floor(to) < floor(from), "{} imports crate::{to}, which is not below it", source.path);
        }
    }
    assert!(seen > 50, "the test sees only {seen} imports");
}

#[test]
fn pure_files_touch_no_clock_no_disk_no_net_and_no_channel() {
    let sources = sources();
    for place in PURE.iter().filter(|place| **place != "indicator/") {
        assert!(sources.iter().any(|source| source.path.starts_with(place)), "{place} is gone; mend the list");
    }
    for source in sources.iter().filter(|source| PURE.iter().any(|place| source.path.starts_with(place))) {
        for door in DOORS {
            assert!(!source.code.contains(door), "{} is pure, but names {door}", source.path);
        }
    }
}

/// Who may ask what time it is, and what for. How long something took or takes is a matter of the monotonic clock alone: the
/// wall clock is set while the agent runs.
const ASK_THE_WALL_CLOCK: &[(&str, &str)] = &[
    ("agent/courier.rs", "the months and hours of a budget, which are people's"),
    ("agent/courier/fill.rs", "the time of birth and state messages"),
    ("agent/mod.rs", "when the agent started"),
    (
        "agent/recorder/room.rs",
        "names of files that are set aside, days of the egress log, ages once the clock is trusted",
    ),
    ("agent/timekeeper.rs", "whether the clock is right"),
    ("cli/archive.rs", "the time of an archive, whether its month is over"),
    ("cli/baseline.rs", "when figures were frozen"),
    ("cli/cert.rs", "the validity of a certificate"),
    ("cli/demo/opcua.rs", "the validity of a certificate"),
    ("cli/explain.rs", "which day today is"),
    ("cli/journal/export.rs", "the date of a file"),
    ("cli/journal/forget.rs", "how old a backlog is, for people"),
    ("cli/journal/status.rs", "how old a backlog is, for people"),
    ("cli/journal/when.rs", "what `2h` means to a person who types it"),
    ("cli/ledger.rs", "which day today is"),
    ("cli/reclassify.rs", "how old a stop is by the clock of people, and the time of an audit entry"),
    ("cli/report.rs", "which day today is, whether a period is over"),
    ("cli/status/last_run.rs", "how old a backlog is, for people"),
    ("cli/trust.rs", "the validity of a certificate"),
    ("cli/write.rs", "the time of an audit line"),
    ("sink/witness.rs", "the time of an entry of the egress log"),
    ("source/line.rs", "the time of an event"),
    ("source/opcua/client.rs", "the time of a batch and of an event, the validity of a certificate"),
    ("source/opcua/session.rs", "the validity of a certificate"),
    ("source/opcua/visit.rs", "the validity of a certificate"),
    ("source/poller.rs", "the time of a batch"),
];

#[test]
fn durations_never_use_the_wall_clock() {
    let sources = sources();
    let asks =
        |code: &str| code.contains("SystemTime::now") || code.contains("Timestamp::now") || code.contains("Zoned::now");
    let mut asking: Vec<&str> = sources.iter().filter(|s| asks(&s.code)).map(|s| s.path.as_str()).collect();
    asking.sort_unstable();
    let told: Vec<&str> = ASK_THE_WALL_CLOCK.iter().map(|(path, _)| *path).collect();
    assert_eq!(asking, told, "say what for, and that it is no duration");
    // A time of the wall clock becomes a number in one place, and a span is taken off such a number in one other.
    // (What `2h` means to a person who types it is another matter.)
    for (arithmetic, place) in [("UNIX_EPOCH", "model/time.rs"), ("now.before(age", "journal/retention.rs")] {
        let using: Vec<&str> =
            sources.iter().filter(|s| s.code.contains(arithmetic)).map(|s| s.path.as_str()).collect();
        assert_eq!(using, [place], "{arithmetic}");
    }
}

#[test]
fn each_outside_crate_is_named_by_its_owner_alone() {
    for (name, owners) in OWNERS {
        let mut named = 0;
        for source in sources().iter().filter(|source| names_crate(&source.code, name)) {
            named += 1;
            let is_owner = owners.iter().any(|owner| source.path.starts_with(owner));
            assert!(is_owner, "{} names {name}, which belongs to {owners:?}", source.path);
        }
        assert!(named > 0, "nobody names {name}: take it from Cargo.toml and from this list");
    }
}

/// Machines are only read, except by a person who says so: only `cloudward write` names the frames that change something.
#[test]
fn only_the_command_that_writes_names_the_frames_that_write() {
    let names_it = |code: &str| code.contains("WriteRequest") || code.contains("modbus::write::");
    let sources = sources();
    let mut naming: Vec<&str> = sources.iter().filter(|s| names_it(&s.code)).map(|s| s.path.as_str()).collect();
    naming.sort_unstable();
    assert_eq!(naming, ["cli/write.rs", "source/modbus/write.rs"]);
    let calls_it = |code: &str| code.contains("write::write(");
    let calling: Vec<&str> = sources.iter().filter(|s| calls_it(&s.code)).map(|s| s.path.as_str()).collect();
    assert_eq!(calling, ["cli/mod.rs"]);
}

#[test]
fn every_file_opens_with_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for source in sources() {
        let text = fs::read_to_string(root.join(&source.path)).expect("it was just read");
        assert!(text.starts_with("//! "), "{}", source.path);
    }
}

#[test]
fn the_test_would_see_what_it_forbids() {
    assert_eq!(imports("use crate::journal::Journal; cloudward::sink::x"), ["journal", "sink"]);
    assert!(names_crate("use rusqlite::Connection;", "rusqlite"));
    assert!(!names_crate("use my_toml::x;", "toml") && !names_crate("crate::toml::x", "toml"));
}
