//! Errors as pages.

use axum::http::StatusCode;
use axum::response::Response;
use kura_model::{Category, Error};
use maud::html;

use super::page::Page;
use super::text::{self, Text};
use crate::error;

fn words(category: Category) -> (Text, Text) {
    match category {
        Category::NotFound | Category::Gone => (text::NOT_FOUND, text::NOT_FOUND_LONG),
        Category::Forbidden | Category::Unauthenticated => (text::FORBIDDEN, text::FORBIDDEN_LONG),
        Category::Invalid
        | Category::Conflict
        | Category::Precondition
        | Category::Unprocessable
        | Category::TooLarge => (text::INVALID, text::INVALID_LONG),
        Category::Unsupported => (text::UNSUPPORTED, text::UNSUPPORTED_LONG),
        Category::Exhausted | Category::Interrupted | Category::Internal => {
            (text::BROKEN, text::BROKEN_LONG)
        }
    }
}

/// The page of an error. The sentence of the error is shown in the language it is written in.
pub(crate) fn show(page: &Page, failure: &Error) -> Response {
    error::log(failure);
    let (title, long) = words(failure.category);
    let title = page.say(title);
    let told = failure.category != Category::Internal;
    page.with_status(
        error::status(failure.category),
        title,
        &html! {
            div .failure {
                h1 { (title) }
                p { (page.say(long)) }
                @if failure.message().contains("second-factor") {
                    p { (page.say(text::NEEDS_SECOND)) " " a href="/account" { (page.say(text::TO_ACCOUNT)) } }
                }
                @if told { p .quiet lang="en" { (failure.message()) } }
                p { a href="/" { (page.say(text::TO_OVERVIEW)) } }
            }
        },
    )
}

pub(crate) async fn nothing_here(page: Page) -> Response {
    let title = page.say(text::NOT_FOUND);
    page.with_status(
        StatusCode::NOT_FOUND,
        title,
        &html! {
            div .failure {
                h1 { (title) }
                p { (page.say(text::NOT_FOUND_LONG)) }
                p { a href="/" { (page.say(text::TO_OVERVIEW)) } }
            }
        },
    )
}
