//! Networks on generated and on real images.

mod behaviour;
mod pneumonia;
mod support;
