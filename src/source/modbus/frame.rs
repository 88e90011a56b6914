//! Modbus frames: what goes on the wire and what comes back. Pure. Three envelopes around the same request and answer:
//! TCP (MBAP header), RTU (CRC) and ASCII (LRC).
//!
//! The rule: an answer is found by what was asked. Unit, function code and length are known before the first byte comes,
//! so split and merged frames, echoes, heartbeats and line noise are passed over until exactly that answer stands there
//! with a correct checksum. Nothing here panics on any bytes.

use super::decode::Answer;
use super::plan::Block;
use crate::config::Transport;
use crate::model::Why;

/// How a frame is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// MBAP header with a transaction id (Modbus Messaging on TCP/IP V1.0b, 3.1.3).
    Tcp,
    /// Binary with CRC-16 (Modbus over Serial Line V1.02, 2.5.1).
    Rtu,
    /// Hexadecimal with LRC between `:` and CR LF (the same, 2.5.2).
    Ascii,
}

impl Transport {
    /// How frames are wrapped on it.
    pub fn envelope(&self) -> Envelope {
        match self {
            // An OPC UA server is sent none of these.
            Transport::ModbusTcp { .. } | Transport::OpcUa(_) => Envelope::Tcp,
            Transport::RtuOverTcp { .. } | Transport::RtuListen { .. } => Envelope::Rtu,
            Transport::Serial(line) if line.is_ascii => Envelope::Ascii,
            Transport::Serial(_) => Envelope::Rtu,
        }
    }
}

/// A request: one block of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Only counts on TCP; serial lines have no such number.
    pub transaction: u16,
    /// Whom.
    pub unit: u8,
    /// What.
    pub block: Block,
}

/// What stands in the bytes received so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<A = Answer> {
    /// No answer yet. More bytes may complete one.
    Nothing,
    /// The answer.
    Answer(A),
    /// The unit says no (Modbus Application Protocol V1.1b3, 7).
    Exception(Why),
    /// This can never become the answer: the stream is not to be trusted any more.
    Broken,
}

/// Bytes that may wait for their answer to be completed. A DTU's heartbeats and an echo are far below; a peer that floods
/// the line is not worth listening to.
pub const MAX_WAITING: usize = 4_096;

impl Query {
    /// The request as it travels.
    pub fn encode(&self, envelope: Envelope) -> Vec<u8> {
        let [start_high, start_low] = self.block.start.to_be_bytes();
        let [count_high, count_low] = self.block.count.to_be_bytes();
        let pdu = [self.unit, self.block.table.function_code(), start_high, start_low, count_high, count_low];
        match envelope {
            Envelope::Tcp => {
                let [high, low] = self.transaction.to_be_bytes();
                [&[high, low, 0, 0, 0, 6], &pdu[..]].concat()
            }
            Envelope::Rtu => [&pdu[..], &crc(&pdu)].concat(),
            Envelope::Ascii => ascii(&pdu),
        }
    }

    /// Looks for the answer in what was received since the request was sent.
    pub fn find(&self, envelope: Envelope, received: &[u8]) -> Found {
        match envelope {
            Envelope::Tcp => self.find_tcp(received),
            Envelope::Rtu => self.find_rtu(received),
            Envelope::Ascii => self.find_ascii(received),
        }
    }

    /// Bytes of the answer on the wire.
    pub fn answer_bytes(&self, envelope: Envelope) -> usize {
        let body = 3 + self.data_bytes();
        match envelope {
            Envelope::Tcp => 6 + body,
            Envelope::Rtu => body + 2,
            Envelope::Ascii => 1 + 2 * (body + 1) + 2,
        }
    }

    fn find_tcp(&self, received: &[u8]) -> Found {
        const HEADER: usize = 6;
        let Some(header) = received.first_chunk::<HEADER>() else { return Found::Nothing };
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        // Protocol 0 is Modbus; a PDU has at most 253 bytes and the unit one more.
        if header[2..4] != [0, 0] || !(3..=254).contains(&length) {
            return Found::Broken;
        }
        let Some(body) = received.get(HEADER..HEADER + length) else { return Found::Nothing };
        let is_ours = header[..2] == self.transaction.to_be_bytes() && body[0] == self.unit;
        if is_ours { self.understand(body).unwrap_or(Found::Broken) } else { Found::Broken }
    }

    /// Tries every place: the answer is where unit, function code, length and CRC all fit.
    fn find_rtu(&self, received: &[u8]) -> Found {
        const EXCEPTION: usize = 5;
        let whole = self.answer_bytes(Envelope::Rtu);
        for start in 0..received.len() {
            let rest = &received[start..];
            if rest[0] != self.unit {
                continue;
            }
            for length in [whole, EXCEPTION] {
                let Some(frame) = rest.get(..length) else { continue };
                let (body, check) = frame.split_at(length - 2);
                if check == crc(body)
                    && let Some(found) = self.understand(body)
                {
                    return found;
                }
            }
        }
        if received.len() > MAX_WAITING { Found::Broken } else { Found::Nothing }
    }

    fn find_ascii(&self, received: &[u8]) -> Found {
        for line in received.split_inclusive(|byte| *byte == b'\n') {
            let Some(begin) = line.iter().rposition(|byte| *byte == b':') else { continue };
            let Some(digits) = line[begin + 1..].strip_suffix(b"\r\n") else { continue };
            let Some(bytes) = from_hex(digits) else { continue };
            let Some((check, body)) = bytes.split_last() else { continue };
            if *check == lrc(body)
                && body.first() == Some(&self.unit)
                && let Some(found) = self.understand(body)
            {
                return found;
            }
        }
        if received.len() > MAX_WAITING { Found::Broken } else { Found::Nothing }
    }

    /// Unit, function code and data, with a length that is known to be right on the outside. `None`: not the answer.
    fn understand(&self, body: &[u8]) -> Option<Found> {
        let function = self.block.table.function_code();
        match *body {
            [_, code, exception] if code == function | 0x80 => Some(Found::Exception(meaning(exception))),
            [_, code, count, ref data @ ..] if code == function => {
                let fits = usize::from(count) == self.data_bytes() && data.len() == self.data_bytes();
                fits.then(|| Found::Answer(self.data(data)))
            }
            _ => None,
        }
    }

    fn data_bytes(&self) -> usize {
        let count = usize::from(self.block.count);
        if self.block.table.is_bits() { count.div_ceil(8) } else { count * 2 }
    }

    fn data(&self, data: &[u8]) -> Answer {
        if self.block.table.is_bits() {
            let bit = |n: usize| data[n / 8] >> (n % 8) & 1 == 1;
            Answer::Bits((0..usize::from(self.block.count)).map(bit).collect())
        } else {
            Answer::Registers(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
        }
    }
}

/// Exception codes by their meaning (Modbus Application Protocol V1.1b3, 7).
pub(super) fn meaning(exception: u8) -> Why {
    match exception {
        0x01 => Why::IllegalFunction,
        0x02 => Why::IllegalAddress,
        0x03 => Why::IllegalValue,
        0x04 => Why::DeviceFailure,
        0x05 => Why::Acknowledge,
        0x06 => Why::DeviceBusy,
        0x08 => Why::MemoryParity,
        0x0A => Why::GatewayPath,
        0x0B => Why::GatewayTarget,
        _ => Why::UnknownException,
    }
}

/// CRC-16 of the serial line, low byte first as it travels (Modbus over Serial Line V1.02, 6.2.2).
pub fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc = 0xffff_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xa001 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

/// Longitudinal redundancy check: the two's complement of the sum (the same, 6.2.1).
fn lrc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

/// A body in ASCII, with its check.
pub(super) fn ascii(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![b':'];
    for byte in body.iter().chain([&lrc(body)]) {
        frame.extend(format!("{byte:02X}").bytes());
    }
    frame.extend(b"\r\n");
    frame
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::try_from(value(pair[0])? << 4 | value(pair[1])?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::modbus::Table;
    use proptest::prelude::*;

    const ENVELOPES: [Envelope; 3] = [Envelope::Tcp, Envelope::Rtu, Envelope::Ascii];

    fn query(table: Table, start: u16, count: u16) -> Query {
        Query { transaction: 0x0102, unit: 0x11, block: Block { table, start, count } }
    }

    /// What a device that keeps the standard answers.
    fn answer(query: &Query, envelope: Envelope, body: &[u8]) -> Vec<u8> {
        let body = [&[query.unit], body].concat();
        match envelope {
            Envelope::Tcp => {
                let header = [query.transaction.to_be_bytes(), [0, 0], (body.len() as u16).to_be_bytes()].concat();
                [header, body].concat()
            }
            Envelope::Rtu => [&body[..], &crc(&body)].concat(),
            Envelope::Ascii => ascii(&body),
        }
    }

    /// The examples of the standards.
    #[test]
    fn requests_are_those_of_the_standard() {
        let read = query(Table::Holding, 0x006B, 3);
        assert_eq!(read.encode(Envelope::Tcp), [1, 2, 0, 0, 0, 6, 0x11, 3, 0, 0x6B, 0, 3]);
        assert_eq!(read.encode(Envelope::Rtu), [0x11, 3, 0, 0x6B, 0, 3, 0x76, 0x87]);
        assert_eq!(read.encode(Envelope::Ascii), b":1103006B00037E\r\n");
        assert_eq!(crc(&[0x02, 0x07]), [0x41, 0x12], "the example of 6.2.2");
    }

    #[test]
    fn registers_and_bits_are_found_in_every_envelope() {
        for envelope in ENVELOPES {
            let read = query(Table::Holding, 0x6B, 3);
            let bytes = answer(&read, envelope, &[3, 6, 0x02, 0x2B, 0x00, 0x00, 0x00, 0x64]);
            assert_eq!(bytes.len(), read.answer_bytes(envelope), "{envelope:?}");
            assert_eq!(read.find(envelope, &bytes), Found::Answer(Answer::Registers(vec![0x022B, 0, 0x64])));
            let read = query(Table::Coil, 0x13, 11);
            let bytes = answer(&read, envelope, &[1, 2, 0xCD, 0x05]);
            let bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1].map(|bit| bit == 1).to_vec();
            assert_eq!(read.find(envelope, &bytes), Found::Answer(Answer::Bits(bits)));
        }
    }

    #[test]
    fn exceptions_are_found_in_every_envelope() {
        for envelope in ENVELOPES {
            for (code, why) in [
                (1, Why::IllegalFunction),
                (2, Why::IllegalAddress),
                (0x0B, Why::GatewayTarget),
                (0x55, Why::UnknownException),
            ] {
                let read = query(Table::Input, 0, 1);
                assert_eq!(
                    read.find(envelope, &answer(&read, envelope, &[0x84, code])),
                    Found::Exception(why),
                    "{envelope:?}"
                );
            }
        }
    }

    #[test]
    fn on_serial_lines_the_answer_is_found_behind_noise_echoes_and_heartbeats() {
        let read = query(Table::Holding, 0, 2);
        let wanted = Found::Answer(Answer::Registers(vec![1, 2]));
        for envelope in [Envelope::Rtu, Envelope::Ascii] {
            let good = answer(&read, envelope, &[3, 4, 0, 1, 0, 2]);
            let mut damaged = good.clone();
            damaged[4] ^= 1;
            for before in [&b"\x00\xff\x11"[..], b"HEARTBEAT", &read.encode(envelope), &damaged, &good[..5]] {
                assert_eq!(
                    read.find(envelope, &[before, &good, b"PING"].concat()),
                    wanted,
                    "{envelope:?} {before:02x?}"
                );
            }
        }
    }

    #[test]
    fn an_answer_to_another_question_is_not_taken() {
        let read = query(Table::Holding, 0, 2);
        let others = [
            Query { unit: 0x12, ..read },
            Query { block: Block { table: Table::Input, ..read.block }, ..read },
            Query { block: Block { count: 3, ..read.block }, ..read },
            Query { transaction: 0x0103, ..read },
        ];
        for (n, other) in others.iter().enumerate() {
            let data = vec![0; 2 * usize::from(other.block.count)];
            let body = [&[other.block.table.function_code(), data.len() as u8], &data[..]].concat();
            assert_eq!(read.find(Envelope::Tcp, &answer(other, Envelope::Tcp, &body)), Found::Broken);
            if n < 3 {
                // Serial lines have no transaction: the last one is for the line's silence to keep apart.
                assert_eq!(read.find(Envelope::Rtu, &answer(other, Envelope::Rtu, &body)), Found::Nothing);
                assert_eq!(read.find(Envelope::Ascii, &answer(other, Envelope::Ascii, &body)), Found::Nothing);
            }
        }
    }

    #[test]
    fn another_protocol_on_the_port_is_seen_at_once() {
        let read = query(Table::Holding, 0, 1);
        assert_eq!(read.find(Envelope::Tcp, b"HTTP/1.1 400 Bad Request\r\n"), Found::Broken);
        assert_eq!(
            read.find(Envelope::Tcp, &[1, 2, 0, 0, 0xff, 0xff, 0x11]),
            Found::Broken,
            "a length that no PDU has"
        );
        assert_eq!(read.find(Envelope::Tcp, &[1, 2, 0, 0]), Found::Nothing);
    }

    #[test]
    fn a_flood_ends_the_waiting() {
        for envelope in [Envelope::Rtu, Envelope::Ascii] {
            assert_eq!(query(Table::Holding, 0, 1).find(envelope, &[0x11; MAX_WAITING + 1]), Found::Broken);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_none_but_the_right_length_are_an_answer(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            count in 1_u16..=125,
        ) {
            for envelope in ENVELOPES {
                for table in Table::ALL {
                    if let Found::Answer(found) = query(table, 0, count).find(envelope, &bytes) {
                        let length = match found { Answer::Bits(bits) => bits.len(), Answer::Registers(words) => words.len() };
                        prop_assert_eq!(length, usize::from(count));
                    }
                }
            }
        }

        #[test]
        fn split_anywhere_an_answer_is_found_when_it_is_complete_and_not_before(
            words in proptest::collection::vec(any::<u16>(), 1..=125),
            cut in 0_usize..300,
        ) {
            let read = query(Table::Holding, 7, words.len() as u16);
            let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let body = [&[3, data.len() as u8], &data[..]].concat();
            for envelope in ENVELOPES {
                let bytes = answer(&read, envelope, &body);
                let part = &bytes[..cut.min(bytes.len() - 1)];
                prop_assert_eq!(read.find(envelope, part), Found::Nothing);
                prop_assert_eq!(read.find(envelope, &bytes), Found::Answer(Answer::Registers(words.clone())));
            }
        }
    }
}
