//! `[[device]]` and its tags.

use std::sync::Arc;
use std::time::Duration;

use super::check::{Unique, name};
use super::files::Files;
use super::gather::Gathering;
use super::modbus::{Order, Register, Scaling};
use super::names::{self, Numbers};
use super::node::{Around, Habits};
use super::read::Section;
use super::server::one_of;
use super::tag_type::{self, order};
use super::write_rule::write_rule;
use super::{
    Areas, Device, Link, Manners, Origin, Tag, causes, equipment, grade, link, meter, node, profile, role, scene, table,
};
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;
use crate::model::{Deadband, Grade, Priority, ReportRule};

/// A scan of so many tags still fits one message of the default size with room to spare.
pub const MAX_TAGS: usize = 4_000;

/// Periods: below 10 ms a field bus cannot follow; above a day a value is not monitored.
pub const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(86_400);

/// What a device's tags inherit; `None` where neither device nor profile say.
pub(super) struct Defaults {
    pub(super) every: Option<Duration>,
    pub(super) order: Option<Order>,
    /// The PLC whose own addresses may stand beside Modbus addresses.
    pub(super) areas: Option<&'static Areas>,
    /// How the device is asked.
    pub(super) protocol: Protocol,
    /// What kind of data they are.
    pub(super) grade: Grade,
    /// No tag has a shorter period.
    pub(super) at_least: Duration,
    /// On OPC UA.
    habits: Habits,
    /// Of the device: no value is split over two requests.
    max_registers: u16,
}

/// In which words the addresses of a device are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Modbus,
    Dlt645,
    OpcUa,
}

impl Protocol {
    pub(super) const ALL: [Protocol; 3] = [Protocol::Modbus, Protocol::Dlt645, Protocol::OpcUa];

    /// The word in register maps.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Protocol::Modbus => "modbus",
            Protocol::Dlt645 => "dlt645",
            Protocol::OpcUa => "opcua",
        }
    }

    fn of(device: &Section<'_>, link: Option<&Link>) -> Protocol {
        let is_opcua = match link {
            Some(link) => link.transport.is_opcua(),
            None => device.has("link") && node::looks_like_nodes(device),
        };
        match (is_opcua, device.has("meter")) {
            (true, _) => Protocol::OpcUa,
            (false, true) => Protocol::Dlt645,
            (false, false) => Protocol::Modbus,
        }
    }
}

pub(super) fn devices(top: &Section<'_>, links: &[Arc<Link>], files: &Files<'_>) -> Vec<Device> {
    let mut devices = Vec::new();
    let mut ids = Unique::default();
    let mut census = equipment::Census::default();
    let usual_causes = causes::causes(top, &causes::Causes::default());
    for section in top.sections("device", "id") {
        let id: Arc<str> = name(&section, "id", "imm-01").unwrap_or_default().into();
        ids.check(&section, "id", &id);
        let shown = section.text("name", "name = \"1号注塑机\"");
        let link = section.text("link", "link = \"press-plc\"");
        if let Some(link) = link.as_deref().filter(|link| links.iter().all(|known| *known.name != **link)) {
            let known: Vec<_> = links.iter().map(|link| link.name.as_ref()).filter(|name| !name.is_empty()).collect();
            let known = if known.is_empty() { "-".to_owned() } else { known.join(", ") };
            section.wrong("link", words::NO_SUCH_LINK, |t| t.with("found", link).with("known", known));
        }
        let of_link = links.iter().find(|known| link.as_deref() == Some(&*known.name)).map(Arc::as_ref);
        let protocol = Protocol::of(&section, of_link);
        let every = section.time("every", PERIODS);
        let priority = one_of(&section, "priority", &Priority::ALL.map(Priority::as_str), Priority::parse);
        let mut defaults = Defaults {
            every,
            order: None,
            areas: None,
            protocol,
            grade: grade::grade(&section, Grade::default()),
            at_least: Duration::ZERO,
            habits: Habits::default(),
            max_registers: Manners::DEFAULT.limits.max_registers,
        };
        let mut manners = of_link.map_or(Manners::DEFAULT, |link| link.manners);
        let station = if protocol == Protocol::OpcUa {
            defaults.habits = node::habits(&section);
            node::station(&section)
        } else {
            node::refuse_on_device(&section);
            manners = link::manners(&section, manners);
            defaults.max_registers = manners.limits.max_registers;
            (defaults.order, defaults.areas) = (order(&section), areas(&section));
            meter::station(&section, of_link)
        };
        let mut gathering = Gathering::new(&section, defaults, every);
        tags(&section, files, &mut gathering);
        let Gathering { mut tags, profile, .. } = gathering;
        if link.is_none() && !section.has("link") && !tags.is_empty() {
            let origin = ["profile", "tags_file"].into_iter().find(|key| section.has(key));
            section.wrong(origin.unwrap_or("tags"), words::TAGS_WITHOUT_LINK, |t| t);
        }
        let (place, kind) = ((station, link.is_some()), profile.as_ref());
        let mut equipment = equipment::equipment(&section, place, kind, &mut tags, &mut census);
        equipment.causes = causes::causes(&section, &usual_causes);
        let equipment = Arc::new(equipment);
        section.finish();
        let (link, profile) = (link.map(Into::into), profile.map(Arc::new));
        let priority = priority.unwrap_or_default();
        devices.push(Device { id, name: shown, link, station, manners, profile, priority, tags, equipment });
    }
    census.close(top, &devices);
    devices
}

/// From the profile, the table and the device itself, in this order.
fn tags(device: &Section<'_>, files: &Files<'_>, gathering: &mut Gathering) {
    profile::gather(device, files, gathering);
    table::gather(device, files, gathering);
    device.sections("tags", "name").iter().for_each(|section| gathering.take(section));
    gathering.close(device, device.has("profile") || device.has("tags_file"));
    let count = gathering.tags.len();
    if count > MAX_TAGS {
        device.wrong("tags", words::TOO_MANY_TAGS, |t| t.with("found", count).with("max", MAX_TAGS));
    }
}

/// The PLC whose own addresses are meant.
pub(super) fn areas(section: &Section<'_>) -> Option<&'static Areas> {
    let text = section.text("addresses", "addresses = \"inovance-h5u\"")?;
    let areas = Areas::find(&text);
    if areas.is_none() {
        section.wrong("addresses", words::NOT_ONE_OF, |t| t.with("found", &text).with("known", Areas::known()));
    }
    areas
}

pub(super) fn tag(section: &Section<'_>, defaults: &Defaults, names: &mut Unique) -> Option<Tag> {
    let name: Option<String> = name(section, "name", "temp");
    names.check(section, "name", name.as_deref().unwrap_or_default());
    let label = section.text("label", "label = \"料筒温度\"");
    let unit = section.text("unit", "unit = \"kW\"").filter(|unit| !unit.is_empty());
    let every = section.time("every", PERIODS).or(defaults.every).unwrap_or(Duration::from_secs(1));
    let every = every.max(defaults.at_least);
    let report = report(section, defaults.protocol);
    let grade = grade::grade(section, defaults.grade);
    let scene = scene::scene(section);
    let scale = section.number("scale", "scale = 0.1");
    let offset = section.number("offset", "offset = -40");
    if scale == Some(0.0) {
        section.wrong("scale", words::SCALE_ZERO, |t| t);
    }
    let is_scaled = scale.is_some() || offset.is_some();
    if defaults.protocol != Protocol::OpcUa {
        node::refuse_on_tag(section);
    }
    let placed = match defaults.protocol {
        Protocol::Dlt645 => meter::tag(section, is_scaled).map(|tag| (Origin::Dlt645(tag.item), tag.numbers, tag.unit)),
        Protocol::Modbus => {
            register(section, defaults, is_scaled).map(|(register, numbers)| (Origin::Modbus(register), numbers, None))
        }
        Protocol::OpcUa => {
            let scale = is_scaled.then(|| scale.filter(|scale| *scale != 0.0).unwrap_or(1.0));
            let around = Around { every, deadband: report.deadband, scale };
            node::tag(section, defaults.habits, &around).map(|(node, numbers)| (Origin::OpcUa(node), numbers, None))
        }
    };
    let values = names::names(section, placed.as_ref().map(|(_, numbers, _)| numbers), is_scaled);
    let write = write_rule(section, placed.as_ref().map(|(origin, ..)| origin), values.is_some());
    let (Some(name), Some((origin, _, usual_unit))) = (name, placed) else {
        role::role(section, None);
        return None;
    };
    let unit = if section.has("unit") { unit } else { usual_unit.map(str::to_owned) };
    let scaling = Scaling::new(scale.unwrap_or(1.0), offset.unwrap_or(0.0));
    let mut tag = Tag {
        name: name.into(),
        label,
        unit: unit.map(Into::into),
        origin,
        scaling,
        values: values.map(Arc::new),
        every,
        report,
        grade,
        write,
        role: None,
        scene,
    };
    tag.role = role::role(section, Some(&tag)).map(Arc::new);
    Some(tag)
}

fn register(section: &Section<'_>, defaults: &Defaults, is_scaled: bool) -> Option<(Register, Numbers)> {
    let placed = tag_type::tag_type(section, is_scaled, defaults.max_registers, defaults.areas);
    let inherited = defaults.order.or(defaults.areas.map(|areas| areas.order)).unwrap_or_default();
    let order = tag_type::order_of(section, placed.map(|(_, data_type)| data_type)).unwrap_or(inherited);
    let (address, data_type) = placed?;
    let numbers = Numbers { word: data_type.as_str().to_owned(), range: data_type.range() };
    Some((Register { address, data_type, order }, numbers))
}

/// What an OPC UA server does not send has not changed: that it is silent needs no deadband.
fn report(section: &Section<'_>, protocol: Protocol) -> ReportRule {
    let silences = Duration::from_secs(1)..=Duration::from_secs(86_400);
    let max_silence = section.time("max_silence", silences);
    let deadband = deadband(section, protocol);
    let needs_deadband = protocol != Protocol::OpcUa;
    if max_silence.is_some() && needs_deadband && !section.has("deadband") {
        section.wrong("max_silence", words::SILENCE_WITHOUT_DEADBAND, |t| t);
    }
    ReportRule {
        deadband: deadband.unwrap_or(Deadband::None),
        max_silence: max_silence.unwrap_or(Duration::from_secs(60)),
    }
}

/// A number in the tag's unit, or text such as `"2%"`. That of a range is the server's alone.
fn deadband(section: &Section<'_>, protocol: Protocol) -> Option<Deadband> {
    if !section.has("deadband") {
        return None;
    }
    if section.peek_text("deadband").is_some_and(|text| text.contains("range")) {
        if protocol != Protocol::OpcUa || node::of_range(section).is_none() {
            section.wrong("deadband", opcua_words::NO_RANGE, |t| t.with("found", section.shown("deadband")));
        }
        return None;
    }
    let parsed = match section.peek_text("deadband") {
        Some(text) => text.trim().strip_suffix('%').and_then(|n| n.trim().parse().ok()).map(Deadband::Percent),
        None => section.peek_number("deadband").map(Deadband::Absolute),
    };
    let usable = parsed.filter(|deadband| match deadband {
        Deadband::Absolute(d) | Deadband::Percent(d) => d.is_finite() && *d >= 0.0,
        Deadband::None => false,
    });
    if usable.is_none() {
        section.wrong("deadband", words::BAD_DEADBAND, |t| t.with("found", section.shown("deadband")));
    }
    usable
}
