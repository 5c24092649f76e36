//! Finding a patient. What is typed travels in the body of a POST, never in an address.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use kura_model::{Error, RequestContext};
use kura_service::patients::{self, Cursor, Found, Patient, birth};
use maud::{Markup, html};

use super::page::{Page, empty, thousands};
use super::text::{self, Lang};
use super::{blocking, failure};
use crate::App;

/// Patients on one page.
const ROWS: u32 = 30;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    answer(app, context, page, String::new(), None).await
}

pub(crate) async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = std::str::from_utf8(&body)
        .map_err(|_| Error::invalid("the form is not UTF-8"))
        .and_then(kura_service::decode_query);
    let form = match form {
        Ok(form) => form,
        Err(error) => return failure::show(&page, &error),
    };
    let field = |name: &str| {
        form.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    // The number of the record the last page ended with.
    let after = field("after")
        .and_then(|text| text.parse().ok())
        .map(Cursor::at);
    let typed = field("q").unwrap_or_default().to_owned();
    answer(app, context, page, typed, after).await
}

async fn answer(
    app: App,
    context: RequestContext,
    page: Page,
    typed: String,
    after: Option<Cursor>,
) -> Response {
    let asked = typed.clone();
    let found = blocking(move || patients::search(&app.bank, &context, &asked, after, ROWS)).await;
    let found = match found {
        Ok(found) => found,
        Err(error) => return failure::show(&page, &error),
    };
    let results = results(&page, &typed, &found);
    if page.fragment {
        return page.part(&results);
    }
    page.whole(
        page.say(text::PATIENTS),
        &html! {
            h1 { (page.say(text::FIND_PATIENT)) }
            form .search method="post" action="/patients" autocomplete="off" data-live="results" {
                label .hidden for="q" { (page.say(text::FIND_PATIENT)) }
                input #q name="q" type="search" value=(typed) autofocus maxlength="200" spellcheck="false"
                    role="combobox" aria-expanded="true" aria-controls="results" aria-describedby="q-hint";
                button { (page.say(text::SEARCH)) }
                p #q-hint .quiet { (page.say(text::FIND_HINT)) }
            }
            div #results aria-live="polite" { (results) }
        },
    )
}

fn results(page: &Page, typed: &str, found: &Found) -> Markup {
    let all = typed.trim().is_empty();
    if found.total == 0 {
        return if all {
            html! {
                div .empty {
                    p .empty-title { (page.say(text::NO_PATIENTS)) }
                    p { (page.say(text::EMPTY_BANK_LONG)) }
                    pre { code { "kura import --bank … /mnt/export" } }
                }
            }
        } else {
            empty(page.say(text::NO_MATCH), page.say(text::NO_MATCH_LONG))
        };
    }
    let noun = page.say(if all {
        text::ALL_PATIENTS
    } else {
        text::MATCHES
    });
    html! {
        p .found {
            span { b #total { (thousands(found.total)) } @if page.lang == Lang::En { " " } (noun) }
            span .quiet.keys { (page.say(text::KEYS_HINT)) }
        }
        ul .rows {
            @for patient in &found.patients {
                li { a .row.patient href={ "/patients/" (patient.id) } { (row(page, patient)) } }
            }
        }
        @if let Some(next) = &found.next {
            form method="post" action="/patients" {
                input type="hidden" name="q" value=(typed);
                input type="hidden" name="after" value=(next.pk());
                button { (page.say(text::NEXT_PAGE)) }
            }
        }
    }
}

/// Kinds counted in a row, those a person looks for first.
const COUNTED: [&str; 6] = [
    "Encounter",
    "Condition",
    "Observation",
    "ImagingStudy",
    "DocumentReference",
    "Claim",
];

fn row(page: &Page, patient: &Patient) -> Markup {
    html! {
        span .row-main {
            span .names { (names(page, patient)) }
            span .quiet { (facts(page, patient)) }
        }
        span .row-side.counts {
            @for kind in COUNTED {
                @if let Some((_, count)) = patient.holds.iter().find(|(known, _)| known == kind) {
                    span { (text::kind(kind, page.lang).unwrap_or(kind)) " " b { (thousands(*count)) } }
                }
            }
        }
    }
}

/// Kanji with its reading; whatever there is of the two.
pub(crate) fn names(page: &Page, patient: &Patient) -> Markup {
    let names = &patient.names;
    html! {
        b { (names.best().unwrap_or(page.say(text::NO_NAME))) }
        @if names.kanji.is_some() && let Some(kana) = &names.kana { " " span .kana { (kana) } }
    }
}

/// Number, birth date with age, sex.
pub(crate) fn facts(page: &Page, patient: &Patient) -> Markup {
    html! {
        @if let Some(number) = &patient.number { span .code { (number) } " · " }
        @if let Some(date) = &patient.birth_date { (birth_date(page, date, !patient.deceased)) " · " }
        span { (page.say(sex(patient.sex.as_deref()))) }
        @if patient.deceased { " · " b { (page.say(text::DECEASED)) } }
    }
}

/// `1950-04-04(昭和25年)76歳`.
pub(crate) fn birth_date(page: &Page, date: &str, living: bool) -> Markup {
    let era = birth::civil(date).and_then(|(year, month, day)| {
        let (era, number) = birth::era(year, month, day)?;
        Some(match page.lang {
            Lang::Ja if number == 1 => format!("({}元年)", era.kanji),
            Lang::Ja => format!("({}{number}年)", era.kanji),
            Lang::En => format!(" ({} {number})", era.latin),
        })
    });
    html! {
        span .birth { (date) @if let Some(era) = era { (era) } }
        @if living && let Some(age) = age(page.lang, date) { " " span .age { (age) } }
    }
}

/// Years; months below two years, as paediatricians count.
fn age(lang: Lang, date: &str) -> Option<String> {
    let age = birth::age(date, birth::today())?;
    let months = age.years * 12 + age.months;
    Some(match (lang, age.years) {
        (Lang::Ja, 0 | 1) => format!("{months}か月"),
        (Lang::En, 0 | 1) => format!("{months} months"),
        (Lang::Ja, years) => format!("{years}歳"),
        (Lang::En, years) => format!("{years} y"),
    })
}

pub(crate) fn sex(code: Option<&str>) -> text::Text {
    match code {
        Some("male") => text::MALE,
        Some("female") => text::FEMALE,
        Some("other") => text::SEX_OTHER,
        _ => text::SEX_UNKNOWN,
    }
}

/// `2026-04-01` of days since 1970-01-01.
pub(crate) fn day(number: i64) -> String {
    let (year, month, day) = kura_fhir::date::civil(number);
    format!("{year:04}-{month:02}-{day:02}")
}
