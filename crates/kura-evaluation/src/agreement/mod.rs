//! Agreement of raters, methods and masks.

pub mod bland_altman;
pub mod cohen;
mod distance_transform;
pub mod fleiss;
pub mod icc;
pub mod mask;

pub use bland_altman::{BlandAltman, bland_altman};
pub use cohen::{Kappa, KappaWeights, cohen_kappa, cohen_kappa_from_ratings};
pub use fleiss::{FleissKappa, fleiss_kappa};
pub use icc::{Icc, IntraclassCorrelation, intraclass_correlation};
pub use mask::{Mask, MaskAgreement, SurfaceDistance, mask_agreement};
