//! Any bytes as a tag table: CSV when the first byte is even, otherwise a workbook. Held: the table is valid or there is a
//! mistake; a mistake names a row that a spreadsheet program has; names stand once.

#![no_main]

use cloudward::config::Config;
use cloudward::model::Lang;
use libfuzzer_sys::fuzz_target;

const HEAD: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n";

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, table)) = bytes.split_first() else { return };
    let name = if kind % 2 == 0 { "t.csv" } else { "t.xlsx" };
    let read = |_: &str| Ok(table.to_vec());
    match Config::parse_with(&format!("{HEAD}tags_file = \"{name}\"\n"), &read) {
        Ok(config) => {
            let names: std::collections::HashSet<_> = config.devices[0].tags.iter().map(|tag| &tag.name).collect();
            assert_eq!(names.len(), config.devices[0].tags.len(), "a name stands once");
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in &mistakes {
                assert!(mistake.line >= 1 && mistake.line <= 1_048_577, "row {}", mistake.line);
                assert!(!mistake.show(Lang::Zh).contains(char::is_control));
            }
        }
    }
});
