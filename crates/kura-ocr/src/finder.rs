//! Text found: detection over views, scales and directions, then reading.

use std::fs;
use std::path::Path;

use kura_inference::{OnnxModel, Runtime};
use kura_model::{Category, Error, Result};
use serde::Serialize;

use crate::detect::{components, joined, map, merged, unclip};
use crate::ink::Ink;
use crate::marks::marks;
use crate::recognize::{Reading, Recognizer};
use crate::{Area, Direction, Picture, views_of_picture};

/// Model files in the folder that `scripts/ocr.sh` makes.
pub const DETECTION: &str = "ch_PP-OCRv4_det_infer.onnx";
pub const RECOGNITION: &str = "ch_PP-OCRv4_rec_infer.onnx";

/// Side of the blocks a large picture is looked at in, in pixels, and what they share: the
/// memory that is needed is that of one block.
const BLOCK: u32 = 2048;
const BLOCK_OVERLAP: u32 = 192;

/// A mark that is no higher is looked at four times as large.
const SMALL: u32 = 24;

/// Sizes a view is looked at in: 2.0 is twice as large, for small text.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// As it is.
    pub plain: Vec<f32>,
    /// With black and white exchanged: dark letters on light ground are found better.
    pub inverted: Vec<f32>,
    /// Turned by 90°.
    pub turned: Vec<f32>,
}

/// How closely is looked. The default is what the coverage was measured with.
#[derive(Debug, Clone, PartialEq)]
pub struct Effort {
    /// At the first view.
    pub first: Look,
    /// At each other view.
    pub others: Look,
    /// Least probability of a pixel of text, 0 to 1.
    pub threshold: f32,
    /// Least probability that one pixel of a text must reach.
    pub peak: f32,
    /// By how much the shrunk text of the map is grown: the ratio of the DB paper.
    pub unclip: f32,
}

/// Rows of a shrunk text in a map at most: letters of some 80 pixels. Larger ones are found where
/// the picture is looked at in a smaller size; what is as large there is a bone taken for an "O".
const TALLEST: u32 = 36;

/// From this size on, in pixels, a picture is taken for a film or a slide, whose letters are large.
const LARGE: u64 = 1_500_000;

impl Effort {
    /// For a picture of this size. Of a large one nothing is looked at enlarged but for marks:
    /// letters of less than some 14 pixels are found there on quiet ground only.
    pub fn of(area: Area) -> Self {
        if area.size() < LARGE {
            return Self::default();
        }
        Self {
            first: Look {
                plain: vec![1.0, 0.5, 0.25],
                inverted: vec![1.5],
                turned: vec![0.5],
            },
            others: Look {
                plain: vec![0.5],
                inverted: vec![1.0],
                turned: vec![0.5],
            },
            ..Self::default()
        }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            first: Look {
                plain: vec![2.0, 1.0, 0.5],
                inverted: vec![3.0],
                turned: vec![1.0],
            },
            others: Look {
                plain: vec![1.0],
                inverted: vec![2.0],
                turned: vec![1.0],
            },
            threshold: 0.2,
            peak: 0.35,
            unclip: 2.0,
        }
    }
}

/// A text found in a picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// In pixels of the picture; covers the text with its margin.
    pub area: Area,
    /// The most confident reading; empty where nothing could be read.
    pub text: String,
    /// Least probability of a letter of it, 0 to 1.
    pub confidence: f32,
    pub direction: Direction,
    /// What else was read there (other views, other directions): identifiers are hunted in it.
    pub others: Vec<String>,
    /// What the pixels say, without a reading.
    pub ink: Ink,
}

/// Finds text. One picture at a time: for more cores open it more than once.
pub struct TextFinder {
    detection: OnnxModel,
    recognizer: Recognizer,
    effort: Option<Effort>,
}

impl TextFinder {
    /// Loads the models of a folder (`KURA_OCR__MODELS`).
    ///
    /// # Errors
    /// `Unsupported` where the runtime or a file is missing, saying which and what fetches it;
    /// `Invalid` where a file is no such model.
    pub fn open(models: &Path, runtime: &Runtime) -> Result<Self> {
        let read = |name: &str| {
            let path = models.join(name);
            fs::read(&path).map_err(|error| {
                Error::new(
                    Category::Unsupported,
                    format!(
                        "{} cannot be read; text in pictures is not found without it. scripts/ocr.sh fetches it: name its folder in KURA_OCR__MODELS",
                        path.display()
                    ),
                )
                .because(error)
            })
        };
        let (detection, recognition) = (read(DETECTION)?, read(RECOGNITION)?);
        let open = |bytes: &[u8]| OnnxModel::open(runtime, bytes);
        Ok(Self {
            detection: open(&detection)?,
            recognizer: Recognizer::new(open(&recognition)?)?,
            effort: None,
        })
    }

    /// Looks so closely at pictures of every size, instead of what [`Effort::of`] says.
    #[must_use]
    pub fn with_effort(self, effort: Effort) -> Self {
        Self {
            effort: Some(effort),
            ..self
        }
    }

    /// Text in a picture of 8 bits.
    ///
    /// # Errors
    /// What the models refuse. Then nothing is known: the picture may not leave.
    pub fn find(&self, picture: &Picture) -> Result<Vec<Found>> {
        self.find_in_views(&views_of_picture(picture))
    }

    /// Text in a picture that is given in several views of one size
    /// ([`views_of_values`](crate::views_of_values)); the first is the one that is read first.
    ///
    /// # Errors
    /// `Invalid` for views of different sizes, and what the models refuse.
    pub fn find_in_views(&self, views: &[Picture]) -> Result<Vec<Found>> {
        let areas = self.locate(views)?;
        areas
            .into_iter()
            .map(|area| self.read(views, area))
            .collect()
    }

    /// Where text is, unread: rectangles that may overlap.
    ///
    /// # Errors
    /// Those of [`find_in_views`](Self::find_in_views).
    pub fn locate(&self, views: &[Picture]) -> Result<Vec<Area>> {
        let Some(first) = views.first() else {
            return Err(Error::invalid("a picture without a view is not looked at"));
        };
        if views.iter().any(|view| view.area() != first.area()) {
            return Err(Error::invalid("views of one picture have one size"));
        }
        let effort = self
            .effort
            .clone()
            .unwrap_or_else(|| Effort::of(first.area()));
        let mut areas = Vec::new();
        for (number, view) in views.iter().enumerate() {
            let look = match number {
                0 => &effort.first,
                _ => &effort.others,
            };
            // The third view of a picture shows the ends of its range on even ground: marks say nothing there.
            let ends = views.len() == 3 && number == 2;
            for block in blocks(first.area()) {
                let Some(picture) = view.cut(block) else {
                    continue;
                };
                let mut inner = self.locate_in(&picture, look, &effort)?;
                if !ends {
                    let more = self.locate_marks(&picture, &inner, &effort)?;
                    inner = merged([inner, more].concat());
                }
                areas.extend(inner.into_iter().map(|area| Area {
                    x: area.x + block.x,
                    y: area.y + block.y,
                    ..area
                }));
            }
        }
        Ok(joined(merged(areas)))
    }

    fn locate_in(&self, picture: &Picture, look: &Look, effort: &Effort) -> Result<Vec<Area>> {
        let mut areas = Vec::new();
        for scale in &look.plain {
            areas.extend(self.locate_at(picture, *scale, effort)?);
        }
        if !look.inverted.is_empty() {
            let inverted = picture.inverted();
            for scale in &look.inverted {
                areas.extend(self.locate_at(&inverted, *scale, effort)?);
            }
        }
        if !look.turned.is_empty() {
            let turned = picture.turned(1);
            for scale in &look.turned {
                let found = self.locate_at(&turned, *scale, effort)?;
                // Turned clockwise, the first column came from the last row.
                areas.extend(found.into_iter().map(|area| Area {
                    x: area.y,
                    y: picture.height() - area.right(),
                    width: area.height,
                    height: area.width,
                }));
            }
        }
        Ok(merged(areas))
    }

    /// Marks that no area covers: what was drawn is text, of others the detector decides, near
    /// enough to see them.
    fn locate_marks(
        &self,
        picture: &Picture,
        areas: &[Area],
        effort: &Effort,
    ) -> Result<Vec<Area>> {
        let (width, height) = (picture.width(), picture.height());
        let mut found = Vec::new();
        let mut windows = Vec::new();
        for mark in marks(&picture.to_gray()) {
            let covered = areas.iter().any(|area| {
                let shared = area.intersection(&mark.area).map_or(0, |area| area.size());
                shared * 10 >= mark.area.size() * 9
            });
            if covered {
                continue;
            }
            if mark.drawn {
                found.push(mark.area);
            } else if mark.area.height.min(mark.area.width) <= SMALL {
                windows.push(mark.area.grown(SMALL, SMALL, width, height));
            }
        }
        for window in gathered(windows) {
            let Some(part) = picture.cut(window) else {
                continue;
            };
            for area in self.locate_at(&part, 4.0, effort)? {
                found.push(Area {
                    x: area.x + window.x,
                    y: area.y + window.y,
                    ..area
                });
            }
        }
        Ok(found)
    }

    fn locate_at(&self, picture: &Picture, scale: f32, effort: &Effort) -> Result<Vec<Area>> {
        let side = |length: u32| ((length as f32 * scale).round() as u32).max(1);
        let (width, height) = (side(picture.width()), side(picture.height()));
        // Smaller than the border of a tile there is nothing to see.
        if scale < 1.0 && width.min(height) < 32 {
            return Ok(Vec::new());
        }
        let map = map(&self.detection, &picture.scaled(width, height))?;
        let level = |share: f32| (share * 255.0) as u8;
        Ok(components(&map, level(effort.threshold))
            .into_iter()
            .filter(|found| found.peak >= level(effort.peak) && found.count >= 4)
            .flat_map(|found| found.areas)
            .filter(|area| area.width.min(area.height) <= TALLEST)
            .map(|area| {
                // In a smaller size the blur of the map is already as wide as the text.
                let ratio = if scale < 1.0 { 0.6 } else { 1.0 } * effort.unclip;
                let by = unclip(area, ratio);
                let area = area.grown(by, by, width, height);
                let (x, y) = (area.x as f32 / scale, area.y as f32 / scale);
                let right = (area.right() as f32 / scale).ceil() as u32;
                let bottom = (area.bottom() as f32 / scale).ceil() as u32;
                let area = Area {
                    x: x as u32,
                    y: y as u32,
                    width: right.min(picture.width()) - (x as u32),
                    height: bottom.min(picture.height()) - (y as u32),
                };
                // Antialiasing and the soft border of a compressed text lie outside the glyph.
                // The first and the last letter are those most often cut.
                let short = area.width.min(area.height);
                let (along, across) = (3 + short / 3, 2 + short / 8);
                if area.width >= area.height {
                    area.grown(along, across, picture.width(), picture.height())
                } else {
                    area.grown(across, along, picture.width(), picture.height())
                }
            })
            .filter(|area| area.size() > 0)
            .collect())
    }

    fn read(&self, views: &[Picture], area: Area) -> Result<Found> {
        let mut readings: Vec<Reading> = Vec::new();
        for view in views {
            readings.extend(self.recognizer.read(view, area)?);
            if readings.iter().any(|reading| reading.confidence >= 0.9) {
                break;
            }
        }
        readings.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        let ink = views
            .first()
            .map(|view| Ink::of(view, area))
            .unwrap_or_default();
        let mut readings = readings.into_iter();
        let best = readings.next();
        Ok(match best {
            Some(best) => Found {
                area,
                others: readings.map(|reading| reading.text).collect(),
                text: best.text,
                confidence: best.confidence,
                direction: best.direction,
                ink,
            },
            None => Found {
                area,
                text: String::new(),
                confidence: 0.0,
                direction: Direction::Upright,
                others: Vec::new(),
                ink,
            },
        })
    }
}

/// Windows that overlap made one, while that is not much more to look at.
pub(crate) fn gathered(mut windows: Vec<Area>) -> Vec<Area> {
    loop {
        let before = windows.len();
        let mut kept: Vec<Area> = Vec::with_capacity(before);
        for window in windows {
            let near = |other: &&mut Area| {
                other.intersection(&window).is_some()
                    && other.hull(&window).size() <= (other.size() + window.size()) * 5 / 4
            };
            match kept.iter_mut().find(near) {
                Some(other) => *other = other.hull(&window),
                None => kept.push(window),
            }
        }
        windows = kept;
        if windows.len() == before {
            return windows;
        }
    }
}

fn blocks(area: Area) -> Vec<Area> {
    let spans = |length: u32| {
        let mut spans = Vec::new();
        let mut at = 0;
        loop {
            let size = BLOCK.min(length - at);
            spans.push((at, size));
            if at + size >= length {
                return spans;
            }
            at += BLOCK - BLOCK_OVERLAP;
        }
    };
    let columns = spans(area.width);
    spans(area.height)
        .into_iter()
        .flat_map(|(y, height)| {
            columns.iter().map(move |(x, width)| Area {
                x: *x,
                y,
                width: *width,
                height,
            })
        })
        .collect()
}
