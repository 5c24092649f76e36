//! Small files made in code.

/// One Explicit VR Little Endian element, padded to an even length.
pub fn element(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(group.to_le_bytes());
    out.extend(number.to_le_bytes());
    out.extend(vr.as_bytes());
    let pad = if matches!(vr, "UI" | "OB" | "UN") {
        0
    } else {
        b' '
    };
    let length = value.len() + value.len() % 2;
    if matches!(vr, "OB" | "OW" | "UN" | "UT" | "SQ" | "UC" | "UR") {
        out.extend([0, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    if value.len() % 2 == 1 {
        out.push(pad);
    }
    out
}

pub fn us(group: u16, number: u16, value: u16) -> Vec<u8> {
    element(group, number, "US", &value.to_le_bytes())
}

/// Preamble, prefix and file meta information.
pub fn part10(transfer_syntax: &str) -> Vec<u8> {
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    let meta = element(2, 0x10, "UI", transfer_syntax.as_bytes());
    out.extend(element(2, 0, "UL", &(meta.len() as u32).to_le_bytes()));
    out.extend(meta);
    out
}

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A CT slice of 2 × 2 signed 16-bit values: -1000, 0, 40, 1000 Hounsfield units.
pub fn ct() -> Vec<u8> {
    let mut out = part10(EXPLICIT);
    out.extend(element(8, 5, "CS", b"\\ISO 2022 IR 87"));
    out.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2"));
    out.extend(element(8, 0x18, "UI", b"1.2.3.4"));
    out.extend(element(8, 0x60, "CS", b"CT"));
    out.extend(element(
        0x10,
        0x10,
        "PN",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    ));
    out.extend(us(0x28, 2, 1));
    out.extend(element(0x28, 4, "CS", b"MONOCHROME2"));
    out.extend(us(0x28, 0x10, 2));
    out.extend(us(0x28, 0x11, 2));
    out.extend(us(0x28, 0x100, 16));
    out.extend(us(0x28, 0x101, 16));
    out.extend(us(0x28, 0x102, 15));
    out.extend(us(0x28, 0x103, 1));
    out.extend(element(0x28, 0x1050, "DS", b"40\\600"));
    out.extend(element(0x28, 0x1051, "DS", b"400\\1500"));
    out.extend(element(0x28, 0x1052, "DS", b"-1024"));
    out.extend(element(0x28, 0x1053, "DS", b"1"));
    let pixels: Vec<u8> = [24_i16, 1024, 1064, 2024]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    out.extend(element(0x7FE0, 0x10, "OW", &pixels));
    out
}
