//! One value of a DL/T 645 meter, now: the counterpart of reading a register by hand.

use super::super::endpoint::{self, quoted};
use super::{ReadArgs, shown, unreachable};
use crate::cli::say;
use crate::config::dlt645::{Item, MeterAddress};
use crate::config::{Device, Link, Station, Tag};
use crate::model::words::tools as words;
use crate::model::{Reading, Trouble, Why};
use crate::source::connection::{Connection, ReadFault};
use crate::source::dlt645::decode::decode;
use crate::source::dlt645::frame::Query;
use crate::source::dlt645::plan::{Request, plan};

/// Frames of one answer, as the agent allows them.
const MAX_FRAMES: u8 = 8;

/// Whom and what to ask.
pub(super) struct Question {
    address: MeterAddress,
    tag: Tag,
    item: Item,
    request: Request,
}

/// What this tag of a meter reads now.
pub(in crate::cli) async fn value(
    connection: &mut Connection,
    address: MeterAddress,
    tag: &Tag,
) -> Result<Reading, ReadFault> {
    let asked = tag.item().and_then(|item| Some((*item, plan(&[*item], true).pop()?)));
    let Some((item, request)) = asked else { return Ok(Reading::Bad(Why::Malformed)) };
    let question = Question { address, tag: tag.clone(), item, request };
    let data = question.answer(connection).await?;
    Ok(question.reading(&data))
}

impl Question {
    /// By the rules of tags in a configuration.
    pub(super) fn new(args: &ReadArgs, meter: &str) -> Result<Question, Trouble> {
        let mut keys = format!("name = \"v\", address = {}", quoted(&args.address));
        keys += &args.data_type.as_ref().map(|word| format!(", type = {}", quoted(word))).unwrap_or_default();
        keys += &args.scale.map(|scale| format!(", scale = {scale:?}")).unwrap_or_default();
        let Device { station, tags, .. } =
            endpoint::meter(&format!("meter = {}\ntags = [{{ {keys} }}]", quoted(meter)))?;
        let tag = tags[0].clone();
        let item = *tag.item().expect("the device is a meter, so its tags are items");
        let request = plan(&[item], true).pop().expect("one item makes one request");
        match station {
            Station::Meter(address) => Ok(Question { address, tag, item, request }),
            Station::Unit(_) | Station::Server => unreachable!("the device says `meter`"),
        }
    }

    /// Asks once, and says what was answered.
    pub(super) async fn ask(&self, link: &Link, connection: &mut Option<Connection>) -> Result<(), Trouble> {
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection::open(link, None).await.map_err(|fault| unreachable(link, &fault))?),
        };
        let answer = self.answer(open).await;
        if matches!(answer, Err(ReadFault::Lost(_))) {
            *connection = None;
        }
        let data = answer.map_err(|fault| self.refused(link, fault))?;
        let hex: Vec<String> = data.iter().rev().map(|byte| format!("{byte:02X}")).collect();
        let reading = self.reading(&data);
        let unit = self.tag.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let line = format!("{}  {}{unit}  [{}]", self.item.id, shown(&reading), hex.join(" "));
        say(line.replace(char::is_control, "?"));
        match reading {
            Reading::Bad(why) => Err(Trouble::new(words::NO_METER_VALUE)
                .with("id", self.item.id)
                .with("type", self.item.format)
                .with("found", why)),
            _ => Ok(()),
        }
    }

    fn reading(&self, data: &[u8]) -> Reading {
        match self.request.fits(data.len()) {
            true => decode(&self.tag, &self.item, data.get(self.request.parts[0].1..).unwrap_or_default()),
            false => Reading::Bad(Why::Malformed), // of another length than the format
        }
    }

    async fn answer(&self, connection: &mut Connection) -> Result<Vec<u8>, ReadFault> {
        let usual = self.request.usual_bytes();
        let mut data = Vec::new();
        for number in 0..MAX_FRAMES {
            let follow = Some(number).filter(|number| *number > 0);
            let query = Query { address: self.address, id: self.item.id, follow };
            let (request, answer_bytes, timeout) = (query.encode(), query.answer_bytes(usual), connection.timeout());
            let find = |received: &[u8]| query.find(received);
            let piece =
                connection.exchange(Station::Meter(self.address), &request, answer_bytes, timeout, find).await?;
            data.extend(piece.data);
            if !piece.has_more {
                break;
            }
        }
        Ok(data)
    }

    fn refused(&self, link: &Link, fault: ReadFault) -> Trouble {
        let trouble = |code| Trouble::new(code).with("endpoint", &link.transport).with("meter", self.address);
        match fault {
            ReadFault::Exception(why) => trouble(words::METER_REFUSES).with("id", self.item.id).with("found", why),
            ReadFault::Silent(Why::Malformed) | ReadFault::Lost(Why::Malformed) => trouble(words::NOT_MODBUS),
            ReadFault::Lost(Why::Closed) => trouble(words::HUNG_UP),
            ReadFault::Silent(_) | ReadFault::Lost(_) => trouble(words::METER_SILENT),
        }
    }
}
