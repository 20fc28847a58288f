//! The report as a document: for a browser, in one file, and for GitHub.
//!
//! A [`Report`] is plain data, and [`html()`] and [`markdown()`] are functions of
//! it. Whoever fills it in decides what is said; nothing here computes, but for
//! the [`Calculator`], whose formula is the same here and in the page.

mod calculator;
mod html;
mod markdown;
mod prose;

use super::figures::{Figure, Table};

pub use self::{
    calculator::{Calculator, Capacity, Instances, Need},
    html::html,
    markdown::markdown,
    prose::{Inline, Prose},
};

/// A document with its answer first.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What it is about.
    pub title: String,
    /// What there is to know if one reads no further.
    pub answer: Answer,
    /// How it is known.
    pub sections: Vec<Section>,
}

/// What there is to know if one reads no further.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One or two sentences.
    pub claim: Prose,
    /// The numbers in it, to be seen at a glance.
    pub facts: Vec<Fact>,
    /// What to do, and on what it depends.
    pub notes: Vec<Prose>,
}

/// A number with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The number with its unit.
    pub value: String,
    /// Its interval, or what it depends on.
    pub detail: String,
}

/// A part of the document with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name in links.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading within the section.
    Heading(String),
    /// Sentences.
    Paragraph(Prose),
    /// Things in no order.
    List(Vec<Prose>),
    /// Things that are referred to by their number, with a prefix: A1, A2.
    Numbered {
        /// What stands before each number.
        prefix: String,
        /// The things.
        items: Vec<Prose>,
    },
    /// A table with what it says.
    Table {
        /// What it says.
        caption: Prose,
        /// Its rows.
        table: Table,
    },
    /// A figure: its finding is its title, its numbers are below it.
    Figure {
        /// The figure.
        figure: Figure,
        /// Units, how many, and how intervals were made.
        caption: Prose,
    },
    /// Something not to be missed.
    Callout {
        /// How it is meant.
        kind: Callout,
        /// What it is.
        text: Prose,
    },
    /// Text as it is.
    Code {
        /// In what language, for highlighting, or nothing.
        language: String,
        /// The text.
        text: String,
    },
    /// Words with what they mean.
    Glossary(Vec<(String, Prose)>),
    /// How many instances one needs.
    Calculator(Calculator),
}

/// How a [`Block::Callout`] is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callout {
    /// It helps to know this.
    Note,
    /// Conclusions are wrong without this.
    Caution,
}

#[cfg(test)]
mod tests;
