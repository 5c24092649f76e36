//! The comparison of the question, as a reader study.

use kura_evaluation::mrmc::{Generalization, MrmcAnalysis};

use super::super::document::{Section, Table};
use super::super::wording as w;
use super::{strings, warning_lines};
use crate::analysis::{Computed, LeftOut, StudyAnalysis, StudyComparison, TrialResult};
use crate::words::Lang;

pub(in crate::report) fn study(result: &TrialResult, lang: Lang) -> Option<Section> {
    let first = result.studies.first()?;
    let mut section = Section::new(
        "study",
        match first.comparison {
            StudyComparison::AidedAgainstUnaided => lang.pick(
                "読影者のAIなしとAIあり（多読影者・多症例解析）",
                "Readers without and with the AI (multi-reader multi-case analysis)",
            ),
            StudyComparison::AiAgainstReaders => lang.pick(
                "AIと読影者の平均（多読影者・多症例解析）",
                "The AI and the mean of readers (multi-reader multi-case analysis)",
            ),
        },
    );
    section.text(approach(first, lang));
    let mut rows = Vec::new();
    let mut dbm = Vec::new();
    for study in &result.studies {
        let name = if study.primary {
            lang.pick(
                format!("{}（主要）", w::short(study.figure, lang)),
                format!("{} (primary)", w::short(study.figure, lang)),
            )
        } else {
            w::short(study.figure, lang).to_owned()
        };
        rows.push(row(&name, &study.obuchowski_rockette, lang));
        if let Some(analysis) = &study.dorfman_berbaum_metz {
            dbm.push(row(&name, analysis, lang));
        }
    }
    let (new, reference) = super::summary::arms(result.protocol.question, lang);
    let head = strings(&[
        lang.pick("指標", "Measure"),
        new,
        reference,
        lang.pick("差", "Difference"),
        "F",
        lang.pick("自由度", "df"),
        lang.pick("p（両側）", "p, two-sided"),
    ]);
    section.table(Table {
        caption: lang
            .pick("Obuchowski–Rockette法", "Obuchowski and Rockette")
            .to_owned(),
        head: head.clone(),
        rows,
        numbers_from: 1,
        notes: vec![match first.left_out {
            LeftOut::Cases => lang.pick(
                "共分散は症例を1例ずつ除くジャックナイフ、自由度はHillis（2007）。".to_owned(),
                "Covariance by leaving out one case at a time; Hillis' degrees of freedom (2007)."
                    .to_owned(),
            ),
            LeftOut::Clusters => lang.pick(
                "患者が複数の症例をもつため、共分散は患者を1人ずつ除くジャックナイフによる。"
                    .to_owned(),
                "Patients have several cases, so the covariance leaves out one patient at a time."
                    .to_owned(),
            ),
        }],
    });
    section.table(Table {
        caption: lang
            .pick(
                "Dorfman–Berbaum–Metz法（確認）",
                "Dorfman, Berbaum and Metz (as a check)",
            )
            .to_owned(),
        head,
        rows: dbm,
        numbers_from: 1,
        notes: Vec::new(),
    });
    section.table(components(&result.studies, lang));
    if first.comparison == StudyComparison::AidedAgainstUnaided {
        section.table(per_reader(first, lang));
    }
    let warnings = result
        .studies
        .iter()
        .filter_map(|s| s.obuchowski_rockette.value())
        .flat_map(|a| &a.warnings);
    let lines = warning_lines(warnings, lang);
    if !lines.is_empty() {
        section.heading(lang.pick("注意", "Warnings"));
        section.list(lines);
    }
    Some(section)
}

fn approach(study: &StudyAnalysis, lang: Lang) -> String {
    let extent = study
        .obuchowski_rockette
        .value()
        .map(|a| match a.generalization {
            Generalization::ReadersAndCases => lang.pick(
                "読影者と症例を変量として扱う。",
                "Readers and cases are random.",
            ),
            Generalization::Cases => lang.pick(
                "読影者を固定し、症例を変量として扱う。",
                "Readers are fixed, cases random.",
            ),
            Generalization::Readers => lang.pick(
                "症例を固定し、読影者を変量として扱う。",
                "Cases are fixed, readers random.",
            ),
        })
        .unwrap_or_default();
    match study.comparison {
        StudyComparison::AidedAgainstUnaided => lang.pick(
            format!("同じ読影者が同じ症例を2つの条件で読む完全交差の研究。{extent}"),
            format!("The same readers read the same cases in both conditions. {extent}"),
        ),
        StudyComparison::AiAgainstReaders => lang.pick(
            format!(
                "AIの出力は固定した一つの検査とし、読影者間のばらつきは読影者だけがもつ。各読影者とAIの差を平均する（AIの出力を各読影者と対にしたObuchowski–Rockette解析で、読影者の標本を固定した検査と比べる1標本の解析と同じ）。{extent}"
            ),
            format!(
                "The AI's answers are one fixed test; only readers vary among themselves. The \
                 differences of the AI and each reader are averaged (Obuchowski and Rockette with \
                 the AI's answers beside each reader, which equals the one-sample analysis of \
                 readers against a fixed test). {extent}"
            ),
        ),
    }
}

fn row(name: &str, analysis: &Computed<MrmcAnalysis>, lang: Lang) -> Vec<String> {
    let analysis = match analysis {
        Computed::Value(analysis) => analysis,
        Computed::NotComputed { reason } => {
            let mut row = vec![name.to_owned(), w::not_computed(reason, lang)];
            row.resize(7, w::none());
            return row;
        }
    };
    let mean = |place: usize| {
        analysis
            .modality_means
            .get(place)
            .map_or_else(w::none, |m| w::number(m.interval.estimate))
    };
    vec![
        name.to_owned(),
        mean(0),
        mean(1),
        analysis
            .differences
            .first()
            .map_or_else(w::none, |d| w::difference(&d.interval, lang)),
        analysis
            .f
            .value()
            .map_or_else(w::none, |f| w::digits(*f, 2)),
        format!(
            "{}, {}",
            analysis.numerator_df,
            analysis
                .denominator_df
                .map_or_else(|| "∞".to_owned(), |df| w::digits(df, 2))
        ),
        analysis.p.value().map_or_else(w::none, |p| w::p_value(*p)),
    ]
}

fn components(studies: &[StudyAnalysis], lang: Lang) -> Table {
    let six = |v: f64| w::digits(v, 6);
    let rows = studies
        .iter()
        .filter_map(|s| {
            let c = s.obuchowski_rockette.value()?.components;
            Some(vec![
                w::short(s.figure, lang).to_owned(),
                c.reader.map_or_else(w::none, six),
                c.modality_reader.map_or_else(w::none, six),
                six(c.error),
                six(c.cov1),
                six(c.cov2),
                six(c.cov3),
            ])
        })
        .collect();
    Table {
        caption: lang
            .pick(
                "分散成分（次の試験の例数設計に）",
                "Variance components, to plan the next trial",
            )
            .to_owned(),
        head: strings(&[
            lang.pick("指標", "Measure"),
            lang.pick("読影者", "Reader"),
            lang.pick("条件×読影者", "Condition × reader"),
            lang.pick("誤差", "Error"),
            "Cov1",
            "Cov2",
            "Cov3",
        ]),
        rows,
        numbers_from: 1,
        notes: Vec::new(),
    }
}

fn per_reader(study: &StudyAnalysis, lang: Lang) -> Table {
    let rows = study
        .obuchowski_rockette
        .value()
        .map(|a| {
            a.reader_differences
                .iter()
                .map(|d| {
                    vec![
                        d.reader.clone(),
                        w::difference(&d.interval, lang),
                        d.p.value().map_or_else(w::none, |p| w::p_value(*p)),
                    ]
                })
                .collect()
        })
        .unwrap_or_default();
    Table {
        caption: lang.pick(
            format!(
                "読影者ごとの差（AIあり − AIなし）：{}",
                w::short(study.figure, lang)
            ),
            format!(
                "Each reader, with minus without the AI: {}",
                w::short(study.figure, lang)
            ),
        ),
        head: strings(&[
            lang.pick("読影者", "Reader"),
            lang.pick("差", "Difference"),
            "p",
        ]),
        rows,
        numbers_from: 1,
        notes: vec![
            lang.pick(
                "症例の分散のみによる。多重性は調整していない。",
                "Over cases only, not adjusted for the number of readers.",
            )
            .to_owned(),
        ],
    }
}
