//! The equipment ledger (设备清单): what stands in a `[[device]]` of the machine itself, and what its figures are measured by.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::process::{PIECES, counted_in, rated};
use super::read::Section;
use super::units::parse_time;
use super::{Causes, Device, Profile, Role, Station, Tag, role};
use crate::model::words::config as words;
use crate::model::words::indicator_config as own;
use crate::model::{State, Trouble};

/// What is known of a machine, connected or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Equipment {
    /// 型号.
    pub model: Option<String>,
    /// 制造商.
    pub maker: Option<String>,
    /// 出厂编号.
    pub serial: Option<String>,
    /// 出厂日期: `2017`, `2017-05` or `2017-05-03`.
    pub made: Option<String>,
    /// 所属工序.
    pub process: Option<String>,
    /// Line.
    pub line: Option<String>,
    /// 是否关键工序.
    pub is_key_process: bool,
    /// 是否数控.
    pub is_nc: bool,
    /// 是否数字化.
    pub is_digital: bool,
    /// 标识编码: prefix and suffix, `88.608.5288/EQ.IMM-07`.
    pub identifier: Option<String>,
    /// First day in the ledger.
    pub valid_from: Option<Date>,
    /// Last day in the ledger (A14).
    pub valid_to: Option<Date>,
    /// Whether it counts at all.
    pub is_in_use: bool,
    /// Whether it is production equipment: a meter is not.
    pub is_production: bool,
    /// Whether somebody said so; else it was concluded.
    pub is_production_said: bool,
    /// A picture of its plate or its communication module, for the archive.
    pub photo: Option<PathBuf>,
    /// What its figures are measured by.
    pub yardstick: Yardstick,
    /// What its codes of faults and stops mean, those of the workshop with them.
    pub causes: Causes,
}

/// What the figures of a device are measured by.
#[derive(Debug, Clone, PartialEq)]
pub struct Yardstick {
    /// Standard time of a cycle (PRI); `None`: not known.
    pub pri: Option<Duration>,
    /// So many an hour, in the unit of its counters: for what has no pieces (R19).
    pub rated: Option<f64>,
    /// What its counters count: pieces, or kilograms and so on.
    pub counted_in: &'static str,
    /// Pieces of a cycle by design.
    pub cavities: u32,
    /// Rated electric power in kW.
    pub rated_kw: Option<f64>,
    /// Shorter idle stops between two runs are micro-stops.
    pub microstop: Duration,
    /// Good samples further apart, and further than three periods, leave a hole of unknown.
    pub stale_after: Duration,
    /// Shorter faults are no failures.
    pub min_failure: Duration,
    /// States by electric power.
    pub power: Option<PowerRule>,
    /// A change of what is told by thresholds or a band counts after so long.
    pub dwell: Duration,
    /// Primary current by secondary current, where the meter shows secondary values.
    pub ct_ratio: Option<f64>,
    /// The same of the voltage.
    pub pt_ratio: Option<f64>,
    /// The device that meters it.
    pub metered_by: Option<String>,
    /// Whether its energy is part of the workshop's sum: a main meter's is not, else all would count twice.
    pub is_in_energy_sum: bool,
}

/// States by electric power in kW (A18).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerRule {
    /// It runs from here; `None`: only off is told by the power.
    pub run_kw: Option<f64>,
    /// It is off up to here; `None`: it is never told to be off.
    pub off_kw: Option<f64>,
    /// It leaves run so far below `run_kw`.
    pub hysteresis_kw: f64,
    /// A change counts after so long.
    pub dwell: Duration,
}

impl Default for Yardstick {
    fn default() -> Yardstick {
        Yardstick {
            pri: None,
            rated: None,
            counted_in: PIECES,
            cavities: 1,
            rated_kw: None,
            microstop: Duration::from_secs(60),
            stale_after: Duration::from_secs(10),
            min_failure: Duration::from_secs(60),
            power: None,
            dwell: Duration::from_secs(10),
            ct_ratio: None,
            pt_ratio: None,
            metered_by: None,
            is_in_energy_sum: true,
        }
    }
}

impl Default for Equipment {
    fn default() -> Equipment {
        Equipment {
            model: None,
            maker: None,
            serial: None,
            made: None,
            process: None,
            line: None,
            is_key_process: false,
            is_nc: false,
            is_digital: false,
            identifier: None,
            valid_from: None,
            valid_to: None,
            is_in_use: true,
            is_production: true,
            is_production_said: false,
            photo: None,
            yardstick: Yardstick::default(),
            causes: Causes::new(),
        }
    }
}

/// Meters that come with cloudward are no production equipment.
const METERS: [&str; 6] = ["sdm630", "dtsu666", "iem3000", "pm5000", "dlt645", "adl400"];

/// The keys of the ledger in a `[[device]]`. `tags` get what `roles` says of them.
pub(super) fn equipment(
    device: &Section<'_>,
    (station, has_link): (Station, bool),
    profile: Option<&Profile>,
    tags: &mut [Tag],
    census: &mut Census,
) -> Equipment {
    roles(device, tags);
    let text = |key, example: &str| device.text(key, example).filter(|text| !text.trim().is_empty());
    let is_meter = matches!(station, Station::Meter(_)) || profile.is_some_and(|it| METERS.contains(&it.id.as_str()));
    let (valid_from, valid_to) = (date(device, "valid_from"), date(device, "valid_to"));
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && from > to
    {
        device.wrong("valid_to", own::DATES_CROSSED, |t| t.with("found", to).with("from", from));
    }
    let equipment = Equipment {
        model: text("model", "model = \"MA1600\""),
        maker: text("maker", "maker = \"海天\""),
        serial: text("serial", "serial = \"201705123\""),
        made: made(device),
        process: text("process", "process = \"注塑\""),
        line: text("line", "line = \"A\""),
        is_key_process: device.flag("key_process").unwrap_or(false),
        is_nc: device.flag("nc").unwrap_or(false),
        is_digital: device.flag("digital").unwrap_or(has_link),
        identifier: identifier(device),
        valid_from,
        valid_to,
        is_in_use: device.flag("in_use").unwrap_or(true),
        is_production: device.flag("production").unwrap_or(!is_meter),
        is_production_said: is_meter || device.has("production"),
        photo: device.text("photo", "photo = \"photos/imm-01.jpg\"").filter(|path| !path.is_empty()).map(PathBuf::from),
        yardstick: yardstick(device, tags),
        causes: Causes::new(),
    };
    census.count(device, &equipment);
    equipment
}

/// `roles = { e_total_kwh = "energy.active" }`: for tags of a profile or a table.
fn roles(device: &Section<'_>, tags: &mut [Tag]) {
    const EXAMPLE: &str = "roles = { e_total_kwh = \"energy.active\" }";
    for (name, at, word) in device.named_texts("roles", EXAMPLE).unwrap_or_default() {
        match tags.iter_mut().find(|tag| *tag.name == *name) {
            Some(tag) => {
                if let Some(role) = role::of_device(device, "roles", &word, tag) {
                    tag.role = Some(Arc::new(role));
                }
            }
            None => {
                let trouble = Trouble::new(own::NO_SUCH_TAG).with("key", device.path_of(&format!("roles.{name}")));
                device.doc.mistake(at, trouble.with("found", &name));
            }
        }
    }
    one_each(device, tags);
}

/// Each role once, and one source of each thing.
fn one_each(device: &Section<'_>, tags: &[Tag]) {
    let kinds = |tag: &Tag| -> Option<String> {
        Some(match tag.role.as_deref()? {
            Role::Word(_) | Role::Is(State::Run) | Role::Band(_) => {
                "state.run / state.word / process.temperature".to_owned()
            }
            Role::Is(state) => format!("state.{state}"),
            Role::Power(_) => "power.active".to_owned(),
            Role::Count(counted, _) => format!("count.{counted:?}").to_lowercase(),
            Role::Energy(medium, ..) => format!("energy.{}", medium.as_str()),
            Role::Alarm => return None, // each bit may be an alarm of its own
            Role::AlarmAck => "alarm.ack".to_owned(),
            Role::AlarmCode => "alarm.code".to_owned(),
            Role::StopReason => "stop.reason".to_owned(),
            Role::Product => "product.id / program.no".to_owned(),
            Role::CycleTime(_) => "cycle.time".to_owned(),
            Role::Cavities => "cavities".to_owned(),
        })
    };
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for tag in tags {
        let Some(kind) = kinds(tag) else { continue };
        match first.get(&kind) {
            Some(other) => {
                let key = ["roles", "tags", "profile"].into_iter().find(|key| device.has(key)).unwrap_or("id");
                device.wrong(key, own::ROLE_TWICE, |t| {
                    t.with("role", &kind).with("first", other).with("second", &tag.name)
                });
            }
            None => {
                first.insert(kind, &tag.name);
            }
        }
    }
}

fn yardstick(device: &Section<'_>, tags: &[Tag]) -> Yardstick {
    let usual = Yardstick::default();
    let span = |key, from: &str, to: &str| {
        let limit = |text| parse_time(text).expect("the limits in this file are times");
        device.time(key, limit(from)..=limit(to))
    };
    let (power, dwell) = power(device, tags);
    needs_alarm(device, tags);
    Yardstick {
        pri: span("pri", "1ms", "7d"),
        rated: rated(device, tags),
        counted_in: counted_in(device, tags),
        cavities: device.integer("cavities", 1..=1_024).and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        rated_kw: positive(device, "rated_kw", 1e5),
        microstop: span("microstop", "0s", "1h").unwrap_or(usual.microstop),
        stale_after: span("stale_after", "1s", "1d").unwrap_or(usual.stale_after),
        min_failure: span("min_failure", "0s", "1h").unwrap_or(usual.min_failure),
        power,
        dwell: dwell.unwrap_or(usual.dwell),
        ct_ratio: positive(device, "ct_ratio", 1e4),
        pt_ratio: positive(device, "pt_ratio", 1e4),
        metered_by: device.text("metered_by", "metered_by = \"meter-01\""),
        is_in_energy_sum: device.flag("in_energy_sum").unwrap_or(true),
    }
}

/// Above zero and not beyond what a typing error makes.
fn positive(device: &Section<'_>, key: &'static str, max: f64) -> Option<f64> {
    let number = device.number(key, &format!("{key} = 40"))?;
    if number <= 0.0 || number > max {
        let found = device.shown(key);
        device.wrong(key, words::OUT_OF_RANGE, |t| t.with("found", found).with("min", "0").with("max", max));
        return None;
    }
    Some(number)
}

/// States by power, and how long a change must last.
fn power(device: &Section<'_>, tags: &[Tag]) -> (Option<PowerRule>, Option<Duration>) {
    let dwell = device.time("dwell", Duration::ZERO..=Duration::from_secs(600));
    (thresholds(device, tags, dwell), dwell)
}

/// Nobody acknowledges what no tag tells.
fn needs_alarm(device: &Section<'_>, tags: &[Tag]) {
    let find = |role: Role| tags.iter().find(|tag| tag.role.as_deref() == Some(&role));
    if let (Some(ack), None) = (find(Role::AlarmAck), find(Role::Alarm)) {
        let key = ["roles", "tags", "profile"].into_iter().find(|key| device.has(key)).unwrap_or("id");
        device.wrong(key, own::ACK_WITHOUT_ALARM, |t| t.with("found", &ack.name));
    }
}

fn thresholds(device: &Section<'_>, tags: &[Tag], dwell: Option<Duration>) -> Option<PowerRule> {
    let number = |key| device.number(key, "run_kw = 8.0");
    let (run_kw, off_kw, hysteresis) = (number("run_kw"), number("off_kw"), number("hysteresis_kw"));
    let given = ["run_kw", "off_kw", "hysteresis_kw", "dwell"].into_iter().find(|key| device.has(key))?;
    let has = |test: fn(&Role) -> bool| tags.iter().any(|tag| tag.role.as_deref().is_some_and(test));
    if has(|role| matches!(role, Role::Band(_))) && given == "dwell" {
        return None; // of the band alone
    }
    if !has(|role| matches!(role, Role::Power(_))) && !device.has("metered_by") {
        device.wrong(given, own::NO_POWER, |t| t);
    }
    if run_kw.is_none() && off_kw.is_none() {
        device.wrong(given, own::NO_THRESHOLD, |t| t);
        return None;
    }
    if run_kw.is_some() && has(|role| matches!(role, Role::Word(_) | Role::Is(State::Run) | Role::Band(_))) {
        device.wrong("run_kw", own::TWO_RUNS, |t| t);
    }
    let hysteresis_kw = hysteresis.unwrap_or(0.0);
    let is_odd = match (run_kw, off_kw) {
        (Some(run), off) => run - hysteresis_kw <= off.unwrap_or(0.0) || hysteresis_kw < 0.0,
        (None, off) => off.is_some_and(|off| off < 0.0),
    };
    if is_odd {
        device.wrong(given, own::THRESHOLDS_CROSSED, |t| t);
    }
    Some(PowerRule { run_kw, off_kw, hysteresis_kw, dwell: dwell.unwrap_or(Duration::from_secs(10)) })
}

pub(super) fn date(section: &Section<'_>, key: &'static str) -> Option<Date> {
    let text = section.text(key, &format!("{key} = \"2026-03-02\""))?;
    let date = parse_date(&text);
    if date.is_none() {
        section.wrong(key, own::BAD_DATE, |t| t.with("found", &text).with("example", "2026-03-02"));
    }
    date
}

/// `2026-03-02`, and nothing looser: a date with a time in it would silently lose it.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|_| text.len() == 10)
}

fn made(device: &Section<'_>) -> Option<String> {
    let text = device.has("made").then(|| device.text_or_number("made", "made = \"2017-05\""))??;
    let full = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.clone(),
    };
    if parse_date(&full).is_none() {
        device.wrong("made", own::BAD_DATE, |t| t.with("found", &text).with("example", "2017 / 2017-05 / 2017-05-03"));
    }
    Some(text)
}

/// A handle: `88.608.5288/EQ.IMM-07`, prefix of three numbers or more, a suffix of the enterprise's choice, 255 characters at most.
fn identifier(device: &Section<'_>) -> Option<String> {
    const LONGEST: usize = 255;
    let text = device.text("identifier", "identifier = \"88.608.5288/EQ.IMM-07\"")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_handle = text.split_once('/').is_some_and(|(prefix, suffix)| {
        let is_prefix = prefix.split('.').count() >= 3 && prefix.split('.').all(is_number);
        is_prefix && !suffix.is_empty() && !suffix.chars().any(|c| c.is_whitespace() || c.is_control())
    });
    if !is_handle || text.chars().count() > LONGEST {
        device.wrong("identifier", own::BAD_IDENTIFIER, |t| t.with("found", &text).with("max", LONGEST));
    }
    Some(text)
}

impl Equipment {
    /// Whether its tags tell nothing but energy and power, and nothing else makes a machine of it: no state by power, no cycle, no process.
    pub fn looks_like_a_meter(&self, tags: &[Tag]) -> bool {
        let mut roles = tags.iter().filter_map(|tag| tag.role.as_deref()).peekable();
        let is_machine = self.yardstick.power.is_some()
            || self.yardstick.pri.is_some()
            || self.yardstick.metered_by.is_some()
            || self.is_key_process
            || self.is_nc;
        roles.peek().is_some() && !is_machine && roles.all(|role| matches!(role, Role::Energy(..) | Role::Power(_)))
    }
}

/// What must fit together over all devices.
#[derive(Default)]
pub(super) struct Census {
    /// Line of the first device with this plate, or this handle.
    seen: HashMap<(&'static str, String), usize>,
    /// Whose key names a meter, and where that stands.
    meters: Vec<(usize, String, String)>,
    /// Where the ratio of a meter's transformers stands.
    ratios: Vec<(usize, String, String)>,
}

impl Census {
    fn count(&mut self, device: &Section<'_>, equipment: &Equipment) {
        let plate = equipment.serial.as_ref().map(|serial| match &equipment.maker {
            Some(maker) => format!("{serial}, {maker}"),
            None => serial.clone(),
        });
        for (key, value) in [("serial", plate), ("identifier", equipment.identifier.clone())] {
            let Some(value) = value else { continue };
            let line = device.doc.line(device.at_of(key));
            match self.seen.get(&(key, value.clone())) {
                Some(first) => device.wrong(key, own::MACHINE_TWICE, |t| t.with("found", &value).with("first", first)),
                None => {
                    self.seen.insert((key, value), line);
                }
            }
        }
        let id = device.peek_text("id").unwrap_or_default().to_owned();
        if equipment.yardstick.metered_by.is_some() {
            self.meters.push((device.at_of("metered_by"), device.path_of("metered_by"), id.clone()));
        }
        if equipment.yardstick.ct_ratio.is_some() {
            self.ratios.push((device.at_of("ct_ratio"), device.path_of("ct_ratio"), id));
        }
    }

    /// Files what can only be seen once all devices are known.
    pub(super) fn close(self, top: &Section<'_>, devices: &[Device]) {
        let find = |id: &str| devices.iter().find(|device| *device.id == *id);
        for (at, key, id) in self.meters {
            let Some(named) = find(&id).and_then(|device| device.equipment.yardstick.metered_by.clone()) else {
                continue;
            };
            let trouble = |code| Trouble::new(code).with("key", &key).with("found", &named);
            let meters_something = |device: &&Device| {
                let is_metered = |role: &Role| matches!(role, Role::Energy(..) | Role::Power(_));
                device.tags.iter().any(|tag| tag.role.as_deref().is_some_and(is_metered))
            };
            match find(&named) {
                Some(meter) if *meter.id != *id && meters_something(&meter) => {}
                Some(meter) if *meter.id != *id => top.doc.mistake(at, trouble(own::METERS_NOTHING)),
                _ => {
                    let known = devices.iter().filter(meters_something).map(|device| device.id.to_string());
                    let known = known.collect::<Vec<_>>().join(", ");
                    top.doc.mistake(at, trouble(own::NO_SUCH_METER).with("known", known));
                }
            }
        }
        for (at, key, id) in self.ratios {
            let Some(meter) = find(&id) else { continue };
            let of_others =
                devices.iter().filter(|device| device.equipment.yardstick.metered_by.as_deref() == Some(&id));
            let rated: f64 = of_others.chain([meter]).filter_map(|device| device.equipment.yardstick.rated_kw).sum();
            let full = meter.equipment.yardstick.full_scale_kw();
            if rated > 0.0 && (full < rated / MOST_OVER || full > rated * MOST_UNDER) {
                let shown = |kw: f64| format!("{kw:.1}");
                let trouble =
                    Trouble::new(own::CT_RATIO).with("key", &key).with("found", meter.equipment.yardstick.ct_ratio());
                top.doc.mistake(at, trouble.with("full", shown(full)).with("rated", shown(rated)));
            }
        }
    }
}

/// A motor may draw half as much again for a while; beyond it the transformer is too small for what stands on the plate.
const MOST_OVER: f64 = 1.5;

/// A transformer fifty times too large would measure nothing.
const MOST_UNDER: f64 = 50.0;

impl Yardstick {
    fn ct_ratio(&self) -> f64 {
        self.ct_ratio.unwrap_or(1.0)
    }

    /// What a meter can show at most with these transformers (R16): √3 × U × 5 A; 400 V, or 100 V behind a transformer.
    pub fn full_scale_kw(&self) -> f64 {
        const SECONDARY_A: f64 = 5.0;
        let volts = self.pt_ratio.filter(|ratio| *ratio > 1.0).map_or(400.0, |ratio| 100.0 * ratio);
        3.0_f64.sqrt() * volts * SECONDARY_A * self.ct_ratio() / 1_000.0
    }
}

/// By which factor a power is off from √3·U·I·cosφ, if by more than a fifth (R16): a ratio of the transformers that is given
/// twice, or not at all. Volts between lines, amperes.
pub fn power_factor_off(kw: f64, volts: f64, amperes: f64, power_factor: f64) -> Option<f64> {
    let expected = 3.0_f64.sqrt() * volts * amperes * power_factor.abs() / 1_000.0;
    let factor = kw / expected;
    (expected > 0.0 && factor.is_finite() && !(0.8..=1.25).contains(&factor)).then_some(factor)
}
