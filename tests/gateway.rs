//! The service on a gateway with a systemd of its own (`common/gateway.rs` tells what is real there): what is tried again and what is not,
//! the firewall of the drop-in, several workshops side by side, serial ports.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use common::gateway::{Gateway, package};
use common::plc::LADDER;
use common::{program, temp_dir, wait_for};

/// Makes systemd quick to try again, so that a test need not wait; the pace itself is looked at where this is not.
fn quick(gateway: &Gateway, more: &str) {
    gateway.ok("mkdir -p /run/systemd/system/cloudward.service.d");
    gateway.put(
        "/run/systemd/system/cloudward.service.d/quick.conf",
        format!("[Service]\nRestartSec=300ms\n{more}").as_bytes(),
    );
    gateway.ok("systemctl daemon-reload");
}

/// Starts the service, which must fail for good with this code, at once.
#[track_caller]
fn gives_up(gateway: &Gateway, what: &str, code: &str) {
    gateway.run("systemctl reset-failed cloudward; systemctl start cloudward");
    std::thread::sleep(std::time::Duration::from_secs(2)); // six tries, if it tried
    let found = [gateway.show("ActiveState"), gateway.show("ExecMainStatus"), gateway.show("NRestarts")];
    assert_eq!(found, ["failed", code, "0"], "{what}: {}", gateway.log());
}

#[test]
fn on_a_gateway_nothing_becomes_a_storm_and_what_passes_is_waited_for() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("a restart policy", &[&deb]) else { return };
    gateway.ok("dpkg -i *.deb");
    let plc = gateway.neighbours(dir.path());
    gateway.broker();
    gateway.configure();
    assert_eq!([gateway.show("RestartUSec"), gateway.show("StartLimitIntervalUSec")], ["15s", "0"]);

    quick(&gateway, "");
    gateway.ok("cp /etc/cloudward/workshop.toml good && echo 'nonsense' >> /etc/cloudward/workshop.toml");
    gives_up(&gateway, "a mistake in the configuration", "78");
    assert!(gateway.log().contains("line ") && gateway.log().contains("CW1"), "{}", gateway.log());
    gateway.ok("cp good /etc/cloudward/workshop.toml");

    quick(&gateway, "LoadCredential=mqtt:/etc/cloudward/credentials/mqtt\n");
    gives_up(&gateway, "a credential without its file, and no stand-in", "243");
    gateway.ok("head -c 20 /usr/bin/cloudward > foreign; printf '\\267\\0' | dd of=foreign bs=1 seek=18 conv=notrunc status=none; \
         head -c 100 /dev/zero >> foreign; install -m 0755 foreign /usr/bin/foreign");
    quick(&gateway, "ExecStart=\nExecStart=/usr/bin/foreign run\n");
    gives_up(&gateway, "a binary for another machine", "203");

    // A disk that is mounted read-only, and later writable. The service comes up by itself.
    quick(&gateway, "");
    gateway.ok("mount -t tmpfs -o ro,mode=0700 tmpfs /var/lib/cloudward");
    gateway.run("systemctl start --no-block cloudward");
    wait_for("tries", || (gateway.show("NRestarts").parse::<u32>().unwrap() > 2).then_some(()));
    assert!(gateway.log().contains("status=238/STATE_DIRECTORY"), "{}", gateway.log());
    gateway.ok("mount -o remount,rw /var/lib/cloudward");
    wait_for("the service", || (gateway.show("ActiveState") == "active").then_some(()));
    // And one that is read-only with a journal that is there. The agent says why it does not start, since positions that cannot be noted
    // could be given twice (who runs already goes on from memory: tests/durability). It is waited for as well.
    gateway.ok("systemctl stop cloudward && mount -o remount,ro /var/lib/cloudward");
    gateway.run("systemctl start --no-block cloudward");
    gateway.wait_log("status=73/");
    assert!(gateway.log().contains("[CW303]"), "{}", gateway.log());
    gateway.ok("mount -o remount,rw /var/lib/cloudward");
    wait_for("the service", || (gateway.show("ActiveState") == "active").then_some(()));
    gateway.ok("systemctl stop cloudward && umount /var/lib/cloudward");

    // Somebody has started it by hand.
    gateway.ok("setpriv --reuid cloudward --regid cloudward --clear-groups env STATE_DIRECTORY=/var/lib/cloudward \
         cloudward run > by-hand.log 2>&1 < /dev/null & sleep 2; cat by-hand.log");
    gateway.run("systemctl start --no-block cloudward");
    wait_for("tries", || (gateway.show("NRestarts").parse::<u32>().unwrap() > 2).then_some(()));
    assert!(gateway.log().contains("status=73/") && gateway.log().contains("[CW307]"), "{}", gateway.log());
    gateway.ok("for p in /proc/[0-9]*; do grep -qz run $p/cmdline && grep -qz ^cloudward $p/cmdline && kill ${p#/proc/}; done; true");
    wait_for("the service", || (gateway.show("ActiveState") == "active").then_some(()));

    // A crash is mended by a restart.
    let pid = gateway.show("MainPID");
    gateway.ok(&format!("kill -ABRT {pid}"));
    wait_for("another process", || {
        (gateway.show("ActiveState") == "active" && gateway.show("MainPID") != pid).then_some(())
    });
    let before = plc.last_counter(&LADDER[0]);
    wait_for("scans", || (plc.last_counter(&LADDER[0]) > before + 5).then_some(()));
}

#[test]
fn the_drop_in_lets_through_what_is_configured_and_nothing_else() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("a firewall", &[&deb]) else { return };
    gateway.ok("dpkg -i *.deb");
    let _plc = gateway.neighbours(dir.path());
    gateway.broker();
    gateway.configure();
    gateway.ok("mkdir -p /etc/systemd/system/cloudward.service.d
        cloudward unit > /etc/systemd/system/cloudward.service.d/workshop.conf
        systemctl daemon-reload && systemctl start cloudward");
    wait_for("samples at the broker", || (gateway.received().len() > 5).then_some(()));

    // The same broker by another address, which only the configuration of afterwards knows.
    let ip = program("ip");
    assert!(
        gateway
            .beside(ip.to_str().unwrap())
            .args(["addr", "add", "192.168.1.6/32", "dev", "lo"])
            .status()
            .unwrap()
            .success()
    );
    gateway.ok("mosquitto_sub -h 192.168.1.5 -t nothing -W 1; printf 'listener 1883 192.168.1.6\nallow_anonymous true\n' > six.conf
        mosquitto -c six.conf -d > /dev/null 2>&1; sed -i 's/192.168.1.5:1883/192.168.1.6:1883/' /etc/cloudward/workshop.toml
        systemctl restart cloudward");
    gateway.wait_log("192.168.1.6:1883");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(!gateway.log().contains("connected to 192.168.1.6"), "{}", gateway.log());
    // Printed anew, it does.
    gateway.ok("cloudward unit > /etc/systemd/system/cloudward.service.d/workshop.conf && systemctl daemon-reload && systemctl restart cloudward");
    gateway.wait_log("connected to 192.168.1.6");
}

#[test]
fn two_workshops_run_side_by_side_each_with_its_own_journal_and_secrets() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("instances", &[&deb]) else { return };
    gateway.ok("dpkg -i *.deb");
    let _plc = gateway.neighbours(dir.path());
    gateway.ok("mosquitto_passwd -c -b passwords press geheim && chmod 0644 passwords && cp passwords /tmp/
        printf 'listener 1883 192.168.1.5\nallow_anonymous false\npassword_file /tmp/passwords\n' > broker.conf
        mosquitto -c broker.conf -d > /dev/null 2>&1");
    gateway.configure();
    gateway.ok("cd /etc/cloudward && for name in press mould; do
            sed -e \"s/ws1/$name/\" workshop.toml > $name.toml
            printf 'user = \"press\"\npassword_credential = \"mqtt\"\n' >> $name.toml
            mkdir -p /etc/systemd/system/cloudward@$name.service.d
            cloudward unit --instance $name > /etc/systemd/system/cloudward@$name.service.d/workshop.conf || exit 1
        done
        rm workshop.toml
        mkdir -m 0700 credentials/press && (umask 077; echo geheim > credentials/press/mqtt)
        systemctl daemon-reload && systemctl start cloudward@press cloudward@mould");
    let log = |name: &str| gateway.run(&format!("journalctl -b --no-pager -o cat -u cloudward@{name}")).stdout;
    wait_for("press at the broker", || log("press").contains("connected to 192.168.1.5").then_some(()));
    // Of the other one the secret is missing: it says so, collects, and waits.
    wait_for("a word about the secret", || log("mould").contains("[CW987]").then_some(()));
    assert_eq!(gateway.ok("systemctl is-active cloudward@press cloudward@mould").trim(), "active\nactive");
    for name in ["press", "mould"] {
        assert!(gateway.has(&format!("/var/lib/cloudward-{name}/journal.sqlite")), "{name}");
        assert!(gateway.has(&format!("/run/cloudward-{name}")), "{name}");
    }
    let by_hand = "setpriv --reuid cloudward --regid cloudward --clear-groups cloudward journal status --config /etc/cloudward/mould.toml";
    assert!(gateway.ok(by_hand).contains("/var/lib/cloudward-mould"), "commands by hand find the instance's journal");
    assert!(!log("press").contains("geheim") && !log("mould").contains("geheim"));
    gateway.ok("dpkg -r cloudward");
    assert_eq!(gateway.run("systemctl is-active cloudward@press cloudward@mould").stdout.trim(), "inactive\ninactive");
}

/// The port has no hardware behind it, so opening it fails in the driver: whether the agent comes so far is the question.
#[test]
fn a_serial_port_is_reached_with_the_drop_in_and_not_without() {
    let dir = temp_dir();
    let (deb, _) = package(dir.path(), "0.1.0");
    let Some(gateway) = Gateway::boot("a serial port", &[&deb]) else { return };
    gateway.ok("dpkg -i *.deb && mknod -m 0660 /dev/ttyS3 c 4 67 && chgrp dialout /dev/ttyS3");
    let more = "[[link]]\nname = \"meters\"\nmodbus_rtu = \"/dev/ttyS3\"\n[[device]]\nid = \"meter\"\nlink = \"meters\"\n\
                tags = [{ name = \"p\", address = \"40001\", type = \"u16\" }]\n";
    let text = include_str!("../deploy/workshop.example.toml");
    gateway.put("/etc/cloudward/workshop.toml", format!("{text}{more}").as_bytes());
    let says = || {
        wait_for("a word about the port", || {
            gateway.log().lines().find(|line| line.contains("/dev/ttyS3")).map(str::to_owned)
        })
    };
    gateway.ok("systemctl start cloudward");
    let without = says();
    assert!(without.contains("No such file"), "{without}");
    gateway.ok("mkdir -p /etc/systemd/system/cloudward.service.d
        cloudward unit | grep -v Supplementary > /etc/systemd/system/cloudward.service.d/workshop.conf
        systemctl daemon-reload && journalctl --rotate && journalctl --vacuum-time=1s && systemctl restart cloudward");
    let without_group = says();
    assert!(without_group.contains("Permission denied"), "{without_group}");
    gateway.ok("cloudward unit > /etc/systemd/system/cloudward.service.d/workshop.conf
        systemctl daemon-reload && journalctl --rotate && journalctl --vacuum-time=1s && systemctl restart cloudward");
    let with = says();
    assert!(!with.contains("Permission denied") && !with.contains("No such file"), "{with}");
}
