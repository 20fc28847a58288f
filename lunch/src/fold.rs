//! Text as it is compared: neither case nor accents count.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The text in small letters without accents; what separates words is one blank.
pub(crate) fn fold(text: &str) -> String {
    let words: Vec<_> = words(text).into_iter().map(|word| word.folded).collect();
    words.join(" ")
}

/// A word of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Word {
    /// As it is compared.
    pub(crate) folded: String,
    /// For each byte of `folded`, where its character is in the text.
    at: Vec<Range<usize>>,
}

impl Word {
    /// Where a part of the folded word is in the text.
    pub(crate) fn part(&self, folded: Range<usize>) -> Range<usize> {
        match self.at.get(folded) {
            Some([first, .., last]) => first.start..last.end,
            Some([only]) => only.clone(),
            _ => 0..0,
        }
    }

    /// Where the word is in the text.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.part(0..self.folded.len())
    }
}

/// The words of a text: runs of letters and digits.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut open: Option<Word> = None;
    for (start, c) in text.char_indices() {
        let at = start..start + c.len_utf8();
        if is_combining_mark(c) {
            // The mark goes with its letter when the letter is marked.
            if let Some(last) = open.as_mut().and_then(|word| word.at.last_mut()) {
                last.end = at.end;
            }
        } else if c.is_alphanumeric() {
            let word = open.get_or_insert_with(|| Word { folded: String::new(), at: Vec::new() });
            for folded in letters(c) {
                word.folded.push(folded);
                word.at.extend(std::iter::repeat_n(at.clone(), folded.len_utf8()));
            }
        } else {
            words.extend(open.take());
        }
    }
    words.extend(open);
    words
}

/// A letter as it is compared.
fn letters(c: char) -> impl Iterator<Item = char> {
    let spelled = match c {
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ß' | 'ẞ' => "ss",
        'ł' | 'Ł' => "l",
        'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        _ => "",
    };
    let plain = spelled.is_empty().then_some(c);
    let plain = plain.into_iter().flat_map(char::to_lowercase).nfd();
    spelled.chars().chain(plain.filter(|c| !is_combining_mark(*c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_case_nor_accents_count() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(fold(text), expected);
        }

        check("Jöns Jacob ", "jons jacob");
        check("RÄKSMÖRGÅS à la crème", "raksmorgas a la creme");
        check("Ra\u{308}ka", "raka");
        check("Smørrebrød, bœuf & Straße", "smorrebrod boeuf strasse");
        check("Livet [Restaurant]", "livet restaurant");
        check("k-märkt", "k markt");
        check("İ寿司!", "i寿司");
        check("--", "");
    }

    #[test]
    fn a_part_is_found_in_the_text() {
        #[track_caller]
        fn check(text: &str, word: usize, part: Range<usize>, expected: &str) {
            assert_eq!(&text[words(text)[word].part(part)], expected);
        }

        check("en Räka till", 1, 0..2, "Rä");
        check("Ra\u{308}ka", 0, 0..2, "Ra\u{308}");
        check("bœuf", 0, 1..2, "œ");
        check("bœuf", 0, 1..3, "œ");
        check("寿司", 0, 0..3, "寿");
        check("abc", 0, 5..7, "");
        assert_eq!(words("a Fläskkarré!")[1].whole(), 2..14);
    }
}
