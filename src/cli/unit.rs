//! `cloudward unit`: the drop-in for systemd that follows from a configuration: addresses, serial ports, secrets, directories.
//! Here is what asks others: the resolver, and the list of name servers. What is written is decided in [`needs`] and [`page`].

mod needs;
mod page;

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::load::load_or_explain;
use super::{DEFAULT_CONFIG, EXIT_UNAVAILABLE, EXIT_USAGE, fail, plain, say};
use crate::model::words::unit as words;
use crate::model::{Lang, Trouble};
use needs::Needs;
use page::Page;

#[derive(clap::Args)]
pub(super) struct UnitArgs {
    /// The workshop's file; default: /etc/cloudward/workshop.toml, with --instance /etc/cloudward/NAME.toml.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For the instance cloudward@NAME.service of several workshops on one gateway.
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// One more address or network that may be talked to, such as 203.0.113.0/24; several times where needed.
    #[arg(long, value_name = "NETWORK")]
    allow: Vec<String>,
    /// Look no names up: what has a name is reached only as far as --allow says.
    #[arg(long)]
    leave_names_out: bool,
}

/// Where the resolver's servers are named.
const RESOLV_CONF: &str = "/etc/resolv.conf";

pub(super) fn unit(args: &UnitArgs) -> ExitCode {
    match print(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Told(code)) => code,
        Err(Ended::Trouble(trouble, code)) => fail(&trouble, code),
    }
}

enum Ended {
    Told(ExitCode),
    Trouble(Trouble, u8),
}

fn print(args: &UnitArgs) -> Result<(), Ended> {
    let wrong = |trouble| Ended::Trouble(trouble, EXIT_USAGE);
    let instance = args.instance.as_deref();
    if let Some(name) = instance.filter(|name| !is_instance(name)) {
        return Err(wrong(Trouble::new(words::BAD_INSTANCE).with("found", name)));
    }
    if let Some(found) = args.allow.iter().find(|network| !is_network(network)) {
        return Err(wrong(Trouble::new(words::BAD_NETWORK).with("found", found)));
    }
    let by_default = || match instance {
        Some(name) => PathBuf::from(format!("/etc/cloudward/{name}.toml")),
        None => PathBuf::from(DEFAULT_CONFIG),
    };
    let file = args.config.clone().unwrap_or_else(by_default);
    let config = load_or_explain(&file).map_err(Ended::Told)?;
    let needs = Needs::of(&config, &file);

    let mut found: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    if !args.leave_names_out {
        for name in needs.names() {
            found.insert(name.to_owned(), look_up(name).map_err(|trouble| Ended::Trouble(trouble, EXIT_UNAVAILABLE))?);
        }
    }
    let resolv_conf = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default(); // none: the resolver asks this machine
    let resolvers = if needs.names().next().is_some() { name_servers(&resolv_conf) } else { Vec::new() };
    let page = Page {
        needs: &needs,
        file: &file,
        instance,
        found: &found,
        resolvers: &resolvers,
        allow: &args.allow,
        given: &given(args),
    };
    say(page.text().trim_end());
    for remark in page.remarks() {
        eprintln(&remark);
    }
    Ok(())
}

/// The options as they were given, to be given again.
fn given(args: &UnitArgs) -> String {
    let mut given = String::new();
    if let Some(file) = &args.config {
        given += &format!(" --config {}", file.display());
    }
    if let Some(name) = &args.instance {
        given += &format!(" --instance {name}");
    }
    for network in &args.allow {
        given += &format!(" --allow {network}");
    }
    if args.leave_names_out {
        given += " --leave-names-out";
    }
    given
}

/// Beside the file that goes to standard output.
fn eprintln(remark: &Trouble) {
    use std::io::Write;
    writeln!(std::io::stderr(), "cloudward: {}", plain(remark.line(Lang::current()))).ok(); // a closed pipe: nobody reads it
}

fn look_up(name: &str) -> Result<Vec<IpAddr>, Trouble> {
    let trouble = |error: String| Trouble::new(words::NAME_NOT_FOUND).with("name", name).with("error", error);
    let answers = (name, 0).to_socket_addrs().map_err(|error| trouble(error.to_string()))?;
    let mut addresses: Vec<IpAddr> = answers.map(|answer| answer.ip()).collect();
    addresses.sort();
    addresses.dedup();
    match addresses.is_empty() {
        true => Err(trouble("no address".to_owned())),
        false => Ok(addresses),
    }
}

/// resolv.conf(5): `nameserver 192.168.1.1`, `nameserver fe80::1%eth0`.
fn name_servers(resolv_conf: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let address = line.trim().strip_prefix("nameserver")?.split_whitespace().next()?;
        address.split('%').next()?.parse().ok()
    };
    resolv_conf.lines().filter_map(server).collect()
}

/// What systemd takes behind the @ without escapes, and what is a file name.
fn is_instance(name: &str) -> bool {
    /// A unit's name has 255 letters at most; the rest is for `cloudward@`, `.service.d` and temporary names.
    const LONGEST: usize = 64;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.len() <= LONGEST && name.chars().all(is_plain) && !name.starts_with(['.', '-'])
}

/// systemd.resource-control(5): an address, with `/` the length of a prefix.
fn is_network(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let is_length =
        |p: &str| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u8>().is_ok_and(|length| length <= most);
    prefix.is_none_or(is_length)
}

/// The directory of an instance's state, by the name of its file: `/etc/cloudward/press.toml` is of `cloudward@press`.
pub(super) fn state_of_service(file: &Path) -> Option<PathBuf> {
    if file == Path::new(DEFAULT_CONFIG) {
        return Some(PathBuf::from(OF_SERVICE));
    }
    let is_beside =
        file.parent() == Path::new(DEFAULT_CONFIG).parent() && file.extension().is_some_and(|end| end == "toml");
    let name = file.file_stem().and_then(|stem| stem.to_str()).filter(|name| is_beside && is_instance(name))?;
    Some(PathBuf::from(format!("{OF_SERVICE}-{name}")))
}

/// deploy/cloudward.service; deploy/cloudward@.service puts the instance behind it.
const OF_SERVICE: &str = "/var/lib/cloudward";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_with_or_without_a_length() {
        for good in ["192.168.1.0/24", "10.0.0.1", "fd00::/8", "::1", "0.0.0.0/0"] {
            assert!(is_network(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "192.168.1.0/33",
            "192.168.1.0/",
            "192.168.1.0/+8",
            "broker.example.com",
            "any",
            "1.2.3.4\nX=y",
            "::/129",
        ] {
            assert!(!is_network(bad), "{bad}");
        }
    }

    #[test]
    fn an_instance_is_what_systemd_and_a_file_name_take() {
        assert!(is_instance("press") && is_instance("hall_2.A-1"));
        for bad in ["", ".", "..", "-x", "a/b", "a b", "冲压", "a\n", &"x".repeat(65)] {
            assert!(!is_instance(bad), "{bad}");
        }
    }

    #[test]
    fn the_state_of_an_instance_is_found_by_its_file() {
        let of = |file: &str| state_of_service(Path::new(file)).map(|dir| dir.display().to_string());
        assert_eq!(of("/etc/cloudward/workshop.toml").as_deref(), Some("/var/lib/cloudward"));
        assert_eq!(of("/etc/cloudward/press.toml").as_deref(), Some("/var/lib/cloudward-press"));
        assert_eq!(of("/home/li/press.toml"), None);
        assert_eq!(of("/etc/cloudward/press.bak"), None);
    }

    #[test]
    fn name_servers_are_those_of_the_resolver() {
        let text = "# made by hand\nsearch lan\nnameserver 192.168.1.1\n nameserver fe80::1%eth0\nnameserver\nnameserver odd\n";
        let expected: [IpAddr; 2] = ["192.168.1.1".parse().unwrap(), "fe80::1".parse().unwrap()];
        assert_eq!(name_servers(text), expected);
    }
}
