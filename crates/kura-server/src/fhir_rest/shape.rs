//! How an answer is to look: its format, laid out for eyes or not, whole or in part. One place
//! for every interaction; a request that asks for nothing of it gets the stored bytes untouched.
//! Behind it everything is JSON: what comes as XML is JSON before a handler sees it.
//!
//! FHIR R4 http.html#parameters (`_format`, `_pretty`), search.html#summary, #elements.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use kura_fhir::subset::{self, Part, Summary};
use kura_fhir::xml::{self, Layout};
use kura_model::{Error, Refusal, Result};
use serde_json::{Value, json};

use super::format::{self, Format};
use super::{failure, refuse};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// What `_format` names, where it is one we write.
    format: Option<Format>,
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
                "_format" if shape.format.is_none() => {
                    shape.format = Format::named(value);
                    if shape.format == Some(Format::Xml) {
                        shape.again.push("_format=xml".to_owned());
                    }
                    continue;
                }
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
            format: other.format.or(self.format),
            pretty: self.pretty || other.pretty,
            part: other.part.or(self.part),
            again: if other.again.is_empty() {
                self.again
            } else {
                other.again
            },
        }
    }

    /// # Errors
    /// The resource cannot be XML.
    fn apply(&self, bytes: &[u8], format: Format) -> std::result::Result<Option<Vec<u8>>, Refusal> {
        let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
            return Ok(None);
        };
        if let Some(part) = &self.part {
            subset::cut(&mut value, part);
        }
        self.link(&mut value);
        let written = match (format, self.pretty) {
            (Format::Xml, true) => return xml::write(&value, Layout::Pretty).map(Some),
            (Format::Xml, false) => return xml::write(&value, Layout::Compact).map(Some),
            (Format::Json, true) => serde_json::to_vec_pretty(&value),
            (Format::Json, false) => serde_json::to_vec(&value),
        };
        Ok(written.ok())
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

/// Middleware of every FHIR route.
pub(super) async fn shape(request: Request, next: Next) -> Response {
    let head = request.method() == Method::HEAD;
    let reads =
        head || request.method() == Method::GET || request.uri().path().ends_with("/_search");
    let query = request.uri().query().unwrap_or_default();
    let params = if query.contains('_') {
        match kura_service::decode_query(query) {
            Ok(params) => params,
            Err(error) => return refuse(&error),
        }
    } else {
        Vec::new()
    };
    let Some(accepted) = format::acceptable(&params, request.headers()) else {
        return failure(
            StatusCode::NOT_ACCEPTABLE,
            "not-supported",
            "this server writes FHIR R4 as JSON and XML: application/fhir+json, application/fhir+xml",
        );
    };
    let (shape, mut response) = match Shape::of(&params) {
        Ok(shape) => match format::as_json(request).await {
            Ok(request) => (shape, next.run(request).await),
            Err(refused) => (shape, refused),
        },
        Err(error) => (Shape::default(), refuse(&error)),
    };
    let form = response.extensions_mut().remove::<Shape>();
    let format = form
        .as_ref()
        .and_then(|form| form.format)
        .unwrap_or(accepted);
    let shape = shape.and(form);
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("accept"));
    let fhir = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| *kind == super::FHIR_JSON);
    if shape.is_plain() && format == Format::Json || !fhir {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Shaped or not, its length is told by the body; of a HEAD it is not known.
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = match format {
        Format::Xml => format::FHIR_XML,
        Format::Json => super::FHIR_JSON,
    };
    if head {
        parts.headers.insert(header::CONTENT_TYPE, kind);
        return Response::from_parts(parts, body);
    }
    // Ours, and in memory already.
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return refuse(&Error::internal("an answer could not be read"));
    };
    match shape.apply(&bytes, format) {
        Ok(Some(shaped)) => {
            parts.headers.insert(header::CONTENT_TYPE, kind);
            Response::from_parts(parts, Body::from(shaped))
        }
        Err(refusal) if reads => format::no_xml(&refusal),
        // What was written is written: it is told, in JSON.
        Ok(None) | Err(_) => Response::from_parts(parts, Body::from(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_goes_on_to_the_next_page() {
        let shape = Shape::of(&[("_summary".to_owned(), "true".to_owned())]).unwrap();
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": [
            {"relation": "self", "url": "http://h/fhir/Patient?_summary=true"},
            {"relation": "next", "url": "http://h/fhir/Patient?_page=00"}]});
        let shaped: Value = serde_json::from_slice(
            &shape
                .apply(bundle.to_string().as_bytes(), Format::Json)
                .unwrap()
                .unwrap(),
        )
        .unwrap();
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
