//! `cloudward sim`: the simulated machines alone, for integrators and tests; with `--fault` they misbehave, with `--opcua` one
//! of them answers over OPC UA.

#[cfg(feature = "opcua")]
mod opcua;

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use super::run::runtime;
use super::{EXIT_CANNOT_START, EXIT_USAGE, fail, say};
use crate::model::{Lang, Trouble};
use crate::simulator::faults::{KINDS, WHERE_AND_HOW_OFTEN};
use crate::simulator::{Endpoint, Fault, Faults, Machine, Server, Spoiler, workshop};

#[derive(clap::Args)]
pub(super) struct SimArgs {
    /// Port: of all machines on Modbus TCP, told apart by unit id 1, 2, 3 (5020 unless told), or of the one with --opcua
    /// (4840 unless told); 0 takes any free port.
    #[arg(long)]
    port: Option<u16>,
    /// Address to listen on. Only this machine can connect unless another address is given.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Misbehave: KIND[:ARGUMENT][@WHERE][%EVERY], as often as you like, e.g. garbage%10, exception:2@holding:10-20; the
    /// kinds are told by --list-faults.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// List all kinds of faults with what they do.
    #[arg(long)]
    list_faults: bool,
    #[cfg(feature = "opcua")]
    #[command(flatten)]
    opcua: self::opcua::OpcUaArgs,
}

/// Unless `--port` says otherwise.
const MODBUS_PORT: u16 = 5_020;

/// Each `cloudward sim` shows the same machines.
const SEED: u64 = 7;

pub(super) fn sim(args: &SimArgs) -> ExitCode {
    if args.list_faults {
        list();
        return ExitCode::SUCCESS;
    }
    let mut faults = Vec::new();
    for text in &args.fault {
        match Fault::parse(text) {
            Ok(fault) => faults.push(fault),
            Err(trouble) => return fail(&trouble, EXIT_USAGE),
        }
    }
    #[cfg(feature = "opcua")]
    if args.opcua.is_wanted() {
        return self::opcua::sim(&args.opcua, args.listen, args.port);
    }
    let bind = SocketAddr::new(args.listen, args.port.unwrap_or(MODBUS_PORT));
    match runtime().block_on(serve(bind, faults)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => fail(&trouble, EXIT_CANNOT_START),
    }
}

fn list() {
    let lang = Lang::current();
    for kind in KINDS {
        say(format_args!("{:<18}{}", kind.form, kind.what.pick(lang)));
    }
    say("");
    say(WHERE_AND_HOW_OFTEN.pick(lang));
}

async fn serve(bind: SocketAddr, faults: Vec<Fault>) -> Result<(), Trouble> {
    // With faults the machines themselves stand behind, where nobody else comes.
    let inner = if faults.is_empty() { bind } else { SocketAddr::from(([127, 0, 0, 1], 0)) };
    let server = Server::start(inner, (1..).zip(Machine::workshop(SEED)).collect()).await?;
    let spoiler = match faults.is_empty() {
        true => None,
        false => Some(Spoiler::start(bind, server.addr(), Faults::new(faults), Box::new(begins))?),
    };
    let addr = spoiler.as_ref().map_or(server.addr(), Spoiler::addr);
    say(match Lang::current() {
        Lang::En => format!("# Simulated machines on Modbus TCP {addr}; Ctrl-C ends. They are read like this:"),
        Lang::Zh => format!("# 模拟设备已在 Modbus TCP {addr} 上运行，Ctrl-C 结束。读取配置如下："),
    });
    let endpoints: Vec<Endpoint> = server.endpoints().into_iter().map(|place| Endpoint { addr, ..place }).collect();
    say(workshop::machines(&endpoints));
    told_to_end().await?;
    spoiler.iter().for_each(summary);
    server.stop().await;
    Ok(())
}

/// Ctrl-C or SIGTERM.
async fn told_to_end() -> Result<(), Trouble> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Trouble::new(crate::model::words::agent::NO_SIGNALS).with("error", error))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn begins(fault: &Fault) {
    let text = &fault.text;
    say(match Lang::current() {
        Lang::En => format!("# fault {text} begins to act"),
        Lang::Zh => format!("# 故障 {text} 开始出现"),
    });
}

/// How often each fault was exercised: one that never was has tested nothing.
fn summary(spoiler: &Spoiler) {
    for (fault, tally) in spoiler.tallies() {
        let (text, acted, fitted) = (&fault.text, tally.acted, tally.fitted);
        say(match Lang::current() {
            Lang::En => format!("# fault {text}: acted {acted} times of {fitted} that it fits"),
            Lang::Zh => format!("# 故障 {text}：符合条件 {fitted} 次，出现 {acted} 次"),
        });
    }
}
