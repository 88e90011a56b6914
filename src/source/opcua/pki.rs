//! Certificates on disk, in `opcua/` of the state directory: our own, made once; those of servers, pinned by a person; those that
//! were refused, for the person to look at.
//!
//! | file | what |
//! |---|---|
//! | `own/cert.der` | our certificate; `cloudward cert export` hands it out |
//! | `private/private.pem` | our key, readable by the owner alone |
//! | `pinned/LINK.json` | the server's certificate, and what was accepted although it is odd |
//! | `rejected/LINK-FINGERPRINT.der` | a certificate that was refused |
//! | `lock` | held while our certificate is made: links begin together, and a person may run a command |
//!
//! The rule: nothing is pinned but by [`Pki::pin`], which only `cloudward trust` calls after a yes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opcua::core::sync::RwLock;
use opcua::crypto::{CertificateStore, KeySize, PrivateKey, X509, X509Data};
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
    /// `None`: without security nobody has to prove who he is.
    pub(super) keys: Option<(X509, PrivateKey)>,
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

    /// For a channel; without our certificate one can still ask which endpoints there are.
    pub(super) fn store(&self) -> Arc<RwLock<CertificateStore>> {
        Arc::new(RwLock::new(CertificateStore::new(&self.dir)))
    }

    /// Our certificate and key, made now if there are none. The ApplicationUri stays as it was made, whatever becomes of the
    /// names. It takes seconds on a small gateway.
    pub fn own(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<Own, Trouble> {
        let (path, key_path) = (self.own_path(), self.key_path());
        let (found, application_uri) = self.named(enterprise, workshop, now)?;
        let certificate = X509::from_der(&found.der).map_err(|_| unreadable(&path, "no certificate in it"))?;
        let key = CertificateStore::read_pkey(&key_path).map_err(|error| unreadable(&key_path, error))?;
        if !is_pair(&certificate, &key) {
            return Err(unreadable(&key_path, "the key does not belong to the certificate"));
        }
        Ok(Own { store: self.store(), keys: Some((certificate, key)), application_uri })
    }

    /// Somebody without a certificate: who visits a server without security leaves nothing on disk.
    pub fn nobody(&self) -> Own {
        Own { store: self.store(), keys: None, application_uri: "urn:cloudward:visitor".into() }
    }

    /// Our certificate alone, made likewise: whoever hands it out need not read the key.
    pub fn own_certificate(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<Certificate, Trouble> {
        self.named(enterprise, workshop, now).map(|(certificate, _)| certificate)
    }

    /// Whether it has been made.
    pub fn has_own(&self) -> bool {
        self.own_path().exists()
    }

    fn named(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<(Certificate, String), Trouble> {
        if !self.has_own() {
            self.make_once(enterprise, workshop, now)?;
        }
        let path = self.own_path();
        let der = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        let certificate = Certificate::parse(&der).ok_or_else(|| unreadable(&path, "no certificate in it"))?;
        let uris = certificate.facts().map(|facts| facts.uris).unwrap_or_default();
        let uri = uris.into_iter().next().ok_or_else(|| unreadable(&path, "no ApplicationUri in it"))?;
        Ok((certificate, uri))
    }

    /// Two at once would leave the certificate of the one beside the key of the other.
    fn make_once(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<(), Trouble> {
        let held = fs::create_dir_all(&self.dir).and_then(|()| fs::File::create(self.dir.join("lock")));
        let held = held.and_then(|lock| lock.lock().map(|()| lock));
        let _lock = held
            .map_err(|error| Trouble::new(words::OWN_NOT_MADE).with("path", self.dir.display()).with("error", error))?;
        if self.has_own() { Ok(()) } else { self.make(enterprise, workshop, now) }
    }

    fn make(&self, enterprise: &str, workshop: &str, now: Timestamp) -> Result<(), Trouble> {
        // A certificate that begins in 1970 would be over when the clock is right.
        const YEAR_2025: i64 = 1_735_689_600_000;
        // X.520 allows no longer common name, and some servers refuse it.
        const LONGEST_NAME: usize = 64;
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
            common_name: format!("cloudward {enterprise} {workshop}").chars().take(LONGEST_NAME).collect(),
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
        // What a full disk cut off must not become who we are.
        CertificateStore::read_cert(&certificate).and_then(|_| CertificateStore::read_pkey(&key)).map_err(failed)?;
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
        if certificate.sha256() != pinned.sha256 {
            return Err(unreadable("its fingerprint is another one".into()));
        }
        // Whatever somebody wrote into the file.
        let accepted = pinned.accepted.iter().filter_map(|word| Oddity::parse(word));
        Ok(Some(Pin { certificate, accepted: accepted.filter(|oddity| oddity.may_be_accepted()).collect() }))
    }

    /// The links for which something is pinned, in the order of their names.
    pub fn links(&self) -> Result<Vec<String>, Trouble> {
        let dir = self.dir.join("pinned");
        let unreadable = |error: io::Error| {
            Trouble::new(words::PIN_UNREADABLE).with("path", dir.display()).with("error", error).with("link", "*")
        };
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let name = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned());
        let mut links: Vec<String> = entries.filter_map(Result::ok).filter_map(name).collect();
        links.sort();
        Ok(links)
    }

    /// The certificate of a link is trusted no more.
    pub fn forget(&self, link: &str) -> Result<(), Trouble> {
        let path = self.pin_path(link);
        fs::remove_file(&path).map_err(|error| {
            Trouble::new(words::PIN_NOT_KEPT).with("path", path.display()).with("error", error).with("link", link)
        })
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
        const DIGITS: usize = 16;
        let dir = self.dir.join("rejected");
        let fingerprint: String = certificate.sha256().chars().filter(|c| *c != ':').take(DIGITS).collect();
        let path = dir.join(format!("{link}-{fingerprint}.der"));
        if path.exists() {
            return Ok(path);
        }
        fs::create_dir_all(&dir)?;
        let prefix = format!("{link}-");
        // Not those of a link whose name begins with this one's.
        let is_of_link = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".der"));
            rest.is_some_and(|rest| rest.len() == DIGITS && rest.bytes().all(|digit| digit.is_ascii_hexdigit()))
        };
        let of_link = fs::read_dir(&dir)?.filter_map(Result::ok).filter(is_of_link);
        let age = |entry: fs::DirEntry| (entry.metadata().and_then(|file| file.modified()).ok(), entry.path());
        let mut known: Vec<_> = of_link.map(age).collect();
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
    fs::rename(new, path)?;
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Trouble {
    Trouble::new(words::OWN_UNREADABLE).with("path", path.display()).with("error", error)
}

/// Whether what the key signs fits the certificate.
fn is_pair(certificate: &X509, key: &PrivateKey) -> bool {
    const WORD: &[u8] = b"cloudward";
    let mut signature = vec![0; key.size()];
    let signed = key.sign_sha256(WORD, &mut signature);
    signed.is_ok()
        && certificate.public_key().is_ok_and(|public| public.verify_sha256(WORD, &signature).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01.
    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn place() -> (tempfile::TempDir, Pki) {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::of(dir.path());
        (dir, pki)
    }

    fn certificate(name: &str) -> Certificate {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Certificate::parse(made.cert.der()).unwrap()
    }

    #[test]
    fn our_certificate_is_made_once_and_its_key_is_for_us_alone() {
        let (dir, pki) = place();
        let first = pki.own("huada", "ws1", NOW).unwrap();
        assert!(first.application_uri.starts_with("urn:cloudward:huada:ws1:"), "{}", first.application_uri);
        let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("opcua/private/private.pem"), mode("opcua/private")), (0o600, 0o700));
        // Under other names and a clock that has gone back it stays who it was.
        let again = pki.own("other", "ws2", Timestamp(0)).unwrap();
        assert_eq!(again.application_uri, first.application_uri);
        let der = |own: &Own| own.keys.as_ref().map(|(certificate, _)| certificate.to_der().unwrap());
        assert!(der(&again).is_some() && der(&again) == der(&first));
        let facts = pki.own_certificate("other", "ws2", NOW).unwrap().facts().unwrap();
        assert_eq!(facts.uris, [first.application_uri]);
        assert!(facts.is_self_signed && facts.key_bits == 2_048 && facts.subject.contains("cloudward huada ws1"));
    }

    #[test]
    fn links_that_begin_together_come_by_one_certificate() {
        let (_dir, pki) = place();
        let uris: Vec<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..3).map(|_| scope.spawn(|| pki.own("huada", "ws1", NOW).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap().application_uri).collect()
        });
        assert!(uris.iter().all(|uri| *uri == uris[0]), "{uris:?}");
    }

    #[test]
    fn a_power_cut_between_key_and_certificate_is_made_good() {
        let (_dir, pki) = place();
        let first = pki.own("huada", "ws1", NOW).unwrap().application_uri;
        fs::remove_file(pki.own_path()).unwrap();
        let second = pki.own("huada", "ws1", NOW).unwrap().application_uri;
        assert_ne!(first, second);
        assert_eq!(pki.own("huada", "ws1", NOW).unwrap().application_uri, second);
    }

    #[test]
    fn a_key_of_another_certificate_is_told() {
        let (_dir, pki) = place();
        pki.own("huada", "ws1", NOW).unwrap();
        let (_other_dir, other) = place();
        other.own("huada", "ws1", NOW).unwrap();
        fs::copy(other.key_path(), pki.key_path()).unwrap();
        let told = pki.own("huada", "ws1", NOW).map(|own| own.application_uri).unwrap_err();
        assert_eq!(told.code, words::OWN_UNREADABLE);
        assert!(told.to_string().contains("does not belong"), "{told}");
        fs::write(pki.own_path(), "not DER").unwrap();
        assert_eq!(pki.own_certificate("huada", "ws1", NOW).unwrap_err().code, words::OWN_UNREADABLE);
    }

    #[test]
    fn before_2025_nothing_is_made() {
        let (dir, pki) = place();
        let early = Timestamp(1_735_689_599_999);
        assert_eq!(pki.own_certificate("huada", "ws1", early).unwrap_err().code, words::CLOCK_TOO_EARLY);
        assert!(!pki.has_own() && !dir.path().join("opcua/private").exists());
    }

    #[test]
    fn what_is_pinned_is_read_back_until_it_is_forgotten() {
        let (_dir, pki) = place();
        assert_eq!((pki.pinned("press").unwrap(), pki.links().unwrap()), (None, vec![]));
        let accepted = BTreeSet::from([Oddity::OtherHost, Oddity::Expired]);
        let pin = Pin { certificate: certificate("press"), accepted };
        pki.pin("press", &pin, NOW).unwrap();
        pki.pin("oven", &Pin { certificate: certificate("oven"), accepted: BTreeSet::new() }, NOW).unwrap();
        assert_eq!(pki.pinned("press").unwrap(), Some(pin));
        assert_eq!(pki.links().unwrap(), ["oven", "press"]);
        pki.forget("press").unwrap();
        assert_eq!((pki.pinned("press").unwrap(), pki.links().unwrap()), (None, vec!["oven".to_owned()]));
        assert_eq!(pki.forget("press").unwrap_err().code, words::PIN_NOT_KEPT);
    }

    #[test]
    fn a_damaged_pin_trusts_nobody_and_is_told() {
        let (_dir, pki) = place();
        let pin = Pin { certificate: certificate("press"), accepted: BTreeSet::new() };
        let path = pki.pin("press", &pin, NOW).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let other = certificate("impostor").sha256();
        for damaged in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("BEGIN", "BGIN"),
            text.replace(&pin.certificate.sha256(), &other),
            "x".repeat(200_000),
        ] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(pki.pinned("press").unwrap_err().code, words::PIN_UNREADABLE);
        }
        // What nobody may accept is not accepted by writing it into the file.
        fs::write(&path, text.replace("\"accepted\": []", "\"accepted\": [\"broken_signature\", \"expired\"]"))
            .unwrap();
        assert_eq!(pki.pinned("press").unwrap().unwrap().accepted, BTreeSet::from([Oddity::Expired]));
    }

    #[test]
    fn of_each_link_ten_rejected_certificates_are_kept() {
        let (dir, pki) = place();
        let other = pki.reject("press-2", &certificate("other")).unwrap();
        let all: Vec<Certificate> = (0..12).map(|n| certificate(&format!("press{n}"))).collect();
        let paths: Vec<PathBuf> = all.iter().map(|rejected| pki.reject("press", rejected).unwrap()).collect();
        assert_eq!(pki.reject("press", &all[11]).unwrap(), paths[11], "known already");
        let kept: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), MOST_REJECTED, "{kept:?}");
        assert!(kept[11] && other.exists(), "the newest, and that of another link");
        assert_eq!(fs::read(&paths[11]).unwrap(), all[11].der);
        assert_eq!(fs::read_dir(dir.path().join("opcua/rejected")).unwrap().count(), MOST_REJECTED + 1);
    }
}
