//! One version and one patient: which case it is asked about, with what, and what it says.

use kura_dicom::{Header, Limits, Volume, labels_on, read_header, read_volume};
use kura_model::{ContentHash, Error, RecordKey, Refusal, Result};

use super::tables::{Series, Tables};
use crate::Bank;
use crate::models::asked::Asked;
use crate::models::registry::{self, Model};
use crate::models::{ModelFile, Output, VolumeInput, image};

/// A version, opened to be asked.
pub(super) struct Question {
    pub(super) file: ModelFile,
    /// Where it cannot be opened (no runtime), the cases are known all the same.
    asked: Result<Asked>,
    /// The trained numbers, by which an answer is explained.
    numbers: Option<kura_training::Model>,
}

/// A moment at which a version can be asked about a patient.
pub(super) struct Newest {
    pub(super) case_id: String,
    /// Milliseconds since 1970.
    pub(super) index_time: i64,
    pub(super) site: Option<String>,
    /// The features; empty for an image.
    row: Vec<f32>,
}

/// What a version is asked about.
pub(super) struct Case {
    pub(super) case_id: String,
    /// Milliseconds since 1970.
    pub(super) index_time: i64,
    pub(super) site: Option<String>,
    /// Hash of what the model is given.
    pub(super) inputs: ContentHash,
    /// The series, where the case is one.
    pub(super) series: Option<Series>,
    input: Input,
}

enum Input {
    /// Features, or the pixels of an image.
    Row(Vec<f32>),
    /// All files of the series.
    Volume,
}

pub(super) enum Found {
    Risk(Box<Risk>),
    Regions(Box<Regions>),
}

pub(super) struct Risk {
    pub(super) probability: f64,
    /// What spoke for it and against it: feature, value, what it adds to the log-odds.
    pub(super) reasons: Vec<String>,
    /// What the model was asked with: feature and value, those that were known.
    pub(super) asked: Vec<(String, f32)>,
    /// Header of the image, where it is one.
    pub(super) header: Option<Header>,
}

/// Regions of a series.
pub(super) struct Regions {
    /// Header of one of the series' objects.
    pub(super) header: Header,
    /// Where the voxels lie; its brightnesses are gone.
    pub(super) volume: Volume,
    /// In the geometry of the series: the number of the segment, 0 is none.
    pub(super) labels: Vec<u8>,
    /// Of each segment, in their order.
    pub(super) millilitres: Vec<f64>,
}

/// Reasons shown beside an answer.
const REASONS: usize = 3;

/// What a file says of itself is not repeated.
fn unreadable(refusal: Refusal) -> Error {
    Error::invalid(refusal.message.to_string()).because(refusal)
}

impl Question {
    pub(super) fn open(bank: &Bank, model: &Model) -> Result<Self> {
        let file = registry::model_file(bank, model)?;
        let blobs = bank.clinical.blobs();
        let asked = blobs
            .read(model.onnx)
            .and_then(|onnx| Asked::of(bank, &onnx, &file));
        let numbers = match file.numbers {
            Some(hash) => serde_json::from_slice::<kura_training::Model>(&blobs.read(hash)?)
                .ok()
                .filter(kura_training::Model::is_sound),
            None => None,
        };
        Ok(Self {
            file,
            asked,
            numbers,
        })
    }

    pub(super) fn can_be_asked(&self) -> bool {
        self.asked.is_ok()
    }

    fn asked(&self) -> Result<&Asked> {
        self.asked
            .as_ref()
            .map_err(|error| Error::new(error.category, error.message().to_owned()))
    }

    /// Each case is an examination of its own, and waits for itself.
    pub(super) fn examination<'a>(&self, case: &'a Newest) -> Option<&'a str> {
        (self.file.image.is_some() || self.file.volume.is_some()).then_some(case.case_id.as_str())
    }

    /// The newest case of a patient; of examinations all from `current` on, the newest if there is
    /// none.
    pub(super) fn cases(
        &self,
        tables: &Tables<'_>,
        patient: &RecordKey,
        current: i64,
    ) -> Result<Vec<Newest>> {
        let Some(cases) = tables.cases(&self.file.cases, patient, false)? else {
            return Ok(Vec::new());
        };
        let mut order: Vec<usize> = (0..cases.case_id.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse((cases.index_time[*at], *at)));
        let examinations = self.file.image.is_some() || self.file.volume.is_some();
        let recent = order
            .iter()
            .take_while(|at| examinations && cases.index_time[**at] >= current)
            .count();
        order.truncate(recent.max(1));
        let width = self.file.features.len();
        Ok(order
            .into_iter()
            .map(|at| Newest {
                case_id: cases.case_id[at].clone(),
                index_time: cases.index_time[at],
                site: cases.site.as_ref().map(|site| site[at].clone()),
                row: cases.values[at * width..(at + 1) * width].to_vec(),
            })
            .collect())
    }

    /// A case with everything it is asked with.
    pub(super) fn case(
        &self,
        tables: &Tables<'_>,
        patient: &RecordKey,
        newest: Newest,
    ) -> Result<Case> {
        let Newest {
            case_id,
            index_time,
            site,
            row: features,
        } = newest;
        let of_image = self.file.image.is_some() || self.file.volume.is_some();
        let series = match of_image {
            true => Some(tables.series(&case_id, patient)?),
            false => None,
        };
        let mut hasher = blake3::Hasher::new();
        let mut row = |values: Vec<f32>| {
            for value in &values {
                hasher.update(&value.to_le_bytes());
            }
            Input::Row(values)
        };
        let input = match (&self.file.image, &series) {
            (Some(image), Some(series)) => row(image.read(series.first()?).map_err(unreadable)?),
            (None, Some(series)) => {
                for file in &series.files {
                    hasher.update(&file.blob.0);
                }
                Input::Volume
            }
            (_, None) => row(features),
        };
        Ok(Case {
            case_id,
            index_time,
            site,
            inputs: ContentHash(*hasher.finalize().as_bytes()),
            series,
            input,
        })
    }

    pub(super) fn answer(&self, bank: &Bank, case: &Case) -> Result<Found> {
        match (&case.input, &self.file.volume, &case.series) {
            (Input::Row(row), ..) => self
                .risk(bank, row, case)
                .map(|found| Found::Risk(Box::new(found))),
            (Input::Volume, Some(input), Some(series)) => self
                .regions(bank, input, series)
                .map(|found| Found::Regions(Box::new(found))),
            _ => Err(Error::internal("a volume without a series")),
        }
    }

    fn risk(&self, bank: &Bank, row: &[f32], case: &Case) -> Result<Risk> {
        let probability = self
            .asked()?
            .probabilities(row, 1, registry::limit(bank))?
            .first()
            .copied()
            .ok_or_else(|| Error::invalid("the answer is no probability"))?;
        // A pixel is no reason that a person can read.
        let explained = self.numbers.as_ref().filter(|_| self.file.image.is_none());
        let reasons = explained.map_or_else(Vec::new, |numbers| {
            numbers
                .explain(row)
                .contributions
                .into_iter()
                .take(REASONS)
                .map(|(at, adds)| reason(&self.file.features[at], row[at], adds))
                .collect()
        });
        let asked = match self.file.image {
            None => self
                .file
                .features
                .iter()
                .zip(row)
                .filter(|(_, value)| !value.is_nan())
                .map(|(feature, value)| (feature.name.clone(), *value))
                .collect(),
            Some(_) => image::WATCHED
                .iter()
                .zip(image::watched(row))
                .map(|(name, value)| ((*name).to_owned(), value))
                .collect(),
        };
        let header = match &case.series {
            Some(series) => Some(header(series)?),
            None => None,
        };
        Ok(Risk {
            probability,
            reasons,
            asked,
            header,
        })
    }

    fn regions(&self, bank: &Bank, input: &VolumeInput, series: &Series) -> Result<Regions> {
        let Output::Segments { segment, .. } = &self.file.output else {
            return Err(Error::internal("a volume without segments"));
        };
        let paths: Vec<std::path::PathBuf> =
            series.files.iter().map(|file| file.path.clone()).collect();
        let mut volume = read_volume(&paths, &Limits::default()).map_err(unreadable)?;
        let grid = volume
            .geometry
            .centred(
                input.size.map(|side| side as usize),
                input.spacing,
                &input.orientation,
            )
            .map_err(unreadable)?;
        let darkest = volume.values.iter().copied().fold(f32::INFINITY, f32::min);
        let mut voxels = volume.resample(&grid, kura_dicom::Interpolation::Linear, darkest);
        // A volume and its network are large: nothing is held that is not needed.
        volume.values = Vec::new();
        input.scale(&mut voxels)?;
        let limit = std::time::Duration::from_secs_f64(
            bank.config.inference.volume_seconds.clamp(0.01, 36_000.0),
        );
        let labels = self.asked()?.labels(voxels, limit)?;
        let labels = labels_on(&grid, &labels, &volume.geometry);
        let mut counts = vec![0_u64; segment.len() + 1];
        for label in &labels {
            counts[usize::from(*label)] += 1;
        }
        let voxel = volume.geometry.voxel_volume() / 1000.0;
        Ok(Regions {
            header: header(series)?,
            millilitres: counts[1..]
                .iter()
                .map(|count| *count as f64 * voxel)
                .collect(),
            volume,
            labels,
        })
    }
}

fn header(series: &Series) -> Result<Header> {
    let path = series.first()?;
    let file = std::fs::File::open(path).map_err(|error| crate::bank::file_error(path, error))?;
    read_header(std::io::BufReader::new(file), &Limits::default()).map_err(unreadable)
}

/// `spo2 88 % (+1.20)`
fn reason(feature: &kura_training::Feature, value: f32, adds: f64) -> String {
    if value.is_nan() {
        return format!("{} – ({adds:+.2})", feature.name);
    }
    let unit = feature.unit.as_deref().unwrap_or_default();
    let gap = if unit.is_empty() { "" } else { " " };
    format!("{} {value}{gap}{unit} ({adds:+.2})", feature.name)
}
