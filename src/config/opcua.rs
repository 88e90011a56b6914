//! OPC UA words of the configuration: servers, how the way to them is protected, and nodes. What a node is called stands in
//! [`NodeAddress`].

mod address;

pub use address::{BadNode, Namespace, NodeAddress, NodeIdentifier};

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::SecretSource;
use crate::model::ValueKind;

/// `opcua = "opc.tcp://..."`: a server, and as whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpcUaServer {
    /// With its port: `opc.tcp://192.168.1.20:4840/UA/Server`.
    pub url: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How messages are protected.
    pub mode: SecurityMode,
    /// With which algorithms; `None`: the best that the server offers.
    pub policy: Option<Policy>,
    /// Who asks.
    pub user: User,
    /// What is known of servers of its kind.
    pub profile: ServerProfile,
    /// Items per call; `None`: what the server says of itself, else [`OpcUaServer::USUAL_ITEMS`].
    pub max_items: Option<usize>,
}

impl OpcUaServer {
    /// Registered for `opc.tcp` (Part 6, 7.2).
    pub const DEFAULT_PORT: u16 = 4840;

    /// Items per call where neither the configuration nor the server say: a request of them is below 100 kB.
    pub const USUAL_ITEMS: usize = 1_000;
}

/// How messages are protected (Part 4, 7.20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityMode {
    /// Not at all: only when spelled out.
    None,
    /// Nobody can change them, everybody can read them.
    Sign,
    /// Nobody can change or read them.
    SignAndEncrypt,
}

impl SecurityMode {
    /// All of them.
    pub const ALL: [SecurityMode; 3] = [SecurityMode::SignAndEncrypt, SecurityMode::Sign, SecurityMode::None];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            SecurityMode::None => "none",
            SecurityMode::Sign => "sign",
            SecurityMode::SignAndEncrypt => "sign_and_encrypt",
        }
    }

    /// The mode with this word.
    pub fn parse(word: &str) -> Option<SecurityMode> {
        SecurityMode::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Security policies that are still good (Part 7, 6.6). Basic128Rsa15 and Basic256 rest on SHA-1 and are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// RSA-OAEP, AES-256-CBC, SHA-256, PSS signatures.
    Aes256Sha256RsaPss,
    /// RSA-OAEP, AES-128-CBC, SHA-256.
    Aes128Sha256RsaOaep,
    /// RSA-OAEP, AES-256-CBC, SHA-256: what most servers have.
    Basic256Sha256,
}

impl Policy {
    /// All of them, the best one first.
    pub const ALL: [Policy; 3] = [Policy::Aes256Sha256RsaPss, Policy::Aes128Sha256RsaOaep, Policy::Basic256Sha256];

    /// The word in the configuration: the end of the policy's URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Aes256Sha256RsaPss => "Aes256_Sha256_RsaPss",
            Policy::Aes128Sha256RsaOaep => "Aes128_Sha256_RsaOaep",
            Policy::Basic256Sha256 => "Basic256Sha256",
        }
    }

    /// The policy with this word.
    pub fn parse(word: &str) -> Option<Policy> {
        Policy::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// Who asks a server (Part 4, 7.40). The application shows its own certificate besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// Nobody in particular.
    Anonymous,
    /// A name and a password.
    Password {
        /// The name.
        name: String,
        /// Where the password is.
        password: SecretSource,
    },
    /// A certificate of the user.
    Certificate {
        /// In PEM or DER.
        file: PathBuf,
        /// Where its private key is.
        key: SecretSource,
    },
}

/// Servers whose limits are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerProfile {
    /// Nothing is known.
    Generic,
    /// Siemens S7-1200.
    S71200,
    /// Siemens S7-1500.
    S71500,
    /// PTC Kepware KEPServerEX.
    KepServerEx,
    /// A PLC with the CODESYS runtime.
    Codesys,
}

impl ServerProfile {
    /// All of them.
    pub const ALL: [ServerProfile; 5] = [
        ServerProfile::Generic,
        ServerProfile::S71200,
        ServerProfile::S71500,
        ServerProfile::KepServerEx,
        ServerProfile::Codesys,
    ];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            ServerProfile::Generic => "generic",
            ServerProfile::S71200 => "s7-1200",
            ServerProfile::S71500 => "s7-1500",
            ServerProfile::KepServerEx => "kepserverex",
            ServerProfile::Codesys => "codesys",
        }
    }

    /// The profile with this word.
    pub fn parse(word: &str) -> Option<ServerProfile> {
        ServerProfile::ALL.into_iter().find(|profile| profile.as_str() == word)
    }
}

/// A value of a server: which one, and how it is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Which one.
    pub address: NodeAddress,
    /// What is made of its value, before scaling.
    pub kind: ValueKind,
    /// Only these elements of an array: `0:9` (Part 4, 7.27).
    pub index: Option<String>,
    /// Whether the server sends it; otherwise it is read every period.
    pub is_subscribed: bool,
    /// How often the server looks at it.
    pub sampling: Duration,
    /// Values that the server keeps between two publishings.
    pub queue: u32,
    /// What makes the server send it.
    pub trigger: Trigger,
    /// How far it may move before the server sends it.
    pub server_deadband: Option<ServerDeadband>,
}

impl Node {
    /// Values that the server is asked to keep, at most; a client that is away so long has a session no more.
    pub const MAX_QUEUE: u32 = 1_000;

    /// Bytes of a text, at most. It travels with every reading, and a scan is never split over messages.
    pub const MAX_TEXT: usize = 1_000;

    /// Bytes of an array or structure in JSON, at most: some hundreds of numbers.
    pub const MAX_JSON: usize = 8_000;

    /// Values that come while the server publishes once.
    pub fn usual_queue(every: Duration, sampling: Duration) -> u32 {
        let values = every.as_millis().div_ceil(sampling.as_millis().max(1));
        u32::try_from(values).unwrap_or(Node::MAX_QUEUE).clamp(1, Node::MAX_QUEUE)
    }
}

/// What makes a server send a value (Part 4, 7.22.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its status.
    Status,
    /// Its status or the value itself.
    StatusValue,
    /// Any of them, or its source timestamp alone.
    StatusValueTimestamp,
}

impl Trigger {
    /// All of them.
    pub const ALL: [Trigger; 3] = [Trigger::Status, Trigger::StatusValue, Trigger::StatusValueTimestamp];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Status => "status",
            Trigger::StatusValue => "status_value",
            Trigger::StatusValueTimestamp => "status_value_timestamp",
        }
    }

    /// The trigger with this word.
    pub fn parse(word: &str) -> Option<Trigger> {
        Trigger::ALL.into_iter().find(|trigger| trigger.as_str() == word)
    }
}

/// How far a value may move before its server sends it, as the server counts it: before scaling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServerDeadband {
    /// By more than this (Part 4, 7.22.2).
    Absolute(f64),
    /// By more than this share of its EURange, in percent (Part 8, 7.2).
    PercentOfRange(f64),
}

/// `0:9` or `0:9, 3`: one range per dimension (Part 4, 7.27).
pub(super) fn is_index_range(text: &str) -> bool {
    const MAX_DIMENSIONS: usize = 8;
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| is_plain)
    };
    let is_range = |text: &str| match text.split_once(':') {
        None => number(text).is_some(),
        Some((first, last)) => matches!((number(first), number(last)), (Some(first), Some(last)) if first < last),
    };
    text.split(',').count() <= MAX_DIMENSIONS && text.split(',').all(is_range)
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.index {
            Some(index) => write!(f, "{} [{index}]", self.address),
            None => self.address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_an_array_is_understood_as_the_standard_writes_it() {
        for text in ["0", "6", "5:7", "0:9,3", "1:2,0:1,0:2", "4294967295"] {
            assert!(is_index_range(text), "{text}");
        }
        for text in
            ["", "-1", "7:5", "5:5", "0:", ":9", "0-9", "0:9,", "0:9;1", "1:2:3", "4294967296", "+1", " 1", "一"]
        {
            assert!(!is_index_range(text), "{text}");
        }
    }

    #[test]
    fn the_queue_holds_what_is_sampled_between_two_publishings() {
        let ms = Duration::from_millis;
        for (every, sampling, expected) in
            [(1_000, 1_000, 1), (1_000, 500, 2), (1_000, 300, 4), (500, 1_000, 1), (86_400_000, 1, 1_000)]
        {
            assert_eq!(Node::usual_queue(ms(every), ms(sampling)), expected, "{every} {sampling}");
        }
        assert_eq!(Node::usual_queue(ms(10), Duration::ZERO), 10, "as fast as the server can");
    }
}
