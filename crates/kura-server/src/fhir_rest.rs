//! FHIR R4 RESTful API. <https://hl7.org/fhir/R4/http.html>

mod asynchronous;
mod changes;
mod endpoint;
mod endpoints;
mod format;
mod import;
mod openapi;
mod operations;
mod shape;
mod terminology;
mod validate;
mod view_definition;
mod write;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use kura_model::{Error, RequestContext, Result};
use kura_service::fhir_read::{self, Answer};
use kura_service::fhir_search;
use kura_service::fhir_write::Tags;
use kura_service::history::{self, Scope};
use kura_service::terminology_service::OPERATIONS;
use serde::de::DeserializeOwned;

use self::endpoint::Serve;
use crate::{App, error, guard};

/// Method and path of all that is served here.
pub(crate) fn addresses() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = endpoints::ALL
        .iter()
        .map(|endpoint| {
            let path = match endpoint.path {
                whole if whole.starts_with("/fhir") => whole.to_owned(),
                "/" => "/fhir".to_owned(),
                path => format!("/fhir{path}"),
            };
            (endpoint.method.key().to_uppercase(), path)
        })
        .collect();
    for operation in &OPERATIONS {
        for path in [false, true]
            .into_iter()
            .filter(|instance| !instance || operation.of_instance)
            .map(|instance| operation.path(instance))
        {
            all.push(("GET".to_owned(), format!("/fhir{path}")));
            all.push(("POST".to_owned(), format!("/fhir{path}")));
        }
    }
    all
}

/// Everything under `/fhir`; `request_bytes` is the largest body that is read.
pub(crate) fn routes(request_bytes: u64) -> Router<App> {
    // Some clients end the base with a slash.
    let slash = Router::new().serve(&endpoints::BUNDLE_SLASH, write::bundle);
    Router::new()
        .nest(
            "/fhir",
            layered(interactions(), request_bytes)
                .merge(sized(
                    asynchronous::routes()
                        .merge(view_definition::routes())
                        .serve(&endpoints::OPENAPI, openapi::openapi),
                    request_bytes,
                ))
                // Lines may be longer than a request: they go to disk.
                .merge(import::routes()),
        )
        .merge(layered(
            slash.method_not_allowed_fallback(not_allowed),
            request_bytes,
        ))
}

/// Answers in the form the client asks for.
fn layered(router: Router<App>, request_bytes: u64) -> Router<App> {
    sized(
        router.layer(axum::middleware::from_fn(shape::shape)),
        request_bytes,
    )
}

fn sized(router: Router<App>, request_bytes: u64) -> Router<App> {
    router
        .layer(DefaultBodyLimit::max(
            usize::try_from(request_bytes).unwrap_or(usize::MAX),
        ))
        .layer(tower_http::compression::CompressionLayer::new())
}

fn interactions() -> Router<App> {
    Router::new()
        .serve(&endpoints::BUNDLE, write::bundle)
        .serve(&endpoints::METADATA, metadata)
        .serve(&endpoints::HISTORY_SYSTEM, history_system)
        .serve(&endpoints::CHANGES, changes::changes)
        .merge(operations::routes())
        .merge(terminology::routes())
        .serve(&endpoints::VALIDATE, validate::kind)
        .serve(&endpoints::VALIDATE_INSTANCE, validate::instance)
        .serve(&endpoints::VALIDATE_INSTANCE_SENT, validate::instance_sent)
        .serve(&endpoints::SEARCH, search)
        .serve(&endpoints::CREATE, write::create)
        .serve(&endpoints::UPDATE_CONDITIONAL, write::update_conditional)
        .serve(&endpoints::PATCH_CONDITIONAL, write::patch_conditional)
        .serve(&endpoints::DELETE_CONDITIONAL, write::delete_conditional)
        .serve(&endpoints::HISTORY_TYPE, history_type)
        .serve(&endpoints::SEARCH_POST, search_post)
        .serve(&endpoints::SEARCH_GET, search)
        .serve(&endpoints::READ, read)
        .serve(&endpoints::UPDATE, write::update)
        .serve(&endpoints::PATCH, write::patch)
        .serve(&endpoints::DELETE, write::delete)
        .serve(&endpoints::HISTORY, history)
        .serve(&endpoints::VREAD, vread)
        .serve(&endpoints::SEARCH_WITHIN, search_within)
        .serve(&endpoints::SEARCH_WITHIN_POST, search_within_post)
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
}

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
}

/// An error that is of the wire alone.
fn failure(status: StatusCode, code: &str, what: &str) -> Response {
    json(status, kura_service::outcome(code, what).into_bytes())
}

/// A body that could not be read, most often because it is too large.
fn unread(rejection: &BytesRejection) -> Response {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            "the body is larger than fhir.request_bytes",
        )
    } else {
        failure(
            StatusCode::BAD_REQUEST,
            "incomplete",
            "the body did not arrive whole",
        )
    }
}

/// What stands in the address. One that is not UTF-8 is refused as FHIR refuses.
struct Path<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(found)) => Ok(Self(found)),
            Err(_) => Err(refuse(&Error::invalid("the address cannot be read"))),
        }
    }
}

/// RFC 7240: preferences, of several headers or one, without spaces.
fn preferences(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .map(str::trim)
}

fn refuse(error: &Error) -> Response {
    error::log(error);
    let body = kura_service::outcome_of(error).into_bytes();
    json(error::status(error.category), body)
}

fn respond(result: Result<Vec<u8>>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => refuse(&error),
    }
}

/// Version and time of a resource. FHIR R4 http.html#versioning.
fn stamp(response: &mut Response, version: u64, last_updated: i64) {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(date) = HeaderValue::from_str(&kura_service::http_date(last_updated)) {
        headers.insert(header::LAST_MODIFIED, date);
    }
}

/// Whether the client has this version. FHIR R4 http.html#cread; RFC 7232 section 6: the tag wins
/// over the date.
fn known(answer: &Answer, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        return Tags::parse(tags).has(answer.version);
    }
    text(header::IF_MODIFIED_SINCE)
        .and_then(kura_service::parse_http_date)
        .is_some_and(|since| answer.last_updated / 1000 <= since / 1000)
}

fn one(result: Result<Answer>, headers: &HeaderMap) -> Response {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => return refuse(&error),
    };
    let (version, last_updated) = (answer.version, answer.last_updated);
    let mut response = if known(&answer, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(StatusCode::OK, answer.body)
    };
    stamp(&mut response, version, last_updated);
    response
}

/// The URL FHIR is served under, as this client sees it. The Host header was checked.
fn base(headers: &HeaderMap) -> String {
    format!("{}/fhir", guard::origin(headers))
}

fn params(query: Option<&str>) -> Result<Vec<(String, String)>> {
    kura_service::decode_query(query.unwrap_or_default())
}

async fn metadata(State(app): State<App>, headers: HeaderMap) -> Response {
    respond(
        fhir_search::capabilities(&app.bank, &base(&headers))
            .map(|statement| statement.to_string().into_bytes()),
    )
}

// Reads take microseconds: handing them to another thread would cost more than they do.
async fn read(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    one(fhir_read::read(&app.bank, &context, &kind, &id), &headers)
}

async fn vread(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    one(
        fhir_read::vread(&app.bank, &context, &kind, &id, &version),
        &headers,
    )
}

async fn history(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    run_history(app, context, Some((kind, Some(id))), query, headers).await
}

async fn history_type(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    run_history(app, context, Some((kind, None)), query, headers).await
}

async fn history_system(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    run_history(app, context, None, query, headers).await
}

async fn run_history(
    app: App,
    context: RequestContext,
    of: Option<(String, Option<String>)>,
    query: Option<String>,
    headers: HeaderMap,
) -> Response {
    let work = move || {
        let params = params(query.as_deref())?;
        let scope = match &of {
            None => Scope::System,
            Some((kind, None)) => Scope::Type(kind),
            Some((kind, Some(id))) => Scope::Instance(kind, id),
        };
        history::history(&app.bank, &context, &base(&headers), scope, &params)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => respond(result),
        Err(_) => refuse(&Error::internal("the history broke down")),
    }
}

async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        kind,
        within: None,
        query: query.unwrap_or_default(),
        shown: true,
    };
    run_search(app, context, asked, headers).await
}

/// FHIR R4 http.html#vsearch: in a compartment.
async fn search_within(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((of, id, kind)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        kind,
        within: Some((of, id)),
        query: query.unwrap_or_default(),
        shown: true,
    };
    run_search(app, context, asked, headers).await
}

/// FHIR R4 http.html#search: the way that keeps parameters out of URLs.
async fn search_post(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    posted(app, context, kind, None, query, headers, body).await
}

async fn search_within_post(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((of, id, kind)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    posted(app, context, kind, Some((of, id)), query, headers, body).await
}

async fn posted(
    app: App,
    context: RequestContext,
    kind: String,
    within: Option<(String, String)>,
    query: Option<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    if !body.is_empty() && !is_form(&headers) {
        return failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "the body has to be application/x-www-form-urlencoded",
        );
    }
    let Ok(body) = std::str::from_utf8(&body) else {
        return refuse(&Error::invalid("the form is not UTF-8"));
    };
    let query = match query {
        Some(query) => format!("{query}&{body}"),
        None => body.to_owned(),
    };
    let shape = params(Some(body)).and_then(|params| shape::Shape::of(&params));
    let asked = Asked {
        kind,
        within,
        query,
        shown: false,
    };
    let mut response = run_search(app, context, asked, headers).await;
    match shape {
        Ok(shape) => {
            response.extensions_mut().insert(shape);
            response
        }
        Err(error) => refuse(&error),
    }
}

/// Whether a body is a form, or does not say what it is.
fn is_form(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.to_str().unwrap_or_default();
        let name = kind.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// A search as it came.
struct Asked {
    kind: String,
    within: Option<(String, String)>,
    query: String,
    /// The parameters stood in the URL.
    shown: bool,
}

impl Asked {
    fn request<'a>(
        &'a self,
        base: &'a str,
        params: &'a [(String, String)],
        strict: bool,
    ) -> fhir_search::Request<'a> {
        fhir_search::Request {
            base,
            kind: &self.kind,
            within: self
                .within
                .as_ref()
                .map(|(of, id)| (of.as_str(), id.as_str())),
            params,
            shown: self.shown,
            strict,
        }
    }
}

async fn run_search(
    app: App,
    context: RequestContext,
    asked: Asked,
    headers: HeaderMap,
) -> Response {
    let params = match params(Some(&asked.query)) {
        Ok(params) => params,
        Err(error) => return refuse(&error),
    };
    // FHIR R4 search.html#errors
    let strict = preferences(&headers).any(|preference| preference == "handling=strict");
    let base = base(&headers);
    // Most searches are done sooner than another thread is awake.
    match fhir_search::search_briefly(&app.bank, &context, asked.request(&base, &params, strict)) {
        Ok(Some(found)) => return respond(Ok(found)),
        Ok(None) => {}
        Err(error) => return refuse(&error),
    }
    let turns = app.turns.clone();
    let _turn = turns.next().await;
    let work =
        move || fhir_search::search(&app.bank, &context, asked.request(&base, &params, strict));
    // A search may walk far: it must not hold up the reads of others.
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => respond(result),
        Err(_) => refuse(&Error::internal("the search broke down")),
    }
}

async fn unknown(_: Request) -> Response {
    refuse(&Error::not_found("there is nothing under this address"))
}

async fn not_allowed(_: Request) -> Response {
    failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "not-supported",
        "this address does not know that method",
    )
}
