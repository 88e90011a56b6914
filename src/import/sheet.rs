//! A table of another product: its rows by the names of its columns.

use crate::config::{Row, rows_of_text, rows_of_xlsx};
use crate::model::Lang;
use crate::model::encoding::decode_file;

/// A table with a first row that names its columns.
pub(super) struct Sheet {
    /// In lower case.
    head: Vec<String>,
    /// What follows.
    pub(super) rows: Vec<Row>,
}

impl Sheet {
    /// The table in text or xlsx whose head is the first row that `is_head` takes, among the first few. The error is the
    /// reason, for people.
    pub(super) fn read(bytes: &[u8], is_head: impl Fn(&[String]) -> bool) -> Result<Sheet, String> {
        /// Exports begin with some lines of comment at most.
        const BEFORE_HEAD: usize = 20;
        let rows = match bytes.starts_with(b"PK\x03\x04") {
            true => rows_of_xlsx(bytes),
            false => rows_of_text(&without_comments(&decode_file(bytes).ok_or("no text")?)),
        };
        let mut rows = rows.map_err(|trouble| trouble.what(Lang::En))?;
        rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
        let lowered = |row: &Row| row.cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>();
        let at = rows
            .iter()
            .take(BEFORE_HEAD)
            .position(|row| is_head(&lowered(row)))
            .ok_or("no row that names the columns")?;
        let head = lowered(&rows[at]);
        rows.drain(..=at);
        Ok(Sheet { head, rows })
    }

    /// The cell of a row under the first of these names that the head has; empty where there is none.
    pub(super) fn cell<'a>(&self, row: &'a Row, names: &[&str]) -> &'a str {
        let column = names.iter().find_map(|name| self.head.iter().position(|cell| cell == name));
        column.and_then(|column| row.cells.get(column)).map_or("", String::as_str)
    }

    /// Columns that have none of these names, with a first value of theirs.
    pub(super) fn unknown<'a>(&'a self, known: &[&str]) -> Vec<(&'a str, &'a Row, &'a str)> {
        let columns = self.head.iter().enumerate().filter(|(_, name)| !known.contains(&name.as_str()));
        columns
            .filter_map(|(at, name)| {
                let value = |row: &'a Row| row.cells.get(at).map(String::as_str).filter(|cell| !cell.is_empty());
                self.rows.iter().find_map(|row| Some((name.as_str(), row, value(row)?)))
            })
            .collect()
    }
}

/// `Eng. Units` is `eng units`.
fn plain(cell: &str) -> String {
    cell.trim().to_lowercase().replace(['.', '_'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of comment before the head must not decide what separates columns. The lines stay, so that rows keep their numbers.
fn without_comments(text: &str) -> String {
    let mut is_head_seen = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches('\u{feff}').trim_start();
        if !is_head_seen && (bare.is_empty() || bare.starts_with([';', '#'])) {
            kept.push('\n');
            continue;
        }
        is_head_seen = true;
        kept.push_str(line);
    }
    kept
}

/// A decimal as exports write it; also with a decimal comma.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
