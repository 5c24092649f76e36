//! Tests against independent software and real data.

mod adult;
mod colonoscopy;
mod cross_validation;
mod explanation;
mod odd_tables;
mod onnx;
mod pneumonia;
mod reference;
mod support;
