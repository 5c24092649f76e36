//! A measure in each subgroup, with what keeps one from reading too much into it: a smallest
//! number, an adjustment for many looks, and a test that subgroups differ at all.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{EvaluationError, at_least};
use crate::interval::{Estimable, Level};
use crate::multiplicity::{Multiplicity, adjust};
use crate::observation::{Clustering, Decision, Outcome, Scored};
use crate::proportion::Proportion;
use crate::roc::{AucEstimate, RocData};
use crate::special::distribution::chi_square_upper_tail;
use crate::special::normal;
use crate::warning::Warning;

/// An observation with the subgroup it belongs to (sex, age band, site, scanner …).
#[derive(Debug, Clone, PartialEq)]
pub struct Subgrouped<T> {
    pub subgroup: String,
    pub observation: T,
}

/// A proportion that decisions give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Sensitivity,
    Specificity,
    PositivePredictiveValue,
    NegativePredictiveValue,
    Accuracy,
}

impl Measure {
    /// The outcome a decision adds to this measure; `None` when it does not enter.
    pub fn outcome(self, decision: &Decision) -> Option<Outcome> {
        let enters = match self {
            Measure::Sensitivity => decision.diseased,
            Measure::Specificity => !decision.diseased,
            Measure::PositivePredictiveValue => decision.positive,
            Measure::NegativePredictiveValue => !decision.positive,
            Measure::Accuracy => true,
        };
        enters.then_some(Outcome {
            cluster: decision.cluster,
            success: decision.positive == decision.diseased,
        })
    }
}

/// Fixed before the subgroups are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SubgroupPlan {
    /// A subgroup with fewer patients (clusters; for areas, of either class) shows only its n.
    pub smallest: usize,
    pub multiplicity: Multiplicity,
    pub level: Level,
}

/// One subgroup.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubgroupRow<T> {
    pub subgroup: String,
    pub observations: usize,
    /// The interval is not adjusted for the number of subgroups.
    pub result: Estimable<T>,
    /// Two-sided p of this subgroup against all others together; `None` where not estimable.
    pub p: Option<f64>,
    pub adjusted_p: Option<f64>,
}

/// Do subgroups differ? χ² on k − 1 degrees of freedom over the subgroups shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Heterogeneity {
    pub subgroups: usize,
    pub chi_square: f64,
    pub df: f64,
    pub p: f64,
    /// (Q − df)/Q, at least 0: share of the spread beyond chance (Higgins and Thompson, Stat. Med.
    /// 21 (2002) 1539–1558).
    pub i_squared: f64,
}

/// All subgroups, by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubgroupReport<T> {
    pub plan: SubgroupPlan,
    pub rows: Vec<SubgroupRow<T>>,
    pub heterogeneity: Estimable<Heterogeneity>,
    pub warnings: Vec<Warning>,
}

const TOO_SMALL: &str = "fewer patients than the smallest number agreed on";

/// A proportion per subgroup. Tests are Pearson's χ² on counts divided by the design effect (Rao
/// and Scott 1992), so repeated observations do not count as new ones.
///
/// # Errors
/// [`EvaluationError::EmptyGroup`] without observations.
pub fn proportion_by_subgroup(
    observations: &[Subgrouped<Outcome>],
    plan: SubgroupPlan,
) -> Result<SubgroupReport<Proportion>, EvaluationError> {
    let groups = grouped(observations)?;
    // (successes, trials) in effective numbers.
    let effective = |p: &Proportion| {
        let n = p
            .clustered
            .as_ref()
            .map_or(p.denominator as f64, |c| c.effective_observations);
        (p.estimate * n, n)
    };
    let mut report = report(
        &groups,
        plan,
        |own, rest| {
            let own = Proportion::named("subgroup proportion", own, plan.level)?;
            let p = if rest.is_empty() {
                None
            } else {
                let rest = Proportion::named("other subgroups", rest, plan.level)?;
                pearson(&[effective(&own), effective(&rest)]).map(|(_, p)| p)
            };
            let warnings = own.warnings.clone();
            Ok((own, p, warnings))
        },
        |own| Clustering::of(own.iter().map(|o| o.cluster)).clusters,
        1,
    )?;
    let cells: Vec<(f64, f64)> = shown(&report.rows).map(effective).collect();
    report.heterogeneity = match pearson(&cells) {
        Some((chi_square, p)) => Estimable::Estimate(heterogeneity(cells.len(), chi_square, p)),
        None => Estimable::NotEstimable { reason: NO_TEST },
    };
    Ok(report)
}

/// The area under the ROC curve per subgroup. Tests use DeLong's variance, or Obuchowski's where
/// observations repeat; heterogeneity is Cochran's Q (Biometrics 10 (1954) 101–129).
///
/// # Errors
/// [`EvaluationError::EmptyGroup`] without observations, or a score that is not finite.
pub fn auc_by_subgroup(
    observations: &[Subgrouped<Scored>],
    plan: SubgroupPlan,
) -> Result<SubgroupReport<AucEstimate>, EvaluationError> {
    let groups = grouped(observations)?;
    let variance = |a: &AucEstimate| {
        a.clustered
            .as_ref()
            .map_or(a.standard_error, |c| c.standard_error)
            .powi(2)
    };
    let fewest = |own: &[Scored]| {
        let of = |diseased: bool| {
            let class = own.iter().filter(|o| o.diseased == diseased);
            Clustering::of(class.map(|o| o.cluster)).clusters
        };
        of(true).min(of(false))
    };
    let mut report = report(
        &groups,
        plan,
        |own, rest| {
            let own = RocData::from_observations(own)?.auc(plan.level)?;
            let rest = RocData::from_observations(rest).and_then(|d| d.auc(plan.level));
            let p = rest.ok().and_then(|rest| {
                let v = variance(&own) + variance(&rest);
                (v > 0.0).then(|| normal::two_sided((own.auc - rest.auc) / v.sqrt()))
            });
            let warnings = own.warnings.clone();
            Ok((own, p, warnings))
        },
        fewest,
        2,
    )?;
    let pairs: Vec<(f64, f64)> = shown(&report.rows).map(|a| (a.auc, variance(a))).collect();
    report.heterogeneity = cochran(&pairs);
    Ok(report)
}

/// Cochran's Q of independent estimates with their variances, for a measure this module does not
/// know.
///
/// # Errors
/// Fewer than two estimates, or a variance that is not above 0.
pub fn cochran_q(estimates: &[(f64, f64)]) -> Result<Heterogeneity, EvaluationError> {
    at_least("estimates", estimates.len(), 2)?;
    match cochran(estimates) {
        Estimable::Estimate(value) => Ok(value),
        Estimable::NotEstimable { reason } => Err(EvaluationError::NotEstimable {
            what: "Cochran's Q",
            reason,
        }),
    }
}

const NO_TEST: &str = "fewer than two subgroups with some variance are large enough";

fn cochran(estimates: &[(f64, f64)]) -> Estimable<Heterogeneity> {
    let usable = estimates.iter().all(|(e, v)| e.is_finite() && *v > 0.0);
    if estimates.len() < 2 || !usable {
        return Estimable::NotEstimable { reason: NO_TEST };
    }
    let weight: f64 = estimates.iter().map(|(_, v)| 1.0 / v).sum();
    let mean = estimates.iter().map(|(e, v)| e / v).sum::<f64>() / weight;
    let q: f64 = estimates.iter().map(|(e, v)| (e - mean).powi(2) / v).sum();
    let df = estimates.len() as f64 - 1.0;
    let p = chi_square_upper_tail(q, df);
    Estimable::Estimate(heterogeneity(estimates.len(), q, p))
}

fn heterogeneity(subgroups: usize, chi_square: f64, p: f64) -> Heterogeneity {
    let df = subgroups as f64 - 1.0;
    Heterogeneity {
        subgroups,
        chi_square,
        df,
        p,
        i_squared: if chi_square > 0.0 {
            ((chi_square - df) / chi_square).max(0.0)
        } else {
            0.0
        },
    }
}

/// Pearson's χ² of successes and failures over groups; `None` when nothing can be tested.
fn pearson(groups: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n: f64 = groups.iter().map(|g| g.1).sum();
    let rate = groups.iter().map(|g| g.0).sum::<f64>() / n;
    if groups.len() < 2 || rate <= 0.0 || rate >= 1.0 {
        return None;
    }
    let chi_square = groups
        .iter()
        .map(|(x, n)| (x - n * rate).powi(2) / (n * rate * (1.0 - rate)))
        .sum();
    Some((
        chi_square,
        chi_square_upper_tail(chi_square, groups.len() as f64 - 1.0),
    ))
}

fn grouped<T: Clone>(
    observations: &[Subgrouped<T>],
) -> Result<BTreeMap<&str, Vec<T>>, EvaluationError> {
    if observations.is_empty() {
        return Err(EvaluationError::EmptyGroup {
            group: "subgroup analysis",
        });
    }
    let mut groups: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    for o in observations {
        let group = groups.entry(&o.subgroup).or_default();
        group.push(o.observation.clone());
    }
    Ok(groups)
}

fn shown<T>(rows: &[SubgroupRow<T>]) -> impl Iterator<Item = &T> {
    rows.iter().filter_map(|row| row.result.value())
}

/// A value, its p against the rest, its warnings.
type Analysed<T> = (T, Option<f64>, Vec<Warning>);

/// `floor`: the smallest size for which the measure has a variance at all.
fn report<O: Clone, T>(
    groups: &BTreeMap<&str, Vec<O>>,
    plan: SubgroupPlan,
    analyse: impl Fn(&[O], &[O]) -> Result<Analysed<T>, EvaluationError>,
    size: impl Fn(&[O]) -> usize,
    floor: usize,
) -> Result<SubgroupReport<T>, EvaluationError> {
    let mut rows = Vec::new();
    let mut warnings = Vec::new();
    for (name, own) in groups {
        let rest: Vec<O> = groups
            .iter()
            .filter(|(other, _)| *other != name)
            .flat_map(|(_, o)| o.iter().cloned())
            .collect();
        let mut row = SubgroupRow {
            subgroup: (*name).to_owned(),
            observations: own.len(),
            result: Estimable::NotEstimable { reason: TOO_SMALL },
            p: None,
            adjusted_p: None,
        };
        let patients = size(own);
        if patients < plan.smallest.max(floor) {
            warnings.push(Warning::SmallGroup {
                quantity: "subgroup",
                patients,
                smallest_allowed: plan.smallest,
            });
        } else {
            let (value, p, mut more) = analyse(own, &rest)?;
            row.result = Estimable::Estimate(value);
            row.p = p;
            warnings.append(&mut more);
        }
        rows.push(row);
    }
    let tested: Vec<f64> = rows.iter().filter_map(|r| r.p).collect();
    let mut adjusted = adjust(&tested, plan.multiplicity)?.into_iter();
    for row in &mut rows {
        if row.p.is_some() {
            row.adjusted_p = adjusted.next();
        }
    }
    Ok(SubgroupReport {
        plan,
        rows,
        heterogeneity: Estimable::NotEstimable { reason: NO_TEST },
        warnings,
    })
}
