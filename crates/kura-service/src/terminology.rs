//! Value sets and code systems of the bank, as far as a search needs them.
//!
//! What is not in the bank, or is defined by a rule that is not evaluated here, is an error and
//! never an empty answer.

use std::collections::{HashMap, HashSet};

use kura_fhir::search_parameter::form;
use kura_model::{Category, Error, LogicalTime, Result};
use kura_store::{Predicate, Query, TermMatch};
use serde_json::Value;

use crate::Bank;
use crate::query::Terms;

/// Value sets within value sets.
const DEPTH: usize = 8;
/// Codes one value set may have for a search.
const CODES: usize = 50_000;

/// The terminology of a bank, as it is now or was at `at`.
pub(crate) struct BankTerms<'a> {
    pub(crate) bank: &'a Bank,
    pub(crate) at: Option<LogicalTime>,
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn unsupported(message: &str) -> Error {
    Error::new(Category::Invalid, message)
}

impl BankTerms<'_> {
    /// A ValueSet or CodeSystem by `ValueSet/id` or by its URL, with or without a version.
    fn conformance(&self, kind: &'static str, name: &str) -> Result<Value> {
        let absent = || Error::invalid(format!("this {kind} is not in this bank"));
        let found = self.bank.clinical.read(|reader| {
            if let Some(key) = kura_fhir::search_parameter::reference(name) {
                return match self.at {
                    Some(at) => reader.current_at(&key, at),
                    None => reader.current(&key),
                };
            }
            let (url, version) = match name.split_once('|') {
                Some((url, version)) => (url, Some(version)),
                None => (name, None),
            };
            let mut query = Query::all(kind).and(Predicate::Term {
                param: format!("{kind}.url"),
                value: form::uri(url),
                matching: TermMatch::Exact,
            });
            if let Some(version) = version {
                query = query.and(Predicate::Token {
                    param: format!("{kind}.version"),
                    system: None,
                    code: Some(form::code(version)),
                });
            }
            query.order = kura_store::Order::StoredDescending;
            query.at = self.at;
            Ok(reader.search(&query, None, 1)?.versions.pop())
        })?;
        let found = found
            .filter(|found| !found.deleted && found.key.kind == kind)
            .ok_or_else(absent)?;
        serde_json::from_slice(&found.body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))
    }

    fn collect(
        &self,
        name: &str,
        depth: usize,
        seen: &mut HashSet<String>,
        all: &mut Vec<(Option<String>, Option<String>)>,
    ) -> Result<()> {
        // A set that many sets name is collected once.
        if !seen.insert(name.to_owned()) {
            return Ok(());
        }
        // What this set excludes is not what others have.
        let mut own = Vec::new();
        let out = &mut own;
        if depth >= DEPTH {
            return Err(unsupported("value sets lie too deep within each other"));
        }
        let set = self.conformance("ValueSet", name)?;
        let Some(compose) = set.get("compose") else {
            let expansion = set
                .get("expansion")
                .ok_or_else(|| unsupported("this value set says nothing of its codes"))?;
            expanded(list(expansion, "contains"), out);
            all.append(out);
            return Ok(());
        };
        for include in list(compose, "include") {
            let system = text(include, "system").map(str::to_owned);
            let concepts = list(include, "concept");
            let filters = list(include, "filter");
            let sets = list(include, "valueSet");
            if !sets.is_empty() && system.is_some() {
                return Err(unsupported(
                    "a value set that cuts a code system with a value set is not evaluated here",
                ));
            }
            for inner in sets.iter().filter_map(Value::as_str) {
                self.collect(inner, depth + 1, seen, out)?;
            }
            if system.is_none() {
                continue;
            }
            if !concepts.is_empty() {
                out.extend(
                    concepts
                        .iter()
                        .filter_map(|concept| text(concept, "code"))
                        .map(|code| (system.clone(), Some(code.to_owned()))),
                );
            } else if filters.is_empty() {
                out.push((system.clone(), None));
            }
            for filter in filters {
                match (text(filter, "op"), text(filter, "value")) {
                    (Some("is-a"), Some(code)) if filters.len() == 1 => out.extend(
                        self.hierarchy(system.as_deref(), code, true)?
                            .into_iter()
                            .map(|(system, code)| (system, Some(code))),
                    ),
                    _ => {
                        return Err(unsupported(
                            "a value set with this filter is not evaluated here",
                        ));
                    }
                }
            }
            if out.len() > CODES {
                return Err(unsupported(
                    "this value set has too many codes for a search",
                ));
            }
        }
        for exclude in list(compose, "exclude") {
            let system = text(exclude, "system");
            let concepts = list(exclude, "concept");
            let whole = out
                .iter()
                .any(|(known, code)| known.as_deref() == system && code.is_none());
            if concepts.is_empty() || whole {
                return Err(unsupported(
                    "a value set that excludes by a rule is not evaluated here",
                ));
            }
            out.retain(|(known, code)| {
                known.as_deref() != system
                    || !concepts
                        .iter()
                        .any(|concept| text(concept, "code") == code.as_deref())
            });
        }
        all.append(out);
        Ok(())
    }
}

fn expanded(contains: &[Value], out: &mut Vec<(Option<String>, Option<String>)>) {
    for concept in contains {
        let is_abstract = concept.get("abstract") == Some(&Value::Bool(true));
        if let (Some(code), false) = (text(concept, "code"), is_abstract) {
            out.push((
                text(concept, "system").map(str::to_owned),
                Some(code.to_owned()),
            ));
        }
        expanded(list(concept, "contains"), out);
    }
}

impl Terms for BankTerms<'_> {
    fn members(&self, value_set: &str) -> Result<Vec<(Option<String>, Option<String>)>> {
        let mut out = Vec::new();
        self.collect(value_set, 0, &mut HashSet::new(), &mut out)?;
        Ok(out)
    }

    fn hierarchy(
        &self,
        system: Option<&str>,
        code: &str,
        below: bool,
    ) -> Result<Vec<(Option<String>, String)>> {
        let system = system
            .ok_or_else(|| Error::invalid("above and below need the code system: system|code"))?;
        let resource = self.conformance("CodeSystem", &system.replace('|', ""))?;
        let mut edges = Vec::new();
        concepts(list(&resource, "concept"), None, &mut edges);
        if !edges.iter().any(|(_, child)| child == code) {
            return Err(Error::invalid("this code is not in its code system"));
        }
        let mut next: HashMap<&str, Vec<&str>> = HashMap::new();
        for (parent, child) in &edges {
            if let Some(parent) = parent {
                let (from, to) = if below {
                    (parent, child)
                } else {
                    (child, parent)
                };
                next.entry(from).or_default().push(to);
            }
        }
        let mut found = vec![code];
        let mut known = HashSet::from([code]);
        let mut at = 0;
        while let Some(here) = found.get(at) {
            for code in next.get(here).into_iter().flatten() {
                if known.insert(code) {
                    found.push(code);
                }
            }
            at += 1;
        }
        Ok(found
            .into_iter()
            .map(|code| (Some(system.to_owned()), code.to_owned()))
            .collect())
    }
}

/// `(parent, child)` of every concept, by nesting and by the properties parent and child.
fn concepts(list_of: &[Value], parent: Option<&str>, out: &mut Vec<(Option<String>, String)>) {
    for concept in list_of {
        let Some(code) = text(concept, "code") else {
            continue;
        };
        out.push((parent.map(str::to_owned), code.to_owned()));
        for property in list(concept, "property") {
            let value = text(property, "valueCode");
            match (text(property, "code"), value) {
                (Some("parent"), Some(parent)) => {
                    out.push((Some(parent.to_owned()), code.to_owned()));
                }
                (Some("child"), Some(child)) => {
                    out.push((Some(code.to_owned()), child.to_owned()));
                }
                _ => {}
            }
        }
        concepts(list(concept, "concept"), Some(code), out);
    }
}
