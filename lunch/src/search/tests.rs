//! What people ask for and what they get.

use super::*;
use crate::{
    entry::{Freshness, Serving},
    model::{Menu, Restaurant},
    place::Place,
    today::Today,
};

fn entry(id: &str, lines: &[&str]) -> Entry {
    let restaurant = Restaurant {
        id: id.to_owned(),
        name: id.to_owned(),
        region: None,
        homepage: None,
        menu_url: None,
        map_url: None,
        coordinate: None,
    };
    let menu = Menu {
        name: id.to_owned(),
        region: None,
        homepage: None,
        map_url: None,
        lines: lines.iter().map(|&line| line.to_owned()).collect(),
    };
    Entry {
        place: Place::of(&restaurant),
        serving: Serving::Known(Today::of(&menu), Freshness::default()),
    }
}

fn entries() -> Vec<Entry> {
    vec![
        entry(
            "a",
            &[
                "Fisk: Fiskgratäng med räkor och duchessepotatis",
                "Kött: Rostbiff med potatissallad",
                "Pasta: Penne med kyckling och ajvar",
                "Vegetarisk: Minestrone med vita bönor",
                "Stekt ris med kapris",
            ],
        ),
        entry(
            "b",
            &[
                "Grillad lax med limemajonnäs & krossad potatis",
                "Spröd torskkind med ärtpuré och dill",
                "Fish: Seared char with browned butter",
                "Halloumi med bulgur",
                "Bœuf bourguignon",
                "Bangers & mash på sojakorv",
                "Fiskgryta med grönsaker och tofu",
                "Tomat",
            ],
        ),
    ]
}

/// The dishes found, with their marks in brackets.
fn find(query: &str) -> Vec<String> {
    let entries = entries();
    let Some(query) = Query::new(query) else { return Vec::new() };
    let bracketed = |found: &Found<'_>| {
        let mut text = found.dish.text.clone();
        for mark in found.marks.iter().rev() {
            text.insert(mark.end, ']');
            text.insert(mark.start, '[');
        }
        text
    };
    search(&entries, &query).iter().map(bracketed).collect()
}

#[track_caller]
fn check(query: &str, expected: &[&str]) {
    assert_eq!(find(query), expected);
}

#[test]
fn words_are_found_whole_at_the_beginning_and_inside() {
    check("rostbiff", &["Kött: [Rostbiff] med potatissallad"]);
    check("LIMEMAJO", &["Grillad lax med [limemajo]nnäs & krossad potatis"]);
    check("gratäng", &["Fisk: Fisk[gratäng] med räkor och duchessepotatis"]);
    check("ris", &["Stekt [ris] med kapris"]);
    check("kyckling", &["Pasta: Penne med [kyckling] och ajvar"]);
    check("xyzzy", &[]);
    check(" , ", &[]);
}

#[test]
fn neither_case_nor_accents_count() {
    for query in ["ärtpuré", "ÄRTPURE", "artpure", "a\u{308}rtpure\u{301}"] {
        check(query, &["Spröd torskkind med [ärtpuré] och dill"]);
    }
    check("boeuf", &["[Bœuf] bourguignon"]);
}

#[test]
fn inflections_are_found() {
    check("tomater", &["[Tomat]"]);
    check("krossade", &["Grillad lax med limemajonnäs & [krossad] potatis"]);
    check("penner", &["Pasta: [Penn]e med kyckling och ajvar"]);
}

#[test]
fn every_word_has_to_be_there() {
    check("lax potatis", &["Grillad [lax] med limemajonnäs & krossad [potatis]"]);
    check("potatis räkor", &["Fisk: Fiskgratäng med [räkor] och duchesse[potatis]"]);
    check("lax ris", &[]);
}

#[test]
fn a_kind_is_found_by_what_it_is_made_of() {
    check(
        "fisk",
        &[
            "[Fisk]: Fiskgratäng med räkor och duchessepotatis",
            "[Fisk]gryta med grönsaker och tofu",
            "Grillad [lax] med limemajonnäs & krossad potatis",
            "Spröd [torsk]kind med ärtpuré och dill",
            "[Fish]: Seared [char] with browned butter",
        ],
    );
    check(
        "vegan",
        &[
            "[Vegetar]isk: Minestrone med vita bönor",
            "[Halloumi] med bulgur",
            "Bangers & mash på [sojakorv]",
        ],
    );
    check(
        "grönt",
        &[
            "[Vegetar]isk: Minestrone med vita bönor",
            "[Halloumi] med bulgur",
            "Bangers & mash på [sojakorv]",
        ],
    );
    check("chicken", &["Pasta: Penne med [kyckling] och ajvar"]);
    check("cod", &["Spröd [torsk]kind med ärtpuré och dill"]);
    check("röding", &["Fish: Seared [char] with browned butter"]);
    check("kött", &["[Kött]: Rostbiff med potatissallad", "Bœuf [bourguignon]"]);
}

#[test]
fn the_best_comes_first() {
    check("pasta", &["[Pasta]: Penne med kyckling och ajvar"]);
    let found = find("potatis");
    let order = ["krossad [potatis]", "[potatis]sallad", "duchesse[potatis]", "& [mash]"];
    assert_eq!(found.len(), order.len());
    for (dish, part) in found.iter().zip(order) {
        assert!(dish.contains(part), "{found:?}");
    }
}

#[test]
fn what_may_have_been_meant() {
    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        assert_eq!(suggestions(&entries(), &Query::new(query).unwrap()), expected);
    }

    check("rostbif", &[]);
    check("halumi", &["halloumi"]);
    check("lax hallumi", &["halloumi"]);
    check("xyzzy", &[]);
    check("fisk", &[]);
}
