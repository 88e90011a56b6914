//! `cloudward baseline`: freezes and signs the figures before a retrofit, and shows what is frozen.

use std::process::ExitCode;

use super::figures::{Ended, Room, SIGNED_FOR, revenue};
use super::write::audit::Who;
use super::{ConfigArgs, say};
use crate::indicator::{FROZEN_AFTER_MS, Period};
use crate::journal::parcel::{Signer, fingerprint};
use crate::journal::{AuditRow, BaselineRow};
use crate::journal::{Submitted, put_baseline};
use crate::model::words::{evidence, report as words, transfer};
use crate::model::{Lang, Timestamp, Trouble};
use crate::report::baseline::Baseline;
use crate::sink::egress::{clock, hex, sha256};

#[derive(clap::Args)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Freeze and sign the figures of a period, before anything is changed in the workshop.
    Freeze(FreezeArgs),
}

#[derive(clap::Args)]
struct FreezeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// 2025-11, or another period as in `cloudward report`.
    #[arg(long, value_name = "PERIOD")]
    period: String,
    /// Its name; the one called before is what reports compare with.
    #[arg(long, value_name = "NAME", default_value = "before")]
    name: String,
    /// Revenue of the period in 10 000 yuan, for the energy per revenue.
    #[arg(long, value_name = "AMOUNT")]
    revenue: Option<String>,
}

pub(super) fn baseline(args: &BaselineArgs) -> ExitCode {
    let What::Freeze(args) = &args.what;
    Ended::code(freeze(args))
}

fn freeze(args: &FreezeArgs) -> Result<(), Ended> {
    let room = Room::open(&args.config.config, Timestamp::of(std::time::SystemTime::now()))?;
    let asked = room.asked(&args.period)?;
    let revenue = revenue(args.revenue.as_deref())?;
    let frozen_from = match asked.period {
        Period::Month(_) => Timestamp(asked.end.0.saturating_add(FROZEN_AFTER_MS)),
        _ => asked.end,
    };
    if room.now < frozen_from {
        let trouble = Trouble::new(evidence::PERIOD_NOT_OVER).with("found", args.period.escape_debug());
        return Err(Ended::cannot(trouble.with("from", clock(frozen_from, &room.zone))));
    }
    if let Some(known) = room.baseline(&args.name)? {
        let trouble = Trouble::new(words::BASELINE_EXISTS).with("name", args.name.escape_debug());
        return Err(Ended::cannot(trouble.with("at", known.frozen_at)));
    }
    let signer = signer(&room)?;
    room.report(&asked, (None, revenue), |_, report| {
        let document = serde_json::to_vec(&report.site).unwrap_or_default();
        let hash = hex(&sha256(&document));
        let at = clock(room.now, &room.zone);
        let unsigned = Baseline::of(&args.name, &asked.typed(), &report, at, (hash.clone(), signer.key()));
        let signature = format!("ed25519:{}", signer.sign_text(SIGNED_FOR, &unsigned.signed_bytes()));
        let body = serde_json::to_string(&Baseline { signature, ..unsigned }).unwrap_or_default();
        let audit = serde_json::json!({
            "name": args.name, "period": asked.typed(), "report_sha256": hash, "who": Who::current(),
        });
        let row = BaselineRow { name: args.name.clone(), at: room.now, body };
        let audit = AuditRow { id: 0, at: room.now, what: "baseline".into(), body: audit.to_string() };
        let done = put_baseline(&room.state_dir, &room.place, row, audit).map_err(Ended::cannot)?;
        let (name, period, key) = (&args.name, asked.typed(), fingerprint(&signer.key()));
        say(match Lang::current() {
            Lang::En => format!("Baseline `{name}` of {period} is frozen, signed by {key}."),
            Lang::Zh => format!("基线“{name}”（{period}）已冻结，签名指纹 {key}。"),
        });
        told(&done);
        Ok(())
    })
}

/// The gateway's key, made if there is none.
pub(super) fn signer(room: &Room) -> Result<Signer, Ended> {
    Signer::of_gateway(&room.state_dir).map_err(|error| {
        let path = Signer::path(&room.state_dir);
        Ended::cannot(Trouble::new(transfer::KEY_UNUSABLE).with("path", path.display()).with("error", error))
    })
}

/// Where a change went.
pub(super) fn told(done: &Submitted) {
    if let Submitted::Handed(_) = done {
        say(match Lang::current() {
            Lang::En => "The running agent takes it in within some 10 seconds; the audit trail of the journal says so.",
            Lang::Zh => "正在运行的程序将在约 10 秒内写入，并记入日志库的审计记录。",
        });
    }
}
