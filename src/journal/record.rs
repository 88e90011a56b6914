//! What stands in the `body` of a row: one byte of format, CRC32C, payload, the latter through zstd where that pays.
//! The checksum covers the other columns of the row as well, so that a body never passes for that of another row.
//!
//! The rule: [`Unpacker::unpack`] trusts nothing. Any bytes give a payload that was packed, or [`Damaged`].

use std::io;

use super::bytes::{Bytes, Damaged, put_varint};
use zstd::bulk::{Compressor, Decompressor};

/// What the checksum covers beside the body: the other columns of the row, in their order.
pub type Header<'a> = &'a [i64];

/// Payload as it is.
const PLAIN: u8 = 1;
/// Length of the payload as varint, then a zstd frame.
const ZSTD: u8 = 2;

/// zstd-3 gives nothing over zstd-1 for what columns leave.
const ZSTD_LEVEL: i32 = 1;

/// No payload is larger: [`super::columns::MAX_CELLS`] texts of 256 bytes are 17 MB, their stamps 2 MB at worst. A scan with long
/// JSON fits one message, which has at most 16 MB.
const MAX_PAYLOAD: usize = 32 * 1024 * 1024;

/// Packs payloads. Holds zstd's working memory, which is large to allocate for each row.
pub struct Packer {
    zstd: Compressor<'static>,
    squeezed: Vec<u8>,
}

impl Packer {
    /// A packer; the error is zstd's own (out of memory).
    pub fn new() -> io::Result<Packer> {
        Ok(Packer { zstd: Compressor::new(ZSTD_LEVEL)?, squeezed: Vec::new() })
    }

    /// The body for a payload.
    pub fn pack(&mut self, header: Header, payload: &[u8]) -> Vec<u8> {
        let mut body = vec![PLAIN, 0, 0, 0, 0];
        self.squeezed.clear();
        self.squeezed.reserve(zstd::zstd_safe::compress_bound(payload.len()));
        // zstd fails only where its buffer is too small or memory ends; the payload then goes in as it is.
        match self.zstd.compress_to_buffer(payload, &mut self.squeezed) {
            Ok(len) if len < payload.len() - payload.len() / 10 => {
                body[0] = ZSTD;
                put_varint(&mut body, payload.len() as u64);
                body.extend_from_slice(&self.squeezed);
            }
            _ => body.extend_from_slice(payload),
        }
        let crc = checksum(header, body[0], &body[5..]);
        body[1..5].copy_from_slice(&crc.to_le_bytes());
        body
    }
}

/// Unpacks bodies.
pub struct Unpacker {
    zstd: Decompressor<'static>,
}

impl Unpacker {
    /// An unpacker; the error is zstd's own (out of memory).
    pub fn new() -> io::Result<Unpacker> {
        Ok(Unpacker { zstd: Decompressor::new()? })
    }

    /// The payload of a body that was packed with this header.
    pub fn unpack(&mut self, header: Header, body: &[u8]) -> Result<Vec<u8>, Damaged> {
        let mut from = Bytes(body);
        let [format] = from.array()?;
        let crc = u32::from_le_bytes(from.array()?);
        if checksum(header, format, from.0) != crc {
            return Err(Damaged);
        }
        self.payload(format, from)
    }

    /// Apart from the checksum, so that tests reach it with bytes that no checksum would let through.
    fn payload(&mut self, format: u8, mut from: Bytes) -> Result<Vec<u8>, Damaged> {
        match format {
            PLAIN => Ok(from.0.to_vec()),
            ZSTD => {
                let len = usize::try_from(from.varint()?).map_err(|_| Damaged)?;
                if len > MAX_PAYLOAD {
                    return Err(Damaged);
                }
                let payload = self.zstd.decompress(from.0, len).map_err(|_| Damaged)?;
                if payload.len() == len { Ok(payload) } else { Err(Damaged) }
            }
            _ => Err(Damaged),
        }
    }
}

/// The body of a row under another header, if it is whole under the one that it had. The payload is not looked at.
pub fn moved(body: &[u8], before: Header, after: Header) -> Option<Vec<u8>> {
    let (head, rest) = body.split_at_checked(5)?;
    if checksum(before, head[0], rest).to_le_bytes() != head[1..] {
        return None;
    }
    let mut moved = body.to_vec();
    moved[1..5].copy_from_slice(&checksum(after, head[0], rest).to_le_bytes());
    Some(moved)
}

fn checksum(header: Header, format: u8, rest: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(&[format]);
    for column in header {
        crc = crc32c::crc32c_append(crc, &column.to_le_bytes());
    }
    crc32c::crc32c_append(crc, rest)
}

#[cfg(test)]
mod tests {
    use super::super::columns::{self, tests::any_scans};
    use super::*;
    use crate::model::Timestamp;
    use proptest::prelude::*;

    fn pack(header: Header, payload: &[u8]) -> Vec<u8> {
        Packer::new().unwrap().pack(header, payload)
    }

    fn unpack(header: Header, body: &[u8]) -> Result<Vec<u8>, Damaged> {
        Unpacker::new().unwrap().unpack(header, body)
    }

    #[test]
    fn a_payload_is_squeezed_where_that_saves_a_tenth_and_kept_where_not() {
        let alike = vec![7_u8; 10_000];
        let noise: Vec<u8> =
            (0_u32..10_000).map(|i| (i.wrapping_mul(2_654_435_761).rotate_left(i % 31) >> 13) as u8).collect();
        for (payload, format) in [(&alike[..], ZSTD), (&noise[..], PLAIN), (&[][..], PLAIN), (b"short", PLAIN)] {
            let body = pack(&[1, 2], payload);
            assert_eq!(body[0], format);
            assert!(body.len() <= payload.len() + 5);
            assert_eq!(unpack(&[1, 2], &body).as_deref(), Ok(payload));
        }
    }

    #[test]
    fn a_single_changed_bit_anywhere_is_damage() {
        for payload in [&vec![7_u8; 500][..], b"a short one"] {
            let body = pack(&[5, -1], payload);
            for bit in 0..body.len() * 8 {
                let mut changed = body.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(unpack(&[5, -1], &changed), Err(Damaged), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_body_does_not_pass_for_that_of_another_row() {
        let body = pack(&[5, 3, 1], b"payload");
        assert_eq!(unpack(&[6, 3, 1], &body), Err(Damaged));
        assert_eq!(unpack(&[5, 3, 0], &body), Err(Damaged));
        assert!(unpack(&[5, 3, 1], &body).is_ok());
    }

    #[test]
    fn a_length_beyond_the_limit_is_not_allocated() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::MAX);
        assert_eq!(Unpacker::new().unwrap().payload(ZSTD, Bytes(&bytes)), Err(Damaged));
        let bomb = pack(&[], &vec![0; MAX_PAYLOAD + 1]);
        assert!(bomb.len() < 10_000);
        assert_eq!(unpack(&[], &bomb), Err(Damaged));
    }

    proptest! {
        #[test]
        fn scans_travel_through_a_body((tags, scans) in any_scans()) {
            let mut payload = Vec::new();
            columns::encode(&scans, tags, &mut payload);
            let body = pack(&[1], &payload);
            let at = scans.first().map_or(Timestamp(0), |scan| scan.at);
            let back = columns::decode(&unpack(&[1], &body).unwrap(), tags, at).unwrap();
            prop_assert!(columns::tests::same(&back, &scans));
        }

        #[test]
        fn any_bytes_at_all_unpack_or_are_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..300), format in 0_u8..4) {
            let mut unpacker = Unpacker::new().unwrap();
            unpacker.unpack(&[1], &bytes).ok(); // only a panic counts
            unpacker.payload(format, Bytes(&bytes)).ok();
        }

        #[test]
        fn a_damaged_frame_past_the_checksum_does_not_panic(seed in any::<u64>(), place in any::<usize>(), byte in any::<u8>()) {
            let payload: Vec<u8> = (0..2_000_u64).map(|i| (seed >> (i % 7)) as u8).collect();
            let mut body = pack(&[1], &payload);
            let place = 5 + place % (body.len() - 5);
            body[place] = byte;
            let mut unpacker = Unpacker::new().unwrap();
            if let Ok(bytes) = unpacker.payload(body[0], Bytes(&body[5..])) {
                columns::decode(&bytes, 3, Timestamp(0)).ok();
            }
        }
    }
}
