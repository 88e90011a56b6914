//! Topics: where each kind of message goes. Pure. `<prefix>/<enterprise>/<workshop>/...`, everything below one workshop,
//! so that a broker's access rule for this gateway is one line.

use crate::config::Workshop;

/// The topics of one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    base: String,
}

impl Topics {
    /// Topics below `prefix` for this workshop.
    pub fn new(prefix: &str, workshop: &Workshop) -> Topics {
        Topics { base: format!("{prefix}/{}/{}", workshop.enterprise, workshop.id) }
    }

    /// Samples of one device.
    pub fn data(&self, device: &str) -> String {
        format!("{}/{device}/data", self.base)
    }

    /// What one device has; retained.
    pub fn birth(&self, device: &str) -> String {
        format!("{}/{device}/birth", self.base)
    }

    /// What one machine does; retained.
    pub fn device_state(&self, device: &str) -> String {
        format!("{}/{device}/state", self.base)
    }

    /// The events stream.
    pub fn events(&self) -> String {
        format!("{}/events", self.base)
    }

    /// Whether the agent is there; retained, and the last will.
    pub fn state(&self) -> String {
        format!("{}/state", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_stands_below_prefix_enterprise_and_workshop() {
        let workshop = Workshop {
            enterprise: "huada".into(),
            id: "ws1".into(),
            name: "注塑".into(),
            timezone: "UTC".into(),
            writes: false,
        };
        let topics = Topics::new("cloudward", &workshop);
        assert_eq!(topics.data("imm-01"), "cloudward/huada/ws1/imm-01/data");
        assert_eq!(topics.birth("imm-01"), "cloudward/huada/ws1/imm-01/birth");
        assert_eq!(topics.device_state("imm-01"), "cloudward/huada/ws1/imm-01/state");
        assert_eq!(topics.events(), "cloudward/huada/ws1/events");
        assert_eq!(topics.state(), "cloudward/huada/ws1/state");
    }
}
