//! Text to lines that fit.

use std::ops::Range;

use krilla::text::{GlyphId, KrillaGlyph};
use unicode_linebreak::linebreaks;
use unicode_normalization::char::compose;

use crate::document::{Span, Text};
use crate::letters::{Letters, Shown};

/// A run of one kind on a line, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// From the start of the line, in points.
    pub x: f32,
    pub width: f32,
    /// What the glyphs show.
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    /// What was meant, where a letter is missing in the font.
    pub meant: Option<String>,
    pub language: Option<String>,
    pub link: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Without spaces at its end.
    pub width: f32,
    pub fragments: Vec<Fragment>,
}

/// Text whose letters are measured, at one size.
pub struct Measured {
    size: f32,
    lines: Vec<MeasuredLine>,
    spans: Vec<Kind>,
}

struct Kind {
    language: Option<String>,
    link: Option<String>,
}

struct MeasuredLine {
    /// As it is shown, and as it was meant.
    shown: String,
    meant: String,
    clusters: Vec<Cluster>,
}

/// A letter with what belongs to it.
struct Cluster {
    glyph: u32,
    /// In points.
    advance: f32,
    shown: Range<usize>,
    meant: Range<usize>,
    span: usize,
    space: bool,
    missing: bool,
    /// UAX #14 allows a break behind it.
    may_break: bool,
    /// Where it must be broken, this is a place that reads well.
    good_break: bool,
}

impl Measured {
    pub fn of(text: &Text, size: f32, bold: bool, letters: &Letters) -> Self {
        let mut spans = Vec::new();
        let mut lines = Vec::new();
        for line in &text.lines {
            lines.extend(measured_lines(line, spans.len(), (size, bold), letters));
            spans.extend(line.iter().map(|span| Kind {
                language: span.language.clone(),
                link: span.link.clone(),
            }));
        }
        Self { size, lines, spans }
    }

    /// The width of its longest line, unbroken.
    pub fn widest(&self) -> f32 {
        let lines = self.lines.iter().map(|line| width(&line.clusters));
        lines.fold(0.0, f32::max)
    }

    /// The width of its longest piece that should not be broken.
    pub fn longest_piece(&self) -> f32 {
        let mut longest: f32 = 0.0;
        for line in &self.lines {
            for piece in line.clusters.split_inclusive(|cluster| cluster.may_break) {
                longest = longest.max(width(piece));
            }
        }
        longest
    }

    /// How many lines there will be.
    pub fn count(&self, available: f32) -> usize {
        let mut count = 0;
        for line in &self.lines {
            let mut start = 0;
            while start < line.clusters.len() {
                start += fitting(&line.clusters[start..], available);
                count += 1;
            }
            count += usize::from(line.clusters.is_empty());
        }
        count
    }

    pub fn lines(&self, available: f32) -> Vec<Line> {
        let mut out = Vec::new();
        for line in &self.lines {
            let mut start = 0;
            while start < line.clusters.len() {
                let end = start + fitting(&line.clusters[start..], available);
                out.push(self.line(line, start..end));
                start = end;
            }
            if line.clusters.is_empty() {
                out.push(Line::default());
            }
        }
        out
    }

    fn line(&self, line: &MeasuredLine, range: Range<usize>) -> Line {
        let clusters = &line.clusters[range];
        let mut fragments = Vec::new();
        let mut x = 0.0;
        for run in clusters.chunk_by(|one, other| one.span == other.span) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            let from = first.shown.start;
            let glyphs = run.iter().map(|cluster| {
                KrillaGlyph::new(
                    GlyphId::new(cluster.glyph),
                    cluster.advance / self.size,
                    0.0,
                    0.0,
                    0.0,
                    cluster.shown.start - from..cluster.shown.end - from,
                    None,
                )
            });
            let kind = &self.spans[first.span];
            let missing = run.iter().any(|cluster| cluster.missing);
            fragments.push(Fragment {
                x,
                width: width(run),
                text: line.shown[from..last.shown.end].to_owned(),
                glyphs: glyphs.collect(),
                meant: missing.then(|| line.meant[first.meant.start..last.meant.end].to_owned()),
                language: kind.language.clone(),
                link: kind.link.clone(),
            });
            x += run.iter().map(|cluster| cluster.advance).sum::<f32>();
        }
        Line {
            width: width(clusters),
            fragments,
        }
    }
}

/// Without spaces at the end.
fn width(clusters: &[Cluster]) -> f32 {
    let spaces = clusters.iter().rev().take_while(|cluster| cluster.space);
    let shown = clusters.len() - spaces.count();
    clusters[..shown]
        .iter()
        .map(|cluster| cluster.advance)
        .sum()
}

/// How many of these go on one line; at least one.
fn fitting(clusters: &[Cluster], available: f32) -> usize {
    // Sums of the same numbers differ a little by how they were made.
    const SLACK: f32 = 0.01;
    let mut reached = 0.0;
    let mut allowed = None;
    let mut good = None;
    for (at, cluster) in clusters.iter().enumerate() {
        reached += cluster.advance;
        if reached > available + SLACK && !cluster.space {
            let forced = good.filter(|&good| good * 2 > at).unwrap_or(at);
            return allowed.unwrap_or(forced).max(1);
        }
        if cluster.may_break {
            allowed = Some(at + 1);
        }
        if cluster.good_break {
            good = Some(at + 1);
        }
    }
    clusters.len()
}

/// A line of the text, or several where it holds line feeds itself.
fn measured_lines(
    spans: &[Span],
    first_span: usize,
    (size, bold): (f32, bool),
    letters: &Letters,
) -> Vec<MeasuredLine> {
    let mut lines = vec![MeasuredLine::new()];
    for (at, span) in spans.iter().enumerate() {
        for (number, text) in span.text.split('\n').enumerate() {
            if number > 0 {
                lines.push(MeasuredLine::new());
            }
            if let Some(line) = lines.last_mut() {
                line.add(text.trim_end_matches('\r'), first_span + at, bold, letters);
            }
        }
    }
    for line in &mut lines {
        line.finish(size);
    }
    lines
}

/// Letters that show nothing and take no room: soft hyphens, joiners, marks of direction.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || is_selector(letter)
}

fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Spaces that differ in how lines are broken, which is known before they are drawn.
fn plain_space(letter: char) -> char {
    match letter {
        '\t' | '\u{a0}' | '\u{2007}' | '\u{202f}' => ' ',
        '\u{2011}' => '-',
        other => other,
    }
}

impl MeasuredLine {
    fn new() -> Self {
        Self {
            shown: String::new(),
            meant: String::new(),
            clusters: Vec::new(),
        }
    }

    fn add(&mut self, text: &str, span: usize, bold: bool, letters: &Letters) {
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            let from = self.meant.len();
            self.meant.push(letter);
            if is_invisible(letter) {
                // What stands before it keeps it, so that a break never parts them.
                if let Some(last) = self.clusters.last_mut() {
                    last.meant.end = self.meant.len();
                }
                continue;
            }
            let mut letter = plain_space(letter);
            let mut variant = None;
            if let Some(&next) = rest.peek() {
                // か and ゛ become one letter, which fonts have.
                let whole = compose(letter, next);
                if is_selector(next) {
                    variant = letters.variant(letter, next, bold);
                }
                letter = whole.unwrap_or(letter);
                if whole.is_some() || variant.is_some() {
                    self.meant.push(next);
                    rest.next();
                }
            }
            let start = self.shown.len();
            let (glyph, missing) = match variant {
                Some(glyph) => {
                    self.shown.push_str(&self.meant[from..]);
                    (glyph, false)
                }
                None => match letters.show(letter, bold) {
                    Shown::As(glyph) => {
                        self.shown.push(letter);
                        (glyph, false)
                    }
                    Shown::Instead(instead, glyph) => {
                        self.shown.push(instead);
                        (glyph, true)
                    }
                },
            };
            self.clusters.push(Cluster {
                glyph: glyph.id,
                advance: glyph.advance,
                shown: start..self.shown.len(),
                meant: from..self.meant.len(),
                span,
                space: matches!(letter, ' ' | '\u{3000}'),
                missing,
                may_break: false,
                good_break: matches!(
                    letter,
                    '.' | '/' | '_' | '-' | ':' | '|' | ',' | '=' | '?' | '&'
                ),
            });
        }
    }

    fn finish(&mut self, size: f32) {
        let mut breaks = linebreaks(&self.meant).map(|(at, _)| at).peekable();
        for cluster in &mut self.clusters {
            cluster.advance *= size;
            while breaks.next_if(|&at| at < cluster.meant.end).is_some() {}
            cluster.may_break = breaks.peek() == Some(&cluster.meant.end);
        }
        drop(breaks);
        if self.meant.contains(char::is_control) {
            self.meant = without_controls(&self.meant);
        }
    }
}

/// What a reader copies may hold no control characters. Of the same length, since ranges point
/// into it: U+0080 to U+009F have two bytes.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match (letter.is_control(), letter.len_utf8()) {
            (false, _) => out.push(letter),
            (true, length) => out.extend(std::iter::repeat_n(' ', length)),
        }
    }
    out
}
