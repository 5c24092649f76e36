//! Where an image mattered: parts of it are hidden, one after the other, and the model is asked
//! again (Zeiler and Fergus, ECCV 2014, section 4.2).

use kura_model::Result;

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

/// Rows one after the other, and how many: the log-odds of each.
type Answers<'a> = dyn Fn(&[f32], usize) -> Result<Vec<f64>> + 'a;

/// `pixels` is the image as the model takes it; `log_odds` answers for some of them, one after the
/// other.
pub(crate) fn occlusion(
    image: &ImageInput,
    pixels: &[f32],
    log_odds: &Answers<'_>,
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
    let whole = log_odds(pixels, 1)?.first().copied().unwrap_or(0.0);
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
        let answers = log_odds(&hidden, part.len())?;
        for ((row, column), answer) in part.iter().zip(answers) {
            let falls = whole - answer;
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

/// The log-odds of a probability. 32-bit probabilities round to the ends: beyond 1e-7 nothing can be
/// told apart.
pub(crate) fn log_odds(probability: f64) -> f64 {
    let inside = probability.clamp(1e-7, 1.0 - 1e-7);
    (inside / (1.0 - inside)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model that looks at one pixel only: hiding it, and nothing else, changes the answer.
    #[test]
    fn what_the_model_uses_is_found() {
        let image = ImageInput {
            height: 14,
            width: 21,
            low: 0.0,
            high: 1.0,
            channels: 1,
            mean: [0.0; 3],
            deviation: [1.0; 3],
        };
        let mut pixels = vec![0.0_f32; 14 * 21];
        let at = 5 * 21 + 9;
        pixels[at] = 1.0;
        let asked = |rows: &[f32], count: usize| -> Result<Vec<f64>> {
            assert_eq!(rows.len(), count * 14 * 21);
            Ok(rows
                .chunks_exact(14 * 21)
                .map(|row| 3.0 * f64::from(row[at]))
                .collect())
        };
        let found = occlusion(&image, &pixels, &asked).unwrap();
        let largest = found.values.iter().copied().fold(0.0, f64::max);
        assert!(largest > 1.0 && (found.values[at] - largest).abs() < 1e-12);
        // Nothing beyond a patch (2 × 3) of the pixel.
        for (place, value) in found.values.iter().enumerate() {
            let (row, column) = ((place / 21) as i64, (place % 21) as i64);
            if (row - 5).abs() >= 2 || (column - 9).abs() >= 3 {
                assert_eq!(*value, 0.0, "{row} {column}");
            }
        }
    }
}
