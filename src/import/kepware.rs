//! Kepware: the tags of one device, as KEPServerEX exports them from its menu (CSV).
//!
//! Sources: KEPServerEX help, "CSV import and export"; Modbus Ethernet driver help, "Modbus addressing". The driver's
//! settings (IP, unit id, byte order) are not in the file.

use super::gather::{Entry, Gathered, put_scaling, shown};
use super::sheet::{Sheet, number};
use super::{Device, Link, Place, Tag};
use crate::config::modbus::{Address, Order, Part, Table};
use crate::model::Trouble;
use crate::model::words::import as words;

/// All columns that the product writes.
const KNOWN: [&str; 17] = [
    "tag name",
    "address",
    "data type",
    "respect data type",
    "client access",
    "scan rate",
    "scaling",
    "raw low",
    "raw high",
    "scaled low",
    "scaled high",
    "scaled data type",
    "clamp low",
    "clamp high",
    "eng units",
    "description",
    "negate value",
];

/// The driver's default: "First Word Low" is on for 32-bit values.
const DEFAULT_ORDER: Order = Order { low_word_first: true, low_byte_first: false };

fn is_head(cells: &[String]) -> bool {
    ["tag name", "address", "data type"].iter().all(|needed| cells.iter().any(|cell| cell == needed))
}

/// Whether this looks like such a file.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    Sheet::read(bytes, is_head).is_ok()
}

/// Reads such a file.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered, String> {
    let sheet = Sheet::read(bytes, is_head)?;
    let mut gathered = Gathered::default();
    for (column, row, found) in sheet.unknown(&KNOWN) {
        gathered.lose_setting(row.number, column, found);
    }
    let mut tags = Vec::new();
    let digits = |row| sheet.cell(row, &["address"]).bytes().take_while(u8::is_ascii_digit).count();
    let usual_digits = sheet.rows.iter().map(digits).filter(|digits| *digits <= 6).max().unwrap_or_default();
    for row in &sheet.rows {
        let cell = |name: &str| sheet.cell(row, &[name]);
        let entry = Entry { line: row.number, name: cell("tag name") };
        if entry.name.is_empty() || entry.name.starts_with([';', '#']) {
            gathered
                .lose(Trouble::new(words::NO_TAG).with("line", row.number).with("found", shown(&row.cells.join(","))));
            continue;
        }
        match tag(entry, &cell, usual_digits, &mut gathered) {
            Ok(tag) => tags.push(tag),
            Err(trouble) => gathered.lose(trouble),
        }
    }
    gathered.ask(Trouble::new(words::PLACE_UNKNOWN));
    if tags.iter().any(Tag::is_wide) {
        gathered.ask(Trouble::new(words::ORDER_ASSUMED).with("order", "CDAB"));
    }
    gathered.imported.links.push(Link { name: "kepware".into(), transport: None, settings: Vec::new() });
    gathered.imported.devices.push(Device {
        id: "device".into(),
        label: None,
        link: 0,
        unit: None,
        assumed_order: Some(DEFAULT_ORDER),
        tags,
    });
    Ok(gathered)
}

fn tag<'a>(
    entry: Entry<'a>,
    cell: &dyn Fn(&str) -> &'a str,
    usual_digits: usize,
    gathered: &mut Gathered,
) -> Result<Tag, Trouble> {
    let (address, kind) = (cell("address"), cell("data type"));
    let access = cell("client access").to_ascii_uppercase().replace('/', "");
    if matches!(access.as_str(), "WO" | "W") {
        return Err(entry.trouble(words::WRITE_ONLY));
    }
    let bad_address = || entry.trouble(words::ADDRESS_LEFT_OUT).with("found", shown(address));
    if address.contains('[') || kind.to_ascii_lowercase().contains("array") {
        return Err(entry
            .trouble(words::ARRAY_LEFT_OUT)
            .with("found", format_args!("{} {}", shown(address), shown(kind))));
    }
    let (place, tail) = place(address, usual_digits).ok_or_else(bad_address)?;
    let mut tag = typed(entry, address, kind, place, tail, gathered)?;
    scale(entry, cell, &mut tag, gathered)?;
    if matches!(access.as_str(), "RW") {
        gathered.was_writable(entry);
    }
    match cell("scan rate") {
        "" => {}
        rate => match rate.parse() {
            Ok(ms) => tag.every_ms = Some(gathered.period(entry, ms)),
            Err(_) => gathered.lose_setting(entry.line, "scan rate", rate),
        },
    }
    let filled = |name: &str| Some(cell(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    tag.unit = filled("eng units");
    tag.label = filled("description");
    Ok(tag)
}

/// What stands behind the dot.
enum Tail<'a> {
    Nothing,
    Number(&'a str),
    /// A text of so many bytes; whether the low byte comes first, where that is said.
    Text(u32, Option<bool>),
}

/// `400010`, `40010.3`, `400100.20H`. Fewer digits than five, or than the others have, are not taken: a spreadsheet program
/// may have eaten the zeros before them, and then they would name another table: `10017` was `010017`, a coil.
fn place(text: &str, usual_digits: usize) -> Option<(Address, Tail<'_>)> {
    let (head, tail) = text.trim().split_once('.').map_or((text.trim(), None), |(head, tail)| (head, Some(tail)));
    let address =
        Address::parse(head).filter(|_| head.bytes().all(|b| b.is_ascii_digit()) && head.len() >= usual_digits)?;
    let tail = match tail {
        None => Tail::Nothing,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => Tail::Number(digits),
        Some(text) => {
            let is_low_first = match text.bytes().last()?.to_ascii_uppercase() {
                b'H' => false,
                b'L' => true,
                _ => return None,
            };
            Tail::Text(text.get(..text.len() - 1)?.parse().ok()?, Some(is_low_first))
        }
    };
    Some((address, tail))
}

fn typed(
    entry: Entry<'_>,
    address: &str,
    kind: &str,
    at: Address,
    tail: Tail<'_>,
    gathered: &mut Gathered,
) -> Result<Tag, Trouble> {
    let whole = Place { address: at, part: None, counts_from_one: true };
    let make = |word| Ok(Tag::new(entry.name, entry.line, whole, word));
    let bad = || entry.trouble(words::TYPE_LEFT_OUT).with("found", shown(kind)).with("address", shown(address));
    let is_bits = matches!(at.table, Table::Coil | Table::Discrete);
    let kind = kind.to_ascii_lowercase();
    match (kind.as_str(), tail) {
        ("boolean" | "default" | "", Tail::Nothing) if is_bits => make("bool"),
        (_, _) if is_bits => Err(bad()),
        ("boolean" | "default" | "", Tail::Number(bit)) => {
            let part = Part::parse(bit).ok_or_else(bad)?;
            Ok(Tag::new(entry.name, entry.line, Place { part: Some(part), ..whole }, "bool"))
        }
        ("string", Tail::Text(length, is_low_first)) => text(entry, whole, length, is_low_first, gathered),
        ("string", Tail::Number(length)) => text(entry, whole, length.parse().map_err(|_| bad())?, None, gathered),
        (_, Tail::Number(_) | Tail::Text(..)) => Err(bad()),
        // The driver's default for registers.
        ("word" | "default" | "", Tail::Nothing) => make("u16"),
        ("short", Tail::Nothing) => make("i16"),
        ("dword", Tail::Nothing) => make("u32"),
        ("long", Tail::Nothing) => make("i32"),
        ("qword", Tail::Nothing) => make("u64"),
        ("llong", Tail::Nothing) => make("i64"),
        ("float", Tail::Nothing) => make("f32"),
        ("double", Tail::Nothing) => make("f64"),
        ("bcd", Tail::Nothing) => make("bcd16"),
        ("lbcd", Tail::Nothing) => make("bcd32"),
        _ => Err(bad()),
    }
}

fn text(
    entry: Entry<'_>,
    place: Place,
    length: u32,
    is_low_first: Option<bool>,
    gathered: &mut Gathered,
) -> Result<Tag, Trouble> {
    let mut tag = Tag::new(entry.name, entry.line, place, "text");
    if is_low_first.is_none() {
        gathered.ask(entry.trouble(words::TEXT_ORDER_ASSUMED).with("order", "AB"));
    }
    tag.order = Some(Order { low_word_first: false, low_byte_first: is_low_first.unwrap_or(false) });
    tag.text = Some((length, "ascii"));
    Ok(tag)
}

/// Linear scaling as factor and offset. Square roots and what cannot be understood cost the tag: a raw value under the
/// name of a scaled one would look right and be wrong.
fn scale<'a>(
    entry: Entry<'a>,
    cell: &dyn Fn(&str) -> &'a str,
    tag: &mut Tag,
    gathered: &mut Gathered,
) -> Result<(), Trouble> {
    let kind = cell("scaling");
    let is_on = |name: &str| matches!(cell(name), "1" | "true" | "True" | "TRUE" | "yes" | "Yes");
    let lost = |why: &str| entry.trouble(words::SCALING_LEFT_OUT).with("found", shown(why));
    let sign = if is_on("negate value") { -1.0 } else { 1.0 };
    let (factor, offset) = match kind.to_ascii_lowercase().as_str() {
        "" | "none" => (1.0, 0.0),
        "linear" => {
            let texts = ["raw low", "raw high", "scaled low", "scaled high"].map(cell);
            let range = || format!("{kind} {}", texts.join(", "));
            linear(texts).ok_or_else(|| lost(&range()))?
        }
        _ => return Err(lost(kind)),
    };
    let is_scaled = kind.eq_ignore_ascii_case("linear");
    if !put_scaling(tag, sign * factor, sign * offset) {
        return Err(lost(&format!("{kind} {}", tag.data_type)));
    }
    if is_scaled && (is_on("clamp low") || is_on("clamp high")) {
        gathered.lose(entry.trouble(words::CLAMP_LEFT_OUT));
    }
    let scaled_type = cell("scaled data type");
    if is_scaled && !matches!(scaled_type.to_ascii_lowercase().as_str(), "" | "default" | "float" | "double") {
        gathered.lose(entry.trouble(words::ROUNDING_LEFT_OUT).with("found", shown(scaled_type)));
    }
    Ok(())
}

/// Factor and offset that take the raw range to the scaled one: each the double next to the exact fraction where the
/// decimals are of moderate length.
fn linear([raw_low, raw_high, scaled_low, scaled_high]: [&str; 4]) -> Option<(f64, f64)> {
    let texts = [raw_low, raw_high, scaled_low, scaled_high];
    let exact = || {
        let digits = texts.iter().map(|text| text.split_once('.').map_or(0, |(_, decimals)| decimals.len())).max()?;
        let whole = |text: &str| decimal(text, digits);
        let (rl, rh, sl, sh) = (whole(raw_low)?, whole(raw_high)?, whole(scaled_low)?, whole(scaled_high)?);
        let span = rh.checked_sub(rl).filter(|span| *span != 0)?;
        let factor = sh.checked_sub(sl)?;
        let offset = sl.checked_mul(span)?.checked_sub(rl.checked_mul(factor)?)?;
        let unit = 10_i128.checked_pow(u32::try_from(digits).ok()?)?;
        Some((fraction(factor, span)?, fraction(offset, span.checked_mul(unit)?)?))
    };
    if let Some(found) = exact() {
        return Some(found);
    }
    let [rl, rh, sl, sh] = [number(raw_low)?, number(raw_high)?, number(scaled_low)?, number(scaled_high)?];
    let factor = (sh - sl) / (rh - rl);
    let offset = sl - rl * factor;
    (factor.is_finite() && offset.is_finite() && factor != 0.0).then_some((factor, offset))
}

/// A decimal times a power of ten, as a whole number.
fn decimal(text: &str, digits: usize) -> Option<i128> {
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    format!("{whole}{decimals:0<digits$}").parse().ok()
}

/// One division of numbers that doubles hold exactly: the result is the double next to the true value.
fn fraction(over: i128, under: i128) -> Option<f64> {
    let (mut a, mut b) = (over.unsigned_abs(), under.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = i128::try_from(a).ok().filter(|divisor| *divisor != 0)?;
    let (over, under) = (over / divisor, under / divisor);
    let is_exact = |n: i128| n.unsigned_abs() <= 1 << 53;
    (is_exact(over) && is_exact(under)).then(|| over as f64 / under as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ranges: [&str; 4], expected: Option<(f64, f64)>) {
        assert_eq!(linear(ranges), expected, "{ranges:?}");
    }

    #[test]
    fn a_range_becomes_factor_and_offset_without_dust() {
        check(["0", "1000", "0", "100"], Some((0.1, 0.0)));
        check(["4000", "20000", "0", "100"], Some((0.00625, -25.0)));
        check(["0", "27648", "-50", "150"], Some((200.0 / 27648.0, -50.0)));
        check(["0", "65535", "0", "0.3"], Some((0.3 / 65535.0, 0.0)));
        check(["6400.0", "32000.0", "-40.0", "85.0"], Some((125.0 / 25600.0, -71.25)));
        check(["1000", "0", "0", "100"], Some((-0.1, 100.0)));
        check(["5", "5", "0", "100"], None);
        check(["", "1000", "0", "100"], None);
        check(["a", "1000", "0", "100"], None);
    }

    proptest::proptest! {
        #[test]
        fn both_ends_of_a_range_come_out_where_the_file_says(
            rl in -30_000_i32..30_000, span in 1_i32..65_535, sl in -10_000_i32..10_000, height in 1_i32..100_000,
        ) {
            let (rh, low, high) = (rl + span, f64::from(sl) / 10.0, f64::from(sl + height) / 10.0);
            let (factor, offset) = linear([&rl.to_string(), &rh.to_string(), &low.to_string(), &high.to_string()]).expect("a range");
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + high.abs() + low.abs() + offset.abs());
            proptest::prop_assert!(near(f64::from(rl) * factor + offset, low) && near(f64::from(rh) * factor + offset, high));
        }
    }

    #[test]
    fn addresses_with_too_few_digits_or_in_hexadecimal_are_not_guessed() {
        for text in ["1", "17", "H400001", "HR5", "4001", "400001.", "400001.H", "400001.5X", "", "D100"] {
            assert!(place(text, 5).is_none(), "{text}");
        }
        assert!(place("10017", 5).is_some() && place("10017", 6).is_none() && place("010017", 6).is_some());
    }
}
