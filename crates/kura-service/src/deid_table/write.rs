//! The table that is shown, and what it tells beside an earlier one.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use kura_deid::tables::{ANYTHING, Table};
use kura_model::{Error, Result};

use super::plan::Role;
use super::{Earlier, Singular, Work, open, shown_value};

impl Work<'_> {
    /// Writes the rows that are shown; the rows kept back, and the cells that were singular. `out`
    /// appears when it is whole, and nothing is left of one that did not become whole.
    pub(super) fn write<'f>(
        &self,
        table: &'f Table,
        form: &impl Fn(usize) -> Option<&'f [usize]>,
        singular: &Singular,
        out: &Path,
    ) -> Result<(u64, BTreeMap<String, u64>)> {
        let mut partial = out.file_name().unwrap_or_default().to_owned();
        partial.push(".partial");
        let partial = out.with_file_name(partial);
        let written = self
            .write_to(table, form, singular, &partial)
            .and_then(|counts| {
                std::fs::rename(&partial, out)
                    .map_err(|error| Error::invalid(format!("{}: {error}", out.display())))?;
                Ok(counts)
            });
        if written.is_err() {
            // Rows of a table that was not finished are no release.
            drop(std::fs::remove_file(&partial));
        }
        written
    }

    fn write_to<'f>(
        &self,
        table: &'f Table,
        form: &impl Fn(usize) -> Option<&'f [usize]>,
        singular: &Singular,
        partial: &Path,
    ) -> Result<(u64, BTreeMap<String, u64>)> {
        let fail = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("{}: {error}", partial.display()))
        };
        let file = File::create(partial).map_err(|error| fail(&error))?;
        let mut out_file = BufWriter::with_capacity(1 << 18, file);
        let csv = || {
            csv::WriterBuilder::new()
                .delimiter(self.separator)
                .from_writer(Vec::new())
        };
        let mut writer = csv();
        let stays: Vec<usize> = (0..self.names.len())
            .filter(|at| self.columns[*at].role != Role::Identifying)
            .collect();
        writer
            .write_record(stays.iter().map(|at| &self.names[*at]))
            .map_err(|error| fail(&error))?;
        let names = writer.into_inner().map_err(|error| fail(&error.error()))?;
        out_file.write_all(&names).map_err(|error| fail(&error))?;
        // The order of the input may tell what the values no longer do (by age, by number): rows
        // are written in the order of what they show.
        let mut writer = csv();
        let mut ends: Vec<usize> = Vec::new();
        let of_quasi: HashMap<usize, usize> = self
            .quasi
            .iter()
            .enumerate()
            .map(|(place, at)| (*at, place))
            .collect();
        let mut kept_back = 0;
        let mut cells: BTreeMap<String, u64> = BTreeMap::new();
        let mut row = 0;
        self.each(self.input, |_, record| {
            let at = table.at(row);
            row += 1;
            let Some(levels) = form(at) else {
                kept_back += 1;
                return Ok(());
            };
            let labels: Vec<&str> = table.labels(at, levels).collect();
            for column in &stays {
                let value = match of_quasi.get(column) {
                    Some(place) => labels[*place],
                    None => shown_value(singular, *column, &record[*column]),
                };
                if value == ANYTHING && !of_quasi.contains_key(column) {
                    *cells.entry(self.names[*column].clone()).or_default() += 1;
                }
                writer.write_field(value).map_err(|error| fail(&error))?;
            }
            writer
                .write_record(None::<&[u8]>)
                .map_err(|error| fail(&error))?;
            writer.flush().map_err(|error| fail(&error))?;
            ends.push(writer.get_ref().len());
            Ok(())
        })?;
        let text = writer.into_inner().map_err(|error| fail(&error.error()))?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        // Of many rows few differ.
        let mut counted: HashMap<&[u8], u64> = HashMap::new();
        for (start, end) in starts.zip(&ends) {
            *counted.entry(&text[start..*end]).or_default() += 1;
        }
        let mut lines: Vec<(&[u8], u64)> = counted.into_iter().collect();
        lines.sort_unstable();
        for (line, count) in lines {
            for _ in 0..count {
                out_file.write_all(line).map_err(|error| fail(&error))?;
            }
        }
        out_file.flush().map_err(|error| fail(&error))?;
        out_file
            .get_ref()
            .sync_all()
            .map_err(|error| fail(&error))?;
        Ok((kept_back, cells))
    }

    /// What an earlier release tells together with this one.
    pub(super) fn difference(&self, now: &Path, earlier: &Path) -> Result<Earlier> {
        let count = |path: &Path| -> Result<HashMap<Vec<String>, i64>> {
            let names = open(path, self.separator)?.names;
            let places = self.places_in(path, &names, false)?;
            let mut counts: HashMap<Vec<String>, i64> = HashMap::new();
            self.each(path, |_, record| {
                let key: Vec<String> = places.iter().map(|at| record[*at].to_owned()).collect();
                *counts.entry(key).or_default() += 1;
                Ok(())
            })?;
            Ok(counts)
        };
        let (now, before) = (count(now)?, count(earlier)?);
        let k = i64::from(*self.plan.goal.k.get_ref());
        let (mut small, mut rows) = (0, 0);
        for key in now
            .keys()
            .chain(before.keys().filter(|key| !now.contains_key(*key)))
        {
            let of = |counts: &HashMap<Vec<String>, i64>| counts.get(key).copied().unwrap_or(0);
            let apart = (of(&now) - of(&before)).abs();
            if apart > 0 && apart < k {
                small += 1;
                rows += apart.unsigned_abs();
            }
        }
        Ok(Earlier {
            file: earlier.display().to_string(),
            small_differences: small,
            rows,
        })
    }
}
