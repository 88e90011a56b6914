//! A walk through a server's address space: each node once, from the start downwards, and what is known of the values on the
//! way. `facts` reads the values.
//!
//! The rule: values are read on the way, so that whenever it ends only the last few hundred nodes lack them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, NodeClass, NodeClassMask, NodeId, ObjectId, QualifiedName,
    ReadValueId, ReferenceDescription, ReferenceTypeId, StatusCode, Variant,
};

use super::facts::{Facet, Types};
use super::fault::{Fault, Stage, status_name};
use super::found::{End, Found, Named, Seen, Variable};
use super::node_id::{address, local, node_id};
use super::visit::Visit;
use crate::config::opcua::NodeAddress;
use crate::model::Trouble;

/// How far to walk.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where it begins.
    pub from: NodeAddress,
    /// Steps down from there.
    pub depth: usize,
    /// Nodes.
    pub max_nodes: usize,
    /// Also what every server has: what it says of itself, some hundred nodes, and the empty folders of the standard.
    pub with_server: bool,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Nodes found.
    pub nodes: usize,
    /// Nodes that wait to be gone into.
    pub waiting: usize,
    /// Requests sent.
    pub requests: u32,
    /// Time spent.
    pub elapsed: Duration,
}

/// Nodes that are gone into with one request, at most: the progress is seen, and few servers keep more bookmarks open.
const BATCH: usize = 100;

/// What every server has below Objects, and no machine is (Part 5, 8.2).
const OF_THE_STANDARD: [ObjectId; 5] =
    [ObjectId::Server, ObjectId::Aliases, ObjectId::Locations, ObjectId::Dictionaries, ObjectId::Quantities];

/// Values that are read in one go, at most; of each there are some attributes.
const VALUES: usize = 200;

pub(super) struct Walk<'a> {
    pub(super) visit: &'a mut Visit,
    options: &'a Options,
    pub(super) found: Found,
    /// Of each node.
    pub(super) ids: Vec<NodeId>,
    known: HashMap<NodeId, usize>,
    queue: VecDeque<usize>,
    /// Variables that wait to be read.
    pub(super) unread: Vec<usize>,
    /// Properties that say something of a variable, and wait to be read.
    pub(super) facets: Vec<(usize, Facet, NodeId)>,
    /// Names of types, by id.
    kinds: HashMap<NodeId, Option<Named>>,
    pub(super) types: Types,
    spaces: Vec<Arc<str>>,
}

impl Visit {
    /// Walks, and says how far it has come. A failure only where not even the start could be read.
    pub async fn walk(&mut self, options: &Options, show: &mut dyn FnMut(Progress)) -> Result<Found, Trouble> {
        let spaces = self.session.namespaces.iter().map(|uri| uri.as_str().into()).collect();
        let mut walk = Walk {
            visit: self,
            options,
            found: Found { nodes: Vec::new(), end: End::Done, deeper: 0, requests: 0 },
            ids: Vec::new(),
            known: HashMap::new(),
            queue: VecDeque::new(),
            unread: Vec::new(),
            facets: Vec::new(),
            kinds: HashMap::new(),
            types: Types::default(),
            spaces,
        };
        if let Err(fault) = walk.begin().await {
            return Err(walk.visit.named(&fault));
        }
        let ended = walk.run(show).await;
        walk.found.requests = walk.visit.requests;
        match ended {
            Err(fault) => walk.found.end = End::Lost(walk.visit.named(&fault)),
            Ok(()) if walk.visit.is_stopped() => walk.found.end = End::Stopped,
            Ok(()) if walk.visit.is_over() => walk.found.end = End::Time,
            Ok(()) => {}
        }
        Ok(walk.found)
    }
}

impl Walk<'_> {
    /// The start.
    async fn begin(&mut self) -> Result<(), Fault> {
        let unknown = |status| Fault::of_status(Stage::Request, status, "");
        let start = node_id(&self.options.from, &self.visit.session.namespaces);
        let start = start.ok_or_else(|| unknown(StatusCode::BadNodeIdUnknown))?;
        let attributes = [AttributeId::NodeClass, AttributeId::BrowseName, AttributeId::DisplayName];
        let values = self.visit.read_all(&attributes.map(|attribute| attribute_of(&start, attribute))).await?;
        let value = |at: usize| values.get(at).and_then(|data| data.value.as_ref());
        let name = match value(1) {
            Some(Variant::QualifiedName(name)) => self.named(name),
            _ => {
                let status = values.get(1).and_then(|data| data.status).filter(StatusCode::is_bad);
                return Err(unknown(status.unwrap_or(StatusCode::BadNodeIdUnknown)));
            }
        };
        let display = match value(2) {
            Some(Variant::LocalizedText(text)) => text.text.as_ref().to_owned(),
            _ => String::new(),
        };
        let is_variable = matches!(value(0), Some(Variant::Int32(class)) if *class == NodeClass::Variable as i32);
        self.add(start, None, name, display, is_variable);
        Ok(())
    }

    async fn run(&mut self, show: &mut dyn FnMut(Progress)) -> Result<(), Fault> {
        loop {
            show(Progress {
                nodes: self.found.nodes.len(),
                waiting: self.queue.len(),
                requests: self.visit.requests,
                elapsed: self.visit.elapsed(),
            });
            if self.visit.is_over() {
                return Ok(());
            }
            let is_last = self.queue.is_empty() || self.found.end == End::Nodes;
            if self.unread.len() >= VALUES || is_last && !self.unread.is_empty() {
                let some = self.unread.drain(..self.unread.len().min(VALUES)).collect::<Vec<_>>();
                self.read(&some).await?;
            } else if self.facets.len() >= VALUES || is_last && !self.facets.is_empty() {
                let some = self.facets.drain(..self.facets.len().min(VALUES)).collect::<Vec<_>>();
                self.read_facets(&some).await?;
            } else if is_last {
                return Ok(());
            } else {
                self.go_on().await?;
            }
        }
    }

    /// What is below the next nodes.
    async fn go_on(&mut self) -> Result<(), Fault> {
        let some: Vec<usize> = self.queue.drain(..self.queue.len().min(BATCH)).collect();
        let asked: Vec<BrowseDescription> = some.iter().map(|at| below(&self.ids[*at])).collect();
        let room = self.options.max_nodes.saturating_sub(self.found.nodes.len());
        let all = self.visit.browse(&asked, room.saturating_add(1)).await?;
        let first = self.found.nodes.len();
        let mut of_types = Vec::new();
        for (at, children) in some.iter().zip(all) {
            self.found.nodes[*at].refused = children.refused.map(status_name);
            for child in children.references {
                self.on_child(*at, &child, &mut of_types);
            }
        }
        self.name_types(first, of_types).await
    }

    /// A reference from the node `parent`.
    fn on_child(&mut self, parent: usize, child: &ReferenceDescription, of_types: &mut Vec<Option<NodeId>>) {
        let Some(id) = local(&child.node_id, &self.visit.session.namespaces) else { return };
        let is_variable = child.node_class == NodeClass::Variable;
        let is_left_out = !self.options.with_server && OF_THE_STANDARD.iter().any(|own| id == *own);
        let is_wanted = is_variable || child.node_class == NodeClass::Object;
        if !child.is_forward || !is_wanted || is_left_out || id.is_null() || self.known.contains_key(&id) {
            return;
        }
        let is_property = child.reference_type_id == ReferenceTypeId::HasProperty;
        let of_variable = self.found.nodes[parent].variable.is_some();
        let name = child.browse_name.name.as_ref();
        if let Some(facet) =
            Facet::named(name).filter(|_| is_property && of_variable && child.browse_name.namespace_index == 0)
        {
            // One of a kind: a server that lists the same thing a million times is not believed.
            if facet.is_read() && !self.facets.iter().any(|(of, known, _)| *of == parent && *known == facet) {
                self.facets.push((parent, facet, id));
            }
            return;
        }
        if self.found.nodes[parent].depth >= self.options.depth {
            self.found.deeper += 1;
        } else if self.found.nodes.len() >= self.options.max_nodes {
            self.found.end = End::Nodes;
        } else {
            let (name, display) = (self.named(&child.browse_name), child.display_name.text.as_ref().to_owned());
            self.add(id, Some(parent), name, display, is_variable);
            of_types.push(local(&child.type_definition, &self.visit.session.namespaces));
        }
    }

    fn add(&mut self, id: NodeId, parent: Option<usize>, name: Named, display: String, is_variable: bool) {
        let at = self.found.nodes.len();
        self.found.nodes.push(Seen {
            address: address(&id, &self.visit.session.namespaces),
            parent,
            depth: parent.map_or(0, |parent| self.found.nodes[parent].depth + 1),
            name,
            display,
            of_type: None,
            refused: None,
            variable: is_variable.then(Box::<Variable>::default),
        });
        self.known.insert(id.clone(), at);
        self.ids.push(id);
        self.queue.push_back(at);
        if is_variable {
            self.unread.push(at);
        }
    }

    /// Names of the types of the nodes from `first` on; types of the standard itself say too little to be asked for.
    async fn name_types(&mut self, first: usize, of_types: Vec<Option<NodeId>>) -> Result<(), Fault> {
        let mut unknown: Vec<NodeId> = Vec::new();
        for id in of_types.iter().flatten().filter(|id| id.namespace != 0) {
            if !self.kinds.contains_key(id) && !unknown.contains(id) {
                unknown.push(id.clone());
            }
        }
        let asked: Vec<ReadValueId> = unknown.iter().map(|id| attribute_of(id, AttributeId::BrowseName)).collect();
        let values = self.visit.read_all(&asked).await?;
        for (id, data) in unknown.into_iter().zip(values) {
            let name = match &data.value {
                Some(Variant::QualifiedName(name)) => Some(self.named(name)),
                _ => None,
            };
            self.kinds.insert(id, name);
        }
        for (node, id) in self.found.nodes[first..].iter_mut().zip(of_types) {
            node.of_type = id.and_then(|id| self.kinds.get(&id).cloned().flatten());
        }
        Ok(())
    }

    pub(super) fn named(&self, name: &QualifiedName) -> Named {
        let space = self.spaces.get(usize::from(name.namespace_index)).cloned();
        Named { space: space.unwrap_or_else(|| "".into()), name: name.name.as_ref().to_owned() }
    }
}

/// Objects and variables one step down the hierarchy (Part 3, 7.3).
fn below(id: &NodeId) -> BrowseDescription {
    BrowseDescription {
        node_id: id.clone(),
        browse_direction: BrowseDirection::Forward,
        reference_type_id: ReferenceTypeId::HierarchicalReferences.into(),
        include_subtypes: true,
        node_class_mask: (NodeClassMask::OBJECT | NodeClassMask::VARIABLE).bits(),
        result_mask: EVERYTHING,
    }
}

/// Of each reference (Part 4, 7.5): type, direction, class, names, type definition.
pub(super) const EVERYTHING: u32 = 0x3F;

pub(super) fn attribute_of(id: &NodeId, attribute: AttributeId) -> ReadValueId {
    ReadValueId { node_id: id.clone(), attribute_id: attribute as u32, ..ReadValueId::default() }
}
