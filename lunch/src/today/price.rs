//! Prices inside of dishes.

use std::ops::Range;

/// What a price of a lunch can be, in kronor.
const KRONOR: Range<u32> = 10..1000;
/// What makes a number a price when it stands behind it.
const UNITS: [&str; 5] = [":-", ",-", "kr", "sek", "kronor"];

/// The text without its price, and the price; the text as it is where it has
/// none, more than one, or nothing else.
pub(super) fn split(text: &str) -> (String, Option<u32>) {
    let Some((at, price)) = only(text) else { return (text.to_owned(), None) };
    let mut before = text.get(..at.start).unwrap_or_default().trim_end();
    let mut after = text.get(at.end..).unwrap_or_default().trim_start();
    if let (Some(outside), Some(behind)) = (before.strip_suffix('('), after.strip_prefix(')')) {
        (before, after) = (outside.trim_end(), behind.trim_start());
    }
    let before = before.trim_end_matches(['–', '-', '·', '|', ',']).trim_end();
    let rest = match (before.is_empty(), after.is_empty()) {
        (true, true) => return (text.to_owned(), None),
        (false, false) if after.starts_with([',', '.', ')', ';']) => format!("{before}{after}"),
        (false, false) => format!("{before} {after}"),
        _ => format!("{before}{after}"),
    };
    (rest, Some(price))
}

/// Whether the text is a price and nothing else.
pub(super) fn is_all(text: &str) -> bool {
    only(text).is_some_and(|(at, _)| at == (0..text.len()))
}

/// The price in the text, if there is one only.
fn only(text: &str) -> Option<(Range<usize>, u32)> {
    let mut found = None;
    let mut from = 0;
    while let Some(start) = position(text, from, |c| c.is_ascii_digit()) {
        let end = position(text, start, |c| !c.is_ascii_digit()).unwrap_or(text.len());
        from = end;
        if let Some((length, price)) = price(text.get(start..end)?, text.get(end..)?) {
            if found.is_some() {
                return None;
            }
            found = Some((start..end + length, price));
        }
    }
    found
}

/// The price that a number is, with what is behind it, and the length of that.
fn price(number: &str, behind: &str) -> Option<(usize, u32)> {
    let price = number.parse().ok().filter(|price| KRONOR.contains(price))?;
    let unit_on = behind.trim_start();
    let blank = behind.len() - unit_on.len();
    let length = UNITS.iter().filter_map(|unit| {
        let head = unit_on.get(..unit.len())?;
        let after = unit_on.get(unit.len()..)?;
        let ends =
            !unit.ends_with(char::is_alphabetic) || !after.starts_with(char::is_alphanumeric);
        (head.eq_ignore_ascii_case(unit) && ends).then_some(unit.len())
    });
    length.max().map(|length| (blank + length, price))
}

fn position(text: &str, from: usize, is: impl Fn(char) -> bool) -> Option<usize> {
    text.get(from..)?.find(is).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, price: Option<u32>) {
        assert_eq!(split(text), (expected.to_owned(), price));
    }

    #[test]
    fn prices_are_split_off() {
        check("Pasta och ruccola129:-", "Pasta och ruccola", Some(129));
        check("Pasta 129 :-", "Pasta", Some(129));
        check("Burgare (150G) 129:- (Brioche)", "Burgare (150G) (Brioche)", Some(129));
        check("Pasta, 99 kr", "Pasta", Some(99));
        check("Pasta – 99 SEK.", "Pasta.", Some(99));
        check("95:- Pasta", "Pasta", Some(95));
        check("Pasta 110 kronor", "Pasta", Some(110));
        check("Pasta (99kr)", "Pasta", Some(99));
        check("Pasta (99kr) med ost", "Pasta med ost", Some(99));
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "Högrevsburgare (150g)",
            "5 kroketter",
            "20 kräftor",
            "129:-",
            "Öppet 11-14",
            "Liten 89:- stor 109:-",
            "Välkommen 10/1 2023",
            "3 kr",
            "1234 kr",
            "99",
            "99999999999999999999 kr",
            "Burgare 200 gram",
        ] {
            check(text, text, None);
        }
    }
}
