//! DICOM files made in code.

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// One Explicit VR Little Endian element, padded to an even length.
pub fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(((tag >> 16) as u16).to_le_bytes());
    out.extend((tag as u16).to_le_bytes());
    out.extend(vr.as_bytes());
    let odd = value.len() % 2 == 1;
    let length = value.len() + usize::from(odd);
    if matches!(vr, "OB" | "OW" | "UN" | "UT" | "SQ" | "UC" | "UR") {
        out.extend([0, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    if odd {
        out.push(if matches!(vr, "UI" | "OB" | "UN") {
            0
        } else {
            b' '
        });
    }
    out
}

pub fn us(tag: u32, value: u16) -> Vec<u8> {
    element(tag, "US", &value.to_le_bytes())
}

/// A sequence with one item.
pub fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let mut value = Vec::new();
    for content in items {
        value.extend(b"\xFE\xFF\0\xE0");
        value.extend((content.len() as u32).to_le_bytes());
        value.extend(content);
    }
    element(tag, "SQ", &value)
}

/// Elements by tag, so that one can be replaced; written in order.
#[derive(Clone)]
pub struct Object {
    pub syntax: &'static str,
    elements: std::collections::BTreeMap<u32, Vec<u8>>,
}

impl Object {
    /// A chest CT slice of 2 × 2 that may leave.
    pub fn chest_ct() -> Self {
        let mut this = Self {
            syntax: EXPLICIT,
            elements: Default::default(),
        };
        this.set(0x0008_0008, "CS", b"ORIGINAL\\PRIMARY\\AXIAL");
        this.set(0x0008_0016, "UI", CT.as_bytes());
        this.set(0x0008_0018, "UI", b"1.2.392.200036.9.1");
        this.set(0x0008_0020, "DA", b"20240301");
        this.set(0x0008_0022, "DA", b"20240302");
        this.set(0x0008_0030, "TM", b"101530.5");
        this.set(0x0008_0060, "CS", b"CT");
        this.set(0x0008_0070, "LO", b"ACME");
        this.set(0x0010_0020, "LO", b"1234567");
        this.set(0x0010_0030, "DA", b"19510704");
        this.set(0x0018_0015, "CS", b"CHEST");
        this.set(0x0020_000D, "UI", b"1.2.392.200036.9.2");
        this.set(0x0020_000E, "UI", b"1.2.392.200036.9.3");
        this.put(us(0x0028_0002, 1));
        this.set(0x0028_0004, "CS", b"MONOCHROME2");
        this.put(us(0x0028_0010, 2));
        this.put(us(0x0028_0011, 2));
        this.put(us(0x0028_0100, 16));
        this.put(us(0x0028_0101, 16));
        this.put(us(0x0028_0102, 15));
        this.put(us(0x0028_0103, 1));
        this.set(0x0028_0301, "CS", b"NO");
        this.set(0x7FE0_0010, "OW", &[1, 2, 3, 4, 5, 6, 7, 8]);
        this
    }

    pub fn set(&mut self, tag: u32, vr: &str, value: &[u8]) {
        self.put(element(tag, vr, value));
    }

    /// An encoded element.
    pub fn put(&mut self, element: Vec<u8>) {
        let half = |at: usize| u32::from(u16::from_le_bytes([element[at], element[at + 1]]));
        self.elements.insert(half(0) << 16 | half(2), element);
    }

    pub fn without(mut self, tag: u32) -> Self {
        self.elements.remove(&tag);
        self
    }

    pub fn with(mut self, tag: u32, vr: &str, value: &[u8]) -> Self {
        self.set(tag, vr, value);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        // A preamble with something in it, as TIFF readers write.
        let mut out = b"PREAMBLE".repeat(16);
        out.extend(b"DICM");
        let mut meta = element(0x0002_0010, "UI", self.syntax.as_bytes());
        meta.extend(element(0x0002_0016, "AE", b"SENDER"));
        out.extend(element(
            0x0002_0000,
            "UL",
            &(meta.len() as u32).to_le_bytes(),
        ));
        out.extend(meta);
        self.elements
            .values()
            .for_each(|element| out.extend(element));
        out
    }
}

/// Encapsulated pixel data, one fragment for each frame.
pub fn encapsulated(frames: &[&[u8]]) -> Vec<u8> {
    let mut out = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0".to_vec();
    for frame in frames {
        let even = frame.len() + frame.len() % 2;
        out.extend(b"\xFE\xFF\0\xE0");
        out.extend((even as u32).to_le_bytes());
        out.extend(*frame);
        out.resize(out.len() + frame.len() % 2, 0);
    }
    out.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    out
}
