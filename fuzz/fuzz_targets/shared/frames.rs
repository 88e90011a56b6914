//! One question, any bytes for an answer. The first seven bytes make the question, the rest is what was received.
//!
//! Held: an answer has the length that was asked; what was found does not change when the bytes come one by one or when
//! more follows; the true answer of a device is found, also behind the bytes; nothing panics.

use cloudward::config::modbus::Table;
use cloudward::source::modbus::decode::Answer;
use cloudward::source::modbus::frame::{Envelope, Found, MAX_WAITING, Query, crc};
use cloudward::source::modbus::plan::Block;

pub fn check(bytes: &[u8], envelopes: &[Envelope]) {
    let Some(([table, unit, start_high, start_low, count, transaction_high, transaction_low], received)) =
        bytes.split_first_chunk::<7>()
    else {
        return;
    };
    let table = Table::ALL[usize::from(table % 4)];
    let most = if table.is_bits() { 2_000 } else { 125 };
    // Eight times as many bits as registers, so that both reach their limits.
    let count = 1 + u16::from(*count) * if table.is_bits() { 8 } else { 1 } % most;
    let block = Block { table, start: u16::from_be_bytes([*start_high, *start_low]), count: count.min(most) };
    let transaction = u16::from_be_bytes([*transaction_high, *transaction_low]);
    let query = Query { transaction, unit: *unit, block };
    for envelope in envelopes {
        any_bytes(&query, *envelope, received);
        the_true_answer(&query, *envelope, received);
    }
}

fn any_bytes(query: &Query, envelope: Envelope, received: &[u8]) {
    let found = query.find(envelope, received);
    if let Found::Answer(answer) = &found {
        let length = match answer {
            Answer::Bits(bits) => bits.len(),
            Answer::Registers(words) => words.len(),
        };
        assert_eq!(length, usize::from(query.block.count), "an answer has the length that was asked");
        assert!(received.len() >= query.answer_bytes(envelope), "there are at least as many bytes as an answer has");
    }
    // A few places at most: each costs a search of its own.
    let places = [0, 1, 3, 5, 6, 7, 8, received.len() / 2, received.len().saturating_sub(1)];
    for cut in places.into_iter().filter(|cut| *cut < received.len()) {
        match query.find(envelope, &received[..cut]) {
            Found::Nothing => {}
            // On a serial line an answer may be found that stands before the one that was found with more bytes, but never
            // on TCP, where the stream has a beginning.
            early if envelope == Envelope::Tcp => assert_eq!(early, found, "more bytes do not change what was found"),
            Found::Broken => assert!(cut > MAX_WAITING, "a serial line is given up only for too many bytes"),
            _ => assert_ne!(found, Found::Nothing, "what was found does not vanish when more bytes come"),
        }
    }
}

/// What a device that keeps the standard answers: found alone, and on a serial line behind whatever came before.
fn the_true_answer(query: &Query, envelope: Envelope, noise: &[u8]) {
    let count = usize::from(query.block.count);
    let bytes = if query.block.table.is_bits() { count.div_ceil(8) } else { count * 2 };
    let value = |at: usize| noise.get(at).copied().unwrap_or(at as u8);
    let data: Vec<u8> = (0..bytes).map(value).collect();
    let expected = match query.block.table.is_bits() {
        true => Answer::Bits((0..count).map(|n| data[n / 8] >> (n % 8) & 1 == 1).collect()),
        false => Answer::Registers(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()),
    };
    let body = [&[query.unit, query.block.table.function_code(), bytes as u8], &data[..]].concat();
    let frame = match envelope {
        Envelope::Tcp => {
            let [high, low] = query.transaction.to_be_bytes();
            [&[high, low, 0, 0, 0, body.len() as u8], &body[..]].concat()
        }
        Envelope::Rtu => [&body[..], &crc(&body)].concat(),
        Envelope::Ascii => {
            let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
            let digits: String = body.iter().chain([&sum]).map(|byte| format!("{byte:02X}")).collect();
            format!(":{digits}\r\n").into_bytes()
        }
    };
    assert_eq!(frame.len(), query.answer_bytes(envelope), "the length is known before the answer comes");
    assert_eq!(query.find(envelope, &frame), Found::Answer(expected));
    // On a serial line a device could say five bytes among its values that are an exception with its checksum, and a half
    // answer would be taken for it: nothing in the protocol tells them apart. Not so where the stream has a beginning.
    let part = query.find(envelope, &frame[..frame.len() - 1]);
    let is_nothing = part == Found::Nothing || envelope == Envelope::Rtu && matches!(part, Found::Exception(_));
    assert!(is_nothing, "{part:?} before the answer is complete");
    if envelope != Envelope::Tcp && noise.len() < 300 {
        let found = query.find(envelope, &[noise, &frame].concat());
        assert_ne!(found, Found::Nothing, "noise before it does not hide an answer");
        assert_ne!(found, Found::Broken);
    }
}
