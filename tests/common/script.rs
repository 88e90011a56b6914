//! A broker by script: speaks just enough MQTT 3.1.1 to take messages, and misbehaves on its first connections as it is told.
//! It remembers what it acknowledged, since only that a publisher may forget.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a connection does.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Acknowledges so many data messages as it should.
    pub good: usize,
    /// What it does with the first one after those.
    pub then: Then,
}

/// How to misbehave at a data message.
#[derive(Debug, Clone)]
pub enum Then {
    /// Nothing of the kind.
    Behave,
    /// Takes so many more without acknowledging, then hangs up.
    TakeAndHangUp(usize),
    /// Takes everything, answers nothing any more, and lets the connection stand.
    Silence,
    /// Reads nothing any more, so that the line fills up.
    Deaf,
    /// Acknowledges, but only after this time.
    Slow(Duration),
    /// Sends these bytes instead of the acknowledgement, and hangs up after a while if the other side has not.
    Bytes(Vec<u8>),
    /// Acknowledges another message, one that is not on the way.
    WrongId,
    /// Acknowledges it twice.
    Twice,
    /// Leaves it without, acknowledges so many behind it, and hangs up.
    LeaveOut(usize),
    /// Acknowledges so many in the wrong order, then hangs up.
    Backwards(usize),
    /// Sends these bytes instead of the CONNACK.
    NoWelcome(Vec<u8>),
}

/// A message as it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Which connection, from 0.
    pub connection: usize,
    pub topic: String,
    pub payload: Vec<u8>,
    /// Acknowledged as it should be.
    pub is_acked: bool,
}

/// The broker.
pub struct Scripted {
    pub port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    taken: Mutex<Vec<Taken>>,
    /// What was done on purpose, in words.
    misdeeds: Mutex<Vec<String>>,
    connections: Mutex<usize>,
}

impl Scripted {
    /// The first connections have these manners, all later ones are good.
    pub fn start(manners: Vec<Manner>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let shared = shared.clone();
            move || {
                while !shared.is_over.load(Ordering::SeqCst) {
                    let Ok((stream, _)) = listener.accept() else {
                        thread::sleep(Duration::from_millis(5));
                        continue;
                    };
                    let mut connections = shared.connections.lock().unwrap();
                    let good = Manner { good: usize::MAX, then: Then::Behave };
                    let manner = manners.get(*connections).cloned().unwrap_or(good);
                    let number = *connections;
                    *connections += 1;
                    let shared = shared.clone();
                    thread::spawn(move || Talk { stream, manner, number, seen: 0, shared: &shared }.run());
                }
            }
        });
        Scripted { port, shared, thread: Some(thread) }
    }

    /// Everything that came, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// The misdeeds that really happened.
    pub fn misdeeds(&self) -> Vec<String> {
        self.shared.misdeeds.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // it has told its own failure
        }
    }
}

/// One connection.
struct Talk<'a> {
    stream: TcpStream,
    manner: Manner,
    number: usize,
    /// Data messages seen.
    seen: usize,
    shared: &'a Shared,
}

/// A misbehaving connection is given up by the broker after this time, if the agent has not done so.
const ENOUGH: Duration = Duration::from_secs(8);

impl Talk<'_> {
    fn run(&mut self) {
        self.stream.set_nonblocking(false).unwrap();
        self.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        self.talk();
        self.stream.shutdown(Shutdown::Both).ok(); // the other side may have gone before
    }

    fn talk(&mut self) -> Option<()> {
        let mut unacked: Vec<(u16, usize)> = Vec::new();
        loop {
            let (head, body) = self.packet()?;
            match head >> 4 {
                1 => match &self.manner.then {
                    Then::NoWelcome(bytes) => return self.vandalize("NoWelcome", &bytes.clone()),
                    _ => self.send(&[0x20, 2, 0, 0])?,
                },
                3 => {
                    let topic_len = usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let topic = String::from_utf8_lossy(&body[2..2 + topic_len]).into_owned();
                    let id = u16::from_be_bytes([body[2 + topic_len], body[3 + topic_len]]);
                    let is_data = topic.ends_with("/data");
                    let index = {
                        let mut taken = self.shared.taken.lock().unwrap();
                        let payload = body[4 + topic_len..].to_vec();
                        taken.push(Taken { connection: self.number, topic, payload, is_acked: false });
                        taken.len() - 1
                    };
                    if !is_data {
                        self.ack(id, index)?;
                        continue;
                    }
                    self.seen += 1;
                    if self.seen <= self.manner.good {
                        self.ack(id, index)?;
                        continue;
                    }
                    let beyond = self.seen - self.manner.good; // from 1
                    match self.manner.then.clone() {
                        Then::Behave | Then::NoWelcome(_) => self.ack(id, index)?,
                        Then::TakeAndHangUp(more) if beyond > more => return self.misdeed("hung up"),
                        Then::TakeAndHangUp(_) => {}
                        Then::Silence => {
                            self.misdeed("fell silent");
                            return self.wait_for_the_end(true);
                        }
                        Then::Deaf => {
                            self.misdeed("went deaf");
                            return self.wait_for_the_end(false);
                        }
                        Then::Slow(pause) => {
                            thread::sleep(pause);
                            self.misdeed("was slow");
                            self.ack(id, index)?;
                        }
                        Then::Bytes(bytes) => return self.vandalize("bytes", &bytes),
                        Then::WrongId if beyond == 1 => {
                            self.misdeed("acknowledged what it had not got");
                            self.send(&puback(id.wrapping_add(1000)))?;
                        }
                        // Afterwards it acknowledges nothing: only a new connection can heal this.
                        Then::WrongId => {}
                        Then::Twice => {
                            self.ack(id, index)?;
                            self.misdeed("acknowledged twice");
                            self.send(&puback(id))?;
                        }
                        Then::LeaveOut(_) if beyond == 1 => {}
                        Then::LeaveOut(more) if beyond <= more + 1 => {
                            self.ack(id, index)?;
                            if beyond == more + 1 {
                                return self.misdeed("left one out and hung up");
                            }
                        }
                        Then::LeaveOut(_) => {}
                        Then::Backwards(many) => {
                            unacked.push((id, index));
                            if unacked.len() == many {
                                unacked.reverse();
                                unacked.pop(); // the first is left without
                                for (id, index) in &unacked {
                                    self.ack(*id, *index)?;
                                }
                                return self.misdeed("acknowledged backwards and hung up");
                            }
                        }
                    }
                }
                12 => self.send(&[0xd0, 0])?,
                14 => return None,
                other => panic!("a packet of type {other} from the agent"),
            }
        }
    }

    fn ack(&mut self, id: u16, index: usize) -> Option<()> {
        self.shared.taken.lock().unwrap()[index].is_acked = true; // before it is sent: a doubt counts against the agent
        self.send(&puback(id))
    }

    fn vandalize(&mut self, what: &str, bytes: &[u8]) -> Option<()> {
        self.misdeed(what);
        self.send(bytes)?;
        self.wait_for_the_end(true)
    }

    fn misdeed(&self, what: &str) -> Option<()> {
        self.shared.misdeeds.lock().unwrap().push(what.to_owned());
        None
    }

    /// Until the other side hangs up, or it is enough. What is read is taken, without an acknowledgement.
    fn wait_for_the_end(&mut self, reads: bool) -> Option<()> {
        let begun = Instant::now();
        while begun.elapsed() < ENOUGH && !self.shared.is_over.load(Ordering::SeqCst) {
            if !reads {
                thread::sleep(Duration::from_millis(50));
            } else {
                match self.stream.read(&mut [0; 4096]) {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(error) if is_timeout(&error) => {}
                    Err(_) => return None,
                }
            }
        }
        None
    }

    fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.byte()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        let mut got = 0;
        while got < length {
            got += self.some(&mut body[got..])?;
        }
        Some((head, body))
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.some(&mut byte)?;
        Some(byte[0])
    }

    fn some(&mut self, into: &mut [u8]) -> Option<usize> {
        loop {
            match self.stream.read(into) {
                Ok(0) => return None,
                Ok(n) => return Some(n),
                Err(error) if is_timeout(&error) && !self.shared.is_over.load(Ordering::SeqCst) => {}
                Err(_) => return None,
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).ok()
    }
}

fn puback(id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [0x40, 2, high, low]
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
