//! Frames and bulk data of one object, and metadata that says where they are. PS3.18 10.4.1.1.2 and
//! 10.4.1.1.5 to 10.4.1.1.7.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use kura_dicom::bulk::{self, ValuePath, Whole};
use kura_dicom::{Frames, Limits, read_header};
use kura_model::{Category, Error, Refusal, RequestContext, Result};
use memchr::memmem;
use serde_json::{Map, Value, json};

use crate::bank::file_error;
use crate::dicom_header::Wanted;
use crate::dicom_read::{Target, each_of, targeted};
use crate::imaging_study::attribute;
use crate::{Bank, imaging};

/// One object's file.
fn file(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: &Target,
) -> Result<PathBuf> {
    let named = targeted(bank, context, action, target)?;
    let (_, record) = named
        .first()
        .ok_or_else(|| Error::not_found("no such instance in this bank"))?;
    Ok(bank.clinical.blobs().path(imaging::blob_of(record)?))
}

/// What is said of pixels that cannot be given.
pub fn cannot(refusal: Refusal) -> Error {
    let category = match &refusal.rule[..] {
        "dicom-frame" | "dicom-no-pixels" => Category::NotFound,
        _ => Category::Unsupported,
    };
    Error::new(category, refusal.message.clone()).because(refusal)
}

/// Frames by number, from 1; all of them where `numbers` is empty.
pub fn frames(
    bank: &Bank,
    context: &RequestContext,
    target: &Target,
    numbers: &[u32],
) -> Result<Frames> {
    let path = file(bank, context, "dicom_frames", target)?;
    let limits = Limits::default();
    let opened = File::open(&path).map_err(|error| file_error(&path, error))?;
    let header = read_header(BufReader::new(opened), &limits).map_err(cannot)?;
    let frames = Frames::open(&path, header, &limits).map_err(cannot)?;
    if numbers
        .iter()
        .any(|number| !(1..=frames.count()).contains(number))
    {
        return Err(Error::not_found("there is no frame of that number"));
    }
    Ok(frames)
}

/// One value that metadata leave out, little endian.
pub fn value(
    bank: &Bank,
    context: &RequestContext,
    target: &Target,
    place: &ValuePath,
) -> Result<Whole> {
    let path = file(bank, context, "dicom_bulk", target)?;
    bulk::value(&path, place)
        .map_err(cannot)?
        .ok_or_else(|| Error::not_found("the object has no value at this place"))
}

/// The headers of a study, a series or one instance, one by one, as text of the DICOM JSON model;
/// what it leaves out has a `BulkDataURI` under `base`.
pub fn metadata(
    bank: &Bank,
    context: &RequestContext,
    target: &Target,
    base: &str,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let wanted = Wanted::these(["0020000E", "00280100", "00280103"].into_iter());
    each_of(bank, context, "dicom_metadata", target, |line| {
        let raw = line.header.get();
        let lies_elsewhere = lies_elsewhere(raw);
        let mut header = if lies_elsewhere {
            Wanted::all().read(line.header)?
        } else {
            wanted.read(line.header)?
        };
        let series = attribute::text(&header, "0020000E").unwrap_or_default();
        let url = format!(
            "{base}/studies/{}/series/{series}/instances/{}/bulkdata",
            target.study, line.uid
        );
        let pixels = (line.frames > 0).then(|| {
            let (tag, vr) = pixel_data(&header, native(line.transfer_syntax));
            let element = json!({ "vr": vr, "BulkDataURI": format!("{url}/{tag}") });
            (tag, element)
        });
        match (&mut header, pixels, raw.strip_suffix('}')) {
            (_, None, _) if !lies_elsewhere => each(raw),
            // Most have nothing elsewhere but their pixels: the rest is passed on as it lies.
            (_, Some((tag, element)), Some(open)) if !lies_elsewhere && open.len() > 1 => {
                each(&format!("{open},\"{tag}\":{element}}}"))
            }
            (Value::Object(header), pixels, _) => {
                point(header, &url);
                if let Some((tag, element)) = pixels {
                    header.insert(tag.to_owned(), element);
                    header.sort_keys();
                }
                let text = serde_json::to_string(header).map_err(|error| {
                    Error::internal("a header cannot be written").because(error)
                })?;
                each(&text)
            }
            _ => Err(Error::internal("a stored header is damaged")),
        }
    })
}

/// Whether a header as text may have values of bulk VRs, or elements after the pixel data.
fn lies_elsewhere(header: &str) -> bool {
    let bytes = header.as_bytes();
    memmem::find(bytes, br#""vr":"O"#).is_some()
        || memmem::find(bytes, br#""vr":"UN""#).is_some()
        || memmem::find_iter(bytes, br#"},""#).any(|at| {
            bytes
                .get(at + 3..at + 11)
                .is_some_and(|tag| tag >= &b"7FE00008"[..])
        })
}

/// PS3.5 A.1 to A.3 and A.5: pixel data lie as they are.
pub fn native(transfer_syntax: &str) -> bool {
    matches!(
        transfer_syntax,
        "1.2.840.10008.1.2"
            | "1.2.840.10008.1.2.1"
            | "1.2.840.10008.1.2.2"
            | "1.2.840.10008.1.2.1.99"
    )
}

/// Which of the three an object has. PS3.3 C.7.6.3, C.7.6.24 and C.7.6.25: only the first says how
/// its integers are signed.
fn pixel_data(header: &Value, native: bool) -> (&'static str, &'static str) {
    let number = |tag: &str| attribute::number(header, tag);
    match (number("00280103"), number("00280100")) {
        (None, Some(32)) => ("7FE00008", "OF"),
        (None, Some(64)) => ("7FE00009", "OD"),
        (_, Some(bits)) if native && bits > 8 => ("7FE00010", "OW"),
        _ => ("7FE00010", "OB"),
    }
}

/// PS3.18 F.2.2: elements of bulk VRs have their value elsewhere.
fn point(data_set: &mut Map<String, Value>, url: &str) {
    for (tag, element) in data_set {
        let Value::Object(element) = element else {
            continue;
        };
        let place = format!("{url}/{tag}");
        match element.get("vr").and_then(Value::as_str) {
            Some("OB" | "OW" | "OF" | "OD" | "OL" | "OV" | "UN") => {
                let given = ["Value", "InlineBinary", "BulkDataURI"];
                if !given.iter().any(|key| element.contains_key(*key)) {
                    element.insert("BulkDataURI".to_owned(), Value::String(place));
                }
            }
            Some("SQ") => {
                let Some(Value::Array(items)) = element.get_mut("Value") else {
                    continue;
                };
                for (number, item) in items.iter_mut().enumerate() {
                    if let Value::Object(item) = item {
                        point(item, &format!("{place}/{}", number + 1));
                    }
                }
            }
            _ => {}
        }
    }
}
