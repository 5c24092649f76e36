//! What a text says, as far as a recogniser with a Chinese dictionary can: it lacks kana and many
//! kanji of names, so a reading decides nothing by itself ([`crate::KeepList`]).

use std::time::Duration;

use kura_inference::{Model, OnnxModel, Tensor};
use kura_model::{Error, Result};

use crate::ink::lines;
use crate::{Area, Direction, Picture};

/// Rows the network reads.
const HEIGHT: usize = 48;
/// Columns at most: a line of some 100 letters. What is longer is read pressed together.
const WIDEST: usize = 2400;
/// Below this an upright reading may be of a text that stands on its head.
const DOUBTFUL: f32 = 0.6;
const LONGEST: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) text: String,
    /// Of the least probable letter: a mean would hide the one that is wrong.
    pub(crate) confidence: f32,
    pub(crate) direction: Direction,
}

pub(crate) struct Recognizer {
    model: OnnxModel,
    /// By class; class 0 is no letter.
    letters: Vec<String>,
}

impl Recognizer {
    /// # Errors
    /// `Invalid` where the model does not bring its dictionary.
    pub(crate) fn new(model: OnnxModel) -> Result<Self> {
        let dictionary = model
            .metadata("character")
            .ok_or_else(|| Error::invalid("the model that reads text has no dictionary"))?;
        let mut letters = vec![String::new()];
        letters.extend(dictionary.lines().map(str::to_owned));
        letters.push(" ".to_owned());
        Ok(Self { model, letters })
    }

    /// Readings in every direction that the shape of the area allows; none that is empty.
    pub(crate) fn read(&self, view: &Picture, area: Area) -> Result<Vec<Reading>> {
        let lines = lines(view, area);
        if let [line] = lines.as_slice() {
            return self.read_line(view, *line);
        }
        // Lines of one area are one text: it stays as a whole, or not at all.
        let mut text = Vec::new();
        let mut confidence = 1.0_f32;
        for line in lines {
            let readings = self.read_line(view, line)?;
            let upright = readings
                .into_iter()
                .find(|reading| reading.direction == Direction::Upright);
            confidence = confidence.min(upright.as_ref().map_or(0.0, |reading| reading.confidence));
            text.extend(upright.map(|reading| reading.text));
        }
        if text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Reading {
            text: text.join(" "),
            confidence,
            direction: Direction::Upright,
        }])
    }

    fn read_line(&self, view: &Picture, area: Area) -> Result<Vec<Reading>> {
        let Some(picture) = view.cut(area) else {
            return Ok(Vec::new());
        };
        let picture = stretched(&picture.to_gray());
        let mut readings = Vec::new();
        // A column of kanji is upright too; a long line is never a column.
        if area.height * 2 <= area.width * 5 {
            readings.extend(self.read_turned(&picture, Direction::Upright)?);
        }
        if area.height * 2 > area.width * 3 {
            readings.extend(self.read_turned(&picture, Direction::Downwards)?);
            readings.extend(self.read_turned(&picture, Direction::Upwards)?);
        } else if readings.iter().all(|reading| reading.confidence < DOUBTFUL) {
            readings.extend(self.read_turned(&picture, Direction::UpsideDown)?);
        }
        Ok(readings)
    }

    fn read_turned(&self, picture: &Picture, direction: Direction) -> Result<Option<Reading>> {
        let picture = picture.turned(match direction {
            Direction::Upright => 0,
            // What runs downwards is turned back anticlockwise.
            Direction::Downwards => 3,
            Direction::UpsideDown => 2,
            Direction::Upwards => 1,
        });
        let width = (picture.width * HEIGHT).div_ceil(picture.height);
        let width = width.clamp(HEIGHT / 2, WIDEST);
        let picture = picture.scaled(width as u32, HEIGHT as u32);
        let plane: Vec<f32> = picture
            .data
            .iter()
            .map(|value| f32::from(*value) / 127.5 - 1.0)
            .collect();
        let input = Tensor::new(vec![1, 3, HEIGHT, width], plane.repeat(3))?;
        let output = self.model.run(&[input], LONGEST)?;
        let output = output
            .first()
            .filter(|output| {
                output.shape.len() == 3
                    && output.shape[0] == 1
                    && output.shape[2] == self.letters.len()
            })
            .ok_or_else(|| {
                Error::invalid("the model that reads text does not fit its dictionary")
            })?;
        let (text, confidence) = self.decode(&output.values);
        Ok((!text.trim().is_empty()).then(|| Reading {
            text: text.trim().to_owned(),
            confidence,
            direction,
        }))
    }

    /// The most probable class of each step; runs are one letter, class 0 parts them (CTC: Graves
    /// et al., ICML 2006).
    fn decode(&self, steps: &[f32]) -> (String, f32) {
        let mut text = String::new();
        let mut confidence = 1.0_f32;
        let mut before = 0;
        let mut best_of_run = 0.0_f32;
        for step in steps.chunks_exact(self.letters.len()) {
            let (class, value) = step
                .iter()
                .copied()
                .enumerate()
                .max_by(|one, other| one.1.total_cmp(&other.1))
                .unwrap_or_default();
            if class != before {
                if before != 0 {
                    confidence = confidence.min(best_of_run);
                }
                if class != 0 {
                    text.extend(self.letters[class].chars().map(narrow));
                }
                best_of_run = 0.0;
            }
            best_of_run = best_of_run.max(value);
            before = class;
        }
        if before != 0 {
            confidence = confidence.min(best_of_run);
        }
        (text, confidence.clamp(0.0, 1.0))
    }
}

/// Wide Latin letters and digits look like the narrow ones when they are scaled to one height.
fn narrow(letter: char) -> char {
    match letter {
        '！'..='～' => char::from_u32(letter as u32 - 0xFEE0).unwrap_or(letter),
        _ => letter,
    }
}

/// From its darkest to its lightest sample, 0 to 255: a text of 20 levels is read as one of 255.
fn stretched(picture: &Picture) -> Picture {
    let (low, high) = picture.range(picture.area());
    let span = u32::from(high - low).max(1);
    Picture {
        data: picture
            .data
            .iter()
            .map(|value| (u32::from(value - low) * 255 / span) as u8)
            .collect(),
        ..*picture
    }
}
