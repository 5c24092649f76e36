//! The rows of a table as numbers; equal rows are held once.

use std::collections::HashMap;

use thiserror::Error;

use super::hierarchy::Hierarchy;

/// Why a row cannot be taken. Rows are counted from 1; values are not told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    #[error("row {row}: {found} values for {wanted} columns")]
    Values {
        row: u64,
        found: usize,
        wanted: usize,
    },
    #[error("row {row}: the value of column {column} is not in its hierarchy")]
    Unknown { row: u64, column: usize },
    #[error("more than 4,294,967,295 rows")]
    Many,
}

/// Quasi-identifiers of all rows by their hierarchies, and the sensitive values beside them.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) columns: Vec<Hierarchy>,
    /// Of each column the places of its values, for every different row.
    pub(super) places: Vec<Vec<u32>>,
    /// Of each sensitive column the same, by the order in which they were met.
    pub(super) sensitive: Vec<Vec<u32>>,
    pub(super) sensitive_values: Vec<Vec<String>>,
    /// How many rows each different row stands for.
    pub(super) weight: Vec<u32>,
    /// And how many people of the population, the table's own among them.
    pub(super) population: Vec<u32>,
    /// The different row of each row; of a part of a table, nothing.
    of_row: Vec<u32>,
    rows: u64,
}

/// The geometric mean of one more than each, less one: so none of them is nothing.
pub(super) fn mean(of: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = of.len().max(1) as f64;
    of.map(|one| 1.0 + one).product::<f64>().powf(1.0 / count) - 1.0
}

/// Takes rows.
pub struct Rows {
    table: Table,
    known: HashMap<Box<[u32]>, u32>,
    sensitive: Vec<HashMap<String, u32>>,
    row: Vec<u32>,
}

impl Rows {
    /// Of these quasi-identifiers and so many sensitive columns after them.
    pub fn new(columns: Vec<Hierarchy>, sensitive: usize) -> Self {
        Self {
            table: Table {
                places: vec![Vec::new(); columns.len()],
                columns,
                sensitive: vec![Vec::new(); sensitive],
                sensitive_values: vec![Vec::new(); sensitive],
                weight: Vec::new(),
                population: Vec::new(),
                of_row: Vec::new(),
                rows: 0,
            },
            known: HashMap::new(),
            sensitive: vec![HashMap::new(); sensitive],
            row: Vec::new(),
        }
    }

    /// # Errors
    /// Those of [`RowError`]; the row is not taken.
    pub fn push(&mut self, values: &[&str]) -> Result<(), RowError> {
        let at = self.different(values)?;
        let table = &mut self.table;
        table.weight[at as usize] += 1;
        table.of_row.push(at);
        table.rows += 1;
        Ok(())
    }

    /// One of the population that the table is drawn from. Who is in the table is one of them, and
    /// comes here too.
    ///
    /// # Errors
    /// Those of [`Rows::push`].
    pub fn people(&mut self, values: &[&str]) -> Result<(), RowError> {
        let at = self.different(values)?;
        self.table.population[at as usize] += 1;
        Ok(())
    }

    fn different(&mut self, values: &[&str]) -> Result<u32, RowError> {
        let table = &mut self.table;
        let row = table.rows + 1;
        let wanted = table.columns.len() + self.sensitive.len();
        if values.len() != wanted {
            return Err(RowError::Values {
                row,
                found: values.len(),
                wanted,
            });
        }
        if row > u64::from(u32::MAX) {
            return Err(RowError::Many);
        }
        self.row.clear();
        for (column, (hierarchy, value)) in table.columns.iter().zip(values).enumerate() {
            let place = hierarchy
                .place(value)
                .ok_or(RowError::Unknown { row, column })?;
            self.row.push(place);
        }
        for (column, value) in values[table.columns.len()..].iter().enumerate() {
            let known = &mut self.sensitive[column];
            let place = match known.get(*value) {
                Some(place) => *place,
                None => {
                    let place = known.len() as u32;
                    known.insert((*value).to_owned(), place);
                    table.sensitive_values[column].push((*value).to_owned());
                    place
                }
            };
            self.row.push(place);
        }
        if let Some(at) = self.known.get(&self.row[..]) {
            return Ok(*at);
        }
        let at = table.weight.len() as u32;
        let (places, sensitive) = self.row.split_at(table.columns.len());
        for (column, place) in table.places.iter_mut().zip(places) {
            column.push(*place);
        }
        for (column, place) in table.sensitive.iter_mut().zip(sensitive) {
            column.push(*place);
        }
        table.weight.push(0);
        table.population.push(0);
        self.known.insert(self.row.clone().into(), at);
        Ok(at)
    }

    pub fn finish(self) -> Table {
        self.table.arranged()
    }
}

impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many of them differ.
    pub fn different(&self) -> usize {
        self.weight.len()
    }

    pub fn columns(&self) -> &[Hierarchy] {
        &self.columns
    }

    /// The values of a sensitive column, by their places.
    pub fn sensitive_values(&self, column: usize) -> &[String] {
        &self.sensitive_values[column]
    }

    /// How many rows have each value of the sensitive columns.
    pub(super) fn sensitive_rows(&self) -> Vec<Vec<u64>> {
        let values = self.sensitive.iter().zip(&self.sensitive_values);
        values
            .map(|(places, values)| {
                let mut rows = vec![0; values.len()];
                for (place, weight) in places.iter().zip(&self.weight) {
                    rows[*place as usize] += u64::from(*weight);
                }
                rows
            })
            .collect()
    }

    /// The same table, different rows that look alike beside each other: their classes are counted again and again, and
    /// memory that is near is quick.
    fn arranged(self) -> Table {
        let mut weights = Vec::with_capacity(self.columns.len());
        let mut most: u64 = 1;
        for hierarchy in &self.columns {
            weights.push(most);
            let Some(next) = most.checked_mul(hierarchy.labels(0).max(1) as u64) else {
                return self;
            };
            most = next;
        }
        let mut keys: Vec<(u64, u32)> = (0..self.different())
            .map(|at| {
                let places = self.places.iter().map(|column| u64::from(column[at]));
                let key = places.zip(&weights).map(|(place, weight)| place * weight);
                (key.sum(), at as u32)
            })
            .collect();
        keys.sort_unstable();
        let order: Vec<usize> = keys.iter().map(|(_, at)| *at as usize).collect();
        let mut new = vec![0; order.len()];
        for (at, before) in order.iter().enumerate() {
            new[*before] = at as u32;
        }
        let of_row = self.of_row.iter().map(|at| new[*at as usize]).collect();
        Table {
            of_row,
            ..self.part(&order)
        }
    }

    /// These different rows alone.
    pub(super) fn part(&self, different: &[usize]) -> Table {
        let of = |column: &Vec<u32>| different.iter().map(|at| column[*at]).collect();
        let weight: Vec<u32> = of(&self.weight);
        Table {
            columns: self.columns.clone(),
            places: self.places.iter().map(of).collect(),
            sensitive: self.sensitive.iter().map(of).collect(),
            sensitive_values: self.sensitive_values.clone(),
            population: of(&self.population),
            rows: weight.iter().map(|weight| u64::from(*weight)).sum(),
            weight,
            of_row: Vec::new(),
        }
    }

    /// What is lost where each different row is at the levels that are told of it, and kept back
    /// where none are.
    pub(super) fn loss<'a>(&self, levels: impl Fn(usize) -> Option<&'a [usize]>) -> f64 {
        let rows = self.rows.max(1) as f64;
        mean(self.columns.iter().enumerate().map(|(column, hierarchy)| {
            let of_level: Vec<Vec<f64>> = (0..hierarchy.levels())
                .map(|level| hierarchy.loss(level))
                .collect();
            let sum: f64 = (0..self.different())
                .map(|at| {
                    let lost = levels(at).map_or(1.0, |levels| {
                        of_level[levels[column]][self.places[column][at] as usize]
                    });
                    lost * f64::from(self.weight[at])
                })
                .sum();
            sum / rows
        }))
    }

    /// The different row that a row, from 0, is.
    pub fn at(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    /// What the quasi-identifiers of a different row are at these levels.
    pub fn labels<'a>(
        &'a self,
        at: usize,
        levels: &'a [usize],
    ) -> impl Iterator<Item = &'a str> + 'a {
        self.columns
            .iter()
            .zip(&self.places)
            .zip(levels)
            .map(move |((column, places), level)| column.label(*level, places[at]))
    }
}
