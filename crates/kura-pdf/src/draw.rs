//! Pages to PDF.

use std::collections::BTreeMap;

use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::Font;
use krilla::{Document as Krilla, SerializeSettings};
use thiserror::Error;

use crate::breaking::{Fragment, Measured};
use crate::document::{Document, Text};
use crate::fonts::Fonts;
use crate::letters::Letters;
use crate::pages::{self, Entry, Page, Pages, Piece, Place, Rule};
use crate::prepare;
use crate::structure::Leaf;
use crate::style::{self, BODY, Colour, FOOT, FOOTER, Style};

#[derive(Debug, Error)]
pub enum PdfError {
    #[error("the font cannot be read")]
    Font,
    /// What `krilla` says breaks the rules of PDF/A or PDF/UA.
    #[error("the document cannot be written as PDF: {0}")]
    Refused(String),
}

/// A document as PDF.
#[derive(Debug, Clone)]
pub struct Pdf {
    pub bytes: Vec<u8>,
    pub pages: usize,
    /// Letters that the font lacks, and how often each was met. They are shown as 〓.
    pub missing: BTreeMap<char, u64>,
}

impl Document {
    pub fn pdf(&self, fonts: &Fonts) -> Result<Pdf, PdfError> {
        let letters = Letters::of(fonts).ok_or(PdfError::Font)?;
        let blocks = prepare::document(self, &letters);
        let bullet = one_line(&Text::from("•"), BODY, f32::MAX, &letters);
        let pages = pages::of(blocks, bullet.first());
        let foot = Foot::of(self, pages.pages.len(), &letters);
        let count = pages.pages.len();
        let bytes = draw(self, fonts, pages, &foot)?;
        Ok(Pdf {
            bytes,
            pages: count,
            missing: letters.into_missing(),
        })
    }
}

/// The first line of a text, with … where it is longer.
fn one_line(text: &Text, style: Style, width: f32, letters: &Letters) -> Vec<Fragment> {
    let measured = Measured::of(text, style.size, style.bold, letters);
    let mut lines = measured.lines(width).into_iter();
    let mut fragments = lines.next().unwrap_or_default().fragments;
    if lines.next().is_some() {
        let dots = Measured::of(&Text::from("…"), style.size, style.bold, letters);
        let end = fragments.last().map_or(0.0, |last| last.x + last.width);
        for mut dots in dots
            .lines(f32::MAX)
            .into_iter()
            .flat_map(|line| line.fragments)
        {
            dots.x += end;
            fragments.push(dots);
        }
    }
    fragments
}

/// Title at the left, page at the right.
struct Foot {
    title: Vec<Fragment>,
    numbers: Vec<(f32, Vec<Fragment>)>,
}

impl Foot {
    fn of(document: &Document, pages: usize, letters: &Letters) -> Self {
        let width = (style::RIGHT - style::LEFT) * 0.8;
        let numbers = (1..=pages).map(|page| {
            let text = Text::from(format!("{page} / {pages}"));
            let measured = Measured::of(&text, FOOT.size, FOOT.bold, letters);
            let lines = measured.lines(f32::MAX);
            (
                measured.widest(),
                lines.into_iter().flat_map(|line| line.fragments).collect(),
            )
        });
        Self {
            title: one_line(&Text::from(document.title.as_str()), FOOT, width, letters),
            numbers: numbers.collect(),
        }
    }
}

fn configuration() -> Option<Configuration> {
    ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .ok()
}

fn draw(
    document: &Document,
    fonts: &Fonts,
    mut pages: Pages,
    foot: &Foot,
) -> Result<Vec<u8>, PdfError> {
    let refused = |what: &str| PdfError::Refused(what.to_owned());
    let configuration = configuration().ok_or_else(|| refused("PDF/A-2a with PDF/UA-1"))?;
    let mut krilla = Krilla::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    let mut structure = std::mem::take(&mut pages.structure);
    for (number, page) in pages.pages.iter().enumerate() {
        let size = PageSettings::from_wh(style::PAGE.0, style::PAGE.1)
            .ok_or_else(|| refused("no size of a page"))?;
        let mut sheet = krilla.start_page_with(size);
        let mut surface = sheet.surface();
        let mut pen = Pen {
            surface: &mut surface,
            fonts,
        };
        pen.rules(&page.rules);
        for piece in &page.pieces {
            let drawn = pen.piece(piece, &pages);
            if let (Some(leaf), Some(drawn)) = (piece.leaf, drawn) {
                structure.drawn(leaf, drawn);
            }
        }
        pen.foot(foot, number);
        surface.finish();
        for (leaf, annotation) in links(page, &pages) {
            let drawn = sheet.add_tagged_annotation(annotation);
            structure.drawn(leaf, drawn);
        }
        sheet.finish();
    }
    krilla.set_outline(outline(&pages.outline, &document.title));
    krilla.set_tag_tree(structure.tree(&document.language));
    krilla.set_metadata(
        Metadata::new()
            .title(document.title.clone())
            .language(document.language.clone())
            .creator("Kura".to_owned())
            .creation_date(document.created.of_pdf()),
    );
    krilla
        .finish()
        .map_err(|error| PdfError::Refused(reason(&error)))
}

/// `krilla` counts what breaks the rules; what it was helps more.
fn reason(error: &KrillaError) -> String {
    match error {
        KrillaError::Validation(broken) => {
            let broken: Vec<String> = broken.iter().map(|(what, _)| format!("{what:?}")).collect();
            broken.join(", ")
        }
        other => other.to_string(),
    }
}

struct Pen<'a, 'b> {
    surface: &'a mut Surface<'b>,
    fonts: &'a Fonts,
}

impl Pen<'_, '_> {
    fn rules(&mut self, rules: &[Rule]) {
        if rules.is_empty() {
            return;
        }
        self.surface
            .start_tagged(ContentTag::Artifact(Artifact::with_kind(
                ArtifactType::Layout,
            )));
        for rule in rules {
            let y = rule.y - rule.width / 2.0;
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(rule.from, y, rule.to - rule.from, rule.width) {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                self.surface.set_stroke(None);
                self.surface.set_fill(Some(fill(rule.colour)));
                self.surface.draw_path(&path);
            }
        }
        self.surface.end_tagged();
    }

    fn piece(&mut self, piece: &Piece, pages: &Pages) -> Option<krilla::tagging::Identifier> {
        let fragment = &piece.fragment;
        let span = SpanTag::empty()
            .with_lang(fragment.language.as_deref())
            .with_actual_text(fragment.meant.as_deref());
        let tag = match piece.leaf {
            Some(_) => ContentTag::Span(span),
            None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
        };
        let drawn = self.surface.start_tagged(tag);
        let colour = match link(fragment, pages) {
            Some(_) => style::LINK,
            None => style::INK,
        };
        self.text(fragment, (piece.x, piece.baseline), piece.style, colour);
        self.surface.end_tagged();
        piece.leaf.map(|_| drawn)
    }

    fn foot(&mut self, foot: &Foot, page: usize) {
        self.surface
            .start_tagged(ContentTag::Artifact(Artifact::with_kind(
                ArtifactType::Footer,
            )));
        for fragment in &foot.title {
            self.text(
                fragment,
                (style::LEFT + fragment.x, FOOTER),
                FOOT,
                style::QUIET,
            );
        }
        if let Some((width, fragments)) = foot.numbers.get(page) {
            for fragment in fragments {
                let x = style::RIGHT - width + fragment.x;
                self.text(fragment, (x, FOOTER), FOOT, style::QUIET);
            }
        }
        self.surface.end_tagged();
    }

    fn text(&mut self, fragment: &Fragment, (x, y): (f32, f32), style: Style, colour: Colour) {
        let (font, thicken): (Font, bool) = match &self.fonts.bold {
            Some(bold) if style.bold => (bold.krilla.clone(), false),
            _ => (self.fonts.regular.krilla.clone(), style.bold),
        };
        self.surface.set_fill(Some(fill(colour)));
        // A family without a bold: the outline is drawn too.
        self.surface.set_stroke(thicken.then(|| Stroke {
            paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
            width: style.size * 0.03,
            ..Stroke::default()
        }));
        self.surface.draw_glyphs(
            Point::from_xy(x, y),
            &fragment.glyphs,
            font,
            &fragment.text,
            style.size,
            false,
        );
    }
}

fn fill(colour: Colour) -> Fill {
    Fill {
        paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
        opacity: NormalizedF32::ONE,
        ..Fill::default()
    }
}

fn link(fragment: &Fragment, pages: &Pages) -> Option<Place> {
    pages.anchors.get(fragment.link.as_ref()?).copied()
}

/// Where one can click on a page.
fn links(page: &Page, pages: &Pages) -> Vec<(Leaf, Annotation)> {
    let mut out = Vec::new();
    for piece in &page.pieces {
        let (Some(leaf), Some(to)) = (piece.leaf, link(&piece.fragment, pages)) else {
            continue;
        };
        let size = piece.style.size;
        let top = piece.baseline - 0.9 * size;
        let Some(rect) = Rect::from_xywh(piece.x, top, piece.fragment.width.max(1.0), 1.1 * size)
        else {
            continue;
        };
        let target = Target::Destination(destination(to).into());
        let said = Some(piece.fragment.text.trim().to_owned()).filter(|text| !text.is_empty());
        out.push((
            leaf,
            Annotation::new_link(LinkAnnotation::new(rect, target), said),
        ));
    }
    out
}

fn destination(place: Place) -> XyzDestination {
    XyzDestination::new(place.page, Point::from_xy(style::LEFT, place.y))
}

/// The headings as a tree. PDF/UA wants an outline of every document: one without headings gets
/// its title.
fn outline(entries: &[Entry], title: &str) -> Outline {
    let mut outline = Outline::new();
    let mut rest = entries;
    while let Some(node) = next_node(&mut rest) {
        outline.push_child(node);
    }
    if entries.is_empty() {
        let start = Place {
            page: 0,
            y: style::TOP,
        };
        outline.push_child(OutlineNode::new(title.to_owned(), destination(start)));
    }
    outline
}

fn next_node(rest: &mut &[Entry]) -> Option<OutlineNode> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    let mut node = OutlineNode::new(first.title.clone(), destination(first.place)).with_open(true);
    while rest.first().is_some_and(|next| next.level > first.level) {
        if let Some(child) = next_node(rest) {
            node.push_child(child);
        }
    }
    Some(node)
}
