//! Data sets without their bulk data, as an answer: the DICOM JSON model, or the Native DICOM
//! Model in XML. PS3.18 8.7.3.2, Annex F; PS3.19 A.1.

use std::io::{self, Write as _};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::xml;
use kura_model::{Category, Error, Result};
use serde_json::Value;

use super::media::{MediaRange, Offer, accepted, choose};
use super::multipart::{self, Part};
use super::{not_acceptable, refuse};
use crate::stream::{Pieces, checked};

/// In which words data sets are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Representation {
    Json,
    Xml,
}

pub(super) const DICOM_JSON: &str = "application/dicom+json";
pub(super) const DICOM_XML: &str = "application/dicom+xml";

fn chosen(ranges: &[MediaRange], offers: Vec<Offer>) -> Result<Representation> {
    choose(ranges, offers)
        .map(|offer| match offer.media_type {
            DICOM_XML => Representation::Xml,
            _ => Representation::Json,
        })
        .ok_or_else(|| {
            not_acceptable("this is answered as application/dicom+json or application/dicom+xml")
        })
}

/// What the client asked for, where there may be several data sets: JSON is one list, XML a part
/// for each.
pub(super) fn representation(headers: &HeaderMap, query: Option<&str>) -> Result<Representation> {
    let mut ranges = accepted(headers, query)?;
    for range in &mut ranges {
        if range.media_type == DICOM_XML {
            range.in_parts();
        }
    }
    let offers = vec![Offer::single(DICOM_JSON), Offer::multipart(DICOM_XML)];
    chosen(&ranges, offers)
}

/// What the client asked for, where there is one data set.
pub(super) fn of_one(headers: &HeaderMap, query: Option<&str>) -> Result<Representation> {
    let offers = vec![Offer::single(DICOM_JSON), Offer::single(DICOM_XML)];
    chosen(&accepted(headers, query)?, offers)
}

/// Several data sets: the result of a search, metadata.
pub(super) async fn many(form: Representation, datasets: Vec<Value>) -> Response {
    match form {
        Representation::Json => json(StatusCode::OK, &datasets),
        Representation::Xml => {
            let parts = datasets.into_iter().map(|dataset| {
                Ok(Part {
                    content_type: DICOM_XML.to_owned(),
                    bytes: xml::write(&dataset).into_bytes(),
                })
            });
            multipart::parts(DICOM_XML, parts).await
        }
    }
}

/// Data sets that come one by one as text of the JSON model, however many they are.
pub(super) async fn texts(
    form: Representation,
    tell: impl FnOnce(&mut dyn FnMut(&str) -> Result<()>) -> Result<()> + Send + 'static,
) -> Response {
    let gone =
        |error: io::Error| Error::new(Category::Interrupted, "the client has gone").because(error);
    match form {
        Representation::Json => {
            let body = checked(move |out| {
                let mut pieces = Pieces::new(out);
                let mut before = "[";
                tell(&mut |text| {
                    let put = [before, text].map(str::as_bytes);
                    before = ",";
                    put.iter()
                        .try_for_each(|bytes| pieces.write_all(bytes))
                        .map_err(gone)
                })?;
                let end: &[u8] = if before == "[" { b"[]" } else { b"]" };
                pieces
                    .write_all(end)
                    .and_then(|()| pieces.flush())
                    .map_err(gone)
            })
            .await;
            match body {
                Ok(body) => {
                    let kind = HeaderValue::from_static(DICOM_JSON);
                    ([(header::CONTENT_TYPE, kind)], body).into_response()
                }
                Err(error) => refuse(&error),
            }
        }
        Representation::Xml => {
            multipart::told(DICOM_XML, move |each| {
                tell(&mut |text| {
                    let dataset: Value = serde_json::from_str(text).map_err(|error| {
                        Error::internal("a stored header is damaged").because(error)
                    })?;
                    each(Part {
                        content_type: DICOM_XML.to_owned(),
                        bytes: xml::write(&dataset).into_bytes(),
                    })
                })
            })
            .await
        }
    }
}

/// One data set: what became of a request.
pub(super) fn one(form: Representation, status: StatusCode, dataset: &Value) -> Response {
    match form {
        Representation::Json => json(status, &dataset),
        Representation::Xml => {
            let kind = HeaderValue::from_static(DICOM_XML);
            (status, [(header::CONTENT_TYPE, kind)], xml::write(dataset)).into_response()
        }
    }
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let kind = HeaderValue::from_static(DICOM_JSON);
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, kind)], body).into_response(),
        Err(error) => refuse(&Error::internal("the answer cannot be written").because(error)),
    }
}
