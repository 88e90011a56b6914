//! Trouble: anything that can go wrong and that a person may meet. It has a stable code, and the words for it (what,
//! cause, remedy, in English and Chinese) stand in one table, [`super::words`].

use std::fmt;
use std::sync::OnceLock;

use super::words;

/// A stable code such as `CW101`. Never reused for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The language for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

static LANG: OnceLock<Lang> = OnceLock::new();

impl Lang {
    /// The language that a locale such as `zh_CN.UTF-8` asks for.
    pub fn from_locale(locale: &str) -> Lang {
        if locale.to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
    }

    /// Settles the language of this process; the first call wins. Only `main` calls it.
    pub fn settle(self) {
        LANG.set(self).ok(); // a second call would change words in the middle of a run
    }

    /// The language of this process: English until settled.
    pub fn current() -> Lang {
        LANG.get().copied().unwrap_or_default()
    }
}

/// One sentence in both languages. `{name}` is replaced by the argument of that name.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

impl Text {
    /// The words in one language, arguments not yet filled in.
    pub fn pick(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

/// The words for one code.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The code.
    pub code: Code,
    /// What happened: one sentence without a full stop, with `{arguments}`.
    pub what: Text,
    /// What is usually behind it. No arguments.
    pub cause: Text,
    /// What to do. May have `{arguments}` that `what` has too.
    pub remedy: Text,
}

/// Something that went wrong: a code and the particulars.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trouble {
    /// The code.
    pub code: Code,
    /// The arguments of its words, by name.
    pub args: Vec<(&'static str, String)>,
}

impl Trouble {
    /// Trouble of this code, without arguments yet.
    pub fn new(code: Code) -> Trouble {
        Trouble { code, args: Vec::new() }
    }

    /// The same with one argument more.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Trouble {
        self.args.push((name, value.to_string()));
        self
    }

    /// What happened, in this language.
    pub fn what(&self, lang: Lang) -> String {
        self.fill(lang, words::of(self.code).what.pick(lang))
    }

    /// What to do, in this language.
    pub fn remedy(&self, lang: Lang) -> String {
        self.fill(lang, words::of(self.code).remedy.pick(lang))
    }

    /// `what; remedy [CW101]`: the line that a person reads first.
    pub fn line(&self, lang: Lang) -> String {
        let (what, remedy) = (self.what(lang), self.remedy(lang));
        match lang {
            Lang::En => format!("{what}; {remedy} [{}]", self.code),
            Lang::Zh => format!("{what}；{remedy} [{}]", self.code),
        }
    }

    fn fill(&self, lang: Lang, template: &str) -> String {
        let mut text = template.to_owned();
        for (name, value) in &self.args {
            let name = format!("{{{name}}}");
            text = match (lang, name.as_str()) {
                (Lang::Zh, "{error}" | "{found}") => text.replace(&name, &words::system::in_chinese(value)),
                _ => text.replace(&name, value),
            };
        }
        text
    }
}

/// The line in the language of this process.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(Lang::current()))
    }
}

impl std::error::Error for Trouble {}
