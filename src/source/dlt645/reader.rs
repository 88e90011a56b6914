//! The values of one group of one meter: asks for each identifier, or for whole blocks, and makes readings of the answers.
//! A meter that has no block is asked for its values one by one from then on; an identifier that it refuses is left alone
//! for a while, and costs nothing but its own tags.

use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::decode::decode;
use super::frame::{Piece, Query};
use super::plan::{Request, plan, without_block};
use crate::config::dlt645::{Item, MeterAddress};
use crate::config::{Station, Tag};
use crate::model::words::source as words;
use crate::model::{Code, Reading, Trouble, Why};
use crate::source::connection::{Connection, ReadFault};
use crate::source::scan::{Scanned, Subject};

/// The identifiers of one group of one meter.
pub(in crate::source) struct Reader {
    address: MeterAddress,
    items: Vec<Item>,
    asked: Vec<Asked>,
}

/// One request, and what became of it.
struct Asked {
    request: Request,
    /// Refused for this reason; not asked again before.
    refused: Option<(Why, Instant)>,
    /// Scans in a row in which it alone had no answer; what had none last time goes last, and costs itself only.
    silences: Option<u32>,
    /// Whether trouble with it was logged already.
    has_complained: bool,
}

/// What a meter refuses it refuses tomorrow too, unless somebody sets it up; at 2400 baud each question costs a fifth of a
/// second.
const REFUSED_FOR: Duration = Duration::from_secs(600);

/// Some meters pass over in silence what they do not know; three scans in a row in which they answer all else are no
/// accident.
const SILENT_SCANS: u32 = 3;

/// Frames of one answer: at 200 bytes each more than any value here.
const MAX_FRAMES: u8 = 8;

impl Reader {
    /// `tags` are those of a meter, each with its identifier.
    pub(in crate::source) fn new(address: MeterAddress, tags: &[&Tag], one_by_one: bool) -> Reader {
        let item = |tag: &&Tag| *tag.item().expect("the tags of a meter are identifiers: config/device.rs");
        let items: Vec<Item> = tags.iter().map(item).collect();
        let asked = plan(&items, one_by_one).into_iter().map(Asked::new).collect();
        Reader { address, items, asked }
    }

    /// Asks for one value, to see whether the meter is there. What it says does not matter. Another one with each `turn`,
    /// beginning with those that had an answer lately.
    pub(in crate::source) async fn probe(
        &self,
        connection: &mut Connection,
        timeout: Duration,
        turn: usize,
    ) -> Result<(), ReadFault> {
        let mut asked: Vec<&Asked> = self.asked.iter().collect();
        asked.sort_by_key(|asked| asked.silences.is_some());
        let turn = turn.checked_rem(asked.len()).and_then(|turn| asked[turn].request.parts.first());
        let Some(Item { id, whole, .. }) = turn.map(|(place, _)| self.items[*place]) else { return Ok(()) };
        let query = Query { address: self.address, id, follow: None };
        self.exchange(connection, query, usize::from(whole), timeout).await.map(|_| ())
    }

    /// One scan: every identifier that is not left alone, until the connection or the meter gives out.
    pub(in crate::source) async fn scan(&mut self, of: Subject<'_>, connection: &mut Connection) -> Scanned {
        let mut readings = vec![Reading::Bad(Why::Malformed); of.tags.len()];
        let (mut lost, mut silent, mut is_answered) = (None, None, false);
        let (mut is_asked, mut fell_silent) = (false, None);
        self.asked.sort_by_key(|asked| asked.silences);
        let mut index = 0;
        while index < self.asked.len() {
            let asked = &self.asked[index];
            let unasked = of.is_stopping().then_some(Why::NotAsked);
            if let Some(why) = asked.left_alone(Instant::now()).or(lost).or(silent).or(unasked) {
                asked.spread(&mut readings, |_, _| Reading::Bad(why));
                index += 1;
                continue;
            }
            let result = tokio::select! {
                biased;
                result = self.ask(of, connection, &self.asked[index].request) => result,
                () = of.stopped() => continue,
            };
            is_asked = true;
            is_answered |= matches!(result, Ok(_) | Err(ReadFault::Exception(_)));
            let asked = &mut self.asked[index];
            let is_useless = match &result {
                Ok(data) => !asked.request.fits(data.len()),
                Err(fault) => matches!(fault, ReadFault::Exception(_)),
            };
            if is_useless && asked.request.is_block() {
                debug!(device = %of.group.device, block = %asked.request.id, "no such block: its values are asked for one by one");
                let singles = without_block(&self.items, &asked.request);
                self.asked.splice(index..=index, singles.into_iter().map(Asked::new));
                continue;
            }
            match result {
                Ok(data) if is_useless => {
                    asked.spread(&mut readings, |_, _| Reading::Bad(Why::Malformed));
                    asked.complain(of, words::METER_LENGTH, &format!("{} B", data.len()));
                }
                Ok(data) => {
                    let items = &self.items;
                    asked.spread(&mut readings, |place, offset| {
                        decode(&of.tags[place], &items[place], data.get(offset..).unwrap_or_default())
                    });
                    (asked.refused, asked.silences, asked.has_complained) = (None, None, false);
                }
                Err(ReadFault::Exception(why)) => {
                    asked.spread(&mut readings, |_, _| Reading::Bad(why));
                    (asked.refused, asked.silences) = (Some((why, Instant::now() + REFUSED_FOR)), None);
                    asked.complain(of, words::METER_REFUSES, why.as_str());
                }
                Err(ReadFault::Silent(why)) => {
                    asked.spread(&mut readings, |_, _| Reading::Bad(why));
                    silent = Some(why);
                    fell_silent = Some(index);
                }
                Err(ReadFault::Lost(why)) => {
                    asked.spread(&mut readings, |_, _| Reading::Bad(why));
                    lost = Some(why);
                    fell_silent = Some(index).filter(|_| why == Why::Timeout);
                }
            }
            index += 1;
        }
        if let Some(asked) = fell_silent.map(|index| &mut self.asked[index]) {
            let silences = asked.silences.unwrap_or(0) + u32::from(is_answered || of.is_there);
            asked.silences = Some(silences);
            if silences >= SILENT_SCANS {
                asked.refused = Some((Why::Timeout, Instant::now() + REFUSED_FOR));
                asked.complain(of, words::METER_REFUSES, Why::Timeout.as_str());
            }
        }
        let nothing = lost.or(silent).filter(|_| !is_answered);
        let outcome = is_asked.then_some(nothing.map_or(Ok(()), Err));
        Scanned { readings, lost, silent, is_answered, has_learned: false, outcome }
    }

    /// One request with all the frames of its answer.
    async fn ask(&self, of: Subject<'_>, connection: &mut Connection, request: &Request) -> Result<Vec<u8>, ReadFault> {
        let mut data = Vec::new();
        for number in 0..MAX_FRAMES {
            let follow = Some(number).filter(|number| *number > 0);
            let query = Query { address: self.address, id: request.id, follow };
            let timeout = connection.timeout();
            let result = self.exchange(connection, query, request.usual_bytes(), timeout).await;
            if let Err(fault) = &result {
                debug!(device = %of.group.device, id = %request.id, ?fault, "request failed");
            }
            let Piece { data: piece, has_more } = result?;
            data.extend(piece);
            if !has_more {
                break;
            }
        }
        Ok(data)
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        query: Query,
        usual_bytes: usize,
        timeout: Duration,
    ) -> Result<Piece, ReadFault> {
        let answer_bytes = query.answer_bytes(usual_bytes);
        let (station, request) = (Station::Meter(self.address), query.encode());
        connection.exchange(station, &request, answer_bytes, timeout, |received| query.find(received)).await
    }
}

impl Asked {
    fn new(request: Request) -> Asked {
        Asked { request, refused: None, silences: None, has_complained: false }
    }

    /// Why it is not asked now, if it is not.
    fn left_alone(&self, now: Instant) -> Option<Why> {
        self.refused.filter(|(_, until)| now < *until).map(|(why, _)| why)
    }

    /// A reading for each tag that this request is for, by its place and where it begins in the answer.
    fn spread(&self, readings: &mut [Reading], reading: impl Fn(usize, usize) -> Reading) {
        for (place, offset) in &self.request.parts {
            readings[*place] = reading(*place, *offset);
        }
    }

    /// Told when it begins, and again after an answer that was good.
    fn complain(&mut self, of: Subject<'_>, code: Code, found: &str) {
        if std::mem::replace(&mut self.has_complained, true) {
            return;
        }
        let tags: Vec<&str> = self.request.parts.iter().map(|(place, _)| &*of.tags[*place].name).collect();
        let trouble = Trouble::new(code)
            .with("device", &of.group.device)
            .with("meter", of.station)
            .with("id", self.request.id)
            .with("tags", tags.join(", "))
            .with("found", found);
        warn!(code = %trouble.code, device = %of.group.device, "{trouble}");
    }
}
