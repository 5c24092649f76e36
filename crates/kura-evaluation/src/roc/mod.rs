//! Receiver operating characteristic: area, intervals, tests, partial area, operating points.
//!
//! A higher score means more suspicion; a case is called positive when score ≥ threshold. Ties
//! count one half (midranks).

mod clustered;
mod comparison;
mod curve;
mod data;
pub mod delong;
mod operating_point;
mod partial;

pub use clustered::ClusteredAuc;
pub use comparison::{AucComparison, ScoredPair, compare_paired, compare_unpaired};
pub use curve::RocPoint;
pub use data::{AucEstimate, RocData};
pub use operating_point::OperatingPoint;
pub use partial::{PartialAuc, PartialRange};
