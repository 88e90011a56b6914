//! Pictures of machines that go into an archive: those that the configuration names, and no others.

use std::collections::BTreeMap;

use super::super::figures::Ended;
use super::super::load::bytes;
use crate::config::Config;
use crate::model::Trouble;
use crate::model::words::evidence as words;

/// A photo of a mobile phone has 2 to 5 MB; a hundred of them still fit into what an archive may unpack to.
const MOST_BYTES: u64 = 5_000_000;

/// A picture, as it is in the archive.
pub(super) struct Photo {
    /// `photos/IMM-07.jpg`.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// By device. Each is named after the machine: what the file was called before may tell more than is wanted.
pub(super) fn read(config: &Config) -> Result<BTreeMap<String, Photo>, Ended> {
    let mut photos = BTreeMap::new();
    for device in &config.devices {
        let Some(path) = &device.equipment.photo else { continue };
        let refused = |error: String| {
            let trouble = Trouble::new(words::BAD_PHOTO).with("device", &device.id).with("path", path.display());
            Ended::cannot(trouble.with("error", error))
        };
        let bytes = bytes(path, MOST_BYTES).map_err(|trouble| refused(trouble.what(crate::model::Lang::current())))?;
        let ending = ending(&bytes).ok_or_else(|| refused("JPEG, PNG, WebP?".to_owned()))?;
        photos.insert(device.id.to_string(), Photo { name: format!("photos/{}.{ending}", device.id), bytes });
    }
    Ok(photos)
}

/// By its first bytes, whatever its name says.
fn ending(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("jpg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        assert_eq!(ending(b"\xff\xd8\xff\xe0\x00\x10JFIF"), Some("jpg"));
        assert_eq!(ending(b"\x89PNG\r\n\x1a\n..."), Some("png"));
        assert_eq!(ending(b"RIFF\x00\x00\x00\x00WEBPVP8 "), Some("webp"));
        assert_eq!((ending(b""), ending(b"GIF89a"), ending(b"\xff\xd8"), ending(b"<svg>")), (None, None, None, None));
    }
}
