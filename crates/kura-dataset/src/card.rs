//! The card of a data set: what it is, where it comes from, what was done to it, what it is not
//! good for. In Markdown and HTML, Japanese and English side by side.

use std::fmt::Write as _;

use maud::{DOCTYPE, Markup, html};

use crate::Manifest;
use crate::report::Rule;
use crate::table;

/// The reasons of the manifest's `withheld`, for people.
pub fn reason(key: &str) -> (&'static str, &'static str) {
    match key.split(':').next().unwrap_or(key) {
        "type-not-listed" => ("持ち出せる種別ではない", "not a kind that may leave"),
        "model-proposal" => (
            "AIの答えで、医師が採用していない",
            "a model's answer that no doctor has taken up",
        ),
        "genomic" => (
            "ゲノム情報は持ち出さない",
            "genomic information stays inside",
        ),
        "identifier-left" => (
            "処理後にも本人を示す記述が残った",
            "something that names the patient was left after processing",
        ),
        "modifier-extension" => (
            "意味を変える未知の拡張がある",
            "an unknown extension changes its meaning",
        ),
        "no-text" => ("文章が残らない文書", "a document of which no text may stay"),
        _ => (
            "画像を持ち出す条件を満たさない",
            "the image does not meet the conditions to leave",
        ),
    }
}

pub fn markdown(manifest: &Manifest, rules: &[Rule]) -> String {
    let mut out = String::new();
    let spec = &manifest.spec;
    let _ = writeln!(out, "# {}\n", spec.title);
    let _ = writeln!(out, "{}\n", spec.purpose);
    let _ = writeln!(
        out,
        "| | |\n|---|---|\n| データセット / Data set | {} |\n| 研究計画 / Project | {} |\n| 患者数 / Patients | {} |\n| 時点 / As of | {} (t = {}) |\n| 作成 / Built by | Kura {} |\n",
        spec.name, spec.project, manifest.patients, manifest.as_of, manifest.t, manifest.kura
    );
    let _ = writeln!(out, "## 対象 / Cohort\n");
    for line in cohort_lines(manifest) {
        let _ = writeln!(out, "- {line}");
    }
    let _ = writeln!(
        out,
        "\n## 内容 / Contents\n\n| file | rows | bytes | BLAKE3 |\n|---|---:|---:|---|"
    );
    for file in manifest
        .files
        .iter()
        .filter(|file| !file.path.starts_with("dicom/"))
    {
        let rows = file.rows.map(|rows| rows.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {rows} | {} | `{}` |",
            file.path,
            file.bytes,
            &file.hash.to_hex()[..16]
        );
    }
    let (images, bytes) = image_totals(manifest);
    let _ = writeln!(out, "| dicom/ ({images} files) | | {bytes} | |\n");
    for table in tables(manifest) {
        let _ = writeln!(out, "### {}\n\n{}\n", table.name, table.description);
        let columns: Vec<&str> = table.columns.iter().map(|column| column.0).collect();
        let _ = writeln!(out, "`{}`\n", columns.join("` `"));
    }
    let _ = writeln!(
        out,
        "## 加工 / Processing\n\n| rule | 加工 | processing | 根拠 / source | applied |\n|---|---|---|---|---:|"
    );
    for rule in rules {
        let applied = manifest.applied.get(&rule.id).copied().unwrap_or(0);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {applied} |",
            rule.id, rule.ja, rule.en, rule.source
        );
    }
    let _ = writeln!(out, "\n## 持ち出さなかったもの / Withheld\n");
    if manifest.withheld.is_empty() {
        let _ = writeln!(out, "なし / nothing");
    }
    for (key, count) in &manifest.withheld {
        let (ja, en) = reason(key);
        let _ = writeln!(out, "- {key}: {count} — {ja} / {en}");
    }
    let _ = writeln!(out, "\n## 限界 / Limits\n");
    for (ja, en) in limits(manifest) {
        let _ = writeln!(out, "- {ja}\n  {en}");
    }
    let _ = writeln!(
        out,
        "\n## 検証 / Verify\n\n```\nkura dataset verify . --key bank.pub\n```"
    );
    out
}

fn limits(manifest: &Manifest) -> impl Iterator<Item = (&'static str, &'static str)> {
    let texts = match manifest.spec.data.text {
        true => WITH_TEXTS,
        false => WITHOUT_TEXTS,
    };
    LIMITS.into_iter().chain([texts])
}

const WITHOUT_TEXTS: (&str, &str) = (
    "自由記載、文書、ゲノム情報は含まない。",
    "No free text, documents or genomic information.",
);
const WITH_TEXTS: (&str, &str) = (
    "自由記載と文書には、誰も指さないと分かっている語だけを残した。[語] などの標識は失われた語を示し、否定や量が失われていることもある。それでも人を語る記述が残り得る。ゲノム情報は含まない。",
    "Of free text and documents only words stay that are known to name nobody. Labels such as [語] stand for what is lost, which may be a negation or an amount; what tells of a person may be left all the same. No genomic information.",
);
const LIMITS: [(&str, &str); 3] = [
    (
        "珍しい組合せの病名や日付から推定される危険は残る。何をどの規則で加工したかは report.html にある。",
        "Rare combinations of diagnoses and dates remain a risk. report.html tells what was done to each element, by which rule.",
    ),
    (
        "日付は患者ごとにずらすか粗くしてあるため、季節や曜日、患者間の同時性の解析には使えない。",
        "Dates are shifted by patient, or coarser: not fit for season, weekday, or events shared between patients.",
    ),
    (
        "他の情報と照合して本人を識別してはならない (個人情報保護法41条7項, 45条)。",
        "It must not be matched with other information to identify a person (APPI Art. 41(7), 45).",
    ),
];

fn cohort_lines(manifest: &Manifest) -> Vec<String> {
    let cohort = &manifest.spec.cohort;
    let mut lines = Vec::new();
    for (word, expressions) in [
        ("すべて満たす / all of", &cohort.all),
        ("いずれか / any of", &cohort.any),
        ("除く / none of", &cohort.none),
    ] {
        for expression in expressions {
            lines.push(format!("{word}: `{expression}`"));
        }
    }
    if lines.is_empty() {
        lines.push("全患者 / every patient".to_owned());
    }
    lines
}

fn tables(manifest: &Manifest) -> impl Iterator<Item = &'static table::Table> {
    manifest
        .spec
        .data
        .tables
        .iter()
        .filter_map(|name| table::by_name(name))
}

fn image_totals(manifest: &Manifest) -> (usize, u64) {
    let images = manifest
        .files
        .iter()
        .filter(|file| file.path.starts_with("dicom/"));
    let mut count = 0;
    let mut bytes = 0;
    for image in images {
        count += 1;
        bytes += image.bytes;
    }
    (count, bytes)
}

pub(crate) const STYLE: &str = ".wide{overflow-x:auto}body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #d5dae1}table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{border-bottom:1px solid #e4e8ee;padding:.3rem .6rem;text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.85em;background:#f2f4f7;padding:.1em .3em;border-radius:3px;word-break:break-all}@media(prefers-color-scheme:dark){body{background:#12161c;color:#dde3ea}code{background:#222933}td,th,h2{border-color:#2c3540}}";

pub fn html(manifest: &Manifest, rules: &[Rule]) -> String {
    let spec = &manifest.spec;
    let (images, image_bytes) = image_totals(manifest);
    let page: Markup = html! {
        (DOCTYPE)
        html lang="ja" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (spec.title) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { (spec.title) }
                p { (spec.purpose) }
                table {
                    tr { th { "データセット / Data set" } td { (spec.name) } }
                    tr { th { "研究計画 / Project" } td { (spec.project) } }
                    tr { th { "患者数 / Patients" } td { (manifest.patients) } }
                    tr { th { "時点 / As of" } td { (manifest.as_of) " (t = " (manifest.t) ")" } }
                    tr { th { "作成 / Built by" } td { "Kura " (manifest.kura) } }
                }
                h2 { "対象 / Cohort" }
                ul { @for line in cohort_lines(manifest) { li { (line) } } }
                h2 { "内容 / Contents" }
                table {
                    tr { th { "file" } th { "rows" } th { "bytes" } th { "BLAKE3" } }
                    @for file in manifest.files.iter().filter(|file| !file.path.starts_with("dicom/")) {
                        tr {
                            td { (file.path) }
                            td.n { @if let Some(rows) = file.rows { (rows) } }
                            td.n { (file.bytes) }
                            td { code { (&file.hash.to_hex()[..16]) } }
                        }
                    }
                    tr { td { "dicom/ (" (images) " files)" } td {} td.n { (image_bytes) } td {} }
                }
                @for table in tables(manifest) {
                    h3 { (table.name) }
                    p { (table.description) }
                    p { @for column in table.columns { code { (column.0) } " " } }
                }
                h2 { "加工 / Processing" }
                table {
                    tr { th { "rule" } th { "加工" } th { "processing" } th { "根拠 / source" } th { "applied" } }
                    @for rule in rules {
                        tr {
                            td { (rule.id) } td { (rule.ja) } td { (rule.en) } td { (rule.source) }
                            td.n { (manifest.applied.get(&rule.id).copied().unwrap_or(0)) }
                        }
                    }
                }
                h2 { "持ち出さなかったもの / Withheld" }
                @if manifest.withheld.is_empty() { p { "なし / nothing" } }
                table {
                    @for (key, count) in &manifest.withheld {
                        tr { td { code { (key) } } td.n { (count) } td { (reason(key).0) } td { (reason(key).1) } }
                    }
                }
                h2 { "限界 / Limits" }
                ul { @for (ja, en) in limits(manifest) { li { (ja) br; (en) } } }
                h2 { "検証 / Verify" }
                p { code { "kura dataset verify . --key bank.pub" } }
            }
        }
    };
    page.into_string()
}
