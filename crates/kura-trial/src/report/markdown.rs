//! The same report as Markdown; pictures become their description, their numbers stand in tables.

use super::document::{Block, Document, Table};

pub(super) fn text(document: &Document) -> String {
    let mut out = format!("# {}\n\n", escaped(&document.title));
    for (name, value) in &document.subtitle {
        out.push_str(&format!("- {}: {}\n", escaped(name), escaped(value)));
    }
    for (index, section) in document.sections.iter().enumerate() {
        out.push_str(&format!(
            "\n## {}. {}\n",
            index + 1,
            escaped(&section.title)
        ));
        for block in &section.blocks {
            out.push('\n');
            match block {
                Block::Heading(text) => out.push_str(&format!("### {}\n", escaped(text))),
                Block::Text(text) => out.push_str(&format!("{}\n", escaped(text))),
                Block::List(items) => {
                    for item in items {
                        out.push_str(&format!("- {}\n", escaped(item)));
                    }
                }
                Block::Note { title, lines, .. } => {
                    out.push_str(&format!("> **{}**\n", escaped(title)));
                    for line in lines {
                        out.push_str(&format!(">\n> {}\n", escaped(line)));
                    }
                }
                Block::Facts(facts) => {
                    for (name, value) in facts {
                        out.push_str(&format!("- {}: {}\n", escaped(name), escaped(value)));
                    }
                }
                Block::Table(table) => tabulated(table, &mut out),
                Block::Picture(picture) => out.push_str(&format!(
                    "*{}* — {}\n",
                    escaped(&picture.caption),
                    escaped(&picture.alternative)
                )),
            }
        }
    }
    out
}

fn tabulated(table: &Table, out: &mut String) {
    out.push_str(&format!("**{}**\n\n", escaped(&table.caption)));
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| escaped(c)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    out.push_str(&row(&table.head));
    let rules: Vec<&str> = (0..table.head.len())
        .map(|i| {
            if i >= table.numbers_from {
                "---:"
            } else {
                "---"
            }
        })
        .collect();
    out.push_str(&format!("| {} |\n", rules.join(" | ")));
    for cells in &table.rows {
        out.push_str(&row(cells));
    }
    for note in &table.notes {
        out.push_str(&format!("\n{}\n", escaped(note)));
    }
}

/// Foreign text stays text: no markup, no line of its own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
