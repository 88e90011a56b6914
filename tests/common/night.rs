//! A journal that holds the figures of a night shift (2026-03-02, 20:00 to 08:00, Asia/Shanghai), as the recorder would have left them: the
//! batches go through the indicator engine, and what it tells goes into the tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloudward::config::{Config, Tag};
use cloudward::indicator::{Cell, Engine, Interval, News, Plan};
use cloudward::journal::{FigureRow, IntervalRow, Journal, Limits, Settings};
use cloudward::model::{Batch, BootId, Group, Reading, Timestamp, Value};

/// 2026-03-02T20:00:00+08:00.
pub const EIGHT_PM: i64 = 1_772_452_800_000;

const MINUTE: i64 = 60_000;

/// A workshop of machines `m` (and more of its kind), and a press that is not connected.
pub fn workshop(dir: &Path, machines: &[&str]) -> PathBuf {
    let device = |id: &&str| {
        format!(
            "[[device]]\nid = \"{id}\"\nname = \"注塑机\"\nlink = \"l\"\nline = \"A\"\nmodel = \"MA1600\"\nmaker = \"海天\"\n\
             key_process = true\nnc = true\npri = \"40s\"\nevery = \"10s\"\ntags = [\n\
             {{ name = \"word\", address = \"40001\", type = \"u16\", role = \"state.word\", states = {{ 1 = \"idle\", 2 = \"run\", 3 = \"setup\", 4 = \"fault\", 5 = \"maint\" }} }},\n\
             {{ name = \"code\", address = \"40002\", type = \"text\", length = 8, role = \"alarm.code\" }},\n\
             {{ name = \"reason\", address = \"40012\", type = \"text\", length = 16, role = \"stop.reason\" }},\n\
             {{ name = \"total\", address = \"40030\", type = \"u32\", role = \"count.total\" }},\n\
             {{ name = \"good\", address = \"40032\", type = \"u32\", role = \"count.good\" }},\n\
             {{ name = \"e\", address = \"40034\", type = \"u32\", scale = 0.0001, unit = \"kWh\", role = \"energy.active\" }},\n]\n"
        )
    };
    let text = format!(
        "[workshop]\nenterprise = \"e\"\nid = \"w\"\nname = \"注塑一车间\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         [[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1\"\n\
         [[shift]]\nname = \"night\"\nstart = \"20:00\"\nend = \"08:00\"\nbreaks = [\"00:00-00:30\"]\n{}\
         [[device]]\nid = \"press\"\nname = \"冲床\"\n",
        machines.iter().map(device).collect::<String>()
    );
    fs::create_dir_all(dir).unwrap();
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

/// Fills the journal beside that file with the night of each machine, moved by so many milliseconds.
pub fn fill(file: &Path, machines: &[&str], moved: i64) {
    let config = Config::parse(&fs::read_to_string(file).unwrap()).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let settings = Settings { dir: file.parent().unwrap().join("state"), limits: Limits::default() };
    let mut journal = Journal::open(settings, BootId(1), Timestamp(EIGHT_PM)).unwrap();
    for id in machines {
        let (cells, log) = night(&config, id, moved);
        for cell in cells {
            let body = serde_json::to_string(&cell).unwrap();
            let Cell { device, start, end, revision, .. } = cell;
            journal.put_cell(FigureRow { device, start, end, revision, body });
        }
        for interval in log {
            let body = serde_json::to_string(&interval).unwrap();
            let Interval { device, state, cause, start, end, event_id, .. } = interval;
            journal.put_interval(IntervalRow {
                device,
                start,
                end,
                state: state.as_str().into(),
                cause,
                event_id,
                body,
            });
        }
        journal.commit(&[], &[]).unwrap();
    }
}

/// Minutes, what the state word says, the code, the operator's reason.
const NIGHT: [(i64, i64, &str, &str); 12] = [
    (20, 3, "0", ""),
    (170, 2, "0", ""),
    (15, 4, "E-102", ""),
    (35, 2, "0", ""),
    (30, 1, "0", ""),
    (90, 2, "0", ""),
    (40, 0, "", ""), // no data
    (140, 2, "0", ""),
    (30, 5, "0", ""),
    (30, 1, "0", "缺料"),
    (105, 2, "0", ""),
    (15, 4, "E-031", ""),
];

/// Cells and state log of one machine.
pub fn night(config: &Config, id: &str, moved: i64) -> (Vec<Cell>, Vec<Interval>) {
    let device = config.devices.iter().find(|device| *device.id == *id).unwrap();
    let mut engine = Engine::new(Arc::new(Plan::of(config, device).unwrap()));
    engine.boot(BootId(1));
    let tags = device.tags.iter().map(Tag::info).collect();
    let group = Arc::new(Group::new(device.id.clone(), Duration::from_secs(10), tags));
    let (mut cells, mut log): (Vec<Cell>, Vec<Interval>) = Default::default();
    let mut keep = |news: Vec<News>| {
        for news in news {
            match news {
                News::Interval(interval) => log.push(interval),
                News::Cell(cell) => {
                    cells.retain(|known| known.start != cell.start);
                    cells.push(*cell);
                }
                _ => {}
            }
        }
    };
    let (mut at, mut total) = (EIGHT_PM, 0);
    let mut say = |at: i64, word: i64, code: &str, reason: &str, total: i64| {
        let done = (at - EIGHT_PM).min(720 * MINUTE);
        let value = |name: &str| match name {
            "word" => Value::U64(word as u64),
            "code" => Value::Text(code.into()),
            "reason" => Value::Text(reason.into()),
            "total" => Value::I64(5_000 + total),
            "good" => Value::I64(4_000 + (total - 20).max(0)),
            _ => Value::F64(1_000.0 + (4_316_000 * done / (720 * MINUTE)) as f64 / 10_000.0),
        };
        let readings = group.tags.iter().map(|tag| Some(Reading::Good(value(&tag.name)))).collect();
        let mono_ms = u64::try_from(at - EIGHT_PM + 86_400_000).unwrap();
        let at = Timestamp(at + moved);
        keep(engine.step(&Batch { group: group.clone(), at, mono_ms, due_ms: None, readings, stamps: None }, at));
    };
    for (minutes, word, code, reason) in NIGHT {
        let end = at + minutes * MINUTE;
        if word == 0 {
            say(at, 2, "0", "", total); // the last that is heard
            total += 60;
            at = end;
            continue;
        }
        let most = if at < EIGHT_PM + 360 * MINUTE { 300 } else { 780 };
        while at < end {
            say(at, word, code, reason, total);
            total += i64::from(word == 2 && total < most);
            at += 10_000;
        }
    }
    while at < EIGHT_PM + 730 * MINUTE {
        say(at, 1, "0", "", total);
        at += 10_000;
    }
    (cells, log)
}
