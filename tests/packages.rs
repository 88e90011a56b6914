//! The packages on a bare Debian with its own systemd (`common/gateway.rs` tells what is real there): installed, upgraded with a backlog,
//! not downgraded, removed, purged; refused where they do not fit. The network is a loopback, so nothing can be fetched.
//!
//! The package of "before" is this version's binary under another number, since nothing was released yet; its backlog is in a file of
//! version 1, whose tables stand in the journal's own tests.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::gateway::{Gateway, package, package_of};
use common::plc::LADDER;
use common::{temp_dir, wait_for};
use rusqlite::Connection;

const STATE: &str = "/var/lib/cloudward";

#[track_caller]
fn both_languages(said: &str, words: [&str; 2]) {
    for word in words {
        assert!(said.contains(word), "{word} is not in\n{said}");
    }
}

/// Every path outside of what changes by itself, and every user and group.
fn everything(gateway: &Gateway) -> BTreeSet<String> {
    let found = gateway.ok("find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -path /run -prune -o -path /root -prune \
         -o -path /tmp -prune -o -path /var/log -prune -o -path /var/lib/dpkg -prune -o -path /var/tmp -prune -o -print; \
         cat /etc/passwd /etc/group /etc/shadow | cut -d: -f1; ls -d /run/cloudward* 2>/dev/null; true");
    // Programs that change users keep what was there before.
    let is_backup = |line: &str| {
        ["passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-"]
            .iter()
            .any(|name| line == format!("/etc/{name}"))
    };
    found.lines().filter(|line| !is_backup(line) && !line.starts_with("/var/lib/systemd")).map(str::to_owned).collect()
}

#[test]
fn a_package_installs_waits_runs_reloads_and_leaves_nothing_when_purged() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("a package", &[&deb]) else { return };
    let before = everything(&gateway);

    let said = gateway.ok("dpkg -i *.deb");
    both_languages(&said, ["waits for its configuration", "等待配置"]);
    assert_eq!(gateway.ok("systemctl is-enabled cloudward").trim(), "enabled");
    gateway.ok("systemctl start cloudward");
    assert_eq!((gateway.show("ConditionResult"), gateway.show("ActiveState")), ("no".into(), "inactive".into()));
    assert_eq!(
        gateway.ok("stat -c '%U %a' /etc/cloudward/credentials /var/lib/cloudward").trim(),
        "root 700\ncloudward 700"
    );

    let plc = gateway.neighbours(dir.path());
    gateway.broker();
    gateway.configure();
    gateway.ok("systemctl start cloudward"); // Type=notify: it is ready now
    wait_for("samples at the broker", || (gateway.received().len() > 5).then_some(()));
    assert_eq!(gateway.show("ActiveState"), "active");
    wait_for("a status with figures", || gateway.show("StatusText").contains("1 of 1 link up").then_some(()));
    let (user, pid) = (gateway.ok("id -u cloudward"), gateway.show("MainPID"));
    assert_eq!(gateway.ok(&format!("stat -c %u /proc/{pid}")), user);
    assert_eq!(gateway.ok("stat -c '%U %a' /run/cloudward /var/lib/cloudward").trim(), "cloudward 750\ncloudward 700");
    gateway.ok("systemctl reload cloudward");
    gateway.wait_log("is in force");
    assert_eq!(gateway.show("MainPID"), pid, "a reload is no restart");
    assert!(plc.last_counter(&LADDER[0]) > 5);
    assert!(!gateway.log().contains("reception only permitted"), "a child speaks to systemd: {}", gateway.log());

    let journal = format!("{STATE}/journal.sqlite");
    gateway.ok("dpkg -r cloudward");
    assert_eq!(gateway.show("ActiveState"), "inactive");
    assert!(gateway.has(&journal) && gateway.has("/etc/cloudward/workshop.toml"), "a removal keeps both");
    assert!(!gateway.has("/usr/bin/cloudward"));

    // Put back, it goes on by itself, since there is a workshop; then everything goes.
    gateway.ok("dpkg -i *.deb");
    assert_eq!(gateway.show("ActiveState"), "active");
    gateway.ok("mkdir -p /etc/systemd/system/cloudward.service.d && cloudward unit > /etc/systemd/system/cloudward.service.d/workshop.conf");
    gateway.ok("dpkg --purge cloudward");
    let left: Vec<String> = everything(&gateway).difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "a purge leaves nothing");
    assert_eq!(before.difference(&everything(&gateway)).collect::<Vec<_>>(), [""; 0], "and takes nothing else");
}

/// The journal as version 1 wrote it, with the same records.
fn put_back_to_version_1(file: &Path) -> u64 {
    let tests = include_str!("../src/journal/tests/start.rs");
    let tables = tests.split("const VERSION_1: &str = \"").nth(1).unwrap().split("\";").next().unwrap();
    let old = file.with_extension("old");
    let connection = Connection::open(&old).unwrap();
    connection.execute_batch(tables).unwrap();
    connection.execute("ATTACH ?1 AS new", [file.display().to_string()]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO boots SELECT id, boot, started FROM new.boots;
             INSERT INTO groups SELECT id, fingerprint, body FROM new.groups;
             INSERT INTO data SELECT seq, grp, boot, at, samples, body FROM new.data;
             INSERT INTO events SELECT seq, boot, at, body FROM new.events;
             INSERT INTO streams SELECT stream, high, records, samples, dropped_records, dropped_samples FROM new.streams;
             DETACH new;",
        )
        .unwrap();
    let records: i64 = connection.query_row("SELECT count(*) FROM data", [], |row| row.get(0)).unwrap();
    drop(connection);
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(format!("{}{suffix}", file.display())).ok(); // a closed journal has none
    }
    fs::rename(old, file).unwrap();
    records as u64
}

/// The version of the journal that this program writes.
fn schema() -> i64 {
    let (_, rest) = include_str!("../src/journal/schema.rs").split_once("const VERSION: i64 = ").unwrap();
    rest.split(';').next().unwrap().parse().unwrap()
}

fn version_of(file: &Path) -> i64 {
    Connection::open(file).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn an_upgrade_keeps_configuration_and_backlog_and_collection_goes_on() {
    let dir = temp_dir();
    let (old, _) = package(dir.path(), "0.1.0-prev");
    let (new, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("an upgrade", &[&old, &new]) else { return };
    gateway.ok("dpkg -i cloudward_0.1.0~prev_*.deb");
    let plc = gateway.neighbours(dir.path());
    gateway.configure();
    gateway.ok("echo 'CLOUDWARD_LOG=debug' >> /etc/default/cloudward");
    let config = fs::read(gateway.path("/etc/cloudward/workshop.toml")).unwrap();
    gateway.ok("systemctl start cloudward");
    wait_for("a backlog", || (plc.last_counter(&LADDER[0]) > 50).then_some(()));
    gateway.ok("systemctl stop cloudward");

    // What the journal holds now, version 1 could have written.
    let journal = format!("{STATE}/journal.sqlite");
    assert!(!gateway.has(&format!("{journal}-wal")), "a journal that was closed is one file");
    let records = gateway.change(&journal, put_back_to_version_1);
    assert!(records > 2 && gateway.change(&journal, version_of) == 1, "{records} records");
    gateway.ok("systemctl start cloudward");
    let more = plc.last_counter(&LADDER[0]) + 30;
    wait_for("a backlog of the version before", || (plc.last_counter(&LADDER[0]) > more).then_some(()));
    let pid = gateway.show("MainPID");

    // No question, and the changed file of the package stays as the person left it.
    gateway.ok("dpkg --force-confdef --force-confold -i cloudward_0.1.0_*.deb");
    assert_eq!(gateway.show("ActiveState"), "active");
    assert_ne!(gateway.show("MainPID"), pid, "the new binary runs");
    assert_eq!(fs::read(gateway.path("/etc/cloudward/workshop.toml")).unwrap(), config);
    assert!(gateway.ok("cat /etc/default/cloudward").contains("CLOUDWARD_LOG=debug"));

    gateway.broker();
    let last = plc.last_counter(&LADDER[0]);
    wait_for("the backlog at the broker", || {
        gateway.received().last().is_some_and(|n| *n > u64::from(last)).then_some(())
    });
    gateway.ok("systemctl stop cloudward");
    let arrived = gateway.received();
    let handed: BTreeSet<u64> = plc.handed(&LADDER[0]).iter().map(|handed| handed.value as u64).collect();
    let missing: Vec<_> = handed.difference(&arrived).collect();
    // A request that is under way when the agent is told to stop is answered to nobody: one per stop at most.
    assert!(arrived.len() > 80 && missing.len() <= 3, "{missing:?} of {} are missing", handed.len());
    assert!(arrived.contains(handed.first().unwrap()), "the oldest of the backlog");
    assert_eq!(gateway.change(&journal, version_of), schema());
}

#[test]
fn an_older_package_refuses_a_newer_journal_and_can_be_told_to_work_beside_it() {
    let dir = temp_dir();
    let (old, old_tarball) = package(dir.path(), "0.1.0");
    let (new, _) = package(dir.path(), "0.2.0");
    let Some(gateway) = Gateway::boot("a downgrade", &[&old, &new, &old_tarball]) else { return };
    // As for hundreds of gateways: the workshop is there first, and the service starts with the installation.
    gateway.ok("mkdir /etc/cloudward");
    gateway.put("/etc/cloudward/workshop.toml", include_bytes!("../deploy/workshop.example.toml"));
    gateway.ok("dpkg -i cloudward_0.2.0_*.deb");
    assert_eq!(gateway.show("ActiveState"), "active");
    let _plc = gateway.neighbours(dir.path());
    gateway.configure();
    gateway.ok("systemctl restart cloudward && sleep 1 && systemctl stop cloudward");
    // Of the same version of the journal: no reason to refuse.
    gateway.ok("dpkg -i cloudward_0.1.0_*.deb && dpkg -i cloudward_0.2.0_*.deb");

    let journal = format!("{STATE}/journal.sqlite");
    gateway.change(&journal, |file| {
        Connection::open(file).unwrap().pragma_update(None, "user_version", schema() + 1).unwrap()
    });
    let before = fs::read(gateway.path(&journal)).unwrap();
    let ended = gateway.run("dpkg -i cloudward_0.1.0_*.deb");
    assert_ne!(ended.code, Some(0));
    both_languages(
        &ended.stderr,
        [
            &format!(
                "was written by a newer cloudward (version {} of the file; this package knows up to {})",
                schema() + 1,
                schema()
            ),
            &format!("文件版本 {}，本包最高支持 {}", schema() + 1, schema()),
        ],
    );
    assert!(gateway.ok("dpkg -s cloudward").contains("Version: 0.2.0"), "the newer one is as it was");
    assert!(gateway.ok("dpkg -s cloudward").contains("Status: install ok installed"));
    gateway.ok("mkdir plain && tar -C plain --strip-components=1 -xf *.tar.gz && dpkg -r cloudward");
    let ended = gateway.run("plain/install.sh");
    assert!(
        ended.code == Some(1) && ended.stderr.contains(&format!("version {} of the file", schema() + 1)),
        "{ended:?}"
    );
    assert!(!gateway.has("/usr/local/bin/cloudward"));

    gateway.ok("CLOUDWARD_ALLOW_DOWNGRADE=1 dpkg -i cloudward_0.1.0_*.deb");
    gateway.wait_log("[CW320]");
    assert!(fs::read(gateway.path(&journal)).unwrap() == before, "the newer journal is left alone");
    assert_eq!(gateway.show("ActiveState"), "active");
}

#[test]
fn a_package_for_another_machine_is_refused_in_words() {
    let dir = temp_dir();
    // Nothing but the head of a program for ARM, which is all that anybody looks at.
    let mut head = fs::read("/proc/self/exe").unwrap()[..64].to_vec();
    let (arm, machine) = if cfg!(target_arch = "aarch64") { ("armv7", 40) } else { ("aarch64", 183) };
    head[18] = machine;
    let binary = dir.path().join("cloudward");
    fs::write(&binary, head).unwrap();
    Command::new("chmod").arg("0755").arg(&binary).status().unwrap();
    let (deb, tarball) = package_of(&binary, dir.path(), "0.1.0", arm);
    let Some(gateway) = Gateway::boot("another architecture", &[&deb, &tarball]) else { return };
    let debian = if arm == "armv7" { "armhf" } else { "arm64" };

    let ended = gateway.run("dpkg -i *.deb");
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains(&format!("package architecture ({debian}) does not match system")),
        "{}",
        ended.stderr
    );
    assert!(!gateway.has("/usr/bin/cloudward"));
    // By force, our own sentence.
    let ended = gateway.run("dpkg --force-architecture --force-depends -i *.deb");
    assert_ne!(ended.code, Some(0));
    both_languages(&ended.stderr, ["does not run on this machine", "架构不符"]);
    gateway.ok("dpkg --purge cloudward");

    let ended = gateway.run("mkdir plain && tar -C plain --strip-components=1 -xf *.tar.gz && plain/install.sh");
    assert_eq!(ended.code, Some(1));
    both_languages(
        &ended.stderr,
        [&format!("this is the cloudward for {arm}, and this machine is"), &format!("这是 {arm} 版")],
    );
    assert!(!gateway.has("/usr/local/bin/cloudward"));
    // And nobody packs a binary under a wrong name.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/package");
    let wrong = Command::new(script)
        .arg("--binary")
        .arg(&binary)
        .args(["--out"])
        .arg(dir.path())
        .arg("x86_64")
        .output()
        .unwrap();
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("is not of x86_64"));
}

/// The process of a unit.
fn pid_of(gateway: &Gateway, unit: &str) -> String {
    gateway.ok(&format!("systemctl show -P MainPID {unit}")).trim().to_owned()
}

#[test]
fn an_upgrade_lets_run_on_what_would_refuse_its_configuration_as_the_new_version() {
    let dir = temp_dir();
    let (old, _) = package(dir.path(), "0.1.0");
    let (new, _) = package(dir.path(), "0.2.0");
    let Some(gateway) = Gateway::boot("a refusing upgrade", &[&old, &new]) else { return };
    gateway.ok("dpkg -i cloudward_0.1.0_*.deb && cp /usr/share/cloudward/workshop.example.toml good
        for name in workshop press; do install -m 0644 good /etc/cloudward/$name.toml; done
        systemctl start cloudward cloudward@press");
    let both = || ["cloudward", "cloudward@press"].map(|unit| pid_of(&gateway, unit));

    // A key that the new version no longer takes; the process that runs has read the file before.
    gateway.ok("echo 'gone = 1' >> /etc/cloudward/workshop.toml");
    let before = both();
    let said = gateway.ok("dpkg -i cloudward_0.2.0_*.deb");
    both_languages(&said, ["workshop.toml has mistakes, so cloudward.service was not", "workshop.toml 有错误"]);
    assert!(!said.contains("press"), "nothing is wrong there: {said}");
    let after = both();
    assert_eq!(after[0], before[0], "the old process runs on: {}", gateway.log());
    assert_ne!(after[1], before[1], "the instance is the new version");
    assert_eq!(gateway.show("ActiveState"), "active");

    // Without a workshop of its own, the instance is upgraded all the same; but not with a file that only root may read.
    gateway.ok("systemctl stop cloudward && rm /etc/cloudward/workshop.toml && dpkg -i cloudward_0.1.0_*.deb");
    let restarted = both();
    assert!(restarted[1] != after[1] && restarted[0] == "0", "{restarted:?}");
    let said = gateway.ok("chmod 0600 /etc/cloudward/press.toml && dpkg -i cloudward_0.2.0_*.deb");
    both_languages(&said, ["press.toml has mistakes, so cloudward@press.service", "没有重启 cloudward@press.service"]);
    assert_eq!(both(), restarted);
    // The line that is given shows the mistake, and what is mended is started as the text says.
    let remedy = said.lines().find(|line| line.contains("runuser")).unwrap();
    assert!(gateway.run(remedy).stderr.contains("CW151"), "{remedy}");
    gateway.ok("chmod 0644 /etc/cloudward/press.toml && systemctl restart cloudward@press");
    assert_ne!(both()[1], restarted[1]);
}

#[test]
fn the_tarball_installs_offline_again_over_itself_and_goes_without_a_trace() {
    let dir = temp_dir();
    let (_, tarball) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("the tarball", &[&tarball]) else { return };
    let before = everything(&gateway);
    gateway.ok("mkdir plain && tar -C plain --strip-components=1 -xf *.tar.gz");
    both_languages(&gateway.ok("plain/install.sh"), ["waits for its configuration", "等待配置"]);
    let _plc = gateway.neighbours(dir.path());
    gateway.broker();
    gateway.ok("cp -r /usr/local/share/cloudward /usr/share/"); // where `configure` looks for it
    gateway.configure();
    gateway.ok("rm -r /usr/share/cloudward && systemctl start cloudward");
    wait_for("samples at the broker", || (gateway.received().len() > 5).then_some(()));
    let pid = gateway.show("MainPID");
    assert_eq!(gateway.ok(&format!("readlink /proc/{pid}/exe")).trim(), "/usr/local/bin/cloudward");

    let once = everything(&gateway);
    gateway.ok("plain/install.sh");
    assert_ne!(gateway.show("MainPID"), pid, "the newly installed one runs");
    assert_eq!(everything(&gateway), once, "twice is once");

    // Somebody else, elsewhere: no service, no root.
    gateway.ok("useradd -m li && chmod 755 /root && setpriv --reuid li --regid li --clear-groups plain/install.sh --prefix /home/li/tools");
    gateway.ok("setpriv --reuid li --regid li --clear-groups /home/li/tools/bin/cloudward --version");
    gateway.ok("setpriv --reuid li --regid li --clear-groups plain/install.sh --prefix /home/li/tools --uninstall && userdel -r li");

    gateway.ok("plain/install.sh --uninstall");
    assert!(gateway.has("/etc/cloudward/workshop.toml") && gateway.has(&format!("{STATE}/journal.sqlite")));
    gateway.ok("plain/install.sh --uninstall --purge");
    let left: Vec<String> = everything(&gateway).difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "a purge leaves nothing");
}

#[test]
fn the_tarball_serves_elsewhere_and_with_a_strict_umask_and_finds_its_place_again() {
    let dir = temp_dir();
    let (_, tarball) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("the tarball elsewhere", &[&tarball]) else { return };
    let before = everything(&gateway);
    gateway.ok("umask 077; mkdir plain && tar -C plain --strip-components=1 -xf *.tar.gz; plain/install.sh --prefix /opt/cloudward");
    let said = gateway.ok("umask 077; plain/install.sh --prefix /opt/cloudward"); // the hint of the next step
    let hint = said.lines().find(|line| line.contains("workshop.example.toml")).unwrap();
    gateway.ok(&format!("umask 077; {}", hint.split("     ").next().unwrap()));
    gateway.ok("systemctl start cloudward");
    let pid = gateway.show("MainPID");
    assert_eq!(gateway.ok(&format!("readlink /proc/{pid}/exe")).trim(), "/opt/cloudward/bin/cloudward");
    let li = "setpriv --reuid 4711 --regid 4711 --clear-groups";
    gateway.ok(&format!("{li} cat /opt/cloudward/share/doc/cloudward/INSTALL.md"));

    // As with the package: refused by the new version, the old process runs on.
    gateway.ok("cp /etc/cloudward/workshop.toml good && echo 'gone = 1' >> /etc/cloudward/workshop.toml");
    let said = gateway.ok("plain/install.sh --prefix /opt/cloudward");
    both_languages(&said, ["workshop.toml has mistakes, so cloudward.service was not", "workshop.toml 有错误"]);
    assert_eq!((gateway.show("MainPID"), gateway.show("ActiveState")), (pid.clone(), "active".into()));
    gateway.ok("cat good > /etc/cloudward/workshop.toml && plain/install.sh --prefix /opt/cloudward");
    assert_ne!(gateway.show("MainPID"), pid);

    let ended = gateway.run(&format!("chmod -R a+rX /root && {li} plain/install.sh --uninstall --purge"));
    assert!(ended.code == Some(1) && gateway.has("/opt/cloudward/bin/cloudward"), "{ended:?}");
    both_languages(&ended.stderr, ["--purge needs root", "须以 root 身份执行"]);
    // Nobody has to remember where it was put.
    gateway.ok("plain/install.sh --uninstall");
    assert!(!gateway.has("/opt/cloudward") && gateway.has("/etc/cloudward/workshop.toml"));
    let ended = gateway.run("plain/install.sh --uninstall");
    assert_eq!(ended.code, Some(1));
    both_languages(&ended.stderr, ["there is no cloudward in /usr/local/bin", "/usr/local/bin 中没有 cloudward"]);
    gateway.ok("plain/install.sh --uninstall --purge");
    let left: Vec<String> = everything(&gateway).difference(&before).cloned().collect();
    assert_eq!(left, [""; 0], "a purge leaves nothing");
}
