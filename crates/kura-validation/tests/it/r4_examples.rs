//! R4's own examples, by R4. They come as the npm package `hl7.fhir.r4.examples` 4.0.1 (HL7, CC0);
//! `KURA_R4_EXAMPLES` names the `.tgz`. Those that break R4 are in `r4-examples.tsv`, with the rule
//! and what HL7's reference validator says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kura_validation::{Definitions, Validator, Verdict};

use crate::support;

const TABLE: &str = include_str!("../r4-examples.tsv");

#[test]
fn r4s_own_examples_pass_but_for_those_that_are_listed() {
    let Some(file) = std::env::var_os("KURA_R4_EXAMPLES") else {
        println!("SKIPPED: KURA_R4_EXAMPLES names no hl7.fhir.r4.examples-4.0.1.tgz");
        return;
    };
    let validator = Validator::new(Definitions::r4());
    let mut listed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = row.split('\t');
        if let (Some(name), Some(rules)) = (columns.next(), columns.next()) {
            listed.entry(name).or_default().extend(rules.split(' '));
        }
    }
    let (mut passed, mut unknown, mut failed) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (name, resource) in support::package(Path::new(&file)) {
        if resource.get("resourceType").is_none() {
            continue;
        }
        let outcome = validator.validate(&resource, &[]);
        match outcome.verdict() {
            Verdict::Pass => passed += 1,
            Verdict::Unknown => unknown += 1,
            Verdict::Fail => failed += 1,
        }
        let rules: BTreeSet<&str> = outcome.errors().map(|issue| issue.rule.as_str()).collect();
        let expected = listed.remove(name.as_str()).unwrap_or_default();
        if rules != expected {
            wrong.push(format!("{name}: {rules:?}, listed {expected:?}"));
        }
    }
    println!("R4's examples: {passed} pass, {unknown} unknown, {failed} fail");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(listed.is_empty(), "{listed:?} are not there");
    assert!(passed + unknown > 5_000);
}
