//! Structural components of the area under the curve and their covariance.
//!
//! E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988) 837–845. The
//! components are found in O(n log n) from ranks: X. Sun and W. Xu, IEEE Signal Process. Lett. 21
//! (2014) 1389–1393. The difference of midranks they use is here counted in one sweep over both
//! sorted lists.

/// AUC with one component per case.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    pub auc: f64,
    /// V₁₀: for each positive, the share of negatives below it (ties one half).
    pub positive: Vec<f64>,
    /// V₀₁: for each negative, the share of positives above it (ties one half).
    pub negative: Vec<f64>,
}

/// Components of finite scores; both lists hold at least one.
pub(crate) fn components(positive: &[f64], negative: &[f64]) -> Components {
    let v10 = share_below(positive, negative);
    let v01: Vec<f64> = share_below(negative, positive)
        .into_iter()
        .map(|below| 1.0 - below)
        .collect();
    let auc = v10.iter().sum::<f64>() / positive.len() as f64;
    Components {
        auc,
        positive: v10,
        negative: v01,
    }
}

/// For each of `of`, (#{others < it} + ½ #{others = it}) / #others, in the order given.
fn share_below(of: &[f64], others: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..of.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| of[a as usize].total_cmp(&of[b as usize]));
    let mut sorted = others.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let mut result = vec![0.0; of.len()];
    let (mut below, mut up_to) = (0, 0);
    for index in order {
        let value = of[index as usize];
        while below < sorted.len() && sorted[below] < value {
            below += 1;
        }
        while up_to < sorted.len() && sorted[up_to] <= value {
            up_to += 1;
        }
        result[index as usize] = (below as f64 + 0.5 * (up_to - below) as f64) / n;
    }
    result
}

/// Covariance of two areas measured on the same cases: S₁₀/m + S₀₁/n (DeLong et al. 1988).
/// Both classes must hold at least two cases.
pub(crate) fn covariance(a: &Components, b: &Components) -> f64 {
    let positives = sample_covariance(&a.positive, a.auc, &b.positive, b.auc);
    let negatives = sample_covariance(&a.negative, a.auc, &b.negative, b.auc);
    positives / a.positive.len() as f64 + negatives / a.negative.len() as f64
}

fn sample_covariance(x: &[f64], mean_x: f64, y: &[f64], mean_y: f64) -> f64 {
    let sum: f64 = x
        .iter()
        .zip(y)
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    sum / (x.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_one_half() {
        let c = components(&[1.0, 2.0, 2.0], &[2.0, 0.0]);
        assert_eq!(c.positive, [0.5, 0.75, 0.75]);
        // Negative 2.0: 1.0 below, two ties; negative 0.0: all above.
        assert!((c.negative[0] - 1.0 / 3.0).abs() < 1e-15);
        assert!((c.negative[1] - 1.0).abs() < 1e-15);
        assert!((c.auc - 2.0 / 3.0).abs() < 1e-15);
    }
}
