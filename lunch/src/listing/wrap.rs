//! Lines of a width, in columns of a terminal.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Blanks.
pub(super) fn pad(to: &mut String, columns: usize) {
    to.extend(std::iter::repeat_n(' ', columns));
}

/// The lines of a text, broken at blanks; a word that is wider than a line is
/// broken where it has to be, and never between a letter and its accents.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(2);
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut line: Option<Range<usize>> = None;
    for word in words(text) {
        if let Some(open) = &mut line {
            if text.get(open.start..word.end).map_or(0, width) <= columns {
                open.end = word.end;
                continue;
            }
            lines.push(open.clone());
        }
        let mut pieces = broken(text, word, columns);
        line = pieces.pop();
        lines.append(&mut pieces);
    }
    lines.extend(line);
    lines
}

fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split(' ').filter_map(move |word| {
        let start = at;
        at += word.len() + 1;
        (!word.is_empty()).then(|| start..start + word.len())
    })
}

/// A word in pieces that fit.
fn broken(text: &str, word: Range<usize>, columns: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = word.start;
    if text.get(word.clone()).map_or(0, width) > columns {
        for (at, c) in text.get(word.clone()).unwrap_or_default().char_indices() {
            let at = word.start + at;
            let piece = text.get(start..at + c.len_utf8()).map_or(0, width);
            if columns < piece && start < at && c.width() != Some(0) {
                pieces.push(start..at);
                start = at;
            }
        }
    }
    pieces.push(start..word.end);
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines: Vec<_> = wrap(text, columns).into_iter().map(|line| &text[line]).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines_break_at_blanks() {
        check("", 10, &[]);
        check("Fisk med ris", 12, &["Fisk med ris"]);
        check("Fisk med ris", 11, &["Fisk med", "ris"]);
        check("Fisk med ris", 4, &["Fisk", "med", "ris"]);
        check("  a  b ", 10, &["a  b"]);
    }

    #[test]
    fn width_is_what_a_terminal_shows() {
        check("寿司 寿司", 4, &["寿司", "寿司"]);
        check("寿司 寿司", 9, &["寿司 寿司"]);
        check("ra\u{308}ka ra\u{308}ka", 9, &["ra\u{308}ka ra\u{308}ka"]);
        check("ra\u{308}ka ra\u{308}ka", 8, &["ra\u{308}ka", "ra\u{308}ka"]);
    }

    #[test]
    fn long_words_break_where_they_have_to() {
        check("sammansatt", 4, &["samm", "ansa", "tt"]);
        check("寿司寿司", 5, &["寿司", "寿司"]);
        check("a\u{308}a\u{308}a\u{308}", 2, &["a\u{308}a\u{308}", "a\u{308}"]);
        check("en sammansatt rätt", 6, &["en", "samman", "satt", "rätt"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(
            text in "[a-zåäö寿\u{308} ]{0,60}", columns in 2..30_usize,
        ) {
            let lines: Vec<_> = wrap(&text, columns).into_iter().map(|line| &text[line]).collect();
            for line in &lines {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let solid = |text: &str| text.replace(' ', "");
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
        }
    }
}
