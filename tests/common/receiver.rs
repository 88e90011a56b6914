//! A subscriber that has every message that the broker acknowledged to a publisher, also across stops and kills of the broker.
//!
//! Why that is not obvious, and what makes it hold:
//!
//! - With QoS 1 or 2 a subscriber has a window at the broker, and what waits behind it in the broker's memory dies with the
//!   broker although the publisher has its PUBACK. A subscription with QoS 0 has no window: mosquitto writes the message into
//!   the subscriber's socket before it writes the PUBACK into the publisher's, and what is in a socket survives the process
//!   that wrote it. (mosquitto 2: `handle__publish` calls `sub__messages_queue`, then `send__puback`; one thread.)
//!   The bound of this: what does not fit into the socket waits in the broker's memory. Up to 64 kB always fit; a test that
//!   kills the broker must not have more than that on the way to a receiver (a publisher at full speed was seen 7 MB ahead).
//! - A persistent session is no help where the broker forgets its sessions, and a subscriber that reconnects after the
//!   publisher misses what came between. So the publisher under test connects through a [`super::gate::Gate`], which is opened
//!   only after [`Receiver::stands`]: a probe went through broker and subscription to the receiver's file and back.
//!
//! `tests/harness.rs` proves it: a broker killed under full load has acknowledged nothing that the receiver does not have.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{program, wait_for};

const PROBE_TOPIC: &str = "receiver/probe";

/// One message as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The broker had kept it for new subscribers.
    pub retained: bool,
    pub topic: String,
    pub payload: Vec<u8>,
}

impl Message {
    /// The payload as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// `mosquitto_sub`, which reconnects and subscribes again by itself, writing into a file.
pub struct Receiver {
    child: Child,
    file: PathBuf,
    port: u16,
}

impl Receiver {
    /// Subscribes to everything and waits until the subscription stands.
    pub fn start(port: u16, dir: &Path) -> Receiver {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let file = dir.join(format!("received-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let child = Command::new(program("mosquitto_sub"))
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", "#", "-q", "0", "-F", "%r %t %x"])
            .stdin(Stdio::null())
            .stdout(File::create(&file).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let receiver = Receiver { child, file, port };
        receiver.stands();
        receiver
    }

    /// Waits until a message that is published now arrives: the subscription stands at the broker that runs now.
    pub fn stands(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        wait_for("the receiver's subscription", || {
            let probe = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
            let sent = Command::new(program("mosquitto_pub"))
                .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-q", "1", "-t", PROBE_TOPIC, "-m", &probe])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            if !sent.success() {
                return None;
            }
            let deadline = Instant::now() + Duration::from_millis(200);
            while Instant::now() < deadline {
                if self.all().iter().any(|m| m.topic == PROBE_TOPIC && m.payload == probe.as_bytes()) {
                    return Some(());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            None
        });
    }

    /// Everything that arrived so far, in order, without the probes.
    pub fn messages(&self) -> Vec<Message> {
        self.all().into_iter().filter(|m| m.topic != PROBE_TOPIC).collect()
    }

    /// The newest of them, from the last so many bytes of the file: for waiting, where all of them would take long to read.
    pub fn newest(&self, bytes: u64) -> Vec<Message> {
        let mut file = File::open(&self.file).unwrap();
        let from = file.metadata().unwrap().len().saturating_sub(bytes);
        file.seek(SeekFrom::Start(from)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        // The first line may have lost its beginning, the last one may still be written.
        let whole = text.split_inclusive('\n').skip(usize::from(from > 0)).filter_map(|line| line.strip_suffix('\n'));
        whole.map(message).filter(|m| m.topic != PROBE_TOPIC).collect()
    }

    /// Waits for a message that `is_it` accepts, the first of them.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&Message) -> bool) -> Message {
        wait_for(what, || self.messages().into_iter().find(|m| is_it(m)))
    }

    /// Where it writes: a line per message.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn all(&self) -> Vec<Message> {
        let text = fs::read_to_string(&self.file).unwrap();
        // A line without its end is still being written.
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(message).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}

/// `retained topic payload`, the payload in hexadecimal digits, so that no byte of it can look like the end of the line.
fn message(line: &str) -> Message {
    let (retained, rest) = line.split_once(' ').unwrap();
    let (topic, hex) = rest.rsplit_once(' ').unwrap();
    let digit = |b: u8| (b as char).to_digit(16).unwrap() as u8;
    let payload = hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    Message { retained: retained == "1", topic: topic.to_owned(), payload }
}
