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

struct Chunks(mpsc::Receiver<io::Result<Bytes>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
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
    Body::new(Chunks(receiver))
}
