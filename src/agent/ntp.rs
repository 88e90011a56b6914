//! Asks the system whether its clock is synchronized. Two sources, neither of which needs a privilege: the file that
//! systemd-timesyncd leaves, and `timedatectl`, which asks the kernel and so knows of chrony and ntpd too. (The system call behind it,
//! adjtimex, is forbidden to a hardened service: systemd's `ProtectClock=yes` refuses it even for reading.)
//!
//! The rule: nobody waits for an answer. The question goes on a thread of its own, which ends with it.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::clock::Ntp;

/// systemd-timesyncd makes it when it has set the clock for the first time since the machine started.
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

/// A bus that is being started takes seconds on a small machine; beyond it `timedatectl` hangs and is ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What it says is two short lines.
const MOST_BYTES: u64 = 4_096;

/// Questions, one at a time.
pub(super) struct NtpProbe {
    answers: mpsc::Receiver<Ntp>,
    sender: mpsc::Sender<Ntp>,
    is_asking: bool,
}

impl NtpProbe {
    /// Nobody was asked yet.
    pub(super) fn new() -> NtpProbe {
        let (sender, answers) = mpsc::channel();
        NtpProbe { answers, sender, is_asking: false }
    }

    /// Asks, unless the last question is still open. `false`: it is.
    pub(super) fn ask(&mut self) -> bool {
        if self.is_asking {
            return false;
        }
        let sender = self.sender.clone();
        let asking = thread::Builder::new().name("ntp".into()).spawn(move || {
            sender.send(ask(Path::new(TIMESYNCD), "timedatectl")).ok(); // the asker may be gone: the agent ends
        });
        self.is_asking = asking.is_ok(); // without a thread there is no answer; the next question may have one
        true
    }

    /// The answer, if it has come.
    pub(super) fn answer(&mut self) -> Option<Ntp> {
        self.answer_within(Duration::ZERO)
    }

    /// The answer, if it comes so soon.
    pub(super) fn answer_within(&mut self, patience: Duration) -> Option<Ntp> {
        if !self.is_asking {
            return None;
        }
        let answer = self.answers.recv_timeout(patience).ok();
        self.is_asking = answer.is_none();
        answer
    }
}

fn ask(timesyncd: &Path, timedatectl: &str) -> Ntp {
    if timesyncd.exists() {
        return Ntp::Synchronized;
    }
    let child = Command::new(timedatectl)
        .args(["show", "--property=NTP", "--property=NTPSynchronized"])
        .env("LC_ALL", "C")
        .env_remove("NOTIFY_SOCKET") // systemd would refuse what it says there, and log it
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(child) => said_by(child),
        Err(_) => Ntp::Absent, // no systemd
    }
}

fn said_by(mut child: Child) -> Ntp {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(_)) | Err(_) => return Ntp::Absent, // nobody at the bus
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
            Ok(None) => {
                child.kill().ok(); // it may have ended just now
                child.wait().ok();
                return Ntp::Waiting;
            }
        }
    }
    let mut text = String::new();
    let read = child.stdout.take().map(|stdout| stdout.take(MOST_BYTES).read_to_string(&mut text));
    match read {
        Some(Ok(_)) => meaning(&text),
        _ => Ntp::Absent,
    }
}

/// What `timedatectl show` says.
fn meaning(text: &str) -> Ntp {
    let is_said = |line: &str| text.lines().any(|said| said.trim() == line);
    match (is_said("NTPSynchronized=yes"), is_said("NTP=yes")) {
        (true, _) => Ntp::Synchronized,
        (false, true) => Ntp::Waiting,
        (false, false) => Ntp::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_timedatectl_says_is_understood() {
        for (text, expected) in [
            ("NTP=yes\nNTPSynchronized=yes\n", Ntp::Synchronized),
            ("NTP=no\nNTPSynchronized=yes\n", Ntp::Synchronized),
            ("NTP=yes\nNTPSynchronized=no\n", Ntp::Waiting),
            ("NTP=no\nNTPSynchronized=no\n", Ntp::Absent),
            ("", Ntp::Absent),
            ("NTPSynchronized=yesterday", Ntp::Absent),
        ] {
            assert_eq!(meaning(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_system_is_asked_and_who_has_none_gets_an_answer_too() {
        let dir = tempfile::tempdir().unwrap();
        let (file, program) = (dir.path().join("synchronized"), dir.path().join("timedatectl"));
        let asked = || ask(&file, program.to_str().unwrap());
        assert_eq!(asked(), Ntp::Absent, "there is no such program");
        for (script, expected) in [
            ("echo NTP=yes; echo NTPSynchronized=no", Ntp::Waiting),
            ("echo $*; echo NTPSynchronized=yes", Ntp::Synchronized),
            ("echo NTPSynchronized=yes; exit 1", Ntp::Absent),
        ] {
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(asked(), expected, "{script}");
        }
        fs::write(&file, "").unwrap();
        assert_eq!(asked(), Ntp::Synchronized);
    }

    #[test]
    fn one_question_is_open_at_a_time_and_its_answer_is_given_once() {
        let mut probe = NtpProbe::new();
        assert_eq!(probe.answer(), None);
        assert!(probe.ask());
        let answer = probe.answer_within(Duration::from_secs(30));
        assert!(answer.is_some());
        assert_eq!(probe.answer(), None);
        assert!(probe.ask() && !probe.ask(), "the first is open");
    }
}
