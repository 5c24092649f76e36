//! Which page each line stands on, and where.

use std::collections::{HashMap, HashSet};

use crate::breaking::{Fragment, Line};
use crate::prepare::{Ready, ReadyRow, ReadyTable};
use crate::structure::{Group, Kind, Leaf, Structure};
use crate::style::{
    self, BODY, BOTTOM, BULLET, CELL, CELL_HEADING, CELL_SIDE, CELL_TOP, Colour, Style, TOP,
};

/// Glyphs in a row at a place.
pub struct Piece {
    pub x: f32,
    /// Where the letters stand.
    pub baseline: f32,
    pub style: Style,
    pub fragment: Fragment,
    /// None: something that is repeated, which nobody needs to be read twice.
    pub leaf: Option<Leaf>,
}

/// A horizontal line.
pub struct Rule {
    pub from: f32,
    pub to: f32,
    pub y: f32,
    pub width: f32,
    pub colour: Colour,
}

#[derive(Default)]
pub struct Page {
    pub pieces: Vec<Piece>,
    pub rules: Vec<Rule>,
}

/// A point on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From 0.
    pub page: usize,
    pub y: f32,
}

pub struct Entry {
    pub level: u16,
    pub title: String,
    pub place: Place,
}

#[derive(Default)]
pub struct Pages {
    pub pages: Vec<Page>,
    pub structure: Structure,
    pub outline: Vec<Entry>,
    /// Where links lead.
    pub anchors: HashMap<String, Place>,
    /// The anchors that there will be.
    known: HashSet<String>,
    y: f32,
}

/// How much of a page a row of headings may take to be repeated on each.
const MOST_REPEATED: f32 = 0.3;
/// A heading keeps what follows beside it, unless that fills more than this of a page.
const MOST_KEPT: f32 = 0.5;

pub fn of(blocks: Vec<Ready>, bullet: Option<&Fragment>) -> Pages {
    let mut pages = Pages {
        known: anchors(&blocks),
        ..Pages::default()
    };
    pages.new_page();
    let kept: Vec<f32> = (0..blocks.len()).map(|at| kept(&blocks[at..])).collect();
    for (block, kept) in blocks.into_iter().zip(kept) {
        if !pages.fits(kept.min((BOTTOM - TOP) * MOST_KEPT)) {
            pages.new_page();
        }
        match block {
            Ready::Heading {
                level,
                title,
                style,
                lines,
            } => pages.heading((level, title), style, lines),
            Ready::Paragraph(lines) => {
                let group = pages.structure.at_top(Kind::Paragraph);
                pages.lines(lines, style::LEFT, BODY, group);
                pages.y += BODY.after;
            }
            Ready::List(items) => pages.list(items, bullet),
            Ready::Table(table) => pages.table(table),
        }
    }
    pages
}

fn anchors(blocks: &[Ready]) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for block in blocks {
        if let Ready::Table(table) = block {
            anchors.extend(table.rows.iter().filter_map(|row| row.anchor.clone()));
        }
    }
    anchors
}

/// What must stand on one page with the start of the first block: of a heading what follows, of a
/// table its headings and the first row.
fn kept(blocks: &[Ready]) -> f32 {
    let Some((first, rest)) = blocks.split_first() else {
        return 0.0;
    };
    match first {
        Ready::Heading { style, lines, .. } => {
            style.before + lines.len() as f32 * style.line + style.after + kept(rest)
        }
        Ready::Paragraph(lines)
            if lines.len() <= 4 && matches!(rest.first(), Some(Ready::Table(_))) =>
        {
            lines.len() as f32 * BODY.line + BODY.after + kept(rest)
        }
        Ready::Paragraph(lines) => lines.len().min(2) as f32 * BODY.line,
        Ready::List(items) => items.first().map_or(0, Vec::len).min(2) as f32 * BODY.line,
        Ready::Table(table) => {
            let rows = table.heading.iter().chain(table.rows.first());
            CELL.before + rows.map(ReadyRow::height).sum::<f32>()
        }
    }
}

impl Pages {
    fn new_page(&mut self) {
        self.pages.push(Page::default());
        self.y = TOP;
    }

    fn fits(&self, height: f32) -> bool {
        self.y + height <= BOTTOM || self.at_top()
    }

    fn at_top(&self) -> bool {
        self.y <= TOP
    }

    fn place(&self) -> Place {
        Place {
            page: self.pages.len().saturating_sub(1),
            y: self.y,
        }
    }

    fn page(&mut self) -> Option<&mut Page> {
        self.pages.last_mut()
    }

    fn heading(&mut self, (level, title): (u16, String), style: Style, lines: Vec<Line>) {
        if !self.at_top() {
            self.y += style.before;
        }
        self.outline.push(Entry {
            level,
            title: title.clone(),
            place: self.place(),
        });
        let group = self.structure.at_top(Kind::Heading(level, title));
        self.lines(lines, style::LEFT, style, group);
        if level == 2 {
            let y = self.y + 1.0;
            self.rule(style::LEFT, style::RIGHT, y, (0.6, style::HAIRLINE));
        }
        self.y += style.after;
    }

    fn list(&mut self, items: Vec<Vec<Line>>, bullet: Option<&Fragment>) {
        let list = self.structure.at_top(Kind::List);
        for lines in items {
            if !self.fits(lines.len().min(2) as f32 * BODY.line) {
                self.new_page();
            }
            let item = self.structure.under(list, Kind::Item);
            if let Some(bullet) = bullet {
                let label = self.structure.under(item, Kind::Label);
                let leaf = self.structure.leaf(label);
                let top = self.y;
                self.piece(bullet.clone(), style::LEFT, top, BODY, Some(leaf));
            }
            let body = self.structure.under(item, Kind::Body);
            self.lines(lines, style::LEFT + BULLET, BODY, body);
            self.y += BODY.after / 2.0;
        }
        self.y += BODY.after / 2.0;
    }

    /// Lines one under the other, over pages where need be.
    fn lines(&mut self, lines: Vec<Line>, x: f32, style: Style, group: Group) {
        for line in lines {
            if !self.fits(style.line) {
                self.new_page();
            }
            let top = self.y;
            self.line(line, (x, top), style, Some(group));
            self.y += style.line;
        }
    }

    fn line(&mut self, line: Line, (x, top): (f32, f32), style: Style, group: Option<Group>) {
        for fragment in line.fragments {
            let leaf = group.map(|group| {
                let parent = match &fragment.link {
                    Some(link) if self.known.contains(link) => {
                        self.structure.under(group, Kind::Link)
                    }
                    _ => group,
                };
                self.structure.leaf(parent)
            });
            self.piece(fragment, x, top, style, leaf);
        }
    }

    fn piece(&mut self, fragment: Fragment, x: f32, top: f32, style: Style, leaf: Option<Leaf>) {
        // Japanese fonts fill their em from 0.88 above the baseline to 0.12 below it.
        let baseline = top + (style.line - style.size) / 2.0 + 0.88 * style.size;
        let x = x + fragment.x;
        if let Some(page) = self.page() {
            page.pieces.push(Piece {
                x,
                baseline,
                style,
                fragment,
                leaf,
            });
        }
    }

    fn rule(&mut self, from: f32, to: f32, y: f32, (width, colour): (f32, Colour)) {
        if let Some(page) = self.page() {
            page.rules.push(Rule {
                from,
                to,
                y,
                width,
                colour,
            });
        }
    }

    fn table(&mut self, table: ReadyTable) {
        if !self.at_top() {
            self.y += CELL.before;
        }
        let group = self.structure.at_top(Kind::Table);
        let layout = Layout {
            repeated: table
                .heading
                .as_ref()
                .filter(|row| row.height() < (BOTTOM - TOP) * MOST_REPEATED),
            edges: &table.edges,
            numbers: &table.numbers,
            row_headings: table.row_headings,
        };
        let mut rows = group;
        if let Some(heading) = &table.heading {
            let head = self.structure.under(group, Kind::Head);
            let row = self.structure.under(head, Kind::Row);
            self.row(heading, &layout, Some((row, true)));
            rows = self.structure.under(group, Kind::Rows);
        }
        for row in &table.rows {
            if !self.fits(row.height()) && layout.fits_on_a_page(row) {
                self.next_page(&layout);
            }
            if let Some(anchor) = &row.anchor {
                let place = self.place();
                self.anchors.entry(anchor.clone()).or_insert(place);
            }
            let group = self.structure.under(rows, Kind::Row);
            self.row(row, &layout, Some((group, false)));
        }
        self.y += CELL.after;
    }

    /// A new page that begins with the row of headings, which is there for the eye only.
    fn next_page(&mut self, layout: &Layout) {
        self.new_page();
        if let Some(heading) = layout.repeated {
            self.row(heading, layout, None);
        }
    }

    /// One row, over several pages if it is higher than one. `tagged`: its group, and whether it is
    /// the row of headings.
    fn row(&mut self, row: &ReadyRow, layout: &Layout, tagged: Option<(Group, bool)>) {
        let is_heading = tagged.is_none_or(|(_, is_heading)| is_heading);
        let groups: Vec<Option<Group>> = (0..row.cells.len())
            .map(|at| {
                let (group, _) = tagged?;
                let kind = match at {
                    _ if is_heading => Kind::ColumnHeading,
                    0 if layout.row_headings => Kind::RowHeading,
                    _ => Kind::Cell,
                };
                Some(self.structure.under(group, kind))
            })
            .collect();
        let lines = row.cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut done = 0;
        while done < lines {
            let room = (BOTTOM - self.y - 2.0 * CELL_TOP) / CELL.line;
            let mut fitting = room.max(0.0) as usize;
            if fitting == 0 {
                // Where even a fresh page has no room, something must go on all the same.
                if layout.is_fresh(self.y) || tagged.is_none() {
                    fitting = 1;
                } else {
                    self.next_page(layout);
                    continue;
                }
            }
            let until = lines.min(done + fitting);
            let top = self.y + CELL_TOP;
            for (at, cell) in row.cells.iter().enumerate() {
                let style = if is_heading || (layout.row_headings && at == 0) {
                    CELL_HEADING
                } else {
                    CELL
                };
                for (line, number) in cell.iter().zip(0..).skip(done).take(until - done) {
                    let x = layout.start(at, line.width);
                    let y = top + (number - done) as f32 * CELL.line;
                    self.line(line.clone(), (x, y), style, groups[at]);
                }
            }
            self.y = top + (until - done) as f32 * CELL.line + CELL_TOP;
            let weight = if is_heading {
                (0.8, style::RULE)
            } else {
                (0.4, style::HAIRLINE)
            };
            let y = self.y;
            self.rule(layout.left(), layout.right(), y, weight);
            done = until;
        }
    }
}

/// What rows of a table share.
struct Layout<'a> {
    repeated: Option<&'a ReadyRow>,
    edges: &'a [f32],
    numbers: &'a [bool],
    row_headings: bool,
}

impl Layout<'_> {
    fn left(&self) -> f32 {
        self.edges.first().copied().unwrap_or(style::LEFT)
    }

    fn right(&self) -> f32 {
        self.edges.last().copied().unwrap_or(style::RIGHT)
    }

    fn repeated_height(&self) -> f32 {
        self.repeated.map_or(0.0, ReadyRow::height)
    }

    fn fits_on_a_page(&self, row: &ReadyRow) -> bool {
        TOP + self.repeated_height() + row.height() <= BOTTOM
    }

    fn is_fresh(&self, y: f32) -> bool {
        y <= TOP + self.repeated_height() + 0.01
    }

    /// Where a line of this width starts in the column.
    fn start(&self, column: usize, width: f32) -> f32 {
        let left = self.edges.get(column).copied().unwrap_or(style::LEFT);
        match (self.numbers.get(column), self.edges.get(column + 1)) {
            (Some(true), Some(right)) => right - CELL_SIDE - width,
            _ => left + CELL_SIDE,
        }
    }
}
