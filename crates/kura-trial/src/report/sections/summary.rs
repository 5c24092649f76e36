//! The answer first, and what stands against it.

use kura_evaluation::margin::Verdict;

use super::super::document::{Block, Section, Tone};
use super::super::findings::{finding_text, severity};
use super::super::wording as w;
use crate::analysis::{Computed, Standing, TrialResult};
use crate::finding::Severity;
use crate::protocol::{HypothesisKind, Question};
use crate::readings::Condition;
use crate::words::Lang;

pub(in crate::report) fn summary(result: &TrialResult, lang: Lang) -> Section {
    let mut section = Section::new("summary", lang.pick("要約", "Summary"));
    let verdict = &result.verdict;
    let kind = w::kind(verdict.kind, lang);
    let title = match (&verdict.test, verdict.met) {
        (Computed::NotComputed { .. }, _) => lang.pick(
            format!("{kind}の仮説は判定できない"),
            format!("The hypothesis of {kind} cannot be judged"),
        ),
        (_, true) if verdict.confirmatory => lang.pick(
            format!("{kind}が示された"),
            format!("{} was shown", w::capitalised(kind)),
        ),
        (_, true) => lang.pick(
            format!(
                "区間は{kind}の基準を満たすが、プロトコルからの逸脱があり、検証的な結論ではない"
            ),
            format!(
                "The interval meets the criterion of {kind}, but the protocol was not kept: \
                 descriptive, not confirmatory"
            ),
        ),
        (_, false) => lang.pick(
            format!("{kind}は示されなかった"),
            format!("{} was not shown", w::capitalised(kind)),
        ),
    };
    section.blocks.push(Block::Note {
        tone: match (verdict.met, verdict.confirmatory) {
            (true, true) => Tone::Good,
            (true, false) => Tone::Warning,
            (false, _) => Tone::Plain,
        },
        title,
        lines: verdict_lines(result, lang),
    });
    let breaches = result
        .findings
        .iter()
        .filter(|f| f.severity() == Severity::Breach)
        .count();
    if breaches > 0 {
        section.blocks.push(Block::Note {
            tone: Tone::Warning,
            title: lang.pick(
                format!("プロトコルからの逸脱 {breaches}件"),
                format!("{breaches} deviation(s) from the protocol"),
            ),
            lines: result
                .findings
                .iter()
                .filter(|f| f.severity() == Severity::Breach)
                .take(4)
                .map(|f| finding_text(f, lang))
                .chain((breaches > 4).then(|| {
                    lang.pick(
                        "すべては次の節に示す。".to_owned(),
                        "All of them stand in the next section.".to_owned(),
                    )
                }))
                .collect(),
        });
    }
    section.blocks.push(Block::Facts(facts(result, lang)));
    section
}

fn verdict_lines(result: &TrialResult, lang: Lang) -> Vec<String> {
    let verdict = &result.verdict;
    let test = match &verdict.test {
        Computed::Value(test) => test,
        Computed::NotComputed { reason } => return vec![w::not_computed(reason, lang)],
    };
    let (new, reference) = arms(result.protocol.question, lang);
    let level = w::level(result.protocol.hypothesis.alpha_one_sided, lang);
    let limits = w::difference(&test.difference, lang);
    let mut lines = vec![lang.pick(
        format!(
            "{}：{new} {}、{reference} {}、差 {limits}（括弧内は{level}）。",
            w::endpoint(verdict.endpoint, lang),
            w::number(test.new),
            w::number(test.reference),
        ),
        format!(
            "{}: {new} {}, {reference} {}, difference {limits} ({level} in brackets).",
            w::endpoint(verdict.endpoint, lang),
            w::number(test.new),
            w::number(test.reference),
        ),
    )];
    let criterion = match verdict.kind {
        HypothesisKind::Superiority => lang.pick(
            "基準：区間の下限が0を上回ること。".to_owned(),
            "Criterion: the lower limit lies above 0.".to_owned(),
        ),
        HypothesisKind::NonInferiority => lang.pick(
            format!(
                "基準：区間の下限が−{}（非劣性マージン）を上回ること。",
                w::chosen(verdict.margin)
            ),
            format!(
                "Criterion: the lower limit lies above −{} (the margin).",
                w::chosen(verdict.margin)
            ),
        ),
    };
    let reading = match (verdict.kind, test.verdict) {
        (HypothesisKind::NonInferiority, Verdict::Superior) => {
            lang.pick("区間全体が0を上回る。", " The whole interval lies above 0.")
        }
        (_, Verdict::Inferior) => lang.pick(
            "区間全体が基準を下回る。",
            " The whole interval lies below the criterion.",
        ),
        _ => "",
    };
    let p = test.p_one_sided.map_or(String::new(), |p| {
        lang.pick(
            format!("片側p値 {}。", w::p_value(p)),
            format!(" One-sided p {}.", w::p_value(p)),
        )
    });
    lines.push(format!("{criterion}{p}{reading}"));
    lines
}

/// Names of the new test and the reference.
pub(super) fn arms(question: Question, lang: Lang) -> (&'static str, &'static str) {
    match question {
        Question::StandAloneAccuracy => ("AI", lang.pick("達成目標", "goal")),
        Question::AiAgainstReaders => (
            "AI",
            lang.pick("読影者（AIなし）の平均", "mean of readers without AI"),
        ),
        Question::ReadersWithoutAgainstWithAi => (
            lang.pick("AIあり", "readers with AI"),
            lang.pick("AIなし", "without AI"),
        ),
    }
}

fn facts(result: &TrialResult, lang: Lang) -> Vec<(String, String)> {
    let cases = result.cases;
    let mut facts = vec![
        (
            lang.pick("問い", "Question").to_owned(),
            w::question(result.protocol.question, lang).to_owned(),
        ),
        (
            lang.pick("症例", "Cases").to_owned(),
            lang.pick(
                format!(
                    "{}例（陽性{}、陰性{}）、患者（単位）{}",
                    cases.analysed, cases.positive, cases.negative, cases.clusters
                ),
                format!(
                    "{} ({} positive, {} negative) of {} patients (clusters)",
                    cases.analysed, cases.positive, cases.negative, cases.clusters
                ),
            ),
        ),
    ];
    if let Some(alone) = &result.stand_alone {
        facts.push((
            lang.pick("AI単独のAUC", "AUC of the AI alone").to_owned(),
            w::computed(&alone.auc, lang, |auc| w::interval(&auc.interval(), lang)),
        ));
        if let Some(point) = alone.operating_points.first() {
            let accuracy = &point.accuracy;
            facts.push((
                lang.pick(
                    format!("AI単独の感度（閾値{}）", w::chosen(point.threshold)),
                    format!("Sensitivity at {}", w::chosen(point.threshold)),
                ),
                w::proportion(&accuracy.sensitivity, lang),
            ));
            facts.push((
                lang.pick(
                    format!("AI単独の特異度（閾値{}）", w::chosen(point.threshold)),
                    format!("Specificity at {}", w::chosen(point.threshold)),
                ),
                w::proportion(&accuracy.specificity, lang),
            ));
        }
    }
    let standings: Vec<Standing> = result
        .readers
        .iter()
        .filter(|r| r.condition == Condition::Unaided)
        .filter_map(|r| r.beside_ai.as_ref()?.standing)
        .collect();
    if !standings.is_empty() {
        let count = |s| standings.iter().filter(|x| **x == s).count();
        facts.push((
            lang.pick("AIと各読影者", "The AI and each reader")
                .to_owned(),
            lang.pick(
                format!(
                    "読影者{}人のうち、AIのROC曲線が上を通る{}人、曲線上{}人、曲線より上にいる{}人",
                    standings.len(),
                    count(Standing::AiAbove),
                    count(Standing::Level),
                    count(Standing::ReaderAbove)
                ),
                format!(
                    "Of {} readers, the AI's ROC curve passes above {}, through {}, and below {}",
                    standings.len(),
                    count(Standing::AiAbove),
                    count(Standing::Level),
                    count(Standing::ReaderAbove)
                ),
            ),
        ));
    }
    facts
}

pub(in crate::report) fn deviations(result: &TrialResult, lang: Lang) -> Section {
    let mut section = Section::new(
        "deviations",
        lang.pick(
            "プロトコルからの逸脱と留意点",
            "Deviations from the protocol, and notes",
        ),
    );
    if result.findings.is_empty() {
        section.text(lang.pick("なし。", "None."));
        return section;
    }
    section.text(lang.pick(
        "「逸脱」が1件でもあれば、仮説の判定は検証的なものとして扱わない。",
        "With a single deviation, the answer to the hypothesis no longer counts as confirmatory.",
    ));
    section.list(
        result
            .findings
            .iter()
            .map(|f| {
                let kind = severity(f.severity(), lang);
                lang.pick(
                    format!("【{kind}】{}", finding_text(f, lang)),
                    format!("{}: {}", w::capitalised(kind), finding_text(f, lang)),
                )
            })
            .collect(),
    );
    section
}
