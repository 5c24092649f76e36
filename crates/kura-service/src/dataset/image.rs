//! Images of a data set: their pixels are cleaned where the policy lets that be done, then their
//! headers. What cannot be cleaned stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kura_dataset::FileEntry;
use kura_dataset::manifest;
use kura_dataset::report::Pictures;
use kura_deid::dicom::{PatientIdentity, PixelsDone, deidentify, pixel_work};
use kura_dicom::Limits;
use kura_face::Face;
use kura_model::{Category, Error, RecordKey, Refusal, Result};
use kura_ocr::Identifiers;
use kura_store::Version;
use serde_json::Value;
use tempfile::TempPath;

use super::writer::Writer;
use super::{Build, MODALITIES, decode, known};
use crate::bank::file_error;
use crate::deid_face::HeadSeries;
use crate::deid_pixels::{TextCleaner, of_the_disk};
use crate::{Bank, imaging};

/// What cleans pixels, and what came of it.
pub(super) struct Pixels {
    /// None where no models are there: then what would need them stays.
    text: Option<TextCleaner>,
    /// Where cleaned objects lie until their headers are processed.
    spool: PathBuf,
    /// Where pictures for a person go.
    review: Option<PathBuf>,
    pub(super) told: Pictures,
}

impl Pixels {
    pub(super) fn new(bank: &Bank, review: Option<&Path>) -> Result<Self> {
        for folder in [TEXT, FACE] {
            if let Some(folder) = review.map(|review| review.join(folder)) {
                // They show patients.
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(&folder)
                    .map_err(|error| file_error(&folder, error))?;
            }
        }
        let text = match &bank.config.ocr.models {
            Some(_) => Some(TextCleaner::open(&bank.config)?),
            None => None,
        };
        Ok(Self {
            told: Pictures {
                reader: text.is_some(),
                ..Pictures::default()
            },
            text,
            spool: bank.clinical.blobs().spool().to_owned(),
            review: review.map(Path::to_owned),
        })
    }

    /// A place for an object whose pixels are cleaned; it goes when it is dropped.
    fn part(&self) -> Result<TempPath> {
        tempfile::Builder::new()
            .prefix("cleaned-")
            .tempfile_in(&self.spool)
            .map(tempfile::NamedTempFile::into_temp_path)
            .map_err(|error| file_error(&self.spool, error))
    }
}

/// Folders within that of the pictures for a person.
const TEXT: &str = "text";
const FACE: &str = "face";

/// An object that the policy lets leave, as far as its header tells.
struct Image {
    source: PathBuf,
    modality: String,
    identity: Arc<PatientIdentity>,
    /// As they will be.
    study: String,
    series: String,
    instance: String,
    /// The text in its pictures is to be masked.
    text: bool,
}

impl Build<'_> {
    pub(super) fn images(
        &mut self,
        patient: &RecordKey,
        known: &[String],
        writer: &mut Writer<'_>,
    ) -> Result<()> {
        let t = self.t;
        let studies = self
            .bank
            .clinical
            .read(|reader| reader.compartment(patient, "ImagingStudy", t))?;
        // The hospital's record of a study and ours may both be there: each study goes once.
        let mut uids = BTreeSet::new();
        let mut last = None;
        for study in &studies {
            uids.extend(imaging::study_uid(&decode(study)?).map(str::to_owned));
        }
        for uid in &uids {
            let mut query = imaging::of_study(uid);
            query.at = Some(t);
            let mut after = None;
            // Slices of heads, by series: a face is found in the whole of them.
            let mut heads: BTreeMap<String, Vec<Image>> = BTreeMap::new();
            loop {
                let page = self
                    .bank
                    .clinical
                    .read(|reader| reader.search(&query, after.as_ref(), 200))?;
                for version in &page.versions {
                    self.sources.update(&version.hash.0);
                    self.pixels.told.objects += 1;
                    let Some(mut image) = self.image(version, patient, known, &mut last)? else {
                        continue;
                    };
                    match pixel_work(BufReader::new(open(&image.source)?), self.dicom) {
                        Ok(work) => {
                            image.text = work.text.is_some();
                            match work.face {
                                Some(_) => {
                                    heads.entry(image.series.clone()).or_default().push(image);
                                }
                                None => self.leave(&image, None, writer)?,
                            }
                        }
                        Err(withheld) => self.withhold(&withheld.rule, &image.modality),
                    }
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            for images in heads.into_values() {
                self.head(&images, writer)?;
            }
        }
        Ok(())
    }

    /// The object of a record, if it is the patient's. `last`: of the object before, which mostly
    /// names the patient by the same words.
    fn image(
        &mut self,
        version: &Version,
        patient: &RecordKey,
        known: &[String],
        last: &mut Option<Arc<PatientIdentity>>,
    ) -> Result<Option<Image>> {
        let record = decode(version)?;
        let blob = imaging::blob_of(&record)?;
        let header = &record["header"];
        let uid = |tag: &str| {
            header
                .pointer(&format!("/{tag}/Value/0"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let modality = match uid("00080060") {
            listed if MODALITIES.contains(&listed.as_str()) => listed,
            // A free text in this attribute would reach the card.
            _ => "other".to_owned(),
        };
        // The object itself must say that it is this patient's, whatever its study says.
        if !known.contains(&uid("00100020")) {
            self.withhold("dicom-patient-differs", &modality);
            return Ok(None);
        }
        let known = words(header, known);
        let identity = match last.take().filter(|last| last.known() == known) {
            Some(same) => same,
            None => Arc::new(PatientIdentity::new(patient.id.clone(), known)),
        };
        *last = Some(identity.clone());
        self.bank.clinical.blobs().verify(blob)?;
        Ok(Some(Image {
            source: self.bank.clinical.blobs().path(blob),
            modality,
            identity,
            study: self.key.uid(&uid("0020000D")),
            series: self.key.uid(&uid("0020000E")),
            instance: self.key.uid(&uid("00080018")),
            text: false,
        }))
    }

    /// Takes the face out of a series of a head; all of it stays where that cannot be done.
    fn head(&mut self, images: &[Image], writer: &mut Writer<'_>) -> Result<()> {
        let files: Vec<PathBuf> = images.iter().map(|image| image.source.clone()).collect();
        let review = self.pixels.review.as_ref().map(|review| review.join(FACE));
        // Numbered: a UID of the set beside the picture would lead back to the patient.
        let told = &self.pixels.told;
        let name = format!("{}-", told.faces + told.no_face + told.faces_refused + 1);
        let pictures = review.as_deref().map(|folder| (folder, name.as_str()));
        match HeadSeries::open(&files, &Limits::default(), pictures) {
            Ok(head) => {
                let told = &mut self.pixels.told;
                match head.report.face {
                    Face::Removed => told.faces += 1,
                    Face::NotInView => told.no_face += 1,
                }
                told.brain_voxels_changed += head.report.brain.voxels_changed as u64;
                told.face_left = told.face_left.max(head.report.face_surface.share_left);
                for image in images {
                    self.leave(image, Some(&head), writer)?;
                }
            }
            Err(refusal) => {
                self.pixels.told.faces_refused += 1;
                for image in images {
                    self.refused(image, "dicom-face", &refusal)?;
                }
            }
        }
        Ok(())
    }

    fn refused(&mut self, image: &Image, rule: &str, refusal: &Refusal) -> Result<()> {
        if of_the_disk(refusal) {
            return Err(disk_full());
        }
        self.withhold(rule, &image.modality);
        Ok(())
    }

    /// Cleans what is to be cleaned of an object and writes it into the set, or counts why not.
    fn leave(
        &mut self,
        image: &Image,
        head: Option<&HeadSeries>,
        writer: &mut Writer<'_>,
    ) -> Result<()> {
        let mut done = PixelsDone::default();
        let mut parts: Vec<TempPath> = Vec::new();
        if let Some(head) = head {
            let part = self.pixels.part()?;
            if let Err(refusal) = head.clean(&image.source, &part, &Limits::default()) {
                return self.refused(image, "dicom-face", &refusal);
            }
            done.face = true;
            parts.push(part);
        }
        if let Some(cleaner) = self.pixels.text.as_ref().filter(|_| image.text) {
            let part = self.pixels.part()?;
            let source = parts.last().map_or(image.source.as_path(), |part| part);
            let identifiers = Identifiers::new(image.identity.known());
            let review = self.pixels.review.as_ref();
            let picture = review.map(|review| {
                review
                    .join(TEXT)
                    .join(format!("{}.png", self.pixels.told.read + 1))
            });
            match cleaner.clean(source, &part, &identifiers, picture.as_deref()) {
                Ok(masked) => {
                    let told = &mut self.pixels.told;
                    told.read += 1;
                    told.masked += masked.masked.len() as u64;
                    told.kept += masked.kept.len() as u64;
                    told.identifiers += masked.identifiers as u64;
                    done.text = u32::try_from(masked.masked.len()).ok();
                    done.regions = u32::try_from(masked.regions.len()).unwrap_or(u32::MAX);
                    parts.push(part);
                }
                Err(refusal) => return self.refused(image, "dicom-pixels", &refusal),
            }
        }
        if !parts.is_empty() {
            self.pixels.told.cleaned += 1;
            self.observer.cleaned(self.pixels.told.cleaned);
        }
        let source = parts.last().map_or(image.source.as_path(), |part| part);
        self.process(image, source, done, writer)
    }

    fn process(
        &mut self,
        image: &Image,
        source: &Path,
        done: PixelsDone,
        writer: &mut Writer<'_>,
    ) -> Result<()> {
        let path = format!(
            "dicom/{}/{}/{}.dcm",
            image.study, image.series, image.instance
        );
        let target = writer.folder.join(&path);
        let folder = target.parent().unwrap_or(writer.folder).to_owned();
        fs::create_dir_all(&folder).map_err(|error| file_error(&folder, error))?;
        let out = File::create(&target).map_err(|error| file_error(&target, error))?;
        let processed = deidentify(
            BufReader::new(open(source)?),
            BufWriter::new(out),
            self.dicom,
            self.key,
            &image.identity,
            done,
        );
        match processed {
            Ok(report) => {
                for (rule, count) in report.applied() {
                    *self.dicom_applied.entry(rule).or_default() += count;
                }
                self.pixels.told.left += 1;
                self.pixels.told.endoscopy += u64::from(image.modality == "ES");
                let (hash, bytes) = manifest::hash_file(&target)?;
                writer.files.push(FileEntry {
                    path,
                    bytes,
                    hash,
                    rows: None,
                });
            }
            Err(withheld) => {
                fs::remove_file(&target).map_err(|error| file_error(&target, error))?;
                // Folders that stay empty would tell how many studies there were.
                for folder in folder.ancestors().take(2) {
                    let _ = fs::remove_dir(folder);
                }
                if withheld.rule == "dicom-disk" {
                    return Err(disk_full());
                }
                self.withhold(&withheld.rule, &image.modality);
            }
        }
        Ok(())
    }
}

/// What names the patient: what the bank knows, and what an object says itself.
pub(crate) fn words(header: &Value, known: &[String]) -> Vec<String> {
    let mut known = known.to_vec();
    for tag in [
        "00100010", "00100020", "00101000", "00101001", "00101002", "00101005", "00101060",
        "00080050",
    ] {
        known::strings(&header[tag]["Value"], &mut known);
    }
    // PN separates its components by carets. PS3.5 6.2.
    let parts: Vec<String> = known
        .iter()
        .flat_map(|value| value.split('^').map(str::to_owned))
        .collect();
    known.extend(parts);
    known
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::internal("a blob cannot be read").because(error))
}

fn disk_full() -> Error {
    Error::new(
        Category::Exhausted,
        "an image cannot be written; is the disk full?",
    )
}
