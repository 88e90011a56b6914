//! The sample ledger of values that stand: an OPC UA server sends only changes, so a value that never changes is one message, and good in
//! every period while the subscription lives. Whose subscription does not live has no samples, whatever stood before.

#![cfg(feature = "opcua")]
#![allow(clippy::unwrap_used)] // a test that fails says where

#[path = "opcua/bench.rs"]
#[allow(dead_code)] // this file uses its part of it
mod bench;
mod common;

use std::thread::sleep;
use std::time::{Duration, Instant};

use bench::{Bench, Way, tag};
use common::agent::run_to_end;
use common::opcua::Kind;
use common::wait_for;
use serde_json::Value as Json;

const PERIOD: Duration = Duration::from_millis(200);
/// A subscription that has nothing to say gives a sign so often; a loss is dated back to the last one.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

fn bench() -> Bench {
    let tags = tag("fixed", "Machine.Fixed", "every = \"200ms\", max_silence = \"60s\"");
    Bench::new(Kind::Asyncua, &[], Way::plain(), "", &tags).with_gate()
}

/// Ends the agent and gives the line of the machine.
#[track_caller]
fn line(bench: &mut Bench) -> Json {
    let mut agent = bench.agent.take().unwrap();
    agent.sigterm();
    assert!(agent.wait().success());
    bench.receiver.stands();
    let config = bench.config();
    let args = ["ledger", "--json", "--from", "yesterday", "--config", config.to_str().unwrap()];
    let ended = run_to_end(&args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page: Json = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(page["closes"], true, "{page:#}");
    page["rows"][0].clone()
}

fn sum(causes: &Json) -> u64 {
    causes.as_object().map_or(0, |all| all.values().map(|n| n.as_u64().unwrap()).sum())
}

fn slots(time: Duration) -> u64 {
    (time.as_millis() / PERIOD.as_millis()) as u64
}

#[test]
fn a_value_that_never_changes_is_one_message_and_good_in_every_period() {
    let bench = bench();
    let began = Instant::now();
    let mut bench = bench.start();
    let heard = Instant::now();
    sleep(Duration::from_secs(6));
    let stood = heard.elapsed();
    let line = line(&mut bench);
    let good = line["good"].as_u64().unwrap();
    assert!(bench.values("fixed").len() <= 2, "{:?}", bench.values("fixed"));
    assert!(good >= slots(stood), "{good} in {stood:?}: {line:#}");
    assert!(line["expected"].as_u64().unwrap() <= slots(began.elapsed()), "{line:#}");
    assert_eq!(sum(&line["bad"]), 0, "{line:#}");
}

#[test]
fn what_stood_before_a_link_was_cut_is_not_good_while_it_is() {
    let bench = bench();
    let began = Instant::now();
    let mut bench = bench.start();
    sleep(Duration::from_secs(8));
    let up = began.elapsed();
    bench.gate.as_mut().unwrap().close();
    wait_for("a bad reading", || (!bench.bad("fixed").is_empty()).then_some(()));
    sleep(Duration::from_secs(5));
    let known = bench.values("fixed").len();
    bench.gate.as_mut().unwrap().open();
    let down = began.elapsed() - up;
    wait_for("the value again", || (bench.values("fixed").len() > known).then_some(()));
    sleep(Duration::from_secs(4));
    let lived = began.elapsed();
    let line = line(&mut bench);
    let (good, bad) = (line["good"].as_u64().unwrap(), sum(&line["bad"]));
    let expected = line["expected"].as_u64().unwrap();
    assert!(
        expected <= slots(lived + Duration::from_secs(2)) && expected + 10 >= slots(lived),
        "{line:#} in {lived:?}"
    );
    assert!(bad + 2 >= slots(down), "{bad} bad in {down:?}: {line:#}");
    // Good up to the last sign before the cut, and from the first value behind it.
    let doubtful = down + KEEP_ALIVE + Duration::from_secs(2);
    assert!(good + slots(doubtful) >= slots(lived), "{good} good in {lived:?}, {down:?} down: {line:#}");
}

#[test]
fn what_a_subscription_that_is_gone_did_not_say_is_not_good() {
    let mut bench = bench().start();
    sleep(Duration::from_secs(4));
    bench.server.tell("delete_subscriptions");
    let gone = Instant::now();
    let known = bench.steps("recreate");
    wait_for("a new subscription", || {
        (bench.steps("recreate") > known || bench.values("fixed").len() > 1).then_some(())
    });
    let noticed = gone.elapsed();
    sleep(Duration::from_secs(4));
    let line = line(&mut bench);
    let closed = line["bad"]["closed"].as_u64().unwrap_or(0);
    assert!(noticed >= Duration::from_secs(1), "the loss is noticed by its silence: {noticed:?}");
    assert!(closed + 2 >= slots(noticed), "{closed} closed in {noticed:?}: {line:#}");
    let until_the_next_value = Duration::from_secs(2);
    assert!(closed <= slots(noticed + KEEP_ALIVE + until_the_next_value), "{closed} closed in {noticed:?}: {line:#}");
    assert!(line["good"].as_u64().unwrap() >= slots(Duration::from_secs(4)), "{line:#}");
}
