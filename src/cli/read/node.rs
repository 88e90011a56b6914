//! `cloudward read LINK NODEID [TYPE]`: one value of an OPC UA server, with its times and its status.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::super::server::{Security, Server};
use super::super::{EXIT_UNAVAILABLE, EXIT_USAGE, endpoint, fail, plain, run, say};
use super::{ReadArgs, shown};
use crate::config::Tag;
use crate::config::opcua::NodeAddress;
use crate::model::words::browse as words;
use crate::model::{Lang, Reading, Timestamp, Trouble, ValueKind};
use crate::source::opcua::visit::{Answer, Visit};

/// Reads until it was read often enough.
pub(super) fn read(args: &ReadArgs, security: Option<Security>) -> ExitCode {
    let tag = match tag(args) {
        Ok(tag) => tag,
        Err(trouble) => return fail(&trouble, EXIT_USAGE),
    };
    let server = match Server::find(&args.link, args.from_config.as_deref().unwrap_or(Path::new("")), security) {
        Ok(server) => server,
        Err(code) => return code,
    };
    let ended = run::runtime().block_on(async {
        let mut visit = None;
        let failed = tokio::select! {
            failed = again_and_again(args, &server, &tag, &mut visit) => failed,
            _ = tokio::signal::ctrl_c() => None,
        };
        if let Some(visit) = visit {
            visit.close().await;
        }
        failed
    });
    ended.map_or(ExitCode::SUCCESS, |trouble| fail(&trouble, EXIT_UNAVAILABLE))
}

async fn again_and_again(args: &ReadArgs, server: &Server, tag: &Tag, visit: &mut Option<Visit>) -> Option<Trouble> {
    const FOR_EVER: Duration = Duration::MAX;
    let never = Arc::new(AtomicBool::new(false));
    let period = args.every.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(10));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut asked = 0_u64;
    loop {
        ticks.tick().await;
        let answer = async {
            let open = match visit {
                Some(open) => open,
                None => visit.insert(Visit::open(server.errand(FOR_EVER, &never)).await?),
            };
            open.read(tag).await
        };
        let failed = match answer.await {
            Ok(answer) => {
                say(line(tag, &answer, args.data_type.is_none()));
                no_value(tag, &answer, args.data_type.is_none())
            }
            Err(trouble) => {
                *visit = None; // the next time another session
                Some(trouble)
            }
        };
        asked += 1;
        if args.every.is_none() || args.times.is_some_and(|times| asked >= times) {
            return failed;
        }
        if let Some(trouble) = failed {
            fail(&trouble, EXIT_UNAVAILABLE); // said; the next time it may be better
        }
    }
}

/// What is to be read, by the rules of tags in a configuration.
fn tag(args: &ReadArgs) -> Result<Tag, Trouble> {
    if NodeAddress::parse(&args.address).is_none() {
        return Err(Trouble::new(words::NO_NODE).with("found", &args.address));
    }
    let mut keys = format!("name = \"v\", address = {}", endpoint::quoted(&args.address));
    keys += &args.data_type.as_ref().map(|word| format!(", type = {}", endpoint::quoted(word))).unwrap_or_default();
    keys += &args.scale.map(|scale| format!(", scale = {scale:?}")).unwrap_or_default();
    let device = endpoint::node(&format!("tags = [{{ {keys} }}]"))?;
    Ok(device.tags[0].clone())
}

/// `21.5  Double  Good  source 2026-03-01T08:00:00.120Z  server 2026-03-01T08:00:00.130Z`
fn line(tag: &Tag, answer: &Answer, is_as_it_is: bool) -> String {
    let zh = Lang::current() == Lang::Zh;
    let value = match (&answer.plain, &answer.reading) {
        // Nobody said of which type it should be, so it is what it is.
        (Some(plain), Reading::Bad(_)) if is_as_it_is => plain.text.clone(),
        (Some(plain), _) if is_as_it_is && plain.kind != ValueKind::Float => plain.text.clone(),
        (_, reading) => shown(reading),
    };
    let of_type = answer.plain.as_ref().map_or("-", |plain| &plain.type_name);
    let mut cells = vec![value, of_type.to_owned(), answer.status.clone()];
    let times = [
        (if zh { "源时间" } else { "source" }, answer.stamp.source),
        (if zh { "服务器时间" } else { "server" }, answer.stamp.server),
    ];
    cells.extend(times.iter().map(|(name, time)| format!("{name} {}", time.map_or("-".to_owned(), rfc3339))));
    let node = tag.node().map(ToString::to_string).unwrap_or_default();
    plain(format!("{node}  {}", cells.join("  "))).replace(['\n', '\t'], "?")
}

fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0).map_or_else(|_| time.0.to_string(), |time| format!("{time:.3}"))
}

/// Why there is no value. Without a type there is none only where the server sends none.
fn no_value(tag: &Tag, answer: &Answer, is_as_it_is: bool) -> Option<Trouble> {
    let Reading::Bad(why) = answer.reading else { return None };
    let is_there = is_as_it_is && answer.plain.is_some() && answer.stamp.status >> 30 != 2;
    let trouble = Trouble::new(words::NODE_WITHOUT_VALUE).with("node", &tag.node()?.address);
    (!is_there).then(|| trouble.with("found", why).with("status", &answer.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Stamp, Value, Why};

    fn answer(reading: Reading, type_name: &str, kind: ValueKind, text: &str) -> Answer {
        let plain = crate::source::opcua::convert::Plain { type_name: type_name.into(), kind, text: text.into() };
        let stamp = Stamp { source: Some(Timestamp(1_767_225_600_120)), server: None, status: 0 };
        Answer { reading, stamp, status: "Good".into(), plain: Some(plain) }
    }

    fn node(keys: &str) -> Tag {
        endpoint::node(&format!("tags = [{{ name = \"v\", address = \"ns=2;s=a\"{keys} }}]")).unwrap().tags[0].clone()
    }

    #[test]
    fn a_value_is_shown_with_what_the_server_says_of_it() {
        let good = answer(Reading::Good(Value::F64(21.5)), "Double", ValueKind::Float, "21.5");
        assert_eq!(
            line(&node(""), &good, true),
            "ns=2;s=a  21.5  Double  Good  source 2026-01-01T00:00:00.120Z  server -"
        );
        let text = answer(Reading::Bad(Why::WrongType), "String", ValueKind::Text, "a\u{1b}b");
        assert!(line(&node(""), &text, true).starts_with("ns=2;s=a  a?b  String  Good"));
        assert_eq!(no_value(&node(""), &text, true), None);
        assert!(no_value(&node(", type = \"int\""), &text, false).is_some());
    }
}
