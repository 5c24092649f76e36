use dicom_core::VR;

/// What a prefix looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A DICOM file with preamble and prefix (PS3.10 7.1).
    Part10,
    /// A bare data set, or a file whose preamble was lost: accepted, because archives hold them.
    NoPreamble,
}

/// Looks at the first bytes of something (132 are enough) and says whether it may be DICOM.
///
/// Without a preamble the first element must be of group 0002 or 0008 and its length plausible,
/// so text, JSON, gzip and VCF are never taken for DICOM.
pub fn sniff(prefix: &[u8]) -> Option<Kind> {
    // PS3.10 7.1: 128 bytes of preamble, then "DICM"
    if prefix.get(128..132) == Some(b"DICM") {
        return Some(Kind::Part10);
    }
    let head: &[u8; 8] = prefix.first_chunk()?;
    let plausible = first_element(head, false) || first_element(head, true);
    plausible.then_some(Kind::NoPreamble)
}

fn first_element(head: &[u8; 8], big_endian: bool) -> bool {
    let u16_at = |at: usize| {
        let pair = [head[at], head[at + 1]];
        if big_endian {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    };
    let (group, element) = (u16_at(0), u16_at(2));
    // The first attributes of groups 0002 and 0008 that files begin with.
    if !matches!(group, 0x0002 | 0x0008) || element > 0x0102 {
        return false;
    }
    if VR::from_binary([head[4], head[5]]).is_some() {
        return true;
    }
    // PS3.5 7.1.3: implicit VR is little endian only; a first value is short.
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    !big_endian && length <= 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_part10_and_bare_data_sets() {
        let mut part10 = vec![0; 128];
        part10.extend(b"DICM\x02\0\0\0UL\x04\0");
        assert_eq!(sniff(&part10), Some(Kind::Part10));
        assert_eq!(
            sniff(b"\x08\0\x05\0CS\x0a\0ISO_IR 100"),
            Some(Kind::NoPreamble)
        );
        assert_eq!(
            sniff(b"\x08\0\x08\0\x16\0\0\0ORIGINAL"),
            Some(Kind::NoPreamble)
        );
        assert_eq!(
            sniff(b"\0\x08\0\x05CS\0\x0aISO_IR 100"),
            Some(Kind::NoPreamble)
        );
    }

    #[test]
    fn takes_nothing_else() {
        for other in [
            b"{\"resourceType\":\"Patient\"}".as_slice(),
            b"##fileformat=VCFv4.3\n",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"MSH|^~\\&|HIS|",
            b"PK\x03\x04",
            b"\x08\0\x05\0",
            b"",
            "患者番号,検査日\n".as_bytes(),
        ] {
            assert_eq!(sniff(other), None, "{other:?}");
        }
    }
}
