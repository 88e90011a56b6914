//! `cloudward journal key` and `cloudward journal identity`: who signed a file, and who can open it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Ended, pick, refuse_strangers, workshop};
use crate::cli::{ConfigArgs, say};
use crate::journal::parcel::{Identity, Signer, fingerprint};
use crate::model::Trouble;
use crate::model::words::{import, transfer as words};

#[derive(clap::Args)]
pub(super) struct IdentityArgs {
    /// The file for the secret (mode 0600); never over one that is there.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn key(args: &ConfigArgs) -> Result<(), Ended> {
    let (config, state_dir) = workshop(&args.config)?;
    let signer = signer(&state_dir)?;
    let key = signer.key();
    let (enterprise, id, path) = (&config.workshop.enterprise, &config.workshop.id, Signer::path(&state_dir));
    say(pick(
        format!("Files exported here say {enterprise}/{id} and are signed with {}", path.display()),
        format!("本网关导出的文件署名 {enterprise}/{id}，签名密钥为 {}", path.display()),
    ));
    say(pick(format!("fingerprint  {}", fingerprint(&key)), format!("指纹  {}", fingerprint(&key))));
    say(pick(format!("public key   {key}"), format!("公钥  {key}")));
    Ok(())
}

pub(super) fn identity(args: &IdentityArgs) -> Result<(), Ended> {
    let path = &args.output;
    let identity = Identity::make().map_err(|error| Ended::file(path, error))?;
    let recipient = identity.recipient();
    let text = format!("# public key: {recipient}\n{}\n", identity.secret_text());
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Ended::cannot(Trouble::new(import::OUTPUT_EXISTS).with("path", path.display()))
        }
        _ => Ended::file(path, error),
    })?;
    say(pick(
        format!("The secret is in {}: keep it where files are imported, and nowhere else.", path.display()),
        format!("私密身份已写入 {}：只保存在导入文件的机器上，不要放到别处。", path.display()),
    ));
    say(pick(
        format!("At the gateway:  --recipient {recipient}"),
        format!("在网关上导出时使用：--recipient {recipient}"),
    ));
    Ok(())
}

/// The gateway's key, made if there is none.
pub(super) fn signer(state_dir: &Path) -> Result<Signer, Ended> {
    let path = Signer::path(state_dir);
    if !path.exists() {
        refuse_strangers(state_dir)?;
    }
    Signer::of_gateway(state_dir).map_err(|error| {
        Ended::cannot(Trouble::new(words::KEY_UNUSABLE).with("path", path.display()).with("error", error))
    })
}
