//! From a data set's folder to numbers: what training and testing both begin with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::{CasesSpec, Gathered, Workspace};
use kura_dataset::manifest::{self, Manifest};
use kura_dataset::table;
use kura_model::{Category, ContentHash, Error, Result};
use kura_training::{Examples, Feature, Matrix, TrainingError, group_split, planes_to_matrix};

use super::file::LockedTest;
use super::image::ImageInput;
use super::judgement;

/// A set's cases with everything training needs.
pub(crate) struct Prepared {
    pub(crate) manifest: Manifest,
    /// Hash of `manifest.json`: the name of the set's bytes.
    pub(crate) manifest_hash: ContentHash,
    pub(crate) gathered: Gathered,
    pub(crate) examples: Examples,
    /// Cases left out because their image did not leave the bank, or cannot be read.
    pub(crate) without_image: u64,
}

pub(crate) fn learning(error: &TrainingError) -> Error {
    Error::new(
        match error {
            TrainingError::Cancelled => Category::Interrupted,
            _ => Category::Invalid,
        },
        error.to_string(),
    )
}

/// The tables of a set that are `wanted`, in a workspace.
pub(crate) fn tables(
    set: &Path,
    wanted: impl Fn(&str) -> bool,
    cancel: &Arc<AtomicBool>,
) -> Result<(Manifest, Workspace)> {
    let manifest = Manifest::read(set)?;
    let workspace = Workspace::new(cancel.clone())?;
    for name in manifest.spec.data.tables.iter().filter(|name| wanted(name)) {
        load(&workspace, set, &manifest, name)?;
    }
    Ok((manifest, workspace))
}

/// One table of a set, once its bytes are what the manifest says.
fn load(workspace: &Workspace, set: &Path, manifest: &Manifest, name: &str) -> Result<()> {
    let Some(table) = table::by_name(name) else {
        return Ok(());
    };
    let path = format!("{name}.parquet");
    let file = set.join(&path);
    let known = manifest.files.iter().find(|entry| entry.path == path);
    if known.map(|entry| (entry.hash, entry.bytes)) != Some(manifest::hash_file(&file)?) {
        return Err(Error::invalid(format!(
            "{} is not what the manifest says; see kura dataset verify",
            file.display()
        )));
    }
    workspace.load(table, &file).map(drop)
}

/// Loads a set, checks that its tables are what its manifest says, and gathers the cases.
/// `folder` of the specification is where the outcome's file lies.
pub(crate) fn prepare(
    set: &Path,
    spec: &CasesSpec,
    image: Option<&ImageInput>,
    folder: &Path,
    cancel: &Arc<AtomicBool>,
) -> Result<Prepared> {
    let manifest = Manifest::read(set)?;
    let (manifest_hash, _) = manifest::hash_file(&set.join(manifest::FILE))?;
    let mut workspace = Workspace::new(cancel.clone())?;
    for name in &manifest.spec.data.tables {
        load(&workspace, set, &manifest, name)?;
    }
    let judged = match &spec.outcome {
        Some(outcome) => judgement::read(outcome, folder)?,
        None => None,
    };
    let outcomes = judged.as_ref().map(|judged| &judged.outcome);
    let mut gathered = kura_cases::build(&mut workspace, spec, outcomes, true)?;
    gathered
        .findings
        .extend(judged.into_iter().flat_map(|judged| judged.findings));
    let (examples, without_image) = match image {
        None => (examples(&gathered)?, 0),
        Some(image) => pictures(set, &manifest, image, &mut gathered)?,
    };
    Ok(Prepared {
        manifest,
        manifest_hash,
        gathered,
        examples,
        without_image,
    })
}

fn examples(gathered: &Gathered) -> Result<Examples> {
    let cases = &gathered.cases;
    let features = gathered
        .columns
        .iter()
        .map(|(name, unit)| Feature {
            name: name.clone(),
            unit: unit.clone(),
        })
        .collect();
    let matrix = Matrix::new(features, cases.case_id.len(), cases.values.clone())
        .map_err(|error| learning(&error))?;
    Ok(Examples {
        matrix,
        outcome: cases.outcome.clone(),
        group: cases.patient.clone(),
        site: cases.site.clone(),
        weight: None,
    })
}

/// The first image of each case's series as a row of pixels; cases without one are left out.
fn pictures(
    set: &Path,
    manifest: &Manifest,
    image: &ImageInput,
    gathered: &mut Gathered,
) -> Result<(Examples, u64)> {
    let mut by_series: BTreeMap<&str, &manifest::FileEntry> = BTreeMap::new();
    for entry in &manifest.files {
        // dicom/STUDY/SERIES/INSTANCE.dcm
        let parts: Vec<&str> = entry.path.split('/').collect();
        if let ["dicom", _, series, _] = parts[..] {
            by_series.entry(series).or_insert(entry);
        }
    }
    let cases = &mut gathered.cases;
    let mut kept = Vec::new();
    let mut pixels = Vec::new();
    for (at, id) in cases.case_id.iter().enumerate() {
        let Some(entry) = by_series.get(id.as_str()) else {
            continue;
        };
        let file = set.join(&entry.path);
        if manifest::hash_file(&file)? != (entry.hash, entry.bytes) {
            return Err(Error::invalid(format!(
                "{} is not what the manifest says; see kura dataset verify",
                file.display()
            )));
        }
        if let Ok(picture) = image.read(&file) {
            kept.push(at);
            pixels.extend(picture);
        }
    }
    let without = (cases.case_id.len() - kept.len()) as u64;
    if kept.is_empty() {
        return Err(Error::invalid(
            "no case has an image in the set; is case_id the series_uid, and images = true in its specification?",
        ));
    }
    let pick = |all: &[String]| kept.iter().map(|at| all[*at].clone()).collect::<Vec<_>>();
    cases.case_id = pick(&cases.case_id);
    cases.patient = pick(&cases.patient);
    cases.site = cases.site.as_deref().map(pick);
    cases.index_time = kept.iter().map(|at| cases.index_time[*at]).collect();
    cases.outcome = kept.iter().map(|at| cases.outcome[*at]).collect();
    let matrix = planes_to_matrix(
        &pixels,
        image.channels as usize,
        image.height as usize,
        image.width as usize,
    )
    .map_err(|error| learning(&error))?;
    let examples = Examples {
        matrix,
        outcome: cases.outcome.clone(),
        group: cases.patient.clone(),
        site: cases.site.clone(),
        weight: None,
    };
    Ok((examples, without))
}

/// Rows of the training part and of the locked test set: whole patients, drawn by the seed.
pub(crate) struct Parts {
    pub(crate) training: Vec<usize>,
    pub(crate) test: Vec<usize>,
    pub(crate) locked: LockedTest,
}

pub(crate) fn parts(prepared: &Prepared, test_share: f64, seed: u64) -> Result<Parts> {
    let examples = &prepared.examples;
    let part = if test_share <= 0.0 || test_share >= 1.0 {
        // Nobody is set aside, or everybody: of a model from elsewhere.
        vec![usize::from(test_share >= 1.0); examples.outcome.len()]
    } else {
        group_split(
            &examples.group,
            &examples.outcome,
            &[1.0 - test_share, test_share],
            seed,
        )
        .map_err(|error| learning(&error))?
    };
    let rows = |wanted: usize| -> Vec<usize> {
        (0..part.len()).filter(|row| part[*row] == wanted).collect()
    };
    let (training, test) = (rows(0), rows(1));
    let patients: std::collections::BTreeSet<&str> = test
        .iter()
        .map(|row| examples.group[*row].as_str())
        .collect();
    let mut hasher = blake3::Hasher::new();
    hasher.update(prepared.manifest.spec.project.as_bytes());
    for patient in &patients {
        hasher.update(&[0]);
        hasher.update(patient.as_bytes());
    }
    let locked = LockedTest {
        id: ContentHash(*hasher.finalize().as_bytes()),
        patients: patients.len() as u64,
        cases: test.len() as u64,
        positive: test.iter().filter(|row| examples.outcome[**row]).count() as u64,
    };
    Ok(Parts {
        training,
        test,
        locked,
    })
}
