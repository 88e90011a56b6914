//! One line of a capture as a message: what `mosquitto_sub` writes with `-F '%j'` or `-F '%t %p'`, or payloads alone.

use serde_json::Value as Json;

use super::message::{Beside, Kind, read};

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Empty,
    /// A message, be it one that is no part of the proof.
    Message(Kind),
    /// No message that could be read: cut off, or of another form.
    Unreadable,
}

/// Reads a line without its end.
///
/// `{"topic":...,"retain":0,"payload":...}` (`%j`; `%J` too, where the payload is JSON itself), `topic {...}` (`%t %p`), or
/// the payload alone.
pub fn line(text: &str) -> Line {
    let text = text.trim();
    if text.is_empty() {
        return Line::Empty;
    }
    if !text.starts_with('{') {
        return match text.find(" {") {
            Some(space) => Line::Message(read(Some(&text[..space]), &text.as_bytes()[space + 1..], false)),
            // A topic whose payload is no JSON, or empty: of another program.
            None if text.contains('/') => Line::Message(Kind::Beside(Beside::Other)),
            None => Line::Unreadable,
        };
    }
    let Ok(Json::Object(object)) = serde_json::from_str(text) else { return Line::Unreadable };
    let (Some(topic), Some(payload)) = (object.get("topic").and_then(Json::as_str), object.get("payload")) else {
        return Line::Message(read(None, text.as_bytes(), false));
    };
    let is_retained = object.get("retain").is_some_and(|flag| *flag == 1 || *flag == true);
    let kind = match payload {
        Json::String(payload) => read(Some(topic), payload.as_bytes(), is_retained),
        other => read(Some(topic), other.to_string().as_bytes(), is_retained),
    };
    Line::Message(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"0123456789ab-events-7","prev":6,"ts":5,"event":"link"}"#;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u64)>) {
        let found = match line(text) {
            Line::Message(Kind::Message(heard)) => Some((heard.workshop, heard.seq)),
            _ => None,
        };
        assert_eq!(found.as_ref().map(|(workshop, seq)| (workshop.as_str(), *seq)), expected, "{text}");
    }

    #[test]
    fn a_message_is_found_in_each_form_that_mosquitto_sub_writes() {
        let quoted = serde_json::to_string(EVENT).unwrap();
        let json = format!(
            r#"{{"tst":"2026-01-01T00:00:00.0Z","topic":"a/e/w/events","qos":1,"retain":0,"payload":{quoted}}}"#
        );
        check(&json, Some(("a/e/w", 7)));
        check(&json.replace(&quoted, EVENT), Some(("a/e/w", 7)));
        check(&json.replace("\"retain\":0", "\"retain\":1"), None);
        check(&format!("a/e/w/events {EVENT}\r"), Some(("a/e/w", 7)));
        check(&format!("a b/e/w/events {EVENT}"), Some(("a b/e/w", 7)));
        check(EVENT, Some(("", 7)));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart_from_what_is_not_ours() {
        assert_eq!(line("  "), Line::Empty);
        assert_eq!(line(&EVENT[..30]), Line::Unreadable);
        assert_eq!(line("garbage"), Line::Unreadable);
        assert_eq!(line("other/topic 12.5"), Line::Message(Kind::Beside(Beside::Other)));
        assert_eq!(line(r#"{"hello":1}"#), Line::Message(Kind::Beside(Beside::Other)));
    }
}
