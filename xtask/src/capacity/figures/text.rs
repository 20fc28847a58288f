//! How wide text is, without a font to ask.
//!
//! Plotters without fonts takes 0.7 em for each *byte*, which makes "µ" twice
//! and "≤" three times as wide as "m". A figure does not know in which font it
//! will be read either, so widths here are those of a wide one (`DejaVu` Sans,
//! what a bare Linux has): elsewhere text is narrower, and nothing overlaps.

use unicode_width::UnicodeWidthChar;

/// How wide `text` is at this font size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// A character's width as a share of the font size.
fn em(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '\'' | 'I' | '|' => 0.34,
        ' ' | '.' | ',' | ':' | ';' | '\u{a0}' | '\u{2009}' => 0.36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '!' | '"' | '*' | '·' => 0.43,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' | '—' => 1.0,
        '+' | '−' | '=' | '<' | '>' | '≤' | '≥' | '±' | '×' | '~' | '#' => 0.84,
        'A'..='Z' => 0.75,
        ' '..='~' => 0.64,
        other => match other.width() {
            None | Some(0) => 0.0,
            Some(1) => 0.72,
            Some(_) => 1.1,
        },
    }
}

/// As much of `text` as there is room for, with an ellipsis where it was cut.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = width("…", size);
    for character in text.chars() {
        taken += em(character) * size;
        if room < taken {
            break;
        }
        kept.push(character);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// `text` in lines, broken at spaces; a word too long for a line is cut.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(word, size) + 0.36 * size <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| fit(line, size, room)).collect()
}

/// Text that XML can hold, on one line: control characters become spaces.
pub(in crate::capacity) fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\u{fffe}' | '\u{ffff}' => ' ',
            control if control.is_control() => ' ',
            other => other,
        })
        .collect()
}

/// Text as the content or an attribute of an element, in HTML and in XML.
pub(in crate::capacity) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count_not_bytes() {
        assert!(width("10 µs", 12.0) < width("10 mm", 12.0));
        assert!(width("≤", 10.0) < 10.0);
        assert!(width("e\u{301}", 10.0) <= width("e", 10.0));
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("short", 10.0, 100.0), "short");
        assert_eq!(fit("a long label of many words", 10.0, 60.0), "a long la…");
        assert_eq!(fit("no room", 10.0, 0.0), "…");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 10.0, 50.0), ["one two", "three"]);
        assert_eq!(wrap("", 10.0, 50.0), Vec::<String>::new());
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
        assert_eq!(clean("a\u{0}b\nc"), "a b c");
    }
}
