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
    ($($name:literal: $kind:literal,)*) => {
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
        "kura.js": "text/javascript; charset=utf-8",
        "viewer.js": "text/javascript; charset=utf-8",
        "reading.js": "text/javascript; charset=utf-8",
        "wizard.js": "text/javascript; charset=utf-8",
        "worklist.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    };
    for asset in &mut all {
        asset.hash = ContentHash::of(asset.bytes).to_hex()[..12].to_owned();
    }
    all
});

/// The address of an asset, with the hash of its bytes.
pub(crate) fn url(name: &str) -> String {
    let hash = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map_or("", |asset| asset.hash.as_str());
    format!("/assets/{name}?v={hash}")
}

pub(crate) async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let named = query.is_some_and(|query| query.strip_prefix("v=") == Some(&asset.hash));
    let cache = if named {
        // These bytes never change under this address. RFC 8246.
        HeaderValue::from_static("public, max-age=31536000, immutable")
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
