//! `kura deid table`: a table in which nobody stands alone, out of one and a plan.
//!
//! The plan says what each column is and what is asked for; a column it does not name stops it.
//! The input is read three times (its values, its rows, what is written), so memory holds rows
//! that differ, once each.

mod goal;
mod plan;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kura_deid::tables::{
    ANYTHING, BuiltIn, Hierarchy, Risk, Rows, Table, local, optimum, risk, shown,
};
use kura_model::{Error, Result};
use serde::Serialize;

use plan::{ColumnPlan, HierarchyPlan, Place, Plan};
pub use plan::{Mode, Role};

/// What became of a table.
#[derive(Debug, Serialize)]
pub struct Done {
    pub rows: u64,
    pub rows_kept_back: u64,
    pub mode: Mode,
    /// Levels of each quasi-identifier; of the local mode the ways there are.
    pub levels: Vec<BTreeMap<String, usize>>,
    /// 0: nothing is lost; 1: everything.
    pub loss: f64,
    /// No other choice of levels loses less. Of the local mode: nothing is proved.
    pub proved: bool,
    pub looked_at: u64,
    pub before: Risk,
    pub after: Risk,
    /// Cells that became `*` because too few rows have their value, by column.
    pub singular: BTreeMap<String, u64>,
    /// Columns that went.
    pub removed: Vec<String>,
    pub earlier: Vec<Earlier>,
    pub seconds: f64,
}

/// What the difference from an earlier release tells.
#[derive(Debug, Serialize)]
pub struct Earlier {
    pub file: String,
    /// Combinations of values whose number of rows differs by less than k: whoever has both
    /// releases learns of so few people that they came or went.
    pub small_differences: u64,
    /// Rows in them.
    pub rows: u64,
}

struct Opened {
    reader: csv::Reader<BufReader<File>>,
    names: Vec<String>,
}

fn open(path: &Path, separator: u8) -> Result<Opened> {
    let file =
        File::open(path).map_err(|error| Error::invalid(format!("{}: {error}", path.display())))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .from_reader(BufReader::with_capacity(1 << 18, file));
    let names = reader
        .headers()
        .map_err(|error| row_error(path, &error))?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    Ok(Opened { reader, names })
}

/// Line and kind; never a value.
fn row_error(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} values, where the first line has {expected_len}")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "not readable as CSV".to_owned(),
    };
    Error::invalid(format!("{}, line {line}: {what}", path.display()))
}

/// The separator of a file: what its first line has most of.
fn separator(path: &Path) -> Result<u8> {
    use std::io::BufRead;
    let fail = |error: std::io::Error| Error::invalid(format!("{}: {error}", path.display()));
    let mut line = Vec::new();
    let file = File::open(path).map_err(fail)?;
    std::io::Read::take(BufReader::new(file), 1 << 20)
        .read_until(b'\n', &mut line)
        .map_err(fail)?;
    let count = |byte: u8| line.iter().filter(|one| **one == byte).count();
    let found = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|byte| count(*byte));
    Ok(found.unwrap_or(b','))
}

/// Makes `out` of `input` by the plan, and says what became of it. `out` appears when it is whole.
///
/// # Errors
/// A plan that is none, a column it does not name, a goal that no choice of levels meets.
pub fn table(plan_file: &Path, input: &Path, out: &Path, earlier: &[PathBuf]) -> Result<Done> {
    let started = Instant::now();
    let text = std::fs::read_to_string(plan_file)
        .map_err(|error| Error::invalid(format!("{}: {error}", plan_file.display())))?;
    let place = Place {
        file: plan_file,
        text: &text,
    };
    let plan: Plan = toml::from_str(&text)
        .map_err(|error| place.fail(error.span().map_or(0, |span| span.start), error.message()))?;
    let separator = match plan.separator {
        Some(given) => {
            u8::try_from(given).map_err(|_| place.fail(0, "separator: one plain character"))?
        }
        None => separator(input)?,
    };
    if out.exists() {
        return Err(Error::conflict(format!(
            "{} is there already",
            out.display()
        )));
    }
    let work = Work::new(&place, &plan, input, separator)?;
    let singular = work.singular_values()?;
    for file in earlier {
        let names = open(file, separator)?.names;
        work.places_in(file, &names, false)?;
    }
    let table = work.rows(&singular)?;
    let goal = work.goal(&table)?;
    let levels_of_all = vec![0; work.quasi.len()];
    let before = risk(&table, |_| Some(&levels_of_all[..]), plan.goal.threshold);
    let nothing_meets = || {
        Error::invalid(format!(
            "no choice of levels meets the goal with {:.1}% of rows kept back at most; ask for less, or let more be kept back",
            plan.goal.suppression * 100.0
        ))
    };
    let (forms, of, loss, proved, looked_at) = match plan.goal.mode {
        Mode::Global => {
            let found = optimum(&table, &goal).ok_or_else(nothing_meets)?;
            let of = shown(&table, &goal, &found.levels)
                .into_iter()
                .map(|shown| shown.then_some(0))
                .collect();
            (
                vec![found.levels],
                of,
                found.loss,
                found.proved,
                found.looked_at,
            )
        }
        Mode::Local => {
            let found = local(&table, &goal).ok_or_else(nothing_meets)?;
            (found.forms, found.of, found.loss, false, 0)
        }
    };
    let form = |at: usize| {
        let form: Option<u32> = of[at];
        form.map(|form| &forms[form as usize][..])
    };
    let after = risk(&table, form, plan.goal.threshold);
    let (kept_back, cells) = work.write(&table, &form, &singular, out)?;
    let earlier = earlier
        .iter()
        .map(|file| work.difference(out, file))
        .collect::<Result<_>>()?;
    let name = |column: usize| work.names[work.quasi[column]].clone();
    Ok(Done {
        rows: table.rows(),
        rows_kept_back: kept_back,
        mode: plan.goal.mode,
        levels: forms
            .iter()
            .map(|levels| {
                levels
                    .iter()
                    .enumerate()
                    .map(|(at, level)| (name(at), *level))
                    .collect()
            })
            .collect(),
        loss,
        proved,
        looked_at,
        before,
        after,
        singular: cells,
        removed: work
            .columns
            .iter()
            .zip(&work.names)
            .filter(|(column, _)| column.role == Role::Identifying)
            .map(|(_, name)| name.clone())
            .collect(),
        earlier,
        seconds: started.elapsed().as_secs_f64(),
    })
}

struct Work<'a> {
    place: &'a Place<'a>,
    plan: &'a Plan,
    input: &'a Path,
    separator: u8,
    names: Vec<String>,
    /// Of each column of the input.
    columns: Vec<&'a ColumnPlan>,
    /// Places of the quasi-identifiers and of the sensitive columns in the input.
    quasi: Vec<usize>,
    sensitive: Vec<usize>,
}

type Singular = HashMap<usize, BTreeSet<String>>;

fn shown_value<'v>(singular: &Singular, column: usize, value: &'v str) -> &'v str {
    match singular.get(&column) {
        Some(few) if few.contains(value) => ANYTHING,
        _ => value,
    }
}

impl<'a> Work<'a> {
    fn new(place: &'a Place<'a>, plan: &'a Plan, input: &'a Path, separator: u8) -> Result<Self> {
        let names = open(input, separator)?.names;
        let mut columns = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let mut found = plan
                .column
                .iter()
                .filter(|column| column.name.get_ref() == name);
            let Some(column) = found.next() else {
                // A table without a line of names begins with somebody's values: none is repeated.
                return Err(Error::invalid(format!(
                    "{}, line 1: the plan names no column that is called as column {} is here; the first line holds the columns' names, and the plan must name each of them",
                    input.display(),
                    at + 1
                )));
            };
            if let Some(twice) = found.next() {
                return Err(place.fail(twice.name.span().start, "a column is named twice"));
            }
            columns.push(column);
        }
        for column in &plan.column {
            let at = column.name.span().start;
            if !names.contains(column.name.get_ref()) {
                return Err(place.fail(at, "there is no such column in the input"));
            }
            if column.singular.is_some() && matches!(column.role, Role::Quasi | Role::Identifying) {
                return Err(place.fail(at, "singular is of a sensitive or a plain column"));
            }
            match (column.role, &column.hierarchy) {
                (Role::Quasi, None) => {
                    return Err(place.fail(at, "a quasi-identifier needs a hierarchy"));
                }
                (Role::Identifying | Role::Plain, Some(hierarchy)) => {
                    let at = hierarchy.span().start;
                    return Err(place.fail(
                        at,
                        "a hierarchy is of a quasi-identifier or a sensitive column",
                    ));
                }
                _ => {}
            }
        }
        let with = |role: Role| -> Vec<usize> {
            (0..columns.len())
                .filter(|at| columns[*at].role == role)
                .collect()
        };
        let (quasi, sensitive) = (with(Role::Quasi), with(Role::Sensitive));
        if quasi.is_empty() {
            return Err(place.fail(0, "no column is a quasi-identifier"));
        }
        if plan.goal.k.get_ref() < &2 {
            return Err(place.fail(plan.goal.k.span().start, "k is 2 or more"));
        }
        if !(0.0..1.0).contains(&plan.goal.suppression) {
            return Err(place.fail(0, "suppression is a share: 0 or more, below 1"));
        }
        Ok(Self {
            place,
            plan,
            input,
            separator,
            names,
            columns,
            quasi,
            sensitive,
        })
    }

    fn each(
        &self,
        path: &Path,
        mut visit: impl FnMut(u64, &csv::StringRecord) -> Result<()>,
    ) -> Result<()> {
        let mut opened = open(path, self.separator)?;
        let mut record = csv::StringRecord::new();
        loop {
            match opened.reader.read_record(&mut record) {
                Ok(true) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    visit(line, &record)?;
                }
                Ok(false) => return Ok(()),
                Err(error) => return Err(row_error(path, &error)),
            }
        }
    }

    /// Values that too few rows have, of the columns that are asked for them.
    fn singular_values(&self) -> Result<Singular> {
        let asked: Vec<(usize, u64)> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| matches!(column.role, Role::Plain | Role::Sensitive))
            .filter_map(|(at, column)| Some((at, column.singular?)))
            .collect();
        if asked.is_empty() {
            return Ok(Singular::new());
        }
        let mut counts: Vec<HashMap<String, u64>> = vec![HashMap::new(); asked.len()];
        self.each(self.input, |_, record| {
            for ((at, _), counts) in asked.iter().zip(&mut counts) {
                let value = &record[*at];
                match counts.get_mut(value) {
                    Some(count) => *count += 1,
                    None => drop(counts.insert(value.to_owned(), 1)),
                }
            }
            Ok(())
        })?;
        Ok(asked
            .into_iter()
            .zip(counts)
            .map(|((at, least), counts)| {
                let few = counts.into_iter().filter(|(_, count)| *count < least);
                (at, few.map(|(value, _)| value).collect())
            })
            .collect())
    }

    fn population(&self) -> Option<PathBuf> {
        let presence = self.plan.goal.presence.as_ref()?;
        Some(self.beside(&presence.population))
    }

    fn beside(&self, path: &Path) -> PathBuf {
        self.place
            .file
            .parent()
            .unwrap_or(Path::new("."))
            .join(path)
    }

    /// The places of our quasi-identifiers and sensitive columns in another table.
    fn places_in(&self, path: &Path, names: &[String], sensitive: bool) -> Result<Vec<usize>> {
        let wanted = self
            .quasi
            .iter()
            .chain(self.sensitive.iter().filter(|_| sensitive));
        wanted
            .map(|at| {
                names
                    .iter()
                    .position(|name| *name == self.names[*at])
                    .ok_or_else(|| {
                        Error::invalid(format!(
                            "{}: there is no column '{}'",
                            path.display(),
                            self.names[*at]
                        ))
                    })
            })
            .collect()
    }

    /// The rows as they will be shown: what is singular is `*` to the models, too.
    fn rows(&self, singular: &Singular) -> Result<Table> {
        let hierarchies = self.hierarchies()?;
        // The presence of people is of their quasi-identifiers alone.
        let population = self.population();
        if population.is_some() && !self.sensitive.is_empty() {
            return Err(self.place.fail(
                0,
                "presence is asked of quasi-identifiers alone: make the sensitive columns plain",
            ));
        }
        let mut rows = Rows::new(hierarchies, self.sensitive.len());
        let places: Vec<usize> = self.quasi.iter().chain(&self.sensitive).copied().collect();
        self.each(self.input, |line, record| {
            let values: Vec<&str> = places
                .iter()
                .map(|at| shown_value(singular, *at, &record[*at]))
                .collect();
            rows.push(&values)
                .map_err(|error| self.row(self.input, line, &error))
        })?;
        if let Some(path) = population {
            let names = open(&path, self.separator)?.names;
            let places = self.places_in(&path, &names, false)?;
            self.each(&path, |line, record| {
                let values: Vec<&str> = places.iter().map(|at| &record[*at]).collect();
                rows.people(&values)
                    .map_err(|error| self.row(&path, line, &error))
            })?;
        }
        Ok(rows.finish())
    }

    fn row(&self, path: &Path, line: u64, error: &kura_deid::tables::RowError) -> Error {
        use kura_deid::tables::RowError;
        let what = match error {
            RowError::Unknown { column, .. } => format!(
                "the value of '{}' is not in its hierarchy",
                self.names[self.quasi[*column]]
            ),
            other => other.to_string(),
        };
        Error::invalid(format!("{}, line {line}: {what}", path.display()))
    }

    fn hierarchies(&self) -> Result<Vec<Hierarchy>> {
        let wanted: Vec<usize> = self.quasi.clone();
        let values = self.values(&wanted)?;
        wanted
            .iter()
            .zip(&values)
            .map(|(at, values)| self.hierarchy(*at, values))
            .collect()
    }

    /// The values of columns, in the population too.
    fn values(&self, wanted: &[usize]) -> Result<Vec<BTreeSet<String>>> {
        // Most of what is looked up is there already.
        let mut values: Vec<HashSet<String>> = vec![HashSet::new(); wanted.len()];
        let mut take = |path: &Path, places: &[usize]| {
            self.each(path, |_, record| {
                for (values, at) in values.iter_mut().zip(places) {
                    let value = &record[*at];
                    if !values.contains(value) {
                        values.insert(value.to_owned());
                    }
                }
                Ok(())
            })
        };
        take(self.input, wanted)?;
        if let Some(path) = self.population() {
            let names = open(&path, self.separator)?.names;
            let places = self.places_in(&path, &names, false)?;
            take(&path, &places)?;
        }
        Ok(values
            .into_iter()
            .map(|one| one.into_iter().collect())
            .collect())
    }

    fn hierarchy(&self, at: usize, values: &BTreeSet<String>) -> Result<Hierarchy> {
        let Some(plan) = &self.columns[at].hierarchy else {
            return Err(self.place.fail(
                self.columns[at].name.span().start,
                "the column has no hierarchy",
            ));
        };
        let built_in = match plan.get_ref() {
            HierarchyPlan::File(file) => {
                let path = self.beside(file);
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| Error::invalid(format!("{}: {error}", path.display())))?;
                let separator = if text.contains(';') { ';' } else { ',' };
                let lines = text.lines().map(|line| line.split(separator).collect());
                return Hierarchy::of(lines)
                    .map_err(|error| Error::invalid(format!("{}: {error}", path.display())));
            }
            HierarchyPlan::Flat => BuiltIn::Flat,
            HierarchyPlan::Date => BuiltIn::Date,
            HierarchyPlan::Icd10 => BuiltIn::Icd10,
            HierarchyPlan::Region => BuiltIn::Region,
            HierarchyPlan::Head(heads) => BuiltIn::Head(heads.clone()),
            HierarchyPlan::Intervals(intervals) => BuiltIn::Intervals {
                widths: intervals.widths.clone(),
                from: intervals.from,
                bottom: intervals.bottom,
                top: intervals.top,
            },
        };
        built_in
            .over(values.iter().map(String::as_str))
            .map_err(|error| self.place.fail(plan.span().start, &error.to_string()))
    }
}
