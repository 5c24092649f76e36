//! WADO-RS: objects as files, and their metadata. PS3.18 10.4.

use std::fs::File;
use std::io::BufReader;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kura_dicom::{Limits, Target, can_transcode, read_header};
use kura_model::{RequestContext, Result};
use kura_service::dicom_bulk;
use kura_service::dicom_read::{self, Object};

use super::media::{MediaRange, Offer, accepted, choose};
use super::multipart::Rewriting;
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
    let base = base(&app, &headers);
    data_sets::texts(form, move |each| {
        dicom_bulk::metadata(&app.bank, &context, &target, &base, each)
    })
    .await
}

const DICOM: &str = "application/dicom";

/// How objects are sent. The one place where transfer syntaxes are negotiated (8.7.3.5.2): each as
/// it is stored, unless the client names another one that they can be written in without loss.
fn form(ranges: &[MediaRange], objects: &[Object]) -> Result<Offer> {
    let mut syntaxes = objects.iter().map(|object| &object.transfer_syntax_uid);
    let common = syntaxes
        .next()
        .filter(|first| syntaxes.all(|other| other == *first));
    let forms = || {
        let single = (objects.len() == 1).then(|| Offer::single(DICOM));
        std::iter::once(Offer::multipart(DICOM)).chain(single)
    };
    // Objects in several syntaxes are none that a client could name.
    let stored = common.map_or("mixed", String::as_str);
    let mut offers: Vec<Offer> = forms().map(|offer| offer.in_syntax(stored)).collect();
    let mut asked: Vec<&str> = ranges
        .iter()
        .filter_map(|range| range.parameter("transfer-syntax"))
        .filter(|uid| *uid != stored)
        .collect();
    asked.dedup();
    for uid in asked.iter().copied() {
        if can_be_written(objects, uid) {
            offers.extend(forms().map(|offer| Offer {
                on_demand: true,
                ..offer.in_syntax(uid)
            }));
        }
    }
    choose(ranges, offers).ok_or_else(|| {
        not_acceptable(if asked.is_empty() {
            "objects are sent as multipart/related; type=\"application/dicom\""
        } else {
            "stored in another transfer syntax; ask for transfer-syntax=* to get it as it is"
        })
    })
}

/// 8.7.3.5.1: Implicit VR Little Endian is not sent over the web.
pub(super) fn can_be_written(objects: &[Object], uid: &str) -> bool {
    Target::of(uid)
        .is_some_and(|target| !target.is_lossy() && target != Target::ImplicitVrLittleEndian)
        && objects.iter().all(|object| {
            let Ok(file) = File::open(&object.path) else {
                return false;
            };
            read_header(BufReader::new(file), &Limits::default()).is_ok_and(|header| {
                can_transcode(&object.transfer_syntax_uid, uid, &header).is_ok()
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
    let spool = app.bank.clinical.blobs().spool().to_owned();
    let found = blocking(move || {
        let ranges = accepted(&headers, query.as_deref())?;
        let objects = dicom_read::retrieve(&app.bank, &context, &target)?;
        form(&ranges, &objects).map(|form| (form, objects))
    })
    .await;
    let (form, objects) = match found {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let target = form.transfer_syntax.as_deref().and_then(Target::of);
    let rewriting = target
        .filter(|_| form.on_demand)
        .map(|target| Rewriting { target, spool });
    if form.multipart {
        return multipart::send(objects, rewriting);
    }
    match blocking(move || multipart::send_one(objects, rewriting)).await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}
