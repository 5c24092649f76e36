//! AdamW on plain numbers.

/// Numbers that are learnt, with what the method remembers of them.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
    /// Whether weights decay: those of a convolution or a linear layer do, offsets do not.
    decays: bool,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Parameter {
    pub(crate) fn new(shape: Vec<usize>, values: Vec<f32>, decays: bool) -> Self {
        let zeros = vec![0.0; values.len()];
        Self {
            shape,
            values,
            decays,
            first: zeros.clone(),
            second: zeros,
        }
    }
}

/// AdamW (I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
/// algorithm 2 with a constant schedule), with the usual β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
#[derive(Debug, Clone)]
pub(crate) struct AdamW {
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
    /// Steps taken.
    pub(crate) steps: i32,
}

const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// One step for all parameters; `gradients` are in their order.
    pub(crate) fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>]) {
        self.steps = self.steps.saturating_add(1);
        let first_bias = 1.0 - FIRST.powi(self.steps);
        let second_bias = 1.0 - SECOND.powi(self.steps);
        for (parameter, gradient) in parameters.iter_mut().zip(gradients) {
            let kept = if parameter.decays {
                1.0 - self.learning_rate * self.weight_decay
            } else {
                1.0
            };
            let moments = parameter.first.iter_mut().zip(&mut parameter.second);
            let all = parameter.values.iter_mut().zip(moments).zip(gradient);
            for ((value, (first, second)), gradient) in all {
                let gradient = f64::from(*gradient);
                let m = FIRST * f64::from(*first) + (1.0 - FIRST) * gradient;
                let v = SECOND * f64::from(*second) + (1.0 - SECOND) * gradient * gradient;
                (*first, *second) = (m as f32, v as f32);
                let step = (m / first_bias) / ((v / second_bias).sqrt() + EPSILON);
                *value = (f64::from(*value) * kept - self.learning_rate * step) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected from optax 0.2.8 (JAX 0.10.2, double precision), `adamw(0.1, weight_decay=0.01)`
    /// with a mask over the second parameter.
    #[test]
    fn steps_are_those_of_optax() {
        let mut parameters = [
            Parameter::new(vec![3], vec![1.0, -2.0, 0.5], true),
            Parameter::new(vec![1], vec![3.0], false),
        ];
        let mut adam = AdamW {
            learning_rate: 0.1,
            weight_decay: 0.01,
            steps: 0,
        };
        for gradient in [[0.5, -1.0, 0.0], [0.25, 2.0, 0.1], [-1.0, 0.5, 0.3]] {
            adam.step(&mut parameters, &[gradient.to_vec(), vec![0.2]]);
        }
        let weights = [
            0.824_713_859_842_936_f64,
            -1.972_344_760_792_303,
            0.345_374_173_146_334,
        ];
        for (found, expected) in parameters[0].values.iter().zip(weights) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-6,
                "{found} {expected}"
            );
        }
        let offset = f64::from(parameters[1].values[0]);
        assert!((offset - 2.700_000_015).abs() < 1e-6, "{offset}");
    }
}
