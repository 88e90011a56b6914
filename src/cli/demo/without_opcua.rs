//! The guest of a demo that was built without OPC UA: there is none.

use std::net::SocketAddr;
use std::path::Path;

use crate::model::Trouble;
use crate::simulator::workshop::OpcUaPlace;
use crate::simulator::{Glance, HandedOut};

pub(super) enum Guest {}

impl Guest {
    pub(super) async fn invite(_bind: SocketAddr, _seed: u64, _state_dir: &Path) -> Result<Option<Guest>, Trouble> {
        Ok(None)
    }

    pub(super) fn place(&self) -> &OpcUaPlace {
        match *self {}
    }

    pub(super) fn glance(&self) -> (&'static str, Glance) {
        match *self {}
    }

    pub(super) async fn stand_still(&mut self) {
        match *self {}
    }

    pub(super) fn handed_out(&self) -> HandedOut {
        match *self {}
    }
}
