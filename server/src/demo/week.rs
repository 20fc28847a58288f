//! The week's menus: dishes that nobody serves, with the oddities of the real ones.
//!
//! The API hands on what it reads from the restaurants' own pages, so a dish is
//! a line of text and may be anything: blank, padded, doubled, bilingual,
//! garbled, a price, a notice. Each kind of oddity is at the place named beside
//! it; on the default Wednesday there is one of most, and fish at several.

use super::{Era, Weekday, places::Place};

/// The last dish of every menu, so that no listing passes for a real one.
pub(super) const DISCLAIMER: &str = "(demo) Påhittad meny – not a real menu";

/// What a restaurant serves that day; nothing where its page could not be read,
/// as for some it never could.
pub(super) fn dishes(era: Era, place: &Place, day: Weekday) -> Vec<&'static str> {
    let Some(week) = WEEKS.iter().find(|week| week.id == place.id) else {
        return Vec::new();
    };
    if !week.eras.contains(era.letter()) {
        return Vec::new();
    }

    let [monday, tuesday, wednesday, thursday, friday] = week.days;
    let dishes = match (day, week.weekend) {
        (Weekday::Monday, _) => monday,
        (Weekday::Tuesday, _) => tuesday,
        (Weekday::Wednesday, _) => wednesday,
        (Weekday::Thursday, _) => thursday,
        (Weekday::Friday, _) | (_, Weekend::Friday) => friday,
        (Weekday::Saturday | Weekday::Sunday, Weekend::Empty) => &[],
    };
    let disclaimer = if dishes.is_empty() { None } else { Some(DISCLAIMER) };
    dishes.iter().copied().chain(disclaimer).collect()
}

/// A restaurant's week.
struct Week {
    id: &'static str,
    /// The eras that could read its page.
    eras: &'static str,
    weekend: Weekend,
    /// Monday to Friday.
    days: [&'static [&'static str]; 5],
}

/// What is read from a restaurant's page on a Saturday or Sunday.
#[derive(Clone, Copy)]
enum Weekend {
    /// Nothing is found under that day's name.
    Empty,
    /// The day is not looked at, and the page still shows Friday.
    Friday,
}

const WEEKS: &[Week] = &[
    // Swedish and English lines by turns; a soft hyphen inside a word.
    Week {
        id: "bikupan",
        eras: "ABCDEF",
        weekend: Weekend::Empty,
        days: [
            &[
                "Fisk: Ugnsbakad sej med dillstuvad spenat",
                "Fish: Oven-baked saithe with creamed dill spinach",
                "Kött: Kalops med rödbetor och kokt potatis",
                "Meat: Swedish beef stew with beetroot and potatoes",
                "VEG: Rotfruktsgratäng med salviasmör",
                "VEG: Root vegetable gratin with sage butter",
            ],
            &[
                "Fisk: Sotad makrill med gurksallad",
                "Fish: Charred mackerel with cucumber salad",
                "Kött: Fläsk\u{ad}karré med äppelsky",
                "Meat: Pork neck with apple gravy",
                "VEG: Svartbönsbiffar med lime och koriander",
                "VEG: Black bean patties with lime and coriander",
            ],
            &[
                "Fisk: Halstrad röding med brynt smör och pepparrot",
                "Fish: Seared char with browned butter and horseradish",
                "Kött: Kyckling\u{ad}gryta med dragon och vitt vin",
                "Meat: Chicken stew with tarragon and white wine",
                "VEG: Blomkålssteak med rostad mandel",
                "VEG: Cauliflower steak with roasted almonds",
            ],
            &[
                "Soppa: Gul ärtsoppa med timjan, pannkaka och sylt",
                "Soup: Yellow pea soup with thyme, pancake and jam",
                "Fisk: Citronbakad torskrygg på korngryn",
                "Fish: Lemon-baked cod loin on barley",
                "VEG: Ärtsoppa på svamp, pannkaka och sylt",
                "VEG: Pea soup with mushrooms, pancake and jam",
            ],
            &[
                "Fisk: Räkbulle i hummersås med ris",
                "Fish: Prawn cake in lobster sauce with rice",
                "Kött: Oxfilépytt med krämig senap",
                "Meat: Pan-fried diced beef with mustard cream",
                "VEG: Halloumi med bulgur och granatäpple",
                "VEG: Halloumi with bulgur and pomegranate",
            ],
        ],
    },
    // Read with the wrong character encoding; a price inside the text.
    Week {
        id: "dufva",
        eras: "ABCDEF",
        weekend: Weekend::Empty,
        days: [
            &["KÃ¶ttfÃ¤rslimpa med lingon och pressgurka", "Pasta med zucchini och pecorino 119:-"],
            &["Panerad rÃ¶dspÃ¤tta med remoulad", "Linsgryta med rostad vitlök och persilja119:-"],
            &[
                "SprÃ¶d torskkind med Ã¤rtpurÃ© och dill",
                "Grillad kycklingklubba med het majonnäs",
                "Räksmörgås på dansk råg, ägg och dill139:-",
            ],
            &["Ã\u{84}rtsoppa med grov senap, plÃ¤ttar", "Wallenbergare med skirat smör 129:-"],
            &["Plankstek med bearnaisesÃ¥s", "Gnocchi med rökta tomater och basilika 119:-"],
        ],
    },
    // A notice in capitals; closed, and saying so twice.
    Week {
        id: "hjulet",
        eras: "ABC",
        weekend: Weekend::Empty,
        days: [
            &["Korv Stroganoff med ris", "Vegetarisk Stroganoff på sojakorv"],
            &["Stekt strömming med potatismos", "Potatisbullar med lingon"],
            &[
                "Fiskpinnar av torsk med kall örtsås",
                "Chili sin carne med majsbröd",
                "VARJE ONSDAG VÅFFLOR !!",
            ],
            &["Raggmunk med rimmat fläsk", "Raggmunk med keso och lingon"],
            &["Stängt", "Stängt"],
        ],
    },
    // Closed on Wednesday, as dishes; a leading space.
    Week {
        id: "hubben",
        eras: "ABCDEF",
        weekend: Weekend::Empty,
        days: [
            &[
                " Kålpudding med gräddsås och lingon",
                " Bakad sejfilé med citronkräm",
                " Sötpotatiscurry med jasminris",
            ],
            &[" Biff à la Rydberg", " Laxpudding med rökt smör", " Fylld portabello med ädelost"],
            &["Stängt", "Stängt", "Stängt"],
            &[
                " Ärtsoppa & pannkaka",
                " Bräckt kolja med skaldjurssky",
                " Spenatsoppa med ägghalva",
            ],
            &[
                " Fläskschnitzel \"Café de Paris\"",
                " Räkrisotto med saffran",
                " Krämig polenta med svamp",
            ],
        ],
    },
    // The same dish twice; ampersands and quotation marks; the page shows
    // Friday all weekend.
    Week {
        id: "jons",
        eras: "ABCDEF",
        weekend: Weekend::Friday,
        days: [
            &[
                "Fish & chips på sej med tartarsås",
                "Pasta \"Norma\" med aubergine & ricotta",
                "Pasta \"Norma\" med aubergine & ricotta",
            ],
            &[
                "Helstekt fläskytterfilé med rostad lök & senap",
                "Ugnsbakad lax med dillkräm",
                "Ugnsbakad lax med dillkräm",
            ],
            &[
                "Grillad lax med limemajonnäs & krossad potatis",
                "\"Husets\" kåldolmar med gräddsås & lingon",
                "Grillad lax med limemajonnäs & krossad potatis",
            ],
            &[
                "Ärtsoppa & pannkakor",
                "Broccoligratäng med västerbottenost",
                "Ärtsoppa & pannkakor",
            ],
            &[
                "Hamburgare \"Deluxe\" med tryffelmajonnäs & pommes",
                "Bakad kummel med räkor & dill",
                "Bakad kummel med räkor & dill",
            ],
        ],
    },
    // Everyday, and readable until era C only.
    Week {
        id: "livet",
        eras: "ABC",
        weekend: Weekend::Empty,
        days: [
            &["Gröna ärtbiffar med myntayoghurt", "Bibimbap på högrev"],
            &["Poké bowl med tonfisk", "Shakshuka med fetaost"],
            &["Misobakad hoki med sesamkål", "Kycklingspett med jordnötssås", "Falafel i pita"],
            &["Laksa med tofu", "Tacos på fläsksida"],
            &["Fiskburgare med picklad gurka", "Vegetarisk lasagne"],
        ],
    },
    // No-break spaces; blanks at the end and doubled.
    Week {
        id: "nanna",
        eras: "ABCDEF",
        weekend: Weekend::Empty,
        days: [
            &[
                "Fisk:\u{a0}Spättarullader med vitvinssås ",
                "Kött:  Pannbiff med löksky ",
                "Vego:\u{a0}Palak paneer ",
            ],
            &[
                "Fisk:\u{a0}Torsk i curry och kokos ",
                "Kött:  Boeuf bourguignon ",
                "Vego:\u{a0}Svampstroganoff ",
            ],
            &[
                "Fisk:\u{a0}Pocherad lax med ägg- och dillsås ",
                "Kött:  Lammfärsbiffar med tzatziki ",
                "Vego:\u{a0}Kikärtsgryta med harissa ",
                "Pasta:\u{a0}Tagliatelle med soltorkad tomat ",
            ],
            &[
                "Fisk:\u{a0}Sillbullar med korintsås ",
                "Kött:  Ärtsoppa med fläsk ",
                "Vego:\u{a0}Ärtsoppa utan fläsk ",
            ],
            &[
                "Fisk:\u{a0}Fisktacos med mangosalsa ",
                "Kött:  Entrecôte med rödvinssås ",
                "Vego:\u{a0}Auberginegratäng ",
            ],
        ],
    },
    // Closed on Monday, said four times; otherwise an empty dish at the end.
    Week {
        id: "rudbeck",
        eras: "ABCDEF",
        weekend: Weekend::Empty,
        days: [
            &[
                "Inga måltider serveras",
                "Inga måltider serveras",
                "Inga måltider serveras",
                "Inga måltider serveras",
            ],
            &[
                "Fisk: Kolja med senapssås",
                "Kött: Köttbullar med gräddsås",
                "Vegetarisk: Pumpasoppa med ingefära",
                "",
            ],
            &[
                "Fisk: Fiskgratäng med räkor och duchessepotatis",
                "Kött: Rostbiff med potatissallad",
                "Pasta: Penne med kyckling och ajvar",
                "Vegetarisk: Minestrone med vita bönor",
                "",
            ],
            &[
                "Fisk: Fiskbiff med kapris",
                "Kött: Ärtsoppa och plättar",
                "Vegetarisk: Morotsbiffar med kall sås",
                "",
            ],
            &[
                "Fisk: Bouillabaisse med rouille",
                "Kött: Schnitzel med ärtor",
                "Vegetarisk: Spenatlasagne",
                "",
            ],
        ],
    },
    // A line break inside a dish.
    Week {
        id: "tallrik",
        eras: "ABCD",
        weekend: Weekend::Empty,
        days: [
            &["Kycklingwok med\ncashewnötter", "Grönsakswok med\nomelett"],
            &["Isterband med\nstuvad potatis", "Rödbetsbiffar med\nchèvre"],
            &["Sejrygg med\nsandefjordsås", "Tofu i röd curry", "Stekt ris med ägg"],
            &["Ärtsoppa med\npannkaka", "Blomkålssoppa med\npannkaka"],
            &["Fiskgryta med\naioli", "Ratatouille med\ngetost"],
        ],
    },
    // A control character where an œ was meant; the page shows Friday all weekend.
    Week {
        id: "elma",
        eras: "EF",
        weekend: Weekend::Friday,
        days: [
            &["B\u{9c}uf tartare med kapris", "Pizza bianca med potatis och rosmarin"],
            &["B\u{9c}uf bourguignon med champinjoner", "Pizza med kronärtskocka"],
            &["\u{9c}uf cocotte med löjrom", "Pizza med tonfisk och rödlök"],
            &["B\u{9c}uf à la mode", "Pizza med salsiccia och fänkål"],
            &["B\u{9c}uf frites", "Pizza quattro formaggi"],
        ],
    },
    // An empty dish at the end.
    Week {
        id: "omni",
        eras: "EF",
        weekend: Weekend::Empty,
        days: [
            &["Stekt rödspätta med brynt smör", "Kyckling i grön curry", ""],
            &["Bakad piggvar med pepparrot", "Fylld paprika med quinoa", ""],
            &["Kokt torsk med äggsås", "Lammrack med myntasky", "Grillad spetskål", ""],
            &["Lättrökt lax med stuvad potatis", "Ärtsoppa", ""],
            &["Moules frites", "Confiterad anka med linser", ""],
        ],
    },
    // The page shows Friday all weekend.
    Week {
        id: "svarta",
        eras: "DEF",
        weekend: Weekend::Friday,
        days: [
            &["Veckans fisk: Sejtårta", "Veckans vego: Bönburgare"],
            &["Veckans fisk: Sejtårta", "Veckans vego: Bönburgare"],
            &["Veckans fisk: Sejtårta", "Veckans kött: Rökt sidfläsk", "Veckans vego: Bönburgare"],
            &["Veckans kött: Rökt sidfläsk", "Veckans vego: Bönburgare"],
            &["Veckans kött: Rökt sidfläsk", "Veckans vego: Bönburgare"],
        ],
    },
    // Leading spaces; the page shows Friday all weekend.
    Week {
        id: "bredbar",
        eras: "F",
        weekend: Weekend::Friday,
        days: [
            &[" Surdegsmacka med kallrökt lax", " Toast med svampstuvning"],
            &[" Smørrebrød med rostbiff", " Macka med ägg och ansjovis"],
            &[" Räkmacka med citron", " Reuben med surkål", " Grillad ost med fikon"],
            &[" Ärtsoppa med rågbröd", " Macka med rödbetshummus"],
            &[" Croque monsieur", " Sillmacka med löjrom"],
        ],
    },
    // Several ampersands; the page shows Friday all weekend.
    Week {
        id: "food-co",
        eras: "F",
        weekend: Weekend::Friday,
        days: [
            &["Sweet & sour på kyckling", "Bönor & ris från Haiti"],
            &["Mac & cheese", "Fisk & skaldjur i saffransfond"],
            &["Surf & turf på räkor & flankstek", "Bangers & mash på sojakorv"],
            &["Ärtor & fläsk", "Svamp & spenat i smördeg"],
            &["Fish & chips på havskatt", "Salt & peppar-tofu"],
        ],
    },
    // Nothing odd but Wednesday: closed, once and loudly.
    Week {
        id: "karavan",
        eras: "F",
        weekend: Weekend::Empty,
        days: [
            &["Lammtagine med aprikos", "Harira på linser"],
            &["Grillad makrill med charmoula", "Mezetallrik"],
            &["STÄNGT FÖR EVENEMANG!!"],
            &["Kycklingpastilla", "Zaalouk med bröd"],
            &["Merguez med couscous", "Bakad aubergine med tahini"],
        ],
    },
    // Nothing odd at all.
    Week {
        id: "wkb-gardet",
        eras: "F",
        weekend: Weekend::Empty,
        days: [
            &["Wienerschnitzel med ärtor", "Käsespätzle"],
            &["Stekt gös med krasse", "Svampknödel"],
            &["Gravad lax med hovmästarsås", "Gulasch på högrev", "Potatispannkakor"],
            &["Ärtsoppa med wienerkorv", "Kålrulader"],
            &["Bratwurst med surkål", "Abborre med vitvinssky"],
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::{super::places, *};

    const WORKDAYS: [Weekday; 5] =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    const ERAS: [Era; 6] = [Era::A, Era::B, Era::C, Era::D, Era::E, Era::F];

    /// The restaurants that have no dishes that day.
    fn empty(era: Era, day: Weekday) -> String {
        let places = places::places(era).into_iter();
        let mut ids: Vec<_> = places
            .filter(|place| dishes(era, place, day).is_empty())
            .map(|place| place.id)
            .collect();
        ids.sort_unstable();
        ids.join(" ")
    }

    #[test]
    fn some_menus_are_always_empty() {
        for day in WORKDAYS {
            let old = "glada haga jorpes svarta";
            let new = "biomedicum delta glada haga jorpes kraemer livet maethai street";
            assert_eq!(empty(Era::A, day), old);
            assert_eq!(empty(Era::B, day), old);
            assert_eq!(empty(Era::C, day), old);
            assert_eq!(empty(Era::D, day), new);
            assert_eq!(empty(Era::E, day), new);
            assert_eq!(
                empty(Era::F, day),
                "biomedicum delta glada gourmedia haga jorpes k-markt kraemer livet maethai street"
            );
        }
    }

    #[test]
    fn at_the_weekend_only_pages_without_days_show_dishes() {
        #[track_caller]
        fn check(era: Era, serving: &str) {
            for day in [Weekday::Saturday, Weekday::Sunday] {
                let places = places::places(era).into_iter();
                let ids: Vec<_> = places
                    .filter(|place| !dishes(era, place, day).is_empty())
                    .map(|place| place.id)
                    .collect();
                assert_eq!(ids.join(" "), serving);
            }
        }

        check(Era::A, "jons");
        check(Era::C, "jons");
        check(Era::E, "elma jons svarta");
        check(Era::F, "elma jons svarta bredbar food-co");
    }

    #[test]
    fn every_menu_says_that_it_is_a_demo() {
        for era in ERAS {
            for place in places::places(era) {
                for day in WORKDAYS {
                    let dishes = dishes(era, place, day);
                    assert!(dishes.is_empty() || dishes.ends_with(&[DISCLAIMER]), "{}", place.id);
                }
            }
        }
    }

    #[test]
    fn there_is_fish_on_wednesday() {
        for era in ERAS {
            let fish = places::places(era)
                .into_iter()
                .flat_map(|place| dishes(era, place, Weekday::Wednesday))
                .filter(|dish| dish.to_lowercase().contains("fisk"));
            assert!(fish.count() >= 3, "{era:?}");
        }
    }

    #[test]
    fn wednesday_has_the_oddities() {
        #[track_caller]
        fn check(era: Era, oddity: impl Fn(&[&str]) -> bool) {
            let places = places::places(era).into_iter();
            assert!(places.map(|place| dishes(era, place, Weekday::Wednesday)).any(|d| oddity(&d)));
        }
        fn any(test: impl Fn(&str) -> bool) -> impl Fn(&[&str]) -> bool {
            move |dishes| dishes.iter().any(|dish| test(dish))
        }

        for era in [Era::A, Era::E] {
            check(era, any(str::is_empty));
            check(era, any(|dish| dish.ends_with(' ')));
            check(era, any(|dish| dish.contains("  ")));
            check(era, any(|dish| dish.contains('\u{a0}')));
            check(era, any(|dish| dish.contains('\u{ad}')));
            check(era, any(|dish| dish.contains('&')));
            check(era, any(|dish| dish.contains('"')));
            check(era, any(|dish| dish.contains("Ã¤")));
            check(era, any(|dish| dish.ends_with(":-")));
            check(era, |dishes| dishes.starts_with(&["Stängt", "Stängt"]));
            check(era, |dishes| dishes.len() > 3 && dishes[0] == dishes[2]);
        }
        check(Era::A, any(|dish| dish.contains('\n')));
        check(Era::E, any(|dish| dish.contains('\u{9c}')));
        check(Era::F, any(|dish| dish.starts_with(' ')));
    }
}
