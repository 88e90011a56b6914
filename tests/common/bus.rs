//! A two-wire bus of pseudo-terminals: what the master sends reaches every party, and what a party answers reaches the master.
//! A party can be switched off, as meters and machines are.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serial2_tokio::SerialPort;

use super::{program, wait_for};

/// Two ports joined by a wire.
pub struct Wire {
    socat: Child,
    pub here: PathBuf,
    pub there: PathBuf,
}

impl Wire {
    pub fn new(dir: &Path, name: &str) -> Wire {
        let (here, there) = (dir.join(format!("{name}-here")), dir.join(format!("{name}-there")));
        let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
        let socat =
            Command::new(program("socat")).args([end(&here), end(&there)]).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the two ports", || (here.exists() && there.exists()).then_some(()));
        Wire { socat, here, there }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.socat.kill().ok(); // it may have ended with a port
        self.socat.wait().ok();
    }
}

/// The bus, and the ports at its ends.
pub struct Bus {
    master: Wire,
    parties: Vec<(Wire, Arc<AtomicBool>)>,
}

impl Bus {
    /// To be called within a tokio runtime.
    pub fn new(dir: &Path, parties: &[&str]) -> Bus {
        let open = |wire: &Wire| Arc::new(SerialPort::open(&wire.there, 19_200).unwrap());
        let master = Wire::new(dir, "master");
        let master_port = open(&master);
        let parties: Vec<(Wire, Arc<AtomicBool>)> =
            parties.iter().map(|name| (Wire::new(dir, name), Arc::new(AtomicBool::new(true)))).collect();
        let ports: Vec<_> = parties.iter().map(|(wire, is_on)| (open(wire), is_on.clone())).collect();
        for (port, is_on) in ports.clone() {
            tokio::spawn(copy(port, vec![(master_port.clone(), is_on)]));
        }
        tokio::spawn(copy(master_port, ports));
        Bus { master, parties }
    }

    /// Where the agent sits.
    pub fn master(&self) -> &Path {
        &self.master.here
    }

    /// Where a party sits, by its number.
    pub fn party(&self, number: usize) -> &Path {
        &self.parties[number].0.here
    }

    pub fn switch(&self, number: usize, is_on: bool) {
        self.parties[number].1.store(is_on, Ordering::Relaxed);
    }
}

async fn copy(from: Arc<SerialPort>, to: Vec<(Arc<SerialPort>, Arc<AtomicBool>)>) {
    let mut bytes = [0; 256];
    while let Ok(length) = from.read(&mut bytes).await {
        for (port, _) in to.iter().filter(|(_, is_on)| is_on.load(Ordering::Relaxed)) {
            port.write_all(&bytes[..length]).await.unwrap();
        }
    }
}
