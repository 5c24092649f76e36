//! Grids of the working size: distances in mm, parts that hang together, outer air.

/// Yes or no on a grid, `i` fastest; `spacing` in mm.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub dims: [usize; 3],
    pub spacing: [f64; 3],
    pub inside: Vec<bool>,
}

impl Region {
    pub fn new(dims: [usize; 3], spacing: [f64; 3], inside: Vec<bool>) -> Self {
        Self {
            dims,
            spacing,
            inside,
        }
    }

    fn with(&self, inside: Vec<bool>) -> Self {
        Self::new(self.dims, self.spacing, inside)
    }

    pub fn count(&self) -> usize {
        self.inside.iter().filter(|voxel| **voxel).count()
    }

    /// mm from each voxel to the nearest one inside (0 there), exact: the lower envelope of
    /// parabolas, one axis after another (Felzenszwalb and Huttenlocher 2012, doi:10.4086/toc.2012.v008a019).
    pub fn distance(&self) -> Vec<f32> {
        const FAR: f32 = 1e12;
        let mut squared: Vec<f32> = self
            .inside
            .iter()
            .map(|inside| if *inside { 0.0 } else { FAR })
            .collect();
        for axis in 0..3 {
            let count = self.dims[axis];
            let stride: usize = self.dims[..axis].iter().product();
            let step = self.spacing[axis] * self.spacing[axis];
            let mut line = Envelope::new(count);
            for start in 0..squared.len() {
                if (start / stride).is_multiple_of(count) {
                    line.run(&mut squared, start, stride, step);
                }
            }
        }
        for value in &mut squared {
            *value = value.sqrt();
        }
        squared
    }

    /// All within `mm` of what is inside.
    pub fn dilated(&self, mm: f64) -> Self {
        let limit = mm as f32;
        self.with(
            self.distance()
                .into_iter()
                .map(|far| far <= limit)
                .collect(),
        )
    }

    /// What is farther than `mm` from everything outside. Beyond the border counts as inside, so
    /// that a head cut by the field of view does not shrink there.
    pub fn eroded(&self, mm: f64) -> Self {
        let limit = mm as f32;
        let outside = self.with(self.inside.iter().map(|inside| !inside).collect());
        self.with(
            outside
                .distance()
                .into_iter()
                .map(|far| far > limit)
                .collect(),
        )
    }

    pub fn opened(&self, mm: f64) -> Self {
        self.eroded(mm).dilated(mm)
    }

    /// The largest part that hangs together by voxel faces.
    pub fn largest_part(&self) -> Self {
        let mut label = vec![0_u32; self.inside.len()];
        let (mut best, mut most, mut labels) = (0, 0, 0_u32);
        for seed in 0..label.len() {
            if !self.inside[seed] || label[seed] != 0 {
                continue;
            }
            labels += 1;
            let count = self.flood(vec![seed], |at| {
                let new = self.inside[at] && label[at] == 0;
                if new {
                    label[at] = labels;
                }
                new
            });
            if count > most {
                (best, most) = (labels, count);
            }
        }
        self.with(
            label
                .into_iter()
                .map(|part| part != 0 && part == best)
                .collect(),
        )
    }

    /// The parts of `self` that touch `seeds`.
    pub fn reached_from(&self, seeds: &Self) -> Self {
        let mut reached = vec![false; self.inside.len()];
        let starts = (0..reached.len()).filter(|at| seeds.inside[*at]).collect();
        self.flood(starts, |at| {
            let new = self.inside[at] && !reached[at];
            reached[at] |= new;
            new
        });
        self.with(reached)
    }

    /// What is not inside and hangs together with the border: the air around a head, and its
    /// open cavities.
    pub fn outside(&self) -> Self {
        let mut reached = vec![false; self.inside.len()];
        let starts = (0..reached.len())
            .filter(|at| {
                let index = self.index(*at);
                (0..3).any(|axis| index[axis] == 0 || index[axis] + 1 == self.dims[axis])
            })
            .collect();
        self.flood(starts, |at| {
            let new = !self.inside[at] && !reached[at];
            reached[at] |= new;
            new
        });
        self.with(reached)
    }

    pub fn index(&self, at: usize) -> [usize; 3] {
        let [columns, rows, _] = self.dims;
        [at % columns, at / columns % rows, at / (columns * rows)]
    }

    /// Calls `each` for the neighbours of a voxel by its faces: axis and place, `None` beyond
    /// the border.
    pub fn neighbours(&self, at: usize, mut each: impl FnMut(usize, Option<usize>)) {
        let index = self.index(at);
        let mut stride = 1;
        for (axis, count) in self.dims.into_iter().enumerate() {
            each(axis, (index[axis] > 0).then(|| at - stride));
            each(axis, (index[axis] + 1 < count).then(|| at + stride));
            stride *= count;
        }
    }

    /// Spreads from `starts` to all neighbours that `enter` lets in; how many came in.
    fn flood(&self, starts: Vec<usize>, mut enter: impl FnMut(usize) -> bool) -> usize {
        let mut waiting: Vec<usize> = starts.into_iter().filter(|at| enter(*at)).collect();
        let mut count = 0;
        while let Some(at) = waiting.pop() {
            count += 1;
            self.neighbours(at, |_, next| {
                if let Some(next) = next
                    && enter(next)
                {
                    waiting.push(next);
                }
            });
        }
        count
    }
}

/// The lower envelope of parabolas along one line.
struct Envelope {
    values: Vec<f32>,
    places: Vec<usize>,
    borders: Vec<f64>,
}

impl Envelope {
    fn new(count: usize) -> Self {
        Self {
            values: vec![0.0; count],
            places: vec![0; count],
            borders: vec![0.0; count + 1],
        }
    }

    fn run(&mut self, squared: &mut [f32], start: usize, stride: usize, step: f64) {
        let count = self.values.len();
        let mut same = true;
        for (at, value) in self.values.iter_mut().enumerate() {
            *value = squared[start + at * stride];
            same &= *value == squared[start];
        }
        // All inside, or all far: most lines of a head are.
        if same {
            return;
        }
        let height = |values: &[f32], at: usize| f64::from(values[at]) + step * (at * at) as f64;
        let mut last = 0;
        self.places[0] = 0;
        self.borders[0] = f64::NEG_INFINITY;
        self.borders[1] = f64::INFINITY;
        for at in 1..count {
            loop {
                let place = self.places[last];
                let border = (height(&self.values, at) - height(&self.values, place))
                    / (2.0 * step * (at - place) as f64);
                if border <= self.borders[last] && last > 0 {
                    last -= 1;
                    continue;
                }
                last += 1;
                self.places[last] = at;
                self.borders[last] = border;
                self.borders[last + 1] = f64::INFINITY;
                break;
            }
        }
        let mut part = 0;
        for at in 0..count {
            while self.borders[part + 1] < at as f64 {
                part += 1;
            }
            let place = self.places[part];
            let far = at.abs_diff(place) as f64;
            squared[start + at * stride] = (step * far * far) as f32 + self.values[place];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_exact_on_unequal_spacing() {
        let dims = [7, 6, 5];
        let spacing = [1.0, 2.0, 3.5];
        let mut inside = vec![false; 210];
        let points = [[1, 1, 1], [6, 5, 0], [0, 4, 4]];
        for [i, j, k] in points {
            inside[i + 7 * (j + 6 * k)] = true;
        }
        let region = Region::new(dims, spacing, inside);
        for (at, found) in region.distance().into_iter().enumerate() {
            let index = region.index(at);
            let nearest = points
                .iter()
                .map(|point| {
                    (0..3)
                        .map(|axis| {
                            let far = point[axis] as f64 - index[axis] as f64;
                            (far * spacing[axis]).powi(2)
                        })
                        .sum::<f64>()
                        .sqrt()
                })
                .fold(f64::INFINITY, f64::min);
            assert!(
                (f64::from(found) - nearest).abs() < 1e-4,
                "{index:?}: {found} {nearest}"
            );
        }
    }

    #[test]
    fn parts_holes_and_borders() {
        let dims = [9, 9, 9];
        let shell = |at: usize| {
            let [i, j, k] = [at % 9, at / 9 % 9, at / 81].map(|x| x.abs_diff(4));
            i.max(j).max(k) == 2
        };
        let mut inside: Vec<bool> = (0..729).map(shell).collect();
        inside[0] = true;
        let region = Region::new(dims, [1.0; 3], inside);
        let part = region.largest_part();
        assert_eq!(part.count(), 98);
        // The hollow of 27 is not outside.
        assert_eq!(part.outside().count(), 729 - 125);
        let corner = Region::new(dims, [1.0; 3], (0..729).map(|at| at == 0).collect());
        assert_eq!(region.reached_from(&corner).count(), 1);
        assert_eq!(corner.dilated(1.0).count(), 4);
        // A bridge of one voxel between two blocks does not survive opening; the blocks do.
        let bridged = |at: usize| {
            let [i, j, k] = [at % 9, at / 9 % 9, at / 81];
            i != 4 || (j, k) == (4, 4)
        };
        let bridged = Region::new(dims, [1.0; 3], (0..729).map(bridged).collect());
        assert_eq!(bridged.opened(1.5).largest_part().count(), 4 * 81);
        let empty = Region::new(dims, [1.0; 3], vec![false; 729]);
        assert_eq!(empty.largest_part().count(), 0);
        assert!(empty.dilated(100.0).count() == 0);
    }
}
