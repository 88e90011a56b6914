//! `cloudward run`: the agent in the foreground, under signals.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use super::load::{details, digest, load, load_or_explain};
use super::{EXIT_CANNOT_START, EXIT_SOFTWARE, EXIT_USAGE, RunArgs, fail, logging};
use crate::agent::{Agent, Origin, Systemd, socket_path};
use crate::config::Config;
use crate::model::words::agent as words;
use crate::model::{Lang, Trouble};

pub(super) fn run(args: &RunArgs) -> ExitCode {
    let path = args.config.config.as_path();
    let config = match load_or_explain(path) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if !logging::start(&args.log) {
        return fail(&Trouble::new(words::BAD_LOG_LEVEL).with("found", &args.log), EXIT_USAGE);
    }
    match runtime().block_on(serve(config, path)) {
        Ok(code) => code,
        Err(trouble) => fail(&trouble, EXIT_CANNOT_START),
    }
}

/// One thread for links, sinks and signals: they wait nearly all the time, and each hand-over to another thread would
/// cost two context switches.
pub(super) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Blocking threads look up names and read backlogs; they end when idle.
    builder.enable_all().max_blocking_threads(4).build().expect("a runtime can be made at the start of the process")
}

async fn serve(config: Config, path: &Path) -> Result<ExitCode, Trouble> {
    let mut signals = Signals::new()?;
    let state_dir = state_dir(&config, path);
    let name = config.workshop.name.clone();
    let socket = socket_path(runtime_dir().as_deref(), &state_dir);
    let mut agent = Agent::start(config, state_dir).await?;
    agent.open_window(socket, origin(path));
    let mut systemd = Systemd::new();
    systemd.ready();
    info!(version = env!("CARGO_PKG_VERSION"), config = %path.display(), "{}", started(&name));

    let mut tick = tokio::time::interval(systemd.every());
    loop {
        tokio::select! {
            _ = tick.tick() => systemd.tick(&agent.overview()),
            () = agent.recorder_gone() => return Ok(fail(&Trouble::new(words::RECORDER_GONE), EXIT_SOFTWARE)),
            _ = signals.reload.recv() => {
                systemd.reloading();
                reload(&mut agent, path).await;
                systemd.ready();
            }
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
        }
    }
    info!(
        "{}",
        match Lang::current() {
            Lang::En => "stopping: delivering what is left",
            Lang::Zh => "正在停止：送出剩余数据",
        }
    );
    systemd.stopping();
    agent.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The directory that systemd has made for sockets, the first if there are several.
pub(super) fn runtime_dir() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("RUNTIME_DIRECTORY")?).next()
}

/// What `cloudward status` says of the configuration.
fn origin(path: &Path) -> Origin {
    let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Origin { sha256: digest(path), file: Some(file) }
}

/// A mistake keeps the old configuration in force.
async fn reload(agent: &mut Agent, path: &Path) {
    match load(path) {
        Ok(config) => {
            let state_dir = state_dir(&config, path);
            agent.came_from(origin(path));
            agent.reload(config, &state_dir).await;
            let trouble = Trouble::new(words::RELOADED).with("path", path.display());
            info!("{}", trouble.what(Lang::current()));
        }
        Err(refusal) => {
            for line in details(&refusal) {
                error!("{line}");
            }
            let trouble = Trouble::new(words::RELOAD_REFUSED).with("path", path.display());
            error!(code = %trouble.code, "{trouble}");
        }
    }
}

/// Where the journal lives.
pub(super) fn state_dir(config: &Config, path: &Path) -> PathBuf {
    let systemd = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    config.state_dir(path, systemd.as_deref())
}

/// The same for a command that a person types. A shell has nothing of the service's environment: for the service's own file its
/// directory is meant all the same, or what is confirmed there would never reach the agent.
pub(super) fn state_dir_by_hand(config: &Config, path: &Path) -> PathBuf {
    let is_named = config.journal.dir.is_some() || std::env::var_os("STATE_DIRECTORY").is_some();
    let of_service = super::unit::state_of_service(path).filter(|dir| !is_named && dir.symlink_metadata().is_ok());
    of_service.unwrap_or_else(|| state_dir(config, path))
}

fn started(workshop: &str) -> String {
    match Lang::current() {
        Lang::En => format!("cloudward runs for workshop {workshop}"),
        Lang::Zh => format!("cloudward 已启动，车间：{workshop}"),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Trouble> {
        let listen = |kind| signal(kind).map_err(|error| Trouble::new(words::NO_SIGNALS).with("error", error));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            reload: listen(SignalKind::hangup())?,
        })
    }
}
