//! Data-terminal units that dial in: one listening port, on which each unit says who it is with a registration packet. The
//! listener hands the socket to the link of that registration, and keeps no more of it.
//!
//! The rule: who does not register in time, or under a name that nobody expects, is hung up on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tracing::{debug, warn};

use crate::model::Trouble;
use crate::model::words::source as words;

/// A unit registers right after it has dialled; over 4G that takes a second or two.
const REGISTER_WITHIN: Duration = Duration::from_secs(15);

/// A registration that could be the beginning of a longer one is taken when no more came for so long.
const GROWS_WITHIN: Duration = Duration::from_secs(1);

/// Registration packets are serial numbers or short texts.
const LONGEST_REGISTRATION: usize = 256;

/// Sockets that have not registered yet. A port in the open is knocked at all day; beyond this many, whoever has most of
/// them loses the oldest, so that somebody who holds them all open does not keep the units out.
const STRANGERS: usize = 64;

/// Dialled in, not yet taken by the link; an older one is worthless then.
const WAITING: usize = 4;

/// A port that is taken may be free again soon: after a restart the old process may still hold it.
const BIND_AGAIN: Duration = Duration::from_secs(5);

/// Where a link finds the socket of its unit.
#[derive(Clone)]
pub struct Seat {
    arrivals: Arc<Mutex<mpsc::Receiver<TcpStream>>>,
}

/// The other end of a seat, and who may take it.
pub struct Guest {
    /// What the unit sends first; `None`: whoever dials in.
    pub registration: Option<Vec<u8>>,
    usher: mpsc::Sender<TcpStream>,
    arrivals: Arc<Mutex<mpsc::Receiver<TcpStream>>>,
}

impl Guest {
    /// Leads a socket to the seat. Where older ones still wait, because the link is seldom due, the oldest goes.
    fn usher(&self, socket: TcpStream) -> bool {
        let Err(refused) = self.usher.try_send(socket) else { return true };
        if let Ok(mut arrivals) = self.arrivals.try_lock() {
            arrivals.try_recv().ok(); // dropped: the unit has dialled again since
        }
        self.usher.try_send(refused.into_inner()).is_ok()
    }
}

impl Seat {
    /// A seat for the link, and its other end for the listener.
    pub fn new(registration: Option<Vec<u8>>) -> (Seat, Guest) {
        let (usher, arrivals) = mpsc::channel(WAITING);
        let arrivals = Arc::new(Mutex::new(arrivals));
        (Seat { arrivals: arrivals.clone() }, Guest { registration, usher, arrivals })
    }

    /// The newest socket; waits for one. Cancel-safe.
    pub async fn take(&self) -> Option<TcpStream> {
        let mut arrivals = self.arrivals.lock().await;
        let mut socket = arrivals.recv().await?;
        while let Ok(newer) = arrivals.try_recv() {
            socket = newer;
        }
        Some(socket)
    }

    /// Whether a newer socket waits: the unit has dialled again, so the one in use is dead.
    pub fn is_taken_again(&self) -> bool {
        self.arrivals.try_lock().is_ok_and(|arrivals| !arrivals.is_empty())
    }
}

/// A listening port. Dropping it closes the port; sockets that were handed on live on.
pub struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens at `address` for these guests.
    pub fn start(address: String, guests: Vec<Guest>) -> Listener {
        Listener { task: tokio::spawn(listen(address, Arc::new(guests))) }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(address: String, guests: Arc<Vec<Guest>>) {
    let mut is_told = false;
    let listener = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    let trouble = Trouble::new(words::CANNOT_LISTEN).with("address", &address).with("error", error);
                    warn!(code = %trouble.code, "{trouble}");
                }
                tokio::time::sleep(BIND_AGAIN).await;
            }
        }
    };
    let mut strangers: Vec<(IpAddr, AbortHandle)> = Vec::new();
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors: a busy loop would not help
            continue;
        };
        strangers.retain(|(_, stranger)| !stranger.is_finished());
        if strangers.len() >= STRANGERS {
            let at = most_frequent(strangers.iter().map(|(from, _)| *from));
            let (from, oldest) = strangers.remove(at);
            oldest.abort();
            debug!(%from, "too many have dialled in and said nothing: the oldest is hung up on");
        }
        let guests = guests.clone();
        let stranger = tokio::spawn(async move {
            if !register(socket, &guests).await {
                debug!(%peer, "somebody dialled in who is nobody's unit");
            }
        });
        strangers.push((peer.ip(), stranger.abort_handle()));
    }
}

/// Where the address that stands there most often stands first.
fn most_frequent(addresses: impl Iterator<Item = IpAddr>) -> usize {
    let mut seen: BTreeMap<IpAddr, (usize, usize)> = BTreeMap::new();
    for (at, address) in addresses.enumerate() {
        seen.entry(address).or_insert((0, at)).0 += 1;
    }
    seen.into_values().max_by_key(|(count, first)| (*count, std::cmp::Reverse(*first))).map_or(0, |(_, first)| first)
}

/// Whether the socket found its link.
async fn register(mut socket: TcpStream, guests: &[Guest]) -> bool {
    let mut said = Vec::new();
    let whole = async {
        loop {
            let mut chunk = [0_u8; 64];
            let read = match recognised(&said, guests) {
                Some((guest, false)) => return Some(guest),
                Some((guest, true)) => match tokio::time::timeout(GROWS_WITHIN, socket.read(&mut chunk)).await {
                    Ok(read) => read,
                    Err(_) => return Some(guest), // it has said all
                },
                None => socket.read(&mut chunk).await,
            };
            match read {
                Ok(length) if length > 0 && said.len() <= LONGEST_REGISTRATION => {
                    said.extend_from_slice(&chunk[..length])
                }
                _ => return None,
            }
        }
    };
    let Ok(Some(guest)) = tokio::time::timeout(REGISTER_WITHIN, whole).await else { return false };
    socket.set_nodelay(true).ok(); // without it requests are slower, not wrong
    guest.usher(socket)
}

/// The guest whose registration stands anywhere in what was said: units send it split, or behind a heartbeat. The longest
/// one counts, so that `DTU-1` does not take the seat of `DTU-17`; `true`: a longer one may still come.
fn recognised<'a>(said: &[u8], guests: &'a [Guest]) -> Option<(&'a Guest, bool)> {
    let stands = |guest: &&Guest| match guest.registration.as_deref() {
        None => true,
        Some(registration) => said.windows(registration.len().max(1)).any(|part| part == registration),
    };
    let length = |guest: &Guest| guest.registration.as_ref().map_or(0, Vec::len);
    let best = guests.iter().filter(stands).max_by_key(|guest| length(guest))?;
    let can_grow = guests.iter().filter_map(|guest| guest.registration.as_deref()).any(|longer| {
        longer.len() > length(best)
            && (1..longer.len()).any(|cut| said.ends_with(&longer[..cut]) && cut >= length(best).max(1))
    });
    Some((best, can_grow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, expected: Option<(&str, bool)>) {
        let guests = ["DTU-1", "DTU-17", "press"].map(|name| Seat::new(Some(name.into())).1);
        let found = recognised(said.as_bytes(), &guests);
        let found = found.map(|(guest, can_grow)| (guest.registration.clone().unwrap(), can_grow));
        assert_eq!(found, expected.map(|(name, can_grow)| (name.into(), can_grow)), "{said:?}");
    }

    #[test]
    fn a_unit_is_recognised_by_its_registration_wherever_it_stands() {
        check("", None);
        check("DTU-", None);
        check("DTU-17", Some(("DTU-17", false)));
        check("PINGpress\r\n", Some(("press", false)));
        check("nobody", None);
    }

    #[test]
    fn a_registration_that_begins_like_another_waits_for_what_follows() {
        check("DTU-1", Some(("DTU-1", true)));
        check("DTU-1\r\n", Some(("DTU-1", false)));
    }

    #[tokio::test]
    async fn a_unit_that_dials_more_often_than_it_is_asked_is_taken_by_its_newest_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seat, guest) = Seat::new(None);
        let guests = [guest];
        let mut dialled = Vec::new();
        for _ in 0..WAITING + 3 {
            dialled.push(TcpStream::connect(address).await.unwrap());
            assert!(register(listener.accept().await.unwrap().0, &guests).await, "it is not hung up on");
        }
        let taken = seat.take().await.unwrap();
        assert_eq!(taken.peer_addr().unwrap(), dialled.last().unwrap().local_addr().unwrap());
    }

    #[test]
    fn who_has_most_is_found_where_it_stands_first() {
        for (addresses, expected) in [("1", 0), ("1 2 2", 1), ("1 2 2 1", 0), ("3 1 2 2 1 2", 2)] {
            let addresses = addresses.split(' ').map(|last| format!("127.0.0.{last}").parse().unwrap());
            assert_eq!(most_frequent(addresses), expected);
        }
    }

    #[test]
    fn without_a_registration_whoever_dials_in_is_taken() {
        let guests = [Seat::new(None).1];
        assert!(recognised(b"", &guests).is_some());
    }
}
