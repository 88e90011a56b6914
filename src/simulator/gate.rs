//! Gate: a TCP door in front of the broker that can be shut and opened again, so that a demo can take the broker away as
//! a cut cable or a reboot does.
//!
//! It owns the public port for its whole life. Rule: while shut, the port stays bound but nobody listens, so that a
//! connect is refused at once and no other program can take the port in the meantime.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

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
    Open(JoinHandle<()>),
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
        matches!(self.state, State::Open(_))
    }

    /// Cuts all connections and stops listening. When it returns, a connect is refused.
    pub async fn close(&mut self) -> Result<(), Trouble> {
        if let State::Open(task) = &mut self.state {
            task.abort();
            task.await.ok(); // an aborted task says that it was cancelled
            self.state = State::Lost;
        }
        if let State::Lost = self.state {
            self.state = State::Shut(bind(self.addr).map_err(|error| cannot_listen(self.addr, &error))?);
        }
        Ok(())
    }

    /// Listens again at the same address.
    pub fn open(&mut self) -> Result<(), Trouble> {
        let socket = match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(task) => {
                self.state = State::Open(task);
                return Ok(());
            }
            State::Shut(socket) => socket,
            State::Lost => bind(self.addr).map_err(|error| cannot_listen(self.addr, &error))?,
        };
        let listener = socket.listen(BACKLOG).map_err(|error| cannot_listen(self.addr, &error))?;
        self.state = State::Open(tokio::spawn(forward(listener, self.inner)));
        Ok(())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let State::Open(task) = &self.state {
            task.abort();
        }
    }
}

/// Bound, not listening. The address may be reused at once: connections cut by us linger in TIME_WAIT.
fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Owns all connections: dropped with it, they are cut.
async fn forward(listener: TcpListener, inner: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((outside, _)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(join(outside, inner));
                }
                Ok(_) => tracing::debug!("too many connections at the gate"),
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {} // ended by one of its sides; its sockets are closed
        }
    }
}

async fn join(mut outside: TcpStream, inner: SocketAddr) {
    let Ok(mut inside) = TcpStream::connect(inner).await else { return };
    outside.set_nodelay(true).ok(); // slower, not wrong
    inside.set_nodelay(true).ok();
    copy_bidirectional(&mut outside, &mut inside).await.ok(); // either side may go away at any time
}

/// A demo has a handful of clients.
const MAX_CONNECTIONS: usize = 64;
const BACKLOG: u32 = 64;
/// After a failed accept (too many open files): long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
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
            TcpListener::bind(addr).await.map(drop).ok(); // whether it is refused is the system's affair
            gate.open().unwrap();
            gate.open().unwrap();
            assert!(gate.is_open() && gate.addr() == addr);
        }
        says_back(addr).await;
    }
}
