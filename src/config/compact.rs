//! A configuration in memory of its own. What was parsed stands behind the tree that it was parsed from, and the allocator gives memory
//! back to the system only from its end: a workshop of 10,000 tags would keep the 20 MB of its tree for as long as the agent runs.
//! Copied once, it moves into the room that the tree has left, and what is behind it goes back.

use std::sync::Arc;

use super::{Config, Device, Link, Origin, Sink, Tag};

impl Config {
    /// The same, copied. To be called when nothing of the parsing is left.
    pub fn compact(self) -> Config {
        let text = |text: &Arc<str>| Arc::from(&**text);
        // What stands behind the devices would keep their old room from going back.
        let link = |link: &Arc<Link>| Arc::new(Link { name: text(&link.name), ..link.as_ref().clone() });
        let sink = |sink: &Arc<Sink>| Arc::new(Sink { name: text(&sink.name), ..sink.as_ref().clone() });
        Config {
            workshop: self.workshop.clone(),
            journal: self.journal.clone(),
            links: self.links.iter().map(link).collect(),
            devices: self.devices.iter().map(|device| Arc::new(copy(device))).collect(),
            sinks: self.sinks.iter().map(sink).collect(),
        }
    }
}

/// `clone` would share the texts, and they would stay where they are.
fn copy(device: &Device) -> Device {
    let text = |text: &Arc<str>| Arc::from(&**text);
    let tag = |tag: &Tag| Tag {
        name: text(&tag.name),
        unit: tag.unit.as_ref().map(text),
        origin: match &tag.origin {
            Origin::OpcUa(node) => Origin::OpcUa(Arc::new(node.as_ref().clone())),
            origin => origin.clone(),
        },
        values: tag.values.as_ref().map(|names| Arc::new(names.as_ref().clone())),
        ..tag.clone()
    };
    Device {
        id: text(&device.id),
        link: device.link.as_ref().map(text),
        tags: device.tags.iter().map(tag).collect(),
        ..device.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_and_shares_nothing_of_its_tags() {
        let text = include_str!("../../config/workshop.toml");
        let Ok(config) = Config::parse(text) else { return assert!(cfg!(not(feature = "opcua"))) };
        let copied = config.clone().compact();
        assert_eq!(copied, config);
        for (old, new) in config.devices.iter().zip(&copied.devices) {
            let is_shared = |(old, new): (&Tag, &Tag)| Arc::ptr_eq(&old.name, &new.name);
            assert!(!old.tags.iter().zip(&new.tags).any(is_shared));
        }
    }
}
