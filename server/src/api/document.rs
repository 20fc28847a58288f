//! Documents that do not change while the process lives: kept in memory, plain
//! and compressed, and sent once to whoever remembers their entity tag.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Request, Response};
use sha2::{Digest, Sha256};

use crate::list::members;

/// A document that does not change while the process lives.
#[derive(Debug)]
pub struct Document {
    plain: Bytes,
    compressed: Bytes,
    entity_tag: HeaderValue,
    media_type: &'static str,
    headers: HeaderMap,
}

impl Document {
    /// A document with fields of its own.
    pub fn new(text: Vec<u8>, media_type: &'static str, headers: HeaderMap) -> Document {
        let hash = BASE64.encode(&Sha256::digest(&text)[..12]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let _ = encoder.write_all(&text);
        Document {
            compressed: encoder.finish().unwrap_or_default().into(),
            plain: text.into(),
            // Weak: the compressed form is the same document in other bytes.
            entity_tag: HeaderValue::try_from(format!("W/\"{hash}\""))
                .unwrap_or(HeaderValue::from_static("W/\"\"")),
            media_type,
            headers,
        }
    }

    /// The answer to who asks for it.
    pub fn answer(&self, request: &Request) -> Response {
        let (mut response, coding) = if self.is_known_to(request.headers()) {
            (Response::from(StatusCode::NOT_MODIFIED), None)
        } else if accepts_gzip(request.headers()) {
            (Response::from(self.compressed.clone()), Some("gzip"))
        } else {
            (Response::from(self.plain.clone()), None)
        };
        let headers = response.headers_mut();
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        headers.extend(self.headers.clone());
        headers.insert(header::ETAG, self.entity_tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response.set_content_type(self.media_type)
    }

    /// Whether `If-None-Match` names this document (RFC 9110 §13.1.2).
    fn is_known_to(&self, headers: &HeaderMap) -> bool {
        let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
        let own = opaque(self.entity_tag.to_str().unwrap_or_default());
        members(headers, &header::IF_NONE_MATCH).any(|tag| tag == "*" || opaque(tag) == own)
    }
}

/// Whether `Accept-Encoding` names gzip and not with a weight of zero (RFC 9110 §12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    members(headers, &header::ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts
            .filter_map(|weight| weight.strip_prefix("q="))
            .any(|weight| weight.parse() == Ok(0.0));
        is_gzip && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, &str)]) -> Request {
        lines
            .iter()
            .fold(Request::builder(), |request, (name, value)| request.header(*name, *value))
            .finish()
    }

    fn document() -> Document {
        Document::new(b"text".to_vec(), "text/plain", HeaderMap::new())
    }

    #[track_caller]
    fn check(lines: &[(&str, &str)], status: u16, encoding: Option<&str>) {
        let response = document().answer(&request(lines));
        assert_eq!(response.status(), status, "{lines:?}");
        assert_eq!(response.header("content-encoding"), encoding, "{lines:?}");
    }

    #[test]
    fn compressed_for_those_who_can_read_it() {
        check(&[], 200, None);
        check(&[("accept-encoding", "br, GZIP;q=0.5")], 200, Some("gzip"));
        check(&[("accept-encoding", "gzip;q=0")], 200, None);
        check(&[("accept-encoding", "gzip; q=0.000, br")], 200, None);
    }

    #[test]
    fn not_sent_to_those_who_have_it() {
        let tag = document().entity_tag.to_str().unwrap().to_owned();
        check(&[("if-none-match", &tag)], 304, None);
        check(&[("if-none-match", &format!("\"x\", {}", &tag[2..]))], 304, None);
        check(&[("if-none-match", "*")], 304, None);
        check(&[("if-none-match", "\"x\"")], 200, None);
    }
}
