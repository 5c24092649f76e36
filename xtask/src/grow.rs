//! Makes a large hospital out of a small one, for measuring.
//!
//! Every copy gets ids, numbers, names, dates and values of its own: what repeats compresses
//! too well and is found too fast, and a figure measured on it would be a lie.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

/// `grow-hospital FROM TIMES OUT [FIRST]`: the copies FIRST (else 0) to FIRST + TIMES - 1.
///
/// Folders of different copies are imported one after another to see whether a bank that has
/// grown takes in the next as fast as the first.
pub fn grow(arguments: &[String]) -> Result<(), String> {
    let (from, times, out, first) = match arguments {
        [from, times, out] => (from, times, out, "0"),
        [from, times, out, first] => (from, times, out, first.as_str()),
        _ => {
            return Err(
                "usage: cargo run -p xtask -- grow-hospital FROM TIMES OUT [FIRST]".to_owned(),
            );
        }
    };
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("{text} is no number"))
    };
    let (times, first) = (number(times)?, number(first)?);
    let (from, out) = (Path::new(from), Path::new(out));
    fs::create_dir_all(out).map_err(text)?;
    let names = names(from)?;
    let mut files: Vec<_> = fs::read_dir(from)
        .map_err(text)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".ndjson.gz"))
        .collect();
    files.sort();
    let mut total = 0;
    for file in files {
        let target = out.join(file.file_name().unwrap_or_default());
        let mut writer = GzEncoder::new(
            BufWriter::new(File::create(&target).map_err(text)?),
            Compression::fast(),
        );
        for copy in first..first + times {
            for line in lines(&file)? {
                let mut value: Value = serde_json::from_str(&line.map_err(text)?).map_err(text)?;
                let grower = Grower {
                    copy,
                    names: &names,
                };
                grower.change(&mut value, "");
                serde_json::to_writer(&mut writer, &value).map_err(text)?;
                writer.write_all(b"\n").map_err(text)?;
                total += 1;
            }
        }
        writer
            .finish()
            .and_then(|mut inner| inner.flush())
            .map_err(text)?;
    }
    println!("{total} resources in {}", out.display());
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn lines(file: &Path) -> Result<std::io::Lines<impl BufRead>, String> {
    let file = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(BufReader::new(MultiGzDecoder::new(file)).lines())
}

/// Family and given names of the small hospital, kanji beside kana.
struct Names {
    family: Vec<(String, String)>,
    given: Vec<(String, String)>,
}

fn names(from: &Path) -> Result<Names, String> {
    let mut names = Names {
        family: Vec::new(),
        given: Vec::new(),
    };
    for line in lines(&from.join("Patient.ndjson.gz"))? {
        let value: Value = serde_json::from_str(&line.map_err(text)?).map_err(text)?;
        let part = |index: usize, pointer: &str| {
            value["name"][index]
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("無")
                .to_owned()
        };
        names.family.push((part(0, "/family"), part(1, "/family")));
        names.given.push((part(0, "/given/0"), part(1, "/given/0")));
    }
    Ok(names)
}

struct Grower<'a> {
    copy: u64,
    names: &'a Names,
}

/// splitmix64 over the text and the copy: spread, fast, the same everywhere.
fn mix(seed: u64, text: &str) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

impl Grower<'_> {
    fn change(&self, value: &mut Value, name: &str) {
        match value {
            Value::Object(members) => {
                if members.contains_key("family") && members.contains_key("given") {
                    self.rename(members);
                    return;
                }
                for (name, value) in members.iter_mut() {
                    // Codes, systems and profiles are the standard's.
                    if !matches!(
                        name.as_str(),
                        "system" | "code" | "url" | "profile" | "display" | "resourceType"
                    ) {
                        self.change(value, name);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.change(item, name);
                }
            }
            Value::String(text) => *text = self.text(text, name),
            Value::Number(number) if name == "value" => {
                let old = number.to_string();
                if let (Ok(measured), Some((_, fraction))) =
                    (old.parse::<f64>(), old.split_once('.'))
                {
                    let by = (mix(self.copy, &old) % 2001) as f64 / 10_000.0 + 0.9;
                    let new = format!("{:.*}", fraction.len(), measured * by);
                    if let Ok(new) = serde_json::from_str(&new) {
                        *number = new;
                    }
                }
            }
            _ => {}
        }
    }

    fn rename(&self, members: &mut serde_json::Map<String, Value>) {
        let old = format!("{}{}", members["family"], members["given"]);
        // Both scripts of one person have the family's place in the list in common.
        let find = |list: &[(String, String)], text: &str| {
            list.iter()
                .position(|(kanji, kana)| kanji == text || kana == text)
        };
        let family = members["family"].as_str().unwrap_or_default().to_owned();
        let given = members["given"][0].as_str().unwrap_or_default().to_owned();
        let (Some(family), Some(given)) = (
            find(&self.names.family, &family),
            find(&self.names.given, &given),
        ) else {
            return;
        };
        let kana = !old
            .chars()
            .any(|letter| ('\u{4E00}'..='\u{9FFF}').contains(&letter));
        let step = self.copy as usize;
        let family = &self.names.family[(family + 7 * step + 1) % self.names.family.len()];
        let given = &self.names.given[(given + 11 * step + 1) % self.names.given.len()];
        let (family, given) = if kana {
            (&family.1, &given.1)
        } else {
            (&family.0, &given.0)
        };
        members.insert("text".to_owned(), format!("{family} {given}").into());
        members.insert("family".to_owned(), family.as_str().into());
        members.insert("given".to_owned(), vec![given.as_str()].into());
    }

    fn text(&self, text: &str, name: &str) -> String {
        match name {
            "reference" => match text.split_once('/') {
                Some((kind, id)) => format!("{kind}/{}", self.id(id)),
                None => text.to_owned(),
            },
            "id" => self.id(text),
            "data" => text.to_owned(),
            _ if is_date(text) => {
                let day = 1 + mix(self.copy, &text[..7]) % 28;
                if text.len() >= 10 {
                    format!("{}{day:02}{}", &text[..8], &text[10..])
                } else {
                    text.to_owned()
                }
            }
            _ => self.digits(text),
        }
    }

    /// Wards, departments and staff stay one hospital's; what is a patient's is new.
    fn id(&self, id: &str) -> String {
        match id.rsplit_once('-') {
            Some((kind, tail))
                if tail.len() >= 6 && tail.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                let mixed = format!("{:016x}", mix(self.copy + 1, id));
                format!("{kind}-{}", &mixed[..tail.len().min(16)])
            }
            _ => id.to_owned(),
        }
    }

    /// Runs of three digits or more become others of the same length.
    fn digits(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
            let run = rest[start..]
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(rest.len() - start);
            out += &rest[..start];
            let digits = &rest[start..start + run];
            if run >= 3 {
                let mixed = format!("{:020}", mix(self.copy + 1, digits));
                out += &mixed[20 - run.min(18)..];
            } else {
                out += digits;
            }
            rest = &rest[start + run..];
        }
        out + rest
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && text.is_char_boundary(10)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[..4].iter().all(u8::is_ascii_digit)
}
