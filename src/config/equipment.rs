//! The equipment ledger (设备清单): what stands in a `[[device]]` of the machine itself, and what its figures are measured by.

use std::time::Duration;

use jiff::civil::Date;

use super::read::Section;
use crate::model::words::indicator_config as words;

/// What is known of a machine, connected or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Equipment {
    /// 型号.
    pub model: Option<String>,
    /// 制造商.
    pub maker: Option<String>,
    /// 出厂编号.
    pub serial: Option<String>,
    /// 出厂日期: `2017`, `2017-05` or `2017-05-03`.
    pub made: Option<String>,
    /// 所属工序.
    pub process: Option<String>,
    /// Line.
    pub line: Option<String>,
    /// 是否关键工序.
    pub is_key_process: bool,
    /// 是否数控.
    pub is_nc: bool,
    /// 是否数字化.
    pub is_digital: bool,
    /// 标识编码: prefix and suffix, `88.608.5288/EQ.IMM-07`.
    pub identifier: Option<String>,
    /// First day in the ledger.
    pub valid_from: Option<Date>,
    /// Last day in the ledger (A14).
    pub valid_to: Option<Date>,
    /// Whether it counts at all.
    pub is_in_use: bool,
    /// Whether it is production equipment: a meter is not.
    pub is_production: bool,
    /// What its figures are measured by.
    pub yardstick: Yardstick,
}

/// What the figures of a device are measured by.
#[derive(Debug, Clone, PartialEq)]
pub struct Yardstick {
    /// Standard time of a cycle (PRI); `None`: not known.
    pub pri: Option<Duration>,
    /// Pieces of a cycle by design.
    pub cavities: u32,
    /// Rated electric power in kW.
    pub rated_kw: Option<f64>,
    /// Shorter idle stops between two runs are micro-stops.
    pub microstop: Duration,
    /// Good samples further apart leave a hole of unknown; `None`: by the periods of its tags.
    pub stale_after: Option<Duration>,
    /// Shorter faults are no failures.
    pub min_failure: Duration,
    /// States by electric power.
    pub power: Option<PowerRule>,
    /// Primary current by secondary current, where the meter shows secondary values.
    pub ct_ratio: Option<f64>,
    /// The same of the voltage.
    pub pt_ratio: Option<f64>,
    /// The device that meters it.
    pub metered_by: Option<String>,
    /// Whether its energy is part of the workshop's sum: a main meter's is not, else all would count twice.
    pub is_in_energy_sum: bool,
}

/// States by electric power in kW (A18).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerRule {
    /// It runs from here; `None`: only off is told by the power.
    pub run_kw: Option<f64>,
    /// It is off up to here; `None`: it is never told to be off.
    pub off_kw: Option<f64>,
    /// It leaves run so far below `run_kw`.
    pub hysteresis_kw: f64,
    /// A change counts after so long.
    pub dwell: Duration,
}

impl Default for Yardstick {
    fn default() -> Yardstick {
        Yardstick {
            pri: None,
            cavities: 1,
            rated_kw: None,
            microstop: Duration::from_secs(60),
            stale_after: None,
            min_failure: Duration::from_secs(60),
            power: None,
            ct_ratio: None,
            pt_ratio: None,
            metered_by: None,
            is_in_energy_sum: true,
        }
    }
}

impl Default for Equipment {
    fn default() -> Equipment {
        Equipment {
            model: None,
            maker: None,
            serial: None,
            made: None,
            process: None,
            line: None,
            is_key_process: false,
            is_nc: false,
            is_digital: false,
            identifier: None,
            valid_from: None,
            valid_to: None,
            is_in_use: true,
            is_production: true,
            yardstick: Yardstick::default(),
        }
    }
}

pub(super) fn equipment(
    _device: &Section<'_>,
    _station: super::Station,
    _profile: Option<&super::Profile>,
    _tags: &mut [super::Tag],
) -> Equipment {
    Equipment::default()
}
