//! `cloudward import`: what Kepware, Neuron or Telegraf know of a workshop, as a file of ours, and what could not be
//! carried over.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::load::bytes;
use super::{EXIT_CANNOT_START, EXIT_DATA, EXIT_USAGE, fail, plain};
use crate::config::MAX_OTHER_FILE;
use crate::import::{Imported, Source, Wishes, import as read, table, workshop};
use crate::model::words::import as words;
use crate::model::{Lang, Trouble};

/// Something could not be carried over.
const EXIT_INCOMPLETE: u8 = 2;

#[derive(clap::Args)]
pub(super) struct ImportArgs {
    /// The old file: Kepware tag export (CSV), Neuron tag export (xlsx), Telegraf configuration.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the file comes from (default: found out by its content).
    #[arg(long, value_name = "PRODUCT")]
    from: Option<From>,
    /// What to write: NAME.toml (a workshop) or NAME.csv (a tag table); default: TOML to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Id of the device; with several devices, the unit id follows it.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Name of the link.
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Overwrite the output if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum From {
    Kepware,
    Neuron,
    Telegraf,
}

pub(super) enum Form {
    Toml,
    Csv,
}

pub(super) fn import(args: &ImportArgs) -> ExitCode {
    let form = match args.output.as_deref().map(form) {
        None => Form::Toml,
        Some(Ok(form)) => form,
        Some(Err(trouble)) => return fail(&trouble, EXIT_USAGE),
    };
    for name in [&args.device, &args.link].into_iter().flatten() {
        if !is_name(name) {
            return fail(&Trouble::new(words::NAME_REFUSED).with("found", name.escape_debug()), EXIT_USAGE);
        }
    }
    let bytes = match bytes(&args.file, MAX_OTHER_FILE) {
        Ok(bytes) => bytes,
        Err(trouble) => return fail(&trouble, EXIT_DATA),
    };
    let named = args.from.map(|from| match from {
        From::Kepware => Source::Kepware,
        From::Neuron => Source::Neuron,
        From::Telegraf => Source::Telegraf,
    });
    let Some(source) = named.or_else(|| Source::detect(&bytes)) else {
        return fail(&Trouble::new(words::SOURCE_UNKNOWN).with("path", args.file.display()), EXIT_DATA);
    };
    let wishes = Wishes { device: args.device.as_deref(), link: args.link.as_deref(), lang: Lang::current() };
    let imported = match read(source, &bytes, wishes) {
        Ok(imported) => imported,
        Err(trouble) => return fail(&trouble, EXIT_DATA),
    };
    for trouble in imported.to_check.iter().chain(&imported.left_out) {
        tell(trouble);
    }
    if imported.tag_count() == 0 {
        return fail(&Trouble::new(words::NOTHING_LEFT).with("path", args.file.display()), EXIT_DATA);
    }
    let text = match form {
        Form::Toml => workshop(&imported, source).text,
        Form::Csv => match &imported.devices[..] {
            [device] => table(device),
            devices => {
                let names: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
                let trouble = Trouble::new(words::SEVERAL_DEVICES).with("count", devices.len());
                return fail(&trouble.with("names", names.join(", ")), EXIT_USAGE);
            }
        },
    };
    let written = match &args.output {
        None => {
            std::io::stdout().write_all(text.as_bytes()).ok(); // a closed pipe: nobody reads it
            Ok(())
        }
        Some(path) => write(path, &text, args.force),
    };
    if let Err(trouble) = written {
        return fail(&trouble, EXIT_CANNOT_START);
    }
    done(&imported)
}

/// Names are told to the person rather than changed: nobody else would notice.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

pub(super) fn form(path: &Path) -> Result<Form, Trouble> {
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("toml") => Ok(Form::Toml),
        Some("csv") => Ok(Form::Csv),
        _ => Err(Trouble::new(words::OUTPUT_ENDING).with("path", path.display())),
    }
}

/// Never over a file that is there, unless that is asked for.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Trouble> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Trouble::new(words::OUTPUT_EXISTS).with("path", path.display()),
        _ => Trouble::new(words::OUTPUT_UNWRITABLE).with("path", path.display()).with("error", error),
    })
}

pub(super) fn tell(trouble: &Trouble) {
    writeln!(std::io::stderr(), "{}", plain(trouble)).ok(); // a closed pipe: nobody reads it
}

fn done(imported: &Imported) -> ExitCode {
    let trouble = Trouble::new(words::DONE).with("tags", imported.tag_count()).with("devices", imported.devices.len());
    tell(&trouble.with("checks", imported.to_check.len()).with("count", imported.left_out.len()));
    match imported.left_out.is_empty() {
        true => ExitCode::SUCCESS,
        false => EXIT_INCOMPLETE.into(),
    }
}
