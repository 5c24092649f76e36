//! Plain documents as PDF: headings, paragraphs, lists and tables, in Japanese and English, on A4.
//!
//! A [`Document`] is a title and a list of [`Block`]s; [`Document::pdf`] typesets it with [`Fonts`]
//! that are found on the machine. What comes out is PDF/A-2a and PDF/UA-1 (`krilla` refuses to
//! write what breaks their rules): fonts embedded as subsets, each paragraph, heading, list and
//! cell tagged, an outline made of the headings, links inside the document. The same document and
//! fonts give the same bytes.
//!
//! Lines are broken by UAX #14, which knows what may not begin or end a line in Japanese (禁則);
//! what is longer than its line, such as a hash or a path, is broken where it must be. Letters
//! stand side by side by their own widths, left to right: no kerning, no ligatures, no Arabic.
//!
//! ```no_run
//! use kura_pdf::{Column, Document, Fonts, Instant, Table, Text};
//!
//! let mut document = Document::new("報告 / Report", "ja", Instant::UNIX_EPOCH);
//! document.heading(1, "報告 / Report");
//! document.paragraph(Text::from("二人を除いた。").line("Two were left out.").lang("en"));
//! let mut table = Table::new([Column::text("種類 / kind"), Column::number("件 / count")]);
//! table.row(["Observation".into(), "1,204".into()]);
//! document.table(table);
//! let pdf = document.pdf(&Fonts::find(None)?)?;
//! assert!(pdf.missing.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod breaking;
mod columns;
mod document;
mod draw;
mod fonts;
mod instant;
mod letters;
mod pages;
mod prepare;
mod structure;
mod style;

pub use document::{Block, Column, Document, Row, Span, Table, Text, Width};
pub use draw::{Pdf, PdfError};
pub use fonts::{FontError, Fonts};
pub use instant::Instant;
