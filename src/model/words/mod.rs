//! One table of words for people: each code with what, cause and remedy, in English and Chinese. The table is kept in
//! one file per topic; codes are numbered by topic: 1xx configuration, 2xx machines and links, 3xx journal and disk,
//! 4xx brokers and delivery, 5xx the agent and its surroundings, 6xx what is done by hand, 7xx
//! OPC UA, 80x to 82x proofs and files that are carried, 83x and 84x how a running agent is, 85x to 89x keeping and delivering in the configuration.

pub mod agent;
pub mod browse;
pub mod clock;
pub mod config;
pub mod delivery_config;
pub mod egress;
pub mod evidence;
pub mod figures;
pub mod import;
pub mod indicator_config;
pub mod journal;
pub mod ledger;
pub mod opcua;
pub mod opcua_config;
pub mod opcua_trust;
pub mod report;
pub mod simulator;
pub mod sink;
pub mod source;
pub mod status;
pub(super) mod system;
pub mod tools;
pub mod transfer;
pub mod unit;
pub mod verify;
pub mod write;

use super::trouble::{Code, Words};

/// All words, in the order of their codes.
pub fn all() -> impl Iterator<Item = &'static Words> {
    [
        config::WORDS,
        source::WORDS,
        self::opcua::WORDS,
        opcua_trust::WORDS,
        journal::WORDS,
        sink::WORDS,
        agent::WORDS,
        simulator::WORDS,
        tools::WORDS,
        browse::WORDS,
        import::WORDS,
        write::WORDS,
        opcua_config::WORDS,
        egress::WORDS,
        clock::WORDS,
        ledger::WORDS,
        verify::WORDS,
        transfer::WORDS,
        status::WORDS,
        delivery_config::WORDS,
        indicator_config::WORDS,
        report::WORDS,
        figures::WORDS,
        evidence::WORDS,
        unit::WORDS,
    ]
    .into_iter()
    .flatten()
}

/// The words for a code as a person types it (`CW101`, `cw101`, `101`).
pub fn find(typed: &str) -> Option<&'static Words> {
    let digits = typed.trim().trim_start_matches(['c', 'C', 'w', 'W']);
    all().find(|words| words.code.0[2..] == *digits)
}

/// The words for a code of ours.
pub(super) fn of(code: Code) -> &'static Words {
    all().find(|words| words.code == code).expect("the test `every_code_has_words` finds codes without words")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn sources() -> Vec<(&'static str, &'static str)> {
        vec![
            ("config", include_str!("config.rs")),
            ("source", include_str!("source.rs")),
            ("opcua", include_str!("opcua.rs")),
            ("opcua_trust", include_str!("opcua_trust.rs")),
            ("journal", include_str!("journal.rs")),
            ("sink", include_str!("sink.rs")),
            ("agent", include_str!("agent.rs")),
            ("simulator", include_str!("simulator.rs")),
            ("tools", include_str!("tools.rs")),
            ("browse", include_str!("browse.rs")),
            ("import", include_str!("import.rs")),
            ("write", include_str!("write.rs")),
            ("opcua_config", include_str!("opcua_config.rs")),
            ("egress", include_str!("egress.rs")),
            ("delivery_config", include_str!("delivery_config.rs")),
            ("ledger", include_str!("ledger.rs")),
            ("clock", include_str!("clock.rs")),
            ("verify", include_str!("verify.rs")),
            ("transfer", include_str!("transfer.rs")),
            ("status", include_str!("status.rs")),
            ("indicator_config", include_str!("indicator_config.rs")),
            ("report", include_str!("report.rs")),
            ("figures", include_str!("figures.rs")),
            ("evidence", include_str!("evidence.rs")),
            ("unit", include_str!("unit.rs")),
        ]
    }

    #[test]
    fn every_code_has_words() {
        let known: BTreeSet<_> = all().map(|words| words.code.0).collect();
        for (file, source) in sources() {
            for rest in source.split("Code(\"").skip(1) {
                let code = rest.split('"').next().unwrap_or_default();
                assert!(known.contains(code), "{code} of words/{file}.rs has no words");
            }
        }
    }

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<_> = all().map(|words| words.code.0).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for code in codes {
            assert!(
                code.len() == 5 && code.starts_with("CW") && code[2..].bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        for words in all() {
            for text in [words.what, words.cause, words.remedy] {
                assert!(
                    !text.en.trim().is_empty() && !text.zh.trim().is_empty(),
                    "{}: a sentence is empty",
                    words.code
                );
                assert!(
                    text.en.is_ascii() || text.en.contains('°') || text.en.contains('…'),
                    "{}: {}",
                    words.code,
                    text.en
                );
                assert!(text.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}: {}", words.code, text.zh);
                assert_eq!(arguments(text.en), arguments(text.zh), "{}", words.code);
            }
            assert!(arguments(words.cause.en).is_empty(), "{}", words.code);
            assert!(
                words.cause.en.ends_with('.') && words.cause.zh.ends_with('。'),
                "{}: the cause is a sentence",
                words.code
            );
            assert!(
                !words.remedy.en.ends_with('.') && !words.remedy.zh.ends_with('。'),
                "{}: the remedy is none",
                words.code
            );
        }
    }

    #[test]
    fn codes_are_found_as_people_type_them() {
        let first = all().next().map(|w| w.code.0).unwrap_or_default();
        for typed in [first.to_owned(), first.to_lowercase(), first[2..].to_owned(), format!(" {first} ")] {
            assert_eq!(find(&typed).map(|w| w.code.0), Some(first), "{typed:?}");
        }
        assert!(find("CW000").is_none());
    }

    fn arguments(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }
}
