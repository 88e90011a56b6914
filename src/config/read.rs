//! Reading a TOML document key by key, so that all mistakes are found at once, each with its line. Nothing here stops at
//! the first mistake: a getter that finds one files it and gives the default.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Mistake, OtherFile, units};
use crate::model::time::show_span;
use crate::model::words::config as words;
use crate::model::words::indicator_config as own;
use crate::model::{Code, Trouble};

/// Where the lines of a text end, and the mistakes found in it so far.
pub(super) struct Doc {
    /// `None`: the configuration itself.
    file: Option<OtherFile>,
    line_ends: Vec<usize>,
    /// By line.
    mistakes: RefCell<BTreeMap<usize, Vec<Mistake>>>,
    /// Mistakes of other files that are told already: several devices may use one file.
    adopted: RefCell<HashSet<Mistake>>,
}

impl Doc {
    pub(super) fn new(text: &str) -> Doc {
        Doc::of(None, text)
    }

    /// A text that a configuration takes from elsewhere.
    pub(super) fn of(file: Option<OtherFile>, text: &str) -> Doc {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_ends = ends.map(|(at, _)| at).collect();
        Doc { file, line_ends, mistakes: RefCell::default(), adopted: RefCell::default() }
    }

    /// The tables of a text; `None` where it is no TOML, which is filed: what the parser guesses of a broken file would
    /// only mislead.
    pub(super) fn tables<'t>(&self, text: &'t str) -> Option<Spanned<DeTable<'t>>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        // Only the first: what the parser guessed of a broken file would mislead.
        if let Some(error) = errors.first() {
            let at = error.span().map_or(0, |span| span.start);
            self.mistake(at, syntax_trouble(text, at, error.message()));
        }
        errors.is_empty().then_some(table)
    }

    /// Files a mistake at a byte of the text.
    pub(super) fn mistake(&self, at: usize, trouble: Trouble) {
        let line = self.line(at);
        let mistake = Mistake { file: self.file.clone(), line, trouble };
        let mut mistakes = self.mistakes.borrow_mut();
        let of_line = mistakes.entry(line).or_default();
        if !of_line.contains(&mistake) {
            of_line.push(mistake);
        }
    }

    /// Whether anything is wrong so far.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    /// Takes over the mistakes of a file that is named at a byte of this text, each once.
    pub(super) fn adopt(&self, at: usize, other: Doc) {
        let mut adopted = self.adopted.borrow_mut();
        for mistake in other.into_mistakes() {
            if adopted.insert(mistake.clone()) {
                self.mistakes.borrow_mut().entry(self.line(at)).or_default().push(mistake);
            }
        }
    }

    /// For people: where a byte is, said from another text.
    pub(super) fn place(&self, at: usize) -> Place {
        Place { file: self.file.clone(), line: self.line(at) }
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < at)
    }

    /// All mistakes in the order of their lines.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner().into_values().flatten().collect()
    }
}

/// What breaks the file most often is a character from a Chinese keyboard or a web page: then it is named.
fn syntax_trouble(text: &str, at: usize, message: &str) -> Trouble {
    const ODD: [char; 15] =
        ['，', '。', '“', '”', '‘', '’', '＝', '：', '；', '【', '】', '（', '）', '\u{3000}', '\u{a0}'];
    let line = text.get(..at).unwrap_or(text).lines().count().saturating_sub(1);
    let line = if text.get(..at).is_some_and(|before| before.ends_with('\n')) { line + 1 } else { line };
    let bare = text.lines().nth(line).unwrap_or_default().split('#').next().unwrap_or_default();
    match bare.chars().find(|c| ODD.contains(c)) {
        Some(odd) => {
            let code = format!("U+{:04X}", u32::from(odd));
            Trouble::new(words::ODD_CHARACTER).with("found", odd).with("code", code)
        }
        None if message.contains("duplicate key") => Trouble::new(words::KEY_TWICE),
        None => Trouble::new(words::SYNTAX).with("found", message.replace('\n', ", ")),
    }
}

/// The same with the fullwidth forms of letters, digits and signs (U+FF01 to U+FF5E, U+3000) made plain.
pub(super) fn halfwidth(text: &str) -> String {
    let plain = |c| match c {
        '\u{3000}' => ' ',
        '。' => '.',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).expect("these are the signs of ASCII"),
        c => c,
    };
    text.chars().map(plain).collect()
}

/// A line of one of the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Option<OtherFile>,
    pub(super) line: usize,
}

/// One table of the document, and which of its keys were asked for.
pub(super) struct Section<'a> {
    pub(super) doc: &'a Doc,
    /// For people: `link.press`; empty at the top.
    pub(super) path: String,
    /// Where it starts.
    pub(super) at: usize,
    table: &'a DeTable<'a>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(doc: &'a Doc, path: String, at: usize, table: &'a DeTable<'a>) -> Section<'a> {
        Section { doc, path, at, table, known: RefCell::new(Vec::new()) }
    }

    /// The path of a key, for people.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where a key's value stands; where the section starts if it has no such key.
    pub(super) fn at_of(&self, key: &str) -> usize {
        self.table.iter().find(|(k, _)| k.get_ref() == key).map_or(self.at, |(k, _)| k.span().start)
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Files a mistake for each of these keys that stands here. Those that do not are none the better known for it: nobody
    /// is to be told to write them.
    pub(super) fn refuse(&self, keys: &[&'static str], code: Code, add: impl Fn(Trouble) -> Trouble) {
        let stands = |key: &&'static str| self.table.iter().any(|(k, _)| k.get_ref() == *key);
        for key in keys.iter().copied().filter(stands) {
            self.value(key); // known now, so that it is not told twice
            self.wrong(key, code, &add);
        }
    }

    /// Takes these keys for known, whatever they hold.
    pub(super) fn pass_over(&self, keys: &[&'static str]) {
        for key in keys {
            self.value(key);
        }
    }

    /// The first of a list of tables, without a look at the others; no mistake where there is none.
    pub(super) fn first_of(&self, key: &'static str) -> Option<Section<'a>> {
        let first = self.value(key)?.as_array()?.iter().next()?;
        let DeValue::Table(table) = first.get_ref() else { return None };
        Some(Section::new(self.doc, self.path_of(key), first.span().start, table))
    }

    /// Files trouble with a key: the words get `key`, and what the caller adds.
    pub(super) fn wrong(&self, key: &str, code: Code, add: impl FnOnce(Trouble) -> Trouble) {
        self.doc.mistake(self.at_of(key), add(Trouble::new(code).with("key", self.path_of(key))));
    }

    /// A value as it stands in the file.
    pub(super) fn shown(&self, key: &'static str) -> String {
        self.value(key).map(show).unwrap_or_default()
    }

    /// The text of a key that may also be a number; no mistake where it is not text.
    pub(super) fn peek_text(&self, key: &'static str) -> Option<&'a str> {
        self.value(key)?.as_str()
    }

    /// The number of a key that may also be text; no mistake where it is not a number.
    pub(super) fn peek_number(&self, key: &'static str) -> Option<f64> {
        number(self.value(key)?)
    }

    fn wrong_type(&self, key: &str, code: Code, value: &DeValue<'_>, example: &str) {
        self.wrong(key, code, |t| t.with("found", show(value)).with("example", example));
    }

    fn value(&self, key: &'static str) -> Option<&'a DeValue<'a>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v.get_ref())
    }

    /// Files a mistake where a key that must be there is not.
    fn needed<T>(&self, key: &'static str, example: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(key) {
            self.wrong(key, words::MISSING_KEY, |t| t.with("example", example));
        }
        value
    }

    pub(super) fn text(&self, key: &'static str, example: &str) -> Option<String> {
        match self.value(key)? {
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.wrong_type(key, words::NOT_TEXT, other, example);
                None
            }
        }
    }

    pub(super) fn needed_text(&self, key: &'static str, example: &str) -> Option<String> {
        self.needed(key, example, self.text(key, example))
    }

    /// A path to a file.
    pub(super) fn file(&self, key: &'static str) -> Option<PathBuf> {
        let example = format!("{key} = \"/etc/cloudward/file.pem\"");
        let text = self.text(key, &example)?;
        if text.trim().is_empty() {
            self.wrong(key, words::NOT_TEXT, |t| t.with("found", "\"\"").with("example", &example));
            return None;
        }
        Some(PathBuf::from(text))
    }

    /// Text, or a whole number taken as the text that stands in the file (`40001`, `0x10`).
    pub(super) fn text_or_number(&self, key: &'static str, example: &str) -> Option<String> {
        let found = match self.value(key) {
            Some(DeValue::String(text)) => Some(text.to_string()),
            Some(DeValue::Integer(number)) => Some(number.to_string()),
            Some(other) => {
                self.wrong_type(key, words::NOT_TEXT, other, example);
                None
            }
            None => None,
        };
        self.needed(key, example, found)
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        match self.value(key)? {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                self.wrong_type(key, words::NOT_BOOL, other, &format!("{key} = true"));
                None
            }
        }
    }

    pub(super) fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let example = format!("{key} = {}", range.start());
        match self.value(key)? {
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let inside = parsed.filter(|n| range.contains(n));
                if inside.is_none() {
                    self.out_of_range(key, number, range.start(), range.end());
                }
                inside
            }
            other => {
                self.wrong_type(key, words::NOT_INTEGER, other, &example);
                None
            }
        }
    }

    pub(super) fn number(&self, key: &'static str, example: &str) -> Option<f64> {
        let value = self.value(key)?;
        let finite = number(value).filter(|x| x.is_finite());
        if finite.is_none() {
            self.wrong_type(key, words::NOT_NUMBER, value, example);
        }
        finite
    }

    pub(super) fn time(&self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let example = format!("{key} = \"{}\"", show_span((*range.start()).max(Duration::from_secs(1))));
        let value = self.value(key)?;
        let DeValue::String(text) = value else {
            self.wrong_type(key, words::NOT_TIME, value, &example);
            return None;
        };
        let Some(time) = units::parse_time(text) else {
            self.wrong_type(key, words::NOT_TIME, value, &example);
            return None;
        };
        if !range.contains(&time) {
            self.out_of_range(key, show(value), show_span(*range.start()), show_span(*range.end()));
            return None;
        }
        Some(time)
    }

    pub(super) fn size(&self, key: &'static str, min: &str, max: &str, example: &str) -> Option<u64> {
        let example = format!("{key} = \"{example}\"");
        let value = self.value(key)?;
        let DeValue::String(text) = value else {
            self.wrong_type(key, words::NOT_SIZE, value, &example);
            return None;
        };
        let Some(size) = units::parse_size(text) else {
            self.wrong_type(key, words::NOT_SIZE, value, &example);
            return None;
        };
        let limit = |text| units::parse_size(text).expect("the limits in check.rs are sizes");
        if !(limit(min)..=limit(max)).contains(&size) {
            self.out_of_range(key, show(value), min, max);
            return None;
        }
        Some(size)
    }

    fn out_of_range(
        &self,
        key: &str,
        found: impl std::fmt::Display,
        min: impl std::fmt::Display,
        max: impl std::fmt::Display,
    ) {
        self.wrong(key, words::OUT_OF_RANGE, |t| t.with("found", found).with("min", min).with("max", max));
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&self, key: &'static str, example: &str) -> Option<Vec<(String, usize)>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value else {
            self.wrong_type(key, words::NOT_LIST, value, example);
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((text.to_string(), item.span().start)),
                other => self.wrong_type(key, words::NOT_LIST, other, example),
            }
        }
        Some(texts)
    }

    /// A list of whole numbers.
    pub(super) fn integers(&self, key: &'static str, range: RangeInclusive<i64>) -> Vec<i64> {
        let example = format!("{key} = [{}]", range.start());
        let Some(value) = self.value(key) else { return Vec::new() };
        let numbers = value.as_array().and_then(|items| {
            let number = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
                DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| range.contains(n)),
                _ => None,
            };
            items.iter().map(number).collect()
        });
        if numbers.is_none() {
            self.wrong_type(key, own::NOT_NUMBERS, value, &example);
        }
        numbers.unwrap_or_default()
    }

    /// Two numbers in a list; no mistake where they are not.
    pub(super) fn pair(&self, key: &'static str) -> Option<(f64, f64)> {
        let items = self.value(key)?.as_array()?;
        let numbers: Vec<f64> = items.iter().map(|item| number(item.get_ref())).collect::<Option<_>>()?;
        match numbers[..] {
            [a, b] if a.is_finite() && b.is_finite() => Some((a, b)),
            _ => None,
        }
    }

    pub(super) fn needed_texts(&self, key: &'static str, example: &str) -> Option<Vec<(String, usize)>> {
        self.needed(key, example, self.texts(key, example))
    }

    /// A table in this one.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        match self.value(key)? {
            DeValue::Table(table) => Some(Section::new(self.doc, self.path_of(key), self.at_of(key), table)),
            other => {
                self.wrong_type(key, words::NOT_TABLE, other, &format!("[{key}]"));
                None
            }
        }
    }

    /// A table whose keys are the writer's own: each key, its place, and its text.
    pub(super) fn named_texts(&self, key: &'static str, example: &str) -> Option<Vec<(String, usize, String)>> {
        self.named_texts_or(key, example, words::NOT_NAMED_NUMBERS)
    }

    /// The same, with a mistake of its own for what is no such table.
    pub(super) fn named_texts_or(
        &self,
        key: &'static str,
        example: &str,
        code: Code,
    ) -> Option<Vec<(String, usize, String)>> {
        let value = self.value(key)?;
        let DeValue::Table(table) = value else {
            self.wrong_type(key, code, value, example);
            return None;
        };
        let mut texts = Vec::new();
        for (name, item) in table.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((name.get_ref().to_string(), name.span().start, text.to_string())),
                other => {
                    let trouble = Trouble::new(code).with("key", self.path_of(key));
                    let trouble = trouble.with("found", show(other)).with("example", example);
                    self.doc.mistake(name.span().start, trouble);
                }
            }
        }
        if texts.is_empty() && !table.is_empty() {
            return None; // each entry has its mistake already
        }
        Some(texts)
    }

    /// A list of tables. `name_key` is the key by which people know each of them: it becomes part of its path.
    pub(super) fn sections(&self, key: &'static str, name_key: &str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let example =
            if self.path.is_empty() { format!("[[{key}]]") } else { format!("{key} = [{{ {name_key} = \"a\" }}]") };
        let DeValue::Array(items) = value else {
            self.wrong_type(key, words::NOT_TABLES, value, &example);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong_type(key, words::NOT_TABLES, item.get_ref(), &example);
                continue;
            };
            let name = table.iter().find(|(k, _)| k.get_ref() == name_key).and_then(|(_, v)| v.get_ref().as_str());
            let name = name.map_or_else(|| format!("#{}", index + 1), str::to_owned);
            let path = if self.path.is_empty() { format!("{key}.{name}") } else { format!("{}.{name}", self.path) };
            sections.push(Section::new(self.doc, path, item.span().start, table));
        }
        sections
    }

    /// Files a mistake for each key that was never asked for.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let trouble = Trouble::new(words::UNKNOWN_KEY).with("key", self.path_of(name));
            let trouble = trouble.with("known", nearest(name, &known));
            self.doc.mistake(key.span().start, trouble);
        }
    }
}

/// The known keys, the most similar ones alone where there are such.
fn nearest(typed: &str, known: &[&'static str]) -> String {
    let close: Vec<_> = known.iter().copied().filter(|key| distance(typed, key) <= 2).collect();
    if close.is_empty() { known.join(", ") } else { close.join(", ") }
}

/// Levenshtein distance: how many letters to change, add or take away.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

/// A value as it stands in the file, shortened.
fn show(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "[...]".to_owned(),
        DeValue::Table(_) => "{...}".to_owned(),
    };
    shortened(text)
}

/// What a line can bear of a text.
pub(super) fn shortened(text: String) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}
