//! Voxels as they are stored, and where they lie in the patient.

use crate::{Affine, Refused};

/// Voxels of one time point: as many as `kura_dicom::MAX_VOXELS`.
pub const MAX_VOXELS: usize = 512 * 512 * 2048;
/// Columns of the affine may deviate from right angles by 3°; a tilted gantry deviates more.
const MAX_SKEW: f64 = 0.052;

/// How one voxel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    F64,
}

impl DataType {
    /// Bytes of one voxel.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// How stored numbers become values: `stored * slope + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storage {
    pub data_type: DataType,
    pub big_endian: bool,
    pub slope: f64,
    pub intercept: f64,
}

/// A volume, or several of one grid (time points, echoes), one after another.
///
/// The stored bytes are kept as they came; [`Volume::fill`] is all that changes them.
#[derive(Debug, Clone)]
pub struct Volume {
    dims: [usize; 3],
    frames: usize,
    affine: Affine,
    storage: Storage,
    stored: Vec<u8>,
}

/// Yes or no for each voxel of one time point, `[k][j][i]` with `i` fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    pub(crate) dims: [usize; 3],
    pub(crate) voxels: Vec<bool>,
}

impl Mask {
    pub(crate) fn empty(dims: [usize; 3]) -> Self {
        Self {
            dims,
            voxels: vec![false; dims.iter().product()],
        }
    }

    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    pub fn count(&self) -> usize {
        self.voxels.iter().filter(|voxel| **voxel).count()
    }

    /// `i` fastest.
    pub fn voxels(&self) -> &[bool] {
        &self.voxels
    }

    /// One slice along `k`: of a DICOM series its pixels row by row. `None` beyond the last.
    pub fn slice(&self, k: usize) -> Option<&[bool]> {
        let size = self.dims[0] * self.dims[1];
        self.voxels.get(k * size..(k + 1) * size)
    }
}

impl Volume {
    /// `stored` holds `frames` volumes of `dims` voxels, `i` fastest. `affine` leads from an
    /// index `[i, j, k]` (whole at a voxel's centre) to mm in RAS: x to the patient's right is
    /// negative, y grows to the front, z to the head.
    ///
    /// # Errors
    /// [`Refused::Volume`] and [`Refused::TooLarge`].
    pub fn new(
        dims: [usize; 3],
        frames: usize,
        affine: Affine,
        storage: Storage,
        stored: Vec<u8>,
    ) -> Result<Self, Refused> {
        let voxels = checked_voxels(dims)?;
        let wanted = voxels
            .checked_mul(frames)
            .and_then(|all| all.checked_mul(storage.data_type.bytes()));
        if frames == 0 || wanted != Some(stored.len()) {
            return Err(Refused::Volume(
                "the voxels are not as many as the sides ask for",
            ));
        }
        if affine.inverse().is_none() {
            return Err(Refused::Volume("the affine does not span space"));
        }
        if affine.skew() > MAX_SKEW {
            return Err(Refused::Volume(
                "the axes are not perpendicular (a tilted gantry?)",
            ));
        }
        if affine
            .spacing()
            .iter()
            .any(|step| !(0.05..=15.0).contains(step))
        {
            return Err(Refused::Volume(
                "the spacing of the voxels is not one of a head, mm expected",
            ));
        }
        if !storage.slope.is_finite() || storage.slope == 0.0 || !storage.intercept.is_finite() {
            return Err(Refused::Volume("slope or intercept is not usable"));
        }
        Ok(Self {
            dims,
            frames,
            affine,
            storage,
            stored,
        })
    }

    /// Of values that are not stored in another way, as of a DICOM series.
    ///
    /// # Errors
    /// As [`Volume::new`].
    pub fn from_values(dims: [usize; 3], affine: Affine, values: &[f32]) -> Result<Self, Refused> {
        let storage = Storage {
            data_type: DataType::F32,
            big_endian: false,
            slope: 1.0,
            intercept: 0.0,
        };
        let stored = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self::new(dims, 1, affine, storage, stored)
    }

    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    /// Time points.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Voxel index to mm, RAS.
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// The bytes of all voxels.
    pub fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// Voxels of one time point.
    pub fn voxels(&self) -> usize {
        self.dims.iter().product()
    }

    /// The values of slice `k` of the first time point, `[row][column]`, `i` fastest. What is no
    /// number, or infinite, is given as `f32::NAN`.
    pub fn slice_values(&self, k: usize, values: &mut Vec<f32>) {
        let size = self.dims[0] * self.dims[1];
        let width = self.storage.data_type.bytes();
        let bytes = self
            .stored
            .get(k * size * width..(k + 1) * size * width)
            .unwrap_or_default();
        let Storage {
            big_endian,
            slope,
            intercept,
            ..
        } = self.storage;
        values.clear();
        macro_rules! decode {
            ($kind:ty) => {
                values.extend(
                    bytes
                        .as_chunks::<{ size_of::<$kind>() }>()
                        .0
                        .iter()
                        .map(|chunk| {
                            let number = if big_endian {
                                <$kind>::from_be_bytes(*chunk)
                            } else {
                                <$kind>::from_le_bytes(*chunk)
                            };
                            let value = (number as f64 * slope + intercept) as f32;
                            if value.is_finite() { value } else { f32::NAN }
                        }),
                )
            };
        }
        match self.storage.data_type {
            DataType::U8 => decode!(u8),
            DataType::I8 => decode!(i8),
            DataType::U16 => decode!(u16),
            DataType::I16 => decode!(i16),
            DataType::U32 => decode!(u32),
            DataType::I32 => decode!(i32),
            DataType::F32 => decode!(f32),
            DataType::F64 => decode!(f64),
        }
    }

    /// Stores the number next to `value` in the masked voxels of every time point. All other
    /// bytes stay.
    ///
    /// # Errors
    /// [`Refused::Volume`] where the mask has other sides.
    pub fn fill(&mut self, mask: &Mask, value: f64) -> Result<(), Refused> {
        if mask.dims != self.dims {
            return Err(Refused::Volume("the mask has other sides"));
        }
        let bytes = self.encode(value);
        let size = mask.voxels.len() * bytes.len();
        for frame in self.stored.chunks_exact_mut(size.max(1)) {
            for (voxel, masked) in frame.chunks_exact_mut(bytes.len()).zip(&mask.voxels) {
                if *masked {
                    voxel.copy_from_slice(&bytes);
                }
            }
        }
        Ok(())
    }

    /// A float to integer cast of Rust saturates, so a value out of range becomes the nearest.
    fn encode(&self, value: f64) -> Vec<u8> {
        let Storage {
            data_type,
            big_endian,
            slope,
            intercept,
        } = self.storage;
        let exact = (value - intercept) / slope;
        let whole = exact.round();
        let mut bytes = match data_type {
            DataType::U8 => vec![whole as u8],
            DataType::I8 => (whole as i8).to_le_bytes().to_vec(),
            DataType::U16 => (whole as u16).to_le_bytes().to_vec(),
            DataType::I16 => (whole as i16).to_le_bytes().to_vec(),
            DataType::U32 => (whole as u32).to_le_bytes().to_vec(),
            DataType::I32 => (whole as i32).to_le_bytes().to_vec(),
            DataType::F32 => (exact as f32).to_le_bytes().to_vec(),
            DataType::F64 => exact.to_le_bytes().to_vec(),
        };
        if big_endian {
            bytes.reverse();
        }
        bytes
    }
}

pub(crate) fn checked_voxels(dims: [usize; 3]) -> Result<usize, Refused> {
    if dims.contains(&0) {
        return Err(Refused::Volume("a side has no voxels"));
    }
    let voxels = dims
        .iter()
        .try_fold(1_usize, |count, side| count.checked_mul(*side))
        .filter(|count| *count <= MAX_VOXELS)
        .ok_or(Refused::TooLarge("voxels"))?;
    Ok(voxels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_masked_voxels_change_in_every_type() {
        let types = [
            DataType::U8,
            DataType::I8,
            DataType::U16,
            DataType::I16,
            DataType::U32,
            DataType::I32,
            DataType::F32,
            DataType::F64,
        ];
        for data_type in types {
            for big_endian in [false, true] {
                let storage = Storage {
                    data_type,
                    big_endian,
                    slope: 2.0,
                    intercept: 3.0,
                };
                let stored: Vec<u8> = (0..2 * 8 * data_type.bytes())
                    .map(|at| at as u8 % 64)
                    .collect();
                let mut volume =
                    Volume::new([2; 3], 2, Affine::IDENTITY, storage, stored.clone()).unwrap();
                let mut mask = Mask::empty([2; 3]);
                mask.voxels[5] = true;
                volume.fill(&mask, 43.0).unwrap();
                let mut values = Vec::new();
                volume.slice_values(1, &mut values);
                assert_eq!(values[1], 43.0, "{data_type:?}");
                let width = data_type.bytes();
                for (at, (before, after)) in stored
                    .chunks(width)
                    .zip(volume.stored().chunks(width))
                    .enumerate()
                {
                    if at % 8 != 5 {
                        assert_eq!(before, after);
                    }
                }
            }
        }
    }

    #[test]
    fn what_makes_no_volume_is_refused() {
        let storage = Storage {
            data_type: DataType::U8,
            big_endian: false,
            slope: 1.0,
            intercept: 0.0,
        };
        let make = |dims, affine, storage, bytes| {
            Volume::new(dims, 1, affine, storage, vec![0; bytes]).is_err()
        };
        assert!(make([0, 1, 1], Affine::IDENTITY, storage, 0));
        assert!(make([usize::MAX, 2, 2], Affine::IDENTITY, storage, 0));
        assert!(make([2; 3], Affine::IDENTITY, storage, 7));
        assert!(make([2; 3], Affine([[0.0; 4]; 3]), storage, 8));
        let mut tilted = Affine::IDENTITY;
        tilted.0[1][2] = 0.3;
        assert!(make([2; 3], tilted, storage, 8));
        assert!(make(
            [2; 3],
            Affine::IDENTITY,
            Storage {
                slope: 0.0,
                ..storage
            },
            8
        ));
        assert!(!make([2; 3], Affine::IDENTITY, storage, 8));
    }
}
