//! One function per use case. Only this room composes the others: standards crates do not know
//! each other, the store knows no standard.
//!
//! Every function takes a [`kura_model::RequestContext`], decides access once, and leaves one
//! audit record.

pub mod access;
pub mod accounts;
pub mod async_request;
pub mod backup;
mod bank;
pub mod bedside;
pub mod bulk_import;
mod bundle_writer;

mod capabilities;
mod care;
pub mod changes;
pub mod config;
pub mod dashboard;
pub mod dataset;
pub mod deid_approval;
pub mod deid_check;
pub mod deid_face;
pub mod deid_pixels;
pub mod deid_policy;
pub mod deid_preview;
mod deid_regions;
pub mod deid_table;
mod deid_video;
pub mod dicom_bulk;
pub mod dicom_commitment;
pub mod dicom_delete;
pub mod dicom_find;
mod dicom_fuzzy;
mod dicom_header;
mod dicom_index;
pub mod dicom_migration;
pub mod dicom_outbox;
pub mod dicom_pieces;
pub mod dicom_read;
pub mod dicom_render;
pub mod dicom_store;
pub mod emergency;
pub mod endpoint;
pub mod export;
pub mod fhir_read;
pub mod fhir_search;
pub mod fhir_write;
pub mod genomics;
pub mod history;
pub mod imaging;
mod imaging_study;
pub mod import;
pub mod instance_store;
mod key_file;
pub mod lead_back;
pub mod link;
pub mod masters;
pub mod modality_worklist;
pub mod models;
pub mod operations;
pub mod patients;
mod query;
mod sealed;
pub mod search_index;
pub mod status;
pub mod subscription;
mod terminology;
pub mod terminology_service;
pub mod timeline;
mod toml_file;
pub mod trial;
pub mod validation;
pub mod view_definition;
pub mod workitem;

pub use bank::Bank;
pub use config::Config;

/// Kinds of record that are ours and no FHIR resource.
pub mod kind {
    /// One DICOM object: its header as DICOM JSON; the file is a blob. Id: SOP Instance UID.
    pub const DICOM_INSTANCE: &str = "DicomInstance";
    /// A study: what its objects agree on. Id: that of the `ImagingStudy` made of it.
    pub const DICOM_STUDY: &str = "DicomStudy";
    /// A series: what its objects agree on, and the blocks with their headers. Id: hash of its UIDs.
    pub const DICOM_SERIES: &str = "DicomSeries";
    /// A study some of whose objects its `ImagingStudy` does not name yet. Id: that of the
    /// `ImagingStudy`.
    pub const PENDING_STUDY: &str = "PendingStudy";
    /// A study that is to be sent to another application entity. Id: hash of both.
    pub const DICOM_PARCEL: &str = "DicomParcel";
    /// How far the move from an old archive has come. Id: hash of its title and of the day.
    pub const DICOM_MOVE: &str = "DicomMove";
    /// A Unified Procedure Step: its data set in DICOM JSON, and the lock of whoever performs it.
    /// Id: SOP Instance UID.
    pub const WORKITEM: &str = "Workitem";
    /// Whether a title is told of a workitem, or of all. Id: hash of both.
    pub const WORKITEM_SUBSCRIPTION: &str = "WorkitemSubscription";
    /// A line of a sample sheet: which patient a sequenced sample is from. Id: hash of the name.
    pub const SAMPLE: &str = "Sample";
    /// An account of a person (identity zone). Id: its name.
    pub const ACCOUNT: &str = "Account";
    /// A signed-in browser (identity zone). Id: hash of its token.
    pub const SESSION: &str = "Session";
    /// That somebody opened a patient's records in an emergency. Id: random.
    pub const EMERGENCY: &str = "Emergency";
    /// What a program comes in by for a person (identity zone). Id: hash of the token.
    pub const TOKEN: &str = "Token";
    /// The key of one research project (identity zone). Id: the project's name.
    pub const PROJECT_KEY: &str = "ProjectKey";
    /// The public half of the key file that the bank's secrets are sealed under (identity zone).
    pub const KEY_FILE: &str = "KeyFile";
    /// What a board decided about a policy of the bank's own. Id: hash of its text and of the project.
    pub const POLICY_APPROVAL: &str = "PolicyApproval";
    /// A key of the server itself (identity zone).
    pub const SERVER_KEY: &str = "ServerKey";
    /// The plan of change in force for a model. Id: the model's name.
    pub const CHANGE_PLAN: &str = "ChangePlan";
    /// A performance test: protocol, locked cases, analyses (research zone). Id: its hash.
    pub const TRIAL: &str = "Trial";
    /// A reader of a trial: code and experience (research zone). Id: trial and code.
    pub const TRIAL_READER: &str = "TrialReader";
    /// One reading of one case (research zone). Id: hash of trial, reader, condition and case.
    pub const TRIAL_READING: &str = "TrialReading";
    /// Which account reads under which code (identity zone). Id: the trial.
    pub const TRIAL_READERS: &str = "TrialReaders";
    /// How far a model version has been asked. Id: name and version.
    pub const MODEL_CURSOR: &str = "ModelCursor";
    /// A locked test set and everyone who looked at it (research zone). Id: its hash.
    pub const LOCKED_TEST: &str = "LockedTest";
    /// A data set that was built (research zone). Id: hash of its manifest.
    pub const DATA_SET: &str = "DataSet";
    /// A folder a data set was written into: its path and the hash of the manifest (research zone).
    /// Id: hash of the path.
    pub const DATA_SET_FOLDER: &str = "DataSetFolder";
}

/// An OperationOutcome with one error, as JSON.
pub fn outcome(code: &str, diagnostics: &str) -> String {
    kura_fhir::outcome::single("error", code, diagnostics).to_string()
}

/// An OperationOutcome that only tells something, as JSON.
pub fn outcome_note(diagnostics: &str) -> String {
    kura_fhir::outcome::single("information", "informational", diagnostics).to_string()
}

/// The OperationOutcome of one of our errors, as JSON.
pub fn outcome_of(error: &kura_model::Error) -> String {
    kura_fhir::outcome::of(error).to_string()
}

/// Splits and percent-decodes a query string or a form.
pub fn decode_query(query: &str) -> kura_model::Result<Vec<(String, String)>> {
    kura_fhir::search::decode(query)
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Milliseconds since 1970 of `Tue, 14 Nov 2023 22:13:20 GMT`; `None` for anything else, which a
/// server has to ignore. RFC 9110 section 5.6.7, without its obsolete forms.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut time = parts.next()?.splitn(3, ':');
    let mut next = |limit: i64| -> Option<i64> {
        let number: i64 = time.next()?.parse().ok()?;
        (0..limit).contains(&number).then_some(number)
    };
    let seconds = next(24)? * 3600 + next(60)? * 60 + next(61)?;
    let sound = (1..=31).contains(&day) && (1970..10_000).contains(&year);
    (sound && parts.next()? == "GMT")
        .then(|| (kura_fhir::date::day_number(year, month, day) * 86_400 + seconds) * 1000)
}

/// `Tue, 14 Nov 2023 22:13:20 GMT` of milliseconds since 1970. RFC 9110 section 5.6.7.
pub fn http_date(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let day_number = seconds.div_euclid(86_400);
    let (year, month, day) = kura_fhir::date::civil(day_number);
    let second = seconds.rem_euclid(86_400);
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        DAYS[day_number.rem_euclid(7) as usize],
        MONTHS[(month - 1) as usize],
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::{http_date, parse_http_date};

    #[test]
    fn dates_of_http_there_and_back() {
        // The example of RFC 9110 section 5.6.7; 784,111,777 by `date -ud`.
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse_http_date(text), Some(784_111_777_000));
        assert_eq!(http_date(784_111_777_000), text);
        for wrong in [
            "",
            "yesterday",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 JST",
        ] {
            assert_eq!(parse_http_date(wrong), None, "{wrong}");
        }
    }
}
