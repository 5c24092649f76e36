//! The rows of one transaction, gathered and then inserted table by table: neighbours share
//! pages, and over a network a table costs one statement.

use std::collections::{BTreeMap, HashMap, HashSet};

use kura_model::{ContentHash, Result};

use crate::database::{Column, Connection, values};

/// A version that is not in its table yet.
pub(super) struct NewVersion {
    pub(super) pk: i64,
    pub(super) kind: i64,
    pub(super) eid: i64,
    pub(super) version: i64,
    pub(super) deleted: bool,
    pub(super) hash: ContentHash,
    pub(super) source: Option<i64>,
    pub(super) line: Option<i64>,
    pub(super) dictionary: i64,
    pub(super) size: i64,
    pub(super) body: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Rows {
    /// Kind, id, number.
    pub(super) entities: Vec<(i64, String, i64)>,
    /// The newest version of an entity.
    pub(super) newest: HashMap<i64, i64>,
    pub(super) versions: Vec<NewVersion>,
    /// What live versions are among `versions`.
    pub(super) seen: HashSet<(i64, [u8; 32])>,
    pub(super) superseded: Vec<i64>,
    /// By kind: how many more live records, how many more versions.
    pub(super) tallies: BTreeMap<i64, (i64, i64)>,
    pub(super) blobs: Vec<(i64, ContentHash)>,
    pub(super) token: Vec<(i64, String, i64, i64)>,
    pub(super) text: Vec<(i64, String, i64)>,
    pub(super) date: Vec<(i64, i64, i64, i64)>,
    pub(super) number: Vec<(i64, f64, i64)>,
    pub(super) quantity: Vec<(i64, String, f64, i64, i64)>,
    pub(super) term: Vec<(i64, i64, i64)>,
    pub(super) reference: Vec<(i64, i64, i64)>,
    pub(super) compartment: Vec<(i64, i64, i64)>,
}

/// A column of numbers: one field of each row.
macro_rules! integers {
    ($rows:expr, $field:tt) => {
        Column::Integers($rows.iter().map(|row| row.$field).collect())
    };
}
macro_rules! keys {
    ($rows:expr, $field:tt) => {
        Column::Keys($rows.iter().map(|row| &row.$field[..]).collect())
    };
}
macro_rules! reals {
    ($rows:expr, $field:tt) => {
        Column::Reals($rows.iter().map(|row| row.$field).collect())
    };
}

impl Rows {
    pub(super) fn insert(mut self, connection: &Connection, t: i64) -> Result<()> {
        self.insert_entities(connection)?;
        self.insert_versions(connection, t)?;
        for (kind, (live, versions)) in &self.tallies {
            connection.execute(
                "UPDATE kind SET live = live + ?2, versions = versions + ?3 WHERE kind = ?1",
                values![*kind, *live, *versions],
            )?;
        }
        self.insert_index(connection)
    }

    fn insert_entities(&mut self, connection: &Connection) -> Result<()> {
        self.entities.sort_unstable();
        let rows = &self.entities;
        let newest = rows
            .iter()
            .map(|(_, _, eid)| self.newest.remove(eid))
            .collect();
        connection.insert(
            "entity",
            &[
                ("kind", integers!(rows, 0)),
                ("id", keys!(rows, 1)),
                ("eid", integers!(rows, 2)),
                ("pk", Column::Maybe(newest)),
            ],
            false,
        )?;
        let mut changed: Vec<(i64, i64)> = self.newest.drain().collect();
        changed.sort_unstable();
        let (eids, pks): (Vec<i64>, Vec<i64>) = changed.into_iter().unzip();
        connection.update("entity", ("eid", &eids), ("pk", &pks))
    }

    fn insert_versions(&mut self, connection: &Connection, t: i64) -> Result<()> {
        let rows = &self.versions;
        let maybe =
            |field: fn(&NewVersion) -> Option<i64>| Column::Maybe(rows.iter().map(field).collect());
        connection.insert(
            "record",
            &[
                ("pk", integers!(rows, pk)),
                ("kind", integers!(rows, kind)),
                ("eid", integers!(rows, eid)),
                ("version", integers!(rows, version)),
                ("t", Column::Integers(vec![t; rows.len()])),
                (
                    "deleted",
                    Column::Integers(rows.iter().map(|row| i64::from(row.deleted)).collect()),
                ),
                (
                    "hash",
                    Column::Blobs(rows.iter().map(|row| &row.hash.0[..]).collect()),
                ),
                ("source", maybe(|row| row.source)),
                ("line", maybe(|row| row.line)),
                ("dictionary", integers!(rows, dictionary)),
                ("size", integers!(rows, size)),
                (
                    "body",
                    Column::Blobs(rows.iter().map(|row| &row.body[..]).collect()),
                ),
            ],
            false,
        )?;
        connection.insert(
            "superseded",
            &[
                ("pk", Column::Integers(self.superseded.clone())),
                ("t_end", Column::Integers(vec![t; self.superseded.len()])),
            ],
            false,
        )?;
        connection.insert(
            "record_blob",
            &[
                ("pk", integers!(self.blobs, 0)),
                (
                    "hash",
                    Column::Blobs(self.blobs.iter().map(|(_, hash)| &hash.0[..]).collect()),
                ),
            ],
            true,
        )
    }

    fn insert_index(mut self, connection: &Connection) -> Result<()> {
        self.token.sort_unstable();
        connection.insert(
            "ix_token",
            &[
                ("param", integers!(self.token, 0)),
                ("code", keys!(self.token, 1)),
                ("system", integers!(self.token, 2)),
                ("pk", integers!(self.token, 3)),
            ],
            true,
        )?;
        self.text.sort_unstable();
        connection.insert(
            "ix_text",
            &[
                ("param", integers!(self.text, 0)),
                ("value", keys!(self.text, 1)),
                ("pk", integers!(self.text, 2)),
            ],
            true,
        )?;
        self.date.sort_unstable();
        connection.insert(
            "ix_date",
            &[
                ("param", integers!(self.date, 0)),
                ("low", integers!(self.date, 1)),
                ("high", integers!(self.date, 2)),
                ("pk", integers!(self.date, 3)),
            ],
            true,
        )?;
        self.number
            .sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        connection.insert(
            "ix_number",
            &[
                ("param", integers!(self.number, 0)),
                ("value", reals!(self.number, 1)),
                ("pk", integers!(self.number, 2)),
            ],
            true,
        )?;
        self.quantity.sort_unstable_by(|a, b| {
            (a.0, &a.1)
                .cmp(&(b.0, &b.1))
                .then(a.2.total_cmp(&b.2))
                .then(a.4.cmp(&b.4))
        });
        connection.insert(
            "ix_quantity",
            &[
                ("param", integers!(self.quantity, 0)),
                ("code", keys!(self.quantity, 1)),
                ("value", reals!(self.quantity, 2)),
                ("system", integers!(self.quantity, 3)),
                ("pk", integers!(self.quantity, 4)),
            ],
            true,
        )?;
        for (table, column, rows) in [
            ("ix_term", "term", &mut self.term),
            ("ix_reference", "target", &mut self.reference),
        ] {
            rows.sort_unstable();
            connection.insert(
                table,
                &[
                    ("param", integers!(rows, 0)),
                    (column, integers!(rows, 1)),
                    ("pk", integers!(rows, 2)),
                ],
                true,
            )?;
        }
        self.compartment.sort_unstable();
        connection.insert(
            "compartment",
            &[
                ("owner", integers!(self.compartment, 0)),
                ("kind", integers!(self.compartment, 1)),
                ("pk", integers!(self.compartment, 2)),
            ],
            true,
        )
    }
}
