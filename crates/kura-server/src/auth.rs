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

/// What has been verified lately: argon2 takes a tenth of a second, by design.
#[derive(Default)]
pub(crate) struct Auth {
    verified: Mutex<HashMap<ContentHash, Verified>>,
    accounts: Mutex<Option<(bool, Instant)>>,
    /// What this process knew of the accounts, what the bank did, and when that was asked.
    people: Mutex<Option<(u64, u64, Instant)>>,
}

#[derive(Clone)]
struct Verified {
    context: RequestContext,
    since: Instant,
    /// Of a password: the version of the account it is the password of.
    account: Option<u64>,
}

const KEPT: Duration = Duration::from_secs(60);
/// Verified callers kept.
const KEPT_AT_MOST: usize = 1000;
/// How long another process may have changed an account before it counts here.
const ASKED_EVERY: Duration = Duration::from_secs(1);

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Auth {
    /// Whether people must sign in; asked of the bank once a second.
    pub(crate) fn sign_in_needed(&self, app: &App) -> bool {
        let mut known = held(&self.accounts);
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

    /// Who it was, if that has been found out lately and no account has changed since.
    fn cached(&self, app: &App, proof: ContentHash) -> Option<RequestContext> {
        self.notice(app);
        let found = held(&self.verified)
            .get(&proof)
            .filter(|known| known.since.elapsed() < KEPT)
            .cloned()?;
        Some(found.context)
    }

    /// Forgets who was verified once an account, a session or a token has changed. That a password
    /// was right is forgotten only if its account has changed.
    fn notice(&self, app: &App) {
        let here = accounts::generation_here(&app.bank);
        let mut known = held(&self.people);
        if let Some((before, _, asked)) = *known
            && before == here
            && asked.elapsed() < ASKED_EVERY
        {
            return;
        }
        let all = accounts::generation(&app.bank).ok();
        let same = matches!((*known, all), (Some((_, before, _)), Some(all)) if before == all);
        *known = all.map(|all| (here, all, Instant::now()));
        drop(known);
        if same {
            return;
        }
        held(&self.verified).retain(|_, known| {
            let name = &known.context.actor.name;
            known.account.is_some()
                && accounts::account_version(&app.bank, name).is_ok_and(|now| now == known.account)
        });
    }

    fn remember(&self, proof: ContentHash, context: &RequestContext, account: Option<u64>) {
        let mut map = held(&self.verified);
        if map.len() >= KEPT_AT_MOST {
            map.clear();
        }
        map.insert(
            proof,
            Verified {
                context: context.clone(),
                since: Instant::now(),
                account,
            },
        );
    }
}

/// Puts the caller's [`RequestContext`] into the request, or turns them away.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let open = path == "/sign-in"
        || path == "/sign-in/second"
        || path.starts_with("/assets/")
        || OPEN.contains(&path);
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
    if let Some(token) = session_token(app, headers) {
        let proof = known_as("session", &token);
        if let Some(context) = app.auth.cached(app, proof) {
            return Some(context);
        }
        let context = accounts::session_context(&app.bank, &token)
            .ok()
            .flatten()?;
        app.auth.remember(proof, &context, None);
        return Some(context);
    }
    // RFC 9110 section 11.1: the scheme is case-insensitive.
    let (scheme, proof) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return bearer(app, proof.trim());
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let basic = proof.trim().to_owned();
    let proof = known_as("password", &basic);
    if let Some(context) = app.auth.cached(app, proof) {
        return Some(context);
    }
    let decoded = String::from_utf8(base64(&basic)?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    let (name, password) = (name.to_owned(), password.to_owned());
    let bank = app.bank.clone();
    let (context, version) = tokio::task::spawn_blocking(move || {
        // Before the password is looked at: if it is changed meanwhile, that is noticed.
        let version = accounts::account_version(&bank, &name)?;
        let context = accounts::sign_in_at_once(&bank, &name, &password)?;
        Ok::<_, kura_model::Error>((context, version))
    })
    .await
    .ok()?
    .ok()?;
    app.auth.remember(proof, &context, version);
    Some(context)
}

/// What a proof is remembered by: one of another kind is another proof.
fn known_as(kind: &str, proof: &str) -> ContentHash {
    ContentHash::of(format!("{kind} {proof}").as_bytes())
}

/// RFC 6750.
fn bearer(app: &App, token: &str) -> Option<RequestContext> {
    let proof = known_as("token", token);
    if let Some(context) = app.auth.cached(app, proof) {
        return Some(context);
    }
    let context = accounts::token_context(&app.bank, token).ok().flatten()?;
    app.auth.remember(proof, &context, None);
    Some(context)
}

/// The session of a browser. Over TLS its cookie has the prefix that keeps other hosts and plain
/// pages from setting it (RFC 6265bis section 4.1.3.2), and no other is looked at.
pub(crate) fn session_token(app: &App, headers: &HeaderMap) -> Option<String> {
    let wanted = cookie_name(app);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

/// What the cookie is called.
pub(crate) fn cookie_name(app: &App) -> &'static str {
    match app.bank.config.server.tls {
        Some(_) => "__Host-kura_session",
        None => "kura_session",
    }
}

/// The header that sets it; an empty token takes it away. No script reads it, no other site's
/// request carries it.
pub(crate) fn set_session(app: &App, token: &str) -> Option<HeaderValue> {
    let secure = match app.bank.config.server.tls {
        Some(_) => "; Secure",
        None => "",
    };
    let end = if token.is_empty() { "; Max-Age=0" } else { "" };
    HeaderValue::from_str(&format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{end}",
        cookie_name(app)
    ))
    .ok()
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
