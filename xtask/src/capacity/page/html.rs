//! The report for a browser: one file that needs nothing else.
//!
//! It may be opened from a disk, sent by mail or served with a strict policy,
//! so it loads nothing, and says so itself: its policy names the one style
//! sheet and the one script by their hashes.

mod blocks;
mod calculator;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{Answer, Inline, Prose, Report, Section, prose::safe_target};
use crate::capacity::figures::{clean, escape, identifier, style_sheet};

pub(super) use self::calculator::table as calculator_table;

/// What the page looks like, but for its figures.
const STYLE: &str = include_str!("page.css");
/// What computes how many instances are needed.
pub(super) const SCRIPT: &str = include_str!("calculator.js");

/// The report as a page.
pub fn html(report: &Report) -> String {
    let style = format!("{STYLE}{}", style_sheet());
    let title = words(&report.title);
    let sections: Vec<String> = report.sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n\
         <header><h1>{title}</h1></header>\n{contents}\
         <main>\n{answer}{sections}</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy = policy(&style),
        contents = contents(&report.sections),
        answer = answer(&report.answer),
        sections = sections.concat(),
    )
}

fn policy(style: &str) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

fn contents(sections: &[Section]) -> String {
    let items = sections.iter().map(|section| {
        let (id, heading) = (identifier(&section.id), words(&section.heading));
        format!("<li><a href=\"#{id}\">{heading}</a></li>\n")
    });
    format!(
        "<nav aria-label=\"Contents\">\n<ol>\n{}</ol>\n</nav>\n",
        items.collect::<Vec<_>>().concat()
    )
}

fn answer(answer: &Answer) -> String {
    let facts = answer.facts.iter().map(|fact| {
        format!(
            "<div><dt>{}</dt><dd><strong>{}</strong> <span>{}</span></dd></div>\n",
            words(&fact.name),
            words(&fact.value),
            words(&fact.detail)
        )
    });
    let facts: Vec<String> = facts.collect();
    let facts =
        if facts.is_empty() { String::new() } else { format!("<dl>\n{}</dl>\n", facts.concat()) };
    let notes: Vec<String> =
        answer.notes.iter().map(|note| format!("<p>{}</p>\n", prose(note))).collect();
    format!(
        "<section id=\"answer\" class=\"answer\" aria-label=\"Answer\">\n\
         <p class=\"claim\">{}</p>\n{facts}{}</section>\n",
        prose(&answer.claim),
        notes.concat()
    )
}

fn section(section: &Section) -> String {
    let blocks: Vec<String> = section.blocks.iter().map(blocks::block).collect();
    let (id, heading) = (identifier(&section.id), words(&section.heading));
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n\
         <h2 id=\"{id}-heading\">{heading}</h2>\n{}</section>\n",
        blocks.concat()
    )
}

/// Text on one line without markup.
fn words(text: &str) -> String {
    escape(&clean(text))
}

fn prose(prose: &Prose) -> String {
    let piece = |piece: &Inline| match piece {
        Inline::Text(text) => words(text),
        Inline::Emphasis(text) => format!("<em>{}</em>", words(text)),
        Inline::Strong(text) => format!("<strong>{}</strong>", words(text)),
        Inline::Code(text) => format!("<code>{}</code>", words(text)),
        Inline::Link { text, to } => match safe_target(to) {
            Some(to) => format!("<a href=\"{}\">{}</a>", escape(to), words(text)),
            None => words(text),
        },
    };
    prose.0.iter().map(piece).collect::<Vec<_>>().concat()
}
