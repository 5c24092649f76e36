//! Documents read back by poppler and qpdf.

use kura_pdf::{Column, Table, Text};

use crate::support::{NOTO, ask, document, elements, empty, fonts, has_number, page_of, text_of};

#[test]
fn words_numbers_of_pages_and_headings_of_tables_are_there() {
    let Some(fonts) = fonts(NOTO) else { return };
    let pdf = document(120).pdf(&fonts).unwrap();
    assert_eq!(pdf.pages, 4);
    let (Some(first), Some(second), Some(last)) =
        (page_of(&pdf, 1), page_of(&pdf, 2), page_of(&pdf, 4))
    else {
        return;
    };
    for words in [
        "委員会は、診療情報を加工して",
        "Records of patients",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "1,204",
        "•",
        "Ages in groups of five years.",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    for page in [&first, &second, &last] {
        assert!(page.contains("残った / kept"), "{page}");
        assert!(page.contains("倫理審査の記録 / Minutes of the board"));
    }
    for (page, number) in [(&first, 1), (&second, 2), (&last, 4)] {
        assert!(has_number(page, number, 4), "{page}");
    }
    // Each row once, in order, over all pages.
    let text = text_of(&pdf).unwrap();
    let rows: Vec<usize> = text
        .split("numerator.extension")
        .skip(1)
        .map(|rest| rest.split('.').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(rows, (0..120).collect::<Vec<_>>());
}

#[test]
fn title_language_outline_and_tags_are_there() {
    let Some(fonts) = fonts(NOTO) else { return };
    let pdf = document(40).pdf(&fonts).unwrap();
    let Some(info) = ask("pdfinfo", &["FILE"], &pdf.bytes) else {
        return;
    };
    for words in [
        "倫理審査の記録 / Minutes of the board",
        "Nov 23 12:37:24 2026",
        "Tagged:          yes",
        "(A4)",
    ] {
        assert!(info.contains(words), "{words}: {info}");
    }
    let tags = ask("pdfinfo", &["-struct-text", "FILE"], &pdf.bytes).unwrap();
    for tag in [
        "H1",
        "H2",
        "P (block)",
        "L (block)",
        "LI (block)",
        "Lbl",
        "LBody",
        "Table",
        "THead",
        "TBody",
        "TR",
        "TH",
        "TD",
        "Link",
    ] {
        assert!(tags.contains(tag), "{tag}: {tags}");
    }
    // The headings of a table are repeated for the eye only.
    assert_eq!(tags.matches("残った / kept").count(), 1);
    // A link to a row that is not there is text.
    assert_eq!(tags.matches("Link").count(), 27);
    let Some(json) = ask(
        "qpdf",
        &["--json", "--json-key=outlines", "FILE"],
        &pdf.bytes,
    ) else {
        return;
    };
    for (title, page) in [
        ("倫理審査の記録 / Minutes of the board", 1),
        ("計画 / Plan", 1),
        ("規則 / Rules", 1),
        ("要素ごと / Element by element", 1),
    ] {
        let at = json
            .find(&format!("\"title\": \"{title}\""))
            .unwrap_or_else(|| panic!("{json}"));
        let before = &json[..at];
        let from = before.rfind("\"destpageposfrom1\": ").unwrap();
        assert!(
            before[from..].starts_with(&format!("\"destpageposfrom1\": {page}")),
            "{json}"
        );
    }
}

#[test]
fn it_says_that_it_is_pdf_a_and_pdf_ua_and_qpdf_finds_no_fault() {
    let Some(fonts) = fonts(NOTO) else { return };
    let pdf = document(200).pdf(&fonts).unwrap();
    let xmp = String::from_utf8_lossy(&pdf.bytes);
    for words in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
    ] {
        assert!(xmp.contains(words), "{words}");
    }
    if let Some(said) = ask("qpdf", &["--check", "FILE"], &pdf.bytes) {
        assert!(
            said.contains("No syntax or stream encoding errors"),
            "{said}"
        );
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let Some(fonts) = fonts(NOTO) else { return };
    let first = document(300).pdf(&fonts).unwrap();
    // Found again: nothing hangs on when or in which order fonts were read.
    let again = crate::support::fonts(NOTO).unwrap();
    let second = std::thread::spawn(move || document(300).pdf(&again).unwrap());
    assert_eq!(first.bytes, second.join().unwrap().bytes);
}

#[test]
fn a_long_table_stays_small() {
    let Some(fonts) = fonts(NOTO) else { return };
    let pdf = document(3_000).pdf(&fonts).unwrap();
    assert!(pdf.bytes.len() < 4_000_000, "{}", pdf.bytes.len());
    assert!(pdf.pages > 50);
}

#[test]
fn a_row_higher_than_a_page_goes_on_over_pages() {
    let Some(fonts) = fonts(NOTO) else { return };
    let mut document = empty();
    let mut table = Table::new([Column::text("n"), Column::text("見出し")]);
    let long: Vec<String> = (0..4_000).map(|number| format!("word{number}")).collect();
    table.row(["1".into(), long.join(" ").into()]);
    table.row(["2".into(), "after".into()]);
    document.table(table);
    let pdf = document.pdf(&fonts).unwrap();
    assert!(pdf.pages > 2, "{}", pdf.pages);
    let Some(text) = text_of(&pdf) else { return };
    for number in 0..4_000 {
        assert!(text.contains(&format!("word{number}")), "{number}");
    }
    assert!(text.contains("after"));
    assert_eq!(text.matches("見出し").count(), pdf.pages);
}

#[test]
fn odd_documents_are_documents() {
    let Some(fonts) = fonts(NOTO) else { return };
    let mut odd = empty();
    assert_eq!(odd.pdf(&fonts).unwrap().pages, 1);
    odd.title = "長い題 ".repeat(60);
    odd.heading(3, Text::default());
    odd.heading(9, "深い");
    odd.paragraph("");
    odd.list([]);
    odd.table(Table::new([]));
    odd.table(Table::new([Column::text("only a heading")]));
    let mut ragged = Table::new([Column::text("a"), Column::text("b").share(1.0)]);
    ragged.row([]);
    ragged.row(["1".into(), "2".into(), "3".into()]);
    odd.table(ragged);
    let mut high = Table::new([Column::text(Text::from("高い\n".repeat(100)))]);
    high.row(["cell".into()]);
    odd.table(high);
    let mut many = Table::new((0..60).map(|_| Column::number("広い列")));
    many.row((0..60).map(|number| Text::from(format!("{number}000"))));
    odd.table(many);
    let pdf = odd.pdf(&fonts).unwrap();
    if let Some(said) = ask("qpdf", &["--check", "FILE"], &pdf.bytes) {
        assert!(
            said.contains("No syntax or stream encoding errors"),
            "{said}"
        );
    }
}

#[test]
fn links_lead_to_the_row() {
    let Some(fonts) = fonts(NOTO) else { return };
    let mut document = empty();
    document.table(elements(200));
    let mut rules = Table::new([Column::text("rule")]);
    rules.row_at("address", ["the rule".into()]);
    document.table(rules);
    let pdf = document.pdf(&fonts).unwrap();
    let Some(said) = ask(
        "qpdf",
        &["--qdf", "--object-streams=disable", "FILE", "-"],
        &pdf.bytes,
    ) else {
        return;
    };
    // Only "address" is there: a third of the rows, from all pages to the last.
    assert_eq!(said.matches("/Subtype /Link").count(), 67);
}
