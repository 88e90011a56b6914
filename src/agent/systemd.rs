//! What systemd hears from us: ready, status, watchdog. Silent where there is no systemd. Owns `sd-notify`.

use std::time::Duration;

use sd_notify::NotifyState;

use super::Overview;
use crate::model::Lang;

/// The status line where no watchdog asks for a shorter step.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// The connection to the service manager.
pub struct Systemd {
    watchdog: Option<Duration>,
    last_turns: u64,
    last_status: String,
}

impl Default for Systemd {
    fn default() -> Systemd {
        Systemd::new()
    }
}

impl Systemd {
    /// Reads what the service manager asks for.
    pub fn new() -> Systemd {
        Systemd { watchdog: sd_notify::watchdog_enabled(), last_turns: 0, last_status: String::new() }
    }

    /// How often [`Systemd::tick`] is wanted: twice per watchdog period, else now and then for the status.
    pub fn every(&self) -> Duration {
        self.watchdog.map_or(STATUS_EVERY, |period| (period / 2).min(STATUS_EVERY))
    }

    /// Links and sinks are started.
    pub fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// A new configuration is being read. Followed by [`Systemd::ready`].
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(moment) => send(&[NotifyState::Reloading, moment]),
            Err(_) => send(&[NotifyState::Reloading]),
        }
    }

    /// The agent is stopping.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }

    /// The status line, where it has changed, and the watchdog, where the recorder still turns: a hung recorder is
    /// restarted.
    pub fn tick(&mut self, overview: &Overview) {
        let status = status(overview, Lang::current());
        if status != self.last_status {
            send(&[NotifyState::Status(&status)]);
            self.last_status = status;
        }
        let is_alive = overview.turns != self.last_turns;
        self.last_turns = overview.turns;
        if is_alive && self.watchdog.is_some() {
            send(&[NotifyState::Watchdog]);
        }
    }
}

/// One line for people: `systemctl status` shows it.
fn status(overview: &Overview, lang: Lang) -> String {
    let Overview { links, links_up, devices, devices_online, sinks, sinks_connected, waiting_records, .. } = overview;
    let Overview { missed_scans, dropped_samples, .. } = overview;
    match lang {
        Lang::En => format!(
            "{links_up} of {links} {} up, {devices_online} of {devices} {} online, {sinks_connected} of {sinks} sinks connected, {waiting_records} records waiting, {missed_scans} scans missed, {dropped_samples} samples dropped",
            if *links == 1 { "link" } else { "links" },
            if *devices == 1 { "device" } else { "devices" }
        ),
        Lang::Zh => format!(
            "链路在线 {links_up}/{links}，设备在线 {devices_online}/{devices}，去向已连接 {sinks_connected}/{sinks}，待送 {waiting_records} 条，漏采 {missed_scans} 次，丢弃样本 {dropped_samples} 个"
        ),
    }
}

fn send(states: &[NotifyState<'_>]) {
    sd_notify::notify(states).ok(); // without systemd there is nobody to tell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_says_what_is_up_and_what_waits() {
        let overview = Overview { links: 3, links_up: 2, sinks: 1, waiting_records: 7, ..Overview::default() };
        assert_eq!(
            status(&overview, Lang::En),
            "2 of 3 links up, 0 of 0 devices online, 0 of 1 sinks connected, 7 records waiting, 0 scans missed, 0 samples dropped"
        );
        assert!(status(&overview, Lang::Zh).contains("链路在线 2/3"));
    }
}
