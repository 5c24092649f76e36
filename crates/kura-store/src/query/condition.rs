//! From a predicate to SQL: as a condition on one record, and as the set of the records it finds.

use kura_model::Result;

use super::compile::{Compiler, GROUP_BITS, range};
use super::plan::Driver;
use super::{Clause, Predicate, Query, TermMatch, TextMatch};
use crate::database::Value;
use crate::symbol::Table;

impl Compiler<'_, '_> {
    /// A condition on the record of `alias`.
    pub(super) fn probe(&mut self, alias: &str, predicate: &Predicate) -> Result<()> {
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
                // With a sign: by the record's own few references, not by each of the entities.
                self.among("+x.target", entities);
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
            _ if by_record(predicate) || matches!(predicate, Predicate::Quantity { .. }) => {
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
            self.push(&format!(
                " CROSS JOIN record {inner} WHERE {inner}.eid = x.target"
            ));
        } else {
            self.push(&format!(
                " CROSS JOIN entity n CROSS JOIN record {inner} WHERE n.eid = x.target AND {inner}.pk = n.pk"
            ));
        }
        self.push(&format!(" AND x.pk = {alias}.pk AND x.param = "));
        self.bind(param);
        self.push(&format!(" AND {inner}.deleted = 0 AND +{inner}.kind = "));
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
        self.every(predicates)?;
        if !once {
            self.push(") every");
        }
        Ok(())
    }

    /// The same, as often as they are found.
    pub(super) fn every(&mut self, predicates: &[Predicate]) -> Result<()> {
        for (number, predicate) in predicates.iter().enumerate() {
            if number > 0 {
                self.push(" UNION ALL ");
            }
            self.set(predicate)?;
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
                self.push("SELECT v.pk AS pk FROM record v WHERE v.deleted = 0 AND +v.kind = ");
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
            Predicate::OwnedBy(owners) => {
                self.push("SELECT x.pk AS pk FROM compartment x WHERE x.kind = ");
                self.bind(self.kind);
                self.among("x.owner", owners);
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
                    "SELECT v.pk AS pk FROM {from} CROSS JOIN entity n CROSS JOIN record v
                     WHERE n.id = i.value AND v.eid = n.eid AND v.deleted = 0 AND n.kind = "
                ));
                self.bind(self.kind);
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
                     CROSS JOIN ix_token x WHERE x.code = i.code AND (i.system IS NULL OR x.system = i.system) AND x.param = "
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
                    " AND x.term IN (SELECT m.term FROM {from} CROSS JOIN term m WHERE m.value = p.value)"
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
        | Predicate::OwnedBy(_)
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
