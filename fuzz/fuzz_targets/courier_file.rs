//! Any bytes as a courier file, plain and encrypted. Held: nothing comes out that was not signed; and what is packed comes out as it was.

#![no_main]

use std::io::Read;
use std::sync::LazyLock;

use cloudward::journal::parcel::{AgeReader, Identity, Manifest, Message, ParcelWriter, Parts, Signer, check};
use libfuzzer_sys::fuzz_target;

/// One key for all runs, so that a find can be shown again.
static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let dir = std::env::temp_dir().join(format!("courier-file-{}", std::process::id()));
    Signer::of_gateway(&dir).expect("a key can be made")
});

const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

fn manifest() -> Manifest {
    let json = r#"{"format":1,"made_ms":0,"made_by":"","enterprise":"e","workshop":"w","name":"","sink":null,"send":[],"devices":[],"streams":[],"boots":[],"damaged":0,"parts":[],"key":""}"#;
    serde_json::from_str(json).expect("it is a manifest")
}

fuzz_target!(|bytes: &[u8]| {
    assert!(check(bytes).is_err(), "nobody can sign by chance");
    let identities = Identity::parse_all(IDENTITY).expect("it is an identity");
    if let Ok(mut reader) = AgeReader::open(bytes, &identities) {
        let mut content = Vec::new();
        assert!(reader.read_to_end(&mut content).is_err(), "nobody can encrypt to this identity by chance");
    }

    let messages: Vec<Message> = bytes
        .chunks(7)
        .map(|chunk| Message {
            topic: String::from_utf8_lossy(&chunk[..chunk.len() / 2]).into_owned(),
            is_retained: chunk[0].is_multiple_of(2),
            payload: chunk.to_vec(),
        })
        .collect();
    let mut writer = ParcelWriter::new(Vec::new()).expect("there is memory");
    messages.iter().for_each(|message| writer.add(message).expect("it is small"));
    let (mut file, manifest) = writer.finish(manifest(), &SIGNER).expect("there is memory");
    let mut parts = Parts::open(&file[..], &manifest).expect("it was just written");
    let mut found = Vec::new();
    while let Some(part) = parts.next_part().expect("it was just written") {
        found.extend(part);
    }
    assert_eq!(found, messages);
    assert_eq!(check(&file[..]).expect("it was just signed"), manifest);
    // Changed at a place that the input names: never whole.
    let place =
        bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % file.len();
    file[place] ^= 1 << (bytes.len() % 8);
    assert!(check(&file[..]).is_err(), "byte {place} was changed");
});
