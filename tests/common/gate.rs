//! A door in the way to the broker: TCP copied through unseen, so TLS passes as it is. The agent connects here, and the door is
//! opened only when the receiver stands behind it.

use std::io;
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
}

impl Gate {
    /// A closed gate before the broker's port.
    pub fn before(upstream: u16) -> Gate {
        Gate { port: free_port(), upstream, open: None, pairs: Arc::default(), passed: Arc::default() }
    }

    /// Where the agent connects.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections reached the broker so far.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// Lets connections through from now on.
    pub fn open(&mut self) {
        assert!(self.open.is_none(), "the gate is open already");
        let listener = wait_for("the gate's port", || TcpListener::bind(("127.0.0.1", self.port)).ok());
        listener.set_nonblocking(true).unwrap();
        let is_open = Arc::new(AtomicBool::new(true));
        let (flag, pairs, passed, upstream) = (is_open.clone(), self.pairs.clone(), self.passed.clone(), self.upstream);
        let thread = thread::spawn(move || {
            while flag.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => pass(stream, upstream, &pairs, &passed),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
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
        for stream in self.pairs.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok(); // the other side may have gone before us
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
    }
}

fn pass(client: TcpStream, upstream: u16, pairs: &Mutex<Vec<TcpStream>>, passed: &AtomicUsize) {
    let Ok(broker) = TcpStream::connect(("127.0.0.1", upstream)) else { return };
    client.set_nonblocking(false).unwrap();
    for stream in [&client, &broker] {
        stream.set_nodelay(true).ok(); // a peer that left in this instant is noticed by the copy
        pairs.lock().unwrap().push(stream.try_clone().unwrap());
    }
    passed.fetch_add(1, Ordering::SeqCst);
    for (mut from, mut to) in [(client.try_clone().unwrap(), broker.try_clone().unwrap()), (broker, client)] {
        thread::spawn(move || {
            io::copy(&mut from, &mut to).ok(); // however it ended, both sides end now
            from.shutdown(Shutdown::Both).ok();
            to.shutdown(Shutdown::Both).ok();
        });
    }
}
