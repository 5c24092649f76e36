//! The pages: server-rendered HTML, Japanese and English. A handler decodes the request, calls
//! one service function and hands its answer to a template.

mod assets;
mod charts;
mod dashboard;
mod failure;
mod images;
mod imports;
mod models;
mod page;
mod patient;
mod patients;
mod processed;
mod record;
mod sign_in;
mod text;
mod trials;
mod worklist;

use axum::Router;
use axum::routing::{get, post};
use kura_model::{Error, Result};

use crate::App;

pub(crate) use models::Workshop;
pub(crate) use page::Page;
pub(crate) use text::Lang;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(dashboard::show))
        .route("/import", get(imports::show))
        .route("/quarantine", get(imports::quarantine))
        .route("/quarantine/{id}", get(imports::quarantine_item))
        .route("/unlinked", get(imports::unlinked))
        .route("/patients", get(patients::show).post(patients::search))
        .route("/patients/{id}", get(patient::show))
        .route("/patients/{id}/processed", get(processed::show))
        .route("/patients/{id}/processed/{object}", get(processed::image))
        .route(
            "/patients/{id}/processed/{policy}/{object}/picture",
            get(processed::picture),
        )
        .route("/patients/{id}/open/{kind}/{record}", get(record::open))
        .route("/patients/{id}/source/{kind}/{record}", get(record::source))
        .route("/patients/{id}/variants/{record}", get(record::variants))
        .route("/images", get(images::list).post(images::search))
        .route("/images/{study}", get(images::viewer))
        .route("/images/strip/{study}", get(images::strip_of))
        .route("/images/series/{study}/{series}", get(images::series))
        .route("/images/volume/{study}/{series}", get(images::volume_of))
        .route("/images/segmentation/{object}", get(images::segmentation))
        .route("/images/object/{object}", get(images::object))
        .route("/images/of/{object}", get(images::place))
        .route("/images/document/{object}", get(images::document_bytes))
        .route("/images/video/{object}", get(images::video_bytes))
        .route("/images/frame/{object}/{frame}", get(images::frame))
        .route("/images/picture/{object}/{frame}", get(images::picture))
        .route("/images/thumbnail/{study}", get(images::thumbnail))
        .route("/worklist", get(worklist::show).post(worklist::decide))
        .route("/worklist/picture/{id}", get(worklist::picture))
        .route("/models", get(models::list))
        .route("/models/new", get(models::begin).post(models::step))
        .route(
            "/models/new/training",
            get(models::training).post(models::steer),
        )
        .route("/models/new/report/{job}", get(models::training_report))
        .route(
            "/models/{name}/{version}",
            get(models::show).post(models::act),
        )
        .route(
            "/models/{name}/{version}/evidence/{hash}",
            get(models::evidence),
        )
        .route("/trials", get(trials::list))
        .route("/trials/{id}", get(trials::show))
        .route("/trials/{id}/read", get(trials::back).post(trials::sit))
        .route(
            "/trials/{id}/read/{seat}",
            get(trials::case).post(trials::record),
        )
        .route(
            "/trials/{id}/read/{seat}/{position}/frame/{object}/{frame}",
            get(trials::frame),
        )
        .route(
            "/trials/{id}/read/{seat}/{position}/picture/{object}/{frame}",
            get(trials::picture),
        )
        .route("/trials/{id}/report/{hash}", get(trials::report))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/assets/{name}", get(assets::serve))
        .route("/assets/{folder}/{name}", get(assets::serve_module))
        .fallback(failure::nothing_here)
}

/// Runs what may take longer than a point read where it holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("the request broke down").because(error)),
    }
}
