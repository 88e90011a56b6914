//! The OPC UA servers of the proving ground prove themselves, with asyncua's client: what the head of
//! `tests/foreign/asyncua_server.py` promises holds for both stacks. The agent has no part in it.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use common::opcua::{Kind, MACHINE_URI, SERVER_URI, Server, Talker};
use common::{prepared, temp_dir, wait_for};
use serde_json::{Value, json};

const POLICIES: [&str; 3] = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"];
/// Longer than any publishing interval here: what did not come by then does not come.
const SILENCE: Duration = Duration::from_secs(2);

/// `tests/foreign/asyncua_client.py`.
struct Client {
    talker: Talker,
    dir: tempfile::TempDir,
}

impl Client {
    fn new() -> Client {
        let dir = temp_dir();
        let mut command = Command::new(prepared("venv/bin/python"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/asyncua_client.py");
        command.arg(script).arg(dir.path());
        Client { talker: Talker::start(command, &dir.path().join("client.log")), dir }
    }

    /// One that the server lets in.
    fn trusted_by(server: &Server) -> Client {
        let client = Client::new();
        server.trust_client(&client.file("client.der"));
        client
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join(name)).unwrap()
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> Value {
        let answer = self.talker.ask(line);
        assert!(!answer.starts_with("error"), "{line}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// The name of the fault that must come.
    #[track_caller]
    fn fault(&mut self, line: &str) -> String {
        let answer = self.talker.ask(line);
        let words: Vec<_> = answer.split(' ').collect();
        assert_eq!(words[0], "error", "{line}: {answer}");
        words[1].to_owned()
    }

    #[track_caller]
    fn connect(&mut self, server: &Server, rest: &str) {
        assert_eq!(self.ask(&format!("connect {} {rest}", server.endpoint())), "connected");
    }

    /// Values of a node, until `is_enough` says so.
    #[track_caller]
    fn hear(&mut self, node: &str, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut heard = Vec::new();
        wait_for(&format!("enough values of {node}"), || {
            heard.extend(self.ask("seen")[node].as_array().cloned().unwrap_or_default());
            is_enough(&heard).then_some(())
        });
        heard
    }

    /// Nothing comes any more, but for what was under way.
    #[track_caller]
    fn hears_nothing(&mut self) {
        sleep(SILENCE);
        self.ask("seen");
        sleep(SILENCE);
        assert_eq!(self.ask("seen"), json!({}));
    }

    /// The subscription goes on, but not for this node.
    #[track_caller]
    fn hears_nothing_of(&mut self, node: &str) {
        self.ask("seen");
        sleep(SILENCE);
        let news = self.ask("seen");
        assert!(news.get(node).is_none() && news != json!({}), "{news}");
    }

    /// Value and status of a node.
    #[track_caller]
    fn read(&mut self, node: &str) -> (Value, Value) {
        let answer = self.ask(&format!("read {node}"));
        (answer[0][0].clone(), answer[0][1].clone())
    }
}

fn numbers(values: &[Value]) -> Vec<u64> {
    values.iter().map(|value| value[0].as_u64().unwrap()).collect()
}

/// Each is one more than the one before.
#[track_caller]
fn assert_gapless(values: &[Value]) {
    let numbers = numbers(values);
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

fn lets_in_whom_it_should(kind: Kind) {
    let server = Server::start(kind, &[]);
    let mut client = Client::new();
    let url = server.endpoint();

    let mut expected = vec![json!(["None", "None"])];
    expected.extend(POLICIES.iter().flat_map(|p| [json!([p, "Sign"]), json!([p, "SignAndEncrypt"])]));
    let offered = client.ask(&format!("endpoints {url}"));
    for endpoint in offered.as_array().unwrap() {
        assert_eq!(endpoint[2], json!(["Anonymous", "Certificate", "UserName"]), "{endpoint}");
        let at = expected.iter().position(|each| each[0] == endpoint[0] && each[1] == endpoint[1]);
        expected.remove(at.unwrap_or_else(|| panic!("{endpoint} was not to be offered, or twice")));
    }
    assert!(expected.is_empty(), "{expected:?} is not offered");

    let fault = client.fault(&format!("connect {url} Basic256Sha256 SignAndEncrypt anonymous"));
    // node-opcua's answer to OpenSecureChannel is beyond asyncua's client, which only sees the connection end.
    assert_eq!(fault, if kind == Kind::Asyncua { "BadCertificateUntrusted" } else { "ConnectionError" });
    assert_eq!(server.rejected(), [client.file("client.der")]);

    server.trust_client(&client.file("client.der"));
    let fault = client.fault(&format!("connect {url} Basic256Sha256 SignAndEncrypt certificate"));
    assert_eq!(fault, "BadIdentityTokenRejected");
    server.trust_user(&client.file("user.der"));
    for endpoint in offered.as_array().unwrap() {
        let way = format!("{} {}", endpoint[0].as_str().unwrap(), endpoint[1].as_str().unwrap());
        for user in ["anonymous", "gateway s3cret", "certificate"] {
            client.connect(&server, &format!("{way} {user}"));
            assert_eq!(client.read("Machine.Fixed"), (json!(42.5), json!("Good")), "{way} {user}");
            client.ask("disconnect");
        }
        let fault = client.fault(&format!("connect {url} {way} gateway wrong"));
        assert_eq!(fault, "BadUserAccessDenied", "{way}");
    }

    server.distrust_client();
    client.fault(&format!("connect {url} Basic256Sha256 Sign anonymous"));
}

fn does_what_it_is_told(kind: Kind) {
    let mut server = Server::start(kind, &["--load", "3", "--rate", "5"]);
    let mut client = Client::trusted_by(&server);
    client.connect(&server, "Basic256Sha256 SignAndEncrypt anonymous");

    // The machine.
    let nodes = ["Analog", "Count", "Fixed", "Limits", "Order", "Running", "Speed", "State", "Temps"];
    assert_eq!(client.ask("browse"), json!(nodes.map(|node| format!("Machine.{node}"))));
    assert_eq!(client.read("Machine.Limits"), (json!({"Low": 0.0, "High": 150.0}), json!("Good")));
    assert!(client.read("Machine.Order").0.as_str().unwrap().starts_with("订单 "));
    assert_eq!(client.read("Machine.Temps").0.as_array().unwrap().len(), 4);
    assert_eq!(client.read("Machine.Nothing").1, "BadNodeIdUnknown");

    // Values change, with the source's time.
    let items = "Machine.Count Machine.Speed Machine.Order Load.0000 Load.0002";
    assert_eq!(client.ask(&format!("subscribe 200 {items}")), json!(["Good"].repeat(5)));
    let counts = client.hear("Machine.Count", |values| values.len() >= 12);
    assert_gapless(&counts);
    let ms = |value: &Value| value[2].as_i64().unwrap();
    let (first, last) = (&counts[1], &counts[counts.len() - 1]);
    let period = (ms(last) - ms(first)) as f64 / (counts.len() - 2) as f64;
    // A busy test machine may be late.
    assert!((50.0..500.0).contains(&period), "ten changes a second, but one came every {period} ms");
    let stats = server.stats();
    assert_eq!([&stats["sessions"], &stats["subscriptions"], &stats["items"]], [1, 1, 5]);
    assert!(stats["changes"].as_u64().unwrap() >= *numbers(&counts).last().unwrap());
    assert_gapless(&client.hear("Load.0002", |values| values.len() >= 4));

    // Told values, status codes and times.
    server.tell(r#"set Machine.Order String "加 急" UncertainLastUsableValue @1700000000000"#);
    let orders = client.hear("Machine.Order", |values| values.iter().any(|value| value[0] == "加 急"));
    assert_eq!(orders.last().unwrap(), &json!(["加 急", "UncertainLastUsableValue", 1_700_000_000_000_i64]));
    server.tell("status Machine.Speed BadNoCommunication");
    let speeds = client.hear("Machine.Speed", |values| values.iter().any(|value| value[1] == "BadNoCommunication"));
    assert_eq!(speeds.last().unwrap()[0], Value::Null);
    server.tell(r#"set Machine.Speed String "fast""#);
    client.hear("Machine.Speed", |values| values.iter().any(|value| value[0] == "fast"));
    server.tell("set Machine.Temps Double[] [1, 2.5]");
    assert_eq!(client.read("Machine.Temps").0, json!([1.0, 2.5]));
    server.tell("set Machine.Fixed UInt64 18446744073709551615");
    assert_eq!(client.read("Machine.Fixed").0, json!(u64::MAX));
    server.tell("release Machine.Speed");
    client.hear("Machine.Speed", |values| values.iter().any(|value| value[0].is_number()));

    // Nodes go and come back.
    server.tell("remove Load.0002");
    assert_eq!(client.read("Load.0002").1, "BadNodeIdUnknown");
    server.tell("add Load.0002");
    assert_eq!(client.read("Load.0002").1, "Good");

    // Pause, step, rate.
    server.tell("pause");
    let fixed = client.read("Machine.Count").0.as_u64().unwrap();
    client.hears_nothing();
    server.tell("step");
    assert_eq!(numbers(&client.hear("Machine.Count", |values| !values.is_empty())), [fixed + 1]);
    server.tell("rate 50");
    let before = server.stats()["steps"].as_u64().unwrap();
    server.tell("resume");
    wait_for("fifty steps", || (server.stats()["steps"].as_u64().unwrap() >= before + 50).then_some(()));

    // The subscription is gone, the session is not; then the session is gone, the connection is not.
    // While nothing changes, the client's Publish request waits at the server.
    server.tell("pause");
    sleep(SILENCE);
    server.tell("delete_subscriptions");
    server.tell("resume");
    client.hears_nothing();
    assert_eq!(client.ask("is_subscribed"), "BadSubscriptionIdInvalid");
    assert_eq!(client.read("Machine.Running").1, "Good");
    assert_eq!(server.stats()["sessions"], 1);
    // A request that a keep-alive of that very moment sent on its way is answered; those that waited are not.
    assert!(server.count("faults", "BadNoSubscription") <= 1, "the waiting Publish requests were answered");
    let told = server.count("faults", "BadNoSubscription");
    client.ask("subscribe 200 Machine.Count");
    client.hear("Machine.Count", |values| values.len() >= 5);
    server.tell("delete_subscriptions tell");
    client.hears_nothing();
    assert!(server.count("faults", "BadNoSubscription") > told);
    let channels = server.count("requests", "OpenSecureChannel");
    server.tell("close_sessions");
    assert_eq!(client.fault("read Machine.Running"), "BadSessionIdInvalid");
    assert_eq!(server.stats()["sessions"], 0);
    assert_eq!(server.count("requests", "OpenSecureChannel"), channels);

    // A session without its subscription, and a subscription without its session.
    client.connect(&server, "Basic256Sha256 SignAndEncrypt gateway s3cret");
    client.ask("subscribe 200 Machine.Count");
    client.hear("Machine.Count", |values| values.len() >= 5);
    server.tell("close_sessions keep");
    let stats = server.stats();
    assert_eq!([&stats["sessions"], &stats["subscriptions"], &stats["items"]], [0, 1, 1]);

    // Killed in the middle, it comes back where it was, with the certificate and the trust that it had.
    let certificate = server.certificate();
    server.restart(&["--namespaces-before", "2", "--users", "password", "--policies", "Basic256Sha256"]);
    assert_eq!(server.certificate(), certificate);
    let sound = client.ask(&format!("certificate {}", server.endpoint()));
    assert_eq!(sound, json!({"uris": [SERVER_URI], "hosts": ["localhost", "127.0.0.1"], "is_expired": false}));
    let endpoints = client.ask(&format!("endpoints {}", server.endpoint()));
    let users = json!(["UserName"]);
    assert_eq!(endpoints, json!([["Basic256Sha256", "Sign", users], ["Basic256Sha256", "SignAndEncrypt", users]]));
    client.connect(&server, "Basic256Sha256 Sign gateway s3cret");
    let namespaces = client.ask("namespaces");
    assert_eq!(namespaces.as_array().unwrap().len(), 5);
    assert_eq!([&namespaces[1], &namespaces[4]], [SERVER_URI, MACHINE_URI]);
    assert_eq!(client.read("Machine.Fixed").0, 42.5);
}

fn obeys_its_options(kind: Kind) {
    let limits = ["--limit", "3", "--max-sessions", "2", "--max-subscriptions", "1", "--max-items", "4"];
    let wrong = ["--certificate", "wrong", "--certificate-uri", "urn:other", "--certificate-host", "plc.invalid"];
    let others = ["--load", "9", "--accept-all", "--advertise", "plc.invalid"];
    let mut server = Server::start(kind, &[&limits[..], &wrong, &others].concat());
    let url = server.endpoint();
    let [mut one, mut two, mut three] = [Client::new(), Client::new(), Client::new()];
    let wrong = one.ask(&format!("certificate {url}"));
    assert_eq!(wrong, json!({"uris": ["urn:other"], "hosts": ["plc.invalid"], "is_expired": false}));
    assert_eq!(one.ask(&format!("places {url}")), json!([format!("opc.tcp://plc.invalid:{}", server.port)]));
    one.connect(&server, "Aes256_Sha256_RsaPss SignAndEncrypt anonymous");
    two.connect(&server, "None None anonymous");
    assert_eq!(three.fault(&format!("connect {url} None None anonymous")), "BadTooManySessions");

    assert_eq!(one.ask("limits"), json!([3, 3]));
    assert_eq!(one.ask("read Load.0000 Load.0001 Load.0002").as_array().unwrap().len(), 3);
    assert_eq!(one.fault("read Load.0000 Load.0001 Load.0002 Load.0003"), "BadTooManyOperations");
    assert_eq!(one.ask("subscribe 200 Load.0000 Load.0001 Load.0002"), json!(["Good"].repeat(3)));
    assert_eq!(two.fault("subscribe 200 Load.0000"), "BadTooManySubscriptions");
    server.tell("delete_subscriptions");
    assert_eq!(one.fault("subscribe 200 Load.0000 Load.0001 Load.0002 Load.0003"), "BadTooManyOperations");
    server.tell("delete_subscriptions");
    server.tell("limit 9 hide");
    assert_eq!(two.ask("limits"), json!([0, 0]));
    let nodes = "Load.0000 Load.0001 Load.0002 Load.0003 Load.0004 Load.0005";
    let too_many = "BadTooManyMonitoredItems";
    assert_eq!(two.ask(&format!("subscribe 200 {nodes}")), json!(["Good", "Good", "Good", "Good", too_many, too_many]));

    let old = ["--certificate", "old", "--certificate-expired"];
    server.restart(&[&["--no-subscriptions", "--accept-all", "--paused", "--path", "/UA/Server"], &old[..]].concat());
    let old = one.ask(&format!("certificate {url}"));
    assert_eq!(old, json!({"uris": [SERVER_URI], "hosts": ["localhost", "127.0.0.1"], "is_expired": true}));
    assert!(one.ask(&format!("places {url}"))[0].as_str().unwrap().ends_with("/UA/Server"));
    one.connect(&server, "None None anonymous");
    assert_eq!(one.fault("subscribe 200 Machine.Count"), "BadServiceUnsupported");
    sleep(SILENCE);
    assert_eq!(one.read("Machine.Count").0, 0);
}

/// The field's "bare end instead of a reason".
#[test]
fn asyncua_ends_the_connection_of_a_stranger_without_a_word_if_told_so() {
    let server = Server::start(Kind::Asyncua, &["--untrusted", "eof"]);
    let mut client = Client::new();
    let fault = client.fault(&format!("connect {} Basic256Sha256 SignAndEncrypt anonymous", server.endpoint()));
    assert_eq!(fault, "ConnectionError");
    assert_eq!(server.rejected(), [client.file("client.der")]);
    server.trust_client(&client.file("client.der"));
    client.connect(&server, "Basic256Sha256 SignAndEncrypt anonymous");
}

#[test]
fn asyncua_lets_in_whom_it_should() {
    lets_in_whom_it_should(Kind::Asyncua);
}

#[test]
fn node_opcua_lets_in_whom_it_should() {
    lets_in_whom_it_should(Kind::NodeOpcua);
}

#[test]
fn asyncua_does_what_it_is_told() {
    does_what_it_is_told(Kind::Asyncua);
}

#[test]
fn node_opcua_does_what_it_is_told() {
    does_what_it_is_told(Kind::NodeOpcua);
}

#[test]
fn asyncua_obeys_its_options() {
    obeys_its_options(Kind::Asyncua);
}

#[test]
fn node_opcua_obeys_its_options() {
    obeys_its_options(Kind::NodeOpcua);
}

/// What the two stacks do on their own and differently, as the heads of the scripts say: the agent must bear both.
#[test]
fn the_stacks_differ_as_described() {
    for kind in [Kind::Asyncua, Kind::NodeOpcua] {
        let mut server = Server::start(kind, &["--load", "1"]);
        let mut client = Client::trusted_by(&server);
        client.connect(&server, "None None anonymous");
        client.ask("subscribe 100 Machine.Count Load.0000");
        client.hear("Load.0000", |values| !values.is_empty());

        // 20 changes by 1 of 100 in this time are within half of the range.
        assert_eq!(client.ask("deadband 50 Machine.Analog"), "Good");
        sleep(SILENCE);
        let passed = client.ask("seen")["Machine.Analog"].as_array().unwrap().len();
        assert_eq!(passed == 1, kind == Kind::NodeOpcua, "{passed} values");

        server.tell("remove Load.0000");
        server.tell("add Load.0000");
        sleep(SILENCE);
        let told = client.ask("seen")["Load.0000"].as_array().cloned().unwrap_or_default();
        let is_told = told.iter().any(|value| value[1] == "BadNodeIdInvalid");
        assert_eq!(is_told, kind == Kind::NodeOpcua, "{told:?}");
        client.hears_nothing_of("Load.0000");

        let answer = client.ask(&format!("transfer {} None None anonymous", server.endpoint()));
        assert_eq!(answer, "Good");
        client.ask("seen");
        sleep(SILENCE);
        let goes_on = client.ask("seen")["Machine.Count"].is_array();
        assert_eq!(goes_on, kind == Kind::NodeOpcua);
    }
}
