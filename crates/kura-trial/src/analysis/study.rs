//! The comparison of the question as a reader study.
//!
//! *Readers without against with the model*: two conditions, fully crossed; Obuchowski–Rockette with
//! the jackknife, and Dorfman–Berbaum–Metz beside it.
//!
//! *The model against readers*: the model is one fixed reader of its own, without variance between
//! readers. Its answers are set beside each reader's as the second condition. For d_j = θ_AI − θ_j
//! the mean square of condition × reader is then S²_d/2 and Cov₂ − Cov₃ is half the covariance of two
//! such differences over cases, so that the variance of the mean difference is
//! (S²_d + J·Cov₂(d))/J with Hillis' degrees of freedom: exactly the analysis of one sample of
//! readers against a fixed test (S. L. Hillis, N. A. Obuchowski and K. S. Berbaum, Acad. Radiol. 18
//! (2011) 129–142; D. P. Chakraborty, Observer Performance Methods for Diagnostic Imaging (2017),
//! on stand-alone detection against radiologists).
//!
//! Where a patient gives several cases, the jackknife leaves out patients, not cases.

use std::collections::BTreeMap;

use kura_evaluation::error::EvaluationError;
use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::{
    CovarianceMatrix, CovarianceMethod, FigureOfMerit, Generalization, MrmcAnalysis, ReaderStudy,
    analyse_figures, dorfman_berbaum_metz, obuchowski_rockette,
};
use kura_evaluation::observation::ClusterId;
use serde::Serialize;

use super::Computed;
use super::figure::Figure;
use super::material::{Material, ReaderMaterial};
use crate::protocol::{Endpoint, Protocol, Question};
use crate::readings::Condition;

/// Which is the new test and which the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StudyComparison {
    /// Aided − unaided, the same readers.
    AidedAgainstUnaided,
    /// The model − unaided readers; the model as a fixed single score.
    AiAgainstReaders,
}

/// What the jackknife leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    Cases,
    Clusters,
}

/// One figure of the comparison. The first condition of the analyses is the new test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyAnalysis {
    pub comparison: StudyComparison,
    pub figure: Figure,
    /// Whether this is the endpoint of the protocol.
    pub primary: bool,
    pub left_out: LeftOut,
    pub obuchowski_rockette: Computed<MrmcAnalysis>,
    /// Only for readers without against with the model, and independent cases.
    pub dorfman_berbaum_metz: Option<Computed<MrmcAnalysis>>,
}

/// Names of the conditions in the analyses.
pub(crate) const AI: &str = "AI";
pub(crate) const READERS: &str = "readers";
pub(crate) const AIDED: &str = "aided";
pub(crate) const UNAIDED: &str = "unaided";

/// Every figure that the material gives, the endpoint first.
pub(super) fn studies(
    protocol: &Protocol,
    material: &Material<'_>,
    level: Level,
) -> Vec<StudyAnalysis> {
    let comparison = match protocol.question {
        Question::StandAloneAccuracy => return Vec::new(),
        Question::AiAgainstReaders => StudyComparison::AiAgainstReaders,
        Question::ReadersWithoutAgainstWithAi => StudyComparison::AidedAgainstUnaided,
    };
    let mut figures = Figure::ALL.to_vec();
    figures.sort_by_key(|f| *f != protocol.endpoint);
    let readers: Vec<&ReaderMaterial> = material.readers.iter().collect();
    figures
        .into_iter()
        .filter_map(|figure| {
            let arms = match comparison {
                StudyComparison::AidedAgainstUnaided => [
                    arm(material, figure, &readers, AIDED, Condition::Aided)?,
                    arm(material, figure, &readers, UNAIDED, Condition::Unaided)?,
                ],
                StudyComparison::AiAgainstReaders => [
                    ai_arm(material, figure, readers.len())?,
                    arm(material, figure, &readers, READERS, Condition::Unaided)?,
                ],
            };
            let generalization = generalization(protocol, readers.len());
            let names = readers.iter().map(|r| r.reader.clone()).collect();
            let study = Crossed::new(material, names, &arms);
            let dbm = comparison == StudyComparison::AidedAgainstUnaided;
            Some(StudyAnalysis {
                comparison,
                figure,
                primary: figure == protocol.endpoint,
                left_out: study.left_out(),
                obuchowski_rockette: Computed::of(study.analyse(figure, generalization, level)),
                dorfman_berbaum_metz: (dbm && !study.clustered).then(|| {
                    Computed::of(study.study().and_then(|study| {
                        dorfman_berbaum_metz(&study, &*figure.of_merit(), generalization, level)
                    }))
                }),
            })
        })
        .collect()
}

/// With one reader nothing can be said of others.
pub(super) fn generalization(protocol: &Protocol, readers: usize) -> Generalization {
    if readers < 2 {
        Generalization::Cases
    } else {
        protocol.hypothesis.extends_to.generalization()
    }
}

/// One condition: its name and each reader's ratings, decisions coded 0 and 1.
pub(super) struct Arm {
    name: &'static str,
    ratings: Vec<Vec<f64>>,
}

/// Readers in one condition; `None` where they do not give the figure.
pub(super) fn arm(
    material: &Material<'_>,
    figure: Figure,
    readers: &[&ReaderMaterial],
    name: &'static str,
    condition: Condition,
) -> Option<Arm> {
    let ratings: Option<Vec<Vec<f64>>> = readers
        .iter()
        .map(|reader| {
            let ratings = reader.ratings.get(&condition)?;
            match figure {
                Endpoint::Auc => material.scores.then(|| ratings.clone()),
                _ => Some(coded(&material.decisions(ratings)?)),
            }
        })
        .collect();
    Some(Arm {
        name,
        ratings: ratings.filter(|r| !r.is_empty())?,
    })
}

/// The model as often as there are readers.
pub(super) fn ai_arm(material: &Material<'_>, figure: Figure, readers: usize) -> Option<Arm> {
    let own = match figure {
        Endpoint::Auc => material.answers.clone()?,
        _ => coded(&material.ai_decisions()?),
    };
    Some(Arm {
        name: AI,
        ratings: vec![own; readers],
    })
}

fn coded(decisions: &[bool]) -> Vec<f64> {
    decisions.iter().map(|d| f64::from(u8::from(*d))).collect()
}

/// Two conditions, fully crossed.
pub(super) struct Crossed<'a> {
    readers: Vec<String>,
    modalities: Vec<String>,
    truth: &'a [bool],
    clusters: &'a [ClusterId],
    /// `[modality, reader, case]`
    ratings: Vec<f64>,
    clustered: bool,
}

impl<'a> Crossed<'a> {
    pub fn new(material: &'a Material<'_>, readers: Vec<String>, arms: &[Arm]) -> Self {
        Crossed {
            readers,
            modalities: arms.iter().map(|a| a.name.to_owned()).collect(),
            truth: &material.truth,
            clusters: &material.clusters,
            ratings: arms
                .iter()
                .flat_map(|a| a.ratings.iter().flatten().copied())
                .collect(),
            clustered: material.is_clustered(),
        }
    }

    fn left_out(&self) -> LeftOut {
        if self.clustered {
            LeftOut::Clusters
        } else {
            LeftOut::Cases
        }
    }

    fn study(&self) -> Result<ReaderStudy, EvaluationError> {
        ReaderStudy::new(
            self.modalities.clone(),
            self.readers.clone(),
            self.truth.to_vec(),
            self.ratings.clone(),
        )
    }

    pub fn analyse(
        &self,
        figure: Figure,
        generalization: Generalization,
        level: Level,
    ) -> Result<MrmcAnalysis, EvaluationError> {
        let merit = figure.of_merit();
        let study = self.study()?;
        if !self.clustered {
            let method = CovarianceMethod::Jackknife;
            return obuchowski_rockette(&study, &*merit, method, generalization, level);
        }
        let (theta, left_out) = self.leave_clusters_out(&study, &*merit, figure)?;
        let (t, r) = (self.modalities.len(), self.readers.len());
        let covariance = CovarianceMatrix::jackknife(t, r, &left_out)?;
        analyse_figures(
            merit.name(),
            &self.modalities,
            &self.readers,
            &theta,
            &covariance,
            generalization,
            level,
        )
    }

    /// θ[modality, reader] of all cases, and without each cluster that holds a case the figure
    /// counts.
    #[allow(clippy::type_complexity, reason = "figures and their replicates")]
    fn leave_clusters_out(
        &self,
        study: &ReaderStudy,
        merit: &dyn FigureOfMerit,
        figure: Figure,
    ) -> Result<(Vec<f64>, Vec<Vec<f64>>), EvaluationError> {
        let mut members: BTreeMap<ClusterId, Vec<usize>> = BTreeMap::new();
        for (case, cluster) in self.clusters.iter().enumerate() {
            if figure.counts(self.truth[case]) {
                members.entry(*cluster).or_default().push(case);
            }
        }
        let mut theta = Vec::new();
        let mut left_out = vec![Vec::new(); members.len()];
        for modality in 0..self.modalities.len() {
            for reader in 0..self.readers.len() {
                let prepared = merit.prepare(self.truth, study.ratings(modality, reader))?;
                let mut weights = vec![1.0; self.truth.len()];
                theta.push(prepared.estimate(&weights).ok_or(UNDEFINED)?);
                for (row, cases) in left_out.iter_mut().zip(members.values()) {
                    cases.iter().for_each(|&case| weights[case] = 0.0);
                    row.push(prepared.estimate(&weights).ok_or(UNDEFINED)?);
                    cases.iter().for_each(|&case| weights[case] = 1.0);
                }
            }
        }
        Ok((theta, left_out))
    }
}

const UNDEFINED: EvaluationError = EvaluationError::NotEstimable {
    what: "figure of merit",
    reason: "one cluster holds all cases of one kind",
};
