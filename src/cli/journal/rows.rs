//! Samples as rows: JSON lines for programs, CSV for people, from records of the journal or from messages of a file.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value as Json;

use super::when;
use crate::model::{DataRecord, EventRecord, MessageId, Reading, Stream, Timestamp, Value};
use crate::sink::Mask;

/// One reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    ts: i64,
    device: String,
    tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    quality: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u32>,
    id: String,
}

/// The rows of a record: tags that `mask` lets through, scans within the times.
pub(super) fn of_record(
    record: &DataRecord,
    mask: &Mask,
    is_wanted: impl Fn(Timestamp) -> bool,
    mut each: impl FnMut(Row) -> io::Result<()>,
) -> io::Result<()> {
    let id = MessageId { boot: record.boot, stream: Stream::Data, seq: record.seq }.to_string();
    for scan in record.scans.iter().filter(|scan| is_wanted(scan.at)) {
        for (place, (reading, tag)) in scan.readings.iter().zip(&record.group.tags).enumerate() {
            let Some(reading) = reading.as_ref().filter(|_| mask.allows(place)) else { continue };
            let (value, quality, why) = match reading {
                Reading::Good(value) => (Some(json(value)), "good", None),
                Reading::Uncertain(value, why) => (Some(json(value)), "uncertain", Some(why.to_string())),
                Reading::Bad(why) => (None, "bad", Some(why.to_string())),
            };
            let stamp = scan.stamps.as_deref().and_then(|stamps| stamps.get(place)).copied().unwrap_or_default();
            each(Row {
                ts: scan.at.0,
                device: record.group.device.to_string(),
                tag: tag.name.to_string(),
                value,
                unit: tag.unit.as_deref().map(str::to_owned),
                quality,
                why,
                source_ts: stamp.source.map(|at| at.0),
                server_ts: stamp.server.map(|at| at.0),
                status: (stamp.status != 0).then_some(stamp.status),
                id: id.clone(),
            })?;
        }
    }
    Ok(())
}

fn json(value: &Value) -> Json {
    match value {
        Value::Bool(v) => Json::from(*v),
        Value::I64(v) => Json::from(*v),
        Value::U64(v) => Json::from(*v),
        // Through its shortest text: 231.5 and not 231.5000001.
        Value::F32(v) => v.to_string().parse::<f64>().map_or(Json::Null, Json::from),
        Value::F64(v) => Json::from(*v),
        Value::Text(v) => Json::from(&**v),
        Value::Json(v) => serde_json::from_str(v).unwrap_or_else(|_| Json::from(&**v)),
    }
}

/// The rows of a message, as a receiver sees it; none where it is no data message. The unit stands in the birth message alone.
pub(super) fn of_message(payload: &[u8]) -> Vec<Row> {
    let Ok(message) = serde_json::from_slice::<Json>(payload) else { return Vec::new() };
    let (Some(device), Some(id)) = (message["device"].as_str(), message["id"].as_str()) else { return Vec::new() };
    let mut rows = Vec::new();
    for sample in message["samples"].as_array().into_iter().flatten() {
        let Some(ts) = sample["ts"].as_i64() else { continue };
        let stamp = |key: &str, tag: &str| sample[key].as_i64().or_else(|| sample[key].get(tag)?.as_i64());
        let mut row = |tag: &str, value: Option<Json>, quality, why: Option<&str>| {
            rows.push(Row {
                ts,
                device: device.to_owned(),
                tag: tag.to_owned(),
                value,
                unit: None,
                quality,
                why: why.map(str::to_owned),
                source_ts: stamp("source_ts", tag),
                server_ts: stamp("server_ts", tag),
                status: stamp("status", tag).and_then(|status| u32::try_from(status).ok()),
                id: id.to_owned(),
            });
        };
        for (tag, value) in sample["values"].as_object().into_iter().flatten() {
            let why = sample["uncertain"].get(tag).and_then(Json::as_str);
            row(tag, Some(value.clone()), if why.is_some() { "uncertain" } else { "good" }, why);
        }
        for (tag, why) in sample["bad"].as_object().into_iter().flatten() {
            row(tag, None, "bad", why.as_str());
        }
    }
    rows
}

/// An event as a line of JSON.
pub(super) fn event_line(record: &EventRecord) -> String {
    let id = MessageId { boot: record.boot, stream: Stream::Events, seq: record.seq }.to_string();
    serde_json::json!({ "ts": record.at.0, "event": record.event, "id": id }).to_string()
}

impl Row {
    /// As a line of JSON.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("a row has only strings and numbers")
    }

    /// As a line of CSV, the time as the workshop's clocks show it.
    pub(super) fn csv(&self, zone: &str) -> String {
        let number = |n: Option<i64>| n.map(|ms| when::exact(ms, zone)).unwrap_or_default();
        let value = match &self.value {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let is_text = !matches!(&self.value, Some(Json::Number(_) | Json::Bool(_)));
        let status = self.status.map(|status| format!("0x{status:08X}")).unwrap_or_default();
        let cells = [
            when::exact(self.ts, zone),
            cell(&self.device, true),
            cell(&self.tag, true),
            cell(&value, is_text),
            cell(self.unit.as_deref().unwrap_or_default(), true),
            self.quality.to_owned(),
            self.why.clone().unwrap_or_default(),
            number(self.source_ts),
            number(self.server_ts),
            status,
            self.id.clone(),
        ];
        cells.join(",")
    }
}

/// Excel and WPS take a text that begins so for a formula; with an apostrophe in front they show it as it is.
fn cell(text: &str, is_text: bool) -> String {
    let is_formula = is_text && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// Byte order mark, so that Excel takes it for UTF-8, and what the columns are, in both languages.
pub(super) fn csv_head(out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        "\u{feff}time 时间,device 设备,tag 点,value 值,unit 单位,quality 质量,why 原因,source time 源时间,server time 服务器时间,status 状态码,id 标识\r\n"
            .as_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BootId, Deadband, Group, ReportRule, Scan, Stamp, TagInfo, ValueKind, Why};
    use crate::sink::{Scope, payload};
    use std::sync::Arc;
    use std::time::Duration;

    fn record() -> DataRecord {
        let report = ReportRule { deadband: Deadband::None, max_silence: Duration::from_secs(60) };
        let tag = |name: &str| TagInfo {
            name: name.into(),
            unit: Some("°C".into()),
            kind: ValueKind::Float,
            report,
            grade: Default::default(),
        };
        let tags = ["a", "b", "c", "d"].map(tag).to_vec();
        let group = Arc::new(Group::new("imm-01".into(), Duration::from_secs(1), tags));
        let stamp = Stamp { source: Some(Timestamp(4)), server: None, status: 0x40_90_00_00 };
        let scan = |at| Scan {
            at: Timestamp(at),
            mono_ms: 0,
            readings: vec![
                Some(Reading::Good(Value::F32(231.1))),
                Some(Reading::Uncertain(Value::Text("=1+1,\"x\"".into()), Why::LastKnown)),
                Some(Reading::Bad(Why::Timeout)),
                None,
            ],
            stamps: Some([Stamp::NONE, stamp, Stamp::NONE, Stamp::NONE].into()),
        };
        DataRecord {
            seq: 7,
            boot: BootId(1),
            group,
            clock: crate::model::ClockMark::Trusted,
            scans: vec![scan(5), scan(1_767_225_600_000)],
        }
    }

    fn rows(send: &str, is_wanted: impl Fn(Timestamp) -> bool) -> Vec<Row> {
        let record = record();
        let mask = Scope::new(&[send.to_owned()]).mask(&record.group.device, &record.group.tags);
        let mut rows = Vec::new();
        of_record(&record, &mask, is_wanted, |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
        rows
    }

    #[test]
    fn a_reading_is_a_line_of_json_with_all_that_is_known_of_it() {
        let lines: Vec<_> = rows("*", |at| at.0 == 5).iter().map(Row::line).collect();
        assert_eq!(
            lines,
            [
                r#"{"ts":5,"device":"imm-01","tag":"a","value":231.1,"unit":"°C","quality":"good","id":"000000000001-data-7"}"#,
                r#"{"ts":5,"device":"imm-01","tag":"b","value":"=1+1,\"x\"","unit":"°C","quality":"uncertain","why":"last_known","source_ts":4,"status":1083179008,"id":"000000000001-data-7"}"#,
                r#"{"ts":5,"device":"imm-01","tag":"c","unit":"°C","quality":"bad","why":"timeout","id":"000000000001-data-7"}"#,
            ]
        );
        assert_eq!(rows("imm-01.a", |_| true).len(), 2, "only what may leave, in every scan");
    }

    #[test]
    fn a_line_of_csv_is_safe_in_a_spreadsheet() {
        let row = &rows("imm-01.b", |at| at.0 > 5)[0];
        assert_eq!(
            row.csv("Asia/Shanghai"),
            "2026-01-01 08:00:00.000,imm-01,b,\"'=1+1,\"\"x\"\"\",°C,uncertain,last_known,1970-01-01 08:00:00.004,,0x40900000,000000000001-data-7"
        );
        assert_eq!(cell("-5", false), "-5", "a number stays one");
    }

    #[test]
    fn a_message_gives_the_same_rows_as_its_record_apart_from_units() {
        let record = record();
        let mask = Scope::new(&["*".into()]).mask(&record.group.device, &record.group.tags);
        let payload = payload::data(&record, &mask, 6).unwrap();
        let without_unit = |row: Row| Row { unit: None, ..row };
        let expected: Vec<_> = rows("*", |_| true).into_iter().map(without_unit).collect();
        assert_eq!(of_message(&payload), expected);
        for other in [&b"garbage"[..], b"{}", b"[1]", b"{\"device\":\"m\",\"id\":\"x\",\"samples\":[{}]}"] {
            assert_eq!(of_message(other), []);
        }
    }
}
