//! Certificates on disk, in `opcua/` of the state directory: our own, made once; those of servers, pinned by a person; those that
//! were refused, for the person to look at.
//!
//! | file | what |
//! |---|---|
//! | `own/cert.der` | our certificate; `cloudward cert export` hands it out |
//! | `private/private.pem` | our key, readable by the owner alone |
//! | `pinned/LINK.json` | the server's certificate, and what was accepted although it is odd |
//! | `rejected/LINK-FINGERPRINT.der` | a certificate that was refused |
//!
//! The rule: nothing is pinned but by [`Pki::pin`], which only `cloudward trust` calls after a yes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opcua::core::sync::RwLock;
use opcua::crypto::{CertificateStore, PrivateKey, X509, X509Data};
use serde::{Deserialize, Serialize};

use super::certificate::{Certificate, Oddity};
use crate::model::words::opcua as words;
use crate::model::{Timestamp, Trouble};

/// The directory.
#[derive(Debug, Clone)]
pub struct Pki {
    dir: PathBuf,
}

/// Who we are.
#[derive(Clone)]
pub struct Own {
    /// For the library's channel.
    pub(super) store: Arc<RwLock<CertificateStore>>,
    pub(super) certificate: X509,
    pub(super) key: PrivateKey,
    /// As it stands in the certificate.
    pub application_uri: String,
}

/// A server's certificate that a person has taken for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The certificate.
    pub certificate: Certificate,
    /// What is odd about it, and was accepted.
    pub accepted: BTreeSet<Oddity>,
}

#[derive(Serialize, Deserialize)]
struct Pinned {
    certificate: String,
    sha256: String,
    accepted: Vec<String>,
    pinned_at_ms: i64,
}

/// Certificates of one link that are kept for looking at; a server that makes a new one at each start must not fill the disk.
const MOST_REJECTED: usize = 10;

/// A pinned certificate with its chain is some kB.
const LONGEST_FILE: u64 = 100_000;

/// Ten years: nobody visits a gateway to renew it, and a stolen key is answered by a new certificate, not by waiting.
const OWN_DAYS: u32 = 3_650;

impl Pki {
    /// The directory below this state directory.
    pub fn of(state_dir: &Path) -> Pki {
        Pki { dir: state_dir.join("opcua") }
    }

    /// Where our certificate is.
    pub fn own_path(&self) -> PathBuf {
        self.dir.join("own").join("cert.der")
    }

    fn key_path(&self) -> PathBuf {
        self.dir.join("private").join("private.pem")
    }

    /// Our certificate and key, made now if there are none. The ApplicationUri stays as it was made, whatever becomes of the
    /// names. It takes seconds on a small gateway.
    pub fn own(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<Own, Trouble> {
        let (certificate, key) = (self.own_path(), self.key_path());
        if !certificate.exists() && !key.exists() {
            self.make(enterprise, workshop, now)?;
        }
        let unreadable = |path: &Path, error: String| {
            Trouble::new(words::OWN_UNREADABLE).with("path", path.display()).with("error", error)
        };
        let store = CertificateStore::new(&self.dir);
        let own = store.read_own_cert().map_err(|error| unreadable(&certificate, error))?;
        let private = store.read_own_pkey().map_err(|error| unreadable(&key, error))?;
        let der = own.to_der().map_err(|error| unreadable(&certificate, error.to_string()))?;
        let uris = Certificate::parse(&der).and_then(|own| own.facts()).map(|facts| facts.uris).unwrap_or_default();
        let application_uri = uris.into_iter().next();
        let application_uri = application_uri.ok_or_else(|| unreadable(&certificate, "no ApplicationUri".into()))?;
        let store = Arc::new(RwLock::new(store));
        Ok(Own { store, certificate: own, key: private, application_uri })
    }

    fn make(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<(), Trouble> {
        // A certificate that begins in 1970 would be over when the clock is right.
        const YEAR_2025: i64 = 1_735_689_600_000;
        if now.0 < YEAR_2025 {
            return Err(Trouble::new(words::CLOCK_TOO_EARLY));
        }
        let failed =
            |error: String| Trouble::new(words::OWN_NOT_MADE).with("path", self.dir.display()).with("error", error);
        let of_io = |error: io::Error| failed(error.to_string());
        let private = self.dir.join("private");
        fs::create_dir_all(&private).map_err(of_io)?;
        fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).map_err(of_io)?;
        let random = getrandom::u32().map_err(|error| failed(error.to_string()))?;
        let uri = format!("urn:cloudward:{enterprise}:{workshop}:{random:08x}");
        let hosts = X509Data::computer_hostnames();
        let data = X509Data {
            key_size: 2_048,
            common_name: format!("cloudward {enterprise} {workshop}"),
            organization: enterprise.to_owned(),
            organizational_unit: workshop.to_owned(),
            country: String::new(),
            state: String::new(),
            alt_host_names: X509Data::alt_host_names(&uri, Some(hosts), false, false, false),
            certificate_duration_days: OWN_DAYS,
        };
        // The certificate comes last: while it is missing, a key without one is made anew.
        let (certificate, key) = (self.own_path().with_extension("new.der"), private.join("new.pem"));
        CertificateStore::create_certificate_and_key(&data, true, &certificate, &key).map_err(failed)?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).map_err(of_io)?;
        for path in [&certificate, &key] {
            fs::File::open(path).and_then(|file| file.sync_all()).map_err(of_io)?;
        }
        fs::rename(key, self.key_path()).map_err(of_io)?;
        fs::rename(certificate, self.own_path()).map_err(of_io)
    }

    fn pin_path(&self, link: &str) -> PathBuf {
        self.dir.join("pinned").join(format!("{link}.json"))
    }

    /// What was pinned for a link.
    pub fn pinned(&self, link: &str) -> Result<Option<Pin>, Trouble> {
        let path = self.pin_path(link);
        let unreadable = |error: String| {
            Trouble::new(words::PIN_UNREADABLE).with("path", path.display()).with("error", error).with("link", link)
        };
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(found) if !found.is_file() || found.len() > LONGEST_FILE => {
                return Err(unreadable("no such file".into()));
            }
            _ => fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?,
        };
        let pinned: Pinned = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let certificate = Certificate::from_pem(&pinned.certificate);
        let certificate = certificate.ok_or_else(|| unreadable("no certificate in it".into()))?;
        let accepted = pinned.accepted.iter().filter_map(|word| Oddity::parse(word)).collect();
        Ok(Some(Pin { certificate, accepted }))
    }

    /// Takes a server's certificate for good, with what is odd about it.
    pub fn pin(&self, link: &str, pin: &Pin, now: Timestamp) -> Result<PathBuf, Trouble> {
        let path = self.pin_path(link);
        let pinned = Pinned {
            certificate: pin.certificate.pem(),
            sha256: pin.certificate.sha256(),
            accepted: pin.accepted.iter().map(|oddity| oddity.as_str().to_owned()).collect(),
            pinned_at_ms: now.0,
        };
        let text = serde_json::to_vec_pretty(&pinned).expect("texts are always JSON");
        let written = write_whole(&path, &text);
        written.map_err(|error| {
            Trouble::new(words::PIN_NOT_KEPT).with("path", path.display()).with("error", error).with("link", link)
        })?;
        Ok(path)
    }

    /// Puts a certificate aside that was refused, and says where.
    pub fn reject(&self, link: &str, certificate: &Certificate) -> io::Result<PathBuf> {
        let dir = self.dir.join("rejected");
        let fingerprint: String = certificate.sha256().chars().filter(|c| *c != ':').take(16).collect();
        let path = dir.join(format!("{link}-{fingerprint}.der"));
        if path.exists() {
            return Ok(path);
        }
        fs::create_dir_all(&dir)?;
        let prefix = format!("{link}-");
        let of_link = fs::read_dir(&dir)?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        let mut known: Vec<_> =
            of_link.map(|entry| (entry.metadata().and_then(|file| file.modified()).ok(), entry.path())).collect();
        known.sort();
        for (_, oldest) in known.iter().take((known.len() + 1).saturating_sub(MOST_REJECTED)) {
            fs::remove_file(oldest)?;
        }
        write_whole(&path, &certificate.der)?;
        Ok(path)
    }
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?; // a power cut behind the renaming must not leave an empty file
    fs::rename(new, path)
}
