//! What of a server is wanted: by a pattern of its name or path, and by the type of its value. Pure.

use crate::config::glob;
use crate::model::ValueKind;
use crate::source::opcua::found::Found;

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// With `*`: the whole name or path; without: any part of it. Big and small letters are the same.
    pub pattern: Option<String>,
    /// Values of this type only.
    pub kind: Option<ValueKind>,
}

/// What is left of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picked {
    /// What was asked for, and what stands above it, in the order of the tree: each child below its parent.
    pub shown: Vec<usize>,
    /// The values among it, those that were asked for.
    pub values: Vec<usize>,
}

/// Picks. An object that fits brings everything below it.
pub fn pick(found: &Found, wanted: &Wanted) -> Picked {
    let is_all = wanted.pattern.is_none() && wanted.kind.is_none();
    let pattern = wanted.pattern.as_ref().map(|pattern| pattern.to_lowercase());
    let mut is_hit = vec![false; found.nodes.len()];
    let mut is_shown = vec![is_all; found.nodes.len()];
    let mut values = Vec::new();
    for (at, node) in found.nodes.iter().enumerate() {
        // Parents come first, so what is known of them holds.
        let fits = pattern.as_ref().is_none_or(|pattern| matches(found, at, pattern));
        is_hit[at] = fits || node.parent.is_some_and(|parent| is_hit[parent]);
        let Some(variable) = &node.variable else { continue };
        if is_hit[at] && wanted.kind.is_none_or(|kind| variable.kind == Some(kind)) {
            values.push(at);
            let above = |at: &usize| found.nodes[*at].parent;
            std::iter::successors(Some(at), above).for_each(|at| is_shown[at] = true);
        }
    }
    let order = order(found);
    let place: Vec<usize> = {
        let mut place = vec![0; found.nodes.len()];
        order.iter().enumerate().for_each(|(nth, at)| place[*at] = nth);
        place
    };
    values.sort_by_key(|at| place[*at]);
    Picked { shown: order.into_iter().filter(|at| is_shown[*at]).collect(), values }
}

fn matches(found: &Found, at: usize, pattern: &str) -> bool {
    let node = &found.nodes[at];
    let path = found.path(at).join("/");
    [&node.name.name, &node.display, &path].into_iter().any(|text| {
        let text = text.to_lowercase();
        if pattern.contains('*') { glob(pattern, &text) } else { text.contains(pattern) }
    })
}

/// Depth first; found breadth first.
fn order(found: &Found) -> Vec<usize> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); found.nodes.len()];
    let mut open: Vec<usize> = Vec::new();
    for (at, node) in found.nodes.iter().enumerate() {
        match node.parent {
            Some(parent) => children[parent].push(at),
            None => open.push(at),
        }
    }
    open.reverse();
    let mut order = Vec::with_capacity(found.nodes.len());
    while let Some(at) = open.pop() {
        order.push(at);
        open.extend(children[at].iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::super::samples::{OWN, object, server, variable};
    use super::*;

    fn machine() -> Found {
        let mut found = server();
        let machine = object(&mut found, 0, OWN, "Machine", "");
        let other = object(&mut found, 0, OWN, "Other", "");
        let zone = object(&mut found, machine, OWN, "Zone_1", "");
        variable(&mut found, machine, OWN, "Speed", ValueKind::Float, "1");
        variable(&mut found, zone, OWN, "温度", ValueKind::Float, "1");
        variable(&mut found, zone, OWN, "Count", ValueKind::Int, "1");
        variable(&mut found, other, OWN, "Count", ValueKind::Int, "1");
        found
    }

    #[track_caller]
    fn check(pattern: Option<&str>, kind: Option<ValueKind>, shown: &[&str], values: usize) {
        let found = machine();
        let picked = pick(&found, &Wanted { pattern: pattern.map(Into::into), kind });
        let paths: Vec<String> = picked.shown.iter().skip(1).map(|at| found.path(*at).join("/")).collect();
        assert_eq!((&paths.iter().map(String::as_str).collect::<Vec<_>>()[..], picked.values.len()), (shown, values));
    }

    #[test]
    fn what_is_asked_for_is_shown_with_what_stands_above_it() {
        check(
            None,
            None,
            &[
                "Machine",
                "Machine/Zone_1",
                "Machine/Zone_1/温度",
                "Machine/Zone_1/Count",
                "Machine/Speed",
                "Other",
                "Other/Count",
            ],
            4,
        );
        check(Some("speed"), None, &["Machine", "Machine/Speed"], 1);
        check(Some("SPE*D"), None, &["Machine", "Machine/Speed"], 1);
        check(Some("pee*"), None, &[], 0);
        check(Some("machine/*/count"), None, &["Machine", "Machine/Zone_1", "Machine/Zone_1/Count"], 1);
        check(Some("温"), None, &["Machine", "Machine/Zone_1", "Machine/Zone_1/温度"], 1);
        check(Some("Zone_*"), None, &["Machine", "Machine/Zone_1", "Machine/Zone_1/温度", "Machine/Zone_1/Count"], 2);
        check(
            None,
            Some(ValueKind::Int),
            &["Machine", "Machine/Zone_1", "Machine/Zone_1/Count", "Other", "Other/Count"],
            2,
        );
        check(Some("zone*"), Some(ValueKind::Bool), &[], 0);
    }
}
