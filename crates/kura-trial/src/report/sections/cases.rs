//! How many cases there are, and how many were needed.

use super::super::document::{Section, Table};
use super::strings;
use crate::analysis::TrialResult;
use crate::words::Lang;

pub(in crate::report) fn cases(result: &TrialResult, lang: Lang) -> Section {
    let c = result.cases;
    let mut section = Section::new(
        "cases",
        lang.pick("症例と必要例数", "Cases and sample size"),
    );
    let mut rows = vec![
        vec![
            lang.pick("固定した症例", "Locked cases").to_owned(),
            c.locked.to_string(),
        ],
        vec![
            lang.pick(
                "欠測のため除いた症例",
                "Left out for missing readings or answers",
            )
            .to_owned(),
            c.left_out.to_string(),
        ],
        vec![
            lang.pick("解析した症例", "Analysed").to_owned(),
            c.analysed.to_string(),
        ],
        vec![
            lang.pick("　うち陽性", "  positive").to_owned(),
            c.positive.to_string(),
        ],
        vec![
            lang.pick("　うち陰性", "  negative").to_owned(),
            c.negative.to_string(),
        ],
        vec![
            lang.pick("患者（独立した単位）", "Patients (independent units)")
                .to_owned(),
            c.clusters.to_string(),
        ],
        vec![
            lang.pick("1人あたり最大の症例数", "Most cases of one patient")
                .to_owned(),
            c.largest_cluster.to_string(),
        ],
    ];
    if let Some(sites) = c.sites {
        rows.push(vec![
            lang.pick("施設", "Sites").to_owned(),
            sites.to_string(),
        ]);
    }
    section.table(Table {
        caption: lang.pick("症例の流れ", "Flow of the cases").to_owned(),
        head: strings(&[lang.pick("段階", "Step"), lang.pick("数", "Number")]),
        rows,
        numbers_from: 1,
        notes: Vec::new(),
    });
    let size = &result.sample_size;
    let Some(needed) = size.needed else {
        section.text(lang.pick(
            "プロトコルに仮定値がないため、必要例数は算出していない。",
            "The protocol gives no assumptions, so no sample size was calculated.",
        ));
        return section;
    };
    let rows = [
        (lang.pick("全体", "All"), needed.all, size.has.all),
        (
            lang.pick("陽性", "Positive"),
            needed.positive,
            size.has.positive,
        ),
        (
            lang.pick("陰性", "Negative"),
            needed.negative,
            size.has.negative,
        ),
        (
            lang.pick("読影者", "Readers"),
            needed.readers,
            size.has.readers,
        ),
    ]
    .into_iter()
    .filter(|(_, needs, _)| *needs > 0)
    .map(|(name, needs, has)| {
        vec![
            name.to_owned(),
            needs.to_string(),
            has.to_string(),
            if has >= needs {
                lang.pick("充足", "enough").to_owned()
            } else {
                lang.pick("不足", "too few").to_owned()
            },
        ]
    })
    .collect();
    section.table(Table {
        caption: lang
            .pick(
                "必要例数と実数（独立した単位で数える）",
                "Sample size, in independent units",
            )
            .to_owned(),
        head: strings(&[
            lang.pick("対象", "Of"),
            lang.pick("必要", "Needed"),
            lang.pick("実数", "Present"),
            lang.pick("判定", ""),
        ]),
        rows,
        numbers_from: 1,
        notes: vec![lang.pick(
            format!("プロトコルの仮定値から算出した（{}）。", size.method),
            format!("From the assumptions of the protocol ({}).", size.method),
        )],
    });
    section
}
