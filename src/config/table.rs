//! Tag tables: `tags_file = "press.csv"` or `.xlsx`. A row becomes the line of a TOML list at the same place, so that
//! rows pass through the very code that reads tags, and a mistake's line is its row.

use super::device::Protocol;
use super::files::Files;
use super::gather::Gathering;
use super::quote::quoted;
use super::read::{Doc, Section};
use super::spreadsheet::{self, Row};
use super::{OtherFile, read};
use crate::model::Trouble;
use crate::model::words::config as words;

/// Key of a tag, its names in the first row, whether a number stays a number (and yes or no stays such).
struct Column(&'static str, &'static [&'static str], bool);

const COLUMNS: &[Column] = &[
    Column("name", &["name", "tag", "名称", "点名", "变量名"], false),
    Column("address", &["address", "地址", "寄存器地址"], false),
    Column("type", &["type", "data type", "类型", "数据类型"], false),
    Column("length", &["length", "长度"], true),
    Column("encoding", &["encoding", "编码"], false),
    Column("unit", &["unit", "单位"], false),
    Column("scale", &["scale", "系数", "倍率"], true),
    Column("offset", &["offset", "偏移", "偏移量"], true),
    Column("order", &["order", "byte order", "字节序"], false),
    Column("every", &["every", "period", "周期", "采集周期"], false),
    Column("deadband", &["deadband", "死区"], true),
    Column("max_silence", &["max_silence", "最长静默"], false),
    Column("sampling", &["sampling", "sampling interval", "采样周期", "采样间隔"], false),
    Column("queue", &["queue", "queue size", "队列", "队列长度"], true),
    Column("trigger", &["trigger", "触发", "触发条件"], false),
    Column("index", &["index", "index range", "下标", "数组下标"], false),
    Column("subscribe", &["subscribe", "订阅"], true),
    Column("write", &["write", "可写"], true),
    Column("write_min", &["write_min", "写入下限"], true),
    Column("write_max", &["write_max", "写入上限"], true),
    Column("class", &["class", "类别", "数据类别"], false),
    Column("level", &["level", "级别", "数据级别"], false),
    Column("role", &["role", "角色", "用途"], false),
    Column("scene", &["scene", "环节", "采集环节"], false),
    Column("label", &["label", "description", "描述", "说明", "备注"], false),
];

/// Columns without which a row is no tag. Only Modbus devices do not say themselves what their values are.
const NEEDED: [&str; 2] = ["name", "address"];
const NEEDED_OF_MODBUS: [&str; 3] = ["name", "address", "type"];

/// Adds the rows of the table of a device, if it has one.
pub(super) fn gather(device: &Section<'_>, files: &Files<'_>, into: &mut Gathering) {
    let Some(named) = device.text("tags_file", "tags_file = \"press.csv\"") else { return };
    let at = device.at_of("tags_file");
    let Some(bytes) = files.bytes(&named).map_err(|trouble| device.doc.mistake(at, trouble)).ok() else { return };
    let rows = match spreadsheet::rows(&named, &bytes) {
        Ok(rows) => rows,
        Err(trouble) => return device.doc.mistake(at, trouble),
    };
    let file = OtherFile { name: named.as_str().into(), is_table: true };
    let needed: &[&str] = if into.defaults.protocol == Protocol::Modbus { &NEEDED_OF_MODBUS } else { &NEEDED };
    let (text, mistakes) = as_toml(&rows, needed);
    let doc = Doc::of(Some(file), &text);
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    for (row, trouble) in mistakes {
        doc.mistake(starts.get(row.saturating_sub(1)).copied().unwrap_or(text.len()), trouble);
    }
    if let Some(table) = doc.tables(&text) {
        let top = Section::new(&doc, String::new(), 0, table.get_ref());
        top.sections("tags", "name").iter().for_each(|section| into.offer(section));
    }
    device.doc.adopt(at, doc);
}

/// A list `tags` whose entries stand on the lines of their rows, and what is wrong with the table as such.
fn as_toml(rows: &[Row], needed: &[&str]) -> (String, Vec<(usize, Trouble)>) {
    let mut mistakes = Vec::new();
    let Some((head, body)) = rows.split_first() else {
        return (String::new(), vec![(1, Trouble::new(words::TABLE_EMPTY))]);
    };
    let keys = columns(head, needed, &mut mistakes);
    if needed.iter().any(|needed| !keys.iter().flatten().any(|column| column.0 == *needed)) {
        // Without them each row would only repeat it.
        return (lines_up_to(head.number), mistakes);
    }
    if body.is_empty() {
        mistakes.push((head.number, Trouble::new(words::TABLE_EMPTY)));
    }
    let mut text = lines_up_to(head.number);
    text.push_str("tags = [");
    let mut line = head.number;
    for row in body {
        (line..row.number).for_each(|_| text.push('\n'));
        line = row.number.max(line);
        let cells = row.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let mut entries = Vec::new();
        for (index, cell) in cells {
            match keys.get(index) {
                Some(Some(Column(key, _, is_number))) => entries.push(format!("{key} = {}", value(cell, *is_number))),
                Some(None) => {} // its column is a mistake already, or has neither name nor need
                None => {
                    mistakes.push((row.number, Trouble::new(words::CELL_WITHOUT_COLUMN).with("found", shortened(cell))))
                }
            }
        }
        text.push_str(&format!("{{ {} }},", entries.join(", ")));
    }
    text.push_str("\n]\n");
    (text, mistakes)
}

/// The column of each cell of the first row.
fn columns(head: &Row, needed: &[&str], mistakes: &mut Vec<(usize, Trouble)>) -> Vec<Option<&'static Column>> {
    let mut keys: Vec<Option<&'static Column>> = Vec::new();
    for cell in &head.cells {
        let wanted = cell.to_lowercase();
        let found = COLUMNS.iter().find(|Column(_, names, _)| names.contains(&wanted.as_str()));
        if found.is_none() && !cell.is_empty() {
            let trouble = Trouble::new(words::UNKNOWN_COLUMN).with("found", shortened(cell));
            mistakes.push((head.number, trouble.with("known", known())));
        }
        if let Some(column) = found.filter(|column| keys.iter().flatten().any(|key| key.0 == column.0)) {
            let trouble = Trouble::new(words::COLUMN_TWICE).with("key", column.0);
            mistakes.push((head.number, trouble.with("found", shortened(cell))));
            keys.push(None);
        } else {
            keys.push(found);
        }
    }
    for needed in needed.iter().filter(|needed| !keys.iter().flatten().any(|column| column.0 == **needed)) {
        let names = COLUMNS.iter().find(|column| column.0 == *needed).map(|column| column.1.join(", "));
        let trouble = Trouble::new(words::MISSING_COLUMN).with("key", needed);
        mistakes.push((head.number, trouble.with("known", names.unwrap_or_default())));
    }
    keys
}

/// All columns, each with its names.
fn known() -> String {
    COLUMNS.iter().map(|Column(_, names, _)| names.join("/")).collect::<Vec<_>>().join(", ")
}

/// A cell as TOML: a number where the column holds numbers and the cell is one, text otherwise.
fn value(cell: &str, is_number: bool) -> String {
    if is_number && cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        if let Ok(whole) = cell.parse::<i64>() {
            return whole.to_string();
        }
        if let Some(number) = cell.parse::<f64>().ok().filter(|number| number.is_finite()) {
            return format!("{number:?}");
        }
    }
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "是" if is_number => "true".to_owned(),
        "false" | "no" | "否" if is_number => "false".to_owned(),
        _ => quoted(cell),
    }
}

fn shortened(cell: &str) -> String {
    read::shortened(cell.replace(char::is_control, " "))
}

fn lines_up_to(row: usize) -> String {
    "\n".repeat(row.saturating_sub(1))
}
