//! `cloudward browse`: walks through an OPC UA server and shows what it has, or writes it as a device to start from.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::import::{Form, form, is_name, tell, write};
use super::progress::{self, Progress};
use super::read::period;
use super::run::runtime;
use super::server::{Security, Server, until_interrupted};
use super::{ConfigArgs, EXIT_CANNOT_START, EXIT_UNAVAILABLE, EXIT_USAGE, fail, say};
use crate::config::opcua::NodeAddress;
use crate::model::time::show_span;
use crate::model::words::browse as words;
use crate::model::words::import;
use crate::model::{Lang, Trouble, ValueKind};
use crate::probe::nodes::pick::{Picked, Wanted, pick};
use crate::probe::nodes::snippet::{self, table, toml};
use crate::probe::nodes::tree::{flat, tree};
use crate::source::opcua::found::{End, Found};
use crate::source::opcua::visit::Visit;
use crate::source::opcua::walk::{self, Options};

#[derive(clap::Args)]
pub(super) struct BrowseArgs {
    /// An OPC UA link of the configuration, or opc.tcp://HOST:PORT with --security none.
    link: String,
    /// Only what has this in its name or path; with * the whole of it, such as *temperature* or Machine/*.
    pattern: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Of a URL: none. Anything better belongs to a link, whose certificate a person pins.
    #[arg(long, value_name = "WORD")]
    security: Option<Security>,
    /// Begin at this node rather than at the Objects folder: nsu=URI;s=TEXT, ns=2;s=TEXT, i=85.
    #[arg(long, value_name = "NODEID", default_value = "i=85")]
    from: String,
    /// So many steps down.
    #[arg(long, value_name = "N", default_value_t = 8)]
    depth: usize,
    /// End after so many nodes.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_nodes: u32,
    /// End after this time.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = period)]
    max_time: Duration,
    /// Also what the server says of itself.
    #[arg(long)]
    server: bool,
    /// Only values of this type: float, int, bool, text, json.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// One line for each value, with its path.
    #[arg(long)]
    flat: bool,
    /// Write a device to NAME.toml, or a table for tags_file to NAME.csv.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Id of the device that is written; without it the name of the link.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Overwrite the output if it exists.
    #[arg(long)]
    force: bool,
}

/// What is typed, understood.
struct Wishes<'a> {
    options: Options,
    wanted: Wanted,
    output: Option<(&'a Path, Form)>,
}

pub(super) fn browse(args: &BrowseArgs) -> ExitCode {
    let wishes = match wishes(args) {
        Ok(wishes) => wishes,
        Err(trouble) => return fail(&trouble, EXIT_USAGE),
    };
    let server = match Server::find(&args.link, &args.config.config, args.security) {
        Ok(server) => server,
        Err(code) => return code,
    };
    announce(args, &server);
    let found = match walk(args, &server, &wishes.options) {
        Ok(found) => found,
        Err(trouble) => return fail(&trouble, EXIT_UNAVAILABLE),
    };
    let picked = pick(&found, &wishes.wanted);
    let lost = match &found.end {
        End::Lost(trouble) => Some(trouble),
        _ => None,
    };
    let is_in_vain = picked.values.is_empty() && (wishes.wanted.pattern.is_some() || wishes.wanted.kind.is_some());
    if is_in_vain && lost.is_none() {
        let trouble = Trouble::new(words::NOTHING_FITS).with("endpoint", &server.link.transport);
        return fail(&trouble.with("count", found.variables().count()), EXIT_UNAVAILABLE);
    }
    match wishes.output {
        Some((path, form)) => {
            if let Err(trouble) = put(args, &server, &found, &picked, path, &form) {
                return fail(&trouble, EXIT_CANNOT_START);
            }
        }
        None if args.flat => flat(&found, &picked, Lang::current()).iter().for_each(|line| say(line.trim_end())),
        None => tree(&found, &picked, Lang::current()).iter().for_each(|line| say(line.trim_end())),
    }
    limits(args, &found).iter().for_each(tell);
    lost.map_or(ExitCode::SUCCESS, |trouble| fail(trouble, EXIT_UNAVAILABLE))
}

fn wishes(args: &BrowseArgs) -> Result<Wishes<'_>, Trouble> {
    let from = NodeAddress::parse(&args.from);
    let from = from.ok_or_else(|| Trouble::new(words::NO_NODE).with("found", &args.from))?;
    let kind = |word: &String| {
        let trouble = Trouble::new(crate::model::words::config::NOT_ONE_OF).with("key", "--type").with("found", word);
        ValueKind::parse(word).ok_or_else(|| trouble.with("known", "float, int, bool, text, json"))
    };
    let kind = args.kind.as_ref().map(kind).transpose()?;
    let output = match args.output.as_deref() {
        Some(path) => Some((path, form(path)?)),
        None => None,
    };
    if let Some(id) = args.device.as_ref().filter(|id| !is_name(id)) {
        return Err(Trouble::new(import::NAME_REFUSED).with("found", id.escape_debug()));
    }
    let max_nodes = usize::try_from(args.max_nodes).unwrap_or(usize::MAX);
    let options = Options { from, depth: args.depth, max_nodes, with_server: args.server };
    Ok(Wishes { options, wanted: Wanted { pattern: args.pattern.clone(), kind }, output })
}

fn announce(args: &BrowseArgs, server: &Server) {
    let (endpoint, time, nodes) = (&server.link.transport, show_span(args.max_time), args.max_nodes);
    let line = match Lang::current() {
        Lang::En => format!(
            "Looks around at {endpoint}, reading only: at most {time} and {nodes} nodes. Ctrl-C gives what was found so far."
        ),
        Lang::Zh => {
            format!(
                "浏览 {endpoint}，只读不写：最长 {time}，最多 {nodes} 个节点。按 Ctrl-C 可提前结束并给出已找到的内容。"
            )
        }
    };
    writeln!(std::io::stderr(), "{line}").ok(); // a closed pipe: nobody reads it
}

fn walk(args: &BrowseArgs, server: &Server, options: &Options) -> Result<Found, Trouble> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut meter = Progress::new();
    let found = runtime().block_on(until_interrupted(&stop, async {
        let mut visit = Visit::open(server.errand(args.max_time, &stop)).await?;
        let found = visit.walk(options, &mut |progress| meter.show(|| line(args, progress))).await;
        visit.close().await;
        found
    }));
    meter.clear();
    found
}

fn line(args: &BrowseArgs, progress: walk::Progress) -> String {
    let walk::Progress { nodes, waiting, requests, elapsed } = progress;
    let time = elapsed.as_secs_f64() / args.max_time.as_secs_f64().max(0.001);
    // How many nodes there are is not known; what was gone into of those that were met is the best guess.
    let done = (nodes.saturating_sub(waiting)) as f64 / nodes.max(1) as f64;
    let full = nodes as f64 / f64::from(args.max_nodes);
    let (bar, seconds) = (progress::bar(done.min(1.0).max(time).max(full)), elapsed.as_secs());
    match Lang::current() {
        Lang::En => format!("{bar} {seconds} s, {requests} requests, {nodes} nodes, {waiting} to go into"),
        Lang::Zh => format!("{bar} {seconds} 秒，{requests} 次请求，{nodes} 个节点，还有 {waiting} 个待展开"),
    }
}

/// Writes the device or the table, and says so.
fn put(
    args: &BrowseArgs,
    server: &Server,
    found: &Found,
    picked: &Picked,
    path: &Path,
    form: &Form,
) -> Result<(), Trouble> {
    let link: &str = &server.link.name;
    let endpoint = server.link.transport.to_string();
    let lang = Lang::current();
    let device = args.device.as_deref().unwrap_or(link);
    let of = snippet::Form { device, link, new_link: server.new_link.as_deref(), endpoint: &endpoint, lang };
    let made = match form {
        Form::Toml => toml(found, picked, &of),
        Form::Csv => table(found, picked, &of),
    };
    write(path, &made.text, args.force)?;
    if made.without_names > 0 {
        tell(&Trouble::new(words::NAMES_NOT_IN_TABLE).with("count", made.without_names));
    }
    let trouble = Trouble::new(words::SNIPPET_WRITTEN).with("path", path.display());
    tell(&trouble.with("tags", made.tags).with("count", made.left_out));
    Ok(())
}

/// Why there may be more than is shown.
fn limits(args: &BrowseArgs, found: &Found) -> Vec<Trouble> {
    let deeper = Trouble::new(words::CUT_BY_DEPTH).with("depth", args.depth).with("count", found.deeper);
    let end = match &found.end {
        End::Done | End::Lost(_) => None,
        End::Stopped => Some(Trouble::new(words::STOPPED).with("count", found.nodes.len())),
        End::Time => Some(Trouble::new(words::CUT_BY_TIME).with("time", show_span(args.max_time))),
        End::Nodes => Some(Trouble::new(words::CUT_BY_NODES).with("count", found.nodes.len())),
    };
    (found.deeper > 0).then_some(deeper).into_iter().chain(end).collect()
}
