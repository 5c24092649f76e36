//! How an answer is to look: its format, laid out for eyes or not, whole or in part. One place
//! for every interaction; a request that asks for nothing of it gets the stored bytes untouched.
//!
//! FHIR R4 http.html#parameters (`_format`, `_pretty`), search.html#summary, #elements.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use kura_fhir::subset::{self, Part, Summary};
use kura_model::{Error, Result};
use serde_json::{Value, json};

use super::{failure, refuse};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pretty: bool,
    part: Option<Part>,
    /// The parameters again, for the links of a Bundle: its next page looks the same.
    again: Vec<String>,
}

impl Shape {
    /// # Errors
    /// A value that FHIR does not know. `_format` is not looked at here.
    pub(super) fn of(params: &[(String, String)]) -> Result<Self> {
        let mut shape = Self::default();
        let mut summary = None;
        let mut elements: Vec<String> = Vec::new();
        for (name, value) in params {
            match name.as_str() {
                "_pretty" => shape.pretty = value == "true",
                // `count` is no form of a resource: the search answers it.
                "_summary" if value == "count" || value.is_empty() => continue,
                "_summary" => {
                    summary = Some(Summary::of(value).ok_or_else(|| {
                        Error::invalid("_summary is true, text, data, count or false")
                            .coded("value")
                    })?);
                }
                "_elements" => elements.extend(
                    value
                        .split(',')
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned),
                ),
                _ => continue,
            }
            let plain = value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".,_-".contains(&byte));
            if plain {
                shape.again.push(format!("{name}={value}"));
            }
        }
        shape.part = if elements.is_empty() {
            summary
                .filter(|summary| *summary != Summary::False)
                .map(Part::Summary)
        } else {
            Some(Part::Elements(elements))
        };
        Ok(shape)
    }

    fn is_plain(&self) -> bool {
        !self.pretty && self.part.is_none()
    }

    /// Two sources of parameters, the URL and a form.
    fn and(self, other: Option<Shape>) -> Self {
        let Some(other) = other else { return self };
        Self {
            pretty: self.pretty || other.pretty,
            part: other.part.or(self.part),
            again: if other.again.is_empty() {
                self.again
            } else {
                other.again
            },
        }
    }

    fn apply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
        if let Some(part) = &self.part {
            subset::cut(&mut value, part);
        }
        self.link(&mut value);
        let written = if self.pretty {
            serde_json::to_vec_pretty(&value)
        } else {
            serde_json::to_vec(&value)
        };
        written.ok()
    }

    fn link(&self, value: &mut Value) {
        if value.get("resourceType") != Some(&json!("Bundle")) {
            return;
        }
        let Some(Value::Array(links)) = value.get_mut("link") else {
            return;
        };
        for link in links {
            let Some(Value::String(url)) = link.get_mut("url") else {
                continue;
            };
            for param in &self.again {
                let name = param.split_once('=').map_or("", |(name, _)| name);
                if !url.contains(&format!("{name}=")) {
                    if !url.contains('?') {
                        url.push('?');
                    } else if !url.ends_with('?') {
                        url.push('&');
                    }
                    url.push_str(param);
                }
            }
        }
    }
}

/// Whether we can write what a media type or a `_format` names. FHIR R4 http.html#mime-type.
fn writes(name: &str) -> bool {
    matches!(
        name.trim().to_ascii_lowercase().as_str(),
        "json"
            | "application/json"
            | "application/fhir+json"
            | "application/fhir json"
            | "application/json+fhir"
            | "text/json"
            | "*/*"
            | "application/*"
    )
}

/// Whether an Accept header lets us answer in JSON, FHIR 4.0. RFC 9110 section 12.5.1.
fn accepts(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            match name.trim() {
                "q" => value.parse::<f32>().is_ok_and(|quality| quality <= 0.0),
                // FHIR R4 http.html#version-parameter
                "fhirVersion" => value != "4.0",
                _ => false,
            }
        });
        writes(name) && !refused
    })
}

fn acceptable(params: &[(String, String)], headers: &HeaderMap) -> bool {
    // `_format` wins over the header.
    let format = params
        .iter()
        .find(|(name, value)| name == "_format" && !value.is_empty());
    if let Some((_, format)) = format {
        return writes(format.split(';').next().unwrap_or_default());
    }
    let mut accept = headers.get_all(header::ACCEPT).iter().peekable();
    accept.peek().is_none() || accept.any(|value| value.to_str().is_ok_and(accepts))
}

/// Middleware of every FHIR route.
pub(super) async fn shape(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let params = if query.contains('_') {
        match kura_service::decode_query(query) {
            Ok(params) => params,
            Err(error) => return refuse(&error),
        }
    } else {
        Vec::new()
    };
    if !acceptable(&params, request.headers()) {
        return failure(
            StatusCode::NOT_ACCEPTABLE,
            "not-supported",
            "this server writes FHIR R4 as JSON only: application/fhir+json",
        );
    }
    let shape = match Shape::of(&params) {
        Ok(shape) => shape,
        Err(error) => return refuse(&error),
    };
    let head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let shape = shape.and(response.extensions_mut().remove::<Shape>());
    let fhir = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| *kind == super::FHIR_JSON);
    if shape.is_plain() || !fhir {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Shaped or not, its length is told by the body; of a HEAD it is not known.
    parts.headers.remove(header::CONTENT_LENGTH);
    if head {
        return Response::from_parts(parts, body);
    }
    // Ours, and in memory already.
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            let shaped = shape.apply(&bytes).map_or(Body::from(bytes), Body::from);
            Response::from_parts(parts, shaped)
        }
        Err(_) => refuse(&Error::internal("an answer could not be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_we_write_and_others() {
        for accept in [
            "application/fhir+json",
            "application/json; charset=utf-8",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/fhir+xml, application/fhir+json;q=0.5",
            "application/fhir+json; fhirVersion=4.0",
        ] {
            assert!(accepts(accept), "{accept}");
        }
        for accept in [
            "application/fhir+xml",
            "application/json;q=0",
            "application/fhir+json; fhirVersion=5.0",
            "text/html",
        ] {
            assert!(!accepts(accept), "{accept}");
        }
        assert!(writes("json") && writes("application/fhir json") && !writes("xml"));
    }

    #[test]
    fn what_is_asked_for_goes_on_to_the_next_page() {
        let shape = Shape::of(&[("_summary".to_owned(), "true".to_owned())]).unwrap();
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": [
            {"relation": "self", "url": "http://h/fhir/Patient?_summary=true"},
            {"relation": "next", "url": "http://h/fhir/Patient?_page=00"}]});
        let shaped: Value =
            serde_json::from_slice(&shape.apply(bundle.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            shaped["link"][0]["url"],
            "http://h/fhir/Patient?_summary=true"
        );
        assert_eq!(
            shaped["link"][1]["url"],
            "http://h/fhir/Patient?_page=00&_summary=true"
        );
        assert!(Shape::of(&[("_summary".to_owned(), "some".to_owned())]).is_err());
    }
}
