//! What readers are asked, and in which conditions.

use serde::{Deserialize, Serialize};

use super::{Endpoint, Protocol, Question};
use crate::readings::{Condition, Rating};
use crate::words::Words;

/// Whole numbers from `lowest` to `highest`; a higher one means more suspicion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub lowest: i32,
    pub highest: i32,
    /// What each number means, from the lowest to the highest; or none.
    #[serde(default)]
    pub labels: Vec<Words>,
}

/// Numbers a scale may have.
pub(super) const STEPS_AT_MOST: i64 = 101;

impl Scale {
    fn plain(lowest: i32, highest: i32) -> Self {
        Scale {
            lowest,
            highest,
            labels: Vec::new(),
        }
    }

    /// How many numbers it has.
    pub fn steps(&self) -> i64 {
        i64::from(self.highest) - i64::from(self.lowest) + 1
    }

    /// Whether a threshold has numbers of the scale on both sides.
    pub(super) fn is_cut_by(&self, threshold: f64) -> bool {
        threshold > f64::from(self.lowest) && threshold <= f64::from(self.highest)
    }
}

/// What a reader says about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    Score(Scale),
    Decision,
}

impl Asked {
    /// Whether this is an answer to what is asked.
    pub fn takes(&self, rating: Rating) -> bool {
        match (self, rating) {
            (Asked::Score(scale), Rating::Score(score)) => {
                score.fract() == 0.0
                    && score >= f64::from(scale.lowest)
                    && score <= f64::from(scale.highest)
            }
            (Asked::Decision, Rating::Decision(_)) => true,
            _ => false,
        }
    }
}

impl Protocol {
    /// What readers are asked: scores for an area or where a threshold of scores was fixed,
    /// decisions otherwise. Without a scale of its own it is 1 to 5, or 0 to 100 where only that
    /// is cut by the threshold. `None` without readers, and where a scale is needed and none fits.
    pub fn asked(&self) -> Option<Asked> {
        if !self.question.has_readers() {
            return None;
        }
        let threshold = self.thresholds.reader;
        if self.endpoint != Endpoint::Auc && threshold.is_none() {
            return Some(Asked::Decision);
        }
        if let Some(scale) = &self.scale {
            return Some(Asked::Score(scale.clone()));
        }
        [Scale::plain(1, 5), Scale::plain(0, 100)]
            .into_iter()
            .find(|scale| threshold.is_none_or(|threshold| scale.is_cut_by(threshold)))
            // A threshold of one or less was not meant for whole numbers.
            .filter(|_| threshold.is_none_or(|threshold| threshold > 1.0))
            .map(Asked::Score)
    }

    /// The conditions the question asks for.
    pub fn conditions(&self) -> &'static [Condition] {
        match self.question {
            Question::StandAloneAccuracy => &[],
            Question::AiAgainstReaders => &[Condition::Unaided],
            Question::ReadersWithoutAgainstWithAi => &[Condition::Unaided, Condition::Aided],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Date;

    fn protocol(change: impl Fn(&mut Protocol)) -> Protocol {
        let text = include_str!("../../data/example-protocol.toml");
        let mut protocol = Protocol::parse(text).unwrap();
        protocol.question = Question::ReadersWithoutAgainstWithAi;
        protocol.hypothesis.goal = None;
        protocol.assumptions = None;
        protocol.minimum.readers = 2;
        protocol.wash_out_days = Some(28);
        protocol.reading_order_seed = Some(1);
        protocol.fixed_on = Date::new(2026, 4, 1).unwrap();
        change(&mut protocol);
        protocol
    }

    #[test]
    fn what_is_asked_follows_from_endpoint_and_threshold() {
        let scale = |lowest, highest| Some(Asked::Score(Scale::plain(lowest, highest)));
        let ask = |endpoint, threshold| {
            let made = protocol(|p| {
                p.endpoint = endpoint;
                p.thresholds.reader = threshold;
            });
            assert!(made.check().is_empty(), "{:?}", made.check());
            made.asked()
        };
        assert_eq!(ask(Endpoint::Auc, None), scale(1, 5));
        assert_eq!(ask(Endpoint::Sensitivity, None), Some(Asked::Decision));
        assert_eq!(ask(Endpoint::Sensitivity, Some(3.0)), scale(1, 5));
        assert_eq!(ask(Endpoint::Auc, Some(50.0)), scale(0, 100));
        // A probability is no whole number: the protocol must say its scale.
        assert_eq!(ask(Endpoint::Auc, Some(0.5)), None);
        let alone = Protocol::parse(include_str!("../../data/example-protocol.toml")).unwrap();
        assert_eq!((alone.asked(), alone.conditions().len()), (None, 0));
    }

    #[test]
    fn a_scale_that_cannot_be_used_is_a_contradiction() {
        let faults = |change: &dyn Fn(&mut Protocol)| protocol(change).check();
        let with = |lowest, highest, labels: usize| {
            move |p: &mut Protocol| {
                p.endpoint = Endpoint::Auc;
                p.scale = Some(Scale {
                    lowest,
                    highest,
                    labels: vec![Words::from("x"); labels],
                });
            }
        };
        for sound in [with(1, 5, 5), with(-2, 2, 0), with(0, 100, 0)] {
            assert_eq!(faults(&sound), []);
        }
        for wrong in [with(5, 1, 0), with(3, 3, 0), with(0, 101, 0), with(1, 5, 4)] {
            assert!(!faults(&wrong).is_empty());
        }
        // Decisions are counted, and no threshold makes decisions of the scores.
        let uncut = faults(&|p| p.scale = Some(Scale::plain(1, 5)));
        assert_eq!(uncut.len(), 1, "{uncut:?}");
        let outside = faults(&|p| {
            with(1, 5, 0)(p);
            p.thresholds.reader = Some(6.0);
        });
        assert_eq!(outside.len(), 1, "{outside:?}");
    }

    #[test]
    fn the_fingerprint_of_a_protocol_without_the_new_keys_is_what_it_was() {
        let json = serde_json::to_string(&protocol(|_| {})).unwrap();
        assert!(!json.contains("scale") && !json.contains("first_condition"));
    }

    #[test]
    fn only_answers_on_the_scale_are_taken() {
        let asked = Asked::Score(Scale::plain(1, 5));
        for (score, taken) in [
            (1.0, true),
            (5.0, true),
            (0.0, false),
            (6.0, false),
            (2.5, false),
        ] {
            assert_eq!(asked.takes(Rating::Score(score)), taken, "{score}");
        }
        assert!(!asked.takes(Rating::Decision(true)));
        assert!(Asked::Decision.takes(Rating::Decision(false)));
        assert!(!asked.takes(Rating::Score(f64::NAN)));
    }
}
