//! `words`: the words that R4 fixes for its elements of type `code` (required bindings), and the
//! code systems that HL7 publishes whole with R4, out of the definitions that `kura-validation`
//! carries. A word of a fixed list can carry no text about a person; `kura-deid` keeps no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

const FROM: &str = "crates/kura-validation/data/r4.tsv.zst";
const OUT: &str = "crates/kura-deid/data/words.tsv";
const HEADER: &str = "\
# Words that FHIR R4 (4.0.1) fixes for elements of type code, by required bindings, and the code
# systems that HL7 publishes whole with R4.
# Source: HL7 FHIR R4 definitions. Licence: CC0 1.0.
# Made by `cargo run -p xtask -- words`; do not edit.
# A value set:   =number, its words
# An element:    path, number of its value set
# A code system: @url
";

#[derive(Default)]
struct Definitions {
    systems: HashMap<String, Value>,
    value_sets: HashMap<String, Value>,
    structures: Vec<Value>,
}

pub fn make() -> Result<(), String> {
    let packed = std::fs::read(FROM).map_err(|error| format!("{FROM}: {error}"))?;
    let text = zstd::decode_all(&packed[..]).map_err(|error| format!("{FROM}: {error}"))?;
    let text = String::from_utf8(text).map_err(|error| format!("{FROM}: {error}"))?;
    let mut all = Definitions::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [kind, url, _, body] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{FROM}: a line is no definition"));
        };
        let body: Value = serde_json::from_str(body).map_err(|error| format!("{url}: {error}"))?;
        match kind {
            "CodeSystem" => drop(all.systems.insert(url.to_owned(), body)),
            "ValueSet" => drop(all.value_sets.insert(url.to_owned(), body)),
            "StructureDefinition" if body["derivation"] == "specialization" => {
                all.structures.push(body);
            }
            _ => {}
        }
    }
    let mut sets: BTreeMap<BTreeSet<String>, usize> = BTreeMap::new();
    let mut elements = BTreeMap::new();
    for structure in &all.structures {
        for element in items(&structure["snapshot"]["element"]) {
            let is_code = items(&element["type"]).any(|one| one["code"] == "code");
            let binding = &element["binding"];
            if !is_code || binding["strength"] != "required" {
                continue;
            }
            let url = binding["valueSet"].as_str().unwrap_or_default();
            // MIME types and currencies are lists that others keep.
            let Some(words) = all.words(url, 0) else {
                continue;
            };
            let next = sets.len();
            let number = *sets.entry(words).or_insert(next);
            let path = element["path"].as_str().unwrap_or_default();
            elements.insert(path.to_owned(), number);
        }
    }
    let mut by_number: Vec<(usize, BTreeSet<String>)> = sets
        .into_iter()
        .map(|(words, number)| (number, words))
        .collect();
    by_number.sort();
    let mut out = HEADER.to_owned();
    for (number, words) in &by_number {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        out += &format!("={number}\t{}\n", words.join("\t"));
    }
    for (path, number) in &elements {
        out += &format!("{path}\t{number}\n");
    }
    let mut published: Vec<&String> = all
        .systems
        .iter()
        .filter(|(url, system)| system["content"] == "complete" && !url.contains("example"))
        .map(|(url, _)| url)
        .collect();
    published.sort();
    for url in &published {
        out += &format!("@{url}\n");
    }
    std::fs::write(OUT, out).map_err(|error| format!("{OUT}: {error}"))?;
    println!(
        "{OUT}: {} elements, {} lists of words, {} code systems",
        elements.len(),
        by_number.len(),
        published.len()
    );
    Ok(())
}

impl Definitions {
    /// The words of a value set, if R4 lists them all.
    fn words(&self, url: &str, depth: u32) -> Option<BTreeSet<String>> {
        let url = url.split('|').next()?;
        if depth > 8 {
            return None;
        }
        let mut out = BTreeSet::new();
        for include in items(&self.value_sets.get(url)?["compose"]["include"]) {
            if include.get("filter").is_some() {
                return None;
            }
            if include.get("concept").is_some() {
                concepts(&include["concept"], &mut out);
            } else if let Some(system) = include["system"].as_str() {
                let system = self.systems.get(system)?;
                if system["content"] != "complete" {
                    return None;
                }
                concepts(&system["concept"], &mut out);
            }
            for other in items(&include["valueSet"]) {
                out.extend(self.words(other.as_str()?, depth + 1)?);
            }
        }
        Some(out)
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn concepts(list: &Value, out: &mut BTreeSet<String>) {
    for concept in items(list) {
        if let Some(code) = concept["code"].as_str() {
            out.insert(code.to_owned());
        }
        concepts(&concept["concept"], out);
    }
}
