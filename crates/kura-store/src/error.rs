use kura_model::{Category, Error};
use rusqlite::ErrorCode;

/// Gives a database error its category. The text of SQLite never holds bound values, so it may
/// be logged; the caller sees only our sentence.
pub(crate) fn database(error: rusqlite::Error) -> Error {
    let (category, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            Category::Exhausted,
            "the disk is full: nothing of this step was written; free some space and run it again",
        ),
        Some(ErrorCode::SystemIoFailure) => (
            Category::Exhausted,
            "the disk could not be written or read; nothing of this step was kept",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Category::Conflict,
            "another process is writing to this bank; try again",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            Category::Internal,
            "the database file is damaged; restore it from a backup",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
            Category::Internal,
            "the database file cannot be opened for writing",
        ),
        Some(ErrorCode::OperationInterrupted) => (Category::Interrupted, "interrupted"),
        _ => (Category::Internal, "the database failed"),
    };
    Error::new(category, message).because(error)
}

/// Gives a file error its category. Names no file: the caller knows which one, and a path can
/// hold a patient's name.
pub(crate) fn io(error: std::io::Error) -> Error {
    let (category, message) = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => (
            Category::Exhausted,
            "the disk is full: nothing of this step was written; free some space and run it again",
        ),
        std::io::ErrorKind::FileTooLarge => (
            Category::Exhausted,
            "the file is larger than this system allows",
        ),
        std::io::ErrorKind::NotFound => (Category::NotFound, "no such file"),
        std::io::ErrorKind::PermissionDenied => (Category::Forbidden, "the file may not be opened"),
        _ => (Category::Internal, "a file could not be read or written"),
    };
    Error::new(category, message).because(error)
}
