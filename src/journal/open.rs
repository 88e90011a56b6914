//! How the journal's file is found and opened: the one that this version works in, a new one in the place of a damaged one, or none for now
//! where the disk refuses; and what stands in it.
//!
//! The rule: no start waits for a human, and none scans: damage is met where it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::cursors::Cursors;
use super::high_water::Marks;
use super::news::News;
use super::renewal::{self, Remains, Seed};
use super::salvage::{self, Job};
use super::store::{Held, corrupt, natural, oldest};
use super::{ahead, aside, clock, fault, schema};
use crate::model::words::journal as words;
use crate::model::{BootId, Code, Cursor, Loss, LossCause, Losses, Month, Seq, Stream, Timestamp, Trouble, Usage};

/// What stands in a file that could be opened.
pub(super) struct Opened {
    pub connection: Connection,
    pub cursors: Cursors,
    pub losses: [Losses; 2],
    pub held: [Held; 2],
    pub reserved: [Seq; 2],
    /// The last time that is known to have been.
    pub known: Option<Timestamp>,
    pub boot_row: i64,
    pub jobs: Vec<Job>,
}

/// Whether the disk may let through later what it refused.
pub(super) fn can_wait(code: Code) -> bool {
    [words::DISK_FULL, words::DISK_FAULT, words::BUSY, words::READ_ONLY].contains(&code)
}

/// What the start of the agent waits for a disk that refuses, before it takes the file for the cause.
const PATIENCE: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1)];

/// A disk that refuses to be written, full or read-only as it may be, is no reason not to start: what is to be known is read, records
/// stay in memory and are delivered from there, and the file is opened at the first commit that the disk lets through.
pub(super) fn without_the_file(dir: &Path, trouble: Trouble) -> Result<(PathBuf, Opened, News, bool), Trouble> {
    let file = dir.join(schema::FILE);
    let remains = Remains::of_a_full_disk(&file);
    let is_known = remains.is_complete() || !file.exists();
    let Ok(nothing) = Connection::open_in_memory() else { return Err(trouble) };
    if !can_wait(trouble.code) || !is_known {
        return Err(trouble);
    }
    let mut news = News::default();
    news.push(trouble);
    Ok((file, remains.into_opened(nothing), news, true))
}

/// Opens the file that this version works in, which may not be the one that is there.
pub(super) fn find(dir: &Path, marks: Marks, start: (BootId, Timestamp)) -> Result<(PathBuf, Opened, News), Trouble> {
    let mut file = dir.join(schema::FILE);
    let mut news = News::default();
    aside::rejoin(&file);
    renewal::finish(&file).into_iter().for_each(|told| news.push(told));
    let mut trouble = match open_file(&file, marks, start) {
        Ok(opened) => return Ok((file, opened, news)),
        Err(trouble) => trouble,
    };
    for pause in PATIENCE {
        if trouble.code != words::DISK_FAULT {
            break;
        }
        std::thread::sleep(pause);
        trouble = match open_file(&file, marks, start) {
            Ok(opened) => return Ok((file, opened, news)),
            Err(trouble) => trouble,
        };
    }
    if trouble.code == words::NEWER_VERSION {
        let beside = aside::beside_newer(dir);
        let found = trouble.args.iter().find(|(name, _)| *name == "found").map_or("", |(_, found)| found);
        let told = Trouble::new(words::BESIDE_NEWER).with("path", file.display()).with("found", found);
        news.push(told.with("known", schema::VERSION).with("beside", beside.display()));
        aside::rejoin(&beside);
        renewal::make_beside(&file, &beside, marks, start)?;
        file = beside;
        trouble = match open_file(&file, marks, start) {
            Ok(opened) => return Ok((file, opened, news)),
            Err(trouble) => trouble,
        };
    }
    if trouble.code == words::NOT_A_DATABASE && schema::mend_header(&file) {
        news.push(Trouble::new(words::HEADER_MENDED).with("path", file.display()));
        trouble = match open_file(&file, marks, start) {
            Ok(opened) => return Ok((file, opened, news)),
            Err(trouble) => trouble,
        };
    }
    let is_unreadable = trouble.code == words::DISK_FAULT && !Remains::of(&file).is_complete();
    if !renewal::is_damage(trouble.code) && !file.is_dir() && !is_unreadable {
        return Err(trouble);
    }
    let aside = aside::name(dir, start.1);
    let seed = Seed::found(Remains::of(&file), marks, &aside, start);
    renewal::replace(&file, &aside, &seed, None)?;
    news.push(renewal::set_aside(&file, &aside, &seed, &trouble));
    let opened = open_file(&file, marks, start)?;
    Ok((file, opened, news))
}

/// Nothing is scanned: damage is met where it is.
fn open_file(file: &Path, marks: Marks, (boot, now): (BootId, Timestamp)) -> Result<Opened, Trouble> {
    let touched = clock::touched(file);
    let mut connection = schema::open_writer(file)?;
    let left = aside::left_by_older(file.parent().unwrap_or(Path::new(".")));
    let load = |connection: &mut Connection| {
        let cursors = load_cursors(connection)?;
        let losses = [load_losses(connection, Stream::Data)?, load_losses(connection, Stream::Events)?];
        let held = [load_held(connection, Stream::Data)?, load_held(connection, Stream::Events)?];
        for (held, losses) in held.iter().zip(&losses) {
            check_last(held, losses)?;
        }
        let (reserved, jobs) = (load_reserved(connection)?, salvage::load_jobs(connection)?);
        for stream in Stream::ALL {
            let (nth, bound) = (stream as usize, marks.bound(stream));
            let named = [held[nth].0.written, cursors.highest(stream), losses[nth].highest(), reserved[nth]];
            if named.iter().any(|seq| *seq > bound) {
                return Err(corrupt());
            }
        }
        let known = clock::known(connection, touched)?;
        // Starts are numbered in the order of positions, also those that will be brought over.
        let behind = left.iter().filter(|path| *path != file).filter_map(|path| Remains::of(path).last_start).max();
        let boot_row = start_boot(connection, boot, now, behind.unwrap_or(0))?;
        Ok((cursors, losses, held.map(|(held, _)| held), reserved, known, boot_row, jobs))
    };
    match load(&mut connection) {
        Ok((cursors, losses, held, reserved, known, boot_row, jobs)) => {
            Ok(Opened { connection, cursors, losses, held, reserved, known, boot_row, jobs })
        }
        Err(error) => {
            let trouble = match fault::of_sqlite(file, &error) {
                // Tables that are not as we made them.
                trouble if fault::is_of_the_schema(&error) => Trouble { code: words::CORRUPT, ..trouble },
                trouble => trouble,
            };
            if renewal::is_damage(trouble.code) {
                schema::leave_as_it_is(&connection);
            }
            Err(trouble)
        }
    }
}

/// The newest record is there if any is, unless it was given up for the sake of others. A page that was cut off is read as zeros, of which
/// SQLite does not complain.
fn check_last((held, last): &(Held, Seq), losses: &Losses) -> rusqlite::Result<()> {
    let high = held.written;
    if held.records == 0 || *last >= high || losses.last_between(high - 1, high + 1).is_some() {
        return Ok(());
    }
    Err(corrupt())
}

pub(super) fn load_cursors(connection: &Connection) -> rusqlite::Result<Cursors> {
    let mut cursors = Cursors::default();
    let mut select = connection.prepare("SELECT sink, stream, position, last_sent, ahead FROM cursors")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (sink, stream): (String, String) = (row.get(0)?, row.get(1)?);
        let (position, last_sent): (i64, i64) = (row.get(2)?, row.get(3)?);
        if let Some(stream) = Stream::ALL.into_iter().find(|s| s.as_str() == stream) {
            cursors.set(&sink, stream, Cursor { position: natural(position), last_sent: natural(last_sent) });
            if let (Stream::Data, Some(ahead)) = (stream, row.get_ref(4)?.as_blob_or_null()?) {
                cursors.set_ahead(&sink, ahead::decode(ahead));
            }
        }
    }
    // The row of the latest month: SQLite takes the other columns from where the maximum is.
    let mut select = connection.prepare("SELECT sink, max(month), bytes, messages FROM usage GROUP BY sink")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (sink, month): (String, String) = (row.get(0)?, row.get(1)?);
        if let Some(month) = Month::parse(&month) {
            let [bytes, messages] = [row.get(2)?, row.get(3)?].map(natural);
            cursors.set_usage(&sink, Usage { month, bytes, messages });
        }
    }
    Ok(cursors)
}

pub(super) fn load_losses(connection: &Connection, stream: Stream) -> rusqlite::Result<Losses> {
    let mut losses = Losses::default();
    let mut select =
        connection.prepare("SELECT first, last, samples, cause, at FROM losses WHERE stream = ?1 ORDER BY first")?;
    let mut rows = select.query([stream.as_str()])?;
    while let Some(row) = rows.next()? {
        let [first, last, samples] = [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?].map(natural);
        let cause: String = row.get(3)?;
        let cause = LossCause::parse(&cause).unwrap_or(LossCause::Corrupt); // an unknown word is damage
        losses.enter(Loss { first, last, samples, cause, at: Timestamp(row.get(4)?) }, 0);
    }
    Ok(losses)
}

/// Counters as they were stored, and what was committed since: a minute's worth at most, so nothing long is counted.
/// Gives also the last position that is there.
pub(super) fn load_held(connection: &Connection, stream: Stream) -> rusqlite::Result<(Held, Seq)> {
    let name = stream.as_str();
    let samples = if stream == Stream::Data { "samples" } else { "0" };
    let [high, records, counted_samples, dropped_records, dropped_samples] = connection.query_row(
        "SELECT high, records, samples, dropped_records, dropped_samples FROM streams WHERE stream = ?1",
        [name],
        |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?].map(natural)),
    )?;
    let last: Option<i64> = connection.query_row(&format!("SELECT max(seq) FROM {name}"), [], |row| row.get(0))?;
    let since = format!("SELECT count(*), coalesce(sum({samples}), 0) FROM {name} WHERE seq > ?1");
    let [records_since, samples_since] =
        connection.query_row(&since, [high as i64], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?].map(natural)))?;
    let last = natural(last.unwrap_or(0));
    let written = last.max(high);
    let held = Held {
        records: records.saturating_add(records_since),
        samples: counted_samples.saturating_add(samples_since),
        oldest: oldest(connection, stream)?,
        last: written,
        written,
        dropped_records,
        dropped_samples,
    };
    Ok((held, last))
}

/// How far positions may have been given, per stream, should the high-water mark beside the file be gone.
pub(super) fn load_reserved(connection: &Connection) -> rusqlite::Result<[Seq; 2]> {
    let mut select = connection.prepare("SELECT reserved FROM streams WHERE stream = ?1")?;
    let mut reserved = |stream: Stream| select.query_row([stream.as_str()], |row| row.get(0).map(natural));
    Ok([reserved(Stream::Data)?, reserved(Stream::Events)?])
}

/// Notes this start of the agent, and forgets the starts of which nothing is left.
fn start_boot(connection: &mut Connection, boot: BootId, now: Timestamp, behind: i64) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let row: i64 = transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM boots", [], |row| row.get(0))?;
    let row = row.max(behind.saturating_add(1));
    transaction.execute(
        "DELETE FROM boots WHERE id < coalesce(min(
             coalesce((SELECT boot FROM data ORDER BY seq LIMIT 1), ?1),
             coalesce((SELECT boot FROM events ORDER BY seq LIMIT 1), ?1),
             coalesce((SELECT min(boot) FROM quarantine), ?1)), ?1)",
        [row],
    )?;
    transaction.execute("INSERT INTO boots (id, boot, started) VALUES (?1, ?2, ?3)", (row, boot.0 as i64, now.0))?;
    transaction.commit()?;
    Ok(row)
}
