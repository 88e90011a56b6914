//! What the commands about figures share: the workshop, its journal, and from it the cells, the state log, the days with good data. Nothing
//! here writes.

mod days; // which of a machine count

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::load::{bytes, load_or_explain};
use super::run::state_dir_by_hand;
use super::{EXIT_CANNOT_START, EXIT_DATA, EXIT_UNAVAILABLE, EXIT_USAGE, fail};
use crate::config::{Config, Device};
use crate::indicator::{Amount, Cell, Engine, Interval, Plan};
use crate::journal::parcel::is_signed;
use crate::journal::{Look, Place};
use crate::model::words::evidence;
use crate::model::words::report as words;
use crate::model::words::transfer;
use crate::model::{Route, State, Timestamp, Trouble, Upload};
use crate::report::baseline::Baseline;
use crate::report::{Asked, Given, NotAPeriod, Report, build};
use crate::sink::egress::{hex, sha256};

/// Why a command ended before it was done.
pub(super) enum Ended {
    Trouble(Trouble, u8),
    /// Everything was said already.
    Told(ExitCode),
}

impl Ended {
    pub(super) fn usage(trouble: Trouble) -> Ended {
        Ended::Trouble(trouble, EXIT_USAGE)
    }

    pub(super) fn cannot(trouble: Trouble) -> Ended {
        Ended::Trouble(trouble, EXIT_CANNOT_START)
    }

    pub(super) fn data(trouble: Trouble) -> Ended {
        Ended::Trouble(trouble, EXIT_DATA)
    }

    /// A file that could not be written.
    pub(super) fn unwritable(path: &Path, error: impl std::fmt::Display) -> Ended {
        Ended::cannot(Trouble::new(words::UNWRITABLE).with("path", path.display()).with("error", error))
    }

    /// Says it.
    pub(super) fn code(done: Result<(), Ended>) -> ExitCode {
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(Ended::Told(code)) => code,
            Err(Ended::Trouble(trouble, code)) => fail(&trouble, code),
        }
    }
}

/// A workshop and its figures.
pub(super) struct Room {
    pub(super) config: Config,
    /// SHA-256 of its file.
    pub(super) sha256: String,
    pub(super) state_dir: PathBuf,
    pub(super) place: Place,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    look: Look,
}

/// The configuration is no larger than this, as `load` says.
const MAX_CONFIG: u64 = 20_000_000;

impl Room {
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<Room, Ended> {
        let config = load_or_explain(path).map_err(Ended::Told)?;
        let text = bytes(path, MAX_CONFIG).map_err(Ended::cannot)?;
        let state_dir = state_dir_by_hand(&config, path);
        let none = || Ended::cannot(Trouble::new(transfer::NO_JOURNAL).with("path", state_dir.display()));
        let place = Place::in_dir(&state_dir).ok_or_else(none)?;
        let look = Look::open(&state_dir, &place).map_err(Ended::cannot)?;
        let zone = crate::model::zone(&config.workshop.timezone).unwrap_or(TimeZone::UTC);
        Ok(Room { config, sha256: hex(&sha256(&text)), state_dir, place, zone, now, look })
    }

    /// The period that a person typed.
    pub(super) fn asked(&self, text: &str) -> Result<Asked, Ended> {
        Asked::parse(text, &self.config, self.now).map_err(|why| {
            let found = text.escape_debug();
            Ended::usage(match why {
                NotAPeriod::Unreadable => {
                    let today = jiff::Timestamp::from_millisecond(self.now.0).unwrap_or_default();
                    let example = self.zone.to_datetime(today).date();
                    Trouble::new(words::BAD_PERIOD).with("found", found).with("example", example)
                }
                NotAPeriod::NoSuchShift(known) => {
                    let name = text.split_once('/').map_or(text, |(_, name)| name);
                    Trouble::new(words::NO_SUCH_SHIFT).with("found", name.escape_debug()).with("known", known)
                }
                NotAPeriod::NotWorked => Trouble::new(words::NOT_WORKED).with("found", found),
            })
        })
    }

    /// Refuses a device that the workshop does not have.
    pub(super) fn known(&self, device: &str) -> Result<(), Ended> {
        if self.config.devices.iter().any(|known| *known.id == *device) {
            return Ok(());
        }
        let known = self.config.devices.iter().map(|device| device.id.to_string()).collect::<Vec<_>>().join(", ");
        let trouble = Trouble::new(words::NO_DEVICE).with("device", device.escape_debug());
        Err(Ended::usage(trouble.with("known", if known.is_empty() { "-".into() } else { known })))
    }

    /// Cells by device, those among them that are not settled yet. Says how many rows cannot be read.
    pub(super) fn cells(&self, asked: &Asked, device: Option<&str>) -> Result<BTreeMap<String, Vec<Cell>>, Ended> {
        let mut cells = self.settled(asked, device)?;
        self.add_open(&mut cells, asked.reach(), device)?;
        Ok(cells)
    }

    /// Those that are settled: nobody but the engine changes the others.
    pub(super) fn settled(&self, asked: &Asked, device: Option<&str>) -> Result<BTreeMap<String, Vec<Cell>>, Ended> {
        let (from, to) = asked.reach();
        let mut cells: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
        let mut damaged = 0_u64;
        for row in self.look.cells(from, to, device).map_err(Ended::cannot)? {
            match serde_json::from_str::<Cell>(&row.body) {
                Ok(cell) => {
                    let cell = Cell { revision: row.revision, start: row.start, end: row.end, ..cell };
                    cells.entry(row.device).or_default().push(cell);
                }
                Err(_) => damaged += 1,
            }
        }
        tell_damage(damaged);
        Ok(cells)
    }

    /// What the engines have not settled yet stands in their snapshots.
    fn add_open(
        &self,
        cells: &mut BTreeMap<String, Vec<Cell>>,
        (from, to): (Timestamp, Timestamp),
        device: Option<&str>,
    ) -> Result<(), Ended> {
        for known in self.config.devices.iter().filter(|known| device.is_none_or(|id| *known.id == *id)) {
            let Some(row) = self.look.snapshot(&known.id).map_err(Ended::cannot)? else { continue };
            let Some(plan) = Plan::of(&self.config, known) else { continue };
            let Some(engine) = Engine::restore(Arc::new(plan), &row.body) else { continue };
            let settled = cells.entry(known.id.to_string()).or_default();
            let is_new = |cell: &&Cell| {
                cell.start < to && cell.end > from && !settled.iter().any(|known| known.start == cell.start)
            };
            let open: Vec<Cell> = engine.open_cells().filter(is_new).cloned().collect();
            settled.extend(open);
            settled.sort_by_key(|cell| cell.start);
            if settled.is_empty() {
                cells.remove(&*known.id);
            }
        }
        Ok(())
    }

    /// The state log by device.
    pub(super) fn intervals(
        &self,
        (from, to): (Timestamp, Timestamp),
        device: Option<&str>,
    ) -> Result<BTreeMap<String, Vec<Interval>>, Ended> {
        let mut log: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
        let mut damaged = 0_u64;
        for row in self.look.intervals(from, to, device).map_err(Ended::cannot)? {
            match serde_json::from_str::<Interval>(&row.body) {
                Ok(interval) => {
                    let interval = Interval { start: row.start, end: row.end, ..interval };
                    log.entry(row.device).or_default().push(interval);
                }
                Err(_) => damaged += 1,
            }
        }
        tell_damage(damaged);
        Ok(log)
    }

    /// The state log by device, as far as a picture needs it: without the bodies of its rows.
    fn states(&self, (from, to): (Timestamp, Timestamp)) -> Result<BTreeMap<String, Vec<Interval>>, Ended> {
        let mut log: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
        for row in self.look.states(from, to).map_err(Ended::cannot)? {
            let Some(state) = State::parse(&row.state) else { continue };
            let interval = Interval {
                device: row.device,
                state,
                cause: row.cause,
                start: row.start,
                end: row.end,
                event_id: row.event_id,
                is_inferred: false,
                reclassified_by: None,
                cause_before: None,
            };
            match log.get_mut(&interval.device) {
                Some(of_device) => of_device.push(interval),
                None => drop(log.insert(interval.device.clone(), vec![interval])),
            }
        }
        Ok(log)
    }

    /// Uploads of the hours that begin in the period, by device.
    pub(super) fn uploads(
        &self,
        asked: &Asked,
        device: Option<&str>,
    ) -> Result<BTreeMap<String, Vec<(Route, Upload)>>, Ended> {
        let mut uploads: BTreeMap<String, Vec<(Route, Upload)>> = BTreeMap::new();
        for (route, upload) in self.look.uploads(asked.start, asked.end, device).map_err(Ended::cannot)? {
            uploads.entry(route.device.clone()).or_default().push((route, upload));
        }
        Ok(uploads)
    }

    /// The baseline of this name, if it is what was signed.
    pub(super) fn baseline(&self, name: &str) -> Result<Option<Baseline>, Ended> {
        let Some(row) = self.look.baseline(name).map_err(Ended::cannot)? else { return Ok(None) };
        let forged = || Ended::data(Trouble::new(words::BASELINE_FORGED).with("name", name.escape_debug()));
        let baseline: Baseline = serde_json::from_str(&row.body).map_err(|_| forged())?;
        let signature = baseline.signature.trim_start_matches("ed25519:");
        if !is_signed(&baseline.public_key, SIGNED_FOR, &baseline.signed_bytes(), signature) {
            return Err(forged());
        }
        Ok(Some(baseline))
    }

    /// The report of a period, and what it was made of.
    pub(super) fn report(
        &self,
        asked: &Asked,
        (baseline, revenue): (Option<&Baseline>, Option<Amount>),
        then: impl FnOnce(&Given<'_>, Report) -> Result<(), Ended>,
    ) -> Result<(), Ended> {
        let cells = self.cells(asked, None)?;
        let has_any = cells.values().flatten().any(|cell| {
            let (by_shift, by_calendar) = asked.period.holds(cell);
            by_shift || by_calendar
        });
        if !has_any {
            return Err(self.nothing(asked, None)?);
        }
        let intervals = self.states((asked.start, asked.end))?;
        let good_days = self.good_days(asked, &cells);
        let cloud_days = self.cloud_days(asked);
        let uploads = self.uploads(asked, None)?;
        let given = Given {
            config: &self.config,
            config_sha256: &self.sha256,
            asked,
            cells: &cells,
            intervals: &intervals,
            good_days: &good_days,
            cloud_days: cloud_days.as_ref(),
            uploads: &uploads,
            baseline,
            revenue_wan: revenue,
            now: self.now,
        };
        let report = build(&given);
        then(&given, report)
    }

    /// Why there is nothing to show: there are figures of other times, or none at all, and then why.
    pub(super) fn nothing(&self, asked: &Asked, device: Option<&str>) -> Result<Ended, Ended> {
        let found = asked.typed();
        let unavailable = |trouble| Ended::Trouble(trouble, EXIT_UNAVAILABLE);
        if let Some((first, last)) = self.known_span(device)? {
            let shown = |at: Timestamp| {
                let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
                at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
            };
            let trouble = Trouble::new(words::NO_FIGURES).with("found", found);
            return Ok(unavailable(trouble.with("first", shown(first)).with("last", shown(last))));
        }
        let asked_for = |known: &&Arc<Device>| device.is_none_or(|id| *known.id == *id);
        let can_have = |known: &&Arc<Device>| known.link.is_some() || known.equipment.yardstick.metered_by.is_some();
        let devices = || self.config.devices.iter().filter(asked_for);
        if !devices().any(|known| can_have(&known)) {
            let trouble = Trouble::new(evidence::NEVER_FIGURES).with("found", found);
            return Ok(unavailable(trouble.with("device", device.unwrap_or("*").escape_debug())));
        }
        let trouble = Trouble::new(evidence::NO_FIGURES_YET).with("found", found);
        Ok(unavailable(trouble.with("device", device.unwrap_or("*").escape_debug())))
    }

    /// From when to when there are figures, those among them that are not settled yet.
    fn known_span(&self, device: Option<&str>) -> Result<Option<(Timestamp, Timestamp)>, Ended> {
        let all = (Timestamp(i64::MIN / 2), Timestamp(i64::MAX / 2));
        let settled = self.look.span_of_cells(device).map_err(Ended::cannot)?;
        let mut open = BTreeMap::new();
        self.add_open(&mut open, all, device)?;
        let open = open.values().flatten().map(|cell: &Cell| (cell.start, cell.end));
        let both =
            |one: (Timestamp, Timestamp), other: (Timestamp, Timestamp)| (one.0.min(other.0), one.1.max(other.1));
        Ok(settled.into_iter().chain(open).reduce(both))
    }
}

/// What the signature of a baseline covers before it.
pub(super) const SIGNED_FOR: &str = "cloudward baseline 1\n";

fn tell_damage(rows: u64) {
    if rows > 0 {
        fail(&Trouble::new(words::DAMAGED).with("rows", rows), EXIT_DATA);
    }
}

/// 10 000 yuan, as typed.
pub(super) fn revenue(text: Option<&str>) -> Result<Option<Amount>, Ended> {
    let Some(text) = text else { return Ok(None) };
    let amount = text.trim().parse().ok().and_then(Amount::of).filter(|amount| amount.0 > 0);
    amount.map(Some).ok_or_else(|| Ended::usage(Trouble::new(words::BAD_REVENUE).with("found", text.escape_debug())))
}

/// Writes a file whole or not at all.
pub(super) fn write_file(path: &Path, content: &[u8]) -> Result<(), Ended> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    let write = || {
        use std::io::Write as _;
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().map_err(|error| Ended::unwritable(path, error))
}
