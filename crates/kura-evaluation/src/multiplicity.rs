//! p values of several tests, adjusted.

use serde::Serialize;

use crate::error::{EvaluationError, probabilities};

/// What is kept in check. An adjusted p at or below α is a finding at level α.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplicity {
    /// Family-wise error, any dependence: O. J. Dunn, J. Am. Stat. Assoc. 56 (1961) 52–64.
    Bonferroni,
    /// Family-wise error, any dependence, never worse: S. Holm, Scand. J. Stat. 6 (1979) 65–70.
    Holm,
    /// Family-wise error, independent or positively dependent: Y. Hochberg, Biometrika 75 (1988)
    /// 800–802.
    Hochberg,
    /// False discovery rate: Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289–300.
    BenjaminiHochberg,
}

/// Adjusted p values in the order given.
///
/// # Errors
/// A p value outside [0, 1].
pub fn adjust(p: &[f64], method: Multiplicity) -> Result<Vec<f64>, EvaluationError> {
    probabilities("p value", p)?;
    let m = p.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; m];
    let factor = |rank: usize| match method {
        Multiplicity::Bonferroni => m as f64,
        Multiplicity::Holm | Multiplicity::Hochberg => (m - rank) as f64,
        Multiplicity::BenjaminiHochberg => m as f64 / (rank as f64 + 1.0),
    };
    match method {
        Multiplicity::Bonferroni | Multiplicity::Holm => {
            // Step down: never below an earlier one.
            let mut running = 0.0_f64;
            for (rank, &i) in order.iter().enumerate() {
                running = running.max((factor(rank) * p[i]).min(1.0));
                adjusted[i] = if method == Multiplicity::Holm {
                    running
                } else {
                    (factor(rank) * p[i]).min(1.0)
                };
            }
        }
        Multiplicity::Hochberg | Multiplicity::BenjaminiHochberg => {
            // Step up: never above a later one.
            let mut running = 1.0_f64;
            for (rank, &i) in order.iter().enumerate().rev() {
                running = running.min(factor(rank) * p[i]);
                adjusted[i] = running;
            }
        }
    }
    Ok(adjusted)
}
