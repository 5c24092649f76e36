//! Multi-reader multi-case studies: do readers do better with one modality than with another?
//!
//! * [`ReaderStudy`] holds a fully crossed study: every reader rates every case in every modality.
//! * [`FigureOfMerit`] is what is compared: area under the curve, partial area, sensitivity,
//!   specificity, or one's own.
//! * [`CovarianceMethod`] says how the covariance of the figures over cases is estimated.
//! * [`obuchowski_rockette`] and [`dorfman_berbaum_metz`] analyse, for each of three worlds to
//!   generalise to ([`Generalization`]).
//!
//! Cases are the independent unit: where a patient gives several cases, use one per patient.

mod analysis;
mod covariance;
mod dbm;
mod figure;
mod obuchowski;
mod study;

pub use analysis::{
    Generalization, MeanSquares, ModalityDifference, ModalityMean, MrmcAnalysis, ReaderDifference,
    ReaderFigure, VarianceComponents,
};
pub use covariance::{CovarianceMatrix, CovarianceMethod};
pub use dbm::dorfman_berbaum_metz;
pub use figure::{
    CaseClass, EmpiricalAuc, FigureOfMerit, FigureParts, PartialArea, Sensitivity, Specificity,
    WeightedFigure,
};
pub use obuchowski::{analyse_figures, obuchowski_rockette};
pub use study::{ReaderStudy, Reading};
