//! Names: other products allow blanks, dots and Chinese in the name of a tag, a topic does not. What is renamed is said,
//! and the old name stays as the label.

use std::collections::{HashMap, HashSet};

use super::gather::{Gathered, shown};
use super::{Imported, Place, Wishes};
use crate::model::Trouble;
use crate::model::words::import as words;

/// As long as a name may be.
const MAX_NAME: usize = 64;

/// Gives links, devices and tags names that are allowed and stand once.
pub(super) fn name(gathered: Gathered, wishes: Wishes<'_>) -> Imported {
    let mut imported = gathered.close().imported;
    let mut renamed = Vec::new();

    let mut taken = Taken::default();
    for link in &mut imported.links {
        let wanted = wishes.link.unwrap_or(&link.name);
        link.name = unique(clean(wanted).unwrap_or_else(|| "link".into()), &mut taken);
    }
    let mut taken = Taken::default();
    let several = imported.devices.len() > 1;
    for device in &mut imported.devices {
        let wanted = match (wishes.device, device.unit) {
            (Some(id), Some(unit)) if several => format!("{id}-{unit}"),
            (Some(id), _) => id.to_owned(),
            (None, _) => device.id.clone(),
        };
        let fallback = || device.unit.map_or("device".into(), |unit| format!("device-{unit}"));
        let id = unique(clean(&wanted).unwrap_or_else(fallback), &mut taken);
        if wishes.device.is_none() && id != device.id {
            device.label = Some(std::mem::take(&mut device.id));
        }
        device.id = id;
        let mut taken = Taken::default();
        for tag in &mut device.tags {
            let name = unique(clean(&tag.name).unwrap_or_else(|| by_place(tag.place)), &mut taken);
            if name != tag.name {
                renamed.push(format!("{} -> {name}", shown(&tag.name)));
                let old = std::mem::replace(&mut tag.name, name);
                tag.label = Some(match tag.label.take().filter(|label| *label != old) {
                    Some(label) => format!("{old}: {label}"),
                    None => old,
                });
            }
        }
    }
    if !renamed.is_empty() {
        let trouble = Trouble::new(words::RENAMED).with("count", renamed.len());
        imported.left_out.push(trouble.with("names", renamed.join(", ")));
    }
    imported
}

/// The name with `_` for what is not allowed. `None` where too little of it would be left to recognise: half of a Chinese
/// name is worse than the address.
fn clean(name: &str) -> Option<String> {
    let name = name.trim();
    if !name.is_ascii() || !name.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let mut clean = String::new();
    for c in name.chars() {
        match c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            true => clean.push(c),
            false if clean.ends_with('_') => {}
            false => clean.push('_'),
        }
    }
    clean.truncate(MAX_NAME);
    let reserved = matches!(clean.as_str(), "events" | "indicators");
    Some(if reserved { format!("{clean}_") } else { clean })
}

/// `holding-9-3`.
fn by_place(place: Place) -> String {
    let part = place.part.map(|part| part.to_string()).unwrap_or_default();
    format!("{}{part}", place.address).replace([':', '.'], "-")
}

/// Names that are given away, and for each wanted one how often it was.
#[derive(Default)]
struct Taken {
    names: HashSet<String>,
    counts: HashMap<String, usize>,
}

fn unique(wanted: String, taken: &mut Taken) -> String {
    let mut name = wanted.clone();
    // Thousands may want the same one: each goes on where the last one stopped.
    let mut n = taken.counts.get(&wanted).copied().unwrap_or(1);
    while !taken.names.insert(name.clone()) {
        n += 1;
        let end = format!("-{n}");
        let keep = wanted.len().min(MAX_NAME - end.len());
        name = format!("{}{end}", &wanted[..keep]);
    }
    taken.counts.insert(wanted, n);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_a_topic_can_bear() {
        for (name, expected) in [
            ("Temp 1", Some("Temp_1")),
            ("Line1.Press.Count", Some("Line1_Press_Count")),
            ("a / b", Some("a_b")),
            ("料筒温度", None),
            ("料筒温度1", None),
            ("...", None),
            ("", None),
            ("events", Some("events_")),
        ] {
            assert_eq!(clean(name).as_deref(), expected, "{name}");
        }
        assert_eq!(clean(&"x".repeat(99)).map(|name| name.len()), Some(64));
    }

    #[test]
    fn a_name_stands_once_however_long_it_is() {
        let mut taken = Taken::default();
        let long = "x".repeat(64);
        let names: Vec<_> = (0..12).map(|_| unique(long.clone(), &mut taken)).collect();
        assert!(names.iter().all(|name| name.len() <= 64), "{names:?}");
        assert_eq!(names[1], format!("{}-2", "x".repeat(62)));
        assert_eq!(taken.names.len(), 12);
    }
}
