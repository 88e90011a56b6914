//! Parcels there and back, and everything that can happen to a file on its way.

use std::io::Read;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

fn signer() -> (Signer, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Signer::of_gateway(dir.path()).unwrap(), dir)
}

fn manifest() -> Manifest {
    Manifest {
        format: 1,
        made_ms: 1_767_225_600_000,
        made_by: "cloudward 0.1.0".into(),
        enterprise: "huada".into(),
        workshop: "ws1".into(),
        name: "一车间".into(),
        sink: None,
        send: vec!["*".into()],
        devices: vec!["m".into()],
        streams: Vec::new(),
        boots: Vec::new(),
        damaged: 0,
        parts: Vec::new(),
        key: String::new(),
    }
}

fn message(n: usize, bytes: usize) -> Message {
    let payload = (0..bytes).map(|i| (i * 31 + n) as u8).collect();
    Message { topic: format!("huada/ws1/m{n}/data"), is_retained: n.is_multiple_of(7), payload }
}

fn packed(messages: &[Message], signer: &Signer) -> Vec<u8> {
    let mut writer = ParcelWriter::new(Vec::new()).unwrap();
    messages.iter().for_each(|message| writer.add(message).unwrap());
    writer.finish(manifest(), signer).unwrap().0
}

fn unpacked(file: &[u8]) -> Result<Vec<Message>, Fault> {
    let manifest = check(file)?;
    let mut parts = Parts::open(file, &manifest)?;
    let mut messages = Vec::new();
    while let Some(part) = parts.next_part()? {
        messages.extend(part);
    }
    Ok(messages)
}

fn encrypted(content: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = AgeWriter::new(Vec::new(), recipients).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

fn decrypted(file: &[u8], identities: &[Identity]) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    AgeReader::open(file, identities)?.read_to_end(&mut content)?;
    Ok(content)
}

#[test]
fn messages_come_back_byte_by_byte_through_several_parts() {
    let (signer, _dir) = signer();
    let messages: Vec<_> = (0..30).map(|n| message(n, n * 20_000)).collect();
    let file = packed(&messages, &signer);
    let manifest = check(&file[..]).unwrap();
    assert!(manifest.parts.len() > 1 && manifest.key == signer.key(), "{manifest:?}");
    assert_eq!(unpacked(&file).unwrap(), messages);
}

#[test]
fn the_key_is_made_once_and_is_the_owners_alone() {
    use std::os::unix::fs::MetadataExt;
    let (signer, dir) = signer();
    assert_eq!(Signer::of_gateway(dir.path()).unwrap().key(), signer.key());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    let path = Signer::path(dir.path());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    std::fs::write(&path, "no key").unwrap();
    assert!(Signer::of_gateway(dir.path()).is_err());
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_said_to_be() {
    let (signer, _dir) = signer();
    let file = packed(&[message(1, 100), message(2, 100)], &signer);
    for length in 8..file.len() {
        assert!(matches!(check(&file[..length]), Err(Fault::CutOff)), "{length} of {}", file.len());
    }
    for length in 0..8 {
        assert!(matches!(check(&file[..length]), Err(Fault::NotOurs)), "{length}");
    }
}

#[test]
fn no_byte_can_be_changed_unnoticed() {
    let (signer, _dir) = signer();
    let file = packed(&[message(1, 50)], &signer);
    for place in 0..file.len() {
        for bit in [1, 0x80] {
            let mut changed = file.clone();
            changed[place] ^= bit;
            assert!(unpacked(&changed).is_err(), "byte {place}");
        }
    }
    assert!(matches!(check(&[&file[..], b"x"].concat()[..]), Err(Fault::Damaged)), "something behind the end");
    let mut newer = file.clone();
    newer[7] = 2;
    assert!(matches!(check(&newer[..]), Err(Fault::Newer(2))));
    assert!(matches!(check(&b"this is a letter"[..]), Err(Fault::NotOurs)));
}

#[test]
fn a_manifest_signed_by_another_is_forged() {
    let ((signer, _dir), (other, _other_dir)) = (self::signer(), self::signer());
    let file = packed(&[message(1, 50)], &signer);
    let text = String::from_utf8_lossy(&file).into_owned();
    assert!(text.contains(&signer.key()));
    // The same file in another's name.
    let place = file.windows(64).position(|window| window == signer.key().as_bytes()).unwrap();
    let mut forged = file;
    forged[place..place + 64].copy_from_slice(other.key().as_bytes());
    assert!(matches!(check(&forged[..]), Err(Fault::Forged)));
}

#[test]
fn a_part_that_changes_after_the_check_is_not_used() {
    let (signer, _dir) = signer();
    let file = packed(&[message(1, 500)], &signer);
    let manifest = check(&file[..]).unwrap();
    let mut changed = file;
    changed[30] ^= 1;
    assert!(matches!(Parts::open(&changed[..], &manifest).unwrap().next_part(), Err(Fault::Damaged)));
}

#[test]
fn fingerprints_are_compared_however_they_are_typed() {
    let (signer, _dir) = signer();
    let shown = fingerprint(&signer.key());
    assert_eq!(shown.len(), 39);
    let typed = key_of_text(&shown.to_lowercase().replace('-', ":")).unwrap();
    assert_eq!(typed, shown.replace('-', ""));
    assert_eq!(key_of_text(&shown), Some(typed.clone()));
    assert_eq!(key_of_text(&signer.key()), Some(signer.key().to_uppercase()));
    for wrong in ["", "AB", "zz", &shown[..30]] {
        assert_eq!(key_of_text(wrong), None);
    }
}

#[test]
fn only_a_recipient_opens_an_encrypted_file_of_any_length() {
    let (one, two, stranger) = (Identity::make().unwrap(), Identity::make().unwrap(), Identity::make().unwrap());
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let content: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
        let file = encrypted(&content, &[one.recipient(), two.recipient()]);
        for identities in [vec![one.clone()], vec![two.clone()], vec![stranger.clone(), two.clone()]] {
            assert!(decrypted(&file, &identities).unwrap() == content, "{length} bytes");
        }
        assert!(matches!(decrypted(&file, std::slice::from_ref(&stranger)), Err(Fault::NoKeyFits)));
        let cut = decrypted(&file[..file.len() - 1], std::slice::from_ref(&one));
        assert!(matches!(cut, Err(Fault::CutOff)), "{length} bytes: {:?}", cut.map(|c| c.len()));
    }
    let content = vec![1; 200_000];
    let file = encrypted(&content, &[one.recipient()]);
    let header = file.len() - 200_000 - 4 * 16;
    // At the border of a chunk, where only the flag of the last one tells.
    assert!(matches!(decrypted(&file[..header + 65_552], std::slice::from_ref(&one)), Err(Fault::CutOff)));
    for place in [header - 30, header - 1, header + 5, header + 70_000] {
        let mut changed = file.clone();
        changed[place] ^= 1;
        assert!(decrypted(&changed, std::slice::from_ref(&one)).is_err(), "byte {place}");
    }
}

#[test]
fn an_encrypted_file_without_an_identity_is_told_apart() {
    let (signer, _dir) = signer();
    let identity = Identity::make().unwrap();
    let file = encrypted(&packed(&[message(1, 9)], &signer), &[identity.recipient()]);
    assert!(matches!(check(&file[..]), Err(Fault::Encrypted)));
    assert!(check(AgeReader::open(&file[..], &[identity]).unwrap()).is_ok());
}

#[test]
fn identities_are_read_from_a_file_as_age_keygen_writes_it() {
    let identity = Identity::make().unwrap();
    let text = format!("# created: 2026-01-01\n# public key: {}\n{}\n", identity.recipient(), identity.secret_text());
    let read = Identity::parse_all(&text).unwrap();
    assert_eq!(read[0].recipient().to_string(), identity.recipient().to_string());
    assert!(identity.secret_text().starts_with("AGE-SECRET-KEY-1"));
    assert!(Identity::parse_all("what is this").is_none());
    assert!(Recipient::parse(&identity.recipient().to_string()).is_some());
    assert!(Recipient::parse("age1pq1abc").is_none());
}

/// The proof that it is age's format: age itself reads it and is read. Without the program (Debian package `age`) nothing is proven.
#[test]
fn the_program_age_reads_what_we_write_and_we_read_what_it_writes() {
    let has_age =
        Command::new("age").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !has_age {
        assert!(std::env::var_os("CLOUDWARD_ALL_TOOLS").is_none(), "age is not installed");
        eprintln!("skipped: the program age is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let identity = Identity::make().unwrap();
    std::fs::write(path("identity"), identity.secret_text() + "\n").unwrap();
    for length in [0, 100, 65_536, 150_000] {
        let content: Vec<u8> = (0..length).map(|i| (i * 13) as u8).collect();
        std::fs::write(path("ours"), encrypted(&content, &[identity.recipient()])).unwrap();
        let opened = Command::new("age").arg("-d").arg("-i").arg(path("identity")).arg(path("ours")).output().unwrap();
        assert!(opened.stdout == content, "{}", String::from_utf8_lossy(&opened.stderr));
        std::fs::write(path("plain"), &content).unwrap();
        let recipient = identity.recipient().to_string();
        let sealed = Command::new("age").args(["-r", &recipient]).arg(path("plain")).output().unwrap();
        assert!(decrypted(&sealed.stdout, std::slice::from_ref(&identity)).unwrap() == content, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn any_messages_come_back(
        messages in prop::collection::vec(("[a-z/]{0,20}", any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
    ) {
        let (signer, _dir) = signer();
        let messages: Vec<_> = messages
            .into_iter()
            .map(|(topic, is_retained, payload)| Message { topic, is_retained, payload })
            .collect();
        prop_assert_eq!(unpacked(&packed(&messages, &signer)).unwrap(), messages);
    }

    #[test]
    fn any_bytes_at_all_are_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..400), begins in any::<bool>()) {
        let file = if begins { [MAGIC.as_slice(), &bytes].concat() } else { bytes };
        prop_assert!(check(&file[..]).is_err());
        prop_assert!(decrypted(&file, &[Identity::make().unwrap()]).is_err());
        prop_assert!(decrypted(&[BEGINS_OF_AGE, &file].concat(), &[Identity::make().unwrap()]).is_err());
    }
}

const BEGINS_OF_AGE: &[u8] = age::BEGINS;
