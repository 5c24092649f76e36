//! Objects on the wire: files streamed one after another, checked against their hash on the way.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use kura_service::dicom_read::Object;
use tokio::sync::mpsc;

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;
/// Chunks that may wait for the network.
const QUEUE: usize = 4;

/// RFC 2387 and PS3.18 8.6.1.2. A part has its own transfer syntax in its Content-Type.
pub(super) fn send(objects: Vec<Object>) -> Response {
    // Random enough not to occur in the parts: it is made of their hashes.
    let mut hasher = blake3::Hasher::new();
    for object in &objects {
        hasher.update(&object.blob.0);
    }
    let boundary = format!("kura-{}", &hasher.finalize().to_hex()[..32]);
    let content_type =
        format!("multipart/related; type=\"application/dicom\"; boundary={boundary}");
    let Ok(content_type) = HeaderValue::from_str(&content_type) else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = stream(move |out| {
        for object in &objects {
            let head = format!(
                "--{boundary}\r\nContent-Type: application/dicom; transfer-syntax={}\r\nContent-Length: {}\r\n\r\n",
                object.transfer_syntax_uid, object.size
            );
            out.send(Bytes::from(head))?;
            file(object, out)?;
            out.send(Bytes::from_static(b"\r\n"))?;
        }
        out.send(Bytes::from(format!("--{boundary}--\r\n")))
    });
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// The first object by itself, as `application/dicom`.
pub(super) fn send_one(objects: Vec<Object>) -> Response {
    let Some(object) = objects.into_iter().next() else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let content_type = format!(
        "application/dicom; transfer-syntax={}",
        object.transfer_syntax_uid
    );
    let Ok(content_type) = HeaderValue::from_str(&content_type) else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let size = HeaderValue::from(object.size);
    let body = stream(move |out| file(&object, out));
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CONTENT_LENGTH, size),
        ],
        body,
    )
        .into_response()
}

/// Sends a file. If its bytes are no longer those of its name, the answer ends broken, so that
/// nobody takes it for whole.
fn file(object: &Object, out: &Out) -> io::Result<()> {
    let mut file = File::open(&object.path)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        chunk.truncate(count);
        hasher.update(&chunk);
        out.send(Bytes::from(chunk))?;
    }
    if hasher.finalize().as_bytes() != &object.blob.0 {
        tracing::error!(blob = %object.blob, "a blob is damaged");
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(())
}

struct Out(mpsc::Sender<io::Result<Bytes>>);

impl Out {
    /// Fails when the reader has gone.
    fn send(&self, bytes: Bytes) -> io::Result<()> {
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

fn stream(work: impl FnOnce(&Out) -> io::Result<()> + Send + 'static) -> Body {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || {
        let out = Out(sender);
        if let Err(error) = work(&out) {
            let _ = out.0.blocking_send(Err(error));
        }
    });
    Body::new(Chunks(receiver))
}
