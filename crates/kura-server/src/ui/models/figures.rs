//! Charts of a model card as SVG. Colours come from the style sheet by class.

use kura_service::models::Estimate;
use maud::{Markup, html};
use serde_json::Value;

fn at(number: f64) -> String {
    format!("{number:.1}")
}

const WIDTH: f64 = 140.0;
/// Room for half a mark at the ends.
const MARGIN: f64 = 6.0;

/// The values a row of a forest plot spans.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Drawn as a dashed line: what would be found by chance, or would be ideal.
    pub(super) reference: Option<f64>,
}

impl Scale {
    fn x(self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        MARGIN + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * MARGIN)
    }
}

/// One row of a forest plot: the interval as a line, the estimate as a square. An interval that
/// leaves the scale ends in an arrow.
pub(super) fn forest(found: &Estimate, scale: Scale, name: &str) -> Markup {
    let (low, high) = (scale.x(found.lower), scale.x(found.upper));
    let point = scale.x(found.value);
    html! {
        svg .forest viewBox={ "0 0 " (WIDTH) " 16" } role="img" aria-label=(name) {
            line .axis x1=(MARGIN) y1="8" x2=(WIDTH - MARGIN) y2="8" {}
            @if let Some(reference) = scale.reference {
                line .reference x1=(at(scale.x(reference))) y1="0" x2=(at(scale.x(reference))) y2="16" {}
            }
            line .interval x1=(at(low)) y1="8" x2=(at(high)) y2="8" {}
            @if found.lower < scale.from { polyline .interval points={ (at(low + 4.0)) ",4 " (at(low)) ",8 " (at(low + 4.0)) ",12" } {} }
            @if found.upper > scale.to { polyline .interval points={ (at(high - 4.0)) ",4 " (at(high)) ",8 " (at(high - 4.0)) ",12" } {} }
            @if (scale.from..=scale.to).contains(&found.value) {
                rect .point x=(at(point - 3.5)) y="4.5" width="7" height="7" {}
            }
        }
    }
}

/// The ends, the middle and the reference of a scale, for the row above its estimates.
pub(super) fn ticks(scale: Scale) -> Markup {
    let middle = (scale.from + scale.to) / 2.0;
    let tick = |value: f64, anchor: &str| {
        html! { text x=(at(scale.x(value))) y="12" text-anchor=(anchor) { (super::words::plain(value)) } }
    };
    html! {
        svg .forest viewBox={ "0 0 " (WIDTH) " 16" } aria-hidden="true" {
            (tick(scale.from, "start")) (tick(middle, "middle")) (tick(scale.to, "end"))
        }
    }
}

/// The fall of the AUC per feature as a bar from zero, one deviation as a line across its end.
pub(super) fn importance(loss: f64, deviation: f64, low: f64, high: f64) -> Markup {
    let x = |value: f64| (value.clamp(low, high) - low) / (high - low).max(1e-9) * 100.0;
    let (zero, end) = (x(0.0), x(loss));
    let (left, right) = (x(loss - deviation), x(loss + deviation));
    html! {
        svg .importance viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            @if loss > 0.0 {
                rect .bar x=(at(zero)) y="1" width=(at((end - zero).max(0.5))) height="8" {}
            } @else {
                rect .worthless x=(at(end)) y="1" width=(at((zero - end).max(0.5))) height="8" {}
            }
            rect .deviation x=(at(left)) y="4.5" width=(at((right - left).max(0.2))) height="1" {}
            rect .zero x=(at((zero - 0.15).max(0.0))) y="0" width="0.4" height="10" {}
        }
    }
}

/// Training and validation AUC by share of the patients learnt from: two lines that should meet.
/// `None` with less than two points.
pub(super) fn learning_curve(points: &[Value], name: &str) -> Option<Markup> {
    let (width, height, left, bottom) = (360.0, 190.0, 34.0, 24.0);
    let line = |which: &str| -> Vec<(f64, f64)> {
        points
            .iter()
            .filter_map(|point| Some((point["share"].as_f64()?, point[which].as_f64()?)))
            .collect()
    };
    let (seen, unseen) = (line("training_auc"), line("validation_auc"));
    if unseen.len() < 2 {
        return None;
    }
    let lowest = seen
        .iter()
        .chain(&unseen)
        .map(|(_, auc)| *auc)
        .fold(0.5, f64::min);
    let floor = (lowest * 10.0).floor() / 10.0;
    let x = |share: f64| left + share * (width - left - 20.0);
    let y = |auc: f64| {
        let share = (auc - floor) / (1.0 - floor).max(1e-9);
        height - bottom - share * (height - bottom - 10.0)
    };
    let drawn = |line: &[(f64, f64)]| {
        line.iter()
            .map(|(share, auc)| format!("{},{}", at(x(*share)), at(y(*auc))))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let middle = (floor + 1.0) / 2.0;
    Some(html! {
        svg .curve viewBox={ "0 0 " (width) " " (height) } role="img" aria-label=(name) {
            @for auc in [floor, middle, 1.0] {
                line .axis x1=(left) y1=(at(y(auc))) x2=(width - 20.0) y2=(at(y(auc))) {}
                text x=(left - 6.0) y=(at(y(auc) + 4.0)) text-anchor="end" { (super::words::plain((auc * 100.0).round() / 100.0)) }
            }
            @for share in [0.25, 0.5, 0.75, 1.0] {
                text x=(at(x(share))) y=(height - 6.0) text-anchor="middle" { (format!("{:.0} %", share * 100.0)) }
            }
            polyline .seen points=(drawn(&seen)) {}
            polyline .unseen points=(drawn(&unseen)) {}
            @for (share, auc) in &unseen { circle .unseen-dot cx=(at(x(*share))) cy=(at(y(*auc))) r="3" {} }
        }
    })
}

/// The line of a legend.
pub(super) fn swatch(class: &str) -> Markup {
    html! { svg .swatch viewBox="0 0 24 8" aria-hidden="true" { polyline .(class) points="0,4 24,4" {} } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Scale = Scale {
        from: 0.0,
        to: 1.0,
        reference: Some(0.5),
    };

    #[test]
    fn an_interval_that_leaves_the_scale_says_so() {
        let wide = Estimate {
            value: 0.9,
            lower: 0.4,
            upper: 1.2,
        };
        let drawn = forest(&wide, UNIT, "n").into_string();
        assert_eq!(drawn.matches("<polyline").count(), 1);
        assert!(drawn.contains("<rect"));
        let outside = Estimate {
            value: 1.1,
            lower: -0.4,
            upper: 1.2,
        };
        let drawn = forest(&outside, UNIT, "n").into_string();
        assert_eq!(drawn.matches("<polyline").count(), 2);
        assert!(!drawn.contains("<rect"));
    }

    #[test]
    fn a_curve_needs_two_points() {
        let point = serde_json::json!({"share": 1.0, "training_auc": 0.9, "validation_auc": 0.8});
        assert!(learning_curve(std::slice::from_ref(&point), "n").is_none());
        let nothing = serde_json::json!({"share": 0.5, "training_auc": null});
        assert!(learning_curve(&[nothing, point.clone()], "n").is_none());
        let half = serde_json::json!({"share": 0.5, "training_auc": 1.0, "validation_auc": 0.3});
        let drawn = learning_curve(&[half, point], "n").unwrap().into_string();
        // The scale goes down to what is drawn.
        assert!(drawn.contains(">0.3<"));
    }
}
