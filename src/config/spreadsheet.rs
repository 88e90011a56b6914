//! The rows of a spreadsheet as texts: comma, semicolon or tab separated in UTF-8, UTF-16 or GBK, or xlsx. What the rows
//! mean is somebody else's matter.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, DataRef, Reader, Xlsx};

use crate::model::Trouble;
use crate::model::encoding::decode_file;
use crate::model::words::config as words;

/// A row that is not empty, its cells trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As the spreadsheet program counts it, from 1; for text, the line that it begins on.
    pub number: usize,
    /// From the first column on.
    pub cells: Vec<String>,
}

/// Rows beyond this are no tags of one device.
const MAX_ROWS: usize = 20_000;

/// Columns beyond this are none of a tag.
const MAX_COLUMNS: usize = 64;

/// An xlsx of 5 MB with 20,000 rows unpacks to far less; one that claims more is a trap.
const MAX_UNPACKED: u64 = 100_000_000;

/// Bytes of text in all cells: a text that an xlsx holds once may stand in a million cells.
const MAX_TEXT: usize = 20_000_000;

/// All rows that hold something, those left out whose first cell begins with `#`. Trouble tells what the file cannot be.
pub(super) fn rows(name: &str, bytes: &[u8]) -> Result<Vec<Row>, Trouble> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let rows = match ending.as_str() {
        "xlsx" => rows_of_xlsx(bytes),
        "csv" | "tsv" | "txt" => text_of(bytes).and_then(|text| rows_of_text(&text)),
        _ => Err(Trouble::new(words::TABLE_KIND)),
    };
    let mut rows = rows.map_err(|trouble| trouble.with("file", name))?;
    rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
    rows.retain(|row| row.cells.first().is_none_or(|cell| !cell.starts_with('#')));
    Ok(rows)
}

/// By its mark; else UTF-8 where it is that; else GBK.
fn text_of(bytes: &[u8]) -> Result<String, Trouble> {
    decode_file(bytes).filter(|text| !text.contains('\0')).ok_or_else(|| Trouble::new(words::TABLE_NOT_TEXT))
}

/// RFC 4180 with any of three separators: the one that the first line has most of. A quote stands for itself where it
/// does not begin a cell.
pub fn rows_of_text(text: &str) -> Result<Vec<Row>, Trouble> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: char| first.chars().filter(|c| *c == separator).count();
    let separator = [',', ';', '\t'].into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(',');

    let mut rows = Vec::new();
    let mut row = Row { number: 1, cells: Vec::new() };
    let mut cell = String::new();
    let (mut line, mut quoted_since) = (1, None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted_since.is_some() && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted_since.is_some() => quoted_since = None,
            c if quoted_since.is_some() => cell.push(c),
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted_since = Some(line);
            }
            '\n' => {
                put(&mut row, &mut cell)?;
                rows.push(std::mem::replace(&mut row, Row { number: line, cells: Vec::new() }));
                within(rows.len())?;
            }
            c if c == separator => put(&mut row, &mut cell)?,
            c => cell.push(c),
        }
    }
    if let Some(line) = quoted_since {
        return Err(Trouble::new(words::QUOTE_OPEN).with("line", line));
    }
    put(&mut row, &mut cell)?;
    rows.push(row);
    Ok(rows)
}

fn put(row: &mut Row, cell: &mut String) -> Result<(), Trouble> {
    if row.cells.len() == MAX_COLUMNS {
        return Err(too_large());
    }
    row.cells.push(cell.trim().to_owned());
    cell.clear();
    Ok(())
}

fn within(rows: usize) -> Result<(), Trouble> {
    if rows > MAX_ROWS { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> Trouble {
    Trouble::new(words::TABLE_TOO_LARGE).with("rows", MAX_ROWS).with("columns", MAX_COLUMNS)
}

/// The first sheet, cell by cell: a lone cell far out would otherwise cost the memory of all between.
pub fn rows_of_xlsx(bytes: &[u8]) -> Result<Vec<Row>, Trouble> {
    bounded(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let Some(sheet) = book.sheet_names().first().cloned() else { return Ok(Vec::new()) };
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(damaged)?;
    let mut rows: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut all_text = 0;
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let text = shown(cell.get_value());
        if text.is_empty() {
            continue;
        }
        let (row, column) = cell.get_position();
        let (row, column) = (row as usize, column as usize);
        all_text += text.len();
        if column >= MAX_COLUMNS || row >= MAX_ROWS || all_text > MAX_TEXT {
            return Err(too_large());
        }
        let cells = rows.entry(row + 1).or_default();
        cells.resize(cells.len().max(column + 1), String::new());
        cells[column] = text;
    }
    Ok(rows.into_iter().map(|(number, cells)| Row { number, cells }).collect())
}

fn damaged(error: impl std::fmt::Display) -> Trouble {
    Trouble::new(words::TABLE_UNREADABLE).with("found", error)
}

/// Refuses what would unpack without an end. The sizes are those of the directory in the file.
fn bounded(bytes: &[u8]) -> Result<(), Trouble> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut unpacked: u64 = 0;
    for index in 0..archive.len() {
        let size = archive.by_index_raw(index).map_err(damaged)?.size();
        unpacked = unpacked.saturating_add(size);
    }
    if unpacked > MAX_UNPACKED { Err(too_large()) } else { Ok(()) }
}

/// A cell as a person sees it; 40001.0 is 40001.
fn shown(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Empty => String::new(),
        other => Data::from(other.clone()).to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &[(usize, &[&str])]) {
        let found = rows("t.csv", bytes).unwrap();
        let found: Vec<_> =
            found.iter().map(|row| (row.number, row.cells.iter().map(String::as_str).collect())).collect();
        let expected: Vec<_> = expected.iter().map(|(number, cells)| (*number, cells.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn text_is_read_with_any_separator_and_encoding() {
        let gbk = crate::model::encoding::gbk("名称,单位\n温度,℃\n");
        check(&gbk, &[(1, &["名称", "单位"]), (2, &["温度", "℃"])]);
        check("\u{feff}a;b\r\n1;\"2;3\"\r\n".as_bytes(), &[(1, &["a", "b"]), (2, &["1", "2;3"])]);
        check(b"a\tb\n1, 2\t3", &[(1, &["a", "b"]), (2, &["1, 2", "3"])]);
        let utf_16: Vec<u8> = "\u{feff}名,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&utf_16, &[(1, &["名", "b"])]);
    }

    #[test]
    fn quotes_keep_separators_quotes_and_line_ends_and_rows_keep_their_lines() {
        check(
            b"a,b\n\"x \"\"y\"\"\nz\", 5\" pipe \n\n# a note\n,\n1,2",
            &[(1, &["a", "b"]), (2, &["x \"y\"\nz", "5\" pipe"]), (7, &["1", "2"])],
        );
    }

    #[test]
    fn what_is_no_table_is_said_and_not_guessed() {
        for (name, bytes, expected) in [
            ("t.csv", &b"a,b\n\"never closed"[..], words::QUOTE_OPEN),
            ("t.csv", b"\xff\xff\xff", words::TABLE_NOT_TEXT),
            ("t.csv", b"a\0b", words::TABLE_NOT_TEXT),
            ("t.csv", &[b','; 64], words::TABLE_TOO_LARGE),
            ("t.csv", &[b'\n'; 20_001], words::TABLE_TOO_LARGE),
            ("t.xls", b"", words::TABLE_KIND),
            ("t.xlsx", b"PK\x03\x04", words::TABLE_UNREADABLE),
            ("t.xlsx", b"", words::TABLE_UNREADABLE),
        ] {
            let trouble = rows(name, bytes).unwrap_err();
            assert_eq!(trouble.code, expected, "{name}: {trouble:?}");
        }
    }

    #[test]
    fn one_long_text_in_very_many_cells_is_refused_and_does_not_fill_the_memory() {
        const NS: &str = "http://schemas.openxmlformats.org";
        let cells = "<c r=\"A1\" t=\"s\"><v>0</v></c>".repeat(2_000);
        let parts = [
            ("[Content_Types].xml", format!("<Types xmlns=\"{NS}/package/2006/content-types\"/>")),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{NS}/package/2006/relationships\"><Relationship Id=\"a\" Type=\"{NS}/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{NS}/spreadsheetml/2006/main\" xmlns:r=\"{NS}/officeDocument/2006/relationships\"><sheets><sheet name=\"s\" sheetId=\"1\" r:id=\"a\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{NS}/package/2006/relationships\"><Relationship Id=\"a\" Type=\"{NS}/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"b\" Type=\"{NS}/officeDocument/2006/relationships/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/sharedStrings.xml",
                format!("<sst xmlns=\"{NS}/spreadsheetml/2006/main\"><si><t>{}</t></si></sst>", "x".repeat(20_000)),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!(
                    "<worksheet xmlns=\"{NS}/spreadsheetml/2006/main\"><sheetData><row r=\"1\">{cells}</row></sheetData></worksheet>"
                ),
            ),
        ];
        let mut file = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            file.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        }
        let bytes = file.finish().unwrap().into_inner();
        let trouble = rows_of_xlsx(&bytes).unwrap_err();
        assert_eq!(trouble.code, words::TABLE_TOO_LARGE, "{trouble:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_bring_the_reader_down(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            rows("t.csv", &bytes).ok();
            rows("t.xlsx", &bytes).ok();
        }
    }
}
