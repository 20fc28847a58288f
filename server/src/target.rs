//! The request target, made canonical once, at the door (RFC 9112 §3.2).
//!
//! Cache key and upstream target are the same string: what is answered from
//! the cache is what was asked of the upstream. The bytes that a client sends
//! go upstream unchanged; a target that another server could read as climbing
//! out of the upstream's base path is refused.

use http::{Uri, uri::PathAndQuery};

/// The prefix under which every path of the upstream can be reached.
pub const ANYTHING: &str = "/relay_anything";

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

    /// The path alone.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The target as a string, for messages and logs.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The target that a reference of the upstream's names (RFC 3986 §5.2),
    /// `None` where it leads elsewhere or to no target.
    ///
    /// `host` is the authority that the client asked: an absolute reference has
    /// to name that one. What points into the upstream's base has been made a
    /// reference to our own path before.
    pub fn resolve(&self, reference: &str, host: Option<&str>) -> Option<Target> {
        let reference = reference.split('#').next().unwrap_or_default();
        let reference = match reference.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, rest) = rest.split_at(end);
                host.filter(|host| host.eq_ignore_ascii_case(authority))?;
                if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
            }
            _ if reference.starts_with("//") => return None,
            _ => reference.to_owned(),
        };
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (reference.as_str(), None),
        };
        let path = match path {
            "" if query.is_none() => return Some(self.clone()),
            "" => self.0.path().to_owned(),
            path if path.starts_with('/') => without_dot_segments(path),
            path => {
                let folder = self.0.path().rsplit_once('/').map_or("", |(folder, _)| folder);
                without_dot_segments(&format!("{folder}/{path}"))
            }
        };
        let whole = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let own = Target::new(whole.parse().ok()?).ok()?;
        // Names of our own hide some paths, which then go by a longer one.
        let hidden = own.0.path().strip_prefix(ANYTHING).is_some_and(|rest| rest.starts_with('/'));
        if hidden { Target::below(ANYTHING, &own.0.into()).ok() } else { Some(own) }
    }
}

/// A path whose segments `.` and `..` have been taken away (RFC 3986 §5.2.4).
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
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

    #[track_caller]
    fn check_resolved(reference: &str, expected: Option<&str>) {
        let target = Target::new("/a/b?c".parse().unwrap()).unwrap();
        let resolved = target.resolve(reference, Some("relay:1"));
        assert_eq!(resolved.as_ref().map(Target::as_str), expected, "{reference}");
    }

    #[test]
    fn references_are_resolved() {
        check_resolved("", Some("/a/b?c"));
        check_resolved("#x", Some("/a/b?c"));
        check_resolved("?d", Some("/a/b?d"));
        check_resolved("x", Some("/a/x"));
        check_resolved("x/?d#e", Some("/a/x/?d"));
        check_resolved("./x", Some("/a/x"));
        check_resolved("../x", Some("/x"));
        check_resolved("../../../x", Some("/x"));
        check_resolved(".", Some("/a/"));
        check_resolved("..", Some("/"));
        check_resolved("/x/../y", Some("/y"));
        check_resolved("x?u=http://h/", Some("/a/x?u=http://h/"));
        check_resolved("http://relay:1/x", Some("/x"));
        check_resolved("HTTP://RELAY:1", Some("/"));
        check_resolved("https://relay:1?d", Some("/?d"));
        check_resolved("http://other/x", None);
        check_resolved("//relay:1/x", None);
        check_resolved("/relay_anything/docs", Some("/docs"));
        check_resolved("/x y", None);
    }

    #[test]
    fn below_a_prefix() {
        let below = |uri| Target::below("/relay_anything", &Uri::from_static(uri));
        assert_eq!(below("/relay_anything/docs?x").unwrap().as_str(), "/docs?x");
        assert_eq!(below("/relay_anything//x").unwrap().as_str(), "//x");
        assert_eq!(below("/relay_anything/../x"), Err(Refused::DotSegment));
    }
}
