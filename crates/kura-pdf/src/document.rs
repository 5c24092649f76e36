//! What a document is made of. Nothing here knows of PDF: the same blocks can be shown otherwise.

use crate::Instant;

/// A document: what it is called, and its blocks from top to bottom.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Shown by readers as the window's title, and at the foot of each page.
    pub title: String,
    /// The language of what is not marked otherwise: `ja`, `en`.
    pub language: String,
    pub created: Instant,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Level 1 is the title, 2 a part, 3 a part of a part; others count as the nearest of these.
    Heading(u8, Text),
    Paragraph(Text),
    List(Vec<Text>),
    Table(Table),
}

/// Lines of text; each is broken further where it does not fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    pub lines: Vec<Vec<Span>>,
}

/// A run of text of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span {
    pub text: String,
    /// Something for a machine, such as a path or a hash.
    pub code: bool,
    /// Its language, where it is not the document's.
    pub language: Option<String>,
    /// The row of a table that it leads to, by its anchor.
    pub link: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    /// The first cell of each row is its heading.
    pub row_headings: bool,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Repeated on each page; where no column has one, there is no row of headings.
    pub heading: Text,
    pub width: Width,
    /// Numbers stand at the right.
    pub number: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Width {
    /// As its contents need.
    #[default]
    Natural,
    /// A share of what columns of natural width leave: 2 is twice as wide as 1.
    Share(f32),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    pub cells: Vec<Text>,
    /// What links lead here by.
    pub anchor: Option<String>,
}

impl Document {
    pub fn new(title: impl Into<String>, language: impl Into<String>, created: Instant) -> Self {
        Self {
            title: title.into(),
            language: language.into(),
            created,
            blocks: Vec::new(),
        }
    }

    pub fn heading(&mut self, level: u8, text: impl Into<Text>) {
        self.blocks.push(Block::Heading(level, text.into()));
    }

    pub fn paragraph(&mut self, text: impl Into<Text>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    pub fn list(&mut self, items: impl IntoIterator<Item = Text>) {
        self.blocks.push(Block::List(items.into_iter().collect()));
    }

    pub fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }
}

impl Text {
    /// Another line.
    #[must_use]
    pub fn line(mut self, span: impl Into<Span>) -> Self {
        self.lines.push(vec![span.into()]);
        self
    }

    /// More on the last line.
    #[must_use]
    pub fn and(mut self, span: impl Into<Span>) -> Self {
        match self.lines.last_mut() {
            Some(line) => line.push(span.into()),
            None => self.lines.push(vec![span.into()]),
        }
        self
    }

    /// Says of what was added last that it is in another language.
    #[must_use]
    pub fn lang(mut self, language: &str) -> Self {
        if let Some(span) = self.lines.last_mut().and_then(|line| line.last_mut()) {
            span.language = Some(language.to_owned());
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.lines
            .iter()
            .flatten()
            .all(|span| span.text.trim().is_empty())
    }

    /// The letters alone, on one line.
    pub fn plain(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| line.iter().map(|span| span.text.as_str()).collect())
            .collect();
        lines.join(" ")
    }
}

impl Span {
    pub fn code(text: impl Into<String>) -> Self {
        Self {
            code: true,
            ..Self::from(text.into())
        }
    }

    /// Leads to the row that has this anchor; where none has it, it is shown without a link.
    pub fn link(text: impl Into<String>, anchor: impl Into<String>) -> Self {
        Self {
            link: Some(anchor.into()),
            ..Self::from(text.into())
        }
    }
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Span {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl<T: Into<Span>> From<T> for Text {
    fn from(span: T) -> Self {
        Self {
            lines: vec![vec![span.into()]],
        }
    }
}

impl Table {
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            row_headings: false,
            rows: Vec::new(),
        }
    }

    /// Names and what they stand for, a row each.
    pub fn facts<T: Into<Text>, U: Into<Text>>(facts: impl IntoIterator<Item = (T, U)>) -> Self {
        let rows = facts.into_iter().map(|(name, value)| Row {
            cells: vec![name.into(), value.into()],
            anchor: None,
        });
        Self {
            columns: vec![Column::default(), Column::default()],
            row_headings: true,
            rows: rows.collect(),
        }
    }

    /// Cells beyond the columns are not shown; those that are missing are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Text>) {
        self.rows.push(Row {
            cells: cells.into_iter().collect(),
            anchor: None,
        });
    }

    /// A row that links lead to.
    pub fn row_at(&mut self, anchor: impl Into<String>, cells: impl IntoIterator<Item = Text>) {
        self.row(cells);
        if let Some(row) = self.rows.last_mut() {
            row.anchor = Some(anchor.into());
        }
    }

    /// Whether any column has a heading.
    pub fn has_headings(&self) -> bool {
        self.columns.iter().any(|column| !column.heading.is_empty())
    }
}

impl Column {
    pub fn text(heading: impl Into<Text>) -> Self {
        Self {
            heading: heading.into(),
            ..Self::default()
        }
    }

    pub fn number(heading: impl Into<Text>) -> Self {
        Self {
            number: true,
            ..Self::text(heading)
        }
    }

    #[must_use]
    pub fn share(mut self, share: f32) -> Self {
        self.width = Width::Share(share);
        self
    }
}
