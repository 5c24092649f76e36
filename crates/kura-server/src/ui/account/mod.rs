//! What a person does about their own account, what an administrator does about all of them, and
//! the rules by which everybody may do what they may.

mod own;
mod people;
mod rules;
mod words;

use kura_model::Role;
use maud::{Markup, html};

use super::page::{Page, role};

pub(crate) use own::{act, show};
pub(crate) use people::{change, list};
pub(crate) use rules::rules;

fn names(page: &Page, roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|one| page.say(role(*one))).collect();
    names.join(if page.lang.code() == "ja" {
        "、"
    } else {
        ", "
    })
}

/// What was done, or why it was not, above the page it was asked on.
fn told(page: &Page, told: Option<&Told>) -> Markup {
    html! {
        @match told {
            Some(Told::Done(text)) => p .good role="status" { (page.say(*text)) },
            Some(Told::Refused(why)) => p .bad role="alert" lang="en" { (why) },
            None => {}
        }
    }
}

enum Told {
    Done(super::text::Text),
    /// The sentence of an error, in the language it is written in.
    Refused(String),
}
