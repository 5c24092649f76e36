//! What a person reads of a watch: the month of a model, in both languages.

use std::fmt::Write as _;

use kura_fhir::date;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::watch::{Decisions, Group, Truth, WatchReport};
use crate::models::{Estimate, Measure, REPORT_STYLE};

/// Japanese and English.
type Words = (&'static str, &'static str);

/// A table: its title, its columns, its rows; figures stand to the right of the first column.
struct Table {
    title: Words,
    head: Vec<Words>,
    rows: Vec<Vec<String>>,
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn estimate(found: Option<&Estimate>) -> String {
    match found {
        None => "–".to_owned(),
        Some(found) if found.lower == f64::MIN || found.upper == f64::MAX => {
            format!("{:.3}", found.value)
        }
        Some(found) => format!(
            "{:.3} ({:.3} – {:.3})",
            found.value, found.lower, found.upper
        ),
    }
}

/// `2026-10-01` of an instant, in Japan.
fn day(instant: &str) -> String {
    date::range(instant).map_or_else(String::new, |(low, _)| {
        let (year, month, day) = date::civil((low + 9 * 3600).div_euclid(86_400));
        format!("{year}-{month:02}-{day:02}")
    })
}

const MEASURES: [(Measure, Words); 8] = [
    (Measure::Auc, ("AUC", "AUC")),
    (Measure::Sensitivity, ("感度", "Sensitivity")),
    (Measure::Specificity, ("特異度", "Specificity")),
    (Measure::Ppv, ("陽性的中率", "Positive predictive value")),
    (Measure::Npv, ("陰性的中率", "Negative predictive value")),
    (Measure::Brier, ("Brierスコア", "Brier score")),
    (
        Measure::CalibrationSlope,
        ("較正の傾き", "Calibration slope"),
    ),
    (
        Measure::CalibrationIntercept,
        ("較正の切片", "Calibration in the large"),
    ),
];

fn rule(rule: &str) -> Words {
    match rule {
        "drift" => ("入力または出力の変化", "Drift of input or output"),
        "acceptance" => ("採用の割合", "Acceptance"),
        "bound" => ("成績の限度", "Bound of performance"),
        _ => ("規則", "Rule"),
    }
}

fn by(by: &str) -> Words {
    match by {
        "sex" => ("性別", "Sex"),
        "age" => ("年齢", "Age"),
        _ => ("施設・部署", "Site"),
    }
}

fn facts(report: &WatchReport) -> Vec<(Words, String)> {
    vec![
        (
            ("モデル", "Model"),
            format!("{}@{}", report.model, report.version),
        ),
        (
            ("期間(日本時間)", "Period, in Japan"),
            format!("{} – {}", day(&report.from), day(&report.to)),
        ),
        (("答え", "Answers"), report.answers.to_string()),
        (("患者", "Patients"), report.patients.to_string()),
    ]
}

fn verdict(report: &WatchReport) -> Words {
    match (report.suspended, report.alarms.is_empty()) {
        (true, _) => (
            "計画の規則により停止しました。",
            "Suspended by the rule of the plan.",
        ),
        (false, false) => (
            "警報があります。担当者が確かめてください。",
            "There are alarms; somebody has to look.",
        ),
        (false, true) => ("警報はありません。", "There are no alarms."),
    }
}

fn decided(decisions: &Decisions) -> Vec<String> {
    vec![
        decisions.accepted.to_string(),
        decisions.corrected.to_string(),
        decisions.rejected.to_string(),
        decisions.open.to_string(),
        estimate(decisions.acceptance.as_ref()),
    ]
}

fn measured(truth: &Truth, measures: &[Measure]) -> Vec<String> {
    measures
        .iter()
        .map(|measure| estimate(truth.measures.get(measure)))
        .collect()
}

fn tables(report: &WatchReport) -> Vec<Table> {
    let mut out = Vec::new();
    let decision_head: [Words; 5] = [
        ("採用", "Accepted"),
        ("修正", "Corrected"),
        ("却下", "Rejected"),
        ("未判断", "Open"),
        ("採用の割合", "Share accepted"),
    ];
    out.push(Table {
        title: ("医師の判断", "Decisions of the doctors"),
        head: decision_head.to_vec(),
        rows: vec![decided(&report.decisions)],
    });
    let truth = &report.truth;
    if truth.cases > 0 {
        let mut rows = vec![vec![
            "症例 / cases (陽性 / positive)".to_owned(),
            format!("{} ({})", truth.cases, truth.positive),
        ]];
        rows.extend(MEASURES.iter().map(|(measure, (ja, en))| {
            let name = if ja == en {
                (*ja).to_owned()
            } else {
                format!("{ja} / {en}")
            };
            vec![name, estimate(truth.measures.get(measure))]
        }));
        out.push(Table {
            title: (
                "結果が分かった症例での成績",
                "Performance where the truth is known",
            ),
            head: vec![
                ("指標", "Measure"),
                ("値(95 %信頼区間)", "Value (95 % interval)"),
            ],
            rows,
        });
    }
    if !report.groups.is_empty() {
        out.push(Table {
            title: ("患者のグループ別", "By group of patients"),
            head: vec![
                ("グループ", "Group"),
                ("患者", "Patients"),
                ("答え", "Answers"),
                ("高リスク", "High"),
                ("採用の割合", "Share accepted"),
                ("結果判明", "Known"),
                ("陽性", "Positive"),
                ("感度", "Sensitivity"),
                ("特異度", "Specificity"),
            ],
            rows: report.groups.iter().map(group).collect(),
        });
    }
    out.push(Table {
        title: (
            "学習したときとの違い(probability はモデルの答え)",
            "Beside training (probability is the model's own answer)",
        ),
        head: vec![
            ("特徴量", "Feature"),
            ("学習時の平均", "Mean in training"),
            ("今の平均", "Mean now"),
            ("PSI", "PSI"),
            ("KS・V", "KS or V"),
            ("Wasserstein", "Wasserstein"),
            ("d", "d"),
            ("p(調整済み)", "p, adjusted"),
            ("変化", "Drifted"),
        ],
        rows: report
            .features
            .iter()
            .map(|one| {
                vec![
                    one.name.clone(),
                    number(one.reference_mean),
                    number(one.current_mean),
                    number(one.psi),
                    number(one.distance),
                    number(one.wasserstein),
                    number(one.cohen_d),
                    number(one.p),
                    if one.drifted { "●" } else { "" }.to_owned(),
                ]
            })
            .collect(),
    });
    out
}

fn group(one: &Group) -> Vec<String> {
    let (ja, en) = by(&one.by);
    let mut row = vec![
        format!("{ja} / {en}: {}", one.name),
        one.patients.to_string(),
        one.answers.to_string(),
        one.high.to_string(),
        estimate(one.decisions.acceptance.as_ref()),
        one.truth.cases.to_string(),
        one.truth.positive.to_string(),
    ];
    row.extend(measured(
        &one.truth,
        &[Measure::Sensitivity, Measure::Specificity],
    ));
    row
}

/// Where too little is known to be judged.
const FEW: Words = (
    "– は、数が足りないか、まだ結果が分からないもの。",
    "– stands where there are too few, or nobody knows yet.",
);

pub fn markdown(report: &WatchReport) -> String {
    let (ja, en) = verdict(report);
    let mut out = format!(
        "# モデルの見守り / Watch of {}@{}\n\n**{ja}**\n\n**{en}**\n\n",
        report.model, report.version
    );
    for ((ja, en), value) in facts(report) {
        let _ = writeln!(out, "- {ja} / {en}: {value}");
    }
    for alarm in &report.alarms {
        let (ja, en) = rule(&alarm.rule);
        let _ = writeln!(out, "- **{ja} / {en}**: {}", alarm.detail);
    }
    for table in tables(report) {
        let (ja, en) = table.title;
        let head: Vec<String> = table
            .head
            .iter()
            .map(|(ja, en)| {
                if ja == en {
                    (*ja).to_owned()
                } else {
                    format!("{ja} / {en}")
                }
            })
            .collect();
        let _ = writeln!(
            out,
            "\n## {ja} / {en}\n\n| {} |\n|{}",
            head.join(" | "),
            " --- |".repeat(head.len())
        );
        for row in table.rows {
            // A name out of the data ends no cell.
            let row: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
    }
    for remark in &report.truth.remarks {
        let _ = writeln!(out, "\n> {remark}");
    }
    let _ = writeln!(out, "\n{} {}", FEW.0, FEW.1);
    out
}

/// The same as a page of its own, to be read and printed.
pub fn html(report: &WatchReport) -> String {
    html! {
        (DOCTYPE)
        html lang="ja" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "モデルの見守り / Watch of " (report.model) "@" (report.version) }
                style { (PreEscaped(REPORT_STYLE)) }
            }
            body {
                h1 { "モデルの見守り " small lang="en" { "Watch of " (report.model) "@" (report.version) } }
                (body(report))
            }
        }
    }
    .into_string()
}

/// What stands on the page, without its head.
fn body(report: &WatchReport) -> Markup {
    let (ja, en) = verdict(report);
    let both = |(ja, en): Words| -> Markup {
        html! { (ja) @if ja != en { br; small lang="en" { (en) } } }
    };
    html! {
        p .verdict { (ja) br; small lang="en" { (en) } }
        table { tbody { @for (words, value) in facts(report) {
            tr { th scope="row" { (both(words)) } td { (value) } }
        } } }
        @if !report.alarms.is_empty() {
            h2 { "警報 " small lang="en" { "Alarms" } }
            ul { @for alarm in &report.alarms {
                @let (ja, en) = rule(&alarm.rule);
                li { b { (ja) } " " small lang="en" { (en) ": " (alarm.detail) } }
            } }
        }
        @for table in tables(report) {
            h2 { (table.title.0) " " small lang="en" { (table.title.1) } }
            div .wide { table {
                thead { tr { @for (at, words) in table.head.iter().enumerate() { th .n[at > 0] { (both(*words)) } } } }
                tbody { @for row in &table.rows {
                    tr { @for (at, cell) in row.iter().enumerate() { td .n[at > 0] { (cell) } } }
                } }
            } }
        }
        @if !report.truth.remarks.is_empty() {
            ul { @for remark in &report.truth.remarks { li { small lang="en" { (remark) } } } }
        }
        p { small { (FEW.0) " " span lang="en" { (FEW.1) } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedside::Alarm;

    #[test]
    fn a_report_says_what_was_seen() {
        let report = WatchReport {
            model: "chest".to_owned(),
            version: 2,
            from: "2026-09-30T15:00:00.000Z".to_owned(),
            to: "2026-10-31T15:00:00.000Z".to_owned(),
            answers: 41,
            patients: 40,
            features: Vec::new(),
            decisions: Decisions {
                accepted: 7,
                ..Decisions::default()
            },
            truth: Truth::default(),
            groups: vec![Group {
                by: "site".to_owned(),
                name: "a|b <ward>".to_owned(),
                answers: 3,
                patients: 3,
                high: 1,
                decisions: Decisions::default(),
                truth: Truth::default(),
            }],
            alarms: vec![Alarm {
                rule: "acceptance".to_owned(),
                detail: "0.2".to_owned(),
            }],
            suspended: false,
        };
        let text = markdown(&report);
        assert!(text.contains("2026-10-01 – 2026-11-01"), "{text}");
        assert!(text.contains("施設・部署 / Site: a\\|b <ward>"), "{text}");
        assert!(text.contains("採用の割合 / Acceptance"), "{text}");
        let page = html(&report);
        assert!(page.contains("a|b &lt;ward&gt;"), "{page}");
        assert!(page.contains("警報があります"), "{page}");
    }
}
