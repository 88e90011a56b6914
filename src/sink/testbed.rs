//! For tests: a real mosquitto on a free port, certificates, and a scripted broker for what mosquitto never does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::config::{Backlog, Budget, Security, Sink};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    key: String,
}

/// A certificate and its key, PEM.
pub struct Identity {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let key_pem = key.serialize_pem();
        Authority { issuer: Issuer::new(params, key), pem, key: key_pem }
    }

    /// The CA's own certificate, as workshops like to give it to a broker.
    pub fn itself(&self) -> Identity {
        Identity { cert: self.pem.clone(), key: self.key.clone() }
    }

    pub fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A good certificate for these names.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_for_years(names, 2020, 4000)
    }

    pub fn issue_for_years(&self, names: &[&str], from: i32, to: i32) -> Identity {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { cert, key: key.serialize_pem() }
    }
}

/// A running mosquitto; killed when dropped.
pub struct Mosquitto {
    child: Child,
    pub port: u16,
    dir: TempDir,
}

impl Mosquitto {
    /// `config` are lines behind `listener`; each `DIR/` in them is the broker's own directory, which holds `files`.
    pub fn start(config: &str, files: &[(&str, &str)]) -> Mosquitto {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        for _ in 0..5 {
            let port = free_port();
            let config = config.replace("DIR/", &format!("{}/", dir.path().display()));
            // As root it would become another user, who may not read the directory.
            let config = format!("user root\npersistence false\nlistener {port} 127.0.0.1\n{config}\n");
            let path = dir.path().join("mosquitto.conf");
            std::fs::write(&path, config).unwrap();
            let mut child = Command::new(program("mosquitto"))
                .arg("-c")
                .arg(&path)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("mosquitto is there, but does not start");
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Mosquitto { child, port, dir };
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            child.kill().ok(); // it may have ended by itself: the port was taken meanwhile
            child.wait().unwrap();
        }
        panic!("mosquitto does not open its port; try its configuration by hand:\n{config}");
    }

    pub fn plain() -> Mosquitto {
        Mosquitto::start("allow_anonymous true", &[])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Stops the process in its tracks: connections stay open, and nobody answers.
    pub fn freeze(&self) {
        // The shell's own: a bare Debian has no program of that name.
        let done = Command::new("sh").arg("-c").arg(format!("kill -STOP {}", self.child.id())).status().unwrap();
        assert!(done.success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok(); // a test may have killed it already
        self.child.wait().ok();
    }
}

/// The password file of mosquitto for one user.
pub fn password_file(user: &str, password: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passwords");
    let made = Command::new(program("mosquitto_passwd")).args(["-b", "-c"]).arg(&path).args([user, password]).status();
    assert!(made.unwrap().success());
    std::fs::read_to_string(path).unwrap()
}

fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    dirs.map(|dir: PathBuf| dir.join(name))
        .find(|path| Path::exists(path))
        .unwrap_or_else(|| panic!("these tests need {name}: install it, e.g. apt-get install mosquitto"))
}

pub fn free_port() -> u16 {
    // Counted up, so that no two tests at the same time get one port, and below those that the kernel gives out. A broker
    // that found its port taken would otherwise be mistaken for the one that took it.
    const FIRST: u16 = 10_000;
    const SPAN: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = (std::process::id() % u32::from(SPAN)) as u16;
    let port = || FIRST + spread.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % SPAN;
    std::iter::repeat_with(port).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A sink for `127.0.0.1:port`.
pub fn sink(port: u16, security: Security) -> Sink {
    Sink {
        name: "test".into(),
        host: "127.0.0.1".into(),
        port,
        security,
        user: None,
        password: None,
        client_id: "cloudward-test".into(),
        prefix: "cloudward".into(),
        keep_alive: Duration::from_secs(30),
        ack_timeout: Duration::from_secs(30),
        window: 64,
        max_message: 4096,
        retry_max: Duration::from_secs(15),
        backlog: Backlog::InOrder,
        budget: Budget::default(),
        send_important: Vec::new(),
        send: vec!["*".into()],
    }
}

/// A listener whose first connection goes to `script`, byte by byte.
pub fn scripted<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        script(Peer { stream })
    });
    (port, thread)
}

/// The scripted broker's side of a connection.
pub struct Peer {
    pub stream: TcpStream,
}

impl Peer {
    /// The next packet: its first byte and its body. `None` at the end.
    pub fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).ok()?;
        let first = byte[0];
        let (mut length, mut shift) = (0usize, 0);
        loop {
            self.stream.read_exact(&mut byte).ok()?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some((first, body))
    }

    /// Reads CONNECT and accepts.
    pub fn accept(&mut self) {
        assert_eq!(self.packet().expect("a CONNECT").0 >> 4, 1);
        self.send(&[0x20, 2, 0, 0]);
    }

    /// The packet id of the next PUBLISH.
    pub fn publish(&mut self) -> Option<u16> {
        loop {
            let (first, body) = self.packet()?;
            if first >> 4 == 3 {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                return Some(u16::from_be_bytes([body[2 + topic], body[3 + topic]]));
            }
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }
}

/// PUBACK.
pub fn puback(id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [0x40, 2, high, low]
}
