//! The question at the socket. What answers is another process, perhaps of another version: nothing it says is believed to have an end
//! or a form.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::super::load::load_or_explain;
use super::super::run::{runtime_dir, state_dir_by_hand};
use super::super::user;
use crate::agent::socket_path;
use crate::model::Trouble;
use crate::model::words::status as words;
use crate::status::wire::{MOST_ANSWER, QUESTION};
use crate::status::{SCHEMA, Status};

/// The agent waits for its recorder and its disk for a few seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the package keeps the configurations of workshops. `workshop.toml` is that of `cloudward.service`, `NAME.toml` that of
/// `cloudward@NAME.service`; their directories are called `cloudward` and `cloudward-NAME`.
const CONFIGS: &str = "/etc/cloudward";
const RUNTIME: &str = "/run";
const STATE: &str = "/var/lib";

/// Where to ask.
pub(super) struct Place {
    socket: PathBuf,
    /// For people.
    config: String,
    /// Where the journal of that agent is, if that is known.
    pub(super) state_dir: Option<PathBuf>,
}

/// Where the agent of this configuration has its socket; an exit code where everything was said already.
pub(super) fn place(socket: Option<&Path>, config_file: &Path) -> Result<Place, ExitCode> {
    let config = config_file.display().to_string();
    if let Some(socket) = socket {
        return Ok(Place { socket: socket.to_owned(), config: socket.display().to_string(), state_dir: None });
    }
    let service = of_service(config_file);
    // The configuration need not be readable to whoever may ask, nor right: the running agent has one that is.
    if let Some((runtime, state_dir)) = &service {
        let socket = socket_path(Some(runtime), state_dir);
        if is_there(&socket) {
            return Ok(Place { socket, config, state_dir: Some(state_dir.clone()) });
        }
    }
    let read = load_or_explain(config_file)?;
    let state_dir = match service {
        Some((_, state_dir)) if read.journal.dir.is_none() && is_there(&state_dir) => state_dir,
        _ => state_dir_by_hand(&read, config_file),
    };
    let socket = socket_path(runtime_dir().as_deref(), &state_dir);
    Ok(Place { socket, config, state_dir: Some(state_dir) })
}

/// Runtime and state directory of a service of the package.
fn of_service(config_file: &Path) -> Option<(PathBuf, PathBuf)> {
    let name = config_file.file_name()?.to_str()?.strip_suffix(".toml")?;
    let is_of_package = config_file.parent() == Some(Path::new(CONFIGS));
    let name = if name == "workshop" { "cloudward".to_owned() } else { format!("cloudward-{name}") };
    is_of_package.then(|| (Path::new(RUNTIME).join(&name), Path::new(STATE).join(&name)))
}

fn is_there(path: &Path) -> bool {
    // What may not be looked at is there, and says so when it is asked.
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

impl Place {
    /// What the agent answers, and its own words.
    pub(super) fn ask(&self) -> Result<(Status, String), Trouble> {
        let answer = self.exchange().map_err(|error| self.trouble(&error))?;
        let status: Status = serde_json::from_str(&answer).map_err(|error| self.no_answer(&error))?;
        if status.schema != SCHEMA {
            return Err(self.no_answer(&status.schema));
        }
        Ok((status, answer.trim_end().to_owned()))
    }

    fn exchange(&self) -> io::Result<String> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{QUESTION}\n").as_bytes())?;
        let mut answer = String::new();
        stream.take(MOST_ANSWER as u64).read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn trouble(&self, error: &io::Error) -> Trouble {
        let of = |code| Trouble::new(code).with("config", &self.config).with("path", self.socket.display());
        match error.kind() {
            io::ErrorKind::NotFound => of(words::NO_SOCKET),
            io::ErrorKind::ConnectionRefused => of(words::NOBODY_LISTENS),
            io::ErrorKind::PermissionDenied => forbidden(&self.socket, error),
            _ => self.no_answer(error),
        }
    }

    fn no_answer(&self, error: &dyn std::fmt::Display) -> Trouble {
        Trouble::new(words::NO_ANSWER).with("path", self.socket.display()).with("error", error)
    }
}

fn forbidden(socket: &Path, error: &io::Error) -> Trouble {
    let trouble = Trouble::new(words::SOCKET_FORBIDDEN).with("user", user::shown(user::current()));
    trouble.with("path", socket.display()).with("error", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_of_services_follow_from_the_names_of_their_files() {
        for (config, directory) in [
            ("/etc/cloudward/workshop.toml", Some("/run/cloudward")),
            ("/etc/cloudward/north.toml", Some("/run/cloudward-north")),
            ("/etc/cloudward/north.csv", None),
            ("/home/li/workshop.toml", None),
            ("workshop.toml", None),
        ] {
            let found = of_service(Path::new(config)).map(|(runtime, _)| runtime);
            assert_eq!(found, directory.map(PathBuf::from), "{config}");
        }
    }
}
