//! `cloudward explain`: a code of a message, or a figure with everything that it comes from.

use std::process::ExitCode;

use super::figures::{Ended, Room};
use super::{ConfigArgs, EXIT_USAGE, fail, say};
use crate::config::Equipment;
use crate::model::words::agent as words;
use crate::model::words::report as of_figures;
use crate::model::{Lang, Timestamp, Trouble, Words, words as table};
use crate::report::explain as figure;

#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// The code at the end of a message (CW204, or just 204), or an indicator (O6, availability); without it, all codes are listed.
    code: Option<String>,
    /// Of an indicator: the device.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Of an indicator: the period, as in `cloudward report`.
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn explain(args: &ExplainArgs) -> ExitCode {
    let lang = Lang::current();
    let Some(code) = &args.code else {
        table::all().for_each(|words| say(format_args!("{}  {}", words.code, with_places(words.what.pick(lang)))));
        return ExitCode::SUCCESS;
    };
    if figure::is_known(code) || args.device.is_some() || args.period.is_some() {
        return Ended::code(figure_of(code, args));
    }
    match table::find(code) {
        Some(words) => {
            say(text(words, lang));
            ExitCode::SUCCESS
        }
        None => fail(&Trouble::new(words::NO_SUCH_CODE).with("code", code), EXIT_USAGE),
    }
}

/// The formula, the inputs, and the hours and stretches of the state log that they come from.
fn figure_of(indicator: &str, args: &ExplainArgs) -> Result<(), Ended> {
    if !figure::is_known(indicator) {
        let trouble = Trouble::new(of_figures::NO_INDICATOR).with("found", indicator.escape_debug());
        return Err(Ended::usage(trouble.with("known", figure::known())));
    }
    let (Some(device), Some(period)) = (&args.device, &args.period) else {
        return Err(Ended::usage(Trouble::new(of_figures::NEEDS_BOTH).with("found", indicator)));
    };
    let room = Room::open(&args.config.config, Timestamp::of(std::time::SystemTime::now()))?;
    room.known(device)?;
    let asked = room.asked(period)?;
    let cells = room.cells(&asked, Some(device))?.remove(device).unwrap_or_default();
    let intervals = room.intervals((asked.start, asked.end), Some(device))?.remove(device).unwrap_or_default();
    let uploads = room.uploads(&asked, Some(device))?.remove(device).unwrap_or_default();
    let usual = Equipment::default();
    let of = room.config.devices.iter().find(|known| *known.id == **device);
    let equipment = of.map_or(&usual, |known| &known.equipment);
    let question = figure::Question {
        indicator,
        device,
        asked: &asked,
        cells: &cells,
        intervals: &intervals,
        uploads: &uploads,
        zone: &room.zone,
        equipment,
    };
    match figure::explain(&question, Lang::current()) {
        Some(text) => {
            say(text.trim_end());
            Ok(())
        }
        None => Err(room.nothing(&asked, Some(device))?),
    }
}

/// `{link}` as `<link>`: the place of a particular that is not known here.
fn with_places(text: &str) -> String {
    text.replace('{', "<").replace('}', ">")
}

fn text(words: &Words, lang: Lang) -> String {
    let [what, cause, remedy] = [words.what, words.cause, words.remedy].map(|text| with_places(text.pick(lang)));
    match lang {
        Lang::En => format!("{}: {what}\n\nCause:  {cause}\nRemedy: {remedy}", words.code),
        Lang::Zh => format!("{}：{what}\n\n原因：{cause}\n处理：{remedy}", words.code),
    }
}
