//! Models at work: answers when data arrive, the list of waiting work, the doctor's decision.
//!
//! A model in use is asked for the newest case of each patient whose record has changed. Its
//! answer is a `RiskAssessment`, or a `DiagnosticReport` of what it has measured, a proposal; of
//! images it is a structured report and a segmentation beside them as well. A `Task` puts the
//! patient on the list of waiting work. A model in shadow is asked and stored alike, marked 研究用, and puts nobody on a list.
//! Whatever goes wrong with a model, the work stays on the list, unranked.

mod answer;
mod decide;
mod derived;
mod list;
mod picture;
mod proposal;
mod question;
mod tables;
mod watch;
mod watch_report;

pub use answer::{Report, answer_arrivals, asks_again};
pub use decide::{Decision, decide};
pub use list::{Entry, Rank, worklist};
pub use picture::picture;
pub use watch::{Alarm, Decisions, FeatureChange, Group, Period, Truth, WatchReport, watch};
pub use watch_report::{html as watch_html, markdown as watch_markdown};

/// `Task.code` and `RiskAssessment.code` system.
pub(crate) const WORK: &str = "urn:kura:work";
/// `meta.tag` system of an answer that is not for care.
pub const USE: &str = "urn:kura:use";
pub const RESEARCH_ONLY: &str = "research-only";
