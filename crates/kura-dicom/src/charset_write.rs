//! Text in a character set that a reader asked for or a source has: the single-byte ones, and
//! Japanese with code extensions as Japanese equipment writes it (PS3.5 6.1.2.5 and Annex H).

use std::collections::HashMap;
use std::sync::OnceLock;

use dicom_core::value::{C, DataSetSequence, Value};
use dicom_core::{DataElement, Length, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use encoding_rs::{EUC_JP, Encoding, UTF_8};

use crate::charset::single;

const ROMAN: &[u8] = b"\x1B(J";
const ASCII: &[u8] = b"\x1B(B";
const KANJI: &[u8] = b"\x1B$B";
const SUPPLEMENT: &[u8] = b"\x1B$(D";

/// The object's text in the first of these character sets that has all of it, else in UTF-8. The
/// object says which. Each is the values of Specific Character Set.
pub(crate) fn in_one_of(sets: &[&[String]], mut object: InMemDicomObject) -> InMemDicomObject {
    for terms in sets {
        if let Some(mut written) = Set::of(terms).and_then(|set| set.object(&object)) {
            if terms.is_empty() {
                written.remove_element(tags::SPECIFIC_CHARACTER_SET);
            } else {
                put(&mut written, terms.join("\\").into_bytes());
            }
            return written;
        }
    }
    put(&mut object, b"ISO_IR 192".to_vec());
    object
}

/// As bytes: a writer that knew the terms would encode the text a second time.
fn put(object: &mut InMemDicomObject, mut terms: Vec<u8>) {
    let tag = tags::SPECIFIC_CHARACTER_SET;
    if terms == b"ISO_IR 192" {
        object.put(DataElement::new(
            tag,
            VR::CS,
            PrimitiveValue::from("ISO_IR 192"),
        ));
        return;
    }
    if terms.len() % 2 == 1 {
        terms.push(b' ');
    }
    object.put(DataElement::new(
        tag,
        VR::CS,
        PrimitiveValue::U8(C::from_vec(terms)),
    ));
}

#[derive(Clone, Copy)]
enum Set {
    Single(&'static Encoding),
    Japanese(Japanese),
}

#[derive(Clone, Copy)]
struct Japanese {
    /// JIS X 0201 in G0 and G1 (IR 13), else ASCII.
    katakana: bool,
    /// JIS X 0208 (ISO 2022 IR 87).
    kanji: bool,
    /// JIS X 0212 (ISO 2022 IR 159).
    supplement: bool,
}

impl Set {
    /// `None` for a set that is not written here, and for UTF-8, which needs no check.
    fn of(terms: &[String]) -> Option<Self> {
        let first = terms.first().map_or("", String::as_str);
        let mut japanese = Japanese {
            katakana: false,
            kanji: false,
            supplement: false,
        };
        match first {
            "" | "ISO_IR 6" | "ISO 2022 IR 6" => {}
            "ISO_IR 13" | "ISO 2022 IR 13" => japanese.katakana = true,
            other if terms.len() == 1 => {
                return single(other)
                    .filter(|encoding| *encoding != UTF_8)
                    .map(Self::Single);
            }
            _ => return None,
        }
        for term in terms.iter().skip(1) {
            match term.as_str() {
                "ISO 2022 IR 87" => japanese.kanji = true,
                "ISO 2022 IR 159" => japanese.supplement = true,
                "" | "ISO 2022 IR 6" | "ISO 2022 IR 13" => {}
                _ => return None,
            }
        }
        Some(Self::Japanese(japanese))
    }

    fn encode(self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Japanese(japanese) => japanese.encode(text, out),
            Self::Single(encoding) => {
                let (bytes, _, unmappable) = encoding.encode(text);
                // What Windows put where ISO 8859 has controls is not of the set.
                let sound = !unmappable
                    && !text.contains('\u{1B}')
                    && !bytes.iter().any(|byte| (0x80..0xA0).contains(byte));
                sound.then(|| out.extend(bytes.as_ref()))
            }
        }
    }

    /// `None` where a text holds what the set does not have.
    fn object(self, object: &InMemDicomObject) -> Option<InMemDicomObject> {
        let mut out = InMemDicomObject::new_empty();
        for element in object {
            let (tag, vr) = (element.header().tag, element.header().vr);
            // PS3.3 C.12.1.1.2: items inherit what the object says
            if tag == tags::SPECIFIC_CHARACTER_SET {
                continue;
            }
            let value = match element.value() {
                Value::Sequence(sequence) => {
                    let items: Option<Vec<_>> = sequence
                        .items()
                        .iter()
                        .map(|item| self.object(item))
                        .collect();
                    Value::from(DataSetSequence::new(C::from_vec(items?), Length::UNDEFINED))
                }
                Value::Primitive(value) => Value::Primitive(self.value(vr, value)?),
                Value::PixelSequence(_) => return None,
            };
            out.put(DataElement::new(tag, vr, value));
        }
        Some(out)
    }

    fn value(self, vr: VR, value: &PrimitiveValue) -> Option<PrimitiveValue> {
        // PS3.5 6.1.2.2: the others are of the default repertoire
        let affected = matches!(
            vr,
            VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT
        );
        let mut bytes = Vec::new();
        match value {
            PrimitiveValue::Str(text) if affected => self.encode(text, &mut bytes)?,
            PrimitiveValue::Strs(texts) if affected => {
                for (at, text) in texts.iter().enumerate() {
                    if at > 0 {
                        bytes.push(b'\\');
                    }
                    self.encode(text, &mut bytes)?;
                }
            }
            other => return Some(other.clone()),
        }
        if bytes.len() % 2 == 1 {
            bytes.push(b' ');
        }
        Some(PrimitiveValue::U8(C::from_vec(bytes)))
    }
}

impl Japanese {
    /// Kanji are designated and put away again around each run of them, so the delimiters and
    /// control characters stand in the initial state (PS3.5 6.1.2.5.3).
    fn encode(self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        let initial = if self.katakana { ROMAN } else { ASCII };
        let mut designated = initial;
        let mut designate = |set: &'static [u8], out: &mut Vec<u8>| {
            if designated != set {
                out.extend(set);
                designated = set;
            }
        };
        for letter in text.chars() {
            if letter.is_ascii() || matches!(letter, '\u{FF61}'..='\u{FF9F}') {
                designate(initial, out);
                match letter {
                    // An escape of the text's own would designate something.
                    '\u{1B}' => return None,
                    // JIS X 0201 has a yen sign and an overline in these places.
                    '~' if self.katakana => return None,
                    _ if letter.is_ascii() => out.push(letter as u8),
                    _ if self.katakana => {
                        out.push((u32::from(letter) - 0xFF61) as u8 + 0xA1);
                    }
                    _ => return None,
                }
                continue;
            }
            if let Some(pair) = kanji_of(letter).filter(|_| self.kanji) {
                designate(KANJI, out);
                out.extend(pair);
            } else {
                let pair = supplement().get(&letter).filter(|_| self.supplement)?;
                designate(SUPPLEMENT, out);
                out.extend(pair);
            }
        }
        designate(initial, out);
        Some(())
    }
}

/// Row and cell in JIS X 0208, in G0.
fn kanji_of(letter: char) -> Option<[u8; 2]> {
    let mut utf8 = [0; 4];
    let (bytes, _, unmappable) = EUC_JP.encode(letter.encode_utf8(&mut utf8));
    let &[row, cell] = bytes.as_ref() else {
        return None;
    };
    let in_set = matches!(row.wrapping_sub(0xA0), 1..=8 | 16..=84);
    (!unmappable && in_set).then_some([row & 0x7F, cell & 0x7F])
}

/// Row and cell in JIS X 0212 of its characters. encoding_rs reads the set and does not write it.
fn supplement() -> &'static HashMap<char, [u8; 2]> {
    static TABLE: OnceLock<HashMap<char, [u8; 2]>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = HashMap::new();
        for row in 0x21..=0x7E_u8 {
            for cell in 0x21..=0x7E_u8 {
                let bytes = [0x8F, row | 0x80, cell | 0x80];
                let read = EUC_JP.decode_without_bom_handling_and_without_replacement(&bytes);
                if let Some(letter) = read.and_then(|text| text.chars().next()) {
                    table.entry(letter).or_insert([row, cell]);
                }
            }
        }
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(terms: [&str; 2], text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Set::of(&terms.map(str::to_owned))?.encode(text, &mut out)?;
        Some(out)
    }

    #[test]
    fn worked_examples_of_annex_h() {
        // PS3.5 H.3.1
        assert_eq!(
            encode(
                ["", "ISO 2022 IR 87"],
                "Yamada^Tarou=山田^太郎=やまだ^たろう"
            )
            .unwrap(),
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
        );
        // PS3.5 H.3.2
        assert_eq!(
            encode(["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎").unwrap(),
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"
        );
    }

    #[test]
    fn what_the_set_does_not_have_is_left_to_utf_8() {
        let set = ["", "ISO 2022 IR 87"];
        // Half-width katakana without IR 13; rows 13 and 92 of NEC and IBM; Hangul; an escape.
        for text in ["ﾔﾏﾀﾞ", "①", "髙橋", "홍", "a\u{1B}(Jb"] {
            assert_eq!(encode(set, text), None, "{text}");
        }
        assert_eq!(encode(["ISO_IR 100", "ISO 2022 IR 87"], "a"), None);
        // JIS X 0212 row 16 cell 1 is U+4E02.
        assert_eq!(
            encode(["", "ISO 2022 IR 159"], "\u{4E02}a").unwrap(),
            b"\x1b$(D\x30\x21\x1b(Ba"
        );
        // The second byte of 本 is that of a backslash.
        assert_eq!(
            encode(set, "見本 / sample").unwrap(),
            b"\x1b$B8+K\\\x1b(B / sample"
        );
    }
}
