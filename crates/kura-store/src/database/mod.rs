//! One way to ask two databases: SQLite, a file beside the blobs, and PostgreSQL, a schema on a
//! server. The rest of the store is written once; what differs in words is [`Dialect`].

mod address;
mod copy;
mod dialect;
mod io;
mod place;
mod postgres;
mod sqlite;
mod value;

pub use address::{Address, Database};
pub(crate) use dialect::Dialect;
pub(crate) use place::Place;
pub(crate) use postgres::{Ending, Postgres};
pub(crate) use value::{Any, Column, Get, Value, values};

use kura_model::{Error, Result};

use crate::error;

/// A connection of one thread at a time.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Postgres),
}

/// A row while it is read.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    pub(crate) fn get<T: Get>(&self, column: usize) -> Result<T> {
        match self {
            Row::Sqlite(row) => T::sqlite(row, column).map_err(error::sqlite),
            Row::Postgres(row) => T::postgres(row, column).map_err(error::postgres),
        }
    }
}

impl Connection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Whether each statement costs a way over the network.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Connection::Postgres(_))
    }

    /// Whether the other end has gone.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Connection::Sqlite(_) => false,
            Connection::Postgres(connection) => connection.is_closed(),
        }
    }

    /// Runs one statement with numbered values, `?1` on both databases. Rows it touched.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        match self {
            Connection::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Connection::Postgres(connection) => connection.execute(sql, values),
        }
    }

    /// Every row of one statement.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        take: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Connection::Sqlite(connection) => sqlite::rows(connection, sql, values, take),
            Connection::Postgres(connection) => connection.rows(sql, values, take),
        }
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        take: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self {
            Connection::Sqlite(connection) => sqlite::first(connection, sql, values, take),
            Connection::Postgres(connection) => {
                Ok(connection.rows(sql, values, take)?.into_iter().next())
            }
        }
    }

    /// The one row there must be.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        take: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.first(sql, values, take)?
            .ok_or_else(|| Error::internal("a row the bank must have is not there"))
    }

    pub(crate) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool> {
        Ok(self.first(sql, values, |_| Ok(()))?.is_some())
    }

    /// Several statements without values.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => connection.execute_batch(sql).map_err(error::sqlite),
            Connection::Postgres(connection) => connection.batch(sql),
        }
    }

    /// Inserts rows given by column. `repeats`: rows that are there already are passed over.
    pub(crate) fn insert(
        &self,
        table: &str,
        columns: &[(&str, Column<'_>)],
        repeats: bool,
    ) -> Result<()> {
        if columns.first().is_none_or(|(_, column)| column.is_empty()) {
            return Ok(());
        }
        match self {
            Connection::Sqlite(connection) => sqlite::insert(connection, table, columns, repeats),
            Connection::Postgres(connection) => connection.insert(table, columns, repeats),
        }
    }

    /// `UPDATE table SET column = value WHERE key = number`, for many.
    pub(crate) fn update(
        &self,
        table: &str,
        (key, numbers): (&str, &[i64]),
        (column, to): (&str, &[i64]),
    ) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        match self {
            Connection::Sqlite(connection) => {
                let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {key} = ?1");
                numbers.iter().zip(to).try_for_each(|(number, to)| {
                    sqlite::execute(connection, &sql, values![*number, *to]).map(drop)
                })
            }
            Connection::Postgres(connection) => connection
                .execute(
                    &format!(
                        "UPDATE {table} AS o SET {column} = u.v FROM unnest(?1, ?2) AS u(k, v) WHERE o.{key} = u.k"
                    ),
                    values![numbers, to],
                )
                .map(drop),
        }
    }
}
