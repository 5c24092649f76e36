use kura_model::{Category, Error};
use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

/// Gives a database error its category. The text of SQLite never holds bound values, so it may
/// be logged; the caller sees only our sentence.
pub(crate) fn sqlite(error: rusqlite::Error) -> Error {
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

/// The same for PostgreSQL. Its messages quote values, names and addresses, so that only the
/// SQLSTATE and the names of our own table and constraint go to the log.
pub(crate) fn postgres(error: tokio_postgres::Error) -> Error {
    if is_lost(&error) {
        return lost(&error);
    }
    let Some(code) = error.code() else {
        return Error::internal("the database failed").because(cause(&error));
    };
    let (category, message) = if *code == SqlState::DISK_FULL {
        (
            Category::Exhausted,
            "the disk is full: nothing of this step was written; free some space and run it again",
        )
    } else if *code == SqlState::OUT_OF_MEMORY
        || *code == SqlState::INSUFFICIENT_RESOURCES
        || *code == SqlState::PROGRAM_LIMIT_EXCEEDED
    {
        (
            Category::Exhausted,
            "a limit of the database server was met; nothing of this step was kept",
        )
    } else if [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ]
    .contains(code)
    {
        (
            Category::Conflict,
            "another process is writing to this bank; try again",
        )
    } else if *code == SqlState::QUERY_CANCELED {
        (Category::Interrupted, "interrupted")
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE || *code == SqlState::UNDEFINED_TABLE {
        // A schema one has no right on is passed over when a table is looked for.
        (
            Category::Internal,
            "the role of the database may not do this; docs/scale.md says what it needs",
        )
    } else if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED {
        (
            Category::Internal,
            "the database is damaged; restore it from a backup",
        )
    } else {
        (Category::Internal, "the database failed")
    };
    Error::new(category, message).because(cause(&error))
}

/// An error of going in. Names neither the address nor who came.
pub(crate) fn connecting(error: tokio_postgres::Error) -> Error {
    let message = match error.code() {
        Some(code)
            if *code == SqlState::INVALID_PASSWORD
                || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            "the database server refused the name or the password"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
            "the database server has no database of that name"
        }
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => {
            "the database server takes no more connections"
        }
        Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => {
            "the database server is starting or stopping; try again"
        }
        Some(_) => "the database server refused the connection",
        None => "the database server cannot be reached",
    };
    Error::internal(message).because(cause(&error))
}

/// Whether the connection is gone.
pub(crate) fn is_lost(error: &tokio_postgres::Error) -> bool {
    let ended = |code: &SqlState| {
        [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code)
    };
    error.is_closed()
        || error.code().is_some_and(ended)
        || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

fn lost(error: &tokio_postgres::Error) -> Error {
    Error::internal(
        "the connection to the database was lost; nothing of this step was kept; try again",
    )
    .because(cause(error))
}

/// What of an error of PostgreSQL may be written down.
fn cause(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => {
            let mut words = format!("SQLSTATE {}", told.code().code());
            for (word, name) in [("table", told.table()), ("constraint", told.constraint())] {
                if let Some(name) = name {
                    words.push_str(&format!(", {word} {name}"));
                }
            }
            words
        }
        None => match std::error::Error::source(error)
            .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        {
            Some(io) => format!("{}", io.kind()),
            None if error.is_closed() => "connection closed".to_owned(),
            None => "the client failed".to_owned(),
        },
    }
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
