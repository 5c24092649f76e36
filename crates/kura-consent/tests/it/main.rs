//! Tests of `kura-consent` by cases that are data, and by properties.

mod cases;
mod properties;
mod refusals;
mod support;
