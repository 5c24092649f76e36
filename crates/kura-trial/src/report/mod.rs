//! The report: one document, as an HTML page or as Markdown, in Japanese or English.

mod checklist;
mod document;
mod findings;
mod html;
mod markdown;
mod plot;
mod sections;
mod wording;

pub use checklist::{Checklist, ChecklistItem, ItemState, checklists, statement_keys};
pub(crate) use findings::finding_text;

use crate::analysis::TrialResult;
use crate::words::Lang;
use document::Document;

/// A self-contained page: no script, nothing loaded from elsewhere; prints to A4.
pub fn report_html(result: &TrialResult, lang: Lang) -> String {
    html::page(&document(result, lang), lang)
}

/// The same as Markdown; drawings are described, their numbers stand in tables.
pub fn report_markdown(result: &TrialResult, lang: Lang) -> String {
    markdown::text(&document(result, lang))
}

fn document(result: &TrialResult, lang: Lang) -> Document {
    let protocol = &result.protocol;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut sections = vec![
        sections::summary(result, lang),
        sections::deviations(result, lang),
        sections::protocol(result, lang),
        sections::cases(result, lang),
    ];
    sections.extend(sections::ai_alone(result, lang));
    sections.extend(sections::readers(result, lang));
    sections.extend(sections::study(result, lang));
    sections.extend(sections::statements(result, lang));
    sections.push(sections::methods(result, lang));
    let titles: Vec<(&'static str, String)> =
        sections.iter().map(|s| (s.id, s.title.clone())).collect();
    for list in checklists(result) {
        sections.push(sections::checklist(&list, &titles, lang));
    }
    Document {
        title: protocol.title.get(lang).to_owned(),
        subtitle: vec![
            row(
                lang.pick("文書", "Document"),
                lang.pick(
                    "性能評価試験 結果報告書",
                    "Clinical performance test, report of results",
                )
                .to_owned(),
            ),
            row(
                lang.pick("AI", "AI"),
                format!("{} {}", protocol.model.name, protocol.model.version),
            ),
            row(
                lang.pick("プロトコル固定", "Protocol fixed"),
                format!("{}, {}", protocol.fixed_on, protocol.fixed_by),
            ),
        ],
        sections,
    }
}
