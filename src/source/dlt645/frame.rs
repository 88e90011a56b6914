//! DL/T 645-2007 frames: what goes on the wire and what comes back. Pure.
//!
//! The rule is that of Modbus: an answer is found by what was asked. Address, control code and identifier are known before
//! the first byte comes, so wake-up bytes, echoes, noise and the frames of others are passed over until exactly that answer
//! stands there with a correct checksum. Nothing here panics on any bytes.

use crate::config::dlt645::{DataId, MeterAddress};
use crate::model::Why;
use crate::source::modbus::frame::{Found, MAX_WAITING};

/// A request: one identifier of one meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Whom.
    pub address: MeterAddress,
    /// What.
    pub id: DataId,
    /// The number of the following frame, where the answer has several; `None` asks for the first.
    pub follow: Option<u8>,
}

/// What one frame brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Behind the identifier, as the meter means it.
    pub data: Vec<u8>,
    /// Whether more is to be asked for.
    pub has_more: bool,
}

/// Sent before a frame, to wake the receiver up (5.2.1).
const WAKE_UP: [u8; 4] = [0xFE; 4];

const START: u8 = 0x68;
const END: u8 = 0x16;

/// Added to each byte of data, so that it is never taken for an end (5.2.6).
const SHIFT: u8 = 0x33;

/// Start, address, start, control code, length.
const HEAD: usize = 10;
/// Checksum and end.
const TAIL: usize = 2;
const ID: usize = 4;

/// Control codes (5.2.3): read, and read what follows. A meter answers with the highest bit set, and one of these beside it.
const READ: u8 = 0x11;
const READ_ON: u8 = 0x12;
const ANSWER: u8 = 0x80;
const REFUSED: u8 = 0x40;
const MORE: u8 = 0x20;

impl Query {
    /// The request as it travels.
    pub fn encode(&self) -> Vec<u8> {
        let mut data = self.id.bytes().to_vec();
        data.extend(self.follow);
        [&WAKE_UP[..], &frame(self.address.bytes(), self.control(), &data)].concat()
    }

    /// Bytes of an answer on the wire that carries so much behind the identifier.
    pub fn answer_bytes(&self, data: usize) -> usize {
        WAKE_UP.len() + HEAD + ID + data + usize::from(self.follow.is_some()) + TAIL
    }

    /// Looks for the answer in what was received since the request was sent.
    pub fn find(&self, received: &[u8]) -> Found<Piece> {
        let found = (0..received.len()).find_map(|start| self.understand(received.get(start..)?));
        match found {
            Some(found) => found,
            None if received.len() > MAX_WAITING => Found::Broken,
            None => Found::Nothing,
        }
    }

    /// A whole frame that begins here and answers this request. `None`: something else.
    fn understand(&self, bytes: &[u8]) -> Option<Found<Piece>> {
        let head = bytes.first_chunk::<HEAD>()?;
        if head[0] != START || head[7] != START || !self.address.is_meant(&head[1..7]) {
            return None;
        }
        let (control, length) = (head[8], usize::from(head[9]));
        let body = bytes.get(..HEAD + length)?;
        if bytes.get(HEAD + length..HEAD + length + TAIL)? != [checksum(body), END] {
            return None;
        }
        let data: Vec<u8> = body[HEAD..].iter().map(|byte| byte.wrapping_sub(SHIFT)).collect();
        let asked = self.control() | ANSWER;
        if control == asked | REFUSED {
            return Some(Found::Exception(data.first().map_or(Why::UnknownException, |error| meaning(*error))));
        }
        if control & !MORE != asked {
            return None;
        }
        let mut data = data.strip_prefix(&self.id.bytes())?;
        if let Some(follow) = self.follow {
            let (number, rest) = data.split_last()?;
            data = (*number == follow).then_some(rest)?;
        }
        Some(Found::Answer(Piece { data: data.to_vec(), has_more: control & MORE != 0 }))
    }

    fn control(&self) -> u8 {
        if self.follow.is_some() { READ_ON } else { READ }
    }
}

/// A frame from its first start byte to its end; `data` is what is meant, not what travels.
pub fn frame(address: [u8; 6], control: u8, data: &[u8]) -> Vec<u8> {
    let length =
        u8::try_from(data.len()).expect("a request has five bytes of data at most, and a test no more than 255");
    let mut frame = vec![START];
    frame.extend(address);
    frame.extend([START, control, length]);
    frame.extend(data.iter().map(|byte| byte.wrapping_add(SHIFT)));
    frame.extend([checksum(&frame), END]);
    frame
}

/// The sum of all bytes before it (5.2.7).
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The error byte by its bits (annex C): several may stand together, and the one that says most counts.
fn meaning(error: u8) -> Why {
    const OTHER: u8 = 0x01;
    const NO_SUCH_DATA: u8 = 0x02;
    const NOT_ALLOWED: u8 = 0x04;
    const VALUES: u8 = 0x70; // more year zones, day periods or tariffs than the meter has
    match error {
        _ if error & NO_SUCH_DATA != 0 => Why::IllegalAddress,
        _ if error & NOT_ALLOWED != 0 => Why::IllegalFunction,
        _ if error & VALUES != 0 => Why::IllegalValue,
        _ if error & OTHER != 0 => Why::DeviceFailure,
        _ => Why::UnknownException,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(address: &str, id: &str) -> Query {
        Query { address: MeterAddress::parse(address).unwrap(), id: DataId::parse(id).unwrap(), follow: None }
    }

    fn hex(text: &str) -> Vec<u8> {
        text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    fn answer(query: &Query, data: &[u8]) -> Vec<u8> {
        frame(query.address.bytes(), 0x91, &[&query.id.bytes(), data].concat())
    }

    fn data(data: &[u8]) -> Found<Piece> {
        Found::Answer(Piece { data: data.to_vec(), has_more: false })
    }

    #[test]
    fn the_request_is_that_of_the_standard_behind_four_bytes_that_wake_the_meter() {
        let read = query("000000000001", "00-01-00-00");
        let expected = hex("FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16");
        assert_eq!(read.encode(), expected);
        let on = Query { follow: Some(1), ..read };
        assert_eq!(on.encode(), hex("FE FE FE FE 68 01 00 00 00 00 00 68 12 05 33 33 34 33 34 E9 16"));
    }

    /// Published captures of a real meter.
    #[test]
    fn answers_of_a_real_meter_are_understood() {
        let found =
            query("61", "00-01-00-00").find(&hex("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"));
        assert_eq!(found, Found::Nothing, "its address ends with 0161");
        let found =
            query("161", "00-01-00-00").find(&hex("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"));
        assert_eq!(found, data(&[0x26, 0, 0, 0]));
        let found = query("161", "02-01-01-00").find(&hex("68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"));
        assert_eq!(found, data(&[0x01, 0x10]));
    }

    #[test]
    fn the_answer_is_found_behind_wake_up_bytes_noise_echoes_and_the_frames_of_others() {
        let read = query("123456789012", "02-01-01-00");
        let good = answer(&read, &[0x00, 0x22]);
        let mut damaged = good.clone();
        damaged[15] ^= 1; // in the value: only the checksum tells
        let other_meter = answer(&query("123456789013", "02-01-01-00"), &[9, 9]);
        let other_id = answer(&query("123456789012", "02-01-02-00"), &[9, 9]);
        let modbus = [1, 3, 2, 0x68, 0x68, 0xD6, 0x6A];
        for before in [
            &[0xFE; 4][..],
            &[0x68],
            &[0x68; 9],
            &read.encode(),
            &damaged,
            &other_meter,
            &other_id,
            &modbus,
            &good[..9],
        ] {
            assert_eq!(read.find(&[before, &good, b"PING"].concat()), data(&[0x00, 0x22]), "{before:02x?}");
        }
        for foreign in [&damaged[..], &other_meter, &other_id, &modbus, &read.encode(), &good[..good.len() - 1]] {
            assert_eq!(read.find(foreign), Found::Nothing, "{foreign:02x?}");
        }
    }

    #[test]
    fn a_shortened_address_takes_the_answer_of_the_meter_that_it_means() {
        let read = query("AAAAAAAA9012", "02-01-01-00");
        assert_eq!(read.find(&answer(&query("123456789012", "02-01-01-00"), &[0, 0x22])), data(&[0, 0x22]));
        assert_eq!(read.find(&answer(&query("123456789013", "02-01-01-00"), &[0, 0x22])), Found::Nothing);
    }

    #[test]
    fn refusals_have_their_reasons() {
        let read = query("1", "03-01-00-00");
        for (error, why) in [
            (0x01, Why::DeviceFailure),
            (0x02, Why::IllegalAddress),
            (0x03, Why::IllegalAddress),
            (0x04, Why::IllegalFunction),
            (0x08, Why::UnknownException),
            (0x40, Why::IllegalValue),
            (0x00, Why::UnknownException),
        ] {
            assert_eq!(read.find(&frame(read.address.bytes(), 0xD1, &[error])), Found::Exception(why), "{error:02x}");
        }
        assert_eq!(read.find(&frame(read.address.bytes(), 0xD2, &[2])), Found::Nothing, "to another command");
    }

    #[test]
    fn an_answer_in_several_frames_is_asked_for_piece_by_piece() {
        let read = query("1", "00-01-FF-00");
        let id = read.id.bytes();
        let first = frame(read.address.bytes(), 0xB1, &[&id[..], &[1, 2]].concat());
        assert_eq!(read.find(&first), Found::Answer(Piece { data: vec![1, 2], has_more: true }));
        let on = Query { follow: Some(1), ..read };
        let last = frame(read.address.bytes(), 0x92, &[&id[..], &[3, 4, 1]].concat());
        assert_eq!(on.find(&last), data(&[3, 4]));
        assert_eq!(on.find(&first), Found::Nothing);
        assert_eq!(Query { follow: Some(2), ..read }.find(&last), Found::Nothing, "of another number");
    }

    #[test]
    fn a_flood_ends_the_waiting() {
        assert_eq!(query("1", "00-01-00-00").find(&[0x68; MAX_WAITING + 1]), Found::Broken);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), follow in any::<Option<u8>>()) {
            Query { follow, ..query("AAAAAAAAAAAA", "00-01-00-00") }.find(&bytes);
        }

        #[test]
        fn frames_of_any_content_behind_a_good_head_do_not_panic(
            control in any::<u8>(),
            content in proptest::collection::vec(any::<u8>(), 0..=255),
            follow in any::<Option<u8>>(),
        ) {
            let read = Query { follow, ..query("1", "00-01-00-00") };
            read.find(&frame(read.address.bytes(), control, &content));
        }

        #[test]
        fn split_anywhere_an_answer_is_found_when_it_is_complete_and_not_before(
            digits in "[0-9]{12}",
            id in any::<[u8; 4]>(),
            content in proptest::collection::vec(any::<u8>(), 0..=196),
            cut in 0_usize..300,
        ) {
            prop_assume!(digits != "999999999999");
            let read = Query { address: MeterAddress::parse(&digits).unwrap(), id: DataId(id), follow: None };
            let bytes = [&[0xFE; 4][..], &answer(&read, &content)].concat();
            prop_assert_eq!(read.find(&bytes[..cut.min(bytes.len() - 1)]), Found::Nothing);
            prop_assert_eq!(read.find(&bytes), data(&content));
            prop_assert_eq!(read.answer_bytes(content.len()), bytes.len());
            prop_assert_eq!(read.find(&read.encode()), Found::Nothing, "an echo is no answer");
        }
    }
}
