//! Waveforms, such as an electrocardiogram of twelve leads. PS3.3 C.10.9.

use std::io::Read;

use kura_dicom::bulk::ValuePath;
use kura_model::{Category, Error, RequestContext, Result};
use serde_json::Value;

use super::series::{meaning, open_object};
use crate::dicom_read::Target;
use crate::imaging_study::attribute::{decimals, item, items, number, text};
use crate::{Bank, dicom_bulk};

/// Channels that were sampled together.
#[derive(Debug, Clone)]
pub struct Waveform {
    /// Multiplex Group Label (003A,0020).
    pub label: Option<String>,
    /// Samples a second.
    pub frequency: f64,
    pub channels: Vec<Channel>,
}

#[derive(Debug, Clone)]
pub struct Channel {
    pub name: String,
    /// UCUM code.
    pub unit: String,
    /// In that unit.
    pub samples: Vec<f32>,
}

/// Bytes of one group of channels: an hour of twelve leads at 500 Hz.
const BYTES: u64 = 64 << 20;
const CHANNELS: usize = 64;

pub fn waveforms(bank: &Bank, context: &RequestContext, object: &str) -> Result<Vec<Waveform>> {
    let opened = open_object(bank, context, "waveform_read", object)?;
    let target = Target {
        study: opened.study.clone(),
        series: Some(opened.series.clone()),
        instance: Some(object.to_owned()),
    };
    let mut found = Vec::new();
    for (at, group) in (1..).zip(items(&opened.header, "54000100")) {
        let place = ValuePath::parse(&format!("54000100/{at}/54001010"))
            .ok_or_else(|| Error::internal("a place is not one"))?;
        let whole = dicom_bulk::value(bank, context, &target, &place)?;
        if whole.length > BYTES {
            return Err(Error::new(
                Category::TooLarge,
                "this waveform is too long for a page",
            ));
        }
        let mut bytes = Vec::new();
        whole
            .reader
            .take(BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::internal("a waveform cannot be read").because(error))?;
        found.push(waveform(group, &bytes)?);
    }
    if found.is_empty() {
        return Err(Error::not_found("this object has no waveform"));
    }
    Ok(found)
}

fn waveform(group: &Value, bytes: &[u8]) -> Result<Waveform> {
    let damaged = || Error::new(Category::Unsupported, "this waveform cannot be read");
    let count = number(group, "003A0005")
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| (1..=CHANNELS).contains(count))
        .ok_or_else(damaged)?;
    let frequency = decimals(group, "003A001A")
        .first()
        .copied()
        .filter(|frequency| *frequency > 0.0)
        .ok_or_else(damaged)?;
    let kind = text(group, "54001006").unwrap_or_default();
    let values = samples(&kind, bytes).ok_or_else(|| {
        Error::new(
            Category::Unsupported,
            "samples of this kind are not shown; they are kept as they came",
        )
    })?;
    let channels = (0..count)
        .map(|at| {
            let definition = items(group, "003A0200").get(at).unwrap_or(&Value::Null);
            channel(definition, values.iter().skip(at).step_by(count).copied())
        })
        .collect();
    Ok(Waveform {
        label: text(group, "003A0020"),
        frequency,
        channels,
    })
}

/// Waveform Sample Interpretation (5400,1006); bulk data come in little endian. PS3.3 C.10.9.1.5.
fn samples(kind: &str, bytes: &[u8]) -> Option<Vec<f32>> {
    let words = || bytes.as_chunks::<2>().0.iter();
    Some(match kind {
        "SS" => words()
            .map(|word| i16::from_le_bytes(*word).into())
            .collect(),
        "US" => words()
            .map(|word| u16::from_le_bytes(*word).into())
            .collect(),
        "SB" => bytes
            .iter()
            .map(|byte| f32::from(byte.cast_signed()))
            .collect(),
        "UB" => bytes.iter().map(|byte| f32::from(*byte)).collect(),
        "SL" => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| i32::from_le_bytes(*word) as f32)
            .collect(),
        _ => return None,
    })
}

/// PS3.3 C.10.9.1.4.2: nominal value = (sample + baseline) × sensitivity × correction.
fn channel(definition: &Value, stored: impl Iterator<Item = f32>) -> Channel {
    let one = |tag, otherwise| {
        decimals(definition, tag)
            .first()
            .copied()
            .unwrap_or(otherwise)
    };
    let factor = one("003A0210", 1.0) * one("003A0212", 1.0);
    let baseline = one("003A0213", 0.0);
    let unit = item(definition, "003A0211")
        .and_then(|unit| text(unit, "00080100"))
        .unwrap_or_default();
    let name = meaning(definition, "003A0208")
        .or_else(|| text(definition, "003A0203"))
        .unwrap_or_default();
    Channel {
        // As a tracing is labelled: "Lead I (Einthoven)" is I.
        name: name
            .strip_prefix("Lead ")
            .map_or(name.as_str(), |lead| {
                lead.split(" (").next().unwrap_or(lead)
            })
            .to_owned(),
        unit,
        samples: stored
            .map(|sample| ((f64::from(sample) + baseline) * factor) as f32)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_become_millivolts() {
        let group = json!({
            "003A0005": { "vr": "US", "Value": [2] },
            "003A001A": { "vr": "DS", "Value": [500] },
            "54001006": { "vr": "CS", "Value": ["SS"] },
            "003A0200": { "vr": "SQ", "Value": [{
                "003A0208": { "vr": "SQ", "Value": [{ "00080104": { "vr": "LO", "Value": ["Lead I (Einthoven)"] } }] },
                "003A0210": { "vr": "DS", "Value": [2.5] },
                "003A0213": { "vr": "DS", "Value": [4] },
                "003A0211": { "vr": "SQ", "Value": [{ "00080100": { "vr": "SH", "Value": ["uV"] } }] },
            }] },
        });
        let bytes: Vec<u8> = [10_i16, 7, -20, 8]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let found = waveform(&group, &bytes).unwrap();
        assert_eq!(found.channels[0].name, "I");
        assert_eq!(found.channels[0].samples, [35.0, -40.0]);
        assert_eq!(found.channels[1].samples, [7.0, 8.0]);
        assert!(waveform(&json!({}), &bytes).is_err());
    }
}
