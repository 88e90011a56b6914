//! Names for tags from the names of nodes. Pure.
//!
//! A tag's name is a part of topics: letters, digits, `-` and `_`. The node's own name is taken where it stands once; where
//! several share it, the names above are put before it until they differ.

use std::collections::{HashMap, HashSet};

use crate::config::opcua::NodeIdentifier;
use crate::source::opcua::found::Found;

/// As long as a name may be.
const LONGEST: usize = 64;

/// A name for each of these nodes, in their order. No two are alike.
pub fn names(found: &Found, of: &[usize]) -> Vec<String> {
    let paths: Vec<Vec<String>> = of.iter().map(|at| path(found, *at)).collect();
    let mut lengths = vec![1_usize; of.len()];
    // Each round makes the names that collide longer by one step; no path is longer than the walk was deep.
    let deepest = paths.iter().map(Vec::len).max().unwrap_or(0);
    for _ in 0..deepest {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (path, length) in paths.iter().zip(&lengths) {
            *counts.entry(joined(path, *length)).or_default() += 1;
        }
        let mut is_settled = true;
        for (path, length) in paths.iter().zip(&mut lengths) {
            if counts[&joined(path, *length)] > 1 && *length < path.len() {
                *length += 1;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    let mut taken = HashSet::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    paths.iter().zip(lengths).map(|(path, length)| unique(joined(path, length), &mut taken, &mut counts)).collect()
}

/// The names that can be used, from the top down; the last one is the node's own, or stands for it.
fn path(found: &Found, at: usize) -> Vec<String> {
    let names = found.path(at);
    let above = names.len().saturating_sub(1);
    let mut path: Vec<String> = names[..above].iter().filter_map(|name| clean(name)).collect();
    let own = names.last().and_then(|name| clean(name));
    path.push(own.unwrap_or_else(|| by_id(&found.nodes[at].address.id)));
    path
}

/// The last so many, not longer than allowed: of a long name the end tells more.
fn joined(path: &[String], length: usize) -> String {
    let name = path[path.len() - length..].join("_");
    // To a spreadsheet program `-1` is a sum.
    let name = name[name.len().saturating_sub(LONGEST)..].trim_start_matches(['_', '-']).to_owned();
    match name.as_str() {
        "" => "value".to_owned(),
        "events" | "indicators" => format!("{name}_"), // words of our own in topics
        _ => name,
    }
}

/// The name with `_` for what is not allowed. `None` where too little would be left: half of a Chinese name is worse than the id.
fn clean(name: &str) -> Option<String> {
    let name = name.trim();
    if !name.is_ascii() || !name.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let mut clean = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            true => clean.push(c),
            false if clean.ends_with('_') || clean.is_empty() => {}
            false => clean.push('_'),
        }
    }
    Some(clean.trim_end_matches('_').to_owned()).filter(|clean| !clean.is_empty())
}

/// From the id, where the name is in letters that topics do not know.
fn by_id(id: &NodeIdentifier) -> String {
    match id {
        NodeIdentifier::Numeric(number) => format!("node-{number}"),
        NodeIdentifier::Text(text) => {
            let end: String = text.rsplit(['.', '/', '|', '"']).find_map(clean).unwrap_or_default();
            if end.is_empty() { "node".to_owned() } else { end }
        }
        NodeIdentifier::Guid(guid) => format!("node-{}", &guid[..8.min(guid.len())]),
        NodeIdentifier::Opaque(_) => "node".to_owned(),
    }
}

fn unique(wanted: String, taken: &mut HashSet<String>, counts: &mut HashMap<String, usize>) -> String {
    let mut name = wanted.clone();
    // Thousands may want the same one: each goes on where the last one stopped.
    let mut n = counts.get(&wanted).copied().unwrap_or(1);
    while !taken.insert(name.clone()) {
        n += 1;
        let end = format!("-{n}");
        name = format!("{}{end}", &wanted[..wanted.len().min(LONGEST - end.len())]);
    }
    counts.insert(wanted, n);
    name
}

#[cfg(test)]
mod tests {
    use super::super::samples::{OWN, object, server, variable};
    use super::*;
    use crate::config::opcua::NodeAddress;
    use crate::model::ValueKind;
    use proptest::prelude::*;

    #[test]
    fn names_are_as_long_as_it_takes_to_tell_them_apart() {
        let mut found = server();
        let one = object(&mut found, 0, OWN, "Zone 1", "");
        let two = object(&mut found, 0, OWN, "Zone 2", "");
        let line = object(&mut found, 0, OWN, "Line", "");
        let other = object(&mut found, line, OWN, "Zone 1", "");
        let mut at = Vec::new();
        for zone in [one, two, other] {
            at.push(variable(&mut found, zone, OWN, "Actual.Temperature", ValueKind::Float, "1"));
        }
        at.push(variable(&mut found, one, OWN, "Speed", ValueKind::Float, "1"));
        assert_eq!(
            names(&found, &at),
            ["Zone_1_Actual_Temperature", "Zone_2_Actual_Temperature", "Line_Zone_1_Actual_Temperature", "Speed"]
        );
    }

    #[test]
    fn chinese_names_give_way_to_ids() {
        let mut found = server();
        let folder = object(&mut found, 0, OWN, "料筒", "");
        let mut at = Vec::new();
        for address in
            ["nsu=urn:own;s=Channel1.Device1.Temp_1", "nsu=urn:own;i=77", "nsu=urn:own;s=温度", "nsu=urn:own;s=压力"]
        {
            let node = variable(&mut found, folder, OWN, "温度", ValueKind::Float, "1");
            found.nodes[node].address = NodeAddress::parse(address).unwrap();
            at.push(node);
        }
        assert_eq!(names(&found, &at), ["Temp_1", "node-77", "node", "node-2"]);
    }

    #[test]
    fn words_of_our_own_are_not_taken() {
        let mut found = server();
        let at = [variable(&mut found, 0, OWN, "events", ValueKind::Float, "1")];
        assert_eq!(names(&found, &at), ["events_"]);
    }

    proptest! {
        #[test]
        fn whatever_nodes_are_called_their_tags_have_names_that_differ_and_are_allowed(
            nodes in proptest::collection::vec(("[ab._ /料-]{0,70}", 0..8_usize), 1..40)
        ) {
            let mut found = server();
            let at: Vec<usize> = nodes
                .iter()
                .map(|(name, above)| {
                    let above = *above % found.nodes.len();
                    variable(&mut found, above, OWN, name, ValueKind::Int, "1")
                })
                .collect();
            let names = names(&found, &at);
            let different: HashSet<&String> = names.iter().collect();
            prop_assert_eq!(different.len(), at.len(), "{:?}", names);
            for name in &names {
                let is_clean = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
                prop_assert!(is_clean && !name.starts_with('-') && (1..=LONGEST).contains(&name.len()), "{}", name);
            }
        }
    }
}
