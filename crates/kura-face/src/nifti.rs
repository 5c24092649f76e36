//! NIfTI-1 and NIfTI-2 in one file (`.nii`), packed or not, of either byte order.
//!
//! Written here, since the bytes of untouched voxels must go out as they came. Sources: the
//! headers `nifti1.h` and `nifti2.h` of the NIfTI Data Format Working Group.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::volume::{DataType, Storage, Volume, checked_voxels};
use crate::{Affine, Refused};

/// Bytes of voxels that are read unless told otherwise: 4 GiB.
pub const MAX_BYTES: usize = 4 << 30;
/// What may lie between header and voxels. Extensions are skipped, never kept.
const MAX_EXTENSIONS: usize = 64 << 20;

/// A file: its header without text, and its voxels.
#[derive(Debug, Clone)]
pub struct Nifti {
    header: Vec<u8>,
    pub volume: Volume,
}

/// Where the fields of a version lie: bytes from the start.
struct Layout {
    size: usize,
    dim: usize,
    data_type: usize,
    bits: usize,
    pixdim: usize,
    offset: usize,
    slope: usize,
    units: usize,
    qform: usize,
    quaternion: usize,
    srow: usize,
    /// Free text and unused bytes: start and length. They are emptied.
    text: &'static [(usize, usize)],
    wide: bool,
}

const NIFTI_1: Layout = Layout {
    size: 348,
    dim: 40,
    data_type: 70,
    bits: 72,
    pixdim: 76,
    offset: 108,
    slope: 112,
    units: 123,
    qform: 252,
    quaternion: 256,
    srow: 280,
    // data_type, db_name, extents, session_error, regular; glmax, glmin; descrip, aux_file;
    // intent_name.
    text: &[(4, 35), (140, 8), (148, 104), (328, 16)],
    wide: false,
};
const NIFTI_2: Layout = Layout {
    size: 540,
    dim: 16,
    data_type: 12,
    bits: 14,
    pixdim: 104,
    offset: 168,
    slope: 176,
    units: 500,
    qform: 344,
    quaternion: 352,
    srow: 400,
    // descrip, aux_file; intent_name; unused_str.
    text: &[(240, 104), (508, 16), (525, 15)],
    wide: true,
};

/// The header's numbers, of either version.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    layout: &'static Layout,
}

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        if let Some(found) = self.bytes.get(at..at + N) {
            bytes.copy_from_slice(found);
        }
        // From here on little endian.
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn short(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.bytes(at))
    }

    /// `dim` and the like: 16 bits, or 64.
    fn size(&self, at: usize, index: usize) -> i64 {
        if self.layout.wide {
            i64::from_le_bytes(self.bytes(at + 8 * index))
        } else {
            self.short(at + 2 * index).into()
        }
    }

    /// A code: 16 bits, or 32.
    fn code(&self, at: usize, index: usize) -> i64 {
        if self.layout.wide {
            i32::from_le_bytes(self.bytes(at + 4 * index)).into()
        } else {
            self.short(at + 2 * index).into()
        }
    }

    fn real(&self, at: usize, index: usize) -> f64 {
        if self.layout.wide {
            f64::from_le_bytes(self.bytes(at + 8 * index))
        } else {
            f32::from_le_bytes(self.bytes(at + 4 * index)).into()
        }
    }
}

impl Nifti {
    /// Reads a file, packed by gzip or not. At most `max_bytes` of voxels are held.
    ///
    /// # Errors
    /// [`Refused::Nifti`] with what is wrong, [`Refused::TooLarge`], [`Refused::Io`], and those
    /// of [`Volume::new`].
    pub fn read(mut reader: impl Read, max_bytes: usize) -> Result<Self, Refused> {
        let mut start = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut start)?;
        let packed = start == [0x1f, 0x8b];
        let whole = Cursor::new(start).chain(reader);
        if packed {
            Self::unpacked(MultiGzDecoder::new(whole), max_bytes)
        } else {
            Self::unpacked(whole, max_bytes)
        }
    }

    fn unpacked(mut reader: impl Read, max_bytes: usize) -> Result<Self, Refused> {
        let mut header = exactly(&mut reader, 4, "shorter than a header")?;
        let first = [header[0], header[1], header[2], header[3]];
        let (big_endian, layout) = match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
            (348, _) => (false, &NIFTI_1),
            (_, 348) => (true, &NIFTI_1),
            (540, _) => (false, &NIFTI_2),
            (_, 540) => (true, &NIFTI_2),
            _ => return Err(Refused::Nifti("the size of the header is not one of NIfTI")),
        };
        header.extend(exactly(
            &mut reader,
            layout.size - 4,
            "shorter than a header",
        )?);
        let fields = Fields {
            bytes: &header,
            big_endian,
            layout,
        };
        let single = if layout.wide {
            header[4..12] == *b"n+2\0\r\n\x1a\n"
        } else {
            header[344..348] == *b"n+1\0"
        };
        if !single {
            return Err(Refused::Nifti(
                "not header and voxels in one file (n+1, n+2)",
            ));
        }
        let (dims, frames) = sides(&fields)?;
        let storage = storage(&fields)?;
        let affine = orientation(&fields)?;
        let bytes = checked_voxels(dims)?
            .checked_mul(frames)
            .and_then(|voxels| voxels.checked_mul(storage.data_type.bytes()))
            .filter(|bytes| *bytes <= max_bytes)
            .ok_or(Refused::TooLarge("bytes of voxels"))?;
        let offset = if layout.wide {
            fields.size(layout.offset, 0) as f64
        } else {
            fields.real(layout.offset, 0)
        };
        let between = offset - layout.size as f64;
        if !(0.0..=MAX_EXTENSIONS as f64).contains(&between) || between.fract() != 0.0 {
            return Err(Refused::Nifti("the voxels start at no usable place"));
        }
        let skipped = std::io::copy(
            &mut reader.by_ref().take(between as u64),
            &mut std::io::sink(),
        )
        .map_err(unpacking)?;
        if skipped != between as u64 {
            return Err(Refused::Nifti("truncated before the voxels"));
        }
        let stored = exactly(
            &mut reader,
            bytes,
            "truncated: fewer voxels than the sides ask for",
        )?;
        // To the end, where gzip's checksum stands. Some writers pad.
        let behind = std::io::copy(
            &mut reader.take(MAX_EXTENSIONS as u64 + 1),
            &mut std::io::sink(),
        );
        if behind.map_err(unpacking)? > MAX_EXTENSIONS as u64 {
            return Err(Refused::Nifti(
                "more follows the voxels than belongs to a file",
            ));
        }
        let volume = Volume::new(dims, frames, affine, storage, stored)?;
        clean(&mut header, layout, big_endian);
        Ok(Self { header, volume })
    }

    /// Writes header (its text and extensions emptied) and voxels; packed by gzip where asked.
    ///
    /// # Errors
    /// [`Refused::Io`].
    pub fn write(&self, mut writer: impl Write, gzip: bool) -> Result<(), Refused> {
        if gzip {
            let mut encoder = GzEncoder::new(&mut writer, Compression::new(6));
            self.write_plain(&mut encoder)?;
            encoder.finish()?;
        } else {
            self.write_plain(&mut writer)?;
        }
        writer.flush()?;
        Ok(())
    }

    fn write_plain(&self, writer: &mut impl Write) -> Result<(), Refused> {
        writer.write_all(&self.header)?;
        // No extensions.
        writer.write_all(&[0; 4])?;
        writer.write_all(self.volume.stored())?;
        Ok(())
    }
}

/// Reads as much, without trusting the number before the bytes are there.
fn exactly(reader: &mut impl Read, count: usize, what: &'static str) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    reader
        .take(count as u64)
        .read_to_end(&mut bytes)
        .map_err(unpacking)?;
    if bytes.len() == count {
        Ok(bytes)
    } else {
        Err(Refused::Nifti(what))
    }
}

/// A packed file that ends early or is damaged is the file's fault, not the disk's.
fn unpacking(error: std::io::Error) -> Refused {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => Refused::Nifti("damaged or truncated gzip"),
        _ => Refused::Io(error),
    }
}

fn sides(fields: &Fields<'_>) -> Result<([usize; 3], usize), Refused> {
    let at = fields.layout.dim;
    let count = fields.size(at, 0);
    if !(3..=7).contains(&count) {
        return Err(Refused::Nifti("not of three sides or more"));
    }
    let side = |index: usize| {
        usize::try_from(fields.size(at, index))
            .ok()
            .filter(|side| *side > 0)
            .ok_or(Refused::Nifti("a side is not above 0"))
    };
    let dims = [side(1)?, side(2)?, side(3)?];
    let mut frames = 1_usize;
    for index in 4..=count as usize {
        frames = frames
            .checked_mul(side(index)?)
            .ok_or(Refused::TooLarge("time points"))?;
    }
    Ok((dims, frames))
}

fn storage(fields: &Fields<'_>) -> Result<Storage, Refused> {
    let data_type = match fields.short(fields.layout.data_type) {
        2 => DataType::U8,
        4 => DataType::I16,
        8 => DataType::I32,
        16 => DataType::F32,
        64 => DataType::F64,
        256 => DataType::I8,
        512 => DataType::U16,
        768 => DataType::U32,
        _ => return Err(Refused::Nifti("a type of voxel that is not grey values")),
    };
    if fields.short(fields.layout.bits) as i64 != 8 * data_type.bytes() as i64 {
        return Err(Refused::Nifti(
            "bits and type of a voxel contradict each other",
        ));
    }
    let (slope, intercept) = (
        fields.real(fields.layout.slope, 0),
        fields.real(fields.layout.slope, 1),
    );
    if !slope.is_finite() || !intercept.is_finite() {
        return Err(Refused::Nifti("slope or intercept is not finite"));
    }
    // nifti1.h: a slope of 0 means that values are as stored.
    let (slope, intercept) = if slope == 0.0 {
        (1.0, 0.0)
    } else {
        (slope, intercept)
    };
    Ok(Storage {
        data_type,
        big_endian: fields.big_endian,
        slope,
        intercept,
    })
}

/// The sform where there is one, else the qform (nifti1.h, methods 3 and 2). Without either it is
/// not known where the face is, and left and right are a guess: refused.
fn orientation(fields: &Fields<'_>) -> Result<Affine, Refused> {
    let layout = fields.layout;
    let mut affine = if fields.code(layout.qform, 1) > 0 {
        Affine(std::array::from_fn(|row| {
            std::array::from_fn(|column| fields.real(layout.srow, 4 * row + column))
        }))
    } else if fields.code(layout.qform, 0) > 0 {
        quaternion(fields)
    } else {
        return Err(Refused::Nifti("neither sform nor qform: no orientation"));
    };
    let mm = match fields.bytes.get(layout.units).copied().unwrap_or(0) {
        _ if layout.wide => match fields.code(layout.units, 0) & 7 {
            1 => 1000.0,
            3 => 0.001,
            _ => 1.0,
        },
        units => match units & 7 {
            1 => 1000.0,
            3 => 0.001,
            _ => 1.0,
        },
    };
    for number in affine.0.iter_mut().flatten() {
        *number *= mm;
    }
    if affine.inverse().is_none() {
        return Err(Refused::Nifti(
            "the orientation is not finite or spans no space",
        ));
    }
    Ok(affine)
}

/// nifti1.h, "QUATERNION REPRESENTATION OF ROTATION MATRIX".
fn quaternion(fields: &Fields<'_>) -> Affine {
    let layout = fields.layout;
    let [b, c, d] = [0, 1, 2].map(|at| fields.real(layout.quaternion, at));
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let handed = if fields.real(layout.pixdim, 0) < 0.0 {
        -1.0
    } else {
        1.0
    };
    let step = [1, 2, 3].map(|at| fields.real(layout.pixdim, at));
    let step = [step[0], step[1], step[2] * handed];
    let rotation = [
        [
            a * a + b * b - c * c - d * d,
            2.0 * (b * c - a * d),
            2.0 * (b * d + a * c),
        ],
        [
            2.0 * (b * c + a * d),
            a * a + c * c - b * b - d * d,
            2.0 * (c * d - a * b),
        ],
        [
            2.0 * (b * d - a * c),
            2.0 * (c * d + a * b),
            a * a + d * d - b * b - c * c,
        ],
    ];
    Affine(std::array::from_fn(|row| {
        [
            rotation[row][0] * step[0],
            rotation[row][1] * step[1],
            rotation[row][2] * step[2],
            fields.real(layout.quaternion, 3 + row),
        ]
    }))
}

/// Empties what can hold a name, and has the voxels follow the header at once.
fn clean(header: &mut [u8], layout: &Layout, big_endian: bool) {
    for (start, length) in layout.text {
        header[*start..start + length].fill(0);
    }
    let start = layout.size + 4;
    let put = |header: &mut [u8], bytes: &[u8]| {
        header[layout.offset..layout.offset + bytes.len()].copy_from_slice(bytes);
    };
    match (layout.wide, big_endian) {
        (false, false) => put(header, &(start as f32).to_le_bytes()),
        (false, true) => put(header, &(start as f32).to_be_bytes()),
        (true, false) => put(header, &(start as i64).to_le_bytes()),
        (true, true) => put(header, &(start as i64).to_be_bytes()),
    }
}
