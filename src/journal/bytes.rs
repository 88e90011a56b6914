//! Small tools for bytes: varints (LEB128, zig-zag for signed numbers), runs of equal codes, bits. Pure.
//!
//! The rule: reading bytes that were never written gives [`Damaged`], not a panic and not an allocation.

/// These bytes are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub fn put_signed(out: &mut Vec<u8>, n: i64) {
    put_varint(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Bytes not read yet.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn varint(&mut self) -> Result<u64, Damaged> {
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

    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let n = self.varint()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.take(N)?.try_into().map_err(|_| Damaged)
    }
}

/// Equal codes in a row, written as code and length.
#[derive(Default)]
pub struct Runs {
    code: u64,
    len: u64,
}

impl Runs {
    pub fn push(&mut self, code: u64, out: &mut Vec<u8>) {
        if code != self.code {
            self.finish(out);
            self.code = code;
        }
        self.len += 1;
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.len > 0 {
            put_varint(out, self.code);
            put_varint(out, self.len);
        }
        self.len = 0;
    }
}

/// Exactly `total` codes. The caller has bounded `total`.
pub fn decode_runs(from: &mut Bytes, total: usize) -> Result<Vec<u64>, Damaged> {
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

/// Bits being written, the lowest first.
#[derive(Default)]
pub struct Bits {
    pub bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.len % 8);
        }
        self.len += 1;
    }
}

/// Bits not read yet.
pub struct BitsOf<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> BitsOf<'a> {
    pub fn new(bytes: &'a [u8]) -> BitsOf<'a> {
        BitsOf { bytes, next: 0 }
    }

    pub fn next(&mut self) -> Result<bool, Damaged> {
        let byte = self.bytes.get(self.next / 8).ok_or(Damaged)?;
        let bit = byte >> (self.next % 8) & 1 == 1;
        self.next += 1;
        Ok(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_has_at_most_64_bits_and_an_end() {
        for n in [0, 1, 127, 128, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, n);
            assert_eq!(Bytes(&bytes).varint(), Ok(n));
        }
        let nines = [0xff; 9];
        for (last, expected) in
            [(&[1][..], Ok(u64::MAX)), (&[2], Err(Damaged)), (&[0xff, 1], Err(Damaged)), (&[], Err(Damaged))]
        {
            assert_eq!(Bytes(&[&nines, last].concat()).varint(), expected, "{last:?}");
        }
    }

    #[test]
    fn signed_numbers_near_zero_are_short() {
        for (n, len) in [(0, 1), (-1, 1), (63, 1), (-64, 1), (64, 2), (i64::MIN, 10), (i64::MAX, 10)] {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, n);
            assert_eq!((bytes.len(), Bytes(&bytes).signed()), (len, Ok(n)), "{n}");
        }
    }
}
