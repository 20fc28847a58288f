//! The blocks of a section.

use super::{calculator::calculator, prose, words};
use crate::capacity::{
    figures::{Align, Figure, Table, escape},
    page::{Block, Callout, Prose},
};

/// More rows than anyone reads; the file beside the report has them all.
const ROWS: usize = 300;

pub(super) fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("<h3>{}</h3>\n", words(text)),
        Block::Paragraph(text) => format!("<p>{}</p>\n", prose(text)),
        Block::List(items) => format!("<ul>\n{}</ul>\n", list(items)),
        Block::Numbered { prefix, items } => numbered(prefix, items),
        Block::Table { caption, table } => {
            let caption = format!("<caption>{}</caption>\n", prose(caption));
            scrolling(&rows(&caption, table, usize::MAX), "Table")
        }
        Block::Figure { figure, caption } => self::figure(figure, caption),
        Block::Callout { kind, text } => {
            let (class, name) = match kind {
                Callout::Note => ("note", "Note"),
                Callout::Caution => ("caution", "Caution"),
            };
            let text = prose(text);
            format!("<aside class=\"{class}\"><p><strong>{name}.</strong> {text}</p></aside>\n")
        }
        Block::Code { text, .. } => {
            scrolling(&format!("<pre><code>{}</code></pre>\n", lines(text)), "Code")
        }
        Block::Glossary(terms) => {
            let term = |(term, meaning): &(String, Prose)| {
                format!("<dt>{}</dt><dd>{}</dd>\n", words(term), prose(meaning))
            };
            let terms: Vec<String> = terms.iter().map(term).collect();
            format!("<dl class=\"glossary\">\n{}</dl>\n", terms.concat())
        }
        Block::Calculator(data) => calculator(data),
    }
}

fn list(items: &[Prose]) -> String {
    let items: Vec<String> =
        items.iter().map(|item| format!("<li>{}</li>\n", prose(item))).collect();
    items.concat()
}

/// Numbers are written out, as other sections refer to them.
fn numbered(prefix: &str, items: &[Prose]) -> String {
    let prefix = words(prefix);
    let item = |(item, number): (&Prose, u32)| {
        format!("<dt>{prefix}{number}</dt><dd>{}</dd>\n", prose(item))
    };
    let items: Vec<String> = items.iter().zip(1..).map(item).collect();
    format!("<dl class=\"numbered\">\n{}</dl>\n", items.concat())
}

fn figure(figure: &Figure, caption: &Prose) -> String {
    let (id, finding) = (&figure.about().id, words(&figure.about().finding));
    let drawing = scrolling(&figure.inline(), "Figure");
    let table = figure.table();
    let left_out = table.rows.len().saturating_sub(ROWS);
    let more = match left_out {
        0 => String::new(),
        _ => format!("<p>{left_out} more rows are in {}.</p>\n", figure.table_file_name()),
    };
    let numbers = scrolling(&rows("", table, ROWS), "Numbers of the figure");
    format!(
        "<figure id=\"{id}\">\n<p class=\"finding\">{finding}</p>\n{drawing}\
         <figcaption>{}</figcaption>\n\
         <details><summary>Numbers</summary>\n{numbers}{more}</details>\n</figure>\n",
        prose(caption)
    )
}

/// What may be wider than a phone moves in a box of its own, by keys too.
pub(super) fn scrolling(content: &str, name: &str) -> String {
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{name}\" tabindex=\"0\">\n\
         {content}</div>\n"
    )
}

pub(super) fn rows(caption: &str, table: &Table, most: usize) -> String {
    let class = |column: usize| match table.columns.get(column).map(|column| column.align) {
        Some(Align::Right) => " class=\"number\"",
        _ => "",
    };
    let head = table.columns.iter().enumerate().map(|(index, column)| {
        format!("<th scope=\"col\"{}>{}</th>", class(index), words(&column.name))
    });
    let body = table.rows.iter().take(most).map(|row| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(index, cell)| format!("<td{}>{}</td>", class(index), words(cell)));
        format!("<tr>{}</tr>\n", cells.collect::<Vec<_>>().concat())
    });
    format!(
        "<table>\n{caption}<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
        head.collect::<Vec<_>>().concat(),
        body.collect::<Vec<_>>().concat()
    )
}

/// Text whose lines stay lines.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| escape(&crate::capacity::figures::clean(line)));
    lines.collect::<Vec<_>>().join("\n")
}
