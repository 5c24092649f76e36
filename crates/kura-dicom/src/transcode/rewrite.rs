//! A data set written again, element by element: values as they are, byte order and VRs as the
//! other transfer syntax has them. Text is never decoded, so no character set can lose any.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::walk;
use crate::read::{ElementHeader, Scope, UNDEFINED, Walker};
use crate::syntax::Encoding;

/// What becomes of attributes of the top level: a value in little endian, or none.
pub(super) type Edits = BTreeMap<Tag, Option<(VR, Vec<u8>)>>;

/// Writes the pixel data's element, its header too.
pub(super) type PixelWriter<'a> = dyn FnMut(&mut dyn Write) -> Result<(), Refusal> + 'a;

pub(super) fn lost(_: std::io::Error) -> Refusal {
    Refusal::new("transcode-io", "what was made could not be written")
}

pub(super) struct Rewriter<'l> {
    walker: Walker<'l, File>,
    /// The encoding that is written; little endian, not deflated.
    to: Encoding,
}

impl<'l> Rewriter<'l> {
    pub(super) fn new(walker: Walker<'l, File>, to: Encoding) -> Self {
        Self { walker, to }
    }

    /// The whole data set. `pixels` writes its pixel data; without, they are copied like any value
    /// whose unit is `pixel_unit` bytes.
    pub(super) fn run(
        &mut self,
        from: Encoding,
        edits: &Edits,
        pixel_unit: usize,
        mut pixels: Option<&mut PixelWriter<'_>>,
        out: &mut dyn Write,
    ) -> Result<(), Refusal> {
        let mut scope = Scope::top(from);
        let mut left = edits.iter().peekable();
        let mut pixel_tag = None;
        loop {
            let next = walk::next(&mut self.walker, &scope);
            let header = match (next, pixel_tag) {
                // What follows the pixels and is no element was never read by anybody.
                (Err(_), Some(_)) | (Ok(None), _) => break,
                (Ok(Some(header)), Some(pixel)) if header.tag <= pixel => break,
                (Ok(Some(header)), _) => header,
                (Err(why), None) => return Err(why),
            };
            while let Some((tag, edit)) = left.next_if(|(tag, _)| **tag < header.tag) {
                self.edit(*tag, edit.as_ref(), out)?;
            }
            if matches!(
                header.tag,
                tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA
            ) {
                pixel_tag = Some(header.tag);
                if let Some(write) = pixels.as_mut() {
                    write(out)?;
                    walk::skip(&mut self.walker, &header, &scope)?;
                } else {
                    self.value(&header, pixel_unit, out)?;
                }
                continue;
            }
            if let Some((tag, edit)) = left.next_if(|(tag, _)| **tag == header.tag) {
                self.edit(*tag, edit.as_ref(), out)?;
                walk::skip(&mut self.walker, &header, &scope)?;
                continue;
            }
            self.element(&header, &mut scope, out)?;
        }
        for (tag, edit) in left {
            self.edit(*tag, edit.as_ref(), out)?;
        }
        Ok(())
    }

    fn edit(
        &self,
        tag: Tag,
        edit: Option<&(VR, Vec<u8>)>,
        out: &mut dyn Write,
    ) -> Result<(), Refusal> {
        let Some((vr, value)) = edit else {
            return Ok(());
        };
        let length = value.len() + value.len() % 2;
        let length = u32::try_from(length)
            .map_err(|_| Refusal::new("transcode-too-long", "a value is too long"))?;
        element_head(self.to, tag, *vr, length, out)?;
        out.write_all(value).map_err(lost)?;
        if value.len() % 2 == 1 {
            out.write_all(&[padding(*vr)]).map_err(lost)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        header: &ElementHeader,
        scope: &mut Scope,
        out: &mut dyn Write,
    ) -> Result<(), Refusal> {
        // PS3.5 7.2: group lengths are retired, and would be wrong now
        if header.tag.element() == 0 {
            return walk::skip(&mut self.walker, header, scope);
        }
        if header.vr == VR::SQ {
            return self.sequence(header, scope, out);
        }
        if header.length == UNDEFINED {
            return Err(self.walker.refuse(
                "transcode-nested-pixels",
                "compressed pixel data of an item are not made anew",
                header.offset,
                Some(header.tag),
            ));
        }
        if header.tag == tags::PIXEL_REPRESENTATION && header.length == 2 {
            let at = self.walker.source.position();
            let bytes = self.walker.source.read_vec(2);
            let bytes = bytes.map_err(|e| self.walker.io(e))?;
            // 1 in either byte order
            scope.signed = bytes.contains(&1);
            let back = self.walker.source.position() - at;
            element_head(self.to, header.tag, header.vr, back as u32, out)?;
            return out.write_all(&[u8::from(scope.signed), 0]).map_err(lost);
        }
        let unit = if scope.encoding.big_endian && !header.implicit_inside {
            walk::unit(header.vr)
        } else {
            1
        };
        self.value(header, unit, out)
    }

    /// One value, piece by piece.
    fn value(
        &mut self,
        header: &ElementHeader,
        unit: usize,
        out: &mut dyn Write,
    ) -> Result<(), Refusal> {
        let odd = header.length % 2;
        let length = header.length.saturating_add(odd);
        element_head(self.to, header.tag, header.vr, length, out)?;
        let mut left = u64::from(header.length);
        // A multiple of every unit.
        let mut piece = vec![0; 64 * 1024];
        while left > 0 {
            let step = usize::try_from(left.min(piece.len() as u64)).unwrap_or(piece.len());
            let part = &mut piece[..step];
            match self.walker.source.read_up_to(part) {
                Ok(got) if got == step => {}
                Ok(_) => return Err(self.walker.io(std::io::ErrorKind::UnexpectedEof.into())),
                Err(error) => return Err(self.walker.io(error)),
            }
            walk::swap(part, unit);
            out.write_all(part).map_err(lost)?;
            left -= step as u64;
        }
        if odd == 1 {
            out.write_all(&[padding(header.vr)]).map_err(lost)?;
        }
        Ok(())
    }

    /// PS3.5 7.5: of undefined length, because that of what it holds may change.
    fn sequence(
        &mut self,
        header: &ElementHeader,
        scope: &Scope,
        out: &mut dyn Write,
    ) -> Result<(), Refusal> {
        element_head(self.to, header.tag, VR::SQ, UNDEFINED, out)?;
        let inside = walk::inside(&self.walker, header, scope)?;
        while let Some(mut item) = walk::item(&mut self.walker, &inside)? {
            out.write_all(b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF")
                .map_err(lost)?;
            while let Some(element) = walk::next(&mut self.walker, &item)? {
                self.element(&element, &mut item, out)?;
            }
            out.write_all(b"\xFE\xFF\x0D\xE0\0\0\0\0").map_err(lost)?;
        }
        out.write_all(b"\xFE\xFF\xDD\xE0\0\0\0\0").map_err(lost)
    }
}

/// PS3.5 6.2: UIDs and bytes are padded with 0, text with a space.
fn padding(vr: VR) -> u8 {
    match vr {
        VR::OB | VR::UN | VR::UI | VR::OW => 0,
        _ => b' ',
    }
}

/// PS3.5 7.1
pub(crate) fn element_head(
    to: Encoding,
    tag: Tag,
    vr: VR,
    length: u32,
    out: &mut dyn Write,
) -> Result<(), Refusal> {
    let mut head = Vec::with_capacity(12);
    head.extend(tag.group().to_le_bytes());
    head.extend(tag.element().to_le_bytes());
    if !to.explicit_vr {
        head.extend(length.to_le_bytes());
        return out.write_all(&head).map_err(lost);
    }
    let long = matches!(
        vr,
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
            | VR::UV
    );
    match u16::try_from(length) {
        Ok(short) if !long => {
            head.extend(vr.to_bytes());
            head.extend(short.to_le_bytes());
        }
        // PS3.5 6.2.2 note 4: what is too long for its VR is UN
        _ => {
            head.extend(if long { vr } else { VR::UN }.to_bytes());
            head.extend([0, 0]);
            head.extend(length.to_le_bytes());
        }
    }
    out.write_all(&head).map_err(lost)
}
