//! The answer to the hypothesis that was fixed before.

use kura_evaluation::error::EvaluationError;
use kura_evaluation::interval::Interval;
use kura_evaluation::margin::{Margin, Verdict, modality_difference};
use serde::Serialize;

use super::stand_alone::StandAlone;
use super::study::StudyAnalysis;
use super::{Computed, within_unit};
use crate::protocol::{Endpoint, HypothesisKind, Protocol, Question};

/// What the interval of new − reference allows to be said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HypothesisVerdict {
    pub endpoint: Endpoint,
    pub kind: HypothesisKind,
    /// 0 for superiority.
    pub margin: f64,
    pub test: Computed<VerdictTest>,
    /// Whether the interval meets the hypothesis. False also where nothing could be computed.
    pub met: bool,
    /// False where the protocol was not kept: then `met` describes and confirms nothing.
    pub confirmatory: bool,
}

/// The numbers behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictTest {
    /// The new test: the model, or aided readers.
    pub new: f64,
    /// The goal, the mean of readers, or unaided readers.
    pub reference: f64,
    /// New − reference, level 1 − 2α.
    pub difference: Interval,
    /// One-sided p of the hypothesis; `None` where the verdict is read off the interval alone.
    pub p_one_sided: Option<f64>,
    pub verdict: Verdict,
}

pub(super) fn verdict(
    protocol: &Protocol,
    stand_alone: Option<&StandAlone>,
    study: Option<&StudyAnalysis>,
    confirmatory: bool,
) -> HypothesisVerdict {
    let hypothesis = &protocol.hypothesis;
    let kind = hypothesis.kind;
    let margin = match kind {
        HypothesisKind::Superiority => 0.0,
        HypothesisKind::NonInferiority => hypothesis.margin.unwrap_or(0.0),
    };
    let test = Margin::new(margin, hypothesis.alpha_one_sided)
        .map_err(|error| error.to_string())
        .and_then(|margin| match protocol.question {
            Question::StandAloneAccuracy => against_goal(protocol, stand_alone, margin),
            _ => of_study(study, kind, margin),
        });
    let met = test.as_ref().is_ok_and(|t| match kind {
        HypothesisKind::Superiority => t.verdict == Verdict::Superior,
        HypothesisKind::NonInferiority => {
            matches!(t.verdict, Verdict::Superior | Verdict::NonInferior)
        }
    });
    HypothesisVerdict {
        endpoint: protocol.endpoint,
        kind,
        margin,
        test: Computed::of(test),
        met,
        confirmatory,
    }
}

fn against_goal(
    protocol: &Protocol,
    stand_alone: Option<&StandAlone>,
    margin: Margin,
) -> Result<VerdictTest, String> {
    let missing = "the endpoint could not be computed";
    let result = stand_alone.ok_or(missing)?;
    let goal = protocol.hypothesis.goal.ok_or("the protocol has no goal")?;
    let interval = match protocol.endpoint {
        Endpoint::Auc => match &result.auc {
            Computed::Value(auc) if auc.interval().width() == 0.0 => {
                return Err("the classes do not overlap, so the interval has no width".to_owned());
            }
            Computed::Value(auc) => auc.interval(),
            Computed::NotComputed { reason } => return Err(reason.clone()),
        },
        endpoint => {
            let accuracy = &result.operating_points.first().ok_or(missing)?.accuracy;
            match endpoint {
                Endpoint::Sensitivity => accuracy.sensitivity.value().ok_or(missing)?.interval(),
                Endpoint::Specificity => accuracy.specificity.value().ok_or(missing)?.interval(),
                Endpoint::Accuracy | Endpoint::Auc => accuracy.accuracy.interval(),
            }
        }
    };
    let interval = within_unit(interval);
    let difference = Interval {
        estimate: interval.estimate - goal,
        lower: interval.lower - goal,
        upper: interval.upper - goal,
        ..interval
    };
    Ok(VerdictTest {
        new: interval.estimate,
        reference: goal,
        difference,
        p_one_sided: None,
        verdict: margin.verdict(&difference),
    })
}

fn of_study(
    study: Option<&StudyAnalysis>,
    kind: HypothesisKind,
    margin: Margin,
) -> Result<VerdictTest, String> {
    let missing = "the endpoint could not be computed";
    let study = study.filter(|s| s.primary).ok_or(missing)?;
    let analysis = match &study.obuchowski_rockette {
        Computed::Value(analysis) => analysis,
        Computed::NotComputed { reason } => return Err(reason.clone()),
    };
    let difference = analysis.differences.first().ok_or(missing)?;
    if difference.standard_error == 0.0 {
        return Err("the variance of the difference is 0".to_owned());
    }
    let test = modality_difference(difference, margin)
        .map_err(|error: EvaluationError| error.to_string())?;
    let mean = |place: usize| {
        let mean = analysis.modality_means.get(place);
        mean.map_or(0.0, |m| m.interval.estimate)
    };
    let p = match kind {
        HypothesisKind::Superiority => test.p_superiority,
        HypothesisKind::NonInferiority => test.p_non_inferiority,
    };
    Ok(VerdictTest {
        new: mean(0),
        reference: mean(1),
        difference: test.difference,
        p_one_sided: p.value().copied(),
        verdict: test.verdict,
    })
}
