//! Pictures: rendered resources and thumbnails. PS3.18 10.4.1.1.3 and 10.4.1.1.4.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Error, RequestContext, Result};
use kura_service::dicom_read::{self, Picture};

use super::media::accepted;
use super::{Uids, blocking, not_acceptable, params, refuse, target, uid};
use crate::App;

/// 10.4.1.1.3: `window=center,width[,function]` and `viewport=width,height`.
pub(super) async fn rendered(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    picture(app, context, uids, query, headers, None).await
}

/// 10.4.1.1.4
pub(super) async fn thumbnail(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    picture(app, context, uids, query, headers, Some(128)).await
}

async fn picture(
    app: App,
    context: RequestContext,
    uids: Uids,
    query: Option<String>,
    headers: HeaderMap,
    side: Option<u32>,
) -> Response {
    let asked = || -> Result<_> {
        let kind = accepted(&headers, query.as_deref())?
            .iter()
            .find_map(|range| match range.media_type.as_str() {
                // Table 8.7.4-1: JPEG is the default
                "*/*" | "image/*" | "image/jpeg" => Some(Picture::Jpeg),
                "image/png" => Some(Picture::Png),
                _ => None,
            })
            .ok_or_else(|| not_acceptable("pictures are image/jpeg or image/png"))?;
        let mut side = side;
        let mut window = None;
        for (name, value) in params(query.as_deref())? {
            let numbers: Vec<f64> = value
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect();
            match (name.as_str(), &numbers[..]) {
                ("window", [center, width]) if *width > 0.0 => window = Some((*center, *width)),
                ("viewport", [width, height]) if *width >= 1.0 && *height >= 1.0 => {
                    side = Some(width.max(*height).min(f64::from(u16::MAX)) as u32);
                }
                ("window" | "viewport", _) => {
                    return Err(Error::invalid(
                        "window takes center,width and viewport takes width,height",
                    ));
                }
                _ => {}
            }
        }
        let frame = match uid(&uids, "frame") {
            None => 1,
            Some(number) => number
                .parse::<u32>()
                .map_err(|_| Error::invalid("a frame is named by its number, from 1"))?,
        };
        Ok((kind, side, window, frame))
    };
    let (kind, side, window, frame) = match asked() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let target = target(&uids);
    let made = blocking(move || {
        dicom_read::rendered(&app.bank, &context, &target, frame, window, side, kind)
    })
    .await;
    let media_type = match kind {
        Picture::Jpeg => HeaderValue::from_static("image/jpeg"),
        Picture::Png => HeaderValue::from_static("image/png"),
    };
    match made {
        Ok(bytes) => ([(header::CONTENT_TYPE, media_type)], Body::from(bytes)).into_response(),
        Err(error) => refuse(&error),
    }
}
