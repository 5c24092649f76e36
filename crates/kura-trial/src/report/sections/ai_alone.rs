//! The model against the reference standard.

use kura_evaluation::interval::Estimable;
use kura_evaluation::proportion::Proportion;
use kura_evaluation::roc::OperatingPoint;
use kura_evaluation::subgroup::SubgroupReport;
use kura_evaluation::table::RatioEstimate;

use super::super::document::Block;
use super::super::document::{Picture, Section, Table};
use super::super::plot;
use super::super::wording as w;
use super::{strings, warning_lines};
use crate::analysis::{CalibrationResult, Computed, StandAlone, SubgroupSection, TrialResult};
use crate::words::Lang;

pub(in crate::report) fn ai_alone(result: &TrialResult, lang: Lang) -> Option<Section> {
    let alone = result.stand_alone.as_ref()?;
    let level = w::level(result.protocol.hypothesis.alpha_one_sided, lang);
    let mut section = Section::new("ai-alone", lang.pick("AI単独の性能", "The AI alone"));
    section.text(lang.pick(
        format!("括弧内は{level}。割合の区間はWilson法、患者が複数の症例をもつ場合は患者単位で補正した区間。"),
        format!(
            "Brackets hold the {level}. Proportions have Wilson's, corrected for patients with \
             several cases."
        ),
    ));
    section.text(format!(
        "AUC: {}",
        w::computed(&alone.auc, lang, |auc| w::interval(&auc.interval(), lang))
    ));
    if alone.operating_points.is_empty() {
        section.text(lang.pick(
            "プロトコルに閾値がないため、感度・特異度は示さない。",
            "The protocol fixes no threshold, so there is no sensitivity or specificity.",
        ));
    } else {
        section.table(two_by_two(&alone.operating_points, lang));
        section.table(measures(&alone.operating_points, lang));
    }
    // With readers, the curve stands there together with their points.
    if result.readers.iter().all(|r| r.accuracy.is_none()) {
        section.blocks.push(Block::Picture(curve(alone, lang)));
    }
    let warnings = alone
        .auc
        .value()
        .map(|a| a.warnings.as_slice())
        .unwrap_or_default()
        .iter()
        .chain(
            alone
                .operating_points
                .iter()
                .flat_map(|p| &p.accuracy.warnings),
        );
    let lines = warning_lines(warnings, lang);
    if !lines.is_empty() {
        section.heading(lang.pick("注意", "Warnings"));
        section.list(lines);
    }
    calibration(&mut section, &alone.calibration, lang);
    for subgroup in &alone.subgroups {
        section.table(subgroup_table(subgroup, lang));
    }
    Some(section)
}

fn two_by_two(points: &[OperatingPoint], lang: Lang) -> Table {
    Table {
        caption: lang
            .pick("参照標準との分割表", "Against the reference standard")
            .to_owned(),
        head: strings(&[
            lang.pick("閾値", "Threshold"),
            lang.pick("真陽性", "True positive"),
            lang.pick("偽陽性", "False positive"),
            lang.pick("偽陰性", "False negative"),
            lang.pick("真陰性", "True negative"),
        ]),
        rows: points
            .iter()
            .map(|p| {
                let t = p.accuracy.table;
                vec![
                    w::chosen(p.threshold),
                    t.true_positive.to_string(),
                    t.false_positive.to_string(),
                    t.false_negative.to_string(),
                    t.true_negative.to_string(),
                ]
            })
            .collect(),
        numbers_from: 0,
        notes: Vec::new(),
    }
}

fn measures(points: &[OperatingPoint], lang: Lang) -> Table {
    let mut head = vec![lang.pick("指標", "Measure").to_owned()];
    head.extend(points.iter().map(|p| {
        lang.pick(
            format!("閾値{}", w::chosen(p.threshold)),
            format!("at {}", w::chosen(p.threshold)),
        )
    }));
    let row = |name: &str, value: &dyn Fn(&OperatingPoint) -> String| {
        let mut row = vec![name.to_owned()];
        row.extend(points.iter().map(value));
        row
    };
    let ratio = |r: &RatioEstimate| match (&r.interval, &r.ratio) {
        (Estimable::Estimate(i), _) => w::interval(i, lang),
        (_, Estimable::Estimate(value)) => w::number(*value),
        (_, Estimable::NotEstimable { reason }) => w::not_computed(reason, lang),
    };
    Table {
        caption: lang.pick("事前に定めた閾値での性能", "At the thresholds fixed before").to_owned(),
        head,
        rows: vec![
            row(lang.pick("感度", "Sensitivity"), &|p| {
                w::proportion(&p.accuracy.sensitivity, lang)
            }),
            row(lang.pick("特異度", "Specificity"), &|p| {
                w::proportion(&p.accuracy.specificity, lang)
            }),
            row(lang.pick("陽性的中率", "Positive predictive value"), &|p| {
                w::proportion(&p.accuracy.positive_predictive_value, lang)
            }),
            row(lang.pick("陰性的中率", "Negative predictive value"), &|p| {
                w::proportion(&p.accuracy.negative_predictive_value, lang)
            }),
            row(lang.pick("正診率", "Accuracy"), &|p| {
                w::proportion(&Estimable::Estimate(p.accuracy.accuracy.clone()), lang)
            }),
            row(lang.pick("陽性尤度比", "Positive likelihood ratio"), &|p| {
                ratio(&p.accuracy.positive_likelihood_ratio)
            }),
            row(lang.pick("陰性尤度比", "Negative likelihood ratio"), &|p| {
                ratio(&p.accuracy.negative_likelihood_ratio)
            }),
        ],
        numbers_from: 1,
        notes: vec![
            lang.pick(
                "的中率はこの症例セットの有病率でのもので、診療での値ではない。",
                "Predictive values hold at the share of positive cases in this set, not in practice.",
            )
            .to_owned(),
        ],
    }
}

fn curve(alone: &StandAlone, lang: Lang) -> Picture {
    let points: Vec<plot::Point> = alone
        .operating_points
        .iter()
        .filter_map(|p| {
            Some(plot::Point {
                sensitivity: p.accuracy.sensitivity.value()?.estimate,
                specificity: p.accuracy.specificity.value()?.estimate,
                mark: plot::Mark::Ai,
                label: w::chosen(p.threshold),
                joined: false,
            })
        })
        .collect();
    Picture {
        caption: lang.pick("ROC曲線", "ROC curve").to_owned(),
        alternative: lang
            .pick(
                "AIのROC曲線と、事前に定めた閾値の点",
                "ROC curve of the AI with the thresholds fixed before",
            )
            .to_owned(),
        parts: vec![plot::roc(&alone.curve, &points, &axes(lang))],
        legend: vec![
            (
                plot::curve_sample(),
                lang.pick("AIのROC曲線", "ROC curve of the AI").to_owned(),
            ),
            (
                plot::Mark::Ai.sample(),
                lang.pick("事前に定めた閾値", "threshold fixed before")
                    .to_owned(),
            ),
        ],
    }
}

pub(super) fn axes(lang: Lang) -> plot::AxisNames<'static> {
    plot::AxisNames {
        x: lang.pick("1 − 特異度", "1 − specificity"),
        y: lang.pick("感度", "Sensitivity"),
    }
}

fn calibration(section: &mut Section, calibration: &Computed<CalibrationResult>, lang: Lang) {
    section.heading(lang.pick("確率の較正", "Calibration of the probabilities"));
    let result = match calibration {
        Computed::Value(result) => result,
        Computed::NotComputed { reason } => {
            section.text(w::not_computed(reason, lang));
            return;
        }
    };
    let mut rows = vec![vec![
        lang.pick("Brierスコア（0が最良）", "Brier score (0 is best)")
            .to_owned(),
        w::interval(&result.brier.score, lang),
    ]];
    match &result.recalibration {
        Computed::Value(r) => {
            for (name, value) in [
                (
                    lang.pick("較正の傾き（理想1）", "Calibration slope (ideal 1)"),
                    &r.slope,
                ),
                (
                    lang.pick(
                        "全体としての較正（理想0）",
                        "Calibration in the large (ideal 0)",
                    ),
                    &r.calibration_in_the_large,
                ),
            ] {
                rows.push(vec![name.to_owned(), w::interval(value, lang)]);
            }
        }
        Computed::NotComputed { reason } => rows.push(vec![
            lang.pick("較正の傾き", "Calibration slope").to_owned(),
            w::not_computed(reason, lang),
        ]),
    }
    let mut notes = Vec::new();
    if result.clustered {
        notes.push(
            lang.pick(
                "較正の区間は症例を独立とみなしており、狭すぎる。",
                "These intervals count each case as independent and are too narrow.",
            )
            .to_owned(),
        );
    }
    section.table(Table {
        caption: lang
            .pick("Brierスコアと再較正", "Brier score and recalibration")
            .to_owned(),
        head: strings(&[lang.pick("指標", "Measure"), lang.pick("値", "Value")]),
        rows,
        numbers_from: 1,
        notes,
    });
    section.table(Table {
        caption: lang
            .pick(
                "予測確率と観察割合",
                "Predicted probability and observed share",
            )
            .to_owned(),
        head: strings(&[
            lang.pick("予測の範囲", "Predicted, from to"),
            lang.pick("予測の平均", "Mean predicted"),
            lang.pick("観察割合", "Observed"),
        ]),
        rows: result
            .reliability
            .bins
            .iter()
            .map(|bin| {
                vec![
                    format!("{}–{}", w::number(bin.lowest), w::number(bin.highest)),
                    w::number(bin.mean_predicted),
                    w::proportion(&Estimable::Estimate(bin.observed.clone()), lang),
                ]
            })
            .collect(),
        numbers_from: 0,
        notes: Vec::new(),
    });
}

fn subgroup_table(subgroup: &SubgroupSection, lang: Lang) -> Table {
    let empty_name = lang.pick("記録なし", "not recorded");
    let names: Vec<String> = subgroup
        .auc
        .value()
        .map(|report| report.rows.iter().map(|r| r.subgroup.clone()).collect())
        .unwrap_or_default();
    let proportion = |report: &Option<Computed<SubgroupReport<Proportion>>>, name: &str| {
        let Some(report) = report else {
            return w::none();
        };
        w::computed(report, lang, |report| {
            match report.rows.iter().find(|r| r.subgroup == name) {
                Some(row) => {
                    let mut text = w::proportion(&row.result, lang);
                    if let Some(p) = row.adjusted_p {
                        text.push_str(&format!(", p {}", w::p_value(p)));
                    }
                    text
                }
                None => w::none(),
            }
        })
    };
    let rows = names
        .iter()
        .map(|name| {
            let auc = subgroup
                .auc
                .value()
                .and_then(|report| report.rows.iter().find(|r| &r.subgroup == name));
            let auc_text = auc.map_or_else(w::none, |row| match &row.result {
                Estimable::Estimate(auc) => {
                    let mut text = w::interval(&auc.interval(), lang);
                    if let Some(p) = row.adjusted_p {
                        text.push_str(&format!(", p {}", w::p_value(p)));
                    }
                    text
                }
                Estimable::NotEstimable { .. } => lang
                    .pick("陽性か陰性が少なすぎる", "too few of one kind")
                    .to_owned(),
            });
            let shown = if name.is_empty() { empty_name } else { name };
            vec![
                shown.to_owned(),
                auc.map_or_else(w::none, |r| r.observations.to_string()),
                auc_text,
                proportion(&subgroup.sensitivity, name),
                proportion(&subgroup.specificity, name),
            ]
        })
        .collect();
    let mut notes =
        vec![lang.pick(
        "pは他のすべてに対するもので、多重性を調整した（閾値は動作点）。".to_owned(),
        "p: against all others, adjusted for multiplicity; sensitivity and specificity at the \
         operating point."
            .to_owned(),
    )];
    let heterogeneity = subgroup.auc.value().and_then(|r| r.heterogeneity.value());
    if let Some(h) = heterogeneity {
        notes.push(lang.pick(
            format!(
                "AUCの異質性：χ² {}（自由度{}）、p {}。",
                w::digits(h.chi_square, 2),
                h.df,
                w::p_value(h.p)
            ),
            format!(
                "Heterogeneity of the areas: χ² {} on {} degrees of freedom, p {}.",
                w::digits(h.chi_square, 2),
                h.df,
                w::p_value(h.p)
            ),
        ));
    }
    Table {
        caption: lang.pick(
            format!("サブグループ：{}", subgroup.column),
            format!("Subgroups by {}", subgroup.column),
        ),
        head: strings(&[
            lang.pick("値", "Value"),
            lang.pick("症例", "Cases"),
            "AUC",
            lang.pick("感度", "Sensitivity"),
            lang.pick("特異度", "Specificity"),
        ]),
        rows,
        numbers_from: 1,
        notes,
    }
}
