//! What every request passes: a Host header that is ours (against DNS rebinding), and headers
//! that keep a page from running or leaking anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::cors::{Guest, Origins};

/// Who is let in.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) hosts: Hosts,
    pub(crate) origins: Origins,
    /// Over TLS.
    pub(crate) secure: bool,
}

/// What links in answers begin with: set here, whatever a client sends.
pub(crate) const SCHEME: &str = "x-kura-scheme";

/// `http://host` as this client sees it. The Host header was checked.
pub(crate) fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text(SCHEME).unwrap_or("http");
    let host = text(header::HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

#[derive(Clone)]
pub(crate) struct Hosts {
    /// `name:port`, and names that were configured.
    known: Arc<Vec<String>>,
    port: u16,
}

impl Hosts {
    pub(crate) fn new(configured: &[String], address: SocketAddr) -> Self {
        let port = address.port();
        let mut hosts = vec![
            address.to_string(),
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
        ];
        for host in configured {
            hosts.push(host.clone());
            hosts.push(format!("{host}:{port}"));
        }
        Self {
            known: Arc::new(hosts),
            port,
        }
    }

    fn knows(&self, host: &str) -> bool {
        self.known
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Some clients (dicomweb-client) name the host without its port: what they mean.
    fn with_port(&self, host: &str) -> Option<HeaderValue> {
        let whole = format!("{host}:{}", self.port);
        (!self.knows(host) && self.knows(&whole))
            .then(|| HeaderValue::from_str(&whole).ok())
            .flatten()
    }
}

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The same for a page that plays a video of ours.
pub(crate) const WITH_MEDIA: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A client of FHIR reads an OperationOutcome, anyone else the sentence.
fn refused(fhir: bool, status: StatusCode, what: &str) -> Response {
    if fhir {
        let outcome = kura_service::outcome("security", what);
        let kind = [(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")];
        (status, kind, outcome).into_response()
    } else {
        (status, format!("{what}\n")).into_response()
    }
}

pub(crate) async fn check(
    State(Gate {
        hosts,
        origins,
        secure,
    }): State<Gate>,
    mut request: Request,
    next: Next,
) -> Response {
    let scheme = if secure { "https" } else { "http" };
    request
        .headers_mut()
        .insert(SCHEME, HeaderValue::from_static(scheme));
    let named = request.headers().get(header::HOST);
    let meant = named
        .and_then(|host| host.to_str().ok())
        .and_then(|host| hosts.with_port(host));
    if let Some(whole) = meant {
        // Links in answers are made of it.
        request.headers_mut().insert(header::HOST, whole);
    }
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let fhir = request.uri().path().starts_with("/fhir");
    if !hosts.knows(host) {
        return refused(
            fhir,
            StatusCode::MISDIRECTED_REQUEST,
            "This server does not answer to that host name; add it to server.hosts.",
        );
    }
    let guest = origins.of(&request);
    if let Some(answer) = guest.as_ref().and_then(|guest| guest.preflight(&request)) {
        return finished(answer, &origins, guest.as_ref(), secure);
    }
    // A form on another site must not act for the person who is signed in here.
    if request.method() != Method::GET && request.method() != Method::HEAD {
        // `null` (a sandboxed frame) is foreign too.
        let foreign = request.headers().get(header::ORIGIN).is_some_and(|origin| {
            !origin
                .to_str()
                .ok()
                .and_then(|origin| origin.split_once("://"))
                .is_some_and(|(with, origin)| {
                    // Before a proxy of one's own the browser says https, and we do not.
                    (with == "https" || !secure) && hosts.knows(origin)
                })
        });
        let welcome = guest
            .as_ref()
            .is_some_and(|guest| guest.may(request.method()));
        if foreign && !welcome {
            let what = "This request came from another site.";
            let answer = refused(fhir, StatusCode::FORBIDDEN, what);
            return finished(answer, &origins, guest.as_ref(), secure);
        }
    }
    // The route's template: a path or a query may hold what identifies a patient.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).await;
    tracing::debug!(
        %method,
        route,
        status = response.status().as_u16(),
        micros = started.elapsed().as_micros() as u64,
        "answered"
    );
    finished(response, &origins, guest.as_ref(), secure)
}

/// An answer with what every answer says.
fn finished(
    mut response: Response,
    origins: &Origins,
    guest: Option<&Guest>,
    secure: bool,
) -> Response {
    let headers = response.headers_mut();
    if secure {
        // RFC 6797: from now on over TLS only.
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    // A page that brings its own style says so itself, and is stricter in all else.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(POLICY);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Nothing to other sites. `no-referrer` would make a browser send our own forms with
    // `Origin: null`, as a foreign frame does.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if origins.any() {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(guest) = guest {
        guest.let_read(headers);
    }
    // Records stay out of caches on disk; assets say otherwise themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
