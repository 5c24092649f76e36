//! `$import` on the wire: a manifest, or the lines themselves.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::{Extension, Router};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::bulk_import::{self, Asked, Upload};
use tokio::sync::mpsc;

use super::asynchronous::{self, IMPORT};
use super::endpoint::Serve;
use super::{base, endpoints, failure, refuse};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new().serve(&endpoints::IMPORT, import)
}

async fn import(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    if let Some(refused) = asynchronous::unasked(&head.headers) {
        return refused;
    }
    let kind = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match &kind[..] {
        "application/fhir+json" | "application/json" => {
            manifest(app, context, &head.headers, body).await
        }
        "application/fhir+ndjson" | "application/ndjson" | "application/x-ndjson" => {
            lines(app, context, &head.headers, body).await
        }
        _ => failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body is a manifest as application/fhir+json, or the lines as application/fhir+ndjson",
        ),
    }
}

async fn manifest(app: App, context: RequestContext, headers: &HeaderMap, body: Body) -> Response {
    let limit = usize::try_from(app.bank.config.fhir.request_bytes).unwrap_or(usize::MAX);
    let Ok(body) = axum::body::to_bytes(body, limit).await else {
        return failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            "the body did not arrive whole, or is larger than fhir.request_bytes",
        );
    };
    let base = base(headers);
    asynchronous::kick_off(IMPORT, headers, move || {
        let asked = Asked::of(base, &body)?;
        Ok((bulk_import::begin(&app.bank, &context, asked)?, None))
    })
    .await
}

/// Pieces of a body that may wait for the disk.
const QUEUE: usize = 4;

/// How long a sender may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// Lines that are sent along go to disk as they come.
async fn lines(app: App, context: RequestContext, headers: &HeaderMap, body: Body) -> Response {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes>>(QUEUE);
    let base = base(headers);
    let work = tokio::task::spawn_blocking(move || {
        let mut upload = Upload::new(&app.bank, &context)?;
        while let Some(piece) = receiver.blocking_recv() {
            upload.add(&piece?)?;
        }
        upload.begin(&app.bank, &context, base)
    });
    // The writer hangs up when it refuses: what it says then is the answer.
    pass_on(body, &sender).await;
    drop(sender);
    match work.await {
        Ok(Ok(id)) => asynchronous::accepted(IMPORT, headers, &id, None),
        Ok(Err(error)) => asynchronous::turned_away(&error),
        Err(_) => refuse(&Error::internal("the upload broke down")),
    }
}

async fn pass_on(mut body: Body, sender: &mpsc::Sender<Result<Bytes>>) {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let Ok(frame) = tokio::time::timeout(SILENCE, frame).await else {
            let late = Error::new(Category::Invalid, "the sender has stopped sending");
            let _ = sender.send(Err(late.coded("incomplete"))).await;
            return;
        };
        let piece = match frame {
            None => return,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => Ok(piece),
                // Trailers.
                Err(_) => continue,
            },
            Some(Err(_)) => Err(
                Error::new(Category::Invalid, "the body did not arrive whole").coded("incomplete"),
            ),
        };
        let broken = piece.is_err();
        if sender.send(piece).await.is_err() || broken {
            return;
        }
    }
}
