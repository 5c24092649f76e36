//! A body on its way in, read by a thread that may wait for the disk.

use std::io::{self, Read};
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use kura_model::{Error, Result};
use tokio::sync::mpsc;

/// Pieces that may wait for the disk.
const QUEUE: usize = 4;

/// How long a sender may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// The body, as it comes. An end that is not the end of the body is an error.
pub(super) struct Arriving {
    pieces: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

/// `None`: the body has ended as it should.
type Piece = io::Result<Option<Bytes>>;

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                // Nobody passes on any more: the client has gone.
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(Ok(None)) => {
                    self.ended = true;
                    return Ok(0);
                }
                Some(Ok(Some(piece))) => self.piece = piece,
                Some(Err(error)) => return Err(error),
            }
        }
        let length = self.piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

/// Gives the body to `work` in a thread of its own, and what that makes of it back. If the client
/// leaves, the body ends with an error, and `work` goes on to its end.
pub(super) async fn read<T: Send + 'static>(
    body: Body,
    work: impl FnOnce(Arriving) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, pieces) = mpsc::channel(QUEUE);
    let arriving = Arriving {
        pieces,
        piece: Bytes::new(),
        ended: false,
    };
    let work = tokio::task::spawn_blocking(move || work(arriving));
    // A task of its own: it outlives a client that leaves, and so brings what was sent.
    tokio::spawn(pass_on(body, sender));
    match work.await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("the request broke down").because(error)),
    }
}

async fn pass_on(mut body: Body, sender: mpsc::Sender<Piece>) {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let piece = match tokio::time::timeout(SILENCE, frame).await {
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) => Ok(Some(piece)),
                // Trailers.
                Err(_) => continue,
            },
        };
        let last = !matches!(piece, Ok(Some(_)));
        // Or whoever reads has heard enough.
        if sender.send(piece).await.is_err() || last {
            return;
        }
    }
}
