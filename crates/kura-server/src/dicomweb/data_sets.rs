//! Data sets without their bulk data, as an answer: the DICOM JSON model, or the Native DICOM
//! Model in XML. PS3.18 8.7.3.2, Annex F; PS3.19 A.1.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Error, Result};
use serde_json::Value;

use super::media::{Offer, accepted, choose};
use super::{not_acceptable, refuse};

/// In which words data sets are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Representation {
    Json,
}

pub(super) const DICOM_JSON: &str = "application/dicom+json";

/// What the client asked for.
pub(super) fn representation(headers: &HeaderMap, query: Option<&str>) -> Result<Representation> {
    let offers = vec![Offer::single(DICOM_JSON)];
    choose(&accepted(headers, query)?, offers)
        .map(|_| Representation::Json)
        .ok_or_else(|| not_acceptable("this is answered as application/dicom+json only"))
}

/// Several data sets: the result of a search, metadata.
pub(super) fn many(form: Representation, datasets: &[Value]) -> Response {
    match form {
        Representation::Json => json(StatusCode::OK, &datasets),
    }
}

/// One data set: what became of a request.
pub(super) fn one(form: Representation, status: StatusCode, dataset: &Value) -> Response {
    match form {
        Representation::Json => json(status, &dataset),
    }
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let kind = HeaderValue::from_static(DICOM_JSON);
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, kind)], body).into_response(),
        Err(error) => refuse(&Error::internal("the answer cannot be written").because(error)),
    }
}
