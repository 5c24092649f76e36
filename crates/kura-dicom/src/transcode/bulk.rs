//! The value of one element, wherever it lies, without holding it (PS3.18 8.7.3.4, "bulk data").

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::walk;
use crate::header::Header;
use crate::limits::Limits;
use crate::read::{Scope, UNDEFINED, Walker};
use crate::source::Source;

/// Where an element lies: `54000100/0/54001010` is the Waveform Data of the first item of the
/// Waveform Sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkPath {
    /// Sequences and the items of them, from 0.
    pub items: Vec<(Tag, u32)>,
    pub tag: Tag,
}

impl FromStr for BulkPath {
    type Err = Refusal;

    fn from_str(path: &str) -> Result<Self, Refusal> {
        let wrong = || {
            Refusal::new(
                "bulk-path",
                "tags of eight hexadecimal digits with item numbers between them were expected",
            )
        };
        let mut parts = path.split('/');
        let tag = |part: &str| {
            let plain = part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = u32::from_str_radix(part, 16).ok().filter(|_| plain)?;
            Some(Tag((number >> 16) as u16, number as u16))
        };
        let mut items = Vec::new();
        let mut last = parts.next().and_then(tag).ok_or_else(wrong)?;
        while let Some(number) = parts.next() {
            let number = number.parse().map_err(|_| wrong())?;
            items.push((last, number));
            last = parts.next().and_then(tag).ok_or_else(wrong)?;
        }
        Ok(Self { items, tag: last })
    }
}

impl fmt::Display for BulkPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (tag, item) in &self.items {
            write!(f, "{:04X}{:04X}/{item}/", tag.group(), tag.element())?;
        }
        write!(f, "{:04X}{:04X}", self.tag.group(), self.tag.element())
    }
}

/// A value, read in little endian.
pub struct BulkValue {
    pub vr: VR,
    /// Bytes of it.
    pub length: u64,
    /// Byte of the file at which it lies as it is read; `None` where the file is deflated or big
    /// endian, so that its bytes are not those of the value.
    pub offset: Option<u64>,
    source: Source<File>,
    left: u64,
    unit: usize,
    /// The unit that is turned round, as far as it is not read.
    held: [u8; 8],
    ready: usize,
}

impl Read for BulkValue {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.unit > 1 && (self.ready > 0 || out.len() < self.unit) {
            return self.read_held(out);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = out.len().min(most) / self.unit * self.unit;
        self.fill(&mut out[..length])?;
        Ok(length)
    }
}

impl BulkValue {
    /// Whole units.
    fn fill(&mut self, out: &mut [u8]) -> io::Result<()> {
        if self.source.read_up_to(out)? < out.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        walk::swap(out, self.unit);
        self.left -= out.len() as u64;
        Ok(())
    }

    /// From a unit that is larger than what was asked for.
    fn read_held(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ready == 0 {
            if self.left == 0 || out.is_empty() {
                return Ok(0);
            }
            let mut unit = [0; 8];
            self.fill(&mut unit[..self.unit])?;
            self.held = unit;
            self.ready = self.unit;
        }
        let from = self.unit - self.ready;
        let length = out.len().min(self.ready);
        out[..length].copy_from_slice(&self.held[from..from + length]);
        self.ready -= length;
        Ok(length)
    }
}

/// The value at `at` of the object at `path`, whose header is `header`.
///
/// # Errors
/// `bulk-none` (there is no such element), `bulk-encapsulated` (its frames are asked for one by
/// one, [`super::frame_bytes`]), and those of [`crate::read_header`].
pub fn bulk_value(
    path: &Path,
    header: &Header,
    at: &BulkPath,
    limits: &Limits,
) -> Result<BulkValue, Refusal> {
    let mut walker = walk::walker(path, header, limits)?;
    let mut scope = Scope::top(header.encoding());
    for (sequence, number) in &at.items {
        let found = find(&mut walker, &mut scope, *sequence)?;
        if found.vr != VR::SQ {
            return Err(none());
        }
        let inside = walk::inside(&walker, &found, &scope)?;
        scope = walk::item(&mut walker, &inside)?.ok_or_else(none)?;
        for _ in 0..*number {
            while let Some(element) = walk::next(&mut walker, &scope)? {
                walk::skip(&mut walker, &element, &scope)?;
            }
            scope = walk::item(&mut walker, &inside)?.ok_or_else(none)?;
        }
    }
    let found = find(&mut walker, &mut scope, at.tag)?;
    if found.length == UNDEFINED || found.vr == VR::SQ {
        return Err(Refusal::new(
            "bulk-encapsulated",
            "sequences and compressed pixel data have no value of one piece",
        ));
    }
    let big = scope.encoding.big_endian && !found.implicit_inside;
    let unit = match found.tag {
        _ if !big => 1,
        tags::PIXEL_DATA if at.items.is_empty() => {
            super::pixel_unit(header.bits_allocated(), found.vr)
        }
        _ => walk::unit(found.vr),
    };
    let length = u64::from(found.length);
    Ok(BulkValue {
        vr: found.vr,
        length: length / unit as u64 * unit as u64,
        offset: (unit == 1 && !header.encoding().deflated).then(|| walker.source.position()),
        left: length / unit as u64 * unit as u64,
        source: walker.source,
        unit,
        held: [0; 8],
        ready: 0,
    })
}

fn none() -> Refusal {
    Refusal::new("bulk-none", "the object has no such element")
}

/// The element of that tag; the data set is walked to its end for it.
fn find(
    walker: &mut Walker<'_, File>,
    scope: &mut Scope,
    tag: Tag,
) -> Result<crate::read::ElementHeader, Refusal> {
    while let Some(element) = walk::next(walker, scope)? {
        if element.tag == tag {
            return Ok(element);
        }
        walk::skip(walker, &element, scope)?;
    }
    Err(none())
}
