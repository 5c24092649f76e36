//! DICOMweb, read side: QIDO-RS and WADO-RS. PS3.18 clauses 8 and 10.

mod multipart;

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::dicom_read::{self, Level, Object, Picture, Search, Target};

use crate::{App, error};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        // 10.6 search
        .route("/studies", get(search))
        .route("/series", get(search))
        .route("/instances", get(search))
        .route("/studies/{study}/series", get(search))
        .route("/studies/{study}/instances", get(search))
        .route("/studies/{study}/series/{series}/instances", get(search))
        // 10.4 retrieve
        .route("/studies/{study}", get(retrieve))
        .route("/studies/{study}/series/{series}", get(retrieve))
        .route(
            "/studies/{study}/series/{series}/instances/{instance}",
            get(retrieve),
        )
        .route("/studies/{study}/metadata", get(metadata))
        .route("/studies/{study}/series/{series}/metadata", get(metadata))
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/metadata",
            get(metadata),
        )
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/rendered",
            get(rendered),
        )
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/frames/{frame}/rendered",
            get(rendered),
        )
        .route(
            "/studies/{study}/series/{series}/instances/{instance}/thumbnail",
            get(thumbnail),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
}

const DICOM_JSON: HeaderValue = HeaderValue::from_static("application/dicom+json");

fn refuse(failure: &Error) -> Response {
    error::log(failure);
    let status = match failure.category {
        // 8.7.4: a representation that cannot be made is Not Acceptable
        Category::Unsupported => StatusCode::NOT_ACCEPTABLE,
        category => error::status(category),
    };
    (
        status,
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        )],
        format!("{}\n", failure.message()),
    )
        .into_response()
}

fn not_acceptable(message: &'static str) -> Error {
    Error::new(Category::Unsupported, message)
}

/// One media range of an Accept header. 8.7.5.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MediaRange {
    media_type: String,
    parameters: Vec<(String, String)>,
}

impl MediaRange {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The Accept header, or `accept` of the query (8.3.3.1), which wins; `*/*` where neither is.
fn accepted(headers: &HeaderMap, query: Option<&str>) -> Result<Vec<MediaRange>> {
    let asked = params(query)?
        .into_iter()
        .find(|(name, _)| name == "accept")
        .map(|(_, value)| value);
    let lines: Vec<String> = match asked {
        Some(value) => vec![value],
        None => headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect(),
    };
    let ranges: Vec<MediaRange> = lines
        .iter()
        .flat_map(|line| line.split(','))
        .filter(|range| !range.trim().is_empty())
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            MediaRange {
                media_type: parts.next().unwrap_or_default().to_ascii_lowercase(),
                parameters: parts
                    .filter_map(|part| part.split_once('='))
                    .map(|(name, value)| {
                        (
                            name.trim().to_ascii_lowercase(),
                            value.trim().trim_matches('"').to_owned(),
                        )
                    })
                    .collect(),
            }
        })
        .collect();
    Ok(if ranges.is_empty() {
        vec![MediaRange {
            media_type: "*/*".to_owned(),
            parameters: Vec::new(),
        }]
    } else {
        ranges
    })
}

fn params(query: Option<&str>) -> Result<Vec<(String, String)>> {
    kura_service::decode_query(query.unwrap_or_default())
}

/// Where DICOMweb lies, as this client sees it. The Host header was checked.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    format!("http://{host}/dicom-web")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("the request broke down").because(error)),
    }
}

/// UIDs of a path, by position.
type Uids = Path<Vec<(String, String)>>;

fn uid<'a>(uids: &'a Uids, name: &str) -> Option<&'a str> {
    uids.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn target(uids: &Uids) -> Target {
    Target {
        study: uid(uids, "study").unwrap_or_default().to_owned(),
        series: uid(uids, "series").map(str::to_owned),
        instance: uid(uids, "instance").map(str::to_owned),
    }
}

async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let level = match path.rsplit('/').next() {
        Some("studies") => Level::Study,
        Some("series") => Level::Series,
        _ => Level::Instance,
    };
    let work = || -> Result<Search> {
        json_accepted(&headers, query.as_deref())?;
        Ok(Search {
            level,
            study: uid(&uids, "study").map(str::to_owned),
            series: uid(&uids, "series").map(str::to_owned),
            params: params(query.as_deref())?
                .into_iter()
                .filter(|(name, _)| name != "accept")
                .collect(),
            base: base(&headers),
        })
    };
    let search = match work() {
        Ok(search) => search,
        Err(error) => return refuse(&error),
    };
    let service = search.base.clone();
    let found = match blocking(move || dicom_read::search(&app.bank, &context, &search)).await {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let mut response = if found.datasets.is_empty() {
        // 8.3.4.4 and Table 10.6.3-2: nothing found is No Content
        StatusCode::NO_CONTENT.into_response()
    } else {
        json(&found.datasets)
    };
    let mut warn = |text: &str| {
        if let Ok(value) = HeaderValue::from_str(&format!("299 {service}: {text}")) {
            response.headers_mut().append(header::WARNING, value);
        }
    };
    // 8.3.4.4 and 8.3.4.2, in the words the standard gives.
    if found.more {
        warn("There are additional results that can be requested");
    }
    if found.not_fuzzy {
        warn(
            "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
        );
    }
    response
}

fn json(datasets: &[serde_json::Value]) -> Response {
    match serde_json::to_vec(datasets) {
        Ok(body) => ([(header::CONTENT_TYPE, DICOM_JSON)], body).into_response(),
        Err(error) => refuse(&Error::internal("the answer cannot be written").because(error)),
    }
}

fn json_accepted(headers: &HeaderMap, query: Option<&str>) -> Result<()> {
    let fits = accepted(headers, query)?.iter().any(|range| {
        matches!(
            range.media_type.as_str(),
            "*/*" | "application/*" | "application/json" | "application/dicom+json"
        )
    });
    if fits {
        Ok(())
    } else {
        Err(not_acceptable(
            "this is answered as application/dicom+json only",
        ))
    }
}

async fn metadata(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = json_accepted(&headers, query.as_deref()) {
        return refuse(&error);
    }
    let target = target(&uids);
    match blocking(move || dicom_read::metadata(&app.bank, &context, &target)).await {
        Ok(datasets) => json(&datasets),
        Err(error) => refuse(&error),
    }
}

/// How objects are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Multipart,
    /// One object by itself.
    Single,
}

/// Whether the caller takes objects as they lie here, and how. Nothing is transcoded yet; so a
/// transfer syntax asked for is either the stored one or Not Acceptable. 8.7.3.5.2.
fn form(ranges: &[MediaRange], objects: &[Object]) -> Result<Form> {
    let mut stored_otherwise = false;
    for range in ranges {
        let form = match range.media_type.as_str() {
            "*/*" => Form::Multipart,
            "multipart/related" | "multipart/*" => {
                let kind = range.parameter("type").unwrap_or("application/dicom");
                if !matches!(kind, "application/dicom" | "*/*" | "application/*") {
                    continue;
                }
                Form::Multipart
            }
            "application/dicom" | "application/*" if objects.len() == 1 => Form::Single,
            _ => continue,
        };
        let fits = match range.parameter("transfer-syntax") {
            None | Some("*") => true,
            Some(wanted) => objects
                .iter()
                .all(|object| object.transfer_syntax_uid == wanted),
        };
        if fits {
            return Ok(form);
        }
        stored_otherwise = true;
    }
    Err(not_acceptable(if stored_otherwise {
        "stored in another transfer syntax; ask for transfer-syntax=* to get it as it is"
    } else {
        "objects are sent as multipart/related; type=\"application/dicom\""
    }))
}

async fn retrieve(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let target = target(&uids);
    let found = blocking(move || {
        let ranges = accepted(&headers, query.as_deref())?;
        let objects = dicom_read::retrieve(&app.bank, &context, &target)?;
        form(&ranges, &objects).map(|form| (form, objects))
    })
    .await;
    match found {
        Ok((form, objects)) => match form {
            Form::Multipart => multipart::send(objects),
            Form::Single => multipart::send_one(objects),
        },
        Err(error) => refuse(&error),
    }
}

/// 10.4.1.1.3: `window=center,width[,function]` and `viewport=width,height`.
async fn rendered(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    picture(app, context, uids, query, headers, None).await
}

/// 10.4.1.1.4
async fn thumbnail(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    picture(app, context, uids, query, headers, Some(128)).await
}

async fn picture(
    app: App,
    context: RequestContext,
    uids: Uids,
    query: Option<String>,
    headers: HeaderMap,
    side: Option<u32>,
) -> Response {
    let asked = || -> Result<_> {
        let kind = accepted(&headers, query.as_deref())?
            .iter()
            .find_map(|range| match range.media_type.as_str() {
                // Table 8.7.4-1: JPEG is the default
                "*/*" | "image/*" | "image/jpeg" => Some(Picture::Jpeg),
                "image/png" => Some(Picture::Png),
                _ => None,
            })
            .ok_or_else(|| not_acceptable("pictures are image/jpeg or image/png"))?;
        let mut side = side;
        let mut window = None;
        for (name, value) in params(query.as_deref())? {
            let numbers: Vec<f64> = value
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect();
            match (name.as_str(), &numbers[..]) {
                ("window", [center, width]) if *width > 0.0 => window = Some((*center, *width)),
                ("viewport", [width, height]) if *width >= 1.0 && *height >= 1.0 => {
                    side = Some(width.max(*height).min(f64::from(u16::MAX)) as u32);
                }
                ("window" | "viewport", _) => {
                    return Err(Error::invalid(
                        "window takes center,width and viewport takes width,height",
                    ));
                }
                _ => {}
            }
        }
        let frame = match uid(&uids, "frame") {
            None => 1,
            Some(number) => number
                .parse::<u32>()
                .map_err(|_| Error::invalid("a frame is named by its number, from 1"))?,
        };
        Ok((kind, side, window, frame))
    };
    let (kind, side, window, frame) = match asked() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let target = target(&uids);
    let made = blocking(move || {
        dicom_read::rendered(&app.bank, &context, &target, frame, window, side, kind)
    })
    .await;
    let media_type = match kind {
        Picture::Jpeg => HeaderValue::from_static("image/jpeg"),
        Picture::Png => HeaderValue::from_static("image/png"),
    };
    match made {
        Ok(bytes) => ([(header::CONTENT_TYPE, media_type)], Body::from(bytes)).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn unknown(_: Request) -> Response {
    refuse(&Error::not_found("there is nothing under this address"))
}

async fn not_allowed(_: Request) -> Response {
    let mut response = refuse(&Error::invalid(
        "DICOMweb is read-only for now; objects come in by C-STORE or import",
    ));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
