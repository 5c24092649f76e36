//! Frames, pixel data and bulk data. PS3.18 10.4.1.1.5 to 10.4.1.1.7.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::bulk::ValuePath;
use kura_dicom::{Frames, Target};
use kura_model::{Error, RequestContext, Result};
use kura_service::dicom_bulk;
use kura_service::dicom_read;

use super::media::{MADE, OCTETS, Offer, accepted, choose, frame_offers};
use super::multipart::{self, Part};
use super::{Uids, blocking, not_acceptable, refuse, target, uid};
use crate::App;

/// Frames named in one request.
const FRAMES_AT_MOST: usize = 10_000;

/// `1,3,5`: frames by number, from 1.
pub(super) fn frame_numbers(list: &str) -> Result<Vec<u32>> {
    let numbers: Option<Vec<u32>> = list
        .split(',')
        .take(FRAMES_AT_MOST + 1)
        .map(|number| number.trim().parse().ok())
        .collect();
    match numbers {
        Some(numbers) if numbers.len() > FRAMES_AT_MOST => {
            Err(Error::invalid("that are too many frames for one request"))
        }
        Some(numbers) if numbers.contains(&0) => Err(Error::not_found("frames count from 1")),
        Some(numbers) => Ok(numbers),
        None => Err(Error::invalid(
            "frames are named by their numbers, from 1, with commas",
        )),
    }
}

pub(super) async fn frames(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let numbers = match frame_numbers(uid(&uids, "frames").unwrap_or_default()) {
        Ok(numbers) => numbers,
        Err(error) => return refuse(&error),
    };
    pixels(app, context, target(&uids), query, headers, numbers).await
}

/// All frames of an object.
pub(super) async fn pixel_data(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    pixels(app, context, target(&uids), query, headers, Vec::new()).await
}

async fn pixels(
    app: App,
    context: RequestContext,
    target: dicom_read::Target,
    query: Option<String>,
    headers: HeaderMap,
    numbers: Vec<u32>,
) -> Response {
    let found = blocking(move || {
        let ranges = accepted(&headers, query.as_deref())?;
        let frames = dicom_bulk::frames(&app.bank, &context, &target, &numbers)?;
        let numbers = match numbers.is_empty() {
            true => (1..=frames.count()).collect(),
            false => numbers,
        };
        let can_be = |target| frames.can_be(target);
        let offers = frame_offers(frames.transfer_syntax(), can_be, numbers.len() == 1);
        let offer = choose(&ranges, offers).ok_or_else(|| {
            not_acceptable("these frames are not sent in that form; ask for transfer-syntax=* to get them as they are stored")
        })?;
        let named = |target: &Target| offer.transfer_syntax.as_deref() == Some(target.uid());
        let mut frames = match MADE.into_iter().find(named) {
            Some(target) => frames.written_in(target).map_err(dicom_bulk::cannot)?,
            None => frames,
        };
        let single = match offer.multipart {
            true => None,
            false => Some(frame(&mut frames, numbers[0])?),
        };
        Ok((frames, numbers, offer, single))
    })
    .await;
    let (mut frames, numbers, offer, single) = match found {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let kind = part_type(&offer);
    if let Some(bytes) = single {
        return octets(&kind, bytes);
    }
    let parts = numbers.into_iter().map(move |number| {
        Ok(Part {
            content_type: kind.clone(),
            bytes: frame(&mut frames, number)?,
        })
    });
    multipart::parts(offer.media_type, parts).await
}

fn frame(frames: &mut Frames, number: u32) -> Result<Vec<u8>> {
    let frame = frames.get(number.saturating_sub(1));
    frame.map_err(dicom_bulk::cannot)
}

/// 8.7.3.3: the transfer syntax is a parameter of the media type.
fn part_type(offer: &Offer) -> String {
    match &offer.transfer_syntax {
        Some(uid) => format!("{}; transfer-syntax={uid}", offer.media_type),
        None => offer.media_type.to_owned(),
    }
}

fn octets(kind: &str, bytes: Vec<u8>) -> Response {
    match HeaderValue::from_str(kind) {
        Ok(kind) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(error) => refuse(&Error::internal("a media type of ours is wrong").because(error)),
    }
}

/// A value that metadata point to by `BulkDataURI`.
pub(super) async fn bulk_data(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(place) = ValuePath::parse(uid(&uids, "place").unwrap_or_default()) else {
        return refuse(&Error::invalid(
            "a place is a tag such as 00420011; in a sequence, 00400555/1/00420011",
        ));
    };
    let target = target(&uids);
    if place.is_pixel_data() {
        return pixels(app, context, target, query, headers, Vec::new()).await;
    }
    let found = blocking(move || {
        let offers = vec![Offer::multipart(OCTETS), Offer::single(OCTETS)];
        let offer = choose(&accepted(&headers, query.as_deref())?, offers)
            .ok_or_else(|| not_acceptable("bulk data are sent as application/octet-stream"))?;
        let value = dicom_bulk::value(&app.bank, &context, &target, &place)?;
        Ok((offer, value))
    })
    .await;
    match found {
        Ok((offer, value)) => multipart::send_value(OCTETS, offer.multipart, value),
        Err(error) => refuse(&error),
    }
}
