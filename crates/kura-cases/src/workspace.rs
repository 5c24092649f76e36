//! The tables of a set in a database that nobody else sees, and SQL that may only read them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use kura_dataset::table::{Cell, Column, Table};
use kura_model::{Category, Error, Result};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, Statement, types::Value};

/// A private database: on disk, so that memory does not grow with the set, and gone when dropped.
pub struct Workspace {
    pub(crate) connection: Connection,
}

/// Names of tables.
pub(crate) type Tables = BTreeSet<String>;

/// SQL that was found to do nothing but read.
pub(crate) struct Checked {
    /// Columns of the result.
    pub(crate) names: Vec<String>,
    /// Tables it reads.
    pub(crate) tables: Tables,
}

/// Working tables of the engine.
const HIDDEN: [&str; 4] = ["events", "judged", "followed", "case_rows"];

const ONLY_SELECT: &str = "only SELECT over the set's tables is allowed";

pub(crate) fn database(error: rusqlite::Error) -> Error {
    let category = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Category::Exhausted,
        Some(rusqlite::ErrorCode::OperationInterrupted) => Category::Interrupted,
        _ => Category::Internal,
    };
    Error::new(category, "the tables cannot be worked with").because(error)
}

/// An error of the SQL somebody wrote: SQLite's own words, which name columns and tables.
pub(crate) fn written(place: &str, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => {
            Error::new(Category::Interrupted, "interrupted")
        }
        Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => {
            Error::invalid(format!("{place}: {ONLY_SELECT}"))
        }
        Some(rusqlite::ErrorCode::DiskFull) => {
            Error::new(Category::Exhausted, "no room left for the tables")
        }
        _ => Error::invalid(format!("{place}: {error}")),
    }
}

impl Workspace {
    /// An empty one. `cancel` ends whatever runs in it.
    pub fn new(cancel: Arc<AtomicBool>) -> Result<Self> {
        // An empty name: a temporary file of SQLite's own.
        let mut connection = Connection::open("").map_err(database)?;
        connection
            .progress_handler(10_000, Some(move || cancel.load(Ordering::Relaxed)))
            .map_err(database)?;
        Ok(Self { connection })
    }

    /// Makes the empty table.
    pub fn create(&self, table: &Table) -> Result<()> {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|(name, column, _)| {
                let kind = match column {
                    Column::Number => "REAL",
                    Column::Integer | Column::Flag | Column::Time => "INTEGER",
                    _ => "TEXT",
                };
                format!("\"{name}\" {kind}")
            })
            .collect();
        self.connection
            .execute_batch(&format!(
                "CREATE TABLE \"{}\" ({})",
                table.name,
                columns.join(", ")
            ))
            .map_err(database)
    }

    fn insert<'a>(&'a self, table: &Table) -> Result<Statement<'a>> {
        let places = vec!["?"; table.columns.len()].join(", ");
        self.connection
            .prepare(&format!("INSERT INTO \"{}\" VALUES ({places})", table.name))
            .map_err(database)
    }

    /// Adds rows as [`Table::rows`] makes them of a processed resource.
    pub fn add(&self, table: &Table, rows: Vec<Vec<Option<Cell>>>) -> Result<()> {
        let mut insert = self.insert(table)?;
        for row in rows {
            let values = row.into_iter().map(|cell| match cell {
                None => Value::Null,
                Some(Cell::Text(text)) => Value::Text(text),
                Some(Cell::Number(number)) => Value::Real(number),
                Some(Cell::Integer(number)) => Value::Integer(number),
                Some(Cell::Flag(flag)) => Value::Integer(flag.into()),
            });
            insert
                .execute(rusqlite::params_from_iter(values))
                .map_err(database)?;
        }
        Ok(())
    }

    /// Makes the table and fills it from the set's Parquet file.
    pub fn load(&self, table: &Table, file: &Path) -> Result<u64> {
        self.create(table)?;
        let damaged = |error: parquet::errors::ParquetError| {
            Error::invalid(format!("{} is no table of a data set", file.display())).because(error)
        };
        let opened = File::open(file)
            .map_err(|error| Error::invalid(format!("{}: {error}", file.display())))?;
        let reader = SerializedFileReader::new(opened).map_err(damaged)?;
        self.connection.execute_batch("BEGIN").map_err(database)?;
        let mut insert = self.insert(table)?;
        let mut rows = 0;
        for row in reader.get_row_iter(None).map_err(damaged)? {
            let row = row.map_err(damaged)?;
            if row.len() != table.columns.len() {
                return Err(Error::invalid(format!(
                    "{} has other columns than the table {}",
                    file.display(),
                    table.name
                )));
            }
            let values = row.get_column_iter().map(|(_, field)| match field {
                Field::Str(text) => Value::Text(text.clone()),
                Field::Double(number) => Value::Real(*number),
                Field::Long(number) | Field::TimestampMillis(number) => Value::Integer(*number),
                Field::Bool(flag) => Value::Integer((*flag).into()),
                _ => Value::Null,
            });
            insert
                .execute(rusqlite::params_from_iter(values))
                .map_err(database)?;
            rows += 1;
        }
        drop(insert);
        self.connection.execute_batch("COMMIT").map_err(database)?;
        Ok(rows)
    }

    /// Checks SQL somebody wrote: one SELECT that reads the tables and does nothing else. Its
    /// columns must be `needed`, and may be `allowed`. Gives their names.
    pub(crate) fn check(
        &mut self,
        place: &str,
        sql: &str,
        needed: &[&str],
        allowed: &[&str],
    ) -> Result<Checked> {
        let (names, tables) = self.column_names(sql)?;
        let names = names.map_err(|error| written(place, &error))?;
        let missing: Vec<&str> = needed
            .iter()
            .filter(|needed| !names.iter().any(|name| name == *needed))
            .copied()
            .collect();
        let strange = names
            .iter()
            .find(|name| !needed.contains(&name.as_str()) && !allowed.contains(&name.as_str()));
        if names.is_empty() {
            return Err(Error::invalid(format!("{place}: {ONLY_SELECT}")));
        }
        if !missing.is_empty() {
            return Err(Error::invalid(format!(
                "{place}: the result needs the column {}",
                missing.join(", ")
            )));
        }
        if let Some(strange) = strange {
            return Err(Error::invalid(format!(
                "{place}: the result has a column '{strange}' that means nothing here"
            )));
        }
        Ok(Checked { names, tables })
    }

    /// What SQL gives, row by row: to count and describe the tables. Under the rules of
    /// [`build`](crate::build): one SELECT.
    ///
    /// # Errors
    /// SQL that is wrong or does more than read.
    pub fn ask(&mut self, place: &str, sql: &str) -> Result<Vec<Vec<Option<Cell>>>> {
        let (names, _) = self.column_names(sql)?;
        let columns = names.map_err(|error| written(place, &error))?.len();
        if columns == 0 {
            return Err(Error::invalid(format!("{place}: {ONLY_SELECT}")));
        }
        let told = |error: rusqlite::Error| written(place, &error);
        let mut statement = self.connection.prepare(sql).map_err(told)?;
        let mut rows = statement.query([]).map_err(told)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(told)? {
            let cells = (0..columns).map(|at| {
                Ok(match row.get::<_, Value>(at).map_err(told)? {
                    Value::Text(text) => Some(Cell::Text(text)),
                    Value::Real(number) => Some(Cell::Number(number)),
                    Value::Integer(number) => Some(Cell::Integer(number)),
                    Value::Null | Value::Blob(_) => None,
                })
            });
            out.push(cells.collect::<Result<Vec<_>>>()?);
        }
        Ok(out)
    }

    /// Prepares SQL while nothing but reading the set's tables and the cases is authorised. Gives
    /// the columns of the result and the tables that are read.
    fn column_names(&mut self, sql: &str) -> Result<(rusqlite::Result<Vec<String>>, Tables)> {
        let read = Arc::new(Mutex::new(Tables::new()));
        let seen = read.clone();
        self.connection
            .authorizer(Some(move |context: AuthContext<'_>| match context.action {
                AuthAction::Select | AuthAction::Recursive | AuthAction::Function { .. } => {
                    Authorization::Allow
                }
                AuthAction::Read { table_name, .. } => {
                    // What the outcome is made of is no table of the author's.
                    if HIDDEN.contains(&table_name) {
                        return Authorization::Deny;
                    }
                    if let Ok(mut seen) = seen.lock() {
                        seen.insert(table_name.to_owned());
                    }
                    Authorization::Allow
                }
                _ => Authorization::Deny,
            }))
            .map_err(database)?;
        let names = self.connection.prepare(sql).map(|statement| {
            if statement.readonly() {
                statement.column_names().map(str::to_owned).collect()
            } else {
                Vec::new()
            }
        });
        self.connection
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
            .map_err(database)?;
        let tables = read.lock().map(|read| read.clone()).unwrap_or_default();
        Ok((names, tables))
    }

    /// # Errors
    /// A time in a table of ours that is no whole number: text sorts above every number, and
    /// would pass for the far future.
    pub(crate) fn times(&self, place: &str, table: &str, absent: bool) -> Result<()> {
        let allowed = if absent {
            "('integer', 'null')"
        } else {
            "('integer')"
        };
        let wrong: i64 = self
            .connection
            .query_row(
                &format!("SELECT count(*) FROM \"{table}\" WHERE typeof(time) NOT IN {allowed}"),
                [],
                |row| row.get(0),
            )
            .map_err(database)?;
        if wrong > 0 {
            return Err(Error::invalid(format!(
                "{place}: {wrong} times are no milliseconds, as the tables have them"
            )));
        }
        Ok(())
    }

    /// Keeps what checked SQL gives as a temporary table.
    pub(crate) fn keep(&self, place: &str, name: &str, columns: &[&str], sql: &str) -> Result<()> {
        // Its first statement was checked to be a SELECT: in brackets there can be no second.
        let wrapped = format!(
            "CREATE TEMP TABLE \"{name}\" AS SELECT {} FROM (\n{}\n)",
            columns.join(", "),
            sql.trim().trim_end_matches(';')
        );
        self.connection
            .execute_batch(&wrapped)
            .map_err(|error| written(place, &error))
    }
}
