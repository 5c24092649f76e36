//! The walker: element headers and values in the order of the bytes (PS3.5 clause 7), every
//! length checked before it is believed.

use std::io::{self, Read, Seek};

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::header::HasLength;
use dicom_core::value::{C, DataSetSequence, PixelFragmentSequence};
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use kura_model::Refusal;

use crate::charset::Charset;
use crate::header::{Header, Meta, Noticed};
use crate::limits::Limits;
use crate::pixel::PixelLocation;
use crate::source::Source;
use crate::syntax::{self, Encoding};
use crate::value::primitive;

pub(crate) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(crate) const ITEM_DELIMITER: Tag = Tag(0xFFFE, 0xE00D);
pub(crate) const SEQUENCE_DELIMITER: Tag = Tag(0xFFFE, 0xE0DD);
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// Reads everything before the pixel data and says where that lies.
///
/// Accepts files without preamble and without file meta information; the encoding is then
/// guessed from the first element. Text is decoded by Specific Character Set; in the object that
/// comes back that attribute says `ISO_IR 192`, since its strings are UTF-8 now
/// ([`Header::character_sets`] has what the file said).
///
/// # Errors
/// `dicom-syntax` (not DICOM), `dicom-transfer-syntax`, `dicom-vr`, `dicom-length` (a length
/// that the file does not hold), `dicom-limit` (more than [`Limits`] allow), `dicom-depth`,
/// `dicom-deflate`, `dicom-no-sop-class`, `dicom-no-sop-instance`, `dicom-io`; each with byte
/// offset and tag path where known.
pub fn read_header<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Header, Refusal> {
    let mut source = Source::new(reader).map_err(|_| io_refusal(0))?;
    let preamble = skip_preamble(&mut source)?;
    let start = source.position();

    let mut walker = Walker::new(source, limits);
    let meta_object = walker.meta()?;
    let dataset_offset = walker.source.position();
    let first = walker.peek_element()?;
    if !preamble && meta_object.is_none() && !plausible_first(&first) {
        return Err(Refusal::new(
            "dicom-syntax",
            "neither a DICOM prefix nor a data set that begins with group 0002 or 0008",
        )
        .at_byte(start));
    }

    let meta = Meta::of(meta_object.as_ref());
    let declared = match meta.transfer_syntax_uid.as_deref() {
        Some(uid) => Some(Encoding::of(uid).ok_or_else(|| {
            Refusal::new(
                "dicom-transfer-syntax",
                "the transfer syntax is not one of the standard's",
            )
            .at_path("(0002,0010)")
        })?),
        None => None,
    };
    let encoding = match declared {
        Some(encoding) if encoding.deflated => encoding,
        Some(encoding) => believe(encoding, &first),
        None => guess(&first),
    };
    if encoding.deflated {
        walker.source = walker.source.inflate(limits.max_inflated_bytes);
    }
    walker.deflated = encoding.deflated;

    let mut charset = Charset::Default;
    let mut pixel = None;
    let object = walker.dataset(&Scope::top(encoding), &mut charset, &mut pixel)?;
    let header = Header::new(
        object,
        meta,
        encoding,
        dataset_offset,
        pixel,
        walker.noticed,
    );
    header.check()?;
    Ok(header)
}

/// Where the data set of a file begins, for whoever sends it as it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetStart {
    /// Byte in the file.
    pub offset: u64,
    /// Whether its elements are written as the transfer syntax says. Some writers do not keep
    /// their word; such a data set cannot be sent as it is.
    pub as_declared: bool,
}

/// Reads the file meta information only.
///
/// # Errors
/// As [`read_header`] of that part.
pub fn dataset_start<R: Read + Seek>(reader: R, limits: &Limits) -> Result<DatasetStart, Refusal> {
    let mut source = Source::new(reader).map_err(|_| io_refusal(0))?;
    skip_preamble(&mut source)?;
    let mut walker = Walker::new(source, limits);
    let meta = Meta::of(walker.meta()?.as_ref());
    let offset = walker.source.position();
    let first = walker.peek_element()?;
    let as_declared = match meta.transfer_syntax_uid.as_deref().map(Encoding::of) {
        Some(Some(encoding)) => encoding.deflated || believe(encoding, &first) == encoding,
        Some(None) => false,
        None => true,
    };
    Ok(DatasetStart {
        offset,
        as_declared,
    })
}

/// A data set by itself, as DIMSE carries it, and its Specific Character Set as it was. Text in the
/// object is UTF-8.
///
/// # Errors
/// As [`read_header`]; `dicom-transfer-syntax` also for a deflated one.
pub(crate) fn read_dataset(
    bytes: &[u8],
    encoding: Encoding,
    limits: &Limits,
) -> Result<(InMemDicomObject, Vec<String>), Refusal> {
    if encoding.deflated {
        return Err(Refusal::new(
            "dicom-transfer-syntax",
            "a deflated data set is read from a file only",
        ));
    }
    let source = Source::new(io::Cursor::new(bytes)).map_err(|_| io_refusal(0))?;
    let mut walker = Walker::new(source, limits);
    let object = walker.dataset(&Scope::top(encoding), &mut Charset::Default, &mut None)?;
    Ok((object, walker.noticed.character_sets))
}

/// PS3.10 7.1. Leaves the source after the prefix, or at 0 where there is none.
fn skip_preamble<R: Read + Seek>(source: &mut Source<R>) -> Result<bool, Refusal> {
    let mut head = [0; 132];
    let got = source.read_up_to(&mut head).map_err(|_| io_refusal(0))?;
    let preamble = got == 132 && &head[128..] == b"DICM";
    if !preamble {
        source.seek_to(0).map_err(|_| io_refusal(0))?;
    }
    Ok(preamble)
}

fn io_refusal(at: u64) -> Refusal {
    Refusal::new("dicom-io", "the file could not be read").at_byte(at)
}

fn plausible_first(first: &[u8]) -> bool {
    crate::sniff(first).is_some()
}

/// Some writers declare explicit VR and write implicit, or the reverse: the first element tells.
fn believe(declared: Encoding, first: &[u8]) -> Encoding {
    let Some(&[a, b]) = first.get(4..6) else {
        return declared;
    };
    let looks_explicit = VR::from_binary([a, b]).is_some();
    if declared.explicit_vr && !looks_explicit && !a.is_ascii_uppercase() {
        Encoding::IMPLICIT_LE
    } else if !declared.explicit_vr && looks_explicit {
        Encoding::EXPLICIT_LE
    } else {
        declared
    }
}

/// Without file meta information (PS3.10 7.5 forbids it, archives hold it).
fn guess(first: &[u8]) -> Encoding {
    let big_endian = first.len() >= 2 && first[0] == 0 && first[1] != 0;
    let explicit = first
        .get(4..6)
        .is_some_and(|vr| VR::from_binary([vr[0], vr[1]]).is_some());
    match (explicit, big_endian) {
        (true, true) => Encoding::EXPLICIT_BE,
        (true, false) => Encoding::EXPLICIT_LE,
        (false, _) => Encoding::IMPLICIT_LE,
    }
}

/// Where in the nesting the walker is and how elements are written there.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) encoding: Encoding,
    pub(crate) depth: usize,
    /// Absolute end of a defined length; `None`: until a delimiter, or the file's end at depth 0.
    pub(crate) end: Option<u64>,
    /// Pixel Representation of the nearest data set, for `US or SS` in implicit VR.
    pub(crate) signed: bool,
}

impl Scope {
    pub(crate) fn top(encoding: Encoding) -> Self {
        Self {
            encoding,
            depth: 0,
            end: None,
            signed: false,
        }
    }
}

pub(crate) struct ElementHeader {
    pub(crate) tag: Tag,
    pub(crate) vr: VR,
    pub(crate) length: u32,
    pub(crate) offset: u64,
    /// Explicit UN: implicit VR little endian inside (PS3.5 6.2.2 notes 2 and 4).
    pub(crate) implicit_inside: bool,
    /// The file states a VR that the standard does not have.
    unknown_vr: bool,
}

pub(crate) struct Walker<'l, R> {
    pub(crate) source: Source<R>,
    pub(crate) limits: &'l Limits,
    pub(crate) deflated: bool,
    elements: u64,
    bytes: u64,
    path: Vec<(Tag, usize)>,
    noticed: Noticed,
}

impl<'l, R: Read + Seek> Walker<'l, R> {
    pub(crate) fn new(source: Source<R>, limits: &'l Limits) -> Self {
        Self {
            source,
            limits,
            deflated: false,
            elements: 0,
            bytes: 0,
            path: Vec::new(),
            noticed: Noticed::default(),
        }
    }

    pub(crate) fn refuse(&self, rule: &str, message: &str, byte: u64, tag: Option<Tag>) -> Refusal {
        let mut path = String::new();
        for (sequence, item) in &self.path {
            path.push_str(&format!("{}[{item}].", crate::tag_text(*sequence)));
        }
        if let Some(tag) = tag {
            path.push_str(&crate::tag_text(tag));
        }
        let refusal = Refusal::new(rule, message).at_byte(byte);
        let path = path.trim_end_matches('.');
        if path.is_empty() {
            refusal
        } else {
            refusal.at_path(path)
        }
    }

    pub(crate) fn io(&self, error: io::Error) -> Refusal {
        let at = self.source.position();
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.deflated && self.source.remaining() == 0 => self
                .refuse(
                    "dicom-deflate",
                    "it inflates to more than the limit",
                    at,
                    None,
                ),
            io::ErrorKind::UnexpectedEof => {
                self.refuse("dicom-length", "the file ends inside an element", at, None)
            }
            _ if self.deflated => self.refuse(
                "dicom-deflate",
                "the deflated data set is damaged",
                at,
                None,
            ),
            _ => self.refuse("dicom-io", "the file could not be read", at, None),
        }
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut bytes = [0; N];
        match self.source.read_up_to(&mut bytes) {
            Ok(got) if got == N => Ok(bytes),
            Ok(_) => Err(self.io(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.io(error)),
        }
    }

    fn u16(&mut self, big_endian: bool) -> Result<u16, Refusal> {
        let bytes = self.exactly()?;
        Ok(if big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32(&mut self, big_endian: bool) -> Result<u32, Refusal> {
        let bytes = self.exactly()?;
        Ok(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn peek_element(&mut self) -> Result<Vec<u8>, Refusal> {
        let at = self.source.position();
        let mut head = vec![0; 8];
        let got = self.source.read_up_to(&mut head).map_err(|e| self.io(e))?;
        head.truncate(got);
        self.source.seek_to(at).map_err(|e| self.io(e))?;
        Ok(head)
    }

    /// Group 0002, always Explicit VR Little Endian (PS3.10 7.1). Its group length is not
    /// believed: the group ends where another begins.
    fn meta(&mut self) -> Result<Option<InMemDicomObject>, Refusal> {
        let mut object = InMemDicomObject::new_empty();
        let mut found = false;
        let scope = Scope::top(Encoding::EXPLICIT_LE);
        while self.peek_element()?.get(..2) == Some(&[2, 0]) {
            found = true;
            let header = self.element_header(&scope)?;
            if header.length == UNDEFINED {
                return Err(self.refuse(
                    "dicom-length",
                    "file meta information holds no undefined lengths",
                    header.offset,
                    Some(header.tag),
                ));
            }
            let value = self.primitive_value(&header, &scope, &Charset::Default)?;
            object.put(DataElement::new(header.tag, header.vr, value));
        }
        Ok(found.then_some(object))
    }

    fn dataset(
        &mut self,
        scope: &Scope,
        charset: &mut Charset,
        pixel: &mut Option<PixelLocation>,
    ) -> Result<InMemDicomObject, Refusal> {
        let mut object = InMemDicomObject::new_empty();
        let mut scope = *scope;
        let top = scope.depth == 0;
        loop {
            let at = self.source.position();
            if let Some(end) = scope.end {
                if at == end {
                    break;
                }
                if at > end {
                    return Err(self.refuse(
                        "dicom-length",
                        "an element reaches beyond the item that holds it",
                        at,
                        None,
                    ));
                }
            } else if top && self.at_end()? {
                break;
            }
            let header = self.element_header(&scope)?;
            if header.tag == ITEM_DELIMITER && !top && scope.end.is_none() {
                break;
            }
            if header.tag.group() == 0xFFFE {
                return Err(self.refuse(
                    "dicom-structure",
                    "an item or delimiter where an element should be",
                    at,
                    Some(header.tag),
                ));
            }
            // PS3.5 8.1: pixel data of the instance itself; that of an icon lies deeper
            if top
                && matches!(
                    header.tag,
                    tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA
                )
            {
                *pixel = Some(self.pixel_location(&header)?);
                break;
            }
            let element = self.element(&header, &scope, charset)?;
            match header.tag {
                tags::SPECIFIC_CHARACTER_SET => {
                    let terms = strings(&element);
                    *charset = Charset::of(&terms.iter().map(String::as_str).collect::<Vec<_>>());
                    if top {
                        self.noticed.character_sets = terms;
                    }
                    object.put(DataElement::new(
                        header.tag,
                        VR::CS,
                        PrimitiveValue::from("ISO_IR 192"),
                    ));
                    continue;
                }
                tags::PIXEL_REPRESENTATION => {
                    scope.signed = element.to_int::<u16>().is_ok_and(|value| value == 1);
                }
                _ => {}
            }
            object.put(element);
        }
        Ok(object)
    }

    pub(crate) fn at_end(&mut self) -> Result<bool, Refusal> {
        if !self.deflated {
            return Ok(self.source.remaining() == 0);
        }
        // An inflating source does not know its end: it shows when nothing more comes.
        self.source.exhausted().map_err(|e| self.io(e))
    }

    fn count(&mut self, at: u64) -> Result<(), Refusal> {
        self.elements += 1;
        if self.elements > self.limits.max_elements {
            return Err(self.refuse("dicom-limit", "more elements than allowed", at, None));
        }
        Ok(())
    }

    pub(crate) fn element_header(&mut self, scope: &Scope) -> Result<ElementHeader, Refusal> {
        let offset = self.source.position();
        self.count(offset)?;
        let big = scope.encoding.big_endian;
        let tag = Tag(self.u16(big)?, self.u16(big)?);
        let mut header = ElementHeader {
            tag,
            vr: VR::UN,
            length: 0,
            offset,
            implicit_inside: !scope.encoding.explicit_vr,
            unknown_vr: false,
        };
        // PS3.5 7.5: items and delimiters have no VR
        if tag.group() == 0xFFFE {
            header.length = self.u32(big)?;
            return Ok(header);
        }
        if !scope.encoding.explicit_vr {
            // PS3.5 7.1.3
            header.length = self.u32(big)?;
            header.vr = dictionary_vr(tag, scope.signed).unwrap_or(VR::UN);
            if header.length == UNDEFINED && header.vr == VR::UN {
                header.vr = VR::SQ;
            }
        } else {
            let letters: [u8; 2] = self.exactly()?;
            self.explicit_length(&mut header, letters, big)?;
            if header.vr == VR::UN && header.length != UNDEFINED {
                self.noticed.undeclared.insert(tag);
            }
            if header.vr == VR::UN && !header.unknown_vr && tag.group().is_multiple_of(2) {
                // PS3.5 6.2.2 note 2: UN holds the value as implicit VR little endian
                let known = dictionary_vr(tag, scope.signed);
                header.implicit_inside = true;
                if let Some(vr) = known {
                    header.vr = vr;
                }
            }
            if header.length == UNDEFINED && header.vr == VR::UN {
                header.vr = VR::SQ;
                header.implicit_inside = true;
            }
        }
        self.check_length(&header, scope)?;
        Ok(header)
    }

    /// PS3.5 7.1.2
    fn explicit_length(
        &mut self,
        header: &mut ElementHeader,
        letters: [u8; 2],
        big: bool,
    ) -> Result<(), Refusal> {
        let Some(vr) = VR::from_binary(letters) else {
            if !letters.iter().all(u8::is_ascii_uppercase) {
                return Err(self.refuse(
                    "dicom-vr",
                    "a value representation is two capital letters",
                    header.offset,
                    Some(header.tag),
                ));
            }
            header.unknown_vr = true;
            // Newer VRs have the long form, whose reserved bytes are zero.
            let short = self.u16(big)?;
            header.length = if short == 0 {
                self.u32(big)?
            } else {
                u32::from(short)
            };
            return Ok(());
        };
        header.vr = vr;
        header.length = match vr {
            VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV => {
                let _reserved: [u8; 2] = self.exactly()?;
                self.u32(big)?
            }
            _ => u32::from(self.u16(big)?),
        };
        Ok(())
    }

    pub(crate) fn check_length(
        &self,
        header: &ElementHeader,
        scope: &Scope,
    ) -> Result<(), Refusal> {
        if header.length == UNDEFINED {
            return Ok(());
        }
        let at = self.source.position();
        let available = match scope.end {
            Some(end) => end.saturating_sub(at).min(self.source.remaining()),
            None => self.source.remaining(),
        };
        if u64::from(header.length) > available {
            return Err(self.refuse(
                "dicom-length",
                "the length reaches beyond the bytes that are there",
                header.offset,
                Some(header.tag),
            ));
        }
        Ok(())
    }

    fn element(
        &mut self,
        header: &ElementHeader,
        scope: &Scope,
        charset: &Charset,
    ) -> Result<InMemElement, Refusal> {
        if header.vr == VR::SQ {
            return self.sequence(header, scope, charset);
        }
        if header.length == UNDEFINED {
            return match header.vr {
                // PS3.5 A.4: encapsulated pixel data inside an item (icon image)
                VR::OB | VR::OW if header.tag == tags::PIXEL_DATA => self.nested_fragments(header),
                _ => Err(self.refuse(
                    "dicom-length",
                    "only sequences and pixel data may have an undefined length",
                    header.offset,
                    Some(header.tag),
                )),
            };
        }
        let value = self.primitive_value(header, scope, charset)?;
        Ok(DataElement::new(header.tag, header.vr, value))
    }

    fn primitive_value(
        &mut self,
        header: &ElementHeader,
        scope: &Scope,
        charset: &Charset,
    ) -> Result<PrimitiveValue, Refusal> {
        if self.passes_over(header) {
            self.noticed.left_out.push(header.tag);
            let length = u64::from(header.length);
            self.source.skip(length).map_err(|e| self.io(e))?;
            return Ok(PrimitiveValue::Empty);
        }
        let bytes = self.bytes_of(header)?;
        let big_endian = scope.encoding.big_endian && !header.implicit_inside;
        primitive(header.vr, bytes, big_endian, charset).ok_or_else(|| {
            self.refuse(
                "dicom-length",
                "the length is not a multiple of the value's size",
                header.offset,
                Some(header.tag),
            )
        })
    }

    /// A document or a recording may be as large as a picture: it is not held in memory.
    fn passes_over(&self, header: &ElementHeader) -> bool {
        let bulk = matches!(
            header.vr,
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN
        );
        bulk && !self.deflated && u64::from(header.length) > self.limits.max_element_bytes
    }

    fn bytes_of(&mut self, header: &ElementHeader) -> Result<Vec<u8>, Refusal> {
        let length = u64::from(header.length);
        self.bytes += length;
        if length > self.limits.max_element_bytes || self.bytes > self.limits.max_header_bytes {
            return Err(self.refuse(
                "dicom-limit",
                "the value is larger than allowed before the pixel data",
                header.offset,
                Some(header.tag),
            ));
        }
        self.source.read_vec(length).map_err(|e| self.io(e))
    }

    /// PS3.5 7.5
    fn sequence(
        &mut self,
        header: &ElementHeader,
        scope: &Scope,
        charset: &Charset,
    ) -> Result<InMemElement, Refusal> {
        if scope.depth >= self.limits.max_depth {
            return Err(self.refuse(
                "dicom-depth",
                "sequences are nested deeper than allowed",
                header.offset,
                Some(header.tag),
            ));
        }
        let encoding = if header.implicit_inside {
            Encoding::IMPLICIT_LE
        } else {
            scope.encoding
        };
        let end =
            (header.length != UNDEFINED).then(|| self.source.position() + u64::from(header.length));
        let inside = Scope {
            encoding,
            depth: scope.depth + 1,
            end: end.or(scope.end),
            signed: scope.signed,
        };
        let mut items: Vec<InMemDicomObject> = Vec::new();
        loop {
            let at = self.source.position();
            if end == Some(at) {
                break;
            }
            let item = self.element_header(&inside)?;
            if item.tag == SEQUENCE_DELIMITER && end.is_none() {
                break;
            }
            if item.tag != ITEM {
                return Err(self.refuse(
                    "dicom-structure",
                    "a sequence holds items only",
                    at,
                    Some(header.tag),
                ));
            }
            self.check_length(&item, &inside)?;
            let item_scope = Scope {
                end: (item.length != UNDEFINED)
                    .then(|| self.source.position() + u64::from(item.length)),
                ..inside
            };
            self.path.push((header.tag, items.len()));
            // PS3.3 C.12.1.1.2: an item inherits the character set and may have its own
            let mut own = charset.clone();
            items.push(self.dataset(&item_scope, &mut own, &mut None)?);
            self.path.pop();
        }
        let sequence = DataSetSequence::new(C::from_vec(items), Length::UNDEFINED);
        Ok(DataElement::new(header.tag, VR::SQ, sequence))
    }

    fn nested_fragments(&mut self, header: &ElementHeader) -> Result<InMemElement, Refusal> {
        let scope = Scope::top(Encoding::EXPLICIT_LE);
        let mut fragments: Vec<Vec<u8>> = Vec::new();
        loop {
            let item = self.element_header(&scope)?;
            if item.tag == SEQUENCE_DELIMITER {
                break;
            }
            self.check_length(&item, &scope)?;
            if item.tag != ITEM || item.length == UNDEFINED {
                return Err(self.refuse(
                    "dicom-structure",
                    "encapsulated pixel data holds items of defined length only",
                    item.offset,
                    Some(header.tag),
                ));
            }
            fragments.push(self.bytes_of(&item)?);
        }
        // The first item is the offset table (PS3.5 A.4); an icon has one frame and needs none.
        let rest: Vec<Vec<u8>> = fragments.into_iter().skip(1).collect();
        let sequence = PixelFragmentSequence::new_fragments(C::from_vec(rest));
        Ok(DataElement::new(header.tag, VR::OB, sequence))
    }

    fn pixel_location(&mut self, header: &ElementHeader) -> Result<PixelLocation, Refusal> {
        let length = (header.length != UNDEFINED).then_some(u64::from(header.length));
        Ok(PixelLocation {
            tag: header.tag,
            vr: header.vr,
            offset: self.source.position(),
            length,
        })
    }
}

/// Values of a string element.
fn strings(element: &InMemElement) -> Vec<String> {
    if element.is_empty() {
        return Vec::new();
    }
    element
        .to_multi_str()
        .map(|values| values.iter().map(|v| v.trim().to_owned()).collect())
        .unwrap_or_default()
}

/// PS3.6, with the choices it leaves made (PS3.5 Annex A.1).
pub(crate) fn dictionary_vr(tag: Tag, signed: bool) -> Option<VR> {
    if tag.element() == 0 {
        return Some(VR::UL);
    }
    if tag.group() % 2 == 1 {
        // PS3.5 7.8.1: (gggg,0010-00FF) names the private creator
        return (0x10..=0xFF).contains(&tag.element()).then_some(VR::LO);
    }
    let entry = StandardDataDictionary.by_tag(tag)?;
    Some(match entry.vr() {
        VirtualVr::Exact(vr) => vr,
        VirtualVr::Xs if signed => VR::SS,
        VirtualVr::Xs => VR::US,
        _ => VR::OW,
    })
}

impl Meta {
    fn of(object: Option<&InMemDicomObject>) -> Self {
        let text = |tag| {
            let value = object?.get(tag)?.to_str().ok()?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        Self {
            present: object.is_some(),
            transfer_syntax_uid: text(tags::TRANSFER_SYNTAX_UID)
                .map(|uid| uid.trim_end_matches('\0').to_owned()),
            media_storage_sop_class_uid: text(tags::MEDIA_STORAGE_SOP_CLASS_UID),
            media_storage_sop_instance_uid: text(tags::MEDIA_STORAGE_SOP_INSTANCE_UID),
            implementation_class_uid: text(tags::IMPLEMENTATION_CLASS_UID),
            source_application_entity_title: text(tags::SOURCE_APPLICATION_ENTITY_TITLE),
        }
    }
}

/// The transfer syntax of a data set that does not say.
pub(crate) fn implied_syntax(encoding: Encoding) -> &'static str {
    match (encoding.explicit_vr, encoding.big_endian, encoding.deflated) {
        (_, _, true) => syntax::DEFLATED_LE,
        (true, true, _) => syntax::EXPLICIT_BE,
        (true, false, _) => syntax::EXPLICIT_LE,
        (false, ..) => syntax::IMPLICIT_LE,
    }
}
