//! The pages: server-rendered HTML, Japanese and English. A handler decodes the request, calls
//! one service function and hands its answer to a template.

mod account;
mod assets;
mod charts;
mod dashboard;
mod emergency;
mod failure;
mod form;
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
use axum::routing::MethodRouter;
use kura_model::{Error, Result};

use crate::App;

pub(crate) use models::Workshop;
pub(crate) use page::Page;
pub(crate) use text::Lang;

/// The pages and what they ask for: the router is made of this table, and so is the list that says
/// who may ask for what.
macro_rules! pages {
    ($($path:literal => $($method:ident $handler:path),+;)*) => {
        pub(crate) fn routes() -> Router<App> {
            Router::new()
                $(.route($path, MethodRouter::new()$(.$method($handler))+))*
                .fallback(failure::nothing_here)
        }

        /// Method and path of each.
        pub(crate) const ADDRESSES: &[(&str, &str)] = &[$($((stringify!($method), $path)),+),*];
    };
}

pages! {
    "/" => get dashboard::show;
    "/import" => get imports::show;
    "/quarantine" => get imports::quarantine;
    "/quarantine/{id}" => get imports::quarantine_item;
    "/unlinked" => get imports::unlinked;
    "/patients" => get patients::show, post patients::search;
    "/patients/{id}" => get patient::show;
    "/patients/{id}/processed" => get processed::show;
    "/patients/{id}/processed/{object}" => get processed::image;
    "/patients/{id}/processed/{policy}/{object}/picture" => get processed::picture;
    "/patients/{id}/open/{kind}/{record}" => get record::open;
    "/patients/{id}/source/{kind}/{record}" => get record::source;
    "/patients/{id}/variants/{record}" => get record::variants;
    "/images" => get images::list, post images::search;
    "/images/{study}" => get images::viewer;
    "/images/strip/{study}" => get images::strip_of;
    "/images/series/{study}/{series}" => get images::series;
    "/images/volume/{study}/{series}" => get images::volume_of;
    "/images/segmentation/{object}" => get images::segmentation;
    "/images/object/{object}" => get images::object;
    "/images/of/{object}" => get images::place;
    "/images/document/{object}" => get images::document_bytes;
    "/images/video/{object}" => get images::video_bytes;
    "/images/frame/{object}/{frame}" => get images::frame;
    "/images/picture/{object}/{frame}" => get images::picture;
    "/images/thumbnail/{study}" => get images::thumbnail;
    "/worklist" => get worklist::show, post worklist::decide;
    "/worklist/picture/{id}" => get worklist::picture;
    "/models" => get models::list;
    "/models/new" => get models::begin, post models::step;
    "/models/new/training" => get models::training, post models::steer;
    "/models/new/report/{job}" => get models::training_report;
    "/models/{name}/{version}" => get models::show, post models::act;
    "/models/{name}/{version}/evidence/{hash}" => get models::evidence;
    "/trials" => get trials::list;
    "/trials/{id}" => get trials::show;
    "/trials/{id}/read" => get trials::back, post trials::sit;
    "/trials/{id}/read/{seat}" => get trials::case, post trials::record;
    "/trials/{id}/read/{seat}/{position}/frame/{object}/{frame}" => get trials::frame;
    "/trials/{id}/read/{seat}/{position}/picture/{object}/{frame}" => get trials::picture;
    "/trials/{id}/report/{hash}" => get trials::report;
    "/account" => get account::show, post account::act;
    "/accounts" => get account::list, post account::change;
    "/access" => get account::rules;
    "/emergency" => get emergency::show, post emergency::act;
    "/emergencies" => get emergency::list, post emergency::review;
    "/sign-in" => get sign_in::show, post sign_in::enter;
    "/sign-in/second" => post sign_in::enter_second;
    "/sign-out" => post sign_in::leave;
    "/assets/{name}" => get assets::serve;
    "/assets/{folder}/{name}" => get assets::serve_module;
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
