//! A published number: six decimals, half to even on the exact quotient (rule A28); whole ones are written without a point.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::indicator::{Amount, Ratio, Rounded};

/// A number of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Num(f64);

/// Beyond this a double holds no six decimals any more, and no whole number exactly.
const EXACT: f64 = 9e15;

impl Num {
    /// A quotient, rounded. Beyond the range of six decimals, the nearest number.
    pub fn of(ratio: Ratio) -> Num {
        ratio.rounded().map_or_else(|| Num(ratio.num() as f64 / ratio.den() as f64), Num::from)
    }

    /// As it is.
    pub fn get(self) -> f64 {
        self.0
    }

    /// A share of one as percent, with so many decimals.
    pub fn percent(self, decimals: usize) -> String {
        format!("{:.decimals$} %", self.0 * 100.0)
    }
}

impl From<Rounded> for Num {
    fn from(rounded: Rounded) -> Num {
        Num(rounded.0 as f64 / 1e6)
    }
}

impl From<Amount> for Num {
    fn from(amount: Amount) -> Num {
        Num(amount.0 as f64 / 1e6)
    }
}

impl From<u64> for Num {
    fn from(n: u64) -> Num {
        Num(n as f64)
    }
}

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Num, D::Error> {
        f64::deserialize(deserializer).map(Num)
    }
}

impl JsonSchema for Num {
    fn schema_name() -> Cow<'static, str> {
        "Num".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}
