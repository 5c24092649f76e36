//! Words, numbers and intervals in both languages.

use kura_evaluation::interval::{Estimable, Interval};
use kura_evaluation::proportion::Proportion;
use kura_evaluation::warning::Warning;

use crate::analysis::Computed;
use crate::protocol::{Endpoint, Extent, HypothesisKind, Question};
use crate::readings::Condition;
use crate::words::Lang;

/// Three digits, a true minus sign.
pub(super) fn number(value: f64) -> String {
    digits(value, 3)
}

pub(super) fn digits(value: f64, count: usize) -> String {
    let text = format!("{value:.count$}");
    // −0.000 is 0.000.
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A number somebody chose, as it was written: 0.5, not 0.500.
pub(super) fn chosen(value: f64) -> String {
    let text = format!("{value}");
    text.strip_prefix('-')
        .map_or_else(|| text.clone(), |rest| format!("−{rest}"))
}

/// A difference carries its sign.
pub(super) fn signed(value: f64) -> String {
    // On which side of 0 a limit lies is what a verdict rests on.
    let near_zero = value != 0.0 && value.abs() < 0.0005;
    let text = digits(value, if near_zero { 5 } else { 3 });
    if text.starts_with('−') || text.chars().all(|c| c == '0' || c == '.') {
        text
    } else {
        format!("+{text}")
    }
}

pub(super) fn p_value(p: f64) -> String {
    if p < 0.0001 {
        "<0.0001".to_owned()
    } else if p < 0.1 {
        format!("{p:.4}")
    } else {
        format!("{p:.3}")
    }
}

fn range(lower: String, upper: String, lang: Lang) -> String {
    format!("{lower}{}{upper}", lang.pick("〜", " to "))
}

/// 0.891 (0.782 to 0.949)
pub(super) fn interval(i: &Interval, lang: Lang) -> String {
    let limits = range(number(i.lower), number(i.upper), lang);
    lang.pick(
        format!("{}（{limits}）", number(i.estimate)),
        format!("{} ({limits})", number(i.estimate)),
    )
}

/// +0.044 (−0.000 to +0.088)
pub(super) fn difference(i: &Interval, lang: Lang) -> String {
    let limits = range(signed(i.lower), signed(i.upper), lang);
    lang.pick(
        format!("{}（{limits}）", signed(i.estimate)),
        format!("{} ({limits})", signed(i.estimate)),
    )
}

/// 49/55, 0.891 (…)
pub(super) fn proportion(p: &Estimable<Proportion>, lang: Lang) -> String {
    match p {
        Estimable::Estimate(p) => {
            let counts = format!("{}/{}", p.numerator, p.denominator);
            lang.pick(
                format!("{}　{counts}", interval(&p.interval(), lang)),
                format!("{}, {counts}", interval(&p.interval(), lang)),
            )
        }
        Estimable::NotEstimable { reason } => not_computed(reason, lang),
    }
}

pub(super) fn computed<T>(
    value: &Computed<T>,
    lang: Lang,
    show: impl FnOnce(&T) -> String,
) -> String {
    match value {
        Computed::Value(value) => show(value),
        Computed::NotComputed { reason } => not_computed(reason, lang),
    }
}

/// The reason where nothing could be computed.
pub(super) fn not_computed(reason: &str, lang: Lang) -> String {
    let reason = self::reason(reason, lang);
    lang.pick(
        format!("算出不能（{reason}）"),
        format!("not computed ({reason})"),
    )
}

pub(super) fn none() -> String {
    super::document::NOTHING.to_owned()
}

pub(super) fn level(alpha_one_sided: f64, lang: Lang) -> String {
    let text = format!("{:.1}", 100.0 * (1.0 - 2.0 * alpha_one_sided));
    let text = text.strip_suffix(".0").unwrap_or(&text).to_owned();
    lang.pick(
        format!("{text}%信頼区間"),
        format!("{text}% confidence interval"),
    )
}

pub(super) fn question(question: Question, lang: Lang) -> &'static str {
    match question {
        Question::StandAloneAccuracy => lang.pick("AI単独の性能", "Accuracy of the AI alone"),
        Question::AiAgainstReaders => lang.pick(
            "AI単独と読影者（AIなし）の比較",
            "The AI alone against readers without it",
        ),
        Question::ReadersWithoutAgainstWithAi => lang.pick(
            "読影者のAIなしとAIありの比較",
            "The same readers without against with the AI",
        ),
    }
}

pub(super) fn endpoint(endpoint: Endpoint, lang: Lang) -> &'static str {
    match endpoint {
        Endpoint::Auc => lang.pick("AUC（ROC曲線下面積）", "AUC (area under the ROC curve)"),
        Endpoint::Sensitivity => lang.pick("感度", "Sensitivity"),
        Endpoint::Specificity => lang.pick("特異度", "Specificity"),
        Endpoint::Accuracy => lang.pick("正診率", "Accuracy"),
    }
}

pub(super) fn short(endpoint: Endpoint, lang: Lang) -> &'static str {
    match endpoint {
        Endpoint::Auc => "AUC",
        other => self::endpoint(other, lang),
    }
}

pub(super) fn kind(kind: HypothesisKind, lang: Lang) -> &'static str {
    match kind {
        HypothesisKind::Superiority => lang.pick("優越性", "superiority"),
        HypothesisKind::NonInferiority => lang.pick("非劣性", "non-inferiority"),
    }
}

pub(super) fn extent(extent: Extent, lang: Lang) -> &'static str {
    match extent {
        Extent::ReadersAndCases => lang.pick(
            "他の読影者・他の症例（読影者と症例を変量）",
            "other readers and other cases (both random)",
        ),
        Extent::Cases => lang.pick(
            "この読影者・他の症例（読影者を固定）",
            "these readers and other cases (readers fixed)",
        ),
    }
}

pub(super) fn condition(condition: Condition, lang: Lang) -> &'static str {
    match condition {
        Condition::Unaided => lang.pick("AIなし", "without AI"),
        Condition::Aided => lang.pick("AIあり", "with AI"),
    }
}

/// The names `kura-evaluation` gives its quantities.
fn quantity(name: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return name.to_owned();
    }
    match name {
        "sensitivity" => "感度",
        "specificity" => "特異度",
        "accuracy" => "正診率",
        "prevalence" => "有病率",
        "positive predictive value" => "陽性的中率",
        "negative predictive value" => "陰性的中率",
        "area under the ROC curve" => "AUC",
        "difference of areas under the ROC curve" => "AUCの差",
        "difference of paired proportions" => "対応のある割合の差",
        "likelihood ratios, odds ratio, Youden's index and kappa" => {
            "尤度比・オッズ比・Youden指数・κ"
        }
        "subgroup" | "subgroup proportion" => "サブグループ",
        "other subgroups" => "他のサブグループ",
        "Obuchowski–Rockette covariances" => "Obuchowski–Rockette法の共分散",
        "Dorfman–Berbaum–Metz variance components" => "Dorfman–Berbaum–Metz法の分散成分",
        "Hosmer–Lemeshow test" => "Hosmer–Lemeshow検定",
        other => other,
    }
    .to_owned()
}

/// Several of them.
pub(super) fn quantities(names: &[&str], lang: Lang) -> String {
    let names: Vec<String> = names.iter().map(|name| quantity(name, lang)).collect();
    lang.pick(names.join("・"), capitalised(&names.join(", ")))
}

pub(super) fn warning(warning: &Warning, lang: Lang) -> String {
    if lang == Lang::En {
        return capitalised(&warning.to_string());
    }
    match warning {
        Warning::ClusteredObservations {
            quantity: name,
            observations,
            clusters,
            largest_cluster,
            design_effect,
        } => {
            let effect = design_effect.map_or(String::new(), |e| {
                format!("、分散は独立とみなした場合の{e:.1}倍")
            });
            format!(
                "{}：{observations}件は{clusters}人（単位）からのもの（1人最大{largest_cluster}件）{effect}。\
                 独立とみなした区間ではなく、患者単位の区間を用いる",
                quantity(name, lang)
            )
        }
        Warning::FewClusters {
            quantity: name,
            clusters,
        } => format!(
            "{}：患者（単位）が{clusters}で、患者単位の区間には少ない",
            quantity(name, lang)
        ),
        Warning::NoVarianceBetweenClusters { quantity: name } => format!(
            "{}：すべての患者（単位）で結果が同じため、区間は患者数で数えた",
            quantity(name, lang)
        ),
        Warning::SmallGroup {
            quantity: name,
            patients,
            smallest_allowed,
        } => format!(
            "{}：{patients}人で、定めた最小数{smallest_allowed}人に満たない",
            quantity(name, lang)
        ),
        Warning::DegenerateVariance {
            quantity: name,
            reason,
        } => format!("{}：{}", quantity(name, lang), self::reason(reason, lang)),
        Warning::FailedReplicates { failed, of } => {
            format!("ブートストラップ{of}回のうち{failed}回で統計量が定まらなかった")
        }
        Warning::SmallExpectedCounts { quantity: name } => {
            format!("{}：期待度数が5未満で、p値は近似", quantity(name, lang))
        }
        other => other.to_string(),
    }
}

/// The reasons `kura-evaluation` gives; one without a translation stays English.
pub(super) fn reason(text: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return text.to_owned();
    }
    let known = [
        ("no diseased case", "陽性例がない"),
        ("no case free of the disease", "陰性例がない"),
        ("no positive result", "陽性の判定がない"),
        ("no negative result", "陰性の判定がない"),
        (
            "one of the two truth classes is absent",
            "陽性例と陰性例の一方がない",
        ),
        (
            "test and reference used one category only",
            "判定と正解が一方の区分のみ",
        ),
        (
            "fewer patients than the smallest number agreed on",
            "定めた最小数に満たない",
        ),
        ("the estimated variance is 0", "推定分散が0"),
        ("the variance of the difference is 0", "差の分散が0"),
        ("all ratings fall in one category", "判定がすべて同じ区分"),
        ("the fit did not converge", "当てはめが収束しない"),
        (
            "Cov2 is below Cov3; their difference is taken as 0, as the model demands",
            "Cov2がCov3より小さく、モデルの制約により差を0とした",
        ),
        (
            "the modality-by-case component is negative and taken as 0",
            "条件×症例の分散成分が負で、0とした",
        ),
        (
            "DeLong's variance is 0 (the classes do not overlap); the interval has no width and says nothing",
            "DeLongの分散が0（陽性例と陰性例が重ならない）で、区間に幅がなく何も言えない",
        ),
        (
            "fewer than two subgroups with some variance are large enough",
            "十分な大きさで分散のあるサブグループが2つに満たない",
        ),
        (
            "allowed: between 0 and 1, both excluded: the logit must be finite",
            "0または1ちょうどの確率があり、ロジットが定まらない",
        ),
        (
            "the endpoint could not be computed",
            "主要評価項目を算出できない",
        ),
        (
            "the classes do not overlap, so the interval has no width",
            "陽性例と陰性例が重ならず、区間に幅がない",
        ),
        (
            "one cluster holds all cases of one kind",
            "陽性例または陰性例がすべて1人（単位）に属する",
        ),
    ];
    known
        .iter()
        .find(|(english, _)| text.contains(english))
        .map_or_else(|| text.to_owned(), |(_, japanese)| (*japanese).to_owned())
}

pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
