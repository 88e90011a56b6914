//! `cloudward write DEVICE.TAG VALUE`: the one way in which cloudward changes something in a machine.
//!
//! The rule: only what the file allows twice (`[workshop] writes` and the tag's `write`), only after the old value was
//! seen and the question answered, only after the intent is on the disk; one request, never repeated; and then it is read
//! back.

pub(super) mod audit;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tracing::{info, warn};

use super::load::load_or_explain;
use super::run::{runtime, state_dir};
use super::{
    ConfigArgs, EXIT_CANNOT_START, EXIT_DECLINED, EXIT_NOT_ALLOWED, EXIT_PROTOCOL, EXIT_UNAVAILABLE, EXIT_USAGE, ask,
    fail, logging, say,
};
use crate::config::modbus::Register;
use crate::config::{Config, Device, Link, Origin, Station, Tag, Transport};
use crate::model::words::write as words;
use crate::model::{Code, Lang, Reading, Trouble, Why};
use crate::source::connection::{Connection, ReadFault};
use crate::source::modbus::decode::{Answer, decode};
use crate::source::modbus::encode::{Misfit, encode};
use crate::source::modbus::plan::Block;
use crate::source::modbus::write::WriteRequest;
use audit::{Audit, Who};

#[derive(clap::Args)]
pub(super) struct WriteArgs {
    /// Which tag: the device's id, a dot, the tag's name.
    #[arg(value_name = "DEVICE.TAG")]
    target: String,
    /// The value as people see it, scaled; a name where the tag has names.
    #[arg(allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    config: ConfigArgs,
    /// Write without asking.
    #[arg(long)]
    yes: bool,
}

/// Why it ends otherwise than well, and with which exit code.
type Ended = (Trouble, u8);

pub(super) fn write(args: &WriteArgs) -> ExitCode {
    let config = match load_or_explain(&args.config.config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    logging::start("info");
    let done = Job::new(&config, args).and_then(|job| {
        let mut audit = Audit::open(&state_dir(&config, &args.config.config)).map_err(|t| (t, EXIT_CANNOT_START))?;
        runtime().block_on(job.run(args.yes, &mut audit))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((trouble, code)) => fail(&trouble, code),
    }
}

/// One value for one tag: all that is known before anything is opened.
struct Job<'a> {
    config: &'a Config,
    device: &'a Device,
    tag: &'a Tag,
    unit: u8,
    register: Register,
    link: &'a Arc<Link>,
    value: Answer,
    who: Who,
}

/// What became of the one request.
enum Outcome {
    Accepted,
    Refused(Why),
    Unanswered(Why),
}

impl<'a> Job<'a> {
    /// Refused here: whatever the file does not allow, and a value that the tag cannot hold.
    fn new(config: &'a Config, args: &WriteArgs) -> Result<Job<'a>, Ended> {
        let not_allowed = |trouble| (trouble, EXIT_NOT_ALLOWED);
        let usage = |trouble| (trouble, EXIT_USAGE);
        if !config.workshop.writes {
            return Err(not_allowed(Trouble::new(words::WRITES_OFF)));
        }
        let (device, tag) = find(config, &args.target).map_err(usage)?;
        let target = &args.target;
        let of_target = |code: Code| Trouble::new(code).with("target", target);
        if tag.write.is_none() {
            return Err(not_allowed(of_target(words::WRITE_NOT_ALLOWED).with("known", allowed(config))));
        }
        let link = config.links.iter().find(|link| device.link.as_ref() == Some(&link.name));
        let link = link.ok_or_else(|| usage(of_target(words::WRITE_NO_LINK)))?;
        if matches!(link.transport, Transport::RtuListen { .. }) {
            return Err(usage(of_target(words::WRITE_BY_DIAL_IN).with("link", &link.name)));
        }
        let (Station::Unit(unit), Origin::Modbus(register)) = (device.station, &tag.origin) else {
            return Err(not_allowed(of_target(words::WRITE_NOT_ALLOWED).with("known", allowed(config))));
        };
        if unit == 0 && !matches!(link.transport, Transport::ModbusTcp { .. }) {
            return Err(usage(of_target(words::WRITE_BROADCAST)));
        }
        let value = encode(tag, register, &args.value).map_err(|misfit| usage(explain(tag, &args.value, &misfit)))?;
        if !args.yes && !std::io::stdin().is_terminal() {
            return Err(usage(of_target(words::WRITE_UNASKED)));
        }
        Ok(Job { config, device, tag, unit, register: *register, link, value, who: Who::current() })
    }

    async fn run(&self, yes: bool, audit: &mut Audit) -> Result<(), Ended> {
        let mut connection = self.open().await?;
        let mut before = self.present(&mut connection).await?;
        let after = self.shown(&self.value);
        let place = format!("{} = {}", self.register.address, self.register.address.reference());
        let (target, unit, link) = (self.target(), self.unit, &self.link.transport);
        say(match Lang::current() {
            Lang::En => format!("{target} ({place}, unit {unit} at {link}): {before} -> {after}"),
            Lang::Zh => format!("{target}（{place}，{link} 站号 {unit}）：{before} -> {after}"),
        });
        if !yes {
            // The device may hang up while somebody thinks, and others may want its only connection.
            drop(connection);
            if !asked() {
                return Err((self.trouble(words::WRITE_DECLINED), EXIT_DECLINED));
            }
            connection = self.open().await?;
            // While somebody thought, the machine went on: the record names what stands there now.
            before = self.present(&mut connection).await?;
        }

        let transaction = connection.next_transaction();
        let request =
            WriteRequest { transaction, unit: self.unit, address: self.register.address, value: self.value.clone() };
        let envelope = connection.envelope();
        let bytes = request.encode(envelope).expect("the configuration refuses tags that no request can write");
        let id = format!("{}-{}", jiff::Timestamp::now().as_millisecond(), std::process::id());
        audit.append(&self.intent(&id, &before, &after, &bytes)).map_err(|t| (t, EXIT_CANNOT_START))?;
        warn!(write = true, device = %self.device.id, tag = %self.tag.name, old = before, new = after,
            user = self.who.user, uid = self.who.uid, "{}", self.announcement());

        let timeout = connection.timeout();
        let find = |received: &[u8]| request.find(envelope, received);
        let answer =
            connection.exchange(self.device.station, &bytes, request.answer_bytes(envelope), timeout, find).await;
        let outcome = match answer {
            Ok(_) => Outcome::Accepted,
            Err(ReadFault::Exception(why)) => Outcome::Refused(why),
            Err(ReadFault::Silent(why) | ReadFault::Lost(why)) => Outcome::Unanswered(why),
        };
        let back = self.read_back(connection, &outcome).await;
        let recorded = audit.append(&self.result(&id, &outcome, &back));
        self.tell(&outcome, &back, &after)?;
        // What happened comes first; that it is not recorded is trouble of its own.
        recorded.map_err(|trouble| {
            let path = audit.path().display();
            let error = trouble.args.into_iter().find(|(name, _)| *name == "error").map(|(_, error)| error);
            let trouble = self.trouble(words::WRITE_UNRECORDED).with("path", path);
            (trouble.with("error", error.unwrap_or_default()), EXIT_CANNOT_START)
        })
    }

    /// The value that stands there now.
    async fn present(&self, connection: &mut Connection) -> Result<String, Ended> {
        let old = self.read(connection).await;
        old.map(|old| self.shown(&old))
            .map_err(|why| (self.trouble(words::WRITE_NO_OLD_VALUE).with("found", why), EXIT_UNAVAILABLE))
    }

    async fn open(&self) -> Result<Connection, Ended> {
        Connection::open(self.link, None).await.map_err(|fault| {
            let error = if fault.error.is_empty() { fault.why.to_string() } else { fault.error };
            let trouble = Trouble::new(words::WRITE_CANNOT_OPEN).with("endpoint", &self.link.transport);
            (trouble.with("error", error), EXIT_UNAVAILABLE)
        })
    }

    async fn read(&self, connection: &mut Connection) -> Result<Answer, Why> {
        let (address, count) = (self.register.address, self.register.data_type.width());
        let block = Block { table: address.table, start: address.offset, count };
        connection.read(self.unit, block).await.map_err(|fault| match fault {
            ReadFault::Exception(why) | ReadFault::Silent(why) | ReadFault::Lost(why) => why,
        })
    }

    /// The value after the request. After one without an answer the connection is not to be trusted any more.
    async fn read_back(&self, mut connection: Connection, outcome: &Outcome) -> Result<Answer, Why> {
        if let Outcome::Unanswered(_) = outcome {
            drop(connection);
            connection = Connection::open(self.link, None).await.map_err(|fault| fault.why)?;
        }
        self.read(&mut connection).await
    }

    /// What the person is told: all is well only if the device accepted it and shows it.
    fn tell(&self, outcome: &Outcome, back: &Result<Answer, Why>, after: &str) -> Result<(), Ended> {
        let shown = back.as_ref().map_or_else(ToString::to_string, |answer| self.shown(answer));
        let is_there = back.as_ref() == Ok(&self.value);
        let trouble = match outcome {
            Outcome::Accepted if is_there => {
                info!(write = true, device = %self.device.id, tag = %self.tag.name, "{}", match Lang::current() {
                    Lang::En => "written and read back",
                    Lang::Zh => "已写入，回读一致",
                });
                say(match Lang::current() {
                    Lang::En => format!("written and read back: {after}"),
                    Lang::Zh => format!("已写入，回读一致：{after}"),
                });
                return Ok(());
            }
            Outcome::Accepted => self.trouble(words::WRITE_DIFFERS).with("new", after),
            Outcome::Refused(why) => self.trouble(words::WRITE_REFUSED).with("found", why),
            Outcome::Unanswered(why) => self.trouble(words::WRITE_UNKNOWN).with("found", why),
        };
        let trouble = trouble.with("back", shown);
        warn!(write = true, code = %trouble.code, device = %self.device.id, tag = %self.tag.name, "{trouble}");
        Err((trouble, EXIT_PROTOCOL))
    }

    fn intent(&self, id: &str, before: &str, after: &str, bytes: &[u8]) -> serde_json::Value {
        let workshop = &self.config.workshop;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "ts": jiff::Timestamp::now().to_string(),
            "event": "intent",
            "id": id,
            "who": self.who,
            "workshop": format!("{}/{}", workshop.enterprise, workshop.id),
            "device": &*self.device.id,
            "tag": &*self.tag.name,
            "endpoint": self.link.transport.to_string(),
            "unit": self.unit,
            "address": self.register.address.to_string(),
            "old": before,
            "new": after,
            "request": hex,
        })
    }

    fn result(&self, id: &str, outcome: &Outcome, back: &Result<Answer, Why>) -> serde_json::Value {
        let (word, why) = match outcome {
            Outcome::Accepted => ("accepted", None),
            Outcome::Refused(why) => ("refused", Some(why.as_str())),
            Outcome::Unanswered(why) => ("unknown", Some(why.as_str())),
        };
        json!({
            "ts": jiff::Timestamp::now().to_string(),
            "event": "result",
            "id": id,
            "device": &*self.device.id,
            "tag": &*self.tag.name,
            "outcome": word,
            "why": why,
            "read_back": back.as_ref().ok().map(|answer| self.shown(answer)),
            "read_fault": back.as_ref().err().map(|why| why.as_str()),
            "is_new_value": back.as_ref() == Ok(&self.value),
        })
    }

    fn target(&self) -> String {
        format!("{}.{}", self.device.id, self.tag.name)
    }

    fn trouble(&self, code: Code) -> Trouble {
        Trouble::new(code).with("target", self.target())
    }

    fn announcement(&self) -> &'static str {
        match Lang::current() {
            Lang::En => "writing to a machine",
            Lang::Zh => "正在写入设备",
        }
    }

    /// A value as people see it, with its unit.
    fn shown(&self, answer: &Answer) -> String {
        let value = match decode(self.tag, &self.register, answer, 0) {
            Reading::Good(value) => value.to_string(),
            Reading::Uncertain(value, why) => format!("{value} ({why})"),
            Reading::Bad(why) => format!("({why})"),
        };
        let text = match &self.tag.unit {
            Some(unit) => format!("{value} {unit}"),
            None => value,
        };
        text.replace(char::is_control, "?") // a machine must not steer the terminal
    }
}

/// `DEVICE.TAG`; neither name has a dot.
fn find<'a>(config: &'a Config, target: &str) -> Result<(&'a Device, &'a Tag), Trouble> {
    let unknown = || Trouble::new(words::WRITE_NO_SUCH_TAG).with("target", target).with("known", allowed(config));
    let (device, tag) = target.split_once('.').ok_or_else(unknown)?;
    let device = config.devices.iter().find(|known| *known.id == *device).ok_or_else(unknown)?;
    let tag = device.tags.iter().find(|known| *known.name == *tag).ok_or_else(unknown)?;
    Ok((device, tag))
}

/// The tags that may be written, for people.
fn allowed(config: &Config) -> String {
    const MOST: usize = 20;
    let names = config.writable().map(|(device, tag)| format!("{}.{}", device.id, tag.name));
    let mut names: Vec<String> = names.take(MOST + 1).collect();
    if names.len() > MOST {
        names[MOST] = "...".to_owned();
    }
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// Why a text is no value of this tag, in words.
fn explain(tag: &Tag, typed: &str, misfit: &Misfit) -> Trouble {
    let trouble = |code| Trouble::new(code).with("found", typed).with("tag", &tag.name);
    let listed = |values: &[f64]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match misfit {
        Misfit::NotABool => trouble(words::WRITE_NO_VALUE).with("expected", "true, false, on, off, 1, 0"),
        Misfit::NotANumber => trouble(words::WRITE_NO_VALUE).with("expected", "12, -12.5"),
        Misfit::Between(nearest) => trouble(words::WRITE_BETWEEN).with("nearest", listed(nearest)),
        Misfit::OutOfRange(min, max) => trouble(words::WRITE_OUT_OF_RANGE).with("min", min).with("max", max),
        Misfit::UnknownName => {
            let names: Vec<&str> = tag.values.iter().flat_map(|names| names.iter()).collect();
            trouble(words::WRITE_UNKNOWN_NAME).with("known", names.join(", "))
        }
        Misfit::TooLong(_) | Misfit::NotInEncoding => trouble(words::WRITE_TEXT_MISFIT)
            .with("type", tag.register().map_or(String::new(), |register| register.data_type.to_string())),
    }
}

/// Only a clear yes is one.
fn asked() -> bool {
    let answer = ask(match Lang::current() {
        Lang::En => "Write this to the machine? [y/N] ",
        Lang::Zh => "确定写入设备？[y/N] ",
    });
    matches!(answer.as_str(), "y" | "yes" | "是")
}
