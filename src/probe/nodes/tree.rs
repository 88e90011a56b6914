//! What was found, for a terminal: a tree, or a line for each value. Pure.
//!
//! Columns are aligned by display width: a Chinese character is two columns wide.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::pick::Picked;
use super::plain;
use super::roles::role;
use crate::model::Lang;
use crate::source::opcua::found::{Found, Seen, Variable};

/// Columns of a name, a type and a value that are aligned; what is wider pushes the rest of its line.
const NAME: usize = 56;
const TYPE: usize = 24;
/// A value that is wider is cut.
const VALUE: usize = 32;

/// One line before it is aligned.
struct Line {
    name: String,
    of_type: String,
    value: String,
    rest: String,
}

/// A tree: each node below the one that leads to it.
pub fn tree(found: &Found, picked: &Picked, lang: Lang) -> Vec<String> {
    let line = |at: &usize| {
        let node = &found.nodes[*at];
        let indent = "  ".repeat(node.depth);
        line(found, *at, format!("{indent}{}", shown(node)), lang)
    };
    aligned(picked.shown.iter().map(line).collect())
}

/// One line for each value, with its path.
pub fn flat(found: &Found, picked: &Picked, lang: Lang) -> Vec<String> {
    let line = |at: &usize| line(found, *at, plain(&found.path(*at).join("/")), lang);
    aligned(picked.values.iter().map(line).collect())
}

/// The browse name, and the name for people where it is another one.
fn shown(node: &Seen) -> String {
    match node.display.trim() {
        display if display.is_empty() || display == node.name.name => plain(&node.name.name),
        display => plain(&format!("{} ({display})", node.name.name)),
    }
}

fn line(found: &Found, at: usize, name: String, lang: Lang) -> Line {
    let node = &found.nodes[at];
    let of_type = node.variable.as_ref().map(|variable| plain(&variable.type_name)).unwrap_or_default();
    let value = match (&node.variable, &node.refused) {
        (Some(variable), _) => value(variable, lang),
        (None, Some(status)) => plain(status),
        (None, None) => String::new(),
    };
    let role = role(found, at).map(|role| format!("  {}", role.role)).unwrap_or_default();
    Line { name, of_type, value, rest: format!("{}{role}", plain(&node.address.to_string())) }
}

/// `21.5 °C (0..150)`, `2 AUTOMATIC`, `BadUserAccessDenied`.
pub(super) fn value(variable: &Variable, lang: Lang) -> String {
    let zh = lang == Lang::Zh;
    let text = match &variable.value {
        None => return String::new(),
        _ if !variable.is_readable => return if zh { "不可读" } else { "not readable" }.to_owned(),
        Some(Err(status)) => return plain(status),
        Some(Ok(text)) => plain(text),
    };
    let number = match text.as_str() {
        "true" => Some(1),
        "false" => Some(0),
        text => text.parse::<i64>().ok(),
    };
    let name = variable.names.iter().find(|(known, _)| Some(*known) == number).map(|(_, name)| plain(name));
    let unit = variable.unit.as_deref().map(plain);
    let range = variable.range.map(|(low, high)| format!("({low}..{high})"));
    // The rest is worth more than the end of a long text.
    let rest: Vec<String> = [name, unit, range].into_iter().flatten().collect();
    let room = VALUE.saturating_sub(rest.iter().map(|part| part.width() + 1).sum()).max(8);
    std::iter::once(cut(&text, room)).chain(rest).collect::<Vec<_>>().join(" ")
}

/// The beginning, with `…` where something is left out.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1; // the mark
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

fn aligned(lines: Vec<Line>) -> Vec<String> {
    let widest = |of: fn(&Line) -> &str, most: usize| {
        lines.iter().map(|line| of(line).width()).filter(|width| *width <= most).max().unwrap_or(0)
    };
    let (name, of_type, value) =
        (widest(|line| &line.name, NAME), widest(|line| &line.of_type, TYPE), widest(|line| &line.value, VALUE));
    let pad = |text: &str, columns: usize| format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())));
    let whole = |line: &Line| {
        let cells = [pad(&line.name, name), pad(&line.of_type, of_type), pad(&line.value, value), line.rest.clone()];
        cells.join("  ")
    };
    lines.iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::super::pick::{Wanted, pick};
    use super::super::samples::{OWN, PLASTICS, object, server, variable};
    use super::*;
    use crate::model::ValueKind;

    #[test]
    fn a_tree_says_names_types_values_and_where_to_find_them() {
        let mut found = server();
        let machine = object(&mut found, 0, OWN, "Machine", "");
        let speed = variable(&mut found, machine, OWN, "Speed", ValueKind::Float, "21.5");
        let of_speed = found.nodes[speed].variable.as_mut().unwrap();
        (of_speed.unit, of_speed.range) = (Some("m/min".into()), Some((0.0, 150.0)));
        let label =
            variable(&mut found, machine, OWN, "Label", ValueKind::Text, "一号注塑机的一个很长很长很长很长很长的名称");
        found.nodes[label].display = "标签".into();
        let mode = variable(&mut found, machine, OWN, "Mode", ValueKind::Int, "2");
        found.nodes[mode].variable.as_mut().unwrap().names = vec![(1, "AUTO".into()), (2, "手动".into())];
        let secret = variable(&mut found, machine, OWN, "Secret", ValueKind::Int, "");
        found.nodes[secret].variable.as_mut().unwrap().is_readable = false;
        let values = object(&mut found, 0, PLASTICS, "ActiveJobValues", "");
        variable(&mut found, values, PLASTICS, "JobCycleCounter", ValueKind::Int, "7");
        let picked = pick(&found, &Wanted::default());
        assert_eq!(
            tree(&found, &picked, Lang::Zh),
            [
                "Objects                                                       i=85",
                "  Machine                                                     nsu=urn:own;i=1001",
                "    Speed            Double  21.5 m/min (0..150)              nsu=urn:own;i=1002",
                "    Label (标签)     String  一号注塑机的一个很长很长很长很…  nsu=urn:own;i=1003",
                "    Mode             Int32   2 手动                           nsu=urn:own;i=1004",
                "    Secret           Int32   不可读                           nsu=urn:own;i=1005",
                "  ActiveJobValues                                             nsu=urn:own;i=1006",
                "    JobCycleCounter  Int32   7                                nsu=urn:own;i=1007  count.cycle",
            ]
        );
    }

    #[test]
    fn columns_stand_below_each_other_whatever_the_letters() {
        let mut found = server();
        for (name, text) in
            [("温度", "很长很长很长很长很长很长很长很长很长很长很长很长"), ("a", "1"), ("\u{1b}[31m", "\u{9b}2J")]
        {
            variable(&mut found, 0, OWN, name, ValueKind::Text, text);
        }
        for lines in [
            tree(&found, &pick(&found, &Wanted::default()), Lang::En),
            flat(&found, &pick(&found, &Wanted::default()), Lang::En),
        ] {
            let at = |line: &String| line.find("nsu=").map(|at| line[..at].width());
            let columns: Vec<_> = lines.iter().filter_map(at).collect();
            assert!(columns.len() == 3 && columns.iter().all(|at| *at == columns[0]), "{lines:#?}");
            assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:#?}");
        }
    }
}
