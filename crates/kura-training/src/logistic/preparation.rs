//! From a table with gaps to standardised columns.

use super::MAXIMUM_COLUMNS;
use crate::error::TrainingError;
use crate::table::Matrix;

/// Where a column of the design comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Column {
    /// The feature's value, filled where missing.
    Value(usize),
    /// 1 where the feature is missing.
    Missing(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Standard {
    pub column: Column,
    pub mean: f32,
    pub scale: f32,
}

/// The design: `[columns, rows]`, each column contiguous, mean about 0, variance about 1; a
/// constant column is all 0.
pub(super) struct Prepared {
    pub median: Vec<f32>,
    pub columns: Vec<Standard>,
    pub values: Vec<f64>,
}

pub(super) fn prepare(
    matrix: &Matrix,
    weight: &[f64],
    missing_indicator: bool,
) -> Result<Prepared, TrainingError> {
    let width = matrix.features.len();
    let gaps: Vec<usize> = (0..width)
        .map(|feature| matrix.column(feature).filter(|v| v.is_nan()).count())
        .collect();
    // A feature that is never or always missing has no second column: it would be constant.
    let indicators = (0..width)
        .filter(|&feature| missing_indicator && gaps[feature] > 0 && gaps[feature] < matrix.rows);
    let columns: Vec<Column> = (0..width)
        .map(Column::Value)
        .chain(indicators.map(Column::Missing))
        .collect();
    if columns.len() > MAXIMUM_COLUMNS {
        return Err(TrainingError::TooManyColumns {
            allowed: MAXIMUM_COLUMNS,
            found: columns.len(),
        });
    }
    let median: Vec<f32> = (0..width).map(|f| median(matrix.column(f))).collect();
    let mut values = Vec::with_capacity(columns.len() * matrix.rows);
    let columns = columns
        .into_iter()
        .map(|column| {
            let start = values.len();
            match column {
                Column::Value(feature) => values.extend(
                    matrix
                        .column(feature)
                        .map(|v| f64::from(if v.is_nan() { median[feature] } else { v })),
                ),
                Column::Missing(feature) => values.extend(
                    matrix
                        .column(feature)
                        .map(|v| if v.is_nan() { 1.0 } else { 0.0 }),
                ),
            }
            let (mean, scale) = standardise(&mut values[start..], weight);
            Standard {
                column,
                mean,
                scale,
            }
        })
        .collect();
    Ok(Prepared {
        median,
        columns,
        values,
    })
}

/// Of the values present; 0 where there are none.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut present: Vec<f32> = values.filter(|v| !v.is_nan()).collect();
    if present.is_empty() {
        return 0.0;
    }
    let middle = present.len() / 2;
    let (below, &mut upper, _) = present.select_nth_unstable_by(middle, f32::total_cmp);
    if below.len() * 2 + 1 == present.len() {
        return upper;
    }
    let lower = present[..middle]
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    ((f64::from(lower) + f64::from(upper)) / 2.0) as f32
}

/// Shifts and scales in place by the constants returned, which are rounded first: an exported
/// model subtracts and divides in single precision.
fn standardise(values: &mut [f64], weight: &[f64]) -> (f32, f32) {
    let total: f64 = weight.iter().sum();
    let mean = values.iter().zip(weight).map(|(v, w)| v * w).sum::<f64>() / total;
    let variance = values
        .iter()
        .zip(weight)
        .map(|(v, w)| w * (v - mean).powi(2))
        .sum::<f64>()
        / total;
    let deviation = variance.sqrt();
    // Below the spacing of single precision numbers around the mean there is no variation to see.
    let least = (f64::from(f32::EPSILON) * mean.abs()).max(f64::from(f32::MIN_POSITIVE));
    if deviation <= least {
        values.fill(0.0);
        return (mean as f32, 1.0);
    }
    let (mean, scale) = (mean as f32, deviation as f32);
    for value in values {
        *value = (*value - f64::from(mean)) / f64::from(scale);
    }
    (mean, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Feature;

    #[test]
    fn median_of_the_values_present() {
        let of = |values: &[f32]| median(values.iter().copied());
        assert_eq!(of(&[3.0, f32::NAN, 1.0, 2.0]), 2.0);
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(of(&[f32::NAN]), 0.0);
    }

    #[test]
    fn columns_are_filled_standardised_and_told_apart() {
        let n = f32::NAN;
        let names = ["full", "gaps", "constant", "absent"];
        let matrix = Matrix::new(
            names.map(Feature::named).to_vec(),
            4,
            vec![
                1.0, 5.0, 7.0, n, //
                2.0, n, 7.0, n, //
                3.0, 9.0, 7.0, n, //
                4.0, 7.0, 7.0, n,
            ],
        )
        .unwrap();
        let prepared = prepare(&matrix, &[1.0; 4], true).unwrap();
        assert_eq!(prepared.median, [2.5, 7.0, 7.0, 0.0]);
        assert_eq!(prepared.columns.len(), 5);
        assert_eq!(prepared.columns[4].column, Column::Missing(1));
        assert_eq!(prepared.columns[4].mean, 0.25);
        assert_eq!(prepared.columns[0].mean, 2.5);
        // Population variance 1.25.
        assert!((prepared.columns[0].scale - 1.25f32.sqrt()).abs() < 1e-6);
        assert!(prepared.values[8..16].iter().all(|v| *v == 0.0));
    }
}
