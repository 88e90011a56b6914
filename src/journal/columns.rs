//! The scans of one record as columns of bytes, and back. Pure: no disk, no compression, no checksum; [`super::record`]
//! puts those around it.
//!
//! In the order of the bytes: number of scans; times as differences of differences; quality as runs over all cells, tag
//! by tag; the kind of each tag's column as runs; all booleans as bits; then the values of each other column: whole
//! numbers as differences, floats as exact decimals where every value comes back bit by bit, else XORed with the one
//! before. Where the protocol has stamps, their section comes last ([`stamps`]). Like things stand beside like things, so that
//! zstd finds them.
//!
//! The rule: [`decode`] answers [`Damaged`] to any bytes that [`encode`] did not write. It never panics, and it allocates
//! nothing larger than the limits below.

mod stamps;

use super::bytes::{Bits, BitsOf, Bytes, Damaged, Runs, decode_runs, put_signed, put_varint};
use crate::model::{Reading, Scan, Timestamp, Value, Why};

/// A record has at most so many cells (scans times tags); a longer run of scans becomes several records. Six commits'
/// worth at the recorder's 10,000 samples, and a few MB of memory when decoded.
pub const MAX_CELLS: usize = 65_536;

/// So many scans of a group of so many tags fit into one record.
pub fn max_scans(tags: usize) -> usize {
    (MAX_CELLS / tags.max(1)).max(1)
}

/// Appends the columns of these scans to `out`. The first scan's `at` is not written: it stands in the row. Each scan has
/// `tags` readings; a missing one counts as held back. A stamp is kept only beside a reading that is there.
pub fn encode(scans: &[Scan], tags: usize, out: &mut Vec<u8>) {
    put_varint(out, scans.len() as u64);
    encode_times(scans, out);
    encode_quality(scans, tags, out);

    let mut kinds = Runs::default();
    let mut kind_bytes = Vec::new();
    let mut bits = Bits::default();
    let mut values = Vec::new();
    let mut column: Vec<&Value> = Vec::with_capacity(scans.len());
    for tag in 0..tags {
        column.clear();
        column.extend(scans.iter().filter_map(|scan| value_of(scan.readings.get(tag)?.as_ref()?)));
        let kind = encode_column(&column, &mut bits, &mut values);
        kinds.push(kind, &mut kind_bytes);
    }
    kinds.finish(&mut kind_bytes);
    out.extend_from_slice(&kind_bytes);
    out.extend_from_slice(&bits.bytes);
    out.extend_from_slice(&values);
    stamps::encode(scans, tags, out);
}

/// The scans behind these bytes: all of them, of a group of `tags` tags, the first one taken at `at`.
pub fn decode(bytes: &[u8], tags: usize, at: Timestamp) -> Result<Vec<Scan>, Damaged> {
    let mut from = Bytes(bytes);
    let count = usize::try_from(from.varint()?).map_err(|_| Damaged)?;
    if count > max_scans(tags) {
        return Err(Damaged);
    }
    let mut scans = decode_times(&mut from, count, tags, at)?;
    let cells = count * tags;
    let quality = decode_runs(&mut from, cells)?;
    let kinds = decode_runs(&mut from, tags)?;

    let mut bools = 0;
    for (tag, kind) in kinds.iter().enumerate() {
        let codes = &quality[tag * count..(tag + 1) * count];
        bools += if *kind == BOOL { codes.iter().filter(|code| has_value(**code)).count() } else { 0 };
    }
    let mut bits = BitsOf::new(from.take(bools.div_ceil(8))?);

    for (tag, kind) in kinds.iter().enumerate() {
        let mut column = Column::new(*kind)?;
        for (scan, code) in scans.iter_mut().zip(&quality[tag * count..(tag + 1) * count]) {
            let why = |code: u64| u8::try_from(code >> 1).ok().and_then(Why::from_number).ok_or(Damaged);
            scan.readings.push(match *code {
                ABSENT => None,
                GOOD => Some(Reading::Good(column.next(&mut from, &mut bits)?)),
                code if has_value(code) => Some(Reading::Uncertain(column.next(&mut from, &mut bits)?, why(code)?)),
                code => Some(Reading::Bad(why(code)?)),
            });
        }
    }
    if !from.0.is_empty() {
        stamps::decode(&mut from, &mut scans, tags)?;
    }
    if from.0.is_empty() { Ok(scans) } else { Err(Damaged) }
}

// Times: `at` after the first scan as difference of differences. The monotonic time is written relative to `at`, which
// makes it constant unless somebody sets the clock.

fn encode_times(scans: &[Scan], out: &mut Vec<u8>) {
    let (mut last_at, mut last_step, mut last_offset) = (scans.first().map_or(0, |scan| scan.at.0), 0_i64, 0_i64);
    for scan in scans {
        let step = scan.at.0.wrapping_sub(last_at);
        put_signed(out, step.wrapping_sub(last_step));
        (last_at, last_step) = (scan.at.0, step);
    }
    for scan in scans {
        let offset = (scan.mono_ms as i64).wrapping_sub(scan.at.0);
        put_signed(out, offset.wrapping_sub(last_offset));
        last_offset = offset;
    }
}

fn decode_times(from: &mut Bytes, count: usize, tags: usize, at: Timestamp) -> Result<Vec<Scan>, Damaged> {
    let (mut last_at, mut step, mut offset) = (at.0, 0_i64, 0_i64);
    let mut scans = Vec::with_capacity(count);
    for _ in 0..count {
        step = step.wrapping_add(from.signed()?);
        last_at = last_at.wrapping_add(step);
        scans.push(Scan { at: Timestamp(last_at), mono_ms: 0, readings: Vec::with_capacity(tags), stamps: None });
    }
    for scan in &mut scans {
        offset = offset.wrapping_add(from.signed()?);
        scan.mono_ms = scan.at.0.wrapping_add(offset) as u64;
    }
    Ok(scans)
}

// Quality: one code per cell. 0 held back, 1 good, 2 * why uncertain, 2 * why + 1 bad (reasons start at 1).

const ABSENT: u64 = 0;
const GOOD: u64 = 1;

fn has_value(code: u64) -> bool {
    code == GOOD || (code != ABSENT && code.is_multiple_of(2))
}

fn encode_quality(scans: &[Scan], tags: usize, out: &mut Vec<u8>) {
    let mut runs = Runs::default();
    for tag in 0..tags {
        for scan in scans {
            let code = match scan.readings.get(tag).and_then(Option::as_ref) {
                None => ABSENT,
                Some(Reading::Good(_)) => GOOD,
                Some(Reading::Uncertain(_, why)) => u64::from(why.number()) * 2,
                Some(Reading::Bad(why)) => u64::from(why.number()) * 2 + 1,
            };
            runs.push(code, out);
        }
    }
    runs.finish(out);
}

fn value_of(reading: &Reading) -> Option<&Value> {
    match reading {
        Reading::Good(value) | Reading::Uncertain(value, _) => Some(value),
        Reading::Bad(_) => None,
    }
}

// Columns. The kind is stored per tag; a float that is a decimal has its number of digits in the kind.

const EMPTY: u64 = 0;
const BOOL: u64 = 1;
const I64: u64 = 2;
const U64: u64 = 3;
const F32: u64 = 4;
const F64: u64 = 5;
const TEXT: u64 = 6;
/// Each value with a kind of its own in front: a tag whose values are not of one variant.
const MIXED: u64 = 7;
const JSON: u64 = 8;
const F32_DECIMAL: u64 = 16;
const F64_DECIMAL: u64 = 32;
const MAX_DIGITS: u64 = 6;

/// Writes one column and tells its kind.
fn encode_column(column: &[&Value], bits: &mut Bits, out: &mut Vec<u8>) -> u64 {
    let Some(first) = column.first() else { return EMPTY };
    let kind = kind_of(first);
    if column.iter().any(|value| kind_of(value) != kind) {
        for value in column {
            put_varint(out, kind_of(value));
            put_alone(value, out);
        }
        return MIXED;
    }
    let (mut last, mut last_bits) = (0_i64, 0_u64);
    let mut difference = |n: i64, out: &mut Vec<u8>| {
        put_signed(out, n.wrapping_sub(last));
        last = n;
    };
    let digits =
        match kind {
            F32 => (0..=MAX_DIGITS)
                .find(|d| column.iter().all(|v| matches!(v, Value::F32(x) if f32_scaled(*x, *d).is_some()))),
            F64 => (0..=MAX_DIGITS)
                .find(|d| column.iter().all(|v| matches!(v, Value::F64(x) if f64_scaled(*x, *d).is_some()))),
            _ => None,
        };
    for value in column {
        match value {
            Value::Bool(b) => bits.push(*b),
            Value::I64(n) => difference(*n, out),
            Value::U64(n) => difference(*n as i64, out),
            Value::F32(x) => match digits.and_then(|d| f32_scaled(*x, d)) {
                Some(n) => difference(n, out),
                None => {
                    put_varint(out, u64::from(x.to_bits()) ^ last_bits);
                    last_bits = u64::from(x.to_bits());
                }
            },
            Value::F64(x) => match digits.and_then(|d| f64_scaled(*x, d)) {
                Some(n) => difference(n, out),
                None => {
                    out.extend_from_slice(&(x.to_bits() ^ last_bits).to_le_bytes());
                    last_bits = x.to_bits();
                }
            },
            Value::Text(_) | Value::Json(_) => put_alone(value, out),
        }
    }
    match (kind, digits) {
        (F32, Some(digits)) => F32_DECIMAL + digits,
        (F64, Some(digits)) => F64_DECIMAL + digits,
        _ => kind,
    }
}

fn kind_of(value: &Value) -> u64 {
    match value {
        Value::Bool(_) => BOOL,
        Value::I64(_) => I64,
        Value::U64(_) => U64,
        Value::F32(_) => F32,
        Value::F64(_) => F64,
        Value::Text(_) => TEXT,
        Value::Json(_) => JSON,
    }
}

/// A value without regard to its neighbours.
fn put_alone(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(b) => out.push(u8::from(*b)),
        Value::I64(n) => put_signed(out, *n),
        Value::U64(n) => put_varint(out, *n),
        Value::F32(x) => out.extend_from_slice(&x.to_bits().to_le_bytes()),
        Value::F64(x) => out.extend_from_slice(&x.to_bits().to_le_bytes()),
        Value::Text(text) | Value::Json(text) => {
            put_varint(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The whole number `x * 10^digits`, if dividing it again gives `x` back bit by bit; in single precision throughout.
/// -0.0, NaN, infinities and what is beyond 64 bits do not come back, so they are left to the other way.
fn f32_scaled(x: f32, digits: u64) -> Option<i64> {
    let power = POWERS_F32[digits as usize];
    let scaled = (x * power).round() as i64;
    ((scaled as f32 / power).to_bits() == x.to_bits()).then_some(scaled)
}

/// The same in doubles.
fn f64_scaled(x: f64, digits: u64) -> Option<i64> {
    let power = POWERS_F64[digits as usize];
    let scaled = (x * power).round() as i64;
    ((scaled as f64 / power).to_bits() == x.to_bits()).then_some(scaled)
}

/// Up to [`MAX_DIGITS`]. All are exact in single precision too.
const POWERS_F32: [f32; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
const POWERS_F64: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// A column being read: its kind, and what the next value differs from.
struct Column {
    kind: u64,
    digits: usize,
    last: i64,
    last_bits: u64,
}

impl Column {
    fn new(kind: u64) -> Result<Column, Damaged> {
        let (kind, digits) = match kind {
            EMPTY..=JSON => (kind, 0),
            F32_DECIMAL..=22 => (F32_DECIMAL, kind - F32_DECIMAL),
            F64_DECIMAL..=38 => (F64_DECIMAL, kind - F64_DECIMAL),
            _ => return Err(Damaged),
        };
        Ok(Column { kind, digits: digits as usize, last: 0, last_bits: 0 })
    }

    fn next(&mut self, from: &mut Bytes, bits: &mut BitsOf) -> Result<Value, Damaged> {
        Ok(match self.kind {
            BOOL => Value::Bool(bits.next()?),
            I64 => Value::I64(self.difference(from)?),
            U64 => Value::U64(self.difference(from)? as u64),
            F32 => {
                self.last_bits ^= from.varint()?;
                Value::F32(f32::from_bits(u32::try_from(self.last_bits).map_err(|_| Damaged)?))
            }
            F64 => {
                self.last_bits ^= u64::from_le_bytes(from.array()?);
                Value::F64(f64::from_bits(self.last_bits))
            }
            F32_DECIMAL => Value::F32(self.difference(from)? as f32 / POWERS_F32[self.digits]),
            F64_DECIMAL => Value::F64(self.difference(from)? as f64 / POWERS_F64[self.digits]),
            TEXT | JSON => alone(self.kind, from)?,
            MIXED => alone(from.varint()?, from)?,
            _ => return Err(Damaged), // the column is said to be empty, but there is a reading with a value
        })
    }

    fn difference(&mut self, from: &mut Bytes) -> Result<i64, Damaged> {
        self.last = self.last.wrapping_add(from.signed()?);
        Ok(self.last)
    }
}

fn alone(kind: u64, from: &mut Bytes) -> Result<Value, Damaged> {
    Ok(match kind {
        BOOL => match from.array::<1>()? {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => return Err(Damaged),
        },
        I64 => Value::I64(from.signed()?),
        U64 => Value::U64(from.varint()?),
        F32 => Value::F32(f32::from_bits(u32::from_le_bytes(from.array()?))),
        F64 => Value::F64(f64::from_bits(u64::from_le_bytes(from.array()?))),
        TEXT => Value::Text(text(from)?),
        JSON => Value::Json(text(from)?),
        _ => return Err(Damaged),
    })
}

fn text(from: &mut Bytes) -> Result<Box<str>, Damaged> {
    let len = usize::try_from(from.varint()?).map_err(|_| Damaged)?;
    Ok(std::str::from_utf8(from.take(len)?).map_err(|_| Damaged)?.into())
}

#[cfg(test)]
pub(super) mod tests;
