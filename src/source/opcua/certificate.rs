//! A server's certificate: what stands in it, and what is odd about it. Pure; the time is an argument.
//!
//! Part 6, 6.2.2 says what an application's certificate must hold; Part 4, 6.1.3 how it is checked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use crate::model::Timestamp;

/// A certificate, with the issuers that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The server's own, in DER.
    pub der: Vec<u8>,
    /// Those that stand behind it (Part 6, 6.2.6), each in DER.
    pub issuers: Vec<Vec<u8>>,
}

/// What people are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// ApplicationUri, mostly one.
    pub uris: Vec<String>,
    /// Host names and addresses.
    pub hosts: Vec<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Bits of its RSA key; 0: another kind of key.
    pub key_bits: usize,
    /// It signed itself.
    pub is_self_signed: bool,
}

/// Something that the standard does not want, and that a person may accept when the certificate is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It was made for another host than the one in the link's URL.
    OtherHost,
    /// It names another ApplicationUri than the server.
    OtherUri,
    /// RSA below 2048 bits, or no RSA key.
    WeakKey,
    /// Signed with SHA-1 or something older.
    WeakSignature,
    /// Signed by somebody whose certificate is not there.
    IssuerMissing,
    /// A signature does not fit: in itself or in the chain.
    BrokenSignature,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Oddity; 8] = [
        Oddity::Expired,
        Oddity::NotYetValid,
        Oddity::OtherHost,
        Oddity::OtherUri,
        Oddity::WeakKey,
        Oddity::WeakSignature,
        Oddity::IssuerMissing,
        Oddity::BrokenSignature,
    ];

    /// The word in the file of pinned certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Oddity::Expired => "expired",
            Oddity::NotYetValid => "not_yet_valid",
            Oddity::OtherHost => "other_host",
            Oddity::OtherUri => "other_uri",
            Oddity::WeakKey => "weak_key",
            Oddity::WeakSignature => "weak_signature",
            Oddity::IssuerMissing => "issuer_missing",
            Oddity::BrokenSignature => "broken_signature",
        }
    }

    /// The oddity of this word.
    pub fn parse(word: &str) -> Option<Oddity> {
        Oddity::ALL.into_iter().find(|oddity| oddity.as_str() == word)
    }

    /// A signature that does not fit proves a forgery or a damage: nobody can accept that.
    pub fn may_be_accepted(self) -> bool {
        self != Oddity::BrokenSignature
    }
}

impl Certificate {
    /// One certificate in DER, or several in a row: the server's own comes first.
    pub fn parse(bytes: &[u8]) -> Option<Certificate> {
        const LONGEST_CHAIN: usize = 10;
        let (mut rest, mut all) = (bytes, Vec::new());
        while !rest.is_empty() && all.len() < LONGEST_CHAIN {
            let (behind, _) = X509Certificate::from_der(rest).ok()?;
            all.push(rest[..rest.len() - behind.len()].to_vec());
            rest = behind;
        }
        let mut all = all.into_iter();
        Some(Certificate { der: all.next()?, issuers: all.collect() })
    }

    /// What stands in it.
    pub fn facts(&self) -> Option<Facts> {
        let (_, certificate) = X509Certificate::from_der(&self.der).ok()?;
        let (uris, hosts) = names(&certificate);
        Some(Facts {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            uris,
            hosts,
            not_before: Timestamp(certificate.validity().not_before.timestamp().saturating_mul(1_000)),
            not_after: Timestamp(certificate.validity().not_after.timestamp().saturating_mul(1_000)),
            key_bits: key_bits(&certificate),
            is_self_signed: certificate.subject() == certificate.issuer(),
        })
    }

    /// What is odd about it, for a server of this host and this ApplicationUri.
    pub fn oddities(&self, host: &str, application_uri: &str, now: Timestamp) -> BTreeSet<Oddity> {
        let mut odd = BTreeSet::new();
        let parsed = X509Certificate::from_der(&self.der).ok().zip(self.facts());
        let Some(((_, certificate), facts)) = parsed else { return BTreeSet::from([Oddity::BrokenSignature]) };
        let mut note = |oddity, is_so: bool| is_so.then(|| odd.insert(oddity));
        note(Oddity::Expired, now > facts.not_after);
        note(Oddity::NotYetValid, now < facts.not_before);
        note(Oddity::OtherHost, !facts.hosts.iter().any(|known| is_same_host(known, host)));
        note(Oddity::OtherUri, !facts.uris.iter().any(|known| known == application_uri));
        note(Oddity::WeakKey, facts.key_bits < 2_048);
        note(Oddity::WeakSignature, is_weak(&certificate));
        match self.chain(&certificate, facts.is_self_signed) {
            Chain::Complete => {}
            Chain::Missing => {
                note(Oddity::IssuerMissing, true);
            }
            Chain::Broken => {
                note(Oddity::BrokenSignature, true);
            }
        }
        odd
    }

    /// Whether each one is signed by the next, up to one that signed itself.
    fn chain(&self, own: &X509Certificate<'_>, is_self_signed: bool) -> Chain {
        if is_self_signed {
            return if own.verify_signature(None).is_ok() { Chain::Complete } else { Chain::Broken };
        }
        let mut current = own.clone();
        for issuer in &self.issuers {
            let Ok((_, issuer)) = X509Certificate::from_der(issuer) else { return Chain::Broken };
            if current.issuer() != issuer.subject() {
                return Chain::Missing;
            }
            if current.verify_signature(Some(issuer.public_key())).is_err() {
                return Chain::Broken;
            }
            if issuer.subject() == issuer.issuer() {
                return if issuer.verify_signature(None).is_ok() { Chain::Complete } else { Chain::Broken };
            }
            current = issuer;
        }
        Chain::Missing
    }

    /// SHA-256 over the certificate, as people compare it: `AB:CD:...`.
    pub fn sha256(&self) -> String {
        let digest = Sha256::digest(&self.der);
        let mut text = String::with_capacity(3 * digest.len());
        for byte in digest {
            write!(text, "{}{byte:02X}", if text.is_empty() { "" } else { ":" }).expect("writing to a String");
        }
        text
    }

    /// In PEM.
    pub fn pem(&self) -> String {
        let text = opcua::types::ByteString::from(self.der.clone()).as_base64();
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
            pem.push('\n');
        }
        pem + "-----END CERTIFICATE-----\n"
    }

    /// A certificate in PEM; of several the first.
    pub fn from_pem(text: &str) -> Option<Certificate> {
        let (_, body) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = body.split_once("-----END CERTIFICATE-----")?;
        let compact: String = body.split_whitespace().collect();
        Certificate::parse(opcua::types::ByteString::from_base64(&compact)?.as_ref())
    }
}

enum Chain {
    Complete,
    Missing,
    Broken,
}

/// URIs, and hosts, of the alternative names.
fn names(certificate: &X509Certificate<'_>) -> (Vec<String>, Vec<String>) {
    let (mut uris, mut hosts) = (Vec::new(), Vec::new());
    let alternative = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
        _ => None,
    });
    for name in alternative.flatten() {
        match name {
            GeneralName::URI(uri) => uris.push((*uri).to_owned()),
            GeneralName::DNSName(host) => hosts.push((*host).to_owned()),
            GeneralName::IPAddress(bytes) => hosts.extend(address(bytes).map(|address| address.to_string())),
            _ => {}
        }
    }
    (uris, hosts)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

fn is_same_host(known: &str, host: &str) -> bool {
    match (known.parse::<IpAddr>(), host.parse::<IpAddr>()) {
        (Ok(known), Ok(host)) => known == host,
        _ => known.eq_ignore_ascii_case(host),
    }
}

fn key_bits(certificate: &X509Certificate<'_>) -> usize {
    match certificate.public_key().parsed() {
        Ok(x509_parser::public_key::PublicKey::RSA(key)) => key.key_size(),
        _ => 0,
    }
}

/// SHA-1 and its elders (RFC 8017, A.2.4).
fn is_weak(certificate: &X509Certificate<'_>) -> bool {
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    matches!(algorithm.as_str(), "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.2")
}
