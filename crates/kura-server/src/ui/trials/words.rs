//! Conditions, questions and openings in the reader's words.

use kura_service::dashboard::local_time;
use kura_service::trial::{
    self, Endpoint, HypothesisKind, Opening, Question, ReadingCondition, Words,
};

use crate::ui::page::Page;
use crate::ui::text::{self, Lang, Text};

pub(super) fn lang(page: &Page) -> trial::Lang {
    match page.lang {
        Lang::Ja => trial::Lang::Ja,
        Lang::En => trial::Lang::En,
    }
}

/// A text of the protocol in the page's language.
pub(super) fn of<'a>(page: &Page, words: &'a Words) -> &'a str {
    words.get(lang(page))
}

pub(super) fn condition(condition: ReadingCondition) -> Text {
    match condition {
        ReadingCondition::Unaided => text::CONDITION_UNAIDED,
        ReadingCondition::Aided => text::CONDITION_AIDED,
    }
}

pub(super) fn question(question: Question) -> Text {
    match question {
        Question::StandAloneAccuracy => text::QUESTION_ALONE,
        Question::AiAgainstReaders => text::QUESTION_AGAINST,
        Question::ReadersWithoutAgainstWithAi => text::QUESTION_WITH,
    }
}

pub(super) fn endpoint(endpoint: Endpoint) -> Text {
    match endpoint {
        Endpoint::Auc => text::ENDPOINT_AUC,
        Endpoint::Sensitivity => text::ENDPOINT_SENSITIVITY,
        Endpoint::Specificity => text::ENDPOINT_SPECIFICITY,
        Endpoint::Accuracy => text::ENDPOINT_ACCURACY,
    }
}

pub(super) fn hypothesis(kind: HypothesisKind) -> Text {
    match kind {
        HypothesisKind::Superiority => text::HYPOTHESIS_SUPERIOR,
        HypothesisKind::NonInferiority => text::HYPOTHESIS_NOT_INFERIOR,
    }
}

/// Why a condition is not open; nothing where it is.
pub(super) fn opening(page: &Page, opening: Opening) -> Option<String> {
    Some(
        page.say(match opening {
            Opening::Open => return None,
            Opening::From(day) => {
                return Some(match page.lang {
                    Lang::Ja => format!("{day} {}", page.say(text::OPENING_FROM)),
                    Lang::En => format!("{} {day}", page.say(text::OPENING_FROM)),
                });
            }
            Opening::Read => text::OPENING_READ,
            Opening::OtherFirst => text::OPENING_OTHER,
            Opening::Closed => text::TRIAL_CLOSED,
            Opening::NotAsked => text::OPENING_NOT_ASKED,
            Opening::NoAnswers => text::OPENING_NO_ANSWERS,
            Opening::NoScale => text::OPENING_NO_SCALE,
        })
        .to_owned(),
    )
}

/// `2026-04-01 09:30` of an instant, in Japan.
pub(super) fn when(instant: &str) -> String {
    kura_fhir::date::range(instant).map_or_else(String::new, |(low, _)| local_time(low * 1000))
}
