//! Each file in tests/cases/config is a configuration with mistakes; beside it stands what is said about them, in
//! English and Chinese. `CLOUDWARD_BLESS=1 cargo test --test config_mistakes` writes the answers anew: read the diff.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cloudward::config::Config;
use cloudward::model::words::config as words;
use cloudward::model::{Lang, Trouble};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/config");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of cases exists")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        // A build without OPC UA has one mistake more on each of its links.
        .filter(|path| cfg!(feature = "opcua") || path.file_stem().is_some_and(|name| name != "opcua"))
        .collect();
    files.sort();
    files
}

/// Reads what a case names, as `cloudward check` does.
fn beside(case: &Path) -> impl Fn(&str) -> Result<Vec<u8>, Trouble> {
    let folder = case.parent().expect("a case is in a folder").to_owned();
    move |named| {
        std::fs::read(folder.join(named))
            .map_err(|error| Trouble::new(words::FILE_UNREADABLE).with("path", named).with("found", error))
    }
}

fn said_about(case: &Path, lang: Lang) -> String {
    let text = std::fs::read_to_string(case).expect("a case is readable");
    let mistakes = Config::parse_with(&text, &beside(case)).expect_err("a case has mistakes");
    mistakes.iter().map(|mistake| mistake.show(lang) + "\n").collect()
}

#[test]
fn every_mistake_is_named_with_line_key_finding_and_remedy() {
    for case in cases() {
        for (lang, ending) in [(Lang::En, "en.txt"), (Lang::Zh, "zh.txt")] {
            let said = said_about(&case, lang);
            let golden = case.with_extension(ending);
            if std::env::var_os("CLOUDWARD_BLESS").is_some() {
                std::fs::write(&golden, &said).expect("the golden file can be written");
            }
            let expected = std::fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(said, expected, "{}", case.display());
        }
    }
}

#[test]
fn the_cases_hold_at_least_forty_mistakes_and_all_at_once() {
    let count: usize = cases().iter().map(|case| said_about(case, Lang::En).lines().count()).sum();
    assert!(count >= 40, "{count}");
}

#[test]
fn no_sentence_has_an_argument_left_open() {
    for case in cases() {
        for lang in [Lang::En, Lang::Zh] {
            let said = said_about(&case, lang);
            let open = said
                .lines()
                .find(|line| line.contains("{key}") || line.contains("{found}") || line.contains("{known}"));
            assert_eq!(open, None);
        }
    }
}

#[test]
#[cfg_attr(not(feature = "opcua"), ignore = "the example has an OPC UA link")]
fn large_files_are_read_soon_be_they_right_or_wrong() {
    let devices = |address: &str| {
        let tag = |n| format!("    {{ name = \"t{n}\", address = \"{address}\", type = \"u16\" }},\n");
        let tags = (0..1_000).map(tag).collect::<String>();
        let device = |n| format!("[[device]]\nid = \"d{n}\"\nlink = \"press-plc\"\ntags = [\n{tags}]\n");
        format!("{}{}", include_str!("../config/workshop.toml"), (0..10).map(device).collect::<String>())
    };
    let began = Instant::now();
    assert_eq!(Config::parse(&devices("40001")).map(|config| config.devices.len()), Ok(16));
    assert_eq!(Config::parse(&devices("nowhere")).map_err(|mistakes| mistakes.len()), Err(10_000));
    // A moment in fact; a minute and more where each tag costs a walk through the file.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_password_written_into_the_file_is_not_repeated() {
    for case in cases() {
        assert!(!said_about(&case, Lang::En).contains("hunter2"), "{}", case.display());
    }
}

#[test]
#[cfg_attr(not(feature = "opcua"), ignore = "the example has an OPC UA link")]
fn the_example_is_valid_and_its_commented_defaults_are_the_defaults() {
    let example = include_str!("../config/workshop.toml");
    let plain = Config::parse(example).expect("the example is valid");
    let mut shown = 0;
    let spelled_out: String = example
        .lines()
        .map(|line| {
            let default = line.strip_prefix("# ").filter(|rest| is_a_key(rest));
            shown += usize::from(default.is_some());
            format!("{}\n", default.unwrap_or(line))
        })
        .collect();
    assert!(shown >= 18, "the example shows {shown} defaults");
    let mut spelled = Config::parse(&spelled_out).expect("the example with its defaults spelled out is valid");
    // These four show what is otherwise decided by the machine, or by nobody.
    assert_eq!(spelled.journal.dir.take(), Some("state".into()));
    assert_eq!(spelled.journal.max_size.take(), Some(2_000_000_000));
    assert_eq!(spelled.journal.reserve.take(), Some(200_000_000));
    assert_eq!(spelled.metrics.listen.take(), "127.0.0.1:9464".parse().ok());
    assert_eq!(plain, spelled);
}

#[cfg(not(feature = "opcua"))]
#[test]
fn a_build_without_opc_ua_says_so_and_nothing_else() {
    let mistakes = Config::parse(include_str!("../config/workshop.toml")).expect_err("the example has such a link");
    let said: Vec<_> = mistakes.iter().map(|mistake| mistake.show(Lang::En)).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("this build of cloudward has no OPC UA"), "{said:?}");
}

/// `key = value`, not prose; an empty file name is no default to write out.
fn is_a_key(text: &str) -> bool {
    let Some((key, value)) = text.split_once(" = ") else { return false };
    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !value.starts_with("\"\"")
}
