//! ZIP archives: every member as if it lay on the disk.

use std::fs::File;
use std::io::{BufReader, Read, Write};

use kura_model::{Refusal, Result};
use zip::ZipArchive;
use zip::result::ZipError;

use super::recognise::{self, Format};
use super::sink::{Item, Sink};
use super::{Feed, dispatch, input};
use crate::Bank;

pub(super) fn zip(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let limits = &feed.bank.config.import;
    let file = File::open(feed.path).map_err(|error| input::disk(feed.path, error))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(ZipError::Io(error)) if input::refusal_of(&error, 0).is_none() => {
            return Err(input::disk(feed.path, error));
        }
        Err(_) => {
            return sink.refuse_file(
                feed.path,
                Refusal::new("zip-damaged", "the archive's directory cannot be read"),
            );
        }
    };
    if archive.len() as u64 > limits.members {
        return sink.refuse_file(
            feed.path,
            Refusal::new(
                "zip-members",
                format!("the archive has more than {} members", limits.members),
            ),
        );
    }
    // All members together may not expand without measure: members may share their bytes.
    let mut allowed = limits
        .expanded_bytes
        .max(size.saturating_mul(limits.expansion));
    for index in 0..archive.len() {
        if feed.cancelled() {
            return Ok(());
        }
        let position = index as u64 + 1;
        if position <= feed.position {
            continue;
        }
        member(feed, sink, &mut archive, index, &mut allowed)?;
        if feed.cancelled() {
            // The member may be half read: it is read again next time.
            return Ok(());
        }
        sink.enter(None);
        sink.reached(position)?;
        feed.observer
            .read(size.saturating_mul(position) / archive.len().max(1) as u64);
        if allowed == 0 {
            break;
        }
    }
    Ok(())
}

fn member(
    feed: &Feed<'_>,
    sink: &Sink,
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
    allowed: &mut u64,
) -> Result<()> {
    let refuse = |rule: &str, message: &str| {
        sink.push(Item::Refused {
            refusal: Refusal::new(rule, message),
            item: Vec::new(),
            size: 0,
        });
        Ok(())
    };
    let mut entry = match archive.by_index(index) {
        Ok(entry) => entry,
        Err(ZipError::UnsupportedArchive(_)) => {
            sink.enter(Some(format!("#{}", index + 1)));
            return refuse(
                "zip-unsupported",
                "the member is encrypted, or compressed in a way that is not read",
            );
        }
        Err(_) => {
            sink.enter(Some(format!("#{}", index + 1)));
            return refuse("zip-damaged", "the member cannot be read");
        }
    };
    if entry.is_dir() {
        return Ok(());
    }
    // Member names come in whatever encoding the archiver had; an unreadable one is numbered.
    let name = entry
        .name()
        .map_or_else(|_| format!("#{}", index + 1), |name| name.into_owned());
    let hidden = name
        .rsplit('/')
        .next()
        .is_some_and(|file| file.starts_with('.'))
        || name.starts_with("__MACOSX/");
    if hidden {
        return Ok(());
    }
    sink.enter(Some(name));
    let mut spool = spool(feed.bank)?;
    let copied = copy(&mut entry, spool.as_file_mut(), allowed);
    drop(entry);
    match copied {
        Ok(true) => {}
        Ok(false) => {
            *allowed = 0;
            return refuse(
                "expansion",
                "the archive grows out of proportion; it was not read further",
            );
        }
        Err(Trouble::Archive) => {
            return refuse("zip-damaged", "the member is damaged or cut short");
        }
        Err(Trouble::Disk(error)) => return Err(input::disk(spool.path(), error)),
    }
    let format = recognise::recognise(spool.path())?;
    if format == Format::Zip {
        return refuse("zip-nested", "an archive within an archive is not opened");
    }
    let inner = Feed {
        bank: feed.bank,
        observer: feed.observer,
        cancel: feed.cancel,
        path: spool.path(),
        position: 0,
    };
    dispatch(&inner, sink, format)
}

enum Trouble {
    Archive,
    Disk(std::io::Error),
}

/// Copies a member; `Ok(false)` when it grows past what is allowed.
fn copy(
    entry: &mut impl Read,
    out: &mut File,
    allowed: &mut u64,
) -> std::result::Result<bool, Trouble> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = entry.read(&mut buffer).map_err(|_| Trouble::Archive)?;
        if count == 0 {
            return Ok(true);
        }
        if count as u64 > *allowed {
            return Ok(false);
        }
        *allowed -= count as u64;
        out.write_all(&buffer[..count]).map_err(Trouble::Disk)?;
    }
}

/// A file in the clinical zone's own spool: members are patients' data.
fn spool(bank: &Bank) -> Result<tempfile::NamedTempFile> {
    let folder = bank.folder().join("clinical").join("spool");
    tempfile::Builder::new()
        .prefix("member-")
        .tempfile_in(&folder)
        .map_err(|error| input::disk(&folder, error))
}
