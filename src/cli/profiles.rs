//! `cloudward profiles`: the register maps that come with cloudward, and what one of them has.

use std::process::ExitCode;
use std::sync::Arc;

use super::{EXIT_USAGE, fail, say};
use crate::config::{Device, Profile, built_in_device, built_in_profiles};
use crate::model::words::tools as words;
use crate::model::{Lang, Trouble};

#[derive(clap::Args)]
pub(super) struct ProfilesArgs {
    /// A profile, such as sdm630, to see what it has; or a part of a name or maker, such as acrel.
    #[arg(value_name = "WORD")]
    word: Option<String>,
}

pub(super) fn profiles(args: &ProfilesArgs) -> ExitCode {
    let word = args.word.as_deref().unwrap_or_default().to_lowercase();
    let devices: Vec<Arc<Device>> = built_in_profiles().iter().filter_map(|(name, _)| built_in_device(name)).collect();
    let all = devices.iter().filter_map(|device| Some((device.as_ref(), device.profile.as_deref()?)));
    let fits = |profile: &Profile| {
        let texts = [&profile.id, &profile.name, &profile.name_zh, &profile.maker];
        texts.into_iter().any(|text| text.to_lowercase().contains(&word))
    };
    let found: Vec<(&Device, &Profile)> = all.filter(|(_, profile)| fits(profile)).collect();
    match found.iter().find(|(_, profile)| profile.id == word).or(found.first().filter(|_| found.len() == 1)) {
        Some((device, profile)) => whole(device, profile),
        None if found.is_empty() => {
            let trouble = Trouble::new(words::NO_PROFILE_LIKE).with("found", args.word.as_deref().unwrap_or_default());
            return fail(&trouble, EXIT_USAGE);
        }
        None => found.iter().for_each(|(device, profile)| line(device, profile)),
    }
    ExitCode::SUCCESS
}

/// `sdm630             Eastron SDM630 three-phase meter (77 tags)`
fn line(device: &Device, profile: &Profile) {
    let (id, tags) = (&profile.id, device.tags.len());
    say(match Lang::current() {
        Lang::En => format!("{id:<20} {} ({tags} tags)", profile.name),
        Lang::Zh => format!("{id:<20} {}（{tags} 个点）", profile.name_zh),
    });
}

fn whole(device: &Device, profile: &Profile) {
    let is_zh = Lang::current() == Lang::Zh;
    line(device, profile);
    say(if is_zh { format!("厂家：{}", profile.maker) } else { format!("maker: {}", profile.maker) });
    say(if is_zh { format!("出处：{}", profile.source) } else { format!("source: {}", profile.source) });
    if !profile.note.is_empty() {
        say(if is_zh { format!("说明：{}", profile.note_zh) } else { format!("note: {}", profile.note) });
    }
    if !profile.checked {
        say(if is_zh {
            "未在真机上核对：请把首批读数与机器显示对比"
        } else {
            "NOT checked on a real machine: compare the first readings with its display"
        });
    }
    for tag in &device.tags {
        let place = tag.register().map_or_else(String::new, |register| {
            format!("{:<15} {:<5}", register.address.to_string(), register.data_type.as_str())
        });
        let (unit, label) = (tag.unit.as_deref().unwrap_or_default(), tag.label.as_deref().unwrap_or_default());
        say(format!("  {:<22} {place} {unit:<6} {label}", &*tag.name).trim_end());
    }
}
