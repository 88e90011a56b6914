//! `role`: what a tag means. It is all that indicators need to know of a tag.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dlt645::Format;
use super::modbus::DataType;
use super::process::{Band, band};
use super::read::Section;
use super::server::one_of;
use super::{Names, Origin, Tag};
use crate::model::time::show_span;
use crate::model::words::config as words;
use crate::model::words::indicator_config as own;
use crate::model::{State, Trouble, ValueKind};

/// What a tag means.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// `state.run`, `state.fault`, `state.setup`, `state.maint`, `state.off`: the machine is in this state while the tag is
    /// true, or not zero.
    Is(State),
    /// `state.word`: a number or name for the state.
    Word(StateMap),
    /// `power.active`: electric power.
    Power(Unit),
    /// `count.total`, `count.good`, `count.bad`, `count.rework`, `count.batch`.
    Count(Counted, CountRule),
    /// `energy.active`, `energy.water`, `energy.gas`, `energy.steam`, `energy.air`: a counter, and the reading at which it
    /// begins at zero again.
    Energy(Medium, Unit, Option<f64>),
    /// `alarm.word`: not zero, or true, while there is an alarm.
    Alarm,
    /// `alarm.ack`: not zero, or true, once somebody has acknowledged it.
    AlarmAck,
    /// `process.temperature`: it runs while this lies within the band (R19).
    Band(Band),
    /// `alarm.code`: which fault or alarm it is.
    AlarmCode,
    /// `stop.reason`: what the operator says.
    StopReason,
    /// `product.id`, `program.no`: what is being made; the code of a `[[product]]`.
    Product,
    /// `cycle.time`: how long the last cycle took.
    CycleTime(Unit),
    /// `cavities`: pieces of a cycle.
    Cavities,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// All pieces, or cycles.
    Total,
    /// Good ones.
    Good,
    /// Bad ones.
    Bad,
    /// Done again.
    Rework,
    /// Batches of a kiln or furnace that ended; a bit counts where it becomes true.
    Batch,
}

/// How a counter counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CountRule {
    /// `kind = "job"`: the operator, or the job, sets it to zero (A16).
    pub is_job: bool,
    /// It begins at zero again at this reading; `None`: never.
    pub wraps_at: Option<f64>,
    /// It moves by so many at once (A4).
    pub step: Option<f64>,
    /// So many a minute at most; `None`: by the standard cycle.
    pub max_per_minute: Option<f64>,
    /// Whether it counts cycles rather than pieces; `None`: as is usual (A22).
    pub is_cycles: Option<bool>,
}

/// What is metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// In Wh.
    Electricity,
    /// In m³.
    Water,
    /// In m³.
    Gas,
    /// In t.
    Steam,
    /// In m³.
    Air,
}

impl Medium {
    /// All of them.
    pub const ALL: [Medium; 5] = [Medium::Electricity, Medium::Water, Medium::Gas, Medium::Steam, Medium::Air];

    /// The word in the configuration and in payloads.
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::Electricity => "electricity",
            Medium::Water => "water",
            Medium::Gas => "gas",
            Medium::Steam => "steam",
            Medium::Air => "air",
        }
    }

    /// The unit in reports.
    pub fn unit(self) -> &'static str {
        match self {
            Medium::Electricity => "kWh",
            Medium::Steam => "t",
            Medium::Water | Medium::Gas | Medium::Air => "m³",
        }
    }
}

/// A unit as a multiple of the base unit (Wh, W, m³, t, µs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unit {
    /// Base units: `num / den`.
    pub num: i64,
    /// See `num`.
    pub den: i64,
}

/// What the numbers, or names, of a word mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateMap {
    /// By number as text, or by the name that `values` gives it.
    pub by_word: BTreeMap<Arc<str>, State>,
}

impl Counted {
    /// All of them.
    pub const ALL: [Counted; 5] = [Counted::Total, Counted::Good, Counted::Bad, Counted::Rework, Counted::Batch];
}

/// What is written behind `role = `, in the order of help texts.
const WORDS: [&str; 23] = [
    "state.run",
    "state.word",
    "state.fault",
    "state.setup",
    "state.maint",
    "state.off",
    "power.active",
    "count.total",
    "count.good",
    "count.bad",
    "count.rework",
    "count.batch",
    "energy.active",
    "energy.water",
    "energy.gas",
    "energy.steam",
    "energy.air",
    "alarm.word",
    "alarm.ack",
    "alarm.code",
    "stop.reason",
    "product.id",
    "program.no",
];

/// These stand at the end, since few machines have them.
const MORE_WORDS: [&str; 3] = ["cycle.time", "cavities", BAND_WORD];

const BAND_WORD: &str = "process.temperature";

/// Keys that only some roles have.
const COUNT_KEYS: [&str; 4] = ["kind", "counter_step", "max_per_minute", "counts"];

/// A state that is looked at more seldom is none: stops of a minute are what matters.
const SLOWEST_STATE: Duration = Duration::from_secs(300);

/// What else is known of a tag.
struct Around<'a> {
    /// The kind of its readings; `None`: not known, which is told elsewhere.
    kind: Option<ValueKind>,
    names: Option<&'a Names>,
    unit: Option<&'a str>,
    every: Duration,
    /// The first number that its place cannot hold, scaled.
    range: Option<f64>,
}

impl<'a> Around<'a> {
    fn of(tag: Option<&'a Tag>) -> Around<'a> {
        Around {
            kind: tag.map(Tag::kind),
            names: tag.and_then(|tag| tag.values.as_deref()),
            unit: tag.and_then(|tag| tag.unit.as_deref()),
            every: tag.map_or(Duration::ZERO, |tag| tag.every),
            range: tag.and_then(range),
        }
    }
}

/// The role of a tag, by its keys; `None` for the tag: it has a mistake, and only the keys are looked at.
pub(super) fn role(section: &Section<'_>, tag: Option<&Tag>) -> Option<Role> {
    let around = &Around::of(tag);
    let word = section.text("role", "role = \"count.good\"");
    let is_count = word.as_deref().is_some_and(|word| word.starts_with("count."));
    let is_counter = is_count || word.as_deref().is_some_and(|word| word.starts_with("energy."));
    let is_word = word.as_deref() == Some("state.word");
    let elsewhere = |keys: &[&'static str], role: &str| section.refuse(keys, own::ROLE_KEY, |t| t.with("role", role));
    if !is_count {
        elsewhere(&COUNT_KEYS, "count.*");
    }
    if !is_counter {
        elsewhere(&["wraps_at"], "count.*, energy.*");
    }
    if !is_word {
        elsewhere(&["states"], "state.word");
    }
    let has_band = word.as_deref() == Some(BAND_WORD);
    if !has_band {
        elsewhere(&["band"], BAND_WORD);
    }
    let word = word?;
    if !WORDS.iter().chain(&MORE_WORDS).any(|known| *known == word) {
        let known = WORDS.iter().chain(&MORE_WORDS).copied().collect::<Vec<_>>().join(", ");
        section.wrong("role", own::NO_SUCH_ROLE, |t| t.with("found", &word).with("known", known));
        return None;
    }
    let states = if is_word { states(section, around) } else { None };
    let rule = is_count.then(|| count_rule(section, around));
    let wraps_at = if is_counter { section.number("wraps_at", "wraps_at = 1000000") } else { None };
    if let Some(at) = wraps_at {
        within(section, "wraps_at", at);
    }
    let band = if has_band { band(section) } else { None };
    of_word(section, "role", &word, around, Rest { states, rule, wraps_at, band })
}

/// What a role has beside its word.
#[derive(Default)]
struct Rest {
    states: Option<StateMap>,
    rule: Option<CountRule>,
    wraps_at: Option<f64>,
    band: Option<Band>,
}

/// A role that stands in `roles = { tag = "..." }` of a device: for tags that come from a profile or a table.
pub(super) fn of_device(device: &Section<'_>, key: &str, word: &str, tag: &Tag) -> Option<Role> {
    let is_possible = |word: &str| word != "state.word" && word != BAND_WORD; // which need keys of their own
    let known = |known: &&&str| **known == word && is_possible(word);
    if WORDS.iter().chain(&MORE_WORDS).find(known).is_none() {
        let all = WORDS.iter().chain(&MORE_WORDS).copied().filter(|word| is_possible(word));
        let all = all.collect::<Vec<_>>().join(", ");
        device.wrong(key, own::NO_SUCH_ROLE, |t| t.with("found", word).with("known", all));
        return None;
    }
    let around = Around::of(Some(tag));
    let rule = word.starts_with("count.").then(CountRule::default);
    of_word(device, key, word, &around, Rest { rule, ..Rest::default() })
}

fn of_word(section: &Section<'_>, key: &str, word: &str, around: &Around<'_>, rest: Rest) -> Option<Role> {
    use ValueKind::{Bool, Float, Int, Text};
    let (subject, detail) = word.split_once('.').unwrap_or((word, ""));
    let kinds: &[ValueKind] = match (subject, detail) {
        ("state", "word") => &[Bool, Int, Float, Text],
        ("state", _) | ("alarm", "word" | "ack") | ("count", "batch") => &[Bool, Int, Float],
        ("alarm" | "stop" | "product" | "program", _) => &[Int, Float, Text],
        _ => &[Int, Float],
    };
    let kind = around.kind?;
    if !kinds.contains(&kind) {
        let known = kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        section
            .wrong(key, own::ROLE_OF_KIND, |t| t.with("role", word).with("found", kind.as_str()).with("known", known));
        return None;
    }
    if matches!(subject, "state" | "process") && around.every > SLOWEST_STATE {
        let (found, max) = (show_span(around.every), show_span(SLOWEST_STATE));
        section.wrong(key, own::SLOW_STATE, |t| t.with("role", word).with("found", found).with("max", max));
    }
    let unit = |units: &[(&str, i64, i64)]| unit(section, key, word, around.unit, units);
    let range = rest.wraps_at.or(around.range);
    Some(match (subject, detail) {
        ("state", "word") => Role::Word(rest.states?),
        ("state", state) => Role::Is(State::parse(state)?),
        ("power", _) => Role::Power(unit(&[("kW", 1_000, 1), ("W", 1, 1), ("MW", 1_000_000, 1), ("千瓦", 1_000, 1)])?),
        ("count", what) => {
            let counted = match what {
                "total" => Counted::Total,
                "good" => Counted::Good,
                "bad" => Counted::Bad,
                "rework" => Counted::Rework,
                _ => Counted::Batch,
            };
            let mut rule = rest.rule.unwrap_or_default();
            rule.is_job |= kind == Bool; // false after true is no reset, and nothing is counted by it
            if rule.is_job && rest.wraps_at.is_some() {
                section.wrong("wraps_at", own::JOB_WRAPS, |t| t);
            }
            let range = range.filter(|_| !rule.is_job);
            Role::Count(counted, CountRule { wraps_at: range, ..rule })
        }
        ("energy", "active") => {
            let unit =
                unit(&[("kWh", 1_000, 1), ("Wh", 1, 1), ("MWh", 1_000_000, 1), ("kW·h", 1_000, 1), ("度", 1_000, 1)]);
            Role::Energy(Medium::Electricity, unit?, range)
        }
        ("energy", "steam") => {
            Role::Energy(Medium::Steam, unit(&[("t", 1, 1), ("kg", 1, 1_000), ("吨", 1, 1)])?, range)
        }
        ("energy", medium) => {
            let medium = Medium::ALL.into_iter().find(|known| known.as_str() == medium)?;
            let unit =
                unit(&[("m³", 1, 1), ("m3", 1, 1), ("Nm³", 1, 1), ("Nm3", 1, 1), ("L", 1, 1_000), ("立方米", 1, 1)]);
            Role::Energy(medium, unit?, range)
        }
        ("alarm", "word") => Role::Alarm,
        ("alarm", "ack") => Role::AlarmAck,
        ("alarm", _) => Role::AlarmCode,
        ("stop", _) => Role::StopReason,
        ("product" | "program", _) => Role::Product,
        ("cycle", _) => Role::CycleTime(unit(&[
            ("s", 1_000_000, 1),
            ("ms", 1_000, 1),
            ("min", 60_000_000, 1),
            ("秒", 1_000_000, 1),
        ])?),
        ("process", _) => Role::Band(rest.band?),
        _ => Role::Cavities,
    })
}

/// Without its unit a meter's figure is off by a thousand before anybody sees it.
fn unit(section: &Section<'_>, key: &str, role: &str, found: Option<&str>, units: &[(&str, i64, i64)]) -> Option<Unit> {
    let known = units.iter().find(|(name, ..)| found.is_some_and(|found| found.trim() == *name));
    if known.is_none() {
        let names = units.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
        let key = if section.has("unit") && key == "role" { "unit" } else { key };
        let found = found.map_or("-".to_owned(), |found| format!("{found:?}"));
        section.wrong(key, own::ROLE_UNIT, |t| t.with("role", role).with("found", found).with("known", names));
    }
    known.map(|(_, num, den)| Unit { num: *num, den: *den })
}

/// Files a number that no counter can have.
fn within(section: &Section<'_>, key: &'static str, number: f64) {
    const MIN: f64 = 0.001;
    const MAX: f64 = 1e12; // beyond it a counter has no thousandths any more
    if !(MIN..=MAX).contains(&number) {
        let found = section.shown(key);
        section.wrong(key, words::OUT_OF_RANGE, |t| t.with("found", found).with("min", MIN).with("max", MAX));
    }
}

fn count_rule(section: &Section<'_>, around: &Around<'_>) -> CountRule {
    let kind = one_of(section, "kind", &["cumulative", "job"], |word| match word {
        "cumulative" => Some(false),
        "job" => Some(true),
        _ => None,
    });
    let counts = one_of(section, "counts", &["pieces", "cycles"], |word| match word {
        "pieces" => Some(false),
        "cycles" => Some(true),
        _ => None,
    });
    let above_zero = |key: &'static str| {
        let number = section.number(key, &format!("{key} = 10"))?;
        within(section, key, number);
        Some(number)
    };
    let is_cycles = counts.or(around.unit.filter(|unit| *unit == "cycles").map(|_| true));
    CountRule {
        is_job: kind == Some(true),
        wraps_at: around.range,
        step: above_zero("counter_step"),
        max_per_minute: above_zero("max_per_minute"),
        is_cycles,
    }
}

/// `states = { 2 = "run", 3 = "fault" }`; where the tag has `values`, by their names.
fn states(section: &Section<'_>, around: &Around<'_>) -> Option<StateMap> {
    const EXAMPLE: &str = "states = { 0 = \"idle\", 2 = \"run\", 3 = \"fault\" }";
    if !section.has("states") {
        section.wrong("states", own::STATES_MISSING, |t| t.with("example", EXAMPLE));
        return None;
    }
    let mut map = StateMap::default();
    for (word, at, state) in section.named_texts("states", EXAMPLE)? {
        let path = section.path_of(&format!("states.{word}"));
        let known = State::ALL.map(State::as_str).join(", ");
        let Some(state_of_word) = State::parse(&state) else {
            let trouble = Trouble::new(own::NOT_A_STATE).with("key", &path).with("found", &state);
            section.doc.mistake(at, trouble.with("known", known));
            continue;
        };
        let is_name = around.names.is_none_or(|names| names.iter().any(|name| name == word));
        let is_number = around.names.is_some() || around.kind == Some(ValueKind::Text) || plain_number(&word).is_some();
        if !is_name || !is_number {
            let known = around.names.map_or("0, 1, 2, ...".to_owned(), |it| it.iter().collect::<Vec<_>>().join(", "));
            let trouble = Trouble::new(own::NOT_A_WORD).with("key", &path).with("found", &word);
            section.doc.mistake(at, trouble.with("known", known));
            continue;
        }
        let word = if around.names.is_none() { plain_number(&word).unwrap_or(word) } else { word };
        map.by_word.insert(word.into(), state_of_word);
    }
    Some(map)
}

/// `0x1F` as `31`, as readings are shown.
pub(super) fn plain_number(word: &str) -> Option<String> {
    let number = match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None => match word {
            "true" => 1,
            "false" => 0,
            word => word.parse().ok()?,
        },
    };
    Some(number.to_string())
}

/// The first number that the place of a counter cannot hold, scaled; `None` where it has no end that counters pass.
fn range(tag: &Tag) -> Option<f64> {
    let bound: i128 = match &tag.origin {
        Origin::Modbus(register) => match register.data_type {
            DataType::U8(_) => 1 << 8,
            DataType::U16 => 1 << 16,
            DataType::U32 => 1 << 32,
            DataType::Bcd16 => 10_000,
            DataType::Bcd32 => 100_000_000,
            _ => return None,
        },
        Origin::Dlt645(item) => {
            let Format::Number { bytes, decimals, .. } = item.format else { return None };
            let digits = (2 * u32::from(bytes)).checked_sub(u32::from(decimals))?;
            10_i128.checked_pow(digits)?
        }
        Origin::OpcUa(_) => return None,
    };
    let span = |scaling: super::modbus::Scaling| scaling.of_int(bound) - scaling.of_int(0);
    Some(tag.scaling.map_or(bound as f64, span)).filter(|range| *range > 0.0)
}
