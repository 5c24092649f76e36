//! Statements on SQLite.

use kura_model::Result;
use rusqlite::{Connection, Statement, params_from_iter};

use super::Row;
use super::value::{Column, Value};
use crate::error::sqlite as database;

pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<u64> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params_from_iter(values)))
        .map(|rows| rows as u64)
        .map_err(database)
}

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut take: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(database)?;
    let mut rows = statement
        .query(params_from_iter(values))
        .map_err(database)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(database)? {
        out.push(take(&Row::Sqlite(row))?);
    }
    Ok(out)
}

pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    mut take: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(database)?;
    let mut rows = statement
        .query(params_from_iter(values))
        .map_err(database)?;
    match rows.next().map_err(database)? {
        Some(row) => take(&Row::Sqlite(row)).map(Some),
        None => Ok(None),
    }
}

/// Row by row through one prepared statement.
pub(super) fn insert(
    connection: &Connection,
    table: &str,
    columns: &[(&str, Column<'_>)],
    repeats: bool,
) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let places: Vec<String> = (1..=columns.len())
        .map(|place| format!("?{place}"))
        .collect();
    let mut statement = connection
        .prepare_cached(&format!(
            "INSERT {}INTO {table} ({}) VALUES ({})",
            if repeats { "OR IGNORE " } else { "" },
            names.join(", "),
            places.join(", ")
        ))
        .map_err(database)?;
    for row in 0..columns[0].1.len() {
        for (place, (_, column)) in columns.iter().enumerate() {
            bind(&mut statement, place + 1, column, row).map_err(database)?;
        }
        statement.raw_execute().map_err(database)?;
    }
    Ok(())
}

fn bind(
    statement: &mut Statement<'_>,
    place: usize,
    column: &Column<'_>,
    row: usize,
) -> rusqlite::Result<()> {
    match column {
        Column::Integers(rows) => statement.raw_bind_parameter(place, rows[row]),
        Column::Maybe(rows) => statement.raw_bind_parameter(place, rows[row]),
        Column::Reals(rows) => statement.raw_bind_parameter(place, rows[row]),
        Column::Keys(rows) | Column::Texts(rows) => statement.raw_bind_parameter(place, rows[row]),
        Column::Blobs(rows) => statement.raw_bind_parameter(place, rows[row]),
    }
}
