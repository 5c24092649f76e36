//! From names and values to filters.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use kura_model::{Error, RecordKey, Result};

use super::criterion::{self, criteria};
use super::filter;
use super::query_string::decode;
use super::{Criterion, Filter, Include, Search, Sort, SortBy};
use crate::search_parameter::{Kind, Registry, SearchParameter};
use crate::{date, resource, resource_type};

/// A chain or a `_has` no longer than this; a longer one is refused.
const DEPTH: usize = 12;
/// Searches within one search: a chain without types goes to many at each step.
const WITHIN: usize = 500;
/// Parameters of one search, keys it sorts by, includes.
const FILTERS: usize = 100;
const KEYS: usize = 8;
const INCLUDES: usize = 32;
/// Ranges of one `_lastUpdated`.
const RANGES: usize = 50;

/// Parses `Type?name=value&…`, as a specification of a cohort has it.
pub fn parse_expression(registry: &Registry, expression: &str) -> Result<Search> {
    let (kind, query) = expression.split_once('?').unwrap_or((expression, ""));
    let search = parse(registry, kind.trim(), &decode(query.trim())?)?;
    if let Some(name) = search.ignored.first() {
        // A cohort must never be wider than its author meant.
        return Err(Error::invalid(format!(
            "{kind} has no search parameter '{name}' here"
        )));
    }
    Ok(search)
}

/// Parses the parameters of a search of one type.
pub fn parse(registry: &Registry, kind: &str, params: &[(String, String)]) -> Result<Search> {
    let left = Cell::new(WITHIN);
    Parser {
        registry,
        depth: 0,
        left: &left,
    }
    .search(kind, params)
}

/// The filter that keeps to a compartment; `None` if the type is not part of it.
/// FHIR R4 compartmentdefinition.html.
pub fn compartment(registry: &Registry, of: &RecordKey, kind: &str) -> Option<Filter> {
    static COMPARTMENTS: LazyLock<HashMap<(&str, &str), Vec<&str>>> = LazyLock::new(|| {
        include_str!("../../data/compartments.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let key = (columns.next()?, columns.next()?);
                Some((key, columns.next()?.split(',').collect()))
            })
            .collect()
    });
    let codes = COMPARTMENTS.get(&(of.kind.as_str(), kind))?;
    Some(Filter::Compartment {
        of: of.clone(),
        by: codes
            .iter()
            .filter_map(|code| registry.parameter(kind, code))
            .cloned()
            .collect(),
    })
}

pub(super) struct Parser<'r> {
    pub(super) registry: &'r Registry,
    depth: usize,
    /// Searches within this one that may still be made.
    left: &'r Cell<usize>,
}

impl Parser<'_> {
    fn search(&self, kind: &str, params: &[(String, String)]) -> Result<Search> {
        let kind = resource_type(kind)
            .ok_or_else(|| Error::not_found("not a resource type of FHIR R4"))?;
        let mut search = Search {
            kind,
            ..Search::default()
        };
        for (name, value) in params {
            if value.is_empty() {
                continue;
            }
            self.one(&mut search, name, value)?;
        }
        search.include.dedup();
        search.revinclude.dedup();
        if search.filters.len() > FILTERS {
            return Err(Error::invalid(format!(
                "a search takes at most {FILTERS} parameters"
            )));
        }
        if search.include.len() + search.revinclude.len() > INCLUDES {
            return Err(Error::invalid(format!(
                "a search takes at most {INCLUDES} includes"
            )));
        }
        Ok(search)
    }

    fn one(&self, search: &mut Search, name: &str, value: &str) -> Result<()> {
        let kind = search.kind;
        let (base, modifier) = match name.split_once(':') {
            Some((base, modifier)) => (base, Some(modifier)),
            None => (name, None),
        };
        let mut known = true;
        match base {
            "_count" => {
                search.count = Some(
                    value
                        .parse()
                        .map_err(|_| Error::invalid("_count is a whole number"))?,
                );
            }
            "_total" => match value {
                "accurate" => search.total = true,
                // What an estimate costs here is what the exact number costs.
                "estimate" => search.total = true,
                "none" => {}
                _ => return Err(Error::invalid("_total is none, estimate or accurate")),
            },
            "_summary" if value == "count" => {
                search.count_only = true;
                search.total = true;
            }
            // How the answer is written, see the server.
            "_summary" | "_elements" | "_format" | "_pretty" => {}
            "_sort" => {
                if value.split(',').count() > KEYS {
                    return Err(Error::invalid(format!("_sort takes at most {KEYS} keys")));
                }
                known = self.sort(search, value);
            }
            "_include" | "_revinclude" => {
                let iterate = matches!(modifier, Some("iterate" | "recurse"));
                match Include::parse(self.registry, value, iterate)? {
                    Some(include) if base == "_include" => search.include.push(include),
                    Some(include) => search.revinclude.push(include),
                    None => known = false,
                }
            }
            "_id" => match modifier {
                None | Some("not") => search.filters.push(Filter::Id {
                    any: value.split(',').map(str::to_owned).collect(),
                    negated: modifier.is_some(),
                }),
                _ => return Err(wrong_modifier("_id")),
            },
            "_lastUpdated" => {
                if modifier.is_some() {
                    return Err(wrong_modifier("_lastUpdated"));
                }
                if value.split(',').count() > RANGES {
                    return Err(Error::invalid(format!(
                        "_lastUpdated takes at most {RANGES} values"
                    )));
                }
                let ranges = value
                    .split(',')
                    .map(|value| {
                        let (prefix, rest) = criterion::prefix_and_rest(value);
                        let (low, high) =
                            date::range(rest).ok_or_else(|| criterion::not_a("date", base))?;
                        Ok(criterion::about(prefix, low, high))
                    })
                    .collect::<Result<_>>()?;
                search.filters.push(Filter::LastUpdated(ranges));
            }
            "_filter" if modifier.is_none() => match filter::filter(self, kind, value)? {
                Some(filter) => search.filters.push(filter),
                None => known = false,
            },
            // What the list names.
            "_list" if modifier.is_none() => {
                let id = value.strip_prefix("List/").unwrap_or(value);
                if !resource::is_id(id) {
                    return Err(Error::invalid(
                        "_list takes the id of a List; lists by function are not kept here",
                    ));
                }
                match self.has(kind, "List:item:_id", id)? {
                    Some(filter) => search.filters.push(filter),
                    None => known = false,
                }
            }
            _ => match self.filter(kind, name, value)? {
                Some(filter) => search.filters.push(filter),
                None => known = false,
            },
        }
        if !known {
            search.ignored.push(name.to_owned());
        }
        Ok(())
    }

    /// One test of a `_filter`. `None` if the parameter is not known.
    pub(super) fn test(
        &self,
        kind: &'static str,
        name: &str,
        value: &str,
    ) -> Result<Option<Filter>> {
        if name == "_filter" || name.starts_with("_list") {
            return Err(Error::invalid(format!("{name} does not stand in _filter")));
        }
        let mut search = Search {
            kind,
            ..Search::default()
        };
        self.one(&mut search, name, value)?;
        if search.ignored.is_empty() && search.filters.is_empty() {
            return Err(Error::invalid(format!("{name} does not stand in _filter")));
        }
        Ok(search.filters.pop())
    }

    /// Whether every key is known.
    fn sort(&self, search: &mut Search, value: &str) -> bool {
        let keys: Option<Vec<Sort>> = value
            .split(',')
            .map(|key| {
                let (code, descending) = match key.strip_prefix('-') {
                    Some(code) => (code, true),
                    None => (key, false),
                };
                let by = match code {
                    "_lastUpdated" => SortBy::LastUpdated,
                    "_id" => SortBy::Id,
                    _ => SortBy::Param(
                        self.registry
                            .parameter(search.kind, code)
                            .filter(|parameter| {
                                !matches!(parameter.kind, Kind::Composite | Kind::Special)
                            })?
                            .clone(),
                    ),
                };
                Some(Sort { by, descending })
            })
            .collect();
        match keys {
            Some(keys) => {
                search.sort = keys;
                true
            }
            None => false,
        }
    }

    fn filter(&self, kind: &'static str, name: &str, value: &str) -> Result<Option<Filter>> {
        if let Some(rest) = name.strip_prefix("_has:") {
            return self.has(kind, rest, value);
        }
        // subject:Patient.name=…, subject.name=…
        let (head, chain) = match name.split_once('.') {
            Some((head, chain)) => (head, Some(chain)),
            None => (name, None),
        };
        let (code, modifier) = match head.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (head, None),
        };
        let Some(parameter) = self.registry.parameter(kind, code) else {
            return Ok(None);
        };
        if let Some(chain) = chain {
            return self.chained(parameter, modifier, &|deeper, target| {
                let search = deeper.search(target, &[(chain.to_owned(), value.to_owned())])?;
                let known = search.ignored.is_empty() && !search.filters.is_empty();
                Ok(known.then_some(search))
            });
        }
        let negated = matches!(modifier, Some("not" | "not-in"));
        let any = if modifier == Some("missing") {
            vec![Criterion::Missing(match value {
                "true" => true,
                "false" => false,
                _ => return Err(Error::invalid(format!("{code}:missing is true or false"))),
            })]
        } else {
            criteria(self.registry, kind, parameter, modifier, value)?
        };
        Ok(Some(Filter::Param {
            parameter: parameter.clone(),
            negated,
            any,
        }))
    }

    fn deeper(&self) -> Result<Self> {
        if self.depth >= DEPTH {
            return Err(Error::invalid(format!(
                "a chain has at most {DEPTH} steps here"
            )));
        }
        Ok(Self {
            registry: self.registry,
            depth: self.depth + 1,
            left: self.left,
        })
    }

    fn has(&self, kind: &'static str, rest: &str, value: &str) -> Result<Option<Filter>> {
        let mut parts = rest.splitn(3, ':');
        let (Some(from), Some(link), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::invalid(
                "_has is written _has:Type:reference:parameter",
            ));
        };
        let Some(from) = resource_type(from) else {
            return Ok(None);
        };
        let Some(link) = self
            .registry
            .parameter(from, link)
            .filter(|link| link.kind == Kind::Reference && points_at(link, kind))
        else {
            return Ok(None);
        };
        let inner = self
            .deeper()?
            .search(from, &[(name.to_owned(), value.to_owned())])?;
        if !inner.ignored.is_empty() || inner.filters.is_empty() {
            return Ok(None);
        }
        Ok(Some(Filter::Has {
            reference: link.clone(),
            from: Box::new(inner),
        }))
    }

    /// What a reference leads to satisfies `inner`: for each type it may lead to, a search of that
    /// type, or `None` if the type knows nothing of it.
    pub(super) fn chained(
        &self,
        parameter: &Arc<SearchParameter>,
        modifier: Option<&str>,
        inner: &dyn Fn(&Parser<'_>, &'static str) -> Result<Option<Search>>,
    ) -> Result<Option<Filter>> {
        if parameter.kind != Kind::Reference {
            return Err(Error::invalid(format!(
                "{} is no reference and takes no chain",
                parameter.code
            )));
        }
        let targets: Vec<&'static str> = match modifier {
            Some(name) => match resource_type(name) {
                Some(kind) => vec![kind],
                None => return Err(wrong_modifier(&parameter.code)),
            },
            None => crate::RESOURCE_TYPES
                .into_iter()
                .filter(|kind| points_at(parameter, kind))
                .collect(),
        };
        let deeper = self.deeper()?;
        let mut ways = Vec::new();
        let mut wrong = None;
        for target in targets {
            self.left.set(self.left.get().checked_sub(1).ok_or_else(|| {
                Error::invalid("this chain goes to too many types; name them: subject:Patient.name")
            })?);
            // A type without the parameter, or with another kind of it, is no way to go.
            match inner(&deeper, target) {
                Ok(search) => ways.extend(search),
                Err(error) => wrong = Some(error),
            }
        }
        if ways.is_empty() {
            return match wrong {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        Ok(Some(Filter::Param {
            parameter: parameter.clone(),
            negated: false,
            any: vec![Criterion::Chain(ways)],
        }))
    }
}

/// Whether a reference of this parameter may lead to a resource of `kind`.
fn points_at(parameter: &SearchParameter, kind: &str) -> bool {
    let only = parameter.slots.iter().find_map(|slot| slot.only);
    match only {
        Some(only) => only == kind,
        None => parameter.targets.is_empty() || parameter.targets.contains(&kind),
    }
}

fn wrong_modifier(code: &str) -> Error {
    Error::invalid(format!("{code} does not take this modifier"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(expression: &str) -> Filter {
        parse_expression(Registry::r4(), expression)
            .unwrap()
            .filters
            .remove(0)
    }

    fn first(expression: &str) -> Criterion {
        match one(expression) {
            Filter::Param { mut any, .. } => any.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_forms_of_a_token() {
        assert!(matches!(
            first("Observation?code=http://loinc.org|718-7"),
            Criterion::Token { system: Some(Some(system)), code: Some(code) }
                if system == "http://loinc.org" && code == "718-7"
        ));
        assert!(matches!(
            first("Patient?gender=|male"),
            Criterion::Token { system: Some(None), code: Some(code) } if code == "male"
        ));
    }

    #[test]
    fn an_unknown_parameter_in_a_cohort_is_an_error() {
        let registry = Registry::r4();
        assert!(parse_expression(registry, "Patient?nickname=x").is_err());
        assert!(parse_expression(registry, "Nothing?x=y").is_err());
        let search = parse(registry, "Patient", &[("nickname".into(), "x".into())]).unwrap();
        assert_eq!(search.ignored, ["nickname"]);
    }

    #[test]
    fn chains_and_has() {
        let chain = |expression: &str| match first(expression) {
            Criterion::Chain(inner) => inner
                .into_iter()
                .map(|search| search.kind)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            chain("Observation?subject:Patient.birthdate=1950"),
            ["Patient"]
        );
        assert_eq!(chain("Observation?patient.name=x"), ["Patient"]);
        // A Device has a device-name, a Group has none.
        assert_eq!(chain("Observation?subject.name=x"), ["Location", "Patient"]);
        assert_eq!(
            chain("DiagnosticReport?result.subject:Patient.general-practitioner.name=x"),
            ["Observation"]
        );
        assert!(matches!(
            one("Patient?_has:Condition:patient:code=I10"),
            Filter::Has { reference, .. } if reference.code == "patient"
        ));
        assert!(matches!(
            one("Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=Practitioner/1"),
            Filter::Has { .. }
        ));
        let wide = format!("Task?{}_id=x", "subject.".repeat(10));
        assert!(parse_expression(Registry::r4(), &wide).is_err());
        let endless = format!("Patient?{}name=x", "link.".repeat(40));
        assert!(parse_expression(Registry::r4(), &endless).is_err());
    }

    #[test]
    fn a_compartment_is_by_the_definition() {
        let patient = RecordKey::new("Patient", "1");
        let Some(Filter::Compartment { by, .. }) =
            compartment(Registry::r4(), &patient, "Observation")
        else {
            panic!("observations are in it");
        };
        let codes: Vec<&str> = by.iter().map(|parameter| parameter.code.as_str()).collect();
        assert_eq!(codes, ["subject", "performer"]);
        assert!(compartment(Registry::r4(), &patient, "Medication").is_none());
    }
}
