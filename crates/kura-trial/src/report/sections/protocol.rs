//! What was fixed before.

use super::super::document::{Block, Section};
use super::super::wording as w;
use crate::analysis::TrialResult;
use crate::protocol::{HypothesisKind, MissingReadings};
use crate::readings::Condition;
use crate::words::Lang;

pub(in crate::report) fn protocol(result: &TrialResult, lang: Lang) -> Section {
    let p = &result.protocol;
    let mut section = Section::new(
        "protocol",
        lang.pick("事前に定めたこと", "What was fixed before"),
    );
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    let text = |words: &crate::words::Words| words.get(lang).to_owned();
    add(
        lang.pick("意図する用途", "Intended use"),
        text(&p.intended_use),
    );
    add(
        lang.pick("対象とする状態（陽性）", "Target condition (positive)"),
        text(&p.target_condition),
    );
    add(
        lang.pick("参照標準", "Reference standard"),
        text(&p.reference_standard),
    );
    add(
        lang.pick("問い", "Question"),
        w::question(p.question, lang).to_owned(),
    );
    add(
        lang.pick("主要評価項目", "Primary endpoint"),
        w::endpoint(p.endpoint, lang).to_owned(),
    );
    add(lang.pick("仮説", "Hypothesis"), hypothesis(result, lang));
    add(
        lang.pick("有意水準と検出力", "Error and power"),
        lang.pick(
            format!(
                "片側α {}、検出力 {}；区間は両側{}",
                w::chosen(p.hypothesis.alpha_one_sided),
                w::chosen(p.hypothesis.power),
                w::level(p.hypothesis.alpha_one_sided, lang)
            ),
            format!(
                "one-sided α {}, power {}; two-sided {}s",
                w::chosen(p.hypothesis.alpha_one_sided),
                w::chosen(p.hypothesis.power),
                w::level(p.hypothesis.alpha_one_sided, lang)
            ),
        ),
    );
    if !p.thresholds.ai.is_empty() {
        let list: Vec<String> = p.thresholds.ai.iter().map(|t| w::chosen(*t)).collect();
        add(
            lang.pick(
                "AIの閾値（最初が動作点）",
                "Thresholds of the AI (the first is its operating point)",
            ),
            format!(
                "{}{}",
                list.join(", "),
                lang.pick("（確率がこれ以上で陽性）", " (positive at or above)")
            ),
        );
    }
    if let Some(t) = p.thresholds.reader {
        add(
            lang.pick("読影者のスコアの閾値", "Threshold of readers' scores"),
            w::chosen(t),
        );
    }
    if let Some(scale) = &p.scale {
        let labels: Vec<&str> = scale.labels.iter().map(|words| words.get(lang)).collect();
        add(
            lang.pick("読影者のスコア", "Readers' scores"),
            lang.pick(
                format!(
                    "{}〜{}の整数 {}",
                    scale.lowest,
                    scale.highest,
                    labels.join("、")
                ),
                format!(
                    "whole numbers from {} to {} {}",
                    scale.lowest,
                    scale.highest,
                    labels.join(", ")
                ),
            )
            .trim_end()
            .to_owned(),
        );
    }
    if p.question.has_readers() {
        add(
            lang.pick("一般化の範囲", "Meant to extend to"),
            w::extent(p.hypothesis.extends_to, lang).to_owned(),
        );
    }
    if let Some(days) = p.wash_out_days {
        add(
            lang.pick("ウォッシュアウト期間", "Wash-out"),
            lang.pick(format!("{days}日以上"), format!("at least {days} days")),
        );
    }
    if let Some(seed) = p.reading_order_seed {
        add(
            lang.pick("読影順", "Order of reading"),
            lang.pick(
                format!("読影者・条件ごとに無作為（シード {seed}）"),
                format!("random for each reader and condition (seed {seed})"),
            ),
        );
    }
    if let Some(first) = p.first_condition {
        add(
            lang.pick("先に読む条件", "Read first"),
            match first {
                Condition::Unaided => lang.pick("AIなし", "without the AI"),
                Condition::Aided => lang.pick("AIあり", "with the AI"),
            }
            .to_owned(),
        );
    }
    add(
        lang.pick("最低数", "At least"),
        lang.pick(
            format!(
                "{}例、うち陽性{}例{}",
                p.minimum.cases,
                p.minimum.positive_cases,
                if p.question.has_readers() {
                    format!("、読影者{}人", p.minimum.readers)
                } else {
                    String::new()
                }
            ),
            format!(
                "{} cases, {} of them positive{}",
                p.minimum.cases,
                p.minimum.positive_cases,
                if p.question.has_readers() {
                    format!(", {} readers", p.minimum.readers)
                } else {
                    String::new()
                }
            ),
        ),
    );
    add(
        lang.pick("欠測の扱い", "Missing readings or answers"),
        match p.missing {
            MissingReadings::Refuse => lang.pick(
                "1件でもあれば解析しない".to_owned(),
                "no analysis where any is missing".to_owned(),
            ),
            MissingReadings::CompleteCases => lang.pick(
                "欠けた症例を全員の解析から除き、数を示す".to_owned(),
                "the case is left out for everyone, and the number shown".to_owned(),
            ),
        },
    );
    if !p.subgroups.columns.is_empty() {
        add(
            lang.pick("サブグループ", "Subgroups"),
            lang.pick(
                format!(
                    "{}（{}人未満は数のみ示す）",
                    p.subgroups.columns.join("、"),
                    p.subgroups.smallest
                ),
                format!(
                    "{} (fewer than {} patients: only their number)",
                    p.subgroups.columns.join(", "),
                    p.subgroups.smallest
                ),
            ),
        );
    }
    add(
        lang.pick("固定した日と人", "Fixed on, by"),
        format!("{}, {}", p.fixed_on, p.fixed_by),
    );
    add(
        lang.pick("プロトコルのハッシュ", "Hash of the protocol"),
        result.protocol_hash.to_string(),
    );
    add(
        lang.pick("症例セットのハッシュ", "Hash of the cases"),
        result.case_set_hash.to_string(),
    );
    section.blocks.push(Block::Facts(facts));
    if !p.exclusion_rules.is_empty() {
        section.heading(lang.pick("除外規則", "Rules of exclusion"));
        section.list(p.exclusion_rules.iter().map(text).collect());
    }
    section
}

fn hypothesis(result: &TrialResult, lang: Lang) -> String {
    let h = &result.protocol.hypothesis;
    let (new, reference) = super::summary::arms(result.protocol.question, lang);
    let reference = match h.goal {
        Some(goal) => format!("{reference} {}", w::chosen(goal)),
        None => reference.to_owned(),
    };
    match h.kind {
        HypothesisKind::Superiority => lang.pick(
            format!("優越性：{new}は{reference}を上回る"),
            format!("superiority: {new} above {reference}"),
        ),
        HypothesisKind::NonInferiority => {
            let margin = w::chosen(h.margin.unwrap_or_default());
            lang.pick(
                format!("非劣性：{new}は{reference}に劣らない（マージン {margin}）"),
                format!("non-inferiority: {new} not below {reference} by the margin of {margin}"),
            )
        }
    }
}
