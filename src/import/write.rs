//! What was imported, written as a workshop file or as a tag table. What must be filled in says so, and the file is valid
//! all the same.

use super::{Device, Imported, Link, Source, Tag};
use crate::config::modbus::{Order, Table};
use crate::config::quoted;
use crate::model::time::show_span;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a line of a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Nothing that could be taken away.
    Frame,
    /// What carries a link.
    Transport(usize),
    /// A setting of a link.
    Setting(usize, usize),
    /// A tag of a device.
    Tag(usize, usize),
}

/// A text whose lines are known.
#[derive(Debug, Default)]
pub struct Page {
    /// The text.
    pub text: String,
    /// What its lines are about.
    pub lines: Vec<About>,
}

impl Page {
    fn put(&mut self, about: About, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.lines.push(about);
    }

    fn frame(&mut self, lines: &str) {
        lines.lines().for_each(|line| self.put(About::Frame, line));
    }
}

const FILL_IN: &str = "TO FILL IN 待填写";

/// A whole file of ours.
pub fn workshop(imported: &Imported, source: Source) -> Page {
    let mut page = Page::default();
    page.frame(&format!(
        r#"# Imported from {}. Lines marked "{FILL_IN}" need you: the old file does not say what belongs there.
# 由 {} 的文件转换而来。标有“{FILL_IN}”的行需要您补充：原文件里没有这些内容。
# Then 然后: cloudward check --config FILE

[workshop]
enterprise = "enterprise"           # {FILL_IN}
id = "workshop"                     # {FILL_IN}
timezone = "Asia/Shanghai"          # {FILL_IN}
"#,
        source.name(),
        source.name()
    ));
    imported.links.iter().enumerate().for_each(|(at, link)| put_link(&mut page, at, link));
    for (at, device) in imported.devices.iter().enumerate() {
        put_device(&mut page, at, device, &imported.links);
    }
    page.frame(&format!(
        r#"
# Nothing leaves before you name a destination.  不写去向，数据不会外送。{FILL_IN}
# [[sink]]
# name = "cloud"
# mqtt = "mqtts://broker.example.com:8883"
# send = ["*", "events"]"#
    ));
    page
}

fn put_link(page: &mut Page, at: usize, link: &Link) {
    page.frame("\n[[link]]");
    page.frame(&format!("name = {}", quoted(&link.name)));
    match &link.transport {
        Some((key, value)) => page.put(About::Transport(at), &format!("{key} = {}", quoted(value))),
        // An address for documents (RFC 5737): nobody is asked by accident.
        None => {
            page.frame(&format!("modbus_tcp = \"192.0.2.{}:{}\"          # {FILL_IN}", 1 + at % 250, 502 + at / 250))
        }
    }
    for (index, (key, value)) in link.settings.iter().enumerate() {
        page.put(About::Setting(at, index), &format!("{key} = {value}"));
    }
}

fn put_device(page: &mut Page, at: usize, device: &Device, links: &[Link]) {
    page.frame("\n[[device]]");
    page.frame(&format!("id = {}", quoted(&device.id)));
    if let Some(label) = &device.label {
        page.frame(&format!("name = {}", quoted(label)));
    }
    if let Some(link) = links.get(device.link) {
        page.frame(&format!("link = {}", quoted(&link.name)));
    }
    match device.unit {
        Some(unit) => page.frame(&format!("unit = {unit}")),
        None => page.frame(&format!("unit = 1                            # {FILL_IN}")),
    }
    if let Some(order) = device.assumed_order {
        page.frame(&format!("order = \"{}\"                      # {FILL_IN}", order_word(order, "u32")));
    }
    let usual = usual_period(&device.tags);
    if let Some(ms) = usual {
        page.frame(&format!("every = \"{}\"", period(ms)));
    }
    page.frame("tags = [");
    for (index, tag) in device.tags.iter().enumerate() {
        let entries = cells(tag, None, tag.every_ms.filter(|ms| Some(*ms) != usual), false);
        let entries = entries.into_iter().map(|(key, value)| format!("{key} = {}", value.toml()));
        page.put(About::Tag(at, index), &format!("    {{ {} }},", entries.collect::<Vec<_>>().join(", ")));
    }
    page.frame("]");
}

/// The period that most tags have.
fn usual_period(tags: &[Tag]) -> Option<u64> {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    tags.iter().filter_map(|tag| tag.every_ms).for_each(|ms| *counts.entry(ms).or_default() += 1);
    counts.into_iter().max_by_key(|(ms, count)| (*count, std::cmp::Reverse(*ms))).map(|(ms, _)| ms)
}

/// A table for `tags_file`. It has a mark, so that spreadsheet programs show Chinese.
pub fn table(device: &Device) -> String {
    const COLUMNS: [&str; 12] = [
        "name", "address", "type", "length", "encoding", "unit", "scale", "offset", "order", "every", "deadband",
        "label",
    ];
    let mut text = format!("\u{feff}{}\n", COLUMNS.join(","));
    for tag in &device.tags {
        let cells = cells(tag, device.assumed_order, tag.every_ms, true);
        let cell = |column: &str| cells.iter().find(|(key, _)| *key == column).map(|(_, value)| value.csv());
        let row: Vec<String> = COLUMNS.iter().map(|column| cell(column).unwrap_or_default()).collect();
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

enum Cell {
    Text(String),
    Number(String),
}

impl Cell {
    fn toml(&self) -> String {
        match self {
            Cell::Text(text) => quoted(text),
            Cell::Number(number) => number.clone(),
        }
    }

    /// RFC 4180: quotes where they are needed.
    fn csv(&self) -> String {
        let (Cell::Text(text) | Cell::Number(text)) = self;
        let text = text.replace(char::is_control, " ");
        match text.contains([',', '"', ';', '\t']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    }
}

/// What is to be said of a tag.
fn cells(tag: &Tag, order: Option<Order>, every_ms: Option<u64>, for_table: bool) -> Vec<(&'static str, Cell)> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let number = |number: f64| Cell::Number(format!("{number:?}"));
    let place = tag.place;
    let part = place.part.map(|part| part.to_string()).unwrap_or_default();
    // A spreadsheet program makes 1 of 00001, and 40010.1 of 40010.10.
    let address = match place.counts_from_one && !for_table {
        true => place.address.reference(),
        false => place.address.to_string(),
    };
    let mut cells = vec![
        ("name", text(&tag.name)),
        ("address", Cell::Text(format!("{address}{part}"))),
        ("type", text(tag.data_type)),
    ];
    if let Some((length, encoding)) = tag.text {
        cells.extend([("length", Cell::Number(length.to_string())), ("encoding", text(encoding))]);
    }
    let order = tag.order.or(order.filter(|_| tag.is_wide())).map(|order| order_word(order, tag.data_type));
    cells.extend(order.map(|order| ("order", text(order))));
    cells.extend(tag.scale.map(|scale| ("scale", number(scale))));
    cells.extend(tag.offset.map(|offset| ("offset", number(offset))));
    cells.extend(tag.unit.as_deref().map(|unit| ("unit", text(unit))));
    cells.extend(every_ms.map(|ms| ("every", Cell::Text(period(ms)))));
    cells.extend(tag.is_on_change.then(|| ("deadband", Cell::Number("0".into()))));
    cells.extend(tag.label.as_deref().map(|label| ("label", text(label))));
    debug_assert!(place.part.is_none() || matches!(place.address.table, Table::Holding | Table::Input));
    cells
}

fn period(ms: u64) -> String {
    show_span(Duration::from_millis(ms))
}

/// The word for an order; a text knows only which byte of a register comes first.
fn order_word(order: Order, data_type: &str) -> &'static str {
    match (data_type, order.low_word_first, order.low_byte_first) {
        ("text", _, false) => "AB",
        ("text", _, true) => "BA",
        (_, false, false) => "ABCD",
        (_, true, false) => "CDAB",
        (_, false, true) => "BADC",
        (_, true, true) => "DCBA",
    }
}
