//! The document that says how a running agent is: what the socket answers, `cloudward status --json` prints, and the JSON Schema under
//! docs/schema describes. Readers must ignore fields that they do not know. What cannot be known is null, never zero.
//!
//! Spans are told instead of moments wherever that is possible: they are right also where the clock is not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ledger::Tally;
use crate::model::{Lang, Trouble};

/// Name and version of the document.
pub const SCHEMA: &str = "cloudward.status/1";

/// How the agent is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `cloudward.status/1`.
    pub schema: String,
    /// What the gateway's clock said, in ms since 1970; null: the recorder, which keeps it, does not answer.
    pub at_ms: Option<i64>,
    /// The program.
    pub agent: AgentPart,
    /// Whose.
    pub workshop: WorkshopPart,
    /// Nothing needs a person.
    pub is_well: bool,
    /// What needs a person, the most urgent first.
    pub needs: Vec<Saying>,
    /// The gateway's clock; null: the recorder does not answer.
    pub clock: Option<ClockPart>,
    /// Links, as configured.
    pub links: Vec<LinkPart>,
    /// Devices on a link, as configured.
    pub devices: Vec<DevicePart>,
    /// Tags without a good value: those of devices that are online first, and of these those of longest standing; at most 100.
    pub bad_tags: Vec<BadTag>,
    /// All of them; null: the recorder does not answer.
    pub bad_tags_total: Option<u64>,
    /// What is kept on the disk.
    pub journal: JournalPart,
    /// Destinations, as configured.
    pub sinks: Vec<SinkPart>,
    /// What became of the samples that should have been taken.
    pub samples: SamplesPart,
    /// What machines do, and the figures of the shift that is running; none where the recorder does not answer.
    pub machines: Vec<MachinePart>,
    /// Links, devices, tags, sinks and machines that were left out because their list would have been too long.
    pub omitted: u64,
}

/// Something to be told to people, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Saying {
    /// `cloudward explain` knows it.
    pub code: String,
    /// What is the matter, in English.
    pub en: String,
    /// The same in Chinese.
    pub zh: String,
    /// What to do, in English.
    pub remedy_en: String,
    /// The same in Chinese.
    pub remedy_zh: String,
}

impl Saying {
    /// What a trouble says.
    pub fn of(trouble: &Trouble) -> Saying {
        Saying {
            code: trouble.code.0.to_owned(),
            en: trouble.what(Lang::En),
            zh: trouble.what(Lang::Zh),
            remedy_en: trouble.remedy(Lang::En),
            remedy_zh: trouble.remedy(Lang::Zh),
        }
    }

    /// What is the matter, in one language.
    pub fn what(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }

    /// What to do, in one language.
    pub fn remedy(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.remedy_en,
            Lang::Zh => &self.remedy_zh,
        }
    }
}

/// The program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentPart {
    /// Its version.
    pub version: String,
    /// What was built in: `demo`, `opcua`, `tui`.
    pub features: Vec<String>,
    /// The process.
    pub pid: u32,
    /// This start of it, as in message identities.
    pub boot: String,
    /// Since its start.
    pub uptime_s: u64,
    /// The configuration in force; null: it did not come from a file.
    pub config_file: Option<String>,
    /// SHA-256 of that file as it was read.
    pub config_sha256: Option<String>,
    /// Since when it has been in force.
    pub config_for_s: u64,
    /// Where the journal is.
    pub state_dir: String,
}

/// Whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkshopPart {
    /// Enterprise in topics.
    pub enterprise: String,
    /// Workshop in topics.
    pub id: String,
    /// For people.
    pub name: String,
    /// IANA time zone.
    pub timezone: String,
}

/// The gateway's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockPart {
    /// Whether its times are taken for true.
    pub is_trusted: bool,
    /// Why: `ntp`, `plausible`, `always`.
    pub by: Option<String>,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkPart {
    /// Its name.
    pub name: String,
    /// Where it leads.
    pub endpoint: String,
    /// `up`, `down`, or `starting`: the first attempt has not ended.
    pub state: String,
    /// Since when.
    pub for_s: Option<u64>,
    /// Why it is down, as in readings: `timeout`, `refused`, `unreachable`.
    pub why: Option<String>,
    /// The same for people.
    pub trouble: Option<Saying>,
    /// Devices behind it.
    pub devices: u64,
    /// Those with a fresh good value.
    pub devices_online: u64,
    /// Scans handed on since it was started.
    pub scans: u64,
    /// Those with at least one bad reading.
    pub bad_scans: u64,
    /// Scans that were due and did not happen because others took too long.
    pub missed_scans: u64,
    /// Units that do not answer while others may.
    pub silent_units: Vec<String>,
    /// What was done to get data again, and how often.
    pub healing: BTreeMap<String, u64>,
}

/// One device on a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DevicePart {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: Option<String>,
    /// Its link.
    pub link: String,
    /// It had a good value within three periods.
    pub is_online: bool,
    /// Since its last good value; null: there was none since the start, or the recorder does not answer.
    pub good_ago_s: Option<f64>,
    /// The period of its fastest tags.
    pub every_s: f64,
    /// Tags that are read.
    pub tags: u64,
    /// Those without a good value; null: the recorder does not answer.
    pub bad_tags: Option<u64>,
}

/// A tag without a good value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BadTag {
    /// Its device.
    pub device: String,
    /// Its name.
    pub tag: String,
    /// `bad`: there is no value; `uncertain`: there is one, with a reason for doubt.
    pub quality: String,
    /// The reason.
    pub why: String,
    /// Since when.
    pub for_s: f64,
}

/// What is kept on the disk. Null: the recorder does not answer, or the file could not be looked at yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct JournalPart {
    /// `undelivered`: what is delivered in time is never written; `always`.
    pub persist: String,
    /// Sinks keep up, so that samples are held in memory and not written.
    pub is_held: Option<bool>,
    /// The disk takes what is written.
    pub is_writable: Option<bool>,
    /// Why it takes nothing at the moment.
    pub refused: Option<Saying>,
    /// Records in the file.
    pub records: Option<u64>,
    /// Samples in them.
    pub samples: Option<u64>,
    /// Records in memory that are neither written nor delivered everywhere.
    pub memory_records: Option<u64>,
    /// Samples in them.
    pub memory_samples: Option<u64>,
    /// File and WAL.
    pub bytes: Option<u64>,
    /// The limit.
    pub max_bytes: u64,
    /// Until it is reached, at the rate of the last hour; null: it does not grow, or the file cannot be looked at.
    pub hours_left: Option<f64>,
    /// When the oldest record was taken, in ms since 1970.
    pub oldest_at_ms: Option<i64>,
    /// Samples given up since the start of the agent, whatever the cause.
    pub dropped_samples: u64,
    /// Positions that were given up, the newest first; at most 20.
    pub losses: Vec<LossPart>,
    /// All of them.
    pub losses_total: Option<u64>,
    /// Files that were damaged or too new, and put aside; at most 20.
    pub set_aside: Option<Vec<AsidePart>>,
    /// Records that their brokers can never take.
    pub quarantine_records: Option<u64>,
}

/// Positions that were given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LossPart {
    /// `data` or `events`.
    pub stream: String,
    /// The first position.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// Samples, as far as they were known.
    pub samples: u64,
    /// Why.
    pub cause: String,
    /// When it was found out, in ms since 1970.
    pub at_ms: i64,
}

/// A file that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsidePart {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SinkPart {
    /// Its name.
    pub name: String,
    /// Host and port.
    pub broker: String,
    /// The broker has accepted us.
    pub is_connected: bool,
    /// Since when it has been connected, or not; null: the first attempt has not ended.
    pub for_s: Option<u64>,
    /// Why not.
    pub trouble: Option<Saying>,
    /// Why nothing is sent although it is: its budget.
    pub paused: Option<Saying>,
    /// Everything of the samples up to here is acknowledged.
    pub data_cursor: u64,
    /// The last position of samples.
    pub data_last: u64,
    /// Everything of the events up to here is acknowledged.
    pub events_cursor: u64,
    /// The last position of events.
    pub events_last: u64,
    /// Records that it has not got, at most.
    pub waiting_records: u64,
    /// Age of the oldest of them; null: not known.
    pub lag_s: Option<f64>,
    /// Messages acknowledged since the start of the agent.
    pub acked_messages: u64,
    /// Connections since then.
    pub connects: u64,
    /// Samples since then that its broker can never take.
    pub given_up_samples: u64,
    /// Records since then that could not be sent because they are damaged on the disk.
    pub damaged_records: u64,
    /// Records since then that were put into quarantine.
    pub quarantined_records: u64,
    /// Records in its quarantine now; null: the journal's file could not be looked at yet.
    pub in_quarantine: Option<u64>,
    /// What it used up of its line, of `month`.
    pub month_bytes: u64,
    /// `2026-11`; null: nothing yet.
    pub month: Option<String>,
    /// What it may use in a month.
    pub month_limit: Option<u64>,
}

/// What became of the samples that should have been taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SamplesPart {
    /// Since the start of the agent; null: the recorder does not answer.
    pub since_start: Option<TallyPart>,
    /// In the running hour, as far as it is entered in the ledger; null: the ledger cannot be read.
    pub hour: Option<TallyPart>,
    /// Since midnight in the workshop.
    pub day: Option<TallyPart>,
}

/// Counts of samples; what was expected is the sum of the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TallyPart {
    /// One per tag and period.
    pub expected: u64,
    /// A value in time.
    pub good: u64,
    /// A value in time, with a reason for doubt.
    pub uncertain: u64,
    /// A value, but when its period was over.
    pub late: u64,
    /// Asked for, and no value; by cause.
    pub bad: BTreeMap<String, u64>,
    /// No sample at all; by cause.
    pub lost: BTreeMap<String, u64>,
}

impl From<&Tally> for TallyPart {
    fn from(tally: &Tally) -> TallyPart {
        let causes = |causes: &crate::model::ledger::Causes| causes.iter().map(|(k, n)| (k.to_string(), *n)).collect();
        TallyPart {
            expected: tally.expected,
            good: tally.good,
            uncertain: tally.uncertain,
            late: tally.late,
            bad: causes(&tally.bad),
            lost: causes(&tally.lost),
        }
    }
}

/// What a machine does, and the figures of its shift so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MachinePart {
    /// Its id.
    pub device: String,
    /// `run`, `idle`, `setup`, `fault`, `maint`, `off`, `unknown`.
    pub state: String,
    /// Since when.
    pub for_s: Option<u64>,
    /// What it or its operator says of the cause; empty: nothing, or its data must not leave.
    pub cause: String,
    /// Name of the shift; null: none is running.
    pub shift: Option<String>,
    /// The date on which it began.
    pub shift_date: Option<String>,
    /// Known share of the planned busy time.
    pub coverage: Option<f64>,
    /// O3, from 0 to 1.
    pub availability: Option<f64>,
    /// O6, from 0 to 1.
    pub oee: Option<f64>,
    /// Pieces made.
    pub pieces: Option<f64>,
    /// Electricity in kWh.
    pub energy_kwh: Option<f64>,
}
