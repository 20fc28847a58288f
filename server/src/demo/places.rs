//! The restaurants, as the API listed them from one era to the next.
//!
//! These are facts: names (the blank at the end of `Jöns Jacob ` included),
//! regions, links and coordinates.
//! What is on the menus is not: see [`week`](super::week).

use super::Era;

/// A restaurant of the list.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) region: &'static str,
    /// Latitude and longitude, which the list has from era C on.
    pub(super) coordinate: [f64; 2],
    /// The eras that list it, by letter.
    eras: &'static str,
    /// The map link written into the list until era D; empty for a place that
    /// came later, whose link is made from its coordinate.
    map_link: &'static str,
    /// Where its web pages were, oldest first.
    links: &'static [Links],
}

/// Where a restaurant's web pages were.
#[derive(Debug)]
pub(super) struct Links {
    /// The last era that had these.
    until: Era,
    pub(super) homepage: &'static str,
    pub(super) menu_url: &'static str,
}

impl Place {
    /// Its web pages in that era.
    pub(super) fn links(&self, era: Era) -> &'static Links {
        const NONE: Links = Links { until: Era::F, homepage: "", menu_url: "" };
        self.links.iter().find(|links| era <= links.until).unwrap_or(&NONE)
    }

    /// Its map link in that era.
    pub(super) fn map_url(&self, era: Era) -> String {
        if era <= Era::D && !self.map_link.is_empty() {
            return self.map_link.to_owned();
        }
        let [latitude, longitude] = self.coordinate;
        // `{:?}` prints a whole number as `59.0`, as the API's language does.
        format!("https://www.openstreetmap.org/#map=19/{latitude:?}/{longitude:?}")
    }

    fn is_listed(&self, era: Era) -> bool {
        self.eras.contains(era.letter())
    }
}

/// The restaurants of an era, in the order of its list.
pub(super) fn places(era: Era) -> Vec<&'static Place> {
    let mut places: Vec<_> = PLACES.iter().filter(|place| place.is_listed(era)).collect();
    if era <= Era::B {
        places.sort_by_key(|place| BY_CAMPUS.iter().position(|id| *id == place.id));
    }
    places
}

/// The restaurant with that identifier, which is case-sensitive.
pub(super) fn place(era: Era, id: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.id == id && place.is_listed(era))
}

/// The order of eras A and B: Solna, then Uppsala, otherwise as it came.
const BY_CAMPUS: [&str; 13] = [
    "glada", "haga", "hjulet", "jons", "jorpes", "livet", "svarta", "nanna", "bikupan", "dufva",
    "hubben", "rudbeck", "tallrik",
];

/// Every restaurant, in the order of eras C to F: by identifier, with those of
/// the two sites that era F added at the end.
const PLACES: &[Place] = &[
    Place {
        id: "bikupan",
        name: "Restaurang Bikupan",
        region: "Uppsala",
        coordinate: [59.8422, 17.63403],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=18/59.84186/17.63407",
        links: &[
            Links {
                until: Era::A,
                homepage: "http://www.hors.se/restaurang/restaurang-bikupan/",
                menu_url: "http://www.hors.se/restaurang/restaurang-bikupan/",
            },
            Links {
                until: Era::F,
                homepage: "https://www.hors.se/uppsala/17/3/restaurang-bikupan/",
                menu_url: "https://www.hors.se/uppsala/17/3/restaurang-bikupan/",
            },
        ],
    },
    Place {
        id: "biomedicum",
        name: "Café Biomedicum",
        region: "Solna",
        coordinate: [59.3491, 18.026],
        eras: "DEF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://ki.hors.se/17/5/bio-medicum/",
            menu_url: "https://ki.hors.se/17/5/bio-medicum/",
        }],
    },
    Place {
        id: "delta",
        name: "Café Delta",
        region: "Solna",
        coordinate: [59.35039, 18.02265],
        eras: "DEF",
        map_link: "",
        links: &[Links { until: Era::F, homepage: "", menu_url: "" }],
    },
    Place {
        id: "dufva",
        name: "Sven Dufva",
        region: "Uppsala",
        coordinate: [59.84292, 17.64129],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.84298/17.64096",
        links: &[Links {
            until: Era::F,
            homepage: "http://svendufva.se/",
            menu_url: "https://matfest.se/veckans-lunch/",
        }],
    },
    Place {
        id: "elma",
        name: "Elma",
        region: "Uppsala",
        coordinate: [59.83928, 17.638],
        eras: "EF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.elmauppsala.se/",
            menu_url: "https://www.elmauppsala.se/",
        }],
    },
    Place {
        id: "glada",
        name: "Den Glada Restaurangen",
        region: "Solna",
        coordinate: [59.35125, 18.02999],
        eras: "ABCDEF",
        map_link: "http://www.openstreetmap.org/#map=19/59.35123/18.03006",
        links: &[Links {
            until: Era::F,
            homepage: "http://www.dengladarestaurangen.se/",
            menu_url: "http://www.dengladarestaurangen.se/#!meny/c30g",
        }],
    },
    Place {
        id: "haga",
        name: "Haga gatukök",
        region: "Solna",
        coordinate: [59.34941, 18.02116],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34931/18.02095",
        links: &[
            Links {
                until: Era::C,
                homepage: "http://orenib.se/haga_gk2.pdf",
                menu_url: "http://orenib.se/haga_gk2.pdf",
            },
            Links { until: Era::F, homepage: "", menu_url: "" },
        ],
    },
    Place {
        id: "hjulet",
        name: "Restaurang Hjulet",
        region: "Solna",
        coordinate: [59.34503, 18.02406],
        eras: "ABC",
        map_link: "https://www.openstreetmap.org/#map=19/59.34508/18.02423",
        links: &[Links {
            until: Era::F,
            homepage: "http://www.restauranghjulet.se",
            menu_url: "http://www.restauranghjulet.se",
        }],
    },
    Place {
        id: "hubben",
        name: "Restaurang Hubben",
        region: "Uppsala",
        coordinate: [59.84346, 17.64162],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=18/59.84334/17.64074",
        links: &[Links {
            until: Era::F,
            homepage: "https://vasakronan.foodbycoor.se/hubben",
            menu_url: "https://vasakronan.foodbycoor.se/hubben/restaurangen/restaurangens-meny",
        }],
    },
    Place {
        id: "jons",
        name: "Jöns Jacob ",
        region: "Solna",
        coordinate: [59.34682, 18.02459],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34673/18.02465",
        links: &[Links {
            until: Era::F,
            homepage: "http://gastrogate.com/restaurang/jonsjacob/",
            menu_url: "https://jonsjacob.gastrogate.com/lunch/",
        }],
    },
    Place {
        id: "jorpes",
        name: "Café Erik Jorpes",
        region: "Solna",
        coordinate: [59.34849, 18.02719],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34851/18.02721",
        links: &[
            Links {
                until: Era::C,
                homepage: "https://restaurang-ns.ki.se/cafe-erik-jorpes/",
                menu_url: "https://restaurang-ns.ki.se/cafe-erik-jorpes/",
            },
            Links {
                until: Era::F,
                homepage: "https://ki.hors.se/17/4/cafe-erik-jorpes/",
                menu_url: "https://ki.hors.se/17/4/cafe-erik-jorpes/",
            },
        ],
    },
    Place {
        id: "kraemer",
        name: "Hotel von Kraemer",
        region: "Uppsala",
        coordinate: [59.84827, 17.63534],
        eras: "DEF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://hotelvonkraemer.se/en/restaurant/lunch/",
            menu_url: "https://hotelvonkraemer.se/en/restaurant/lunch/",
        }],
    },
    Place {
        id: "livet",
        name: "Livet [Restaurant]",
        region: "Solna",
        coordinate: [59.34833, 18.03035],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34853/18.02989",
        links: &[
            Links {
                until: Era::C,
                homepage: "https://www.livetbrand.com/har-finns-livet/stockholm-solna/livet-restaurant-solna/",
                menu_url: "https://www.livetbrand.com/har-finns-livet/stockholm-solna/livet-restaurant-solna/",
            },
            Links {
                until: Era::F,
                homepage: "https://www.livetbrand.com/har-finns-livet/livet-restaurant-solna/",
                menu_url: "https://www.livetbrand.com/har-finns-livet/livet-restaurant-solna/",
            },
        ],
    },
    Place {
        id: "maethai",
        name: "Mai Thai Express",
        region: "Solna",
        coordinate: [59.35093, 18.0243],
        eras: "DEF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.maethaiexpress.se/mae-thai-karolinska/",
            menu_url: "https://www.maethaiexpress.se/thai-sushi-meny/",
        }],
    },
    Place {
        id: "nanna",
        name: "Restaurang Nanna Svartz",
        region: "Solna",
        coordinate: [59.34867, 18.0278],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34848/18.02807",
        links: &[
            Links {
                until: Era::C,
                homepage: "http://restaurang-ns.ki.se/restaurang-nanna-svartz/",
                menu_url: "http://restaurang-ns.ki.se/restaurang-nanna-svartz/",
            },
            Links {
                until: Era::F,
                homepage: "https://ki.hors.se/17/3/restaurang-nanna-svartz/",
                menu_url: "https://ki.hors.se/17/3/restaurang-nanna-svartz/",
            },
        ],
    },
    Place {
        id: "omni",
        name: "Restaurang Omni",
        region: "Solna",
        coordinate: [59.34709, 18.03335],
        eras: "EF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://restaurangomni.se/dagens-lunch/",
            menu_url: "https://restaurangomni.se/dagens-lunch/",
        }],
    },
    Place {
        id: "rudbeck",
        name: "Bistro Rudbeck",
        region: "Uppsala",
        coordinate: [59.84537, 17.63998],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.84518/17.63968",
        links: &[
            Links {
                until: Era::C,
                homepage: "https://www.compass-group.se/MatDryck/Restauranger/uppsala/bistro-rudbeck/",
                menu_url: "https://eurest.mashie.com/public/menu/restaurang+kannan/cb061efe?country=se",
            },
            Links {
                until: Era::F,
                homepage: "https://www.hors.se/uppsala/17/10/bistro-rudbeck/",
                menu_url: "https://www.hors.se/uppsala/17/10/bistro-rudbeck/",
            },
        ],
    },
    Place {
        id: "street",
        name: "STHLM Street Lunch",
        region: "Solna",
        coordinate: [59.34747, 18.02653],
        eras: "DEF",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "http://www.sthlmstreetlunch.com/",
            menu_url: "http://www.sthlmstreetlunch.com/",
        }],
    },
    Place {
        id: "svarta",
        name: "Svarta Räfven",
        region: "Solna",
        coordinate: [59.34858, 18.0277],
        eras: "ABCDEF",
        map_link: "https://www.openstreetmap.org/#map=19/59.34851/18.02804",
        links: &[
            Links {
                until: Era::C,
                homepage: "https://restaurang-ns.ki.se/svarta-rafven/",
                menu_url: "https://restaurang-ns.ki.se/svarta-rafven/",
            },
            Links {
                until: Era::F,
                homepage: "https://ki.hors.se/17/7/svarta-rafven/",
                menu_url: "https://ki.hors.se/17/7/svarta-rafven/",
            },
        ],
    },
    Place {
        id: "tallrik",
        name: "Tallriket",
        region: "Uppsala",
        coordinate: [59.84248, 17.64046],
        eras: "ABCD",
        map_link: "https://www.openstreetmap.org/#map=19/59.84248/17.64046",
        links: &[
            Links {
                until: Era::A,
                homepage: "https://www.compass-group.se/MatDryck/Restauranger/uppsala/tallriket/",
                menu_url: "https://eurest.mashie.com/public/menu/viktoria+hotell+och+konferens/cdbcb148?country=se",
            },
            Links {
                until: Era::F,
                homepage: "https://www.compass-group.se/MatDryck/Restauranger/uppsala/tallriket/",
                menu_url: "https://eurest.mashie.com/public/menu/ulls+restaurang/f2caeaeb?country=se",
            },
        ],
    },
    Place {
        id: "bredbar",
        name: "Bredbar Frösunda",
        region: "Frösundavik",
        coordinate: [59.373, 18.01664],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://bredbarsolna.se/dagens-lunch-frosunda/",
            menu_url: "https://bredbarsolna.se/dagens-lunch-frosunda/",
        }],
    },
    Place {
        id: "food-co",
        name: "Food & Co Frösundavik",
        region: "Frösundavik",
        coordinate: [59.37244, 18.02385],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.compass-group.se/matdryck/restauranger/solna/food--co-frosundavik/",
            menu_url: "https://eurest.mashie.com/public/menu/fr%c3%b6sundavik/48a47b5a?country=se",
        }],
    },
    Place {
        id: "gourmedia",
        name: "Gourmedia",
        region: "Radiohuset",
        coordinate: [59.33573, 18.10206],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.iss-menyer.se/restaurants/restaurang-gourmedia",
            menu_url: "https://www.iss-menyer.se/restaurants/restaurang-gourmedia",
        }],
    },
    Place {
        id: "k-markt",
        name: "K-märkt centrala Frösunda",
        region: "Frösundavik",
        coordinate: [59.37107, 18.01713],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.kmarkt.se/restauranger/centrala-frosunda/",
            menu_url: "",
        }],
    },
    Place {
        id: "karavan",
        name: "Restaurang Karavan",
        region: "Radiohuset",
        coordinate: [59.33921, 18.10258],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://www.restaurangkaravan.se/",
            menu_url: "https://www.restaurangkaravan.se/",
        }],
    },
    Place {
        id: "wkb-gardet",
        name: "WKB Gärdet",
        region: "Radiohuset",
        coordinate: [59.34125, 18.11252],
        eras: "F",
        map_link: "",
        links: &[Links {
            until: Era::F,
            homepage: "https://wkb.se/?page_id=79",
            menu_url: "https://wkb.se/?page_id=79",
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(era: Era) -> String {
        places(era).iter().map(|place| place.id).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_era_has_its_own_list() {
        assert_eq!(ids(Era::A), BY_CAMPUS.join(" "));
        assert_eq!(ids(Era::B), BY_CAMPUS.join(" "));
        assert_eq!(
            ids(Era::C),
            "bikupan dufva glada haga hjulet hubben jons jorpes livet nanna rudbeck svarta tallrik"
        );
        assert_eq!(
            ids(Era::D),
            "bikupan biomedicum delta dufva glada haga hubben jons jorpes kraemer livet maethai \
             nanna rudbeck street svarta tallrik"
        );
        let e = "bikupan biomedicum delta dufva elma glada haga hubben jons jorpes kraemer livet \
                 maethai nanna omni rudbeck street svarta";
        assert_eq!(ids(Era::E), e);
        assert_eq!(
            ids(Era::F),
            format!("{e} bredbar food-co gourmedia k-markt karavan wkb-gardet")
        );
    }

    #[test]
    fn links_change_with_the_era() {
        #[track_caller]
        fn check(id: &str, era: Era, homepage: &str, menu_url: &str) {
            let links = place(era, id).unwrap().links(era);
            assert_eq!((links.homepage, links.menu_url), (homepage, menu_url));
        }

        let old = "http://www.hors.se/restaurang/restaurang-bikupan/";
        let new = "https://www.hors.se/uppsala/17/3/restaurang-bikupan/";
        check("bikupan", Era::A, old, old);
        check("bikupan", Era::B, new, new);
        check("bikupan", Era::F, new, new);
        check("haga", Era::C, "http://orenib.se/haga_gk2.pdf", "http://orenib.se/haga_gk2.pdf");
        check("haga", Era::D, "", "");
    }

    #[test]
    fn maps() {
        #[track_caller]
        fn check(id: &str, era: Era, map: &str) {
            let url = place(era, id).unwrap().map_url(era);
            assert_eq!(url.strip_prefix("https://www.openstreetmap.org/#map="), Some(map));
        }

        check("bikupan", Era::A, "18/59.84186/17.63407");
        check("bikupan", Era::D, "18/59.84186/17.63407");
        check("bikupan", Era::E, "19/59.8422/17.63403");
        check("biomedicum", Era::D, "19/59.3491/18.026");
    }

    #[test]
    fn identifiers_are_case_sensitive() {
        assert!(place(Era::A, "rudbeck").is_some());
        assert!(place(Era::A, "RUDBECK").is_none());
        assert!(place(Era::A, "omni").is_none());
    }
}
