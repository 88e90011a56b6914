//! Writing a parcel, part by part: memory for one part, however large the file becomes.

use std::io::{self, Write};

use ring::digest::{SHA256, digest};
use zstd::bulk::Compressor;

use super::sign::{Signer, hex};
use super::{MAGIC, MANIFEST, Manifest, Message, PART, PART_BYTES, PartContent, SIGNATURE};

/// Noisy readings of 100 and of 1,000 tags take 2 bytes a sample with zstd-1, and no fewer with zstd-9.
const ZSTD_LEVEL: i32 = 1;

/// A parcel being written.
pub struct ParcelWriter<W: Write> {
    out: W,
    zstd: Compressor<'static>,
    unpacked: Vec<u8>,
    messages: u64,
    parts: Vec<PartContent>,
}

impl<W: Write> ParcelWriter<W> {
    /// Begins one.
    pub fn new(mut out: W) -> io::Result<ParcelWriter<W>> {
        out.write_all(MAGIC)?;
        let zstd = Compressor::new(ZSTD_LEVEL)?;
        Ok(ParcelWriter { out, zstd, unpacked: Vec::with_capacity(PART_BYTES), messages: 0, parts: Vec::new() })
    }

    /// One message more.
    pub fn add(&mut self, message: &Message) -> io::Result<()> {
        let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
        let topic_len = u16::try_from(message.topic.len()).map_err(|_| too_large())?;
        let payload_len = u32::try_from(message.payload.len()).map_err(|_| too_large())?;
        if message.topic.len() + message.payload.len() > super::MAX_MESSAGE {
            return Err(too_large());
        }
        self.unpacked.extend_from_slice(&topic_len.to_le_bytes());
        self.unpacked.extend_from_slice(message.topic.as_bytes());
        self.unpacked.push(u8::from(message.is_retained));
        self.unpacked.extend_from_slice(&payload_len.to_le_bytes());
        self.unpacked.extend_from_slice(&message.payload);
        self.messages += 1;
        if self.unpacked.len() >= PART_BYTES { self.close_part() } else { Ok(()) }
    }

    fn close_part(&mut self) -> io::Result<()> {
        if self.unpacked.is_empty() {
            return Ok(());
        }
        let packed = self.zstd.compress(&self.unpacked)?;
        self.parts.push(PartContent {
            messages: std::mem::take(&mut self.messages),
            bytes: packed.len() as u64,
            unpacked: self.unpacked.len() as u64,
            sha256: hex(digest(&SHA256, &packed).as_ref()),
        });
        self.unpacked.clear();
        block(&mut self.out, PART, &packed)
    }

    /// Writes manifest and signature. `manifest.parts` and `manifest.key` are filled in here. Gives what was written to, and the
    /// manifest as it was signed.
    pub fn finish(mut self, mut manifest: Manifest, signer: &Signer) -> io::Result<(W, Manifest)> {
        self.close_part()?;
        (manifest.parts, manifest.key) = (self.parts, signer.key());
        let json = serde_json::to_vec(&manifest).map_err(io::Error::other)?;
        block(&mut self.out, MANIFEST, &json)?;
        block(&mut self.out, SIGNATURE, &signer.sign(&json))?;
        self.out.flush()?;
        Ok((self.out, manifest))
    }
}

fn block(out: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.write_all(&[kind])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)
}

/// Hashes what is written through it.
pub struct Hashed<W> {
    out: W,
    hash: ring::digest::Context,
}

impl<W> Hashed<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Hashed<W> {
        Hashed { out, hash: ring::digest::Context::new(&SHA256) }
    }

    /// What was written to, and the SHA-256 of all that was written, hexadecimal.
    pub fn finish(self) -> (W, String) {
        (self.out, hex(self.hash.finish().as_ref()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
