//! What the pixels of a text say without reading it: so many letters, so wide. A reading that
//! does not fit them is not believed.

use serde::Serialize;

use crate::{Area, Picture};

/// The strokes in a rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Ink {
    /// Runs of columns with ink: letters that do not touch.
    pub runs: u32,
    /// Of the rectangle around all of it, in pixels.
    pub width: u32,
    pub height: u32,
    /// Ink on the border of the rectangle: something may go on outside.
    pub touches: bool,
    /// Levels between ink and what is under it.
    pub contrast: u8,
}

impl Ink {
    /// Of an area of a picture: the class of levels (Otsu, IEEE Trans. SMC 9, 1979) that is
    /// rarer on the border of the area is ink.
    pub fn of(picture: &Picture, area: Area) -> Self {
        let Some(cut) = picture.cut(area) else {
            return Self::default();
        };
        let Strokes {
            columns,
            rows,
            touches,
            contrast,
        } = Strokes::of(&cut, 0..cut.height);
        let runs = columns
            .iter()
            .enumerate()
            .filter(|(at, ink)| **ink && (*at == 0 || !columns[at - 1]))
            .count();
        Self {
            runs: runs as u32,
            width: extent(&columns),
            height: extent(&rows),
            touches,
            contrast,
        }
    }

    /// Whether it can be this text and nothing besides: clear on all sides, not more parts than
    /// letters, not much wider or narrower than they are.
    pub fn fits(&self, text: &str) -> bool {
        let letters = text
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .count();
        if self.touches || letters == 0 || self.height < 5 || self.contrast < 8 {
            return false;
        }
        // A percent sign and letters with a gap in them come in more than one part.
        let parts = text
            .chars()
            .filter(|letter| matches!(letter, '%' | '"'))
            .count();
        let runs = self.runs as usize;
        let (least, most) = text.chars().map(breadth).fold((0.0, 0.0), |sum, breadth| {
            (sum.0 + breadth.0, sum.1 + breadth.1)
        });
        let aspect = self.width as f32 / self.height as f32;
        // Touching letters make fewer runs, never fewer than half.
        runs <= letters + 2 * parts && runs * 2 >= letters && aspect >= least && aspect <= most
    }
}

/// The lines in an area, each with a little around it; the area itself where no row between them
/// is empty. A column of letters is one.
pub(crate) fn lines(picture: &Picture, area: Area) -> Vec<Area> {
    let Some(cut) = picture.cut(area) else {
        return vec![area];
    };
    let all = Strokes::of(&cut, 0..cut.height);
    if all.contrast < 8 {
        return vec![area];
    }
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (y, ink) in all.rows.iter().enumerate() {
        match spans.last_mut() {
            Some(span) if *ink && span.1 == y => span.1 = y + 1,
            _ if *ink => spans.push((y, y + 1)),
            _ => {}
        }
    }
    let column = area.height * 2 > area.width * 3;
    if let (true, Some(first), Some(last)) = (column, spans.first(), spans.last()) {
        spans = vec![(first.0, last.1)];
    }
    // Dots of letters and specks are no lines; so many lines are no text.
    spans.retain(|(from, to)| to - from >= 5);
    if spans.is_empty() || spans.len() > 6 {
        return vec![area];
    }
    spans
        .into_iter()
        .map(|(from, to)| {
            let columns = Strokes::of(&cut, from..to).columns;
            let left = columns.iter().position(|ink| *ink).unwrap_or(0);
            let line = Area {
                x: area.x + left as u32,
                y: area.y + from as u32,
                width: extent(&columns).max(1),
                height: (to - from) as u32,
            };
            let margin = 1 + line.width.min(line.height) / 5;
            line.grown(margin, margin, picture.width(), picture.height())
        })
        .collect()
}

/// Where there is ink in some rows of a picture: the class of levels (Otsu) that is rarer on its
/// border.
struct Strokes {
    columns: Vec<bool>,
    rows: Vec<bool>,
    touches: bool,
    contrast: u8,
}

impl Strokes {
    fn of(picture: &Picture, rows: std::ops::Range<usize>) -> Self {
        let gray = picture.to_gray();
        let (threshold, contrast) = otsu(&gray.data);
        let (width, height) = (gray.width, gray.height);
        let light = |x: usize, y: usize| gray.data[y * width + x] > threshold;
        let border: Vec<(usize, usize)> = (0..width)
            .flat_map(|x| [(x, 0), (x, height - 1)])
            .chain((0..height).flat_map(|y| [(0, y), (width - 1, y)]))
            .collect();
        let lights = border.iter().filter(|(x, y)| light(*x, *y)).count();
        let ink_is_light = lights * 2 < border.len();
        let ink = |x: usize, y: usize| light(x, y) == ink_is_light;
        Self {
            columns: (0..width)
                .map(|x| rows.clone().any(|y| ink(x, y)))
                .collect(),
            rows: rows
                .clone()
                .map(|y| (0..width).any(|x| ink(x, y)))
                .collect(),
            touches: border.iter().any(|(x, y)| ink(*x, *y)),
            contrast,
        }
    }
}

/// Least and most breadth of a letter, in heights of a capital letter.
fn breadth(letter: char) -> (f32, f32) {
    match letter {
        ' ' => (0.0, 1.2),
        'i' | 'l' | 'j' | 'I' | '1' | '.' | ',' | ':' | '/' | '\'' | '-' => (0.02, 0.85),
        'm' | 'w' | 'M' | 'W' | '%' => (0.4, 1.6),
        _ => (0.2, 1.15),
    }
}

fn extent(marked: &[bool]) -> u32 {
    let first = marked.iter().position(|mark| *mark);
    let last = marked.iter().rposition(|mark| *mark);
    match (first, last) {
        (Some(first), Some(last)) => (last - first + 1) as u32,
        _ => 0,
    }
}

/// The level that parts two classes best, and how far their means are apart.
fn otsu(data: &[u8]) -> (u8, u8) {
    let mut counts = [0_u64; 256];
    for value in data {
        counts[usize::from(*value)] += 1;
    }
    let total: u64 = counts.iter().sum();
    let sum: u64 = (0..).zip(counts).map(|(level, count)| level * count).sum();
    let (mut below, mut sum_below) = (0_u64, 0_u64);
    let (mut best, mut threshold, mut contrast) = (-1.0_f64, 0_u8, 0_u8);
    for (level, count) in (0..=u8::MAX).zip(counts) {
        below += count;
        sum_below += count * u64::from(level);
        let above = total - below;
        if below == 0 || above == 0 {
            continue;
        }
        let apart = (sum - sum_below) as f64 / above as f64 - sum_below as f64 / below as f64;
        let between = below as f64 * above as f64 * apart * apart;
        if between > best {
            best = between;
            threshold = level;
            contrast = apart.round().clamp(0.0, 255.0) as u8;
        }
    }
    (threshold, contrast)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `#` is 200, `.` is 30.
    fn ink(rows: &[&str]) -> Ink {
        let width = rows[0].len();
        let data = rows
            .iter()
            .flat_map(|row| row.bytes())
            .map(|cell| if cell == b'#' { 200 } else { 30 })
            .collect();
        let picture = Picture::gray(width as u32, rows.len() as u32, data).expect("a picture");
        Ink::of(&picture, picture.area())
    }

    #[test]
    fn letters_are_counted() {
        let two = ink(&[
            "...........",
            ".#...#####.",
            ".#...#.....",
            ".#...####..",
            ".#...#.....",
            ".###.#.....",
            "...........",
        ]);
        assert_eq!((two.runs, two.width, two.height), (2, 9, 5));
        assert_eq!((two.touches, two.contrast), (false, 170));
        assert!(two.fits("LF"));
        assert!(!two.fits("L"), "something else stands beside it");
        assert!(!two.fits("LFANTMXY"));
        assert!(!two.fits(""));
    }

    #[test]
    fn what_goes_on_outside_fits_nothing() {
        let cut = ink(&[
            "......", "..#...", "..#...", "..#...", "..#...", "..####", "......",
        ]);
        assert!(cut.touches);
        assert!(!cut.fits("L"));
    }

    #[test]
    fn lines_are_parted() {
        let mut data = vec![10; 60 * 40];
        for (top, left, width) in [(5, 10, 30), (20, 4, 50)] {
            for y in top..top + 8 {
                for x in (left..left + width).step_by(3) {
                    data[y * 60 + x] = 220;
                }
            }
        }
        let picture = Picture::gray(60, 40, data).expect("a picture");
        let area = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        assert_eq!(
            lines(&picture, picture.area()),
            [area(8, 3, 32, 12), area(2, 18, 53, 12)]
        );
        let flat = Picture::gray(9, 9, vec![1; 81]).expect("a picture");
        assert_eq!(lines(&flat, flat.area()), [flat.area()]);
    }

    #[test]
    fn a_flat_area_has_no_ink() {
        let flat = ink(&["......", "......"]);
        assert_eq!((flat.runs, flat.contrast), (0, 0));
        assert!(!flat.fits("L"));
    }
}
