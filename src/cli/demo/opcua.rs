//! The guest of the demo: a machine that answers over OPC UA. Server and agent know each other before they meet, as after a
//! visit of somebody who compared both certificates: nothing is trusted at first sight.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::SystemTime;

use tokio::task::{JoinError, spawn_blocking};

use crate::model::words::simulator as words;
use crate::model::{Timestamp, Trouble};
use crate::simulator::opcua::server::USER;
use crate::simulator::opcua::{Folder, Server, Setup};
use crate::simulator::workshop::{ENTERPRISE, OPCUA_LINK, OPCUA_MACHINE, OpcUaPlace, WORKSHOP};
use crate::simulator::{Glance, HandedOut};
use crate::source::opcua::certificate::Certificate;
use crate::source::opcua::pki::{Pin, Pki};

pub(super) struct Guest {
    server: Server,
    place: OpcUaPlace,
}

impl Guest {
    /// Makes both certificates, at the same time since each takes a while, and tells each side of the other's.
    pub(super) async fn invite(bind: SocketAddr, seed: u64, state_dir: &Path) -> Result<Option<Guest>, Trouble> {
        let dir =
            std::path::absolute(state_dir.join("simulated-machine")).unwrap_or(state_dir.join("simulated-machine"));
        let failed = |error: &dyn std::fmt::Display| {
            Trouble::new(words::SIM_FOLDER_UNUSABLE).with("path", state_dir.display()).with("error", error)
        };
        let (pki, now) = (Pki::of(state_dir), Timestamp::of(SystemTime::now()));
        let (ours, theirs) = (pki.clone(), spawn_blocking(move || Folder::open(&dir, bind.ip())));
        let ours = spawn_blocking(move || ours.own(ENTERPRISE, WORKSHOP, now).map(drop));
        let ended = |error: JoinError| failed(&error);
        let folder = theirs.await.map_err(ended)??;
        ours.await.map_err(ended)??;

        folder.trust(&std::fs::read(pki.own_path()).map_err(|error| failed(&error))?)?;
        let certificate = Certificate::parse(&folder.certificate()?).ok_or_else(|| failed(&"no certificate"))?;
        pki.pin(OPCUA_LINK, &Pin { certificate, accepted: BTreeSet::new() }, now)?;
        let (password, password_file) = folder.new_password()?;
        let setup = Setup { folder, password, lets_anybody_in: false, has_plain_endpoint: false, trusts_all: false };
        let server = Server::start(bind, seed, &setup).await?;
        let place = OpcUaPlace { url: server.url().to_owned(), user: USER, password_file };
        Ok(Some(Guest { server, place }))
    }

    pub(super) fn place(&self) -> &OpcUaPlace {
        &self.place
    }

    pub(super) fn glance(&self) -> (&'static str, Glance) {
        (OPCUA_MACHINE, self.server.glance())
    }

    pub(super) async fn stand_still(&mut self) {
        self.server.stand_still().await;
    }

    pub(super) fn handed_out(&self) -> HandedOut {
        self.server.handed_out()
    }
}
