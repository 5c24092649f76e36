//! The plan of change: what differs from the version in use, each bound, and what was found.

use kura_service::models::{Check, Estimate, Proposal};
use maud::{Markup, html};

use super::found::Found;
use super::words::{self, three};
use crate::ui::page::Page;
use crate::ui::text;

pub(super) fn plan(page: &Page, found: &Found) -> Markup {
    html! {
        section #plan {
            h2 {
                (page.say(text::MODEL_PLAN))
                @if let Some(proposal) = &found.proposal { " " (verdict(page, proposal)) }
            }
            @match &found.proposal {
                Some(proposal) => (compared(page, found, proposal)),
                None => {
                    p .quiet { (page.say(text::MODEL_PLAN_NONE)) " "
                        @if found.family.len() == 1 { (page.say(text::MODEL_PLAN_NONE_FIRST)) } }
                }
            }
        }
    }
}

fn verdict(page: &Page, proposal: &Proposal) -> Markup {
    html! {
        @if proposal.inside { span .state.ok { (page.say(text::MODEL_INSIDE)) } }
        @else { span .state.bad { (page.say(text::MODEL_OUTSIDE)) } }
    }
}

fn compared(page: &Page, found: &Found, proposal: &Proposal) -> Markup {
    let changes: Vec<&str> = proposal
        .changes
        .iter()
        .map(|change| page.say(words::change(*change)))
        .collect();
    let (groups, whole): (Vec<&Check>, Vec<&Check>) = proposal
        .checks
        .iter()
        .partition(|check| words::check(page, &check.what).0.is_some());
    html! {
        dl .facts {
            dt { (page.say(text::MODEL_COMPARED)) }
            dd { a href={ "/models/" (proposal.model) "/" (proposal.in_use) } { "@" (proposal.in_use) }
                @if found.stale(proposal) && found.waits().is_some() { " " span .bad { (page.say(text::MODEL_STALE)) } } }
            dt { (page.say(text::MODEL_CHANGED)) } dd { (changes.join(" · ")) }
            dt { (page.say(text::MODEL_LOOKS_ALLOWED)) } dd { (proposal.look) " / " (proposal.looks_allowed) }
            dt { (page.say(text::MODEL_PLAN_HASH)) } dd .code title=(proposal.plan) { (&proposal.plan.to_hex()[..16]) }
            @if let Some(device) = &proposal.device {
                dt { (page.say(text::MODEL_DEVICE)) } dd { (device.confirmation_number) }
                dt { (page.say(text::MODEL_WAIT_DAYS)) } dd { (device.waiting_days) }
            }
            dt { (page.say(text::WHEN)) } dd { (words::when(&proposal.at)) }
        }
        (checks(page, &whole, &groups))
        (beside(page, proposal))
    }
}

fn checks(page: &Page, whole: &[&Check], groups: &[&Check]) -> Markup {
    let row = |check: &Check| {
        // A count of patients is no measure.
        let found = check.found.map(|found| {
            if check.what.ends_with(": patients") {
                format!("{found:.0}")
            } else {
                three(found)
            }
        });
        html! {
            tr {
                td { (words::check(page, &check.what).1) }
                td .number { (check.bound) }
                td .number { @match found { Some(found) => (found), None => span .quiet { (page.say(text::MODEL_NO_ESTIMATE)) } } }
                td .number {
                    @if check.holds { span .state.ok { (page.say(text::MODEL_HOLDS)) } }
                    @else { span .state.bad { (page.say(text::MODEL_BROKEN)) } }
                }
            }
        }
    };
    let group = |check: &Check| words::check(page, &check.what).0.map(str::to_owned);
    html! {
        table .compact.checks {
            thead { tr {
                th { (page.say(text::MODEL_MEASURE)) }
                th .number { (page.say(text::MODEL_BOUND)) } th .number { (page.say(text::MODEL_FOUND)) } th { }
            } }
            tbody { @for check in whole { (row(check)) } }
            @for members in groups.chunk_by(|a, b| group(a) == group(b)) {
                tbody {
                    @if let Some(name) = members.first().and_then(|check| group(check)) {
                        tr .group-head { th colspan="4" scope="rowgroup" { (page.say(text::MODEL_GROUP)) " " span .code { (name.trim()) } } }
                    }
                    @for check in members { (row(check)) }
                }
            }
        }
    }
}

/// Both versions on the same cases.
fn beside(page: &Page, proposal: &Proposal) -> Markup {
    let cell = |found: Option<&Estimate>| {
        html! {
            td .number {
                @match found {
                    Some(found) => { (three(found.value)) " " small .quiet.range { (three(found.lower)) " – " (three(found.upper)) } }
                    None => "–",
                }
            }
        }
    };
    html! {
        details {
            summary { (page.say(text::MODEL_BESIDE)) }
            table .compact {
                thead { tr {
                    th { (page.say(text::MODEL_MEASURE)) }
                    th .number { (page.say(text::MODEL_CANDIDATE)) " @" (proposal.candidate) }
                    th .number { (page.say(text::MODEL_IN_USE_THEN)) " @" (proposal.in_use) }
                } }
                tbody { @for measure in words::MEASURES {
                    tr {
                        td { (page.say(words::measure(measure))) }
                        (cell(proposal.candidate_measures.get(&measure)))
                        (cell(proposal.in_use_measures.get(&measure)))
                    }
                } }
            }
        }
    }
}
