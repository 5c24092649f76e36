//! Cancer gene panel reports in C-CAT's "Cancer Genomic Test Standardized Format" (CATS),
//! schema 1.2 and 1.3.
//!
//! Published reports break the schema in places (units, notation of changes), so only what the
//! report cannot do without is required; other breaches are kept as warnings.

mod fhir;
mod node;
mod parse;
mod report;

pub use fhir::to_fhir;
pub use parse::parse;
pub use report::{
    Biomarker, Breakend, CopyNumberAlteration, Expression, Measurement, Rearrangement, Report,
    Sample, ShortVariant, Transcript,
};
