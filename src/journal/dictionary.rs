//! The dictionary: each group's tag list stands in the file once, and a row of data names it by number.
//!
//! The rule: an entry never changes. A group that differs in anything, be it only a period, is a new entry.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::bytes::Damaged;
use super::record::{Packer, Unpacker};
use crate::model::{Class, Deadband, Grade, Group, Level, ReportRule, TagInfo, ValueKind};

/// The writer's side: the number of a group, by its fingerprint. Its size is that of the configuration.
#[derive(Default)]
pub(super) struct Dictionary {
    known: HashMap<u64, (Arc<Group>, i64)>,
}

impl Dictionary {
    /// The number of this group; writes an entry if there is none. If the transaction around it fails, call
    /// [`Dictionary::forget`].
    pub fn number_of(
        &mut self,
        connection: &Connection,
        packer: &mut Packer,
        unpacker: &mut Unpacker,
        group: &Arc<Group>,
    ) -> rusqlite::Result<i64> {
        if let Some((known, number)) = self.known.get(&group.id)
            && (Arc::ptr_eq(known, group) || known == group)
        {
            return Ok(*number);
        }
        let number = match stored(connection, unpacker, group)? {
            Some(number) => number,
            None => insert(connection, packer, group)?,
        };
        self.known.insert(group.id, (group.clone(), number));
        Ok(number)
    }

    /// What it knows.
    pub fn entries(&self) -> Vec<(i64, Arc<Group>)> {
        self.known.values().map(|(group, number)| (*number, group.clone())).collect()
    }

    /// Forgets what it knows; the file is asked again.
    pub fn forget(&mut self) {
        self.known.clear();
    }
}

/// Equal fingerprints are not trusted: the entry is compared in full.
fn stored(connection: &Connection, unpacker: &mut Unpacker, group: &Group) -> rusqlite::Result<Option<i64>> {
    let mut entries = connection.prepare_cached("SELECT id, body FROM groups WHERE fingerprint = ?1")?;
    let mut rows = entries.query([group.id as i64])?;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        if decode(unpacker, number, row.get_ref(1)?.as_blob()?).is_ok_and(|entry| entry == *group) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

fn insert(connection: &Connection, packer: &mut Packer, group: &Group) -> rusqlite::Result<i64> {
    let number: i64 = connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM groups", [], |row| row.get(0))?;
    let entry = serde_json::to_vec(&Entry::of(group)).expect("an entry has only strings and finite numbers");
    let body = packer.pack(&[number], &entry);
    connection.prepare_cached("INSERT INTO groups (id, fingerprint, body) VALUES (?1, ?2, ?3)")?.execute((
        number,
        group.id as i64,
        body,
    ))?;
    Ok(number)
}

/// The group of this number; `None` if there is no such entry or it is damaged.
pub(super) fn read(connection: &Connection, unpacker: &mut Unpacker, number: i64) -> rusqlite::Result<Option<Group>> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM groups WHERE id = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| decode(unpacker, number, &body).ok()))
}

fn decode(unpacker: &mut Unpacker, number: i64, body: &[u8]) -> Result<Group, Damaged> {
    let json = unpacker.unpack(&[number], body)?;
    serde_json::from_slice::<Entry>(&json).ok().and_then(Entry::into_group).ok_or(Damaged)
}

/// The shape of an entry, JSON in the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    device: String,
    period_ns: u64,
    tags: Vec<Tag>,
}

#[derive(Serialize, Deserialize)]
struct Tag {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    unit: Option<String>,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    absolute: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    percent: Option<f64>,
    silence_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    level: Option<String>,
}

impl Entry {
    fn of(group: &Group) -> Entry {
        let tag = |tag: &TagInfo| Tag {
            name: tag.name.to_string(),
            unit: tag.unit.as_deref().map(str::to_owned),
            kind: tag.kind.as_str().to_owned(),
            absolute: if let Deadband::Absolute(limit) = tag.report.deadband { Some(limit) } else { None },
            percent: if let Deadband::Percent(limit) = tag.report.deadband { Some(limit) } else { None },
            silence_ns: nanoseconds(tag.report.max_silence),
            class: (tag.grade.class != Class::default()).then(|| tag.grade.class.as_str().to_owned()),
            level: (tag.grade.level != Level::default()).then(|| tag.grade.level.as_str().to_owned()),
        };
        Entry {
            device: group.device.to_string(),
            period_ns: nanoseconds(group.period),
            tags: group.tags.iter().map(tag).collect(),
        }
    }

    fn into_group(self) -> Option<Group> {
        let tag = |tag: Tag| {
            let deadband = match (tag.absolute, tag.percent) {
                (Some(limit), _) => Deadband::Absolute(limit),
                (None, Some(limit)) => Deadband::Percent(limit),
                (None, None) => Deadband::None,
            };
            Some(TagInfo {
                name: tag.name.into(),
                unit: tag.unit.map(Into::into),
                kind: ValueKind::parse(&tag.kind)?,
                report: ReportRule { deadband, max_silence: Duration::from_nanos(tag.silence_ns) },
                grade: Grade {
                    class: tag.class.map_or(Some(Class::default()), |word| Class::parse(&word))?,
                    level: tag.level.map_or(Some(Level::default()), |word| Level::parse(&word))?,
                },
            })
        };
        let tags = self.tags.into_iter().map(tag).collect::<Option<_>>()?;
        Some(Group::new(self.device.into(), Duration::from_nanos(self.period_ns), tags))
    }
}

/// Spans beyond 584 years are as good as 584 years.
fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn group(period: Duration, deadband: Deadband) -> Arc<Group> {
        graded(period, deadband, Grade::default())
    }

    fn graded(period: Duration, deadband: Deadband, grade: Grade) -> Arc<Group> {
        let report = ReportRule { deadband, max_silence: Duration::from_secs(3600) };
        let tag = |name: &str, unit: Option<&str>, kind| TagInfo {
            name: name.into(),
            unit: unit.map(Into::into),
            kind,
            report,
            grade,
        };
        let tags = vec![tag("temp", Some("°C"), ValueKind::Float), tag("run", None, ValueKind::Bool)];
        Arc::new(Group::new("press-1".into(), period, tags))
    }

    #[test]
    fn an_entry_is_written_once_and_read_back_whole() {
        let dir = tempfile::tempdir().unwrap();
        let connection = schema::open_writer(&dir.path().join("j")).unwrap();
        let (mut packer, mut unpacker) = (Packer::new().unwrap(), Unpacker::new().unwrap());
        let mut dictionary = Dictionary::default();
        let mut number = |group: &Arc<Group>, forget: bool| {
            if forget {
                dictionary.forget();
            }
            dictionary.number_of(&connection, &mut packer, &mut unpacker, group).unwrap()
        };
        let second = Duration::from_secs(1);
        let groups = [
            group(second, Deadband::None),
            group(2 * second, Deadband::None),
            group(second, Deadband::Absolute(0.1)),
            group(second, Deadband::Percent(2.5)),
            graded(second, Deadband::None, Grade { class: Class::ProcessParameter, level: Level::Core }),
            graded(second, Deadband::None, Grade { level: Level::Important, ..Grade::default() }),
        ];
        for (expected, group) in (1..).zip(&groups) {
            assert_eq!(number(group, false), expected);
        }
        for forget in [false, true] {
            for (expected, group) in (1..).zip(&groups) {
                assert_eq!(number(&Arc::new((**group).clone()), forget), expected, "written twice");
            }
        }
        for (number, group) in (1..).zip(&groups) {
            assert_eq!(read(&connection, &mut unpacker, number).unwrap().as_ref(), Some(&**group));
        }
        assert_eq!(read(&connection, &mut unpacker, 99).unwrap(), None);
        connection.execute("UPDATE groups SET body = substr(body, 1, 20) WHERE id = 2", []).unwrap();
        assert_eq!(read(&connection, &mut unpacker, 2).unwrap(), None, "a damaged entry is no entry");
    }
}
