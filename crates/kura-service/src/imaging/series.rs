//! A series as a viewer shows it: its objects in order, and where each frame lies in space.

use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::AuditEntry;
use serde::Serialize;
use serde_json::Value;

use super::slide::{self, Slide};
use super::{decode, study_uid};
use crate::access::{Action, reach};
use crate::dicom_header::Wanted;
use crate::imaging_study::attribute::{decimals, first, item, items, number, text};
use crate::{Bank, dicom_index, instance_store};

/// A series of a study as the list beside the image shows it.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesInfo {
    pub series: String,
    pub number: Option<i64>,
    pub modality: String,
    pub description: Option<String>,
    /// In the order of their numbers.
    pub objects: Vec<ObjectInfo>,
}

/// An object of it.
#[derive(Debug, Clone, Serialize)]
pub struct ObjectInfo {
    pub object: String,
    pub class: String,
    pub number: Option<i64>,
    /// 0 where there are no pixels.
    pub frames: u32,
    pub rows: u32,
    pub columns: u32,
    /// Document Title (0042,0010), Content Label (0070,0080), or what a report is about.
    pub title: Option<String>,
    /// The transfer syntax is one of a video.
    pub video: bool,
}

impl SeriesInfo {
    pub fn frames(&self) -> u32 {
        self.objects
            .iter()
            .map(|one| one.frames)
            .fold(0, u32::saturating_add)
    }
}

/// A series with the geometry of its frames. Lengths are mm in the patient's coordinates (LPS,
/// PS3.3 C.7.6.2.1.1).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesView {
    pub series: String,
    pub number: Option<i64>,
    pub modality: String,
    pub description: Option<String>,
    /// Frame of Reference UID (0020,0052)
    pub frame_of_reference: Option<String>,
    pub objects: Vec<ObjectView>,
    /// Of a whole-slide image: its levels.
    pub slide: Option<Slide>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    pub object: String,
    pub number: Option<i64>,
    pub frames: u32,
    pub rows: u32,
    pub columns: u32,
    /// Frames a second that the object asks to be shown at.
    pub rate: Option<f64>,
    /// Height of a pixel over its width, where neither is known in mm. PS3.3 C.7.6.3.1.7.
    pub aspect: Option<f64>,
    pub regions: Vec<Region>,
    /// One for all frames, or one for each.
    pub places: Vec<Place>,
}

/// Where a frame lies, as far as the object says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Place {
    /// Centre of the first pixel.
    pub position: Option<[f64; 3]>,
    /// Direction of the row, then of the column.
    pub orientation: Option<[f64; 6]>,
    /// Between rows, then between columns.
    pub spacing: Option<[f64; 2]>,
    /// The spacing is that at the detector (0018,1164), not in the patient.
    pub imager: bool,
    pub thickness: Option<f64>,
}

/// A calibrated part of an ultrasound image. PS3.3 C.8.5.5.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Region {
    /// First column, first row, last column, last row.
    pub bounds: [f64; 4],
    /// mm of a pixel across, and down.
    pub spacing: [f64; 2],
}

/// Objects of one series at most.
const OBJECTS_AT_MOST: usize = 20_000;

/// UID of a study in the bank, by the id of its record. One place asks and leaves the audit row.
pub(crate) fn opened(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    imaging_study_id: &str,
) -> Result<Option<String>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = RecordKey::new("ImagingStudy", imaging_study_id);
    let found = reach.read(bank, |reader| reader.current(&key))?;
    bank.clinical
        .audit(AuditEntry::new(context, action, key.to_string()));
    let study = found
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found("this study is not in this bank"))?;
    let uid = study_uid(&decode(&study.body)?).map(str::to_owned);
    if let Some(uid) = &uid {
        instance_store::settle_waiting(bank, context, uid)?;
    }
    Ok(uid)
}

/// Attributes that the list beside the image is made of.
const LISTED: [&str; 8] = [
    "00080016", "0008103E", "00280010", "00280011", "00420010", "00700080", "0040A043", "0008103F",
];

/// The series of a study by number, with their objects.
pub fn of_study(
    bank: &Bank,
    context: &RequestContext,
    imaging_study_id: &str,
) -> Result<Vec<SeriesInfo>> {
    let Some(uid) = opened(bank, context, "study_read", imaging_study_id)? else {
        return Ok(Vec::new());
    };
    let wanted = Wanted::these(LISTED.into_iter());
    let mut out = Vec::new();
    for series in dicom_index::series_of(bank, &uid)? {
        let common = series.dataset();
        let mut objects = Vec::new();
        for block in series.blocks(bank) {
            for line in dicom_index::lines(&block?) {
                let line = line?;
                let header = wanted.read(line.header)?;
                objects.push(ObjectInfo {
                    object: line.uid.to_owned(),
                    class: text(&header, "00080016").unwrap_or_default(),
                    number: line.number,
                    frames: u32::try_from(line.frames).unwrap_or(u32::MAX),
                    rows: count(&header, "00280010"),
                    columns: count(&header, "00280011"),
                    title: text(&header, "00420010")
                        .or_else(|| text(&header, "00700080"))
                        .or_else(|| meaning(&header, "0040A043")),
                    video: is_video(line.transfer_syntax),
                });
            }
        }
        objects.truncate(OBJECTS_AT_MOST);
        objects.sort_by(|a, b| in_order(a.number, &a.object).cmp(&in_order(b.number, &b.object)));
        out.push(SeriesInfo {
            series: series.series.clone(),
            number: series.number,
            modality: text(&common, "00080060").unwrap_or_default(),
            description: text(&common, "0008103E"),
            objects,
        });
    }
    Ok(out)
}

fn in_order(number: Option<i64>, uid: &str) -> (i64, &str) {
    (number.unwrap_or(i64::MAX), uid)
}

/// MPEG-2, H.264 and HEVC, PS3.5 A.4.5 to A.4.8.
pub(crate) fn is_video(transfer_syntax: &str) -> bool {
    transfer_syntax
        .strip_prefix("1.2.840.10008.1.2.4.10")
        .is_some_and(|rest| {
            rest.split('.')
                .next()
                .is_some_and(|one| ("0"..="8").contains(&one) && one.len() == 1)
        })
}

/// What geometry, display and order need.
const SHOWN: [&str; 33] = [
    "00080008", "00080016", "00082144", "00180040", "00180050", "00181063", "00181065", "00181164",
    "00182010", "00186011", "00200032", "00200037", "00200052", "00209311", "00280008", "00280010",
    "00280011", "00280030", "00280034", "00480006", "00480007", "00480008", "3004000C", "52009229",
    "52009230", "00480001", "00480002", "00480302", "00480303", "00480013", "00080060", "00200013",
    "0020000D",
];

/// A series with all that its frames say of their place.
pub fn view(
    bank: &Bank,
    context: &RequestContext,
    imaging_study_id: &str,
    series_uid: &str,
) -> Result<SeriesView> {
    let none = || Error::not_found("this series is not in this study");
    let uid = opened(bank, context, "series_read", imaging_study_id)?.ok_or_else(none)?;
    let series = dicom_index::series_of(bank, &uid)?
        .into_iter()
        .find(|series| series.series == series_uid)
        .ok_or_else(none)?;
    let wanted = Wanted::these(SHOWN.into_iter());
    let common = series.dataset();
    let mut frame_of_reference = None;
    let mut objects = Vec::new();
    let mut slide = Slide::default();
    for block in series.blocks(bank) {
        for line in dicom_index::lines(&block?) {
            let line = line?;
            if line.frames == 0 || objects.len() >= OBJECTS_AT_MOST {
                continue;
            }
            let header = wanted.read(line.header)?;
            frame_of_reference = frame_of_reference.or_else(|| text(&header, "00200052"));
            if slide::is_slide(&header) && slide.add(line.uid, &header) {
                continue;
            }
            objects.push(object(
                line.uid,
                line.number,
                u32::try_from(line.frames).unwrap_or(u32::MAX),
                &header,
            ));
        }
    }
    objects.sort_by(|a, b| in_order(a.number, &a.object).cmp(&in_order(b.number, &b.object)));
    Ok(SeriesView {
        series: series.series.clone(),
        number: series.number,
        modality: text(&common, "00080060").unwrap_or_default(),
        description: text(&common, "0008103E"),
        frame_of_reference,
        objects,
        slide: slide.finished(),
    })
}

fn object(uid: &str, number_of: Option<i64>, frames: u32, header: &Value) -> ObjectView {
    ObjectView {
        object: uid.to_owned(),
        number: number_of,
        frames,
        rows: count(header, "00280010"),
        columns: count(header, "00280011"),
        rate: rate(header),
        aspect: aspect(header),
        regions: items(header, "00186011")
            .iter()
            .filter_map(region)
            .collect(),
        places: places(header, frames),
    }
}

pub(super) fn count(header: &Value, tag: &str) -> u32 {
    number(header, tag)
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0)
}

/// Code Meaning (0008,0104) of a code sequence.
pub(crate) fn meaning(header: &Value, tag: &str) -> Option<String> {
    text(item(header, tag)?, "00080104")
}

/// PS3.3 C.7.6.5.1.1: what the object recommends, then what it was taken at.
fn rate(header: &Value) -> Option<f64> {
    let one = |tag| decimals(header, tag).first().copied();
    one("00082144")
        .or_else(|| one("00180040"))
        .or_else(|| one("00181063").map(|time| 1000.0 / time))
        .or_else(|| {
            // Frame Time Vector begins with a 0.
            let times = decimals(header, "00181065");
            let count = times.len().checked_sub(1).filter(|count| *count > 0)?;
            Some(1000.0 * count as f64 / times.iter().sum::<f64>())
        })
        .filter(|rate| rate.is_finite() && *rate > 0.0)
}

fn aspect(header: &Value) -> Option<f64> {
    match decimals(header, "00280034")[..] {
        [down, across] if down > 0.0 && across > 0.0 => Some(down / across),
        _ => None,
    }
}

fn spacing(values: &[f64]) -> Option<[f64; 2]> {
    match *values {
        [rows, columns, ..] if rows > 0.0 && columns > 0.0 => Some([rows, columns]),
        _ => None,
    }
}

/// Only regions of two dimensions measured in cm. PS3.3 C.8.5.5.1.
fn region(header: &Value) -> Option<Region> {
    const CENTIMETRES: i64 = 3;
    let one = |tag| decimals(header, tag).first().copied();
    let metric = ["00186024", "00186026"].map(|tag| number(header, tag)) == [Some(CENTIMETRES); 2];
    let spacing = [one("0018602C")?.abs() * 10.0, one("0018602E")?.abs() * 10.0];
    if !metric || spacing.contains(&0.0) {
        return None;
    }
    Some(Region {
        bounds: [
            one("00186018")?,
            one("0018601A")?,
            one("0018601C")?,
            one("0018601E")?,
        ],
        spacing,
    })
}

/// The place of the whole object, or of each frame (PS3.3 C.7.6.16).
fn places(header: &Value, frames: u32) -> Vec<Place> {
    let whole = own_place(header);
    let shared = item(header, "52009229");
    let each = items(header, "52009230");
    if each.is_empty() {
        return match shared {
            Some(shared) => vec![grouped(&whole, shared)],
            None => offset(header, whole, frames),
        };
    }
    let base = shared.map_or_else(|| whole.clone(), |shared| grouped(&whole, shared));
    each.iter()
        .take(frames as usize)
        .map(|group| grouped(&base, group))
        .collect()
}

fn own_place(header: &Value) -> Place {
    let patient = spacing(&decimals(header, "00280030"));
    let detector =
        spacing(&decimals(header, "00181164")).or_else(|| spacing(&decimals(header, "00182010")));
    Place {
        position: decimals(header, "00200032").try_into().ok(),
        orientation: decimals(header, "00200037").try_into().ok(),
        spacing: patient.or(detector),
        imager: patient.is_none() && detector.is_some(),
        thickness: decimals(header, "00180050").first().copied(),
    }
}

/// A place with what a functional group says of it.
fn grouped(base: &Place, group: &Value) -> Place {
    let mut place = base.clone();
    if let Some(plane) = item(group, "00209113") {
        place.position = decimals(plane, "00200032").try_into().ok();
    }
    if let Some(plane) = item(group, "00209116") {
        place.orientation = decimals(plane, "00200037").try_into().ok();
    }
    if let Some(measures) = item(group, "00289110") {
        if let Some(found) = spacing(&decimals(measures, "00280030")) {
            place.spacing = Some(found);
            place.imager = false;
        }
        place.thickness = decimals(measures, "00180050").first().copied();
    }
    place
}

/// PS3.3 C.8.8.3.2: the planes of a dose grid lie along the normal.
fn offset(header: &Value, whole: Place, frames: u32) -> Vec<Place> {
    let along = decimals(header, "3004000C");
    let (Some(position), Some(o)) = (whole.position, whole.orientation) else {
        return vec![whole];
    };
    if along.len() != frames as usize || frames < 2 {
        return vec![whole];
    }
    let normal = [
        o[1] * o[5] - o[2] * o[4],
        o[2] * o[3] - o[0] * o[5],
        o[0] * o[4] - o[1] * o[3],
    ];
    // Offsets are from the first plane, or z coordinates whose first is that of the plane.
    let from = along[0];
    along
        .iter()
        .map(|step| Place {
            position: Some(std::array::from_fn(|at| {
                position[at] + normal[at] * (step - from)
            })),
            ..whole.clone()
        })
        .collect()
}

/// The attributes of an object whose record is in the bank, and the UIDs of its study and series.
pub(crate) struct Opened {
    pub(crate) header: Value,
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) transfer_syntax: String,
    pub(crate) frames: u32,
}

/// One object's record; leaves the audit row.
pub(crate) fn open_object(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    sop_instance_uid: &str,
) -> Result<Opened> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = RecordKey::new(crate::kind::DICOM_INSTANCE, sop_instance_uid);
    bank.clinical
        .audit(AuditEntry::new(context, action, key.to_string()));
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let absent = || Error::not_found("this object is not in the bank");
    let version = found
        .filter(|version| !version.deleted)
        .ok_or_else(absent)?;
    let mut record = decode(&version.body)?;
    let header = record["header"].take();
    let study = text(&header, "0020000D").unwrap_or_default();
    if !reach.has_study(bank, &study)? {
        return Err(absent());
    }
    Ok(Opened {
        study,
        series: text(&header, "0020000E").unwrap_or_default(),
        transfer_syntax: record["transferSyntax"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        frames: record["frames"].as_u64().unwrap_or(0) as u32,
        header,
    })
}

/// Whether an attribute has a value.
pub(crate) fn has(header: &Value, tag: &str) -> bool {
    first(header, tag).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ds(values: &[f64]) -> Value {
        json!({ "vr": "DS", "Value": values })
    }

    #[test]
    fn frames_have_the_place_of_their_group() {
        let header = json!({
            "00280030": ds(&[9.0, 9.0]),
            "52009229": { "vr": "SQ", "Value": [{
                "00289110": { "vr": "SQ", "Value": [{ "00280030": ds(&[0.5, 0.25]), "00180050": ds(&[2.0]) }] },
                "00209116": { "vr": "SQ", "Value": [{ "00200037": ds(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]) }] },
            }] },
            "52009230": { "vr": "SQ", "Value": [
                { "00209113": { "vr": "SQ", "Value": [{ "00200032": ds(&[0.0, 0.0, 1.0]) }] } },
                { "00209113": { "vr": "SQ", "Value": [{ "00200032": ds(&[0.0, 0.0, 3.0]) }] } },
            ] },
        });
        let found = places(&header, 2);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].position, Some([0.0, 0.0, 3.0]));
        assert_eq!(found[1].spacing, Some([0.5, 0.25]));
        assert_eq!(found[0].thickness, Some(2.0));
        assert!(found[0].orientation.is_some());
    }

    #[test]
    fn a_dose_grid_lies_along_its_normal() {
        let header = json!({
            "00200032": ds(&[1.0, 2.0, 10.0]),
            "00200037": ds(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            "3004000C": ds(&[0.0, 2.5, 5.0]),
        });
        let found = places(&header, 3);
        assert_eq!(found[2].position, Some([1.0, 2.0, 15.0]));
        assert_eq!(places(&header, 1).len(), 1);
    }

    #[test]
    fn a_detector_is_no_patient() {
        let place = own_place(&json!({ "00181164": ds(&[0.2, 0.2]) }));
        assert_eq!((place.spacing, place.imager), (Some([0.2, 0.2]), true));
        let both = own_place(&json!({ "00181164": ds(&[0.2, 0.2]), "00280030": ds(&[0.1, 0.1]) }));
        assert_eq!((both.spacing, both.imager), (Some([0.1, 0.1]), false));
        let wrong = own_place(&json!({ "00280030": ds(&[0.0, 0.1]) }));
        assert_eq!(wrong.spacing, None);
    }

    #[test]
    fn an_ultrasound_region_in_centimetres_is_a_scale() {
        let header = |unit: i64| {
            json!({
                "00186018": { "vr": "UL", "Value": [10] }, "0018601A": { "vr": "UL", "Value": [20] },
                "0018601C": { "vr": "UL", "Value": [110] }, "0018601E": { "vr": "UL", "Value": [220] },
                "00186024": { "vr": "US", "Value": [unit] }, "00186026": { "vr": "US", "Value": [unit] },
                "0018602C": { "vr": "FD", "Value": [0.05] }, "0018602E": { "vr": "FD", "Value": [0.05] },
            })
        };
        let found = region(&header(3)).unwrap();
        assert_eq!(found.bounds, [10.0, 20.0, 110.0, 220.0]);
        assert_eq!(found.spacing, [0.5, 0.5]);
        // Seconds are no length.
        assert_eq!(region(&header(4)), None);
    }

    #[test]
    fn how_fast_frames_are_shown() {
        assert_eq!(rate(&json!({ "00181063": ds(&[40.0]) })), Some(25.0));
        assert_eq!(
            rate(&json!({ "00180040": ds(&[12.0]), "00181063": ds(&[40.0]) })),
            Some(12.0)
        );
        assert_eq!(
            rate(&json!({ "00181065": ds(&[0.0, 50.0, 50.0]) })),
            Some(20.0)
        );
        assert_eq!(rate(&json!({ "00181063": ds(&[0.0]) })), None);
    }

    #[test]
    fn which_transfer_syntaxes_are_videos() {
        for one in [
            "1.2.840.10008.1.2.4.100",
            "1.2.840.10008.1.2.4.102",
            "1.2.840.10008.1.2.4.108",
            "1.2.840.10008.1.2.4.100.1",
        ] {
            assert!(is_video(one), "{one}");
        }
        for one in [
            "1.2.840.10008.1.2.4.10",
            "1.2.840.10008.1.2.4.90",
            "1.2.840.10008.1.2.1",
            "1.2.840.10008.1.2.4.110",
        ] {
            assert!(!is_video(one), "{one}");
        }
    }
}
