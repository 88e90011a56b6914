//! Tables: CSV with a byte-order mark, for Excel and WPS on Chinese Windows, and xlsx. Each figure a row, with what is above and below
//! the line.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::build::Report;
use super::document::{DeviceReport, FigurePart};
use super::number::Num;
use crate::model::Lang;

/// What Excel knows UTF-8 by.
pub(super) const BOM: &str = "\u{feff}";

/// A cell of a table.
enum Cell {
    Text(String),
    Number(Option<Num>),
}

const HEAD: [[&str; 2]; 17] = [
    ["device", "设备编号"],
    ["name", "设备名称"],
    ["line", "产线"],
    ["period", "周期"],
    ["indicator", "指标"],
    ["key", "字段"],
    ["indicator_name", "指标名称"],
    ["formula", "公式"],
    ["numerator", "分子"],
    ["numerator_unit", "分子单位"],
    ["denominator", "分母"],
    ["denominator_unit", "分母单位"],
    ["value", "数值"],
    ["unit", "单位"],
    ["coverage_pbt", "数据覆盖率（负荷时间）"],
    ["quality", "数据质量"],
    ["flags", "标记"],
];

/// All figures of all machines.
pub fn csv(report: &Report, lang: Lang) -> String {
    let mut out = BOM.to_owned();
    out.push_str(&csv_line(head(lang)));
    for row in rows(report, lang) {
        out.push_str(&csv_line(row.iter().map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.map_or_else(String::new, |it| it.to_string()),
        })));
    }
    out
}

/// One line. A text that a spreadsheet would take for a formula gets a quote in front, and what steers a terminal becomes a
/// space, since texts come from machines too.
pub fn csv_line(cells: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let cell = |cell: &str| {
        let is_number = cell.parse::<f64>().is_ok();
        let guard = if !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        let text = format!("{guard}{cell}").replace(|c: char| c.is_control(), " ");
        if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.into_iter().map(|it| cell(it.as_ref())).collect::<Vec<_>>().join(",") + "\r\n"
}

/// The same as a workbook, with a sheet of the stops.
pub fn xlsx(report: &Report, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let pick = |en, zh| if lang == Lang::Zh { zh } else { en };
    let sheet = book.add_worksheet().set_name(pick("figures", "指标"))?;
    for (column, word) in (0..).zip(head(lang)) {
        sheet.write_string_with_format(0, column, word, &bold)?;
    }
    for (line, row) in (1..).zip(rows(report, lang)) {
        for (column, cell) in (0..).zip(&row) {
            match cell {
                Cell::Text(text) => sheet.write_string(line, column, text)?,
                Cell::Number(Some(number)) => sheet.write_number(line, column, number.get())?,
                Cell::Number(None) => sheet,
            };
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    sheet.autofit();
    let sheet = book.add_worksheet().set_name(pick("stops", "停机"))?;
    let words = [
        pick("device", "设备编号"),
        pick("state", "状态"),
        pick("cause", "原因"),
        pick("text", "说明"),
        pick("count", "次数"),
        pick("min", "分钟"),
    ];
    for (column, word) in (0..).zip(words) {
        sheet.write_string_with_format(0, column, word, &bold)?;
    }
    let stops = report.devices.iter().flat_map(|device| device.stops.iter().map(move |stop| (device, stop)));
    for (line, (device, stop)) in (1..).zip(stops) {
        sheet.write_string(line, 0, &device.device)?;
        sheet.write_string(line, 1, stop.state)?;
        sheet.write_string(line, 2, &stop.cause)?;
        sheet.write_string(line, 3, stop.text.as_deref().unwrap_or_default())?;
        sheet.write_number(line, 4, f64::from(stop.count))?;
        sheet.write_number(line, 5, stop.min.get())?;
    }
    sheet.autofit();
    if report.devices.iter().any(|device| !device.quarters.is_empty()) {
        quarters(&mut book, report, lang)?;
    }
    book.save_to_buffer()
}

/// A sheet of the quarters of an hour.
fn quarters(book: &mut Workbook, report: &Report, lang: Lang) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let name = if lang == Lang::Zh { "15分钟电量" } else { "quarters" };
    let sheet = book.add_worksheet().set_name(name)?;
    for (column, word) in (0..).zip(super::quarters::head(lang)) {
        sheet.write_string_with_format(0, column, word, &bold)?;
    }
    let all = report.devices.iter().flat_map(|device| device.quarters.iter().map(move |quarter| (device, quarter)));
    for (line, (device, quarter)) in (1..).zip(all) {
        sheet.write_string(line, 0, &device.device)?;
        sheet.write_string(line, 1, device.name.as_deref().unwrap_or_default())?;
        sheet.write_string(line, 2, &quarter.start)?;
        for (column, number) in [(3, quarter.kwh), (4, quarter.demand_kw)] {
            if let Some(number) = number {
                sheet.write_number(line, column, number.get())?;
            }
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    sheet.autofit();
    Ok(())
}

fn head(lang: Lang) -> impl Iterator<Item = &'static str> {
    HEAD.into_iter().map(move |[en, zh]| if lang == Lang::Zh { zh } else { en })
}

fn rows(report: &Report, lang: Lang) -> impl Iterator<Item = Vec<Cell>> + '_ {
    report.devices.iter().flat_map(move |device| device.figures.iter().map(move |figure| row(device, figure, lang)))
}

fn row(device: &DeviceReport, figure: &FigurePart, lang: Lang) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let period = match &device.period.name {
        Some(name) => format!("{}/{name}", device.period.date),
        None if device.period.kind == "month" => device.period.date.get(..7).unwrap_or_default().to_owned(),
        None => device.period.date.clone(),
    };
    vec![
        text(&device.device),
        text(device.name.as_deref().unwrap_or_default()),
        text(device.line.as_deref().unwrap_or_default()),
        text(&period),
        text(figure.id),
        text(figure.name),
        text(if lang == Lang::Zh { figure.zh } else { figure.name }),
        text(figure.formula),
        Cell::Number(figure.numerator),
        text(&figure.numerator_unit),
        Cell::Number(figure.denominator),
        text(&figure.denominator_unit),
        Cell::Number(figure.value),
        text(&figure.unit),
        Cell::Number(figure.coverage),
        text(figure.quality.unwrap_or_default()),
        text(&figure.flags.join(" ")),
    ]
}
