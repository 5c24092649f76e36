//! Images for the pages: studies, what they hold, and their frames.

mod document;
mod object;
mod report;
mod segmentation;
mod series;
mod slide;
mod studies;
mod volume;
mod waveform;

use kura_dicom::{Frame, Limits, Overlay, Pixels, VoiFunction, VoiLut, decode_frame};
use kura_fhir::view;
use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Predicate, Query};
use serde_json::Value;

use crate::access::{Action, Reach, reach};
use crate::imaging_study::STUDY_PARAM;
use crate::imaging_study::attribute::{number, text};
use crate::{Bank, kind};

pub use document::{Document, document, video};
pub use object::{Shown, Sort, shown, sort};
pub use report::{Item, Report, Said, report};
pub use segmentation::{Segmentation, segmentation};
pub use series::{ObjectInfo, SeriesInfo, SeriesView, of_study as series_of, view};
pub use studies::{Asked, Other, Studies, StudyRow, others, studies};
pub use volume::{Nifti, nifti};
pub use waveform::{Channel, Waveform, waveforms};

pub(crate) fn decode(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))
}

/// UID of the study an `ImagingStudy` describes.
pub(crate) fn study_uid(study: &Value) -> Option<&str> {
    view::identifiers(study, "urn:dicom:uid")
        .next()
        .map(|uid| uid.strip_prefix("urn:oid:").unwrap_or(uid))
}

/// Objects of one study shown on a page at most.
const INSTANCES_AT_MOST: u32 = 10_000;

/// Finds the objects of a study.
pub(crate) fn of_study(uid: &str) -> Query {
    Query::all(kind::DICOM_INSTANCE).and(Predicate::Token {
        param: STUDY_PARAM.to_owned(),
        system: Some(None),
        code: Some(uid.to_owned()),
    })
}

/// An object of a series.
pub(crate) struct SeriesFile {
    pub(crate) path: std::path::PathBuf,
    pub(crate) blob: ContentHash,
    pub(crate) sop_class: String,
    pub(crate) sop_instance: String,
}

/// The objects with pixels of a series, by instance number.
pub(crate) fn series_files(
    bank: &Bank,
    study_uid: &str,
    series_uid: &str,
) -> Result<Vec<SeriesFile>> {
    let query = of_study(study_uid);
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, INSTANCES_AT_MOST))?;
    let mut found = Vec::new();
    for version in page.versions {
        let record = decode(&version.body)?;
        let header = &record["header"];
        let pictures = record["frames"].as_u64().unwrap_or(0) > 0;
        if !pictures || text(header, "0020000E").as_deref() != Some(series_uid) {
            continue;
        }
        let blob = blob_of(&record)?;
        let file = SeriesFile {
            path: bank.clinical.blobs().path(blob),
            blob,
            sop_class: text(header, "00080016").unwrap_or_default(),
            sop_instance: version.key.id,
        };
        found.push((number(header, "00200013").unwrap_or(i64::MAX), file));
    }
    found.sort_by(|a, b| (a.0, &a.1.sop_instance).cmp(&(b.0, &b.1.sop_instance)));
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

/// The blob of a DICOM record's body.
pub(crate) fn blob_of(record: &Value) -> Result<ContentHash> {
    view::text(record, "blob")
        .and_then(|hash| hash.parse().ok())
        .ok_or_else(|| Error::internal("a stored record names no blob"))
}

/// One frame, decoded. `frame` counts from 1.
fn frame(bank: &Bank, context: &RequestContext, sop_uid: &str, frame: u32) -> Result<Frame> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let object = format!("{}/{sop_uid}", kind::DICOM_INSTANCE);
    bank.clinical
        .audit(AuditEntry::new(context, "frame_read", object));
    decoded(bank, &reach, sop_uid, frame)
}

fn decoded(bank: &Bank, reach: &Reach, sop_uid: &str, frame: u32) -> Result<Frame> {
    let key = RecordKey::new(kind::DICOM_INSTANCE, sop_uid);
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let absent = || Error::not_found("this object is not in the bank");
    let version = found
        .filter(|version| !version.deleted)
        .ok_or_else(absent)?;
    let record = decode(&version.body)?;
    let study = text(&record["header"], "0020000D").unwrap_or_default();
    if !reach.has_study(bank, &study)? {
        return Err(absent());
    }
    let blob = blob_of(&record)?;
    let index = frame
        .checked_sub(1)
        .ok_or_else(|| Error::not_found("frames count from 1"))?;
    decode_frame(&bank.clinical.blobs().path(blob), index, &Limits::default()).map_err(|refusal| {
        let category = match refusal.rule.as_ref() {
            "dicom-frame" => Category::NotFound,
            _ => Category::Unsupported,
        };
        Error::new(category, refusal.message.clone()).because(refusal)
    })
}

/// A frame as PNG, windowed by `(center, width)` or its own default, not larger than `max_side`.
pub fn frame_png(
    bank: &Bank,
    context: &RequestContext,
    sop_instance_uid: &str,
    number: u32,
    window: Option<(f64, f64)>,
    max_side: Option<u32>,
) -> Result<Vec<u8>> {
    let frame = frame(bank, context, sop_instance_uid, number)?;
    Ok(frame.render(window).to_png(max_side))
}

/// A frame for a page that windows on its own.
#[derive(Debug, Clone)]
pub struct RawFrame {
    pub rows: u32,
    pub columns: u32,
    pub kind: RawKind,
    /// Planes over it.
    pub overlays: Vec<Overlay>,
    /// Row by row: little-endian 16-bit words, or red, green and blue bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
pub enum RawKind {
    /// `value = word × slope + intercept`, in `unit`.
    Gray16 {
        slope: f64,
        intercept: f64,
        /// Center, width, name; the first is the default.
        windows: Vec<(f64, f64, String)>,
        /// Where there are any, the first is shown rather than the first window.
        luts: Vec<VoiLut>,
        unit: Option<String>,
        /// MONOCHROME1: the smallest value is white.
        invert: bool,
        /// How a window becomes shades.
        function: VoiFunction,
    },
    Rgb8,
}

pub fn raw_frame(
    bank: &Bank,
    context: &RequestContext,
    sop_instance_uid: &str,
    number: u32,
) -> Result<RawFrame> {
    raw(frame(bank, context, sop_instance_uid, number)?)
}

/// A decoded frame as words or bytes.
pub(crate) fn raw(frame: Frame) -> Result<RawFrame> {
    if let Some((bytes, slope, intercept)) = frame.to_gray16() {
        let mut windows: Vec<(f64, f64, String)> = frame
            .windows
            .iter()
            .map(|window| {
                (
                    window.center,
                    window.width,
                    window.name.clone().unwrap_or_default(),
                )
            })
            .collect();
        if windows.is_empty() {
            windows.push((
                frame.default_window.0,
                frame.default_window.1,
                String::new(),
            ));
        }
        return Ok(RawFrame {
            rows: frame.rows,
            columns: frame.columns,
            kind: RawKind::Gray16 {
                slope,
                intercept,
                windows,
                luts: frame.voi_luts,
                unit: frame.unit,
                invert: frame.inverted,
                function: frame.voi_function,
            },
            overlays: frame.overlays,
            bytes,
        });
    }
    let Pixels::Rgb(bytes) = frame.pixels else {
        return Err(Error::internal("a frame is neither grey nor colour"));
    };
    Ok(RawFrame {
        rows: frame.rows,
        columns: frame.columns,
        kind: RawKind::Rgb8,
        overlays: frame.overlays,
        bytes,
    })
}
