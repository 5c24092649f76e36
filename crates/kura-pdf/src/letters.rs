//! Which glyph of the font shows a letter, and how wide it is.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use skrifa::MetadataProvider;
use skrifa::charmap::{Charmap, MapVariant};
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;

use crate::fonts::{Face, Fonts};

/// Stands for letters that the font lacks: 下駄 (geta), as Japanese printers put it, else a box.
const STANDS_FOR_MISSING: [char; 4] = ['〓', '□', '\u{fffd}', '?'];

/// A letter as the font shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    pub id: u32,
    /// In ems.
    pub advance: f32,
}

/// The glyphs of a document's two weights, and the letters that neither has.
pub struct Letters<'a> {
    regular: Known<'a>,
    bold: Option<Known<'a>>,
    missing: RefCell<BTreeMap<char, u64>>,
}

struct Known<'a> {
    charmap: Charmap<'a>,
    metrics: GlyphMetrics<'a>,
    units_per_em: f32,
    seen: RefCell<HashMap<char, Option<Glyph>>>,
    instead: (char, Glyph),
}

/// What a letter is shown as.
pub enum Shown {
    As(Glyph),
    /// The font lacks it; this stands in its place.
    Instead(char, Glyph),
}

impl<'a> Letters<'a> {
    pub fn of(fonts: &'a Fonts) -> Option<Self> {
        let bold = match &fonts.bold {
            Some(face) => Some(Known::of(face)?),
            None => None,
        };
        Some(Self {
            regular: Known::of(&fonts.regular)?,
            bold,
            missing: RefCell::default(),
        })
    }

    fn known(&self, bold: bool) -> &Known<'a> {
        match &self.bold {
            Some(known) if bold => known,
            _ => &self.regular,
        }
    }

    pub fn show(&self, letter: char, bold: bool) -> Shown {
        let known = self.known(bold);
        if let Some(glyph) = known.glyph(letter) {
            return Shown::As(glyph);
        }
        *self.missing.borrow_mut().entry(letter).or_default() += 1;
        Shown::Instead(known.instead.0, known.instead.1)
    }

    /// The letter in the form that a variation selector asks for (異体字), where the font has it.
    pub fn variant(&self, letter: char, selector: char, bold: bool) -> Option<Glyph> {
        let known = self.known(bold);
        match known.charmap.map_variant(letter, selector)? {
            MapVariant::UseDefault => known.glyph(letter),
            MapVariant::Variant(id) => known.sized(id),
        }
    }

    pub fn into_missing(self) -> BTreeMap<char, u64> {
        self.missing.into_inner()
    }
}

impl<'a> Known<'a> {
    fn of(face: &'a Face) -> Option<Self> {
        let font = face.open()?;
        let mut known = Self {
            charmap: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
            units_per_em: face.krilla.units_per_em(),
            seen: RefCell::default(),
            instead: (
                '?',
                Glyph {
                    id: 0,
                    advance: 0.0,
                },
            ),
        };
        let (letter, glyph) = STANDS_FOR_MISSING
            .into_iter()
            .find_map(|letter| known.look_up(letter).map(|glyph| (letter, glyph)))?;
        known.instead = (letter, glyph);
        Some(known)
    }

    fn glyph(&self, letter: char) -> Option<Glyph> {
        if let Some(&seen) = self.seen.borrow().get(&letter) {
            return seen;
        }
        let found = self.look_up(letter);
        self.seen.borrow_mut().insert(letter, found);
        found
    }

    fn look_up(&self, letter: char) -> Option<Glyph> {
        // Letters of private use mean what each hospital's own font made of them (外字).
        let private = matches!(letter as u32, 0xe000..=0xf8ff | 0xf_0000..);
        if letter.is_control() || private {
            return None;
        }
        // Glyph 0 says that there is none.
        let id = self.charmap.map(letter).filter(|id| id.to_u32() != 0)?;
        self.sized(id)
    }

    fn sized(&self, id: skrifa::GlyphId) -> Option<Glyph> {
        Some(Glyph {
            id: id.to_u32(),
            advance: self.metrics.advance_width(id)? / self.units_per_em,
        })
    }
}
