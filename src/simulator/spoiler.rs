//! Spoiler: the door behind `cloudward sim --fault`. It stands between the public port and the real server, hands frames
//! through, and does to them what [`super::faults`] says.
//!
//! It owns the public port and all connections. Rule: what is decided is decided there; here bytes are moved.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::faults::{Fault, Faults, Step, Tally};
use super::server::cannot_listen;
use crate::model::Trouble;

/// A running spoiler. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Spoiler {
    addr: SocketAddr,
    faults: Shared,
    task: JoinHandle<()>,
}

/// Called when a fault begins to act.
pub type Tell = Box<dyn Fn(&Fault) + Send + Sync>;

/// The decisions of all connections, since a fault counts over all of them. Held for a moment, never while waiting.
type Shared = Arc<Mutex<Faults>>;

impl Spoiler {
    /// Listens at `public` (port 0: any free one) for the server at `inner`. Must be called within a runtime.
    pub fn start(public: SocketAddr, inner: SocketAddr, faults: Faults, tell: Tell) -> Result<Spoiler, Trouble> {
        let socket = bind(public).map_err(|error| cannot_listen(public, &error))?;
        let addr = socket.local_addr().map_err(|error| cannot_listen(public, &error))?;
        let faults: Shared = Arc::new(Mutex::new(faults));
        let door = Door { inner, faults: faults.clone(), tell, open: AtomicUsize::new(0) };
        // Bound at once, so that a port in use shows; whether somebody listens is another matter.
        let refused = door.locked().on_start();
        let listener = match refused {
            None => Ok(socket.listen(BACKLOG).map_err(|error| cannot_listen(addr, &error))?),
            Some((fault, span)) => {
                door.tell_once(fault);
                Err((socket, span))
            }
        };
        let task = tokio::spawn(serve(listener, Arc::new(door)));
        Ok(Spoiler { addr, faults, task })
    }

    /// The public address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Each fault and how often it acted.
    pub fn tallies(&self) -> Vec<(Fault, Tally)> {
        locked(&self.faults).tallies().map(|(fault, tally)| (fault.clone(), tally)).collect()
    }
}

impl Drop for Spoiler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What all connections need.
struct Door {
    inner: SocketAddr,
    faults: Shared,
    tell: Tell,
    open: AtomicUsize,
}

impl Door {
    fn locked(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    fn tell_once(&self, fault: usize) {
        let faults = self.locked();
        if let Some((fault, Tally { acted: 1, .. })) = faults.get(fault) {
            (self.tell)(fault);
        }
    }
}

/// A panic elsewhere leaves counters, which are still true.
fn locked(faults: &Shared) -> MutexGuard<'_, Faults> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Ends only by being aborted; then its connections end too.
async fn serve(listener: Result<TcpListener, (TcpSocket, Option<Duration>)>, door: Arc<Door>) {
    let listener = match listener {
        Ok(listener) => listener,
        // While a socket is bound but does not listen, the kernel refuses connects and nobody else takes the port.
        Err((_socket, None)) => return std::future::pending().await,
        Err((socket, Some(span))) => {
            sleep(span).await;
            match socket.listen(BACKLOG) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::error!(%error, "the simulator cannot listen");
                    return;
                }
            }
        }
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {} // ended by one of its sides
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(connection(stream, door.clone()));
                }
                Ok(_) => tracing::debug!("too many connections at the simulator"),
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn connection(outside: TcpStream, door: Arc<Door>) {
    let others = door.open.fetch_add(1, Ordering::SeqCst);
    let turned_away = door.locked().on_connect(others);
    match turned_away {
        Some(fault) => door.tell_once(fault),
        None => {
            if let Err(error) = spoil(outside, &door).await {
                tracing::debug!(%error, "a connection to the simulated machines ended");
            }
        }
    }
    door.open.fetch_sub(1, Ordering::SeqCst);
}

/// One connection, request by request, until a side ends it or a fault does.
async fn spoil(mut outside: TcpStream, door: &Door) -> io::Result<()> {
    let mut inside = TcpStream::connect(door.inner).await?;
    outside.set_nodelay(true)?;
    inside.set_nodelay(true)?;
    let mut last = Instant::now();
    let mut is_sending = true;
    loop {
        let request = frame(&mut outside).await?;
        let deed = door.locked().on_request(&request, last.elapsed());
        if let Some(fault) = deed.fault {
            door.tell_once(fault);
        }
        let answer = match deed.is_asked {
            true => {
                inside.write_all(&request).await?;
                Some(frame(&mut inside).await?)
            }
            false => None,
        };
        let steps = door.locked().steps(deed, &request, answer);
        for step in steps {
            match step {
                Step::Send(bytes) if is_sending => outside.write_all(&bytes).await?,
                Step::Send(_) => {} // it has closed its sending side
                Step::Wait(span) => sleep(span).await,
                Step::CloseSending => {
                    is_sending = false;
                    outside.shutdown().await?;
                }
                Step::Cut => return Ok(()),
            }
            last = Instant::now();
        }
    }
}

/// One frame of Modbus TCP, header and all. What cannot be one ends the connection.
async fn frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    stream.read_exact(&mut frame).await?;
    let length = usize::from(u16::from_be_bytes([frame[4], frame[5]]));
    if !(2..=MAX_LENGTH).contains(&length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no frame of Modbus TCP"));
    }
    frame.resize(HEADER + length, 0);
    stream.read_exact(&mut frame[HEADER..]).await?;
    Ok(frame)
}

/// Transaction, protocol, length.
const HEADER: usize = 6;
/// Unit id and 253 bytes (Modbus Application Protocol V1.1b3, 4.1).
const MAX_LENGTH: usize = 254;
/// As many as a device with many sockets takes.
const MAX_CONNECTIONS: usize = 64;
const BACKLOG: u32 = 64;
/// After a failed accept (too many open files): long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
