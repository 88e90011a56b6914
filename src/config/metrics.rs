//! `[metrics]`: where the metrics are served, if anywhere.

use std::net::SocketAddr;

use super::read::Section;
use crate::model::words::status as words;

/// `[metrics]`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Where; `None`: nowhere.
    pub listen: Option<SocketAddr>,
}

pub(super) fn metrics(top: &Section<'_>) -> Metrics {
    const EXAMPLE: &str = "listen = \"127.0.0.1:9464\"";
    let Some(section) = top.section("metrics") else { return Metrics::default() };
    let is_allowed = section.flag("allow_remote").unwrap_or(false);
    let text = section.text("listen", EXAMPLE);
    let parsed = text.as_ref().and_then(|text| text.trim().parse::<SocketAddr>().ok()).filter(|it| it.port() != 0);
    let listen = match (text, parsed) {
        (Some(found), None) => {
            section.wrong("listen", words::LISTEN_BAD, |t| t.with("found", format!("\"{found}\"")));
            None
        }
        (_, Some(address)) if !address.ip().is_loopback() && !is_allowed => {
            section.wrong("listen", words::LISTEN_REMOTE, |t| t.with("found", address));
            None
        }
        (_, listen) => listen,
    };
    section.finish();
    Metrics { listen }
}
