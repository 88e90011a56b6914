//! How large the file system is, and how much of it is free. Owns `rustix`.

use std::path::Path;

/// Bytes of the file system that holds `path`, or its nearest existing parent.
pub(super) fn file_system_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    let stat = rustix::fs::statvfs(existing).ok()?;
    stat.f_frsize.checked_mul(stat.f_blocks)
}

/// Bytes of it that are free for the agent's user.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_frsize.checked_mul(stat.f_bavail)
}
