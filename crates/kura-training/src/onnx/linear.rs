//! Filling, scaling and the linear part.

use super::PLAIN;
use super::message::{Attribute, FLOAT, Message, floats, node};
use crate::logistic::LinearModel;

/// From `features` to `log_odds`:
/// `((Where(IsNaN(x), median, x) − mean) / scale) · coefficient + IsNaN(x) · missing + intercept`.
pub(super) fn write(model: &LinearModel, nodes: &mut Vec<Message>, tensors: &mut Vec<Message>) {
    let width = model.terms.len();
    let single = |values: Vec<f64>| -> Vec<f32> { values.iter().map(|v| *v as f32).collect() };
    let of = |take: fn(&crate::logistic::Term) -> f32| -> Vec<f32> {
        model.terms.iter().map(take).collect()
    };
    tensors.push(floats("median", &[width], &of(|term| term.median)));
    tensors.push(floats("mean", &[width], &of(|term| term.mean)));
    tensors.push(floats("scale", &[width], &of(|term| term.scale)));
    let coefficients = model.terms.iter().map(|term| term.coefficient).collect();
    tensors.push(floats("coefficient", &[width, 1], &single(coefficients)));

    let plain = |operator: &str, inputs: &[&str], output: &str| {
        node(PLAIN, operator, inputs, output, Vec::new())
    };
    nodes.push(plain("IsNaN", &["features"], "is_missing"));
    nodes.push(plain(
        "Where",
        &["is_missing", "median", "features"],
        "filled",
    ));
    nodes.push(plain("Sub", &["filled", "mean"], "centred"));
    nodes.push(plain("Div", &["centred", "scale"], "standardised"));
    nodes.push(plain(
        "MatMul",
        &["standardised", "coefficient"],
        "value_part",
    ));

    let mut intercept = model.intercept;
    let mut sum = "value_part";
    if model.terms.iter().any(|term| term.missing.is_some()) {
        // Standardising 0 and 1 folds into the coefficient and the intercept.
        let missing: Vec<f64> = model
            .terms
            .iter()
            .map(|term| {
                term.missing.map_or(0.0, |missing| {
                    let slope = missing.coefficient / f64::from(missing.scale);
                    intercept -= slope * f64::from(missing.mean);
                    slope
                })
            })
            .collect();
        tensors.push(floats("missing_coefficient", &[width, 1], &single(missing)));
        nodes.push(node(
            PLAIN,
            "Cast",
            &["is_missing"],
            "missing",
            vec![("to", Attribute::Integer(FLOAT))],
        ));
        nodes.push(plain(
            "MatMul",
            &["missing", "missing_coefficient"],
            "missing_part",
        ));
        nodes.push(plain("Add", &["value_part", "missing_part"], "both_parts"));
        sum = "both_parts";
    }
    tensors.push(floats("intercept", &[1], &[intercept as f32]));
    nodes.push(plain("Add", &[sum, "intercept"], "log_odds"));
}
