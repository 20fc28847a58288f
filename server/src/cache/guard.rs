//! A rule's guard: which answers are worse than what is stored.
//!
//! An upstream that fails in part may say so with a `200` whose content is
//! empty. A guard names the value in a JSON document that tells.

use std::{fmt, str::FromStr, time::Duration};

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// Larger content is not looked into.
pub const LOOKED_INTO: usize = 1 << 20;

/// What a rule asks of answers before they replace what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The value that must not be empty.
    pub non_empty: Pointer,
    /// How long after it was received, or last found good, a better response is
    /// kept.
    pub keep_better_for: Duration,
}

/// A place in a JSON document (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

/// What a guard says of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has what it should have.
    Good,
    /// It has not, or it is an error of the upstream's.
    Worse,
    /// It is of another kind: the guard has nothing to say.
    Other,
}

impl Guard {
    /// What the head tells, if the content need not be looked at.
    pub fn of_head(status: StatusCode, headers: &HeaderMap) -> Option<Verdict> {
        if status.is_server_error() {
            return Some(Verdict::Worse);
        }
        let is_coded = headers.get(header::CONTENT_ENCODING).is_some_and(|it| it != "identity");
        (status != StatusCode::OK || is_coded).then_some(Verdict::Other)
    }

    /// What the content of a `200` tells. What is not JSON, or ends early, is
    /// worse.
    pub fn of_content(&self, content: &[u8]) -> Verdict {
        if LOOKED_INTO < content.len() {
            return Verdict::Other;
        }
        let document: Option<Value> = serde_json::from_slice(content).ok();
        let value = document.as_ref().and_then(|document| document.pointer(&self.non_empty.0));
        if value.is_some_and(|value| !is_empty(value)) { Verdict::Good } else { Verdict::Worse }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Pointer, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("'{text}' is no JSON pointer: it begins with '/', as in /menu"));
        }
        let is_escape = |rest: &str| rest.starts_with('0') || rest.starts_with('1');
        if !text.split('~').skip(1).all(is_escape) {
            return Err(format!("'{text}' is no JSON pointer: '~' is written ~0, and '/' ~1"));
        }
        Ok(Pointer(text.to_owned()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(pointer: &str, content: &str, expected: Verdict) {
        let guard = Guard { non_empty: pointer.parse().unwrap(), keep_better_for: Duration::ZERO };
        assert_eq!(guard.of_content(content.as_bytes()), expected, "{pointer} in {content}");
    }

    #[test]
    fn what_the_pointer_points_to_must_not_be_empty() {
        for full in [r#"[{"dish":"x"}]"#, r#""x""#, r#"{"a":null}"#, "0", "false", "[null]"] {
            check("/menu", &format!(r#"{{"menu":{full}}}"#), Verdict::Good);
        }
        for empty in ["[]", r#""""#, "{}", "null"] {
            check("/menu", &format!(r#"{{"menu":{empty}}}"#), Verdict::Worse);
        }
        check("", "[1]", Verdict::Good);
        check("", "[]", Verdict::Worse);
        check("/a/1/b~1c", r#"{"a":[0,{"b/c":[1]}]}"#, Verdict::Good);
        check("/a/2", r#"{"a":[0,1]}"#, Verdict::Worse);
    }

    #[test]
    fn what_is_no_document_is_worse() {
        check("/menu", "", Verdict::Worse);
        check("/menu", "<h1>Down for maintenance</h1>", Verdict::Worse);
        check("/menu", r#"{"menu":[1]"#, Verdict::Worse);
        check("/menu", &"[".repeat(10_000), Verdict::Worse);
    }

    #[test]
    fn what_is_large_is_not_looked_into() {
        check("/menu", &" ".repeat(LOOKED_INTO + 1), Verdict::Other);
    }

    #[test]
    fn the_head_tells_of_errors_and_of_what_cannot_be_read() {
        let check = |status: u16, coding: &'static str, expected| {
            let mut headers = HeaderMap::new();
            if !coding.is_empty() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            let found = Guard::of_head(status.try_into().unwrap(), &headers);
            assert_eq!(found, expected, "{status} {coding}");
        };
        check(200, "", None);
        check(200, "identity", None);
        check(200, "gzip", Some(Verdict::Other));
        check(404, "", Some(Verdict::Other));
        check(500, "", Some(Verdict::Worse));
        check(503, "gzip", Some(Verdict::Worse));
    }

    #[test]
    fn pointers() {
        for good in ["", "/", "/a", "/a/0/~0~1"] {
            assert_eq!(good.parse::<Pointer>().unwrap().to_string(), good);
        }
        for bad in ["menu", "/a~", "/a~2", "#/a"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad}");
        }
    }
}
