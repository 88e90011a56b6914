//! `cloudward trust LINK`: a person confirms the certificate of an OPC UA server.
//!
//! The rule: nothing is trusted by itself. What was shown is what is pinned, and only after a yes to its fingerprint, or if it
//! is the fingerprint that was given.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use super::load::load_or_explain;
use super::run::{runtime, state_dir_by_hand};
use super::{
    ConfigArgs, EXIT_CANNOT_START, EXIT_DECLINED, EXIT_PROTOCOL, EXIT_UNAVAILABLE, EXIT_USAGE, ask, fail, plain, say,
    user,
};
use crate::config::opcua::{OpcUaServer, SecurityMode};
use crate::config::{Config, Link, Transport};
use crate::model::words::{opcua as session_words, opcua_trust as words};
use crate::model::{Lang, Timestamp, Trouble, Why};
use crate::source::opcua::certificate::{Certificate, Facts, Oddity};
use crate::source::opcua::contact::{Contact, look};
use crate::source::opcua::fault::Fault;
use crate::source::opcua::pki::{Pin, Pki};

#[derive(clap::Args)]
#[command(after_help = LESSON)]
pub(super) struct TrustArgs {
    /// Name of an OPC UA link in the configuration.
    #[arg(value_name = "LINK")]
    link: String,
    #[command(flatten)]
    config: ConfigArgs,
    /// The SHA-256 fingerprint as the server itself shows it, with or without colons; a certificate that has another one is not
    /// trusted.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
    /// Do not ask if the fingerprint is the one that was given.
    #[arg(long, requires = "fingerprint")]
    yes: bool,
}

const LESSON: &str = "\
How it is done:
  1. Look up the fingerprint of the certificate at the server itself (in TIA Portal, in the OPC UA Configuration of KEPServerEX, ...).
  2. Run `cloudward trust LINK`, compare digit by digit, and type yes only if both are the same.
  3. The server must trust this gateway too: `cloudward cert export -o gateway.der` and load it there; or let the agent connect once, \
and move it from the rejected to the trusted certificates in the server.
A running agent takes it up at its next try, without a restart. A server that gets a new certificate has to be confirmed again.
To roll out many: `cloudward trust LINK --fingerprint AB:CD:...`, with a fingerprint that comes from the server, not from the network.
Exit codes: 0 confirmed, 1 answered with no, 64 wrong arguments or no terminal, 69 server not reached, 73 the state directory belongs to \
another user, 76 another or a broken certificate, 78 mistakes in the configuration.";

/// Why it ends otherwise than well, and with which exit code.
pub(super) type Ended = (Trouble, u8);

pub(super) fn trust(args: &TrustArgs) -> ExitCode {
    let config = match load_or_explain(&args.config.config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    match confirm(args, &config) {
        Ok(()) => ExitCode::SUCCESS,
        Err((trouble, code)) => fail(&trouble, code),
    }
}

fn confirm(args: &TrustArgs, config: &Config) -> Result<(), Ended> {
    let (link, server) = find(config, &args.link).map_err(|trouble| (trouble, EXIT_USAGE))?;
    let told = |code| Trouble::new(code).with("link", &link.name).with("endpoint", &server.url);
    let usage = |code| (told(code), EXIT_USAGE);
    if server.mode == SecurityMode::None {
        return Err(usage(words::LINK_WITHOUT_SECURITY));
    }
    let is_terminal = std::io::stdin().is_terminal();
    match args.fingerprint.as_deref() {
        // Before anything is asked of the server: it does not change by that.
        Some(typed) if ANY.is_sha256(typed).is_none() => {
            return Err((Trouble::new(words::NO_FINGERPRINT).with("found", typed), EXIT_USAGE));
        }
        None if !is_terminal => return Err(usage(words::TRUST_UNASKED)),
        _ => {}
    }
    let state_dir = state_dir_by_hand(config, &args.config.config);
    refuse_strangers(&state_dir)?;
    let pki = Pki::of(&state_dir);
    let now = Timestamp::of(SystemTime::now());
    let contact = meet(link, server, &pki, now)
        .map_err(|(trouble, code)| (trouble.with("link", &link.name).with("endpoint", &server.url), code))?;
    let Contact { certificate, oddities, .. } = &contact;
    let Some(facts) = certificate.facts() else { return Err((told(session_words::NO_CERTIFICATE), EXIT_PROTOCOL)) };
    let before = pki.pinned(&link.name).unwrap_or_else(|trouble| {
        // What is confirmed now takes its place.
        writeln!(std::io::stderr(), "cloudward: {}", plain(trouble)).ok(); // a closed pipe: nobody reads it
        None
    });

    let shown = Shown { link, server, contact: &contact, facts: &facts, zone: &config.workshop.timezone };
    shown.all(before.as_ref().map(|pin| &pin.certificate).filter(|known| *known != certificate));
    let rejected = || match pki.reject(&link.name, certificate) {
        Ok(path) => path.display().to_string(),
        Err(error) => error.to_string(),
    };
    if oddities.iter().any(|oddity| !oddity.may_be_accepted()) {
        rejected();
        return Err((told(words::BROKEN_SIGNATURE), EXIT_PROTOCOL));
    }
    if args.fingerprint.as_deref().is_some_and(|typed| certificate.is_sha256(typed) != Some(true)) {
        let trouble = told(words::FINGERPRINT_DIFFERS).with("sha256", certificate.sha256());
        return Err((trouble.with("path", rejected()), EXIT_PROTOCOL));
    }
    let is_known =
        before.is_some_and(|pin| pin.certificate.der == certificate.der && pin.accepted.is_superset(oddities));
    if is_known {
        say(match Lang::current() {
            Lang::En => "This certificate is confirmed already; nothing was changed.",
            Lang::Zh => "该证书已经确认过，未作更改。",
        });
        return Ok(());
    }
    if is_terminal && !args.yes && !is_answered_with_yes() {
        return Err((told(words::TRUST_DECLINED).with("path", rejected()), EXIT_DECLINED));
    }
    let pin = Pin { certificate: certificate.clone(), accepted: oddities.clone() };
    let path = pki.pin(&link.name, &pin, now).map_err(|trouble| (trouble, EXIT_CANNOT_START))?;
    let (name, path) = (&link.name, path.display());
    say(match Lang::current() {
        Lang::En => format!(
            "Confirmed: link {name} trusts this certificate from now on ({path}). A running agent takes it up at its next try.\nThe server must trust this gateway too: cloudward cert export"
        ),
        Lang::Zh => format!(
            "已确认：链路 {name} 从现在起信任该证书（{path}）。正在运行的程序会在下次重试时生效。\n服务器也要信任本网关：cloudward cert export"
        ),
    });
    Ok(())
}

/// To find out whether a text is a fingerprint at all.
const ANY: Certificate = Certificate { der: Vec::new(), issuers: Vec::new() };

/// The OPC UA link of this name.
fn find<'a>(config: &'a Config, name: &str) -> Result<(&'a Arc<Link>, &'a OpcUaServer), Trouble> {
    let servers = config.links.iter().filter_map(|link| match &link.transport {
        Transport::OpcUa(server) => Some((link, &**server)),
        _ => None,
    });
    servers.clone().find(|(link, _)| *link.name == *name).ok_or_else(|| {
        let known: Vec<&str> = servers.map(|(link, _)| link.name.as_ref()).collect();
        Trouble::new(words::NO_OPCUA_LINK).with("link", name).with("known", list(&known))
    })
}

/// What the agent could not read or replace is not written: it runs as the owner of its directory.
pub(super) fn refuse_strangers(state_dir: &Path) -> Result<(), Ended> {
    let user = user::current();
    match user::owner(state_dir) {
        Some(owner) if owner != user => {
            let trouble = Trouble::new(words::STATE_OF_ANOTHER).with("path", state_dir.display());
            let trouble = trouble.with("owner", user::shown(owner)).with("user", user::shown(user));
            Err((trouble, EXIT_CANNOT_START))
        }
        _ => Ok(()),
    }
}

/// Asks the server. Whatever it sends ends here with a sentence.
fn meet(link: &Arc<Link>, server: &OpcUaServer, pki: &Pki, now: Timestamp) -> Result<Contact, Ended> {
    let (link, server, pki) = (link.clone(), server.clone(), pki.clone());
    let met =
        runtime().block_on(async move { tokio::spawn(async move { look(&link, &server, &pki, now).await }).await });
    match met {
        Ok(Ok(contact)) => Ok(contact),
        Ok(Err(Fault { why: Why::Untrusted, trouble, .. })) => Err((trouble, EXIT_PROTOCOL)),
        Ok(Err(fault)) if fault.trouble.code == session_words::POLICY_NOT_OFFERED => {
            Err((fault.trouble, EXIT_PROTOCOL))
        }
        Ok(Err(fault)) => Err((fault.trouble, EXIT_UNAVAILABLE)),
        Err(error) => Err((Trouble::new(words::LOOK_BROKE_OFF).with("error", error), EXIT_PROTOCOL)),
    }
}

fn is_answered_with_yes() -> bool {
    let answer = ask(match Lang::current() {
        Lang::En => "Does the server itself show this fingerprint? Type yes to trust it [yes/NO]: ",
        Lang::Zh => "服务器自己显示的指纹与此一致吗？一致请输入 yes（默认 no）：",
    });
    matches!(answer.as_str(), "yes" | "是")
}

/// What a person needs to decide.
struct Shown<'a> {
    link: &'a Link,
    server: &'a OpcUaServer,
    contact: &'a Contact,
    facts: &'a Facts,
    zone: &'a str,
}

impl Shown<'_> {
    fn all(&self, before: Option<&Certificate>) {
        let Contact { certificate, oddities, .. } = self.contact;
        let lang = Lang::current();
        say(match lang {
            Lang::En => format!("Link {}, {}", self.link.name, self.server.url),
            Lang::Zh => format!("链路 {}，{}", self.link.name, self.server.url),
        });
        for (en, zh, value) in [
            ("server", "服务器", &self.contact.name),
            ("its ApplicationUri", "其 ApplicationUri", &self.contact.application_uri),
            ("it offers", "提供的安全策略", &self.contact.offered),
            ("this link takes", "本链路采用", &self.contact.taken),
            ("logins there", "登录方式", &self.contact.users),
        ] {
            fact(en, zh, &one_line(value));
        }
        say("");
        certificate_facts(certificate, self.facts, self.zone);
        if let Some(before) = before {
            say("");
            say(match lang {
                Lang::En => {
                    "ATTENTION, the certificate CHANGED: another one was confirmed for this link. Ask who works on the machine first."
                }
                Lang::Zh => "注意：证书已更换，与本链路此前确认的不同。请先向设备维护人员核实。",
            });
            fact("before, SHA-256", "此前 SHA-256", &before.sha256());
            fact("now, SHA-256", "现在 SHA-256", &certificate.sha256());
        }
        let odd: Vec<Trouble> = oddities.iter().map(|oddity| self.odd(*oddity)).collect();
        let login: Vec<Trouble> = self.contact.no_login.iter().cloned().collect();
        self.troubles("What is odd (yes accepts it):", "存在的问题（输入 yes 即表示接受）：", odd);
        self.troubles("What will not work even then:", "确认后仍无法采集的原因：", login);
        say("");
    }

    fn troubles(&self, en: &str, zh: &str, troubles: Vec<Trouble>) {
        let lang = Lang::current();
        if !troubles.is_empty() {
            say("");
            say(if lang == Lang::Zh { zh } else { en });
        }
        for trouble in troubles {
            let trouble = trouble.with("link", &self.link.name).with("endpoint", &self.server.url);
            say(format!("  - {}", one_line(&trouble.line(lang))));
        }
    }

    /// The particulars of an oddity.
    fn odd(&self, oddity: Oddity) -> Trouble {
        let Facts { issuer, uris, hosts, not_before, not_after, key_bits, .. } = self.facts;
        let trouble = Trouble::new(oddity.code());
        match oddity {
            Oddity::Expired => trouble.with("date", moment(*not_after, self.zone)),
            Oddity::NotYetValid => trouble.with("date", moment(*not_before, self.zone)),
            Oddity::OtherHost => trouble.with("hosts", list(hosts)).with("host", &self.server.host),
            Oddity::OtherUri => trouble.with("uris", list(uris)).with("uri", &self.contact.application_uri),
            Oddity::WeakKey => trouble.with("found", key(*key_bits)),
            Oddity::IssuerMissing => trouble.with("issuer", issuer),
            Oddity::WeakSignature | Oddity::BrokenSignature => trouble,
        }
    }
}

/// What stands in a certificate, one fact a line, the fingerprints last: they are compared.
pub(super) fn certificate_facts(certificate: &Certificate, facts: &Facts, zone: &str) {
    let days = facts.days_left(Timestamp::of(SystemTime::now()));
    let (from, until) = (moment(facts.not_before, zone), moment(facts.not_after, zone));
    let (issuer, valid) = match Lang::current() {
        Lang::En => ("itself", format!("{from} to {until} ({zone}), {}", left(days))),
        Lang::Zh => ("自签名", format!("{from} 至 {until}（{zone}），{}", left(days))),
    };
    let issuer = if facts.is_self_signed { issuer } else { &facts.issuer };
    fact("certificate of", "证书主体", &one_line(&facts.subject));
    fact("signed by", "签发者", &one_line(issuer));
    fact("ApplicationUri", "ApplicationUri", &one_line(&list(&facts.uris)));
    fact("hosts", "主机名和地址", &one_line(&list(&facts.hosts)));
    fact("valid", "有效期", &valid);
    fact("key", "密钥", &key(facts.key_bits));
    fact("SHA-1", "SHA-1 指纹", &certificate.sha1());
    fact("SHA-256", "SHA-256 指纹", &certificate.sha256());
}

pub(super) fn fact(en: &str, zh: &str, value: &str) {
    say(match Lang::current() {
        Lang::En => format!("  {en:<18}  {value}"),
        Lang::Zh => format!("  {zh}：{value}"),
    });
}

/// Texts of the other side: what would begin a line, turn the direction of writing or fill the screen could show a fingerprint
/// that is none.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 600;
    let is_trick = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().take(LONGEST).map(|c| if is_trick(c) { '?' } else { c }).collect()
}

pub(super) fn list(texts: &[impl AsRef<str> + Display]) -> String {
    const MOST: usize = 20;
    let mut names: Vec<&str> = texts.iter().map(AsRef::as_ref).take(MOST + 1).collect();
    if names.len() > MOST {
        names[MOST] = "...";
    }
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// Full days, until its end or since.
pub(super) fn left(days: i64) -> String {
    match (days, Lang::current()) {
        (..0, Lang::En) => format!("ended {} day(s) ago", -(days + 1)),
        (..0, Lang::Zh) => format!("已过期 {} 天", -(days + 1)),
        (_, Lang::En) => format!("{days} day(s) left"),
        (_, Lang::Zh) => format!("剩余 {days} 天"),
    }
}

fn key(bits: usize) -> String {
    match (bits, Lang::current()) {
        (0, Lang::En) => "no RSA key".to_owned(),
        (0, Lang::Zh) => "不是 RSA 密钥".to_owned(),
        (bits, Lang::En) => format!("RSA, {bits} bits"),
        (bits, Lang::Zh) => format!("RSA {bits} 位"),
    }
}

/// To the minute, in the workshop's time zone.
pub(super) fn moment(at: Timestamp, zone: &str) -> String {
    let zone = crate::model::zone(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(zone));
    at.map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_show_a_fingerprint_that_is_none() {
        assert_eq!(one_line("CN=a\n  SHA-256  AB:CD\u{202e}\u{1b}[2J"), "CN=a?  SHA-256  AB:CD??[2J");
        assert_eq!(one_line(&"n".repeat(10_000)).len(), 600);
        assert_eq!(one_line("订单 °C"), "订单 °C");
    }

    #[test]
    fn moments_are_those_of_the_workshop() {
        assert_eq!(moment(Timestamp(1_753_574_400_000), "Asia/Shanghai"), "2025-07-27 08:00");
        assert_eq!(moment(Timestamp(i64::MAX), "Asia/Shanghai"), "-");
    }
}
