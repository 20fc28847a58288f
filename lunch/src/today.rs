//! What a restaurant serves today, read off the lines of its menu.
//!
//! A menu has no fields but its lines: that it is closed, what a dish costs and
//! that cake is on Friday are lines like any other.

mod notice;
mod price;

use serde::Serialize;

use crate::{clean, fold::fold, model::Menu};
use notice::Meaning;

/// A menu with its lines told apart. No line is lost: what is not here was blank
/// or said twice.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Today {
    /// What there is to eat, in the menu's order.
    pub dishes: Vec<Dish>,
    /// What says that it is closed.
    pub closed: Vec<Notice>,
    /// Other lines that are no dishes: greetings, what is on every Friday.
    pub notices: Vec<Notice>,
}

/// Something to eat.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Dish {
    /// What it is, clean and without its price.
    pub text: String,
    /// In kronor.
    pub price: Option<u32>,
    /// The line as it came.
    pub raw: String,
}

/// A line that is no dish.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Notice {
    /// What it says, clean.
    pub text: String,
    /// The line as it came.
    pub raw: String,
}

/// Whether there is something to eat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// There are dishes.
    Open,
    /// The menu says that it is closed, and has no dishes.
    Closed,
    /// The menu has no dishes and does not say why: none was published, or its
    /// page could not be read.
    Unpublished,
}

impl Today {
    /// Reads the lines of a menu.
    pub fn of(menu: &Menu) -> Today {
        let mut today = Today::default();
        let mut seen = Vec::new();
        for raw in &menu.lines {
            let Some(text) = clean::meaning(raw) else { continue };
            // What differs in case or punctuation only is the same line; a line
            // without a word is compared as it is.
            let key = Some(fold(&text)).filter(|key| !key.is_empty());
            let key = key.unwrap_or_else(|| text.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            today.add(text, raw.clone());
        }
        today
    }

    /// Whether there is something to eat.
    pub fn state(&self) -> State {
        match (self.dishes.is_empty(), self.closed.is_empty()) {
            (false, _) => State::Open,
            (true, false) => State::Closed,
            (true, true) => State::Unpublished,
        }
    }

    fn add(&mut self, text: String, raw: String) {
        match notice::meaning(&text) {
            Meaning::Closed => self.closed.push(Notice { text, raw }),
            // A price alone is of whatever stands beside it.
            Meaning::Dish if price::is_all(&text) => self.notices.push(Notice { text, raw }),
            Meaning::Notice => self.notices.push(Notice { text, raw }),
            Meaning::Dish => {
                let (text, price) = price::split(&text);
                self.dishes.push(Dish { text, price, raw });
            }
        }
    }
}

impl Dish {
    /// What stands before a colon at the beginning, as in `Fisk: Kolja`, where
    /// it is short enough to be a kind of dish; with the colon.
    pub fn kind(&self) -> Option<&str> {
        const LONGEST: usize = 20;
        let (kind, dish) = self.text.split_once(':')?;
        let is_kind = !kind.is_empty()
            && kind.chars().count() <= LONGEST
            && kind.chars().all(|c| c.is_alphabetic() || " -/&".contains(c))
            && dish.starts_with(' ');
        is_kind.then(|| self.text.get(..=kind.len())).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today(lines: &[&str]) -> Today {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Today::of(&Menu {
            name: "Krog".to_owned(),
            region: None,
            homepage: None,
            map_url: None,
            lines,
        })
    }

    #[track_caller]
    fn check(lines: &[&str], state: State, dishes: &[&str], closed: &[&str], notices: &[&str]) {
        let today = today(lines);
        assert_eq!(today.state(), state);
        let texts = |notices: &[Notice]| -> Vec<_> {
            notices.iter().map(|notice| notice.text.clone()).collect()
        };
        assert_eq!(today.dishes.iter().map(|dish| &dish.text).collect::<Vec<_>>(), dishes);
        assert_eq!(texts(&today.closed), closed);
        assert_eq!(texts(&today.notices), notices);
    }

    #[test]
    fn lines_are_told_apart() {
        check(
            &[" Kålgryta ", "", "\u{a0}", "KÅLGRYTA!", "Varje Torsdag PIZZA !!", "kålgryta 99:-"],
            State::Open,
            &["Kålgryta", "kålgryta"],
            &[],
            &["Varje Torsdag PIZZA !!"],
        );
        check(&["Inga måltider serveras"; 4], State::Closed, &[], &["Inga måltider serveras"], &[]);
        check(&[], State::Unpublished, &[], &[], &[]);
        check(&["", "-"], State::Unpublished, &[], &[], &[]);
        check(&["Glad påsk!"], State::Unpublished, &[], &[], &["Glad påsk!"]);
        check(
            &["Pasta", "Vi håller stängt över helgerna."],
            State::Open,
            &["Pasta"],
            &["Vi håller stängt över helgerna."],
            &[],
        );
        check(&["Kolja", "129:-"], State::Open, &["Kolja"], &[], &["129:-"]);
        check(&["🍕", "🍔", "🍕"], State::Open, &["🍕", "🍔"], &[], &[]);
    }

    #[test]
    fn the_raw_text_is_kept() {
        let today = today(&[" Fisk:\u{a0}Kolja\u{ad} 129:- ", " STÄNGT "]);
        assert_eq!(
            today.dishes,
            [Dish {
                text: "Fisk: Kolja".to_owned(),
                price: Some(129),
                raw: " Fisk:\u{a0}Kolja\u{ad} 129:- ".to_owned()
            }]
        );
        assert_eq!(today.closed[0].raw, " STÄNGT ");
    }

    #[test]
    fn a_kind_stands_before_a_colon() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let dish = Dish { text: text.to_owned(), price: None, raw: String::new() };
            assert_eq!(dish.kind(), expected);
        }

        check("Fisk: Kolja", Some("Fisk:"));
        check("Veckans kött: Kalops", Some("Veckans kött:"));
        check("VEG: a: b", Some("VEG:"));
        check("Kolja", None);
        check(": Kolja", None);
        check("Kl 11:30 Kolja", None);
        check("Fisk:Kolja", None);
        check("Högrevsburgare (150g) : Chili", None);
        check("En lång beskrivning av allt: Kolja", None);
    }
}
