//! Damaged files: they are set aside, a new one goes on where they were, and what is readable in them comes back.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use rusqlite::Connection;

use super::*;
use crate::model::Ahead;
use crate::model::ahead::Run;

const FILE: &str = "journal.sqlite";

/// A journal with so many records and three events, as a power cut leaves it; the last records are in the WAL, with the pages that they
/// changed, the others in the file.
fn cut_off(records: i64, in_wal: i64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, records - in_wal);
    commit(&mut journal, Vec::new(), vec![NewEvent::new(NOW, link_down()); 3]);
    (0..6).for_each(|_| drop(journal.maintain(NOW).unwrap())); // so that the high-water mark is stored
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    if in_wal > 0 {
        fill_at_once(&mut journal, in_wal);
        journal.reserve().unwrap();
    }
    copy_of_the_files(dir.path())
}

/// A sink that wants everything.
fn register(journal: &mut Journal) {
    for stream in Stream::ALL {
        journal.cursor("cloud", stream);
    }
}

/// As [`fill`], in one commit.
fn fill_at_once(journal: &mut Journal, n: i64) {
    let group = group("m", 2);
    let new = |i| NewData::new(group.clone(), vec![scan(NOW.0 + 1000 * i, &[i, -i])]);
    commit(journal, (0..n).map(new).collect(), Vec::new());
}

/// Pages of this kind that hold a table, in the order of its rows.
fn pages(file: &Path, table: &str, kind: &str) -> Vec<u64> {
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = ?2 ORDER BY path";
    let mut select = connection.prepare(sql).unwrap();
    let pages = select.query_map([table, kind], |row| row.get::<_, i64>(0)).unwrap();
    pages.map(|page| page.unwrap() as u64).collect()
}

fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    File::options().write(true).open(file).unwrap().write_all_at(bytes, at).unwrap();
}

fn destroy_page(file: &Path, page: u64) {
    overwrite(file, (page - 1) * 1024, &[0x55; 1024]);
}

/// Brings over all there is.
fn salvage(journal: &mut Journal) {
    for _ in 0..10_000 {
        journal.tend(NOW).unwrap();
        if !journal.is_salvaging() {
            return;
        }
    }
    panic!("it never ends");
}

fn codes(journal: &mut Journal) -> Vec<crate::model::Code> {
    journal.news().iter().map(|trouble| trouble.code).collect()
}

/// Positions of the data stream that are told to be lost, each one.
fn lost_seqs(journal: &Journal) -> Vec<Seq> {
    lost(journal).into_iter().flat_map(|(first, last, _)| first..=last).collect()
}

fn aside(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains("corrupt") && name.ends_with(".sqlite")).collect();
    names.sort();
    names
}

#[test]
fn whatever_is_found_in_its_place_the_journal_opens_and_each_record_is_there_or_told_to_be_lost() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 18] = [
        ("truncated to nothing", |dir| fs::write(dir.join(FILE), b"").unwrap()),
        ("truncated to a half", |dir| {
            let file = File::options().write(true).open(dir.join(FILE)).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2048 * 1024).unwrap();
        }),
        ("truncated within a page", |dir| {
            let file = File::options().write(true).open(dir.join(FILE)).unwrap();
            file.set_len(file.metadata().unwrap().len() - 700).unwrap();
        }),
        ("first page destroyed", |dir| destroy_page(&dir.join(FILE), 1)),
        ("wrong magic", |dir| overwrite(&dir.join(FILE), 3, b"xx")),
        ("another program's id", |dir| overwrite(&dir.join(FILE), 68, b"ELSE")),
        ("tables gone from the schema", |dir| {
            Connection::open(dir.join(FILE)).unwrap().execute_batch("DROP TABLE streams").unwrap();
        }),
        ("leaf destroyed", |dir| destroy_page(&dir.join(FILE), pages(&dir.join(FILE), "data", "leaf")[7])),
        ("root destroyed", |dir| {
            let file = dir.join(FILE);
            let root = Connection::open(&file).unwrap();
            let root: i64 =
                root.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'data'", [], |r| r.get(0)).unwrap();
            destroy_page(&file, root as u64);
        }),
        ("dictionary destroyed", |dir| {
            let file = dir.join(FILE);
            destroy_page(&file, pages(&file, "groups", "leaf")[0]);
        }),
        ("text", |dir| fs::write(dir.join(FILE), "Dear Sir or Madam, ".repeat(200)).unwrap()),
        ("a database of others", |dir| {
            fs::remove_file(dir.join(FILE)).unwrap();
            Connection::open(dir.join(FILE)).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        }),
        ("a directory", |dir| {
            fs::remove_file(dir.join(FILE)).unwrap();
            fs::create_dir(dir.join(FILE)).unwrap();
        }),
        ("no file", |dir| fs::remove_file(dir.join(FILE)).unwrap()),
        ("no WAL", |dir| fs::remove_file(dir.join("journal.sqlite-wal")).unwrap()),
        ("a WAL of garbage", |dir| fs::write(dir.join("journal.sqlite-wal"), [0x77; 40_000]).unwrap()),
        ("a WAL with a bit turned", |dir| overwrite(&dir.join("journal.sqlite-wal"), 3_000, b"!")),
        ("high-water mark of garbage", |dir| fs::write(dir.join("journal.high"), [0x77; 9_000]).unwrap()),
    ];
    for ((name, damage), in_wal) in damages.into_iter().flat_map(|damage| [(damage, 0), (damage, 10)]) {
        let copy = cut_off(1_000, in_wal);
        let dir = copy.path();
        damage(dir);
        let mut journal = open(dir);
        let first = commit(&mut journal, vec![NewData::new(group("n", 1), vec![scan(NOW.0, &[7])])], vec![]);
        let first = first.data[0].seq;
        assert!(first > 1_000, "{name}: position {first} was given before");
        // The damage may be met only now.
        let mut reader = Reader::open(&journal.reader()).unwrap();
        reader.data_between(0, Seq::MAX, 2_000, 1_000_000).ok();
        salvage(&mut journal);
        let there = seqs(&journal);
        let lost = lost_seqs(&journal);
        for seq in 1..=1_000 {
            let (is_there, is_lost) = (there.contains(&seq), lost.contains(&seq));
            assert!(is_there != is_lost, "{name}, {in_wal} in the WAL: {seq} is there: {is_there}, lost: {is_lost}");
        }
        assert_eq!(there.last(), Some(&first), "{name}");
        println!(
            "{name}, {in_wal} in the WAL: {} records of 1,000 left, {} set aside",
            there.len() - 1,
            aside(dir).len()
        );
        drop((journal, reader));
        assert_eq!(seqs(&open(dir)), there, "{name}: after another start");
    }
}

#[test]
fn a_destroyed_leaf_costs_its_rows_and_no_more() {
    let copy = cut_off(2_000, 10);
    let file = copy.path().join(FILE);
    let leaves = pages(&file, "data", "leaf");
    for leaf in [leaves[3], leaves[20], leaves[21], leaves[40]] {
        destroy_page(&file, leaf);
    }
    let mut journal = open(copy.path());
    journal.place.raise_alarm(); // as a reader does that meets the page
    journal.tend(NOW).unwrap();
    assert_eq!(codes(&mut journal), [words::SET_ASIDE]);
    salvage(&mut journal);
    assert_eq!(codes(&mut journal), [words::SALVAGED_IN_PART]);
    let (there, lost) = (seqs(&journal), lost_seqs(&journal));
    assert_eq!(there.len() + lost.len(), 2_000);
    assert!((4..=4 * 40).contains(&lost.len()), "{}", lost.len());
    let dropped = journal.maintain(NOW).unwrap();
    let [Dropped { stream: Stream::Data, cause: LossCause::Corrupt, records, samples }] = dropped[..] else {
        panic!("{dropped:?}");
    };
    assert_eq!((records, samples), (lost.len() as u64, 2 * lost.len() as u64));
    let held = journal.status().data;
    assert_eq!((held.records, held.samples), (there.len() as u64, 2 * there.len() as u64));
    assert_eq!((held.dropped_records, held.oldest.unwrap().0), (records, there[0]));
    assert_eq!(events(&mut Reader::open(&journal.reader()).unwrap(), 0, 10).len(), 3);
}

#[test]
fn records_come_back_as_they_were_with_the_start_and_the_group_that_they_had() {
    let dir = tempfile::tempdir().unwrap();
    let start = |boot| Journal::open(settings(dir.path(), Limits::default()), BootId(boot), NOW).unwrap();
    for boot in 1..=3 {
        let mut journal = start(boot);
        let new = vec![NewData::new(group(&format!("m{boot}"), 2), vec![scan(boot as i64, &[1, 2])]); 20];
        commit(&mut journal, new, vec![NewEvent::new(NOW, link_down())]);
    }
    let mut journal = start(4);
    let read = |journal: &Journal| {
        let mut reader = Reader::open(&journal.reader()).unwrap();
        (data(&mut reader, 0, 1_000, 10_000), events(&mut reader, 0, 100))
    };
    let before = read(&journal);
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    commit(&mut journal, vec![NewData::new(group("new", 1), vec![scan(9, &[9])])], Vec::new());
    salvage(&mut journal);
    assert_eq!(codes(&mut journal), [words::SET_ASIDE, words::SALVAGED]);
    let (mut found, events) = read(&journal);
    assert_eq!(found.pop().map(|record| record.group.device.to_string()), Some("new".into()));
    assert_eq!((found, events), before);
    assert_eq!(lost(&journal), []);
    drop(journal);
    assert_eq!(read(&start(5)).0[..60], before.0, "also after the next start");
}

#[test]
fn what_others_keep_in_the_journal_is_carried_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let kept = "INSERT INTO usage VALUES ('cloud', '2027-01', 12345, 6);
                INSERT INTO ledger VALUES (7, 'press', 1000, 3, '{}'), (8, 'press', 1000, 3, '{}');";
    journal.connection.execute_batch(kept).unwrap();
    fill_at_once(&mut journal, 20);
    let mut ahead = Ahead::default();
    ahead.enter(Run { first: 10, last: 12, first_sent: 10, last_sent: 12 });
    journal.move_cursor("cloud", Stream::Data, at(3));
    journal.set_ahead("cloud", ahead.clone());
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    let copy = copy_of_the_files(dir.path());
    assert_eq!(open(copy.path()).ahead("cloud"), ahead);
    let count = |sql: &str| -> i64 { journal.connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT bytes FROM usage WHERE sink = 'cloud'"), 12_345);
    assert_eq!(count("SELECT count(*) FROM ledger"), 2);
}

#[test]
fn records_in_doubt_are_those_that_some_sink_still_wants() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 100);
    journal.move_cursor("cloud", Stream::Data, at(70));
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    assert!(journal.news()[0].args.contains(&("records", "30".to_owned())));
    salvage(&mut journal);
    let told = journal.news();
    assert!(told[0].code == words::SALVAGED && told[0].args.contains(&("records", "30".to_owned())), "{told:?}");
}

#[test]
fn nobody_passes_what_is_still_being_brought_over_and_a_restart_goes_on_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 1_000);
    journal.move_cursor("cloud", Stream::Data, at(100));
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    fill(&mut journal, 5, NOW);
    let stretch = |journal: &Journal| journal.view().salvage[Stream::Data as usize];
    assert_eq!(stretch(&journal), Some(Stretch { through: 0, until: 1_000 }));
    for through in [256, 512] {
        journal.tend(NOW).unwrap();
        assert_eq!(stretch(&journal), Some(Stretch { through, until: 1_000 }));
        assert_eq!(seqs(&journal).iter().filter(|seq| **seq <= 1_000).count() as u64, through - 100);
    }
    let copy = copy_of_the_files(dir.path()); // a power cut
    let mut journal = open(copy.path());
    assert_eq!(stretch(&journal), Some(Stretch { through: 512, until: 1_000 }));
    assert_eq!(journal.cursor("cloud", Stream::Data), at(100));
    assert_eq!(journal.cursor("new", Stream::Data).position, 100, "before the oldest record kept");
    salvage(&mut journal);
    assert_eq!(stretch(&journal), None);
    assert_eq!(seqs(&journal)[..900], (101..=1_000).collect::<Vec<_>>());
    assert_eq!((journal.status().data.records, lost(&journal)), (905, vec![]));
}

#[test]
fn damage_that_is_met_while_writing_is_mended_and_the_commit_goes_through() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 300);
    journal.move_cursor("cloud", Stream::Data, at(50));
    let mut reader = Reader::open(&journal.reader()).unwrap();
    let root: i64 = journal
        .connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'events'", [], |row| row.get(0))
        .unwrap();
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    destroy_page(&dir.path().join(FILE), root as u64);
    journal.connection.execute_batch("PRAGMA shrink_memory; PRAGMA cache_size = 0").unwrap();
    let numbered = journal.number(Vec::new(), vec![NewEvent::new(NOW, link_down())]);
    // The page is in the writer's cache until somebody else writes; so it is asked for anew.
    Connection::open(dir.path().join(FILE)).unwrap().execute_batch("CREATE TABLE x (y); DROP TABLE x").unwrap();
    journal.commit(&[], &numbered.events).unwrap();
    assert_eq!(codes(&mut journal), [words::SET_ASIDE]);
    assert_eq!(aside(dir.path()).len(), 1);
    let trouble = Reader::open(reader.place()).err().expect("the file was replaced");
    assert_eq!(trouble.code, words::REPLACED);
    assert_eq!(data(&mut reader, 0, 1_000, 10_000).len(), 300, "who reads the old file still can");
    salvage(&mut journal);
    assert_eq!(seqs(&journal), (51..=300).collect::<Vec<_>>());
    assert_eq!(events(&mut Reader::open(&journal.reader()).unwrap(), 0, 10), numbered.events);
    fill(&mut journal, 1, NOW);
    assert_eq!(seqs(&journal).last(), Some(&301));
}

#[test]
fn at_most_two_damaged_files_are_kept_and_what_goes_with_the_third_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    for _ in 0..3 {
        fill(&mut journal, 10, NOW);
        journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    }
    assert_eq!(aside(dir.path()).len(), 2);
    let set_aside = words::SET_ASIDE;
    assert_eq!(codes(&mut journal), [set_aside, set_aside, set_aside, words::ASIDE_REMOVED]);
    assert_eq!(lost(&journal), [(1, 10, LossCause::Corrupt)]);
    salvage(&mut journal);
    assert_eq!(seqs(&journal), (11..=30).collect::<Vec<_>>());
    let dropped = journal.maintain(NOW).unwrap();
    assert_eq!(dropped, [Dropped { stream: Stream::Data, cause: LossCause::Corrupt, records: 10, samples: 20 }]);
}

#[test]
fn a_file_that_refuses_for_long_is_replaced_if_another_one_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 5, NOW);
    Connection::open(dir.path().join(FILE)).unwrap().execute_batch("ALTER TABLE data RENAME TO away").unwrap();
    let obstacle = dir.path().join("journal.new.sqlite");
    fs::create_dir(&obstacle).unwrap();
    fs::write(obstacle.join("x"), "").unwrap();
    let numbered = journal.number(vec![NewData::new(group("m", 2), vec![scan(1, &[1, 2])])], Vec::new());
    assert!((0..40).all(|_| journal.commit(&numbered.data, &[]).is_err()));
    assert_eq!(aside(dir.path()), [""; 0], "not without another one");
    fs::remove_dir_all(obstacle).unwrap();
    let refused = (0..10).take_while(|_| journal.commit(&numbered.data, &[]).is_err()).count();
    assert!(refused <= 3, "{refused}");
    assert_eq!(aside(dir.path()).len(), 1);
    assert_eq!(seqs(&journal), [6]);
}

/// A file system of its own, so small that it can be filled; nothing where that is not allowed.
fn small_file_system() -> Option<(tempfile::TempDir, impl Drop)> {
    struct Mounted(std::path::PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            std::process::Command::new("umount").arg("-l").arg(&self.0).status().ok();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mounted = Mounted(dir.path().to_owned());
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(dir.path());
    mount.status().is_ok_and(|status| status.success()).then_some((dir, mounted))
}

#[test]
fn a_full_disk_ends_nothing_neither_at_work_nor_at_the_start_and_heals() {
    let Some((dir, _mounted)) = small_file_system() else { return println!("skipped: mounting needs root") };
    let state = dir.path().join("state");
    let mut journal = open(&state);
    register(&mut journal);
    fill(&mut journal, 3, NOW);
    let fill_up = || {
        let mut file = File::create(dir.path().join("log of others")).unwrap();
        while std::io::Write::write_all(&mut file, &[7; 1_024]).is_ok() {}
    };
    fill_up();
    let large = |n: i64| NewData::new(group("m", 1), (0..4_000).map(|i| scan(i, &[i * i * n * 7919])).collect());
    let mut waiting = Vec::new();
    for n in 0..60 {
        waiting.extend(journal.number(vec![large(n)], Vec::new()).data);
        if journal.commit(&waiting, &[]).is_ok() {
            waiting.clear();
            fill_up(); // what the checkpoint gave back
        }
        journal.maintain(NOW).ok();
        journal.tend(NOW).ok();
    }
    assert!(!waiting.is_empty(), "the disk was full");
    let before = seqs(&journal);
    schema::leave_as_it_is(&journal.connection);
    drop(journal);
    fs::remove_file(state.join("journal.sqlite-shm")).ok();
    fill_up();

    let mut journal = open(&state);
    assert!(journal.is_adrift, "there was no room even to open it");
    assert!(codes(&mut journal).contains(&words::DISK_FULL));
    assert!(journal.status().data.last >= waiting.last().unwrap().seq);
    assert_eq!(journal.cursor("cloud", Stream::Data), Cursor::default());
    let more = journal.number(vec![large(1)], Vec::new()).data;
    assert_eq!(journal.commit(&more, &[]).unwrap_err().code, words::DISK_FULL);
    assert!(more[0].seq > waiting.last().unwrap().seq);
    fs::remove_file(dir.path().join("log of others")).unwrap();
    journal.commit(&more, &[]).unwrap();
    let there = seqs(&journal);
    assert_eq!((&there[..before.len()], there.last()), (&before[..], Some(&more[0].seq)));
    assert_eq!(journal.maintain(NOW).unwrap(), []);
    assert_eq!(aside(&state), [""; 0], "a full disk is no damage");
}

#[test]
fn a_new_file_that_cannot_be_opened_yet_is_not_taken_for_the_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 50);
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let wal = dir.path().join("journal.sqlite-wal");
    fs::remove_file(&wal).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &wal).unwrap(); // no WAL can be made
    journal.place.raise_alarm();
    assert!(journal.tend(NOW).is_err());
    for _ in 0..6 {
        journal.tend(NOW).unwrap();
        assert!(journal.maintain(NOW).is_err());
    }
    assert_eq!(aside(dir.path()).len(), 1);
    fs::remove_file(&wal).unwrap();
    fill(&mut journal, 1, NOW);
    salvage(&mut journal);
    assert_eq!(aside(dir.path()).len(), 1);
    assert_eq!((seqs(&journal), lost(&journal)), ((1..=51).collect(), vec![]));
    assert_eq!(journal.maintain(NOW).unwrap(), []);
}

/// Where in the file the number of this row of data stands: behind the length of its cell.
fn place_of_rowid(file: &Path, seq: u8) -> u64 {
    let bytes = fs::read(file).unwrap();
    let connection = Connection::open(file).unwrap();
    let body: Vec<u8> = connection.query_row("SELECT body FROM data WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
    let leaf = (pages(file, "data", "leaf").first().copied()).unwrap_or_else(|| {
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'data'";
        connection.query_row(root, [], |row| row.get::<_, i64>(0)).unwrap() as u64
    });
    let page = &bytes[(leaf as usize - 1) * 1024..][..1024];
    let cells = u16::from_be_bytes([page[3], page[4]]) as usize;
    let places = (0..cells).map(|nth| u16::from_be_bytes([page[8 + 2 * nth], page[9 + 2 * nth]]) as usize);
    let place = places.into_iter().find(|place| page[place + 1] == seq).expect("a row of one leaf");
    assert!(page[place..].windows(body.len()).any(|bytes| bytes == body));
    (leaf - 1) * 1024 + place as u64 + 1
}

#[test]
fn one_bit_of_the_number_of_a_row_costs_this_row_and_is_told() {
    let copy = cut_off(8, 0);
    let file = copy.path().join(FILE);
    let whole = fs::read(&file).unwrap();
    let mut all_lost = 0;
    for (row, bit) in (1..=8).flat_map(|row| (0..7).map(move |bit| (row, bit))) {
        fs::write(&file, &whole).unwrap();
        let mut changed = whole.clone();
        let place = place_of_rowid(&file, row) as usize;
        changed[place] ^= 1 << bit;
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), &changed).unwrap();
        fs::copy(copy.path().join("journal.high"), dir.path().join("journal.high")).unwrap();
        let mut journal = open(dir.path());
        salvage(&mut journal); // nobody reads before
        // As a courier reads: some at a time, up to where the memory begins.
        let (mut seen, mut told) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        let mut after = 0;
        for _ in 0..100 {
            let through = 8;
            if after >= through {
                break;
            }
            let found =
                Reader::open(&journal.reader()).and_then(|mut reader| reader.data_between(after, through, 3, 1_000));
            match found {
                Ok(found) if found.is_empty() => after = through,
                Ok(found) => {
                    for found in found {
                        match found {
                            Found::Record(record) => {
                                assert!(record.seq > after && record.seq <= through, "{row} bit {bit}");
                                after = record.seq;
                                seen.insert(after);
                            }
                            Found::Damaged(seq) => {
                                assert!(seq > after && seq <= through, "{row} bit {bit}");
                                after = seq;
                                told.insert(seq);
                            }
                        }
                    }
                }
                Err(trouble) => {
                    assert_eq!(trouble.code, words::CORRUPT);
                    salvage(&mut journal);
                }
            }
        }
        told.extend(lost_seqs(&journal));
        let missed: Vec<_> = (1..=8).filter(|seq| !seen.contains(seq) && !told.contains(seq)).collect();
        let wrong_place = told.iter().any(|seq| *seq != u64::from(row));
        let lost = 8 - seen.len();
        println!("row {row} bit {bit}: seen {seen:?}, told {told:?}, missed {missed:?}");
        assert!(missed.is_empty() || (missed == [u64::from(row)] && wrong_place), "row {row} bit {bit}: {missed:?}");
        all_lost += lost;
    }
    // Some wrong numbers lead each search past the next rows too.
    println!("{all_lost} rows lost by 56 wrong numbers");
    assert!(all_lost < 2 * 56);
}

#[test]
fn a_place_that_the_upkeep_cannot_get_by_is_left_with_its_file_though_commits_go_through() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 50);
    // What the disk says of one bad place: the same error for whoever deletes this row, for good.
    let bad = "CREATE TRIGGER bad BEFORE DELETE ON data WHEN old.seq = 3 BEGIN SELECT raise(ABORT, 'bad'); END";
    journal.connection.execute_batch(bad).unwrap();
    journal.move_cursor("cloud", Stream::Data, at(40));
    let mut refused = 0;
    for round in 0..40 {
        fill(&mut journal, 1, NOW);
        if let Err(trouble) = journal.maintain(NOW) {
            assert_eq!(trouble.code, words::DISK_FAULT);
        }
        if !aside(dir.path()).is_empty() {
            break;
        }
        refused = round + 1;
        let copy = copy_of_the_files(dir.path());
        assert_eq!(open(copy.path()).cursor("cloud", Stream::Data), at(40), "cursors are stored all the same");
    }
    assert!((5..=15).contains(&refused), "{refused}");
    assert_eq!(aside(dir.path()).len(), 1);
    salvage(&mut journal);
    journal.maintain(NOW).unwrap();
    assert_eq!((seqs(&journal)[0], lost(&journal)), (41, vec![]));
}

#[test]
fn a_damaged_entry_of_the_dictionary_costs_no_record_of_its_group() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 50);
    journal.connection.execute("UPDATE groups SET body = x'0011223344'", []).unwrap();
    fill_at_once(&mut journal, 5); // with the number that the writer knows
    let read = |journal: &Journal| {
        let mut reader = Reader::open(&journal.reader()).unwrap();
        reader.data_between(0, Seq::MAX, 100, 10_000)
    };
    // Who has no writer beside it says what it finds.
    let alone = Reader::open(&Place::within(dir.path())).unwrap().data_between(0, Seq::MAX, 100, 10_000).unwrap();
    assert!(alone.len() == 55 && alone.iter().all(|found| matches!(found, Found::Damaged(_))));
    assert_eq!(read(&journal).unwrap_err().code, words::CORRUPT);
    salvage(&mut journal);
    assert_eq!(codes(&mut journal), [words::SET_ASIDE, words::SALVAGED]);
    assert_eq!((read(&journal).unwrap().len(), seqs(&journal).len(), lost(&journal)), (55, 55, vec![]));
    // A row that is itself not what it was is given up alone.
    let one = journal.connection.execute("UPDATE data SET grp = 77 WHERE seq = 9", []);
    assert_eq!(one, Ok(1));
    assert_eq!(read(&journal).unwrap()[8], Found::Damaged(9));
}

#[test]
fn a_position_beyond_all_that_were_ever_given_is_damage() {
    type Wrong = (&'static str, &'static str, usize);
    let wrong: [Wrong; 6] = [
        ("a cursor", "UPDATE cursors SET position = position | (1 << 40) WHERE stream = 'data'", 50),
        ("a cursor near the end", "UPDATE cursors SET position = 9223372036854775807 WHERE stream = 'data'", 50),
        ("a loss", "INSERT INTO losses VALUES ('data', 3, 9223372036854775807, 1, 'size', 5)", 50),
        ("what is reserved", "UPDATE streams SET reserved = 9223372036854775807 WHERE stream = 'data'", 50),
        ("what was written", "UPDATE streams SET high = 9223372036854775807 WHERE stream = 'data'", 50),
        ("a record", "UPDATE data SET seq = 9223372036854775807 WHERE seq = 50", 49),
    ];
    for (name, sql, left) in wrong {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path());
        register(&mut journal);
        fill_at_once(&mut journal, 50);
        journal.maintain(NOW).unwrap();
        journal.connection.execute_batch(sql).unwrap();
        let copy = copy_of_the_files(dir.path());
        let mut journal = open(copy.path());
        assert_eq!(codes(&mut journal), [words::SET_ASIDE], "{name}");
        assert_eq!(journal.cursor("cloud", Stream::Data).position, 0, "{name}");
        fill(&mut journal, 1, NOW);
        salvage(&mut journal);
        journal.maintain(NOW).unwrap();
        let there = seqs(&journal);
        assert_eq!(there.len(), left + 1, "{name}: {there:?}");
        assert!(*there.last().unwrap() < 100_000, "{name}");
        assert!((1..=50).all(|seq| there.contains(&seq) || lost_seqs(&journal).contains(&seq)), "{name}");
    }
}

#[test]
fn a_renewal_that_was_cut_off_between_its_renames_is_brought_to_its_end_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    fill_at_once(&mut journal, 50);
    journal.move_cursor("cloud", Stream::Data, at(10));
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let new = "journal.new.sqlite";
    let cut_off = |is_whole: bool| {
        let copy = copy_of_the_files(dir.path());
        fs::remove_file(copy.path().join("journal.sqlite-wal")).ok();
        fs::rename(copy.path().join(FILE), copy.path().join(new)).unwrap();
        if !is_whole {
            let half = Connection::open(copy.path().join(new)).unwrap();
            half.execute_batch("DELETE FROM salvage; DELETE FROM boots").unwrap();
        }
        copy
    };
    let copy = cut_off(true);
    let mut journal = open(copy.path());
    assert_eq!(codes(&mut journal), [words::SET_ASIDE]);
    assert_eq!(journal.cursor("cloud", Stream::Data), at(10));
    salvage(&mut journal);
    assert_eq!((seqs(&journal), lost(&journal)), ((11..=50).collect(), vec![]));
    assert!(!copy.path().join(new).exists());
    let copy = cut_off(false);
    let journal = open(copy.path());
    assert_eq!(lost_seqs(&journal), (1..=50).collect::<Vec<_>>(), "of half of one nothing is believed");
}

#[test]
fn the_quarantine_comes_over_and_what_of_it_is_damaged_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    register(&mut journal);
    commit(&mut journal, vec![NewData::new(group("other", 1), vec![scan(NOW.0, &[1])])], Vec::new());
    let new = vec![NewData::new(group("m", 2), vec![scan(NOW.0, &[1, 2])]); 2];
    let numbered = commit(&mut journal, new, vec![NewEvent::new(NOW, link_down())]);
    let put = |journal: &mut Journal, poisoned: &Poisoned| {
        journal.quarantine("cloud", poisoned, words::CORRUPT, NOW).unwrap();
    };
    put(&mut journal, &Poisoned::Data(numbered.data[0].clone()));
    put(&mut journal, &Poisoned::Data(numbered.data[1].clone()));
    put(&mut journal, &Poisoned::Event(numbered.events[0].clone()));
    journal.connection.execute("UPDATE quarantine SET body = x'00' WHERE seq = 3", []).unwrap();
    let list = |journal: &Journal| Reader::open(&journal.reader()).unwrap().quarantined().unwrap();
    let mut before = list(&journal);
    assert_eq!(before.remove(1).record, None);
    for stream in Stream::ALL {
        journal.move_cursor("cloud", stream, at(3));
    }
    journal.renew(&crate::model::Trouble::new(words::CORRUPT)).unwrap();
    commit(&mut journal, vec![NewData::new(group("new", 1), vec![scan(NOW.0, &[9])])], Vec::new()); // takes a number of a group
    salvage(&mut journal);
    assert_eq!(list(&journal), before);
    let dropped = journal.maintain(NOW).unwrap();
    assert_eq!(dropped, [Dropped { stream: Stream::Data, cause: LossCause::Corrupt, records: 1, samples: 2 }]);
    drop(journal);
    assert_eq!(list(&open(dir.path())), before, "also after the next start");
}
