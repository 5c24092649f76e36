//! One at a time: among the threads of a process, the processes of a machine and, on PostgreSQL,
//! the machines of a bank.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use kura_model::Result;

use crate::database::{Connection, Place, values};
use crate::error::io;

/// Holds a name until it is dropped; also until the process ends, however it ends, or its
/// connection to the server does.
pub struct Guard(Held);

enum Held {
    /// The lock of an open file.
    File { _file: fs::File },
    /// A lock of the server's, held by a connection of its own.
    Server {
        locks: Arc<Locks>,
        name: &'static str,
        number: i64,
        connection: Option<Box<Connection>>,
    },
}

/// The names this process holds, and connections that have held one.
#[derive(Default)]
pub(crate) struct Locks {
    held: Mutex<HashSet<&'static str>>,
    freed: Condvar,
    idle: Mutex<Vec<Connection>>,
}

/// Connections kept for the next who wants to be alone.
const IDLE: usize = 2;

/// Takes the lock of a file; `None` if another has it and we do not wait.
pub(crate) fn file(folder: &Path, name: &str, wait: bool) -> Result<Option<Guard>> {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(format!("{name}.lock")))
        .map_err(io)?;
    if wait {
        file.lock().map_err(io)?;
    } else {
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(io(error)),
        }
    }
    Ok(Some(Guard(Held::File { _file: file })))
}

/// Takes a lock of the server's: first among our own threads, so that those who wait need no
/// connection each.
pub(crate) fn server(
    locks: &Arc<Locks>,
    place: &Place,
    name: &'static str,
    wait: bool,
) -> Result<Option<Guard>> {
    let mut held = lock(&locks.held);
    while held.contains(name) {
        if !wait {
            return Ok(None);
        }
        held = locks
            .freed
            .wait(held)
            .unwrap_or_else(PoisonError::into_inner);
    }
    held.insert(name);
    drop(held);
    let number = place.lock_number(name);
    // From here on its drop gives the name back.
    let mut guard = Guard(Held::Server {
        locks: locks.clone(),
        name,
        number,
        connection: None,
    });
    let waiting = std::iter::from_fn(|| lock(&locks.idle).pop()).find(|idle| !idle.is_lost());
    let fresh = match waiting {
        Some(connection) => connection,
        None => {
            let connection = place.writer()?;
            connection.batch("SET lock_timeout TO 0")?;
            connection
        }
    };
    let got = if wait {
        fresh.batch(&format!("SELECT pg_advisory_lock({number})"))?;
        true
    } else {
        fresh.exists("SELECT 1 WHERE pg_try_advisory_lock(?1)", values![number])?
    };
    if !got {
        keep(locks, fresh);
        return Ok(None);
    }
    if let Held::Server { connection, .. } = &mut guard.0 {
        *connection = Some(Box::new(fresh));
    }
    Ok(Some(guard))
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Held::Server {
            locks,
            name,
            number,
            connection,
        } = &mut self.0
        {
            if let Some(connection) = connection.take()
                && connection
                    .batch(&format!("SELECT pg_advisory_unlock({number})"))
                    .is_ok()
            {
                keep(locks, *connection);
            }
            lock(&locks.held).remove(name);
            locks.freed.notify_all();
        }
    }
}

fn keep(locks: &Locks, connection: Connection) {
    let mut idle = lock(&locks.idle);
    if idle.len() < IDLE {
        idle.push(connection);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
