//! Clinical performance tests (性能評価試験) of a model: what was decided before, what was read,
//! what came out, and a report that hides nothing.
//!
//! 1. [`Protocol`]: question, endpoint, hypothesis, margin, sample size, fixed before and hashed.
//! 2. [`Cases`], [`Readings`], [`Answers`]: three CSV files, read strictly.
//! 3. [`lock`] freezes the cases with their truth; [`reading_order`] gives each reader an order.
//! 4. [`analyse`] checks everything against the protocol and computes the [`TrialResult`].
//! 5. [`report_html`] and [`report_markdown`] show it, with the STARD-AI and TRIPOD+AI items that
//!    it answers and those it does not.
//!
//! Bytes in, values and text out: no file, no clock, no network. The statistics are those of
//! `kura-evaluation`.
//!
//! ```
//! use kura_trial::{Answers, Cases, Lang, Protocol, analyse, lock, report_markdown};
//!
//! let protocol = Protocol::parse(
//!     r#"
//!     title = { ja = "例", en = "An example" }
//!     question = "stand_alone_accuracy"
//!     intended_use = "An example."
//!     target_condition = "disease"
//!     reference_standard = "histology"
//!     fixed_on = "2026-04-01"
//!     fixed_by = "Trial office"
//!     model = { name = "m", version = "1" }
//!     endpoint = "sensitivity"
//!     thresholds = { ai = [0.5] }
//!     hypothesis = { kind = "superiority", goal = 0.6, alpha_one_sided = 0.025, power = 0.8 }
//!     minimum = { cases = 4, positive_cases = 2 }
//!     "#,
//! )?;
//! let cases = Cases::parse(b"case,cluster,truth\na,p1,1\nb,p2,1\nc,p3,0\nd,p4,0\n")?;
//! let answers = Answers::parse(b"case,probability\na,0.9\nb,0.7\nc,0.2\nd,0.6\n")?;
//! let result = analyse(&protocol, &lock(cases), None, Some(&answers))?;
//! assert!(!result.verdict.met && !result.findings.is_empty());
//! assert!(report_markdown(&result, Lang::Ja).starts_with("# 例"));
//! # Ok::<(), kura_model::Error>(())
//! ```

mod analysis;
mod answers;
mod cases;
mod date;
mod finding;
mod locked;
mod protocol;
mod readings;
mod report;
mod sample_size;
mod table;
mod words;

pub use analysis::{
    Agreement, BesideAi, CalibrationResult, CaseCounts, Computed, Figure, GroupResult,
    HypothesisVerdict, LeftOut, MatchedPoint, PairedComparison, ReaderResult, StandAlone, Standing,
    StudyAnalysis, StudyComparison, SubgroupSection, TrialResult, analyse,
};
pub use answers::Answers;
pub use cases::{Case, Cases};
pub use date::Date;
pub use finding::{Finding, Input, Refused, Severity};
pub use locked::{LockedCases, lock, reading_order};
pub use protocol::{
    Adjustment, Asked, Assumptions, Contradiction, Endpoint, Extent, Hypothesis, HypothesisKind,
    Minimum, MissingReadings, ModelName, Pilot, Protocol, Question, Scale, Subgroups, Thresholds,
};
pub use readings::{Condition, Rating, Reading, Readings, WrittenReading, readings_csv};
pub use report::{
    Checklist, ChecklistItem, ItemState, checklists, report_html, report_markdown, statement_keys,
};
pub use sample_size::{SampleSize, Units, sample_size};
pub use words::{Lang, Words};
