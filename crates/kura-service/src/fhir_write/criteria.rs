//! Which resources a conditional interaction means. FHIR R4 http.html#ccreate, #cond-update,
//! #3.1.0.7.1 (conditional delete), #transaction (conditional references).

use kura_fhir::search;
use kura_model::{Category, Error, IndexEntry, IndexValue, RecordKey, Result};
use kura_store::{Clause, Expect, Predicate, Query};

use crate::access::Reach;
use crate::terminology::BankTerms;
use crate::{Bank, query};

/// Parameters that say how an answer looks, not what is meant.
const OF_THE_ANSWER: [&str; 6] = [
    "_format",
    "_pretty",
    "_summary",
    "_elements",
    "_count",
    "_total",
];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Criteria {
    pub(super) kind: &'static str,
    params: Vec<(String, String)>,
}

/// What was found, and what must still be so when it is acted on.
pub(super) struct Matches {
    pub(super) keys: Vec<RecordKey>,
    pub(super) expect: Expect,
}

impl Criteria {
    /// # Errors
    /// `Invalid` without a criterion, or with one that has no value: it would mean everything.
    pub fn new(kind: &'static str, params: Vec<(String, String)>) -> Result<Self> {
        let params: Vec<_> = params
            .into_iter()
            .filter(|(name, _)| !OF_THE_ANSWER.contains(&name.as_str()))
            .collect();
        if params.is_empty() || params.iter().any(|(_, value)| value.is_empty()) {
            return Err(Error::invalid(
                "a conditional interaction needs search parameters with values",
            ));
        }
        Ok(Self { kind, params })
    }

    /// `Type?name=value&…`
    pub fn of_url(url: &str) -> Result<Self> {
        let (kind, params) = url.split_once('?').unwrap_or((url, ""));
        Self::new(super::check::kind(kind)?, search::decode(params)?)
    }

    fn query(&self, bank: &Bank) -> Result<Query> {
        let registry = bank.search_parameters()?;
        let request = search::parse(&registry, self.kind, &self.params)?;
        if let Some(name) = request.ignored.first() {
            // Left out, it would widen what is changed.
            return Err(Error::invalid(format!(
                "{} has no search parameter '{name}' here",
                self.kind
            ))
            .coded("not-supported"));
        }
        if request.filters.is_empty() {
            return Err(Error::invalid(
                "a conditional interaction needs search parameters with values",
            ));
        }
        query::query(&request, None, &BankTerms { bank, at: None })
    }

    /// At most `limit` matches of the newest state. The caller holds [`Bank::writing`].
    pub(super) fn matches(&self, bank: &Bank, reach: &Reach, limit: u32) -> Result<Matches> {
        let query = self.query(bank)?;
        // A chained criterion depends on other kinds too.
        let alone = self
            .params
            .iter()
            .all(|(name, _)| !name.contains('.') && !name.starts_with("_has"));
        reach.read(bank, |reader| {
            let since = reader.now()?;
            let keys = reader
                .search(&query, None, limit)?
                .versions
                .into_iter()
                .map(|version| version.key)
                .collect();
            Ok(Matches {
                keys,
                expect: Expect::Untouched {
                    kind: alone.then(|| self.kind.to_owned()),
                    since,
                },
            })
        })
    }

    /// Adds and takes away what a transaction is about to write, told by its index entries.
    /// Criteria that only the store can answer (other than ids and tokens) stay with what is
    /// stored.
    pub(super) fn amend(
        &self,
        bank: &Bank,
        keys: &mut Vec<RecordKey>,
        pending: &[(RecordKey, Vec<IndexEntry>)],
    ) -> Result<()> {
        let query = self.query(bank)?;
        for (key, index) in pending.iter().filter(|(key, _)| key.kind == self.kind) {
            let Some(fits) = fits(&query, key, index) else {
                return Ok(());
            };
            keys.retain(|found| found != key);
            if fits {
                keys.push(key.clone());
            }
        }
        Ok(())
    }
}

fn fits(query: &Query, key: &RecordKey, index: &[IndexEntry]) -> Option<bool> {
    let mut fits = true;
    for clause in &query.clauses {
        let Clause::Any(predicates) = clause else {
            return None;
        };
        let mut any = false;
        for predicate in predicates {
            any |= holds(predicate, key, index)?;
        }
        fits &= any;
    }
    Some(fits)
}

fn holds(predicate: &Predicate, key: &RecordKey, index: &[IndexEntry]) -> Option<bool> {
    match predicate {
        Predicate::Id(id) => Some(*id == key.id),
        Predicate::Token {
            param,
            system,
            code,
        } => Some(index.iter().any(|entry| {
            entry.param == param
                && match &entry.value {
                    IndexValue::Token {
                        system: found,
                        code: found_code,
                    } => {
                        system.as_ref().is_none_or(|system| system == found)
                            && code.as_ref().is_none_or(|code| code == found_code)
                    }
                    _ => false,
                }
        })),
        _ => None,
    }
}

/// Said when criteria are not exact enough.
pub(super) fn several() -> Error {
    Error::new(
        Category::Precondition,
        "more than one resource matches the criteria",
    )
    .coded("multiple-matches")
}
