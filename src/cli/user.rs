//! Users of this system: who runs the command, and whose a directory is.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// Whoever runs this process: the effective user id.
pub(super) fn current() -> u32 {
    fs::metadata("/proc/self").map_or(u32::MAX, |process| process.uid())
}

/// The name of a user in /etc/passwd; a dynamic user of systemd has none there.
pub(super) fn name(uid: u32) -> Option<String> {
    name_of(uid, &fs::read_to_string("/etc/passwd").unwrap_or_default()).map(str::to_owned)
}

/// The name, or `#1234`, which sudo takes too.
pub(super) fn shown(uid: u32) -> String {
    name(uid).unwrap_or_else(|| format!("#{uid}"))
}

/// Whose it is; of what is not there yet, nobody's.
pub(super) fn owner(path: &std::path::Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.uid())
}

/// passwd(5): name, password, user id, ...
fn name_of(uid: u32, users: &str) -> Option<&str> {
    let entry = |line: &'_ str| {
        let mut fields = line.split(':');
        let name = fields.next()?.len();
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    };
    users.lines().find_map(|line| entry(line).map(|length| &line[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nodd line\nli:x:1000:1000::/home/li:/bin/sh\n";
        assert_eq!(name_of(0, users), Some("root"));
        assert_eq!(name_of(1000, users), Some("li"));
        assert_eq!(name_of(7, users), None);
    }
}
