//! The restaurant that somebody means.

use crate::{
    fold::{fold, words},
    place::Place,
};

/// What a name comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Meant<'a> {
    /// This one.
    One(&'a Place),
    /// One of these.
    Several(Vec<&'a Place>),
    /// None; perhaps one of these was meant, the nearest first.
    None(Vec<&'a Place>),
}

/// How like a name has to be to one that is there, from 0 to 1.
const LIKE: f64 = 0.8;
/// As many names are suggested.
const SUGGESTIONS: usize = 3;

/// The restaurant with this identifier or name.
///
/// Neither case nor accents count. What is exact goes before what the
/// identifier or the words of the name begin with, that before any part of them.
pub fn meant<'a>(places: &'a [Place], name: &str) -> Meant<'a> {
    let wanted = fold(name);
    if wanted.is_empty() {
        return Meant::None(Vec::new());
    }
    let known: Vec<_> = places.iter().map(Known::of).collect();
    let steps: [&dyn Fn(&Known<'_>) -> bool; 5] = [
        &|known| known.id == wanted,
        &|known| known.name == wanted,
        &|known| known.id.starts_with(&wanted) || known.name.starts_with(&wanted),
        &|known| known.begins(&wanted),
        &|known| known.name.contains(&wanted) || known.id.contains(&wanted),
    ];
    for step in steps {
        let found: Vec<_> =
            known.iter().filter(|known| step(known)).map(|known| known.place).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Meant::One(one),
            _ => return Meant::Several(found),
        }
    }
    Meant::None(near(&known, &wanted))
}

/// A restaurant's names as they are compared.
struct Known<'a> {
    place: &'a Place,
    id: String,
    name: String,
}

impl Known<'_> {
    fn of(place: &Place) -> Known<'_> {
        Known { place, id: fold(&place.id), name: fold(&place.name) }
    }

    /// Whether each word of what is wanted begins a word of the name.
    fn begins(&self, wanted: &str) -> bool {
        wanted.split(' ').all(|wanted| self.name.split(' ').any(|word| word.starts_with(wanted)))
    }

    /// How like the name is, by its words too: who mistypes `bikupan` means
    /// `Restaurang Bikupan`.
    fn likeness(&self, wanted: &str) -> f64 {
        let of_words = self.name.split(' ').map(|word| strsim::jaro_winkler(wanted, word));
        [&self.id, &self.name]
            .map(|whole| strsim::jaro_winkler(wanted, whole))
            .into_iter()
            .chain(of_words)
            .fold(0.0, f64::max)
    }
}

fn near<'a>(known: &[Known<'a>], wanted: &str) -> Vec<&'a Place> {
    let mut near: Vec<_> = known
        .iter()
        .map(|known| (known.likeness(wanted), known.place))
        .filter(|(likeness, _)| LIKE <= *likeness)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().map(|(_, place)| place).take(SUGGESTIONS).collect()
}

/// The words nearest to one that was not found.
pub(crate) fn near_words(texts: impl Iterator<Item = String>, wanted: &str) -> Vec<String> {
    const SHORTEST: usize = 3;
    let mut near: Vec<(f64, String)> = Vec::new();
    for text in texts {
        for word in words(&text) {
            let likeness = strsim::jaro_winkler(wanted, &word.folded);
            let written = text.get(word.whole()).unwrap_or_default().to_lowercase();
            let is_new = !near.iter().any(|(_, known)| *known == written);
            if LIKE < likeness && SHORTEST <= word.folded.len() && is_new {
                near.push((likeness, written));
            }
        }
    }
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().map(|(_, word)| word).take(SUGGESTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Restaurant;

    fn places() -> Vec<Place> {
        [
            ("bikupan", "Restaurang Bikupan"),
            ("food-co", "Food & Co Frösundavik"),
            ("jons", "Jöns Jacob "),
            ("jorpes", "Café Erik Jorpes"),
            ("livet", "Livet [Restaurant]"),
            ("maethai", "Mai Thai Express"),
            ("nanna", "Restaurang Nanna Svartz"),
            ("rudbeck", "Bistro Rudbeck"),
            ("svarta", "Svarta Räfven"),
        ]
        .map(|(id, name)| {
            Place::of(&Restaurant {
                id: id.to_owned(),
                name: name.to_owned(),
                region: None,
                homepage: None,
                menu_url: None,
                map_url: None,
                coordinate: None,
            })
        })
        .to_vec()
    }

    fn said(places: &[Place], name: &str) -> String {
        let ids = |kind: &str, places: Vec<&Place>| {
            let ids: Vec<_> = places.iter().map(|place| place.id.as_str()).collect();
            format!("{kind}{}", ids.join(" "))
        };
        match meant(places, name) {
            Meant::One(place) => place.id.clone(),
            Meant::Several(several) => ids("one of: ", several),
            Meant::None(near) => ids("near: ", near),
        }
    }

    #[test]
    fn names_are_understood() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(said(&places(), name), expected);
        }

        check("bikupan", "bikupan");
        check("RUDBECK", "rudbeck");
        check("Jöns Jacob ", "jons");
        check("jöns jacob", "jons");
        check("jons jacob", "jons");
        check("jöns", "jons");
        check("livet [restaurant]", "livet");
        check("Food & Co", "food-co");
        check("frösundavik", "food-co");
        check("räfven", "svarta");
        check("bik", "bikupan");
        check("express thai", "maethai");
        check("udbeck", "rudbeck");
        check("svart", "svarta");
        check("jo", "one of: jons jorpes");
        check("restaurang", "one of: bikupan nanna");
    }

    #[test]
    fn near_misses_are_suggested() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(said(&places(), name), expected);
        }

        check("bikupn", "near: bikupan");
        check("rudbek", "near: rudbeck");
        check("ruddbeck", "near: rudbeck");
        check("jöns jakob", "near: jons");
        check("xyzzy", "near: ");
        check("", "near: ");
        check("[]", "near: ");
    }
}
