//! Marks on quiet ground: small things with sharp borders and nothing around them. A detector of
//! lines of text passes over a lone "L" or a name of two small letters; here they are candidates.

use crate::{Area, Picture};

/// Levels between neighbours that make a border.
const BORDER: u8 = 6;
/// Levels that the sharpest border of a mark has at least.
const SHARP: u8 = 12;
/// Borders that are no farther apart than twice this are of one mark.
const REACH: usize = 2;
/// Sides of a mark, in pixels. What is larger the detector sees by itself, if it is text: a frame
/// around a region is none.
const LEAST: u32 = 4;
const TALLEST: u32 = 56;
const LONGEST: u32 = 400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) area: Area,
    /// What is around it is so even that it was drawn: no scanner leaves that.
    pub(crate) drawn: bool,
}

/// Marks of a gray picture.
pub(crate) fn marks(picture: &Picture) -> Vec<Mark> {
    let (width, height) = (picture.width, picture.height);
    let edges = edges(picture);
    let near = widened(&edges, width, height);
    let mut seen = vec![false; near.len()];
    let mut found = Vec::new();
    let mut pixels = Vec::new();
    for start in 0..near.len() {
        if seen[start] || near[start] < BORDER {
            continue;
        }
        seen[start] = true;
        pixels.clear();
        pixels.push(start);
        let mut next_pixel = 0;
        while let Some(at) = pixels.get(next_pixel).copied() {
            next_pixel += 1;
            let (x, y) = (at % width, at / width);
            for next_y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for next_x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let next = next_y * width + next_x;
                    if !seen[next] && near[next] >= BORDER {
                        seen[next] = true;
                        pixels.push(next);
                    }
                }
            }
        }
        let columns = pixels.iter().map(|at| at % width);
        let (left, right) = columns.fold((width, 0), |(low, high), x| (low.min(x), high.max(x)));
        let rows = pixels.iter().map(|at| at / width);
        let (top, bottom) = rows.fold((height, 0), |(low, high), y| (low.min(y), high.max(y)));
        let sharp = pixels.iter().map(|at| edges[*at]).max().unwrap_or(0);
        let area = Area {
            x: left as u32,
            y: top as u32,
            width: (right - left + 1) as u32,
            height: (bottom - top + 1) as u32,
        };
        // The reach of the widening is no part of it.
        let (short, long) = (area.width.min(area.height), area.width.max(area.height));
        let reach = 2 * REACH as u32;
        if sharp < SHARP || long < LEAST + reach || short > TALLEST + reach || long > LONGEST {
            continue;
        }
        found.push(Mark {
            area,
            drawn: drawn(picture, area, sharp),
        });
    }
    found
}

/// The largest difference of each pixel from the one to its right and the one below.
fn edges(picture: &Picture) -> Vec<u8> {
    let (width, height) = (picture.width, picture.height);
    let mut edges = vec![0; width * height];
    for y in 0..height {
        let row = picture.row(y);
        let below = picture.row((y + 1).min(height - 1));
        for x in 0..width {
            let right = row[(x + 1).min(width - 1)];
            edges[y * width + x] = row[x].abs_diff(right).max(row[x].abs_diff(below[x]));
        }
    }
    edges
}

/// The largest value within [`REACH`] of each place.
fn widened(values: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut across = vec![0; values.len()];
    for (row, out) in values
        .chunks_exact(width)
        .zip(across.chunks_exact_mut(width))
    {
        for (x, out) in out.iter_mut().enumerate() {
            let cells = &row[x.saturating_sub(REACH)..(x + REACH + 1).min(width)];
            *out = cells.iter().copied().max().unwrap_or(0);
        }
    }
    let mut out = vec![0; values.len()];
    for y in 0..height {
        for x in 0..width {
            out[y * width + x] = (y.saturating_sub(REACH)..(y + REACH + 1).min(height))
                .map(|row| across[row * width + x])
                .max()
                .unwrap_or(0);
        }
    }
    out
}

/// All around it lies one level, or it stands out far more than what is around it varies.
fn drawn(picture: &Picture, area: Area, sharp: u8) -> bool {
    let top = Area { height: 1, ..area };
    let left = Area { width: 1, ..area };
    let bottom = Area {
        y: area.bottom() - 1,
        ..top
    };
    let right = Area {
        x: area.right() - 1,
        ..left
    };
    let ranges = [top, left, bottom, right].map(|side| picture.range(side));
    let low = ranges.iter().map(|range| range.0).min();
    let high = ranges.iter().map(|range| range.1).max();
    low.zip(high).is_some_and(|(low, high)| {
        let varies = high - low;
        varies <= 1 || sharp >= 64 && u16::from(sharp) >= 8 * u16::from(varies)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_on_black_is_a_mark() {
        let mut data = vec![0; 80 * 60];
        for y in 20..30 {
            data[y * 80 + 30] = 200;
        }
        for x in 30..36 {
            data[29 * 80 + x] = 200;
        }
        let picture = Picture::gray(80, 60, data.clone()).expect("a picture");
        let found = marks(&picture);
        assert_eq!(found.len(), 1);
        assert!(found[0].drawn);
        let inside = Area {
            x: 30,
            y: 20,
            width: 6,
            height: 10,
        };
        assert_eq!(found[0].area.intersection(&inside), Some(inside));
        // Where the ground varies it may be a part of what was scanned.
        for y in 0..60 {
            for x in 0..80 {
                data[y * 80 + x] = data[y * 80 + x].max((x * 5 / 2) as u8);
            }
        }
        let picture = Picture::gray(80, 60, data).expect("a picture");
        assert!(marks(&picture).iter().all(|mark| !mark.drawn));
    }

    #[test]
    fn a_large_shape_is_none() {
        let data = (0..300 * 300)
            .map(|at| {
                let (x, y) = (at % 300 - 150_i32, at / 300 - 150_i32);
                if x * x + y * y < 100 * 100 { 180 } else { 10 }
            })
            .collect();
        let picture = Picture::gray(300, 300, data).expect("a picture");
        assert_eq!(marks(&picture), []);
    }
}
