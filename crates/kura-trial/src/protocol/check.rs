//! Contradictions of a protocol.

use std::fmt;

use serde::Serialize;

use super::asked::STEPS_AT_MOST;
use super::{Assumptions, Endpoint, HypothesisKind, Protocol, Question};

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// As in the file: `hypothesis.margin`.
    pub key: String,
    pub message: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Gathers contradictions.
struct Checked(Vec<Contradiction>);

impl Checked {
    fn require(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.0.push(Contradiction {
                key: key.to_owned(),
                message: message.to_owned(),
            });
        }
    }

    fn open_unit(&mut self, key: &str, value: f64) {
        self.require(
            value > 0.0 && value < 1.0,
            key,
            "must lie between 0 and 1, both excluded",
        );
    }
}

impl Protocol {
    /// What the protocol says twice, or not at all where it must; empty when it is sound.
    pub fn check(&self) -> Vec<Contradiction> {
        let mut checked = Checked(Vec::new());
        self.check_texts(&mut checked);
        self.check_hypothesis(&mut checked);
        self.check_thresholds(&mut checked);
        self.check_readers(&mut checked);
        self.check_scale(&mut checked);
        self.check_numbers(&mut checked);
        if let Some(assumptions) = &self.assumptions {
            self.check_assumptions(assumptions, &mut checked);
        }
        checked.0
    }

    fn check_texts(&self, checked: &mut Checked) {
        for (key, words) in [
            ("title", &self.title),
            ("intended_use", &self.intended_use),
            ("target_condition", &self.target_condition),
            ("reference_standard", &self.reference_standard),
        ] {
            checked.require(!words.is_empty(), key, "is empty");
        }
        for (key, text) in [
            ("fixed_by", &self.fixed_by),
            ("model.name", &self.model.name),
            ("model.version", &self.model.version),
        ] {
            checked.require(!text.trim().is_empty(), key, "is empty");
        }
        let known = crate::report::statement_keys();
        for (key, words) in &self.statements {
            let place = format!("statements.{key}");
            checked.require(
                known.contains(&key.as_str()),
                &place,
                &format!("answers no reporting item; known: {}", known.join(", ")),
            );
            checked.require(!words.is_empty(), &place, "is empty");
        }
    }

    fn check_hypothesis(&self, checked: &mut Checked) {
        let h = &self.hypothesis;
        checked.require(
            h.alpha_one_sided > 0.0 && h.alpha_one_sided < 0.5,
            "hypothesis.alpha_one_sided",
            "must lie between 0 and 0.5, both excluded",
        );
        checked.require(
            h.power > 0.5 && h.power < 1.0,
            "hypothesis.power",
            "must lie between 0.5 and 1, both excluded",
        );
        match (h.kind, h.margin) {
            (HypothesisKind::NonInferiority, None) => checked.require(
                false,
                "hypothesis.margin",
                "is missing; non-inferiority needs the loss still accepted",
            ),
            (HypothesisKind::NonInferiority, Some(margin)) => {
                checked.open_unit("hypothesis.margin", margin);
            }
            (HypothesisKind::Superiority, margin) => checked.require(
                margin.is_none(),
                "hypothesis.margin",
                "is given, but the hypothesis is superiority",
            ),
        }
        match (self.question, h.goal) {
            (Question::StandAloneAccuracy, None) => checked.require(
                false,
                "hypothesis.goal",
                "is missing; stand-alone accuracy is compared with a value fixed before",
            ),
            (Question::StandAloneAccuracy, Some(goal)) => {
                checked.open_unit("hypothesis.goal", goal);
                let floor = goal - h.margin.unwrap_or(0.0);
                checked.require(floor > 0.0, "hypothesis.goal", "must exceed the margin");
            }
            (_, goal) => checked.require(
                goal.is_none(),
                "hypothesis.goal",
                "is given, but the question compares with readers",
            ),
        }
    }

    fn check_thresholds(&self, checked: &mut Checked) {
        let needs_decisions = self.endpoint != Endpoint::Auc;
        let ai_decides = self.question != Question::ReadersWithoutAgainstWithAi;
        checked.require(
            !(needs_decisions && ai_decides && self.thresholds.ai.is_empty()),
            "thresholds.ai",
            "is missing; the endpoint needs a threshold fixed before",
        );
        for (index, &t) in self.thresholds.ai.iter().enumerate() {
            checked.require(
                t > 0.0 && t <= 1.0,
                "thresholds.ai",
                "must lie above 0 and at most at 1",
            );
            checked.require(
                !self.thresholds.ai[..index].contains(&t),
                "thresholds.ai",
                "holds a threshold twice",
            );
        }
        if let Some(t) = self.thresholds.reader {
            checked.require(t.is_finite(), "thresholds.reader", "must be a number");
        }
    }

    fn check_readers(&self, checked: &mut Checked) {
        if self.question.has_readers() {
            checked.require(
                self.minimum.readers > 0,
                "minimum.readers",
                "is missing; the question has readers",
            );
            checked.require(
                self.reading_order_seed.is_some(),
                "reading_order_seed",
                "is missing; the question has readers",
            );
        } else {
            checked.require(
                self.minimum.readers == 0,
                "minimum.readers",
                "is given, but the question has no readers",
            );
        }
        if self.question == Question::ReadersWithoutAgainstWithAi {
            checked.require(
                self.wash_out_days.is_some_and(|days| days > 0),
                "wash_out_days",
                "must be at least 1 where the same readers read without and with the model",
            );
        }
    }

    fn check_scale(&self, checked: &mut Checked) {
        checked.require(
            self.first_condition.is_none()
                || self.question == Question::ReadersWithoutAgainstWithAi,
            "first_condition",
            "is given, but the question has one condition at most",
        );
        let Some(scale) = &self.scale else { return };
        checked.require(
            self.question.has_readers(),
            "scale",
            "is given, but the question has no readers",
        );
        checked.require(
            (2..=STEPS_AT_MOST).contains(&scale.steps()),
            "scale",
            "must have 2 to 101 numbers",
        );
        checked.require(
            scale.labels.is_empty() || scale.labels.len() as i64 == scale.steps(),
            "scale.labels",
            "must be one for each number, or none",
        );
        checked.require(
            scale.labels.iter().all(|words| !words.is_empty()),
            "scale.labels",
            "holds an empty text",
        );
        checked.require(
            self.endpoint == Endpoint::Auc || self.thresholds.reader.is_some(),
            "scale",
            "is given, but the endpoint counts decisions and thresholds.reader is missing",
        );
        checked.require(
            self.thresholds
                .reader
                .is_none_or(|threshold| scale.is_cut_by(threshold)),
            "thresholds.reader",
            "must lie above the lowest and at most at the highest number of the scale",
        );
    }

    fn check_numbers(&self, checked: &mut Checked) {
        let m = self.minimum;
        checked.require(
            m.positive_cases >= 1,
            "minimum.positive_cases",
            "must be at least 1",
        );
        checked.require(
            m.cases > m.positive_cases,
            "minimum.cases",
            "must exceed minimum.positive_cases: both kinds of cases are needed",
        );
        let columns = &self.subgroups.columns;
        for (index, column) in columns.iter().enumerate() {
            checked.require(
                !["case", "cluster", "truth"].contains(&column.as_str()),
                "subgroups.columns",
                "names a column that is no subgroup",
            );
            checked.require(
                !columns[..index].contains(column),
                "subgroups.columns",
                "holds a column twice",
            );
        }
        checked.require(
            columns.is_empty() || self.subgroups.smallest >= 2,
            "subgroups.smallest",
            "must be at least 2",
        );
    }

    fn check_assumptions(&self, assumptions: &Assumptions, checked: &mut Checked) {
        let fits = match assumptions {
            Assumptions::AucAgainstGoal { .. } => {
                self.question == Question::StandAloneAccuracy && self.endpoint == Endpoint::Auc
            }
            Assumptions::ProportionAgainstGoal { .. } => {
                self.question == Question::StandAloneAccuracy && self.endpoint != Endpoint::Auc
            }
            Assumptions::PairedAuc { .. } => {
                self.question == Question::AiAgainstReaders && self.endpoint == Endpoint::Auc
            }
            Assumptions::PairedProportions { .. } => {
                self.question == Question::AiAgainstReaders && self.endpoint != Endpoint::Auc
            }
            Assumptions::ReaderStudy { .. } => self.question.has_readers(),
        };
        checked.require(
            fits,
            "assumptions.design",
            "does not suit the question and the endpoint",
        );
        if let (Some(goal), Assumptions::AucAgainstGoal { expected, .. })
        | (Some(goal), Assumptions::ProportionAgainstGoal { expected }) =
            (self.hypothesis.goal, assumptions)
        {
            checked.require(
                *expected > goal - self.hypothesis.margin.unwrap_or(0.0),
                "assumptions.expected",
                "must lie above the goal less the margin, or no number of cases suffices",
            );
        }
        if checked.0.is_empty()
            && let Err(reason) = crate::sample_size::needed(self, assumptions)
        {
            checked.require(false, "assumptions", &reason.to_string());
        }
    }
}
