//! What is stored: a list, and one entry.

use std::sync::Arc;

use askama::{Template, filters::urlencode_strict};
use http::StatusCode;
use poem::{Request, Response};
use serde::Deserialize;

use super::{
    frame::{Frame, Tab, html, query},
    show::{self, Row},
};
use crate::{
    cache::browse::{Entry, Page, Query, Sort, Summary},
    console::{Console, words},
    problem::Problem,
};

/// The orders that can be chosen.
const ORDERS: [(Sort, &str); 5] = [
    (Sort::Uri, "by URL"),
    (Sort::Hits, "most hits"),
    (Sort::Size, "largest"),
    (Sort::Age, "oldest"),
    (Sort::Ttl, "stale soonest"),
];
/// The columns, each of which can be sorted by.
const COLUMNS: [(Sort, &str); 5] = [
    (Sort::Uri, "URL"),
    (Sort::Ttl, "Freshness"),
    (Sort::Age, "Age"),
    (Sort::Hits, "Hits"),
    (Sort::Size, "Size"),
];

/// What is asked for.
#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    text: String,
    tag: String,
    sort: Sort,
    page: u64,
    /// How many were purged before the list was shown.
    purged: Option<u64>,
}

impl Default for Asked {
    fn default() -> Asked {
        let Query { text, tag, sort, page, .. } = Query::default();
        Asked { text, tag, sort, page, purged: None }
    }
}

impl Asked {
    fn is_filtered(&self) -> bool {
        !self.text.is_empty() || !self.tag.is_empty()
    }

    /// The same list in another order, or another page of it.
    fn href(&self, sort: Sort, page: u64) -> String {
        let (text, tag) = (encoded(&self.text), encoded(&self.tag));
        format!("/cache?text={text}&tag={tag}&sort={}&page={page}", word(sort))
    }

    fn orders(&self) -> [Order; ORDERS.len()] {
        ORDERS.map(|(sort, name)| Order { word: word(sort), name, is_chosen: sort == self.sort })
    }

    fn columns(&self) -> [Column; COLUMNS.len()] {
        COLUMNS.map(|(sort, name)| Column {
            name,
            href: self.href(sort, 1),
            sorted: (sort == self.sort).then(|| direction(sort)),
        })
    }
}

/// An order that can be chosen.
struct Order {
    word: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// The head of a column.
struct Column {
    name: &'static str,
    /// The list, sorted by it.
    href: String,
    /// In which direction it is sorted, if the list is.
    sorted: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "cache.html")]
struct List {
    frame: Frame,
    orders: [Order; ORDERS.len()],
    columns: [Column; COLUMNS.len()],
    rows: Page<Row>,
    /// The page before, and the next.
    before: Option<String>,
    next: Option<String>,
    message: Option<String>,
    asked: Asked,
}

impl List {
    fn of(frame: Frame, asked: Asked, found: Page<Summary>) -> List {
        let Page { items, total, page, pages, per_page } = found;
        List {
            frame,
            orders: asked.orders(),
            columns: asked.columns(),
            before: (1 < page).then(|| asked.href(asked.sort, pages.min(page - 1))),
            next: (page < pages).then(|| asked.href(asked.sort, page + 1)),
            rows: Page {
                items: items.into_iter().map(Row::of).collect(),
                total,
                page,
                pages,
                per_page,
            },
            message: asked.purged.map(purged),
            asked,
        }
    }
}

pub(in crate::console) async fn cache(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Cache);
    let asked: Asked = match query(&request) {
        Ok(asked) => asked,
        Err(problem) => return frame.refused(&problem),
    };
    let Asked { text, tag, sort, page, .. } = &asked;
    let (text, tag) = (text.clone(), tag.clone());
    let query = Query { text, tag, sort: *sort, page: *page, ..Query::default() };
    match console.cache.listed(query).await {
        Ok(found) => html(StatusCode::OK, &List::of(frame, asked, found)),
        Err(problem) => frame.refused(&problem),
    }
}

#[derive(Template)]
#[template(path = "entry.html")]
struct OfEntry {
    frame: Frame,
    entry: Entry,
}

pub(in crate::console) async fn entry(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Cache);
    let id: String = request.path_params().unwrap_or_default();
    if let Some(entry) = console.cache.cache.entry(&id) {
        html(StatusCode::OK, &OfEntry { frame, entry })
    } else {
        let detail = "No such entry is stored. It may have left since it was listed.";
        frame.refused(&Problem::new(StatusCode::NOT_FOUND, "http_request_error", detail))
    }
}

/// What was purged, in words.
fn purged(number: u64) -> String {
    match number {
        0 => "Nothing of what was meant is stored any more.".to_owned(),
        1 => "1 stored response was purged.".to_owned(),
        _ => format!("{} stored responses were purged.", words::count(number)),
    }
}

/// The word for an order in a query.
fn word(sort: Sort) -> &'static str {
    match sort {
        Sort::Uri => "uri",
        Sort::Hits => "hits",
        Sort::Size => "size",
        Sort::Age => "age",
        Sort::Ttl => "ttl",
    }
}

/// Whether what is least comes first.
fn direction(sort: Sort) -> &'static str {
    match sort {
        Sort::Uri | Sort::Ttl => "ascending",
        Sort::Hits | Sort::Size | Sort::Age => "descending",
    }
}

/// A text as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    // Text is always encoded.
    urlencode_strict(text).map(|text| text.to_string()).unwrap_or_default()
}
