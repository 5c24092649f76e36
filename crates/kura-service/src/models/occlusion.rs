//! Where an image mattered: parts of it are hidden, one after the other, and the model is asked
//! again (Zeiler and Fergus, ECCV 2014, section 4.2).

use std::time::Duration;

use kura_model::Result;

use super::asked::Asked;
use super::image::ImageInput;

/// By pixel of the model's input, row by row: by how much the log-odds fall if what lies around it
/// is hidden, the mean over the patches that cover it. Positive spoke for the outcome.
pub(crate) struct Occlusion {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) values: Vec<f64>,
}

/// A side is divided into this many patches; neighbours overlap by half.
const PATCHES: usize = 7;

/// Hidden places asked about at once: memory does not grow with the image.
const AT_ONCE: usize = 32;

/// `pixels` is the image as the model takes it.
pub(crate) fn occlusion(
    asked: &Asked,
    image: &ImageInput,
    pixels: &[f32],
    limit: Duration,
) -> Result<Occlusion> {
    let (height, width) = (image.height as usize, image.width as usize);
    let plane = height * width;
    let channels = image.channels as usize;
    // What is hidden has the mean brightness of the image: neither dark nor bright is a finding.
    let grey: Vec<f32> = (0..channels)
        .map(|channel| {
            let part = &pixels[channel * plane..(channel + 1) * plane];
            (part.iter().map(|value| f64::from(*value)).sum::<f64>() / plane as f64) as f32
        })
        .collect();
    let whole = log_odds(asked.probabilities(pixels, 1, limit)?.first().copied());
    let starts = |side: usize| -> (Vec<usize>, usize) {
        let patch = side.div_ceil(PATCHES).max(1);
        let last = side - patch;
        let step = patch.div_ceil(2);
        let mut all: Vec<usize> = (0..=last).step_by(step).collect();
        if all.last() != Some(&last) {
            all.push(last);
        }
        (all, patch)
    };
    let ((rows, tall), (columns, broad)) = (starts(height), starts(width));
    let places: Vec<(usize, usize)> = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| (*row, *column)))
        .collect();
    let (mut sum, mut count) = (vec![0.0; plane], vec![0_u32; plane]);
    for part in places.chunks(AT_ONCE) {
        let mut hidden = Vec::with_capacity(part.len() * pixels.len());
        for (row, column) in part {
            let at = hidden.len();
            hidden.extend_from_slice(pixels);
            for (channel, grey) in grey.iter().enumerate() {
                for y in *row..row + tall {
                    let from = at + channel * plane + y * width + column;
                    hidden[from..from + broad].fill(*grey);
                }
            }
        }
        let answers = asked.probabilities(&hidden, part.len(), limit)?;
        for ((row, column), answer) in part.iter().zip(answers) {
            let falls = whole - log_odds(Some(answer));
            for y in *row..row + tall {
                for x in *column..column + broad {
                    sum[y * width + x] += falls;
                    count[y * width + x] += 1;
                }
            }
        }
    }
    let values = sum
        .iter()
        .zip(&count)
        .map(|(sum, count)| sum / f64::from((*count).max(1)))
        .collect();
    Ok(Occlusion {
        height,
        width,
        values,
    })
}

/// A logit must be finite; 32-bit probabilities may round to the ends.
fn log_odds(probability: Option<f64>) -> f64 {
    let inside = probability.unwrap_or(0.5).clamp(1e-7, 1.0 - 1e-7);
    (inside / (1.0 - inside)).ln()
}
