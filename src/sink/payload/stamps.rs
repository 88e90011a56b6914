//! The stamps of one sample in a data message: `,"source_ts":...,"server_ts":...,"status":{...}`. Pure. The rule: what stands
//! there can be told back, and no message says twice what one number says.

use std::fmt::Write as _;

use super::text;
use crate::config::{LONGEST_STATUS, LONGEST_TIME};
use crate::model::{Stamp, TagInfo, Timestamp};

/// Appends the stamps of the reported tags. Nothing at all where there is nothing to say.
///
/// Times are `{tag: milliseconds UTC}`, or one number where it holds for every reported tag. A server time is left out where
/// it is that of the source, a status where it is 0, `Good`.
pub(super) fn put<'a>(out: &mut String, stamped: impl Iterator<Item = (&'a TagInfo, &'a Stamp)> + Clone) {
    for clock in [SOURCE, SERVER] {
        match clock.form(stamped.clone()) {
            Form::Nothing => {}
            Form::One(time) => write!(out, ",\"{}\":{}", clock.key, time.0).expect("writing to a String cannot fail"),
            Form::Each => {
                object(out, clock.key, stamped.clone().filter_map(|(tag, stamp)| Some((tag, (clock.told)(stamp)?.0))))
            }
        }
    }
    object(out, STATUS, stamped.filter_map(|(tag, stamp)| (stamp.status != 0).then_some((tag, stamp.status))));
}

/// What [`put`] appends takes at most so many bytes, also where only some of these tags may leave.
pub fn longest<'a>(stamped: impl Iterator<Item = (&'a TagInfo, &'a Stamp)> + Clone) -> usize {
    let times = [SOURCE, SERVER].map(|clock| match clock.form(stamped.clone()) {
        Form::Nothing => 0,
        // Of fewer tags all may have the same time, and one tag in an object takes more than one number without it.
        Form::One(_) => frame(clock.key) + LONGEST_TIME,
        Form::Each => {
            let told = stamped.clone().filter(|(_, stamp)| (clock.told)(stamp).is_some());
            frame(clock.key) + told.map(|(tag, _)| tag.name.len() + LONGEST_TIME).sum::<usize>()
        }
    });
    let statuses = stamped.filter(|(_, stamp)| stamp.status != 0).map(|(tag, _)| tag.name.len() + LONGEST_STATUS);
    times.iter().sum::<usize>() + statuses.reduce(|a, b| a + b).map_or(0, |bytes| frame(STATUS) + bytes)
}

const STATUS: &str = "status";

/// Bytes of `,"key":{}`.
const fn frame(key: &str) -> usize {
    key.len() + 6
}

/// Whose times.
struct Clock {
    key: &'static str,
    of: fn(&Stamp) -> Option<Timestamp>,
    /// The time where it says more than the one before.
    told: fn(&Stamp) -> Option<Timestamp>,
}

const SOURCE: Clock = Clock { key: "source_ts", of: |stamp| stamp.source, told: |stamp| stamp.source };
const SERVER: Clock = Clock {
    key: "server_ts",
    of: |stamp| stamp.server,
    told: |stamp| stamp.server.filter(|server| stamp.source != Some(*server)),
};

/// How the times of one clock are written.
enum Form {
    Nothing,
    /// One number for every reported tag.
    One(Timestamp),
    /// By tag.
    Each,
}

impl Clock {
    fn form<'a>(&self, mut stamped: impl Iterator<Item = (&'a TagInfo, &'a Stamp)> + Clone) -> Form {
        if stamped.clone().all(|(_, stamp)| (self.told)(stamp).is_none()) {
            return Form::Nothing;
        }
        match stamped.next().and_then(|(_, stamp)| (self.of)(stamp)) {
            Some(first) if stamped.all(|(_, stamp)| (self.of)(stamp) == Some(first)) => Form::One(first),
            _ => Form::Each,
        }
    }
}

/// `,"<key>":{"<tag>":<number>,...}`, or nothing.
fn object<'a>(out: &mut String, key: &str, cells: impl Iterator<Item = (&'a TagInfo, impl std::fmt::Display)>) {
    let before = out.len();
    for (tag, number) in cells {
        if out.len() == before {
            write!(out, ",\"{key}\":{{").expect("writing to a String cannot fail");
        } else {
            out.push(',');
        }
        text(out, &tag.name);
        write!(out, ":{number}").expect("writing to a String cannot fail");
    }
    if out.len() > before {
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::payload::tests::tag;
    use proptest::prelude::*;

    fn stamp(source: impl Into<Option<i64>>, server: impl Into<Option<i64>>, status: u32) -> Stamp {
        Stamp { source: source.into().map(Timestamp), server: server.into().map(Timestamp), status }
    }

    fn written(tags: &[TagInfo], stamps: &[Stamp], allows: impl Fn(usize) -> bool) -> String {
        let mut out = String::new();
        let stamped = tags.iter().zip(stamps).enumerate();
        let stamped: Vec<_> = stamped.filter(|(place, _)| allows(*place)).map(|(_, cell)| cell).collect();
        put(&mut out, stamped.into_iter());
        out
    }

    #[track_caller]
    fn check(stamps: &[Stamp], expected: &str) {
        let tags = ["a", "b", "c"].map(tag);
        assert_eq!(written(&tags, stamps, |_| true), expected);
    }

    #[test]
    fn one_number_stands_for_all_tags_where_it_holds_for_all() {
        check(&[stamp(5, 5, 0)], r#","source_ts":5"#);
        check(&[stamp(5, 5, 0), stamp(5, 5, 0)], r#","source_ts":5"#);
        check(&[stamp(5, 7, 0), stamp(5, 7, 0)], r#","source_ts":5,"server_ts":7"#);
        check(&[stamp(5, 7, 0), stamp(7, 7, 0)], r#","source_ts":{"a":5,"b":7},"server_ts":7"#);
        check(&[stamp(5, 5, 0), stamp(None, 5, 0)], r#","source_ts":{"a":5},"server_ts":5"#);
        check(&[stamp(5, 7, 0), stamp(5, None, 0)], r#","source_ts":5,"server_ts":{"a":7}"#);
    }

    #[test]
    fn a_servers_time_that_is_the_sources_and_a_status_that_is_good_are_left_out() {
        check(
            &[stamp(5, 5, 0), stamp(6, 8, 0x8000_0000), stamp(9, 9, 0)],
            r#","source_ts":{"a":5,"b":6,"c":9},"server_ts":{"b":8},"status":{"b":2147483648}"#,
        );
        check(&[Stamp::NONE, Stamp::NONE], "");
        check(&[stamp(None, None, 1), Stamp::NONE, stamp(None, None, u32::MAX)], r#","status":{"a":1,"c":4294967295}"#);
        check(&[], "");
    }

    fn any_stamp() -> impl Strategy<Value = Stamp> {
        let time = || proptest::option::of(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(1_700_000_000_000)]);
        (time(), time(), prop_oneof![Just(0), Just(u32::MAX)])
            .prop_map(|(source, server, status)| stamp(source, server, status))
    }

    proptest! {
        #[test]
        fn whatever_may_leave_of_a_sample_takes_no_more_than_foreseen(
            stamps in proptest::collection::vec((any_stamp(), any::<bool>()), 0..5),
        ) {
            let tags = ["a", "level", "t3", "x", "speed"].map(tag);
            let (stamps, allows): (Vec<_>, Vec<_>) = stamps.into_iter().unzip();
            let out = written(&tags, &stamps, |place| allows[place]);
            let most = longest(tags.iter().zip(&stamps));
            prop_assert!(out.len() <= most, "{most} foreseen for {out}");
            let whole: serde_json::Value = serde_json::from_str(&format!("{{\"ts\":1{out}}}")).expect("it is JSON");
            // All of it can be told back.
            for (place, (tag, stamp)) in tags.iter().zip(&stamps).enumerate().filter(|(place, _)| allows[*place]) {
                let told = |key: &str| match &whole[key] {
                    serde_json::Value::Object(tags) => tags.get(&*tag.name).and_then(serde_json::Value::as_i64),
                    one => one.as_i64(),
                };
                prop_assert_eq!(told("source_ts"), stamp.source.map(|time| time.0), "{}", place);
                let server = stamp.server.map(|time| time.0);
                prop_assert!(told("server_ts") == server || (told("server_ts").is_none() && server == told("source_ts")));
                prop_assert_eq!(told("status").unwrap_or(0), i64::from(stamp.status));
            }
        }
    }
}
