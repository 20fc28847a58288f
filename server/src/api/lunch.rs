//! Where to eat what: restaurants, menus and dishes, typed and as text.

mod answer;
mod view;

use std::sync::Arc;

use http::StatusCode;
use jiff::{Timestamp, tz::TimeZone};
use lunch::{
    Entry, Place, Query,
    listing::{self, Colour, Links, Page},
    name::{self, Meant},
    search,
};
use poem::{Request, Response, web::RemoteAddr};
use poem_openapi::{OpenApi, Tags, param};

use self::{
    answer::{Answer, Form, Refused},
    view::{Dishes, Restaurant, Restaurants},
};
use crate::{
    clock::Clock,
    menus::{List, Menus, Served, Source},
};

/// Columns of the listing, where the client does not say.
const WIDTH: usize = 80;
/// The widest listing.
const WIDEST: usize = 400;

/// The menus of the lunch API.
#[derive(Clone, Debug)]
pub struct LunchApi {
    /// Where they are read.
    pub menus: Arc<Menus>,
    /// What day it is.
    pub clock: Clock,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// Where to eat what
    Lunch,
}

#[OpenApi(tag = "Topic::Lunch")]
impl LunchApi {
    /// All restaurants, and what they serve today
    ///
    /// Restaurants whose menu cannot be had are there all the same, with the reason. Ask with
    /// `Accept: text/plain` for a listing to read.
    #[oai(path = "/v1/restaurants", method = "get", operation_id = "restaurants")]
    async fn restaurants(
        &self,
        request: &Request,
        /// The region, or what its name begins with; neither case nor accents count
        region: param::Query<Option<String>>,
        /// Columns of the listing
        #[oai(validator(minimum(value = "1"), maximum(value = "400")))]
        width: param::Query<Option<u16>>,
    ) -> Answer<Restaurants> {
        let page = self.page(width.0);
        match self.of_region(request.remote_addr(), region.0.as_deref()).await {
            Ok((list, served)) => {
                let view = Restaurants::of(&list, &served);
                let text = || listing::day(&entries(&served), &page);
                Answer::new(request, view, text, &sources(&list, &served))
            }
            Err(refused) => refused.into(),
        }
    }

    /// One restaurant, and what it serves today
    ///
    /// By its identifier, its name, or what one of these begins with; neither case nor accents
    /// count.
    #[oai(path = "/v1/restaurants/:id", method = "get", operation_id = "restaurant")]
    async fn restaurant(
        &self,
        request: &Request,
        /// Its identifier or its name
        #[oai(validator(max_length = 200))]
        id: param::Path<String>,
        /// Columns of the listing
        #[oai(validator(minimum(value = "1"), maximum(value = "400")))]
        width: param::Query<Option<u16>>,
    ) -> Answer<Restaurant> {
        let page = self.page(width.0);
        match self.one(request.remote_addr(), &id.0).await {
            Ok((list, served)) => {
                let text = || listing::restaurant(&served.entry, &page);
                let sources = sources(&list, std::slice::from_ref(&served));
                Answer::new(request, Restaurant::of(&served), text, &sources)
            }
            Err(refused) => refused.into(),
        }
    }

    /// The dishes of today that match, and where to go for them
    ///
    /// All words have to be in a dish: as a word or a part of one, in another inflection, or as a
    /// kind of it (`fisk` finds salmon). The best match comes first.
    #[oai(path = "/v1/dishes", method = "get", operation_id = "dishes")]
    async fn dishes(
        &self,
        request: &Request,
        /// What to look for, such as `fisk` or `vegetarisk soppa`
        #[oai(validator(min_length = 1, max_length = 200))]
        q: param::Query<String>,
        /// The region, or what its name begins with
        region: param::Query<Option<String>>,
        /// Columns of the listing
        #[oai(validator(minimum(value = "1"), maximum(value = "400")))]
        width: param::Query<Option<u16>>,
    ) -> Answer<Dishes> {
        let page = self.page(width.0);
        let Some(query) = Query::new(&q.0) else {
            let detail = format!("there is no word in '{}': ask for a dish, as q=fisk", q.0);
            return Refused::new(StatusCode::BAD_REQUEST, detail).into();
        };
        match self.of_region(request.remote_addr(), region.0.as_deref()).await {
            Ok((list, served)) => {
                let entries = entries(&served);
                let found = search(&entries, &query);
                let text = || listing::found(&q.0, &found, &page);
                let view = Dishes::of(&q.0, &found, &entries, &served);
                Answer::new(request, view, text, &sources(&list, &served))
            }
            Err(refused) => refused.into(),
        }
    }
}

impl LunchApi {
    /// The listing for a terminal: of the day, or of the dishes that `find`
    /// names in the query.
    pub async fn day_as_text(&self, request: &Request) -> Response {
        let Asks { region, find, width } = Asks::of(request);
        let (region, width) = (param::Query(region), param::Query(width));
        match find {
            Some(words) => {
                self.dishes(request, param::Query(words), region, width).await.in_form(Form::Text)
            }
            None => self.restaurants(request, region, width).await.in_form(Form::Text),
        }
    }

    /// The listing of one restaurant for a terminal.
    pub async fn restaurant_as_text(&self, request: &Request, name: String) -> Response {
        let width = param::Query(Asks::of(request).width);
        self.restaurant(request, param::Path(name), width).await.in_form(Form::Text)
    }

    async fn of_region(
        &self,
        asker: &RemoteAddr,
        region: Option<&str>,
    ) -> Result<(List, Vec<Served>), Refused> {
        let list = self.menus.list(asker).await?;
        let wanted: Vec<Place> = match region {
            None => list.places.clone(),
            Some(region) => {
                let is_there = |place: &&Place| lunch::entry::is_region(place, region);
                list.places.iter().filter(is_there).cloned().collect()
            }
        };
        if let (Some(region), true) = (region, wanted.is_empty()) {
            let regions = lunch::entry::regions(&list.places).into_iter().map(str::to_owned);
            let detail = format!("there is no region '{region}'");
            return Err(Refused::unknown(&detail, regions.collect()));
        }
        let served = self.menus.menus(wanted, asker).await;
        Ok((list, served))
    }

    async fn one(&self, asker: &RemoteAddr, name: &str) -> Result<(List, Served), Refused> {
        let list = self.menus.list(asker).await?;
        let ids = |places: &[&Place]| places.iter().map(|place| place.id.clone()).collect();
        let place = match name::meant(&list.places, name) {
            Meant::One(place) => place.clone(),
            Meant::Several(places) => {
                let detail = format!("several restaurants could be meant by '{name}'");
                return Err(Refused::unknown(&detail, ids(&places)));
            }
            Meant::None(near) => {
                let detail = format!("there is no restaurant '{name}'");
                return Err(Refused::unknown(&detail, ids(&near)));
            }
        };
        let served = self.menus.menu(place, asker).await;
        Ok((list, served))
    }

    fn page(&self, width: Option<u16>) -> Page {
        let zone = TimeZone::get("Europe/Stockholm").unwrap_or(TimeZone::UTC);
        let now = Timestamp::try_from(self.clock.now()).unwrap_or_default();
        Page {
            width: width.map_or(WIDTH, usize::from).min(WIDEST),
            colour: Colour::Never,
            links: Links::Written,
            now: zone.to_datetime(now),
        }
    }
}

/// What the query of a listing asks for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Asks {
    region: Option<String>,
    find: Option<String>,
    width: Option<u16>,
}

impl Asks {
    fn of(request: &Request) -> Asks {
        // What cannot be read is not asked for.
        request.params().unwrap_or_default()
    }
}

fn entries(served: &[Served]) -> Vec<Entry> {
    served.iter().map(|served| served.entry.clone()).collect()
}

fn sources(list: &List, served: &[Served]) -> Vec<Source> {
    let menus = served.iter().filter_map(|served| served.source.clone());
    std::iter::once(list.source.clone()).chain(menus).collect()
}
