//! The pages that are not the API's data: errors, redirects, documentation.

use std::fmt::Write as _;

use super::Era;

/// The path is not there, or nothing has that identifier.
pub(super) fn not_found(era: Era) -> String {
    let message = "The requested URL was not found on the server. If you entered the URL manually \
                   please check your spelling and try again.";
    page(era, "404 Not Found", message)
}

/// What an unknown identifier brought about in eras B and D.
pub(super) fn internal_server_error(era: Era) -> String {
    let message = "The server encountered an internal error and was unable to complete your \
                   request. Either the server is overloaded or there is an error in the \
                   application.";
    page(era, "500 Internal Server Error", message)
}

/// The path knows other methods.
pub(super) fn method_not_allowed(era: Era) -> String {
    page(era, "405 Method Not Allowed", "The method is not allowed for the requested URL.")
}

/// A form without the field it needs.
pub(super) fn bad_request(era: Era) -> String {
    let message = "The browser (or proxy) sent a request that this server could not understand.";
    page(era, "400 Bad Request", message)
}

/// An error page of Flask, which wrote them in another HTML from 2022 on.
fn page(era: Era, title: &str, message: &str) -> String {
    let doctype = if era < Era::D {
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">"
    } else {
        "<!doctype html>\n<html lang=en>"
    };
    let (_status, name) = title.split_once(' ').unwrap_or_default();
    format!("{doctype}\n<title>{title}</title>\n<h1>{name}</h1>\n<p>{message}</p>\n")
}

/// Era A's redirect to the path with the slash; the unclosed end is its own.
pub(super) fn redirecting(location: &str) -> String {
    let location = html(location);
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<title>Redirecting...</title>\n\
         <h1>Redirecting...</h1>\n<p>You should be redirected automatically to target URL: \
         <a href=\"{location}\">{location}</a>.  If not click the link."
    )
}

/// The longest request line that gunicorn reads.
pub(super) const REQUEST_LINE_LIMIT: usize = 4094;

/// gunicorn's own page for a request line beyond its limit.
pub(super) fn request_line_too_large(length: usize) -> String {
    format!(
        "<html>\n  <head>\n    <title>Bad Request</title>\n  </head>\n  <body>\n    \
         <h1><p>Bad Request</p></h1>\n    Request Line is too large ({length} &gt; \
         {REQUEST_LINE_LIMIT})\n  </body>\n</html>\n"
    )
}

/// An error page of nginx, the proxy in front.
pub(super) fn nginx(title: &str) -> String {
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
         </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The documentation page of eras E and F, without the scripts that the real one
/// fetches from elsewhere.
pub(super) const DOCS: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>FastAPI - Swagger UI</title>\
    \n</head>\n<body>\n<p>A stand-in of the lunch menu API: \
    <a href=\"/api/openapi.json\">/api/openapi.json</a></p>\n</body>\n</html>\n";

/// The `OpenAPI` document of eras E and F: as with the real one, the schema of
/// every answer is empty.
pub(super) fn openapi() -> String {
    const OPERATIONS: [(&str, &str); 4] = [
        ("/api", "List Entities"),
        ("/api/restaurant", "List Restaurants"),
        ("/api/restaurant/{name}", "Get Restaurant"),
        ("/api/version", "Get Backend Version"),
    ];

    let mut paths = String::new();
    for (path, summary) in OPERATIONS {
        let comma = if paths.is_empty() { "" } else { "," };
        let parameters = if path.contains('{') {
            r#""parameters":[{"required":true,"schema":{"title":"Name"},"name":"name","in":"path"}],"#
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = write!(
            paths,
            r#"{comma}"{path}":{{"get":{{"summary":"{summary}",{parameters}"responses":{{"200":{{"description":"Successful Response","content":{{"application/json":{{"schema":{{}}}}}}}}}}}}}}"#
        );
    }
    format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"FastAPI","version":"0.1.0"}},"paths":{{{paths}}}}}"#
    )
}

/// Text that is safe inside HTML and its attributes.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_as_long_as_the_real_ones() {
        assert_eq!(not_found(Era::A).len(), 232);
        assert_eq!(not_found(Era::D).len(), 207);
        assert_eq!(internal_server_error(Era::B).len(), 290);
        assert_eq!(internal_server_error(Era::D).len(), 265);
        assert_eq!(method_not_allowed(Era::A).len(), 178);
        assert_eq!(bad_request(Era::A).len(), 192);
        assert_eq!(redirecting("http://127.0.0.1:18001/api/").len(), 261);
    }

    #[test]
    fn a_redirect_cannot_carry_markup() {
        assert!(redirecting("http://h/\"><b>&").contains("\"http://h/&quot;&gt;&lt;b&gt;&amp;\""));
    }

    #[test]
    fn the_openapi_document_is_json() {
        let document: serde_json::Value = serde_json::from_str(&openapi()).unwrap();
        assert_eq!(document["paths"].as_object().unwrap().len(), 4);
    }
}
