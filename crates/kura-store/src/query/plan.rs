//! What a search walks by.
//!
//! A clause that few records satisfy is looked up first and drives the walk, whatever it is; so a
//! chain or a `_has` that finds three patients costs three patients. Where every clause is broad,
//! the records are walked in their order by an exact clause or by kind, and the others are probed
//! one record at a time, so that the first page costs its page and not its result.
//!
//! Where tables are joined in a statement of ours, `CROSS JOIN` keeps them in the order written:
//! SQLite cannot know how long a list it is given is, and would begin at the wrong end. A sign
//! before a column (`+r.kind`) keeps an index on it out of the plan, for the same reason.

use kura_model::Result;

use super::compile::Compiler;
use super::{Clause, Predicate, Query};
use crate::database::{Dialect, Value, values};
use crate::symbol::Table;

/// A clause with no more records than this is few.
const FEW: usize = 256;
/// Records looked at to tell whether a query is satisfied by many; and the share of them that
/// tells it.
const SAMPLE: i64 = 128;
const COMMON_ONE_IN: i64 = 8;
/// Where fewer than this of a sample satisfy the other clauses, lists are intersected.
const RARE: i64 = 2;
/// The longest list that is intersected, in records; another may be so many times as long: a
/// record of a list costs that much less than one that is probed.
const LISTED: usize = 1 << 16;
const CHEAPER: usize = 8;
/// What two lists have in common is walked by if it is no more than this.
const COMMON: usize = 1_024;
/// A clause this small is not compared with others.
const ENOUGH: usize = 16;
/// Code systems one code is looked for in, when the client names none.
const SYSTEMS: usize = 16;

/// How the walk begins.
pub(super) enum Driver {
    /// These records.
    Records(Vec<i64>),
    /// The rows of this clause.
    Clause(usize),
    /// What points at each of these entities with a parameter, merged: this clause says so. The
    /// rows of one entity are in record order, those of all of them are not.
    Each(usize, Vec<(i64, i64)>),
    /// All records of the kind.
    Kind,
}

impl Compiler<'_, '_> {
    /// The query with small sub-queries replaced by what they find, and what to walk by.
    pub(super) fn plan(&mut self, query: &Query) -> Result<(Vec<Clause>, Driver)> {
        let mut clauses = self.narrowed(&query.kind, &query.clauses)?;
        // Of few patients, their own records are the place to begin.
        if let Some(reach) = self.reader.reach()
            && !reach.has_kind(self.kind)
            && let Some(few) = reach.few()
        {
            clauses.push(Clause::Any(vec![Predicate::OwnedBy(few.to_vec())]));
        }
        if let [Clause::Any(predicates)] = &clauses[..]
            && rank(predicates).is_some_and(|rank| rank < EXACT_BELOW)
        {
            return Ok((clauses, Driver::Clause(0)));
        }
        let mut best: Option<(usize, Vec<i64>)> = None;
        for (index, clause) in clauses.iter().enumerate() {
            let Clause::Any(predicates) = clause else {
                continue;
            };
            if !predicates.iter().all(countable) {
                continue;
            }
            if let Some(records) = self.few(&query.kind, predicates)?
                && best
                    .as_ref()
                    .is_none_or(|(_, known)| records.len() < known.len())
            {
                let enough = records.len() <= ENOUGH;
                best = Some((index, records));
                if enough {
                    break;
                }
            }
        }
        if let Some((index, records)) = best {
            let mut clauses = clauses;
            clauses.remove(index);
            return Ok((clauses, Driver::Records(records)));
        }
        let best = clauses
            .iter()
            .enumerate()
            .filter_map(|(index, clause)| match clause {
                Clause::Any(predicates) => rank(predicates).map(|rank| (rank, index)),
                Clause::None(_) => None,
            })
            .min();
        if !self.exhaustive
            && best.is_some_and(|(rank, _)| rank >= EXACT_BELOW)
            && let Some(each) = self.each(&clauses)?
        {
            return Ok((clauses, each));
        }
        if !self.exhaustive
            && let Some((rank, index)) = best
            && rank < EXACT_BELOW
            && let Some(met) = self.meet(&query.kind, &clauses, index)?
        {
            return Ok(met);
        }
        let driver = best.map_or(Driver::Kind, |(_, index)| Driver::Clause(index));
        Ok((clauses, driver))
    }

    /// A clause that is satisfied by pointing at one of a few entities.
    fn each(&mut self, clauses: &[Clause]) -> Result<Option<Driver>> {
        for (index, clause) in clauses.iter().enumerate() {
            let Clause::Any(predicates) = clause else {
                continue;
            };
            let mut pairs = Vec::new();
            let mut only = true;
            for predicate in predicates {
                match predicate {
                    Predicate::Targets { param, entities } => {
                        let param = self.param(param)?;
                        pairs.extend(entities.iter().map(|entity| (param, *entity)));
                    }
                    _ => only = false,
                }
            }
            if only && !pairs.is_empty() && pairs.len() <= FEW {
                return Ok(Some(Driver::Each(index, pairs)));
            }
        }
        Ok(None)
    }

    /// What the clause at `driver` and others find together, where each alone is broad but few
    /// records satisfy all: a walk would look at most of the clause before its page is full.
    fn meet(
        &mut self,
        kind: &str,
        clauses: &[Clause],
        driver: usize,
    ) -> Result<Option<(Vec<Clause>, Driver)>> {
        // PostgreSQL joins what it is given as it sees fit, and a list would cross the network.
        if self.dialect == Dialect::Postgres {
            return Ok(None);
        }
        let listable = |index: usize| match &clauses[index] {
            Clause::Any(predicates) if predicates.iter().all(countable) => Some(&predicates[..]),
            _ => None,
        };
        let Some(walked) = listable(driver) else {
            return Ok(None);
        };
        let others: Vec<usize> = (0..clauses.len())
            .filter(|index| *index != driver && listable(*index).is_some())
            .collect();
        if others.is_empty() {
            return Ok(None);
        }
        let Some(mut compiler) = self.beside(kind)? else {
            return Ok(None);
        };
        compiler.sample_of(clauses, driver, SAMPLE)?;
        let found: Vec<i64> = compiler.finish().rows(self.reader, |row| row.get(0))?;
        if found.first().is_none_or(|found| *found >= RARE) {
            return Ok(None);
        }
        let Some(mut met) = self.listed(kind, walked, LISTED)? else {
            return Ok(None);
        };
        let longest = met.len() * CHEAPER;
        let mut done = vec![driver];
        for index in others {
            let Some(predicates) = listable(index) else {
                continue;
            };
            let both = match predicates {
                [Predicate::Targets { param, entities }] => {
                    self.pointing(&met, param, entities, longest)?
                }
                _ => self
                    .listed(kind, predicates, longest)?
                    .map(|other| intersection(&met, &other)),
            };
            if let Some(both) = both {
                met = both;
                done.push(index);
            }
        }
        if done.len() == 1 || met.len() > COMMON {
            return Ok(None);
        }
        let rest = clauses
            .iter()
            .enumerate()
            .filter(|(index, _)| !done.contains(index))
            .map(|(_, clause)| clause.clone())
            .collect();
        Ok(Some((rest, Driver::Records(met))))
    }

    /// Those of these ordered records whose `param` points at one of the entities. What points at
    /// one entity often lies together: of the records between its first and its last, few are
    /// asked for one by one, many are read; `None` if more than `most` would be.
    fn pointing(
        &mut self,
        records: &[i64],
        param: &str,
        entities: &[i64],
        most: usize,
    ) -> Result<Option<Vec<i64>>> {
        let Some(param) = self.reader.symbol(Table::Param, param)? else {
            return Ok(Some(Vec::new()));
        };
        let mut left = most;
        let mut out = Vec::new();
        for entity in entities {
            let ends = self.reader.connection().one(
                "SELECT (SELECT min(pk) FROM ix_reference WHERE param = ?1 AND target = ?2),
                        (SELECT max(pk) FROM ix_reference WHERE param = ?1 AND target = ?2)",
                values![param, *entity],
                |row| Ok((row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(1)?)),
            )?;
            let (Some(first), Some(last)) = ends else {
                continue;
            };
            let from = records.partition_point(|record| *record < first);
            let to = records.partition_point(|record| *record <= last);
            let between = &records[from..to];
            if between.len() <= ENOUGH {
                for record in between {
                    let points = self.reader.connection().exists(
                        "SELECT 1 FROM ix_reference WHERE param = ?1 AND target = ?2 AND pk = ?3",
                        values![param, *entity, *record],
                    )?;
                    out.extend(points.then_some(*record));
                }
            } else {
                let other = self.numbers(
                    "SELECT pk FROM ix_reference WHERE param = ?1 AND target = ?2 ORDER BY pk LIMIT ?3",
                    values![param, *entity, left as i64 + 1],
                )?;
                if other.len() > left {
                    return Ok(None);
                }
                left -= other.len();
                out.extend(intersection(between, &other));
            }
        }
        out.sort_unstable();
        out.dedup();
        Ok(Some(out))
    }

    /// The records an alternative of predicates finds, in order, if they are no more than `most`.
    fn listed(
        &mut self,
        kind: &str,
        predicates: &[Predicate],
        most: usize,
    ) -> Result<Option<Vec<i64>>> {
        let Some(mut compiler) = self.beside(kind)? else {
            return Ok(Some(Vec::new()));
        };
        compiler.push("SELECT pk FROM (");
        compiler.every(predicates)?;
        compiler.push(") found LIMIT ");
        compiler.bind(most as i64 + 1);
        let mut records: Vec<i64> = compiler.finish().rows(self.reader, |row| row.get(0))?;
        if records.len() > most {
            return Ok(None);
        }
        records.sort_unstable();
        records.dedup();
        Ok(Some(records))
    }

    fn narrowed(&mut self, kind: &str, clauses: &[Clause]) -> Result<Vec<Clause>> {
        clauses
            .iter()
            .map(|clause| {
                let mut narrow = |predicates: &[Predicate]| -> Result<Vec<Predicate>> {
                    predicates
                        .iter()
                        .map(|predicate| self.narrow(kind, predicate))
                        .collect()
                };
                Ok(match clause {
                    Clause::Any(predicates) => Clause::Any(narrow(predicates)?),
                    Clause::None(predicates) => Clause::None(narrow(predicates)?),
                })
            })
            .collect()
    }

    fn narrowed_query(&mut self, query: &Query) -> Result<Query> {
        Ok(Query {
            clauses: self.narrowed(&query.kind, &query.clauses)?,
            ..query.clone()
        })
    }

    fn narrow(&mut self, kind: &str, predicate: &Predicate) -> Result<Predicate> {
        Ok(match predicate {
            Predicate::References { param, targets } => {
                let mut entities = Vec::with_capacity(targets.len());
                for target in targets {
                    entities.extend(self.reader.eid(target)?);
                }
                Predicate::Targets {
                    param: param.clone(),
                    entities,
                }
            }
            // Tried once at each step, or a chain of many steps would be tried anew at each.
            Predicate::ReferenceTo { param, target } => {
                let target = self.narrowed_query(target)?;
                match self.few_found(&target)? {
                    Some(records) => Predicate::Targets {
                        param: param.clone(),
                        entities: self.entities(&records)?,
                    },
                    None => Predicate::Broad(Box::new(Predicate::ReferenceTo {
                        param: param.clone(),
                        target: Box::new(target),
                    })),
                }
            }
            Predicate::ReferencedBy { param, from } => {
                let from = self.narrowed_query(from)?;
                match self.few_found(&from)? {
                    Some(records) => Predicate::Records(self.pointed_at(kind, param, &records)?),
                    None => Predicate::Broad(Box::new(Predicate::ReferencedBy {
                        param: param.clone(),
                        from: Box::new(from),
                    })),
                }
            }
            Predicate::Token {
                param,
                system: None,
                code: Some(code),
            } => match self.systems(param, code)? {
                Some(systems) => Predicate::Coded {
                    param: param.clone(),
                    code: code.clone(),
                    systems,
                },
                None => predicate.clone(),
            },
            Predicate::All(clauses) => Predicate::All(self.narrowed(kind, clauses)?),
            _ => predicate.clone(),
        })
    }

    /// The records an alternative of predicates finds, if they are few. Versions that are no
    /// longer the newest count.
    fn few(&mut self, kind: &str, predicates: &[Predicate]) -> Result<Option<Vec<i64>>> {
        let Some(mut compiler) = self.beside(kind)? else {
            return Ok(Some(Vec::new()));
        };
        compiler.push("SELECT pk FROM (");
        compiler.union(predicates)?;
        compiler.push(") found LIMIT ");
        compiler.bind(FEW as i64 + 1);
        let sql = compiler.finish();
        let mut records: Vec<i64> = sql.rows(self.reader, |row| row.get(0))?;
        if records.len() > FEW {
            return Ok(None);
        }
        records.sort_unstable();
        records.dedup();
        Ok(Some(records))
    }

    /// The records a whole query finds, if they are few.
    fn few_found(&mut self, query: &Query) -> Result<Option<Vec<i64>>> {
        if self.is_common(query)? {
            return Ok(None);
        }
        let Some(mut compiler) = self.beside(&query.kind)? else {
            return Ok(Some(Vec::new()));
        };
        compiler.push("SELECT pk FROM (");
        compiler.found(query)?;
        compiler.push(") found LIMIT ");
        compiler.bind(FEW as i64 + 1);
        let sql = compiler.finish();
        let records: Vec<i64> = sql.rows(self.reader, |row| row.get(0))?;
        Ok((records.len() <= FEW).then_some(records))
    }

    /// Whether the first records of the kind tell that many satisfy the query: where all it asks
    /// is broad itself, counting what it finds means listing what its parts find.
    fn is_common(&mut self, query: &Query) -> Result<bool> {
        let asked_for_few = |clause: &Clause| match clause {
            Clause::Any(predicates) => predicates.iter().all(countable),
            Clause::None(_) => false,
        };
        if query.clauses.iter().any(asked_for_few) {
            return Ok(false);
        }
        let Some(mut compiler) = self.beside(&query.kind)? else {
            return Ok(false);
        };
        compiler.sample(query, SAMPLE)?;
        let found: Vec<i64> = compiler.finish().rows(self.reader, |row| row.get(0))?;
        Ok(found
            .first()
            .is_some_and(|found| *found >= SAMPLE / COMMON_ONE_IN))
    }

    fn entities(&mut self, records: &[i64]) -> Result<Vec<i64>> {
        let chosen = self.dialect.among("pk", "?1");
        self.numbers(
            &format!("SELECT DISTINCT eid FROM record WHERE {chosen}"),
            values![records],
        )
    }

    /// The records of `kind` that `param` of these records points at.
    fn pointed_at(&mut self, kind: &str, param: &str, records: &[i64]) -> Result<Vec<i64>> {
        let (Some(kind), Some(param)) = (
            self.reader.symbol(Table::Kind, kind)?,
            self.reader.symbol(Table::Param, param)?,
        ) else {
            return Ok(Vec::new());
        };
        let from = self.dialect.list("?1", "f");
        self.numbers(
            &format!(
                "SELECT DISTINCT r.pk FROM {from} CROSS JOIN ix_reference x CROSS JOIN record r
                 WHERE x.pk = f.value AND x.param = ?2 AND r.eid = x.target AND +r.kind = ?3 AND r.deleted = 0
                 ORDER BY r.pk"
            ),
            values![records, param, kind],
        )
    }

    /// The code systems in which `param` knows this code, if they are not too many.
    fn systems(&mut self, param: &str, code: &str) -> Result<Option<Vec<i64>>> {
        let Some(param) = self.reader.symbol(Table::Param, param)? else {
            return Ok(Some(Vec::new()));
        };
        let mut systems = Vec::new();
        let mut last = -1_i64;
        while systems.len() <= SYSTEMS {
            let next = self.numbers(
                "SELECT system FROM ix_token WHERE param = ?1 AND code = ?2 AND system > ?3 ORDER BY system LIMIT 1",
                &[param.into(), Value::key(code), last.into()],
            )?;
            match next.first() {
                Some(system) => {
                    systems.push(*system);
                    last = *system;
                }
                None => return Ok(Some(systems)),
            }
        }
        Ok(None)
    }
}

/// What two ordered lists have in common.
fn intersection(left: &[i64], right: &[i64]) -> Vec<i64> {
    let mut right = right.iter().copied().peekable();
    left.iter()
        .copied()
        .filter(|record| {
            while right.next_if(|other| other < record).is_some() {}
            right.peek() == Some(record)
        })
        .collect()
}

/// Whether the records of a predicate can be counted without looking at each of the kind.
fn countable(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Present { .. }
        | Predicate::Written { .. }
        | Predicate::ReferenceTo { .. }
        | Predicate::ReferencedBy { .. }
        | Predicate::Broad(_) => false,
        Predicate::All(clauses) => clauses.iter().any(
            |clause| matches!(clause, Clause::Any(predicates) if predicates.iter().all(countable)),
        ),
        _ => true,
    }
}

/// Ranks below this come in record order.
const EXACT_BELOW: u8 = 10;

/// How good a clause is to walk by; lower is better, `None` is not at all.
pub(super) fn rank(predicates: &[Predicate]) -> Option<u8> {
    let worst = predicates
        .iter()
        .map(one)
        .try_fold(0, |worst, rank| rank.map(|rank| rank.max(worst)))?;
    match predicates.len() {
        0 => None,
        1 => Some(worst),
        // Several ranges have to be merged before the first row is known.
        _ => Some(worst + EXACT_BELOW),
    }
}

fn one(predicate: &Predicate) -> Option<u8> {
    match predicate {
        Predicate::Id(_) | Predicate::Records(_) => Some(0),
        Predicate::Owned { .. } => Some(1),
        // Of one owner they come in record order.
        Predicate::OwnedBy(owners) if owners.len() == 1 => Some(1),
        Predicate::Reference { .. } => Some(2),
        Predicate::Token {
            system: Some(_),
            code: Some(_),
            ..
        } => Some(3),
        Predicate::Coded { systems, .. } if systems.len() <= 1 => Some(3),
        Predicate::Term {
            matching: super::TermMatch::Exact,
            ..
        } => Some(4),
        Predicate::All(clauses) => clauses
            .iter()
            .filter_map(|clause| match clause {
                Clause::Any(predicates) => rank(predicates),
                Clause::None(_) => None,
            })
            .min(),
        // Their rows have no order of records, but reading them once is cheaper than asking
        // for each record whether it has one: no index leads from a record to them.
        Predicate::Coded { .. }
        | Predicate::OwnedBy(_)
        | Predicate::Targets { .. }
        | Predicate::References { .. }
        | Predicate::ReferenceId { .. }
        | Predicate::Ids(_)
        | Predicate::Tokens { .. }
        | Predicate::Token { .. }
        | Predicate::Text { .. }
        | Predicate::Number { .. }
        | Predicate::Quantity { .. }
        | Predicate::Term { .. }
        | Predicate::Group(_) => Some(30),
        Predicate::Date { .. }
        | Predicate::Present { .. }
        | Predicate::Written { .. }
        | Predicate::ReferenceTo { .. }
        | Predicate::ReferencedBy { .. }
        | Predicate::Broad(_) => None,
    }
}
