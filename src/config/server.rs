//! An OPC UA server in the configuration: `opcua = "opc.tcp://..."` of a link, and the keys that go with it.

use super::check::{Unique, host_and_port};
use super::opcua::{OpcUaServer, Policy, SecurityMode, ServerProfile, User};
use super::read::{Section, halfwidth};
use super::sink::{hide_user, secret};
use crate::model::words::config as words;
use crate::model::words::opcua_config as opcua_words;

/// Keys that no other link has.
pub(super) const KEYS: [&str; 13] = [
    "security",
    "policy",
    "user",
    "password",
    "password_file",
    "password_credential",
    "password_env",
    "user_cert_file",
    "user_key_file",
    "user_key_credential",
    "user_key_env",
    "server",
    "max_items",
];

/// Keys of other links that would have no effect.
pub(super) const OF_OTHERS: [&str; 14] = [
    "max_registers",
    "max_bits",
    "max_gap",
    "one_by_one",
    "pause",
    "pause_after_connect",
    "close_after_cycle",
    "baud",
    "data_bits",
    "parity",
    "stop_bits",
    "rs485",
    "registration",
    "heartbeat",
];

/// The server of a link. Where something is wrong, something of the right shape stands in, so that reading goes on.
pub(super) fn server(section: &Section<'_>, endpoints: &mut Unique) -> OpcUaServer {
    if !cfg!(feature = "opcua") {
        section.wrong("opcua", opcua_words::NOT_BUILT, |t| t);
    }
    section.refuse(&OF_OTHERS, opcua_words::KEY_OF_OTHERS, |t| t);
    let (url, host, port) = url(section).unwrap_or_default();
    endpoints.check(section, "opcua", &url);
    let mode = one_of(section, "security", &SecurityMode::ALL.map(SecurityMode::as_str), SecurityMode::parse);
    let mode = mode.unwrap_or(SecurityMode::SignAndEncrypt);
    let max_items = section.integer("max_items", 1..=MOST_ITEMS).and_then(|n| usize::try_from(n).ok());
    let profile = one_of(section, "server", &ServerProfile::ALL.map(ServerProfile::as_str), ServerProfile::parse);
    OpcUaServer {
        policy: policy(section, mode),
        user: user(section, mode, &host),
        profile: profile.unwrap_or(ServerProfile::Generic),
        url,
        host,
        port,
        mode,
        max_items,
    }
}

/// No server takes more in one call.
const MOST_ITEMS: i64 = 10_000;

/// The value of a key that is one of some words.
pub(super) fn one_of<T>(
    section: &Section<'_>,
    key: &'static str,
    known: &[&str],
    parse: fn(&str) -> Option<T>,
) -> Option<T> {
    let text = section.text(key, &format!("{key} = \"{}\"", known.first().copied().unwrap_or_default()))?;
    let parsed = parse(&text);
    if parsed.is_none() {
        section.wrong(key, words::NOT_ONE_OF, |t| t.with("found", &text).with("known", known.join(", ")));
    }
    parsed
}

/// The URL in full, its host and its port.
fn url(section: &Section<'_>) -> Option<(String, String, u16)> {
    const EXAMPLE: &str = "opc.tcp://192.168.1.20:4840";
    const SCHEME: &str = "opc.tcp://";
    let typed = section.needed_text("opcua", &format!("opcua = \"{EXAMPLE}\""))?;
    let text = typed.trim();
    let plain = halfwidth(text);
    let parse = |rest: &str| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_path = !path.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#'));
        let (host, port) = host_and_port(authority, OpcUaServer::DEFAULT_PORT).filter(|_| is_path)?;
        let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Some((format!("{SCHEME}{authority}{}", if path == "/" { "" } else { path }), host, port))
    };
    let rest = text.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    let parsed = rest.and_then(|scheme| parse(&text[scheme.len()..]));
    if parsed.is_none() && plain != text {
        section.wrong("opcua", words::FULLWIDTH, |t| t.with("found", hide_user(text)).with("plain", hide_user(&plain)));
    } else if parsed.is_none() {
        // What stands behind another scheme, or without any, is often right.
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
        let example = parse(bare).map_or(EXAMPLE.to_owned(), |(url, ..)| url);
        section.wrong("opcua", opcua_words::BAD_URL, |t| t.with("found", hide_user(text)).with("example", example));
    }
    parsed
}

fn policy(section: &Section<'_>, mode: SecurityMode) -> Option<Policy> {
    const OLD: [&str; 2] = ["Basic128Rsa15", "Basic256"];
    let known = Policy::ALL.map(Policy::as_str);
    if section.has("policy") && mode == SecurityMode::None {
        section.wrong("policy", opcua_words::POLICY_WITHOUT_SECURITY, |t| t);
    }
    if let Some(old) = section.peek_text("policy").filter(|text| OLD.contains(text)) {
        section.wrong("policy", opcua_words::OLD_POLICY, |t| t.with("found", old).with("known", known.join(", ")));
        return None;
    }
    one_of(section, "policy", &known, Policy::parse)
}

fn user(section: &Section<'_>, mode: SecurityMode, host: &str) -> User {
    let name = section.text("user", "user = \"gateway\"").filter(|name| {
        let is_empty = name.trim().is_empty();
        if is_empty {
            section.wrong("user", words::NOT_TEXT, |t| t.with("found", "\"\"").with("example", "user = \"gateway\""));
        }
        !is_empty
    });
    if section.has("password") {
        section.wrong("password", words::SECRET_IN_CLEAR, |t| t); // the value itself is not repeated
    }
    let password = secret(section, "password", PASSWORD);
    let certificate = section.file("user_cert_file");
    let key = secret(section, "user_key", ["user_key_file", "user_key_credential", "user_key_env"]);
    if section.has("user") && section.has("user_cert_file") {
        section.wrong("user_cert_file", opcua_words::USER_AND_CERTIFICATE, |t| t);
        return User::Anonymous;
    }
    // What is there and is no text has its mistake already.
    let has_password = PASSWORD.into_iter().chain(["password"]).any(|key| section.has(key));
    let has_key = ["user_key_file", "user_key_credential", "user_key_env"].into_iter().any(|key| section.has(key));
    if !section.has("user") && has_password {
        section.wrong("user", opcua_words::PASSWORD_WITHOUT_USER, |t| t);
    }
    if section.has("user_cert_file") && !has_key {
        section.wrong("user_cert_file", opcua_words::CERTIFICATE_WITHOUT_KEY, |t| t);
    }
    if !section.has("user_cert_file") && has_key {
        section.wrong("user_cert_file", opcua_words::KEY_WITHOUT_CERTIFICATE, |t| t);
    }
    match (name, password, certificate, key) {
        (Some(name), Some(password), ..) => {
            if mode == SecurityMode::None {
                section.wrong("user", opcua_words::PASSWORD_READABLE, |t| t.with("host", host));
            }
            User::Password { name, password }
        }
        (Some(_), None, ..) if !has_password => {
            section.wrong("user", opcua_words::USER_WITHOUT_PASSWORD, |t| t);
            User::Anonymous
        }
        (None, _, Some(file), Some(key)) => User::Certificate { file, key },
        _ => User::Anonymous,
    }
}

const PASSWORD: [&str; 3] = ["password_file", "password_credential", "password_env"];

#[cfg(feature = "opcua")]
#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::config::{Config, Manners, SecretSource, Transport};

    fn config(link: &str) -> Config {
        let text = format!(
            "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
             [[link]]\nname = \"s\"\n{link}\n"
        );
        Config::parse(&text).unwrap_or_else(|mistakes| panic!("{link}: {mistakes:?}"))
    }

    fn parsed(config: &Config) -> OpcUaServer {
        let Transport::OpcUa(server) = &config.links[0].transport else { panic!("no server") };
        (**server).clone()
    }

    #[test]
    fn a_url_is_enough_and_the_safe_way_is_the_default() {
        let config = config("opcua = \"opc.tcp://plc-7\"");
        let expected = OpcUaServer {
            url: "opc.tcp://plc-7:4840".into(),
            host: "plc-7".into(),
            port: 4840,
            mode: SecurityMode::SignAndEncrypt,
            policy: None,
            user: User::Anonymous,
            profile: ServerProfile::Generic,
            max_items: None,
        };
        assert_eq!(parsed(&config), expected);
        let link = &config.links[0];
        assert_eq!((link.timeout, link.connect_timeout), (Duration::from_secs(5), Duration::from_secs(5)));
        assert_eq!((link.manners, link.transport.to_string()), (Manners::DEFAULT, expected.url));
    }

    #[test]
    fn urls_are_taken_as_servers_show_them() {
        for (typed, url, host, port) in [
            ("opc.tcp://10.0.0.1:4841/UA/Server", "opc.tcp://10.0.0.1:4841/UA/Server", "10.0.0.1", 4841),
            ("OPC.TCP://10.0.0.1/", "opc.tcp://10.0.0.1:4840", "10.0.0.1", 4840),
            (
                " opc.tcp://DESKTOP-1:53530/OPCUA/SimulationServer ",
                "opc.tcp://DESKTOP-1:53530/OPCUA/SimulationServer",
                "DESKTOP-1",
                53530,
            ),
            ("opc.tcp://[fe80::1]:4840/a", "opc.tcp://[fe80::1]:4840/a", "fe80::1", 4840),
        ] {
            let server = parsed(&config(&format!("opcua = \"{typed}\"")));
            assert_eq!((server.url.as_str(), server.host.as_str(), server.port), (url, host, port));
        }
    }

    #[test]
    fn secrets_and_certificates_lie_beside_the_configuration() {
        let user = |keys: &str| {
            let config = config(&format!("opcua = \"opc.tcp://h\"\n{keys}"));
            parsed(&config.anchored(Path::new("/etc/cloudward/workshop.toml"))).user
        };
        let password = SecretSource::File("/etc/cloudward/password".into());
        let name = "gateway".to_owned();
        assert_eq!(user("user = \"gateway\"\npassword_file = \"password\""), User::Password { name, password });
        let certificate = |key| User::Certificate { file: "/etc/cloudward/user.pem".into(), key };
        assert_eq!(
            user("user_cert_file = \"user.pem\"\nuser_key_file = \"/run/user.key\""),
            certificate(SecretSource::File("/run/user.key".into()))
        );
        assert_eq!(
            user("security = \"none\"\nuser_cert_file = \"user.pem\"\nuser_key_credential = \"key\""),
            certificate(SecretSource::Credential("key".into())),
            "a signature shows nobody the key"
        );
    }
}
