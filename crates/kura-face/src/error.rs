//! Why a volume is not processed. Nothing of the volume's text is repeated.

use thiserror::Error;

/// A volume that is refused has not been changed: it must not go out as if its face were gone.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refused {
    #[error("the file could not be read or written")]
    Io(#[from] std::io::Error),
    #[error("not a NIfTI file that can be trusted: {0}")]
    Nifti(&'static str),
    #[error("the volume cannot be used: {0}")]
    Volume(&'static str),
    #[error("the volume is larger than allowed: {0}")]
    TooLarge(&'static str),
    #[error("no head found: {0}")]
    NoHead(&'static str),
    /// The template does not lie on this volume well enough to say where the face is.
    #[error("the template fits poorly: {measure} is {found:.3}, the limit is {limit:.3}")]
    PoorFit {
        measure: &'static str,
        found: f64,
        limit: f64,
    },
    /// The face was located, but protecting the brain would leave too much of it.
    #[error("{share:.4} of the surface of the {part} would remain, at most {limit:.4} may")]
    SurfaceLeft {
        part: &'static str,
        share: f64,
        limit: f64,
    },
    /// Never seen; checked all the same before anything is handed out.
    #[error("{0} voxels of the brain would change")]
    BrainChanged(usize),
    #[error("a picture could not be encoded")]
    Picture,
}
