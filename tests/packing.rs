//! What deploy/package packs, without a gateway: the files that documents point to, the same bytes for the same sources, a time where there
//! is no history. What the packages do on a machine is in `tests/packages.rs`.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::gateway::package_of;
use common::temp_dir;

/// Packages of a program that nobody starts: nothing but the head of this one.
fn hollow(dir: &Path) -> (PathBuf, PathBuf) {
    let binary = dir.join("cloudward");
    fs::write(&binary, &fs::read("/proc/self/exe").unwrap()[..64]).unwrap();
    package_of(&binary, dir, "0.1.0", "x86_64")
}

#[test]
fn rules_dashboard_and_schemas_that_the_documents_name_are_in_the_packages() {
    let dir = temp_dir();
    let (deb, tarball) = hollow(dir.path());
    let list = |program: &str, args: &[&str], file: &Path| {
        let output = Command::new(program).args(args).arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let lists = [list("dpkg-deb", &["-c"], &deb), list("tar", &["-tf"], &tarball)];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schemas = fs::read_dir(root.join("docs/schema")).unwrap();
    let schemas = schemas.map(|file| format!("schema/{}", file.unwrap().file_name().to_str().unwrap()));
    let wanted: Vec<String> =
        ["prometheus/alerts.yml", "grafana/dashboard.json"].map(str::to_owned).into_iter().chain(schemas).collect();
    assert!(wanted.len() > 5, "{wanted:?}");
    for (list, place) in lists.iter().zip(["./usr/share/doc/cloudward", "/doc"]) {
        for file in &wanted {
            let end = format!("{place}/examples/{file}");
            assert!(list.lines().any(|line| line.ends_with(&end)), "{end} is not in\n{list}");
        }
    }
    for text in [include_str!("../docs/STATUS.md"), include_str!("../docs/STATUS.zh-CN.md")] {
        for place in ["/usr/share/doc/cloudward/examples/", "`prometheus/`", "`grafana/`", "`schema/`"] {
            assert!(text.contains(place), "{place}");
        }
    }
}

/// An archive of the sources has no history; zig's compilers end with an error at an empty time.
#[test]
fn without_git_builds_and_packages_have_a_time_all_the_same() {
    for script in [include_str!("../deploy/build"), include_str!("../deploy/package")] {
        let line = script.lines().find(|line| line.contains("git log")).unwrap();
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &format!("{line}\necho \"$SOURCE_DATE_EPOCH\"")]);
        let output = bash.env_remove("SOURCE_DATE_EPOCH").env("GIT_DIR", "/nowhere").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.trim().parse::<u64>().is_ok_and(|seconds| seconds > 1_700_000_000), "{line}: {said}");
    }
}

#[test]
fn the_same_sources_give_the_same_packages() {
    let dir = temp_dir();
    let binary = dir.path().join("cloudward");
    fs::copy("/proc/self/exe", &binary).unwrap();
    let made = |place: &str| {
        let (deb, tarball) = package_of(&binary, &dir.path().join(place), "0.1.0", "x86_64");
        std::thread::sleep(std::time::Duration::from_millis(1_100)); // times in archives are seconds
        [fs::read(deb).unwrap(), fs::read(tarball).unwrap()]
    };
    assert!(made("one") == made("two"));
}
