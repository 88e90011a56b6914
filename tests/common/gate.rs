//! A door in the way to a server: TCP copied through unseen, so TLS passes as it is. The agent connects here, and the door is
//! opened only when the receiver stands behind it. It can cut what stands, refuse what comes, and freeze both ways.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{free_port, wait_for};

/// Closed, its port refuses connections as a dead broker's port does.
pub struct Gate {
    port: u16,
    upstream: u16,
    open: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    pairs: Arc<Mutex<Vec<TcpStream>>>,
    passed: Arc<AtomicUsize>,
    is_frozen: Arc<AtomicBool>,
}

impl Gate {
    /// A closed gate before the server's port.
    pub fn before(upstream: u16) -> Gate {
        let (pairs, passed, is_frozen) = Default::default();
        Gate { port: free_port(), upstream, open: None, pairs, passed, is_frozen }
    }

    /// Where the agent connects.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections reached the server so far.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// Whether connections pass.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Lets connections through from now on.
    pub fn open(&mut self) {
        assert!(self.open.is_none(), "the gate is open already");
        let listener = wait_for("the gate's port", || TcpListener::bind(("127.0.0.1", self.port)).ok());
        listener.set_nonblocking(true).unwrap();
        let is_open = Arc::new(AtomicBool::new(true));
        let (flag, pairs, passed, upstream) = (is_open.clone(), self.pairs.clone(), self.passed.clone(), self.upstream);
        let is_frozen = self.is_frozen.clone();
        let thread = thread::spawn(move || {
            while flag.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => pass(stream, upstream, &pairs, &passed, &is_frozen),
                    Err(_) => thread::sleep(TICK),
                }
            }
        });
        self.open = Some((is_open, thread));
    }

    /// Refuses connections and cuts those that stand.
    pub fn close(&mut self) {
        if let Some((is_open, thread)) = self.open.take() {
            is_open.store(false, Ordering::SeqCst);
            thread.join().unwrap();
        }
        self.cut();
        self.thaw();
    }

    /// Cuts the connections that stand; new ones pass.
    pub fn cut(&mut self) {
        for stream in self.pairs.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok(); // the other side may have gone before us
        }
    }

    /// From now on no byte passes either way, while all connections stand and new ones come to stand: a cable pulled behind the
    /// next switch. What was sent meanwhile arrives after `thaw`.
    pub fn freeze(&self) {
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Lets bytes pass again.
    pub fn thaw(&self) {
        self.is_frozen.store(false, Ordering::SeqCst);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
    }
}

/// How often a frozen or waiting gate looks again.
const TICK: Duration = Duration::from_millis(5);

fn pass(
    client: TcpStream,
    upstream: u16,
    pairs: &Mutex<Vec<TcpStream>>,
    passed: &AtomicUsize,
    is_frozen: &Arc<AtomicBool>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else { return };
    client.set_nonblocking(false).unwrap();
    for stream in [&client, &server] {
        stream.set_nodelay(true).ok(); // a peer that left in this instant is noticed by the copy
        pairs.lock().unwrap().push(stream.try_clone().unwrap());
    }
    passed.fetch_add(1, Ordering::SeqCst);
    for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
        let is_frozen = is_frozen.clone();
        thread::spawn(move || {
            copy(&mut from, &mut to, &is_frozen);
            from.shutdown(Shutdown::Both).ok(); // however it ended, both sides end now
            to.shutdown(Shutdown::Both).ok();
        });
    }
}

fn copy(from: &mut TcpStream, to: &mut TcpStream, is_frozen: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        while is_frozen.load(Ordering::SeqCst) {
            thread::sleep(TICK);
        }
        if to.write_all(&bytes[..n]).is_err() {
            return;
        }
    }
    // An end, too, is not seen from the other side while nothing passes.
    while is_frozen.load(Ordering::SeqCst) {
        thread::sleep(TICK);
    }
}
