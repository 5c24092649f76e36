use std::io::Cursor;

use kura_dicom::{Limits, Pixels, decode_frame_from, read_header};

use crate::build::{EXPLICIT, ct, element, part10};

#[test]
fn header_and_json() {
    let header = read_header(Cursor::new(ct()), &Limits::default()).unwrap();
    assert_eq!(header.sop_instance_uid().as_deref(), Some("1.2.3.4"));
    assert_eq!(
        header.patient_name().ideographic.as_deref(),
        Some("山田^太郎")
    );
    assert_eq!(header.character_sets(), ["", "ISO 2022 IR 87"]);
    assert_eq!((header.rows(), header.number_of_frames()), (Some(2), 1));
    assert_eq!(header.pixel().unwrap().length, Some(8));
    let json = header.to_dicom_json();
    assert_eq!(
        json["00100010"],
        serde_json::json!({"vr": "PN", "Value": [{
            "Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"
        }]})
    );
    assert_eq!(json["00080005"]["Value"][0], "ISO_IR 192");
    assert_eq!(json["00281050"]["Value"].to_string(), "[40,600]");
    assert_eq!(json.get("7FE00010"), None);
}

#[test]
fn hounsfield_units_and_windows() {
    let frame = decode_frame_from(Cursor::new(ct()), 0, &Limits::default()).unwrap();
    assert_eq!(frame.values(), [-1000.0, 0.0, 40.0, 1000.0]);
    assert_eq!(frame.unit.as_deref(), Some("HU"));
    assert_eq!(frame.default_window, (40.0, 400.0));
    // PS3.3 C.11.2.1.2.1 with c=40, w=400
    assert_eq!(frame.render(None).data, [0, 102, 128, 255]);
    assert_eq!(frame.render(Some((0.5, 1.0))).data, [0, 0, 255, 255]);
    let (bytes, slope, intercept) = frame.to_gray16().unwrap();
    let first = f64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    assert_eq!(first * slope + intercept, -1000.0);
    assert!(matches!(frame.pixels, Pixels::Gray { .. }));
    let missing = decode_frame_from(Cursor::new(ct()), 1, &Limits::default()).unwrap_err();
    assert_eq!(missing.rule, "dicom-frame");
}

#[test]
fn refusals_name_rule_byte_and_path() {
    let limits = Limits::default();
    let mut no_instance = part10(EXPLICIT);
    no_instance.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2"));
    let refusal = read_header(Cursor::new(&no_instance), &limits).unwrap_err();
    assert_eq!(refusal.rule, "dicom-no-sop-instance");

    let mut long = part10(EXPLICIT);
    let at = long.len() as u64;
    long.extend(b"\x08\0\x16\0UN\0\0\xF0\xFF\xFF\x7F1.2");
    let refusal = read_header(Cursor::new(&long), &limits).unwrap_err();
    assert_eq!(refusal.rule, "dicom-length");
    assert_eq!(refusal.location.byte, Some(at));
    assert_eq!(refusal.location.path.as_deref(), Some("(0008,0016)"));

    let mut deep = part10(EXPLICIT);
    for _ in 0..40 {
        deep.extend(b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF");
    }
    let refusal = read_header(Cursor::new(&deep), &limits).unwrap_err();
    assert_eq!(refusal.rule, "dicom-depth");

    for other in [b"{\"a\":1}".as_slice(), b"", b"##fileformat=VCFv4.3\n"] {
        let refusal = read_header(Cursor::new(other), &limits).unwrap_err();
        assert_eq!(refusal.rule, "dicom-syntax");
    }
}
