//! The zip: files into one and out of it, within limits, since it comes from strangers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Files of an archive at most: a workshop of ten thousand machines has others ways.
const MOST_FILES: usize = 10_000;

/// Bytes unpacked at most: the page of a hundred machines has some 20 MB.
const MOST_BYTES: u64 = 500_000_000;

pub(super) fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        zip.start_file(name.as_str(), options).map_err(|error| error.to_string())?;
        zip.write_all(bytes).map_err(|error| error.to_string())?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}

pub(super) fn unpack(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut zip = File::open(path)
        .map_err(|error| error.to_string())
        .and_then(|file| ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| error.to_string()))?;
    if zip.len() > MOST_FILES {
        return Err(format!("more than {MOST_FILES} files"));
    }
    let (mut files, mut left) = (BTreeMap::new(), MOST_BYTES);
    for at in 0..zip.len() {
        let file = zip.by_index(at).map_err(|error| error.to_string())?;
        let name = file.name().map_err(|error| error.to_string())?.into_owned();
        let mut bytes = Vec::new();
        file.take(left + 1).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| format!("more than {MOST_BYTES} bytes"))?;
        if files.insert(name.clone(), bytes).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(files)
}
