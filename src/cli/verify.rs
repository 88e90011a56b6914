//! `cloudward verify`: listens at a broker or reads a capture, and says whether what arrived is whole.
//!
//! Exit codes: 0 proven, 1 a gap, disorder or a contradiction, 2 nothing came or history is still to come; 69 where the connection
//! was lost before the time was up.

mod show;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::endpoint::quoted;
use super::load::load_or_explain;
use super::progress::Progress;
use super::run::runtime;
use super::{DEFAULT_CONFIG, EXIT_DATA, EXIT_UNAVAILABLE, EXIT_USAGE, fail, say};
use crate::config::{Config, Mistake, Sink, parse_time};
use crate::model::time::show_span;
use crate::model::words::verify as words;
use crate::model::{Lang, Trouble};
use crate::sink::Listener;
use crate::verify::{Checker, Line, Verdict, line, read};

#[derive(clap::Args)]
#[command(after_help = LESSON)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["mqtt", "sink", "capture"]))]
pub(super) struct VerifyArgs {
    /// Listen at this broker: mqtts://broker.example.com:8883, mqtt://127.0.0.1:1883.
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,
    /// Listen at the broker of this sink of the configuration, with its login, below its topics.
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Read this file instead: what mosquitto_sub writes with -F '%j' or -F '%t %p'; - for standard input.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// Only what is below this topic; to see no gaps that are none, name a whole workshop.
    #[arg(long, value_name = "PREFIX", requires = "mqtt")]
    topic: Option<String>,
    /// User at the broker.
    #[arg(long, requires = "mqtt")]
    user: Option<String>,
    /// The user's password is in this file.
    #[arg(long, value_name = "FILE", requires = "user", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// The user's password is in this environment variable.
    #[arg(long, value_name = "NAME", requires = "user")]
    password_env: Option<String>,
    /// CA of the broker, in PEM (default: the system's).
    #[arg(long, value_name = "FILE", requires = "mqtt")]
    ca_file: Option<PathBuf>,
    /// Listen for so long, e.g. 10m (default: until Ctrl-C).
    #[arg(long = "for", value_name = "TIME", value_parser = span, conflicts_with = "capture")]
    listen_for: Option<Duration>,
    /// Stop after so many messages.
    #[arg(long = "count", value_name = "N", conflicts_with = "capture")]
    messages: Option<u64>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    /// The workshop's file, for --sink.
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

const LESSON: &str = "\
Every message says which one was sent before it. From that follows what is missing, what came twice, and whether the order was kept: \
docs/VERIFY.md. Listen to a whole workshop, never to one device alone: the numbers run over all devices.
Exit codes: 0 proven; 1 a gap, disorder or a contradiction; 2 nothing came, or the gap of an outage is still being filled; 64 wrong arguments; \
65 the capture cannot be read; 69 the broker cannot be reached, or was lost before the time was up.";

fn span(text: &str) -> Result<Duration, &'static str> {
    parse_time(text).ok_or("write e.g. 90s, 10m, 8h")
}

pub(super) fn verify(args: &VerifyArgs) -> ExitCode {
    let mut checker = Checker::default();
    let (zone, early) = match &args.capture {
        Some(path) => match read_capture(path, &mut checker) {
            Ok(()) => (None, None),
            Err(trouble) => return fail(&trouble, EXIT_DATA),
        },
        None => {
            let (sink, filter, zone) = match broker(args) {
                Ok(found) => found,
                Err(code) => return code,
            };
            match runtime().block_on(listen(args, &sink, &filter, &mut checker)) {
                Ok(early) => (zone, early),
                Err(trouble) => return fail(&trouble, EXIT_UNAVAILABLE),
            }
        }
    };
    let report = checker.report();
    if args.json {
        say(serde_json::to_string_pretty(&report).expect("a report has only strings and whole numbers"));
    } else {
        show::show(&report, zone.as_deref());
    }
    match (early, report.verdict) {
        (Some(trouble), _) => fail(&trouble, EXIT_UNAVAILABLE),
        (None, Verdict::Proven) => ExitCode::SUCCESS,
        (None, Verdict::Broken) => 1.into(),
        (None, Verdict::Open | Verdict::Nothing) => 2.into(),
    }
}

/// A line of a capture holds one message: at most 16 MB in JSON within JSON, where each byte may take two.
const LONGEST_LINE: u64 = 64_000_000;

fn read_capture(path: &Path, checker: &mut Checker) -> Result<(), Trouble> {
    let unreadable = |error: std::io::Error| {
        Trouble::new(words::CAPTURE_UNREADABLE).with("path", path.display()).with("error", error)
    };
    let mut lines: Box<dyn BufRead> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path).map_err(unreadable)?)),
    };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            return Ok(());
        }
        // What is no text is no message of ours, but the next line may be one.
        match line(&String::from_utf8_lossy(&bytes)) {
            Line::Message(kind) => checker.take(kind),
            Line::Unreadable => checker.unreadable(),
            Line::Empty => {}
        }
    }
}

/// Where to listen, to what, and the time zone of the workshop if one is known.
fn broker(args: &VerifyArgs) -> Result<(Sink, String, Option<String>), ExitCode> {
    let (sink, filter, zone) = match (&args.sink, &args.mqtt) {
        (Some(name), _) => {
            let config = load_or_explain(&args.config)?;
            let sink = sink_of(&config, name).map_err(|trouble| fail(&trouble, EXIT_USAGE))?;
            let workshop = &config.workshop;
            let filter = format!("{}/{}/{}/#", sink.prefix, workshop.enterprise, workshop.id);
            (sink, filter, Some(config.workshop.timezone.clone()))
        }
        (None, mqtt) => {
            let topic = args.topic.as_deref().unwrap_or("cloudward").trim_end_matches(['/', '#']);
            if topic.is_empty() || topic.split('/').any(|level| level != "+" && level.contains(['+', '#'])) {
                let trouble = Trouble::new(words::BAD_TOPIC).with("found", topic.escape_debug());
                return Err(fail(&trouble, EXIT_USAGE));
            }
            let sink = typed_sink(args, mqtt.as_deref().unwrap_or_default());
            (sink.map_err(|trouble| fail(&trouble, EXIT_USAGE))?, format!("{topic}/#"), None)
        }
    };
    // Under its own name, the agent would be thrown out.
    let client_id = format!("{}-verify-{}", sink.client_id, std::process::id());
    Ok((Sink { client_id, ..sink }, filter, zone))
}

/// The sink of this name.
pub(super) fn sink_of(config: &Config, name: &str) -> Result<Sink, Trouble> {
    let found = config.sinks.iter().find(|sink| *sink.name == *name);
    found.map(|sink| (**sink).clone()).ok_or_else(|| {
        let known = config.sinks.iter().map(|sink| sink.name.as_ref()).collect::<Vec<_>>().join(", ");
        Trouble::new(words::NO_SUCH_SINK).with("found", name).with("known", known)
    })
}

/// What was typed, by the configuration's own rules.
fn typed_sink(args: &VerifyArgs, url: &str) -> Result<Sink, Trouble> {
    let text = |path: &PathBuf| quoted(&std::path::absolute(path).unwrap_or_else(|_| path.clone()).to_string_lossy());
    let mut keys = format!("mqtt = {}\nallow_plaintext = true\n", quoted(url));
    for (key, value) in [
        ("user", args.user.as_deref().map(quoted)),
        ("password_file", args.password_file.as_ref().map(text)),
        ("password_env", args.password_env.as_deref().map(quoted)),
        ("ca_file", args.ca_file.as_ref().map(text)),
    ] {
        keys += &value.map(|value| format!("{key} = {value}\n")).unwrap_or_default();
    }
    let head = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"UTC\"\n[[sink]]\nname = \"verify\"\nsend = [\"events\"]\n";
    let first = |mistakes: Vec<Mistake>| mistakes.into_iter().next().expect("a refusal has a mistake").trouble;
    let config = Config::parse(&format!("{head}{keys}client_id = \"cloudward\"\n")).map_err(first)?;
    Ok((*config.sinks[0]).clone())
}

/// Listens until the time is up, enough came, or Ctrl-C. What is given back is why it ended before that.
async fn listen(
    args: &VerifyArgs,
    sink: &Sink,
    filter: &str,
    checker: &mut Checker,
) -> Result<Option<Trouble>, Trouble> {
    let mut listener = Listener::connect(sink, filter).await?;
    let (begun, mut progress) = (Instant::now(), Progress::new());
    let deadline = args.listen_for.map(|time| begun + time);
    let until = deadline.unwrap_or(begun + Duration::from_secs(365 * 86_400));
    let mut redraw = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            letter = listener.next() => match letter {
                Some(Ok(letter)) => {
                    checker.take(read(Some(&letter.topic), &letter.payload, letter.is_retained));
                    if args.messages.is_some_and(|count| checker.messages() >= count) {
                        break;
                    }
                }
                Some(Err(trouble)) => {
                    progress.clear();
                    fail(&trouble, EXIT_UNAVAILABLE);
                    let span = show_span(Duration::from_secs(begun.elapsed().as_secs()));
                    return Ok(Some(Trouble::new(words::STOPPED_EARLY).with("span", span)));
                }
                None => break,
            },
            () = tokio::time::sleep_until(until.into()) => break,
            _ = tokio::signal::ctrl_c() => break,
            _ = redraw.tick() => progress.show(|| show::so_far(checker, begun.elapsed(), args.listen_for)),
        }
    }
    progress.clear();
    Ok(None)
}

/// What both languages say of a number of things.
fn pick(en: String, zh: String) -> String {
    match Lang::current() {
        Lang::En => en,
        Lang::Zh => zh,
    }
}
