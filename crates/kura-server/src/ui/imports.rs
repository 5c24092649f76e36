//! What arrived, what was refused and why, and what has no patient.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use kura_model::{Location, RequestContext};
use kura_service::dashboard::{self, Homeless, Imports, Refused, local_time};
use kura_service::import;
use kura_service::import::Source;
use kura_service::instance_store::DICOM_NETWORK;
use maud::{Markup, html};
use serde_json::Value;

use super::page::{Page, bytes, empty, thousands};
use super::{blocking, failure, text};
use crate::App;

const JOBS: u32 = 20;
const FILES: u32 = 200;
const ROWS: u32 = 50;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || dashboard::imports(&app.bank, &context, JOBS, FILES)).await {
        Ok(found) => page.whole(page.say(text::IMPORT), &overview(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

fn overview(page: &Page, found: &Imports) -> Markup {
    html! {
        h1 { (page.say(text::IMPORT)) }
        @if found.jobs.is_empty() {
            div .empty {
                p .empty-title { (page.say(text::NO_JOBS)) }
                p { (page.say(text::EMPTY_BANK_LONG)) }
                pre { code { "kura import --bank … /mnt/export" } }
            }
        } @else {
            p .links {
                a href="/quarantine" { (page.say(text::REFUSED_ITEMS)) " " b { (thousands(found.quarantined)) } }
                a href="/unlinked" { (page.say(text::UNLINKED_ITEMS)) " " b { (thousands(found.unlinked)) } }
            }
            h2 { (page.say(text::JOBS)) }
            div .scroll { table .compact {
                thead { tr {
                    th { (page.say(text::STARTED)) } th { (page.say(text::STATE)) }
                    th .number { (page.say(text::FILES)) } th .number { (page.say(text::WRITTEN)) }
                    th .number { (page.say(text::UNCHANGED)) } th .number { (page.say(text::REFUSED)) }
                    th .number { (page.say(text::LINKED)) } th .number { (page.say(text::SECONDS)) }
                    th { (page.say(text::BY_WHOM)) }
                } }
                tbody {
                    @for job in &found.jobs {
                        @let detail: Value = serde_json::from_str(&job.detail).unwrap_or_default();
                        @let number = |name: &str| detail[name].as_u64().map(thousands).unwrap_or_default();
                        tr {
                            td .date { (local_time(job.started)) }
                            td { (state(page, job.state.as_str())) }
                            td .number { (number("files")) }
                            td .number { (number("accepted")) }
                            td .number { (number("unchanged")) }
                            td .number { (number("refused")) }
                            td .number { (number("linked")) }
                            td .number { @if let Some(seconds) = detail["seconds"].as_f64() { (format!("{seconds:.1}")) } }
                            td { (job.actor) }
                        }
                    }
                }
            } }
            h2 { (page.say(text::FILES)) }
            div .scroll { table .compact {
                thead { tr {
                    th { (page.say(text::FILE)) } th { (page.say(text::FORMAT)) } th { (page.say(text::STATE)) }
                    th .number { (page.say(text::SIZE)) } th .number { (page.say(text::WRITTEN)) }
                    th .number { (page.say(text::UNCHANGED)) } th .number { (page.say(text::REFUSED)) }
                } }
                tbody {
                    @for file in &found.files {
                        tr {
                            td .path title=(file.name) { (short(&file.name)) }
                            td { (text::format(&file.format, page.lang)) }
                            td { (state(page, file_state(file))) }
                            td .number { @if file.format != DICOM_NETWORK { (bytes(file.size)) } }
                            td .number { (thousands(file.accepted)) }
                            td .number { (thousands(file.unchanged)) }
                            td .number { @if file.refused > 0 { b .bad { (thousands(file.refused)) } } @else { "0" } }
                        }
                    }
                }
            } }
            @if found.more { p .quiet { (page.say(text::MORE_FILES)) } }
        }
    }
}

/// A sender has no end: what it sent is all there.
fn file_state(file: &Source) -> &'static str {
    match (file.done, file.format.as_str()) {
        (true, _) => "read",
        (false, DICOM_NETWORK) => "open",
        (false, _) => "part",
    }
}

fn state(page: &Page, state: &str) -> Markup {
    let (class, name) = match state {
        "running" => ("state run", text::STATE_RUNNING),
        "done" => ("state ok", text::STATE_DONE),
        "failed" => ("state bad", text::STATE_FAILED),
        "read" => ("state ok", text::FILE_DONE),
        "part" => ("state run", text::FILE_PART),
        "open" => ("state ok", text::FILE_OPEN),
        _ => ("state bad", text::STATE_INTERRUPTED),
    };
    html! { span class=(class) { (page.say(name)) } }
}

/// The end of a path, which tells files apart.
fn short(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit('/').take(3).collect();
    parts.reverse();
    parts.join("/")
}

fn place(page: &Page, location: &Location) -> Markup {
    html! {
        @if let Some(line) = location.line { span { (page.say(text::LINE)) " " (line) } " " }
        @if let Some(byte) = location.byte { span { (page.say(text::BYTE)) " " (byte) } " " }
        @if let Some(path) = &location.path { span .code { (path) } }
    }
}

pub(crate) async fn quarantine(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    let before = page.asked("before").and_then(|text| text.parse().ok());
    let found = blocking(move || import::quarantine(&app.bank, &context, before, ROWS + 1)).await;
    let mut rows = match found {
        Ok(rows) => rows,
        Err(error) => return failure::show(&page, &error),
    };
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let body = html! {
        h1 { (page.say(text::REFUSED_ITEMS)) }
        p { (page.say(text::QUARANTINE_LONG)) }
        @if rows.is_empty() {
            (empty(page.say(text::QUARANTINE_EMPTY), page.say(text::QUARANTINE_EMPTY_LONG)))
        } @else {
            ul .rows {
                @for row in &rows {
                    li {
                        a .row href={ "/quarantine/" (row.id) } {
                            span .row-main {
                                b lang="en" { (row.refusal.message) }
                                span .quiet { span .code { (row.refusal.rule) } " " (place(&page, &row.refusal.location)) }
                            }
                            span .row-side { span .path { (short(&row.name)) } span .quiet { (bytes(row.item_size)) " · " (local_time(row.at)) } }
                        }
                    }
                }
            }
            @if more && let Some(last) = rows.last() {
                p { a .button href={ "/quarantine?before=" (last.id) } { (page.say(text::OLDER)) } }
            }
        }
    };
    page.whole(page.say(text::REFUSED_ITEMS), &body)
}

pub(crate) async fn quarantine_item(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<i64>,
    page: Page,
) -> Response {
    match blocking(move || dashboard::quarantine_open(&app.bank, &context, id)).await {
        Ok(found) => page.whole(page.say(text::REFUSED_ITEMS), &refused(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

/// Characters of a refused item that are shown.
const SHOWN: usize = 20_000;

fn refused(page: &Page, found: &Refused) -> Markup {
    let row = &found.row;
    html! {
        p { a href="/quarantine" { "← " (page.say(text::BACK_TO_LIST)) } }
        h1 lang="en" { (row.refusal.message) }
        dl .facts {
            dt { (page.say(text::RULE)) } dd .code { (row.refusal.rule) }
            dt { (page.say(text::FILE)) } dd .path { (row.name) }
            @if row.refusal.location != Location::default() {
                dt { (page.say(text::PLACE)) } dd { (place(page, &row.refusal.location)) }
            }
            dt { (page.say(text::SIZE)) } dd { (thousands(row.item_size)) " " (page.say(text::BYTES)) }
            dt { (page.say(text::WHEN)) } dd { (local_time(row.at)) }
        }
        h2 { (page.say(text::KEPT_BYTES)) }
        p .quiet { (page.say(text::IDENTIFIES)) }
        (kept(page, &found.bytes, row.item_size))
    }
}

fn kept(page: &Page, bytes: &[u8], size: u64) -> Markup {
    let readable = std::str::from_utf8(bytes).ok().filter(|text| {
        !text
            .chars()
            .take(2000)
            .any(|letter| letter.is_control() && !"\t\r\n".contains(letter))
    });
    let cut = |shown: usize| shown < bytes.len() || (bytes.len() as u64) < size;
    match readable {
        Some(text) => {
            let shown: String = text.chars().take(SHOWN).collect();
            html! {
                pre .bytes tabindex="0" { (shown) }
                @if cut(shown.len()) { p .quiet { (page.say(text::KEPT_PART)) } }
            }
        }
        None => {
            let head = &bytes[..bytes.len().min(512)];
            html! {
                p { (page.say(text::BINARY)) }
                pre .bytes tabindex="0" { (hexadecimal(head)) }
                @if cut(head.len()) { p .quiet { (page.say(text::KEPT_PART)) } }
            }
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        out.push_str(&format!("{:06x}  ", line * 16));
        for place in 0..16 {
            match chunk.get(place) {
                Some(byte) => out.push_str(&format!("{byte:02x} ")),
                None => out.push_str("   "),
            }
        }
        out.push(' ');
        out.extend(chunk.iter().map(|byte| match byte {
            0x20..=0x7E => char::from(*byte),
            _ => '.',
        }));
        out.push('\n');
    }
    out
}

pub(crate) async fn unlinked(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || dashboard::unlinked(&app.bank, &context, ROWS)).await {
        Ok((rows, total)) => page.whole(
            page.say(text::UNLINKED_ITEMS),
            &unlinked_list(&page, &rows, total),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

fn unlinked_list(page: &Page, rows: &[Homeless], total: u64) -> Markup {
    html! {
        h1 { (page.say(text::UNLINKED_ITEMS)) @if total > 0 { " " span .count { (thousands(total)) } } }
        p { (page.say(text::UNLINKED_LONG)) }
        @if rows.is_empty() {
            (empty(page.say(text::UNLINKED_EMPTY), page.say(text::UNLINKED_EMPTY_LONG)))
        } @else {
            ul .rows {
                @for row in rows {
                    @let key = &row.record.key;
                    @let image = key.kind == "ImagingStudy";
                    li {
                        a .row href=[image.then(|| format!("/images/{}", key.id))] {
                            span .row-main {
                                b { (why(page, &row.record.reason)) }
                                span .quiet { (text::kind(&key.kind, page.lang).unwrap_or(&key.kind)) " " span .code { (key.id) } }
                            }
                            @if let Some((file, line)) = &row.file {
                                span .row-side { span .path { (short(file)) } @if let Some(line) = line { span .quiet { (page.say(text::LINE)) " " (line) } } }
                            }
                        }
                    }
                }
            }
            @if total > rows.len() as u64 { p .quiet { (page.say(text::FIRST_OF)) } }
        }
    }
}

/// The reason in words. `kura_service::link::Reason::code`.
fn why<'a>(page: &Page, reason: &'a str) -> &'a str {
    page.say(match reason {
        "no-number" => text::WHY_NO_NUMBER,
        "no-issuer" => text::WHY_NO_ISSUER,
        "foreign-issuer" => text::WHY_FOREIGN,
        "unknown-patient" => text::WHY_UNKNOWN,
        "ambiguous" => text::WHY_AMBIGUOUS,
        "study-conflict" => text::WHY_STUDY_CONFLICT,
        "birth-date-differs" => text::WHY_BIRTH,
        "sex-differs" => text::WHY_SEX,
        other => return other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_hexadecimal() {
        let shown = hexadecimal(b"\x00\x01DICM");
        assert!(shown.starts_with("000000  00 01 44 49 43 4d "));
        assert!(shown.ends_with(" ..DICM\n"));
    }
}
