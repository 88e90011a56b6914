//! NodeAddress: what a node is called, in the text form of the standard (OPC UA Part 6, 5.3.1.10 and 5.3.1.11). A namespace
//! is best named by its URI: its number may change when the server is restarted with other parts.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Which node of a server: a namespace and an identifier in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress {
    /// Who gave it its name.
    pub namespace: Namespace,
    /// The name.
    pub id: NodeIdentifier,
}

/// Who gives names to nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Its place in the server's table; 0 is the standard itself.
    Index(u16),
    /// Its URI, which is looked up in the server's table at each connect.
    Uri(String),
}

/// The name of a node in its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeIdentifier {
    /// `i=`
    Numeric(u32),
    /// `s=`
    Text(String),
    /// `g=`: 8-4-4-4-12 digits in lower case.
    Guid(String),
    /// `b=`
    Opaque(Vec<u8>),
}

/// Why a text is no address of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadNode {
    /// There is no `i=`, `s=`, `g=` or `b=` where one should stand.
    Identifier,
    /// What follows `ns=` is no number from 0 to 65535.
    NamespaceIndex,
    /// What follows `nsu=` is no URI, or has a semicolon in it.
    NamespaceUri,
    /// What follows `i=` is no number from 0 to 4294967295.
    Number,
    /// What follows `s=` is empty, too long, or has control characters in it.
    Text,
    /// What follows `g=` is no GUID.
    Guid,
    /// What follows `b=` is no Base64, or empty, or too long.
    Opaque,
    /// The null node, which is nothing.
    Null,
}

/// The namespace of the standard: always the first of a server's table.
const STANDARD_URI: &str = "http://opcfoundation.org/UA/";

/// Characters of a text, bytes of an opaque identifier, characters of a URI (Part 3, 8.2.4).
const LONGEST: usize = 4_096;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl NodeAddress {
    /// Understands `i=85`, `ns=2;s=Text`, `nsu=http://maker/;s=Text`, and `g=` (GUID) or `b=` (Base64) in place of `s=`. In
    /// a URI a semicolon is written `%3B`, and a percent sign `%25` where the two would be confused.
    pub fn parse(text: &str) -> Option<NodeAddress> {
        NodeAddress::read(text).ok()
    }

    /// The same, saying what is wrong.
    pub fn read(text: &str) -> Result<NodeAddress, BadNode> {
        let text = text.trim_start();
        let (namespace, rest) = if let Some(rest) = text.strip_prefix("nsu=") {
            let (uri, rest) = rest.split_once(';').ok_or(BadNode::NamespaceUri)?;
            let uri = uri.trim_end().replace("%3B", ";").replace("%3b", ";").replace("%25", "%");
            let has_blanks = uri.contains(|c: char| c.is_whitespace() || c.is_control());
            let is_uri = !uri.is_empty() && uri.chars().count() <= LONGEST && !has_blanks;
            if !is_uri || NodeIdentifier::read(rest) == Err(BadNode::Identifier) {
                return Err(BadNode::NamespaceUri); // a semicolon of the URI ends it too early
            }
            let is_standard = uri == STANDARD_URI;
            (if is_standard { Namespace::Index(0) } else { Namespace::Uri(uri) }, rest)
        } else if let Some(rest) = text.strip_prefix("ns=") {
            let (index, rest) = rest.split_once(';').ok_or(BadNode::NamespaceIndex)?;
            (Namespace::Index(number(index).ok_or(BadNode::NamespaceIndex)?), rest)
        } else {
            (Namespace::Index(0), text.strip_prefix(';').unwrap_or(text))
        };
        let id = NodeIdentifier::read(rest)?;
        let is_null = namespace == Namespace::Index(0) && id.is_zero();
        if is_null { Err(BadNode::Null) } else { Ok(NodeAddress { namespace, id }) }
    }
}

impl NodeIdentifier {
    fn read(text: &str) -> Result<NodeIdentifier, BadNode> {
        let (kind, value) = text.split_once('=').ok_or(BadNode::Identifier)?;
        match kind {
            "i" => number(value).map(NodeIdentifier::Numeric).ok_or(BadNode::Number),
            "s" => {
                // Blanks at the end may be a part of it: only the server knows.
                let is_text = !value.is_empty() && !value.contains(char::is_control);
                let fits = value.chars().count() <= LONGEST;
                if is_text && fits { Ok(NodeIdentifier::Text(value.to_owned())) } else { Err(BadNode::Text) }
            }
            "g" => guid(value.trim_end()).map(NodeIdentifier::Guid).ok_or(BadNode::Guid),
            "b" => {
                let bytes = BASE64.decode(value.trim_end()).map_err(|_| BadNode::Opaque)?;
                let fits = (1..=LONGEST).contains(&bytes.len());
                if fits { Ok(NodeIdentifier::Opaque(bytes)) } else { Err(BadNode::Opaque) }
            }
            _ => Err(BadNode::Identifier),
        }
    }

    /// What makes a node of the standard's namespace the null node (Part 6, 5.2.2.9).
    fn is_zero(&self) -> bool {
        match self {
            NodeIdentifier::Numeric(number) => *number == 0,
            NodeIdentifier::Guid(guid) => guid.bytes().all(|b| matches!(b, b'0' | b'-')),
            NodeIdentifier::Text(_) | NodeIdentifier::Opaque(_) => false,
        }
    }
}

/// Digits and nothing else.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    let text = text.trim_end();
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// `09087e75-8e5e-499b-954f-f2a9603db28a`, in lower case.
fn guid(text: &str) -> Option<String> {
    const PARTS: [usize; 5] = [8, 4, 4, 4, 12];
    let is_part = |(part, length): (&str, usize)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    let is_guid = text.split('-').count() == PARTS.len() && text.split('-').zip(PARTS).all(is_part);
    is_guid.then(|| text.to_ascii_lowercase())
}

/// The canonical text: two addresses are equal if their texts are.
impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Namespace::Index(0) => {}
            Namespace::Index(index) => write!(f, "ns={index};")?,
            Namespace::Uri(uri) => write!(f, "nsu={};", uri.replace('%', "%25").replace(';', "%3B"))?,
        }
        match &self.id {
            NodeIdentifier::Numeric(number) => write!(f, "i={number}"),
            NodeIdentifier::Text(text) => write!(f, "s={text}"),
            NodeIdentifier::Guid(guid) => write!(f, "g={guid}"),
            NodeIdentifier::Opaque(bytes) => write!(f, "b={}", BASE64.encode(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, BadNode>) {
        let found = NodeAddress::read(text).map(|address| address.to_string());
        assert_eq!(found.as_deref().map_err(|fault| *fault), expected, "{text}");
    }

    #[test]
    fn nodes_are_understood_as_the_standard_and_servers_write_them() {
        for (text, canonical) in [
            ("i=85", "i=85"),
            (";i=85", "i=85"),
            ("ns=0;i=85", "i=85"),
            ("nsu=http://opcfoundation.org/UA/;i=85", "i=85"),
            (" ns=2;s=Channel1.Device1.Tag1", "ns=2;s=Channel1.Device1.Tag1"),
            ("ns=3;s=\"DB 1\".\"a;b=c\"", "ns=3;s=\"DB 1\".\"a;b=c\""),
            ("ns=4;s=|var|CODESYS Control.Application.GVL.x ", "ns=4;s=|var|CODESYS Control.Application.GVL.x "),
            ("ns=2;s=料筒温度", "ns=2;s=料筒温度"),
            ("nsu=http://www.euromap.org/euromap83/;s=Job.Cycle", "nsu=http://www.euromap.org/euromap83/;s=Job.Cycle"),
            ("nsu=urn:a%3Bb%25;i=1", "nsu=urn:a%3Bb%25;i=1"),
            ("nsu=http://a/%20b;i=1", "nsu=http://a/%2520b;i=1"),
            ("g=09087E75-8e5e-499b-954f-f2a9603db28a", "g=09087e75-8e5e-499b-954f-f2a9603db28a"),
            ("ns=1;b=M/RbKBsRVkePCePcx24oRA==", "ns=1;b=M/RbKBsRVkePCePcx24oRA=="),
            ("ns=1;b=M/RbKBsRVkePCePcx24oRA", "ns=1;b=M/RbKBsRVkePCePcx24oRA=="),
            ("ns=1;i=0", "ns=1;i=0"),
            ("ns=65535;i=4294967295", "ns=65535;i=4294967295"),
        ] {
            check(text, Ok(canonical));
        }
    }

    #[test]
    fn what_is_no_node_is_refused_for_its_reason() {
        for (text, why) in [
            ("", BadNode::Identifier),
            ("40001", BadNode::Identifier),
            ("Channel1.Device1.Tag1", BadNode::Identifier),
            ("ns=2;Channel1", BadNode::Identifier),
            ("ns=2;x=1", BadNode::Identifier),
            ("2;s=a", BadNode::Identifier),
            ("NS=2;s=a", BadNode::Identifier),
            ("svr=1;i=85", BadNode::Identifier),
            ("ns=2", BadNode::NamespaceIndex),
            ("ns=;i=1", BadNode::NamespaceIndex),
            ("ns=65536;i=1", BadNode::NamespaceIndex),
            ("ns=+1;i=1", BadNode::NamespaceIndex),
            ("ns=http://a/;i=1", BadNode::NamespaceIndex),
            ("nsu=http://a/", BadNode::NamespaceUri),
            ("nsu=;i=1", BadNode::NamespaceUri),
            ("nsu=http://a b/;i=1", BadNode::NamespaceUri),
            ("nsu=urn:a;b;i=1", BadNode::NamespaceUri),
            ("i=", BadNode::Number),
            ("i=-1", BadNode::Number),
            ("i=4294967296", BadNode::Number),
            ("i=0x10", BadNode::Number),
            ("ns=2;i=１", BadNode::Number),
            ("ns=2;s=", BadNode::Text),
            ("ns=2;s=a\nb", BadNode::Text),
            ("g=09087e75-8e5e-499b-954f", BadNode::Guid),
            ("g={09087e75-8e5e-499b-954f-f2a9603db28a}", BadNode::Guid),
            ("g=09087e758e5e499b954ff2a9603db28a", BadNode::Guid),
            ("b=", BadNode::Opaque),
            ("b=a!", BadNode::Opaque),
            ("i=0", BadNode::Null),
            ("g=00000000-0000-0000-0000-000000000000", BadNode::Null),
        ] {
            check(text, Err(why));
        }
        check(&format!("s={}", "温".repeat(LONGEST)), Ok(&format!("s={}", "温".repeat(LONGEST))));
        check(&format!("s={}", "a".repeat(LONGEST + 1)), Err(BadNode::Text));
    }

    fn addresses() -> impl Strategy<Value = NodeAddress> {
        let namespace =
            prop_oneof![any::<u16>().prop_map(Namespace::Index), "[a-z%;:/.=0-9A-Z料]{1,40}".prop_map(Namespace::Uri),];
        let guid = any::<[u8; 16]>().prop_map(|b| {
            let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
            format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        });
        let id = prop_oneof![
            (1..=u32::MAX).prop_map(NodeIdentifier::Numeric),
            "\\PC{1,40}".prop_map(NodeIdentifier::Text),
            guid.prop_map(NodeIdentifier::Guid),
            proptest::collection::vec(any::<u8>(), 1..40).prop_map(NodeIdentifier::Opaque),
        ];
        (namespace, id).prop_map(|(namespace, id)| NodeAddress { namespace, id })
    }

    proptest! {
        #[test]
        fn every_address_is_read_back_from_its_text(address in addresses()) {
            let text = address.to_string();
            prop_assert_eq!(NodeAddress::parse(&text), Some(address), "{}", text);
        }

        #[test]
        fn no_text_brings_the_parser_down_and_what_it_takes_is_canonical(
            text in prop_oneof![
                "(nsu?=|;|%|[isgb]=|[0-9a-f-]{0,12}|\\PC|\\s){0,12}",
                "nsu=(%25|3B|%3B|%|[a-z]){1,5};(s=[a-z;=]{1,5}|i=[0-9]{1,10}|b=[A-Za-z]{1,9})",
            ]
        ) {
            if let Some(address) = NodeAddress::parse(&text) {
                let canonical = address.to_string();
                prop_assert_eq!(NodeAddress::parse(&canonical), Some(address), "{}", canonical);
            }
        }
    }
}
