//! `cloudward check --live`: asks each meter once, now, and compares its power with its voltage and current (R16). It only reads.

use std::collections::BTreeMap;
use std::process::ExitCode;

use super::Report;
use crate::cli::read::{meter, unreachable};
use crate::cli::run::runtime;
use crate::cli::{EXIT_UNAVAILABLE, fail, say};
use crate::config::{Compared, Device, Electric, Judged, Link, Station, Tag, Transport};
use crate::model::words::evidence as words;
use crate::model::words::tools;
use crate::model::{Reading, Trouble};
use crate::source::connection::{Connection, ReadFault};
use crate::source::modbus::decode::decode;
use crate::source::modbus::plan::plan;

/// What was read of a device, by tag.
type Values = BTreeMap<String, f64>;

impl Report<'_> {
    /// Each link by itself: one that cannot be reached does not keep the others from being looked at.
    pub(super) fn live(&self) -> ExitCode {
        say("");
        let mut code = ExitCode::SUCCESS;
        let mut compared = 0;
        for link in &self.config.links {
            let can_be_asked = !matches!(link.transport, Transport::RtuListen { .. }) && !link.transport.is_opcua();
            let devices: Vec<&Device> = self.config.devices_of(&link.name).map(AsRef::as_ref).collect();
            for device in devices.into_iter().filter(|_| can_be_asked) {
                let Some(electric) = Electric::of(device) else { continue };
                compared += 1;
                match runtime().block_on(read(link, device, &electric)) {
                    Ok(values) => self.judged(device, &electric, &values),
                    Err(trouble) => code = fail(&trouble, EXIT_UNAVAILABLE),
                }
            }
        }
        if compared == 0 {
            self.say(
                "live: no device on a Modbus or DL/T 645 link has voltage (unit V), current (A) and active power (kW) to compare".into(),
                "在线核对：没有设备同时具备电压（单位 V）、电流（A）和有功功率（kW），无法核对".into(),
            );
        }
        code
    }

    fn judged(&self, device: &Device, electric: &Electric<'_>, values: &Values) {
        let id = &device.id;
        let shown = |x: f64| if x.abs() < 10.0 { format!("{x:.2}") } else { format!("{x:.1}") };
        match electric.judge(&device.equipment.yardstick, |tag| values.get(&*tag.name).copied()) {
            Judged::Fits(Compared { kw, volts, amperes, expected_kw }) => {
                let [kw, volts, amperes, expected] = [kw, volts, amperes, expected_kw].map(shown);
                self.say(
                    format!("live: {id}: {kw} kW fit {volts} V and {amperes} A, which make {expected} kW"),
                    format!("在线核对：{id}：{kw} kW 与 {volts} V、{amperes} A 相符（应为 {expected} kW）"),
                );
            }
            Judged::Off(factor, Compared { kw, volts, amperes, expected_kw }) => {
                let trouble = Trouble::new(words::POWER_IS_OFF).with("device", id).with("factor", times(factor));
                let trouble = trouble.with("kw", shown(kw)).with("volts", shown(volts));
                fail(&trouble.with("amperes", shown(amperes)).with("expected", shown(expected_kw)), 0);
            }
            Judged::Idle => self.say(
                format!("live: {id}: not compared, since hardly any current flows; try again while the machine runs"),
                format!("在线核对：{id}：几乎没有电流，未作比较；请在设备运行时再试"),
            ),
            Judged::Incomplete => self.say(
                format!("live: {id}: not compared, since a value is missing or no number"),
                format!("在线核对：{id}：缺少数值或数值无效，未作比较"),
            ),
        }
    }
}

/// Forty, or one fortieth: a ratio is looked for on a plate, where it stands as 200/5.
fn times(factor: f64) -> String {
    if factor < 1.0 { format!("1/{:.1}", 1.0 / factor) } else { format!("{factor:.1}") }
}

/// Reads the tags once. A tag that is refused is missing; a device that does not answer is trouble.
async fn read(link: &Link, device: &Device, electric: &Electric<'_>) -> Result<Values, Trouble> {
    let mut connection = Connection::open(link, None).await.map_err(|fault| unreachable(link, &fault))?;
    let mut values = Values::new();
    let mut enter = |tag: &Tag, reading: Reading| {
        if let Reading::Good(value) = reading
            && let Some(number) = value.as_f64()
        {
            values.insert(tag.name.to_string(), number);
        }
    };
    let silent = |code| Trouble::new(code).with("endpoint", &link.transport);
    match device.station {
        Station::Unit(unit) => {
            for tag in electric.tags() {
                let Some(register) = tag.register() else { continue };
                let plan = plan([register], device.manners.limits);
                let Some((block, spot)) = plan.blocks.first().zip(plan.spots.first()) else { continue };
                match connection.read(unit, *block).await {
                    Ok(answer) => enter(tag, decode(tag, register, &answer, spot.offset)),
                    Err(ReadFault::Exception(_)) => {}
                    Err(_) => return Err(silent(tools::NO_ANSWER).with("unit", unit)),
                }
            }
        }
        Station::Meter(address) => {
            for tag in electric.tags() {
                match meter::value(&mut connection, address, tag).await {
                    Ok(reading) => enter(tag, reading),
                    Err(ReadFault::Exception(_)) => {}
                    Err(_) => return Err(silent(tools::METER_SILENT).with("meter", address)),
                }
            }
        }
        Station::Server => {}
    }
    Ok(values)
}
