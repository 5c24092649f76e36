//! Free-response studies: the reader marks places, and a mark is right when it hits a lesion.
//!
//! Terms of D. P. Chakraborty, Observer Performance Methods for Diagnostic Imaging (2017), ch. 12
//! to 14. Whether a mark hits a lesion is decided before, by a rule the study fixes.

mod curve;
mod data;
mod jafroc;
mod reader_study;

pub use curve::{AfrocPoint, FrocPoint};
pub use data::{FreeResponse, Lesion, LocalisationCase};
pub use jafroc::{JafrocEstimate, JafrocFigure, LesionWeights, NegativeCases};
pub use reader_study::{FreeResponseStudy, jafroc_analysis};
