//! The stamps of a record's readings: a section behind the values, and back. Pure. Without stamps there is no section, as
//! in records that were written before there were any.
//!
//! In the order of the bytes: which scans have stamps, as runs; then, tag by tag and only for readings that are there, which
//! times they have, as runs, and the status codes, as runs; then the source times and the server times, each as one byte
//! that names a [`Way`] and the differences to what that way guesses.

use super::super::bytes::{Bytes, Damaged, Runs, decode_runs, put_signed, put_varint};
use crate::model::{Scan, Stamp, Timestamp};

/// Appends the section, if any of these scans has stamps.
pub(super) fn encode(scans: &[Scan], tags: usize, out: &mut Vec<u8>) {
    if scans.iter().all(|scan| scan.stamps.is_none()) {
        return;
    }
    put_runs(scans.iter().map(|scan| u64::from(scan.stamps.is_some())), out);
    let cells = cells(scans, tags);
    put_runs(cells.iter().map(|cell| presence(&cell.stamp)), out);
    put_runs(cells.iter().map(|cell| u64::from(cell.stamp.status)), out);
    for clock in Clock::ALL {
        let errors = |way| {
            let mut guess = Guess::new(way, scans.len());
            let timed = cells.iter().filter_map(move |cell| Some((cell, clock.of(&cell.stamp)?)));
            timed.map(move |(cell, time)| guess.error(cell, clock.base(cell), time.0))
        };
        let bits = |way| errors(way).map(|n| u64::from(64 - (n ^ (n >> 63)).leading_zeros())).sum::<u64>();
        let way = Way::ALL.into_iter().min_by_key(|way| bits(*way)).unwrap_or(Way::Near);
        put_varint(out, way as u64);
        errors(way).for_each(|error| put_signed(out, error));
    }
}

/// Reads the section into scans whose readings are there already.
pub(super) fn decode(from: &mut Bytes, scans: &mut [Scan], tags: usize) -> Result<(), Damaged> {
    let stamped = decode_runs(from, scans.len())?;
    if !stamped.contains(&1) || stamped.iter().any(|code| *code > 1) {
        return Err(Damaged);
    }
    for (scan, _) in scans.iter_mut().zip(&stamped).filter(|(_, code)| **code == 1) {
        scan.stamps = Some(vec![Stamp::NONE; tags].into_boxed_slice());
    }
    let mut cells = cells(scans, tags);
    let presences = decode_runs(from, cells.len())?;
    let statuses = decode_runs(from, cells.len())?;
    for ((cell, presence), status) in cells.iter_mut().zip(presences).zip(statuses) {
        cell.stamp = expected(presence)?;
        cell.stamp.status = u32::try_from(status).map_err(|_| Damaged)?;
    }
    for clock in Clock::ALL {
        let way = from.varint()?;
        let way = Way::ALL.into_iter().find(|known| *known as u64 == way).ok_or(Damaged)?;
        let mut guess = Guess::new(way, scans.len());
        for cell in cells.iter_mut().filter(|cell| clock.of(&cell.stamp).is_some()) {
            let time = guess.time(cell, clock.base(cell), from.signed()?);
            clock.set(&mut cell.stamp, Timestamp(time));
        }
    }
    for Cell { tag, scan, stamp, .. } in cells {
        if let Some(place) = scans[scan].stamps.as_mut().and_then(|stamps| stamps.get_mut(tag)) {
            *place = stamp;
        }
    }
    Ok(())
}

/// A stamp beside a reading that is there.
struct Cell {
    tag: usize,
    scan: usize,
    at: i64,
    stamp: Stamp,
}

/// All of them, tag by tag.
fn cells(scans: &[Scan], tags: usize) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(scans.iter().map(Scan::len).sum());
    for tag in 0..tags {
        for (place, scan) in scans.iter().enumerate() {
            let is_there = scan.readings.get(tag).is_some_and(Option::is_some);
            if let Some(stamps) = scan.stamps.as_ref().filter(|_| is_there) {
                let stamp = stamps.get(tag).copied().unwrap_or_default();
                cells.push(Cell { tag, scan: place, at: scan.at.0, stamp });
            }
        }
    }
    cells
}

/// Which times a stamp has: 1 source, 2 server.
fn presence(stamp: &Stamp) -> u64 {
    u64::from(stamp.source.is_some()) + 2 * u64::from(stamp.server.is_some())
}

/// A stamp with these times, which are still to be read.
fn expected(presence: u64) -> Result<Stamp, Damaged> {
    if presence > 3 {
        return Err(Damaged);
    }
    let time = |bit| (presence & bit != 0).then_some(Timestamp(0));
    Ok(Stamp { source: time(1), server: time(2), status: 0 })
}

/// Whose time.
#[derive(Clone, Copy)]
enum Clock {
    Source,
    Server,
}

impl Clock {
    /// The server's times are told from those of the source, so these come first.
    const ALL: [Clock; 2] = [Clock::Source, Clock::Server];

    fn of(self, stamp: &Stamp) -> Option<Timestamp> {
        match self {
            Clock::Source => stamp.source,
            Clock::Server => stamp.server,
        }
    }

    fn set(self, stamp: &mut Stamp, time: Timestamp) {
        match self {
            Clock::Source => stamp.source = Some(time),
            Clock::Server => stamp.server = Some(time),
        }
    }

    /// The time that is known already and ought to be near.
    fn base(self, cell: &Cell) -> i64 {
        match self {
            Clock::Source => cell.at,
            Clock::Server => cell.stamp.source.map_or(cell.at, |source| source.0),
        }
    }
}

/// How a time is guessed. One way for the whole record: values that a server takes all at once are best told from each
/// other, those that it takes one by one are best told from their own past, and single events from the scan.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The base itself.
    Near = 0,
    /// As far from the base as this tag's time before.
    Steady = 1,
    /// As the time of the tag before, in the same scan.
    Beside = 2,
}

impl Way {
    const ALL: [Way; 3] = [Way::Near, Way::Steady, Way::Beside];
}

/// What is known of the times of one clock so far.
struct Guess {
    way: Way,
    tag: usize,
    /// From the base, of the tag's last time.
    distance: i64,
    /// The last tag's time in each scan.
    beside: Vec<Option<i64>>,
}

impl Guess {
    fn new(way: Way, scans: usize) -> Guess {
        Guess { way, tag: 0, distance: 0, beside: vec![None; scans] }
    }

    /// How far the guess for this cell is from its time.
    fn error(&mut self, cell: &Cell, base: i64, time: i64) -> i64 {
        let error = time.wrapping_sub(self.guess(cell, base));
        self.learn(cell, base, time);
        error
    }

    /// The time that the guess is so far from.
    fn time(&mut self, cell: &Cell, base: i64, error: i64) -> i64 {
        let time = self.guess(cell, base).wrapping_add(error);
        self.learn(cell, base, time);
        time
    }

    fn guess(&self, cell: &Cell, base: i64) -> i64 {
        match self.way {
            Way::Near => base,
            Way::Steady if cell.tag != self.tag => base,
            Way::Steady => base.wrapping_add(self.distance),
            Way::Beside => self.beside[cell.scan].unwrap_or(base),
        }
    }

    fn learn(&mut self, cell: &Cell, base: i64, time: i64) {
        (self.tag, self.distance) = (cell.tag, time.wrapping_sub(base));
        self.beside[cell.scan] = Some(time);
    }
}

fn put_runs(codes: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    let mut runs = Runs::default();
    codes.for_each(|code| runs.push(code, out));
    runs.finish(out);
}

#[cfg(test)]
mod tests;
