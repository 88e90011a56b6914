//! The task of one link to an OPC UA server: connects, serves the session until it is lost, tells of changes, connects again.
//! `serve` has what happens on a session that stands, `monitor` how subscriptions are made, `recover` how they are brought over a
//! loss, `look` what is read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opcua::types::{PublishResponse, SubscriptionAcknowledgement};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::book::Book;
use super::fault::Fault;
use super::gather::Gatherer;
use super::items::Items;
use super::ladder::{Ladder, Step};
use super::pki::Pki;
use super::session::{Partner, Session, Ticket};
use super::signs::Signs;
use super::subscription::Subscription;
use crate::config::opcua::{OpcUaServer, SecurityMode};
use crate::config::{Config, Link};
use crate::model::words::{opcua as words, source};
use crate::model::{Backoff, Batch, Code, Event, Lang, LinkState, Reading, Stamp, Timestamp, Trouble, Why};
use crate::source::line::random;
use crate::source::schedule::Schedule;
use crate::source::{Heard, LinkStatus, Outlet, poller};

/// The task of one link.
pub struct Client {
    pub(super) link: Arc<Link>,
    server: OpcUaServer,
    /// In the name of which our certificate is made.
    workshop: (String, String),
    pub(super) book: Book,
    pub(super) items: Items,
    /// As they stand at the server, or stood when it was lost.
    pub(super) subscriptions: Vec<Subscription>,
    /// What lets us have the session back, and the namespaces that held in it.
    pub(super) ticket: Option<(Ticket, Vec<String>)>,
    pub(super) publishing: JoinSet<Result<PublishResponse, Fault>>,
    /// Publish requests on their way at most, as the server bears it.
    pub(super) most_publishing: usize,
    /// After a refusal no publish request is sent before.
    pub(super) publish_after: Option<Instant>,
    /// Messages that the server need not keep any longer.
    pub(super) acknowledged: Vec<SubscriptionAcknowledgement>,
    pub(super) gatherer: Gatherer,
    /// The server's clock when it sent the last message.
    pub(super) server_now: Option<Timestamp>,
    /// When the last values were handed on that were not sent for the second time.
    pub(super) flushed_ms: u64,
    /// After a loss.
    pub(super) back: Option<Back>,
    pub(super) ladder: Ladder,
    /// When each group is read, as far as it is.
    pub(super) schedule: Schedule,
    /// Items that are dead at the server.
    pub(super) dead: Vec<usize>,
    /// Items whose queues at the server ran over.
    pub(super) overflown: Vec<usize>,
    pub(super) overflow_told: Option<Instant>,
    /// A subscription that has ended alone.
    pub(super) ended: Option<u32>,
    /// Subscriptions were taken over, and have not sent a value since.
    pub(super) on_probation: bool,
    /// When items were looked after last.
    pub(super) looked: Instant,
    /// For the ledger.
    pub(super) signs: Signs,
    outlet: Outlet,
    pub(super) started: Instant,
    pub(super) status: watch::Sender<LinkStatus>,
    backoff: Backoff,
    state_dir: PathBuf,
    /// Since when the session stands.
    up_since: Option<Instant>,
    /// What was told last of why there is no connection.
    pub(super) told: Option<Code>,
    /// Somebody still takes what is heard.
    pub(super) is_heard: bool,
}

/// Why serving ended.
pub(super) enum End {
    Stopped,
    Lost(Fault),
}

/// The line is back: what the server kept meanwhile comes within some time, and is not older than what was heard before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back {
    /// When values were heard last, before.
    pub(super) heard_ms: u64,
    pub(super) until_ms: u64,
    /// Of all of it so far it is known when it was taken.
    pub(super) is_sure: bool,
}

/// When a scan was taken that a server sends later than at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// So long ago, reading by reading; `None`: now.
    pub(super) ages: Option<Box<[u64]>>,
    /// Scans of the same group that came with it and were taken later.
    pub(super) behind: u64,
}

impl Client {
    /// The client of `link` with all devices behind it.
    pub fn new(config: &Config, link: Arc<Link>, server: OpcUaServer, place: poller::Place) -> Client {
        let poller::Place { outlet, started, status, state_dir, .. } = place;
        let book = Book::of(config, &link.name);
        let signs = Signs::new(book.groups.len(), book.periods());
        let items = Items::new(book.entries.iter().map(|entry| !entry.node().is_subscribed));
        Client {
            workshop: (config.workshop.enterprise.clone(), config.workshop.id.clone()),
            backoff: Backoff::new(link.retry, link.retry_max),
            schedule: Schedule::new(book.groups.iter().map(|group| group.period), ms_since(started)),
            link,
            server,
            book,
            items,
            subscriptions: Vec::new(),
            ticket: None,
            publishing: JoinSet::new(),
            most_publishing: MOST_PUBLISHING,
            publish_after: None,
            acknowledged: Vec::new(),
            gatherer: Gatherer::default(),
            server_now: None,
            flushed_ms: 0,
            back: None,
            ladder: Ladder::default(),
            dead: Vec::new(),
            overflown: Vec::new(),
            overflow_told: None,
            ended: None,
            on_probation: false,
            looked: started,
            signs,
            outlet,
            started,
            status,
            state_dir,
            up_since: None,
            told: None,
            is_heard: true,
        }
    }

    /// Until told to stop; then the session is closed, so that none piles up at the server.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let partner = loop {
            let made = self.partner().await;
            match made {
                Ok(partner) => break partner,
                Err(trouble) => {
                    self.on_failed(Fault::new(Why::Untrusted, trouble)).await;
                    if self.pause(&mut stop).await {
                        return;
                    }
                }
            }
        };
        while self.is_heard {
            let ticket = self.ticket.as_ref().map(|(ticket, _)| ticket.clone());
            let connected = tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => return,
                connected = partner.connect(ticket.as_ref()) => connected,
            };
            match connected {
                Ok(session) => match self.serve(&partner, session, &mut stop).await {
                    End::Stopped => return,
                    End::Lost(fault) => {
                        debug!(link = %self.link.name, status = %fault.status, "lost");
                        self.tell_step(Step::NewChannel, &fault.trouble);
                        let stood = self.up_since.take().is_some_and(|since| since.elapsed() >= STEADY);
                        if stood {
                            // Tried once at once: a server that only closed the socket has everything still.
                            self.backoff.reset();
                            continue;
                        }
                        self.on_failed(fault).await;
                    }
                },
                Err(fault) => self.on_failed(fault).await,
            }
            if self.pause(&mut stop).await {
                return;
            }
        }
    }

    /// Our certificate is made where there is none, which takes a while.
    async fn partner(&self) -> Result<Partner, Trouble> {
        let pki = Pki::of(&self.state_dir);
        let (maker, (enterprise, workshop)) = (pki.clone(), self.workshop.clone());
        let now = Timestamp::of(SystemTime::now());
        let made = tokio::task::spawn_blocking(move || maker.own(&enterprise, &workshop, now)).await;
        let own = made.unwrap_or_else(|error| {
            let trouble = Trouble::new(words::OWN_NOT_MADE).with("path", pki.own_path().display());
            Err(trouble.with("error", error))
        })?;
        Ok(Partner { link: self.link.clone(), server: self.server.clone(), own, pki, locales: Vec::new() })
    }

    /// No connection: what has no value reads bad, and the next try comes after a pause.
    async fn on_failed(&mut self, fault: Fault) {
        debug!(link = %self.link.name, status = %fault.status, trouble = ?fault.trouble, "not connected");
        let is_news = self.told != Some(fault.trouble.code);
        self.transition(LinkState::Down, Some((&fault, is_news))).await;
        self.told = Some(fault.trouble.code);
        if is_news {
            self.all_bad(fault.why).await;
        }
    }

    /// Waits for the next try; what is due meanwhile reads bad. `true`: told to stop.
    async fn pause(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        let why = self.status.borrow().why.unwrap_or(Why::Unreachable);
        let mut pause = self.backoff.next(random());
        if why == Why::IdentityRefused {
            pause = pause.max(LOCKOUT_PAUSE); // servers lock users after some wrong tries
        }
        let until = Instant::now() + pause;
        loop {
            let has_read = |group: usize| self.book.members[group].iter().any(|handle| self.items.is_read(*handle));
            let due = self.schedule.next_due(has_read).map(|ms| self.at(ms));
            let wake = due.map_or(until, |due| due.min(until));
            tokio::select! {
                biased;
                () = told_to_stop(stop) => return true,
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let now_ms = self.now_ms();
            while let Some(group) = self.schedule.take_next(now_ms, |_| false) {
                self.read_is_bad(group, why).await;
            }
            if Instant::now() >= until || !self.is_heard {
                return !self.is_heard;
            }
        }
    }

    /// A session stands.
    pub(super) async fn on_connected(&mut self, session: &Session) {
        self.told = None;
        self.up_since = Some(Instant::now());
        self.transition(LinkState::Up, None).await;
        if self.server.mode == SecurityMode::None {
            let trouble = self.named(Trouble::new(words::NO_SECURITY));
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
        if let Some(days) = session.certificate_days.filter(|days| (0..=WARN_DAYS).contains(days)) {
            let trouble = self.named(Trouble::new(words::CERTIFICATE_ENDS).with("days", days));
            warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
        }
    }

    /// Logs and reports a change of state; silent where nothing changed.
    async fn transition(&mut self, state: LinkState, fault: Option<(&Fault, bool)>) {
        let why = fault.map(|(fault, _)| fault.why);
        let is_change = self.status.borrow().state != Some(state);
        self.status.send_modify(|status| {
            status.state = Some(state);
            status.why = why;
            status.trouble = fault.map(|(fault, _)| self.named(fault.trouble.clone()));
            if is_change {
                status.since = Some(Instant::now());
            }
        });
        match fault {
            None if is_change => {
                let trouble = self.named(Trouble::new(source::LINK_UP));
                info!(link = %self.link.name, "{}", trouble.what(Lang::current()));
            }
            Some((fault, is_news)) if is_change || is_news => {
                let trouble = self.named(fault.trouble.clone());
                warn!(code = %trouble.code, link = %self.link.name, "{trouble}");
            }
            _ => {}
        }
        if is_change {
            let why = why.map(|why| why.as_str().to_owned());
            let event = Event::Link { link: self.link.name.to_string(), state, why };
            self.is_heard &= self.outlet.put(Heard::Event(Timestamp::of(SystemTime::now()), event)).await;
        }
    }

    /// The same with the names of link and server.
    pub(super) fn named(&self, trouble: Trouble) -> Trouble {
        trouble.with("link", &self.link.name).with("endpoint", &self.link.transport)
    }

    /// Counts a step of the ladder, and tells it if it is news.
    pub(super) fn tell_step(&mut self, step: Step, cause: &Trouble) {
        self.count(step.as_str(), 1);
        if self.ladder.is_news(step, Instant::now()) {
            let cause = self.named(cause.clone()).what(Lang::current());
            let trouble = self.named(Trouble::new(words::STEP_TAKEN).with("step", step.as_str()).with("why", cause));
            warn!(code = %trouble.code, link = %self.link.name, step = step.as_str(), "{trouble}");
        }
    }

    pub(super) fn count(&self, what: &'static str, by: u64) {
        self.status.send_modify(|status| *status.counts.entry(what).or_default() += by);
    }

    /// Every tag reads bad.
    async fn all_bad(&mut self, why: Why) {
        for group in 0..self.book.groups.len() {
            let readings = vec![Some(Reading::Bad(why)); self.book.members[group].len()];
            self.hand_on(group, None, readings, None).await;
        }
    }

    /// What is read cyclically of a group reads bad.
    pub(super) async fn read_is_bad(&mut self, group: usize, why: Why) {
        let is_read = |handle: &usize| self.items.is_read(*handle).then_some(Reading::Bad(why));
        let readings: Vec<Option<Reading>> = self.book.members[group].iter().map(is_read).collect();
        if readings.iter().any(Option::is_some) {
            self.hand_on(group, Some(self.schedule.taken_due(group)), readings, None).await;
        }
    }

    /// A scan of a group goes to the recorder. `due_ms`: when it was due, if it was asked for.
    pub(super) async fn hand_on(
        &mut self,
        group: usize,
        due_ms: Option<u64>,
        readings: Vec<Option<Reading>>,
        stamps: Option<Vec<Stamp>>,
    ) {
        self.hand_on_taken(group, due_ms, readings, stamps, Taken::default()).await;
    }

    /// The same of one that was not taken just now.
    pub(super) async fn hand_on_taken(
        &mut self,
        group: usize,
        due_ms: Option<u64>,
        readings: Vec<Option<Reading>>,
        stamps: Option<Vec<Stamp>>,
        Taken { ages, behind }: Taken,
    ) {
        let is_bad = readings.iter().flatten().any(|reading| matches!(reading, Reading::Bad(_)));
        let is_fresh = readings.iter().flatten().any(|reading| matches!(reading, Reading::Good(_)));
        let (group, mono_ms) = (self.book.groups[group].clone(), self.now_ms());
        self.status.send_modify(|status| {
            if is_fresh {
                status.refresh(&group, mono_ms);
            }
            status.scans += 1;
            status.bad_scans += u64::from(is_bad);
        });
        // Scans that come together are a millisecond apart: what was said last counts last.
        let behind = behind.min(mono_ms);
        let at = Timestamp(Timestamp::of(SystemTime::now()).0 - i64::try_from(behind).unwrap_or(0));
        let batch = Batch { group, at, mono_ms: mono_ms - behind, due_ms, readings, stamps };
        let heard = match ages {
            None => Heard::Batch(batch),
            Some(ages) => Heard::Kept(batch, ages),
        };
        self.is_heard &= self.outlet.put(heard).await;
    }

    pub(super) async fn put(&mut self, heard: Heard) {
        self.is_heard &= self.outlet.put(heard).await;
    }

    /// Milliseconds since the start of the agent.
    pub(super) fn now_ms(&self) -> u64 {
        ms_since(self.started)
    }

    pub(super) fn at(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }
}

fn ms_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Between two tries with a user that was refused.
const LOCKOUT_PAUSE: Duration = Duration::from_secs(60);

/// The server answers each when it has something, and needs one in reserve.
pub(super) const MOST_PUBLISHING: usize = 8;

/// A session that stood for so long was worth its making; one that did not is made again after a pause.
const STEADY: Duration = Duration::from_secs(5);

/// A month is enough to have somebody come.
const WARN_DAYS: i64 = 30;

pub(super) async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok(); // a dropped sender means the same
}
