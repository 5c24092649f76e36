//! The report of a data set: what was there, which rule did what how often, what was held back
//! and why. `report.json` for programs, `report.html` for an ethics board, in Japanese and English
//! side by side. It holds counts and names of the standard only.

use std::collections::BTreeMap;

use kura_model::thousands;
use maud::{DOCTYPE, Markup, html};
use serde::Serialize;

use crate::card::{STYLE, reason};

/// A rule as a report shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    pub id: String,
    /// The policy that has it.
    pub policy: String,
    pub action: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    /// The elements it names.
    pub paths: Vec<String>,
    /// Elements it decided about in this set.
    pub applied: u64,
}

/// What happened to one element of FHIR.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `Patient.birthDate`
    pub path: String,
    /// None: no rule lists it, so it went.
    pub rule: Option<String>,
    pub action: String,
    pub kept: u64,
    pub removed: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Policy {
    pub id: String,
    pub version: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub reversible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// BLAKE3 of its text and of those it extends.
    pub hash: String,
    /// Of a bank's own policy: the board that approved it for the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// What a board decided.
#[derive(Debug, Clone, Serialize)]
pub struct Approval {
    pub board: String,
    pub reference: String,
    pub date: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub name: String,
    pub title: String,
    pub project: String,
    pub t: u64,
    pub as_of: String,
    pub patients: u64,
    /// Resources that were looked at, by type, and how many of them are in the set.
    pub resources: BTreeMap<String, Resources>,
    pub policy: Policy,
    /// What the images were processed by.
    pub image_policy: Option<Policy>,
    pub rules: Vec<Rule>,
    pub elements: Vec<Line>,
    /// Codes and units that went because nobody publishes them.
    pub local_codes: u64,
    pub local_units: u64,
    /// Texts that are in the set, and the pieces of them that became labels, by what they told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
    /// How easily a patient is told by what others know of them.
    pub risks: Vec<Risk>,
    /// What became of the images, where the set asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// What stayed inside, by reason and kind.
    pub withheld: BTreeMap<String, u64>,
    /// What a person must still look at: Japanese, English.
    pub to_look_at: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Texts {
    pub texts: u64,
    pub labels: BTreeMap<String, u64>,
}

/// The risk of patients who are known to be in the set. El Emam, *Guide to the De-Identification of
/// Personal Health Information* (2013), chapter 16.
#[derive(Debug, Clone, Serialize)]
pub struct Risk {
    /// Who asks: Japanese, English.
    pub ja: String,
    pub en: String,
    pub patients: u64,
    /// Patients in the smallest group of those who look alike.
    pub smallest: u64,
    /// Patients whom nobody else looks like.
    pub alone: u64,
    /// 1 / group: of the worst patient, and of all on average.
    pub most: f64,
    pub mean: f64,
    /// Patients whose risk is above the threshold.
    pub above: u64,
    pub threshold: f64,
}

/// What became of the images and their pixels.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Pictures {
    /// Objects that were there, and those in the set.
    pub objects: u64,
    pub left: u64,
    /// Whether there was something to read text in pictures with.
    pub reader: bool,
    /// Objects whose pixels were processed.
    pub cleaned: u64,
    /// Objects in whose every frame text was looked for.
    pub read: u64,
    /// Places of text that were masked; that hold an identifier of the patient, as far as it was
    /// read; and that stay, since they are on the list.
    pub masked: u64,
    pub identifiers: u64,
    pub kept: u64,
    /// Objects of endoscopy in the set: before and after it looks inside, it looks at people.
    pub endoscopy: u64,
    /// Series of heads whose face was taken out; that end before the face; that stay inside.
    pub faces: u64,
    pub no_face: u64,
    pub faces_refused: u64,
    /// Of all these; anything but 0 would have been refused.
    pub brain_voxels_changed: u64,
    /// The largest share of the skin of a face that is left, 0 to 1.
    pub face_left: f64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Resources {
    pub seen: u64,
    pub left: u64,
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

impl Pictures {
    fn html(&self) -> Markup {
        let rows = [
            ("あった画像 / Objects that were there", self.objects),
            ("出た画像 / Objects that left", self.left),
            (
                "文字を探した画像 / Objects in which text was looked for",
                self.read,
            ),
            (
                "塗りつぶした文字 / Places of text that were masked",
                self.masked,
            ),
            (
                "うち本人の識別子と読めたもの / of these, read as an identifier of the patient",
                self.identifiers,
            ),
            (
                "一覧により残した文字 / Places of text that stay by the list",
                self.kept,
            ),
            (
                "顔を取り除いた系列 / Series whose face was taken out",
                self.faces,
            ),
            (
                "顔が写っていない頭部の系列 / Series of a head that end before the face",
                self.no_face,
            ),
            (
                "顔を取り除けず留めた系列 / Series held back with their face",
                self.faces_refused,
            ),
            (
                "変わった脳の画素 / Voxels of the brain that changed",
                self.brain_voxels_changed,
            ),
        ];
        html! {
            h2 { "画像 / Images" }
            @if !self.reader {
                p {
                    "画像の文字を読むモデルがないため、文字が写り得る画像は留めた。" br;
                    "There are no models that read text in pictures: images that may show text were held back."
                }
            }
            div.wide { table {
                @for (name, count) in rows { tr { td { (name) } td.n { (thousands(count)) } } }
                tr { td { "残った顔の皮膚(最大)/ Skin of a face that is left, at most" } td.n { (percent(self.face_left)) } }
            } }
        }
    }
}

impl Report {
    pub fn html(&self) -> String {
        let page: Markup = html! {
            (DOCTYPE)
            html lang="ja" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { "加工の報告 / Report: " (self.title) }
                    style { (maud::PreEscaped(STYLE)) }
                }
                body {
                    h1 { "加工の報告 / De-identification report" }
                    p { (self.title) }
                    (self.head())
                    h2 { "あったもの、出たもの / What was there, what left" }
                    div.wide { table {
                        tr { th { "種類 / type" } th.n { "あった / there" } th.n { "出た / left" } th.n { "留めた / held back" } }
                        @for (kind, count) in &self.resources {
                            tr {
                                td { (kind) } td.n { (thousands(count.seen)) } td.n { (thousands(count.left)) }
                                td.n { (thousands(count.seen - count.left)) }
                            }
                        }
                    } }
                    h2 { "留めたもの / Held back" }
                    @if self.withheld.is_empty() { p { "なし / nothing" } }
                    div.wide { table {
                        @for (key, count) in &self.withheld {
                            @let (ja, en) = self.why(key);
                            tr { td { code { (key) } } td.n { (thousands(*count)) } td { (ja) br; (en) } }
                        }
                    } }
                    @if let Some(texts) = &self.texts {
                        h2 { "文章 / Texts" }
                        p { (thousands(texts.texts)) " 件の文章で、次のものを札に置き換えた。" br; "In " (thousands(texts.texts)) " texts these became labels." }
                        div.wide { table {
                            @for (label, count) in &texts.labels { tr { td { (label) } td.n { (thousands(*count)) } } }
                        } }
                    }
                    @if !self.risks.is_empty() {
                        h2 { "残る危険 / Residual risk" }
                        p {
                            "データセットにいると知られている患者が、値の組合せから見分けられる割合。方針が日付をずらしていれば、生年そのものは分からない。" br;
                            "How easily a patient who is known to be in the set is told by a combination of values. Where the policy moved dates, the year of birth itself is not known."
                        }
                        div.wide { table {
                            tr { th { "知る者 / who knows" } th.n { "患者 / patients" } th.n { "最小の集団 / smallest group" } th.n { "一人だけ / alone" } th.n { "最大 / most" } th.n { "平均 / mean" } th.n { "5 人未満の集団 / groups under five" } }
                            @for risk in &self.risks {
                                tr {
                                    td { (risk.ja) br; (risk.en) }
                                    td.n { (thousands(risk.patients)) } td.n { (thousands(risk.smallest)) } td.n { (thousands(risk.alone)) }
                                    td.n { (percent(risk.most)) } td.n { (percent(risk.mean)) } td.n { (thousands(risk.above)) }
                                }
                            }
                        } }
                    }
                    @if let Some(pictures) = &self.pictures { (pictures.html()) }
                    h2 { "人が確かめること / For a person to look at" }
                    ul { @for (ja, en) in &self.to_look_at { li { (ja) br; (en) } } }
                    h2 { "規則 / Rules" }
                    div.wide { table {
                        tr { th { "rule" } th { "action" } th { "加工 / processing" } th { "根拠 / source" } th.n { "回数 / times" } }
                        @for rule in &self.rules {
                            tr id=(format!("rule-{}", rule.id)) {
                                td { (rule.id) } td { (rule.action) } td { (rule.ja) br; (rule.en) }
                                td { (rule.source) } td.n { (thousands(rule.applied)) }
                            }
                        }
                    } }
                    h2 { "要素ごと / Element by element" }
                    p {
                        "公開されていない体系のコード " (self.local_codes) " 件と UCUM でない単位 " (self.local_units) " 件を削除した。" br;
                        (self.local_codes) " codes of unpublished systems and " (self.local_units) " units that are not UCUM went."
                    }
                    div.wide { table {
                        tr { th { "element" } th { "rule" } th { "action" } th.n { "残った / kept" } th.n { "消えた / removed" } }
                        @for line in &self.elements {
                            tr {
                                td { code { (line.path) } }
                                td { @if let Some(rule) = &line.rule { a href=(format!("#rule-{rule}")) { (rule) } } @else { "—" } }
                                td { (line.action) }
                                td.n { (thousands(line.kept)) } td.n { (thousands(line.removed)) }
                            }
                        }
                    } }
                }
            }
        };
        page.into_string()
    }

    /// Why something was held back: the rule's own words, where one did it.
    fn why(&self, key: &str) -> (&str, &str) {
        let id = key.split(':').next().unwrap_or(key);
        match self.rules.iter().find(|rule| rule.id == id) {
            Some(rule) => (&rule.ja, &rule.en),
            None => reason(key),
        }
    }

    fn head(&self) -> Markup {
        let back = if self.policy.reversible {
            "同意の範囲で、権限をもつ者が理由を記して戻せる / by a named role with a reason, as consented"
        } else {
            "戻さない / never"
        };
        html! {
            div.wide { table {
                tr { th { "データセット / Data set" } td { (self.name) } }
                tr { th { "研究計画 / Project" } td { (self.project) } }
                tr { th { "患者数 / Patients" } td { (self.patients) } }
                tr { th { "時点 / As of" } td { (self.as_of) " (t = " (self.t) ")" } }
                tr { th { "加工方針 / Policy" } td {
                    (self.policy.ja) " / " (self.policy.en) br;
                    (self.policy.id) " " (self.policy.version)
                    @if let Some(base) = &self.policy.extends { " (" (base) " より厳しい / stricter than " (base) ")" }
                    br; (self.policy.source)
                } }
                @if let Some(approval) = &self.policy.approval {
                    tr { th { "方針の承認 / Approval of the policy" } td { (approval.board) br; (approval.reference) ", " (approval.date) } }
                }
                tr { th { "本人への復元 / Leading back" } td { (back) } }
                tr { th { "方針のハッシュ / Hash of the policy" } td { code { (self.policy.hash) } } }
                @if let Some(images) = &self.image_policy {
                    tr { th { "画像 / Images" } td { (images.id) " " (images.version) br; (images.source) } }
                }
            } }
        }
    }
}
