//! `cloudward read`: one value of a device, now, with its registers and what other byte orders would make of them.

pub(super) mod meter;
#[cfg(feature = "opcua")]
mod node;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::endpoint::{self, Settings, device, quoted};
use super::load::load_or_explain;
use super::run::runtime;
use super::{EXIT_UNAVAILABLE, EXIT_USAGE, fail, say};
use crate::config::dlt645::MeterAddress;
use crate::config::modbus::{Address, DataType, Order, Register};
use crate::config::parse_time;
use crate::config::{Link, Station, Tag, Transport};
use crate::model::words::tools as words;
use crate::model::{Lang, Reading, Trouble, Why};
use crate::source::connection::{Connection, OpenFault, ReadFault};
use crate::source::modbus::decode::{Answer, decode};
use crate::source::modbus::plan::{Block, plan};

#[derive(clap::Args)]
pub(super) struct ReadArgs {
    /// A link of the configuration (with --config), or where to connect: 192.168.1.10, 192.168.1.10:502, rtu-over-tcp:HOST:PORT, /dev/ttyUSB0, ascii:/dev/ttyUSB0, opc.tcp://HOST:PORT.
    link: String,
    /// 40001, holding:16, 40010.3; with --addresses also as in the PLC's program, such as D100; of an OPC UA server a node, such as ns=2;s=TEXT.
    address: String,
    /// bool, u16, i16, u32, f32 and so on; without it u16, for coils and bits bool. Of a node: float, int, bool, text, json; without it what it is.
    #[arg(value_name = "TYPE")]
    data_type: Option<String>,
    /// Take the link named LINK from this file.
    #[arg(long = "config", short = 'c', short_alias = 'f', value_name = "FILE")]
    from_config: Option<PathBuf>,
    /// Of a URL opc.tcp://: none. Anything better belongs to a link, whose certificate a person pins.
    #[cfg(feature = "opcua")]
    #[arg(long, value_name = "WORD")]
    security: Option<super::server::Security>,
    /// Unit id; without it that of the link's first device, or 1.
    #[arg(long, value_name = "N")]
    unit: Option<u8>,
    /// A DL/T 645 meter is meant, with this number on its front; ADDRESS is then an identifier such as 02-01-01-00.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["unit", "order", "length", "encoding", "addresses", "count"])]
    meter: Option<String>,
    /// Byte order of longer values: ABCD, CDAB, BADC, DCBA.
    #[arg(long)]
    order: Option<String>,
    /// Multiply what is read by this.
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f64>,
    /// Bytes of a text.
    #[arg(long, value_name = "BYTES")]
    length: Option<u16>,
    /// Encoding of a text: ascii, utf8, gbk.
    #[arg(long)]
    encoding: Option<String>,
    /// Understand addresses of this PLC: inovance-h5u, inovance-am, xinje-xd, xinje-xc.
    #[arg(long, value_name = "PLC")]
    addresses: Option<String>,
    /// So many values, one behind the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    count: u16,
    /// Again and again in this period, until Ctrl-C: 1s.
    #[arg(long, value_name = "TIME", value_parser = period)]
    every: Option<Duration>,
    /// Repeat so many times at most.
    #[arg(long, value_name = "N")]
    times: Option<u64>,
    /// Speed of a serial line (default 9600).
    #[arg(long)]
    baud: Option<u32>,
    /// Parity of a serial line: none, even, odd (default none).
    #[arg(long)]
    parity: Option<String>,
    /// Stop bits of a serial line: 1 or 2 (default 1).
    #[arg(long, value_name = "N")]
    stop_bits: Option<u8>,
    /// How long to wait for an answer.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    timeout: String,
}

/// A time as in a configuration, for an argument.
pub(super) fn period(text: &str) -> Result<Duration, &'static str> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let time = parse_time(text).ok_or("write e.g. 500ms, 1s, 5m")?;
    if time <= LONGEST { Ok(time) } else { Err("at most a day") }
}

pub(super) fn read(args: &ReadArgs) -> ExitCode {
    #[cfg(feature = "opcua")]
    if is_opcua(args) {
        return node::read(args, args.security);
    }
    let (link, first_unit, first_meter) = match link(args) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let question = match question(args, &link, first_meter) {
        Ok(question) => question,
        Err(trouble) => return fail(&trouble, EXIT_USAGE),
    };
    let unit = args.unit.or(first_unit).unwrap_or(1);
    let every = async {
        let mut asked = 0_u64;
        let mut ticks =
            tokio::time::interval(args.every.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut connection = None;
        loop {
            ticks.tick().await;
            let failed = match &question {
                Question::Registers(tag, registers) => once(&link, unit, tag, registers, &mut connection).await.err(),
                Question::Meter(question) => question.ask(&link, &mut connection).await.err(),
            };
            asked += 1;
            if args.every.is_none() || args.times.is_some_and(|times| asked >= times) {
                return failed;
            }
            if let Some(trouble) = failed {
                fail(&trouble, EXIT_UNAVAILABLE); // said; the next time it may be better
            }
        }
    };
    let ended = runtime().block_on(async {
        tokio::select! {
            failed = every => failed,
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    ended.map_or(ExitCode::SUCCESS, |trouble| fail(&trouble, EXIT_UNAVAILABLE))
}

/// Whether an OPC UA server is meant. A file with mistakes says so itself, later.
#[cfg(feature = "opcua")]
fn is_opcua(args: &ReadArgs) -> bool {
    let is_link = |path: &PathBuf| {
        let config = super::load::load(path).ok()?;
        config.links.iter().find(|link| *link.name == *args.link).map(|link| link.transport.is_opcua())
    };
    super::server::is_url(&args.link) || args.from_config.as_ref().and_then(is_link).unwrap_or(false)
}

enum Question {
    Registers(Tag, Vec<Register>),
    Meter(meter::Question),
}

/// What is to be asked. An identifier that no Modbus address looks like is for the meter of the link, if it has one.
fn question(args: &ReadArgs, link: &Link, first_meter: Option<MeterAddress>) -> Result<Question, Trouble> {
    let is_identifier = args.unit.is_none() && args.address.contains('-');
    let of_link = first_meter.filter(|_| is_identifier).map(|meter| meter.to_string());
    let Some(meter) = args.meter.as_ref().or(of_link.as_ref()) else {
        return values(args).map(|(tag, registers)| Question::Registers(tag, registers));
    };
    if !link.transport.carries_meters() {
        return Err(Trouble::new(words::NO_METERS_THERE).with("endpoint", &link.transport));
    }
    meter::Question::new(args, meter).map(Question::Meter)
}

/// The link, the unit id of its first device and the address of its first meter.
fn link(args: &ReadArgs) -> Result<(Link, Option<u8>, Option<MeterAddress>), ExitCode> {
    let Some(path) = &args.from_config else {
        let settings = Settings {
            baud: args.baud,
            parity: args.parity.as_deref(),
            stop_bits: args.stop_bits,
            timeout: &args.timeout,
        };
        let link = endpoint::typed_link(&args.link, &settings);
        return link.map(|link| (link, None, None)).map_err(|trouble| fail(&trouble, EXIT_USAGE));
    };
    let config = load_or_explain(path)?;
    let Some(link) = config.links.iter().find(|link| *link.name == *args.link) else {
        let known = config.links.iter().map(|link| link.name.as_ref()).collect::<Vec<_>>().join(", ");
        let trouble = Trouble::new(words::NO_SUCH_LINK).with("found", &args.link).with("known", known);
        return Err(fail(&trouble, EXIT_USAGE));
    };
    if matches!(link.transport, Transport::RtuListen { .. }) {
        return Err(fail(&Trouble::new(words::DIALS_IN).with("found", &link.name), EXIT_USAGE));
    }
    Ok((
        (**link).clone(),
        config.devices_of(&link.name).find_map(|device| match device.station {
            Station::Unit(unit) => Some(unit),
            Station::Meter(_) | Station::Server => None,
        }),
        config.devices_of(&link.name).find_map(|device| match device.station {
            Station::Meter(address) => Some(address),
            Station::Unit(_) | Station::Server => None,
        }),
    ))
}

/// What is to be read, by the rules of tags in a configuration.
fn values(args: &ReadArgs) -> Result<(Tag, Vec<Register>), Trouble> {
    let parse = |data_type: &str| {
        let mut keys = format!("name = \"v\", address = {}, type = {}", quoted(&args.address), quoted(data_type));
        for (key, text) in [("order", &args.order), ("encoding", &args.encoding)] {
            if let Some(text) = text {
                keys += &format!(", {key} = {}", quoted(text));
            }
        }
        keys += &args.scale.map(|scale| format!(", scale = {scale:?}")).unwrap_or_default();
        keys += &args.length.map(|length| format!(", length = {length}")).unwrap_or_default();
        let areas = args.addresses.as_ref().map(|areas| format!("addresses = {}\n", quoted(areas))).unwrap_or_default();
        device(&format!("{areas}tags = [{{ {keys} }}]"))
    };
    let device = match &args.data_type {
        Some(data_type) => parse(data_type)?,
        None => parse("u16").or_else(|trouble| parse("bool").or_else(|_| parse("u8")).map_err(|_| trouble))?,
    };
    let tag = device.tags[0].clone();
    let first = *tag.register().expect("the device has a unit id, so its tags are registers");
    let width = first.data_type.width();
    let nth = |n: u16| {
        let mut register = first;
        register.address.offset = n.checked_mul(width).and_then(|step| first.address.offset.checked_add(step))?;
        register.address.offset.checked_add(width - 1)?; // it ends within the table
        Some(register)
    };
    Ok((tag, (0..args.count).map_while(nth).collect()))
}

async fn once(
    link: &Link,
    unit: u8,
    tag: &Tag,
    registers: &[Register],
    connection: &mut Option<Connection>,
) -> Result<(), Trouble> {
    let plan = plan(registers, link.manners.limits);
    let mut answers = Vec::new();
    for block in &plan.blocks {
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(link, None).await.map_err(|fault| unreachable(link, &fault))?),
        };
        let answer = open.read(unit, *block).await;
        if matches!(answer, Err(ReadFault::Lost(_))) {
            *connection = None;
        }
        answers.push(answer.map_err(|fault| refused(link, unit, *block, fault))?);
    }
    let mut bad = None;
    for (register, spot) in registers.iter().zip(&plan.spots) {
        let (answer, from) = (&answers[spot.block], usize::from(spot.offset));
        let Register { address, data_type, .. } = register;
        let reading = decode(tag, register, answer, spot.offset);
        let words = match answer {
            Answer::Registers(words) => words.get(from..from + usize::from(data_type.width())).unwrap_or_default(),
            Answer::Bits(_) => &[],
        };
        say(line(tag, register, &reading, words));
        if let Reading::Bad(why) = reading {
            let trouble = Trouble::new(words::NO_VALUE).with("address", address);
            bad = Some(trouble.with("type", data_type).with("found", why));
        }
    }
    bad.map_or(Ok(()), Err)
}

/// `40001  holding:0  219.8  [435B CCCD]  CDAB: -107616984`
fn line(tag: &Tag, register: &Register, reading: &Reading, words: &[u16]) -> String {
    let Register { address, data_type, order: own } = *register;
    let part = data_type.part().map(|part| part.to_string()).unwrap_or_default();
    let mut line = format!("{}{part}  {}{part}  {}", address.reference(), address, shown(reading));
    if !words.is_empty() {
        let hex: Vec<String> = words.iter().map(|word| format!("{word:04X}")).collect();
        line += &format!("  [{}]", hex.join(" "));
    }
    let is_number = !matches!(data_type, DataType::Text(_));
    if is_number && matches!(words.len(), 2 | 4) {
        let answer = Answer::Registers(words.to_vec());
        for name in ["ABCD", "CDAB", "BADC", "DCBA"] {
            if let Some(order) = Order::parse(name).filter(|order| *order != own) {
                line += &format!("  {name}: {}", shown(&decode(tag, &Register { order, ..*register }, &answer, 0)));
            }
        }
    }
    line.replace(char::is_control, "?")
}

fn shown(reading: &Reading) -> String {
    match reading {
        Reading::Good(value) | Reading::Uncertain(value, _) => {
            // Numbers of another order may have forty digits.
            let text = value.to_string();
            let is_long = text.len() > 24 && value.as_f64().is_some();
            value.as_f64().filter(|_| is_long).map(|x| format!("{x:e}")).unwrap_or(text)
        }
        Reading::Bad(why) => match Lang::current() {
            Lang::En => format!("bad ({why})"),
            Lang::Zh => format!("无效（{why}）"),
        },
    }
}

/// The words for an endpoint that cannot be reached.
pub(super) fn unreachable(link: &Link, fault: &OpenFault) -> Trouble {
    let code = match (&link.transport, fault.why) {
        (Transport::Serial(_), _) => words::PORT_UNUSABLE,
        (_, Why::Refused) => words::NOT_ACCEPTED,
        _ if fault.error.to_string().contains("lookup address") => words::NAME_UNKNOWN,
        _ => words::NOT_REACHED,
    };
    Trouble::new(code).with("endpoint", &link.transport).with("error", &fault.error)
}

fn refused(link: &Link, unit: u8, block: Block, fault: ReadFault) -> Trouble {
    let trouble = |code| Trouble::new(code).with("endpoint", &link.transport).with("unit", unit);
    match fault {
        ReadFault::Exception(why @ (Why::IllegalFunction | Why::IllegalAddress | Why::IllegalValue)) => {
            let first = Address { table: block.table, offset: block.start };
            let range = match block.count {
                1 => format!("{first} = {}", first.reference()),
                count => format!("{first}-{} = {}", block.start.saturating_add(count - 1), first.reference()),
            };
            trouble(words::REFUSES).with("range", range).with("found", why)
        }
        ReadFault::Exception(why) => trouble(words::DEVICE_TROUBLE).with("found", why),
        ReadFault::Silent(Why::Malformed) | ReadFault::Lost(Why::Malformed) => trouble(words::NOT_MODBUS),
        ReadFault::Lost(Why::Closed) => trouble(words::HUNG_UP),
        ReadFault::Silent(_) | ReadFault::Lost(_) => trouble(words::NO_ANSWER),
    }
}
