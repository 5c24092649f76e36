//! What can be asked of the store: a conjunction of clauses over the search tables, in an order,
//! as of a time. `compile` makes SQL of it.

mod compile;
mod condition;
mod order;
mod plan;

use kura_model::{LogicalTime, RecordKey, Result};
use serde::{Deserialize, Serialize};

use crate::Seconds;
use crate::database::{Dialect, Row, Value};
use crate::read::{Reader, Version};
use crate::symbol::Table;
use compile::Compiler;
pub(crate) use compile::GROUP_BITS;
pub use order::{By, Cursor, Key, Order};

#[derive(Debug, Clone)]
pub struct Query {
    pub kind: String,
    pub clauses: Vec<Clause>,
    pub order: Order,
    /// As of this time; the newest state if absent.
    pub at: Option<LogicalTime>,
}

impl Query {
    pub fn all(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            clauses: Vec::new(),
            order: Order::Stored,
            at: None,
        }
    }

    pub fn and(mut self, predicate: Predicate) -> Self {
        self.clauses.push(Clause::Any(vec![predicate]));
        self
    }
}

#[derive(Debug, Clone)]
pub enum Clause {
    Any(Vec<Predicate>),
    None(Vec<Predicate>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMatch {
    Prefix,
    Exact,
    Contains,
    Suffix,
}

/// How a term (a URI, a text that codes carry) is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermMatch {
    Exact,
    /// The stored one begins with the value.
    Below,
    /// The value begins with the stored one, up to one of its slashes or to its end.
    Above,
}

/// FHIR R4 search.html#prefix
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
}

#[derive(Debug, Clone)]
pub enum Predicate {
    /// `system`: absent means any, `Some(None)` means explicitly none.
    Token {
        param: String,
        system: Option<Option<String>>,
        code: Option<String>,
    },
    Text {
        param: String,
        value: String,
        matching: TextMatch,
    },
    Date {
        param: String,
        compare: Compare,
        low: Seconds,
        high: Seconds,
    },
    /// `low..=high` is the range the given precision means.
    Number {
        param: String,
        compare: Compare,
        low: f64,
        high: f64,
    },
    Quantity {
        param: String,
        compare: Compare,
        low: f64,
        high: f64,
        system: Option<String>,
        code: Option<String>,
    },
    Term {
        param: String,
        value: String,
        matching: TermMatch,
    },
    Reference {
        param: String,
        target: RecordKey,
    },
    /// The parameter points at a record with this id, of one of these kinds; of any if empty.
    ReferenceId {
        param: String,
        kinds: Vec<String>,
        id: String,
    },
    /// The parameter points at one of these records.
    References {
        param: String,
        targets: Vec<RecordKey>,
    },
    /// The parameter points at a record that the query finds.
    ReferenceTo {
        param: String,
        target: Box<Query>,
    },
    /// A record found by the query points at this one with `param`.
    ReferencedBy {
        param: String,
        from: Box<Query>,
    },
    /// In the compartment of this owner.
    Owned {
        owner: RecordKey,
    },
    Id(String),
    /// One of these ids.
    Ids(Vec<String>),
    /// One of these codes, each with its code system, or in any if that is absent.
    Tokens {
        param: String,
        any: Vec<(Option<String>, String)>,
    },
    /// The parameter has a value; of this kind, for a reference.
    Present {
        param: String,
        table: &'static str,
        target: Option<String>,
    },
    /// Written at `low..=high`, milliseconds since 1970.
    Written {
        compare: Compare,
        low: i64,
        high: i64,
    },
    /// All of these clauses.
    All(Vec<Clause>),
    /// All of these, in one group of the record (see [`kura_model::IndexValue::Member`]).
    Group(Vec<Predicate>),

    // What the planner puts in place of others, once it knows the numbers.
    /// A code in these code systems.
    Coded {
        param: String,
        code: String,
        systems: Vec<i64>,
    },
    /// The parameter points at one of these entities.
    Targets {
        param: String,
        entities: Vec<i64>,
    },
    /// These records.
    Records(Vec<i64>),
    /// In the compartment of one of these owners.
    OwnedBy(Vec<i64>),
    /// A chain or a `_has` whose inner search was tried and finds many.
    Broad(Box<Predicate>),
}

#[derive(Debug)]
pub struct Page {
    pub versions: Vec<Version>,
    /// Give it back to get the next page; absent at the end.
    pub next: Option<Cursor>,
}

impl Reader<'_> {
    /// One page of results.
    pub fn search(&mut self, query: &Query, after: Option<&Cursor>, limit: u32) -> Result<Page> {
        let mut found = self.walk(query, after, limit)?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let pks: Vec<i64> = found.iter().map(Cursor::pk).collect();
        let versions = self.by_pks(&pks)?;
        Ok(Page {
            versions: versions.into_iter().map(|(_, version)| version).collect(),
            next: if more { found.pop() } else { None },
        })
    }

    /// The places of the next `limit` results and of one more.
    fn walk(&mut self, query: &Query, after: Option<&Cursor>, limit: u32) -> Result<Vec<Cursor>> {
        let Some(mut compiler) = Compiler::new(self, query)? else {
            return Ok(Vec::new());
        };
        let shape = compiler.page(query, after, limit)?;
        let sql = compiler.finish();
        match shape.each {
            Some(each) => self.merge(sql, &each, limit),
            None => sql.rows(self, |row| order::cursor(row, shape.keys)),
        }
    }

    /// Runs a statement for each of its entities and puts what they give into one order.
    fn merge(&self, mut sql: Sql, each: &compile::Each, limit: u32) -> Result<Vec<Cursor>> {
        let wanted = limit as usize + 1;
        let mut found: Vec<i64> = Vec::new();
        for (param, entity) in &each.pairs {
            sql.values[0] = (*param).into();
            sql.values[1] = (*entity).into();
            found.extend(
                self.connection()
                    .rows(&sql.text, &sql.values, |row| row.get::<i64>(0))?,
            );
            if each.descending {
                found.sort_unstable_by(|a, b| b.cmp(a));
            } else {
                found.sort_unstable();
            }
            // A record may point at several of the entities.
            found.dedup();
            found.truncate(wanted);
            if let Some(last) = found.get(limit as usize) {
                sql.values[each.bound] = (*last).into();
            }
        }
        Ok(found.into_iter().map(Cursor::at).collect())
    }

    /// How many records the query finds.
    pub fn count(&mut self, query: &Query) -> Result<u64> {
        let Some(mut compiler) = Compiler::new(self, query)? else {
            return Ok(0);
        };
        compiler.push("SELECT count(*) FROM (");
        compiler.found(query)?;
        compiler.push(") counted");
        let sql = compiler.finish();
        let counts = sql.rows(self, |row| row.get::<i64>(0))?;
        Ok(counts.first().copied().unwrap_or(0) as u64)
    }

    /// The records that `param` of the found ones points at, without repetition.
    pub fn targets(&mut self, query: &Query, param: &str) -> Result<Vec<RecordKey>> {
        let Some(param) = self.symbol(Table::Param, param)? else {
            return Ok(Vec::new());
        };
        let Some(mut compiler) = Compiler::new(self, query)? else {
            return Ok(Vec::new());
        };
        compiler.push("SELECT DISTINCT target FROM ix_reference WHERE param = ");
        compiler.bind(param);
        compiler.push(" AND pk IN (SELECT pk FROM (");
        compiler.found(query)?;
        compiler.push(") found)");
        let eids: Vec<i64> = compiler.finish().rows(self, |row| row.get(0))?;
        self.keys_of(&eids)
    }

    /// How the database goes about a query, a line a step: for tests of the plan.
    pub fn explain(&mut self, query: &Query) -> Result<Vec<String>> {
        let Some(mut compiler) = Compiler::new(self, query)? else {
            return Ok(Vec::new());
        };
        let (explain, column) = match compiler.dialect {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
            Dialect::Postgres => ("EXPLAIN ", 0),
        };
        compiler.push(explain);
        compiler.page(query, None, 10)?;
        compiler.finish().rows(self, |row| row.get(column))
    }
}

/// SQL with its values.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Value<'static>>,
}

impl Sql {
    fn rows<T>(
        self,
        reader: &Reader<'_>,
        take: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        reader.connection().rows(&self.text, &self.values, take)
    }
}
