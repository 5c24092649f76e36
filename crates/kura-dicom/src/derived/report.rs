//! Structured reports of measurements: PS3.3 A.35.13, PS3.16 TID 1500.

use std::collections::BTreeSet;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use kura_model::Refusal;

use super::content::{Related, code, container, dcm, fill_container, image, number, text, uid};
use super::context::{library, observer, procedure};
use super::dataset::{Object, checked, checked_uid, item, put, put_code, put_items};
use super::instance::{begin, finish, put_private_scheme};
use super::segmentation::reference;
use super::{Code, Made, PRIVATE_SCHEME, Tool, tracking_uid};
use crate::header::Header;
use crate::volume::SliceRef;

/// The language of the texts and meanings that the caller gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Japanese,
    English,
}

/// A number with its meaning and its unit of UCUM.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    pub name: Code,
    pub value: f64,
    pub unit: Code,
}

/// A segment of a Segmentation of the same study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRef<'a> {
    pub series: &'a str,
    pub instance: &'a str,
    /// From 1.
    pub number: u16,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// TID 1411, a region in space.
    Segment(SegmentRef<'a>),
    /// TID 1501, whole images of the sources.
    Images(&'a [SliceRef]),
}

/// One measurement group.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'a> {
    pub finding: Code,
    /// Finding Site (363698007, SCT).
    pub site: Option<Code>,
    /// Tracking Identifier: what people call the thing measured.
    pub tracking: String,
    pub about: About<'a>,
    pub measurements: Vec<Measurement>,
    /// Questions and coded answers, such as [`above_threshold`].
    pub evaluations: Vec<(Code, Code)>,
    /// Reasons in words.
    pub texts: Vec<String>,
}

/// A model's probability of the finding, 0 to 1. The concept is DICOM's own (122157, DCM,
/// "Probability"); Certainty of Finding (111012, DCM) would be a device's judgement of its mark in
/// percent and Probability of cancer (111047, DCM) is of one disease. The unit is UCUM's 1.
pub fn probability(value: f64) -> Measurement {
    Measurement {
        name: dcm("122157", "Probability"),
        value,
        unit: Code::new("1", "UCUM", "no units"),
    }
}

/// A segment's volume, mm³.
pub fn volume(cubic_millimetres: f64) -> Measurement {
    Measurement {
        name: Code::new("118565006", "SCT", "Volume"),
        value: cubic_millimetres,
        unit: Code::new("mm3", "UCUM", "cubic millimeter"),
    }
}

/// Whether the probability is above the model's threshold. No public scheme asks this: Threshold
/// Value (122411, DCM) is the threshold itself.
pub fn above_threshold(above: bool) -> (Code, Code) {
    let question = Code::new("above-threshold", PRIVATE_SCHEME, "Above the threshold");
    let answer = if above {
        Code::new("373066001", "SCT", "Yes")
    } else {
        Code::new("373067005", "SCT", "No")
    };
    (question, answer)
}

/// A measurement report (whole file, Explicit VR Little Endian): complete, and unverified until a
/// person verifies it.
///
/// It is a Comprehensive 3D SR. Enhanced SR would hold every content item used here, but IHE's
/// profile for results of AI (AIR, 6.5.3.4) has locations in this class with TID 1500 at the
/// root, and a receiver of results should not need two classes.
///
/// `source` is the header of any of the images of `sources`, all of its series; `title` is of
/// CID 7021, Imaging Measurement Report (126000, DCM) where `None`.
///
/// # Errors
/// `derived-source` (no images, or no series), `derived-findings` (none, or one about nothing or
/// without a measurement, answer or text, or more than 65,535), `derived-number`, `derived-text`,
/// `derived-time`, `dicom-uid`, `dicom-write`.
pub fn report(
    source: &Header,
    sources: &[SliceRef],
    title: Option<&Code>,
    findings: &[Finding<'_>],
    tool: &Tool,
    made: &Made,
    language: Language,
) -> Result<Vec<u8>, Refusal> {
    let class = uids::COMPREHENSIVE3_DSR_STORAGE;
    let series = check(source, sources, findings)?;
    let mut object = begin(source, class, "SR", tool, made)?;
    let o = &mut object;
    // SR Document Series (C.17.1) and SR Document General (C.17.2)
    for tag in [
        tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
        tags::PERFORMED_PROCEDURE_CODE_SEQUENCE,
    ] {
        put_items(o, tag, Vec::new());
    }
    put(o, tags::PRELIMINARY_FLAG, VR::CS, "PRELIMINARY");
    put(o, tags::COMPLETION_FLAG, VR::CS, "COMPLETE");
    put(o, tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
    evidence(o, source, &series, sources, findings);
    if findings.iter().any(private) {
        put_private_scheme(o);
    }
    // SR Document Content (C.17.3)
    let imaging_report = dcm("126000", "Imaging Measurement Report");
    put(o, tags::VALUE_TYPE, VR::CS, "CONTAINER");
    put_code(
        o,
        tags::CONCEPT_NAME_CODE_SEQUENCE,
        title.unwrap_or(&imaging_report),
    )?;
    let mut children = vec![code(
        Related::ConceptModifier,
        // TID 1204
        &dcm("121049", "Language of Content Item and Descendants"),
        &match language {
            Language::Japanese => Code::new("ja", "RFC5646", "Japanese"),
            Language::English => Code::new("en", "RFC5646", "English"),
        },
    )?];
    children.extend(observer(tool)?);
    children.push(code(
        Related::ConceptModifier,
        &dcm("121058", "Procedure reported"),
        &procedure(source),
    )?);
    children.push(library(source, sources)?);
    let groups = findings
        .iter()
        .zip(1..)
        .map(|(finding, at)| {
            group(finding, at, &series, tool, made).map_err(|refusal| {
                let within = refusal.location.path.clone().unwrap_or_default();
                refusal.at_path(format!("findings[{}].{within}", at - 1))
            })
        })
        .collect::<Result<_, _>>()?;
    children.push(container(
        &dcm("126010", "Imaging Measurements"),
        None,
        groups,
    )?);
    fill_container(o, Some("1500"), children);
    finish(source, object, class, made, None)
}

/// Gives the source's series.
fn check(
    source: &Header,
    sources: &[SliceRef],
    findings: &[Finding<'_>],
) -> Result<String, Refusal> {
    let Some(series) = source.series_instance_uid().filter(|_| !sources.is_empty()) else {
        let message = "the report names no images or no series";
        return Err(Refusal::new("derived-source", message).at_path("(0020,000E)"));
    };
    let refuse = |message: &str, at: usize| {
        Err(Refusal::new("derived-findings", message).at_path(format!("findings[{at}]")))
    };
    if findings.is_empty() || findings.len() > usize::from(u16::MAX) {
        return refuse("no findings, or more than a report holds", findings.len());
    }
    let known: BTreeSet<&str> = sources.iter().map(|s| &*s.sop_instance).collect();
    for slice in sources {
        checked_uid(&slice.sop_class, 0, "(0008,1150)")?;
        checked_uid(&slice.sop_instance, 0, "(0008,1155)")?;
    }
    for (at, finding) in findings.iter().enumerate() {
        if finding.measurements.is_empty()
            && finding.evaluations.is_empty()
            && finding.texts.is_empty()
        {
            return refuse("the finding says nothing", at);
        }
        match finding.about {
            About::Images([]) => return refuse("the finding is about no image", at),
            About::Images(images) => {
                if !images.iter().all(|i| known.contains(&*i.sop_instance)) {
                    return refuse("an image is not one of the sources", at);
                }
            }
            About::Segment(segment) => {
                checked_uid(segment.series, 0, "(0020,000E)")?;
                checked_uid(segment.instance, 6, "(0008,1155)")?;
                if segment.number == 0 {
                    return refuse("segments are numbered from 1", at);
                }
            }
        }
    }
    Ok(series)
}

/// Whether a finding has codes of our own.
fn private(finding: &Finding<'_>) -> bool {
    let of_ours = |code: &Code| code.scheme == PRIVATE_SCHEME;
    of_ours(&finding.finding)
        || finding.site.as_ref().is_some_and(of_ours)
        || finding.measurements.iter().any(|m| of_ours(&m.name))
        || finding
            .evaluations
            .iter()
            .any(|(question, answer)| of_ours(question) || of_ours(answer))
}

/// Current Requested Procedure Evidence (PS3.3 C.17.2.3): every instance the content refers to,
/// by series.
fn evidence(
    o: &mut Object,
    source: &Header,
    series: &str,
    sources: &[SliceRef],
    findings: &[Finding<'_>],
) {
    let mut seen = BTreeSet::new();
    let images: Vec<Object> = sources
        .iter()
        .filter(|slice| seen.insert(&*slice.sop_instance))
        .map(whole)
        .collect();
    let mut by_series = vec![(series, images)];
    for finding in findings {
        let About::Segment(segment) = finding.about else {
            continue;
        };
        if !seen.insert(segment.instance) {
            continue;
        }
        let instance = whole(&of_segment(segment));
        match by_series.iter_mut().find(|(uid, _)| *uid == segment.series) {
            Some((_, instances)) => instances.push(instance),
            None => by_series.push((segment.series, vec![instance])),
        }
    }
    let by_series = by_series
        .into_iter()
        .map(|(uid, instances): (&str, Vec<Object>)| {
            item(|item| {
                put(item, tags::SERIES_INSTANCE_UID, VR::UI, uid);
                put_items(item, tags::REFERENCED_SOP_SEQUENCE, instances);
            })
        })
        .collect();
    let study = item(|item| {
        let uid = source.study_instance_uid().unwrap_or_default();
        put(item, tags::STUDY_INSTANCE_UID, VR::UI, uid);
        put_items(item, tags::REFERENCED_SERIES_SEQUENCE, by_series);
    });
    put_items(
        o,
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        vec![study],
    );
}

fn whole(slice: &SliceRef) -> Object {
    reference(&SliceRef {
        frame: None,
        ..slice.clone()
    })
}

fn of_segment(segment: SegmentRef<'_>) -> SliceRef {
    SliceRef {
        sop_class: uids::SEGMENTATION_STORAGE.to_owned(),
        sop_instance: segment.instance.to_owned(),
        frame: None,
    }
}

/// A measurement group: TID 1411 or TID 1501. `at` counts findings from 1.
fn group(
    finding: &Finding<'_>,
    at: u16,
    series: &str,
    tool: &Tool,
    made: &Made,
) -> Result<Object, Refusal> {
    let tracking = match finding.about {
        About::Segment(segment) => tracking_uid(segment.instance, segment.number),
        About::Images(_) => tracking_uid(&made.instance_uid, at),
    };
    checked(&finding.tracking, 64, "(0040,A160)")?;
    let mut items = vec![
        text(
            Related::ObservationContext,
            &dcm("112039", "Tracking Identifier"),
            &finding.tracking,
        )?,
        uid(
            Related::ObservationContext,
            &dcm("112040", "Tracking Unique Identifier"),
            &tracking,
        )?,
        code(
            Related::Contains,
            &dcm("121071", "Finding"),
            &finding.finding,
        )?,
    ];
    if let Some(site) = &finding.site {
        items.push(code(
            Related::ConceptModifier,
            &Code::new("363698007", "SCT", "Finding Site"),
            site,
        )?);
    }
    // TID 4019
    for (value, meaning, content) in [
        ("111001", "Algorithm Name", &tool.model_name),
        ("111003", "Algorithm Version", &tool.version),
    ] {
        items.push(text(
            Related::ConceptModifier,
            &dcm(value, meaning),
            content,
        )?);
    }
    let template = match finding.about {
        About::Segment(segment) => {
            items.push(image(
                Related::Contains,
                Some(&dcm("121191", "Referenced Segment")),
                reference(&of_segment(segment)),
                Some(segment.number),
            )?);
            // The Segmentation names its source slice by slice.
            items.push(uid(
                Related::Contains,
                &dcm("121232", "Source series for segmentation"),
                series,
            )?);
            "1411"
        }
        About::Images(images) => {
            for slice in images {
                items.push(image(
                    Related::Contains,
                    // CID 7551
                    Some(&dcm("121112", "Source of Measurement")),
                    reference(slice),
                    None,
                )?);
            }
            "1501"
        }
    };
    for measured in &finding.measurements {
        items.push(number(
            Related::Contains,
            &measured.name,
            measured.value,
            &measured.unit,
        )?);
    }
    for (question, answer) in &finding.evaluations {
        items.push(code(Related::Contains, question, answer)?);
    }
    for reason in &finding.texts {
        items.push(text(Related::Contains, &dcm("121106", "Comment"), reason)?);
    }
    container(&dcm("125007", "Measurement Group"), Some(template), items)
}
