//! What may come in from a meter of DL/T 645.

#![no_main]

use cloudward::config::dlt645::{DataId, MeterAddress};
use cloudward::source::dlt645::frame::{Query, frame};
use cloudward::source::modbus::frame::{Found, MAX_WAITING};
use libfuzzer_sys::fuzz_target;

const READ_ANSWER: u8 = 0x91;
const READ_ON_ANSWER: u8 = 0x92;

fuzz_target!(|bytes: &[u8]| {
    // A question from the first bytes, the rest is what was received.
    let Some((head, received)) = bytes.split_first_chunk::<11>() else { return };
    let digits: String =
        head[..6].iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(|n| char::from(b'0' + n % 10)).collect();
    let id: String = head[6..10].iter().map(|byte| format!("{byte:02X}")).collect();
    let (Some(address), Some(id)) = (MeterAddress::parse(&digits), DataId::parse(&id)) else { return };
    let follow = (head[10] > 0x7f).then_some(head[10]);
    let query = Query { address, id, follow };

    if let Found::Answer(piece) = query.find(received) {
        assert!(piece.data.len() <= 255 - 4, "a frame has no more data");
        let later = [received, b"\xfe\x68\x16"].concat();
        assert_eq!(query.find(&later), Found::Answer(piece), "what comes later does not change what was found");
    }

    // The true answer of a meter is found behind anything, and not before it is complete.
    let data = &received[..received.len().min(32)];
    let mut body = [&id.bytes(), data].concat();
    body.extend(follow);
    let control = if follow.is_some() { READ_ON_ANSWER } else { READ_ANSWER };
    let answer = frame(address.bytes(), control, &body);
    for cut in 0..answer.len() {
        assert_eq!(query.find(&answer[..cut]), Found::Nothing, "cut at {cut}");
    }
    match query.find(&answer) {
        Found::Answer(piece) => assert_eq!(piece.data, data),
        other => panic!("{other:?}"),
    }
    let behind = [received, &answer].concat();
    if behind.len() <= MAX_WAITING {
        assert_ne!(query.find(&behind), Found::Nothing, "hidden by what came before it");
    }
});
