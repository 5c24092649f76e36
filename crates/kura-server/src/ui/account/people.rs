use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kura_model::{Category, Error, RequestContext, Result, Role, Standing};
use kura_service::accounts::{self, Change, Person};
use maud::{Markup, html};

use super::words as text;
use super::{Told, names, told};
use crate::App;
use crate::ui::form::Form;
use crate::ui::page::{Page, role};
use crate::ui::{blocking, failure, text as common};

pub(crate) async fn list(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    answer(&app, context, &page, None).await
}

async fn answer(app: &App, context: RequestContext, page: &Page, what: Option<Told>) -> Response {
    let bank = app.bank.clone();
    match blocking(move || accounts::users(&bank, &context)).await {
        Ok(people) => {
            let status = match &what {
                Some(Told::Refused(_)) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::OK,
            };
            let body = body(page, &people, what.as_ref());
            page.with_status(status, page.say(text::ACCOUNTS), &body)
        }
        Err(error) => failure::show(page, &error),
    }
}

pub(crate) async fn change(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let (bank, who) = (app.bank.clone(), context.clone());
    let done = blocking(move || {
        let name = form.get("name").trim();
        let change = match form.get("do") {
            "add" => {
                let (roles, standing) = (roles(&form)?, standing(&form));
                let password = form.get("password");
                accounts::user_add(&bank, &who, name, &roles, &standing, password)?;
                return Ok(text::ADDED);
            }
            "save" => Change {
                roles: Some(roles(&form)?),
                standing: Some(standing(&form)),
                ..Change::default()
            },
            "password" => Change {
                password: Some(form.get("password").to_owned()),
                ..Change::default()
            },
            "disable" | "enable" => Change {
                disabled: Some(form.get("do") == "disable"),
                ..Change::default()
            },
            "reset" => Change {
                reset_second_factor: true,
                ..Change::default()
            },
            "unlock" => Change {
                unlock: true,
                ..Change::default()
            },
            _ => return Err(Error::invalid("the form says nothing to do")),
        };
        accounts::user_change(&bank, &who, name, &change)?;
        Ok(text::CHANGED)
    })
    .await;
    match done {
        Ok(words) => answer(&app, context, &page, Some(Told::Done(words))).await,
        Err(error)
            if matches!(
                error.category,
                Category::Invalid | Category::Conflict | Category::NotFound
            ) =>
        {
            let why = Told::Refused(error.message().to_owned());
            answer(&app, context, &page, Some(why)).await
        }
        Err(error) => failure::show(&page, &error),
    }
}

fn roles(form: &Form) -> Result<Vec<Role>> {
    form.all("role")
        .map(|role| role.parse().map_err(Error::invalid))
        .collect()
}

fn standing(form: &Form) -> Standing {
    let one = |name: &str| {
        let id = form.get(name).trim();
        (!id.is_empty()).then(|| id.to_owned())
    };
    Standing {
        practitioner: one("practitioner"),
        patient: one("patient"),
        acts_for: form
            .get("acts_for")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        organization: one("organization"),
    }
}

fn body(page: &Page, people: &[Person], what: Option<&Told>) -> Markup {
    html! {
        h1 { (page.say(text::ACCOUNTS)) }
        (told(page, what))
        @if people.is_empty() {
            p .empty { (page.say(text::NO_ACCOUNTS)) }
        } @else {
            ul .people { @for person in people { (row(page, person)) } }
        }
        section {
            h2 { (page.say(text::ADD)) }
            form .small-form method="post" action="/accounts" {
                input type="hidden" name="do" value="add";
                label { span { (page.say(common::NAME)) " (" (page.say(text::NAME_RULE)) ")" }
                    input name="name" required maxlength="64" pattern="[A-Za-z0-9_.@\\-]+" autocomplete="off"; }
                (fields(page, &[], &Standing::default()))
                (password(page))
                button { (page.say(text::ADD)) }
            }
        }
    }
}

fn password(page: &Page) -> Markup {
    html! {
        label { span { (page.say(text::NEW)) }
            input name="password" type="password" autocomplete="new-password" required minlength=(accounts::PASSWORD_LENGTH) maxlength="128"; }
    }
}

fn row(page: &Page, person: &Person) -> Markup {
    let standing = &person.standing;
    let known = [
        ("Practitioner", standing.practitioner.as_slice()),
        ("Patient", standing.patient.as_slice()),
        ("Patient", &standing.acts_for[..]),
        ("Organization", standing.organization.as_slice()),
    ];
    html! {
        li {
            p {
                b { (person.name) } " " (names(page, &person.roles)) " "
                @if person.disabled { span .tag .bad { (page.say(text::DISABLED)) } }
                @else if person.locked_until.is_some() { span .tag .bad { (page.say(text::LOCKED)) } }
                @if person.second_factor { " " span .tag { (page.say(text::TWO_FACTORS)) } }
            }
            p .quiet {
                @for (kind, ids) in known { @for id in ids { span .code { (kind) "/" (id) } " " } }
            }
                details {
                    summary { (page.say(text::MORE)) }
                    form .small-form method="post" action="/accounts" {
                        input type="hidden" name="name" value=(person.name);
                        (fields(page, &person.roles, standing))
                        button name="do" value="save" { (page.say(text::SAVE)) }
                    }
                    form .small-form method="post" action="/accounts" {
                        input type="hidden" name="name" value=(person.name);
                        (password(page))
                        button .quiet-button name="do" value="password" { (page.say(text::RESET_PASSWORD)) }
                    }
                    form .one-row method="post" action="/accounts" {
                        input type="hidden" name="name" value=(person.name);
                        @if person.locked_until.is_some() {
                            button .quiet-button name="do" value="unlock" { (page.say(text::UNLOCK)) }
                        }
                        @if person.second_factor {
                            button .quiet-button name="do" value="reset" { (page.say(text::RESET_SECOND)) }
                        }
                        @if person.disabled {
                            button .quiet-button name="do" value="enable" { (page.say(text::ENABLE)) }
                        } @else {
                            button .quiet-button name="do" value="disable" { (page.say(text::DISABLE)) }
                        }
                    }
                }
        }
    }
}

/// Roles, and who one is in the records.
fn fields(page: &Page, roles: &[Role], standing: &Standing) -> Markup {
    let acts_for = standing.acts_for.join(" ");
    html! {
        fieldset .one-row {
            legend { (page.say(text::ROLES)) }
            @for one in Role::ALL {
                label .check {
                    input type="checkbox" name="role" value=(one) checked[roles.contains(&one)];
                    " " (page.say(role(one)))
                }
            }
        }
        @for (name, words, value) in [
            ("practitioner", text::PRACTITIONER, standing.practitioner.as_deref()),
            ("patient", text::PATIENT, standing.patient.as_deref()),
            ("acts_for", text::ACTS_FOR, Some(acts_for.as_str())),
            ("organization", text::ORGANIZATION, standing.organization.as_deref()),
        ] {
            label { span { (page.say(words)) }
                input name=(name) value=(value.unwrap_or_default()) maxlength="2000" autocomplete="off"; }
        }
    }
}
