//! The report of a data set: what was there, which rule did what how often, what was held back
//! and why. `report.json` for programs, HTML and PDF for an ethics board, in Japanese and English
//! side by side. It holds counts and names of the standard only.

mod document;
mod html;

use std::collections::BTreeMap;

use kura_pdf::{Fonts, Pdf, PdfError};
use serde::Serialize;

/// A rule as a report shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    pub id: String,
    /// The policy that has it.
    pub policy: String,
    pub action: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    /// The elements it names.
    pub paths: Vec<String>,
    /// Elements it decided about in this set.
    pub applied: u64,
}

/// What happened to one element of FHIR.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// `Patient.birthDate`
    pub path: String,
    /// None: no rule lists it, so it went.
    pub rule: Option<String>,
    pub action: String,
    pub kept: u64,
    pub removed: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Policy {
    pub id: String,
    pub version: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub reversible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// BLAKE3 of its text and of those it extends.
    pub hash: String,
    /// Of a bank's own policy, and where texts leave: the board that approved it for the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// What a board decided.
#[derive(Debug, Clone, Serialize)]
pub struct Approval {
    pub board: String,
    pub reference: String,
    pub date: String,
    /// Whether texts may leave.
    pub texts: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub name: String,
    pub title: String,
    pub project: String,
    pub t: u64,
    pub as_of: String,
    pub patients: u64,
    /// Resources that were looked at, by type, and how many of them are in the set.
    pub resources: BTreeMap<String, Resources>,
    pub policy: Policy,
    /// What the images were processed by.
    pub image_policy: Option<Policy>,
    pub rules: Vec<Rule>,
    pub elements: Vec<Line>,
    /// Codes and units that went because nobody publishes them.
    pub local_codes: u64,
    pub local_units: u64,
    /// Texts that are in the set, and the pieces of them that became labels, by what they told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
    /// How easily a patient is told by what others know of them.
    pub risks: Vec<Risk>,
    /// What became of the images, where the set asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// What stayed inside, by reason and kind.
    pub withheld: BTreeMap<String, u64>,
    /// What a person must still look at: Japanese, English.
    pub to_look_at: Vec<(String, String)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Texts {
    pub texts: u64,
    pub labels: BTreeMap<String, u64>,
}

/// The risk of patients who are known to be in the set. El Emam, *Guide to the De-Identification of
/// Personal Health Information* (2013), chapter 16.
#[derive(Debug, Clone, Serialize)]
pub struct Risk {
    /// Who asks: Japanese, English.
    pub ja: String,
    pub en: String,
    pub patients: u64,
    /// Patients in the smallest group of those who look alike.
    pub smallest: u64,
    /// Patients whom nobody else looks like.
    pub alone: u64,
    /// 1 / group: of the worst patient, and of all on average.
    pub most: f64,
    pub mean: f64,
    /// Patients whose risk is above the threshold.
    pub above: u64,
    pub threshold: f64,
}

/// What became of the images and their pixels.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Pictures {
    /// Objects that were there, and those in the set.
    pub objects: u64,
    pub left: u64,
    /// Whether there was something to read text in pictures with.
    pub reader: bool,
    /// Objects whose pixels were processed.
    pub cleaned: u64,
    /// Objects in whose every frame text was looked for.
    pub read: u64,
    /// Places of text that were masked; that hold an identifier of the patient, as far as it was
    /// read; and that stay, since they are on the list.
    pub masked: u64,
    pub identifiers: u64,
    pub kept: u64,
    /// Objects of endoscopy in the set: before and after it looks inside, it looks at people.
    pub endoscopy: u64,
    /// Series of heads whose face was taken out; that end before the face; that stay inside.
    pub faces: u64,
    pub no_face: u64,
    pub faces_refused: u64,
    /// Of all these; anything but 0 would have been refused.
    pub brain_voxels_changed: u64,
    /// The largest share of the skin of a face that is left, 0 to 1.
    pub face_left: f64,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Resources {
    pub seen: u64,
    pub left: u64,
}

impl Report {
    pub fn html(&self) -> String {
        html::page(&self.document())
    }

    /// The same as the HTML, to be kept and signed: PDF/A-2a and PDF/UA-1.
    pub fn pdf(&self, fonts: &Fonts) -> Result<Pdf, PdfError> {
        self.document().pdf(fonts)
    }
}
