//! Sentences with a little emphasis.

use std::fmt;

use crate::capacity::figures::clean;

/// A few sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prose(pub Vec<Inline>);

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// As it is.
    Text(String),
    /// Stressed.
    Emphasis(String),
    /// What the eye should find.
    Strong(String),
    /// A name or value of a program.
    Code(String),
    /// A reference.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads: `#id` for a section or figure of this report, a
        /// file beside it, or an address. Anything else is shown without a link.
        to: String,
    },
}

/// The words, without marks: for a terminal.
impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Inline::Text(text)
            | Inline::Emphasis(text)
            | Inline::Strong(text)
            | Inline::Code(text)
            | Inline::Link { text, .. } => f.write_str(text),
        })
    }
}

impl Prose {
    /// Text in which nothing is a mark: for what comes from outside.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Inline::Text(text.into())])
    }

    /// Text with `*emphasis*`, `**strong**`, `` `code` `` and `[text](to)`.
    ///
    /// Marks do not nest; one without its second half is itself.
    pub fn marked(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((piece, after)) = piece(rest) {
                if !plain.is_empty() {
                    pieces.push(Inline::Text(std::mem::take(&mut plain)));
                }
                pieces.push(piece);
                rest = after;
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        if !plain.is_empty() {
            pieces.push(Inline::Text(plain));
        }
        Self(pieces)
    }

    /// The words alone.
    pub fn text(&self) -> String {
        self.0.iter().map(|piece| clean(piece.text())).collect()
    }
}

impl Inline {
    /// The words alone.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::Emphasis(text)
            | Self::Strong(text)
            | Self::Code(text)
            | Self::Link { text, .. } => text,
        }
    }
}

impl From<&str> for Prose {
    /// The same as [`Prose::marked`].
    fn from(text: &str) -> Self {
        Self::marked(text)
    }
}

/// The marked piece at the start of the text, and what follows it.
fn piece(text: &str) -> Option<(Inline, &str)> {
    let between = |mark: &str| {
        let (inside, after) = text.strip_prefix(mark)?.split_once(mark)?;
        let fits = !inside.is_empty() && inside.trim() == inside;
        fits.then(|| (inside.to_owned(), after))
    };
    if text.starts_with("**") {
        return between("**").map(|(inside, after)| (Inline::Strong(inside), after));
    }
    if let Some((inside, after)) = between("*") {
        return Some((Inline::Emphasis(inside), after));
    }
    if let Some((inside, after)) = between("`") {
        return Some((Inline::Code(inside), after));
    }
    let (shown, after) = text.strip_prefix('[')?.split_once("](")?;
    let (to, after) = after.split_once(')')?;
    Some((Inline::Link { text: shown.to_owned(), to: to.to_owned() }, after))
}

/// The target, if it is one of those that a report may have.
pub(super) fn safe_target(to: &str) -> Option<&str> {
    let safe =
        |character: char| character.is_ascii_alphanumeric() || "-._~/#?=&%:,+@".contains(character);
    let scheme = to.split_once(':').map(|(scheme, _)| scheme);
    let known = scheme.is_none_or(|scheme| scheme == "http" || scheme == "https");
    (known && !to.is_empty() && to.chars().all(safe)).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_pieces() {
        let text = |text: &str| Inline::Text(text.to_owned());
        assert_eq!(
            Prose::marked("The *knee* is at **7k**, see `run.json` and [F2](#f2)."),
            Prose(vec![
                text("The "),
                Inline::Emphasis("knee".to_owned()),
                text(" is at "),
                Inline::Strong("7k".to_owned()),
                text(", see "),
                Inline::Code("run.json".to_owned()),
                text(" and "),
                Inline::Link { text: "F2".to_owned(), to: "#f2".to_owned() },
                text("."),
            ])
        );
        for whole in ["2 * 3 * 4", "a ** b", "`", "[a] (b)", "**", "[a](b"] {
            assert_eq!(Prose::marked(whole), Prose(vec![text(whole)]));
        }
    }

    #[test]
    fn links_lead_nowhere_unexpected() {
        assert_eq!(safe_target("#f2"), Some("#f2"));
        assert_eq!(safe_target("fig-f2.svg"), Some("fig-f2.svg"));
        assert_eq!(safe_target("https://example.org/a?b=c"), Some("https://example.org/a?b=c"));
        for other in
            ["javascript:alert(1)", "data:text/html,x", "\" onclick=\"x", "", "JavaScript:x"]
        {
            assert_eq!(safe_target(other), None, "{other}");
        }
    }
}
