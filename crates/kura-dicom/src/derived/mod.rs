//! What a model found, as DICOM objects beside the images it looked at: a Segmentation
//! ([`segmentation`]) and a structured report ([`report`]).
//!
//! Patient and study are copied from a header of the source. Text is written in the source's
//! character set where that is one of the Japanese ones (ISO 2022 IR 87, with or without IR 13)
//! and holds every character, else as `ISO_IR 192`: a reader that shows the images shows the
//! result. Dates and times are the hospital's: by the source's Timezone Offset From UTC, Japan's
//! where it has none.

mod colour;
mod content;
mod context;
mod dataset;
mod instance;
mod report;
mod segmentation;

pub use report::{
    About, Finding, Language, Measurement, SegmentRef, above_threshold, probability, report, volume,
};
pub use segmentation::{Segment, segmentation};

/// A coded concept (PS3.3 Table 8.8-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub value: String,
    /// Coding Scheme Designator (PS3.16 Table 8-1), such as `SCT`, `DCM`, `UCUM`.
    pub scheme: String,
    pub meaning: String,
}

impl Code {
    pub fn new(
        value: impl Into<String>,
        scheme: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        Self {
            value: value.into(),
            scheme: scheme.into(),
            meaning: meaning.into(),
        }
    }
}

/// The scheme of codes that no public scheme has.
pub const PRIVATE_SCHEME: &str = "99KURA";

/// What made the result: one version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The same for every result of this version, and of nothing else.
    pub uid: String,
    pub manufacturer: String,
    pub model_name: String,
    pub version: String,
    pub serial_number: String,
}

/// When a result was made and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub series_uid: String,
    /// UIDs within the object are this with a number after it, so at most 56 characters.
    pub instance_uid: String,
    pub series_number: u32,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// Whether the descriptions say that it is for research.
    pub research_only: bool,
}

/// The Tracking Unique Identifier (112040, DCM) of a segment: the Segmentation and the reports
/// about it carry the same.
fn tracking_uid(instance: &str, number: u16) -> String {
    format!("{instance}.{number}")
}
