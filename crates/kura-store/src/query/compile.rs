//! From a query to SQL.

use std::fmt::Write as _;

use kura_model::{LogicalTime, Result};

use super::order::{By, Cursor, Key, Order};
use super::plan::Driver;
use super::{Clause, Compare, Predicate, Query, Sql};
use crate::database::{Dialect, Value};
use crate::read::Reader;
use crate::symbol::Table;

/// Index rows of a group have the record number, shifted, and the number of the group.
pub(crate) const GROUP_BITS: u32 = 12;

/// How the rows of a page come.
pub(super) struct Shape {
    /// Sort keys beside the record number.
    pub(super) keys: usize,
    pub(super) each: Option<Each>,
}

/// A statement that is run for each of some entities, and what they give is merged. Its first
/// two values are the parameter and the entity; what comes no earlier than the value numbered
/// `bound` is not wanted.
pub(super) struct Each {
    pub(super) pairs: Vec<(i64, i64)>,
    pub(super) bound: usize,
    pub(super) descending: bool,
}

pub(super) struct Compiler<'c, 'r> {
    pub(super) reader: &'c mut Reader<'r>,
    pub(super) dialect: Dialect,
    pub(super) sql: Sql,
    pub(super) kind: i64,
    at: Option<LogicalTime>,
    /// The highest record number and the time of `at`.
    pub(super) as_of: Option<(i64, i64)>,
    aliases: usize,
    /// Every result is wanted, not the first page.
    pub(super) exhaustive: bool,
}

impl<'c, 'r> Compiler<'c, 'r> {
    /// `None` if there is no record of this kind.
    pub(super) fn new(reader: &'c mut Reader<'r>, query: &Query) -> Result<Option<Self>> {
        let Some(kind) = reader.symbol(Table::Kind, &query.kind)? else {
            return Ok(None);
        };
        let as_of = match query.at {
            Some(t) => Some((reader.pk_last(t)?, t.0 as i64)),
            None => None,
        };
        let dialect = reader.connection().dialect();
        Ok(Some(Self {
            reader,
            dialect,
            sql: Sql::default(),
            kind,
            at: query.at,
            as_of,
            aliases: 0,
            exhaustive: false,
        }))
    }

    /// A compiler for a statement of its own, as of the same time.
    pub(super) fn beside(&mut self, kind: &str) -> Result<Option<Compiler<'_, 'r>>> {
        let Some(kind) = self.reader.symbol(Table::Kind, kind)? else {
            return Ok(None);
        };
        Ok(Some(Compiler {
            reader: self.reader,
            dialect: self.dialect,
            sql: Sql::default(),
            kind,
            at: self.at,
            as_of: self.as_of,
            aliases: 0,
            exhaustive: false,
        }))
    }

    pub(super) fn numbers(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<i64>> {
        self.reader.connection().rows(sql, values, |row| row.get(0))
    }

    pub(super) fn finish(self) -> Sql {
        self.sql
    }

    pub(super) fn push(&mut self, text: &str) {
        self.sql.text.push_str(text);
    }

    pub(super) fn bind(&mut self, value: impl Into<Value<'static>>) {
        let place = self.place(value);
        self.push(&place);
    }

    /// Takes a value and tells its place in the statement.
    pub(super) fn place(&mut self, value: impl Into<Value<'static>>) -> String {
        self.sql.values.push(value.into());
        format!("?{}", self.sql.values.len())
    }

    pub(super) fn bind_key(&mut self, text: &str) {
        self.bind(Value::Key(text.to_owned().into()));
    }

    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("a{}", self.aliases)
    }

    pub(super) fn param(&mut self, name: &str) -> Result<i64> {
        // No row has this number.
        Ok(self.reader.symbol(Table::Param, name)?.unwrap_or(-1))
    }

    /// `SELECT pk` of everything the query finds.
    pub(super) fn found(&mut self, query: &Query) -> Result<()> {
        self.exhaustive = true;
        let (clauses, driver) = self.plan(query)?;
        let alias = self.alias();
        self.push(&format!("SELECT {alias}.pk AS pk FROM "));
        self.source(&alias, &clauses, &driver)?;
        self.conditions(&alias, &clauses, &driver)
    }

    /// `SELECT pk, key 1, …` of one page and one more; how many keys there are.
    pub(super) fn page(
        &mut self,
        query: &Query,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Shape> {
        let keys = match &query.order {
            Order::Keys(keys) => &keys[..],
            Order::Stored | Order::StoredDescending => &[],
        };
        // A sort sees all that is found.
        self.exhaustive = !keys.is_empty();
        let (clauses, driver) = self.plan(query)?;
        let alias = self.alias();
        let mut each = None;
        if keys.is_empty() {
            let descending = query.order == Order::StoredDescending;
            let compare = if descending { ">" } else { "<" };
            self.push(&format!("SELECT {alias}.pk AS pk FROM "));
            self.source(&alias, &clauses, &driver)?;
            self.conditions(&alias, &clauses, &driver)?;
            if let Some(after) = after {
                self.push(&format!(
                    " AND {alias}.pk {} ",
                    if descending { "<" } else { ">" }
                ));
                self.bind(after.pk());
            }
            if let Driver::Each(_, pairs) = driver {
                self.push(&format!(" AND {alias}.pk {compare} "));
                let bound = self.place(if descending { i64::MIN } else { i64::MAX });
                self.push(&bound);
                each = Some(Each {
                    pairs,
                    bound: self.sql.values.len() - 1,
                    descending,
                });
            }
            self.push(&format!(
                " ORDER BY {alias}.pk{}",
                if descending { " DESC" } else { "" }
            ));
        } else {
            self.push("SELECT * FROM (SELECT ");
            self.push(&format!("{alias}.pk AS pk"));
            let mut joins = Vec::new();
            for (number, key) in keys.iter().enumerate() {
                self.push(", ");
                if let Some(join) = self.key(&alias, number, key)? {
                    joins.push((number, join));
                }
                let _ = write!(self.sql.text, " AS k{number}");
            }
            self.push(" FROM ");
            self.source(&alias, &clauses, &driver)?;
            for (number, (table, column, param, first)) in joins {
                let _ = write!(
                    self.sql.text,
                    " LEFT JOIN (SELECT x.pk AS pk, {first}({column}) AS value FROM {table} x WHERE x.param = "
                );
                self.bind(param);
                let _ = write!(
                    self.sql.text,
                    " GROUP BY x.pk) j{number} ON j{number}.pk = {alias}.pk"
                );
            }
            self.conditions(&alias, &clauses, &driver)?;
            self.push(") sorted");
            let backwards = keys[0].descending;
            if let Some(after) = after {
                self.push(" WHERE ");
                self.after(keys, after, backwards);
            }
            self.push(" ORDER BY ");
            for (number, key) in keys.iter().enumerate() {
                let _ = write!(
                    self.sql.text,
                    "k{number} IS NULL, k{number}{}, ",
                    if key.descending { " DESC" } else { "" }
                );
            }
            self.push(if backwards { "pk DESC" } else { "pk" });
        }
        self.push(" LIMIT ");
        self.bind(i64::from(limit) + 1);
        Ok(Shape {
            keys: keys.len(),
            each,
        })
    }

    /// `SELECT count(*)` of those among the first records of the kind that satisfy the query.
    pub(super) fn sample(&mut self, query: &Query, records: i64) -> Result<()> {
        let alias = self.alias();
        self.push("SELECT count(*) FROM (SELECT r.pk AS pk FROM record r WHERE r.kind = ");
        self.bind(self.kind);
        self.push(" AND r.deleted = 0 ORDER BY r.pk LIMIT ");
        self.bind(records);
        self.push(&format!(") {alias} WHERE TRUE"));
        self.live(&alias);
        self.clauses(&alias, &query.clauses, None)
    }

    /// The same, of the first records that the clause at `driver` finds.
    pub(super) fn sample_of(
        &mut self,
        clauses: &[Clause],
        driver: usize,
        records: i64,
    ) -> Result<()> {
        let alias = self.alias();
        let driver = Driver::Clause(driver);
        self.push("SELECT count(*) FROM (SELECT pk FROM ");
        let inner = self.alias();
        self.source(&inner, clauses, &driver)?;
        self.push(" LIMIT ");
        self.bind(records);
        self.push(&format!(") {alias}"));
        self.conditions(&alias, clauses, &driver)
    }

    /// Writes the value of a sort key, or tells what has to be joined for it.
    fn key(
        &mut self,
        alias: &str,
        number: usize,
        key: &Key,
    ) -> Result<Option<(&'static str, &'static str, i64, &'static str)>> {
        let first = if key.descending { "max" } else { "min" };
        let (param, table) = match &key.by {
            By::Id => {
                self.push(&format!("(SELECT n.id FROM record r JOIN entity n ON n.eid = r.eid WHERE r.pk = {alias}.pk)"));
                return Ok(None);
            }
            By::Written => {
                // Record numbers grow with time.
                self.push(&format!("{alias}.pk"));
                return Ok(None);
            }
            By::Param { param, table } => (self.param(param)?, *table),
        };
        match table {
            "ix_date" => {
                let edge = if key.descending { "high" } else { "low" };
                self.push(&format!(
                    "(SELECT {first}(d.{edge}) FROM ix_date d WHERE d.pk = {alias}.pk AND d.param = "
                ));
                self.bind(param);
                self.push(")");
                Ok(None)
            }
            "ix_reference" => {
                self.push(&format!(
                    "(SELECT {first}(n.id) FROM ix_reference x JOIN entity n ON n.eid = x.target WHERE x.pk = {alias}.pk AND x.param = "
                ));
                self.bind(param);
                self.push(")");
                Ok(None)
            }
            _ => {
                let column = match table {
                    "ix_token" => "x.code",
                    "ix_term" => "(SELECT m.value FROM term m WHERE m.term = x.term)",
                    _ => "x.value",
                };
                let _ = write!(self.sql.text, "j{number}.value");
                Ok(Some((table, column, param, first)))
            }
        }
    }

    /// What comes after a cursor: by the first key that differs, then by record number.
    fn after(&mut self, keys: &[Key], after: &Cursor, backwards: bool) {
        let values = after.keys();
        self.push("(");
        for (number, key) in keys.iter().enumerate() {
            // Nothing comes after those without a value.
            let Some(value) = values.get(number).and_then(|value| value.value()) else {
                continue;
            };
            self.equal(values, number);
            let _ = write!(
                self.sql.text,
                "(k{number} IS NULL OR k{number} {} ",
                if key.descending { "<" } else { ">" }
            );
            self.bind(value);
            self.push(")) OR ");
        }
        self.equal(values, keys.len());
        self.push(if backwards { "pk < " } else { "pk > " });
        self.bind(after.pk());
        self.push("))");
    }

    /// Opens `(k0 = v0 AND … AND `.
    fn equal(&mut self, values: &[super::order::SortValue], keys: usize) {
        self.push("(");
        for (number, value) in values.iter().enumerate().take(keys) {
            let _ = write!(self.sql.text, "k{number} ");
            match value.value() {
                Some(value) => {
                    self.push("= ");
                    self.bind(value);
                }
                None => self.push("IS NULL"),
            }
            self.push(" AND ");
        }
    }

    pub(super) fn source(
        &mut self,
        alias: &str,
        clauses: &[Clause],
        driver: &Driver,
    ) -> Result<()> {
        match driver {
            Driver::Records(records) => {
                let place = self.place(Value::Integers(records.clone().into()));
                let from = self.dialect.list(&place, "l");
                self.push(&format!("(SELECT l.value AS pk FROM {from}) {alias}"));
            }
            Driver::Clause(index) => {
                let Some(Clause::Any(predicates)) = clauses.get(*index) else {
                    return Err(kura_model::Error::internal("a plan without its clause"));
                };
                self.push("(");
                self.union(predicates)?;
                self.push(&format!(") {alias}"));
            }
            Driver::Each(_, pairs) => {
                let (param, entity) = pairs.first().copied().unwrap_or((-1, -1));
                // The first two values of the statement: see `Each`.
                self.push("(SELECT x.pk AS pk FROM ix_reference x WHERE x.param = ");
                self.bind(param);
                self.push(" AND x.target = ");
                self.bind(entity);
                self.push(&format!(") {alias}"));
            }
            Driver::Kind => self.push(&format!("record {alias}")),
        }
        Ok(())
    }

    pub(super) fn conditions(
        &mut self,
        alias: &str,
        clauses: &[Clause],
        driver: &Driver,
    ) -> Result<()> {
        match driver {
            // Names of parameters carry the kind, so that rows of an index need no look at it.
            Driver::Records(_) | Driver::Clause(_) | Driver::Each(..) => self.push(" WHERE TRUE"),
            Driver::Kind => {
                self.push(&format!(" WHERE {alias}.kind = "));
                self.bind(self.kind);
                self.push(&format!(" AND {alias}.deleted = 0"));
            }
        }
        self.live(alias);
        let skip = match driver {
            Driver::Clause(index) | Driver::Each(index, _) => Some(*index),
            _ => None,
        };
        self.clauses(alias, clauses, skip)
    }

    /// It is the newest version, at the time asked for, and within reach. Every record that a
    /// query looks at passes here, those of inner queries too.
    pub(super) fn live(&mut self, alias: &str) {
        match self.as_of {
            Some((pk_last, t)) => {
                self.push(&format!(" AND {alias}.pk <= "));
                self.bind(pk_last);
                self.push(&format!(" AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = {alias}.pk AND s.t_end <= "));
                self.bind(t);
                self.push(")");
            }
            None => self.push(&format!(
                " AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = {alias}.pk)"
            )),
        }
        if let Some(reach) = self.reader.reach() {
            let column = format!("{alias}.pk");
            let (dialect, values) = (self.dialect, &mut self.sql.values);
            let condition = reach.condition(dialect, &column, |value| {
                values.push(value);
                format!("?{}", values.len())
            });
            self.push(&condition);
        }
    }

    pub(super) fn clauses(
        &mut self,
        alias: &str,
        clauses: &[Clause],
        skip: Option<usize>,
    ) -> Result<()> {
        for (index, clause) in clauses.iter().enumerate() {
            if skip == Some(index) {
                continue;
            }
            let (predicates, negated) = match clause {
                Clause::Any(predicates) => (predicates, false),
                Clause::None(predicates) => (predicates, true),
            };
            if !negated && let [Predicate::Written { compare, low, high }] = &predicates[..] {
                self.written_bounds(alias, *compare, *low, *high)?;
            }
            self.push(if negated { " AND NOT (" } else { " AND (" });
            for (number, predicate) in predicates.iter().enumerate() {
                if number > 0 {
                    self.push(" OR ");
                }
                self.probe(alias, predicate)?;
            }
            if predicates.is_empty() {
                self.push("FALSE");
            }
            self.push(")");
        }
        Ok(())
    }

    /// Record numbers grow with commits: between the first and the last commit of the range lie
    /// all its records.
    fn written_bounds(&mut self, alias: &str, compare: Compare, low: i64, high: i64) -> Result<()> {
        let mut sql = Sql {
            text: "SELECT min(t), max(t) FROM commits WHERE ".to_owned(),
            values: Vec::new(),
        };
        range(&mut sql, compare, "at", "at", low, high);
        let bounds = sql.rows(self.reader, |row| {
            Ok((row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(1)?))
        })?;
        let Some((Some(first), Some(last))) = bounds.first().copied() else {
            self.push(" AND FALSE");
            return Ok(());
        };
        let before = self
            .reader
            .pk_last(LogicalTime((first - 1).max(0) as u64))?;
        let last = self.reader.pk_last(LogicalTime(last as u64))?;
        self.push(&format!(" AND {alias}.pk > "));
        self.bind(before);
        self.push(&format!(" AND {alias}.pk <= "));
        self.bind(last);
        Ok(())
    }
}

/// FHIR R4 search.html#prefix, with `low_column..=high_column` the resource's range and
/// `low..=high` the parameter's.
pub(super) fn range<T: Into<Value<'static>> + Copy>(
    sql: &mut Sql,
    compare: Compare,
    low_column: &str,
    high_column: &str,
    low: T,
    high: T,
) {
    let mut term = |prefix: &str, column: &str, operator: &str, value: T| {
        sql.values.push(value.into());
        let _ = write!(
            sql.text,
            "{prefix}{column} {operator} ?{}",
            sql.values.len()
        );
    };
    match compare {
        // The parameter's range fully contains the resource's.
        Compare::Equal => {
            term("(", low_column, ">=", low);
            term(" AND ", high_column, "<=", high);
            sql.text.push(')');
        }
        Compare::NotEqual => {
            term("(", low_column, "<", low);
            term(" OR ", high_column, ">", high);
            sql.text.push(')');
        }
        Compare::Greater => term("", high_column, ">", high),
        Compare::Less => term("", low_column, "<", low),
        Compare::GreaterOrEqual => term("", high_column, ">=", low),
        Compare::LessOrEqual => term("", low_column, "<=", high),
        Compare::StartsAfter => term("", low_column, ">", high),
        Compare::EndsBefore => term("", high_column, "<", low),
    }
}
