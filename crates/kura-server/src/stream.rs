//! Bodies that are longer than memory should hold.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::Frame;
use tokio::sync::mpsc;

/// Pieces that may wait for the client.
const QUEUE: usize = 4;

/// Where the pieces go.
pub(crate) struct Out(mpsc::Sender<io::Result<Bytes>>);

impl Out {
    /// Fails when the reader has gone.
    pub(crate) fn send(&self, bytes: Bytes) -> io::Result<()> {
        self.0
            .blocking_send(Ok(bytes))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
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
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let (told, outcome) = tokio::sync::oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let out = Out(sender);
        if let Err(error) = work(&out) {
            let broken = io::Error::other(error.message().to_owned());
            // Whoever asked waits for the first piece, or looks at the body by now.
            let _ = told.send(error);
            let _ = out.0.blocking_send(Err(broken));
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
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || {
        let out = Out(sender);
        if let Err(error) = work(&out) {
            let _ = out.0.blocking_send(Err(error));
        }
    });
    Body::new(Chunks {
        first: None,
        rest: receiver,
    })
}
