//! An object made of its metadata and of bulk data that came beside them. PS3.18 10.5.
//!
//! Bulk data lie in a file of the caller's, one part after another, and are read from there: what
//! is in memory is one object's metadata and what sequences hold.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dicom_core::value::C;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;
use serde_json::Value;

use crate::codestream::{self, Family};
use crate::json_read::{self, Elsewhere};
use crate::part10::is_uid;
use crate::syntax::{EXPLICIT_LE, Encoding, IMPLICIT_LE};
use crate::transcode::element_head;
use crate::write::{file_head, write_dataset};

/// Bytes of all values in sequences that come by reference.
const NESTED_BYTES: u64 = 16 << 20;

/// One part of bulk data.
#[derive(Debug, Clone)]
pub struct BulkPart {
    /// Where it lies in the file.
    pub range: Range<u64>,
    /// In small letters, without parameters.
    pub media_type: String,
    pub transfer_syntax: Option<String>,
}

impl BulkPart {
    fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// PS3.18 8.7.3.3: what it is in if nothing is said.
    fn syntax(&self) -> Option<&str> {
        if let Some(named) = &self.transfer_syntax {
            return Some(named);
        }
        Some(match &self.media_type[..] {
            "image/jpeg" => "1.2.840.10008.1.2.4.70",
            "image/dicom-rle" => "1.2.840.10008.1.2.5",
            "image/jls" => "1.2.840.10008.1.2.4.80",
            "image/jp2" => "1.2.840.10008.1.2.4.90",
            "image/jpx" => "1.2.840.10008.1.2.4.92",
            "image/jphc" => "1.2.840.10008.1.2.4.201",
            kind if kind.starts_with("image/") || kind.starts_with("video/") => return None,
            _ => EXPLICIT_LE,
        })
    }
}

/// Parts by what a `BulkDataURI` calls them (Content-Location); several are one after another.
pub type BulkParts = HashMap<String, Vec<BulkPart>>;

/// An object that is read as a Part 10 file.
pub struct Assembled<'f> {
    file: &'f File,
    pieces: VecDeque<Piece>,
}

enum Piece {
    Bytes(io::Cursor<Vec<u8>>),
    Stored(Range<u64>),
}

fn refuse(rule: &'static str, message: &str, tag: Tag) -> Refusal {
    Refusal::new(rule, message).at_path(crate::tag_text(tag))
}

/// The file that `metadata` describe, in the DICOM JSON model.
///
/// # Errors
/// `dicom-json`, `dicom-uid` (it does not say what it is), `dicom-bulk-none` (no part of that
/// name), `dicom-bulk-syntax` (a part in a transfer syntax that its element cannot be in),
/// `dicom-bulk-frames` (not a part for each frame), `dicom-limit`, `dicom-write`.
pub fn assemble<'f>(
    metadata: &Value,
    parts: &BulkParts,
    file: &'f File,
) -> Result<Assembled<'f>, Refusal> {
    let mut outside: Vec<(Tag, VR, &[BulkPart])> = Vec::new();
    let mut nested = 0;
    let object = json_read::read_with(metadata, &mut |element| {
        fetch(element, parts, file, &mut outside, &mut nested)
    })?;
    let uid = |tag| {
        object
            .get(tag)
            .and_then(|element| element.to_str().ok())
            .map(|text| text.trim_end_matches('\0').to_owned())
            .filter(|uid| is_uid(uid))
            .ok_or_else(|| refuse("dicom-uid", "the object does not say what it is", tag))
    };
    let (class, instance) = (uid(tags::SOP_CLASS_UID)?, uid(tags::SOP_INSTANCE_UID)?);
    outside.sort_by_key(|(tag, ..)| *tag);
    let frames = object
        .get(tags::NUMBER_OF_FRAMES)
        .and_then(|element| element.to_int::<usize>().ok())
        .unwrap_or(1);
    let mut syntax = EXPLICIT_LE;
    let mut out = Writer::default();
    // F.2 leaves out what says how a file is written; here it is said anew.
    let mut elements = object
        .into_iter()
        .filter(|element| {
            let tag = element.header().tag;
            !matches!(tag.group(), 0x0000 | 0x0002)
                && tag.element() != 0
                && !matches!(
                    tag,
                    tags::SPECIFIC_CHARACTER_SET | Tag(0x0008, 0x0001 | 0x3002)
                )
        })
        .peekable();
    for (tag, vr, parts) in outside {
        let mut before = InMemDicomObject::new_empty();
        while let Some(element) = elements.next_if(|element| element.header().tag < tag) {
            before.put(element);
        }
        out.elements(before)?;
        let own = one_syntax(parts, tag)?;
        if own == EXPLICIT_LE || own == IMPLICIT_LE {
            out.native(tag, vr, parts)?;
            continue;
        }
        let family = codestream::family(own);
        if tag != tags::PIXEL_DATA || family.is_none() {
            let message = "only pixel data are compressed; other values are little endian";
            return Err(refuse("dicom-bulk-syntax", message, tag));
        }
        if parts.len() != frames && !(family == Some(Family::Video) && parts.len() == 1) {
            let message = "compressed frames come each in a part, all under one Content-Location";
            return Err(refuse("dicom-bulk-frames", message, tag));
        }
        syntax = own;
        out.encapsulated(parts)?;
    }
    let mut rest = InMemDicomObject::new_empty();
    elements.for_each(|element| {
        rest.put(element);
    });
    out.elements(rest)?;
    let head = file_head(&class, &instance, syntax);
    out.pieces.push_front(Piece::Bytes(io::Cursor::new(head)));
    Ok(Assembled {
        file,
        pieces: out.pieces,
    })
}

fn one_syntax(parts: &[BulkPart], tag: Tag) -> Result<&str, Refusal> {
    let mut syntaxes = parts.iter().map(BulkPart::syntax);
    match syntaxes.next().flatten() {
        Some(first) if is_uid(first) && syntaxes.all(|other| other == Some(first)) => Ok(first),
        _ => {
            let message = "the parts of a value are in one transfer syntax, which is known";
            Err(refuse("dicom-bulk-syntax", message, tag))
        }
    }
}

fn fetch<'p>(
    element: &Elsewhere<'_>,
    parts: &'p BulkParts,
    file: &File,
    outside: &mut Vec<(Tag, VR, &'p [BulkPart])>,
    nested: &mut u64,
) -> Result<Option<PrimitiveValue>, Refusal> {
    let tag = element.tag;
    if let Some(inline) = element.inline {
        let bytes = STANDARD
            .decode(inline)
            .map_err(|_| refuse("dicom-json", "InlineBinary is base64", tag))?;
        return Ok(Some(PrimitiveValue::U8(C::from_vec(bytes))));
    }
    let found = element
        .uri
        .and_then(|uri| parts.get(uri))
        .ok_or_else(|| refuse("dicom-bulk-none", "no part has this Content-Location", tag))?;
    if element.depth == 0 {
        outside.push((tag, element.vr, found));
        return Ok(None);
    }
    let syntax = one_syntax(found, tag)?;
    if syntax != EXPLICIT_LE && syntax != IMPLICIT_LE {
        let message = "values in sequences are little endian";
        return Err(refuse("dicom-bulk-syntax", message, tag));
    }
    let mut bytes = Vec::new();
    for part in found {
        *nested += part.length();
        if *nested > NESTED_BYTES {
            return Err(refuse(
                "dicom-limit",
                "values in sequences are too long",
                tag,
            ));
        }
        let begun = bytes.len();
        // At most NESTED_BYTES.
        bytes.resize(begun + part.length() as usize, 0);
        file.read_exact_at(&mut bytes[begun..], part.range.start)
            .map_err(|_| refuse("dicom-io", "a part could not be read", tag))?;
    }
    Ok(Some(PrimitiveValue::U8(C::from_vec(bytes))))
}

#[derive(Default)]
struct Writer {
    pieces: VecDeque<Piece>,
    begun: bool,
}

/// Specific Character Set as it is written: it stands before all else.
const CHARACTER_SET: &[u8] = b"\x08\0\x05\0CS\x0A\0ISO_IR 192";

impl Writer {
    fn bytes(&mut self, bytes: Vec<u8>) {
        self.pieces.push_back(Piece::Bytes(io::Cursor::new(bytes)));
    }

    /// F.2: text is UTF-8.
    fn elements(&mut self, mut object: InMemDicomObject) -> Result<(), Refusal> {
        let tag = tags::SPECIFIC_CHARACTER_SET;
        object.put(DataElement::new(
            tag,
            VR::CS,
            PrimitiveValue::from("ISO_IR 192"),
        ));
        let mut bytes = write_dataset(&object, Encoding::EXPLICIT_LE)?;
        // What is written in pieces says it once.
        if std::mem::replace(&mut self.begun, true) {
            bytes.drain(..CHARACTER_SET.len());
        }
        self.bytes(bytes);
        Ok(())
    }

    fn native(&mut self, tag: Tag, vr: VR, parts: &[BulkPart]) -> Result<(), Refusal> {
        let length: u64 = parts.iter().map(BulkPart::length).sum();
        let odd = length % 2;
        let even = u32::try_from(length + odd)
            .ok()
            .filter(|length| *length < u32::MAX)
            .ok_or_else(|| refuse("dicom-limit", "a value is shorter than 4 GiB", tag))?;
        let mut head = Vec::new();
        element_head(Encoding::EXPLICIT_LE, tag, vr, even, &mut head)?;
        self.bytes(head);
        self.stored(parts, odd);
        Ok(())
    }

    fn stored(&mut self, parts: &[BulkPart], odd: u64) {
        for part in parts {
            self.pieces.push_back(Piece::Stored(part.range.clone()));
        }
        self.bytes(vec![0; odd as usize]);
    }

    /// PS3.5 A.4: an offset table, which may be empty, and a fragment for each frame.
    fn encapsulated(&mut self, parts: &[BulkPart]) -> Result<(), Refusal> {
        let tag = tags::PIXEL_DATA;
        let mut head = Vec::new();
        element_head(Encoding::EXPLICIT_LE, tag, VR::OB, u32::MAX, &mut head)?;
        head.extend(b"\xFE\xFF\x00\xE0\0\0\0\0");
        self.bytes(head);
        for part in parts {
            let odd = part.length() % 2;
            let length = u32::try_from(part.length() + odd)
                .ok()
                .filter(|length| *length < u32::MAX)
                .ok_or_else(|| refuse("dicom-limit", "a frame is shorter than 4 GiB", tag))?;
            let mut item = b"\xFE\xFF\x00\xE0".to_vec();
            item.extend(length.to_le_bytes());
            self.bytes(item);
            self.stored(std::slice::from_ref(part), odd);
        }
        self.bytes(b"\xFE\xFF\xDD\xE0\0\0\0\0".to_vec());
        Ok(())
    }
}

impl Read for Assembled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.front_mut() {
            let count = match piece {
                Piece::Bytes(bytes) => bytes.read(buffer)?,
                Piece::Stored(range) => {
                    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                    let room = left.min(buffer.len());
                    let count = self.file.read_at(&mut buffer[..room], range.start)?;
                    if count == 0 && room > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    range.start += count as u64;
                    count
                }
            };
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.pieces.pop_front();
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;
    use crate::{Limits, read_header};

    fn part(range: Range<u64>, kind: &str) -> BulkPart {
        BulkPart {
            range,
            media_type: kind.to_owned(),
            transfer_syntax: None,
        }
    }

    fn metadata() -> Value {
        json!({
            "00020010": { "vr": "UI", "Value": ["1.2.3"] },
            "00080005": { "vr": "CS", "Value": ["ISO_IR 100"] },
            "00080016": { "vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"] },
            "00080018": { "vr": "UI", "Value": ["1.2.3.4"] },
            "00090010": { "vr": "LO", "Value": ["ACME"] },
            "00091001": { "vr": "OB", "BulkDataURI": "b" },
            "00091002": { "vr": "UN", "InlineBinary": "AQID" },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎" }] },
            "00280008": { "vr": "IS", "Value": [2] },
            "00400555": { "vr": "SQ", "Value": [{ "00420011": { "vr": "OB", "BulkDataURI": "b" } }] },
            "7FE00010": { "vr": "OW", "BulkDataURI": "p" },
        })
    }

    #[test]
    fn an_object_is_put_together() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"pixelsbulk!").unwrap();
        let mut parts = BulkParts::new();
        parts.insert("p".to_owned(), vec![part(0..6, "application/octet-stream")]);
        parts.insert("b".to_owned(), vec![part(6..11, "application/pdf")]);
        let mut bytes = Vec::new();
        let mut assembled = assemble(&metadata(), &parts, &file).unwrap();
        assembled.read_to_end(&mut bytes).unwrap();
        let header = read_header(io::Cursor::new(&bytes), &Limits::default()).unwrap();
        assert_eq!(header.transfer_syntax_uid(), EXPLICIT_LE);
        let object = header.object();
        let name = object.get(tags::PATIENT_NAME).unwrap().to_str().unwrap();
        assert_eq!(name, "Yamada^Tarou=山田^太郎");
        let value = |tag| object.get(tag).unwrap().to_bytes().unwrap().into_owned();
        assert_eq!(value(Tag(0x0009, 0x1001)), b"bulk!\0");
        assert_eq!(value(Tag(0x0009, 0x1002)), [1, 2, 3, 0]);
        let item = &object.get(Tag(0x0040, 0x0555)).unwrap().items().unwrap()[0];
        assert_eq!(
            item.get(Tag(0x0042, 0x0011)).unwrap().to_bytes().unwrap()[..5],
            *b"bulk!"
        );
        let pixel = header.pixel().unwrap();
        assert_eq!(bytes[pixel.offset as usize..], *b"pixels");
        // Two compressed frames, the second odd.
        parts.insert(
            "p".to_owned(),
            vec![part(0..6, "image/jls"), part(6..11, "image/jls")],
        );
        bytes.clear();
        let mut assembled = assemble(&metadata(), &parts, &file).unwrap();
        assembled.read_to_end(&mut bytes).unwrap();
        let header = read_header(io::Cursor::new(&bytes), &Limits::default()).unwrap();
        assert_eq!(header.transfer_syntax_uid(), "1.2.840.10008.1.2.4.80");
        assert_eq!(header.pixel().unwrap().length, None);
        assert!(bytes.ends_with(b"\xFE\xFF\x00\xE0\x06\0\0\0bulk!\0\xFE\xFF\xDD\xE0\0\0\0\0"));
    }

    #[test]
    fn what_does_not_fit_together_is_refused_by_rule() {
        let file = tempfile::tempfile().unwrap();
        let octets = "application/octet-stream";
        let with = |pixels: Vec<BulkPart>, bulk: &str| {
            BulkParts::from([
                ("p".to_owned(), pixels),
                ("b".to_owned(), vec![part(0..0, bulk)]),
            ])
        };
        let rule = |metadata: &Value, parts: &BulkParts| {
            assemble(metadata, parts, &file)
                .err()
                .map(|refusal| refusal.rule.to_string())
        };
        let rule = |metadata: &Value, parts: &BulkParts| rule(metadata, parts).unwrap_or_default();
        assert_eq!(rule(&metadata(), &BulkParts::new()), "dicom-bulk-none");
        let one = with(vec![part(0..0, "image/jls")], octets);
        assert_eq!(rule(&metadata(), &one), "dicom-bulk-frames");
        let mixed = with(
            vec![part(0..0, "image/jls"), part(0..0, "image/jp2")],
            octets,
        );
        assert_eq!(rule(&metadata(), &mixed), "dicom-bulk-syntax");
        let unknown = with(
            vec![part(0..0, "image/gif"), part(0..0, "image/gif")],
            octets,
        );
        assert_eq!(rule(&metadata(), &unknown), "dicom-bulk-syntax");
        let compressed = with(vec![part(0..0, octets)], "image/jls");
        assert_eq!(rule(&metadata(), &compressed), "dicom-bulk-syntax");
        for (tag, wrong, expected) in [
            ("00080018", json!({ "vr": "UI" }), "dicom-uid"),
            (
                "00080016",
                json!({ "vr": "UI", "Value": ["x"] }),
                "dicom-uid",
            ),
            (
                "00091002",
                json!({ "vr": "UN", "InlineBinary": "?" }),
                "dicom-json",
            ),
            (
                "00280010",
                json!({ "vr": "US", "Value": ["x"] }),
                "dicom-json",
            ),
            ("rows", json!({ "vr": "US", "Value": [1] }), "dicom-json"),
            ("00280010", json!({ "Value": [1] }), "dicom-json"),
        ] {
            let mut metadata = metadata();
            metadata[tag] = wrong;
            let parts = with(vec![part(0..0, octets)], octets);
            assert_eq!(rule(&metadata, &parts), expected, "{tag}");
        }
    }
}
