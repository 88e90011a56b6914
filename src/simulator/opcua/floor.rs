//! Floor: the machine's nodes in the server's address space, and who watches its counter.
//!
//! It owns the set of monitored items on [`nodes::SCAN`]. Rule: an item counts from when the library's own book has it until it
//! is deleted, whatever deletes it; between its creation here and its entry there a change would pass it by.

use std::collections::HashSet;

use opcua::server::address_space::{AddressSpace, ObjectBuilder, VariableBuilder};
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::InMemoryNodeManagerImpl;
use opcua::server::node_manager::{MonitoredItemRef, RequestContext, ServerContext};
use opcua::server::{CreateMonitoredItem, MonitoredItemHandle, SubscriptionCache};
use opcua::sync::{Mutex, RwLock};
use opcua::types::{
    AttributeId, DataTypeId, EUInformation, ExtensionObject, LocalizedText, NodeId, ObjectId, ObjectTypeId,
    QualifiedName, Range, StatusCode, TimestampsToReturn, VariableTypeId, Variant,
};

use super::nodes::{self, NAMESPACE, NODES, Node, ROOT, Shape, Sight};

/// The nodes and their watchers.
pub(super) struct Floor {
    namespace: NamespaceMetadata,
    scan: NodeId,
    watching: Mutex<HashSet<MonitoredItemHandle>>,
}

impl Floor {
    /// Puts all nodes into the address space, as they are at `sight`.
    pub(super) fn build(context: &ServerContext, space: &mut AddressSpace, sight: &Sight) -> Floor {
        let index = context.type_tree.write().namespaces_mut().add_namespace(NAMESPACE);
        space.add_namespace(NAMESPACE, index);
        let root = NodeId::new(index, ROOT);
        object(space, &root, ROOT, ObjectId::ObjectsFolder.into());
        for node in &NODES {
            let parent = parents(space, index, &root, node.path);
            variable(space, index, node, &parent, (node.value)(sight));
        }
        let namespace =
            NamespaceMetadata { namespace_uri: NAMESPACE.into(), namespace_index: index, ..Default::default() };
        Floor { namespace, scan: NodeId::new(index, nodes::SCAN), watching: Mutex::default() }
    }

    /// The node of a path.
    pub(super) fn id(&self, path: &str) -> NodeId {
        NodeId::new(self.namespace.namespace_index, path)
    }

    /// Whether the next change of the counter is told to somebody.
    pub(super) fn is_watched(&self, subscriptions: &SubscriptionCache) -> bool {
        let mut notifier = subscriptions.data_notifier();
        let Some(batch) = notifier.notify_for(&self.scan, AttributeId::Value) else { return false };
        let watching = self.watching.lock();
        // The library's book keeps items of subscriptions that have ended.
        batch.entries().any(|(handle, _)| watching.contains(handle))
    }
}

#[async_trait::async_trait]
impl InMemoryNodeManagerImpl for Floor {
    async fn init(&self, _space: &mut AddressSpace, _context: ServerContext) {}

    fn name(&self) -> &str {
        ROOT
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        vec![self.namespace.clone()]
    }

    async fn create_value_monitored_items(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        items: &mut [&mut &mut CreateMonitoredItem],
    ) {
        let asked: Vec<_> = items.iter().map(|item| item.item_to_monitor()).collect();
        let values = self.read_values(context, space, &asked, 0.0, TimestampsToReturn::Both).await;
        for (value, item) in values.into_iter().zip(items.iter_mut()) {
            match value.status() {
                status @ (StatusCode::BadNodeIdUnknown | StatusCode::BadAttributeIdInvalid) => {
                    item.set_status(status);
                    continue;
                }
                _ => item.set_initial_value(value),
            }
            item.set_status(StatusCode::Good);
            if item.item_to_monitor().node_id == self.scan {
                self.watching.lock().insert(item.handle());
            }
        }
    }

    async fn delete_monitored_items(&self, _context: &RequestContext, items: &[&MonitoredItemRef]) {
        let deleted: HashSet<_> = items.iter().map(|item| item.handle()).collect();
        self.watching.lock().retain(|handle| !deleted.contains(handle));
    }
}

/// Objects above the node of this path, made where they are missing; the lowest one.
fn parents(space: &mut AddressSpace, index: u16, root: &NodeId, path: &str) -> NodeId {
    path.match_indices('.').fold(root.clone(), |above, (end, _)| {
        let id = NodeId::new(index, &path[..end]);
        if !space.node_exists(&id) {
            object(space, &id, last(&path[..end]), above);
        }
        id
    })
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn object(space: &mut AddressSpace, id: &NodeId, name: &str, above: NodeId) {
    let builder = ObjectBuilder::new(id, QualifiedName::new(id.namespace, name), name)
        .has_type_definition(ObjectTypeId::BaseObjectType);
    let builder =
        if id.namespace == above.namespace { builder.component_of(above) } else { builder.organized_by(above) };
    builder.insert(space);
}

fn variable(space: &mut AddressSpace, index: u16, node: &Node, parent: &NodeId, value: Variant) {
    let (id, name) = (NodeId::new(index, node.path), last(node.path));
    let rank = if matches!(node.shape, Shape::Array(_)) { 1 } else { -1 }; // Part 3, 5.6.2: one dimension, scalar
    VariableBuilder::new(&id, QualifiedName::new(index, name), name)
        .data_type(node.shape.data_type())
        .value_rank(rank)
        .value(value)
        .component_of(parent.clone())
        .has_type_definition(node.shape.definition())
        .insert(space);
    match node.shape {
        Shape::Plain(_) | Shape::Array(_) => {}
        Shape::Analog { code, sign, range: (low, high) } => {
            let range = ExtensionObject::from_message(Range { low, high });
            property(space, index, node.path, "EURange", DataTypeId::Range, range.into());
            let unit = EUInformation {
                namespace_uri: "http://www.opcfoundation.org/UA/units/un/cefact".into(),
                unit_id: nodes::unit_id(code),
                display_name: sign.into(),
                description: sign.into(),
            };
            let unit = ExtensionObject::from_message(unit);
            property(space, index, node.path, "EngineeringUnits", DataTypeId::EUInformation, unit.into());
        }
        Shape::Choice(names) => {
            let names: Vec<LocalizedText> = names.iter().map(|name| LocalizedText::new("en", name)).collect();
            property(space, index, node.path, "EnumStrings", DataTypeId::LocalizedText, names.into());
        }
    }
}

/// Its browse name is one of the standard's namespace.
fn property(space: &mut AddressSpace, index: u16, of: &str, name: &str, kind: DataTypeId, value: Variant) {
    let id = NodeId::new(index, format!("{of}.{name}"));
    let rank = if matches!(value, Variant::Array(_)) { 1 } else { -1 };
    VariableBuilder::new(&id, QualifiedName::new(0, name), name)
        .data_type(kind)
        .value_rank(rank)
        .value(value)
        .property_of(NodeId::new(index, of))
        .has_type_definition(VariableTypeId::PropertyType)
        .insert(space);
}
