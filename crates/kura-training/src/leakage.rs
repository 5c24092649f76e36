//! Signs that a table tells the outcome in a way that will not be there when it matters.
//!
//! The kinds follow S. Kaufman et al., "Leakage in data mining", ACM Trans. Knowl. Discov. Data 6
//! (2012), and S. Kapoor and A. Narayanan, "Leakage and the reproducibility crisis in
//! machine-learning-based science", Patterns 4 (2023), Table 1. A finding is a reason to look, not
//! a proof.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::baseline::ranking;
use crate::error::{TrainingError, same_length};
use crate::metric::auc;
use crate::split::groups_in_two_parts;
use crate::table::{Examples, group_indices};

/// A feature that ranks rows this well (or this badly) alone is suspect.
const SOLE_AUC: f64 = 0.99;
/// Missingness that ranks rows this well alone is worth a look, this well an error.
const MISSING_AUC: f64 = 0.7;
const MISSING_AUC_ERROR: f64 = 0.9;
/// The chance, over all features, below which perfect separation is no accident.
const ACCIDENT: f64 = 0.01;
/// Patients or rows below which order and uniqueness say nothing.
const ENOUGH: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakageRule {
    /// One feature nearly decides the outcome, or the outcome is a function of it.
    SolePredictor,
    /// A whole number that names the patient and orders nothing.
    Identifier,
    /// The value runs with the order of the rows.
    RowOrder,
    /// One value only.
    Constant,
    AllMissing,
    /// Whether the value is there tells the outcome.
    Missingness,
    /// Rows of one patient are in two parts of a split.
    GroupInTwoParts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Useless, harmless.
    Note,
    /// To be looked at by someone who knows where the values come from.
    Warning,
    /// A result obtained with it is not to be trusted.
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: LeakageRule,
    /// The name of the feature; `None` where the finding is about rows.
    pub feature: Option<String>,
    /// One sentence with the figure that gave rise to it; no value of a person.
    pub detail: String,
    pub severity: Severity,
}

/// Looks at every feature. Findings are in the order of the features.
///
/// # Errors
/// [`Examples::validate`].
pub fn leakage(examples: &Examples) -> Result<Vec<Finding>, TrainingError> {
    examples.validate()?;
    let table = Table::new(examples);
    let mut findings = Vec::new();
    for feature in 0..examples.matrix.features.len() {
        let mut add = |rule, severity, detail| {
            findings.push(Finding {
                rule,
                feature: Some(examples.matrix.features[feature].name.clone()),
                detail,
                severity,
            });
        };
        let values: Vec<f32> = examples.matrix.column(feature).collect();
        let mut present = values.iter().copied().filter(|v| !v.is_nan());
        let Some(first) = present.next() else {
            add(
                LeakageRule::AllMissing,
                Severity::Note,
                "no row has a value".to_owned(),
            );
            continue;
        };
        if let Some(found) = table.missingness(&values) {
            let severity = if found >= MISSING_AUC_ERROR {
                Severity::Error
            } else {
                Severity::Warning
            };
            let detail =
                format!("whether the value is missing ranks the rows with an AUC of {found:.3}");
            add(LeakageRule::Missingness, severity, detail);
        }
        if present.all(|value| value == first) {
            add(
                LeakageRule::Constant,
                Severity::Note,
                "every value is the same".to_owned(),
            );
            continue;
        }
        let alone = ranking(&examples.matrix, feature, &examples.outcome);
        if let Some(detail) = table.sole_predictor(&values, alone) {
            add(LeakageRule::SolePredictor, Severity::Error, detail);
        }
        if let Some(detail) = table.identifier(&values, alone) {
            add(LeakageRule::Identifier, Severity::Warning, detail);
        }
        if let Some(detail) = row_order(&values) {
            add(LeakageRule::RowOrder, Severity::Warning, detail);
        }
    }
    Ok(findings)
}

/// Looks whether a division of rows keeps patients together; `parts` is the part of each row.
///
/// # Errors
/// Different lengths.
pub fn leakage_between_parts(
    groups: &[String],
    parts: &[usize],
) -> Result<Option<Finding>, TrainingError> {
    same_length("parts", groups.len(), parts.len())?;
    let straying = groups_in_two_parts(groups, parts);
    Ok((straying > 0).then(|| Finding {
        rule: LeakageRule::GroupInTwoParts,
        feature: None,
        detail: format!("{straying} groups have rows in more than one part"),
        severity: Severity::Error,
    }))
}

struct Table<'a> {
    examples: &'a Examples,
    group_of: Vec<usize>,
    groups: usize,
}

impl<'a> Table<'a> {
    fn new(examples: &'a Examples) -> Self {
        let (group_of, groups) = group_indices(&examples.group);
        Self {
            examples,
            group_of,
            groups,
        }
    }

    /// The area under the curve of "is missing", either way round, where it is large and patients
    /// are many enough that it is no accident.
    fn missingness(&self, values: &[f32]) -> Option<f64> {
        let missing: Vec<f32> = values
            .iter()
            .map(|v| if v.is_nan() { 1.0 } else { 0.0 })
            .collect();
        let area = auc(&self.examples.outcome, &missing)?;
        let area = area.max(1.0 - area);
        if area < MISSING_AUC {
            return None;
        }
        // AUC − ½ is half the difference of the two missing rates. Their z-test, with patients
        // for rows, at four standard errors.
        let (with, without) = self.groups_by_outcome(|_| true);
        let rate = missing.iter().map(|m| f64::from(*m)).sum::<f64>() / missing.len() as f64;
        let error = (rate * (1.0 - rate) * (1.0 / with as f64 + 1.0 / without as f64)).sqrt();
        (2.0 * area - 1.0 > 4.0 * error).then_some(area)
    }

    /// Patients with at least one row, among those chosen, with the outcome, and without.
    fn groups_by_outcome(&self, chosen: impl Fn(usize) -> bool) -> (usize, usize) {
        let count = |class: bool| {
            (0..self.group_of.len())
                .filter(|&row| chosen(row) && self.examples.outcome[row] == class)
                .map(|row| self.group_of[row])
                .collect::<HashSet<_>>()
                .len()
        };
        (count(true), count(false))
    }

    fn sole_predictor(&self, values: &[f32], alone: Option<f64>) -> Option<String> {
        let (with, without) = self.groups_by_outcome(|row| !values[row].is_nan());
        // The chance that a meaningless feature separates so many patients perfectly is
        // 2 / (n over m); with few patients and many features, one will.
        let chance = 2.0 * (-ln_choose(with + without, with)).exp();
        if chance * self.examples.matrix.features.len() as f64 > ACCIDENT {
            return None;
        }
        if let Some(area) = alone
            && area.max(1.0 - area) > SOLE_AUC
        {
            return Some(format!("alone it ranks the rows with an AUC of {area:.4}"));
        }
        // A code: few values, each with one outcome.
        let mut outcome_of: HashMap<u32, bool> = HashMap::new();
        for (&value, &y) in values.iter().zip(&self.examples.outcome) {
            if !value.is_nan() && *outcome_of.entry(key(value)).or_insert(y) != y {
                return None;
            }
        }
        let codes = outcome_of.len();
        (codes * 5 <= with + without)
            .then(|| format!("the outcome is a function of it ({codes} values)"))
    }

    /// A whole number, the same within a patient, another in nearly every other patient, that
    /// does not rank the outcome.
    fn identifier(&self, values: &[f32], alone: Option<f64>) -> Option<String> {
        if self.groups < ENOUGH || alone.is_some_and(|area| (area - 0.5).abs() > 0.15) {
            return None;
        }
        let mut of_group: BTreeMap<usize, u32> = BTreeMap::new();
        for (&group, &value) in self.group_of.iter().zip(values) {
            if value.is_nan() || value.fract() != 0.0 {
                return None;
            }
            if *of_group.entry(group).or_insert(key(value)) != key(value) {
                return None;
            }
        }
        let distinct = of_group.values().collect::<HashSet<_>>().len();
        (distinct * 100 >= self.groups * 95).then(|| {
            format!(
                "{distinct} different whole numbers for {} groups",
                self.groups
            )
        })
    }
}

/// Spearman's rank correlation with the row number, where it is nearly 1 or −1.
fn row_order(values: &[f32]) -> Option<String> {
    let rows: Vec<usize> = (0..values.len()).filter(|&r| !values[r].is_nan()).collect();
    let distinct: HashSet<u32> = rows.iter().map(|&row| key(values[row])).collect();
    if distinct.len() < ENOUGH {
        return None;
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| values[rows[a]].total_cmp(&values[rows[b]]));
    let mut rank = vec![0.0; rows.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|&&i| values[rows[i]] == values[rows[order[start]]])
            .count()
            .max(1);
        for &i in &order[start..start + tied] {
            rank[i] = start as f64 + (tied - 1) as f64 / 2.0;
        }
        start += tied;
    }
    let middle = (rows.len() - 1) as f64 / 2.0;
    let (mut both, mut own, mut place) = (0.0, 0.0, 0.0);
    for (i, r) in rank.iter().enumerate() {
        let (a, b) = (r - middle, i as f64 - middle);
        both += a * b;
        own += a * a;
        place += b * b;
    }
    let correlation = both / (own * place).sqrt();
    (correlation.abs() > 0.99)
        .then(|| format!("rank correlation with the row number {correlation:.4}"))
}

/// Equal for equal values: 0 and −0 are one.
fn key(value: f32) -> u32 {
    (value + 0.0).to_bits()
}

fn ln_choose(n: usize, k: usize) -> f64 {
    (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::table::{Feature, Matrix};

    const ROWS: usize = 200;

    /// A column's value, from (row, outcome, generator).
    type Column<'a> = &'a dyn Fn(usize, bool, &mut Generator) -> f32;

    /// 100 patients of two rows each.
    fn table(columns: &[(&str, Column<'_>)]) -> Examples {
        let mut generator = Generator::new(8);
        let outcome: Vec<bool> = (0..ROWS / 2)
            .map(|_| generator.below(2) == 0)
            .flat_map(|y| [y, y])
            .collect();
        let mut values = Vec::new();
        for (row, &y) in outcome.iter().enumerate() {
            for (_, column) in columns {
                values.push(column(row, y, &mut generator));
            }
        }
        Examples {
            matrix: Matrix {
                features: columns.iter().map(|c| Feature::named(c.0)).collect(),
                rows: ROWS,
                values,
            },
            outcome,
            group: (0..ROWS).map(|row| format!("p{}", row / 2)).collect(),
            site: None,
            weight: None,
        }
    }

    fn uniform(generator: &mut Generator) -> f32 {
        generator.below(1 << 20) as f32 / (1 << 20) as f32
    }

    #[test]
    fn each_kind_is_found_and_a_fair_feature_is_not() {
        let examples = table(&[
            ("measurement", &|_, y, g| {
                uniform(g) + if y { 0.4 } else { 0.0 }
            }),
            ("noise", &|_, _, g| uniform(g)),
            ("age", &|row, _, _| ((row / 2) * 37 % 60 + 20) as f32),
            ("discharge_code", &|_, y, g| {
                (if y { [3, 8, 5] } else { [1, 4, 7] })[g.below(3)] as f32
            }),
            ("drug_given", &|_, y, g| {
                uniform(g) - if y { 2.0 } else { 0.0 }
            }),
            ("patient_number", &|row, _, _| {
                ((row / 2) * 7919 % 10007) as f32
            }),
            ("accession", &|row, _, _| 5000.5 + row as f32),
            ("constant", &|_, _, _| 1.0),
            ("absent", &|_, _, _| f32::NAN),
            ("biopsy", &|_, y, g| {
                if y && g.below(10) > 0 {
                    1.0 + uniform(g)
                } else {
                    f32::NAN
                }
            }),
            ("half_missing", &|_, _, g| {
                if g.below(2) == 0 {
                    f32::NAN
                } else {
                    uniform(g)
                }
            }),
        ]);
        let findings = leakage(&examples).unwrap();
        let found: Vec<_> = findings
            .iter()
            .map(|f| (f.feature.as_deref().unwrap(), f.rule, f.severity))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "discharge_code",
                    LeakageRule::SolePredictor,
                    Severity::Error
                ),
                ("drug_given", LeakageRule::SolePredictor, Severity::Error),
                ("patient_number", LeakageRule::Identifier, Severity::Warning),
                ("accession", LeakageRule::RowOrder, Severity::Warning),
                ("constant", LeakageRule::Constant, Severity::Note),
                ("absent", LeakageRule::AllMissing, Severity::Note),
                ("biopsy", LeakageRule::Missingness, Severity::Error),
            ]
        );
    }

    /// Six patients each: among many features one separates them by accident.
    #[test]
    fn perfect_separation_of_few_is_no_finding() {
        let examples = Examples {
            matrix: Matrix {
                features: (0..50).map(|f| Feature::named(format!("f{f}"))).collect(),
                rows: 12,
                values: (0..12 * 50).map(|v| (v / 50) as f32 + 0.5).collect(),
            },
            outcome: (0..12).map(|row| row < 6).collect(),
            group: (0..12).map(|row| format!("p{row}")).collect(),
            site: None,
            weight: None,
        };
        assert_eq!(leakage(&examples), Ok(Vec::new()));
    }

    #[test]
    fn a_patient_in_two_parts_is_an_error() {
        let groups = ["a", "a", "b"].map(str::to_owned);
        assert_eq!(leakage_between_parts(&groups, &[0, 0, 1]), Ok(None));
        let finding = leakage_between_parts(&groups, &[0, 1, 1]).unwrap().unwrap();
        assert_eq!(finding.rule, LeakageRule::GroupInTwoParts);
        assert!(leakage_between_parts(&groups, &[0]).is_err());
    }

    #[test]
    fn ln_choose_counts() {
        assert!((ln_choose(10, 5).exp() - 252.0).abs() < 1e-9);
        assert_eq!(ln_choose(4, 0), 0.0);
    }
}
