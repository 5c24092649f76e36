//! Where text may be: the probability map of a DB detector, tile by tile, and rectangles in it.
//!
//! Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020. The
//! map shows each text shrunk; what is found is grown again by the same formula. The thresholds
//! are lower than for reading: a box too many covers a bit of picture, one too few shows a name.

use std::time::Duration;

use kura_inference::{Model, OnnxModel, Tensor};
use kura_model::{Error, Result};

use crate::Area;
use crate::Picture;

/// Longest side of what the network sees at once, in its pixels.
const TILE: usize = 800;
/// Tiles share this many pixels, so that a glyph that one cuts is whole in the next.
const OVERLAP: usize = 96;
/// Pixels around a tile: text that touches the border of the picture is found only with some.
const BORDER: usize = 16;
/// The network halves its input five times.
const STEP: usize = 32;
/// A tile with no more levels than this shows no text in any view.
const FLAT: u8 = 2;
const LONGEST: Duration = Duration::from_secs(120);

/// How probable text is, 0 to 255, `[row, column]` of a scaled picture.
pub(crate) struct Map {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<u8>,
}

/// Connected pixels of a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Component {
    /// Rectangles that hold all of its pixels: one, unless it is bent or slanted.
    pub(crate) areas: Vec<Area>,
    /// Pixels.
    pub(crate) count: usize,
    /// Largest value.
    pub(crate) peak: u8,
}

/// The probability map of a picture. `model` takes `[1, 3, height, width]`, blue first, −1 to 1.
pub(crate) fn map(model: &OnnxModel, picture: &Picture) -> Result<Map> {
    let mut map = Map {
        width: picture.width,
        height: picture.height,
        data: vec![0; picture.width * picture.height],
    };
    for (y, height) in spans(picture.height) {
        for (x, width) in spans(picture.width) {
            let seen = Area {
                x: x.saturating_sub(BORDER) as u32,
                y: y.saturating_sub(BORDER) as u32,
                width: (width + 2 * BORDER) as u32,
                height: (height + 2 * BORDER) as u32,
            };
            let (low, high) = picture.range(seen);
            if high - low <= FLAT {
                continue;
            }
            let input = tensor(picture, (x, y), (width, height))?;
            let (rows, columns) = (input.shape[2], input.shape[3]);
            let output = model.run(&[input], LONGEST)?;
            let output = output
                .first()
                .filter(|output| output.shape == [1, 1, rows, columns])
                .ok_or_else(|| Error::invalid("the model that finds text gives no map"))?;
            for row in 0..height {
                let from = (row + BORDER) * columns + BORDER;
                let to = (y + row) * map.width + x;
                let cells = &mut map.data[to..to + width];
                for (cell, value) in cells.iter_mut().zip(&output.values[from..from + width]) {
                    *cell = (*cell).max((value * 255.0).round().clamp(0.0, 255.0) as u8);
                }
            }
        }
    }
    Ok(map)
}

/// Starts and lengths of the tiles along a side.
fn spans(length: usize) -> Vec<(usize, usize)> {
    if length <= TILE {
        return vec![(0, length)];
    }
    let count = (length - OVERLAP).div_ceil(TILE - OVERLAP);
    (0..count)
        .map(|at| (at * (length - TILE) / (count - 1).max(1), TILE))
        .collect()
}

/// A tile with its border; outside the picture its outermost pixels go on.
fn tensor(picture: &Picture, from: (usize, usize), size: (usize, usize)) -> Result<Tensor> {
    let columns = (size.0 + 2 * BORDER).next_multiple_of(STEP);
    let rows = (size.1 + 2 * BORDER).next_multiple_of(STEP);
    let place = |at: usize, start: usize, length: usize| {
        (start + at).saturating_sub(BORDER).min(length - 1)
    };
    let mut values = Vec::with_capacity(3 * rows * columns);
    for channel in [2, 1, 0] {
        let channel = if picture.channels == 3 { channel } else { 0 };
        for y in 0..rows {
            let row = picture.row(place(y, from.1, picture.height));
            values.extend((0..columns).map(|x| {
                let x = place(x, from.0, picture.width);
                f32::from(row[x * picture.channels + channel]) / 127.5 - 1.0
            }));
        }
    }
    Tensor::new(vec![1, 3, rows, columns], values)
}

/// Connected pixels (with their corners) of at least `threshold`.
pub(crate) fn components(map: &Map, threshold: u8) -> Vec<Component> {
    let mut seen = vec![false; map.data.len()];
    let mut found = Vec::new();
    for start in 0..map.data.len() {
        if seen[start] || map.data[start] < threshold {
            continue;
        }
        seen[start] = true;
        let mut pixels = vec![start];
        let mut next_pixel = 0;
        while let Some(at) = pixels.get(next_pixel).copied() {
            next_pixel += 1;
            let (x, y) = (at % map.width, at / map.width);
            for next_y in y.saturating_sub(1)..=(y + 1).min(map.height - 1) {
                for next_x in x.saturating_sub(1)..=(x + 1).min(map.width - 1) {
                    let next = next_y * map.width + next_x;
                    if !seen[next] && map.data[next] >= threshold {
                        seen[next] = true;
                        pixels.push(next);
                    }
                }
            }
        }
        let peak = pixels.iter().map(|at| map.data[*at]).max().unwrap_or(0);
        let count = pixels.len();
        let mut pixels: Vec<(u32, u32)> = pixels
            .into_iter()
            .map(|at| ((at % map.width) as u32, (at / map.width) as u32))
            .collect();
        let mut areas = Vec::new();
        rectangles(&mut pixels, &mut areas);
        found.push(Component { areas, count, peak });
    }
    found
}

/// The rectangle around pixels; where they fill less than half of it, those of its halves. A
/// slanted line is so covered in steps, and a bent one without what it bends around.
fn rectangles(pixels: &mut [(u32, u32)], areas: &mut Vec<Area>) {
    let Some((x, y)) = pixels.first().copied() else {
        return;
    };
    let (mut left, mut top, mut right, mut bottom) = (x, y, x, y);
    for (x, y) in pixels.iter() {
        (left, right) = (left.min(*x), right.max(*x));
        (top, bottom) = (top.min(*y), bottom.max(*y));
    }
    let area = Area {
        x: left,
        y: top,
        width: right - left + 1,
        height: bottom - top + 1,
    };
    if pixels.len() as u64 * 2 >= area.size() || area.width.max(area.height) <= 16 {
        areas.push(area);
        return;
    }
    let middle = if area.width >= area.height {
        let middle = left + area.width / 2;
        partition(pixels, |(x, _)| x < middle)
    } else {
        let middle = top + area.height / 2;
        partition(pixels, |(_, y)| y < middle)
    };
    let (one, other) = pixels.split_at_mut(middle);
    rectangles(one, areas);
    rectangles(other, areas);
}

/// Moves what `first` holds for to the front; says how many there are.
fn partition(pixels: &mut [(u32, u32)], first: impl Fn((u32, u32)) -> bool) -> usize {
    let mut count = 0;
    for at in 0..pixels.len() {
        if first(pixels[at]) {
            pixels.swap(at, count);
            count += 1;
        }
    }
    count
}

/// How far a shrunk text is grown on each side: `ratio` × area / perimeter (equation 10 of the
/// paper, there with 1.5; how far its maps are shrunk, equation 9, has the same form).
pub(crate) fn unclip(area: Area, ratio: f32) -> u32 {
    let (width, height) = (area.width as f32, area.height as f32);
    (width * height * ratio / (2.0 * (width + height))).ceil() as u32
}

/// Rectangles that are mostly one are made one. What only touches stays apart: the rectangle
/// around two lines would cover what lies between them. What lies in one that is much larger
/// stays too: a line is read by itself though something took the whole corner for text.
pub(crate) fn merged(mut areas: Vec<Area>) -> Vec<Area> {
    areas.sort_unstable();
    areas.dedup();
    loop {
        let before = areas.len();
        let mut kept: Vec<Area> = Vec::with_capacity(before);
        for area in areas {
            match kept.iter_mut().find(|other| same(other, &area)) {
                Some(other) => *other = other.hull(&area),
                None => kept.push(area),
            }
        }
        areas = kept;
        if areas.len() == before {
            return outermost(areas);
        }
    }
}

/// Without what lies wholly in another that is not as high as two lines: that is read and decided
/// as a whole, and covers it.
fn outermost(areas: Vec<Area>) -> Vec<Area> {
    let holds = |outer: &Area, inner: &Area| {
        outer != inner
            && outer.intersection(inner).as_ref() == Some(inner)
            && outer.width.min(outer.height) * 5 <= inner.width.min(inner.height).max(8) * 9
    };
    areas
        .iter()
        .filter(|inner| !areas.iter().any(|outer| holds(outer, inner)))
        .copied()
        .collect()
}

/// Pieces of one line made one, with the gap between them: what stands there was passed over. The
/// gap is at most as wide as the line is high (of a column: as high as it is wide).
pub(crate) fn joined(areas: Vec<Area>) -> Vec<Area> {
    let turned = |area: Area| Area {
        x: area.y,
        y: area.x,
        width: area.height,
        height: area.width,
    };
    let rows = joined_rows(areas, 3);
    let columns = joined_rows(rows.into_iter().map(turned).collect(), 1);
    columns.into_iter().map(turned).collect()
}

/// `columns` of text are not rows: only what is at least a third (or as) long as it is high is
/// joined.
fn joined_rows(mut areas: Vec<Area>, shape: u32) -> Vec<Area> {
    let of_one_line = |one: &Area, other: &Area| {
        let top = one.y.max(other.y);
        let shared = one.bottom().min(other.bottom()).saturating_sub(top);
        let (low, high) = (one.height.min(other.height), one.height.max(other.height));
        let gap = one
            .x
            .max(other.x)
            .saturating_sub(one.right().min(other.right()));
        one.width * shape >= one.height
            && other.width * shape >= other.height
            && high * 2 <= low * 3
            && shared * 4 >= low * 3
            && gap <= low
            // What lies across each other is one as it is.
            && one.intersection(other).is_none_or(|area| area.width * 2 <= low * 3)
    };
    loop {
        let before = areas.len();
        let mut kept: Vec<Area> = Vec::with_capacity(before);
        for area in areas {
            match kept.iter_mut().find(|other| of_one_line(other, &area)) {
                Some(other) => *other = other.hull(&area),
                None => kept.push(area),
            }
        }
        areas = kept;
        if areas.len() == before {
            return areas;
        }
    }
}

fn same(one: &Area, other: &Area) -> bool {
    let Some(shared) = one.intersection(other) else {
        return false;
    };
    let union = one.size() + other.size() - shared.size();
    let (small, large) = (one.size().min(other.size()), one.size().max(other.size()));
    let thin = one.width.min(one.height);
    let other_thin = other.width.min(other.height);
    // The smaller lies half in the larger, is as high, and nearly nothing else comes with the hull.
    shared.size() * 2 >= small
        && (large <= small * 2 || thin.max(other_thin) * 2 <= thin.min(other_thin) * 3)
        && one.hull(other).size() * 4 <= union * 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_whole() {
        for length in [1, 31, 800, 801, 1024, 1600, 4096, 9999] {
            let spans = spans(length);
            assert_eq!(spans.first().map(|span| span.0), Some(0));
            assert_eq!(spans.last().map(|(at, size)| at + size), Some(length));
            for pair in spans.windows(2) {
                assert!(pair[0].0 + pair[0].1 >= pair[1].0 + OVERLAP, "{length}");
            }
        }
    }

    #[test]
    fn corners_connect() {
        let map = Map {
            width: 4,
            height: 3,
            data: vec![9, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 9],
        };
        let found = components(&map, 8);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].areas,
            [Area {
                x: 0,
                y: 0,
                width: 2,
                height: 2
            }]
        );
        assert_eq!((found[0].count, found[0].peak), (2, 9));
    }

    #[test]
    fn a_slanted_line_is_covered_in_steps() {
        let mut map = Map {
            width: 100,
            height: 100,
            data: vec![0; 10_000],
        };
        for x in 2..98 {
            for y in x - 2..x + 2 {
                map.data[y * 100 + x] = 200;
            }
        }
        let found = components(&map, 100);
        assert_eq!(found.len(), 1);
        let areas = &found[0].areas;
        assert!(areas.iter().map(Area::size).sum::<u64>() < 3000);
        for (at, value) in map.data.iter().enumerate() {
            let (x, y) = ((at % 100) as u32, (at / 100) as u32);
            let inside = areas.iter().any(|area| {
                (area.x..area.right()).contains(&x) && (area.y..area.bottom()).contains(&y)
            });
            assert!(inside || *value == 0);
        }
    }

    #[test]
    fn pieces_of_a_line_are_joined() {
        let area = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        assert_eq!(
            joined(vec![
                area(0, 0, 60, 20),
                area(75, 2, 40, 18),
                area(200, 0, 50, 20)
            ]),
            [area(0, 0, 115, 20), area(200, 0, 50, 20)]
        );
        assert_eq!(
            joined(vec![area(0, 0, 20, 60), area(1, 75, 20, 40)]),
            [area(0, 0, 21, 115)]
        );
        // Lines over each other stay lines.
        assert_eq!(
            joined(vec![area(0, 0, 60, 20), area(0, 20, 60, 20)]).len(),
            2
        );
    }

    #[test]
    fn what_is_one_is_merged() {
        let area = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        assert_eq!(
            merged(vec![
                area(0, 0, 100, 20),
                area(2, 1, 90, 18),
                area(40, 0, 80, 20)
            ]),
            [area(0, 0, 120, 20)]
        );
        // Lines that overlap a little, and a line across another.
        assert_eq!(
            merged(vec![area(0, 0, 100, 20), area(0, 16, 100, 20)]).len(),
            2
        );
        assert_eq!(
            merged(vec![area(0, 0, 100, 20), area(40, 0, 20, 100)]).len(),
            2
        );
    }
}
