//! Strings that repeat in every row (kinds, parameters, code systems) are numbered once.

use std::collections::{BTreeSet, HashMap};

use kura_model::Result;

use crate::database::{Connection, Value, values};

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
    fn name(self) -> &'static str {
        match self {
            Table::Kind => "kind",
            Table::Param => "param",
            Table::System => "system",
            Table::Term => "term",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Table::Term => "value",
            _ => "name",
        }
    }

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
            Table::Kind => "INSERT INTO kind (name) VALUES (?1) RETURNING kind",
            Table::Param => "INSERT INTO param (name) VALUES (?1) RETURNING param",
            Table::System => "INSERT INTO system (name) VALUES (?1) RETURNING system",
            Table::Term => "INSERT INTO term (value) VALUES (?1) RETURNING term",
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
        let found = connection.first(table.select(), &[Value::key(name)], |row| row.get(0))?;
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
            .one(table.insert(), &[Value::key(name)], |row| row.get(0))
            .inspect(|number| self.remember(table, name, *number))
    }

    /// Numbers many names in two statements, where each statement costs a way over the network.
    /// Inside a transaction only.
    pub(crate) fn number_all<'a>(
        &mut self,
        connection: &Connection,
        table: Table,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let known = self.map(table);
        let names: BTreeSet<&str> = names.filter(|name| !known.contains_key(*name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        // The database may keep a text in other words than ours.
        let dialect = connection.dialect();
        let mut missing: HashMap<String, &str> = names
            .into_iter()
            .map(|name| (dialect.key(name).into_owned(), name))
            .collect();
        let (number, text) = (table.name(), table.text());
        let find = format!(
            "SELECT {text}, {number} FROM {number} WHERE {}",
            dialect.among(text, "?1")
        );
        let add = format!(
            "INSERT INTO {number} ({text}) SELECT l.value FROM {} RETURNING {text}, {number}",
            dialect.list("?1", "l")
        );
        for sql in [find, add] {
            let mut left: Vec<String> = missing.keys().cloned().collect();
            left.sort_unstable();
            if left.is_empty() {
                break;
            }
            let rows: Vec<(String, i64)> = connection.rows(&sql, values![&left[..]], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            for (kept, number) in rows {
                if let Some(name) = missing.remove(&kept) {
                    self.remember(table, name, number);
                }
            }
        }
        Ok(())
    }

    fn remember(&mut self, table: Table, name: &str, number: i64) {
        let map = self.map(table);
        if map.len() >= KEEP {
            map.clear();
        }
        map.insert(name.to_owned(), number);
    }
}
