//! The clerk asks around how things are and writes the document. Each guest has one of his own; what one found out serves the others
//! for a moment, so that many guests cost what one costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::debug;

use super::snapshot::{self, Looked, Said};
use super::{Household, Roster};
use crate::indicator::Calendar;
use crate::journal::{Look, Place, Reader};
use crate::model::ledger::{HOUR_MS, Tally, hour_of};
use crate::model::{Timestamp, Trouble};
use crate::status::{RECORDER_ANSWERS_WITHIN, Status};

/// A document serves so long. Nobody reads faster.
const SERVES: Duration = Duration::from_secs(1);

/// A look into the journal's file serves so long: what it is for changes slowly, and it costs some milliseconds.
const LOOK_SERVES: Duration = Duration::from_secs(10);

/// A disk that hangs is waited for no longer.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// Makes the document.
#[derive(Clone)]
pub struct Clerk {
    roster: watch::Receiver<Arc<Roster>>,
    household: Household,
    made: watch::Sender<Option<Made>>,
    looked: watch::Sender<Option<Seen>>,
    /// One look at a time, however long the disk takes.
    looking: Arc<Semaphore>,
}

/// A document that was made.
struct Made {
    at: Instant,
    is_full: bool,
    status: Arc<Status>,
}

/// A look that was taken.
#[derive(Clone)]
struct Seen {
    at: Instant,
    is_full: bool,
    looked: Arc<Looked>,
}

impl Clerk {
    pub(super) fn new(roster: watch::Receiver<Arc<Roster>>, household: Household) -> Clerk {
        let (made, looked) = (watch::Sender::new(None), watch::Sender::new(None));
        Clerk { roster, household, made, looked, looking: Arc::new(Semaphore::new(1)) }
    }

    /// How the agent is. `is_full`: with machines and the ledger of the day, which metrics do not need.
    pub(super) async fn status(&self, is_full: bool) -> Arc<Status> {
        if let Some(made) = &*self.made.borrow()
            && made.at.elapsed() < SERVES
            && (made.is_full || !is_full)
        {
            return made.status.clone();
        }
        let roster = self.roster.borrow().clone();
        let asked = timeout(RECORDER_ANSWERS_WITHIN, self.household.orders.glance(is_full)).await;
        let glance = asked.ok().flatten();
        let now = glance.as_ref().map(|glance| glance.at);
        let looked = self.look(&roster, now, is_full).await;
        let said = Said { roster: &roster, household: &self.household, glance, looked: looked.as_deref() };
        let status = Arc::new(snapshot::status(&said, Instant::now()));
        self.made.send_replace(Some(Made { at: Instant::now(), is_full, status: status.clone() }));
        status
    }

    /// What stands in the journal's file, or stood there when it could last be looked at; `None`: it never could.
    async fn look(&self, roster: &Roster, now: Option<Timestamp>, is_full: bool) -> Option<Arc<Looked>> {
        let found = match now {
            Some(now) => self.look_now(roster, now, is_full).await,
            None => None, // nobody knows what time it is
        };
        let last = self.looked.borrow().as_ref().map(|seen| seen.looked.clone());
        found.or_else(|| Some(Arc::new(Looked::default().or_as_last_seen(Some(&*last?)))))
    }

    /// `None`: the disk does not answer.
    async fn look_now(&self, roster: &Roster, now: Timestamp, is_full: bool) -> Option<Arc<Looked>> {
        let taken = || {
            let seen = self.looked.borrow();
            let seen = seen.as_ref().filter(|seen| seen.at.elapsed() < LOOK_SERVES && (seen.is_full || !is_full));
            seen.map(|seen| seen.looked.clone())
        };
        if let Some(looked) = taken() {
            return Some(looked);
        }
        let work = async {
            let turn = self.looking.clone().acquire_owned().await.ok()?;
            if let Some(looked) = taken() {
                return Some(looked);
            }
            let place = self.household.tail.borrow().place.clone();
            let (dir, max_size) = (self.household.state_dir.clone(), roster.max_size);
            let calendar = Calendar::new(&roster.config.schedule, &roster.config.workshop.timezone, "");
            let midnight = calendar.midnight(calendar.date_of(now));
            let look = move || {
                let looked = look(&place, &dir, now, max_size, is_full.then_some(midnight));
                drop(turn); // held until here, also where nobody waits any more
                looked
            };
            let looked = spawn_blocking(look).await.ok()?;
            let last = self.looked.borrow().as_ref().map(|seen| seen.looked.clone());
            let looked = Arc::new(looked.or_as_last_seen(last.as_deref()));
            self.looked.send_replace(Some(Seen { at: Instant::now(), is_full, looked: looked.clone() }));
            Some(looked)
        };
        timeout(LOOK_WITHIN, work).await.ok().flatten()
    }
}

fn look(place: &Place, dir: &std::path::Path, now: Timestamp, max_size: u64, midnight: Option<Timestamp>) -> Looked {
    // A file that cannot be read is the recorder's to tell.
    let told = |trouble: &Trouble| debug!(code = %trouble.code, "{trouble}");
    let overview = Look::open(dir, place).and_then(|look| look.overview(now, max_size)).inspect_err(told).ok();
    let tallies = midnight.and_then(|midnight| tallies(place, now, midnight).inspect_err(told).ok());
    Looked { overview, tallies }
}

/// Of the running hour, and since midnight.
fn tallies(place: &Place, now: Timestamp, midnight: Timestamp) -> Result<(Tally, Tally), Trouble> {
    let (hour, from) = (hour_of(now), hour_of(midnight));
    let entries = Reader::open(place)?.ledger(from, Timestamp(hour.0.saturating_add(HOUR_MS)))?;
    let (mut of_hour, mut of_day) = (Tally::default(), Tally::default());
    for entry in &entries {
        of_day.add(&entry.tally);
        if entry.hour == hour {
            of_hour.add(&entry.tally);
        }
    }
    Ok((of_hour, of_day))
}
