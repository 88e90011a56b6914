//! The line of one link: dials it, gives it up, dials it again after growing pauses, and tells of its changes.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::connection::{Connection, OpenFault};
use super::listener::Seat;
use super::poller::LinkStatus;
use crate::config::{Link, Transport};
use crate::model::words::source as words;
use crate::model::{Backoff, Code, Event, Lang, LinkState, Timestamp, Trouble, Why};
use crate::source::{Heard, Outlet};

/// One link's connection, or the way to the next one.
pub(super) struct Line {
    link: Arc<Link>,
    /// Where its unit dials in, if it does.
    seat: Option<Seat>,
    outlet: Outlet,
    status: watch::Sender<LinkStatus>,
    backoff: Backoff,
    /// Units behind it.
    stations: usize,
    /// Failures in a row without one good answer in between.
    fruitless: usize,
    /// What the system said when it could not be opened.
    open_error: String,
    state: State,
}

enum State {
    /// Lost, for this reason; dialled again at that time.
    Down(Instant, Why),
    /// Being dialled; the readings until then have this reason.
    Dialing(JoinHandle<Result<Connection, OpenFault>>, Why),
    Up(Connection),
    /// Closed by us until something is due.
    Resting,
}

impl Line {
    /// The line is being dialled at once.
    pub(super) fn new(
        link: Arc<Link>,
        seat: Option<Seat>,
        outlet: Outlet,
        status: watch::Sender<LinkStatus>,
        stations: usize,
    ) -> Line {
        let mut line = Line {
            backoff: Backoff::new(link.retry, link.retry_max),
            link,
            seat,
            outlet,
            status,
            stations,
            fruitless: 0,
            open_error: String::new(),
            state: State::Resting,
        };
        line.dial(Why::Unreachable);
        line
    }

    /// The connection, or why there is none.
    pub(super) fn connection(&mut self) -> Result<&mut Connection, Why> {
        match &mut self.state {
            State::Up(connection) => Ok(connection),
            State::Down(_, why) | State::Dialing(_, why) => Err(*why),
            State::Resting => Err(Why::Closed),
        }
    }

    /// When to call [`redial`](Self::redial); `None` if it is not down.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        match self.state {
            State::Down(at, _) => Some(at),
            _ => None,
        }
    }

    /// Dials if it is down and the pause is over.
    pub(super) fn redial(&mut self, now: Instant) {
        if let State::Down(at, why) = self.state
            && now >= at
        {
            self.dial(why);
        }
    }

    /// Whether failures so far may all be the fault of single units.
    pub(super) fn is_trusted(&self) -> bool {
        self.fruitless <= self.stations
    }

    /// Dials where nobody does, and waits for the end: for questions that are due now.
    pub(super) async fn settle(&mut self) {
        match self.state {
            State::Up(_) => return,
            State::Down(_, why) => self.dial(why),
            State::Resting => self.dial(Why::Unreachable),
            State::Dialing(..) => {}
        }
        let result = self.dialled().await;
        self.on_dialled(result).await;
    }

    /// Whether it was closed by us.
    pub(super) fn is_resting(&self) -> bool {
        matches!(self.state, State::Resting)
    }

    /// Waits for the end of a dial; for ever, if none is under way. Cancel-safe: the dial goes on in its own task.
    pub(super) async fn dialled(&mut self) -> Result<Connection, OpenFault> {
        let State::Dialing(dial, _) = &mut self.state else { return std::future::pending().await };
        dial.await.unwrap_or_else(|error| Err(OpenFault { why: Why::Unreachable, error: error.to_string() }))
    }

    /// How it ended. Not to be left out after [`dialled`](Self::dialled).
    pub(super) async fn on_dialled(&mut self, result: Result<Connection, OpenFault>) {
        match result {
            Ok(connection) => self.state = State::Up(connection),
            Err(OpenFault { why, error }) => {
                debug!(link = %self.link.name, %why, error, "not connected");
                self.open_error = error;
                self.lost(why).await;
            }
        }
    }

    /// A new connection at once, in place of one that its peer has closed.
    pub(super) async fn reopen(&mut self) -> Result<(), Why> {
        self.state = State::Resting; // a serial port is held by the old connection as long as there is one
        match Connection::open(&self.link, self.seat.as_ref()).await {
            Ok(connection) => self.state = State::Up(connection),
            Err(OpenFault { why, error }) => {
                self.open_error = error;
                self.lost(why).await;
                return Err(why);
            }
        }
        Ok(())
    }

    /// Closed until something is due.
    pub(super) fn rest(&mut self) {
        if matches!(self.state, State::Up(_)) {
            self.state = State::Resting;
        }
    }

    /// A unit has answered.
    pub(super) async fn answered(&mut self) {
        self.fruitless = 0;
        self.backoff.reset();
        self.transition(LinkState::Up, None).await;
    }

    /// A unit did not answer on a line that is fine. It is in doubt when none of them does.
    pub(super) async fn silent(&mut self, why: Why) {
        self.fruitless += 1;
        if !self.is_trusted() {
            self.transition(LinkState::Down, Some(why)).await;
        }
    }

    /// The connection is gone. The first times in a row it is dialled again at once, since the cause may be a single
    /// unit; after as many as there are units the link itself is in doubt, and the pauses grow.
    pub(super) async fn lost(&mut self, why: Why) {
        self.fruitless += 1;
        let is_link_fault = matches!(why, Why::Refused | Why::Unreachable);
        let pause = if self.seat.is_some() {
            self.link.retry // waiting for somebody to dial in costs nothing, and who does is not to wait
        } else if is_link_fault || !self.is_trusted() {
            self.backoff.next(random())
        } else {
            Duration::ZERO
        };
        if !pause.is_zero() {
            self.transition(LinkState::Down, Some(why)).await;
        }
        self.state = State::Down(Instant::now() + pause, why);
    }

    fn dial(&mut self, why: Why) {
        let (link, seat) = (self.link.clone(), self.seat.clone());
        let dial = tokio::spawn(async move { Connection::open(&link, seat.as_ref()).await });
        self.state = State::Dialing(dial, why);
    }

    /// Logs and reports a change of state; silent where nothing changed.
    async fn transition(&mut self, state: LinkState, why: Option<Why>) {
        if self.status.borrow().state == Some(state) {
            return;
        }
        let trouble = Trouble::new(code(&self.link.transport, state, why)).with("link", &self.link.name);
        let trouble = trouble.with("endpoint", &self.link.transport).with("error", &self.open_error);
        self.status.send_modify(|status| {
            status.state = Some(state);
            status.why = why;
            status.trouble = Some(trouble.clone()).filter(|_| state == LinkState::Down);
            status.since = Some(Instant::now());
        });
        match state {
            LinkState::Up => info!(link = %self.link.name, "{}", trouble.what(Lang::current())),
            LinkState::Down => warn!(code = %trouble.code, link = %self.link.name, "{trouble}"),
        }
        let why = why.map(|why| why.as_str().to_owned());
        let event = Event::Link { link: self.link.name.to_string(), state, why };
        self.outlet.put(Heard::Event(Timestamp::of(SystemTime::now()), event)).await;
    }
}

/// A dial that nobody waits for any more would hold the port, or take the socket of a unit that dials in.
impl Drop for Line {
    fn drop(&mut self) {
        if let State::Dialing(dial, _) = &self.state {
            dial.abort();
        }
    }
}

/// The words for a change of state.
fn code(transport: &Transport, state: LinkState, why: Option<Why>) -> Code {
    let is_serial = matches!(transport, Transport::Serial(_));
    let dials_in = matches!(transport, Transport::RtuListen { .. });
    let has_checksums = !matches!(transport, Transport::ModbusTcp { .. });
    match (state, why) {
        (LinkState::Up, _) => words::LINK_UP,
        (LinkState::Down, Some(Why::Timeout)) if is_serial || dials_in => words::LINE_SILENT,
        (LinkState::Down, Some(Why::Malformed)) if has_checksums => words::LINE_NOISE,
        (LinkState::Down, _) if dials_in => words::NOBODY_DIALLED,
        (LinkState::Down, _) if is_serial => words::SERIAL_UNUSABLE,
        (LinkState::Down, Some(Why::Refused)) => words::LINK_REFUSED,
        (LinkState::Down, Some(Why::Timeout)) => words::LINK_SILENT,
        (LinkState::Down, Some(Why::Closed)) => words::LINK_CLOSED,
        (LinkState::Down, Some(Why::Malformed)) => words::LINK_MALFORMED,
        (LinkState::Down, _) => words::LINK_UNREACHABLE,
    }
}

/// From 0 to 1; without the system's random numbers the jitter is missing, nothing else.
pub(super) fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_has_dialled_in_and_says_nothing_is_not_called_missing() {
        let (host, listen) = (String::new(), String::new());
        let dials_in = Transport::RtuListen { listen, registration: None, heartbeat: None };
        let behind_a_server = Transport::RtuOverTcp { host: host.clone(), port: 1 };
        let tcp = Transport::ModbusTcp { host, port: 1 };
        for (transport, why, expected) in [
            (&dials_in, Why::Unreachable, words::NOBODY_DIALLED),
            (&dials_in, Why::Closed, words::NOBODY_DIALLED),
            (&dials_in, Why::Timeout, words::LINE_SILENT),
            (&dials_in, Why::Malformed, words::LINE_NOISE),
            (&behind_a_server, Why::Malformed, words::LINE_NOISE),
            (&behind_a_server, Why::Timeout, words::LINK_SILENT),
            (&tcp, Why::Malformed, words::LINK_MALFORMED),
        ] {
            assert_eq!(code(transport, LinkState::Down, Some(why)), expected, "{transport} {why}");
        }
    }
}
