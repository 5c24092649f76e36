//! Objects on the wire: files streamed one after another, checked against their hash on the way.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;

use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::Target;
use kura_dicom::bulk::Whole;
use kura_model::{Category, Error, Result};
use kura_service::dicom_read::Object;
use tempfile::SpooledTempFile;

use super::refuse;
use crate::rewritten::rewritten;
use crate::stream::{Out, checked, stream};

/// How objects are written for a client that does not take them as they lie.
#[derive(Debug, Clone)]
pub(super) struct Rewriting {
    pub(super) target: Target,
    /// Where they lie meanwhile.
    pub(super) spool: PathBuf,
}

/// An object that is about to be sent: its transfer syntax, its bytes and their number.
enum Sent<'o> {
    Stored(&'o Object),
    Rewritten(&'static str, SpooledTempFile, u64),
}

impl<'o> Sent<'o> {
    fn of(object: &'o Object, rewriting: Option<&Rewriting>) -> io::Result<Self> {
        let Some(rewriting) = rewriting else {
            return Ok(Self::Stored(object));
        };
        if object.transfer_syntax_uid == rewriting.target.uid() {
            return Ok(Self::Stored(object));
        }
        let mut file = rewritten(object, rewriting.target, &rewriting.spool)
            .map_err(|refusal| io::Error::new(io::ErrorKind::InvalidData, refusal))?;
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        Ok(Self::Rewritten(rewriting.target.uid(), file, size))
    }

    fn transfer_syntax(&self) -> &str {
        match self {
            Self::Stored(object) => &object.transfer_syntax_uid,
            Self::Rewritten(uid, ..) => uid,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Stored(object) => object.size,
            Self::Rewritten(_, _, size) => *size,
        }
    }

    fn send(self, out: &Out) -> io::Result<()> {
        match self {
            Self::Stored(object) => file(object, out),
            Self::Rewritten(_, file, _) => out.copy(file, |_| Ok(())),
        }
    }
}

/// A value of bulk data, by itself or as the one part.
pub(super) fn send_value(kind: &'static str, parts: bool, value: Whole) -> Response {
    let boundary = boundary();
    let (before, after) = match parts {
        true => (
            format!(
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                value.length
            ),
            format!("\r\n--{boundary}--\r\n"),
        ),
        false => (String::new(), String::new()),
    };
    let content_type = match parts {
        true => format!("multipart/related; type=\"{kind}\"; boundary={boundary}"),
        false => kind.to_owned(),
    };
    let length = before.len() as u64 + value.length + after.len() as u64;
    let body = stream(move |out| {
        out.send(Bytes::from(before))?;
        out.copy(value.reader, |_| Ok(()))?;
        out.send(Bytes::from(after))
    });
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CONTENT_LENGTH, length.to_string()),
        ],
        body,
    )
        .into_response()
}

/// RFC 2387 and PS3.18 8.6.1.2. A part has its own transfer syntax in its Content-Type.
pub(super) fn send(objects: Vec<Object>, rewriting: Option<Rewriting>) -> Response {
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
    let head = {
        let boundary = boundary.clone();
        move |syntax: &str, size: u64| {
            format!(
                "--{boundary}\r\nContent-Type: application/dicom; transfer-syntax={syntax}\r\nContent-Length: {size}\r\n\r\n"
            )
        }
    };
    let end = format!("--{boundary}--\r\n");
    // A client can show how far it is, where nothing is written anew.
    let length = rewriting.is_none().then(|| {
        let part = |object: &Object| {
            let head = head(&object.transfer_syntax_uid, object.size);
            head.len() as u64 + object.size + NEW_LINE.len() as u64
        };
        objects.iter().map(part).sum::<u64>() + end.len() as u64
    });
    let body = stream(move |out| {
        for object in &objects {
            let sent = Sent::of(object, rewriting.as_ref())?;
            out.send(Bytes::from(head(sent.transfer_syntax(), sent.size())))?;
            sent.send(out)?;
            out.send(Bytes::from_static(NEW_LINE))?;
        }
        out.send(Bytes::from(end))
    });
    let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    if let Some(length) = length {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

const NEW_LINE: &[u8] = b"\r\n";

/// The first object by itself, as `application/dicom`. It may take a while: it is not called where
/// requests are accepted.
pub(super) fn send_one(objects: Vec<Object>, rewriting: Option<Rewriting>) -> Result<Response> {
    let object = objects
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("no such instance in this bank"))?;
    let head = |syntax: &str, size: u64| {
        [
            (
                header::CONTENT_TYPE,
                format!("application/dicom; transfer-syntax={syntax}"),
            ),
            (header::CONTENT_LENGTH, size.to_string()),
        ]
    };
    let sent = Sent::of(&object, rewriting.as_ref()).map_err(|error| {
        let message = "the object cannot be written in this transfer syntax";
        Error::new(Category::Unsupported, message).because(error)
    })?;
    Ok(match sent {
        Sent::Rewritten(uid, file, size) => (
            head(uid, size),
            stream(move |out| out.copy(file, |_| Ok(()))),
        )
            .into_response(),
        Sent::Stored(_) => (
            head(&object.transfer_syntax_uid, object.size),
            stream(move |out| file(&object, out)),
        )
            .into_response(),
    })
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
    told(kind, move |each| parts.try_for_each(|part| each(part?))).await
}

/// The same for parts that are handed over.
pub(super) async fn told(
    kind: &str,
    tell: impl FnOnce(&mut dyn FnMut(Part) -> Result<()>) -> Result<()> + Send + 'static,
) -> Response {
    let boundary = boundary();
    let content_type = format!("multipart/related; type=\"{kind}\"; boundary={boundary}");
    let Ok(content_type) = HeaderValue::from_str(&content_type) else {
        return refuse(&Error::internal("a media type of ours is wrong"));
    };
    let gone =
        |error: io::Error| Error::new(Category::Interrupted, "the client has gone").because(error);
    let body = checked(move |out| {
        tell(&mut |part| {
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

/// Sends a file. If its bytes are no longer those of its name, the last of them are not sent and
/// the answer ends broken, so that nobody takes it for whole.
fn file(object: &Object, out: &Out) -> io::Result<()> {
    let mut hasher = blake3::Hasher::new();
    let mut left = object.size;
    let damaged = || {
        tracing::error!(blob = %object.blob, "a blob is damaged");
        io::Error::from(io::ErrorKind::InvalidData)
    };
    out.copy(File::open(&object.path)?, |piece| {
        hasher.update(piece);
        left = left.checked_sub(piece.len() as u64).ok_or_else(damaged)?;
        if left == 0 && hasher.finalize().as_bytes() != &object.blob.0 {
            return Err(damaged());
        }
        Ok(())
    })?;
    if left > 0 { Err(damaged()) } else { Ok(()) }
}
