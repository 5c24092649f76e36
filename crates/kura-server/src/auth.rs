//! Who is asking: a session cookie or HTTP Basic; the one user of a bank without accounts.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Actor, ContentHash, PurposeOfUse, RequestContext, Role};
use kura_service::accounts;
use kura_service::timeline::document::base64;

use crate::App;

/// What the server is and how it is asked, nobody has to sign in for.
const OPEN: [&str; 2] = ["/fhir/metadata", "/fhir/openapi.json"];

pub(crate) const COOKIE: &str = "kura_session";

/// What has been verified lately: argon2 takes a tenth of a second, by design.
#[derive(Default)]
pub(crate) struct Auth {
    verified: Mutex<HashMap<ContentHash, (RequestContext, Instant)>>,
    accounts: Mutex<Option<(bool, Instant)>>,
}

const KEPT: Duration = Duration::from_secs(60);
/// Verified callers kept.
const KEPT_AT_MOST: usize = 1000;

impl Auth {
    /// Whether people must sign in; asked of the bank once a second.
    pub(crate) fn sign_in_needed(&self, app: &App) -> bool {
        let mut known = self
            .accounts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((needed, since)) = *known
            && since.elapsed() < Duration::from_secs(1)
        {
            return needed;
        }
        // If the bank cannot say, nobody is let in unasked.
        let needed = accounts::sign_in_needed(&app.bank).unwrap_or(true);
        *known = Some((needed, Instant::now()));
        needed
    }

    fn cached(&self, proof: ContentHash) -> Option<RequestContext> {
        let map = self
            .verified
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        map.get(&proof)
            .filter(|(_, since)| since.elapsed() < KEPT)
            .map(|(context, _)| context.clone())
    }

    fn remember(&self, proof: ContentHash, context: &RequestContext) {
        let mut map = self
            .verified
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= KEPT_AT_MOST {
            map.clear();
        }
        map.insert(proof, (context.clone(), Instant::now()));
    }

    /// Forgets everyone: after a sign-out.
    pub(crate) fn forget(&self) {
        self.verified
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clear();
    }
}

/// Puts the caller's [`RequestContext`] into the request, or turns them away.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let open = path == "/sign-in" || path.starts_with("/assets/") || OPEN.contains(&path);
    if !app.auth.sign_in_needed(&app) {
        request.extensions_mut().insert(RequestContext::new(
            Actor {
                name: "single-user".to_owned(),
                role: Role::SingleUser,
            },
            PurposeOfUse::Treatment,
        ));
        return next.run(request).await;
    }
    match who(&app, request.headers()).await {
        Some(context) => {
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        None if open => next.run(request).await,
        None if path.starts_with("/fhir") || path.starts_with("/dicom-web") => {
            let outcome = kura_service::outcome("login", "sign in first");
            let mut response = (StatusCode::UNAUTHORIZED, outcome).into_response();
            let headers = response.headers_mut();
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"Kura\", charset=\"UTF-8\""),
            );
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/fhir+json; charset=utf-8"),
            );
            response
        }
        None => Redirect::to("/sign-in").into_response(),
    }
}

async fn who(app: &App, headers: &HeaderMap) -> Option<RequestContext> {
    if let Some(token) = session_token(headers) {
        let proof = ContentHash::of(token.as_bytes());
        if let Some(context) = app.auth.cached(proof) {
            return Some(context);
        }
        let context = accounts::session_context(&app.bank, &token)
            .ok()
            .flatten()?;
        app.auth.remember(proof, &context);
        return Some(context);
    }
    let basic = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?
        .to_owned();
    let proof = ContentHash::of(basic.as_bytes());
    if let Some(context) = app.auth.cached(proof) {
        return Some(context);
    }
    let decoded = String::from_utf8(base64(&basic)?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    let (name, password) = (name.to_owned(), password.to_owned());
    let bank = app.bank.clone();
    let context = tokio::task::spawn_blocking(move || accounts::sign_in(&bank, &name, &password))
        .await
        .ok()?
        .ok()?;
    app.auth.remember(proof, &context);
    Some(context)
}

pub(crate) fn session_token(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(base64("Zg!"), None);
    }
}
