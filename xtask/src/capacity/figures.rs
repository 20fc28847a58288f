//! Figures: typed values in, SVG out.
//!
//! A chart is plain data ([`XyChart`], [`HeatMap`], [`Tornado`], [`Bars`]; and
//! [`percentiles`], [`ecdf`] and [`timeline`] which prepare an [`XyChart`]).
//! Its `figure` draws it and keeps the numbers behind it as a [`Table`], so
//! that nothing is said in a picture only.
//!
//! The same chart gives the same bytes on any machine: nothing here reads a
//! clock, a font or a hash map, and all rounding is fixed. That makes a figure
//! something to compare and to review, line by line.

mod axis;
mod bars;
mod canvas;
mod clip;
mod curves;
mod frame;
mod heat;
mod ink;
mod legend;
mod markers;
mod number;
mod place;
mod svg;
mod table;
mod text;
mod ticks;
mod tornado;
mod xy;

use serde::Serialize;

pub use self::{
    axis::{Axis, Range, Scale},
    bars::{Bar, BarLook, Bars},
    curves::{Cumulated, ecdf, percentiles, timeline},
    heat::HeatMap,
    ink::Tone,
    number::Unit,
    table::{Align, Column, Table},
    tornado::{Effect, Tornado},
    xy::{Interval, Labels, Look, Panel, Point, Reference, Series, Standing, XyChart},
};
pub(in crate::capacity) use self::{
    ink::style_sheet,
    text::{clean, escape},
};

use self::canvas::{Canvas, WIDTH};

/// What a figure is called and says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Its name in links and in its file's name: "f2" or "latency".
    pub id: String,
    /// What it shows, as one sentence: its title.
    pub finding: String,
    /// What there is to see, for those who cannot see it.
    pub description: String,
}

/// A drawn chart, with the numbers behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    about: About,
    height: f64,
    elements: String,
    table: Table,
}

impl Figure {
    fn new(about: &About, canvas: &Canvas, table: Table) -> Self {
        Self {
            about: About {
                id: identifier(&about.id),
                finding: clean(&about.finding),
                description: clean(&about.description),
            },
            height: canvas.height(),
            elements: svg::elements(&canvas.draw()),
            table,
        }
    }

    /// What it is called and says; the id is fit for links and file names.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The numbers that it shows.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("fig-{}.svg", self.about.id)
    }

    /// The name of the file that holds its numbers, [as text](Table::to_csv).
    pub fn table_file_name(&self) -> String {
        format!("fig-{}.csv", self.about.id)
    }

    /// The figure as a file of its own, with its finding as a visible title
    /// and with a background, which suits a reader's theme but not always that
    /// of the page around it.
    pub fn standalone(&self) -> String {
        let title_size = 17.0;
        let lines = text::wrap(&self.about.finding, title_size, WIDTH - 24.0);
        let baselines = (1u8..).map(|line| 6.0 + 23.0 * f64::from(line));
        let title: Vec<String> = lines
            .iter()
            .zip(baselines.clone())
            .map(|(line, y)| format!("<text class=\"h\" y=\"{y}\">{}</text>\n", escape(line)))
            .collect();
        let title = title.concat();
        let top = baselines.clone().nth(lines.len()).unwrap_or_default();
        let margin = 16.0;
        let (left, up) = (-margin, -margin / 2.0);
        let (width, height) = (WIDTH + 2.0 * margin, libm::ceil(self.height + top) + 1.5 * margin);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {}>\n{}<style>\n{}</style>\n\
             <rect class=\"bg\" x=\"{left}\" y=\"{up}\" width=\"{width}\" height=\"{height}\"/>\n\
             {title}<g transform=\"translate(0 {top})\">\n{}</g>\n</svg>\n",
            self.root(&format!("{left} {up} {width} {height}")),
            self.names(),
            style_sheet(),
            self.elements,
        )
    }

    /// The figure as an element of a page that has the
    /// [style sheet](style_sheet) and shows the finding itself.
    pub(in crate::capacity) fn inline(&self) -> String {
        let frame = format!("0 0 {WIDTH} {}", libm::ceil(self.height));
        format!("<svg {}>\n{}{}</svg>\n", self.root(&frame), self.names(), self.elements)
    }

    fn root(&self, frame: &str) -> String {
        let id = &self.about.id;
        format!(
            "viewBox=\"{frame}\" class=\"fig\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\""
        )
    }

    fn names(&self) -> String {
        let id = &self.about.id;
        format!(
            "<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
            escape(&self.about.finding),
            escape(&self.about.description)
        )
    }
}

/// Text as a name that needs no escape in links, files and attributes.
pub(in crate::capacity) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
