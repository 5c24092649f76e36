//! A head whose truth is known, turned, scaled, stored and coloured in many ways.
//!
//! The head is `t1_crop.nii.gz` of niivue/deface, which ends below the nose. What is below is made
//! here: its lowest slice, narrowed to a chin and a neck. Nose, eyes and ears were placed by hand
//! on the original; the brain is the white and grey matter that a network of another maker found
//! there (`tests/data/t1_crop_brain.bits.gz`: MeshNet of neuroneural/brainchop run on the original
//! by ONNX Runtime, its largest part, one bit a voxel, `i` fastest).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kura_face::{Affine, DataType, Nifti, Storage, Volume};

pub const NOSE: u8 = 1;
pub const EYES: u8 = 2;
pub const LEFT_EAR: u8 = 4;
pub const RIGHT_EAR: u8 = 8;
pub const MOUTH_AND_CHIN: u8 = 16;
pub const BRAIN: u8 = 32;
/// Inside the head, cavities and bone among it.
pub const HEAD: u8 = 64;

pub const PARTS: [(&str, u8); 5] = [
    ("nose", NOSE),
    ("eyes", EYES),
    ("left ear", LEFT_EAR),
    ("right ear", RIGHT_EAR),
    ("mouth and chin", MOUTH_AND_CHIN),
];

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn shared(path: &str) -> Option<PathBuf> {
    let found = repository().join("../shared/data").join(path);
    if found.exists() {
        Some(found)
    } else {
        eprintln!("SKIPPED: ../shared/data/{path} is not here");
        None
    }
}

/// Bytes of the original file.
pub fn original() -> Option<Vec<u8>> {
    shared("imaging/faces/t1_crop.nii.gz").map(|path| std::fs::read(path).unwrap())
}

/// In RAS, 1 mm; voxel `[c, r, s]` lies at `[c − 127.4, r − 133.48, s − 184.52]`.
pub struct Truth {
    pub bright: Vec<u8>,
    pub parts: Vec<u8>,
}

const SIDES: [usize; 3] = [256, 256, 320];
const ORIGIN: [f64; 3] = [-127.4, -133.48, -184.52];
/// Slices added below.
const BELOW: usize = 64;
/// The lowest slice of the original that is whole.
const LAST: usize = 110;
/// About what heads are turned, mm.
pub const PIVOT: [f64; 3] = [0.0, -5.0, -20.0];

static TRUTH: LazyLock<Option<Truth>> = LazyLock::new(|| original().map(|bytes| truth(&bytes)));

pub fn head() -> Option<&'static Truth> {
    TRUTH.as_ref()
}

fn place(c: usize, r: usize, s: usize) -> usize {
    c + SIDES[0] * (r + SIDES[1] * s)
}

fn truth(packed: &[u8]) -> Truth {
    let file = Nifti::read(packed, 1 << 26).unwrap();
    let stored = file.volume.stored();
    let mut brain = Vec::new();
    let bits: &[u8] = include_bytes!("../data/t1_crop_brain.bits.gz");
    flate2::read::GzDecoder::new(bits)
        .read_to_end(&mut brain)
        .unwrap();
    let count = SIDES.iter().product();
    let (mut bright, mut parts) = (vec![0_u8; count], vec![0_u8; count]);
    for j in 0..256 {
        for k in 0..256 {
            for i in 0..256 {
                let from = i + 256 * (j + 256 * k);
                let to = place(255 - i, k, 255 - j + BELOW);
                let value = stored[from];
                bright[to] = value;
                if brain[from / 8] >> (7 - from % 8) & 1 == 1 {
                    parts[to] |= BRAIN;
                }
                if value > 25 {
                    parts[to] |= by_hand(i as f64, j as f64, k as f64);
                }
            }
        }
    }
    lower_face(&mut bright, &mut parts);
    for (at, inside) in within(&bright).into_iter().enumerate() {
        parts[at] |= if inside { HEAD } else { 0 };
    }
    Truth { bright, parts }
}

/// On the original's indices: tip of the nose, both lids, both auricles.
fn by_hand(i: f64, j: f64, k: f64) -> u8 {
    let near = |at: [f64; 3], mm: f64| {
        (i - at[0]).powi(2) + (j - at[1]).powi(2) + (k - at[2]).powi(2) < mm * mm
    };
    let beside = (146.0..198.0).contains(&j) && (68.0..114.0).contains(&k);
    if near([132.0, 203.0, 232.0], 16.0) {
        NOSE
    } else if near([95.0, 166.0, 206.0], 12.0) || near([161.0, 166.0, 206.0], 12.0) {
        EYES
    } else if beside && i >= 202.0 {
        LEFT_EAR
    } else if beside && i <= 54.0 {
        RIGHT_EAR
    } else {
        0
    }
}

fn lower_face(bright: &mut [u8], parts: &mut [u8]) {
    for s in 0..LAST {
        let down = (LAST - s) as f64;
        let narrow = if down <= 48.0 {
            1.0 - 0.22 * (down / 48.0).powi(2)
        } else {
            0.5
        };
        for r in 0..256 {
            for c in 0..256 {
                let to = place(c, r, s);
                let source = [
                    127.5 + (c as f64 - 127.5) / narrow,
                    105.0 + (r as f64 - 105.0) / narrow,
                ];
                let there =
                    source[0] >= 0.0 && source[0] < 255.0 && source[1] >= 0.0 && source[1] < 222.0;
                bright[to] = if there && down < 100.0 {
                    bright[place(source[0] as usize, source[1] as usize, LAST)]
                } else {
                    0
                };
                parts[to] = 0;
                let front = (source[0] - 127.5).abs() < 30.0 && source[1] > 196.0;
                if bright[to] > 25 && front && (8.0..48.0).contains(&down) {
                    parts[to] = MOUTH_AND_CHIN;
                }
            }
        }
    }
}

/// What the air around does not reach.
fn within(bright: &[u8]) -> Vec<bool> {
    let mut inside = vec![true; bright.len()];
    let mut waiting = vec![0];
    inside[0] = false;
    while let Some(at) = waiting.pop() {
        let index = [at % 256, at / 256 % 256, at / 65536];
        for (axis, stride) in [1, 256, 65536].into_iter().enumerate() {
            let mut enter = |next: usize| {
                if inside[next] && bright[next] <= 20 {
                    inside[next] = false;
                    waiting.push(next);
                }
            };
            if index[axis] > 0 {
                enter(at - stride);
            }
            if index[axis] + 1 < SIDES[axis] {
                enter(at + stride);
            }
        }
    }
    inside
}

/// How the head is held, seen and stored.
#[derive(Clone)]
pub struct Look {
    /// Degrees about x, y and z (RAS), in this order.
    pub turn: [f64; 3],
    pub scale: f64,
    pub dims: [usize; 3],
    /// Index to mm; the middle of the grid is put on the pivot.
    pub steps: [[f64; 3]; 3],
    /// mm by which the grid's middle is away from the pivot.
    pub away: [f64; 3],
    pub contrast: Contrast,
    pub storage: Storage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contrast {
    T1,
    /// T1 with the noise of a fast acquisition.
    Noisy,
    /// Bright where T1 is dark.
    Inverted,
    /// Hounsfield units: bone where T1 is dark in the head, −1000 around.
    Ct,
}

pub const MM: f64 = 2.0;

impl Default for Look {
    fn default() -> Self {
        Self {
            turn: [0.0; 3],
            scale: 1.0,
            dims: [133, 140, 140],
            steps: [[MM, 0.0, 0.0], [0.0, MM, 0.0], [0.0, 0.0, MM]],
            away: [0.0; 3],
            contrast: Contrast::T1,
            storage: Storage {
                data_type: DataType::I16,
                big_endian: false,
                slope: 1.0,
                intercept: 0.0,
            },
        }
    }
}

/// A volume, and which parts of the head each voxel holds.
pub struct Seen {
    pub volume: Volume,
    pub parts: Vec<u8>,
}

impl Look {
    pub fn turned(turn: [f64; 3]) -> Self {
        Self {
            turn,
            ..Self::default()
        }
    }

    pub fn affine(&self) -> Affine {
        let middle = self.dims.map(|side| (side as f64 - 1.0) / 2.0);
        Affine(std::array::from_fn(|row| {
            let [a, b, c] = [0, 1, 2].map(|axis| self.steps[axis][row]);
            let along = a * middle[0] + b * middle[1] + c * middle[2];
            [a, b, c, PIVOT[row] + self.away[row] - along]
        }))
    }

    pub fn see(&self, head: &Truth) -> Seen {
        let affine = self.affine();
        let back = self.to_head();
        let index = back.after(&affine);
        let [columns, rows, slices] = self.dims;
        let mut parts = Vec::with_capacity(columns * rows * slices);
        let mut stored = Vec::new();
        let mut noise = 1_u32;
        for k in 0..slices {
            for j in 0..rows {
                for i in 0..columns {
                    let at = index.apply([i as f64, j as f64, k as f64]);
                    let (bright, part) = sample(head, at);
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let random = f64::from(noise >> 8) / f64::from(1 << 24);
                    let value = self.contrast.value(bright, part, random);
                    self.store(value, &mut stored);
                    parts.push(part);
                }
            }
        }
        Seen {
            volume: Volume::new(self.dims, 1, affine, self.storage, stored).unwrap(),
            parts,
        }
    }

    /// mm of the volume to voxels of the truth.
    fn to_head(&self) -> Affine {
        let [x, y, z] = self.turn.map(f64::to_radians);
        let about = |axis: usize, angle: f64| {
            let (sine, cosine) = angle.sin_cos();
            let (a, b) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut m = Affine::IDENTITY;
            m.0[a][a] = cosine;
            m.0[b][b] = cosine;
            m.0[a][b] = -sine;
            m.0[b][a] = sine;
            m
        };
        let mut whole = about(2, z).after(&about(1, y)).after(&about(0, x));
        for number in whole.0.iter_mut().flatten() {
            *number *= self.scale;
        }
        let moved = whole.apply(PIVOT);
        for (axis, row) in whole.0.iter_mut().enumerate() {
            row[3] = PIVOT[axis] - moved[axis];
        }
        let mut back = whole.inverse().unwrap();
        for (axis, row) in back.0.iter_mut().enumerate() {
            row[3] -= ORIGIN[axis];
        }
        back
    }

    fn store(&self, value: f64, stored: &mut Vec<u8>) {
        let exact = (value - self.storage.intercept) / self.storage.slope;
        let mut bytes = match self.storage.data_type {
            DataType::U8 => vec![exact.round() as u8],
            DataType::I16 => (exact.round() as i16).to_le_bytes().to_vec(),
            DataType::U16 => (exact.round() as u16).to_le_bytes().to_vec(),
            DataType::F32 => (exact as f32).to_le_bytes().to_vec(),
            other => panic!("{other:?} is not made here"),
        };
        if self.storage.big_endian {
            bytes.reverse();
        }
        stored.extend(bytes);
    }
}

impl Contrast {
    fn value(self, bright: f64, part: u8, random: f64) -> f64 {
        let head = part & HEAD != 0;
        match self {
            Self::T1 => bright,
            Self::Noisy => {
                ((bright + 14.0 * (random - 0.5)).powi(2) + (12.0 * random).powi(2)).sqrt()
            }
            Self::Inverted if head => (260.0 - bright).max(60.0),
            Self::Inverted => 8.0 * random,
            Self::Ct if !head => -1000.0 + 10.0 * random,
            Self::Ct if bright < 32.0 => 900.0,
            Self::Ct => bright * 0.3 + 30.0 * random - 15.0,
        }
    }

    /// Above this a voxel is surely no air.
    pub fn tissue(self) -> f32 {
        match self {
            Self::Ct => -200.0,
            _ => 45.0,
        }
    }
}

/// Brightness between eight voxels, and the parts of the nearest one.
fn sample(head: &Truth, at: [f64; 3]) -> (f64, u8) {
    for axis in 0..3 {
        if !(at[axis] >= 0.0 && at[axis] < SIDES[axis] as f64 - 1.0) {
            return (0.0, 0);
        }
    }
    let low = at.map(|at| at as usize);
    let part: [f64; 3] = std::array::from_fn(|axis| at[axis] - low[axis] as f64);
    let start = place(low[0], low[1], low[2]);
    let along = |at: usize| {
        f64::from(head.bright[at]) * (1.0 - part[0]) + f64::from(head.bright[at + 1]) * part[0]
    };
    let plane = |at: usize| along(at) * (1.0 - part[1]) + along(at + 256) * part[1];
    let value = plane(start) * (1.0 - part[2]) + plane(start + 65536) * part[2];
    let near = at.map(|at| at.round() as usize);
    (value, head.parts[place(near[0], near[1], near[2])])
}
