//! The gateway's own key: made once, kept in the state directory, never leaving it. What it signs can be told from any forgery by
//! whoever knows the public key.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::{Fault, SIGNED_FOR};

/// A key that signs.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// Where the key is kept below a state directory.
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("keys").join("courier.ed25519")
    }

    /// The key of this gateway; made (mode 0600) if there is none. PKCS#8, DER.
    pub fn of_gateway(state_dir: &Path) -> io::Result<Signer> {
        let path = Signer::path(state_dir);
        match File::open(&path) {
            Ok(file) => {
                let mut der = Vec::new();
                file.take(LONGEST_KEY).read_to_end(&mut der)?;
                Signer::of_der(&der)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Signer::make(&path),
            Err(error) => Err(error),
        }
    }

    fn make(path: &Path) -> io::Result<Signer> {
        let dir = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| no_random())?;
        // Whole under its name or not at all; and never over a key that another process made meanwhile.
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(der.as_ref()).and_then(|()| file.sync_all())?;
        let placed = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        File::open(dir)?.sync_all()?;
        match placed {
            Ok(()) => Signer::of_der(der.as_ref()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Signer::of_der(&fs::read(path)?),
            Err(error) => Err(error),
        }
    }

    fn of_der(der: &[u8]) -> io::Result<Signer> {
        let key = Ed25519KeyPair::from_pkcs8(der);
        key.map(Signer).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no Ed25519 key in PKCS#8"))
    }

    /// The public key, 64 hexadecimal digits.
    pub fn key(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    pub(super) fn sign(&self, manifest: &[u8]) -> Vec<u8> {
        self.0.sign(&[SIGNED_FOR, manifest].concat()).as_ref().to_vec()
    }
}

/// Whether this key signed this manifest.
pub(super) fn verify(key: &str, manifest: &[u8], signature: &[u8]) -> Result<(), Fault> {
    let key = unhex(key).filter(|key| key.len() == 32).ok_or(Fault::Damaged)?;
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(&[SIGNED_FOR, manifest].concat(), signature).map_err(|_| Fault::Forged)
}

/// What people compare: the first half of the key's SHA-256, in eight groups. Nobody makes a second key with the same 128 bits.
pub fn fingerprint(key: &str) -> String {
    let hash = digest(&SHA256, &unhex(key).unwrap_or_default());
    let groups = hash.as_ref()[..16].chunks(2).map(|pair| hex(pair).to_uppercase());
    groups.collect::<Vec<_>>().join("-")
}

/// A fingerprint or a key as it is typed: the digits alone, in capitals; `None`: neither.
pub fn key_of_text(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | ':' | ' ')).collect();
    let is_one = matches!(digits.len(), 32 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_one.then(|| digits.to_uppercase())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks_exact(2).map(pair).collect())?
}

fn no_random() -> io::Error {
    io::Error::other("the system has no random numbers")
}

/// An Ed25519 key in PKCS#8 has about 85 bytes.
const LONGEST_KEY: u64 = 4_096;

/// What tells one parcel from all others: the SHA-256 of its manifest, the first half of it.
pub fn manifest_hash(manifest: &super::Manifest) -> String {
    let json = serde_json::to_vec(manifest).unwrap_or_default();
    hex(&digest(&SHA256, &json).as_ref()[..16])
}

impl Signer {
    /// Signs a text for a purpose of its own: `purpose` stands before it, so that the signature is good for nothing else. 128
    /// hexadecimal digits.
    pub fn sign_text(&self, purpose: &str, text: &[u8]) -> String {
        hex(self.0.sign(&[purpose.as_bytes(), text].concat()).as_ref())
    }
}

/// Whether this key signed this text for this purpose.
pub fn is_signed(key: &str, purpose: &str, text: &[u8], signature: &str) -> bool {
    let (Some(key), Some(signature)) = (unhex(key).filter(|key| key.len() == 32), unhex(signature)) else {
        return false;
    };
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(&[purpose.as_bytes(), text].concat(), &signature).is_ok()
}
