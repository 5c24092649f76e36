//! A report before it becomes HTML or Markdown.

use maud::Markup;

/// What a cell holds where nothing was asked.
pub(super) const NOTHING: &str = "–";

/// The whole.
pub(super) struct Document {
    pub title: String,
    pub subtitle: Vec<(String, String)>,
    pub sections: Vec<Section>,
}

pub(super) struct Section {
    /// The same in both languages: what checklists point to.
    pub id: &'static str,
    pub title: String,
    pub blocks: Vec<Block>,
}

/// How a box is coloured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Plain,
    Warning,
}

pub(super) enum Block {
    Heading(String),
    Text(String),
    List(Vec<String>),
    /// Set apart: the verdict, a warning.
    Note {
        tone: Tone,
        title: String,
        lines: Vec<String>,
    },
    Facts(Vec<(String, String)>),
    Table(Table),
    Picture(Picture),
}

pub(super) struct Table {
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Columns from here on hold numbers.
    pub numbers_from: usize,
    pub notes: Vec<String>,
}

pub(super) struct Picture {
    pub caption: String,
    /// What the picture shows, for those who do not see it; all its numbers stand in tables.
    pub alternative: String,
    /// Side by side where there is room.
    pub parts: Vec<Markup>,
    /// Marker and meaning.
    pub legend: Vec<(Markup, String)>,
}

impl Section {
    pub fn new(id: &'static str, title: impl Into<String>) -> Self {
        Section {
            id,
            title: title.into(),
            blocks: Vec::new(),
        }
    }

    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }

    /// A table without rows, and columns in which nothing stands, are left out.
    pub fn table(&mut self, mut table: Table) {
        for column in (1..table.head.len()).rev() {
            let empty = |row: &Vec<String>| row.get(column).is_none_or(|cell| cell == NOTHING);
            if table.rows.iter().all(empty) && !table.rows.is_empty() {
                table.head.remove(column);
                for row in table.rows.iter_mut().filter(|row| row.len() > column) {
                    row.remove(column);
                }
                if column < table.numbers_from && table.numbers_from != usize::MAX {
                    table.numbers_from -= 1;
                }
            }
        }
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }
}
