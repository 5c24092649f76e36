use std::io::Cursor;

use encoding_rs::{Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8};
use kura_deid::dicom::{
    DicomOption, DicomPolicy, PatientIdentity, PixelsDone, Report, Withheld, deidentify, pixel_work,
};
use kura_deid::keys::ProjectKey;
use kura_dicom::{Header, Limits, read_header};

use crate::build::{Object, element, encapsulated, sequence};

const NAMES: [&str; 8] = [
    "山田^太郎",
    "山田太郎",
    "ヤマダ^タロウ",
    "やまだ",
    "Yamada^Tarou",
    "1234567",
    "090-1234-5678",
    "東京都千代田区千代田1-1",
];

fn identity(known: &[&str]) -> PatientIdentity {
    PatientIdentity::new("42", known.iter().map(|v| (*v).to_owned()).collect())
}

/// What becomes of an object under these options.
fn under(object: &Object, options: &[DicomOption]) -> serde_json::Value {
    let policy = DicomPolicy::basic()
        .with(&options.iter().copied().collect(), 90)
        .unwrap();
    let mut out = Vec::new();
    let key = ProjectKey::new([7; 32]);
    let input = Cursor::new(object.bytes());
    let patient = identity(&["山田太郎"]);
    deidentify(
        input,
        &mut out,
        &policy,
        &key,
        &patient,
        PixelsDone::default(),
    )
    .unwrap();
    header(&out).to_dicom_json()
}

#[test]
fn each_option_does_what_its_column_says() {
    use DicomOption::{
        CleanDescriptors, CleanStructuredContent, RetainDeviceIdentity, RetainFullDates,
        RetainInstitutionIdentity, RetainModifiedDates, RetainPatientCharacteristics,
        RetainSafePrivate, RetainUids,
    };
    let mut object = Object::chest_ct()
        .with(0x0008_0080, "LO", b"University Hospital")
        .with(0x0008_1010, "SH", b"CT3")
        .with(0x0008_103E, "LO", b"AX CHEST ACME-Suzuki 5MM 20240301")
        .with(0x0010_1010, "AS", b"116Y")
        .with(0x0010_1030, "DS", b"61.5")
        .with(0x0010_2110, "LO", b"Suzuki says CONTRAST")
        .with(0x0018_1000, "LO", b"SN-778")
        .with(0x0018_1200, "DA", b"20240301")
        .with(0x0019_0010, "LO", b"SIEMENS MR HEADER")
        .with(0x0019_100C, "IS", b"1000")
        .with(0x0019_1008, "CS", b"IMAGE NUM 4")
        .with(0x0029_0010, "LO", b"SIEMENS CSA HEADER");
    object.put(sequence(
        0x0040_0555,
        &[[
            element(0x0040_A040, "CS", b"TEXT"),
            element(0x0040_A160, "UT", b"Suzuki held the child"),
        ]
        .concat()],
    ));
    let value = |json: &serde_json::Value, tag: &str| json[tag]["Value"][0].clone();
    let none = under(&object, &[]);
    for gone in [
        "00080080", "00081010", "0008103E", "00101010", "00101030", "00102110", "00181000",
        "0019100C", "00080020", "00080022", "00290010",
    ] {
        assert!(value(&none, gone).is_null(), "{gone}: {}", none[gone]);
    }
    assert_eq!(value(&none, "00280303"), "REMOVED");
    let dates = under(&object, &[RetainFullDates]);
    assert_eq!(value(&dates, "00080020"), "20240301");
    assert_eq!(value(&dates, "00280303"), "UNMODIFIED");
    // No option keeps a birth date.
    assert!(value(&dates, "00100030").is_null());
    let moved = under(&object, &[RetainModifiedDates]);
    assert_ne!(value(&moved, "00080020"), "20240301");
    assert_eq!(value(&moved, "00280303"), "MODIFIED");
    let words = under(&object, &[CleanDescriptors]);
    assert_eq!(value(&words, "0008103E"), "AX CHEST");
    let person = under(&object, &[RetainPatientCharacteristics]);
    assert_eq!(value(&person, "00101010"), "090Y");
    assert_eq!(value(&person, "00101030"), 61.5);
    assert_eq!(value(&person, "00102110"), "CONTRAST");
    let device = under(&object, &[RetainDeviceIdentity]);
    assert_eq!(value(&device, "00181000"), "SN-778");
    assert_eq!(value(&device, "00081010"), "CT3");
    // A calibration on the day of the study would tell by how much dates moved.
    assert!(value(&device, "00181200").is_null());
    let both = under(&object, &[RetainDeviceIdentity, RetainModifiedDates]);
    assert_eq!(value(&both, "00181200"), value(&both, "00080020"));
    assert_ne!(value(&both, "00181200"), "20240301");
    let institution = under(&object, &[RetainInstitutionIdentity]);
    assert_eq!(value(&institution, "00080080"), "University Hospital");
    let uids = under(&object, &[RetainUids]);
    assert_eq!(value(&uids, "0020000D"), "1.2.392.200036.9.2");
    let private = under(&object, &[RetainSafePrivate]);
    assert_eq!(value(&private, "0019100C"), 1000);
    assert!(value(&private, "00191008").is_null() && value(&private, "00290010").is_null());
    let content = under(&object, &[CleanStructuredContent]);
    assert_eq!(
        content["00400555"]["Value"][0]["0040A040"]["Value"][0],
        "TEXT"
    );
    assert!(!content.to_string().contains("Suzuki"));
    for (json, code) in [(&words, "113105"), (&uids, "113110"), (&private, "113111")] {
        let methods = &json["00120064"]["Value"];
        assert_eq!(methods[0]["00080100"]["Value"][0], "113100");
        assert_eq!(methods[1]["00080100"]["Value"][0], code);
    }
    // What is kept is looked at all the same: a description that is the patient's name stays inside.
    let named = object
        .with(0x0008_0080, "LO", "山田太郎医院".as_bytes())
        .with(0x0008_0005, "CS", b"ISO_IR 192");
    let policy = DicomPolicy::basic()
        .with(&[RetainInstitutionIdentity].into(), 90)
        .unwrap();
    let input = Cursor::new(named.bytes());
    let withheld = deidentify(
        input,
        Vec::new(),
        &policy,
        &ProjectKey::new([7; 32]),
        &identity(&["山田太郎"]),
        PixelsDone::default(),
    );
    assert_eq!(withheld.unwrap_err().rule, "dicom-identifier-remains");
}

fn run(input: &[u8], known: &[&str]) -> Result<(Vec<u8>, Report), Withheld> {
    let mut out = Vec::new();
    let (policy, key) = (DicomPolicy::basic(), ProjectKey::new([7; 32]));
    let report = deidentify(
        Cursor::new(input),
        &mut out,
        &policy,
        &key,
        &identity(known),
        PixelsDone::default(),
    )?;
    Ok((out, report))
}

fn rule(object: &Object) -> String {
    match run(&object.bytes(), &[]) {
        Ok(_) => "leaves".to_owned(),
        Err(withheld) => {
            assert!(!withheld.ja.is_empty() && !withheld.en.is_empty());
            withheld.rule
        }
    }
}

fn header(bytes: &[u8]) -> Header {
    read_header(Cursor::new(bytes), &Limits::default()).unwrap()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn utf16(text: &str) -> [Vec<u8>; 2] {
    let units: Vec<u16> = text.encode_utf16().collect();
    [
        units.iter().flat_map(|u| u.to_le_bytes()).collect(),
        units.iter().flat_map(|u| u.to_be_bytes()).collect(),
    ]
}

fn encode(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

/// Names, number, phone and address in attributes of every kind, in one encoding.
fn injected(charset: &[u8], encoding: &'static Encoding) -> Object {
    let text = |at: usize| encode(NAMES[at % NAMES.len()], encoding);
    let mut object = Object::chest_ct();
    object.set(0x0008_0005, "CS", charset);
    let places: [(u32, &str); 31] = [
        (0x0008_0050, "SH"), // Accession Number
        (0x0008_0080, "LO"), // Institution Name
        (0x0008_0081, "ST"), // Institution Address
        (0x0008_0090, "PN"), // Referring Physician's Name
        (0x0008_1010, "SH"), // Station Name
        (0x0008_1030, "LO"), // Study Description
        (0x0008_103E, "LO"), // Series Description
        (0x0008_1040, "LO"), // Institutional Department Name
        (0x0008_1048, "PN"), // Physician(s) of Record
        (0x0008_1070, "PN"), // Operators' Name
        (0x0008_1080, "LO"), // Admitting Diagnoses Description
        (0x0008_2111, "ST"), // Derivation Description
        (0x0009_0010, "LO"), // private creator
        (0x0009_1001, "LT"), // private
        (0x0010_0010, "PN"),
        (0x0010_0020, "LO"),
        (0x0010_1000, "LO"), // Other Patient IDs
        (0x0010_1001, "PN"), // Other Patient Names
        (0x0010_1005, "PN"), // Patient's Birth Name
        (0x0010_1040, "LO"), // Patient's Address
        (0x0010_2154, "SH"), // Patient's Telephone Numbers
        (0x0010_21B0, "LT"), // Additional Patient History
        (0x0010_4000, "LT"), // Patient Comments
        (0x0018_1000, "LO"), // Device Serial Number
        (0x0018_1030, "LO"), // Protocol Name
        (0x0018_1400, "LO"), // Acquisition Device Processing Description
        (0x0018_9423, "LO"), // Acquisition Protocol Name
        (0x0020_1040, "LO"), // Position Reference Indicator
        (0x0020_4000, "LT"), // Image Comments
        (0x0032_1032, "PN"), // Requesting Physician
        (0x0040_A160, "UT"), // Text Value
    ];
    for (at, (tag, vr)) in places.into_iter().enumerate() {
        object.set(tag, vr, &text(at));
    }
    // A VR the attribute does not have, a VR nobody has, an overlay, a curve, bulk.
    object.set(0x0018_0022, "LO", &text(0));
    object.set(0x0018_1250, "ZZ", &text(1));
    object.set(0x6000_4000, "LT", &text(2));
    object.set(0x5000_0030, "SH", &text(3));
    object.set(0x0028_2000, "OB", &text(0));
    object.set(0x0018_9810, "UN", &text(1));
    // Nested: a table sequence, one the table does not name, a local code, private inside.
    let mut inner = element(0x0009_1001, "UN", &text(0));
    inner.extend(element(0x0010_0010, "PN", &text(1)));
    inner.extend(element(0x0040_A123, "PN", &text(0)));
    inner.extend(sequence(
        0x0040_A730,
        &[element(0x0040_A160, "UT", &text(7))],
    ));
    object.put(sequence(0x0040_0275, std::slice::from_ref(&inner)));
    let mut code = element(0x0008_0100, "SH", &text(5));
    code.extend(element(0x0008_0102, "SH", b"99LOCAL"));
    code.extend(element(0x0008_0104, "LO", &text(0)));
    object.put(sequence(0x0008_1032, &[code]));
    object.put(sequence(0x0018_9346, &[inner]));
    object
}

#[test]
fn nothing_that_was_injected_remains() {
    for (charset, encoding) in [
        (b"ISO_IR 192".as_slice(), UTF_8),
        (b"ISO_IR 13", SHIFT_JIS),
        (b"\\ISO 2022 IR 87", ISO_2022_JP),
        // Declared as nothing, written as Shift_JIS
        (b"", SHIFT_JIS),
    ] {
        let input = injected(charset, encoding).bytes();
        assert!(contains(&input, &encode("山田", encoding)));
        // Both: the profile alone, and with the last look.
        for known in [&[] as &[&str], &NAMES] {
            let (out, report) = run(&input, known).unwrap();
            for name in NAMES {
                for part in name.split('^').filter(|part| part.chars().count() > 1) {
                    let mut patterns = vec![part.as_bytes().to_vec()];
                    patterns.extend([ISO_2022_JP, SHIFT_JIS].map(|e| encode(part, e)));
                    patterns.extend(utf16(part));
                    for pattern in patterns.iter().filter(|p| p.len() > 3) {
                        assert!(!contains(&out, pattern), "{part} remains of {charset:?}");
                    }
                }
            }
            assert!(!contains(&out, b"SENDER") && !contains(&out, b"PREAMBLE"));
            assert!(out[..128].iter().all(|byte| *byte == 0));
            assert!(report.applied()["D02"] > 10);
        }
    }
}

#[test]
fn what_is_written_and_what_stays() {
    let input = Object::chest_ct().bytes();
    let (out, report) = run(&input, &NAMES).unwrap();
    assert_eq!(run(&input, &NAMES).unwrap().0, out, "not the same bytes");
    let key = ProjectKey::new([7; 32]);
    let (before, after) = (header(&input), header(&out));
    let pseudonym = key.pseudonym("Patient", "42");
    assert_eq!(after.patient_id().as_deref(), Some(pseudonym.as_str()));
    assert_eq!(after.patient_name().alphabetic, Some(pseudonym));
    assert_eq!(after.patient_birth_date(), None);
    let study = before.study_instance_uid().unwrap();
    assert_eq!(after.study_instance_uid(), Some(key.uid(&study)));
    assert_eq!(after.sop_instance_uid(), Some(report.sop_instance_uid));
    assert_eq!(
        after.meta().media_storage_sop_instance_uid,
        after.sop_instance_uid()
    );
    assert_eq!(after.sop_class_uid(), before.sop_class_uid());
    assert_eq!(after.transfer_syntax_uid(), before.transfer_syntax_uid());
    assert_eq!(after.manufacturer().as_deref(), Some("ACME"));
    assert_eq!(after.study_time().as_deref(), Some("101530.5"));
    let tag = dicom_dictionary_std::tags::PATIENT_IDENTITY_REMOVED;
    assert_eq!(after.text(tag).as_deref(), Some("YES"));
    let json = after.to_dicom_json();
    let methods = &json["00120064"]["Value"];
    assert_eq!(methods[0]["00080100"]["Value"][0], "113100");
    assert_eq!(methods[1]["00080100"]["Value"][0], "113107");
    assert_eq!(json["00280303"]["Value"][0], "MODIFIED");
    // One day lies between the study and the acquisition, as before.
    let shifted = kura_deid::keys::shift_dicom("20240301", key.date_shift_days("42")).unwrap();
    assert_eq!(after.study_date(), Some(shifted.clone()));
    let next = kura_deid::keys::shift_dicom(&shifted, 1).unwrap();
    assert_eq!(json["00080022"]["Value"][0], next.as_str());
    assert!(out.ends_with(&[1, 2, 3, 4, 5, 6, 7, 8]));
    // Another project, another patient: nothing to join on.
    let mut other = Vec::new();
    let policy = DicomPolicy::basic();
    let key = ProjectKey::new([8; 32]);
    deidentify(
        Cursor::new(&input),
        &mut other,
        &policy,
        &key,
        &identity(&[]),
        PixelsDone::default(),
    )
    .unwrap();
    assert_ne!(header(&other).patient_id(), after.patient_id());
    assert_ne!(header(&other).sop_instance_uid(), after.sop_instance_uid());
}

/// What an object needs under both options of pixels; the rule that keeps it whatever is done.
fn needs(object: &Object) -> String {
    use DicomOption::{CleanPixelData, CleanRecognizableVisualFeatures};
    let policy = DicomPolicy::basic()
        .with(
            &[CleanPixelData, CleanRecognizableVisualFeatures].into(),
            90,
        )
        .unwrap();
    let key = ProjectKey::new([7; 32]);
    let run = |done| {
        let mut out = Vec::new();
        let input = Cursor::new(object.bytes());
        deidentify(input, &mut out, &policy, &key, &identity(&[]), done).map(|_| out)
    };
    match pixel_work(Cursor::new(object.bytes()), &policy) {
        Err(withheld) => {
            assert_eq!(run(PixelsDone::default()).unwrap_err().rule, withheld.rule);
            withheld.rule
        }
        Ok(work) => {
            let told: Vec<&str> = [("text", &work.text), ("face", &work.face)]
                .into_iter()
                .filter_map(|(name, why)| why.is_some().then_some(name))
                .collect();
            let enough = PixelsDone {
                text: work.text.is_some().then_some(2),
                regions: 0,
                face: work.face.is_some(),
            };
            // As long as it is not done, the object stays for the reason that asks for it.
            if let Some(why) = work.text.or(work.face) {
                assert_eq!(run(PixelsDone::default()).unwrap_err().rule, why.rule);
            }
            let json = header(&run(enough).unwrap()).to_dicom_json();
            let codes = json["00120064"].to_string();
            assert_eq!(codes.contains("113101"), told.contains(&"text"));
            assert_eq!(codes.contains("113102"), told.contains(&"face"));
            if told.contains(&"text") {
                assert_eq!(json["00280301"]["Value"][0], "NO");
            }
            if told.contains(&"face") {
                assert_eq!(json["00280302"]["Value"][0], "NO");
            }
            told.join(" and ")
        }
    }
}

#[test]
fn what_leaves_once_its_pixels_are_cleaned() {
    let ct = Object::chest_ct;
    assert_eq!(needs(&ct()), "");
    assert_eq!(needs(&ct().without(0x0028_0301)), "text");
    assert_eq!(needs(&ct().with(0x0028_0301, "CS", b"YES")), "text");
    assert_eq!(needs(&ct().with(0x0028_0302, "CS", b"YES")), "face");
    let head = ct().with(0x0018_0015, "CS", b"HEAD");
    assert_eq!(needs(&head), "face");
    assert_eq!(needs(&head.without(0x0028_0301)), "text and face");
    let words = ct().with(0x0008_103E, "LO", "頭部単純".as_bytes());
    assert_eq!(needs(&words.with(0x0008_0005, "CS", b"ISO_IR 192")), "face");
    // A screen may leave, a scan of paper, a photograph and a rendering never.
    let kind = |text: &str| ct().with(0x0008_0008, "CS", text.as_bytes());
    assert_eq!(needs(&kind(r"DERIVED\SECONDARY\SCREEN SAVE")), "text");
    for never in ["DOSE", "3D RENDERED", "VRT", "SCANNED", "PHOTO"] {
        let text = format!(r"DERIVED\SECONDARY\{never}");
        assert_eq!(needs(&kind(&text)), "dicom-image-type");
    }
    let capture = ct().with(0x0008_0064, "CS", b"WSD");
    assert_eq!(needs(&capture), "text");
    for paper in ["SD", "SI", "DF"] {
        let paper = ct().with(0x0008_0064, "CS", paper.as_bytes());
        assert_eq!(needs(&paper), "dicom-secondary-capture");
    }
    let ultrasound = |class: &[u8]| {
        ct().with(0x0008_0060, "CS", b"US")
            .with(0x0008_0016, "UI", class)
            .without(0x0018_0015)
    };
    assert_eq!(needs(&ultrasound(b"1.2.840.10008.5.1.4.1.1.6.1")), "text");
    // Of a volume of ultrasound a face can be built, and none is taken out.
    assert_eq!(
        needs(&ultrasound(b"1.2.840.10008.5.1.4.1.1.6.2")),
        "dicom-sop-class"
    );
    for never in ["XC", "GM", "SM", "OP", "SR"] {
        let other = ct().with(0x0008_0060, "CS", never.as_bytes());
        assert_eq!(needs(&other), "dicom-modality");
    }
    // A volume of PET or a capture shows a head as well, and nothing takes its face out.
    for modality in ["PT", "NM", "OT"] {
        let other =
            ct().with(0x0008_0060, "CS", modality.as_bytes())
                .with(0x0018_0015, "CS", b"HEAD");
        assert_eq!(needs(&other), "dicom-body-surface");
    }
}

#[test]
fn what_may_not_leave() {
    let ct = Object::chest_ct;
    assert_eq!(rule(&ct()), "leaves");
    let burned = 0x0028_0301;
    assert_eq!(rule(&ct().without(burned)), "dicom-burned-in");
    assert_eq!(rule(&ct().with(burned, "CS", b"YES")), "dicom-burned-in");
    assert_eq!(
        rule(&ct().with(burned, "CS", b"NO\\YES")),
        "dicom-burned-in"
    );
    for modality in ["US", "ES", "XC", "GM", "SM", "OT", "SC", "XA", "", "ct"] {
        let object = ct().with(0x0008_0060, "CS", modality.as_bytes());
        assert_eq!(rule(&object), "dicom-modality", "{modality}");
    }
    let capture = b"1.2.840.10008.5.1.4.1.1.7";
    assert_eq!(
        rule(&ct().with(0x0008_0016, "UI", capture)),
        "dicom-secondary-capture"
    );
    assert_eq!(
        rule(&ct().with(0x0008_0064, "CS", b"WSD")),
        "dicom-secondary-capture"
    );
    let report = b"1.2.840.10008.5.1.4.1.1.88.11";
    assert_eq!(
        rule(&ct().with(0x0008_0016, "UI", report)),
        "dicom-sop-class"
    );
    let saved = b"DERIVED\\SECONDARY\\SCREEN SAVE";
    assert_eq!(
        rule(&ct().with(0x0008_0008, "CS", saved)),
        "dicom-image-type"
    );
    assert_eq!(rule(&ct().without(0x0008_0008)), "dicom-image-type");
    assert_eq!(
        rule(&ct().with(0x0028_0302, "CS", b"YES")),
        "dicom-recognizable"
    );
    assert_eq!(
        rule(&ct().with(0x0028_0004, "CS", b"RGB")),
        "dicom-photometric"
    );
    for part in [
        "HEAD",
        "NECK",
        "BRAIN",
        "SKULL",
        "FACE",
        "WHOLEBODY",
        "HEADNECK",
        "",
        "THING",
    ] {
        let object = ct().with(0x0018_0015, "CS", part.as_bytes());
        assert_eq!(rule(&object), "dicom-body-surface", "{part}");
    }
    assert_eq!(rule(&ct().without(0x0018_0015)), "dicom-body-surface");
    for words in [
        "頭部CT",
        "Neuro routine",
        "胸部〜頸部",
        "FACE",
        "ﾄｳﾌﾞ",
        "whole body",
    ] {
        let object =
            ct().with(0x0008_0005, "CS", b"ISO_IR 192")
                .with(0x0008_103E, "LO", words.as_bytes());
        assert_eq!(rule(&object), "dicom-head-words", "{words}");
    }
    // "SURFACE" holds no face; a projection shows no surface.
    assert_eq!(
        rule(&ct().with(0x0008_103E, "LO", b"SURFACE COIL")),
        "leaves"
    );
    let radiograph = ct()
        .with(0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.1")
        .with(0x0008_0060, "CS", b"CR")
        .with(0x0018_0015, "CS", b"SKULL");
    assert_eq!(rule(&radiograph), "leaves");
    let overlay = ct()
        .with(0x6000_0010, "US", &[2, 0])
        .with(0x6000_0102, "US", &[12, 0]);
    assert_eq!(rule(&overlay), "dicom-overlay-in-pixels");
    assert_eq!(rule(&ct().without(0x7FE0_0010)), "dicom-pixels");
    assert_eq!(rule(&ct().with(0x7FE0_0010, "OW", &[1, 2])), "dicom-pixels");
    let cut = ct().bytes();
    let withheld = run(&cut[..cut.len() - 2], &[]).unwrap_err();
    assert_eq!(withheld.rule, "dicom-unreadable");
}

#[test]
fn the_last_look() {
    let with = |tag, vr, value: &str| {
        Object::chest_ct()
            .with(0x0008_0005, "CS", b"ISO_IR 192")
            .with(tag, vr, value.as_bytes())
            .bytes()
    };
    let known = [
        "山田 太郎",
        "ヤマダ タロウ",
        "yamadatarou",
        "1234567",
        "090-1234-5678",
    ];
    for (tag, vr, value) in [
        (0x0008_0070, "LO", "Dr. YAMADA, Tarou"),
        (0x0018_1210, "SH", "Yamada^Tarou"),
        (0x0018_1160, "SH", "YAMADA\\TAROU"),
        (0x0020_0012, "IS", "1234567"),
        (0x0018_1090, "IS", "09012345678"),
        (0x0018_0022, "CS", "ID1234567"),
        (0x0018_9810, "US", "山田太郎"),
        (0x0018_9073, "FD", "YamadaTarou, CT2"),
    ] {
        let Err(withheld) = run(&with(tag, vr, value), &known) else {
            panic!("{value} leaves");
        };
        assert_eq!(withheld.rule, "dicom-identifier-remains", "{value}");
        assert!(!withheld.detail.contains("1234567") && !withheld.to_string().contains("1234567"));
    }
    assert!(run(&with(0x0018_1210, "SH", "B30f"), &known).is_ok());
}

#[test]
fn what_hides_in_pixel_data_goes() {
    // Bytes after the last frame
    let padded =
        Object::chest_ct().with(0x7FE0_0010, "OW", b"\x01\x02\x03\x04\x05\x06\x07\x08YAMADA");
    let (out, report) = run(&padded.bytes(), &[]).unwrap();
    assert!(!contains(&out, b"YAMADA"));
    assert_eq!(report.applied()["D10"], 1);
    // A JPEG-LS frame with a comment; the decoder's part stays as it was
    let jpeg = b"\xFF\xD8\xFF\xFE\0\x08YAMADA\xFF\xF7\0\x0B\x10\0\x02\0\x02\x01\x01\x11\0\
        \xFF\xDA\0\x08\x01\x01\0\0\0\0\x12\x34\x56\xFF\xD9";
    let mut compressed = Object::chest_ct();
    compressed.syntax = "1.2.840.10008.1.2.4.80";
    compressed.put(encapsulated(&[jpeg]));
    let (out, report) = run(&compressed.bytes(), &[]).unwrap();
    assert!(!contains(&out, b"YAMADA") && contains(&out, b"\x12\x34\x56\xFF\xD9"));
    assert_eq!(report.applied()["D09"], 1);
    // The same, cut: nobody can say what is in there
    compressed.put(encapsulated(&[&jpeg[..jpeg.len() - 2]]));
    assert_eq!(rule(&compressed), "dicom-pixels");
}

#[test]
fn deflated_comes_out_plain() {
    use std::io::Write as _;
    let plain = Object::chest_ct().bytes();
    let mut object = Object::chest_ct();
    object.syntax = "1.2.840.10008.1.2.1.99";
    let whole = object.bytes();
    let start = header(&plain).dataset_offset() as usize;
    let at = start + whole.len() - plain.len();
    let mut deflated = whole[..at].to_vec();
    let mut encoder = flate2::write::DeflateEncoder::new(&mut deflated, Default::default());
    encoder.write_all(&whole[at..]).unwrap();
    encoder.finish().unwrap();
    assert!(deflated.len() < whole.len());
    let (out, _) = run(&deflated, &NAMES).unwrap();
    assert_eq!(out, run(&plain, &NAMES).unwrap().0);
}

#[test]
fn damage_never_panics_and_never_leaks() {
    let whole = injected(b"ISO_IR 192", UTF_8).bytes();
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut roll = |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % sides as u64) as usize
    };
    let mut left = 0;
    for _ in 0..3000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + roll(3) {
            let at = 132 + roll(damaged.len() - 132);
            damaged[at] = roll(256) as u8;
        }
        if let Ok((out, _)) = run(&damaged, &NAMES) {
            left += 1;
            assert!(!contains(&out, "山田太郎".as_bytes()) && !contains(&out, b"Yamada^Tarou"));
        }
    }
    assert!(left > 100, "{left}");
}
