//! How well probabilities fit outcomes.

/// Area under the receiver operating characteristic curve: the chance that a row with the outcome
/// is ranked above one without, ties counting half (D. Bamber, J. Math. Psychol. 12 (1975),
/// eq. 6; by mid-ranks). `None` where one kind of row is absent.
pub fn auc(outcome: &[bool], score: &[f32]) -> Option<f64> {
    let mut order: Vec<usize> = (0..outcome.len().min(score.len())).collect();
    order.sort_by(|&a, &b| score[a].total_cmp(&score[b]));
    let (mut positives, mut negatives, mut wins) = (0u64, 0u64, 0u128);
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|&&row| score[row] == score[order[start]])
            .count()
            .max(1);
        let here = order[start..start + tied]
            .iter()
            .filter(|&&row| outcome[row])
            .count() as u64;
        let others = tied as u64 - here;
        // Doubled, so that a tie's half is a whole number.
        wins += u128::from(here) * u128::from(2 * negatives + others);
        positives += here;
        negatives += others;
        start += tied;
    }
    let pairs = 2 * u128::from(positives) * u128::from(negatives);
    (pairs > 0).then(|| wins as f64 / pairs as f64)
}

/// Mean squared difference of probability and outcome (G. W. Brier, Mon. Weather Rev. 78 (1950)
/// 1–3); 0 is best. NaN for no rows.
pub fn brier(outcome: &[bool], probability: &[f32]) -> f64 {
    let sum: f64 = outcome
        .iter()
        .zip(probability)
        .map(|(&y, &p)| (f64::from(p) - if y { 1.0 } else { 0.0 }).powi(2))
        .sum();
    sum / outcome.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_pairs() {
        // Pairs (with, without): .8>.1, .8>.4, .8>.5, .4>.1, .4=.4, .4<.5 — 4.5 of 6.
        let outcome = [false, true, false, true, false];
        assert_eq!(auc(&outcome, &[0.1, 0.8, 0.4, 0.4, 0.5]), Some(0.75));
        assert_eq!(auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn brier_of_a_coin() {
        assert_eq!(brier(&[true, false], &[0.5, 0.5]), 0.25);
        assert_eq!(brier(&[true, false], &[1.0, 0.0]), 0.0);
    }
}
