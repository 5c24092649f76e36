//! Pictures with text burned in, and where its ink is.

use std::fs;
use std::path::PathBuf;

use ab_glyph::{Font, FontVec, PxScale, ScaleFont};
use kura_dicom::{Limits, decode_frame};
use kura_ocr::{Area, Picture};

use crate::strokes;
use crate::support::repository;

/// SplitMix64 (Steele, Lea, Flood 2014): the same pictures from the same seed everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1).max(1) as u64) as i64
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[(self.next() % of.len() as u64) as usize]
    }
}

pub enum Face {
    Outlines(String, FontVec),
    Strokes,
}

impl Face {
    pub fn name(&self) -> &str {
        match self {
            Self::Outlines(name, _) => name,
            Self::Strokes => "strokes",
        }
    }
}

/// Fonts of Debian packages (fonts-dejavu-core, fonts-liberation, fonts-noto-cjk,
/// fonts-ipafont); those that are not there are named in the second list.
pub fn faces(files: &[&str]) -> (Vec<Face>, Vec<String>) {
    let mut faces = Vec::new();
    let mut missing = Vec::new();
    for file in files {
        let path = PathBuf::from("/usr/share/fonts").join(file);
        // Of a collection the first: Japanese.
        match fs::read(&path)
            .ok()
            .and_then(|bytes| FontVec::try_from_vec_and_index(bytes, 0).ok())
        {
            Some(font) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                faces.push(Face::Outlines(name.into_owned(), font));
            }
            None => missing.push((*file).to_owned()),
        }
    }
    (faces, missing)
}

/// How much of each pixel is ink, `[row, column]`, 0 to 1.
#[derive(Clone)]
pub struct Stamp {
    pub width: usize,
    pub height: usize,
    pub ink: Vec<f32>,
}

impl Stamp {
    /// `size` is the height of the font's line in pixels.
    pub fn of(face: &Face, text: &str, size: f32) -> Self {
        match face {
            Face::Outlines(_, font) => Self::outlines(font, text, size),
            Face::Strokes => Self::strokes(text, size),
        }
    }

    fn empty(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            ink: vec![0.0; width * height],
        }
    }

    fn outlines(font: &FontVec, text: &str, size: f32) -> Self {
        let scaled = font.as_scaled(PxScale::from(size));
        let width: f32 = text
            .chars()
            .map(|letter| scaled.h_advance(font.glyph_id(letter)))
            .sum();
        let mut stamp = Self::empty(
            width.ceil() as usize + 4,
            scaled.height().ceil() as usize + 4,
        );
        let mut x = 2.0;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            let glyph = id.with_scale_and_position(
                PxScale::from(size),
                ab_glyph::point(x, 2.0 + scaled.ascent()),
            );
            x += scaled.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                let (x, y) = (
                    bounds.min.x as i64 + i64::from(dx),
                    bounds.min.y as i64 + i64::from(dy),
                );
                stamp.put(x, y, coverage);
            });
        }
        stamp.trimmed()
    }

    fn strokes(text: &str, size: f32) -> Self {
        let height = size * 0.72;
        let advance = height * 0.95;
        let mut stamp = Self::empty(
            (advance * text.chars().count() as f32) as usize + 8,
            height as usize + 8,
        );
        let pen = (height / 14.0).max(0.55);
        for (at, letter) in text.chars().enumerate() {
            let from = (3.0 + advance * at as f32, 3.0);
            for (start, end) in strokes::lines(letter) {
                let place =
                    |point: (f32, f32)| (from.0 + point.0 * height, from.1 + point.1 * height);
                stamp.line(place(start), place(end), pen);
            }
        }
        stamp.trimmed()
    }

    fn line(&mut self, from: (f32, f32), to: (f32, f32), pen: f32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).max(1e-6);
        for y in 0..self.height {
            for x in 0..self.width {
                let (px, py) = (x as f32 + 0.5 - from.0, y as f32 + 0.5 - from.1);
                let along = ((px * dx + py * dy) / length).clamp(0.0, 1.0);
                let (ax, ay) = (px - along * dx, py - along * dy);
                let coverage = (pen + 0.5 - (ax * ax + ay * ay).sqrt()).clamp(0.0, 1.0);
                self.put(x as i64, y as i64, coverage);
            }
        }
    }

    fn put(&mut self, x: i64, y: i64, coverage: f32) {
        if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
            let cell = &mut self.ink[y as usize * self.width + x as usize];
            *cell = cell.max(coverage);
        }
    }

    fn at(&self, x: i64, y: i64) -> f32 {
        if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
            self.ink[y as usize * self.width + x as usize]
        } else {
            0.0
        }
    }

    /// Without empty rows and columns around it.
    fn trimmed(&self) -> Self {
        let inked: Vec<(usize, usize)> = (0..self.width * self.height)
            .filter(|at| self.ink[*at] > 0.0)
            .map(|at| (at % self.width, at / self.width))
            .collect();
        let left = inked.iter().map(|at| at.0).min().unwrap_or(0);
        let right = inked.iter().map(|at| at.0).max().unwrap_or(0);
        let top = inked.iter().map(|at| at.1).min().unwrap_or(0);
        let bottom = inked.iter().map(|at| at.1).max().unwrap_or(0);
        let mut stamp = Self::empty(right - left + 1, bottom - top + 1);
        for (x, y) in inked {
            stamp.put(
                (x - left) as i64,
                (y - top) as i64,
                self.at(x as i64, y as i64),
            );
        }
        stamp
    }

    /// Turned clockwise, or anticlockwise.
    pub fn turned(&self, clockwise: bool) -> Self {
        let mut stamp = Self::empty(self.height, self.width);
        for y in 0..stamp.height {
            for x in 0..stamp.width {
                let (from_x, from_y) = if clockwise {
                    (y, self.height - 1 - x)
                } else {
                    (self.width - 1 - y, x)
                };
                stamp.ink[y * stamp.width + x] = self.at(from_x as i64, from_y as i64);
            }
        }
        stamp
    }

    /// Thicker by one pixel on all sides.
    fn thick(&self) -> Self {
        let mut stamp = Self::empty(self.width + 2, self.height + 2);
        for y in 0..stamp.height as i64 {
            for x in 0..stamp.width as i64 {
                let most = (-1..=1)
                    .flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)))
                    .map(|(dx, dy)| self.at(x - 1 + dx, y - 1 + dy))
                    .fold(0.0_f32, f32::max);
                stamp.put(x, y, most);
            }
        }
        stamp
    }
}

/// What lies around the glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    None,
    Outline,
    Shadow,
}

pub struct Canvas {
    pub width: usize,
    pub height: usize,
    /// `[row, column, 3]`
    pub data: Vec<[f32; 3]>,
}

impl Canvas {
    pub fn flat(width: usize, height: usize, colour: [f32; 3]) -> Self {
        Self {
            width,
            height,
            data: vec![colour; width * height],
        }
    }

    /// A part of a decoded picture, brought to this size.
    pub fn anatomy(width: usize, height: usize, from: &Picture, dice: &mut Dice) -> Self {
        let share = dice.between(50, 100) as f32 / 100.0;
        let cut = Area {
            x: 0,
            y: 0,
            width: ((from.width() as f32 * share) as u32).max(32),
            height: ((from.height() as f32 * share) as u32).max(32),
        };
        let cut = Area {
            x: dice.between(0, i64::from(from.width().saturating_sub(cut.width))) as u32,
            y: dice.between(0, i64::from(from.height().saturating_sub(cut.height))) as u32,
            ..cut
        };
        let picture = from
            .cut(cut)
            .expect("a part")
            .scaled(width as u32, height as u32);
        let channels = usize::from(picture.channels());
        let data = picture
            .data()
            .chunks_exact(channels)
            .map(|pixel| [0, 1, 2].map(|channel| f32::from(pixel[channel % channels])))
            .collect();
        Self {
            width,
            height,
            data,
        }
    }

    pub fn burn(&mut self, stamp: &Stamp, at: (usize, usize), colour: [f32; 3], edge: Edge) {
        let against = if colour[1] > 127.0 {
            [0.0; 3]
        } else {
            [255.0; 3]
        };
        match edge {
            Edge::None => {}
            Edge::Outline => {
                self.blend(&stamp.thick(), (at.0 as i64 - 1, at.1 as i64 - 1), against)
            }
            Edge::Shadow => self.blend(stamp, (at.0 as i64 + 1, at.1 as i64 + 1), against),
        }
        self.blend(stamp, (at.0 as i64, at.1 as i64), colour);
    }

    fn blend(&mut self, stamp: &Stamp, at: (i64, i64), colour: [f32; 3]) {
        for y in 0..stamp.height as i64 {
            for x in 0..stamp.width as i64 {
                let (to_x, to_y) = (at.0 + x, at.1 + y);
                if !(0..self.width as i64).contains(&to_x)
                    || !(0..self.height as i64).contains(&to_y)
                {
                    continue;
                }
                let ink = stamp.at(x, y);
                let pixel = &mut self.data[to_y as usize * self.width + to_x as usize];
                for (value, colour) in pixel.iter_mut().zip(colour) {
                    *value += (colour - *value) * ink;
                }
            }
        }
    }

    /// Noise of a standard deviation in levels (sum of uniform numbers).
    pub fn noise(&mut self, deviation: f32, dice: &mut Dice) {
        for pixel in &mut self.data {
            let sum: f32 = (0..4)
                .map(|_| dice.between(-1000, 1000) as f32 / 1000.0)
                .sum();
            let noise = sum * deviation * 0.866;
            pixel.iter_mut().for_each(|value| *value += noise);
        }
    }

    pub fn gray(&self) -> Picture {
        let data = self
            .data
            .iter()
            .map(|pixel| pixel[1].round().clamp(0.0, 255.0) as u8)
            .collect();
        Picture::gray(self.width as u32, self.height as u32, data).expect("a picture")
    }

    pub fn rgb(&self) -> Picture {
        let data = self
            .data
            .iter()
            .flat_map(|pixel| pixel.map(|value| value.round().clamp(0.0, 255.0) as u8))
            .collect();
        Picture::rgb(self.width as u32, self.height as u32, data).expect("a picture")
    }
}

/// Through JPEG and back.
pub fn jpeg(picture: &Picture, quality: u8) -> Picture {
    let (kind, rgb) = match picture.channels() {
        3 => (jpeg_encoder::ColorType::Rgb, true),
        _ => (jpeg_encoder::ColorType::Luma, false),
    };
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, quality)
        .encode(picture.data(), width as u16, height as u16, kind)
        .expect("a JPEG");
    let data = jpeg_decoder::Decoder::new(bytes.as_slice())
        .decode()
        .expect("a JPEG");
    if rgb {
        Picture::rgb(width, height, data).expect("a picture")
    } else {
        Picture::gray(width, height, data).expect("a picture")
    }
}

/// Pictures of the sample hospital that have no text in them, and where `make test` installed
/// pydicom some of its own.
pub fn anatomies() -> Vec<Picture> {
    let samples = repository().join("samples/hospital/dicom");
    let mut paths: Vec<PathBuf> = [
        "01-ct-abdomen.dcm",
        "02-ct-chest-later.dcm",
        "04-mr-head-jpeg2000.dcm",
        "06-dx-chest.dcm",
        "08-us-frames-jpeg.dcm",
        "09-nm-bone-jpeg2000.dcm",
    ]
    .iter()
    .map(|name| samples.join(name))
    .collect();
    if let Some(pydicom) = std::env::var_os("KURA_PYDICOM_FILES").map(PathBuf::from) {
        paths.extend(
            ["CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm"].map(|name| pydicom.join(name)),
        );
    }
    paths
        .iter()
        .filter_map(|path| decode_frame(path, 0, &Limits::default()).ok())
        .filter_map(|frame| {
            let image = frame.render(None);
            match image.channels {
                // The ultrasound machine wrote around its fan.
                3 => Picture::rgb(image.width, image.height, image.data)
                    .ok()?
                    .cut(Area {
                        x: 100,
                        y: 40,
                        width: 130,
                        height: 160,
                    }),
                _ => Picture::gray(image.width, image.height, image.data).ok(),
            }
        })
        .collect()
}
