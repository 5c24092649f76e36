//! Search, compiled to SQL. A query is a conjunction of clauses; a clause is an alternative of
//! predicates on one parameter.
//!
//! The first clause that names exact values drives the walk in record order; the others are
//! probes by record number. So the first page of a search costs its page, not its result.

use std::fmt::Write as _;

use kura_model::{LogicalTime, RecordKey, Result};
use rusqlite::types::Value;

use crate::Seconds;
use crate::error::database;
use crate::read::{Reader, Version};
use crate::symbol::Table;

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
}

/// FHIR R4 search.html#prefix
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Uri {
        param: String,
        value: String,
    },
    Reference {
        param: String,
        target: RecordKey,
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
    /// The parameter has a value (`present`) or has none.
    Present {
        param: String,
        table: &'static str,
        present: bool,
    },
    /// Written at `low..=high`, milliseconds since 1970.
    Written {
        compare: Compare,
        low: i64,
        high: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// In the order of record numbers: oldest write first.
    Stored,
    /// Newest write first.
    StoredDescending,
    /// By the first date of a parameter.
    Date { param: String, descending: bool },
}

#[derive(Debug)]
pub struct Page {
    pub versions: Vec<Version>,
    /// Give it back to get the next page; absent at the end.
    pub next: Option<Cursor>,
}

/// Where a page ended: the sort value and the record number.
pub type Cursor = (i64, i64);

#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        let _ = write!(self.text, "?{}", self.values.len());
    }
}

/// Below every date, so that records without one sort last in descending order.
const NO_DATE: i64 = i64::MIN / 2;

impl Reader<'_> {
    /// One page of results.
    pub fn search(&mut self, query: &Query, after: Option<Cursor>, limit: u32) -> Result<Page> {
        let mut sql = Sql::default();
        let ordered = self.select(&mut sql, query, after, Some(limit))?;
        let Some(()) = ordered else {
            return Ok(Page {
                versions: Vec::new(),
                next: None,
            });
        };
        let found: Vec<Cursor> = {
            let mut statement = self
                .connection()
                .prepare_cached(&sql.text)
                .map_err(database)?;
            let rows = statement
                .query_map(rusqlite::params_from_iter(sql.values), |row| {
                    Ok((row.get(1)?, row.get(0)?))
                })
                .map_err(database)?;
            rows.collect::<std::result::Result<_, _>>()
                .map_err(database)?
        };
        let more = found.len() > limit as usize;
        let kept = &found[..found.len().min(limit as usize)];
        let mut versions = Vec::with_capacity(kept.len());
        for (_, pk) in kept {
            if let Some(version) = self.by_pk(*pk, None)? {
                versions.push(version);
            }
        }
        Ok(Page {
            versions,
            next: if more { kept.last().copied() } else { None },
        })
    }

    /// How many records the query finds.
    pub fn count(&mut self, query: &Query) -> Result<u64> {
        let mut inner = Sql::default();
        if self.select(&mut inner, query, None, None)?.is_none() {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM ({})", inner.text);
        self.connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(rusqlite::params_from_iter(inner.values), |row| {
                    row.get::<_, i64>(0)
                })
            })
            .map(|count| count as u64)
            .map_err(database)
    }

    /// The records that `param` of the found ones points at, without repetition.
    pub fn targets(&mut self, query: &Query, param: &str) -> Result<Vec<RecordKey>> {
        let Some(param) = self.symbol(Table::Param, param)? else {
            return Ok(Vec::new());
        };
        let mut sql = Sql::default();
        sql.push("SELECT DISTINCT target FROM ix_reference WHERE param = ");
        sql.bind(param);
        sql.push(" AND pk IN (SELECT pk FROM (");
        if self.select(&mut sql, query, None, None)?.is_none() {
            return Ok(Vec::new());
        }
        sql.push("))");
        let eids: Vec<i64> = {
            let mut statement = self.connection().prepare(&sql.text).map_err(database)?;
            let rows = statement
                .query_map(rusqlite::params_from_iter(sql.values), |row| row.get(0))
                .map_err(database)?;
            rows.collect::<std::result::Result<_, _>>()
                .map_err(database)?
        };
        eids.into_iter().map(|eid| self.key_of(eid)).collect()
    }

    /// Writes `SELECT pk, sort_value …`. `None` if nothing can be found (an unknown kind).
    fn select(
        &mut self,
        sql: &mut Sql,
        query: &Query,
        after: Option<Cursor>,
        limit: Option<u32>,
    ) -> Result<Option<()>> {
        let Some(kind) = self.symbol(Table::Kind, &query.kind)? else {
            return Ok(None);
        };
        let as_of = match query.at {
            Some(t) => Some((self.pk_last(t)?, t.0 as i64)),
            None => None,
        };
        let descending = match &query.order {
            Order::Stored => false,
            Order::StoredDescending => true,
            Order::Date { descending, .. } => *descending,
        };
        let sort_param = match &query.order {
            Order::Date { param, .. } => Some(self.symbol(Table::Param, param)?.unwrap_or(-1)),
            _ => None,
        };

        let driver = query
            .clauses
            .iter()
            .enumerate()
            .filter_map(|(index, clause)| match clause {
                Clause::Any(predicates) => alternatives(predicates).map(|rank| (rank, index)),
                Clause::None(_) => None,
            })
            .min();

        if sort_param.is_some() {
            sql.push("SELECT pk, sort FROM (");
        }
        sql.push("SELECT a.pk AS pk, ");
        match sort_param {
            Some(param) => {
                sql.push("coalesce((SELECT ");
                sql.push(if descending {
                    "max(d.high)"
                } else {
                    "min(d.low)"
                });
                sql.push(" FROM ix_date d WHERE d.pk = a.pk AND d.param = ");
                sql.bind(param);
                let _ = write!(sql.text, "), {NO_DATE}) AS sort");
            }
            None => sql.push("0 AS sort"),
        }
        match driver {
            Some((_, index)) => {
                let Clause::Any(predicates) = &query.clauses[index] else {
                    return Ok(None);
                };
                sql.push(" FROM (");
                for (number, predicate) in predicates.iter().enumerate() {
                    if number > 0 {
                        // A record found twice is one record.
                        sql.push(" UNION ");
                    }
                    self.predicate(sql, query, kind, predicate)?;
                }
                sql.push(") a WHERE 1");
                // Tables whose parameter name carries the kind need no check of the kind.
            }
            None => {
                sql.push(" FROM record a WHERE a.kind = ");
                sql.bind(kind);
                sql.push(" AND a.deleted = 0");
            }
        }
        match as_of {
            Some((pk_last, t)) => {
                sql.push(" AND a.pk <= ");
                sql.bind(pk_last);
                sql.push(
                    " AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = a.pk AND s.t_end <= ",
                );
                sql.bind(t);
                sql.push(")");
            }
            None => sql.push(" AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = a.pk)"),
        }
        for (index, clause) in query.clauses.iter().enumerate() {
            if driver.is_some_and(|(_, driving)| driving == index) {
                continue;
            }
            let (predicates, negated) = match clause {
                Clause::Any(predicates) => (predicates, false),
                Clause::None(predicates) => (predicates, true),
            };
            sql.push(if negated { " AND NOT (" } else { " AND (" });
            for (number, predicate) in predicates.iter().enumerate() {
                if number > 0 {
                    sql.push(" OR ");
                }
                self.probe(sql, query, kind, predicate)?;
            }
            if predicates.is_empty() {
                sql.push("0");
            }
            sql.push(")");
        }
        if sort_param.is_some() {
            sql.push(")");
            if let Some((value, pk)) = after {
                sql.push(if descending {
                    " WHERE (sort, pk) < ("
                } else {
                    " WHERE (sort, pk) > ("
                });
                sql.bind(value);
                sql.push(", ");
                sql.bind(pk);
                sql.push(")");
            }
            sql.push(if descending {
                " ORDER BY sort DESC, pk DESC"
            } else {
                " ORDER BY sort, pk"
            });
        } else if limit.is_some() {
            if let Some((_, pk)) = after {
                sql.push(if descending {
                    " AND a.pk < "
                } else {
                    " AND a.pk > "
                });
                sql.bind(pk);
            }
            sql.push(if descending {
                " ORDER BY a.pk DESC"
            } else {
                " ORDER BY a.pk"
            });
        }
        if let Some(limit) = limit {
            sql.push(" LIMIT ");
            sql.bind(i64::from(limit) + 1);
        }
        Ok(Some(()))
    }

    /// A condition on `a.pk`.
    fn probe(
        &mut self,
        sql: &mut Sql,
        query: &Query,
        kind: i64,
        predicate: &Predicate,
    ) -> Result<()> {
        if exactness(predicate).is_some() || matches!(predicate, Predicate::Date { .. }) {
            sql.push("EXISTS (SELECT 1 FROM (");
            self.predicate(sql, query, kind, predicate)?;
            sql.push(") b WHERE b.pk = a.pk)");
        } else if let Predicate::Present {
            param,
            table,
            present,
        } = predicate
        {
            let param = self.symbol(Table::Param, param)?.unwrap_or(-1);
            if !present {
                sql.push("NOT ");
            }
            let _ = write!(
                sql.text,
                "a.pk IN (SELECT x.pk FROM {table} x WHERE x.param = "
            );
            sql.bind(param);
            sql.push(")");
        } else if let Predicate::Written { compare, low, high } = predicate {
            sql.push(
                "EXISTS (SELECT 1 FROM record w JOIN commits m ON m.t = w.t WHERE w.pk = a.pk AND ",
            );
            range(sql, *compare, "m.at", "m.at", *low, *high);
            sql.push(")");
        } else {
            sql.push("a.pk IN (SELECT pk FROM (");
            self.predicate(sql, query, kind, predicate)?;
            sql.push("))");
        }
        Ok(())
    }

    /// `SELECT pk …` of the records a predicate finds.
    fn predicate(
        &mut self,
        sql: &mut Sql,
        query: &Query,
        kind: i64,
        predicate: &Predicate,
    ) -> Result<()> {
        match predicate {
            Predicate::Token {
                param,
                system,
                code,
            } => {
                self.from(sql, "ix_token", param)?;
                if let Some(code) = code {
                    sql.push(" AND x.code = ");
                    sql.bind(code.clone());
                }
                if let Some(system) = system {
                    let number = match system {
                        None => 0,
                        Some(name) => self.symbol(Table::System, name)?.unwrap_or(-1),
                    };
                    sql.push(" AND x.system = ");
                    sql.bind(number);
                }
            }
            Predicate::Text {
                param,
                value,
                matching,
            } => {
                self.from(sql, "ix_text", param)?;
                match matching {
                    TextMatch::Exact => {
                        sql.push(" AND x.value = ");
                        sql.bind(value.clone());
                    }
                    TextMatch::Prefix => {
                        sql.push(" AND x.value >= ");
                        sql.bind(value.clone());
                        sql.push(" AND x.value < ");
                        // Past every string with this prefix.
                        sql.bind(format!("{value}\u{10FFFF}"));
                    }
                    TextMatch::Contains => {
                        sql.push(" AND instr(x.value, ");
                        sql.bind(value.clone());
                        sql.push(") > 0");
                    }
                }
            }
            Predicate::Date {
                param,
                compare,
                low,
                high,
            } => {
                self.from(sql, "ix_date", param)?;
                sql.push(" AND ");
                range(sql, *compare, "x.low", "x.high", *low, *high);
            }
            Predicate::Number {
                param,
                compare,
                low,
                high,
            } => {
                self.from(sql, "ix_number", param)?;
                sql.push(" AND ");
                range(sql, *compare, "x.value", "x.value", *low, *high);
            }
            Predicate::Quantity {
                param,
                compare,
                low,
                high,
                system,
                code,
            } => {
                self.from(sql, "ix_quantity", param)?;
                if let Some(code) = code {
                    sql.push(" AND x.code = ");
                    sql.bind(code.clone());
                }
                if let Some(system) = system {
                    let number = self.symbol(Table::System, system)?.unwrap_or(-1);
                    sql.push(" AND x.system = ");
                    sql.bind(number);
                }
                sql.push(" AND ");
                range(sql, *compare, "x.value", "x.value", *low, *high);
            }
            Predicate::Uri { param, value } => {
                self.from(sql, "ix_uri", param)?;
                sql.push(" AND x.value = ");
                sql.bind(value.clone());
            }
            Predicate::Reference { param, target } => {
                let eid = self.eid(target)?.unwrap_or(-1);
                self.from(sql, "ix_reference", param)?;
                sql.push(" AND x.target = ");
                sql.bind(eid);
            }
            Predicate::ReferenceTo { param, target } => {
                self.from(sql, "ix_reference", param)?;
                sql.push(
                    " AND x.target IN (SELECT e.eid FROM record e WHERE e.pk IN (SELECT pk FROM (",
                );
                self.nested(sql, query, target)?;
                sql.push(")))");
            }
            Predicate::ReferencedBy { param, from } => {
                let param = self.symbol(Table::Param, param)?.unwrap_or(-1);
                sql.push("SELECT n.pk FROM entity n WHERE n.kind = ");
                sql.bind(kind);
                sql.push(" AND n.eid IN (SELECT x.target FROM ix_reference x WHERE x.param = ");
                sql.bind(param);
                sql.push(" AND x.pk IN (SELECT pk FROM (");
                self.nested(sql, query, from)?;
                sql.push(")))");
            }
            Predicate::Owned { owner } => {
                let eid = self.eid(owner)?.unwrap_or(-1);
                sql.push("SELECT x.pk FROM compartment x WHERE x.owner = ");
                sql.bind(eid);
                sql.push(" AND x.kind = ");
                sql.bind(kind);
            }
            Predicate::Id(id) => {
                sql.push("SELECT v.pk FROM record v WHERE v.deleted = 0 AND v.eid = (SELECT n.eid FROM entity n WHERE n.kind = ");
                sql.bind(kind);
                sql.push(" AND n.id = ");
                sql.bind(id.clone());
                sql.push(")");
            }
            Predicate::Present { .. } | Predicate::Written { .. } => {
                // Only ever probed: see `probe`.
                sql.push("SELECT v.pk FROM record v WHERE v.deleted = 0 AND v.kind = ");
                sql.bind(kind);
            }
        }
        Ok(())
    }

    fn nested(&mut self, sql: &mut Sql, outer: &Query, inner: &Query) -> Result<()> {
        let inner = Query {
            at: outer.at,
            ..inner.clone()
        };
        if self.select(sql, &inner, None, None)?.is_none() {
            sql.push("SELECT 0 AS pk WHERE 0");
        }
        Ok(())
    }

    fn from(&mut self, sql: &mut Sql, table: &str, param: &str) -> Result<()> {
        let param = self.symbol(Table::Param, param)?.unwrap_or(-1);
        let _ = write!(
            sql.text,
            "SELECT x.pk AS pk FROM {table} x WHERE x.param = "
        );
        sql.bind(param);
        Ok(())
    }
}

/// The rank of a clause to walk by: all its alternatives must be exact.
fn alternatives(predicates: &[Predicate]) -> Option<u8> {
    let worst = predicates
        .iter()
        .map(exactness)
        .try_fold(0, |worst, rank| rank.map(|rank| rank.max(worst)))?;
    match predicates.len() {
        0 => None,
        1 => Some(worst),
        // Several ranges have to be merged before the first row is known.
        _ => Some(worst + 10),
    }
}

/// Lower is better to walk by; `None` means the rows do not come in record order.
fn exactness(predicate: &Predicate) -> Option<u8> {
    match predicate {
        Predicate::Id(_) => Some(0),
        Predicate::Owned { .. } => Some(1),
        Predicate::Reference { .. } => Some(2),
        Predicate::Token {
            system: Some(_),
            code: Some(_),
            ..
        } => Some(3),
        Predicate::Uri { .. } => Some(4),
        _ => None,
    }
}

/// FHIR R4 search.html#prefix, with `low_column..=high_column` the resource's range and
/// `low..=high` the parameter's.
fn range<T: Into<Value> + Copy>(
    sql: &mut Sql,
    compare: Compare,
    low_column: &str,
    high_column: &str,
    low: T,
    high: T,
) {
    let mut term = |prefix: &str, column: &str, operator: &str, value: T| {
        let _ = write!(sql.text, "{prefix}{column} {operator} ");
        sql.bind(value);
    };
    match compare {
        // The parameter's range fully contains the resource's.
        Compare::Equal => {
            term("(", low_column, ">=", low);
            term(" AND ", high_column, "<=", high);
            sql.push(")");
        }
        Compare::NotEqual => {
            term("(", low_column, "<", low);
            term(" OR ", high_column, ">", high);
            sql.push(")");
        }
        Compare::Greater => term("", high_column, ">", high),
        Compare::Less => term("", low_column, "<", low),
        Compare::GreaterOrEqual => term("", high_column, ">=", low),
        Compare::LessOrEqual => term("", low_column, "<=", high),
        Compare::StartsAfter => term("", low_column, ">", high),
        Compare::EndsBefore => term("", high_column, "<", low),
    }
}
