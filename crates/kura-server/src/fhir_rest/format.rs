//! JSON or XML: which one an answer is to be, and what comes in as XML made JSON.
//!
//! FHIR R4 http.html#mime-type, RFC 9110 section 12.5.1.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use kura_fhir::{outcome, xml};
use kura_model::Refusal;

use super::{failure, json, refuse};

pub(super) const FHIR_XML: HeaderValue =
    HeaderValue::from_static("application/fhir+xml; charset=utf-8");

/// What a resource is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

impl Format {
    /// What a media type or a `_format` names, if we can write it.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.split(';').next().unwrap_or_default();
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "json"
            | "application/json"
            | "application/fhir+json"
            | "application/fhir json"
            | "application/json+fhir"
            | "text/json" => Self::Json,
            "xml"
            | "application/xml"
            | "application/fhir+xml"
            // A plus of a URL that was not escaped.
            | "application/fhir xml"
            | "application/xml+fhir"
            | "text/xml" => Self::Xml,
            _ => return None,
        })
    }
}

/// A range of an Accept header, if a format fits it: the format, or `None` for any; its quality.
fn range(text: &str) -> Option<(Option<Format>, f32)> {
    let mut parts = text.split(';');
    let name = parts.next().unwrap_or_default();
    let mut quality = 1.0;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        match name.trim() {
            "q" => quality = value.parse().unwrap_or(1.0),
            // FHIR R4 http.html#version-parameter
            "fhirVersion" if value != "4.0" => return None,
            _ => {}
        }
    }
    match name.trim() {
        "*/*" | "application/*" => Some((None, quality)),
        name => Some((Some(Format::named(name)?), quality)),
    }
}

/// The format that Accept headers like best. A named one counts before any; of two that are liked
/// the same, the first named, else JSON. RFC 9110 section 12.5.1: the more specific range decides.
fn accepted<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Format> {
    let ranges: Vec<(Option<Format>, f32)> = headers
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    let mut order: Vec<Format> = ranges.iter().filter_map(|(format, _)| *format).collect();
    order.extend([Format::Json, Format::Xml]);
    let best = |wanted: Option<Format>| {
        let fitting = ranges.iter().filter(|(format, _)| *format == wanted);
        fitting.map(|(_, quality)| *quality).reduce(f32::max)
    };
    let mut found = None;
    for format in order {
        let quality = best(Some(format)).or(best(None)).unwrap_or(0.0);
        if quality > found.map_or(0.0, |(_, so_far)| so_far) {
            found = Some((format, quality));
        }
    }
    found.map(|(format, _)| format)
}

/// What to answer in; `None` if it is nothing we write. `_format` wins over the header.
pub(super) fn acceptable(params: &[(String, String)], headers: &HeaderMap) -> Option<Format> {
    let named = params
        .iter()
        .find(|(name, value)| name == "_format" && !value.is_empty());
    if let Some((_, value)) = named {
        let any = matches!(value.trim(), "*/*" | "application/*");
        return if any {
            Some(Format::Json)
        } else {
            Format::named(value)
        };
    }
    let mut accept = headers.get_all(header::ACCEPT).iter().peekable();
    if accept.peek().is_none() {
        return Some(Format::Json);
    }
    accepted(accept.filter_map(|value| value.to_str().ok()))
}

/// An answer that cannot be XML, said in JSON.
pub(super) fn no_xml(refusal: &Refusal) -> Response {
    let what = format!("as XML it cannot be answered: {}", refusal.message);
    let mut said = outcome::single("error", "not-supported", &what);
    if let Some(place) = &refusal.location.path {
        said["issue"][0]["expression"] = serde_json::json!([place]);
    }
    json(StatusCode::NOT_ACCEPTABLE, said.to_string().into_bytes())
}

/// The media types of `application/fhir+xml`, without parameters.
fn is_xml(kind: &str) -> bool {
    matches!(
        kind.trim().to_ascii_lowercase().as_str(),
        "application/fhir+xml" | "application/xml" | "application/xml+fhir" | "text/xml"
    )
}

/// A request whose body is XML, with the same resource as JSON; any other as it is.
///
/// # Errors
/// The answer to a body that did not arrive or is no resource in XML.
pub(super) async fn as_json(request: Request) -> Result<Request, Response> {
    let takes = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    // What is compressed is refused where JSON is.
    if !takes || !is_xml(name) || request.headers().contains_key(header::CONTENT_ENCODING) {
        return Ok(request);
    }
    // Its parameters are judged where those of JSON are.
    let kind = match parameters {
        "" => "application/fhir+json".to_owned(),
        parameters => format!("application/fhir+json;{parameters}"),
    };
    let (mut parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let mut whole = Request::new(body);
    // Among them is how much may be read.
    *whole.extensions_mut() = parts.extensions.clone();
    *whole.headers_mut() = headers;
    let bytes = Bytes::from_request(whole, &())
        .await
        .map_err(|rejection| super::unread(&rejection))?;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::TRANSFER_ENCODING);
    // An operation may come without a body.
    let body = if bytes.iter().all(u8::is_ascii_whitespace) {
        Body::empty()
    } else {
        let read =
            tokio::task::spawn_blocking(move || xml::read(&bytes).map(|value| value.to_string()));
        let Ok(read) = read.await else {
            return Err(failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "exception",
                "the reading of the body broke down",
            ));
        };
        let text = read.map_err(|refusal| refuse(&outcome::refused(refusal)))?;
        Body::from(text)
    };
    let kind = HeaderValue::from_str(&kind)
        .unwrap_or_else(|_| HeaderValue::from_static("application/fhir+json"));
    parts.headers.insert(header::CONTENT_TYPE, kind);
    Ok(Request::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_that_is_liked_best() {
        let best = |text: &str| accepted([text].into_iter());
        for accept in [
            "application/fhir+json",
            "application/json; charset=utf-8",
            "*/*",
            "application/fhir+xml;q=0.5, application/fhir+json",
            "application/fhir+json; fhirVersion=4.0",
            "application/fhir+json, application/fhir+xml",
            "application/xml;q=0, */*",
            "application/fhir+xml; fhirVersion=5.0, */*;q=0.1",
        ] {
            assert_eq!(best(accept), Some(Format::Json), "{accept}");
        }
        for accept in [
            "application/fhir+xml",
            "text/xml",
            "application/fhir+xml, application/fhir+json;q=0.5",
            "application/fhir+xml, application/fhir+json",
            "application/fhir+xml, */*",
            "application/json;q=0, */*",
            // What browsers send.
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ] {
            assert_eq!(best(accept), Some(Format::Xml), "{accept}");
        }
        for accept in [
            "application/json;q=0",
            "application/fhir+json; fhirVersion=5.0",
            "application/fhir+xml; fhirVersion=5.0",
            "text/html",
            "",
        ] {
            assert_eq!(best(accept), None, "{accept}");
        }
    }

    #[test]
    fn formats_by_name() {
        assert_eq!(Format::named("application/fhir json"), Some(Format::Json));
        assert_eq!(Format::named("xml"), Some(Format::Xml));
        assert_eq!(Format::named("text/xml; charset=utf-8"), Some(Format::Xml));
        assert_eq!(Format::named("ttl"), None);
    }
}
