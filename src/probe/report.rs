//! Findings as a configuration to start from: TOML that is valid as it stands, with what was seen as comments. Pure.

use std::collections::HashSet;
use std::fmt::Write;

use super::guess::{Alternative, Guess};
use super::looks::Looks;
use super::profiles::{Match, Understood, understand};
use super::{Area, Findings, Unit, filled};
use crate::config::modbus::{DataType, Order};
use crate::model::Lang;

/// Tags written for one device. Who has more found a PLC's whole memory, and wants its program.
const MAX_TAGS: usize = 400;

/// A configuration to start from.
pub fn toml(findings: &Findings, endpoint: &str, lang: Lang) -> String {
    let mut text = String::new();
    let mut say = |en: String, zh: String| {
        let line = if lang == Lang::Zh { zh } else { en };
        writeln!(text, "# {}", line.replace(char::is_control, "?")).ok(); // a String takes everything
    };
    let (requests, endpoint) = (findings.requests, endpoint);
    say(
        format!(
            "What `cloudward probe` found at {endpoint} with {requests} requests. Types, orders and units are guesses:"
        ),
        format!("`cloudward probe` 在 {endpoint} 用 {requests} 次请求找到的内容。类型、字节序和单位都是猜测："),
    );
    say(
        "compare the readings with the display of the machine before anyone relies on them.".into(),
        "投入使用之前，请把读数与机器上的显示核对。".into(),
    );
    if findings.is_partial {
        say(
            "It was ended before it was through: there may be more. More --max-time and --max-requests, or one unit at a time (--units), go on.".into(),
            "探测未做完就结束了：可能还有更多内容。可加大 --max-time、--max-requests，或用 --units 逐个站号探测。".into(),
        );
    }
    if findings.units.is_empty() {
        say("No unit answered.".into(), "没有站号应答。".into());
    }
    if findings.ignores_unit {
        say(
            "Every unit id gets the same answers: the device does not look at it.".into(),
            "任何站号得到的应答都一样：设备不看站号。".into(),
        );
    }
    writeln!(
        text,
        "\n[workshop]\nenterprise = \"my-company\"\nid = \"workshop-1\"\ntimezone = \"Asia/Shanghai\"\n\n[[link]]\nname = \"probed\"\n{}",
        findings.link
    )
    .ok(); // as above
    let limit = findings.units.iter().flat_map(|unit| &unit.tables).filter(|area| !area.table.is_bits());
    if let Some(longest) = limit.filter_map(|area| area.longest).min() {
        writeln!(text, "max_registers = {longest}").ok(); // as above
    }
    for unit in &findings.units {
        device(&mut text, unit, lang);
    }
    text
}

fn device(text: &mut String, unit: &Unit, lang: Lang) {
    let pick = |en: String, zh: String| if lang == Lang::Zh { zh } else { en };
    let mut lines = vec![format!("\n[[device]]\nid = \"unit-{}\"\nlink = \"probed\"\nunit = {}", unit.id, unit.id)];
    if unit.tables.is_empty() {
        lines.push(pick("# it answers, but nothing could be read from it".into(), "# 有应答，但读不到任何内容".into()));
    }
    lines.extend(unit.tables.iter().map(|area| format!("# {}", area_line(area, lang))));
    let Understood { profile, guesses } = understand(unit);
    if let Some(Match { names, sensible, values }) = &profile {
        lines.push(pick(
            format!("# looks like {}: {sensible} of {values} values that are not zero make sense", names.join(" or ")),
            format!("# 像是 {}：{values} 个非零值中有 {sensible} 个读数合理", names.join(" 或 ")),
        ));
        lines.push(format!("profile = \"{}\"", names[0]));
    }
    // Where a map is known, what was guessed is still shown, but as comments.
    let mark = if profile.is_some() { "# " } else { "" };
    let tags = tags(unit, guesses, lang);
    if !tags.is_empty() {
        lines.push(format!("{mark}tags = ["));
        lines.extend(tags.iter().take(MAX_TAGS).map(|tag| format!("{mark}    {tag}")));
        lines.push(format!("{mark}]"));
    }
    if tags.len() > MAX_TAGS {
        let more = tags.len() - MAX_TAGS;
        lines.push(pick(format!("# and {more} values more"), format!("# 另有 {more} 个值")));
    }
    for line in lines {
        writeln!(text, "{line}").ok(); // a String takes everything
    }
}

/// `holding: 0-39, 100-163; at most 32 registers a request`
fn area_line(area: &Area, lang: Lang) -> String {
    const MOST: usize = 24;
    let pick = |en: &str, zh: &str| if lang == Lang::Zh { zh.to_owned() } else { en.to_owned() };
    let spans = if area.is_endless { filled(&area.cells) } else { area.spans() };
    let shown = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    let mut line =
        format!("{}: {}", area.table.as_str(), spans.iter().take(MOST).map(shown).collect::<Vec<_>>().join(", "));
    if spans.len() > MOST {
        line += " ...";
    }
    if area.is_endless {
        line += &pick("; it answers zeros elsewhere", "；其余地址都应答 0");
    }
    if let Some(longest) = area.longest {
        line += &match lang {
            Lang::En => format!("; at most {longest} a request"),
            Lang::Zh => format!("；每次请求最多 {longest} 个"),
        };
    }
    line
}

/// One line of TOML per value.
fn tags(unit: &Unit, guesses: Vec<Vec<Guess>>, lang: Lang) -> Vec<String> {
    let mut names = HashSet::new();
    let mut tags = Vec::new();
    let mut guessed = guesses.into_iter();
    for area in &unit.tables {
        let table = area.table.as_str();
        let letter = &table[..1];
        if area.table.is_bits() {
            for (address, _) in area.cells.iter().filter(|(_, bit)| **bit != 0) {
                tags.push(format!(
                    "{{ name = \"{letter}_{address}\", address = \"{table}:{address}\", type = \"bool\" }},"
                ));
            }
            continue;
        }
        for guess in &guessed.next().unwrap_or_default() {
            let name = format!("{letter}_{}", guess.offset);
            debug_assert!(names.insert(name.clone()));
            tags.push(tag(&name, table, guess, lang));
        }
    }
    tags
}

fn tag(name: &str, table: &str, guess: &Guess, lang: Lang) -> String {
    let mut line = format!(
        "{{ name = \"{name}\", address = \"{table}:{}\", type = \"{}\"",
        guess.offset,
        guess.data_type.as_str()
    );
    if let DataType::Text(form) = guess.data_type {
        line += &format!(", length = {}, encoding = \"{}\"", form.length, form.encoding.as_str());
    }
    if guess.order != Order::default() {
        let word = if matches!(guess.data_type, DataType::Text(_)) { "BA" } else { order_word(guess.order) };
        line += &format!(", order = \"{word}\"");
    }
    let scale = guess.looks.scale();
    if let Some((scale, _)) = scale.filter(|(scale, _)| *scale != 1.0) {
        line += &format!(", scale = {scale}");
    }
    if let Some((_, unit)) = scale.filter(|(_, unit)| !unit.is_empty()) {
        line += &format!(", unit = \"{unit}\"");
    }
    let shown = guess.shown.replace(char::is_control, "?");
    let value = match scale {
        Some((scale, unit)) if scale != 1.0 => {
            let scaled = guess.number.map(|x| format!("{:.2} {unit}", x * scale)).unwrap_or_default();
            format!("{shown} = {}", scaled.trim_end())
        }
        _ => shown,
    };
    let or = guess.alternatives.iter().map(|other| or(table, other, lang)).collect::<String>();
    let or_rather = guess.rivals.iter().map(|other| or_less_likely(table, other, lang)).collect::<String>();
    format!("{line} }}, # {value}{}{or}{or_rather}", looks_like(guess, lang))
}

/// What to write where the empty register beside a number belongs to it, or does not.
fn or(table: &str, other: &Alternative, lang: Lang) -> String {
    let why = match (other.data_type.width(), lang) {
        (1, Lang::En) => "; or, if its empty half is none, ",
        (1, Lang::Zh) => "；若空的那一半不属于它，则写 ",
        (_, Lang::En) => "; or, if the empty register beside it is its upper half, ",
        (_, Lang::Zh) => "；若旁边的空寄存器是它的高半部分，则写 ",
    };
    format!("{why}{}", keys(table, other))
}

/// What else the registers may be, if not as likely.
fn or_less_likely(table: &str, other: &Alternative, lang: Lang) -> String {
    let why = if lang == Lang::Zh { "；也可能是 " } else { "; or, less likely, " };
    format!("{why}{}", keys(table, other))
}

/// `address = "holding:4", type = "u32", order = "CDAB"`
fn keys(table: &str, other: &Alternative) -> String {
    let mut keys = format!("address = \"{table}:{}\", type = \"{}\"", other.offset, other.data_type.as_str());
    if other.order != Order::default() && other.data_type.width() > 1 {
        keys += &format!(", order = \"{}\"", order_word(other.order));
    }
    keys
}

fn looks_like(guess: &Guess, lang: Lang) -> &'static str {
    let [en, zh] = match guess.looks {
        Looks::Volts(_) => [": looks like volts", "：像电压"],
        Looks::Hertz(_) => [": looks like the frequency of the net", "：像电网频率"],
        Looks::Amperes => [": looks like amperes", "：像电流"],
        Looks::PowerFactor(_) => [": looks like a power factor", "：像功率因数"],
        Looks::Counter => [": moves like a total", "：像累计值"],
        Looks::Clock => [": a part of a clock", "：时钟的一部分"],
        Looks::Text => [": a text", "：文本"],
        Looks::Unknown if guess.has_moved => [": moves", "：在变化"],
        Looks::Unknown => ["", ""],
    };
    if lang == Lang::Zh { zh } else { en }
}

/// The word of an order.
pub fn order_word(order: Order) -> &'static str {
    match (order.low_word_first, order.low_byte_first) {
        (false, false) => "ABCD",
        (true, false) => "CDAB",
        (false, true) => "BADC",
        (true, true) => "DCBA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::Table;
    use crate::probe::Cells;

    #[test]
    fn a_line_says_in_both_languages_what_else_the_number_may_be() {
        let cells: Cells = (10..).zip([2198, 2207, 2201, 0, 4871, 0, 0, 0]).collect();
        let looks = vec![cells.clone(); 8];
        let area = Area { table: Table::Holding, cells, looks, longest: None, is_endless: false };
        let unit = Unit { id: 1, tables: vec![area] };
        for (lang, word) in [(Lang::En, "; or, if "), (Lang::Zh, "；若")] {
            let tags = tags(&unit, understand(&unit).guesses, lang);
            let line = tags.iter().find(|tag| tag.contains("# 4871")).unwrap();
            assert!(line.contains(word), "{line}");
            let has = |address: &str, kind: &str| line.contains(&format!("address = \"{address}\", type = \"{kind}\""));
            assert!(has("holding:14", "u16") && has("holding:13", "u32"), "{line}");
        }
    }
}
