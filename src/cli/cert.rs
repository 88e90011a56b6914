//! `cloudward cert`: our own OPC UA certificate, which every server must trust, and those of servers that a person confirmed.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use super::load::load_or_explain;
use super::run::state_dir_by_hand;
use super::trust::{Ended, certificate_facts, fact, left, list, moment, refuse_strangers};
use super::{ConfigArgs, EXIT_CANNOT_START, EXIT_DATA, EXIT_DECLINED, EXIT_USAGE, ask, fail, say};
use crate::config::Config;
use crate::model::words::{import, opcua_trust as words, tools};
use crate::model::{Lang, Timestamp, Trouble};
use crate::source::opcua::certificate::{Certificate, Oddity};
use crate::source::opcua::pki::Pki;

#[derive(clap::Args)]
#[command(disable_help_subcommand = true, after_help = LESSON)]
pub(super) struct CertArgs {
    #[command(subcommand)]
    what: What,
}

const LESSON: &str = "\
Both sides have to say yes once before there is data: this gateway to the server's certificate (`cloudward trust LINK`), and the server to \
this gateway's (`cloudward cert export`).";

#[derive(clap::Subcommand)]
enum What {
    /// Show this gateway's certificate: names, ApplicationUri, dates, fingerprints; it is made if there is none.
    Show(ConfigArgs),
    /// Write this gateway's certificate to a file for the servers that must trust it, and say what to do there.
    Export(ExportArgs),
    /// List the certificates of servers that were confirmed: link, fingerprint, what was accepted, days left.
    Trusted(ConfigArgs),
    /// Trust a server's certificate no more; the link is not read until it is confirmed again.
    Forget(ForgetArgs),
}

#[derive(clap::Args)]
struct ExportArgs {
    /// Write to this file: DER if it ends in .der, .crt or .cer, PEM if it ends in .pem; default: PEM to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(clap::Args)]
struct ForgetArgs {
    /// Name of the link, as `cloudward cert trusted` lists it.
    #[arg(value_name = "LINK")]
    link: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn cert(args: &CertArgs) -> ExitCode {
    let path = match &args.what {
        What::Show(config) | What::Trusted(config) => &config.config,
        What::Export(args) => &args.config.config,
        What::Forget(args) => &args.config.config,
    };
    let config = match load_or_explain(path) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let state_dir = state_dir_by_hand(&config, path);
    let done = match &args.what {
        What::Show(_) => show(&config, &state_dir),
        What::Export(args) => export(args, &config, &state_dir),
        What::Trusted(_) => return trusted(&config, &state_dir),
        What::Forget(args) => forget(args, &state_dir),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((trouble, code)) => fail(&trouble, code),
    }
}

/// Our certificate, made if there is none, in the name of the workshop.
fn own(config: &Config, state_dir: &Path) -> Result<(Certificate, Pki), Ended> {
    let (pki, now) = (Pki::of(state_dir), Timestamp::of(SystemTime::now()));
    if !pki.has_own() {
        refuse_strangers(state_dir)?;
    }
    let own = pki.own_certificate(&config.workshop.enterprise, &config.workshop.id, now);
    Ok((own.map_err(|trouble| (trouble, EXIT_CANNOT_START))?, pki))
}

fn show(config: &Config, state_dir: &Path) -> Result<(), Ended> {
    let (certificate, pki) = own(config, state_dir)?;
    let path = pki.own_path();
    say(match Lang::current() {
        Lang::En => format!("This gateway's certificate ({})", path.display()),
        Lang::Zh => format!("本网关的证书（{}）", path.display()),
    });
    if let Some(facts) = certificate.facts() {
        certificate_facts(&certificate, &facts, &config.workshop.timezone);
    }
    Ok(())
}

fn export(args: &ExportArgs, config: &Config, state_dir: &Path) -> Result<(), Ended> {
    // An ending that says nothing is refused before a certificate is made.
    let is_pem = args.output.as_deref().map_or(Ok(true), is_pem).map_err(|trouble| (trouble, EXIT_USAGE))?;
    let (certificate, _) = own(config, state_dir)?;
    let pem = certificate.pem();
    let Some(path) = &args.output else {
        say(pem.trim_end());
        // Beside the certificate, which may go into a file or another program.
        writeln!(std::io::stderr(), "{}", hints(&certificate)).ok(); // a closed pipe: nobody reads it
        return Ok(());
    };
    let bytes = if is_pem { pem.as_bytes() } else { &certificate.der };
    let mut options = OpenOptions::new();
    if args.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.write(true).open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            (Trouble::new(import::OUTPUT_EXISTS).with("path", path.display()), EXIT_CANNOT_START)
        }
        _ => {
            let trouble = Trouble::new(tools::CANNOT_WRITE_FILE).with("path", path.display());
            (trouble.with("error", error), EXIT_CANNOT_START)
        }
    })?;
    say(match Lang::current() {
        Lang::En => format!("Written to {} ({}).", path.display(), if is_pem { "PEM" } else { "DER" }),
        Lang::Zh => format!("已写入 {}（{}）。", path.display(), if is_pem { "PEM" } else { "DER" }),
    });
    say(hints(&certificate));
    Ok(())
}

/// Which form the ending of a file asks for.
fn is_pem(path: &Path) -> Result<bool, Trouble> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "der" | "crt" | "cer" => Ok(false),
        "pem" => Ok(true),
        _ => Err(Trouble::new(words::EXPORT_ENDING).with("path", path.display())),
    }
}

/// What to do with it.
fn hints(certificate: &Certificate) -> String {
    let uri = certificate.facts().map(|facts| list(&facts.uris)).unwrap_or_default();
    let sha1 = certificate.sha1();
    match Lang::current() {
        Lang::En => format!(
            "The server has to trust this certificate: {uri}, SHA-1 {sha1}.
  Siemens S7-1500 (TIA Portal): Security settings > Certificate manager > Trusted certificates: import it; then add it at the CPU under
    OPC UA > Server > Security > Secure channel > Trusted clients, and download the CPU.
  KEPServerEX: OPC UA Configuration > Trusted Clients > Import; or connect once and trust the entry with the red cross.
  CODESYS: connect once; then View > Security screen > Devices: move it from Quarantined to Trusted certificates.
  Prosys and others: connect once; then move it from the rejected to the trusted certificates (often folders: pki/rejected, pki/trusted/certs)."
        ),
        Lang::Zh => format!(
            "服务器须信任此证书：{uri}，SHA-1 {sha1}。
  西门子 S7-1500（TIA 博途）：安全设置 > 证书管理器 > 可信证书，导入；再到 CPU 属性的 OPC UA > 服务器 > 安全 > 安全通道 > 可信客户端中添加，
    然后下载到 CPU。
  KEPServerEX：OPC UA Configuration > Trusted Clients > Import；或先连接一次，再信任带红叉的那一条。
  CODESYS：先连接一次；再到“视图 > 安全屏幕 > 设备”，把它从“隔离的证书”移到“受信任的证书”。
  Prosys 及其他：先连接一次；再把它从“已拒绝”移到“受信任”（常为文件夹 pki/rejected 和 pki/trusted/certs）。"
        ),
    }
}

fn trusted(config: &Config, state_dir: &Path) -> ExitCode {
    let (pki, now) = (Pki::of(state_dir), Timestamp::of(SystemTime::now()));
    let links = match pki.links() {
        Ok(links) => links,
        Err(trouble) => return fail(&trouble, EXIT_CANNOT_START),
    };
    if links.is_empty() {
        say(match Lang::current() {
            Lang::En => "No server is trusted yet: cloudward trust LINK",
            Lang::Zh => "还没有信任任何服务器：cloudward trust 链路名",
        });
    }
    let mut ended = ExitCode::SUCCESS;
    for link in links {
        let is_used = config.links.iter().any(|known| *known.name == *link);
        say(match (is_used, Lang::current()) {
            (true, _) => link.clone(),
            (false, Lang::En) => format!("{link} (no such link in the configuration)"),
            (false, Lang::Zh) => format!("{link}（配置中已无此链路）"),
        });
        let pin = match pki.pinned(&link) {
            Ok(Some(pin)) => pin,
            Ok(None) => continue, // forgotten a moment ago
            Err(trouble) => {
                ended = fail(&trouble, EXIT_DATA);
                continue;
            }
        };
        fact("SHA-256", "SHA-256 指纹", &pin.certificate.sha256());
        if let Some(facts) = pin.certificate.facts() {
            let (days, until) = (facts.days_left(now), moment(facts.not_after, &config.workshop.timezone));
            fact(
                "valid until",
                "有效期至",
                &match Lang::current() {
                    Lang::En => format!("{until}, {}", left(days)),
                    Lang::Zh => format!("{until}，{}", left(days)),
                },
            );
        }
        if !pin.accepted.is_empty() {
            let accepted: Vec<&str> = pin.accepted.iter().copied().map(Oddity::as_str).collect();
            fact("accepted", "已接受的问题", &list(&accepted));
        }
    }
    ended
}

fn forget(args: &ForgetArgs, state_dir: &Path) -> Result<(), Ended> {
    let pki = Pki::of(state_dir);
    let links = pki.links().map_err(|trouble| (trouble, EXIT_CANNOT_START))?;
    let told = |code| Trouble::new(code).with("link", &args.link);
    // Only what is listed: the name becomes part of a path.
    if !links.contains(&args.link) {
        return Err((told(words::NOTHING_PINNED).with("known", list(&links)), EXIT_USAGE));
    }
    refuse_strangers(state_dir)?;
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err((told(words::FORGET_UNASKED), EXIT_USAGE));
        }
        let answer = ask(&match Lang::current() {
            Lang::En => {
                format!("Trust the certificate of link {} no more? Nothing will be read from it [yes/NO]: ", args.link)
            }
            Lang::Zh => format!("不再信任链路 {} 的证书？此后该链路不采集。确定请输入 yes（默认 no）：", args.link),
        });
        if !matches!(answer.as_str(), "y" | "yes" | "是") {
            return Err((told(words::FORGET_DECLINED), EXIT_DECLINED));
        }
    }
    pki.forget(&args.link).map_err(|trouble| (trouble, EXIT_CANNOT_START))?;
    say(match Lang::current() {
        Lang::En => format!(
            "Forgotten: link {}. A session that stands goes on until it ends; restart the agent to end it now.",
            args.link
        ),
        Lang::Zh => format!("已撤销：链路 {}。已建立的会话在断开前仍会继续；要立即结束请重启程序。", args.link),
    });
    Ok(())
}
