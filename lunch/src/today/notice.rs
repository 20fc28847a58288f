//! Lines that are no dishes.

use crate::fold::fold;

/// What a line is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    Dish,
    /// It says that nothing is served.
    Closed,
    /// It says something else.
    Notice,
}

/// Endings of words that say so: `semesterstängt`, `stängd`.
const CLOSED_ENDINGS: [&str; 3] = ["stangt", "stangd", "stangda"];
/// What a line says that is closed, as it is compared, anywhere in it.
const CLOSED: [&str; 14] = [
    "inga maltider serveras",
    "ingen lunch",
    "ingen servering",
    "inga ratter",
    "ingen meny",
    "serverar ej",
    "serverar inte",
    "serveras ej",
    "ej oppet",
    "inte oppet",
    "no lunch",
    "no meals",
    "not served",
    "oppnar ater",
];
/// What the whole of it is.
const CLOSED_WHOLE: [&str; 14] = [
    "closed",
    "closed today",
    "semester",
    "helgdag",
    "rod dag",
    "julafton",
    "juldagen",
    "annandag jul",
    "nyarsafton",
    "nyarsdagen",
    "langfredag",
    "midsommarafton",
    "klamdag",
    "public holiday",
];
/// What a greeting begins with.
const GREETINGS: [&str; 16] = [
    "glad pask",
    "glad midsommar",
    "glad sommar",
    "trevlig midsommar",
    "trevlig sommar",
    "trevlig helg",
    "trevlig pask",
    "god jul",
    "god helg",
    "gott nytt ar",
    "valkommen",
    "valkomna",
    "happy easter",
    "merry christmas",
    "have a nice",
    "enjoy your",
];
const WEEKDAYS: [&str; 12] = [
    "mandag",
    "tisdag",
    "onsdag",
    "torsdag",
    "fredag",
    "lordag",
    "sondag",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
];

/// What a clean line is.
pub(super) fn meaning(text: &str) -> Meaning {
    let folded = fold(text);
    if is_closed(&folded) {
        return Meaning::Closed;
    }
    let is_greeting = GREETINGS.iter().any(|greeting| folded.starts_with(greeting));
    if is_greeting || is_habit(&folded) || is_shouted(text) || is_demo(&folded) {
        return Meaning::Notice;
    }
    Meaning::Dish
}

fn is_closed(folded: &str) -> bool {
    let says = |word: &str| CLOSED_ENDINGS.iter().any(|ending| word.ends_with(ending));
    folded.split(' ').any(says)
        || CLOSED.iter().any(|closed| folded.contains(closed))
        || CLOSED_WHOLE.contains(&folded)
        || folded.starts_with("closed for")
}

/// What is on every Friday says nothing of today.
fn is_habit(folded: &str) -> bool {
    let day = folded.strip_prefix("varje ").or_else(|| folded.strip_prefix("every "));
    day.is_some_and(|day| WEEKDAYS.iter().any(|weekday| day.starts_with(weekday)))
}

/// Capitals and two exclamation marks: no dish is announced like that.
fn is_shouted(text: &str) -> bool {
    let marks = text.chars().rev().take_while(|c| matches!(c, '!' | ' '));
    2 <= marks.filter(|c| *c == '!').count() && !text.chars().any(char::is_lowercase)
}

/// The line by which the demo upstream says that nothing it lists is real.
fn is_demo(folded: &str) -> bool {
    folded.starts_with("demo ") && folded.ends_with("not a real menu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed() {
        for text in [
            "Stängt",
            "STÄNGT!",
            "Stängt.",
            "Sommarstängt",
            "Trettondedag jul, stängt!",
            "Klämdag. Restaurangen är stängd.",
            "Semester stängt",
            "STÄNGT FÖR EVENEMANG!!",
            "JULAFTON, STÄNGT!!",
            "Inga måltider serveras",
            "Annandag påsk, stängt! !",
            "Semesterstängt. Vi öppnar åter den 14/8",
            "Vi öppnar åter måndag",
            "Closed today",
            "Vi har semesterstängt. Välkommen åter 7 augusti.",
            "Julafton",
            "Ingen lunch idag",
        ] {
            assert_eq!(meaning(text), Meaning::Closed, "{text}");
        }
    }

    #[test]
    fn notices() {
        for text in [
            "Glad påsk!",
            "Trevlig midsommar!",
            "Välkommen igen den 10/1 2023",
            "VARJE FREDAG FIKA !!",
            "Varje Torsdag PIZZA !!",
            "Every Friday: cake",
            "VINN EN RESA! !",
            "(Varje fredagserverar vi dessert)",
            "(demo) Påhittad meny – not a real menu",
        ] {
            assert_eq!(meaning(text), Meaning::Notice, "{text}");
        }
    }

    #[test]
    fn dishes() {
        for text in [
            "Chili con carne serveras med ris",
            "GRILLBUFFÉ",
            "FRANKIE`S",
            "Kakbuffé",
            "(150g)",
            "Gazpacho (serveras kall)",
            "Janssons frestelse med julskinka",
            "Demo: kolja",
            "Smördegsstrudel serveras med enclosed cheese",
            "Grillbuffé!!",
            "Varje dags kolja",
        ] {
            assert_eq!(meaning(text), Meaning::Dish, "{text}");
        }
    }
}
