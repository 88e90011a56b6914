//! Secrets: the configuration says where one is, this door fetches it. The rule: a secret lives in a [`SecretString`],
//! and never in a log line, a Debug output or a [`Trouble`].

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::config::SecretSource;
use crate::model::Trouble;
use crate::model::words::sink as words;
use crate::model::words::unit as unit_words;

/// The secret at `source`, without newlines at its end.
pub fn resolve(source: &SecretSource) -> Result<SecretString, Trouble> {
    resolve_with(source, |name| std::env::var_os(name))
}

/// Where the secret is, for people: a path or `$VARIABLE`.
pub fn place(source: &SecretSource) -> String {
    match source {
        SecretSource::File(path) => path.display().to_string(),
        SecretSource::Credential(name) => format!("${CREDENTIALS_DIRECTORY}/{name}"),
        SecretSource::Env(name) => format!("${name}"),
    }
}

fn resolve_with(source: &SecretSource, variable: impl Fn(&str) -> Option<OsString>) -> Result<SecretString, Trouble> {
    let bytes = match source {
        SecretSource::File(path) => read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Trouble::new(words::SECRET_FILE_MISSING).with("path", path.display()),
            _ => unreadable(path, &error),
        })?,
        SecretSource::Credential(name) => {
            let directory = variable(CREDENTIALS_DIRECTORY)
                .ok_or_else(|| Trouble::new(words::NO_CREDENTIALS_DIRECTORY).with("name", name))?;
            let path = PathBuf::from(directory).join(name);
            read(&path).map_err(|error| match error.kind() {
                ErrorKind::NotFound => Trouble::new(words::CREDENTIAL_MISSING).with("name", name),
                _ => unreadable(&path, &error),
            })?
        }
        SecretSource::Env(name) => {
            variable(name).ok_or_else(|| Trouble::new(words::VARIABLE_UNSET).with("name", name))?.into_encoded_bytes()
        }
    };
    // `from_utf8`'s error holds the bytes; it must not travel.
    let text =
        String::from_utf8(bytes).map_err(|_| Trouble::new(words::SECRET_NOT_TEXT).with("place", place(source)))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(match source {
            // The stand-in for a file that is missing; deploy/cloudward.service says why.
            SecretSource::Credential(name) => Trouble::new(unit_words::CREDENTIAL_EMPTY).with("name", name),
            _ => Trouble::new(words::SECRET_EMPTY).with("place", place(source)),
        }),
        secret => Ok(SecretString::from(secret)),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SECRET + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SECRET {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(words::SECRET_UNREADABLE).with("path", path.display()).with("error", error)
}

/// Set by systemd for units with `LoadCredential=` (systemd.exec(5)).
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A password has some bytes, an RSA-8192 key in PEM 6.5 kB; more is a wrong path, e.g. to a device.
const MAX_SECRET: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;
    use secrecy::ExposeSecret;

    fn none(_: &str) -> Option<OsString> {
        None
    }

    #[track_caller]
    fn check(got: Result<SecretString, Trouble>, expected: Result<&str, Code>) {
        let got = got.map(|secret| secret.expose_secret().to_owned()).map_err(|trouble| trouble.code);
        assert_eq!(got, expected.map(str::to_owned));
    }

    #[test]
    fn a_file_gives_its_secret_without_newlines_at_the_end_or_says_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let file = |bytes: &[u8]| {
            let path = dir.path().join("secret");
            std::fs::write(&path, bytes).unwrap();
            resolve_with(&SecretSource::File(path), none)
        };
        check(file(b"hunter2\n"), Ok("hunter2"));
        check(file(b"hunter2\r\n"), Ok("hunter2"));
        check(file(b" a b "), Ok(" a b "));
        check(file(b""), Err(words::SECRET_EMPTY));
        check(file(b"\n"), Err(words::SECRET_EMPTY));
        check(file(b"\xff\xfe"), Err(words::SECRET_NOT_TEXT));
        check(file(&[b'x'; MAX_SECRET as usize + 1]), Err(words::SECRET_UNREADABLE));
        check(resolve_with(&SecretSource::File(dir.path().join("none")), none), Err(words::SECRET_FILE_MISSING));
        check(resolve_with(&SecretSource::File(dir.path().into()), none), Err(words::SECRET_UNREADABLE));
    }

    #[test]
    fn a_credential_is_a_file_in_the_directory_that_systemd_names() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mqtt"), "hunter2\n").unwrap();
        let systemd = |name: &str| (name == CREDENTIALS_DIRECTORY).then(|| dir.path().as_os_str().to_owned());
        let credential = |name: &str| SecretSource::Credential(name.into());
        check(resolve_with(&credential("mqtt"), systemd), Ok("hunter2"));
        check(resolve_with(&credential("other"), systemd), Err(words::CREDENTIAL_MISSING));
        std::fs::write(dir.path().join("stand-in"), "\n").unwrap();
        check(resolve_with(&credential("stand-in"), systemd), Err(unit_words::CREDENTIAL_EMPTY));
        check(resolve_with(&credential("mqtt"), none), Err(words::NO_CREDENTIALS_DIRECTORY));
    }

    #[test]
    fn a_variable_gives_its_value() {
        let env = |value: &'static str| {
            resolve_with(&SecretSource::Env("PW".into()), move |name| (name == "PW").then(|| value.into()))
        };
        check(env("hunter2"), Ok("hunter2"));
        check(env(""), Err(words::SECRET_EMPTY));
        check(resolve_with(&SecretSource::Env("PW".into()), none), Err(words::VARIABLE_UNSET));
    }

    #[test]
    fn a_secret_is_not_in_its_debug_output_nor_in_its_trouble() {
        let secret = resolve_with(&SecretSource::Env("PW".into()), |_| Some("hunter2".into())).unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, b"hunter2\xff").unwrap();
        let trouble = resolve_with(&SecretSource::File(path), none).unwrap_err();
        assert!(!format!("{trouble:?} {trouble}").contains("hunter2"));
    }
}
