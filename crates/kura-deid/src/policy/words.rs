//! Words and code systems that are published: `data/words.tsv`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

static TABLE: &str = include_str!("../../data/words.tsv");

pub(crate) type Words = HashSet<&'static str>;

static ALL: LazyLock<All> = LazyLock::new(All::read);

struct All {
    lists: Vec<Words>,
    elements: HashMap<&'static str, usize>,
    systems: Words,
}

impl All {
    fn read() -> All {
        let mut all = All {
            lists: Vec::new(),
            elements: HashMap::new(),
            systems: HashSet::new(),
        };
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with('=') {
                all.lists.push(line.split('\t').skip(1).collect());
            } else if let Some(system) = line.strip_prefix('@') {
                all.systems.insert(system);
            } else if let Some((path, number)) = line.split_once('\t') {
                let number = number.parse().expect("the table is ours");
                all.elements.insert(path, number);
            }
        }
        all
    }
}

/// The words that FHIR fixes for an element, by its path in the standard.
pub(crate) fn fixed(path: &str) -> Option<&'static Words> {
    let all: &'static All = &ALL;
    all.elements.get(path).map(|number| &all.lists[*number])
}

/// Whether HL7 publishes this code system with R4.
pub(super) fn is_published(system: &str) -> bool {
    ALL.systems.contains(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read() {
        assert!(fixed("Patient.gender").unwrap().contains("female"));
        assert!(!fixed("Observation.status").unwrap().contains("female"));
        assert!(fixed("Patient.birthDate").is_none());
        assert!(is_published(
            "http://terminology.hl7.org/CodeSystem/v3-ActCode"
        ));
        assert!(!is_published("http://hl7.org/fhir/suzuki-19500104"));
        assert_eq!(ALL.elements.len(), 339);
    }
}
