//! `cloudward journal`: what the journal holds, and what a person does with it: carry it away in a file, deliver such a file elsewhere, give
//! up a sink, look into the quarantine.
//!
//! The rule: looking never changes anything and works beside the running agent; what changes the journal's file wants the agent
//! stopped, and says so.

mod export;
mod forget;
mod import;
mod key;
mod quarantine;
mod rows;
mod seal;
mod status;
mod when;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::load::load_or_explain;
use super::run::state_dir_by_hand;
use super::{ConfigArgs, EXIT_CANNOT_START, EXIT_USAGE, fail, user};
use crate::config::Config;
use crate::journal::{Look, Place};
use crate::model::words::transfer as words;
use crate::model::{Lang, Trouble, words as table};

#[derive(clap::Args)]
#[command(disable_help_subcommand = true, after_help = LESSON)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    what: What,
}

const LESSON: &str = "\
A site without a line: `cloudward journal export --sink NAME -o FILE` onto a memory stick, `cloudward journal import FILE --sink NAME` on a \
machine that reaches the broker; receivers drop what comes twice. docs/JOURNAL.md has the whole procedure.
Exit codes: 0 done; 1 answered no; 2 some messages could not be delivered; 64 wrong arguments; 65 the file is damaged or not ours; 69 the \
broker cannot be reached; 73 the journal or a file cannot be used, or the agent runs; 76 the signature is false or not trusted; 77 not without \
--all; 78 the configuration has mistakes.";

#[derive(clap::Subcommand)]
enum What {
    /// Show what the journal holds, where the bytes are, how far each sink has come, and how long the space lasts.
    Status(status::StatusArgs),
    /// Write what the journal holds to a file: signed for import elsewhere, or as JSON lines or CSV for people.
    Export(export::ExportArgs),
    /// Check a file that was exported, and deliver it to the broker of a sink; without --sink it only shows what is in it.
    Import(import::ImportArgs),
    /// Give up the place of a sink that is no longer wanted; the agent must be stopped.
    ForgetSink(forget::ForgetArgs),
    /// List, show or drop records that a broker can never take.
    Quarantine(quarantine::QuarantineArgs),
    /// Show the public key that signs this gateway's files, and its fingerprint; it is made if there is none.
    Key(ConfigArgs),
    /// Make an identity for encrypted files: its secret goes to a file, its age1... is for --recipient at the gateway.
    Identity(key::IdentityArgs),
}

pub(super) fn journal(args: &JournalArgs) -> ExitCode {
    let done = match &args.what {
        What::Status(args) => status::status(args),
        What::Export(args) => export::export(args),
        What::Import(args) => import::import(args),
        What::ForgetSink(args) => forget::forget(args),
        What::Quarantine(args) => quarantine::quarantine(args),
        What::Key(config) => key::key(config),
        What::Identity(args) => key::identity(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Told(code)) => code,
        Err(Ended::Trouble(trouble, code)) => fail(&trouble, code),
    }
}

/// Why a command ended before it was done.
enum Ended {
    Trouble(Trouble, u8),
    /// Everything was said already.
    Told(ExitCode),
}

impl Ended {
    fn usage(trouble: Trouble) -> Ended {
        Ended::Trouble(trouble, EXIT_USAGE)
    }

    fn cannot(trouble: Trouble) -> Ended {
        Ended::Trouble(trouble, EXIT_CANNOT_START)
    }

    /// What the system said of a file.
    fn file(path: &Path, error: impl std::fmt::Display) -> Ended {
        Ended::cannot(Trouble::new(words::FILE_TROUBLE).with("path", path.display()).with("error", error))
    }
}

/// The configuration and the state directory it means.
fn workshop(path: &Path) -> Result<(Config, PathBuf), Ended> {
    let config = load_or_explain(path).map_err(Ended::Told)?;
    let state_dir = state_dir_by_hand(&config, path);
    Ok((config, state_dir))
}

/// The journal of a workshop, for looking.
fn look(state_dir: &Path) -> Result<(Look, Place), Ended> {
    let none = || Ended::cannot(Trouble::new(words::NO_JOURNAL).with("path", state_dir.display()));
    let place = Place::in_dir(state_dir).ok_or_else(none)?;
    Ok((Look::open(state_dir, &place).map_err(Ended::cannot)?, place))
}

/// What is made in the agent's directory must be the agent's.
fn refuse_strangers(state_dir: &Path) -> Result<(), Ended> {
    let me = user::current();
    match user::owner(state_dir) {
        Some(owner) if owner != me => {
            let trouble = Trouble::new(table::opcua_trust::STATE_OF_ANOTHER).with("path", state_dir.display());
            Err(Ended::cannot(trouble.with("owner", user::shown(owner)).with("user", user::shown(me))))
        }
        _ => Ok(()),
    }
}

/// What both languages say.
fn pick(en: impl Into<String>, zh: impl Into<String>) -> String {
    match Lang::current() {
        Lang::En => en.into(),
        Lang::Zh => zh.into(),
    }
}
