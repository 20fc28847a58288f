//! The report for GitHub: Markdown beside its figures' files.

mod escape;

use self::escape::{code_block, text};
use super::{
    Answer, Block, Callout, Inline, Prose, Report, Section, html::calculator_table,
    prose::safe_target,
};
use crate::capacity::figures::{Align, Column, Figure, Table, clean, identifier};

/// The report as Markdown; figures are the files that
/// [`Figure::file_name`] names.
pub fn markdown(report: &Report) -> String {
    let links = Links { sections: &report.sections };
    let mut parts = vec![format!("# {}", text(&report.title))];
    parts.extend(answer(&links, &report.answer));
    parts.extend(contents(&links, &report.sections));
    for section in &report.sections {
        parts.push(format!("## {}", text(&section.heading)));
        parts.extend(section.blocks.iter().map(|block| self::block(&links, block)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// What references lead to.
struct Links<'a> {
    sections: &'a [Section],
}

impl Links<'_> {
    /// Where a link leads in this form of the report: a section's anchor is
    /// made of its heading there, and a figure is a file.
    fn target(&self, to: &str) -> Option<String> {
        let to = safe_target(to)?;
        let Some(id) = to.strip_prefix('#') else { return Some(to.to_owned()) };
        let section = self.sections.iter().find(|section| identifier(&section.id) == id);
        if let Some(section) = section {
            return Some(format!("#{}", anchor(&section.heading)));
        }
        let figures = self.sections.iter().flat_map(|section| &section.blocks);
        let mut figures = figures.filter_map(|block| match block {
            Block::Figure { figure, .. } => Some(figure),
            _ => None,
        });
        figures.find(|figure| figure.about().id == id).map(Figure::file_name)
    }

    fn prose(&self, prose: &Prose) -> String {
        let shown: Vec<&Inline> = prose.0.iter().filter(|piece| !piece.text().is_empty()).collect();
        let written = shown.iter().enumerate().map(|(index, piece)| {
            let before = index.checked_sub(1).and_then(|index| shown[index].text().chars().last());
            let after = shown.get(index + 1).and_then(|piece| piece.text().chars().next());
            self.piece(piece, escape::Place { before, after })
        });
        escape::start(written.collect::<Vec<_>>().concat().trim())
    }

    fn piece(&self, piece: &Inline, place: escape::Place) -> String {
        let words = piece.text();
        match piece {
            Inline::Text(_) => escape::inside(words),
            Inline::Emphasis(_) => place.emphasis(words),
            Inline::Strong(_) => place.strong(words),
            Inline::Code(_) => place.code(words),
            Inline::Link { to, .. } => match self.target(to) {
                Some(to) => format!("[{}]({to})", escape::inside(words)),
                None => escape::inside(words),
            },
        }
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = clean(heading).trim().to_lowercase();
    let kept = kept.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        letter => letter.is_alphanumeric().then_some(letter),
    });
    kept.collect()
}

fn answer(links: &Links<'_>, answer: &Answer) -> Vec<String> {
    let mut parts = vec![links.prose(&answer.claim)];
    if !answer.facts.is_empty() {
        let rows = answer.facts.iter();
        let rows = rows.map(|fact| [&fact.name, &fact.value, &fact.detail].map(Clone::clone));
        let columns = ["quantity", "value", "interval or condition"].map(Column::words).to_vec();
        parts.push(table(&Table { columns, rows: rows.map(Vec::from).collect() }));
    }
    parts.extend(answer.notes.iter().map(|note| links.prose(note)));
    parts
}

fn contents(links: &Links<'_>, sections: &[Section]) -> Option<String> {
    let link = |section: &Section| {
        let to = links.target(&format!("#{}", identifier(&section.id)))?;
        Some(format!("[{}]({to})", escape::inside(&section.heading)))
    };
    let list: Vec<String> = sections.iter().filter_map(link).collect();
    (!list.is_empty()).then(|| format!("**Contents:** {}", list.join(" · ")))
}

/// Each kind of list has a bullet of its own: Markdown would join two that
/// follow each other.
fn block(links: &Links<'_>, block: &Block) -> String {
    match block {
        Block::Heading(heading) => format!("### {}", text(heading)),
        Block::Paragraph(prose) => links.prose(prose),
        Block::List(items) => {
            let item = |item: &Prose| format!("- {}", links.prose(item));
            items.iter().map(item).collect::<Vec<_>>().join("\n")
        }
        Block::Numbered { prefix, items } => {
            let item = |(item, number): (&Prose, u32)| {
                let alone = escape::Place { before: None, after: None };
                let name = alone.strong(&format!("{prefix}{number}"));
                format!("* {name} {}", links.prose(item))
            };
            items.iter().zip(1..).map(item).collect::<Vec<_>>().join("\n")
        }
        Block::Table { caption, table } => {
            format!("{}\n\n{}", links.prose(caption), self::table(table))
        }
        Block::Figure { figure, caption } => {
            let finding = escape::inside(&figure.about().finding);
            format!("![{finding}]({})\n\n{}", figure.file_name(), links.prose(caption))
        }
        Block::Callout { kind, text } => {
            let kind = match kind {
                Callout::Note => "NOTE",
                Callout::Caution => "CAUTION",
            };
            format!("> [!{kind}]\n> {}", links.prose(text))
        }
        Block::Code { language, text } => code_block(&identifier(language), text),
        Block::Glossary(terms) => {
            let term = |(term, meaning): &(String, Prose)| {
                let alone = escape::Place { before: None, after: None };
                format!("+ {}: {}", alone.strong(term), links.prose(meaning))
            };
            terms.iter().map(term).collect::<Vec<_>>().join("\n")
        }
        Block::Calculator(data) => table(&calculator_table(data)),
    }
}

/// A table whose columns line up for those who read the file itself.
fn table(table: &Table) -> String {
    let cells = |row: &[String]| -> Vec<String> {
        row.iter().map(|cell| escape::inside(cell).trim().to_owned()).collect()
    };
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut rows = vec![cells(&names)];
    rows.extend(table.rows.iter().map(|row| cells(row)));
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index));
        cells
            .map(|cell| unicode_width::UnicodeWidthStr::width(cell.as_str()))
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = widths.iter().enumerate().map(|(index, width)| {
            let cell = row.get(index).map_or("", String::as_str);
            let space = " ".repeat(width - unicode_width::UnicodeWidthStr::width(cell).min(*width));
            match table.columns[index].align {
                Align::Left => format!("{cell}{space}"),
                Align::Right => format!("{space}{cell}"),
            }
        });
        format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().zip(&table.columns).map(|(width, column)| match column.align {
        Align::Left => "-".repeat(*width),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    });
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, format!("| {} |", rule.collect::<Vec<_>>().join(" | ")));
    lines.join("\n")
}
