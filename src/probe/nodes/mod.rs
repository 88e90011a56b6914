//! What a walk through an OPC UA server has found, for people and as a configuration to start from. Pure: [`pick`] (what of it is
//! wanted), [`tree`] (as text), [`roles`] (what nodes of companion specifications are for), [`names`] (of tags), [`snippet`]
//! (devices and tables). The walk itself is `source/opcua/walk`.

pub mod names;
pub mod pick;
pub mod roles;
pub mod snippet;
pub mod tree;

/// What a server says, on one line of a terminal or of a comment: it must steer neither.
pub fn plain(text: &str) -> String {
    // Marks that turn the direction of writing, or break a line, are no control characters to Unicode.
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}' | '\u{feff}')
    };
    text.replace(steers, "?")
}

/// A server as tests need it.
#[cfg(test)]
pub(super) mod samples {
    use crate::config::opcua::NodeAddress;
    use crate::model::ValueKind;
    use crate::source::opcua::found::{End, Found, Named, Seen, Variable};

    pub(crate) const PLASTICS: &str = "http://opcfoundation.org/UA/PlasticsRubber/GeneralTypes/";
    pub(crate) const MACHINERY: &str = "http://opcfoundation.org/UA/Machinery/";
    pub(crate) const OWN: &str = "urn:own";

    /// A server with a start, to which nodes are added.
    pub(crate) fn server() -> Found {
        let mut found = Found { nodes: Vec::new(), end: End::Done, deeper: 0, requests: 9 };
        put(&mut found, None, "", "Objects", "i=85");
        found
    }

    fn put(found: &mut Found, parent: Option<usize>, space: &str, name: &str, address: &str) -> usize {
        found.nodes.push(Seen {
            address: NodeAddress::parse(address).expect("tests write addresses right"),
            parent,
            depth: parent.map_or(0, |parent| found.nodes[parent].depth + 1),
            name: Named { space: space.into(), name: name.into() },
            display: name.into(),
            of_type: None,
            refused: None,
            variable: None,
        });
        found.nodes.len() - 1
    }

    /// An object; its type is of the same namespace, if it has one.
    pub(crate) fn object(found: &mut Found, parent: usize, space: &str, name: &str, of_type: &str) -> usize {
        let address = format!("nsu=urn:own;i={}", 1_000 + found.nodes.len());
        let at = put(found, Some(parent), space, name, &address);
        found.nodes[at].of_type = (!of_type.is_empty()).then(|| Named { space: space.into(), name: of_type.into() });
        at
    }

    /// A variable.
    pub(crate) fn variable(
        found: &mut Found,
        parent: usize,
        space: &str,
        name: &str,
        kind: ValueKind,
        text: &str,
    ) -> usize {
        let address = format!("nsu=urn:own;i={}", 1_000 + found.nodes.len());
        let at = put(found, Some(parent), space, name, &address);
        let type_name = match kind {
            ValueKind::Float => "Double",
            ValueKind::Int => "Int32",
            ValueKind::Bool => "Boolean",
            ValueKind::Text => "String",
            ValueKind::Json => "Double[4]",
        };
        found.nodes[at].variable = Some(Box::new(Variable {
            type_name: type_name.into(),
            kind: Some(kind),
            is_readable: true,
            value: Some(Ok(text.into())),
            ..Variable::default()
        }));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_that_a_server_says_steers_a_terminal() {
        for (text, expected) in [
            ("料筒 °C", "料筒 °C"),
            ("\u{1b}[2J\r\n\t", "?[2J???"),
            ("a\u{9b}31m", "a?31m"),
            ("abc\u{202e}fed\u{2069}", "abc?fed?"),
            ("a\u{2028}b", "a?b"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
