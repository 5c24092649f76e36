//! What to train, as data: a specification a file can hold.

use serde::{Deserialize, Serialize};

use crate::error::{TrainingError, require};

/// How a model is made from a table. In TOML, `[logistic]` or `[trees]` with its settings; a
/// setting left out has its default, an unknown one is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Learner {
    Logistic(Logistic),
    Trees(Trees),
}

/// Logistic regression on standardised features.
///
/// Minimised is Σ wᵢ · log-loss(yᵢ, xᵢ) + `strength` · ((1 − ρ)/2 · ‖β‖² + ρ · ‖β‖₁) with ρ = 0 for
/// `l2`, 1 for `l1`, `l1_ratio` for `elastic_net`; the intercept is not penalised. `strength` is
/// scikit-learn's 1/C.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logistic {
    pub penalty: Penalty,
    pub strength: f64,
    /// Read for `elastic_net` only: the share of the absolute-value penalty.
    pub l1_ratio: f64,
    /// A column "was missing" for each feature with missing values, besides the training median
    /// in their place.
    pub missing_indicator: bool,
    pub max_iterations: usize,
    /// The largest slope of the objective, divided by the sum of weights, at which the fit is
    /// taken as settled.
    pub tolerance: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    None,
    L1,
    L2,
    ElasticNet,
}

impl Default for Logistic {
    fn default() -> Self {
        Self {
            penalty: Penalty::L2,
            strength: 1.0,
            l1_ratio: 0.5,
            missing_indicator: true,
            max_iterations: 100,
            tolerance: 1e-9,
        }
    }
}

/// Gradient boosted trees on the log-loss, by the library `forust`. Missing values need no
/// filling: each split learns which way they go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trees {
    /// How many trees.
    pub iterations: usize,
    /// The share of each tree's answer that is kept.
    pub learning_rate: f32,
    pub max_depth: usize,
    pub max_leaves: usize,
    pub growth: Growth,
    /// The least sum of p(1 − p) · weight in a leaf.
    pub min_leaf_weight: f32,
    /// Penalty on squared leaf values.
    pub l2: f32,
    /// The least gain a split must bring.
    pub min_split_gain: f32,
    /// The share of rows each tree sees.
    pub subsample: f32,
    /// The share of features each tree sees.
    pub feature_share: f64,
    /// Values of a feature are put into at most this many bins.
    pub bins: u16,
}

/// In which order nodes are split while leaves remain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// Level by level.
    DepthWise,
    /// The leaf with the largest loss first.
    LossGuide,
}

impl Default for Trees {
    fn default() -> Self {
        Self {
            iterations: 100,
            learning_rate: 0.1,
            max_depth: 6,
            max_leaves: 31,
            growth: Growth::DepthWise,
            min_leaf_weight: 1.0,
            l2: 1.0,
            min_split_gain: 0.0,
            subsample: 1.0,
            feature_share: 1.0,
            bins: 255,
        }
    }
}

impl Learner {
    /// # Errors
    /// A setting outside what its definition allows.
    pub fn validate(&self) -> Result<(), TrainingError> {
        match self {
            Self::Logistic(logistic) => logistic.validate(),
            Self::Trees(trees) => trees.validate(),
        }
    }
}

impl Logistic {
    /// (strength of the absolute-value penalty, strength of the squared penalty).
    pub(crate) fn penalties(&self) -> (f64, f64) {
        match self.penalty {
            Penalty::None => (0.0, 0.0),
            Penalty::L1 => (self.strength, 0.0),
            Penalty::L2 => (0.0, self.strength),
            Penalty::ElasticNet => (
                self.strength * self.l1_ratio,
                self.strength * (1.0 - self.l1_ratio),
            ),
        }
    }

    fn validate(&self) -> Result<(), TrainingError> {
        require(
            self.strength.is_finite() && self.strength >= 0.0,
            "strength",
            self.strength,
            "a finite number of at least 0",
        )?;
        require(
            (0.0..=1.0).contains(&self.l1_ratio),
            "l1_ratio",
            self.l1_ratio,
            "0 to 1",
        )?;
        require(
            self.max_iterations >= 1,
            "max_iterations",
            self.max_iterations as f64,
            "at least 1",
        )?;
        require(
            self.tolerance.is_finite() && self.tolerance > 0.0,
            "tolerance",
            self.tolerance,
            "a finite number above 0",
        )
    }
}

impl Trees {
    fn validate(&self) -> Result<(), TrainingError> {
        let share = |what, value: f64| {
            require(
                value > 0.0 && value <= 1.0,
                what,
                value,
                "above 0, at most 1",
            )
        };
        let not_negative = |what, value: f32| {
            require(
                value.is_finite() && value >= 0.0,
                what,
                f64::from(value),
                "a finite number of at least 0",
            )
        };
        let count = |what, value: usize, least: usize, most: usize, allowed| {
            require((least..=most).contains(&value), what, value as f64, allowed)
        };
        count("iterations", self.iterations, 1, 100_000, "1 to 100000")?;
        share("learning_rate", f64::from(self.learning_rate))?;
        count("max_depth", self.max_depth, 1, 64, "1 to 64")?;
        count("max_leaves", self.max_leaves, 2, 65_536, "2 to 65536")?;
        // A leaf value is −G / (H + l2): both being 0 would let a leaf divide by 0.
        require(
            self.min_leaf_weight.is_finite() && self.min_leaf_weight > 0.0,
            "min_leaf_weight",
            f64::from(self.min_leaf_weight),
            "a finite number above 0",
        )?;
        not_negative("l2", self.l2)?;
        not_negative("min_split_gain", self.min_split_gain)?;
        share("subsample", f64::from(self.subsample))?;
        share("feature_share", self.feature_share)?;
        count("bins", usize::from(self.bins), 2, 1024, "2 to 1024")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_is_read_with_defaults_and_unknown_keys_are_refused() {
        let learner: Learner = toml::from_str(
            "[logistic]\npenalty = \"elastic_net\"\nstrength = 0.5\nl1_ratio = 0.25\n",
        )
        .unwrap();
        let Learner::Logistic(logistic) = &learner else {
            panic!("{learner:?}")
        };
        assert_eq!(logistic.penalties(), (0.125, 0.375));
        assert_eq!(logistic.max_iterations, 100);
        let trees: Learner = toml::from_str("[trees]\niterations = 7\n").unwrap();
        assert!(matches!(trees, Learner::Trees(Trees { iterations: 7, .. })));
        assert!(toml::from_str::<Learner>("[trees]\nlearning = 1.0\n").is_err());
        assert!(toml::from_str::<Learner>("[forest]\n").is_err());
    }

    #[test]
    fn settings_outside_their_definition_are_refused() {
        let refused = |learner: Learner, setting: &str| match learner.validate() {
            Err(TrainingError::OutOfRange { what, .. }) => assert_eq!(what, setting),
            other => panic!("{other:?}"),
        };
        let logistic = Logistic::default();
        refused(
            Learner::Logistic(Logistic {
                strength: -1.0,
                ..logistic.clone()
            }),
            "strength",
        );
        refused(
            Learner::Logistic(Logistic {
                l1_ratio: f64::NAN,
                ..logistic
            }),
            "l1_ratio",
        );
        let trees = Trees::default();
        refused(
            Learner::Trees(Trees {
                subsample: 0.0,
                ..trees.clone()
            }),
            "subsample",
        );
        refused(
            Learner::Trees(Trees {
                min_leaf_weight: 0.0,
                ..trees
            }),
            "min_leaf_weight",
        );
    }
}
