//! From the name of a node in the configuration to its id at a server, and back. Pure: the server's table of namespaces is an
//! argument, since it may be another one at the next connect.

use opcua::types::{ByteString, ExpandedNodeId, Guid, Identifier, NodeId};

use crate::config::opcua::{Namespace, NodeAddress, NodeIdentifier};

/// The id by the server's own numbering of namespaces; `None`: it has no such namespace.
pub(super) fn node_id(address: &NodeAddress, namespaces: &[String]) -> Option<NodeId> {
    let namespace = match &address.namespace {
        Namespace::Index(index) => *index,
        Namespace::Uri(uri) => index_of(uri, namespaces)?,
    };
    let identifier = match &address.id {
        NodeIdentifier::Numeric(number) => Identifier::Numeric(*number),
        NodeIdentifier::Text(text) => Identifier::String(text.as_str().into()),
        NodeIdentifier::Guid(text) => Identifier::Guid(text.parse::<Guid>().ok()?),
        NodeIdentifier::Opaque(bytes) => Identifier::ByteString(ByteString::from(bytes.clone())),
    };
    Some(NodeId { namespace, identifier })
}

/// The name of a node that holds at the next connect too: with the URI of its namespace. A URI that would be read back as
/// something else stays a number.
pub(super) fn address(id: &NodeId, namespaces: &[String]) -> NodeAddress {
    let identifier = match &id.identifier {
        Identifier::Numeric(number) => NodeIdentifier::Numeric(*number),
        Identifier::String(text) => NodeIdentifier::Text(text.as_ref().to_owned()),
        Identifier::Guid(guid) => NodeIdentifier::Guid(guid.to_string().to_ascii_lowercase()),
        Identifier::ByteString(bytes) => NodeIdentifier::Opaque(bytes.as_ref().to_vec()),
    };
    let by_index = Namespace::Index(id.namespace);
    let uri = namespaces.get(usize::from(id.namespace)).filter(|_| id.namespace != 0);
    let by_uri = uri.filter(|uri| {
        let probe = NodeAddress { namespace: Namespace::Uri((*uri).clone()), id: NodeIdentifier::Numeric(1) };
        let is_read_back = NodeAddress::parse(&probe.to_string()).as_ref() == Some(&probe);
        is_read_back && index_of(uri, namespaces) == Some(id.namespace)
    });
    NodeAddress { namespace: by_uri.map_or(by_index, |uri| Namespace::Uri(uri.clone())), id: identifier }
}

/// The id of a node of this server; `None`: it is of another one, or in a namespace that this one does not have.
pub(super) fn local(id: &ExpandedNodeId, namespaces: &[String]) -> Option<NodeId> {
    if id.server_index != 0 {
        return None;
    }
    match id.namespace_uri.as_ref() {
        "" => Some(id.node_id.clone()),
        uri => Some(NodeId { namespace: index_of(uri, namespaces)?, identifier: id.node_id.identifier.clone() }),
    }
}

fn index_of(uri: &str, namespaces: &[String]) -> Option<u16> {
    u16::try_from(namespaces.iter().position(|known| known == uri)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<String> {
        ["http://opcfoundation.org/UA/", "urn:own", "http://maker/;50%", "two words", "urn:own"].map(Into::into).into()
    }

    #[test]
    fn a_node_has_a_name_that_outlives_the_numbers_of_namespaces() {
        for (id, expected) in [
            (NodeId::new(0, 85), "i=85"),
            (NodeId::new(1, "a;b"), "nsu=urn:own;s=a;b"),
            (NodeId::new(2, 7), "nsu=http://maker/%3B50%25;i=7"),
            (NodeId::new(3, 7), "ns=3;i=7"), // no URI has blanks
            (NodeId::new(4, 7), "ns=4;i=7"), // stands twice: the first one would be found
            (NodeId::new(9, 7), "ns=9;i=7"), // beyond the table
            (NodeId::new(1, ByteString::from(vec![1, 2])), "nsu=urn:own;b=AQI="),
            (
                NodeId::new(1, "09087E75-8e5e-499b-954f-f2a9603db28a".parse::<Guid>().unwrap()),
                "nsu=urn:own;g=09087e75-8e5e-499b-954f-f2a9603db28a",
            ),
        ] {
            let found = address(&id, &table());
            assert_eq!(found.to_string(), expected);
            assert_eq!(node_id(&found, &table()), Some(id), "{expected}");
        }
    }

    #[test]
    fn nodes_of_other_servers_are_not_taken_for_ours() {
        let named = |uri: &str, server_index| ExpandedNodeId {
            node_id: NodeId::new(0, 7),
            namespace_uri: uri.into(),
            server_index,
        };
        assert_eq!(local(&named("", 0), &table()), Some(NodeId::new(0, 7)));
        assert_eq!(local(&named("http://maker/;50%", 0), &table()), Some(NodeId::new(2, 7)));
        assert_eq!(local(&named("urn:elsewhere", 0), &table()), None);
        assert_eq!(local(&named("", 1), &table()), None);
    }
}
