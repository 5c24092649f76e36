//! Drawings: the ROC plane with readers' points, and intervals side by side.

use kura_evaluation::roc::RocPoint;
use maud::{Markup, html};

/// A marker by group; filled with the model's help, hollow without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The model.
    Ai,
    /// A reader's group, in the order of appearance, and whether the marker is filled.
    Group(usize, bool),
    /// The mean of a group.
    Mean(usize, bool),
}

impl Mark {
    fn class(self) -> String {
        match self {
            Mark::Ai => "ai".to_owned(),
            Mark::Group(group, _) | Mark::Mean(group, _) => format!("g{}", group % 4),
        }
    }

    /// Shapes differ as well as colours: circle, square, triangle, diamond; the model a larger
    /// diamond, a mean a larger one of its own shape.
    fn draw(self, x: f64, y: f64) -> Markup {
        let (shape, size, full) = match self {
            Mark::Ai => (3, 6.5, true),
            Mark::Group(group, full) => (group % 4, 4.2, full),
            Mark::Mean(group, full) => (group % 4, 6.0, full),
        };
        let class = if full { "mark full" } else { "mark" };
        let (x, y) = (x + 0.0, y + 0.0);
        html! {
            g class=(self.class()) {
                @match shape {
                    0 => circle class=(class) cx=(n(x)) cy=(n(y)) r=(n(size)) {},
                    1 => rect class=(class) x=(n(x - size * 0.9)) y=(n(y - size * 0.9))
                        width=(n(size * 1.8)) height=(n(size * 1.8)) {},
                    2 => path class=(class) d=(polygon(&[
                        (x, y - size * 1.2), (x + size * 1.1, y + size * 0.8),
                        (x - size * 1.1, y + size * 0.8),
                    ])) {},
                    _ => path class=(class) d=(polygon(&[
                        (x, y - size), (x + size, y), (x, y + size), (x - size, y),
                    ])) {},
                }
            }
        }
    }

    /// For a legend.
    pub fn sample(self) -> Markup {
        html! { svg viewBox="0 0 24 16" aria-hidden="true" { (self.draw(12.0, 8.0)) } }
    }
}

/// The model's curve, for a legend.
pub(super) fn curve_sample() -> Markup {
    html! { svg viewBox="0 0 24 16" aria-hidden="true" { path class="curve" d="M1 13L8 5L23 3" {} } }
}

fn polygon(points: &[(f64, f64)]) -> String {
    format!("M{}Z", line(points))
}

fn line(points: &[(f64, f64)]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{} {}", n(*x), n(*y)))
        .collect();
    parts.join("L")
}

/// A coordinate: one digit is a tenth of a pixel.
fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// One point in the ROC plane.
pub(super) struct Point {
    pub sensitivity: f64,
    pub specificity: f64,
    pub mark: Mark,
    pub label: String,
    /// Joined to the point before it: the same reader with the model's help.
    pub joined: bool,
}

pub(super) struct AxisNames<'a> {
    pub x: &'a str,
    pub y: &'a str,
}

const SIZE: f64 = 400.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const SIDE: f64 = 340.0;

/// The ROC plane.
pub(super) fn roc(curve: &[RocPoint], points: &[Point], names: &AxisNames<'_>) -> Markup {
    let at = |sensitivity: f64, specificity: f64| {
        (
            LEFT + SIDE * (1.0 - specificity),
            TOP + SIDE * (1.0 - sensitivity),
        )
    };
    let corners: Vec<(f64, f64)> = curve
        .iter()
        .map(|p| at(p.sensitivity, p.specificity))
        .collect();
    let placed: Vec<((f64, f64), &Point)> = points
        .iter()
        .map(|p| (at(p.sensitivity, p.specificity), p))
        .collect();
    let labels = place_labels(&placed);
    html! {
        svg.plot viewBox={ "0 0 " (n(SIZE)) " " (n(SIZE)) } xmlns="http://www.w3.org/2000/svg" {
            @for step in 0..=5 {
                @let value = f64::from(step) / 5.0;
                @let (x, y) = (LEFT + SIDE * value, TOP + SIDE * (1.0 - value));
                path class="grid" d={ "M" (n(x)) " " (n(TOP)) "V" (n(TOP + SIDE)) } {}
                path class="grid" d={ "M" (n(LEFT)) " " (n(y)) "H" (n(LEFT + SIDE)) } {}
                text.quiet x=(n(x)) y=(n(TOP + SIDE + 16.0)) text-anchor="middle" { (tick(value)) }
                text.quiet x=(n(LEFT - 6.0)) y=(n(y + 4.0)) text-anchor="end" { (tick(value)) }
            }
            path class="chance" d={ "M" (n(LEFT)) " " (n(TOP + SIDE)) "L" (n(LEFT + SIDE)) " " (n(TOP)) } {}
            path class="axis" d={ "M" (n(LEFT)) " " (n(TOP)) "V" (n(TOP + SIDE)) "H" (n(LEFT + SIDE)) } {}
            @if !corners.is_empty() { path class="curve" d={ "M" (line(&corners)) } {} }
            @for pair in placed.windows(2) {
                @if pair[1].1.joined {
                    g class=(pair[1].1.mark.class()) {
                        path class="move" d={ "M" (line(&[pair[0].0, pair[1].0])) } {}
                    }
                }
            }
            @for ((x, y), point) in &placed { (point.mark.draw(*x, *y)) }
            @for (x, y, text) in &labels {
                text.name x=(n(*x)) y=(n(*y)) { (text) }
            }
            text x=(n(LEFT + SIDE / 2.0)) y=(n(SIZE - 10.0)) text-anchor="middle" { (names.x) }
            text x="14" y=(n(TOP + SIDE / 2.0)) text-anchor="middle"
                transform={ "rotate(-90 14 " (n(TOP + SIDE / 2.0)) ")" } { (names.y) }
        }
    }
}

/// Each label stands on the first side of its point where it covers no marker and no other label.
fn place_labels(placed: &[((f64, f64), &Point)]) -> Vec<(f64, f64, String)> {
    let mut taken: Vec<(f64, f64, f64, f64)> = placed
        .iter()
        .map(|((x, y), _)| (x - 6.0, y - 6.0, x + 6.0, y + 6.0))
        .collect();
    let mut labels = Vec::new();
    for ((x, y), point) in placed {
        if point.label.is_empty() {
            continue;
        }
        let width = 7.0 * point.label.chars().count() as f64;
        let sides = [
            (x + 8.0, y + 4.0),
            (x - 8.0 - width, y + 4.0),
            (x - width / 2.0, y - 9.0),
            (x - width / 2.0, y + 18.0),
            (x + 7.0, y - 7.0),
            (x + 7.0, y + 15.0),
        ];
        let area = |(x, y): (f64, f64)| (x, y - 9.0, x + width, y + 1.0);
        let free = |place: &(f64, f64)| {
            let a = area(*place);
            let inside = a.0 > LEFT && a.2 < SIZE && a.1 > 0.0 && a.3 < TOP + SIDE;
            inside
                && taken
                    .iter()
                    .all(|b| a.2 < b.0 || b.2 < a.0 || a.3 < b.1 || b.3 < a.1)
        };
        let place = sides.iter().copied().find(free).unwrap_or(sides[0]);
        taken.push(area(place));
        labels.push((place.0, place.1, point.label.clone()));
    }
    labels
}

fn tick(value: f64) -> String {
    format!("{value:.1}")
}

/// One line of a forest plot.
pub(super) struct Row {
    pub label: String,
    pub mark: Mark,
    /// Estimate and interval, as fractions; `None` leaves the line empty.
    pub values: Option<(f64, f64, f64)>,
}

/// Intervals under each other, on a scale from 0 to 1, with the model's as a band behind.
pub(super) fn forest(title: &str, rows: &[Row], band: Option<(f64, f64, f64)>) -> Markup {
    const NAME: f64 = 140.0;
    const SCALE: f64 = 244.0;
    const STEP: f64 = 22.0;
    let lowest = rows
        .iter()
        .filter_map(|r| r.values)
        .chain(band)
        .map(|v| v.1)
        .fold(1.0, f64::min);
    // The scale starts at the tenth below the lowest limit.
    let from = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.8);
    let x = |value: f64| NAME + SCALE * ((value - from) / (1.0 - from)).clamp(0.0, 1.0);
    let height = 34.0 + STEP * rows.len() as f64;
    let ticks = ((1.0 - from) * 10.0).round() as usize;
    let every = if ticks > 5 { 2 } else { 1 };
    html! {
        svg.plot viewBox={ "0 0 400 " (n(height + 26.0)) } xmlns="http://www.w3.org/2000/svg" {
            text x=(n(NAME + SCALE / 2.0)) y="14" text-anchor="middle" { (title) }
            @if let Some((estimate, low, high)) = band {
                rect.band x=(n(x(low))) y="22" width=(n(x(high) - x(low))) height=(n(height - 26.0)) {}
                g.ai { path class="move" d={ "M" (n(x(estimate))) " 22V" (n(height - 4.0)) } {} }
            }
            @for step in 0..=ticks {
                // Counted from the right, so that 1.0 always has its number.
                @let value = 1.0 - step as f64 / 10.0;
                path class="grid" d={ "M" (n(x(value))) " 22V" (n(height - 4.0)) } {}
                @if step % every == 0 {
                    text.quiet x=(n(x(value))) y=(n(height + 12.0)) text-anchor="middle" { (tick(value)) }
                }
            }
            path class="axis" d={ "M" (n(NAME)) " " (n(height - 4.0)) "H" (n(NAME + SCALE)) } {}
            @for (index, row) in rows.iter().enumerate() {
                @let y = 36.0 + STEP * index as f64;
                text.name x="0" y=(n(y + 4.0)) { (shortened(&row.label)) }
                @if let Some((estimate, low, high)) = row.values {
                    g class=(row.mark.class()) {
                        path class="whisker" d={ "M" (n(x(low))) " " (n(y)) "H" (n(x(high))) } {}
                    }
                    (row.mark.draw(x(estimate), y))
                }
            }
        }
    }
}

/// What fits before the scale: a wide character counts two.
fn shortened(label: &str) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    let mut used = 0;
    let mut out = String::new();
    for c in label.chars() {
        used += width(c);
        if used > 23 {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}
