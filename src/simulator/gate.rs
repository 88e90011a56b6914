//! Gate: a TCP door in front of the broker that can be shut and opened again, so that a demo can take the broker away as
//! a cut cable or a reboot does.
//!
//! It owns the public port for its whole life. Rule: while shut, the port stays bound but nobody listens, so that a
//! connect is refused at once and no other program can take the port in the meantime.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::server::cannot_listen;
use crate::model::Trouble;

/// The door. Dropping it closes the port and cuts all connections.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    inner: SocketAddr,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The word to shut, said by dropping it, and the task that listens to it.
    Open(watch::Sender<()>, JoinHandle<()>),
    Shut(TcpSocket),
    /// Only when a change failed half-way.
    Lost,
}

impl Gate {
    /// An open gate at `public` (port 0: any free one) that leads to `inner`.
    pub fn start(public: SocketAddr, inner: SocketAddr) -> Result<Gate, Trouble> {
        let socket = bind(public).map_err(|error| cannot_listen(public, &error))?;
        let addr = socket.local_addr().map_err(|error| cannot_listen(public, &error))?;
        let mut gate = Gate { addr, inner, state: State::Shut(socket) };
        gate.open()?;
        Ok(gate)
    }

    /// The public address: it stays the same however often the gate is shut.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether it lets connections in.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(..))
    }

    /// Cuts all connections and stops listening. When it returns, a connect is refused, and what stands behind the gate
    /// knows that its clients are gone.
    pub async fn close(&mut self) -> Result<(), Trouble> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(shut, task) => {
                drop(shut);
                task.await.ok(); // it ends by itself, and has no panic to tell of
            }
            shut @ State::Shut(_) => self.state = shut,
            State::Lost => {}
        }
        let mut patience = REBIND_ATTEMPTS;
        while let State::Lost = self.state {
            match bind(self.addr) {
                Ok(socket) => self.state = State::Shut(socket),
                // A child process that this one starts just now holds a copy of every open socket until its program
                // runs, and so our closed listener too.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && patience > 0 => {
                    patience -= 1;
                    sleep(REBIND_PAUSE).await;
                }
                Err(error) => return Err(cannot_listen(self.addr, &error)),
            }
        }
        Ok(())
    }

    /// Listens again at the same address.
    pub fn open(&mut self) -> Result<(), Trouble> {
        let socket = match std::mem::replace(&mut self.state, State::Lost) {
            open @ State::Open(..) => {
                self.state = open;
                return Ok(());
            }
            State::Shut(socket) => socket,
            State::Lost => bind(self.addr).map_err(|error| cannot_listen(self.addr, &error))?,
        };
        let listener = socket.listen(BACKLOG).map_err(|error| cannot_listen(self.addr, &error))?;
        let (shut, shutting) = watch::channel(());
        self.state = State::Open(shut, tokio::spawn(forward(listener, self.inner, shutting)));
        Ok(())
    }
}

/// Bound, not listening. The address may be reused at once: connections cut by us linger in TIME_WAIT.
fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Listens until told to shut; then waits for its connections, which were told too.
async fn forward(listener: TcpListener, inner: SocketAddr, mut shutting: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = shutting.changed() => break, // nothing is ever sent: the sender was dropped
            Some(_) = connections.join_next() => {} // ended by one of its sides; its sockets are closed
            accepted = listener.accept() => match accepted {
                Ok((outside, _)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(join(outside, inner, shutting.clone()));
                }
                Ok(_) => tracing::debug!("too many connections at the gate"),
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, until a side ends it or the gate shuts. The outside is cut at once. The inside is told, and its own
/// end awaited: rumqttd takes a client's end and its next beginning in the order in which it notices them, and a late end
/// would cut the new connection.
async fn join(mut outside: TcpStream, inner: SocketAddr, mut shutting: watch::Receiver<()>) {
    let Ok(mut inside) = TcpStream::connect(inner).await else { return };
    outside.set_nodelay(true).ok(); // slower, not wrong
    inside.set_nodelay(true).ok();
    tokio::select! {
        _ = shutting.changed() => {}
        _ = copy_bidirectional(&mut outside, &mut inside) => {} // either side may go away at any time
    }
    drop(outside);
    inside.shutdown().await.ok(); // may be gone already
    let mut rest = [0; 4096];
    let drained = async { while matches!(inside.read(&mut rest).await, Ok(1..)) {} };
    timeout(INNER_PATIENCE, drained).await.ok(); // a side that does not end is cut now
}

/// A demo has a handful of clients.
const MAX_CONNECTIONS: usize = 64;
const BACKLOG: u32 = 64;
/// rumqttd notices a client's end within milliseconds.
const INNER_PATIENCE: Duration = Duration::from_secs(2);
/// Two seconds in all; a child starts its program within milliseconds.
const REBIND_ATTEMPTS: u32 = 200;
const REBIND_PAUSE: Duration = Duration::from_millis(10);
/// After a failed accept (too many open files): long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Something that says back what it hears.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await.ok();
                });
            }
        });
        addr
    }

    async fn says_back(addr: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(addr).await.expect("the gate is open");
        stream.write_all(b"ping").await.unwrap();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");
        stream
    }

    #[tokio::test]
    async fn a_shut_gate_cuts_refuses_and_opens_again_at_the_same_port() {
        let mut gate = Gate::start("127.0.0.1:0".parse().unwrap(), echo().await).unwrap();
        let addr = gate.addr();
        for _ in 0..3 {
            let mut stream = says_back(addr).await;
            gate.close().await.unwrap();
            gate.close().await.unwrap();
            assert!(!gate.is_open());
            let end = stream.read(&mut [0; 4]).await;
            assert!(matches!(end, Ok(0) | Err(_)), "the connection outlived the gate");
            let refused = TcpStream::connect(addr).await.expect_err("nobody listens");
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            gate.open().unwrap();
            gate.open().unwrap();
            assert!(gate.is_open() && gate.addr() == addr);
        }
        says_back(addr).await;
    }

    #[tokio::test]
    async fn when_the_gate_is_shut_the_inside_knows_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut gate = Gate::start("127.0.0.1:0".parse().unwrap(), listener.local_addr().unwrap()).unwrap();
        let _client = TcpStream::connect(gate.addr()).await.unwrap();
        let (mut inside, _) = listener.accept().await.unwrap();
        let noticed = Arc::new(AtomicBool::new(false));
        let notice = noticed.clone();
        tokio::spawn(async move {
            while matches!(inside.read(&mut [0; 8]).await, Ok(1..)) {}
            sleep(Duration::from_millis(50)).await; // as slow as a busy broker
            notice.store(true, Ordering::SeqCst);
        });
        gate.close().await.unwrap();
        assert!(noticed.load(Ordering::SeqCst));
    }
}
