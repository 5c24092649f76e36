//! Overlay planes over a picture, and samples that do not begin at the lowest bit.

use std::io::Cursor;

use kura_dicom::{Frame, Limits, Overlays, Rendering, decode_frame_from};

use crate::build::{EXPLICIT, element, part10, us};

/// Two rows of three pixels, 12 of 16 bits stored, the highest at `high_bit`.
fn picture(high_bit: u16, pixels: [u16; 6], overlay: &[Vec<u8>]) -> Vec<u8> {
    let mut out = part10(EXPLICIT);
    out.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.7"));
    out.extend(element(8, 0x18, "UI", b"1.2.3.4"));
    out.extend(us(0x28, 2, 1));
    out.extend(element(0x28, 4, "CS", b"MONOCHROME2"));
    out.extend(us(0x28, 0x10, 2));
    out.extend(us(0x28, 0x11, 3));
    out.extend(us(0x28, 0x100, 16));
    out.extend(us(0x28, 0x101, 12));
    out.extend(us(0x28, 0x102, high_bit));
    out.extend(us(0x28, 0x103, 0));
    out.extend(element(0x28, 0x1050, "DS", b"2048"));
    out.extend(element(0x28, 0x1051, "DS", b"4096"));
    for element in overlay {
        out.extend(element);
    }
    let bytes: Vec<u8> = pixels.iter().flat_map(|v| v.to_le_bytes()).collect();
    out.extend(element(0x7FE0, 0x10, "OW", &bytes));
    out
}

fn decode(bytes: Vec<u8>) -> Frame {
    decode_frame_from(Cursor::new(bytes), 0, &Limits::default()).expect("it decodes")
}

fn burned(frame: &Frame, overlays: Overlays) -> Vec<u8> {
    let rendering = Rendering {
        window: None,
        overlays,
    };
    frame.render_with(&rendering).data
}

/// Rows, columns and origin of a plane, and its bit's place.
fn plane(rows: u16, columns: u16, origin: (i16, i16), allocated: u16, bit: u16) -> Vec<Vec<u8>> {
    let mut place = origin.0.to_le_bytes().to_vec();
    place.extend(origin.1.to_le_bytes());
    vec![
        us(0x6002, 0x10, rows),
        us(0x6002, 0x11, columns),
        element(0x6002, 0x40, "CS", b"R"),
        element(0x6002, 0x50, "SS", &place),
        us(0x6002, 0x100, allocated),
        us(0x6002, 0x102, bit),
        element(0x6002, 0x1500, "LO", b"Lesion"),
    ]
}

#[test]
fn a_plane_of_its_own_is_burned_in_where_it_lies() {
    // 2 × 2, all set but the second, from row 2, column 3: only its first pixel is in the picture
    let mut overlay = plane(2, 2, (2, 3), 1, 0);
    overlay.push(element(0x6002, 0x3000, "OW", &[0b1101, 0]));
    let frame = decode(picture(11, [0, 4095, 0, 4095, 0, 4095], &overlay));
    let plane = &frame.overlays[0];
    assert_eq!((plane.group, plane.region_of_interest), (0x6002, true));
    assert_eq!(plane.label.as_deref(), Some("Lesion"));
    assert_eq!(plane.bits, [1, 0, 1, 1]);
    let plain = [0, 255, 0, 255, 0, 255];
    assert_eq!(frame.render(None).data, plain);
    assert_eq!(burned(&frame, Overlays::White), plain);
    assert_eq!(
        burned(&frame, Overlays::Black),
        [0, 255, 0, 255, 0, 0],
        "row 2, column 3"
    );
    // From row -1, column 0: only its last pixel is
    let mut overlay = self::plane(3, 2, (-1, 0), 1, 0);
    overlay.push(element(0x6002, 0x3000, "OW", &[0b11_1111, 0]));
    let frame = decode(picture(11, [0; 6], &overlay));
    assert_eq!(burned(&frame, Overlays::White), [255, 0, 0, 0, 0, 0]);
}

#[test]
fn a_plane_in_the_pixels_bits_is_not_part_of_their_values() {
    let overlay = plane(2, 3, (1, 1), 16, 12);
    let frame = decode(picture(
        11,
        [0x1000, 0x0FFF, 0x1FFF, 0x0000, 0x1000, 0xEFFF],
        &overlay,
    ));
    assert_eq!(frame.values(), [0.0, 4095.0, 4095.0, 0.0, 0.0, 4095.0]);
    assert_eq!(frame.overlays[0].bits, [1, 0, 1, 0, 1, 0]);
    assert_eq!(
        burned(&frame, Overlays::White),
        [255, 255, 255, 0, 255, 255]
    );
}

#[test]
fn a_plane_that_is_cut_short_is_left_out() {
    let mut overlay = plane(20, 20, (1, 1), 1, 0);
    overlay.push(element(0x6002, 0x3000, "OW", &[0xFF; 48]));
    assert!(decode(picture(11, [0; 6], &overlay)).overlays.is_empty());
    overlay[0] = us(0x6002, 0x10, u16::MAX);
    overlay[1] = us(0x6002, 0x11, u16::MAX);
    assert!(decode(picture(11, [0; 6], &overlay)).overlays.is_empty());
}

#[test]
fn samples_may_begin_above_the_lowest_bit() {
    let frame = decode(picture(15, [0x0000, 0x0010, 0xFFF0, 0xFFFF, 0, 0], &[]));
    assert_eq!(frame.values(), [0.0, 1.0, 4095.0, 4095.0, 0.0, 0.0]);
}
