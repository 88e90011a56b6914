//! The books: what a receiver got, checked against what it was promised and against what the PLCs handed out. Pure.
//!
//! Promises of the payload: `id` is `<boot>-data-<seq>`, the same record always has the same id, and `prev` names the position
//! that was sent before, so that a receiver that has not seen `prev` knows of a gap.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::Value as Json;

/// One data message.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub device: String,
    pub id: String,
    pub seq: u64,
    pub prev: u64,
    pub samples: Vec<Sample>,
}

/// All readings of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub ts: i64,
    pub values: BTreeMap<String, Json>,
    pub bad: BTreeMap<String, String>,
}

/// A reading as it arrived: a number, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    Value(f64),
    Bad(String),
}

/// What arrived, sorted out.
#[derive(Debug, Default)]
pub struct Account {
    /// Each record once, in the order of first arrival.
    pub deliveries: Vec<Delivery>,
    /// Messages whose id was seen before, with the same content.
    pub duplicates: usize,
    /// Every broken promise, in words.
    pub broken: Vec<String>,
    /// Per device and tag, in order of arrival and without duplicates.
    pub readings: BTreeMap<(String, String), Vec<(i64, Got)>>,
}

impl Account {
    /// Takes the data messages (`.../data`) among `messages`, in the order of their arrival.
    pub fn of<'a>(messages: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Account {
        let mut account = Account::default();
        let mut by_seq: HashMap<u64, Delivery> = HashMap::new();
        for (topic, payload) in messages {
            if !topic.ends_with("/data") {
                continue;
            }
            match parse(topic, payload) {
                Ok(delivery) => account.take(delivery, &mut by_seq),
                Err(why) => account.broken.push(format!("{topic}: {why}: {}", String::from_utf8_lossy(payload))),
            }
        }
        account
    }

    fn take(&mut self, delivery: Delivery, by_seq: &mut HashMap<u64, Delivery>) {
        let id = &delivery.id;
        if delivery.prev != 0 && !by_seq.contains_key(&delivery.prev) {
            self.broken.push(format!("gap before {id}: position {} never arrived", delivery.prev));
        }
        if delivery.prev >= delivery.seq {
            self.broken.push(format!("{id} names {} as sent before it", delivery.prev));
        }
        if let Some(first) = by_seq.get(&delivery.seq) {
            if first.id != *id {
                self.broken.push(format!("position {} has two ids: {} and {id}", delivery.seq, first.id));
            } else if first.samples != delivery.samples || first.device != delivery.device {
                self.broken.push(format!("{id} came twice with different content"));
            }
            self.duplicates += 1;
            return;
        }
        if let Some(last) = self.deliveries.last().filter(|last| last.seq > delivery.seq) {
            self.broken.push(format!("{id} arrived for the first time after {}", last.id));
        }
        for sample in &delivery.samples {
            let good = sample.values.iter().map(|(tag, value)| (tag, Got::Value(number(value))));
            let bad = sample.bad.iter().map(|(tag, cause)| (tag, Got::Bad(cause.clone())));
            for (tag, got) in good.chain(bad) {
                let line = self.readings.entry((delivery.device.clone(), tag.clone())).or_default();
                if let Some((before, _)) = line.last().filter(|(before, _)| *before > sample.ts) {
                    self.broken.push(format!("{}.{tag}: {} came after {before}, in {id}", delivery.device, sample.ts));
                }
                line.push((sample.ts, got));
            }
        }
        by_seq.insert(delivery.seq, delivery.clone());
        self.deliveries.push(delivery);
    }

    /// The good values of a tag, in order of arrival.
    pub fn values(&self, device: &str, tag: &str) -> Vec<f64> {
        self.of_tag(device, tag)
            .iter()
            .filter_map(|(_, got)| if let Got::Value(v) = got { Some(*v) } else { None })
            .collect()
    }

    /// The causes of a tag's bad readings, in order of arrival.
    pub fn causes(&self, device: &str, tag: &str) -> Vec<&str> {
        self.of_tag(device, tag)
            .iter()
            .filter_map(|(_, got)| if let Got::Bad(why) = got { Some(why.as_str()) } else { None })
            .collect()
    }

    /// All readings of a tag, in order of arrival.
    pub fn of_tag(&self, device: &str, tag: &str) -> &[(i64, Got)] {
        self.readings.get(&(device.to_owned(), tag.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// A value that a PLC put into an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Handed {
    pub ms: i64,
    pub value: f64,
}

/// How what arrived fits what was handed out.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison {
    /// Handed out, and not arrived.
    pub missing: Vec<Handed>,
    /// Arrived out of turn, or never handed out at all.
    pub unexplained: Vec<f64>,
}

/// Fits `got` into `handed`, both in order. What arrived must be a subsequence of what was handed out.
pub fn compare(handed: &[Handed], got: &[f64]) -> Comparison {
    let mut result = Comparison::default();
    let mut next = 0;
    for value in got {
        match handed[next..].iter().position(|h| h.value == *value) {
            Some(skipped) => {
                result.missing.extend(&handed[next..next + skipped]);
                next += skipped + 1;
            }
            None => result.unexplained.push(*value),
        }
    }
    result.missing.extend(&handed[next..]);
    result
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} missing {:?}", self.missing.len(), self.missing.iter().take(5).collect::<Vec<_>>())?;
        write!(f, ", {} unexplained {:?}", self.unexplained.len(), self.unexplained.iter().take(5).collect::<Vec<_>>())
    }
}

/// Reads one message; says what is wrong with it otherwise.
pub fn parse(topic: &str, payload: &[u8]) -> Result<Delivery, String> {
    let json: Json = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    let device = json["device"].as_str().ok_or("no device")?.to_owned();
    if topic.rsplit('/').nth(1) != Some(&device) {
        return Err(format!("device {device} does not belong to the topic"));
    }
    let id = json["id"].as_str().ok_or("no id")?.to_owned();
    let parts: Vec<&str> = id.split('-').collect();
    let [boot, "data", seq] = parts[..] else { return Err(format!("id {id} is not <boot>-data-<seq>")) };
    if boot.len() != 12 || !boot.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(format!("boot {boot} is not 12 hexadecimal digits"));
    }
    let seq = seq.parse().map_err(|_| format!("seq {seq} is no number"))?;
    let prev = json["prev"].as_u64().ok_or("no prev")?;
    let samples = json["samples"].as_array().filter(|list| !list.is_empty()).ok_or("no samples")?;
    let samples = samples.iter().map(sample).collect::<Result<_, _>>()?;
    Ok(Delivery { device, id, seq, prev, samples })
}

fn sample(json: &Json) -> Result<Sample, String> {
    let ts = json["ts"].as_i64().ok_or("a sample without ts")?;
    let values = match &json["values"] {
        Json::Object(map) => map.clone().into_iter().collect(),
        Json::Null => BTreeMap::new(),
        other => return Err(format!("values is {other}")),
    };
    let mut bad = BTreeMap::new();
    for (tag, cause) in json["bad"].as_object().into_iter().flatten() {
        let cause = cause.as_str().filter(|text| !text.is_empty()).ok_or(format!("{tag} is bad without a cause"))?;
        bad.insert(tag.clone(), cause.to_owned());
    }
    for (tag, value) in &values {
        if !(value.is_number() || value.is_boolean()) {
            return Err(format!("{tag} is {value}"));
        }
        if bad.contains_key(tag) {
            return Err(format!("{tag} is good and bad at once"));
        }
    }
    if values.is_empty() && bad.is_empty() {
        return Err("a sample without readings".into());
    }
    Ok(Sample { ts, values, bad })
}

fn number(value: &Json) -> f64 {
    value.as_f64().unwrap_or_else(|| f64::from(u8::from(value.as_bool() == Some(true))))
}
