//! The scans of one record as columns of bytes, and back. Pure: no disk, no compression, no checksum; [`super::record`]
//! puts those around it.
//!
//! In the order of the bytes: number of scans; times as differences of differences; quality as runs over all cells, tag
//! by tag; the kind of each tag's column as runs; all booleans as bits; then the values of each other column: whole
//! numbers as differences, floats as exact decimals where every value comes back bit by bit, else XORed with the one
//! before. Like things stand beside like things, so that zstd finds them.
//!
//! The rule: [`decode`] answers [`Damaged`] to any bytes that [`encode`] did not write. It never panics, and it allocates
//! nothing larger than the limits below.

use crate::model::{Reading, Scan, Timestamp, Value, Why};

/// A record has at most so many cells (scans times tags); a longer run of scans becomes several records. Six commits'
/// worth at the recorder's 10,000 samples, and a few MB of memory when decoded.
pub const MAX_CELLS: usize = 65_536;

/// These bytes are not what [`encode`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// So many scans of a group of so many tags fit into one record.
pub fn max_scans(tags: usize) -> usize {
    (MAX_CELLS / tags.max(1)).max(1)
}

/// Appends the columns of these scans to `out`. The first scan's `at` is not written: it stands in the row. Each scan has
/// `tags` readings; a missing one counts as held back.
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
    let mut bits = BitsOf { bytes: from.take(bools.div_ceil(8))?, next: 0 };

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
        scans.push(Scan { at: Timestamp(last_at), mono_ms: 0, readings: Vec::with_capacity(tags) });
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
    let digits = match kind {
        F32 => (0..=MAX_DIGITS).find(|d| column.iter().all(|v| matches!(v, Value::F32(x) if f32_scaled(*x, *d).is_some()))),
        F64 => (0..=MAX_DIGITS).find(|d| column.iter().all(|v| matches!(v, Value::F64(x) if f64_scaled(*x, *d).is_some()))),
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
            Value::Text(_) => put_alone(value, out),
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
        Value::Text(text) => {
            put_varint(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// `x * 10^digits` where it is whole and gives `x` back bit by bit, in single precision throughout.
fn f32_scaled(x: f32, digits: u64) -> Option<i64> {
    let power = POWERS_F32[digits as usize];
    let scaled = (x * power).round();
    // Beyond 2^24 not every whole number is a float. A comparison with NaN is false as well.
    if scaled.abs() <= 16_777_216.0 && (scaled as i64 as f32 / power).to_bits() == x.to_bits() {
        Some(scaled as i64)
    } else {
        None
    }
}

/// The same in doubles.
fn f64_scaled(x: f64, digits: u64) -> Option<i64> {
    let power = POWERS_F64[digits as usize];
    let scaled = (x * power).round();
    if scaled.abs() <= 9_007_199_254_740_992.0 && (scaled as i64 as f64 / power).to_bits() == x.to_bits() {
        Some(scaled as i64)
    } else {
        None
    }
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
            EMPTY..=MIXED => (kind, 0),
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
            TEXT => alone(TEXT, from)?,
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
        TEXT => {
            let len = usize::try_from(from.varint()?).map_err(|_| Damaged)?;
            Value::Text(std::str::from_utf8(from.take(len)?).map_err(|_| Damaged)?.into())
        }
        _ => return Err(Damaged),
    })
}

// Small tools: varints (LEB128), zig-zag, runs, bits.

pub(super) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_signed(out: &mut Vec<u8>, n: i64) {
    put_varint(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Bytes not read yet.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn varint(&mut self) -> Result<u64, Damaged> {
        let mut n = 0_u64;
        for (i, byte) in self.0.iter().take(10).enumerate() {
            let low = u64::from(byte & 0x7f);
            if i == 9 && low > 1 {
                return Err(Damaged); // more than 64 bits
            }
            n |= low << (7 * i);
            if byte & 0x80 == 0 {
                self.0 = &self.0[i + 1..];
                return Ok(n);
            }
        }
        Err(Damaged)
    }

    fn signed(&mut self) -> Result<i64, Damaged> {
        let n = self.varint()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.take(N)?.try_into().map_err(|_| Damaged)
    }
}

/// Equal codes in a row, written as code and length.
#[derive(Default)]
struct Runs {
    code: u64,
    len: u64,
}

impl Runs {
    fn push(&mut self, code: u64, out: &mut Vec<u8>) {
        if code != self.code {
            self.finish(out);
            self.code = code;
        }
        self.len += 1;
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.len > 0 {
            put_varint(out, self.code);
            put_varint(out, self.len);
        }
        self.len = 0;
    }
}

/// Exactly `total` codes. The caller has bounded `total`.
fn decode_runs(from: &mut Bytes, total: usize) -> Result<Vec<u64>, Damaged> {
    let mut codes = Vec::with_capacity(total);
    while codes.len() < total {
        let code = from.varint()?;
        let len = usize::try_from(from.varint()?).map_err(|_| Damaged)?;
        if len == 0 || len > total - codes.len() {
            return Err(Damaged);
        }
        codes.resize(codes.len() + len, code);
    }
    Ok(codes)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.len % 8);
        }
        self.len += 1;
    }
}

struct BitsOf<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl BitsOf<'_> {
    fn next(&mut self) -> Result<bool, Damaged> {
        let byte = self.bytes.get(self.next / 8).ok_or(Damaged)?;
        let bit = byte >> (self.next % 8) & 1 == 1;
        self.next += 1;
        Ok(bit)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Floats are compared by their bits: NaN and -0.0 must come back too.
    pub fn same(a: &[Scan], b: &[Scan]) -> bool {
        let cells = |scans: &[Scan]| -> Vec<String> {
            let bits = |value: &Value| match value {
                Value::F32(x) => format!("F32 {:x}", x.to_bits()),
                Value::F64(x) => format!("F64 {:x}", x.to_bits()),
                other => format!("{other:?}"),
            };
            let show = |reading: &Option<Reading>| match reading {
                None => "-".to_owned(),
                Some(Reading::Good(v)) => bits(v),
                Some(Reading::Uncertain(v, why)) => format!("{} {why}", bits(v)),
                Some(Reading::Bad(why)) => format!("bad {why}"),
            };
            scans
                .iter()
                .flat_map(|s| [format!("{} {} {}", s.at.0, s.mono_ms, s.readings.len())].into_iter().chain(s.readings.iter().map(show)))
                .collect()
        };
        cells(a) == cells(b)
    }

    pub fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::I64),
            (-100_i64..100).prop_map(Value::I64),
            any::<u64>().prop_map(Value::U64),
            any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
            any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
            (-5000_i32..5000).prop_map(|n| Value::F32(n as f32 / 10.0)),
            (-5_000_000_i32..5_000_000).prop_map(|n| Value::F64(f64::from(n) / 1000.0)),
            "[a-z°]{0,12}".prop_map(|text| Value::Text(text.into())),
        ]
    }

    fn any_reading() -> impl Strategy<Value = Option<Reading>> {
        let why = (0..Why::ALL.len()).prop_map(|i| Why::ALL[i]);
        prop_oneof![
            1 => Just(None),
            6 => any_value().prop_map(|v| Some(Reading::Good(v))),
            1 => (any_value(), why.clone()).prop_map(|(v, why)| Some(Reading::Uncertain(v, why))),
            1 => why.prop_map(|why| Some(Reading::Bad(why))),
        ]
    }

    /// Some scans of a group of some tags.
    pub fn any_scans() -> impl Strategy<Value = (usize, Vec<Scan>)> {
        (0_usize..6).prop_flat_map(|tags| {
            let scan = (any::<i64>(), any::<u64>(), proptest::collection::vec(any_reading(), tags))
                .prop_map(|(at, mono_ms, readings)| Scan { at: Timestamp(at), mono_ms, readings });
            (Just(tags), proptest::collection::vec(scan, 0..8))
        })
    }

    fn encoded(tags: usize, scans: &[Scan]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(scans, tags, &mut bytes);
        bytes
    }

    fn first_at(scans: &[Scan]) -> Timestamp {
        scans.first().map_or(Timestamp(0), |scan| scan.at)
    }

    /// One tag, one good reading per scan, a second apart.
    fn column(values: &[Value]) -> Vec<Scan> {
        (0_i64..)
            .zip(values)
            .map(|(i, value)| Scan {
                at: Timestamp(1_700_000_000_000 + 1000 * i),
                mono_ms: 5_000 + 1000 * i as u64,
                readings: vec![Some(Reading::Good(value.clone()))],
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out((tags, scans) in any_scans()) {
            let back = decode(&encoded(tags, &scans), tags, first_at(&scans)).expect("just encoded");
            prop_assert!(same(&back, &scans), "{back:?}\n{scans:?}");
        }

        #[test]
        fn columns_of_one_kind_come_back_too(values in proptest::collection::vec((-9999_i32..9999, 0_u32..8), 1..40), wide in any::<bool>()) {
            let digits = values[0].1;
            let values: Vec<Value> = values
                .iter()
                .map(|(n, _)| match wide {
                    true => Value::F64(f64::from(*n) / 10_f64.powi(digits as i32)),
                    false => Value::F32(*n as f32 / 10_f32.powi(digits as i32)),
                })
                .collect();
            let scans = column(&values);
            let back = decode(&encoded(1, &scans), 1, first_at(&scans)).expect("just encoded");
            prop_assert!(same(&back, &scans));
        }

        #[test]
        fn any_bytes_at_all_decode_or_are_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..200), tags in 0_usize..2000) {
            decode(&bytes, tags, Timestamp(0)).ok(); // only a panic counts
        }

        #[test]
        fn changed_bytes_decode_or_are_damaged((tags, scans) in any_scans(), place in any::<usize>(), byte in any::<u8>(), cut in any::<usize>()) {
            let mut bytes = encoded(tags, &scans);
            let (place, cut) = (place % bytes.len(), cut % bytes.len());
            bytes[place] = byte;
            decode(&bytes, tags, Timestamp(0)).ok();
            decode(&bytes[..cut], tags, Timestamp(0)).ok();
        }
    }

    #[track_caller]
    fn check(values: &[Value], bytes_per_value_at_most: f64) {
        let scans = column(values);
        let bytes = encoded(1, &scans);
        assert!(same(&decode(&bytes, 1, first_at(&scans)).expect("just encoded"), &scans));
        let times = 2 * scans.len() + 16;
        let per_value = bytes.len().saturating_sub(times) as f64 / scans.len() as f64;
        assert!(per_value <= bytes_per_value_at_most, "{per_value} bytes per value");
    }

    #[test]
    fn each_kind_is_stored_in_the_few_bytes_it_needs() {
        let a_hundred = |f: fn(i64) -> Value| -> Vec<Value> { (0..100).map(f).collect() };
        check(&a_hundred(|i| Value::Bool(i % 3 == 0)), 0.125);
        check(&a_hundred(|i| Value::I64(1_000_000 + 7 * i)), 1.0);
        check(&a_hundred(|i| Value::U64(u64::MAX - 50 + i as u64 % 40)), 1.0);
        check(&a_hundred(|i| Value::F32((2300 + i) as f32 / 10.0)), 1.0);
        check(&a_hundred(|i| Value::F64((231_500 + i) as f64 / 1000.0)), 1.0);
        check(&a_hundred(|i| Value::F64((i as f64).sqrt())), 8.0);
    }

    #[test]
    fn values_at_the_edges_come_back_bit_by_bit() {
        let f64s = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, 0.1, 0.30000000000000004, 9_007_199_254_740_993.0];
        for x in f64s {
            check(&[Value::F64(x)], 9.0);
            check(&[Value::F64(0.1), Value::F64(x), Value::F64(0.2)], 9.0);
            check(&[Value::F32(x as f32), Value::F32(0.1)], 9.0);
        }
        check(&[i64::MIN, i64::MAX, 0, -1].map(Value::I64), 10.0);
        check(&[0, u64::MAX, 1].map(Value::U64), 10.0);
        check(&[Value::I64(1), Value::Text("停机".into()), Value::Bool(true), Value::F32(1.5), Value::U64(7), Value::F64(0.1)], 10.0);
    }

    #[test]
    fn steady_times_cost_two_bytes_a_scan() {
        let bytes = encoded(0, &column(&vec![Value::Bool(true); 1000]));
        assert!(bytes.len() < 2 * 1000 + 20, "{}", bytes.len());
    }

    #[test]
    fn more_scans_than_a_record_may_have_are_not_even_allocated() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, max_scans(10) as u64 + 1);
        bytes.resize(1_000_000, 0);
        assert_eq!(decode(&bytes, 10, Timestamp(0)).map(|_| ()), Err(Damaged));
        assert_eq!((max_scans(0), max_scans(1_000), max_scans(1_000_000)), (65_536, 65, 1));
    }

    #[test]
    fn bytes_left_over_are_damage() {
        let mut bytes = encoded(1, &column(&[Value::I64(5)]));
        bytes.push(0);
        assert_eq!(decode(&bytes, 1, Timestamp(0)), Err(Damaged));
    }
}
