//! Files of the shared test data. A missing file is said, not passed over in silence.

use std::collections::BTreeMap;
use std::io::Read;

/// A file of `shared/data/ai`.
pub fn shared(path: &str) -> Option<Vec<u8>> {
    let file = format!(
        "{}/../../../shared/data/ai/{path}",
        env!("CARGO_MANIFEST_DIR")
    );
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("SKIPPED: the file shared/data/ai/{path} is missing, nothing was checked");
            None
        }
    }
}

/// The cells of a workbook's first sheet, by column letters and row: as much of Office Open XML
/// (ECMA-376, part 1, §18.3 and §18.4) as one table of words needs.
pub fn first_sheet(workbook: &[u8]) -> BTreeMap<(u32, String), String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        let mut file = archive.by_name(name).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    };
    let words: Vec<String> = elements(&part("xl/sharedStrings.xml"), "si")
        .map(|item| elements(item, "t").collect())
        .collect();
    let sheet = part("xl/worksheets/sheet1.xml");
    let mut cells = BTreeMap::new();
    for tagged in sheet.split("<c ").skip(1) {
        let (attributes, rest) = tagged.split_once('>').unwrap();
        if attributes.ends_with('/') {
            continue;
        }
        let body = rest.split("</c>").next().unwrap();
        let Some(value) = elements(body, "v").next() else {
            continue;
        };
        let place = attribute(attributes, "r").unwrap();
        let letters = place.trim_end_matches(|c: char| c.is_ascii_digit());
        let row = place[letters.len()..].parse().unwrap();
        let text = match attribute(attributes, "t") {
            Some("s") => words[value.parse::<usize>().unwrap()].clone(),
            _ => value.to_owned(),
        };
        cells.insert((row, letters.to_owned()), text);
    }
    cells
}

/// What stands in each `<name …>…</name>`.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find(&open)? + open.len()..];
            // `<t` also begins `<table`.
            if !rest.starts_with(['>', ' ']) {
                continue;
            }
            let body = &rest[rest.find('>')? + 1..];
            let end = body.find(&close)?;
            rest = &body[end + close.len()..];
            return Some(&body[..end]);
        }
    })
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let start = format!(" {attributes}").find(&format!(" {name}=\""))? + name.len() + 2;
    attributes[start..].split('"').next()
}

/// Writes pages for people to look at where `KURA_REPORTS` names a folder.
pub fn keep(name: &str, text: &str) {
    if let Some(folder) = std::env::var_os("KURA_REPORTS") {
        std::fs::write(std::path::Path::new(&folder).join(name), text).unwrap();
    }
}
