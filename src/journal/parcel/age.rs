//! Encryption: the format of age (age-encryption.org/v1) with X25519 recipients, around a parcel. What is written here the program
//! `age` reads, and the other way round; docs/decisions/0014-courier-file.md says why it is not its library.
//!
//! The rule: no byte is handed out before the tag of its chunk was checked, and an end that is not the last chunk is a [`Fault`].

use std::io::{self, BufRead, BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{Fault, bech32};

/// The first line of each file.
pub(super) const BEGINS: &[u8] = b"age-encryption.org/v1\n";

const INFO: &[u8] = b"age-encryption.org/v1/X25519";

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// What may stand before the content. A recipient takes about 100 bytes; other kinds (post-quantum ones) some 2 kB.
const LONGEST_HEADER: u64 = 256 * 1024;

/// Who may open a file: `age1...`.
#[derive(Clone)]
pub struct Recipient(PublicKey);

/// Who can: `AGE-SECRET-KEY-1...`.
#[derive(Clone)]
pub struct Identity(StaticSecret);

impl Recipient {
    /// Reads `age1...`.
    pub fn parse(text: &str) -> Option<Recipient> {
        let bytes: [u8; 32] = bech32::decode("age", text.trim())?.try_into().ok()?;
        Some(Recipient(PublicKey::from(bytes)))
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&bech32::encode("age", self.0.as_bytes()))
    }
}

impl Identity {
    /// A new one.
    pub fn make() -> io::Result<Identity> {
        Ok(Identity(StaticSecret::from(random()?)))
    }

    /// Reads a file as `age-keygen` writes it: one identity a line, comments behind `#`. `None`: a line is neither.
    pub fn parse_all(text: &str) -> Option<Vec<Identity>> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let bytes: [u8; 32] = bech32::decode("age-secret-key-", line)?.try_into().ok()?;
                Some(Identity(StaticSecret::from(bytes)))
            })
            .collect()
    }

    /// The text that must be kept secret.
    pub fn secret_text(&self) -> String {
        bech32::encode("age-secret-key-", self.0.as_bytes()).to_uppercase()
    }

    /// Whom to encrypt to.
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }
}

/// Encrypts what is written. [`AgeWriter::finish`] must be called, or the file has no end.
pub struct AgeWriter<W: Write> {
    out: W,
    chunks: Chunks,
    held: Vec<u8>,
}

impl<W: Write> AgeWriter<W> {
    /// Begins a file for these recipients.
    pub fn new(mut out: W, recipients: &[Recipient]) -> io::Result<AgeWriter<W>> {
        let file_key: [u8; 16] = random()?;
        let mut header = BEGINS.to_vec();
        for recipient in recipients {
            let ephemeral = StaticSecret::from(random()?);
            let share = PublicKey::from(&ephemeral);
            let key = wrap_key(&ephemeral, &recipient.0, &share, &recipient.0).ok_or_else(refused)?;
            let mut body = file_key.to_vec();
            key.seal_in_place_append_tag(zero_nonce(), Aad::empty(), &mut body).map_err(|_| refused())?;
            let (share, body) = (BASE64.encode(share.as_bytes()), BASE64.encode(&body));
            header.extend_from_slice(format!("-> X25519 {share}\n{body}\n").as_bytes());
        }
        header.extend_from_slice(b"---");
        let mac = hmac::sign(&mac_key(&file_key), &header);
        header.extend_from_slice(format!(" {}\n", BASE64.encode(mac)).as_bytes());
        let nonce: [u8; 16] = random()?;
        out.write_all(&header)?;
        out.write_all(&nonce)?;
        Ok(AgeWriter { out, chunks: Chunks::new(&file_key, &nonce), held: Vec::with_capacity(CHUNK + TAG) })
    }

    /// Writes the last chunk.
    pub fn finish(mut self) -> io::Result<W> {
        self.chunk(true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn chunk(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.chunks.nonce(is_last);
        self.chunks.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut self.held).map_err(|_| refused())?;
        self.out.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

impl<W: Write> Write for AgeWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits until it is known not to be the last one.
        if self.held.len() == CHUNK && !bytes.is_empty() {
            self.chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // a chunk that is not full cannot be written before the end
    }
}

/// Decrypts what is read.
pub struct AgeReader<R: Read> {
    from: BufReader<R>,
    chunks: Chunks,
    open: Vec<u8>,
    at: usize,
    is_over: bool,
    is_first: bool,
}

impl<R: Read> AgeReader<R> {
    /// Whether bytes begin as a file of age does.
    pub fn is_one(begins: &[u8]) -> bool {
        begins.starts_with(BEGINS)
    }

    /// Opens a file with whichever of these identities fits.
    pub fn open(from: R, identities: &[Identity]) -> Result<AgeReader<R>, Fault> {
        let mut from = BufReader::new(from);
        let mut lines = Lines { from: &mut from, left: LONGEST_HEADER, all: Vec::new() };
        if lines.next()? != &BEGINS[..BEGINS.len() - 1] {
            return Err(Fault::NotOurs);
        }
        let (mut file_key, mut line) = (None, lines.next()?.to_vec());
        while let Some(stanza) = line.strip_prefix(b"-> ") {
            let stanza = String::from_utf8(stanza.to_vec()).map_err(|_| Fault::Damaged)?;
            let mut body = Vec::new();
            loop {
                let part = lines.next()?.to_vec();
                body.extend_from_slice(&part);
                if part.len() < 64 {
                    break;
                }
            }
            if let Some(share) = stanza.strip_prefix("X25519 ") {
                file_key = file_key.or_else(|| unwrap(share, &body, identities));
            }
            line = lines.next()?.to_vec();
        }
        let mac = line.strip_prefix(b"--- ").and_then(|mac| BASE64.decode(mac).ok()).ok_or(Fault::Damaged)?;
        let covered = lines.all.len() - line.len() - 1 + 3;
        let header = lines.all[..covered].to_vec();
        let file_key = file_key.ok_or(Fault::NoKeyFits)?;
        hmac::verify(&mac_key(&file_key), &header, &mac).map_err(|_| Fault::Damaged)?;
        let mut nonce = [0; 16];
        from.read_exact(&mut nonce)?;
        let chunks = Chunks::new(&file_key, &nonce);
        Ok(AgeReader { from, chunks, open: Vec::new(), at: 0, is_over: false, is_first: true })
    }

    fn chunk(&mut self) -> io::Result<()> {
        let mut sealed = Vec::with_capacity(CHUNK + TAG);
        self.from.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut sealed)?;
        let is_last = self.from.fill_buf()?.is_empty();
        if sealed.len() < TAG || (is_last && sealed.len() == TAG && !self.is_first) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let nonce = self.chunks.nonce(is_last);
        // A chunk in the middle that is taken for the last one is the mark of a file that was cut off.
        let cut_off = || match is_last {
            true => io::ErrorKind::UnexpectedEof.into(),
            false => io::Error::from(io::ErrorKind::InvalidData),
        };
        let length = self.chunks.key.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| cut_off())?.len();
        sealed.truncate(length);
        (self.open, self.at, self.is_over, self.is_first) = (sealed, 0, is_last, false);
        Ok(())
    }
}

impl<R: Read> Read for AgeReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.open.len() {
            if self.is_over {
                return Ok(0);
            }
            self.chunk()?;
        }
        let taken = into.len().min(self.open.len() - self.at);
        into[..taken].copy_from_slice(&self.open[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

/// Key and counter of the content's chunks.
struct Chunks {
    key: LessSafeKey,
    next: u64,
}

impl Chunks {
    fn new(file_key: &[u8; 16], nonce: &[u8; 16]) -> Chunks {
        Chunks { key: aead_key(&derive(nonce, file_key, b"payload")), next: 0 }
    }

    /// Eleven bytes of counter and one that says whether it is the last.
    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Lines of the header, all of them kept for the check of the whole.
struct Lines<'a, R: Read> {
    from: &'a mut BufReader<R>,
    left: u64,
    all: Vec<u8>,
}

impl<R: Read> Lines<'_, R> {
    fn next(&mut self) -> Result<&[u8], Fault> {
        let begins = self.all.len();
        let read = self.from.by_ref().take(self.left).read_until(b'\n', &mut self.all)?;
        self.left -= read as u64;
        match self.all[begins..].split_last() {
            Some((b'\n', line)) => Ok(line),
            _ if self.left == 0 => Err(Fault::Damaged),
            _ => Err(Fault::CutOff),
        }
    }
}

/// The file key in this stanza, if one of the identities opens it.
fn unwrap(share: &str, body: &[u8], identities: &[Identity]) -> Option<[u8; 16]> {
    let share: [u8; 32] = BASE64.decode(share).ok()?.try_into().ok()?;
    let share = PublicKey::from(share);
    let body = BASE64.decode(body).ok().filter(|body| body.len() == 16 + TAG)?;
    identities.iter().find_map(|identity| {
        let key = wrap_key(&identity.0, &share, &share, &identity.recipient().0)?;
        let mut body = body.clone();
        let file_key = key.open_in_place(zero_nonce(), Aad::empty(), &mut body).ok()?;
        (&*file_key).try_into().ok()
    })
}

/// `None`: a point of low order, which would give a key that anybody knows.
fn wrap_key(secret: &StaticSecret, other: &PublicKey, share: &PublicKey, recipient: &PublicKey) -> Option<LessSafeKey> {
    let shared = secret.diffie_hellman(other);
    let salt = [share.as_bytes().as_slice(), recipient.as_bytes()].concat();
    shared.was_contributory().then(|| aead_key(&derive(&salt, shared.as_bytes(), INFO)))
}

fn mac_key(file_key: &[u8; 16]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &derive(&[], file_key, b"header"))
}

/// HKDF-SHA-256 (RFC 5869), 32 bytes.
fn derive(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let info = [info];
    let expanded = extracted.expand(&info, hkdf::HKDF_SHA256);
    expanded.and_then(|expanded| expanded.fill(&mut key)).expect("32 bytes are what HKDF-SHA-256 gives in one block");
    key
}

fn aead_key(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of this cipher has 32 bytes"))
}

fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12]) // each such key seals one file key
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(bytes)
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a recipient's key is not usable")
}
