//! The door: walks through the units and tables of an endpoint with one connection and one question at a time, and hands
//! each answer to [`super::ranges`]. It keeps to a time, a number of requests and a pause between them, and only reads.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::profiles::likely_places;
use super::ranges::{Heard, Survey};
use super::{Area, Cells, Findings, Unit, filled};
use crate::config::Link;
use crate::config::modbus::Table;
use crate::model::Why;
use crate::source::connection::{Connection, OpenFault, ReadFault};
use crate::source::modbus::decode::Answer;
use crate::source::modbus::plan::Block;

/// What is to be asked, and what it may cost.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ways to reach the endpoint, the likeliest first: on a serial line one per speed and parity.
    pub ways: Vec<Way>,
    /// Unit ids to look for; empty: all, the likeliest first.
    pub units: Vec<u8>,
    /// Tables to look into.
    pub tables: Vec<Table>,
    /// No request begins later.
    pub max_time: Duration,
    /// No more requests than this.
    pub max_requests: u32,
    /// Between an answer and the next request.
    pub pause: Duration,
}

/// A way to reach the endpoint.
#[derive(Debug, Clone)]
pub struct Way {
    /// As the configuration has it.
    pub link: Link,
    /// Its keys in a file.
    pub text: String,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Requests so far.
    pub requests: u32,
    /// Time so far.
    pub elapsed: Duration,
    /// What it is about.
    pub step: Step,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Which way of [`Options::ways`], which unit.
    Unit(usize, u8),
    /// A table of a unit; done of it, 0 to 1.
    Table(u8, Table, f64),
    /// The same at addresses at which few makers begin.
    Sweep(u8, Table, f64),
    /// Reads again what was found, to see what moves and how: which look, of how many.
    Look(u32, u32),
}

/// Looks at everything that was found: what stands still, wobbles or rises tells where a number begins and ends.
const LOOKS: u32 = 8;

/// From the beginning of a look to that of the next, so that totals have time to rise.
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

/// The less likely addresses may cost one part in so many of the requests and of the time.
const SWEEP_SHARE: u32 = 2;

/// One part in so many of what is left goes to the places of maps that begin to fit.
const MAPS_SHARE: u32 = 8;

/// Connections that fail in a row before the endpoint counts as gone.
const MAX_FAILED: u32 = 5;

/// Units asked one by one although they cost a timeout each. What stands on a workshop's bus is rarely beyond.
const NEAR_UNITS: u8 = 32;

/// So many units that were named are there in all likelihood: each is asked twice.
const FEW_UNITS: usize = 8;

/// An answer as fast as this costs nothing: then all units are asked.
const FAST: Duration = Duration::from_millis(50);

/// Walks; `is_stopped` is asked before each request, `show` is told each step. An error: it cannot be reached at all.
pub async fn walk(
    options: &Options,
    is_stopped: &dyn Fn() -> bool,
    show: &mut dyn FnMut(Progress),
) -> Result<Findings, OpenFault> {
    let mut walk = Walk {
        options,
        is_stopped,
        show,
        way: 0,
        connection: None,
        began: Instant::now(),
        requests: 0,
        answers: 0,
        answering: Duration::ZERO,
        failed: 0,
        is_surveying: (1..=FEW_UNITS).contains(&options.units.len()),
        in_vain: 0,
        unusable: vec![false; options.ways.len()],
        fault: None,
    };
    let mut findings = Findings::default();
    let ids = walk.units(&mut findings).await;
    findings.link = options.ways.get(walk.way).map(|way| way.text.clone()).unwrap_or_default();
    walk.is_surveying = true;
    let mut surveys: Vec<(u8, Survey)> = Vec::new();
    let all = ids.len() * options.tables.len();
    for (n, (id, table)) in ids.iter().flat_map(|id| options.tables.iter().map(move |table| (*id, *table))).enumerate()
    {
        surveys.push((id, walk.table(id, table, all - n).await));
    }
    walk.by_maps(&ids, &mut surveys).await;
    walk.sweep(&mut surveys).await;
    findings.units = ids.iter().map(|id| Unit { id: *id, tables: Vec::new() }).collect();
    for (id, survey) in surveys {
        let (table, (cells, longest, is_endless)) = (survey.table(), survey.result());
        let unit = findings.units.iter_mut().find(|unit| unit.id == id && !cells.is_empty());
        if let Some(unit) = unit {
            unit.tables.push(Area { table, cells, looks: Vec::new(), longest, is_endless });
        }
    }
    let is_seen = walk.look_around(&mut findings).await;
    findings.requests = walk.requests;
    findings.is_partial = walk.is_over() || !is_seen;
    match walk.fault {
        Some(fault) if findings.units.is_empty() && walk.failed > 0 => Err(fault),
        _ => Ok(findings),
    }
}

struct Walk<'a> {
    options: &'a Options,
    is_stopped: &'a dyn Fn() -> bool,
    show: &'a mut dyn FnMut(Progress),
    way: usize,
    connection: Option<Connection>,
    began: Instant,
    requests: u32,
    /// Requests of surveys that were answered, and how long the answers took together.
    answers: u32,
    answering: Duration,
    failed: u32,
    /// The units are known, or few were named.
    is_surveying: bool,
    /// Questions in a row that were asked twice in vain.
    in_vain: u32,
    /// Ways that this port cannot do: many do not know every parity.
    unusable: Vec<bool>,
    fault: Option<OpenFault>,
}

/// What a unit says, or that it is not there.
#[derive(Debug, Clone, PartialEq)]
enum Reply {
    Said(Heard),
    /// A gateway says that nobody is there.
    Absent,
}

impl Walk<'_> {
    fn is_over(&self) -> bool {
        (self.is_stopped)()
            || self.requests >= self.options.max_requests
            || self.began.elapsed() >= self.options.max_time
            || self.failed >= MAX_FAILED
    }

    fn show(&mut self, step: Step) {
        (self.show)(Progress { requests: self.requests, elapsed: self.began.elapsed(), step });
    }

    /// The units that answer. Ways are tried in rounds: first the likeliest units on each, then the others.
    async fn units(&mut self, findings: &mut Findings) -> Vec<u8> {
        let mut found = Vec::new();
        let wanted = if self.options.units.is_empty() { usual_units() } else { self.options.units.clone() };
        let rounds: Vec<&[u8]> = if self.options.ways.len() == 1 {
            vec![&wanted]
        } else {
            let (first, rest) = wanted.split_at(wanted.len().min(10));
            let (second, third) = rest.split_at(rest.len().min(usize::from(NEAR_UNITS)));
            vec![first, second, third]
        };
        for round in rounds {
            for way in 0..self.options.ways.len() {
                if self.way != way {
                    (self.way, self.connection) = (way, None);
                }
                for unit in round {
                    if self.is_over() {
                        return found;
                    }
                    if self.unusable[way] {
                        break;
                    }
                    self.show(Step::Unit(way, *unit));
                    if self.is_there(*unit).await.0 {
                        self.add(*unit, &wanted, &mut found, findings).await;
                        return found;
                    }
                }
            }
        }
        found
    }

    /// The first unit answers: does the endpoint look at the id at all, and who else is there?
    async fn add(&mut self, first: u8, wanted: &[u8], found: &mut Vec<u8>, findings: &mut Findings) {
        found.push(first);
        if !self.is_serial() && self.options.units.is_empty() {
            const UNLIKELY: [u8; 2] = [213, 177];
            let mut answers = 0;
            for unit in UNLIKELY {
                answers += u32::from(!self.is_over() && self.is_there(unit).await.0);
            }
            findings.ignores_unit = answers == 2;
            if findings.ignores_unit {
                return;
            }
        }
        let mut slow = 0;
        for unit in wanted.iter().skip_while(|unit| **unit != first).skip(1) {
            let is_near = *unit <= NEAR_UNITS || !self.options.units.is_empty();
            if self.is_over() || (!is_near && slow > 3) {
                return;
            }
            self.show(Step::Unit(self.way, *unit));
            let asked = Instant::now();
            if self.is_there(*unit).await.0 {
                found.push(*unit);
            } else if asked.elapsed() > FAST + self.options.pause {
                slow += 1;
            }
        }
    }

    fn is_serial(&self) -> bool {
        self.options.ways.len() > 1
            || matches!(self.options.ways[self.way].link.transport, crate::config::Transport::Serial(_))
    }

    /// Whether a unit answers anything: an exception is an answer too.
    async fn is_there(&mut self, unit: u8) -> (bool, Reply) {
        let table = if self.options.tables.contains(&Table::Holding) { Table::Holding } else { self.options.tables[0] };
        let reply = self.ask(unit, Block { table, start: 0, count: 1 }).await;
        (matches!(reply, Reply::Said(Heard::Values(_) | Heard::Refused(_))), reply)
    }

    /// One table of one unit, with a fair share of what is left for so many surveys.
    async fn table(&mut self, unit: u8, table: Table, left: usize) -> Survey {
        let mut survey = Survey::new(table);
        self.in_vain = 0;
        // A tenth is kept for the looks at the end.
        let requests = self.options.max_requests.saturating_sub(self.requests);
        let time_left = self.options.max_time.saturating_sub(self.began.elapsed());
        self.ask_all(unit, &mut survey, share(requests - requests / 10, time_left, left)).await;
        survey
    }

    /// Knocks where the maps that begin to fit have more, with [`MAPS_SHARE`] of what is left at most.
    async fn by_maps(&mut self, ids: &[u8], surveys: &mut [(u8, Survey)]) {
        let end = self.requests + self.options.max_requests.saturating_sub(self.requests) / MAPS_SHARE;
        let time_left = self.options.max_time.saturating_sub(self.began.elapsed());
        let until = Instant::now() + time_left / MAPS_SHARE;
        for id in ids {
            if self.is_over() {
                return;
            }
            let own = || surveys.iter().filter(|(unit, _)| unit == id).map(|(_, survey)| survey);
            // A memory that answers everywhere would make each map likely, and is read through anyway.
            let answers = |table, at| own().any(|s| s.table() == table && !s.is_endless() && s.has(at));
            let places = likely_places(&answers);
            for (_, survey) in surveys.iter_mut().filter(|(unit, survey)| unit == id && !survey.is_silent()) {
                let table = survey.table();
                let own: Vec<u16> = places.iter().filter(|(of, _)| *of == table).map(|(_, at)| *at).collect();
                own.iter().rev().for_each(|at| survey.knock(*at));
                let requests = end.saturating_sub(self.requests).min(2 * own.len() as u32);
                self.ask_all(*id, survey, (requests, until.saturating_duration_since(Instant::now()))).await;
            }
            tokio::task::yield_now().await; // for Ctrl-C
        }
    }

    /// The less likely addresses, with [`SWEEP_SHARE`] of everything at most, and never with what the looks need.
    async fn sweep(&mut self, surveys: &mut [(u8, Survey)]) {
        let registers = surveys.iter().filter(|(_, survey)| !survey.table().is_bits());
        let blocks = registers.map(|(_, survey)| {
            let (cells, stretches) = survey.extent();
            cells / usize::from(survey.longest().max(1)) + 2 * stretches
        });
        let for_looks = LOOKS.saturating_mul(u32::try_from(blocks.sum::<usize>()).unwrap_or(u32::MAX));
        let free = self.options.max_requests.saturating_sub(self.requests).saturating_sub(for_looks);
        let end = self.requests + free.min(self.options.max_requests / SWEEP_SHARE);
        let time_left = self.options.max_time.saturating_sub(self.began.elapsed()) / 2;
        let until = Instant::now() + time_left.min(self.options.max_time / SWEEP_SHARE);
        let has_cells: Vec<(u8, bool)> = surveys.iter().map(|(id, survey)| (*id, survey.extent().0 > 0)).collect();
        let all = surveys.len();
        for (n, (unit, survey)) in surveys.iter_mut().enumerate() {
            // Where other tables of the unit answer and this one does not, the likeliest must do.
            let is_likely = has_cells[n].1 || !has_cells.contains(&(*unit, true));
            if !survey.sweep(is_likely && !self.is_serial() && !self.is_slow()) {
                continue;
            }
            let (requests, time) = (end.saturating_sub(self.requests), until.saturating_duration_since(Instant::now()));
            self.ask_all(*unit, survey, share(requests, time, all - n)).await;
        }
    }

    /// Whether a question is dear: what was answered so far took long.
    fn is_slow(&self) -> bool {
        self.answers > 0 && self.answering / self.answers > FAST
    }

    /// What a survey wants to know, with so many requests and within this time.
    async fn ask_all(&mut self, unit: u8, survey: &mut Survey, (requests, time): (u32, Duration)) {
        let (end, until) = (self.requests + requests, Instant::now() + time);
        while !self.is_over()
            && self.requests < end
            && Instant::now() < until
            && let Some(block) = survey.next_block()
        {
            let (table, progress) = (survey.table(), survey.progress());
            self.show(if survey.is_sweeping() {
                Step::Sweep(unit, table, progress)
            } else {
                Step::Table(unit, table, progress)
            });
            match self.ask(unit, block).await {
                Reply::Said(heard) => survey.heard(heard),
                Reply::Absent => survey.heard(Heard::Silent),
            }
        }
    }

    /// Looks several times at the registers that were found. What the survey read is in pieces of different moments, so it
    /// is not one of the looks, and a look that was not finished is none either. Whether there was time for all of them.
    async fn look_around(&mut self, findings: &mut Findings) -> bool {
        let blocks = blocks(findings);
        let mut took = Duration::ZERO;
        for number in 1..=LOOKS {
            let left = self.options.max_requests.saturating_sub(self.requests) as usize;
            let is_late = self.began.elapsed() + took > self.options.max_time;
            if blocks.is_empty() || blocks.len() > left || is_late {
                return blocks.is_empty();
            }
            let began = Instant::now();
            let mut look = Vec::new();
            for (unit, table, block) in &blocks {
                if self.is_over() {
                    return false;
                }
                self.show(Step::Look(number, LOOKS));
                if let Reply::Said(Heard::Values(values)) = self.ask(*unit, *block).await {
                    look.push((*unit, *table, (block.start..).zip(values).collect::<Cells>()));
                }
            }
            keep(findings, look);
            took = began.elapsed();
            if number < LOOKS {
                self.rest(BETWEEN_LOOKS.saturating_sub(took)).await;
            }
        }
        true
    }

    /// In small parts, so that Ctrl-C need not wait for its end.
    async fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until && !(self.is_stopped)() {
            sleep(Duration::from_millis(50).min(until - Instant::now())).await;
        }
    }

    /// One question, asked again while the device says that it is busy, and once where it is silent that answered before: lines lose
    /// answers. Not where that was in vain again and again: some devices are silent where others refuse.
    async fn ask(&mut self, unit: u8, block: Block) -> Reply {
        const IN_VAIN: u32 = 3;
        let reply = self.ask_patiently(unit, block).await;
        let is_lost = reply == Reply::Said(Heard::Silent) && self.is_surveying && self.in_vain < IN_VAIN;
        if !is_lost || self.is_over() {
            return reply;
        }
        let again = self.ask_patiently(unit, block).await;
        self.in_vain = if again == Reply::Said(Heard::Silent) { self.in_vain + 1 } else { 0 };
        again
    }

    async fn ask_patiently(&mut self, unit: u8, block: Block) -> Reply {
        const BUSY_TRIES: u32 = 3;
        const BUSY_PAUSE: Duration = Duration::from_millis(200);
        for _ in 0..BUSY_TRIES {
            match self.ask_once(unit, block).await {
                Some(reply) => return reply,
                None if self.is_over() => break,
                None => sleep(BUSY_PAUSE).await,
            }
        }
        Reply::Said(Heard::Silent)
    }

    /// `None`: busy, or there is no connection.
    async fn ask_once(&mut self, unit: u8, block: Block) -> Option<Reply> {
        sleep(self.options.pause).await;
        if self.connection.is_none() {
            match Connection::open(&self.options.ways.get(self.way)?.link, None).await {
                Ok(connection) => (self.connection, self.failed) = (Some(connection), 0),
                Err(fault) => {
                    if self.unusable.len() > 1 {
                        self.unusable[self.way] = true;
                    }
                    if self.unusable.len() == 1 || self.unusable.iter().all(|is_unusable| *is_unusable) {
                        self.failed += 1;
                    }
                    self.fault = Some(fault);
                    return None;
                }
            }
        }
        self.requests += 1;
        let silent = Some(Reply::Said(Heard::Silent));
        let asked = Instant::now();
        let answer = self.connection.as_mut()?.read(unit, block).await;
        if matches!(answer, Ok(_) | Err(ReadFault::Exception(_))) {
            self.answers += 1;
            self.answering += asked.elapsed();
        }
        match answer {
            Ok(Answer::Registers(words)) => Some(Reply::Said(Heard::Values(words))),
            Ok(Answer::Bits(bits)) => Some(Reply::Said(Heard::Values(bits.into_iter().map(u16::from).collect()))),
            Err(ReadFault::Exception(Why::GatewayPath | Why::GatewayTarget)) => Some(Reply::Absent),
            Err(ReadFault::Exception(Why::DeviceBusy | Why::Acknowledge)) => None,
            Err(ReadFault::Exception(why)) => Some(Reply::Said(Heard::Refused(why))),
            Err(ReadFault::Silent(_)) => silent,
            Err(ReadFault::Lost(_)) => {
                self.connection = None;
                silent
            }
        }
    }
}

/// What one of so many surveys may use of what is left. Registers take more requests than bits, so the first tables get more
/// than an equal share.
fn share(requests: u32, time: Duration, left: usize) -> (u32, Duration) {
    let parts = u32::try_from(left).unwrap_or(u32::MAX).div_ceil(2).max(1);
    (requests / parts, time / parts)
}

/// 1 first, then upwards; what gateways answer as themselves last.
fn usual_units() -> Vec<u8> {
    (1..=247).chain([255, 0]).collect()
}

/// What a look asks: long requests that do not part what stands in two or four registers.
fn blocks(findings: &Findings) -> Vec<(u8, Table, Block)> {
    let mut blocks = Vec::new();
    for unit in &findings.units {
        for area in unit.tables.iter().filter(|area| !area.table.is_bits()) {
            let longest = area.longest.unwrap_or(125);
            let longest = if longest >= 4 { longest - longest % 4 } else { longest };
            for (begins, ends) in area.spans() {
                let within = area.cells.range(begins..=ends).map(|(at, word)| (*at, *word)).collect();
                for (first, last) in filled(&within) {
                    let mut start = u32::from(first - (first - begins) % 4);
                    while start <= u32::from(last) {
                        let count = (u32::from(last) - start + 1).min(u32::from(longest)) as u16;
                        blocks.push((unit.id, area.table, Block { table: area.table, start: start as u16, count }));
                        start += u32::from(count);
                    }
                }
            }
        }
    }
    blocks
}

/// Puts a look to the others. What did not answer this time is as it was before.
fn keep(findings: &mut Findings, look: Vec<(u8, Table, Cells)>) {
    for unit in &mut findings.units {
        for area in unit.tables.iter_mut().filter(|area| !area.table.is_bits()) {
            let mut cells = area.looks.last().cloned().unwrap_or_default();
            for (_, _, read) in look.iter().filter(|(id, table, _)| *id == unit.id && *table == area.table) {
                cells.extend(read);
            }
            area.looks.push(cells);
        }
    }
}
