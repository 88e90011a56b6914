//! `cloudward demo`: the main job on one machine with nothing installed. Simulated machines answer over real Modbus TCP and
//! OPC UA, the agent reads and stores, an embedded broker takes; at the end every scan and every change that was handed out is
//! looked for among those that arrived.

#[cfg_attr(not(feature = "opcua"), path = "demo/without_opcua.rs")]
mod opcua;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::opcua::Guest;
use super::run::runtime;
use super::{EXIT_CANNOT_START, EXIT_SOFTWARE, fail, logging};
use crate::agent::Agent;
use crate::config::Config;
use crate::console::{Live, MachineLine, MachineState, Summary, Verdict, View, summary};
use crate::model::words::simulator as words;
use crate::model::{Lang, Trouble};
use crate::simulator::{Arrivals, Broker, Delivery, Glance, HandedOut, Machine, Phase, Server, workshop};

/// The same workshop each time: a demo that surprises its presenter is a bad one.
const SEED: u64 = 20_260_101;

/// How often the picture is drawn.
const FRAME: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// How long to run before the summary; Ctrl-C ends it earlier.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    seconds: u64,
    /// Take the broker away for the middle third, and prove that nothing was lost.
    #[arg(long)]
    outage: bool,
    /// Keep the journal here; without it, in a temporary directory that is removed at the end.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

pub(super) fn demo(args: &DemoArgs) -> ExitCode {
    logging::start("error");
    match runtime().block_on(play(args)) {
        Ok(summary) => {
            summary::print(&summary, Lang::current(), &mut std::io::stdout());
            match summary.verdict() {
                Verdict::Lost | Verdict::NothingRead => EXIT_SOFTWARE.into(),
                Verdict::Kept | Verdict::KeptUntested => ExitCode::SUCCESS,
            }
        }
        Err(trouble) => fail(&trouble, EXIT_CANNOT_START),
    }
}

async fn play(args: &DemoArgs) -> Result<Summary, Trouble> {
    let temporary = tempfile::tempdir().map_err(|error| Trouble::new(words::NO_TEMPORARY).with("error", error))?;
    let state_dir = args.state_dir.as_deref().unwrap_or(temporary.path());
    let (mut stage, deliveries) = Stage::set(state_dir).await?;
    let total = Duration::from_secs(args.seconds);
    let mut audience = Audience::new(deliveries, stage.glances().len());
    let outage = args.outage.then(|| (total / 3, total * 2 / 3));
    let away = stage.perform(total, outage, &mut audience).await?;

    // The end: what a server has told, but not yet sent, ends with the session; so the machine stands still before, and what it
    // told is waited for. Then the agent stops reading, delivers what is left, and the broker's ear must have heard it.
    let Stage { servers, mut guest, broker, agent } = stage;
    if let Some(guest) = &mut guest {
        guest.stand_still().await;
        audience.listen_for(&[guest.handed_out()], Duration::from_secs(10)).await;
    }
    let stop = agent.stop();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            delivery = audience.deliveries.recv() => match delivery {
                Some(delivery) => audience.hear(&delivery),
                None => break,
            },
        }
    }
    let handed_out: Vec<HandedOut> = servers.iter().flat_map(Server::handed_out).collect();
    let told: Option<HandedOut> = guest.as_ref().map(Guest::handed_out);
    let all: Vec<HandedOut> = handed_out.iter().copied().chain(told).collect();
    // What the broker took just before the agent stopped may still be on its way to the ear.
    audience.listen_for(&all, Duration::from_secs(2)).await;
    audience.live.finish();
    drop(broker);

    let arrivals = &audience.arrivals;
    Ok(Summary {
        handed_out: handed_out.iter().map(|machine| machine.scans).sum(),
        arrived: arrivals.arrived(&handed_out),
        changes: told.map(|told| (told.scans, arrivals.arrived(&[told]))),
        unread: all.iter().filter(|machine| machine.scans == 0).count() as u64,
        values: arrivals.readings(),
        duplicates: arrivals.duplicates,
        lost: arrivals.missing(&all),
        outage: away,
        deepest_samples: audience.deepest_samples,
    })
}

/// What acts: machines, agent, broker.
struct Stage {
    servers: Vec<Server>,
    guest: Option<Guest>,
    broker: Broker,
    agent: Agent,
}

impl Stage {
    async fn set(state_dir: &Path) -> Result<(Stage, mpsc::Receiver<Delivery>), Trouble> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut servers = Vec::new();
        for machine in Machine::workshop(SEED) {
            servers.push(Server::start(anywhere, vec![(1, machine)]).await?);
        }
        let endpoints: Vec<_> = servers.iter().flat_map(Server::endpoints).collect();
        let guest = Guest::invite(anywhere, SEED ^ 3, state_dir).await?;
        let (broker, deliveries) = Broker::start(anywhere)?;
        let text = workshop::toml(&endpoints, guest.as_ref().map(Guest::place), broker.gate.addr().port(), state_dir);
        let config = Config::parse(&text).expect("a test reads the demo's configuration");
        let agent = Agent::start(config, state_dir.to_owned()).await?;
        Ok((Stage { servers, guest, broker, agent }, deliveries))
    }

    /// What somebody walking past the machines would notice now.
    fn glances(&self) -> Vec<(&'static str, Glance)> {
        self.servers.iter().flat_map(Server::glances).chain(self.guest.as_ref().map(Guest::glance)).collect()
    }

    /// Plays for `total`, with the broker away from `outage.0` to `outage.1`. Returns how long it was away.
    async fn perform(
        &mut self,
        total: Duration,
        outage: Option<(Duration, Duration)>,
        audience: &mut Audience,
    ) -> Result<Duration, Trouble> {
        let began = Instant::now();
        let mut gone_since: Option<Instant> = None;
        let mut away = Duration::ZERO;
        let mut frame = tokio::time::interval(FRAME);
        loop {
            tokio::select! {
                delivery = audience.deliveries.recv() => {
                    if let Some(delivery) = delivery {
                        audience.hear(&delivery);
                    }
                    continue;
                }
                _ = frame.tick() => {}
                _ = tokio::signal::ctrl_c() => break,
            }
            let elapsed = began.elapsed();
            if elapsed >= total {
                break;
            }
            if let Some((from, to)) = outage {
                if gone_since.is_none() && away.is_zero() && elapsed >= from {
                    self.broker.gate.close().await?;
                    gone_since = Some(Instant::now());
                    audience.live.say(outage_line(true));
                } else if elapsed >= to
                    && let Some(since) = gone_since.take()
                {
                    self.broker.gate.open()?;
                    away = since.elapsed();
                    audience.live.say(outage_line(false));
                }
            }
            audience.watch(self, gone_since.is_some(), elapsed, total);
        }
        if let Some(since) = gone_since {
            self.broker.gate.open()?; // Ctrl-C in the outage: the rest is still to be delivered
            away = since.elapsed();
        }
        Ok(away)
    }
}

/// What watches and counts.
struct Audience {
    deliveries: mpsc::Receiver<Delivery>,
    arrivals: Arrivals,
    live: Live,
    deepest_samples: u64,
    /// Readings of each device at the last count, for the rate.
    counted: Vec<(Instant, u64, f64)>,
}

impl Audience {
    fn new(deliveries: mpsc::Receiver<Delivery>, machines: usize) -> Audience {
        Audience {
            deliveries,
            arrivals: Arrivals::default(),
            live: Live::start(Lang::current(), machines),
            deepest_samples: 0,
            counted: vec![(Instant::now(), 0, 0.0); machines],
        }
    }

    fn hear(&mut self, delivery: &Delivery) {
        self.arrivals.take(&delivery.payload);
    }

    /// Until nothing of this is missing, or patience is at its end.
    async fn listen_for(&mut self, handed_out: &[HandedOut], patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        while self.arrivals.missing(handed_out) > 0 {
            match tokio::time::timeout_at(deadline, self.deliveries.recv()).await {
                Ok(Some(delivery)) => self.hear(&delivery),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn watch(&mut self, stage: &Stage, outage: bool, elapsed: Duration, total: Duration) {
        let overview = stage.agent.overview();
        let waiting_samples = overview.committed_samples.saturating_sub(self.arrivals.readings());
        if outage {
            self.deepest_samples = self.deepest_samples.max(waiting_samples);
        }
        let machines = stage.glances().into_iter().enumerate().map(|(index, (id, glance))| MachineLine {
            id: id.to_owned(),
            state: match glance.phase {
                Phase::Run => MachineState::Run,
                Phase::Idle => MachineState::Idle,
                Phase::Fault => MachineState::Fault,
            },
            cycles: glance.cycles,
            figure: Some(glance.figure),
            samples_per_s: self.rate(index, id),
        });
        let view = View {
            machines: machines.collect(),
            waiting_records: overview.waiting_records,
            waiting_samples,
            waiting_full: total.as_secs() / 3 * SAMPLES_PER_S,
            acked: overview.acked,
            connected: overview.sinks_connected > 0,
            outage,
            elapsed,
            total,
        };
        self.live.show(&view);
    }

    /// Samples that arrive per second, measured over the last seconds.
    fn rate(&mut self, index: usize, id: &str) -> f64 {
        const OVER: Duration = Duration::from_secs(2);
        let arrived = self.arrivals.device(id).map_or(0, |device| device.good + device.bad.values().sum::<u64>());
        let (since, before, rate) = &mut self.counted[index];
        let span = since.elapsed();
        if span >= OVER {
            *rate = (arrived - *before) as f64 / span.as_secs_f64();
            (*since, *before) = (Instant::now(), arrived);
        }
        *rate
    }
}

/// What the demo's workshop reports about each second; only the scale of a bar depends on it.
const SAMPLES_PER_S: u64 = if cfg!(feature = "opcua") { 85 } else { 60 };

fn outage_line(begins: bool) -> &'static str {
    match (begins, Lang::current()) {
        (true, Lang::En) => ">>> the broker is gone: connections cut, port closed",
        (false, Lang::En) => ">>> the broker is back",
        (true, Lang::Zh) => ">>> 消息服务器离线：连接已断，端口已关",
        (false, Lang::Zh) => ">>> 消息服务器恢复",
    }
}
