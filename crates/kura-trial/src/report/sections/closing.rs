//! Statements in words, methods, and the checklists.

use super::super::checklist::{Checklist, ItemState, statement_title};
use super::super::document::{Block, Section, Table};
use super::strings;
use crate::analysis::TrialResult;
use crate::words::Lang;

pub(in crate::report) fn statements(result: &TrialResult, lang: Lang) -> Option<Section> {
    if result.statements.is_empty() {
        return None;
    }
    let mut section = Section::new(
        "statements",
        lang.pick("責任者による記載", "Statements of those responsible"),
    );
    section.blocks.push(Block::Facts(
        result
            .statements
            .iter()
            .map(|(key, words)| {
                let title = statement_title(key, lang).unwrap_or(key);
                (title.to_owned(), words.get(lang).to_owned())
            })
            .collect(),
    ));
    Some(section)
}

pub(in crate::report) fn methods(result: &TrialResult, lang: Lang) -> Section {
    let mut section = Section::new("methods", lang.pick("統計の方法", "Statistical methods"));
    let clustered = result.cases.largest_cluster > 1;
    let mut items = vec![
        lang.pick(
            "1つの割合：Wilsonのスコア区間（1927）。",
            "One proportion: Wilson's score interval (1927).",
        ),
        lang.pick(
            "AUC：経験的ROC曲線（同順位は1/2）、DeLong法（1988）。",
            "Area under the empirical curve, ties one half: DeLong (1988).",
        ),
        lang.pick(
            "確率の較正：Brierスコア（1950）、Coxの再較正（1958）。",
            "Calibration: Brier score (1950), Cox's recalibration (1958).",
        ),
    ];
    if clustered {
        items.push(lang.pick(
            "患者が複数の症例をもつため：割合はRao–Scott（1992）、AUCはObuchowski（1997）、対応のある差はDurkalski（2003）による患者単位の分散。",
            "Patients have several cases: Rao and Scott (1992) for proportions, Obuchowski (1997) \
             for areas, Durkalski (2003) for paired differences.",
        ));
    }
    if !result.readers.is_empty() {
        items.extend([
            lang.pick(
                "対応のある割合の差：Tangoの区間（1998）、McNemar検定。",
                "Paired proportions: Tango's interval (1998), McNemar's test.",
            ),
            lang.pick(
                "多読影者・多症例：Obuchowski–Rockette（1995）、Hillisの自由度（2007、2014）、Dorfman–Berbaum–Metz（1992）。",
                "Several readers: Obuchowski and Rockette (1995) with Hillis' degrees of freedom \
                 (2007, 2014); Dorfman, Berbaum and Metz (1992).",
            ),
            lang.pick(
                "読影者間の一致：Fleissのκ（1971）。",
                "Agreement between readers: Fleiss' κ (1971).",
            ),
        ]);
    }
    items.push(lang.pick(
        "仮説の判定：両側 1 − 2α の区間による（ICH E9）。",
        "The hypothesis is judged by the two-sided interval of level 1 − 2α (ICH E9).",
    ));
    section.list(strings(&items));
    section.text(lang.pick(
        format!("算出：kura-trial {}", env!("CARGO_PKG_VERSION")),
        format!("Computed by kura-trial {}.", env!("CARGO_PKG_VERSION")),
    ));
    section
}

pub(in crate::report) fn checklist(
    list: &Checklist,
    titles: &[(&'static str, String)],
    lang: Lang,
) -> Section {
    let id = if list.name == "STARD-AI" {
        "stard-ai"
    } else {
        "tripod-ai"
    };
    let mut section = Section::new(
        id,
        lang.pick(
            format!("{} の項目", list.name),
            format!("Items of {}", list.name),
        ),
    );
    let (answered, all) = list.answered();
    section.text(lang.pick(
        format!(
            "{all}項目のうち{answered}項目がこの報告書で答えられ、{}項目が欠けている。",
            all - answered
        ),
        format!(
            "This report answers {answered} of {all} items; {} are missing.",
            all - answered
        ),
    ));
    section.text(list.note.get(lang));
    let place = |section: &str| {
        titles
            .iter()
            .position(|(id, _)| *id == section)
            .map_or_else(String::new, |index| {
                format!("{}. {}", index + 1, titles[index].1)
            })
    };
    let rows = list
        .items
        .iter()
        .map(|item| {
            let (mark, found) = match &item.state {
                ItemState::Shown { section } => ("✓", place(section)),
                ItemState::Missing { statement } => (
                    lang.pick("欠", "missing"),
                    statement.as_deref().map_or_else(String::new, |key| {
                        lang.pick(
                            format!("プロトコルの statements.{key} に記載する"),
                            format!("to be told in statements.{key}"),
                        )
                    }),
                ),
            };
            vec![
                item.id.clone(),
                item.topic.get(lang).to_owned(),
                mark.to_owned(),
                found,
            ]
        })
        .collect();
    section.table(Table {
        caption: lang.pick(
            format!("{}：答えられた項目と欠けている項目", list.name),
            format!("{}: items answered and missing", list.name),
        ),
        head: strings(&[
            lang.pick("番号", "No."),
            lang.pick("項目", "Item"),
            "",
            lang.pick("どこに", "Where"),
        ]),
        rows,
        numbers_from: usize::MAX,
        notes: vec![list.source.clone()],
    });
    section
}
