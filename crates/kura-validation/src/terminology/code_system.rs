//! A code system: its codes, their order above one another, their properties.

use std::collections::HashMap;

use serde_json::Value;

/// One code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) display: Option<String>,
    parents: Vec<usize>,
    /// Property and value, the value as text.
    properties: Vec<(String, String)>,
}

/// How deep the concepts of a code system may be nested.
const MAX_DEPTH: usize = 64;

/// Systems of others, and how many codes they have at least.
const LARGE: &[(&str, usize)] = &[
    ("http://loinc.org", 50_000),
    ("http://snomed.info/sct", 100_000),
];

#[derive(Debug)]
pub(crate) struct CodeSystem {
    pub(crate) url: String,
    /// Whether all its codes are listed (FHIR R4 codesystem-content-mode.html).
    pub(crate) is_complete: bool,
    ignores_case: bool,
    codes: Vec<Code>,
    by_code: HashMap<String, usize>,
}

impl CodeSystem {
    pub(crate) fn read(json: &Value) -> CodeSystem {
        let mut system = CodeSystem {
            url: json["url"].as_str().unwrap_or_default().to_owned(),
            is_complete: json["content"] == "complete",
            ignores_case: json["caseSensitive"] == false,
            codes: Vec::new(),
            by_code: HashMap::new(),
        };
        system.read_concepts(&json["concept"], None, 0);
        system.link_parents();
        // Packages carry stubs of systems of others that say they are complete: JP-CLINS 1.5.2 has
        // two codes as `http://loinc.org`.
        let least = LARGE.iter().find(|(url, _)| *url == system.url);
        system.is_complete &= system.codes.len() >= least.map_or(1, |(_, least)| *least);
        system
    }

    fn read_concepts(&mut self, concepts: &Value, parent: Option<usize>, depth: usize) {
        if depth > MAX_DEPTH {
            self.is_complete = false;
            return;
        }
        for concept in concepts.as_array().into_iter().flatten() {
            let Some(code) = concept["code"].as_str() else {
                continue;
            };
            let at = self.codes.len();
            let properties = concept["property"].as_array().into_iter().flatten();
            let properties = properties
                .filter_map(|one| Some((one["code"].as_str()?.to_owned(), property_value(one)?)));
            self.codes.push(Code {
                code: code.to_owned(),
                display: concept["display"].as_str().map(str::to_owned),
                parents: parent.into_iter().collect(),
                properties: properties.collect(),
            });
            let key = self.key(code);
            self.by_code.entry(key).or_insert(at);
            self.read_concepts(&concept["concept"], Some(at), depth + 1);
        }
    }

    /// FHIR R4 codesystem-concept-properties.html: `parent`, `child`; v3 code systems have
    /// `subsumedBy`.
    fn link_parents(&mut self) {
        let mut links = Vec::new();
        for (at, code) in self.codes.iter().enumerate() {
            for (property, value) in &code.properties {
                let Some(other) = self.position(value) else {
                    continue;
                };
                match property.as_str() {
                    "parent" | "subsumedBy" => links.push((at, other)),
                    "child" => links.push((other, at)),
                    _ => {}
                }
            }
        }
        for (at, parent) in links {
            if at != parent && !self.codes[at].parents.contains(&parent) {
                self.codes[at].parents.push(parent);
            }
        }
    }

    fn key(&self, code: &str) -> String {
        if self.ignores_case {
            code.to_lowercase()
        } else {
            code.to_owned()
        }
    }

    pub(crate) fn position(&self, code: &str) -> Option<usize> {
        if self.ignores_case {
            self.by_code.get(&code.to_lowercase()).copied()
        } else {
            self.by_code.get(code).copied()
        }
    }

    pub(crate) fn get(&self, code: &str) -> Option<&Code> {
        self.position(code).map(|at| &self.codes[at])
    }

    pub(crate) fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// Whether a code lies below another one, at any distance.
    pub(crate) fn is_below(&self, at: usize, above: usize) -> bool {
        let mut seen = vec![at];
        let mut next = 0;
        while let Some(&one) = seen.get(next) {
            next += 1;
            for &parent in &self.codes[one].parents {
                if parent == above {
                    return true;
                }
                if !seen.contains(&parent) {
                    seen.push(parent);
                }
            }
        }
        false
    }

    /// Whether a code passes a filter (FHIR R4 valueset-filter-operator.html); `None` when this
    /// filter is not known here.
    pub(crate) fn passes(&self, at: usize, filter: &Filter) -> Option<bool> {
        let on_concept = matches!(filter.property.as_str(), "concept" | "code");
        let value = filter.value.as_str();
        let below = |value: &str| self.position(value).map(|above| (above, at));
        Some(match filter.op.as_str() {
            "is-a" => {
                below(value).is_some_and(|(above, at)| at == above || self.is_below(at, above))
            }
            "descendent-of" => below(value).is_some_and(|(above, at)| self.is_below(at, above)),
            "is-not-a" => {
                !below(value).is_some_and(|(above, at)| at == above || self.is_below(at, above))
            }
            "generalizes" => {
                below(value).is_some_and(|(below, at)| at == below || self.is_below(below, at))
            }
            "=" if matches!(filter.property.as_str(), "parent" | "subsumedBy") => self
                .position(value)
                .is_some_and(|parent| self.codes[at].parents.contains(&parent)),
            "=" if on_concept => self.codes[at].code == value,
            "=" => self.values(at, &filter.property).any(|one| one == value),
            "in" | "not-in" => {
                let listed = |one: &str| value.split(',').any(|other| other.trim() == one);
                let found = if on_concept {
                    listed(&self.codes[at].code)
                } else {
                    self.values(at, &filter.property).any(listed)
                };
                found == (filter.op == "in")
            }
            "exists" => self.values(at, &filter.property).next().is_some() == (value == "true"),
            "regex" => {
                let regex = filter.regex.as_ref()?;
                if on_concept {
                    regex.is_match(&self.codes[at].code)
                } else {
                    self.values(at, &filter.property)
                        .any(|one| regex.is_match(one))
                }
            }
            _ => return None,
        })
    }

    fn values<'a>(&'a self, at: usize, property: &'a str) -> impl Iterator<Item = &'a str> {
        let code = &self.codes[at];
        let display = code.display.as_deref().filter(|_| property == "display");
        let all = code.properties.iter();
        let all = all.filter(move |(name, _)| name == property);
        all.map(|(_, value)| value.as_str()).chain(display)
    }
}

fn property_value(property: &Value) -> Option<String> {
    let mut values = property.as_object()?.iter();
    let (_, value) = values.find(|(key, _)| key.starts_with("value"))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(coding) => coding.get("code")?.as_str().map(str::to_owned),
        other => Some(other.to_string()),
    }
}

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
