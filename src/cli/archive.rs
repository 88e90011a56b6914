//! `cloudward archive`: the evidence file of a month (一企一档, equipment part), and the proof of one that came from elsewhere.

mod pack;
mod photos; // pictures of machines

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::baseline::signer;
use super::figures::{Ended, Room, revenue, write_file};
use super::write::audit::Audit;
use super::{ConfigArgs, EXIT_DATA, EXIT_NOT_ALLOWED, fail, say};
use crate::agent::egress as book;
use crate::config::Device;
use crate::indicator::Period;
use crate::journal::parcel::{fingerprint, is_signed, key_of_text};
use crate::model::words::report as words;
use crate::model::{Lang, Timestamp, Trouble};
use crate::report::archive::{ARCHIVE, Archive, Beside, CHAIN, Chain, Fault, HASHES, SIGNED_FOR, check, hashes};
use crate::report::html_of;
use crate::sink::egress::{clock, hex, sha256};
use crate::sink::{Scope, scope::Verdict};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = LESSON)]
pub(super) struct ArchiveArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    config: ConfigArgs,
    /// The month: 2026-03.
    #[arg(long, value_name = "MONTH", required = true)]
    month: Option<String>,
    /// Write to this file.
    #[arg(long, short, value_name = "FILE", required = true)]
    output: Option<PathBuf>,
    /// Compare with the baseline of this name.
    #[arg(long, value_name = "NAME", default_value = "before")]
    baseline: String,
    /// Revenue of the month in 10 000 yuan, for the energy per revenue.
    #[arg(long, value_name = "AMOUNT")]
    revenue: Option<String>,
}

const LESSON: &str = "\
The file is a zip: archive.json, equipment.csv, data_ledger.csv, monthly/*.json, index.html, hashes.txt, chain.json. Anybody can check it without
this program: sha256sum -c hashes.txt, and openssl for the signature; docs/REPORTS.md shows how.
Exit codes: 0 written or proven, 64 a wrong month, 65 an archive that is damaged or was changed, 69 no figures, 73 no journal, 77 another
gateway signed it, 78 mistakes in the file.";

#[derive(clap::Subcommand)]
enum What {
    /// Prove that an archive is what the gateway signed: every file, the chain, the signature.
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
struct VerifyArgs {
    /// The archive.
    #[arg(value_name = "FILE")]
    archive: PathBuf,
    /// Only what this gateway signed: the fingerprint or public key that `cloudward journal key` shows there.
    #[arg(long, value_name = "FINGERPRINT")]
    trust: Option<String>,
    /// The archive before it, to prove that none was left out in between.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
}

/// A line of `STATE_DIR/archives.jsonl`: what the next archive names as the one before.
#[derive(Serialize, Deserialize)]
struct Made {
    at: String,
    month: String,
    /// SHA-256 of its `hashes.txt`.
    this: String,
    prev: String,
    file: String,
}

/// The chain of archives made here.
const MADE: &str = "archives.jsonl";

pub(super) fn archive(args: &ArchiveArgs) -> ExitCode {
    match &args.what {
        Some(What::Verify(args)) => verify(args),
        None => Ended::code(make(args)),
    }
}

fn make(args: &ArchiveArgs) -> Result<(), Ended> {
    let room = Room::open(&args.config.config, Timestamp::of(std::time::SystemTime::now()))?;
    let month = args.month.as_deref().unwrap_or_default();
    let asked = room.asked(month)?;
    if !matches!(asked.period, Period::Month(_)) {
        let example = asked.date().strftime("%Y-%m").to_string();
        return Err(Ended::usage(
            Trouble::new(words::NOT_A_MONTH).with("found", month.escape_debug()).with("example", example),
        ));
    }
    let output = args.output.as_deref().unwrap_or(Path::new("archive.zip"));
    let revenue = revenue(args.revenue.as_deref())?;
    let baseline = room.baseline(&args.baseline)?;
    let signer = signer(&room)?;
    let egress = book::totals(&room.state_dir).map_err(Ended::cannot)?;
    let before = last_made(&room.state_dir);
    let photos = photos::read(&room.config)?;
    let named = photos.iter().map(|(device, photo)| (device.clone(), photo.name.clone())).collect();
    let scopes: Vec<_> =
        room.config.sinks.iter().map(|sink| (sink.name.to_string(), Scope::of(sink, &room.config.devices))).collect();
    let leaves_to = |device: &Device, tag: &str| {
        let grade = device.tags.iter().find(|known| *known.name == *tag).map(|known| known.grade).unwrap_or_default();
        let leaves = |scope: &Scope| scope.verdict(&device.id, tag, grade) == Verdict::Leaves;
        scopes.iter().filter(|(_, scope)| leaves(scope)).map(|(name, _)| name.clone()).collect()
    };
    room.report(&asked, (baseline.as_ref(), revenue), |given, report| {
        let made_at = clock(room.now, &room.zone);
        let beside =
            Beside { egress: &egress, prev: &before, made_at: made_at.clone(), photos: &named, leaves_to: &leaves_to };
        let archive = Archive::of(given, &report, &beside);
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
            (ARCHIVE.to_owned(), json(&archive)),
            ("equipment.csv".to_owned(), archive.equipment_csv().into_bytes()),
            ("data_ledger.csv".to_owned(), archive.data_csv().into_bytes()),
            ("index.html".to_owned(), html_of(&report, &archive.enterprise.rows(), Lang::Zh).into_bytes()),
            (format!("monthly/{}.json", archive.month), json(&report.site)),
        ]);
        for device in &report.devices {
            files.insert(format!("monthly/{}/{}.json", archive.month, device.device), json(device));
        }
        files.extend(photos.into_values().map(|photo| (photo.name, photo.bytes)));
        let list = hashes(&files);
        let chain = Chain {
            schema: "cloudward.archive_chain/1".into(),
            prev: before.clone(),
            this: hex(&sha256(list.as_bytes())),
            signature: format!("ed25519:{}", signer.sign_text(SIGNED_FOR, list.as_bytes())),
            public_key: signer.key(),
        };
        files.insert(CHAIN.to_owned(), json(&chain));
        files.insert(HASHES.to_owned(), list.into_bytes());
        let zip = pack::pack(&files).map_err(|error| Ended::unwritable(output, error))?;
        write_file(output, &zip)?;
        let made = Made {
            at: made_at,
            month: archive.month.clone(),
            this: chain.this.clone(),
            prev: before.clone(),
            file: output.display().to_string(),
        };
        let entry = serde_json::to_value(&made).unwrap_or_default();
        Audit::open_as(&room.state_dir, MADE).and_then(|mut file| file.append(&entry)).map_err(Ended::cannot)?;
        let (path, key, count) = (output.display(), fingerprint(&signer.key()), files.len());
        say(match Lang::current() {
            Lang::En => format!("{path}: {count} files of {}, signed by {key}", archive.month),
            Lang::Zh => format!("{path}：{} 的 {count} 个文件，签名指纹 {key}", archive.month),
        });
        if !archive.is_final {
            say(match Lang::current() {
                Lang::En => "The month is not over, or not for three days yet: late data may still change it.",
                Lang::Zh => "该月尚未结束或结束未满三天：迟到的数据仍可能改变结果。",
            });
        }
        Ok(())
    })
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_string_pretty(document).map(|text| text + "\n").unwrap_or_default().into_bytes()
}

/// The end of the chain of archives made here; empty: there is none.
fn last_made(state_dir: &Path) -> String {
    let text = std::fs::read_to_string(state_dir.join(MADE)).unwrap_or_default();
    let last = text.lines().rev().find_map(|line| serde_json::from_str::<Made>(line).ok());
    last.map(|made| made.this).unwrap_or_default()
}

fn verify(args: &VerifyArgs) -> ExitCode {
    let path = args.archive.display();
    let (files, chain) = match opened(&args.archive) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let list = files.get(HASHES).map_or(&[][..], Vec::as_slice);
    let signature = chain.signature.trim_start_matches("ed25519:");
    if !is_signed(&chain.public_key, SIGNED_FOR, list, signature) {
        return fail(&Trouble::new(words::ARCHIVE_FORGED).with("path", path), EXIT_DATA);
    }
    let shown = fingerprint(&chain.public_key);
    if let Some(trust) = &args.trust {
        let wanted = key_of_text(trust);
        let is_it = wanted.is_some_and(|it| it == shown.replace('-', "") || it == chain.public_key.to_uppercase());
        if !is_it {
            let trouble = Trouble::new(words::ARCHIVE_UNTRUSTED).with("path", path).with("fingerprint", shown);
            return fail(&trouble, EXIT_NOT_ALLOWED);
        }
    }
    if let Some(previous) = &args.previous {
        let (_, before) = match opened(previous) {
            Ok(opened) => opened,
            Err(code) => return code,
        };
        if before.this != chain.prev {
            return fail(&Trouble::new(words::ARCHIVE_CHAIN).with("path", path), EXIT_DATA);
        }
    }
    let (count, this) = (files.len() - 2, &chain.this);
    say(match Lang::current() {
        Lang::En => format!(
            "{path}: {count} files are what {shown} signed\nthis archive    {this}\nthe one before  {}",
            or_dash(&chain.prev)
        ),
        Lang::Zh => {
            format!("{path}：{count} 个文件与 {shown} 的签名一致\n本档案  {this}\n上一份  {}", or_dash(&chain.prev))
        }
    });
    if args.trust.is_none() {
        fail(&Trouble::new(words::NOT_PROVEN_HERE), 0);
    }
    ExitCode::SUCCESS
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// The files of an archive and its chain; everything that is wrong is said.
fn opened(file: &Path) -> Result<(BTreeMap<String, Vec<u8>>, Chain), ExitCode> {
    let path = file.display();
    let unreadable =
        |error: String| Trouble::new(words::ARCHIVE_UNREADABLE).with("path", path.to_string()).with("error", error);
    let files = pack::unpack(file).map_err(|error| fail(&unreadable(error), EXIT_DATA))?;
    let chain = check(&files).map_err(|faults| {
        let mut code = ExitCode::from(EXIT_DATA);
        for fault in faults {
            let of =
                |word, name: &str| Trouble::new(word).with("path", path.to_string()).with("file", name.escape_debug());
            let trouble = match &fault {
                Fault::NotOurs(name) => unreadable((*name).to_owned()),
                Fault::Changed(name) => of(words::ARCHIVE_CHANGED, name),
                Fault::Missing(name) => of(words::ARCHIVE_MISSING, name),
                Fault::Stranger(name) => of(words::ARCHIVE_STRANGER, name),
                Fault::Chain => Trouble::new(words::ARCHIVE_CHAIN).with("path", path.to_string()),
            };
            code = fail(&trouble, EXIT_DATA);
        }
        code
    })?;
    Ok((files, chain))
}
