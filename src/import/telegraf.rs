//! Telegraf: the `[[inputs.modbus]]` sections of a configuration, in all three styles: by register, by request, by metric.
//!
//! Source: Telegraf, plugins/inputs/modbus/README.md. Addresses there count from 0.

mod document;
mod field;

use toml::de::DeTable;

use super::gather::{Entry, Gathered, shown};
use super::{Device, Link, Tag};
use crate::config::modbus::Table;
use crate::config::quoted;
use crate::model::words::import as words;
use document::{File, Node, integer};
use field::{Wire, field_tag, of_register};

/// Whether this looks like such a file.
pub(super) fn is_ours(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().replace(' ', "").starts_with("[[inputs.modbus]]"))
}

/// Reads such a file.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered, String> {
    let text = crate::model::encoding::decode_file(bytes).ok_or("no text")?;
    let text = text.trim_start_matches('\u{feff}');
    let file = File::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        let at = error.span().map_or(0, |span| span.start);
        return Err(format!("line {}: {}", file.line(at), error.message().replace('\n', ", ")));
    }
    let top = Node { file: &file, at: 0, table: document.get_ref() };
    let inputs = top.node("inputs").map(|inputs| inputs.nodes("modbus")).unwrap_or_default();
    if inputs.is_empty() {
        return Err("no [[inputs.modbus]]".into());
    }
    let agent_interval = top.node("agent").and_then(|agent| agent.text("interval").map(|(_, text)| text.to_owned()));
    let mut gathered = Gathered::default();
    for input in &inputs {
        section(input, agent_interval.as_deref(), &mut gathered);
    }
    Ok(gathered)
}

/// Keys of a section that are understood, and those that ask for nothing that we would do otherwise.
const KEYS: [&str; 24] = [
    "name",
    "controller",
    "slave_id",
    "timeout",
    "interval",
    "transmission_mode",
    "baud_rate",
    "data_bits",
    "parity",
    "stop_bits",
    "rs485",
    "configuration_type",
    "discrete_inputs",
    "coils",
    "holding_registers",
    "input_registers",
    "request",
    "metric",
    "optimization",
    "optimization_max_register_fill",
    "debug_connection",
    "workarounds",
    "tags",
    "exclude_register_type_tag",
];

/// Keys of `workarounds` that a link has too.
const WORKAROUNDS: [&str; 4] =
    ["pause_between_requests", "pause_after_connect", "close_connection_after_gather", "one_request_per_field"];

fn section(input: &Node<'_>, agent_interval: Option<&str>, gathered: &mut Gathered) {
    input.lose_others("", &KEYS, gathered);
    for key in ["workarounds", "tags", "rs485"] {
        if let Some(node) = input.node(key) {
            let known: &[&str] = if key == "workarounds" { &WORKAROUNDS } else { &[] };
            node.lose_others(&format!("{key}."), known, gathered);
        }
    }
    let name = input.text("name").map_or("modbus", |(_, name)| name);
    let link = link(input, name, gathered);
    let every_ms = every(input, agent_interval, gathered);
    let mut into = Into { link, name, every_ms, gathered };
    let style = input.text("configuration_type").map_or("register", |(_, style)| style);
    match style {
        "request" => input.nodes("request").iter().for_each(|request| block(request, &mut into, "request.")),
        "metric" => input.nodes("metric").iter().for_each(|metric| block(metric, &mut into, "metric.")),
        "register" if input.get("request").is_some() && !has_registers(input) => {
            // The style defaults to registers, but nothing else stands there.
            input.nodes("request").iter().for_each(|request| block(request, &mut into, "request."));
        }
        "register" => registers(input, &mut into),
        other => into.gathered.lose_setting(input.line(), "configuration_type", other),
    }
    for (key, belongs) in [("request", "request"), ("metric", "metric")] {
        let is_used = style == belongs || (belongs == "request" && style == "register" && !has_registers(input));
        if !is_used && input.get(key).is_some() {
            gathered.lose_setting(input.line(), key, "[[...]]");
        }
    }
}

const TABLES: [(&str, Table); 4] = [
    ("coils", Table::Coil),
    ("discrete_inputs", Table::Discrete),
    ("holding_registers", Table::Holding),
    ("input_registers", Table::Input),
];

fn has_registers(input: &Node<'_>) -> bool {
    TABLES.iter().any(|(key, _)| input.get(key).is_some())
}

/// Where tags go.
struct Into<'a> {
    link: usize,
    name: &'a str,
    every_ms: Option<u64>,
    gathered: &'a mut Gathered,
}

impl Into<'_> {
    fn put(&mut self, unit: u8, mut tag: Tag) {
        tag.every_ms = self.every_ms;
        let devices = &mut self.gathered.imported.devices;
        let at = devices.iter().position(|device| device.link == self.link && device.unit == Some(unit));
        let at = at.unwrap_or_else(|| {
            let is_first = !devices.iter().any(|device| device.id == self.name);
            let id = if is_first { self.name.to_owned() } else { format!("{}-{unit}", self.name) };
            devices.push(Device {
                id,
                label: None,
                link: self.link,
                unit: Some(unit),
                assumed_order: None,
                tags: Vec::new(),
            });
            devices.len() - 1
        });
        devices[at].tags.push(tag);
    }
}

fn link(input: &Node<'_>, name: &str, gathered: &mut Gathered) -> usize {
    let mut settings = Vec::new();
    let (line, controller) = input.text("controller").unwrap_or((input.line(), ""));
    let mode = input.text("transmission_mode").map_or("", |(_, mode)| mode);
    let transport = match (controller.split_once("://"), mode) {
        (Some(("tcp", endpoint)), "" | "auto" | "TCP") => Some(("modbus_tcp", endpoint.to_owned())),
        (Some(("tcp", endpoint)), "RTUoverTCP") => Some(("modbus_rtu_tcp", endpoint.to_owned())),
        (Some(("file" | "serial", path)), "" | "auto" | "RTU") if path.starts_with('/') => {
            Some(("modbus_rtu", path.to_owned()))
        }
        (Some(("file" | "serial", path)), "ASCII") if path.starts_with('/') => Some(("modbus_ascii", path.to_owned())),
        _ => None,
    };
    if transport.is_none() {
        let found = format!("{controller} {mode}");
        gathered.lose_setting(line, "controller", found.trim());
        for key in ["baud_rate", "data_bits", "stop_bits", "parity"] {
            if let Some(value) = input.get(key) {
                let found = input.file.text.get(value.span()).unwrap_or_default();
                gathered.lose_setting(input.file.line(value.span().start), key, found);
            }
        }
    }
    if matches!(transport, Some(("modbus_rtu" | "modbus_ascii", _))) {
        for (key, ours) in [("baud_rate", "baud"), ("data_bits", "data_bits"), ("stop_bits", "stop_bits")] {
            settings.extend(input.integer(key).map(|number| (ours, number.to_string())));
        }
        match input.text("parity") {
            None => {}
            Some((_, "N")) => settings.push(("parity", quoted("none"))),
            Some((_, "E")) => settings.push(("parity", quoted("even"))),
            Some((_, "O")) => settings.push(("parity", quoted("odd"))),
            Some((line, other)) => gathered.lose_setting(line, "parity", other),
        }
        // Telegraf's defaults are 9600 8N1, ours 7 data bits for ASCII.
        if input.get("data_bits").is_none() && mode == "ASCII" {
            settings.push(("data_bits", "8".into()));
        }
    }
    if let Some((line, text)) = input.text("timeout") {
        match milliseconds(text) {
            Some(ms) => settings.push(("timeout", quoted(&format!("{ms}ms")))),
            None => gathered.lose_setting(line, "timeout", text),
        }
    }
    if let Some(workarounds) = input.node("workarounds") {
        manners(&workarounds, &mut settings, gathered);
    }
    let links = &mut gathered.imported.links;
    let same = links.iter().position(|link| transport.is_some() && link.transport == transport);
    match same {
        Some(at) => {
            if links[at].settings != settings {
                gathered.lose_setting(line, "controller", "timeout, baud_rate, ...");
            }
            at
        }
        None => {
            links.push(Link { name: name.to_owned(), transport, settings });
            links.len() - 1
        }
    }
}

/// How the device wants to be asked.
fn manners(workarounds: &Node<'_>, settings: &mut Vec<(&'static str, String)>, gathered: &mut Gathered) {
    for (theirs, ours) in [("pause_between_requests", "pause"), ("pause_after_connect", "pause_after_connect")] {
        match workarounds.text(theirs).map(|(line, text)| (line, text, milliseconds(text))) {
            None => {}
            Some((_, _, Some(ms))) => settings.push((ours, quoted(&format!("{ms}ms")))),
            Some((line, text, None)) => gathered.lose_setting(line, theirs, text),
        }
    }
    for (theirs, ours) in
        [("close_connection_after_gather", "close_after_cycle"), ("one_request_per_field", "one_by_one")]
    {
        if workarounds.flag(theirs) {
            settings.push((ours, "true".into()));
        }
    }
}

/// The period of a section: its own, the agent's, or Telegraf's default.
fn every(input: &Node<'_>, agent_interval: Option<&str>, gathered: &mut Gathered) -> Option<u64> {
    const DEFAULT: &str = "10s";
    let own = input.text("interval").map(|(_, text)| text);
    let text = own.or(agent_interval).unwrap_or(DEFAULT);
    let entry = Entry { line: input.line(), name: "interval" };
    match milliseconds(text) {
        Some(ms) => Some(gathered.period(entry, ms)),
        None => {
            gathered.lose_setting(entry.line, "interval", text);
            None
        }
    }
}

/// A duration of Go: `1m30s`, `500ms`.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "ms" => 1.0,
                "s" => 1e3,
                "m" => 60e3,
                "h" => 3_600e3,
                _ => return None,
            };
        rest = &rest[end..];
    }
    (total <= 1e15 && total.fract() == 0.0).then_some(total as u64)
}

/// The style by register: one unit for all.
fn registers(input: &Node<'_>, into: &mut Into<'_>) {
    let Some(unit) = unit(input, into.gathered) else { return };
    for (key, table) in TABLES {
        for field in input.nodes(key) {
            field.lose_others(
                "",
                &["name", "byte_order", "data_type", "scale", "address", "measurement", "bit", "length"],
                into.gathered,
            );
            let entry = Entry { line: field.line(), name: field.text("name").map_or("", |(_, name)| name) };
            lose_measurement(&field, entry, into.gathered);
            match of_register(&field, entry, table) {
                Ok(tag) => into.put(unit, tag),
                Err(trouble) => into.gathered.lose(trouble),
            }
        }
    }
}

/// One `[[request]]` or `[[metric]]`.
fn block(block: &Node<'_>, into: &mut Into<'_>, path: &str) {
    let known = [
        "slave_id",
        "byte_order",
        "register",
        "fields",
        "measurement",
        "tags",
        "optimization",
        "optimization_max_register_fill",
    ];
    block.lose_others(path, &known, into.gathered);
    if let Some(tags) = block.node("tags") {
        tags.lose_others(&format!("{path}tags."), &[], into.gathered);
    }
    let Some(unit) = unit(block, into.gathered) else { return };
    let entry = Entry { line: block.line(), name: path.trim_end_matches('.') };
    lose_measurement(block, entry, into.gathered);
    let default_register = block.text("register").map_or("holding", |(_, register)| register);
    let order = block.text("byte_order").map(|(_, order)| order);
    for field in block.nodes("fields") {
        field.lose_others(
            "",
            &["address", "name", "type", "scale", "output", "measurement", "omit", "register", "length", "bit"],
            into.gathered,
        );
        if field.flag("omit") {
            continue; // it is not read there either
        }
        let entry = Entry { line: field.line(), name: field.text("name").map_or("", |(_, name)| name) };
        lose_measurement(&field, entry, into.gathered);
        let register = field.text("register").map_or(default_register, |(_, register)| register);
        let table = Table::ALL.into_iter().find(|table| table.as_str() == register);
        let found = table
            .ok_or_else(|| entry.trouble(words::ADDRESS_LEFT_OUT).with("found", shown(register)))
            .and_then(|table| {
                let first = field
                    .integer("address")
                    .ok_or_else(|| entry.trouble(words::ADDRESS_LEFT_OUT).with("found", "?"))?;
                let kind = field.text("type").map_or("", |(_, kind)| kind);
                field_tag(&field, entry, Wire { table, first, registers: None, kind, order })
            });
        match found {
            Ok(tag) => {
                let output = field.text("output").map_or("", |(_, output)| output);
                if tag.scale.is_some() && output.contains("INT") {
                    into.gathered.lose(entry.trouble(words::ROUNDING_LEFT_OUT).with("found", shown(output)));
                }
                into.put(unit, tag);
            }
            Err(trouble) => into.gathered.lose(trouble),
        }
    }
}

/// The unit of a section; Telegraf takes 0 where there is none.
fn unit(node: &Node<'_>, gathered: &mut Gathered) -> Option<u8> {
    let Some(found) = node.get("slave_id") else { return Some(0) };
    let unit = integer(found.get_ref()).and_then(|unit| u8::try_from(unit).ok());
    if unit.is_none() {
        let text = node.file.text.get(found.span()).unwrap_or_default();
        gathered.lose_setting(node.line(), "slave_id", text);
    }
    unit
}

/// We know devices and tags; which series a value goes to is the receiver's matter.
fn lose_measurement(node: &Node<'_>, entry: Entry<'_>, gathered: &mut Gathered) {
    if let Some((line, measurement)) = node.text("measurement").filter(|(_, name)| *name != "modbus") {
        let key = format!("{} measurement", shown(entry.name));
        gathered.lose_setting(line, &key, measurement);
    }
}
