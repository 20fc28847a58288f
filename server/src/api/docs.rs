//! The documentation: a page and the `OpenAPI` description that it shows.
//!
//! The page asks nobody but this relay for anything: script and style are part
//! of it, and its policy (CSP) allows just those two scripts by their hashes.
//! It is made when it is first asked for and kept compressed.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderMap, HeaderValue, header};
use poem::{Endpoint, Response, endpoint::make_sync};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::document::Document;
use crate::release;

const TITLE: &str = "lunch-relay";
const DESCRIPTION: &str = "A polite caching relay. Every path that is not named here is the \
    upstream's: `GET /URI` is answered with what the upstream says to `/URI`, byte for byte, and \
    from memory as long as it is fresh. `Cache-Status` (RFC 9211) says which it was.";

const OPERATORS: &str = "The operator's listener of a relay: what is stored and why, purges, and \
    how things stand with the upstream. Where a token is asked for, send it as \
    `Authorization: Bearer TOKEN`, or log in at `/login`.";

/// Starts the documentation's own code, once its script is there.
const START: &str = "window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', \
    deepLinking: true, validatorUrl: null, defaultModelsExpandDepth: 0 });";

/// The endpoints of `api` as a service, described by [`openapi`].
pub fn service<A: OpenApi>(api: A) -> OpenApiService<A, ()> {
    OpenApiService::new(api, TITLE, release::VERSION).description(DESCRIPTION)
}

/// The description of `service` and of the relayed paths.
pub fn openapi<A: OpenApi>(
    service: &OpenApiService<A, ()>,
) -> impl Endpoint<Output = Response> + use<A> {
    let mut description: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    describe_relayed(&mut description);
    describe_menus(&mut description);
    json_document(&description)
}

/// The description of the operator's `service`, which relays nothing.
pub fn operators<A: OpenApi>(
    service: &OpenApiService<A, ()>,
) -> impl Endpoint<Output = Response> + use<A> {
    let mut description: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    description["info"]["description"] = OPERATORS.into();
    json_document(&description)
}

fn json_document(description: &Value) -> impl Endpoint<Output = Response> + use<> {
    let text = serde_json::to_vec(description).unwrap_or_default();
    let document = Document::new(text, "application/json", HeaderMap::new());
    make_sync(move |request| document.answer(&request))
}

/// The page.
pub fn page() -> impl Endpoint<Output = Response> {
    static PAGE: LazyLock<Document> = LazyLock::new(|| {
        let (text, policy) = swagger_ui();
        let headers = HeaderMap::from_iter([
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ]);
        Document::new(text.into_bytes(), "text/html; charset=utf-8", headers)
    });
    make_sync(|request| PAGE.answer(&request))
}

/// The page and the policy that allows its two scripts and its style.
///
/// The assets are those that poem-openapi carries, in a page of our own.
fn swagger_ui() -> (String, HeaderValue) {
    let theirs = OpenApiService::new((), "", "").swagger_ui_html();
    let style = between(&theirs, "<style charset=\"UTF-8\">", "</style>");
    let script = between(&theirs, "<script charset=\"UTF-8\">", "</script>");
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{TITLE}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{style}</style>\n</head>\n<body>\n<div id=\"ui\"></div>\n\
         <script>{script}</script>\n<script>{START}</script>\n</body>\n</html>\n"
    );
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(script),
        hash(START),
        hash(style),
    );
    let policy =
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    (page, policy)
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(inside, _)| inside)
}

/// Adds what the typed description of the menus cannot say: values to try out,
/// and the listings for a terminal.
fn describe_menus(description: &mut Value) {
    for (parameters, name, example) in [
        ("/paths/~1v1~1restaurants~1{id}/get/parameters", "id", "bikupan"),
        ("/paths/~1v1~1dishes/get/parameters", "q", "fisk"),
    ] {
        let parameters = description.pointer_mut(parameters).and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["name"] == name {
                parameter["example"] = example.into();
            }
        }
    }
    let Some(paths) = description["paths"].as_object_mut() else { return };
    if !paths.contains_key("/v1/restaurants") {
        return;
    }
    let listing = |operation: &str, summary: &str, parameters: Value| {
        json!({ "get": {
            "tags": ["lunch"],
            "summary": summary,
            "operationId": operation,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "Text, as wide as asked for or 80 columns.",
                    "content": { "text/plain; charset=utf-8": { "schema": { "type": "string" } } }
                },
                "default": {
                    "description": "What is wrong, in a line; the statuses are those of /v1/restaurants.",
                    "content": { "text/plain; charset=utf-8": { "schema": { "type": "string" } } }
                }
            }
        }})
    };
    let asked = |name: &str, description: &str, kind: &str| {
        json!({ "name": name, "in": "query", "required": false, "description": description,
            "schema": { "type": kind } })
    };
    let width = asked("width", "Columns of the listing", "integer");
    let day = json!([
        asked("region", "The region, or what its name begins with", "string"),
        asked("find", "Only the dishes that match, as q of /v1/dishes", "string"),
        width,
    ]);
    let name = json!({ "name": "restaurant", "in": "path", "required": true,
        "description": "Its identifier or its name", "schema": { "type": "string" },
        "example": "bikupan" });
    paths.insert("/lunch".to_owned(), listing("lunch", "What there is to eat, to read", day));
    let one = listing("lunch_restaurant", "One restaurant, to read", json!([name, width]));
    paths.insert("/lunch/{restaurant}".to_owned(), one);
}

/// Adds the paths that a typed description has no template for.
fn describe_relayed(description: &mut Value) {
    let relayed = |method: &str, prefix: &str| {
        let place = prefix.trim_matches('/').replace('/', "_");
        json!({
            "tags": ["relay"],
            "summary": format!("Relay {} to the upstream", method.to_uppercase()),
            "operationId": format!("relay{}{place}_{method}", if place.is_empty() { "" } else { "_" }),
            "parameters": [{
                "name": "path", "in": "path", "required": true, "schema": { "type": "string" },
                "description": "The path below the upstream's base, slashes included, with its query; sent as it is.",
                "example": "restaurant/"
            }],
            "responses": {
                "default": {
                    "description": "What the upstream answered: status, fields and body as they came.",
                    "headers": {
                        "Cache-Status": {
                            "description": "How the relay came by this answer (RFC 9211).",
                            "schema": { "type": "string" },
                            "example": "lunch-relay; hit; ttl=598"
                        },
                        "Age": {
                            "description": "Seconds since the upstream said it, if it comes from the cache (RFC 9111 §5.1).",
                            "schema": { "type": "integer" }
                        }
                    },
                    "content": { "*/*": {} }
                },
                "400": problem("The target or the request is malformed, or could leave the upstream's base path."),
                "502": problem("The upstream cannot be reached, or broke the exchange off."),
                "504": problem("The upstream took too long, or nothing is stored and only-if-cached was asked for."),
                "508": problem("The request has passed this relay before.")
            }
        })
    };
    let Some(paths) = description["paths"].as_object_mut() else { return };
    for prefix in ["", "/relay_anything"] {
        let mut item = serde_json::Map::new();
        for method in ["get", "head", "post", "put", "patch", "delete", "options"] {
            item.insert(method.to_owned(), relayed(method, prefix));
        }
        let summary = if prefix.is_empty() {
            "Any path that is not the relay's own"
        } else {
            "The same resource, for paths that the relay's own names hide"
        };
        item.insert("summary".to_owned(), summary.into());
        paths.insert(format!("{prefix}/{{path}}"), item.into());
    }
    description["components"]["schemas"]["Problem"] = json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong and what to do about it." }
        }
    });
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_its_policy_names_its_parts() {
        let (page, policy) = swagger_ui();
        assert!(1_000_000 < page.len(), "{}", page.len());
        assert!(page.contains(START));
        assert_eq!(policy.to_str().unwrap().matches("sha256-").count(), 3);
    }
}
