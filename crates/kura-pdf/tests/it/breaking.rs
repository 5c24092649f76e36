//! Where lines end.

use kura_pdf::{Column, Document, Table, Text};

use crate::support::{NOTO, empty, fonts, has_number, text_of};

/// The lines of a document of one paragraph, without those at the foot.
fn lines(document: &Document) -> Option<Vec<String>> {
    let pdf = document.pdf(&fonts(NOTO)?).unwrap();
    let text = text_of(&pdf)?;
    let lines = text.lines().map(|line| line.trim().to_owned());
    let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    assert!(has_number(&lines.pop()?, 1, 1));
    Some(lines)
}

#[test]
fn no_line_starts_or_ends_where_japanese_forbids_it() {
    // 52 letters fill a line: each length puts another letter at its end.
    for length in 40..60 {
        let mut document = empty();
        let start = "あ".repeat(length);
        document.paragraph(format!(
            "{start}「同意」(書面)、ゃっー々。を確かめた。{start}"
        ));
        let Some(lines) = lines(&document) else {
            return;
        };
        assert!(lines.len() >= 2, "{lines:?}");
        for line in &lines {
            let first = line.chars().next().unwrap();
            let last = line.chars().last().unwrap();
            assert!(!"、。」)ゃっー々".contains(first), "{lines:?}");
            assert!(!"「(".contains(last), "{lines:?}");
        }
        let whole: String = lines.concat();
        assert!(
            whole.contains("「同意」(書面)、ゃっー々。を確かめた。"),
            "{whole}"
        );
    }
}

#[test]
fn english_is_broken_between_words() {
    let mut document = empty();
    let words = "De-identified records may leave when the board has agreed. ".repeat(6);
    document.paragraph(words.as_str());
    let Some(lines) = lines(&document) else {
        return;
    };
    let told = lines.join(" ");
    let told: Vec<&str> = told.split_whitespace().collect();
    let wanted: Vec<&str> = words.split_whitespace().collect();
    // A hyphen may end a line.
    assert_eq!(told.concat(), wanted.concat());
    assert!(lines.iter().all(|line| {
        let last = line.split(' ').next_back().unwrap();
        last == "De-" || wanted.contains(&last)
    }));
}

#[test]
fn what_is_too_long_for_its_cell_is_broken_and_whole() {
    let mut document = empty();
    let hash = "9f86d081884c7d659a2feaa0c55ad015".repeat(8);
    let path = "Bundle.entry.resource.extension.valueCodeableConcept.coding".repeat(6);
    let mut table = Table::new([
        Column::text("hash"),
        Column::text("path"),
        Column::number("n"),
    ]);
    table.row([hash.as_str().into(), path.as_str().into(), "12,345".into()]);
    document.table(table);
    let fonts = fonts(NOTO);
    let Some(fonts) = fonts else { return };
    let pdf = document.pdf(&fonts).unwrap();
    // Each cell by itself, in reading order.
    let said = crate::support::ask("pdftotext", &["-raw", "FILE", "-"], &pdf.bytes);
    let Some(said) = said else { return };
    let said: String = said.split_whitespace().collect();
    assert!(said.contains(&hash), "{said}");
    assert!(said.contains(&path), "{said}");
    assert!(said.contains("12,345"));
    let Some(boxes) = crate::support::ask("pdftotext", &["-bbox", "FILE", "-"], &pdf.bytes) else {
        return;
    };
    let mut words = 0;
    for line in boxes.lines().filter(|line| line.contains("<word")) {
        let right = line.split("xMax=\"").nth(1).unwrap();
        let right: f32 = right.split('"').next().unwrap().parse().unwrap();
        assert!(right < 545.0, "cut off: {line}");
        words += 1;
    }
    assert!(words > 6);
}

#[test]
fn lines_of_the_text_itself_stay() {
    let mut document = empty();
    document.paragraph(Text::from("一行目\n二行目").line("third"));
    let Some(lines) = lines(&document) else {
        return;
    };
    assert_eq!(lines, ["一行目", "二行目", "third"]);
}
