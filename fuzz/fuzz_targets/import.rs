//! Any bytes as an export of another product. Held: whatever is carried over is a valid workshop, and its table is a valid
//! table with the same number of tags.

#![no_main]

use cloudward::config::Config;
use cloudward::import::{Source, Wishes, import, table, workshop};
use libfuzzer_sys::fuzz_target;

const HEAD: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n[[link]]\nname = \"l\"\nmodbus_tcp = \"h\"\n[[device]]\nid = \"m\"\nlink = \"l\"\ntags_file = \"t.csv\"\n";

fuzz_target!(|bytes: &[u8]| {
    Source::detect(bytes);
    for source in [Source::Kepware, Source::Neuron, Source::Telegraf] {
        let Ok(imported) = import(source, bytes, Wishes::default()) else { continue };
        let text = workshop(&imported, source).text;
        let config = Config::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"));
        let tags: usize = config.devices.iter().map(|device| device.tags.len()).sum();
        assert_eq!(tags, imported.tag_count());
        for device in &imported.devices {
            let csv = table(device);
            let read = |_: &str| Ok(csv.clone().into_bytes());
            let with_table =
                Config::parse_with(HEAD, &read).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{csv}"));
            assert_eq!(with_table.devices[0].tags.len(), device.tags.len());
        }
    }
});
