//! WADO-RS: objects as files, and their metadata. PS3.18 10.4.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kura_model::{RequestContext, Result};
use kura_service::dicom_bulk;
use kura_service::dicom_read::{self, Object};

use super::media::{MediaRange, Offer, accepted, choose};
use super::{Uids, base, blocking, data_sets, multipart, not_acceptable, refuse, target};
use crate::App;

pub(super) async fn metadata(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = match data_sets::representation(&headers, query.as_deref()) {
        Ok(form) => form,
        Err(error) => return refuse(&error),
    };
    let target = target(&uids);
    let base = base(&headers);
    match blocking(move || dicom_bulk::metadata(&app.bank, &context, &target, &base)).await {
        Ok(datasets) => data_sets::many(form, datasets).await,
        Err(error) => refuse(&error),
    }
}

const DICOM: &str = "application/dicom";

/// How objects are sent. The one place where transfer syntaxes are negotiated (8.7.3.5.2): each
/// is sent as it is stored; another syntax is Not Acceptable.
fn form(ranges: &[MediaRange], objects: &[Object]) -> Result<Offer> {
    let mut syntaxes = objects.iter().map(|object| &object.transfer_syntax_uid);
    let common = syntaxes
        .next()
        .filter(|first| syntaxes.all(|other| other == *first));
    let mut offers = vec![Offer::multipart(DICOM)];
    if objects.len() == 1 {
        offers.push(Offer::single(DICOM));
    }
    for offer in &mut offers {
        // Objects in several syntaxes are none that a client could name.
        let syntax = common.map_or("mixed", String::as_str);
        offer.transfer_syntax = Some(syntax.to_owned());
    }
    choose(ranges, offers).ok_or_else(|| {
        let asked = |range: &MediaRange| range.parameter("transfer-syntax").is_some();
        not_acceptable(if ranges.iter().any(asked) {
            "stored in another transfer syntax; ask for transfer-syntax=* to get it as it is"
        } else {
            "objects are sent as multipart/related; type=\"application/dicom\""
        })
    })
}

pub(super) async fn retrieve(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let target = target(&uids);
    let found = blocking(move || {
        let ranges = accepted(&headers, query.as_deref())?;
        let objects = dicom_read::retrieve(&app.bank, &context, &target)?;
        form(&ranges, &objects).map(|form| (form, objects))
    })
    .await;
    match found {
        Ok((form, objects)) if form.multipart => multipart::send(objects),
        Ok((_, objects)) => multipart::send_one(objects),
        Err(error) => refuse(&error),
    }
}
