//! `[[link]]`: what carries it, and what one request may ask for.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::check::{Unique, host_and_port, name};
use super::read::{Section, halfwidth};
use super::{Link, Manners, Parity, ReadLimits, SerialLine, Transport, server};
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// The keys that say what carries a link; exactly one of them.
pub(super) const TRANSPORTS: [&str; 6] =
    ["modbus_tcp", "modbus_rtu", "modbus_ascii", "modbus_rtu_tcp", "modbus_rtu_listen", "opcua"];

pub(super) fn links(top: &Section<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut names = Unique::default();
    let mut endpoints = Unique::default();
    for section in top.sections("link", "name") {
        let name: Arc<str> = name(&section, "name", "press-plc").unwrap_or_default().into();
        names.check(&section, "name", &name);
        let transport = transport(&section, &mut endpoints);
        let short = Duration::from_millis(10)..=Duration::from_secs(60);
        let retry = section.time("retry", pauses()).unwrap_or(Duration::from_secs(1));
        let retry_max = section.time("retry_max", pauses()).unwrap_or(Duration::from_secs(60).max(retry));
        if retry > retry_max {
            section.wrong("retry", words::RETRY_ABOVE_MAX, |t| t);
        }
        let (timeout, connect_timeout) = if transport.is_opcua() { PATIENCE_WITH_SERVERS } else { PATIENCE };
        let timeout = section.time("timeout", short.clone()).unwrap_or(timeout);
        let connect_timeout = section.time("connect_timeout", short).unwrap_or(connect_timeout);
        let (mut manners_of_link, mut pause_after_connect, mut close_after_cycle) =
            (Manners::DEFAULT, Duration::ZERO, false);
        if !transport.is_opcua() {
            manners_of_link = manners(&section, Manners::DEFAULT);
            pause_after_connect = section.time("pause_after_connect", quiet()).unwrap_or(Duration::ZERO);
            close_after_cycle = section.flag("close_after_cycle").unwrap_or(false);
            if section.has("close_after_cycle") && !transport.is_dialled() {
                section.wrong("close_after_cycle", words::NOTHING_TO_CLOSE, |t| t);
            }
        }
        section.finish();
        links.push(Link {
            name,
            transport,
            timeout,
            connect_timeout,
            retry,
            retry_max,
            manners: manners_of_link,
            pause_after_connect,
            close_after_cycle,
        });
    }
    links
}

/// For an answer and for a connection.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3));

/// A PLC takes some seconds for the keys of a session: its processor is busy with the machine.
const PATIENCE_WITH_SERVERS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(5));

fn pauses() -> RangeInclusive<Duration> {
    Duration::from_millis(100)..=Duration::from_secs(3_600)
}

fn quiet() -> RangeInclusive<Duration> {
    Duration::ZERO..=Duration::from_secs(10)
}

/// How a device wants to be asked; what is not said is as in `inherited`.
pub(super) fn manners(section: &Section<'_>, inherited: Manners) -> Manners {
    let Manners { limits, pause } = inherited;
    Manners {
        limits: ReadLimits {
            max_registers: whole(section, "max_registers", 1..=125, limits.max_registers),
            max_bits: whole(section, "max_bits", 1..=2000, limits.max_bits),
            max_gap: whole(section, "max_gap", 0..=1000, limits.max_gap),
            one_by_one: section.flag("one_by_one").unwrap_or(limits.one_by_one),
        },
        pause: section.time("pause", quiet()).unwrap_or(pause),
    }
}

impl Manners {
    /// The most that the standard allows, without waiting.
    pub const DEFAULT: Manners = Manners {
        limits: ReadLimits { max_registers: 125, max_bits: 2000, max_gap: 16, one_by_one: false },
        pause: Duration::ZERO,
    };
}

fn whole(section: &Section<'_>, key: &'static str, range: RangeInclusive<i64>, default: u16) -> u16 {
    section.integer(key, range).and_then(|n| u16::try_from(n).ok()).unwrap_or(default)
}

/// Exactly one of [`TRANSPORTS`]. Where it is wrong, something of the right shape stands in, so that reading goes on.
fn transport(section: &Section<'_>, endpoints: &mut Unique) -> Transport {
    let given: Vec<&'static str> = TRANSPORTS.into_iter().filter(|key| section.has(key)).collect();
    if given == ["opcua"] {
        return Transport::OpcUa(Box::new(server::server(section, endpoints)));
    }
    if given.contains(&"opcua") {
        section.pass_over(&server::KEYS); // that there are several is told, and which keys fit depends on it
    } else {
        section.refuse(&server::KEYS, opcua_words::KEY_ELSEWHERE, |t| t);
    }
    let serial = serial_settings(section);
    let (registration, heartbeat) = (pattern(section, "registration"), pattern(section, "heartbeat"));
    let nothing = Transport::ModbusTcp { host: String::new(), port: 0 };
    let key = match given[..] {
        [key] => key,
        [] => {
            section.wrong("modbus_tcp", words::NO_TRANSPORT, |t| t.with("known", TRANSPORTS.join(", ")));
            return nothing;
        }
        [_, second, ..] => {
            section.wrong(second, words::SEVERAL_TRANSPORTS, |t| t.with("found", given.join(", ")));
            return nothing;
        }
    };
    if key == "modbus_rtu" || key == "modbus_ascii" {
        let Some(path) = section.file(key) else { return nothing };
        endpoints.check(section, key, &path.display().to_string());
        let is_ascii = key == "modbus_ascii";
        if !is_ascii && serial.data_bits == 7 {
            section.wrong("data_bits", words::RTU_NEEDS_8_BITS, |t| t);
        }
        return Transport::Serial(SerialLine { path, is_ascii, ..serial });
    }
    for setting in SERIAL_SETTINGS {
        if section.has(setting) {
            section.wrong(setting, words::SERIAL_KEY_ON_SOCKET, |t| t.with("transport", key));
        }
    }
    if key == "modbus_rtu_listen" {
        return listen(section, endpoints, registration, heartbeat).unwrap_or(nothing);
    }
    for pattern in ["registration", "heartbeat"] {
        if section.has(pattern) {
            section.wrong(pattern, words::DTU_KEY_ELSEWHERE, |t| t.with("transport", key));
        }
    }
    let Some((host, port)) = endpoint(section, key) else { return nothing };
    endpoints.check(section, key, &format!("{host}:{port}"));
    if key == "modbus_tcp" { Transport::ModbusTcp { host, port } } else { Transport::RtuOverTcp { host, port } }
}

/// A port on which units dial in. Several links share one, each with a registration of its own.
fn listen(
    section: &Section<'_>,
    endpoints: &mut Unique,
    registration: Option<Vec<u8>>,
    heartbeat: Option<Vec<u8>>,
) -> Option<Transport> {
    let example = "modbus_rtu_listen = \"0.0.0.0:5021\"";
    let listen = section.needed_text("modbus_rtu_listen", example)?;
    if listen.parse::<std::net::SocketAddr>().is_err() {
        section.wrong("modbus_rtu_listen", words::BAD_LISTEN, |t| t.with("found", &listen));
        return None;
    }
    let shown = registration.as_deref().map(|bytes| bytes.escape_ascii().to_string()).unwrap_or_default();
    endpoints.check(section, "modbus_rtu_listen", &format!("{listen} {shown}"));
    Some(Transport::RtuListen { listen, registration, heartbeat })
}

/// Text, or bytes as `hex:01 AF`.
fn pattern(section: &Section<'_>, key: &'static str) -> Option<Vec<u8>> {
    const LONGEST: usize = 128;
    let text = section.text(key, &format!("{key} = \"DTU-0017\""))?;
    let bytes = match text.strip_prefix("hex:") {
        None => Some(text.clone().into_bytes()),
        Some(hex) => {
            let digits: String = hex.split_whitespace().collect();
            let byte = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
            if digits.len().is_multiple_of(2) { (0..digits.len()).step_by(2).map(byte).collect() } else { None }
        }
    };
    let usable = bytes.filter(|bytes| !bytes.is_empty() && bytes.len() <= LONGEST);
    if usable.is_none() {
        section.wrong(key, words::BAD_PATTERN, |t| t.with("found", &text).with("max", LONGEST));
    }
    usable
}

const SERIAL_SETTINGS: [&str; 5] = ["baud", "data_bits", "parity", "stop_bits", "rs485"];

fn serial_settings(section: &Section<'_>) -> SerialLine {
    let parity = section.text("parity", "parity = \"even\"");
    let parity = match parity.as_deref() {
        None | Some("none") => Parity::None,
        Some("even") => Parity::Even,
        Some("odd") => Parity::Odd,
        Some(other) => {
            section.wrong("parity", words::NOT_ONE_OF, |t| t.with("found", other).with("known", "none, even, odd"));
            Parity::None
        }
    };
    // ASCII frames fit 7 bits, and the standard's default for them is 7.
    let default_bits = if section.has("modbus_ascii") { 7 } else { 8 };
    SerialLine {
        path: PathBuf::new(),
        is_ascii: false,
        data_bits: section.integer("data_bits", 7..=8).and_then(|n| u8::try_from(n).ok()).unwrap_or(default_bits),
        baud: section.integer("baud", 300..=4_000_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(9_600),
        parity,
        stop_bits: section.integer("stop_bits", 1..=2).and_then(|n| u8::try_from(n).ok()).unwrap_or(1),
        rs485: section.flag("rs485").unwrap_or(false),
    }
}

/// `host`, `host:port`, `[v6]:port`.
fn endpoint(section: &Section<'_>, key: &'static str) -> Option<(String, u16)> {
    const MODBUS_PORT: u16 = 502;
    let text = section.needed_text(key, &format!("{key} = \"192.168.1.10:502\""))?;
    let parsed = host_and_port(&text, MODBUS_PORT);
    if parsed.is_none() {
        let plain = halfwidth(&text);
        if plain == text {
            section.wrong(key, words::BAD_ENDPOINT, |t| t.with("found", &text));
        } else {
            section.wrong(key, words::FULLWIDTH, |t| t.with("found", &text).with("plain", plain));
        }
    }
    parsed
}
