//! The writing interactions on the wire. FHIR R4 http.html.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_fhir::patch::Language;
use kura_model::{Error, RequestContext, Result};
use kura_service::fhir_write::{self, Condition, Returning, Tags, What, Written};

use super::{Path, base, failure, json, params, preferences, refuse, stamp};
use crate::App;

pub(super) type Body = Result<Bytes, BytesRejection>;

/// What a writing request says besides its body.
struct Wire {
    base: String,
    condition: Condition,
    if_none_exist: Option<String>,
    /// `None`: the client does not say.
    returning: Option<Returning>,
}

impl Wire {
    #[expect(
        clippy::result_large_err,
        reason = "an answer either way, once a request"
    )]
    fn of(headers: &HeaderMap) -> Result<Self, Response> {
        // A condition that cannot be read is not left out: something would be written over.
        let text = |name: &str| match headers.get(name) {
            None => Ok(None),
            Some(value) => std::str::from_utf8(value.as_bytes())
                .map(Some)
                .map_err(|_| {
                    let what = format!("the header {name} is not UTF-8");
                    refuse(&Error::invalid(what).coded("value"))
                }),
        };
        let returning = preferences(headers).find_map(|preference| {
            Some(match preference {
                "return=minimal" => Returning::Minimal,
                "return=representation" => Returning::Representation,
                "return=OperationOutcome" => Returning::OperationOutcome,
                _ => return None,
            })
        });
        Ok(Self {
            base: base(headers),
            condition: Condition {
                if_match: text("if-match")?.map(Tags::parse),
                if_none_match: text("if-none-match")?.map(Tags::parse),
                if_unmodified_since: text("if-unmodified-since")?
                    .and_then(kura_service::parse_http_date),
            },
            if_none_exist: text("if-none-exist")?.map(str::to_owned),
            returning,
        })
    }

    fn answer(&self, app: &App, written: Written) -> Response {
        app.arrivals.tell(&written.key.kind, written.what);
        let returning = self.returning.unwrap_or(Returning::Representation);
        let status = match written.what {
            What::Created => StatusCode::CREATED,
            What::Updated | What::Unchanged | What::Found => StatusCode::OK,
            // 200 where there is something to say. FHIR R4 http.html#delete
            What::Deleted | What::Absent if returning == Returning::OperationOutcome => {
                StatusCode::OK
            }
            What::Deleted | What::Absent => StatusCode::NO_CONTENT,
        };
        let body = match returning {
            Returning::OperationOutcome => written.outcome().to_string().into_bytes(),
            Returning::Minimal => Vec::new(),
            Returning::Representation => written.body,
        };
        let mut response = if body.is_empty() {
            status.into_response()
        } else {
            json(status, body)
        };
        if written.version > 0 {
            stamp(&mut response, written.version, written.last_updated);
        }
        if matches!(written.what, What::Created | What::Found) {
            let place = format!("{}/{}/_history/{}", self.base, written.key, written.version);
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(header::LOCATION, place);
            }
        }
        response
    }
}

/// Bytes of a body of one of these media types.
#[expect(
    clippy::result_large_err,
    reason = "an answer either way, once a request"
)]
pub(super) fn take(headers: &HeaderMap, body: Body, kinds: &[&str]) -> Result<Bytes, Response> {
    let unsupported = |what: &str| {
        let mut response = failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported", what);
        if let Ok(kinds) = HeaderValue::from_str(&kinds.join(", ")) {
            // RFC 5789 section 2.2, RFC 9110 section 15.5.16
            response.headers_mut().insert(header::ACCEPT, kinds);
        }
        response
    };
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(unsupported("a body comes as it is, not compressed"));
    }
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let mut parts = named.split(';');
    let kind = parts.next().unwrap_or_default().trim();
    if !kinds.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(unsupported(&format!(
            "the body has to be {}",
            kinds.first().copied().unwrap_or_default()
        )));
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        let fits = match name.trim().to_ascii_lowercase().as_str() {
            // FHIR R4 json.html: UTF-8 only
            "charset" => value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"),
            "fhirversion" => value == "4.0",
            _ => true,
        };
        if !fits {
            return Err(unsupported("FHIR R4 in UTF-8 is taken, nothing else"));
        }
    }
    body.map_err(|rejection| super::unread(&rejection))
}

pub(super) const FHIR: &[&str] = &[
    "application/fhir+json",
    "application/json",
    "application/json+fhir",
];
/// JSON Patch, and FHIRPath Patch as a Parameters. FHIR R4 http.html#patch.
const PATCH: &[&str] = &[
    "application/json-patch+json",
    "application/fhir+json",
    "application/json+fhir",
];

/// Of one of the media types of a patch.
fn language(headers: &HeaderMap) -> Language {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(PATCH[0]) {
        Language::Json
    } else {
        Language::FhirPath
    }
}

/// Runs a write on a thread that may wait for the disk.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, Response> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(refuse(&error)),
        Err(_) => Err(refuse(&Error::internal("the write broke down"))),
    }
}

pub(super) fn either(result: Result<Response, Response>) -> Response {
    result.unwrap_or_else(|refused| refused)
}

pub(super) async fn create(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, FHIR)?;
            let bank = app.bank.clone();
            let criteria = wire.if_none_exist.clone();
            let written = run(move || {
                // `Type?` in front is what some clients send.
                let criteria = criteria
                    .as_deref()
                    .map(|text| text.split_once('?').map_or(text, |(_, after)| after))
                    .map(|text| params(Some(text)))
                    .transpose()?;
                fhir_write::create(&bank, &context, &kind, &body, criteria)
            })
            .await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn update(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, FHIR)?;
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let written =
                run(move || fhir_write::update(&bank, &context, &kind, &id, &body, &condition))
                    .await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn update_conditional(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, FHIR)?;
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let written = run(move || {
                let criteria = params(query.as_deref())?;
                fhir_write::update_conditional(&bank, &context, &kind, criteria, &body, &condition)
            })
            .await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn patch(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, PATCH)?;
            let language = language(&headers);
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let written = run(move || {
                fhir_write::patch(&bank, &context, &kind, &id, (&body, language), &condition)
            })
            .await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn patch_conditional(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, PATCH)?;
            let language = language(&headers);
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let written = run(move || {
                let criteria = params(query.as_deref())?;
                fhir_write::patch_conditional(
                    &bank,
                    &context,
                    &kind,
                    criteria,
                    (&body, language),
                    &condition,
                )
            })
            .await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn delete(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let written =
                run(move || fhir_write::delete(&bank, &context, &kind, &id, &condition)).await?;
            Ok(wire.answer(&app, written))
        }
        .await,
    )
}

pub(super) async fn delete_conditional(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let (bank, condition) = (app.bank.clone(), wire.condition.clone());
            let gone = run(move || {
                let criteria = params(query.as_deref())?;
                fhir_write::delete_conditional(&bank, &context, &kind, criteria, &condition)
            })
            .await?;
            for written in &gone {
                app.arrivals.tell(&written.key.kind, written.what);
            }
            Ok(if wire.returning == Some(Returning::OperationOutcome) {
                let told = format!("{} deleted", gone.len());
                let outcome = kura_fhir::outcome::single("information", "informational", &told);
                json(StatusCode::OK, outcome.to_string().into_bytes())
            } else {
                StatusCode::NO_CONTENT.into_response()
            })
        }
        .await,
    )
}

/// POST to the base: `batch` and `transaction`.
pub(super) async fn bundle(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let wire = Wire::of(&headers)?;
            let body = take(&headers, body, FHIR)?;
            let bank = app.bank.clone();
            let base = wire.base.clone();
            let returning = wire.returning.unwrap_or(Returning::Minimal);
            let answer =
                run(move || fhir_write::bundle(&bank, &context, &base, &body, returning)).await?;
            // What it wrote is not looked at once more: as if there were a patient among it.
            app.arrivals.tell("Patient", What::Updated);
            Ok(json(StatusCode::OK, answer))
        }
        .await,
    )
}
