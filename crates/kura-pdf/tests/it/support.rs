//! Fonts, tools and a document that has everything.

use std::path::Path;
use std::process::Command;

use kura_pdf::{Column, Document, Fonts, Instant, Pdf, Span, Table, Text};

pub const NOTO: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
pub const IPA: &str = "/usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf";

fn missing(what: &str) {
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "{what} is missing"
    );
    eprintln!("SKIPPED: {what} is not here; run make test");
}

/// A font of the machine; `KURA_TEST_TOOLS` says that it must be there.
pub fn fonts(path: &str) -> Option<Fonts> {
    if !Path::new(path).exists() {
        missing(path);
        return None;
    }
    Some(Fonts::find(Some(Path::new(path))).unwrap())
}

/// What a program says of a PDF; None where it is not installed.
pub fn ask(program: &str, arguments: &[&str], pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    std::fs::write(&file, pdf).unwrap();
    let mut command = Command::new(program);
    for argument in arguments {
        match *argument {
            "FILE" => command.arg(&file),
            other => command.arg(other),
        };
    }
    let Ok(output) = command.output() else {
        missing(program);
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said} {complaint}");
    // poppler before 23.02 takes `/Suspects false` for an error; PDF/UA asks for it.
    let complaints = complaint.lines().filter(|line| !line.contains("Suspects"));
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "{program}");
    Some(said)
}

pub fn text_of(pdf: &Pdf) -> Option<String> {
    ask("pdftotext", &["-layout", "FILE", "-"], &pdf.bytes)
}

/// The text of one page, from 1.
pub fn page_of(pdf: &Pdf, page: usize) -> Option<String> {
    let page = page.to_string();
    let arguments = ["-layout", "-f", &page, "-l", &page, "FILE", "-"];
    ask("pdftotext", &arguments, &pdf.bytes)
}

/// Whether a page's last words are `1 / 4`; poppler leaves narrow spaces out.
pub fn has_number(page: &str, number: usize, of: usize) -> bool {
    let words: String = page.split_whitespace().collect();
    words.ends_with(&format!("{number}/{of}"))
}

pub fn both(ja: &str, en: &str) -> Text {
    Text::from(ja).line(en).lang("en")
}

pub fn empty() -> Document {
    let created = Instant::parse("2026-11-23T12:37:24Z").unwrap();
    Document::new("倫理審査の記録 / Minutes of the board", "ja", created)
}

/// Headings, paragraphs, a list, facts, and a table of so many rows.
pub fn document(rows: usize) -> Document {
    let mut document = empty();
    document.heading(1, "倫理審査の記録 / Minutes of the board");
    document.paragraph(both(
        "委員会は、診療情報を加工して研究に用いる計画について、規則の一覧と残る危険を確かめ、次のとおり決めた。「同意」のない患者の記録は、どの段階でも用いない。",
        "The board looked at the rules and at the risk that is left, and decided as follows. Records of patients without consent are used at no stage.",
    ));
    document.heading(2, "計画 / Plan");
    document.table(Table::facts([
        ("研究計画 / Project", Text::from("cohort-2026")),
        (
            "方針のハッシュ / Hash of the policy",
            Text::from(Span::code(
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            )),
        ),
    ]));
    document.list([
        both(
            "年齢は五歳ごとにまとめる。",
            "Ages in groups of five years.",
        ),
        Text::from("日付は患者ごとにずらす。"),
    ]);
    document.heading(2, "規則 / Rules");
    let mut rules = Table::new([
        Column::text("rule"),
        Column::text("加工 / processing"),
        Column::number("回数 / times"),
    ]);
    for rule in ["birth-date", "address"] {
        let words = both("年だけを残す。", "The year is kept and nothing else.");
        rules.row_at(rule, [rule.into(), words, "1,204".into()]);
    }
    document.table(rules);
    document.heading(2, "要素ごと / Element by element");
    document.table(elements(rows));
    document
}

pub fn elements(rows: usize) -> Table {
    let mut elements = Table::new([
        Column::text("要素 / element"),
        Column::text("規則 / rule"),
        Column::number("残った / kept"),
        Column::number("消えた / removed"),
    ]);
    for number in 0..rows {
        let rule = ["birth-date", "address", "nowhere"][number % 3];
        elements.row([
            Span::code(format!("MedicationAdministration.dosage.rateRatio.numerator.extension{number}.valueQuantity")).into(),
            Span::link(rule, rule).into(),
            format!("{number}").into(),
            "0".into(),
        ]);
    }
    elements
}
