//! A visit: a session for one command, that reads, looks around, and goes. Nothing is subscribed to and nothing written.
//!
//! The rule: a visit ends by itself. Whatever it is asked for, it asks no more once its time is over or somebody said stop, and
//! hands out what it has.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use opcua::types::{
    BrowseDescription, BrowseNextRequest, BrowseRequest, ByteString, DataValue, NodeId, ReadValueId,
    ReferenceDescription, StatusCode, ViewDescription,
};

use super::convert;
use super::fault::{Fault, Reach, Stage, is_too_much, status_name};
use super::node_id::node_id;
use super::pki::Pki;
use super::session::{Partner, Session, value_of};
use crate::config::opcua::{OpcUaServer, SecurityMode};
use crate::config::{Link, Tag, Transport};
use crate::model::{Lang, Reading, Stamp, Timestamp, Trouble};

/// Whom to visit, and for how long.
pub struct Errand<'a> {
    /// The link; not one of another protocol.
    pub link: &'a Link,
    /// Enterprise and workshop, in the name of which our certificate is made.
    pub workshop: (&'a str, &'a str),
    /// Where the certificates are.
    pub state_dir: &'a Path,
    /// In which language texts are wanted.
    pub lang: Lang,
    /// After so long it asks nothing any more.
    pub time: Duration,
    /// Becomes true when somebody says stop.
    pub stop: Arc<AtomicBool>,
}

/// A session at work.
pub struct Visit {
    partner: Partner,
    pub(super) session: Session,
    pub(super) requests: u32,
    /// How often the server may still be connected to again.
    chances: u32,
    /// Nodes that cost a session when they were read alone: nobody should read them every second.
    pub(super) costly: HashSet<NodeId>,
    began: Instant,
    time: Duration,
    stop: Arc<AtomicBool>,
}

/// One value, with everything that the server says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// As the tag of the configuration would have it.
    pub reading: Reading,
    /// Times and status.
    pub stamp: Stamp,
    /// The status in the words of the standard.
    pub status: String,
    /// What it is, whatever the tag says; `None` without a value.
    pub plain: Option<convert::Plain>,
}

/// What was found below a node.
#[derive(Debug, Default)]
pub(super) struct Children {
    pub(super) references: Vec<ReferenceDescription>,
    /// Why they are not all; `None`: they are, or nobody wanted more.
    pub(super) refused: Option<StatusCode>,
}

/// Sessions after the first one. To find the one node over which a server hangs up among a thousand takes ten; a server that
/// has three such nodes is not to be visited.
const CHANCES: u32 = 30;

/// References of one node in one answer: with some 200 bytes each a page stays below 100 kB, whatever the folder holds.
const PAGE: u32 = 500;

impl Visit {
    /// Connects and logs in.
    pub async fn open(errand: Errand<'_>) -> Result<Visit, Trouble> {
        let began = Instant::now();
        let link = Arc::new(errand.link.clone());
        let Transport::OpcUa(server) = &link.transport else { unreachable!("an errand goes to an OPC UA server") };
        let server: OpcUaServer = (**server).clone();
        let pki = Pki::of(errand.state_dir);
        let own = if server.mode == SecurityMode::None {
            pki.nobody()
        } else {
            pki.own(errand.workshop.0, errand.workshop.1, Timestamp::of(SystemTime::now()))?
        };
        let locales: &[&str] = match errand.lang {
            Lang::En => &["en"],
            Lang::Zh => &["zh-CN", "zh", "en"],
        };
        let locales = locales.iter().map(ToString::to_string).collect();
        let partner = Partner { link, server, own, pki, locales };
        let session = partner.connect(None).await.map_err(|fault| named(&partner, &fault))?;
        Ok(Visit {
            partner,
            session,
            requests: 0,
            chances: CHANCES,
            costly: HashSet::new(),
            began,
            time: errand.time,
            stop: errand.stop,
        })
    }

    /// Says good-bye, so that no session piles up at the server.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// The value of a tag of this server.
    pub async fn read(&mut self, tag: &Tag) -> Result<Answer, Trouble> {
        let node = tag.node().expect("a tag of an OPC UA link is a node");
        let asked = node_id(&node.address, &self.session.namespaces).map(|id| {
            let index_range = node.index.as_deref().and_then(|range| range.parse().ok()).unwrap_or_default();
            ReadValueId { index_range, ..value_of(id) }
        });
        let unknown = || DataValue { status: Some(StatusCode::BadNodeIdUnknown), ..DataValue::default() };
        let data = match asked {
            None => unknown(),
            Some(asked) => {
                let read = self.session.read(vec![asked]).await.map_err(|fault| named(&self.partner, &fault))?;
                read.into_iter().next().unwrap_or_else(unknown)
            }
        };
        Ok(Answer {
            reading: convert::reading(tag, node, &data),
            stamp: convert::stamp(&data),
            status: status_name(data.status.unwrap_or(StatusCode::Good)),
            plain: data.value.as_ref().and_then(convert::plain),
        })
    }

    /// Connects anew after a failure.
    pub async fn again(&mut self) -> Result<(), Trouble> {
        let session = self.partner.connect(None).await.map_err(|fault| named(&self.partner, &fault))?;
        std::mem::replace(&mut self.session, session).close().await;
        Ok(())
    }

    /// Whether the time is over or somebody said stop.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped() || self.elapsed() >= self.time
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The same trouble with the names of link and server.
    pub(super) fn named(&self, fault: &Fault) -> Trouble {
        named(&self.partner, fault)
    }

    /// Reads, as many at a time as the server takes. What it cannot be asked for at all has the status of the failure. Fewer
    /// come back where the time was over before.
    pub(super) async fn read_all(&mut self, asked: &[ReadValueId]) -> Result<Vec<DataValue>, Fault> {
        let mut values = Vec::with_capacity(asked.len());
        let mut size = self.session.limits.read;
        while values.len() < asked.len() && !self.is_over() {
            let rest = &asked[values.len()..];
            let part = &rest[..rest.len().min(size)];
            self.requests += 1;
            match self.session.read(part.to_vec()).await {
                Ok(read) => {
                    values.extend(read);
                    size = (2 * size).min(self.session.limits.read);
                }
                Err(fault) => {
                    self.mend(&fault).await?;
                    size = part.len().div_ceil(2);
                    if let [only] = part {
                        if fault.reach > Reach::Subscription {
                            self.costly.insert(only.node_id.clone());
                        }
                        values.push(DataValue { status: Some(fault.status), ..DataValue::default() });
                    } else if is_too_much(fault.status) {
                        self.session.limits.read = size;
                    }
                }
            }
        }
        Ok(values)
    }

    /// What is below these nodes, `most` of each or a page more. Fewer come back where the time was over before.
    pub(super) async fn browse(&mut self, asked: &[BrowseDescription], most: usize) -> Result<Vec<Children>, Fault> {
        let mut found: Vec<Children> = Vec::with_capacity(asked.len());
        let mut size = self.session.limits.browse;
        while found.len() < asked.len() && !self.is_over() {
            let rest = &asked[found.len()..];
            let part = &rest[..rest.len().min(size)];
            let mut browsed = match self.browse_part(part, PAGE, most).await {
                Ok(browsed) => browsed,
                Err(fault) => {
                    self.mend(&fault).await?;
                    size = part.len().div_ceil(2);
                    if part.len() == 1 {
                        found.push(Children { refused: Some(fault.status), ..Children::default() });
                    } else if is_too_much(fault.status) {
                        self.session.limits.browse = size;
                    }
                    continue;
                }
            };
            size = (2 * size).min(self.session.limits.browse);
            // A server has few bookmarks: those behind the first that found none are asked for again, fewer at a time.
            let is_starved = |node: &Children| node.refused == Some(StatusCode::BadNoContinuationPoints);
            if let Some(starved) = browsed.iter().position(is_starved) {
                if part.len() > 1 {
                    size = part.len().div_ceil(2);
                    self.session.limits.browse = size;
                    browsed.truncate(starved);
                } else if let Ok(whole) = self.browse_part(part, 0, most).await {
                    browsed = whole;
                }
            }
            found.extend(browsed);
        }
        Ok(found)
    }

    /// One request, with all that has to be asked for after it. Every bookmark is used up or given back.
    async fn browse_part(
        &mut self,
        part: &[BrowseDescription],
        page: u32,
        most: usize,
    ) -> Result<Vec<Children>, Fault> {
        self.requests += 1;
        let request = BrowseRequest {
            view: ViewDescription::default(),
            requested_max_references_per_node: page,
            nodes_to_browse: Some(part.to_vec()),
            ..BrowseRequest::default()
        };
        let results = self.session.ask(request).await?.results.unwrap_or_default();
        if results.len() != part.len() {
            return Err(Fault::of_status(Stage::Request, StatusCode::BadUnknownResponse, "another number of nodes"));
        }
        let mut found: Vec<Children> = Vec::with_capacity(part.len());
        let mut open: Vec<(usize, ByteString)> = Vec::new();
        for (at, result) in results.into_iter().enumerate() {
            let refused = result.status_code.is_bad().then_some(result.status_code);
            found.push(Children { references: result.references.unwrap_or_default(), refused });
            open.extend(Some((at, result.continuation_point)).filter(|(_, point)| !point.is_null_or_empty()));
        }
        while !open.is_empty() {
            let is_over = self.is_over();
            let (enough, wanted): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(at, _)| is_over || found[*at].references.len() >= most);
            self.next(&enough, true).await?;
            open = Vec::new();
            for (at, result) in self.next(&wanted, false).await? {
                found[at].references.extend(result.references.unwrap_or_default());
                found[at].refused = result.status_code.is_bad().then_some(result.status_code);
                open.extend(Some((at, result.continuation_point)).filter(|(_, point)| !point.is_null_or_empty()));
            }
        }
        Ok(found)
    }

    /// Uses bookmarks, or gives them back.
    async fn next(
        &mut self,
        points: &[(usize, ByteString)],
        release: bool,
    ) -> Result<Vec<(usize, opcua::types::BrowseResult)>, Fault> {
        let mut all = Vec::with_capacity(points.len());
        for part in points.chunks(self.session.limits.browse) {
            self.requests += 1;
            let request = BrowseNextRequest {
                release_continuation_points: release,
                continuation_points: Some(part.iter().map(|(_, point)| point.clone()).collect()),
                ..BrowseNextRequest::default()
            };
            let results = self.session.ask(request).await?.results.unwrap_or_default();
            if results.len() != part.len() && !release {
                return Err(Fault::of_status(
                    Stage::Request,
                    StatusCode::BadUnknownResponse,
                    "another number of nodes",
                ));
            }
            all.extend(part.iter().map(|(at, _)| *at).zip(results));
        }
        Ok(all)
    }

    /// After a failure: nothing to do where only the request failed; else another session, if there are chances left. The
    /// failure itself where that does not help.
    async fn mend(&mut self, fault: &Fault) -> Result<(), Fault> {
        if fault.reach <= Reach::Subscription {
            return Ok(());
        }
        if self.chances == 0 || self.is_over() {
            return Err(fault.clone());
        }
        self.chances -= 1;
        let limits = self.session.limits;
        let session = self.partner.connect(None).await.map_err(|_| fault.clone())?;
        let is_same = session.namespaces == self.session.namespaces;
        std::mem::replace(&mut self.session, session).close().await;
        self.session.limits = limits; // what was learned of them
        if is_same { Ok(()) } else { Err(fault.clone()) }
    }
}

fn named(partner: &Partner, fault: &Fault) -> Trouble {
    let trouble = fault.trouble.clone();
    trouble.with("link", &partner.link.name).with("endpoint", &partner.link.transport)
}
