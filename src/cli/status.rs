//! `cloudward status`: asks a running agent how it is, over its local socket. Where none answers, it says why, and what the journal's
//! files say of the last run.
//!
//! The rule: it changes nothing, needs no configuration where the socket is known, and its exit code says whether a person is needed.

mod ask; // the question, and where to ask it
mod last_run;
#[cfg(feature = "tui")]
mod watch;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{ConfigArgs, EXIT_UNAVAILABLE, fail, plain, say};
use crate::model::Lang;
use crate::status::{ONE_SCREEN, Status, Tone, page};

/// Something needs a person.
const EXIT_NEEDS_PERSON: u8 = 1;

/// A live view is made anew so often; the agent makes its document once in a second at most.
const EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
#[command(after_help = LESSON)]
pub(super) struct StatusArgs {
    /// Print it as JSON (docs/schema/status.json).
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Keep watching: a live view in a terminal, elsewhere the page again and again.
    #[arg(long)]
    watch: bool,
    /// Ask at this socket; default: where the agent of the configuration has it.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

const LESSON: &str = "\
Links, devices, tags without a value, sinks and what waits for them, the journal and how long it has room, the clock, what became of the \
samples, and the figures of the running shift. docs/STATUS.md explains each line.
Exit codes: 0 all is well; 1 something needs a person, and is named; 64 no live view in this build; 69 no agent answers; 78 the configuration \
has mistakes.";

pub(super) fn status(args: &StatusArgs) -> ExitCode {
    let place = match ask::place(args.socket.as_deref(), &args.config.config) {
        Ok(place) => place,
        Err(code) => return code,
    };
    if args.watch {
        return watch(&place);
    }
    match place.ask() {
        Ok((status, json)) => {
            if args.json {
                say(json);
            } else {
                print(&status).ok(); // a closed pipe: nobody reads it
            }
            code_of(&status)
        }
        Err(trouble) => last_run::tell(&trouble, args.json, place.state_dir.as_deref()),
    }
}

#[cfg(feature = "tui")]
fn watch(place: &ask::Place) -> ExitCode {
    if std::io::stdout().is_terminal() { watch::watch(place) } else { again_and_again(place) }
}

#[cfg(not(feature = "tui"))]
fn watch(place: &ask::Place) -> ExitCode {
    use crate::model::Trouble;
    use crate::model::words::status as words;
    if std::io::stdout().is_terminal() {
        return fail(&Trouble::new(words::NO_LIVE_VIEW), super::EXIT_USAGE);
    }
    again_and_again(place)
}

/// Where there is no terminal: the page, until the agent ends, or nobody reads it any more.
fn again_and_again(place: &ask::Place) -> ExitCode {
    loop {
        let status = match place.ask() {
            Ok((status, _)) => status,
            Err(trouble) => return fail(&trouble, EXIT_UNAVAILABLE),
        };
        if print(&status).and_then(|()| say_raw("\n")).is_err() {
            return code_of(&status);
        }
        std::thread::sleep(EVERY);
    }
}

fn code_of(status: &Status) -> ExitCode {
    if status.is_well { ExitCode::SUCCESS } else { EXIT_NEEDS_PERSON.into() }
}

/// One screen of text; in colours where somebody sees them.
fn print(status: &Status) -> std::io::Result<()> {
    let is_dumb = std::env::var_os("NO_COLOR").is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let has_colours = std::io::stdout().is_terminal() && !is_dumb;
    for line in page(status, Lang::current(), ONE_SCREEN) {
        let text = plain(line.text).replace('\n', " ");
        let colour = match line.tone {
            _ if !has_colours => "",
            Tone::Plain => "",
            Tone::Head => "\x1b[1m",
            Tone::Warn => "\x1b[33m",
            Tone::Bad => "\x1b[1;31m",
        };
        let end = if colour.is_empty() { "" } else { "\x1b[0m" };
        say_raw(&format!("{colour}{text}{end}\n"))?;
    }
    Ok(())
}

/// Past [`say`], which would take colours for what a machine sent.
fn say_raw(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes())
}
