//! A restaurant as a place to go to.

use serde::Serialize;

use crate::{
    clean::clean,
    model::{Coordinate, Menu, Restaurant},
};

/// Where a restaurant is and what it is called, fit to be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// What the API calls it in paths.
    pub id: String,
    /// Its name, clean.
    pub name: String,
    /// Its name as it came.
    pub raw_name: String,
    /// The campus or part of town, clean.
    pub region: Option<String>,
    /// Its website; `http` or `https`.
    pub homepage: Option<String>,
    /// The page its menu is read from; `http` or `https`.
    pub menu_url: Option<String>,
    /// A map around it.
    pub map_url: Option<String>,
    /// Where it is.
    pub coordinate: Option<Coordinate>,
}

impl Place {
    /// What the list tells of a restaurant.
    pub fn of(restaurant: &Restaurant) -> Place {
        let map_url = link(restaurant.map_url.as_deref());
        Place {
            id: clean(&restaurant.id),
            name: named(&restaurant.name, &restaurant.id),
            raw_name: restaurant.name.clone(),
            region: region(restaurant.region.as_deref()),
            homepage: link(restaurant.homepage.as_deref()),
            menu_url: link(restaurant.menu_url.as_deref()),
            coordinate: restaurant.coordinate.or_else(|| map_url.as_deref().and_then(on_map)),
            map_url,
        }
    }

    /// What a menu alone tells of its restaurant.
    pub fn of_menu(id: &str, menu: &Menu) -> Place {
        Place::of(&Restaurant {
            id: id.to_owned(),
            name: menu.name.clone(),
            region: menu.region.clone(),
            homepage: menu.homepage.clone(),
            menu_url: None,
            map_url: menu.map_url.clone(),
            coordinate: None,
        })
    }

    /// Adds what a menu tells and the list did not.
    pub fn complete(&mut self, menu: &Menu) {
        let more = Place::of_menu(&self.id, menu);
        let Place { region, homepage, map_url, coordinate, .. } = more;
        self.region = self.region.take().or(region);
        self.homepage = self.homepage.take().or(homepage);
        self.map_url = self.map_url.take().or(map_url);
        self.coordinate = self.coordinate.or(coordinate);
    }

    /// A link to the way there on foot; a map where its place is not known
    /// exactly.
    pub fn walk_url(&self) -> Option<String> {
        match self.coordinate {
            Some(Coordinate { latitude, longitude }) => Some(format!(
                "https://osm.org/directions?engine=fossgis_osrm_foot&to={latitude},{longitude}"
            )),
            None => self.map_url.clone(),
        }
    }
}

fn named(name: &str, id: &str) -> String {
    Some(clean(name)).filter(|name| !name.is_empty()).unwrap_or_else(|| clean(id))
}

fn region(region: Option<&str>) -> Option<String> {
    region.map(clean).filter(|region| !region.is_empty())
}

/// A web address that can be printed: whatever else it is, it has no blanks and
/// no control characters.
fn link(url: Option<&str>) -> Option<String> {
    let url = url?.trim();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_printable = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_web && is_printable).then(|| url.to_owned())
}

/// The middle of a map at openstreetmap.org: `…#map=19/59.84/17.63`.
fn on_map(url: &str) -> Option<Coordinate> {
    let (_, position) = url.split_once("#map=")?;
    let mut parts = position.split(['/', '&']).skip(1).map(str::parse);
    let (latitude, longitude) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let on_earth = f64::abs(latitude) <= 90.0 && f64::abs(longitude) <= 180.0;
    on_earth.then_some(Coordinate { latitude, longitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restaurant() -> Restaurant {
        Restaurant {
            id: "jons".to_owned(),
            name: "Jöns Jacob ".to_owned(),
            region: Some("Fr&ouml:sundavik".to_owned()),
            homepage: Some("http://h/ ".to_owned()),
            menu_url: Some("javascript:alert(1)".to_owned()),
            map_url: Some("https://www.openstreetmap.org/#map=19/59.34673/18.02465".to_owned()),
            coordinate: None,
        }
    }

    #[test]
    fn a_place_is_fit_to_be_shown() {
        let place = Place::of(&restaurant());
        assert_eq!((&*place.name, &*place.raw_name), ("Jöns Jacob", "Jöns Jacob "));
        assert_eq!(place.region.as_deref(), Some("Frösundavik"));
        assert_eq!((place.homepage.as_deref(), place.menu_url), (Some("http://h/"), None));
        let nameless = Place::of(&Restaurant { name: " ".to_owned(), ..restaurant() });
        assert_eq!(nameless.name, "jons");
    }

    #[test]
    fn links_do_not_reach_the_terminal_with_controls() {
        let url = Some("http://h/\u{1b}]8;;x\u{7}".to_owned());
        assert_eq!(Place::of(&Restaurant { homepage: url, ..restaurant() }).homepage, None);
    }

    #[test]
    fn the_way_there() {
        #[track_caller]
        fn check(coordinate: Option<(f64, f64)>, map: Option<&str>, expected: Option<&str>) {
            let coordinate =
                coordinate.map(|(latitude, longitude)| Coordinate { latitude, longitude });
            let map_url = map.map(str::to_owned);
            let place = Place::of(&Restaurant { map_url, coordinate, ..restaurant() });
            assert_eq!(place.walk_url().as_deref(), expected);
        }

        let on_foot = "https://osm.org/directions?engine=fossgis_osrm_foot&to=59.8,17.63";
        check(Some((59.8, 17.63)), None, Some(on_foot));
        check(None, Some("http://o/#map=18/59.8/17.63"), Some(on_foot));
        check(None, Some("http://o/#map=18/59.8/17.63&layers=N"), Some(on_foot));
        for map in ["http://o/", "http://o/#map=18/x/y", "http://o/#map=1/99/1", "http://o/#map=1"]
        {
            check(None, Some(map), Some(map));
        }
        check(None, None, None);
    }

    #[test]
    fn a_menu_completes_what_the_list_does_not_say() {
        let bare = Restaurant { region: None, homepage: None, map_url: None, ..restaurant() };
        let mut place = Place::of(&bare);
        place.complete(&Menu {
            name: "other".to_owned(),
            region: Some("Solna".to_owned()),
            homepage: Some("https://new/".to_owned()),
            map_url: Some("http://o/#map=18/59.8/17.63".to_owned()),
            lines: Vec::new(),
        });
        assert_eq!(place.name, "Jöns Jacob");
        assert_eq!(place.region.as_deref(), Some("Solna"));
        assert_eq!(place.homepage.as_deref(), Some("https://new/"));
        assert!(place.walk_url().unwrap().ends_with("to=59.8,17.63"));
    }
}
