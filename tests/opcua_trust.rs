//! `cloudward trust` and `cloudward cert` against OPC UA servers that were not written here: nothing is trusted without its
//! fingerprint, what is trusted is what was shown, and our own certificate is one that foreign stacks take.

#![allow(clippy::unwrap_used)] // a test that fails says where
#![cfg(feature = "opcua")]

mod common;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::agent::{Agent, BINARY, Ended, run_to_end};
use common::opcua::{Kind, MACHINE_URI, SERVER_URI, Server};
use common::{free_port, prepared, program, temp_dir};

/// A workshop whose link `press` leads to this server.
fn workshop(dir: &Path, endpoint: &str, security: &str) -> PathBuf {
    let text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         [[link]]\nname = \"press\"\nopcua = \"{endpoint}\"\n{security}\ntimeout = \"5s\"\nretry = \"200ms\"\nretry_max = \"500ms\"\n\
         [[link]]\nname = \"meters\"\nmodbus_tcp = \"127.0.0.1:1\"\n\
         [[device]]\nid = \"press\"\nlink = \"press\"\nevery = \"500ms\"\n\
         tags = [{{ name = \"speed\", address = \"nsu={MACHINE_URI};s=Machine.Speed\" }}]\n"
    );
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn run(config: &Path, args: &[&str]) -> Ended {
    run_to_end(&[args, &["--config", config.to_str().unwrap()]].concat())
}

/// The same at a terminal, where somebody types a line. What it shows, and its exit code.
fn typed(config: &Path, args: &str, answer: &str) -> (Option<i32>, String) {
    let line = format!("'{BINARY}' {args} --lang en --config '{}'", config.display());
    let mut script = Command::new(program("script"))
        .args(["-qec", &line, "/dev/null"])
        .env_remove("STATE_DIRECTORY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    script.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = script.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[track_caller]
fn refused(ended: &Ended, exit: i32, code: &str) {
    assert_eq!(ended.code, Some(exit), "{ended:?}");
    assert!(ended.stderr.contains(&format!("[{code}]")), "{code}: {ended:?}");
}

/// What Python says of a certificate: an opinion that is not ours.
fn python(program: &str, file: &Path) -> String {
    let head = "import hashlib, sys\nfrom cryptography import x509\ndata = open(sys.argv[1], 'rb').read()\n";
    let output =
        Command::new(prepared("venv/bin/python")).args(["-c", &(head.to_owned() + program)]).arg(file).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Bare hexadecimal digits.
fn fingerprint(server: &Server, certificate: &str) -> String {
    python("print(hashlib.sha256(data).hexdigest())", &server.folder.join(format!("own/certs/{certificate}.der")))
}

fn with_colons(hex: &str) -> String {
    let pairs: Vec<String> = hex.as_bytes().chunks(2).map(|pair| String::from_utf8(pair.to_vec()).unwrap()).collect();
    pairs.join(":").to_uppercase()
}

fn pinned(dir: &Path) -> Option<serde_json::Value> {
    let text = fs::read_to_string(dir.join("state/opcua/pinned/press.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn rejected(dir: &Path) -> usize {
    fs::read_dir(dir.join("state/opcua/rejected")).map_or(0, Iterator::count)
}

#[test]
fn without_a_terminal_only_the_right_fingerprint_is_trusted() {
    let dir = temp_dir();
    let dir = dir.path();
    let server = Server::start(Kind::Asyncua, &[]);
    let config = workshop(dir, &server.endpoint(), "");
    let right = fingerprint(&server, "server");

    refused(&run(&config, &["trust", "press"]), 64, "CW282");
    let alone = run(&config, &["trust", "press", "--yes"]);
    assert!(alone.code == Some(64) && alone.stderr.contains("--fingerprint"), "{alone:?}");
    refused(&run(&config, &["trust", "press", "--fingerprint", &right[1..]]), 64, "CW283");
    assert_eq!((pinned(dir), rejected(dir)), (None, 0), "nothing was even looked at");

    let wrong = right.chars().rev().collect::<String>();
    refused(&run(&config, &["trust", "press", "--fingerprint", &wrong]), 76, "CW284");
    assert_eq!((pinned(dir), rejected(dir)), (None, 1));

    let ended = run(&config, &["trust", "press", "--fingerprint", &right]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for shown in [
        &server.endpoint(),
        "asyncua for cloudward",
        SERVER_URI,
        "SignAndEncrypt Basic256Sha256",
        "anonymous, certificate, password",
        "RSA, 2048 bits",
        "(Asia/Shanghai), 36", // days left of 365
        &with_colons(&right),
        &with_colons(&python("print(hashlib.sha1(data).hexdigest())", &server.folder.join("own/certs/server.der"))),
    ] {
        assert!(ended.stdout.contains(shown), "{shown} is not in\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("What is odd"), "{}", ended.stdout);
    let pin = pinned(dir).unwrap();
    assert_eq!((pin["sha256"].as_str(), &pin["accepted"]), (Some(&*with_colons(&right)), &serde_json::json!([])));
    let again = run(&config, &["--lang", "zh", "trust", "press", "--fingerprint", &with_colons(&right)]);
    assert!(again.code == Some(0) && again.stdout.contains("已经确认过"), "{again:?}");
}

#[test]
fn at_a_terminal_only_yes_is_yes_and_a_changed_certificate_is_shouted() {
    let dir = temp_dir();
    let dir = dir.path();
    let mut server = Server::start(Kind::Asyncua, &[]);
    let config = workshop(dir, &server.endpoint(), "");
    for answer in ["\n", "no\n", "y\n", "yes please\n"] {
        let (code, said) = typed(&config, "trust press", answer);
        assert!(code == Some(1) && said.contains("CW285"), "{answer:?}: {code:?} {said}");
        assert_eq!((pinned(dir), rejected(dir)), (None, 1), "{answer:?}");
    }
    let (code, said) = typed(&config, "trust press", "yes\n");
    assert!(code == Some(0) && said.contains("Confirmed: link press"), "{code:?} {said}");
    let before = with_colons(&fingerprint(&server, "server"));
    assert_eq!(pinned(dir).unwrap()["sha256"].as_str(), Some(&*before));
    assert!(!said.contains("CHANGED"), "{said}");

    server.restart(&["--certificate", "renewed"]);
    let now = with_colons(&fingerprint(&server, "renewed"));
    let (code, said) = typed(&config, "trust press", "no\n");
    assert!(code == Some(1) && said.contains("CHANGED") && said.contains(&before) && said.contains(&now), "{said}");
    assert_eq!(pinned(dir).unwrap()["sha256"].as_str(), Some(&*before), "a no leaves what was confirmed");
    let (code, _) = typed(&config, "trust press", "yes\n");
    assert_eq!((code, pinned(dir).unwrap()["sha256"].as_str()), (Some(0), Some(&*now)));
}

#[test]
fn what_is_odd_is_told_accepted_by_name_and_listed() {
    let dir = temp_dir();
    let dir = dir.path();
    let options = [
        "--certificate-expired",
        "--certificate-host",
        "plc.works",
        "--certificate-uri",
        "urn:other",
        "--users",
        "password",
    ];
    let server = Server::start(Kind::Asyncua, &options);
    let config = workshop(dir, &server.endpoint(), "");
    let (code, said) = typed(&config, "trust press", "yes\n");
    assert_eq!(code, Some(0), "{said}");
    for shown in
        ["CW292", "CW294", "plc.works, the link says 127.0.0.1", "CW295", "urn:other", "ended 1 day(s) ago", "CW247"]
    {
        assert!(said.contains(shown), "{shown} is not in\n{said}");
    }
    assert_eq!(pinned(dir).unwrap()["accepted"], serde_json::json!(["expired", "other_host", "other_uri"]));
    let listed = run(&config, &["cert", "trusted"]);
    let right = with_colons(&fingerprint(&server, "server"));
    for shown in ["press\n", &right, "expired, other_host, other_uri", "ended 1 day(s) ago"] {
        assert!(listed.code == Some(0) && listed.stdout.contains(shown), "{shown}: {listed:?}");
    }

    refused(&run(&config, &["cert", "forget", "press"]), 64, "CW288");
    for name in ["oven", "../pinned/press", ""] {
        refused(&run(&config, &["cert", "forget", name, "--yes"]), 64, "CW287");
    }
    let (code, said) = typed(&config, "cert forget press", "no\n");
    assert!(code == Some(1) && said.contains("CW289") && pinned(dir).is_some(), "{said}");
    let ended = run(&config, &["cert", "forget", "press", "--yes"]);
    assert!(ended.code == Some(0) && pinned(dir).is_none(), "{ended:?}");
    let listed = run(&config, &["cert", "trusted", "--lang", "zh"]);
    assert!(listed.code == Some(0) && listed.stdout.contains("还没有信任任何服务器"), "{listed:?}");
}

#[test]
fn what_cannot_be_confirmed_is_refused_with_a_sentence() {
    let dir = temp_dir();
    let dir = dir.path();
    let any = "AB".repeat(32);
    let trust = |config: &Path, link: &str| run(config, &["trust", link, "--fingerprint", &any]);
    let config = workshop(dir, &format!("opc.tcp://127.0.0.1:{}", free_port()), "");
    refused(&trust(&config, "press"), 69, "CW241");
    refused(&trust(&config, "meters"), 64, "CW280");
    refused(&trust(&config, "oven"), 64, "CW280");

    for answer in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = workshop(dir, &format!("opc.tcp://{}", listener.local_addr().unwrap()), "");
        let stranger = std::thread::spawn(move || listener.accept().unwrap().0.write_all(answer.as_bytes()).unwrap());
        refused(&trust(&config, "press"), 69, "CW244");
        stranger.join().unwrap();
    }

    let server = Server::start(Kind::Asyncua, &["--policies", "None,Basic256Sha256", "--modes", "Sign"]);
    let config = workshop(dir, &server.endpoint(), "security = \"none\"");
    refused(&trust(&config, "press"), 64, "CW281");
    let config = workshop(dir, &server.endpoint(), "");
    refused(&trust(&config, "press"), 76, "CW246");
    assert_eq!((pinned(dir), rejected(dir)), (None, 0));

    fs::write(&config, "[workshop]\n").unwrap();
    assert_eq!(trust(&config, "press").code, Some(78));
}

#[test]
fn nothing_is_written_for_an_agent_that_runs_as_another_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    const SOMEBODY: u32 = 12_345;
    let dir = temp_dir();
    let dir = dir.path();
    let server = Server::start(Kind::Asyncua, &[]);
    let config = workshop(dir, &server.endpoint(), "");
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        fs::create_dir(dir.join("state")).unwrap();
        chown(dir.join("state"), Some(SOMEBODY), None).unwrap();
    } else {
        std::os::unix::fs::symlink("/usr", dir.join("state")).unwrap();
    }
    for args in [
        &["trust", "press", "--fingerprint", &fingerprint(&server, "server")][..],
        &["cert", "show"],
        &["cert", "export"],
    ] {
        let ended = run(&config, args);
        refused(&ended, 73, "CW286");
        assert!(ended.stderr.contains("sudo -u"), "{ended:?}");
    }
    assert!(!dir.join("state/opcua").exists());
}

#[test]
fn our_certificate_is_one_that_others_read_and_stays_the_same() {
    let dir = temp_dir();
    let dir = dir.path();
    let config = workshop(dir, "opc.tcp://127.0.0.1:1", "");
    let shown = run(&config, &["cert", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let (der, pem) = (dir.join("gateway.der"), dir.join("gateway.pem"));
    for file in [&der, &pem] {
        let ended = run(&config, &["cert", "export", "-o", file.to_str().unwrap()]);
        assert!(ended.code == Some(0) && ended.stdout.contains("TIA Portal"), "{ended:?}");
    }
    let facts = "
c = x509.load_der_x509_certificate(data) if sys.argv[1].endswith('der') else x509.load_pem_x509_certificate(data)
c.verify_directly_issued_by(c)
names = c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
print(*names.get_values_for_type(x509.UniformResourceIdentifier), c.public_key().key_size, c.fingerprint(c.signature_hash_algorithm).hex())";
    let read = python(facts, &der);
    assert_eq!(python(facts, &pem), read);
    let [uri, bits, sha256] = read.split(' ').collect::<Vec<_>>()[..] else { panic!("{read}") };
    assert!(uri.starts_with("urn:cloudward:huada:ws1:") && bits == "2048", "{read}");
    for word in [uri, &with_colons(sha256), "signed by           itself"] {
        assert!(shown.stdout.contains(word), "{word} is not in\n{}", shown.stdout);
    }

    let to_stdout = run(&config, &["cert", "export", "--lang", "zh"]);
    assert_eq!(to_stdout.stdout, fs::read_to_string(&pem).unwrap(), "nothing but the certificate");
    assert!(to_stdout.stderr.contains("博途") && to_stdout.stderr.contains(uri), "{to_stdout:?}");
    refused(&run(&config, &["cert", "export", "-o", dir.join("gateway").to_str().unwrap()]), 64, "CW290");
    let der = der.to_str().unwrap();
    refused(&run(&config, &["cert", "export", "-o", der]), 73, "CW643");
    assert_eq!(run(&config, &["cert", "export", "-o", der, "--force"]).code, Some(0));
    assert_eq!(python(facts, Path::new(der)), read);
}

#[test]
fn an_agent_that_runs_reads_once_both_sides_have_said_yes() {
    let dir = temp_dir();
    let dir = dir.path();
    let server = Server::start(Kind::Asyncua, &[]);
    let config = workshop(dir, &server.endpoint(), "");
    let mut agent = Agent::start(&config, dir);
    agent.wait_log(0, &["CW249"]);
    let ended = run(&config, &["trust", "press", "--fingerprint", &fingerprint(&server, "server")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    agent.wait_log(0, &["CW252"]);
    let file = dir.join("gateway.cer");
    assert_eq!(run(&config, &["cert", "export", "-o", file.to_str().unwrap()]).code, Some(0));
    let from = agent.log().len();
    server.trust_client(&fs::read(file).unwrap());
    agent.wait_log(from, &["is connected to"]);
    assert!(agent.is_running());
}
