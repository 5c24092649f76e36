//! What deviates from the protocol, and what makes an analysis impossible.

use std::fmt;

use kura_model::ContentHash;
use serde::Serialize;

use crate::date::Date;
use crate::readings::Condition;
use crate::words::Lang;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; the result stands.
    Note,
    /// The protocol was not kept; the result is shown and can no longer confirm the hypothesis.
    Breach,
    /// There is no result.
    Fatal,
}

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Readings,
    Answers,
}

/// One finding. `first` names the first case concerned, `count` how many are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// The cases are not those that were locked.
    CaseSetChanged {
        locked: ContentHash,
        found: ContentHash,
    },
    /// The locked cases are not those the protocol names.
    CaseSetNotTheProtocols {
        protocol: ContentHash,
        found: ContentHash,
    },
    /// Both kinds of cases are needed, two of each.
    TooFewOfOneKind {
        positive: usize,
        negative: usize,
    },
    /// A case that is not in the locked set. It is called by its place in the file, from 1: a name
    /// that nobody locked may be a patient's number.
    UnknownCase {
        input: Input,
        count: usize,
        first: usize,
    },
    DuplicateReading {
        reader: String,
        condition: Condition,
        count: usize,
        first: String,
    },
    DuplicateAnswer {
        count: usize,
        first: String,
    },
    MissingReading {
        reader: String,
        condition: Condition,
        count: usize,
        first: String,
    },
    MissingAnswer {
        count: usize,
        first: String,
    },
    /// The question needs the model's answers.
    NoAnswers,
    /// The question needs readers; `condition` says which readings lack.
    NoReadings {
        condition: Condition,
    },
    /// One reader with two groups of experience.
    ExperienceContradicts {
        reader: String,
    },
    /// The endpoint is an area, but readers gave decisions.
    EndpointNeedsScores,
    /// The endpoint counts decisions, but readers gave scores and no threshold was fixed.
    EndpointNeedsReaderThreshold,
    /// The protocol names a subgroup column the case file lacks.
    SubgroupColumnMissing {
        column: String,
    },
    ReadBeforeProtocol {
        reader: String,
        count: usize,
        first: String,
        read_on: Date,
        fixed_on: Date,
    },
    /// Readings without a day: order and wash-out cannot be checked.
    ReadingDayMissing {
        count: usize,
        paired: bool,
    },
    WashOutViolated {
        reader: String,
        count: usize,
        first: String,
        shortest_days: u64,
        protocol_days: u32,
    },
    /// Cases left out for everyone because a reading or an answer was missing.
    CasesLeftOut {
        count: usize,
        of: usize,
    },
    FewerCases {
        needs: u64,
        has: u64,
    },
    FewerPositiveCases {
        needs: u64,
        has: u64,
    },
    FewerReaders {
        needs: u64,
        has: u64,
    },
    /// Fewer independent units than the sample size the protocol's assumptions ask for.
    BelowSampleSize {
        what: SampleOf,
        needs: u64,
        has: u64,
    },
    /// The protocol gives no assumptions, so no sample size was calculated.
    SampleSizeNotCalculated,
    /// One reader only: the result cannot extend to other readers, as the protocol wanted.
    OneReader,
    /// Readings the question did not ask for; shown, not tested.
    ReadingsNotAsked {
        condition: Condition,
    },
}

/// What the sample size counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleOf {
    All,
    Positive,
    Negative,
    Readers,
}

impl Finding {
    /// Missing readings and answers are fatal unless the protocol lets cases be left out; then
    /// [`Finding::CasesLeftOut`] stands in their place.
    pub fn severity(&self) -> Severity {
        match self {
            Finding::CaseSetChanged { .. }
            | Finding::CaseSetNotTheProtocols { .. }
            | Finding::TooFewOfOneKind { .. }
            | Finding::UnknownCase { .. }
            | Finding::DuplicateReading { .. }
            | Finding::DuplicateAnswer { .. }
            | Finding::MissingReading { .. }
            | Finding::MissingAnswer { .. }
            | Finding::NoAnswers
            | Finding::NoReadings { .. }
            | Finding::ExperienceContradicts { .. }
            | Finding::EndpointNeedsScores
            | Finding::EndpointNeedsReaderThreshold => Severity::Fatal,
            Finding::SubgroupColumnMissing { .. }
            | Finding::ReadBeforeProtocol { .. }
            | Finding::WashOutViolated { .. }
            | Finding::CasesLeftOut { .. }
            | Finding::FewerCases { .. }
            | Finding::FewerPositiveCases { .. }
            | Finding::FewerReaders { .. }
            | Finding::BelowSampleSize { .. }
            | Finding::OneReader
            | Finding::ReadingDayMissing { paired: true, .. } => Severity::Breach,
            Finding::SampleSizeNotCalculated
            | Finding::ReadingsNotAsked { .. }
            | Finding::ReadingDayMissing { paired: false, .. } => Severity::Note,
        }
    }

    /// A sentence.
    pub fn text(&self, lang: Lang) -> String {
        crate::report::finding_text(self, lang)
    }
}

/// Why there is no result: every fatal finding, and the others beside them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub findings: Vec<Finding>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fatal = self
            .findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Fatal);
        for (index, finding) in fatal.enumerate() {
            let separator = if index > 0 { " " } else { "" };
            write!(f, "{separator}{}", finding.text(Lang::En))?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for kura_model::Error {
    fn from(refused: Refused) -> Self {
        kura_model::Error::conflict(refused.to_string())
    }
}
