//! What a reader of the report can rely on.

use kura_trial::{
    Answers, Cases, ItemState, Lang, Protocol, TrialResult, Words, analyse, checklists, lock,
    report_html, report_markdown, statement_keys,
};

const EXAMPLE: &str = include_str!("../../data/example-protocol.toml");

/// 60 images of 30 patients; a patient's two images are alike.
fn result(name: &str) -> TrialResult {
    let mut cases = "case,cluster,truth,site,sex\n".to_owned();
    let mut answers = "case,probability\n".to_owned();
    for image in 0..60 {
        let patient = image / 2;
        let truth = u8::from(patient % 2 == 0);
        let (site, sex) = (patient % 3, ["", "f", "m"][patient % 3]);
        cases.push_str(&format!("{name}{image},p{patient},{truth},s{site},{sex}\n"));
        let answer = 0.2 + 0.45 * f64::from(truth) + 0.01 * (patient % 7) as f64;
        // Every ninth patient is answered wrongly.
        let answer = if patient % 9 == 0 {
            0.85 - answer
        } else {
            answer
        };
        answers.push_str(&format!("{name}{image},{answer:.4}\n"));
    }
    let protocol = Protocol::parse(EXAMPLE).unwrap();
    let cases = Cases::parse(cases.as_bytes()).unwrap();
    let answers = Answers::parse(answers.as_bytes()).unwrap();
    analyse(&protocol, &lock(cases), None, Some(&answers)).unwrap()
}

#[test]
fn the_example_protocol_is_sound_and_reported() {
    let result = result("i");
    assert!(result.sample_size.needed.is_some() && !result.sample_size.enough);
    for lang in [Lang::Ja, Lang::En] {
        let page = report_html(&result, lang);
        // Self-contained: no script, nothing from elsewhere but the name of the SVG language.
        for forbidden in [
            "<script", "src=", "@import", "url(", "<link", "<img", "<iframe",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let addresses = page.matches("http").count() - page.matches("http-equiv").count();
        assert_eq!(
            addresses,
            page.matches("http://www.w3.org/2000/svg").count()
        );
        assert!(page.starts_with(&format!("<!DOCTYPE html><html lang=\"{}\"", lang.tag())));
        assert!(page.contains("<svg") && page.contains(&result.protocol_hash.to_hex()));
        crate::data::keep(&format!("example-{}.html", lang.tag()), &page);
        let text = report_markdown(&result, lang);
        assert!(text.contains(&result.case_set_hash.to_hex()));
        for word in ["NaN", "inf"] {
            assert!(!text.split_whitespace().any(|w| w.contains(word)), "{word}");
        }
    }
    // The clustered interval and its warning are what is shown.
    let text = report_markdown(&result, Lang::En);
    assert!(text.contains("patients have several cases (up to 2)"));
    assert!(
        report_markdown(&result, Lang::Ja).contains("患者（単位）が複数の症例をもつ（最大2件）")
    );
}

/// A Japanese page has no English sentence of ours left: every kind of finding has both texts.
#[test]
fn findings_are_told_in_both_languages() {
    let result = result("i");
    for finding in &result.findings {
        let (ja, en) = (finding.text(Lang::Ja), finding.text(Lang::En));
        assert!(en.is_ascii(), "{en}");
        assert!(ja.chars().any(|c| ('ぁ'..='ん').contains(&c)), "{ja}");
    }
}

#[test]
fn foreign_names_are_text() {
    let mut result = result("<b>&|");
    result.protocol.title = Words::each("<script>alert(1)</script>", "<script>alert(1)</script>");
    result.protocol.model.name = "</style><img src=x>".to_owned();
    let page = report_html(&result, Lang::En);
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;"));
    let text = report_markdown(&result, Lang::En);
    assert!(text.starts_with("# \\<script\\>"), "{}", &text[..40]);
}

#[test]
fn items_are_ticked_or_named_missing() {
    let mut result = result("i");
    let state = |result: &TrialResult, list: &str, id: &str| {
        let lists = checklists(result);
        let list = lists.iter().find(|l| l.name == list).unwrap();
        list.items
            .iter()
            .find(|i| i.id == id)
            .unwrap()
            .state
            .clone()
    };
    let missing = |key: &str| ItemState::Missing {
        statement: Some(key.to_owned()),
    };
    let shown = |section| ItemState::Shown { section };
    assert_eq!(state(&result, "STARD-AI", "18"), shown("cases"));
    assert_eq!(state(&result, "STARD-AI", "17"), shown("ai-alone"));
    assert_eq!(state(&result, "TRIPOD+AI", "12d"), shown("ai-alone"));
    assert_eq!(state(&result, "STARD-AI", "30"), shown("statements"));
    assert_eq!(state(&result, "STARD-AI", "26"), missing("limitations"));
    // No readers in this trial.
    assert_eq!(
        state(&result, "STARD-AI", "AI-8"),
        ItemState::Missing { statement: None }
    );
    result
        .statements
        .insert("limitations".to_owned(), "One hospital.".into());
    assert_eq!(state(&result, "STARD-AI", "26"), shown("statements"));
    assert!(report_html(&result, Lang::En).contains("One hospital."));
    // Every section that items point to stands in the page.
    let page = report_html(&result, Lang::En);
    for list in checklists(&result) {
        for item in list.items {
            if let ItemState::Shown { section } = item.state {
                assert!(page.contains(&format!("id=\"{section}\"")), "{section}");
            }
        }
    }
    assert!(statement_keys().contains(&"funding"));
}
