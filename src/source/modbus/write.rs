//! The frames that change something in a machine: function codes 5, 6 and 16. Pure.
//!
//! The rule: only `cloudward write` names this file, and tests/architecture.rs keeps that. One value is one request, so
//! that a device takes it as a whole or not at all.

use super::decode::Answer;
use super::frame::{Envelope, Found, ascii, crc, meaning};
use crate::config::modbus::{Address, Table};

/// One value for one place of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest {
    /// Only counts on TCP.
    pub transaction: u16,
    /// Whom.
    pub unit: u8,
    /// Where; a coil or a holding register.
    pub address: Address,
    /// What: one coil, or all registers of the value.
    pub value: Answer,
}

impl WriteRequest {
    /// The request as it travels; `None` where there is no such request: another table, several coils, no registers or
    /// more than [`MAX_WRITTEN_REGISTERS`](crate::config::MAX_WRITTEN_REGISTERS).
    pub fn encode(&self, envelope: Envelope) -> Option<Vec<u8>> {
        Some(self.wrap(envelope, &self.body()?))
    }

    /// Bytes of the answer on the wire.
    pub fn answer_bytes(&self, envelope: Envelope) -> usize {
        match envelope {
            Envelope::Tcp => 12,
            Envelope::Rtu => 8,
            Envelope::Ascii => 17,
        }
    }

    /// Looks for the answer: the device repeats address and value, or address and number of registers, and nothing else
    /// is it. An RS-485 adapter that echoes what is sent is taken for the answer to codes 5 and 6: read the value back.
    pub fn find(&self, envelope: Envelope, received: &[u8]) -> Found {
        let Some(body) = self.body() else { return Found::Broken };
        let good = self.wrap(envelope, &body[..6]);
        let refusal = |code: u8| self.wrap(envelope, &[self.unit, body[1] | 0x80, code]);
        let holds = |frame: &[u8]| match envelope {
            Envelope::Tcp => received.starts_with(frame),
            Envelope::Rtu | Envelope::Ascii => received.windows(frame.len()).any(|part| part == frame),
        };
        if holds(&good) {
            return Found::Answer(self.value.clone());
        }
        if let Some(code) = (0..=u8::MAX).find(|code| holds(&refusal(*code))) {
            return Found::Exception(meaning(code));
        }
        let may_become = |frame: &[u8]| frame.starts_with(received);
        match envelope {
            Envelope::Tcp if !may_become(&good) && !(0..=u8::MAX).any(|code| may_become(&refusal(code))) => {
                Found::Broken
            }
            _ => Found::Nothing,
        }
    }

    /// Unit, function code, address and what belongs to it (Modbus Application Protocol V1.1b3, 6.5, 6.6, 6.12). The
    /// answer is the first six bytes.
    fn body(&self) -> Option<Vec<u8>> {
        let [high, low] = self.address.offset.to_be_bytes();
        let head = |function: u8, word: u16| {
            let [first, second] = word.to_be_bytes();
            vec![self.unit, function, high, low, first, second]
        };
        match (self.address.table, &self.value) {
            (Table::Coil, Answer::Bits(bits)) => match bits[..] {
                [bit] => Some(head(5, if bit { 0xff00 } else { 0 })),
                _ => None,
            },
            (Table::Holding, Answer::Registers(words)) => match words[..] {
                [word] => Some(head(6, word)),
                [] => None,
                _ => {
                    let count = u16::try_from(words.len()).ok()?;
                    if count > crate::config::MAX_WRITTEN_REGISTERS {
                        return None;
                    }
                    let mut body = head(16, count);
                    body.push(u8::try_from(2 * count).ok()?);
                    body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
                    Some(body)
                }
            },
            _ => None,
        }
    }

    fn wrap(&self, envelope: Envelope, body: &[u8]) -> Vec<u8> {
        match envelope {
            Envelope::Tcp => {
                let length = u16::try_from(body.len()).expect("a body is shorter than 256 bytes");
                [&self.transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), body].concat()
            }
            Envelope::Rtu => [body, &crc(body)].concat(),
            Envelope::Ascii => ascii(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Why;

    fn request(address: &str, value: Answer) -> WriteRequest {
        let address = Address::parse(address).expect("an address");
        WriteRequest { transaction: 0x0102, unit: 0x11, address, value }
    }

    const ENVELOPES: [Envelope; 3] = [Envelope::Tcp, Envelope::Rtu, Envelope::Ascii];

    /// The examples of the standard.
    #[test]
    fn requests_are_those_of_the_standard() {
        let check = |request: &WriteRequest, pdu: &[u8]| {
            let bytes = request.encode(Envelope::Tcp).expect("there is such a request");
            assert_eq!((&bytes[..4], &bytes[7..]), (&[1, 2, 0, 0][..], pdu));
            assert_eq!(usize::from(bytes[5]), pdu.len() + 1);
        };
        check(&request("coil:172", Answer::Bits(vec![true])), &[5, 0, 0xac, 0xff, 0]);
        check(&request("coil:172", Answer::Bits(vec![false])), &[5, 0, 0xac, 0, 0]);
        check(&request("holding:1", Answer::Registers(vec![3])), &[6, 0, 1, 0, 3]);
        let two = Answer::Registers(vec![0x000a, 0x0102]);
        check(&request("holding:1", two), &[16, 0, 1, 0, 2, 4, 0, 10, 1, 2]);
    }

    #[test]
    fn what_no_request_can_write_is_none() {
        for (address, value) in [
            ("discrete:1", Answer::Bits(vec![true])),
            ("input:1", Answer::Registers(vec![1])),
            ("coil:1", Answer::Bits(vec![true, true])),
            ("coil:1", Answer::Registers(vec![1])),
            ("holding:1", Answer::Bits(vec![true])),
            ("holding:1", Answer::Registers(Vec::new())),
            ("holding:1", Answer::Registers(vec![0; 124])),
        ] {
            assert_eq!(request(address, value.clone()).encode(Envelope::Rtu), None, "{address} {value:?}");
        }
        assert!(request("holding:1", Answer::Registers(vec![0; 123])).encode(Envelope::Tcp).is_some());
    }

    #[test]
    fn only_the_whole_answer_to_this_request_is_one() {
        for envelope in ENVELOPES {
            for (address, value) in [
                ("coil:172", Answer::Bits(vec![true])),
                ("holding:1", Answer::Registers(vec![3])),
                ("holding:1", Answer::Registers(vec![10, 258])),
            ] {
                let request = request(address, value.clone());
                let answer = request.wrap(envelope, &request.body().expect("there is one")[..6]);
                assert_eq!(answer.len(), request.answer_bytes(envelope));
                assert_eq!(request.find(envelope, &answer), Found::Answer(value));
                for cut in 0..answer.len() {
                    assert_eq!(request.find(envelope, &answer[..cut]), Found::Nothing, "{envelope:?} {cut}");
                }
                for at in 0..answer.len() {
                    let mut wrong = answer.clone();
                    wrong[at] ^= 1;
                    let found = request.find(envelope, &wrong);
                    assert!(matches!(found, Found::Nothing | Found::Broken), "{envelope:?} {at} {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_is_understood_and_noise_before_it_on_a_serial_line_is_passed_over() {
        let request = request("holding:1", Answer::Registers(vec![3]));
        for envelope in ENVELOPES {
            let mut refusal = request.wrap(envelope, &[0x11, 0x86, 2]);
            assert_eq!(request.find(envelope, &refusal), Found::Exception(Why::IllegalAddress));
            refusal.insert(0, 0);
            let found = request.find(envelope, &refusal);
            match envelope {
                Envelope::Tcp => assert_eq!(found, Found::Broken),
                _ => assert_eq!(found, Found::Exception(Why::IllegalAddress)),
            }
        }
    }
}
