//! What a service of this configuration must be let do: whom it talks to, which devices it opens, which secrets it is handed.
//! The rule: all of it stands in the configuration; nothing is looked up here.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Component, Path, PathBuf};

use super::state_of_service;
use crate::config::opcua::User;
use crate::config::{Config, SecretSource, Security, Transport};

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub is_sink: bool,
    /// Of the link or sink.
    pub name: String,
    /// As it stands in the configuration.
    pub host: String,
}

impl Peer {
    /// Where it is given as an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub peers: Vec<Peer>,
    /// Links on which units dial in, from addresses that nobody knows here.
    pub listening: Vec<String>,
    /// Where metrics are served to other machines, whose addresses nobody knows here either.
    pub metrics: Option<SocketAddr>,
    pub ports: Vec<PathBuf>,
    pub credentials: BTreeSet<String>,
    /// A journal elsewhere than where systemd puts it.
    pub journal: Option<PathBuf>,
    /// Files that the service does not see, since homes and temporary files are hidden from it.
    pub hidden: Vec<PathBuf>,
}

impl Needs {
    /// What the configuration in this file asks for.
    pub(super) fn of(config: &Config, file: &Path) -> Needs {
        let mut needs = Needs::default();
        let mut files: Vec<&Path> = Vec::new();
        let mut secrets: Vec<&SecretSource> = Vec::new();
        for link in &config.links {
            let mut peer = |host: &str| {
                needs.peers.push(Peer { is_sink: false, name: link.name.to_string(), host: host.to_owned() });
            };
            match &link.transport {
                Transport::ModbusTcp { host, .. } | Transport::RtuOverTcp { host, .. } => peer(host),
                Transport::RtuListen { .. } => needs.listening.push(link.name.to_string()),
                Transport::Serial(line) => needs.ports.push(line.path.clone()),
                Transport::OpcUa(server) => {
                    peer(&server.host);
                    match &server.user {
                        User::Anonymous => {}
                        User::Password { password, .. } => secrets.push(password),
                        User::Certificate { file, key } => {
                            files.push(file);
                            secrets.push(key);
                        }
                    }
                }
            }
        }
        for sink in &config.sinks {
            needs.peers.push(Peer { is_sink: true, name: sink.name.to_string(), host: sink.host.clone() });
            secrets.extend(&sink.password);
            if let Security::Tls { ca_file, client } = &sink.security {
                files.extend(ca_file.as_deref());
                if let Some((certificate, key)) = client {
                    files.push(certificate);
                    secrets.push(key);
                }
            }
        }
        for secret in secrets {
            match secret {
                SecretSource::File(path) => files.push(path),
                SecretSource::Credential(name) => {
                    needs.credentials.insert(name.clone());
                }
                SecretSource::Env(_) => {}
            }
        }
        needs.hidden = files.into_iter().filter(|path| is_hidden(path)).map(Path::to_owned).collect();
        needs.hidden.dedup();
        needs.ports.dedup();
        needs.metrics = config.metrics.listen.filter(|address| !address.ip().is_loopback());
        let home = state_of_service(file);
        let dir = config.journal.dir.is_some().then(|| without_detours(&config.state_dir(file, None)));
        needs.journal = dir.filter(|dir| dir.is_absolute() && home.as_deref() != Some(dir));
        needs
    }

    /// What must be looked up, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> =
            self.peers.iter().filter(|peer| peer.address().is_none()).map(|peer| peer.host.as_str()).collect();
        names.into_iter()
    }
}

/// ProtectHome=yes and PrivateTmp=yes of the unit.
fn is_hidden(path: &Path) -> bool {
    ["/home", "/root", "/run/user", "/tmp", "/var/tmp"].iter().any(|place| path.starts_with(place))
}

/// systemd takes no path with `..` in it.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// What DeviceAllow says of a serial port. The kind where the kernel gives the number, since an adapter that is pulled out and put
/// back may come back under another one; the port itself where somebody has named it.
pub(super) fn device_rules(port: &Path) -> Vec<String> {
    let text = port.display().to_string();
    if text.starts_with("/dev/serial/") {
        return vec!["char-ttyUSB rw".to_owned(), "char-ttyACM rw".to_owned()];
    }
    let name = text.strip_prefix("/dev/").unwrap_or_default();
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_of_the_kernel = kind.len() > 3 && kind.len() < name.len() && kind.starts_with("tty");
    match is_of_the_kernel && kind.bytes().all(|b| b.is_ascii_alphabetic()) {
        true => vec![format!("char-{kind} rw")],
        false => vec![format!("{text} rw")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_may_come_back_under_another_number() {
        let rules = |port: &str| device_rules(Path::new(port)).join(", ");
        assert_eq!(rules("/dev/ttyUSB0"), "char-ttyUSB rw");
        assert_eq!(rules("/dev/ttymxc3"), "char-ttymxc rw");
        assert_eq!(rules("/dev/ttyS1"), "char-ttyS rw");
        assert_eq!(rules("/dev/serial/by-id/usb-FTDI_FT232R"), "char-ttyUSB rw, char-ttyACM rw");
        assert_eq!(rules("/dev/meters"), "/dev/meters rw");
        assert_eq!(rules("/dev/tty1"), "/dev/tty1 rw");
    }

    #[test]
    fn a_path_loses_its_detours() {
        assert_eq!(without_detours(Path::new("/etc/cloudward/../../data/./j")), Path::new("/data/j"));
    }
}
