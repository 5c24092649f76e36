//! Messages on an association, whichever side opened it: commands, data sets, files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::net::TcpStream;
use std::path::Path;

use dicom_ul::association::{CloseSocket, SyncAssociation};
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu, PresentationContextNegotiated};
use kura_dicom::{Limits, Target, dataset_start};
use kura_model::{Category, Error, Refusal, Result};
use kura_service::dicom_read::Object;

use tempfile::SpooledTempFile;

use super::command::{COMMAND_BYTES, Command, CommandSet};
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
pub(super) fn send<S, A>(
    association: &mut A,
    id: u8,
    command: &CommandSet,
    data_set: Option<&[u8]>,
) -> Result<()>
where
    S: Read + Write + CloseSocket,
    A: SyncAssociation<S>,
{
    let value = |value_type, data| PDataValue {
        presentation_context_id: id,
        value_type,
        is_last: true,
        data,
    };
    let message = Pdu::PData {
        data: vec![value(PDataValueType::Command, command.bytes())],
    };
    SyncAssociation::send(association, &message).map_err(broken)?;
    if let Some(bytes) = data_set {
        let mut writer = association.send_pdata(id);
        writer.write_all(bytes).map_err(broken)?;
        writer.finish().map_err(broken)?;
    }
    Ok(())
}

/// The next command; a data set in between is an error.
pub(super) fn receive<S, A>(association: &mut A) -> Result<(u8, Command)>
where
    S: Read + Write + CloseSocket,
    A: SyncAssociation<S>,
{
    let mut bytes = Vec::new();
    loop {
        let data = match SyncAssociation::receive(association).map_err(broken)? {
            Pdu::PData { data } => data,
            Pdu::ReleaseRQ => {
                let _ = SyncAssociation::send(association, &Pdu::ReleaseRP);
                return Err(Error::new(Category::Interrupted, "the peer has left"));
            }
            Pdu::AbortRQ { .. } => {
                return Err(Error::new(Category::Interrupted, "the peer has left"));
            }
            _ => return Err(protocol("an unexpected message")),
        };
        for value in data {
            if value.value_type != PDataValueType::Command {
                return Err(protocol("a data set without a command"));
            }
            bytes.extend(&value.data);
            if bytes.len() > COMMAND_BYTES {
                return Err(protocol("a command set that is too long"));
            }
            if value.is_last {
                let command = Command::read(&bytes)
                    .ok_or_else(|| protocol("a command set that cannot be read"))?;
                return Ok((value.presentation_context_id, command));
            }
        }
    }
}

/// Whether bytes of the peer are there to be read.
pub(super) fn something_waits(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    let waits = matches!(stream.peek(&mut [0]), Ok(count) if count > 0);
    stream.set_nonblocking(false).is_ok() && waits
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
pub(super) fn send_object<S, A>(
    association: &mut A,
    context: &PresentationContextNegotiated,
    command: &CommandSet,
    object: &Object,
    spool: &Path,
) -> std::result::Result<(), Unsent>
where
    S: Read + Write + CloseSocket,
    A: SyncAssociation<S>,
{
    let file = File::open(&object.path).map_err(unreadable)?;
    let start = dataset_start(BufReader::new(&file), &Limits::default())
        .map_err(|refusal| Unsent::Refused(Error::internal("a stored file").because(refusal)))?;
    if context.transfer_syntax != object.transfer_syntax_uid || !start.as_declared {
        let file = data_set(object, &context.transfer_syntax, spool)?;
        return send_bytes(association, context.id, command, file, |_| true);
    }
    let mut file = File::open(&object.path).map_err(unreadable)?;
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
    send_bytes(association, context.id, command, file, &mut whole)
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
fn send_bytes<S, A>(
    association: &mut A,
    id: u8,
    command: &CommandSet,
    mut data: impl Read,
    mut sound: impl FnMut(&[u8]) -> bool,
) -> std::result::Result<(), Unsent>
where
    S: Read + Write + CloseSocket,
    A: SyncAssociation<S>,
{
    send(association, id, command, None).map_err(Unsent::Broken)?;
    let mut writer = association.send_pdata(id);
    let mut chunk = vec![0; CHUNK];
    let outcome = loop {
        match data.read(&mut chunk) {
            Ok(count) if !sound(&chunk[..count]) => {
                tracing::error!("a stored object is damaged");
                break Err(Error::internal("a stored object is damaged"));
            }
            Ok(0) => break Ok(()),
            Ok(count) => {
                if let Err(error) = writer.write_all(&chunk[..count]) {
                    break Err(broken(error));
                }
            }
            Err(error) => {
                break Err(Error::internal("a stored file cannot be read").because(error));
            }
        }
    };
    match outcome {
        Ok(()) => writer
            .finish()
            .map_err(|error| Unsent::Broken(broken(error))),
        Err(error) => {
            writer.abandon();
            Err(Unsent::Broken(error))
        }
    }
}
