//! What an association runs over, whichever side opened it: a socket, or TLS over one. PDUs are
//! read and written here; a file leaves in pieces of many PDUs, for each system call costs more
//! than the bytes of a small one.

use std::io::{self, Cursor, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use dicom_ul::association::{
    Association, ClientAssociation, CloseSocket, ServerAssociation, SyncAssociation,
};
use dicom_ul::pdu::{Pdu, PresentationContextNegotiated, read_pdu, write_pdu};
use kura_model::Result;
use rustls::{ClientConnection, ServerConnection, StreamOwned};

use super::message::broken;

/// Bytes written at a time.
const PIECE: usize = 256 * 1024;
/// Bytes asked for at a time while the length of what comes is not known.
const ASKED: usize = 64 * 1024;
/// PDU type, a reserved byte, the length of the rest. PS3.8 9.3.1.
const PDU_HEAD: usize = 6;
/// Length, presentation context, message control header. PS3.8 9.3.5.1 and Annex E.
const PDV_HEAD: usize = 6;
/// Message control header: the last fragment of a data set, one in the middle.
const LAST: u8 = 0b10;
const MIDDLE: u8 = 0b00;

/// What carries bytes.
trait Stream: Read + Write {
    fn socket(&self) -> &TcpStream;

    /// Whether bytes were read off the socket that nobody has asked for yet.
    fn holds_more(&mut self) -> bool;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn holds_more(&mut self) -> bool {
        false
    }
}

macro_rules! over_tls {
    ($($connection:ty),*) => {$(
        impl Stream for StreamOwned<$connection, TcpStream> {
            fn socket(&self) -> &TcpStream {
                &self.sock
            }

            fn holds_more(&mut self) -> bool {
                let state = self.conn.process_new_packets();
                state.is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
            }
        }
    )*};
}

over_tls!(ClientConnection, ServerConnection);

/// An established association.
trait Wire {
    fn association(&self) -> &dyn Association;
    /// What carries it, and what was read ahead.
    fn stream(&mut self) -> (&mut dyn Stream, &mut BytesMut);
    fn release(self: Box<Self>) -> Result<()>;
}

macro_rules! wire {
    ($($side:ident),*) => {$(
        impl<S: Stream + CloseSocket + 'static> Wire for $side<S> {
            fn association(&self) -> &dyn Association {
                self
            }

            fn stream(&mut self) -> (&mut dyn Stream, &mut BytesMut) {
                let (stream, ahead) = SyncAssociation::get_mut(self);
                (stream, ahead)
            }

            fn release(self: Box<Self>) -> Result<()> {
                SyncAssociation::release(*self).map_err(broken)
            }
        }
    )*};
}

wire!(ClientAssociation, ServerAssociation);

/// An association, to be talked over.
pub(super) struct Link {
    wire: Box<dyn Wire>,
    /// PDUs that are to be written.
    out: Vec<u8>,
}

impl Link {
    #[allow(private_bounds)]
    pub(super) fn accepted<S: Stream + CloseSocket + 'static>(
        association: ServerAssociation<S>,
    ) -> Self {
        Self::over(Box::new(association))
    }

    #[allow(private_bounds)]
    pub(super) fn requested<S: Stream + CloseSocket + 'static>(
        association: ClientAssociation<S>,
    ) -> Self {
        Self::over(Box::new(association))
    }

    fn over(mut wire: Box<dyn Wire>) -> Self {
        // Without it each small answer waits for the peer's delayed acknowledgement.
        let _ = wire.stream().0.socket().set_nodelay(true);
        Self {
            wire,
            out: Vec::new(),
        }
    }

    pub(super) fn contexts(&self) -> &[PresentationContextNegotiated] {
        self.wire.association().presentation_contexts()
    }

    /// The other side's application entity title.
    pub(super) fn peer(&self) -> &str {
        self.wire.association().peer_ae_title().trim()
    }

    /// How long the other side may be silent.
    pub(super) fn wait_for(&mut self, silence: Duration) {
        let (stream, _) = self.wire.stream();
        let _ = stream.socket().set_read_timeout(Some(silence));
    }

    /// Whether who asked for the association takes objects of a class on it. PS3.4 C.5.3.
    pub(super) fn requester_takes(&self, sop_class_uid: &str) -> bool {
        self.wire
            .association()
            .requestor_roles_for(sop_class_uid)
            .scp
    }

    /// The next PDU; `None` where the other side has closed the connection between two.
    pub(super) fn receive(&mut self) -> Result<Option<Pdu>> {
        let largest = self.wire.association().local_max_pdu_length();
        let (stream, ahead) = self.wire.stream();
        loop {
            let length = ahead
                .get(2..PDU_HEAD)
                .and_then(|length| length.try_into().ok())
                .map(u32::from_be_bytes);
            // One that is too long is refused by its head.
            let whole = length.map(|length| PDU_HEAD + length.min(largest) as usize);
            if whole.is_some_and(|whole| ahead.len() >= whole) {
                let mut read = Cursor::new(&ahead[..]);
                if let Some(pdu) = read_pdu(&mut read, largest, true).map_err(broken)? {
                    let count = read.position() as usize;
                    ahead.advance(count);
                    return Ok(Some(pdu));
                }
            }
            let had = ahead.len();
            let missing = whole.map_or(0, |whole| whole.saturating_sub(had));
            ahead.resize(had + missing.max(ASKED), 0);
            let count = stream.read(&mut ahead[had..]);
            ahead.truncate(had + *count.as_ref().unwrap_or(&0));
            match count {
                Ok(0) if had == 0 => return Ok(None),
                Ok(0) => return Err(broken(io::Error::from(io::ErrorKind::UnexpectedEof))),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }

    pub(super) fn send(&mut self, pdu: &Pdu) -> Result<()> {
        self.hold(pdu)?;
        self.flush()
    }

    /// Sends a PDU together with what follows.
    pub(super) fn hold(&mut self, pdu: &Pdu) -> Result<()> {
        write_pdu(&mut self.out, pdu).map_err(broken)
    }

    fn flush(&mut self) -> Result<()> {
        let (stream, _) = self.wire.stream();
        let written = stream.write_all(&self.out).and_then(|()| stream.flush());
        self.out.clear();
        written.map_err(broken)
    }

    /// Begins a data set in a presentation context.
    pub(super) fn data(&mut self, context: u8) -> DataSet<'_> {
        // PS3.8 D.1: no limit is written as zero.
        let largest = match self.wire.association().peer_max_pdu_length() as usize {
            0 => PIECE,
            largest => largest.min(PIECE),
        };
        let mut data = DataSet {
            begun: self.out.len(),
            // Fragments are of even length.
            room: (largest.saturating_sub(PDV_HEAD) & !1).max(2),
            link: self,
            context,
        };
        data.begin();
        data
    }

    /// Whether the other side has sent something.
    pub(super) fn something_waits(&mut self) -> bool {
        let (stream, ahead) = self.wire.stream();
        if !ahead.is_empty() || stream.holds_more() {
            return true;
        }
        let socket = stream.socket();
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let waits = matches!(socket.peek(&mut [0]), Ok(count) if count > 0);
        socket.set_nonblocking(false).is_ok() && waits
    }

    pub(super) fn release(self) -> Result<()> {
        self.wire.release()
    }
}

/// A data set on its way out, cut into PDUs of the length the other side takes.
pub(super) struct DataSet<'l> {
    link: &'l mut Link,
    context: u8,
    /// Where in what is to be written the PDU begins that is being filled.
    begun: usize,
    /// Bytes of a data set in one PDU.
    room: usize,
}

impl DataSet<'_> {
    fn begin(&mut self) {
        self.begun = self.link.out.len();
        self.link.out.extend([0; PDU_HEAD + PDV_HEAD]);
    }

    fn filled(&self) -> usize {
        self.link.out.len() - self.begun - PDU_HEAD - PDV_HEAD
    }

    /// Writes the head of the PDU that is full.
    fn end(&mut self, control: u8) {
        let length = self.filled() as u32;
        let head = &mut self.link.out[self.begun..];
        // P-DATA-TF
        head[0] = 0x04;
        head[2..6].copy_from_slice(&(length + PDV_HEAD as u32).to_be_bytes());
        head[6..10].copy_from_slice(&(length + 2).to_be_bytes());
        head[10] = self.context;
        head[11] = control;
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.filled() == self.room {
                self.end(MIDDLE);
                if self.link.out.len() >= PIECE {
                    self.link.flush()?;
                }
                self.begin();
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.room - self.filled()));
            self.link.out.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.end(LAST);
        self.link.flush()
    }

    /// Gives it up in the middle; the association is of no use any more.
    pub(super) fn abandon(self) {
        self.link.out.clear();
    }
}
