//! The little HTTP that metrics need: what a request asks for, and the bytes of an answer. Owns `httparse`. Pure.
//!
//! The rule: two paths, nothing else; one request for each connection; what is longer than a browser's usual question is refused.

use super::metrics::CONTENT_TYPE;

/// Bytes of a request's head at most.
pub const MOST_HEAD: usize = 8_192;

/// Headers of a request at most; browsers send some twenty.
const MOST_HEADERS: usize = 64;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `/metrics`
    Metrics,
    /// `/health`
    Health,
    /// Another path.
    Nothing,
    /// Neither GET nor HEAD.
    OtherMethod,
    /// No request at all.
    Malformed,
}

/// What the head asks for, and whether without a body; `None`: it is not complete yet.
pub fn asked(head: &[u8]) -> Option<(Asked, bool)> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Partial) if head.len() < MOST_HEAD => return None,
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Some((Asked::Malformed, false)),
    }
    let is_head = request.method == Some("HEAD");
    if !is_head && request.method != Some("GET") {
        return Some((Asked::OtherMethod, false));
    }
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    let asked = match path {
        "/metrics" => Asked::Metrics,
        "/health" => Asked::Health,
        _ => Asked::Nothing,
    };
    Some((asked, is_head))
}

/// The answer with the metrics.
pub fn metrics(text: &str, is_head: bool) -> Vec<u8> {
    answer("200 OK", CONTENT_TYPE, "", text, is_head)
}

/// The answer with the health.
pub fn health(is_well: bool, json: &str, is_head: bool) -> Vec<u8> {
    let status = if is_well { "200 OK" } else { "503 Service Unavailable" };
    answer(status, "application/json", "", json, is_head)
}

/// The answer to anything else.
pub fn refusal(asked: Asked) -> Vec<u8> {
    let plain = "text/plain; charset=utf-8";
    match asked {
        Asked::OtherMethod => answer("405 Method Not Allowed", plain, "Allow: GET, HEAD\r\n", "GET or HEAD\n", false),
        Asked::Malformed => answer("400 Bad Request", plain, "", "not a request\n", false),
        Asked::Nothing | Asked::Metrics | Asked::Health => {
            answer("404 Not Found", plain, "", "there are /metrics and /health\n", false)
        }
    }
}

fn answer(status: &str, content: &str, more: &str, body: &str, is_head: bool) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {length}\r\n{more}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    let body = if is_head { "" } else { body };
    [head.as_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: Option<(Asked, bool)>) {
        assert_eq!(asked(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn two_paths_are_answered_and_nothing_else() {
        check("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Some((Asked::Metrics, false)));
        check("GET /health?verbose=1 HTTP/1.0\r\n\r\n", Some((Asked::Health, false)));
        check("HEAD /metrics HTTP/1.1\r\n\r\n", Some((Asked::Metrics, true)));
        check("GET /metrics/../etc HTTP/1.1\r\n\r\n", Some((Asked::Nothing, false)));
        check("GET / HTTP/1.1\r\n\r\n", Some((Asked::Nothing, false)));
        check("POST /metrics HTTP/1.1\r\n\r\n", Some((Asked::OtherMethod, false)));
    }

    #[test]
    fn a_head_that_is_not_complete_is_waited_for_and_one_that_never_ends_is_refused() {
        check("GET /metr", None);
        check("GET /metrics HTTP/1.1\r\nHost: x\r\n", None);
        check(&format!("GET /metrics HTTP/1.1\r\nX: {}", "y".repeat(MOST_HEAD)), Some((Asked::Malformed, false)));
        check("\x16\x03\x01\x02\x00\x01", Some((Asked::Malformed, false)));
        let many = "A: b\r\n".repeat(MOST_HEADERS + 1);
        check(&format!("GET /metrics HTTP/1.1\r\n{many}\r\n"), Some((Asked::Malformed, false)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_a_panic_and_whatever_is_long_is_answered(
            head in proptest::collection::vec(proptest::num::u8::ANY, 0..300), repeat in 1_usize..100,
        ) {
            let long = head.repeat(repeat);
            let plain: Vec<u8> = long.iter().map(|byte| b'a' + byte % 26).collect();
            for bytes in [&long, &[&b"GET / HTTP/1.1\r\nX: "[..], &plain].concat()] {
                let told = asked(bytes);
                proptest::prop_assert!(told.is_some() || bytes.len() < MOST_HEAD);
            }
        }
    }

    #[test]
    fn an_answer_says_how_long_it_is_and_to_head_nothing_more() {
        let text = String::from_utf8(health(false, "{}", false)).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 503 ") && text.contains("Content-Length: 2\r\n") && text.ends_with("\r\n\r\n{}")
        );
        let text = String::from_utf8(metrics("# EOF\n", true)).unwrap();
        assert!(text.contains("Content-Length: 6\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        assert!(refusal(Asked::Nothing).starts_with(b"HTTP/1.1 404 "));
    }
}
