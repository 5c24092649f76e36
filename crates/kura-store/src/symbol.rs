//! Strings that repeat in every row (kinds, parameters, code systems) are numbered once.

use std::collections::HashMap;

use kura_model::Result;
use rusqlite::{Connection, OptionalExtension};

use crate::error::database;

/// Names per table kept in memory. A file with a million code systems must not fill it.
const KEEP: usize = 65_536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Kind,
    Param,
    System,
    Term,
}

impl Table {
    fn select(self) -> &'static str {
        match self {
            Table::Kind => "SELECT kind FROM kind WHERE name = ?1",
            Table::Param => "SELECT param FROM param WHERE name = ?1",
            Table::System => "SELECT system FROM system WHERE name = ?1",
            Table::Term => "SELECT term FROM term WHERE value = ?1",
        }
    }

    fn insert(self) -> &'static str {
        match self {
            Table::Kind => "INSERT INTO kind (name) VALUES (?1)",
            Table::Param => "INSERT INTO param (name) VALUES (?1)",
            Table::System => "INSERT INTO system (name) VALUES (?1)",
            Table::Term => "INSERT INTO term (value) VALUES (?1)",
        }
    }
}

#[derive(Default)]
pub(crate) struct Symbols {
    kind: HashMap<String, i64>,
    param: HashMap<String, i64>,
    system: HashMap<String, i64>,
    term: HashMap<String, i64>,
}

impl Symbols {
    fn map(&mut self, table: Table) -> &mut HashMap<String, i64> {
        match table {
            Table::Kind => &mut self.kind,
            Table::Param => &mut self.param,
            Table::System => &mut self.system,
            Table::Term => &mut self.term,
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The number of a name that may not exist yet.
    pub(crate) fn find(
        &mut self,
        connection: &Connection,
        table: Table,
        name: &str,
    ) -> Result<Option<i64>> {
        if let Some(number) = self.map(table).get(name) {
            return Ok(Some(*number));
        }
        let found: Option<i64> = connection
            .prepare_cached(table.select())
            .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
            .map_err(database)?;
        if let Some(number) = found {
            self.remember(table, name, number);
        }
        Ok(found)
    }

    /// The number of a name, given now if it had none. Inside a transaction only.
    pub(crate) fn number(
        &mut self,
        connection: &Connection,
        table: Table,
        name: &str,
    ) -> Result<i64> {
        if let Some(number) = self.find(connection, table, name)? {
            return Ok(number);
        }
        connection
            .prepare_cached(table.insert())
            .and_then(|mut statement| statement.insert([name]))
            .map_err(database)
            .inspect(|number| self.remember(table, name, *number))
    }

    fn remember(&mut self, table: Table, name: &str, number: i64) {
        let map = self.map(table);
        if map.len() >= KEEP {
            map.clear();
        }
        map.insert(name.to_owned(), number);
    }
}
