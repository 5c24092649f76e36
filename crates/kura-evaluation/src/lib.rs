//! Clinical performance statistics.
//!
//! Pure functions: numbers in, results out. No file, no clock, no network, no identifier of a
//! person. Names are those of the literature, and each function cites the paper it follows.
//!
//! * [`table`]: the two-by-two table; [`proportion`]: one proportion and differences of two.
//! * [`roc`]: areas under the curve, tests, partial areas, operating points.
//! * [`mrmc`]: multi-reader multi-case studies; [`froc`]: free-response studies.
//! * [`agreement`]: raters, methods of measurement, masks.
//! * [`calibration`]: do probabilities mean what they say.
//! * [`margin`]: superiority and non-inferiority; [`sample_size`]: how many cases and readers.
//! * [`subgroup`], [`multiplicity`]: looks at parts of the data; [`drift`]: change over time.
//! * [`bootstrap`]: any statistic over patients drawn whole, seeded.
//!
//! The way in is an observation that knows its patient ([`observation`]). Where a patient gives
//! several, plain intervals are too narrow: the result then carries a [`warning::Warning`] and the
//! clustered interval beside the plain one, and `interval()` answers with the clustered.
//!
//! Every function that can be handed bad data returns
//! [`error::EvaluationError`]. What the data leave undefined inside a larger result is
//! [`interval::Estimable::NotEstimable`] with the reason; NaN and infinity are never results.
//!
//! ```
//! use kura_evaluation::interval::Level;
//! use kura_evaluation::observation::{ClusterId, Decision};
//! use kura_evaluation::table::DiagnosticAccuracy;
//!
//! // Two images of each of four patients.
//! let decisions: Vec<Decision> = (0..8)
//!     .map(|image| Decision {
//!         cluster: ClusterId(image / 2),
//!         diseased: image < 4,
//!         positive: image != 3 && image < 5,
//!     })
//!     .collect();
//! let result = DiagnosticAccuracy::from_decisions(&decisions, Level::NINETY_FIVE)?;
//! assert_eq!(result.accuracy.estimate, 0.75);
//! assert!(result.accuracy.clustered.is_some() && !result.warnings.is_empty());
//! # Ok::<(), kura_evaluation::error::EvaluationError>(())
//! ```

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod drift;
pub mod error;
pub mod froc;
pub mod interval;
pub mod margin;
pub mod mrmc;
pub mod multiplicity;
pub mod observation;
pub mod proportion;
pub mod random;
pub mod roc;
pub mod sample_size;
mod special;
pub mod subgroup;
pub mod table;
pub mod warning;
