//! A real mosquitto on fixed ports, that can be stopped, killed and started again, and the certificates for its TLS port.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::{free_port, program, signal, wait_for};

/// How the broker is set up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup {
    /// The agent's port speaks TLS.
    pub tls: bool,
    /// Sessions and retained messages survive a stop (not a kill: mosquitto writes them when it stops).
    pub persistence: bool,
    /// The agent's port wants this user and password.
    pub login: Option<(&'static str, &'static str)>,
    /// Further lines for mosquitto.conf, before the listeners.
    pub general: &'static str,
}

/// One broker with two ports: one for the agent, one in plain text for the receiver.
pub struct Mosquitto {
    /// For the agent: TLS and login as the setup says.
    pub agent_port: u16,
    /// For receivers: plain and anonymous.
    pub plain_port: u16,
    dir: PathBuf,
    child: Option<Child>,
}

impl Mosquitto {
    /// Writes the configuration into `dir` and starts the broker.
    pub fn start_in(dir: &Path, setup: Setup) -> Mosquitto {
        let dir = dir.join("broker");
        fs::create_dir_all(&dir).unwrap();
        let mut broker = Mosquitto { agent_port: free_port(), plain_port: free_port(), dir, child: None };
        broker.configure(setup);
        broker.start();
        broker
    }

    /// The CA that signed the broker's certificate, in PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// Starts it again on the same ports.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "the broker runs already");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut child = Command::new(program("mosquitto"))
            .arg("-c")
            .arg(self.dir.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        wait_for("mosquitto's ports", || {
            assert!(child.try_wait().unwrap().is_none(), "mosquitto ended: {}", self.log());
            [self.agent_port, self.plain_port]
                .iter()
                .all(|p| TcpStream::connect(("127.0.0.1", *p)).is_ok())
                .then_some(())
        });
        self.child = Some(child);
    }

    /// SIGTERM, as an operator stops it.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        signal(child.id(), "TERM");
        let status = child.wait().unwrap();
        assert!(status.success(), "mosquitto ended with {status}");
    }

    /// SIGSTOP: connections stand, the kernel takes what is sent, and nobody acknowledges it. Only a kill ends this.
    pub fn freeze(&self) {
        signal(self.child.as_ref().expect("the broker runs").id(), "STOP");
    }

    /// SIGKILL, as a power cut ends it. Without persistence everything it knew is gone.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9), "mosquitto did not die of SIGKILL");
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("mosquitto.log")
    }

    fn configure(&self, setup: Setup) {
        let dir = self.dir.display();
        // Started as root, mosquitto gives its rights up, and could not read this directory any more.
        let mut text = String::from("user root\nper_listener_settings true\n");
        // No queue limit: a receiver must never lose a message to the broker's courtesy.
        text += "max_queued_messages 0\nset_tcp_nodelay true\n";
        text += setup.general;
        if setup.persistence {
            text += &format!("persistence true\npersistence_location {dir}/\n");
        }
        text += &format!("listener {} 127.0.0.1\nallow_anonymous true\n", self.plain_port);
        text += &format!("listener {} 127.0.0.1\nallow_anonymous {}\n", self.agent_port, setup.login.is_none());
        if let Some((user, password)) = setup.login {
            let file = self.dir.join("passwords");
            let made =
                Command::new(program("mosquitto_passwd")).args(["-c", "-b"]).arg(&file).args([user, password]).output();
            assert!(made.unwrap().status.success(), "mosquitto_passwd failed");
            text += &format!("password_file {}\n", file.display());
        }
        if setup.tls {
            write_certificates(&self.dir);
            text += &format!("certfile {dir}/server.crt\nkeyfile {dir}/server.key\n");
        }
        fs::write(self.dir.join("mosquitto.conf"), text).unwrap();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok(); // it may have ended by itself
            child.wait().ok();
        }
    }
}

/// Writes `ca.crt`, and `server.crt` with `server.key` for localhost, signed by that CA. Each call makes a new CA.
pub fn write_certificates(dir: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "CA of a test");
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::from_params(&ca, &ca_key);
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    server.distinguished_name.push(DnType::CommonName, "broker of a test");
    let cert = server.signed_by(&key, &issuer).unwrap();
    fs::write(dir.join("ca.crt"), ca_cert.pem()).unwrap();
    fs::write(dir.join("server.crt"), cert.pem()).unwrap();
    fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
}
