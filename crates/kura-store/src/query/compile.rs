//! From a query to SQL.

use std::fmt::Write as _;

use kura_model::{LogicalTime, Result};

use super::order::{By, Cursor, Key, Order};
use super::plan::Driver;
use super::{Clause, Compare, Predicate, Query, Sql, TermMatch, TextMatch};
use crate::database::{Dialect, Value};
use crate::read::Reader;
use crate::symbol::Table;

/// Index rows of a group have the record number, shifted, and the number of the group.
pub(crate) const GROUP_BITS: u32 = 12;

pub(super) struct Compiler<'c, 'r> {
    pub(super) reader: &'c mut Reader<'r>,
    pub(super) dialect: Dialect,
    sql: Sql,
    kind: i64,
    at: Option<LogicalTime>,
    /// The highest record number and the time of `at`.
    as_of: Option<(i64, i64)>,
    aliases: usize,
    /// Every result is wanted, not the first page.
    exhaustive: bool,
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
    fn place(&mut self, value: impl Into<Value<'static>>) -> String {
        self.sql.values.push(value.into());
        format!("?{}", self.sql.values.len())
    }

    fn bind_key(&mut self, text: &str) {
        self.bind(Value::Key(text.to_owned().into()));
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("a{}", self.aliases)
    }

    fn param(&mut self, name: &str) -> Result<i64> {
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
    ) -> Result<usize> {
        let (clauses, driver) = self.plan(query)?;
        let alias = self.alias();
        let keys = match &query.order {
            Order::Keys(keys) => &keys[..],
            Order::Stored | Order::StoredDescending => &[],
        };
        if keys.is_empty() {
            let descending = query.order == Order::StoredDescending;
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
            self.push(&format!(
                " ORDER BY {alias}.pk{}",
                if descending { " DESC" } else { "" }
            ));
        } else {
            self.exhaustive = true;
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
        Ok(keys.len())
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

    fn source(&mut self, alias: &str, clauses: &[Clause], driver: &Driver) -> Result<()> {
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
            Driver::Kind => self.push(&format!("record {alias}")),
        }
        Ok(())
    }

    fn conditions(&mut self, alias: &str, clauses: &[Clause], driver: &Driver) -> Result<()> {
        match driver {
            // Names of parameters carry the kind, so that rows of an index need no look at it.
            Driver::Records(_) | Driver::Clause(_) => self.push(" WHERE TRUE"),
            Driver::Kind => {
                self.push(&format!(" WHERE {alias}.kind = "));
                self.bind(self.kind);
                self.push(&format!(" AND {alias}.deleted = 0"));
            }
        }
        self.live(alias);
        let skip = match driver {
            Driver::Clause(index) => Some(*index),
            _ => None,
        };
        self.clauses(alias, clauses, skip)
    }

    /// It is the newest version, at the time asked for.
    fn live(&mut self, alias: &str) {
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
    }

    fn clauses(&mut self, alias: &str, clauses: &[Clause], skip: Option<usize>) -> Result<()> {
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

    /// A condition on the record of `alias`.
    fn probe(&mut self, alias: &str, predicate: &Predicate) -> Result<()> {
        match predicate {
            Predicate::Broad(inner) => self.probe(alias, inner),
            Predicate::All(clauses) => {
                self.push("(TRUE");
                self.clauses(alias, clauses, None)?;
                self.push(")");
                Ok(())
            }
            Predicate::Written { compare, low, high } => {
                self.push(&format!("EXISTS (SELECT 1 FROM record w JOIN commits m ON m.t = w.t WHERE w.pk = {alias}.pk AND "));
                range(&mut self.sql, *compare, "m.at", "m.at", *low, *high);
                self.push(")");
                Ok(())
            }
            Predicate::Present {
                param,
                table,
                target,
            } => {
                let param = self.param(param)?;
                // The two tables with an index from the record.
                let indexed = matches!(*table, "ix_date" | "ix_reference");
                if indexed {
                    self.push(&format!(
                        "EXISTS (SELECT 1 FROM {table} x WHERE x.pk = {alias}.pk AND x.param = "
                    ));
                } else {
                    self.push(&format!(
                        "{alias}.pk IN (SELECT x.pk FROM {table} x WHERE x.param = "
                    ));
                }
                self.bind(param);
                if let Some(kind) = target {
                    let kind = self.reader.symbol(Table::Kind, kind)?.unwrap_or(-1);
                    self.push(" AND (SELECT n.kind FROM entity n WHERE n.eid = x.target) = ");
                    self.bind(kind);
                }
                self.push(")");
                Ok(())
            }
            // From the record to what it points at: not the list of all that point there.
            Predicate::Targets { param, entities } if !self.exhaustive => {
                let param = self.param(param)?;
                self.push(&format!(
                    "EXISTS (SELECT 1 FROM ix_reference x WHERE x.pk = {alias}.pk AND x.param = "
                ));
                self.bind(param);
                self.among("x.target", entities);
                self.push(")");
                Ok(())
            }
            Predicate::ReferenceTo { param, target } if !self.exhaustive => {
                self.probe_target(alias, param, target)
            }
            Predicate::ReferencedBy { param, from } if !self.exhaustive => {
                let param = self.param(param)?;
                let inner = self.alias();
                self.push(&format!(
                    "EXISTS (SELECT 1 FROM ix_reference {inner} WHERE {inner}.param = "
                ));
                self.bind(param);
                self.push(&format!(
                    " AND {inner}.target = (SELECT r.eid FROM record r WHERE r.pk = {alias}.pk)"
                ));
                self.live(&inner);
                self.inner(&inner, from)?;
                self.push(")");
                Ok(())
            }
            _ if by_record(predicate) => {
                let inner = self.alias();
                self.push("EXISTS (SELECT 1 FROM (");
                self.set(predicate)?;
                self.push(&format!(") {inner} WHERE {inner}.pk = {alias}.pk)"));
                Ok(())
            }
            _ => {
                self.push(&format!("{alias}.pk IN (SELECT pk FROM ("));
                self.set(predicate)?;
                self.push(") found)");
                Ok(())
            }
        }
    }

    fn probe_target(&mut self, alias: &str, param: &str, target: &Query) -> Result<()> {
        let param = self.param(param)?;
        let Some(kind) = self.reader.symbol(Table::Kind, &target.kind)? else {
            self.push("FALSE");
            return Ok(());
        };
        let inner = self.alias();
        self.push("EXISTS (SELECT 1 FROM ix_reference x");
        if self.as_of.is_some() {
            self.push(&format!(" JOIN record {inner} ON {inner}.eid = x.target"));
        } else {
            self.push(&format!(
                " JOIN entity n ON n.eid = x.target JOIN record {inner} ON {inner}.pk = n.pk"
            ));
        }
        self.push(&format!(" WHERE x.pk = {alias}.pk AND x.param = "));
        self.bind(param);
        self.push(&format!(" AND {inner}.deleted = 0 AND {inner}.kind = "));
        self.bind(kind);
        self.live(&inner);
        self.inner(&inner, target)?;
        self.push(")");
        Ok(())
    }

    /// The clauses of an inner query as conditions on `alias`.
    fn inner(&mut self, alias: &str, query: &Query) -> Result<()> {
        let outer = self.kind;
        self.kind = self.reader.symbol(Table::Kind, &query.kind)?.unwrap_or(-1);
        let done = self.clauses(alias, &query.clauses, None);
        self.kind = outer;
        done
    }

    /// `SELECT pk` of everything an inner query finds.
    fn nested(&mut self, query: &Query) -> Result<()> {
        let outer = self.kind;
        match self.reader.symbol(Table::Kind, &query.kind)? {
            Some(kind) => {
                self.kind = kind;
                let exhaustive = self.exhaustive;
                let done = self.found(query);
                self.exhaustive = exhaustive;
                self.kind = outer;
                done
            }
            None => {
                self.push(NOTHING);
                Ok(())
            }
        }
    }

    /// The records any of the predicates finds; each once if there are several.
    pub(super) fn union(&mut self, predicates: &[Predicate]) -> Result<()> {
        if predicates.is_empty() {
            self.push("SELECT 0 AS pk WHERE 1 = 0");
            return Ok(());
        }
        // A record may have several values that match one range.
        let once = predicates.len() == 1 && by_record(&predicates[0]);
        if !once {
            self.push("SELECT DISTINCT pk FROM (");
        }
        for (number, predicate) in predicates.iter().enumerate() {
            if number > 0 {
                self.push(" UNION ALL ");
            }
            self.set(predicate)?;
        }
        if !once {
            self.push(") every");
        }
        Ok(())
    }

    fn from(&mut self, table: &str, param: &str) -> Result<()> {
        let param = self.param(param)?;
        self.push(&format!(
            "SELECT x.pk AS pk FROM {table} x WHERE x.param = "
        ));
        self.bind(param);
        Ok(())
    }

    /// `SELECT pk` of the records a predicate finds, in any version.
    fn set(&mut self, predicate: &Predicate) -> Result<()> {
        match predicate {
            Predicate::Records(records) => {
                let place = self.place(Value::Integers(records.clone().into()));
                let from = self.dialect.list(&place, "l");
                self.push(&format!("SELECT l.value AS pk FROM {from}"));
            }
            Predicate::Coded {
                param,
                code,
                systems,
            } => {
                self.from("ix_token", param)?;
                self.push(" AND x.code = ");
                self.bind_key(code);
                match &systems[..] {
                    [system] => {
                        self.push(" AND x.system = ");
                        self.bind(*system);
                    }
                    _ => self.among("x.system", systems),
                }
            }
            Predicate::Targets { param, entities } => {
                self.from("ix_reference", param)?;
                self.among("x.target", entities);
            }
            Predicate::Token {
                param,
                system,
                code,
            } => {
                self.from("ix_token", param)?;
                if let Some(code) = code {
                    self.push(" AND x.code = ");
                    self.bind_key(code);
                }
                if let Some(system) = system {
                    let number = match system {
                        None => 0,
                        Some(name) => self.reader.symbol(Table::System, name)?.unwrap_or(-1),
                    };
                    self.push(" AND x.system = ");
                    self.bind(number);
                }
            }
            Predicate::Text {
                param,
                value,
                matching,
            } => {
                self.from("ix_text", param)?;
                match matching {
                    TextMatch::Exact => {
                        self.push(" AND x.value = ");
                        self.bind_key(value);
                    }
                    TextMatch::Prefix => self.begins_with("x.value", value),
                    TextMatch::Contains => {
                        let position = self.dialect.position();
                        self.push(&format!(" AND {position}(x.value, "));
                        self.bind(Value::Text(Some(value.clone().into())));
                        self.push(") > 0");
                    }
                    TextMatch::Suffix => {
                        let (ending, end) = self.dialect.ending();
                        let value = || Value::Text(Some(value.clone().into()));
                        self.push(&format!(" AND {ending}(x.value, {end}length("));
                        self.bind(value());
                        self.push(")) = ");
                        self.bind(value());
                    }
                }
            }
            Predicate::Date {
                param,
                compare,
                low,
                high,
            } => {
                self.from("ix_date", param)?;
                self.push(" AND ");
                range(&mut self.sql, *compare, "x.low", "x.high", *low, *high);
            }
            Predicate::Number {
                param,
                compare,
                low,
                high,
            } => {
                self.from("ix_number", param)?;
                self.push(" AND ");
                range(&mut self.sql, *compare, "x.value", "x.value", *low, *high);
            }
            Predicate::Quantity {
                param,
                compare,
                low,
                high,
                system,
                code,
            } => {
                self.from("ix_quantity", param)?;
                if let Some(code) = code {
                    self.push(" AND x.code = ");
                    self.bind_key(code);
                }
                if let Some(system) = system {
                    let number = self.reader.symbol(Table::System, system)?.unwrap_or(-1);
                    self.push(" AND x.system = ");
                    self.bind(number);
                }
                self.push(" AND ");
                range(&mut self.sql, *compare, "x.value", "x.value", *low, *high);
            }
            Predicate::Term {
                param,
                value,
                matching,
            } => self.term(param, value, *matching)?,
            Predicate::Reference { param, target } => {
                let eid = self.reader.eid(target)?.unwrap_or(-1);
                self.from("ix_reference", param)?;
                self.push(" AND x.target = ");
                self.bind(eid);
            }
            Predicate::ReferenceId { param, kinds, id } => {
                self.from("ix_reference", param)?;
                self.push(" AND x.target IN (SELECT n.eid FROM entity n WHERE n.id = ");
                self.bind_key(id);
                if kinds.is_empty() {
                    self.push(" AND n.kind IN (SELECT k.kind FROM kind k))");
                } else {
                    let mut numbers = Vec::new();
                    for kind in kinds {
                        numbers.extend(self.reader.symbol(Table::Kind, kind)?);
                    }
                    self.among("n.kind", &numbers);
                    self.push(")");
                }
            }
            Predicate::ReferenceTo { param, target } => {
                self.from("ix_reference", param)?;
                self.push(
                    " AND x.target IN (SELECT e.eid FROM record e WHERE e.pk IN (SELECT pk FROM (",
                );
                self.nested(target)?;
                self.push(") found))");
            }
            Predicate::ReferencedBy { param, from } => {
                let param = self.param(param)?;
                self.push("SELECT v.pk AS pk FROM record v WHERE v.deleted = 0 AND v.kind = ");
                self.bind(self.kind);
                self.push(" AND v.eid IN (SELECT x.target FROM ix_reference x WHERE x.param = ");
                self.bind(param);
                self.push(" AND x.pk IN (SELECT pk FROM (");
                self.nested(from)?;
                self.push(") found))");
            }
            Predicate::Owned { owner } => {
                let eid = self.reader.eid(owner)?.unwrap_or(-1);
                self.push("SELECT x.pk AS pk FROM compartment x WHERE x.owner = ");
                self.bind(eid);
                self.push(" AND x.kind = ");
                self.bind(self.kind);
            }
            Predicate::Id(id) => {
                self.push("SELECT v.pk AS pk FROM record v WHERE v.deleted = 0 AND v.eid = (SELECT n.eid FROM entity n WHERE n.kind = ");
                self.bind(self.kind);
                self.push(" AND n.id = ");
                self.bind_key(id);
                self.push(")");
            }
            Predicate::Ids(ids) => {
                let place = self.place(Value::Keys(ids.clone().into()));
                let from = self.dialect.list(&place, "i");
                self.push(&format!(
                    "SELECT v.pk AS pk FROM {from} JOIN entity n ON n.id = i.value AND n.kind = "
                ));
                self.bind(self.kind);
                self.push(" JOIN record v ON v.eid = n.eid WHERE v.deleted = 0");
            }
            Predicate::Tokens { param, any } => {
                let param = self.param(param)?;
                let mut pairs = Vec::with_capacity(any.len());
                for (system, code) in any {
                    let system = match system {
                        Some(system) => match self.reader.symbol(Table::System, system)? {
                            Some(number) => Some(number),
                            None => continue,
                        },
                        None => None,
                    };
                    pairs.push((self.dialect.key(code), system));
                }
                let place = self.place(Value::Text(Some(
                    serde_json::json!(pairs).to_string().into(),
                )));
                let from = self.dialect.json(&place, "l");
                self.push(&format!(
                    "SELECT x.pk AS pk FROM (SELECT l.value ->> 0 AS code, CAST(l.value ->> 1 AS BIGINT) AS system FROM {from}) i
                     JOIN ix_token x ON x.code = i.code AND (i.system IS NULL OR x.system = i.system) WHERE x.param = "
                ));
                self.bind(param);
            }
            Predicate::Broad(inner) => self.set(inner)?,
            // The planner has put numbers in its place.
            Predicate::References { .. } => self.push(NOTHING),
            Predicate::Group(members) => {
                self.push(&format!("SELECT g.pk >> {GROUP_BITS} AS pk FROM ("));
                match members.first() {
                    Some(first) => self.set(first)?,
                    None => self.push(NOTHING),
                }
                self.push(") g WHERE TRUE");
                for member in members.iter().skip(1) {
                    self.push(" AND g.pk IN (SELECT pk FROM (");
                    self.set(member)?;
                    self.push(") member)");
                }
            }
            Predicate::All(clauses) => {
                let alias = self.alias();
                let driver = clauses
                    .iter()
                    .enumerate()
                    .filter_map(|(index, clause)| match clause {
                        Clause::Any(predicates) => {
                            super::plan::rank(predicates).map(|rank| (rank, index))
                        }
                        Clause::None(_) => None,
                    })
                    .min()
                    .map_or(Driver::Kind, |(_, index)| Driver::Clause(index));
                self.push(&format!("SELECT {alias}.pk AS pk FROM "));
                self.source(&alias, clauses, &driver)?;
                self.conditions(&alias, clauses, &driver)?;
            }
            Predicate::Present { .. } | Predicate::Written { .. } => {
                let alias = self.alias();
                self.push(&format!(
                    "SELECT {alias}.pk AS pk FROM record {alias} WHERE {alias}.deleted = 0 AND {alias}.kind = "
                ));
                self.bind(self.kind);
                self.push(" AND ");
                self.probe(&alias, predicate)?;
            }
        }
        Ok(())
    }

    fn term(&mut self, param: &str, value: &str, matching: TermMatch) -> Result<()> {
        self.from("ix_term", param)?;
        match matching {
            TermMatch::Exact => {
                self.push(" AND x.term = (SELECT m.term FROM term m WHERE m.value = ");
                self.bind_key(value);
                self.push(")");
            }
            TermMatch::Below => {
                self.push(" AND x.term IN (SELECT m.term FROM term m WHERE TRUE");
                self.begins_with("m.value", value);
                self.push(")");
            }
            TermMatch::Above => {
                let mut parts: Vec<String> = value
                    .match_indices('/')
                    .flat_map(|(at, _)| [value[..at].to_owned(), value[..=at].to_owned()])
                    .collect();
                parts.push(value.to_owned());
                let place = self.place(Value::Keys(parts.into()));
                let from = self.dialect.list(&place, "p");
                self.push(&format!(
                    " AND x.term IN (SELECT m.term FROM {from} JOIN term m ON m.value = p.value)"
                ));
            }
        }
        Ok(())
    }

    fn begins_with(&mut self, column: &str, prefix: &str) {
        self.push(&format!(" AND {column} >= "));
        self.bind(Value::Text(Some(prefix.to_owned().into())));
        self.push(&format!(" AND {column} < "));
        // Past every string with this prefix.
        self.bind(Value::Text(Some(format!("{prefix}\u{10FFFF}").into())));
    }

    fn among(&mut self, column: &str, numbers: &[i64]) {
        let place = self.place(Value::Integers(numbers.to_vec().into()));
        let condition = self.dialect.among(column, &place);
        self.push(&format!(" AND {condition}"));
    }
}

/// No record.
const NOTHING: &str = "SELECT CAST(0 AS BIGINT) AS pk WHERE FALSE";

/// Whether an index leads from the record to the rows of the predicate, each record once.
fn by_record(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Records(_)
        | Predicate::Id(_)
        | Predicate::Owned { .. }
        | Predicate::Reference { .. }
        | Predicate::Date { .. }
        | Predicate::Token {
            system: Some(_),
            code: Some(_),
            ..
        }
        | Predicate::Term {
            matching: TermMatch::Exact,
            ..
        } => true,
        Predicate::Coded { systems, .. } => systems.len() == 1,
        _ => false,
    }
}

/// FHIR R4 search.html#prefix, with `low_column..=high_column` the resource's range and
/// `low..=high` the parameter's.
fn range<T: Into<Value<'static>> + Copy>(
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
