//! Style, script and icon: they do not change while the process lives.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, header};
use poem::{Endpoint, Response, endpoint::make_sync};

use crate::api::document::Document;

/// Where the style is.
pub(super) const STYLE: &str = "/assets/console.css";
/// Where the script is.
pub(super) const SCRIPT: &str = "/assets/console.js";
/// Where the icon is.
pub(super) const ICON: &str = "/assets/icon.svg";

pub(super) fn style() -> impl Endpoint<Output = Response> {
    static STYLE: LazyLock<Document> =
        LazyLock::new(|| asset(include_bytes!("assets/console.css"), "text/css; charset=utf-8"));
    make_sync(|request| STYLE.answer(&request))
}

pub(super) fn script() -> impl Endpoint<Output = Response> {
    static SCRIPT: LazyLock<Document> = LazyLock::new(|| {
        asset(include_bytes!("assets/console.js"), "text/javascript; charset=utf-8")
    });
    make_sync(|request| SCRIPT.answer(&request))
}

pub(super) fn icon() -> impl Endpoint<Output = Response> {
    static ICON: LazyLock<Document> =
        LazyLock::new(|| asset(include_bytes!("assets/icon.svg"), "image/svg+xml"));
    make_sync(|request| ICON.answer(&request))
}

fn asset(content: &[u8], media_type: &'static str) -> Document {
    let headers = HeaderMap::from_iter([(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    )]);
    Document::new(content.to_vec(), media_type, headers)
}
