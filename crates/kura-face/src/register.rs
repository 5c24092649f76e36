//! Where the template lies on a volume: twelve numbers, found by normalised mutual information
//! (Studholme, Hill and Hawkes 1999, doi:10.1016/S0031-3203(98)00091-0), which asks nothing of the
//! contrast, from many poses and at three sizes (as FLIRT does; Jenkinson et al. 2002,
//! doi:10.1006/nimg.2002.1132).

use crate::optimise::{lowest, on_all_cores};
use crate::template::Template;
use crate::work::{LEVELS, Work};
use crate::{Affine, Refused};

/// The middle of the template's head, mm; rotations turn about it.
const MIDDLE: [f64; 3] = [0.0, -18.0, 4.0];
/// mm from top to bottom of the template's head.
const HEIGHT: f64 = 157.0;
/// Air around the head that takes part, mm.
const AROUND: f32 = 20.0;
/// Of the template's points this share must lie in the volume.
const LEAST_SHARE: f64 = 0.45;

/// Shift (mm), rotation about x, y, z (radians), logarithm of scale, shear.
pub(crate) type Pose = [f64; 12];

const FIRST_STEPS: Pose = [
    8.0, 8.0, 8.0, 0.12, 0.12, 0.12, 0.08, 0.08, 0.08, 0.05, 0.05, 0.05,
];

pub(crate) struct Fit {
    pub pose: Pose,
    /// Template mm to mm of the volume.
    pub map: Affine,
    pub nmi: f64,
    /// mm between where this fit and the best from another start put the template, on average.
    pub disagreement: f64,
}

/// The volume at one size, as ranks.
struct Picture {
    dims: [usize; 3],
    to_voxel: Affine,
    ranks: Vec<f32>,
}

/// Points of the template at one size.
struct Points {
    places: Vec<[f64; 3]>,
    ranks: Vec<u8>,
}

/// The pose as a map from mm of the template to mm of the volume; `centre` is what [`MIDDLE`]
/// goes to before any shift.
pub(crate) fn map(pose: &Pose, centre: [f64; 3]) -> Affine {
    let rotation = rotation(pose);
    let scale = [pose[6].exp(), pose[7].exp(), pose[8].exp()];
    let shear = Affine([
        [scale[0], pose[9] * scale[0], pose[10] * scale[0], 0.0],
        [0.0, scale[1], pose[11] * scale[1], 0.0],
        [0.0, 0.0, scale[2], 0.0],
    ]);
    let mut whole = rotation.after(&shear);
    let turned = whole.apply(MIDDLE);
    for axis in 0..3 {
        whole.0[axis][3] = centre[axis] + pose[axis] - turned[axis];
    }
    whole
}

fn rotation(pose: &Pose) -> Affine {
    let ([sx, sy, sz], [cx, cy, cz]) = (
        [pose[3].sin(), pose[4].sin(), pose[5].sin()],
        [pose[3].cos(), pose[4].cos(), pose[5].cos()],
    );
    Affine([
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx, 0.0],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx, 0.0],
        [-sy, cy * sx, cy * cx, 0.0],
    ])
}

/// Degrees by which a pose turns the head: the angle of its rotation.
pub(crate) fn tilt(pose: &Pose) -> f64 {
    let m = rotation(pose).0;
    ((m[0][0] + m[1][1] + m[2][2] - 1.0) / 2.0)
        .clamp(-1.0, 1.0)
        .acos()
        .to_degrees()
}

pub(crate) fn fit(work: &Work) -> Result<Fit, Refused> {
    let template = Template::get()?;
    let ranks = work.ranks();
    let [coarse, middle, fine] = [7.0, 4.0, 2.0].map(|mm| Picture::new(work, &ranks, mm));
    let [few, some, many] = [5, 3, 2].map(|step| Points::of(template, step));
    let centre = top_centre(work, 0.85);

    // Every pose, then the better ones shifted, turned and scaled as a whole.
    let starts = starts(work, centre);
    let costs = on_all_cores(&starts, |pose| cost(pose, centre, &few, &coarse));
    let kept = distinct(starts.into_iter().zip(costs).collect(), centre, 8, 15.0);
    let refined = on_all_cores(&kept, |(pose, _)| {
        let whole = |seven: &[f64; 7]| cost(&widened(pose, seven), centre, &few, &coarse);
        let (seven, low) = lowest(
            whole,
            [0.0; 7],
            [10.0, 10.0, 10.0, 0.15, 0.15, 0.15, 0.1],
            0.1,
            300,
        );
        (widened(pose, &seven), low)
    });
    // Twelve numbers, at two more sizes.
    let kept = distinct(refined, centre, 5, 8.0);
    let half = FIRST_STEPS.map(|step| step * 0.6);
    let refined = on_all_cores(&kept, |(pose, _)| {
        lowest(
            |pose| cost(pose, centre, &some, &middle),
            *pose,
            half,
            0.05,
            900,
        )
    });
    let kept = distinct(refined, centre, 2, 0.0);
    let small = FIRST_STEPS.map(|step| step * 0.25);
    let mut last = on_all_cores(&kept, |(pose, _)| {
        lowest(
            |pose| cost(pose, centre, &some, &fine),
            *pose,
            small,
            0.05,
            400,
        )
    });
    last.sort_by(|a, b| a.1.total_cmp(&b.1));
    let Some((pose, _)) = last.first().copied() else {
        return Err(Refused::NoHead("the template fits nowhere"));
    };
    let map = map(&pose, centre);
    let disagreement = last
        .get(1)
        .map_or(0.0, |(other, _)| apart(&map, &self::map(other, centre)));
    let nmi = information(&map, &many, &fine).0;
    Ok(Fit {
        pose,
        map,
        nmi,
        disagreement,
    })
}

/// A pose with shift, rotation and one scale added.
fn widened(pose: &Pose, seven: &[f64; 7]) -> Pose {
    let mut made = *pose;
    for at in 0..6 {
        made[at] += seven[at];
    }
    for scale in &mut made[6..9] {
        *scale += seven[6];
    }
    made
}

/// Tilts up to 40° about each axis and sizes from a small child's to a large man's, whose head's
/// upper part has its middle where the volume's has.
fn starts(work: &Work, centre: [f64; 3]) -> Vec<Pose> {
    let turns = [-40.0_f64, -20.0, 0.0, 20.0, 40.0].map(f64::to_radians);
    let mut starts = Vec::new();
    for scale in [0.66_f64, 0.8, 0.95] {
        let there = top_centre(work, scale);
        for x in turns {
            for y in turns {
                for z in turns {
                    let mut pose = [0.0; 12];
                    for axis in 0..3 {
                        pose[axis] = there[axis] - centre[axis];
                    }
                    pose[3..6].copy_from_slice(&[x, y, z]);
                    pose[6..9].fill(scale.ln());
                    starts.push(pose);
                }
            }
        }
    }
    starts
}

/// mm, the middle of the upper part of the head: neck and shoulders must not pull it down.
fn top_centre(work: &Work, scale: f64) -> [f64; 3] {
    let head = &work.head;
    let places: Vec<[f64; 3]> = (0..head.inside.len())
        .step_by(7)
        .filter(|at| head.inside[*at])
        .map(|at| work.affine.apply(head.index(at).map(|index| index as f64)))
        .collect();
    let mut heights: Vec<f64> = places.iter().map(|place| place[2]).collect();
    heights.sort_unstable_by(f64::total_cmp);
    // Not the highest of all: a cable or a marker may stand up.
    let top = heights
        .get(heights.len() * 999 / 1000)
        .copied()
        .unwrap_or(0.0);
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for place in places {
        if place[2] > top - HEIGHT * scale {
            for axis in 0..3 {
                sum[axis] += place[axis];
            }
            count += 1.0;
        }
    }
    sum.map(|sum| sum / f64::max(count, 1.0))
}

/// The best poses, no two of which put the template within `mm` of each other.
fn distinct(
    mut poses: Vec<(Pose, f64)>,
    centre: [f64; 3],
    most: usize,
    mm: f64,
) -> Vec<(Pose, f64)> {
    poses.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut kept: Vec<(Pose, f64)> = Vec::new();
    for (pose, low) in poses {
        let here = map(&pose, centre);
        if kept
            .iter()
            .all(|(other, _)| apart(&here, &map(other, centre)) >= mm)
        {
            kept.push((pose, low));
        }
        if kept.len() == most {
            break;
        }
    }
    kept
}

/// mm between where two maps put the face, the ears, the top and the back of the head.
fn apart(a: &Affine, b: &Affine) -> f64 {
    const MARKS: [[f64; 3]; 6] = [
        [0.0, 85.0, -45.0],
        [0.0, 75.0, -110.0],
        [78.0, -25.0, -45.0],
        [-78.0, -25.0, -45.0],
        [0.0, -20.0, 84.0],
        [0.0, -115.0, 0.0],
    ];
    let far = |mark: [f64; 3]| {
        let (a, b) = (a.apply(mark), b.apply(mark));
        (0..3)
            .map(|axis| (a[axis] - b[axis]).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    MARKS.into_iter().map(far).sum::<f64>() / MARKS.len() as f64
}

/// Lower is better: mutual information, less what makes a head of no human shape, more where the
/// template leaves the volume.
fn cost(pose: &Pose, centre: [f64; 3], points: &Points, picture: &Picture) -> f64 {
    let (nmi, share) = information(&map(pose, centre), points, picture);
    let size = (pose[6] + pose[7] + pose[8]) / 3.0;
    let uneven: f64 = pose[6..9]
        .iter()
        .map(|scale| ((scale - size) / 0.08).powi(2))
        .sum();
    let sheared: f64 = pose[9..12].iter().map(|shear| (shear / 0.08).powi(2)).sum();
    // The average head of MNI152 is larger than most: a man's is 0.9 of it.
    let unlike = ((size + 0.15) / 0.2).powi(2);
    let left_out = (LEAST_SHARE - share).max(0.0) * 10.0;
    -nmi + 0.004 * (uneven + sheared + unlike) + left_out
}

/// Normalised mutual information of the points within the volume, and their share.
fn information(map: &Affine, points: &Points, picture: &Picture) -> (f64, f64) {
    let to_voxel = picture.to_voxel.after(map);
    let mut joint = [[0.0_f32; LEVELS + 1]; LEVELS];
    let mut inside = 0_usize;
    for (place, rank) in points.places.iter().zip(&points.ranks) {
        if let Some(value) = picture.at(to_voxel.apply(*place)) {
            inside += 1;
            let low = (value as usize).min(LEVELS - 1);
            let part = value - low as f32;
            let row = &mut joint[usize::from(*rank)];
            row[low] += 1.0 - part;
            row[low + 1] += part;
        }
    }
    let total = inside as f64;
    if inside == 0 {
        return (0.0, 0.0);
    }
    let entropy = |counts: &mut dyn Iterator<Item = f32>| -> f64 {
        counts
            .filter(|count| *count > 0.0)
            .map(|count| {
                let share = f64::from(count) / total;
                -share * share.ln()
            })
            .sum()
    };
    let ours = entropy(&mut joint.iter().map(|row| row.iter().sum()));
    let theirs = entropy(&mut (0..=LEVELS).map(|at| joint.iter().map(|row| row[at]).sum()));
    let both = entropy(&mut joint.iter().flatten().copied());
    let nmi = if both > 0.0 {
        (ours + theirs) / both
    } else {
        0.0
    };
    (nmi, total / points.places.len() as f64)
}

impl Points {
    fn of(template: &Template, step: usize) -> Self {
        let (mut places, mut ranks) = (Vec::new(), Vec::new());
        for (at, far) in template.from_head.iter().enumerate() {
            let index = template.head.index(at);
            if *far <= AROUND && index.iter().all(|index| index % step == step / 2) {
                places.push(template.position(at));
                ranks.push((template.ranks[at] as u8).min(LEVELS as u8 - 1));
            }
        }
        Self { places, ranks }
    }
}

impl Picture {
    /// Blocks of about `mm`, and as smooth as that.
    fn new(work: &Work, ranks: &[f32], mm: f64) -> Self {
        let dims = work.head.dims;
        let factor: [usize; 3] = std::array::from_fn(|axis| {
            ((mm / work.head.spacing[axis] + 0.2).floor() as usize).clamp(1, dims[axis])
        });
        let blocks: [usize; 3] = std::array::from_fn(|axis| dims[axis].div_ceil(factor[axis]));
        let count = blocks.iter().product();
        let (mut sums, mut counts) = (vec![0.0_f32; count], vec![0.0_f32; count]);
        for (at, rank) in ranks.iter().enumerate() {
            let [i, j, k] = work.head.index(at);
            let block = i / factor[0] + blocks[0] * (j / factor[1] + blocks[1] * (k / factor[2]));
            sums[block] += rank;
            counts[block] += 1.0;
        }
        let mut ranks: Vec<f32> = sums
            .iter()
            .zip(&counts)
            .map(|(sum, count)| sum / count)
            .collect();
        for (axis, factor) in factor.iter().enumerate() {
            // Thick slices are smooth enough along their normal.
            if work.head.spacing[axis] * (*factor as f64) < 1.6 * mm {
                smooth(&mut ranks, blocks, axis);
            }
        }
        let mut within = Affine::IDENTITY;
        for (axis, factor) in factor.iter().enumerate() {
            within.0[axis][axis] = *factor as f64;
            within.0[axis][3] = (*factor as f64 - 1.0) / 2.0;
        }
        Self {
            dims: blocks,
            // Inverted already when the volume was made; the identity cannot come about.
            to_voxel: work
                .affine
                .after(&within)
                .inverse()
                .unwrap_or(Affine::IDENTITY),
            ranks,
        }
    }

    /// Between the eight neighbours; `None` outside, half a voxel beyond the last centre.
    fn at(&self, index: [f64; 3]) -> Option<f32> {
        let (mut low, mut part) = ([0; 3], [0.0_f32; 3]);
        for axis in 0..3 {
            let last = self.dims[axis] - 1;
            if !(-0.5..=last as f64 + 0.5).contains(&index[axis]) {
                return None;
            }
            let inside = index[axis].clamp(0.0, last as f64);
            low[axis] = (inside as usize).min(last.saturating_sub(1));
            part[axis] = (inside - low[axis] as f64) as f32;
        }
        let [columns, rows, slices] = self.dims;
        let start = low[0] + columns * (low[1] + rows * low[2]);
        let right = usize::from(columns > 1);
        let down = if rows > 1 { columns } else { 0 };
        let next = if slices > 1 { columns * rows } else { 0 };
        let along = |at: usize| self.ranks[at] * (1.0 - part[0]) + self.ranks[at + right] * part[0];
        let plane = |at: usize| along(at) * (1.0 - part[1]) + along(at + down) * part[1];
        Some(plane(start) * (1.0 - part[2]) + plane(start + next) * part[2])
    }
}

/// 1 2 1 along an axis.
fn smooth(values: &mut [f32], dims: [usize; 3], axis: usize) {
    let stride: usize = dims[..axis].iter().product();
    let before = values.to_vec();
    for at in 0..values.len() {
        let index = at / stride % dims[axis];
        let back = if index > 0 {
            before[at - stride]
        } else {
            before[at]
        };
        let next = if index + 1 < dims[axis] {
            before[at + stride]
        } else {
            before[at]
        };
        values[at] = 0.25 * back + 0.5 * before[at] + 0.25 * next;
    }
}
