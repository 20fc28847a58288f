//! What the output is written on.

use std::{
    env,
    io::{self, IsTerminal},
};

use jiff::civil::DateTime;

use super::args::When;
use crate::listing::{Colour, Links, Page};

/// Columns where nobody says.
const COLUMNS: usize = 80;

/// The page that stdout is.
pub(super) fn page(color: When, now: DateTime) -> Page {
    let is_terminal = io::stdout().is_terminal();
    let wanted = match color {
        When::Always => true,
        When::Never => false,
        When::Auto => is_terminal && !says_something("NO_COLOR") && !is_dumb(),
    };
    let can_link = is_terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    Page {
        width: width(),
        colour: if wanted { Colour::Ansi } else { Colour::Never },
        links: if can_link { Links::Hyper } else { Links::Written },
        now,
    }
}

fn width() -> usize {
    let said = env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let measured = || terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
    said.or_else(measured).filter(|columns| 0 < *columns).unwrap_or(COLUMNS)
}

/// <https://no-color.org>: set, and not empty.
fn says_something(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}
