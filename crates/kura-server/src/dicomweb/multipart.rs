//! Objects on the wire: files streamed one after another, checked against their hash on the way.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read};

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Category, Error, Result};
use kura_service::dicom_read::Object;

use super::refuse;
use crate::stream::{Out, checked, stream};

/// Bytes read at a time.
const CHUNK: usize = 256 * 1024;

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

/// One part in memory.
pub(super) struct Part {
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
}

/// Parts made one by one, as fast as the client takes them. If the first cannot be made, that is
/// the answer; a later one ends the answer broken.
pub(super) async fn parts(
    kind: &str,
    mut parts: impl Iterator<Item = Result<Part>> + Send + 'static,
) -> Response {
    let boundary = boundary();
    let content_type = format!("multipart/related; type=\"{kind}\"; boundary={boundary}");
    let Ok(content_type) = HeaderValue::from_str(&content_type) else {
        return refuse(&Error::internal("a media type of ours is wrong"));
    };
    let gone =
        |error: io::Error| Error::new(Category::Interrupted, "the client has gone").because(error);
    let body = checked(move |out| {
        parts.try_for_each(|part| {
            let part = part?;
            let head = format!(
                "--{boundary}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
                part.content_type,
                part.bytes.len()
            );
            out.send(Bytes::from(head)).map_err(gone)?;
            out.send(Bytes::from(part.bytes)).map_err(gone)?;
            out.send(Bytes::from_static(b"\r\n")).map_err(gone)
        })?;
        out.send(Bytes::from(format!("--{boundary}--\r\n")))
            .map_err(gone)
    })
    .await;
    match body {
        Ok(body) => ([(header::CONTENT_TYPE, content_type)], body).into_response(),
        Err(error) => refuse(&error),
    }
}

/// Of 128 random bits: it does not occur in a part.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("kura-{:016x}{:016x}", random(), random())
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
