//! Texts and clocks among registers. Pure.

use crate::config::modbus::{DataType, Order, TextForm};
use crate::model::encoding::Encoding;

/// Registers of the longest text that is looked for.
const LONGEST: usize = 40;

/// A text that may begin here: its type, the order of its bytes, and its cost in bits.
pub(super) struct Found {
    pub data_type: DataType,
    pub order: Order,
    pub cost: f64,
}

/// Texts that may begin with the first of these registers, in each encoding and order of bytes.
pub(super) fn texts(words: &[u16]) -> Vec<Found> {
    if words.first().is_none_or(|word| *word == 0) {
        return Vec::new();
    }
    let words = &words[..words.len().min(LONGEST)];
    let orders = [Order::default(), Order { low_byte_first: true, low_word_first: false }];
    let encodings = [Encoding::Ascii, Encoding::Gbk, Encoding::Utf8];
    let all = encodings.into_iter().flat_map(|encoding| orders.map(|order| (encoding, order)));
    all.filter_map(|(encoding, order)| text(words, encoding, order)).collect()
}

fn text(words: &[u16], encoding: Encoding, order: Order) -> Option<Found> {
    let whole = TextForm { length: 2 * words.len() as u16, encoding };
    let bytes = whole.bytes(words, order);
    let (mut used, mut cost, mut foreign, mut letters, mut blanks) = (0, 0.0, 0, 0, 0);
    while used < bytes.len() {
        // Behind two registers of blanks another text begins.
        if blanks >= 4 && used % 2 == 0 && bytes[used] != b' ' {
            break;
        }
        let Some((length, bits)) = character(&bytes[used..], encoding) else { break };
        foreign += usize::from(length > 1);
        letters += usize::from(bytes[used].is_ascii_alphabetic());
        blanks = if bytes[used] == b' ' { blanks + 1 } else { 0 };
        // One blank after the other is no news.
        cost += if blanks > 1 { 0.7 } else { bits };
        used += length;
    }
    let is_ended = used % 2 == 0 || bytes.get(used) == Some(&0);
    if !is_ended {
        // Half a register: the last character belongs to what follows.
        (used, cost) = (used - 1, cost - 4.0);
        let is_whole = encoding.decode(&bytes[..used]).is_some();
        if !is_whole {
            return None;
        }
    }
    let registers = used.div_ceil(2);
    let is_enough = match encoding {
        Encoding::Ascii => {
            // Four letters are a word, four digits or signs are not.
            let is_long = used - blanks.min(used) >= 5 && (letters > 0 || registers >= 3);
            foreign == 0 && (is_long || letters >= 4)
        }
        Encoding::Gbk => foreign >= 2,
        Encoding::Utf8 => foreign >= 2,
    };
    encoding.decode_field(&bytes[..used]).filter(|text| is_enough && !text.is_empty())?;
    let form = TextForm { length: 2 * registers as u16, encoding };
    let swapped = if order.low_byte_first { 2.0 } else { 0.0 };
    Some(Found { data_type: DataType::Text(form), order, cost: cost + 4.0 + swapped })
}

/// Bytes and bits of the character that begins here.
fn character(bytes: &[u8], encoding: Encoding) -> Option<(usize, f64)> {
    match (encoding, bytes) {
        (_, [b'0'..=b'9', ..]) => Some((1, 4.2)),
        (_, [b'A'..=b'Z' | b'a'..=b'z', ..]) => Some((1, 5.2)),
        (_, [b' ' | b'-' | b'_' | b'.' | b'/' | b':', ..]) => Some((1, 5.5)),
        (_, [b'#'..=b'+' | b',' | b'=' | b'@' | b'[' | b']' | b'!', ..]) => Some((1, 8.0)),
        // The level 1 characters of GB 2312: what names of products are made of.
        (Encoding::Gbk, [0xB0..=0xD7, 0xA1..=0xFE, ..]) => Some((2, 12.0)),
        // Digits and letters as wide as the other characters, as an input method gives them.
        (Encoding::Gbk, [0xA3, 0xB0..=0xB9 | 0xC1..=0xDA | 0xE1..=0xFA, ..]) => Some((2, 12.0)),
        // Comma, full stop and the point in a car's number; brackets and dashes; degrees Celsius.
        (Encoding::Gbk, [0xA1, 0xA1..=0xA5 | 0xAA..=0xBF | 0xE6, ..]) => Some((2, 13.5)),
        (Encoding::Gbk, [0xA1..=0xA3 | 0xD8..=0xF7, 0xA1..=0xFE, ..]) => Some((2, 15.0)),
        (Encoding::Utf8, [0xE4..=0xE9, 0x80..=0xBF, 0x80..=0xBF, ..]) => Some((3, 14.5)),
        (Encoding::Utf8, [0xC2 | 0xC3, 0x80..=0xBF, ..]) => Some((2, 14.0)),
        _ => None,
    }
}

/// The cost of three registers that are a clock in decimal digits at each look: year and month, day and hour, minute and
/// second.
pub(super) fn clock(looks: &[Vec<u16>]) -> Option<f64> {
    let seconds = looks.iter().map(|words| time(words)).collect::<Option<Vec<i64>>>()?;
    let runs = seconds.windows(2).all(|pair| (0..600).contains(&(pair[1] - pair[0])));
    // A year of forty, a month, a day, an hour, a minute, a second.
    let stands = seconds.iter().all(|second| *second == seconds[0]);
    runs.then_some(30.0 + if stands { 1.0 } else { 2.0 * seconds.len() as f64 })
}

/// Seconds since the beginning of the year, about: year and month, day and hour, minute and second, or the other way round; or
/// the year in four digits, month and day, hour and minute.
fn time(words: &[u16]) -> Option<i64> {
    let pair = |byte: u8| (byte >> 4 <= 9 && byte & 0xF <= 9).then(|| i64::from((byte >> 4) * 10 + (byte & 0xF)));
    let fields = words.iter().flat_map(|word| word.to_be_bytes()).map(pair).collect::<Option<Vec<i64>>>()?;
    let [a, b, c, d, e, f] = fields[..] else { return None };
    let ways = [[a, b, c, d, e, f], [e, f, c, d, a, b], [f, e, d, c, b, a], [b, c, d, e, f, 0]];
    let fits = |[year, month, day, hour, minute, second]: &[i64; 6]| {
        (20..60).contains(year)
            && (1..=12).contains(month)
            && (1..=31).contains(day)
            && *hour < 24
            && *minute < 60
            && *second < 60
    };
    let centuries = |n: usize| n < 3 || a == 20;
    let mut fitting = ways.into_iter().enumerate().filter(|(n, way)| centuries(*n) && fits(way));
    let [_, month, day, hour, minute, second] = fitting.next()?.1;
    Some((((month * 31 + day) * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8]) -> Vec<u16> {
        bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])).collect()
    }

    #[test]
    fn texts_are_found_with_their_length_and_encoding() {
        let best = |words: &[u16]| {
            let mut found = texts(words);
            // Shorter ones leave the rest to others, so they are compared only where it is known what the rest costs.
            found.sort_by(|a, b| b.data_type.width().cmp(&a.data_type.width()).then(a.cost.total_cmp(&b.cost)));
            found.first().map(|found| (found.data_type.to_string(), found.order.low_byte_first))
        };
        assert_eq!(best(&words(b"WT-2038-0417\0\0")), Some(("text(12, ascii)".into(), false)));
        assert_eq!(best(&words(b"TW2-30-8\0\0")), Some(("text(8, ascii)".into(), false)));
        let swapped: Vec<u16> = words(b"MODEL7").iter().map(|word| word.swap_bytes()).collect();
        assert!(texts(&swapped).iter().any(|found| found.order.low_byte_first));
        assert_eq!(best(&words(b"ABCDEF    XYZUVW")).map(|found| found.0), Some("text(10, ascii)".into()));
        assert_eq!(best(&words("注塑机".as_bytes())).map(|found| found.0), Some("text(10, utf8)".into()));
        assert_eq!(
            best(&words(&crate::model::encoding::gbk("精制大豆油"))).map(|found| found.0),
            Some("text(10, gbk)".into())
        );
        for wide in ["Ｃ３０泵送混凝土", "粤B·7K382", "℃（±５）", "Ⅲ号窑，①"] {
            let found = texts(&words(&crate::model::encoding::gbk(wide)));
            let registers = crate::model::encoding::gbk(wide).len().div_ceil(2);
            let is_whole = |found: &Found| usize::from(found.data_type.width()) == registers;
            assert!(found.iter().any(|found| is_whole(found) && found.data_type.to_string().contains("gbk")), "{wide}");
        }
        assert_eq!(best(&[2_198, 2_207, 2_201]), None);
    }

    #[test]
    fn a_clock_runs() {
        let at = |second: u16| vec![0x2611, 0x2217, 0x4900 | second];
        assert!(clock(&[at(0x30), at(0x32)]).is_some() && clock(&[at(0x30)]).is_some());
        assert!(clock(&[at(0x32), at(0x30)]).is_none() && clock(&[at(0x3A)]).is_none());
    }
}
