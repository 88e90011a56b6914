//! What OPC UA costs: the agent and asyncua's client (Python) subscribe to the same items of one foreign server at the same time.
//!
//!     cargo bench --bench opcua                                      1,000 items at 1 Hz, 30 s, into the journal and to a broker
//!     cargo bench --bench opcua -- --items 10000 --seconds 60        more, longer
//!     cargo bench --bench opcua -- --seconds 600                     the ten minutes without a gap
//!     --no-sink     into the journal only        --alone     without asyncua's client        --server node    node-opcua, not asyncua
//!
//! Every item takes the same next number in each step, so a value that is missing shows. Only a gap makes the exit code nonzero;
//! other figures depend on the machine. Needs what `tests/run` sets up.

#![allow(clippy::unwrap_used)] // a bench that fails says where

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use common::agent::{Agent, run_to_end};
use common::broker::{Mosquitto, Setup};
use common::opcua::{Kind, MACHINE_URI, Server, Talker};
use common::usage::{Subscriber, Usage};
use common::{prepared, temp_dir, wait_for};

/// Until everything is subscribed and caches are warm.
const WARM_UP: Duration = Duration::from_secs(10);
/// Tags of one device: a scan fits a message.
const TAGS: usize = 500;

struct Arguments {
    items: usize,
    seconds: u64,
    kind: Kind,
    has_sink: bool,
    is_alone: bool,
}

fn main() -> ExitCode {
    let arguments = arguments();
    let dir = temp_dir();
    let mut server = Server::start(arguments.kind, &["--load", &arguments.items.to_string(), "--paused"]);
    let broker = Mosquitto::start_in(dir.path(), Setup::default());
    let subscriber = Subscriber::start(&broker, "cloudward/#", &dir.path().join("messages"));
    let config = write(&arguments, &server, &broker, dir.path());
    introduce(&server, &config, dir.path());
    let mut agent = Agent::start(&config, dir.path());
    let mut rival = (!arguments.is_alone).then(|| Rival::start(&arguments, &server, dir.path()));
    wait_for("all items", || (server.stats()["items"].as_u64() >= Some(arguments.items as u64)).then_some(()));
    server.tell("resume");
    sleep(WARM_UP);
    assert!(agent.is_running(), "the agent ended:\n{}", agent.log());

    let steps = server.stats()["steps"].as_u64().unwrap();
    let before = Usage::of(agent.pid());
    let rival_before = rival.as_ref().map(|rival| Usage::of(rival.pid()));
    sleep(Duration::from_secs(arguments.seconds));
    let used = Usage::of(agent.pid()).since(&before);
    let rival_used = rival.as_ref().zip(rival_before).map(|(rival, before)| Usage::of(rival.pid()).since(&before));
    let steps = server.stats()["steps"].as_u64().unwrap() - steps;
    server.tell("pause");
    sleep(Duration::from_secs(3));
    let rival_seen = rival.as_mut().map(Rival::seen);
    agent.sigterm();
    agent.wait();

    let samples = steps as f64 * arguments.items as f64;
    let Arguments { items, seconds, kind, has_sink, .. } = arguments;
    println!(
        "\n{items} items of {kind:?}, {steps} changes of each in {seconds} s, {}",
        if has_sink { "journal and broker" } else { "journal only" }
    );
    print("cloudward", &used, samples, seconds);
    if let Some(theirs) = rival_used {
        print("asyncua's client", &theirs, samples, seconds);
        println!("ratio of CPU {:.3}; it kept {} values", used.cpu_s / theirs.cpu_s, rival_seen.unwrap_or_default());
    }
    if !has_sink {
        return ExitCode::SUCCESS;
    }
    let (values, missing) = gaps(&subscriber.stop());
    println!("{values} values arrived, {missing} missing between the first and the last of each item");
    if missing > 0 || values < samples as usize {
        println!("GAPS:\n{}", agent.log());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn print(name: &str, used: &Usage, samples: f64, seconds: u64) {
    println!(
        "{name:>18}: {:.2} CPU s per million samples, {:.1} MB resident, {:.0} context switches per s, {:.1} bytes to disk per sample",
        used.cpu_s * 1e6 / samples,
        used.rss_kb as f64 / 1e3,
        used.switches as f64 / seconds as f64,
        used.written as f64 / samples
    );
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { items: 1_000, seconds: 30, kind: Kind::Asyncua, has_sink: true, is_alone: false };
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench"); // which cargo adds
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number behind it");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--items" => arguments.items = number(args.next()) as usize,
            "--seconds" => arguments.seconds = number(args.next()),
            "--server" => {
                arguments.kind = if args.next().as_deref() == Some("node") { Kind::NodeOpcua } else { Kind::Asyncua }
            }
            "--no-sink" => arguments.has_sink = false,
            "--alone" => arguments.is_alone = true,
            _ => panic!("unknown argument {arg}; known: --items N, --seconds N, --server node, --no-sink, --alone"),
        }
    }
    arguments
}

fn write(arguments: &Arguments, server: &Server, broker: &Mosquitto, dir: &Path) -> PathBuf {
    let mut text = format!(
        "[workshop]\nenterprise = \"huada\"\nid = \"ws1\"\ntimezone = \"Asia/Shanghai\"\n[journal]\ndir = \"state\"\n\
         [[link]]\nname = \"machine\"\nopcua = \"{}\"\nuser = \"gateway\"\npassword_file = \"password\"\ntimeout = \"30s\"\n",
        server.endpoint()
    );
    fs::write(dir.join("password"), "s3cret").unwrap();
    let numbers: Vec<usize> = (0..arguments.items).collect();
    for (n, part) in numbers.chunks(TAGS).enumerate() {
        text += &format!("[[device]]\nid = \"m{n}\"\nlink = \"machine\"\nevery = \"1s\"\ntags = [\n");
        for item in part {
            text += &format!(
                "    {{ name = \"n{item}\", address = \"nsu={MACHINE_URI};s=Load.{item:04}\", type = \"int\", queue = 10 }},\n"
            );
        }
        text += "]\n";
    }
    if arguments.has_sink {
        text += &format!(
            "[[sink]]\nname = \"cloud\"\nmqtt = \"mqtt://127.0.0.1:{}\"\nallow_plaintext = true\nsend = [\"*\"]\n",
            broker.agent_port
        );
    }
    let file = dir.join("workshop.toml");
    fs::write(&file, text).unwrap();
    file
}

fn introduce(server: &Server, config: &Path, dir: &Path) {
    let (config, ours) = (config.to_str().unwrap(), dir.join("ours.der"));
    let exported = run_to_end(&["cert", "export", "--config", config, "--output", ours.to_str().unwrap()]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    server.trust_client(&fs::read(ours).unwrap());
    let file = dir.join("theirs.der");
    fs::write(&file, server.certificate()).unwrap();
    let sum = Command::new("sha256sum").arg(file).output().unwrap();
    let fingerprint = String::from_utf8_lossy(&sum.stdout).split_whitespace().next().unwrap().to_owned();
    let trusted = run_to_end(&["trust", "machine", "--config", config, "--fingerprint", &fingerprint]);
    assert_eq!(trusted.code, Some(0), "{trusted:?}");
}

/// asyncua's client with the same subscription.
struct Rival {
    talker: Talker,
}

impl Rival {
    fn start(arguments: &Arguments, server: &Server, dir: &Path) -> Rival {
        let mut command = Command::new(prepared("venv/bin/python"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/asyncua_client.py");
        let folder = dir.join("rival");
        command.arg(script).arg(&folder);
        let mut talker = Talker::start(command, &dir.join("rival.log"));
        fs::copy(folder.join("client.der"), server.folder.join("trusted/certs/rival.der")).unwrap();
        let connect = format!("connect {} Basic256Sha256 SignAndEncrypt gateway s3cret", server.endpoint());
        let connected = talker.ask(&connect);
        assert!(!connected.starts_with("error"), "{connected}");
        let nodes: Vec<String> = (0..arguments.items).map(|item| format!("Load.{item:04}")).collect();
        let subscribed = talker.ask(&format!("subscribe 1000 {}", nodes.join(" ")));
        assert!(!subscribed.starts_with("error"), "{subscribed}");
        Rival { talker }
    }

    fn pid(&self) -> u32 {
        self.talker.pid()
    }

    fn seen(&mut self) -> usize {
        let seen: serde_json::Value = serde_json::from_str(&self.talker.ask("seen")).unwrap_or_default();
        let lists = seen.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array().map(Vec::len));
        lists.sum()
    }
}

/// Values that arrived, and those that are missing between the first and the last of each item.
fn gaps(messages: &Path) -> (usize, usize) {
    let mut seen: HashMap<String, (u64, u64, usize)> = HashMap::new();
    let mut values = 0;
    for line in BufReader::new(File::open(messages).unwrap()).lines() {
        let line = line.unwrap();
        let Some((topic, payload)) = line.split_once(' ') else { continue };
        if !topic.ends_with("/data") {
            continue;
        }
        let message: serde_json::Value = serde_json::from_str(payload).unwrap();
        for sample in message["samples"].as_array().unwrap() {
            for (tag, value) in sample["values"].as_object().into_iter().flatten() {
                let number = value.as_u64().unwrap();
                values += 1;
                let (first, last, distinct) = seen.entry(tag.clone()).or_insert((number, number, 1));
                if number > *last {
                    *distinct += 1;
                }
                (*first, *last) = ((*first).min(number), (*last).max(number));
            }
        }
    }
    let missing = seen.values().map(|(first, last, distinct)| (last - first + 1) as usize - distinct).sum();
    (values, missing)
}
