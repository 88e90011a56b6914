//! A case of tests/cases/probe looked at without a network: what `cloudward probe` would have in hands after its walk. The values move
//! as those of tests/foreign/pymodbus_device.py.

use cloudward::config::modbus::{Address, Table};
use cloudward::probe::{Area, Cells, Findings, Unit};
use serde_json::{Value, json};

const LOOKS: u64 = 8;

/// A random number from 0 to 1 that depends on these alone.
fn chance(parts: &[u64]) -> f64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for part in parts {
        state = (state ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 32;
    }
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

/// The same layout with other numbers. Seed 0: as it is.
pub fn varied(case: &Value, seed: u64) -> Value {
    let mut case = case.clone();
    for (n, value) in case["values"].as_array_mut().unwrap().iter_mut().enumerate() {
        let name = value[0].as_str().unwrap().to_owned();
        let fixed =
            ["clock", "state", "machine_mode", "address", "baud", "year", "month", "day", "hour", "minute", "second"];
        if seed == 0 || !value[4].is_number() || fixed.iter().any(|fixed| name.starts_with(fixed)) {
            continue;
        }
        let (low, high) = match &name {
            name if name.starts_with("freq") || name.starts_with("pf") => (0.99, 1.0),
            name if name.starts_with("u_") => (0.98, 1.02),
            _ => (0.5, 1.7),
        };
        let factor = low + (high - low) * chance(&[seed, n as u64]);
        let raw = value[4].as_f64().unwrap() * factor;
        let most = match value[2].as_str().unwrap() {
            "i16" => 32_000.0,
            "u16" => 65_000.0,
            "bcd32" => 99_000_000.0,
            "i32" => 2e9,
            "u32" => 4e9,
            "bcd16" => 9_900.0,
            _ => f64::MAX,
        };
        let raw = raw.min(most);
        value[4] = if value[4].is_f64() { json!((raw * 1_000.0).round() / 1_000.0) } else { json!(raw.round() as i64) };
    }
    case
}

/// The registers of a value at a request.
fn registers(value: &Value, n: u64, seed: u64) -> Vec<u16> {
    let (kind, order, step) = (value[2].as_str().unwrap(), value[3].as_str().unwrap(), value[5].as_f64().unwrap());
    if kind == "bool" {
        return vec![u16::from(value[4].as_bool().unwrap())];
    }
    if kind == "text" {
        let text = value[4].as_str().unwrap();
        let bytes = match cloudward::model::encoding::Encoding::parse(order) {
            Some(encoding) => encoding.encode(text).unwrap(),
            None if order == "utf-8" => text.as_bytes().to_vec(),
            None => text.encode_utf16().flat_map(u16::to_be_bytes).collect(), // utf-16-be
        };
        return bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])).collect();
    }
    let raw = value[4].as_f64().unwrap();
    let is_int = value[4].is_i64() || value[4].is_u64();
    let is_total = is_int && matches!(kind, "u32" | "u64" | "i64" | "bcd32")
        || raw > 8_000.0 && matches!(kind, "f32" | "f64" | "i32");
    let place = value[1].as_str().unwrap().bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(131) + u64::from(byte));
    let noise = step * (2.0 * chance(&[seed, place, n, raw.to_bits()]) - 1.0);
    let now = match () {
        () if is_total => raw + step * n as f64,
        () if is_int => raw + noise.round(),
        () => raw + noise,
    };
    let whole = now.round() as i64;
    let bytes: Vec<u8> = match kind {
        "f32" => (now as f32).to_be_bytes().to_vec(),
        "f64" => now.to_be_bytes().to_vec(),
        "u16" | "i16" => (whole as u16).to_be_bytes().to_vec(),
        "u32" | "i32" => (whole as u32).to_be_bytes().to_vec(),
        "u64" | "i64" => whole.to_be_bytes().to_vec(),
        "bcd16" | "bcd32" => {
            let digits = kind[3..].parse::<usize>().unwrap() / 4;
            let text = format!("{whole:0digits$}");
            text.as_bytes().chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect()
        }
        other => panic!("{other}"),
    };
    let mut words: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    if matches!(order, "CDAB" | "DCBA") {
        words.reverse();
    }
    if matches!(order, "BADC" | "DCBA") {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    words
}

/// What is found at the device of a case.
pub fn findings(case: &Value, seed: u64) -> Findings {
    let mut tables = Vec::new();
    for table in [Table::Holding, Table::Input, Table::Coil, Table::Discrete] {
        let ranges: Vec<(u16, u16)> = case["ranges"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|range| range[0] == table.as_str())
            .map(|range| (range[1].as_u64().unwrap() as u16, range[2].as_u64().unwrap() as u16))
            .collect();
        if ranges.is_empty() {
            continue;
        }
        let mirror: Vec<&str> = case["mirror"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let at = |n: u64| -> Cells {
            let mut cells: Cells = ranges.iter().flat_map(|(first, last)| (*first..=*last).map(|at| (at, 0))).collect();
            for value in case["values"].as_array().unwrap() {
                let address = Address::parse(value[1].as_str().unwrap()).unwrap();
                if address.table == table
                    || mirror.contains(&address.table.as_str()) && mirror.contains(&table.as_str())
                {
                    let words = registers(value, n, seed);
                    cells.extend(
                        (address.offset..)
                            .zip(words)
                            .filter(|(at, _)| ranges.iter().any(|(a, b)| (a..=b).contains(&at))),
                    );
                }
            }
            cells
        };
        let max = case["max"].as_u64().unwrap_or(125).max(1);
        let registers: u64 = ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum();
        let apart = registers.div_ceil(max).max(1);
        let looks = if table.is_bits() { Vec::new() } else { (0..LOOKS).map(|look| at(300 + look * apart)).collect() };
        tables.push(Area { table, cells: at(100), looks, longest: None, is_endless: false });
    }
    let unit = Unit { id: case["unit"].as_u64().unwrap() as u8, tables };
    Findings { link: "modbus_tcp = \"h\"".into(), units: vec![unit], requests: 1, ..Findings::default() }
}
