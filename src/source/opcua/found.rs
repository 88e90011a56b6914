//! What a walk through a server's address space has found, in our words: the library's stay behind the door. Pure.

use std::sync::Arc;

use crate::config::opcua::NodeAddress;
use crate::model::{Trouble, ValueKind};

/// Everything that was found, parents before their children; the first one is where the walk began.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The nodes.
    pub nodes: Vec<Seen>,
    /// Why it ended.
    pub end: End,
    /// Nodes that were not gone into, since they lie deeper than was asked for.
    pub deeper: usize,
    /// How many requests it took.
    pub requests: u32,
}

/// Why a walk ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Nothing was left.
    Done,
    /// Somebody stopped it.
    Stopped,
    /// The time was over.
    Time,
    /// So many nodes as were asked for.
    Nodes,
    /// The server was lost.
    Lost(Trouble),
}

/// One node, at the first place where it was met.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// How to ask for it.
    pub address: NodeAddress,
    /// The node that it was found below.
    pub parent: Option<usize>,
    /// Steps from where the walk began.
    pub depth: usize,
    /// Its browse name and who gave it (Part 3, 5.2.4).
    pub name: Named,
    /// The name for people.
    pub display: String,
    /// The browse name of its type; `None`: of a type of the standard itself.
    pub of_type: Option<Named>,
    /// Its children could not be asked for, in the word of the server.
    pub refused: Option<String>,
    /// What is known of its value, if it has one.
    pub variable: Option<Box<Variable>>,
}

/// A browse name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// URI of its namespace.
    pub space: Arc<str>,
    /// The name in it.
    pub name: String,
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variable {
    /// For people: `Double`, `MachineModeEnumeration`, `Float[4]`.
    pub type_name: String,
    /// What a tag would make of it; `None`: it cannot be told.
    pub kind: Option<ValueKind>,
    /// This user may read it.
    pub is_readable: bool,
    /// What was read, or the server's word for why not; `None`: it was not asked for.
    pub value: Option<Result<String, String>>,
    /// Engineering unit (Part 8, 5.6.3).
    pub unit: Option<String>,
    /// EURange (Part 8, 5.6.2).
    pub range: Option<(f64, f64)>,
    /// What its numbers mean, by number.
    pub names: Vec<(i64, String)>,
}

impl Found {
    /// Names from below the start down to this node.
    pub fn path(&self, at: usize) -> Vec<&str> {
        let above = |at: &usize| self.nodes.get(*at).and_then(|node| node.parent);
        let line = std::iter::successors(Some(at), above);
        let mut names: Vec<&str> = line
            .filter(|at| above(at).is_some() || self.nodes.len() == 1)
            .map(|at| &*self.nodes[at].name.name)
            .collect();
        names.reverse();
        names
    }

    /// Indices of everything with a value.
    pub fn variables(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.variable.is_some()).map(|(at, _)| at)
    }
}
