//! The lunch API, read through the cache: who asks for menus asks as any client
//! does, without a second hop over HTTP.
//!
//! The API has moved its slashes more than once; which form of a path works is
//! found out and remembered (`form`).

mod form;
mod source;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use http_body_util::{BodyExt, Limited, combinators::BoxBody};
use lunch::{Entry, Freshness, Menu, Place, Serving, Today, parse_menu, parse_restaurants};
use poem::{Body, Response, web::RemoteAddr};
use tokio::time::{Instant, timeout_at};

use self::form::Forms;
pub use self::source::Source;
use crate::{
    cache::Cache,
    exchange::{Arrival, RequestHead},
    target::Target,
};

/// Menus that are read at a time for one request.
const AT_A_TIME: usize = 4;
/// Menus that are read for one request: the API has had 25.
const MOST: usize = 200;
/// How long one request waits for all of its menus. What comes later is there
/// for the next.
const WITHIN: Duration = Duration::from_secs(30);
/// Redirects that are followed; the API needs one.
const REDIRECTS: usize = 3;
/// The most that a list or a menu has.
const LARGEST: usize = 4 << 20;

/// The menus of the lunch API.
#[derive(Debug)]
pub struct Menus {
    cache: Arc<Cache>,
    list: Forms,
    each: Forms,
}

/// The restaurants there are.
#[derive(Clone, Debug)]
pub struct List {
    /// Where to go.
    pub places: Vec<Place>,
    /// Where that was read.
    pub source: Source,
}

/// A restaurant, its menu, and where that was read, if it could be.
#[derive(Clone, Debug)]
pub struct Served {
    /// The restaurant and its menu.
    pub entry: Entry,
    /// Where the menu was read.
    pub source: Option<Source>,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The upstream has no such thing.
    #[error("the upstream has nothing at {0}")]
    NotFound(String),
    /// It could not be had.
    #[error("{detail}")]
    Unavailable {
        /// What the relay or the upstream answered.
        status: StatusCode,
        /// Why.
        detail: String,
        /// When to come back.
        retry_after: Option<HeaderValue>,
    },
    /// It was had, and is no list or no menu.
    #[error("what the upstream says at {target} cannot be read: {why}")]
    Unreadable {
        /// Where.
        target: String,
        /// Why.
        why: String,
    },
}

impl Menus {
    /// The menus behind a cache.
    pub fn new(cache: Arc<Cache>) -> Menus {
        Menus { cache, list: Forms::new("/restaurant"), each: Forms::new("/restaurant/{}") }
    }

    /// Reads the list; `asker` is whose turn it is.
    pub async fn list(&self, asker: &RemoteAddr) -> Result<List, Unread> {
        let (body, source) = self.read(&self.list, "", asker).await?;
        let restaurants = parse_restaurants(&body).map_err(|error| source.unreadable(&error))?;
        Ok(List { places: restaurants.iter().map(Place::of).collect(), source })
    }

    /// Reads the menu of one restaurant.
    pub async fn menu(&self, place: Place, asker: &RemoteAddr) -> Served {
        match self.read_menu(&place.id, asker).await {
            Ok((menu, source)) => {
                let mut place = place;
                place.complete(&menu);
                let freshness = Freshness { age: Some(source.age), stale: source.is_stale() };
                let serving = Serving::Known(Today::of(&menu), freshness);
                Served { entry: Entry { place, serving }, source: Some(source) }
            }
            Err(why) => missing(place, &why.to_string()),
        }
    }

    /// Reads the menus of these restaurants, some at a time, in their order.
    pub async fn menus(&self, places: Vec<Place>, asker: &RemoteAddr) -> Vec<Served> {
        let deadline = Instant::now() + WITHIN;
        let read = |(at, place): (usize, Place)| async move {
            if MOST <= at {
                return (at, missing(place, &format!("only the first {MOST} menus are read")));
            }
            let served = timeout_at(deadline, self.menu(place.clone(), asker)).await;
            let late = |_| missing(place, "it took too long; it may be there soon");
            (at, served.unwrap_or_else(late))
        };
        // Those behind a slow one do not wait for it.
        let reading = stream::iter(places.into_iter().enumerate()).map(read);
        let mut served: Vec<_> = reading.buffer_unordered(AT_A_TIME).collect().await;
        served.sort_by_key(|(at, _)| *at);
        served.into_iter().map(|(_, served)| served).collect()
    }

    async fn read_menu(&self, id: &str, asker: &RemoteAddr) -> Result<(Menu, Source), Unread> {
        let (body, source) = self.read(&self.each, id, asker).await?;
        let menu = parse_menu(&body).map_err(|error| source.unreadable(&error))?;
        Ok((menu, source))
    }

    /// Reads what is at a path, in the form that works.
    async fn read(
        &self,
        forms: &Forms,
        id: &str,
        asker: &RemoteAddr,
    ) -> Result<(Bytes, Source), Unread> {
        let mut nothing = None;
        for path in forms.in_order(id) {
            match self.follow(&path, asker).await {
                Ok((body, source)) => {
                    forms.note(&source.target);
                    return Ok((body, source));
                }
                Err(Unread::NotFound(target)) => {
                    nothing.get_or_insert(Unread::NotFound(target));
                }
                Err(other) => return Err(other),
            }
        }
        Err(nothing.unwrap_or(Unread::NotFound(id.to_owned())))
    }

    /// Reads what is at a path or where that leads.
    async fn follow(&self, path: &str, asker: &RemoteAddr) -> Result<(Bytes, Source), Unread> {
        let not_found = || Unread::NotFound(path.to_owned());
        let mut target =
            path.parse().ok().and_then(|path| Target::new(path).ok()).ok_or_else(not_found)?;
        for _ in 0..=REDIRECTS {
            let answer = self.cache.answer(request(&target, asker), Body::empty()).await;
            match answer.status() {
                StatusCode::OK => {
                    let source = Source::of(&target, answer.headers());
                    return Ok((content(answer, &target).await?, source));
                }
                status if status.is_redirection() => {
                    let location = answer.header(header::LOCATION);
                    let next = location.and_then(|location| target.resolve(location, None));
                    target = next.ok_or_else(|| {
                        unavailable(
                            StatusCode::BAD_GATEWAY,
                            format!("the upstream leads from {} to elsewhere", target.as_str()),
                        )
                    })?;
                }
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => {
                    return Err(Unread::NotFound(target.as_str().to_owned()));
                }
                status => return Err(refused(answer, status, &target).await),
            }
        }
        Err(unavailable(
            StatusCode::BAD_GATEWAY,
            format!("the upstream leads from {path} in a circle"),
        ))
    }
}

fn missing(place: Place, why: &str) -> Served {
    // It may quote what the upstream said, and end up in a terminal.
    let serving = Serving::Missing(lunch::clean(why));
    Served { entry: Entry { place, serving }, source: None }
}

fn request(target: &Target, asker: &RemoteAddr) -> RequestHead {
    RequestHead {
        method: Method::GET,
        target: target.clone(),
        version: Version::HTTP_11,
        headers: HeaderMap::from_iter([(
            header::ACCEPT,
            HeaderValue::from_static("application/json"),
        )]),
        remote: asker.clone(),
        arrival: Arrival::now(),
    }
}

async fn content(answer: Response, target: &Target) -> Result<Bytes, Unread> {
    let body: BoxBody<Bytes, std::io::Error> = answer.into_body().into();
    match Limited::new(body, LARGEST).collect().await {
        Ok(content) => Ok(content.to_bytes()),
        Err(error) => Err(unavailable(
            StatusCode::BAD_GATEWAY,
            format!("the upstream's answer to {} did not come whole: {error}", target.as_str()),
        )),
    }
}

fn unavailable(status: StatusCode, detail: String) -> Unread {
    Unread::Unavailable { status, detail, retry_after: None }
}

/// Why there is no answer: the relay's own word, or what the upstream said.
async fn refused(answer: Response, status: StatusCode, target: &Target) -> Unread {
    let retry_after = answer.headers().get(header::RETRY_AFTER).cloned();
    let is_own = answer.headers().contains_key("proxy-status");
    if !is_own {
        let detail = format!("the upstream answered {status} to {}", target.as_str());
        let status = if status == StatusCode::TOO_MANY_REQUESTS {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::BAD_GATEWAY
        };
        return Unread::Unavailable { status, detail, retry_after };
    }
    let problem = content(answer, target).await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("the relay says no more").to_owned();
    Unread::Unavailable { status, detail, retry_after }
}

/// The longest that what was made of these may be reused: as long as the least
/// fresh of them.
pub fn lifetime<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Duration {
    sources.into_iter().map(Source::lifetime).min().unwrap_or_default()
}
