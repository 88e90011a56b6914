//! The ports on which data-terminal units dial in: one listener per address, one seat per link.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Config, Transport};
use crate::source::listener::{Guest, Listener, Seat};

/// Listeners and seats of the configuration in force.
#[derive(Default)]
pub(super) struct DialIn {
    /// Address, and per link its registration: what a listener was made from.
    made_from: Vec<(String, Arc<str>, Option<Vec<u8>>)>,
    seats: HashMap<Arc<str>, Seat>,
    listeners: Vec<Listener>,
}

impl DialIn {
    /// Follows a configuration; returns whether the seats are new ones, so that the links must be made anew.
    pub(super) fn follow(&mut self, config: &Config) -> bool {
        let wanted: Vec<_> = config
            .links
            .iter()
            .filter_map(|link| match &link.transport {
                Transport::RtuListen { listen, registration, .. } => {
                    Some((listen.clone(), link.name.clone(), registration.clone()))
                }
                _ => None,
            })
            .collect();
        if wanted == self.made_from {
            return false;
        }
        let mut guests: BTreeMap<String, Vec<Guest>> = BTreeMap::new();
        self.seats.clear();
        for (address, link, registration) in &wanted {
            let (seat, guest) = Seat::new(registration.clone());
            self.seats.insert(link.clone(), seat);
            guests.entry(address.clone()).or_default().push(guest);
        }
        self.made_from = wanted;
        self.listeners.clear(); // the ports are free before they are taken again
        self.listeners = guests.into_iter().map(|(address, guests)| Listener::start(address, guests)).collect();
        true
    }

    /// The seat of a link, if its unit dials in.
    pub(super) fn seat(&self, link: &str) -> Option<Seat> {
        self.seats.get(link).cloned()
    }
}
