//! Sizes in points (1/72 inch), and colours.

/// A4, ISO 216.
pub const PAGE: (f32, f32) = (595.276, 841.89);
pub const LEFT: f32 = 51.0;
pub const RIGHT: f32 = PAGE.0 - 51.0;
pub const TOP: f32 = 54.0;
/// The lowest that text may reach.
pub const BOTTOM: f32 = PAGE.1 - 60.0;
pub const FOOTER: f32 = PAGE.1 - 34.0;

pub const CELL_SIDE: f32 = 4.0;
pub const CELL_TOP: f32 = 2.6;
/// Headings of columns up to this width are not broken.
pub const WHOLE_HEADING: f32 = 64.0;
pub const BULLET: f32 = 12.0;

/// Letters of one kind of block.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub size: f32,
    /// From one baseline to the next.
    pub line: f32,
    pub bold: bool,
    pub before: f32,
    pub after: f32,
}

pub const BODY: Style = Style {
    size: 9.5,
    line: 15.0,
    bold: false,
    before: 0.0,
    after: 6.0,
};
pub const CELL: Style = Style {
    size: 8.0,
    line: 11.4,
    bold: false,
    before: 2.0,
    after: 8.0,
};
pub const CELL_HEADING: Style = Style { bold: true, ..CELL };
pub const FOOT: Style = Style {
    size: 7.5,
    line: 10.0,
    ..BODY
};

pub fn heading(level: u16) -> Style {
    let (size, line, before, after) = match level {
        0 | 1 => (17.0, 24.0, 0.0, 8.0),
        2 => (12.5, 18.0, 14.0, 5.0),
        _ => (10.5, 16.0, 9.0, 3.0),
    };
    Style {
        size,
        line,
        bold: true,
        before,
        after,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour(pub u8, pub u8, pub u8);

pub const INK: Colour = Colour(0x1c, 0x24, 0x30);
pub const QUIET: Colour = Colour(0x5a, 0x65, 0x75);
pub const LINK: Colour = Colour(0x1a, 0x4f, 0x8b);
pub const HAIRLINE: Colour = Colour(0xd5, 0xda, 0xe1);
pub const RULE: Colour = Colour(0x8a, 0x94, 0xa3);
