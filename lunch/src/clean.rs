//! Text as a person would have written it, made of what came.
//!
//! What is changed is what is certainly wrong: see each step in [`clean`]. The
//! result has no control characters, so it can be printed on any terminal.

mod entities;
mod mojibake;

use unicode_normalization::UnicodeNormalization;

/// The text without what encodings, templates and typesetting left in it.
///
/// - text that was read in the wrong encoding is repaired (`KÃ¶tt` is `Kött`),
///   where no other reading makes sense
/// - HTML's character references are resolved
/// - soft hyphens, control and direction characters are gone; those of
///   Windows-1252's second block are the letters that were meant
/// - letters are composed (Unicode's NFC)
/// - any white space is one blank; none is left at the ends
pub fn clean(text: &str) -> String {
    let text = mojibake::repair(text);
    let text = entities::resolve(&text);
    let visible = text.chars().filter_map(visible).nfc();
    let mut clean = String::with_capacity(text.len());
    for c in visible {
        match c {
            ' ' if clean.is_empty() || clean.ends_with(' ') => {}
            c => clean.push(c),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// The text if it says anything: dots, dashes and bullets alone do not.
pub(crate) fn meaning(text: &str) -> Option<String> {
    let clean = clean(text);
    let filler = |c: char| c.is_ascii_punctuation() || " –—•·…".contains(c);
    (!clean.chars().all(filler)).then_some(clean)
}

/// What is seen of a character, if anything.
fn visible(c: char) -> Option<char> {
    match c {
        // NEL is a line break before it is an ellipsis of Windows-1252.
        c if c.is_whitespace() => Some(' '),
        '\u{80}'..='\u{9f}' => mojibake::windows_1252(c),
        c if c.is_control() => None,
        // Soft hyphens; zero width blanks and marks of direction; variation
        // selectors stay, and joiners, which emoji are made with.
        '\u{ad}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0001}' => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text), expected);
    }

    #[test]
    fn blanks_are_single_and_inside() {
        check("Jöns Jacob ", "Jöns Jacob");
        check("  a \t b\r\nc\u{a0}\u{2003}d\u{85}", "a b c d");
        check("\u{a0}\u{ad} ", "");
        check("Livet [Restaurant]", "Livet [Restaurant]");
        check("Sillmacka \"Café de Paris\" & co", "Sillmacka \"Café de Paris\" & co");
    }

    #[test]
    fn what_cannot_be_seen_is_gone() {
        check("Fläsk\u{ad}karré", "Fläskkarré");
        check("a\u{200b}b\u{feff}c\u{202e}d", "abcd");
        check("red\u{1b}[31m\u{7}", "red[31m");
        check("👨\u{200d}🍳 & ❤\u{fe0f}", "👨\u{200d}🍳 & ❤\u{fe0f}");
    }

    #[test]
    fn the_second_block_of_windows_1252_is_what_was_meant() {
        check("B\u{9c}uf bourguignon", "Bœuf bourguignon");
        check("\u{80}5 \u{96} 7 \u{81}", "€5 – 7");
    }

    #[test]
    fn letters_are_composed() {
        check("Ra\u{308}ka", "Räka");
        check("q\u{308}", "q\u{308}");
    }

    #[test]
    fn the_steps_work_together() {
        check("SprÃ¶d torskkind med Ã¤rtpurÃ© ", "Spröd torskkind med ärtpuré");
        check("Food &and; Co Fr&ouml;sundavik", "Food & Co Frösundavik");
        check("a&nbsp;&nbsp;b&shy;c", "a bc");
        check("Ã\u{a0} la carte", "à la carte");
    }

    #[test]
    fn fillers_mean_nothing() {
        for filler in ["", " ", "-", "– –", "...", "\u{a0}•", "***"] {
            assert_eq!(meaning(filler), None, "{filler:?}");
        }
        for text in ["a", "7", "🍕", " (150g)", "寿"] {
            assert_eq!(meaning(text).as_deref(), Some(text.trim()));
        }
    }

    proptest! {
        #[test]
        fn clean_text_is_printable_and_stays_as_it_is(text in any::<String>()) {
            let once = clean(&text);
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(clean(&once), once);
        }

        #[test]
        fn ordinary_swedish_is_not_touched(
            text in "[A-ZÅÄÖa-zåäöéèüæøç0-9]{1,9}( [a-zåäö&,.()\"'!:%-]{1,9}){0,4}",
        ) {
            prop_assert_eq!(clean(&text), text);
        }
    }
}
