//! What a model says of images, as DICOM objects in the study: a structured report after TID 1500,
//! and a segmentation where there are regions.

use std::io::Write as _;

use kura_dicom::derived::{
    About, Code, Finding, Language, Made, Measurement, PRIVATE_SCHEME, Segment, SegmentRef, Tool,
    above_threshold, probability, report, segmentation,
};
use kura_dicom::{Header, SliceRef};
use kura_model::{Error, Refusal, RequestContext, Result};

use super::proposal::Addressee;
use super::question::{Case, Found, Question, Regions, Risk};
use super::tables::Series;
use crate::instance_store::{Announced, Incoming, Place, Sender, Stored, instance_store, settle};
use crate::models::{Output, registry};
use crate::{Bank, models};

/// `extension` of an answer: SOP Instance UID of its structured report.
const REPORT: &str = "urn:kura:structured-report";
/// `extension` of an answer: SOP Instance UID of its segmentation.
const SEGMENTATION: &str = "urn:kura:segmentation";

/// The name under which results of models come into the bank.
const SENDER: &str = "KURA-MODEL";

/// Numbers of the series we add: far from a modality's own.
const SERIES_NUMBER: u32 = 9_000;

/// A UID that follows from what it stands for. PS3.5 B.2.
fn uid(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    format!("2.25.{}", u128::from_be_bytes(half))
}

/// The Japanese half of `日本語 / English`, and the English one.
fn halves(text: &str) -> (&str, &str) {
    text.split_once(" / ").unwrap_or((text, text))
}

/// A Code Value is at most 16 characters long (PS3.5 6.2).
fn short(text: &str) -> String {
    text.chars().take(16).collect()
}

fn cannot(refusal: Refusal) -> Error {
    Error::internal("a result cannot be written as DICOM").because(refusal)
}

/// Stores the objects; gives the extension that names each, and its UID. Nothing where the case is
/// no image.
pub(super) fn store(
    bank: &Bank,
    context: &RequestContext,
    to: &Addressee<'_>,
    question: &Question,
    case: &Case,
    found: &Found,
    id: &str,
) -> Result<Vec<(&'static str, String)>> {
    let Some(series) = &case.series else {
        return Ok(Vec::new());
    };
    let onnx = to.model.onnx.to_hex();
    let tool = Tool {
        uid: uid(&[
            "model",
            &to.model.name,
            &to.model.version.to_string(),
            &onnx,
        ]),
        manufacturer: question
            .file
            .foreign
            .as_ref()
            .map_or("Kura", |foreign| &foreign.maker)
            .chars()
            .take(64)
            .collect(),
        model_name: to.model.name.clone(),
        version: format!("{}@{}", to.model.name, to.model.version),
        serial_number: onnx[..16].to_owned(),
    };
    let made = |kind: &str, number: u32| Made {
        series_uid: uid(&["series", kind, id]),
        instance_uid: uid(&["instance", kind, id]),
        series_number: SERIES_NUMBER + number,
        at: registry::now(),
        research_only: !to.live,
    };
    let (seg, sr) = (made("seg", 1), made("sr", 2));
    let mut objects = Vec::new();
    let text = match found {
        Found::Risk(risk) => {
            let header = risk
                .header
                .as_ref()
                .ok_or_else(|| Error::internal("an image without a header"))?;
            of_risk(to, question, series, risk, header, &tool, &sr)?
        }
        Found::Regions(regions) => {
            let Output::Segments { segment, .. } = &question.file.output else {
                return Ok(Vec::new());
            };
            let bytes = match regions.labels.iter().any(|label| *label > 0) {
                true => Some(of_regions(segment, regions, &tool, &seg)?),
                false => None,
            };
            let text = of_volumes(segment, regions, bytes.is_some(), &tool, (&seg, &sr))?;
            objects.extend(bytes.map(|bytes| (SEGMENTATION, &seg, SEG_CLASS, bytes)));
            text
        }
    };
    objects.push((REPORT, &sr, SR_CLASS, text));
    let sender = Sender::open(bank, context, SENDER)?;
    let mut out = Vec::new();
    for (url, made, class, bytes) in objects {
        put(bank, context, &sender, class, &made.instance_uid, &bytes)?;
        out.push((url, made.instance_uid.clone()));
    }
    settle(bank, context, &series.study_uid)?;
    Ok(out)
}

/// Segmentation Storage and Comprehensive 3D SR Storage, PS3.4 B.5.
const SEG_CLASS: &str = "1.2.840.10008.5.1.4.1.1.66.4";
const SR_CLASS: &str = "1.2.840.10008.5.1.4.1.1.88.34";

fn put(
    bank: &Bank,
    context: &RequestContext,
    sender: &Sender,
    class: &str,
    uid: &str,
    file: &[u8],
) -> Result<()> {
    // PS3.10 7.1: preamble, prefix, and the group's length; the receiver writes its own.
    let length = file
        .get(140..144)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or_else(|| Error::internal("a DICOM object of ours has no head"))?;
    let dataset = file
        .get(144 + length as usize..)
        .ok_or_else(|| Error::internal("a DICOM object of ours has no data set"))?;
    let announced = Announced {
        sop_class_uid: class.to_owned(),
        sop_instance_uid: uid.to_owned(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".to_owned(),
        study_uid: None,
    };
    let mut incoming = Incoming::begin(bank, Place::open(bank, context)?, announced)?;
    incoming
        .write_all(dataset)
        .map_err(|error| crate::bank::file_error(bank.folder(), error))?;
    match instance_store(bank, context, sender, incoming)? {
        Stored::Accepted { .. } => Ok(()),
        Stored::Refused(refusal) => Err(cannot(refusal)),
    }
}

fn of_risk(
    to: &Addressee<'_>,
    question: &Question,
    series: &Series,
    risk: &Risk,
    header: &Header,
    tool: &Tool,
    made: &Made,
) -> Result<Vec<u8>> {
    // It looked at the first image of the series.
    let sources: Vec<SliceRef> = series
        .files
        .iter()
        .take(1)
        .map(|file| SliceRef {
            sop_class: file.sop_class.clone(),
            sop_instance: file.sop_instance.clone(),
            frame: None,
        })
        .collect();
    let (ja, en) = halves(question.file.outcome());
    let finding = Finding {
        finding: Code::new(short(&to.model.name), PRIVATE_SCHEME, first(en, 64)),
        site: None,
        tracking: first(ja, 64),
        about: About::Images(&sources),
        measurements: vec![probability((risk.probability * 1e6).round() / 1e6)],
        evaluations: vec![above_threshold(risk.probability >= question.file.threshold)],
        texts: risk.reasons.clone(),
    };
    report(
        header,
        &sources,
        None,
        &[finding],
        tool,
        made,
        Language::Japanese,
    )
    .map_err(cannot)
}

fn first(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn kind(one: &models::SegmentMeaning) -> Code {
    Code::new(&one.code, &one.scheme, &one.meaning)
}

fn of_regions(
    segments: &[models::SegmentMeaning],
    regions: &Regions,
    tool: &Tool,
    made: &Made,
) -> Result<Vec<u8>> {
    let described: Vec<Segment> = segments
        .iter()
        .map(|one| Segment {
            label: first(halves(&one.label).0, 64),
            // CID 7150
            category: Code::new("123037004", "SCT", "Anatomical Structure"),
            kind: kind(one),
            colour: one.colour,
        })
        .collect();
    segmentation(
        &regions.header,
        &regions.volume,
        &regions.labels,
        &described,
        tool,
        made,
    )
    .map_err(cannot)
}

/// The volumes; about the segments where there is a segmentation, else about the images.
fn of_volumes(
    segments: &[models::SegmentMeaning],
    regions: &Regions,
    segmented: bool,
    tool: &Tool,
    (seg, sr): (&Made, &Made),
) -> Result<Vec<u8>> {
    let sources = &regions.volume.slices;
    let findings: Vec<Finding<'_>> = segments
        .iter()
        .zip(&regions.millilitres)
        .enumerate()
        .map(|(at, (one, millilitres))| Finding {
            finding: kind(one),
            site: None,
            tracking: first(halves(&one.label).0, 64),
            about: match (segmented && *millilitres > 0.0, u16::try_from(at + 1)) {
                (true, Ok(number)) => About::Segment(SegmentRef {
                    series: &seg.series_uid,
                    instance: &seg.instance_uid,
                    number,
                }),
                _ => About::Images(sources),
            },
            measurements: vec![Measurement {
                name: Code::new("118565006", "SCT", "Volume"),
                value: (millilitres * 1e3).round() / 1e3,
                unit: Code::new("mL", "UCUM", "milliliter"),
            }],
            evaluations: Vec::new(),
            texts: Vec::new(),
        })
        .collect();
    report(
        &regions.header,
        sources,
        None,
        &findings,
        tool,
        sr,
        Language::Japanese,
    )
    .map_err(cannot)
}
