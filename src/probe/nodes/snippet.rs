//! What was found as a part of a configuration: a `[[device]]` in TOML, or a table for `tags_file`. Pure.
//!
//! The rule: what is written is valid. The configuration's own rules read every line, and one that they refuse becomes a comment.

use std::fmt::Write;

use super::names::names;
use super::pick::Picked;
use super::plain;
use super::roles::role;
use super::tree::value;
use crate::config::opcua::NodeAddress;
use crate::config::{Config, quoted};
use crate::model::{Lang, ValueKind};
use crate::source::opcua::found::{Found, Seen, Variable};

/// How it is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// Id of the device.
    pub device: &'a str,
    /// Name of its link.
    pub link: &'a str,
    /// The lines of a `[[link]]` besides its name, where no file has it yet.
    pub new_link: Option<&'a str>,
    /// Where it was found, for people.
    pub endpoint: &'a str,
    /// Language of the comments.
    pub lang: Lang,
}

/// A part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// As it is to be written.
    pub text: String,
    /// Tags in it.
    pub tags: usize,
    /// Values that no tag can be made of: they cannot be read, or named.
    pub left_out: usize,
    /// Tags with names for their numbers, which a table has no place for.
    pub without_names: usize,
}

/// Names of numbers that are written; more would hide the rest of the line.
const MOST_NAMES: usize = 50;

/// Bytes of one name, as the configuration takes it.
const LONGEST_NAME: usize = 64;

/// One tag to be.
struct Tag<'a> {
    name: String,
    node: &'a Seen,
    variable: &'a Variable,
    kind: ValueKind,
    at: usize,
}

/// A `[[device]]`, with what was seen as comments.
pub fn toml(found: &Found, picked: &Picked, form: &Form<'_>) -> Snippet {
    let (tags, mut left_out) = tags(found, picked);
    let head = head(found, form);
    let mut lines: Vec<String> = tags.iter().map(|tag| line(found, tag, form.lang)).collect();
    let refused = refused(&head, &lines, form);
    left_out += refused.len();
    for at in &refused {
        lines[*at] = format!("# {}", lines[*at]);
    }
    let mut text = head;
    for line in &lines {
        writeln!(text, "    {line}").ok(); // a String takes everything
    }
    text.push_str("]\n");
    Snippet { text, tags: tags.len() - refused.len(), left_out, without_names: 0 }
}

/// A table for `tags_file`. It has a mark, so that spreadsheet programs show Chinese.
pub fn table(found: &Found, picked: &Picked, form: &Form<'_>) -> Snippet {
    let (tags, mut left_out) = tags(found, picked);
    let lines: Vec<String> = tags.iter().map(|tag| line(found, tag, form.lang)).collect();
    let refused = refused(&head(found, form), &lines, form);
    left_out += refused.len();
    let mut text = String::from("\u{feff}name,address,type,unit,label\n");
    let mut without_names = 0;
    for (nth, tag) in tags.iter().enumerate().filter(|(nth, _)| !refused.contains(nth)) {
        debug_assert_eq!(tags[nth].at, tag.at);
        without_names += usize::from(!names_of(tag).is_empty());
        let cells = [&tag.name, &tag.node.address.to_string(), tag.kind.as_str(), unit(tag), label(tag)];
        text.push_str(&cells.map(cell).join(","));
        text.push('\n');
    }
    Snippet { text, tags: tags.len() - refused.len(), left_out, without_names }
}

/// The values that tags can be made of, and how many there are besides.
fn tags<'a>(found: &'a Found, picked: &Picked) -> (Vec<Tag<'a>>, usize) {
    let usable = |at: &usize| {
        let node = &found.nodes[*at];
        let variable = node.variable.as_deref()?;
        let kind = variable.kind.filter(|_| variable.is_readable)?;
        let is_read_back = NodeAddress::parse(&node.address.to_string()).as_ref() == Some(&node.address);
        is_read_back.then_some((*at, node, variable, kind))
    };
    let usable: Vec<_> = picked.values.iter().filter_map(usable).collect();
    let at: Vec<usize> = usable.iter().map(|(at, ..)| *at).collect();
    let left_out = picked.values.len() - usable.len();
    let tag = |((at, node, variable, kind), name)| Tag { name, node, variable, kind, at };
    (usable.into_iter().zip(names(found, &at)).map(tag).collect(), left_out)
}

fn head(found: &Found, form: &Form<'_>) -> String {
    let (count, endpoint) = (found.variables().count(), plain(form.endpoint));
    let mut text = match form.lang {
        Lang::En => format!(
            "# What `cloudward browse` found at {endpoint}: {count} values. Add it to the workshop's file and take out what is not needed.\n# Behind # stands what was read, and what companion specifications say that a node is for.\n"
        ),
        Lang::Zh => format!(
            "# `cloudward browse` 在 {endpoint} 找到的内容：{count} 个值。请并入车间配置文件，删去不需要的点。\n# 各行 # 之后是读到的值，以及配套规范规定的用途。\n"
        ),
    };
    if let Some(keys) = form.new_link {
        write!(text, "\n[[link]]\nname = {}\n{keys}\n", quoted(form.link)).ok(); // a String takes everything
    }
    let (device, link) = (quoted(form.device), quoted(form.link));
    write!(text, "\n[[device]]\nid = {device}\nlink = {link}\nevery = \"1s\"\ntags = [\n").ok(); // as above
    text
}

/// `{ name = "Speed", address = "nsu=...", type = "float", unit = "m/min" }, # 21.5 # role: ...`
fn line(found: &Found, tag: &Tag<'_>, lang: Lang) -> String {
    let mut keys = format!(
        "name = {}, address = {}, type = \"{}\"",
        quoted(&tag.name),
        quoted(&tag.node.address.to_string()),
        tag.kind.as_str()
    );
    for (key, text) in [("unit", unit(tag)), ("label", label(tag))] {
        if !text.is_empty() {
            write!(keys, ", {key} = {}", quoted(text)).ok(); // a String takes everything
        }
    }
    let names = names_of(tag);
    if !names.is_empty() {
        let entries: Vec<String> = names.iter().map(|(number, name)| format!("{number} = {}", quoted(name))).collect();
        write!(keys, ", values = {{ {} }}", entries.join(", ")).ok(); // as above
    }
    let seen = value(tag.variable, lang);
    let seen = if seen.is_empty() { "-" } else { &seen };
    let role = role(found, tag.at).map(|role| format!(" # role: {} ({})", role.role, role.clause)).unwrap_or_default();
    format!("{{ {keys} }}, # {seen}{role}")
}

fn unit<'a>(tag: &Tag<'a>) -> &'a str {
    let is_number = matches!(tag.kind, ValueKind::Int | ValueKind::Float) && names_of(tag).is_empty();
    tag.variable.unit.as_deref().map(str::trim).filter(|_| is_number).unwrap_or_default()
}

/// The name for people, where it says more than the tag's own.
fn label<'a>(tag: &Tag<'a>) -> &'a str {
    let display = tag.node.display.trim();
    if tag.name.ends_with(display) { "" } else { display }
}

/// What the numbers of a tag mean, as the configuration takes it.
fn names_of<'a>(tag: &Tag<'a>) -> Vec<(i64, &'a str)> {
    let names = &tag.variable.names;
    if tag.kind != ValueKind::Int || names.is_empty() || names.len() > MOST_NAMES {
        return Vec::new();
    }
    let mut taken = Vec::new();
    for (number, name) in names {
        let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST_NAME).last();
        let name = name[..end.unwrap_or(0)].trim();
        if !name.is_empty() && !taken.iter().any(|(known, _)| known == number) {
            taken.push((*number, name));
        }
    }
    taken
}

/// Which lines the configuration's own rules refuse.
fn refused(head: &str, lines: &[String], form: &Form<'_>) -> Vec<usize> {
    let mut before = String::from("[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n");
    if form.new_link.is_none() {
        let link = quoted(form.link);
        write!(before, "[[link]]\nname = {link}\nopcua = \"opc.tcp://h\"\n").ok(); // a String takes everything
    }
    before.push_str(head);
    let first = before.lines().count();
    let Err(mistakes) = Config::parse(&format!("{before}{}\n]\n", lines.join("\n"))) else { return Vec::new() };
    let mut refused: Vec<usize> = mistakes.iter().filter_map(|mistake| mistake.line.checked_sub(first + 1)).collect();
    refused.retain(|at| *at < lines.len());
    refused.sort_unstable();
    refused.dedup();
    refused
}

/// RFC 4180: quotes where they are needed. What a spreadsheet program would calculate stays a text: it comes from a machine.
fn cell(text: &str) -> String {
    let mut text = text.replace(char::is_control, " ");
    let is_formula = text.starts_with(['=', '@']) || text.len() > 1 && text.starts_with(['+', '-']);
    if is_formula {
        text.insert(0, '\'');
    }
    match text.contains([',', '"', ';']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pick::{Wanted, pick};
    use super::super::samples::{OWN, PLASTICS, object, server, variable};
    use super::*;
    use crate::model::Trouble;
    use proptest::prelude::*;

    const FORM: Form<'_> =
        Form { device: "imm-07", link: "imm", new_link: None, endpoint: "opc.tcp://h", lang: Lang::En };

    const HEAD: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n";
    const LINK: &str = "[[link]]\nname = \"imm\"\nopcua = \"opc.tcp://h\"\n";

    fn machine() -> Found {
        let mut found = server();
        let machine = object(&mut found, 0, PLASTICS, "ActiveJobValues", "");
        let good = variable(&mut found, machine, PLASTICS, "JobGoodPartsCounter", ValueKind::Int, "120");
        found.nodes[good].display = "良品数 \"A\"".into();
        let speed = variable(&mut found, machine, OWN, "Speed", ValueKind::Float, "21.5");
        found.nodes[speed].variable.as_mut().unwrap().unit = Some("m/min".into());
        let mode = variable(&mut found, machine, OWN, "Mode", ValueKind::Int, "1");
        found.nodes[mode].variable.as_mut().unwrap().names =
            vec![(0, "OTHER".into()), (1, "自动".repeat(20)), (1, "twice".into()), (-3, "".into())];
        let big = variable(&mut found, machine, OWN, "Big", ValueKind::Int, "1");
        found.nodes[big].variable.as_mut().unwrap().names = (0..51).map(|n| (n, format!("n{n}"))).collect();
        let secret = variable(&mut found, machine, OWN, "Secret", ValueKind::Int, "1");
        found.nodes[secret].variable.as_mut().unwrap().is_readable = false;
        let odd = variable(&mut found, machine, OWN, "Odd", ValueKind::Int, "1\n]");
        found.nodes[odd].address.id = crate::config::opcua::NodeIdentifier::Text("a\nb".into());
        variable(&mut found, machine, OWN, "Curve", ValueKind::Json, "[1,2]");
        found
    }

    #[track_caller]
    fn device(text: &str) -> std::sync::Arc<crate::config::Device> {
        let config = Config::parse(&format!("{HEAD}{LINK}{text}"));
        let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
        config.devices[0].clone()
    }

    #[test]
    fn the_device_is_valid_and_says_what_was_seen() {
        let found = machine();
        let snippet = toml(&found, &pick(&found, &Wanted::default()), &FORM);
        let device = device(&snippet.text);
        let names: Vec<&str> = device.tags.iter().map(|tag| &*tag.name).collect();
        assert_eq!(names, ["JobGoodPartsCounter", "Speed", "Mode", "Big", "Curve"]);
        assert_eq!((snippet.tags, snippet.left_out), (5, 2));
        assert_eq!(device.tags[1].unit.as_deref(), Some("m/min"));
        assert_eq!(device.tags[0].label.as_deref(), Some("良品数 \"A\""));
        let values = device.tags[2].values.as_ref().map(|names| (names.get(0), names.get(1).map(str::len)));
        assert_eq!(values, Some((Some("OTHER"), Some(63))));
        assert!(device.tags[3].values.is_none(), "a long table of names hides the rest");
        let line = |name: &str| snippet.text.lines().find(|line| line.contains(name)).unwrap();
        assert!(
            line("JobGoodPartsCounter").ends_with("}, # 120 # role: count.good (OPC 40083 18.4.7)"),
            "{}",
            snippet.text
        );
        assert!(line("\"Speed\"").ends_with("}, # 21.5 m/min"), "{}", snippet.text);
    }

    #[test]
    fn a_server_that_no_file_knows_brings_its_link() {
        let found = machine();
        let form = Form { new_link: Some("opcua = \"opc.tcp://h:4840\"\nsecurity = \"none\""), ..FORM };
        let text = toml(&found, &pick(&found, &Wanted::default()), &form).text;
        let config = Config::parse(&format!("{HEAD}{text}")).unwrap();
        assert_eq!((config.links.len(), config.devices[0].tags.len()), (1, 5));
    }

    #[test]
    fn what_the_configuration_refuses_is_found_by_its_line() {
        let found = server();
        let line =
            |name: &str, of_type: &str| format!("{{ name = \"{name}\", address = \"i=1\", type = \"{of_type}\" }},");
        let lines = [line("a", "int"), line("b", "word"), line("c", "int"), line("a", "int")];
        assert_eq!(refused(&head(&found, &FORM), &lines, &FORM), [1, 3]);
        assert!(refused(&head(&found, &FORM), &lines[..1], &FORM).is_empty());
    }

    #[test]
    fn the_table_is_taken_as_a_tags_file() {
        let mut found = machine();
        let label = "=HYPERLINK(\"http://x\")";
        let at = variable(&mut found, 0, OWN, "Formula", ValueKind::Text, "x");
        found.nodes[at].display = label.into();
        let snippet = table(&found, &pick(&found, &Wanted::default()), &FORM);
        let is_calculated = [",=", ",\"="].iter().any(|formula| snippet.text.contains(formula));
        assert!(snippet.text.starts_with('\u{feff}') && !is_calculated, "{}", snippet.text);
        let device = "[[device]]\nid = \"imm-07\"\nlink = \"imm\"\ntags_file = \"t.csv\"\n";
        let read = |_: &str| Ok::<Vec<u8>, Trouble>(snippet.text.clone().into_bytes());
        let config = Config::parse_with(&format!("{HEAD}{LINK}{device}"), &read).unwrap();
        let tags = &config.devices[0].tags;
        assert_eq!((tags.len(), snippet.tags, snippet.without_names), (6, 6, 1));
        assert_eq!(tags[0].label.as_deref(), Some("良品数 \"A\""));
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_what_is_written_is_valid(
            nodes in proptest::collection::vec(
                (".{0,20}", ".{0,20}", ".{0,10}", ".{0,30}", any::<bool>(), proptest::collection::vec((any::<i64>(), ".{0,80}"), 0..4)),
                1..12,
            ),
        ) {
            let mut found = server();
            for (name, display, unit, text, is_int, names) in nodes {
                let kind = if is_int { ValueKind::Int } else { ValueKind::Float };
                let at = variable(&mut found, 0, &name, &name, kind, &text);
                found.nodes[at].display = display;
                let variable = found.nodes[at].variable.as_mut().unwrap();
                (variable.unit, variable.names) = (Some(unit), names);
            }
            let picked = pick(&found, &Wanted::default());
            let snippet = toml(&found, &picked, &FORM);
            let config = Config::parse(&format!("{HEAD}{LINK}{}", snippet.text));
            let config = config.map_err(|mistakes| TestCaseError::fail(format!("{mistakes:?}\n{}", snippet.text)))?;
            prop_assert_eq!(config.devices[0].tags.len(), snippet.tags);
            prop_assert_eq!(snippet.left_out, 0, "{}", snippet.text);
            let snippet = table(&found, &picked, &FORM);
            let read = |_: &str| Ok::<Vec<u8>, Trouble>(snippet.text.clone().into_bytes());
            let text = format!("{HEAD}{LINK}[[device]]\nid = \"d\"\nlink = \"imm\"\ntags_file = \"t.csv\"\n");
            let config = Config::parse_with(&text, &read);
            prop_assert!(config.is_ok(), "{:?}\n{}", config.err(), snippet.text);
        }
    }
}
