//! Reading a parcel: first all of it against its signature, then part by part. Each part is checked again when it is used, since a
//! memory stick may be changed, or fail, in between.

use std::io::Read;

use ring::digest::{SHA256, digest};
use zstd::bulk::Decompressor;

use super::sign::{hex, verify};
use super::{Fault, MAGIC, MANIFEST, MAX_BLOCK, MAX_UNPACKED, Manifest, Message, PART, SIGNATURE};

/// Reads all of a file: its manifest, if it is whole and signed by the key that the manifest names. Whether that key is to be trusted
/// is the caller's to ask.
pub fn check(from: impl Read) -> Result<Manifest, Fault> {
    let mut blocks = Blocks::open(from)?;
    let mut found = Vec::new();
    let json = loop {
        match blocks.next()? {
            (PART, bytes) => found.push((bytes.len() as u64, hex(digest(&SHA256, &bytes).as_ref()))),
            (MANIFEST, bytes) => break bytes,
            _ => return Err(Fault::Damaged),
        }
    };
    let (SIGNATURE, signature) = blocks.next()? else { return Err(Fault::Damaged) };
    blocks.end()?;
    let manifest: Manifest = serde_json::from_slice(&json).map_err(|_| Fault::Damaged)?;
    verify(&manifest.key, &json, &signature)?;
    let listed = manifest.parts.iter().map(|part| (part.bytes, part.sha256.as_str()));
    let is_whole = listed.eq(found.iter().map(|(bytes, sha256)| (*bytes, sha256.as_str())));
    if is_whole { Ok(manifest) } else { Err(Fault::Damaged) }
}

/// The parts of a file that was checked, in their order.
pub struct Parts<'a, R: Read> {
    blocks: Blocks<R>,
    manifest: &'a Manifest,
    next: usize,
    zstd: Decompressor<'static>,
}

impl<'a, R: Read> Parts<'a, R> {
    /// Begins again at the front of the file that `manifest` is of.
    pub fn open(from: R, manifest: &'a Manifest) -> Result<Parts<'a, R>, Fault> {
        Ok(Parts { blocks: Blocks::open(from)?, manifest, next: 0, zstd: Decompressor::new()? })
    }

    /// The messages of the next part; `None` behind the last one.
    pub fn next_part(&mut self) -> Result<Option<Vec<Message>>, Fault> {
        let Some(listed) = self.manifest.parts.get(self.next) else { return Ok(None) };
        self.next += 1;
        let (PART, bytes) = self.blocks.next()? else { return Err(Fault::Damaged) };
        let unpacked = usize::try_from(listed.unpacked).ok().filter(|unpacked| *unpacked <= MAX_UNPACKED);
        let unpacked = unpacked.ok_or(Fault::Damaged)?;
        if hex(digest(&SHA256, &bytes).as_ref()) != listed.sha256 {
            return Err(Fault::Damaged);
        }
        let unpacked = self.zstd.decompress(&bytes, unpacked).map_err(|_| Fault::Damaged)?;
        let messages = messages(&unpacked)?;
        let is_as_listed = unpacked.len() as u64 == listed.unpacked && messages.len() as u64 == listed.messages;
        if is_as_listed { Ok(Some(messages)) } else { Err(Fault::Damaged) }
    }
}

fn messages(mut bytes: &[u8]) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::new();
    let take = |bytes: &mut &[u8], len: usize| {
        let (taken, rest) = bytes.split_at_checked(len).ok_or(Fault::Damaged)?;
        *bytes = rest;
        Ok::<_, Fault>(taken.to_vec())
    };
    while !bytes.is_empty() {
        let topic_len = take(&mut bytes, 2)?.try_into().map(u16::from_le_bytes).map_err(|_| Fault::Damaged)?;
        let topic = String::from_utf8(take(&mut bytes, usize::from(topic_len))?).map_err(|_| Fault::Damaged)?;
        let is_retained = match take(&mut bytes, 1)?[..] {
            [0] => false,
            [1] => true,
            _ => return Err(Fault::Damaged),
        };
        let payload_len = take(&mut bytes, 4)?.try_into().map(u32::from_le_bytes).map_err(|_| Fault::Damaged)?;
        let payload = take(&mut bytes, payload_len as usize)?;
        messages.push(Message { topic, is_retained, payload });
    }
    Ok(messages)
}

/// The blocks of a file.
struct Blocks<R: Read> {
    from: R,
}

impl<R: Read> Blocks<R> {
    fn open(mut from: R) -> Result<Blocks<R>, Fault> {
        let mut magic = [0; MAGIC.len()];
        // What is shorter than this is no file of ours that was cut off, but nothing at all. (An encrypted one says so by itself.)
        let mut read = 0;
        while read < magic.len() {
            match from.read(&mut magic[read..])? {
                0 => return Err(Fault::NotOurs),
                some => read += some,
            }
        }
        match magic.split_last() {
            Some((1, name)) if name == &MAGIC[..7] => Ok(Blocks { from }),
            Some((version, name)) if name == &MAGIC[..7] && *version > 1 => Err(Fault::Newer(*version)),
            _ if magic[..] == super::age::BEGINS[..8] => Err(Fault::Encrypted),
            _ => Err(Fault::NotOurs),
        }
    }

    fn next(&mut self) -> Result<(u8, Vec<u8>), Fault> {
        let mut head = [0; 5];
        self.from.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        if length > MAX_BLOCK {
            return Err(Fault::Damaged);
        }
        // Memory is taken as bytes come, not as they are promised.
        let mut bytes = Vec::new();
        self.from.by_ref().take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize { Err(Fault::CutOff) } else { Ok((kind, bytes)) }
    }

    fn end(&mut self) -> Result<(), Fault> {
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(Fault::Damaged),
        }
    }
}
