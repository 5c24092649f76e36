//! Derived objects of small volumes made in code: what is refused, and text.

use std::io::Cursor;

use dicom_core::Tag;
use kura_dicom::derived::{
    About, Code, Finding, Language, Made, Measurement, Segment, SegmentRef, probability, report,
    segmentation, volume as volume_of,
};
use kura_dicom::{Header, Limits, SliceRef, Volume, decode_frame_from, read_header};
use kura_model::Refusal;

use crate::build::{EXPLICIT, element, part10};
use crate::derived::{made, sct, segments, tool_of};

/// Three slices of 3 x 2 pixels and the header of one.
fn small() -> (Header, Volume) {
    let slices = crate::volume::three();
    let volume = crate::volume::read(&slices).unwrap();
    let header = read_header(Cursor::new(slices[0].file()), &Limits::default()).unwrap();
    (header, volume)
}

#[test]
fn what_cannot_be_a_segmentation_is_refused() {
    let (source, volume) = small();
    let all = segments();
    let mut labels = vec![0; 18];
    labels[17] = 3;
    let make = |source: &Header, volume: &Volume, labels: &[u8], segments: &[Segment]| {
        segmentation(
            source,
            volume,
            labels,
            segments,
            &tool_of(),
            &made(1, false),
        )
    };
    let rule = |made: Result<Vec<u8>, Refusal>| made.unwrap_err().rule;
    assert!(make(&source, &volume, &labels, &all).is_ok());
    assert_eq!(
        rule(make(&source, &volume, &labels[1..], &all)),
        "derived-labels"
    );
    assert_eq!(
        rule(make(&source, &volume, &labels, &all[..2])),
        "derived-labels"
    );
    assert_eq!(
        rule(make(&source, &volume, &[0; 18], &all)),
        "derived-empty"
    );
    let other = Volume {
        series: "1.2.9".to_owned(),
        ..volume.clone()
    };
    assert_eq!(rule(make(&source, &other, &labels, &all)), "derived-source");
    let nowhere = Volume {
        frame_of_reference: None,
        ..volume.clone()
    };
    assert_eq!(
        rule(make(&source, &nowhere, &labels, &all)),
        "derived-source"
    );
    for label in ["", "  ", "a\\b", "a\u{1B}b", &"あ".repeat(65)] {
        let mut wrong = all.clone();
        wrong[1].label = label.to_owned();
        let refusal = make(&source, &volume, &labels, &wrong).unwrap_err();
        assert_eq!(refusal.rule, "derived-text");
        assert_eq!(
            refusal.location.path.as_deref(),
            Some("(0062,0002)[1].(0062,0005)")
        );
    }
    let long = Made {
        instance_uid: "1".repeat(59),
        ..made(1, false)
    };
    let refusal = segmentation(&source, &volume, &labels, &all, &tool_of(), &long).unwrap_err();
    assert_eq!(refusal.rule, "dicom-uid");
    let far = Made {
        at: i64::MAX,
        ..made(1, false)
    };
    let refusal = segmentation(&source, &volume, &labels, &all, &tool_of(), &far).unwrap_err();
    assert_eq!(refusal.rule, "derived-time");
}

#[test]
fn what_says_nothing_is_no_report() {
    let (source, volume) = small();
    let whole = Finding {
        finding: sct("4147007", "Mass"),
        site: None,
        tracking: "whole".to_owned(),
        about: About::Images(&volume.slices),
        measurements: vec![probability(0.5)],
        evaluations: Vec::new(),
        texts: Vec::new(),
    };
    let make = |sources: &[SliceRef], findings: &[Finding<'_>]| {
        let (tool, made) = (tool_of(), made(2, false));
        report(
            &source,
            sources,
            None,
            findings,
            &tool,
            &made,
            Language::English,
        )
        .map_err(|refusal| refusal.rule)
    };
    let refused = |finding: Finding<'_>| make(&volume.slices, &[finding]).unwrap_err();
    assert!(make(&volume.slices, std::slice::from_ref(&whole)).is_ok());
    assert_eq!(make(&volume.slices, &[]).unwrap_err(), "derived-findings");
    assert_eq!(
        make(&[], std::slice::from_ref(&whole)).unwrap_err(),
        "derived-source"
    );
    // An image that is not among the sources would not be in the evidence.
    assert_eq!(
        make(&volume.slices[1..], std::slice::from_ref(&whole)).unwrap_err(),
        "derived-findings"
    );
    let about = |about| Finding {
        about,
        ..whole.clone()
    };
    assert_eq!(refused(about(About::Images(&[]))), "derived-findings");
    let segment = SegmentRef {
        series: "1.2.8",
        instance: "1.2.8.1",
        number: 0,
    };
    assert_eq!(refused(about(About::Segment(segment))), "derived-findings");
    let of_no_uid = SegmentRef {
        instance: "1.2.a",
        number: 1,
        ..segment
    };
    assert_eq!(refused(about(About::Segment(of_no_uid))), "dicom-uid");
    let measured = |measurements| Finding {
        measurements,
        ..whole.clone()
    };
    assert_eq!(refused(measured(Vec::new())), "derived-findings");
    assert_eq!(
        refused(measured(vec![probability(f64::NAN)])),
        "derived-number"
    );
    let unnamed = Measurement {
        name: Code::new("", "SCT", "Volume"),
        ..volume_of(1.0)
    };
    assert_eq!(refused(measured(vec![unnamed])), "derived-text");
}

#[test]
fn a_name_outlives_its_character_set() {
    // 髙 is in no set of IR 87 but in what vendors put into its row 92: as stored it is
    // ESC $ B | b ESC ( B, and reads as 髙. What cannot be written so is written as UTF-8.
    let (_, volume) = small();
    let mut labels = vec![0; 18];
    labels[0] = 1;
    for (declared, stored, name, expected) in [
        (
            &b"\\ISO 2022 IR 87"[..],
            &b"Mihon=\x1b$B8+K\\\x1b(B"[..],
            "見本",
            "\\ISO 2022 IR 87",
        ),
        (
            b"\\ISO 2022 IR 87",
            b"Takahashi=\x1b$B|b66\x1b(B",
            "髙橋",
            "ISO_IR 192",
        ),
        (b"ISO_IR 13", b"Mihon=\x8c\xa9\x96{", "見本", "ISO_IR 192"),
        (b"ISO_IR 192", "Mihon=見本".as_bytes(), "見本", "ISO_IR 192"),
    ] {
        let mut file = part10(EXPLICIT);
        file.extend(element(8, 5, "CS", declared));
        file.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2"));
        file.extend(element(8, 0x18, "UI", b"1.2.3.1"));
        file.extend(element(8, 0x201, "SH", b"-0330"));
        file.extend(element(0x10, 0x10, "PN", stored));
        file.extend(element(0x20, 0xD, "UI", b"1.2.5"));
        file.extend(element(0x20, 0xE, "UI", b"1.2.4"));
        let source = read_header(Cursor::new(file), &Limits::default()).unwrap();
        assert_eq!(source.patient_name().ideographic.as_deref(), Some(name));
        let made = made(1, true);
        let seg = segmentation(&source, &volume, &labels, &segments(), &tool_of(), &made).unwrap();
        let header = read_header(Cursor::new(&seg), &Limits::default()).unwrap();
        assert_eq!(header.patient_name(), source.patient_name());
        assert_eq!(header.character_sets().join("\\"), expected);
        if expected == "\\ISO 2022 IR 87" {
            assert!(seg.windows(stored.len()).any(|bytes| bytes == stored));
        }
        assert_eq!(
            header.series_description().as_deref(),
            Some("研究用 / For research: head-threshold 1.2.0")
        );
        // The source's clock, 3.5 hours behind.
        let time = header.text(Tag(0x0008, 0x0033));
        assert_eq!(time.as_deref(), Some("223000.250"));
        let frame = decode_frame_from(Cursor::new(&seg), 0, &Limits::default()).unwrap();
        assert_eq!(frame.values(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
