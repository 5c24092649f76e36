//! Blocks broken into lines, before they have a page.

use crate::breaking::{Line, Measured};
use crate::columns::{Wish, lowered, widths};
use crate::document::{Block, Document, Table, Text};
use crate::letters::Letters;
use crate::style::{self, BODY, CELL, CELL_HEADING, Style};

/// Rows of a table by which its columns' widths are tried.
const MOST_TRIED: usize = 200;

pub enum Ready {
    Heading {
        level: u16,
        title: String,
        style: Style,
        lines: Vec<Line>,
    },
    Paragraph(Vec<Line>),
    List(Vec<Vec<Line>>),
    Table(ReadyTable),
}

pub struct ReadyTable {
    /// Their left edges, and the right edge of the last.
    pub edges: Vec<f32>,
    pub numbers: Vec<bool>,
    pub heading: Option<ReadyRow>,
    pub row_headings: bool,
    pub rows: Vec<ReadyRow>,
}

pub struct ReadyRow {
    pub cells: Vec<Vec<Line>>,
    pub anchor: Option<String>,
}

impl ReadyRow {
    pub fn height(&self) -> f32 {
        let lines = self.cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        lines as f32 * CELL.line + 2.0 * style::CELL_TOP
    }
}

pub fn document(document: &Document, letters: &Letters) -> Vec<Ready> {
    document
        .blocks
        .iter()
        // PDF/UA has no headings without words.
        .filter(|block| !matches!(block, Block::Heading(_, text) if text.is_empty()))
        .map(|block| ready(block, letters))
        .collect()
}

fn ready(block: &Block, letters: &Letters) -> Ready {
    let width = style::RIGHT - style::LEFT;
    match block {
        Block::Heading(level, text) => {
            let level = u16::from(*level).clamp(1, 3);
            let style = style::heading(level);
            Ready::Heading {
                level,
                title: text.plain(),
                style,
                lines: lines(text, style, width, letters),
            }
        }
        Block::Paragraph(text) => Ready::Paragraph(lines(text, BODY, width, letters)),
        Block::List(items) => {
            let items = items
                .iter()
                .map(|item| lines(item, BODY, width - style::BULLET, letters));
            Ready::List(items.collect())
        }
        Block::Table(table) => Ready::Table(ready_table(table, letters)),
    }
}

pub fn lines(text: &Text, style: Style, width: f32, letters: &Letters) -> Vec<Line> {
    Measured::of(text, style.size, style.bold, letters).lines(width)
}

fn ready_table(table: &Table, letters: &Letters) -> ReadyTable {
    let empty = Text::default();
    let measured = |text: &Text, style: Style| Measured::of(text, style.size, style.bold, letters);
    let heading: Option<Vec<Measured>> = table.has_headings().then(|| {
        let columns = table.columns.iter();
        columns
            .map(|column| measured(&column.heading, CELL_HEADING))
            .collect()
    });
    let rows: Vec<Vec<Measured>> = table
        .rows
        .iter()
        .map(|row| {
            let cells = (0..table.columns.len()).map(|at| {
                let is_heading = table.row_headings && at == 0;
                let style = if is_heading { CELL_HEADING } else { CELL };
                measured(row.cells.get(at).unwrap_or(&empty), style)
            });
            cells.collect()
        })
        .collect();

    let mut wishes: Vec<Wish> = table
        .columns
        .iter()
        .map(|column| Wish {
            least: 0.0,
            most: 0.0,
            width: column.width,
        })
        .collect();
    for row in heading.iter().chain(&rows) {
        for (wish, cell) in wishes.iter_mut().zip(row) {
            // A hair more, so that sums of widths do not break a line that fits.
            let sides = 2.0 * style::CELL_SIDE + 0.05;
            wish.least = wish.least.max(cell.longest_piece() + sides);
            wish.most = wish.most.max(cell.widest() + sides);
        }
    }
    // Short headings stay whole: Japanese could be broken at each letter.
    for (wish, cell) in wishes.iter_mut().zip(heading.iter().flatten()) {
        let whole = cell.widest() + 2.0 * style::CELL_SIDE + 0.05;
        wish.least = wish.least.max(whole.min(style::WHOLE_HEADING));
    }
    let inner = |width: f32| (width - 2.0 * style::CELL_SIDE).max(1.0);
    // Some rows tell what all need.
    let some: Vec<&Vec<Measured>> = rows.iter().step_by(rows.len() / MOST_TRIED + 1).collect();
    let height = |widths: &[f32]| {
        let rows = heading.iter().chain(some.iter().copied());
        rows.map(|row| {
            let cells = row.iter().zip(widths);
            let lines = cells.map(|(cell, &width)| cell.count(inner(width)));
            lines.max().unwrap_or(0)
        })
        .sum()
    };
    let given = widths(&wishes, style::RIGHT - style::LEFT);
    let given = lowered(given, &wishes, height);
    let mut edges = vec![style::LEFT];
    let mut edge = style::LEFT;
    for width in &given {
        edge += width;
        edges.push(edge);
    }
    let broken = |row: &Vec<Measured>| {
        let cells = row.iter().zip(&given);
        cells
            .map(|(cell, &width)| cell.lines(inner(width)))
            .collect()
    };
    ReadyTable {
        edges,
        numbers: table.columns.iter().map(|column| column.number).collect(),
        heading: heading.as_ref().map(|row| ReadyRow {
            cells: broken(row),
            anchor: None,
        }),
        row_headings: table.row_headings,
        rows: rows
            .iter()
            .zip(&table.rows)
            .map(|(cells, row)| ReadyRow {
                cells: broken(cells),
                anchor: row.anchor.clone(),
            })
            .collect(),
    }
}
