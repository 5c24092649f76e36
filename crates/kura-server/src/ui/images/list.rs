//! The studies whose images are here. What is looked for travels in the body of a POST.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use kura_model::{Error, RequestContext};
use kura_service::imaging::{self, Asked, Studies, StudyRow};
use maud::{Markup, html};

use super::words;
use crate::App;
use crate::ui::page::{Page, empty, thousands};
use crate::ui::patients::{facts, names};
use crate::ui::{blocking, failure, text};

/// Studies on one page.
const ROWS: usize = 30;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    answer(app, context, page, Asked::default(), 0).await
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
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let asked = Asked {
        modality: field("modality"),
        from: field("from"),
        to: field("to"),
        description: field("description"),
        patient: field("patient"),
    };
    let skip = field("skip").parse().unwrap_or(0);
    answer(app, context, page, asked, skip).await
}

async fn answer(
    app: App,
    context: RequestContext,
    page: Page,
    asked: Asked,
    skip: usize,
) -> Response {
    let wanted = asked.clone();
    let found = blocking(move || imaging::studies(&app.bank, &context, &wanted, skip, ROWS)).await;
    match found {
        Ok(found) => page.whole(
            page.say(words::STUDIES),
            &html! {
                h1 { (page.say(words::STUDIES)) }
                p .quiet { (page.say(words::STUDIES_HINT)) }
                (form(&page, &asked))
                (rows(&page, &asked, &found))
            },
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// Modalities that a hospital has most; any other code can be typed.
const MODALITIES: [&str; 16] = [
    "CT", "MR", "CR", "DX", "US", "XA", "RF", "NM", "PT", "MG", "ES", "XC", "OP", "SM", "ECG", "SR",
];

fn form(page: &Page, asked: &Asked) -> Markup {
    html! {
        form .find-studies method="post" action="/images" autocomplete="off" {
            label { span { (page.say(words::PATIENT)) } input name="patient" type="search" value=(asked.patient) maxlength="200" spellcheck="false"; }
            label { span { (page.say(words::MODALITY)) } input name="modality" value=(asked.modality) maxlength="16" list="modalities" placeholder=(page.say(words::CODE_EXAMPLE)) spellcheck="false"; }
            datalist #modalities { @for one in MODALITIES { option value=(one) {} } }
            label { span { (page.say(words::FROM)) } input name="from" type="date" value=(asked.from); }
            label { span { (page.say(words::TO)) } input name="to" type="date" value=(asked.to); }
            label { span { (page.say(words::DESCRIPTION)) } input name="description" value=(asked.description) maxlength="200"; }
            button { (page.say(words::FIND)) }
        }
    }
}

fn rows(page: &Page, asked: &Asked, found: &Studies) -> Markup {
    if found.rows.is_empty() {
        return if found.none {
            html! {
                div .empty {
                    p .empty-title { (page.say(words::NO_STUDIES)) }
                    p { (page.say(words::NO_STUDIES_LONG)) }
                    pre { code { "kura import --bank … /mnt/pacs-export\nkura serve --bank … --dicom-port 11112\nstorescu -aec KURA 127.0.0.1 11112 image.dcm" } }
                }
            }
        } else {
            empty(
                page.say(words::NO_STUDY_FITS),
                page.say(words::NO_STUDY_FITS_LONG),
            )
        };
    }
    html! {
        ul .rows #studies {
            @for one in &found.rows { li { a .row.study href={ "/images/" (one.id) } { (row(page, one)) } } }
        }
        @if let Some(next) = found.next {
            form method="post" action="/images" {
                @for (name, value) in [("patient", &asked.patient), ("modality", &asked.modality), ("from", &asked.from), ("to", &asked.to), ("description", &asked.description)] {
                    input type="hidden" name=(name) value=(value);
                }
                input type="hidden" name="skip" value=(next);
                button #older { (page.say(words::OLDER_STUDIES)) }
            }
        }
    }
}

fn row(page: &Page, one: &StudyRow) -> Markup {
    html! {
        @if one.picture {
            img src={ "/images/thumbnail/" (one.uid) } width="48" height="48" alt="" loading="lazy";
        } @else {
            span .no-picture aria-hidden="true" {}
        }
        span .row-main {
            span .title { b { (one.modalities.join(" ")) } " " (one.description.as_deref().unwrap_or_default()) }
            span .quiet {
                @match &one.patient {
                    Some(patient) => { span .who-is { (names(page, patient)) } " " (facts(page, patient)) },
                    None => (page.say(text::PATIENT_UNKNOWN)),
                }
            }
        }
        span .row-side {
            span .date { (one.date.as_deref().unwrap_or(page.say(words::NO_DATE))) }
            span { (thousands(one.series)) " " (page.say(words::SERIES_COUNT)) " · " (thousands(one.objects)) " " (page.say(words::OBJECT_COUNT)) }
        }
    }
}
