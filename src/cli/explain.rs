//! `cloudward explain CODE`.

use std::process::ExitCode;

use super::{EXIT_USAGE, fail, say};
use crate::model::words::agent as words;
use crate::model::{Lang, Trouble, Words, words as table};

#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// The code at the end of a message (CW204, or just 204); without it, all codes are listed.
    code: Option<String>,
}

pub(super) fn explain(args: &ExplainArgs) -> ExitCode {
    let lang = Lang::current();
    let Some(code) = &args.code else {
        table::all().for_each(|words| say(format_args!("{}  {}", words.code, with_places(words.what.pick(lang)))));
        return ExitCode::SUCCESS;
    };
    match table::find(code) {
        Some(words) => {
            say(text(words, lang));
            ExitCode::SUCCESS
        }
        None => fail(&Trouble::new(words::NO_SUCH_CODE).with("code", code), EXIT_USAGE),
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
