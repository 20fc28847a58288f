//! The request target, made canonical once, at the door (RFC 9112 §3.2).
//!
//! Cache key and upstream target are the same string: what is answered from
//! the cache is what was asked of the upstream. The bytes that a client sends
//! go upstream unchanged; a target that another server could read as climbing
//! out of the upstream's base path is refused.

use http::{Uri, uri::PathAndQuery};

/// A path and query that is safe to append to the upstream's base.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target(PathAndQuery);

/// Why a request target is not relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A segment of the path is `.` or `..`, plainly or percent-encoded.
    #[error(
        "the path has a segment that decodes to '.' or '..': send the path that it stands for (RFC 3986 §5.2.4)"
    )]
    DotSegment,
    /// The path has a backslash, which some servers take for a slash.
    #[error("the path has a backslash: send '/' to separate segments, or '%5C' for the character")]
    Backslash,
    /// The target has no path, as in `CONNECT host:443`.
    #[error("the request target has no path: send '/' and what follows it")]
    NoPath,
}

impl Target {
    /// The target of a request, its authority ignored (RFC 9112 §3.2.2).
    pub fn of(uri: &Uri) -> Result<Target, Refused> {
        match uri.path_and_query() {
            Some(path_and_query) => Target::new(path_and_query.clone()),
            None => Err(Refused::NoPath),
        }
    }

    /// The target below `prefix`, as `/relay_anything/x?y` stands for `/x?y`.
    ///
    /// `prefix` ends before a slash, and `uri` is known to begin with both.
    pub fn below(prefix: &str, uri: &Uri) -> Result<Target, Refused> {
        let whole = uri.path_and_query().ok_or(Refused::NoPath)?;
        let rest = &whole.as_str()[prefix.len()..];
        Target::new(rest.parse().map_err(|_| Refused::NoPath)?)
    }

    /// Checks a path and query.
    pub fn new(path_and_query: PathAndQuery) -> Result<Target, Refused> {
        let path = path_and_query.path();
        if !path.starts_with('/') {
            return Err(Refused::NoPath);
        }
        // Almost every path has neither a dot-segment nor anything encoded.
        if path.bytes().any(|byte| matches!(byte, b'.' | b'%' | b'\\')) {
            if path.contains('\\') {
                return Err(Refused::Backslash);
            }
            if segments(path).any(is_dot_segment) {
                return Err(Refused::DotSegment);
            }
        }
        Ok(Target(path_and_query))
    }

    /// The path and query, byte for byte as the client sent them.
    pub fn path_and_query(&self) -> &PathAndQuery {
        &self.0
    }

    /// The target as a string, for messages and logs.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The segments of a path as the most lenient server would cut them: at `/`
/// and `\`, plain or percent-encoded once.
fn segments(path: &str) -> impl Iterator<Item = &[u8]> {
    let bytes = path.as_bytes();
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let current = rest?;
        for at in 0..current.len() {
            let width = match &current[at..] {
                [b'/', ..] => 1,
                [b'%', b'2', b'f' | b'F', ..] | [b'%', b'5', b'c' | b'C', ..] => 3,
                _ => continue,
            };
            rest = Some(&current[at + width..]);
            return Some(&current[..at]);
        }
        rest = None;
        Some(current)
    })
}

fn is_dot_segment(segment: &[u8]) -> bool {
    let mut dots = 0;
    let mut rest = segment;
    loop {
        rest = match rest {
            [] => return matches!(dots, 1 | 2),
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return false,
        };
        dots += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: Result<&str, Refused>) {
        let actual = Target::new(target.parse().unwrap());
        assert_eq!(actual.as_ref().map(Target::as_str), expected.as_ref().copied(), "{target}");
    }

    #[test]
    fn bytes_stay_as_they_came() {
        for target in [
            "/",
            "/restaurant/rudbeck",
            "//double//slash",
            "/a%2Fb",
            "/a%5Cb",
            "/%zz/%",
            "/å/räksås",
            "/a;b=c",
            "/a|b{c}",
            "/empty?",
            "/q?x=../y&z=\\",
            "/...",
            "/.well-known/x",
            "/a..b",
            "/..a",
            "/%2e%2e%2e",
            "/%252e%252e",
        ] {
            check(target, Ok(target));
        }
    }

    #[test]
    fn dot_segments_are_refused() {
        for target in [
            "/.",
            "/..",
            "/../x",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2e/x",
            "/.%2E/x",
            "/a%2f..%2fb",
            "/a%2F%2e%2E",
            "/a%5c..%5Cb",
            "/..?x",
            "/a/..%2f",
        ] {
            check(target, Err(Refused::DotSegment));
        }
    }

    #[test]
    fn backslashes_are_refused() {
        check("/a\\b", Err(Refused::Backslash));
        check("/..\\x", Err(Refused::Backslash));
    }

    #[test]
    fn a_target_without_a_path_is_refused() {
        check("*", Err(Refused::NoPath));
        assert_eq!(Target::of(&Uri::from_static("host:443")), Err(Refused::NoPath));
    }

    #[test]
    fn an_absolute_form_keeps_its_path_only() {
        let target = Target::of(&Uri::from_static("http://evil.example/a?b")).unwrap();
        assert_eq!(target.as_str(), "/a?b");
        let target = Target::of(&Uri::from_static("http://evil.example")).unwrap();
        assert_eq!(target.as_str(), "/");
    }

    #[test]
    fn below_a_prefix() {
        let below = |uri| Target::below("/relay_anything", &Uri::from_static(uri));
        assert_eq!(below("/relay_anything/docs?x").unwrap().as_str(), "/docs?x");
        assert_eq!(below("/relay_anything//x").unwrap().as_str(), "//x");
        assert_eq!(below("/relay_anything/../x"), Err(Refused::DotSegment));
    }
}
