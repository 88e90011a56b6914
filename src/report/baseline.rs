//! The baseline: figures before the retrofit, frozen and signed, so that what comes after can be compared with them (X1, X2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::Report;
use super::document::{SiteEnergy, SiteQuality};
use super::number::Num;
use crate::indicator::Site;
use crate::journal::parcel::fingerprint;

/// Figures that were frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// `cloudward.baseline/1`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The period as it is typed: `2025-11`.
    pub period: String,
    /// When it was frozen, RFC 3339.
    pub frozen_at: String,
    /// ΣGQ / ΣPQ.
    pub pass_rate_month: Option<Num>,
    /// ΔW / ΣGQ.
    pub kwh_per_unit: Option<Num>,
    /// Of the workshop.
    pub oee: Option<Num>,
    /// Tonnes of coal equivalent.
    pub tce: Option<Num>,
    /// Revenue of the period in 10 000 yuan, as a person typed it.
    pub revenue_wan: Option<Num>,
    /// Known share of the planned busy time.
    pub coverage: Option<Num>,
    /// SHA-256 of the report of that period.
    pub report_sha256: String,
    /// The public key, 64 hexadecimal digits.
    pub public_key: String,
    /// Ed25519 over everything else; empty while it is signed.
    pub signature: String,
}

/// Before and after.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Compared {
    /// The period before.
    pub period: String,
    /// When it was frozen.
    pub frozen_at: String,
    /// ΣGQ / ΣPQ before.
    pub pass_rate_month: Option<Num>,
    /// ΔW / ΣGQ before.
    pub kwh_per_unit: Option<Num>,
    /// OEE before.
    pub oee: Option<Num>,
    /// tce per 10 000 yuan before.
    pub tce_per_revenue: Option<Num>,
    /// X1: pass rate now less before, in percentage points.
    pub x1_pass_rate_pp: Option<Num>,
    /// X2: tce per 10 000 yuan now less before; null: the revenue of one of them was not typed in.
    pub x2_tce_per_revenue: Option<Num>,
    /// OEE now less before, in percentage points.
    pub oee_pp: Option<Num>,
    /// ΔW / ΣGQ now less before.
    pub kwh_per_unit_change: Option<Num>,
    /// SHA-256 of the report that was frozen.
    pub sha256: String,
    /// Fingerprint of the key that signed it: `cloudward journal key` shows that of the gateway.
    pub signed_by: String,
}

impl Baseline {
    /// Of a report; to be signed.
    pub fn of(
        name: &str,
        period: &str,
        report: &Report,
        frozen_at: String,
        (sha256, key): (String, String),
    ) -> Baseline {
        let site = &report.site;
        Baseline {
            schema: "cloudward.baseline/1".into(),
            name: name.to_owned(),
            period: period.to_owned(),
            frozen_at,
            pass_rate_month: site.quality.pass_rate_month,
            kwh_per_unit: site.energy.kwh_per_unit,
            oee: site.oee.value,
            tce: site.energy.tce,
            revenue_wan: site.energy.revenue_wan,
            coverage: site.coverage,
            report_sha256: sha256,
            public_key: key,
            signature: String::new(),
        }
    }

    /// What is signed: everything but the signature.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Baseline { signature: String::new(), ..self.clone() };
        serde_json::to_vec(&unsigned).unwrap_or_default()
    }

    fn tce_per_revenue(&self) -> Option<Num> {
        let (tce, revenue) = (self.tce?.get(), self.revenue_wan?.get());
        rounded(tce / revenue)
    }

    pub(super) fn compared(&self, site: &Site, quality: &SiteQuality, energy: &SiteEnergy) -> Compared {
        let less = |now: Option<Num>, before: Option<Num>, times: f64| rounded((now?.get() - before?.get()) * times);
        Compared {
            period: self.period.clone(),
            frozen_at: self.frozen_at.clone(),
            pass_rate_month: self.pass_rate_month,
            kwh_per_unit: self.kwh_per_unit,
            oee: self.oee,
            tce_per_revenue: self.tce_per_revenue(),
            x1_pass_rate_pp: less(quality.pass_rate_month, self.pass_rate_month, 100.0),
            x2_tce_per_revenue: less(energy.tce_per_revenue, self.tce_per_revenue(), 1.0),
            oee_pp: less(site.oee.map(Num::from), self.oee, 100.0),
            kwh_per_unit_change: less(energy.kwh_per_unit, self.kwh_per_unit, 1.0),
            sha256: self.report_sha256.clone(),
            signed_by: fingerprint(&self.public_key),
        }
    }
}

/// A difference of published figures, to their six decimals.
fn rounded(x: f64) -> Option<Num> {
    crate::indicator::Amount::of(x).map(Num::from)
}
