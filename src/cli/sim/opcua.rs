//! `cloudward sim --opcua`: the simulated injection-moulding machine as an OPC UA server. Security is on; whoever wants it off
//! says so, and is told what that means.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::{SEED, told_to_end};
use crate::cli::run::runtime;
use crate::cli::{EXIT_CANNOT_START, fail, say};
use crate::config::SecretSource;
use crate::config::opcua::OpcUaServer;
use crate::model::words::simulator as words;
use crate::model::{Lang, Trouble};
use crate::secret;
use crate::simulator::opcua::server::USER;
use crate::simulator::opcua::{Folder, Server, Setup};
use crate::simulator::workshop::{self, OPCUA_LINK, OpcUaPlace};
use crate::source::opcua::certificate::Certificate;

#[derive(clap::Args)]
pub(super) struct OpcUaArgs {
    /// Serve one injection-moulding machine over OPC UA instead, with security and a password.
    #[arg(long, conflicts_with = "fault")]
    opcua: bool,
    /// Keep certificates here: the server's own, trusted clients, clients that were turned away; without it, in a temporary
    /// directory that is removed at the end.
    #[arg(long, value_name = "DIR", requires = "opcua")]
    pki: Option<PathBuf>,
    /// Take the password of the user `operator` from this file; without it, a new one is made and shown.
    #[arg(long, value_name = "FILE", requires = "opcua")]
    password_file: Option<PathBuf>,
    /// Let users in without a password too.
    #[arg(long, requires = "opcua")]
    anonymous: bool,
    /// Trust every client's certificate at first sight: for tests, never for a machine.
    #[arg(long, requires = "opcua")]
    trust_all: bool,
    /// Offer an endpoint without security too; only users without a password get in there.
    #[arg(long, requires = "opcua", requires = "anonymous")]
    no_security: bool,
}

impl OpcUaArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.opcua
    }
}

pub(super) fn sim(args: &OpcUaArgs, listen: IpAddr, port: Option<u16>) -> ExitCode {
    let bind = SocketAddr::new(listen, port.unwrap_or(OpcUaServer::DEFAULT_PORT));
    match runtime().block_on(serve(args, bind)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => fail(&trouble, EXIT_CANNOT_START),
    }
}

async fn serve(args: &OpcUaArgs, bind: SocketAddr) -> Result<(), Trouble> {
    let temporary = tempfile::tempdir().map_err(|error| Trouble::new(words::NO_TEMPORARY).with("error", error))?;
    let dir = args.pki.as_deref().unwrap_or(temporary.path());
    // Its paths are shown, to be used in another terminal.
    let folder = Folder::open(&std::path::absolute(dir).unwrap_or(dir.to_owned()), bind.ip())?;
    let (password, password_file) = match &args.password_file {
        None => folder.new_password()?,
        Some(file) => {
            let password = secret::resolve(&SecretSource::File(file.clone()))?;
            (password.expose_secret().to_owned(), file.clone())
        }
    };
    let shown = args.password_file.is_none().then(|| password.clone());
    let setup = Setup {
        folder: folder.clone(),
        password,
        lets_anybody_in: args.anonymous,
        has_plain_endpoint: args.no_security,
        trusts_all: args.trust_all,
    };
    let server = Server::start(bind, SEED, &setup).await?;
    let certificate = Certificate::parse(&folder.certificate()?);
    introduce(args, &server, &folder, shown, certificate.map(|own| own.sha256()));
    let password_file = std::path::absolute(&password_file).unwrap_or(password_file);
    say(workshop::opcua_machine(&OpcUaPlace { url: server.url().to_owned(), user: USER, password_file }));
    let turning_away = tokio::spawn(tell_of_rejected(folder));
    told_to_end().await?;
    turning_away.abort();
    server.stop().await;
    Ok(())
}

/// Where it is, who is let in, and what is unsafe about that. Lines of a comment, so that all of it can go into a file.
fn introduce(args: &OpcUaArgs, server: &Server, folder: &Folder, password: Option<String>, sha256: Option<String>) {
    let (lang, url, dir) = (Lang::current(), server.url(), folder.dir().display());
    say(match lang {
        Lang::En => format!("# Simulated injection-moulding machine on OPC UA {url}; Ctrl-C ends."),
        Lang::Zh => format!("# 模拟注塑机已在 OPC UA {url} 上运行，Ctrl-C 结束。"),
    });
    say(match lang {
        Lang::En => format!("# Certificates: {dir}"),
        Lang::Zh => format!("# 证书目录：{dir}"),
    });
    if let Some(sha256) = sha256 {
        say(match lang {
            Lang::En => {
                format!("# To trust it:  cloudward trust {OPCUA_LINK} --fingerprint {sha256} --yes --config FILE")
            }
            Lang::Zh => {
                format!("# 信任该服务器：cloudward trust {OPCUA_LINK} --fingerprint {sha256} --yes --config FILE")
            }
        });
    }
    if let Some(password) = password {
        say(match lang {
            Lang::En => format!("# User {USER}, password {password}"),
            Lang::Zh => format!("# 用户 {USER}，密码 {password}"),
        });
    }
    if args.trust_all {
        say(match lang {
            Lang::En => "# WARNING: every client's certificate is trusted (--trust-all): for tests only.",
            Lang::Zh => "# 警告：信任所有客户端证书（--trust-all），仅供测试。",
        });
    }
    if args.no_security {
        say(match lang {
            Lang::En => "# WARNING: an endpoint without security is offered (--no-security): readable and forgeable.",
            Lang::Zh => "# 警告：提供了不加密的端点（--no-security），数据可被读取和伪造。",
        });
    }
    say(match lang {
        Lang::En => "# It is read like this:",
        Lang::Zh => "# 读取配置如下：",
    });
}

/// Says who was turned away, and how to let them in. Ends only by being aborted.
async fn tell_of_rejected(folder: Folder) {
    /// A person at two terminals waits no longer for the line.
    const LOOK: Duration = Duration::from_millis(500);
    let mut told = BTreeSet::new();
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let rejected = folder.rejected();
        rejected.difference(&told).for_each(|path| say(rejected_line(path, &folder.trusted())));
        told = rejected;
    }
}

fn rejected_line(path: &Path, trusted: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().replace(char::is_control, "?");
    let (path, trusted) = (shell_word(path), shell_word(trusted));
    match Lang::current() {
        Lang::En => format!("# turned away: the client {name} is not trusted. To trust it:  mv {path} {trusted}"),
        Lang::Zh => format!("# 已拒绝：客户端 {name} 未受信任。如需信任：mv {path} {trusted}"),
    }
}

/// For a shell: a name that a client chose must not become a command, nor a line of its own.
fn shell_word(path: &Path) -> String {
    let one_line = path.display().to_string().replace(char::is_control, "?");
    format!("'{}'", one_line.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_client_chose_stays_one_word_of_one_line() {
        for (path, word) in [
            ("/a/cloudward e w [ab].der", "'/a/cloudward e w [ab].der'"),
            ("/a/x'; rm -rf ~; '", r"'/a/x'\''; rm -rf ~; '\'''"),
            ("/a/x\nmv y z", "'/a/x?mv y z'"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }
}
