//! `[[device]]` and its tags.

use std::sync::Arc;
use std::time::Duration;

use super::check::{Unique, name};
use super::modbus::{Order, Scaling};
use super::names;
use super::read::Section;
use super::tag_type::{self, order};
use super::{Device, Link, Tag};
use crate::model::words::config as words;
use crate::model::{Deadband, ReportRule};

/// A scan of so many tags still fits one message of the default size with room to spare.
const MAX_TAGS: usize = 4_000;

/// Periods: below 10 ms a field bus cannot follow; above a day a value is not monitored.
const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(86_400);

/// What a device's tags inherit.
struct Defaults {
    every: Duration,
    order: Order,
    /// Of the device's link: no value is split over two requests.
    max_registers: u16,
}

pub(super) fn devices(top: &Section<'_>, links: &[Arc<Link>]) -> Vec<Device> {
    let max_registers =
        |name: &str| links.iter().find(|link| *link.name == *name).map(|link| link.limits.max_registers);
    let mut devices = Vec::new();
    let mut ids = Unique::default();
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
        let unit = section.integer("unit", 0..=255).and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        let defaults = Defaults {
            every: section.time("every", PERIODS).unwrap_or(Duration::from_secs(1)),
            order: order(&section).unwrap_or_default(),
            max_registers: link.as_deref().and_then(max_registers).unwrap_or(u16::MAX),
        };
        let tags = tags(&section, &defaults);
        if link.is_none() && !section.has("link") && !tags.is_empty() {
            section.wrong("tags", words::TAGS_WITHOUT_LINK, |t| t);
        }
        section.finish();
        devices.push(Device { id, name: shown, link: link.map(Into::into), unit, tags });
    }
    devices
}

fn tags(device: &Section<'_>, defaults: &Defaults) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut names = Unique::default();
    for section in device.sections("tags", "name") {
        tags.extend(tag(&section, defaults, &mut names));
        section.finish();
    }
    if tags.len() > MAX_TAGS {
        device.wrong("tags", words::TOO_MANY_TAGS, |t| t.with("found", tags.len()).with("max", MAX_TAGS));
    }
    tags
}

fn tag(section: &Section<'_>, defaults: &Defaults, names: &mut Unique) -> Option<Tag> {
    let name: Option<String> = name(section, "name", "temp");
    names.check(section, "name", name.as_deref().unwrap_or_default());
    let label = section.text("label", "label = \"料筒温度\"");
    let unit = section.text("unit", "unit = \"kW\"").filter(|unit| !unit.is_empty());
    let every = section.time("every", PERIODS).unwrap_or(defaults.every);
    let report = report(section);
    let scale = section.number("scale", "scale = 0.1");
    let offset = section.number("offset", "offset = -40");
    if scale == Some(0.0) {
        section.wrong("scale", words::SCALE_ZERO, |t| t);
    }
    let is_scaled = scale.is_some() || offset.is_some();
    let placed = tag_type::tag_type(section, is_scaled, defaults.max_registers);
    let order = tag_type::order_of(section, placed.map(|(_, data_type)| data_type)).unwrap_or(defaults.order);
    let values = names::names(section, placed.map(|(_, data_type)| data_type), is_scaled);
    let (address, data_type) = placed?;
    let scaling = Scaling::new(scale.unwrap_or(1.0), offset.unwrap_or(0.0));
    Some(Tag {
        name: name?.into(),
        label,
        unit: unit.map(Into::into),
        address,
        data_type,
        order,
        scaling,
        values: values.map(Arc::new),
        every,
        report,
    })
}

fn report(section: &Section<'_>) -> ReportRule {
    let silences = Duration::from_secs(1)..=Duration::from_secs(86_400);
    let max_silence = section.time("max_silence", silences);
    let deadband = deadband(section);
    if max_silence.is_some() && deadband.is_none() && !section.has("deadband") {
        section.wrong("max_silence", words::SILENCE_WITHOUT_DEADBAND, |t| t);
    }
    ReportRule {
        deadband: deadband.unwrap_or(Deadband::None),
        max_silence: max_silence.unwrap_or(Duration::from_secs(60)),
    }
}

/// A number in the tag's unit, or text such as `"2%"`.
fn deadband(section: &Section<'_>) -> Option<Deadband> {
    if !section.has("deadband") {
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
