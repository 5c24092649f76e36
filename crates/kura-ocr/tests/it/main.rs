//! Text that is burned in, found again.

mod burn;
mod coverage;
mod keeping;
mod real;
mod strokes;
mod support;
