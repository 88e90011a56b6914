//! Packs the register maps of config/profiles into one blob, which travels in the binary.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FOLDER: &str = "config/profiles";
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut files = fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    // Name and text by turns.
    let mut all = Vec::new();
    for file in files {
        let name = file.file_stem().ok_or("a file without a name")?;
        all.push(name.to_str().ok_or("a name that is no UTF-8")?.to_owned());
        all.push(fs::read_to_string(file)?);
    }
    let blob = zstd::bulk::compress(all.join("\0").as_bytes(), 22)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("profiles.zst"), blob)?;
    Ok(())
}
