//! Charts drawn on the server as SVG. Colours come from the style sheet by class.

use kura_service::timeline::{Course, Series};
use maud::{Markup, html};

/// Two decimals are a tenth of a pixel of the box.
fn at(number: f64) -> String {
    format!("{number:.1}")
}

/// Bars, oldest first: `(label, value)`. The width is 100 for each of at least 12 places.
pub(crate) fn bars(values: &[(String, u64)], name: &str) -> Markup {
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let places = values.len().max(12) as f64;
    let step = 600.0 / places;
    html! {
        svg .bars viewBox="0 0 600 120" preserveAspectRatio="none" role="img" aria-label=(name) {
            line .axis x1="0" y1="119.5" x2="600" y2="119.5" {}
            @for (place, (label, value)) in values.iter().enumerate() {
                @let height = (*value as f64 / most * 112.0).max(if *value > 0 { 2.0 } else { 0.0 });
                rect .bar x=(at(place as f64 * step + step * 0.1)) y=(at(119.0 - height)) width=(at(step * 0.8)) height=(at(height)) {
                    title { (label) }
                }
            }
        }
    }
}

/// One horizontal bar of a table, `share` of its width.
pub(crate) fn share(share: f64) -> Markup {
    html! {
        svg .share viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect .bar x="0" y="0" width=(at((share * 100.0).clamp(0.5, 100.0))) height="8" {}
        }
    }
}

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 36.0;
/// Room for the dots at the edges.
const MARGIN: f64 = 4.0;

/// The values of a test over time, the reference range as a band. `None` with less than two.
pub(crate) fn sparkline(series: &Series) -> Option<Markup> {
    let points: Vec<(i64, f64, bool)> = series
        .values
        .iter()
        .filter_map(|value| Some((value.moment.seconds, value.number?, value.flag.is_some())))
        .filter(|(_, number, _)| number.is_finite())
        .collect();
    if points.len() < 2 {
        return None;
    }
    let last = series.values.last()?;
    let bounds = [last.low, last.high];
    let all = || {
        points
            .iter()
            .map(|point| point.1)
            .chain(bounds.into_iter().flatten())
    };
    let (low, high) = (
        all().fold(f64::MAX, f64::min),
        all().fold(f64::MIN, f64::max),
    );
    let (from, to) = (points[0].0, points[points.len() - 1].0);
    let x = |seconds: i64| {
        let span = (to - from).max(1) as f64;
        MARGIN + (seconds - from) as f64 / span * (WIDTH - 2.0 * MARGIN)
    };
    let y = |number: f64| {
        let span = if high > low { high - low } else { 1.0 };
        HEIGHT - MARGIN - (number - low) / span * (HEIGHT - 2.0 * MARGIN)
    };
    let line: Vec<String> = points
        .iter()
        .map(|(seconds, number, _)| format!("{},{}", at(x(*seconds)), at(y(*number))))
        .collect();
    let (top, bottom) = (last.high.map_or(0.0, y), last.low.map_or(HEIGHT, y));
    // Many values are a line; dots are for those outside the range, and the last.
    let every = points.len() <= 24;
    let name = format!("{} {}–{}", series.name, at_most(low), at_most(high));
    Some(html! {
        svg .spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(name) {
            @if last.low.is_some() || last.high.is_some() {
                rect .band x="0" y=(at(top)) width=(WIDTH) height=(at((bottom - top).max(1.0))) {}
            }
            polyline .line points=(line.join(" ")) {}
            @for (place, (seconds, number, outside)) in points.iter().enumerate() {
                @if *outside || every || place + 1 == points.len() {
                    circle .dot.outside[*outside].last[place + 1 == points.len()] cx=(at(x(*seconds))) cy=(at(y(*number)))
                        r=(if place + 1 == points.len() { "3" } else if every { "2" } else { "1.3" }) {}
                }
            }
        }
    })
}

/// At most four digits that matter.
fn at_most(number: f64) -> String {
    let text = if number.abs() >= 100.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The days of one medicine between `from` and `to`, days since 1970-01-01.
pub(crate) fn course(course: &Course, from: i64, to: i64) -> Markup {
    let x = |day: i64| (day - from) as f64 / (to - from).max(1) as f64 * 300.0;
    html! {
        svg .course viewBox="0 0 300 12" preserveAspectRatio="none" aria-hidden="true" {
            line .axis x1="0" y1="6" x2="300" y2="6" {}
            @for (first, last) in &course.spans {
                @if *last >= from {
                    @let start = x((*first).max(from));
                    rect .bar x=(at(start)) y="2" width=(at((x(*last + 1) - start).max(1.5))) height="8" rx="1.5" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_chart_is_still_a_chart() {
        let drawn = bars(&[], "nothing").into_string();
        assert!(drawn.starts_with("<svg") && !drawn.contains("<rect"));
    }

    #[test]
    fn labels_are_short_and_keep_their_tens() {
        assert_eq!(at_most(100.0), "100");
        assert_eq!(at_most(10.0), "10");
        assert_eq!(at_most(7.45), "7.45");
        assert_eq!(at_most(1.5), "1.5");
    }
}
