//! The dishes that a hungry person means.
//!
//! Each word of a query has to be in a dish: as a word, as the beginning or
//! another part of one (Swedish writes words together: `fiskgryta`,
//! `regnbågslax`), in another inflection (`räksmörgåsar` is in `räksmörgås`), or as
//! a kind of it (`lax` is fish). Neither case nor accents count.

mod kinds;

use std::ops::Range;

use crate::{
    entry::Entry,
    fold::{Word, fold, words},
    name::near_words,
    today::Dish,
};
use kinds::Kind;

/// What is looked for: words that all have to be there.
#[derive(Clone, Debug)]
pub struct Query {
    terms: Vec<Term>,
}

/// A dish that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// Where to go.
    pub entry: &'a Entry,
    /// What to eat there.
    pub dish: &'a Dish,
    /// The matching parts of its text, as byte ranges in their order.
    pub marks: Vec<Range<usize>>,
    /// How well it matches: more is better.
    pub score: u32,
}

/// A word of a query.
#[derive(Clone, Debug)]
struct Term {
    folded: String,
    /// What is left of it in other inflections.
    stem: Option<String>,
    kinds: Vec<&'static Kind>,
}

/// How well a word matches: the way it does counts most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Match {
    Kind = 1,
    Inflection = 2,
    Inside = 3,
    Beginning = 4,
    Whole = 5,
}

/// The most words of a query that count.
const TERMS: usize = 8;
/// Shorter words are looked for at the beginning of words only: `ris` is in
/// `kapris`.
const LONG_ENOUGH_INSIDE: usize = 4;
/// As many words of a dish are its beginning, where what it is made of stands.
const FRONT: usize = 3;

impl Query {
    /// Reads a query; `None` where it has no word.
    pub fn new(text: &str) -> Option<Query> {
        let folded = fold(text);
        let terms: Vec<_> =
            folded.split(' ').filter(|word| !word.is_empty()).take(TERMS).map(Term::new).collect();
        (!terms.is_empty()).then_some(Query { terms })
    }

    /// The matching parts of a text and how well they match.
    fn matches(&self, text: &str) -> Option<(Vec<Range<usize>>, u32)> {
        let words = words(text);
        let mut marks = Vec::new();
        let mut score = 0;
        for term in &self.terms {
            let (how, at, place) = term.best(&words)?;
            let in_front = u32::from(place < FRONT);
            score += how as u32 * 2 + in_front;
            marks.extend(at);
        }
        Some((merged(marks), score))
    }
}

/// The dishes that match, the best first and otherwise in their order.
pub fn search<'a>(entries: &'a [Entry], query: &Query) -> Vec<Found<'a>> {
    let mut found: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.today()?)))
        .flat_map(|(entry, today)| today.dishes.iter().map(move |dish| (entry, dish)))
        .filter_map(|(entry, dish)| {
            let (marks, score) = query.matches(&dish.text)?;
            Some(Found { entry, dish, marks, score })
        })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.score));
    found
}

/// Words that may have been meant where nothing was found: of today's dishes,
/// and of what can be asked for.
pub fn suggestions(entries: &[Entry], query: &Query) -> Vec<String> {
    let dishes = entries.iter().filter_map(Entry::today).flat_map(|today| &today.dishes);
    let texts: Vec<_> = dishes.map(|dish| dish.text.clone()).collect();
    let unknown = query.terms.iter().find(|term| {
        term.kinds.is_empty() && !texts.iter().any(|text| term.best(&words(text)).is_some())
    });
    unknown.map(|term| near_words(texts.into_iter(), &term.folded)).unwrap_or_default()
}

impl Term {
    fn new(folded: &str) -> Term {
        let kinds = kinds::named(folded);
        // A kind knows its own inflections: `grönt` is no `grönsaker`.
        let stem = if kinds.is_empty() { stem(folded) } else { None };
        Term { folded: folded.to_owned(), stem, kinds }
    }

    /// How it matches best, where (each place if it is a kind), and at which
    /// word.
    fn best(&self, words: &[Word]) -> Option<(Match, Vec<Range<usize>>, usize)> {
        let literal = words.iter().enumerate().filter_map(|(place, word)| {
            let (how, at) = self.literal(word)?;
            Some((how, vec![at], place))
        });
        // The first of the best, not the last.
        literal.rev().max_by_key(|(how, ..)| *how).or_else(|| {
            let (marks, place) = self.kinds.iter().find_map(|kind| kind.found(words))?;
            Some((Match::Kind, marks, place))
        })
    }

    fn literal(&self, word: &Word) -> Option<(Match, Range<usize>)> {
        let (text, wanted) = (word.folded.as_str(), self.folded.as_str());
        if text == wanted {
            return Some((Match::Whole, word.whole()));
        }
        if text.starts_with(wanted) {
            return Some((Match::Beginning, word.part(0..wanted.len())));
        }
        if let Some(stem) = self.stem.as_deref().filter(|stem| text.starts_with(stem)) {
            return Some((Match::Inflection, word.part(0..stem.len())));
        }
        let at = text.find(wanted).filter(|_| LONG_ENOUGH_INSIDE <= wanted.len())?;
        Some((Match::Inside, word.part(at..at + wanted.len())))
    }
}

/// A word without what Swedish or English inflect it by, if enough is left.
fn stem(word: &str) -> Option<String> {
    const ENDINGS: [&str; 20] = [
        "arna", "erna", "orna", "iska", "iskt", "ar", "er", "or", "en", "et", "na", "ad", "at",
        "es", "a", "e", "n", "s", "t", "r",
    ];
    const LEFT: usize = 4;
    let left = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    left.filter(|stem| LEFT <= stem.len()).min_by_key(|stem| stem.len()).map(str::to_owned)
}

/// Ranges in their order, those that touch as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
