//! What a model saw of an image, and where it mattered: drawn when somebody asks.

use kura_dicom::pixel::render::Image8;
use kura_fhir::view;
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::AuditEntry;

use super::proposal::{SERIES, reference};
use crate::access::{Action, authorize, reach};
use crate::models::asked::Asked;
use crate::models::occlusion::{Occlusion, log_odds, occlusion};
use crate::models::registry;
use crate::{Bank, imaging};

/// Side of the shorter side of each of the two pictures, at least.
const SIDE: usize = 280;

/// The image of a `RiskAssessment` as the model took it and, beside it, the places that change the
/// answer when they are hidden. PNG.
///
/// # Errors
/// `NotFound` where the answer is about no image, or the image is gone.
pub fn picture(bank: &Bank, context: &RequestContext, id: &str) -> Result<Vec<u8>> {
    authorize(bank, context, Action::ReadWorklist)?;
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = RecordKey::new("RiskAssessment", id);
    bank.clinical
        .audit(AuditEntry::new(context, "model_picture", key.to_string()));
    let none = || Error::not_found("there is no answer about an image of that name");
    let version = reach
        .read(bank, |reader| reader.current(&key))?
        .filter(|version| !version.deleted)
        .ok_or_else(none)?;
    let risk = imaging::decode(&version.body)?;
    let series = view::items(&risk, "extension")
        .find(|extension| view::text(extension, "url") == Some(SERIES))
        .and_then(|extension| view::text(extension, "valueOid"))
        .and_then(|oid| oid.strip_prefix("urn:oid:"))
        .ok_or_else(none)?;
    let study = view::items(&risk, "basis")
        .find_map(reference)
        .ok_or_else(none)?;
    let study = reach
        .read(bank, |reader| reader.current(&study))?
        .ok_or_else(none)?;
    let study = imaging::decode(&study.body)?;
    let uid = imaging::study_uid(&study).ok_or_else(none)?;
    let which = view::text(&risk["method"], "text")
        .unwrap_or_default()
        .parse::<registry::Which>()?;
    let model = registry::find(bank, &which)?;
    let file = registry::model_file(bank, &model)?;
    let image = file.image.ok_or_else(none)?;
    let files = imaging::series_files(bank, uid, series)?;
    let first = files.first().ok_or_else(none)?;
    let pixels = image
        .read(&first.path)
        .map_err(|refusal| Error::invalid(refusal.message.to_string()).because(refusal))?;
    let blobs = bank.clinical.blobs();
    // Where the trained numbers are known, the log-odds are not rounded to 32 bits at the ends.
    let numbers = match file.numbers {
        Some(hash) => serde_json::from_slice::<kura_training::Model>(&blobs.read(hash)?)
            .ok()
            .filter(kura_training::Model::is_sound),
        None => None,
    };
    let found = match numbers.filter(|numbers| numbers.features.len() == pixels.len()) {
        Some(numbers) => occlusion(&image, &pixels, &|rows, _| {
            Ok(rows
                .chunks_exact(pixels.len())
                .map(|row| numbers.margin(row))
                .collect())
        })?,
        None => {
            let asked = Asked::of(bank, &blobs.read(model.onnx)?, &file)?;
            occlusion(&image, &pixels, &|rows, count| {
                let answers = asked.probabilities(rows, count, registry::limit(bank))?;
                Ok(answers.into_iter().map(log_odds).collect())
            })?
        }
    };
    let plane = found.height * found.width;
    // The first channel is enough to see what was looked at.
    Ok(draw(&pixels[..plane], &found).to_png(None))
}

/// The image, and the image in grey with red where it spoke for the outcome and blue where against.
fn draw(pixels: &[f32], found: &Occlusion) -> Image8 {
    let (height, width) = (found.height, found.width);
    let times = SIDE.div_ceil(height.min(width)).max(1);
    let low = pixels.iter().copied().fold(f32::INFINITY, f32::min);
    let high = pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = (high - low).max(f32::EPSILON);
    let largest = found
        .values
        .iter()
        .fold(f64::EPSILON, |largest, value| largest.max(value.abs()));
    let colour = |at: usize, overlaid: bool| -> [u8; 3] {
        let grey = f64::from((pixels[at] - low) / range) * 255.0;
        if !overlaid {
            return [grey as u8; 3];
        }
        let share = found.values[at] / largest;
        let to = if share > 0.0 {
            [230.0, 60.0, 40.0]
        } else {
            [40.0, 110.0, 230.0]
        };
        // As much colour as it mattered; the picture shines through.
        let weight = share.abs() * 0.7;
        to.map(|channel| (grey * 0.8 * (1.0 - weight) + channel * weight) as u8)
    };
    let mut data = Vec::with_capacity(height * width * 2 * times * times * 3);
    for y in 0..height * times {
        for overlaid in [false, true] {
            for x in 0..width * times {
                data.extend(colour(y / times * width + x / times, overlaid));
            }
        }
    }
    Image8 {
        width: (width * 2 * times) as u32,
        height: (height * times) as u32,
        channels: 3,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_is_for_and_blue_against() {
        let found = Occlusion {
            height: 1,
            width: 2,
            values: vec![2.0, -1.0],
        };
        let drawn = draw(&[0.0, 1.0], &found);
        assert_eq!((drawn.width, drawn.height), (1120, 280));
        let at = |x: usize| &drawn.data[x * 3..x * 3 + 3];
        assert_eq!(at(0), [0, 0, 0]);
        assert_eq!(at(300), [255, 255, 255]);
        assert!(at(600)[0] > at(600)[2]);
        assert!(at(900)[2] > at(900)[0]);
    }
}
