//! What the pages load: one style sheet, small modules, an icon. All of it is in the binary.

use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_model::ContentHash;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    /// The beginning of the hash of the bytes.
    hash: String,
}

macro_rules! assets {
    ($($name:literal: $kind:expr,)*) => {
        vec![$(Asset {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../assets/", $name)),
            hash: String::new(),
        }),*]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut all = assets! {
        "style.css": "text/css; charset=utf-8",
        "kura.js": SCRIPT,
        "reading.js": SCRIPT,
        "wizard.js": SCRIPT,
        "worklist.js": SCRIPT,
        "icon.svg": "image/svg+xml",
    };
    if let Some(bytes) = VOLUME_VIEW {
        all.push(Asset {
            name: "niivue.js",
            kind: SCRIPT,
            bytes,
            hash: String::new(),
        });
    }
    for asset in &mut all {
        asset.hash = ContentHash::of(asset.bytes).to_hex()[..12].to_owned();
    }
    all
});

// `VOLUME_VIEW`: the library that shows volumes, if `npm ci` was run in web/ before the build.
include!(concat!(env!("OUT_DIR"), "/volume_view.rs"));

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Modules that name each other: they share a folder whose name has the hash of them all.
macro_rules! modules {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../assets/viewer/", $name)))),*]
    };
}

const MODULES: &[(&str, &str)] = modules! {
    "cine.js", "controls.js", "frames.js", "geometry.js", "input.js", "keys.js", "link.js", "main.js",
    "marks.js", "pane.js", "segments.js", "slide.js", "study.js", "view.js", "volume.js",
    "windowing.js",
};

static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let all: String = MODULES.iter().map(|(_, text)| *text).collect();
    format!("viewer-{}", &ContentHash::of(all.as_bytes()).to_hex()[..12])
});

/// The address of the library of volumes, if this build has it.
pub(crate) fn volume_view() -> Option<String> {
    VOLUME_VIEW.is_some().then(|| url("niivue.js"))
}

/// The address of an asset, with the hash of its bytes.
pub(crate) fn url(name: &str) -> String {
    if let Some(module) = name.strip_prefix("viewer/") {
        return format!("/assets/{}/{module}", *FOLDER);
    }
    let hash = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map_or("", |asset| asset.hash.as_str());
    format!("/assets/{name}?v={hash}")
}

/// These bytes never change under this address. RFC 8246.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A module of the viewer.
pub(crate) async fn serve_module(Path((folder, name)): Path<(String, String)>) -> Response {
    let found = MODULES.iter().find(|(known, _)| *known == name);
    match found {
        Some((_, text)) if folder == *FOLDER => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static(SCRIPT)),
                (header::CACHE_CONTROL, FOR_EVER),
            ],
            *text,
        )
            .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(crate) async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let named = query.is_some_and(|query| query.strip_prefix("v=") == Some(&asset.hash));
    let cache = if named {
        FOR_EVER
    } else {
        HeaderValue::from_static("no-cache")
    };
    (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
            (header::CACHE_CONTROL, cache),
        ],
        asset.bytes,
    )
        .into_response()
}
