//! Asking once for everything a transaction will ask for. Over a network each question costs a
//! way there and back; a batch of an import would ask ten thousand.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

use kura_model::{RecordKey, Result};

use super::{Entity, Newest, Writer};
use crate::commit::{Commit, Write};
use crate::database::values;
use crate::symbol::Table;
use crate::{IndexEntry, IndexValue};

/// The names and records a transaction speaks of.
#[derive(Default)]
struct Names<'a> {
    kinds: BTreeSet<&'a str>,
    params: BTreeSet<&'a str>,
    systems: BTreeSet<&'a str>,
    terms: BTreeSet<&'a str>,
    records: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Names<'a> {
    fn record(&mut self, key: &'a RecordKey) {
        self.kinds.insert(&key.kind);
        self.records.insert((&key.kind, &key.id));
    }

    fn entry(&mut self, entry: &'a IndexEntry) {
        self.params.insert(entry.param);
        self.value(&entry.value);
    }

    fn value(&mut self, value: &'a IndexValue) {
        match value {
            IndexValue::Token { system, .. } | IndexValue::Quantity { system, .. } => {
                self.systems.extend(system.as_deref());
            }
            IndexValue::Term(term) => {
                self.terms.insert(term);
            }
            IndexValue::Reference(target) => self.record(target),
            IndexValue::Member { value, .. } => self.value(value),
            IndexValue::Text(_) | IndexValue::Date { .. } | IndexValue::Number(_) => {}
        }
    }
}

impl Writer {
    /// Learns what the transaction needs, in a few statements.
    pub(super) fn look_ahead(&mut self, commit: &Commit) -> Result<()> {
        let mut names = Names::default();
        for write in &commit.writes {
            match write {
                Write::Put(put) => {
                    names.record(&put.key);
                    put.owners.iter().for_each(|owner| names.record(owner));
                    put.index.iter().for_each(|entry| names.entry(entry));
                }
                Write::Delete(key) => names.record(key),
            }
        }
        self.learn(&names)
    }

    pub(super) fn look_ahead_index(&mut self, records: &[(i64, Vec<IndexEntry>)]) -> Result<()> {
        let mut names = Names::default();
        for entry in records.iter().flat_map(|(_, entries)| entries) {
            names.entry(entry);
        }
        self.learn(&names)
    }

    fn learn(&mut self, names: &Names<'_>) -> Result<()> {
        for (table, texts) in [
            (Table::Kind, &names.kinds),
            (Table::Param, &names.params),
            (Table::System, &names.systems),
            (Table::Term, &names.terms),
        ] {
            self.symbols
                .number_all(&self.connection, table, texts.iter().copied())?;
        }
        let dialect = self.connection.dialect();
        let mut kinds = Vec::new();
        let mut ids = Vec::new();
        for (kind, id) in &names.records {
            let kind = self.symbols.number(&self.connection, Table::Kind, kind)?;
            let name = (kind, dialect.key(id).into_owned());
            if let Entry::Vacant(place) = self.entities.entry(name) {
                kinds.push(place.key().0);
                ids.push(place.key().1.clone());
                // Absent, unless it is found now.
                place.insert(Entity::default());
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        let found = self.connection.rows(
            "SELECT e.kind, e.id, e.eid, r.pk, r.version, r.deleted, r.hash FROM unnest(?1, ?2) AS u(kind, id)
             JOIN entity e ON e.kind = u.kind AND e.id = u.id LEFT JOIN record r ON r.pk = e.pk",
            values![&kinds[..], &ids[..]],
            |row| {
                let pk: Option<i64> = row.get(3)?;
                let newest = match pk {
                    Some(_) => Some(Newest {
                        version: row.get(4)?,
                        deleted: row.get(5)?,
                        hash: row.get(6)?,
                    }),
                    None => None,
                };
                let name: (i64, String) = (row.get(0)?, row.get(1)?);
                Ok((
                    name,
                    Entity {
                        eid: row.get(2)?,
                        pk,
                        newest,
                    },
                ))
            },
        )?;
        self.entities.extend(found);
        Ok(())
    }
}
