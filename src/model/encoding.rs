//! Encoding: how bytes become text. The only file that knows character sets; devices and tables of tags both come here.
//! Pure.
//!
//! The rule: bytes that are none of the encoding give `None`, never replacement characters. A wrong character in an order
//! number is worse than none.

use encoding_rs::GBK;

/// How the characters of a text are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// One byte per character, 0 to 127.
    #[default]
    Ascii,
    /// UTF-8.
    Utf8,
    /// GBK, as most Chinese panels and PLCs write it. Understood with the additions of GB 18030, as the WHATWG Encoding
    /// Standard (10.1) has it.
    Gbk,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Encoding; 3] = [Encoding::Ascii, Encoding::Utf8, Encoding::Gbk];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::Ascii => "ascii",
            Encoding::Utf8 => "utf8",
            Encoding::Gbk => "gbk",
        }
    }

    /// The encoding with this word.
    pub fn parse(word: &str) -> Option<Encoding> {
        Encoding::ALL.into_iter().find(|encoding| encoding.as_str() == word)
    }

    /// The text behind these bytes, all of them; `None` where they are not of this encoding.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Encoding::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|byte| char::from(*byte)).collect()),
            Encoding::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Encoding::Gbk => {
                GBK.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
            }
        }
    }

    /// The bytes of a text; `None` where the encoding lacks one of its characters.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Encoding::Utf8 => Some(text.as_bytes().to_vec()),
            Encoding::Gbk => {
                let (bytes, _, is_lossy) = GBK.encode(text);
                (!is_lossy).then(|| bytes.into_owned())
            }
        }
    }

    /// The text of a field of fixed length: up to the first NUL, without the blanks behind it.
    pub fn decode_field(self, bytes: &[u8]) -> Option<String> {
        // In none of these encodings is NUL a part of another character.
        let used = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut text = self.decode(used)?;
        text.truncate(text.trim_end().len());
        Some(text)
    }
}

/// The text of a file that somebody saved somehow: by its byte order mark, else UTF-8 if it is that, else GB 18030, as
/// spreadsheet programs save in China. `None` where it is no text at all.
pub fn decode_file(bytes: &[u8]) -> Option<String> {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => encoding_rs::UTF_8,
        None => encoding_rs::GB18030,
    };
    let (text, _, had_errors) = encoding.decode(bytes);
    (!had_errors).then(|| text.into_owned())
}

/// The bytes of a text in GBK, for tests.
#[cfg(test)]
pub(crate) fn gbk(text: &str) -> Vec<u8> {
    GBK.encode(text).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(encoding: Encoding, bytes: &[u8], expected: Option<&str>) {
        assert_eq!(encoding.decode_field(bytes).as_deref(), expected, "{encoding:?} {bytes:02x?}");
    }

    #[test]
    fn text_is_read_in_three_encodings() {
        check(Encoding::Ascii, b"PX-17", Some("PX-17"));
        check(Encoding::Utf8, "料筒°C".as_bytes(), Some("料筒°C"));
        // From the table of GB 2312: 料 is C1CF, 筒 is CDB2.
        check(Encoding::Gbk, &[0xc1, 0xcf, 0xcd, 0xb2, b'1'], Some("料筒1"));
    }

    #[test]
    fn a_field_ends_at_nul_and_its_blanks_are_no_part_of_it() {
        for encoding in Encoding::ALL {
            check(encoding, b"AB  \0\0", Some("AB"));
            check(encoding, b"AB\0CD", Some("AB"));
            check(encoding, b" A B \r\n ", Some(" A B"));
            check(encoding, b"\0\0\0", Some(""));
            check(encoding, b"", Some(""));
            check(encoding, b"AB\0\xff\xff", Some("AB"));
        }
    }

    #[test]
    fn bytes_of_another_encoding_are_refused_and_not_replaced() {
        check(Encoding::Ascii, "料".as_bytes(), None);
        check(Encoding::Utf8, &[0xc1, 0xcf], None);
        check(Encoding::Utf8, &"料".as_bytes()[..2], None);
        check(Encoding::Gbk, &[b'A', 0xc1], None);
        check(Encoding::Gbk, &[0xff, 0xff], None);
    }

    #[test]
    fn words_and_encodings_are_one_to_one() {
        for encoding in Encoding::ALL {
            assert_eq!(Encoding::parse(encoding.as_str()), Some(encoding));
        }
        assert_eq!(Encoding::parse("latin1"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_none_grows_beyond_three_times_its_length(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for encoding in Encoding::ALL {
                if let Some(text) = encoding.decode_field(&bytes) {
                    prop_assert!(text.len() <= 3 * bytes.len());
                    prop_assert!(!text.contains('\u{fffd}') || bytes.len() >= 3, "U+FFFD only where it was sent");
                }
            }
        }

        #[test]
        fn chinese_text_comes_back_from_gbk(text in "[一-龥a-zA-Z0-9]{0,60}") {
            let (bytes, _, lossy) = GBK.encode(&text);
            prop_assert!(!lossy);
            prop_assert_eq!(Encoding::Gbk.decode_field(&bytes), Some(text));
        }
    }
}
