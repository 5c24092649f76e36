//! Proportions against a margin.

use super::{Margin, MarginTest};
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, IntervalMethod};
use crate::observation::{ClusterId, Clustering, members};
use crate::proportion::clustered::ratio_variance;
use crate::proportion::difference::{PairedCounts, UnpairedCounts};
use crate::special::normal;
use crate::warning::Warning;

/// Interval of a difference of independent proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnpairedMethod {
    Newcombe,
    MiettinenNurminen,
}

/// Interval of a difference of paired proportions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairedMethod {
    Newcombe,
    Tango,
}

/// Whether the new and the reference test were right on one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairedOutcome {
    pub cluster: ClusterId,
    pub new: bool,
    pub reference: bool,
}

/// Independent proportions; `first` is the new test. p values from the Miettinen–Nurminen score.
///
/// # Errors
/// As [`UnpairedCounts::newcombe`].
pub fn unpaired_counts(
    counts: &UnpairedCounts,
    method: UnpairedMethod,
    margin: Margin,
) -> Result<MarginTest, EvaluationError> {
    let level = margin.level()?;
    let difference = match method {
        UnpairedMethod::Newcombe => counts.newcombe(level)?,
        UnpairedMethod::MiettinenNurminen => counts.miettinen_nurminen(level)?,
    };
    let p = |against: f64| Estimable::Estimate(normal::upper_tail(counts.score(against)));
    Ok(MarginTest {
        margin,
        difference,
        p_non_inferiority: p(-margin.margin()),
        p_superiority: p(0.0),
        verdict: margin.verdict(&difference),
        warnings: Vec::new(),
    })
}

/// Paired proportions from counts, where the caller answers for the pairs being independent;
/// `first` is the new test. p values from Tango's score.
///
/// # Errors
/// As [`PairedCounts::tango`].
pub fn paired_counts(
    counts: &PairedCounts,
    method: PairedMethod,
    margin: Margin,
) -> Result<MarginTest, EvaluationError> {
    let level = margin.level()?;
    let difference = match method {
        PairedMethod::Newcombe => counts.newcombe(level)?,
        PairedMethod::Tango => counts.tango(level)?,
    };
    let p = |against: f64| Estimable::Estimate(normal::upper_tail(counts.score(against)));
    Ok(MarginTest {
        margin,
        difference,
        p_non_inferiority: p(-margin.margin()),
        p_superiority: p(0.0),
        verdict: margin.verdict(&difference),
        warnings: Vec::new(),
    })
}

/// Paired proportions from observations that know their patient: the usual way in. Where
/// observations repeat, the variance is the one between clusters (V. L. Durkalski et al., Stat.
/// Med. 22 (2003) 2417–2428), the interval is Wald's, and a warning says so.
///
/// # Errors
/// [`EvaluationError::EmptyGroup`] without observations; [`EvaluationError::TooFew`] when repeated
/// observations come from one cluster only.
pub fn paired_outcomes(
    outcomes: &[PairedOutcome],
    method: PairedMethod,
    margin: Margin,
) -> Result<MarginTest, EvaluationError> {
    let new: Vec<bool> = outcomes.iter().map(|o| o.new).collect();
    let reference: Vec<bool> = outcomes.iter().map(|o| o.reference).collect();
    let plain = paired_counts(&PairedCounts::from_pairs(&new, &reference)?, method, margin)?;
    let clustering = Clustering::of(outcomes.iter().map(|o| o.cluster));
    if !clustering.is_repeated() {
        return Ok(plain);
    }
    crate::error::at_least("clusters", clustering.clusters, 2)?;
    let ids: Vec<ClusterId> = outcomes.iter().map(|o| o.cluster).collect();
    let difference =
        |o: &PairedOutcome| f64::from(u8::from(o.new)) - f64::from(u8::from(o.reference));
    let groups: Vec<(f64, f64)> = members(&ids)
        .iter()
        .map(|group| {
            let sum = group.iter().map(|&i| difference(&outcomes[i])).sum();
            (sum, group.len() as f64)
        })
        .collect();
    let estimate = plain.difference.estimate;
    let variance = ratio_variance(&groups, estimate);
    let standard_error = variance.sqrt();
    let n = outcomes.len() as f64;
    let plain_variance =
        (outcomes.iter().map(|o| difference(o).powi(2)).sum::<f64>() / n - estimate * estimate) / n;
    let level = margin.level()?;
    let interval = Interval::symmetric(
        estimate,
        level.z() * standard_error,
        level,
        IntervalMethod::Wald,
    );
    let mut warnings = vec![Warning::ClusteredObservations {
        quantity: "difference of paired proportions",
        observations: clustering.observations,
        clusters: clustering.clusters,
        largest_cluster: clustering.largest_cluster,
        design_effect: (plain_variance > 0.0).then(|| variance / plain_variance),
    }];
    if clustering.clusters < 20 {
        warnings.push(Warning::FewClusters {
            quantity: "difference of paired proportions",
            clusters: clustering.clusters,
        });
    }
    Ok(margin.test(interval, standard_error, None, warnings))
}
