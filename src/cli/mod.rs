//! The roof: arguments, exit codes, words for people.

mod archive;
mod baseline;
#[cfg(feature = "opcua")]
mod browse;
#[cfg(feature = "opcua")]
mod cert;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod egress;
mod endpoint;
mod explain;
mod figures;
mod help;
mod import;
mod journal;
mod learned;
mod ledger;
mod load;
mod logging;
mod outlook;
mod probe;
mod profiles;
mod progress;
mod read;
mod reclassify;
mod report;
mod run;
#[cfg(feature = "opcua")]
mod server;
#[cfg(feature = "demo")]
mod sim;
mod status;
#[cfg(feature = "opcua")]
mod trust;
mod unit;
mod user;
mod verify;
mod write;

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::model::{Lang, Trouble};

/// Somebody was asked, and said no.
pub const EXIT_DECLINED: u8 = 1;
/// Exit codes of sysexits.h that service managers know.
pub const EXIT_USAGE: u8 = 64;
/// A file that is not what it should be.
pub const EXIT_DATA: u8 = 65;
/// A device or port cannot be had.
pub const EXIT_UNAVAILABLE: u8 = 69;
/// A bug of ours.
pub const EXIT_SOFTWARE: u8 = 70;
/// The journal cannot be used, a port is taken.
pub const EXIT_CANNOT_START: u8 = 73;
/// A device answered otherwise than hoped for, or not at all.
pub const EXIT_PROTOCOL: u8 = 76;
/// The configuration does not allow it.
pub const EXIT_NOT_ALLOWED: u8 = 77;
/// The configuration has mistakes.
pub const EXIT_CONFIG: u8 = 78;

/// Reads machines over Modbus, keeps every sample in a journal, delivers it to an MQTT broker.
#[derive(Parser)]
#[command(name = "cloudward", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Language of messages: en or zh (default: from LC_ALL, LC_MESSAGES, LANG).
    #[arg(long, global = true, value_name = "LANG", display_order = 900)]
    lang: Option<Language>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    En,
    Zh,
}

#[derive(Subcommand)]
enum Command {
    /// Read, store and deliver until stopped: the agent itself.
    Run(RunArgs),
    /// Ask the running agent how it is: links, devices, sinks, journal, figures of the shift; exit code 1 where a person is needed.
    Status(status::StatusArgs),
    /// Validate a configuration and show what it means: requests, messages, hours of outage, flash wear.
    Check(check::CheckArgs),
    /// Show what leaves, whither, in which form and how much (the manifest), and what left (the egress log).
    Egress(egress::EgressArgs),
    /// Write one value into a machine; off unless the configuration allows it, asked, recorded, and read back.
    Write(write::WriteArgs),
    /// Show what became of every sample that should have been taken: good, late, bad or lost, with the causes.
    Ledger(ledger::LedgerArgs),
    /// Figures of a shift, day or month: OEE, stops, energy, coverage, per machine and for the workshop.
    Report(report::ReportArgs),
    /// Freeze and sign the figures before a retrofit, to compare with later.
    Baseline(baseline::BaselineArgs),
    /// The evidence file of a month: ledger, figures, hashes, signature; or prove one that came from elsewhere.
    Archive(archive::ArchiveArgs),
    /// Call an idle stop planned afterwards, within a day; the audit trail keeps who and why.
    Reclassify(reclassify::ReclassifyArgs),
    /// Explain a code such as CW204 (what is behind it, what to do), or a figure such as O6 with all that it comes from.
    Explain(explain::ExplainArgs),
    /// Turn tags of Kepware, Neuron or Telegraf into a workshop or a tag table; exit code 2 where something was left out.
    Import(import::ImportArgs),
    /// Read one value of a device, now: to try an address, a type, a byte order.
    Read(read::ReadArgs),
    /// The register maps that come with cloudward: all, those with a word in their name, or what one of them has.
    Profiles(profiles::ProfilesArgs),
    /// Find out what a device says that has no manual: units, tables, ranges, types. It only reads.
    Probe(probe::ProbeArgs),
    /// Show what an OPC UA server has: nodes, types, values, units; or write it as a device to start from. It only reads.
    #[cfg(feature = "opcua")]
    Browse(browse::BrowseArgs),
    /// Confirm the certificate of an OPC UA server, once, by its fingerprint; until then the link is not read.
    #[cfg(feature = "opcua")]
    Trust(trust::TrustArgs),
    /// This gateway's own OPC UA certificate (show, export), and those of servers that were confirmed (trusted, forget).
    #[cfg(feature = "opcua")]
    Cert(cert::CertArgs),
    /// What the journal holds: status, export to a file and import elsewhere, sinks that are no longer wanted.
    Journal(journal::JournalArgs),
    /// Prove that what arrives at a broker, or stands in a capture, is whole: no gap, order kept, what came twice.
    Verify(verify::VerifyArgs),
    /// Print the drop-in for systemd that follows from a configuration: addresses, serial ports, secrets.
    Unit(unit::UnitArgs),
    /// Watch the whole chain at work on this machine: simulated machines, agent, embedded broker.
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    /// Serve the simulated machines over Modbus TCP or OPC UA, to try configurations or other software.
    #[cfg(feature = "demo")]
    Sim(sim::SimArgs),
}

/// The service's file.
const DEFAULT_CONFIG: &str = "/etc/cloudward/workshop.toml";

#[derive(Args)]
struct ConfigArgs {
    /// The workshop's file; config/workshop.toml shows every key.
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

#[derive(Args)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How much to log: error, warn, info, debug, or a filter such as cloudward::source=debug.
    #[arg(long, value_name = "LEVEL", env = "CLOUDWARD_LOG", default_value = "info")]
    log: String,
}

/// Parses the arguments, settles the language, runs the command.
pub fn main() -> ExitCode {
    let arguments = help::asked_as_flag(std::env::args_os().collect());
    let lang = language(&arguments);
    lang.settle();
    let command = help::localized(<Cli as clap::CommandFactory>::command(), lang);
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok(); // a closed pipe: nobody reads it
            return if error.use_stderr() { EXIT_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::status(&args),
        Command::Check(args) => check::check(&args),
        Command::Egress(args) => egress::egress(&args),
        Command::Write(args) => write::write(&args),
        Command::Ledger(args) => ledger::ledger(&args),
        Command::Report(args) => report::report(&args),
        Command::Baseline(args) => baseline::baseline(&args),
        Command::Archive(args) => archive::archive(&args),
        Command::Reclassify(args) => reclassify::reclassify(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Import(args) => import::import(&args),
        Command::Read(args) => read::read(&args),
        Command::Profiles(args) => profiles::profiles(&args),
        Command::Probe(args) => probe::probe(&args),
        #[cfg(feature = "opcua")]
        Command::Browse(args) => browse::browse(&args),
        #[cfg(feature = "opcua")]
        Command::Trust(args) => trust::trust(&args),
        #[cfg(feature = "opcua")]
        Command::Cert(args) => cert::cert(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Unit(args) => unit::unit(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::demo(&args),
        #[cfg(feature = "demo")]
        Command::Sim(args) => sim::sim(&args),
    }
}

/// `--lang` counts first; it is looked for before clap, since the help itself follows it.
fn language(arguments: &[OsString]) -> Lang {
    let mut words = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(word) = words.next() {
        let value = if word == "--lang" { words.next() } else { word.strip_prefix("--lang=") };
        if let Some(value) = value {
            return Lang::from_locale(value);
        }
    }
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .map_or(Lang::En, |locale| Lang::from_locale(&locale))
}

/// One line to standard output; a closed pipe (`| head`) is no trouble.
fn say(line: impl std::fmt::Display) {
    writeln!(std::io::stdout(), "{}", plain(line)).ok(); // a closed pipe: nobody reads it
}

/// Asks at the terminal; the answer in small letters. No line is no answer.
fn ask(question: &str) -> String {
    let mut out = std::io::stdout();
    write!(out, "{question}").and_then(|()| out.flush()).ok(); // who does not see the question will not say yes
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok(); // as above
    line.trim().to_lowercase()
}

/// Trouble that ends the command, to standard error.
fn fail(trouble: &Trouble, code: u8) -> ExitCode {
    writeln!(std::io::stderr(), "cloudward: {}", plain(trouble)).ok(); // as above
    code.into()
}

/// What stands in a file, or comes from a machine, must not steer the terminal.
fn plain(text: impl std::fmt::Display) -> String {
    text.to_string().replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "?")
}
