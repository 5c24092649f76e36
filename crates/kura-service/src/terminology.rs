//! Value sets and code systems of the bank, as far as a search needs them.
//!
//! What is not in the bank, or is defined by a rule that is not evaluated here, is an error and
//! never an empty answer.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

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
}

/// A code with its system; without a code, every code of the system.
type Code = (Option<String>, Option<String>);

/// Value sets while one is put together, each read once.
struct Sets<'a> {
    terms: &'a BankTerms<'a>,
    done: HashMap<String, Rc<Vec<Code>>>,
    /// Those that are being read, which none of them may build on.
    open: HashSet<String>,
}

impl Sets<'_> {
    fn set(&mut self, name: &str) -> Result<Rc<Vec<Code>>> {
        if let Some(known) = self.done.get(name) {
            return Ok(Rc::clone(known));
        }
        if self.open.len() >= DEPTH {
            return Err(unsupported("value sets lie too deep within each other"));
        }
        if !self.open.insert(name.to_owned()) {
            return Err(unsupported("a value set builds on itself"));
        }
        let codes = Rc::new(self.read(name)?);
        self.open.remove(name);
        self.done.insert(name.to_owned(), Rc::clone(&codes));
        Ok(codes)
    }

    fn read(&mut self, name: &str) -> Result<Vec<Code>> {
        let mut out = Vec::new();
        let set = self.terms.conformance("ValueSet", name)?;
        let Some(compose) = set.get("compose") else {
            let expansion = set
                .get("expansion")
                .ok_or_else(|| unsupported("this value set says nothing of its codes"))?;
            expanded(list(expansion, "contains"), &mut out);
            return Ok(out);
        };
        for include in list(compose, "include") {
            // What a part names is in all of it: its system's codes, and each of its value sets.
            let mut part = match text(include, "system") {
                Some(system) => Some(self.of_system(system, include)?),
                None => None,
            };
            for inner in list(include, "valueSet").iter().filter_map(Value::as_str) {
                let inner = self.set(inner)?;
                part = Some(match part {
                    Some(part) => both(&part, &inner),
                    None => inner.to_vec(),
                });
            }
            out.extend(part.into_iter().flatten());
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
            if concepts.is_empty() || whole || !list(exclude, "valueSet").is_empty() {
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
        Ok(out)
    }

    /// What an include says of the codes of its system.
    fn of_system(&self, system: &str, include: &Value) -> Result<Vec<Code>> {
        let named = |code: &str| (Some(system.to_owned()), Some(code.to_owned()));
        let concepts = list(include, "concept");
        if !concepts.is_empty() {
            let codes = concepts.iter().filter_map(|concept| text(concept, "code"));
            return Ok(codes.map(named).collect());
        }
        let filters = list(include, "filter");
        if filters.is_empty() {
            return Ok(vec![(Some(system.to_owned()), None)]);
        }
        match (filters, text(&filters[0], "op"), text(&filters[0], "value")) {
            ([_], Some("is-a"), Some(code)) => {
                let below = self.terms.hierarchy(Some(system), code, true)?;
                Ok(below
                    .into_iter()
                    .map(|(system, code)| (system, Some(code)))
                    .collect())
            }
            _ => Err(unsupported(
                "a value set with this filter is not evaluated here",
            )),
        }
    }
}

/// What is in both.
fn both(one: &[Code], other: &[Code]) -> Vec<Code> {
    let known: HashSet<&Code> = other.iter().collect();
    let mut out = Vec::new();
    for code in one {
        match code {
            (system, None) => {
                out.extend(other.iter().filter(|(of, _)| of == system).cloned());
            }
            (system, Some(_)) => {
                if known.contains(code) || known.contains(&(system.clone(), None)) {
                    out.push(code.clone());
                }
            }
        }
    }
    out
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
        let mut sets = Sets {
            terms: self,
            done: HashMap::new(),
            open: HashSet::new(),
        };
        Ok(sets.set(value_set)?.to_vec())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_both() {
        let code =
            |system: &str, code: Option<&str>| (Some(system.to_owned()), code.map(str::to_owned));
        let one = [code("s", None), code("t", Some("1")), code("t", Some("2"))];
        let other = [code("s", Some("a")), code("t", None), code("u", None)];
        let all = [
            code("s", Some("a")),
            code("t", Some("1")),
            code("t", Some("2")),
        ];
        assert_eq!(both(&one, &other), all);
        assert_eq!(both(&other, &one), all);
        assert!(both(&one, &[]).is_empty());
    }
}
