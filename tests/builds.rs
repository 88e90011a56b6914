//! What is given away with a build: the papers name everything that is in it, and the gates refuse what a gateway could not run or
//! nobody could vouch for. No build is made here; `deploy/build` calls both for every build that it makes.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::agent::BINARY;
use common::{program, temp_dir};
use serde_json::Value as Json;

const HOUSE: &str = env!("CARGO_MANIFEST_DIR");
const TRIPLES: [&str; 3] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"];

fn call(script: &str, args: &[&str]) -> Output {
    Command::new(program("python3")).arg(Path::new(HOUSE).join(script)).args(args).output().unwrap()
}

#[track_caller]
fn papers(triple: &str, dir: &Path) -> (Json, String) {
    let made = call("deploy/papers.py", &[triple, "opcua", dir.to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bill = serde_json::from_slice(&fs::read(dir.join("cloudward.cdx.json")).unwrap()).unwrap();
    (bill, fs::read_to_string(dir.join("THIRD-PARTY-LICENSES.txt")).unwrap())
}

/// What cargo takes into the build, without our own crate.
fn tree(triple: &str) -> BTreeSet<String> {
    let args = ["tree", "--locked", "--target", triple, "--no-default-features", "--features", "opcua"];
    let more = ["--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(env!("CARGO")).current_dir(HOUSE).args(args).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let packages =
        text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replacen(" v", " ", 1));
    packages.filter(|package| !package.starts_with("cloudward ") && !package.trim().is_empty()).collect()
}

/// Packages whose licence stands in the text file.
fn with_licence(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("Licence text of: ")).flat_map(|names| names.split(", ")).collect()
}

#[test]
fn the_papers_name_every_package_of_the_build_with_its_sum_and_the_text_of_its_licence() {
    let dir = temp_dir();
    let lock = fs::read_to_string(Path::new(HOUSE).join("Cargo.lock")).unwrap();
    for triple in TRIPLES {
        let (bill, licences) = papers(triple, dir.path());
        let components = bill["components"].as_array().unwrap();
        let name = |c: &Json| format!("{} {}", c["name"].as_str().unwrap(), c["version"].as_str().unwrap());
        let listed: BTreeSet<String> = components.iter().map(name).collect();
        let expected = tree(triple);
        assert!(expected.len() > 200, "{expected:?}");
        let missing: Vec<_> = expected.difference(&listed).collect();
        assert!(missing.is_empty(), "{triple}: {missing:?}");
        let with_licence = with_licence(&licences);
        for component in components {
            let name = name(component);
            assert!(with_licence.contains(name.as_str()), "{triple}: {name} has no licence text");
            if expected.contains(&name) {
                let sum = component["hashes"][0]["content"].as_str().unwrap();
                assert!(sum.len() == 64 && lock.contains(sum), "{name}: {sum}");
            }
        }
        // Not crates of their own, and yet in the binary.
        for native in ["sqlite ", "zstd ", "rust-std "] {
            assert!(listed.iter().any(|name| name.starts_with(native)), "{triple}: {native}");
        }
        assert!(!listed.iter().any(|name| name.starts_with("rumqttd ")), "the demo is not in the build for gateways");
    }
}

#[test]
fn the_papers_are_the_same_for_the_same_sources() {
    let (one, other) = (temp_dir(), temp_dir());
    assert_eq!(papers(TRIPLES[0], one.path()), papers(TRIPLES[0], other.path()));
}

/// A folder as `deploy/build` makes it, with this test's own binary in it.
fn dist(dir: &Path) {
    papers(TRIPLES[0], dir);
    fs::copy(BINARY, dir.join("cloudward")).unwrap();
    let sums = Command::new(program("sha256sum"))
        .args(["cloudward", "THIRD-PARTY-LICENSES.txt", "cloudward.cdx.json"])
        .current_dir(dir)
        .output();
    fs::write(dir.join("SHA256SUMS"), sums.unwrap().stdout).unwrap();
}

#[track_caller]
fn refused(dir: &Path) -> String {
    let judged = call("deploy/gates.py", &[dir.to_str().unwrap()]);
    let said = String::from_utf8(judged.stderr).unwrap();
    assert_eq!(judged.status.code(), Some(1), "{said}");
    said
}

#[test]
fn the_gates_refuse_a_binary_that_a_gateway_could_not_run() {
    let dir = temp_dir();
    dist(dir.path());
    let said = refused(dir.path());
    // A build of the tests is big, has symbols and this machine's glibc, and unwinds with the compiler's own library.
    for reason in
        ["at most 15000000 are allowed", "is not stripped", "libgcc_s.so.1", "at most 2.17 is allowed", "order.ld"]
    {
        assert!(said.contains(reason), "{reason}:\n{said}");
    }
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[test]
fn the_gates_notice_papers_that_are_not_whole() {
    let dir = temp_dir();
    let dir = dir.path();
    dist(dir);
    let (bill, licences) = (dir.join("cloudward.cdx.json"), dir.join("THIRD-PARTY-LICENSES.txt"));
    let mut json: Json = serde_json::from_slice(&fs::read(&bill).unwrap()).unwrap();
    let gone = json["components"].as_array_mut().unwrap().remove(0);
    fs::write(&bill, json.to_string()).unwrap();
    let text = fs::read_to_string(&licences).unwrap();
    let version = with_licence(&text).into_iter().find(|name| name.starts_with("tokio ")).unwrap().to_owned();
    fs::write(&licences, text.replace(&version, "another 1.0.0")).unwrap();
    fs::write(dir.join("stowaway"), "").unwrap();
    let said = refused(dir);
    let lost = gone["purl"].as_str().unwrap();
    for reason in [
        format!("{lost}, which it does not list"),
        format!("{version} has no licence text"),
        "cloudward.cdx.json is not the file that SHA256SUMS tells of".into(),
        "THIRD-PARTY-LICENSES.txt is not the file that SHA256SUMS tells of".into(),
        "stowaway is not in SHA256SUMS".into(),
    ] {
        assert!(said.contains(&reason), "{reason}:\n{said}");
    }
}
