//! What a person reads of a training: the data, what was tried, what it is worth.

use std::fmt::Write as _;

use kura_training::CrossValidation;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::examples::Prepared;
use super::file::ModelFile;

/// Everything a report shows.
pub(crate) struct Shown<'a> {
    file: &'a ModelFile,
    validation: &'a CrossValidation,
    /// Cases whose look-ahead nobody observed, cases nobody judged.
    left_out: (u64, u64, u64),
    pub(crate) best_baseline: Option<f64>,
    outcome: &'a str,
}

impl<'a> Shown<'a> {
    pub(crate) fn of(
        file: &'a ModelFile,
        prepared: &'a Prepared,
        validation: &'a CrossValidation,
    ) -> Self {
        let baselines = &validation.baselines;
        let best_baseline = [
            baselines.prevalence.auc,
            baselines.single_feature.auc,
            baselines.logistic.as_ref().and_then(|found| found.auc),
        ]
        .into_iter()
        .flatten()
        .max_by(f64::total_cmp);
        Self {
            file,
            validation,
            left_out: (
                prepared.gathered.unobserved,
                prepared.gathered.unjudged,
                prepared.without_image,
            ),
            best_baseline,
            outcome: file.outcome(),
        }
    }

    /// Label in both languages, and value.
    fn facts(&self) -> Vec<(&'static str, &'static str, String)> {
        // What is reported was trained here.
        let Some(data) = &self.file.data else {
            return Vec::new();
        };
        let mut facts = vec![
            ("用途", "Intended use", self.file.intended_use.clone()),
            ("予測するもの", "Outcome", self.outcome.to_owned()),
            (
                "データセット",
                "Data set",
                format!(
                    "{} (t = {}, {})",
                    data.set,
                    data.t,
                    &data.manifest.to_hex()[..16]
                ),
            ),
            (
                "学習に使った患者・症例・陽性",
                "Patients, cases, positive in training",
                format!("{}, {}, {}", data.patients, data.cases, data.positive),
            ),
            (
                "封印した試験データの患者・症例・陽性",
                "Patients, cases, positive in the locked test set",
                format!(
                    "{}, {}, {}",
                    data.test.patients, data.test.cases, data.test.positive
                ),
            ),
            (
                "除いた症例(観察が足りない、判定がない、画像がない)",
                "Cases left out (not observed, not judged, without an image)",
                format!(
                    "{}, {}, {}",
                    self.left_out.0, self.left_out.1, self.left_out.2
                ),
            ),
            (
                "しきい値",
                "Threshold",
                format!("{:.4}", self.file.threshold),
            ),
            ("乱数の種", "Seed", self.file.seed.to_string()),
        ];
        facts.extend(self.epochs().map(|epochs| {
            (
                "学習したエポック、採用したエポック、その学習・検証の損失",
                "Epochs run, epoch kept, its loss in training and on patients set aside",
                epochs,
            )
        }));
        facts
    }

    /// Of a network; every epoch's losses are in the model's file.
    fn epochs(&self) -> Option<String> {
        let epochs = &self.file.training["epochs"];
        let (losses, kept) = (epochs["losses"].as_array()?, epochs["kept"].as_u64()?);
        let found = losses.iter().find(|one| one["epoch"] == kept)?;
        Some(format!(
            "{}, {kept}, {}, {}",
            losses.len(),
            number(found["training_loss"].as_f64()),
            number(found["validation_loss"].as_f64())
        ))
    }

    /// The model beside what it must beat.
    fn results(&self) -> Vec<(&'static str, &'static str, Option<f64>, f64)> {
        let validation = self.validation;
        let baselines = &validation.baselines;
        let mut out = vec![
            (
                "このモデル",
                "This model",
                validation.result.auc,
                validation.result.brier,
            ),
            (
                "有病率だけ",
                "Prevalence alone",
                baselines.prevalence.auc,
                baselines.prevalence.brier,
            ),
            (
                "最もよい特徴量一つ",
                "The best single feature",
                baselines.single_feature.auc,
                baselines.single_feature.brier,
            ),
        ];
        if let Some(logistic) = &baselines.logistic {
            out.push((
                "ロジスティック回帰",
                "Logistic regression",
                logistic.auc,
                logistic.brier,
            ));
        }
        out
    }

    fn importance(&self) -> Vec<(String, f64, f64)> {
        self.file.training["importance"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| {
                Some((
                    one["feature"].as_str()?.to_owned(),
                    one["auc_loss"].as_f64()?,
                    one["deviation"].as_f64()?,
                ))
            })
            .collect()
    }

    fn findings(&self) -> Vec<String> {
        self.file.training["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                format!(
                    "{} ({}): {}",
                    one["rule"].as_str().unwrap_or_default(),
                    one["feature"].as_str().unwrap_or("-"),
                    one["detail"].as_str().unwrap_or_default()
                )
            })
            .collect()
    }

    fn shuffled(&self) -> String {
        let all: Vec<String> = self
            .validation
            .shuffled_auc
            .iter()
            .map(|auc| format!("{auc:.3}"))
            .collect();
        if all.is_empty() {
            "–".to_owned()
        } else {
            all.join(", ")
        }
    }

    /// Whether the model is worth having.
    fn verdict(&self) -> (&'static str, &'static str) {
        match (self.validation.result.auc, self.best_baseline) {
            (Some(model), Some(baseline)) if model > baseline => (
                "交差検証では単純な比較対象を上回りました。封印した試験データで確かめてください。",
                "In cross-validation it is better than the plain baselines. The locked test decides.",
            ),
            _ => (
                "単純な比較対象を上回っていません。このモデルを使う理由はありません。",
                "It is no better than a plain baseline: there is no reason to use this model.",
            ),
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

pub(crate) fn markdown(shown: &Shown<'_>) -> String {
    let mut out = format!("# {}\n\n", shown.file.title);
    let (ja, en) = shown.verdict();
    let _ = writeln!(out, "**{ja}**\n\n**{en}**\n");
    for (ja, en, value) in shown.facts() {
        let _ = writeln!(out, "- {ja} / {en}: {value}");
    }
    out += "\n## 交差検証 / Cross-validation\n\n| | AUC | Brier |\n| --- | ---: | ---: |\n";
    for (ja, en, auc, brier) in shown.results() {
        let _ = writeln!(out, "| {ja} / {en} | {} | {brier:.3} |", number(auc));
    }
    let _ = writeln!(
        out,
        "\n正解を並べ替えたとき (0.5 付近のはず) / With shuffled outcomes (about 0.5, or something leaks): {}",
        shown.shuffled()
    );
    out += "\n## 学習曲線 / Learning curve\n\n| 学習データ / share | 症例 / cases | 学習 / training AUC | 検証 / validation AUC |\n| ---: | ---: | ---: | ---: |\n";
    for point in &shown.validation.learning_curve {
        let _ = writeln!(
            out,
            "| {:.0} % | {:.0} | {} | {} |",
            point.share * 100.0,
            point.training_rows,
            number(point.training_auc),
            number(point.validation_auc)
        );
    }
    out += "\n## 特徴量の重要度 / What each feature is worth (fall of the AUC)\n\n";
    for (feature, loss, deviation) in shown.importance() {
        let _ = writeln!(out, "- {feature}: {loss:.3} ± {deviation:.3}");
    }
    let findings = shown.findings();
    if !findings.is_empty() {
        out += "\n## 気をつけること / Findings\n\n";
        for finding in findings {
            let _ = writeln!(out, "- {finding}");
        }
    }
    out
}

pub(crate) const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1c2733;--quiet:#5b6875;--line:#d8dde2;--mark:#1f6f8b;--ground:#fbfaf8}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--quiet:#a3adb6;--line:#3a444e;--mark:#6fb7cf;--ground:#161b20}}
body{font:16px/1.55 system-ui,'Noto Sans CJK JP',sans-serif;color:var(--ink);background:var(--ground);max-width:56rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}small{color:var(--quiet)}
table{border-collapse:collapse;width:100%}td,th{padding:.35rem .5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}.verdict{border-left:4px solid var(--mark);padding:.5rem 1rem}
.bar{height:.6rem;background:var(--mark);min-width:1px}svg{width:100%;height:auto;max-width:36rem}
.wide{overflow-x:auto}
@media(max-width:30rem){td,th{padding:.3rem .25rem}}@page{margin:18mm}";

pub(crate) fn html(shown: &Shown<'_>) -> String {
    let (ja, en) = shown.verdict();
    let most = shown
        .importance()
        .iter()
        .map(|one| one.1)
        .fold(1e-9, f64::max);
    html! {
        (DOCTYPE)
        html lang="ja" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (shown.file.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (shown.file.title) }
                p .verdict { (ja) br; small lang="en" { (en) } }
                table { tbody {
                    @for (ja, en, value) in shown.facts() {
                        tr { th scope="row" { (ja) br; small lang="en" { (en) } } td { (value) } }
                    }
                } }
                h2 { "交差検証 " small lang="en" { "Cross-validation" } }
                table {
                    thead { tr { th {} th .n { "AUC" } th .n { "Brier" } } }
                    tbody { @for (ja, en, auc, brier) in shown.results() {
                        tr { th scope="row" { (ja) " " small lang="en" { (en) } } td .n { (number(auc)) } td .n { (format!("{brier:.3}")) } }
                    } }
                }
                p { "正解を並べ替えたとき(0.5 付近のはず): " (shown.shuffled()) br;
                    small lang="en" { "With shuffled outcomes; about 0.5, or something leaks" } }
                h2 { "学習曲線 " small lang="en" { "Learning curve: AUC by share of the training patients" } }
                (curve(shown.validation))
                h2 { "特徴量の重要度 " small lang="en" { "What each feature is worth: fall of the AUC when it is shuffled" } }
                table { tbody {
                    @for (feature, loss, deviation) in shown.importance() {
                        tr {
                            th scope="row" { (feature) }
                            td .n { (format!("{loss:.3} ± {deviation:.3}")) }
                            td style="width:40%" { div .bar style=(format!("width:{:.0}%", (loss / most * 100.0).clamp(0.0, 100.0))) {} }
                        }
                    }
                } }
                @if !shown.findings().is_empty() {
                    h2 { "気をつけること " small lang="en" { "Findings" } }
                    ul { @for finding in shown.findings() { li { (finding) } } }
                }
            }
        }
    }
    .into_string()
}

/// Training and validation AUC by share: two lines that should meet.
fn curve(validation: &CrossValidation) -> Markup {
    let (width, height, left, bottom) = (360.0, 200.0, 34.0, 24.0);
    let x = |share: f64| left + share * (width - left - 10.0);
    let y =
        |auc: f64| (height - bottom) - (auc.clamp(0.4, 1.0) - 0.4) / 0.6 * (height - bottom - 10.0);
    let line = |pick: fn(&kura_training::LearningPoint) -> Option<f64>| {
        validation
            .learning_curve
            .iter()
            .filter_map(|point| Some(format!("{:.1},{:.1}", x(point.share), y(pick(point)?))))
            .collect::<Vec<_>>()
            .join(" ")
    };
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label="learning curve" font-size="10" fill="currentColor" {
            @for auc in [0.4, 0.6, 0.8, 1.0] {
                line x1=(left) x2=(width - 10.0) y1=(y(auc)) y2=(y(auc)) stroke="currentColor" stroke-opacity=".2" {}
                text x="4" y=(y(auc) + 3.0) { (format!("{auc:.1}")) }
            }
            @for share in [0.25, 0.5, 0.75, 1.0] {
                text x=(x(share) - 10.0) y=(height - 8.0) { (format!("{:.0} %", share * 100.0)) }
            }
            polyline points=(line(|point| point.training_auc)) fill="none" stroke="currentColor" stroke-dasharray="4 3" {}
            polyline points=(line(|point| point.validation_auc)) fill="none" stroke="var(--mark)" stroke-width="2" {}
        }
        p { small { "実線: 検証 validation · 破線: 学習 training" } }
    }
}
