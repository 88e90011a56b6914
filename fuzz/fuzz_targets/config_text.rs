//! Any text as a configuration. Held: it is valid, or there is at least one mistake, each on a line that exists and with
//! words that have no argument left open; what is valid stays so when it is read again. The same text as a node of OPC UA.

#![no_main]

use cloudward::config::Config;
use cloudward::config::opcua::NodeAddress;
use cloudward::model::Lang;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(node) = NodeAddress::parse(text) {
        assert_eq!(NodeAddress::parse(&node.to_string()), Some(node), "its own text names the same node");
    }
    match Config::parse(text) {
        Ok(config) => {
            assert_eq!(Config::parse(text).as_ref(), Ok(&config));
            for device in &config.devices {
                for tag in &device.tags {
                    let Some(register) = tag.register() else { continue };
                    let end = u32::from(register.address.offset) + u32::from(register.data_type.width());
                    assert!(end <= 65_536, "a tag ends before the last address");
                }
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            let lines = 1 + text.bytes().filter(|byte| *byte == b'\n').count();
            for mistake in &mistakes {
                assert!((1..=lines).contains(&mistake.line), "line {} of {lines}", mistake.line);
                for lang in [Lang::En, Lang::Zh] {
                    let said = mistake.show(lang);
                    assert!(!said.contains(char::is_control), "{said:?}");
                }
            }
        }
    }
});
