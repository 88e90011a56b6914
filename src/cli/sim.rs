//! `cloudward sim`: the simulated machines alone, for integrators and tests.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use super::run::runtime;
use super::{EXIT_CANNOT_START, fail, say};
use crate::model::{Lang, Trouble};
use crate::simulator::{Machine, Server, workshop};

#[derive(clap::Args)]
pub(super) struct SimArgs {
    /// Modbus TCP port of all machines, told apart by unit id 1, 2, 3; 0 takes any free port.
    #[arg(long, default_value_t = 5_020)]
    port: u16,
    /// Address to listen on. Only this machine can connect unless another address is given.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
}

pub(super) fn sim(args: &SimArgs) -> ExitCode {
    match runtime().block_on(serve(SocketAddr::new(args.listen, args.port))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => fail(&trouble, EXIT_CANNOT_START),
    }
}

async fn serve(bind: SocketAddr) -> Result<(), Trouble> {
    const SEED: u64 = 7;
    let server = Server::start(bind, (1..).zip(Machine::workshop(SEED)).collect()).await?;
    say(match Lang::current() {
        Lang::En => {
            format!("# Simulated machines on Modbus TCP {}; Ctrl-C ends. They are read like this:", server.addr())
        }
        Lang::Zh => format!("# 模拟设备已在 Modbus TCP {} 上运行，Ctrl-C 结束。读取配置如下：", server.addr()),
    });
    say(workshop::machines(&server.endpoints()));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Trouble::new(crate::model::words::agent::NO_SIGNALS).with("error", error))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}
