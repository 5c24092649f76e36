//! An electrocardiogram as paper shows it: 25 mm/s across, 10 mm/mV up, a grid of 1 and 5 mm.

use std::fmt::Write;

use kura_service::imaging::{Channel, Waveform};
use maud::{Markup, html};

use super::words;
use crate::ui::page::Page;

const MM_A_SECOND: f64 = 25.0;
const MM_A_MILLIVOLT: f64 = 10.0;
/// A strip of paper.
const SECONDS: f64 = 10.0;
/// mm of paper for one channel.
const HEIGHT: f64 = 25.0;
/// mm beside the tracing, for its name.
const MARGIN: f64 = 10.0;

/// How many of a unit (UCUM) are a millivolt.
fn a_millivolt(unit: &str) -> Option<f64> {
    match unit {
        "mV" => Some(1.0),
        "uV" => Some(1000.0),
        "V" => Some(0.001),
        "nV" => Some(1_000_000.0),
        _ => None,
    }
}

pub(super) fn drawn(page: &Page, waveforms: &[Waveform]) -> Markup {
    let voltage = |waveform: &Waveform| {
        waveform
            .channels
            .iter()
            .all(|channel| a_millivolt(&channel.unit).is_some())
    };
    html! {
        @for waveform in waveforms {
            section .panel.ecg {
                h2 { (waveform.label.as_deref().unwrap_or_default()) " " small .quiet { (waveform.frequency) " Hz" } }
                div .ecg-paper { (paper(waveform)) }
                p .quiet {
                    @if voltage(waveform) { (page.say(words::ECG_SCALE)) } @else { (page.say(words::ECG_OWN)) }
                    @if seconds(waveform) > SECONDS { " " (page.say(words::ECG_CUT)) }
                }
            }
        }
    }
}

fn seconds(waveform: &Waveform) -> f64 {
    let longest = waveform
        .channels
        .iter()
        .map(|channel| channel.samples.len())
        .max()
        .unwrap_or(0);
    longest as f64 / waveform.frequency
}

/// In mm.
fn paper(waveform: &Waveform) -> Markup {
    let width = (MARGIN + seconds(waveform).min(SECONDS) * MM_A_SECOND).ceil();
    let height = HEIGHT * waveform.channels.len() as f64;
    html! {
        svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(waveform.label.as_deref().unwrap_or("ECG")) {
            path .fine d=(grid(width, height, 1.0)) {}
            path .coarse d=(grid(width, height, 5.0)) {}
            @for (at, channel) in waveform.channels.iter().enumerate() {
                @let middle = HEIGHT * (at as f64 + 0.5);
                text x="1" y=(middle - HEIGHT * 0.25) { (channel.name) }
                path .trace data-lead=(channel.name) d=(trace(channel, waveform.frequency, middle)) {}
            }
        }
    }
}

fn grid(width: f64, height: f64, step: f64) -> String {
    let mut path = String::new();
    let lines = |side: f64| (0..=(side / step) as u32).map(move |line| f64::from(line) * step);
    for x in lines(width) {
        let _ = write!(path, "M{x} 0V{height}");
    }
    for y in lines(height) {
        let _ = write!(path, "M0 {y}H{width}");
    }
    path
}

fn trace(channel: &Channel, frequency: f64, middle: f64) -> String {
    let count = ((SECONDS * frequency) as usize).min(channel.samples.len());
    let samples = &channel.samples[..count];
    let (low, high) = samples
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), one| {
            (low.min(*one), high.max(*one))
        });
    let millimetres = match a_millivolt(&channel.unit) {
        Some(unit) => MM_A_MILLIVOLT / unit,
        // What is no voltage fills its height.
        None => HEIGHT * 0.8 / f64::from(high - low).max(f64::MIN_POSITIVE),
    };
    let zero = match a_millivolt(&channel.unit) {
        Some(_) => 0.0,
        None => f64::from(high + low) / 2.0,
    };
    let mut path = String::with_capacity(count * 12);
    for (at, sample) in samples.iter().enumerate() {
        let x = MARGIN + at as f64 / frequency * MM_A_SECOND;
        let y = middle - (f64::from(*sample) - zero) * millimetres;
        let letter = if at == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.2} {y:.2}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millivolt_is_ten_millimetres_and_a_second_twenty_five() {
        let channel = |unit: &str, samples: &[f32]| Channel {
            name: "I".to_owned(),
            unit: unit.to_owned(),
            samples: samples.to_vec(),
        };
        assert_eq!(
            trace(&channel("uV", &[0.0, 1000.0]), 1.0, 20.0),
            "M10.00 20.00L35.00 10.00"
        );
        assert_eq!(
            trace(&channel("mV", &[0.0, -1.0]), 1.0, 20.0),
            "M10.00 20.00L35.00 30.00"
        );
        // Pressure fills the height.
        assert_eq!(
            trace(&channel("mm[Hg]", &[80.0, 120.0]), 1.0, 12.5),
            "M10.00 22.50L35.00 2.50"
        );
    }
}
