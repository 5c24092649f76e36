//! A patient's record before and after a policy, element by element with the rule that decided.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kura_fhir::narrative;
use kura_model::{Error, RequestContext};
use kura_service::deid_preview::{self, Choice, ImagePreview, Preview, Rule, Shown, Step};
use maud::{Markup, html};
use serde_json::Value;

use super::images::png;
use super::page::{Page, empty, thousands};
use super::patient::head;
use super::text::{self, Lang};
use super::{blocking, failure};
use crate::App;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
) -> Response {
    let asked = |name: &str| page.asked(name).map(str::to_owned);
    let (policy, kind) = (asked("policy"), asked("kind"));
    let Ok(from) = page.asked("from").unwrap_or("0").parse() else {
        return failure::show(&page, &Error::invalid("from: a number from 0 on"));
    };
    let found = blocking(move || {
        let chosen = (policy.as_deref(), kind.as_deref());
        deid_preview::preview(&app.bank, &context, &id, chosen, from)
    })
    .await;
    match found {
        Ok(found) => page.whole(page.say(text::PROCESSED), &body(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

/// An image: its attributes, and its first picture, which is made when it is looked at.
pub(crate) async fn image(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, object)): Path<(String, String)>,
    page: Page,
) -> Response {
    let policy = page.asked("policy").map(str::to_owned);
    let found =
        blocking(move || deid_preview::image(&app.bank, &context, &id, policy.as_deref(), &object))
            .await;
    match found {
        Ok(found) => page.whole(page.say(text::PROCESSED), &image_body(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, policy, object)): Path<(String, String, String)>,
) -> Response {
    let found =
        blocking(move || deid_preview::picture(&app.bank, &context, &id, &policy, &object)).await;
    png(found)
}

fn image_body(page: &Page, found: &ImagePreview) -> Markup {
    let records = format!("/patients/{}/processed", found.patient.id);
    let base = format!("{records}/{}", found.object);
    let policy = &found.policy.id;
    html! {
        (head(page, &found.patient, true))
        h2 { (page.say(text::PROCESSED)) " · " (found.title) }
        p { a href={ (records) "?kind=ImagingStudy&policy=" (policy) } { (page.say(text::BACK_TO_RECORDS)) } }
        (chooser(page, &base, &found.policies, policy, None))
        @match &found.leaves {
            Err((ja, en)) => p .bad { (page.say(text::HELD_BACK)) " " (match page.lang { Lang::Ja => ja, Lang::En => en }) },
            Ok(()) => {
                @if found.face { p { (page.say(text::FACE_PROCESSED)) } }
                div .pair {
                    figure { figcaption { (page.say(text::BEFORE)) }
                        img src={ "/images/picture/" (found.object) "/1?side=1024" } alt=(page.say(text::BEFORE)); }
                    figure { figcaption { (page.say(text::AFTER)) @if found.text { " " small .quiet { (page.say(text::TEXT_PROCESSED)) } } }
                        img loading="lazy" src={ (records) "/" (policy) "/" (found.object) "/picture" } alt=(page.say(text::PICTURE_PROCESSED)); }
                }
                div .changes role="table" aria-label=(found.title) {
                    (heads(page))
                    @for step in &found.steps { (change(page, &found.rules, step, true)) }
                }
            }
        }
    }
}

fn named<'c>(page: &Page, choice: &'c Choice) -> &'c str {
    match page.lang {
        Lang::Ja => &choice.ja,
        Lang::En => &choice.en,
    }
}

fn kind_name<'k>(page: &Page, kind: &'k str) -> &'k str {
    text::kind(kind, page.lang).unwrap_or(kind)
}

fn body(page: &Page, found: &Preview) -> Markup {
    let base = format!("/patients/{}/processed", found.patient.id);
    let policy = &found.policy.id;
    let turn = |from: usize| format!("{base}?policy={policy}&kind={}&from={from}", found.kind);
    html! {
        (head(page, &found.patient, true))
        h2 { (page.say(text::PROCESSED)) }
        p .quiet { (page.say(text::PROCESSED_LONG)) }
        (chooser(page, &base, &found.policies, policy, Some(&found.kind)))
        @if found.own && found.approvals.is_empty() {
            p .bad { (page.say(text::NOT_APPROVED)) }
        }
        @if !found.approvals.is_empty() {
            ul .quiet { @for one in &found.approvals {
                li { (page.say(text::APPROVED_FOR)) " " b { (one.project) }
                    @if one.decision.texts { " (" (page.say(text::WITH_TEXTS)) ")" }
                    ": " (one.decision.board) ", " (one.decision.reference) ", " (one.decision.date) }
            } }
        }
        @if let Some(cleaned) = found.texts {
            p .quiet { (page.say(if cleaned { text::TEXTS_CLEANED } else { text::NO_WORDS })) }
        }
        nav aria-label=(page.say(text::RECORDS)) { ul .chips {
            @for (kind, count, leaves) in &found.kinds {
                li { a .chip aria-current=[(*kind == found.kind).then_some("true")] href={ (base) "?policy=" (policy) "&kind=" (kind) } {
                    (kind_name(page, kind)) " " small { (thousands(*count)) @if !leaves { " · " (page.say(text::STAYS_INSIDE)) } }
                } }
            }
        } }
        @if let Some(patients) = found.surveyed {
            p .quiet { (page.say(text::SURVEYED_AMONG)) " " (thousands(patients)) }
        }
        @if found.records.is_empty() {
            (empty(page.say(text::NONE_RECORDED), page.say(text::NONE_OF_KIND)))
        }
        @for record in &found.records { (one(page, found, record)) }
        @if found.before().is_some() || found.next().is_some() {
            p .turns {
                @if let Some(before) = found.before() { a .button href=(turn(before)) { (page.say(text::EARLIER_ROWS)) } " " }
                span .quiet { (found.from + 1) "–" (found.from + found.records.len()) " / " (thousands(found.total as u64)) }
                @if let Some(next) = found.next() { " " a .button href=(turn(next)) { (page.say(text::NEXT_PAGE)) } }
            }
        }
    }
}

fn one(page: &Page, found: &Preview, record: &Shown) -> Markup {
    let opened = format!(
        "/patients/{}/open/{}/{}",
        found.patient.id, record.key.kind, record.key.id
    );
    html! {
        section .processed {
            h3 { (kind_name(page, &record.key.kind)) " · " a href=(opened) { (record.title) } }
            @if let Err((ja, en)) = &record.leaves {
                p .bad { (page.say(text::HELD_BACK)) " " (match page.lang { Lang::Ja => ja, Lang::En => en }) }
            }
            @if !record.steps.is_empty() {
                div .changes role="table" aria-label=(record.title) {
                    (heads(page))
                    @for step in &record.steps { (change(page, &found.rules, step, record.leaves.is_ok())) }
                }
            }
            @if !record.images.is_empty() {
                p { (page.say(text::IMAGES_PROCESSED)) }
                ul .chips { @for (object, title) in &record.images {
                    li { a .chip href={ "/patients/" (found.patient.id) "/processed/" (object) "?policy=" (found.policy.id) } { (title) } }
                } }
            }
            @if let Ok(after) = &record.leaves {
                details { summary { (page.say(text::AS_IT_LEAVES)) }
                    pre .bytes tabindex="0" { (serde_json::to_string_pretty(after).unwrap_or_default()) } }
            }
        }
    }
}

fn heads(page: &Page) -> Markup {
    html! {
        div .change .change-head role="row" {
            @for head in [text::ELEMENT, text::BEFORE, text::AFTER, text::RULE] {
                span role="columnheader" { (page.say(head)) }
            }
        }
    }
}

/// Which policy: `base` is the page's own address.
fn chooser(
    page: &Page,
    base: &str,
    policies: &[Choice],
    policy: &str,
    kind: Option<&str>,
) -> Markup {
    html! {
        form .filters method="get" action=(base) {
            label { (page.say(text::POLICY)) " "
                select name="policy" {
                    @for one in policies {
                        option value=(one.id) selected[one.id == policy] { (one.id) " · " (named(page, one)) }
                    }
                }
            }
            @if let Some(kind) = kind { input type="hidden" name="kind" value=(kind); }
            button .quiet { (page.say(text::SHOW)) }
        }
    }
}

fn change(page: &Page, rules: &BTreeMap<String, Rule>, step: &Step, leaves: bool) -> Markup {
    let short = step
        .path
        .split_once('.')
        .map_or(&*step.path, |(_, rest)| rest);
    let rule = step.rule.as_deref().and_then(|id| rules.get(id));
    let kept = step.after.as_ref() == Some(&step.before);
    html! {
        div .change role="row" {
            span .path role="cell" { (short) }
            span role="cell" { (value(&step.before)) }
            span role="cell" .went[step.after.is_none()] {
                @match &step.after {
                    None => (page.say(text::GOES)),
                    Some(_) if !leaves => (page.say(text::STAYS_INSIDE)),
                    Some(_) if kept => { "= " (page.say(text::AS_IT_IS)) },
                    Some(after) => (value(after)),
                }
            }
            span role="cell" {
                @match rule {
                    Some(rule) => { b .code { (rule.id) } " " (match page.lang { Lang::Ja => &rule.ja, Lang::En => &rule.en }) " " small .quiet { (rule.source) } },
                    None if kept => (page.say(text::LEFT_AS_IT_IS)),
                    None => (page.say(text::NOT_LISTED)),
                }
            }
        }
    }
}

/// Leaves of a value shown at most; the rest is counted.
const LEAVES: usize = 12;
/// Letters of one leaf.
const LETTERS: usize = 1200;

/// A value for people: its leaves, each with its name.
fn value(value: &Value) -> Markup {
    let mut leaves = Vec::new();
    collect(value, &mut String::new(), &mut leaves);
    html! {
        @for (name, leaf) in leaves.iter().take(LEAVES) {
            div { @if !name.is_empty() { span .quiet { (name) " " } } (leaf) }
        }
        @if leaves.len() > LEAVES { div .quiet { "… +" (leaves.len() - LEAVES) } }
    }
}

fn collect(value: &Value, name: &mut String, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            if let Some(written) = words(value) {
                return out.push((name.clone(), cut(&written)));
            }
            for (member, inner) in members {
                let length = name.len();
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(member);
                collect(inner, name, out);
                name.truncate(length);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, out)),
        Value::String(text) => out.push((name.clone(), cut(text))),
        other => out.push((name.clone(), other.to_string())),
    }
}

/// What a narrative or a document in plain text says.
fn words(value: &Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if let Some(div) = text("div") {
        return Some(narrative::plain_text(div));
    }
    let kind = text("contentType")?;
    let bytes = STANDARD.decode(text("data")?).ok()?;
    let written = String::from_utf8(bytes).ok()?;
    match kind.split(';').next()?.trim() {
        "text/plain" | "text/markdown" => Some(written),
        "text/html" | "application/xhtml+xml" => Some(narrative::plain_text(&written)),
        _ => None,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
