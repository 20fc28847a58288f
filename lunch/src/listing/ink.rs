//! Colours, where there are any.

use std::{fmt::Write, ops::Range};

use super::Colour;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    Plain,
    Title,
    Region,
    Name,
    Kind,
    Faint,
    Link,
    Stale,
    Warning,
}

/// Writes text in its style.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink(Colour);

/// What matches a query: bold yellow on whatever it is.
const MARK: &str = "1;33";

impl Style {
    /// The parameters of ANSI's SGR sequence. The basic colours are those that a
    /// terminal's theme makes readable.
    fn sgr(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Title | Style::Name => "1",
            Style::Region => "1;36",
            Style::Kind => "32",
            Style::Faint => "2",
            Style::Link => "34",
            Style::Stale | Style::Warning => "33",
        }
    }
}

impl Ink {
    pub(super) fn new(colour: Colour) -> Ink {
        Ink(colour)
    }

    pub(super) fn write(self, to: &mut String, style: Style, text: &str) {
        self.sgr(to, style.sgr(), text);
    }

    /// Writes a part of a longer text, from `start`, with what is marked in that.
    pub(super) fn marked(
        self,
        to: &mut String,
        style: Style,
        text: &str,
        start: usize,
        marks: &[Range<usize>],
    ) {
        let mut done = 0;
        for mark in marks {
            let from = mark.start.saturating_sub(start).max(done);
            let until = mark.end.saturating_sub(start).min(text.len());
            if from < until {
                self.write(to, style, text.get(done..from).unwrap_or_default());
                self.sgr(to, MARK, text.get(from..until).unwrap_or_default());
                done = until;
            }
        }
        self.write(to, style, text.get(done..).unwrap_or_default());
    }

    fn sgr(self, to: &mut String, sgr: &str, text: &str) {
        if self.0 == Colour::Never || sgr.is_empty() || text.is_empty() {
            to.push_str(text);
        } else {
            // Writing to a string does not fail.
            let _ = write!(to, "\x1b[{sgr}m{text}\x1b[0m");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_inside_of_their_style() {
        #[track_caller]
        fn check(colour: Colour, start: usize, marks: &[(usize, usize)], expected: &str) {
            let marks: Vec<_> = marks.iter().map(|(from, until)| *from..*until).collect();
            let mut text = String::new();
            Ink::new(colour).marked(&mut text, Style::Kind, "abcdef", start, &marks);
            assert_eq!(text.replace("\x1b[", "<"), expected);
        }

        check(Colour::Never, 0, &[(1, 2)], "abcdef");
        check(Colour::Ansi, 0, &[], "<32mabcdef<0m");
        check(Colour::Ansi, 0, &[(1, 2), (4, 9)], "<32ma<0m<1;33mb<0m<32mcd<0m<1;33mef<0m");
        check(Colour::Ansi, 10, &[(1, 2), (9, 12)], "<1;33mab<0m<32mcdef<0m");
        check(Colour::Ansi, 10, &[(16, 20)], "<32mabcdef<0m");
    }
}
