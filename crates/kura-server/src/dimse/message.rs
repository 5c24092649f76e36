//! Messages on an association, whichever side opened it: commands, data sets, files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu, PresentationContextNegotiated};
use kura_dicom::{Limits, Target, dataset_start};
use kura_model::{Category, Error, Refusal, Result};
use kura_service::dicom_read::Object;

use tempfile::SpooledTempFile;

use super::command::{COMMAND_BYTES, Command, CommandSet};
use super::wire::Link;
use crate::rewritten::rewritten;

/// Bytes of a file read at a time.
const CHUNK: usize = 256 * 1024;

pub(super) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Category::Interrupted, "the connection broke").because(error)
}

pub(super) fn protocol(message: &str) -> Error {
    Error::invalid(message)
}

/// Sends a command, and the data set that belongs to it.
pub(super) fn send(
    link: &mut Link,
    id: u8,
    command: &CommandSet,
    data_set: Option<&[u8]>,
) -> Result<()> {
    let message = command_message(id, command);
    let Some(bytes) = data_set else {
        return link.send(&message);
    };
    link.hold(&message)?;
    let mut data = link.data(id);
    data.write(bytes)?;
    data.finish()
}

fn command_message(id: u8, command: &CommandSet) -> Pdu {
    Pdu::PData {
        data: vec![PDataValue {
            presentation_context_id: id,
            value_type: PDataValueType::Command,
            is_last: true,
            data: command.bytes(),
        }],
    }
}

/// The next command; a data set in between is an error.
pub(super) fn receive(link: &mut Link) -> Result<(u8, Command)> {
    let (id, command, _) = receive_with(link, 0)?;
    Ok((id, command))
}

/// The next command with the data set it announces, of so many bytes at most.
pub(super) fn receive_with(
    link: &mut Link,
    limit: usize,
) -> Result<(u8, Command, Option<Vec<u8>>)> {
    let left = || Error::new(Category::Interrupted, "the peer has left");
    let mut bytes = Vec::new();
    let mut begun: Option<(u8, Command)> = None;
    let mut data_set = Vec::new();
    loop {
        let data = match link.receive()?.ok_or_else(left)? {
            Pdu::PData { data } => data,
            Pdu::ReleaseRQ => {
                let _ = link.send(&Pdu::ReleaseRP);
                return Err(left());
            }
            Pdu::AbortRQ { .. } => return Err(left()),
            _ => return Err(protocol("an unexpected message")),
        };
        for value in data {
            let id = value.presentation_context_id;
            match (&begun, value.value_type) {
                (None, PDataValueType::Command) => {
                    bytes.extend(&value.data);
                    if bytes.len() > COMMAND_BYTES {
                        return Err(protocol("a command set that is too long"));
                    }
                    if value.is_last {
                        let command = Command::read(&bytes)
                            .ok_or_else(|| protocol("a command set that cannot be read"))?;
                        if !command.has_data_set {
                            return Ok((id, command, None));
                        }
                        begun = Some((id, command));
                    }
                }
                (Some((expected, command)), PDataValueType::Data) if *expected == id => {
                    data_set.extend(&value.data);
                    if data_set.len() > limit {
                        return Err(protocol("a data set that is too long"));
                    }
                    if value.is_last {
                        return Ok((id, command.clone(), Some(data_set)));
                    }
                }
                (None, PDataValueType::Data) => {
                    return Err(protocol("a data set without a command"));
                }
                (Some(_), _) => return Err(protocol("a data set that is not its command's")),
            }
        }
    }
}

/// Why a file was not sent.
pub(super) enum Unsent {
    /// The association is as it was: another object can be sent.
    Refused(Error),
    /// The association is of no use any more.
    Broken(Error),
}

/// Sends the command and the data set of a stored object in this transfer syntax: as it lies if it
/// is written so, else rewritten. Its bytes are compared with its hash before the last of them
/// goes, so that nobody takes a damaged object for whole.
pub(super) fn send_object(
    link: &mut Link,
    context: &PresentationContextNegotiated,
    command: &CommandSet,
    object: &Object,
    spool: &Path,
) -> std::result::Result<(), Unsent> {
    let mut file = File::open(&object.path).map_err(unreadable)?;
    let start = dataset_start(BufReader::new(&file), &Limits::default())
        .map_err(|refusal| Unsent::Refused(Error::internal("a stored file").because(refusal)))?;
    if context.transfer_syntax != object.transfer_syntax_uid || !start.as_declared {
        let file = data_set(object, &context.transfer_syntax, spool)?;
        return send_bytes(link, context.id, command, file, |_| true);
    }
    file.rewind().map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut head = vec![0; start.offset as usize];
    file.read_exact(&mut head).map_err(unreadable)?;
    hasher.update(&head);
    let mut whole = |bytes: &[u8]| {
        if !bytes.is_empty() {
            hasher.update(bytes);
            return true;
        }
        hasher.finalize().as_bytes() == &object.blob.0
    };
    send_bytes(link, context.id, command, file, &mut whole)
}

fn unreadable(error: io::Error) -> Unsent {
    Unsent::Refused(Error::internal("a stored file cannot be read").because(error))
}

/// The data set in another transfer syntax.
fn data_set(
    object: &Object,
    transfer_syntax_uid: &str,
    spool: &Path,
) -> std::result::Result<SpooledTempFile, Unsent> {
    let refused = |refusal: Refusal| {
        let message = "an object cannot be written in the transfer syntax that was agreed on";
        Unsent::Refused(Error::new(Category::Unsupported, message).because(refusal))
    };
    let target = Target::of(transfer_syntax_uid)
        .ok_or_else(|| refused(Refusal::new("transcode-target", "no such target")))?;
    let mut file = rewritten(object, target, spool).map_err(refused)?;
    let start = dataset_start(BufReader::new(&mut file), &Limits::default()).map_err(refused)?;
    file.seek(SeekFrom::Start(start.offset))
        .map_err(unreadable)?;
    Ok(file)
}

/// Sends a command and all of `data`. `sound` sees each piece, and at the end nothing; where it
/// says no, the association is given up.
fn send_bytes(
    link: &mut Link,
    id: u8,
    command: &CommandSet,
    mut data: impl Read,
    mut sound: impl FnMut(&[u8]) -> bool,
) -> std::result::Result<(), Unsent> {
    link.hold(&command_message(id, command))
        .map_err(Unsent::Broken)?;
    let mut out = link.data(id);
    let mut chunk = vec![0; CHUNK];
    let outcome = loop {
        match data.read(&mut chunk) {
            Ok(count) if !sound(&chunk[..count]) => {
                tracing::error!("a stored object is damaged");
                break Err(Error::internal("a stored object is damaged"));
            }
            Ok(0) => break Ok(()),
            Ok(count) => {
                if let Err(error) = out.write(&chunk[..count]) {
                    break Err(error);
                }
            }
            Err(error) => {
                break Err(Error::internal("a stored file cannot be read").because(error));
            }
        }
    };
    match outcome {
        Ok(()) => out.finish().map_err(Unsent::Broken),
        Err(error) => {
            out.abandon();
            Err(Unsent::Broken(error))
        }
    }
}
