//! Time zones by name, as the system has them; gateways without /usr/share/zoneinfo get the ones that travel in the binary. Pure.

use jiff::tz::TimeZone;

/// The zone of a name such as `Asia/Shanghai`; `None` for names that the world does not have.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().or_else(|| packed(name))
}

/// From the zones that build.rs packed: a line `NAME FROM TO` for each, an empty line, and their files.
fn packed(name: &str) -> Option<TimeZone> {
    const BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zones.zst"));
    let bytes = zstd::decode_all(BLOB).ok()?;
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, files) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 2..]);
    head.lines().find_map(|line| {
        let mut words = line.split(' ');
        let known = words.next().filter(|known| known.eq_ignore_ascii_case(name))?;
        let mut number = || words.next()?.parse::<usize>().ok();
        TimeZone::tzif(known, files.get(number()?..number()?)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_without_zones_of_its_own_has_them_all() {
        for name in ["Asia/Shanghai", "asia/shanghai", "Europe/Berlin", "America/New_York", "UTC", "Asia/Urumqi"] {
            let zone = packed(name).unwrap();
            let winter = "2026-01-15T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
            let summer = "2026-07-15T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
            let offsets = [winter, summer].map(|at| zone.to_offset(at).seconds() / 3_600);
            let expected = match name.to_ascii_lowercase().as_str() {
                "asia/shanghai" => [8, 8],
                "europe/berlin" => [1, 2],
                "america/new_york" => [-5, -4],
                "asia/urumqi" => [6, 6],
                _ => [0, 0],
            };
            assert_eq!(offsets, expected, "{name}");
        }
        assert_eq!((packed("Asia/Nowhere"), packed(""), packed("\n")), (None, None, None));
        assert_eq!(zone("Mars/Olympus"), None);
    }
}
