//! The parcel: finished messages in one signed file, for sites without a line ("courier file"). docs/JOURNAL.md describes it to the byte.
//!
//! ```text
//! "CWCOUR" 0 1                          magic and version
//! 'P' length:u32 zstd(messages)         a part, any number of them
//! 'M' length:u32 JSON                   the manifest: what is in it, and the SHA-256 of each part
//! 'S' length:u32 64 bytes               Ed25519 over SIGNED_FOR and the manifest's bytes; nothing follows
//! ```
//!
//! A message in a part: `topic length:u16, topic, flags:u8 (1: retained), payload length:u32, payload`. Numbers are little-endian.
//!
//! The rule: nothing of a file is used before its signature, the hash of the very part and every length were checked. Any bytes at all
//! give messages that were signed, or a [`Fault`].

mod age; // around it, where it is encrypted

mod bech32; // how age writes keys

mod read;

mod sign;

mod write;

pub use age::{AgeReader, AgeWriter, Identity, Recipient};
pub use read::{Parts, check};
pub use sign::{Signer, fingerprint, is_signed, key_of_text, manifest_hash};
pub use write::{Hashed, ParcelWriter};

use serde::{Deserialize, Serialize};

/// One message, as it is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Below the prefix of whoever publishes it: `enterprise/workshop/device/data`.
    pub topic: String,
    /// The broker is to keep it for those who come later.
    pub is_retained: bool,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// What is in a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    pub format: u64,
    /// When it was made, milliseconds since 1970.
    pub made_ms: i64,
    /// By which program.
    pub made_by: String,
    /// Enterprise in topics.
    pub enterprise: String,
    /// Workshop in topics.
    pub workshop: String,
    /// The workshop's name for people.
    pub name: String,
    /// The sink whose place it takes; none: everything was taken, whatever any sink may have.
    pub sink: Option<String>,
    /// What was let through: entries as in `send`.
    pub send: Vec<String>,
    /// Devices that samples are of.
    pub devices: Vec<String>,
    /// By stream.
    pub streams: Vec<StreamContent>,
    /// Starts of the agent that records are of.
    pub boots: Vec<String>,
    /// Records that could not be read.
    pub damaged: u64,
    /// By place in the file.
    pub parts: Vec<PartContent>,
    /// The public key of the gateway, 64 hexadecimal digits.
    pub key: String,
}

/// What is in a parcel of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamContent {
    /// `data` or `events`.
    pub stream: String,
    /// Messages.
    pub messages: u64,
    /// Samples in them.
    pub samples: u64,
    /// The `prev` of the first one.
    pub after: u64,
    /// The first position.
    pub first: u64,
    /// The last position.
    pub last: u64,
    /// The earliest time, milliseconds since 1970.
    pub from_ms: i64,
    /// The latest time.
    pub to_ms: i64,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartContent {
    /// Messages in it.
    pub messages: u64,
    /// Bytes in the file, without the five in front.
    pub bytes: u64,
    /// Bytes unpacked.
    pub unpacked: u64,
    /// SHA-256 of its bytes in the file, hexadecimal.
    pub sha256: String,
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Fault {
    /// It is no parcel.
    NotOurs,
    /// Of a version that this program does not know.
    Newer(u8),
    /// It is encrypted, and no identity was given.
    Encrypted,
    /// None of the identities opens it.
    NoKeyFits,
    /// It ends before its end.
    CutOff,
    /// Its content is not what was signed, or cannot be.
    Damaged,
    /// The signature is not that of the key it names.
    Forged,
    /// The system could not read it.
    Io(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Fault::CutOff,
            std::io::ErrorKind::InvalidData => Fault::Damaged,
            _ => Fault::Io(error),
        }
    }
}

/// In front of each file; the last byte is the version.
const MAGIC: &[u8; 8] = b"CWCOUR\x00\x01";

const PART: u8 = b'P';
const MANIFEST: u8 = b'M';
const SIGNATURE: u8 = b'S';

/// What the signature covers before the manifest, so that it is good for nothing else.
const SIGNED_FOR: &[u8] = b"cloudward courier file 1\n";

/// A part is closed once it has so many bytes unpacked: large enough that zstd finds what repeats, small enough for any gateway.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// The largest message: what a sink may send at most is 16 MB, its topic 64 kB.
const MAX_MESSAGE: usize = 17_000_000;

/// What a part has unpacked at most: the message that closed it may be the largest.
const MAX_UNPACKED: usize = PART_BYTES + MAX_MESSAGE + 8;

/// The largest block in the file: a part that zstd could not make smaller, and some.
const MAX_BLOCK: u32 = (MAX_UNPACKED + MAX_UNPACKED / 128) as u32;

#[cfg(test)]
mod tests;
