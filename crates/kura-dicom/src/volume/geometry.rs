use kura_model::Refusal;

use super::MAX_VOXELS;

/// A regular grid of voxels in the patient's coordinates (PS3.3 C.7.6.2.1.1): x grows toward the
/// patient's left, y toward the back, z toward the head (LPS), in mm.
///
/// An index is `[column, row, slice]`, and the index of a voxel's centre is whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// mm between the centres of neighbours along each index.
    pub spacing: [f64; 3],
    /// mm, the centre of voxel `[0, 0, 0]`.
    pub origin: [f64; 3],
    /// Unit vectors along which each index grows. Of a series read here they are perpendicular and
    /// right-handed; of [`Geometry::centred`] they may be left-handed.
    pub axes: [[f64; 3]; 3],
}

impl Geometry {
    pub fn voxels(&self) -> usize {
        self.size
            .iter()
            .fold(1, |count, side| count.saturating_mul(*side))
    }

    /// mm³.
    pub fn voxel_volume(&self) -> f64 {
        determinant(&self.steps()).abs()
    }

    /// mm of an index.
    pub fn position(&self, index: [f64; 3]) -> [f64; 3] {
        let along = apply(&self.steps(), index);
        std::array::from_fn(|at| self.origin[at] + along[at])
    }

    /// The index of a position; `None` where the axes do not span space.
    pub fn index(&self, position: [f64; 3]) -> Option<[f64; 3]> {
        let inverse = invert(&self.steps())?;
        Some(apply(
            &inverse,
            std::array::from_fn(|at| position[at] - self.origin[at]),
        ))
    }

    /// mm, the middle of the grid: halfway between the first voxel's centre and the last's.
    pub fn centre(&self) -> [f64; 3] {
        self.position(self.size.map(|side| (side as f64 - 1.0) / 2.0))
    }

    /// A grid with the same middle along the patient's axes. `orientation` names the direction
    /// toward which each index grows: one of `L` `R`, one of `P` `A` and one of `S` `I` (or `H`
    /// `F`), in the order column, row, slice; `LIA` is what FreeSurfer calls conformed.
    ///
    /// # Errors
    /// `geometry-orientation`, `geometry-spacing` (not above 0), `geometry-size` (nothing, or more
    /// than [`MAX_VOXELS`]).
    pub fn centred(
        &self,
        size: [usize; 3],
        spacing: [f64; 3],
        orientation: &str,
    ) -> Result<Self, Refusal> {
        let axes = axes_of(orientation).ok_or_else(|| {
            Refusal::new(
                "geometry-orientation",
                "three letters: one of L R, one of P A, one of S I",
            )
        })?;
        if !spacing.iter().all(|step| step.is_finite() && *step > 0.0) {
            return Err(Refusal::new(
                "geometry-spacing",
                "the spacing must be above 0",
            ));
        }
        let mut grid = Self {
            size,
            spacing,
            origin: [0.0; 3],
            axes,
        };
        if !(1..=MAX_VOXELS).contains(&grid.voxels()) {
            return Err(Refusal::new(
                "geometry-size",
                "no voxels, or more than allowed",
            ));
        }
        let (ours, theirs) = (self.centre(), grid.centre());
        grid.origin = std::array::from_fn(|at| ours[at] - theirs[at]);
        Ok(grid)
    }

    /// What makes an index of `self` of an index in `to`: a matrix and what is added.
    pub(super) fn of_index_in(&self, to: &Self) -> Option<(Matrix, [f64; 3])> {
        let inverse = invert(&self.steps())?;
        let offset = apply(
            &inverse,
            std::array::from_fn(|at| to.origin[at] - self.origin[at]),
        );
        Some((multiply(&inverse, &to.steps()), offset))
    }

    /// `[row][column]`: the columns are what one step of each index is in mm.
    fn steps(&self) -> Matrix {
        std::array::from_fn(|row| {
            std::array::from_fn(|column| self.axes[column][row] * self.spacing[column])
        })
    }
}

pub(super) type Matrix = [[f64; 3]; 3];

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn apply(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| dot(row, vector))
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let columns: Matrix = std::array::from_fn(|at| b.map(|row| row[at]));
    a.map(|row| columns.map(|column| dot(row, column)))
}

fn determinant(m: &Matrix) -> f64 {
    dot(m[0], cross(m[1], m[2]))
}

/// By Cramer's rule.
fn invert(m: &Matrix) -> Option<Matrix> {
    let determinant = determinant(m);
    if !determinant.is_finite() || determinant == 0.0 {
        return None;
    }
    let columns = [cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])];
    Some(std::array::from_fn(|row| {
        std::array::from_fn(|column| columns[column][row] / determinant)
    }))
}

fn axes_of(orientation: &str) -> Option<Matrix> {
    let letters: Vec<char> = orientation.chars().collect();
    let [a, b, c] = letters.as_slice() else {
        return None;
    };
    let axes = [*a, *b, *c].map(|letter| match letter {
        'L' => [1.0, 0.0, 0.0],
        'R' => [-1.0, 0.0, 0.0],
        'P' => [0.0, 1.0, 0.0],
        'A' => [0.0, -1.0, 0.0],
        'S' | 'H' => [0.0, 0.0, 1.0],
        'I' | 'F' => [0.0, 0.0, -1.0],
        _ => [0.0; 3],
    });
    // Two of one axis, or a letter that is none, span nothing.
    (determinant(&axes) != 0.0).then_some(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conformed_grid_keeps_the_middle() {
        let scan = Geometry {
            size: [256, 256, 20],
            spacing: [0.9, 0.9, 5.0],
            origin: [-115.0, -120.0, -40.0],
            axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        };
        let lia = scan.centred([256; 3], [1.0; 3], "LIA").unwrap();
        assert_eq!(lia.voxel_volume(), 1.0);
        for (ours, theirs) in scan.centre().iter().zip(lia.centre()) {
            assert!((ours - theirs).abs() < 1e-9);
        }
        // One step of the second index goes down, one of the third goes forward.
        let first = lia.position([0.0; 3]);
        let next = lia.position([1.0, 1.0, 1.0]);
        assert_eq!(
            [next[0] - first[0], next[1] - first[1], next[2] - first[2]],
            [1.0, -1.0, -1.0]
        );
        for wrong in ["LIL", "LI", "LIX", "lia", "LIAA"] {
            let refusal = scan.centred([2; 3], [1.0; 3], wrong).unwrap_err();
            assert_eq!(refusal.rule, "geometry-orientation", "{wrong}");
        }
        let refuse = |size, spacing| scan.centred(size, spacing, "LPS").unwrap_err().rule;
        assert_eq!(refuse([0, 1, 1], [1.0; 3]), "geometry-size");
        assert_eq!(refuse([usize::MAX, 2, 2], [1.0; 3]), "geometry-size");
        assert_eq!(refuse([2; 3], [1.0, 0.0, 1.0]), "geometry-spacing");
    }

    #[test]
    fn index_undoes_position() {
        let (sine, cosine) = 0.4_f64.sin_cos();
        let oblique = Geometry {
            size: [4, 5, 6],
            spacing: [0.5, 0.75, 3.0],
            origin: [10.0, -20.0, 30.0],
            axes: [[cosine, sine, 0.0], [0.0, 0.0, -1.0], [-sine, cosine, 0.0]],
        };
        let back = oblique.index(oblique.position([1.5, 2.0, 3.25])).unwrap();
        for (found, wanted) in back.iter().zip([1.5, 2.0, 3.25]) {
            assert!((found - wanted).abs() < 1e-12, "{back:?}");
        }
        assert!((oblique.voxel_volume() - 1.125).abs() < 1e-12);
        let flat = Geometry {
            axes: [[1.0, 0.0, 0.0]; 3],
            ..oblique
        };
        assert_eq!(flat.index([0.0; 3]), None);
    }
}
