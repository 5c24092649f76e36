use axum::extract::State;
use axum::response::Response;
use kura_service::access;
use maud::{Markup, html};

use super::words as text;
use crate::App;
use crate::ui::page::Page;
use crate::ui::text::Lang;

/// The rules by which everybody may do what they may: no secret to anybody who is signed in.
pub(crate) async fn rules(State(app): State<App>, page: Page) -> Response {
    let rules = access::rules(&app.bank);
    let body: Markup = html! {
        h1 { (page.say(text::RULES)) }
        p .quiet { (page.say(text::RULES_LONG)) }
        ol .rules {
            @for rule in &rules {
                li {
                    p {
                        span .tag .bad[!rule.permits] {
                            (page.say(if rule.permits { text::PERMITS } else { text::FORBIDS }))
                        }
                        " "
                        @match page.lang { Lang::Ja => (rule.ja), Lang::En => (rule.en) }
                    }
                    p .quiet { code { (rule.id) } " · " (page.say(text::SOURCE)) ": " span lang="ja" { (rule.source) } }
                    details {
                        summary { (page.say(text::AS_WRITTEN)) }
                        pre { code { (rule.text) } }
                    }
                }
            }
        }
    };
    page.whole(page.say(text::RULES), &body)
}
