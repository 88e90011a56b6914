//! Folder: the server's certificate and key, the certificates of clients that it trusts, and those that it turned away.
//!
//! | file | what |
//! |---|---|
//! | `own/cert.der` | the server's certificate |
//! | `private/private.pem` | its key, readable by the owner alone |
//! | `trusted/NAME.der` | clients that are let in |
//! | `rejected/NAME.der` | clients that were turned away; moving the file to `trusted` lets them in |
//! | `password` | the user's, made at each start, readable by the owner alone |
//!
//! Rule: nothing comes into `trusted` but by hand, by [`Folder::trust`], or where the server was told to trust everybody.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use opcua::crypto::{CertificateStore, X509, X509Data};

use crate::model::Trouble;
use crate::model::words::simulator as words;

/// The ApplicationUri, in the certificate and in what the server says of itself.
pub const APPLICATION_URI: &str = "urn:cloudward:sim";

/// The folder of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    dir: PathBuf,
}

/// Certificates that are kept for looking at. A client that makes a new one at each try must not fill the disk.
const MOST_REJECTED: usize = 50;

/// A year: a simulator is thrown away before.
const DAYS: u32 = 365;

impl Folder {
    /// The folder at this place, with a certificate for whoever connects to `listen`; made now if there is none, which takes a
    /// while.
    pub fn open(dir: &Path, listen: IpAddr) -> Result<Folder, Trouble> {
        let folder = Folder { dir: dir.to_owned() };
        folder.fill(listen).map_err(|error| unusable(dir, error))?;
        Ok(folder)
    }

    fn fill(&self, listen: IpAddr) -> Result<(), String> {
        let of_io = |error: io::Error| error.to_string();
        let store = CertificateStore::new(&self.dir);
        store.ensure_pki_path()?;
        let private = self.dir.join("private");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&private).map_err(of_io)?;
        let (certificate, key) = (store.own_certificate_path(), store.own_private_key_path());
        if certificate.exists() && key.exists() {
            return Ok(());
        }
        let mut hosts = X509Data::computer_hostnames();
        hosts.extend(Some(listen).filter(|ip| !ip.is_unspecified() && !ip.is_loopback()).map(|ip| ip.to_string()));
        let data = X509Data {
            key_size: 2_048,
            common_name: "cloudward simulator".into(),
            organization: "cloudward".into(),
            organizational_unit: String::new(),
            country: String::new(),
            state: String::new(),
            alt_host_names: X509Data::alt_host_names(APPLICATION_URI, Some(hosts), true, false, true),
            certificate_duration_days: DAYS,
        };
        CertificateStore::create_certificate_and_key(&data, true, &certificate, &key)?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).map_err(of_io)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The server's certificate in DER: what a client pins.
    pub fn certificate(&self) -> Result<Vec<u8>, Trouble> {
        let path = CertificateStore::new(&self.dir).own_certificate_path();
        fs::read(&path).map_err(|error| unusable(&path, error))
    }

    /// Lets a client with this certificate in.
    pub fn trust(&self, der: &[u8]) -> Result<(), Trouble> {
        let certificate = X509::from_der(der).map_err(|error| unusable(&self.dir, error))?;
        let path = self.dir.join("trusted").join(CertificateStore::cert_file_name(&certificate));
        fs::write(&path, der).map_err(|error| unusable(&path, error))
    }

    /// Where a client's certificate goes when somebody moves it there from `rejected`.
    pub fn trusted(&self) -> PathBuf {
        self.dir.join("trusted")
    }

    /// Clients that were turned away and are still not trusted. The oldest beyond [`MOST_REJECTED`] are thrown away.
    pub fn rejected(&self) -> BTreeSet<PathBuf> {
        let Ok(entries) = fs::read_dir(self.dir.join("rejected")) else { return BTreeSet::new() };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .map(|entry| (entry.metadata().and_then(|file| file.modified()).ok(), entry.path()))
            .collect();
        files.sort();
        let beyond = files.len().saturating_sub(MOST_REJECTED);
        for (_, path) in files.drain(..beyond) {
            fs::remove_file(path).ok(); // it is tried again with the next look
        }
        files.into_iter().map(|(_, path)| path).collect()
    }

    /// A new password of the user, and the file that it was written to.
    pub fn new_password(&self) -> Result<(String, PathBuf), Trouble> {
        let path = self.dir.join("password");
        let password = random_word().map_err(|error| unusable(&path, error))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(password.as_bytes()));
        written.map_err(|error| unusable(&path, error))?;
        Ok((password, path))
    }
}

fn unusable(path: &Path, error: impl std::fmt::Display) -> Trouble {
    Trouble::new(words::SIM_FOLDER_UNUSABLE).with("path", path.display()).with("error", error)
}

/// 16 letters and digits, 80 bits, none that looks like another.
fn random_word() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).into_iter().collect())
}
