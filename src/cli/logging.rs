//! Where log lines go: to journald with their fields when it listens, else to standard error for people.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Libraries whose own log lines repeat ours or mean nothing to an operator.
const QUIET: &str = "rumqttc=off,rumqttd=off,tokio_modbus=off,rustls=off,\
    opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_types=off,opcua_server=off,opcua_nodes=off";

/// Sets the log up for the process. `level`: see `cloudward run --help`. `false`: the level is not understood.
pub(super) fn start(level: &str) -> bool {
    // A bare word that is no level would be taken for the name of a module, and silence everything else.
    let is_level = level.parse::<LevelFilter>().is_ok();
    if !is_level && !level.contains('=') {
        return false;
    }
    let Ok(filter) = EnvFilter::try_new(format!("{QUIET},{level}")) else { return false };
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
