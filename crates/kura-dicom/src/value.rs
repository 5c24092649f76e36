use dicom_core::value::C;
use dicom_core::{PrimitiveValue, Tag, VR};

use crate::charset::Charset;

/// More values than this stay one string with `\` between them, so that an element full of
/// backslashes costs its bytes and not a string for each.
const MAX_SPLIT: usize = 1024;

/// One value as the object model wants it. `None`: the length is not a multiple of the unit.
pub(crate) fn primitive(
    vr: VR,
    bytes: Vec<u8>,
    big_endian: bool,
    charset: &Charset,
) -> Option<PrimitiveValue> {
    if bytes.is_empty() {
        return Some(PrimitiveValue::Empty);
    }
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {{
            let chunks = bytes.chunks_exact(size_of::<$type>());
            if !chunks.remainder().is_empty() {
                return None;
            }
            let values: C<$type> = chunks
                .map(|chunk| {
                    let mut raw = [0; size_of::<$type>()];
                    raw.copy_from_slice(chunk);
                    if big_endian {
                        <$type>::from_be_bytes(raw)
                    } else {
                        <$type>::from_le_bytes(raw)
                    }
                })
                .collect();
            PrimitiveValue::$variant(values)
        }};
    }
    Some(match vr {
        VR::AT => {
            let PrimitiveValue::U16(halves) = numbers!(U16, u16) else {
                return None;
            };
            let pairs = halves.chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return None;
            }
            PrimitiveValue::Tags(pairs.map(|pair| Tag(pair[0], pair[1])).collect())
        }
        VR::FL | VR::OF => numbers!(F32, f32),
        VR::FD | VR::OD => numbers!(F64, f64),
        VR::SS => numbers!(I16, i16),
        VR::US | VR::OW => numbers!(U16, u16),
        VR::SL => numbers!(I32, i32),
        VR::UL | VR::OL => numbers!(U32, u32),
        VR::SV => numbers!(I64, i64),
        VR::UV | VR::OV => numbers!(U64, u64),
        VR::OB | VR::UN | VR::SQ => PrimitiveValue::U8(C::from_vec(bytes)),
        // PS3.5 6.2: one value, leading spaces are significant, no value delimiter
        VR::LT | VR::ST | VR::UT => {
            PrimitiveValue::Str(charset.decode(&bytes).trim_end_matches(PADDING).to_owned())
        }
        VR::UR => PrimitiveValue::Str(
            Charset::Default
                .decode(&bytes)
                .trim_end_matches(PADDING)
                .to_owned(),
        ),
        VR::LO | VR::PN | VR::SH | VR::UC => split(&charset.decode(&bytes)),
        // PS3.5 6.1.2.2: the other string VRs are of the default repertoire only
        _ => split(&Charset::Default.decode(&bytes)),
    })
}

/// PS3.5 6.2: values are padded with a space, UIDs with NUL; files mix them up.
const PADDING: [char; 2] = [' ', '\0'];

fn split(text: &str) -> PrimitiveValue {
    let text = text.trim_end_matches(PADDING);
    if text.is_empty() {
        return PrimitiveValue::Empty;
    }
    if text.matches('\\').count() >= MAX_SPLIT {
        return PrimitiveValue::Str(text.to_owned());
    }
    PrimitiveValue::Strs(
        text.split('\\')
            .map(|value| value.trim_matches(PADDING).to_owned())
            .collect(),
    )
}
