//! R4's value sets against the expansions that HL7 published with R4.

use std::sync::Arc;

use kura_validation::{Definitions, Terminology};

/// Of the 537 value sets, those of code systems that R4 comes with in full.
const EXPANDED: usize = 477;

#[test]
fn r4s_value_sets_expand_as_hl7_published_them() {
    let all = Terminology::new(Arc::new(Definitions::r4()));
    let text = include_str!("../r4-expansions.tsv");
    let mut expanded = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [url, count, first, last] = columns[..] else {
            panic!("four columns: {line}");
        };
        // What is not loaded (SNOMED CT, LOINC in full, currencies) is no answer at all.
        let Some(Ok(members)) = all.value_set(url).map(|set| set.members()) else {
            continue;
        };
        // HL7 leaves out what is not to be chosen.
        let codes = members.iter().filter(|one| !one.is_abstract());
        let codes: Vec<&str> = codes.map(|one| one.code()).collect();
        let told = [
            codes.len().to_string(),
            codes.iter().min().copied().unwrap_or_default().to_owned(),
            codes.iter().max().copied().unwrap_or_default().to_owned(),
        ];
        assert_eq!(told, [count, first, last], "{url}");
        expanded += 1;
    }
    assert_eq!(expanded, EXPANDED);
}
