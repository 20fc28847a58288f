//! UTF-8 that was read as Latin-1 or Windows-1252.

/// What `\u{80}` to `\u{9f}` are in Windows-1252; five are nothing.
const BLOCK: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The character that a control character of the second block stands for.
pub(super) fn windows_1252(c: char) -> Option<char> {
    let at = u32::from(c).checked_sub(0x80)?;
    BLOCK.chars().nth(at.try_into().ok()?).filter(|meant| !meant.is_control())
}

/// Text with the characters that were taken apart put together again.
///
/// `Ã` or `Â` before a character that no word goes on with, and `â€` before the
/// third part of a dash or quotation mark, have one reading that makes sense.
/// Other sequences might be two characters that were meant, as `É”` is.
pub(super) fn repair(text: &str) -> String {
    // Some pages were taken apart twice.
    let once = put_together(text);
    if once == text { once } else { put_together(&once) }
}

fn put_together(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let mut ahead = rest.clone();
        match whole(c, &mut ahead) {
            Some(meant) => {
                repaired.push(meant);
                rest = ahead;
            }
            None => repaired.push(c),
        }
    }
    repaired
}

/// The character that `first` and those that follow are the bytes of.
fn whole(first: char, rest: &mut std::str::Chars<'_>) -> Option<char> {
    let mut next = || rest.next().and_then(byte).filter(|byte| (0x80..0xc0).contains(byte));
    let bytes = match first {
        'Ã' => vec![0xc3, next()?],
        'Â' => vec![0xc2, next()?],
        'â' => vec![0xe2, next()?, next()?],
        _ => return None,
    };
    let whole = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    let certain = match whole {
        // No dish multiplies or divides.
        '×' | '÷' => false,
        // Letters and signs of Latin-1. Hyphens, dashes, quotation marks, bullets,
        // the ellipsis; the euro.
        '\u{a0}'..='ÿ' | '\u{2010}'..='\u{2026}' | '€' => true,
        _ => false,
    };
    certain.then_some(whole)
}

/// The byte that was read as this character.
fn byte(c: char) -> Option<u8> {
    let code = u32::from(c);
    if (0x80..0x100).contains(&code) {
        return u8::try_from(code).ok();
    }
    let at = BLOCK.chars().position(|of_block| of_block == c)?;
    u8::try_from(0x80 + at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(repair(text), expected);
    }

    #[test]
    fn what_was_taken_apart_is_put_together() {
        check("SprÃ¶dbakad rÃ¥biff Ã  la carte", "Sprödbakad råbiff Ã  la carte");
        check("Ã\u{a0} la", "à la");
        check("Ã\u{84}rtsoppa", "Ärtsoppa");
        check("Ã„rtsoppa Ã–l", "Ärtsoppa Öl");
        check("Itâ€™s â€œgoodâ€\u{9d} â€“ really", "It’s “good” – really");
        check("a\u{c2}\u{a0}b Â½ kyckling", "a\u{a0}b ½ kyckling");
        check("129 â‚¬", "129 €");
        check("KÃƒÂ¶tt", "Kött");
    }

    #[test]
    fn what_may_have_been_meant_stays() {
        for text in [
            "Räksmörgås",
            "PÂTÉ",
            "CAFÉ”",
            "KORV PÅ“",
            "Ã",
            "Â",
            "â€",
            "pão ã",
            "Ã–",
            "Ü–",
            "Ä¢",
            "â la",
            "Ã×",
            "Ã—",
        ] {
            let expected = if text == "Ã–" { "Ö" } else { text };
            check(text, expected);
        }
    }

    #[test]
    fn the_second_block_has_32_places() {
        assert_eq!(BLOCK.chars().count(), 32);
        assert_eq!(windows_1252('\u{9c}'), Some('œ'));
        assert_eq!(windows_1252('\u{9f}'), Some('Ÿ'));
        assert_eq!(windows_1252('\u{81}'), None);
        assert_eq!(windows_1252('a'), None);
    }
}
