//! The public stack and the operator's, each as one [`Endpoint`].

use std::{future::Future, sync::Arc};

use futures_util::{
    FutureExt,
    future::{Either, ready},
};
use http::{HeaderValue, Method, Version, header};
use poem::{Endpoint, EndpointExt, Request, Response, Result, Route, endpoint::make, get};
use poem_openapi::OpenApi;

use crate::{
    api::{
        cache::CacheApi, docs, health::HealthApi, lunch::LunchApi, process::ProcessApi,
        reload::ReloadApi, upstream::UpstreamApi,
    },
    cache::{
        Answer, Cache,
        status::{CACHE_STATUS, CacheStatus, Outcome},
    },
    console::{self, Console, Live, Login},
    exchange::{Arrival, RequestHead},
    hop,
    names::{Names, is_anything},
    operator::{Guard, Guarded, LOGIN, login},
    problem::Problem,
    reload::Reloader,
    serve::Drain,
    target::{ANYTHING, Target},
    telemetry::{
        ledger::Books,
        metrics::{self, Metrics},
    },
    upstream::held::ByHand,
};

/// What both listeners show.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The cache, and through it the upstream.
    pub cache: Arc<Cache>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the upstream was asked for and spared.
    pub books: Arc<Books>,
    /// The menus, where the upstream is the lunch API.
    pub lunch: Option<LunchApi>,
    /// What reads the configuration anew.
    pub reloader: Arc<Reloader>,
    /// Whether the public listener is coming to its end.
    pub drain: Drain,
}

/// The public stack: a few names of our own, and the relay for all others.
pub fn app(parts: &Parts) -> impl Endpoint<Output = Response> + use<> {
    let health = HealthApi { drain: parts.drain.clone() };
    let (own, names) = match &parts.lunch {
        None => (documented(health), Names::Relay),
        Some(lunch) => {
            let own = documented((health, lunch.clone()));
            (listings(own, &Arc::new(lunch.clone())), Names::Lunch)
        }
    };
    App {
        relay: Relay { cache: Arc::clone(&parts.cache) },
        own,
        names,
        metrics: Arc::clone(&parts.metrics),
    }
}

/// Endpoints with their documentation.
fn documented(api: impl OpenApi + 'static) -> Route {
    let service = docs::service(api);
    Route::new()
        .at("/docs", get(docs::page()))
        .at("/openapi.json", get(docs::openapi(&service)))
        .nest("/", service.after(not_stored))
}

/// The menus as text, which a typed description would say no more of.
fn listings(routes: Route, lunch: &Arc<LunchApi>) -> Route {
    let day = {
        let lunch = Arc::clone(lunch);
        make(move |request| {
            let lunch = Arc::clone(&lunch);
            async move { Ok::<_, poem::Error>(lunch.day_as_text(&request).await) }
        })
    };
    let restaurant = {
        let lunch = Arc::clone(lunch);
        make(move |request| {
            let lunch = Arc::clone(&lunch);
            async move {
                let name: String = request.path_params()?;
                Ok::<_, poem::Error>(lunch.restaurant_as_text(&request, name).await)
            }
        })
    };
    routes.at("/lunch", get(day)).at("/lunch/:restaurant", get(restaurant))
}

/// What the operator's listener shows and changes besides.
#[derive(Clone, Debug)]
pub struct Operated {
    /// Who is let in.
    pub guard: Arc<Guard>,
    /// The hold on the upstream.
    pub by_hand: ByHand,
    /// The names that the public listener answers itself.
    pub names: Names,
    /// What is going on.
    pub live: Arc<Live>,
}

/// The operator's stack.
pub fn admin(parts: &Parts, operated: &Operated) -> impl Endpoint<Output = Response> + use<> {
    let metrics = Arc::clone(&parts.metrics);
    let exposition = poem::endpoint::make_sync(move |request: Request| {
        metrics::answer(&metrics, request.headers())
    });
    let cache = Arc::clone(&parts.cache);
    let upstream = parts.books.upstream().to_owned();
    let console = Console {
        cache: CacheApi { cache: Arc::clone(&cache), upstream, names: operated.names },
        upstream: UpstreamApi {
            books: Arc::clone(&parts.books),
            by_hand: operated.by_hand.clone(),
        },
        live: Arc::clone(&operated.live),
        login: if operated.guard.asks() { Login::Asked } else { Login::None },
    };
    let service = docs::service((
        HealthApi { drain: parts.drain.clone() },
        console.upstream.clone(),
        console.cache.clone(),
        ProcessApi { cache, reloader: Arc::clone(&parts.reloader) },
        ReloadApi { reloader: Arc::clone(&parts.reloader) },
    ));
    let routes = Route::new()
        .at("/metrics", get(exposition))
        .at("/docs", get(docs::page()))
        .at("/openapi.json", get(docs::operators(&service)));
    // All but what is below "/", which is the console's.
    let api = Arc::new(service.after(not_stored));
    let routes = routes
        .at("/healthz", Arc::clone(&api))
        .at("/readyz", Arc::clone(&api))
        .nest_no_strip("/v1", api);
    let routes = console::routes(routes, console);
    let routes = login::routes(routes, &operated.guard);
    Guarded::new(Arc::clone(&operated.guard), Own(routes))
}

/// What does not say how long it may be kept is not.
async fn not_stored(answer: Result<Response>) -> Result<Response> {
    let mut answer = answer?;
    let field = answer.headers_mut().entry(header::CACHE_CONTROL);
    field.or_insert(HeaderValue::from_static("no-store"));
    Ok(answer)
}

struct App {
    relay: Relay,
    own: Route,
    names: Names,
    metrics: Arc<Metrics>,
}

impl Endpoint for App {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        // Relayed paths do not pass a router.
        let answer = if self.names.are_own(request.uri().path()) {
            Either::Right(self.own(request).boxed())
        } else {
            self.relay
                .call(request)
                .unwrap_or_else(|problem| Either::Left(ready(self.refused(&problem))))
        };
        answer.map(Ok)
    }
}

impl App {
    async fn own(&self, request: Request) -> Response {
        let arrival = Arrival::of(request.extensions(), request.scheme().clone());
        let response = own(&self.own, request).await;
        self.metrics.request(Outcome::Own, response.status(), &arrival);
        response
    }

    fn refused(&self, problem: &Problem) -> Response {
        let mut response = problem.response();
        response.headers_mut().insert(CACHE_STATUS, CacheStatus::own(problem.error).value());
        self.metrics.request(Outcome::Own, problem.status, &Arrival::now());
        response
    }
}

/// The relay: a request's target made canonical, then the cache.
struct Relay {
    cache: Arc<Cache>,
}

impl Relay {
    fn call(&self, request: Request) -> Result<Answer<'_>, Problem> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            let detail = format!("{} is not relayed: it is meant for the hops", request.method());
            return Err(Problem::method_not_allowed(detail, ALLOW));
        }
        if request.method() == Method::OPTIONS && request.uri().path() == "*" {
            // About this server as a whole (RFC 9110 §9.3.7).
            let answer = Response::builder()
                .header(header::ALLOW, HeaderValue::from_static(ALLOW))
                .header(CACHE_STATUS, CacheStatus::own("options").value())
                .finish();
            return Ok(Either::Left(ready(answer)));
        }
        let target = if is_anything(request.uri().path()) {
            Target::below(ANYTHING, request.uri())
        } else {
            Target::of(request.uri())
        };
        let target = target.map_err(|refused| Problem::bad_request(refused.to_string()))?;
        let from = (request.remote_addr().clone(), request.scheme().clone());
        let (mut parts, body) = request.into_parts();
        hop::strip_named_fields(&mut parts.headers);
        // HTTP/2 needs no field for a body; all that follows goes by the fields.
        if parts.version == Version::HTTP_2
            && !body.is_empty()
            && !parts.headers.contains_key(header::CONTENT_LENGTH)
        {
            let chunked = HeaderValue::from_static("chunked");
            parts.headers.insert(header::TRANSFER_ENCODING, chunked);
        }
        Ok(self.cache.answer(RequestHead::new(parts, from, target), body))
    }
}

const ALLOW: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Routes of our own whose errors are problems, as all of ours are.
struct Own(Route);

impl Endpoint for Own {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        Ok(own(&self.0, request).await)
    }
}

async fn own(routes: &Route, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match routes.call(request).await {
        Ok(response) => response,
        Err(error) if error.is::<Problem>() => error.into_response(),
        Err(error) => match error.status().as_u16() {
            404 => {
                Problem::new(error.status(), "http_request_error", format!("nothing is at {path}"))
                    .response()
            }
            405 => {
                let allowed = allowed(&path);
                let detail = format!("{path} is for {allowed}");
                Problem::method_not_allowed(detail, allowed).response()
            }
            400..500 => {
                Problem::new(error.status(), "http_request_error", error.to_string()).response()
            }
            _ => Problem::new(error.status(), "proxy_internal_error", error.to_string()).response(),
        },
    }
}

/// The methods of a path of our own.
fn allowed(path: &str) -> &'static str {
    match path {
        "/v1/cache/purge"
        | "/v1/reload"
        | "/v1/upstream/hold"
        | "/v1/upstream/release"
        | login::LOGOUT => "POST",
        "/v1/log" => "GET, HEAD, PUT",
        LOGIN => "GET, HEAD, POST",
        _ => "GET, HEAD",
    }
}
