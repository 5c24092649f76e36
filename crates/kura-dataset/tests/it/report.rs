//! The report in the forms that people read.

use std::path::Path;
use std::process::Command;

use kura_dataset::report::{
    Approval, Line, Pictures, Policy, Report, Resources, Risk, Rule, Texts,
};
use kura_pdf::Fonts;

fn report() -> Report {
    let rule = |id: &str, ja: &str, en: &str| Rule {
        id: id.to_owned(),
        policy: "kamei".to_owned(),
        action: "remove".to_owned(),
        ja: ja.to_owned(),
        en: en.to_owned(),
        source: "個人情報の保護に関する法律施行規則31条1号".to_owned(),
        paths: Vec::new(),
        applied: 20_611,
    };
    let line = |path: &str, rule: Option<&str>| Line {
        path: path.to_owned(),
        rule: rule.map(str::to_owned),
        action: "remove".to_owned(),
        kept: 1_204,
        removed: 7,
    };
    Report {
        name: "first".to_owned(),
        title: "Lungs <of> 肺".to_owned(),
        project: "p1".to_owned(),
        t: 57,
        as_of: "2026-11-23T12:37:24.598Z".to_owned(),
        patients: 1_690,
        resources: [(
            "Observation".to_owned(),
            Resources {
                seen: 14_064,
                left: 14_059,
            },
        )]
        .into(),
        policy: Policy {
            id: "ours".to_owned(),
            version: "2".to_owned(),
            ja: "仮名加工情報".to_owned(),
            en: "Pseudonymously processed information".to_owned(),
            source: "個人情報の保護に関する法律41条1項".to_owned(),
            reversible: true,
            extends: Some("kamei".to_owned()),
            hash: "e23cdef36addf4cd89cc80f789439177791c500e97c3ca34ca773c7b5ea87126".to_owned(),
            approval: Some(Approval {
                board: "大学 倫理審査委員会".to_owned(),
                reference: "議事録 12".to_owned(),
                date: "2026-11-20".to_owned(),
                texts: true,
            }),
        },
        image_policy: None,
        rules: vec![
            rule("C01", "氏名と住所を削除する。", "Names and addresses go."),
            rule(
                "genomic",
                "ゲノム情報は提供しない",
                "Genomic information is held back",
            ),
        ],
        elements: vec![
            line("Patient.name", Some("C01")),
            line("Patient.photo", None),
        ],
        local_codes: 2_315,
        local_units: 0,
        texts: Some(Texts {
            texts: 12,
            labels: [("[氏名]".to_owned(), 30)].into(),
        }),
        risks: vec![Risk {
            ja: "生年・性別を知る者".to_owned(),
            en: "Somebody who knows birth and sex".to_owned(),
            patients: 1_690,
            smallest: 3,
            alone: 0,
            most: 0.333_33,
            mean: 0.01,
            above: 9,
            threshold: 0.2,
        }],
        pictures: Some(Pictures {
            objects: 138,
            left: 134,
            face_left: 0.012,
            ..Pictures::default()
        }),
        withheld: [("genomic:Observation".to_owned(), 5)].into(),
        to_look_at: vec![("題名を読む。".to_owned(), "Read the title.".to_owned())],
    }
}

/// What stands between the tags of a page's body.
fn words(html: &str) -> Vec<String> {
    let (_, body) = html.split_once("<body>").unwrap();
    let pieces = body
        .split('>')
        .map(|piece| piece.split('<').next().unwrap());
    pieces
        .map(|piece| {
            let text = piece
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            text.split_whitespace().collect()
        })
        .filter(|piece: &String| !piece.is_empty())
        .collect()
}

#[test]
fn the_page_links_elements_to_rules_and_marks_languages() {
    let html = report().html();
    for wanted in [
        "<title>加工の報告 / Report: Lungs &lt;of&gt; 肺</title>",
        r#"<tr id="rule-C01">"#,
        r##"<a href="#rule-C01">C01</a>"##,
        r#"<th scope="row">データセット / Data set</th>"#,
        r#"<td class="n">20,611</td>"#,
        r#"<span lang="en">Genomic information is held back</span>"#,
        "33.33 %",
    ] {
        assert!(html.contains(wanted), "{wanted}: {html}");
    }
}

#[test]
fn the_pdf_says_what_the_page_says() {
    let font = Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc");
    let tools = std::env::var_os("KURA_TEST_TOOLS").is_some();
    if !font.exists() && !tools {
        eprintln!("SKIPPED: {} is not here; run make test", font.display());
        return;
    }
    let report = report();
    let pdf = report.pdf(&Fonts::find(Some(font)).unwrap()).unwrap();
    assert!(pdf.missing.is_empty(), "{:?}", pdf.missing);
    assert_eq!(
        pdf.bytes,
        report.pdf(&Fonts::find(Some(font)).unwrap()).unwrap().bytes
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, &pdf.bytes).unwrap();
    let asked = Command::new("pdftotext")
        .arg("-raw")
        .arg(&file)
        .arg("-")
        .output();
    let Ok(said) = asked else {
        assert!(!tools, "pdftotext is missing");
        eprintln!("SKIPPED: pdftotext is not here; run make test");
        return;
    };
    let said: String = String::from_utf8(said.stdout)
        .unwrap()
        .split_whitespace()
        .collect();
    let mut rest = said.as_str();
    // In the same order, too.
    for piece in words(&report.html()) {
        let at = rest.find(&piece);
        let at = at.unwrap_or_else(|| panic!("{piece} is not in {rest}"));
        rest = &rest[at + piece.len()..];
    }
}
