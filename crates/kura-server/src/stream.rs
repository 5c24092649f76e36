//! Bodies that are longer than memory should hold.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::Frame;
use tokio::sync::mpsc;

/// Pieces that may wait for the client.
const QUEUE: usize = 4;

/// Where the pieces go.
pub(crate) struct Out {
    sender: mpsc::Sender<io::Result<Bytes>>,
    idle: Idle,
}

/// Buffers whose bytes have left: fresh memory costs as much as the bytes that are read into it.
type Idle = Arc<Mutex<Vec<Vec<u8>>>>;

/// A buffer on its way.
struct Filled {
    buffer: Vec<u8>,
    length: usize,
    idle: Idle,
}

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(std::mem::take(&mut self.buffer));
    }
}

impl Out {
    fn new() -> (Self, mpsc::Receiver<io::Result<Bytes>>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let idle = Idle::default();
        (Self { sender, idle }, receiver)
    }

    /// Fails when the reader has gone.
    pub(crate) fn send(&self, bytes: Bytes) -> io::Result<()> {
        self.sender
            .blocking_send(Ok(bytes))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn fail(&self, error: io::Error) {
        // Nobody hears it who has gone.
        let _ = self.sender.blocking_send(Err(error));
    }

    /// Sends all that a reader gives; `see` is shown each piece first, and may refuse it.
    pub(crate) fn copy(
        &self,
        mut source: impl io::Read,
        mut see: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let idle = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let mut filled = Filled {
                buffer: idle.unwrap_or_else(|| vec![0; PIECE]),
                length: 0,
                idle: self.idle.clone(),
            };
            filled.length = source.read(&mut filled.buffer)?;
            if filled.length == 0 {
                return Ok(());
            }
            see(filled.as_ref())?;
            self.send(Bytes::from_owner(filled))?;
        }
    }
}

struct Chunks {
    /// What was taken already.
    first: Option<io::Result<Bytes>>,
    rest: mpsc::Receiver<io::Result<Bytes>>,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first.map(Frame::data)));
        }
        self.rest
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// As [`stream`], for work that may find out only when it has begun that it cannot be done: what
/// it says before its first piece is an error of the request. Small bodies are one piece.
pub(crate) async fn checked(
    work: impl FnOnce(&Out) -> kura_model::Result<()> + Send + 'static,
) -> kura_model::Result<Body> {
    let (out, mut receiver) = Out::new();
    let (told, outcome) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = work(&out) {
            let broken = io::Error::other(error.message().to_owned());
            // Whoever asked waits for the first piece, or looks at the body by now.
            let _ = told.send(error);
            out.fail(broken);
        }
    });
    match receiver.recv().await {
        Some(Err(error)) => Err(outcome
            .await
            .unwrap_or_else(|_| kura_model::Error::internal("the work broke down").because(error))),
        first => {
            tokio::spawn(async move {
                if let Ok(error) = outcome.await
                    && error.category != kura_model::Category::Interrupted
                {
                    crate::error::log(&error);
                    tracing::warn!(reason = error.message(), "an answer was broken off");
                }
            });
            Ok(Body::new(Chunks {
                first,
                rest: receiver,
            }))
        }
    }
}

/// Bytes sent together.
const PIECE: usize = 256 * 1024;

/// Gathers what is written into pieces. What was not flushed is never sent, so that work which
/// breaks off early has sent nothing.
pub(crate) struct Pieces<'a> {
    out: &'a Out,
    piece: Vec<u8>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(out: &'a Out) -> Self {
        Self {
            out,
            piece: Vec::with_capacity(PIECE),
        }
    }
}

impl io::Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.out.send(piece.into())
    }
}

/// A body made by a thread of its own, as fast as the client takes it. An error in the middle breaks
/// the connection off, so that half a body is not taken for the whole.
pub(crate) fn stream(work: impl FnOnce(&Out) -> io::Result<()> + Send + 'static) -> Body {
    let (out, receiver) = Out::new();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = work(&out) {
            out.fail(error);
        }
    });
    Body::new(Chunks {
        first: None,
        rest: receiver,
    })
}
