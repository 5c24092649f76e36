//! A value set: what it includes and excludes, compiled to hash sets.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::code_system::Filter;
use super::{CodeSystem, Concept, Expansion, Membership, Terminology, Unknown};

#[derive(Debug)]
pub(crate) struct ValueSet {
    include: Vec<Part>,
    exclude: Vec<Part>,
}

/// `compose.include` or `compose.exclude`: what is in all that it names.
#[derive(Debug)]
struct Part {
    system: Option<String>,
    codes: Codes,
    /// Other value sets that a code has to be in too; `Err` names one that is not loaded.
    sets: Vec<Result<Arc<ValueSet>, String>>,
}

#[derive(Debug)]
enum Codes {
    /// No system is named, only value sets.
    Any,
    Listed {
        codes: HashSet<String>,
        concepts: Vec<(String, Option<String>)>,
    },
    Whole(Arc<CodeSystem>),
    /// Codes that pass the filters; whether the others are known not to.
    Filtered {
        system: Arc<CodeSystem>,
        codes: HashSet<usize>,
    },
    /// A system that has a grammar instead of a list.
    Grammar(fn(&str) -> bool),
    /// The system, named, is not loaded, or a filter is not known here.
    Missing(String),
}

impl ValueSet {
    pub(crate) fn read(json: &Value, terminology: &Terminology, depth: usize) -> ValueSet {
        let parts = |key: &str| {
            let parts = json["compose"][key].as_array().into_iter().flatten();
            parts
                .map(|part| Part::read(part, terminology, depth))
                .collect()
        };
        let mut set = ValueSet {
            include: parts("include"),
            exclude: parts("exclude"),
        };
        if set.include.is_empty() {
            // Only an expansion: its codes, if it is all of them.
            set.include = expanded(&json["expansion"]);
        }
        set
    }

    pub(crate) fn contains(
        &self,
        system: Option<&str>,
        code: &str,
        missing: &mut BTreeSet<String>,
    ) -> Membership {
        let mut lacking = BTreeSet::new();
        let included = any(&self.include, system, code, &mut lacking);
        let found = match included {
            Membership::No => Membership::No,
            included => match any(&self.exclude, system, code, &mut lacking) {
                Membership::Yes => Membership::No,
                Membership::No => included,
                Membership::Unknown => Membership::Unknown,
            },
        };
        if found == Membership::Unknown {
            missing.append(&mut lacking);
        }
        found
    }

    pub(crate) fn expand(&self) -> Result<Expansion, Unknown> {
        let mut missing = BTreeSet::new();
        let mut concepts: Vec<Concept> = Vec::new();
        let mut seen = HashSet::new();
        for part in &self.include {
            for concept in part.list(&mut missing) {
                let excluded = any(
                    &self.exclude,
                    Some(&concept.system),
                    &concept.code,
                    &mut missing,
                );
                let key = (concept.system.clone(), concept.code.clone());
                if excluded == Membership::No && seen.insert(key) {
                    concepts.push(concept);
                }
            }
        }
        if missing.is_empty() {
            Ok(Expansion { concepts })
        } else {
            Err(Unknown { missing })
        }
    }
}

fn any(
    parts: &[Part],
    system: Option<&str>,
    code: &str,
    missing: &mut BTreeSet<String>,
) -> Membership {
    let mut found = Membership::No;
    for part in parts {
        match part.contains(system, code, missing) {
            Membership::Yes => return Membership::Yes,
            Membership::Unknown => found = Membership::Unknown,
            Membership::No => {}
        }
    }
    found
}

impl Part {
    fn read(json: &Value, terminology: &Terminology, depth: usize) -> Part {
        let sets = json["valueSet"].as_array().into_iter().flatten();
        let sets = sets.filter_map(Value::as_str).map(|url| {
            terminology
                .value_set_at(url, depth + 1)
                .ok_or_else(|| url.to_owned())
        });
        let system = json["system"].as_str();
        Part {
            codes: Codes::read(json, system, terminology),
            system: system.map(str::to_owned),
            sets: sets.collect(),
        }
    }

    fn contains(
        &self,
        system: Option<&str>,
        code: &str,
        missing: &mut BTreeSet<String>,
    ) -> Membership {
        if let (Some(given), Some(own)) = (system, self.system.as_deref())
            && given != own
        {
            return Membership::No;
        }
        let mut found = self.codes.contains(code, missing);
        for set in &self.sets {
            if found == Membership::No {
                return found;
            }
            let in_set = match set {
                Ok(set) => set.contains(system, code, missing),
                Err(url) => {
                    missing.insert(url.clone());
                    Membership::Unknown
                }
            };
            if in_set != Membership::Yes {
                found = in_set;
            }
        }
        found
    }

    fn list(&self, missing: &mut BTreeSet<String>) -> Vec<Concept> {
        let own = |code: &str, display: Option<&String>| Concept {
            system: self.system.clone().unwrap_or_default(),
            code: code.to_owned(),
            display: display.cloned(),
        };
        let mut concepts: Vec<Concept> = match &self.codes {
            Codes::Any => {
                let first = self.sets.first().and_then(|set| set.as_ref().ok());
                match first.map(|set| set.expand()) {
                    Some(Ok(expansion)) => expansion.concepts,
                    Some(Err(unknown)) => {
                        missing.extend(unknown.missing);
                        Vec::new()
                    }
                    None => Vec::new(),
                }
            }
            Codes::Listed { concepts, .. } => {
                let all = concepts.iter();
                all.map(|(code, display)| own(code, display.as_ref()))
                    .collect()
            }
            Codes::Whole(system) | Codes::Filtered { system, .. } => {
                if !system.is_complete {
                    missing.extend(self.system.clone());
                }
                let codes = system.codes().iter().enumerate();
                let codes = codes.filter(|(at, _)| match &self.codes {
                    Codes::Filtered { codes, .. } => codes.contains(at),
                    _ => true,
                });
                codes
                    .map(|(_, one)| own(&one.code, one.display.as_ref()))
                    .collect()
            }
            Codes::Grammar(_) => {
                missing.extend(self.system.clone());
                Vec::new()
            }
            Codes::Missing(what) => {
                missing.insert(what.clone());
                Vec::new()
            }
        };
        for set in &self.sets {
            match set {
                Ok(set) => concepts.retain(|one| {
                    set.contains(Some(&one.system), &one.code, missing) == Membership::Yes
                }),
                Err(url) => {
                    missing.insert(url.clone());
                }
            }
        }
        concepts
    }
}

impl Codes {
    fn read(json: &Value, system: Option<&str>, terminology: &Terminology) -> Codes {
        let Some(system) = system else {
            return Codes::Any;
        };
        if let Some(listed) = json["concept"].as_array() {
            let listed = listed.iter().filter_map(|one| {
                let code = one["code"].as_str()?.to_owned();
                Some((code, one["display"].as_str().map(str::to_owned)))
            });
            let concepts: Vec<_> = listed.collect();
            let codes = concepts.iter().map(|(code, _)| code.clone()).collect();
            return Codes::Listed { codes, concepts };
        }
        let filters = json["filter"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(loaded) = terminology.code_system(system) else {
            return match grammar(system) {
                Some(grammar) if filters.is_empty() => Codes::Grammar(grammar),
                _ => Codes::Missing(system.to_owned()),
            };
        };
        if filters.is_empty() {
            return match grammar(system) {
                Some(grammar) if !loaded.is_complete => Codes::Grammar(grammar),
                _ => Codes::Whole(loaded),
            };
        }
        let Some(filters) = filters.iter().map(Filter::read).collect::<Option<Vec<_>>>() else {
            return Codes::Missing(system.to_owned());
        };
        let mut codes = HashSet::new();
        for at in 0..loaded.codes().len() {
            let passed = filters.iter().map(|filter| loaded.passes(at, filter));
            match passed.collect::<Option<Vec<bool>>>() {
                Some(passed) if passed.iter().all(|one| *one) => {
                    codes.insert(at);
                }
                Some(_) => {}
                None => return Codes::Missing(system.to_owned()),
            }
        }
        Codes::Filtered {
            system: loaded,
            codes,
        }
    }

    fn contains(&self, code: &str, missing: &mut BTreeSet<String>) -> Membership {
        match self {
            Codes::Any => Membership::Yes,
            Codes::Listed { codes, .. } => Membership::of(codes.contains(code)),
            Codes::Whole(system) => match system.position(code) {
                Some(_) => Membership::Yes,
                None if system.is_complete => Membership::No,
                None => {
                    missing.insert(system.url.clone());
                    Membership::Unknown
                }
            },
            Codes::Filtered { system, codes } => match system.position(code) {
                Some(at) => Membership::of(codes.contains(&at)),
                None if system.is_complete => Membership::No,
                None => {
                    missing.insert(system.url.clone());
                    Membership::Unknown
                }
            },
            Codes::Grammar(grammar) => Membership::of(grammar(code)),
            Codes::Missing(what) => {
                missing.insert(what.clone());
                Membership::Unknown
            }
        }
    }
}

/// Systems that have a grammar instead of a list: what keeps the grammar is taken to be in.
fn grammar(system: &str) -> Option<fn(&str) -> bool> {
    match system {
        // RFC 6838 section 4.2, with parameters; and what FHIR R4 capabilitystatement.html and
        // http.html#mime-type allow instead.
        "urn:ietf:bcp:13" => Some(|code| {
            if matches!(code, "xml" | "json" | "ttl") {
                return true;
            }
            let name = code.split(';').next().unwrap_or_default().trim();
            name.split_once('/').is_some_and(|(kind, subtype)| {
                let allowed = |part: &str| {
                    !part.is_empty()
                        && part
                            .chars()
                            .all(|one| one.is_ascii_alphanumeric() || "!#$&-^_.+*".contains(one))
                };
                allowed(kind) && allowed(subtype)
            })
        }),
        // RFC 5646 section 2.1: subtags of one to eight letters and digits, a language first.
        "urn:ietf:bcp:47" => Some(|code| {
            let mut parts = code.split('-');
            let first = parts.next().unwrap_or_default();
            (first.eq_ignore_ascii_case("x") || (2..=8).contains(&first.len()))
                && first.bytes().all(|one| one.is_ascii_alphabetic())
                && parts.all(|part| {
                    (1..=8).contains(&part.len())
                        && part.bytes().all(|one| one.is_ascii_alphanumeric())
                })
        }),
        "http://unitsofmeasure.org" => {
            Some(|code| code.len() <= 100 && octofhir_ucum::validate(code).is_ok())
        }
        _ => None,
    }
}

/// The codes of an expansion, a part for each system.
fn expanded(expansion: &Value) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut waiting: Vec<&Value> = expansion["contains"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    waiting.reverse();
    while let Some(one) = waiting.pop() {
        waiting.extend(one["contains"].as_array().into_iter().flatten().rev());
        let (Some(system), Some(code)) = (one["system"].as_str(), one["code"].as_str()) else {
            continue;
        };
        if one["abstract"] == true {
            continue;
        }
        let known = parts
            .iter()
            .position(|part| part.system.as_deref() == Some(system));
        let at = known.unwrap_or_else(|| {
            parts.push(Part {
                system: Some(system.to_owned()),
                codes: Codes::Listed {
                    codes: HashSet::new(),
                    concepts: Vec::new(),
                },
                sets: Vec::new(),
            });
            parts.len() - 1
        });
        if let Codes::Listed { codes, concepts } = &mut parts[at].codes {
            codes.insert(code.to_owned());
            concepts.push((code.to_owned(), one["display"].as_str().map(str::to_owned)));
        }
    }
    parts
}
