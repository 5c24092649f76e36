//! The official FHIRPath suite for R4 (`tests-fhir-r4.xml` of HL7's FHIRPath repository), read
//! from `../shared/data/fhirpath` beside the checkout, or from the folder `KURA_FHIRPATH_SUITE`.
//!
//! `not-passed.tsv` lists each case that does not pass with its reason. A case that fails without
//! being listed fails the test; so does a listed one that passes.
#![allow(clippy::print_stdout, reason = "figures of the suite")]

mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kura_fhirpath::{Environment, Expression, Item, Resolve, Temporal};
use serde_json::Value;

use xml::Element;

/// Nothing but the core definitions is known.
struct Nobody;

impl Resolve for Nobody {
    fn resolve(&self, _reference: &str) -> Option<&Value> {
        None
    }
}

fn folder() -> PathBuf {
    std::env::var_os("KURA_FHIRPATH_SUITE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fhirpath"),
        PathBuf::from,
    )
}

/// The inputs by name, read once; where the file named is not there, the same resource in the
/// other format.
struct Inputs {
    folder: PathBuf,
    read: BTreeMap<String, Option<Value>>,
}

impl Inputs {
    fn read(&mut self, name: &str) {
        if self.read.contains_key(name) {
            return;
        }
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let other = if name.ends_with(".xml") {
            "json"
        } else {
            "xml"
        };
        let names = [name.to_owned(), format!("{stem}.{other}")];
        let value = names.iter().find_map(|name| {
            let text = std::fs::read_to_string(self.folder.join("input").join(name)).ok()?;
            Some(if name.ends_with(".json") {
                serde_json::from_str(&text).expect("an input is JSON")
            } else {
                xml::to_json(&text).expect("an input is FHIR XML")
            })
        });
        self.read.insert(name.to_owned(), value);
    }
}

/// The type of an input, told from its file name: `patient-example.xml`.
fn type_of(input: &str) -> &'static str {
    match input.split('-').next().unwrap_or_default() {
        "observation" => "Observation",
        "questionnaire" => "Questionnaire",
        "appointment" => "Appointment",
        "codesystem" => "CodeSystem",
        "valueset" => "ValueSet",
        "parameters" => "Parameters",
        "explanationofbenefit" => "ExplanationOfBenefit",
        _ => "Patient",
    }
}

/// Why a case does not pass; `Ok` when it does.
fn run(case: &Element, inputs: &mut Inputs) -> Result<(), String> {
    let expression_element = case.child("expression").ok_or("no expression")?;
    let text = expression_element.text.trim();
    let input = case.attribute("inputfile").unwrap_or_default();
    let invalid = expression_element
        .attribute("invalid")
        .or_else(|| case.attribute("invalid"));
    let expression = match (Expression::parse(text), invalid) {
        (Err(_), Some("syntax" | "execution")) => return Ok(()),
        (Err(error), _) => return Err(format!("not parsed: {error}")),
        (Ok(_), Some("syntax")) => return Err("parsed, though invalid".to_owned()),
        (Ok(expression), _) => expression,
    };
    let checked = expression.check(type_of(input));
    match (invalid, &checked) {
        (Some("semantic"), Ok(_)) => return Err("passed the check, though invalid".to_owned()),
        (Some("semantic"), Err(_)) => return Ok(()),
        (None, Err(error)) => return Err(format!("refused by the check: {error}")),
        _ => {}
    }
    inputs.read(input);
    let nothing = Value::Null;
    let root = match inputs.read.get(input) {
        Some(Some(root)) => root,
        _ if input.is_empty() => &nothing,
        _ => return Err("the input is not in the data".to_owned()),
    };
    let environment = Environment {
        strict: true,
        resolver: Some(&Nobody),
        ..Environment::default()
    };
    let items = match (expression.evaluate(root, &environment), invalid) {
        (Err(_), Some("execution")) => return Ok(()),
        (Err(error), _) => return Err(format!("not evaluated: {error}")),
        (Ok(items), Some("execution")) => {
            return Err(format!("evaluated to {:?}, though invalid", shown(&items)));
        }
        (Ok(items), _) => items,
    };
    let outputs: Vec<(String, String)> = case
        .children
        .iter()
        .filter(|child| child.name == "output")
        .map(|output| {
            let kind = output.attribute("type").unwrap_or_default();
            (kind.to_owned(), output.text.clone())
        })
        .collect();
    let mut actual = shown(&items);
    if case.attribute("predicate") == Some("true") {
        let holds = match items.as_slice() {
            [] => false,
            [item] => item.as_bool().unwrap_or(true),
            _ => return Err("several items as a predicate".to_owned()),
        };
        actual = vec![("boolean".to_owned(), holds.to_string())];
    }
    let mut expected = outputs;
    if case.attribute("ordered") == Some("false") {
        actual.sort();
        expected.sort();
    }
    let same = actual.len() == expected.len()
        && actual.iter().zip(&expected).all(|(actual, expected)| {
            (expected.0.is_empty() || same_type(&actual.0, &expected.0))
                && same_text(&actual.1, &expected.1)
        });
    if same {
        Ok(())
    } else {
        Err(format!("{actual:?} instead of {expected:?}"))
    }
}

/// The suite names FHIR's types, and by the same names the system types; an `id` for both.
fn same_type(actual: &str, expected: &str) -> bool {
    actual.eq_ignore_ascii_case(expected)
}

/// The suite writes `@` and, without need, `T` before dates and times.
fn same_text(actual: &str, expected: &str) -> bool {
    let bare = |text: &str| {
        let text = text.strip_prefix('@').unwrap_or(text);
        text.strip_prefix('T').unwrap_or(text).to_owned()
    };
    let (actual, expected) = (bare(actual), bare(expected));
    actual == expected || {
        // -0.0 and 0.0, 1 and 1.0: one decimal.
        let number = |text: &str| text.parse::<kura_fhirpath::Decimal>().ok();
        let (a, b) = (number(&actual), number(&expected));
        a.is_some() && a == b && same_places(&actual, &expected)
    }
}

/// The number of places is part of what a boundary is; `1` for a decimal 1.0 is not meant so.
fn same_places(actual: &str, expected: &str) -> bool {
    let places = |text: &str| text.split_once('.').map(|(_, places)| places.len());
    places(expected).is_none() || places(actual) == places(expected)
}

fn shown(items: &[Item<'_>]) -> Vec<(String, String)> {
    let show = |item: &Item<'_>| {
        let kind = item.type_name().unwrap_or("?").to_owned();
        let text = match item {
            Item::Node(node) => match node.json() {
                Some(Value::String(text)) => text.clone(),
                Some(json) => json.to_string(),
                None => String::new(),
            },
            Item::String(text) => text.to_string(),
            Item::Integer(value) => value.to_string(),
            Item::Decimal(value) => value.to_string(),
            Item::Boolean(value) => value.to_string(),
            Item::Date(value) | Item::DateTime(value) | Item::Time(value) => temporal(value),
            Item::Quantity(value) => value.to_string(),
            Item::Type { name, .. } => (*name).to_owned(),
        };
        (kind, text)
    };
    items.iter().map(show).collect()
}

fn temporal(value: &Temporal) -> String {
    value.to_string()
}

#[test]
fn every_case_of_the_official_suite_passes_or_is_listed() {
    let folder = folder();
    let path = folder.join("tests-fhir-r4.xml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is missing", path.display());
        return;
    };
    let suite = xml::parse(&text).expect("the suite is XML");
    let listed = include_str!("not-passed.tsv");
    let mut listed: BTreeMap<(&str, &str), &str> = listed
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let mut columns = line.splitn(3, '\t');
            let mut column = || columns.next().expect("group, case, reason");
            ((column(), column()), column())
        })
        .collect();
    let mut inputs = Inputs {
        folder,
        read: BTreeMap::new(),
    };
    let (mut passed, mut not_passed, mut wrong) = (0, 0, Vec::new());
    for group in suite.children.iter().filter(|child| child.name == "group") {
        let group_name = group.attribute("name").unwrap_or_default();
        for case in group.children.iter().filter(|child| child.name == "test") {
            let name = case.attribute("name").unwrap_or_default();
            let reason = listed.remove(&(group_name, name));
            match (run(case, &mut inputs), reason) {
                (Ok(()), None) => passed += 1,
                (Err(_), Some(_)) => not_passed += 1,
                (Err(why), None) => wrong.push(format!("{group_name}\t{name}\t{why}")),
                (Ok(()), Some(_)) => {
                    wrong.push(format!("{group_name}\t{name}\tlisted, yet passes"))
                }
            }
        }
    }
    for ((group, name), _) in listed {
        wrong.push(format!("{group}\t{name}\tlisted, yet not in the suite"));
    }
    println!("official suite: {passed} passed, {not_passed} listed as not passed");
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
