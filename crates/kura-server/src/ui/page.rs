//! The frame around every page, and what a handler knows about its request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub(crate) use kura_model::thousands;
use kura_model::{RequestContext, Role};
use kura_service::Bank;
use kura_service::access::{Action, may};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets;
use super::text::{self, Lang, Text};
use crate::App;

const COOKIE: &str = "kura_lang";

/// Who asks, in which language, for which address.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) lang: Lang,
    pub(crate) context: Option<RequestContext>,
    bank: Arc<Bank>,
    hospital: String,
    path: String,
    query: Vec<(String, String)>,
    /// The address itself chose the language: remember it.
    chosen: bool,
    /// Asked for by a script that wants the inside only.
    pub(crate) fragment: bool,
}

impl FromRequestParts<App> for Page {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        // Absent on the sign-in page of someone who is not signed in.
        let context = parts.extensions.get::<RequestContext>().cloned();
        let query =
            kura_service::decode_query(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let asked = query
            .iter()
            .find(|(name, _)| name == "lang")
            .and_then(|(_, value)| Lang::of(value));
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let cookie = || {
            text(header::COOKIE)?
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(name, _)| *name == COOKIE)
                .and_then(|(_, value)| Lang::of(value))
        };
        let lang = asked
            .or_else(cookie)
            .or_else(|| Lang::accepted(text(header::ACCEPT_LANGUAGE)?))
            .unwrap_or(Lang::Ja);
        Ok(Self {
            lang,
            context,
            bank: app.bank.clone(),
            hospital: app.bank.config.hospital.name.clone(),
            path: parts.uri.path().to_owned(),
            query: query
                .into_iter()
                .filter(|(name, _)| name != "lang")
                .collect(),
            chosen: asked.is_some(),
            fragment: parts.headers.contains_key("x-fragment"),
        })
    }
}

impl Page {
    pub(crate) fn say(&self, text: Text) -> &'static str {
        text.to(self.lang)
    }

    /// A value of the address, decoded.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn may(&self, action: Action) -> bool {
        self.context
            .as_ref()
            .is_some_and(|context| may(&self.bank, context, action))
    }

    /// The address of this page in the other language. What was sent by POST is not in it.
    fn other_language(&self) -> String {
        let mut out = format!("{}?lang={}", self.path, self.lang.other().code());
        for (name, value) in &self.query {
            // Only what our own links carry: months, offsets, cursors.
            let plain = |text: &str| {
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            };
            if plain(name) && plain(value) {
                out.push_str(&format!("&{name}={value}"));
            }
        }
        out
    }

    /// A whole page.
    pub(crate) fn whole(&self, title: &str, main: &Markup) -> Response {
        self.with_status(StatusCode::OK, title, main)
    }

    pub(crate) fn with_status(&self, status: StatusCode, title: &str, main: &Markup) -> Response {
        let body = self.frame(title, main).into_string();
        let mut response = (status, [(header::CONTENT_TYPE, HTML)], body).into_response();
        if self.chosen {
            let cookie = format!(
                "{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Strict",
                self.lang.code()
            );
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    /// The inside of a page, for a script that puts it in place.
    pub(crate) fn part(&self, markup: &Markup) -> Response {
        ([(header::CONTENT_TYPE, HTML)], markup.0.clone()).into_response()
    }

    fn frame(&self, title: &str, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(self.lang.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · Kura" }
                    link rel="icon" type="image/svg+xml" href=(assets::url("icon.svg"));
                    link rel="stylesheet" href=(assets::url("style.css"));
                    script type="module" src=(assets::url("kura.js")) {}
                }
                body {
                    a .skip href="#main" { (self.say(text::SKIP)) }
                    (self.top())
                    main #main tabindex="-1" { (main) }
                }
            }
        }
    }

    fn top(&self) -> Markup {
        let links: [(&str, Text, Action); 12] = [
            ("/", text::OVERVIEW, Action::ReadStatus),
            ("/worklist", text::WORKLIST, Action::ReadWorklist),
            ("/patients", text::PATIENTS, Action::ReadClinical),
            ("/images", text::IMAGES_HERE, Action::ReadClinical),
            ("/models", text::MODELS, Action::ReadStatus),
            ("/trials", text::TRIALS, Action::ReadStatus),
            ("/import", text::IMPORT, Action::Import),
            ("/quarantine", text::QUARANTINE, Action::Import),
            ("/unlinked", text::UNLINKED, Action::Import),
            ("/emergency", text::EMERGENCY_SHORT, Action::BreakGlass),
            ("/emergencies", text::EMERGENCIES, Action::ReviewEmergency),
            ("/accounts", text::ACCOUNTS, Action::ManageAccounts),
        ];
        let here = |href: &str| {
            if href == "/" {
                self.path == "/"
            } else {
                self.path == href || self.path.starts_with(&format!("{href}/"))
            }
        };
        html! {
            header .top {
                a .brand href="/" { (PreEscaped(LOGO)) span { "Kura" } span .hospital { (self.hospital) } }
                @if self.context.is_some() {
                    nav aria-label=(self.say(text::NAVIGATION)) {
                        @for (href, name, action) in links {
                            @if self.may(action) {
                                a href=(href) aria-current=[here(href).then_some("page")] { (self.say(name)) }
                            }
                        }
                    }
                }
                div .who {
                    @if let Some(context) = &self.context {
                        @if context.actor.role != Role::SingleUser {
                            a .account href="/account" title=(self.say(text::SIGNED_IN_AS)) {
                                (context.actor.name) " " small { (self.say(role(context.actor.role))) }
                            }
                            form method="post" action="/sign-out" {
                                button .quiet { (self.say(text::SIGN_OUT)) }
                            }
                        }
                    }
                    a .language href=(self.other_language()) lang=(self.lang.other().code()) hreflang=(self.lang.other().code()) rel="nofollow" {
                        (self.say(text::OTHER_LANGUAGE))
                    }
                }
            }
            @if self.context.as_ref().is_some_and(|context| context.actor.role == Role::SingleUser) {
                p .mode { (self.say(text::SINGLE_USER)) }
            }
        }
    }
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A storehouse (蔵) with its latticed wall.
const LOGO: &str = r#"<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M2 10 12 3l10 7v2H2z" fill="currentColor"/><path d="M4 12h16v9H4z" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M4 16.5h16M9 12v9M15 12v9" stroke="currentColor" stroke-width="1.2"/></svg>"#;

pub(super) fn role(role: Role) -> Text {
    match role {
        Role::Administrator => text::ROLE_ADMINISTRATOR,
        Role::DataManager => text::ROLE_DATA_MANAGER,
        Role::Doctor => text::ROLE_DOCTOR,
        Role::Researcher => text::ROLE_RESEARCHER,
        Role::Reviewer => text::ROLE_REVIEWER,
        Role::BoardSecretary => text::ROLE_BOARD_SECRETARY,
        Role::Director => text::ROLE_DIRECTOR,
        Role::Annotator => text::ROLE_ANNOTATOR,
        Role::Patient => text::ROLE_PATIENT,
        Role::Auditor => text::ROLE_AUDITOR,
        Role::SingleUser | Role::DicomPeer | Role::DicomReader => text::ROLE_SINGLE,
    }
}

/// Bytes in the unit people read.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KB", "MB", "GB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// What a page says when there is nothing to show.
pub(crate) fn empty(title: &str, long: &str) -> Markup {
    html! { div .empty { p .empty-title { (title) } p { (long) } } }
}

/// A report carries its own style, and neither scripts nor forms.
const REPORT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

/// A report that is a page of its own.
pub(super) fn report_page(html: Vec<u8>) -> Response {
    (
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
        ],
        html,
    )
        .into_response()
}

/// What is said in both languages is written `日本語 / English`: the reader's half.
pub(super) fn half<'a>(page: &Page, said: &'a str) -> &'a str {
    match (said.split_once(" / "), page.lang) {
        (Some((ja, _)), Lang::Ja) => ja,
        (Some((_, en)), Lang::En) => en,
        (None, _) => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(12_345), "12.3 KB");
        assert_eq!(bytes(512_000_000), "512 MB");
    }
}
