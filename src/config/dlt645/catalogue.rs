//! The identifiers that every meter of the standard may have: format, unit and name by identifier. From DL/T 645-2007, annex A:
//! table A.1 (energies), A.2 (maximum demands), A.3 (variables), A.5 (parameters); signs from the notes below these tables.
//! tests/dlt645.rs compares lengths and decimals with a table that was not made here.

use super::{DataId, Format, IdPart, Item};
use crate::model::Lang;

/// What the standard says of one identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    id: DataId,
    row: &'static Row,
}

/// Identifiers that differ in tariff, phase or settlement day only.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    di3: u8,
    di2: u8,
    /// First and last of DI1, and of DI0.
    di1: (u8, u8),
    di0: (u8, u8),
    format: Format,
    unit: &'static str,
    en: &'static str,
    zh: &'static str,
}

/// When a maximum demand was, behind the demand itself.
const DEMAND_TIME: Format = Format::Moment;

impl Known {
    /// What is known of `id`.
    pub fn of(id: DataId) -> Option<Known> {
        let DataId([di3, di2, di1, di0]) = id;
        let within = |range: (u8, u8), byte| (range.0..=range.1).contains(&byte);
        let is_it = |row: &&Row| row.di3 == di3 && row.di2 == di2 && within(row.di1, di1) && within(row.di0, di0);
        ROWS.iter().find(is_it).map(|row| Known { id, row })
    }

    /// The value, or a part of it; `None` where it has no such part.
    pub fn item(&self, part: Option<IdPart>) -> Option<Item> {
        let (id, format) = (self.id, self.row.format);
        let bytes = format.bytes();
        let behind = if self.has_time() { DEMAND_TIME.bytes() } else { 0 };
        let whole = bytes + behind;
        match (part, format) {
            (None, _) => Some(Item { id, format, skip: 0, whole }),
            (Some(IdPart::Time), _) if behind > 0 => Some(Item { id, format: DEMAND_TIME, skip: bytes, whole }),
            (Some(IdPart::Bit(bit)), Format::Bits { bytes }) if u32::from(bit) < 8 * u32::from(bytes) => {
                Some(Item::of(id, Format::Bit { bytes, bit }))
            }
            _ => None,
        }
    }

    /// The unit, if the value has one.
    pub fn unit(&self) -> Option<&'static str> {
        Some(self.row.unit).filter(|unit| !unit.is_empty())
    }

    /// For people: `forward active energy, tariff 2`.
    pub fn name(&self, lang: Lang) -> String {
        let DataId([di3, di2, di1, di0]) = self.id;
        let phase = || match di1 {
            0 => ("total".to_owned(), "总".to_owned()),
            n => {
                let letter = char::from(b'A' + (n - 1).min(2));
                (format!("phase {letter}"), format!("{letter}相"))
            }
        };
        let which = match (di3, di2) {
            (0x00 | 0x01, 0x00..=0x0A) if di1 == 0 => Some(("total".to_owned(), "总".to_owned())),
            (0x00 | 0x01, 0x00..=0x0A) => Some((format!("tariff {di1}"), format!("费率{di1}"))),
            (0x02, 0x01..=0x09) => Some(phase()),
            _ => None,
        };
        let day = (di3 <= 0x01 && di0 > 0).then(|| (format!("{di0} settlement days ago"), format!("上{di0}结算日")));
        let more = [which, day].into_iter().flatten();
        match lang {
            Lang::En => more.fold(self.row.en.to_owned(), |name, (en, _)| format!("{name}, {en}")),
            Lang::Zh => more.fold(self.row.zh.to_owned(), |name, (_, zh)| format!("{name}（{zh}）")),
        }
    }

    fn has_time(&self) -> bool {
        self.row.di3 == 0x01
    }
}

const fn bcd(bytes: u8, decimals: u8) -> Format {
    Format::Number { bytes, decimals, is_signed: false }
}

const fn signed(bytes: u8, decimals: u8) -> Format {
    Format::Number { bytes, decimals, is_signed: true }
}

/// XXXXXX.XX
const ENERGY: Format = bcd(4, 2);
/// The same for sums that may be negative (note of A.1).
const SIGNED_ENERGY: Format = signed(4, 2);
/// XX.XXXX: the highest bit is the direction (notes of A.2 and A.3).
const POWER: Format = signed(3, 4);
/// XXX.XXX, likewise.
const CURRENT: Format = signed(3, 3);
/// XXX.X
const VOLTAGE: Format = bcd(2, 1);
/// X.XXX, with its sign.
const POWER_FACTOR: Format = signed(2, 3);
/// Angles: XXX.X
const ANGLE: Format = bcd(2, 1);
/// XX.XX
const PERCENT: Format = bcd(2, 2);

/// DI1 of energies and demands: the total, and the tariffs that there may be.
const TARIFFS: (u8, u8) = (0x00, 0x3F);
/// DI0 of energies and demands: now, and the last settlement days.
const DAYS: (u8, u8) = (0x00, 0x0C);
const ABC: (u8, u8) = (1, 3);
const TOTAL_ABC: (u8, u8) = (0, 3);
const ZERO: (u8, u8) = (0, 0);

const fn energy(di2: u8, format: Format, unit: &'static str, en: &'static str, zh: &'static str) -> Row {
    Row { di3: 0x00, di2, di1: TARIFFS, di0: DAYS, format, unit, en, zh }
}

const fn of_phase(di2: u8, unit: &'static str, en: &'static str, zh: &'static str) -> Row {
    Row { di3: 0x00, di2, di1: ZERO, di0: DAYS, format: ENERGY, unit, en, zh }
}

const fn demand(di2: u8, unit: &'static str, en: &'static str, zh: &'static str) -> Row {
    Row { di3: 0x01, di2, di1: TARIFFS, di0: DAYS, format: POWER, unit, en, zh }
}

const fn variable(
    di2: u8,
    di1: (u8, u8),
    format: Format,
    unit: &'static str,
    en: &'static str,
    zh: &'static str,
) -> Row {
    Row { di3: 0x02, di2, di1, di0: ZERO, format, unit, en, zh }
}

const fn further(di0: u8, format: Format, unit: &'static str, en: &'static str, zh: &'static str) -> Row {
    Row { di3: 0x02, di2: 0x80, di1: ZERO, di0: (di0, di0), format, unit, en, zh }
}

const fn parameter(di1: u8, di0: u8, format: Format, unit: &'static str, en: &'static str, zh: &'static str) -> Row {
    Row { di3: 0x04, di2: 0x00, di1: (di1, di1), di0: (di0, di0), format, unit, en, zh }
}

const BITS: Format = Format::Bits { bytes: 2 };

const ROWS: [Row; 70] = [
    // Table A.1
    energy(0x00, SIGNED_ENERGY, "kWh", "combined active energy", "组合有功电能"),
    energy(0x01, ENERGY, "kWh", "forward active energy", "正向有功电能"),
    energy(0x02, ENERGY, "kWh", "reverse active energy", "反向有功电能"),
    energy(0x03, SIGNED_ENERGY, "kvarh", "combined reactive energy 1", "组合无功1电能"),
    energy(0x04, SIGNED_ENERGY, "kvarh", "combined reactive energy 2", "组合无功2电能"),
    energy(0x05, ENERGY, "kvarh", "reactive energy of quadrant 1", "第一象限无功电能"),
    energy(0x06, ENERGY, "kvarh", "reactive energy of quadrant 2", "第二象限无功电能"),
    energy(0x07, ENERGY, "kvarh", "reactive energy of quadrant 3", "第三象限无功电能"),
    energy(0x08, ENERGY, "kvarh", "reactive energy of quadrant 4", "第四象限无功电能"),
    energy(0x09, ENERGY, "kVAh", "forward apparent energy", "正向视在电能"),
    energy(0x0A, ENERGY, "kVAh", "reverse apparent energy", "反向视在电能"),
    of_phase(0x15, "kWh", "forward active energy of phase A", "A相正向有功电能"),
    of_phase(0x16, "kWh", "reverse active energy of phase A", "A相反向有功电能"),
    of_phase(0x29, "kWh", "forward active energy of phase B", "B相正向有功电能"),
    of_phase(0x2A, "kWh", "reverse active energy of phase B", "B相反向有功电能"),
    of_phase(0x3D, "kWh", "forward active energy of phase C", "C相正向有功电能"),
    of_phase(0x3E, "kWh", "reverse active energy of phase C", "C相反向有功电能"),
    // Table A.2
    demand(0x01, "kW", "maximum forward active demand", "正向有功最大需量"),
    demand(0x02, "kW", "maximum reverse active demand", "反向有功最大需量"),
    demand(0x03, "kvar", "maximum combined reactive demand 1", "组合无功1最大需量"),
    demand(0x04, "kvar", "maximum combined reactive demand 2", "组合无功2最大需量"),
    demand(0x05, "kvar", "maximum reactive demand of quadrant 1", "第一象限无功最大需量"),
    demand(0x06, "kvar", "maximum reactive demand of quadrant 2", "第二象限无功最大需量"),
    demand(0x07, "kvar", "maximum reactive demand of quadrant 3", "第三象限无功最大需量"),
    demand(0x08, "kvar", "maximum reactive demand of quadrant 4", "第四象限无功最大需量"),
    demand(0x09, "kVA", "maximum forward apparent demand", "正向视在最大需量"),
    demand(0x0A, "kVA", "maximum reverse apparent demand", "反向视在最大需量"),
    // Table A.3
    variable(0x01, ABC, VOLTAGE, "V", "voltage", "电压"),
    variable(0x02, ABC, CURRENT, "A", "current", "电流"),
    variable(0x03, TOTAL_ABC, POWER, "kW", "active power", "有功功率"),
    variable(0x04, TOTAL_ABC, POWER, "kvar", "reactive power", "无功功率"),
    variable(0x05, TOTAL_ABC, POWER, "kVA", "apparent power", "视在功率"),
    variable(0x06, TOTAL_ABC, POWER_FACTOR, "", "power factor", "功率因数"),
    variable(0x07, ABC, ANGLE, "°", "phase angle", "相角"),
    variable(0x08, ABC, PERCENT, "%", "distortion of voltage", "电压波形失真度"),
    variable(0x09, ABC, PERCENT, "%", "distortion of current", "电流波形失真度"),
    further(0x01, CURRENT, "A", "neutral current", "零线电流"),
    further(0x02, bcd(2, 2), "Hz", "frequency", "电网频率"),
    further(0x03, POWER, "kW", "mean active power of one minute", "一分钟有功总平均功率"),
    further(0x04, POWER, "kW", "active demand at present", "当前有功需量"),
    further(0x05, POWER, "kvar", "reactive demand at present", "当前无功需量"),
    further(0x06, POWER, "kVA", "apparent demand at present", "当前视在需量"),
    further(0x07, signed(2, 1), "°C", "temperature in the meter", "表内温度"),
    further(0x08, bcd(2, 2), "V", "voltage of the clock's battery", "时钟电池电压"),
    further(0x09, bcd(2, 2), "V", "voltage of the battery for reading without power", "停电抄表电池电压"),
    further(0x0A, bcd(4, 0), "min", "working time of the battery", "内部电池工作时间"),
    // Table A.5
    parameter(0x01, 0x01, Format::Date, "", "date", "日期"),
    parameter(0x01, 0x02, Format::Time, "", "time", "时间"),
    parameter(0x01, 0x03, bcd(1, 0), "min", "period of the maximum demand", "最大需量周期"),
    parameter(0x01, 0x04, bcd(1, 0), "min", "sliding time of the demand", "滑差时间"),
    parameter(0x02, 0x04, bcd(1, 0), "", "number of tariffs", "费率数"),
    parameter(0x04, 0x01, Format::Digits { bytes: 6 }, "", "communication address", "通信地址"),
    parameter(0x04, 0x02, Format::Digits { bytes: 6 }, "", "meter number", "表号"),
    parameter(0x04, 0x03, Format::Text { bytes: 32 }, "", "asset number", "资产管理编码"),
    parameter(0x04, 0x04, Format::Text { bytes: 6 }, "", "rated voltage", "额定电压"),
    parameter(0x04, 0x05, Format::Text { bytes: 6 }, "", "rated current", "额定电流"),
    parameter(0x04, 0x06, Format::Text { bytes: 6 }, "", "maximum current", "最大电流"),
    parameter(0x04, 0x09, bcd(3, 0), "imp/kWh", "active meter constant", "电表有功常数"),
    parameter(0x04, 0x0A, bcd(3, 0), "imp/kvarh", "reactive meter constant", "电表无功常数"),
    parameter(0x04, 0x0B, Format::Text { bytes: 10 }, "", "model", "电表型号"),
    parameter(0x04, 0x0C, Format::Text { bytes: 10 }, "", "date of manufacture", "生产日期"),
    parameter(0x04, 0x0D, Format::Text { bytes: 16 }, "", "version of the protocol", "协议版本号"),
    parameter(0x05, 0x01, BITS, "", "status word 1: directions, batteries", "电表运行状态字1（方向、电池）"),
    parameter(0x05, 0x02, BITS, "", "status word 2: directions by phase", "电表运行状态字2（各相方向）"),
    parameter(
        0x05,
        0x03,
        BITS,
        "",
        "status word 3: relay, supply, programming",
        "电表运行状态字3（继电器、供电、编程）",
    ),
    parameter(0x05, 0x04, BITS, "", "status word 4: faults of phase A", "电表运行状态字4（A相故障）"),
    parameter(0x05, 0x05, BITS, "", "status word 5: faults of phase B", "电表运行状态字5（B相故障）"),
    parameter(0x05, 0x06, BITS, "", "status word 6: faults of phase C", "电表运行状态字6（C相故障）"),
    parameter(0x05, 0x07, BITS, "", "status word 7: faults of all phases", "电表运行状态字7（合相故障）"),
    parameter(
        0x06,
        0x01,
        Format::Bits { bytes: 1 },
        "",
        "how the combined active energy is made up",
        "有功组合方式特征字",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, format: &str, whole: u8, unit: &str, name: &str) {
        let (id, part) = DataId::parse_with_part(address).unwrap();
        let known = Known::of(id).unwrap();
        let item = known.item(part).unwrap();
        assert_eq!((item.format.to_string().as_str(), item.whole), (format, whole));
        assert_eq!((known.unit().unwrap_or_default(), known.name(Lang::En).as_str()), (unit, name));
        assert_eq!(item.address(), address);
    }

    #[test]
    fn what_is_well_known_needs_no_type() {
        check("00-01-00-00", "bcd4.2", 4, "kWh", "forward active energy, total");
        check("00-00-02-01", "sbcd4.2", 4, "kWh", "combined active energy, tariff 2, 1 settlement days ago");
        check("00-15-00-00", "bcd4.2", 4, "kWh", "forward active energy of phase A");
        check("01-01-00-00", "sbcd3.4", 8, "kW", "maximum forward active demand, total");
        check("01-01-00-00.time", "datetime", 8, "kW", "maximum forward active demand, total");
        check("02-01-03-00", "bcd2.1", 2, "V", "voltage, phase C");
        check("02-06-00-00", "sbcd2.3", 2, "", "power factor, total");
        check("02-80-00-02", "bcd2.2", 2, "Hz", "frequency");
        check("04-00-01-01", "date", 4, "", "date");
        check("04-00-05-03.4", "bool", 2, "", "status word 3: relay, supply, programming");
        let chinese = Known::of(DataId([2, 3, 1, 0])).unwrap().name(Lang::Zh);
        assert_eq!(chinese, "有功功率（A相）");
    }

    #[test]
    fn what_the_standard_does_not_name_is_not_known() {
        for id in
            ["02-01-00-00", "02-01-04-00", "02-01-FF-00", "00-01-40-00", "00-01-00-0D", "00-15-01-00", "03-01-00-00"]
        {
            assert_eq!(Known::of(DataId::parse(id).unwrap()), None, "{id}");
        }
        for address in ["00-01-00-00.time", "00-01-00-00.3", "04-00-05-03.16"] {
            let (id, part) = DataId::parse_with_part(address).unwrap();
            assert_eq!(Known::of(id).unwrap().item(part), None, "{address}");
        }
    }
}
