//! The upstream's base URL, and targets below it.

use std::{fmt, str::FromStr};

use bytes::{BufMut, BytesMut};
use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

/// Where the upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// The built-in stand-in of the lunch API, in this process.
    Demo,
    /// At a base URL.
    At(Base),
}

impl FromStr for Upstream {
    type Err = InvalidBase;

    fn from_str(text: &str) -> Result<Upstream, InvalidBase> {
        if text == "demo" { Ok(Upstream::Demo) } else { text.parse().map(Upstream::At) }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Upstream::Demo => f.write_str("demo"),
            Upstream::At(base) => base.fmt(f),
        }
    }
}

impl serde::Serialize for Upstream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Scheme, authority and path of the upstream; the path ends with a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    scheme: Scheme,
    authority: Authority,
    path: String,
}

/// Why a text is not a base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBase {
    /// It does not parse.
    #[error("not a URL ({0}): write it like http://127.0.0.1:9000/api/, or `demo`")]
    NotAUrl(String),
    /// It has another scheme, or none.
    #[error("begin it with http:// or https:// (or say `demo`)")]
    Scheme,
    /// It has a user name or a password.
    #[error("leave the user name out: credentials are not sent from a URL")]
    UserInfo,
    /// It has a query.
    #[error("leave the query out: each request brings its own")]
    Query,
    /// Its path has a dot-segment or a backslash.
    #[error("write the path without '.', '..' and backslashes")]
    Path,
}

impl Base {
    /// Host and port.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The path, which ends with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the way there is TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URI of a target below this base: the base's path without its last
    /// slash, then the target's bytes as they are.
    pub fn join(&self, target: &Uri) -> Result<Uri, http::Error> {
        let below = target.path_and_query().map_or("/", PathAndQuery::as_str);
        let path_and_query = if self.path == "/" {
            target.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"))
        } else {
            let prefix = &self.path[..self.path.len() - 1];
            let mut joined = BytesMut::with_capacity(prefix.len() + below.len());
            joined.put(prefix.as_bytes());
            joined.put(below.as_bytes());
            PathAndQuery::from_maybe_shared(joined.freeze())?
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
    }
}

impl FromStr for Base {
    type Err = InvalidBase;

    fn from_str(text: &str) -> Result<Base, InvalidBase> {
        let uri: Uri = text.parse().map_err(|error| InvalidBase::NotAUrl(format!("{error}")))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(InvalidBase::Scheme);
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(InvalidBase::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(InvalidBase::UserInfo);
        }
        let path_and_query = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path_and_query.query().is_some() {
            return Err(InvalidBase::Query);
        }
        let target = crate::target::Target::new(path_and_query).map_err(|_| InvalidBase::Path)?;
        let mut path = target.as_str().to_owned();
        if !path.ends_with('/') {
            path.push('/');
        }
        Ok(Base { scheme, authority, path })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, target: &'static str, expected: &str) {
        let base: Base = base.parse().unwrap();
        assert_eq!(base.join(&Uri::from_static(target)).unwrap().to_string(), expected);
    }

    #[test]
    fn a_target_is_appended_as_it_is() {
        check("http://h/api/", "/x", "http://h/api/x");
        check("http://h/api", "/x", "http://h/api/x");
        check("http://h", "/x", "http://h/x");
        check("https://h:8443/a/b/", "//x//?", "https://h:8443/a/b//x//?");
        check("http://h/api/", "/", "http://h/api/");
        check("http://h/api/", "/a%2Fb;c|d?q=%zz&", "http://h/api/a%2Fb;c|d?q=%zz&");
        check("http://[::1]:80/api/", "/x", "http://[::1]:80/api/x");
    }

    #[track_caller]
    fn check_invalid(text: &str, expected: &InvalidBase) {
        assert_eq!(&text.parse::<Base>().unwrap_err(), expected, "{text}");
    }

    #[test]
    fn what_is_no_base_says_what_to_do() {
        check_invalid("menu.example", &InvalidBase::Scheme);
        check_invalid("ftp://h/", &InvalidBase::Scheme);
        check_invalid("/api", &InvalidBase::Scheme);
        check_invalid("http://a:b@h/", &InvalidBase::UserInfo);
        check_invalid("http://h/api?x", &InvalidBase::Query);
        check_invalid("http://h/a/../b", &InvalidBase::Path);
        assert!(matches!("http://".parse::<Base>(), Err(InvalidBase::NotAUrl(_))));
    }

    #[test]
    fn demo_is_an_upstream() {
        assert_eq!("demo".parse::<Upstream>(), Ok(Upstream::Demo));
        assert_eq!("http://h/api".parse::<Upstream>().unwrap().to_string(), "http://h/api/");
    }
}
