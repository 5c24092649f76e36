//! Maps of space: three rows of a 4 × 4 matrix whose last is `0 0 0 1`.

/// `[row][column]`; the last column is what is added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 4]; 3]);

impl Affine {
    pub const IDENTITY: Self = Self([
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ]);

    pub fn apply(&self, point: [f64; 3]) -> [f64; 3] {
        self.0
            .map(|row| row[0] * point[0] + row[1] * point[1] + row[2] * point[2] + row[3])
    }

    /// First `inner`, then `self`.
    #[must_use]
    pub fn after(&self, inner: &Self) -> Self {
        let mut made = [[0.0; 4]; 3];
        for (row, ours) in made.iter_mut().zip(&self.0) {
            for (column, value) in row.iter_mut().enumerate() {
                *value = (0..3).map(|at| ours[at] * inner.0[at][column]).sum();
            }
            row[3] += ours[3];
        }
        Self(made)
    }

    pub fn determinant(&self) -> f64 {
        let m = &self.0;
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    }

    /// `None` where the columns do not span space or a number is not finite.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let determinant = self.determinant();
        if !determinant.is_finite()
            || determinant.abs() < 1e-12
            || m.iter().flatten().any(|number| !number.is_finite())
        {
            return None;
        }
        let cofactor = |a: usize, b: usize, c: usize, d: usize| {
            (m[a][c] * m[b][d] - m[a][d] * m[b][c]) / determinant
        };
        let turned = [
            [
                cofactor(1, 2, 1, 2),
                cofactor(0, 2, 2, 1),
                cofactor(0, 1, 1, 2),
            ],
            [
                cofactor(1, 2, 2, 0),
                cofactor(0, 2, 0, 2),
                cofactor(0, 1, 2, 0),
            ],
            [
                cofactor(1, 2, 0, 1),
                cofactor(0, 2, 1, 0),
                cofactor(0, 1, 0, 1),
            ],
        ];
        Some(Self(turned.map(|row| {
            let added: f64 = (0..3).map(|at| row[at] * m[at][3]).sum();
            [row[0], row[1], row[2], -added]
        })))
    }

    /// Lengths of the columns: of a map from voxels to mm, the spacing.
    pub fn spacing(&self) -> [f64; 3] {
        std::array::from_fn(|column| {
            self.0
                .iter()
                .map(|row| row[column] * row[column])
                .sum::<f64>()
                .sqrt()
        })
    }

    /// The largest cosine between two columns: 0 where they are perpendicular.
    pub fn skew(&self) -> f64 {
        let lengths = self.spacing();
        let cosine = |a: usize, b: usize| {
            let product: f64 = self.0.iter().map(|row| row[a] * row[b]).sum();
            (product / (lengths[a] * lengths[b])).abs()
        };
        cosine(0, 1).max(cosine(0, 2)).max(cosine(1, 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes() {
        let map = Affine([
            [0.9, -0.3, 0.1, 12.0],
            [0.2, 1.1, -0.4, -7.0],
            [-0.1, 0.3, 2.0, 30.0],
        ]);
        let both = map.inverse().unwrap().after(&map);
        for (found, wanted) in both
            .0
            .iter()
            .flatten()
            .zip(Affine::IDENTITY.0.iter().flatten())
        {
            assert!((found - wanted).abs() < 1e-12, "{both:?}");
        }
        assert_eq!(Affine([[1.0, 2.0, 3.0, 4.0]; 3]).inverse(), None);
        assert_eq!(Affine([[f64::NAN; 4]; 3]).inverse(), None);
    }
}
