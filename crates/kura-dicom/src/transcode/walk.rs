//! Over the elements of a stored file without holding them.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::open_at;
use crate::read::{
    ElementHeader, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Scope, UNDEFINED, Walker,
};
use crate::syntax::Encoding;

pub(super) fn open(path: &Path) -> Result<File, Refusal> {
    File::open(path).map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))
}

/// A walker at the first element of the data set.
pub(super) fn walker<'l>(
    path: &Path,
    header: &Header,
    limits: &'l Limits,
) -> Result<Walker<'l, File>, Refusal> {
    let deflated = header.encoding().deflated;
    let start = if deflated { 0 } else { header.dataset_offset() };
    let source = open_at(open(path)?, header, start, limits)?;
    let mut walker = Walker::new(source, limits);
    walker.deflated = deflated;
    Ok(walker)
}

/// Whether the data set that `scope` is ends here.
pub(super) fn ends<R: Read + Seek>(
    walker: &mut Walker<'_, R>,
    scope: &Scope,
) -> Result<bool, Refusal> {
    let at = walker.source.position();
    match scope.end {
        Some(end) if at > end => Err(walker.refuse(
            "dicom-length",
            "an element reaches beyond the item that holds it",
            at,
            None,
        )),
        Some(end) => Ok(at == end),
        None if scope.depth == 0 => walker.at_end(),
        None => Ok(false),
    }
}

/// The next element of a data set, or `None` at its end.
pub(super) fn next<R: Read + Seek>(
    walker: &mut Walker<'_, R>,
    scope: &Scope,
) -> Result<Option<ElementHeader>, Refusal> {
    if ends(walker, scope)? {
        return Ok(None);
    }
    let header = walker.element_header(scope)?;
    if header.tag == ITEM_DELIMITER && scope.depth > 0 && scope.end.is_none() {
        return Ok(None);
    }
    if header.tag.group() == 0xFFFE {
        return Err(walker.refuse(
            "dicom-structure",
            "an item or delimiter where an element should be",
            header.offset,
            Some(header.tag),
        ));
    }
    Ok(Some(header))
}

/// What the items of a sequence are written like, after its header (PS3.5 7.5).
pub(super) fn inside<R: Read + Seek>(
    walker: &Walker<'_, R>,
    header: &ElementHeader,
    scope: &Scope,
) -> Result<Scope, Refusal> {
    if scope.depth >= walker.limits.max_depth {
        return Err(walker.refuse(
            "dicom-depth",
            "sequences are nested deeper than allowed",
            header.offset,
            Some(header.tag),
        ));
    }
    let end =
        (header.length != UNDEFINED).then(|| walker.source.position() + u64::from(header.length));
    Ok(Scope {
        encoding: if header.implicit_inside {
            Encoding::IMPLICIT_LE
        } else {
            scope.encoding
        },
        depth: scope.depth + 1,
        end,
        signed: scope.signed,
    })
}

/// The data set of the next item of a sequence; `None` behind the last.
pub(super) fn item<R: Read + Seek>(
    walker: &mut Walker<'_, R>,
    sequence: &Scope,
) -> Result<Option<Scope>, Refusal> {
    let at = walker.source.position();
    if sequence.end == Some(at) {
        return Ok(None);
    }
    let item = walker.element_header(sequence)?;
    if item.tag == SEQUENCE_DELIMITER && sequence.end.is_none() {
        return Ok(None);
    }
    if item.tag != ITEM {
        return Err(walker.refuse(
            "dicom-structure",
            "a sequence holds items only",
            at,
            Some(item.tag),
        ));
    }
    walker.check_length(&item, sequence)?;
    Ok(Some(Scope {
        end: (item.length != UNDEFINED).then(|| walker.source.position() + u64::from(item.length)),
        ..*sequence
    }))
}

/// Goes behind an element.
pub(super) fn skip<R: Read + Seek>(
    walker: &mut Walker<'_, R>,
    header: &ElementHeader,
    scope: &Scope,
) -> Result<(), Refusal> {
    if header.length != UNDEFINED {
        let length = header.length.into();
        return walker.source.skip(length).map_err(|e| walker.io(e));
    }
    if header.vr == VR::SQ {
        let sequence = inside(walker, header, scope)?;
        while let Some(item) = item(walker, &sequence)? {
            while let Some(element) = next(walker, &item)? {
                skip(walker, &element, &item)?;
            }
        }
        return Ok(());
    }
    if header.tag != tags::PIXEL_DATA {
        return Err(walker.refuse(
            "dicom-length",
            "only sequences and pixel data may have an undefined length",
            header.offset,
            Some(header.tag),
        ));
    }
    // PS3.5 A.4: items of fragments
    let fragments = Scope::top(Encoding::EXPLICIT_LE);
    while let Some(item) = item(walker, &fragments)? {
        let Some(end) = item.end else {
            return Err(walker.refuse(
                "dicom-structure",
                "encapsulated pixel data holds items of defined length only",
                header.offset,
                Some(header.tag),
            ));
        };
        walker.source.seek_to(end).map_err(|e| walker.io(e))?;
    }
    Ok(())
}

/// Bytes of a unit of a VR, which byte order turns round (PS3.5 7.3).
pub(super) fn unit(vr: VR) -> usize {
    match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::SV | VR::UV | VR::OV => 8,
        _ => 1,
    }
}

/// From big endian to little.
pub(super) fn swap(bytes: &mut [u8], unit: usize) {
    if unit > 1 {
        bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
}
