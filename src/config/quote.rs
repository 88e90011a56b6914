//! How text is written into TOML, wherever cloudward writes some.

/// A basic string of TOML on one line: quotes, backslashes and control characters escaped.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back_and_stands_on_one_line(text in any::<String>()) {
            let line = format!("x = {}", quoted(&text));
            prop_assert!(!line.contains('\n'));
            let table: toml::Table = line.parse().expect("it is TOML");
            prop_assert_eq!(table["x"].as_str(), Some(text.as_str()));
        }
    }
}
