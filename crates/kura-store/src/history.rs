//! Versions in the order they were written: newest first of one record, of one kind, of all; and
//! oldest first, for whoever follows the bank.

use kura_model::{LogicalTime, RecordKey, Result};

use crate::database::{Value, values};
use crate::read::{Reader, Version};
use crate::symbol::Table;

/// Which versions, tombstones among them.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    pub of: HistoryOf,
    /// Written at this time or later, milliseconds since 1970.
    pub since: Option<i64>,
    /// The newest version of its record at some moment of this range, milliseconds since 1970.
    pub at: Option<(i64, i64)>,
    /// The record number the last page ended with.
    pub before: Option<i64>,
    pub limit: u32,
}

#[derive(Debug, Clone)]
pub enum HistoryOf {
    Record(RecordKey),
    Kinds(Vec<String>),
}

#[derive(Debug)]
pub struct HistoryRow {
    /// The number of the version among all of the bank: where the next page goes on.
    pub pk: i64,
    pub version: Version,
}

/// Record numbers strictly between, and the time after which a version must have been replaced.
struct Range {
    above: i64,
    below: i64,
    current_after: i64,
}

impl Reader<'_> {
    /// Newest first.
    pub fn history_of(&mut self, query: &HistoryQuery) -> Result<Vec<HistoryRow>> {
        let range = self.range(query)?;
        let limit = query.limit as usize;
        let mut found = Vec::new();
        match &query.of {
            HistoryOf::Record(key) => {
                if let Some(eid) = self.eid(key)? {
                    found = self.pks("eid = ?1", eid, &range, limit)?;
                }
            }
            HistoryOf::Kinds(kinds) => {
                // Live versions and tombstones lie in an index each.
                for kind in kinds {
                    let Some(kind) = self.symbol(Table::Kind, kind)? else {
                        continue;
                    };
                    for part in ["kind = ?1 AND deleted = 0", "kind = ?1 AND deleted = 1"] {
                        found.extend(self.pks(part, kind, &range, limit)?);
                    }
                }
                found.sort_unstable_by(|a, b| b.cmp(a));
                found.truncate(limit);
            }
        }
        Ok(self
            .by_pks(&found)?
            .into_iter()
            .map(|(pk, version)| HistoryRow { pk, version })
            .collect())
    }

    /// What was written after the record with number `after`, in the order it was written: versions
    /// of these kinds, tombstones among them. Numbers grow with every commit and are never used
    /// again, so who asks again from the number that comes with them misses nothing and sees nothing
    /// twice. Within [`Reader::at_one_state`].
    pub fn changes(
        &mut self,
        kinds: &[String],
        after: i64,
        limit: u32,
    ) -> Result<(Vec<HistoryRow>, i64)> {
        let mut numbers = Vec::new();
        for kind in kinds {
            numbers.extend(self.symbol(Table::Kind, kind)?);
        }
        let among: Vec<String> = numbers.iter().map(i64::to_string).collect();
        // The plus keeps SQLite from walking whole kinds instead of what is new.
        let sql = format!(
            "SELECT pk FROM record WHERE pk > ?1 AND +kind IN ({}) ORDER BY pk LIMIT ?2",
            if among.is_empty() {
                "-1".to_owned()
            } else {
                among.join(",")
            }
        );
        let found: Vec<i64> =
            self.connection()
                .rows(&sql, values![after, i64::from(limit)], |row| row.get(0))?;
        let reached = if found.len() < limit as usize {
            // Of other kinds there may be more: they are not looked at again.
            let last = "SELECT pk FROM record ORDER BY pk DESC LIMIT 1";
            let last = self.connection().first(last, &[], |row| row.get(0))?;
            last.unwrap_or(0).max(after)
        } else {
            found.last().copied().unwrap_or(after)
        };
        let rows = self
            .by_pks(&found)?
            .into_iter()
            .map(|(pk, version)| HistoryRow { pk, version })
            .collect();
        Ok((rows, reached))
    }

    /// The number of the last record that was written at `t` or before; 0 if there is none.
    pub fn last_record(&self, t: LogicalTime) -> Result<i64> {
        self.connection()
            .first(
                "SELECT pk_last FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1",
                values![t.0 as i64],
                |row| row.get(0),
            )
            .map(|found| found.unwrap_or(0))
    }

    fn range(&mut self, query: &HistoryQuery) -> Result<Range> {
        let mut range = Range {
            above: 0,
            below: query.before.unwrap_or(i64::MAX),
            current_after: -1,
        };
        if let Some(since) = query.since {
            let (_, pk_last) = self.last_commit("at < ?1", since)?;
            range.above = pk_last;
        }
        if let Some((low, high)) = query.at {
            let (_, pk_last) = self.last_commit("at <= ?1", high)?;
            range.below = range.below.min(pk_last + 1);
            let (t, _) = self.last_commit("at <= ?1", low)?;
            range.current_after = t.0 as i64;
        }
        Ok(range)
    }

    /// Time and highest record number of the last commit with this; zeros if there is none. The
    /// walk begins at the newest, so it costs what was written since.
    fn last_commit(&self, condition: &'static str, at: i64) -> Result<(LogicalTime, i64)> {
        let sql =
            format!("SELECT t, pk_last FROM commits WHERE {condition} ORDER BY t DESC LIMIT 1");
        self.connection()
            .first(&sql, values![at], |row| {
                Ok((LogicalTime(row.get::<i64>(0)? as u64), row.get(1)?))
            })
            .map(|found| found.unwrap_or((LogicalTime(0), 0)))
    }

    fn pks(
        &self,
        condition: &'static str,
        value: i64,
        range: &Range,
        limit: usize,
    ) -> Result<Vec<i64>> {
        let mut values: Vec<Value<'static>> = vec![
            value.into(),
            range.above.into(),
            range.below.into(),
            range.current_after.into(),
            (limit as i64).into(),
        ];
        // Of an older version the newest decides, when it is opened: a page may become shorter.
        let within = self.reach().map_or_else(String::new, |reach| {
            reach.condition(self.connection().dialect(), "record.pk", |value| {
                values.push(value);
                format!("?{}", values.len())
            })
        });
        let sql = format!(
            "SELECT pk FROM record WHERE {condition} AND pk > ?2 AND pk < ?3
             AND (?4 < 0 OR NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = record.pk AND s.t_end <= ?4)){within}
             ORDER BY pk DESC LIMIT ?5"
        );
        self.connection().rows(&sql, &values, |row| row.get(0))
    }
}
