//! The summary: what was chosen, what a training would begin with, the file, and the start.

use kura_service::models::wizard::{
    Aim, Foreseen, LearnerKind, Part, Short, Start, Strength, TryOut,
};
use maud::{Markup, html};

use super::features::{take, window};
use super::steps::{NAMES, code_words};
use super::{Shown, Summary, text};
use crate::ui::page::{Page, half, thousands};
use crate::ui::text as words;
use crate::ui::text::Text;

pub(super) fn body(page: &Page, shown: &Shown) -> Markup {
    let Some(summary) = &shown.summary else {
        return html! {};
    };
    let ready = summary.tried.as_ref().is_ok_and(TryOut::ready);
    html! {
        section .wizard-step {
            h2 { "6. " (page.say(NAMES[5])) }
            @if let Some(refused) = &summary.refused {
                div .refusal role="alert" { p { b { (page.say(text::TRAINING_FAILED)) } } p lang="en" { (refused) } }
            }
            (chosen(page, shown))
            (tried(page, summary))
            section .panel {
                h2 { (page.say(text::TRAIN_NOW)) }
                p .quiet { (page.say(text::TRAIN_NOW_LONG)) }
                p { button name="go" value="train" disabled[!ready] data-off[!ready] { (page.say(text::TRAIN_NOW)) } }
            }
            section .wizard-file {
                h2 { (page.say(text::SPECIFICATION)) }
                p .quiet { (page.say(text::SPECIFICATION_LONG)) }
                p { button .quiet-button name="go" value="save" { (page.say(text::SAVE)) " (train-" (shown.draft.name) ".toml)" } }
                pre { code { "kura train train-" (shown.draft.name) ".toml --bank … --out " (shown.draft.name) } }
                details {
                    summary { "train-" (shown.draft.name) ".toml" }
                    pre .bytes #toml tabindex="0" { (summary.toml) }
                }
            }
        }
    }
}

fn chosen(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let change = |step: u8| {
        html! { button .quiet name="go" value={ "step:" (step) } aria-label={ (page.say(text::CHANGE)) ": " (page.say(NAMES[usize::from(step) - 1])) } { (page.say(text::CHANGE)) } }
    };
    let set = shown.survey.as_ref().map(|survey| &survey.set);
    html! {
        dl .facts.chosen {
            dt { (page.say(NAMES[0])) } dd { b { (half(page, &draft.title())) } " " span .code { (draft.name) } p .quiet { (half(page, &draft.intended_use())) } (change(1)) }
            dt { (page.say(NAMES[1])) } dd { @if let Some(set) = set { (half(page, &set.title)) " " span .code { (set.name) } } " " (change(2)) }
            dt { (page.say(NAMES[2])) } dd { p { (case(page, shown)) } p { (half(page, &draft.outcome_name())) } (change(3)) }
            dt { (page.say(NAMES[3])) } dd { (material(page, shown)) (change(4)) }
            dt { (page.say(NAMES[4])) } dd { (method(page, shown)) " " (change(5)) }
        }
    }
}

fn case(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    html! {
        @match draft.start {
            Start::Admission => { (page.say(text::START_ADMISSION)) ": " (draft.after_hours.unwrap_or_default()) " " (page.say(text::WINDOW_HOURS)) }
            Start::Measurement => {
                (page.say(text::START_MEASUREMENT)) ": " @if let Some(code) = &draft.case_code { (code_words(page, code)) }
                @if draft.daily { " · " (page.say(text::DAILY)) }
            }
            Start::Series => { (page.say(text::START_SERIES)) ": " (draft.modality) }
        }
        @if draft.foreseen == Foreseen::Condition && draft.new_only && draft.start != Start::Series { " · " (page.say(text::NEW_ONLY)) }
    }
}

fn material(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    html! {
        @if draft.takes_image() {
            p { (page.say(text::MATERIAL_IMAGE)) ": " (draft.pixels.unwrap_or_default()) " × " (draft.pixels.unwrap_or_default()) ", "
                (draft.low.unwrap_or_default()) " – " (draft.high.unwrap_or_default()) }
        } @else {
            ul .plain {
                @for one in &draft.features {
                    li { (code_words(page, &one.code)) " · " (take(page, one.take)) " · " (window(page, one.hours)) }
                }
                @if draft.age { li { (page.say(text::AGE)) } }
                @if draft.sex { li { (page.say(text::SEX)) } }
            }
        }
    }
}

fn method(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let learner = match draft.learner {
        LearnerKind::Logistic => words::LEARNER_LOGISTIC,
        LearnerKind::Trees => words::LEARNER_TREES,
    };
    let strength = match draft.strength {
        Strength::Weak => text::STRENGTH_WEAK,
        Strength::Medium => text::STRENGTH_MEDIUM,
        Strength::Strong => text::STRENGTH_STRONG,
    };
    let aim = match draft.aim {
        Aim::Sensitivity => words::MEASURE_SENSITIVITY,
        Aim::Specificity => words::MEASURE_SPECIFICITY,
    };
    html! {
        ul .plain {
            li { (page.say(learner)) " · " (page.say(text::STRENGTH)) ": " (page.say(strength)) }
            li { (page.say(aim)) " " (draft.share.unwrap_or_default()) " %" }
            li { (page.say(text::FOLDS)) ": " (draft.folds.unwrap_or_default()) " · " (page.say(text::TEST_SHARE)) ": " (draft.test_share.unwrap_or_default()) }
        }
    }
}

fn tried(page: &Page, summary: &Summary) -> Markup {
    html! {
        section .panel #tried {
            h2 { (page.say(text::TRIED)) }
            @match &summary.tried {
                Err(message) => { div .refusal role="alert" { p { b { (page.say(text::TOO_FEW)) } } p lang="en" { (message) } } }
                Ok(tried) => {
                    p .quiet { (page.say(text::TRIED_LONG)) }
                    @if tried.whole.cases > 0 { (parts(page, tried)) }
                    (verdict(page, tried))
                    (left_out(page, tried))
                    (missing(page, tried))
                    (findings(page, tried))
                }
            }
        }
    }
}

fn parts(page: &Page, tried: &TryOut) -> Markup {
    let part = |name: Text, part: Part| {
        html! { tr { th scope="row" { (page.say(name)) }
        td .number { (thousands(part.patients)) } td .number { (thousands(part.cases)) } td .number { (thousands(part.positive)) } } }
    };
    html! {
        table .compact.narrow #parts {
            thead { tr { th { span .hidden { (page.say(text::PART)) } } th .number { (page.say(text::PATIENTS)) } th .number { (page.say(text::CASES)) } th .number { (page.say(text::POSITIVE)) } } }
            tbody {
                (part(text::PART_WHOLE, tried.whole))
                @if tried.training.cases > 0 {
                    (part(text::PART_TRAINING, tried.training))
                    (part(text::PART_TEST, tried.test))
                }
            }
        }
    }
}

fn verdict(page: &Page, tried: &TryOut) -> Markup {
    let name = |what: Short| match what {
        Short::Cases => text::SHORT_CASES,
        Short::Outcomes => text::SHORT_OUTCOMES,
        Short::Patients => text::SHORT_PATIENTS,
        Short::PositivePatients => text::SHORT_POSITIVE,
        Short::NegativePatients => text::SHORT_NEGATIVE,
        Short::TestOutcomes => text::SHORT_TEST,
    };
    html! {
        @if tried.ready() {
            p .verdict #enough { b { (page.say(text::ENOUGH)) } }
        } @else if !tried.too_few.is_empty() {
            div .verdict.bad role="alert" #too-few {
                p { b { (page.say(text::TOO_FEW)) } }
                ul { @for one in &tried.too_few {
                    li { (page.say(name(one.what))) ": " (page.say(text::FOUND)) " " (thousands(one.found)) ", " (page.say(text::NEEDED)) " " (thousands(one.needed)) }
                } }
                p .quiet { (page.say(text::TOO_FEW_LONG)) }
            }
        }
    }
}

fn left_out(page: &Page, tried: &TryOut) -> Markup {
    let all = [
        (text::LEFT_UNOBSERVED, tried.unobserved),
        (text::LEFT_UNJUDGED, tried.unjudged),
        (text::LEFT_WITHOUT_IMAGE, tried.without_image),
    ];
    html! {
        @if all.iter().any(|(_, count)| *count > 0) {
            p { (page.say(text::LEFT_OUT)) ": "
                @for (at, (why, count)) in all.iter().filter(|(_, count)| *count > 0).enumerate() {
                    @if at > 0 { ", " } (page.say(*why)) " " (thousands(*count))
                }
            }
        }
    }
}

fn missing(page: &Page, tried: &TryOut) -> Markup {
    html! {
        @if !tried.missing.is_empty() {
            h3 { (page.say(text::MISSING)) }
            table .compact.narrow {
                tbody { @for (name, share) in &tried.missing {
                    tr { th scope="row" .code { (crate::ui::models::words::name(name)) } td .number { (format!("{:.0} %", share * 100.0)) } }
                } }
            }
        }
    }
}

fn findings(page: &Page, tried: &TryOut) -> Markup {
    html! {
        @if !tried.findings.is_empty() {
            h3 { (page.say(text::FINDINGS)) }
            ul .remarks {
                @for (rule, feature, detail, fatal) in &tried.findings {
                    li {
                        @if *fatal { b .bad { (page.say(text::FATAL)) } " " }
                        span .code { (rule) @if let Some(feature) = feature { " " (feature) } } " " span lang="en" { (detail) }
                    }
                }
            }
        }
    }
}
