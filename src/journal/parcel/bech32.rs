//! Bech32 (BIP 173), as age writes its keys: a name, `1`, the bytes in letters, a checksum. Pure.

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// `name` in small letters; the text too.
pub(super) fn encode(name: &str, bytes: &[u8]) -> String {
    let mut values = regroup(bytes, 8, 5);
    let checksum = polymod(&[&spread(name)[..], &values, &[0; 6]].concat()) ^ 1;
    values.extend((0..6).map(|place| (checksum >> (5 * (5 - place)) & 31) as u8));
    let letters: String = values.iter().map(|value| char::from(LETTERS[usize::from(*value)])).collect();
    format!("{name}1{letters}")
}

/// The bytes behind a text with this name, written in one case throughout; `None`: it is none.
pub(super) fn decode(name: &str, text: &str) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    if text != lower && text != text.to_ascii_uppercase() {
        return None;
    }
    let letters = lower.strip_prefix(name)?.strip_prefix('1')?;
    let value = |letter: u8| LETTERS.iter().position(|known| *known == letter).map(|place| place as u8);
    let values: Vec<u8> = letters.bytes().map(value).collect::<Option<_>>()?;
    let content = values.len().checked_sub(6)?;
    if polymod(&[&spread(name)[..], &values].concat()) != 1 {
        return None;
    }
    // What is left over of the last letter is zeros, and less than a letter.
    let bytes = regroup(&values[..content], 5, 8);
    let (whole, rest) = (content * 5 / 8, content * 5 % 8);
    let is_padded = rest < 5 && bytes.get(whole).is_none_or(|left_over| *left_over == 0);
    is_padded.then(|| bytes[..whole].to_vec())
}

/// Bits of groups of `from` bits as groups of `to` bits, the last one filled up with zeros.
fn regroup(groups: &[u8], from: u32, to: u32) -> Vec<u8> {
    let (mut held, mut bits, mut out) = (0_u32, 0, Vec::new());
    for group in groups {
        held = (held << from | u32::from(*group)) & 0xffff;
        bits += from;
        while bits >= to {
            bits -= to;
            out.push((held >> bits & ((1 << to) - 1)) as u8);
        }
    }
    if bits > 0 {
        out.push((held << (to - bits) & ((1 << to) - 1)) as u8);
    }
    out
}

fn spread(name: &str) -> Vec<u8> {
    let high = name.bytes().map(|byte| byte >> 5);
    high.chain([0]).chain(name.bytes().map(|byte| byte & 31)).collect()
}

fn polymod(values: &[u8]) -> u32 {
    const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |sum: u32, value| {
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(*value);
        let bits = GENERATORS.iter().enumerate().filter(|(bit, _)| sum >> 25 >> bit & 1 == 1);
        bits.fold(next, |next, (_, generator)| next ^ generator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_key_of_the_age_specification_is_read_and_written() {
        // From the README of age.
        let text = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let bytes = decode("age", text).unwrap();
        assert_eq!((bytes.len(), encode("age", &bytes).as_str()), (32, text));
        assert_eq!(decode("age", &text.to_uppercase()), Some(bytes));
        for wrong in [
            text.replace("ql3z", "ql3x"),
            text.replace("age1", "aga1"),
            text[..40].to_owned(),
            text.replace('q', "Q"),
            String::new(),
        ] {
            assert_eq!(decode("age", &wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode("age-secret-key-", &encode("age-secret-key-", &bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_no_panic(text in "\\PC{0,80}") {
            decode("age", &text);
            decode("age", &format!("age1{text}"));
        }
    }
}
