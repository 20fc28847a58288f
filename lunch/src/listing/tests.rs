//! The exact output, at three widths, with colours and without, and what holds
//! for any menu.

use std::time::Duration;

use jiff::civil::date;
use proptest::prelude::*;

use super::{wrap::width, *};
use crate::{
    entry::Freshness,
    model::{Coordinate, Menu, Restaurant},
    search::{Query, search},
    today::Today,
};

fn menu(lines: &[&str]) -> Menu {
    Menu {
        name: String::new(),
        region: None,
        homepage: None,
        map_url: None,
        lines: lines.iter().map(|&line| line.to_owned()).collect(),
    }
}

fn entry(id: &str, name: &str, region: &str, serving: Serving) -> Entry {
    let place = Place::of(&Restaurant {
        id: id.to_owned(),
        name: name.to_owned(),
        region: Some(region.to_owned()),
        homepage: Some(format!("https://{id}.example/")),
        menu_url: Some(format!("https://{id}.example/lunch/")),
        map_url: None,
        coordinate: Some(Coordinate { latitude: 59.8422, longitude: 17.63403 }),
    });
    Entry { place, serving }
}

fn known(lines: &[&str]) -> Serving {
    Serving::Known(Today::of(&menu(lines)), Freshness::default())
}

fn stale(age: Duration, lines: &[&str]) -> Serving {
    Serving::Known(Today::of(&menu(lines)), Freshness { age: Some(age), stale: true })
}

/// What is on in two towns, with the oddities of the real menus.
fn entries() -> Vec<Entry> {
    let demo = "(demo) Påhittad meny – not a real menu";
    vec![
        entry(
            "rudbeck",
            "Bistro Rudbeck",
            "Uppsala",
            known(&[
                "Fisk: Fiskgratäng med räkor och duchessepotatis",
                "Kött: Rostbiff med potatissallad, inlagd gurka, senap och stekt lök 129:-",
                "Vegetarisk: Minestrone med vita bönor",
                "",
                demo,
            ]),
        ),
        entry("hubben", "Restaurang Hubben", "Uppsala", known(&["Stängt", "Stängt"])),
        entry(
            "dufva",
            "Sven Dufva",
            "Uppsala",
            known(&["SprÃ¶d torskkind med Ã¤rtpurÃ© och dill", "Räksmörgås på dansk råg139:-"]),
        ),
        entry("glada", "Den Glada Restaurangen", "Uppsala", known(&[])),
        entry("haga", "Haga gatukök", "Uppsala", known(&["Glad påsk!"])),
        entry("delta", "Café Delta", "Uppsala", Serving::Missing("it took too long (504)".into())),
        entry(
            "nanna",
            "Restaurang Nanna Svartz",
            "Solna",
            Serving::Missing("it took too long (504)".into()),
        ),
        entry(
            "livet",
            "Livet [Restaurant]",
            "Solna",
            stale(
                Duration::from_mins(200),
                &["Misobakad hoki med sesamkål", "VARJE FREDAG FIKA !!", demo],
            ),
        ),
        entry(
            "food-co",
            "Food &and; Co Fr&ouml;sundavik",
            "Solna",
            known(&[
                "寿司と味噌汁 Sushi och misosoppa med lax, avokado och en skål kålsallad till",
            ]),
        ),
        entry(
            "jons",
            "Jöns Jacob ",
            "Solna",
            known(&[
                "Grillad lax med limemajonnäs & krossad potatis",
                "\"Husets\" kåldolmar med gräddsås & lingon",
                "Grillad lax med limemajonnäs & krossad potatis",
            ]),
        ),
    ]
}

fn page(width: usize) -> Page {
    Page {
        width,
        colour: Colour::Never,
        links: Links::Written,
        now: date(2026, 11, 25).at(12, 34, 0, 0),
    }
}

/// Escape sequences that can be read, and seen in a diff.
fn shown(text: &str) -> String {
    text.replace("\x1b]8;;\x1b\\", "⟧")
        .replace("\x1b]8;;", "⟦")
        .replace("\x1b\\", "|")
        .replace('\x1b', "␛")
}

macro_rules! snapshots {
    ($name:expr, $text:expr) => {
        for width in [60, 80, 120] {
            let text: &dyn Fn(&Page) -> String = &$text;
            insta::assert_snapshot!(format!("{}-{width}", $name), text(&page(width)));
            let page = Page { colour: Colour::Ansi, links: Links::Hyper, ..page(width) };
            insta::assert_snapshot!(format!("{}-{width}-colour", $name), shown(&text(&page)));
        }
    };
}

#[test]
fn the_day() {
    snapshots!("day", |page: &Page| day(&entries(), page));
}

#[test]
fn one_restaurant() {
    for at in [0, 1, 3, 4, 5, 7] {
        let entry = entries().swap_remove(at);
        snapshots!(entry.place.id, |page: &Page| restaurant(&entry, page));
    }
}

#[test]
fn what_was_found() {
    let entries = entries();
    for query in ["fisk", "potatis lax", "kö"] {
        let results = search(&entries, &Query::new(query).unwrap());
        snapshots!(
            format!("find-{}", crate::fold::fold(query).replace(' ', "-")),
            |page: &Page| found(query, &results, page)
        );
    }
}

#[test]
fn ages_have_one_unit() {
    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        assert_eq!(ago(Duration::from_secs(seconds)), expected);
    }

    check(0, "0 s");
    check(59, "59 s");
    check(60, "1 min");
    check(3599, "59 min");
    check(3600, "1 h");
    check(90_000, "25 h");
}

#[test]
fn no_line_is_too_wide() {
    for columns in 24..=100 {
        let text = day(&entries(), &page(columns));
        let lines = text.lines().filter(|line| !line.contains("https://"));
        for line in lines {
            assert!(width(line) <= columns, "{columns}: {line:?}");
        }
    }
}

#[test]
fn what_comes_from_outside_writes_no_escape_sequences() {
    let evil = "\x1b]0;x\x07\u{9b}31m";
    let mut one = entry(evil, evil, evil, known(&[&format!("Kolja{evil}")]));
    one.place.homepage = None;
    let entries = [one];
    for text in
        [day(&entries, &page(80)), restaurant(&entries[0], &page(80)), found(evil, &[], &page(80))]
    {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

/// A line as menus have them, and what may be wrong with it.
fn line() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "Fisk:",
        "Kött:",
        "VEG:",
        "Ugnsbakad",
        "torsk",
        "med",
        "ärtpuré",
        "&",
        "\"Husets\"",
        "kåldolmar",
        "SprÃ¶d",
        "Fr&ouml;sundavik",
        "B\u{9c}uf",
        "Fläsk\u{ad}karré",
        "(150g)",
        "129:-",
        "99 kr",
        "Stängt",
        "VARJE FREDAG !!",
        "\u{a0}",
        " ",
        "",
        "-",
        "寿司",
        "🍕",
        "ra\u{308}ksallad",
        "enmycketlångsammanskrivningsomingetslutharochfortsätter",
    ]);
    let blanks = proptest::sample::select(vec![" ", "  ", "\n", "\u{a0}"]);
    proptest::collection::vec((words, blanks), 0..8)
        .prop_map(|words| words.into_iter().flat_map(|(word, blank)| [word, blank]).collect())
}

/// Letters and digits alone: what wrapping, columns and prices do not change.
fn solid(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A line without the price on its right.
fn without_price(line: &str) -> &str {
    let rest =
        line.strip_suffix(" kr").map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit()));
    rest.filter(|rest| rest.ends_with("  ") && !rest.trim().is_empty()).unwrap_or(line)
}

proptest! {
    /// Every line with something in it is a dish, a recognised notice or what
    /// says that it is closed, or was there before; and what is, is printed.
    #[test]
    fn no_dish_is_lost(lines in proptest::collection::vec(line(), 0..10), columns in 24..110_usize) {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let today = Today::of(&menu(&lines));
        let entry = entry("x", "Krog", "Solna", Serving::Known(today.clone(), Freshness::default()));
        let whole = restaurant(&entry, &page(columns));
        for price in today.dishes.iter().filter_map(|dish| dish.price) {
            let priced = format!(" {price} kr\n");
            prop_assert!(whole.contains(&priced), "{price} is not in {whole:?}");
        }
        let priceless: Vec<_> =
            whole.lines().map(|line| without_price(line).to_owned()).collect();
        let text = solid(&priceless.concat());
        for line in &lines {
            let Some(clean) = crate::clean::meaning(line) else { continue };
            let key = crate::fold::fold(&clean);
            let raws = today.dishes.iter().map(|dish| &dish.raw);
            let raws = raws.chain(today.closed.iter().chain(&today.notices).map(|notice| &notice.raw));
            let kept = raws.into_iter().any(|raw| {
                raw == line || crate::fold::fold(&crate::clean(raw)) == key
            });
            prop_assert!(kept, "{line:?} is lost");
        }
        for dish in &today.dishes {
            prop_assert!(text.contains(&solid(&dish.text)), "{:?} is not in {text:?}", dish.text);
        }
        for notice in today.closed.iter().chain(&today.notices) {
            prop_assert!(text.contains(&solid(&notice.text)), "{:?} is not in {text:?}", notice.text);
        }
    }
}
