//! The tables of a Telegraf configuration, each value with its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::gather::Gathered;

/// The text, and where its lines end.
pub(super) struct File<'a> {
    pub(super) text: &'a str,
    line_ends: Vec<usize>,
}

impl File<'_> {
    pub(super) fn new(text: &str) -> File<'_> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        File { text, line_ends: ends.map(|(at, _)| at).collect() }
    }

    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < at)
    }
}

/// A table of the file.
pub(super) struct Node<'a> {
    pub(super) file: &'a File<'a>,
    pub(super) at: usize,
    pub(super) table: &'a DeTable<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn line(&self) -> usize {
        self.file.line(self.at)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    pub(super) fn node(&self, key: &str) -> Option<Node<'a>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else { return None };
        Some(Node { file: self.file, at: value.span().start, table })
    }

    pub(super) fn nodes(&self, key: &str) -> Vec<Node<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else { return Vec::new() };
        let node = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => Some(Node { file: self.file, at: value.span().start, table }),
            _ => None,
        };
        array.iter().filter_map(node).collect()
    }

    /// Line and text of a key.
    pub(super) fn text(&self, key: &str) -> Option<(usize, &'a str)> {
        let value = self.get(key)?;
        let DeValue::String(text) = value.get_ref() else { return None };
        Some((self.file.line(value.span().start), text))
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        integer(self.get(key)?.get_ref())
    }

    pub(super) fn float(&self, key: &str) -> Option<f64> {
        match self.get(key)?.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            value => integer(value).map(|number| number as f64),
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.get(key).map(Spanned::get_ref), Some(DeValue::Boolean(true)))
    }

    /// Says of every key that is not known here that it is left out.
    pub(super) fn lose_others(&self, path: &str, known: &[&str], gathered: &mut Gathered) {
        for (key, value) in self.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let line = self.file.line(key.span().start);
            let found = self.file.text.get(value.span()).unwrap_or_default();
            gathered.lose_setting(line, &format!("{path}{}", key.get_ref()), found);
        }
    }
}

/// A whole number in any of TOML's forms.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(number) = value else { return None };
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
