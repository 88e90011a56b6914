//! `cloudward journal import`: a file that was exported elsewhere is checked and delivered to the broker of a sink, under the topics and
//! identities of the gateway it comes from.
//!
//! The rule: nothing is delivered before the whole file was checked and its signer is trusted; and what was acknowledged is noted, so
//! that the same command goes on where it stopped.

mod deliver;
mod trusted;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use self::trusted::Trusted;
use super::rows::of_message;
use super::{Ended, pick, refuse_strangers, when, workshop};
use crate::cli::load::load;
use crate::cli::run::state_dir_by_hand;
use crate::cli::verify::sink_of;
use crate::cli::{DEFAULT_CONFIG, EXIT_DATA, EXIT_NOT_ALLOWED, EXIT_PROTOCOL, say};
use crate::journal::parcel::{
    AgeReader, Fault, Identity, Manifest, Parts, StreamContent, check, fingerprint, key_of_text,
};
use crate::model::Trouble;
use crate::model::words::transfer as words;

#[derive(clap::Args)]
pub(super) struct ImportArgs {
    /// The file that `cloudward journal export` wrote.
    #[arg(value_name = "FILE")]
    courier: PathBuf,
    /// Deliver it to the broker of this sink (default: only check it and show what is in it).
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// Print its samples as JSON lines instead.
    #[arg(long, conflicts_with = "sink")]
    jsonl: bool,
    /// Trust the gateway with this fingerprint or public key, as `cloudward journal key` shows it there.
    #[arg(long, value_name = "FINGERPRINT")]
    trust: Option<String>,
    /// The file with the identity that opens an encrypted file.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Deliver also what was exported without a sink's scope.
    #[arg(long)]
    all: bool,
    /// Deliver all of it once more, although it was delivered before.
    #[arg(long)]
    again: bool,
    /// The workshop's file of this machine.
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

/// A file, opened as often as it is read.
struct Source<'a> {
    path: &'a Path,
    identities: Vec<Identity>,
}

pub(super) fn import(args: &ImportArgs) -> Result<(), Ended> {
    let path = args.courier.as_path();
    let source = Source { path, identities: identities(args.identity.as_deref())? };
    let manifest = source.open().and_then(check).map_err(|fault| source.ended(fault))?;
    let trusted = trusted(args)?;
    if let Some(name) = &args.sink {
        let (config, state_dir) = workshop(&args.config)?;
        let sink = sink_of(&config, name).map_err(Ended::usage)?;
        require_trust(args, &trusted, &manifest)?;
        refuse_strangers(&state_dir)?;
        if manifest.sink.is_none() && !args.all {
            let trouble = Trouble::new(words::EVERYTHING).with("path", path.display());
            return Err(Ended::Trouble(trouble, EXIT_NOT_ALLOWED));
        }
        if args.trust.is_some() {
            trusted.remember(&manifest).map_err(|error| Ended::file(trusted.path(), error))?;
        }
        return deliver::deliver(&source, &manifest, sink, &state_dir, args.again);
    }
    if args.jsonl {
        require_trust(args, &trusted, &manifest)?;
        return print(&source, &manifest);
    }
    show(&manifest, path);
    require_trust(args, &trusted, &manifest)
}

fn identities(path: Option<&Path>) -> Result<Vec<Identity>, Ended> {
    let Some(path) = path else { return Ok(Vec::new()) };
    const LONGEST: u64 = 100_000;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map_err(|error| Ended::file(path, error))?;
    let bad = || Ended::usage(Trouble::new(words::BAD_IDENTITY).with("path", path.display()));
    Identity::parse_all(&text).filter(|identities| !identities.is_empty()).ok_or_else(bad)
}

/// Whom this machine trusts. Without a configuration, for an office computer, nobody but who is named.
fn trusted(args: &ImportArgs) -> Result<Trusted, Ended> {
    let named = match &args.trust {
        None => None,
        Some(text) => match key_of_text(text) {
            Some(key) => Some(key),
            None => {
                let trouble = Trouble::new(words::BAD_FINGERPRINT).with("found", text.escape_debug());
                return Err(Ended::usage(trouble));
            }
        },
    };
    let state_dir = load(&args.config).ok().map(|config| state_dir_by_hand(&config, &args.config));
    Trusted::load(state_dir.as_deref(), named).map_err(|(path, error)| Ended::file(&path, error))
}

fn require_trust(args: &ImportArgs, trusted: &Trusted, manifest: &Manifest) -> Result<(), Ended> {
    if trusted.knows(&manifest.key) {
        return Ok(());
    }
    let trouble = Trouble::new(words::UNKNOWN_SIGNER).with("path", args.courier.display());
    let trouble = trouble.with("workshop", format_args!("{}/{}", manifest.enterprise, manifest.workshop));
    Err(Ended::Trouble(trouble.with("fingerprint", fingerprint(&manifest.key)), EXIT_PROTOCOL))
}

impl Source<'_> {
    /// The content from its beginning, decrypted where it is encrypted.
    fn open(&self) -> Result<Box<dyn Read>, Fault> {
        let mut file = File::open(self.path)?;
        let mut begins = [0; 64];
        let read = read_some(&mut file, &mut begins)?;
        file.rewind()?;
        let file = BufReader::with_capacity(1 << 17, file);
        if !AgeReader::<File>::is_one(&begins[..read]) {
            return Ok(Box::new(file));
        }
        match &self.identities[..] {
            [] => Err(Fault::Encrypted),
            identities => Ok(Box::new(AgeReader::open(file, identities)?)),
        }
    }

    fn ended(&self, fault: Fault) -> Ended {
        let told = |code| Trouble::new(code).with("path", self.path.display());
        let (trouble, code) = match fault {
            Fault::NotOurs => (told(words::NOT_A_PARCEL), EXIT_DATA),
            Fault::Newer(version) => (told(words::PARCEL_NEWER).with("found", version), EXIT_DATA),
            Fault::Encrypted => (told(words::PARCEL_ENCRYPTED), EXIT_DATA),
            Fault::NoKeyFits => (told(words::NO_KEY_FITS), EXIT_DATA),
            Fault::CutOff => (told(words::PARCEL_CUT_OFF), EXIT_DATA),
            Fault::Damaged => (told(words::PARCEL_DAMAGED), EXIT_DATA),
            Fault::Forged => (told(words::PARCEL_FORGED), EXIT_PROTOCOL),
            Fault::Io(error) => return Ended::file(self.path, error),
        };
        Ended::Trouble(trouble, code)
    }
}

/// As many bytes as there are, up to the length of `into`.
fn read_some(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match from.read(&mut into[read..])? {
            0 => break,
            n => read += n,
        }
    }
    Ok(read)
}

/// Its samples, a line each.
fn print(source: &Source<'_>, manifest: &Manifest) -> Result<(), Ended> {
    let ended = |fault| source.ended(fault);
    let mut parts = Parts::open(source.open().map_err(ended)?, manifest).map_err(ended)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    while let Some(messages) = parts.next_part().map_err(ended)? {
        for row in messages.iter().flat_map(|message| of_message(&message.payload)) {
            if writeln!(out, "{}", row.line()).is_err() {
                return Ok(()); // a closed pipe: nobody reads it
            }
        }
    }
    out.flush().ok(); // as above
    Ok(())
}

fn show(manifest: &Manifest, path: &Path) {
    const ZONE: &str = "UTC";
    let Manifest { enterprise, workshop, name, made_by, .. } = manifest;
    let made = when::shown(manifest.made_ms, ZONE);
    say(pick(
        format!("{}: whole, and signed by who calls itself {enterprise}/{workshop} {name}", path.display()),
        format!("{}：完整，签名者自称 {enterprise}/{workshop} {name}", path.display()),
    ));
    let fingerprint = fingerprint(&manifest.key);
    say(pick(format!("  fingerprint {fingerprint}"), format!("  指纹 {fingerprint}")));
    say(pick(format!("  made {made} UTC by {made_by}"), format!("  由 {made_by} 写出于 {made} UTC")));
    for content in &manifest.streams {
        let StreamContent { stream, messages, samples, first, last, .. } = content;
        let [from, to] = [content.from_ms, content.to_ms].map(|at| when::shown(at, ZONE));
        say(pick(
            format!(
                "  {stream}: {messages} messages with {samples} samples, positions {first} to {last}, {from} to {to} UTC"
            ),
            format!("  {stream}：{messages} 条消息，{samples} 个样本，序号 {first} 至 {last}，{from} 至 {to} UTC"),
        ));
    }
    say(pick(
        format!("  devices: {}", manifest.devices.join(", ")),
        format!("  设备：{}", manifest.devices.join("、")),
    ));
    say(match &manifest.sink {
        Some(sink) => pick(
            format!("  what sink {sink} there may send: {}", manifest.send.join(", ")),
            format!("  内容为该网关去向 {sink} 允许外送的：{}", manifest.send.join("，")),
        ),
        None => pick("  everything that the journal there held", "  内容为该网关日志库中的全部数据"),
    });
    if manifest.damaged > 0 {
        let damaged = manifest.damaged;
        say(pick(
            format!("  {damaged} records there could not be read"),
            format!("  有 {damaged} 条记录在该网关上已无法读出"),
        ));
    }
}
