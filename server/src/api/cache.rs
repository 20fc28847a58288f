//! What is stored, for the operator: to be looked at, and purged.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use poem::web::RemoteAddr;
use poem_openapi::{
    ApiRequest, Object, OpenApi, Tags, param,
    payload::{Form, Json},
};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::{
    cache::{
        Cache,
        browse::{Entry, Page, Query, Sort, Summary},
        explain::Explanation,
        purge::{How, Mode, Purge, Purged, What, path_of, without_host},
    },
    exchange::{Arrival, RequestHead},
    names::Names,
    problem::Problem,
    target::{ANYTHING, Target},
};

/// Fields of a request that is explained, at most.
const MOST_FIELDS: usize = 64;

/// What is stored, for the operator.
#[derive(Clone, Debug)]
pub struct CacheApi {
    /// Where it is.
    pub cache: Arc<Cache>,
    /// The upstream's address, which URLs may begin with.
    pub upstream: String,
    /// The names that the relay answers itself.
    pub names: Names,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// What is stored
    Cache,
}

/// A part of a list of entries.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Entries {
    /// The entries.
    pub items: Vec<Summary>,
    /// How many there are on all pages.
    pub total: u64,
    /// Which page it is; the first is 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
    /// Entries on a page.
    pub per_page: u32,
}

impl From<Page<Summary>> for Entries {
    fn from(page: Page<Summary>) -> Entries {
        let Page { items, total, page, pages, per_page } = page;
        Entries { items, total, page, pages, per_page }
    }
}

/// A purge, in either form.
#[derive(ApiRequest)]
enum PurgeRequest {
    /// As JSON.
    Json(Json<PurgeAsked>),
    /// As a form.
    Form(Form<PurgeAsked>),
}

/// What is to be purged: one of `url`, `prefix`, `tag` and `entry`.
#[derive(Debug, Object, Deserialize)]
struct PurgeAsked {
    /// All that is stored for this URL: a path with its query, or a whole URL of the relay or of
    /// the upstream.
    url: Option<String>,
    /// All whose path with its query begins so.
    prefix: Option<String>,
    /// All that has this tag (`Surrogate-Key`, `Cache-Tag`, `Cache-Groups`).
    tag: Option<String>,
    /// The entry with this id.
    entry: Option<String>,
    /// Make it stale instead of removing it, and refresh what has been asked for before.
    #[oai(default)]
    #[serde(default)]
    soft: bool,
    /// Say what would be purged, and purge nothing.
    #[oai(default)]
    #[serde(default)]
    dry_run: bool,
}

#[OpenApi(tag = "Topic::Cache")]
#[expect(clippy::unused_async, reason = "the macro asks for async functions")]
impl CacheApi {
    /// What is stored
    ///
    /// An entry is what is stored for one URL, with all its variants.
    #[oai(path = "/v1/cache", method = "get", operation_id = "cache")]
    async fn list(
        &self,
        /// A part of the URL, in any case
        #[oai(validator(max_length = 8192))]
        text: param::Query<Option<String>>,
        /// A tag that it has
        #[oai(validator(max_length = 256))]
        tag: param::Query<Option<String>>,
        /// In which order
        sort: param::Query<Option<Sort>>,
        /// Which page; the first is 1
        page: param::Query<Option<u64>>,
        /// Entries on a page
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        per_page: param::Query<Option<u32>>,
    ) -> poem::Result<Json<Entries>> {
        let usual = Query::default();
        let query = Query {
            text: text.0.unwrap_or_default(),
            tag: tag.0.unwrap_or_default(),
            sort: sort.0.unwrap_or_default(),
            page: page.0.unwrap_or(usual.page),
            per_page: per_page.0.unwrap_or(usual.per_page),
        };
        Ok(Json(self.listed(query).await?.into()))
    }

    /// One entry
    ///
    /// Its variants with their fields, how fresh they are, and on which clause they are stored.
    #[oai(path = "/v1/cache/entries/:id", method = "get", operation_id = "cache_entry")]
    async fn entry(
        &self,
        /// Its id, as the list says it
        id: param::Path<String>,
    ) -> poem::Result<Json<Entry>> {
        let entry = self.cache.entry(&id.0);
        Ok(Json(entry.ok_or_else(|| {
            let detail = "no such entry is stored: it may have left since it was listed";
            Problem::new(StatusCode::NOT_FOUND, "http_request_error", detail)
        })?))
    }

    /// Purge
    ///
    /// Where a purge is real it reaches all relays that share a tier, and what is on its way is
    /// not stored when it comes. A soft purge makes stale: what is stored answers where it may,
    /// and what has been asked for before is refreshed, one after the other.
    #[oai(path = "/v1/cache/purge", method = "post", operation_id = "cache_purge")]
    async fn purge(&self, asked: PurgeRequest) -> poem::Result<Json<Purged>> {
        let (PurgeRequest::Json(Json(asked)) | PurgeRequest::Form(Form(asked))) = asked;
        let purge = Purge {
            what: self.what(&asked)?,
            how: if asked.soft { How::Soft } else { How::Hard },
            mode: if asked.dry_run { Mode::Dry } else { Mode::Real },
        };
        Ok(Json(self.carry_out(purge).await?))
    }

    /// What would happen to a request now
    ///
    /// And which clause says so. Nothing is done.
    #[oai(path = "/v1/explain", method = "get", operation_id = "explain")]
    async fn explain(
        &self,
        /// Its URL: a path with its query, or a whole URL of the relay or of the upstream
        #[oai(validator(max_length = 16384))]
        url: param::Query<String>,
        /// Its method; GET where none is said
        #[oai(validator(max_length = 64))]
        method: param::Query<Option<String>>,
        /// Its fields, each as `Name: value`
        header: param::Query<Vec<String>>,
    ) -> poem::Result<Json<Explanation>> {
        Ok(Json(self.cache.explain(self.request(&url.0, method.0.as_deref(), &header.0)?)))
    }
}

impl CacheApi {
    /// The entries that a query asks for.
    pub(crate) async fn listed(&self, query: Query) -> Result<Page<Summary>, Problem> {
        let cache = Arc::clone(&self.cache);
        aside(move || cache.list(&query)).await
    }

    /// Purges, or says what a purge would end.
    pub(crate) async fn carry_out(&self, purge: Purge) -> Result<Purged, Problem> {
        let (cache, asked) = (Arc::clone(&self.cache), purge.clone());
        let purged = aside(move || cache.purge(&asked)).await?;
        let purged = purged.map_err(|refused| Problem::bad_request(refused.to_string()))?;
        if purge.mode == Mode::Real {
            tracing::info!(what = ?purge.what, how = ?purge.how, count = purged.count, "purged");
        }
        Ok(purged)
    }

    /// The path with its query that a URL means.
    pub(crate) fn path<'a>(&self, url: &'a str) -> &'a str {
        self.below_upstream(url).unwrap_or_else(|| path_of(url))
    }

    /// The path of a URL that begins with the upstream's.
    fn below_upstream<'a>(&self, url: &'a str) -> Option<&'a str> {
        match url.strip_prefix(self.upstream.trim_end_matches('/'))? {
            "" => Some("/"),
            below => below.starts_with('/').then_some(below),
        }
    }

    /// Whether a URL is answered by the relay itself.
    fn is_own(&self, url: &str) -> bool {
        let path = without_host(url);
        let end = path.find('?').unwrap_or(path.len());
        self.below_upstream(url).is_none() && self.names.are_own(&path[..end])
    }

    fn what(&self, asked: &PurgeAsked) -> Result<What, Problem> {
        let path = |url: &String| self.path(url).to_owned();
        match (&asked.url, &asked.prefix, &asked.tag, &asked.entry) {
            (Some(url), None, None, None) => Ok(What::Url(path(url))),
            (None, Some(prefix), None, None) => Ok(What::Prefix(path(prefix))),
            (None, None, Some(tag), None) => Ok(What::Tag(tag.clone())),
            (None, None, None, Some(entry)) => Ok(What::Entry(entry.clone())),
            _ => Err(Problem::bad_request("say one of url, prefix, tag and entry")),
        }
    }

    /// The request that is asked about.
    pub(crate) fn request(
        &self,
        url: &str,
        method: Option<&str>,
        fields: &[String],
    ) -> Result<RequestHead, Problem> {
        let path = self.path(url);
        if self.is_own(url) {
            let detail =
                format!("{path} is answered by the relay itself: ask for {ANYTHING}{path}");
            return Err(Problem::bad_request(detail));
        }
        let target = path.parse().map_err(|_| format!("url: {path:?} is no path with its query"));
        let target = target.and_then(|path| Target::new(path).map_err(|no| format!("url: {no}")));
        let method = method.unwrap_or("GET").parse::<Method>();
        let method = method.map_err(|_| Problem::bad_request("method: there is no such method"))?;
        if MOST_FIELDS < fields.len() {
            return Err(Problem::bad_request(format!("header: {MOST_FIELDS} at most")));
        }
        let mut headers = http::HeaderMap::new();
        for line in fields {
            let (name, value) = field(line).ok_or_else(|| {
                Problem::bad_request(format!("header: {line:?} is not written as 'Name: value'"))
            })?;
            headers.append(name, value);
        }
        Ok(RequestHead {
            method,
            target: target.map_err(Problem::bad_request)?,
            version: Version::HTTP_11,
            headers,
            remote: RemoteAddr::default(),
            arrival: Arrival::now(),
        })
    }
}

/// A field line.
fn field(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
}

/// Does what takes a while where nobody else waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    spawn_blocking(work).await.map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "proxy_internal_error", error.to_string())
    })
}

#[cfg(test)]
mod tests;
