//! What SQLite and the disk say, in the journal's own troubles. Nothing else translates.

use std::io;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::model::words::journal as words;
use crate::model::{Code, Trouble};

/// The trouble behind an error of SQLite on this file.
pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Trouble {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => words::DISK_FULL,
        // The WAL's index could not grow: SQLite tells that apart from a full disk, the operator need not.
        Some(_) if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => words::DISK_FULL,
        Some(ErrorCode::ReadOnly) => words::READ_ONLY,
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            words::NO_ACCESS
        }
        Some(ErrorCode::NotADatabase) => words::NOT_A_DATABASE,
        Some(ErrorCode::DatabaseCorrupt) => words::CORRUPT,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => words::BUSY,
        Some(_) => words::DISK_FAULT,
        // Not from SQLite but from reading its answer: a column is not of the type that the schema gives it.
        None => words::CORRUPT,
    };
    with_error(code, path, error)
}

/// Whether SQLite does not find tables or columns that we made.
pub(super) fn is_of_the_schema(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => error.extended_code == ffi::SQLITE_ERROR,
        rusqlite::Error::SqlInputError { error, .. } => error.extended_code == ffi::SQLITE_ERROR,
        rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}

/// The trouble behind an error of the file system on this path.
pub(super) fn of_io(path: &Path, error: &io::Error) -> Trouble {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => words::DISK_FULL,
        io::ErrorKind::ReadOnlyFilesystem => words::READ_ONLY,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists => words::NO_ACCESS,
        _ => words::DISK_FAULT,
    };
    with_error(code, path, error)
}

fn with_error(code: Code, path: &Path, error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(code).with("path", path.display()).with("error", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_fault_has_its_own_words() {
        for (sqlite, code) in [
            (ffi::SQLITE_FULL, words::DISK_FULL),
            (ffi::SQLITE_IOERR_SHMSIZE, words::DISK_FULL),
            (ffi::SQLITE_IOERR_FSYNC, words::DISK_FAULT),
            (ffi::SQLITE_READONLY, words::READ_ONLY),
            (ffi::SQLITE_CANTOPEN, words::NO_ACCESS),
            (ffi::SQLITE_NOTADB, words::NOT_A_DATABASE),
            (ffi::SQLITE_CORRUPT, words::CORRUPT),
            (ffi::SQLITE_BUSY, words::BUSY),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(sqlite), None);
            assert_eq!(of_sqlite(Path::new("j"), &error).code, code, "{error}");
        }
        for (io, code) in [
            (io::ErrorKind::StorageFull, words::DISK_FULL),
            (io::ErrorKind::PermissionDenied, words::NO_ACCESS),
            (io::ErrorKind::ReadOnlyFilesystem, words::READ_ONLY),
            (io::ErrorKind::Other, words::DISK_FAULT),
        ] {
            assert_eq!(of_io(Path::new("j"), &io.into()).code, code, "{io}");
        }
    }
}
