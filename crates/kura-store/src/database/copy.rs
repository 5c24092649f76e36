//! All tables of a schema out of PostgreSQL and in again, by its own COPY in binary form.
//!
//! ```text
//! for each table:  length u32, JSON {"table": …, "columns": […]}
//!                  for each piece: length u32, bytes of COPY
//!                  length 0
//! at the end:      length 0
//! ```
//! Lengths are big-endian.

use std::io::{Read, Write};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

use super::io::wait;
use super::{Postgres, values};
use crate::error::{io, postgres as database};
use crate::schema;

/// No piece of PostgreSQL's is longer: a row has at most 1 GiB.
const PIECE: u32 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Table {
    table: String,
    columns: Vec<String>,
}

impl Table {
    fn copy(&self, way: &str) -> String {
        format!(
            "COPY {} ({}) {way} (FORMAT binary)",
            self.table,
            self.columns.join(", ")
        )
    }
}

fn piece(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    let length =
        u32::try_from(bytes.len()).map_err(|_| Error::internal("a piece of a copy is too long"))?;
    out.write_all(&length.to_be_bytes())
        .and_then(|()| out.write_all(bytes))
        .map_err(io)
}

/// The next piece; nothing where a length of 0 stands.
fn next(from: &mut dyn Read) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(io)?;
    let length = u32::from_be_bytes(length);
    if length == 0 {
        return Ok(None);
    }
    if length > PIECE {
        return Err(Error::invalid("the copy is damaged: a piece is too long"));
    }
    let mut bytes = Vec::new();
    let read = from
        .take(u64::from(length))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if read < length as usize {
        return Err(Error::invalid("the copy is damaged: it ends early"));
    }
    Ok(Some(bytes))
}

impl Postgres {
    /// Our tables of a schema with their columns, each by name.
    fn tables(&self, zone: &str) -> Result<Vec<Table>> {
        let mut tables: Vec<Table> = Vec::new();
        let rows = self.rows(
            "SELECT CAST(c.table_name AS text), CAST(c.column_name AS text) FROM information_schema.columns c
             JOIN pg_tables t ON t.schemaname = c.table_schema AND t.tablename = c.table_name
             WHERE c.table_schema = ?1 ORDER BY 1, 2",
            values![zone],
            |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
        )?;
        for (table, column) in rows {
            if !schema::tables().any(|ours| ours == table) {
                continue;
            }
            match tables.last_mut() {
                Some(last) if last.table == table => last.columns.push(column),
                _ => tables.push(Table {
                    table,
                    columns: vec![column],
                }),
            }
        }
        Ok(tables)
    }

    /// Every table, of one snapshot.
    pub(crate) fn copy_out(&self, zone: &str, out: &mut dyn Write) -> Result<()> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        for table in self.tables(zone)? {
            let head = serde_json::to_vec(&table)
                .map_err(|error| Error::internal("names of a table").because(error))?;
            piece(out, &head)?;
            let rows = wait(self.client().copy_out(&table.copy("TO STDOUT"))).map_err(database)?;
            let mut rows = std::pin::pin!(rows);
            while let Some(bytes) = wait(rows.try_next()).map_err(database)? {
                piece(out, &bytes)?;
            }
            // Each table begins a piece of its own, so one that grows moves no other.
            out.write_all(&[0; 4])
                .and_then(|()| out.flush())
                .map_err(io)?;
        }
        out.write_all(&[0; 4]).map_err(io)?;
        self.batch("COMMIT")
    }

    /// Every table of a copy into the empty ones of a new zone, in one transaction. The zone keeps
    /// its own mark.
    pub(crate) fn copy_in(&self, zone: &str, from: &mut dyn Read) -> Result<()> {
        let known = self.tables(zone)?;
        let mark: Vec<String> =
            self.rows("SELECT value FROM bank WHERE key = 'mark'", &[], |row| {
                row.get(0)
            })?;
        self.batch("BEGIN; SET LOCAL lock_timeout TO 0; TRUNCATE bank")?;
        while let Some(head) = next(from)? {
            let table: Table = serde_json::from_slice(&head)
                .map_err(|error| Error::invalid("the copy is damaged: a table").because(error))?;
            // Names stand in a statement: only those of our own tables.
            let ours = known.iter().any(|known| {
                known.table == table.table
                    && table
                        .columns
                        .iter()
                        .all(|name| known.columns.contains(name))
            });
            if !ours {
                return Err(Error::invalid(
                    "the copy has a table that this program does not know",
                ));
            }
            let rows = wait(self.client().copy_in::<_, Bytes>(&table.copy("FROM STDIN")))
                .map_err(database)?;
            let mut rows = std::pin::pin!(rows);
            while let Some(bytes) = next(from)? {
                wait(rows.send(Bytes::from(bytes))).map_err(database)?;
            }
            wait(rows.finish()).map_err(database)?;
        }
        if let Some(mark) = mark.first() {
            self.execute(
                "UPDATE bank SET value = ?1 WHERE key = 'mark'",
                values![mark.as_str()],
            )?;
        }
        // Numbers that the database gives go on after the highest.
        let numbered = self.rows(
            "SELECT CAST(table_name AS text), CAST(column_name AS text) FROM information_schema.columns
             WHERE table_schema = ?1 AND is_identity = 'YES'",
            values![zone],
            |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
        )?;
        for (table, column) in numbered {
            self.batch(&format!(
                "SELECT setval(pg_get_serial_sequence('{zone}.{table}', '{column}'), coalesce(max({column}), 0) + 1, false) FROM {table}"
            ))?;
        }
        self.batch("COMMIT; ANALYZE")
    }

    /// Takes the tables of a zone away.
    pub(crate) fn drop_tables(&self, zone: &str) -> Result<()> {
        // A transaction that failed is still open.
        self.batch("ROLLBACK")?;
        for table in self.tables(zone)? {
            self.batch(&format!("DROP TABLE {}", table.table))?;
        }
        Ok(())
    }
}
