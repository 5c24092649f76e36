//! A document as a page of HTML.

use kura_pdf::{Block, Document, Span, Table, Text};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::card::STYLE;

pub(super) fn page(document: &Document) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(document.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body { @for one in &document.blocks { (block(one)) } }
        }
    };
    page.into_string()
}

fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(0 | 1, words) => h1 { (text(words)) },
            Block::Heading(2, words) => h2 { (text(words)) },
            Block::Heading(_, words) => h3 { (text(words)) },
            Block::Paragraph(words) => p { (text(words)) },
            Block::List(items) => ul { @for item in items { li { (text(item)) } } },
            Block::Table(one) => div.wide { (table(one)) },
        }
    }
}

fn text(text: &Text) -> Markup {
    html! {
        @for (at, line) in text.lines.iter().enumerate() {
            @if at > 0 { br; }
            @for one in line { (span(one)) }
        }
    }
}

fn span(span: &Span) -> Markup {
    let words = html! { @if span.code { code { (span.text) } } @else { (span.text) } };
    let words = match &span.link {
        Some(anchor) => html! { a href=(format!("#{anchor}")) { (words) } },
        None => words,
    };
    match &span.language {
        Some(language) => html! { span lang=(language) { (words) } },
        None => words,
    }
}

fn table(table: &Table) -> Markup {
    let number = |at: usize| table.columns.get(at).is_some_and(|column| column.number);
    let class = |at| number(at).then_some("n");
    html! {
        table {
            @if table.has_headings() {
                tr { @for (at, column) in table.columns.iter().enumerate() {
                    th scope="col" class=[class(at)] { (text(&column.heading)) }
                } }
            }
            @for row in &table.rows {
                tr id=[row.anchor.as_ref()] { @for (at, cell) in row.cells.iter().enumerate() {
                    @if table.row_headings && at == 0 {
                        th scope="row" { (text(cell)) }
                    } @else {
                        td class=[class(at)] { (text(cell)) }
                    }
                } }
            }
        }
    }
}
