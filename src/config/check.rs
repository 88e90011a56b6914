//! From text to [`Config`]: the top of the file, links, and what must fit together across sections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::files::Files;
use super::read::{Doc, Place, Section};
use super::server::one_of;
use super::{
    Config, Device, Journal, Link, Mistake, Persist, Sink, Workshop, clock, device, egress, enterprise, indicators,
    link, metrics, schedule, sink,
};
use crate::model::words::config as words;
use crate::model::words::delivery_config as delivery_words;

/// Longest name of anything: topics of MQTT brokers and platforms are limited, and people read them.
pub(super) const MAX_NAME: usize = 64;

/// The words of `send` that are not devices.
const RESERVED: [&str; 2] = ["events", "indicators"];

pub(super) fn parse(text: &str, files: &Files<'_>) -> Result<Config, Vec<Mistake>> {
    let doc = Doc::new(text);
    let Some(table) = doc.tables(text) else { return Err(doc.into_mistakes()) };
    let top = Section::new(&doc, String::new(), 0, table.get_ref());
    let workshop = workshop(&top);
    let enterprise = enterprise::enterprise(&top);
    let journal = journal(&top);
    let egress = egress::egress(&top);
    let clock = clock::clock(&top);
    let metrics = metrics::metrics(&top);
    let links: Vec<Arc<Link>> = link::links(&top).into_iter().map(Arc::new).collect();
    let devices: Vec<Arc<Device>> = device::devices(&top, &links, files).into_iter().map(Arc::new).collect();
    let sinks: Vec<Arc<Sink>> = sink::sinks(&top, &workshop, &devices).into_iter().map(Arc::new).collect();
    let schedule = schedule::schedule(&top, &devices);
    let indicators = indicators::indicators(&top);
    top.finish();

    let config =
        Config { workshop, enterprise, journal, egress, clock, metrics, links, devices, schedule, indicators, sinks };
    let mistakes = doc.into_mistakes();
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

fn workshop(top: &Section<'_>) -> Workshop {
    let example = "[workshop]";
    let Some(section) = top.section("workshop") else {
        if !top.has("workshop") {
            top.wrong("workshop", words::MISSING_KEY, |t| t.with("example", example));
        }
        return Workshop {
            enterprise: String::new(),
            id: String::new(),
            name: String::new(),
            timezone: String::new(),
            writes: false,
        };
    };
    let enterprise = name(&section, "enterprise", "huada").unwrap_or_default();
    let id = name(&section, "id", "ws1").unwrap_or_default();
    let shown = section.text("name", "name = \"注塑一车间\"").unwrap_or_else(|| id.clone());
    let timezone = section.needed_text("timezone", "timezone = \"Asia/Shanghai\"").unwrap_or_default();
    if !timezone.is_empty() && crate::model::zone(&timezone).is_none() {
        section.wrong("timezone", words::BAD_TIMEZONE, |t| t.with("found", &timezone));
    }
    let writes = section.flag("writes").unwrap_or(false);
    section.finish();
    Workshop { enterprise, id, name: shown, timezone, writes }
}

fn journal(top: &Section<'_>) -> Journal {
    let mut journal = Journal {
        dir: None,
        max_size: None,
        max_age: Duration::from_secs(30 * 86_400),
        commit_interval: Duration::from_secs(1),
        persist: Persist::default(),
        history: Duration::from_secs(7 * 86_400),
        reserve: None,
    };
    let Some(section) = top.section("journal") else { return journal };
    journal.dir = section.file("dir");
    journal.max_size = section.size("max_size", "1MB", "100TB", "2GB");
    let ages = Duration::from_secs(60)..=Duration::from_secs(3_650 * 86_400);
    journal.max_age = section.time("max_age", ages.clone()).unwrap_or(journal.max_age);
    let intervals = Duration::from_millis(100)..=Duration::from_secs(60);
    journal.commit_interval = section.time("commit_interval", intervals).unwrap_or(journal.commit_interval);
    let persist = one_of(&section, "persist", &Persist::ALL.map(Persist::as_str), Persist::parse);
    journal.persist = persist.unwrap_or_default();
    journal.reserve = section.size("reserve", "0MB", "100TB", "200MB");
    if let Some(history) = section.time("history", ages) {
        journal.history = history;
        if journal.persist != Persist::Always {
            section.wrong("history", delivery_words::HISTORY_WITHOUT_ALWAYS, |t| t);
        }
    }
    section.finish();
    journal
}

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port`; `None` where it is none of these.
pub(super) fn host_and_port(text: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    let is_name =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None => default,
    };
    (is_v6 || is_name).then(|| (host.to_owned(), port))
}

/// A name for topics and payloads: letters, digits, `-` and `_`.
pub(super) fn name(section: &Section<'_>, key: &'static str, example: &str) -> Option<String> {
    let text = section.needed_text(key, &format!("{key} = \"{example}\""))?;
    let clean = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if text.is_empty() || text.len() > MAX_NAME || !clean {
        section.wrong(key, words::BAD_NAME, |t| t.with("found", &text).with("max", MAX_NAME).with("example", example));
        return None;
    }
    if RESERVED.contains(&text.as_str()) {
        section.wrong(key, words::RESERVED_NAME, |t| t.with("found", &text));
        return None;
    }
    Some(text)
}

/// Keeps what must be unique, and the line where each stands.
#[derive(Default)]
pub(super) struct Unique {
    places: HashMap<String, Place>,
}

impl Unique {
    /// Files a mistake where the same value stood before. Empty values are somebody else's mistake.
    pub(super) fn check(&mut self, section: &Section<'_>, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let place = section.doc.place(section.at_of(key));
        match self.places.get(value) {
            Some(first) if first.file == place.file => {
                let code = if link::TRANSPORTS.contains(&key) { words::ENDPOINT_TWICE } else { words::DUPLICATE };
                section.wrong(key, code, |t| t.with("found", value).with("first", first.line));
            }
            Some(first) => {
                let file = first.file.as_ref().map_or("the configuration", |file| file.name.as_ref());
                section.wrong(key, words::DUPLICATE_OF_OTHER, |t| {
                    t.with("found", value).with("file", file).with("first", first.line)
                });
            }
            None => {
                self.places.insert(value.to_owned(), place);
            }
        }
    }
}
