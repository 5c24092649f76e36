//! The tables of one patient, made as a data set makes them: a model is asked with what it was
//! trained on.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::{Cases, CasesSpec, Workspace};
use kura_dataset::table::TABLES;
use kura_deid::fhir::{self, ChangeReport, Subject};
use kura_deid::keys::ProjectKey;
use kura_deid::known::KnownIdentifiers;
use kura_deid::policy::Policy;
use kura_fhir::view;
use kura_model::{Error, LogicalTime, RecordKey, Result};

use crate::imaging::SeriesFile;
use crate::{Bank, dataset, deid_policy, imaging, kind};

/// What it takes to make tables; made once for many patients.
pub(super) struct Tables<'a> {
    bank: &'a Bank,
    policy: Policy,
    key: ProjectKey,
    t: LogicalTime,
    reference_year: i64,
}

const DAY: i64 = 86_400_000;

/// By this a case is made: it keeps the days between events, and needs no survey of others.
const BEDSIDE: &str = "kamei";

impl<'a> Tables<'a> {
    pub(super) fn open(bank: &'a Bank) -> Result<Self> {
        let t = bank.clinical.now()?;
        // Not a project's: nothing of what is made with it leaves this function.
        let key = RecordKey::new(kind::SERVER_KEY, "bedside");
        Ok(Self {
            policy: deid_policy::named(bank, BEDSIDE)?,
            key: ProjectKey::new(bank.secret(&key)?),
            reference_year: dataset::reference_year(bank, t)?,
            bank,
            t,
        })
    }

    /// Gathers the cases of one patient; their times are the real ones again. With `outcome` those
    /// whose outcome is known by now.
    pub(super) fn cases(
        &self,
        spec: &CasesSpec,
        patient: &RecordKey,
        outcome: bool,
    ) -> Result<Option<Cases>> {
        let mut workspace = Workspace::new(Arc::new(AtomicBool::new(false)))?;
        let known = dataset::known(self.bank, patient, self.t)?;
        let identifiers = KnownIdentifiers::new(known.iter().cloned());
        let shift_days = self.key.date_shift_days(&patient.id);
        let wanted = mentioned(spec);
        let mut changes = ChangeReport::default();
        let mut kinds = BTreeSet::new();
        for table in TABLES {
            // Empty, it still has its columns: SQL that names it is right.
            workspace.create(table)?;
            if wanted.contains(table.name) {
                kinds.insert(table.kind);
            }
        }
        for kind in kinds {
            let versions = self
                .bank
                .clinical
                .read(|reader| reader.compartment(patient, kind, self.t))?;
            for version in &versions {
                let subject = Subject {
                    key: &self.key,
                    known: &identifiers,
                    shift_days,
                    reference_year: self.reference_year,
                    survey: None,
                    texts: None,
                };
                let resource = imaging::decode(&version.body)?;
                // What would stay inside when a set is built is not known to the model either.
                let processed = fhir::process(&self.policy, &resource, &subject, &mut changes);
                let Ok(processed) = processed else {
                    continue;
                };
                for table in TABLES
                    .iter()
                    .filter(|table| table.kind == kind && wanted.contains(table.name))
                {
                    workspace.add(table, table.rows(&processed))?;
                }
            }
        }
        match kura_cases::build(&mut workspace, spec, None, outcome) {
            Ok(gathered) => {
                let mut cases = gathered.cases;
                for time in &mut cases.index_time {
                    *time -= i64::from(shift_days) * DAY;
                }
                Ok(Some(cases))
            }
            Err(error)
                if [kura_cases::NO_CASE, kura_cases::NO_OUTCOME].contains(&error.message()) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The series that a case is about, as the bank has it.
pub(super) struct Series {
    /// The `ImagingStudy`.
    pub(super) study: RecordKey,
    /// (0020,000D) and (0020,000E).
    pub(super) study_uid: String,
    pub(super) uid: String,
    /// By instance number; those with pixels.
    pub(super) files: Vec<SeriesFile>,
}

impl Series {
    pub(super) fn first(&self) -> Result<&Path> {
        self.files
            .first()
            .map(|file| file.path.as_path())
            .ok_or_else(|| Error::internal("a series without a file"))
    }
}

impl Tables<'_> {
    /// The series a case is about.
    ///
    /// # Errors
    /// `NotFound` where the bank has no image of the series: it may still be on its way.
    pub(super) fn series(&self, case_id: &str, patient: &RecordKey) -> Result<Series> {
        let studies = self
            .bank
            .clinical
            .read(|reader| reader.compartment(patient, "ImagingStudy", self.t))?;
        for version in &studies {
            let study = imaging::decode(&version.body)?;
            let Some(uid) = imaging::study_uid(&study) else {
                continue;
            };
            for series in view::items(&study, "series") {
                let known = view::text(series, "uid").unwrap_or_default();
                if self.key.uid(known) != case_id {
                    continue;
                }
                let files = imaging::series_files(self.bank, uid, known)?;
                if !files.is_empty() {
                    return Ok(Series {
                        study: version.key.clone(),
                        study_uid: uid.to_owned(),
                        uid: known.to_owned(),
                        files,
                    });
                }
            }
        }
        Err(Error::not_found("the bank has no image of the series"))
    }
}

/// Tables whose names stand in the SQL.
fn mentioned(spec: &CasesSpec) -> BTreeSet<&'static str> {
    let texts: Vec<&str> = std::iter::once(spec.cases.as_str())
        .chain(spec.features.iter().map(|feature| feature.sql.as_str()))
        .chain(spec.feature_sets.iter().map(|set| set.sql.as_str()))
        .chain(spec.outcome.iter().flat_map(|outcome| {
            [&outcome.sql, &outcome.followed_until]
                .into_iter()
                .filter_map(|sql| sql.as_deref())
        }))
        .collect();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    TABLES
        .iter()
        .map(|table| table.name)
        .filter(|name| {
            texts.iter().any(|text| {
                text.split(|letter| !is_word(letter))
                    .any(|word| word.eq_ignore_ascii_case(name))
            })
        })
        .collect()
}
