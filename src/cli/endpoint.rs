//! What a person types for a device at hand, as the lines of a `[[link]]`: the configuration's own rules say whether it is one.

use crate::config::{Config, Device, Link, Mistake};
use crate::model::Trouble;
use crate::model::words::tools as words;

/// Settings of a serial line and the deadline, where they were given.
pub(super) struct Settings<'a> {
    pub(super) baud: Option<u32>,
    pub(super) parity: Option<&'a str>,
    pub(super) stop_bits: Option<u8>,
    pub(super) timeout: &'a str,
}

/// Whether a serial port is meant.
pub(super) fn is_serial(endpoint: &str) -> bool {
    endpoint.contains('/') && !endpoint.contains("://") && !endpoint.starts_with(RTU_OVER_TCP)
}

const RTU_OVER_TCP: &str = "rtu-over-tcp:";

/// The keys that reach `endpoint`.
pub(super) fn link_keys(endpoint: &str, settings: &Settings<'_>) -> String {
    let (key, place) = match (endpoint.strip_prefix(RTU_OVER_TCP), endpoint.strip_prefix("ascii:")) {
        (Some(place), _) => ("modbus_rtu_tcp", place),
        (_, Some(path)) if is_serial(path) => ("modbus_ascii", path),
        _ if is_serial(endpoint) => ("modbus_rtu", endpoint),
        _ => ("modbus_tcp", endpoint),
    };
    let mut lines = vec![format!("{key} = {}", quoted(place))];
    lines.extend(settings.baud.map(|baud| format!("baud = {baud}")));
    lines.extend(settings.parity.map(|parity| format!("parity = {}", quoted(parity))));
    lines.extend(settings.stop_bits.map(|bits| format!("stop_bits = {bits}")));
    lines.push(format!("timeout = {}", quoted(settings.timeout)));
    lines.join("\n")
}

/// Refuses `COM3`, which would be looked for as a host.
pub(super) fn refuse_windows_port(endpoint: &str) -> Result<(), Trouble> {
    let digits = endpoint.get(..3).filter(|com| com.eq_ignore_ascii_case("com")).map(|_| &endpoint[3..]);
    match digits {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Trouble::new(words::PORT_OF_WINDOWS).with("found", endpoint))
        }
        _ => Ok(()),
    }
}

/// The link that a person means.
pub(super) fn typed_link(endpoint: &str, settings: &Settings<'_>) -> Result<Link, Trouble> {
    refuse_windows_port(endpoint)?;
    link(&link_keys(endpoint, settings))
}

/// The link behind these keys.
pub(super) fn link(keys: &str) -> Result<Link, Trouble> {
    let config = workshop(keys, "")?;
    Ok((*config.links[0]).clone())
}

/// A device with these keys on a link of no importance.
pub(super) fn device(keys: &str) -> Result<Device, Trouble> {
    let config = workshop("modbus_tcp = \"h\"", &format!("[[device]]\nid = \"d\"\nlink = \"l\"\n{keys}"))?;
    Ok((*config.devices[0]).clone())
}

/// A device behind an OPC UA server with these keys, likewise.
#[cfg(feature = "opcua")]
pub(super) fn node(keys: &str) -> Result<Device, Trouble> {
    let config = workshop("opcua = \"opc.tcp://h\"", &format!("[[device]]\nid = \"d\"\nlink = \"l\"\n{keys}"))?;
    Ok((*config.devices[0]).clone())
}

/// A meter with these keys, likewise.
pub(super) fn meter(keys: &str) -> Result<Device, Trouble> {
    let config = workshop("modbus_rtu = \"h\"", &format!("[[device]]\nid = \"d\"\nlink = \"l\"\n{keys}"))?;
    Ok((*config.devices[0]).clone())
}

fn workshop(link: &str, device: &str) -> Result<Config, Trouble> {
    let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[link]]\nname = \"l\"\n";
    let first = |mistakes: Vec<Mistake>| mistakes.into_iter().next().expect("a refusal has a mistake").trouble;
    Config::parse(&format!("{head}{link}\n{device}\n")).map_err(first).map_err(as_typed)
}

/// The same trouble in the words of the command line: nobody typed `device.d.v.length`, but `--length` may be missing.
fn as_typed(mut trouble: Trouble) -> Trouble {
    let option = |key: &str| match key {
        "address" => "ADDRESS".to_owned(),
        "type" => "TYPE".to_owned(),
        "opcua" => "LINK".to_owned(),
        key if key.starts_with("modbus_") => "LINK".to_owned(),
        key => format!("--{}", key.replace('_', "-")),
    };
    for (name, text) in &mut trouble.args {
        match *name {
            "key" => *text = option(text.rsplit('.').next().unwrap_or_default()),
            "example" => {
                if let Some((key, value)) = text.split_once(" = ") {
                    *text = format!("{} {}", option(key), value.trim_matches('"'));
                }
            }
            _ => {}
        }
    }
    trouble
}

/// A string of TOML: that of JSON is one too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `1-10,17`, each from `low` to `high`, in this order.
pub(super) fn numbers(text: &str, low: u8, high: u8) -> Option<Vec<u8>> {
    let mut numbers = Vec::new();
    for part in text.split([',', '，']) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u8, u8) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || first < low || last > high {
            return None;
        }
        numbers.extend((first..=last).filter(|number| !numbers.contains(number)).collect::<Vec<_>>());
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Transport;

    const PLAIN: Settings<'_> = Settings { baud: None, parity: None, stop_bits: None, timeout: "300ms" };

    #[test]
    fn endpoints_are_understood_as_people_type_them() {
        for (typed, shown) in [
            ("192.168.1.10", "192.168.1.10:502"),
            ("192.168.1.10:5020", "192.168.1.10:5020"),
            ("rtu-over-tcp:plc:26", "plc:26"),
            ("/dev/ttyUSB0", "/dev/ttyUSB0 9600 8N1"),
            ("ascii:/dev/ttyS1", "/dev/ttyS1 9600 7N1"),
        ] {
            let link = link(&link_keys(typed, &PLAIN)).unwrap();
            assert_eq!(link.transport.to_string(), shown);
            assert_eq!(matches!(link.transport, Transport::RtuOverTcp { .. }), typed.starts_with("rtu-"));
        }
        assert!(link(&link_keys("no host", &PLAIN)).is_err());
        assert!(link(&link_keys("x\"\nbaud = 1", &PLAIN)).is_err(), "what is typed stays one value");
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_that_were_typed() {
        let said = |trouble: Trouble| trouble.line(crate::model::Lang::En);
        let length = said(device("tags = [{ name = \"v\", address = \"40001\", type = \"text\" }]").unwrap_err());
        assert!(length.contains("`--length` is missing; write e.g. --length 16"), "{length}");
        let address = said(device("tags = [{ name = \"v\", address = \"16\", type = \"u16\" }]").unwrap_err());
        assert!(address.contains("`ADDRESS` is 16"), "{address}");
        for (typed, words) in
            [("COM3", "[CW615]"), ("tcp://plc:502", "`LINK` is \"tcp://plc:502\""), ("a：1", "\"a:1\"")]
        {
            let said = said(typed_link(typed, &PLAIN).unwrap_err());
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn lists_of_numbers_keep_their_order_and_repeat_nothing() {
        assert_eq!(numbers("17,1-3, 2", 0, 255), Some(vec![17, 1, 2, 3]));
        for text in ["", "3-1", "256", "a", "1-", "0"] {
            assert_eq!(numbers(text, 1, 255), None, "{text}");
        }
    }
}
