//! Filters of value sets: FHIR R4 valueset-filter-operator.html.

use serde_json::Value;

use super::CodeSystem;
use super::code_system::Way;

/// A filter of a value set.
#[derive(Debug)]
pub(crate) struct Filter {
    property: String,
    op: String,
    value: String,
    regex: Option<regex::Regex>,
}

impl Filter {
    pub(crate) fn read(json: &Value) -> Option<Filter> {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let (op, value) = (text("op")?, text("value")?);
        let regex = (op == "regex").then(|| regex::Regex::new(&format!("^(?:{value})$")));
        Some(Filter {
            property: text("property")?,
            regex: regex.and_then(Result::ok),
            op,
            value,
        })
    }
}

impl CodeSystem {
    /// Whether a code passes a filter (FHIR R4 valueset-filter-operator.html); `None` when this
    /// filter is not known here.
    pub(crate) fn passes(&self, at: usize, filter: &Filter) -> Option<bool> {
        let on_concept = matches!(filter.property.as_str(), "concept" | "code");
        let value = filter.value.as_str();
        let below = |value: &str| self.position(value).map(|above| (above, at));
        Some(match filter.op.as_str() {
            "is-a" => below(value)
                .is_some_and(|(above, at)| at == above || self.all(Way::Down, above).contains(&at)),
            "descendent-of" => {
                below(value).is_some_and(|(above, at)| self.all(Way::Down, above).contains(&at))
            }
            "is-not-a" => !below(value)
                .is_some_and(|(above, at)| at == above || self.all(Way::Down, above).contains(&at)),
            "generalizes" => below(value)
                .is_some_and(|(below, at)| at == below || self.all(Way::Up, below).contains(&at)),
            "=" if matches!(filter.property.as_str(), "parent" | "subsumedBy") => self
                .position(value)
                .is_some_and(|parent| self.parents(at).contains(&parent)),
            "=" if on_concept => self.code(at) == value,
            "=" => self.values(at, &filter.property).any(|one| one == value),
            "in" | "not-in" => {
                let listed = |one: &str| value.split(',').any(|other| other.trim() == one);
                let found = if on_concept {
                    listed(self.code(at))
                } else {
                    self.values(at, &filter.property).any(|one| listed(&one))
                };
                found == (filter.op == "in")
            }
            "exists" => self.values(at, &filter.property).next().is_some() == (value == "true"),
            "regex" => {
                let regex = filter.regex.as_ref()?;
                if on_concept {
                    regex.is_match(self.code(at))
                } else {
                    self.values(at, &filter.property)
                        .any(|one| regex.is_match(&one))
                }
            }
            _ => return None,
        })
    }
}
