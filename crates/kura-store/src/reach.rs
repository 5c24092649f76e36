//! Whose records a reader gives and a writer takes. The store does not know who may see what: it
//! is told whose, and leaves out the rest everywhere, so that no use of it can forget to.

use std::collections::HashSet;

use kura_model::{RecordKey, Result};

use crate::database::{Dialect, Value};
use crate::read::Reader;
use crate::store::Store;
use crate::symbol::Table;

/// Some owners, and the kinds of records that belong to nobody and may be seen all the same.
///
/// A record of several owners is within reach if all of them are: a list of two patients is no
/// business of one of them. What was moved to another owner is that owner's, its older versions
/// too.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    owners: HashSet<i64>,
    /// The same, in order, for statements.
    list: Vec<i64>,
    kinds: Vec<i64>,
}

/// Owners that a statement names itself; more are handed to it as a list.
const NAMED: usize = 16;

impl Reach {
    pub(crate) fn has(&self, owner: i64) -> bool {
        self.owners.contains(&owner)
    }

    pub(crate) fn has_kind(&self, kind: i64) -> bool {
        self.kinds.contains(&kind)
    }

    /// The owners, if they are few.
    pub(crate) fn few(&self) -> Option<&[i64]> {
        (self.list.len() <= NAMED).then_some(&self.list)
    }

    /// How many owners.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A condition on the record number in `column`. `place` takes a value into the statement and
    /// tells its name there.
    pub(crate) fn condition(
        &self,
        dialect: Dialect,
        column: &str,
        place: impl FnOnce(Value<'static>) -> String,
    ) -> String {
        let within = match self.few() {
            Some(few) => format!("o.owner IN ({})", numbers(few)),
            None => dialect.among("o.owner", &place(Value::Integers(self.list.clone().into()))),
        };
        format!(
            " AND NOT EXISTS (SELECT 1 FROM compartment o WHERE o.pk = {column} AND NOT {within})
              AND (EXISTS (SELECT 1 FROM compartment o WHERE o.pk = {column})
                OR (SELECT k.kind FROM record k WHERE k.pk = {column} AND k.deleted = 0) IN ({}))",
            numbers(&self.kinds)
        )
    }
}

fn numbers(list: &[i64]) -> String {
    if list.is_empty() {
        return "-1".to_owned();
    }
    let all: Vec<String> = list.iter().map(i64::to_string).collect();
    all.join(",")
}

impl Store {
    /// The reach of these owners, and of records of these kinds that belong to nobody. An owner
    /// that is not known has no records.
    pub fn reach(&self, owners: &[RecordKey], kinds: &[&str]) -> Result<Reach> {
        self.read(|reader| {
            let mut reach = Reach::default();
            for owner in owners {
                reach.owners.extend(reader.eid(owner)?);
            }
            reach.list = reach.owners.iter().copied().collect();
            reach.list.sort_unstable();
            for kind in kinds {
                reach.kinds.extend(reader.symbol(Table::Kind, kind)?);
            }
            Ok(reach)
        })
    }
}

impl Reader<'_> {
    /// Whether an owner's records are within reach; true for everyone without one.
    pub fn reaches(&mut self, owner: &RecordKey) -> Result<bool> {
        let Some(reach) = Reader::reach(self) else {
            return Ok(true);
        };
        Ok(self.eid(owner)?.is_some_and(|eid| reach.has(eid)))
    }
}
