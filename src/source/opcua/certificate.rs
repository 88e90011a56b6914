//! A server's certificate: what stands in it, and what is odd about it. Pure; the time is an argument.
//!
//! Part 6, 6.2.2 says what an application's certificate must hold; Part 4, 6.1.3 how it is checked.

use std::collections::BTreeSet;
use std::net::IpAddr;

use opcua::crypto::X509;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::error::X509Error;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use crate::model::words::opcua_trust as words;
use crate::model::{Code, Timestamp};

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

impl Facts {
    /// Full days until its end; negative: since it ended.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        self.not_after.0.saturating_sub(now.0).div_euclid(DAY_MS)
    }
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
    /// Signed with SHA-1 or something older, or in a way that cannot be checked here.
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

    /// What it means, why it comes about and what to do.
    pub fn code(self) -> Code {
        match self {
            Oddity::Expired => words::EXPIRED,
            Oddity::NotYetValid => words::NOT_YET_VALID,
            Oddity::OtherHost => words::OTHER_HOST,
            Oddity::OtherUri => words::OTHER_URI,
            Oddity::WeakKey => words::WEAK_KEY,
            Oddity::WeakSignature => words::WEAK_SIGNATURE,
            Oddity::IssuerMissing => words::ISSUER_MISSING,
            Oddity::BrokenSignature => words::BROKEN_SIGNATURE,
        }
    }

    /// A signature that does not fit proves a forgery or a damage: nobody can accept that.
    pub fn may_be_accepted(self) -> bool {
        self != Oddity::BrokenSignature
    }
}

impl Certificate {
    /// One certificate in DER, or several in a row: the server's own comes first. Of a chain that has no end the beginning.
    pub fn parse(bytes: &[u8]) -> Option<Certificate> {
        // A company's own authority has two or three steps.
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
        note(Oddity::WeakKey, is_small(facts.key_bits));
        note(Oddity::WeakSignature, is_weak(&certificate));
        match self.chain(&certificate) {
            Chain::Complete => None,
            Chain::Missing => note(Oddity::IssuerMissing, true),
            Chain::Unknown => note(Oddity::WeakSignature, true),
            Chain::Broken => note(Oddity::BrokenSignature, true),
        };
        odd
    }

    /// Whether each one is signed by the next, up to one that signed itself.
    fn chain(&self, own: &X509Certificate<'_>) -> Chain {
        let (mut current, mut der) = (own.clone(), &self.der);
        for next in &self.issuers {
            if current.subject() == current.issuer() {
                break;
            }
            let Ok((_, issuer)) = X509Certificate::from_der(next) else { return Chain::Broken };
            if current.issuer() != issuer.subject() {
                return Chain::Missing;
            }
            let signed = signed_by(&current, &issuer, next);
            if signed != Chain::Complete {
                return signed;
            }
            (current, der) = (issuer, next);
        }
        if current.subject() == current.issuer() { signed_by(&current, &current, der) } else { Chain::Missing }
    }

    /// SHA-256 over the certificate, as people compare it: `AB:CD:...`.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.der))
    }

    /// The same with SHA-1: what many servers show, and what the messages of OPC UA call the thumbprint.
    pub fn sha1(&self) -> String {
        hex(&Sha1::digest(&self.der))
    }

    /// Whether a fingerprint that somebody typed is this one's SHA-256; colons, blanks and case do not count. `None`: it is no
    /// SHA-256 at all.
    pub fn is_sha256(&self, typed: &str) -> Option<bool> {
        const DIGITS: usize = 64;
        let bare =
            |text: &str| text.chars().filter(|c| !matches!(c, ':' | '-' | ' ')).collect::<String>().to_uppercase();
        let typed = bare(typed);
        let is_one = typed.len() == DIGITS && typed.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_one.then(|| typed == bare(&self.sha256()))
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Complete,
    Missing,
    /// Signed in a way that is not known here.
    Unknown,
    Broken,
}

/// Whether the signature of a certificate fits the key of `signer`, whose DER is given too.
fn signed_by(certificate: &X509Certificate<'_>, signer: &X509Certificate<'_>, signer_der: &[u8]) -> Chain {
    match certificate.verify_signature(Some(signer.public_key())) {
        Ok(()) => Chain::Complete,
        // Keys below 2048 bits do not even come to the comparison there.
        Err(X509Error::SignatureVerificationError) if is_small(key_bits(signer)) => {
            match signed_by_small_key(certificate, signer_der) {
                Some(true) => Chain::Complete,
                Some(false) => Chain::Broken,
                None => Chain::Unknown,
            }
        }
        Err(X509Error::SignatureVerificationError) => Chain::Broken,
        Err(_) => Chain::Unknown,
    }
}

/// The same for what old devices have; `None`: another algorithm.
fn signed_by_small_key(certificate: &X509Certificate<'_>, signer_der: &[u8]) -> Option<bool> {
    let key = X509::from_der(signer_der).ok()?.public_key().ok()?;
    let (signed, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
        SHA256_WITH_RSA => key.verify_sha256(signed, signature).ok(),
        SHA1_WITH_RSA | SHA1_WITH_RSA_OIW => key.verify_sha1(signed, signature).ok(),
        _ => None,
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
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

/// Part 7 wants 2048 bits at least of every policy that is taken.
fn is_small(key_bits: usize) -> bool {
    key_bits < 2_048
}

/// SHA-1 and its elders.
fn is_weak(certificate: &X509Certificate<'_>) -> bool {
    WEAK.contains(&certificate.signature_algorithm.algorithm.to_id_string().as_str())
}

/// RFC 8017, A.2.4.
const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
/// The same.
const SHA1_WITH_RSA: &str = "1.2.840.113549.1.1.5";
/// Its name before PKCS #1 had one, still written by old Windows tools.
const SHA1_WITH_RSA_OIW: &str = "1.3.14.3.2.29";
/// With SHA-1 of RSA and of ECDSA (RFC 5758), MD5, MD4 and MD2.
const WEAK: [&str; 6] = [
    SHA1_WITH_RSA,
    SHA1_WITH_RSA_OIW,
    "1.2.840.10045.4.1",
    "1.2.840.113549.1.1.4",
    "1.2.840.113549.1.1.3",
    "1.2.840.113549.1.1.2",
];

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use opcua::crypto::{PrivateKey, X509Data};
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};

    use super::*;

    /// 2026-01-01.
    const NOW: Timestamp = Timestamp(1_767_225_600_000);
    const URI: &str = "urn:press:server";
    const HOST: &str = "press.local";

    /// Keys take seconds to make.
    static KEYS: LazyLock<[KeyPair; 2]> = LazyLock::new(|| {
        [(); 2].map(|()| {
            let key = PrivateKey::new(2_048).unwrap().to_der().unwrap();
            KeyPair::try_from(key.as_bytes()).unwrap()
        })
    });

    fn server() -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "press");
        params.subject_alt_names = vec![
            SanType::URI(URI.try_into().unwrap()),
            SanType::DnsName(HOST.try_into().unwrap()),
            SanType::IpAddress("192.168.1.20".parse().unwrap()),
        ];
        (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2027, 1, 1));
        params
    }

    fn authority(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn self_signed(params: &CertificateParams) -> Certificate {
        Certificate::parse(params.self_signed(&KEYS[0]).unwrap().der()).unwrap()
    }

    /// The server's certificate by an authority, and that of the authority behind it.
    fn signed_by_authority() -> (Vec<u8>, Vec<u8>) {
        let authority = authority("works");
        let issuer = Issuer::from_params(&authority, &KEYS[1]);
        let own = server().signed_by(&KEYS[0], &issuer).unwrap();
        (own.der().to_vec(), authority.self_signed(&KEYS[1]).unwrap().der().to_vec())
    }

    #[track_caller]
    fn check(certificate: &Certificate, expected: &[Oddity]) {
        assert_eq!(certificate.oddities(HOST, URI, NOW), expected.iter().copied().collect());
    }

    #[test]
    fn what_is_odd_is_seen_and_nothing_else() {
        let with = |change: &dyn Fn(&mut CertificateParams)| {
            let mut params = server();
            change(&mut params);
            self_signed(&params)
        };
        check(&with(&|_| {}), &[]);
        check(&with(&|params| params.not_after = date_time_ymd(2025, 12, 31)), &[Oddity::Expired]);
        check(&with(&|params| params.not_before = date_time_ymd(2026, 1, 2)), &[Oddity::NotYetValid]);
        check(&with(&|params| params.subject_alt_names.truncate(1)), &[Oddity::OtherHost]);
        check(&with(&|params| drop(params.subject_alt_names.remove(0))), &[Oddity::OtherUri]);
        check(&with(&|params| params.subject_alt_names.clear()), &[Oddity::OtherHost, Oddity::OtherUri]);
    }

    #[test]
    fn hosts_are_the_same_whatever_their_case_and_addresses_whatever_their_form() {
        let mut params = server();
        params.subject_alt_names.push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
        let certificate = self_signed(&params);
        for (host, is_known) in [
            ("PRESS.local", true),
            ("192.168.1.20", true),
            ("2001:0db8:0:0::1", true),
            ("192.168.1.2", false),
            ("press", false),
            ("", false),
        ] {
            let odd = certificate.oddities(host, URI, NOW);
            assert_eq!(odd.contains(&Oddity::OtherHost), !is_known, "{host}");
        }
    }

    #[test]
    fn a_weak_key_is_weak_and_not_a_forgery() {
        let data = X509Data {
            key_size: 1_024,
            common_name: "old".into(),
            organization: String::new(),
            organizational_unit: String::new(),
            country: String::new(),
            state: String::new(),
            alt_host_names: X509Data::alt_host_names(URI, Some(vec![HOST.into()]), false, false, false),
            certificate_duration_days: 3_650,
        };
        let (weak, _) = X509::cert_and_pkey(&data).unwrap();
        let certificate = Certificate::parse(&weak.to_der().unwrap()).unwrap();
        let facts = certificate.facts().unwrap();
        assert_eq!(facts.key_bits, 1_024);
        let now = Timestamp(facts.not_before.0 + 1);
        assert_eq!(certificate.oddities(HOST, URI, now), BTreeSet::from([Oddity::WeakKey]));
        let broken = with_broken_signature(&certificate);
        assert!(broken.oddities(HOST, URI, now).contains(&Oddity::BrokenSignature));
    }

    #[test]
    fn a_key_that_is_not_rsa_is_weak_for_every_policy_of_ours() {
        let key = KeyPair::generate().unwrap();
        let certificate = Certificate::parse(server().self_signed(&key).unwrap().der()).unwrap();
        check(&certificate, &[Oddity::WeakKey]);
    }

    #[test]
    fn sha_1_is_weak_but_its_signature_is_looked_at() {
        let old = include_str!("../../../tests/cases/certificates/sha1.pem");
        let certificate = Certificate::from_pem(old).unwrap();
        let now = Timestamp(certificate.facts().unwrap().not_before.0 + 1);
        let odd = |certificate: &Certificate| certificate.oddities("localhost", "urn:old:server", now);
        assert_eq!(odd(&certificate), BTreeSet::from([Oddity::WeakSignature]));
        let expected = BTreeSet::from([Oddity::WeakSignature, Oddity::BrokenSignature]);
        assert_eq!(odd(&with_broken_signature(&certificate)), expected);
    }

    #[test]
    fn a_chain_is_complete_or_lacks_its_issuer_or_is_broken() {
        let (own, issuer) = signed_by_authority();
        let chain = |parts: &[&[u8]]| Certificate::parse(&parts.concat()).unwrap();
        let complete = chain(&[&own, &issuer]);
        assert_eq!((&complete.der, &complete.issuers[..]), (&own, &[issuer.clone()][..]), "in one string of bytes");
        check(&complete, &[]);
        check(&chain(&[&own]), &[Oddity::IssuerMissing]);
        let stranger = authority("other works").self_signed(&KEYS[1]).unwrap();
        check(&chain(&[&own, stranger.der()]), &[Oddity::IssuerMissing]);
        // An authority of the same name with another key.
        let impostor = authority("works").self_signed(&KEYS[0]).unwrap();
        check(&chain(&[&own, impostor.der()]), &[Oddity::BrokenSignature]);
        check(&with_broken_signature(&complete), &[Oddity::BrokenSignature]);
        // One that says of itself that it signed itself.
        check(&with_broken_signature(&self_signed(&server())), &[Oddity::BrokenSignature]);
    }

    #[test]
    fn only_a_broken_signature_can_never_be_accepted() {
        for oddity in Oddity::ALL {
            assert_eq!(oddity.may_be_accepted(), oddity != Oddity::BrokenSignature);
            assert_eq!(Oddity::parse(oddity.as_str()), Some(oddity));
        }
        assert_eq!(Oddity::parse("fine"), None);
    }

    #[test]
    fn a_fingerprint_is_the_same_however_it_is_typed() {
        let old = include_str!("../../../tests/cases/certificates/sha1.pem");
        let certificate = Certificate::from_pem(old).unwrap();
        let sha256 = certificate.sha256();
        let bare = sha256.replace(':', "");
        for typed in [&sha256, &bare, &sha256.to_lowercase(), &bare.to_lowercase(), &sha256.replace(':', " ")] {
            assert_eq!(certificate.is_sha256(typed), Some(true), "{typed}");
        }
        let (first, rest) = bare.split_at(1);
        let other = format!("{}{rest}", if first == "0" { "1" } else { "0" });
        assert_eq!(certificate.is_sha256(&other), Some(false));
        for typed in ["", &bare[1..], &format!("{bare}0"), &certificate.sha1(), &bare.replace(first, "x")] {
            assert_eq!(certificate.is_sha256(typed), None, "{typed}");
        }
    }

    #[test]
    fn days_are_full_ones() {
        let facts = self_signed(&server()).facts().unwrap();
        let end = facts.not_after.0;
        for (before_end_ms, days) in [(86_400_000, 1), (86_399_999, 0), (0, 0), (-1, -1), (-86_400_001, -2)] {
            assert_eq!(facts.days_left(Timestamp(end - before_end_ms)), days, "{before_end_ms}");
        }
        assert!(facts.days_left(Timestamp(i64::MIN)) > 0);
    }

    #[test]
    fn pem_brings_back_what_was_written() {
        let certificate = self_signed(&server());
        assert_eq!(Certificate::from_pem(&certificate.pem()), Some(certificate));
        for text in ["", "-----BEGIN CERTIFICATE-----\nAA", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"]
        {
            assert_eq!(Certificate::from_pem(text), None, "{text}");
        }
    }

    /// The last byte of a certificate belongs to its signature.
    fn with_broken_signature(certificate: &Certificate) -> Certificate {
        let mut broken = certificate.clone();
        *broken.der.last_mut().unwrap() ^= 1;
        broken
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            look_at(&bytes);
        }

        #[test]
        fn no_damage_makes_it_panic(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let (own, issuer) = signed_by_authority();
            let mut bytes = [own, issuer].concat();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            look_at(&bytes);
        }
    }

    fn look_at(bytes: &[u8]) {
        let shown = Certificate { der: bytes.to_vec(), issuers: vec![bytes.to_vec()] };
        for certificate in Certificate::parse(bytes).into_iter().chain([shown]) {
            certificate.facts();
            certificate.oddities(HOST, URI, NOW);
        }
    }
}
