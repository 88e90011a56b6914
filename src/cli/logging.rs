//! Where log lines go: to journald with their fields when it listens, else to standard error for people.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries whose own log lines repeat ours or mean nothing to an operator.
const QUIET: &str = "rumqttc=off,rumqttd=off,tokio_modbus=off,rustls=off,\
    opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_types=off,opcua_server=off,opcua_nodes=off";

/// Which lines are written. Levels of modules are all that is asked for here; filters that also look at fields would bring
/// a machine for regular expressions along.
fn filter(level: &str) -> Option<Targets> {
    // A bare word that is no level would be taken for the name of a module, and silence everything else.
    let is_level = level.parse::<LevelFilter>().is_ok();
    if !is_level && !level.contains('=') {
        return None;
    }
    format!("{QUIET},{level}").parse().ok()
}

/// Sets the log up for the process. `level`: see `cloudward run --help`. `false`: the level is not understood.
pub(super) fn start(level: &str) -> bool {
    let Some(filter) = filter(level) else { return false };
    if stderr_is_the_journal()
        && let Ok(journald) = tracing_journald::layer()
    {
        tracing_subscriber::registry().with(journald.with_filter(filter)).init();
        return true;
    }
    let is_terminal = std::io::stderr().is_terminal();
    let people = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal);
    let people = people.with_target(false).fmt_fields(debug_fn(sentence).delimited(" "));
    tracing_subscriber::registry().with(people.with_filter(filter)).init();
    true
}

/// The sentence, then the fields; without the code, which the sentence ends with.
fn sentence(writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug) -> std::fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "code" => Ok(()),
        name => write!(writer, "{name}={value:?}"),
    }
}

/// systemd says in JOURNAL_STREAM which file its journal reads from (systemd.exec(5)); it is ours only if standard error
/// is that file.
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::fs::metadata("/dev/stderr") else { return false };
    stream == format!("{}:{}", stderr.dev(), stderr.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[track_caller]
    fn check(level: &str, target: &str, at: Level, expected: Option<bool>) {
        let found = filter(level).map(|filter| filter.would_enable(target, &at));
        assert_eq!(found, expected, "{level}: {target} at {at}");
    }

    #[test]
    fn a_level_holds_for_us_and_libraries_stay_quiet_until_they_are_named() {
        check("info", "cloudward::agent", Level::INFO, Some(true));
        check("info", "cloudward::agent", Level::DEBUG, Some(false));
        check("trace", "rumqttc::state", Level::ERROR, Some(false));
        check("info,rumqttc=debug", "rumqttc::state", Level::DEBUG, Some(true));
        check("info,cloudward::source=debug", "cloudward::source::modbus", Level::DEBUG, Some(true));
        check("info,cloudward::source=debug", "cloudward::sink", Level::DEBUG, Some(false));
        check("cloudward::source=debug", "cloudward::sink", Level::ERROR, Some(false));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        check("loud", "cloudward", Level::ERROR, None);
        check("cloudward=loud", "cloudward", Level::ERROR, None);
        check("cloudward[link{name=press}]=debug", "cloudward", Level::ERROR, None);
    }
}
