//! TLS: what `ca_file` and the client certificate mean, as a finished [`ClientConfig`]. Reads the files at each connect,
//! so that a renewed certificate is used without a restart.
//!
//! The rule: the broker's name and chain are always verified; there is no switch for less. The crypto provider (ring)
//! is named here and not installed process-wide.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore};
use secrecy::ExposeSecret;

use crate::config::SecretSource;
use crate::model::Trouble;
use crate::model::words::sink as words;
use crate::secret;

/// TLS towards `broker` (named in troubles only): its CA from `ca_file` or the system's roots, and our certificate if
/// there is one.
pub fn client_config(
    broker: &str,
    ca_file: Option<&Path>,
    client: Option<&(std::path::PathBuf, SecretSource)>,
) -> Result<Arc<ClientConfig>, Trouble> {
    let roots = match ca_file {
        Some(path) => roots_from_file(path)?,
        None => system_roots(rustls_native_certs::load_native_certs().certs)?,
    };
    let setup = |error: Error| Trouble::new(words::TLS_SETUP).with("broker", broker).with("error", error);
    let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((cert_file, key_source)) => {
            let chain = client_chain(cert_file)?;
            let key = client_key(key_source)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Trouble::new(words::CLIENT_KEY_DOES_NOT_FIT)
                    .with("place", secret::place(key_source))
                    .with("path", cert_file.display()),
                Error::InvalidCertificate(_) => {
                    Trouble::new(words::CLIENT_CERT_HOLDS_NONE).with("path", cert_file.display())
                }
                // What ring says of a key of a kind that it does not know.
                Error::General(_) => Trouble::new(words::CLIENT_KEY_UNUSABLE).with("place", secret::place(key_source)),
                other => setup(other),
            })?
        }
    };
    Ok(Arc::new(config))
}

fn roots_from_file(path: &Path) -> Result<RootCertStore, Trouble> {
    let pem = read(path)
        .map_err(|error| Trouble::new(words::CA_FILE_UNREADABLE).with("path", path.display()).with("error", error))?;
    let none = || Trouble::new(words::CA_FILE_HOLDS_NONE).with("path", path.display());
    let certs = certificates(&pem).map_err(|_| none())?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certs);
    if added == 0 { Err(none()) } else { Ok(roots) }
}

fn system_roots(certs: Vec<CertificateDer<'static>>) -> Result<RootCertStore, Trouble> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certs);
    if added == 0 { Err(Trouble::new(words::NO_SYSTEM_ROOTS)) } else { Ok(roots) }
}

fn client_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let pem = read(path).map_err(|error| {
        Trouble::new(words::CLIENT_CERT_UNREADABLE).with("path", path.display()).with("error", error)
    })?;
    let none = || Trouble::new(words::CLIENT_CERT_HOLDS_NONE).with("path", path.display());
    let chain = certificates(&pem).map_err(|_| none())?;
    let own = chain.first().ok_or_else(none)?;
    if is_x509_v1(own) {
        return Err(Trouble::new(words::CLIENT_CERT_V1).with("path", path.display()));
    }
    Ok(chain)
}

fn client_key(source: &SecretSource) -> Result<PrivateKeyDer<'static>, Trouble> {
    let pem = secret::resolve(source)?;
    PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
        .map_err(|_| Trouble::new(words::CLIENT_KEY_UNUSABLE).with("place", secret::place(source)))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_PEM + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PEM {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Whether this certificate is of version 1, which the verifier refuses with a word that helps nobody. In
/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { version [0] EXPLICIT DEFAULT v1, ...` (RFC 5280, 4.1) the
/// version is written in all but version 1.
fn is_x509_v1(der: &[u8]) -> bool {
    let version = sequence(der).and_then(sequence).and_then(|tbs| tbs.first());
    version.is_some_and(|tag| *tag != 0xa0)
}

/// What is inside a DER SEQUENCE: everything behind its tag and length.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x30, length, rest @ ..] if *length < 0x80 => Some(rest),
        [0x30, length, rest @ ..] => rest.get(usize::from(length & 0x7f)..),
        _ => None,
    }
}

/// The bundle of all public CAs has about 220 kB.
const MAX_PEM: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;
    use crate::sink::testbed::Authority;
    use std::path::PathBuf;

    #[track_caller]
    fn check(ca: Option<&Path>, client: Option<(PathBuf, SecretSource)>, expected: Result<(), Code>) {
        let got = client_config("broker:8883", ca, client.as_ref());
        assert_eq!(got.map(|_| ()).map_err(|trouble| trouble.code), expected);
    }

    #[test]
    fn a_ca_file_is_read_or_said_to_be_missing_or_empty() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let ca = Authority::new("ca");
        check(Some(&file("ca", &ca.pem())), None, Ok(()));
        check(Some(&file("text", &format!("Subject: CN=ca\n{}", ca.pem()))), None, Ok(()));
        check(Some(&dir.path().join("none")), None, Err(words::CA_FILE_UNREADABLE));
        check(Some(dir.path()), None, Err(words::CA_FILE_UNREADABLE));
        check(Some(&file("empty", "")), None, Err(words::CA_FILE_HOLDS_NONE));
        check(Some(&file("key", &ca.issue(&["x"]).key)), None, Err(words::CA_FILE_HOLDS_NONE));
        check(Some(&file("cut", &ca.pem()[..200])), None, Err(words::CA_FILE_HOLDS_NONE));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        check(Some(&file("garbage", garbage)), None, Err(words::CA_FILE_HOLDS_NONE));
    }

    #[test]
    fn a_client_certificate_and_its_key_must_be_a_pair() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let ca = Authority::new("ca");
        let (one, other) = (ca.issue(&["gateway"]), ca.issue(&["gateway"]));
        let ca_file = file("ca", &ca.pem());
        let cert = file("cert", &one.cert);
        let key = |text: &str| SecretSource::File(file("key", text));
        let client = |cert: &Path, key: SecretSource| Some((cert.to_owned(), key));
        check(Some(&ca_file), client(&cert, key(&one.key)), Ok(()));
        check(Some(&ca_file), client(&cert, key(&other.key)), Err(words::CLIENT_KEY_DOES_NOT_FIT));
        check(Some(&ca_file), client(&cert, key("no key")), Err(words::CLIENT_KEY_UNUSABLE));
        let strange = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        check(Some(&ca_file), client(&cert, key(strange)), Err(words::CLIENT_KEY_UNUSABLE));
        let missing = SecretSource::File(dir.path().join("none"));
        check(Some(&ca_file), client(&cert, missing), Err(words::SECRET_FILE_MISSING));
        check(Some(&ca_file), client(&dir.path().join("none"), key(&one.key)), Err(words::CLIENT_CERT_UNREADABLE));
        check(Some(&ca_file), client(&file("e", ""), key(&one.key)), Err(words::CLIENT_CERT_HOLDS_NONE));
        let version_1 = file("v1", VERSION_1);
        check(Some(&ca_file), client(&version_1, key(&one.key)), Err(words::CLIENT_CERT_V1));
    }

    #[test]
    fn a_system_without_roots_is_said_to_have_none() {
        assert_eq!(system_roots(Vec::new()).map(|_| ()), Err(Trouble::new(words::NO_SYSTEM_ROOTS)));
    }

    /// Written by `openssl x509 -req` without `-extfile`; its key was thrown away.
    const VERSION_1: &str = include_str!("golden/version_1.crt");
}
