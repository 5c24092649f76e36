//! FHIR search requests as queries of the store.

use kura_fhir::search::{Criterion, Filter, Matching, Prefix, Search, Sort, SortBy, UriMatching};
use kura_fhir::search_parameter::{
    SearchParameter, Slot, base_rows, form, identifier_rows, of_type_rows, text_rows,
};
use kura_model::{Error, LogicalTime, Result};
use kura_store::{By, Clause, Compare, Key, Order, Predicate, Query, TermMatch, TextMatch};

/// Codes that stand for another: the members of a value set, the descendants of a code.
pub(crate) trait Terms {
    /// `(system, code)` of a value set; a code of `None` stands for every code of the system.
    fn members(&self, value_set: &str) -> Result<Vec<(Option<String>, Option<String>)>>;
    /// A code with those above or below it.
    fn hierarchy(
        &self,
        system: Option<&str>,
        code: &str,
        below: bool,
    ) -> Result<Vec<(Option<String>, String)>>;
}

pub(crate) fn query(search: &Search, at: Option<LogicalTime>, terms: &dyn Terms) -> Result<Query> {
    Ok(Query {
        kind: search.kind.to_owned(),
        clauses: clauses(&search.filters, at, terms)?,
        order: order(&search.sort),
        at,
    })
}

fn order(sort: &[Sort]) -> Order {
    match sort {
        [] => Order::Stored,
        [
            Sort {
                by: SortBy::LastUpdated,
                descending,
            },
        ] => {
            if *descending {
                Order::StoredDescending
            } else {
                Order::Stored
            }
        }
        keys => Order::Keys(
            keys.iter()
                .filter_map(|key| {
                    let by = match &key.by {
                        SortBy::Id => By::Id,
                        SortBy::LastUpdated => By::Written,
                        SortBy::Param(parameter) => {
                            let slot = parameter.slots.first()?;
                            By::Param {
                                param: slot.name.to_owned(),
                                table: slot.kind.table(),
                            }
                        }
                    };
                    Some(Key {
                        by,
                        descending: key.descending,
                    })
                })
                .collect(),
        ),
    }
}

fn clauses(filters: &[Filter], at: Option<LogicalTime>, terms: &dyn Terms) -> Result<Vec<Clause>> {
    filters
        .iter()
        .map(|filter| clause(filter, at, terms))
        .collect()
}

fn clause(filter: &Filter, at: Option<LogicalTime>, terms: &dyn Terms) -> Result<Clause> {
    Ok(match filter {
        Filter::Id { any, negated } => {
            let ids = match &any[..] {
                [id] => vec![Predicate::Id(id.clone())],
                ids => vec![Predicate::Ids(ids.to_vec())],
            };
            if *negated {
                Clause::None(ids)
            } else {
                Clause::Any(ids)
            }
        }
        Filter::LastUpdated(ranges) => Clause::Any(
            ranges
                .iter()
                .map(|(prefix, low, high)| Predicate::Written {
                    compare: compare(*prefix),
                    low: low * 1000,
                    high: high * 1000 + 999,
                })
                .collect(),
        ),
        Filter::Param {
            parameter,
            negated,
            any,
        } => {
            let mut negated = *negated;
            let mut predicates = Vec::new();
            for criterion in any {
                if let Criterion::Missing(missing) = criterion {
                    negated = *missing;
                }
                of_parameter(parameter, criterion, at, terms, &mut predicates)?;
            }
            let predicates = gathered(predicates)?;
            if negated {
                Clause::None(predicates)
            } else {
                Clause::Any(predicates)
            }
        }
        Filter::Has { reference, from } => {
            let from = query(from, at, terms)?;
            Clause::Any(
                reference
                    .slots
                    .iter()
                    .map(|slot| Predicate::ReferencedBy {
                        param: slot.name.to_owned(),
                        from: Box::new(from.clone()),
                    })
                    .collect(),
            )
        }
        Filter::All(inner) => Clause::Any(vec![Predicate::All(clauses(inner, at, terms)?)]),
        Filter::Any(inner) => Clause::Any(
            clauses(inner, at, terms)?
                .into_iter()
                .map(|clause| Predicate::All(vec![clause]))
                .collect(),
        ),
        Filter::Not(inner) => match clause(inner, at, terms)? {
            Clause::Any(predicates) => Clause::None(predicates),
            Clause::None(predicates) => Clause::Any(predicates),
        },
        Filter::Compartment { of, by } => {
            let mut params: Vec<&str> = by
                .iter()
                .flat_map(|parameter| &parameter.slots)
                .map(|slot| slot.name)
                .collect();
            params.sort_unstable();
            params.dedup();
            if params.is_empty() {
                // The record itself is its compartment: `{def}`.
                return Ok(Clause::Any(vec![Predicate::Id(of.id.clone())]));
            }
            Clause::Any(
                params
                    .into_iter()
                    .map(|param| Predicate::Reference {
                        param: param.to_owned(),
                        target: of.clone(),
                    })
                    .collect(),
            )
        }
    })
}

/// Alternatives of one clause beyond which the statement would become too long.
const ALTERNATIVES: usize = 200;

/// Many codes of one parameter become one list.
fn gathered(predicates: Vec<Predicate>) -> Result<Vec<Predicate>> {
    if predicates.len() <= 8 {
        return Ok(predicates);
    }
    let mut out = Vec::new();
    for predicate in predicates {
        match predicate {
            Predicate::Token {
                param,
                system: system @ (None | Some(Some(_))),
                code: Some(code),
            } => {
                let pair = (system.flatten(), code);
                let known = out.iter_mut().find_map(|known| match known {
                    Predicate::Tokens { param: of, any } if *of == param => Some(any),
                    _ => None,
                });
                match known {
                    Some(any) => any.push(pair),
                    None => out.push(Predicate::Tokens {
                        param,
                        any: vec![pair],
                    }),
                }
            }
            other => out.push(other),
        }
    }
    if out.len() > ALTERNATIVES {
        return Err(Error::invalid(format!(
            "a parameter takes at most {ALTERNATIVES} values of this kind"
        )));
    }
    Ok(out)
}

fn of_parameter(
    parameter: &SearchParameter,
    criterion: &Criterion,
    at: Option<LogicalTime>,
    terms: &dyn Terms,
    out: &mut Vec<Predicate>,
) -> Result<()> {
    match criterion {
        Criterion::Composite(parts) => {
            for way in &parameter.composite {
                let mut members = Vec::new();
                for (slots, part) in way.components.iter().zip(parts) {
                    let mut any = Vec::new();
                    for slot in slots {
                        of_slot(slot, part, at, terms, &mut any)?;
                    }
                    members.push(any);
                }
                out.push(if way.grouped {
                    // A grouped component lies in one slot.
                    Predicate::Group(
                        members
                            .into_iter()
                            .filter_map(|mut any| any.pop())
                            .collect(),
                    )
                } else {
                    Predicate::All(members.into_iter().map(Clause::Any).collect())
                });
            }
            Ok(())
        }
        Criterion::Missing(_) => {
            for way in &parameter.composite {
                let present = |slots: &Vec<Slot>| Clause::Any(slots.iter().map(present).collect());
                if way.grouped {
                    return Err(Error::invalid(format!(
                        "{} does not take :missing",
                        parameter.code
                    )));
                }
                out.push(Predicate::All(way.components.iter().map(present).collect()));
            }
            out.extend(parameter.slots.iter().map(present));
            Ok(())
        }
        _ => parameter
            .slots
            .iter()
            .try_for_each(|slot| of_slot(slot, criterion, at, terms, out)),
    }
}

fn present(slot: &Slot) -> Predicate {
    Predicate::Present {
        param: slot.name.to_owned(),
        table: slot.kind.table(),
        target: slot.only.map(str::to_owned),
    }
}

fn of_slot(
    slot: &Slot,
    criterion: &Criterion,
    at: Option<LogicalTime>,
    terms: &dyn Terms,
    out: &mut Vec<Predicate>,
) -> Result<()> {
    let param = slot.name.to_owned();
    out.push(match criterion.clone() {
        Criterion::Token { system, code } => Predicate::Token {
            param,
            system,
            code,
        },
        Criterion::CodeText(value) => Predicate::Term {
            param: text_rows(slot.name),
            value,
            matching: TermMatch::Below,
        },
        Criterion::OfType {
            system,
            code_and_value,
        } => Predicate::Token {
            param: of_type_rows(slot.name),
            system,
            code: Some(code_and_value),
        },
        Criterion::Identifier { system, code } => Predicate::Token {
            param: identifier_rows(slot.name),
            system,
            code,
        },
        Criterion::ValueSet(name) => {
            out.extend(
                terms
                    .members(&name)?
                    .into_iter()
                    .map(|(system, code)| Predicate::Token {
                        param: param.clone(),
                        system: system.map(Some),
                        code,
                    }),
            );
            return Ok(());
        }
        Criterion::Hierarchy {
            system,
            code,
            below,
        } => {
            out.extend(
                terms
                    .hierarchy(system.as_deref(), &code, below)?
                    .into_iter()
                    .map(|(system, code)| Predicate::Token {
                        param: param.clone(),
                        system: system.map(Some),
                        code: Some(code),
                    }),
            );
            return Ok(());
        }
        Criterion::Text { value, matching } => Predicate::Text {
            param,
            value,
            matching: match matching {
                Matching::Prefix => TextMatch::Prefix,
                Matching::Exact => TextMatch::Exact,
                Matching::Contains => TextMatch::Contains,
                Matching::Suffix => TextMatch::Suffix,
            },
        },
        Criterion::Date { prefix, low, high } => date(param, prefix, low, high),
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
            base,
        } => Predicate::Quantity {
            param: if base { base_rows(slot.name) } else { param },
            compare: compare(prefix),
            low,
            high,
            system,
            code,
        },
        Criterion::Uri { value, matching } => Predicate::Term {
            param,
            value,
            matching: match matching {
                UriMatching::Exact => TermMatch::Exact,
                UriMatching::Below => TermMatch::Below,
                UriMatching::Above => TermMatch::Above,
            },
        },
        Criterion::Reference(target) => {
            if slot.only.is_some_and(|only| only != target.kind) {
                // A patient is asked for, this is none.
                return Ok(());
            }
            Predicate::Reference { param, target }
        }
        Criterion::ReferenceId { kinds, id } => Predicate::ReferenceId {
            param,
            kinds: kinds.into_iter().map(str::to_owned).collect(),
            id,
        },
        Criterion::Chain(inner) => {
            for search in &inner {
                out.push(Predicate::ReferenceTo {
                    param: param.clone(),
                    target: Box::new(query(search, at, terms)?),
                });
            }
            return Ok(());
        }
        Criterion::Near {
            latitude,
            longitude,
        } => {
            let within = |(low, high): (f64, f64)| {
                Clause::Any(vec![Predicate::Number {
                    param: param.clone(),
                    compare: Compare::Equal,
                    low,
                    high,
                }])
            };
            Predicate::All(vec![
                within(latitude),
                within((longitude.0 + form::LONGITUDE, longitude.1 + form::LONGITUDE)),
            ])
        }
        Criterion::Composite(_) | Criterion::Missing(_) => return Ok(()),
    });
    Ok(())
}

fn date(param: String, prefix: Prefix, low: i64, high: i64) -> Predicate {
    // About: the two ranges overlap.
    if prefix == Prefix::Ap {
        let one = |compare, low, high| {
            Clause::Any(vec![Predicate::Date {
                param: param.clone(),
                compare,
                low,
                high,
            }])
        };
        return Predicate::All(vec![
            one(Compare::GreaterOrEqual, low, low),
            one(Compare::LessOrEqual, high, high),
        ]);
    }
    Predicate::Date {
        param,
        compare: compare(prefix),
        low,
        high,
    }
}

fn compare(prefix: Prefix) -> Compare {
    match prefix {
        Prefix::Eq | Prefix::Ap => Compare::Equal,
        Prefix::Ne => Compare::NotEqual,
        Prefix::Gt => Compare::Greater,
        Prefix::Ge => Compare::GreaterOrEqual,
        Prefix::Lt => Compare::Less,
        Prefix::Le => Compare::LessOrEqual,
        Prefix::Sa => Compare::StartsAfter,
        Prefix::Eb => Compare::EndsBefore,
    }
}
