//! The report of a build, out of its manifest and what was counted.

use std::collections::BTreeMap;

use kura_dataset::Manifest;
use kura_dataset::report::{self, Report};
use kura_deid::dicom::DicomPolicy;
use kura_deid::fhir::ChangeReport;
use kura_deid::policy::Policy;
use kura_model::ContentHash;

use crate::deid_approval::Approval;

/// What a build counted.
pub(super) struct Counted {
    pub(super) resources: BTreeMap<String, report::Resources>,
    pub(super) pictures: report::Pictures,
    pub(super) risks: Vec<report::Risk>,
    pub(super) approval: Option<Approval>,
}

pub(super) fn of(
    manifest: &Manifest,
    (policy, dicom): (&Policy, &DicomPolicy),
    changes: &ChangeReport,
    counted: Counted,
) -> Report {
    let pictures = counted.pictures;
    let images = manifest.spec.data.images;
    let rules = policy
        .rules
        .iter()
        .chain(dicom.rules().iter().filter(|_| images))
        .map(|rule| report::Rule {
            id: rule.id.clone(),
            policy: rule.policy.clone(),
            action: rule.action.clone(),
            ja: rule.ja.clone(),
            en: rule.en.clone(),
            source: rule.source.clone(),
            paths: rule.paths.clone(),
            applied: manifest.applied.get(&rule.id).copied().unwrap_or(0),
        })
        .collect();
    let elements = changes.lines(policy).into_iter().map(|line| report::Line {
        path: line.path,
        rule: line.rule,
        action: line.action,
        kept: line.kept,
        removed: line.removed,
    });
    let image_policy = report::Policy {
        id: dicom.id().to_owned(),
        version: dicom.version().to_owned(),
        ja: "DICOM 基本プロファイル".to_owned(),
        en: "DICOM basic profile".to_owned(),
        source: "DICOM PS3.15 Annex E".to_owned(),
        reversible: false,
        extends: None,
        hash: dicom.hash().to_hex(),
        approval: None,
    };
    Report {
        name: manifest.spec.name.clone(),
        title: manifest.spec.title.clone(),
        project: manifest.spec.project.clone(),
        t: manifest.t.0,
        as_of: manifest.as_of.clone(),
        patients: manifest.patients,
        resources: counted.resources,
        risks: counted.risks,
        policy: report::Policy {
            id: policy.id.clone(),
            version: policy.version.clone(),
            ja: policy.ja.clone(),
            en: policy.en.clone(),
            source: policy.source.clone(),
            reversible: policy.reversible,
            extends: policy.extends.clone(),
            hash: ContentHash(policy.hash).to_hex(),
            approval: counted.approval.map(|approval| report::Approval {
                board: approval.decision.board,
                reference: approval.decision.reference,
                date: approval.decision.date,
                texts: approval.decision.texts,
            }),
        },
        image_policy: images.then_some(image_policy),
        rules,
        elements: elements.collect(),
        local_codes: changes.local_codes,
        local_units: changes.local_units,
        texts: manifest.spec.data.text.then(|| report::Texts {
            texts: changes.texts,
            labels: changes
                .pieces
                .iter()
                .map(|(kind, count)| (kind.label().to_owned(), *count))
                .collect(),
        }),
        pictures: images.then_some(pictures),
        withheld: manifest.withheld.clone(),
        to_look_at: to_look_at(manifest, &pictures),
    }
}

/// What no rule can decide: Japanese and English.
fn to_look_at(manifest: &Manifest, pictures: &report::Pictures) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let left = manifest.withheld.iter().filter(|(key, _)| {
        key.starts_with("identifier-left") || key.starts_with("dicom-identifier")
    });
    let left: u64 = left.map(|(_, count)| count).sum();
    if left > 0 {
        out.push((
            format!("加工後にも本人を示す記述が残ったため {left} 件を留めた。元のデータのどこにあるかを確かめ、登録の誤りなら直す。"),
            format!("{left} objects were held back because something that names the patient was left: see where it stands in the source, and mend it if it was entered wrongly."),
        ));
    }
    if manifest.spec.data.text {
        out.push((
            "文章には、誰も指さないと分かっている語だけを残した。それでも語に見える名や、病歴そのものが個人を語ることがある。提供の前に一部を読む(--review の texts.html)。同じ文章は別の研究計画のデータセットでも同じ姿になる。両方を同じ相手に渡すと、文章で突き合わせられる。"
                .to_owned(),
            "In texts only words stay that are known to name nobody. A name that looks like such a word may be left, and a history itself may tell of a person: read a sample before handing it over (texts.html of --review). A text looks the same in the sets of other projects: whoever is given both could join them by it."
                .to_owned(),
        ));
    }
    if pictures.read > 0 {
        let read = pictures.read;
        out.push((
            format!("{read} 枚の画像で文字を探して塗りつぶした。手書き、9 画素より小さい字、背景との差がわずかな字は見落とし得る。--review の画像を見る。"),
            format!("Text was looked for and masked in {read} images. Handwriting, letters of less than 9 pixels and those that hardly differ from their ground may be missed: look at the pictures of --review."),
        ));
    }
    if pictures.endoscopy > 0 {
        let count = pictures.endoscopy;
        out.push((
            format!("内視鏡の画像や動画が {count} 件ある。挿入前・抜去後の画面に顔や室内が写っていないか、すべて見る。"),
            format!("There are {count} images or videos of endoscopy: look at all of them for faces and the room, before it goes in and after it comes out."),
        ));
    }
    if pictures.faces > 0 {
        let faces = pictures.faces;
        out.push((
            format!("{faces} 件の頭部の画像から顔を取り除いた。--review の前後の画像を見る。"),
            format!("The face was taken out of {faces} series of a head: look at the pictures before and after, of --review."),
        ));
    }
    if manifest.patients < 20 {
        out.push((
            format!("患者が {} 人しかいない。組合せから個人が分かり得るか、提供の前に確かめる。", manifest.patients),
            format!("There are {} patients only: consider before handing it over whether a combination tells one of them.", manifest.patients),
        ));
    }
    out.push((
        "対象の条件そのものが珍しい病気や出来事を語っていないか、題名と目的とともに読む。"
            .to_owned(),
        "Read title, purpose and cohort: do they themselves tell of a rare disease or event?"
            .to_owned(),
    ));
    out
}
