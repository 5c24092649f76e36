//! Pages of other origins that may read DICOMweb, by configuration: viewers. Fetch standard, CORS
//! protocol; only under `/dicom-web`, never for everyone.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_service::config::DicomWeb;

/// Which origins may what.
#[derive(Clone)]
pub(crate) struct Origins {
    known: Arc<Vec<String>>,
    may_write: bool,
}

/// What a viewer reads of an answer besides what every page may.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Content-Location, Location, Warning, WWW-Authenticate");
/// What a viewer sends.
const SENT: HeaderValue = HeaderValue::from_static(
    "Accept, Accept-Language, Authorization, Content-Type, X-Requested-With",
);
const READ: HeaderValue = HeaderValue::from_static("GET, HEAD");
const WRITE: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
/// Seconds a browser need not ask again.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

impl Origins {
    pub(crate) fn new(configured: &DicomWeb) -> Self {
        Self {
            known: Arc::new(configured.origins.clone()),
            may_write: configured.origins_may_write,
        }
    }

    /// What this request may, if it comes from a page of an origin that is known.
    pub(crate) fn of(&self, request: &Request) -> Option<Guest> {
        let path = request.uri().path();
        if path != "/dicom-web" && !path.starts_with("/dicom-web/") {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN)?;
        self.known
            .iter()
            .any(|known| known.as_bytes() == origin.as_bytes())
            .then(|| Guest {
                origin: origin.clone(),
                may_write: self.may_write,
            })
    }

    /// Whether answers differ by who asks.
    pub(crate) fn any(&self) -> bool {
        !self.known.is_empty()
    }
}

/// A page of a known origin.
pub(crate) struct Guest {
    origin: HeaderValue,
    may_write: bool,
}

impl Guest {
    pub(crate) fn may(&self, method: &Method) -> bool {
        self.may_write || matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// The answer to a browser that asks before it sends the request itself.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let mut response = StatusCode::NO_CONTENT.into_response();
            let headers = response.headers_mut();
            let methods = if self.may_write { WRITE } else { READ };
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
            self.let_read(headers);
            response
        })
    }

    /// Lets the page read an answer, whoever is signed in.
    pub(crate) fn let_read(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
}
