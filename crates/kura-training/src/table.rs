//! The table a model is made from: rows of numbers, an outcome, and whose rows they are.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::{TrainingError, same_length};

/// Fewer groups (patients) than this and no model is made: nothing learned from them would hold.
pub const MINIMUM_GROUPS: usize = 10;

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub name: String,
    /// The unit of the values, in UCUM where the source gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Feature {
    /// A feature without a unit.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: None,
        }
    }
}

/// Numbers, `[rows, features]` in row-major order. NaN is a missing value.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub features: Vec<Feature>,
    pub rows: usize,
    pub values: Vec<f32>,
}

impl Matrix {
    /// # Errors
    /// As [`Matrix::validate`].
    pub fn new(
        features: Vec<Feature>,
        rows: usize,
        values: Vec<f32>,
    ) -> Result<Self, TrainingError> {
        let matrix = Self {
            features,
            rows,
            values,
        };
        matrix.validate()?;
        Ok(matrix)
    }

    /// # Errors
    /// No feature, a name given twice, a number of values other than rows × features, an infinite
    /// value.
    pub fn validate(&self) -> Result<(), TrainingError> {
        if self.features.is_empty() {
            return Err(TrainingError::TooFew {
                what: "features",
                needed: 1,
                found: 0,
            });
        }
        let mut names = HashSet::with_capacity(self.features.len());
        for feature in &self.features {
            if !names.insert(&feature.name) {
                return Err(TrainingError::FeatureTwice {
                    feature: feature.name.clone(),
                });
            }
        }
        same_length(
            "values",
            self.rows.saturating_mul(self.features.len()),
            self.values.len(),
        )?;
        match self.values.iter().position(|value| value.is_infinite()) {
            Some(place) => Err(TrainingError::Infinite {
                feature: self.features[place % self.features.len()].name.clone(),
                row: place / self.features.len(),
            }),
            None => Ok(()),
        }
    }

    /// The values of one row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.features.len();
        &self.values[row * width..(row + 1) * width]
    }

    /// The values of one feature, in row order.
    pub fn column(&self, feature: usize) -> impl Iterator<Item = f32> + '_ {
        self.values
            .iter()
            .skip(feature)
            .step_by(self.features.len().max(1))
            .copied()
    }

    /// The rows named, in that order.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.features.len());
        for &row in rows {
            values.extend_from_slice(self.row(row));
        }
        Self {
            features: self.features.clone(),
            rows: rows.len(),
            values,
        }
    }
}

/// A table with its outcome. Every sequence has one item per row of the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    pub matrix: Matrix,
    pub outcome: Vec<bool>,
    /// Whose row it is: the patient. Rows of one group never part in a split.
    pub group: Vec<String>,
    /// Where the row comes from: the hospital.
    pub site: Option<Vec<String>>,
    /// How much the row counts in training; 1 where absent.
    pub weight: Option<Vec<f32>>,
}

impl Examples {
    /// # Errors
    /// A broken matrix ([`Matrix::validate`]), different lengths, a bad weight, one outcome only
    /// (rows of weight 0 do not count), fewer than [`MINIMUM_GROUPS`] groups.
    pub fn validate(&self) -> Result<(), TrainingError> {
        self.matrix.validate()?;
        let rows = self.matrix.rows;
        same_length("outcomes", rows, self.outcome.len())?;
        same_length("groups", rows, self.group.len())?;
        if let Some(site) = &self.site {
            same_length("sites", rows, site.len())?;
        }
        if let Some(weight) = &self.weight {
            same_length("weights", rows, weight.len())?;
            if let Some(row) = weight.iter().position(|w| !w.is_finite() || *w < 0.0) {
                return Err(TrainingError::Weight { row });
            }
        }
        self.both_outcomes()?;
        let found = group_indices(&self.group).1;
        if found < MINIMUM_GROUPS {
            return Err(TrainingError::TooFew {
                what: "groups",
                needed: MINIMUM_GROUPS,
                found,
            });
        }
        Ok(())
    }

    pub(crate) fn both_outcomes(&self) -> Result<(), TrainingError> {
        let present = |outcome: bool| {
            (0..self.outcome.len())
                .any(|row| self.outcome[row] == outcome && self.weight(row) > 0.0)
        };
        match (present(true), present(false)) {
            (true, true) => Ok(()),
            (true, false) => Err(TrainingError::OneClassOnly { present: "with" }),
            (false, _) => Err(TrainingError::OneClassOnly { present: "without" }),
        }
    }

    /// The weight of a row; 1 where no weights are given.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn weight(&self, row: usize) -> f64 {
        self.weight
            .as_ref()
            .map_or(1.0, |weight| f64::from(weight[row]))
    }

    /// The rows named, in that order.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |all: &Vec<String>| rows.iter().map(|&row| all[row].clone()).collect();
        Self {
            matrix: self.matrix.select(rows),
            outcome: rows.iter().map(|&row| self.outcome[row]).collect(),
            group: pick(&self.group),
            site: self.site.as_ref().map(pick),
            weight: self
                .weight
                .as_ref()
                .map(|weight| rows.iter().map(|&row| weight[row]).collect()),
        }
    }
}

/// Each row's group as a number, in the order the groups first appear, and how many there are.
pub(crate) fn group_indices(groups: &[String]) -> (Vec<usize>, usize) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let rows = groups
        .iter()
        .map(|group| {
            let next = known.len();
            *known.entry(group).or_insert(next)
        })
        .collect();
    let count = known.len();
    (rows, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Examples {
        let rows = 12;
        Examples {
            matrix: Matrix {
                features: vec![Feature::named("age"), Feature::named("ldl")],
                rows,
                values: (0..rows * 2).map(|v| v as f32).collect(),
            },
            outcome: (0..rows).map(|row| row % 3 == 0).collect(),
            group: (0..rows).map(|row| format!("p{row}")).collect(),
            site: None,
            weight: None,
        }
    }

    #[test]
    fn missing_is_allowed_and_infinite_is_named() {
        let mut good = examples();
        good.matrix.values[3] = f32::NAN;
        assert_eq!(good.validate(), Ok(()));
        good.matrix.values[5] = f32::NEG_INFINITY;
        assert_eq!(
            good.validate(),
            Err(TrainingError::Infinite {
                feature: "ldl".into(),
                row: 2
            })
        );
    }

    #[test]
    fn each_fault_has_its_refusal() {
        let mut one_class = examples();
        one_class.outcome.fill(true);
        assert_eq!(
            one_class.validate(),
            Err(TrainingError::OneClassOnly { present: "with" })
        );
        let mut weightless = examples();
        weightless.weight = Some(
            weightless
                .outcome
                .iter()
                .map(|y| if *y { 0.0 } else { 1.0 })
                .collect(),
        );
        assert_eq!(
            weightless.validate(),
            Err(TrainingError::OneClassOnly { present: "without" })
        );
        let mut few = examples();
        few.group.fill("p1".into());
        assert_eq!(
            few.validate(),
            Err(TrainingError::TooFew {
                what: "groups",
                needed: MINIMUM_GROUPS,
                found: 1
            })
        );
        let mut short = examples();
        short.outcome.pop();
        assert!(matches!(
            short.validate(),
            Err(TrainingError::Length {
                what: "outcomes",
                expected: 12,
                found: 11
            })
        ));
        let mut twice = examples();
        twice.matrix.features[1].name = "age".into();
        assert!(matches!(
            twice.validate(),
            Err(TrainingError::FeatureTwice { .. })
        ));
        let mut negative = examples();
        negative.weight = Some(vec![-1.0; 12]);
        assert_eq!(negative.validate(), Err(TrainingError::Weight { row: 0 }));
    }

    #[test]
    fn select_and_column_follow_row_major_order() {
        let part = examples().select(&[4, 1]);
        assert_eq!(part.matrix.row(0), [8.0, 9.0]);
        assert_eq!(part.matrix.column(1).collect::<Vec<_>>(), [9.0, 3.0]);
        assert_eq!(part.group, ["p4", "p1"]);
    }
}
