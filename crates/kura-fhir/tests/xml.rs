//! XML and JSON of the same resources: R4's own examples there and back, HL7's pairs, the sample
//! hospital.
#![allow(clippy::print_stdout, reason = "figures of the examples")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use kura_fhir::xml::{self, Layout};
use serde_json::Value;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// What says the same is made equal: around a narrative is no space and its lines end in LF (XML 1.0
/// section 2.11), lists of nulls only are not there, and of a primitive's list and its companion
/// both are as long (FHIR R4 json.html#primitive).
fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(map) => {
            map.retain(|_, value| {
                !value.is_null()
                    && !matches!(value, Value::Array(items) if items.iter().all(Value::is_null))
            });
            for (name, value) in map.iter_mut() {
                match value {
                    Value::String(text) if name == "div" => {
                        *text = text.trim().replace("\r\n", "\n");
                    }
                    Value::Array(items) if name.starts_with('_') => {
                        while items.last().is_some_and(Value::is_null) {
                            items.pop();
                        }
                    }
                    _ => {}
                }
                plain(value);
            }
        }
        _ => {}
    }
}

fn there_and_back(name: &str, value: &Value) -> Result<(), String> {
    let text =
        xml::write(value, Layout::Compact).map_err(|refusal| format!("{name}: {refusal}"))?;
    let again = xml::read(&text).map_err(|refusal| format!("{name}, again: {refusal}"))?;
    let (mut again, mut value) = (again, value.clone());
    plain(&mut again);
    plain(&mut value);
    if again == value {
        Ok(())
    } else {
        let place = first_difference(&again, &value);
        Err(format!("{name} is another afterwards: {place}"))
    }
}

fn first_difference(left: &Value, right: &Value) -> String {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in b {
                match a.get(name) {
                    Some(found) if found == value => {}
                    Some(found) => return format!(".{name}{}", first_difference(found, value)),
                    None => return format!(".{name} is gone"),
                }
            }
            " has more".to_owned()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(0);
            format!("[{at}]{}", first_difference(&a[at], &b[at]))
        }
        _ => " differs".to_owned(),
    }
}

/// The npm package `hl7.fhir.r4.examples` 4.0.1 (HL7, CC0), unpacked: `KURA_R4_EXAMPLES` names
/// the `.tgz`.
#[test]
fn r4s_own_examples_go_there_and_back() {
    let Some(file) = std::env::var_os("KURA_R4_EXAMPLES") else {
        println!("SKIPPED: KURA_R4_EXAMPLES names no hl7.fhir.r4.examples-4.0.1.tgz");
        return;
    };
    let unpacked = tempfile::TempDir::new().expect("a folder");
    let run = std::process::Command::new("tar")
        .arg("xzf")
        .arg(&file)
        .arg("-C")
        .arg(unpacked.path())
        .status()
        .expect("tar runs");
    assert!(run.success());
    let (mut passed, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(unpacked.path().join("package")).expect("the package") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read(&path).expect("a file");
        let Ok(value) = serde_json::from_slice::<Value>(&text) else {
            continue;
        };
        if value.get("resourceType").is_none() {
            continue;
        }
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        match there_and_back(&name, &value) {
            Ok(()) => passed += 1,
            Err(what) => wrong.push(what),
        }
    }
    println!(
        "R4's examples: {passed} go there and back, {} do not",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed > 5_000);
}

#[test]
fn the_sample_hospital_goes_there_and_back() {
    let (mut passed, mut wrong) = (0, std::collections::BTreeMap::new());
    for entry in std::fs::read_dir(folder("samples/hospital/fhir")).expect("the sample") {
        let path = entry.expect("an entry").path();
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(&path).expect("a file"))
            .read_to_string(&mut text)
            .expect("lines");
        let name = path.display().to_string();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Ok(value) = serde_json::from_str::<Value>(line) else {
                panic!("{name} holds a line that is no JSON");
            };
            match there_and_back(&name, &value) {
                Ok(()) => passed += 1,
                Err(what) => *wrong.entry(what).or_insert(0) += 1,
            }
        }
    }
    println!("the sample hospital: {passed} go there and back, {wrong:?} do not");
    assert!(passed > 22_000, "{passed}");
    // `timing` and `doseAndRate` of a dosage: R4 has them in a request, not in an administration.
    let places: Vec<&String> = wrong.keys().collect();
    let [place] = &places[..] else {
        panic!("{places:?}");
    };
    assert!(
        place.contains("(MedicationAdministration.dosage)"),
        "{place}"
    );
}

/// HL7 publishes these in both forms, made by its own tools (the inputs of its FHIRPath tests).
#[test]
fn hl7s_xml_is_hl7s_json() {
    let folder = folder("../shared/data/fhirpath/input");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: {} is not here", folder.display());
        return;
    };
    let (mut read, mut compared) = (0, 0);
    for path in files.filter_map(Result::ok).map(|file| file.path()) {
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let name = path.display().to_string();
        let mut found = xml::read(&std::fs::read(&path).expect("a file"))
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        there_and_back(&name, &found).unwrap();
        read += 1;
        let Ok(json) = std::fs::read(path.with_extension("json")) else {
            continue;
        };
        let mut wanted: Value = serde_json::from_slice(&json).expect("JSON");
        if name.ends_with("observation-example.xml") {
            // HL7 added it to the XML for a test of its suite.
            found
                .as_object_mut()
                .expect("a resource")
                .remove("extension");
        }
        for value in [&mut found, &mut wanted] {
            plain(value);
            // Laid out anew, and quotes escaped in one only.
            let div = value["text"]["div"].as_str().expect("a narrative");
            let div = div.replace("&quot;", "\"").replace("&#39;", "'");
            let words: Vec<&str> = div.split_whitespace().collect();
            value["text"]["div"] = words.join(" ").replace("> <", "><").into();
        }
        assert_eq!(
            found,
            wanted,
            "{name}: {}",
            first_difference(&found, &wanted)
        );
        compared += 1;
    }
    println!("{read} read, {compared} compared with their JSON");
    assert!(read > 0 && compared > 0);
}
