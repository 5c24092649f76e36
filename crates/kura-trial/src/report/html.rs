//! One self-contained page: no script, nothing from elsewhere. It prints to A4.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Block, Document, Picture, Section, Table, Tone};
use crate::words::Lang;

const STYLE: &str = include_str!("../../data/report.css");

pub(super) fn page(document: &Document, lang: Lang) -> String {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (document.title) }
                    dl.subtitle {
                        @for (name, value) in &document.subtitle {
                            div { dt { (name) } dd { (value) } }
                        }
                    }
                    nav aria-label=(lang.pick("目次", "Contents")) {
                        ol {
                            @for section in &document.sections {
                                li { a href={ "#" (section.id) } { (section.title) } }
                            }
                        }
                    }
                }
                main {
                    @for (index, section) in document.sections.iter().enumerate() {
                        (rendered(section, index + 1))
                    }
                }
            }
        }
    }
    .into_string()
}

fn rendered(section: &Section, number: usize) -> Markup {
    html! {
        section id=(section.id) {
            h2 { span.number { (number) } " " (section.title) }
            @for block in &section.blocks {
                @match block {
                    Block::Heading(text) => h3 { (text) },
                    Block::Text(text) => p { (text) },
                    Block::List(items) => ul { @for item in items { li { (item) } } },
                    Block::Note { tone, title, lines } => {
                        div class={ "note " (class(*tone)) } {
                            p.head { (title) }
                            @for line in lines { p { (line) } }
                        }
                    },
                    Block::Facts(facts) => dl.facts {
                        @for (name, value) in facts { div { dt { (name) } dd { (value) } } }
                    },
                    Block::Table(table) => (tabulated(table)),
                    Block::Picture(picture) => (drawn(picture)),
                }
            }
        }
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Plain => "plain",
        Tone::Warning => "warning",
    }
}

fn tabulated(table: &Table) -> Markup {
    let cell = |index: usize| {
        if index >= table.numbers_from {
            "number"
        } else {
            "word"
        }
    };
    html! {
        figure.table {
            figcaption { (table.caption) }
            div.scroll role="region" tabindex="0" aria-label=(table.caption) {
                table.list[table.numbers_from == usize::MAX] {
                    thead { tr {
                        @for (index, name) in table.head.iter().enumerate() {
                            th scope="col" class=(cell(index)) { (name) }
                        }
                    } }
                    tbody {
                        @for row in &table.rows { tr {
                            @for (index, value) in row.iter().enumerate() {
                                @if index == 0 {
                                    th scope="row" class=(cell(index)) { (value) }
                                } @else {
                                    td class=(cell(index)) { (value) }
                                }
                            }
                        } }
                    }
                }
            }
            @for note in &table.notes { p.footnote { (note) } }
        }
    }
}

fn drawn(picture: &Picture) -> Markup {
    html! {
        figure.picture {
            figcaption { (picture.caption) }
            div.parts role="img" aria-label=(picture.alternative) {
                @for part in &picture.parts { (part) }
            }
            @if !picture.legend.is_empty() {
                ul.legend {
                    @for (marker, text) in &picture.legend { li { (marker) (text) } }
                }
            }
        }
    }
}
