//! How easily somebody is told from a table: before anything was done, and after.

use std::collections::HashMap;

use serde::Serialize;

use super::table::Table;

/// The risk of a table whose rows are in classes that look alike. El Emam, *Guide to the
/// De-Identification of Personal Health Information* (2013), chapters 16 to 18.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Risk {
    /// Rows that are shown.
    pub rows: u64,
    pub classes: u64,
    /// Rows in the smallest class.
    pub smallest: u64,
    /// Somebody who knows that the person is in the table: the worst row, and all on average.
    pub prosecutor_most: f64,
    pub prosecutor_mean: f64,
    /// Rows whose risk is above the threshold.
    pub above_threshold: u64,
    pub threshold: f64,
    /// Somebody who only knows the population, if it was given.
    pub journalist_most: Option<f64>,
    pub journalist_mean: Option<f64>,
    /// Somebody who matches the whole table: the share of rows that would be told right.
    pub marketer: f64,
    /// Rows that nobody else looks like.
    pub unique: u64,
    /// Of these, rows that nobody else of the population looks like, if it was given.
    pub unique_in_population: Option<u64>,
}

/// The risk where each different row is at the levels that `levels` tells, and not shown where it
/// tells none.
pub fn risk<'a>(
    table: &Table,
    levels: impl Fn(usize) -> Option<&'a [usize]>,
    threshold: f64,
) -> Risk {
    let mut classes: HashMap<Vec<u32>, (u64, u64)> = HashMap::new();
    for at in 0..table.different() {
        let Some(levels) = levels(at) else { continue };
        let mut key = Vec::with_capacity(levels.len() * 2);
        for (column, level) in levels.iter().enumerate() {
            // Parts of a table may be at other levels: a label of one is none of another.
            key.push(*level as u32);
            key.push(table.columns[column].codes(*level)[table.places[column][at] as usize]);
        }
        let class = classes.entry(key).or_default();
        class.0 += u64::from(table.weight[at]);
        class.1 += u64::from(table.population[at]);
    }
    // Of people alone nobody is shown.
    classes.retain(|_, (rows, _)| *rows > 0);
    let population = table.population.iter().any(|people| *people > 0);
    risk_of_classes(classes.into_values(), population, threshold)
}

/// The risk of classes that look alike: rows of each that are shown, and how many of the
/// population look like them, which counts where there is a `population`.
pub fn risk_of_classes(
    classes: impl IntoIterator<Item = (u64, u64)>,
    population: bool,
    threshold: f64,
) -> Risk {
    let mut out = Risk {
        threshold,
        smallest: u64::MAX,
        ..Risk::default()
    };
    let (mut journalist_most, mut journalist_sum, mut unique_there) = (0.0_f64, 0.0, 0);
    for (rows, people) in classes {
        out.rows += rows;
        out.classes += 1;
        out.smallest = out.smallest.min(rows);
        let one = 1.0 / rows as f64;
        out.prosecutor_most = out.prosecutor_most.max(one);
        if one > threshold {
            out.above_threshold += rows;
        }
        if rows == 1 {
            out.unique += 1;
        }
        // Whoever is in the table is of the population, whether it was counted there or not.
        let people = people.max(rows);
        journalist_most = journalist_most.max(1.0 / people as f64);
        journalist_sum += rows as f64 / people as f64;
        if people == 1 {
            unique_there += 1;
        }
    }
    if out.classes == 0 {
        out.smallest = 0;
    }
    let rows = out.rows.max(1) as f64;
    out.prosecutor_mean = out.classes as f64 / rows;
    out.marketer = out.prosecutor_mean;
    if population {
        out.journalist_most = Some(journalist_most);
        out.journalist_mean = Some(journalist_sum / rows);
        out.marketer = journalist_sum / rows;
        out.unique_in_population = Some(unique_there);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Hierarchy, Rows};
    use super::*;

    #[test]
    fn of_seven_in_three_classes() {
        let sex = Hierarchy::all_or_nothing(["m", "f"]).unwrap();
        let age = Hierarchy::all_or_nothing(["30", "40"]).unwrap();
        let mut rows = Rows::new(vec![sex, age], 0);
        for (sex, age, times) in [("m", "30", 4), ("f", "30", 2), ("f", "40", 1)] {
            for _ in 0..times {
                rows.push(&[sex, age]).unwrap();
            }
        }
        let table = rows.finish();
        let as_it_is = [0, 0];
        let found = risk(&table, |_| Some(&as_it_is[..]), 0.3);
        assert_eq!(
            (found.rows, found.classes, found.smallest, found.unique),
            (7, 3, 1, 1)
        );
        assert_eq!(found.prosecutor_most, 1.0);
        assert!((found.prosecutor_mean - 3.0 / 7.0).abs() < 1e-12);
        assert_eq!(found.above_threshold, 3);
        assert_eq!(found.journalist_most, None);
        let without_age = [0, 1];
        let found = risk(&table, |_| Some(&without_age[..]), 0.3);
        assert_eq!((found.classes, found.smallest, found.unique), (2, 3, 0));
        assert_eq!(found.prosecutor_most, 1.0 / 3.0);
    }
}
