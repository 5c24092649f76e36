//! FHIR search requests as queries of the store.

use kura_fhir::search::{Criterion, Filter, Matching, Prefix, Search, Sort};
use kura_fhir::search_parameter::Kind;
use kura_model::LogicalTime;
use kura_store::{Clause, Compare, Order, Predicate, Query, TextMatch};

pub(crate) fn query(search: &Search, at: Option<LogicalTime>) -> Query {
    Query {
        kind: search.kind.to_owned(),
        clauses: search.filters.iter().map(clause).collect(),
        order: match &search.sort {
            Some(Sort::Date { name, descending }) => Order::Date {
                param: (*name).to_owned(),
                descending: *descending,
            },
            Some(Sort::LastUpdated { descending: true }) => Order::StoredDescending,
            Some(Sort::LastUpdated { descending: false }) | None => Order::Stored,
        },
        at,
    }
}

fn clause(filter: &Filter) -> Clause {
    match filter {
        Filter::Id(ids) => Clause::Any(ids.iter().cloned().map(Predicate::Id).collect()),
        Filter::LastUpdated { prefix, low, high } => Clause::Any(vec![Predicate::Written {
            compare: compare(*prefix),
            low: low * 1000,
            high: high * 1000 + 999,
        }]),
        Filter::Param {
            name,
            kind,
            negated,
            any,
        } => {
            let predicates = any
                .iter()
                .map(|criterion| predicate(name, *kind, criterion))
                .collect();
            if *negated {
                Clause::None(predicates)
            } else {
                Clause::Any(predicates)
            }
        }
        Filter::Has { reference, from } => Clause::Any(vec![Predicate::ReferencedBy {
            param: (*reference).to_owned(),
            from: Box::new(query(from, None)),
        }]),
    }
}

fn predicate(name: &str, kind: Kind, criterion: &Criterion) -> Predicate {
    let param = name.to_owned();
    match criterion.clone() {
        Criterion::Token { system, code } => Predicate::Token {
            param,
            system,
            code,
        },
        Criterion::Text { value, matching } => Predicate::Text {
            param,
            value,
            matching: match matching {
                Matching::Prefix => TextMatch::Prefix,
                Matching::Exact => TextMatch::Exact,
                Matching::Contains => TextMatch::Contains,
            },
        },
        Criterion::Date { prefix, low, high } => Predicate::Date {
            param,
            compare: compare(prefix),
            low,
            high,
        },
        Criterion::Number { prefix, low, high } => Predicate::Number {
            param,
            compare: compare(prefix),
            low,
            high,
        },
        Criterion::Quantity {
            prefix,
            low,
            high,
            system,
            code,
        } => Predicate::Quantity {
            param,
            compare: compare(prefix),
            low,
            high,
            system,
            code,
        },
        Criterion::Uri(value) => Predicate::Uri { param, value },
        Criterion::Reference(target) => Predicate::Reference { param, target },
        Criterion::Chain(inner) => Predicate::ReferenceTo {
            param,
            target: Box::new(query(&inner, None)),
        },
        Criterion::Missing(missing) => Predicate::Present {
            param,
            table: kind.table(),
            present: !missing,
        },
    }
}

fn compare(prefix: Prefix) -> Compare {
    match prefix {
        Prefix::Eq => Compare::Equal,
        Prefix::Ne => Compare::NotEqual,
        Prefix::Gt => Compare::Greater,
        Prefix::Ge => Compare::GreaterOrEqual,
        Prefix::Lt => Compare::Less,
        Prefix::Le => Compare::LessOrEqual,
        Prefix::Sa => Compare::StartsAfter,
        Prefix::Eb => Compare::EndsBefore,
    }
}
