//! From what everybody said to the document. It waits for nobody and asks no clock.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::super::courier::SinkStatus;
use super::super::recorder::{Glance, MachineGlance, Progress};
use super::{Household, Roster};
use crate::config::{Device, Link, Sink};
use crate::journal::Overview;
use crate::model::ledger::Tally;
use crate::model::{LinkState, Month, Seq, Stream, Timestamp};
use crate::source::LinkStatus;
use crate::status::{
    AgentPart, AsidePart, BadTag, ClockPart, DevicePart, JournalPart, LinkPart, LossPart, MachinePart, SCHEMA,
    SamplesPart, Saying, SinkPart, Status, WorkshopPart, needs,
};

/// What was found in the journal's file.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub overview: Option<Overview>,
    /// Of the running hour, and of the day.
    pub tallies: Option<(Tally, Tally)>,
}

impl Looked {
    /// What could not be looked at is as it was seen last; but counts of an hour are of that hour only.
    pub(super) fn or_as_last_seen(self, last: Option<&Looked>) -> Looked {
        let overview = self.overview.or_else(|| last?.overview.clone());
        Looked { overview, tallies: self.tallies }
    }
}

/// Everything that was said.
pub(super) struct Said<'a> {
    pub roster: &'a Roster,
    pub household: &'a Household,
    /// `None`: the recorder does not answer.
    pub glance: Option<Glance>,
    pub looked: Option<&'a Looked>,
}

/// The document.
pub(super) fn status(said: &Said<'_>, now: Instant) -> Status {
    let Said { roster, glance, looked, .. } = said;
    let config = &roster.config;
    let links: Vec<LinkPart> = roster.links.iter().map(|(link, seen)| said.link(link, &seen.borrow(), now)).collect();
    let connected = config.devices.iter().filter(|device| device.link.is_some());
    let devices: Vec<DevicePart> = connected.map(|device| said.device(device, now)).collect();
    let sinks: Vec<SinkPart> = roster
        .sinks
        .iter()
        .map(|(sink, progress, seen)| said.sink(sink, &progress.borrow(), &seen.borrow(), now))
        .collect();
    let machines: Vec<MachinePart> =
        glance.iter().flat_map(|glance| glance.machines.iter().map(|it| machine(it, glance.at))).collect();
    let tallies = looked.and_then(|looked| looked.tallies.as_ref());
    let mut status = Status {
        schema: SCHEMA.into(),
        at_ms: glance.as_ref().map(|glance| glance.at.0),
        agent: said.agent(now),
        workshop: WorkshopPart {
            enterprise: config.workshop.enterprise.clone(),
            id: config.workshop.id.clone(),
            name: config.workshop.name.clone(),
            timezone: config.workshop.timezone.clone(),
        },
        is_well: true,
        needs: Vec::new(),
        clock: glance.as_ref().map(|glance| ClockPart {
            is_trusted: glance.trusted_by.is_some(),
            by: glance.trusted_by.map(|by| by.as_str().to_owned()),
        }),
        bad_tags: said.bad_tags(&devices),
        bad_tags_total: glance.as_ref().map(|glance| glance.odd_tags.len() as u64),
        journal: said.journal(),
        samples: SamplesPart {
            since_start: glance.as_ref().map(|glance| (&glance.tally).into()),
            hour: tallies.map(|(hour, _)| hour.into()),
            day: tallies.map(|(_, day)| day.into()),
        },
        links,
        devices,
        sinks,
        machines,
        omitted: 0,
    };
    status.needs = needs(&status);
    status.is_well = status.needs.is_empty();
    status
}

impl Said<'_> {
    fn agent(&self, now: Instant) -> AgentPart {
        let Roster { origin, in_force, .. } = self.roster;
        let features =
            [("opcua", cfg!(feature = "opcua")), ("demo", cfg!(feature = "demo")), ("tui", cfg!(feature = "tui"))];
        AgentPart {
            version: env!("CARGO_PKG_VERSION").into(),
            features: features.iter().filter(|(_, is_in)| *is_in).map(|(name, _)| (*name).to_owned()).collect(),
            pid: std::process::id(),
            boot: self.household.boot.to_string(),
            uptime_s: now.saturating_duration_since(self.household.started).as_secs(),
            config_file: origin.file.as_ref().map(|file| file.display().to_string()),
            config_sha256: origin.sha256.clone(),
            config_for_s: now.saturating_duration_since(*in_force).as_secs(),
            state_dir: self.household.state_dir.display().to_string(),
        }
    }

    fn link(&self, link: &Link, seen: &LinkStatus, now: Instant) -> LinkPart {
        let state = match seen.state {
            None => "starting",
            Some(LinkState::Up) => "up",
            Some(LinkState::Down) => "down",
        };
        LinkPart {
            name: link.name.to_string(),
            endpoint: link.transport.to_string(),
            state: state.into(),
            for_s: seen.since.map(|since| now.saturating_duration_since(since).as_secs()),
            why: seen.why.filter(|_| seen.state == Some(LinkState::Down)).map(|why| why.as_str().to_owned()),
            trouble: seen.trouble.as_ref().map(Saying::of),
            devices: self.roster.config.devices_of(&link.name).count() as u64,
            devices_online: seen.devices_online(self.mono_ms(now)) as u64,
            scans: seen.scans,
            bad_scans: seen.bad_scans,
            missed_scans: seen.overruns,
            silent_units: seen.silent_units.iter().map(ToString::to_string).collect(),
            healing: seen.counts.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect(),
        }
    }

    fn device(&self, device: &Device, now: Instant) -> DevicePart {
        let link = device.link.as_deref().unwrap_or_default();
        let of_link = self.roster.links.iter().find(|(known, _)| *known.name == *link);
        let now_ms = self.mono_ms(now);
        let is_online = of_link.is_some_and(|(_, seen)| {
            seen.borrow().online_until_ms.get(&device.id).is_some_and(|until| now_ms < *until)
        });
        // Of a device that was never heard of the recorder knows nothing, which is something else than not to answer.
        let seen = self.glance.as_ref().map(|glance| glance.devices.get(&device.id).cloned().unwrap_or_default());
        let every = device.tags.iter().map(|tag| tag.every).min().unwrap_or_default();
        DevicePart {
            id: device.id.to_string(),
            name: device.name.clone(),
            link: link.to_owned(),
            is_online,
            good_ago_s: seen.as_ref().and_then(|seen| seen.good_ago_ms).map(seconds),
            every_s: every.as_secs_f64(),
            tags: device.tags.len() as u64,
            bad_tags: seen.map(|seen| seen.odd_tags),
        }
    }

    /// Those of devices that are online first: of the others all tags are bad, and only one thing is wrong.
    fn bad_tags(&self, devices: &[DevicePart]) -> Vec<BadTag> {
        let online = devices.iter().filter(|device| device.is_online).map(|device| device.id.as_str());
        let online: HashSet<&str> = online.collect();
        let mut tags: Vec<_> = self.glance.iter().flat_map(|glance| &glance.odd_tags).collect();
        tags.sort_by_cached_key(|tag| {
            let is_offline = !online.contains(&*tag.device);
            (is_offline, std::cmp::Reverse(tag.for_ms), tag.device.clone(), tag.tag.clone())
        });
        let told = tags.into_iter().map(|tag| BadTag {
            device: tag.device.to_string(),
            tag: tag.tag.to_string(),
            quality: if tag.is_bad { "bad" } else { "uncertain" }.into(),
            why: tag.why.as_str().into(),
            for_s: seconds(tag.for_ms),
        });
        told.collect()
    }

    fn journal(&self) -> JournalPart {
        let overview = self.looked.and_then(|looked| looked.overview.as_ref());
        let given_up = self.household.given_up.load(Ordering::Relaxed);
        let mut part = JournalPart {
            max_bytes: self.roster.max_size,
            persist: self.roster.config.journal.persist.as_str().into(),
            dropped_samples: self.household.health.dropped.load(Ordering::Relaxed) + given_up,
            ..JournalPart::default()
        };
        if let Some(glance) = &self.glance {
            part.persist = glance.persist.as_str().into();
            part.is_held = Some(glance.is_held);
            part.is_writable = Some(glance.refused.is_none());
            part.refused = glance.refused.as_ref().map(Saying::of);
            let [data, events] = [glance.held.data, glance.held.events];
            part.records = Some(data.records + events.records);
            part.samples = Some(data.samples);
            part.bytes = Some(glance.held.bytes_on_disk);
            (part.memory_records, part.memory_samples) = (Some(glance.in_memory.0), Some(glance.in_memory.1));
            let losses = Stream::ALL.iter().zip(glance.losses.iter());
            let mut told: Vec<LossPart> = losses
                .flat_map(|(stream, losses)| {
                    losses.iter().map(|loss| LossPart {
                        stream: stream.as_str().into(),
                        first: loss.first,
                        last: loss.last,
                        samples: loss.samples,
                        cause: loss.cause.as_str().into(),
                        at_ms: loss.at.0,
                    })
                })
                .collect();
            told.sort_by_key(|loss| std::cmp::Reverse(loss.at_ms));
            part.losses_total = Some(told.len() as u64);
            part.losses = told;
        }
        if let Some(overview) = overview {
            part.hours_left = overview.hours_left;
            let oldest = overview.streams.iter().filter_map(|stream| stream.oldest.map(|row| row.at_ms)).min();
            part.oldest_at_ms = oldest.filter(|_| part.records != Some(0));
            part.quarantine_records = Some(overview.quarantine.iter().map(|of_sink| of_sink.records).sum());
            let aside = overview.set_aside.iter().map(|file| AsidePart { name: file.name.clone(), bytes: file.bytes });
            part.set_aside = Some(aside.collect());
        }
        part
    }

    fn sink(&self, sink: &Sink, progress: &Progress, seen: &SinkStatus, now: Instant) -> SinkPart {
        let overview = self.looked.and_then(|looked| looked.overview.as_ref());
        let in_quarantine = overview.map(|it| {
            let of_sink = it.quarantine.iter().find(|of_sink| *of_sink.sink == *sink.name);
            of_sink.map_or(0, |of_sink| of_sink.records)
        });
        let last = {
            let tail = self.household.tail.borrow();
            (tail.last_data, tail.last_events)
        };
        // Positions are passed over by a crash, so there are at most as many as there are records.
        let records = self.household.health.records.load(Ordering::Relaxed);
        let waiting = progress.waiting(last).min(records);
        let has_month = progress.usage.month != Month::default();
        SinkPart {
            name: sink.name.to_string(),
            broker: format!("{}:{}", sink.host, sink.port),
            is_connected: seen.is_connected,
            for_s: seen.since.map(|since| now.saturating_duration_since(since).as_secs()),
            trouble: seen.trouble.as_ref().map(Saying::of),
            paused: seen.paused.as_ref().map(Saying::of),
            data_cursor: progress.data.position,
            data_last: last.0,
            events_cursor: progress.events.position,
            events_last: last.1,
            waiting_records: waiting,
            lag_s: if waiting == 0 { Some(0.0) } else { self.lag(sink, progress) },
            acked_messages: seen.acked,
            connects: seen.connects,
            given_up_samples: seen.given_up,
            damaged_records: seen.damaged,
            quarantined_records: seen.quarantined,
            in_quarantine,
            month_bytes: if has_month { progress.usage.bytes } else { 0 },
            month: has_month.then(|| progress.usage.month.to_string()),
            month_limit: sink.budget.bytes_per_month,
        }
    }

    /// The age of the oldest record that a sink has not got: in memory, where it keeps up, else in the file.
    fn lag(&self, sink: &Sink, progress: &Progress) -> Option<f64> {
        let now = self.glance.as_ref()?.at;
        let tail = self.household.tail.borrow();
        let behind = |position: Seq, last: Seq| position < last;
        let next_data = progress.ahead.reach(progress.data.position) + 1;
        let data = tail.data_at(next_data).and_then(|record| record.scans.first()).map(|scan| scan.at);
        let event = tail.event_at(progress.events.position + 1).map(|record| record.at);
        let overview = self.looked.and_then(|looked| looked.overview.as_ref());
        let in_file = |stream: Stream| {
            let views = &overview?.sinks;
            let view = views.iter().find(|view| *view.sink == *sink.name && view.stream == stream.as_str())?;
            view.waiting_since_ms.map(Timestamp)
        };
        let waits_data = behind(progress.data.position, tail.last_data).then(|| data.or_else(|| in_file(Stream::Data)));
        let waits_events =
            behind(progress.events.position, tail.last_events).then(|| event.or_else(|| in_file(Stream::Events)));
        let oldest = waits_data.flatten().into_iter().chain(waits_events.flatten()).min()?;
        Some(seconds(u64::try_from(now.0.saturating_sub(oldest.0)).unwrap_or(0)))
    }

    fn mono_ms(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.household.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

fn machine(seen: &MachineGlance, now: Timestamp) -> MachinePart {
    let since = |since: Timestamp| u64::try_from(now.0.saturating_sub(since.0) / 1_000).unwrap_or(0);
    let (shift, shift_date) = seen.shift.clone().unzip();
    MachinePart {
        device: seen.device.to_string(),
        state: seen.state.as_str().into(),
        for_s: seen.since.map(since),
        cause: seen.cause.clone(),
        shift,
        shift_date,
        coverage: seen.coverage,
        availability: seen.availability,
        oee: seen.oee,
        pieces: seen.pieces,
        energy_kwh: seen.energy_kwh,
    }
}

/// To a tenth: nobody reads milliseconds.
fn seconds(ms: u64) -> f64 {
    (ms / 100) as f64 / 10.0
}

#[cfg(test)]
mod tests;
