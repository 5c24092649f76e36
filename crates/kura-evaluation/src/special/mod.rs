//! Special functions and the distributions made of them, to about 1e-11 relative or better.
//!
//! `erfc` and `ln Γ` come from the `libm` crate; the incomplete gamma and beta functions are
//! written here because their usual form, a difference of `ln Γ`, loses digits as counts grow.
//! Upper tails are computed as such, never as 1 − lower.

pub(crate) mod beta;
pub(crate) mod distribution;
pub(crate) mod gamma;
pub(crate) mod loader;
pub(crate) mod noncentral;
pub(crate) mod normal;
pub(crate) mod root;
