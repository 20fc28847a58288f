//! The operator's console: what is going on, what is stored and why, and what
//! can be done about it, as pages.
//!
//! A page is made of values that the operator's API shows too ([`crate::api`]),
//! by templates that are compiled in and escape what they are given. All works
//! without script, the moving charts aside: what changes something is shown on
//! a page of its own first, and sent from there. Script and style come from
//! this listener, and the policy (CSP) allows nothing else, nothing inline
//! among it. Who may come in, and that no page of another site sends a form, is
//! [`crate::operator`]'s.

mod assets;
pub mod live;
mod pages;
pub mod words;

use std::{future::Future, sync::Arc, time::SystemTime};

use poem::{
    Endpoint, Request, Response, Route,
    endpoint::{make, make_sync},
    get,
};

pub use self::live::Live;
use crate::{
    api::{cache::CacheApi, upstream::UpstreamApi},
    names::Names,
};

/// What the pages show and change.
#[derive(Clone, Debug)]
pub struct Console {
    /// What is stored.
    pub cache: CacheApi,
    /// The way to the upstream.
    pub upstream: UpstreamApi,
    /// What is going on.
    pub live: Arc<Live>,
    /// Whether who is here has logged in.
    pub login: Login,
}

/// Whether who is here has logged in, and can log out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// A token was asked for.
    Asked,
    /// Whoever reaches the listener is the operator.
    None,
}

impl Console {
    fn now(&self) -> SystemTime {
        self.upstream.books.account().at
    }

    fn is_of_lunch(&self) -> bool {
        self.cache.names == Names::Lunch
    }
}

/// The pages, beside other routes.
pub fn routes(routes: Route, console: Console) -> Route {
    let console = Arc::new(console);
    let live = Arc::clone(&console.live);
    routes
        .at("/", get(page(&console, pages::overview)))
        .at("/cache", get(page(&console, pages::cache)))
        .at("/cache/entries/:id", get(page(&console, pages::entry)))
        .at(
            "/cache/purge",
            get(page(&console, pages::review_purge)).post(page(&console, pages::purge)),
        )
        .at("/explain", get(page(&console, pages::explain)))
        .at("/upstream", get(page(&console, pages::upstream)))
        .at(
            "/upstream/hold",
            get(page(&console, pages::review_hold)).post(page(&console, pages::hold)),
        )
        .at(
            "/upstream/release",
            get(page(&console, pages::review_release)).post(page(&console, pages::release)),
        )
        .at("/v1/live", get(make_sync(move |_| live.stream())))
        .at(assets::STYLE, get(assets::style()))
        .at(assets::SCRIPT, get(assets::script()))
        .at(assets::ICON, get(assets::icon()))
}

/// An endpoint that answers with a page.
fn page<Answer>(
    console: &Arc<Console>,
    answer: fn(Arc<Console>, Request) -> Answer,
) -> impl Endpoint<Output = Response> + use<Answer>
where
    Answer: Future<Output = Response> + Send + 'static,
{
    let console = Arc::clone(console);
    make(move |request| {
        let answer = answer(Arc::clone(&console), request);
        async move { Ok::<_, poem::Error>(answer.await) }
    })
}
