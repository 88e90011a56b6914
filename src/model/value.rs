//! Value, Why, Reading. No value travels without its quality, and a bad reading has no value.

use std::fmt;

/// One measured value. `F32` stays apart from `F64` so that a device's `231.5f32` is printed as `231.5`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A coil, a discrete input, a bit.
    Bool(bool),
    /// A signed whole number.
    I64(i64),
    /// A whole number that may exceed `i64`.
    U64(u64),
    /// A single-precision float as the device sent it.
    F32(f32),
    /// A double, or any scaled number.
    F64(f64),
    /// Text.
    Text(Box<str>),
    /// An array or a structure, as valid JSON text.
    Json(Box<str>),
}

impl Value {
    /// The number behind the value (`true` is 1), or `None` for text and JSON.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            Value::I64(n) => Some(*n as f64),
            Value::U64(n) => Some(*n as f64),
            Value::F32(x) => Some(f64::from(*x)),
            Value::F64(x) => Some(*x),
            Value::Text(_) | Value::Json(_) => None,
        }
    }

    /// The text behind the value, be it JSON, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Json(text) => Some(text),
            Value::Bool(_) | Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(v) => v.fmt(f),
            Value::I64(v) => v.fmt(f),
            Value::U64(v) => v.fmt(f),
            Value::F32(v) => v.fmt(f),
            Value::F64(v) => v.fmt(f),
            Value::Text(v) | Value::Json(v) => v.fmt(f),
        }
    }
}

/// What was found out about one tag at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// The device said so.
    Good(Value),
    /// The device said so, but there is a reason for doubt.
    Uncertain(Value, Why),
    /// There is no value, and this is why.
    Bad(Why),
}

/// Why a reading is not good. The words are part of the payload and the numbers part of the journal: both are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Why {
    /// No answer within the deadline.
    Timeout = 1,
    /// No connection: no route, name not found, connect timed out.
    Unreachable = 2,
    /// The host answered, but nobody listens on the port.
    Refused = 3,
    /// The peer closed the connection.
    Closed = 4,
    /// The answer was not what the protocol allows.
    Malformed = 5,
    /// It was not asked: the agent was stopping, or others on the line had to be asked first.
    NotAsked = 6,
    /// Modbus exception 1.
    IllegalFunction = 11,
    /// Modbus exception 2.
    IllegalAddress = 12,
    /// Modbus exception 3.
    IllegalValue = 13,
    /// Modbus exception 4.
    DeviceFailure = 14,
    /// Modbus exception 5.
    Acknowledge = 15,
    /// Modbus exception 6.
    DeviceBusy = 16,
    /// Modbus exception 8.
    MemoryParity = 18,
    /// Modbus exception 0x0A.
    GatewayPath = 20,
    /// Modbus exception 0x0B.
    GatewayTarget = 21,
    /// Modbus exception of a number that the standard does not name.
    UnknownException = 22,
    /// A float that is not a number, or infinite.
    NotANumber = 30,
    /// Bytes that are no text of the tag's encoding, or digits that are none (BCD).
    BadEncoding = 31,
    /// A number without a name in the tag's `values`.
    Unmapped = 32,
    /// The OPC UA server knows no such node.
    NodeUnknown = 40,
    /// The OPC UA server does not let this user read the node.
    AccessDenied = 41,
    /// The value is not of the tag's type.
    WrongType = 42,
    /// The OPC UA server has no value of the node yet.
    NoData = 43,
    /// A bad OPC UA status code that none of the other reasons stands for.
    BadStatus = 44,
    /// The last value that the OPC UA server had before it lost its own source.
    LastKnown = 45,
    /// An uncertain OPC UA status code that none of the other reasons stands for.
    UncertainStatus = 46,
    /// One side does not trust the other's certificate.
    Untrusted = 47,
    /// The server refuses the user or its password.
    IdentityRefused = 48,
    /// The server has too many sessions, subscriptions or items already.
    Overload = 49,
    /// A text or structure that is longer than a message may carry.
    TooLong = 50,
}

impl Why {
    /// All reasons.
    pub const ALL: [Why; 30] = [
        Why::Timeout,
        Why::Unreachable,
        Why::Refused,
        Why::Closed,
        Why::Malformed,
        Why::NotAsked,
        Why::IllegalFunction,
        Why::IllegalAddress,
        Why::IllegalValue,
        Why::DeviceFailure,
        Why::Acknowledge,
        Why::DeviceBusy,
        Why::MemoryParity,
        Why::GatewayPath,
        Why::GatewayTarget,
        Why::UnknownException,
        Why::NotANumber,
        Why::BadEncoding,
        Why::Unmapped,
        Why::NodeUnknown,
        Why::AccessDenied,
        Why::WrongType,
        Why::NoData,
        Why::BadStatus,
        Why::LastKnown,
        Why::UncertainStatus,
        Why::Untrusted,
        Why::IdentityRefused,
        Why::Overload,
        Why::TooLong,
    ];

    /// The word in payloads: lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Timeout => "timeout",
            Why::Unreachable => "unreachable",
            Why::Refused => "refused",
            Why::Closed => "closed",
            Why::Malformed => "malformed",
            Why::NotAsked => "not_asked",
            Why::IllegalFunction => "illegal_function",
            Why::IllegalAddress => "illegal_address",
            Why::IllegalValue => "illegal_value",
            Why::DeviceFailure => "device_failure",
            Why::Acknowledge => "acknowledge",
            Why::DeviceBusy => "device_busy",
            Why::MemoryParity => "memory_parity",
            Why::GatewayPath => "gateway_path",
            Why::GatewayTarget => "gateway_target",
            Why::UnknownException => "unknown_exception",
            Why::NotANumber => "not_a_number",
            Why::BadEncoding => "bad_encoding",
            Why::Unmapped => "unmapped",
            Why::NodeUnknown => "node_unknown",
            Why::AccessDenied => "access_denied",
            Why::WrongType => "wrong_type",
            Why::NoData => "no_data",
            Why::BadStatus => "bad_status",
            Why::LastKnown => "last_known",
            Why::UncertainStatus => "uncertain_status",
            Why::Untrusted => "untrusted",
            Why::IdentityRefused => "identity_refused",
            Why::Overload => "overload",
            Why::TooLong => "too_long",
        }
    }

    /// The number in the journal.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The reason with this number, if there is one.
    pub fn from_number(number: u8) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.number() == number)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_its_own_number_and_word() {
        let words: HashSet<_> = Why::ALL.iter().map(|w| w.as_str()).collect();
        assert_eq!(words.len(), Why::ALL.len());
        for why in Why::ALL {
            assert_eq!(Why::from_number(why.number()), Some(why));
        }
        assert_eq!(Why::from_number(0), None);
    }
}
